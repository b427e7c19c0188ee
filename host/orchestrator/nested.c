/* SPDX-License-Identifier: Apache-2.0
 *
 * An agent in the middle of a call wants another one called. The call has a name of its own within
 * its caller, and stands for one piece of work for ever: a caller that is tried again and calls it
 * by that name is given the stored answer, or attached to what is under way; the same name with
 * another input is a conflict. Whom an agent may call is what its plugin was granted; nobody may
 * call what changes more than itself, nor itself, through however many.
 */
#include "orchestrator/state_internal.h"

#include <string.h>

const struct agent *agent_granted(const struct agent *caller, const char *name)
{
    for (size_t i = 0; name && i < caller->call_count; i++)
        if (strcmp(caller->calls[i]->name, name) == 0)
            return caller->calls[i];
    return NULL;
}

/* Why a call that is not known yet may not be made; NULL = it may. */
static const char *refusal(const struct run *run, const struct task *task,
                           const struct agent *agent, const struct event *event)
{
    const struct agent *caller = task_callee(run, task)->agent;
    unsigned depth = 1;
    if (!agent)
        return "call-not-granted";
    if (agent->effect > caller->effect)
        return "call-class";
    if (task_is_ending(run, task))
        return "call-ending";
    if (!event->effect || task->child_count >= LIMIT_NESTED)
        return "call-limit";
    for (const struct task *at = task;; at = run->tasks[at->parent], depth++) {
        if (strcmp(task_callee(run, at)->agent->name, agent->name) == 0)
            return "call-cycle";
        if (depth >= LIMIT_NESTED_DEPTH)
            return "call-limit";
        if (at->parent == NO_TASK)
            return NULL;
    }
}

static void refuse_call(const struct event *event, enum begin begin, const char *rule,
                        struct decision *ret)
{
    *ret = (struct decision){.kind = DECISION_CALL,
                             .rule = rule,
                             .task = event->task,
                             .effect = event->effect,
                             .begin = begin,
                             .error = error_json(rule, rule_meaning(rule), NULL)};
}

static void decide_known_call(const struct run *run, const struct event *event,
                              const struct task *child, struct decision *ret)
{
    bool fresh = child->state == TASK_ABANDONED;
    bool final = task_state_is_final(child->state);
    if (strcmp(child->nested->digest, event->digest ? event->digest : "") != 0) {
        refuse_call(event, BEGIN_CONFLICT, "call-conflict", ret);
        return;
    }
    if (fresh && task_is_ending(run, child)) {
        refuse_call(event, BEGIN_REFUSED, "call-ending", ret);
        return;
    }
    *ret = (struct decision){.kind = DECISION_CALL,
                             .rule = fresh   ? "call-resumed"
                                     : final ? "call-replayed"
                                             : "call-attached",
                             .task = event->task,
                             .effect = event->effect,
                             .begin = fresh   ? BEGIN_FRESH
                                      : final ? BEGIN_DONE
                                              : BEGIN_UNKNOWN};
}

void decide_call(const struct run *run, const struct event *event, struct decision *ret)
{
    const struct task *task = task_at(run, event->task);
    bool live = task->in_flight && task->serial == event->attempt && !task->reconciling;
    if (!live) {
        refuse_call(event, BEGIN_REFUSED, "call-over", ret);
        return;
    }
    uint32_t child = task_child(run, task, event->effect);
    if (child != NO_TASK) {
        decide_known_call(run, event, run->tasks[child], ret);
        return;
    }
    const char *refused =
        refusal(run, task, agent_granted(task_callee(run, task)->agent, event->code), event);
    if (refused)
        refuse_call(event, BEGIN_REFUSED, refused, ret);
    else
        *ret = (struct decision){.kind = DECISION_CALL,
                                 .rule = "call-fresh",
                                 .task = event->task,
                                 .effect = event->effect,
                                 .begin = BEGIN_FRESH};
}

/* ---- what follows ---- */

void follow_call(struct run *run, const struct event *event, const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    uint32_t child = task_child(run, task, event->effect);
    if (decision->begin == BEGIN_CONFLICT && child != NO_TASK)
        task->conflict |= task_any_done(run, run->tasks[child]);
    if (decision->begin == BEGIN_CONFLICT || decision->begin == BEGIN_REFUSED)
        return;
    if (child == NO_TASK) {
        const struct agent *agent = agent_granted(task_callee(run, task)->agent, event->code);
        child = task_new_call(run, decision->task, agent, event);
    } else if (decision->begin == BEGIN_FRESH) {
        task->children_open++;
        frame_of(run, task)->open++;
        task_set_state(run, child, TASK_READY);
        task_line_up(run, child);
    }
    run->tasks[child]->nested->last_call = task->tries;
}

/* Its attempt is over, what it called is not: that is told so, and then it goes on. What it gave
 * way to is waited for. */
void follow_hold(struct run *run, const struct decision *decision)
{
    struct task *task = task_at(run, decision->task);
    task_take_off(run, decision->task);
    task_set_state(run, decision->task, TASK_HELD);
    if (task->verdict.gave_way)
        return;
    for (uint32_t i = 0; i < task->child_count; i++) {
        uint32_t index = task->children[i];
        const struct task *child = run->tasks[index];
        bool waits = child->state == TASK_READY || child->state == TASK_PAUSED;
        bool runs = child->state == TASK_RUNNING && !child->stopping &&
                    !agent_writes(task_callee(run, child)->agent);
        if (waits)
            line_remove(&run->called, index);
        if (waits || runs)
            line_push(&run->agenda, index);
    }
}

/* ---- what others may see ---- */

/* It may be called again: nothing that it has begun is in doubt, or would be by ending now. */
static bool can_give_way(const struct run *run, const struct task *task)
{
    if (!task->in_flight || task->reconciling || task->stopping || task_is_ending(run, task))
        return false;
    bool once = task_callee(run, task)->agent->effect == CLASS_WRITE;
    for (uint32_t i = 0; i < task->effect_count && once; i++)
        if (task->effects[i].outcome == OUTCOME_OPEN || task->effects[i].outcome == OUTCOME_UNKNOWN)
            return false;
    return calling_again_is_safe(run, task);
}

bool run_nested_gives_way(const struct run *run, uint32_t index)
{
    const struct task *task = task_at(run, index);
    return task->parent != NO_TASK && task_waits_for_person(task) &&
           can_give_way(run, run->tasks[task->parent]);
}

uint32_t run_nested_find(const struct run *run, uint32_t parent, const char *name)
{
    return task_child(run, task_at(run, parent), name);
}

/* As deep as calls may stand within each other. */
static void gather(const struct run *run, const struct task *task, struct nested_view *view)
{
    view->tokens += task->used_tokens;
    view->cost += task->used_cost;
    for (uint32_t i = 0; i < task->effect_count; i++)
        if (task->effects[i].outcome > view->outcome)
            view->outcome = task->effects[i].outcome;
    for (uint32_t i = 0; i < task->child_count; i++)
        gather(run, run->tasks[task->children[i]], view);
}

bool run_nested(const struct run *run, uint32_t index, struct nested_view *ret)
{
    const struct task *task = task_at(run, index);
    if (task->parent == NO_TASK)
        return false;
    *ret = (struct nested_view){
        .parent = task->parent,
        .name = task->nested->name,
        .final = task_state_is_final(task->state),
        .ok = task->state == TASK_DONE,
        .output = task->output,
        .error = task->error,
        .cause = task->failed_by,
    };
    gather(run, task, ret);
    return true;
}
