/* SPDX-License-Identifier: Apache-2.0
 *
 * What one op becomes when the type of the value is known: nothing, if it holds for all values of
 * that type; the end of the strand, if for none; else a tighter bound, a step, or what its branches
 * become.
 */
#include "contract/fuse_internal.h"

#include <math.h>

#define TWO_63 9223372036854775808.0

/* Asks the op itself, as the walk would. */
static void ask(struct strand *b, const struct op *op)
{
    strand_add(b, STEP_ASSERTION)->as.op = op;
}

static void fuse_type(struct strand *b, const struct op *op)
{
    if (op->as.type.types & TYPE_BIT(b->type))
        return;
    if (op->as.type.integral && b->type == JSON_REAL)
        strand_add(b, STEP_INTEGRAL);
    else
        b->never = true;
}

static void at_least(struct strand *b, int64_t least)
{
    if (least > b->least)
        b->least = least;
}

static void at_most(struct strand *b, int64_t most)
{
    if (most < b->most)
        b->most = most;
}

/* A bound on integers: what it asks is the same of the whole number next to it. */
static void bound_integers(struct strand *b, const struct op *op)
{
    struct number bound = op->as.bound;
    bool lower = op->code == OP_MINIMUM || op->code == OP_EXCLUSIVE_MINIMUM;
    bool exclusive = op->code == OP_EXCLUSIVE_MINIMUM || op->code == OP_EXCLUSIVE_MAXIMUM;
    int64_t whole = bound.integer ? bound.i : 0;
    if (!bound.integer) {
        double rounded = lower ? ceil(bound.d) : floor(bound.d);
        exclusive &= rounded == bound.d;
        if (rounded >= TWO_63 || rounded < -TWO_63) {
            b->never |= lower == (rounded > 0);
            return;
        }
        whole = (int64_t)rounded;
    }
    if (exclusive && whole == (lower ? INT64_MAX : INT64_MIN))
        b->never = true;
    else if (lower)
        at_least(b, whole + exclusive);
    else
        at_most(b, whole - exclusive);
}

static void fuse_bound(struct strand *b, const struct op *op)
{
    if (b->type == JSON_INTEGER)
        bound_integers(b, op);
    else
        ask(b, op);
}

static void add_strings(struct strand *b, const struct known_name *list, size_t count)
{
    if (count == 0) {
        b->never = true;
        return;
    }
    if (count == 1) {
        strand_add(b, STEP_STRING)->as.text = (struct slice){list[0].ptr, list[0].len};
        return;
    }
    struct name_table *table = block_alloc(b->f->contract, sizeof(*table));
    table->list = block_alloc(b->f->contract, count * sizeof(table->list[0]));
    table->count = count;
    for (size_t i = 0; i < count; i++)
        table->list[i] = list[i];
    b->f->failed |= !name_table_build(b->f->contract, table);
    strand_add(b, STEP_STRINGS)->as.names = table;
}

static struct known_name known(struct slice s)
{
    return (struct known_name){.ptr = s.ptr, .len = (uint32_t)s.len};
}

static void fuse_strings(struct strand *b, const struct names *strings)
{
    struct known_name *list = block_alloc(b->f->contract, (strings->count + 1) * sizeof(*list));
    if (!fuse_spend(b->f, strings->count))
        return;
    for (size_t i = 0; i < strings->count; i++)
        list[i] = known(strings->list[i].text);
    add_strings(b, list, strings->count);
}

static void fuse_string_members(struct strand *b, const struct value_set *set)
{
    struct known_name *list = block_alloc(b->f->contract, (set->count + 1) * sizeof(*list));
    size_t count = 0;
    if (!fuse_spend(b->f, set->count))
        return;
    /* The set is sorted: what is twice in it lies side by side. */
    for (size_t i = 0; i < set->count; i++)
        if (json_is_string(set->list[i]) &&
            (i == 0 || !contract_equal(set->list[i - 1], set->list[i])))
            list[count++] = known(string_of(set->list[i]));
    add_strings(b, list, count);
}

/* Whether a value of the strand's type can be equal to this one at all. */
static bool comparable(const struct strand *b, const json_t *value)
{
    if (b->type == JSON_INTEGER || b->type == JSON_REAL)
        return json_is_number(value);
    return json_typeof(value) == b->type;
}

static void fuse_const(struct strand *b, const struct op *op)
{
    const json_t *value = op->as.value;
    if (!comparable(b, value)) {
        b->never = true;
    } else if (b->type == JSON_STRING) {
        const struct known_name name = known(string_of(value));
        add_strings(b, &name, 1);
    } else if (b->type == JSON_INTEGER && json_is_integer(value)) {
        at_least(b, json_integer_value(value));
        at_most(b, json_integer_value(value));
    } else if (b->type <= JSON_REAL) {
        ask(b, op);
    }
}

static void fuse_enum(struct strand *b, const struct op *op)
{
    const struct value_set *set = op->as.set;
    bool any = false;
    for (size_t i = 0; i < set->count; i++)
        any |= comparable(b, set->list[i]);
    if (!any)
        b->never = true;
    else if (b->type == JSON_STRING)
        fuse_string_members(b, set);
    else if (b->type <= JSON_REAL)
        ask(b, op);
}

