/* SPDX-License-Identifier: Apache-2.0
 *
 * From compiled contracts to terms: every op is a conjunction, disjunction or negation of atoms. A
 * node that is reached again while it is being built (a schema of trees) becomes a TERM_NODE, whose
 * meaning is noted when it is done; it is always a property or an item away from itself. Nodes that
 * lie very deep are left for later in the same way.
 */
#include "contract/contain_internal.h"

#include "base/limits.h"

#include <stdlib.h>

enum { BUILD_DEPTH = 150, BUILD_TERMS = 400000, ONE_OF_MOST = 64 };

struct vertex {
    struct vertex *next, *later;
    const struct passed *passed;
    uint32_t index; /* of the node in its contract */
    lit lit;        /* LIT_NONE while it is being built */
    lit node;       /* TERM_NODE, or LIT_NONE           */
};

static const struct passed *passed_with(struct build *b, uint32_t resource)
{
    for (const struct passed *p = b->passed; p; p = p->up)
        if (p->resource == resource)
            return b->passed;
    for (const struct passed *p = b->all_passed; p; p = p->others)
        if (p->up == b->passed && p->resource == resource)
            return p;
    struct passed *p = chunk_alloc(b->c, sizeof(*p));
    *p = (struct passed){b->passed, b->all_passed, resource};
    b->all_passed = p;
    return p;
}

const struct passed *build_enter(struct build *b, uint32_t node)
{
    const struct passed *before = b->passed;
    if (b->dynamic)
        b->passed = passed_with(b, b->contract->origins[node].resource);
    return before;
}

uint32_t build_target(const struct build *b, const struct op *op)
{
    if (op->code == OP_REF)
        return op->as.child;
    const struct dynamic_ref *ref = op->as.dynamic;
    uint32_t target = ref->otherwise;
    for (const struct passed *p = b->passed; p; p = p->up)
        for (size_t i = 0; i < ref->count; i++)
            if (ref->targets[i].resource == p->resource)
                target = ref->targets[i].node;
    return target;
}

lit build_names(struct contain *c, const struct names *names)
{
    struct value_set set = {.list = xcalloc(names->count + 1, sizeof(set.list[0]))};
    for (size_t i = 0; i < names->count; i++) {
        struct slice text = names->list[i].text;
        if (names->list[i].node != NO_NODE)
            set.list[set.count++] = contain_own(c, json_stringn(text.ptr, text.len));
    }
    lit made = lit_values(c, &set);
    free((void *)set.list);
    return made;
}

static lit build_strings(struct contain *c, const struct names *names)
{
    struct value_set set = {.list = xcalloc(names->count + 1, sizeof(set.list[0]))};
    for (size_t i = 0; i < names->count; i++)
        set.list[set.count++] =
            contain_own(c, json_stringn(names->list[i].text.ptr, names->list[i].text.len));
    lit made = lit_values(c, &set);
    free((void *)set.list);
    return made;
}

static unsigned kinds_of_types(const struct op *op)
{
    static const struct {
        unsigned type, kinds;
    } rows[] = {
        {TYPE_BIT(JSON_NULL), KIND_BIT(VALUE_NULL)},
        {TYPE_BIT(JSON_FALSE), KIND_BIT(VALUE_FALSE)},
        {TYPE_BIT(JSON_TRUE), KIND_BIT(VALUE_TRUE)},
        {TYPE_BIT(JSON_INTEGER), KIND_BIT(VALUE_INTEGER)},
        {TYPE_BIT(JSON_REAL), KINDS_NUMBER},
        {TYPES_STRING, KINDS_STRING},
        {TYPES_ARRAY, KINDS_ARRAY},
        {TYPES_OBJECT, KINDS_OBJECT},
    };
    unsigned kinds = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (op->as.type.types & rows[i].type)
            kinds |= rows[i].kinds;
    return kinds;
}

static lit build_list(struct build *b, const struct op *op)
{
    const uint32_t *children = b->contract->children + op->as.children.first;
    size_t count = op->as.children.count;
    lit *list = xmalloc((count + 1) * sizeof(lit));
    for (size_t i = 0; i < count; i++)
        list[i] = build_child(b, op->node, children[i]);
    lit made = op->code == OP_ALL_OF ? lit_all(b->c, list, count) : lit_any(b->c, list, count);
    free(list);
    return made;
}

