/* SPDX-License-Identifier: Apache-2.0
 *
 * What is refused before it is ever evaluated, and whether the refusal says what to do.
 */
#include "fixture.h"

/* An expression, and words that its refusal must have. */
struct refusal {
    const char *expression, *words;
};

static void check_refusals(const struct refusal *refusals, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct mapping *mapping = NULL;
        struct error error = {ERR_OK, ""};
        json_t *template = fixture_expression(refusals[i].expression);
        enum error_code code = mapping_parse(template, &fixture_names, &mapping, &error);
        ck_assert_msg(code != ERR_OK, "%s was not refused", refusals[i].expression);
        ck_assert_int_eq(code, error.code);
        ck_assert_msg(strstr(error.text, refusals[i].words) != NULL, "%s: expected \"%s\" in: %s",
                      refusals[i].expression, refusals[i].words, error.text);
        ck_assert_msg(strncmp(error.text, "column ", strlen("column ")) == 0, "no column in: %s",
                      error.text);
        mapping_free(mapping);
        json_decref(template);
    }
}

#define ck_refusals(list) check_refusals(list, sizeof(list) / sizeof((list)[0]))

START_TEST(what_jq_has_and_this_has_not_is_refused_with_what_to_write)
{
    static const struct refusal refusals[] = {
        {".input.items[]", "map("},
        {".input | .[]", "map("},
        {"[.input[] | .a]", "map("},
        {".input.a?", "//"},
        {".input.a, .input.b", "put the values into [ ]"},
        {"..", "name the path"},
        {".input |= 1", "nothing can be changed"},
        {".input.a += 1", "nothing can be changed"},
        {".input.a = 1", "write =="},
        {".input as $x | $x", "$input"},
        {".input | sort_by(.a)", "`sort_by` is not in this subset"},
        {".input | min_by(.a)", "then min"},
        {".input | group_by(.a)", "map(select("},
        {".input | unique_by(.a)", "map(…) them first"},
        {".input | first", ".[0]"},
        {".input | last", ".[-1]"},
        {".input | recurse", "name the path"},
        {".input | to_entries", "keys"},
        {".input | type", "contract"},
        {"limit(3; 1)", "one value"},
        {"now", ".run.started"},
        {"env", ".input"},
        {"input", "it is .input"},
        {"def f: 1; f", "cannot be defined"},
        {"reduce .input as $x (0; . + $x)", "add, any, all"},
        {"foreach .input as $x (0; 1)", "map"},
        {"try .input", "//"},
        {"empty", "map(select("},
        {"error(\"x\")", "assert"},
        {"@base64 \"x\"", "`@base64` is not in this subset"},
        {"if .input then 1 end", "`else`"},
        {"1 < 2 < 3", "do not chain"},
        {"1 == 1 == true", "do not chain"},
        {"[1, 2 | . + 1]", "put each item with a `|` into ( )"},
        {"[.input | .a, .b]", "[a, b]"},
        {"{a: 1 + 2}", "{key: (a + b)}"},
        {"{a: .input // 2}", "{key: (a // b)}"},
        {"{a: 1 | . + 1}", "in parentheses"},
        {"{$input: 1}", "($input)"},
        {"{$input.a}", "{key: $name.path}"},
        {"{1: 2}", "into quotes"},
        {"{\"\\(1)\"}", "a value behind the key"},
        {".input | split(\",\"; \"g\")", "takes one argument, as in f(.x), found 2"},
        {".input | length(1)", "takes no argument, found 1"},
        {".input | map", "takes one argument"},
        {"'text'", "double quotes"},
    };
    ck_refusals(refusals);
}
END_TEST

START_TEST(a_slip_of_the_pen_gets_the_nearest_name)
{
    static const struct refusal refusals[] = {
        {".inptu.a", "did you mean `.input`"},
        {".step.search.output", "did you mean `.steps`"},
        {".steps.serach.output", "did you mean `search`"},
        {".input | lenght", "did you mean `length`"},
        {".input | startwith(\"a\")", "did you mean `startswith`"},
        {".steps.book.output", ".steps[\"book-trip\"]"},
        {".steps.book-trip.output", "put that into quotes"},
        {".input | frobnicate", "there are: add all any contains"},
        {"$imput", "$input $steps"},
        {".nothing_like_it", "begins with one of: .input"},
    };
    ck_refusals(refusals);
}
END_TEST

START_TEST(the_scope_is_no_value)
{
    static const struct refusal refusals[] = {
        {".", "`.` needs a value"},
        {". | .input", "`.` needs a value"},
        {"length", "`length` needs a value"},
        {"map(.x)", "`map` needs a value"},
        {".[0]", "needs a value"},
        {".[\"in\" + \"put\"]", "needs a value"},
        {"{a: .}", "`.` needs a value"},
        {"not", "`not` needs a value"},
        {".steps", "written in one piece"},
        {"$steps", "written in one piece"},
        {".steps | .search.output", "written in one piece"},
        {".steps.search", "written in one piece"},
        {".steps.search | .output", "written in one piece"},
        {".steps.search.result", "written in one piece"},
        {".steps[.input.name].output", "written in one piece"},
        {".steps[0].output", "written in one piece"},
        {"{steps}", "written in one piece"},
        {"{$steps}", "written in one piece"},
        {".steps | keys", "written in one piece"},
    };
    ck_refusals(refusals);
}
END_TEST

