/* SPDX-License-Identifier: Apache-2.0
 *
 * Arithmetic, on all that jq has it for: numbers, and also strings, arrays and objects. Integers
 * are exact to 64 bits; a result beyond them becomes a double, as all are in jq. A division by zero
 * and a result beyond all doubles are errors.
 */
#include "mapping/evaluate_internal.h"
#include "mapping/numeral_internal.h"

#include <math.h>

typedef enum error_code arithmetic_fn(struct evaluation *e, const struct node *node,
                                      const json_t *a, const json_t *b, json_t **ret_value);

static enum error_code evaluate_both(struct evaluation *e, const struct node *node,
                                     const json_t *dot, arithmetic_fn *compute, json_t **ret_value)
{
    json_auto_t *a = NULL;
    json_auto_t *b = NULL;
    enum error_code code = evaluate_node(e, node->kids[0], dot, &a);
    if (code == ERR_OK)
        code = evaluate_node(e, node->kids[1], dot, &b);
    return code == ERR_OK ? compute(e, node, a, b, ret_value) : code;
}

static enum error_code refuse_pair(struct evaluation *e, const struct node *node, const json_t *a,
                                   const json_t *b, const char *needs)
{
    return refuse_value(e, node, "has %s on the left and %s on the right; `%s` needs %s",
                        kind_word(a), kind_word(b), operations[node->id].written, needs);
}

static enum error_code finish_number(struct evaluation *e, const struct node *node, double number,
                                     json_t **ret_value)
{
    json_t *value = numeral_new(number);
    if (!value)
        return refuse_value(e, node, "is larger than any number here");
    *ret_value = value;
    return ERR_OK;
}

static bool both_integers(const json_t *a, const json_t *b)
{
    return json_is_integer(a) && json_is_integer(b);
}

static bool both_numbers(const json_t *a, const json_t *b)
{
    return json_is_number(a) && json_is_number(b);
}

static bool both_strings(const json_t *a, const json_t *b)
{
    return json_is_string(a) && json_is_string(b);
}

/* ---- + ---- */

static enum error_code add_numbers(struct evaluation *e, const struct node *node, const json_t *a,
                                   const json_t *b, json_t **ret_value)
{
    json_int_t sum;
    if (both_integers(a, b) &&
        !__builtin_add_overflow(json_integer_value(a), json_integer_value(b), &sum)) {
        *ret_value = json_integer(sum);
        return ERR_OK;
    }
    return finish_number(e, node, json_number_value(a) + json_number_value(b), ret_value);
}

static enum error_code add_strings(struct evaluation *e, const struct node *node, const json_t *a,
                                   const json_t *b, json_t **ret_value)
{
    AUTO(text_done) struct text text;
    text_init(&text, LIMIT_TEXT_RESULT);
    enum error_code code = print_value(e, a, &text);
    if (code == ERR_OK)
        code = print_value(e, b, &text);
    return code == ERR_OK ? finish_text(e, node, &text, ret_value) : code;
}

/* The items, or members, of both in a new container. */
static enum error_code add_containers(struct evaluation *e, const json_t *a, const json_t *b,
                                      json_t **ret_value)
{
    bool arrays = json_is_array(a);
    const json_t *const both[] = {a, b};
    json_auto_t *sum = arrays ? json_array() : json_object();
    for (size_t i = 0; i < 2; i++) {
        enum error_code code =
            arrays ? spend(e, json_array_size(both[i])) : spend_on_keys(e, both[i]);
        if (code != ERR_OK)
            return code;
        if (arrays)
            json_array_extend(sum, (json_t *)both[i]);
        else
            json_object_update(sum, (json_t *)both[i]);
    }
    *ret_value = TAKE(sum);
    return ERR_OK;
}

