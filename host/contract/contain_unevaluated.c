/* SPDX-License-Identifier: Apache-2.0
 *
 * unevaluatedProperties and unevaluatedItems without evaluation. What the other keywords of the
 * node have looked at is known but for the branches that hold: each *source* says what is looked at
 * (names, or items) if its guard holds. The keyword then is a conjunction over all sets of guards:
 * either one outside of the set holds, or what the set leaves over fits. More being looked at asks
 * less, so that the guards inside the set need not be mentioned.
 */
#include "contract/contain_internal.h"

enum { SOURCES_MOST = 48, GUARDS_MOST = 6 };

struct source {
    lit guard;
    lit seen;     /* names, or items that `contains` has found */
    size_t items; /* this many from the first; SIZE_MAX: all   */
};

struct sources {
    struct build *b;
    bool objects, overflowed;
    size_t count;
    struct source list[SOURCES_MOST];
};

static void source_add(struct sources *s, lit guard, lit seen, size_t items)
{
    if (s->count == SOURCES_MOST) {
        s->overflowed = true;
        return;
    }
    s->list[s->count++] = (struct source){guard, seen, items};
}

static void collect(struct sources *s, uint32_t node, const struct op *until, lit guard);

static void collect_child(struct sources *s, uint32_t node, lit guard)
{
    const struct passed *before = build_enter(s->b, node);
    collect(s, node, NULL, guard);
    s->b->passed = before;
}

static void collect_object(struct sources *s, const struct object_rule *rule, lit guard)
{
    struct contain *c = s->b->c;
    if (rule->rest != NO_NODE) {
        source_add(s, guard, LIT_TRUE, 0);
        return;
    }
    lit names = build_names(c, &rule->names);
    for (size_t i = 0; i < rule->pattern_count; i++)
        names = lit_or(c, names, lit_pattern(c, rule->patterns[i].regex));
    if (names != LIT_FALSE)
        source_add(s, guard, names, 0);
}

static void collect_branches(struct sources *s, const struct op *op, lit guard)
{
    const uint32_t *children = s->b->contract->children + op->as.children.first;
    for (uint32_t i = 0; i < op->as.children.count && !s->overflowed; i++) {
        lit inner = guard;
        if (op->code != OP_ALL_OF)
            inner = lit_and(s->b->c, guard, build_child(s->b, op->node, children[i]));
        collect_child(s, children[i], inner);
    }
}

static void collect_if(struct sources *s, const struct op *op, lit guard)
{
    uint32_t then = op->as.condition.then, otherwise = op->as.condition.otherwise;
    struct contain *c = s->b->c;
    lit test = build_child(s->b, op->node, op->as.condition.test);
    collect_child(s, op->as.condition.test, lit_and(c, guard, test));
    if (then != NO_NODE)
        collect_child(s, then, lit_and(c, guard, test));
    if (otherwise != NO_NODE)
        collect_child(s, otherwise, lit_and(c, guard, lit_not(test)));
}

static void collect_op(struct sources *s, const struct op *op, lit guard)
{
    struct contain *c = s->b->c;
    bool objects = s->objects;
    switch ((enum op_code)op->code) {
    case OP_OBJECT:
        if (objects)
            collect_object(s, op->as.object, guard);
        break;
    case OP_ITEMS:
        if (!objects)
            source_add(s, guard, LIT_FALSE,
                       op->as.children.rest == NO_NODE ? op->as.children.count : SIZE_MAX);
        break;
    case OP_CONTAINS:
        if (!objects && op->as.contains.evaluates)
            source_add(s, guard, build_child(s->b, op->node, op->as.contains.child), 0);
        break;
    case OP_UNEVALUATED_PROPERTIES:
        if (objects)
            source_add(s, guard, LIT_TRUE, 0);
        break;
    case OP_UNEVALUATED_ITEMS:
        if (!objects)
            source_add(s, guard, LIT_FALSE, SIZE_MAX);
        break;
    case OP_DEPENDENT_SCHEMA:
        collect_child(s, op->as.dependent->node,
                      lit_and(c, guard, lit_property(c, op->as.dependent->name, LIT_TRUE)));
        break;
    case OP_REF:
    case OP_DYNAMIC_REF:
        collect_child(s, build_target(s->b, op), guard);
        break;
    case OP_ALL_OF:
    case OP_ANY_OF:
    case OP_ONE_OF:
        collect_branches(s, op, guard);
        break;
    case OP_IF:
        collect_if(s, op, guard);
        break;
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
}

/* All that the ops of the node look at, up to the one given. */
static void collect(struct sources *s, uint32_t node, const struct op *until, lit guard)
{
    const struct node *n = &s->b->contract->nodes[node];
    if (guard == LIT_FALSE)
        return;
    for (uint32_t i = 0; i < n->count && !s->overflowed; i++) {
        const struct op *op = &s->b->contract->ops[n->first + i];
        if (op == until)
            return;
        collect_op(s, op, guard);
    }
}

/* Sources of one guard become one; those that always hold come first. False if too many are left.
 */
static bool merge(struct sources *s)
{
    size_t kept = 1;
    struct source merged[GUARDS_MOST + 1] = {{LIT_TRUE, LIT_FALSE, 0}};
    for (size_t i = 0; i < s->count; i++) {
        size_t at = 0;
        while (at < kept && merged[at].guard != s->list[i].guard)
            at++;
        if (at > GUARDS_MOST)
            return false;
        if (at == kept)
            merged[kept++] = (struct source){s->list[i].guard, LIT_FALSE, 0};
        merged[at].seen = lit_or(s->b->c, merged[at].seen, s->list[i].seen);
        if (s->list[i].items > merged[at].items)
            merged[at].items = s->list[i].items;
    }
    for (size_t i = 0; i < kept; i++)
        s->list[i] = merged[i];
    s->count = kept;
    return true;
}

/* What is left over when the guards of the set hold fits the subschema. */
static lit left_over(struct sources *s, unsigned set, lit child)
{
    struct contain *c = s->b->c;
    lit seen = s->list[0].seen, others[GUARDS_MOST + 1];
    size_t items = s->list[0].items, count = 0;
    for (size_t i = 1; i < s->count; i++) {
        if (!(set >> (i - 1) & 1)) {
            others[count++] = s->list[i].guard;
            continue;
        }
        seen = lit_or(c, seen, s->list[i].seen);
        if (s->list[i].items > items)
            items = s->list[i].items;
    }
    if (s->objects)
        others[count++] = lit_not(lit_keys(c, 1, lit_not(seen), lit_not(child)));
    else if (items == SIZE_MAX)
        return LIT_TRUE;
    else
        others[count++] =
            lit_not(lit_count(c, items, 1, lit_and(c, lit_not(child), lit_not(seen))));
    return lit_any(c, others, count);
}

lit build_unevaluated(struct build *b, uint32_t node, const struct op *op)
{
    struct sources s = {.b = b, .objects = op->code == OP_UNEVALUATED_PROPERTIES};
    lit child = build_child(b, op->node, op->as.child), sets[1u << GUARDS_MOST];
    collect(&s, node, op, LIT_TRUE);
    if (s.overflowed || !merge(&s))
        return child == LIT_TRUE ? LIT_TRUE : lit_opaque(b->c);
    unsigned count = 1u << (s.count - 1);
    for (unsigned set = 0; set < count; set++)
        sets[set] = left_over(&s, set, child);
    return lit_all(b->c, sets, count);
}
