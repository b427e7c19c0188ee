/* SPDX-License-Identifier: Apache-2.0
 *
 * Equality and order. Sorting, min, max and unique use jq's order of all values. The operators
 * `< <= > >=` compare values of one type alone: an order between unlike types exists, but who meets
 * it has met a missing value, and `null <= 100` is true.
 */
#include "mapping/evaluate_internal.h"
#include "mapping/numeral_internal.h"

#include <stdlib.h>
#include <string.h>

/* The place of a value's kind in the order of kinds. */
static int rank_of(const json_t *value)
{
    static const int ranks[] = {
        [JSON_NULL] = 0, [JSON_FALSE] = 1,  [JSON_TRUE] = 2,  [JSON_INTEGER] = 3,
        [JSON_REAL] = 3, [JSON_STRING] = 4, [JSON_ARRAY] = 5, [JSON_OBJECT] = 6,
    };
    return ranks[json_typeof(value)];
}

static int order_strings(const json_t *a, const json_t *b)
{
    struct slice x = string_slice(a), y = string_slice(b);
    int order = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
    return order != 0 ? (order > 0) - (order < 0) : (x.len > y.len) - (x.len < y.len);
}

static enum error_code order_arrays(struct evaluation *e, const json_t *a, const json_t *b,
                                    int *ret_order)
{
    size_t sizes[] = {json_array_size(a), json_array_size(b)};
    int order = 0;
    for (size_t i = 0; i < sizes[0] && i < sizes[1] && order == 0; i++) {
        enum error_code code = order_values(e, json_array_get(a, i), json_array_get(b, i), &order);
        if (code != ERR_OK)
            return code;
    }
    *ret_order = order != 0 ? order : (sizes[0] > sizes[1]) - (sizes[0] < sizes[1]);
    return ERR_OK;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **sorted_keys(const json_t *object)
{
    size_t count = json_object_size(object), i = 0;
    const char **keys = xcalloc(count + 1, sizeof(*keys));
    const char *key;
    json_t *member;
    json_object_foreach ((json_t *)object, key, member)
        keys[i++] = key;
    qsort(keys, count, sizeof(*keys), compare_keys);
    return keys;
}

/* Objects are ordered by their sets of keys, as sorted arrays, and then by their values, key by
 * key. */
static enum error_code order_objects(struct evaluation *e, const json_t *a, const json_t *b,
                                     int *ret_order)
{
    size_t sizes[] = {json_object_size(a), json_object_size(b)};
    enum error_code code = spend_on_keys(e, a);
    if (code == ERR_OK)
        code = spend_on_keys(e, b);
    if (code != ERR_OK)
        return code;
    AUTO(freep) const char **left = sorted_keys(a);
    AUTO(freep) const char **right = sorted_keys(b);
    int order = 0;
    for (size_t i = 0; i < sizes[0] && i < sizes[1] && order == 0; i++)
        order = strcmp(left[i], right[i]);
    if (order == 0)
        order = (sizes[0] > sizes[1]) - (sizes[0] < sizes[1]);
    for (size_t i = 0; i < sizes[0] && order == 0; i++) {
        code = order_values(e, json_object_get(a, left[i]), json_object_get(b, left[i]), &order);
        if (code != ERR_OK)
            return code;
    }
    *ret_order = (order > 0) - (order < 0);
    return ERR_OK;
}

enum error_code order_values(struct evaluation *e, const json_t *a, const json_t *b, int *ret_order)
{
    enum error_code code = spend_on(e, a);
    if (code != ERR_OK)
        return code;
    int ranks[] = {rank_of(a), rank_of(b)};
    if (ranks[0] != ranks[1])
        *ret_order = ranks[0] > ranks[1] ? 1 : -1;
    else if (json_is_number(a))
        *ret_order = numeral_order(a, b);
    else if (json_is_string(a))
        *ret_order = order_strings(a, b);
    else if (json_is_array(a))
        return order_arrays(e, a, b, ret_order);
    else if (json_is_object(a))
        return order_objects(e, a, b, ret_order);
    else
        *ret_order = 0;
    return ERR_OK;
}

static enum error_code equal_arrays(struct evaluation *e, const json_t *a, const json_t *b,
                                    bool *ret_equal)
{
    enum error_code code = ERR_OK;
    bool equal = json_array_size(a) == json_array_size(b);
    for (size_t i = 0; code == ERR_OK && equal && i < json_array_size(a); i++)
        code = equal_values(e, json_array_get(a, i), json_array_get(b, i), &equal);
    *ret_equal = equal;
    return code;
}

static enum error_code equal_objects(struct evaluation *e, const json_t *a, const json_t *b,
                                     bool *ret_equal)
{
    bool equal = json_object_size(a) == json_object_size(b);
    enum error_code code = equal ? spend_on_keys(e, a) : ERR_OK;
    void *iterator = json_object_iter((json_t *)a);
    for (; code == ERR_OK && equal && iterator;
         iterator = json_object_iter_next((json_t *)a, iterator)) {
        const json_t *other =
            json_object_getn(b, json_object_iter_key(iterator), json_object_iter_key_len(iterator));
        equal = other != NULL;
        if (equal)
            code = equal_values(e, json_object_iter_value(iterator), other, &equal);
    }
    *ret_equal = equal;
    return code;
}

enum error_code equal_values(struct evaluation *e, const json_t *a, const json_t *b,
                             bool *ret_equal)
{
    enum error_code code = spend_on(e, a);
    if (code != ERR_OK)
        return code;
    if (rank_of(a) != rank_of(b))
        *ret_equal = false;
    else if (json_is_number(a))
        *ret_equal = numeral_order(a, b) == 0;
    else if (json_is_string(a))
        *ret_equal = slice_equal(string_slice(a), string_slice(b));
    else if (json_is_array(a))
        return equal_arrays(e, a, b, ret_equal);
    else if (json_is_object(a))
        return equal_objects(e, a, b, ret_equal);
    else
        *ret_equal = true;
    return ERR_OK;
}

/* ---- sorting ---- */

/* Merges two sorted halves of `from` into `to`. */
static enum error_code merge_halves(struct evaluation *e, const json_t **from, size_t middle,
                                    size_t end, const json_t **to)
{
    size_t left = 0, right = middle;
    for (size_t i = 0; i < end; i++) {
        int order = left < middle ? -1 : 1;
        if (left < middle && right < end) {
            enum error_code code = order_values(e, from[left], from[right], &order);
            if (code != ERR_OK)
                return code;
        }
        to[i] = order <= 0 ? from[left++] : from[right++];
    }
    return ERR_OK;
}

/* A merge sort from the bottom, since comparing may fail, and equal values keep their order. */
enum error_code sort_values(struct evaluation *e, const json_t **values, size_t count)
{
    AUTO(freep) const json_t **merged = xcalloc(count + 1, sizeof(*merged));
    for (size_t half = 1; half < count; half *= 2) {
        for (size_t at = 0; at < count; at += 2 * half) {
            size_t left = count - at;
            enum error_code code = merge_halves(e, values + at, left < half ? left : half,
                                                left < 2 * half ? left : 2 * half, merged + at);
            if (code != ERR_OK)
                return code;
        }
        memcpy(values, merged, count * sizeof(*values));
    }
    return ERR_OK;
}

/* ---- operators ---- */

static enum error_code evaluate_sides(struct evaluation *e, const struct node *node,
                                      const json_t *dot, json_t *sides[2])
{
    enum error_code code = evaluate_node(e, node->kids[0], dot, &sides[0]);
    return code == ERR_OK ? evaluate_node(e, node->kids[1], dot, &sides[1]) : code;
}

static void drop_sides(json_t *sides[2])
{
    json_decref(sides[0]);
    json_decref(sides[1]);
}

static enum error_code evaluate_equality(struct evaluation *e, const struct node *node,
                                         const json_t *dot, bool wanted, json_t **ret_value)
{
    json_t *sides[2] = {NULL, NULL};
    bool equal = false;
    enum error_code code = evaluate_sides(e, node, dot, sides);
    if (code == ERR_OK)
        code = equal_values(e, sides[0], sides[1], &equal);
    if (code == ERR_OK)
        *ret_value = json_boolean(equal == wanted);
    drop_sides(sides);
    return code;
}

enum error_code evaluate_equal(struct evaluation *e, const struct node *node, const json_t *dot,
                               json_t **ret_value)
{
    return evaluate_equality(e, node, dot, true, ret_value);
}

enum error_code evaluate_different(struct evaluation *e, const struct node *node, const json_t *dot,
                                   json_t **ret_value)
{
    return evaluate_equality(e, node, dot, false, ret_value);
}

static bool one_type(const json_t *a, const json_t *b)
{
    return rank_of(a) == rank_of(b) || (json_is_boolean(a) && json_is_boolean(b));
}

static enum error_code refuse_unlike(struct evaluation *e, const struct node *node,
                                     json_t *const sides[2])
{
    struct slice right = node->kids[1]->source;
    return refuse_value(e, node->kids[0],
                        "is %s and `%.*s` is %s; `%s` needs two values of one type",
                        kind_word(sides[0]), (int)(right.len > 60 ? 60 : right.len), right.ptr,
                        kind_word(sides[1]), operations[node->id].written);
}

static enum error_code order_sides(struct evaluation *e, const struct node *node, const json_t *dot,
                                   int *ret_order)
{
    json_t *sides[2] = {NULL, NULL};
    enum error_code code = evaluate_sides(e, node, dot, sides);
    if (code == ERR_OK)
        code = one_type(sides[0], sides[1]) ? order_values(e, sides[0], sides[1], ret_order)
                                            : refuse_unlike(e, node, sides);
    drop_sides(sides);
    return code;
}

enum error_code evaluate_less(struct evaluation *e, const struct node *node, const json_t *dot,
                              json_t **ret_value)
{
    int order = 0;
    enum error_code code = order_sides(e, node, dot, &order);
    if (code == ERR_OK)
        *ret_value = json_boolean(order < 0);
    return code;
}

enum error_code evaluate_less_equal(struct evaluation *e, const struct node *node,
                                    const json_t *dot, json_t **ret_value)
{
    int order = 0;
    enum error_code code = order_sides(e, node, dot, &order);
    if (code == ERR_OK)
        *ret_value = json_boolean(order <= 0);
    return code;
}

enum error_code evaluate_more(struct evaluation *e, const struct node *node, const json_t *dot,
                              json_t **ret_value)
{
    int order = 0;
    enum error_code code = order_sides(e, node, dot, &order);
    if (code == ERR_OK)
        *ret_value = json_boolean(order > 0);
    return code;
}

enum error_code evaluate_more_equal(struct evaluation *e, const struct node *node,
                                    const json_t *dot, json_t **ret_value)
{
    int order = 0;
    enum error_code code = order_sides(e, node, dot, &order);
    if (code == ERR_OK)
        *ret_value = json_boolean(order >= 0);
    return code;
}
