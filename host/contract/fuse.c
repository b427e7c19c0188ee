/* SPDX-License-Identifier: Apache-2.0
 *
 * Building the fast program: from the root on, each gate that is referred to is made once, by the
 * set of nodes that it stands for. Parts of a value are gates to be made later, from a list, and so
 * recursive schemas end; what is asked of the same value is made at once and becomes part of the
 * strand in hand, which ends because a reference never comes back with the same value (loops.c).
 * A conjunction is a new set of nodes, and a hostile schema has many: all work is paid from a
 * budget that is in proportion to the schema.
 */
#include "contract/fuse_internal.h"

#include <stdlib.h>
#include <string.h>

enum { UNITS_PER_OP = 100, UNITS_FREE = 100000 };

#define PLACE_UNKNOWN UINT32_MAX

void *fuse_grown(void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    *room = *room ? *room * 2 : 8;
    return xrealloc(list, *room * size);
}

bool fuse_spend(struct fuser *f, uint64_t amount)
{
    if (f->budget < amount)
        f->failed = true;
    else
        f->budget -= amount;
    return !f->failed;
}

uint32_t dynamic_only_target(const struct contract *contract, const struct dynamic_ref *ref)
{
    uint32_t target = ref->otherwise;
    bool same = true;
    /* The outermost resource decides, and none is further out than the root's. */
    for (size_t i = 0; i < ref->count; i++) {
        if (ref->targets[i].resource == contract->origins[contract->root].resource)
            return ref->targets[i].node;
        same &= ref->targets[i].node == target;
    }
    return same ? target : NO_NODE;
}

/* The node that says all that this one says. */
static uint32_t behind_references(const struct contract *contract, uint32_t node)
{
    for (;;) {
        const struct node *n = &contract->nodes[node];
        if (n->count != 1 || contract->ops[n->first].code != OP_REF)
            return node;
        node = contract->ops[n->first].as.child;
    }
}

void conjunction_add(struct fuser *f, struct conjunction *all, uint32_t node)
{
    node = behind_references(f->contract, node);
    const struct node *n = &f->contract->nodes[node];
    size_t at = 0;
    if (n->count == 0)
        return;
    if (f->contract->ops[n->first].code == OP_NEVER)
        all->never = true;
    while (at < all->count && all->nodes[at] < node)
        at++;
    if (at < all->count && all->nodes[at] == node)
        return;
    if (all->count == CONJUNCTION) {
        f->failed = true;
        return;
    }
    memmove(all->nodes + at + 1, all->nodes + at, (all->count - at) * sizeof(all->nodes[0]));
    all->nodes[at] = node;
    all->count++;
}

static size_t slot_of(const struct fuser *f, const uint32_t *nodes, size_t count)
{
    uint64_t hash = count;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ nodes[i]) * 0x9E3779B97F4A7C15u, hash ^= hash >> 31;
    size_t slot = hash & (f->slot_count - 1);
    for (; f->slots[slot]; slot = (slot + 1) & (f->slot_count - 1)) {
        const struct members *m = &f->members[f->slots[slot] - 1];
        if (m->count == count &&
            memcmp(f->member_list + m->first, nodes, count * sizeof(nodes[0])) == 0)
            break;
    }
    return slot;
}

static void slots_grow(struct fuser *f)
{
    free(f->slots);
    f->slot_count = f->slot_count ? f->slot_count * 2 : 64;
    f->slots = xcalloc(f->slot_count, sizeof(f->slots[0]));
    for (uint32_t gate = GATE_ALWAYS + 1; gate < f->fused->gate_count; gate++) {
        const struct members *m = &f->members[gate];
        f->slots[slot_of(f, f->member_list + m->first, m->count)] = gate + 1;
    }
}

static uint32_t gate_add(struct fuser *f, uint32_t place)
{
    struct fused *fused = f->fused;
    uint32_t gate = (uint32_t)fused->gate_count;
    fused->gates = fuse_grown(fused->gates, gate, &f->gate_room, sizeof(fused->gates[0]));
    f->members = fuse_grown(f->members, gate, &f->member_room, sizeof(f->members[0]));
    for (size_t type = 0; type < TYPE_COUNT; type++)
        fused->gates[gate].places[type] = place;
    f->members[gate] = (struct members){.first = (uint32_t)f->member_count};
    fused->gate_count++;
    return gate;
}

