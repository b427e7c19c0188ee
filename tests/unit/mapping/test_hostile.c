/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions and values made to hurt: too long, too deep, too much work, too large a result; and
 * expressions cut and mangled at every byte, which must end in a value or an error.
 */
#include "fixture.h"

#include "base/limits.h"

#include <stdio.h>

/* before, then `part` so many times, then after. */
static json_t *repeated(const char *before, const char *part, size_t times, const char *after)
{
    struct text text;
    text_init(&text, 64u << 20);
    text_adds(&text, before);
    for (size_t i = 0; i < times; i++)
        text_adds(&text, part);
    text_adds(&text, after);
    json_t *string = json_stringn(text_str(&text), text.len);
    ck_assert_ptr_nonnull(string);
    text_done(&text);
    return string;
}

START_TEST(too_long_an_expression_is_refused)
{
    ck_refused("1", repeated("${ ", "1                 + ", 10000, "1 }"), ERR_LIMIT,
               "LIMIT_EXPRESSION");
    ck_refused("1", repeated("${ \"", "x", LIMIT_EXPRESSION + 1, "\" }"), ERR_LIMIT,
               "LIMIT_EXPRESSION");
    ck_refused("1", repeated("${ ", " ", LIMIT_EXPRESSION + 1, "1 }"), ERR_LIMIT,
               "LIMIT_EXPRESSION");
}
END_TEST

START_TEST(every_way_to_nest_meets_the_limit_of_depth)
{
    static const char *const openings[] = {"(",     "[",        "{a:",        "-",
                                           "{(",    ".input[",  ".input[1:",  "if ",
                                           "\"\\(", "1 | map(", "if 1 then ", "if 1 then 1 else ",
                                           "1 + ("};
    for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
        ck_refused("1", repeated("${ ", openings[i], 3000, "1 }"), ERR_LIMIT,
                   "LIMIT_EXPRESSION_DEPTH");
    }
}
END_TEST

START_TEST(a_hundred_parentheses_are_not_too_deep)
{
    char *expression = xmalloc(256);
    memset(expression, '(', 90);
    expression[90] = '7';
    memset(expression + 91, ')', 90);
    expression[181] = '\0';
    ck_expression("1", expression, "7");
    free(expression);
}
END_TEST

START_TEST(rows_of_operators_are_long_but_not_endless)
{
    struct fixture f;
    struct error error;
    json_t *value = NULL;
    fixture_init(&f, "1");
    ck_assert_int_eq(
        fixture_run(repeated("${ 0", " + .input", 900, " }"), &f.scope, &value, &error), ERR_OK);
    ck_assert_int_eq(json_integer_value(value), 900);
    json_decref(value);
    ck_assert_int_eq(
        fixture_run(repeated("${ if null then 1 ", "elif null then 2 ", 2000, "else 3 end }"),
                    &f.scope, &value, &error),
        ERR_OK);
    json_decref(value);
    fixture_done(&f);
    ck_refused("1", repeated("${ 0", "+1", 1100, " }"), ERR_LIMIT, "LIMIT_EXPRESSION_HEIGHT");
    ck_refused("1", repeated("${ 0", "|1", 1100, " }"), ERR_LIMIT, "LIMIT_EXPRESSION_HEIGHT");
    ck_refused("1", repeated("${ 0", "//1", 1100, " }"), ERR_LIMIT, "LIMIT_EXPRESSION_HEIGHT");
}
END_TEST

START_TEST(a_result_cannot_be_nested_without_end)
{
    ck_refused("1", repeated("${ .input", "|[.]", 200, " }"), ERR_LIMIT,
               "the result may be nested");
    ck_refused("1", repeated("${ .input", "|{a:.}", 200, " }"), ERR_LIMIT,
               "the result may be nested");
    ck_refused("[1]", repeated("${ .input", "|map([.])", 200, " }"), ERR_LIMIT,
               "the result may be nested");
}
END_TEST

START_TEST(no_result_is_deeper_than_what_can_be_read_back)
{
    json_t *input = json_integer(1);
    for (size_t i = 0; i < LIMIT_DEPTH - 1; i++)
        input = json_pack("[o]", input);
    struct scope scope = {.input = input};
    struct error error;
    json_t *value = NULL;
    ck_assert_int_eq(fixture_run(json_string("${ [.input] }"), &scope, &value, &error), ERR_OK);
    json_decref(value);
    value = NULL;
    ck_assert_int_eq(fixture_run(json_string("${ [[.input]] }"), &scope, &value, &error),
                     ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(error.text, "LIMIT_DEPTH"));
    ck_assert_int_eq(fixture_run(json_pack("[[s]]", "${ .input }"), &scope, &value, &error),
                     ERR_LIMIT);
    json_decref(input);
}
END_TEST

