/* SPDX-License-Identifier: Apache-2.0
 *
 * seam test --update: what came of a case becomes what it expects. Of a file in YAML only the lines
 * of `expect` are written anew; comments and order stay. What the author expects of rules, times
 * and expressions is not ours to change: such a case goes on failing.
 */
#include "cli/test_internal.h"

#include "document/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is to be expected ---- */

/* Of each part that is expected, what was found in its place. */
static json_t *same_parts(const json_t *expected, const json_t *found)
{
    const char *key;
    json_t *part, *copy = json_object();
    json_object_foreach ((json_t *)expected, key, part) {
        json_t *now = json_object_get(found, key);
        if (!now)
            continue;
        json_object_set_new(copy, key,
                            json_is_object(part) && strcmp(key, "output") != 0
                                ? same_parts(part, now)
                                : json_incref(now));
    }
    return copy;
}

static json_t *none_if_missing(const json_t *expected, json_t *found_taken)
{
    const char *key;
    json_t *part;
    json_object_foreach ((json_t *)expected, key, part) {
        if (!json_object_get(found_taken, key))
            json_object_set_new(found_taken, key, json_integer(0));
    }
    return found_taken;
}

static json_t *renewed(const json_t *old, const json_t *result)
{
    static const char *const whole[] = {"status", "output", "asks"};
    json_t *expect = json_copy((json_t *)old);
    const json_t *steps = json_object_get(old, "steps"), *effects = json_object_get(old, "effects");
    if (!old)
        return expectation_of(result);
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        json_t *found = json_object_get(result, whole[i]);
        if (found && (json_object_get(old, whole[i]) || i == 0))
            json_object_set(expect, whole[i], found);
        else if (!found)
            json_object_del(expect, whole[i]);
    }
    if (!json_object_get(result, "error"))
        json_object_del(expect, "error");
    else if (json_object_get(old, "error"))
        json_object_set_new(
            expect, "error",
            same_parts(json_object_get(old, "error"), json_object_get(result, "error")));
    if (steps)
        json_object_set_new(expect, "steps", same_parts(steps, json_object_get(result, "steps")));
    if (effects)
        json_object_set_new(
            expect, "effects",
            none_if_missing(effects, same_parts(effects, json_object_get(result, "effects"))));
    return expect;
}

/* ---- lines ---- */

struct lines {
    char **list;
    size_t count;
};

static void lines_split(struct lines *lines, struct slice text)
{
    *lines = (struct lines){0};
    while (text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t length = end ? (size_t)(end - text.ptr) : text.len;
        lines->list = xrealloc(lines->list, (lines->count + 1) * sizeof(*lines->list));
        lines->list[lines->count++] = xstrndup(text.ptr, length);
        text.ptr += length + (end != NULL);
        text.len -= length + (end != NULL);
    }
}

static void lines_done(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->list[i]);
    free(lines->list);
}

/* Puts the words in the place of lines [from, to). */
static void lines_replace(struct lines *lines, size_t from, size_t to, const char *words)
{
    struct lines between;
    lines_split(&between, slice_of(words));
    struct lines whole = {xcalloc(lines->count + between.count + 1, sizeof(char *)), 0};
    for (size_t i = 0; i < from; i++)
        whole.list[whole.count++] = lines->list[i];
    for (size_t i = 0; i < between.count; i++)
        whole.list[whole.count++] = between.list[i];
    for (size_t i = from; i < to; i++)
        free(lines->list[i]);
    for (size_t i = to; i < lines->count; i++)
        whole.list[whole.count++] = lines->list[i];
    free(lines->list);
    free(between.list);
    *lines = whole;
}

static bool blank(const char *line)
{
    return line[strspn(line, " \r")] == '\0';
}

/* Where the block ends that stands behind a line, at least so far from the edge. */
static size_t block_end(const struct lines *lines, size_t line, size_t indent)
{
    size_t end = line + 1, last = end;
    while (end < lines->count &&
           (blank(lines->list[end]) || strspn(lines->list[end], " ") >= indent)) {
        last = blank(lines->list[end]) ? last : end + 1;
        end++;
    }
    return last;
}

/* Nothing but the dash of its item stands before a key in a block. */
static bool in_block(const struct lines *lines, struct position at)
{
    if (at.line < 1 || (size_t)at.line > lines->count)
        return false;
    const char *line = lines->list[at.line - 1];
    return (int)strspn(line, " -") >= at.column - 1 && line[strspn(line, " -")] != '{';
}

