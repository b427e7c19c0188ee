/* SPDX-License-Identifier: Apache-2.0
 *
 * Shapes: what a contract of any dialect lets through is read off it, part by part, and the
 * contract that a shape comes to means the same as the one it came from.
 */
#include "contract/contain.h"
#include "contract/shape.h"

#include "unit.h"

#include <string.h>

enum {
    NULL_BIT = 1u << JSON_NULL,
    STRING_BIT = 1u << JSON_STRING,
    INTEGER_BIT = 1u << JSON_INTEGER,
    NUMBER_BITS = 1u << JSON_INTEGER | 1u << JSON_REAL,
    ARRAY_BIT = 1u << JSON_ARRAY,
    OBJECT_BIT = 1u << JSON_OBJECT,
    BOOLEAN_BITS = 1u << JSON_TRUE | 1u << JSON_FALSE,
};

static struct contract *compiled(const char *text)
{
    json_error_t bad;
    struct error error;
    struct contract *contract = NULL;
    json_t *schema = json_loads(text, JSON_DECODE_ANY, &bad);
    ck_assert_msg(schema != NULL, "%s: %s", bad.text, text);
    enum error_code code = contract_compile(schema, NULL, &contract, &error);
    ck_assert_msg(code == ERR_OK, "%s: %s", error.text, text);
    json_decref(schema);
    return contract;
}

/* A shape of one schema, and all that it needs. */
struct held {
    struct shapes *shapes;
    struct contract *contract;
    struct shape shape;
};

static struct held hold(const char *text)
{
    struct held h = {shapes_new(), compiled(text), {NULL, PRESENCE_ALWAYS}};
    h.shape = shape_of_contract(h.shapes, h.contract);
    return h;
}

static void let_go(struct held *h)
{
    shape_done(&h->shape);
    contract_unref(h->contract);
    shapes_free(h->shapes);
}

static bool contains(const struct contract *super, const struct contract *sub)
{
    struct comparison answer;
    struct error error;
    ck_assert_int_eq(contract_compare(sub, super, NULL, &answer, &error), ERR_OK);
    bool proven = answer.verdict == PROVEN;
    comparison_done(&answer);
    return proven;
}

static void expect_same(struct shapes *shapes, const struct shape *shape, const char *expected)
{
    struct error error;
    struct contract *found = NULL, *wanted = compiled(expected);
    json_t *document = shape_document(shapes, shape);
    char *text = json_dumps(document, JSON_ENCODE_ANY | JSON_COMPACT);
    ck_assert_msg(shape_contract(shapes, shape, &found, &error) == ERR_OK, "%s", error.text);
    ck_assert_msg(contains(wanted, found) && contains(found, wanted), "expected %s, found %s",
                  expected, text);
    free(text);
    json_decref(document);
    contract_unref(found);
    contract_unref(wanted);
}

/* That a member of the schema has that presence, and is of what the other schema says. */
static void expect_member(const char *schema, const char *name, enum presence presence,
                          const char *expected)
{
    struct held h = hold(schema);
    struct slice key = {name, strlen(name)};
    struct shape member = shape_member(h.shapes, &h.shape, key);
    ck_assert_msg(member.presence == presence, "`%s` of %s: presence %d", name, schema,
                  (int)member.presence);
    member.presence = PRESENCE_ALWAYS;
    expect_same(h.shapes, &member, expected);
    shape_done(&member);
    let_go(&h);
}

#define INTEGER "{\"type\": \"integer\"}"
#define STRING  "{\"type\": \"string\"}"

START_TEST(member_is_there_as_surely_as_the_schema_says)
{
    static const char object[] = "{\"type\": \"object\", \"required\": [\"a\"],"
                                 "\"properties\": {\"a\": " INTEGER ", \"b\": " STRING "},"
                                 "\"additionalProperties\": false}";
    expect_member(object, "a", PRESENCE_ALWAYS, INTEGER);
    expect_member(object, "b", PRESENCE_MAYBE, STRING);
    expect_member(object, "c", PRESENCE_NEVER, "false");
    expect_member("true", "c", PRESENCE_MAYBE, "true");
    expect_member("false", "c", PRESENCE_NEVER, "false");
    expect_member(STRING, "c", PRESENCE_NEVER, "false");
    expect_member("{\"required\": [\"q\"]}", "q", PRESENCE_ALWAYS, "true");
}
END_TEST

