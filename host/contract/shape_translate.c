/* SPDX-License-Identifier: Apache-2.0
 *
 * A compiled contract written out again, in the plain spelling of shape_internal.h. The compiler
 * has read the dialect, bound every reference and dropped what only annotates, so two contracts of
 * any dialect, with any $id, can stand in one schema without hearing of each other. The meaning is
 * kept exactly, since a schema may stand in a `not`, where to allow more is to allow less; a
 * contract of which something cannot be said so becomes `true` as a whole: a $dynamicRef with
 * several targets, and unevaluatedItems beside a `contains` of 2019-09. The target of a reference
 * is a definition of its own; all else stands where it stood.
 */
#include "contract/shape_internal.h"

#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>

enum { INLINE_NODES = 100 };

struct translation {
    struct shapes *shapes;
    const struct contract *contract;
    size_t number; /* of the contract */
    json_t **done; /* by node */
    bool *target;  /* by node: something refers to it, and it is in `queue` */
    uint32_t *queue;
    size_t queued;
    unsigned depth;
    bool failed;
};

static json_t *translate_node(struct translation *t, uint32_t node);
static json_t *translate_child(struct translation *t, uint32_t node);

static const char *target_name(const struct translation *t, uint32_t node, char ret_name[static 32])
{
    snprintf(ret_name, 32, "%zu.%u", t->number, (unsigned)node);
    return ret_name;
}

static json_t *refer(struct translation *t, uint32_t node)
{
    char name[32], reference[48];
    if (!t->target[node]) {
        t->target[node] = true;
        t->queue[t->queued++] = node;
    }
    snprintf(reference, sizeof(reference), "#/$defs/%s", target_name(t, node, name));
    return json_string(reference);
}

/* One more schema that holds as well. */
static void add_all_of(json_t *schema, json_t *part_taken)
{
    json_t *list = json_object_get(schema, "allOf");
    if (!list) {
        list = json_array();
        json_object_set_new(schema, "allOf", list);
    }
    json_array_append_new(list, part_taken);
}

static void put_reference(struct translation *t, json_t *schema, uint32_t node)
{
    json_t *reference = refer(t, node);
    if (json_object_get(schema, "$ref"))
        add_all_of(schema, json_pack("{s:o}", "$ref", reference));
    else
        json_object_set_new(schema, "$ref", reference);
}

static void put_dynamic(struct translation *t, json_t *schema, const struct op *op)
{
    const struct dynamic_ref *ref = op->as.dynamic;
    for (size_t i = 0; i < ref->count; i++)
        t->failed |= ref->targets[i].node != ref->otherwise;
    put_reference(t, schema, ref->otherwise);
}

/* As the document has it; the compiler has checked it. */
static void put_as_written(struct translation *t, json_t *schema, const struct op *op)
{
    const char *keyword = keyword_rows[op->keyword].spelling;
    json_t *value = json_object_get(t->contract->origins[op->node].json, keyword);
    t->failed |= value == NULL;
    if (value)
        json_object_set(schema, keyword, value);
}

static void put_child(struct translation *t, json_t *schema, const char *keyword, uint32_t node)
{
    if (node != NO_NODE)
        json_object_set_new(schema, keyword, translate_child(t, node));
}

static json_t *child_list(struct translation *t, const struct op *op)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < op->as.children.count; i++)
        json_array_append_new(list,
                              translate_child(t, t->contract->children[op->as.children.first + i]));
    return list;
}

static void put_list(struct translation *t, json_t *schema, const struct op *op)
{
    json_auto_t *list = child_list(t, op);
    if (op->code == OP_ALL_OF)
        for (size_t i = 0; i < json_array_size(list); i++)
            add_all_of(schema, json_incref(json_array_get(list, i)));
    else
        json_object_set(schema, op->code == OP_ANY_OF ? "anyOf" : "oneOf", list);
}

static void put_items(struct translation *t, json_t *schema, const struct op *op)
{
    if (op->as.children.count > 0)
        json_object_set_new(schema, "prefixItems", child_list(t, op));
    put_child(t, schema, "items", op->as.children.rest);
}

static void put_contains(struct translation *t, json_t *schema, const struct op *op)
{
    put_child(t, schema, "contains", op->as.contains.child);
    if (op->as.contains.min != 1)
        json_object_set_new(schema, "minContains", json_integer(op->as.contains.min));
    if (op->as.contains.max != UINT32_MAX)
        json_object_set_new(schema, "maxContains", json_integer(op->as.contains.max));
}

/* The object under that keyword, made if it is not there. */
static json_t *map_of(json_t *schema, const char *keyword)
{
    json_t *map = json_object_get(schema, keyword);
    if (!map) {
        map = json_object();
        json_object_set_new(schema, keyword, map);
    }
    return map;
}

static void put_named(struct translation *t, json_t *map, struct slice name, json_t *value_taken)
{
    t->failed |= json_object_setn_new_nocheck(map, name.ptr, name.len, value_taken) != 0;
}

/* In the order of the document, which is the author's. */
static void put_properties(struct translation *t, json_t *schema, const struct op *op)
{
    const json_t *properties = json_object_get(t->contract->origins[op->node].json, "properties");
    struct entry e;
    if (!json_is_object(properties))
        return;
    for (bool more = entry_first(properties, &e); more; more = entry_next(properties, &e)) {
        const struct name *name = names_find(&op->as.object->names, e.key);
        if (name && name->node != NO_NODE)
            put_named(t, map_of(schema, "properties"), e.key, translate_child(t, name->node));
    }
}

