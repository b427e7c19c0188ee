/* SPDX-License-Identifier: Apache-2.0
 *
 * Plugins and the calls in them. A plugin is started when the first call for it comes, and again,
 * after a growing wait, when its worker has died; calls wait for it meanwhile. However a call ends,
 * the run hears of it once: ENDED.
 */
#include "runtime/host_internal.h"

#include <stdlib.h>
#include <string.h>

static void slot_start(struct slot *slot);

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

/* ---- the calls of a slot ---- */

static void call_link(struct live_call *call, struct slot *slot)
{
    call->slot = slot;
    call->next = slot->calls;
    call->back = &slot->calls;
    if (call->next)
        call->next->back = &call->next;
    slot->calls = call;
    call->live->calls++;
}

static struct slice id_key(const uint64_t *id)
{
    return (struct slice){(const char *)id, sizeof(*id)};
}

static void call_free(struct live_call *call)
{
    struct live_run *live = call->live;
    services_end(call);
    if (call->id)
        map_take(&call->slot->by_id, id_key(&call->id));
    *call->back = call->next;
    if (call->next)
        call->next->back = call->back;
    json_decref(call->input);
    json_decref(call->feedback);
    json_decref(call->ordinals);
    json_decref(call->sent);
    json_decref(call->begun);
    free(call);
    live->calls--;
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
    call_free(call);
    live_happen_claiming(live, event, claim, owner);
    live_release(live);
}

static void call_not_started(struct live_call *call, const char *why)
{
    struct event event = {
        .end = END_NOT_STARTED, .cause = CAUSE_UNAVAILABLE, .code = "not-started", .message = why};
    call_ended(call, &event, NULL, NULL);
}

