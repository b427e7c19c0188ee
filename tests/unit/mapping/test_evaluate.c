/* SPDX-License-Identifier: Apache-2.0
 *
 * Values and errors where jq is no oracle: sharing, exact integers, missing outputs of steps, and
 * what an error says. What both compute is in jq-table.txt.
 */
#include "fixture.h"

static struct mapping *parse(const char *expression)
{
    struct mapping *mapping = NULL;
    struct error error;
    json_t *template = fixture_expression(expression);
    enum error_code code = mapping_parse(template, &fixture_names, &mapping, &error);
    ck_assert_msg(code == ERR_OK, "%s: %s", expression, error.text);
    json_decref(template);
    return mapping;
}

START_TEST(parts_of_the_scope_are_shared_and_never_copied)
{
    struct fixture f;
    struct error error;
    fixture_init(&f, "{\"a\": {\"deep\": [1, 2]}, \"list\": [{\"x\": 1}, {\"x\": 2}]}");
    const json_t *a = json_object_get(f.input, "a");
    const json_t *second = json_array_get(json_object_get(f.input, "list"), 1);
    size_t references = a->refcount;
    struct mapping *mapping =
        parse("{a: .input.a, b: [.input.a], c: (.input.list | map(select(.x == 2)) | .[0]), "
              "d: (.input + {z: 1}), e: ([.input.list, []] | add | sort | .[-1])}");
    json_t *value = NULL;
    ck_assert_int_eq(mapping_evaluate(mapping, &f.scope, &value, &error), ERR_OK);
    ck_assert_ptr_eq(json_object_get(value, "a"), a);
    ck_assert_ptr_eq(json_array_get(json_object_get(value, "b"), 0), a);
    ck_assert_ptr_eq(json_object_get(value, "c"), second);
    ck_assert_ptr_eq(json_object_get(json_object_get(value, "d"), "a"), a);
    ck_assert_ptr_eq(json_object_get(value, "e"), second);
    ck_assert_uint_eq(a->refcount, references + 3);
    json_decref(value);
    ck_assert_uint_eq(a->refcount, references);
    mapping_free(mapping);
    fixture_done(&f);
}
END_TEST

START_TEST(an_evaluation_leaves_the_scope_as_it_was)
{
    struct fixture f;
    struct error error;
    fixture_init(&f, "{\"o\": {\"a\": {\"b\": 1}}, \"l\": [3, 1, 2], \"ll\": [[1], [2]]}");
    char *before = fixture_dump(f.input);
    struct mapping *mapping =
        parse("[.input.o + {a: 2}, .input.o * {a: {c: 3}}, (.input.l | sort), (.input.l | unique), "
              "(.input.l + [4]), (.input.l - [1]), (.input.ll | add), (.input | map(.) | length), "
              "([.input.o, {z: 1}] | add)]");
    json_t *value = NULL;
    ck_assert_int_eq(mapping_evaluate(mapping, &f.scope, &value, &error), ERR_OK);
    char *after = fixture_dump(f.input);
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    json_decref(value);
    mapping_free(mapping);
    fixture_done(&f);
}
END_TEST

START_TEST(integers_are_exact_to_64_bits)
{
    ck_expression("9007199254740993", ".input", "9007199254740993");
    ck_expression("9223372036854775806", ".input + 1", "9223372036854775807");
    ck_expression("-9223372036854775807", ".input - 1", "-9223372036854775808");
    ck_expression("3037000499", ".input * .input", "9223372030926249001");
    ck_expression("9223372036854775807", ".input / 7", "1317624576693539401");
    ck_expression("9223372036854775807", ".input % 10", "7");
    ck_expression("9223372036854775807", ".input == 9223372036854775806", "false");
    ck_expression("9223372036854775807", ".input > 9223372036854775806.0", "false");
    ck_expression("9007199254740993", ".input > 9007199254740992.0", "true");
    ck_expression("\"9223372036854775807\"", ".input | tonumber", "9223372036854775807");
    ck_expression("9223372036854775807", "\"\\(.input)\"", "\"9223372036854775807\"");
    ck_expression("[9007199254740993, 9007199254740992]", ".input | unique | length", "2");
    ck_expression("[9007199254740993, 9007199254740992]", ".input | add", "18014398509481985");
}
END_TEST