START_TEST(member_is_the_meet_of_what_all_parts_ask)
{
    expect_member("{\"allOf\": [{\"properties\": {\"a\": " INTEGER "}},"
                  "{\"required\": [\"a\"], \"properties\": {\"a\": {\"minimum\": 3}}}]}",
                  "a", PRESENCE_ALWAYS, "{\"type\": \"integer\", \"minimum\": 3}");
    expect_member("{\"$defs\": {\"d\": {\"$anchor\": \"x\", \"required\": [\"a\"]}},"
                  "\"$ref\": \"#x\", \"properties\": {\"a\": " STRING "}}",
                  "a", PRESENCE_ALWAYS, STRING);
    expect_member("{\"patternProperties\": {\"^a\": " INTEGER ", \"b$\": {\"maximum\": 4}},"
                  "\"additionalProperties\": " STRING "}",
                  "ab", PRESENCE_MAYBE, "{\"type\": \"integer\", \"maximum\": 4}");
    expect_member("{\"patternProperties\": {\"^a\": " INTEGER "},"
                  "\"additionalProperties\": " STRING "}",
                  "b", PRESENCE_MAYBE, STRING);
}
END_TEST

START_TEST(member_is_the_union_of_what_branches_say)
{
    static const char either[] =
        "{\"oneOf\": [{\"type\": \"object\", \"required\": [\"a\"],"
        "\"properties\": {\"a\": " INTEGER "}, \"additionalProperties\": false},"
        "{\"type\": \"object\", \"required\": [\"a\", \"b\"],"
        "\"properties\": {\"a\": " STRING ", \"b\": " STRING "},"
        "\"additionalProperties\": false}, {\"type\": \"null\"}]}";
    expect_member(either, "a", PRESENCE_ALWAYS, "{\"type\": [\"integer\", \"string\"]}");
    expect_member(either, "b", PRESENCE_MAYBE, STRING);
    expect_member(either, "c", PRESENCE_NEVER, "false");
    expect_member("{\"if\": {\"required\": [\"a\"]}, \"then\": {\"properties\": {\"b\": " INTEGER
                  "}, \"required\": [\"b\"]}, \"else\": {\"properties\": {\"b\": false}}}",
                  "b", PRESENCE_MAYBE, INTEGER);
    expect_member("{\"enum\": [{\"a\": 1}, {\"a\": \"x\"}, 3]}", "a", PRESENCE_ALWAYS,
                  "{\"enum\": [1, \"x\"]}");
}
END_TEST

START_TEST(member_that_must_be_and_cannot_rules_its_branch_out)
{
    expect_member("{\"anyOf\": [{\"type\": \"object\", \"required\": [\"a\"],"
                  "\"properties\": {\"a\": false}}, {\"type\": \"object\","
                  "\"required\": [\"a\"], \"properties\": {\"a\": " INTEGER "}}]}",
                  "a", PRESENCE_ALWAYS, INTEGER);
    expect_member("{\"allOf\": [{\"type\": \"object\", \"required\": [\"k\"],"
                  "\"properties\": {\"k\": {\"const\": \"x\"}}}, {\"anyOf\": [{\"properties\":"
                  "{\"k\": {\"const\": \"y\"}, \"a\": " STRING "}}, {\"required\": [\"a\"],"
                  "\"properties\": {\"k\": {\"enum\": [\"x\", \"z\"]}, \"a\": " INTEGER "}}]}]}",
                  "a", PRESENCE_ALWAYS, INTEGER);
}
END_TEST

