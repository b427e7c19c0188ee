/* SPDX-License-Identifier: Apache-2.0
 *
 * What is inferred of mappings, by a table (infer-table.txt) of scopes, expressions, the schema of
 * the result and the notes; and what no table can say: places, limits, templates, lifetimes. A
 * schema of the table is met when containment proves it both ways.
 */
#include "contract/contain.h"
#include "fixture.h"
#include "mapping/infer.h"

#include <stdio.h>

/* `.input`, `.item`, `.output` and the output of every step are of the scope's schema, but step
 * "price" may be skipped, and "empty" never answers. */
struct sight {
    struct shapes *shapes;
    struct contract *contract;
    struct shape shape;
    struct inference_scope scope;
};

static struct shape sight_step(const void *user, size_t step, bool status)
{
    const struct sight *sight = user;
    if (status)
        return shape_of_types(1u << JSON_STRING);
    struct shape shape = shape_copy(&sight->shape);
    bool empty = strcmp(fixture_steps[step], "empty") == 0;
    bool skips = strcmp(fixture_steps[step], "price") == 0;
    shape.presence = empty ? PRESENCE_NEVER : skips ? PRESENCE_MAYBE : PRESENCE_ALWAYS;
    return shape;
}

static void sight_init(struct sight *s, const char *schema)
{
    struct error error;
    json_t *json = fixture_json(schema);
    enum error_code code = contract_compile(json, NULL, &s->contract, &error);
    ck_assert_msg(code == ERR_OK, "%s: %s", schema, error.text);
    s->shapes = shapes_new();
    s->shape = shape_of_contract(s->shapes, s->contract);
    s->scope = (struct inference_scope){.shapes = s->shapes,
                                        .input = &s->shape,
                                        .item = &s->shape,
                                        .output = &s->shape,
                                        .step = sight_step,
                                        .user = s};
    json_decref(json);
}

static void sight_done(struct sight *s)
{
    shape_done(&s->shape);
    shapes_free(s->shapes);
    contract_unref(s->contract);
}

static void infer(const struct sight *sight, json_t *template, struct inference *ret)
{
    struct mapping *mapping = NULL;
    struct error error;
    enum error_code code = mapping_parse(template, &fixture_names, &mapping, &error);
    ck_assert_msg(code == ERR_OK, "%s", error.text);
    json_decref(template);
    mapping_infer(mapping, &sight->scope, ret);
    mapping_free(mapping);
}

/* ---- the table ---- */

static const char *const kind_words[] = {
    [INFERENCE_FAILS] = "fails",
    [INFERENCE_MAY_FAIL] = "may-fail",
    [INFERENCE_NEVER] = "never",
    [INFERENCE_MAY_BE_NULL] = "may-be-null",
};

static bool proven(const struct contract *sub, const struct contract *super)
{
    struct comparison answer;
    struct error error;
    ck_assert_int_eq(contract_compare(sub, super, NULL, &answer, &error), ERR_OK);
    bool is = answer.verdict == PROVEN;
    comparison_done(&answer);
    return is;
}

static void expect_shape(const struct sight *sight, const struct inference *found,
                         const char *expression, const char *expected)
{
    struct contract *shape = NULL, *wanted = NULL;
    struct error error = {ERR_OK, ""};
    json_t *json = fixture_json(expected);
    json_t *document = shape_document(sight->shapes, &found->shape);
    char *words = fixture_dump(document);
    ck_assert_msg(shape_contract(sight->shapes, &found->shape, &shape, &error) == ERR_OK, "%s: %s",
                  expression, error.text);
    ck_assert_msg(contract_compile(json, NULL, &wanted, &error) == ERR_OK, "%s: %s", expected,
                  error.text);
    ck_assert_msg(proven(shape, wanted), "%s: expected %s, found more: %s", expression, expected,
                  words);
    ck_assert_msg(proven(wanted, shape), "%s: expected %s, found less: %s", expression, expected,
                  words);
    free(words);
    json_decref(document);
    json_decref(json);
    contract_unref(shape);
    contract_unref(wanted);
}

