/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls. However a call ends, the run hears of it once: ENDED. A call stands before its agent's
 * gate (gate.c), then waits while its plugin is not up or takes no more; one that was sent, but had
 * not begun when its worker died, waits again, for it is no affair of its own.
 *
 *   held → waiting        the gate lets it go               [gate.c]
 *   waiting → sent        its plugin is up and takes it     [send_waiting]
 *   sent → waiting        its worker died before it began   [completed]
 *   any → gone            ENDED                             [call_ended]
 */
#include "runtime/faults_internal.h"
#include "runtime/hidden_internal.h"
#include "runtime/http_internal.h"
#include "runtime/reload_internal.h"
#include "runtime/said_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- statuses and causes ---- */

static const struct {
    int32_t status;
    enum cause cause;
} causes[] = {
    {SEAM_E_INPUT, CAUSE_INPUT},
    {SEAM_E_FAILED, CAUSE_FAILED},
    {SEAM_E_UNAVAILABLE, CAUSE_UNAVAILABLE},
    {SEAM_E_RATE_LIMITED, CAUSE_RATE_LIMITED},
    {SEAM_E_DENIED, CAUSE_DENIED},
    {SEAM_E_BUDGET, CAUSE_BUDGET},
    {SEAM_E_TIMEOUT, CAUSE_TIMEOUT},
    {SEAM_E_CANCELLED, CAUSE_CANCELLED},
    {SEAM_E_BUSY, CAUSE_BUSY},
    {SEAM_E_UNSUPPORTED, CAUSE_UNSUPPORTED},
    {SEAM_E_INTERNAL, CAUSE_INTERNAL},
};

enum cause cause_of_status(int32_t status)
{
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
        if (causes[i].status == status)
            return causes[i].cause;
    return CAUSE_INTERNAL;
}

/* ---- lines, and the calls of a slot ---- */

void call_line_init(struct call_line *line)
{
    *line = (struct call_line){.end = &line->first};
}

void call_line_push(struct call_line *line, struct live_call *call)
{
    call->line = line;
    call->next = NULL;
    call->back = line->end;
    *line->end = call;
    line->end = &call->next;
    line->count++;
}

void call_line_leave(struct live_call *call)
{
    struct call_line *line = call->line;
    if (call->next)
        call->next->back = call->back;
    else if (line)
        line->end = call->back;
    *call->back = call->next;
    if (!line)
        return;
    line->count--;
    call->line = NULL;
}

json_t *call_input(const struct live_call *call)
{
    return call->reconcile_input ? call->reconcile_input
                                 : run_task_input(call->live->run, call->task);
}

/* What it would otherwise be written for again when its turn comes. */
static void keep_text(struct live_call *call, struct slice text)
{
    if (call->text || text.len > LIMIT_INLINE)
        return;
    call->text = xstrndup(text.ptr, text.len);
    call->text_len = text.len;
}

void call_wait(struct live_call *call)
{
    call->id = 0;
    if (call->slot->successor) {
        struct slot *slot =
            reload_slot(call->live, call->agent, call->task, call->attempt, call->reconciling);
        if (!slot) {
            call_refuse_later(call, CAUSE_DENIED, "not-started", 0, "%s", REPLACED);
            return;
        }
        call->slot = slot;
    }
    call->came = ++call->slot->came;
    const struct known_text *known =
        call->slot->waiting.first ? known_find(&call->live->host->known, call_input(call)) : NULL;
    if (known)
        keep_text(call, known->text);
    call_line_push(&call->slot->waiting, call);
}

static struct slice id_key(const uint64_t *id)
{
    return (struct slice){(const char *)id, sizeof(*id)};
}

