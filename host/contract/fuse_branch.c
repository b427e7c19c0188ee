/* SPDX-License-Identifier: Apache-2.0
 *
 * Branches on one value: anyOf, oneOf, not, if. Once the type is known, many branches hold never or
 * always, and with them goes the choice: what is left alone becomes part of the strand. Among
 * objects, a property whose strings differ from branch to branch *tells* them apart; it is looked
 * at once, and only the branches that are left by its value are asked.
 */
#include "contract/fuse_internal.h"

#include <stdlib.h>

enum { TELLING_DEPTH = 8, MOST_TOLD = 250 /* branches */ };

/* The branches that may hold. */
struct choice {
    uint32_t *nodes, *places;
    uint32_t *some; /* room for as many places */
    struct telling *told;
    size_t count;
    size_t always; /* how many of them hold whatever the value */
};

/* What a branch says of one property: whether it must be there, and the strings it may be. */
struct telling {
    struct slice name;
    bool required;
    const struct op *values; /* OP_CONST of a string, or OP_ENUM_STRINGS */
};

static const struct op *string_values(const struct contract *contract, uint32_t node, int depth)
{
    const struct node *n = &contract->nodes[node];
    for (uint32_t i = 0; i < n->count && depth < TELLING_DEPTH; i++) {
        const struct op *op = &contract->ops[n->first + i], *found = NULL;
        if (op->code == OP_ENUM_STRINGS || (op->code == OP_CONST && json_is_string(op->as.value)))
            return op;
        if (op->code == OP_REF)
            found = string_values(contract, op->as.child, depth + 1);
        if (found)
            return found;
    }
    return NULL;
}

static void telling_find(struct fuser *f, uint32_t node, struct telling *t, int depth)
{
    const struct contract *contract = f->contract;
    const struct node *n = &contract->nodes[node];
    if (depth >= TELLING_DEPTH || !fuse_spend(f, 1 + n->count))
        return;
    for (uint32_t i = 0; i < n->count; i++) {
        const struct op *op = &contract->ops[n->first + i];
        if (op->code == OP_REF) {
            telling_find(f, op->as.child, t, depth + 1);
        } else if (op->code == OP_ALL_OF) {
            for (uint32_t k = 0; k < op->as.children.count; k++)
                telling_find(f, contract->children[op->as.children.first + k], t, depth + 1);
        } else if (op->code == OP_OBJECT) {
            const struct name *name = names_find(&op->as.object->names, t->name);
            t->required |= name && name->required;
            if (name && name->node != NO_NODE && !t->values)
                t->values = string_values(contract, name->node, 0);
        }
    }
}

static void choice_init(struct choice *choice, struct strand *b, const struct op *op)
{
    const uint32_t *children = b->f->contract->children + op->as.children.first;
    size_t most = op->as.children.count;
    *choice = (struct choice){.nodes = xcalloc(most, sizeof(choice->nodes[0])),
                              .places = xcalloc(most, sizeof(choice->places[0])),
                              .some = xcalloc(most, sizeof(choice->some[0])),
                              .told = xcalloc(most, sizeof(choice->told[0]))};
    for (size_t i = 0; i < most && !b->f->failed; i++) {
        uint32_t place = place_of_node(b, children[i]);
        if (place == PLACE_NEVER)
            continue;
        choice->always += place == PLACE_ALWAYS;
        choice->nodes[choice->count] = children[i];
        choice->places[choice->count++] = place;
    }
}

static void choice_done(struct choice *choice)
{
    free(choice->nodes);
    free(choice->places);
    free(choice->some);
    free(choice->told);
}

/* The name, among those of a branch, by which most of the branches are told apart. */
struct telling_search {
    const struct choice *choice;
    struct slice best;
    size_t best_count;
};

static void consider(struct fuser *f, struct telling_search *s, struct slice name)
{
    size_t count = 0;
    for (size_t i = 0; i < s->choice->count; i++) {
        struct telling t = {.name = name};
        telling_find(f, s->choice->nodes[i], &t, 0);
        count += t.values != NULL;
    }
    if (count > s->best_count) {
        s->best = name;
        s->best_count = count;
    }
}

