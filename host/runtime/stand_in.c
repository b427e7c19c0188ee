/* SPDX-License-Identifier: Apache-2.0
 *
 * The way out of the host: to a plugin and to the network, or in a rehearsal to whoever stands in
 * for both. The rest of the room does not know which. An id says in its lower part whose slot it is
 * of, so that what comes back finds its call as a plugin's does.
 */
#include "runtime/host_internal.h"

#include <sched.h>
#include <stdlib.h>

static const struct stand_ins *stand_ins_of(const struct host *host)
{
    return host->options.stand_ins;
}

/* ---- calls ---- */

uint64_t outside_call(struct live_call *call, const struct plugin_call *out)
{
    struct slot *slot = call->slot;
    struct host *host = slot->host;
    const struct stand_ins *stand_ins = stand_ins_of(host);
    if (!stand_ins)
        return plugin_call(slot->plugin, out);
    struct stand_in_call told = {
        .id = ++host->stand_in_ids * host->slot_count + slot->index,
        .run = call->live->run,
        .task = call->task,
        .reconciling = call->reconciling,
        .agent = call->agent,
        .attempt = call->number,
        .input = call_input(call),
        .feedback = call->feedback,
        .key = call->key,
        .timeout_ms = call->timeout_ms,
    };
    stand_ins->called(stand_ins->user, &told);
    return told.id;
}

void outside_cancel(struct slot *slot, uint64_t call)
{
    const struct stand_ins *stand_ins = stand_ins_of(slot->host);
    if (stand_ins)
        stand_ins->cancelled(stand_ins->user, call);
    else
        plugin_cancel(slot->plugin, call);
}

void outside_answer(struct slot *slot, uint64_t request, const struct plugin_answer *answer)
{
    const struct stand_ins *stand_ins = stand_ins_of(slot->host);
    if (stand_ins && !slot->host->stopping)
        stand_ins->answered(stand_ins->user, request, answer);
    else if (slot->plugin && !slot->freeing)
        plugin_answer(slot->plugin, request, answer);
}

static struct slot *slot_of_id(struct host *host, uint64_t call)
{
    return host->slots[call % host->slot_count];
}

void stand_in_request(struct host *host, uint64_t call, uint64_t request, const char *op,
                      const json_t *body)
{
    AUTO(text_done) struct text text;
    text_init(&text, SIZE_MAX / 2);
    json_write(body, &text);
    call_requested(slot_of_id(host, call), call, request, slice_of(op), text_slice(&text));
}

void stand_in_complete(struct host *host, const struct call_result *result)
{
    call_completed(slot_of_id(host, result->call), result);
}

/* ---- requests that leave ---- */

struct stand_in_send {
    struct stand_in_send *next;
    uint64_t id;
    egress_done done;
    void *user;
};

enum error_code outside_send(struct live_call *call, const struct egress_request *request,
                             egress_done done, void *user, uint64_t *ret_id, struct error *reterr)
{
    struct host *host = call->live->host;
    const struct stand_ins *stand_ins = stand_ins_of(host);
    if (!stand_ins)
        return egress_send(host->egress, request, done, user, ret_id, reterr);
    struct stand_in_send *send = xcalloc(1, sizeof(*send));
    *send = (struct stand_in_send){host->sends, ++host->stand_in_ids, done, user};
    host->sends = send;
    *ret_id = send->id;
    stand_ins->sent(stand_ins->user, send->id, call->id, request);
    return ERR_OK;
}

void outside_abort(struct host *host, uint64_t send)
{
    const struct stand_ins *stand_ins = stand_ins_of(host);
    if (stand_ins)
        stand_ins->closed(stand_ins->user, send);
    else
        egress_abort(host->egress, send);
}

void outside_read(struct host *host, uint64_t send, size_t maximum, struct text *into)
{
    if (!stand_ins_of(host))
        egress_read(host->egress, send, maximum, into);
}

void stand_in_respond(struct host *host, uint64_t id, const struct egress_answer *answer)
{
    struct stand_in_send **at = &host->sends;
    while (*at && (*at)->id != id)
        at = &(*at)->next;
    struct stand_in_send *send = *at;
    if (!send)
        return;
    *at = send->next;
    send->done(send->user, answer);
    free(send);
}

/* What was under way when the host closes is told, as egress_free tells. */
void outside_close(struct host *host)
{
    static const struct egress_answer gone = {
        .fate = FATE_UNKNOWN, .code = ERR_IO, .reason = "the host closes"};
    while (host->sends)
        stand_in_respond(host, host->sends->id, &gone);
}

/* ---- what is looked at ---- */

const struct run *stand_in_run(const struct host *host, const char *id)
{
    const struct live_run *live = live_find(host, id);
    return live ? live->run : NULL;
}

/* ---- the disk ---- */

static void forget_barrier(void *user, enum error_code code, const struct error *err)
{
    (void)user;
    (void)code;
    (void)err;
}

/* The writer may be at it already: then it is asked what it has written until that is enough. */
void stand_in_flush(struct host *host, const char *id)
{
    const struct live_run *live = live_find(host, id);
    struct journal_run known = {0};
    if (!live || host->options.in_memory)
        return;
    host_barrier(host, false, forget_barrier, NULL);
    journal_help(host->journal);
    while ((journal_find(journal_own_reader(host->journal), id, &known, NULL) != ERR_OK ||
            known.last_seq < live->seq) &&
           !host->failed)
        sched_yield();
}

/* ---- time ---- */

struct moment {
    struct timer timer;
    void (*then)(void *user);
    void *user;
    struct moment *next, **back;
};

static void moment_free(struct moment *moment)
{
    *moment->back = moment->next;
    if (moment->next)
        moment->next->back = moment->back;
    timer_stop(&moment->timer);
    free(moment);
}

static void moment_comes(struct timer *timer)
{
    struct moment copy = *(struct moment *)timer->data;
    moment_free(timer->data);
    copy.then(copy.user);
}

void stand_in_after(struct host *host, int64_t wait_ms, void (*then)(void *user), void *user)
{
    struct moment *moment = xcalloc(1, sizeof(*moment));
    moment->then = then;
    moment->user = user;
    moment->next = host->moments;
    moment->back = &host->moments;
    if (moment->next)
        moment->next->back = &moment->next;
    host->moments = moment;
    timer_init(&moment->timer, host, moment);
    timer_start(&moment->timer, moment_comes, wait_ms);
}

void moments_close(struct host *host)
{
    while (host->moments)
        moment_free(host->moments);
}

int64_t stand_in_now(const struct host *host)
{
    return host->timers.now_ms;
}
