/* SPDX-License-Identifier: Apache-2.0
 *
 * The threads of agents that may block. They come one by one as calls need them, at most as many as
 * the card's max_concurrency, and take calls in the order in which these came.
 */
#include "base/limits.h"
#include "loader/guest_internal.h"

#include <stdlib.h>

static struct job *next_job(struct guest *g)
{
    pthread_mutex_lock(&g->lock);
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
        guest_call_find(g, job->id)->queued = false;
    }
    pthread_mutex_unlock(&g->lock);
    return job;
}

static void *serve_jobs(void *user)
{
    struct guest *g = user;
    for (struct job *job; (job = next_job(g));) {
        guest_start_agent(g, job);
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
    bool made = pthread_create(&g->threads[g->thread_count], &attributes, serve_jobs, g) == 0;
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

void pool_close(struct guest *g)
{
    pthread_mutex_lock(&g->lock);
    g->pool_closing = true;
    pthread_cond_broadcast(&g->job_came);
    pthread_mutex_unlock(&g->lock);
    for (int i = 0; i < g->thread_count; i++)
        pthread_join(g->threads[i], NULL);
}
