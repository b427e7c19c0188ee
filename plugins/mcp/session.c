/* SPDX-License-Identifier: Apache-2.0
 *
 * Which revision a server speaks, and requests with their answers. It is asked server/discover; who
 * answers anything but that it speaks the modern one is greeted as a classic one is. A modern
 * request says of itself what it is, and what went before does not matter. The only state of a
 * classic server is that it was greeted.
 */
#include "mcp.h"

void outcome_done(struct outcome *outcome)
{
    free(outcome->message);
    memset(outcome, 0, sizeof(*outcome));
}

/* ---- writing ---- */

static void put_capabilities(seam_writer *out, const char *key)
{
    seam_put_object(out, key);
    seam_put_object(out, "elicitation");
    seam_put_object(out, "form");
    seam_put_end(out);
    seam_put_end(out);
    seam_put_end(out);
}

static void put_client(seam_writer *out, const char *key)
{
    seam_put_object(out, key);
    seam_put_text(out, "name", "seam");
    seam_put_text(out, "version", "1.0.0");
    seam_put_end(out);
}

static bool is_hex(const char *text, size_t len)
{
    return strspn(text, "0123456789abcdef") >= len;
}

/* What a call is a part of: the same in every attempt, since it is made of its key. */
static void put_trace(seam_writer *out, const struct caller *caller)
{
    char trace[64];
    if (!is_hex(caller->key, 48))
        return;
    snprintf(trace, sizeof(trace), "00-%.32s-%.16s-01", caller->key, caller->key + 32);
    seam_put_text(out, "traceparent", trace);
    seam_put_text(out, "org.seam/idempotencyKey", caller->key);
}

static void put_meta(seam_writer *out, const struct server *server, const struct caller *caller,
                     bool modern, bool progress, uint64_t id)
{
    (void)server;
    seam_put_object(out, "_meta");
    if (modern) {
        seam_put_text(out, "io.modelcontextprotocol/protocolVersion", MODERN);
        put_client(out, "io.modelcontextprotocol/clientInfo");
        put_capabilities(out, "io.modelcontextprotocol/clientCapabilities");
    }
    if (progress)
        seam_put_integer(out, "progressToken", (int64_t)id);
    put_trace(out, caller);
    seam_put_end(out);
}

static void put_head(seam_writer *out, const char *method, uint64_t id)
{
    seam_put_object(out, NULL);
    seam_put_text(out, "jsonrpc", "2.0");
    if (id > 0)
        seam_put_integer(out, "id", (int64_t)id);
    seam_put_text(out, "method", method);
}

static void write_request(seam_writer *out, const struct server *server,
                          const struct caller *caller, const struct request *request, bool modern,
                          uint64_t id)
{
    put_head(out, request->method, id);
    seam_put_object(out, "params");
    seam_json_walk walk = seam_json_members(request->params);
    while (seam_json_next(&walk)) {
        char *key = seam_json_text(walk.key, NULL);
        seam_put_json(out, key ? key : "", walk.value);
        free(key);
    }
    put_meta(out, server, caller, modern, request->progress, id);
    seam_put_end(out);
    seam_put_end(out);
}

static void write_initialize(seam_writer *out, uint64_t id)
{
    put_head(out, "initialize", id);
    seam_put_object(out, "params");
    seam_put_text(out, "protocolVersion", CLASSIC);
    put_capabilities(out, "capabilities");
    put_client(out, "clientInfo");
    seam_put_end(out);
    seam_put_end(out);
}

/* ---- one request and its answers ---- */

/* Where they come from: the program's lines, or a POST. */
struct way {
    struct server *server;
    const struct caller *caller;
    bool web, modern;
    struct waiting waiting;
    struct exchange exchange;
    uint64_t until_ns;
};

static const char *version_of(const struct server *server, bool modern)
{
    return modern ? MODERN : server->version[0] ? server->version : NULL;
}

