/* SPDX-License-Identifier: Apache-2.0
 *
 * The official JSON Schema Test Suite, where there is a copy: in the folder that
 * SEAM_JSON_SCHEMA_SUITE or JSTS_DIR names, else where `./dev test` puts it, else beside the
 * project. Without one it says so, and the test counts as skipped. Every test is asked both ways.
 * The suite's remote documents are a registry. Formats annotate in the required tests and assert in
 * the optional ones. No test is passed over; what is answered otherwise on purpose stands, each
 * with its reason, in suite-deviations.json, and must be answered otherwise, or the list is wrong.
 */
#include "suite.h"

struct suite {
    char *folder;
    struct registry *registry;
    json_t *deviations;
};

struct run {
    const struct suite *suite;
    const char *folder; /* of tests, "draft7/optional" */
    struct contract_options options;
    size_t passed, wrong, deviating;
};

/* False, with a word, where there is no suite. */
static bool suite_open(struct suite *suite)
{
    char *folder = suite_folder();
    *suite = (struct suite){.folder = folder, .registry = suite_registry(folder)};
    if (suite->registry) {
        suite->deviations = load(TEST_DATA "/suite-deviations.json");
        return true;
    }
    printf("skipped: no JSON Schema Test Suite in %s; ./dev test fetches one, or set "
           "SEAM_JSON_SCHEMA_SUITE\n",
           folder);
    free(folder);
    return false;
}

static void suite_close(struct suite *suite)
{
    registry_free(suite->registry);
    json_decref(suite->deviations);
    free(suite->folder);
}

/* Whether the list has this test; an entry without "test" is of the whole case. */
static bool deviates(const struct run *run, const char *file, const char *what, const char *test)
{
    size_t i;
    json_t *entry;
    json_array_foreach (run->suite->deviations, i, entry) {
        const char *folder, *name, *group, *one = NULL, *reason;
        ck_assert_int_eq(json_unpack(entry, "{s:s, s:s, s:s, s?s, s:s}", "folder", &folder, "file",
                                     &name, "case", &group, "test", &one, "reason", &reason),
                         0);
        if (strcmp(folder, run->folder) == 0 && strcmp(name, file) == 0 &&
            strcmp(group, what) == 0 && (!one || strcmp(one, test) == 0))
            return true;
    }
    return false;
}

static void count(struct run *run, const char *file, const char *what, const json_t *test,
                  bool right, const char *words)
{
    const char *name = json_string_value(json_object_get(test, "description"));
    bool listed = deviates(run, file, what, name);
    run->passed += right;
    run->deviating += !right && listed;
    if (right == listed) {
        run->wrong++;
        printf("%s: %s/%s: %s: %s: %s\n", right ? "RIGHT, BUT LISTED" : "WRONG", run->folder, file,
               what, name, words);
    }
}

static void run_case(struct run *run, const char *file, const json_t *test_case)
{
    json_t *schema = json_object_get(test_case, "schema");
    const char *what = json_string_value(json_object_get(test_case, "description"));
    struct contract *contract = NULL;
    struct error err = {0};
    enum error_code code = contract_compile(schema, &run->options, &contract, &err);
    size_t i;
    json_t *test;
    json_array_foreach (json_object_get(test_case, "tests"), i, test) {
        bool valid = json_is_true(json_object_get(test, "valid"));
        bool right = !code && accepts_json(contract, json_object_get(test, "data")) == valid;
        count(run, file, what, test, right, code ? err.text : valid ? "is valid" : "is invalid");
    }
    contract_unref(contract);
}

static void run_folder(struct run *run)
{
    char *path = xasprintf("%s/tests/%s", run->suite->folder, run->folder);
    DIR *dir = opendir(path);
    ck_assert_msg(dir != NULL, "%s", path);
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (!is_json(entry->d_name))
            continue;
        char *file = xasprintf("%s/%s", path, entry->d_name);
        json_t *cases = load(file);
        size_t i;
        json_t *test_case;
        json_array_foreach (cases, i, test_case)
            run_case(run, entry->d_name, test_case);
        json_decref(cases);
        free(file);
    }
    closedir(dir);
    free(path);
    printf("%s: %zu right, %zu wrong, %zu otherwise on purpose\n", run->folder, run->passed,
           run->wrong, run->deviating);
}

/* Runs the required tests of a dialect, its optional ones, and those of formats. */
static void run_dialect(const char *folder, const char *dialect)
{
    static const char *const parts[] = {"", "/optional", "/optional/format"};
    struct suite suite;
    size_t wrong = 0, required = 0;
    if (!suite_open(&suite))
        return;
    for (size_t i = 0; i < 3; i++) {
        char *path = xasprintf("%s%s", folder, parts[i]);
        struct run run = {.suite = &suite,
                          .folder = path,
                          .options = {.annotate_formats = i == 0,
                                      .lenient = true,
                                      .dialect = dialect,
                                      .registry = suite.registry}};
        run_folder(&run);
        wrong += run.wrong;
        required += i == 0 ? run.deviating : 0;
        free(path);
    }
    suite_close(&suite);
    fflush(stdout);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(required, 0);
}

START_TEST(suite_2020_12_is_answered_rightly)
{
    run_dialect("draft2020-12", NULL);
}
END_TEST
START_TEST(suite_2019_09_is_answered_rightly)
{
    run_dialect("draft2019-09", "https://json-schema.org/draft/2019-09/schema");
}
END_TEST
START_TEST(suite_draft_07_is_answered_rightly)
{
    run_dialect("draft7", "http://json-schema.org/draft-07/schema#");
}
END_TEST

UNIT_MAIN(suite_2020_12_is_answered_rightly, suite_2019_09_is_answered_rightly,
          suite_draft_07_is_answered_rightly)