START_TEST(an_integer_that_overflows_becomes_a_double)
{
    ck_expression("9223372036854775807", "(.input + 1) == 9223372036854775808.0", "true");
    ck_expression("-9223372036854775808", "(-.input) == 9223372036854775808.0", "true");
    ck_expression("-9223372036854775808", "(.input | length) == 9223372036854775808.0", "true");
    ck_expression("-9223372036854775808", "(.input / -1) == 9223372036854775808.0", "true");
    ck_expression("-9223372036854775808", ".input % -1", "0");
    ck_expression("9223372036854775807", "(.input * 2) > .input", "true");
}
END_TEST

START_TEST(doubles_with_the_value_of_an_integer_become_one)
{
    ck_expression("0.5", ".input + .input", "1");
    ck_expression("1.5", ".input * 2", "3");
    ck_expression("1", "1e3", "1000");
    ck_expression("1", "10 / 4 * 2", "5");
}
END_TEST

START_TEST(equal_values_keep_their_order)
{
    ck_expression("[1.0, 0, 1]", ".input | sort", "[0,1.0,1]");
    ck_expression("[1, 0, 1.0]", ".input | sort", "[0,1,1.0]");
    ck_expression("[1.0, 1]", ".input | unique", "[1.0]");
    ck_expression("[1.0, 1]", ".input | min", "1.0");
    ck_expression("[1.0, 1]", ".input | max", "1");
}
END_TEST

START_TEST(an_ordering_of_unlike_values_names_both)
{
    ck_refused("{\"age\": \"7\"}", json_string("${ .input.age < 8 }"), ERR_INPUT,
               "`.input.age` is a string and `8` is a number; `<` needs two values of one type");
    ck_refused("{}", json_string("${ .input.total <= 100 }"), ERR_INPUT, "`.input.total` is null");
    ck_refused("{}", json_string("${ .input.total >= .input }"), ERR_INPUT, "`.input` is an obj");
    ck_refused("[1, \"2\"]", json_string("${ .input | map(. > 0) }"), ERR_INPUT,
               "item 1 of `map`: `.` is a string");
}
END_TEST

START_TEST(an_error_names_the_place_and_the_part)
{
    ck_refused("{\"a\": 1}", fixture_json("{\"x\": [\"${ .input.a.b }\"]}"), ERR_INPUT,
               "/x/0: `.input.a.b` looks for the member `b` in a number");
    ck_refused("[1]", json_string("${ .input.name }"), ERR_INPUT, "member `name` in an array");
    ck_refused("{}", json_string("${ .input[0] }"), ERR_INPUT, "looks for item 0 in an object");
    ck_refused("{}", json_string("${ .input[.index] }"), ERR_INPUT, "its key is a number");
    ck_refused("1", json_string("${ .input + \"x\" }"), ERR_INPUT, "adds a number and a string");
    ck_refused("1", json_string("${ .input / 0 }"), ERR_INPUT, "divides by zero");
    ck_refused("1", json_string("${ .input % 0.5 }"), ERR_INPUT, "divides by zero");
    ck_refused("1", json_string("${ {(.input): 1} }"), ERR_INPUT, "a key must be a string");
    ck_refused("true", json_string("${ .input | length }"), ERR_INPUT, "no length");
    ck_refused("[[]]", json_string("${ .input | join(\",\") }"), ERR_INPUT, "an array at item 0");
    ck_refused("\"x1\"", json_string("${ .input | tonumber }"), ERR_INPUT, "is no number");
    ck_refused("[1, true]", json_string("${ .input | add }"), ERR_INPUT,
               "adds a number and a boolean");
    ck_refused("1e308", json_string("${ .input * 10 }"), ERR_INPUT, "larger than any number");
    ck_refused("{}", json_string("${ {(\"a\\u0000b\"): 1} }"), ERR_INPUT, "no key can have");
}
END_TEST

