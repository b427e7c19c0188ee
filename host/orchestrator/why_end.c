/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a flow ends as it does, and what its end does to tasks that had not ended: they are dropped,
 * stopped or undone for a reason that is not their own, which stands in the error of the flow.
 */
#include "orchestrator/why_internal.h"

#include <string.h>

static void say_cause(const json_t *error, const char *whose, enum run_status ending, json_t *list)
{
    const char *message = json_string_value(json_object_get(error, "message"));
    const char *step = json_string_value(json_object_get(error, "step"));
    if (ending == RUN_RUNNING || ending == RUN_WAITING)
        return;
    because(list, "%s %s%s%s%s%s%s", whose,
            ending == RUN_CANCELLED ? "was cancelled"
            : ending == RUN_DONE    ? "is done"
                                    : "has failed",
            !step                     ? ""
            : ending == RUN_CANCELLED ? ", because of "
                                      : " at ",
            step ? step : "", message ? ": “" : "", message ? message : "", message ? "”" : "");
}

static const char *whose(const struct run *run, const struct frame *frame)
{
    return frame->parent == NO_TASK ? "the run" : run->tasks[frame->parent]->path;
}

void why_end(const struct run *run, const struct decision *decision, json_t *list)
{
    const struct frame *frame = run->frames[decision->frame];
    enum run_status ending = decision->kind == DECISION_UNWIND ? RUN_FAILED : decision->status;
    say_cause(decision->error ? decision->error : frame->error, whose(run, frame), ending, list);
}

void why_dropped(const struct run *run, const struct task *task, const struct decision *decision,
                 json_t *list)
{
    const struct frame *frame = frame_of(run, task);
    const char *state = task->state == TASK_ASKING ? "it waited for a person, who need not answer"
                        : task->tries == 0         ? "it had not begun"
                        : task->in_flight          ? "it was under way"
                                                   : NULL;
    if (decision->kind == DECISION_UNDO)
        because(list, "it was done, and its step says how it is undone");
    else if (state)
        because(list, "%s", state);
    say_cause(frame->error, whose(run, frame), frame->ending, list);
}

void why_resolved(const struct event *event, json_t *list)
{
    const char *said = json_string_value(json_object_get(event->body, "outcome"));
    if (event->kind == EVENT_ENDED && said)
        because(list, "its reconcile agent said `%s`", said);
    else if (event->kind == EVENT_EFFECT_ENDED)
        because(list, "the host saw how it ended");
}

void why_expired(const struct run *run, const struct task *task, json_t *list)
{
    char time[32];
    const struct escalation *escalation = task_escalation(run, task);
    if (escalation->deadline_ms >= 0)
        because(list, "it was asked %s ago, which is `escalation.deadline`",
                duration_text(escalation->deadline_ms, time));
    because(list, "silence counts as %s",
            escalation->approve_on_timeout ? "approval, if its output may stand" : "`deny`");
}
