/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of a run as a thing: making and freeing it, its queues, and the questions that the rest
 * of the room asks of tasks and effects, and what stands around them.
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
            line->room = line->room ? line->room * 2 : 4;
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

bool line_remove(struct line *line, uint32_t value)
{
    for (size_t i = 0; i < line->count; i++) {
        uint32_t *at = line->list + line->head + i;
        if (*at != value)
            continue;
        if (i < line->count / 2) { /* the shorter side moves */
            memmove(line->list + line->head + 1, line->list + line->head, i * sizeof(*at));
            line_pop(line);
            return true;
        }
        memmove(at, at + 1, (line->count - i - 1) * sizeof(*at));
        if (--line->count == 0)
            line->head = 0;
        return true;
    }
    return false;
}

/* Stands it among the first? */
bool line_near(const struct line *line, uint32_t value)
{
    for (size_t i = 0; i < line->count && i < LIMIT_LOOK_AHEAD; i++)
        if (line->list[line->head + i] == value)
            return true;
    return false;
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
    frame_new(run, flow, NO_TASK, account_new(run, NO_ACCOUNT, NO_TASK, &flow->budget), NULL);
    return run;
}

void run_free(struct run *run)
{
    if (!run)
        return;
    struct line *const lines[] = {&run->turns, &run->ready, &run->called, &run->agenda,
                                  &run->over,  &run->ends,  &run->timed};
    for (uint32_t i = 0; i < run->task_count; i++)
        task_free(run->tasks[i]);
    for (uint32_t i = 0; i < run->frame_count; i++)
        frame_free(run->frames[i]);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        line_done(lines[i]);
    for (size_t i = 0; i < sizeof(run->words) / sizeof(run->words[0]); i++)
        json_decref(run->words[i]);
    free(run->tasks);
    free(run->frames);
    free(run->accounts);
    free(run->id);
    free(run->store);
    json_decref(run->about);
    json_decref(run->pins);
    json_decref(run->libraries);
    json_decref(run->adopted);
    change_done(&run->change);
    flow_unref(run->flow);
    free(run);
}

/* ---- what stands behind a task ---- */

const struct callee *task_callee(const struct run *run, const struct task *task)
{
    const struct step *step = step_of(run, task);
    switch (task->role) {
    case ROLE_MAIN:
        return &step->call;
    case ROLE_FALLBACK:
        return &step->fallback;
    case ROLE_UNDO:
        return &step->undo;
    case ROLE_CALL:
        break;
    }
    return &task->nested->callee;
}

struct flow *task_flow(const struct run *run, const struct task *task)
{
    const struct step *step = step_of(run, task);
    if (task->role != ROLE_MAIN)
        return NULL;
    if (!step->plan)
        return step->call.flow;
    const struct step_run *writer = &frame_of(run, task)->steps[step->plan->writer];
    return writer->task_count == 1 ? run->tasks[writer->tasks[0]]->plan : NULL;
}

const struct retry *task_retry(const struct run *run, const struct task *task)
{
    return task->nested ? &task->nested->retry : &step_of(run, task)->retry;
}

const struct escalation *task_escalation(const struct run *run, const struct task *task)
{
    const struct frame *frame = frame_of(run, task);
    while (!frame->flow->has_escalation && frame->parent != NO_TASK)
        frame = frame_of(run, run->tasks[frame->parent]);
    return &frame->flow->escalation;
}

bool agent_writes(const struct agent *agent)
{
    return agent->effect == CLASS_WRITE || agent->effect == CLASS_WRITE_IDEMPOTENT;
}

/* The task of a step within which a call within calls stands. */
static const struct task *outermost(const struct run *run, const struct task *task)
{
    while (task->parent != NO_TASK)
        task = run->tasks[task->parent];
    return task;
}

bool task_cleans_up(const struct run *run, const struct task *task)
{
    return outermost(run, task)->role == ROLE_UNDO;
}

