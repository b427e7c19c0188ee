/* SPDX-License-Identifier: Apache-2.0
 *
 * What plugins ask of the host in the middle of a call. One door: the class of the agent is checked
 * first, then the op. PURE agents may sleep, speak of their budget, ask for their contract as a
 * provider takes it, and call agents that are PURE as well; everything else is denied them.
 */
#include "runtime/across_internal.h"
#include "runtime/hidden_internal.h"
#include "runtime/http_internal.h"
#include "runtime/state_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void give(struct slot *slot, uint64_t request, int32_t status, uint32_t effect,
                 const char *code, json_t *body)
{
    struct text *text = &slot->host->scratch;
    text_clear(text);
    if (body)
        json_write(body, text);
    json_decref(body);
    struct plugin_answer answer = {
        .status = status, .effect = effect, .body = text_slice(text), .code = slice_of(code)};
    if (slot->host->options.answered)
        slot->host->options.answered(slot->host->options.user, slot->roster->entry->alias, request,
                                     &answer);
    outside_answer(slot, request, &answer);
}

void service_reply(struct slot *slot, uint64_t request, int32_t status, uint32_t effect,
                   const char *code, json_t *body_taken)
{
    give(slot, request, status, effect, code, body_taken);
}

void service_answer(struct slot *slot, uint64_t request, int32_t status, uint32_t effect,
                    json_t *body)
{
    give(slot, request, status, effect, "", body);
}

void service_fail(struct slot *slot, uint64_t request, int32_t status, uint32_t effect,
                  const char *code, const char *format, ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    json_t *body = json_pack("{s:s%}", "message", message, strlen(message));
    if (!body)
        body = json_pack("{s:s}", "message", "the reason is not valid UTF-8");
    if (*code)
        json_object_set_new(body, "code", json_string(code));
    give(slot, request, status, effect, code, body);
}

static void bad_request(struct live_call *call, uint64_t request, const char *op,
                        const char *expected)
{
    service_fail(call->slot, request, SEAM_E_INPUT, SEAM_EFFECT_NONE, "bad-request",
                 "%s: expected %s", op, expected);
}

/* ---- effects ---- */

bool effect_name_ok(const char *name)
{
    if (!name || !*name || strlen(name) > LIMIT_NAME || strcmp(name, "call") == 0)
        return false;
    for (const char *c = name; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
              strchr("._-:", *c)))
            return false;
    return true;
}

