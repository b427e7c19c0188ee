/* SPDX-License-Identifier: Apache-2.0
 *
 * The way between a guest in this process and its host: a locked queue and an event each way. An
 * event is set once until it is answered, so that a burst costs one system call.
 */
#include "loader/transport_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct memory_transport {
    struct transport base; /* out: frames for the host */
    struct buffer in;      /* guarded by base.lock: frames for the guest */
    int host_event, guest_event;
    bool host_told; /* guarded by base.lock: its event is set and not yet answered */
};

static void memory_push(struct transport *t)
{
    struct memory_transport *m = (struct memory_transport *)t;
    if (m->host_told)
        return;
    m->host_told = true;
    eventfd_write(m->host_event, 1);
}

static bool memory_receive(struct transport *t, struct buffer *in)
{
    struct memory_transport *m = (struct memory_transport *)t;
    pthread_mutex_lock(&t->lock);
    buffer_move(in, &m->in);
    pthread_mutex_unlock(&t->lock);
    return true;
}

static void memory_wait(struct transport *t, int wake)
{
    struct memory_transport *m = (struct memory_transport *)t;
    struct pollfd fds[] = {
        {.fd = m->guest_event, .events = POLLIN},
        {.fd = wake, .events = POLLIN},
    };
    if (poll(fds, 2, -1) <= 0)
        return;
    eventfd_t count;
    for (int i = 0; i < 2; i++)
        if (fds[i].revents & POLLIN)
            eventfd_read(fds[i].fd, &count);
}

struct memory_transport *memory_transport_new(struct error *reterr)
{
    static const struct transport_ops ops = {
        .push = memory_push, .receive = memory_receive, .wait = memory_wait};
    struct memory_transport *m = xcalloc(1, sizeof(*m));
    m->base.ops = &ops;
    pthread_mutex_init(&m->base.lock, NULL);
    m->host_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    m->guest_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (m->host_event >= 0 && m->guest_event >= 0)
        return m;
    error_set_errno(reterr, errno, "cannot make an event for a plugin in this process");
    memory_transport_free(m);
    return NULL;
}

struct transport *memory_transport_base(struct memory_transport *m)
{
    return &m->base;
}

int memory_transport_fd(const struct memory_transport *m)
{
    return m->host_event;
}

void memory_transport_take(struct memory_transport *m, struct buffer *in)
{
    eventfd_t count;
    eventfd_read(m->host_event, &count);
    pthread_mutex_lock(&m->base.lock);
    buffer_move(in, &m->base.out);
    m->host_told = false;
    pthread_mutex_unlock(&m->base.lock);
}

void memory_transport_give(struct memory_transport *m, struct buffer *out)
{
    pthread_mutex_lock(&m->base.lock);
    bool was_empty = m->in.len == 0;
    buffer_move(&m->in, out);
    pthread_mutex_unlock(&m->base.lock);
    if (was_empty)
        eventfd_write(m->guest_event, 1);
}

void memory_transport_free(struct memory_transport *m)
{
    if (!m)
        return;
    if (m->host_event >= 0)
        close(m->host_event);
    if (m->guest_event >= 0)
        close(m->guest_event);
    buffer_done(&m->in);
    buffer_done(&m->base.out);
    pthread_mutex_destroy(&m->base.lock);
    free(m);
}
