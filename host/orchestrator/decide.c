/* SPDX-License-Identifier: Apache-2.0
 *
 * What is decided next: first what the event itself asks for, then the tasks on the agenda, then
 * the flows that are ending (who is told, what is undone), then those whose steps are all final,
 * the steps whose turn has come, and whoever is first in line for a start. One decision a call; the
 * state does not change here.
 */
#include "orchestrator/state_internal.h"

#include <stdlib.h>
#include <string.h>

void decision_done(struct decision *decision)
{
    json_decref(decision->why);
    json_decref(decision->input);
    json_decref(decision->feedback);
    json_decref(decision->items);
    json_decref(decision->output);
    json_decref(decision->undo_input);
    json_decref(decision->error);
    json_decref(decision->shown);
    json_decref(decision->result);
    json_decref(decision->response);
    *decision = (struct decision){0};
}

void decisions_done(struct decisions *decisions)
{
    for (size_t i = 0; i < decisions->count; i++)
        decision_done(&decisions->list[i]);
    free(decisions->list);
    *decisions = (struct decisions){0};
}

/* ---- steps ---- */

void decide_unwind(uint32_t frame, const char *rule, json_t *error, struct decision *ret)
{
    *ret = (struct decision){.kind = DECISION_UNWIND, .rule = rule, .frame = frame, .error = error};
}

/* An expression of the step itself (`if`, `for_each`) failed: no task exists that could. */
static void decide_broken_step(const struct run *run, uint32_t frame, uint32_t index,
                               const char *key, const struct error *err, struct decision *ret)
{
    const struct step *step = &run->frames[frame]->flow->steps[index];
    AUTO(freep) char *message = xasprintf("%s: %s", key, err->text);
    AUTO(freep) char *path = xasprintf("%s%s", run->frames[frame]->prefix, step->name);
    json_t *error = error_json("expression", message, path);
    if (step->on_failure == ON_FAILURE_SKIP)
        *ret = (struct decision){.kind = DECISION_SKIP,
                                 .rule = "expression-error",
                                 .frame = frame,
                                 .step = index,
                                 .error = error};
    else
        decide_unwind(frame, "expression-error", error, ret);
}

static const char *missing_requirement(const struct frame *frame, const struct step *step)
{
    for (size_t i = 0; i < step->requires_count; i++)
        if (frame->steps[step->requires[i]].state != STEP_DONE)
            return frame->flow->steps[step->requires[i]].name;
    return NULL;
}

static enum error_code check_items(const json_t *items, struct error *reterr)
{
    if (!json_is_array(items))
        return error_set(reterr, ERR_INPUT, "must give an array");
    if (json_array_size(items) > LIMIT_ITEMS)
        return error_set(reterr, ERR_LIMIT, "gives %zu items; the limit is %u",
                         json_array_size(items), LIMIT_ITEMS);
    return ERR_OK;
}

/* False if the step has no `if`, or it holds. */
static bool decide_condition(const struct run *run, uint32_t frame, uint32_t index,
                             const struct scope *scope, struct decision *ret)
{
    const struct step *step = &run->frames[frame]->flow->steps[index];
    json_t *value = NULL;
    struct error err;
    if (!step->condition)
        return false;
    if (mapping_evaluate(step->condition, scope, &value, &err) != ERR_OK) {
        decide_broken_step(run, frame, index, "if", &err, ret);
        return true;
    }
    bool holds = json_is_true(value);
    json_decref(value);
    *ret =
        (struct decision){.kind = DECISION_SKIP, .rule = "if-false", .frame = frame, .step = index};
    return !holds;
}

void decide_turn(const struct run *run, uint32_t frame, uint32_t index, struct decision *ret)
{
    const struct step *step = &run->frames[frame]->flow->steps[index];
    const char *missing = missing_requirement(run->frames[frame], step);
    struct scope_view view;
    struct scope scope;
    struct error err;
    json_t *items = NULL;
    frame_scope(run, run->frames[frame], &view, &scope);
    if (missing) {
        *ret = (struct decision){.kind = DECISION_SKIP,
                                 .rule = "needs-skipped",
                                 .frame = frame,
                                 .step = index,
                                 .why = json_pack("{s:s}", "needs", missing)};
        return;
    }
    if (decide_condition(run, frame, index, &scope, ret))
        return;
    if (step->for_each && (mapping_evaluate(step->for_each, &scope, &items, &err) != ERR_OK ||
                           check_items(items, &err) != ERR_OK)) {
        json_decref(items);
        decide_broken_step(run, frame, index, "for_each", &err, ret);
        return;
    }
    if (run->adopted && decide_adopt(run, frame, index, items, ret)) {
        json_decref(items); /* it has its own */
        return;
    }
    *ret = (struct decision){
        .kind = DECISION_ADMIT, .rule = "turn", .frame = frame, .step = index, .items = items};
}

