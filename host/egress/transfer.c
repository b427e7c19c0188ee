/* SPDX-License-Identifier: Apache-2.0
 *
 * One request: how libcurl is told to send it, and what is known of its bytes afterwards.
 *
 * The one idea: UNSENT is proved, never assumed. libcurl calls `issue` when it has a connection
 * (TLS greeted too) and is about to write the request; while it has not, no byte of the request can
 * have left. After that, without TLS, the count of bytes that the kernel took is proof as well;
 * with TLS it is not, for a record may have left in part. Everything else is UNKNOWN.
 *
 * libcurl would send again by itself: on a reused connection that dies before an answer's first
 * byte, on a refused HTTP/2 stream, on 417 after Expect, on 401 with credentials, on a redirect. A
 * mutating request has a connection of its own, HTTP/1.1, no Expect, no credentials and no
 * redirects. Reads may be sent again on a new connection, and over TLS they share one by HTTP/2
 * where the server offers it. Not those that are read as they come: what libcurl holds back of an
 * HTTP/2 stream it keeps in memory. Each option that is set to its default is one that a default
 * must not change.
 * The deadline is the carrier's: libcurl looks at its own before it reads what has arrived, and not
 * at all while a request waits for a connection.
 *
 * What is asked for is copied on the owner's thread; libcurl is told of it on the I/O thread, where
 * its callbacks run.
 * The caller's header values and URL may hold secrets: no message repeats them.
 */
#include "egress/egress_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* An option fails only for want of memory or when libcurl was built without it: both are ours. */
#define SET(easy, option, value) ASSERT(curl_easy_setopt(easy, option, value) == CURLE_OK)

/* What libcurl asks and tells while it works. */

static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = user;
    (void)purpose;
    carrier_found(transfer->carrier, transfer);
    if (!transfer->allow_private && egress_address_is_private(&address->addr)) {
        const void *bytes = address->family == AF_INET6
                                ? (const void *)&((struct sockaddr_in6 *)&address->addr)->sin6_addr
                                : (const void *)&((struct sockaddr_in *)&address->addr)->sin_addr;
        if (!inet_ntop(address->family, bytes, transfer->denied, sizeof(transfer->denied)))
            snprintf(transfer->denied, sizeof(transfer->denied), "?");
        return CURL_SOCKET_BAD;
    }
    int opened = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                        address->protocol);
    transfer->no_files = opened < 0 && (errno == EMFILE || errno == ENFILE);
    if (opened >= 0) {
        sockets_add(carrier_sockets(transfer->carrier), opened);
        transfer->opened++;
    }
    return opened;
}

/* Whether the peer of a connection, in words, may be reached; one that cannot be read may not. */
static bool may_reach(const struct transfer *transfer, const char *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (transfer->allow_private)
        return true;
    if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
        return !egress_address_is_private((struct sockaddr *)&in);
    return inet_pton(AF_INET6, address, &in6.sin6_addr) == 1 &&
           !egress_address_is_private((struct sockaddr *)&in6);
}

/* A connection that another request opened was checked by that request's rights, not by this one's;
 * so the peer is looked at again before each request is written. */
static int issue(void *user, char *peer, char *local, int peer_port, int local_port)
{
    struct transfer *transfer = user;
    (void)local, (void)peer_port, (void)local_port;
    carrier_found(transfer->carrier, transfer);
    if (!may_reach(transfer, peer)) {
        snprintf(transfer->denied, sizeof(transfer->denied), "%s", peer);
        return CURL_PREREQFUNC_ABORT;
    }
    /* of those that it tried, this one is a connection */
    if (transfer->opened > 0)
        carrier_sockets(transfer->carrier)->doubts += transfer->opened - 1;
    transfer->opened = 0;
    transfer->issued = true;
    return CURL_PREREQFUNC_OK;
}

static int witness(CURL *easy, curl_infotype type, char *bytes, size_t size, void *user)
{
    struct transfer *transfer = user;
    (void)easy;
    if (type == CURLINFO_HEADER_OUT || type == CURLINFO_DATA_OUT)
        transfer->bytes_sent += size;
    /* The alert close_notify; no other message of TLS has two bytes. */
    if (type == CURLINFO_SSL_DATA_IN && size == 2 && bytes[0] == 1 && bytes[1] == 0)
        transfer->farewell = true;
    return 0;
}

static void bring_news(struct transfer *transfer)
{
    pthread_mutex_lock(&transfer->mail->lock);
    mail_has_news(transfer->mail, transfer);
    pthread_mutex_unlock(&transfer->mail->lock);
}