enum error_code add_values(struct evaluation *e, const struct node *node, const json_t *a,
                           const json_t *b, json_t **ret_value)
{
    if (json_is_null(a) || json_is_null(b)) {
        *ret_value = share(json_is_null(a) ? b : a);
        return ERR_OK;
    }
    if (both_numbers(a, b))
        return add_numbers(e, node, a, b, ret_value);
    if (both_strings(a, b))
        return add_strings(e, node, a, b, ret_value);
    if ((json_is_array(a) && json_is_array(b)) || (json_is_object(a) && json_is_object(b)))
        return add_containers(e, a, b, ret_value);
    return refuse_value(e, node,
                        "adds %s and %s; a sum is of two numbers, strings, arrays or objects",
                        kind_word(a), kind_word(b));
}

enum error_code evaluate_plus(struct evaluation *e, const struct node *node, const json_t *dot,
                              json_t **ret_value)
{
    return evaluate_both(e, node, dot, add_values, ret_value);
}

/* ---- - ---- */

/* The items of a that equal none of b. */
static enum error_code subtract_arrays(struct evaluation *e, const json_t *a, const json_t *b,
                                       json_t **ret_value)
{
    json_auto_t *rest = json_array();
    for (size_t i = 0; i < json_array_size(a); i++) {
        const json_t *item = json_array_get(a, i);
        bool found = false;
        enum error_code code = spend(e, 1);
        for (size_t j = 0; code == ERR_OK && !found && j < json_array_size(b); j++)
            code = equal_values(e, item, json_array_get(b, j), &found);
        if (code != ERR_OK)
            return code;
        if (!found)
            json_array_append_new(rest, share(item));
    }
    *ret_value = TAKE(rest);
    return ERR_OK;
}

static enum error_code subtract_values(struct evaluation *e, const struct node *node,
                                       const json_t *a, const json_t *b, json_t **ret_value)
{
    json_int_t difference;
    if (json_is_array(a) && json_is_array(b))
        return subtract_arrays(e, a, b, ret_value);
    if (!both_numbers(a, b))
        return refuse_pair(e, node, a, b, "two numbers, or two arrays");
    if (both_integers(a, b) &&
        !__builtin_sub_overflow(json_integer_value(a), json_integer_value(b), &difference)) {
        *ret_value = json_integer(difference);
        return ERR_OK;
    }
    return finish_number(e, node, json_number_value(a) - json_number_value(b), ret_value);
}

enum error_code evaluate_minus(struct evaluation *e, const struct node *node, const json_t *dot,
                               json_t **ret_value)
{
    return evaluate_both(e, node, dot, subtract_values, ret_value);
}

enum error_code evaluate_minus_sign(struct evaluation *e, const struct node *node,
                                    const json_t *dot, json_t **ret_value)
{
    json_auto_t *value = NULL;
    enum error_code code = evaluate_node(e, node->kids[0], dot, &value);
    if (code != ERR_OK)
        return code;
    if (!json_is_number(value))
        return refuse_value(e, node->kids[0], "is %s; only a number can be negated",
                            kind_word(value));
    json_int_t negated;
    if (json_is_integer(value) &&
        !__builtin_sub_overflow((json_int_t)0, json_integer_value(value), &negated)) {
        *ret_value = json_integer(negated);
        return ERR_OK;
    }
    return finish_number(e, node, -json_number_value(value), ret_value);
}

/* ---- * ---- */

/* The string so many times, a part of a time counting only below one; null for none. */
static enum error_code repeat_string(struct evaluation *e, const struct node *node,
                                     const json_t *string, double times, json_t **ret_value)
{
    if (times <= 0) {
        *ret_value = json_null();
        return ERR_OK;
    }
    size_t length = json_string_length(string);
    AUTO(text_done) struct text text;
    text_init(&text, LIMIT_TEXT_RESULT);
    bool fits = text_add(&text, json_string_value(string), length);
    for (double done = 2; fits && length > 0 && done <= times; done++)
        fits = text_add(&text, json_string_value(string), length);
    enum error_code code = spend_on_bytes(e, text.len);
    return code == ERR_OK ? finish_text(e, node, &text, ret_value) : code;
}