/* ---- starts ---- */

/* Of an attempt that neither its step, nor its card, nor the manifest, nor a budget bounds. */
enum { DEFAULT_CALL_MS = 300000 };

static int64_t least(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

/* The time an attempt may take: its own, what is left of the step's, what is left of every budget
 * around it, and of the attempt that called it. */
static int64_t start_timeout(const struct run *run, const struct task *task, bool recovery,
                             const struct agent *agent)
{
    const struct step *step = step_of(run, task);
    const struct task *caller = task->parent == NO_TASK ? NULL : run->tasks[task->parent];
    int64_t own = task->nested ? task->nested->timeout_ms : step->start_to_close_ms;
    int64_t timeout = least(own, agent->call_ms);
    if (caller && caller->ends_ms >= 0)
        timeout = least(timeout, caller->ends_ms > run->now_ms ? caller->ends_ms - run->now_ms : 1);
    /* nothing bounds what cleans up but itself, and no call may last for ever */
    if (recovery)
        return timeout < 0 ? DEFAULT_CALL_MS : timeout;
    int64_t closes_ms = task_closes_ms(run, task);
    if (closes_ms >= 0)
        timeout = least(timeout, closes_ms > run->now_ms + 1 ? closes_ms - run->now_ms : 1);
    int64_t left = budget_time_left(run, task->account);
    timeout = left < 0 ? timeout : least(timeout, left > 1 ? left : 1);
    return timeout < 0 ? DEFAULT_CALL_MS : timeout;
}

void decide_verdict(uint32_t index, struct verdict *verdict, const char *rule, struct decision *ret)
{
    *ret = (struct decision){
        .kind = DECISION_JUDGE,
        .rule = rule,
        .task = index,
        .cause = verdict->cause,
        .accepted = verdict->accepted,
        .fits = verdict->fits,
        .output = TAKE(verdict->output),
        .error = TAKE(verdict->error),
        .feedback = TAKE(verdict->feedback),
    };
}

static void decide_no_start(const struct task *task, uint32_t index, enum cause cause,
                            const char *message, const char *rule, struct decision *ret)
{
    struct verdict verdict = {.cause = cause,
                              .error = error_json(cause_word(cause), message, task->path)};
    decide_verdict(index, &verdict, rule, ret);
}

/* Budgets over all runs have no room for its call. What cleans up needs none. */
static bool decide_no_room(const struct run *run, const struct event *event, uint32_t index,
                           struct decision *ret)
{
    const struct task *task = task_at(run, index);
    const struct agent *agent = task_callee(run, task)->agent;
    struct room_lack lack;
    if (start_uses_recovery(run, task, false) ||
        !event_lacks(run, event, start_amounts(task, false, agent->tokens, agent->cost), &lack))
        return false;
    struct verdict verdict = {.cause = CAUSE_BUDGET,
                              .error = error_json(lack.code, lack.message, task->path)};
    decide_verdict(index, &verdict, "room-spent", ret);
    return true;
}

json_t *map_input(const struct run *run, const struct task *task, char **ret_message)
{
    const struct callee *callee = task_callee(run, task);
    struct scope_view view;
    struct scope scope;
    struct error err;
    json_t *input = NULL;
    if (!callee->input)
        return json_object();
    task_scope(run, task, NULL, task->error, &view, &scope);
    if (mapping_evaluate(callee->input, &scope, &input, &err) == ERR_OK)
        return input;
    *ret_message = xasprintf("input%s", err.text);
    return NULL;
}

/* The task's input, built once, from the flow's mapping, and held to the agent's contract; or the
 * rule that says why it cannot be, and a message. */
static const char *build_input(const struct run *run, const struct task *task, json_t **ret_input,
                               char **ret_message)
{
    const struct callee *callee = task_callee(run, task);
    json_t *input = json_incref(task_input(run, task));
    if (!input && task->role == ROLE_UNDO)
        *ret_message = xstrdup(json_string_value(json_object_get(task->error, "message")));
    else if (!input)
        input = map_input(run, task, ret_message);
    if (!input)
        return "input-invalid";
    *ret_message = mapped_breach(run, task, callee->proven, callee->agent->input, input);
    if (!*ret_message) {
        *ret_input = input;
        return NULL;
    }
    json_decref(input);
    return callee->proven ? "proof-wrong" : "input-invalid";
}

/* It may pass an effect once more that an earlier journal or run has passed. */
static const char *repeats_rule(const struct run *run, const struct task *task)
{
    if (task->cleared || !agent_writes(task_callee(run, task)->agent))
        return NULL;
    return run->restored ? "restored-journal" : task->repeats ? "effect-again" : NULL;
}

/* A sub-flow or a plan begins: its own steps are what is paid for. */
static void decide_enter(const struct run *run, uint32_t index, json_t *input, struct decision *ret)
{
    const struct task *task = task_at(run, index);
    if (task_flow(run, task)) {
        *ret = (struct decision){.kind = DECISION_ENTER,
                                 .rule = step_of(run, task)->plan ? "plan-begins" : "flow-begins",
                                 .frame = run->frame_count,
                                 .task = index,
                                 .input = input};
        return;
    }
    json_decref(input);
    decide_no_start(task, index, CAUSE_INPUT, "the step that it follows made no plan", "no-plan",
                    ret);
}

static void decide_start_agent(const struct run *run, const struct event *event, uint32_t index,
                               struct decision *ret)
{
    const struct task *task = task_at(run, index);
    const struct agent *agent = task_callee(run, task)->agent;
    const char *repeats = repeats_rule(run, task);
    if (repeats) {
        decide_ask(run, index, QUESTION_FAILURE, repeats, ret);
        return;
    }
    bool needless = task_is_orphan(run, task) && !task_doubt(task);
    if (needless || !calling_again_is_safe(run, task)) {
        decide_by_rule(run, index, ret);
        return;
    }
    bool recovery = start_uses_recovery(run, task, false);
    const char *rule = NULL;
    json_t *input = NULL;
    AUTO(freep) char *message = NULL;
    if (!budget_allows(run, task, recovery)) {
        message = budget_lack_message(run, task, recovery);
        decide_no_start(task, index, CAUSE_BUDGET, message, "budget-spent", ret);
        return;
    }
    bool first = task->tries == 0;
    if (first)
        rule = build_input(run, task, &input, &message);
    if (rule) {
        decide_no_start(task, index, CAUSE_INPUT, message, rule, ret);
        return;
    }
    if (task->role == ROLE_MAIN && (step_of(run, task)->plan || step_of(run, task)->call.flow)) {
        decide_enter(run, index, input, ret);
        return;
    }
    if (decide_no_room(run, event, index, ret)) {
        json_decref(input);
        return;
    }
    *ret = (struct decision){
        .kind = DECISION_START,
        .rule = task->role == ROLE_UNDO ? "undo-attempt"
                : first                 ? "first-attempt"
                                        : "next-attempt",
        .task = index,
        .attempt = task->serial + 1,
        .number = task->tries + 1,
        .input = input,
        .feedback = json_incref(task->feedback),
        .timeout_ms = start_timeout(run, task, recovery, agent),
        .tokens = amount_add(agent->tokens, 0, LIMIT_SPENT),
        .cost = amount_add(agent->cost, 0, LIMIT_SPENT),
    };
}

static json_t *reconcile_input(const struct run *run, const struct task *task,
                               const struct effect *effect)
{
    return json_pack("{s:O, s:s, s:s, s:O?}", "input", task_input(run, task), "key", effect->key,
                     "effect", effect->name, "request", effect->request);
}

static void decide_start_reconcile(const struct run *run, uint32_t index, struct decision *ret)
{
    const struct task *task = task_at(run, index);
    const struct effect *effect = &task->effects[task->about];
    if (effect->outcome == OUTCOME_DONE || effect->outcome == OUTCOME_NONE) {
        decide_resolve(index, effect, effect->outcome, effect->result, "evidence", ret);
        return;
    }
    if (!budget_allows(run, task, true)) {
        decide_ask(run, index, QUESTION_DOUBT, "recovery-spent", ret);
        return;
    }
    const struct agent *agent = task_callee(run, task)->reconcile;
    *ret = (struct decision){
        .kind = DECISION_START,
        .rule = "reconcile-attempt",
        .task = index,
        .attempt = task->serial + 1,
        .number = task->reconciles + 1,
        .reconciling = true,
        .effect = effect->name,
        .input = reconcile_input(run, task, effect),
        .timeout_ms = start_timeout(run, task, true, agent),
    };
}

/* The first in line; who waits for what others have set aside lets pass who need not. */
static bool first_ready(const struct run *run, uint32_t *ret_index)
{
    const struct line *line = &run->ready;
    for (size_t i = 0; i < line->count && i < LIMIT_LOOK_AHEAD; i++) {
        *ret_index = line->list[line->head + i];
        if (!budget_awaits(run, task_at(run, *ret_index)))
            return true;
    }
    return false;
}

/* A call within a call goes at once: its caller waits for it in a place of its own. */
bool decide_start(const struct run *run, const struct event *event, struct decision *ret)
{
    uint32_t index;
    bool room = run->places < (uint32_t)run->flow->concurrency;
    if (!line_first(&run->called, &index) && !(room && first_ready(run, &index)))
        return false;
    if (task_at(run, index)->state == TASK_RECONCILING)
        decide_start_reconcile(run, index, ret);
    else
        decide_start_agent(run, event, index, ret);
    return true;
}

/* ---- the end ---- */

static void sweep_task(const struct run *run, uint32_t index, struct decision *ret)
{
    const struct task *task = run->tasks[index];
    if (task->state == TASK_INSIDE)
        decide_unwind(task->inside, "run-ending", json_incref(frame_of(run, task)->error), ret);
    else if (task->state == TASK_ASKING)
        *ret = (struct decision){.kind = DECISION_ABANDON, .rule = "run-ending", .task = index};
    else if (task->state == TASK_RUNNING)
        *ret = (struct decision){.kind = DECISION_STOP, .rule = "run-ending", .task = index};
    else
        decide_by_rule(run, index, ret);
}

static bool is_ending_inside(const struct run *run, uint32_t index)
{
    const struct task *task = run->tasks[index];
    return task->state == TASK_INSIDE && run->frames[task->inside]->ending != RUN_RUNNING;
}

/* The last of what was done is undone: by its own undo, or, of a sub-flow that has none, by those
 * of its steps. */
static void decide_undo(const struct frame *frame, struct decision *ret)
{
    uint32_t last = frame->undo.list[frame->undo.head + frame->undo.count - 1];
    *ret = (struct decision){.kind = DECISION_UNDO, .rule = "undo", .task = last};
}

bool decide_ending(const struct run *run, uint32_t index, struct decision *ret)
{
    const struct frame *frame = run->frames[index];
    for (size_t i = 0; i < frame->sweep.count; i++) {
        uint32_t task = frame->sweep.list[frame->sweep.head + i];
        /* it may have come to that by itself since */
        if (task_state_is_final(run->tasks[task]->state) || is_ending_inside(run, task))
            continue;
        sweep_task(run, task, ret);
        return true;
    }
    if (frame->open > 0 || frame->unwinding > 0)
        return false;
    if (frame->undo.count > 0) {
        decide_undo(frame, ret);
        return true;
    }
    *ret = (struct decision){.kind = index == 0 ? DECISION_END : DECISION_LEAVE,
                             .rule = "cleaned-up",
                             .frame = index,
                             .status = frame->ending,
                             .error = json_incref(frame->error)};
    return true;
}

void decide_end(const struct run *run, uint32_t index, struct decision *ret)
{
    const struct frame *frame = run->frames[index];
    const struct flow *flow = frame->flow;
    struct scope_view view;
    struct scope scope;
    struct error err;
    json_t *output = NULL;
    frame_scope(run, frame, &view, &scope);
    if (!flow->output)
        output = json_null();
    else if (mapping_evaluate(flow->output, &scope, &output, &err) != ERR_OK) {
        decide_unwind(index, "output-invalid", error_json("output", err.text, NULL), ret);
        return;
    }
    AUTO(freep)
    char *breach = mapped_breach(run, NULL, flow->output_proven, flow->output_contract, output);
    if (breach) {
        json_decref(output);
        decide_unwind(index, flow->output_proven ? "proof-wrong" : "output-invalid",
                      error_json("contract", breach, NULL), ret);
        return;
    }
    *ret = (struct decision){.kind = index == 0 ? DECISION_END : DECISION_LEAVE,
                             .rule = "all-steps-final",
                             .frame = index,
                             .status = RUN_DONE,
                             .output = output};
}

/* ---- the order of things ---- */

static void decide_event(const struct run *run, const struct event *event, struct decision *ret)
{
    switch (event->kind) {
    case EVENT_CHANGED:
        decide_change(run, event, ret);
        return;
    case EVENT_EFFECT_ASKED:
    case EVENT_RESERVE_ASKED:
        decide_service(run, event, ret);
        return;
    case EVENT_CALL_ASKED:
        decide_call(run, event, ret);
        return;
    case EVENT_ANSWERED:
    case EVENT_EXPIRED:
        if (event->task == RUN_ITSELF)
            decide_change_answer(run, event, ret);
        else
            decide_answer(run, event, ret);
        return;
    case EVENT_TIME_SPENT: {
        uint32_t frame = budget_overdue(run), within = run->frames[frame]->parent;
        decide_unwind(frame, "time-spent",
                      error_json("budget",
                                 frame == 0 ? "the run's time budget is used up"
                                            : "its time budget is used up",
                                 within == NO_TASK ? NULL : run->tasks[within]->path),
                      ret);
        return;
    }
    case EVENT_STARTED:
    case EVENT_TAKEN_OVER:
    case EVENT_ENDED:
    case EVENT_EFFECT_ENDED:
    case EVENT_SPENT:
    case EVENT_HELD:
    case EVENT_STATE_PUT:
    case EVENT_MOVED:
    case EVENT_DUE:
    case EVENT_TOLD:
    case EVENT_CANCEL_ASKED:
        break;
    }
    UNREACHABLE("this event asks for no decision of its own");
}

/* An event that asks may come too late for anything to be decided but a refusal. */
static bool event_needs_decision(const struct run *run, const struct event *event)
{
    if (!run->answer_pending)
        return false;
    if (event->kind == EVENT_TIME_SPENT)
        return budget_overdue(run) != UINT32_MAX;
    if (event->kind == EVENT_EXPIRED && event->task == RUN_ITSELF)
        return run->change.state == CHANGE_ASKED && run->change.revision == event->revision;
    if (event->kind == EVENT_EXPIRED) {
        const struct task *task = task_at(run, event->task);
        return task->state == TASK_ASKING && task->revision == event->revision;
    }
    return true;
}

static bool decide_endings(const struct run *run, struct decision *ret)
{
    for (size_t i = 0; i < run->ends.count; i++)
        if (decide_ending(run, run->ends.list[run->ends.head + i], ret))
            return true;
    return false;
}

bool run_decide(const struct run *run, const struct event *event, struct decision *ret)
{
    uint32_t index;
    if (run->frames[0]->status != RUN_RUNNING)
        return false;
    if (event_needs_decision(run, event))
        decide_event(run, event, ret);
    else if (line_first(&run->agenda, &index))
        decide_task(run, event, index, ret);
    else if (decide_endings(run, ret))
        return true;
    else if (line_first(&run->over, &index))
        decide_end(run, index, ret);
    else if (line_first(&run->turns, &index))
        decide_turn(run, index, run->turns.list[run->turns.head + 1], ret);
    else
        return !run_is_held(run) && decide_start(run, event, ret);
    return true;
}

void run_advance(struct run *run, const struct event *event, struct decisions *ret)
{
    struct decision decision;
    run_apply(run, event);
    while (run_decide(run, event, &decision)) {
        run_follow(run, event, &decision);
        if (ret->count == ret->room) {
            ret->room = ret->room ? ret->room * 2 : 8;
            ret->list = xrealloc(ret->list, ret->room * sizeof(*ret->list));
        }
        ret->list[ret->count++] = decision;
    }
}
