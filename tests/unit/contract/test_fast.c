/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fast program makes of a schema: every shape that it treats in a way of its own, asked
 * also of the walk. That both agree in general is fuzz-accepts' to show, and here the official
 * suite's.
 */
#include "contract_test.h"

#include "contract/walk_internal.h"

static void assert_answers(const char *schema, const char *const *fits, const char *const *fails)
{
    struct contract *contract = contract_of(schema);
    ck_assert_msg(contract->fused != NULL, "%s has no fast program", schema);
    for (int answer = 0; answer < 2; answer++) {
        for (const char *const *text = answer ? fits : fails; *text; text++) {
            json_t *value = json_quoted(*text);
            ck_assert_msg(contract_accepts(contract, value) == answer, "%s: %s", schema, *text);
            ck_assert_msg(walk_fits(contract, contract->root, value) == answer, "%s: %s", schema,
                          *text);
            json_decref(value);
        }
    }
    contract_unref(contract);
}

#define FITS(...)  ((const char *const[]){__VA_ARGS__, NULL})
#define FAILS(...) ((const char *const[]){__VA_ARGS__, NULL})

START_TEST(a_schema_is_a_branch_first_and_a_property_later)
{
    assert_answers("{'type': 'object', 'anyOf': [{'$ref': '#/$defs/a'}, {'required': ['z']}], "
                   "'properties': {'p': "
                   "{'properties': {'q': {'$ref': '#/$defs/a'}}}}, '$defs': {'a': {'minLength': 3, "
                   "'minProperties': 1}}}",
                   FITS("{'p': {'q': 'xxx'}}", "{'p': {'q': 7}}", "{'p': {'q': {'a': 1}}}"),
                   FAILS("{'p': {'q': 'xx'}}", "{'p': {'q': {}}}", "{}"));
}
END_TEST
START_TEST(conjunctions_of_objects_are_one)
{
    assert_answers(
        "{'allOf': [{'properties': {'a': {'type': 'integer'}, 'b': true}, 'additionalProperties': "
        "{'type': 'string'}}, {'properties': {'a': {'minimum': 3}}, 'patternProperties': {'^a': "
        "{'maximum': 9}}, 'required': ['a']}]}",
        FITS("{'a': 3}", "{'a': 9, 'b': null, 'x': 's', 'ax': 's'}"),
        FAILS("{}", "{'a': 2}", "{'a': 10}", "{'a': 3.5}", "{'a': 3, 'x': 1}",
              "{'a': 3, 'ax': 10}"));
}
END_TEST
START_TEST(a_recursive_conjunction_ends)
{
    assert_answers(
        "{'$ref': '#/$defs/tree', '$defs': {'tree': {'allOf': [{'$ref': '#/$defs/named'},"
        " {'properties': {'left': {'$ref': '#/$defs/tree'}}}]}, 'named': {'properties': "
        "{'name': {'type': 'string'}, 'left': {'$ref': '#/$defs/named'}}, 'required': "
        "['name']}}}",
        FITS("{'name': 'a', 'left': {'name': 'b', 'left': {'name': 'c'}}}"),
        FAILS("{'name': 'a', 'left': {'name': 'b', 'left': {}}}",
              "{'name': 'a', 'left': {'left': {'name': 'b'}}}"));
}
END_TEST
START_TEST(a_property_tells_branches_apart)
{
    assert_answers(
        "{'oneOf': [{'properties': {'kind': {'const': 'a'}, 'n': {'type': 'integer'}}, 'required': "
        "['kind', 'n']}, {'properties': {'kind': {'enum': ['b', 'c']}}, 'required': ['kind']}, "
        "{'properties': {'kind': {'const': 'c'}, 'n': {'type': 'string'}}, 'required': ['n']}]}",
        FITS("{'kind': 'a', 'n': 1}", "{'kind': 'b'}", "{'kind': 'c'}", "{'kind': 'c', 'n': 1}",
             "{'n': 's'}"),
        FAILS("{'kind': 'a'}", "{'kind': 'd'}", "{'kind': 7}", "{}", "{'n': 1}",
              "{'kind': 'c', 'n': 's'}", "{'kind': 7, 'n': 's'}"));
}
END_TEST
START_TEST(types_decide_branches)
{
    assert_answers("{'oneOf': [{'type': 'string', 'minLength': 2}, {'type': 'integer'}, {'type': "
                   "'number', 'minimum': 5}, {'items': false, 'type': ['array', 'null']}]}",
                   FITS("'ab'", "3", "5.5", "null", "[]"),
                   FAILS("'a'", "5", "5.0", "4.5", "[1]", "true", "{}"));
    assert_answers("{'not': {'type': ['string', 'integer']}, 'if': {'type': 'object'}, 'then': "
                   "{'minProperties': 1}, 'else': {'maxItems': 1}}",
                   FITS("{'a': 1}", "[1]", "null", "1.5"),
                   FAILS("{}", "[1, 2]", "'a'", "1", "1.0"));
}
END_TEST
START_TEST(bounds_of_integers_are_whole)
{
    assert_answers("{'minimum': 2.5, 'exclusiveMaximum': 7}", FITS("3", "6", "2.5", "6.9"),
                   FAILS("2", "7", "2.4", "7.0"));
    assert_answers("{'exclusiveMinimum': 2.5, 'maximum': 6.5}", FITS("3", "6", "6.5"),
                   FAILS("2", "7", "2.5"));
    assert_answers("{'exclusiveMinimum': 3.0, 'maximum': 1e300}", FITS("4", "9223372036854775807"),
                   FAILS("3", "-5"));
    assert_answers("{'minimum': 1e300}", FITS("1e301"), FAILS("9223372036854775807", "0"));
    assert_answers("{'exclusiveMinimum': 9223372036854775807}", FITS("1e19"),
                   FAILS("9223372036854775807", "9e18"));
}
END_TEST
START_TEST(what_is_unevaluated_is_known_or_walked)
{
    assert_answers("{'$ref': '#/$defs/a', 'properties': {'c': true}, 'unevaluatedProperties': "
                   "{'type': 'null'}, '$defs': {'a': {'properties': {'a': {'type': 'integer'}}, "
                   "'patternProperties': {'^x': true}}}}",
                   FITS("{'a': 1, 'c': 2, 'x1': 3, 'd': null}"), FAILS("{'a': 'x'}", "{'d': 1}"));
    assert_answers("{'anyOf': [{'properties': {'a': {'type': 'integer'}}}, {'properties': {'b': "
                   "{'type': 'integer'}}}], 'unevaluatedProperties': false}",
                   FITS("{'a': 1}", "{'b': 1}", "{'a': 1, 'b': 2}"),
                   FAILS("{'c': 1}", "{'a': 1, 'b': 's'}"));
    assert_answers(
        "{'allOf': [{'prefixItems': [{'type': 'integer'}]}], 'unevaluatedItems': {'type': "
        "'string'}}",
        FITS("[1, 'a', 'b']", "[]"), FAILS("[1, 2]", "['a']"));
}
END_TEST
START_TEST(names_of_all_lengths_are_told_apart)
{
    assert_answers(
        "{'properties': {'': {'const': 0}, 'a': {'const': 1}, 'ab': {'const': 2}, 'abcd':"
        " {'const': 4}, 'abcdefgh': {'const': 8}, 'abcdefghXijklmnop': {'const': 17}, "
        "'abcdefghYijklmnop': {'const': 18}}, 'additionalProperties': false}",
        FITS("{'': 0, 'a': 1, 'ab': 2, 'abcd': 4, 'abcdefgh': 8}",
             "{'abcdefghXijklmnop': 17, 'abcdefghYijklmnop': 18}"),
        FAILS("{'b': 1}", "{'ba': 2}", "{'abcc': 4}", "{'abcdefgi': 8}",
              "{'abcdefghXijklmnop': 18}", "{'abcdefghZijklmnop': 17}"));
}
END_TEST
START_TEST(items_are_unique_by_value)
{
    assert_answers("{'uniqueItems': true}",
                   FITS("[1, 2, 3, 4, 5, 6, 7, '1', true, null, [1], {'a': 1}]",
                        "['aaaaaaaab', 'aaaaaaaac', 'aaaaaaaa', 'a', '', 'b', 'c']"),
                   FAILS("[1, 2, 3, 4, 5, 6, 7, 8, 1.0]", "[0.0, 1, 2, 3, 4, 5, 6, -0.0]",
                         "[0, 1, 2, 3, 4, 5, {'a': [1], 'b': 2}, {'b': 2.0, 'a': [1.0]}]",
                         "['aaaaaaaab', 'x', 'y', 'z', 'u', 'v', 'aaaaaaaab']"));
}
END_TEST
START_TEST(a_dynamic_reference_that_the_way_decides_is_walked)
{
    struct contract *contract = contract_of(
        "{'$id': 'https://a.test/root', 'oneOf': [{'$ref': 'open'}, {'$ref': 'closed'}], '$defs': "
        "{'open': {'$id': 'open', '$ref': 'tree', '$defs': {'n': {'$dynamicAnchor': 'n', 'type': "
        "'integer'}}}, 'closed': {'$id': 'closed', '$ref': 'tree', '$defs': {'n': "
        "{'$dynamicAnchor': 'n', 'type': 'string'}}}, 'tree': {'$id': 'tree', 'items': "
        "{'$dynamicRef': '#n'}, '$defs': {'n': {'$dynamicAnchor': 'n'}}}}}");
    json_t *numbers = json_quoted("[1, 2]"), *strings = json_quoted("['a']");
    json_t *both = json_quoted("[1, 'a']");
    ck_assert(accepts_json(contract, numbers));
    ck_assert(accepts_json(contract, strings));
    ck_assert(!accepts_json(contract, both));
    json_decref(numbers);
    json_decref(strings);
    json_decref(both);
    contract_unref(contract);
}
END_TEST

UNIT_MAIN(a_schema_is_a_branch_first_and_a_property_later, conjunctions_of_objects_are_one,
          a_recursive_conjunction_ends, a_property_tells_branches_apart, types_decide_branches,
          bounds_of_integers_are_whole, what_is_unevaluated_is_known_or_walked,
          names_of_all_lengths_are_told_apart, items_are_unique_by_value,
          a_dynamic_reference_that_the_way_decides_is_walked)
