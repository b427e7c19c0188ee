/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that are hostile or simply too much: each is refused, by name, with its cure.
 */
#include "folder_test.h"

START_TEST(ten_thousand_steps_are_refused_at_once)
{
    struct folder f;
    AUTO(text_done) struct text many;
    text_init(&many, 1 << 20);
    folder_init(&f);
    text_adds(&many, "flow: many\n" BUDGET "steps:\n");
    for (int i = 0; i < 10000; i++)
        text_addf(&many, "  s%d: {agent: no/body}\n", i);
    folder_refuse(&f, text_str(&many), "too-many-steps");
    ck_assert_uint_eq(f.findings.count, 1);
    ck_assert_ptr_nonnull(strstr(f.findings.list[0].text, "10000 steps, where at most 2000"));
    ck_assert_ptr_nonnull(f.findings.list[0].hint);
    ck_assert_int_eq(f.findings.list[0].where.line, 3);
    folder_done(&f);
}
END_TEST

START_TEST(a_hundred_megabytes_are_not_read)
{
    struct folder f;
    folder_init(&f);
    folder_write(&f, "f.yaml", SLICE(""));
    AUTO(freep) char *path = xasprintf("%s/f.yaml", f.path);
    ck_assert_int_eq(truncate(path, 100 << 20), 0);
    ck_assert_int_eq(folder_compile(&f, "f.yaml"), ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(f.error.text, "16777216"));
    ck_assert_uint_eq(f.findings.count, 0);
    ck_assert_int_eq(folder_compile(&f, "g.yaml"), ERR_NOT_FOUND);
    folder_done(&f);
}
END_TEST

START_TEST(a_file_that_is_too_deep_has_its_place)
{
    struct folder f;
    AUTO(text_done) struct text deep;
    text_init(&deep, 1 << 20);
    folder_init(&f);
    text_adds(&deep, "flow: deep\nsteps: ");
    for (int i = 0; i < 5000; i++)
        text_adds(&deep, "[");
    folder_refuse(&f, text_str(&deep), "over-limit");
    ck_assert_int_eq(f.findings.list[0].where.line, 2);
    ck_assert_int_eq(f.findings.list[0].where.column, 8 + LIMIT_DEPTH - 1);
    folder_done(&f);
}
END_TEST

START_TEST(json_is_refused_at_its_place_too)
{
    struct folder f;
    folder_init(&f);
    folder_write(&f, "f.json",
                 SLICE("{\"flow\": \"x\",\n \"budget\": {\"atempts\": 1},\n \"steps\": "
                       "{\"a\": {\"agent\": \"travel/prce\"}}}"));
    ck_assert_int_eq(folder_compile(&f, "f.json"), ERR_INPUT);
    ck_assert_uint_eq(f.findings.errors, 3);
    ck_assert_str_eq(f.findings.list[0].rule, "budget-absent");
    ck_assert_str_eq(f.findings.list[1].rule, "unknown-key");
    ck_assert_int_eq(f.findings.list[1].where.line, 2);
    ck_assert_int_eq(f.findings.list[1].where.column, 13);
    ck_assert_str_eq(f.findings.list[2].rule, "unknown-agent");
    ck_assert_int_eq(f.findings.list[2].where.column, 27);
    folder_write(&f, "f.json", SLICE("{\"flow\":\n {]}"));
    ck_assert_int_eq(folder_compile(&f, "f.json"), ERR_INPUT);
    ck_assert_str_eq(f.findings.list[0].rule, "malformed");
    ck_assert_int_eq(f.findings.list[0].where.line, 2);
    folder_done(&f);
}
END_TEST

START_TEST(findings_have_an_end)
{
    struct folder f;
    AUTO(text_done) struct text bad;
    text_init(&bad, 1 << 20);
    folder_init(&f);
    text_adds(&bad, "flow: bad\n" BUDGET "steps:\n");
    for (int i = 0; i < 2000; i++)
        text_addf(&bad, "  s%d: {agent: no/body, iff: x}\n", i);
    folder_refuse(&f, text_str(&bad), "unknown-key");
    ck_assert_uint_eq(f.findings.count, LIMIT_FINDINGS);
    folder_done(&f);
}
END_TEST

START_TEST(a_default_that_is_wrong_is_said_once)
{
    struct folder f;
    folder_init(&f);
    folder_refuse(&f,
                  "flow: once\n" BUDGET "defaults: {timeout: {heartbeat: soon}}\nsteps:\n"
                  "  a: {agent: travel/price}\n  b: {agent: travel/price}\n",
                  "bad-duration");
    ck_assert_uint_eq(f.findings.count, 1);
    ck_assert_uint_eq(f.findings.errors, 1);
    ck_assert_str_eq(f.error.text + strlen(f.path), "/f.yaml has 1 error");
    folder_done(&f);
}
END_TEST

