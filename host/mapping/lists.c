/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions over the items of arrays, and, as in jq, over the values of an object's members. An
 * error in an item says which one, counted from 0.
 */
#include "mapping/evaluate_internal.h"
#include "mapping/numeral_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum error_code evaluate_map(struct evaluation *e, const struct node *node, const json_t *dot,
                             json_t **ret_value)
{
    struct items items;
    enum error_code code = items_begin(e, node, dot, &items);
    if (code != ERR_OK)
        return code;
    json_auto_t *mapped = json_array();
    for (const json_t *item = items_next(&items); item; item = items_next(&items)) {
        json_t *value = NULL;
        code = evaluate_node(e, node->kids[0], item, &value);
        if (code != ERR_OK) {
            error_prefix(e->reterr, "item %zu of `map`: ", items.index - 1);
            return code;
        }
        if (value)
            json_array_append_new(mapped, value);
    }
    *ret_value = TAKE(mapped);
    return ERR_OK;
}

/* The item itself, or no value. */
enum error_code evaluate_select(struct evaluation *e, const struct node *node, const json_t *dot,
                                json_t **ret_value)
{
    json_auto_t *condition = NULL;
    enum error_code code = evaluate_node(e, node->kids[0], dot, &condition);
    if (code == ERR_OK)
        *ret_value = truthy(condition) ? share(dot) : NULL;
    return code;
}

/* Whether an item is, or gives by the argument, what decides; stops there. */
static enum error_code evaluate_quantifier(struct evaluation *e, const struct node *node,
                                           const json_t *dot, bool decided_by, json_t **ret_value)
{
    struct items items;
    bool decided = false;
    enum error_code code = items_begin(e, node, dot, &items);
    if (code != ERR_OK)
        return code;
    for (const json_t *item = items_next(&items); item && !decided; item = items_next(&items)) {
        json_auto_t *value = NULL;
        code = spend(e, 1);
        if (code == ERR_OK && node->kid_count > 0)
            code = evaluate_node(e, node->kids[0], item, &value);
        if (code != ERR_OK) {
            error_prefix(e->reterr, "item %zu of `%s`: ", items.index - 1,
                         operations[node->id].written);
            return code;
        }
        decided = truthy(value ? value : item) == decided_by;
    }
    *ret_value = json_boolean(decided == decided_by);
    return ERR_OK;
}

enum error_code evaluate_all(struct evaluation *e, const struct node *node, const json_t *dot,
                             json_t **ret_value)
{
    return evaluate_quantifier(e, node, dot, false, ret_value);
}

enum error_code evaluate_any(struct evaluation *e, const struct node *node, const json_t *dot,
                             json_t **ret_value)
{
    return evaluate_quantifier(e, node, dot, true, ret_value);
}

enum error_code evaluate_negation(struct evaluation *e, const struct node *node, const json_t *dot,
                                  json_t **ret_value)
{
    (void)e, (void)node;
    *ret_value = json_boolean(!truthy(dot));
    return ERR_OK;
}

/* ---- add ---- */

/* The sum so far. Strings and containers grow in place: this function alone has them. */
struct sum {
    json_t *value; /* of the first item that is not null, or grown from it */
    bool own;      /* value is a container made here                      */
    struct text text;
};

static bool is_container(const json_t *value)
{
    return json_is_array(value) || json_is_object(value);
}

static enum error_code sum_container(struct evaluation *e, struct sum *sum, const json_t *item)
{
    enum error_code code =
        json_is_array(item) ? spend(e, json_array_size(item)) : spend_on_keys(e, item);
    if (code != ERR_OK)
        return code;
    if (!sum->own) {
        json_t *own = json_is_array(item) ? json_array() : json_object();
        json_t *first = sum->value;
        sum->value = own;
        sum->own = true;
        code = sum_container(e, sum, first);
        json_decref(first);
        if (code != ERR_OK)
            return code;
    }
    if (json_is_array(item))
        json_array_extend(sum->value, (json_t *)item);
    else
        json_object_update(sum->value, (json_t *)item);
    return ERR_OK;
}

static enum error_code sum_item(struct evaluation *e, const struct node *node, struct sum *sum,
                                const json_t *item)
{
    if (!sum->value) {
        sum->value = share(item);
        return json_is_string(item) ? print_value(e, item, &sum->text) : ERR_OK;
    }
    if (json_is_string(item) && json_is_string(sum->value))
        return print_value(e, item, &sum->text);
    if (is_container(item) && json_typeof(item) == json_typeof(sum->value))
        return sum_container(e, sum, item);
    json_t *value = NULL;
    enum error_code code = add_values(e, node, sum->value, item, &value);
    if (code != ERR_OK)
        return code;
    json_decref(sum->value);
    sum->value = value;
    return ERR_OK;
}

enum error_code evaluate_add(struct evaluation *e, const struct node *node, const json_t *dot,
                             json_t **ret_value)
{
    struct items items;
    struct sum sum = {.value = NULL};
    enum error_code code = items_begin(e, node, dot, &items);
    if (code != ERR_OK)
        return code;
    text_init(&sum.text, LIMIT_TEXT_RESULT);
    const json_t *item = items_next(&items);
    for (; code == ERR_OK && item; item = items_next(&items)) {
        code = spend(e, 1);
        if (code == ERR_OK && !json_is_null(item))
            code = sum_item(e, node, &sum, item);
    }
    if (code == ERR_OK && sum.value && json_is_string(sum.value))
        code = finish_text(e, node, &sum.text, ret_value);
    else if (code == ERR_OK)
        *ret_value = sum.value ? share(sum.value) : json_null();
    json_decref(sum.value);
    text_done(&sum.text);
    return code;
}

/* ---- order ---- */

