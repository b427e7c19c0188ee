/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans: where an output holds one. The expression of the plan step is evaluated as if the step
 * that wrote it were done with that output; what it gives is a fragment of the flow language, which
 * whoever runs the orchestrator compiles, before the output is judged.
 */
#include "orchestrator/state_internal.h"

static json_t *one_error(const char *text)
{
    return json_pack("[s]", text);
}

/* What `plan:` gives for that output; NULL and an error, or NULL alone: none is wanted. */
static json_t *fragment_in(const struct run *run, const struct task *task, const struct step *step,
                           const json_t *output, json_t **ret_errors)
{
    struct scope_view view;
    struct scope scope;
    struct error err;
    json_t *fragment = NULL;
    frame_scope(run, frame_of(run, task), &view, &scope);
    view.step = task->step;
    view.output = output;
    *ret_errors = NULL;
    if (mapping_evaluate(step->plan->fragment, &scope, &fragment, &err) != ERR_OK) {
        *ret_errors = one_error(err.text);
        return NULL;
    }
    if (!json_is_null(fragment))
        return fragment;
    json_decref(fragment);
    /* a step that may be skipped need not have a plan */
    if (!step->condition)
        *ret_errors = one_error("expected an object {steps, output}, found null");
    return NULL;
}

/* The output of an attempt that has ended, or a person's; NULL = there is none. */
static const json_t *output_in(const struct event *event, const struct task *task)
{
    bool ended = event->kind == EVENT_ENDED && event->end == END_OK && task->in_flight &&
                 !task->reconciling && task->serial == event->attempt;
    bool answered = event->kind == EVENT_ANSWERED && !event->deny && task->state == TASK_ASKING &&
                    (task->question == QUESTION_OUTPUT || task->question == QUESTION_FAILURE);
    return ended ? event->body : answered ? json_object_get(event->body, "output") : NULL;
}

bool run_plan_of(const struct run *run, const struct event *event,
                 const struct flow **ret_frame_flow, uint32_t *ret_step, json_t **ret_fragment,
                 json_t **ret_plan_errors)
{
    if ((event->kind != EVENT_ENDED && event->kind != EVENT_ANSWERED) ||
        event->task >= run->task_count)
        return false;
    const struct task *task = task_at(run, event->task);
    const struct flow *flow = frame_of(run, task)->flow;
    uint32_t by = step_of(run, task)->planned_by;
    bool stands = task->role == ROLE_MAIN || task->role == ROLE_FALLBACK;
    if (!stands || by >= flow->step_count || !flow->steps[by].plan)
        return false;
    const json_t *output = output_in(event, task);
    if (!output)
        return false;
    *ret_frame_flow = flow;
    *ret_step = by;
    *ret_fragment = fragment_in(run, task, &flow->steps[by], output, ret_plan_errors);
    return true;
}
