/* SPDX-License-Identifier: Apache-2.0
 *
 * Keywords of arrays.
 */
#include "contract_test.h"

START_TEST(items_are_those_behind_the_prefix)
{
    const char *schema = "{'prefixItems': [{'type': 'string'}, {'type': 'integer'}], 'items': "
                         "{'type': 'boolean'}}";
    assert_accepts(schema, "['a', 1, true, false]");
    assert_accepts(schema, "['a']");
    assert_accepts(schema, "[]");
    assert_refuses(schema, "[1]");
    assert_refuses(schema, "['a', 1, 2]");
    assert_refuses("{'prefixItems': [true], 'items': false}", "[1, 2]");
    assert_accepts("{'prefixItems': [true]}", "[1, 2]");
}
END_TEST
START_TEST(draft_07_spells_them_items_and_additional_items)
{
    const char *schema = "{'$schema': 'http://json-schema.org/draft-07/schema#', 'items': "
                         "[{'type': 'string'}], 'additionalItems': {'type': 'integer'}}";
    assert_accepts(schema, "['a', 1]");
    assert_refuses(schema, "[1]");
    assert_refuses(schema, "['a', 'b']");
    assert_accepts("{'$schema': 'http://json-schema.org/draft-07/schema#', 'items': {'type': "
                   "'string'}, 'additionalItems': false}",
                   "['a', 'b']");
}
END_TEST
START_TEST(contains_counts)
{
    const char *schema = "{'contains': {'type': 'string'}, 'minContains': 2, 'maxContains': 3}";
    assert_refuses(schema, "['a', 1]");
    assert_accepts(schema, "['a', 1, 'b']");
    assert_accepts(schema, "['a', 1, 'b', 'c']");
    assert_refuses(schema, "['a', 'd', 'b', 'c']");
    assert_refuses("{'contains': true}", "[]");
    assert_accepts("{'contains': {'type': 'string'}, 'minContains': 0}", "[1]");
    assert_accepts("{'minContains': 3}", "[1]");
}
END_TEST
START_TEST(unique_items_differ_as_values_do)
{
    const char *schema = "{'uniqueItems': true}";
    assert_refuses(schema, "[1, 1.0]");
    assert_refuses(schema, "[{'a': 1, 'b': 2}, {'b': 2.0, 'a': 1}]");
    assert_accepts(schema, "[1, true, '1', [1], {'a': 1}, null, 0, false, '', [], {}]");
    assert_accepts("{'uniqueItems': false}", "[1, 1]");
}
END_TEST
START_TEST(unique_items_are_found_among_many_of_every_type)
{
    const char *schema = "{'uniqueItems': true}";
    assert_accepts(schema, "[1, 2, 3, 4.5, 'a', 'b', 'ab', [1], [2], [1, 2], {'a': 1}, {'b': 1}, "
                           "{'a': 2}, {'a': 1, 'b': 1}, {'a': 1, 'c': 1}, null, true, false]");
    assert_refuses(schema, "[1, 2, 3, 4.5, 'a', 'b', 'ab', [1], [2], [1, 2], {'a': 1}, {'b': 1}, "
                           "{'a': 2}, {'a': 1, 'b': 1}, {'b': 1.0, 'a': 1}, null, true, false]");
    assert_refuses(schema, "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 3.0]");
}
END_TEST
START_TEST(lengths_are_bounded)
{
    assert_refuses("{'minItems': 1}", "[]");
    assert_refuses("{'maxItems': 1}", "[1, 2]");
    assert_accepts("{'minItems': 1, 'maxItems': 1e300}", "[1, 2]");
}
END_TEST
START_TEST(unevaluated_items_look_through_applicators)
{
    const char *schema = "{'allOf': [{'prefixItems': [true]}], 'contains': {'const': 7}, "
                         "'minContains': 0, 'unevaluatedItems': {'type': 'string'}}";
    assert_accepts(schema, "[0, 7, 'a', 7]");
    assert_refuses(schema, "[0, 8]");
}
END_TEST

UNIT_MAIN(items_are_those_behind_the_prefix, draft_07_spells_them_items_and_additional_items,
          contains_counts, unique_items_differ_as_values_do,
          unique_items_are_found_among_many_of_every_type, lengths_are_bounded,
          unevaluated_items_look_through_applicators)