START_TEST(a_small_expression_cannot_make_a_value_without_end)
{
    ck_refused("[1, 2]", repeated("${ .input", "|[.,.]", 60, " }"), ERR_LIMIT,
               "LIMIT_EXPRESSION_WORK");
    ck_refused("[1, 2]", repeated("${ .input", "|.+.", 60, " }"), ERR_LIMIT,
               "LIMIT_EXPRESSION_WORK");
    ck_refused("[1, 2]", repeated("${ .input", "|[.,.]", 60, " | tostring | length }"), ERR_LIMIT,
               "LIMIT_");
    ck_refused("[1, 2]", repeated("${ .input", "|[.,.]", 60, " | . == . }"), ERR_LIMIT,
               "LIMIT_EXPRESSION_WORK");
    ck_refused("[1, 2]", repeated("${ .input", "|[.,.]", 60, " | [., .] | unique }"), ERR_LIMIT,
               "LIMIT_EXPRESSION_WORK");
}
END_TEST

START_TEST(a_template_cannot_repeat_a_large_value_without_end)
{
    json_t *input = json_array();
    for (size_t i = 0; i < 100000; i++)
        json_array_append_new(input, json_integer(1));
    json_t *template = json_array();
    for (size_t i = 0; i < 1000; i++)
        json_array_append_new(template, json_string("${ .input }"));
    struct scope scope = {.input = input};
    struct error error;
    json_t *value = NULL;
    ck_assert_int_eq(fixture_run(template, &scope, &value, &error), ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(error.text, "LIMIT_EXPRESSION_WORK"));
    json_decref(input);
}
END_TEST

START_TEST(a_string_cannot_grow_without_end)
{
    ck_refused("\"ab\"", repeated("${ .input", "|.+.", 60, " }"), ERR_LIMIT, "LIMIT_TEXT_RESULT");
    ck_refused("\"ab\"", json_string("${ .input * 1e300 }"), ERR_LIMIT, "LIMIT_TEXT_RESULT");
    ck_refused("\"\"", repeated("${ .input", "|\"x\\(.)\\(.)\"", 60, " }"), ERR_LIMIT,
               "LIMIT_TEXT_RESULT");
    ck_refused("\"ab\"", repeated("${ .input", "|[.,.]|join(.[0])", 60, " }"), ERR_LIMIT,
               "LIMIT_TEXT_RESULT");
    ck_refused("\"ab\"", repeated("${ .input", "|[.,.]|add", 60, " }"), ERR_LIMIT,
               "LIMIT_TEXT_RESULT");
    ck_expression("\"\"", ".input * 1e300", "\"\"");
}
END_TEST

/* An array of so many distinct values, as the input. */
static void refuse_work(size_t items, const char *expression)
{
    json_t *input = json_array();
    for (size_t i = 0; i < items; i++)
        json_array_append_new(input, json_integer((json_int_t)i));
    struct scope scope = {.input = input};
    struct error error;
    json_t *value = NULL;
    ck_assert_int_eq(fixture_run(fixture_expression(expression), &scope, &value, &error),
                     ERR_LIMIT);
    ck_assert_msg(strstr(error.text, "LIMIT_EXPRESSION_WORK") != NULL, "%s", error.text);
    json_decref(input);
}

START_TEST(work_that_grows_with_the_square_meets_its_limit)
{
    refuse_work(10000, ".input | map($input | map(.))");
    refuse_work(10000, ".input - (.input | map(-. - 1))");
    refuse_work(10000, ".input | contains($input + [0.5])");
    refuse_work(10000, ".input | map($input | any(. < 0))");
    refuse_work(10000, ".input | map($input | sort)");
    refuse_work(10000, ".input | map($input[1:])");
    refuse_work(10000, ".input | map($input | keys)");
    refuse_work(10000, ".input | map($input | tostring | length)");
}
END_TEST

START_TEST(long_strings_count_as_much_as_they_are)
{
    json_t *input =
        json_pack("{s:o, s:o}", "text", repeated("", "xy", 1u << 20, ""), "list", json_array());
    for (size_t i = 0; i < 10000; i++)
        json_array_append_new(json_object_get(input, "list"), json_integer(1));
    json_t *keyed = json_object();
    json_object_set_new(keyed, json_string_value(json_object_get(input, "text")), json_true());
    json_object_set_new(input, "keyed", keyed);
    struct scope scope = {.input = input};
    static const char *const expressions[] = {
        ".input.list | map($input.text | contains(\"z\"))",
        ".input.list | map($input.text == $input.text + \"\")",
        ".input.list | map($input.text | length)",
        ".input.list | map($input.text | split(\"z\"))",
        ".input.list | map($input.text[5:6])",
        ".input.list | map({($input.text): 1})",
        ".input.list | map($input.text)",
        ".input.list | map($input.keyed < $input.keyed)",
        ".input.list | map($input.keyed == $input.keyed)",
        ".input.list | map($input.keyed | contains($input.keyed))",
        ".input.list | map($input.keyed | tostring | length)",
        ".input.list | map($input.keyed | keys | length)",
        ".input.list | map($input.keyed + {} | length)",
        ".input.list | map($input.keyed | has($input.text))",
        ".input.list | map($input[$input.text])",
    };
    for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++) {
        struct error error;
        json_t *value = NULL;
        ck_assert_int_eq(fixture_run(fixture_expression(expressions[i]), &scope, &value, &error),
                         ERR_LIMIT);
        ck_assert_msg(strstr(error.text, "LIMIT_EXPRESSION_WORK") != NULL, "%s", error.text);
    }
    json_decref(input);
}
END_TEST

