/* SPDX-License-Identifier: Apache-2.0
 *
 * The doors of JSON texts, and what is said at them: a complaint names line and column, what was
 * expected, what was found and what to do. Lines are counted only when there is one.
 */
#include "document/json_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- Complaints ---- */

void json_wrong(struct json_reader *r, enum error_code code, const char *at, const char *format,
                ...)
{
    va_list args;
    if (r->flaw->code)
        return;
    va_start(args, format);
    vsnprintf(r->flaw->text, sizeof(r->flaw->text), format, args);
    va_end(args);
    r->flaw->code = code;
    r->flaw->at = at;
}

/* How many bytes of what stands there a reader can use: a word, or one character. */
static int bytes_to_show(struct slice rest)
{
    enum { WORD = 24 };
    int len = 0;
    while ((size_t)len < rest.len && len < WORD &&
           ((rest.ptr[len] | 0x20) >= 'a' && (rest.ptr[len] | 0x20) <= 'z'))
        len++;
    if (len > 0)
        return len;
    for (size_t bytes = 1; bytes <= 4 && bytes <= rest.len; bytes++)
        if ((unsigned char)rest.ptr[0] > 0x20 && rest.ptr[0] != 0x7F &&
            slice_valid_utf8((struct slice){rest.ptr, bytes}))
            return (int)bytes;
    return 0;
}

/* What people write who think of another language. */
static const char *cure(struct slice rest)
{
    switch (rest.ptr[0]) {
    case '\'':
        return "; strings stand in double quotes";
    case '/':
    case '#':
        return "; JSON has no comments";
    case ']':
    case '}':
    case ',':
        return "; a comma stands between two values only";
    case 'N':
    case 'I':
        return "; JSON knows no NaN and no Infinity, and writes null in small letters";
    case 'T':
    case 'F':
        return "; JSON writes true and false in small letters";
    default:
        return "";
    }
}

void json_unexpected(struct json_reader *r, const char *expected)
{
    struct slice rest = {r->at, (size_t)(r->end - r->at)};
    int shown = bytes_to_show(rest);
    if (rest.len == 0)
        json_wrong(r, ERR_INPUT, r->at, "bad JSON: the text ends too early, expected %s", expected);
    else if (shown == 0)
        json_wrong(r, ERR_INPUT, r->at, "bad JSON: expected %s, found byte 0x%02x", expected,
                   (unsigned char)rest.ptr[0]);
    else
        json_wrong(r, ERR_INPUT, r->at, "bad JSON: expected %s, found '%.*s'%s", expected, shown,
                   rest.ptr, cure(rest));
}

/* ---- Doors ---- */

static enum error_code complain(struct error *reterr, const char *name, struct slice text,
                                const struct json_flaw *flaw)
{
    struct position at = document_position_of(text, (size_t)(flaw->at - text.ptr));
    if (name)
        return document_complain(reterr, flaw->code, name, at, "%s", flaw->text);
    return error_set(reterr, flaw->code, "line %d, column %d: %s", at.line, at.column, flaw->text);
}

/* Who lets more bytes in lets as many more values in. */
static size_t values_of(size_t maximum)
{
    size_t more = maximum / (LIMIT_PAYLOAD / LIMIT_JSON_VALUES);
    return more > LIMIT_JSON_VALUES ? more : LIMIT_JSON_VALUES;
}

enum error_code json_read_compact(struct slice text, size_t maximum, json_t **ret_value,
                                  bool *ret_compact, struct error *reterr)
{
    struct json_flaw flaw;
    if (text.len > maximum)
        return error_set(reterr, ERR_LIMIT, "%zu bytes of JSON, where at most %zu are allowed",
                         text.len, maximum);
    return json_parse(text, LIMIT_DEPTH, values_of(maximum), NULL, ret_value, ret_compact, &flaw)
               ? ERR_OK
               : complain(reterr, NULL, text, &flaw);
}

enum error_code json_read(struct slice text, size_t maximum, json_t **ret_value,
                          struct error *reterr)
{
    return json_read_compact(text, maximum, ret_value, NULL, reterr);
}

enum error_code json_read_own(struct slice text, json_t **ret_value, struct error *reterr)
{
    struct json_flaw flaw;
    return json_parse(text, OWN_DEPTH, SIZE_MAX, NULL, ret_value, NULL, &flaw)
               ? ERR_OK
               : complain(reterr, NULL, text, &flaw);
}

enum error_code json_read_file(const char *path, size_t maximum, json_t **ret_value,
                               struct error *reterr)
{
    AUTO(freep) char *bytes = NULL;
    struct slice text;
    struct json_flaw flaw;
    enum error_code e = document_read_file(path, maximum, &bytes, &text.len, reterr);
    if (e)
        return e;
    text.ptr = bytes;
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    return json_parse(text, LIMIT_DEPTH, values_of(maximum), NULL, ret_value, NULL, &flaw)
               ? ERR_OK
               : complain(reterr, name, text, &flaw);
}

enum error_code json_read_places(struct slice text, const char *name, struct places *places,
                                 json_t **ret_root, struct error *reterr)
{
    struct json_flaw flaw;
    return json_parse(text, LIMIT_DEPTH, LIMIT_JSON_VALUES, places, ret_root, NULL, &flaw)
               ? ERR_OK
               : complain(reterr, name, text, &flaw);
}