static bool way_open(struct way *way, const struct request *request, bool modern, uint64_t id,
                     uint32_t timeout_ms, seam_bytes body, struct trouble *trouble)
{
    struct server *server = way->server;
    const seam_host *host = server->host;
    way->web = server->settings.url != NULL;
    way->modern = modern;
    way->until_ns =
        timeout_ms ? host->now_ns(host, SEAM_CLOCK_MONOTONIC) + timeout_ms * UINT64_C(1000000) : 0;
    if (body.len == 0)
        return trouble_set(trouble, SEAM_E_INPUT, SEAM_EFFECT_NONE, "mcp.too-much",
                           "the request is larger than a message may be");
    if (way->web) {
        struct post post = {.method = modern ? request->method : NULL,
                            .name = modern ? request->name : NULL,
                            .version = version_of(server, modern),
                            .effect = request->effect,
                            .params = modern ? request->params_headers : NULL,
                            .timeout_ms = timeout_ms,
                            .body = body};
        return exchange_open(&way->exchange, &server->web, way->caller, &post, trouble);
    }
    way->waiting = (struct waiting){.id = id, .call = way->caller->id};
    pipe_wait_begin(&server->pipe, &way->waiting);
    return pipe_say(&server->pipe, body, trouble);
}

static struct message *way_next(struct way *way, struct trouble *trouble)
{
    if (way->web)
        return exchange_next(&way->exchange, trouble);
    return pipe_next(&way->server->pipe, &way->waiting, way->caller, way->until_ns, trouble);
}

static void way_close(struct way *way)
{
    if (way->web)
        exchange_close(&way->exchange);
    else
        pipe_wait_end(&way->server->pipe, &way->waiting);
}

void session_say(struct server *server, const struct caller *caller, bool modern, seam_bytes body)
{
    struct trouble ignored = {0};
    struct exchange exchange;
    if (!server->settings.url) {
        pipe_say(&server->pipe, body, &ignored);
        return;
    }
    struct post post = {
        .version = version_of(server, modern), .timeout_ms = NOTICE_MS, .body = body};
    exchange_open(&exchange, &server->web, caller, &post, &ignored);
    exchange_close(&exchange);
}

static void say_cancelled(const struct way *way, uint64_t id)
{
    seam_writer out = SEAM_WRITER;
    if (way->web && way->modern)
        return; /* to close the connection says it */
    put_head(&out, "notifications/cancelled", 0);
    seam_put_object(&out, "params");
    seam_put_integer(&out, "requestId", (int64_t)id);
    seam_put_end(&out);
    seam_put_end(&out);
    session_say(way->server, way->caller, false, seam_written(&out));
    seam_writer_done(&out);
}

static bool lists(seam_bytes versions, const char *version)
{
    seam_json_walk walk = seam_json_members(versions);
    while (seam_json_next(&walk))
        if (seam_json_is(walk.value, version))
            return true;
    return false;
}

/* The code of an error that says: not so, but in the modern revision. */
static const char knows_modern[] = "mcp.revision";

/* The code of an error that says: it knows nothing of the session. */
static const char lost_session[] = "mcp.session";

/* A null is none. */
static seam_bytes error_of(seam_bytes message)
{
    seam_bytes error = seam_json_at(message, "/error");
    return seam_json_kind_of(error) == SEAM_JSON_NULL ? (seam_bytes){0} : error;
}

static bool is_error(seam_bytes error)
{
    int64_t code;
    return seam_json_kind_of(error) == SEAM_JSON_OBJECT &&
           seam_json_integer(seam_json_at(error, "/code"), &code);
}

/* What an error is. Where the request was answered with a status of its own, that says more. */
static seam_status kind_of_error(int status, int64_t code)
{
    seam_status kind = status / 100 > 2 ? seam_http_failure(status) : SEAM_E_FAILED;
    return kind == SEAM_E_FAILED && code == -32602 ? SEAM_E_INPUT : kind;
}

