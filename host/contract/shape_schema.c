/* SPDX-License-Identifier: Apache-2.0
 *
 * Building schemas out of schemas. What is built is immutable and shares what it is built of, so
 * that a large contract is never copied; it is kept short, since it is printed, compared and
 * expanded many times: what is there twice goes, unions of types become one list, constants one
 * enum.
 */
#include "contract/shape_internal.h"

#include <math.h>
#include <string.h>

json_t *schema_keep(const json_t *schema)
{
    return json_incref((json_t *)schema); /* only the count changes */
}

unsigned value_bit(const json_t *value)
{
    if (json_is_real(value) && number_integral(json_real_value(value)))
        return TYPE_BIT(JSON_INTEGER);
    return TYPE_BIT(json_typeof(value));
}

static unsigned word_bits(const char *word)
{
    static const struct {
        const char *word;
        unsigned bits;
    } rows[] = {
        {"null", TYPE_BIT(JSON_NULL)},
        {"boolean", TYPE_BIT(JSON_TRUE) | TYPE_BIT(JSON_FALSE)},
        {"integer", TYPE_BIT(JSON_INTEGER)},
        {"number", TYPES_NUMBER},
        {"string", TYPES_STRING},
        {"array", TYPES_ARRAY},
        {"object", TYPES_OBJECT},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].word, word) == 0)
            return rows[i].bits;
    return 0;
}

unsigned type_bits(const json_t *type)
{
    if (json_is_string(type))
        return word_bits(json_string_value(type));
    unsigned bits = 0;
    for (size_t i = 0; i < json_array_size(type); i++)
        bits |= word_bits(json_string_value(json_array_get(type, i)));
    return json_is_array(type) ? bits : TYPES_ALL;
}

/* The word or words of `type` for bits in which booleans are whole. */
static json_t *type_words(unsigned types)
{
    static const struct {
        unsigned bits;
        const char *word;
    } rows[] = {
        {TYPE_BIT(JSON_NULL), "null"}, {TYPE_BIT(JSON_TRUE), "boolean"}, {TYPES_STRING, "string"},
        {TYPES_ARRAY, "array"},        {TYPES_OBJECT, "object"},
    };
    json_t *words = json_array();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (types & rows[i].bits)
            json_array_append_new(words, json_string(rows[i].word));
    if (types & TYPES_NUMBER)
        json_array_append_new(words,
                              json_string(types & TYPE_BIT(JSON_REAL) ? "number" : "integer"));
    if (json_array_size(words) > 1)
        return words;
    json_t *word = json_incref(json_array_get(words, 0));
    json_decref(words);
    return word;
}

json_t *schema_of_types(unsigned types)
{
    const unsigned both = TYPE_BIT(JSON_TRUE) | TYPE_BIT(JSON_FALSE);
    types &= TYPES_ALL;
    if (types == TYPES_ALL)
        return json_true();
    if (types == 0)
        return json_false();
    unsigned half = (types & both) == both ? 0 : types & both;
    if (half == 0)
        return json_pack("{s:o}", "type", type_words(types));
    json_t *constant = json_pack("{s:b}", "const", half == TYPE_BIT(JSON_TRUE));
    if (types == half)
        return constant;
    return json_pack("{s:[{s:o},o]}", "anyOf", "type", type_words(types & ~both), constant);
}

const json_t *schema_values(const json_t *schema, const json_t **ret_one)
{
    *ret_one = json_object_get(schema, "const");
    return *ret_one ? NULL : json_object_get(schema, "enum");
}

bool schema_lists(const json_t *schema, const json_t *value)
{
    const json_t *one, *several = schema_values(schema, &one);
    if (one)
        return contract_equal(one, value);
    for (size_t i = 0; i < json_array_size(several); i++)
        if (contract_equal(json_array_get(several, i), value))
            return true;
    return false;
}

/* ---- unions and meets ---- */

static bool is_sole(const json_t *schema, const char *keyword)
{
    return json_object_size(schema) == 1 && json_object_get(schema, keyword);
}

static bool holds_schema(const json_t *list, const json_t *schema)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *other = json_array_get(list, i);
        if (other == schema || (json_object_size(other) == 1 && json_equal(other, schema)))
            return true;
    }
    return false;
}

/* Adds to `flat` what is in the list; lists of the same keyword are opened by one level. */
static void flatten(json_t *flat, const json_t *list, const char *keyword)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *schema = json_array_get(list, i);
        if (is_sole(schema, keyword))
            flatten(flat, json_object_get(schema, keyword), keyword);
        else if (!holds_schema(flat, schema))
            json_array_append(flat, schema);
    }
}

static bool holds_boolean(const json_t *list, bool value)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (value ? json_is_true(json_array_get(list, i)) : json_is_false(json_array_get(list, i)))
            return true;
    return false;
}

static void drop_booleans(json_t *list, bool value)
{
    for (size_t i = json_array_size(list); i-- > 0;)
        if (value ? json_is_true(json_array_get(list, i)) : json_is_false(json_array_get(list, i)))
            json_array_remove(list, i);
}

/* The schema that a list of one kind comes to. */
static json_t *finish(const char *keyword, json_t *list_taken, bool neutral)
{
    json_auto_t *list = list_taken;
    if (json_array_size(list) == 0)
        return json_boolean(neutral);
    if (json_array_size(list) == 1)
        return json_incref(json_array_get(list, 0));
    return json_pack("{s:O}", keyword, list);
}

json_t *schema_all(json_t *list_taken)
{
    json_auto_t *list = list_taken;
    json_auto_t *flat = json_array();
    flatten(flat, list, "allOf");
    if (holds_boolean(flat, false))
        return json_false();
    drop_booleans(flat, true);
    return schema_bounded(finish("allOf", json_incref(flat), true));
}

