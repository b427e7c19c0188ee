/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions over items. What all of them ask: what the items can be, and how many there are. The
 * values of an object's members are its items, as in the evaluator.
 */
#include "mapping/infer_internal.h"

#include <math.h>
#include <stdlib.h>

/* ---- items ---- */

struct fact fact_of_array(json_t *items_taken, size_t least, size_t most)
{
    if (json_is_false(items_taken) || most == 0) {
        bool none = least == 0;
        json_decref(items_taken);
        return none ? fact_of(json_pack("{s:[]}", "const")) : fact_nothing();
    }
    json_t *schema = json_pack("{s:s,s:o}", "type", "array", "items", items_taken);
    if (least > 0)
        json_object_set_new(schema, "minItems", json_integer((json_int_t)least));
    if (most < SIZE_MAX)
        json_object_set_new(schema, "maxItems", json_integer((json_int_t)most));
    return fact_of(schema_all(json_pack("[o]", schema)));
}

/* The values of all members, where all names are known. */
static struct fact member_values(struct inferring *f, const struct shape *object)
{
    json_auto_t *names = NULL;
    if (!shape_names(f->shapes, object, &names))
        return fact_of(json_true());
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(names); i++) {
        const json_t *name = json_array_get(names, i);
        struct slice key = {json_string_value(name), json_string_length(name)};
        struct shape member = shape_member(f->shapes, object, key);
        if (member.presence != PRESENCE_NEVER)
            json_array_append(list, member.schema);
        shape_done(&member);
    }
    return fact_of(schema_any(list));
}

struct item_facts items_of_fact(struct inferring *f, const struct fact *container)
{
    struct item_facts all = {fact_nothing(), SIZE_MAX, 0};
    struct fact arrays = fact_among(f, container, BITS_ARRAY);
    struct fact objects = fact_among(f, container, BITS_OBJECT);
    if (!fact_is_nothing(&arrays)) {
        struct shape shape = fact_shape(&arrays);
        struct shape items = shape_items(f->shapes, &shape);
        shape_item_counts(f->shapes, &shape, &all.least, &all.most);
        all.any = fact_union(f, all.any, fact_of(items.schema));
    }
    if (!fact_is_nothing(&objects)) {
        struct shape shape = fact_shape(&objects);
        struct shape_sizes sizes = shape_object_sizes(f->shapes, &shape);
        all.least = all.least < sizes.least ? all.least : sizes.least;
        all.most = all.most > sizes.most ? all.most : sizes.most;
        all.any = fact_union(f, all.any, member_values(f, &shape));
    }
    fact_done(&arrays);
    fact_done(&objects);
    all.least = all.least > all.most ? 0 : all.least;
    if (container->origin.root)
        all.any.origin =
            (struct origin){container->origin.root,
                            keep_string(f, xasprintf("%s/items", container->origin.pointer))};
    return all;
}

/* The input of a function over items; nothing if it fails whatever it meets. */
static struct fact container_in(struct inferring *f, const struct node *node, const struct dot *dot,
                                unsigned types)
{
    struct fact input = dot_fact(f, dot);
    if (!fact_is_nothing(&input))
        expect(f, node, &input, types,
               types & BITS_OBJECT ? "an array or an object in front of it"
                                   : "an array in front of it");
    return input;
}

/* What f says of any item; nothing, and unasked, if there are none. */
static struct fact infer_body(struct inferring *f, const struct node *node,
                              const struct item_facts *items)
{
    if (fact_is_nothing(&items->any))
        return fact_nothing();
    struct fact any = fact_copy(&items->any);
    struct dot dot = dot_of(f, &any);
    f->maybe += items->least == 0;
    struct fact body = infer_node(f, node->kids[0], &dot);
    f->maybe -= items->least == 0;
    fact_done(&any);
    return body;
}

/* ---- map and select ---- */