/* The note, as "kind rule text". */
static void expect_note(const struct inference *found, size_t at, const char *expression,
                        const char *expected)
{
    ck_assert_msg(at < found->note_count, "%s: no note %zu, expected: %s", expression, at,
                  expected);
    const struct inference_note *note = &found->notes[at];
    char *words = xasprintf("%s %s %s", kind_words[note->kind], note->rule, note->text);
    ck_assert_msg(strncmp(words, expected, strlen(expected)) == 0,
                  "%s: expected the note \"%s\", found \"%s\"", expression, expected, words);
    free(words);
}

/* Cuts the line's end off; the line without its mark, if it begins with that. */
static const char *after(char *line, const char *mark)
{
    line[strcspn(line, "\n")] = '\0';
    size_t length = strlen(mark);
    return strncmp(line, mark, length) == 0 ? line + length : NULL;
}

struct row {
    char expression[8000];
    struct inference found;
    size_t notes;
    bool open;
};

static void row_done(struct row *row)
{
    if (!row->open)
        return;
    if (row->notes < row->found.note_count)
        ck_abort_msg("%s: the note was not expected: %s", row->expression,
                     row->found.notes[row->notes].text);
    inference_done(&row->found);
    row->open = false;
}

START_TEST(infer_says_what_the_table_says)
{
    FILE *table = fopen(TEST_DATA "/infer-table.txt", "r");
    ck_assert_ptr_nonnull(table);
    char line[8000];
    struct sight sight = {.shapes = NULL};
    struct row row = {.open = false};
    size_t rows = 0;
    while (fgets(line, sizeof(line), table)) {
        const char *rest;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if ((rest = after(line, "scope "))) {
            row_done(&row);
            if (sight.shapes)
                sight_done(&sight);
            sight_init(&sight, rest);
        } else if ((rest = after(line, "  = "))) {
            expect_shape(&sight, &row.found, row.expression, rest);
        } else if ((rest = after(line, "  ! "))) {
            expect_note(&row.found, row.notes++, row.expression, rest);
        } else {
            row_done(&row);
            after(line, "");
            snprintf(row.expression, sizeof(row.expression), "%s", line);
            infer(&sight, fixture_expression(line), &row.found);
            row.open = true;
            row.notes = 0;
            rows++;
        }
    }
    row_done(&row);
    sight_done(&sight);
    fclose(table);
    ck_assert_uint_ge(rows, 120);
}
END_TEST

/* ---- what no table says ---- */

static const char trip[] =
    "{\"type\": \"object\", \"required\": [\"id\"], \"additionalProperties\": false,"
    " \"properties\": {\"id\": {\"type\": \"string\"}, \"legs\": {\"type\": \"array\","
    " \"items\": {\"type\": \"object\", \"properties\": {\"from\": {\"type\": \"string\"}}}}}}";

START_TEST(infer_says_where_in_the_template_a_note_belongs)
{
    struct sight sight;
    struct inference found;
    sight_init(&sight, trip);
    infer(&sight, fixture_json("{\"a\": [1, {\"b/c\": \"é ${ .input.lags }\"}]}"), &found);
    ck_assert_uint_eq(found.note_count, 1);
    ck_assert_str_eq(found.notes[0].pointer, "/a/1/b~1c");
    ck_assert_int_eq(found.notes[0].column, 6);
    ck_assert_str_eq(found.notes[0].text, "`.input` has no `lags`; it has: id, legs");
    ck_assert_str_eq(found.notes[0].hint, "did you mean `legs`?");
    inference_done(&found);
    sight_done(&sight);
}
END_TEST

