/* SPDX-License-Identifier: Apache-2.0
 *
 * From references and `needs` to the graph that runs: whom a step waits for, whose lack of output
 * skips it, who waits for it, and an order in which all can run. A cycle is named whole, at the
 * place that closes it. A flow may have LIMIT_STEPS steps in one chain, so nothing here recurses.
 */
#include "flow/flow_internal.h"

#include <stdlib.h>
#include <string.h>

void flow_add_edge(struct compilation *c, uint32_t from, uint32_t to, bool requires,
                   const char *pointer)
{
    if (c->edge_count == c->edge_room) {
        c->edge_room = c->edge_room ? c->edge_room * 2 : 64;
        c->edges = xrealloc(c->edges, c->edge_room * sizeof(*c->edges));
    }
    c->edges[c->edge_count++] = (struct edge){from, to, requires, xstrdup(pointer)};
}

/* By the step that waits, then by whom it waits for; an edge that requires comes first. */
static int compare(const void *left, const void *right)
{
    const struct edge *a = left, *b = right;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    if (a->to != b->to)
        return a->to < b->to ? -1 : 1;
    return (int)b->requires - (int)a->requires;
}

/* Of edges between the same two steps one stays. */
static void drop_doubles(struct compilation *c)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->edge_count; i++) {
        const struct edge *last = kept ? &c->edges[kept - 1] : NULL;
        if (last && last->from == c->edges[i].from && last->to == c->edges[i].to)
            free(c->edges[i].pointer);
        else
            c->edges[kept++] = c->edges[i];
    }
    c->edge_count = kept;
}

static void fill_lists(struct compilation *c)
{
    struct step *steps = c->flow->steps;
    for (size_t i = 0; i < c->edge_count; i++) {
        steps[c->edges[i].from].after_count++;
        steps[c->edges[i].from].requires_count += c->edges[i].requires;
        steps[c->edges[i].to].dependent_count++;
    }
    for (size_t i = 0; i < c->count; i++) {
        struct step *s = &steps[i];
        s->after = xcalloc(s->after_count, sizeof(uint32_t));
        s->requires = xcalloc(s->requires_count, sizeof(uint32_t));
        s->dependents = xcalloc(s->dependent_count, sizeof(uint32_t));
        s->after_count = s->requires_count = s->dependent_count = 0;
    }
    for (size_t i = 0; i < c->edge_count; i++) { /* sorted, so the lists are ascending */
        struct step *from = &steps[c->edges[i].from], *to = &steps[c->edges[i].to];
        from->after[from->after_count++] = c->edges[i].to;
        if (c->edges[i].requires)
            from->requires[from->requires_count++] = c->edges[i].to;
        to->dependents[to->dependent_count++] = c->edges[i].from;
    }
}

/* Kahn's algorithm; returns how many steps have a place in the order. */
static size_t fill_order(struct flow *flow)
{
    size_t done = 0, ready = 0;
    uint32_t *waiting = xcalloc(flow->step_count, sizeof(uint32_t));
    flow->order = xcalloc(flow->step_count, sizeof(uint32_t));
    for (uint32_t i = 0; i < flow->step_count; i++) {
        waiting[i] = (uint32_t)flow->steps[i].after_count;
        if (waiting[i] == 0)
            flow->order[ready++] = i;
    }
    for (; done < ready; done++) {
        const struct step *s = &flow->steps[flow->order[done]];
        for (size_t i = 0; i < s->dependent_count; i++)
            if (--waiting[s->dependents[i]] == 0)
                flow->order[ready++] = s->dependents[i];
    }
    free(waiting);
    return done;
}

/* ---- Cycles ---- */

enum colour { UNSEEN, ON_PATH, LEFT };

struct search {
    struct compilation *c;
    uint32_t *path; /* steps from the start of the search to the current one */
    size_t *next;   /* of each step on the path, which of its `after` comes next */
    size_t length;
    unsigned char *colour;
    bool *named; /* steps that stand in a cycle that was said */
};

