/* SPDX-License-Identifier: Apache-2.0
 *
 * Coverage: what a flow says might happen, and what of it no case has made happen. It is counted
 * from the decisions themselves: a step is called when its agent is started, a branch is taken when
 * a rule took it.
 */
#include "rehearsal/rehearsal_internal.h"

#include <stdlib.h>
#include <string.h>

struct coverage {
    struct flow *flow;
    json_t *seen; /* "called book", "skipped book", "fallback book", … */
};

struct coverage *coverage_new(const struct flow *flow)
{
    struct coverage *coverage = xcalloc(1, sizeof(*coverage));
    coverage->flow = flow_ref((struct flow *)flow);
    coverage->seen = json_object();
    return coverage;
}

void coverage_free(struct coverage *coverage)
{
    if (!coverage)
        return;
    flow_unref(coverage->flow);
    json_decref(coverage->seen);
    free(coverage);
}

static void see(struct coverage *coverage, const char *what, const char *path)
{
    AUTO(freep) char *fact = xasprintf("%s %s", what, path);
    json_object_set_new(coverage->seen, fact, json_true());
}

static bool seen(const struct coverage *coverage, const char *what, const char *path)
{
    AUTO(freep) char *fact = xasprintf("%s %s", what, path);
    return json_object_get(coverage->seen, fact) != NULL;
}

static void see_task(struct coverage *coverage, const char *what, const struct run *run,
                     uint32_t task)
{
    AUTO(freep) char *plain = path_without_items(run_task_path(run, task));
    see(coverage, what, plain);
}

static void see_step(struct coverage *coverage, const struct decision *decision)
{
    if (decision->frame == 0 && decision->step < coverage->flow->step_count)
        see(coverage, decision->kind == DECISION_SKIP ? decision->rule : "turn",
            coverage->flow->steps[decision->step].name);
}

void coverage_record(struct coverage *coverage, const struct run *run, const struct event *event,
                     const struct decisions *decisions)
{
    (void)event;
    for (size_t i = 0; i < decisions->count; i++) {
        const struct decision *decision = &decisions->list[i];
        if (decision->kind == DECISION_ADMIT || decision->kind == DECISION_SKIP)
            see_step(coverage, decision);
        else if (decision->kind == DECISION_START && !decision->reconciling)
            see_task(coverage, "called", run, decision->task);
        else if (decision->kind == DECISION_FALL_BACK)
            see_task(coverage, "fallback", run, decision->task);
        else if (decision->kind == DECISION_UNDO)
            see_task(coverage, "undo", run, decision->task);
        else if (decision->kind == DECISION_FAIL && decision->skipped)
            see_task(coverage, "gone on without", run, decision->task);
        else if (decision->kind == DECISION_ASK && decision->question == QUESTION_FAILURE)
            see_task(coverage, "escalated", run, decision->task);
    }
}

/* ---- gaps ---- */

static void gap(json_t *list, const char *path, const char *what)
{
    AUTO(freep) char *line = xasprintf("%s: %s", path, what);
    json_array_append_new(list, json_string(line));
}

static void gaps_of_step(const struct coverage *coverage, const struct step *step, const char *path,
                         bool top, json_t *list)
{
    if (top && step->condition && !seen(coverage, "if-false", path))
        gap(list, path, "its `if` was never false");
    if (top && step->condition && !seen(coverage, "turn", path))
        gap(list, path, "its `if` was never true");
    else if (!step->call.flow && !step->plan && !seen(coverage, "called", path))
        gap(list, path, "never called");
    if (step->on_failure == ON_FAILURE_FALLBACK && !seen(coverage, "fallback", path))
        gap(list, path, "its fallback was never needed");
    if (step->on_failure == ON_FAILURE_SKIP && !seen(coverage, "gone on without", path))
        gap(list, path, "its `on_failure: skip` never happened");
    if (step->on_failure == ON_FAILURE_ESCALATE && !seen(coverage, "escalated", path))
        gap(list, path, "its `on_failure: escalate` never happened");
    if (step->undo.agent && !seen(coverage, "undo", path))
        gap(list, path, "never undone");
}

static void gaps_of_flow(const struct coverage *coverage, const struct flow *flow,
                         const char *prefix, int depth, json_t *list)
{
    for (size_t i = 0; i < flow->step_count; i++) {
        const struct step *step = &flow->steps[i];
        AUTO(freep) char *path = xasprintf("%s%s", prefix, step->name);
        gaps_of_step(coverage, step, path, *prefix == '\0', list);
        AUTO(freep) char *below = xasprintf("%s/", path);
        if (step->call.flow && depth < LIMIT_DEPTH)
            gaps_of_flow(coverage, step->call.flow, below, depth + 1, list);
    }
}

json_t *coverage_gaps(const struct coverage *coverage)
{
    json_t *list = json_array();
    gaps_of_flow(coverage, coverage->flow, "", 0, list);
    return list;
}
