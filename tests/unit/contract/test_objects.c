/* SPDX-License-Identifier: Apache-2.0
 *
 * Keywords of objects, alone and together.
 */
#include "contract_test.h"

START_TEST(required_asks_for_each_name)
{
    const char *schema = "{'required': ['a', 'b', 'a']}";
    assert_accepts(schema, "{'a': 1, 'b': 2}");
    assert_accepts(schema, "{'c': 0, 'b': 2, 'a': null}");
    assert_refuses(schema, "{'a': 1}");
    assert_refuses(schema, "{}");
    assert_accepts(schema, "[]");
}
END_TEST
START_TEST(required_is_found_in_a_large_object_too)
{
    const char *schema = "{'required': ['a'], 'properties': {'b': {'type': 'string'}}}";
    assert_accepts(
        schema,
        "{'a':0,'b':'','c':1,'d':1,'e':1,'f':1,'g':1,'h':1,'i':1,'j':1,'k':1,'m':1,'n':1,'o':1}");
    assert_refuses(
        schema,
        "{'b':'','c':1,'d':1,'e':1,'f':1,'g':1,'h':1,'i':1,'j':1,'k':1,'l':1,'m':1,'n':1,'o':1}");
    assert_refuses(
        schema,
        "{'a':0,'b':9,'c':1,'d':1,'e':1,'f':1,'g':1,'h':1,'i':1,'j':1,'k':1,'m':1,'n':1,'o':1}");
}
END_TEST
START_TEST(additional_properties_are_those_that_nothing_named)
{
    const char *schema = "{'properties': {'a': true}, 'patternProperties': {'^x': true}, "
                         "'required': ['r'], 'additionalProperties': {'type': 'integer'}}";
    assert_accepts(schema, "{'a': 's', 'xy': 's', 'r': 1, 'z': 2}");
    assert_refuses(schema, "{'r': 1, 'z': 's'}");
    assert_refuses(schema, "{'r': 's'}"); /* required, but not among the properties */
}
END_TEST
START_TEST(every_matching_pattern_has_its_say)
{
    const char *schema = "{'properties': {'ab': {'minimum': 1}}, 'patternProperties': "
                         "{'a': {'type': 'integer'}, 'b$': {'maximum': 9}}}";
    assert_accepts(schema, "{'ab': 5}");
    assert_refuses(schema, "{'ab': 0}");
    assert_refuses(schema, "{'ab': 10}");
    assert_refuses(schema, "{'ab': 1.5}");
}
END_TEST
START_TEST(property_names_are_asked_as_strings)
{
    const char *schema =
        "{'propertyNames': {'type': 'string', 'maxLength': 3, 'pattern': '^[a-z]', "
        "'not': {'const': 'bad'}, 'enum': ['a', 'ab', 'bad', 'abcd']}}";
    assert_accepts(schema, "{'a': 1, 'ab': 2}");
    assert_refuses(schema, "{'bad': 1}");
    assert_refuses(schema, "{'abcd': 1}");
    assert_refuses(schema, "{'zz': 1}");
    assert_refuses("{'propertyNames': {'type': 'object'}}", "{'a': 1}");
    assert_refuses("{'propertyNames': {'enum': ['x', 1]}}", "{'a': 1}");
    assert_accepts("{'propertyNames': {'format': 'ipv4'}}", "{'10.0.0.1': 1}");
}
END_TEST
START_TEST(sizes_are_bounded)
{
    assert_refuses("{'minProperties': 2}", "{'a': 1}");
    assert_accepts("{'minProperties': 2.0, 'maxProperties': 2}", "{'a': 1, 'b': 1}");
    assert_refuses("{'maxProperties': 1}", "{'a': 1, 'b': 1}");
}
END_TEST
START_TEST(dependents_follow_a_property)
{
    assert_refuses("{'dependentRequired': {'a': ['b', 'c']}}", "{'a': 1, 'b': 1}");
    assert_accepts("{'dependentRequired': {'a': ['b']}}", "{'c': 1}");
    assert_refuses("{'dependentSchemas': {'a': {'maxProperties': 1}}}", "{'a': 1, 'b': 1}");
    assert_accepts("{'dependentSchemas': {'a': false}}", "{'b': 1}");
    assert_refuses("{'dependencies': {'a': ['b'], 'c': false}}", "{'a': 1}");
    assert_refuses("{'dependencies': {'a': ['b'], 'c': false}}", "{'c': 1}");
}
END_TEST
START_TEST(unevaluated_properties_look_through_applicators)
{
    const char *schema =
        "{'allOf': [{'properties': {'a': true}}], 'anyOf': [{'properties': {'b': {'type': "
        "'string'}}, 'required': ['b']}, {'properties': {'c': true}, 'required': ['c']}], 'if': "
        "{'properties': {'d': {'const': 1}}, 'required': ['d']}, 'then': {'properties': {'e': "
        "true}}, 'unevaluatedProperties': false}";
    assert_accepts(schema, "{'a': 1, 'b': 'x'}");
    assert_accepts(schema, "{'c': 1, 'd': 1, 'e': 1}");
    assert_refuses(schema, "{'c': 1, 'e': 1}");
    assert_refuses(schema, "{'c': 1, 'b': 5}");
    assert_refuses(schema, "{'c': 1, 'z': 5}");
}
END_TEST
START_TEST(unevaluated_properties_do_not_see_their_cousins)
{
    assert_refuses("{'allOf': [{'properties': {'a': true}}, {'unevaluatedProperties': false}]}",
                   "{'a': 1}");
    assert_accepts("{'$ref': '#/$defs/x', 'properties': {'b': true}, 'unevaluatedProperties': "
                   "false, '$defs': {'x': {'properties': {'a': true}}}}",
                   "{'a': 1, 'b': 2}");
}
END_TEST
START_TEST(a_branch_that_does_not_fit_evaluates_nothing)
{
    const char *schema = "{'anyOf': [{'properties': {'a': true}, 'required': ['z']}, true], "
                         "'unevaluatedProperties': false}";
    assert_refuses(schema, "{'a': 1}");
    assert_accepts(schema, "{}");
    assert_refuses("{'properties': {'a': true}, 'allOf': [{'unevaluatedProperties': false}], "
                   "'unevaluatedProperties': true}",
                   "{'a': 1}");
}
END_TEST
START_TEST(unevaluated_properties_of_a_very_large_object)
{
    struct contract *contract =
        contract_of("{'patternProperties': {'^k': true}, 'unevaluatedProperties': false}");
    json_t *value = json_object();
    for (int i = 0; i < 5000; i++) {
        char *key = xasprintf("k%d", i);
        json_object_set_new(value, key, json_null());
        free(key);
    }
    ck_assert(accepts_json(contract, value));
    json_object_set_new(value, "z", json_null());
    ck_assert(!accepts_json(contract, value));
    json_decref(value);
    contract_unref(contract);
}
END_TEST

UNIT_MAIN(required_asks_for_each_name, required_is_found_in_a_large_object_too,
          additional_properties_are_those_that_nothing_named, every_matching_pattern_has_its_say,
          property_names_are_asked_as_strings, sizes_are_bounded, dependents_follow_a_property,
          unevaluated_properties_look_through_applicators,
          unevaluated_properties_do_not_see_their_cousins,
          a_branch_that_does_not_fit_evaluates_nothing,
          unevaluated_properties_of_a_very_large_object)
