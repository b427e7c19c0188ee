/* SPDX-License-Identifier: Apache-2.0
 *
 * Templates: which strings are expressions, what type they give, and what stays as it is.
 */
#include "fixture.h"

static void check_template(const char *template, const char *expected)
{
    struct fixture f;
    struct error error;
    json_t *value = NULL;
    fixture_init(&f, "{\"n\": 1, \"s\": \"text\", \"l\": [1, 2], \"o\": {\"k\": null}}");
    enum error_code code = fixture_run(fixture_json(template), &f.scope, &value, &error);
    ck_assert_msg(code == ERR_OK, "%s: %s", template, error.text);
    char *found = fixture_dump(value);
    ck_assert_msg(strcmp(found, expected) == 0, "%s: expected %s, found %s", template, expected,
                  found);
    free(found);
    json_decref(value);
    fixture_done(&f);
}

START_TEST(one_expression_alone_keeps_its_type)
{
    check_template("\"${ .input.n }\"", "1");
    check_template("\"${.input.l}\"", "[1,2]");
    check_template("\"${ .input.o }\"", "{\"k\":null}");
    check_template("\"${ .input.s }\"", "\"text\"");
    check_template("\"${ .input.nope }\"", "null");
}
END_TEST

START_TEST(text_around_an_expression_makes_a_string)
{
    check_template("\"n=${ .input.n }\"", "\"n=1\"");
    check_template("\" ${ .input.n }\"", "\" 1\"");
    check_template("\"${ .input.n }.\"", "\"1.\"");
    check_template("\"${ .input.n }${ .input.s }\"", "\"1text\"");
    check_template("\"${ .input.l } ${ .input.o } ${ null }\"", "\"[1,2] {\\\"k\\\":null} null\"");
}
END_TEST

START_TEST(nested_templates_are_built_with_all_their_parts)
{
    check_template("{\"a\": \"${ .input.n }\", \"b\": [1, \"x\", {\"c\": \"<${ .input.s }>\"}], "
                   "\"d\": null}",
                   "{\"a\":1,\"b\":[1,\"x\",{\"c\":\"<text>\"}],\"d\":null}");
    check_template("[\"${ .input.n }\", [\"${ .input.s }\"], []]", "[1,[\"text\"],[]]");
}
END_TEST

START_TEST(braces_and_quotes_inside_of_an_expression_are_its_own)
{
    check_template("\"${ {a: {b: .input.n}} }\"", "{\"a\":{\"b\":1}}");
    check_template("\"${ \\\"}\\\" }\"", "\"}\"");
    check_template("\"${ \\\"a\\\\(\\\"}\\\")b\\\" }!\"", "\"a}b!\"");
    check_template("\"${ 1 # }\\n }\"", "1");
    check_template("\"${ {} }}\"", "\"{}}\"");
}
END_TEST

START_TEST(a_doubled_dollar_is_a_literal_one)
{
    check_template("\"$${ .input.n }\"", "\"${ .input.n }\"");
    check_template("\"$${a} ${ .input.n }\"", "\"${a} 1\"");
    check_template("\"$$${ .input.n }\"", "\"$${ .input.n }\"");
    check_template("{\"a\": [\"$${x}\"]}", "{\"a\":[\"${x}\"]}");
    check_template("\"$ $$ $a {b} $(c)\"", "\"$ $$ $a {b} $(c)\"");
    check_template("\"cost: 5$\"", "\"cost: 5$\"");
}
END_TEST

START_TEST(keys_are_never_expressions)
{
    check_template("{\"${ .input.n }\": \"${ .input.n }\"}", "{\"${ .input.n }\":1}");
}
END_TEST

START_TEST(what_holds_no_expression_is_shared_as_it_is)
{
    struct error error;
    struct mapping *mapping = NULL;
    json_t *template = fixture_json("{\"a\": {\"big\": [1, 2, 3]}, \"b\": \"${ 1 }\"}");
    struct scope scope = {.input = NULL};
    json_t *value = NULL;
    ck_assert_int_eq(mapping_parse(template, &fixture_names, &mapping, &error), ERR_OK);
    ck_assert(!mapping_is_constant(mapping));
    ck_assert_int_eq(mapping_evaluate(mapping, &scope, &value, &error), ERR_OK);
    ck_assert_ptr_eq(json_object_get(value, "a"), json_object_get(template, "a"));
    json_decref(value);
    mapping_free(mapping);
    json_decref(template);
}
END_TEST

START_TEST(a_template_without_expressions_is_a_constant)
{
    static const char *const constants[] = {"1", "\"a\"", "{\"a\": [\"b\", null]}", "\"$${a}\""};
    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
        struct error error;
        struct mapping *mapping = NULL;
        json_t *template = fixture_json(constants[i]);
        ck_assert_int_eq(mapping_parse(template, &fixture_names, &mapping, &error), ERR_OK);
        ck_assert(mapping_is_constant(mapping));
        mapping_free(mapping);
        json_decref(template);
    }
}
END_TEST

START_TEST(an_error_in_a_template_names_the_string)
{
    ck_refused("1", fixture_json("{\"a\": {\"b c\": [0, \"x ${ .input + }\"]}}"), ERR_INPUT,
               "/a/b c/1: column 15: expected a value");
    ck_refused("1", fixture_json("{\"a\": {\"m~n\": \"x ${ .input.q }\"}}"), ERR_INPUT,
               "/a/m~0n: `.input.q`");
}
END_TEST

START_TEST(a_mapping_outlives_the_callers_reference_to_its_source)
{
    struct fixture f;
    struct error error;
    struct mapping *mapping = NULL;
    json_t *value = NULL;
    fixture_init(&f, "{\"a\": \"x\"}");
    json_t *template = json_string("${ .input.a.b }");
    ck_assert_int_eq(mapping_parse(template, &fixture_names, &mapping, &error), ERR_OK);
    json_decref(template);
    ck_assert_int_eq(mapping_evaluate(mapping, &f.scope, &value, &error), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, ".input.a.b"));
    mapping_free(mapping);
    mapping_free(NULL);
    fixture_done(&f);
}
END_TEST

UNIT_MAIN(one_expression_alone_keeps_its_type, text_around_an_expression_makes_a_string,
          nested_templates_are_built_with_all_their_parts,
          braces_and_quotes_inside_of_an_expression_are_its_own, a_doubled_dollar_is_a_literal_one,
          keys_are_never_expressions, what_holds_no_expression_is_shared_as_it_is,
          a_template_without_expressions_is_a_constant, an_error_in_a_template_names_the_string,
          a_mapping_outlives_the_callers_reference_to_its_source)
