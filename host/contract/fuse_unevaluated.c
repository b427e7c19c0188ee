/* SPDX-License-Identifier: Apache-2.0
 *
 * unevaluatedProperties and unevaluatedItems. What the other keywords look at is made of *regions*:
 * the rules that hold whatever the value is, and for each branch of an anyOf, if and their kin the
 * rules in it, which count if the branch holds. A branch inside a branch is a region within a
 * region. Where there is but the first region, the keyword is one more view of an object, or one
 * more rule for items. Else it is a step of its own, which tests the regions that speak of a
 * property that no other does; of items, which is rare, the walk is asked.
 */
#include "contract/fuse_internal.h"

#include <stdlib.h>

enum { SURELY = 0 /* the first region */ };

struct regions {
    struct strand *b;
    uint32_t node; /* of unevaluated… */
    struct region *list;
    size_t count, room;
    size_t prefix;  /* items that are looked at */
    bool all_items; /* or all of them           */
};

static bool looks_at_names(const struct object_rule *rule)
{
    bool names = rule->rest != NO_NODE || rule->pattern_count > 0;
    for (size_t i = 0; i < rule->names.count && !names; i++)
        names = rule->names.list[i].node != NO_NODE;
    return names;
}

static uint32_t region_add(struct regions *s, struct region region)
{
    s->list = fuse_grown(s->list, s->count, &s->room, sizeof(s->list[0]));
    s->list[s->count] = region;
    return (uint32_t)s->count++;
}

static void rule_add(struct regions *s, uint32_t at, const struct object_rule *rule)
{
    struct region *region = &s->list[at];
    if (!looks_at_names(rule) || !fuse_spend(s->b->f, region->rule_count))
        return;
    const struct object_rule **rules =
        block_alloc(s->b->f->contract, (region->rule_count + 1) * sizeof(rules[0]));
    for (size_t i = 0; i < region->rule_count; i++)
        rules[i] = region->rules[i];
    rules[region->rule_count++] = rule;
    region->rules = rules;
    region->all |= rule->rest != NO_NODE;
}

static bool look_into(struct regions *s, uint32_t node, uint32_t at);

/* A branch that may hold, as a region within another. */
static bool look_into_branch(struct regions *s, struct region region, uint32_t node)
{
    if (node == NO_NODE || (region.kind == REGION_IF && region.place == PLACE_NEVER) ||
        (region.kind == REGION_UNLESS && region.place == PLACE_ALWAYS))
        return true;
    return look_into(s, node, region_add(s, region));
}

static bool look_into_list(struct regions *s, const struct op *op, uint32_t at)
{
    const uint32_t *children = s->b->f->contract->children + op->as.children.first;
    bool known = true;
    for (uint32_t i = 0; i < op->as.children.count && known; i++) {
        struct region region = {.within = at, .kind = REGION_IF};
        if (op->code == OP_ALL_OF) {
            known = look_into(s, children[i], at);
        } else {
            region.place = place_of_node(s->b, children[i]);
            known = look_into_branch(s, region, children[i]);
        }
    }
    return known;
}

static bool look_into_if(struct regions *s, const struct op *op, uint32_t at)
{
    uint32_t place = place_of_node(s->b, op->as.condition.test);
    struct region yes = {.within = at, .kind = REGION_IF, .place = place};
    struct region no = {.within = at, .kind = REGION_UNLESS, .place = place};
    return look_into_branch(s, yes, op->as.condition.test) &&
           look_into_branch(s, yes, op->as.condition.then) &&
           look_into_branch(s, no, op->as.condition.otherwise);
}

static bool look_into_items(struct regions *s, const struct op *op, uint32_t at)
{
    if (op->as.children.count > s->prefix)
        s->prefix = op->as.children.count;
    s->all_items |= op->as.children.rest != NO_NODE;
    return at == SURELY;
}

static bool look_into_unevaluated(struct regions *s, const struct op *op, uint32_t at)
{
    if (op->node == s->node)
        return true;
    s->list[at].all = true;
    s->all_items = true;
    return at == SURELY || op->code == OP_UNEVALUATED_PROPERTIES;
}

