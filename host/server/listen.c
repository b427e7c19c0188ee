/* SPDX-License-Identifier: Apache-2.0
 *
 * The door: a unix socket that only its owner may open, or a port. A port that others than this
 * machine reach is opened only if there are tokens. Connections are counted as they come, in all
 * and by address; whoever is one too many is told so, and is not kept.
 */
#include "server/server_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 511, ACCEPTED_AT_ONCE = 64 };

/* ---- a unix socket ---- */

/* What is there may be of a server that died; one that lives answers. */
static enum error_code clear_socket(const char *path, const struct sockaddr_un *address,
                                    struct error *reterr)
{
    struct stat is;
    if (lstat(path, &is) != 0)
        return ERR_OK;
    if (!S_ISSOCK(is.st_mode))
        return error_set(reterr, ERR_EXISTS,
                         "cannot listen at %s: a file is there that is no socket; name another "
                         "place",
                         path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int refused = fd < 0                                                                 ? errno
                  : connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0
                                                                                         : errno;
    if (fd >= 0)
        close(fd);
    if (refused != ECONNREFUSED)
        return error_set(reterr, ERR_BUSY,
                         "cannot listen at %s: another process listens there; end it, or name "
                         "another place",
                         path);
    return unlink(path) == 0 ? ERR_OK : error_set_errno(reterr, errno, "cannot listen at %s", path);
}

static enum error_code listen_unix(struct server *server, const char *said, struct error *reterr)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (*said == '@' || *said == '\0')
        return error_set(reterr, ERR_INPUT,
                         "cannot listen at unix:%s: expected the path of a file, found %s; a name "
                         "without a file has no owner and no mode, so whoever is on this machine "
                         "could ask",
                         said, *said ? "an abstract name" : "nothing");
    AUTO(freep) char *path = manifest_resolve(server->options.roster->manifest, said);
    if (strlen(path) >= sizeof(address.sun_path))
        return error_set(reterr, ERR_LIMIT,
                         "cannot listen at unix:%s: the path is longer than %zu bytes; name a "
                         "shorter one, or a port, with --listen or the manifest's serve.listen",
                         path, sizeof(address.sun_path) - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    enum error_code code = clear_socket(path, &address, reterr);
    if (code != ERR_OK)
        return code;
    server->door = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t before = umask(0177);
    int bound = server->door < 0
                    ? -1
                    : bind(server->door, (const struct sockaddr *)&address, sizeof(address));
    int why = errno;
    umask(before);
    if (bound != 0)
        return error_set_errno(reterr, why, "cannot listen at unix:%s", path);
    server->on_unix = true;
    server->address = xasprintf("unix:%s", path);
    server->socket_path = TAKE(path);
    return ERR_OK;
}

/* ---- a port ---- */

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >>
                24) == 127;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

static char *address_text(const struct sockaddr *address, bool with_port)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
        return with_port ? xasprintf("http://%s:%u", host, ntohs(v4->sin_port)) : xstrdup(host);
    }
    const struct sockaddr_in6 *v6 = (const void *)address;
    inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
    return with_port ? xasprintf("http://[%s]:%u", host, ntohs(v6->sin6_port)) : xstrdup(host);
}

static enum error_code bind_port(struct server *server, const struct addrinfo *at, const char *said,
                                 struct error *reterr)
{
    int on = 1;
    struct sockaddr_storage bound;
    socklen_t size = sizeof(bound);
    server->loopback = is_loopback(at->ai_addr);
    if (!server->loopback && tokens_count(server->tokens) == 0)
        return error_set(reterr, ERR_DENIED,
                         "serve: %s is reached from other machines, and without tokens whoever "
                         "reaches it may run flows: give the manifest's serve.tokens, or listen at "
                         "127.0.0.1 or unix:PATH",
                         said);
    server->door = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->door < 0)
        return error_set_errno(reterr, errno, "cannot listen at %s", said);
    setsockopt(server->door, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(server->door, at->ai_addr, at->ai_addrlen) != 0)
        return error_set_errno(reterr, errno, "cannot listen at %s", said);
    getsockname(server->door, (struct sockaddr *)&bound, &size);
    server->address = address_text((const struct sockaddr *)&bound, true);
    return ERR_OK;
}

/* "HOST:PORT"; HOST is a name or an address, [::1] in brackets, empty for every one. */
static enum error_code listen_port(struct server *server, const char *said, struct error *reterr)
{
    const char *colon = strrchr(said, ':');
    int64_t number = 0;
    if (!colon || !number_parse(colon + 1, &number) || number > 65535)
        return error_set(reterr, ERR_INPUT,
                         "serve: cannot listen at `%s`: expected HOST:PORT or unix:PATH", said);
    bool bracketed = said[0] == '[' && colon[-1] == ']';
    AUTO(freep)
    char *host = bracketed ? xstrndup(said + 1, (size_t)(colon - said) - 2)
                           : xstrndup(said, (size_t)(colon - said));
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int why = getaddrinfo(*host ? host : "0.0.0.0", colon + 1, &hints, &list);
    if (why != 0)
        return error_set(reterr, ERR_NOT_FOUND, "serve: cannot listen at `%s`: %s", said,
                         gai_strerror(why));
    enum error_code code = bind_port(server, list, said, reterr);
    freeaddrinfo(list);
    return code;
}

