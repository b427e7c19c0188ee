/* SPDX-License-Identifier: Apache-2.0
 *
 * What of a request is refused before anybody looks at what it wants. libmicrohttpd 0.9.75 answers
 * requests that two readers could understand as two different ones (a body by two lengths, two
 * hosts, none); here they end. Then who asks: by token; without tokens, whoever may open the unix
 * socket, or is on this machine. A browser is on this machine too, and does what a stranger's page
 * tells it: so without tokens a request must be for loopback by name (a name that was made to point
 * here is not), from no other origin, and a change must be declared as JSON, which a form cannot.
 */
#include "server/server_internal.h"

#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- headers ---- */

static bool is_token(const char *name)
{
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("!#$%&'*+-.^_`|~", *c))
            return false;
    return *name != '\0';
}

static bool is_value(const char *value)
{
    for (const char *c = value; *c; c++)
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
            return false;
    return true;
}

static enum MHD_Result take_header(void *user, enum MHD_ValueKind kind, const char *name,
                                   size_t name_len, const char *value, size_t value_len)
{
    struct headers *headers = user;
    const struct {
        const char *name, **at;
    } known[] = {{"Host", &headers->host},
                 {"Content-Length", &headers->length},
                 {"Transfer-Encoding", &headers->encoding},
                 {"Content-Type", &headers->type},
                 {"Content-Encoding", &headers->coding},
                 {"Authorization", &headers->authorization},
                 {"Origin", &headers->origin},
                 {"Sec-Fetch-Site", &headers->site},
                 {"Idempotency-Key", &headers->key},
                 {"Last-Event-ID", &headers->last_id},
                 {"Accept", &headers->accept}};
    (void)kind;
    if (++headers->count > LIMIT_HEADERS)
        headers->wrong = "more than 256 headers (LIMIT_HEADERS)";
    if (strlen(name) != name_len || !is_token(name) ||
        (value && (strlen(value) != value_len || !is_value(value))))
        headers->wrong = "a header whose name or value has characters that none may have";
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcasecmp(name, known[i].name) != 0)
            continue;
        bool list = known[i].at == &headers->accept; /* it may come in parts: the first counts */
        if (*known[i].at && !list)
            headers->wrong = i == 0 ? "more than one Host" : "a header twice that may come once";
        if (!*known[i].at)
            *known[i].at = value ? value : "";
    }
    return MHD_YES;
}

static const char *wrong_framing(const struct headers *headers, const char *version)
{
    struct slice host;
    if (headers->wrong)
        return headers->wrong;
    if (!headers->host)
        return "no Host";
    if (!authority_host(slice_of(headers->host), &host))
        return "a Host that is none";
    if (headers->length && headers->encoding)
        return "both Content-Length and Transfer-Encoding";
    if (headers->encoding &&
        (strcasecmp(headers->encoding, "chunked") != 0 || strcmp(version, "HTTP/1.0") == 0))
        return "a Transfer-Encoding that is not `chunked`";
    if (headers->length && (*headers->length == '\0' || strlen(headers->length) > 18 ||
                            headers->length[strspn(headers->length, "0123456789")] != '\0'))
        return "a Content-Length that is no number";
    return NULL;
}

/* ---- who asks ---- */

/* A page of another origin asks, through a browser. */
static bool is_foreign(const struct request *request)
{
    const char *origin = request->headers.origin, *site = request->headers.site;
    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return true;
    if (!origin)
        return false;
    const char *rest = strncmp(origin, "http://", 7) == 0    ? origin + 7
                       : strncmp(origin, "https://", 8) == 0 ? origin + 8
                                                             : NULL;
    return !rest || strcasecmp(rest, request->headers.host) != 0;
}

static bool admit_by_place(struct request *request)
{
    struct server *server = request->server;
    struct slice host;
    if (!server->on_unix &&
        (!authority_host(slice_of(request->headers.host), &host) || !host_is_loopback(host))) {
        reply_problem(request, 403,
                      "this server has no tokens, and answers to loopback by its name alone, not "
                      "to Host `%.100s`; ask it at %s, or give the manifest's serve.tokens",
                      request->headers.host, server->address);
        return false;
    }
    const struct passwd *user =
        request->client->uid == (uid_t)-1 ? NULL : getpwuid(request->client->uid);
    request->scopes = SCOPE_ALL;
    request->who = user ? xstrdup(user->pw_name)
                   : request->client->uid == (uid_t)-1
                       ? xasprintf("somebody at %s", request->client->address)
                       : xasprintf("user %u", (unsigned)request->client->uid);
    return true;
}

static bool admit_by_token(struct request *request)
{
    const char *who = NULL;
    request->scopes = tokens_admit(request->server->tokens, request->headers.authorization, &who);
    if (request->scopes) {
        request->who = xstrdup(who);
        return true;
    }
    reply_problem(request, 401,
                  "%s; send `Authorization: Bearer TOKEN` with one of the manifest's "
                  "serve.tokens",
                  request->headers.authorization ? "this token is nobody's"
                                                 : "a token is needed here");
    request->reply.challenge = true;
    return false;
}

/* ---- what is asked for ---- */

struct rule {
    bool get, post, open; /* open: to whoever reaches the server */
    enum api_scope get_scope, post_scope;
};

