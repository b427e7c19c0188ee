/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest's table of calls. The low bits of an id are its slot; the whole id must match, so a
 * late word about an ended call finds nothing.
 *
 *   free → queued → running → free     a blocking agent           [take, pool, end]
 *   free → running → free              one that never blocks      [take, end]
 *   queued → free                      cancelled in line: UNBEGUN [cancel]
 *
 * "Running" ends with the first completion, not with the return of start().
 */
#include "base/limits.h"
#include "loader/guest_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

struct guest_call *guest_call_find(struct guest *g, uint64_t id)
{
    size_t slot = (size_t)(id & (LIMIT_CALLS - 1));
    return id != 0 && slot < g->call_room && g->calls[slot].id == id ? &g->calls[slot] : NULL;
}

/* Holds the lock. The host gives a slot again only after it heard of the end of its last call. */
static void open_call(struct guest *g, const struct frame *frame, bool queued)
{
    size_t slot = (size_t)(frame->id & (LIMIT_CALLS - 1));
    if (slot >= g->call_room) {
        size_t room = g->call_room == 0 ? 64 : g->call_room;
        while (room <= slot)
            room *= 2;
        g->calls = xrealloc(g->calls, room * sizeof(*g->calls));
        memset(g->calls + g->call_room, 0, (room - g->call_room) * sizeof(*g->calls));
        g->call_room = room;
    }
    ASSERT(g->calls[slot].id == 0);
    g->calls[slot] = (struct guest_call){.id = frame->id,
                                         .deadline_ns = frame->other,
                                         .first_request = GUEST_NONE,
                                         .thread = GUEST_NONE,
                                         .queued = queued};
    g->active++;
}

static struct job *job_new(const struct frame *frame)
{
    size_t size = 0;
    for (int i = 0; i < FRAME_PARTS; i++)
        size += frame->parts[i].len;
    struct job *job = xmalloc(sizeof(*job) + size);
    *job = (struct job){.id = frame->id,
                        .deadline_ns = frame->other,
                        .agent = frame->effect,
                        .attempt = frame->number};
    char *at = job->bytes;
    for (int i = 0; i < FRAME_PARTS; i++) {
        struct slice part = frame->parts[i];
        if (part.len > 0)
            memcpy(at, part.ptr, part.len);
        job->parts[i] = (struct slice){at, part.len};
        at += part.len;
    }
    return job;
}

/* By the clock's last tick, some milliseconds ago: it costs a tenth of the time to the nanosecond.
 */
static int64_t elapsed_ms(const struct timespec *since)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

/* On the loop. An agent that said it never blocks, and did, is not believed again. */
static void start_on_loop(struct guest *g, const struct frame *frame)
{
    struct job job = {.id = frame->id,
                      .deadline_ns = frame->other,
                      .agent = frame->effect,
                      .attempt = frame->number,
                      .parts = {frame->parts[0], frame->parts[1], frame->parts[2]}};
    struct timespec began;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &began);
    guest_start_agent(g, &job);
    int64_t took_ms = elapsed_ms(&began);
    if (took_ms < LIMIT_LOOP_MS)
        return;
    struct guest_agent *agent = &g->agents[frame->effect];
    agent->nonblocking = false;
    char text[256 + LIMIT_NAME];
    int len = snprintf(text, sizeof(text),
                       "agent \"%.*s\" is declared nonblocking and held the plugin's loop for %d "
                       "ms; from now on it runs on a thread (cure: remove \"nonblocking\", or "
                       "return from start() sooner)",
                       LIMIT_NAME, agent->name, (int)took_ms);
    guest_log(g, frame->id, SEAM_LOG_WARNING, (struct slice){text, (size_t)len});
}

/* No agent's, but an extension's. */
static bool is_extension(uint32_t agent)
{
    return agent == FRAME_DESCRIBE || agent == FRAME_WATCH;
}

void guest_take_call(struct guest *g, const struct frame *frame)
{
    bool extends = is_extension(frame->effect);
    ASSERT(extends || frame->effect < g->agent_count);
    bool queued = extends || !g->agents[frame->effect].nonblocking;
    pthread_mutex_lock(&g->lock);
    open_call(g, frame, queued);
    pthread_mutex_unlock(&g->lock);
    if (queued)
        pool_add(g, job_new(frame));
    else
        start_on_loop(g, frame);
}

