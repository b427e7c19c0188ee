/* SPDX-License-Identifier: Apache-2.0
 *
 * Every value of a document has a place, in both spellings, and it is the right one.
 */
#include "document/document.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct document *parse(const char *name, const char *text)
{
    struct document *document = NULL;
    struct error error = {0};
    enum error_code e = document_parse(slice_of(text), name, &document, &error);
    ck_assert_msg(e == ERR_OK, "%s", error.text);
    return document;
}

static void expect_at(struct position at, int line, int column)
{
    ck_assert_msg(at.line == line && at.column == column, "at %d:%d, not %d:%d", at.line, at.column,
                  line, column);
}

START_TEST(where_finds_values_and_keys_of_yaml)
{
    AUTO(document_freep)
    struct document *d = parse("t.yaml", "# head\n"
                                         "steps:\n"
                                         "  plan: {agent: a/b, needs: [x, y]}\n"
                                         "  'a/b~c': \"\xC3\xA9\"\n"
                                         "list:\n"
                                         "- \xC3\xA9: 1\n");
    expect_at(document_where(d, ""), 2, 1);
    expect_at(document_where(d, "/steps"), 3, 3);
    expect_at(document_where_key(d, "/steps"), 2, 1);
    expect_at(document_where(d, "/steps/plan/agent"), 3, 17);
    expect_at(document_where_key(d, "/steps/plan/agent"), 3, 10);
    expect_at(document_where(d, "/steps/plan/needs/1"), 3, 33);
    expect_at(document_where_key(d, "/steps/plan/needs/1"), 3, 33);
    expect_at(document_where(d, "/steps/a~1b~0c"), 4, 12);
    expect_at(document_where(d, "/list/0/\xC3\xA9"), 6, 6);
}
END_TEST

START_TEST(where_of_what_is_not_there_is_its_parent)
{
    AUTO(document_freep) struct document *d = parse("t.yaml", "a: {b: 1}\nc: [1]\n");
    expect_at(document_where(d, "/a/x/y"), 1, 4);
    expect_at(document_where(d, "/c/7"), 2, 4);
    expect_at(document_where(d, "/zzz"), 1, 1);
    expect_at(document_where(d, "no pointer"), 1, 1);
}
END_TEST

START_TEST(where_follows_an_alias_to_its_anchor)
{
    AUTO(document_freep)
    struct document *d = parse("t.yaml", "a: &x {k: {l: 1}}\nb: *x\nc: &y [*x]\nd: *y\n");
    expect_at(document_where(d, "/b"), 2, 4);
    expect_at(document_where_key(d, "/b"), 2, 1);
    expect_at(document_where(d, "/b/k/l"), 1, 15);
    expect_at(document_where(d, "/d/0/k"), 1, 11);
}
END_TEST

START_TEST(where_finds_values_and_keys_of_json)
{
    AUTO(document_freep)
    struct document *d =
        parse("t.json", "\n{ \"a\": [ 1, {\"b\" :\"\xC3\xA9\"}, true],\r\n"
                        "\t\"q\\\"\\u00e9\": {\"\": null},\n \"e\": [ ], \"z\":-1 }\n");
    expect_at(document_where(d, ""), 2, 1);
    expect_at(document_where(d, "/a"), 2, 8);
    expect_at(document_where_key(d, "/a"), 2, 3);
    expect_at(document_where(d, "/a/0"), 2, 10);
    expect_at(document_where(d, "/a/1/b"), 2, 19);
    expect_at(document_where(d, "/a/2"), 2, 25);
    expect_at(document_where(d, "/q\"\xC3\xA9"), 3, 15);
    expect_at(document_where(d, "/q\"\xC3\xA9/"), 3, 20);
    expect_at(document_where_key(d, "/z"), 4, 12);
    expect_at(document_where(d, "/z"), 4, 16);
}
END_TEST

START_TEST(where_in_counts_characters_of_one_line)
{
    AUTO(document_freep)
    struct document *d =
        parse("t.yaml", "a: plain text\nb: \"quoted\"\nc: 'it''s'\nd: |\n  block\ne: \"\\n x\"\n"
                        "f: \xC3\xA9\xC3\xA9z\n");
    expect_at(document_where_in(d, "/a", 1), 1, 4);
    expect_at(document_where_in(d, "/a", 7), 1, 10);
    expect_at(document_where_in(d, "/b", 3), 2, 7);
    expect_at(document_where_in(d, "/c", 3), 3, 7);
    expect_at(document_where_in(d, "/c", 5), 3, 4);
    expect_at(document_where_in(d, "/d", 3), 4, 4);
    expect_at(document_where_in(d, "/e", 3), 6, 4);
    expect_at(document_where_in(d, "/f", 3), 7, 6);
    expect_at(document_where_in(d, "/f", 1000), 7, 4);
}
END_TEST

START_TEST(a_name_that_ends_in_json_is_read_strictly)
{
    struct document *d = NULL;
    struct error error;
    ck_assert_int_eq(document_parse(SLICE("{a: 1}"), "t.json", &d, &error), ERR_INPUT);
    ck_assert_msg(strncmp(error.text, "t.json:1:", 9) == 0, "%s", error.text);
    AUTO(document_freep) struct document *yaml = parse("t.yaml", "{a: 1}");
    ck_assert_str_eq(document_name(yaml), "t.yaml");
    ck_assert(slice_is(document_text(yaml), "{a: 1}"));
}
END_TEST

START_TEST(every_value_of_a_large_document_has_its_place)
{
    enum { LINES = 50000 };
    AUTO(text_done) struct text big;
    text_init(&big, 8 << 20);
    for (int i = 0; i < LINES; i++)
        text_addf(&big, "k%d: {v: [%d]}\n", i, i);
    AUTO(document_freep) struct document *d = parse("t.yaml", text_str(&big));
    for (int i = 0; i < LINES; i++) {
        char pointer[40];
        int digits = snprintf(pointer, sizeof(pointer), "%d", i);
        snprintf(pointer, sizeof(pointer), "/k%d/v/0", i);
        expect_at(document_where(d, pointer), i + 1, digits + 9);
    }
}
END_TEST

START_TEST(a_file_over_the_limit_is_refused_unread)
{
    char path[] = "/tmp/seam-document-XXXXXX";
    int fd = mkstemp(path);
    struct document *d = NULL;
    struct error error;
    ck_assert_int_eq(ftruncate(fd, 100 << 20), 0);
    ck_assert_int_eq(document_load(path, &d, &error), ERR_LIMIT);
    ck_assert_msg(strstr(error.text, path) && strstr(error.text, "16777216"), "%s", error.text);
    close(fd);
    unlink(path);
    ck_assert_int_eq(document_load(path, &d, &error), ERR_NOT_FOUND);
    ck_assert_int_eq(document_load("/tmp", &d, &error), ERR_IO);
}
END_TEST

UNIT_MAIN(where_finds_values_and_keys_of_yaml, where_of_what_is_not_there_is_its_parent,
          where_follows_an_alias_to_its_anchor, where_finds_values_and_keys_of_json,
          where_in_counts_characters_of_one_line, a_name_that_ends_in_json_is_read_strictly,
          every_value_of_a_large_document_has_its_place, a_file_over_the_limit_is_refused_unread)