static void put_object(struct translation *t, json_t *schema, const struct op *op)
{
    const struct object_rule *rule = op->as.object;
    json_t *required = json_object_get(t->contract->origins[op->node].json, "required");
    put_properties(t, schema, op);
    if (json_array_size(required) > 0)
        json_object_set(schema, "required", required);
    for (size_t i = 0; i < rule->pattern_count; i++)
        put_named(t, map_of(schema, "patternProperties"), regex_source(rule->patterns[i].regex),
                  translate_child(t, rule->patterns[i].node));
    put_child(t, schema, "additionalProperties", rule->rest);
    put_child(t, schema, "propertyNames", rule->names_node);
}

static void put_dependent(struct translation *t, json_t *schema, const struct op *op)
{
    const struct dependent *d = op->as.dependent;
    if (op->code == OP_DEPENDENT_SCHEMA) {
        put_named(t, map_of(schema, "dependentSchemas"), d->name, translate_child(t, d->node));
        return;
    }
    json_t *needs = json_array();
    for (size_t i = 0; i < d->need_count; i++)
        json_array_append_new(needs, json_stringn_nocheck(d->needs[i].ptr, d->needs[i].len));
    put_named(t, map_of(schema, "dependentRequired"), d->name, needs);
}

static void put_op(struct translation *t, json_t *schema, const struct op *op)
{
    switch ((enum op_code)op->code) {
    case OP_NEVER: /* a node of its own, see translate_node */
        break;
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
        put_as_written(t, schema, op);
        break;
    case OP_ITEMS:
        put_items(t, schema, op);
        break;
    case OP_CONTAINS:
        put_contains(t, schema, op);
        break;
    case OP_OBJECT:
        put_object(t, schema, op);
        break;
    case OP_DEPENDENT_REQUIRED:
    case OP_DEPENDENT_SCHEMA:
        put_dependent(t, schema, op);
        break;
    case OP_REF:
        put_reference(t, schema, op->as.child);
        break;
    case OP_DYNAMIC_REF:
        put_dynamic(t, schema, op);
        break;
    case OP_ALL_OF:
    case OP_ANY_OF:
    case OP_ONE_OF:
        put_list(t, schema, op);
        break;
    case OP_NOT:
        put_child(t, schema, "not", op->as.child);
        break;
    case OP_IF:
        put_child(t, schema, "if", op->as.condition.test);
        put_child(t, schema, "then", op->as.condition.then);
        put_child(t, schema, "else", op->as.condition.otherwise);
        break;
    case OP_UNEVALUATED_ITEMS:
    case OP_UNEVALUATED_PROPERTIES:
        put_child(t, schema, keyword_rows[op->keyword].spelling, op->as.child);
        break;
    }
}

/* Recurses as deep as the document is nested: a reference is not followed. */
static json_t *translate_node(struct translation *t, uint32_t node)
{
    const struct node *n = &t->contract->nodes[node];
    const struct op *ops = t->contract->ops + n->first;
    if (t->done[node])
        return json_incref(t->done[node]);
    if (n->count == 1 && ops[0].code == OP_NEVER)
        return json_false();
    t->failed |= t->depth > 2 * LIMIT_DEPTH;
    if (n->count == 0 || t->failed)
        return json_true();
    json_t *schema = json_object();
    t->depth++;
    for (uint32_t i = 0; i < n->count; i++)
        put_op(t, schema, &ops[i]);
    t->depth--;
    t->done[node] = json_incref(schema);
    return schema;
}

/* The node where it stands, or a reference to it if it is large: what is built of it stays small.
 */
static json_t *translate_child(struct translation *t, uint32_t node)
{
    json_t *schema = translate_node(t, node);
    if (!json_is_object(schema) || schema_fits(schema, INLINE_NODES))
        return schema;
    json_decref(schema);
    return json_pack("{s:o}", "$ref", refer(t, node));
}

static bool is_sayable(const struct contract *contract)
{
    bool unevaluated = false, silent = false;
    for (size_t i = 0; i < contract->op_count; i++) {
        const struct op *op = &contract->ops[i];
        unevaluated |= op->code == OP_UNEVALUATED_ITEMS;
        silent |= op->code == OP_CONTAINS && !op->as.contains.evaluates;
    }
    return !unevaluated || !silent;
}

static json_t *translate_all(struct translation *t)
{
    json_auto_t *root = translate_child(t, t->contract->root);
    json_auto_t *defs = json_object();
    char name[32];
    for (size_t i = 0; i < t->queued && !t->failed; i++)
        json_object_set_new(defs, target_name(t, t->queue[i], name),
                            translate_node(t, t->queue[i]));
    if (t->failed)
        return json_true();
    json_object_update(t->shapes->defs, defs);
    return json_incref(root);
}

json_t *contract_translate(struct shapes *shapes, const struct contract *contract)
{
    if (!is_sayable(contract))
        return json_true();
    size_t count = contract->node_count;
    struct translation t = {.shapes = shapes,
                            .contract = contract,
                            .number = shapes->count,
                            .done = xcalloc(count, sizeof(t.done[0])),
                            .target = xcalloc(count, sizeof(t.target[0])),
                            .queue = xcalloc(count, sizeof(t.queue[0]))};
    json_t *schema = translate_all(&t);
    for (size_t i = 0; i < count; i++)
        json_decref(t.done[i]);
    free(t.done);
    free(t.target);
    free(t.queue);
    return schema;
}
