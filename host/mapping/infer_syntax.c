/* SPDX-License-Identifier: Apache-2.0
 *
 * What is made of parts, and what chooses between them. An object or array that is written out is
 * closed: it has what is written and nothing else. A branch is looked at with what its condition
 * says; a branch that can never be taken is not looked at, and has nothing to say.
 */
#include "mapping/infer_internal.h"

#include <string.h>

/* ---- arrays ---- */

struct fact infer_array(struct inferring *f, const struct node *node, const struct dot *dot)
{
    json_auto_t *items = json_array();
    bool nothing = false;
    for (size_t i = 0; i < node->kid_count; i++) {
        struct fact item = infer_node(f, node->kids[i], dot);
        settle(f, &item);
        nothing |= fact_is_nothing(&item);
        json_array_append_new(items, item.schema);
    }
    json_int_t count = (json_int_t)json_array_size(items);
    if (nothing)
        return fact_nothing();
    if (count == 0)
        return fact_of(json_pack("{s:[]}", "const"));
    return fact_of(
        schema_all(json_pack("[{s:s,s:O,s:b,s:I,s:I}]", "type", "array", "prefixItems", items,
                             "items", false, "minItems", count, "maxItems", count)));
}

/* ---- objects ---- */

enum { FEW_KEYS = 16 };

struct building {
    json_t *properties, *required;
    json_t *computed; /* schemas of values whose keys are not known; NULL: there are none */
    bool nothing;
};

static void add_required(json_t *required, const json_t *key)
{
    for (size_t i = 0; i < json_array_size(required); i++)
        if (json_equal(json_array_get(required, i), key))
            return;
    json_array_append(required, (json_t *)key);
}

/* One of those names has the value. */
static void add_optional(json_t *properties, const json_t *names, json_t *value)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        json_t *before = json_object_get(properties, name);
        json_t *either =
            before ? schema_any(json_pack("[O,O]", before, value)) : json_incref(value);
        json_object_set_new_nocheck(properties, name, either);
    }
}

/* A key is one that is known, or one of a few, or it may be any. */
static void build_member(struct inferring *f, const struct node *key_node, struct fact *key,
                         json_t *value, struct building *b)
{
    settle(f, key);
    if (!expect(f, key_node, key, BITS_STRING, "to be a string, as a key; use tostring")) {
        b->nothing = true;
        return;
    }
    const json_t *constant = fact_constant(key);
    if (constant && !memchr(json_string_value(constant), '\0', json_string_length(constant))) {
        json_object_set_nocheck(b->properties, json_string_value(constant), value);
        add_required(b->required, constant);
        return;
    }
    struct shape shape = fact_shape(key);
    json_auto_t *few = shape_values(f->shapes, &shape, FEW_KEYS);
    if (few) {
        add_optional(b->properties, few, value);
        return;
    }
    if (!b->computed)
        b->computed = json_array();
    json_array_append(b->computed, value);
}

static struct fact finish_object(struct building *b)
{
    json_t *schema = json_pack("{s:s}", "type", "object");
    json_auto_t *others = b->computed ? schema_any(TAKE(b->computed)) : json_false();
    const char *name;
    json_t *value;
    json_auto_t *properties = json_object();
    json_object_foreach (b->properties, name, value)
        json_object_set_new_nocheck(properties, name,
                                    schema_any(json_pack("[O,O]", value, others)));
    if (json_object_size(properties) > 0)
        json_object_set(schema, "properties", properties);
    if (json_array_size(b->required) > 0)
        json_object_set(schema, "required", b->required);
    json_object_set(schema, "additionalProperties", others);
    return fact_of(schema_all(json_pack("[o]", schema)));
}

struct fact infer_object(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct building b = {.properties = json_object(), .required = json_array()};
    for (size_t i = 0; i < node->kid_count; i += 2) {
        struct fact key = infer_node(f, node->kids[i], dot);
        struct fact value = infer_node(f, node->kids[i + 1], dot);
        settle(f, &value);
        b.nothing |= fact_is_nothing(&key) || fact_is_nothing(&value);
        if (!b.nothing)
            build_member(f, node->kids[i], &key, value.schema, &b);
        fact_done(&key);
        fact_done(&value);
    }
    struct fact object = b.nothing ? fact_nothing() : finish_object(&b);
    json_decref(b.properties);
    json_decref(b.required);
    json_decref(b.computed);
    return object;
}

/* ---- | ---- */