struct fact infer_map(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct fact input = container_in(f, node, dot, BITS_ARRAY | BITS_OBJECT);
    struct fact result = fact_nothing();
    if (!fact_is_nothing(&input)) {
        struct item_facts items = items_of_fact(f, &input);
        struct fact body = infer_body(f, node, &items);
        settle(f, &body);
        result = fact_of_array(body.schema, body.drops ? 0 : items.least, items.most);
        fact_done(&items.any);
    }
    fact_done(&input);
    return result;
}

struct fact infer_select(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct fact condition = infer_node(f, node->kids[0], dot);
    if (fact_is_nothing(&condition))
        return condition;
    int truth = fact_truth(f, &condition);
    size_t before = f->narrowing_count;
    fact_done(&condition);
    bool can = truth != 0 && narrow(f, node->kids[0], true, dot);
    struct fact kept = can ? dot_fact(f, dot) : fact_nothing();
    kept.drops = truth != 1;
    narrow_back(f, before);
    return kept;
}

/* ---- all and any ---- */

static struct fact infer_quantifier(struct inferring *f, const struct node *node,
                                    const struct dot *dot)
{
    struct fact input = container_in(f, node, dot, BITS_ARRAY | BITS_OBJECT);
    bool nothing = fact_is_nothing(&input);
    if (!nothing && node->kid_count > 0) {
        struct item_facts items = items_of_fact(f, &input);
        struct fact body = infer_body(f, node, &items);
        nothing = fact_is_nothing(&body) && items.least > 0;
        fact_done(&body);
        fact_done(&items.any);
    }
    fact_done(&input);
    return nothing ? fact_nothing() : fact_of_boolean(-1);
}

struct fact infer_all(struct inferring *f, const struct node *node, const struct dot *dot)
{
    return infer_quantifier(f, node, dot);
}

struct fact infer_any(struct inferring *f, const struct node *node, const struct dot *dot)
{
    return infer_quantifier(f, node, dot);
}

/* ---- add ---- */

/* The sum of objects: each member is one of theirs; what all have, it has. */
static json_t *summed_objects(struct inferring *f, const struct shape *object)
{
    json_auto_t *names = NULL;
    bool closed = shape_names(f->shapes, object, &names);
    json_auto_t *schema = json_pack("{s:s,s:{},s:[]}", "type", "object", "properties", "required");
    for (size_t i = 0; i < json_array_size(names); i++) {
        json_t *name = json_array_get(names, i);
        struct slice key = {json_string_value(name), json_string_length(name)};
        struct shape member = shape_member(f->shapes, object, key);
        if (member.presence != PRESENCE_NEVER)
            json_object_setn_nocheck(json_object_get(schema, "properties"), key.ptr, key.len,
                                     member.schema);
        if (member.presence == PRESENCE_ALWAYS)
            json_array_append(json_object_get(schema, "required"), name);
        shape_done(&member);
    }
    return closed_object(schema, closed);
}

static struct fact summed_numbers(struct inferring *f, const struct fact *numbers)
{
    struct shape shape = fact_shape(numbers);
    struct shape_numbers n = shape_numbers(f->shapes, &shape);
    n.least = n.least >= 0 ? n.least : -INFINITY;
    n.most = n.most <= 0 ? n.most : INFINITY;
    return fact_of_numbers(n);
}

/* What a sum of items of one kind is; nothing if there are none of it. */
static struct fact summed(struct inferring *f, const struct item_facts *items, unsigned kind)
{
    struct fact part = fact_among(f, &items->any, kind);
    struct shape shape = fact_shape(&part);
    struct fact sum = fact_nothing();
    if (!fact_is_nothing(&part) && kind == BITS_NUMBER)
        sum = summed_numbers(f, &part);
    else if (!fact_is_nothing(&part) && kind == BITS_STRING)
        sum = fact_of_strings(
            (struct shape_sizes){shape_string_sizes(f->shapes, &shape).least, SIZE_MAX});
    else if (!fact_is_nothing(&part) && kind == BITS_OBJECT)
        sum = fact_of(summed_objects(f, &shape));
    else if (!fact_is_nothing(&part) && kind == BITS_ARRAY) {
        struct item_facts inner = items_of_fact(f, &part);
        size_t most = inner.most == 0 ? 0 : SIZE_MAX;
        sum = fact_of_array(inner.any.schema, inner.least, most);
    } else if (!fact_is_nothing(&part)) {
        sum = fact_copy(&part);
    }
    fact_done(&part);
    sum.lack = NULL;
    sum.origin.root = NULL;
    return sum;
}

