/* SPDX-License-Identifier: Apache-2.0
 *
 * What others may see of a run.
 */
#include "orchestrator/state_internal.h"

#include <string.h>

const char *run_id(const struct run *run)
{
    return run->id ? run->id : "";
}

struct flow *run_flow(const struct run *run)
{
    return run->flow;
}

enum run_status run_status(const struct run *run)
{
    enum run_status status = run->frames[0]->status;
    bool waits = run->asking > 0 && run->busy == 0 && run->turns.count == 0 && run->in_flight == 0;
    if (status != RUN_RUNNING)
        return status;
    return waits || change_waits(run) ? RUN_WAITING : RUN_RUNNING;
}

const json_t *run_input(const struct run *run)
{
    return frame_input(run, run->frames[0]);
}

const json_t *run_output(const struct run *run)
{
    return run->frames[0]->output;
}

const json_t *run_error(const struct run *run)
{
    return run->frames[0]->error;
}

uint64_t run_seq(const struct run *run)
{
    return run->seq;
}

int64_t run_time(const struct run *run)
{
    return run->now_ms;
}

size_t run_task_count(const struct run *run)
{
    return run->task_count;
}

const char *run_task_path(const struct run *run, uint32_t task)
{
    return task == RUN_ITSELF ? "." : task_at(run, task)->path;
}

/* The only open question of a step, by the step's name alone. */
static uint32_t only_question(const struct run *run, struct slice step)
{
    uint32_t found = NO_TASK;
    for (uint32_t i = 0; i < run->task_count; i++) {
        const struct task *task = run->tasks[i];
        if (task->state != TASK_ASKING || !slice_is(step, step_of(run, task)->name))
            continue;
        if (found != NO_TASK)
            return NO_TASK;
        found = i;
    }
    return found;
}

uint32_t run_task_find(const struct run *run, struct slice path)
{
    uint32_t found = NO_TASK;
    if (slice_is(path, "."))
        return RUN_ITSELF;
    for (uint32_t i = 0; i < run->task_count; i++)
        if (slice_is(path, run->tasks[i]->path))
            found = i;
    if (found != NO_TASK && run->tasks[found]->state == TASK_ASKING)
        return found;
    uint32_t asking = only_question(run, path);
    return asking != NO_TASK ? asking : found;
}

const struct agent *run_task_agent(const struct run *run, uint32_t task, bool reconciling)
{
    const struct callee *callee = task_callee(run, task_at(run, task));
    return reconciling ? callee->reconcile : callee->agent;
}

bool run_task_final(const struct run *run, uint32_t task)
{
    return task_state_is_final(task_at(run, task)->state);
}

const char *run_library(const struct run *run, const char *agent)
{
    return json_string_value(json_object_get(run->libraries, agent));
}

bool run_agent_underway(const struct run *run, const char *agent)
{
    for (uint32_t i = 0; i < run->task_count; i++) {
        const struct task *task = task_at(run, i);
        if (!task_state_is_final(task->state) && task->tries > 0 &&
            strcmp(task_callee(run, task)->agent->name, agent) == 0)
            return true;
    }
    return false;
}

json_t *run_task_input(const struct run *run, uint32_t task)
{
    return task_input(run, task_at(run, task));
}

char *run_task_reference(const struct run *run, uint32_t index, const json_t *result)
{
    const struct agent *agent = task_callee(run, task_at(run, index))->agent;
    const json_t *value = agent->ref ? value_at(result, agent->ref) : NULL;
    if (json_is_string(value))
        return xasprintf("%s %s", agent->name, json_string_value(value));
    if (json_is_integer(value))
        return xasprintf("%s %lld", agent->name, (long long)json_integer_value(value));
    return NULL;
}

void run_task_key(const struct run *run, uint32_t index, char ret_hex[static DIGEST_HEX_SIZE])
{
    const struct task *task = task_at(run, index);
    effect_key(run->store, run->id, task->path, task->item, "call", ret_hex);
}

bool run_task_in_flight(const struct run *run, uint32_t index, uint32_t attempt)
{
    const struct task *task = task_at(run, index);
    return task->in_flight && task->serial == attempt;
}

bool run_task_needless(const struct run *run, uint32_t index)
{
    const struct task *task = task_at(run, index);
    if (task->stopping)
        return true;
    if (task->recovering || task_any_done(run, task) || task_doubt(task))
        return false;
    for (uint32_t i = 0; i < task->effect_count; i++)
        if (task->effects[i].doubted)
            return false;
    return task_is_ending(run, task) || task_is_orphan(run, task);
}

uint64_t run_task_builds_on(const struct run *run, uint32_t index)
{
    const struct task *task = task_at(run, index);
    bool first = task->role == ROLE_MAIN && task->parent == NO_TASK && task->serial == 1;
    return first ? frame_of(run, task)->steps[task->step].turn_seq : run->seq;
}

bool run_task_recovers(const struct run *run, uint32_t index)
{
    return task_at(run, index)->recovering;
}

