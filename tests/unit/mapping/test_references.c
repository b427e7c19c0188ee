/* SPDX-License-Identifier: Apache-2.0
 *
 * What a mapping says of itself: the outputs that it reads, as far down as it is certain, and the
 * roots.
 */
#include "fixture.h"

/* The references as text: "search/a/b" and "price.status" and "search?/a" when guarded. */
static char *references_of(json_t *template)
{
    struct mapping *mapping = NULL;
    struct error error;
    enum error_code code = mapping_parse(template, &fixture_names, &mapping, &error);
    ck_assert_msg(code == ERR_OK, "%s", error.text);
    size_t count;
    const struct mapping_reference *references = mapping_references(mapping, &count);
    struct text text;
    text_init(&text, 4096);
    for (size_t i = 0; i < count; i++)
        text_addf(&text, "%s%s%s%s%s", i > 0 ? " " : "", fixture_steps[references[i].step],
                  references[i].status ? ".status" : "", references[i].guarded ? "?" : "",
                  references[i].path);
    mapping_free(mapping);
    json_decref(template);
    return text_take(&text);
}

static void check_references(const char *expression, const char *expected)
{
    char *found = references_of(fixture_expression(expression));
    ck_assert_msg(strcmp(found, expected) == 0, "%s: expected %s, found %s", expression, expected,
                  found);
    free(found);
}

START_TEST(a_path_is_a_pointer)
{
    check_references(".steps.search.output", "search");
    check_references(".steps.search.output.a.b", "search/a/b");
    check_references(".steps[\"book-trip\"].output[\"a/b\"].c", "book-trip/a~1b/c");
    check_references(".steps.search.output.\"x~y\"", "search/x~0y");
    check_references(".steps.search.output.legs[0].from", "search/legs/*/from");
    check_references(".steps.search.output.legs[-1]", "search/legs/*");
    check_references(".steps.search.status", "search.status");
    check_references("$steps.search.output.a", "search/a");
    check_references(".input.a", "");
    check_references("1", "");
}
END_TEST

START_TEST(pipes_and_maps_carry_the_path)
{
    check_references(".steps.search.output | .a.b", "search/a/b");
    check_references(".steps.search.output.items | map(.price)", "search/items/*/price");
    check_references(".steps.search.output | .items | map(.price * .count)",
                     "search/items/*/count search/items/*/price");
    check_references(".steps.search.output.items | map(select(.ok) | .name)",
                     "search/items/*/name search/items/*/ok");
    check_references(".steps.search.output.items | map(select(.ok))",
                     "search/items/* search/items/*/ok");
    check_references(".steps.search.output.legs | map(.offers | map(.p))",
                     "search/legs/*/offers/*/p");
    check_references(".steps.search.output.items | any(.ok)", "search/items/*/ok");
    check_references(".steps.search.output.items[1:] | map(.p)", "search/items");
    check_references(".steps.search.output.items[.index] | .p", "search/items/*");
    check_references(".steps.search.output.items | map({n: .name, p})",
                     "search/items/*/name search/items/*/p");
    check_references(".steps.search.output | {a, b: .c}", "search/a search/c");
}
END_TEST

START_TEST(what_is_read_as_a_whole_is_the_whole)
{
    check_references(".steps.search.output.items | length", "search/items");
    check_references(".steps.search.output | .", "search");
    check_references(".steps.search.output | 1", "search");
    check_references(".steps.search.output.items | map(1)", "search/items/*");
    check_references(".steps.search.output | keys", "search");
    check_references(".steps.search.output | if .a then .b else .c end",
                     "search/a search/b search/c");
    check_references(".steps.search.output + .steps.price.output.x", "search price/x");
    check_references("\"\\(.steps.search.output.n)\"", "search/n");
    check_references("[.steps.search.output.a] | .[0].b", "search/a");
    check_references(".steps.search.output | has(\"a\")", "search");
}
END_TEST

START_TEST(guarded_is_all_that_stands_left_of_the_alternative)
{
    check_references(".steps.search.output // 1", "search?");
    check_references(".steps.search.output.a.b // .steps.price.output", "search?/a/b price");
    check_references("(.steps.search.output | .a | length) // 1", "search?/a");
    check_references(".steps.search.output | (.a // 1)", "search/a");
    check_references("[.steps.search.output.a // 1, .steps.search.output.a]", "search?/a search/a");
    check_references(".steps.search.output // .steps.price.output // 1", "search? price?");
    check_references("{a: (.steps.search.output.x // null)}", "search?/x");
    check_references(".steps.search.status // 1", "search.status?");
}
END_TEST

START_TEST(references_are_in_the_order_they_are_written_and_once)
{
    char *found = references_of(
        fixture_json("{\"z\": \"${ .steps.price.output.a }\", \"a\": [\"${ .steps.search.output "
                     "}-${ .steps.price.status }\"], \"b\": \"plain\"}"));
    ck_assert_str_eq(found, "price/a search price.status");
    free(found);
    check_references(".steps.search.output | [.a, .a, .a]", "search/a");
}
END_TEST

START_TEST(a_path_that_is_too_long_reports_what_is_above)
{
    char *key = xmalloc(601);
    memset(key, 'k', 600);
    key[600] = '\0';
    char *expression = xasprintf(".steps.search.output.a | .%s | .%s", key, key);
    char *expected = xasprintf("search/a/%s", key);
    check_references(expression, expected);
    free(expected);
    free(expression);
    free(key);
}
END_TEST

static unsigned reads_of(const char *expression)
{
    struct mapping *mapping = NULL;
    struct error error;
    json_t *template = fixture_expression(expression);
    ck_assert_int_eq(mapping_parse(template, &fixture_names, &mapping, &error), ERR_OK);
    unsigned reads = mapping_reads(mapping);
    mapping_free(mapping);
    json_decref(template);
    return reads;
}

START_TEST(the_roots_that_are_read_are_known)
{
    ck_assert_uint_eq(reads_of("1 + 1"), 0);
    ck_assert_uint_eq(reads_of(".input.steps"), ROOT_INPUT);
    ck_assert_uint_eq(reads_of(".index + .item.x"), ROOT_ITEM);
    ck_assert_uint_eq(reads_of(".steps.search.output | map($run.id)"), ROOT_STEPS | ROOT_RUN);
    ck_assert_uint_eq(reads_of(".input | .output"), ROOT_INPUT);
    ck_assert_uint_eq(reads_of("[.output, .error.code]"), ROOT_OUTPUT | ROOT_ERROR);
}
END_TEST

UNIT_MAIN(a_path_is_a_pointer, pipes_and_maps_carry_the_path, what_is_read_as_a_whole_is_the_whole,
          guarded_is_all_that_stands_left_of_the_alternative,
          references_are_in_the_order_they_are_written_and_once,
          a_path_that_is_too_long_reports_what_is_above, the_roots_that_are_read_are_known)
