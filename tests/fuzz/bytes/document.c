/* SPDX-License-Identifier: Apache-2.0
 *
 * A document in YAML, and the same bytes as JSON. What is read can be written and read again as
 * either; every value has its place inside the text; where JSON reads the bytes, YAML reads the
 * same value or refuses.
 */
#include "json.h"

#include "document/document.h"

#include <string.h>

enum { PLACES = 300 };

static struct document *parsed(struct slice text, const char *name)
{
    struct document *document = NULL;
    struct error err = {.code = ERR_OK, .text = ""};
    enum error_code code = document_parse(text, name, &document, &err);
    if (code == ERR_OK)
        return document;
    claim_error(code, &err);
    CLAIM(slice_starts(slice_of(err.text), name), "names no file: %s", err.text);
    return NULL;
}

/* And one, where YAML finds what is missing at the end. */
static int lines_of(struct slice text)
{
    int lines = 2;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n' || text.ptr[i] == '\r' || (unsigned char)text.ptr[i] >= 0x80;
    return lines;
}

static void claim_place(const struct document *document, const char *pointer, int lines)
{
    struct position at = document_where(document, pointer);
    struct position key = document_where_key(document, pointer);
    struct position in = document_where_in(document, pointer, 1);
    CLAIM(at.line >= 1 && at.line <= lines && at.column >= 1, "%s is at %d:%d", pointer, at.line,
          at.column);
    CLAIM(key.line >= 1 && key.line <= lines && key.column >= 1, "the key of %s is at %d:%d",
          pointer, key.line, key.column);
    CLAIM(in.line >= 1 && in.line <= lines && in.column >= 1, "in %s: %d:%d", pointer, in.line,
          in.column);
}

static void add_token(struct text *pointer, const char *token)
{
    text_addc(pointer, '/');
    for (; *token; token++) {
        if (*token == '~' || *token == '/')
            text_adds(pointer, *token == '~' ? "~0" : "~1");
        else
            text_addc(pointer, *token);
    }
}

static size_t claim_places(const struct document *document, json_t *value, struct text *pointer,
                           int lines, size_t left)
{
    const char *key;
    json_t *member;
    size_t i, length = pointer->len;
    if (left == 0)
        return 0;
    left--;
    claim_place(document, text_str(pointer), lines);
    json_object_foreach (value, key, member) {
        add_token(pointer, key);
        left = claim_places(document, member, pointer, lines, left);
        pointer->len = length;
        pointer->ptr[length] = '\0';
    }
    json_array_foreach (value, i, member) {
        text_addf(pointer, "/%zu", i);
        left = claim_places(document, member, pointer, lines, left);
        pointer->len = length;
        pointer->ptr[length] = '\0';
    }
    return left;
}

/* What was read, written as JSON and read again, as JSON and as YAML where that can be. */
static void claim_document(const struct document *document)
{
    AUTO(text_done) struct text out, pointer;
    text_init(&out, (size_t)64 << 20);
    text_init(&pointer, (size_t)1 << 20);
    json_t *root = document_root(document);
    claim_places(document, root, &pointer, lines_of(document_text(document)), PLACES);
    json_write(root, &out);
    CLAIM(!out.overflowed, "more than 64 MiB came of it");
    AUTO(document_freep) struct document *json = parsed(text_slice(&out), "again.json");
    CLAIM(json && json_equal(document_root(json), root), "became another value: %s",
          text_str(&out));
    AUTO(document_freep) struct document *yaml = parsed(text_slice(&out), "again.yaml");
    CLAIM(!yaml || json_equal(document_root(yaml), root), "became another value: %s",
          text_str(&out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    AUTO(document_freep) struct document *yaml = parsed(text, "input.yaml");
    AUTO(document_freep) struct document *json = parsed(text, "input.json");
    AUTO(json_decrefp) json_t *value = bytes_json(data, size);
    CLAIM((json != NULL) == (value != NULL), "json_read and document_parse differ");
    CLAIM(!json || json_equal(document_root(json), value), "they read two values");
    CLAIM(!json || !yaml || json_equal(document_root(json), document_root(yaml)),
          "YAML reads another value than JSON");
    if (yaml)
        claim_document(yaml);
    if (json)
        claim_document(json);
    return 0;
}
