/* SPDX-License-Identifier: Apache-2.0
 *
 * What the reader does with real files, with memory that runs out, and with texts that are large
 * in one direction; and that each value of a file stands where its place says.
 */
#include "document/document.h"
#include "unit.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>

/* ---- Places ---- */

static size_t offset_of(struct slice text, struct position at)
{
    size_t offset = 0;
    for (int line = 1; line < at.line; offset++)
        line += text.ptr[offset] == '\n';
    for (int column = 1; column < at.column; column++)
        for (offset++; ((unsigned char)text.ptr[offset] & 0xC0) == 0x80;)
            offset++;
    return offset;
}

/* What jansson reads there is the value. */
static void expect_at(const struct document *document, struct position at, const json_t *value)
{
    struct slice text = document_text(document);
    size_t offset = offset_of(text, at);
    AUTO(json_decrefp)
    json_t *there = json_loadb(text.ptr + offset, text.len - offset,
                               JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, NULL);
    if (!there || !json_equal(there, (json_t *)value))
        ck_abort_msg("%s:%d:%d is another value", document_name(document), at.line, at.column);
}

static void expect_places(const struct document *document, const json_t *value,
                          struct text *pointer)
{
    size_t len = pointer->len, i;
    struct position at = document_where(document, text_str(pointer));
    expect_at(document, at, value);
    const json_t *member;
    const char *name;
    json_array_foreach ((json_t *)value, i, member) {
        text_addf(pointer, "/%zu", i);
        expect_at(document, document_where_key(document, text_str(pointer)), member);
        expect_places(document, member, pointer);
        pointer->ptr[pointer->len = len] = '\0';
    }
    json_object_foreach ((json_t *)value, name, member) {
        AUTO(json_decrefp) json_t *key = json_string(name);
        text_addc(pointer, '/');
        for (const char *c = name; *c; c++)
            text_adds(pointer, *c == '~' ? "~0" : *c == '/' ? "~1" : (char[]){*c, '\0'});
        expect_at(document, document_where_key(document, text_str(pointer)), key);
        expect_places(document, member, pointer);
        pointer->ptr[pointer->len = len] = '\0';
    }
}

static void expect_places_of(struct slice text, const char *name)
{
    AUTO(document_freep) struct document *document = NULL;
    AUTO(text_done) struct text pointer;
    struct error error = {0};
    text_init(&pointer, 1 << 20);
    text_adds(&pointer, "");
    ck_assert_msg(document_parse(text, name, &document, &error) == ERR_OK, "%s", error.text);
    expect_places(document, document_root(document), &pointer);
}

START_TEST(each_value_stands_where_its_place_says)
{
    expect_places_of(SLICE("  1"), "a.json");
    expect_places_of(SLICE("{\"a\":[1,{\"b\":[[],[2,[3]],4],\"c\":{}},5],\"d\":6}"), "b.json");
    expect_places_of(
        SLICE("\n{ \"\xC3\xA9\\n\\u00e9\" :\r\n\t[ \"\xE6\x97\xA5\",\n  {\"~/\": \"x\", "
              "\"\":{\"\": -1.5e3}} , true\n] , \"z\":null}\n"),
        "c.json");
}
END_TEST

/* ---- Real files ---- */

static int files;

