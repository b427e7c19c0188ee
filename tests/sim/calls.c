/* SPDX-License-Identifier: Apache-2.0
 *
 * Agents. A call is a script: for each of its effects it asks to begin, sends a request, hears the
 * answer and commits; then it answers, well or badly. At each step it may crash, hang or be
 * stopped. An agent that the host does not broker acts by itself, at any moment of its life and
 * shortly after. Some have others called first, and wait for them. A reconcile agent looks into the
 * ledger, and tells what it saw a while ago.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

static struct call *find(const struct sim *sim, uint64_t id)
{
    for (struct call *call = sim->calls; call; call = call->next)
        if (call->id == id)
            return call;
    return NULL;
}

void call_goes_on_later(struct sim *sim, const struct call *call, uint64_t within_ms)
{
    sim_later(sim, 1 + (int64_t)sim_below(sim, within_ms), ITEM_CALL, NULL, call->id);
}

static void effect_name(const struct personality *who, unsigned effect, char ret_name[static 32])
{
    if (who->automatic)
        snprintf(ret_name, 32, "POST /x %u", effect + 1);
    else
        snprintf(ret_name, 32, "e%u", effect);
}

static bool effect_view(const struct sim *sim, uint32_t task, const char *name,
                        struct effect_view *ret_view)
{
    for (size_t i = 0; i < run_task_effects(sim->run, task); i++) {
        *ret_view = run_task_effect(sim->run, task, i);
        if (strcmp(ret_view->name, name) == 0)
            return true;
    }
    return false;
}

static void tell_effect(struct sim *sim, uint32_t task, uint32_t attempt, const char *effect,
                        enum outcome outcome, json_t *response, json_t *result)
{
    struct event event = {.kind = EVENT_EFFECT_ENDED,
                          .task = task,
                          .attempt = attempt,
                          .effect = effect,
                          .outcome = outcome,
                          .response = response,
                          .result = result};
    host_happen(sim, &event, NULL);
    json_decref(response);
    json_decref(result);
    if (!sim->dead && outcome == OUTCOME_DONE)
        host_barrier(sim, (struct behind){.kind = BEHIND_NOTHING});
}

/* ---- the end of a call ---- */

/* Effects that were begun here and whose request never left did not happen: the host knows. */
static void settle_unsent(struct sim *sim, const struct call *ended)
{
    const struct call was = *ended; /* the host may die of telling */
    for (unsigned i = 0; i < was.who->effects && !sim->dead; i++) {
        struct effect_view view;
        char name[32];
        effect_name(was.who, i, name);
        if ((was.begun & ~was.sent & (1u << i)) && !was.who->automatic &&
            effect_view(sim, was.task, name, &view) && view.outcome == OUTCOME_OPEN)
            tell_effect(sim, was.task, was.attempt, name, OUTCOME_NONE, NULL, NULL);
    }
}

static void orphan_requests(struct sim *sim, const struct call *call)
{
    int64_t settle = call->who->settle_ms > 0 ? call->who->settle_ms : 0;
    for (struct request *request = sim->requests; request; request = request->next)
        if (request->call == call->id && !request->closed) {
            request->call = 0;
            sim_later(sim, settle, ITEM_ANSWER, request, 1);
        }
}

static void strike_late(struct sim *sim, const struct call *call)
{
    char key[DIGEST_HEX_SIZE];
    bool can = !call->who->brokered && !call->struck && call->worked && !call->reconciling;
    if (!can || !sim_chance(sim, 300))
        return;
    run_task_key(sim->run, call->task, key);
    world_strike(sim, world_entry(sim, key, call->who), call->who->settle_ms);
}

static void call_free(struct sim *sim, struct call *call)
{
    for (struct call **at = &sim->calls; *at; at = &(*at)->next)
        if (*at == call) {
            *at = call->next;
            break;
        }
    json_decref(call->input);
    free(call);
}

