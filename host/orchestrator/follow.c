/* SPDX-License-Identifier: Apache-2.0
 *
 * Decisions fold into the state here, the recorded ones of a resumed run exactly as the fresh ones.
 * Nothing is evaluated or judged: what a decision needs, it carries.
 */
#include "orchestrator/state_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- the decisions ---- */

/* An agent whose ways out the host does not broker may change the world from its first instruction.
 */
static void open_implicit_effect(struct run *run, struct task *task)
{
    static const char name[] = "call";
    const struct agent *agent = task_callee(run, task)->agent;
    if (agent->brokered || agent->effect == CLASS_PURE || agent->effect == CLASS_READ)
        return;
    struct effect *effect = task_effect(task, name);
    if (!effect) {
        effect = task_add_effect(run, task, name);
        effect->implicit = true;
        effect->request = json_incref(task_input(run, task));
    }
    effect->last_begin = task->tries;
    effect->begun_by = task->serial;
    if (effect->outcome == OUTCOME_DONE)
        return;
    if (effect->outcome == OUTCOME_NONE)
        effect->first_ms = run->now_ms;
    effect->doubted |= effect->outcome == OUTCOME_UNKNOWN;
    effect->outcome = OUTCOME_OPEN;
    effect->closed_ms = -1;
}

/* For the next start of the same event: what budgets over all runs have room for. */
static void count_begun(struct run *run, struct amounts more)
{
    run->begun.attempts += more.attempts;
    run->begun.calls += more.calls;
    run->begun.tokens += more.tokens;
    run->begun.cost += more.cost;
}

static void follow_start(struct run *run, const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    bool recovery = start_uses_recovery(run, task, decision->reconciling);
    bool nested = task->parent != NO_TASK;
    bool try = !decision->reconciling;
    task_step_forward(run, decision->task);
    count_begun(run, start_amounts(task, recovery, decision->tokens, decision->cost));
    task_charge(run, task,
                (struct spent_change){.attempts = try && !recovery && !nested,
                                      .calls = !recovery,
                                      .recovery = recovery,
                                      .reserved_tokens = decision->tokens,
                                      .reserved_cost = decision->cost});
    task->serial++;
    ASSERT(task->serial == decision->attempt);
    task->in_flight = true;
    task->reconciling = decision->reconciling;
    task->recovering = recovery;
    task->ends_ms = decision->timeout_ms < 0 ? -1 : run->now_ms + decision->timeout_ms;
    run->in_flight++;
    run->places += !nested;
    task->reserved_tokens = decision->tokens;
    task->reserved_cost = decision->cost;
    if (!try) {
        task->reconciles++;
        task->asked_ms = run->now_ms;
        return;
    }
    if (decision->input)
        rested_set(&task->input, decision->input);
    if (task->first_ms == 0)
        task->first_ms = run->now_ms;
    task->tries++;
    task->on_recovery = task->conflict = false;
    task_set_state(run, decision->task, TASK_RUNNING);
    open_implicit_effect(run, task);
}

static void keep_plan(struct task *task, const struct event *event)
{
    if (!event->plan)
        return;
    flow_unref(task->plan);
    task->plan = flow_ref(event->plan);
}

static void follow_judge(struct run *run, const struct event *event,
                         const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    bool ended = task->state == TASK_JUDGED && event->kind == EVENT_ENDED;
    bool said = ended && (event->end == END_OK || event->end == END_INPUT_REQUIRED);
    if (task->state == TASK_READY) {
        task_take_off(run, decision->task);
        line_push(&run->agenda, decision->task);
    }
    task_set_state(run, decision->task, TASK_JUDGED);
    verdict_done(&task->verdict);
    json_t *output = decision->output ? decision->output : said ? event->body : NULL;
    task->verdict = (struct verdict){
        .cause = decision->cause,
        .accepted = decision->accepted,
        .fits = decision->fits,
        .output = json_incref(output),
        .error = json_incref(decision->error),
        .feedback = json_incref(decision->feedback),
        .retry_after_ms = ended ? event->retry_after_ms : 0,
        .deferred = ended && event->end == END_NOT_STARTED,
        .gave_way = ended && event->end == END_GAVE_WAY,
    };
    task->judged = true;
    run->lacked_room |= strcmp(decision->rule, "room-spent") == 0;
    keep_plan(task, event);
}

/* A try that was only told to wait is not counted, but its start is. */
static void defer(struct run *run, struct task *task)
{
    bool counted = task->parent == NO_TASK && !start_uses_recovery(run, task, false);
    task->deferrals++;
    task->extra++;
    task_charge(run, task, (struct spent_change){.attempts = -counted});
}