START_TEST(member_that_a_part_may_have_looked_at_is_not_unevaluated)
{
    static const char closed[] =
        "{\"allOf\": [{\"properties\": {\"a\": " INTEGER "}}], \"type\": \"object\","
        "\"properties\": {\"b\": " STRING "}, \"unevaluatedProperties\": false}";
    expect_member(closed, "a", PRESENCE_MAYBE, INTEGER);
    expect_member(closed, "b", PRESENCE_MAYBE, STRING);
    expect_member(closed, "c", PRESENCE_NEVER, "false");
    expect_member("{\"allOf\": [{\"patternProperties\": {\"^c\": " INTEGER "}}],"
                  "\"unevaluatedProperties\": false}",
                  "c", PRESENCE_MAYBE, INTEGER);
}
END_TEST

/* ---- items ---- */

static void expect_item(const char *schema, size_t index, enum presence presence,
                        const char *expected)
{
    struct held h = hold(schema);
    struct shape item = shape_item(h.shapes, &h.shape, index);
    ck_assert_msg(item.presence == presence, "%zu of %s: presence %d", index, schema,
                  (int)item.presence);
    item.presence = PRESENCE_ALWAYS;
    expect_same(h.shapes, &item, expected);
    shape_done(&item);
    let_go(&h);
}

START_TEST(item_is_read_in_every_dialect)
{
    static const char *const tuples[] = {
        "{\"prefixItems\": [" INTEGER "], \"items\": " STRING ", \"minItems\": 1,"
        "\"maxItems\": 3}",
        "{\"$schema\": \"https://json-schema.org/draft/2019-09/schema\","
        "\"items\": [" INTEGER "], \"additionalItems\": " STRING ", \"minItems\": 1,"
        "\"maxItems\": 3}",
        "{\"$schema\": \"http://json-schema.org/draft-07/schema#\","
        "\"items\": [" INTEGER "], \"additionalItems\": " STRING ", \"minItems\": 1,"
        "\"maxItems\": 3}",
    };
    for (size_t i = 0; i < 3; i++) {
        expect_item(tuples[i], 0, PRESENCE_ALWAYS, INTEGER);
        expect_item(tuples[i], 1, PRESENCE_MAYBE, STRING);
        expect_item(tuples[i], 3, PRESENCE_NEVER, "false");
    }
    expect_item("{\"contains\": true}", 0, PRESENCE_ALWAYS, "true");
    expect_item("{\"prefixItems\": [true], \"items\": false}", 1, PRESENCE_NEVER, "false");
    expect_item("{\"prefixItems\": [" INTEGER "], \"unevaluatedItems\": false}", 1, PRESENCE_NEVER,
                "false");
    expect_item("{\"contains\": " INTEGER ", \"unevaluatedItems\": false}", 1, PRESENCE_MAYBE,
                "true");
    expect_item("{\"const\": [1, \"a\"]}", 1, PRESENCE_ALWAYS, "{\"const\": \"a\"}");
}
END_TEST

START_TEST(items_are_counted_over_all_branches)
{
    struct held h = hold("{\"anyOf\": [{\"const\": [1, 2, 3, 4, 5, 6]}, {\"type\": \"string\"},"
                         "{\"type\": \"array\", \"minItems\": 2, \"maxItems\": 4}]}");
    size_t least, most;
    shape_item_counts(h.shapes, &h.shape, &least, &most);
    ck_assert_uint_eq(least, 2);
    ck_assert_uint_eq(most, 6);
    let_go(&h);
    h = hold("{\"type\": \"array\"}");
    shape_item_counts(h.shapes, &h.shape, &least, &most);
    ck_assert_uint_eq(least, 0);
    ck_assert_uint_eq(most, SIZE_MAX);
    let_go(&h);
}
END_TEST

/* ---- contracts ---- */

