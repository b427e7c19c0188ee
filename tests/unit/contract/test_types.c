/* SPDX-License-Identifier: Apache-2.0
 *
 * Types, numbers, enum, const, and equality as JSON Schema means it.
 */
#include "contract_test.h"

START_TEST(integer_accepts_a_real_without_a_fraction)
{
    assert_accepts("{'type': 'integer'}", "1.0");
    assert_accepts("{'type': 'integer'}", "1e30");
    assert_refuses("{'type': 'integer'}", "1.5");
    assert_accepts("{'type': ['integer', 'null']}", "-0.0");
    assert_accepts("{'type': 'number'}", "1");
}
END_TEST
START_TEST(a_list_of_types_accepts_each_and_no_other)
{
    const char *schema = "{'type': ['string', 'boolean', 'null']}";
    assert_accepts(schema, "'a'");
    assert_accepts(schema, "true");
    assert_accepts(schema, "false");
    assert_accepts(schema, "null");
    assert_refuses(schema, "0");
    assert_refuses(schema, "[]");
    assert_refuses(schema, "{}");
}
END_TEST
START_TEST(bounds_compare_64_bit_integers_exactly)
{
    assert_accepts("{'maximum': 9007199254740993}", "9007199254740993");
    assert_refuses("{'maximum': 9007199254740992}", "9007199254740993");
    assert_refuses("{'exclusiveMaximum': 9223372036854775807}", "9223372036854775807");
    assert_accepts("{'exclusiveMaximum': 9223372036854775808.0}", "9223372036854775807");
    assert_refuses("{'minimum': 9223372036854775808.0}", "9223372036854775807");
    assert_accepts("{'minimum': -9223372036854775808}", "-9223372036854775808.0");
    assert_refuses("{'exclusiveMinimum': 3}", "3.0");
    assert_accepts("{'exclusiveMinimum': 3}", "3.0000000000000004");
    assert_refuses("{'maximum': -1.5}", "-1");
}
END_TEST
START_TEST(multiples_are_of_the_decimals_that_were_written)
{
    assert_accepts("{'multipleOf': 0.1}", "0.3");
    assert_accepts("{'multipleOf': 0.01}", "19.99");
    assert_accepts("{'multipleOf': 0.0001}", "0.0075");
    assert_refuses("{'multipleOf': 0.0001}", "0.00751");
    assert_refuses("{'multipleOf': 0.5}", "0.25");
    assert_accepts("{'multipleOf': 7}", "-21");
    assert_refuses("{'multipleOf': 7}", "22");
    assert_accepts("{'multipleOf': 2.5}", "10");
    assert_accepts("{'multipleOf': 1e-8}", "12391239123");
    assert_accepts("{'multipleOf': 0.5}", "1e308");
    assert_refuses("{'multipleOf': 0.123456789}", "1e308");
    assert_accepts("{'multipleOf': 3}", "0");
    assert_accepts("{'multipleOf': 9223372036854775807}", "9223372036854775807");
    assert_refuses("{'multipleOf': 9223372036854775806}", "9223372036854775807");
    assert_accepts("{'multipleOf': 2}", "-9223372036854775808");
}
END_TEST
START_TEST(bounds_say_nothing_of_other_types)
{
    assert_accepts("{'minimum': 5, 'multipleOf': 2}", "'3'");
    assert_accepts("{'minimum': 5}", "null");
}
END_TEST
START_TEST(one_equals_one_point_zero)
{
    assert_accepts("{'const': 1}", "1.0");
    assert_accepts("{'enum': [1.0, 'x']}", "1");
    assert_accepts("{'const': {'a': [1, {'b': 2.0}]}}", "{'a': [1.0, {'b': 2}]}");
    assert_refuses("{'const': 1}", "true");
    assert_refuses("{'const': 0}", "false");
    assert_refuses("{'const': null}", "0");
    assert_refuses("{'const': 9007199254740993}", "9007199254740992.0");
}
END_TEST
START_TEST(objects_are_equal_in_any_order)
{
    assert_accepts("{'const': {'a': 1, 'b': 2}}", "{'b': 2, 'a': 1}");
    assert_refuses("{'const': {'a': 1, 'b': 2}}", "{'a': 1}");
    assert_refuses("{'const': {'a': 1}}", "{'a': 1, 'b': 2}");
    assert_refuses("{'const': {'a': 1, 'b': 2}}", "{'a': 1, 'c': 2}");
    assert_refuses("{'const': [1, 2]}", "[2, 1]");
}
END_TEST
START_TEST(an_enum_of_everything_finds_each_member)
{
    const char *schema = "{'enum': [null, true, 0, -1.5, 'a', '', [], [1], {}, {'a': 1}, 6]}";
    const char *members[] = {"null", "true", "0.0", "-1.5",     "'a'", "''",
                             "[]",   "[1]",  "{}",  "{'a': 1}", "6"};
    const char *others[] = {"false", "1", "'b'", "[2]", "[[]]", "{'a': 2}", "{'b': 1}", "-1"};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        assert_accepts(schema, members[i]);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_refuses(schema, others[i]);
}
END_TEST
START_TEST(an_enum_of_strings_finds_each_member)
{
    const char *schema = "{'enum': ['', 'a', 'ab', 'abcd', 'abce', 'abcdefgh', 'abcdefghi', "
                         "'abcdefghj', 'zzzzzzzzzzzzzz', 'zzzzzzzzzzzzzy']}";
    assert_accepts(schema, "''");
    assert_accepts(schema, "'ab'");
    assert_accepts(schema, "'abce'");
    assert_accepts(schema, "'abcdefgh'");
    assert_accepts(schema, "'abcdefghj'");
    assert_accepts(schema, "'zzzzzzzzzzzzzy'");
    assert_refuses(schema, "'abcf'");
    assert_refuses(schema, "'abcdefghk'");
    assert_refuses(schema, "'zzzzzzzzzzzzzx'");
    assert_refuses(schema, "'b'");
    assert_refuses(schema, "7");
    assert_refuses("{'enum': []}", "''");
}
END_TEST
START_TEST(equality_ends_at_the_limit_of_depth)
{
    json_t *deep[2];
    for (size_t n = 0; n < 2; n++) {
        deep[n] = json_array();
        for (int i = 0; i < 1000; i++) {
            json_t *outer = json_array();
            json_array_append_new(outer, deep[n]);
            deep[n] = outer;
        }
    }
    ck_assert(!contract_equal(deep[0], deep[1]));
    json_decref(deep[0]);
    json_decref(deep[1]);
}
END_TEST
START_TEST(true_accepts_all_and_false_nothing)
{
    assert_accepts("true", "{'a': [1]}");
    assert_accepts("{}", "null");
    assert_refuses("false", "null");
}
END_TEST

UNIT_MAIN(integer_accepts_a_real_without_a_fraction, a_list_of_types_accepts_each_and_no_other,
          bounds_compare_64_bit_integers_exactly, multiples_are_of_the_decimals_that_were_written,
          bounds_say_nothing_of_other_types, one_equals_one_point_zero,
          objects_are_equal_in_any_order, an_enum_of_everything_finds_each_member,
          an_enum_of_strings_finds_each_member, equality_ends_at_the_limit_of_depth,
          true_accepts_all_and_false_nothing)
