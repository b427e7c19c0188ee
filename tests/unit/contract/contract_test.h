/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of this room share: schemas and values written as JSON with ' for ", and questions
 * in one line. Every question is asked both ways: what accepts must have nothing to explain.
 */
#ifndef TESTS_CONTRACT_TEST_H
#define TESTS_CONTRACT_TEST_H

#include "unit.h"

#include "contract/contract.h"

#include <string.h>

/* JSON in which ' stands for ". */
static inline json_t *json_quoted(const char *text)
{
    char *copy = xstrdup(text);
    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    json_error_t problem;
    json_t *json =
        json_loads(copy, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &problem);
    ck_assert_msg(json != NULL, "%s: %s", copy, problem.text);
    free(copy);
    return json;
}

static inline struct contract *contract_of(const char *schema_text)
{
    json_t *schema = json_quoted(schema_text);
    struct contract *contract;
    struct error err;
    ck_assert_msg(contract_compile(schema, NULL, &contract, &err) == ERR_OK, "%s: %s", schema_text,
                  err.text);
    json_decref(schema);
    return contract;
}

static inline bool accepts_json(const struct contract *contract, const json_t *value)
{
    struct violations why;
    bool accepts = contract_accepts(contract, value);
    ck_assert_int_eq(contract_explain(contract, value, &why), accepts);
    ck_assert_int_eq(why.count == 0, accepts);
    violations_done(&why);
    return accepts;
}

static inline bool accepts(const char *schema, const char *value_text)
{
    struct contract *contract = contract_of(schema);
    json_t *value = json_quoted(value_text);
    bool answer = accepts_json(contract, value);
    json_decref(value);
    contract_unref(contract);
    return answer;
}

#define assert_accepts(schema, value)                                                              \
    ck_assert_msg(accepts(schema, value), "%s refuses %s", schema, value)
#define assert_refuses(schema, value)                                                              \
    ck_assert_msg(!accepts(schema, value), "%s accepts %s", schema, value)

/* All that is said about the value, as violations_text writes it; the caller frees. */
static inline char *explained(const char *schema, const char *value_text)
{
    struct contract *contract = contract_of(schema);
    json_t *value = json_quoted(value_text);
    struct violations why;
    struct text out;
    text_init(&out, 1u << 20);
    contract_explain(contract, value, &why);
    violations_text(&why, &out);
    violations_done(&why);
    json_decref(value);
    contract_unref(contract);
    return text_take(&out);
}

#define assert_explains(schema, value, expected)                                                   \
    do {                                                                                           \
        char *explained_ = explained(schema, value);                                               \
        ck_assert_str_eq(explained_, expected);                                                    \
        free(explained_);                                                                          \
    } while (0)

/* The schema does not compile, with this code and this in its text. */
static inline void assert_no_contract(const char *schema_text, enum error_code code,
                                      const char *words)
{
    json_t *schema = json_quoted(schema_text);
    struct contract *contract;
    struct error err = {0};
    enum error_code answer = contract_compile(schema, NULL, &contract, &err);
    ck_assert_msg(answer != ERR_OK, "%s compiles", schema_text);
    ck_assert_msg(strstr(err.text, words) != NULL, "%s: \"%s\" does not say \"%s\"", schema_text,
                  err.text, words);
    ck_assert_msg(answer == code, "%s: code %d, \"%s\"", schema_text, (int)answer, err.text);
    json_decref(schema);
}

#endif