static void call_was_sent(struct live_call *call, uint64_t id)
{
    struct slot *slot = call->slot;
    call_line_leave(call);
    free(TAKE(call->text));
    call->id = id;
    call->sent_ms = host_steady(slot->host);
    map_put(&slot->by_id, id_key(&call->id), call);
    call->next = slot->sent;
    call->back = &slot->sent;
    if (call->next)
        call->next->back = &call->next;
    slot->sent = call;
    slot->heard_hidden |= call->live->seal != NULL;
    slot_watch(slot);
    live_rest(call->live);
}

void call_free(struct live_call *call)
{
    struct live_run *live = call->live;
    services_end(call);
    said_drop(call);
    if (call->id)
        map_take(&call->slot->by_id, id_key(&call->id));
    gate_leave(call);
    call_line_leave(call);
    if (call->refusal)
        free(call->refusal->message);
    free(call->refusal);
    free(call->text);
    json_decref(call->reconcile_input);
    json_decref(call->feedback);
    placeholders_done(call);
    json_decref(call->ordinals);
    json_decref(call->sent);
    json_decref(call->begun);
    free(call);
    live->calls--;
    live->host->calls--;
}

struct live_call *call_find(const struct slot *slot, uint64_t id)
{
    return map_get(&slot->by_id, id_key(&id));
}

/* Tells the run, and frees the call. A reference that is claimed becomes its effect's. */
static void call_ended(struct live_call *call, struct event *event, const char *claim,
                       const char *owner)
{
    struct live_run *live = call->live;
    event->kind = EVENT_ENDED;
    event->task = call->task;
    event->attempt = call->attempt;
    gate_hear(call, event);
    int64_t hour_ms = call->hour_ms;
    call_free(call);
    live->ended_hour_ms = hour_ms;
    live_happen_claiming(live, event, claim, owner);
    live_release(live);
}

static void call_not_started(struct live_call *call, enum cause cause, const char *why)
{
    struct event event = {
        .end = END_NOT_STARTED, .cause = cause, .code = "not-started", .message = why};
    call_ended(call, &event, NULL, NULL);
}

void call_end_quarantined(struct live_call *call, const char *why)
{
    struct event event = {
        .end = END_NOT_STARTED, .cause = CAUSE_QUARANTINED, .code = "quarantined", .message = why};
    call_ended(call, &event, NULL, NULL);
}

void call_end_refused(struct live_call *call)
{
    struct refusal *refusal = TAKE(call->refusal);
    struct event event = {.end = END_NOT_STARTED,
                          .cause = refusal->cause,
                          .code = refusal->code,
                          .retry_after_ms = refusal->retry_after_ms,
                          .message = refusal->message};
    call_ended(call, &event, NULL, NULL);
    free(refusal->message);
    free(refusal);
}

void call_refuse(struct live_run *live, uint32_t task, uint32_t attempt, enum cause cause,
                 const char *why)
{
    struct event event = {.kind = EVENT_ENDED,
                          .task = task,
                          .attempt = attempt,
                          .end = END_NOT_STARTED,
                          .cause = cause,
                          .code = "not-started",
                          .message = why};
    if (!live->host->stopping)
        live_happen(live, &event, NULL);
}

/* ---- sending ---- */

static const char *bare_name(const struct agent *agent)
{
    return strchr(agent->name, '/') + 1;
}

/* False: the plugin takes no more for now. */
static bool call_send(struct live_call *call)
{
    struct host *host = call->live->host;
    struct text *text = &host->scratch;
    struct slice input = {call->text, call->text_len};
    const struct known_text *known = call->text ? NULL : known_find(&host->known, call_input(call));
    text_clear(text);
    if (known)
        input = known->text;
    else if (!call->text)
        json_write(call_input(call), text);
    size_t written = text->len;
    if (call->feedback)
        json_write(call->feedback, text);
    struct plugin_call out = {
        .agent = bare_name(call->agent),
        .attempt = call->number,
        .deadline_ms = call->timeout_ms,
        .input = known || call->text ? input : (struct slice){text_str(text), written},
        .key = slice_of(call->key),
        .feedback = {text_str(text) + written, text->len - written},
    };
    uint64_t id = outside_call(call, &out);
    if (id != 0)
        call_was_sent(call, id);
    else
        keep_text(call, out.input);
    return id != 0;
}

