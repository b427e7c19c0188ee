/* SPDX-License-Identifier: Apache-2.0
 *
 * Which answer a call is given follows from its step, agent, input and attempt, and from nothing
 * else.
 */
#include "rehearsal/rehearsal_internal.h"

#include "unit.h"

static const char text[] = "agents:\n"
                           "  p/a:\n"
                           "    - {when: {n: 1}, output: one}\n"
                           "    - {when: {n: 2}, output: two}\n"
                           "    - {when: {n: 1}, fail: busy}\n"
                           "steps:\n"
                           "  s: {output: of the step}\n"
                           "  \"s[2]\": {output: of the item}\n"
                           "people:\n"
                           "  s: [{answer: 1}, {deny: true}]\n";

struct stage_of_one {
    struct document *document;
    struct fixture_file file;
    struct fixtures fixtures;
    struct fixture_case c;
};

static void open_stage(struct stage_of_one *s)
{
    struct error err;
    *s = (struct stage_of_one){0};
    enum error_code code = document_parse(slice_of(text), "x.yaml", &s->document, &err);
    ck_assert_msg(code == ERR_OK, "%s", err.text);
    code = scene_read(s->document, "", document_root(s->document), &s->file.scene, &err);
    ck_assert_msg(code == ERR_OK, "%s", err.text);
    s->c = (struct fixture_case){.fixtures = &s->fixtures, .file = &s->file};
}

static void close_stage(struct stage_of_one *s)
{
    scene_done(&s->file.scene);
    document_free(s->document);
}

static const struct reply *find(const struct stage_of_one *s, const char *path, const char *agent,
                                bool reconciling, uint32_t attempt, int n)
{
    json_t *input = json_pack("{s:i, s:i}", "n", n, "more", 1);
    const struct reply *found = reply_find(&s->c, path, agent, reconciling, attempt, input);
    json_decref(input);
    return found;
}

START_TEST(an_attempt_is_given_the_answer_of_its_number_among_those_that_fit)
{
    struct stage_of_one s;
    open_stage(&s);
    ck_assert_str_eq(json_string_value(find(&s, "t", "p/a", false, 1, 1)->body), "one");
    ck_assert_int_eq(find(&s, "t", "p/a", false, 2, 1)->kind, REPLY_FAIL);
    ck_assert_int_eq(find(&s, "t", "p/a", false, 9, 1)->kind, REPLY_FAIL);
    ck_assert_str_eq(json_string_value(find(&s, "t[7]", "p/a", false, 9, 2)->body), "two");
    ck_assert_ptr_null(find(&s, "t", "p/a", false, 1, 3));
    ck_assert_ptr_null(find(&s, "t", "p/b", false, 1, 1));
    close_stage(&s);
}
END_TEST

START_TEST(an_item_counts_before_its_step_and_a_step_before_its_agent)
{
    struct stage_of_one s;
    open_stage(&s);
    ck_assert_str_eq(json_string_value(find(&s, "s[1]", "p/a", false, 1, 1)->body), "of the step");
    ck_assert_str_eq(json_string_value(find(&s, "s[2]", "p/a", false, 3, 1)->body), "of the item");
    /* who reconciles a step is not the step's agent */
    ck_assert_str_eq(json_string_value(find(&s, "s[2]", "p/a", true, 1, 1)->body), "one");
    /* nor is who undoes it */
    ck_assert_str_eq(json_string_value(find(&s, "s[2]/undo", "p/a", false, 1, 1)->body), "one");
    close_stage(&s);
}
END_TEST

START_TEST(people_answer_question_after_question)
{
    struct stage_of_one s;
    open_stage(&s);
    ck_assert_ptr_nonnull(json_object_get(person_find(&s.c, "s[4]", 1), "answer"));
    ck_assert_ptr_nonnull(json_object_get(person_find(&s.c, "s", 2), "deny"));
    ck_assert_ptr_null(person_find(&s.c, "s", 3));
    ck_assert_ptr_null(person_find(&s.c, "t", 1));
    close_stage(&s);
}
END_TEST

START_TEST(an_object_holds_what_is_asked_of_it)
{
    static const struct {
        const char *value, *pattern;
        bool holds;
    } cases[] = {
        {"{\"a\": 1, \"b\": {\"c\": 2, \"d\": 3}}", "{\"b\": {\"c\": 2}}", true},
        {"{\"a\": 1}", "{}", true},
        {"{\"a\": 1}", "{\"a\": 1.0}", true},
        {"{\"a\": 1}", "{\"b\": null}", false},
        {"{\"a\": [1, 2]}", "{\"a\": [1]}", false},
        {"[{\"a\": 1}]", "{}", false},
        {"null", "null", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *value = json_loads(cases[i].value, JSON_DECODE_ANY, NULL);
        json_t *pattern = json_loads(cases[i].pattern, JSON_DECODE_ANY, NULL);
        ck_assert_msg(value_holds(value, pattern) == cases[i].holds, "%s in %s", cases[i].pattern,
                      cases[i].value);
        json_decref(value);
        json_decref(pattern);
    }
}
END_TEST

START_TEST(a_path_loses_its_items)
{
    static const char *const paths[][2] = {
        {"search[3]", "search"},
        {"search[3]/undo", "search/undo"},
        {"pay/charge", "pay/charge"},
        {"a[1]/b[2]/c", "a/b/c"},
        {"a[", "a"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char *plain = path_without_items(paths[i][0]);
        ck_assert_str_eq(plain, paths[i][1]);
        free(plain);
    }
}
END_TEST

UNIT_MAIN(an_attempt_is_given_the_answer_of_its_number_among_those_that_fit,
          an_item_counts_before_its_step_and_a_step_before_its_agent,
          people_answer_question_after_question, an_object_holds_what_is_asked_of_it,
          a_path_loses_its_items)