uint32_t gate_of(struct fuser *f, const struct conjunction *all, bool whole)
{
    if (all->never || f->failed)
        return GATE_NEVER;
    if (all->count == 0)
        return GATE_ALWAYS;
    if (f->fused->gate_count * 2 >= f->slot_count)
        slots_grow(f);
    size_t slot = slot_of(f, all->nodes, all->count);
    uint32_t gate = f->slots[slot] - 1;
    if (!f->slots[slot]) {
        gate = gate_add(f, PLACE_UNKNOWN);
        for (size_t i = 0; i < all->count; i++) {
            f->member_list = fuse_grown(f->member_list, f->member_count, &f->member_list_room,
                                        sizeof(f->member_list[0]));
            f->member_list[f->member_count++] = all->nodes[i];
        }
        f->members[gate].count = (uint32_t)all->count;
        f->slots[slot] = gate + 1;
    }
    if (whole && !f->members[gate].whole) {
        f->members[gate].whole = true;
        f->wanted = fuse_grown(f->wanted, f->wanted_count, &f->wanted_room, sizeof(f->wanted[0]));
        f->wanted[f->wanted_count++] = gate;
    }
    return gate;
}

uint32_t gate_of_node(struct fuser *f, uint32_t node)
{
    struct conjunction all = {.count = 0};
    conjunction_add(f, &all, node);
    return gate_of(f, &all, true);
}

uint32_t fuse_list(struct fuser *f, const uint32_t *list, size_t count)
{
    struct fused *fused = f->fused;
    uint32_t first = (uint32_t)fused->list_count;
    for (size_t i = 0; i < count; i++) {
        fused->lists =
            fuse_grown(fused->lists, fused->list_count, &f->list_room, sizeof(fused->lists[0]));
        fused->lists[fused->list_count++] = list[i];
    }
    return first;
}

struct step *strand_add(struct strand *b, enum step_code code)
{
    b->steps = fuse_grown(b->steps, b->step_count, &b->step_room, sizeof(b->steps[0]));
    struct step *step = &b->steps[b->step_count++];
    *step = (struct step){.code = (uint32_t)code};
    return step;
}

void strand_add_node(struct strand *b, uint32_t node)
{
    const struct contract *contract = b->f->contract;
    const struct node *n = &contract->nodes[node];
    for (size_t i = 0; i < b->met_count; i++)
        if (b->met[i] == node)
            return;
    b->met = fuse_grown(b->met, b->met_count, &b->met_room, sizeof(b->met[0]));
    b->met[b->met_count++] = node;
    if (!fuse_spend(b->f, 1 + n->count + b->met_count / 8))
        return;
    if ((n->tracks & TYPE_BIT(b->type)) && !fuse_unevaluated(b, node)) {
        strand_add(b, STEP_WALK)->target = node;
        return;
    }
    for (uint32_t i = 0; i < n->count && !b->never && !b->f->failed; i++)
        if (contract->ops[n->first + i].types & TYPE_BIT(b->type))
            fuse_op(b, &contract->ops[n->first + i]);
}

/* What was said about the value's size or range, as steps. */
static void add_bounds(struct strand *b)
{
    if (b->least > b->most || b->shortest > b->longest) {
        b->never = true;
    } else if (b->least != INT64_MIN || b->most != INT64_MAX) {
        struct step *step = strand_add(b, STEP_RANGE);
        step->as.range.least = b->least;
        step->as.range.most = b->most;
    } else if (b->shortest > 0 || b->longest < SIZE_MAX) {
        struct step *step = strand_add(b, b->type == JSON_STRING  ? STEP_LENGTH
                                          : b->type == JSON_ARRAY ? STEP_ITEM_COUNT
                                                                  : STEP_SIZE);
        step->as.size.least = b->shortest;
        step->as.size.most = b->longest;
    }
}

