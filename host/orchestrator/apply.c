/* SPDX-License-Identifier: Apache-2.0
 *
 * Events fold into the state here. Total: an event that makes no sense (late, double, for an
 * attempt that is over) changes nothing, except that evidence of an effect is always kept, and DONE
 * wins over all. What has to be decided because of the event goes to the agenda.
 */
#include "orchestrator/state_internal.h"

#include <stdlib.h>
#include <string.h>

static void put_on_agenda(struct run *run, uint32_t index)
{
    line_push(&run->agenda, index);
}

static void apply_started(struct run *run, const struct event *event)
{
    if (run->id)
        return;
    run->id = xstrdup(event->run);
    run->store = xstrdup(event->store ? event->store : "");
    run->seed = event->seed;
    run->paranoid = event->paranoid;
    run->pins = json_incref(event->pins);
    run->adopted = json_incref(event->adopted);
    run->started_ms = event->at_ms;
    rested_set(&run->frames[0]->input, event->input);
    frame_begin(run, 0);
}

/* What was set aside becomes what was used: as reported, else as declared. An agent that was lost
 * could not report its last: what nobody knows is taken as the worse. */
static void settle_spending(struct run *run, struct task *task, bool lost)
{
    bool known = task->said_spent && !lost;
    int64_t tokens = known ? task->spent_tokens : task->reserved_tokens;
    int64_t cost = known ? task->spent_cost : task->reserved_cost;
    account_charge(run, task->account,
                   (struct spent_change){.tokens = tokens,
                                         .cost = cost,
                                         .reserved_tokens = -task->reserved_tokens,
                                         .reserved_cost = -task->reserved_cost});
    task->used_tokens = amount_add(task->used_tokens, tokens, INT64_MAX / 2);
    task->used_cost = amount_add(task->used_cost, cost, INT64_MAX / 2);
    task->reserved_tokens = task->reserved_cost = 0;
    task->spent_tokens = task->spent_cost = 0;
    task->said_spent = false;
}

static void end_flight(struct run *run, uint32_t index, bool lost)
{
    struct task *task = task_at(run, index);
    ASSERT(task->in_flight && run->in_flight > 0);
    task->in_flight = false;
    task->stopping = false;
    task->ends_ms = -1;
    run->in_flight--;
    if (task->parent == NO_TASK)
        run->places--;
    task_give_place(run, index);
    settle_spending(run, task, lost);
}

/* The call itself as an effect: of an agent whose ways out the host does not broker, or that says
 * worse than what the host saw. */
static struct effect *implicit_effect(const struct run *run, struct task *task, int64_t at_ms)
{
    static const char name[] = "call";
    struct effect *effect = task_effect(task, name);
    if (!effect) {
        effect = task_add_effect(run, task, name);
        effect->implicit = true;
        effect->first_ms = at_ms;
        effect->request = json_incref(task_input(run, task));
    }
    return effect;
}

static void learn_json(json_t **slot, json_t *value)
{
    if (value)
        replace_json(slot, value);
}

/* The agent could make nothing of an answer that the host took for success, and never committed the
 * effect: what came of it is in doubt, and that answer is not to be replayed. Of those after which
 * it went on to others, it made something. */
static void doubt_uncommitted(struct task *task, int64_t at_ms)
{
    for (uint32_t i = 0; i < task->effect_count; i++) {
        struct effect *effect = &task->effects[i];
        if (effect->outcome != OUTCOME_DONE || effect->result || effect->passed ||
            effect->last_begin != task->tries)
            continue;
        effect->outcome = OUTCOME_UNKNOWN;
        effect->closed_ms = at_ms;
        json_decref(effect->response);
        effect->response = NULL;
    }
}

/* What the end of a try says of the effects that it left open. The host closes the requests that
 * went through it, and says when; those of an agent with ways of its own may never have: the agent
 * is gone, and a transfer in the host is given up after settle. That such an agent did nothing is
 * the operator's word, for the host has not seen it. */