/* One of them, and of no pair both. */
static lit build_one(struct build *b, const struct op *op)
{
    const uint32_t *children = b->contract->children + op->as.children.first;
    size_t count = op->as.children.count, pairs = 0;
    lit *list = xmalloc((count + 1) * sizeof(lit));
    for (size_t i = 0; i < count; i++)
        list[i] = build_child(b, op->node, children[i]);
    lit *all = xmalloc((count * (count - 1) / 2 + 2) * sizeof(lit));
    if (count > ONE_OF_MOST)
        all[pairs++] = lit_opaque(b->c);
    for (size_t i = 0; i < count && count <= ONE_OF_MOST; i++)
        for (size_t j = 0; j < i; j++)
            all[pairs++] = lit_not(lit_and(b->c, list[i], list[j]));
    all[pairs++] = lit_any(b->c, list, count);
    lit made = lit_all(b->c, all, pairs);
    free(list);
    free(all);
    return made;
}

static lit build_items(struct build *b, const struct op *op)
{
    const uint32_t *prefix = b->contract->children + op->as.children.first;
    size_t count = op->as.children.count;
    lit *list = xmalloc((count + 1) * sizeof(lit));
    for (size_t i = 0; i < count; i++)
        list[i] = lit_not(lit_item(b->c, i, lit_not(build_child(b, op->node, prefix[i]))));
    list[count] = LIT_TRUE;
    if (op->as.children.rest != NO_NODE) {
        lit rest = build_child(b, op->node, op->as.children.rest);
        list[count] = lit_not(lit_count(b->c, count, 1, lit_not(rest)));
    }
    lit made = lit_all(b->c, list, count + 1);
    free(list);
    return made;
}

static lit build_contains(struct build *b, const struct op *op)
{
    lit child = build_child(b, op->node, op->as.contains.child);
    lit made = lit_guarded(b->c, KINDS_ARRAY, lit_count(b->c, 0, op->as.contains.min, child));
    if (op->as.contains.max == UINT32_MAX)
        return made;
    size_t over = (size_t)op->as.contains.max + 1;
    return lit_and(b->c, made, lit_not(lit_count(b->c, 0, over, child)));
}

/* All names that no keyword of the op speaks of. */
static lit other_names(struct contain *c, const struct object_rule *rule)
{
    lit *list = xmalloc((rule->pattern_count + 1) * sizeof(lit));
    for (size_t i = 0; i < rule->pattern_count; i++)
        list[i] = lit_not(lit_pattern(c, rule->patterns[i].regex));
    list[rule->pattern_count] = lit_not(build_names(c, &rule->names));
    lit made = lit_all(c, list, rule->pattern_count + 1);
    free(list);
    return made;
}

static lit build_object(struct build *b, const struct op *op)
{
    struct contain *c = b->c;
    const struct object_rule *rule = op->as.object;
    lit *list = xmalloc((2 * rule->names.count + rule->pattern_count + 2) * sizeof(lit));
    size_t count = 0;
    for (size_t i = 0; i < rule->names.count; i++) {
        const struct name *name = &rule->names.list[i];
        if (name->required)
            list[count++] = lit_guarded(c, KINDS_OBJECT, lit_property(c, name->text, LIT_TRUE));
        if (name->node == NO_NODE)
            continue;
        lit value = build_child(b, op->node, name->node);
        list[count++] = lit_not(lit_property(c, name->text, lit_not(value)));
    }
    for (size_t i = 0; i < rule->pattern_count; i++) {
        lit value = build_child(b, op->node, rule->patterns[i].node);
        lit key = lit_pattern(c, rule->patterns[i].regex);
        list[count++] = lit_not(lit_keys(c, 1, key, lit_not(value)));
    }
    if (rule->rest != NO_NODE) {
        lit value = build_child(b, op->node, rule->rest);
        list[count++] = lit_not(lit_keys(c, 1, other_names(c, rule), lit_not(value)));
    }
    if (rule->names_node != NO_NODE) {
        lit key = build_child(b, op->node, rule->names_node);
        list[count++] = lit_not(lit_keys(c, 1, lit_not(key), LIT_TRUE));
    }
    lit made = lit_all(c, list, count);
    free(list);
    return made;
}