int64_t run_task_deadline(const struct run *run, uint32_t index)
{
    const struct task *task = task_at(run, index);
    int64_t left = budget_time_left(run, task->account);
    if (task->recovering)
        return -1;
    int64_t whole = left < 0 ? -1 : run->now_ms + left;
    int64_t own =
        task->parent != NO_TASK ? task_at(run, task->parent)->ends_ms : task_closes_ms(run, task);
    return own < 0 || (whole >= 0 && whole < own) ? whole : own;
}

int64_t run_task_due(const struct run *run, uint32_t index)
{
    if (index == RUN_ITSELF)
        return -1;
    const struct task *task = task_at(run, index);
    bool waits = task->state == TASK_PAUSED || task->state == TASK_SETTLING;
    return waits ? task->due_ms : -1;
}

int64_t run_task_question_deadline(const struct run *run, uint32_t index)
{
    if (index == RUN_ITSELF)
        return run->change.state == CHANGE_ASKED ? run->change.deadline_ms : -1;
    const struct task *task = task_at(run, index);
    return task->state == TASK_ASKING ? task->deadline_ms : -1;
}

const char *run_task_escalates_to(const struct run *run, uint32_t task)
{
    return task == RUN_ITSELF ? run->flow->escalation.to
                              : task_escalation(run, task_at(run, task))->to;
}

bool run_question(const struct run *run, uint32_t index, struct question_view *ret_view)
{
    if (index == RUN_ITSELF)
        return change_question(run, ret_view);
    const struct task *task = task_at(run, index);
    if (task->state != TASK_ASKING)
        return false;
    *ret_view = (struct question_view){
        .task = index,
        .revision = task->revision,
        .kind = task->question,
        .deadline_ms = task->deadline_ms,
        .shown = task->shown,
        .told = task->told == task->revision,
        .silence_approves = question_silence_approves(run, task),
    };
    return true;
}

bool question_is_over(const struct question_view *view, int64_t at_ms)
{
    return view->deadline_ms >= 0 && at_ms >= view->deadline_ms;
}

size_t run_task_effects(const struct run *run, uint32_t task)
{
    return task_at(run, task)->effect_count;
}

struct effect_view run_task_effect(const struct run *run, uint32_t task, size_t index)
{
    const struct effect *effect = &task_at(run, task)->effects[index];
    return (struct effect_view){
        .name = effect->name,
        .key = effect->key,
        .outcome = effect->outcome,
        .automatic = effect->automatic,
        .first_ms = effect->first_ms,
        .request = effect->request,
        .response = effect->response,
        .result = effect->result,
    };
}

/* ---- the picture ---- */

static const char *task_word(const struct task *task)
{
    static const char *const words[] = {
        [TASK_READY] = "ready",
        [TASK_RUNNING] = "running",
        [TASK_INSIDE] = "running",
        [TASK_HELD] = "running",
        [TASK_JUDGED] = "judged",
        [TASK_PAUSED] = "retrying",
        [TASK_RECONCILING] = "reconciling",
        [TASK_SETTLING] = "settling",
        [TASK_ASKING] = "waiting",
        [TASK_DONE] = "done",
        [TASK_FAILED] = "failed",
        [TASK_SKIPPED] = "skipped",
        [TASK_ABANDONED] = "abandoned",
        [TASK_REPLACED] = "replaced",
    };
    return words[task->state];
}

static bool any_item_failed(const struct run *run, const struct step_run *step)
{
    for (uint32_t i = 0; i < step->next; i++)
        if (task_at(run, step->tasks[i])->state == TASK_FAILED)
            return true;
    return false;
}

/* A flow that is over has no step that runs: it ended with the flow. */
static const char *step_word(const struct run *run, const struct frame *frame,
                             const struct step_run *step)
{
    static const char *const words[] = {
        [STEP_WAITING] = "pending", [STEP_TURN] = "pending",  [STEP_ACTIVE] = "running",
        [STEP_DONE] = "done",       [STEP_FAILED] = "failed", [STEP_SKIPPED] = "skipped",
    };
    if (frame->status == RUN_RUNNING || step->state != STEP_ACTIVE)
        return words[step->state];
    return any_item_failed(run, step) ? "failed" : "abandoned";
}

/* What an attempt called and that is not final: {path, person}, person if people are asked. */
static json_t *describe_awaited(const struct run *run, const struct task *task)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < task->child_count; i++) {
        const struct task *child = task_at(run, task->children[i]);
        if (!task_state_is_final(child->state) && child->nested->last_call == task->tries)
            json_array_append_new(list, json_pack("{s:s, s:b}", "path", child->path, "person",
                                                  (int)task_waits_for_person(child)));
    }
    return list;
}

static json_t *describe_effects(const struct task *task)
{
    static const char *const outcomes[] = {"none", "done", "unknown", "open"};
    json_t *list = json_array();
    for (uint32_t i = 0; i < task->effect_count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name", task->effects[i].name,
                                              "key", task->effects[i].key, "outcome",
                                              outcomes[task->effects[i].outcome]));
    return list;
}