static void judge_effects(struct run *run, struct task *task, const struct event *event)
{
    const struct agent *agent = task_callee(run, task)->agent;
    if (!agent_writes(agent))
        return;
    bool done = event->end == END_OK;
    for (uint32_t i = 0; i < task->effect_count; i++) {
        struct effect *effect = &task->effects[i];
        if (effect->outcome != OUTCOME_OPEN)
            continue;
        if (effect->implicit && done)
            learn_json(&effect->result, event->body);
        bool refused = event->end == END_NOT_STARTED || event->refusal;
        bool nothing = effect->implicit && refused && !effect->doubted;
        effect->outcome = effect->implicit && done ? OUTCOME_DONE
                          : nothing                ? OUTCOME_NONE
                                                   : OUTCOME_UNKNOWN;
        if (effect->implicit)
            effect->closed_ms = event->at_ms;
        else if (!agent->brokered)
            effect->closed_ms = event->at_ms + (agent->settle_ms > 0 ? agent->settle_ms : 0);
    }
    if (event->claim == OUTCOME_UNKNOWN && event->end != END_NOT_STARTED)
        doubt_uncommitted(task, event->at_ms);
    enum outcome worst = OUTCOME_NONE;
    for (uint32_t i = 0; i < task->effect_count; i++)
        if (task->effects[i].outcome > worst)
            worst = task->effects[i].outcome;
    bool claims_worse = event->claim > worst && event->end != END_NOT_STARTED;
    if (claims_worse && !(done && event->claim == OUTCOME_DONE)) {
        struct effect *effect = implicit_effect(run, task, event->at_ms);
        effect->outcome = OUTCOME_UNKNOWN;
        effect->closed_ms = event->at_ms;
    }
}

static void await_verdict(struct run *run, uint32_t index)
{
    struct task *task = task_at(run, index);
    verdict_done(&task->verdict);
    task->judged = task->resumed = false;
    task_set_state(run, index, TASK_JUDGED);
}

/* Nothing of the agent ran: what was set aside for it was not used. A call of the recovery stays
 * counted, for nothing else ends a reconcile that can never be started; an attempt too, but for one
 * that the budget over all runs had no room for. */
static void give_back(struct run *run, struct task *task, enum cause cause)
{
    bool tried = task->parent == NO_TASK && !task->recovering;
    task->said_spent = true;
    task_charge(run, task,
                (struct spent_change){.calls = -!task->recovering,
                                      .attempts = -(tried && cause == CAUSE_BUDGET)});
}

static void apply_ended(struct run *run, const struct event *event)
{
    struct task *task = task_at(run, event->task);
    if (!task->in_flight || task->serial != event->attempt)
        return;
    if (event->end == END_NOT_STARTED)
        give_back(run, task, event->cause);
    end_flight(run, event->task, event->lost);
    if (!task->reconciling) {
        judge_effects(run, task, event);
        await_verdict(run, event->task);
    }
    put_on_agenda(run, event->task);
}

/* Does what is now known of the effect change what the task waits for? That a request was closed
 * matters to settling, not to a person. */
static bool is_news(const struct task *task, const struct effect *effect)
{
    bool about = &task->effects[task->about] == effect;
    if (task->state == TASK_SETTLING)
        return about;
    if (task->state != TASK_ASKING)
        return false;
    if (task->question == QUESTION_DOUBT)
        return about && effect->outcome != OUTCOME_UNKNOWN;
    return effect->outcome == OUTCOME_DONE;
}

/* What came of an earlier start's request says nothing of a newer one, but that it is done. */
static enum outcome outcome_known(const struct effect *effect, const struct event *event)
{
    bool older = event->attempt != effect->begun_by;
    if (event->outcome == OUTCOME_DONE)
        return OUTCOME_DONE;
    if (older || (effect->outcome == OUTCOME_NONE && event->outcome == OUTCOME_UNKNOWN))
        return effect->outcome;
    return effect->doubted ? OUTCOME_UNKNOWN : event->outcome;
}

