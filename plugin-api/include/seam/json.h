/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading JSON in a plugin. Header only, C11 or C++17, libc.
 *
 * There is no tree: a value *is* the piece of text that spells it, a seam_bytes inside the
 * document, and an empty one is "absent". So there is nothing to free, a value can be passed on as
 * it is (seam_put_json), and every function is safe on any bytes: what is not JSON, is nested
 * deeper than SEAM_JSON_DEPTH or is of another kind reads as absent. Each look-up walks the
 * document from its start; to see all of a large one, walk it once with seam_json_next().
 *
 *     seam_bytes name = seam_json_at(call->input, "/customer/name");
 *     seam_json_walk walk = seam_json_members(seam_json_at(call->input, "/items"));
 *     while (seam_json_next(&walk))
 *         use(walk.value);
 */
#ifndef SEAM_JSON_H
#define SEAM_JSON_H

#include <seam/decimal.h>
#include <seam/plugin.h>
#include <seam/utf8.h>

#include <float.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEAM_JSON_DEPTH 128 /* nesting of objects and arrays */

/* The bytes of a C string. */
static inline seam_bytes seam_text(const char *text)
{
    seam_bytes bytes = {text, strlen(text)};
    return bytes;
}

typedef enum seam_json_kind {
    SEAM_JSON_ABSENT,
    SEAM_JSON_NULL,
    SEAM_JSON_BOOLEAN,
    SEAM_JSON_NUMBER,
    SEAM_JSON_STRING,
    SEAM_JSON_ARRAY,
    SEAM_JSON_OBJECT
} seam_json_kind;

