/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads JSON by RFC 8259 in one pass: the values are made as jansson's, UTF-8 is checked and depth
 * is counted on the way, and the places are listed if they are wanted. jansson's own reader takes
 * every byte through three layers and is several times as slow. An object or array is put where it
 * belongs before its members are read: after a failure only the root is to be freed. Nesting is the
 * stack's, and LIMIT_DEPTH bounds it. A value takes up to eighty times the bytes that it is written
 * with, so values are counted too, before they are made.
 */
#include "document/json_internal.h"

#include <string.h>

/* ---- Places ---- */

/* Each byte is counted once, for places come in their order. */
static struct position count_to(struct json_reader *r, const char *to)
{
    for (; r->counted_to < to; r->counted_to++) {
        if (*r->counted_to == '\n')
            r->counted = (struct position){r->counted.line + 1, 1};
        else if (((unsigned char)*r->counted_to & 0xC0) != 0x80)
            r->counted.column++;
    }
    return r->counted;
}

static void note_key(struct json_reader *r, uint64_t parent, struct slice key, const char *at)
{
    r->path = path_of_member(parent, key);
    r->key_at = count_to(r, at);
}

static void note_item(struct json_reader *r, uint64_t parent, size_t index)
{
    r->path = path_of_item(parent, index);
    r->key_at = (struct position){0};
}

static void note_value(struct json_reader *r)
{
    struct position at = count_to(r, r->at);
    places_add(r->places, (struct place){.path = r->path,
                                         .content = r->path,
                                         .value = at,
                                         .key = r->key_at.line ? r->key_at : at});
}

/* ---- Values ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Files are indented: most white space is in lines of blanks. */
static char skip_blanks(struct json_reader *r)
{
    static const char blanks[8] = "        ";
    r->compact &= r->at == r->end || !is_blank(*r->at);
    while (r->at < r->end && is_blank(*r->at))
        for (r->at++; r->end - r->at >= 8 && memcmp(r->at, blanks, 8) == 0;)
            r->at += 8;
    return r->at < r->end ? *r->at : '\0';
}

/* The next character that is no white space; NUL if there is none. */
static inline char peek(struct json_reader *r)
{
    return r->at<r->end && * r->at> ' ' ? *r->at : skip_blanks(r);
}

static json_t *read_word(struct json_reader *r, const char *word, json_t *value)
{
    size_t len = strlen(word);
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0) {
        json_unexpected(r, "a value");
        return NULL;
    }
    r->at += len;
    return value;
}

static json_t *read_text(struct json_reader *r)
{
    struct slice string;
    if (!json_read_string(r, &r->string, &string))
        return NULL;
    return json_stringn_nocheck(string.ptr, string.len);
}

/* Makes an object or an array that is empty yet; the bracket is passed. */
static json_t *begin(struct json_reader *r, bool object)
{
    if (++r->depth > r->deepest) {
        json_wrong(r, ERR_LIMIT, r->at, "nested more than %d deep (LIMIT_DEPTH)", r->deepest);
        return NULL;
    }
    r->at++;
    return object ? json_object() : json_array();
}

static bool has_room(struct json_reader *r, char first)
{
    size_t takes = first == '{' ? 4 : first == '[' ? 2 : 1;
    if (r->room < takes) {
        json_wrong(r, ERR_LIMIT, r->at,
                   "it holds more values than are allowed (LIMIT_JSON_VALUES: %u, where an object "
                   "counts as four and an array as two); give it in parts",
                   LIMIT_JSON_VALUES);
        return false;
    }
    r->room -= takes;
    return true;
}

/* A value whole, or the beginning of an object or array. */
static json_t *read_value(struct json_reader *r)
{
    char c = peek(r);
    if (!has_room(r, c))
        return NULL;
    if (r->places)
        note_value(r);
    switch (c) {
    case '"':
        return read_text(r);
    case '{':
    case '[':
        return begin(r, c == '{');
    case 't':
        return read_word(r, "true", json_true());
    case 'f':
        return read_word(r, "false", json_false());
    case 'n':
        return read_word(r, "null", json_null());
    default:
        if (c == '-' || (c >= '0' && c <= '9'))
            return json_read_number(r);
        json_unexpected(r, "a value");
        return NULL;
    }
}

static bool read_rest(struct json_reader *r, json_t *value);

static bool read_key(struct json_reader *r, uint64_t parent, struct slice *ret_key)
{
    const char *at = r->at;
    if (!json_read_string(r, &r->key, ret_key))
        return false;
    /* Only an escape can have put it there. */
    if (ret_key->ptr == r->key.ptr && memchr(ret_key->ptr, '\0', ret_key->len)) {
        json_wrong(r, ERR_INPUT, at, "bad JSON: a key cannot hold a NUL character");
        return false;
    }
    if (r->places)
        note_key(r, parent, *ret_key, at);
    if (peek(r) != ':') {
        json_unexpected(r, "':'");
        return false;
    }
    r->at++;
    return true;
}

