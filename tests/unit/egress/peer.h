/* SPDX-License-Identifier: Apache-2.0
 *
 * A server on loopback whose every misbehaviour is exact: a script talks over the bare socket, one
 * thread a connection. It counts what arrives: connections, and requests that were read whole. Each
 * arrival rings `news`, so that a test can wait for what the server has seen; a script can wait for
 * the test at `gate`. And the client's side: a sink for answers, and a loop that drives an egress.
 */
#ifndef TESTS_EGRESS_PEER_H
#define TESTS_EGRESS_PEER_H

#include "egress/by_hand_internal.h"
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PEER_CONNECTIONS = 2048, PEER_REQUEST = 1 << 16 };

struct peer;

struct connection {
    struct peer *peer;
    pthread_t thread;
    int fd, number; /* numbers begin at 1 */
    char last[PEER_REQUEST];
};

typedef void (*peer_script)(struct peer *peer, struct connection *connection);

struct peer {
    int listener, news;
    uint16_t port;
    pthread_t thread;
    peer_script script;
    sem_t gate;
    atomic_int arrivals, connections, open, most_open;
    pthread_mutex_t lock;
    struct connection *all[PEER_CONNECTIONS]; /* guarded by lock */
    char last[PEER_REQUEST];                  /* the last request, guarded by lock */
};

static inline void peer_ring(struct peer *peer)
{
    ASSERT(eventfd_write(peer->news, 1) == 0);
}

