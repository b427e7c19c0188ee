/* SPDX-License-Identifier: Apache-2.0
 *
 * Decisions fold into the state here, the recorded ones of a resumed run exactly as the fresh ones.
 * Nothing is evaluated or judged: what a decision needs, it carries.
 */
#include "orchestrator/state_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static void set_json(json_t **slot, json_t *value)
{
    json_incref(value);
    json_decref(*slot);
    *slot = value;
}

/* ---- tasks and steps ---- */

static char *task_path(const struct step *step, int64_t item, enum role role)
{
    static const char *const roles[] = {
        [ROLE_MAIN] = "", [ROLE_FALLBACK] = "/fallback", [ROLE_UNDO] = "/undo", [ROLE_CALL] = ""};
    return item >= 0 ? xasprintf("%s[%lld]%s", step->name, (long long)item, roles[role])
                     : xasprintf("%s%s", step->name, roles[role]);
}

static uint32_t new_task(struct run *run, uint32_t step, int64_t item, enum role role)
{
    if (run->task_count == run->task_room) {
        run->task_room = run->task_room ? run->task_room * 2 : 16;
        run->tasks = xrealloc(run->tasks, run->task_room * sizeof(struct task *));
    }
    struct task *task = xcalloc(1, sizeof(*task));
    task->step = step;
    task->item = item;
    task->role = role;
    task->path = task_path(&run->flow->steps[step], item, role);
    task->due_ms = task->deadline_ms = -1;
    task->state = TASK_READY;
    run->tasks[run->task_count] = task;
    run->open++;
    line_push(&run->ready, run->task_count);
    return run->task_count++;
}

/* Puts items in line as far as the step's concurrency allows. */
static void feed(struct run *run, uint32_t index)
{
    struct step_run *step = &run->steps[index];
    int limit = run->flow->steps[index].concurrency;
    while (run->ending == RUN_RUNNING && step->next < step->task_count &&
           step->active < (uint32_t)limit) {
        int64_t item = step->items ? (int64_t)step->next : -1;
        step->tasks[step->next++] = new_task(run, index, item, ROLE_MAIN);
        step->active++;
    }
}

static void finish_step(struct run *run, uint32_t index, enum step_state state)
{
    const struct step *step = &run->flow->steps[index];
    run->steps[index].state = state;
    run->steps_left--;
    for (size_t i = 0; i < step->dependent_count; i++) {
        struct step_run *dependent = &run->steps[step->dependents[i]];
        if (--dependent->waiting == 0) {
            dependent->state = STEP_TURN;
            line_push(&run->turns, step->dependents[i]);
        }
    }
}

static json_t *item_result(const struct run *run, const struct step *step, uint32_t index)
{
    const struct task *task = run->tasks[index];
    bool done = task->state == TASK_DONE;
    if (step->on_item != ON_ITEM_COLLECT)
        return done ? json_incref(task->output) : json_null();
    return done ? json_pack("{s:O}", "output", task->output)
                : json_pack("{s:O}", "error", task->error ? task->error : json_null());
}

/* All items are final: outputs in the order of items. */
static void collect(struct run *run, uint32_t index)
{
    struct step_run *step = &run->steps[index];
    const struct step *of = &run->flow->steps[index];
    json_t *output = json_array();
    bool stopped = false;
    for (uint32_t i = 0; i < step->task_count; i++) {
        stopped |=
            of->on_item == ON_ITEM_STOP && task_at(run, step->tasks[i])->state == TASK_FAILED;
        json_array_append_new(output, item_result(run, of, step->tasks[i]));
    }
    step->output = output;
    finish_step(run, index, stopped ? STEP_FAILED : STEP_DONE);
}

/* A main task, or the fallback in its place, is final: what that means for its step. */
static void finish_part(struct run *run, uint32_t index)
{
    const struct task *task = run->tasks[index];
    struct step_run *step = &run->steps[task->step];
    step->tasks[task->item >= 0 ? task->item : 0] = index;
    step->active--;
    step->final++;
    if (!step->items) {
        if (task->state == TASK_DONE)
            step->output = json_incref(task->output);
        finish_step(run, task->step, task->state == TASK_DONE ? STEP_DONE : STEP_FAILED);
    } else if (step->final == step->task_count) {
        collect(run, task->step);
    } else {
        feed(run, task->step);
    }
}

static void set_state(struct run *run, uint32_t index, enum task_state state)
{
    struct task *task = run->tasks[index];
    ASSERT(!task_state_is_final(task->state));
    run->asking -= task->state == TASK_ASKING;
    run->asking += state == TASK_ASKING;
    task->state = state;
    if (!task_state_is_final(state))
        return;
    run->open--;
    if (task->role == ROLE_UNDO)
        run->undoing = NO_TASK;
    else if (state != TASK_REPLACED && state != TASK_ABANDONED)
        finish_part(run, index);
}