/* The result, or the error that it is. */
static bool read_answer(int status, struct message *message, struct outcome *outcome,
                        struct trouble *trouble)
{
    seam_bytes all = {message->bytes, message->len};
    seam_bytes error = error_of(all), result = seam_json_at(all, "/result");
    if (error.len == 0 && seam_json_kind_of(result) == SEAM_JSON_OBJECT) {
        outcome->message = message;
        outcome->result = result;
        return true;
    }
    char *words = seam_json_text(seam_json_at(error, "/message"), NULL);
    int64_t code = 0;
    seam_json_integer(seam_json_at(error, "/code"), &code);
    if (error.len == 0)
        trouble_set(trouble, SEAM_E_FAILED, SEAM_EFFECT_UNKNOWN, "mcp.message",
                    "the server sent an answer with neither a result nor an error");
    else
        trouble_set(trouble, kind_of_error(status, code),
                    code == -32602 || code == -32601 ? SEAM_EFFECT_NONE : SEAM_EFFECT_UNKNOWN,
                    "mcp.error", "the server answers with error %lld: %.700s", (long long)code,
                    words ? words : "(no words)");
    if (code == -32022 && lists(seam_json_at(error, "/data/supported"), MODERN))
        snprintf(trouble->code, sizeof(trouble->code), "%s", knows_modern);
    free(words);
    free(message);
    return false;
}

static bool has_id(seam_bytes all, uint64_t id)
{
    int64_t number = -1;
    return seam_json_integer(seam_json_at(all, "/id"), &number) && (uint64_t)number == id;
}

static int status_of(const struct way *way)
{
    return way->web ? exchange_status(&way->exchange) : 0;
}

/* What the host saw of a request that writes: nothing, where the grant calls its status a refusal.
 */
static uint32_t effect_of(const struct way *way)
{
    const struct exchange *exchange = &way->exchange;
    return way->web && !exchange->streams ? exchange->whole.answer.effect : SEAM_EFFECT_UNKNOWN;
}

/* No answer came, though the connection ended well. */
static bool no_answer(const struct way *way, struct trouble *trouble)
{
    int status = status_of(way);
    if (trouble->status != SEAM_OK)
        return false;
    if (way->web && status / 100 != 2)
        return trouble_set(trouble, seam_http_failure(status), effect_of(way), "mcp.http",
                           "the server answers with status %d%s", status,
                           status == 401 ? " (cure: a token, as a secret in `headers` of its "
                                           "`config`)"
                                         : "");
    return trouble_set(trouble, SEAM_E_UNAVAILABLE, SEAM_EFFECT_UNKNOWN, "mcp.message",
                       "the server's answer has no result");
}

/* Something came that is no message; a status that is none of success says why. */
static bool no_message(const struct way *way, const struct message *message,
                       struct trouble *trouble)
{
    enum { BEGINNING = 80 };
    size_t len = message->len < BEGINNING ? message->len : BEGINNING;
    while (len > 0 && len < message->len && ((unsigned char)message->bytes[len] & 0xC0) == 0x80)
        len--;
    if (way->web && status_of(way) / 100 != 2)
        return no_answer(way, trouble);
    return trouble_set(trouble, SEAM_E_UNAVAILABLE, SEAM_EFFECT_UNKNOWN, "mcp.message",
                       "the server's answer is no message of MCP, which is an object in JSON; it "
                       "begins: %.*s%s",
                       (int)len, message->bytes, len < message->len ? "…" : "");
}

static bool hear(struct way *way, const struct request *request, uint64_t id,
                 struct outcome *outcome, struct trouble *trouble)
{
    struct message *message;
    while ((message = way_next(way, trouble))) {
        seam_bytes all = seam_json_parse((seam_bytes){message->bytes, message->len});
        seam_bytes method = seam_json_at(all, "/method"), error = error_of(all);
        bool other = way->web && error.len > 0 && !is_error(error); /* a gateway's, perhaps */
        if (seam_json_kind_of(all) != SEAM_JSON_OBJECT || other) {
            no_message(way, message, trouble);
            free(message);
            return false;
        }
        if (method.len == 0 && (has_id(all, id) || error.len > 0))
            return read_answer(status_of(way), message, outcome, trouble);
        if (way->web && seam_json_is(method, LIST_CHANGED))
            watch_changed(way->server);
        if (seam_json_is(method, "notifications/progress") && request->progress)
            between_progress(way->caller, all);
        else if (method.len > 0 && seam_json_at(all, "/id").len > 0 &&
                 !between_answer(way->server, way->caller, request->asking, all, trouble)) {
            free(message);
            return false;
        }
        free(message);
    }
    return no_answer(way, trouble);
}

/* A classic server answers 404 to a session that it has ended, or forgot when it was started again:
 * the next request greets it anew. */
