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
/* The n-th of 64 objects of three keys, inserted in one of six orders. */
static json_t *shuffled_object(unsigned n, unsigned order)
{
    static const char *const orders[] = {"xyz", "xzy", "yxz", "yzx", "zxy", "zyx"};
    json_t *object = json_object();
    for (const char *k = orders[order % 6]; *k; k++) {
        unsigned bits = n >> 2 * (*k - 'x') & 3;
        char key[] = {*k, bits & 1 ? '1' : '0', '\0'};
        json_object_set_new(object, key, json_integer(bits >> 1));
    }
    return object;
}

START_TEST(equal_objects_are_found_whatever_their_order)
{
    struct contract *contract = contract_of("{'uniqueItems': true}");
    unsigned random = 1;
    for (int round = 0; round < 200; round++) {
        json_t *array = json_array();
        for (unsigned n = 0; n < 64; n++) {
            random = random * 1103515245 + 12345;
            json_array_insert_new(array, (random >> 16) % (n + 1),
                                  shuffled_object(n, random >> 20));
        }
        ck_assert(accepts_json(contract, array));
        json_array_append_new(array, shuffled_object((random >> 8) % 64, random >> 24));
        ck_assert(!accepts_json(contract, array));
        json_decref(array);
    }
    contract_unref(contract);
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
          unique_items_are_found_among_many_of_every_type,
          equal_objects_are_found_whatever_their_order, lengths_are_bounded,
          unevaluated_items_look_through_applicators)
