/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections and requests. libmicrohttpd reads and writes; its descriptor hangs on the loop of the
 * host like any other, and it is run when that is readable, when it asks to be, and when a reply
 * has come that a request waited for. A request is looked at when its head is there (guard.c),
 * asked when it is whole, and answered then, or suspended until the disk has what it is about to be
 * told.
 *
 *   NEW → BODY → ANSWER → IDLE → BODY …       [access, completed]
 *   ANSWER → STREAM                           [stream_queue]
 *
 * Each state but STREAM has its time, whatever trickles in or out; who takes longer is cut off by
 * http_sweep. libmicrohttpd's own time-out counts silence alone.
 */
#include "server/server_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int64_t steady_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void client_is(struct client *client, enum client_state state)
{
    client->state = state;
    client->since_ms = steady_ms();
}

/* ---- the pump ---- */

static void pump_later(uv_timer_t *timer);

static void pump(struct server *server)
{
    MHD_UNSIGNED_LONG_LONG wait = 0;
    if (server->pumping || !server->daemon)
        return;
    server->pumping = true;
    MHD_run(server->daemon);
    server->pumping = false;
    if (MHD_get_timeout(server->daemon, &wait) == MHD_YES)
        uv_timer_start(&server->pump_timer, pump_later, wait < SECOND_MS ? wait : SECOND_MS, 0);
    else
        uv_timer_stop(&server->pump_timer);
}

static void pump_later(uv_timer_t *timer)
{
    pump(timer->data);
}

static void readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    pump(poll->data);
}

void http_pump(struct server *server)
{
    uv_timer_start(&server->pump_timer, pump_later, 0, 0);
}

/* ---- connections ---- */

static void client_free(struct client *client)
{
    struct server *server = client->server;
    *client->back = client->next;
    if (client->next)
        client->next->back = client->back;
    server->by_fd[client->fd] = NULL;
    server->client_count--;
    free(client);
}

void http_admit(struct server *server, struct client *client, const struct sockaddr *address,
                socklen_t size)
{
    size_t fd = (size_t)client->fd;
    if (fd >= server->by_fd_count) {
        size_t count = 2 * (fd + 1);
        server->by_fd = xrealloc(server->by_fd, count * sizeof(struct client *));
        memset(server->by_fd + server->by_fd_count, 0,
               (count - server->by_fd_count) * sizeof(struct client *));
        server->by_fd_count = count;
    }
    client_is(client, CLIENT_NEW);
    server->by_fd[fd] = client;
    client->next = server->clients;
    client->back = &server->clients;
    if (client->next)
        client->next->back = &client->next;
    server->clients = client;
    server->client_count++;
    /* what it does not take it closes, whether it told of it or not */
    if (MHD_add_connection(server->daemon, client->fd, address, size) != MHD_YES &&
        server->by_fd[fd] == client)
        client_free(client);
    http_pump(server);
}

static void connected(void *user, struct MHD_Connection *connection, void **socket_context,
                      enum MHD_ConnectionNotificationCode what)
{
    struct server *server = user;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*socket_context)
            client_free(*socket_context);
        *socket_context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct client *client = server->by_fd[info->connect_fd];
    client->connection = connection;
    *socket_context = client;
}

static int64_t time_of(enum client_state state)
{
    switch (state) {
    case CLIENT_NEW:
        return LIMIT_CLIENT_HEAD_MS;
    case CLIENT_IDLE:
        return LIMIT_CLIENT_IDLE_MS;
    case CLIENT_BODY:
        return LIMIT_CLIENT_BODY_MS;
    case CLIENT_ANSWER:
        return LIMIT_CLIENT_ANSWER_MS;
    case CLIENT_STREAM:
        return INT64_MAX;
    }
    UNREACHABLE("every state has its time");
}

void http_sweep(struct server *server)
{
    int64_t now = steady_ms();
    for (struct client *client = server->clients; client; client = client->next) {
        if (now - client->since_ms <= time_of(client->state))
            continue;
        /* libmicrohttpd sees the end of the connection, and closes it */
        shutdown(client->fd, SHUT_RDWR);
        client_is(client, CLIENT_STREAM);
        server->counts.dropped_clients++;
    }
}

/* ---- requests ---- */

static struct client *client_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* The first line of a request is there: its target, as it was sent. */
static void *request_new(void *user, const char *uri, struct MHD_Connection *connection)
{
    struct request *request = xcalloc(1, sizeof(*request));
    request->server = user;
    request->client = client_of(connection);
    request->client->request = request;
    request->uri = xstrdup(uri);
    request->target.route = ROUTE_COUNT;
    text_init(&request->body, SIZE_MAX / 2);
    text_init(&request->reply.body, SIZE_MAX / 2);
    return request;
}

