/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests of the plugin for services: each gets a slot and an id, and its answer runs exactly
 * once: at the door if it is refused there; on the loop; or, for request_wait, on the thread that
 * waits. A call that ends or is cancelled leaves none behind: they are answered CANCELLED, and what
 * the host answers later finds nothing.
 */
#include "base/limits.h"
#include "loader/guest_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

enum { SLOT_BITS = 16 };
_Static_assert(LIMIT_PLUGIN_REQUESTS <= 1u << SLOT_BITS, "a slot fits its bits");

/* Holds the lock; GUEST_NONE if there are too many. */
static int32_t request_open(struct guest *g)
{
    if (g->free_request == GUEST_NONE) {
        if (g->request_room == LIMIT_PLUGIN_REQUESTS)
            return GUEST_NONE;
        size_t room = g->request_room == 0 ? 64 : g->request_room * 2;
        g->requests = xrealloc(g->requests, room * sizeof(*g->requests));
        for (size_t i = room; i-- > g->request_room;) {
            g->requests[i] = (struct guest_request){.next = g->free_request};
            g->free_request = (int32_t)i;
        }
        g->request_room = room;
    }
    int32_t slot = g->free_request;
    g->free_request = g->requests[slot].next;
    g->requests[slot].id = ++g->request_count << SLOT_BITS | (uint64_t)slot;
    return slot;
}

/* Holds the lock. The slot is free afterwards; what was in it is returned. */
static struct guest_request request_close(struct guest *g, int32_t slot)
{
    struct guest_request request = g->requests[slot];
    g->requests[slot] = (struct guest_request){.next = g->free_request};
    g->free_request = slot;
    return request;
}

/* Holds the lock. */
static void unlink_from_call(struct guest *g, int32_t slot)
{
    struct guest_call *c = guest_call_find(g, g->requests[slot].call);
    int32_t *at = c ? &c->first_request : &g->orphans;
    while (*at != slot)
        at = &g->requests[*at].next;
    *at = g->requests[slot].next;
}

static void answer_with(seam_reply_fn answer, void *user, seam_status status)
{
    struct seam_reply reply = {.size = sizeof(reply), .status = status, .effect = SEAM_EFFECT_NONE};
    if (answer)
        answer(user, &reply);
}

/* Holds the lock. */
static void wake_waiter(struct guest_wait *wait, const struct frame *frame)
{
    wait->status = frame->status;
    wait->effect = frame->effect;
    wait->retry_after_ms = frame->number;
    size_t body = frame->parts[0].len, code = frame->parts[1].len;
    wait->copy = xmalloc(body + code + 1);
    if (body > 0)
        memcpy(wait->copy, frame->parts[0].ptr, body);
    if (code > 0)
        memcpy(wait->copy + body, frame->parts[1].ptr, code);
    wait->body = (struct slice){wait->copy, body};
    wait->code = (struct slice){wait->copy + body, code};
    wait->done = true;
    pthread_cond_signal(&wait->answered);
}

static void give_answer(const struct guest_request *request, const struct frame *frame)
{
    struct seam_reply reply = {
        .size = sizeof(reply),
        .status = frame->status,
        .effect = frame->effect,
        .retry_after_ms = frame->number,
        .body = {frame->parts[0].ptr, frame->parts[0].len},
        .code = {frame->parts[1].ptr, frame->parts[1].len},
    };
    if (request->answer)
        request->answer(request->user, &reply);
}

/* Closes a request and brings it its answer. Takes the lock; lets go of it. */
static void finish_and_unlock(struct guest *g, int32_t slot, const struct frame *frame)
{
    struct guest_request request = request_close(g, slot);
    if (request.wait)
        wake_waiter(request.wait, frame);
    pthread_mutex_unlock(&g->lock);
    if (!request.wait)
        give_answer(&request, frame);
}

static const struct frame cancelled_answer = {
    .kind = FRAME_ANSWER, .status = SEAM_E_CANCELLED, .effect = SEAM_EFFECT_NONE};

void guest_take_answer(struct guest *g, const struct frame *frame)
{
    int32_t slot = (int32_t)(frame->id & ((1u << SLOT_BITS) - 1));
    pthread_mutex_lock(&g->lock);
    if ((size_t)slot >= g->request_room || g->requests[slot].id != frame->id) {
        pthread_mutex_unlock(&g->lock);
        return;
    }
    bool ended = guest_call_find(g, g->requests[slot].call) == NULL;
    unlink_from_call(g, slot);
    finish_and_unlock(g, slot, ended ? &cancelled_answer : frame);
}

