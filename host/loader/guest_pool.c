/* SPDX-License-Identifier: Apache-2.0
 *
 * The threads of agents that may block. They come one by one as calls need them, at most as many as
 * the card's max_concurrency, and take calls in the order in which these came. A thread is free
 * when start() returns, which may be long after the call has ended.
 */
#include "base/limits.h"
#include "loader/guest_internal.h"

#include <stdlib.h>

static struct job *next_job(struct guest *g, struct guest_thread *t)
{
    pthread_mutex_lock(&g->lock);
    t->ended_ns = 0;
    g->idle++;
    while (!g->first_job && !g->pool_closing)
        pthread_cond_wait(&g->job_came, &g->lock);
    g->idle--;
    struct job *job = g->first_job;
    if (job) {
        g->first_job = job->next;
        if (!g->first_job)
            g->last_job = &g->first_job;
        g->job_count--;
        struct guest_call *c = guest_call_find(g, job->id);
        c->queued = false;
        c->thread = (int32_t)(t - g->threads);
    }
    pthread_mutex_unlock(&g->lock);
    return job;
}

static void *serve_jobs(void *user)
{
    struct guest_thread *t = user;
    for (struct job *job; (job = next_job(t->guest, t));) {
        guest_start_agent(t->guest, job);
        free(job);
    }
    return NULL;
}

/* Holds the lock. */
static bool add_thread(struct guest *g)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, LIMIT_POOL_STACK);
    struct guest_thread *t = &g->threads[g->thread_count];
    t->guest = g;
    bool made = pthread_create(&t->thread, &attributes, serve_jobs, t) == 0;
    pthread_attr_destroy(&attributes);
    if (made)
        g->thread_count++;
    return made;
}

void pool_add(struct guest *g, struct job *job)
{
    pthread_mutex_lock(&g->lock);
    bool served = true;
    if (g->job_count >= g->idle && g->thread_count < g->max_threads)
        served = add_thread(g) || g->thread_count > 0;
    if (served) {
        *g->last_job = job;
        g->last_job = &job->next;
        g->job_count++;
        pthread_cond_signal(&g->job_came);
    }
    pthread_mutex_unlock(&g->lock);
    if (served)
        return;
    guest_end_call(g, &(struct frame){.kind = FRAME_COMPLETE,
                                      .id = job->id,
                                      .status = SEAM_E_BUSY,
                                      .effect = SEAM_EFFECT_NONE,
                                      .parts = {SLICE(""), SLICE("seam.no-thread")}});
    free(job);
}

bool pool_remove(struct guest *g, uint64_t id)
{
    for (struct job **at = &g->first_job; *at; at = &(*at)->next) {
        struct job *job = *at;
        if (job->id != id)
            continue;
        *at = job->next;
        if (g->last_job == &job->next)
            g->last_job = at;
        g->job_count--;
        free(job);
        return true;
    }
    return false;
}

/* Every thread is held by a call that ended a while ago: no other will ever begin. */
bool pool_is_stuck(struct guest *g)
{
    uint64_t now_ns = monotonic_ns();
    if (g->idle > 0 || g->thread_count < g->max_threads)
        return false;
    for (int i = 0; i < g->thread_count; i++) {
        uint64_t ended_ns = g->threads[i].ended_ns;
        if (ended_ns == 0 || now_ns - ended_ns < LIMIT_LINGER_MS * 1000000u)
            return false;
    }
    return true;
}

void pool_close(struct guest *g)
{
    pthread_mutex_lock(&g->lock);
    g->pool_closing = true;
    pthread_cond_broadcast(&g->job_came);
    pthread_mutex_unlock(&g->lock);
    for (int i = 0; i < g->thread_count; i++)
        pthread_join(g->threads[i].thread, NULL);
}