static size_t take_head(char *bytes, size_t size, size_t count, void *user)
{
    struct transfer *transfer = user;
    bool before = transfer->head.complete;
    if (!head_line(&transfer->head, (struct slice){bytes, size * count}))
        return 0;
    if (transfer->arrived && transfer->head.complete && !before)
        bring_news(transfer);
    if (transfer->head.framed && transfer->head.complete && !transfer->begun)
        carrier_begun(transfer->carrier, transfer);
    return size * count;
}

static size_t keep(struct transfer *transfer, const char *bytes, size_t len)
{
    if (transfer->received + len > transfer->maximum) {
        transfer->answer.overflowed = true;
        return 0;
    }
    transfer->received += len;
    return text_add(&transfer->answer, bytes, len) ? len : 0;
}

/* With the lock. */
static size_t keep_to_read(struct transfer *transfer, const char *bytes, size_t len)
{
    size_t unread = transfer->answer.len;
    if (unread > 0 && unread + len > LIMIT_STREAM_WINDOW) {
        transfer->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    size_t kept = keep(transfer, bytes, len);
    if (unread == 0 && kept > 0)
        mail_has_news(transfer->mail, transfer);
    return kept;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *user)
{
    struct transfer *transfer = user;
    if (!transfer->arrived)
        return keep(transfer, bytes, size * count);
    pthread_mutex_lock(&transfer->mail->lock);
    size_t kept = keep_to_read(transfer, bytes, size * count);
    pthread_mutex_unlock(&transfer->mail->lock);
    return kept;
}

/* What was asked for. */

static void add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    ASSERT(longer);
    *list = longer;
}

/* libcurl's spelling: "Name;" sends an empty value, "Name:" removes a header of its own. */
static void copy_headers(struct transfer *transfer, const struct egress_request *request)
{
    bool typed = false;
    for (size_t i = 0; i < request->header_count; i++) {
        const struct egress_header *header = &request->headers[i];
        const char *value = header->value + strspn(header->value, " \t");
        AUTO(freep)
        char *line =
            *value ? xasprintf("%s: %s", header->name, value) : xasprintf("%s;", header->name);
        typed = typed || strcasecmp(header->name, "content-type") == 0;
        add_line(&transfer->headers, line);
    }
    add_line(&transfer->headers, "Expect:");
    if (!typed)
        add_line(&transfer->headers, "Content-Type:");
}

static void copy_body(struct transfer *transfer, const struct egress_request *request)
{
    const char *method = request->method;
    bool carries = request->body.len > 0 || strcmp(method, "POST") == 0 ||
                   strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
    transfer->head_only = strcmp(method, "HEAD") == 0;
    if (!carries || transfer->head_only)
        return;
    transfer->body = xstrndup(request->body.ptr, request->body.len);
    transfer->body_len = request->body.len;
}

static bool is_address(const char *host)
{
    struct in_addr in;
    return inet_pton(AF_INET, host, &in) == 1;
}

static void copy_place(struct transfer *transfer, const struct egress_request *request,
                       struct egress_url *url)
{
    bool brackets = strchr(url->host, ':') != NULL;
    transfer->place =
        xasprintf("%s%s%s:%u", brackets ? "[" : "", url->host, brackets ? "]" : "", url->port);
    transfer->tls = strcmp(url->scheme, "https") == 0;
    transfer->named = !request->connect_to && !brackets && !is_address(url->host);
    transfer->url = TAKE(url->text);
    if (request->connect_to) {
        AUTO(freep) char *rule = xasprintf("::%s", request->connect_to);
        add_line(&transfer->connect_to, rule);
    }
}

enum error_code transfer_new(const struct egress_request *request, const char *ca_file,
                             egress_done done, void *user, struct transfer **ret_transfer,
                             struct error *reterr)
{
    AUTO(egress_url_done) struct egress_url url = {0};
    enum error_code code = request_check(request, reterr);
    if (code == ERR_OK)
        code = egress_url_split(request->url, &url, reterr);
    if (code != ERR_OK)
        return code;

    struct transfer *transfer = xcalloc(1, sizeof(*transfer));
    transfer->done = done;
    transfer->user = user;
    transfer->arrived = request->arrived;
    transfer->mutating = request->mutating;
    transfer->allow_private = request->allow_private;
    transfer->timeout_ms = request->timeout_ms;
    transfer->deadline_ms = INT64_MAX;
    transfer->socket = CURL_SOCKET_BAD;
    transfer->maximum = request->maximum ? request->maximum : LIMIT_PAYLOAD;
    transfer->method = xstrdup(request->method);
    transfer->ca_file = ca_file ? xstrdup(ca_file) : NULL;
    head_init(&transfer->head);
    text_init(&transfer->answer, transfer->maximum);
    copy_place(transfer, request, &url);
    copy_body(transfer, request);
    copy_headers(transfer, request);
    *ret_transfer = transfer;
    return ERR_OK;
}

