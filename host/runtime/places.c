/* SPDX-License-Identifier: Apache-2.0
 *
 * Places, and calls that wait for each other. A plugin has so many at once (`max_concurrency`), an
 * agent may have fewer (`concurrency` of the manifest), and a call that waits for another one keeps
 * its own. So calls can come to wait in a circle, through any number of plugins and runs; whoever
 * would close it is refused.
 *
 * A plugin or agent can move if one of its places is taken by nobody that waits; a call that waits,
 * if all that it waits for can. What cannot move by these two sentences never will. The search is
 * made only where the first sentence is not enough.
 */
#include "runtime/across_internal.h"

#include <string.h>

static size_t slot_places(const struct slot *slot)
{
    const struct manifest_plugin *entry = slot->roster->entry;
    int most =
        entry->max_concurrency ? entry->max_concurrency : slot->roster->card->max_concurrency;
    return (size_t)most;
}

static size_t gate_places(const struct gate *gate)
{
    return gate && gate->says->concurrency > 0 ? (size_t)gate->says->concurrency : SIZE_MAX;
}

/* ---- the search ---- */

static void mark_waiting(struct host *host)
{
    for (struct gate *gate = host->gates; gate; gate = gate->next)
        gate->stuck = gate->nesting;
    for (size_t i = 0; i < host->slot_count; i++) {
        struct slot *slot = host->slots[i];
        slot->stuck = slot->nesting;
        for (struct live_call *call = slot->sent; call; call = call->next)
            call->stuck = call->asked != NULL;
    }
}

/* Whoever asks takes its place whatever comes: it counts as stuck, and is never set free. */
static void mark_caller(struct live_call *caller)
{
    if (caller->stuck)
        return;
    caller->stuck = true;
    caller->slot->stuck++;
    if (caller->gate)
        caller->gate->stuck++;
}

static bool agent_moves(const struct host *host, const struct agent *agent)
{
    const struct slot *slot = slot_of(host, agent);
    const struct gate *gate = gate_known(slot, agent);
    return slot->stuck < slot_places(slot) && (!gate || gate->stuck < gate_places(gate));
}

static bool task_moves(const struct live_run *live, uint32_t task)
{
    const struct live_call *call = nested_call(live, task);
    if (call && call->asked)
        return !call->stuck;
    return agent_moves(live->host, run_task_agent(live->run, task, false));
}

static bool call_moves(const struct live_call *call)
{
    for (const struct asked *asked = call->asked; asked; asked = asked->next)
        if (!task_moves(call->live, asked->child))
            return false;
    return true;
}

/* Sets free who can move now; false: nobody new. */
static bool free_some(struct host *host, const struct live_call *caller)
{
    bool any = false;
    for (size_t i = 0; i < host->slot_count; i++) {
        struct slot *slot = host->slots[i];
        for (struct live_call *call = slot->stuck > 0 ? slot->sent : NULL; call;
             call = call->next) {
            if (!call->stuck || call == caller || !call_moves(call))
                continue;
            call->stuck = false;
            slot->stuck--;
            if (call->gate)
                call->gate->stuck--;
            any = true;
        }
    }
    return any;
}

static bool wanted_moves(const struct live_call *caller, uint32_t known, const struct agent *agent)
{
    return known != UINT32_MAX ? task_moves(caller->live, known)
                               : agent_moves(caller->live->host, agent);
}

/* ---- the door ---- */

/* The calls within which the caller stands, itself included, that have a place in the slot. */
static size_t ancestors_in(const struct live_call *caller, const struct slot *slot)
{
    const struct run *run = caller->live->run;
    struct nested_view view;
    size_t count = 0;
    for (uint32_t task = caller->task;; task = view.parent) {
        if (slot_of(caller->live->host, run_task_agent(run, task, false)) == slot)
            count++;
        if (!run_nested(run, task, &view))
            return count;
    }
}

static void explain(const struct live_call *caller, const struct agent *agent,
                    struct no_place *ret_why)
{
    const struct slot *slot = slot_of(caller->live->host, agent);
    const char *alias = slot->roster->entry->alias;
    size_t places = slot_places(slot), ours = ancestors_in(caller, slot);
    ret_why->ever = ours < places;
    if (ours >= places)
        snprintf(ret_why->words, sizeof(ret_why->words),
                 "%s can never be started: it runs in plugin `%s`, whose places (%zu) are all "
                 "taken by the call that asks and those that it stands within; "
                 "plugins.%s.limits.max_concurrency would have to be at least %zu",
                 agent->name, alias, places, alias, ours + 1);
    else
        snprintf(ret_why->words, sizeof(ret_why->words),
                 "%s cannot be started now: all places of plugin `%s` (%zu), or of the agent, are "
                 "taken by calls that wait for calls themselves, and each for a place of another; "
                 "a higher plugins.%s.limits.max_concurrency makes room",
                 agent->name, alias, places, alias);
}

bool place_for(struct live_call *caller, uint32_t known, const struct agent *agent,
               struct no_place *ret_why)
{
    struct host *host = caller->live->host;
    const struct slot *slot = slot_of(host, agent);
    const struct gate *gate = gate_known(slot, agent);
    /* one more, should the caller be of the same */
    if (slot->nesting + 1 < slot_places(slot) && (!gate || gate->nesting + 1 < gate_places(gate)))
        return true;
    mark_waiting(host);
    mark_caller(caller);
    bool moves;
    while (!(moves = wanted_moves(caller, known, agent)) && free_some(host, caller))
        ;
    if (!moves)
        explain(caller, agent, ret_why);
    return moves;
}