START_TEST(shape_of_a_contract_comes_back_as_the_same_contract)
{
    static const char *const schemas[] = {
        "true",
        "false",
        "{\"type\": [\"string\", \"null\"], \"minLength\": 2, \"pattern\": \"^a/\"}",
        "{\"type\": \"number\", \"exclusiveMinimum\": 0, \"multipleOf\": 0.5}",
        "{\"$id\": \"a.json\", \"$defs\": {\"t\": {\"type\": \"object\", \"properties\":"
        "{\"kids\": {\"items\": {\"$ref\": \"a.json#/$defs/t\"}}}}}, \"$ref\": \"#/$defs/t\"}",
        "{\"type\": \"array\", \"uniqueItems\": true, \"contains\": {\"const\": 3},"
        "\"minContains\": 2, \"maxContains\": 4}",
        "{\"not\": {\"required\": [\"a\"]}, \"propertyNames\": {\"maxLength\": 3},"
        "\"minProperties\": 1, \"dependentRequired\": {\"b\": [\"c\"]},"
        "\"dependentSchemas\": {\"c\": {\"required\": [\"d\"]}}}",
        "{\"$schema\": \"http://json-schema.org/draft-07/schema#\","
        "\"dependencies\": {\"b\": [\"c\"], \"c\": {\"required\": [\"d\"]}}}",
        "{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"definitions\": {\"x\":"
        "{\"type\": \"integer\"}}, \"$ref\": \"#/definitions/x\", \"minimum\": 5}",
        "{\"if\": {\"type\": \"string\"}, \"then\": {\"minLength\": 1}, \"else\": "
        "{\"type\": \"null\"}}",
    };
    struct shapes *shapes = shapes_new();
    for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
        struct contract *contract = compiled(schemas[i]);
        struct shape shape = shape_of_contract(shapes, contract);
        expect_same(shapes, &shape, schemas[i]);
        shape_done(&shape);
        contract_unref(contract);
    }
    shapes_free(shapes);
}
END_TEST

START_TEST(documents_of_one_name_and_two_dialects_stand_in_one_shape)
{
    struct shapes *shapes = shapes_new();
    struct contract *a = compiled("{\"$id\": \"s.json\", \"$defs\": {\"x\": " INTEGER "},"
                                  "\"$ref\": \"s.json#/$defs/x\"}");
    struct contract *b = compiled("{\"$schema\": \"http://json-schema.org/draft-07/schema#\","
                                  "\"$id\": \"s.json\", \"definitions\": {\"x\": " STRING "},"
                                  "\"allOf\": [{\"$ref\": \"s.json#/definitions/x\"}]}");
    struct shape x = shape_of_contract(shapes, a), y = shape_of_contract(shapes, b);
    struct shape either = shape_union(shapes, &x, &y);
    contract_unref(a);
    contract_unref(b);
    expect_same(shapes, &either, "{\"type\": [\"integer\", \"string\"]}");
    shape_done(&x);
    shape_done(&y);
    shape_done(&either);
    shapes_free(shapes);
}
END_TEST

START_TEST(dynamic_reference_with_one_target_is_followed_and_with_two_is_anything)
{
    expect_member("{\"$dynamicAnchor\": \"n\", \"type\": \"object\", \"required\": [\"v\"],"
                  "\"properties\": {\"v\": " INTEGER ", \"kid\": {\"$dynamicRef\": \"#n\"}}}",
                  "v", PRESENCE_ALWAYS, INTEGER);
    struct held h =
        hold("{\"$id\": \"http://a/a\", \"$ref\": \"b\", \"$defs\": {\"n\": {\"$dynamicAnchor\":"
             "\"n\", \"type\": \"string\"}, \"b\": {\"$id\": \"b\", \"items\": {\"$dynamicRef\":"
             "\"#n\"}, \"$defs\": {\"n\": {\"$dynamicAnchor\": \"n\"}}}}}");
    ck_assert(json_is_true(h.shape.schema));
    let_go(&h);
}
END_TEST

START_TEST(missing_value_is_null_in_the_contract)
{
    struct shapes *shapes = shapes_new();
    struct shape shape = shape_of_types(STRING_BIT);
    shape.presence = PRESENCE_MAYBE;
    expect_same(shapes, &shape, "{\"type\": [\"string\", \"null\"]}");
    shape.presence = PRESENCE_NEVER;
    expect_same(shapes, &shape, "{\"type\": \"null\"}");
    shape_done(&shape);
    shapes_free(shapes);
}
END_TEST

/* ---- types, bounds, values ---- */