static lit build_dependent(struct build *b, const struct op *op)
{
    const struct dependent *d = op->as.dependent;
    lit without = lit_not(lit_property(b->c, d->name, LIT_TRUE));
    if (op->code == OP_DEPENDENT_SCHEMA)
        return lit_or(b->c, without, build_child(b, op->node, d->node));
    lit *list = xmalloc((d->need_count + 1) * sizeof(lit));
    for (size_t i = 0; i < d->need_count; i++)
        list[i] = lit_property(b->c, d->needs[i], LIT_TRUE);
    lit made = lit_or(b->c, without, lit_all(b->c, list, d->need_count));
    free(list);
    return made;
}

static lit build_if(struct build *b, const struct op *op)
{
    uint32_t then = op->as.condition.then, otherwise = op->as.condition.otherwise;
    lit test = build_child(b, op->node, op->as.condition.test);
    lit yes = then == NO_NODE ? LIT_TRUE : build_child(b, op->node, then);
    lit no = otherwise == NO_NODE ? LIT_TRUE : build_child(b, op->node, otherwise);
    return lit_and(b->c, lit_or(b->c, lit_not(test), yes), lit_or(b->c, test, no));
}

static lit build_most(lit over, size_t most)
{
    return most == SIZE_MAX ? LIT_TRUE : lit_not(over);
}

static lit build_op(struct build *b, const struct op *op)
{
    struct contain *c = b->c;
    size_t n = op->as.count;
    switch ((enum op_code)op->code) {
    case OP_NEVER:
        return LIT_FALSE;
    case OP_TYPE:
        return lit_kinds(c, kinds_of_types(op));
    case OP_CONST:
        return lit_value(c, op->as.value);
    case OP_ENUM:
        return lit_values(c, op->as.set);
    case OP_ENUM_STRINGS:
        return build_strings(c, op->as.strings);
    case OP_MINIMUM:
        return lit_guarded(c, KINDS_NUMBER, lit_above(c, op->as.bound, false));
    case OP_EXCLUSIVE_MINIMUM:
        return lit_guarded(c, KINDS_NUMBER, lit_above(c, op->as.bound, true));
    case OP_MAXIMUM:
        return lit_not(lit_above(c, op->as.bound, true));
    case OP_EXCLUSIVE_MAXIMUM:
        return lit_not(lit_above(c, op->as.bound, false));
    case OP_MULTIPLE_OF:
        return lit_guarded(c, KINDS_NUMBER, lit_multiple(c, *op->as.divisor));
    case OP_MIN_LENGTH:
        return lit_guarded(c, KINDS_STRING, lit_length(c, n));
    case OP_MAX_LENGTH:
        return build_most(lit_length(c, n + 1), n);
    case OP_FORMAT:
        return lit_guarded(c, KINDS_STRING, lit_format(c, op->as.format));
    case OP_PATTERN:
        return lit_guarded(c, KINDS_STRING, lit_pattern(c, op->as.regex));
    case OP_MIN_ITEMS:
        return lit_guarded(c, KINDS_ARRAY, lit_count(c, 0, n, LIT_TRUE));
    case OP_MAX_ITEMS:
        return build_most(lit_count(c, 0, n + 1, LIT_TRUE), n);
    case OP_UNIQUE_ITEMS:
        return lit_guarded(c, KINDS_ARRAY, lit_unique(c));
    case OP_ITEMS:
        return build_items(b, op);
    case OP_CONTAINS:
        return build_contains(b, op);
    case OP_MIN_PROPERTIES:
        return lit_guarded(c, KINDS_OBJECT, lit_keys(c, n, LIT_TRUE, LIT_TRUE));
    case OP_MAX_PROPERTIES:
        return build_most(lit_keys(c, n + 1, LIT_TRUE, LIT_TRUE), n);
    case OP_OBJECT:
        return build_object(b, op);
    case OP_DEPENDENT_REQUIRED:
    case OP_DEPENDENT_SCHEMA:
        return build_dependent(b, op);
    case OP_REF:
    case OP_DYNAMIC_REF:
        return build_reference(b, op);
    case OP_ALL_OF:
    case OP_ANY_OF:
        return build_list(b, op);
    case OP_ONE_OF:
        return build_one(b, op);
    case OP_NOT:
        return lit_not(build_child(b, op->node, op->as.child));
    case OP_IF:
        return build_if(b, op);
    case OP_UNEVALUATED_ITEMS:
    case OP_UNEVALUATED_PROPERTIES:
        return build_unevaluated(b, op->node, op);
    }
    assert_failed("an op has a meaning", __FILE__, __LINE__);
}