static enum error_code expect_array(struct evaluation *e, const struct node *node,
                                    const json_t *value)
{
    if (json_is_array(value))
        return ERR_OK;
    return refuse_value(e, node, "needs an array in front of it, found %s", kind_word(value));
}

/* The first of the least, or the last of the greatest, as in jq. */
static enum error_code evaluate_extreme(struct evaluation *e, const struct node *node,
                                        const json_t *dot, bool least, json_t **ret_value)
{
    enum error_code code = expect_array(e, node, dot);
    const json_t *best = code == ERR_OK ? json_array_get(dot, 0) : NULL;
    for (size_t i = 1; code == ERR_OK && i < json_array_size(dot); i++) {
        const json_t *item = json_array_get(dot, i);
        int order = 0;
        code = order_values(e, item, best, &order);
        if ((order < 0) == least)
            best = item;
    }
    if (code == ERR_OK)
        *ret_value = best ? share(best) : json_null();
    return code;
}

enum error_code evaluate_max(struct evaluation *e, const struct node *node, const json_t *dot,
                             json_t **ret_value)
{
    return evaluate_extreme(e, node, dot, false, ret_value);
}

enum error_code evaluate_min(struct evaluation *e, const struct node *node, const json_t *dot,
                             json_t **ret_value)
{
    return evaluate_extreme(e, node, dot, true, ret_value);
}

/* A new array of the items, sorted, each once if so asked. */
static enum error_code evaluate_sorted(struct evaluation *e, const struct node *node,
                                       const json_t *dot, bool once, json_t **ret_value)
{
    size_t count = json_array_size(dot);
    enum error_code code = expect_array(e, node, dot);
    if (code == ERR_OK)
        code = spend(e, count);
    if (code != ERR_OK)
        return code;
    AUTO(freep) const json_t **values = xcalloc(count + 1, sizeof(*values));
    for (size_t i = 0; i < count; i++)
        values[i] = json_array_get(dot, i);
    code = sort_values(e, values, count);
    json_auto_t *sorted = json_array();
    for (size_t i = 0; code == ERR_OK && i < count; i++) {
        bool repeated = false;
        if (once && i > 0)
            code = equal_values(e, values[i - 1], values[i], &repeated);
        if (!repeated)
            json_array_append_new(sorted, share(values[i]));
    }
    if (code == ERR_OK)
        *ret_value = TAKE(sorted);
    return code;
}

enum error_code evaluate_sort(struct evaluation *e, const struct node *node, const json_t *dot,
                              json_t **ret_value)
{
    return evaluate_sorted(e, node, dot, false, ret_value);
}

enum error_code evaluate_unique(struct evaluation *e, const struct node *node, const json_t *dot,
                                json_t **ret_value)
{
    return evaluate_sorted(e, node, dot, true, ret_value);
}

/* ---- keys, has, length ---- */

enum error_code evaluate_keys(struct evaluation *e, const struct node *node, const json_t *dot,
                              json_t **ret_value)
{
    if (!is_container(dot))
        return refuse_value(e, node, "needs an object or an array in front of it, found %s",
                            kind_word(dot));
    size_t count = json_is_object(dot) ? json_object_size(dot) : json_array_size(dot);
    enum error_code code = json_is_object(dot) ? spend_on_keys(e, dot) : spend(e, count);
    if (code != ERR_OK)
        return code;
    AUTO(freep) const char **names = json_is_object(dot) ? sorted_keys(dot) : NULL;
    json_t *keys = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(keys,
                              names ? json_string_nocheck(names[i]) : json_integer((json_int_t)i));
    *ret_value = keys;
    return ERR_OK;
}

static enum error_code has_key(struct evaluation *e, const struct node *node, const json_t *value,
                               const json_t *key, json_t **ret_value)
{
    bool found = false;
    if (json_is_object(value) && json_is_string(key)) {
        struct slice name = string_slice(key);
        found = json_object_getn(value, name.ptr, name.len) != NULL;
    } else if (json_is_array(value) && json_is_number(key)) {
        double place = trunc(json_number_value(key));
        found = place >= 0 && place < (double)json_array_size(value);
    } else if (!json_is_null(value)) {
        return refuse_value(e, node,
                            "asks %s for %s; `has` asks an object for a string, or an "
                            "array for a number",
                            kind_word(value), kind_word(key));
    }
    *ret_value = json_boolean(found);
    return ERR_OK;
}

enum error_code evaluate_has(struct evaluation *e, const struct node *node, const json_t *dot,
                             json_t **ret_value)
{
    json_auto_t *key = NULL;
    enum error_code code = evaluate_node(e, node->kids[0], dot, &key);
    if (code == ERR_OK)
        code = spend_on(e, key);
    return code == ERR_OK ? has_key(e, node, dot, key, ret_value) : code;
}

static json_t *magnitude(const json_t *number)
{
    json_int_t integer = json_integer_value(number);
    if (json_is_integer(number) && integer > INT64_MIN)
        return json_integer(integer < 0 ? -integer : integer);
    return numeral_new(fabs(json_number_value(number)));
}

enum error_code evaluate_length(struct evaluation *e, const struct node *node, const json_t *dot,
                                json_t **ret_value)
{
    if (json_is_boolean(dot))
        return refuse_value(e, node, "has a boolean in front of it, which has no length");
    enum error_code code = spend_on(e, dot);
    if (code != ERR_OK)
        return code;
    size_t length = json_is_array(dot)    ? json_array_size(dot)
                    : json_is_object(dot) ? json_object_size(dot)
                    : json_is_string(dot) ? character_count(string_slice(dot))
                                          : 0;
    *ret_value = json_is_number(dot) ? magnitude(dot) : json_integer((json_int_t)length);
    return ERR_OK;
}