void call_refuse(struct live_run *live, uint32_t task, uint32_t attempt, const char *why)
{
    struct event event = {.kind = EVENT_ENDED,
                          .task = task,
                          .attempt = attempt,
                          .end = END_NOT_STARTED,
                          .cause = CAUSE_UNAVAILABLE,
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

static void call_send(struct live_call *call)
{
    AUTO(text_done) struct text input, feedback;
    text_init(&input, SIZE_MAX / 2);
    text_init(&feedback, SIZE_MAX / 2);
    json_write(call->input, &input);
    if (call->feedback)
        json_write(call->feedback, &feedback);
    struct plugin_call out = {
        .agent = bare_name(call->agent),
        .attempt = call->number,
        .deadline_ms = call->timeout_ms,
        .input = text_slice(&input),
        .key = slice_of(call->key),
        .feedback = text_slice(&feedback),
    };
    call->id = plugin_call(call->slot->plugin, &out);
    if (call->id != 0)
        map_put(&call->slot->by_id, id_key(&call->id), call);
    else
        call_not_started(call, "too many calls are waiting for this plugin");
}

/* The calls that waited, oldest first; each sending may free its call. */
static void send_waiting(struct slot *slot)
{
    for (;;) {
        struct live_call *oldest = NULL;
        for (struct live_call *call = slot->calls; call; call = call->next)
            if (call->id == 0)
                oldest = call;
        if (!oldest)
            return;
        call_send(oldest);
    }
}

static void refuse_waiting(struct slot *slot, const char *why)
{
    for (;;) {
        struct live_call *oldest = NULL;
        for (struct live_call *call = slot->calls; call; call = call->next)
            if (call->id == 0)
                oldest = call;
        if (!oldest)
            return;
        call_not_started(oldest, why);
    }
}

struct slot *slot_of(const struct host *host, const struct agent *agent)
{
    size_t alias = (size_t)(strchr(agent->name, '/') - agent->name);
    for (size_t i = 0; i < host->slot_count; i++)
        if (slice_is((struct slice){agent->name, alias}, host->slots[i].roster->entry->alias))
            return &host->slots[i];
    return NULL;
}

void call_start(struct live_run *live, const struct decision *start)
{
    struct host *host = live->host;
    /* an end that was recorded behind the start's back (a cancel, a resume) leaves nothing to do */
    if (host->stopping || !run_task_in_flight(live->run, start->task, start->attempt))
        return;
    const struct agent *agent = run_task_agent(live->run, start->task, start->reconciling);
    struct live_call *call = xcalloc(1, sizeof(*call));
    call->live = live;
    call->agent = agent;
    call->task = start->task;
    call->attempt = start->attempt;
    call->number = start->number;
    call->reconciling = start->reconciling;
    call->timeout_ms = start->timeout_ms;
    call->input =
        json_incref(start->reconciling ? start->input : run_task_input(live->run, start->task));
    call->feedback = json_incref(start->feedback);
    run_task_key(live->run, start->task, call->key);
    struct slot *slot = slot_of(host, agent);
    call_link(call, slot);
    if (slot->state == SLOT_UP)
        call_send(call);
    else if (slot->state == SLOT_OFF && !slot->restart_armed)
        slot_start(slot);
}

void call_stop(struct live_run *live, uint32_t task)
{
    for (size_t i = 0; i < live->host->slot_count; i++) {
        struct slot *slot = &live->host->slots[i];
        for (struct live_call *call = slot->calls; call; call = call->next)
            if (call->live == live && call->task == task && call->id)
                plugin_cancel(slot->plugin, call->id);
    }
}

/* ---- what comes back ---- */

/* Whose a reference is: of the effect that is asked about, or of the only one that was made. */
static char *claim_owner(const struct live_call *call)
{
    const struct run *run = call->live->run;
    const char *asked = json_string_value(json_object_get(call->input, "key"));
    if (call->reconciling)
        return xasprintf("%s/%s", run_id(run), asked);
    if (run_task_effects(run, call->task) != 1)
        return xasprintf("%s/%s", run_id(run), call->key);
    return xasprintf("%s/%s", run_id(run), run_task_effect(run, call->task, 0).key);
}

/* A reconcile must not find a sibling: the reference in its result must be nobody else's. */
static void end_reconcile(struct live_call *call, struct event *event)
{
    const json_t *result = json_object_get(event->body, "result");
    AUTO(freep) char *claim = run_task_reference(call->live->run, call->task, result);
    AUTO(freep) char *owner = claim ? claim_owner(call) : NULL;
    event->claimed = claim && journal_claimed(call->live->host->journal, claim, owner);
    call_ended(call, event, event->claimed ? NULL : claim, event->claimed ? NULL : owner);
}

/* What a write gives names what it made, committed or not. */
static void end_write(struct live_call *call, struct event *event)
{
    AUTO(freep) char *claim = run_task_reference(call->live->run, call->task, event->body);
    AUTO(freep) char *owner = claim ? claim_owner(call) : NULL;
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
    event->end = result->status == SEAM_OK ? END_OK : END_INPUT_REQUIRED;
    if (json_read(result->body, (size_t)host->manifest->payload, &event->body, &err) == ERR_OK)
        return;
    event->end = END_FAILED;
    event->cause = CAUSE_CONTRACT;
    event->code = "bad-json";
    event->message = err.text;
}

static void completed(void *user, const struct call_result *result)
{
    struct slot *slot = user;
    struct live_call *call = call_find(slot, result->call);
    struct event event = {.end = END_FAILED, .claim = claim_of(result->effect)};
    AUTO(freep) char *code = NULL;
    if (!call)
        return;
    switch (result->end) {
    case CALL_COMPLETED:
        code = result->code.len ? xstrndup(result->code.ptr, result->code.len) : NULL;
        event.code = code;
        event.retry_after_ms = result->retry_after_ms;
        if (result->status == SEAM_OK || result->status == SEAM_E_INPUT_REQUIRED) {
            completed_ok(call, result, &event);
        } else {
            event.cause = cause_of_status(result->status);
            if (json_read(result->body, LIMIT_QUESTION, &event.body, NULL) != ERR_OK)
                event.body = NULL;
        }
        break;
    case CALL_TIMED_OUT:
        event.cause = CAUSE_TIMEOUT;
        event.claim = OUTCOME_NONE;
        event.message = result->reason;
        break;
    case CALL_CRASHED:
        event.cause = CAUSE_CRASH;
        event.claim = OUTCOME_NONE;
        event.message = result->reason;
        break;
    case CALL_BROKE_ABI:
        event.cause = CAUSE_CONTRACT;
        event.claim = OUTCOME_NONE;
        event.code = "broke-abi";
        event.message = result->reason;
        break;
    }
    /* a call that never left the line did surely nothing */
    if (!result->begun && result->end != CALL_COMPLETED)
        event.end = END_NOT_STARTED;
    json_t *body = event.body;
    if (call->reconciling && event.end == END_OK)
        end_reconcile(call, &event);
    else if (call->agent->ref && event.end == END_OK)
        end_write(call, &event);
    else
        call_ended(call, &event, NULL, NULL);
    json_decref(body);
}

static void requested(void *user, uint64_t id, uint64_t request, struct slice op, struct slice body)
{
    struct slot *slot = user;
    struct live_call *call = call_find(slot, id);
    if (call)
        service_asked(call, request, op, body);
    else
        service_fail(slot, request, SEAM_E_CANCELLED, SEAM_EFFECT_NONE, "", "the call has ended");
}

static void emitted(void *user, uint64_t call, struct slice chunk)
{
    struct slot *slot = user;
    (void)call;
    if (slot->host->options.log)
        slot->host->options.log(slot->host->options.user, slot->roster->entry->alias,
                                SEAM_LOG_DEBUG, chunk);
}

static void logged(void *user, uint64_t call, uint32_t level, struct slice text)
{
    struct slot *slot = user;
    (void)call;
    if (slot->host->options.log)
        slot->host->options.log(slot->host->options.user, slot->roster->entry->alias, level, text);
}

/* ---- the life of a plugin ---- */

static void poll_closed(uv_handle_t *handle)
{
    free(handle);
}

static void slot_drop(struct slot *slot)
{
    if (slot->poll) {
        uv_poll_stop(slot->poll);
        uv_close((uv_handle_t *)slot->poll, poll_closed);
        slot->poll = NULL;
    }
    struct plugin *plugin = TAKE(slot->plugin);
    slot->state = SLOT_OFF;
    slot->freeing = true;
    plugin_free(plugin);
    slot->freeing = false;
}

static void restart(uv_timer_t *timer)
{
    struct slot *slot = timer->data;
    slot->restart_armed = false;
    if (slot->state == SLOT_OFF && slot->calls)
        slot_start(slot);
}

static void schedule_restart(struct slot *slot)
{
    slot->wait_ms = slot->wait_ms == 0 ? RESTART_FIRST_MS : slot->wait_ms * 2;
    if (slot->wait_ms > RESTART_MAX_MS)
        slot->wait_ms = RESTART_MAX_MS;
    slot->restart_armed = true;
    uv_timer_start(&slot->restart, restart, (uint64_t)slot->wait_ms, 0);
}

static void ready(void *user, const struct error *err)
{
    struct slot *slot = user;
    if (!err) {
        slot->state = SLOT_UP;
        slot->wait_ms = 0;
        send_waiting(slot);
        return;
    }
    struct error why = *err;
    host_log(slot->host, slot->roster->entry->alias, SEAM_LOG_ERROR, "%s", why.text);
    slot->state = SLOT_OFF;
    schedule_restart(slot);
    refuse_waiting(slot, why.text);
}

static void down(void *user, const char *reason)
{
    struct slot *slot = user;
    host_log(slot->host, slot->roster->entry->alias, SEAM_LOG_WARNING, "its worker ended: %s",
             reason);
    slot->state = SLOT_OFF;
    schedule_restart(slot);
}

static const struct plugin_handlers slot_handlers = {
    .ready = ready,
    .completed = completed,
    .requested = requested,
    .emitted = emitted,
    .logged = logged,
    .down = down,
};

static void readable(uv_poll_t *poll, int status, int events)
{
    struct slot *slot = poll->data;
    (void)status;
    (void)events;
    if (slot->plugin)
        plugin_dispatch(slot->plugin);
    /* a worker that died is freed outside its own callbacks */
    if (slot->plugin && slot->state == SLOT_OFF)
        slot_drop(slot);
}

enum error_code plugin_start_entry(const struct roster_plugin *roster, const char *worker,
                                   size_t payload, const struct plugin_handlers *handlers,
                                   void *user, struct plugin **ret_plugin, struct error *reterr)
{
    const struct manifest_plugin *entry = roster->entry;
    const struct card *card = roster->card;
    AUTO(text_done) struct text config;
    text_init(&config, LIMIT_FILE);
    json_t *json = entry->config ? json_incref(entry->config) : json_object();
    json_write(json, &config);
    json_decref(json);
    struct plugin_options options = {
        .in_process = entry->in_process,
        .worker = worker,
        .config = text_slice(&config),
        .max_concurrency = entry->max_concurrency ? entry->max_concurrency : card->max_concurrency,
        .memory_bytes = entry->memory_bytes >= 0 ? entry->memory_bytes : card->memory_bytes,
        .grace_ms = GRACE_MS,
        .payload = payload,
    };
    return plugin_start(card, &options, handlers, user, ret_plugin, reterr);
}

static void slot_start(struct slot *slot)
{
    struct host *host = slot->host;
    struct error err;
    if (slot->plugin)
        slot_drop(slot);
    slot->state = SLOT_STARTING;
    if (plugin_start_entry(slot->roster, host->worker, (size_t)host->manifest->payload,
                           &slot_handlers, slot, &slot->plugin, &err) != ERR_OK) {
        ready(slot, &err);
        return;
    }
    slot->poll = xcalloc(1, sizeof(*slot->poll));
    uv_poll_init(&host->loop, slot->poll, plugin_fd(slot->plugin));
    slot->poll->data = slot;
    uv_poll_start(slot->poll, UV_READABLE, readable);
}

void slots_open(struct host *host)
{
    const struct roster *roster = host->options.roster;
    host->slots = xcalloc(roster->plugin_count, sizeof(*host->slots));
    for (size_t i = 0; i < roster->plugin_count; i++) {
        struct slot *slot = &host->slots[i];
        slot->host = host;
        slot->roster = &roster->plugins[i];
        uv_timer_init(&host->loop, &slot->restart);
        uv_unref((uv_handle_t *)&slot->restart);
        slot->restart.data = slot;
    }
    host->slot_count = roster->plugin_count;
}

/* Calls that are still under way are dropped: the journal has their start, the next host goes on.
 */
void slots_close(struct host *host)
{
    for (size_t i = 0; i < host->slot_count; i++) {
        struct slot *slot = &host->slots[i];
        while (slot->calls)
            call_free(slot->calls);
        slot_drop(slot);
        map_done(&slot->by_id);
        uv_close((uv_handle_t *)&slot->restart, NULL);
    }
}