/* The value of a step at a pointer that begins with the step's own; NULL if it is elsewhere. */
static const json_t *value_at(const struct source *source, const char *pointer)
{
    const json_t *value = source->value;
    if (!slice_starts(slice_of(pointer), source->pointer))
        return NULL;
    for (const char *at = pointer + strlen(source->pointer); *at == '/' && value;) {
        size_t length = strcspn(at + 1, "/");
        value = json_is_array(value) ? json_array_get(value, strtoul(at + 1, NULL, 10))
                                     : json_object_getn(value, at + 1, length);
        at += 1 + length;
    }
    return value;
}

/* The string of the file in which `from` names `to`. */
static char *edge_pointer(struct compilation *c, uint32_t from, uint32_t to)
{
    const struct edge *edge = c->edges;
    while (edge->from != from || edge->to != to)
        edge++;
    const json_t *value = value_at(&c->sources[from], edge->pointer);
    return value ? flow_find_reference(c, value, edge->pointer, to) : xstrdup(edge->pointer);
}

/* Says the cycle that goes from path[first] to the end of the path and back. */
static void refuse_cycle(struct search *s, size_t first)
{
    enum { SHOWN = 12 };
    AUTO(text_done) struct text names;
    text_init(&names, 4000);
    size_t length = s->length - first;
    for (size_t i = first; i < s->length; i++)
        if (s->named[s->path[i]])
            return;
    for (size_t i = first; i < s->length; i++) {
        s->named[s->path[i]] = true;
        if (i - first < SHOWN)
            text_addf(&names, "%s → ", s->c->names[s->path[i]]);
        else if (i - first == SHOWN)
            text_addf(&names, "… %zu more … → ", length - SHOWN);
    }
    text_adds(&names, s->c->names[s->path[first]]);
    AUTO(freep) char *pointer = edge_pointer(s->c, s->path[s->length - 1], s->path[first]);
    REFUSE(s->c, "cycle", AT(pointer),
           length == 1 ? "inside the step itself its answer is .output, in confidence, assert and "
                         "undo"
                       : "one of them must do without the other's output",
           length == 1 ? "the step waits for itself: %s" : "these steps wait for each other: %s",
           text_str(&names));
}

static void step_down(struct search *s, uint32_t step)
{
    s->colour[step] = ON_PATH;
    s->path[s->length] = step;
    s->next[s->length++] = 0;
}

static void search_from(struct search *s, uint32_t start)
{
    const struct step *steps = s->c->flow->steps;
    step_down(s, start);
    while (s->length > 0) {
        uint32_t at = s->path[s->length - 1];
        if (s->next[s->length - 1] == steps[at].after_count) {
            s->colour[at] = LEFT;
            s->length--;
            continue;
        }
        uint32_t to = steps[at].after[s->next[s->length - 1]++];
        if (s->colour[to] == UNSEEN)
            step_down(s, to);
        if (s->colour[to] == ON_PATH && s->path[s->length - 1] != to) {
            size_t first = s->length - 1;
            while (s->path[first] != to)
                first--;
            refuse_cycle(s, first);
        } else if (to == at) {
            refuse_cycle(s, s->length - 1);
        }
    }
}

static void refuse_cycles(struct compilation *c)
{
    struct search s = {.c = c,
                       .path = xcalloc(c->count, sizeof(uint32_t)),
                       .next = xcalloc(c->count, sizeof(size_t)),
                       .colour = xcalloc(c->count, 1),
                       .named = xcalloc(c->count, sizeof(bool))};
    for (uint32_t i = 0; i < c->count; i++)
        if (s.colour[i] == UNSEEN)
            search_from(&s, i);
    free(s.path);
    free(s.next);
    free(s.colour);
    free(s.named);
}

void flow_build_graph(struct compilation *c)
{
    if (c->edge_count)
        qsort(c->edges, c->edge_count, sizeof(*c->edges), compare);
    drop_doubles(c);
    fill_lists(c);
    c->ordered = fill_order(c->flow);
    if (c->ordered < c->count)
        refuse_cycles(c);
}