static void consider_names(struct fuser *f, struct telling_search *s, uint32_t node, int depth)
{
    const struct contract *contract = f->contract;
    const struct node *n = &contract->nodes[node];
    for (uint32_t i = 0; i < n->count && depth < TELLING_DEPTH && fuse_spend(f, 1); i++) {
        const struct op *op = &contract->ops[n->first + i];
        if (op->code == OP_REF) {
            consider_names(f, s, op->as.child, depth + 1);
        } else if (op->code == OP_ALL_OF) {
            for (uint32_t k = 0; k < op->as.children.count; k++)
                consider_names(f, s, contract->children[op->as.children.first + k], depth + 1);
        } else if (op->code == OP_OBJECT) {
            const struct names *names = &op->as.object->names;
            for (size_t k = 0; k < names->count && fuse_spend(f, 1); k++)
                if (names->list[k].node != NO_NODE &&
                    string_values(contract, names->list[k].node, 0))
                    consider(f, s, names->list[k].text);
        }
    }
}

/* A step that asks some of the places, as anyOf or oneOf does. */
static struct step asking(struct fuser *f, enum step_code code, const uint32_t *places,
                          size_t count)
{
    struct step step = {.code = (uint32_t)code};
    step.as.list.first = fuse_list(f, places, count);
    step.as.list.count = (uint32_t)count;
    return step;
}

static uint32_t place_asking(struct fuser *f, enum step_code code, const uint32_t *places,
                             size_t count)
{
    struct fused *fused = f->fused;
    if (count == 0)
        return PLACE_NEVER;
    if (count == 1)
        return places[0];
    struct step steps[2] = {asking(f, code, places, count), {.code = STEP_DONE}};
    uint32_t place = (uint32_t)fused->step_count;
    for (size_t i = 0; i < 2; i++) {
        fused->steps =
            fuse_grown(fused->steps, fused->step_count, &f->step_room, sizeof(fused->steps[0]));
        fused->steps[fused->step_count++] = steps[i];
    }
    return place;
}

static bool string_allowed(const struct op *values, struct slice s)
{
    if (values->code == OP_CONST)
        return slice_equal(string_of(values->as.value), s);
    return names_find(values->as.strings, s) != NULL;
}

static size_t string_count(const struct op *values)
{
    return values->code == OP_CONST ? 1 : values->as.strings->count;
}

static struct slice string_at(const struct op *values, size_t i)
{
    return values->code == OP_CONST ? string_of(values->as.value)
                                    : values->as.strings->list[i].text;
}

/* The place that asks the branches which may hold if the property is this string. */
static uint32_t place_told(struct fuser *f, enum step_code code, const struct choice *choice,
                           struct slice s)
{
    size_t count = 0;
    if (!fuse_spend(f, choice->count))
        return PLACE_NEVER;
    for (size_t i = 0; i < choice->count; i++)
        if (!choice->told[i].values || string_allowed(choice->told[i].values, s))
            choice->some[count++] = choice->places[i];
    return place_asking(f, code, choice->some, count);
}

/* … and if it is none of the strings, or not there. */
static uint32_t place_untold(struct fuser *f, enum step_code code, const struct choice *choice)
{
    size_t count = 0;
    for (size_t i = 0; i < choice->count; i++)
        if (!choice->told[i].values || !choice->told[i].required)
            choice->some[count++] = choice->places[i];
    return place_asking(f, code, choice->some, count);
}

static bool told_earlier(const struct choice *choice, size_t before, struct slice s)
{
    for (size_t i = 0; i < before; i++)
        if (choice->told[i].values && string_allowed(choice->told[i].values, s))
            return true;
    return false;
}

