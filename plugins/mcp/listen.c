/* SPDX-License-Identifier: Apache-2.0
 *
 * What a classic server over HTTP asks on a stream of its own, beside the answers of requests: a
 * GET that is open while the call of a tool that reads is under way. It is open before the tool is
 * called, for what is asked when nobody listens is lost, and it has a thread of its own, for the
 * tool's answer may not begin until the question is answered. The thread ends with the call: then
 * the host answers all that it waits for.
 *
 * A server has one such stream, so one listens: the watch (watch.c), where the server tells when
 * its tools are others; else a call, and when it ends another one. Nothing that comes says which
 * call it belongs to: of several under way none is asked.
 */
#include "mcp.h"

#include <errno.h>
#include <time.h>

/* False: the call ended before its turn came. */
bool listen_take(struct listening *listening)
{
    struct web *web = &listening->server->web;
    const struct caller *caller = listening->caller;
    pthread_mutex_lock(&web->lock);
    while (web->listener && !listening->over && !caller->host->cancelled(caller->host, caller->id))
        pthread_cond_wait(&web->news, &web->lock);
    bool turn = !listening->over && !web->silent;
    if (turn)
        web->listener = listening;
    pthread_mutex_unlock(&web->lock);
    return turn;
}

void listen_open(struct web *web, bool open, bool silent)
{
    pthread_mutex_lock(&web->lock);
    web->open = open;
    web->silent = !open && (web->silent || silent);
    pthread_cond_broadcast(&web->news);
    pthread_mutex_unlock(&web->lock);
}

void listen_leave(struct web *web)
{
    pthread_mutex_lock(&web->lock);
    web->listener = NULL;
    web->open = false;
    pthread_cond_broadcast(&web->news);
    pthread_mutex_unlock(&web->lock);
}

/* The call that is under way, if it is the only one, and reads. */
static struct listening *take_asked(struct web *web)
{
    pthread_mutex_lock(&web->lock);
    struct listening *one = web->calls && !web->calls->next ? web->calls : NULL;
    if (one && (!one->reads || one->over))
        one = NULL;
    web->asked = one;
    pthread_mutex_unlock(&web->lock);
    return one;
}

void listen_hear(struct listening *listening, seam_bytes message)
{
    struct web *web = &listening->server->web;
    struct trouble ignored = {0};
    struct listening *asked = take_asked(web);
    session_hear(listening->server, listening->caller, message, asked ? asked->asking : NULL,
                 asked ? &asked->trouble : &ignored);
    pthread_mutex_lock(&web->lock);
    web->asked = NULL;
    pthread_cond_broadcast(&web->news);
    pthread_mutex_unlock(&web->lock);
}

static void hear_all(struct listening *listening, struct exchange *exchange)
{
    struct message *message;
    struct trouble end = {0}; /* nobody's: the call goes on without the stream */
    while ((message = exchange_next(exchange, &end))) {
        listen_hear(listening, (seam_bytes){message->bytes, message->len});
        free(message);
    }
}

static void *listen_on(void *user)
{
    struct listening *listening = user;
    struct server *server = listening->server;
    struct exchange exchange;
    struct trouble refused = {0};
    if (!listen_take(listening))
        return NULL;
    bool open = exchange_listen(&exchange, &server->web, listening->caller, server->version, NULL,
                                &refused);
    int status = exchange_status(&exchange);
    listen_open(&server->web, open,
                status == 404 || status == 405 || refused.status == SEAM_E_DENIED);
    if (open)
        hear_all(listening, &exchange);
    exchange_close(&exchange);
    listen_leave(&server->web);
    return NULL;
}

/* Until somebody hears the stream or there is none; a server that says nothing to that has none, as
 * long as it says nothing. */
static void wait_open(struct listening *listening)
{
    struct web *web = &listening->server->web;
    struct timespec until;
    int waited = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LISTEN_S;
    pthread_mutex_lock(&web->lock);
    while (!web->open && !web->silent && !listening->over && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&web->news, &web->lock, &until);
    web->silent = web->silent || waited == ETIMEDOUT;
    pthread_mutex_unlock(&web->lock);
}

void listen_begin(struct listening *listening, struct server *server, const struct caller *caller,
                  struct asking *asking, bool reads)
{
    struct web *web = &server->web;
    *listening =
        (struct listening){.server = server, .caller = caller, .asking = asking, .reads = reads};
    listening->counts = server->settings.url && server->revision == REVISION_CLASSIC;
    if (!listening->counts)
        return;
    pthread_mutex_lock(&web->lock);
    listening->next = web->calls;
    web->calls = listening;
    bool listens = reads && !web->silent;
    pthread_mutex_unlock(&web->lock);
    if (!listens)
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
    if (!listening->counts)
        return;
    struct web *web = &listening->server->web;
    pthread_mutex_lock(&web->lock);
    for (struct listening **at = &web->calls; *at; at = &(*at)->next)
        if (*at == listening) {
            *at = listening->next;
            break;
        }
    listening->over = true;
    pthread_cond_broadcast(&web->news);
    while (web->asked == listening)
        pthread_cond_wait(&web->news, &web->lock);
    pthread_mutex_unlock(&web->lock);
    if (listening->runs)
        pthread_join(listening->thread, NULL);
}