static void completed(void *user, struct MHD_Connection *connection, void **request_context,
                      enum MHD_RequestTerminationCode how)
{
    struct server *server = user;
    struct request *request = *request_context;
    (void)connection;
    if (!request)
        return;
    if (request->stream && how == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED)
        server_log(server, SEAM_LOG_WARNING,
                   "%s took nothing of run %s for %u s, and is let go of; it may come back with "
                   "Last-Event-ID",
                   request->who, request->target.id, LIMIT_CLIENT_SILENT_S);
    *request_context = NULL;
    unsigned status = request->reply.status / 100;
    if (request->queued)
        server->counts.requests[request->target.route][status < STATUS_CLASSES ? status : 0]++;
    if (request->stream)
        stream_free(request->stream);
    if (request->promise)
        request->promise->request = NULL;
    client_is(request->client, CLIENT_IDLE);
    request->client->request = NULL;
    server->held -= request->held;
    reply_done(&request->reply);
    text_done(&request->body);
    free(request->who);
    free(request->uri);
    free(request);
}

/* ---- replies ---- */

static struct MHD_Response *response_new(struct request *request)
{
    struct reply *reply = &request->reply;
    size_t length = reply->body.len;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, text_take(&reply->body), MHD_RESPMEM_MUST_FREE);
    ASSERT(response);
    if (reply->type)
        MHD_add_response_header(response, "Content-Type", reply->type);
    if (reply->location)
        MHD_add_response_header(response, "Location", reply->location);
    if (reply->allow)
        MHD_add_response_header(response, "Allow", reply->allow);
    if (reply->challenge)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer realm=\"seam\"");
    if (reply->retry_after_s > 0) {
        char seconds[16];
        snprintf(seconds, sizeof(seconds), "%d", reply->retry_after_s);
        MHD_add_response_header(response, "Retry-After", seconds);
    }
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (reply->close || ++request->client->requests >= LIMIT_CLIENT_REQUESTS ||
        request->server->state == SERVER_DRAINING)
        MHD_add_response_header(response, "Connection", "close");
    return response;
}

static enum MHD_Result queue_reply(struct request *request)
{
    struct MHD_Response *response = response_new(request);
    client_is(request->client, CLIENT_ANSWER);
    request->queued = true;
    enum MHD_Result queued =
        http_queue(request->client->connection, request->reply.status, response);
    MHD_destroy_response(response);
    return queued;
}

/* Whether there are words of ours for what libmicrohttpd refuses by itself. */
static bool put_refusal(struct request *request, unsigned status)
{
    if (status == 431)
        reply_problem(request, status,
                      "the head of the request is larger than %u bytes (LIMIT_CLIENT_HEAD); send "
                      "fewer headers, or shorter ones",
                      LIMIT_CLIENT_HEAD);
    else if (status == 414)
        reply_problem(request, status,
                      "the target of the request is longer than %u bytes (LIMIT_CLIENT_URI); "
                      "shorten it",
                      LIMIT_CLIENT_URI);
    else if (status == 413)
        reply_problem(request, status,
                      "the length of the body, or of a chunk of it, is larger than any number; "
                      "pass where the data is, not the data");
    else if (status == 505)
        reply_problem(request, status, "expected HTTP/1.1, found another version; ask in that");
    else if (status == 400)
        reply_problem(request, status,
                      "the request is not HTTP/1.1: expected a method, a target and the version, "
                      "headers as `Name: value` with one Host, an empty line, and a body of the "
                      "length or the chunks that its headers say; send it so");
    return request->reply.status != 0;
}

/* Nothing else is being said then: libmicrohttpd takes a request when the one before is answered.
 * What has come is read first, for a close over unread bytes would take the answer back. */
bool http_refuse(struct MHD_Connection *connection, unsigned status)
{
    struct request request = {.server = NULL};
    char bytes[4096];
    AUTO(text_done) struct text answer;
    text_init(&answer, SIZE_MAX / 2);
    text_init(&request.reply.body, SIZE_MAX / 2);
    bool known = put_refusal(&request, status);
    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    if (known) {
        text_addf(&answer,
                  "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nConnection: close\r\n"
                  "Content-Length: %zu\r\n\r\n",
                  status, status_title(status), request.reply.type, request.reply.body.len);
        text_add(&answer, request.reply.body.ptr, request.reply.body.len);
        while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) == (ssize_t)sizeof(bytes))
            ;
        ssize_t sent = send(fd, answer.ptr, answer.len, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)sent;
        shutdown(fd, SHUT_WR);
    }
    reply_done(&request.reply);
    return known;
}