static void apply_effect_ended(struct run *run, const struct event *event)
{
    struct task *task = task_at(run, event->task);
    struct effect *effect = task_effect(task, event->effect);
    if (!effect)
        return;
    if (event->outcome == OUTCOME_DONE) {
        learn_json(&effect->response, event->response);
        learn_json(&effect->result, event->result);
    }
    if (effect->outcome == OUTCOME_DONE)
        return;
    effect->outcome = outcome_known(effect, event);
    if (effect->outcome != OUTCOME_OPEN)
        effect->closed_ms = event->at_ms;
    if (is_news(task, effect))
        put_on_agenda(run, event->task);
}

/* A start that was lost with the host may be what killed it: taking the run up again costs an
 * attempt, so that it cannot do so for ever. What is known to have been in flight is charged. */
static void charge_takeover(struct run *run, const struct event *event)
{
    struct room_lack lack;
    bool lost = false;
    for (uint32_t i = 0; i < run->task_count; i++)
        lost |= run->tasks[i]->state == TASK_PAUSED && run->tasks[i]->due_ms <= event->at_ms;
    int64_t limit = run->flow->budget.attempts;
    if (!lost || run->in_flight > 0 || (limit >= 0 && run->accounts[0].spent.attempts >= limit))
        return;
    run->lacked_room = event_lacks(run, event, (struct amounts){.attempts = 1}, &lack);
    if (!run->lacked_room)
        account_charge(run, 0, (struct spent_change){.attempts = 1});
}

static void apply_moved(struct run *run, const struct event *event)
{
    json_t *libraries = run->libraries ? json_copy(run->libraries) : json_object();
    json_decref(run->libraries);
    run->libraries = libraries;
    if (event->code && event->digest)
        json_object_set_new(libraries, event->code, json_string(event->digest));
}

/* Whatever was in flight when the last host died is lost: its requests are closed with it. */
static void apply_taken_over(struct run *run, const struct event *event)
{
    run->restored |= event->restored;
    if (event->libraries) {
        json_decref(run->libraries);
        run->libraries = json_incref(event->libraries);
    }
    change_taken_over(run, event);
    charge_takeover(run, event);
    for (uint32_t i = 0; i < run->task_count; i++) {
        struct task *task = run->tasks[i];
        for (uint32_t e = 0; e < task->effect_count; e++) {
            struct effect *effect = &task->effects[e];
            if (effect->outcome == OUTCOME_OPEN)
                effect->outcome = OUTCOME_UNKNOWN;
            if (effect->outcome == OUTCOME_UNKNOWN && effect->closed_ms < 0)
                effect->closed_ms = event->at_ms;
        }
        bool waits_for_closing = task->state == TASK_SETTLING && task->due_ms < 0;
        if (task->in_flight) {
            end_flight(run, i, event->rules >= RULES_LOST_COSTS);
            if (!task->reconciling)
                await_verdict(run, i);
            put_on_agenda(run, i);
        } else if (waits_for_closing) {
            put_on_agenda(run, i);
        }
    }
}

static void apply_due(struct run *run, const struct event *event)
{
    struct task *task = task_at(run, event->task);
    bool waits = task->state == TASK_PAUSED || task->state == TASK_SETTLING;
    if (!waits || task->due_ms < 0 || event->at_ms < task->due_ms)
        return;
    task->due_ms = -1;
    if (task->state == TASK_PAUSED) {
        task_set_state(run, event->task, TASK_READY);
        task_line_up(run, event->task);
    } else {
        task->due = true;
        put_on_agenda(run, event->task);
    }
}

static void apply_cancel(struct run *run)
{
    if (run->frames[0]->ending == RUN_RUNNING)
        frame_end(run, 0, RUN_CANCELLED,
                  error_json("cancelled", "a person cancelled the run", NULL));
}

/* What is used beyond what was set aside is set aside too: nobody else may be promised it. */
static int64_t cover(int64_t used, int64_t *reserved)
{
    int64_t more = used > *reserved ? used - *reserved : 0;
    *reserved += more;
    return more;
}