void send_waiting(struct slot *slot)
{
    while (slot->state == SLOT_UP && slot->waiting.first && !slot_quarantine(slot)) {
        struct live_call *first = slot->waiting.first;
        if (!call_send(first) && slot->sent)
            return;
        if (first == slot->waiting.first)
            call_not_started(first, CAUSE_FAILED, "it is larger than a plugin can be given");
    }
}

void refuse_waiting(struct slot *slot, const char *why)
{
    /* what comes meanwhile waits for the next start */
    for (size_t count = slot->waiting.count; count > 0 && slot->waiting.first; count--)
        call_not_started(slot->waiting.first, CAUSE_UNAVAILABLE, why);
}

void call_start(struct live_run *live, const struct decision *start)
{
    struct host *host = live->host;
    /* an end that was recorded behind the start's back (a resume) leaves nothing to do */
    if (host->stopping || !run_task_in_flight(live->run, start->task, start->attempt))
        return;
    if (run_task_needless(live->run, start->task)) {
        call_refuse(live, start->task, start->attempt, CAUSE_CANCELLED,
                    "it was stopped before its plugin was called");
        return;
    }
    const struct agent *agent = run_task_agent(live->run, start->task, start->reconciling);
    struct slot *slot = reload_slot(live, agent, start->task, start->attempt, start->reconciling);
    if (!slot) {
        call_refuse(live, start->task, start->attempt, CAUSE_DENIED, REPLACED);
        return;
    }
    struct live_call *call = xcalloc(1, sizeof(*call));
    call->live = live;
    call->agent = agent;
    call->task = start->task;
    call->attempt = start->attempt;
    call->number = start->number;
    call->reconciling = start->reconciling;
    call->timeout_ms = start->timeout_ms;
    call->reconcile_input = start->reconciling ? json_incref(start->input) : NULL;
    call->feedback = json_incref(start->feedback);
    run_task_key(live->run, start->task, call->key);
    call->slot = slot;
    live->calls++;
    host->calls++;
    call->rank = run_task_recovers(live->run, call->task) ? LINE_RECOVERY : LINE_ORDINARY;
    call->hour_ms = live->start_hour_ms;
    nested_started(call);
    const json_t *quarantine = slot_quarantine(slot);
    if (quarantine) {
        AUTO(freep) char *words = quarantine_words(quarantine);
        call_refuse_later(call, CAUSE_QUARANTINED, "quarantined", 0, "%s", words);
    } else {
        gate_enter(call);
    }
}

struct live_call *call_of_task(struct live_call *list, const struct live_run *live, uint32_t task)
{
    while (list && (list->live != live || list->task != task))
        list = list->next;
    return list;
}

void call_stop(struct live_run *live, uint32_t task)
{
    struct slot *slot = slot_of(live->host, run_task_agent(live->run, task, false));
    struct live_call *call = slot ? call_of_task(slot->sent, live, task) : NULL;
    for (struct slot *old = live->host->retiring; old && !call; old = old->next)
        call = call_of_task(old->sent, live, task);
    if (call) {
        outside_cancel(call->slot, call->id);
        return;
    }
    if (!slot)
        return;
    call = call_of_task(slot->waiting.first, live, task);
    for (struct slot *old = live->host->retiring; old && !call; old = old->next)
        call = call_of_task(old->waiting.first, live, task);
    for (const struct gate *gate = live->host->gates; gate && !call; gate = gate->next)
        for (size_t i = 0; i < GATE_LINES && !call; i++)
            call = call_of_task(gate->held[i].first, live, task);
    if (call)
        call_not_started(call, CAUSE_CANCELLED, "it was stopped before its plugin took it");
}

/* ---- what comes back ---- */

/* The key of whose a reference is: the effect that is asked about, or the only one that was made.
 */