/* Takes out of the list what is a type alone, as bits. */
static unsigned take_types(json_t *list)
{
    unsigned types = 0;
    for (size_t i = json_array_size(list); i-- > 0;) {
        const json_t *schema = json_array_get(list, i);
        if (!is_sole(schema, "type"))
            continue;
        types |= type_bits(json_object_get(schema, "type"));
        json_array_remove(list, i);
    }
    return types;
}

static void add_value(json_t *values, json_t *value, unsigned types)
{
    if (types & value_bit(value))
        return;
    for (size_t i = 0; i < json_array_size(values); i++)
        if (contract_equal(json_array_get(values, i), value))
            return;
    json_array_append(values, value);
}

/* Takes out what is a set of values alone; those of the types are left out of it. */
static json_t *take_values(json_t *list, unsigned types)
{
    json_t *values = json_array();
    for (size_t i = 0; i < json_array_size(list);) {
        const json_t *schema = json_array_get(list, i);
        json_t *constant = json_object_get(schema, "const");
        json_t *several = json_object_get(schema, "enum");
        bool sole = json_object_size(schema) == 1 && (constant || several);
        if (!sole || json_array_size(values) + json_array_size(several) >= SHAPE_VALUES) {
            i++;
            continue;
        }
        if (constant)
            add_value(values, constant, types);
        for (size_t j = 0; j < json_array_size(several); j++)
            add_value(values, json_array_get(several, j), types);
        json_array_remove(list, i);
    }
    return values;
}

static bool bound_holds(const json_t *schema, const char *keyword, double number, int sign)
{
    const json_t *bound = json_object_get(schema, keyword);
    double difference = number - json_number_value(bound);
    return !bound || (sign == 1 ? difference >= 0 : sign == -1 ? difference <= 0 : false);
}

/* Whether the schema, if it is plain to see, lets the number through. */
static bool plainly_has(const json_t *schema, const json_t *value)
{
    size_t known = 0;
    static const char *const keywords[] = {"type", "minimum", "maximum"};
    if (!json_is_number(value) || fabs(json_number_value(value)) > 1e15)
        return false;
    for (size_t i = 0; i < 3; i++)
        known += json_object_get(schema, keywords[i]) != NULL;
    return json_object_size(schema) == known &&
           (type_bits(json_object_get(schema, "type")) & value_bit(value)) &&
           bound_holds(schema, "minimum", json_number_value(value), 1) &&
           bound_holds(schema, "maximum", json_number_value(value), -1);
}

/* Those that another schema of the list has anyhow go. */
static void drop_had(json_t *values, const json_t *list)
{
    for (size_t i = json_array_size(values); i-- > 0;)
        for (size_t j = 0; j < json_array_size(list); j++)
            if (plainly_has(json_array_get(list, j), json_array_get(values, i))) {
                json_array_remove(values, i);
                break;
            }
}

static void put_values(json_t *list, json_t *values_taken)
{
    json_auto_t *values = values_taken;
    drop_had(values, list);
    if (json_array_size(values) == 1)
        json_array_insert_new(list, 0, json_pack("{s:O}", "const", json_array_get(values, 0)));
    else if (json_array_size(values) > 1)
        json_array_insert_new(list, 0, json_pack("{s:O}", "enum", values));
}

json_t *schema_any(json_t *list_taken)
{
    json_auto_t *list = list_taken;
    json_auto_t *flat = json_array();
    flatten(flat, list, "anyOf");
    if (holds_boolean(flat, true))
        return json_true();
    drop_booleans(flat, false);
    unsigned types = take_types(flat);
    put_values(flat, take_values(flat, types));
    if (types) {
        json_t *schema = schema_of_types(types);
        if (json_is_true(schema))
            return schema;
        json_array_insert_new(flat, 0, schema);
    }
    return schema_bounded(finish("anyOf", json_incref(flat), false));
}

json_t *schema_both(const json_t *a, const json_t *b)
{
    return schema_all(json_pack("[O,O]", a, b));
}

bool schema_is_types(const json_t *schema, unsigned *ret_types)
{
    const json_t *constant = json_object_get(schema, "const");
    const json_t *list = json_object_get(schema, "anyOf");
    *ret_types = json_is_true(schema) ? TYPES_ALL : 0;
    if (json_is_boolean(schema))
        return true;
    if (json_object_size(schema) != 1)
        return false;
    if (json_is_boolean(constant) || json_is_null(constant)) {
        *ret_types = value_bit(constant);
        return true;
    }
    if (json_object_get(schema, "type")) {
        *ret_types = type_bits(json_object_get(schema, "type"));
        return true;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        unsigned types;
        if (!schema_is_types(json_array_get(list, i), &types))
            return false;
        *ret_types |= types;
    }
    return list != NULL;
}

/* ---- size ---- */

/* Counts what a schema is written with, as a tree; stops when there is nothing left. */
static bool fits(const json_t *json, size_t *left, unsigned depth)
{
    if (*left == 0 || depth > SHAPE_DEPTH)
        return false;
    --*left;
    bool fit = true;
    for (size_t i = 0; fit && i < json_array_size(json); i++)
        fit = fits(json_array_get(json, i), left, depth + 1);
    struct entry e;
    if (json_is_object(json))
        for (bool more = entry_first(json, &e); fit && more; more = entry_next(json, &e))
            fit = fits(e.value, left, depth + 1);
    return fit;
}

bool schema_fits(const json_t *schema, size_t most)
{
    return fits(schema, &most, 0);
}

json_t *schema_bounded(json_t *schema_taken)
{
    if (schema_fits(schema_taken, SHAPE_NODES))
        return schema_taken;
    json_decref(schema_taken);
    return json_true();
}