START_TEST(links_are_followed_inside_the_folder_alone)
{
    static const char text[] = "flow: links\n" BUDGET "input: {schema: {$ref: link.json}}\n"
                               "steps: {a: {agent: travel/price}}\n";
    struct folder f, other;
    folder_init(&f);
    folder_init(&other);
    folder_write(&f, "real.json", SLICE("{\"type\": \"object\"}"));
    folder_write(&other, "real.json", SLICE("{\"type\": \"object\"}"));
    AUTO(freep) char *link = xasprintf("%s/link.json", f.path);
    AUTO(freep) char *outside = xasprintf("%s/real.json", other.path);
    ck_assert_int_eq(symlink("real.json", link), 0);
    folder_accept(&f, text);
    ck_assert_int_eq(unlink(link), 0);
    ck_assert_int_eq(symlink(outside, link), 0);
    folder_refuse(&f, text, "ref-outside");
    folder_done(&other);
    folder_done(&f);
}
END_TEST

START_TEST(schemas_that_go_in_circles_are_bounded)
{
    struct folder f;
    folder_init(&f);
    folder_write(&f, "loop.json", SLICE("{\"$ref\": \"pool.json\"}"));
    folder_write(&f, "pool.json", SLICE("{\"$ref\": \"loop.json\"}"));
    folder_refuse(&f,
                  "flow: loop\n" BUDGET "input: {schema: {$ref: loop.json}}\n"
                  "steps: {a: {agent: travel/price}}\n",
                  "bad-schema");
    folder_refuse(&f,
                  "flow: loop\n" BUDGET "input: {schema: {allOf: [{$ref: \"#\"}]}}\n"
                  "steps: {a: {agent: travel/price}}\n",
                  "bad-schema");
    folder_accept(&f, "flow: tree\n" BUDGET "input: {schema: {properties: {next: {$ref: \"#\"}}}}\n"
                      "steps: {a: {agent: travel/price}}\n");
    folder_done(&f);
}
END_TEST

START_TEST(schemas_of_too_many_files_are_refused)
{
    struct folder f;
    folder_init(&f);
    for (int i = 0; i <= LIMIT_SCHEMA_FILES; i++) {
        AUTO(freep) char *name = xasprintf("s%d.json", i);
        AUTO(freep) char *text = xasprintf("{\"items\": {\"$ref\": \"s%d.json\"}}", i + 1);
        folder_write(&f, name, slice_of(text));
    }
    folder_write(&f, "s65.json", SLICE("true"));
    AUTO(freep) char *last = xasprintf("%s/s63.json", f.path);
    ck_assert_int_eq(folder_compile(&f, "none.yaml"), ERR_NOT_FOUND);
    folder_write(&f, "f.yaml",
                 SLICE("flow: files\n" BUDGET "input: {schema: {$ref: s0.json}}\n"
                       "steps: {a: {agent: travel/price}}\n"));
    ck_assert_int_eq(folder_compile(&f, "f.yaml"), ERR_INPUT);
    ck_assert_str_eq(f.findings.list[0].rule, "too-many-files");
    ck_assert_str_eq(f.findings.list[0].file, last);
    folder_done(&f);
}
END_TEST

START_TEST(findings_are_fit_for_a_terminal_and_for_json)
{
    struct folder f;
    AUTO(text_done) struct text said;
    text_init(&said, 1 << 16);
    folder_init(&f);
    folder_refuse(&f,
                  "flow: odd\n" BUDGET "\"\\e[31mred\\n\": 1\nsteps: {a: {agent: "
                  "travel/price}}\n",
                  "unknown-key");
    findings_text(&f.findings, &said);
    ck_assert_msg(!strchr(text_str(&said), 0x1b), "%s", text_str(&said));
    AUTO(freep)
    char *begins = xasprintf(
        "%s/f.yaml:3:1: error: unknown key \"?[31mred?\" [unknown-key]\n    one of: flow, "
        "version",
        f.path);
    ck_assert_msg(strncmp(text_str(&said), begins, strlen(begins)) == 0, "%s", text_str(&said));
    AUTO(json_decrefp) json_t *list = findings_json(&f.findings);
    const json_t *one = json_array_get(list, 0);
    ck_assert_str_eq(json_string_value(json_object_get(one, "severity")), "error");
    ck_assert_str_eq(json_string_value(json_object_get(one, "rule")), "unknown-key");
    ck_assert_int_eq(json_integer_value(json_object_get(one, "line")), 3);
    ck_assert_int_eq(json_integer_value(json_object_get(one, "column")), 1);
    folder_done(&f);
}
END_TEST

UNIT_MAIN(ten_thousand_steps_are_refused_at_once, a_hundred_megabytes_are_not_read,
          a_file_that_is_too_deep_has_its_place, json_is_refused_at_its_place_too,
          findings_have_an_end, a_default_that_is_wrong_is_said_once,
          links_are_followed_inside_the_folder_alone, schemas_that_go_in_circles_are_bounded,
          schemas_of_too_many_files_are_refused, findings_are_fit_for_a_terminal_and_for_json)
