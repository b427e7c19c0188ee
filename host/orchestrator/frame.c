/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames: flows at work. The run's own flow is one, and each sub-flow and plan that it enters is
 * one more, within the task in whose place it runs. A frame turns steps into tasks, and the results
 * of tasks into the outputs of steps; when it is going to end, it knows what is still to be told
 * so.
 */
#include "orchestrator/state_internal.h"

#include <stdlib.h>

/* ---- coming to be ---- */

static char *prefix_of(const struct run *run, uint32_t parent)
{
    return parent == NO_TASK ? xstrdup("") : xasprintf("%s/", run->tasks[parent]->path);
}

uint32_t frame_new(struct run *run, struct flow *flow, uint32_t parent, uint32_t account,
                   json_t *input)
{
    if (run->frame_count == run->frame_room) {
        run->frame_room = run->frame_room ? run->frame_room * 2 : 1;
        run->frames = xrealloc(run->frames, run->frame_room * sizeof(struct frame *));
    }
    struct frame *frame = xcalloc(1, sizeof(*frame));
    *frame = (struct frame){
        .flow = flow_ref(flow),
        .parent = parent,
        .account = account,
        .prefix = prefix_of(run, parent),
        .input = {.value = json_incref(input)},
        .steps = xcalloc(flow->step_count, sizeof(*frame->steps)),
        .steps_left = (uint32_t)flow->step_count,
        .undoing = NO_TASK,
    };
    run->frames[run->frame_count] = frame;
    return run->frame_count++;
}

void frame_free(struct frame *frame)
{
    for (size_t i = 0; i < frame->flow->step_count; i++) {
        json_decref(frame->steps[i].items);
        free(frame->steps[i].tasks);
        json_decref(frame->steps[i].output);
    }
    free(frame->steps);
    free(frame->prefix);
    rested_done(&frame->input);
    json_decref(frame->output);
    json_decref(frame->error);
    line_done(&frame->outside);
    line_done(&frame->tasks);
    line_done(&frame->undo);
    line_done(&frame->sweep);
    flow_unref(frame->flow);
    free(frame);
}

/* ---- steps ---- */

static void turn_push(struct run *run, uint32_t frame, uint32_t step)
{
    run->frames[frame]->steps[step].state = STEP_TURN;
    line_push(&run->turns, frame);
    line_push(&run->turns, step);
}

void turn_pop(struct line *turns)
{
    line_pop(turns);
    line_pop(turns);
}

void frame_begin(struct run *run, uint32_t index)
{
    struct frame *frame = run->frames[index];
    for (uint32_t i = 0; i < frame->flow->step_count; i++) {
        frame->steps[i].waiting = (uint32_t)frame->flow->steps[i].after_count;
        if (frame->steps[i].waiting == 0)
            turn_push(run, index, i);
    }
}

/* Items at once: of sub-flows no more than their flow's concurrency, for each may have as many
 * tasks. */
static uint32_t items_at_once(const struct frame *frame, const struct step *step)
{
    bool inside = step->call.flow || step->plan;
    int limit = inside && frame->flow->concurrency < step->concurrency ? frame->flow->concurrency
                                                                       : step->concurrency;
    return (uint32_t)limit;
}

void frame_feed(struct run *run, uint32_t index, uint32_t step)
{
    struct frame *frame = run->frames[index];
    struct step_run *it = &frame->steps[step];
    uint32_t limit = items_at_once(frame, &frame->flow->steps[step]);
    bool repeats = run->adopted && step_repeats(run, frame, frame->flow->steps[step].name);
    while (frame->ending == RUN_RUNNING && it->next < it->task_count && it->active < limit) {
        int64_t item = it->items ? (int64_t)it->next : -1;
        uint32_t task = task_new(run, index, step, item, ROLE_MAIN);
        run->tasks[task]->repeats = repeats;
        it->tasks[it->next++] = task;
        it->active++;
    }
}