static struct fact sum_of_items(struct inferring *f, const struct node *node,
                                const struct item_facts *items)
{
    static const unsigned kinds[] = {BITS_BOOLEAN, BITS_NUMBER, BITS_STRING, BITS_ARRAY,
                                     BITS_OBJECT};
    unsigned types = fact_types(f, &items->any);
    struct fact result = fact_nothing();
    size_t there = 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        there += (types & kinds[i]) != 0;
        result = fact_union(f, result, summed(f, items, kinds[i]));
    }
    if (items->most >= 2 && (there > 1 || (types & BITS_BOOLEAN))) {
        AUTO(freep) char *words = types_words(types);
        note(f, INFERENCE_MAY_FAIL, types == BITS_ALL ? "unknown-type" : "operand-type", node,
             xasprintf("`add` sums numbers, strings, arrays or objects alone, and an item may be "
                       "%s",
                       words),
             NULL);
    }
    if (items->least == 0 || (types & BITS_NULL))
        result = fact_union(f, result, fact_of_types(BITS_NULL));
    return result;
}

struct fact infer_add(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct fact input = container_in(f, node, dot, BITS_ARRAY | BITS_OBJECT);
    struct fact result = fact_nothing();
    if (!fact_is_nothing(&input)) {
        struct item_facts items = items_of_fact(f, &input);
        result = sum_of_items(f, node, &items);
        if (items.least == 0) {
            AUTO(freep) char *source = source_words(node);
            result.lack = lack_new(f, node, xasprintf("%s of no items is null", source),
                                   xstrdup("say with `//` what the sum of none is"));
        }
        fact_done(&items.any);
    }
    fact_done(&input);
    return result;
}

/* ---- order ---- */

/* The least of some numbers is no larger than any one of them is surely; and so the greatest. What
 * is known of the items one by one is looked at, which is how `[.x, 10] | min` is a bound. */
static struct fact held_by_items(struct inferring *f, const struct fact *input,
                                 struct fact extreme_taken, size_t least, bool greatest)
{
    enum { LOOKED_AT = 16 };
    double bound = greatest ? -INFINITY : INFINITY;
    struct shape array = fact_shape(input), all = fact_shape(&extreme_taken);
    if (fact_types(f, &extreme_taken) & ~(unsigned)BITS_NUMBER)
        return extreme_taken;
    for (size_t i = 0; i < least && i < LOOKED_AT; i++) {
        struct shape item = shape_item(f->shapes, &array, i);
        struct shape_numbers n = shape_numbers(f->shapes, &item);
        bound = greatest ? fmax(bound, n.least) : fmin(bound, n.most);
        shape_done(&item);
    }
    if (isinf(bound))
        return extreme_taken;
    json_auto_t *schema = json_pack("{s:f}", greatest ? "minimum" : "maximum", bound);
    struct fact held = fact_of(shape_meet(f->shapes, &all, schema).schema);
    fact_done(&extreme_taken);
    return held;
}