/* The key that begins at `at`, as it is spelt there, has been in the object before. */
static bool second_key(struct json_reader *r, const char *at)
{
    enum { SHOWN = 100 };
    struct slice key;
    r->at = at;
    if (!json_read_string(r, &r->key, &key))
        return false;
    size_t len = (size_t)(r->at - at);
    if (len > SHOWN)
        for (len = SHOWN; ((unsigned char)at[len] & 0xC0) == 0x80;)
            len--;
    json_wrong(r, ERR_INPUT, at,
               "bad JSON: a second key %.*s; each key of an object may stand once", (int)len, at);
    return false;
}

/* One member, which is the object's `number`th if its key is new. */
static bool read_member(struct json_reader *r, json_t *object, uint64_t parent, size_t number)
{
    const char *at = r->at;
    struct slice key;
    if (!read_key(r, parent, &key))
        return false;
    json_t *value = read_value(r);
    if (!value || json_object_setn_new_nocheck(object, key.ptr, key.len, value) != 0)
        return false;
    if (json_object_size(object) != number)
        return second_key(r, at);
    return read_rest(r, value);
}

static bool end(struct json_reader *r)
{
    r->depth--;
    r->at++;
    return true;
}

static bool read_members(struct json_reader *r, json_t *object)
{
    uint64_t path = r->path;
    if (peek(r) == '}')
        return end(r);
    for (size_t number = 1;; number++) {
        if (peek(r) != '"') {
            json_unexpected(r, number == 1 ? "a key in double quotes, or '}'"
                                           : "a key in double quotes");
            return false;
        }
        if (!read_member(r, object, path, number))
            return false;
        char c = peek(r);
        if (c == '}')
            return end(r);
        if (c != ',') {
            json_unexpected(r, "',' or '}'");
            return false;
        }
        r->at++;
    }
}

static bool read_items(struct json_reader *r, json_t *array)
{
    uint64_t path = r->path;
    if (peek(r) == ']')
        return end(r);
    for (size_t i = 0;; i++) {
        if (r->places)
            note_item(r, path, i);
        json_t *value = read_value(r);
        if (!value || json_array_append_new(array, value) != 0 || !read_rest(r, value))
            return false;
        char c = peek(r);
        if (c == ']')
            return end(r);
        if (c != ',') {
            json_unexpected(r, "',' or ']'");
            return false;
        }
        r->at++;
    }
}

/* What is behind the beginning that read_value() made: the members, if it can have any. */
static bool read_rest(struct json_reader *r, json_t *value)
{
    if (json_is_object(value))
        return read_members(r, value);
    if (json_is_array(value))
        return read_items(r, value);
    return true;
}

/* ---- The whole ---- */

/* One value, and nothing behind it. */
static bool read_whole(struct json_reader *r, json_t **ret_root)
{
    if (slice_starts((struct slice){r->at, (size_t)(r->end - r->at)}, "\xEF\xBB\xBF")) {
        json_wrong(r, ERR_INPUT, r->at,
                   "it begins with a byte order mark; save it as UTF-8 without one");
        return false;
    }
    peek(r);
    if (r->at == r->end) {
        json_wrong(r, ERR_INPUT, r->start, "there is nothing in it; expected a JSON value");
        return false;
    }
    AUTO(json_decrefp) json_t *root = read_value(r);
    if (!root || !read_rest(r, root))
        return false;
    peek(r);
    if (r->at < r->end) {
        json_unexpected(r, "one JSON value, and nothing behind it");
        return false;
    }
    *ret_root = TAKE(root);
    return true;
}

bool json_parse(struct slice text, int deepest, size_t values, struct places *places,
                json_t **ret_root, bool *ret_compact, struct json_flaw *ret_flaw)
{
    struct json_reader r = {.at = text.ptr,
                            .start = text.ptr,
                            .end = text.ptr + text.len,
                            .flaw = ret_flaw,
                            .deepest = deepest,
                            .room = values,
                            .compact = true,
                            .wants_compact = ret_compact != NULL,
                            .places = places,
                            .path = PATH_ROOT,
                            .counted = {1, 1},
                            .counted_to = text.ptr};
    text_init(&r.key, text.len);
    text_init(&r.string, text.len);
    ret_flaw->code = ERR_OK;
    bool read = read_whole(&r, ret_root);
    if (!read && !ret_flaw->code)
        json_wrong(&r, ERR_LIMIT, r.at, "there is not enough memory for it");
    if (read && ret_compact)
        *ret_compact = r.compact;
    text_done(&r.key);
    text_done(&r.string);
    return read;
}
