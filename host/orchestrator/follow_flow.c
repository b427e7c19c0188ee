/* SPDX-License-Identifier: Apache-2.0
 *
 * The decisions that are of a flow fold into the state here: a step's turn, a flow within the flow
 * that begins and ends, what is undone, and the end.
 */
#include "orchestrator/state_internal.h"

/* ---- steps ---- */

static struct step_run *admit(struct run *run, const struct decision *decision)
{
    struct step_run *step = &run->frames[decision->frame]->steps[decision->step];
    turn_pop(&run->turns);
    step->state = STEP_ACTIVE;
    step->turn_seq = run->seq;
    step->items = json_incref(decision->items);
    step->task_count = decision->items ? (uint32_t)json_array_size(decision->items) : 1;
    step->tasks = xcalloc(step->task_count, sizeof(*step->tasks));
    return step;
}

static void follow_admit(struct run *run, const struct decision *decision)
{
    if (admit(run, decision)->task_count == 0)
        frame_collect(run, decision->frame, decision->step);
    else
        frame_feed(run, decision->frame, decision->step);
}

static void adopt_part(struct run *run, struct frame *frame, uint32_t index, const json_t *part)
{
    struct task *task = run->tasks[index];
    if (!line_remove(&run->ready, index))
        line_remove(&frame->outside, index);
    task_give_place(run, index);
    task->adopted = true;
    rested_set(&task->input, json_object_get(part, "input"));
    replace_json(&task->output, json_object_get(part, "output"));
    replace_json(&task->error, json_object_get(part, "error"));
    replace_json(&task->undo_input, json_object_get(part, "undo_input"));
    if (task->undo_input)
        line_push(&frame->undo, index);
}

/* What an earlier run did stands as if it had just been done; but for items that run again. */
static void follow_adopt(struct run *run, const struct decision *decision)
{
    struct frame *frame = run->frames[decision->frame];
    const char *name = frame->flow->steps[decision->step].name;
    struct step_run *step = admit(run, decision);
    const json_t *parts = json_object_get(adopted_step(run, frame, name), "parts");
    bool repeats = step_repeats(run, frame, name);
    for (uint32_t i = 0; i < step->task_count; i++) {
        const json_t *part = json_array_get(parts, i);
        uint32_t index = task_new(run, decision->frame, decision->step,
                                  step->items ? (int64_t)i : -1, ROLE_MAIN);
        step->tasks[step->next++] = index;
        step->active++;
        if (part_again(part))
            run->tasks[index]->repeats = repeats;
        else
            adopt_part(run, frame, index, part);
    }
    /* all of them are there before the first is final: it would make room for others */
    for (uint32_t i = 0; i < step->task_count; i++) {
        const struct task *task = run->tasks[step->tasks[i]];
        if (task->adopted)
            task_set_state(run, step->tasks[i], task->output ? TASK_DONE : TASK_FAILED);
    }
    if (step->task_count == 0)
        frame_collect(run, decision->frame, decision->step);
}

/* ---- flows within the flow ---- */

static void close_frame(struct run *run, const struct decision *decision)
{
    struct frame *frame = run->frames[decision->frame];
    frame->status = decision->status;
    replace_json(&frame->output, decision->output);
    if (decision->error)
        replace_json(&frame->error, decision->error);
    line_remove(&run->over, decision->frame);
    line_remove(&run->ends, decision->frame);
}

static int64_t tighter(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

/* What the flow says of itself, and the step of it. */
static struct budget budget_inside(const struct step *step, const struct flow *flow)
{
    const struct budget *a = &flow->budget, *b = &step->budget;
    return (struct budget){
        .attempts = tighter(a->attempts, b->attempts),
        .calls = tighter(a->calls, b->calls),
        .tokens = tighter(a->tokens, b->tokens),
        .cost = tighter(a->cost, b->cost),
        .time_ms = tighter(tighter(a->time_ms, b->time_ms),
                           tighter(step->start_to_close_ms, step->schedule_to_close_ms)),
        .recovery_calls = tighter(a->recovery_calls, b->recovery_calls),
    };
}

void follow_enter(struct run *run, const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    struct flow *flow = task_flow(run, task);
    struct budget budget = budget_inside(step_of(run, task), flow);
    task_take_off(run, decision->task);
    rested_set(&task->input, decision->input);
    task->first_ms = run->now_ms;
    task->tries++;
    uint32_t account = account_new(run, task->account, decision->task, &budget);
    task->inside = frame_new(run, flow, decision->task, account, decision->input);
    ASSERT(task->inside == decision->frame);
    task_set_state(run, decision->task, TASK_INSIDE);
    frame_begin(run, task->inside);
}

/* A flow that had ended well before is left once more when its steps are undone. */
static void follow_leave(struct run *run, const struct decision *decision)
{
    struct frame *frame = run->frames[decision->frame];
    struct task *task = task_at(run, frame->parent);
    close_frame(run, decision);
    account_close(run, frame->account);
    if (task->state != TASK_INSIDE) {
        frame_of(run, task)->unwinding--;
        return;
    }
    verdict_done(&task->verdict);
    task->judged = false;
    task_set_state(run, frame->parent, TASK_JUDGED);
    line_push(&run->agenda, frame->parent);
}

/* ---- the end ---- */

/* Who was to be told that its flow is ending has been. */
void follow_swept(struct run *run, uint32_t index)
{
    uint32_t head;
    struct line *sweep = &frame_of(run, task_at(run, index))->sweep;
    while (line_first(sweep, &head) &&
           (head == index || task_state_is_final(run->tasks[head]->state))) {
        line_pop(sweep);
        if (head == index)
            return;
    }
}

/* A sub-flow that has no undo of its own begins to end once more: its steps are undone. */
void follow_undo(struct run *run, const struct decision *decision)
{
    struct task *done = task_at(run, decision->task);
    struct frame *frame = frame_of(run, done);
    ASSERT(frame->undo.count > 0);
    frame->undo.count--;
    if (!done->undo_input && !done->undo_error) {
        struct frame *inside = run->frames[done->inside];
        inside->status = inside->ending = RUN_RUNNING;
        frame->unwinding++;
        frame_end(run, done->inside, RUN_CANCELLED, json_incref(frame->error));
        return;
    }
    uint32_t index = task_new(run, done->frame, done->step, done->item, ROLE_UNDO);
    frame->undoing = index;
    rested_set(&run->tasks[index]->input, done->undo_input);
    replace_json(&run->tasks[index]->error, done->undo_error);
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

static void follow_unwind(struct run *run, const struct event *event,
                          const struct decision *decision)
{
    uint32_t parent = run->frames[decision->frame]->parent;
    if (parent != NO_TASK)
        follow_swept(run, parent);
    frame_end(run, decision->frame, RUN_FAILED, json_incref(decision->error));
    run->answer_pending = still_asks(run, event) || event->kind == EVENT_TIME_SPENT;
}

/* ---- all of them ---- */

void follow_of_flow(struct run *run, const struct event *event, const struct decision *decision)
{
    if (decision->kind == DECISION_ADMIT) {
        follow_admit(run, decision);
    } else if (decision->kind == DECISION_ADOPT) {
        follow_adopt(run, decision);
    } else if (decision->kind == DECISION_SKIP) {
        turn_pop(&run->turns);
        frame_finish_step(run, decision->frame, decision->step, STEP_SKIPPED);
    } else if (decision->kind == DECISION_UNWIND) {
        follow_unwind(run, event, decision);
    } else if (decision->kind == DECISION_LEAVE) {
        follow_leave(run, decision);
    } else {
        close_frame(run, decision);
    }
}