static inline void peer_say(struct connection *connection, const char *words)
{
    size_t left = strlen(words);
    while (left > 0) {
        ssize_t sent = send(connection->fd, words, left, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        words += sent;
        left -= (size_t)sent;
    }
}

static inline size_t peer_body_length(const char *head)
{
    const char *field = strcasestr(head, "\r\ncontent-length:");
    return field ? strtoul(field + 17, NULL, 10) : 0;
}

/* Reads one request, its body too; counts it. False at the connection's end. */
static inline bool peer_read(struct connection *connection)
{
    struct peer *peer = connection->peer;
    size_t have = 0, need = SIZE_MAX;
    connection->last[0] = '\0';
    while (have < need) {
        ssize_t got = recv(connection->fd, connection->last + have, PEER_REQUEST - 1 - have, 0);
        if (got <= 0)
            return false;
        have += (size_t)got;
        connection->last[have] = '\0';
        const char *end = strstr(connection->last, "\r\n\r\n");
        if (end)
            need = (size_t)(end - connection->last) + 4 + peer_body_length(connection->last);
    }
    pthread_mutex_lock(&peer->lock);
    memcpy(peer->last, connection->last, have + 1);
    pthread_mutex_unlock(&peer->lock);
    atomic_fetch_add(&peer->arrivals, 1);
    peer_ring(peer);
    return true;
}

/* Sends RST, not FIN, when the connection is closed. */
static inline void peer_reset(struct connection *connection)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

/* Waits until the client has closed. */
static inline void peer_wait_end(struct connection *connection)
{
    char byte;
    while (recv(connection->fd, &byte, 1, 0) > 0)
        continue;
}

static inline void *peer_talk(void *user)
{
    struct connection *connection = user;
    struct peer *peer = connection->peer;
    peer->script(peer, connection);
    pthread_mutex_lock(&peer->lock);
    close(connection->fd);
    connection->fd = -1;
    pthread_mutex_unlock(&peer->lock);
    atomic_fetch_sub(&peer->open, 1);
    peer_ring(peer);
    return NULL;
}

static inline void *peer_listen(void *user)
{
    struct peer *peer = user;
    for (int number = 1; number <= PEER_CONNECTIONS; number++) {
        int fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return NULL;
        struct connection *connection = xcalloc(1, sizeof(*connection));
        *connection = (struct connection){.peer = peer, .fd = fd, .number = number};
        int open = atomic_fetch_add(&peer->open, 1) + 1;
        if (open > atomic_load(&peer->most_open))
            atomic_store(&peer->most_open, open);
        atomic_store(&peer->connections, number);
        pthread_mutex_lock(&peer->lock);
        peer->all[number - 1] = connection;
        ASSERT(pthread_create(&connection->thread, NULL, peer_talk, connection) == 0);
        pthread_mutex_unlock(&peer->lock);
    }
    return NULL;
}

/* A socket bound to a port of loopback that the kernel chose. */
static inline int peer_bind(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    ASSERT(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static inline struct peer *peer_new(peer_script script)
{
    struct peer *peer = xcalloc(1, sizeof(*peer));
    peer->script = script;
    peer->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    peer->listener = peer_bind(&peer->port);
    ASSERT(sem_init(&peer->gate, 0, 0) == 0 && pthread_mutex_init(&peer->lock, NULL) == 0);
    ASSERT(listen(peer->listener, 1024) == 0);
    ASSERT(pthread_create(&peer->thread, NULL, peer_listen, peer) == 0);
    return peer;
}

static inline void peer_free(struct peer *peer)
{
    shutdown(peer->listener, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    for (int i = 0; i < PEER_CONNECTIONS; i++)
        sem_post(&peer->gate);
    for (int i = 0; i < atomic_load(&peer->connections); i++) {
        struct connection *connection = peer->all[i];
        pthread_mutex_lock(&peer->lock);
        if (connection->fd >= 0)
            shutdown(connection->fd, SHUT_RDWR);
        pthread_mutex_unlock(&peer->lock);
        pthread_join(connection->thread, NULL);
        free(connection);
    }
    close(peer->listener);
    close(peer->news);
    sem_destroy(&peer->gate);
    pthread_mutex_destroy(&peer->lock);
    free(peer);
}

/* The client's side. */

struct told {
    int times;
    enum egress_fate fate;
    int status;
    enum error_code code;
    char reason[ERROR_TEXT_SIZE];
    char headers[8192]; /* "name: value\n" each */
    char body[4096];    /* the beginning */
    size_t body_length;
};

static inline void take_answer(void *user, const struct egress_answer *answer)
{
    struct told *told = user;
    size_t at = 0;
    told->times++;
    told->fate = answer->fate;
    told->status = answer->status;
    told->code = answer->code;
    snprintf(told->reason, sizeof(told->reason), "%s", answer->reason ? answer->reason : "");
    for (size_t i = 0; i < answer->header_count && at < sizeof(told->headers); i++)
        at += (size_t)snprintf(told->headers + at, sizeof(told->headers) - at, "%s: %s\n",
                               answer->headers[i].name, answer->headers[i].value);
    told->body_length = answer->body.len;
    snprintf(told->body, sizeof(told->body), "%.*s", (int)answer->body.len,
             answer->body.ptr ? answer->body.ptr : "");
}

static inline struct egress *new_egress(void)
{
    struct egress *egress;
    ck_assert_int_eq(egress_new(&egress, NULL), ERR_OK);
    return egress;
}

/* One without a thread: what its thread would do is done by drive_once. */
static inline struct egress *new_by_hand(void)
{
    struct egress *egress = new_egress();
    egress_by_hand(egress);
    return egress;
}

/* Waits for the egress or for the peer's news, then dispatches; once. */
static inline void drive_once(struct egress *egress, struct peer *peer)
{
    struct pollfd fds[3] = {{.fd = egress_fd(egress), .events = POLLIN},
                            {.fd = peer ? peer->news : -1, .events = POLLIN},
                            {.fd = egress_turn_fd(egress), .events = POLLIN}};
    ck_assert_msg(poll(fds, 3, 30000) > 0, "neither side moves");
    if (fds[1].revents) {
        eventfd_t value;
        ASSERT(eventfd_read(peer->news, &value) == 0);
    }
    if (fds[2].revents)
        egress_turn(egress);
    egress_dispatch(egress);
}

#define DRIVE_UNTIL(egress, peer, condition)                                                       \
    do {                                                                                           \
        while (!(condition))                                                                       \
            drive_once(egress, peer);                                                              \
    } while (0)

/* The requests that most tests send: a POST that may change the world, and a GET that may not. */
struct call {
    char url[128];
    struct egress_request request;
};

static inline struct egress_request *call_init(struct call *call, const struct peer *peer,
                                               const char *method, const char *path)
{
    snprintf(call->url, sizeof(call->url), "http://127.0.0.1:%u%s", peer->port, path);
    call->request = (struct egress_request){
        .method = method,
        .url = call->url,
        .timeout_ms = 20000,
        .allow_private = true,
        .mutating = strcmp(method, "GET") != 0,
    };
    if (call->request.mutating)
        call->request.body = SLICE("{\"offer\":7}");
    return &call->request;
}

static inline uint64_t start(struct egress *egress, const struct egress_request *request,
                             struct told *told)
{
    struct error error = {0};
    uint64_t id = 0;
    ck_assert_msg(egress_send(egress, request, take_answer, told, &id, &error) == ERR_OK, "%s",
                  error.text);
    ck_assert_int_eq(told->times, 0);
    return id;
}

/* Sends one request and waits until it is told. */
static inline struct told ask(struct egress *egress, const struct egress_request *request)
{
    struct told told = {0};
    start(egress, request, &told);
    DRIVE_UNTIL(egress, NULL, told.times > 0);
    ck_assert_int_eq(told.times, 1);
    return told;
}

#endif