/* Takes the body. The call is gone afterwards, and the host may be dead. */
static void end_call(struct sim *sim, struct call *call, struct event event, json_t *body)
{
    event.kind = EVENT_ENDED;
    event.task = call->task;
    event.attempt = call->attempt;
    event.body = body;
    if (event.end == END_FAILED)
        strike_late(sim, call);
    orphan_requests(sim, call);
    uint64_t id = call->id;
    if (call->who->brokered && !call->reconciling)
        settle_unsent(sim, call);
    if (!sim->dead) {
        call_free(sim, find(sim, id));
        host_happen(sim, &event, NULL);
    }
    if (!sim->dead && sim_bad_luck(sim, 20)) {
        struct event *twice = xmalloc(sizeof(*twice));
        *twice = event;
        json_incref(body);
        sim_later(sim, (int64_t)sim_below(sim, 500), ITEM_COMPLETE, twice, 0);
    }
    json_decref(body);
}

void call_fails(struct sim *sim, struct call *call, enum cause cause, enum outcome claim)
{
    struct event event = {.end = END_FAILED, .cause = cause, .claim = claim};
    event.lost = cause == CAUSE_CRASH || cause == CAUSE_TIMEOUT;
    if (cause == CAUSE_RATE_LIMITED && sim_chance(sim, 600))
        event.retry_after_ms = 1 + (int64_t)sim_below(sim, 9000);
    end_call(sim, call, event, NULL);
}

void call_gives_way(struct sim *sim, struct call *call)
{
    end_call(sim, call, (struct event){.end = END_GAVE_WAY}, NULL);
}

enum cause some_transient(struct sim *sim)
{
    static const enum cause causes[] = {CAUSE_UNAVAILABLE, CAUSE_RATE_LIMITED, CAUSE_BUSY};
    return causes[sim_below(sim, 3)];
}

enum cause some_permanent(struct sim *sim)
{
    static const enum cause causes[] = {CAUSE_FAILED, CAUSE_INPUT, CAUSE_CANCELLED, CAUSE_BUDGET};
    return causes[sim_below(sim, 4)];
}

static json_t *some_plan(struct sim *sim)
{
    static const char *const plans[] = {
        ("{\"steps\": {\"p1\": {\"agent\": \"w/read\"}, \"p2\": {\"agent\": \"w/book\", \"needs\": "
         "[\"p1\"], \"undo\": {\"agent\": \"w/cancel\"}}}, \"output\": {\"as\": \"${ "
         ".steps.p1.output "
         "}\"}}"),
        ("{\"steps\": {\"p1\": {\"agent\": \"w/idem2\", \"for_each\": [1, 2], \"on_failure\": "
         "\"skip\"}, \"p2\": {\"agent\": \"w/leads-idem\"}}, \"output\": {\"as\": {\"n\": 3}}}"),
        "{\"steps\": {\"p1\": {\"agent\": \"w/nobody\"}}}", "{\"steps\": {}}", "7"};
    return json_loads(plans[sim_chance(sim, 700) ? sim_below(sim, 2) : sim_below(sim, 5)],
                      JSON_DECODE_ANY, NULL);
}

static json_t *some_output(struct sim *sim, const struct personality *who)
{
    json_t *output = json_object();
    if (sim_bad_luck(sim, 60))
        return output;
    if (who->plans)
        json_object_set_new(output, "plan", some_plan(sim));
    json_object_set_new(output, "n", json_integer((json_int_t)sim_below(sim, 1500)));
    json_object_set_new(output, "confidence", json_real(sim_bad_luck(sim, 100) ? 0.1 : 0.9));
    json_object_set_new(output, "list", json_pack("[i, i, i]", 1, 2, 3));
    return output;
}

static void spend(struct sim *sim, const struct call *call)
{
    struct event event = {.kind = EVENT_SPENT,
                          .task = call->task,
                          .attempt = call->attempt,
                          .tokens = (int64_t)sim_below(sim, (uint64_t)call->who->tokens + 1),
                          .cost = (int64_t)sim_below(sim, (uint64_t)call->who->cost + 1)};
    if (call->who->tokens && sim_chance(sim, 700))
        host_happen(sim, &event, NULL);
}