void guest_cancel_requests(struct guest *g, uint64_t call)
{
    for (;;) {
        pthread_mutex_lock(&g->lock);
        struct guest_call *c = guest_call_find(g, call);
        if (!c || c->first_request == GUEST_NONE)
            break;
        int32_t slot = c->first_request;
        c->first_request = g->requests[slot].next;
        finish_and_unlock(g, slot, &cancelled_answer);
    }
    pthread_mutex_unlock(&g->lock);
}

void guest_orphan_requests(struct guest *g, struct guest_call *c)
{
    while (c->first_request != GUEST_NONE) {
        int32_t slot = c->first_request;
        c->first_request = g->requests[slot].next;
        g->requests[slot].next = g->orphans;
        g->orphans = slot;
    }
}

void guest_answer_orphans(struct guest *g)
{
    for (;;) {
        pthread_mutex_lock(&g->lock);
        int32_t slot = g->orphans;
        if (slot == GUEST_NONE)
            break;
        g->orphans = g->requests[slot].next;
        finish_and_unlock(g, slot, &cancelled_answer);
    }
    pthread_mutex_unlock(&g->lock);
}

/* Checks a request at the door. */
static seam_status admit(struct guest *g, seam_id call, const char *op, seam_bytes body)
{
    size_t op_len = op ? strnlen(op, LIMIT_NAME + 1) : 0;
    if (op_len == 0 || op_len > LIMIT_NAME || (!body.ptr && body.len > 0))
        return SEAM_E_INPUT;
    if (body.len > g->payload) {
        guest_breach(g, call, "it asked %s with %zu bytes; the limit is %zu", op, body.len,
                     g->payload);
        return SEAM_E_INPUT;
    }
    if (!slice_valid_utf8((struct slice){op, op_len}) ||
        !slice_valid_utf8((struct slice){body.ptr, body.len}))
        return SEAM_E_INPUT;
    return transport_backlog(g->transport) > LIMIT_REQUEST_BACKLOG ? SEAM_E_BUSY : SEAM_OK;
}

static seam_status register_request(struct guest *g, seam_id call, struct guest_request what,
                                    uint64_t *ret_id)
{
    seam_status status = SEAM_OK;
    pthread_mutex_lock(&g->lock);
    struct guest_call *c = guest_call_find(g, call);
    int32_t slot = GUEST_NONE;
    if (!c || c->cancelled)
        status = SEAM_E_CANCELLED;
    else if ((slot = request_open(g)) == GUEST_NONE)
        status = SEAM_E_BUSY;
    if (status == SEAM_OK) {
        what.id = g->requests[slot].id;
        what.call = call;
        what.next = c->first_request;
        c->first_request = slot;
        g->requests[slot] = what;
        *ret_id = what.id;
    }
    pthread_mutex_unlock(&g->lock);
    return status;
}

static seam_status send_request(struct guest *g, seam_id call, const char *op, seam_bytes body,
                                struct guest_request what)
{
    uint64_t id = 0;
    seam_status status = admit(g, call, op, body);
    if (status == SEAM_OK)
        status = register_request(g, call, what, &id);
    if (status == SEAM_OK)
        guest_send(g, &(struct frame){.kind = FRAME_REQUEST,
                                      .id = call,
                                      .other = id,
                                      .parts = {slice_of(op), {body.ptr, body.len}}});
    return status;
}

seam_status guest_request(const struct seam_host *host, seam_id id, const char *op, seam_bytes body,
                          seam_reply_fn answer, void *user)
{
    struct guest *g = host->ctx;
    seam_status status =
        send_request(g, id, op, body, (struct guest_request){.answer = answer, .user = user});
    if (status != SEAM_OK)
        answer_with(answer, user, status);
    return status;
}

seam_status guest_request_wait(const struct seam_host *host, seam_id id, const char *op,
                               seam_bytes body, seam_reply_fn answer, void *user)
{
    struct guest *g = host->ctx;
    struct guest_wait wait = {.done = false};
    seam_status status = SEAM_E_UNSUPPORTED;
    if (!pthread_equal(pthread_self(), g->loop)) {
        pthread_cond_init(&wait.answered, NULL);
        status = send_request(g, id, op, body, (struct guest_request){.wait = &wait});
    }
    if (status != SEAM_OK) {
        answer_with(answer, user, status);
        return status;
    }
    pthread_mutex_lock(&g->lock);
    while (!wait.done)
        pthread_cond_wait(&wait.answered, &g->lock);
    pthread_mutex_unlock(&g->lock);
    pthread_cond_destroy(&wait.answered);
    give_answer(&(struct guest_request){.answer = answer, .user = user},
                &(struct frame){.kind = FRAME_ANSWER,
                                .status = wait.status,
                                .effect = wait.effect,
                                .number = wait.retry_after_ms,
                                .parts = {wait.body, wait.code}});
    free(wait.copy);
    return wait.status;
}