/* ---- who is let in ---- */

/* Read what is there first: a close over unread bytes would take the answer back. */
static void turn_away(int fd, const char *status, const char *why)
{
    char bytes[4096], answer[512];
    snprintf(answer, sizeof(answer),
             "HTTP/1.1 %s\r\nContent-Type: application/problem+json\r\nRetry-After: 1\r\n"
             "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
             status, strlen(why), why);
    while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) == (ssize_t)sizeof(bytes))
        ;
    ssize_t sent = send(fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent;
    shutdown(fd, SHUT_WR);
    close(fd);
}

static size_t count_address(const struct server *server, const char *address)
{
    size_t count = 0;
    for (const struct client *client = server->clients; client; client = client->next)
        count += strcmp(client->address, address) == 0;
    return count;
}

static void let_in(struct server *server, int fd, const struct sockaddr *address, socklen_t size)
{
    struct client *client = xcalloc(1, sizeof(*client));
    struct ucred peer;
    socklen_t length = sizeof(peer);
    int on = 1;
    unsigned silent_ms = LIMIT_CLIENT_SILENT_S * 1000;
    AUTO(freep) char *from = server->on_unix ? xstrdup("unix") : address_text(address, false);
    snprintf(client->address, sizeof(client->address), "%s", from);
    client->server = server;
    client->fd = fd;
    client->uid = (uid_t)-1;
    if (server->on_unix) {
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0)
            client->uid = peer.uid;
    } else {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent_ms, sizeof(silent_ms));
    }
    const char *many = NULL;
    if (server->client_count >= LIMIT_CLIENTS)
        many = "503 Service Unavailable";
    else if (!server->on_unix && count_address(server, client->address) >= LIMIT_CLIENTS_ADDRESS)
        many = "429 Too Many Requests";
    if (many) {
        server->counts.refused_clients++;
        turn_away(fd, many,
                  *many == '5' ? "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\","
                                 "\"status\":503,\"detail\":\"as many connections as the server "
                                 "takes (LIMIT_CLIENTS); close some, and try again\"}"
                               : "{\"type\":\"about:blank\",\"title\":\"Too Many Requests\","
                                 "\"status\":429,\"detail\":\"as many connections as one address "
                                 "may have (LIMIT_CLIENTS_ADDRESS); close some, and try again\"}");
        free(client);
        return;
    }
    http_admit(server, client, address, size);
}

static void somebody(uv_poll_t *poll, int status, int events)
{
    struct server *server = poll->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTED_AT_ONCE; i++) {
        struct sockaddr_storage address = {0};
        socklen_t size = sizeof(address);
        int fd =
            accept4(server->door, (struct sockaddr *)&address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
            server->paused = true;
            uv_poll_stop(&server->door_poll);
            server_log(server, SEAM_LOG_ERROR, "nobody is let in for a second: %s",
                       strerror(errno));
            return;
        }
        if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
            return;
        if (fd >= 0)
            let_in(server, fd, (const struct sockaddr *)&address, size);
    }
}

void door_resume(struct server *server)
{
    if (server->paused && server->opened)
        uv_poll_start(&server->door_poll, UV_READABLE, somebody);
    server->paused = false;
}

enum error_code door_open(struct server *server, struct error *reterr)
{
    const struct manifest *manifest = server->options.roster->manifest;
    const char *said = server->options.listen;
    AUTO(freep) char *beside = NULL;
    if (!said)
        said = json_string_value(json_object_get(manifest->serve, "listen"));
    if (!said) {
        AUTO(freep) char *store = roster_store(server->options.roster, server->options.store);
        AUTO(freep) char *real = realpath(store, NULL);
        const char *slash = real ? strrchr(real, '/') : NULL;
        said = beside =
            xasprintf("unix:%.*s/seam.sock", slash ? (int)(slash - real) : 1, slash ? real : ".");
    }
    enum error_code code = strncmp(said, "unix:", 5) == 0 ? listen_unix(server, said + 5, reterr)
                                                          : listen_port(server, said, reterr);
    if (code == ERR_OK && listen(server->door, BACKLOG) != 0)
        code = error_set_errno(reterr, errno, "cannot listen at %s", said);
    if (code != ERR_OK)
        return code;
    uv_poll_init(server->loop, &server->door_poll, server->door);
    server->door_poll.data = server;
    uv_poll_start(&server->door_poll, UV_READABLE, somebody);
    server->opened = true;
    return ERR_OK;
}

void door_close(struct server *server)
{
    if (server->opened) {
        uv_poll_stop(&server->door_poll);
        uv_close((uv_handle_t *)&server->door_poll, NULL);
    }
    server->opened = false;
    if (server->door >= 0)
        close(server->door);
    server->door = -1;
    if (server->socket_path)
        unlink(server->socket_path);
    free(server->socket_path);
    server->socket_path = NULL;
}