void transfer_free(struct transfer *transfer)
{
    if (!transfer)
        return;
    curl_slist_free_all(transfer->headers);
    curl_slist_free_all(transfer->connect_to);
    free(transfer->method);
    free(transfer->url);
    free(transfer->ca_file);
    free(transfer->body);
    free(transfer->place);
    head_done(&transfer->head);
    text_done(&transfer->answer);
    free(transfer);
}

/* How libcurl is told. */

static void set_method(const struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    if (transfer->head_only) {
        SET(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (transfer->body) {
        SET(easy, CURLOPT_POST, 1L);
        SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body_len);
        SET(easy, CURLOPT_POSTFIELDS, transfer->body);
    } else {
        SET(easy, CURLOPT_HTTPGET, 1L);
    }
    SET(easy, CURLOPT_CUSTOMREQUEST, transfer->method);
}

/* Reads over TLS may share a connection; each waits to see whether the first one can be shared. */
static void set_version(CURL *easy, bool shared)
{
    SET(easy, CURLOPT_HTTP_VERSION,
        (long)(shared ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    SET(easy, CURLOPT_PIPEWAIT, shared ? 1L : 0L);
}

static void set_laws(CURL *easy, bool mutating)
{
    SET(easy, CURLOPT_FRESH_CONNECT, mutating ? 1L : 0L);
    SET(easy, CURLOPT_FORBID_REUSE, mutating ? 1L : 0L);
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    SET(easy, CURLOPT_PROXY, "");
    SET(easy, CURLOPT_NOPROXY, "*");
    SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(easy, CURLOPT_PATH_AS_IS, 1L);
    SET(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    /* Else an abort would wait for the thread that resolves a name. */
    SET(easy, CURLOPT_QUICK_EXIT, 1L);
}

static void set_callbacks(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    SET(easy, CURLOPT_PRIVATE, transfer);
    SET(easy, CURLOPT_ERRORBUFFER, transfer->words);
    SET(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(easy, CURLOPT_OPENSOCKETDATA, transfer);
    SET(easy, CURLOPT_PREREQFUNCTION, issue);
    SET(easy, CURLOPT_PREREQDATA, transfer);
    SET(easy, CURLOPT_DEBUGFUNCTION, witness);
    SET(easy, CURLOPT_DEBUGDATA, transfer);
    SET(easy, CURLOPT_VERBOSE, 1L);
    SET(easy, CURLOPT_HEADERFUNCTION, take_head);
    SET(easy, CURLOPT_HEADERDATA, transfer);
    SET(easy, CURLOPT_WRITEFUNCTION, take_body);
    SET(easy, CURLOPT_WRITEDATA, transfer);
}

static void set_place(const struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    SET(easy, CURLOPT_URL, transfer->url);
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)LIMIT_CONNECT_MS);
    if (transfer->connect_to)
        SET(easy, CURLOPT_CONNECT_TO, transfer->connect_to);
}

/* Authorities in one file are read once for all connections; a folder beside it, which libcurl adds
 * by itself, has them read for each, and would be believed beside the operator's own file. */
static void set_trust(const struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    const char *file = transfer->ca_file;
    if (file)
        SET(easy, CURLOPT_CAINFO, file);
    else
        ASSERT(curl_easy_getinfo(easy, CURLINFO_CAINFO, (char **)&file) == CURLE_OK);
    if (file && (transfer->ca_file || access(file, R_OK) == 0))
        SET(easy, CURLOPT_CAPATH, NULL);
}

void transfer_equip(struct transfer *transfer, struct carrier *carrier)
{
    transfer->carrier = carrier;
    transfer->easy = curl_easy_init();
    ASSERT(transfer->easy);
    set_laws(transfer->easy, transfer->mutating);
    set_callbacks(transfer);
    set_place(transfer);
    if (transfer->tls)
        set_trust(transfer);
    set_version(transfer->easy, transfer->tls && !transfer->mutating && !transfer->arrived);
    set_method(transfer);
    SET(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
}

void transfer_strip(struct transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    transfer->easy = NULL;
    transfer->carrier = NULL;
}
