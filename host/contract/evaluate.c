/* SPDX-License-Identifier: Apache-2.0
 *
 * The evaluator: does a value fit a node? Each op is guarded by the types it speaks of, so that a
 * string never reaches an op for arrays. Recursion follows the schema and the value; both are
 * foreign and both are bounded, by LIMIT_CONTRACT_DEPTH and LIMIT_DEPTH, and all of it by
 * LIMIT_CONTRACT_WORK. Nothing is allocated as long as the value fits, except by uniqueItems,
 * unevaluated… and PCRE2's interpreter on values that are too large for the stack.
 */
#include "contract/walk_internal.h"

#include "base/limits.h"

enum { BYTES_A_STEP = 64 }; /* of matching a pattern */

bool walk_stop(struct walk *w, enum stop why)
{
    if (w->stopped == STOP_NOT) {
        w->stopped = why;
        w->work = LIMIT_CONTRACT_WORK;
        if (w->whole)
            explain_stop(w);
    }
    return false;
}

bool evaluate_pattern(struct walk *w, const struct regex *regex, struct slice string)
{
    w->work += string.len / BYTES_A_STEP;
    enum match match = regex_match(regex, string, &w->room);
    return match == MATCH_GAVE_UP ? walk_stop(w, STOP_PATTERN) : match == MATCH_YES;
}

/* Whether the string has at least so many characters; counts no further. */
static bool characters_reach(struct slice s, size_t least)
{
    size_t count = 0;
    if (s.len < least)
        return false;
    for (size_t i = 0; i < s.len && count < least; i++)
        count += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return count >= least;
}

static bool type_holds(const struct op *op, const json_t *value)
{
    if (op->as.type.types & TYPE_BIT(json_typeof(value)))
        return true;
    return op->as.type.integral && json_is_real(value) && number_integral(json_real_value(value));
}

static bool any_holds(struct walk *w, const struct op *op, const json_t *value)
{
    const uint32_t *children = w->contract->children + op->as.children.first;
    for (uint32_t i = 0; i < op->as.children.count; i++)
        if (evaluate_muted(w, children[i], value, NULL))
            return true;
    return false;
}

static bool one_holds(struct walk *w, const struct op *op, const json_t *value)
{
    const uint32_t *children = w->contract->children + op->as.children.first;
    unsigned fitting = 0;
    for (uint32_t i = 0; i < op->as.children.count && fitting < 2; i++)
        fitting += evaluate_muted(w, children[i], value, NULL);
    return fitting == 1;
}

static bool all_hold(struct walk *w, const struct op *op, const json_t *value, struct seen *seen)
{
    const uint32_t *children = w->contract->children + op->as.children.first;
    bool hold = true;
    for (uint32_t i = 0; i < op->as.children.count; i++) {
        hold &= evaluate(w, children[i], value, seen);
        if (!hold && !w->report)
            return false;
    }
    return hold;
}

/* What a branch looks at counts only if the value fits it. */
static bool branch_fits(struct walk *w, uint32_t node, const json_t *value, struct seen *seen)
{
    struct seen branch;
    seen_init(&branch, value);
    bool fits = evaluate_muted(w, node, value, &branch);
    if (fits)
        seen_merge(seen, &branch);
    seen_done(&branch);
    return fits;
}

/* anyOf and oneOf where it matters what the branches looked at: all of them are asked. */
static bool branches_hold(struct walk *w, const struct op *op, const json_t *value,
                          struct seen *seen)
{
    const uint32_t *children = w->contract->children + op->as.children.first;
    unsigned fitting = 0;
    for (uint32_t i = 0; i < op->as.children.count; i++)
        fitting += branch_fits(w, children[i], value, seen);
    return op->code == OP_ANY_OF ? fitting > 0 : fitting == 1;
}

static bool condition_holds(struct walk *w, const struct op *op, const json_t *value,
                            struct seen *seen)
{
    bool test = seen ? branch_fits(w, op->as.condition.test, value, seen)
                     : evaluate_muted(w, op->as.condition.test, value, NULL);
    uint32_t node = test ? op->as.condition.then : op->as.condition.otherwise;
    return node == NO_NODE || evaluate(w, node, value, seen);
}

