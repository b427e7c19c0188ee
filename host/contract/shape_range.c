/* SPDX-License-Identifier: Apache-2.0
 *
 * How large what a shape allows can be: numbers, strings, objects, and the values themselves where
 * they are few. Each answer is over the values of that one type alone, and never too narrow.
 */
#include "contract/shape_internal.h"

#include <math.h>

/* Up to here every integer is a double; bounds beyond are not spoken of. */
static const double EXACT = 9007199254740992.0;

static void widen_number(struct shape_numbers *all, struct shape_numbers one)
{
    all->least = fmin(all->least, one.least);
    all->most = fmax(all->most, one.most);
    all->integral = all->integral && one.integral;
}

static double bound_at(const json_t *part, const char *keyword, double otherwise)
{
    const json_t *value = json_object_get(part, keyword);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

/* Of the numbers among a const or enum; false if there is neither. */
static bool numbers_of_values(const json_t *part, struct shape_numbers *ret)
{
    const json_t *one, *several = schema_values(part, &one);
    *ret = (struct shape_numbers){INFINITY, -INFINITY, true};
    for (size_t i = 0; i < (one ? 1 : json_array_size(several)); i++) {
        const json_t *value = one ? one : json_array_get(several, i);
        double number = json_number_value(value);
        bool integral = value_bit(value) == TYPE_BIT(JSON_INTEGER);
        if (json_is_number(value))
            widen_number(ret, (struct shape_numbers){number, number, integral});
    }
    return one || several;
}

static struct shape_numbers numbers_of_branch(const struct branch_parts *b)
{
    struct shape_numbers all = {-INFINITY, INFINITY, false};
    all.integral = (b->types & TYPES_NUMBER) == TYPE_BIT(JSON_INTEGER);
    for (size_t i = 0; i < b->count; i++) {
        const json_t *part = b->parts[i];
        struct shape_numbers values;
        all.least = fmax(all.least, bound_at(part, "minimum", -INFINITY));
        all.least = fmax(all.least, bound_at(part, "exclusiveMinimum", -INFINITY));
        all.most = fmin(all.most, bound_at(part, "maximum", INFINITY));
        all.most = fmin(all.most, bound_at(part, "exclusiveMaximum", INFINITY));
        if (!numbers_of_values(part, &values))
            continue;
        all.least = fmax(all.least, values.least);
        all.most = fmin(all.most, values.most);
        all.integral = all.integral || values.integral;
    }
    return all;
}

/* For whole numbers, the next whole one behind an open or a broken bound. */
static void round_inward(const struct branch_parts *b, struct shape_numbers *n)
{
    for (size_t i = 0; n->integral && i < b->count; i++) {
        double low = bound_at(b->parts[i], "exclusiveMinimum", -INFINITY);
        double high = bound_at(b->parts[i], "exclusiveMaximum", INFINITY);
        if (fabs(low) < 1e15)
            n->least = fmax(n->least, floor(low) + 1);
        if (fabs(high) < 1e15)
            n->most = fmin(n->most, ceil(high) - 1);
    }
    if (n->integral) {
        n->least = ceil(n->least);
        n->most = floor(n->most);
    }
}

struct shape_numbers shape_numbers(struct shapes *shapes, const struct shape *shape)
{
    struct expansion x;
    struct shape_numbers all = {INFINITY, -INFINITY, true};
    expand_schema(shapes, shape->schema, &x);
    for (size_t i = 0; i < x.count; i++) {
        if (!(x.list[i].types & TYPES_NUMBER))
            continue;
        struct shape_numbers one = numbers_of_branch(&x.list[i]);
        round_inward(&x.list[i], &one);
        if (one.least > one.most)
            continue;
        one.least = fabs(one.least) > EXACT ? -INFINITY : one.least;
        one.most = fabs(one.most) > EXACT ? INFINITY : one.most;
        widen_number(&all, one);
    }
    expansion_done(&x);
    return all;
}

/* ---- lengths and counts ---- */

static size_t count_at(const json_t *part, const char *keyword, size_t otherwise)
{
    size_t count;
    const json_t *value = json_object_get(part, keyword);
    return json_is_number(value) && number_count(value, &count) ? count : otherwise;
}

static size_t characters(const json_t *string)
{
    size_t count = 0;
    const char *text = json_string_value(string);
    for (size_t i = 0; i < json_string_length(string); i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

static size_t size_of_value(const json_t *value)
{
    return json_is_string(value) ? characters(value) : json_object_size(value);
}

static void narrow(struct shape_sizes *sizes, size_t least, size_t most)
{
    sizes->least = sizes->least > least ? sizes->least : least;
    sizes->most = sizes->most < most ? sizes->most : most;
}

static void sizes_of_values(const json_t *part, json_type type, struct shape_sizes *sizes)
{
    const json_t *one, *several = schema_values(part, &one);
    struct shape_sizes all = {SIZE_MAX, 0};
    for (size_t i = 0; i < (one ? 1 : json_array_size(several)); i++) {
        const json_t *value = one ? one : json_array_get(several, i);
        if (json_typeof(value) != type)
            continue;
        size_t size = size_of_value(value);
        all.least = all.least < size ? all.least : size;
        all.most = all.most > size ? all.most : size;
    }
    if (all.least <= all.most)
        narrow(sizes, all.least, all.most);
}

static bool is_closed(const json_t *part)
{
    return json_is_false(json_object_get(part, "additionalProperties")) &&
           json_object_size(json_object_get(part, "patternProperties")) == 0;
}

static struct shape_sizes sizes_of_branch(const struct branch_parts *b, json_type type)
{
    bool string = type == JSON_STRING;
    struct shape_sizes sizes = {0, SIZE_MAX};
    for (size_t i = 0; i < b->count; i++) {
        const json_t *part = b->parts[i];
        narrow(&sizes, count_at(part, string ? "minLength" : "minProperties", 0),
               count_at(part, string ? "maxLength" : "maxProperties", SIZE_MAX));
        if (!string)
            narrow(&sizes, json_array_size(json_object_get(part, "required")),
                   is_closed(part) ? json_object_size(json_object_get(part, "properties"))
                                   : SIZE_MAX);
        sizes_of_values(part, type, &sizes);
    }
    return sizes;
}

static struct shape_sizes sizes_of(struct shapes *shapes, const struct shape *shape, json_type type)
{
    struct expansion x;
    struct shape_sizes all = {SIZE_MAX, 0};
    expand_schema(shapes, shape->schema, &x);
    for (size_t i = 0; i < x.count; i++) {
        if (!(x.list[i].types & TYPE_BIT(type)))
            continue;
        struct shape_sizes one = sizes_of_branch(&x.list[i], type);
        if (one.least > one.most)
            continue;
        all.least = all.least < one.least ? all.least : one.least;
        all.most = all.most > one.most ? all.most : one.most;
    }
    expansion_done(&x);
    if (all.least > all.most)
        all.least = 0;
    return all;
}

struct shape_sizes shape_string_sizes(struct shapes *shapes, const struct shape *shape)
{
    return sizes_of(shapes, shape, JSON_STRING);
}

struct shape_sizes shape_object_sizes(struct shapes *shapes, const struct shape *shape)
{
    return sizes_of(shapes, shape, JSON_OBJECT);
}

/* ---- the values themselves ---- */

static bool allowed_by(const json_t *part, const json_t *value)
{
    const json_t *one, *several = schema_values(part, &one);
    if (!(type_bits(json_object_get(part, "type")) & value_bit(value)))
        return false;
    if (one)
        return contract_equal(one, value);
    for (size_t i = 0; i < json_array_size(several); i++)
        if (contract_equal(json_array_get(several, i), value))
            return true;
    return several == NULL;
}

static bool is_listed(const json_t *list, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (contract_equal(json_array_get(list, i), value))
            return true;
    return false;
}

/* What few values the types alone leave: null, true and false. */
static bool values_of_types(unsigned types, json_t *values)
{
    static const unsigned few = TYPE_BIT(JSON_NULL) | TYPE_BIT(JSON_TRUE) | TYPE_BIT(JSON_FALSE);
    json_t *const all[] = {json_null(), json_true(), json_false()};
    for (size_t i = 0; (types & ~few) == 0 && i < 3; i++)
        if ((types & TYPE_BIT(json_typeof(all[i]))) && !is_listed(values, all[i]))
            json_array_append(values, all[i]);
    return (types & ~few) == 0;
}

/* The whole numbers of a short interval. */
static bool values_of_interval(const struct branch_parts *b, size_t most, json_t *values)
{
    struct shape_numbers n = numbers_of_branch(b);
    round_inward(b, &n);
    if (b->types != TYPE_BIT(JSON_INTEGER) || !n.integral || !(n.most - n.least < (double)most) ||
        fabs(n.least) > EXACT)
        return false;
    for (double value = n.least; value <= n.most; value++) {
        json_auto_t *number = json_integer((json_int_t)value);
        if (!is_listed(values, number))
            json_array_append(values, number);
    }
    return json_array_size(values) <= most;
}

static bool values_of_branch(const struct branch_parts *b, size_t most, json_t *values)
{
    const json_t *one = NULL, *several = NULL;
    for (size_t i = 0; !one && !several && i < b->count; i++)
        several = schema_values(b->parts[i], &one);
    if (!one && !several)
        return values_of_types(b->types, values) || values_of_interval(b, most, values);
    for (size_t i = 0; i < (one ? 1 : json_array_size(several)); i++) {
        const json_t *value = one ? one : json_array_get(several, i);
        bool allowed = !is_listed(values, value);
        for (size_t j = 0; allowed && j < b->count; j++)
            allowed = allowed_by(b->parts[j], value);
        if (allowed)
            json_array_append(values, (json_t *)value);
        if (json_array_size(values) > most)
            return false;
    }
    return true;
}

json_t *shape_values(struct shapes *shapes, const struct shape *shape, size_t most)
{
    struct expansion x;
    json_t *values = json_array();
    bool few = true;
    expand_schema(shapes, shape->schema, &x);
    for (size_t i = 0; few && i < x.count; i++)
        few = values_of_branch(&x.list[i], most, values);
    expansion_done(&x);
    if (few)
        return values;
    json_decref(values);
    return NULL;
}