void frame_finish_step(struct run *run, uint32_t index, uint32_t step, enum step_state state)
{
    struct frame *frame = run->frames[index];
    const struct step *of = &frame->flow->steps[step];
    frame->steps[step].state = state;
    if (--frame->steps_left == 0 && frame->ending == RUN_RUNNING)
        line_push(&run->over, index);
    for (size_t i = 0; i < of->dependent_count; i++) {
        struct step_run *dependent = &frame->steps[of->dependents[i]];
        if (--dependent->waiting == 0 && frame->ending == RUN_RUNNING)
            turn_push(run, index, of->dependents[i]);
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

void frame_collect(struct run *run, uint32_t index, uint32_t step)
{
    struct frame *frame = run->frames[index];
    struct step_run *it = &frame->steps[step];
    const struct step *of = &frame->flow->steps[step];
    json_t *output = json_array();
    bool stopped = false;
    for (uint32_t i = 0; i < it->task_count; i++) {
        stopped |= of->on_item == ON_ITEM_STOP && task_at(run, it->tasks[i])->state == TASK_FAILED;
        json_array_append_new(output, item_result(run, of, it->tasks[i]));
    }
    it->output = output;
    frame_finish_step(run, index, step, stopped ? STEP_FAILED : STEP_DONE);
}

void frame_finish_part(struct run *run, uint32_t index)
{
    const struct task *task = run->tasks[index];
    struct step_run *step = &frame_of(run, task)->steps[task->step];
    step->tasks[task->item >= 0 ? task->item : 0] = index;
    step->active--;
    step->final++;
    if (!step->items) {
        if (task->state == TASK_DONE)
            step->output = json_incref(task->output);
        frame_finish_step(run, task->frame, task->step,
                          task->state == TASK_DONE ? STEP_DONE : STEP_FAILED);
    } else if (step->final == step->task_count) {
        frame_collect(run, task->frame, task->step);
    } else {
        frame_feed(run, task->frame, task->step);
    }
}

/* ---- the end ---- */

static bool cleans_up(const struct run *run, const struct task *task)
{
    return task->state == TASK_RECONCILING || task_cleans_up(run, task);
}

/* Keeps in the line what is of other frames, or cleans up. */
static void drop_waiting(struct run *run, struct line *line, uint32_t frame)
{
    struct line kept = {0};
    for (size_t i = 0; i < line->count; i++) {
        uint32_t index = line->list[line->head + i];
        struct task *task = run->tasks[index];
        if (task->frame != frame || cleans_up(run, task))
            line_push(&kept, index);
        else if (task->lined) {
            task->lined = false;
            run->frames[frame]->places--;
        }
    }
    line_done(line);
    *line = kept;
}

static void drop_turns(struct run *run, uint32_t frame)
{
    struct line kept = {0};
    for (size_t i = 0; i < run->turns.count; i += 2) {
        const uint32_t *pair = run->turns.list + run->turns.head + i;
        if (pair[0] != frame) {
            line_push(&kept, pair[0]);
            line_push(&kept, pair[1]);
        }
    }
    line_done(&run->turns);
    run->turns = kept;
}

/* What waits is dropped, what runs without changing anything is stopped, what is inside ends too.
 * What holds an effect goes through the table when its time comes. */
static bool must_be_told(const struct run *run, const struct task *task)
{
    switch (task->state) {
    case TASK_READY:
    case TASK_PAUSED:
        return true;
    case TASK_INSIDE:
        return run->frames[task->inside]->ending == RUN_RUNNING;
    case TASK_ASKING:
        return task->question != QUESTION_DOUBT && !task_any_done(run, task);
    case TASK_RUNNING:
        return !agent_writes(task_callee(run, task)->agent) && !task->stopping;
    case TASK_HELD:
    case TASK_JUDGED:
    case TASK_RECONCILING:
    case TASK_SETTLING:
    case TASK_DONE:
    case TASK_FAILED:
    case TASK_SKIPPED:
    case TASK_ABANDONED:
    case TASK_REPLACED:
        break;
    }
    return false;
}

void frame_end(struct run *run, uint32_t index, enum run_status ending, json_t *error)
{
    struct frame *frame = run->frames[index];
    ASSERT(frame->status == RUN_RUNNING && frame->ending == RUN_RUNNING);
    json_decref(frame->error);
    frame->error = error;
    frame->ending = ending;
    line_remove(&run->over, index);
    line_push(&run->ends, index);
    drop_turns(run, index);
    drop_waiting(run, &run->ready, index);
    drop_waiting(run, &run->called, index);
    drop_waiting(run, &frame->outside, index);
    for (size_t i = 0; i < frame->tasks.count; i++) {
        uint32_t task = frame->tasks.list[frame->tasks.head + i];
        if (must_be_told(run, run->tasks[task]) && !task_cleans_up(run, run->tasks[task]))
            line_push(&frame->sweep, task);
    }
}
