/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparisons give a boolean; where the sides can never be equal, or always are, they give that
 * one. An order needs two values of one type: what may be null, or of two types, is a note.
 */
#include "mapping/infer_internal.h"

#include "base/units.h"

#include <stdlib.h>

enum { FEW_NAMES = 16 };

/* The types with those that belong together: one kind for the evaluator. */
static unsigned kinds_of(unsigned types)
{
    types |= types & BITS_BOOLEAN ? BITS_BOOLEAN : 0;
    return types & BITS_NUMBER ? types | BITS_NUMBER : types;
}

static bool one_kind(unsigned kinds)
{
    return kinds == BITS_NULL || kinds == BITS_BOOLEAN || kinds == BITS_NUMBER ||
           kinds == BITS_STRING || kinds == BITS_ARRAY || kinds == BITS_OBJECT;
}

static bool has_value(const json_t *values, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(values); i++)
        if (contract_equal(json_array_get(values, i), value))
            return true;
    return false;
}

/* Whether both can be a few values alone, and have none in common. */
static bool sets_apart(struct inferring *f, const struct fact *a, const struct fact *b)
{
    struct shape left = fact_shape(a), right = fact_shape(b);
    json_auto_t *x = shape_values(f->shapes, &left, INFERENCE_VALUES);
    json_auto_t *y = x ? shape_values(f->shapes, &right, INFERENCE_VALUES) : NULL;
    bool apart = x && y;
    for (size_t i = 0; apart && i < json_array_size(x); i++)
        apart = !has_value(y, json_array_get(x, i));
    return apart;
}

/* 1: always equal; 0: never; -1: either. */
static int equality(struct inferring *f, const struct fact *a, const struct fact *b)
{
    unsigned left = fact_types(f, a), right = fact_types(f, b);
    left |= left & BITS_NUMBER ? BITS_NUMBER : 0;
    right |= right & BITS_NUMBER ? BITS_NUMBER : 0;
    if ((left & right) == 0 || sets_apart(f, a, b))
        return 0;
    const json_t *x = fact_constant(a), *y = fact_constant(b);
    bool scalar = x && y && !json_is_array(x) && !json_is_object(x);
    return scalar ? contract_equal(x, y) : -1;
}

/* A constant that the other side is never: most likely a slip. To ask for null is only careful. */
static void note_never_equal(struct inferring *f, const struct node *node, const struct fact *other,
                             const struct fact *constant, size_t side)
{
    const json_t *value = fact_constant(constant);
    struct shape shape = fact_shape(other);
    json_auto_t *values = shape_values(f->shapes, &shape, FEW_NAMES);
    AUTO(freep) char *source = source_words(node->kids[side]);
    AUTO(freep) char *dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    AUTO(freep) char *types = types_words(fact_types(f, other));
    AUTO(freep)
    char *list = values && json_array_size(values) > 0 ? json_dumps(values, JSON_COMPACT) : NULL;
    const char *names[FEW_NAMES + 1];
    size_t count = 0;
    for (size_t i = 0; json_is_string(value) && i < json_array_size(values); i++)
        if (json_is_string(json_array_get(values, i)))
            names[count++] = json_string_value(json_array_get(values, i));
    const char *nearest =
        count > 0 ? suggest(slice_of(json_string_value(value)), names, count) : NULL;
    note(f, INFERENCE_NEVER, "never-equal", node,
         xasprintf("%s is never %.60s; it is %s%.200s", source, dumped, list ? "one of " : "",
                   list ? list : types),
         nearest ? xasprintf("did you mean `%s`?", nearest) : NULL);
}

static struct fact infer_equality(struct inferring *f, const struct node *node,
                                  const struct dot *dot, bool wanted)
{
    struct fact a = infer_node(f, node->kids[0], dot), b = infer_node(f, node->kids[1], dot);
    struct fact result = fact_nothing();
    if (!fact_is_nothing(&a) && !fact_is_nothing(&b)) {
        int equal = equality(f, &a, &b);
        const json_t *left = fact_constant(&a), *right = fact_constant(&b);
        fact_done(&result);
        result = fact_of_boolean(equal < 0 ? -1 : (bool)equal == wanted);
        if (equal == 0 && right && !left && !json_is_null(right))
            note_never_equal(f, node, &a, &b, 0);
        else if (equal == 0 && left && !right && !json_is_null(left))
            note_never_equal(f, node, &b, &a, 1);
    }
    fact_done(&a);
    fact_done(&b);
    return result;
}

struct fact infer_equal(struct inferring *f, const struct node *node, const struct dot *dot)
{
    return infer_equality(f, node, dot, true);
}

struct fact infer_different(struct inferring *f, const struct node *node, const struct dot *dot)
{
    return infer_equality(f, node, dot, false);
}

/* Of a value of which nothing was said, or only that it is there. */
static bool says_nothing(unsigned kinds)
{
    return (kinds | BITS_FALSY) == BITS_ALL || (kinds | BITS_NULL | BITS_BOOLEAN) == BITS_ALL;
}

static void note_mixed(struct inferring *f, const struct node *node, const struct fact sides[2],
                       const unsigned kinds[2])
{
    AUTO(freep) char *left = types_words(kinds[0]);
    AUTO(freep) char *right = types_words(kinds[1]);
    AUTO(freep) char *left_source = source_words(node->kids[0]);
    AUTO(freep) char *right_source = source_words(node->kids[1]);
    bool fails = (kinds[0] & kinds[1]) == 0;
    bool unsaid = says_nothing(kinds[0]) || says_nothing(kinds[1]);
    bool rest = (one_kind(kinds[0]) || says_nothing(kinds[0])) &&
                (one_kind(kinds[1]) || says_nothing(kinds[1]));
    const struct lack *lack = kinds[0] & BITS_NULL ? sides[0].lack : NULL;
    lack = !lack && (kinds[1] & BITS_NULL) ? sides[1].lack : lack;
    const char *why = lack_text(lack);
    note(f, fails ? INFERENCE_FAILS : INFERENCE_MAY_FAIL,
         unsaid && rest ? "unknown-order" : "mixed-order", node,
         xasprintf("`%s` orders two values of one type, but %s is %s and %s is %s%s%s",
                   operations[node->id].written, left_source, left, right_source, right,
                   why ? ": " : "", why ? why : ""),
         lack ? xstrdup("say with `//` what stands for what is missing") : NULL);
}

static struct fact infer_order(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct fact sides[2] = {infer_node(f, node->kids[0], dot), infer_node(f, node->kids[1], dot)};
    const unsigned kinds[2] = {kinds_of(fact_types(f, &sides[0])),
                               kinds_of(fact_types(f, &sides[1]))};
    bool nothing = fact_is_nothing(&sides[0]) || fact_is_nothing(&sides[1]);
    if (!nothing && (kinds[0] != kinds[1] || !one_kind(kinds[0])))
        note_mixed(f, node, sides, kinds);
    nothing = nothing || (kinds[0] & kinds[1]) == 0;
    fact_done(&sides[0]);
    fact_done(&sides[1]);
    return nothing ? fact_nothing() : fact_of_boolean(-1);
}

struct fact infer_less(struct inferring *f, const struct node *node, const struct dot *dot)
{
    return infer_order(f, node, dot);
}

struct fact infer_less_equal(struct inferring *f, const struct node *node, const struct dot *dot)
{
    return infer_order(f, node, dot);
}

struct fact infer_more(struct inferring *f, const struct node *node, const struct dot *dot)
{
    return infer_order(f, node, dot);
}

struct fact infer_more_equal(struct inferring *f, const struct node *node, const struct dot *dot)
{
    return infer_order(f, node, dot);
}
