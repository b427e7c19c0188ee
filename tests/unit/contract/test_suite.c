/* SPDX-License-Identifier: Apache-2.0
 *
 * The official JSON Schema Test Suite, where there is a copy: in the folder that
 * SEAM_JSON_SCHEMA_SUITE or JSTS_DIR names, else beside the project. Without one it says so and
 * passes. Every test is asked both ways. A schema that refers to another document or another
 * dialect is refused when it is compiled; those cases are counted, and named with -v in
 * CK_VERBOSITY's spirit by SEAM_SUITE_LIST=1. Any other refusal, and any wrong answer, fails.
 */
#include "contract_test.h"

#include <dirent.h>
#include <stdio.h>

struct tally {
    size_t passed, wrong, skipped_cases, skipped_tests;
};

static bool listing(void)
{
    return getenv("SEAM_SUITE_LIST") != NULL;
}

static char *suite_folder(void)
{
    static const char *const variables[] = {"SEAM_JSON_SCHEMA_SUITE", "JSTS_DIR"};
    for (size_t i = 0; i < 2; i++)
        if (getenv(variables[i]))
            return xstrdup(getenv(variables[i]));
    return xasprintf("%s/../shared/data/JSON-Schema-Test-Suite", SOURCE_ROOT);
}

/* Out of scope by design: other documents, dialects of one's own, what nobody knows. */
static bool refused_by_design(const struct error *err)
{
    static const char *const words[] = {"is another document, and none is fetched",
                                        "the dialect \"",
                                        "one document, one dialect",
                                        "unknown keyword",
                                        "unknown format",
                                        "2020-12 spells it $dynamicRef"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strstr(err->text, words[i]))
            return true;
    return false;
}

static void run_case(const char *file, const json_t *test_case, struct tally *tally,
                     const char *dialect)
{
    json_t *schema = json_deep_copy(json_object_get(test_case, "schema"));
    const char *what = json_string_value(json_object_get(test_case, "description"));
    const json_t *tests = json_object_get(test_case, "tests");
    struct contract *contract;
    struct error err;
    /* This file, and nothing else, is about formats that only annotate. */
    struct contract_options options = {.annotate_formats = strcmp(file, "format.json") == 0};
    if (dialect && json_is_object(schema) && !json_object_get(schema, "$schema"))
        json_object_set_new(schema, "$schema", json_string(dialect));
    if (contract_compile(schema, &options, &contract, &err)) {
        bool design = refused_by_design(&err);
        if (!design || listing())
            printf("%s: %s: %s: %s\n", design ? "skipped" : "REFUSED", file, what, err.text);
        tally->skipped_cases += design;
        tally->skipped_tests += design ? json_array_size(tests) : 0;
        tally->wrong += design ? 0 : json_array_size(tests);
        json_decref(schema);
        return;
    }
    for (size_t i = 0; i < json_array_size(tests); i++) {
        const json_t *test = json_array_get(tests, i);
        bool valid = json_is_true(json_object_get(test, "valid"));
        if (accepts_json(contract, json_object_get(test, "data")) == valid) {
            tally->passed++;
            continue;
        }
        tally->wrong++;
        printf("WRONG: %s: %s: %s: should be %s\n", file, what,
               json_string_value(json_object_get(test, "description")),
               valid ? "valid" : "invalid");
    }
    json_decref(schema);
    contract_unref(contract);
}

static void run_file(const char *path, const char *file, struct tally *tally, const char *dialect)
{
    json_error_t problem;
    const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
    json_t *cases = json_load_file(path, flags, &problem);
    if (!cases) /* integers beyond 64 bits */
        cases = json_load_file(path, flags | JSON_DECODE_INT_AS_REAL, &problem);
    ck_assert_msg(cases != NULL, "%s: %s", path, problem.text);
    for (size_t i = 0; i < json_array_size(cases); i++)
        run_case(file, json_array_get(cases, i), tally, dialect);
    json_decref(cases);
}

/* Runs the files of one folder of the suite; false if it is not there. */
static bool run_folder(const char *folder, const char *dialect, struct tally *tally)
{
    char *suite = suite_folder();
    char *path = xasprintf("%s/tests/%s", suite, folder);
    DIR *dir = opendir(path);
    if (!dir)
        printf("skipped: no JSON Schema Test Suite in %s; set SEAM_JSON_SCHEMA_SUITE\n", suite);
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        const char *end = strrchr(entry->d_name, '.');
        if (!end || strcmp(end, ".json") != 0)
            continue;
        char *file = xasprintf("%s/%s", path, entry->d_name);
        run_file(file, entry->d_name, tally, dialect);
        free(file);
    }
    if (dir) {
        closedir(dir);
        printf("%s: %zu passed, %zu wrong, %zu skipped (%zu cases)\n", folder, tally->passed,
               tally->wrong, tally->skipped_tests, tally->skipped_cases);
    }
    free(path);
    free(suite);
    return dir != NULL;
}

START_TEST(suite_2020_12_is_answered_rightly)
{
    struct tally tally = {0};
    run_folder("draft2020-12", NULL, &tally);
    ck_assert_uint_eq(tally.wrong, 0);
}
END_TEST
START_TEST(suite_2020_12_formats_are_answered_rightly)
{
    struct tally tally = {0};
    run_folder("draft2020-12/optional/format", NULL, &tally);
    ck_assert_uint_eq(tally.wrong, 0);
}
END_TEST
START_TEST(suite_2020_12_optional_tests_are_answered_rightly)
{
    struct tally tally = {0};
    run_folder("draft2020-12/optional", NULL, &tally);
    ck_assert_uint_eq(tally.wrong, 0);
}
END_TEST
START_TEST(suite_draft_07_is_answered_rightly)
{
    struct tally tally = {0};
    run_folder("draft7", "http://json-schema.org/draft-07/schema#", &tally);
    ck_assert_uint_eq(tally.wrong, 0);
}
END_TEST
START_TEST(suite_2019_09_is_answered_rightly)
{
    struct tally tally = {0};
    run_folder("draft2019-09", NULL, &tally);
    ck_assert_uint_eq(tally.wrong, 0);
}
END_TEST

UNIT_MAIN(suite_2020_12_is_answered_rightly, suite_2020_12_formats_are_answered_rightly,
          suite_2020_12_optional_tests_are_answered_rightly, suite_draft_07_is_answered_rightly,
          suite_2019_09_is_answered_rightly)