static struct fact infer_extreme(struct inferring *f, const struct node *node,
                                 const struct dot *dot, bool greatest)
{
    struct fact input = container_in(f, node, dot, BITS_ARRAY);
    struct fact result = fact_nothing();
    if (!fact_is_nothing(&input)) {
        struct item_facts items = items_of_fact(f, &input);
        result = held_by_items(f, &input, items.any, items.least, greatest);
        if (items.least == 0) {
            AUTO(freep) char *source = source_words(node);
            result = fact_union(f, result, fact_of_types(BITS_NULL));
            result.lack = lack_new(f, node, xasprintf("%s of no items is null", source),
                                   xstrdup("say with `//` what stands for it"));
        }
    }
    fact_done(&input);
    return result;
}

struct fact infer_max(struct inferring *f, const struct node *node, const struct dot *dot)
{
    return infer_extreme(f, node, dot, true);
}

struct fact infer_min(struct inferring *f, const struct node *node, const struct dot *dot)
{
    return infer_extreme(f, node, dot, false);
}

static struct fact infer_sorted(struct inferring *f, const struct node *node, const struct dot *dot,
                                bool once)
{
    struct fact input = container_in(f, node, dot, BITS_ARRAY);
    struct fact result = fact_nothing();
    if (!fact_is_nothing(&input)) {
        struct item_facts items = items_of_fact(f, &input);
        size_t least = once && items.least > 1 ? 1 : items.least;
        result = fact_of_array(items.any.schema, least, items.most);
        if (once && json_object_get(result.schema, "items"))
            json_object_set_new(result.schema, "uniqueItems", json_true());
    }
    fact_done(&input);
    return result;
}

struct fact infer_sort(struct inferring *f, const struct node *node, const struct dot *dot)
{
    return infer_sorted(f, node, dot, false);
}

struct fact infer_unique(struct inferring *f, const struct node *node, const struct dot *dot)
{
    return infer_sorted(f, node, dot, true);
}

/* ---- keys, has, length ---- */

static struct fact keys_of_objects(struct inferring *f, const struct fact *objects)
{
    struct shape shape = fact_shape(objects);
    struct shape_sizes sizes = shape_object_sizes(f->shapes, &shape);
    json_auto_t *names = NULL;
    bool closed = shape_names(f->shapes, &shape, &names);
    json_t *items = !closed                       ? shape_of_types(BITS_STRING).schema
                    : json_array_size(names) == 0 ? json_false()
                                                  : json_pack("{s:O}", "enum", names);
    size_t most =
        closed && json_array_size(names) < sizes.most ? json_array_size(names) : sizes.most;
    struct fact keys = fact_of_array(items, sizes.least, most);
    if (json_object_get(keys.schema, "items"))
        json_object_set_new(keys.schema, "uniqueItems", json_true());
    return keys;
}

static struct fact keys_of_arrays(struct inferring *f, const struct fact *arrays)
{
    size_t least, most;
    struct shape shape = fact_shape(arrays);
    shape_item_counts(f->shapes, &shape, &least, &most);
    return fact_of_array(json_pack("{s:s,s:i}", "type", "integer", "minimum", 0), least, most);
}

struct fact infer_keys(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct fact input = container_in(f, node, dot, BITS_ARRAY | BITS_OBJECT);
    struct fact objects = fact_among(f, &input, BITS_OBJECT);
    struct fact arrays = fact_among(f, &input, BITS_ARRAY);
    struct fact result = fact_nothing();
    if (!fact_is_nothing(&objects))
        result = fact_union(f, result, keys_of_objects(f, &objects));
    if (!fact_is_nothing(&arrays))
        result = fact_union(f, result, keys_of_arrays(f, &arrays));
    fact_done(&objects);
    fact_done(&arrays);
    fact_done(&input);
    return result;
}

/* Whether an object has a member, where that is certain: 1, 0 or -1. */
static int known_member(struct inferring *f, const struct fact *object, const struct fact *key)
{
    const json_t *name = fact_constant(key);
    if (!json_is_string(name) || fact_types(f, object) != BITS_OBJECT)
        return -1;
    struct shape shape = fact_shape(object);
    struct slice slice = {json_string_value(name), json_string_length(name)};
    struct shape member = shape_member(f->shapes, &shape, slice);
    enum presence presence = member.presence;
    shape_done(&member);
    return presence == PRESENCE_MAYBE ? -1 : presence == PRESENCE_ALWAYS;
}

