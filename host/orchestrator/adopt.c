/* SPDX-License-Identifier: Apache-2.0
 *
 * A run that begins where an earlier one was: STARTED carries what that one had finished, and a
 * step is taken over when its turn comes and all its inputs are what they were then. Its tasks are
 * made as if they had just been done, so that they can be undone. A step that is not taken over and
 * had changed the world asks a person before it does so again, unless that was said beforehand.
 *
 *     {from, passed: {who, steps: [path]}, steps: {path: {status, items, parts:
 *         [{input, output | error, undo_input, effects: [path and name], again}]}}}
 *
 * A path is that of a step, within its sub-flow: "pay/charge", "pay[2]/charge". Of a step that is
 * taken over, an item may be marked `again`: that one alone runs anew.
 */
#include "orchestrator/state_internal.h"

#include <string.h>

const json_t *adopted_step(const struct run *run, const struct frame *frame, const char *step)
{
    const json_t *steps = json_object_get(run->adopted, "steps");
    if (!frame->prefix[0])
        return json_object_get(steps, step);
    AUTO(freep) char *path = xasprintf("%s%s", frame->prefix, step);
    return json_object_get(steps, path);
}

bool part_again(const json_t *part)
{
    return json_is_true(json_object_get(part, "again"));
}

/* ---- what can be taken over ---- */

static bool same_input(const struct run *run, const struct frame *frame, const struct step *step,
                       const json_t *items, size_t item, const json_t *input)
{
    struct scope_view view;
    struct scope scope;
    struct error err;
    json_t *now = NULL;
    frame_scope(run, frame, &view, &scope);
    if (items) {
        scope.item = json_array_get(items, item);
        scope.index = (int64_t)item;
    }
    if (!step->call.input)
        now = json_object();
    else if (mapping_evaluate(step->call.input, &scope, &now, &err) != ERR_OK)
        return false;
    bool same = input && json_equal(now, input);
    json_decref(now);
    return same;
}

/* Whoever wrote a plan is only taken over with what came of it: the plan itself is not kept. */
static bool has_open_plan(const struct run *run, const struct frame *frame, const struct step *step)
{
    const struct flow *flow = frame->flow;
    if (step->planned_by >= flow->step_count || !flow->steps[step->planned_by].plan)
        return false;
    const json_t *plan = adopted_step(run, frame, flow->steps[step->planned_by].name);
    const char *status = json_string_value(json_object_get(plan, "status"));
    return !status || strcmp(status, "done") != 0;
}

bool decide_adopt(const struct run *run, uint32_t at, uint32_t index, const json_t *items,
                  struct decision *ret)
{
    const struct frame *frame = run->frames[at];
    const struct step *step = &frame->flow->steps[index];
    const json_t *known = adopted_step(run, frame, step->name);
    const char *status = json_string_value(json_object_get(known, "status"));
    const json_t *parts = json_object_get(known, "parts"), *then = json_object_get(known, "items");
    size_t count = items ? json_array_size(items) : 1;
    if (!status || strcmp(status, "done") != 0 || !items != !then ||
        (items && !json_equal(items, then)) || json_array_size(parts) != count ||
        has_open_plan(run, frame, step))
        return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *part = json_array_get(parts, i);
        bool ended = json_object_get(part, "output") || (items && json_object_get(part, "error"));
        if (part_again(part))
            continue;
        if (!ended || !same_input(run, frame, step, items, i, json_object_get(part, "input")))
            return false;
    }
    *ret = (struct decision){.kind = DECISION_ADOPT,
                             .rule = "adopted",
                             .frame = at,
                             .step = index,
                             .items = json_incref((json_t *)items)};
    ret->why = json_pack("{s:O*}", "from", json_object_get(run->adopted, "from"));
    return true;
}

bool step_repeats(const struct run *run, const struct frame *frame, const char *step)
{
    const json_t *parts = json_object_get(adopted_step(run, frame, step), "parts");
    const json_t *passed = json_object_get(json_object_get(run->adopted, "passed"), "steps");
    size_t length = strlen(frame->prefix);
    for (size_t i = 0; i < json_array_size(passed); i++) {
        const char *path = json_string_value(json_array_get(passed, i));
        if (path && strncmp(path, frame->prefix, length) == 0 && strcmp(path + length, step) == 0)
            return false;
    }
    for (size_t i = 0; i < json_array_size(parts); i++)
        if (json_array_size(json_object_get(json_array_get(parts, i), "effects")) > 0)
            return true;
    return false;
}

/* ---- what a run leaves to another ---- */

/* As deep as flows, plans and calls may stand within each other. */
static void gather_effects(const struct run *run, const struct task *task, json_t *list)
{
    for (uint32_t i = 0; i < task->effect_count; i++) {
        const struct effect *effect = &task->effects[i];
        AUTO(freep) char *name = xasprintf("%s %s", task->path, effect->name);
        if (effect->outcome != OUTCOME_NONE)
            json_array_append_new(list, json_string(name));
    }
    for (uint32_t i = 0; i < task->child_count; i++)
        gather_effects(run, run->tasks[task->children[i]], list);
    if (!task->inside)
        return;
    const struct line *tasks = &run->frames[task->inside]->tasks;
    for (size_t i = 0; i < tasks->count; i++) {
        const struct task *inside = run->tasks[tasks->list[tasks->head + i]];
        if (inside->parent == NO_TASK)
            gather_effects(run, inside, list);
    }
}

static json_t *part_of(const struct run *run, const struct task *task)
{
    json_t *part = json_object(), *effects = json_array();
    gather_effects(run, task, effects);
    json_object_set_new(part, "effects", effects);
    if (rested_any(&task->input))
        json_object_set(part, "input", task_input(run, task));
    if (task->state == TASK_DONE)
        json_object_set(part, "output", task->output);
    else if (task->error)
        json_object_set(part, "error", task->error);
    if (task->undo_input)
        json_object_set(part, "undo_input", task->undo_input);
    return part;
}

static const char *status_of(const struct step_run *step)
{
    return step->state == STEP_DONE      ? "done"
           : step->state == STEP_FAILED  ? "failed"
           : step->state == STEP_SKIPPED ? "skipped"
                                         : "open";
}

static json_t *step_left(const struct run *run, const struct step_run *step)
{
    json_t *parts = json_array();
    for (uint32_t t = 0; step->tasks && t < step->next; t++)
        json_array_append_new(parts, part_of(run, run->tasks[step->tasks[t]]));
    json_t *known = json_pack("{s:s, s:o}", "status", status_of(step), "parts", parts);
    if (step->items)
        json_object_set(known, "items", step->items);
    return known;
}

/* The run's own flow, and what stands in files like it: a plan is another each time. */
static bool is_written(const struct run *run, const struct frame *frame)
{
    while (frame->parent != NO_TASK) {
        const struct task *task = run->tasks[frame->parent];
        if (step_of(run, task)->plan)
            return false;
        frame = frame_of(run, task);
    }
    return true;
}

json_t *run_adoptable(const struct run *run)
{
    json_t *steps = json_object();
    for (uint32_t f = 0; f < run->frame_count; f++) {
        const struct frame *frame = run->frames[f];
        if (!is_written(run, frame))
            continue;
        for (size_t i = 0; i < frame->flow->step_count; i++) {
            AUTO(freep) char *path = xasprintf("%s%s", frame->prefix, frame->flow->steps[i].name);
            json_object_set_new(steps, path, step_left(run, &frame->steps[i]));
        }
    }
    return steps;
}