static void look_for_loss(struct way *way, struct trouble *trouble)
{
    struct web *web = &way->server->web;
    const char *session = way->exchange.session;
    if (!way->web || way->modern || !session[0] || status_of(way) != 404)
        return;
    pthread_mutex_lock(&web->lock);
    if (strcmp(web->session, session) == 0) {
        web->session[0] = '\0';
        web->losses++;
    }
    pthread_mutex_unlock(&web->lock);
    *trouble = (struct trouble){0};
    trouble_set(trouble, SEAM_E_UNAVAILABLE, effect_of(way), lost_session,
                "the server does not know the session that it gave (status 404)");
}

/* An effect's request is the same in every attempt, its number too. */
static uint64_t id_of(struct server *server, const struct caller *caller, const char *effect)
{
    char digits[13] = "";
    if (effect && is_hex(caller->key, 12)) {
        memcpy(digits, caller->key, 12);
        uint64_t sum = 0;
        for (const char *c = effect; *c; c++)
            sum = sum * 31 + (unsigned char)*c;
        return ((strtoull(digits, NULL, 16) ^ sum) & 0xFFFFFFFFFFF) + (UINT64_C(1) << 44);
    }
    pthread_mutex_lock(&server->web.lock);
    uint64_t id = ++server->next_id;
    pthread_mutex_unlock(&server->web.lock);
    return id;
}

static bool ask_once(struct server *server, const struct caller *caller,
                     const struct request *request, bool modern, uint32_t timeout_ms,
                     struct outcome *outcome, struct trouble *trouble)
{
    struct way way = {.server = server, .caller = caller};
    uint64_t id = id_of(server, caller, request->effect);
    seam_writer out = SEAM_WRITER;
    if (timeout_ms == 0 && caller->deadline_ns == 0)
        timeout_ms = UNTIMED_MS;
    if (strcmp(request->method, "initialize") == 0)
        write_initialize(&out, id);
    else
        write_request(&out, server, caller, request, modern, id);
    bool good = way_open(&way, request, modern, id, timeout_ms, seam_written(&out), trouble) &&
                hear(&way, request, id, outcome, trouble);
    if (!good && (trouble->status == SEAM_E_CANCELLED || trouble->status == SEAM_E_TIMEOUT ||
                  trouble->status == SEAM_E_INPUT_REQUIRED))
        say_cancelled(&way, id);
    if (!good)
        look_for_loss(&way, trouble);
    way_close(&way);
    seam_writer_done(&out);
    return good;
}

/* ---- which revision ---- */

/* Whatever it says but yes, it is none: an old server may say anything to what it does not know. */
static bool is_modern(struct server *server, const struct caller *caller, struct trouble *trouble)
{
    struct outcome outcome = {0};
    struct trouble why = {0};
    struct request discover = {.method = "server/discover", .params = seam_text("{}")};
    bool answered = ask_once(server, caller, &discover, true, PROBE_MS, &outcome, &why);
    if (!answered && strcmp(why.code, knows_modern) == 0) {
        why = (struct trouble){0};
        answered = ask_once(server, caller, &discover, true, PROBE_MS, &outcome, &why);
    }
    bool modern = answered && lists(seam_json_at(outcome.result, "/supportedVersions"), MODERN);
    outcome_done(&outcome);
    /* what the host itself refused would be refused again, and so would who is not known there */
    if ((why.status == SEAM_E_DENIED && strcmp(why.code, "mcp.error") != 0) ||
        why.status == SEAM_E_CANCELLED)
        *trouble = why;
    return modern;
}

static bool greet(struct server *server, const struct caller *caller, struct trouble *trouble)
{
    struct outcome outcome = {0};
    struct request initialize = {.method = "initialize", .params = seam_text("{}")};
    pthread_mutex_lock(&server->web.lock);
    server->web.session[0] = '\0';
    pthread_mutex_unlock(&server->web.lock);
    server->version[0] = '\0';
    if (!ask_once(server, caller, &initialize, false, 0, &outcome, trouble))
        return false;
    char *version = seam_json_text(seam_json_at(outcome.result, "/protocolVersion"), NULL);
    bool sane = version && strlen(version) == 10 && strspn(version, "0123456789-") == 10;
    if (sane)
        snprintf(server->version, sizeof(server->version), "%s", version);
    free(version);
    server->tells = seam_json_true(seam_json_at(outcome.result, "/capabilities/tools/listChanged"));
    outcome_done(&outcome);
    if (!sane)
        return trouble_set(trouble, SEAM_E_FAILED, SEAM_EFFECT_NONE, "mcp.message",
                           "the server does not say which revision it speaks");
    session_say(server, caller, false,
                seam_text("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"));
    return true;
}