/* `has` of null is false, whatever is asked for. */
struct fact infer_has(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct fact input = dot_fact(f, dot), key = infer_node(f, node->kids[0], dot);
    settle(f, &key);
    unsigned found = fact_types(f, &input), keys = fact_types(f, &key);
    unsigned wanted = BITS_NULL;
    wanted |= keys & BITS_STRING ? BITS_OBJECT : 0;
    wanted |= keys & BITS_NUMBER ? BITS_ARRAY : 0;
    bool pure = (keys & ~(unsigned)BITS_STRING) == 0 || (keys & ~(unsigned)BITS_NUMBER) == 0;
    bool nothing = fact_is_nothing(&key) || (found & wanted) == 0;
    if (found != 0 && keys != 0 &&
        ((found & ~wanted) || (!pure && (found & ~(unsigned)BITS_NULL)))) {
        AUTO(freep) char *words = types_words(found);
        AUTO(freep) char *asked = types_words(keys);
        note(f, nothing ? INFERENCE_FAILS : INFERENCE_MAY_FAIL,
             found == BITS_ALL || keys == BITS_ALL ? "unknown-type" : "operand-type", node,
             xasprintf("`has` asks an object for a string, or an array for a number; it has %s in "
                       "front of it and asks for %s",
                       words, asked),
             NULL);
    }
    int known = (found & ~(unsigned)BITS_NULL) == 0 ? 0 : known_member(f, &input, &key);
    fact_done(&input);
    fact_done(&key);
    return nothing ? fact_nothing() : fact_of_boolean(known);
}

/* No value that fits in memory has more parts than that; so a count is written in digits alone. */
static const double COUNT_MOST = 1e12;

static struct fact fact_of_count(size_t least, size_t most)
{
    struct shape_numbers n = {fmin((double)least, COUNT_MOST), fmin((double)most, COUNT_MOST),
                              true};
    return fact_of_numbers(n);
}

static struct fact length_of_numbers(struct inferring *f, const struct fact *numbers)
{
    struct shape shape = fact_shape(numbers);
    struct shape_numbers n = shape_numbers(f->shapes, &shape);
    double largest = fmax(fabs(n.least), fabs(n.most));
    double least = n.least > 0 ? n.least : n.most < 0 ? -n.most : 0;
    return fact_of_numbers((struct shape_numbers){least, largest, n.integral});
}

struct fact infer_length(struct inferring *f, const struct node *node, const struct dot *dot)
{
    struct fact input = dot_fact(f, dot), result = fact_nothing();
    settle(f, &input);
    if (!fact_is_nothing(&input))
        expect(f, node, &input, BITS_ALL & ~(unsigned)BITS_BOOLEAN,
               "anything but a boolean in front of it");
    static const unsigned kinds[] = {BITS_NULL, BITS_NUMBER, BITS_STRING, BITS_ARRAY, BITS_OBJECT};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct fact part = fact_among(f, &input, kinds[i]), length = fact_nothing();
        struct shape shape = fact_shape(&part);
        struct shape_sizes sizes = {0, 0};
        if (kinds[i] == BITS_STRING)
            sizes = shape_string_sizes(f->shapes, &shape);
        else if (kinds[i] == BITS_OBJECT)
            sizes = shape_object_sizes(f->shapes, &shape);
        else if (kinds[i] == BITS_ARRAY)
            shape_item_counts(f->shapes, &shape, &sizes.least, &sizes.most);
        if (!fact_is_nothing(&part))
            length = kinds[i] == BITS_NUMBER ? length_of_numbers(f, &part)
                                             : fact_of_count(sizes.least, sizes.most);
        result = fact_union(f, result, length);
        fact_done(&part);
    }
    fact_done(&input);
    return result;
}