static void follow_retry(struct run *run, const struct event *event,
                         const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    task_take_off(run, decision->task);
    if (decision->feedback)
        replace_json(&task->feedback, decision->feedback);
    task->cleared |= event->kind == EVENT_ANSWERED;
    if (decision->deferred)
        defer(run, task);
    task->on_recovery = decision->granted;
    if (task->tries >= (uint32_t)task_retry(run, task)->max_attempts + task->extra)
        task->extra++;
    if (decision->due_ms > run->now_ms) {
        task->due_ms = decision->due_ms;
        task_set_state(run, decision->task, TASK_PAUSED);
    } else {
        task_set_state(run, decision->task, TASK_READY);
        task_line_up(run, decision->task);
    }
    /* As with tries: a person says so when the last is spent, and what is left would not do. */
    if (event->kind == EVENT_ANSWERED)
        task->first_ms = task->aside_ms = 0;
}

/* Is there something within the task's sub-flow that knows how it is undone? */
static bool undoes_inside(const struct run *run, const struct task *task)
{
    return task->inside && run->frames[task->inside]->undo.count > 0;
}

static void follow_accept(struct run *run, const struct event *event,
                          const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    task_take_off(run, decision->task);
    replace_json(&task->output, decision->output ? decision->output : task->verdict.output);
    replace_json(&task->undo_input, decision->undo_input);
    replace_json(&task->undo_error, decision->error);
    if (event->kind == EVENT_ANSWERED)
        keep_plan(task, event);
    verdict_done(&task->verdict);
    if (decision->undo_input || decision->error || undoes_inside(run, task))
        line_push(&frame_of(run, task)->undo, decision->task);
    task_set_state(run, decision->task, TASK_DONE);
}

static void follow_fail(struct run *run, const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    task_take_off(run, decision->task);
    replace_json(&task->error, decision->error);
    task->failed_by = task->verdict.cause;
    if (decision->status == RUN_FAILED && frame_of(run, task)->ending == RUN_RUNNING)
        frame_end(run, task->frame, RUN_FAILED, json_incref(decision->error));
    task_set_state(run, decision->task, decision->skipped ? TASK_SKIPPED : TASK_FAILED);
}

static void follow_fall_back(struct run *run, const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    task_take_off(run, decision->task);
    replace_json(&task->error, decision->error);
    task_set_state(run, decision->task, TASK_REPLACED);
    uint32_t index = task_new(run, task->frame, task->step, task->item, ROLE_FALLBACK);
    replace_json(&run->tasks[index]->error, decision->error);
}

static uint32_t effect_index(const struct task *task, const char *name)
{
    const struct effect *effect = task_effect(task, name);
    return effect ? (uint32_t)(effect - task->effects) : 0;
}

static void follow_ask(struct run *run, const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    task_take_off(run, decision->task);
    if (decision->effect)
        task->about = effect_index(task, decision->effect);
    task->question = decision->question;
    task->revision = decision->revision;
    task->deadline_ms = decision->due_ms;
    task->question_ms = run->now_ms;
    replace_json(&task->shown, decision->shown);
    task_set_state(run, decision->task, TASK_ASKING);
}

static void follow_reconcile(struct run *run, const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    task_take_off(run, decision->task);
    task->about = effect_index(task, decision->effect);
    task->due = false;
    task->effects[task->about].said_never |= decision->said_never;
    if (decision->due_ms >= 0 && decision->due_ms <= run->now_ms) {
        task->due_ms = -1;
        task_set_state(run, decision->task, TASK_RECONCILING);
        task_line_up(run, decision->task);
    } else {
        task->due_ms = decision->due_ms;
        task_set_state(run, decision->task, TASK_SETTLING);
    }
}

static void follow_resolve(struct run *run, const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    struct effect *effect = task_effect(task, decision->effect);
    uint32_t head;
    effect->outcome = decision->outcome;
    effect->said_never = effect->doubted = false;
    if (decision->result)
        replace_json(&effect->result, decision->result);
    if (decision->outcome == OUTCOME_NONE && task->verdict.accepted) {
        /* the agent said it was done, and it was not */
        task->verdict.accepted = false;
        task->verdict.cause = CAUSE_UNAVAILABLE;
        task->verdict.error = error_json(
            "never-happened", "the agent completed, but its effect never happened", task->path);
    }
    task->due = false;
    task->due_ms = -1;
    task->resumed = true;
    task_set_state(run, decision->task, TASK_JUDGED);
    if (line_first(&run->agenda, &head) && head == decision->task)
        return;
    task_take_off(run, decision->task);
    line_push(&run->agenda, decision->task);
}

