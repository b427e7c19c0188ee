/* SPDX-License-Identifier: Apache-2.0
 *
 * All whom a run of a flow may call: the agents of its steps, those that can tell what became of
 * them, those of its sub-flows, those that its plans are allowed, and whom any of these may call
 * themselves. A run pins them all before it begins.
 */
#include "flow/flow_internal.h"

#include "base/map.h"

#include <stdlib.h>
#include <string.h>

struct reach {
    const struct catalog *catalog;
    const struct agent **list;
    size_t count, room;
    struct map seen;
};

static void add(struct reach *r, const struct agent *agent)
{
    if (!agent || map_get(&r->seen, slice_of(agent->name)))
        return;
    map_put(&r->seen, slice_of(agent->name), (void *)agent);
    if (r->count == r->room) {
        r->room = r->room ? 2 * r->room : 16;
        r->list = xrealloc(r->list, r->room * sizeof(struct agent *));
    }
    r->list[r->count++] = agent;
}

static void add_callee(struct reach *r, const struct callee *callee)
{
    for (size_t i = 0; callee->flow && i < callee->flow->agent_count; i++)
        add(r, callee->flow->agents[i]);
    if (!callee->flow)
        add(r, callee->agent);
    add(r, callee->reconcile);
}

static void add_step(struct reach *r, const struct step *s)
{
    if (!s->plan)
        add_callee(r, &s->call);
    for (size_t i = 0; s->plan && i < r->catalog->count; i++)
        if (plan_reaches(s->plan, r->catalog->agents[i]))
            add(r, r->catalog->agents[i]);
    add_callee(r, &s->fallback);
    add_callee(r, &s->undo);
}

static int by_name(const void *left, const void *right)
{
    const struct agent *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

void flow_gather_agents(struct compilation *c)
{
    struct reach r = {.catalog = c->options->catalog};
    for (size_t i = 0; i < c->count; i++)
        add_step(&r, &c->flow->steps[i]);
    for (size_t i = 0; i < r.count; i++) { /* it grows while it is walked */
        const struct agent *agent = r.list[i];
        add(&r, catalog_reconciler(r.catalog, agent));
        for (size_t k = 0; k < agent->call_count; k++)
            add(&r, agent->calls[k]);
    }
    if (r.count)
        qsort(r.list, r.count, sizeof(struct agent *), by_name);
    c->flow->agents = r.list;
    c->flow->agent_count = r.count;
    map_done(&r.seen);
}
