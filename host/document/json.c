/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON texts, strictly: jansson reads the value; depth is measured before it (its own limit is not
 * ours), and its complaints are said in our words. For files a second walk over the same text,
 * which is known to be valid by then, lists the places. libyaml could give those too, but it is not
 * a reader of JSON: it refuses surrogate pairs in escapes and long keys.
 */
#include "document/document_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- Reading values ---- */

/* What was wrong, where. */
struct flaw {
    enum error_code code;
    struct position at;
    char text[512];
};

PRINTF_LIKE(4, 5)
static enum error_code flaw_set(struct flaw *flaw, enum error_code code, struct position at,
                                const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(flaw->text, sizeof(flaw->text), format, args);
    va_end(args);
    flaw->code = code;
    flaw->at = at;
    return code;
}

/* The end of a string that begins at `at` (its opening quote): behind the closing one. */
static size_t string_end(struct slice text, size_t at)
{
    for (at++; at < text.len && text.ptr[at] != '"'; at++)
        if (text.ptr[at] == '\\')
            at++;
    return at < text.len ? at + 1 : text.len;
}

/* The offset of the bracket that goes too deep, or the length of the text. */
static size_t too_deep(struct slice text)
{
    int depth = 0;
    for (size_t at = 0; at < text.len;) {
        char c = text.ptr[at];
        if (c == '"') {
            at = string_end(text, at);
            continue;
        }
        if ((c == '[' || c == '{') && ++depth > LIMIT_DEPTH)
            return at;
        if (c == ']' || c == '}')
            depth--;
        at++;
    }
    return text.len;
}

/* Our words for jansson's, where ours help more. */
static const char *cure(enum json_error_code code)
{
    switch (code) {
    case json_error_numeric_overflow:
        return "; integers have 64 bits, others those of a double: send it as a string";
    case json_error_null_byte_in_key:
        return "; a key cannot hold a NUL character";
    case json_error_duplicate_key:
        return "; each key of an object may stand once";
    case json_error_end_of_input_expected:
        return "; one JSON value was expected, and nothing behind it";
    case json_error_premature_end_of_input:
        return "; the text ends too early";
    case json_error_invalid_utf8:
        return "; JSON is UTF-8";
    case json_error_unknown:
    case json_error_out_of_memory:
    case json_error_stack_overflow:
    case json_error_cannot_open_file:
    case json_error_invalid_argument:
    case json_error_invalid_syntax:
    case json_error_invalid_format:
    case json_error_wrong_type:
    case json_error_null_character:
    case json_error_null_value:
    case json_error_item_not_found:
    case json_error_index_out_of_range:
        break;
    }
    return "";
}