char *request_digest(const json_t *request)
{
    char hex[DIGEST_HEX_SIZE];
    char *text = json_dumps(request, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    struct digest digest = digest_of(slice_of(text ? text : ""));
    free(text);
    digest_hex(&digest, hex);
    return xstrdup(hex);
}

/* A `fresh` is told only when it is on disk, and room for its outcome with it. */
struct fresh {
    struct live_run *live;
    struct slot *slot;
    uint32_t task, attempt;
    uint64_t call, request;
    char *effect, *key;
};

static void answer_begin(struct slot *slot, uint64_t request, const char *state, const char *key,
                         const json_t *result)
{
    json_t *body = json_pack("{s:s, s:s}", "state", state, "key", key);
    if (result)
        json_object_set(body, "result", (json_t *)result);
    service_answer(slot, request, SEAM_OK, SEAM_EFFECT_NONE, body);
}

static void fresh_durable(void *user, enum error_code code, const struct error *err)
{
    struct fresh *fresh = user;
    struct live_run *live = fresh->live;
    bool ended = !call_find(fresh->slot, fresh->call);
    if (code == ERR_OK && !ended) {
        answer_begin(fresh->slot, fresh->request, "fresh", fresh->key, NULL);
    } else {
        struct event event = {.kind = EVENT_EFFECT_ENDED,
                              .task = fresh->task,
                              .attempt = fresh->attempt,
                              .effect = fresh->effect,
                              .outcome = OUTCOME_NONE};
        if (!live->host->stopping && code != ERR_OK)
            live_happen(live, &event, NULL);
        /* a call that has ended hears nothing: its worker may be gone, and the next one numbers its
         * requests from the start again */
        if (!ended)
            service_fail(fresh->slot, fresh->request, SEAM_E_UNAVAILABLE, SEAM_EFFECT_NONE,
                         "no-room", "the effect was not begun: %s", err->text);
    }
    free(fresh->effect);
    free(fresh->key);
    free(fresh);
    live->barriers--;
    live_release(live);
}

struct effect_view effect_of(const struct live_call *call, const char *name)
{
    for (size_t i = 0; i < run_task_effects(call->live->run, call->task); i++) {
        struct effect_view view = run_task_effect(call->live->run, call->task, i);
        if (strcmp(view.name, name) == 0)
            return view;
    }
    return (struct effect_view){0};
}

static void note_begun(struct live_call *call, const char *name)
{
    if (!call->begun)
        call->begun = json_object();
    json_object_set_new(call->begun, name, json_true());
}

static void effect_begin(struct live_call *call, uint64_t request, json_t *body)
{
    const char *name = json_string_value(json_object_get(body, "name"));
    AUTO(json_decrefp)
    json_t *asked = secrets_name_json(call, json_object_get(body, "request"));
    struct decision decision;
    if (!effect_name_ok(name)) {
        bad_request(call, request, "effect.begin/1",
                    "`name` of letters, digits and ._-: (and not \"call\")");
        return;
    }
    AUTO(freep) char *digest = request_digest(asked ? asked : json_null());
    struct event event = {.kind = EVENT_EFFECT_ASKED,
                          .task = call->task,
                          .attempt = call->attempt,
                          .effect = name,
                          .digest = digest,
                          .request = asked};
    live_happen(call->live, &event, &decision);
    const char *known = effect_of(call, name).key, *key = known ? known : "";
    switch (decision.kind == DECISION_EFFECT ? decision.begin : BEGIN_REFUSED) {
    case BEGIN_FRESH: {
        struct fresh *fresh = xcalloc(1, sizeof(*fresh));
        *fresh = (struct fresh){.live = call->live,
                                .slot = call->slot,
                                .task = call->task,
                                .attempt = call->attempt,
                                .call = call->id,
                                .request = request,
                                .effect = xstrdup(name),
                                .key = xstrdup(key)};
        note_begun(call, name);
        call->live->barriers++;
        host_barrier(call->live->host, true, fresh_durable, fresh);
        break;
    }
    case BEGIN_DONE:
        note_begun(call, name);
        answer_begin(call->slot, request, "done", key, decision.result);
        break;
    case BEGIN_UNKNOWN:
        answer_begin(call->slot, request, "unknown", key, NULL);
        break;
    case BEGIN_CONFLICT:
        answer_begin(call->slot, request, "conflict", key, NULL);
        break;
    case BEGIN_REFUSED:
        service_fail(call->slot, request, SEAM_E_DENIED, SEAM_EFFECT_NONE, "effect-refused",
                     "this effect may not begin: %s", rule_meaning("effect-refused"));
        break;
    }
    decision_done(&decision);
}

static void forget_barrier(void *user, enum error_code code, const struct error *err)
{
    (void)user;
    (void)code;
    (void)err;
}

static void no_evidence(const struct live_call *call, uint64_t request, const char *name)
{
    service_fail(call->slot, request, SEAM_E_DENIED, SEAM_EFFECT_NONE, "no-evidence",
                 "effect `%s`: only the host's own evidence says that nothing happened", name);
}

static void effect_commit(struct live_call *call, uint64_t request, json_t *body)
{
    const char *name = json_string_value(json_object_get(body, "name"));
    const char *outcome = json_string_value(json_object_get(body, "outcome"));
    json_t *result = json_object_get(body, "result");
    bool none = outcome && strcmp(outcome, "none") == 0;
    bool known = name && effect_of(call, name).name;
    if (!known || (outcome && !none && strcmp(outcome, "done") != 0)) {
        bad_request(call, request, "effect.commit/1",
                    "`name` of an effect that was begun, `outcome` done or none");
        return;
    }
    bool sent = json_object_get(call->sent, name) != NULL;
    if (none && (sent || !call->agent->brokered)) {
        no_evidence(call, request, name);
        return;
    }
    struct event event = {.kind = EVENT_EFFECT_ENDED,
                          .task = call->task,
                          .attempt = call->attempt,
                          .effect = name,
                          .outcome = none ? OUTCOME_NONE : OUTCOME_DONE,
                          .result = none     ? NULL
                                    : result ? result
                                             : json_null()};
    AUTO(freep) char *reference = run_task_reference(call->live->run, call->task, result);
    AUTO(freep) char *claim = NULL, *owner = NULL;
    if (reference)
        hidden_claim(call->live, reference, effect_of(call, name).key, &claim, &owner);
    live_happen_claiming(call->live, &event, claim, owner);
    host_barrier(call->live->host, false, forget_barrier, NULL);
    if (none && effect_of(call, name).outcome != OUTCOME_NONE)
        no_evidence(call, request, name);
    else
        service_answer(call->slot, request, SEAM_OK, SEAM_EFFECT_NONE, json_object());
}

/* ---- budget ---- */

static bool read_amounts(const json_t *body, int64_t *ret_tokens, int64_t *ret_cost)
{
    const json_t *tokens = json_object_get(body, "tokens"), *cost = json_object_get(body, "cost");
    *ret_tokens = json_integer_value(tokens);
    *ret_cost = 0;
    if (*ret_tokens < 0 || (tokens && !json_is_integer(tokens)))
        return false;
    return !cost ||
           (json_is_string(cost) && money_parse(slice_of(json_string_value(cost)), ret_cost));
}

static void budget_spend(struct live_call *call, uint64_t request, json_t *body)
{
    struct event event = {.kind = EVENT_SPENT, .task = call->task, .attempt = call->attempt};
    if (!read_amounts(body, &event.tokens, &event.cost)) {
        bad_request(call, request, "budget.spend/1", "`tokens` >= 0, `cost` a decimal in a string");
        return;
    }
    live_happen(call->live, &event, NULL);
    service_answer(call->slot, request, SEAM_OK, SEAM_EFFECT_NONE, json_object());
}

/* A reserve of cost is told only when it is on disk: what it pays for cannot be called back. */
struct grant {
    struct live_run *live;
    struct slot *slot;
    uint64_t call, request;
    json_t *body;
};

static void grant_durable(void *user, enum error_code code, const struct error *err)
{
    struct grant *grant = user;
    struct live_run *live = grant->live;
    (void)err; /* the host stops */
    if (code == ERR_OK && call_find(grant->slot, grant->call))
        service_answer(grant->slot, grant->request, SEAM_OK, SEAM_EFFECT_NONE, grant->body);
    else
        json_decref(grant->body);
    free(grant);
    live->barriers--;
    live_release(live);
}

static void grant_reserve(struct live_call *call, uint64_t request, const struct event *event)
{
    char cost[32];
    json_t *body = json_pack("{s:I, s:s}", "tokens", (json_int_t)event->tokens, "cost",
                             money_text(event->cost, cost));
    if (event->cost == 0 && !call->live->host->purse) {
        service_answer(call->slot, request, SEAM_OK, SEAM_EFFECT_NONE, body);
        return;
    }
    struct grant *grant = xcalloc(1, sizeof(*grant));
    *grant = (struct grant){
        .live = call->live, .slot = call->slot, .call = call->id, .request = request, .body = body};
    call->live->barriers++;
    host_barrier(call->live->host, false, grant_durable, grant);
}

/* No budget over all runs has room for it: the run has it in its record, for `explain`. */
static void refuse_reserve(struct live_call *call, uint64_t request, const struct room_lack *lack)
{
    struct event event = {.kind = EVENT_HELD,
                          .task = call->task,
                          .attempt = call->attempt,
                          .code = lack->code,
                          .message = lack->message};
    live_happen(call->live, &event, NULL);
    service_fail(call->slot, request, SEAM_E_BUDGET, SEAM_EFFECT_NONE, lack->code, "%s",
                 lack->message);
}

static void budget_reserve(struct live_call *call, uint64_t request, json_t *body)
{
    struct event event = {
        .kind = EVENT_RESERVE_ASKED, .task = call->task, .attempt = call->attempt};
    struct decision decision;
    json_t *prompt = json_object_get(body, "prompt");
    if (!read_amounts(body, &event.tokens, &event.cost) || (prompt && !json_is_string(prompt))) {
        bad_request(call, request, "budget.reserve/1",
                    "`tokens` >= 0, `cost` a decimal in a string, `prompt` a text");
        return;
    }
    struct room_lack lack;
    if (call->rank != LINE_RECOVERY && purse_lacks(call->live, event.tokens, event.cost, &lack)) {
        refuse_reserve(call, request, &lack);
        return;
    }
    AUTO(json_decrefp) json_t *note = prompt ? prompt_note(call, prompt) : NULL;
    event.prompt = note;
    live_happen(call->live, &event, &decision);
    if (decision.granted)
        grant_reserve(call, request, &event);
    else
        service_fail(call->slot, request, SEAM_E_BUDGET, SEAM_EFFECT_NONE, "budget",
                     "the run's budget does not allow it");
    decision_done(&decision);
}

/* ---- sleep ---- */

static void sleeper_free(struct sleeper *sleeper)
{
    *sleeper->back = sleeper->next;
    if (sleeper->next)
        sleeper->next->back = sleeper->back;
    timer_stop(&sleeper->timer);
    free(sleeper);
}

static void slept(struct timer *timer)
{
    struct sleeper *sleeper = timer->data;
    struct slot *slot = sleeper->call->slot;
    uint64_t request = sleeper->request;
    sleeper_free(sleeper);
    service_answer(slot, request, SEAM_OK, SEAM_EFFECT_NONE, json_object());
}

static void clock_sleep(struct live_call *call, uint64_t request, json_t *body)
{
    const json_t *ms = json_object_get(body, "ms");
    if (!json_is_integer(ms) || json_integer_value(ms) < 0) {
        bad_request(call, request, "clock.sleep/1", "`ms`, an integer of at least 0");
        return;
    }
    struct sleeper *sleeper = xcalloc(1, sizeof(*sleeper));
    sleeper->call = call;
    sleeper->request = request;
    sleeper->next = call->sleepers;
    sleeper->back = &call->sleepers;
    if (sleeper->next)
        sleeper->next->back = &sleeper->next;
    call->sleepers = sleeper;
    timer_init(&sleeper->timer, call->live->host, sleeper);
    timer_start(&sleeper->timer, slept, json_integer_value(ms));
}

/* ---- the door ---- */

static const struct {
    const char *op;
    bool for_pure, for_writes_only;
    bool for_describing; /* for a plugin that is asked for its agents */
    void (*serve)(struct live_call *call, uint64_t request, json_t *body);
} ops[] = {
    {"http.send/1", false, false, true, http_asked},
    {"http.open/1", false, false, true, stream_open_asked},
    {"http.read/1", false, false, true, stream_read_asked},
    {"http.close/1", false, false, true, stream_close_asked},
    {"secret.use/1", false, false, true, secret_asked},
    {"state.get/1", false, false, false, state_asked},
    {"state.put/1", false, true, false, state_put},
    {"effect.begin/1", false, true, false, effect_begin},
    {"effect.commit/1", false, true, false, effect_commit},
    {"budget.reserve/1", true, false, false, budget_reserve},
    {"budget.spend/1", true, false, false, budget_spend},
    {"clock.sleep/1", true, false, true, clock_sleep},
    {"agent.call/1", true, false, false, agent_called},
    {"contract.lower/1", true, false, false, lower_asked},
};

static void serve(struct live_call *call, uint64_t request, size_t op, json_t *body)
{
    enum effect_class class = call->agent->effect;
    bool writes = class == CLASS_WRITE || class == CLASS_WRITE_IDEMPOTENT;
    if (call_describes(call) && !ops[op].for_describing)
        service_fail(call->slot, request, SEAM_E_UNSUPPORTED, SEAM_EFFECT_NONE, "describing",
                     "%s is not there for a plugin that is asked for its agents", ops[op].op);
    else if ((class == CLASS_PURE && !ops[op].for_pure) || (!writes && ops[op].for_writes_only))
        service_fail(call->slot, request, SEAM_E_DENIED, SEAM_EFFECT_NONE, "class",
                     "agent %s is declared `%s` and may not ask for %s", call->agent->name,
                     effect_class_word(class), ops[op].op);
    else if (!json_is_object(body))
        bad_request(call, request, ops[op].op, "a JSON object");
    else
        ops[op].serve(call, request, body);
}

void service_asked(struct live_call *call, uint64_t request, struct slice op, struct slice body)
{
    struct error err;
    json_t *json = NULL;
    const struct host_options *options = &call->live->host->options;
    if (options->asked && !call_describes(call))
        options->asked(options->user, call->live->run, call->task, call->slot->roster->entry->alias,
                       request, op, body);
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (!slice_is(op, ops[i].op))
            continue;
        if (json_read(body, (size_t)call->live->host->manifest->payload, &json, &err) != ERR_OK)
            bad_request(call, request, ops[i].op, err.text);
        else
            serve(call, request, i, json);
        json_decref(json);
        return;
    }
    service_fail(call->slot, request, SEAM_E_UNSUPPORTED, SEAM_EFFECT_NONE, "unknown-op",
                 "this host has no service `%.*s`", op.len < 64 ? (int)op.len : 64, op.ptr);
}

/* Effects that were begun here and whose request never left, by an agent that has no other way out,
 * did not happen: the host is the evidence. */
static void settle_unsent(struct live_call *call)
{
    const char *name;
    json_t *value;
    if (!call->agent->brokered || call->live->host->stopping)
        return;
    json_object_foreach (call->begun, name, value) {
        struct event event = {.kind = EVENT_EFFECT_ENDED,
                              .task = call->task,
                              .attempt = call->attempt,
                              .effect = name,
                              .outcome = OUTCOME_NONE};
        if (effect_of(call, name).outcome == OUTCOME_OPEN && !json_object_get(call->sent, name))
            live_happen(call->live, &event, NULL);
    }
}

void services_end(struct live_call *call)
{
    while (call->sleepers)
        sleeper_free(call->sleepers);
    nested_ended(call);
    while (call->transfers)
        transfer_orphan(call->transfers);
    streams_end(call);
    settle_unsent(call);
}