/* Takes the task off the line or agenda at whose head it stands. */
static void take_off(struct run *run, uint32_t index)
{
    uint32_t head;
    if (line_first(&run->agenda, &head) && head == index)
        line_pop(&run->agenda);
    else if (line_first(&run->ready, &head) && head == index)
        line_pop(&run->ready);
}

void begin_ending(struct run *run, enum run_status ending, json_t *error)
{
    struct line kept = {0};
    json_decref(run->error);
    run->error = error;
    run->ending = ending;
    run->sweep = 0;
    for (size_t i = 0; i < run->ready.count; i++) {
        uint32_t index = run->ready.list[run->ready.head + i];
        const struct task *task = run->tasks[index];
        if (task->state == TASK_RECONCILING || task->role == ROLE_UNDO)
            line_push(&kept, index);
    }
    line_done(&run->ready);
    run->ready = kept;
}

/* ---- the decisions ---- */

static void follow_admit(struct run *run, const struct decision *decision)
{
    struct step_run *step = &run->steps[decision->step];
    line_pop(&run->turns);
    step->state = STEP_ACTIVE;
    step->items = json_incref(decision->items);
    step->task_count = decision->items ? (uint32_t)json_array_size(decision->items) : 1;
    step->tasks = xcalloc(step->task_count, sizeof(*step->tasks));
    if (step->task_count == 0)
        collect(run, decision->step);
    else
        feed(run, decision->step);
}

static struct effect *add_effect(const struct run *run, struct task *task, const char *name)
{
    task->effects = xrealloc(task->effects, (task->effect_count + 1) * sizeof(*task->effects));
    struct effect *effect = &task->effects[task->effect_count++];
    *effect = (struct effect){.name = xstrdup(name)};
    effect_key(run->store, run->id, task->path, task->item, name, effect->key);
    return effect;
}

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
        effect = add_effect(run, task, name);
        effect->implicit = true;
        effect->request = json_incref(task->input);
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

static void follow_start(struct run *run, const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    take_off(run, decision->task);
    if (start_uses_recovery(run, task, decision->reconciling))
        run->spent.recovery++;
    else
        run->spent.calls++;
    task->serial++;
    ASSERT(task->serial == decision->attempt);
    task->in_flight = true;
    task->reconciling = decision->reconciling;
    run->in_flight++;
    task->reserved_tokens = decision->tokens;
    task->reserved_cost = decision->cost;
    run->spent.reserved_tokens += decision->tokens;
    run->spent.reserved_cost += decision->cost;
    if (decision->reconciling) {
        task->reconciles++;
        task->asked_ms = run->now_ms;
        return;
    }
    if (decision->input)
        set_json(&task->input, decision->input);
    if (task->first_ms == 0)
        task->first_ms = run->now_ms;
    if (!start_uses_recovery(run, task, false))
        run->spent.attempts++;
    task->tries++;
    task->on_recovery = task->conflict = false;
    set_state(run, decision->task, TASK_RUNNING);
    open_implicit_effect(run, task);
}

static void follow_judge(struct run *run, const struct event *event,
                         const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    bool ended = task->state == TASK_JUDGED && event->kind == EVENT_ENDED;
    bool said = ended && (event->end == END_OK || event->end == END_INPUT_REQUIRED);
    if (task->state == TASK_READY) {
        take_off(run, decision->task);
        line_push(&run->agenda, decision->task);
    }
    set_state(run, decision->task, TASK_JUDGED);
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
    };
    task->judged = true;
}

static void follow_retry(struct run *run, const struct event *event,
                         const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    take_off(run, decision->task);
    if (decision->feedback)
        set_json(&task->feedback, decision->feedback);
    task->on_recovery = decision->granted;
    task->cleared |= event->kind == EVENT_ANSWERED;
    if (task->tries >= (uint32_t)step_of(run, task)->retry.max_attempts + task->extra)
        task->extra++;
    if (decision->due_ms > run->now_ms) {
        task->due_ms = decision->due_ms;
        set_state(run, decision->task, TASK_PAUSED);
    } else {
        set_state(run, decision->task, TASK_READY);
        line_push(&run->ready, decision->task);
    }
}

static void follow_accept(struct run *run, const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    take_off(run, decision->task);
    set_json(&task->output, decision->output ? decision->output : task->verdict.output);
    set_json(&task->undo_input, decision->undo_input);
    set_json(&task->undo_error, decision->error);
    verdict_done(&task->verdict);
    if (decision->undo_input || decision->error)
        line_push(&run->undo, decision->task);
    set_state(run, decision->task, TASK_DONE);
}

static void follow_fail(struct run *run, const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    take_off(run, decision->task);
    set_json(&task->error, decision->error);
    if (decision->status == RUN_FAILED && run->ending == RUN_RUNNING)
        begin_ending(run, RUN_FAILED, json_incref(decision->error));
    set_state(run, decision->task, decision->skipped ? TASK_SKIPPED : TASK_FAILED);
}

