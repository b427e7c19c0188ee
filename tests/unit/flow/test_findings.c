/* SPDX-License-Identifier: Apache-2.0
 *
 * Every finding has its rule and its place. The flows of data/bad say at their end what must be
 * found in them, and nothing else may be; those of data/good have no error and no warning.
 */
#include "catalog_test.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

static const char *const escalations[] = {"ops", "duty"};

static enum error_code compile(const char *path, struct flow **ret_flow,
                               struct findings *ret_findings, struct error *reterr)
{
    struct catalog catalog;
    catalog_fill(&catalog);
    struct flow_options options = {
        .catalog = &catalog, .escalations = escalations, .escalation_count = 2, .concurrency = 256};
    struct flow *flow = NULL;
    enum error_code e = flow_compile(path, &options, &flow, ret_findings, reterr);
    flow_unref(flow);
    *ret_flow = e ? NULL : flow; /* for "is there one"; the agents are gone */
    catalog_done(&catalog);
    return e;
}

/* "# error: rule:line:column" for each finding of the file, and of schema files by their name. */
static void add_found(const struct findings *findings, const char *path, struct text *out)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->list[i];
        const char *name = strrchr(f->file, '/');
        text_addf(out, "# %s: %s:%d:%d%s%s\n", f->severity == FINDING_ERROR ? "error" : "warning",
                  f->rule, f->where.line, f->where.column, strcmp(f->file, path) == 0 ? "" : " of ",
                  strcmp(f->file, path) == 0 ? "" : name + 1);
    }
}

static void add_expected(const char *path, struct text *out)
{
    char line[400];
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, "# error: ", 9) == 0 || strncmp(line, "# warning: ", 11) == 0)
            text_adds(out, line);
    fclose(file);
}

static void check_file(const char *path, bool good)
{
    struct findings findings;
    struct error error = {0};
    struct flow *flow;
    AUTO(text_done) struct text found, expected, said;
    text_init(&found, 1 << 16);
    text_init(&expected, 1 << 16);
    text_init(&said, 1 << 20);
    findings_init(&findings);
    enum error_code e = compile(path, &flow, &findings, &error);
    ck_assert_msg(e == ERR_OK || e == ERR_INPUT, "%s: %s", path, error.text);
    ck_assert_msg((e == ERR_INPUT) == (findings.errors > 0), "%s: %s", path, error.text);
    add_found(&findings, path, &found);
    if (!good)
        add_expected(path, &expected);
    findings_text(&findings, &said);
    ck_assert_msg(strcmp(text_str(&found), text_str(&expected)) == 0, "%s: found\n%sexpected\n%s%s",
                  path, text_str(&found), text_str(&expected), text_str(&said));
    ck_assert_msg(good || findings.count > 0, "%s: nothing found", path);
    AUTO(json_decrefp) json_t *json = findings_json(&findings);
    ck_assert_uint_eq(json_array_size(json), findings.count);
    findings_done(&findings);
}

static int check_folder(const char *folder, bool good)
{
    int count = 0;
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        AUTO(freep) char *path = xasprintf("%s/%s", folder, entry->d_name);
        if (!strchr(entry->d_name, '.') || entry->d_name[0] == '.')
            continue;
        check_file(path, good);
        count++;
    }
    closedir(dir);
    return count;
}

START_TEST(bad_flows_have_the_findings_that_they_name)
{
    ck_assert_int_ge(check_folder(TEST_DATA "/data/bad", false), 25);
}
END_TEST

START_TEST(good_flows_have_no_findings)
{
    ck_assert_int_ge(check_folder(TEST_DATA "/data/good", true), 4);
}
END_TEST

UNIT_MAIN(bad_flows_have_the_findings_that_they_name, good_flows_have_no_findings)