static inline const char *seam_space_(const char *p, const char *end)
{
    while (p < end && *p <= ' ' && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

/* The four hexadecimal digits at p as a number, or -1. */
static inline int32_t seam_hex4_(const char *p, const char *end)
{
    int32_t code = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    return code;
}

/* Each skip_ returns the end of what stands at p, or NULL if that is not JSON. */
static inline const char *seam_skip_string_(const char *p, const char *end)
{
    if (p >= end || *p != '"')
        return NULL;
    while ((p = seam_plain_(p + 1, end)) < end && *p != '"') {
        if (*p == '\\') {
            p++;
            if (p >= end || (*p == 'u' ? seam_hex4_(p + 1, end) < 0 : !memchr("\"\\/bfnrt", *p, 8)))
                return NULL;
            p += *p == 'u' ? 4 : 0;
        } else {
            size_t length = (unsigned char)*p < 0x20 ? 0 : seam_utf8_(p, end);
            if (length == 0)
                return NULL;
            p += length - 1;
        }
    }
    return p < end ? p + 1 : NULL;
}

static inline const char *seam_skip_digits_(const char *p, const char *end)
{
    const char *start = p;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p > start ? p : NULL;
}

static inline const char *seam_skip_number_(const char *p, const char *end)
{
    if (p < end && *p == '-')
        p++;
    p = p < end && *p == '0' ? p + 1 : seam_skip_digits_(p, end);
    if (p && p < end && *p == '.')
        p = seam_skip_digits_(p + 1, end);
    if (p && p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        p = seam_skip_digits_(p, end);
    }
    return p;
}

static inline const char *seam_skip_word_(const char *p, const char *end, const char *word)
{
    size_t length = strlen(word);
    return (size_t)(end - p) >= length && memcmp(p, word, length) == 0 ? p + length : NULL;
}

/* Inside `text`; its end as a pointer argument would make gcc ask for initialised bytes there. */
static inline const char *seam_skip_value_(const char *p, seam_bytes text, int depth)
{
    const char *end = text.ptr + text.len;
    if (p >= end || depth > SEAM_JSON_DEPTH)
        return NULL;
    switch (*p) {
    case '"':
        return seam_skip_string_(p, end);
    case 't':
        return seam_skip_word_(p, end, "true");
    case 'f':
        return seam_skip_word_(p, end, "false");
    case 'n':
        return seam_skip_word_(p, end, "null");
    case '{':
    case '[':
        break;
    default:
        return seam_skip_number_(p, end);
    }
    char open = *p, close = open == '{' ? '}' : ']';
    p = seam_space_(p + 1, end);
    if (p < end && *p == close)
        return p + 1;
    for (;;) {
        if (open == '{') {
            p = seam_skip_string_(p, end);
            p = p ? seam_space_(p, end) : NULL;
            if (!p || p >= end || *p != ':')
                return NULL;
            p = seam_space_(p + 1, end);
        }
        p = seam_skip_value_(p, text, depth + 1);
        p = p ? seam_space_(p, end) : NULL;
        if (!p || p >= end || (*p != ',' && *p != close))
            return NULL;
        if (*p == close)
            return p + 1;
        p = seam_space_(p + 1, end);
    }
}

/* The one JSON value that `text` holds, without the space around it; absent if it is not JSON. */
static inline seam_bytes seam_json_parse(seam_bytes text)
{
    seam_bytes absent = {NULL, 0};
    if (text.len == 0)
        return absent;
    const char *end = text.ptr + text.len, *start = seam_space_(text.ptr, end);
    const char *stop = seam_skip_value_(start, text, 1);
    if (!stop || seam_space_(stop, end) != end)
        return absent;
    seam_bytes value = {start, (size_t)(stop - start)};
    return value;
}

static inline seam_json_kind seam_json_kind_of(seam_bytes value)
{
    if (value.len == 0)
        return SEAM_JSON_ABSENT;
    const char *end = value.ptr + value.len, *p = seam_space_(value.ptr, end);
    if (p == end)
        return SEAM_JSON_ABSENT;
    switch (*p) {
    case '{':
        return SEAM_JSON_OBJECT;
    case '[':
        return SEAM_JSON_ARRAY;
    case '"':
        return SEAM_JSON_STRING;
    case 't':
    case 'f':
        return SEAM_JSON_BOOLEAN;
    case 'n':
        return SEAM_JSON_NULL;
    default:
        return *p == '-' || (*p >= '0' && *p <= '9') ? SEAM_JSON_NUMBER : SEAM_JSON_ABSENT;
    }
}

/* A walk over the members of an object or the items of an array, in their order. */
typedef struct seam_json_walk {
    seam_bytes key;   /* of an object's member: a string value, quotes and all; else absent */
    seam_bytes value; /* never absent after seam_json_next() was true */
    size_t index;     /* of the value, from 0 */
    const char *next_, *end_;
    bool object_;
} seam_json_walk;

/* What is neither an object nor an array has no members. */
static inline seam_json_walk seam_json_members(seam_bytes value)
{
    seam_json_walk walk;
    memset(&walk, 0, sizeof(walk));
    seam_json_kind kind = seam_json_kind_of(value);
    if (kind == SEAM_JSON_OBJECT || kind == SEAM_JSON_ARRAY) {
        walk.end_ = value.ptr + value.len;
        walk.next_ = seam_space_(value.ptr, walk.end_) + 1;
        walk.object_ = kind == SEAM_JSON_OBJECT;
    }
    return walk;
}

static inline bool seam_next_(seam_json_walk *walk, int depth)
{
    if (!walk->next_)
        return false;
    const char *end = walk->end_, *p = seam_space_(walk->next_, end);
    bool first = walk->value.ptr == NULL;
    walk->next_ = NULL;
    if (!first) {
        if (p >= end || *p != ',')
            return false;
        p = seam_space_(p + 1, end);
        walk->index++;
    }
    if (walk->object_) {
        const char *key = p;
        p = seam_skip_string_(key, end);
        if (!p)
            return false;
        walk->key.ptr = key;
        walk->key.len = (size_t)(p - key);
        p = seam_space_(p, end);
        if (p >= end || *p != ':')
            return false;
        p = seam_space_(p + 1, end);
    }
    seam_bytes rest = {p, (size_t)(end - p)};
    const char *stop = seam_skip_value_(p, rest, depth);
    if (!stop)
        return false;
    walk->value.ptr = p;
    walk->value.len = (size_t)(stop - p);
    walk->next_ = stop;
    return true;
}

/* Moves to the next member; false at the end, and where the text stops being JSON. */
static inline bool seam_json_next(seam_json_walk *walk)
{
    return seam_next_(walk, 1);
}

static inline size_t seam_encode_(uint32_t code, char *to)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xc0 | (code >> 6));
        to[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (char)(0xe0 | (code >> 12));
        to[1] = (char)(0x80 | ((code >> 6) & 0x3f));
        to[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | (code >> 18));
    to[1] = (char)(0x80 | ((code >> 12) & 0x3f));
    to[2] = (char)(0x80 | ((code >> 6) & 0x3f));
    to[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* Reads one character of a checked string at p (not its closing quote) into to[4], its length into
 * *ret_length. Half a surrogate pair becomes U+FFFD. */
static inline const char *seam_character_(const char *p, const char *end, char *to,
                                          size_t *ret_length)
{
    if (*p != '\\') {
        *ret_length = seam_utf8_(p, end);
        memcpy(to, p, *ret_length);
        return p + *ret_length;
    }
    p++;
    if (*p != 'u') {
        static const char names[] = "bfnrt", bytes[] = "\b\f\n\r\t";
        const char *name = strchr(names, *p);
        to[0] = name ? bytes[name - names] : *p;
        *ret_length = 1;
        return p + 1;
    }
    uint32_t code = (uint32_t)seam_hex4_(p + 1, end);
    p += 5;
    if (code >= 0xd800 && code < 0xe000) {
        int32_t low = end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? seam_hex4_(p + 2, end) : -1;
        if (code < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
            p += 6;
        } else {
            code = 0xfffd;
        }
    }
    *ret_length = seam_encode_(code, to);
    return p;
}

/* Copies the characters of a string value into memory that the caller frees with free(), ended by
 * NUL; its length, which counts NULs inside, into *ret_len unless NULL. NULL if `value` is not a
 * string, or memory is short. */
static inline char *seam_json_text(seam_bytes value, size_t *ret_len)
{
    seam_bytes string = seam_json_parse(value);
    if (seam_json_kind_of(string) != SEAM_JSON_STRING)
        return NULL;
    char *text = (char *)malloc(string.len);
    if (!text)
        return NULL;
    const char *p = string.ptr + 1, *end = string.ptr + string.len - 1;
    size_t len = 0, length;
    for (;;) {
        const char *plain = p;
        p = seam_plain_(p, end);
        memcpy(text + len, plain, (size_t)(p - plain));
        len += (size_t)(p - plain);
        if (p == end)
            break;
        char character[4];
        p = seam_character_(p, end, character, &length);
        memcpy(text + len, character, length); /* never longer than its spelling */
        len += length;
    }
    text[len] = '\0';
    if (ret_len)
        *ret_len = len;
    return text;
}

/* The value of a base64 digit, or -1. */
static inline int seam_base64_(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *digit = (const char *)memchr(digits, c, 64);
    return digit ? (int)(digit - digits) : -1;
}

/* Like seam_json_text(), of the bytes that a string value spells in base64, padded. NULL too if it
 * does not. */
static inline char *seam_json_base64(seam_bytes value, size_t *ret_len)
{
    size_t len;
    char *text = seam_json_text(value, &len);
    if (!text)
        return NULL;
    size_t digits = len;
    while (digits > 0 && len - digits < 2 && text[digits - 1] == '=')
        digits--;
    bool good = len % 4 == 0;
    uint32_t bits = 0;
    size_t count = 0;
    for (size_t i = 0; good && i < digits; i++) {
        int digit = seam_base64_(text[i]);
        good = digit >= 0;
        bits = (bits << 6) | (uint32_t)(digit & 63);
        if (i % 4 != 0) /* never overtakes what is still to be read */
            text[count++] = (char)(bits >> (6 - 2 * (i % 4)));
    }
    if (!good) {
        free(text);
        return NULL;
    }
    text[count] = '\0';
    *ret_len = count;
    return text;
}

/* Is `value` the string `text`? */
static inline bool seam_json_is(seam_bytes value, const char *text)
{
    seam_bytes string = seam_json_parse(value);
    if (seam_json_kind_of(string) != SEAM_JSON_STRING)
        return false;
    const char *p = string.ptr + 1, *end = string.ptr + string.len - 1;
    size_t left = strlen(text);
    while (p < end) {
        char character[4];
        size_t length;
        p = seam_character_(p, end, character, &length);
        if (left < length || memcmp(text, character, length) != 0)
            return false;
        text += length;
        left -= length;
    }
    return left == 0;
}

static inline bool seam_json_true(seam_bytes value)
{
    seam_bytes parsed = seam_json_parse(value);
    return parsed.len == 4 && memcmp(parsed.ptr, "true", 4) == 0;
}

/* The number into *ret; false, and *ret as it was, for anything else, for what no double holds and
 * for more than 63 digits. */
static inline bool seam_json_number(seam_bytes value, double *ret)
{
    char digits[64];
    seam_bytes number = seam_json_parse(value);
    if (seam_json_kind_of(number) != SEAM_JSON_NUMBER || number.len >= sizeof(digits))
        return false;
    if (seam_read_number_(number.ptr, number.ptr + number.len, ret))
        return true;
    memcpy(digits, number.ptr, number.len);
    digits[number.len] = '\0';
    char *stop, *point = strchr(digits, '.');
    double parsed = strtod(digits, &stop);
    if (*stop != '\0' && point) { /* a locale whose decimal point is another */
        *point = ',';
        parsed = strtod(digits, &stop);
    }
    if (*stop != '\0' || !(parsed >= -DBL_MAX && parsed <= DBL_MAX))
        return false;
    *ret = parsed;
    return true;
}

/* The same for whole numbers; 1.0 and 1e3 are some. */
static inline bool seam_json_integer(seam_bytes value, int64_t *ret)
{
    double number;
    if (!seam_json_number(value, &number))
        return false;
    seam_bytes digits = seam_json_parse(value);
    const char *p = digits.ptr, *end = p + digits.len;
    bool negative = *p == '-';
    int64_t integer = 0;
    for (p += negative; p < end && *p >= '0' && *p <= '9'; p++) {
        int digit = *p - '0';
        if (integer < (INT64_MIN + digit) / 10)
            return false;
        integer = integer * 10 - digit; /* below zero there is room for one more */
    }
    if (p == end) {
        if (!negative && integer == INT64_MIN)
            return false;
        *ret = negative ? integer : -integer;
        return true;
    }
    /* A fraction or an exponent: exact while a double is. */
    if (!(number >= -9007199254740992.0 && number <= 9007199254740992.0) ||
        (double)(int64_t)number != number)
        return false;
    *ret = (int64_t)number;
    return true;
}

/* Does the key, a string value, spell the token of a JSON Pointer that ends at `end`? */
static inline bool seam_is_token_(seam_bytes key, const char *token, const char *end)
{
    const char *p = key.ptr + 1, *stop = key.ptr + key.len - 1;
    while (p < stop) {
        char character[4] = {*p};
        size_t length = 1;
        if (*p == '\\')
            p = seam_character_(p, stop, character, &length);
        else
            p++;
        for (size_t i = 0; i < length; i++) {
            if (token >= end)
                return false;
            char c = *token++;
            if (c == '~' && token < end)
                c = *token++ == '1' ? '/' : '~';
            if (c != character[i])
                return false;
        }
    }
    return token == end;
}

static inline bool seam_is_index_(size_t index, const char *token, const char *end)
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%zu", index);
    return end - token == length && memcmp(digits, token, (size_t)length) == 0;
}

/* The first member of `value` that the token names; absent if there is none. */
static inline seam_bytes seam_member_(seam_json_walk *walk, const char *token, const char *end,
                                      int depth)
{
    seam_bytes absent = {NULL, 0};
    while (seam_next_(walk, depth))
        if (walk->object_ ? seam_is_token_(walk->key, token, end)
                          : seam_is_index_(walk->index, token, end))
            return walk->value;
    return absent;
}

/* Like seam_member_(), in a document that nobody has checked: it is walked to its end. */
static inline seam_bytes seam_checked_member_(seam_bytes text, const char *token, const char *end)
{
    seam_bytes absent = {NULL, 0};
    seam_json_walk walk = seam_json_members(text);
    if (!walk.next_)
        return absent;
    const char *start = walk.next_, *stop = walk.end_;
    seam_bytes found = seam_member_(&walk, token, end, 2);
    while (seam_next_(&walk, 2))
        ;
    const char *p = seam_space_(walk.value.ptr ? walk.value.ptr + walk.value.len : start, stop);
    if (p >= stop || *p != (walk.object_ ? '}' : ']') || seam_space_(p + 1, stop) != stop)
        return absent;
    return found;
}

/* What a JSON Pointer ("/items/0/name", "" = all) finds in `value`; absent if nothing. Of members
 * with one name it finds the first. */
static inline seam_bytes seam_json_at(seam_bytes value, const char *pointer)
{
    seam_bytes absent = {NULL, 0};
    if (*pointer != '/')
        return *pointer == '\0' ? seam_json_parse(value) : absent;
    const char *token = pointer + 1, *end = token + strcspn(token, "/");
    value = seam_checked_member_(value, token, end);
    while (*end == '/' && value.len > 0) {
        seam_json_walk walk = seam_json_members(value);
        token = end + 1;
        end = token + strcspn(token, "/");
        value = seam_member_(&walk, token, end, 1);
    }
    return value;
}

#endif