static void sort_steps(struct step *steps, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct step step = steps[i];
        size_t at = i;
        for (; at > 0 && steps[at - 1].code > step.code; at--)
            steps[at] = steps[at - 1];
        steps[at] = step;
    }
}

static uint32_t strand_place(struct strand *b)
{
    struct fused *fused = b->f->fused;
    if (b->never || b->f->failed)
        return PLACE_NEVER;
    if (b->step_count == 0)
        return PLACE_ALWAYS;
    if (!fuse_spend(b->f, b->step_count + b->step_count * b->step_count / 8))
        return PLACE_NEVER;
    sort_steps(b->steps, b->step_count);
    strand_add(b, STEP_DONE);
    uint32_t place = (uint32_t)fused->step_count;
    for (size_t i = 0; i < b->step_count; i++) {
        fused->steps =
            fuse_grown(fused->steps, fused->step_count, &b->f->step_room, sizeof(fused->steps[0]));
        fused->steps[fused->step_count++] = b->steps[i];
    }
    return place;
}

static void strand_done(struct strand *b)
{
    free(b->views);
    free(b->steps);
    free(b->met);
}

uint32_t place_of_gate(struct fuser *f, uint32_t gate, json_type type)
{
    uint32_t known = f->fused->gates[gate].places[type];
    if (known != PLACE_UNKNOWN || f->failed)
        return known;
    struct strand b = {.f = f,
                       .type = type,
                       .least = INT64_MIN,
                       .most = INT64_MAX,
                       .shortest = 0,
                       .longest = SIZE_MAX};
    for (uint32_t i = 0; i < f->members[gate].count && !b.never; i++)
        strand_add_node(&b, f->member_list[f->members[gate].first + i]);
    if (!b.never && !f->failed)
        add_bounds(&b);
    if (!b.never && !f->failed)
        fuse_views(&b);
    uint32_t place = strand_place(&b);
    strand_done(&b);
    f->fused->gates[gate].places[type] = place;
    return place;
}

uint32_t place_of_node(struct strand *b, uint32_t node)
{
    struct conjunction all = {.count = 0};
    conjunction_add(b->f, &all, node);
    return place_of_gate(b->f, gate_of(b->f, &all, false), b->type);
}

static uint64_t budget(const struct contract *contract)
{
    uint64_t units = contract->op_count + contract->node_count + contract->child_count;
    for (size_t i = 0; i < contract->op_count; i++)
        if (contract->ops[i].code == OP_OBJECT)
            units += contract->ops[i].as.object->names.count;
    return units * UNITS_PER_OP + UNITS_FREE;
}

/* Gates that only branches refer to are known for the types that they were asked for, and never
 * asked for others. The others are all made here; which may want more of them. */
static void make_gates(struct fuser *f)
{
    for (size_t i = 0; i < f->wanted_count && !f->failed; i++)
        for (unsigned type = 0; type < TYPE_COUNT; type++)
            place_of_gate(f, f->wanted[i], (json_type)type);
}

struct fused *fuse(struct contract *contract)
{
    struct fuser f = {.contract = contract, .budget = budget(contract)};
    f.fused = xcalloc(1, sizeof(*f.fused));
    gate_add(&f, PLACE_NEVER);
    gate_add(&f, PLACE_ALWAYS);
    f.fused->steps = fuse_grown(NULL, 0, &f.step_room, sizeof(f.fused->steps[0]));
    for (f.fused->step_count = 0; f.fused->step_count < PLACE_FIRST; f.fused->step_count++)
        f.fused->steps[f.fused->step_count] = (struct step){.code = STEP_DONE};
    f.fused->root = gate_of_node(&f, contract->root);
    make_gates(&f);
    free(f.members);
    free(f.member_list);
    free(f.wanted);
    free(f.slots);
    if (f.failed) {
        fused_free(f.fused);
        return NULL;
    }
    return f.fused;
}

void fused_free(struct fused *fused)
{
    if (!fused)
        return;
    free(fused->gates);
    free(fused->steps);
    free(fused->lists);
    free(fused);
}