static const char *claiming_key(const struct live_call *call)
{
    const struct run *run = call->live->run;
    if (call->reconciling)
        return json_string_value(json_object_get(call->reconcile_input, "key"));
    return run_task_effects(run, call->task) == 1 ? run_task_effect(run, call->task, 0).key
                                                  : call->key;
}

/* A reconcile must not find a sibling: the reference in its result must be nobody else's. */
static void end_reconcile(struct live_call *call, struct event *event)
{
    const json_t *result = json_object_get(event->body, "result");
    AUTO(freep) char *reference = run_task_reference(call->live->run, call->task, result);
    AUTO(freep) char *claim = NULL, *owner = NULL;
    event->claimed = reference && hidden_claimed(call->live, reference, claiming_key(call));
    if (reference && !event->claimed)
        hidden_claim(call->live, reference, claiming_key(call), &claim, &owner);
    call_ended(call, event, claim, owner);
}

/* What a write gives names what it made, committed or not. */
static void end_write(struct live_call *call, struct event *event)
{
    AUTO(freep) char *reference = run_task_reference(call->live->run, call->task, event->body);
    AUTO(freep) char *claim = NULL, *owner = NULL;
    if (reference)
        hidden_claim(call->live, reference, claiming_key(call), &claim, &owner);
    call_ended(call, event, claim, owner);
}

static enum outcome claim_of(uint32_t effect)
{
    return effect == SEAM_EFFECT_NONE   ? OUTCOME_NONE
           : effect == SEAM_EFFECT_DONE ? OUTCOME_DONE
                                        : OUTCOME_UNKNOWN;
}

static void completed_ok(struct live_call *call, const struct call_result *result,
                         struct event *event)
{
    struct host *host = call->live->host;
    static _Thread_local struct error err;
    bool compact = false;
    event->end = result->status == SEAM_OK ? END_OK : END_INPUT_REQUIRED;
    if (json_read_compact(result->body, (size_t)host->manifest->payload, &event->body, &compact,
                          &err) == ERR_OK) {
        if (compact)
            known_set(&host->known,
                      (struct known_text){.value = event->body, .text = result->body});
        return;
    }
    event->end = END_FAILED;
    event->cause = CAUSE_CONTRACT;
    event->code = "bad-json";
    error_prefix(&err, result->status == SEAM_OK ? "its output: " : "its question: ");
    event->message = err.text;
}

/* What a call's end is to its run, but for an output. */
static void read_failure(const struct live_call *call, const struct call_result *result,
                         struct event *event)
{
    event->end = result->begun ? END_FAILED : END_NOT_STARTED;
    event->lost = result->begun && result->end != CALL_COMPLETED;
    event->message = result->reason;
    switch (result->end) {
    case CALL_COMPLETED:
        event->cause = cause_of_status(result->status);
        event->claim = claim_of(result->effect);
        event->refusal = event->claim == OUTCOME_NONE && gate_refusal(call, result->code);
        event->message = NULL; /* the body has it */
        if (json_read(result->body, LIMIT_QUESTION, &event->body, NULL) != ERR_OK)
            event->body = NULL;
        break;
    case CALL_TIMED_OUT:
        event->cause = CAUSE_TIMEOUT;
        break;
    case CALL_CRASHED:
        event->cause = CAUSE_CRASH;
        break;
    case CALL_BROKE_ABI:
        event->cause = CAUSE_CONTRACT;
        event->code = "broke-abi";
        break;
    }
}

/* Told to come back later by whom the agent asked, and the agent does not say when. */
static void await_other_side(const struct live_call *call, struct event *event)
{
    if (event->retry_after_ms == 0 && event->end == END_FAILED &&
        (event->cause == CAUSE_RATE_LIMITED || event->cause == CAUSE_UNAVAILABLE))
        event->retry_after_ms = call->retry_after_ms;
}