START_TEST(types_are_those_of_some_branch)
{
    static const struct {
        const char *schema;
        unsigned types;
    } rows[] = {
        {"true", 0xFF},
        {"false", 0},
        {"{\"type\": \"integer\"}", INTEGER_BIT},
        {"{\"type\": \"number\"}", NUMBER_BITS},
        {"{\"const\": 1.0}", INTEGER_BIT},
        {"{\"enum\": [null, true, \"a\"], \"not\": {\"const\": \"a\"}}",
         NULL_BIT | 1u << JSON_TRUE},
        {"{\"allOf\": [{\"type\": [\"string\", \"null\"]}, {\"type\": [\"null\", \"array\"]}]}",
         NULL_BIT},
        {"{\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"object\", \"required\": [\"a\"],"
         "\"properties\": {\"a\": false}}]}",
         STRING_BIT},
        {"{\"if\": {\"type\": \"string\"}, \"else\": {\"type\": \"boolean\"}}",
         STRING_BIT | BOOLEAN_BITS},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct held h = hold(rows[i].schema);
        unsigned types = shape_types(h.shapes, &h.shape);
        ck_assert_msg(types == rows[i].types, "%s: %x", rows[i].schema, types);
        let_go(&h);
    }
}
END_TEST

START_TEST(types_taken_away_are_gone)
{
    struct held h = hold("{\"anyOf\": [{\"type\": [\"string\", \"null\"], \"minLength\": 2},"
                         "{\"type\": \"boolean\"}]}");
    struct shape left = shape_without(h.shapes, &h.shape, NULL_BIT | 1u << JSON_FALSE);
    expect_same(h.shapes, &left,
                "{\"anyOf\": [{\"type\": \"string\", \"minLength\": 2}, {\"const\": true}]}");
    shape_done(&left);
    left = shape_without(h.shapes, &h.shape, 0xFF);
    ck_assert_int_eq(left.presence, PRESENCE_NEVER);
    shape_done(&left);
    let_go(&h);
}
END_TEST

START_TEST(bounds_and_values_are_read_off)
{
    struct held h = hold("{\"anyOf\": [{\"type\": \"integer\", \"exclusiveMinimum\": 1,"
                         "\"maximum\": 3.5}, {\"enum\": [\"a\", true]}]}");
    struct shape_numbers n = shape_numbers(h.shapes, &h.shape);
    ck_assert(n.integral && n.least == 2 && n.most == 3);
    json_t *values = shape_values(h.shapes, &h.shape, 4);
    ck_assert_uint_eq(json_array_size(values), 4);
    json_decref(values);
    ck_assert_ptr_null(shape_values(h.shapes, &h.shape, 3));
    let_go(&h);
    h = hold("{\"type\": [\"string\", \"object\"], \"minLength\": 2, \"maxLength\": 5,"
             "\"required\": [\"a\", \"b\"], \"maxProperties\": 7}");
    struct shape_sizes s = shape_string_sizes(h.shapes, &h.shape);
    ck_assert(s.least == 2 && s.most == 5);
    s = shape_object_sizes(h.shapes, &h.shape);
    ck_assert(s.least == 2 && s.most == 7);
    let_go(&h);
}
END_TEST

START_TEST(names_are_all_where_the_object_is_closed)
{
    struct held h = hold("{\"type\": \"object\", \"properties\": {\"b\": true, \"a\": true,"
                         "\"c\": false}, \"additionalProperties\": false}");
    json_t *names = NULL, *expected = json_pack("[s,s]", "b", "a");
    ck_assert(shape_names(h.shapes, &h.shape, &names));
    ck_assert(json_equal(names, expected));
    json_decref(names);
    json_decref(expected);
    let_go(&h);
    h = hold("{\"properties\": {\"a\": true}}");
    ck_assert(!shape_names(h.shapes, &h.shape, &names));
    ck_assert_uint_eq(json_array_size(names), 1);
    json_decref(names);
    let_go(&h);
}
END_TEST

/* ---- limits ---- */

