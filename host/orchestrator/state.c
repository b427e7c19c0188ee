/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of a run as a thing: making and freeing it, its queues, and the questions that the rest
 * of the room asks of tasks and effects.
 */
#include "orchestrator/state_internal.h"

#include <stdlib.h>
#include <string.h>

void line_push(struct line *line, uint32_t value)
{
    if (line->head + line->count == line->room) {
        if (line->head > line->count) {
            memmove(line->list, line->list + line->head, line->count * sizeof(*line->list));
            line->head = 0;
        } else {
            line->room = line->room ? line->room * 2 : 16;
            line->list = xrealloc(line->list, line->room * sizeof(*line->list));
        }
    }
    line->list[line->head + line->count++] = value;
}

bool line_first(const struct line *line, uint32_t *ret_value)
{
    if (line->count == 0)
        return false;
    *ret_value = line->list[line->head];
    return true;
}

void line_pop(struct line *line)
{
    ASSERT(line->count > 0);
    line->head++;
    if (--line->count == 0)
        line->head = 0;
}

void line_done(struct line *line)
{
    free(line->list);
    *line = (struct line){0};
}

struct run *run_new(struct flow *flow)
{
    struct run *run = xcalloc(1, sizeof(*run));
    run->flow = flow_ref(flow);
    run->steps = xcalloc(flow->step_count, sizeof(*run->steps));
    run->steps_left = (uint32_t)flow->step_count;
    run->words[0] = json_string("done");
    run->words[STEP_FAILED - STEP_DONE] = json_string("failed");
    run->words[STEP_SKIPPED - STEP_DONE] = json_string("skipped");
    run->undoing = NO_TASK;
    run->ending = run->status = RUN_RUNNING;
    return run;
}

static void effect_done(struct effect *effect)
{
    free(effect->name);
    free(effect->digest);
    json_decref(effect->request);
    json_decref(effect->response);
    json_decref(effect->result);
}

static void task_free(struct task *task)
{
    for (uint32_t i = 0; i < task->effect_count; i++)
        effect_done(&task->effects[i]);
    free(task->effects);
    free(task->path);
    json_decref(task->input);
    json_decref(task->feedback);
    json_decref(task->output);
    json_decref(task->error);
    json_decref(task->undo_input);
    json_decref(task->undo_error);
    json_decref(task->shown);
    verdict_done(&task->verdict);
    free(task);
}

void run_free(struct run *run)
{
    if (!run)
        return;
    for (uint32_t i = 0; i < run->task_count; i++)
        task_free(run->tasks[i]);
    for (size_t i = 0; i < run->flow->step_count; i++) {
        json_decref(run->steps[i].items);
        free(run->steps[i].tasks);
        json_decref(run->steps[i].output);
    }
    free(run->tasks);
    free(run->steps);
    line_done(&run->turns);
    line_done(&run->ready);
    line_done(&run->agenda);
    line_done(&run->undo);
    free(run->id);
    free(run->store);
    json_decref(run->input);
    json_decref(run->about);
    json_decref(run->pins);
    json_decref(run->libraries);
    for (size_t i = 0; i < sizeof(run->words) / sizeof(run->words[0]); i++)
        json_decref(run->words[i]);
    json_decref(run->output);
    json_decref(run->error);
    flow_unref(run->flow);
    free(run);
}

const struct callee *task_callee(const struct run *run, const struct task *task)
{
    const struct step *step = step_of(run, task);
    switch (task->role) {
    case ROLE_MAIN:
    case ROLE_CALL:
        return &step->call;
    case ROLE_FALLBACK:
        return &step->fallback;
    case ROLE_UNDO:
        return &step->undo;
    }
    return &step->call;
}

bool task_state_is_final(enum task_state state)
{
    return state >= TASK_DONE;
}

struct effect *task_effect(const struct task *task, const char *name)
{
    for (uint32_t i = 0; name && i < task->effect_count; i++)
        if (strcmp(task->effects[i].name, name) == 0)
            return &task->effects[i];
    return NULL;
}

struct effect *task_doubt(const struct task *task)
{
    bool running = task->in_flight && !task->reconciling;
    for (uint32_t i = 0; i < task->effect_count; i++) {
        enum outcome outcome = task->effects[i].outcome;
        if (outcome == OUTCOME_UNKNOWN || (outcome == OUTCOME_OPEN && !running))
            return &task->effects[i];
    }
    return NULL;
}

bool task_any_done(const struct task *task)
{
    for (uint32_t i = 0; i < task->effect_count; i++)
        if (task->effects[i].outcome == OUTCOME_DONE)
            return true;
    return false;
}

bool effect_key_live(const struct effect *effect, const struct agent *agent, int64_t at_ms)
{
    return agent->key_ttl_ms < 0 || at_ms - effect->first_ms < agent->key_ttl_ms;
}

bool task_keys_live(const struct task *task, const struct agent *agent, int64_t at_ms)
{
    for (uint32_t i = 0; i < task->effect_count; i++)
        if (task->effects[i].outcome != OUTCOME_NONE &&
            !effect_key_live(&task->effects[i], agent, at_ms))
            return false;
    return true;
}

bool task_left_behind(const struct task *task)
{
    for (uint32_t i = 0; i < task->effect_count; i++)
        if (task->effects[i].outcome == OUTCOME_DONE && task->effects[i].last_begin != task->tries)
            return true;
    return false;
}

/* What `.steps.X` reads: the status of a final step, the output of a done one. */
static const json_t *scope_step(const void *user, size_t index, bool status)
{
    const struct run *run = user;
    const struct step_run *step = &run->steps[index];
    if (!status)
        return step->state == STEP_DONE ? step->output : NULL;
    return step->state >= STEP_DONE ? run->words[step->state - STEP_DONE] : NULL;
}

void task_scope(const struct run *run, const struct task *task, const json_t *output,
                const json_t *error, struct scope *ret_scope)
{
    *ret_scope = (struct scope){
        .input = run->input,
        .output = output,
        .error = error,
        .run = run->about,
        .step = scope_step,
        .user = run,
    };
    if (task && task->item >= 0) {
        ret_scope->item = json_array_get(run->steps[task->step].items, (size_t)task->item);
        ret_scope->index = task->item;
    }
}