static json_t *describe_task_spent(const struct task *task)
{
    char cost[32];
    return json_pack("{s:I, s:I, s:I, s:s, s:I}", "attempts", (json_int_t)task->used_attempts,
                     "calls", (json_int_t)task->used_calls, "tokens", (json_int_t)task->used_tokens,
                     "cost", money_text(task->used_cost, cost), "recovery_calls",
                     (json_int_t)task->used_recovery);
}

static json_t *describe_task(const struct run *run, const struct task *task)
{
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:i}", "path", task->path, "step",
                             step_of(run, task)->name, "agent", task_callee(run, task)->agent->name,
                             "status", task_waits_for_person(task) ? "waiting" : task_word(task),
                             "attempts", (int)task->tries);
    if (task->parent != NO_TASK)
        json_object_set_new(json, "parent", json_string(task_at(run, task->parent)->path));
    if (task->children_open > 0)
        json_object_set_new(json, "waits_for", describe_awaited(run, task));
    if (task->deferrals)
        json_object_set_new(json, "deferrals", json_integer(task->deferrals));
    if (task->serial)
        json_object_set_new(json, "spent", describe_task_spent(task));
    if (task->adopted && task->state == TASK_DONE)
        json_object_set(json, "from", json_object_get(run->adopted, "from"));
    if (task->reconciles)
        json_object_set_new(json, "reconciles", json_integer(task->reconciles));
    if (task->effect_count)
        json_object_set_new(json, "effects", describe_effects(task));
    if (rested_any(&task->input))
        json_object_set(json, "input", task_input(run, task));
    if (task->output)
        json_object_set(json, "output", task->output);
    if (task->error)
        json_object_set(json, "error", task->error);
    if (task->due_ms >= 0)
        json_object_set_new(json, "due_ms", json_integer(task->due_ms));
    if (task->state == TASK_ASKING)
        json_object_set_new(json, "question",
                            json_pack("{s:i, s:I, s:O, s:b}", "revision", (int)task->revision,
                                      "deadline_ms", (json_int_t)task->deadline_ms, "shown",
                                      task->shown, "told", task->told == task->revision));
    return json;
}

static json_t *describe_spent(const struct run *run, const struct account *account)
{
    const struct spent *spent = &account->spent;
    char cost[32];
    return json_pack("{s:I, s:I, s:I, s:s, s:I, s:I}", "attempts", (json_int_t)spent->attempts,
                     "calls", (json_int_t)spent->calls, "tokens", (json_int_t)spent->tokens, "cost",
                     money_text(spent->cost, cost), "time_ms",
                     (json_int_t)(run->active_ms - account->opened_ms), "recovery_calls",
                     (json_int_t)spent->recovery);
}

/* Those within the run's own: of its sub-flows, plans and calls. */
static json_t *describe_accounts(const struct run *run)
{
    json_t *list = json_array();
    for (uint32_t i = 1; i < run->account_count; i++) {
        const struct account *account = &run->accounts[i];
        json_array_append_new(
            list, json_pack("{s:s, s:o, s:o}", "path", run->tasks[account->task]->path, "spent",
                            describe_spent(run, account), "budget_left", budget_left(run, i)));
    }
    return list;
}

static void describe_steps(const struct run *run, const struct frame *frame, json_t *list)
{
    for (size_t i = 0; i < frame->flow->step_count; i++) {
        const struct step_run *step = &frame->steps[i];
        AUTO(freep) char *name = xasprintf("%s%s", frame->prefix, frame->flow->steps[i].name);
        json_t *json = json_pack("{s:s, s:s}", "name", name, "status", step_word(run, frame, step));
        if (step->items)
            json_object_set_new(
                json, "items",
                json_pack("{s:i, s:i}", "count", (int)step->task_count, "final", (int)step->final));
        json_array_append_new(list, json);
    }
}

json_t *run_describe_task(const struct run *run, uint32_t task)
{
    return describe_task(run, run->tasks[task]);
}

json_t *run_describe(const struct run *run)
{
    json_t *json = run_describe_whole(run), *tasks = json_object_get(json, "tasks");
    for (uint32_t i = 0; i < run->task_count; i++)
        json_array_append_new(tasks, run_describe_task(run, i));
    return json;
}

json_t *run_describe_whole(const struct run *run)
{
    json_t *steps = json_array(), *tasks = json_array();
    for (uint32_t i = 0; i < run->frame_count; i++)
        describe_steps(run, run->frames[i], steps);
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "run", run_id(run), "flow",
                  run->flow->name, "status", run_status_word(run_status(run)), "started_ms",
                  (json_int_t)run->started_ms, "updated_ms", (json_int_t)run->now_ms, "spent",
                  describe_spent(run, &run->accounts[0]), "budget_left", budget_left(run, 0),
                  "steps", steps, "tasks", tasks);
    if (change_waits(run))
        json_object_set_new(json, "question", describe_change(run));
    if (run->account_count > 1)
        json_object_set_new(json, "accounts", describe_accounts(run));
    if (run_input(run))
        json_object_set(json, "input", (json_t *)run_input(run));
    if (run_output(run))
        json_object_set(json, "output", (json_t *)run_output(run));
    if (run_error(run))
        json_object_set(json, "error", (json_t *)run_error(run));
    return json;
}
