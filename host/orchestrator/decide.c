/* SPDX-License-Identifier: Apache-2.0
 *
 * What is decided next: first what the event itself asks for, then the tasks on the agenda, then
 * (while the run ends) the sweep and the undos, else the steps whose turn has come, then whoever is
 * first in line for a start. One decision a call; the state does not change here.
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

static void decide_unwind(const char *rule, json_t *error, struct decision *ret)
{
    *ret = (struct decision){.kind = DECISION_UNWIND, .rule = rule, .error = error};
}

/* An expression of the step itself (`if`, `for_each`) failed: no task exists that could. */
static void decide_broken_step(const struct run *run, uint32_t index, const char *key,
                               const struct error *err, struct decision *ret)
{
    const struct step *step = &run->flow->steps[index];
    AUTO(freep) char *message = xasprintf("%s: %s", key, err->text);
    json_t *error = error_json("expression", message, step->name);
    if (step->on_failure == ON_FAILURE_SKIP)
        *ret = (struct decision){
            .kind = DECISION_SKIP, .rule = "expression-error", .step = index, .error = error};
    else
        decide_unwind("expression-error", error, ret);
}

static bool lacks_requirement(const struct run *run, const struct step *step, const char **ret_name)
{
    for (size_t i = 0; i < step->requires_count; i++)
        if (run->steps[step->requires[i]].state != STEP_DONE) {
            *ret_name = run->flow->steps[step->requires[i]].name;
            return true;
        }
    return false;
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

void decide_turn(const struct run *run, uint32_t index, struct decision *ret)
{
    const struct step *step = &run->flow->steps[index];
    const char *missing;
    struct scope scope;
    struct error err;
    task_scope(run, NULL, NULL, NULL, &scope);
    if (lacks_requirement(run, step, &missing)) {
        *ret = (struct decision){.kind = DECISION_SKIP,
                                 .rule = "needs-skipped",
                                 .step = index,
                                 .why = json_pack("{s:s}", "needs", missing)};
        return;
    }
    if (step->condition) {
        json_t *value = NULL;
        if (mapping_evaluate(step->condition, &scope, &value, &err) != ERR_OK) {
            decide_broken_step(run, index, "if", &err, ret);
            return;
        }
        bool holds = json_is_true(value);
        json_decref(value);
        if (!holds) {
            *ret = (struct decision){.kind = DECISION_SKIP, .rule = "if-false", .step = index};
            return;
        }
    }
    json_t *items = NULL;
    if (step->for_each && (mapping_evaluate(step->for_each, &scope, &items, &err) != ERR_OK ||
                           check_items(items, &err) != ERR_OK)) {
        json_decref(items);
        decide_broken_step(run, index, "for_each", &err, ret);
        return;
    }
    *ret = (struct decision){.kind = DECISION_ADMIT, .rule = "turn", .step = index, .items = items};
}

/* ---- starts ---- */

static int64_t least(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

/* The time an attempt may take: its own, what is left of the step's, what is left of the run's. */
static int64_t start_timeout(const struct run *run, const struct task *task, bool recovery,
                             const struct agent *agent)
{
    const struct step *step = step_of(run, task);
    int64_t timeout = least(step->start_to_close_ms, agent->call_ms);
    if (recovery)
        return timeout;
    if (step->schedule_to_close_ms >= 0) {
        int64_t begun = task->first_ms ? task->first_ms : run->now_ms;
        int64_t left = begun + step->schedule_to_close_ms - run->now_ms;
        timeout = least(timeout, left > 1 ? left : 1);
    }
    if (run->flow->budget.time_ms >= 0) {
        int64_t left = run->flow->budget.time_ms - run->spent.active_ms;
        timeout = least(timeout, left > 1 ? left : 1);
    }
    return timeout;
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

/* The task's input, built once, from the flow's mapping, and held to the agent's contract; or the
 * rule that says why it cannot be, and a message. */
static const char *build_input(const struct run *run, const struct task *task, json_t **ret_input,
                               char **ret_message)
{
    const struct callee *callee = task_callee(run, task);
    struct scope scope;
    struct error err;
    json_t *input = json_incref(task->input);
    if (!input && task->role == ROLE_UNDO) {
        *ret_message = xstrdup(json_string_value(json_object_get(task->error, "message")));
        return "input-invalid";
    }
    if (!input) {
        task_scope(run, task, NULL, task->error, &scope);
        if (!callee->input)
            input = json_object();
        else if (mapping_evaluate(callee->input, &scope, &input, &err) != ERR_OK) {
            *ret_message = xasprintf("input%s", err.text);
            return "input-invalid";
        }
    }
    *ret_message = mapped_breach(run, task, callee->proven, callee->agent->input, input);
    if (!*ret_message) {
        *ret_input = input;
        return NULL;
    }
    json_decref(input);
    return callee->proven ? "proof-wrong" : "input-invalid";
}

static void decide_start_agent(const struct run *run, uint32_t index, struct decision *ret)
{
    const struct task *task = task_at(run, index);
    const struct agent *agent = task_callee(run, task)->agent;
    bool writes = agent->effect == CLASS_WRITE || agent->effect == CLASS_WRITE_IDEMPOTENT;
    if (run->restored && writes && !task->cleared) {
        decide_ask(run, index, QUESTION_FAILURE, "restored-journal", ret);
        return;
    }
    if (!calling_again_is_safe(run, task)) {
        decide_by_rule(run, index, ret);
        return;
    }
    bool recovery = start_uses_recovery(run, task, false);
    const char *spent, *rule = NULL;
    json_t *input = NULL;
    AUTO(freep) char *message = NULL;
    if (!budget_allows(run, task, recovery, &spent)) {
        message = xasprintf("the budget's %s are spent", spent);
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

static json_t *reconcile_input(const struct task *task, const struct effect *effect)
{
    return json_pack("{s:O, s:s, s:s, s:O?}", "input", task->input, "key", effect->key, "effect",
                     effect->name, "request", effect->request);
}

static void decide_start_reconcile(const struct run *run, uint32_t index, struct decision *ret)
{
    const struct task *task = task_at(run, index);
    const struct effect *effect = &task->effects[task->about];
    const char *spent;
    if (effect->outcome == OUTCOME_DONE || effect->outcome == OUTCOME_NONE) {
        decide_resolve(index, effect, effect->outcome, effect->result, "evidence", ret);
        return;
    }
    if (!budget_allows(run, task, true, &spent)) {
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
        .input = reconcile_input(task, effect),
        .timeout_ms = start_timeout(run, task, true, agent),
    };
}

bool decide_start(const struct run *run, struct decision *ret)
{
    uint32_t index;
    if (run->in_flight >= (uint32_t)run->flow->concurrency || !line_first(&run->ready, &index))
        return false;
    if (task_at(run, index)->state == TASK_RECONCILING)
        decide_start_reconcile(run, index, ret);
    else
        decide_start_agent(run, index, ret);
    return true;
}

/* ---- the end ---- */

/* What waits is dropped, and what runs without changing anything is stopped. What holds an effect
 * goes through the table. */
static bool sweep_task(const struct run *run, uint32_t index, struct decision *ret)
{
    const struct task *task = run->tasks[index];
    enum effect_class effect = task_callee(run, task)->agent->effect;
    bool harmless = effect == CLASS_PURE || effect == CLASS_READ;
    bool waits = task->state == TASK_READY || task->state == TASK_PAUSED;
    bool asks = task->state == TASK_ASKING && task->question != QUESTION_DOUBT;
    if (task_state_is_final(task->state) || task->role == ROLE_UNDO)
        return false;
    if (waits)
        decide_by_rule(run, index, ret);
    else if (asks && !task_any_done(task))
        *ret = (struct decision){.kind = DECISION_ABANDON, .rule = "run-ending", .task = index};
    else if (task->state == TASK_RUNNING && harmless && !task->stopping)
        *ret = (struct decision){.kind = DECISION_STOP, .rule = "run-ending", .task = index};
    else
        return false;
    return true;
}

static bool sweep(const struct run *run, struct decision *ret)
{
    for (uint32_t index = run->sweep; index < run->task_count; index++)
        if (sweep_task(run, index, ret))
            return true;
    return false;
}

bool decide_ending(const struct run *run, struct decision *ret)
{
    if (sweep(run, ret))
        return true;
    if (run->open > 0)
        return false;
    if (run->undo.count > 0) {
        uint32_t last = run->undo.list[run->undo.head + run->undo.count - 1];
        *ret = (struct decision){.kind = DECISION_UNDO, .rule = "undo", .task = last};
        return true;
    }
    *ret = (struct decision){.kind = DECISION_END,
                             .rule = "cleaned-up",
                             .status = run->ending,
                             .error = json_incref(run->error)};
    return true;
}

void decide_end(const struct run *run, struct decision *ret)
{
    struct scope scope;
    struct error err;
    json_t *output = NULL;
    task_scope(run, NULL, NULL, NULL, &scope);
    if (!run->flow->output)
        output = json_null();
    else if (mapping_evaluate(run->flow->output, &scope, &output, &err) != ERR_OK) {
        decide_unwind("output-invalid", error_json("output", err.text, NULL), ret);
        return;
    }
    bool proven = run->flow->output_proven;
    AUTO(freep)
    char *breach = mapped_breach(run, NULL, proven, run->flow->output_contract, output);
    if (breach) {
        json_decref(output);
        decide_unwind(proven ? "proof-wrong" : "output-invalid",
                      error_json("contract", breach, NULL), ret);
        return;
    }
    *ret = (struct decision){
        .kind = DECISION_END, .rule = "all-steps-final", .status = RUN_DONE, .output = output};
}

/* ---- the order of things ---- */

static void decide_event(const struct run *run, const struct event *event, struct decision *ret)
{
    switch (event->kind) {
    case EVENT_EFFECT_ASKED:
    case EVENT_RESERVE_ASKED:
        decide_service(run, event, ret);
        return;
    case EVENT_ANSWERED:
    case EVENT_EXPIRED:
        decide_answer(run, event, ret);
        return;
    case EVENT_TIME_SPENT:
        decide_unwind("time-spent", error_json("budget", "the run's time budget is used up", NULL),
                      ret);
        return;
    case EVENT_STARTED:
    case EVENT_TAKEN_OVER:
    case EVENT_ENDED:
    case EVENT_EFFECT_ENDED:
    case EVENT_SPENT:
    case EVENT_CALL_ASKED:
    case EVENT_HELD:
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
        return run->ending == RUN_RUNNING;
    if (event->kind == EVENT_EXPIRED) {
        const struct task *task = task_at(run, event->task);
        return task->state == TASK_ASKING && task->revision == event->revision;
    }
    return true;
}

bool run_decide(const struct run *run, const struct event *event, struct decision *ret)
{
    uint32_t index;
    if (run->status != RUN_RUNNING)
        return false;
    if (event_needs_decision(run, event)) {
        decide_event(run, event, ret);
        return true;
    }
    if (line_first(&run->agenda, &index)) {
        decide_task(run, event, index, ret);
        return true;
    }
    if (run->ending != RUN_RUNNING) {
        if (decide_ending(run, ret))
            return true;
    } else if (line_first(&run->turns, &index)) {
        decide_turn(run, index, ret);
        return true;
    }
    if (decide_start(run, ret))
        return true;
    if (run->ending == RUN_RUNNING && run->steps_left == 0 && run->open == 0) {
        decide_end(run, ret);
        return true;
    }
    return false;
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