/* False if it cannot be said in regions what the op looks at. */
static bool look_at(struct regions *s, const struct op *op, uint32_t at)
{
    struct region has = {.within = at, .kind = REGION_HAS};
    uint32_t target;
    switch ((enum op_code)op->code) {
    case OP_OBJECT:
        rule_add(s, at, op->as.object);
        return true;
    case OP_ITEMS:
        return look_into_items(s, op, at);
    case OP_CONTAINS:
        return !op->as.contains.evaluates;
    case OP_REF:
        return look_into(s, op->as.child, at);
    case OP_DYNAMIC_REF:
        target = dynamic_only_target(s->b->f->contract, op->as.dynamic);
        return target != NO_NODE && look_into(s, target, at);
    case OP_ALL_OF:
    case OP_ANY_OF:
    case OP_ONE_OF:
        return look_into_list(s, op, at);
    case OP_IF:
        return look_into_if(s, op, at);
    case OP_DEPENDENT_SCHEMA:
        has.name = op->as.dependent->name;
        return look_into_branch(s, has, op->as.dependent->node);
    case OP_UNEVALUATED_ITEMS:
    case OP_UNEVALUATED_PROPERTIES:
        return look_into_unevaluated(s, op, at);
    case OP_NEVER:
    case OP_TYPE:
    case OP_CONST:
    case OP_ENUM:
    case OP_ENUM_STRINGS:
    case OP_MINIMUM:
    case OP_EXCLUSIVE_MINIMUM:
    case OP_MAXIMUM:
    case OP_EXCLUSIVE_MAXIMUM:
    case OP_MULTIPLE_OF:
    case OP_MIN_LENGTH:
    case OP_MAX_LENGTH:
    case OP_FORMAT:
    case OP_PATTERN:
    case OP_MIN_ITEMS:
    case OP_MAX_ITEMS:
    case OP_UNIQUE_ITEMS:
    case OP_MIN_PROPERTIES:
    case OP_MAX_PROPERTIES:
    case OP_DEPENDENT_REQUIRED:
    case OP_NOT:
        break;
    }
    return true;
}

static bool look_into(struct regions *s, uint32_t node, uint32_t at)
{
    const struct contract *contract = s->b->f->contract;
    const struct node *n = &contract->nodes[node];
    if (!fuse_spend(s->b->f, 1 + n->count))
        return false;
    for (uint32_t i = 0; i < n->count; i++) {
        const struct op *op = &contract->ops[n->first + i];
        if ((op->types & TYPE_BIT(s->b->type)) && !look_at(s, op, at))
            return false;
    }
    return true;
}

static void unevaluated_items(struct regions *s, uint32_t child)
{
    struct fuser *f = s->b->f;
    uint32_t always = GATE_ALWAYS, first = (uint32_t)f->fused->list_count;
    if (s->all_items || !fuse_spend(f, s->prefix))
        return;
    for (size_t i = 0; i < s->prefix; i++)
        fuse_list(f, &always, 1);
    struct step *step = strand_add(s->b, STEP_ITEMS);
    step->as.items.first = first;
    step->as.items.count = (uint32_t)s->prefix;
    step->as.items.rest = gate_of_node(f, child);
}

/* Only regions that speak of something; those they are within stay for their tests. */
static bool only_first_speaks(const struct regions *s)
{
    for (size_t i = SURELY + 1; i < s->count; i++)
        if (s->list[i].rule_count > 0 || s->list[i].all)
            return false;
    return true;
}

static void unevaluated_properties(struct regions *s, uint32_t child)
{
    struct contract *contract = s->b->f->contract;
    const struct region *first = &s->list[SURELY];
    if (first->all)
        return;
    if (only_first_speaks(s)) {
        view_add(s->b, first->rules, first->rule_count, child, false);
        return;
    }
    struct leftover *leftover = block_alloc(contract, sizeof(*leftover));
    struct region *regions = block_alloc(contract, s->count * sizeof(*regions));
    for (size_t i = 0; i < s->count; i++)
        regions[i] = s->list[i];
    leftover->regions = regions;
    leftover->count = s->count;
    struct step *step = strand_add(s->b, STEP_UNEVALUATED);
    step->target = gate_of_node(s->b->f, child);
    step->as.leftover = leftover;
}

bool fuse_unevaluated(struct strand *b, uint32_t node)
{
    const struct node *n = &b->f->contract->nodes[node];
    struct regions regions = {.b = b, .node = node};
    region_add(&regions, (struct region){.kind = REGION_SURE});
    bool known = look_into(&regions, node, SURELY);
    for (uint32_t i = 0; i < n->count && known; i++) {
        const struct op *op = &b->f->contract->ops[n->first + i];
        if (op->code == OP_UNEVALUATED_ITEMS && b->type == JSON_ARRAY)
            unevaluated_items(&regions, op->as.child);
        if (op->code == OP_UNEVALUATED_PROPERTIES && b->type == JSON_OBJECT)
            unevaluated_properties(&regions, op->as.child);
    }
    free(regions.list);
    return known;
}
