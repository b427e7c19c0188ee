/* SPDX-License-Identifier: Apache-2.0
 *
 * What a classic server over HTTP asks on a stream of its own, beside the answers of requests: a
 * GET that is open while the call of a tool that reads is under way. It is open before the tool is
 * called, for what is asked when nobody listens is lost, and it has a thread of its own, for the
 * tool's answer may not begin until the question is answered. The thread ends with the call: then
 * the host answers all that it waits for.
 *
 * A server has one such stream, so the first call listens. Nothing that comes says which call it
 * belongs to: of several under way none is asked.
 */
#include "mcp.h"

#include <errno.h>
#include <time.h>

static bool alone(struct web *web)
{
    pthread_mutex_lock(&web->lock);
    bool alone = web->calls == 1;
    pthread_mutex_unlock(&web->lock);
    return alone;
}

static void tell_open(struct listening *listening, bool silent)
{
    struct web *web = &listening->server->web;
    pthread_mutex_lock(&web->lock);
    listening->settled = true;
    web->silent = web->silent || silent;
    pthread_cond_broadcast(&web->news);
    pthread_mutex_unlock(&web->lock);
}

static void hear_all(struct listening *listening, struct exchange *exchange)
{
    struct message *message;
    struct trouble end = {0}; /* nobody's: the call goes on without the stream */
    while ((message = exchange_next(exchange, &end))) {
        session_hear(
            listening->server, listening->caller, (seam_bytes){message->bytes, message->len},
            alone(&listening->server->web) ? listening->asking : NULL, &listening->trouble);
        free(message);
    }
}

static void *listen_on(void *user)
{
    struct listening *listening = user;
    struct server *server = listening->server;
    struct exchange exchange;
    struct trouble refused = {0};
    bool open =
        exchange_listen(&exchange, &server->web, listening->caller, server->version, &refused);
    int status = exchange_status(&exchange);
    /* 409: another connection of this session has it, and may leave it again */
    tell_open(listening, !open && (status / 100 == 4 || refused.status == SEAM_E_DENIED) &&
                             status != 409 && status != 429);
    if (open)
        hear_all(listening, &exchange);
    exchange_close(&exchange);
    return NULL;
}

/* Whether there is a stream is known, or a server that says nothing to that has none. */
static void wait_open(struct listening *listening)
{
    struct web *web = &listening->server->web;
    struct timespec until;
    int waited = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LISTEN_S;
    pthread_mutex_lock(&web->lock);
    while (!listening->settled && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&web->news, &web->lock, &until);
    web->silent = web->silent || !listening->settled;
    pthread_mutex_unlock(&web->lock);
}

void listen_begin(struct listening *listening, struct server *server, const struct caller *caller,
                  struct asking *asking, bool reads)
{
    struct web *web = &server->web;
    *listening = (struct listening){.server = server, .caller = caller, .asking = asking};
    listening->counts = server->settings.url && server->revision == REVISION_CLASSIC;
    if (!listening->counts)
        return;
    pthread_mutex_lock(&web->lock);
    web->calls++;
    listening->listens = reads && !web->silent && !web->listens;
    web->listens = web->listens || listening->listens;
    pthread_mutex_unlock(&web->lock);
    if (!listening->listens)
        return;
    listening->runs = pthread_create(&listening->thread, NULL, listen_on, listening) == 0;
    if (listening->runs)
        wait_open(listening);
}

bool listen_settle(struct listening *listening, struct trouble *trouble)
{
    asking_stop(listening->asking);
    if (listening->trouble.status != SEAM_OK)
        *trouble = listening->trouble;
    return trouble->status == SEAM_OK;
}

void listen_end(struct listening *listening)
{
    if (listening->runs)
        pthread_join(listening->thread, NULL);
    if (!listening->counts)
        return;
    struct web *web = &listening->server->web;
    pthread_mutex_lock(&web->lock);
    web->calls--;
    web->listens = web->listens && !listening->listens;
    pthread_mutex_unlock(&web->lock);
}