static void fuse_items(struct strand *b, const struct op *op)
{
    struct fuser *f = b->f;
    const uint32_t *nodes = f->contract->children + op->as.children.first;
    size_t count = op->as.children.count;
    uint32_t rest =
        op->as.children.rest == NO_NODE ? GATE_ALWAYS : gate_of_node(f, op->as.children.rest);
    if (!fuse_spend(f, count))
        return;
    if (count == 0) {
        if (rest != GATE_ALWAYS)
            strand_add(b, STEP_EACH)->target = rest;
        return;
    }
    uint32_t first = (uint32_t)f->fused->list_count;
    for (size_t i = 0; i < count; i++) {
        uint32_t gate = gate_of_node(f, nodes[i]);
        fuse_list(f, &gate, 1);
    }
    struct step *step = strand_add(b, STEP_ITEMS);
    step->as.items.first = first;
    step->as.items.count = (uint32_t)count;
    step->as.items.rest = rest;
}

static void fuse_contains(struct strand *b, const struct op *op)
{
    struct step *step = strand_add(b, STEP_CONTAINS);
    step->target = gate_of_node(b->f, op->as.contains.child);
    step->as.contains.min = op->as.contains.min;
    step->as.contains.max = op->as.contains.max;
}

static void fuse_dynamic(struct strand *b, const struct op *op)
{
    uint32_t target = dynamic_only_target(b->f->contract, op->as.dynamic);
    if (target == NO_NODE)
        b->f->failed = true;
    else
        strand_add_node(b, target);
}

static void fuse_all(struct strand *b, const struct op *op)
{
    const uint32_t *children = b->f->contract->children + op->as.children.first;
    for (uint32_t i = 0; i < op->as.children.count && !b->never; i++)
        strand_add_node(b, children[i]);
}

static void fuse_least(struct strand *b, const struct op *op)
{
    if (op->as.count > b->shortest)
        b->shortest = op->as.count;
}

static void fuse_most(struct strand *b, const struct op *op)
{
    if (op->as.count < b->longest)
        b->longest = op->as.count;
}

void fuse_op(struct strand *b, const struct op *op)
{
    switch ((enum op_code)op->code) {
    case OP_NEVER:
        b->never = true;
        break;
    case OP_TYPE:
        fuse_type(b, op);
        break;
    case OP_CONST:
        fuse_const(b, op);
        break;
    case OP_ENUM:
        fuse_enum(b, op);
        break;
    case OP_ENUM_STRINGS:
        if (b->type == JSON_STRING)
            fuse_strings(b, op->as.strings);
        else
            b->never = true;
        break;
    case OP_MINIMUM:
    case OP_EXCLUSIVE_MINIMUM:
    case OP_MAXIMUM:
    case OP_EXCLUSIVE_MAXIMUM:
        fuse_bound(b, op);
        break;
    case OP_MULTIPLE_OF:
        ask(b, op);
        break;
    case OP_MIN_LENGTH:
    case OP_MIN_ITEMS:
    case OP_MIN_PROPERTIES:
        fuse_least(b, op);
        break;
    case OP_MAX_LENGTH:
    case OP_MAX_ITEMS:
    case OP_MAX_PROPERTIES:
        fuse_most(b, op);
        break;
    case OP_FORMAT:
        strand_add(b, STEP_FORMAT)->as.format = op->as.format;
        break;
    case OP_PATTERN:
        if (!regex_always(op->as.regex))
            strand_add(b, regex_is_simple(op->as.regex) ? STEP_RUN : STEP_PATTERN)->as.regex =
                op->as.regex;
        break;
    case OP_UNIQUE_ITEMS:
        strand_add(b, STEP_UNIQUE);
        break;
    case OP_ITEMS:
        fuse_items(b, op);
        break;
    case OP_CONTAINS:
        fuse_contains(b, op);
        break;
    case OP_OBJECT:
        view_add(b, &op->as.object, 1, op->as.object->rest, true);
        break;
    case OP_DEPENDENT_REQUIRED:
        strand_add(b, STEP_DEPENDENT_NAMES)->as.op = op;
        break;
    case OP_DEPENDENT_SCHEMA:
        fuse_dependent(b, op);
        break;
    case OP_REF:
        strand_add_node(b, op->as.child);
        break;
    case OP_DYNAMIC_REF:
        fuse_dynamic(b, op);
        break;
    case OP_ALL_OF:
        fuse_all(b, op);
        break;
    case OP_ANY_OF:
        fuse_any(b, op);
        break;
    case OP_ONE_OF:
        fuse_one(b, op);
        break;
    case OP_NOT:
        fuse_not(b, op);
        break;
    case OP_IF:
        fuse_if(b, op);
        break;
    case OP_UNEVALUATED_ITEMS:
    case OP_UNEVALUATED_PROPERTIES:
        break; /* said by fuse_unevaluated() already */
    }
}