static bool reference_holds(struct walk *w, const struct op *op, uint32_t target,
                            const json_t *value, struct seen *seen)
{
    struct hop hop = {w->hop, op, target};
    w->hop = &hop;
    bool holds = evaluate(w, target, value, seen);
    w->hop = hop.up;
    return holds;
}

static uint32_t dynamic_in(const struct dynamic_ref *ref, uint32_t resource, uint32_t otherwise)
{
    for (size_t i = 0; i < ref->count; i++)
        if (ref->targets[i].resource == resource)
            return ref->targets[i].node;
    return otherwise;
}

/* The anchor in the outermost resource that we came through: each reference taken, and the nodes
 * between it and the target of the one before. */
static uint32_t dynamic_target(const struct walk *w, const struct op *op)
{
    const struct origin *origins = w->contract->origins;
    uint32_t target = op->as.dynamic->otherwise, node = op->node;
    for (const struct hop *hop = w->hop;; hop = hop->up) {
        uint32_t start = hop ? hop->to : w->contract->root;
        for (; node != NO_NODE; node = node == start ? NO_NODE : origins[node].parent)
            target = dynamic_in(op->as.dynamic, origins[node].resource, target);
        if (!hop)
            return target;
        node = hop->op->node;
    }
}

bool op_holds(struct walk *w, const struct op *op, const json_t *value, struct seen *seen)
{
    size_t first, second;
    switch ((enum op_code)op->code) {
    case OP_NEVER:
        return false;
    case OP_TYPE:
        return type_holds(op, value);
    case OP_CONST:
        return contract_equal(op->as.value, value);
    case OP_ENUM:
        return value_set_has(op->as.set, value);
    case OP_ENUM_STRINGS:
        return json_is_string(value) && names_find(op->as.strings, string_of(value));
    case OP_MINIMUM:
        return number_compare(number_of(value), op->as.bound) >= 0;
    case OP_EXCLUSIVE_MINIMUM:
        return number_compare(number_of(value), op->as.bound) > 0;
    case OP_MAXIMUM:
        return number_compare(number_of(value), op->as.bound) <= 0;
    case OP_EXCLUSIVE_MAXIMUM:
        return number_compare(number_of(value), op->as.bound) < 0;
    case OP_MULTIPLE_OF:
        return number_multiple_of(number_of(value), *op->as.divisor);
    case OP_MIN_LENGTH:
        return characters_reach(string_of(value), op->as.count);
    case OP_MAX_LENGTH:
        return string_of(value).len <= op->as.count ||
               !characters_reach(string_of(value), op->as.count + 1);
    case OP_FORMAT:
        return op->as.format->fits(string_of(value));
    case OP_PATTERN:
        return evaluate_pattern(w, op->as.regex, string_of(value));
    case OP_MIN_ITEMS:
        return json_array_size(value) >= op->as.count;
    case OP_MAX_ITEMS:
        return json_array_size(value) <= op->as.count;
    case OP_UNIQUE_ITEMS:
        return !array_repeats(value, &first, &second);
    case OP_ITEMS:
        return items_hold(w, op, value, seen);
    case OP_CONTAINS:
        return contains_holds(w, op, value, seen);
    case OP_MIN_PROPERTIES:
        return json_object_size(value) >= op->as.count;
    case OP_MAX_PROPERTIES:
        return json_object_size(value) <= op->as.count;
    case OP_OBJECT:
        return object_holds(w, op, value, seen);
    case OP_DEPENDENT_REQUIRED:
        return dependents_hold(op, value);
    case OP_DEPENDENT_SCHEMA:
        return !json_object_getn(value, op->as.dependent->name.ptr, op->as.dependent->name.len) ||
               evaluate(w, op->as.dependent->node, value, seen);
    case OP_REF:
        return reference_holds(w, op, op->as.child, value, seen);
    case OP_DYNAMIC_REF:
        return reference_holds(w, op, dynamic_target(w, op), value, seen);
    case OP_ALL_OF:
        return all_hold(w, op, value, seen);
    case OP_ANY_OF:
        return seen ? branches_hold(w, op, value, seen) : any_holds(w, op, value);
    case OP_ONE_OF:
        return seen ? branches_hold(w, op, value, seen) : one_holds(w, op, value);
    case OP_NOT:
        return !evaluate_muted(w, op->as.child, value, NULL);
    case OP_IF:
        return condition_holds(w, op, value, seen);
    case OP_UNEVALUATED_ITEMS:
        return unevaluated_items_hold(w, op, value, seen);
    case OP_UNEVALUATED_PROPERTIES:
        return unevaluated_properties_hold(w, op, value, seen);
    }
    assert_failed("an op has a meaning", __FILE__, __LINE__);
}