START_TEST(infer_closes_what_a_template_writes_out)
{
    struct sight sight;
    struct inference found;
    sight_init(&sight, trip);
    infer(&sight, fixture_json("{\"x\": \"${ .input.id }\", \"y\": [1, \"v${ .input.id }\"]}"),
          &found);
    expect_shape(&sight, &found, "the template",
                 "{\"type\": \"object\", \"required\": [\"x\", \"y\"],"
                 " \"additionalProperties\": false, \"properties\": {\"x\": {\"type\": \"string\"},"
                 " \"y\": {\"type\": \"array\", \"minItems\": 2, \"items\": false, \"prefixItems\":"
                 " [{\"const\": 1}, {\"type\": \"string\", \"pattern\": \"^v\"}]}}}");
    ck_assert_uint_eq(found.note_count, 0);
    inference_done(&found);
    sight_done(&sight);
}
END_TEST

START_TEST(infer_of_no_scope_is_anything_and_warns_of_it)
{
    struct sight sight;
    struct inference found;
    sight_init(&sight, "true");
    sight.scope.input = NULL;
    infer(&sight, fixture_expression(".input.a"), &found);
    expect_shape(&sight, &found, ".input.a", "true");
    ck_assert_uint_eq(found.note_count, 2);
    ck_assert_str_eq(found.notes[0].rule, "unknown-type");
    ck_assert_str_eq(found.notes[1].rule, "maybe-missing");
    inference_done(&found);
    sight_done(&sight);
}
END_TEST

START_TEST(infer_outlives_the_mapping)
{
    struct sight sight;
    struct inference found;
    sight_init(&sight, trip);
    infer(&sight, fixture_expression("{a: .input.legs, b: .input.id}"), &found);
    ck_assert_uint_eq(found.note_count, 1);
    ck_assert_str_eq(found.notes[0].text, "`.input` does not require `legs`");
    inference_done(&found);
    sight_done(&sight);
}
END_TEST

START_TEST(infer_of_what_grows_with_each_step_stays_small)
{
    struct sight sight;
    struct inference found;
    struct text expression;
    sight_init(&sight, trip);
    text_init(&expression, 10000);
    text_adds(&expression, ".input");
    for (int i = 0; i < 60; i++)
        text_adds(&expression, " | {a: ., b: .}");
    infer(&sight, fixture_expression(text_str(&expression)), &found);
    char *document = fixture_dump(found.shape.schema);
    ck_assert_uint_lt(strlen(document), 4000000);
    free(document);
    text_done(&expression);
    inference_done(&found);
    sight_done(&sight);
}
END_TEST

START_TEST(infer_stops_asking_of_a_mapping_that_is_too_much)
{
    struct sight sight;
    struct inference found;
    sight_init(&sight, trip);
    json_t *template = json_array();
    for (int i = 0; i < 15000; i++)
        json_array_append_new(template, json_string("${ .input.legs[0].from // .input.id }"));
    infer(&sight, template, &found);
    ck_assert_uint_ge(found.note_count, 1);
    ck_assert_str_eq(found.notes[found.note_count - 1].rule, "too-large");
    inference_done(&found);
    sight_done(&sight);
}
END_TEST

START_TEST(infer_keeps_so_many_notes_and_a_certain_failure_among_them)
{
    struct sight sight;
    struct inference found;
    sight_init(&sight, trip);
    json_t *template = json_array();
    for (int i = 0; i < 200; i++)
        json_array_append_new(template, json_string("${ .input.legs }"));
    json_array_append_new(template, json_string("${ .input.id - 1 }"));
    infer(&sight, template, &found);
    ck_assert_uint_eq(found.note_count, 64);
    ck_assert_int_eq(found.notes[63].kind, INFERENCE_FAILS);
    ck_assert_str_eq(found.notes[63].pointer, "/200");
    inference_done(&found);
    sight_done(&sight);
}
END_TEST

UNIT_MAIN(infer_says_what_the_table_says, infer_says_where_in_the_template_a_note_belongs,
          infer_closes_what_a_template_writes_out, infer_of_no_scope_is_anything_and_warns_of_it,
          infer_outlives_the_mapping, infer_of_what_grows_with_each_step_stays_small,
          infer_stops_asking_of_a_mapping_that_is_too_much,
          infer_keeps_so_many_notes_and_a_certain_failure_among_them)
