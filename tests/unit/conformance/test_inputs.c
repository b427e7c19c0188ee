/* SPDX-License-Identifier: Apache-2.0
 *
 * The values that the kit draws: each fits, a seed gives the same ones everywhere, and the edges of
 * a contract are among them.
 */
#include "conformance/inputs_internal.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static struct contract *compiled(const char *text)
{
    AUTO(json_decrefp) json_t *schema = json_loads(text, JSON_DECODE_ANY, NULL);
    struct contract *contract = NULL;
    struct error err;
    ck_assert(schema);
    ck_assert_msg(contract_compile(schema, NULL, &contract, &err) == ERR_OK, "%s", err.text);
    return contract;
}

static bool is_among(const json_t *list, const char *text)
{
    AUTO(json_decrefp) json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    size_t i;
    json_t *one;
    json_array_foreach ((json_t *)list, i, one)
        if (contract_equal(one, value))
            return true;
    return false;
}

static const char *const schemas[] = {
    "true",
    "{\"type\":\"string\",\"pattern\":\"^[0-9]{4}-[0-9]{2}$\"}",
    "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/n\"}},\"required\":[\"a\"],"
    "\"additionalProperties\":false,\"$defs\":{\"n\":{\"type\":\"integer\",\"multipleOf\":7}}}",
    "{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"array\",\"items\":{\"$ref\":\"#\"},\"maxItems\":3}"
    "]}",
    "{\"allOf\":[{\"required\":[\"x\"]},{\"properties\":{\"x\":{\"type\":\"string\",\"minLength\":"
    "3,"
    "\"maxLength\":5}}}],\"type\":\"object\"}",
    "{\"type\":\"string\",\"format\":\"date-time\"}",
    "{\"type\":\"number\",\"exclusiveMinimum\":0,\"exclusiveMaximum\":1}",
};

enum { SCHEMAS = sizeof(schemas) / sizeof(schemas[0]) };

static void fits(const char *schema)
{
    AUTO(contract_unrefp) struct contract *contract = compiled(schema);
    AUTO(json_decrefp) json_t *list = inputs_draw(contract, 7, 200, INT64_MAX);
    size_t i;
    json_t *one;
    ck_assert_uint_ge(json_array_size(list), 20);
    json_array_foreach (list, i, one)
        ck_assert(contract_accepts(contract, one));
}

START_TEST(every_value_fits_its_contract)
{
    for (size_t k = 0; k < SCHEMAS; k++)
        fits(schemas[k]);
}
END_TEST

static void repeats(const char *schema)
{
    AUTO(contract_unrefp) struct contract *contract = compiled(schema);
    AUTO(json_decrefp) json_t *one = inputs_draw(contract, 42, 50, INT64_MAX);
    AUTO(json_decrefp) json_t *two = inputs_draw(contract, 42, 50, INT64_MAX);
    ck_assert(json_equal(one, two));
}

START_TEST(a_seed_gives_the_same_values)
{
    for (size_t k = 0; k < SCHEMAS; k++)
        repeats(schemas[k]);
    AUTO(contract_unrefp) struct contract *any = compiled("true");
    AUTO(json_decrefp) json_t *one = inputs_draw(any, 42, 50, INT64_MAX);
    AUTO(json_decrefp) json_t *other = inputs_draw(any, 43, 50, INT64_MAX);
    ck_assert(!json_equal(one, other));
}
END_TEST

START_TEST(the_edges_are_among_them)
{
    AUTO(contract_unrefp)
    struct contract *bounded = compiled("{\"type\":\"integer\",\"minimum\":-3,\"maximum\":900}");
    AUTO(json_decrefp) json_t *numbers = inputs_draw(bounded, 1, 50, INT64_MAX);
    ck_assert(is_among(numbers, "-3"));
    ck_assert(is_among(numbers, "900"));
    AUTO(contract_unrefp)
    struct contract *list =
        compiled("{\"type\":\"array\",\"items\":{\"const\":1},\"minItems\":1,\"maxItems\":3}");
    AUTO(json_decrefp) json_t *arrays = inputs_draw(list, 1, 50, INT64_MAX);
    ck_assert(is_among(arrays, "[1]"));
    ck_assert(is_among(arrays, "[1,1,1]"));
    AUTO(contract_unrefp)
    struct contract *told = compiled("{\"type\":\"string\",\"examples\":[\"Lisbon to Vienna\"]}");
    AUTO(json_decrefp) json_t *strings = inputs_draw(told, 1, 100, INT64_MAX);
    ck_assert(is_among(strings, "\"Lisbon to Vienna\""));
    ck_assert(is_among(strings, "\"\""));
}
END_TEST

START_TEST(nothing_is_drawn_where_nothing_fits)
{
    AUTO(contract_unrefp) struct contract *never = compiled("false");
    AUTO(json_decrefp) json_t *list = inputs_draw(never, 1, 50, INT64_MAX);
    ck_assert_uint_eq(json_array_size(list), 0);
}
END_TEST

UNIT_MAIN(every_value_fits_its_contract, a_seed_gives_the_same_values, the_edges_are_among_them,
          nothing_is_drawn_where_nothing_fits)