/* Its work is done; how does it answer? */
static void finish(struct sim *sim, struct call *call)
{
    struct event event = {.end = END_OK};
    spend(sim, call);
    if (sim->dead)
        return;
    if (call->who->class >= CLASS_WRITE_IDEMPOTENT)
        event.claim = sim_bad_luck(sim, 15) ? OUTCOME_UNKNOWN : OUTCOME_DONE;
    if (sim_bad_luck(sim, 60)) {
        call_fails(sim, call, some_transient(sim), event.claim);
    } else if (sim_bad_luck(sim, 40)) {
        call_fails(sim, call, some_permanent(sim), event.claim);
    } else if (sim_bad_luck(sim, 25)) {
        event.end = END_INPUT_REQUIRED;
        end_call(sim, call, event, json_pack("{s:s}", "question", "which?"));
    } else {
        end_call(sim, call, event, some_output(sim, call->who));
    }
}

/* ---- effects through the host ---- */

static void next_effect(struct sim *sim, struct call *call)
{
    call->finished |= 1u << call->effect;
    call->effect++;
    call->begun_now = false;
    call_goes_on_later(sim, call, 30);
}

static void transmit(struct sim *sim, struct call *call)
{
    struct effect_view view;
    char name[32];
    effect_name(call->who, call->effect, name);
    bool known = effect_view(sim, call->task, name, &view);
    ASSERT(known);
    call->sent |= 1u << call->effect;
    world_send(sim, call, name, view.key);
}

/* http.send of an effect that was begun: what is done already is given again. */
static void send_begun(struct sim *sim, struct call *call)
{
    struct effect_view view;
    char name[32];
    effect_name(call->who, call->effect, name);
    bool known = effect_view(sim, call->task, name, &view);
    if (known && view.outcome == OUTCOME_DONE && view.response)
        next_effect(sim, call);
    else if (!known || view.outcome != OUTCOME_OPEN || (call->sent & (1u << call->effect)))
        call_fails(sim, call, CAUSE_FAILED, OUTCOME_NONE);
    else
        transmit(sim, call);
}

static void ask_begin(struct sim *sim, struct call *call)
{
    struct decision decision;
    char name[32];
    effect_name(call->who, call->effect, name);
    struct event event = {.kind = EVENT_EFFECT_ASKED,
                          .task = call->task,
                          .attempt = call->attempt,
                          .effect = name,
                          .digest = sim_bad_luck(sim, 4) ? "another" : "the same",
                          .request = json_pack("{s:i}", "n", (int)call->effect),
                          .automatic = call->who->automatic};
    host_happen(sim, &event, &decision);
    json_decref(event.request);
    enum begin begin = decision.kind == DECISION_EFFECT ? decision.begin : BEGIN_REFUSED;
    decision_done(&decision);
    if (sim->dead)
        return;
    switch (begin) {
    case BEGIN_FRESH:
        call->begun |= 1u << call->effect;
        host_barrier(sim, (struct behind){.kind = BEHIND_BEGIN,
                                          .call = call->id,
                                          .task = call->task,
                                          .attempt = call->attempt,
                                          .effect = call->effect});
        break;
    case BEGIN_DONE:
        next_effect(sim, call);
        break;
    case BEGIN_UNKNOWN:
        call_fails(sim, call, CAUSE_UNAVAILABLE, OUTCOME_UNKNOWN);
        break;
    case BEGIN_CONFLICT:
        if (sim_chance(sim, 500))
            call_fails(sim, call, CAUSE_FAILED, OUTCOME_NONE);
        else
            end_call(sim, call, (struct event){.end = END_OK}, some_output(sim, call->who));
        break;
    case BEGIN_REFUSED:
        call_fails(sim, call, CAUSE_DENIED, OUTCOME_NONE);
        break;
    }
}