static seam_bytes bytes_of(struct slice s)
{
    return (seam_bytes){s.ptr, s.len};
}

static const char *name_of(const struct guest *g, uint32_t agent)
{
    return agent == FRAME_DESCRIBE ? SEAM_DESCRIBE_EXTENSION
           : agent == FRAME_WATCH  ? SEAM_WATCH_EXTENSION
                                   : g->agents[agent].name;
}

static seam_status start_one(struct guest *g, uint32_t agent, const seam_call *call)
{
    if (agent == FRAME_DESCRIBE)
        return g->describe ? g->describe->start(g->self, call) : SEAM_E_UNSUPPORTED;
    if (agent == FRAME_WATCH)
        return g->watch ? g->watch->start(g->self, call) : SEAM_E_UNSUPPORTED;
    return g->table->start(g->self, call);
}

void guest_start_agent(struct guest *g, const struct job *job)
{
    struct seam_call call = {
        .size = sizeof(call),
        .attempt = job->attempt,
        .id = job->id,
        .deadline_ns = job->deadline_ns,
        .agent = bytes_of(slice_of(name_of(g, job->agent))),
        .input = bytes_of(job->parts[0]),
        .idempotency_key = bytes_of(job->parts[1]),
        .feedback = bytes_of(job->parts[2]),
    };
    seam_status status = start_one(g, job->agent, &call);
    if (status == SEAM_OK)
        return;
    guest_end_call(g, &(struct frame){.kind = FRAME_COMPLETE,
                                      .id = job->id,
                                      .status = status,
                                      .effect = SEAM_EFFECT_NONE,
                                      .parts = {SLICE(""), SLICE("seam.not-taken")}});
}

/* A flood of them is told in one frame when the host has read the last. */
static void count_stale(struct guest *g)
{
    atomic_fetch_add(&g->stale, 1);
    if (transport_backlog(g->transport) > LIMIT_EMIT_BACKLOG)
        return;
    unsigned count = atomic_exchange(&g->stale, 0);
    if (count > 0)
        guest_send(g, &(struct frame){.kind = FRAME_STALE, .number = count});
}

bool guest_end_call(struct guest *g, const struct frame *frame)
{
    pthread_mutex_lock(&g->lock);
    struct guest_call *c = guest_call_find(g, frame->id);
    bool last = false;
    if (c) {
        guest_orphan_requests(g, c);
        if (c->thread != GUEST_NONE)
            g->threads[c->thread].ended_ns = monotonic_ns();
        c->id = 0;
        g->active--;
        last = g->stopping && g->active == 0;
        last = last || g->orphans != GUEST_NONE;
    }
    unsigned dropped = c ? g->log_dropped : 0;
    if (dropped > 0)
        g->log_dropped = 0;
    pthread_mutex_unlock(&g->lock);
    guest_tell_dropped(g, dropped);
    if (c)
        guest_send(g, frame);
    else
        count_stale(g);
    if (last)
        eventfd_write(g->wake, 1);
    return c != NULL;
}

void guest_cancel(struct guest *g, uint64_t id)
{
    pthread_mutex_lock(&g->lock);
    struct guest_call *c = guest_call_find(g, id);
    bool unbegun = c && c->queued, stuck = false;
    if (unbegun) {
        stuck = pool_is_stuck(g);
        pool_remove(g, id);
        c->id = 0;
        g->active--;
    } else if (c) {
        c->cancelled = true;
    }
    pthread_mutex_unlock(&g->lock);
    if (unbegun) {
        guest_send(g, &(struct frame){.kind = FRAME_UNBEGUN, .id = id, .number = stuck});
    } else if (c) {
        if (SEAM_HAS(g->table, seam_plugin, cancel) && g->table->cancel)
            g->table->cancel(g->self, id);
        guest_cancel_requests(g, id);
    }
}

void guest_cancel_all(struct guest *g)
{
    pthread_mutex_lock(&g->lock);
    size_t room = g->call_room;
    pthread_mutex_unlock(&g->lock);
    for (size_t slot = 0; slot < room; slot++) {
        pthread_mutex_lock(&g->lock);
        uint64_t id = g->calls[slot].id;
        pthread_mutex_unlock(&g->lock);
        if (id != 0)
            guest_cancel(g, id);
    }
}