WARN_UNUSED static enum error_code read_value(struct slice text, json_t **ret_value,
                                              struct flaw *flaw)
{
    json_error_t error;
    size_t deep = too_deep(text);
    size_t blank = 0;
    while (blank < text.len && memchr(" \t\r\n", text.ptr[blank], 4))
        blank++;
    if (blank == text.len)
        return flaw_set(flaw, ERR_INPUT, (struct position){1, 1},
                        "there is nothing in it; expected a JSON value");
    if (slice_starts(text, "\xEF\xBB\xBF"))
        return flaw_set(flaw, ERR_INPUT, (struct position){1, 1},
                        "it begins with a byte order mark; save it as UTF-8 without one");
    if (deep < text.len)
        return flaw_set(flaw, ERR_LIMIT, document_position_of(text, deep),
                        "nested more than %d deep (LIMIT_DEPTH)", LIMIT_DEPTH);
    json_t *value = json_loadb(text.ptr, text.len,
                               JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (!value) {
        struct position at = {error.line > 0 ? error.line : 1, error.column > 0 ? error.column : 1};
        return flaw_set(flaw, ERR_INPUT, at, "bad JSON: %s%s", error.text,
                        cure(json_error_code(&error)));
    }
    *ret_value = value;
    return ERR_OK;
}

enum error_code json_read(struct slice text, size_t maximum, json_t **ret_value,
                          struct error *reterr)
{
    struct flaw flaw;
    if (text.len > maximum)
        return error_set(reterr, ERR_LIMIT, "%zu bytes of JSON, where at most %zu are allowed",
                         text.len, maximum);
    if (read_value(text, ret_value, &flaw))
        return error_set(reterr, flaw.code, "line %d, column %d: %s", flaw.at.line, flaw.at.column,
                         flaw.text);
    return ERR_OK;
}

enum error_code json_read_file(const char *path, size_t maximum, json_t **ret_value,
                               struct error *reterr)
{
    AUTO(freep) char *bytes = NULL;
    size_t len;
    struct flaw flaw;
    enum error_code e = document_read_file(path, maximum, &bytes, &len, reterr);
    if (e)
        return e;
    if (read_value((struct slice){bytes, len}, ret_value, &flaw))
        return document_complain(reterr, flaw.code,
                                 strcmp(path, "-") == 0 ? "standard input" : path, flaw.at, "%s",
                                 flaw.text);
    return ERR_OK;
}

/* ---- Listing places ---- */

struct walk {
    struct slice text;
    size_t at;
    struct position now;
    struct places *places;
};

static void advance(struct walk *w, size_t to)
{
    for (; w->at < to && w->at < w->text.len; w->at++) {
        if (w->text.ptr[w->at] == '\n')
            w->now = (struct position){w->now.line + 1, 1};
        else if (((unsigned char)w->text.ptr[w->at] & 0xC0) != 0x80)
            w->now.column++;
    }
}

/* Moves on to the next character that is not white space; 0 at the end. */
static char peek(struct walk *w)
{
    size_t to = w->at;
    while (to < w->text.len && memchr(" \t\r\n", w->text.ptr[to], 4))
        to++;
    advance(w, to);
    return w->at < w->text.len ? w->text.ptr[w->at] : '\0';
}

/* Reads the key that stands here, and the colon. */
static uint64_t walk_key(struct walk *w, uint64_t parent)
{
    size_t end = string_end(w->text, w->at);
    struct slice raw = {w->text.ptr + w->at, end - w->at};
    AUTO(json_decrefp) json_t *key = json_loadb(raw.ptr, raw.len, JSON_DECODE_ANY, NULL);
    advance(w, end);
    peek(w);
    advance(w, w->at + 1);
    return path_of_member(parent, (struct slice){json_string_value(key), json_string_length(key)});
}

static void walk_value(struct walk *w, uint64_t path, const struct position *key);

/* An object or an array; the text is valid and not too deep. */
static void walk_members(struct walk *w, uint64_t path, bool object)
{
    char close = object ? '}' : ']';
    advance(w, w->at + 1);
    for (size_t i = 0; peek(w) && w->text.ptr[w->at] != close; i++) {
        struct position key = w->now;
        if (object) {
            uint64_t member = walk_key(w, path);
            walk_value(w, member, &key);
        } else {
            walk_value(w, path_of_item(path, i), NULL);
        }
        if (peek(w) == ',')
            advance(w, w->at + 1);
    }
    advance(w, w->at + 1);
}

static void walk_value(struct walk *w, uint64_t path, const struct position *key)
{
    char c = peek(w);
    places_add(
        w->places,
        (struct place){.path = path, .content = path, .value = w->now, .key = key ? *key : w->now});
    if (c == '{' || c == '[') {
        walk_members(w, path, c == '{');
    } else if (c == '"') {
        advance(w, string_end(w->text, w->at));
    } else {
        size_t to = w->at;
        while (to < w->text.len && !memchr(" \t\r\n,]}", w->text.ptr[to], 7))
            to++;
        advance(w, to);
    }
}

enum error_code json_read_places(struct slice text, const char *name, struct places *places,
                                 json_t **ret_root, struct error *reterr)
{
    struct flaw flaw;
    if (read_value(text, ret_root, &flaw))
        return document_complain(reterr, flaw.code, name, flaw.at, "%s", flaw.text);
    struct walk walk = {.text = text, .now = {1, 1}, .places = places};
    walk_value(&walk, PATH_ROOT, NULL);
    return ERR_OK;
}