START_TEST(long_names_in_a_path_count_as_much_as_they_are)
{
    json_t *input = json_array();
    for (size_t i = 0; i < 20000; i++)
        json_array_append_new(input, json_null());
    struct scope scope = {.input = input};
    struct error error;
    json_t *value = NULL;
    ck_assert_int_eq(
        fixture_run(repeated("${ .input | map(.", "k", 60000, ") }"), &scope, &value, &error),
        ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(error.text, "LIMIT_EXPRESSION_WORK"));
    json_decref(input);
}
END_TEST

START_TEST(too_many_parts_of_a_mapping_are_refused)
{
    json_t *template = json_array();
    for (size_t i = 0; i < 300; i++)
        json_array_append_new(template, repeated("${ [0", ",1", 1000, "] }"));
    ck_refused("1", template, ERR_LIMIT, "LIMIT_MAPPING_NODES");
}
END_TEST

START_TEST(too_deep_a_template_is_refused)
{
    json_t *template = json_string("${ 1 }");
    for (size_t i = 0; i < LIMIT_DEPTH + 1; i++)
        template = json_pack("[o]", template);
    struct mapping *mapping = NULL;
    struct error error;
    ck_assert_int_eq(mapping_parse(template, &fixture_names, &mapping, &error), ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(error.text, "LIMIT_DEPTH"));
    json_decref(template);
}
END_TEST

/* A seeded generator: splitmix64. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static const char *const seeds[] = {
    "${ .input | map(select(.a > 1) | {a, \"b c\": .x[0], (.k): (1 + 2)}) | length }",
    "a${ \"x\\(.input.a)\\u00e9\\ud83d\\ude00\" }b$${c}${ if 1 then 1 elif 2 then 3 else 4 end }",
    "${ [.steps.search.output.a[1:2], $item, .index // 1, .input[\"k\"], .input.\"q\"] }",
    "${ (.input.a + 1.5e3 * -2 / 3 % 4 - 5) <= 6 and true or false | not } # }",
    "${ .input | keys | join(\",\") | split(\",\") | any(contains(\"a\")) }",
};

START_TEST(mangled_expressions_end_in_a_value_or_an_error)
{
    static const char bytes[] = "${}()[].,:;|\"\\#@$?!=<>+-*/% \n0ae_\x01";
    struct fixture f;
    uint64_t state = 42;
    fixture_init(&f, "{\"a\": 1, \"k\": \"b\", \"x\": [1, 2], \"q\": null}");
    for (size_t round = 0; round < 20000; round++) {
        char text[256];
        struct error error = {ERR_OK, ""};
        snprintf(text, sizeof(text), "%s", seeds[next_random(&state) % 5]);
        for (size_t change = 1 + next_random(&state) % 3; change > 0; change--) {
            size_t at = next_random(&state) % strlen(text);
            if (next_random(&state) % 3 == 0)
                memmove(text + at, text + at + 1, strlen(text + at));
            else
                text[at] = bytes[next_random(&state) % (sizeof(bytes) - 1)];
        }
        json_t *template = json_string(text);
        json_t *value = NULL;
        if (!template)
            continue;
        enum error_code code = fixture_run(template, &f.scope, &value, &error);
        ck_assert_msg((code == ERR_OK) == (value != NULL), "%s", text);
        ck_assert_msg(code == ERR_OK || error.text[0] != '\0', "%s", text);
        json_decref(value);
    }
    fixture_done(&f);
}
END_TEST

START_TEST(expressions_cut_at_any_byte_end_in_a_value_or_an_error)
{
    struct fixture f;
    fixture_init(&f, "{\"a\": 1, \"k\": \"b\", \"x\": [1, 2]}");
    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
        for (size_t length = 0; length <= strlen(seeds[i]); length++) {
            struct error error;
            json_t *value = NULL;
            enum error_code code =
                fixture_run(json_stringn(seeds[i], length), &f.scope, &value, &error);
            ck_assert_int_eq(code == ERR_OK, value != NULL);
            json_decref(value);
        }
    }
    fixture_done(&f);
}
END_TEST

UNIT_MAIN(long_names_in_a_path_count_as_much_as_they_are, too_long_an_expression_is_refused,
          every_way_to_nest_meets_the_limit_of_depth, a_hundred_parentheses_are_not_too_deep,
          rows_of_operators_are_long_but_not_endless, a_result_cannot_be_nested_without_end,
          no_result_is_deeper_than_what_can_be_read_back,
          a_small_expression_cannot_make_a_value_without_end,
          a_template_cannot_repeat_a_large_value_without_end, a_string_cannot_grow_without_end,
          work_that_grows_with_the_square_meets_its_limit, long_strings_count_as_much_as_they_are,
          too_many_parts_of_a_mapping_are_refused, too_deep_a_template_is_refused,
          mangled_expressions_end_in_a_value_or_an_error,
          expressions_cut_at_any_byte_end_in_a_value_or_an_error)