struct fact infer_pipe(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct fact left = infer_node(f, node->kids[0], dot);
    if (fact_is_nothing(&left))
        return left;
    struct dot inner = dot_of(f, &left);
    f->maybe += left.drops;
    struct fact right = infer_node(f, node->kids[1], &inner);
    f->maybe -= left.drops;
    right.drops |= left.drops;
    fact_done(&left);
    return right;
}

/* ---- choices ---- */

/* Pairs of a condition and a value, then the value of `else`. */
struct fact infer_if(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct fact result = fact_nothing();
    size_t before = f->narrowing_count;
    unsigned maybe = f->maybe;
    bool comes_here = true;
    for (size_t i = 0; comes_here && i + 1 < node->kid_count; i += 2) {
        struct fact condition = infer_node(f, node->kids[i], dot);
        int truth = fact_is_nothing(&condition) ? -2 : fact_truth(f, &condition);
        size_t here = f->narrowing_count;
        fact_done(&condition);
        if (truth == -2) {
            comes_here = false; /* the condition fails */
            break;
        }
        f->maybe = truth == 1 ? f->maybe : f->maybe + 1;
        if (truth != 0 && narrow(f, node->kids[i], true, dot))
            result = fact_union(f, result, infer_node(f, node->kids[i + 1], dot));
        narrow_back(f, here);
        comes_here = truth != 1 && narrow(f, node->kids[i], false, dot);
        if (truth == 0)
            f->maybe--;
    }
    if (comes_here)
        result = fact_union(f, result, infer_node(f, node->kids[node->kid_count - 1], dot));
    narrow_back(f, before);
    f->maybe = maybe;
    return result;
}

static void note_dead_alternative(struct inferring *f, const struct node *node)
{
    AUTO(freep) char *left = source_words(node->kids[0]);
    AUTO(freep) char *right = source_words(node->kids[1]);
    note(f, INFERENCE_NEVER, "dead-alternative", node->kids[1],
         xasprintf("%s is never null, missing or false, so %s is never used", left, right),
         xstrdup("leave out the `//`"));
}

struct fact infer_alternative(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct fact left = infer_node(f, node->kids[0], dot);
    if (fact_is_nothing(&left))
        return left;
    int truth = fact_truth(f, &left);
    if (truth == 1)
        note_dead_alternative(f, node);
    struct fact kept = fact_among(f, &left, BITS_ALL & ~(unsigned)BITS_FALSY);
    kept.lack = NULL;
    fact_done(&left);
    size_t before = f->narrowing_count;
    f->maybe += truth != 0;
    if (truth != 1 && narrow(f, node->kids[0], false, dot))
        kept = fact_union(f, kept, infer_node(f, node->kids[1], dot));
    f->maybe -= truth != 0;
    narrow_back(f, before);
    return kept;
}

/* `or`, which is decided by true, or `and`. */
static struct fact infer_logic(struct inferring *f, const struct node *node, const struct dot *dot,
                               bool decided_by)
{
    struct fact left = infer_node(f, node->kids[0], dot);
    if (fact_is_nothing(&left))
        return left;
    int truth = fact_truth(f, &left);
    fact_done(&left);
    if (truth == (int)decided_by)
        return fact_of_boolean(decided_by);
    size_t before = f->narrowing_count;
    f->maybe += truth == -1;
    int second = decided_by;
    if (narrow(f, node->kids[0], !decided_by, dot)) {
        struct fact right = infer_node(f, node->kids[1], dot);
        second = fact_is_nothing(&right) ? (int)decided_by : fact_truth(f, &right);
        if (fact_is_nothing(&right) && truth != -1)
            second = -2;
        fact_done(&right);
    }
    f->maybe -= truth == -1;
    narrow_back(f, before);
    if (second == -2)
        return fact_nothing();
    return fact_of_boolean(truth == -1 && second != (int)decided_by ? -1 : second);
}

struct fact infer_disjunction(struct inferring *f, const struct node *node, const struct dot *dot)
{
    return infer_logic(f, node, dot, true);
}

struct fact infer_conjunction(struct inferring *f, const struct node *node, const struct dot *dot)
{
    return infer_logic(f, node, dot, false);
}

struct fact infer_negation(struct inferring *f, const struct node *node, const struct dot *dot)
{
    (void)node;
    struct fact fact = dot_fact(f, dot);
    int truth = fact_is_nothing(&fact) ? -1 : fact_truth(f, &fact);
    fact_done(&fact);
    return fact_of_boolean(truth < 0 ? -1 : !truth);
}
