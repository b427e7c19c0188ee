/* SPDX-License-Identifier: Apache-2.0
 *
 * The scripted server: HTTP/1.1 with connections that stay, one thread, one epoll. All answers are
 * the same and wait equally long, so those that wait are a queue. It reads what clients of this
 * measurement send, and no more of HTTP than that.
 */
#include "calls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX = 8192, EVENTS = 512 };

struct client {
    int fd;
    uint32_t len;
    struct client *next; /* of those that wait for their answer */
    int64_t due_ns;
    bool gone; /* it went while it waited */
    char bytes[REQUEST_MAX];
};

struct server {
    int epoll, listener;
    int64_t delay_ns;
    struct client *first, **end;
    long long waiting;
    struct seen seen;
};

static const char answer[] =
    "{\"id\":\"c-1\",\"object\":\"chat.completion\",\"model\":\"scripted\",\"choices\":[{\"index\":"
    "0,\"message\":{\"role\":\"assistant\",\"content\":\"{\\\"label\\\": \\\"bug\\\"}\"},"
    "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":60,\"completion_tokens\":7,"
    "\"total_tokens\":67}}";

static void give_back(const struct client *client, const char *body)
{
    char text[1024];
    int len = snprintf(text, sizeof(text),
                       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       strlen(body), body);
    /* it is small, and nothing else is in the socket's buffer */
    if (write(client->fd, text, (size_t)len) != len && errno != EPIPE && errno != ECONNRESET)
        give_up("server: an answer was not taken");
}

static void let_go(struct client *client, bool waits)
{
    close(client->fd);
    client->gone = true;
    if (!waits)
        free(client);
}

static void tell_seen(struct server *server, const struct client *client)
{
    char text[128];
    snprintf(text, sizeof(text), "%lld %lld %lld", server->seen.connections, server->seen.requests,
             server->seen.at_once);
    give_back(client, text);
    server->seen = (struct seen){0};
}

static void take_request(struct server *server, struct client *client)
{
    client->len = 0;
    if (strncmp(client->bytes, "GET /_seen ", 11) == 0) {
        tell_seen(server, client);
        return;
    }
    client->due_ns = now_ns() + server->delay_ns;
    client->next = NULL;
    *server->end = client;
    server->end = &client->next;
    server->seen.requests++;
    if (++server->waiting > server->seen.at_once)
        server->seen.at_once = server->waiting;
}

static bool is_whole(const struct client *client)
{
    const char *end = strstr(client->bytes, "\r\n\r\n");
    const char *length = end ? strcasestr(client->bytes, "\r\ncontent-length:") : NULL;
    size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    return end && client->len >= (size_t)(end + 4 - client->bytes) + body;
}

/* A client that waits says nothing but that it goes. */
static void hear(struct server *server, struct client *client)
{
    ssize_t got = read(client->fd, client->bytes + client->len, REQUEST_MAX - 1 - client->len);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        let_go(client, client->due_ns != 0);
        return;
    }
    if (client->due_ns != 0)
        give_up("server: a second request before the answer to the first");
    client->len += (uint32_t)got;
    client->bytes[client->len] = '\0';
    if (client->len == REQUEST_MAX - 1)
        give_up("server: a request is larger than is kept of it");
    if (is_whole(client))
        take_request(server, client);
}

static void welcome(struct server *server)
{
    for (int fd; (fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        int one = 1;
        struct client *client = malloc(sizeof(*client));
        if (!client)
            give_up("no memory");
        client->fd = fd;
        client->len = 0;
        client->due_ns = 0;
        client->gone = false;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
        if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
            give_up("server: epoll: %s", strerror(errno));
        server->seen.connections++;
    }
    if (errno != EAGAIN && errno != ECONNABORTED)
        give_up("server: accept: %s", strerror(errno));
}

/* How long until the next one is due, in ms; -1 = none waits. */
static int answer_due(struct server *server)
{
    int64_t now = now_ns();
    while (server->first && server->first->due_ns <= now) {
        struct client *client = server->first;
        server->first = client->next;
        if (!server->first)
            server->end = &server->first;
        server->waiting--;
        client->due_ns = 0;
        if (client->gone)
            free(client);
        else
            give_back(client, answer);
    }
    return server->first ? (int)((server->first->due_ns - now) / 1000000) + 1 : -1;
}

static int listen_somewhere(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)) != 0 || listen(fd, 65535) != 0 ||
        getsockname(fd, (struct sockaddr *)&in, &size) != 0)
        give_up("server: cannot listen: %s", strerror(errno));
    printf("%d\n", ntohs(in.sin_port));
    fflush(stdout);
    return fd;
}

_Noreturn void serve(int delay_ms)
{
    struct epoll_event events[EVENTS];
    struct server server = {.epoll = epoll_create1(EPOLL_CLOEXEC),
                            .listener = listen_somewhere(),
                            .delay_ns = (int64_t)delay_ms * 1000000};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    server.end = &server.first;
    epoll_ctl(server.epoll, EPOLL_CTL_ADD, server.listener, &event);
    for (;;) {
        int count = epoll_wait(server.epoll, events, EVENTS, answer_due(&server));
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr)
                hear(&server, events[i].data.ptr);
            else
                welcome(&server);
        }
    }
}
