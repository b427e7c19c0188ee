/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said of a value that does not fit: where in the value, where in the schema, what was
 * expected and what was found.
 */
#include "contract_test.h"

START_TEST(a_violation_names_both_places)
{
    assert_explains("{'properties': {'legs': {'type': 'array', 'items': {'$ref': '#/$defs/leg'}}}, "
                    "'$defs': {'leg': {'required': ['from'], 'properties': {'from': {'type': "
                    "'string', 'minLength': 3}}}}}",
                    "{'legs': [{'from': 'ab'}, {'to': 'x'}, {'from': 7}]}",
                    "/legs/0/from: expected a string of at least 3 characters, found \"ab\", which "
                    "has 2 (schema /properties/legs/items/$ref/properties/from/minLength)\n"
                    "/legs/1: expected the property \"from\", found {\"to\":\"x\"} without it "
                    "(schema /properties/legs/items/$ref/required)\n"
                    "/legs/2/from: expected string, found 7 (schema "
                    "/properties/legs/items/$ref/properties/from/type)\n");
}
END_TEST
START_TEST(leaves_say_what_was_expected)
{
    static const char *const rows[][3] = {
        {"{'type': ['integer', 'null', 'boolean']}", "'a'",
         "expected integer, boolean or null, found \"a\""},
        {"{'const': {'a': 1}}", "2", "expected {\"a\":1}, found 2"},
        {"{'enum': ['red', 'green']}", "'gren'",
         "expected \"red\" or \"green\", found \"gren\"; did you mean \"green\"?"},
        {"{'minimum': 1.5}", "1", "expected at least 1.5, found 1"},
        {"{'exclusiveMaximum': 3}", "3.0", "expected less than 3, found 3.0"},
        {"{'multipleOf': 0.1}", "0.25", "expected a multiple of 0.1, found 0.25"},
        {"{'maxLength': 1}", "'ab'",
         "expected a string of at most 1 character, found \"ab\", which has 2"},
        {"{'pattern': '^[0-9]+$'}", "'a'", "expected a string that matches ^[0-9]+$, found \"a\""},
        {"{'format': 'date'}", "'x'", "expected date, as 2026-11-05, found \"x\""},
        {"{'minItems': 2}", "[1]", "expected at least 2 items, found [1], which has 1"},
        {"{'maxProperties': 1}", "{'a': 1, 'b': 2}",
         "expected at most 1 property, found {\"a\":1,\"b\":2}, which has 2"},
        {"{'uniqueItems': true}", "[1, 2, 1.0]",
         "expected no item twice, found 1 at index 0 and at 2"},
        {"{'contains': {'type': 'string'}}", "[1, 2]",
         "expected at least 1 item as `contains` asks, found 0 of 2"},
        {"{'not': {'type': 'string'}}", "'a'",
         "expected a value that does not fit the schema of `not`, found \"a\""},
        {"{'dependentRequired': {'a': ['b']}}", "{'a': 1}",
         "expected the property \"b\", which goes with \"a\", found {\"a\":1} without it"},
        {"{'propertyNames': {'maxLength': 1}}", "{'ab': 1}",
         "expected a string of at most 1 character, found the property name \"ab\", which has 2"},
        {"{'oneOf': [{'type': 'integer'}, {'minimum': 2}]}", "3",
         "expected a value that fits exactly one schema of oneOf, not both 0 and 1, found 3"},
        {"false", "1", "expected nothing (the schema is false), found 1"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *said = explained(rows[i][0], rows[i][1]);
        ck_assert_msg(strstr(said, rows[i][2]) != NULL, "\"%s\" does not say \"%s\"", said,
                      rows[i][2]);
        free(said);
    }
}
END_TEST
START_TEST(a_property_too_many_suggests_the_one_that_was_meant)
{
    assert_explains("{'properties': {'colour': true}, 'additionalProperties': false}",
                    "{'color': 3}",
                    "/color: expected no property \"color\", found 3; did you mean \"colour\"? "
                    "(schema /additionalProperties)\n");
    assert_explains("{'properties': {'a': true}, 'unevaluatedProperties': false}", "{'zzz': 3}",
                    "/zzz: expected no property \"zzz\", found 3 (schema "
                    "/unevaluatedProperties)\n");
    assert_explains("{'prefixItems': [true], 'items': false}", "[1, 2]",
                    "/1: expected no item at index 1, found 2 (schema /items)\n");
    assert_explains(
        "{'required': ['colour']}", "{'color': 3}",
        "(the whole): expected the property \"colour\", found {\"color\":3} without it; "
        "is \"color\" misspelled? (schema /required)\n");
}
END_TEST
START_TEST(of_branches_the_nearest_is_told)
{
    const char *schema =
        "{'oneOf': [{'properties': {'kind': {'const': 'a'}, 'x': {'type': 'integer'}}}, "
        "{'properties': {'kind': {'const': 'b'}, 'y': {'type': 'integer'}, 'z': {'type': "
        "'integer'}}}, {'type': 'string'}]}";
    assert_explains(schema, "{'kind': 'b', 'y': 'no', 'z': 'no'}",
                    "/y: expected integer, found \"no\" (schema /oneOf/1/properties/y/type)\n"
                    "/z: expected integer, found \"no\" (schema /oneOf/1/properties/z/type)\n"
                    "(the whole): expected a value that fits one of the 3 schemas of oneOf "
                    "(nearest: 1), found {\"kind\":\"b\",\"y\":\"no\",\"z\":\"no\"} (schema "
                    "/oneOf)\n");
}
END_TEST
START_TEST(branches_that_differ_by_type_become_one_line)
{
    assert_explains("{'properties': {'a': {'anyOf': [{'type': 'string'}, {'type': 'null'}]}}}",
                    "{'a': 1}",
                    "/a: expected string or null, found 1 (schema /properties/a/anyOf)\n");
}
END_TEST
START_TEST(conditions_tell_the_branch_that_was_taken)
{
    assert_explains("{'if': {'required': ['a']}, 'then': {'required': ['b']}, 'else': false}",
                    "{'a': 1}",
                    "(the whole): expected the property \"b\", found {\"a\":1} without it (schema "
                    "/then/required)\n");
}
END_TEST
START_TEST(keys_are_escaped_in_pointers_and_lines)
{
    assert_explains(
        "{'additionalProperties': {'type': 'null'}}", "{'a/b~c\\n': 1}",
        "/a~1b~0c\\u000a: expected null, found 1 (schema /additionalProperties/type)\n");
}
END_TEST
START_TEST(found_values_are_short_and_on_one_line)
{
    json_t *value = json_array();
    for (int i = 0; i < 100000; i++)
        json_array_append_new(value, json_string("line\nline \xC3\xA4\x1b[31m"));
    struct contract *contract = contract_of("{'type': 'object'}");
    struct violations why;
    ck_assert(!contract_explain(contract, value, &why));
    ck_assert_uint_eq(why.count, 1);
    ck_assert_uint_lt(strlen(why.list[0].text), 150);
    ck_assert_ptr_nonnull(strstr(why.list[0].text, "line\\nline \xC3\xA4\\u001b[31m"));
    ck_assert_ptr_nonnull(strstr(why.list[0].text, "…"));
    violations_done(&why);
    json_decref(value);
    contract_unref(contract);
}
END_TEST
START_TEST(violations_are_limited_in_number)
{
    json_t *value = json_array();
    for (int i = 0; i < 100; i++)
        json_array_append_new(value, json_null());
    struct contract *contract = contract_of("{'items': {'type': 'string'}}");
    struct violations why;
    ck_assert(!contract_explain(contract, value, &why));
    ck_assert_uint_eq(why.count, 32);
    ck_assert(why.more);
    violations_done(&why);
    json_decref(value);
    contract_unref(contract);
}
END_TEST
START_TEST(a_valid_value_has_nothing_to_explain)
{
    struct contract *contract = contract_of("{'type': 'null'}");
    struct violations why;
    ck_assert(contract_explain(contract, json_null(), &why));
    ck_assert_uint_eq(why.count, 0);
    violations_done(&why);
    contract_unref(contract);
}
END_TEST
START_TEST(a_contract_outlives_the_references_of_others)
{
    json_t *schema = json_quoted("{'type': 'null'}");
    struct contract *contract;
    ck_assert_int_eq(contract_compile(schema, NULL, &contract, NULL), ERR_OK);
    json_decref(schema);
    struct contract *other = contract_ref(contract);
    contract_unref(contract);
    ck_assert(contract_accepts(other, json_null()));
    ck_assert(json_is_object(contract_schema(other)));
    contract_unrefp(&other);
    contract_unref(NULL);
}
END_TEST

UNIT_MAIN(a_violation_names_both_places, leaves_say_what_was_expected,
          a_property_too_many_suggests_the_one_that_was_meant, of_branches_the_nearest_is_told,
          branches_that_differ_by_type_become_one_line, conditions_tell_the_branch_that_was_taken,
          keys_are_escaped_in_pointers_and_lines, found_values_are_short_and_on_one_line,
          violations_are_limited_in_number, a_valid_value_has_nothing_to_explain,
          a_contract_outlives_the_references_of_others)