static const struct rule rules[] = {
    [ROUTE_RUNS] = {true, true, false, SCOPE_READ, SCOPE_RUN},
    [ROUTE_RUN] = {true, false, false, SCOPE_READ, SCOPE_RUN},
    [ROUTE_EVENTS] = {true, false, false, SCOPE_READ, SCOPE_RUN},
    [ROUTE_EXPLAIN] = {true, false, false, SCOPE_READ, SCOPE_RUN},
    [ROUTE_ANSWER] = {false, true, false, SCOPE_READ, SCOPE_ANSWER},
    [ROUTE_CANCEL] = {false, true, false, SCOPE_READ, SCOPE_RUN},
    [ROUTE_RESUME] = {false, true, false, SCOPE_READ, SCOPE_RUN},
    [ROUTE_RELOAD] = {false, true, false, SCOPE_ADMIN, SCOPE_ADMIN},
    [ROUTE_FLOWS] = {true, false, false, SCOPE_READ, SCOPE_RUN},
    [ROUTE_PLUGINS] = {true, false, false, SCOPE_READ, SCOPE_RUN},
    [ROUTE_HEALTHZ] = {true, false, true, SCOPE_READ, SCOPE_RUN},
    [ROUTE_READYZ] = {true, false, true, SCOPE_READ, SCOPE_RUN},
    [ROUTE_METRICS] = {true, false, false, SCOPE_READ, SCOPE_RUN},
    [ROUTE_OPENAPI] = {true, false, true, SCOPE_READ, SCOPE_RUN},
};

static bool admit_scope(struct request *request, const struct rule *rule)
{
    enum api_scope needed = request->post ? rule->post_scope : rule->get_scope;
    if (rule->open || (request->scopes & needed))
        return true;
    reply_problem(request, 403,
                  "the token `%s` has not the scope `%s`; give it that in the manifest's "
                  "serve.tokens, or ask with another",
                  request->who, scope_word(needed));
    return false;
}

static bool admit_method(struct request *request, const char *method, const struct rule *rule)
{
    bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    request->post = strcmp(method, "POST") == 0;
    if ((get && rule->get) || (request->post && rule->post))
        return true;
    const char *allow = rule->get && rule->post ? "GET, HEAD, POST"
                        : rule->get             ? "GET, HEAD"
                                                : "POST";
    reply_problem(request, 405, "%.20s is not for %s; use %s", method,
                  route_path(request->target.route), allow);
    request->reply.allow = allow;
    return false;
}

static bool is_json(const char *type)
{
    static const char json[] = "application/json";
    if (!type || strncasecmp(type, json, sizeof(json) - 1) != 0)
        return false;
    const char *rest = type + sizeof(json) - 1;
    return rest[strspn(rest, " \t")] == '\0' || rest[strspn(rest, " \t")] == ';';
}

static bool admit_body(struct request *request)
{
    const struct headers *headers = &request->headers;
    int64_t payload = request->server->options.roster->manifest->payload, length = 0;
    if (headers->length)
        length = strtoll(headers->length, NULL, 10);
    if (length > payload + (int64_t)LIMIT_CLIENT_HEAD) {
        reply_problem(request, 413,
                      "the body is %lld bytes, where `limits.payload` of the manifest allows %lld; "
                      "pass where the data is, not the data",
                      (long long)length, (long long)payload);
        return false;
    }
    if (headers->coding && strcasecmp(headers->coding, "identity") != 0) {
        reply_problem(request, 415,
                      "expected a body as it is, found `Content-Encoding: %.100s`; send it "
                      "uncompressed, without that header",
                      headers->coding);
        return false;
    }
    if (request->post && !is_json(headers->type)) {
        reply_problem(request, 415, "expected `Content-Type: application/json`, found %s%.100s%s",
                      headers->type ? "`" : "", headers->type ? headers->type : "none",
                      headers->type ? "`" : "");
        return false;
    }
    return true;
}

static bool admit_version(struct request *request, const char *version)
{
    if (strcmp(version, "HTTP/1.1") == 0 || strcmp(version, "HTTP/1.0") == 0)
        return true;
    reply_problem(request, 505, "expected HTTP/1.1, found %.20s", version);
    return false;
}

static bool admit_target(struct request *request)
{
    struct error err;
    enum error_code code = target_parse(slice_of(request->uri), &request->target, &err);
    if (code != ERR_OK)
        reply_problem(request,
                      code == ERR_NOT_FOUND ? 404
                      : code == ERR_LIMIT   ? 414
                                            : 400,
                      "%s", err.text);
    return code == ERR_OK;
}

bool guard_admit(struct request *request, const char *method, const char *version)
{
    MHD_get_connection_values_n(request->client->connection, MHD_HEADER_KIND, take_header,
                                &request->headers);
    const char *wrong = wrong_framing(&request->headers, version);
    if (wrong) {
        reply_problem(request, 400,
                      "the request has %s; send one that can be read in one way alone", wrong);
        request->reply.close = true;
        return false;
    }
    if (!admit_version(request, version) || !admit_target(request))
        return false;
    const struct rule *rule = &rules[request->target.route];
    if (is_foreign(request)) {
        reply_problem(request, 403,
                      "a page of another origin asks; this server answers programs, and pages of "
                      "its own");
        return false;
    }
    if (!rule->open && !(tokens_count(request->server->tokens) ? admit_by_token(request)
                                                               : admit_by_place(request)))
        return false;
    return admit_method(request, method, rule) && admit_scope(request, rule) && admit_body(request);
}