static bool renew_lines(struct lines *lines, const struct document *document, const char *pointer,
                        const json_t *old, const json_t *expect)
{
    AUTO(text_done) struct text words;
    text_init(&words, SIZE_MAX / 2);
    AUTO(freep) char *of_key = xasprintf("%s/%s", pointer, old ? "expect" : "case");
    struct position at = document_where_key(document, of_key);
    if (!in_block(lines, at))
        return false;
    size_t line = (size_t)at.line - 1, indent = (size_t)at.column - 1;
    if (old)
        text_add(&words, lines->list[line], indent);
    else
        text_addf(&words, "%*s", (int)indent, "");
    text_adds(&words, "expect:\n");
    yaml_write(expect, indent + 2, 1, &words);
    size_t end = block_end(lines, line, old ? indent + 1 : indent);
    lines_replace(lines, old ? line : end, end, text_str(&words));
    return true;
}

/* ---- a file ---- */

static enum error_code save(const char *path, const char *text, struct error *reterr)
{
    AUTO(freep) char *next = xasprintf("%s.new", path);
    FILE *out = fopen(next, "we");
    if (!out)
        return error_set_errno(reterr, errno, "%s", next);
    bool written = fputs(text, out) >= 0;
    bool closed = fclose(out) == 0;
    if (written && closed && rename(next, path) == 0)
        return ERR_OK;
    return error_set_errno(reterr, errno, "%s", path);
}

static enum error_code save_lines(const char *path, const struct lines *lines, struct error *reterr)
{
    AUTO(text_done) struct text text;
    text_init(&text, SIZE_MAX / 2);
    for (size_t i = 0; i < lines->count; i++)
        text_addf(&text, "%s\n", lines->list[i]);
    return save(path, text_str(&text), reterr);
}

static enum error_code save_json(const char *path, const struct document *document,
                                 const json_t *renewals, struct error *reterr)
{
    size_t i;
    json_t *renewal;
    AUTO(json_decrefp) json_t *root = json_deep_copy(document_root(document));
    json_array_foreach (renewals, i, renewal) {
        size_t index = (size_t)strtoul(text_of(renewal, "pointer") + strlen("/cases/"), NULL, 10);
        json_object_set(json_array_get(json_object_get(root, "cases"), index), "expect",
                        json_object_get(renewal, "expect"));
    }
    AUTO(freep) char *text = json_dumps(root, JSON_INDENT(2));
    AUTO(freep) char *whole = xasprintf("%s\n", text);
    return save(path, whole, reterr);
}

/* From the last case to the first, so that the places of those before stay true. */
static enum error_code save_yaml(const char *path, const struct document *document,
                                 const json_t *renewals, struct error *reterr)
{
    struct lines lines;
    lines_split(&lines, document_text(document));
    for (size_t i = json_array_size(renewals); i-- > 0;) {
        const json_t *renewal = json_array_get(renewals, i);
        if (!renew_lines(&lines, document, text_of(renewal, "pointer"),
                         json_object_get(renewal, "old"), json_object_get(renewal, "expect")))
            complain(0, "%s: %s is written on one line; write it as a block to have it updated",
                     path, text_of(renewal, "pointer"));
    }
    enum error_code code = save_lines(path, &lines, reterr);
    lines_done(&lines);
    return code;
}

static enum error_code renew_file(const char *path, const json_t *renewals, struct error *reterr)
{
    AUTO(document_freep) struct document *document = NULL;
    size_t length = strlen(path);
    bool is_json = length > 5 && strcmp(path + length - 5, ".json") == 0;
    enum error_code code = document_load(path, &document, reterr);
    if (code != ERR_OK)
        return code;
    return is_json ? save_json(path, document, renewals, reterr)
                   : save_yaml(path, document, renewals, reterr);
}

void test_update_add(struct test *test, const struct fixture_case *c, const json_t *result)
{
    const json_t *old = fixture_case_expect(c);
    const char *file = fixture_case_file(c);
    json_t *list = json_object_get(test->renewals, file);
    if (!list) {
        list = json_array();
        json_object_set_new(test->renewals, file, list);
    }
    json_array_append_new(list, json_pack("{s:s, s:o, s:O*}", "pointer", fixture_case_pointer(c),
                                          "expect", renewed(old, result), "old", old));
}

enum error_code test_update(struct test *test, struct error *reterr)
{
    const char *file;
    json_t *renewals;
    enum error_code code = ERR_OK;
    json_object_foreach (test->renewals, file, renewals) {
        if (code == ERR_OK)
            code = renew_file(file, renewals, reterr);
        if (code == ERR_OK && test->format == FORMAT_TEXT)
            printf("%s: %zu updated\n", file, json_array_size(renewals));
    }
    return code;
}