static void expect_as_jansson(const char *path)
{
    AUTO(json_decrefp) json_t *ours = NULL, *theirs = NULL;
    struct error error = {0};
    theirs = json_load_file(path, JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    enum error_code code = json_read_file(path, LIMIT_FILE, &ours, &error);
    /* jansson goes deeper, and takes a NUL for the end. */
    if (code == ERR_LIMIT || strstr(error.text, "byte 0x00"))
        return;
    if ((code == ERR_OK) != (theirs != NULL) || (ours && !json_equal(ours, theirs)))
        ck_abort_msg("%s is not read as jansson does: %s", path, error.text);
    files += code == ERR_OK;
}

static int look_at(const char *path, const struct stat *is, int type, struct FTW *where)
{
    const char *name = path + where->base;
    size_t len = strlen(name);
    (void)is;
    if (type == FTW_D && where->level > 0 &&
        (name[0] == '.' || strncmp(name, "build", 5) == 0 || strcmp(name, "node_modules") == 0))
        return FTW_SKIP_SUBTREE;
    if (type == FTW_F && len > 5 && strcmp(name + len - 5, ".json") == 0)
        expect_as_jansson(path);
    return FTW_CONTINUE;
}

START_TEST(every_json_file_of_the_tree_is_read_as_by_jansson)
{
    ck_assert_int_eq(nftw(SOURCE_ROOT, look_at, 16, FTW_PHYS | FTW_ACTIONRETVAL), 0);
    ck_assert_int_gt(files, 5);
}
END_TEST

/* ---- Memory ---- */

static int granted, left;

static void *grant(size_t size)
{
    if (left-- <= 0)
        return NULL;
    granted++;
    return malloc(size);
}

static void take_back(void *memory)
{
    granted -= memory != NULL;
    free(memory);
}

START_TEST(no_memory_is_an_error_that_leaves_nothing_behind)
{
    struct slice text = SLICE("{\"a\": [1, 2.5, \"x\", \"\\n\", {\"b\": {}, \"\\u0041\": []}], "
                              "\"c\": [1,2,3,4,5,6,7,8,9], \"1\":1,\"2\":2,\"3\":3,\"4\":4,"
                              "\"5\":5,\"6\":6,\"7\":7,\"8\":8,\"9\":9}");
    enum error_code code = ERR_LIMIT;
    int had = 0;
    json_set_alloc_funcs(grant, take_back);
    for (; code; had++) {
        json_t *value = NULL;
        struct error error = {0};
        left = had;
        code = json_read(text, text.len, &value, &error);
        json_decref(value);
        ck_assert_int_eq(granted, 0);
        if (code)
            ck_assert_msg(code == ERR_LIMIT && strstr(error.text, "memory"), "%s", error.text);
    }
    json_set_alloc_funcs(malloc, free);
    ck_assert_int_gt(had, 40);
}
END_TEST

/* ---- Large in one direction ---- */

START_TEST(long_strings_and_keys_are_read_whole)
{
    AUTO(text_done) struct text json;
    text_init(&json, 4 << 20);
    for (size_t len = 0; len < 70; len++) {
        AUTO(json_decrefp) json_t *value = NULL;
        text_clear(&json);
        text_adds(&json, "{\"");
        for (size_t i = 0; i < len; i++)
            text_addc(&json, (char)('a' + i % 26));
        text_adds(&json, "\":\"");
        for (size_t i = 0; i < len; i++)
            text_adds(&json, i % 7 == 6 ? "\\u00e9" : i % 11 == 10 ? "\xC3\xA9" : "b");
        text_adds(&json, "\"}");
        ck_assert_int_eq(json_read(text_slice(&json), json.len, &value, NULL), ERR_OK);
        AUTO(json_decrefp) json_t *jansson = json_loadb(json.ptr, json.len, 0, NULL);
        ck_assert(json_equal(value, jansson));
    }
    text_clear(&json);
    text_addc(&json, '"');
    for (int i = 0; i < 1 << 20; i++)
        text_addc(&json, 'x');
    text_addc(&json, '"');
    AUTO(json_decrefp) json_t *long_one = NULL;
    ck_assert_int_eq(json_read(text_slice(&json), json.len, &long_one, NULL), ERR_OK);
    ck_assert_uint_eq(json_string_length(long_one), 1 << 20);
}
END_TEST

START_TEST(wide_objects_keep_their_order_and_know_their_keys)
{
    enum { MEMBERS = 20000 };
    AUTO(text_done) struct text json;
    struct error error = {0};
    AUTO(json_decrefp) json_t *value = NULL;
    text_init(&json, 4 << 20);
    for (int i = 0; i < MEMBERS; i++)
        text_addf(&json, "%c\"k%d\":%d", i ? ',' : '{', i, i);
    size_t len = json.len;
    text_adds(&json, ",\"k777\":0}");
    ck_assert_int_eq(json_read(text_slice(&json), json.len, &value, &error), ERR_INPUT);
    ck_assert_msg(strstr(error.text, "a second key \"k777\";"), "%s", error.text);
    json.ptr[len] = '}';
    ck_assert_int_eq(json_read((struct slice){json.ptr, len + 1}, json.len, &value, NULL), ERR_OK);
    void *member = json_object_iter(value);
    for (int i = 0; i < MEMBERS; i++, member = json_object_iter_next(value, member))
        ck_assert_int_eq(json_integer_value(json_object_iter_value(member)), i);
    ck_assert_ptr_null(member);
}
END_TEST

START_TEST(depth_is_of_what_is_open_at_once)
{
    AUTO(text_done) struct text json;
    AUTO(json_decrefp) json_t *value = NULL;
    text_init(&json, 1 << 20);
    text_addc(&json, '[');
    for (int i = 0; i < 3 * LIMIT_DEPTH; i++)
        text_adds(&json, "{\"a\":[]},[{}],");
    for (int i = 1; i < LIMIT_DEPTH; i++)
        text_adds(&json, i % 2 ? "[" : "{\"a\":");
    for (int i = LIMIT_DEPTH - 1; i >= 1; i--)
        text_adds(&json, i % 2 ? "]" : i == LIMIT_DEPTH - 1 ? "0}" : "}");
    text_addc(&json, ']');
    ck_assert_int_eq(json_read(text_slice(&json), json.len, &value, NULL), ERR_OK);
}
END_TEST

UNIT_MAIN(each_value_stands_where_its_place_says, every_json_file_of_the_tree_is_read_as_by_jansson,
          no_memory_is_an_error_that_leaves_nothing_behind, long_strings_and_keys_are_read_whole,
          wide_objects_keep_their_order_and_know_their_keys, depth_is_of_what_is_open_at_once)