/* The try begins an effect: with those that it has done, it is through. */
static void pass_others(struct task *task, const char *name)
{
    for (uint32_t i = 0; i < task->effect_count; i++) {
        struct effect *effect = &task->effects[i];
        bool this = strcmp(effect->name, name) == 0;
        bool done = effect->outcome == OUTCOME_DONE && effect->last_begin == task->tries;
        effect->passed = !this && (done || effect->passed);
    }
}

static void follow_effect(struct run *run, const struct event *event,
                          const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    struct effect *effect = task_effect(task, event->effect);
    if (decision->begin == BEGIN_DONE || decision->begin == BEGIN_FRESH)
        pass_others(task, event->effect);
    switch (decision->begin) {
    case BEGIN_REFUSED:
    case BEGIN_UNKNOWN:
        return;
    case BEGIN_CONFLICT:
        task->conflict = true;
        return;
    case BEGIN_DONE:
        effect->last_begin = task->tries;
        return;
    case BEGIN_FRESH:
        break;
    }
    if (!effect) {
        effect = task_add_effect(run, task, event->effect);
        effect->digest = xstrdup(event->digest ? event->digest : "");
        effect->request = json_incref(event->request);
        effect->automatic = event->automatic;
    }
    effect->last_begin = task->tries;
    if (effect->outcome == OUTCOME_DONE)
        return;
    effect->begun_by = task->serial;
    if (effect->outcome == OUTCOME_NONE)
        effect->first_ms = event->at_ms;
    effect->doubted |= effect->outcome == OUTCOME_UNKNOWN;
    effect->outcome = OUTCOME_OPEN;
    effect->closed_ms = -1;
}

static void follow_reserve(struct run *run, const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    if (!decision->granted)
        return;
    task->reserved_tokens += decision->tokens;
    task->reserved_cost += decision->cost;
    account_charge(run, task->account,
                   (struct spent_change){.reserved_tokens = decision->tokens,
                                         .reserved_cost = decision->cost});
}

static void follow_of_task(struct run *run, const struct event *event,
                           const struct decision *decision)
{
    switch (decision->kind) {
    case DECISION_START:
        follow_start(run, decision);
        break;
    case DECISION_JUDGE:
        follow_judge(run, event, decision);
        break;
    case DECISION_RETRY:
        follow_retry(run, event, decision);
        break;
    case DECISION_ACCEPT:
        follow_accept(run, event, decision);
        break;
    case DECISION_FAIL:
        follow_fail(run, decision);
        break;
    case DECISION_FALL_BACK:
        follow_fall_back(run, decision);
        break;
    case DECISION_ABANDON:
        task_take_off(run, decision->task);
        task_set_state(run, decision->task, TASK_ABANDONED);
        break;
    case DECISION_STOP:
        task_take_off(run, decision->task);
        task_at(run, decision->task)->stopping = true;
        break;
    case DECISION_ASK:
        follow_ask(run, decision);
        break;
    case DECISION_RECONCILE:
        follow_reconcile(run, decision);
        break;
    case DECISION_RESOLVE:
        follow_resolve(run, decision);
        break;
    case DECISION_EFFECT:
        follow_effect(run, event, decision);
        break;
    case DECISION_RESERVE:
        follow_reserve(run, decision);
        break;
    case DECISION_CALL:
        follow_call(run, event, decision);
        break;
    case DECISION_HOLD:
        follow_hold(run, decision);
        break;
    case DECISION_ENTER:
        follow_enter(run, decision);
        break;
    case DECISION_UNDO:
        follow_undo(run, decision);
        break;
    case DECISION_REFUSE_ANSWER:
    case DECISION_PERMIT:
        break;
    case DECISION_ADMIT:
    case DECISION_ADOPT:
    case DECISION_SKIP:
    case DECISION_UNWIND:
    case DECISION_LEAVE:
    case DECISION_END:
        UNREACHABLE("this decision is of a flow");
        break;
    }
}

void run_follow(struct run *run, const struct event *event, const struct decision *decision)
{
    run->answer_pending = false;
    if (!decision_has_task(decision->kind)) {
        follow_of_flow(run, event, decision);
        return;
    }
    if (decision->task == RUN_ITSELF) {
        follow_change(run, event, decision);
        return;
    }
    follow_swept(run, decision->task);
    follow_of_task(run, event, decision);
}
