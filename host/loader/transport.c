/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest's end of a socket. One thread at a time sends, without the lock; frames that others put
 * meanwhile go out with its next write, so that busy threads share system calls. When the socket is
 * full the loop is woken, waits for room and sends on.
 */
#include "loader/transport_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECEIVE_SIZE = 256 << 10 };

struct socket_transport {
    struct transport base;
    int fd, room_event;   /* room_event: tells the loop that the socket is full */
    struct buffer flight; /* the sending thread's */
    bool sending, full;   /* guarded by base.lock */
};

size_t transport_backlog(struct transport *t)
{
    pthread_mutex_lock(&t->lock);
    size_t backlog = t->out.len + t->being_sent;
    pthread_mutex_unlock(&t->lock);
    return backlog;
}

/* Sends what is in flight; false if some of it is left. A host that is gone takes everything: the
 * loop will find out. */
static bool send_flight(struct socket_transport *s)
{
    while (s->flight.len > 0) {
        ssize_t sent =
            send(s->fd, buffer_bytes(&s->flight), s->flight.len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            return false;
        buffer_drop(&s->flight, sent < 0 ? s->flight.len : (size_t)sent);
    }
    return true;
}

static void socket_push(struct transport *t)
{
    struct socket_transport *s = (struct socket_transport *)t;
    if (s->sending || s->full)
        return;
    s->sending = true;
    while (!s->full && (t->out.len > 0 || s->flight.len > 0)) {
        if (s->flight.len == 0)
            buffer_move(&s->flight, &t->out);
        t->being_sent = s->flight.len;
        pthread_mutex_unlock(&t->lock);
        bool done = send_flight(s);
        pthread_mutex_lock(&t->lock);
        t->being_sent = s->flight.len;
        s->full = !done;
    }
    s->sending = false;
    if (s->full)
        eventfd_write(s->room_event, 1);
}

static bool socket_receive(struct transport *t, struct buffer *in)
{
    struct socket_transport *s = (struct socket_transport *)t;
    char *at = buffer_reserve(in, RECEIVE_SIZE);
    ssize_t got = recv(s->fd, at, RECEIVE_SIZE, MSG_DONTWAIT);
    if (got > 0)
        buffer_grew(in, (size_t)got);
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static void socket_wait(struct transport *t, int wake)
{
    struct socket_transport *s = (struct socket_transport *)t;
    pthread_mutex_lock(&t->lock);
    bool full = s->full;
    pthread_mutex_unlock(&t->lock);
    struct pollfd fds[] = {
        {.fd = s->fd, .events = (short)(full ? POLLIN | POLLOUT : POLLIN)},
        {.fd = wake, .events = POLLIN},
        {.fd = s->room_event, .events = POLLIN},
    };
    if (poll(fds, 3, -1) <= 0)
        return;
    eventfd_t count;
    if (fds[1].revents & POLLIN)
        eventfd_read(wake, &count);
    if (fds[2].revents & POLLIN)
        eventfd_read(s->room_event, &count);
    if (fds[0].revents & POLLOUT) {
        pthread_mutex_lock(&t->lock);
        s->full = false;
        socket_push(t);
        pthread_mutex_unlock(&t->lock);
    }
}

struct transport *socket_transport_new(int fd)
{
    static const struct transport_ops ops = {
        .push = socket_push, .receive = socket_receive, .wait = socket_wait};
    struct socket_transport *s = xcalloc(1, sizeof(*s));
    s->base.ops = &ops;
    pthread_mutex_init(&s->base.lock, NULL);
    s->fd = fd;
    s->room_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return &s->base;
}