void calls_begun(struct sim *sim, const struct behind *behind)
{
    struct call *call = find(sim, behind->call);
    const struct personality *who = personality_of(run_task_agent(sim->run, behind->task, false));
    char name[32];
    effect_name(who, behind->effect, name);
    if (sim_bad_luck(sim, 8) || (!call && who->automatic)) {
        /* no room for the outcome, or nobody left who wants it: nothing is sent */
        tell_effect(sim, behind->task, behind->attempt, name, OUTCOME_NONE, NULL, NULL);
        if (!sim->dead && call)
            call_fails(sim, call, CAUSE_UNAVAILABLE, OUTCOME_NONE);
    } else if (call && who->automatic) {
        transmit(sim, call);
    } else if (call) {
        call->begun_now = true;
        call_goes_on_later(sim, call, 20);
    }
}

static void heard_done(struct sim *sim, struct call *call)
{
    json_t *result = sim_chance(sim, 700)
                         ? json_pack("{s:i, s:f}", "n", (int)sim_below(sim, 1500), "confidence", .9)
                         : json_pack("{s:s}", "id", "not an output");
    char name[32];
    effect_name(call->who, call->effect, name);
    uint64_t id = call->id;
    if (sim_bad_luck(sim, 30)) {
        json_decref(result);
        call_fails(sim, call, CAUSE_FAILED, OUTCOME_UNKNOWN);
        return;
    }
    if (!call->who->automatic && !sim_bad_luck(sim, 30))
        tell_effect(sim, call->task, call->attempt, name, OUTCOME_DONE, NULL, result);
    else
        json_decref(result);
    if (!sim->dead)
        next_effect(sim, find(sim, id));
}

void calls_answered(struct sim *sim, struct request *request)
{
    if (request->closed)
        return;
    enum outcome outcome = world_answer(sim, request);
    json_t *response = outcome == OUTCOME_DONE ? json_pack("{s:i}", "status", 201) : NULL;
    tell_effect(sim, request->task, request->attempt, request->effect, outcome, response, NULL);
    struct call *call = sim->dead ? NULL : find(sim, request->call);
    if (!call)
        return;
    if (outcome == OUTCOME_DONE)
        heard_done(sim, call);
    else if (outcome == OUTCOME_NONE)
        call_fails(sim, call, sim_chance(sim, 600) ? some_transient(sim) : some_permanent(sim),
                   OUTCOME_NONE);
    else if (call->effect + 1 == call->who->effects && sim_chance(sim, 200))
        end_call(sim, call, (struct event){.end = END_OK, .claim = OUTCOME_DONE},
                 some_output(sim, call->who));
    else
        call_fails(sim, call, CAUSE_TIMEOUT, OUTCOME_UNKNOWN);
}

/* ---- the scripts ---- */

/* A forgetful agent does not ask for what an earlier attempt has done. */
static void forget_effects(struct sim *sim, struct call *call)
{
    struct effect_view view;
    char name[32];
    while (call->effect < call->who->effects && sim_bad_luck(sim, 10)) {
        effect_name(call->who, call->effect, name);
        if (!effect_view(sim, call->task, name, &view) || view.outcome != OUTCOME_DONE)
            return;
        call->effect++;
    }
}

static void write_goes_on(struct sim *sim, struct call *call)
{
    if (!call->begun_now)
        forget_effects(sim, call);
    if (call->effect >= call->who->effects)
        finish(sim, call);
    else if (call->begun_now)
        send_begun(sim, call);
    else
        ask_begin(sim, call);
}

static void bare_goes_on(struct sim *sim, struct call *call)
{
    char key[DIGEST_HEX_SIZE];
    if (call->struck) {
        finish(sim, call);
        return;
    }
    call->struck = true;
    run_task_key(sim->run, call->task, key);
    world_strike(sim, world_entry(sim, key, call->who), 50);
    sim_later(sim, 60 + (int64_t)sim_below(sim, 100), ITEM_CALL, NULL, call->id);
}

static json_t *look(struct sim *sim, const struct call *call)
{
    const char *key = json_string_value(json_object_get(call->input, "key"));
    struct entry *entry =
        world_entry(sim, key, personality_of(run_task_agent(sim->run, call->task, false)));
    if (sim_bad_luck(sim, 80))
        return json_pack("{s:s}", "outcome", "unknown");
    if (entry->commits > 0) {
        json_t *result = sim_chance(sim, 700) ? json_pack("{s:i}", "n", 400)
                                              : json_pack("{s:s}", "id", "not an output");
        return sim_bad_luck(sim, 100)
                   ? (json_decref(result), json_pack("{s:s}", "outcome", "happened"))
                   : json_pack("{s:s, s:o}", "outcome", "happened", "result", result);
    }
    if (sim_chance(sim, 300)) {
        world_fence(entry);
        return json_pack("{s:s}", "outcome", "never");
    }
    return json_pack("{s:s}", "outcome", "not_seen");
}