START_TEST(a_part_is_named_in_at_most_a_line)
{
    ck_refused("1", json_string("${ (.input.éééééééééééééééééééééééééééééééé) }"), ERR_INPUT,
               "has no meaning");
    ck_refused("1", json_string("${ .input[\"éééééééééééééééééééééééééééééééééééééééééééééé\"] }"),
               ERR_INPUT, "…` looks for");
}
END_TEST

START_TEST(a_step_without_output_reads_as_null)
{
    ck_expression("{\"a\": 1}", ".steps.search.output.a", "1");
    ck_expression("1", ".steps.price.output", "null");
    ck_expression("1", ".steps.price.output.total.more", "null");
    ck_expression("1", ".steps.price.output // \"none\"", "\"none\"");
    ck_expression("1", ".steps.price.status", "\"done\"");
}
END_TEST

START_TEST(what_the_scope_lacks_reads_as_null)
{
    struct scope scope = {.input = NULL};
    struct error error;
    json_t *value = NULL;
    ck_assert_int_eq(fixture_run(fixture_expression("[.input, .item, .output.a, .error, .run.id, "
                                                    ".index]"),
                                 &scope, &value, &error),
                     ERR_OK);
    char *found = fixture_dump(value);
    ck_assert_str_eq(found, "[null,null,null,null,null,0]");
    free(found);
    json_decref(value);
}
END_TEST

START_TEST(variables_are_the_scope_also_inside_of_map)
{
    ck_expression("[{\"input\": 1}, {\"input\": 2}]", ".input | map(.input)", "[1,2]");
    ck_expression("[{\"input\": 1}, {\"input\": 2}]", ".input | map($input[0].input)", "[1,1]");
    ck_expression("[1, 2]", ".input | map(. + $index)", "[4,5]");
    ck_expression("[1, 2]", ".input | map([., $steps.search.output[1]])", "[[1,2],[2,2]]");
    ck_expression("{\"a\": 1}", "{$input, $index} | .input.a + .index", "4");
}
END_TEST

START_TEST(nul_is_a_character_like_others)
{
    ck_expression("\"a\\u0000b\"", ".input | length", "3");
    ck_expression("\"a\\u0000b\"", ".input | contains(\"b\")", "true");
    ck_expression("\"a\\u0000b\"", ".input | split(\"\\u0000\")", "[\"a\",\"b\"]");
    ck_expression("\"a\\u0000b\"", ".input == \"a\"", "false");
    ck_expression("\"1\\u0000\"", "(.input | length) == 2", "true");
    ck_refused("\"1\\u0000\"", json_string("${ .input | tonumber }"), ERR_INPUT, "no number");
}
END_TEST

START_TEST(no_error_is_wanted_when_none_is_asked_for)
{
    struct fixture f;
    json_t *value = NULL;
    fixture_init(&f, "[1, \"a\"]");
    ck_assert_int_eq(fixture_run(fixture_expression(".input | map(. + 1)"), &f.scope, &value, NULL),
                     ERR_INPUT);
    ck_assert_int_eq(fixture_run(fixture_expression(".nope"), &f.scope, &value, NULL), ERR_INPUT);
    ck_assert_int_eq(fixture_run(fixture_expression("((1"), &f.scope, &value, NULL), ERR_INPUT);
    ck_assert_ptr_null(value);
    fixture_done(&f);
}
END_TEST

UNIT_MAIN(equal_values_keep_their_order, parts_of_the_scope_are_shared_and_never_copied,
          an_evaluation_leaves_the_scope_as_it_was, integers_are_exact_to_64_bits,
          an_integer_that_overflows_becomes_a_double,
          doubles_with_the_value_of_an_integer_become_one, an_ordering_of_unlike_values_names_both,
          an_error_names_the_place_and_the_part, a_part_is_named_in_at_most_a_line,
          a_step_without_output_reads_as_null, what_the_scope_lacks_reads_as_null,
          variables_are_the_scope_also_inside_of_map, nul_is_a_character_like_others,
          no_error_is_wanted_when_none_is_asked_for)