/* b over a: where both have an object, their merger. As deep as values are. */
static enum error_code merge_objects(struct evaluation *e, const json_t *a, const json_t *b,
                                     json_t **ret_value)
{
    json_auto_t *merged = NULL;
    enum error_code code = add_containers(e, a, b, &merged);
    if (code != ERR_OK)
        return code;
    const char *key;
    json_t *above;
    json_object_foreach ((json_t *)b, key, above) {
        const json_t *below = json_object_get(a, key);
        if (!json_is_object(below) || !json_is_object(above))
            continue;
        json_t *inner = NULL;
        code = merge_objects(e, below, above, &inner);
        if (code != ERR_OK)
            return code;
        json_object_set_new_nocheck(merged, key, inner);
    }
    *ret_value = TAKE(merged);
    return ERR_OK;
}

static enum error_code multiply_values(struct evaluation *e, const struct node *node,
                                       const json_t *a, const json_t *b, json_t **ret_value)
{
    json_int_t product;
    if (json_is_object(a) && json_is_object(b))
        return merge_objects(e, a, b, ret_value);
    if (json_is_string(a) && json_is_number(b))
        return repeat_string(e, node, a, json_number_value(b), ret_value);
    if (json_is_number(a) && json_is_string(b))
        return repeat_string(e, node, b, json_number_value(a), ret_value);
    if (!both_numbers(a, b))
        return refuse_pair(e, node, a, b, "two numbers, a string and a number, or two objects");
    if (both_integers(a, b) &&
        !__builtin_mul_overflow(json_integer_value(a), json_integer_value(b), &product)) {
        *ret_value = json_integer(product);
        return ERR_OK;
    }
    return finish_number(e, node, json_number_value(a) * json_number_value(b), ret_value);
}

enum error_code evaluate_times(struct evaluation *e, const struct node *node, const json_t *dot,
                               json_t **ret_value)
{
    return evaluate_both(e, node, dot, multiply_values, ret_value);
}

/* ---- / and % ---- */

static enum error_code divide_values(struct evaluation *e, const struct node *node, const json_t *a,
                                     const json_t *b, json_t **ret_value)
{
    if (both_strings(a, b))
        return split_string(e, node, a, b, ret_value);
    if (!both_numbers(a, b))
        return refuse_pair(e, node, a, b, "two numbers, or two strings");
    if (json_number_value(b) == 0)
        return refuse_value(e, node, "divides by zero");
    if (both_integers(a, b) && json_integer_value(b) != -1 &&
        json_integer_value(a) % json_integer_value(b) == 0) {
        *ret_value = json_integer(json_integer_value(a) / json_integer_value(b));
        return ERR_OK;
    }
    return finish_number(e, node, json_number_value(a) / json_number_value(b), ret_value);
}

enum error_code evaluate_divide(struct evaluation *e, const struct node *node, const json_t *dot,
                                json_t **ret_value)
{
    return evaluate_both(e, node, dot, divide_values, ret_value);
}

/* The remainder of the whole parts, with the sign of the left one, as jq has it. */
static enum error_code divide_remainder(struct evaluation *e, const struct node *node,
                                        const json_t *a, const json_t *b, json_t **ret_value)
{
    if (!both_numbers(a, b))
        return refuse_pair(e, node, a, b, "two numbers");
    if (trunc(json_number_value(b)) == 0)
        return refuse_value(e, node, "divides by zero: of both sides, `%%` takes the whole part");
    if (both_integers(a, b)) {
        json_int_t divisor = json_integer_value(b);
        *ret_value = json_integer(divisor == -1 ? 0 : json_integer_value(a) % divisor);
        return ERR_OK;
    }
    return finish_number(e, node, fmod(trunc(json_number_value(a)), trunc(json_number_value(b))),
                         ret_value);
}

enum error_code evaluate_modulo(struct evaluation *e, const struct node *node, const json_t *dot,
                                json_t **ret_value)
{
    return evaluate_both(e, node, dot, divide_remainder, ret_value);
}