static lit build_node(struct build *b, uint32_t node)
{
    const struct node *n = &b->contract->nodes[node];
    lit *list = xmalloc((n->count + 1) * sizeof(lit));
    for (uint32_t i = 0; i < n->count; i++) {
        b->c->node = node;
        list[i] = build_op(b, &b->contract->ops[n->first + i]);
    }
    b->c->node = node;
    lit made = lit_all(b->c, list, n->count);
    free(list);
    return made;
}

static lit build_now(struct build *b, struct vertex *v)
{
    b->depth++;
    lit made = build_node(b, v->index);
    b->depth--;
    v->lit = v->node == LIT_NONE ? made : v->node;
    if (v->node != LIT_NONE)
        b->c->node_meanings[term_of(b->c, v->node)->n] = made;
    return v->lit;
}

static lit build_vertex(struct build *b, uint32_t node)
{
    struct vertex *v = b->vertices[node];
    while (v && v->passed != b->passed)
        v = v->next;
    if (v && v->lit != LIT_NONE)
        return v->lit;
    if (v) {
        if (v->node == LIT_NONE)
            v->node = lit_node(b->c);
        return v->node;
    }
    b->failed |= b->c->term_count >= BUILD_TERMS;
    if (b->failed)
        return LIT_TRUE;
    v = chunk_alloc(b->c, sizeof(*v));
    *v = (struct vertex){.next = b->vertices[node],
                         .later = b->later,
                         .passed = b->passed,
                         .index = node,
                         .lit = LIT_NONE,
                         .node = LIT_NONE};
    b->vertices[node] = v;
    if (b->depth < BUILD_DEPTH)
        return build_now(b, v);
    b->later = v;
    v->node = v->lit = lit_node(b->c);
    return v->lit;
}

lit build_child(struct build *b, uint32_t from, uint32_t node)
{
    uint32_t before_node = b->c->node;
    const struct passed *before = build_enter(b, node);
    /* The way to a dynamic anchor leads through the document; a value that stands in it twice has
     * two ways. */
    b->failed |= b->dynamic && b->contract->origins[node].parent != from;
    lit made = build_vertex(b, node);
    b->passed = before;
    b->c->node = before_node;
    return made;
}

lit build_reference(struct build *b, const struct op *op)
{
    uint32_t target = build_target(b, op);
    const struct passed *before = build_enter(b, target);
    lit made = build_vertex(b, target);
    b->passed = before;
    return made;
}

static bool has_dynamic_references(const struct contract *contract)
{
    for (size_t i = 0; i < contract->op_count; i++)
        if (contract->ops[i].code == OP_DYNAMIC_REF)
            return true;
    return false;
}

bool contain_build(struct contain *c, unsigned side, lit *ret_lit)
{
    const struct contract *contract = c->contracts[side];
    struct build b = {.c = c,
                      .contract = contract,
                      .vertices = xcalloc(contract->node_count, sizeof(b.vertices[0])),
                      .dynamic = has_dynamic_references(contract)};
    c->side = (uint8_t)side;
    build_enter(&b, contract->root);
    *ret_lit = build_vertex(&b, contract->root);
    for (struct vertex *v; (v = b.later) && !b.failed;) {
        b.later = v->later;
        b.passed = v->passed;
        build_now(&b, v);
    }
    free(b.vertices);
    if (b.failed)
        contain_doubt(c, "size", "a schema is too large or too intertwined to be compared",
                      LIT_TRUE);
    return !b.failed;
}