static void follow_fall_back(struct run *run, const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    take_off(run, decision->task);
    set_json(&task->error, decision->error);
    set_state(run, decision->task, TASK_REPLACED);
    uint32_t index = new_task(run, task->step, task->item, ROLE_FALLBACK);
    set_json(&run->tasks[index]->error, decision->error);
}

static uint32_t effect_index(const struct task *task, const char *name)
{
    const struct effect *effect = task_effect(task, name);
    return effect ? (uint32_t)(effect - task->effects) : 0;
}

static void follow_ask(struct run *run, const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    take_off(run, decision->task);
    if (decision->effect)
        task->about = effect_index(task, decision->effect);
    task->question = decision->question;
    task->revision = decision->revision;
    task->deadline_ms = decision->due_ms;
    set_json(&task->shown, decision->shown);
    set_state(run, decision->task, TASK_ASKING);
}

static void follow_reconcile(struct run *run, const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    take_off(run, decision->task);
    task->about = effect_index(task, decision->effect);
    task->due = false;
    task->effects[task->about].said_never |= decision->said_never;
    if (decision->due_ms >= 0 && decision->due_ms <= run->now_ms) {
        task->due_ms = -1;
        set_state(run, decision->task, TASK_RECONCILING);
        line_push(&run->ready, decision->task);
    } else {
        task->due_ms = decision->due_ms;
        set_state(run, decision->task, TASK_SETTLING);
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
        set_json(&effect->result, decision->result);
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
    set_state(run, decision->task, TASK_JUDGED);
    if (line_first(&run->agenda, &head) && head == decision->task)
        return;
    take_off(run, decision->task);
    line_push(&run->agenda, decision->task);
}

static void follow_effect(struct run *run, const struct event *event,
                          const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    struct effect *effect = task_effect(task, event->effect);
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
        effect = add_effect(run, task, event->effect);
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
    run->spent.reserved_tokens += decision->tokens;
    run->spent.reserved_cost += decision->cost;
}

static void follow_undo(struct run *run, const struct decision *decision)
{
    const struct task *done = task_at(run, decision->task);
    ASSERT(run->undo.count > 0);
    run->undo.count--;
    run->undoing = new_task(run, done->step, done->item, ROLE_UNDO);
    set_json(&run->tasks[run->undoing]->input, done->undo_input);
    set_json(&run->tasks[run->undoing]->error, done->undo_error);
}

static void follow_end(struct run *run, const struct decision *decision)
{
    run->status = decision->status;
    set_json(&run->output, decision->output);
    if (decision->error)
        set_json(&run->error, decision->error);
}

/* An answer that denies an effect in doubt is decided in two parts: the run ends, and the question
 * stays. */
static bool still_asks(const struct run *run, const struct event *event)
{
    if (event->kind != EVENT_ANSWERED && event->kind != EVENT_EXPIRED)
        return false;
    const struct task *task = task_at(run, event->task);
    return task->state == TASK_ASKING && task->revision == event->revision;
}

void run_follow(struct run *run, const struct event *event, const struct decision *decision)
{
    bool sweeping = run->ending != RUN_RUNNING && run->agenda.count == 0 && !run->answer_pending;
    run->answer_pending = false;
    switch (decision->kind) {
    case DECISION_ADMIT:
        follow_admit(run, decision);
        break;
    case DECISION_SKIP:
        line_pop(&run->turns);
        finish_step(run, decision->step, STEP_SKIPPED);
        break;
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
        follow_accept(run, decision);
        break;
    case DECISION_FAIL:
        follow_fail(run, decision);
        break;
    case DECISION_FALL_BACK:
        follow_fall_back(run, decision);
        break;
    case DECISION_ABANDON:
        take_off(run, decision->task);
        set_state(run, decision->task, TASK_ABANDONED);
        break;
    case DECISION_STOP:
        task_at(run, decision->task)->stopping = true;
        break;
    case DECISION_ASK:
        follow_ask(run, decision);
        break;
    case DECISION_REFUSE_ANSWER:
    case DECISION_CALL:
    case DECISION_HOLD:
    case DECISION_ENTER:
    case DECISION_LEAVE:
    case DECISION_ADOPT:
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
    case DECISION_UNWIND:
        run->answer_pending = still_asks(run, event);
        begin_ending(run, RUN_FAILED, json_incref(decision->error));
        break;
    case DECISION_UNDO:
        follow_undo(run, decision);
        break;
    case DECISION_END:
        follow_end(run, decision);
        break;
    }
    bool swept = decision->kind == DECISION_ABANDON || decision->kind == DECISION_STOP ||
                 decision->kind == DECISION_RECONCILE || decision->kind == DECISION_ASK ||
                 decision->kind == DECISION_ACCEPT;
    if (sweeping && swept && decision->task >= run->sweep)
        run->sweep = decision->task + 1;
}
