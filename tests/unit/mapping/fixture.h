/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of mappings share: a flow with a few steps, and one-line ways to parse and to
 * evaluate. Literals of JSON in these tests are written as they stand in a file.
 */
#ifndef TESTS_UNIT_MAPPING_FIXTURE_H
#define TESTS_UNIT_MAPPING_FIXTURE_H

#include "mapping/mapping.h"

#include "unit.h"

#include <string.h>

enum { ALL_ROOTS = ROOT_INPUT | ROOT_STEPS | ROOT_ITEM | ROOT_OUTPUT | ROOT_ERROR | ROOT_RUN };

static const char *const fixture_steps[] = {"search", "price", "book-trip", "empty"};

static const struct mapping_names fixture_names = {
    .roots = ALL_ROOTS,
    .steps = fixture_steps,
    .step_count = sizeof(fixture_steps) / sizeof(fixture_steps[0]),
};

static inline json_t *fixture_json(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!value)
        ck_abort_msg("the test's own JSON is wrong: %s in %s", error.text, text);
    return value;
}

/* A template that is one string with the expression alone; a comment in it ends with its line. */
static inline json_t *fixture_expression(const char *expression)
{
    char *text = xasprintf("${ %s\n}", expression);
    json_t *template = json_string(text);
    ck_assert_ptr_nonnull(template);
    free(text);
    return template;
}

/* The outputs of the steps are the members of `user`; a step without a member has no output. */
static inline const json_t *fixture_step(const void *user, size_t step, bool status)
{
    static json_t *done;
    const json_t *output = json_object_get(user, fixture_steps[step]);
    if (!done)
        done = json_string("done");
    return status ? done : output;
}

struct fixture {
    json_t *input, *steps;
    struct scope scope;
};

/* The input stands for .item and .output too. */
static inline void fixture_init(struct fixture *f, const char *input)
{
    f->input = fixture_json(input);
    f->steps = json_pack("{s:O}", "search", f->input);
    f->scope = (struct scope){.input = f->input,
                              .item = f->input,
                              .output = f->input,
                              .index = 3,
                              .step = fixture_step,
                              .user = f->steps};
}

static inline void fixture_done(struct fixture *f)
{
    json_decref(f->input);
    json_decref(f->steps);
}

/* Parses and evaluates a template, which it takes. */
static inline enum error_code fixture_run(json_t *template, const struct scope *scope,
                                          json_t **ret_value, struct error *reterr)
{
    struct mapping *mapping = NULL;
    enum error_code code = mapping_parse(template, &fixture_names, &mapping, reterr);
    json_decref(template);
    if (code == ERR_OK)
        code = mapping_evaluate(mapping, scope, ret_value, reterr);
    mapping_free(mapping);
    return code;
}

static inline char *fixture_dump(const json_t *value)
{
    return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

/* That the expression, over that input, gives what is written there. */
#define ck_expression(input_, expression_, expected_)                                              \
    do {                                                                                           \
        struct fixture fixture_;                                                                   \
        struct error error_;                                                                       \
        json_t *value_ = NULL;                                                                     \
        fixture_init(&fixture_, input_);                                                           \
        enum error_code code_ =                                                                    \
            fixture_run(fixture_expression(expression_), &fixture_.scope, &value_, &error_);       \
        ck_assert_msg(code_ == ERR_OK, "%s: %s", expression_, error_.text);                        \
        char *found_ = fixture_dump(value_);                                                       \
        ck_assert_msg(strcmp(found_, expected_) == 0, "%s: expected %s, found %s", expression_,    \
                      expected_, found_);                                                          \
        free(found_);                                                                              \
        json_decref(value_);                                                                       \
        fixture_done(&fixture_);                                                                   \
    } while (0)

/* That parsing or evaluating it fails with that code, in these words. */
#define ck_refused(input_, template_, expected_code_, words_)                                      \
    do {                                                                                           \
        struct fixture fixture_;                                                                   \
        struct error error_ = {ERR_OK, ""};                                                        \
        json_t *value_ = NULL;                                                                     \
        fixture_init(&fixture_, input_);                                                           \
        enum error_code code_ = fixture_run(template_, &fixture_.scope, &value_, &error_);         \
        ck_assert_msg(code_ == (expected_code_), "found %s: %s", error_code_text(code_),           \
                      error_.text);                                                                \
        ck_assert_msg(strstr(error_.text, words_) != NULL, "expected \"%s\" in: %s", words_,       \
                      error_.text);                                                                \
        json_decref(value_);                                                                       \
        fixture_done(&fixture_);                                                                   \
    } while (0)

#endif