START_TEST(looking_without_work_left_sees_anything)
{
    struct held h = hold("{\"type\": \"object\", \"patternProperties\": {\"^a\": false},"
                         "\"properties\": {\"b\": " INTEGER "}, \"additionalProperties\": false}");
    while (!shapes_spent(h.shapes)) {
        struct shape member = shape_member(h.shapes, &h.shape, SLICE("a"));
        ck_assert(shapes_spent(h.shapes) || member.presence == PRESENCE_NEVER);
        shape_done(&member);
    }
    ck_assert_uint_eq(shape_types(h.shapes, &h.shape), 0xFF);
    struct shape member = shape_member(h.shapes, &h.shape, SLICE("a"));
    ck_assert_int_eq(member.presence, PRESENCE_MAYBE);
    shape_done(&member);
    shapes_allow(h.shapes);
    ck_assert_uint_eq(shape_types(h.shapes, &h.shape), OBJECT_BIT);
    let_go(&h);
}
END_TEST

START_TEST(schema_that_multiplies_its_unions_is_read_as_far_as_it_goes)
{
    json_t *parts = json_array();
    for (int i = 0; i < 40; i++)
        json_array_append_new(parts, json_pack("{s:[{s:i},{s:i},{s:s}]}", "anyOf", "minimum", i,
                                               "maximum", -i, "type", "array"));
    json_t *schema = json_pack("{s:o,s:s}", "allOf", parts, "type", "array");
    char *text = json_dumps(schema, 0);
    struct held h = hold(text);
    ck_assert_uint_eq(shape_types(h.shapes, &h.shape), ARRAY_BIT);
    let_go(&h);
    free(text);
    json_decref(schema);
}
END_TEST

START_TEST(body_of_strings_is_taken_where_it_speaks_of_the_whole)
{
    static const struct {
        const char *schema, *body;
    } rows[] = {
        {"{\"type\": \"string\", \"pattern\": \"^[a-z]+$\"}", "[a-z]+"},
        {"{\"type\": \"string\", \"pattern\": \"^(a|b)\\\\.c$\"}", "(a|b)\\.c"},
        {"{\"enum\": [\"a.b\", \"c\", 3]}", "a\\.b|c"},
        {"{\"type\": \"string\", \"pattern\": \"^a|b$\"}", NULL},
        {"{\"type\": \"string\", \"pattern\": \"^(?!x)a$\"}", NULL},
        {"{\"type\": \"string\", \"pattern\": \"^(a)\\\\1$\"}", NULL},
        {"{\"type\": \"string\", \"pattern\": \"^(a$|b)c$\"}", NULL},
        {"{\"type\": \"string\", \"pattern\": \"a$\"}", NULL},
        {"{\"anyOf\": [{\"type\": \"string\", \"maxLength\": 3}, {\"const\": \"x\"}]}", NULL},
        {"{\"type\": \"number\"}", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct held h = hold(rows[i].schema);
        AUTO(freep) char *body = shape_string_body(h.shapes, &h.shape);
        ck_assert_pstr_eq(body, rows[i].body);
        let_go(&h);
    }
}
END_TEST

UNIT_MAIN(body_of_strings_is_taken_where_it_speaks_of_the_whole,
          member_is_there_as_surely_as_the_schema_says, member_is_the_meet_of_what_all_parts_ask,
          member_is_the_union_of_what_branches_say,
          member_that_must_be_and_cannot_rules_its_branch_out,
          member_that_a_part_may_have_looked_at_is_not_unevaluated, item_is_read_in_every_dialect,
          items_are_counted_over_all_branches, shape_of_a_contract_comes_back_as_the_same_contract,
          documents_of_one_name_and_two_dialects_stand_in_one_shape,
          dynamic_reference_with_one_target_is_followed_and_with_two_is_anything,
          missing_value_is_null_in_the_contract, types_are_those_of_some_branch,
          types_taken_away_are_gone, bounds_and_values_are_read_off,
          names_are_all_where_the_object_is_closed, looking_without_work_left_sees_anything,
          schema_that_multiplies_its_unions_is_read_as_far_as_it_goes)