static void reconcile_goes_on(struct sim *sim, struct call *call)
{
    if (!call->worked) {
        json_t *seen = look(sim, call);
        json_decref(call->input);
        call->input = seen;
        call->worked = true;
        call_goes_on_later(sim, call, 1500);
    } else if (sim_bad_luck(sim, 120)) {
        call_fails(sim, call, sim_chance(sim, 800) ? CAUSE_UNAVAILABLE : CAUSE_INTERNAL,
                   OUTCOME_NONE);
    } else {
        end_call(sim, call, (struct event){.end = END_OK, .claimed = sim_bad_luck(sim, 30)},
                 json_incref(call->input));
    }
}

void calls_go_on(struct sim *sim, uint64_t id)
{
    struct call *call = find(sim, id);
    if (!call)
        return;
    bool first = !call->worked && !call->reconciling;
    if (first && sim_bad_luck(sim, 20)) {
        struct event event = {.end = END_NOT_STARTED, .cause = CAUSE_UNAVAILABLE};
        /* as a breaker that is open says */
        if (sim_chance(sim, 400))
            event.retry_after_ms = 1 + (int64_t)sim_below(sim, 5000);
        end_call(sim, call, event, NULL);
        return;
    }
    if (!call->reconciling)
        call->worked = true;
    if (call->stopped && sim_chance(sim, 700))
        call_fails(sim, call, CAUSE_CANCELLED, OUTCOME_NONE);
    else if (sim_bad_luck(sim, 30))
        call_fails(sim, call, CAUSE_CRASH, OUTCOME_NONE);
    else if (sim_bad_luck(sim, 15))
        sim_say(sim, "call %llu hangs", (unsigned long long)id);
    else if (call->reconciling)
        reconcile_goes_on(sim, call);
    else if (call_asks(sim, call))
        return;
    else if (call->who->class < CLASS_WRITE_IDEMPOTENT)
        finish(sim, call);
    else if (call->who->brokered)
        write_goes_on(sim, call);
    else
        bare_goes_on(sim, call);
}

void calls_start(struct sim *sim, const struct decision *start)
{
    if (!run_task_in_flight(sim->run, start->task, start->attempt))
        return;
    struct call *call = xcalloc(1, sizeof(*call));
    call->id = ++sim->call_ids;
    call->task = start->task;
    call->attempt = start->attempt;
    call->reconciling = start->reconciling;
    call->who = personality_of(run_task_agent(sim->run, start->task, start->reconciling));
    call->input = json_incref(start->reconciling ? start->input : NULL);
    call->next = sim->calls;
    sim->calls = call;
    sim_later(sim, start->timeout_ms >= 0 ? start->timeout_ms : 30000, ITEM_TIMEOUT, NULL,
              call->id);
    call_goes_on_later(sim, call, 100);
}

void calls_stop(struct sim *sim, uint32_t task)
{
    for (struct call *call = sim->calls; call; call = call->next)
        if (call->task == task) {
            call->stopped = true;
            call_goes_on_later(sim, call, 50);
        }
}

void calls_time_out(struct sim *sim, uint64_t id)
{
    struct call *call = find(sim, id);
    if (call)
        call_fails(sim, call, CAUSE_TIMEOUT, OUTCOME_NONE);
}

void calls_die(struct sim *sim)
{
    for (const struct call *call = sim->calls; call; call = call->next)
        strike_late(sim, call);
    for (struct request *request = sim->requests; request; request = request->next) {
        request->call = 0;
        world_close(sim, request);
    }
    calls_free(sim);
}

void calls_free(struct sim *sim)
{
    while (sim->calls)
        call_free(sim, sim->calls);
}