bool task_is_ending(const struct run *run, const struct task *task)
{
    return frame_of(run, task)->ending != RUN_RUNNING && !task_cleans_up(run, task);
}

bool task_is_orphan(const struct run *run, const struct task *task)
{
    if (task->parent == NO_TASK)
        return false;
    const struct task *caller = run->tasks[task->parent];
    return !caller->in_flight && !caller->verdict.gave_way;
}

bool task_waits_for_person(const struct task *task)
{
    return task->state == TASK_ASKING || (task->state == TASK_HELD && task->verdict.gave_way);
}

int64_t task_closes_ms(const struct run *run, const struct task *task)
{
    int64_t limit = step_of(run, task)->schedule_to_close_ms;
    int64_t first_ms = task->first_ms ? task->first_ms : run->now_ms;
    return limit < 0 || task->nested ? -1 : first_ms + limit + task->aside_ms;
}

uint32_t task_child(const struct run *run, const struct task *task, const char *name)
{
    for (uint32_t i = 0; name && i < task->child_count; i++)
        if (strcmp(run->tasks[task->children[i]]->nested->name, name) == 0)
            return task->children[i];
    return NO_TASK;
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

static bool own_effect_done(const struct task *task)
{
    for (uint32_t i = 0; i < task->effect_count; i++)
        if (task->effects[i].outcome == OUTCOME_DONE)
            return true;
    return false;
}

/* As deep as flows, plans and calls may stand within each other. */
bool task_any_done(const struct run *run, const struct task *task)
{
    if (own_effect_done(task))
        return true;
    for (uint32_t i = 0; i < task->child_count; i++)
        if (task_any_done(run, run->tasks[task->children[i]]))
            return true;
    if (!task->inside || run->frames[task->inside]->status != RUN_DONE)
        return false;
    const struct line *tasks = &run->frames[task->inside]->tasks;
    for (size_t i = 0; i < tasks->count; i++)
        if (task_any_done(run, run->tasks[tasks->list[tasks->head + i]]))
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

bool task_left_behind(const struct run *run, const struct task *task)
{
    for (uint32_t i = 0; i < task->effect_count; i++)
        if (task->effects[i].outcome == OUTCOME_DONE && task->effects[i].last_begin != task->tries)
            return true;
    for (uint32_t i = 0; i < task->child_count; i++) {
        const struct task *child = run->tasks[task->children[i]];
        if (child->nested->last_call != task->tries && task_any_done(run, child))
            return true;
    }
    return false;
}

/* ---- what expressions read ---- */

/* What `.steps.X` reads: the status of a final step, the output of a done one. */
static const json_t *scope_step(const void *user, size_t index, bool status)
{
    const struct scope_view *view = user;
    const struct step_run *step = &view->frame->steps[index];
    bool said = index == view->step;
    if (!status)
        return said ? view->output : step->state == STEP_DONE ? step->output : NULL;
    if (said)
        return run_word(view->run, STEP_DONE);
    return step->state >= STEP_DONE ? run_word(view->run, step->state) : NULL;
}

static const json_t *scope_given(const void *user, bool run)
{
    const struct scope_view *view = user;
    return run ? run_about(view->run) : frame_input(view->run, view->frame);
}

void frame_scope(const struct run *run, const struct frame *frame, struct scope_view *view,
                 struct scope *ret_scope)
{
    *view = (struct scope_view){.run = run, .frame = frame, .step = UINT32_MAX};
    *ret_scope = (struct scope){
        .given = scope_given,
        .step = scope_step,
        .user = view,
    };
}

void task_scope(const struct run *run, const struct task *task, const json_t *output,
                const json_t *error, struct scope_view *view, struct scope *ret_scope)
{
    const struct frame *frame = frame_of(run, task);
    frame_scope(run, frame, view, ret_scope);
    ret_scope->output = output;
    ret_scope->error = error;
    if (task->item >= 0) {
        ret_scope->item = json_array_get(frame->steps[task->step].items, (size_t)task->item);
        ret_scope->index = task->item;
    }
}