void http_wake(struct request *request)
{
    if (!request->waiting)
        return;
    request->waiting = false;
    MHD_resume_connection(request->client->connection);
    http_pump(request->server);
}

/* ---- what libmicrohttpd calls ---- */

/* A part of a body. What is too much is read and forgotten, so that the reply can be heard. */
static enum MHD_Result take_body(struct request *request, const char *data, size_t length)
{
    struct server *server = request->server;
    size_t most = (size_t)server->options.roster->manifest->payload + LIMIT_CLIENT_HEAD;
    if (request->too_large || request->body.len + length > most) {
        request->too_large = true;
        server->held -= request->held;
        request->held = 0;
        text_clear(&request->body);
        return MHD_YES;
    }
    if (request->reply.status)
        return MHD_YES;
    if (server->held + length > LIMIT_CLIENT_BODIES + most) {
        reply_problem(request, 503,
                      "the server holds as many bytes of bodies as it may (LIMIT_CLIENT_BODIES); "
                      "try again in a moment");
        return MHD_YES;
    }
    server->held += length;
    request->held += length;
    text_add(&request->body, data, length);
    return MHD_YES;
}

static enum MHD_Result whole(struct request *request)
{
    if (!request->reply.status && request->too_large)
        reply_problem(request, 413,
                      "the body is larger than %lld bytes, which is what `limits.payload` of the "
                      "manifest allows; pass where the data is, not the data",
                      (long long)request->server->options.roster->manifest->payload);
    if (!request->reply.status && !request->stream)
        api_ask(request);
    if (request->stream) {
        client_is(request->client, CLIENT_STREAM);
        request->queued = true;
        request->reply.status = 200;
        return stream_queue(request);
    }
    if (request->reply.status)
        return queue_reply(request);
    client_is(request->client, CLIENT_STREAM); /* the disk has its own time */
    request->waiting = true;
    MHD_suspend_connection(request->client->connection);
    return MHD_YES;
}

static enum MHD_Result access_handler(void *user, struct MHD_Connection *connection,
                                      const char *url, const char *method, const char *version,
                                      const char *data, size_t *size, void **request_context)
{
    struct request *request = *request_context;
    (void)user;
    (void)connection;
    (void)url; /* decoded; request->uri is as it was sent */
    if (request->queued)
        return MHD_YES;
    if (!request->begun) {
        request->begun = true;
        client_is(request->client, CLIENT_BODY);
        /* refused before its body was read: libmicrohttpd closes the connection after the reply */
        return guard_admit(request, method, version) ? MHD_YES : queue_reply(request);
    }
    if (*size > 0) {
        size_t length = *size;
        *size = 0;
        return take_body(request, data, length);
    }
    return whole(request);
}

/* Targets are decoded in route.c alone. */
static size_t leave_escaped(void *user, struct MHD_Connection *connection, char *text)
{
    (void)user;
    (void)connection;
    return strlen(text);
}

enum error_code http_open(struct server *server, struct error *reterr)
{
    enum error_code code = http_late_load(reterr);
    if (code != ERR_OK)
        return code;
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)request_new, server},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escaped, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)completed, server},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)connected, server},
        {MHD_OPTION_CONNECTION_LIMIT, LIMIT_CLIENTS + 1, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, LIMIT_CLIENT_HEAD, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, LIMIT_CLIENT_SILENT_S, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        access_handler, server, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (!server->daemon)
        return error_set(reterr, ERR_INTERNAL, "libmicrohttpd does not start");
    uv_timer_init(server->loop, &server->pump_timer);
    server->pump_timer.data = server;
    uv_poll_init(server->loop, &server->http_poll,
                 MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
    server->http_poll.data = server;
    uv_poll_start(&server->http_poll, UV_READABLE, readable);
    return ERR_OK;
}

/* Nothing may be suspended when libmicrohttpd is stopped; what is ready to be said is said. */
static void say_the_last(struct server *server)
{
    enum { ROUNDS = 8 };
    for (struct client *client = server->clients; client; client = client->next) {
        struct request *request = client->request;
        if (!request || !request->waiting)
            continue;
        reply_problem(request, 503, "the server has stopped; ask again when it is back");
        http_wake(request);
    }
    for (int i = 0; i < ROUNDS; i++)
        MHD_run(server->daemon);
}

void http_close(struct server *server)
{
    if (!server->daemon)
        return;
    say_the_last(server);
    uv_poll_stop(&server->http_poll);
    uv_close((uv_handle_t *)&server->http_poll, NULL);
    uv_close((uv_handle_t *)&server->pump_timer, NULL);
    struct MHD_Daemon *daemon = TAKE(server->daemon);
    MHD_stop_daemon(daemon);
    free(server->by_fd);
    server->by_fd = NULL;
    server->by_fd_count = 0;
}
