/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths: members, items and slices. What is missing reads as null, and all of null is missing; to
 * look for a member in what cannot have members is an error. An item is counted from the end when
 * its number is negative; a slice takes what there is between its bounds.
 */
#include "mapping/evaluate_internal.h"

#include <math.h>

/* More than any array has; a double is exact up to here. */
static const double MOST_ITEMS = 1e15;

static const json_t *item_at(const json_t *array, json_int_t index)
{
    json_int_t size = (json_int_t)json_array_size(array);
    if (index < 0)
        index += size;
    return index >= 0 && index < size ? json_array_get(array, (size_t)index) : NULL;
}

/* One hop; NULL is missing. */
static enum error_code take_hop(struct evaluation *e, const struct node *node, const json_t *value,
                                const struct hop *hop, const json_t **ret_value)
{
    if (json_is_null(value))
        *ret_value = NULL;
    else if (hop->key && json_is_object(value))
        *ret_value = json_object_getn(value, hop->key, hop->length);
    else if (!hop->key && json_is_array(value))
        *ret_value = item_at(value, hop->item);
    else if (hop->key)
        return refuse_value(e, node, "looks for the member `%s` in %s", hop->key, kind_word(value));
    else
        return refuse_value(e, node, "looks for item %lld in %s", (long long)hop->item,
                            kind_word(value));
    return ERR_OK;
}

enum error_code evaluate_path(struct evaluation *e, const struct node *node, const json_t *dot,
                              json_t **ret_value)
{
    json_auto_t *base = NULL;
    enum error_code code = evaluate_node(e, node->kids[0], dot, &base);
    const json_t *at = base;
    for (size_t i = 0; code == ERR_OK && at && i < node->as.hops.count; i++) {
        code = spend_on_bytes(e, node->as.hops.list[i].length);
        if (code == ERR_OK)
            code = take_hop(e, node, at, &node->as.hops.list[i], &at);
    }
    if (code == ERR_OK)
        *ret_value = at ? share(at) : base ? json_null() : NULL;
    return code;
}

static enum error_code take_key(struct evaluation *e, const struct node *node, const json_t *base,
                                const json_t *key, json_t **ret_value)
{
    const json_t *found = NULL;
    enum error_code code = spend_on(e, key);
    if (code != ERR_OK)
        return code;
    if (!json_is_string(key) && !json_is_number(key))
        return refuse_value(e, node->kids[1], "is %s; what stands in [ ] is a string or a number",
                            kind_word(key));
    if (json_is_null(base)) {
        found = NULL;
    } else if (json_is_string(key) && json_is_object(base)) {
        found = json_object_getn(base, json_string_value(key), json_string_length(key));
    } else if (json_is_number(key) && json_is_array(base)) {
        double place = json_number_value(key);
        if (place == floor(place) && fabs(place) < MOST_ITEMS)
            found = item_at(base, (json_int_t)place);
    } else {
        return refuse_value(e, node, "looks for %s in %s, but its key is %s",
                            json_is_string(key) ? "a member" : "an item", kind_word(base),
                            kind_word(key));
    }
    *ret_value = found ? share(found) : json_null();
    return ERR_OK;
}

enum error_code evaluate_index(struct evaluation *e, const struct node *node, const json_t *dot,
                               json_t **ret_value)
{
    json_auto_t *base = NULL;
    json_auto_t *key = NULL;
    enum error_code code = evaluate_node(e, node->kids[0], dot, &base);
    if (code == ERR_OK)
        code = evaluate_node(e, node->kids[1], dot, &key);
    return code == ERR_OK ? take_key(e, node, base, key, ret_value) : code;
}

struct range {
    size_t from, to;
};

static double bound_at(const json_t *bound, double otherwise, double length)
{
    double place = json_is_number(bound) ? json_number_value(bound) : otherwise;
    return fmin(fmax(place < 0 ? place + length : place, 0), length);
}

/* A bound between two items takes in the item that it cuts. */
static struct range range_of(const json_t *first, const json_t *last, size_t size)
{
    size_t from = (size_t)bound_at(first, 0, (double)size);
    size_t to = (size_t)ceil(bound_at(last, (double)size, (double)size));
    return (struct range){from, to > from ? to : from};
}

static json_t *slice_string(const json_t *string, struct range range)
{
    struct slice whole = string_slice(string);
    size_t start = character_at(whole, range.from);
    struct slice rest = {whole.ptr + start, whole.len - start};
    return json_stringn_nocheck(rest.ptr, character_at(rest, range.to - range.from));
}

static enum error_code slice_array(struct evaluation *e, const json_t *array, struct range range,
                                   json_t **ret_value)
{
    enum error_code code = spend(e, range.to - range.from);
    if (code != ERR_OK)
        return code;
    *ret_value = json_array();
    for (size_t i = range.from; i < range.to; i++)
        json_array_append_new(*ret_value, share(json_array_get(array, i)));
    return ERR_OK;
}

/* A bound that is not written, or null, is the end of what is sliced. */
static enum error_code check_bound(struct evaluation *e, const struct node *node,
                                   const json_t *bound)
{
    if (!bound || json_is_number(bound) || json_is_null(bound))
        return ERR_OK;
    return refuse_value(e, node, "has %s as a bound of the slice, which is a number",
                        kind_word(bound));
}

static enum error_code take_slice(struct evaluation *e, const struct node *node, const json_t *base,
                                  const json_t *first, const json_t *last, json_t **ret_value)
{
    enum error_code code = spend_on(e, base);
    if (code != ERR_OK)
        return code;
    if (json_is_null(base)) {
        *ret_value = json_null();
        return ERR_OK;
    }
    if (!json_is_array(base) && !json_is_string(base))
        return refuse_value(e, node, "takes a slice of %s; there are slices of arrays and strings",
                            kind_word(base));
    code = check_bound(e, node, first);
    if (code == ERR_OK)
        code = check_bound(e, node, last);
    if (code != ERR_OK)
        return code;
    size_t length =
        json_is_array(base) ? json_array_size(base) : character_count(string_slice(base));
    struct range range = range_of(first, last, length);
    if (json_is_array(base))
        return slice_array(e, base, range, ret_value);
    *ret_value = slice_string(base, range);
    return ERR_OK;
}

enum error_code evaluate_slice(struct evaluation *e, const struct node *node, const json_t *dot,
                               json_t **ret_value)
{
    json_auto_t *base = NULL;
    json_auto_t *first = NULL;
    json_auto_t *last = NULL;
    enum error_code code = evaluate_node(e, node->kids[0], dot, &base);
    if (code == ERR_OK && node->as.bounds.from)
        code = evaluate_node(e, node->kids[1], dot, &first);
    if (code == ERR_OK && node->as.bounds.to)
        code = evaluate_node(e, node->kids[node->kid_count - 1], dot, &last);
    return code == ERR_OK ? take_slice(e, node, base, first, last, ret_value) : code;
}