static void tell_add(struct fuser *f, struct tell *tell, enum step_code code,
                     const struct choice *choice, size_t branch)
{
    const struct op *values = choice->told[branch].values;
    for (size_t i = 0; values && i < string_count(values) && fuse_spend(f, branch); i++) {
        struct slice s = string_at(values, i);
        if (told_earlier(choice, branch, s))
            continue;
        tell->places.list[tell->places.count++] = (struct known_name){
            .ptr = s.ptr, .len = (uint32_t)s.len, .to = place_told(f, code, choice, s)};
    }
}

static void add_switch(struct strand *b, enum step_code code, struct choice *choice,
                       struct slice name)
{
    size_t total = 0;
    for (size_t i = 0; i < choice->count; i++) {
        choice->told[i] = (struct telling){.name = name};
        telling_find(b->f, choice->nodes[i], &choice->told[i], 0);
        total += choice->told[i].values ? string_count(choice->told[i].values) : 0;
    }
    struct tell *tell = block_alloc(b->f->contract, sizeof(*tell));
    tell->name = name;
    tell->places.list = block_alloc(b->f->contract, total * sizeof(tell->places.list[0]));
    for (size_t i = 0; i < choice->count; i++)
        tell_add(b->f, tell, code, choice, i);
    b->f->failed |= !name_table_build(b->f->contract, &tell->places);
    struct step *step = strand_add(b, STEP_SWITCH);
    step->target = place_untold(b->f, code, choice);
    step->as.tell = tell;
}

static void add_choice(struct strand *b, enum step_code code, struct choice *choice)
{
    struct telling_search search = {.choice = choice};
    if (b->type == JSON_OBJECT && choice->count <= MOST_TOLD)
        for (size_t i = 0; i < choice->count && i < 2; i++)
            consider_names(b->f, &search, choice->nodes[i], 0);
    if (search.best_count > 1)
        add_switch(b, code, choice, search.best);
    else
        *strand_add(b, code) = asking(b->f, code, choice->places, choice->count);
}

static void fuse_choice(struct strand *b, const struct op *op, enum step_code code)
{
    struct choice choice;
    choice_init(&choice, b, op);
    if (choice.count == 0 || (code == STEP_ONE && choice.always > 1))
        b->never = true;
    else if (choice.count == 1)
        strand_add_node(b, choice.nodes[0]);
    else if (code == STEP_ONE || choice.always == 0)
        add_choice(b, code, &choice);
    choice_done(&choice);
}

void fuse_any(struct strand *b, const struct op *op)
{
    fuse_choice(b, op, STEP_ANY);
}

void fuse_one(struct strand *b, const struct op *op)
{
    fuse_choice(b, op, STEP_ONE);
}

void fuse_not(struct strand *b, const struct op *op)
{
    uint32_t place = place_of_node(b, op->as.child);
    if (place == PLACE_ALWAYS)
        b->never = true;
    else if (place != PLACE_NEVER)
        strand_add(b, STEP_NOT)->target = place;
}

void fuse_dependent(struct strand *b, const struct op *op)
{
    uint32_t place = place_of_node(b, op->as.dependent->node);
    if (place == PLACE_ALWAYS)
        return;
    struct step *step = strand_add(b, STEP_DEPENDENT);
    step->target = place;
    step->as.name = op->as.dependent->name;
}

void fuse_if(struct strand *b, const struct op *op)
{
    uint32_t test = place_of_node(b, op->as.condition.test);
    uint32_t then = op->as.condition.then, otherwise = op->as.condition.otherwise;
    if (test == PLACE_ALWAYS || test == PLACE_NEVER) {
        uint32_t node = test == PLACE_ALWAYS ? then : otherwise;
        if (node != NO_NODE)
            strand_add_node(b, node);
        return;
    }
    uint32_t yes = then == NO_NODE ? PLACE_ALWAYS : place_of_node(b, then);
    uint32_t no = otherwise == NO_NODE ? PLACE_ALWAYS : place_of_node(b, otherwise);
    if (yes == PLACE_ALWAYS && no == PLACE_ALWAYS)
        return;
    struct step *step = strand_add(b, STEP_IF);
    step->target = test;
    step->as.branches.then = yes;
    step->as.branches.otherwise = no;
}