static bool ops_hold(struct walk *w, const struct node *node, const json_t *value,
                     struct seen *seen)
{
    const struct op *op = w->contract->ops + node->first, *end = op + node->count;
    unsigned type = TYPE_BIT(json_typeof(value));
    bool hold = true;
    if (w->depth >= LIMIT_CONTRACT_DEPTH)
        return walk_stop(w, STOP_DEPTH);
    if (w->work++ >= LIMIT_CONTRACT_WORK)
        return walk_stop(w, STOP_WORK);
    w->depth++;
    for (; op < end; op++) {
        if (!(op->types & type) || op_holds(w, op, value, seen))
            continue;
        hold = false;
        if (!w->report || w->stopped)
            break;
        explain_op(w, op, value);
    }
    w->depth--;
    return hold;
}

/* A node with unevaluated… has its own view of what was looked at. */
static __attribute__((noinline)) bool tracked_ops_hold(struct walk *w, const struct node *node,
                                                       const json_t *value, struct seen *outer)
{
    struct seen seen;
    seen_init(&seen, value);
    bool hold = ops_hold(w, node, value, &seen);
    if (outer)
        seen_merge(outer, &seen);
    seen_done(&seen);
    return hold;
}

bool evaluate(struct walk *w, uint32_t node, const json_t *value, struct seen *seen)
{
    const struct node *n = &w->contract->nodes[node];
    if (n->tracks & TYPE_BIT(json_typeof(value)))
        return tracked_ops_hold(w, n, value, seen);
    return ops_hold(w, n, value, seen);
}

bool evaluate_muted(struct walk *w, uint32_t node, const json_t *value, struct seen *seen)
{
    struct report *report = w->report;
    w->report = NULL;
    bool holds = evaluate(w, node, value, seen);
    w->report = report;
    return holds;
}

static bool evaluate_part(struct walk *w, uint32_t node, const struct place *place,
                          const json_t *value)
{
    if (w->level >= LIMIT_DEPTH)
        return walk_stop(w, STOP_LEVEL);
    w->place = place;
    w->level++;
    bool holds = evaluate(w, node, value, NULL);
    w->level--;
    w->place = place->up;
    return holds;
}

bool evaluate_property(struct walk *w, uint32_t node, struct slice key, const json_t *value)
{
    struct place place = {.up = w->place, .key = key, .named = true};
    return evaluate_part(w, node, &place, value);
}

bool evaluate_item(struct walk *w, uint32_t node, size_t index, const json_t *value)
{
    struct place place = {.up = w->place, .index = index};
    return evaluate_part(w, node, &place, value);
}

void walk_begin(struct walk *w, const struct contract *contract)
{
    w->contract = contract;
    w->place = NULL;
    w->hop = NULL;
    w->level = w->depth = 0;
    w->work = 0;
    w->stopped = STOP_NOT;
    w->report = w->whole = NULL;
    w->room.data = NULL;
    w->room.steps = 0;
    w->room.used = 0;
}

bool walk_fits(const struct contract *contract, uint32_t node, const json_t *value)
{
    struct walk w;
    walk_begin(&w, contract);
    bool fits = evaluate(&w, node, value, NULL) && w.stopped == STOP_NOT;
    match_room_done(&w.room);
    return fits;
}