static void apply_spent(struct run *run, const struct event *event)
{
    struct task *task = task_at(run, event->task);
    if (!task->in_flight || task->serial != event->attempt)
        return;
    task->said_spent = true;
    task->spent_tokens = amount_add(task->spent_tokens, event->tokens, LIMIT_SPENT);
    task->spent_cost = amount_add(task->spent_cost, event->cost, LIMIT_SPENT);
    account_charge(
        run, task->account,
        (struct spent_change){.reserved_tokens = cover(task->spent_tokens, &task->reserved_tokens),
                              .reserved_cost = cover(task->spent_cost, &task->reserved_cost)});
}

/* Of the accounts with a limit of time, those that have used it; the run's own, if none has: then
 * whoever said so had another clock. */
static void apply_time_spent(struct run *run)
{
    bool any = false;
    for (size_t i = 0; i < run->timed.count; i++) {
        uint32_t index = run->timed.list[run->timed.head + i];
        struct account *account = &run->accounts[index];
        if (run->active_ms - account->opened_ms >= account->limit.time_ms)
            account->time_spent = any = true;
    }
    if (!any && run->timed.count > 0)
        run->accounts[run->timed.list[run->timed.head]].time_spent = true;
    run->answer_pending = true;
}

/* Time counts unless the run merely waits for people. */
static void pass_time(struct run *run, int64_t at_ms)
{
    if (at_ms <= run->now_ms)
        return;
    if (run->now_ms > 0 && run_status(run) == RUN_RUNNING)
        run->active_ms += at_ms - run->now_ms;
    run->now_ms = at_ms;
}

/* Only these may be about the run itself. */
static bool is_of_question(enum event_kind kind)
{
    return kind == EVENT_ANSWERED || kind == EVENT_EXPIRED || kind == EVENT_TOLD;
}

void run_apply(struct run *run, const struct event *event)
{
    if (event->kind != EVENT_TAKEN_OVER && event->kind != EVENT_CHANGED)
        pass_time(run, event->at_ms);
    else if (event->at_ms > run->now_ms)
        run->now_ms = event->at_ms;
    run->seq++;
    run->answer_pending = false;
    run->charged_before = run_charged(run);
    run->begun = (struct amounts){0};
    run->lacked_room = false;
    if (run->frames[0]->status != RUN_RUNNING && event->kind != EVENT_EFFECT_ENDED)
        return;
    bool has_task = event->kind != EVENT_STARTED && event->kind != EVENT_TAKEN_OVER &&
                    event->kind != EVENT_CHANGED && event->kind != EVENT_CANCEL_ASKED &&
                    event->kind != EVENT_TIME_SPENT;
    bool of_run = event->task == RUN_ITSELF && is_of_question(event->kind);
    if (has_task && !of_run && event->task >= run->task_count)
        return;
    switch (event->kind) {
    case EVENT_STARTED:
        apply_started(run, event);
        break;
    case EVENT_TAKEN_OVER:
        apply_taken_over(run, event);
        break;
    case EVENT_ENDED:
        apply_ended(run, event);
        break;
    case EVENT_EFFECT_ENDED:
        apply_effect_ended(run, event);
        break;
    case EVENT_DUE:
        apply_due(run, event);
        break;
    case EVENT_TOLD:
        if (!event->message && of_run)
            run->change.told = event->revision;
        else if (!event->message)
            task_at(run, event->task)->told = event->revision;
        break;
    case EVENT_CANCEL_ASKED:
        apply_cancel(run);
        break;
    case EVENT_TIME_SPENT:
        apply_time_spent(run);
        break;
    case EVENT_SPENT:
        apply_spent(run, event);
        break;
    case EVENT_HELD:
    case EVENT_STATE_PUT:
        break;
    case EVENT_MOVED:
        apply_moved(run, event);
        break;
    case EVENT_CHANGED:
    case EVENT_EFFECT_ASKED:
    case EVENT_CALL_ASKED:
    case EVENT_RESERVE_ASKED:
    case EVENT_ANSWERED:
    case EVENT_EXPIRED:
        run->answer_pending = true;
        break;
    }
}