START_TEST(select_stands_only_on_the_way_to_its_map)
{
    static const struct refusal refusals[] = {
        {".input | select(.a)", "map(select("},
        {".input | map([select(.a)])", "map(select("},
        {".input | map({a: select(.a)})", "map(select("},
        {".input | map(select(.a) + 1)", "map(select("},
        {".input | map(select(.a) // 1)", "map(select("},
        {".input | any(select(.a))", "map(select("},
        {".input | map(select(select(.a)))", "map(select("},
        {".input | map(if select(.a) then 1 else 2 end)", "map(select("},
        {".input | map(\"\\(select(.a))\")", "map(select("},
        {".input | map(.[select(.a)])", "map(select("},
        {".input | map(-select(.a))", "map(select("},
    };
    ck_refusals(refusals);
}
END_TEST

START_TEST(broken_syntax_says_what_was_expected)
{
    static const struct refusal refusals[] = {
        {"", "the expression is empty"},
        {"1 +", "expected a value"},
        {"(1", "expected `)`"},
        {"1)", "expected an operator or the `}`"},
        {"[1, ]", "expected a value, found `]`"},
        {"[1 2]", "the `]` of the array"},
        {"{a: 1", "is not closed"},
        {"{a: 1]", "the `}` of the object"},
        {"{a 1}", "`:`, `,` or the `}`"},
        {"{: 1}", "a key"},
        {".input.", "a name behind the `.`"},
        {". input", "an operator or the `}`"},
        {".input[1", "`]`"},
        {".input[:]", "expected a value"},
        {"\"open", "no closing"},
        {"\"a\\(1\"", "the `)` that ends"},
        {"\"\\x\"", "unknown escape"},
        {"\"\\u12\"", "four hexadecimal digits"},
        {"\"\\ud800\"", "half of a surrogate pair"},
        {"if 1 then 2", "`else`"},
        {"if 1 else 2 end", "`then`"},
        {"then", "expected a value, found `then`"},
        {"1 as", "as"},
        {"1e400", "larger than any number"},
        {"1 £ 2", "`£` has no meaning"},
        {".input && 1", "`&` has no meaning"},
    };
    ck_refusals(refusals);
}
END_TEST

START_TEST(an_expression_that_is_not_closed_names_its_start)
{
    ck_refused("1", json_string("text ${ .input"), ERR_INPUT, "column 8: the expression that");
    ck_refused("1", json_string("${ 1 # all the rest }"), ERR_INPUT,
               "a comment from # ends with its line");
}
END_TEST

START_TEST(the_column_counts_characters_and_the_pointer_names_the_string)
{
    ck_refused("1", fixture_json("{\"a/b\": [\"x\", \"éé ${ .nope }\"]}"), ERR_INPUT,
               "/a~1b/1: column 7: nothing is named `.nope`");
}
END_TEST

START_TEST(a_root_that_is_not_here_says_where_it_is)
{
    const struct mapping_names names = {.roots = ROOT_INPUT | ROOT_RUN};
    static const struct refusal refusals[] = {
        {"${ .item.a }", "`.item` cannot be used here, only in a step with for_each"},
        {"${ $index }", "in a step with for_each"},
        {"${ .error.code }", "in on_failure.fallback"},
        {"${ .output }", "in confidence, assert and undo; here there are: .input .run"},
        {"${ .steps.a.output }", "`.steps` cannot be used here"},
        {"${ .input | . == $output }", "`.output` cannot be used here"},
    };
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct mapping *mapping = NULL;
        struct error error;
        json_t *template = json_string(refusals[i].expression);
        ck_assert_int_eq(mapping_parse(template, &names, &mapping, &error), ERR_INPUT);
        ck_assert_msg(strstr(error.text, refusals[i].words) != NULL, "%s", error.text);
        json_decref(template);
    }
}
END_TEST

static bool parses_to_boolean(const char *expression)
{
    struct mapping *mapping = NULL;
    struct error error;
    json_t *template = fixture_expression(expression);
    ck_assert_msg(mapping_parse(template, &fixture_names, &mapping, &error) == ERR_OK, "%s",
                  error.text);
    bool is = mapping_is_boolean(mapping);
    mapping_free(mapping);
    json_decref(template);
    return is;
}

START_TEST(what_is_provably_boolean_is_known)
{
    static const char *const booleans[] = {
        "true",
        "1 == 2",
        "1 < 2",
        ".input and 1",
        ".input or 1",
        ".input | not",
        ".input | has(\"a\")",
        ".input | contains(1)",
        ".input | startswith(\"a\")",
        ".input | any",
        ".input | all(.x)",
        "if .input then true else 1 == 2 end",
        "(.input == 1) // false",
        ".input | .a > 5",
        "if .input then true elif 1 then false else true end",
    };
    static const char *const others[] = {
        "1",
        "\"true\"",
        ".input",
        ".input // false",
        "if .input then true else 1 end",
        "if .input then true elif 1 then 2 else true end",
        ".input | map(. == 1)",
        "[true]",
        "null",
        ".input | .a",
        "(1 == 1) + 1",
    };
    for (size_t i = 0; i < sizeof(booleans) / sizeof(booleans[0]); i++)
        ck_assert_msg(parses_to_boolean(booleans[i]), "%s", booleans[i]);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_msg(!parses_to_boolean(others[i]), "%s", others[i]);
}
END_TEST

UNIT_MAIN(what_jq_has_and_this_has_not_is_refused_with_what_to_write,
          a_slip_of_the_pen_gets_the_nearest_name, the_scope_is_no_value,
          select_stands_only_on_the_way_to_its_map, broken_syntax_says_what_was_expected,
          an_expression_that_is_not_closed_names_its_start,
          the_column_counts_characters_and_the_pointer_names_the_string,
          a_root_that_is_not_here_says_where_it_is, what_is_provably_boolean_is_known)