static bool find_revision(struct server *server, const struct caller *caller,
                          struct trouble *trouble)
{
    const char *said = server->settings.version;
    if (said && server->revision == UNKNOWN_REVISION)
        server->revision = strcmp(said, MODERN) == 0 ? REVISION_MODERN : REVISION_CLASSIC;
    if (server->revision == UNKNOWN_REVISION) {
        bool modern = is_modern(server, caller, trouble);
        if (trouble->status != SEAM_OK)
            return false;
        /* a program that could not bear the question is started again for the next one */
        if (!server->settings.url && !pipe_start(&server->pipe, trouble))
            return false;
        server->revision = modern ? REVISION_MODERN : REVISION_CLASSIC;
    }
    return true;
}

/* ---- what it tells by itself ---- */

/* A modern server tells of what it was asked to tell of. */
static void write_subscription(seam_writer *out, const struct server *server,
                               const struct caller *caller, uint64_t id)
{
    struct request subscribe = {.method = "subscriptions/listen",
                                .params =
                                    seam_text("{\"notifications\":{\"toolsListChanged\":true}}")};
    write_request(out, server, caller, &subscribe, true, id);
}

/* Of a program: what it tells comes between its answers, and nobody waits for the end. */
static void subscribe_once(struct server *server, const struct caller *caller)
{
    struct trouble ignored = {0};
    seam_writer out = SEAM_WRITER;
    if (server->subscribed == server->pipe.starts)
        return;
    server->subscribed = server->pipe.starts;
    write_subscription(&out, server, caller, id_of(server, caller, NULL));
    pipe_say(&server->pipe, seam_written(&out), &ignored);
    seam_writer_done(&out);
}

bool session_subscribe(struct server *server, const struct caller *caller,
                       struct exchange *exchange, struct trouble *trouble)
{
    seam_writer out = SEAM_WRITER;
    write_subscription(&out, server, caller, id_of(server, caller, NULL));
    struct post post = {
        .method = "subscriptions/listen", .version = MODERN, .body = seam_written(&out)};
    bool open = exchange_open(exchange, &server->web, caller, &post, trouble);
    seam_writer_done(&out);
    return open && exchange->events && exchange_status(exchange) == 200;
}

bool session_open(struct server *server, const struct caller *caller, struct trouble *trouble)
{
    bool web = server->settings.url != NULL;
    if (server->wrong.status != SEAM_OK) {
        *trouble = server->wrong;
        return false;
    }
    pthread_mutex_lock(&server->lock);
    bool open = web || pipe_start(&server->pipe, trouble);
    open = open && find_revision(server, caller, trouble);
    uint64_t start = web ? web_start(&server->web) : server->pipe.starts;
    if (open && server->revision == REVISION_CLASSIC && server->greeted != start) {
        open = greet(server, caller, trouble);
        server->greeted = open ? (web ? start : server->pipe.starts) : 0;
    }
    if (open && !web && server->revision == REVISION_MODERN)
        subscribe_once(server, caller);
    pthread_mutex_unlock(&server->lock);
    return open;
}

bool session_ask(struct server *server, const struct caller *caller, const struct request *request,
                 struct outcome *outcome, struct trouble *trouble)
{
    bool modern = server->revision == REVISION_MODERN;
    if (ask_once(server, caller, request, modern, 0, outcome, trouble))
        return true;
    /* what writes is asked again by nobody but the host */
    if (strcmp(trouble->code, lost_session) != 0 || request->effect)
        return false;
    *trouble = (struct trouble){0};
    return session_open(server, caller, trouble) &&
           ask_once(server, caller, request, modern, 0, outcome, trouble);
}