/* On probation it is looked at here whether an answer is what the agent may give. */
static void hear_answer(const struct live_call *call, const struct event *event)
{
    if (event->end == END_OK && !contract_accepts(call->agent->output, event->body))
        probation_answer(call->slot, "an output that breaks its contract");
    else if (event->end == END_FAILED && event->cause == CAUSE_CONTRACT)
        probation_answer(call->slot, event->message && !call->live->seal
                                         ? event->message
                                         : "its answer was no answer");
    else if (event->end == END_OK)
        probation_answer(call->slot, NULL);
}

static void end_call(struct live_call *call, const struct call_result *result)
{
    struct host *host = call->live->host;
    struct known_text before = host->known.whole;
    struct event event = {.retry_after_ms = result->retry_after_ms};
    AUTO(freep) char *code = result->code.len ? xstrndup(result->code.ptr, result->code.len) : NULL;
    said_last(call);
    event.code = code;
    if (result->end == CALL_COMPLETED &&
        (result->status == SEAM_OK || result->status == SEAM_E_INPUT_REQUIRED)) {
        event.claim = claim_of(result->effect);
        completed_ok(call, result, &event);
    } else {
        read_failure(call, result, &event);
        await_other_side(call, &event);
    }
    if (result->end == CALL_COMPLETED && nested_gave_way(call, &event)) {
        event.end = END_GAVE_WAY;
        event.cause = CAUSE_UNAVAILABLE;
    }
    json_t *body = event.body;
    if (call->slot->before)
        hear_answer(call, &event);
    if (call->reconciling && event.end == END_OK)
        end_reconcile(call, &event);
    else if (call->agent->ref && event.end == END_OK)
        end_write(call, &event);
    else
        call_ended(call, &event, NULL, NULL);
    known_set(&host->known, before);
    json_decref(body);
}

/* Without what a plugin may have learned of a secret by a way that nobody saw. */
static void end_hidden(struct live_call *call, const struct call_result *result)
{
    struct call_result clean = *result;
    AUTO(freep) char *body = secrets_hide(call->live->host, result->body, false, &clean.body.len);
    AUTO(freep) char *code = secrets_hide(call->live->host, result->code, false, &clean.code.len);
    if (body)
        clean.body.ptr = body;
    if (code)
        clean.code.ptr = code;
    end_call(call, &clean);
}

/* What the end of one call says of its plugin; what ends it says so itself. */
static void note_fault(struct slot *slot, const struct call_result *result)
{
    bool broke = result->end == CALL_BROKE_ABI && plugin_fault(slot->plugin) == PLUGIN_SOUND;
    bool hung = result->end == CALL_TIMED_OUT && result->begun && !result->reaped;
    if (broke || hung)
        slot_fault(slot, hung ? PLUGIN_HUNG : PLUGIN_CRASHED, result->reason);
}

void call_completed(void *user, const struct call_result *result)
{
    struct slot *slot = user;
    struct live_call *call = call_find(slot, result->call);
    if (!call && slot->self_test)
        (void)self_test_hears(slot, result);
    if (!call)
        return;
    if (result->end == CALL_COMPLETED && result->begun) {
        slot->failed_starts = 0;
    }
    note_fault(slot, result);
    if (result->end == CALL_CRASHED && !result->begun && !slot->roster->entry->in_process) {
        map_take(&slot->by_id, id_key(&call->id));
        call_line_leave(call);
        call_wait(call);
        if (call->slot != slot)
            slot_want(call->slot);
        return;
    }
    end_hidden(call, result);
    send_waiting(slot);
}

void call_requested(void *user, uint64_t id, uint64_t request, struct slice op, struct slice body)
{
    struct slot *slot = user;
    struct live_call *call = call_find(slot, id);
    if (!call)
        call = describing_call(slot, id);
    if (call)
        service_asked(call, request, op, body);
    else
        service_fail(slot, request, SEAM_E_CANCELLED, SEAM_EFFECT_NONE, "", "the call has ended");
}
