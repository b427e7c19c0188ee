/* SPDX-License-Identifier: Apache-2.0
 *
 * The way between a guest in this process and its host: a locked queue and an event each way. An
 * event is set once until it is answered, so that a burst costs one system call.
 *
 * To wake a thread costs more than most agents that never block. So whoever has nothing to do looks
 * for a moment whether something comes, about as long as being woken would take, and needs no event
 * meanwhile. What comes later makes it look less often: a plugin that is slow costs nothing.
 */
#include "loader/transport_internal.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_NS = 50000, LOOK_ROUNDS = 64, PATIENCE_BITS = 10 };

/* One end of the way. */
struct end {
    int event;
    bool told;               /* guarded by the lock: its event is set and not yet answered */
    bool looks;              /* guarded by the lock: it needs no event */
    atomic_bool has_some;    /* frames wait for it */
    unsigned fails, skipped; /* its own: looks in vain beyond those with success, and how often it
                                is not to look yet */
};

struct memory_transport {
    struct transport base; /* out: frames for the host */
    struct buffer in;      /* guarded by base.lock: frames for the guest */
    struct end host, guest;
    bool alone; /* one processor: while one end looks, the other cannot work */
};

/* ---- looking ---- */

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static bool comes_soon(const struct end *end)
{
    for (int64_t until = now_ns() + LOOK_NS; now_ns() < until;)
        for (int i = 0; i < LOOK_ROUNDS; i++) {
            if (atomic_load_explicit(&end->has_some, memory_order_acquire))
                return true;
            relax();
        }
    return false;
}

/* Whether something came; frames are its queue. */
static bool look(struct memory_transport *m, struct end *end, const struct buffer *frames)
{
    if (m->alone)
        return false;
    if (end->skipped > 0) {
        end->skipped--;
        return false;
    }
    pthread_mutex_lock(&m->base.lock);
    end->looks = true;
    pthread_mutex_unlock(&m->base.lock);
    comes_soon(end);
    pthread_mutex_lock(&m->base.lock);
    end->looks = false;
    bool came = frames->len > 0;
    pthread_mutex_unlock(&m->base.lock);
    if (came && end->fails > 0)
        end->fails--;
    else if (!came && end->fails < PATIENCE_BITS)
        end->fails++;
    end->skipped = (1u << end->fails) - 1;
    return came;
}

/* Holds the lock: frames were put for that end. */
static void tell(struct end *end)
{
    atomic_store_explicit(&end->has_some, true, memory_order_release);
    if (end->told || end->looks)
        return;
    end->told = true;
    eventfd_write(end->event, 1);
}

/* Holds the lock: its frames were taken. */
static void heard(struct end *end)
{
    eventfd_t count;
    if (end->told)
        eventfd_read(end->event, &count);
    end->told = false;
    atomic_store_explicit(&end->has_some, false, memory_order_relaxed);
}

/* ---- the guest's end ---- */

static void memory_push(struct transport *t)
{
    struct memory_transport *m = (struct memory_transport *)t;
    tell(&m->host);
}

static bool memory_receive(struct transport *t, struct buffer *in)
{
    struct memory_transport *m = (struct memory_transport *)t;
    pthread_mutex_lock(&t->lock);
    buffer_move(in, &m->in);
    heard(&m->guest);
    pthread_mutex_unlock(&t->lock);
    return true;
}

static void memory_wait(struct transport *t, int wake)
{
    struct memory_transport *m = (struct memory_transport *)t;
    struct pollfd fds[] = {
        {.fd = m->guest.event, .events = POLLIN},
        {.fd = wake, .events = POLLIN},
    };
    eventfd_t count;
    if (!look(m, &m->guest, &m->in) && poll(fds, 2, -1) > 0 && (fds[1].revents & POLLIN))
        eventfd_read(wake, &count);
}

/* ---- both ends ---- */

static bool is_alone(void)
{
    cpu_set_t processors;
    return sched_getaffinity(0, sizeof(processors), &processors) == 0 &&
           CPU_COUNT(&processors) == 1;
}

struct memory_transport *memory_transport_new(struct error *reterr)
{
    static const struct transport_ops ops = {
        .push = memory_push, .receive = memory_receive, .wait = memory_wait};
    struct memory_transport *m = xcalloc(1, sizeof(*m));
    m->base.ops = &ops;
    pthread_mutex_init(&m->base.lock, NULL);
    m->host.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    m->guest.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    m->alone = is_alone();
    if (m->host.event >= 0 && m->guest.event >= 0)
        return m;
    error_set_errno(reterr, errno, "cannot make an event for a plugin in this process");
    memory_transport_free(m);
    return NULL;
}

struct transport *memory_transport_base(struct memory_transport *m)
{
    return &m->base;
}

/* ---- the host's end ---- */

int memory_transport_fd(const struct memory_transport *m)
{
    return m->host.event;
}

bool memory_transport_look(struct memory_transport *m)
{
    return look(m, &m->host, &m->base.out);
}

void memory_transport_take(struct memory_transport *m, struct buffer *in)
{
    pthread_mutex_lock(&m->base.lock);
    buffer_move(in, &m->base.out);
    heard(&m->host);
    pthread_mutex_unlock(&m->base.lock);
}

void memory_transport_give(struct memory_transport *m, struct buffer *out)
{
    pthread_mutex_lock(&m->base.lock);
    buffer_move(&m->in, out);
    tell(&m->guest);
    pthread_mutex_unlock(&m->base.lock);
}

void memory_transport_free(struct memory_transport *m)
{
    if (!m)
        return;
    if (m->host.event >= 0)
        close(m->host.event);
    if (m->guest.event >= 0)
        close(m->guest.event);
    buffer_done(&m->in);
    buffer_done(&m->base.out);
    pthread_mutex_destroy(&m->base.lock);
    free(m);
}
