/* SPDX-License-Identifier: Apache-2.0
 *
 * Compact JSON. jansson would write 0.1 as 0.10000000000000001; here a number is the shortest text
 * that reads back as the same double. A real stays a real: 1.0, not 1.
 */
#include "document/bytes_internal.h"
#include "document/document_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

static uint64_t load(const char *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof(word));
    return word;
}

/* Of fewer than eight bytes: some of them twice, and blanks. */
static uint64_t load_short(struct slice s)
{
    uint32_t first, last;
    const unsigned char *at = (const unsigned char *)s.ptr;
    if (s.len == 0)
        return bytes_repeated(' ');
    if (s.len < sizeof(first))
        return bytes_repeated(' ') << 24 | (uint64_t)at[s.len - 1] << 16 |
               (uint64_t)at[s.len / 2] << 8 | at[0];
    memcpy(&first, at, sizeof(first));
    memcpy(&last, at + s.len - sizeof(last), sizeof(last));
    return (uint64_t)last << 32 | first;
}

static uint64_t odd_bytes(uint64_t word)
{
    return bytes_equal(word, '"') | bytes_equal(word, '\\') | bytes_below(word, 0x20);
}

/* No byte needs an escape. The last eight are looked at together, some of them twice. */
static bool is_all_plain(struct slice s)
{
    uint64_t odd = 0;
    if (s.len < sizeof(odd))
        return odd_bytes(load_short(s)) == 0;
    for (size_t at = 0; s.len - at > sizeof(odd); at += sizeof(odd))
        odd |= odd_bytes(load(s.ptr + at));
    return (odd | odd_bytes(load(s.ptr + s.len - sizeof(odd)))) == 0;
}

static void write_escaped(struct slice s, struct text *out)
{
    static const char names[] = "btnvfr"; /* \b is 8; \v is not JSON and never used */
    text_addc(out, '"');
    size_t from = 0;
    for (size_t at = 0; at < s.len; at++) {
        unsigned char c = (unsigned char)s.ptr[at];
        if (is_plain(c))
            continue;
        text_add(out, s.ptr + from, at - from);
        from = at + 1;
        if (c == '"' || c == '\\')
            text_addf(out, "\\%c", c);
        else if (c >= '\b' && c <= '\r' && c != '\v')
            text_addf(out, "\\%c", names[c - '\b']);
        else
            text_addf(out, "\\u%04x", c);
    }
    text_add(out, s.ptr + from, s.len - from);
    text_addc(out, '"');
}

/* Nearly all strings need no escape, and are copied whole. What stands before and behind it is one
 * character each, or NUL for none. */
static void write_string(char before, struct slice s, char behind, struct text *out)
{
    bool plain = is_all_plain(s);
    char *to = text_room(out, plain ? s.len + 4 : 1), *at = to;
    if (!to)
        return;
    if (before)
        *at++ = before;
    if (plain) {
        *at++ = '"';
        memcpy(at, s.ptr, s.len);
        at += s.len;
        *at++ = '"';
        if (behind)
            *at++ = behind;
    }
    *at = '\0';
    out->len += (size_t)(at - to);
    if (plain)
        return;
    write_escaped(s, out);
    if (behind)
        text_addc(out, behind);
}

void json_write_string(struct slice s, struct text *out)
{
    write_string('\0', s, '\0', out);
}

/* The digits of a number, and a point before the last `decimals` of them. */
static void write_digits(bool negative, uint64_t number, int decimals, struct text *out)
{
    char digits[32], *at = digits + sizeof(digits);
    int written = 0;
    do {
        if (written > 0 && written == decimals)
            *--at = '.';
        *--at = (char)('0' + number % 10);
        number /= 10;
        written++;
    } while (number > 0 || written <= decimals);
    if (negative)
        *--at = '-';
    text_add(out, at, (size_t)(digits + sizeof(digits) - at));
}

/* A decimal of at most 15 digits, of which there is but one for a double, is found by arithmetic:
 * a whole number below 2^53 over a power of ten up to 10^15 is rounded once, as a reader does. */
static bool write_short_real(double value, struct text *out)
{
    static const double powers[] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    double size = fabs(value);
    if (!(size >= 1e-4))
        return false;
    for (int decimals = 1; decimals < (int)(sizeof(powers) / sizeof(powers[0])); decimals++) {
        double whole = nearbyint(size * powers[decimals]);
        if (!(whole < 1e15))
            return false;
        if (whole / powers[decimals] == size) {
            write_digits(value < 0, (uint64_t)whole, decimals, out);
            return true;
        }
    }
    return false;
}

static void write_real(double value, struct text *out)
{
    char digits[40];
    uint64_t number;
    int decimals;
    if (write_short_real(value, out))
        return;
    if (decimal_digits(fabs(value), &number, &decimals)) {
        write_digits(value < 0, number, decimals, out);
        return;
    }
    locale_t before = uselocale(c_locale());
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    uselocale(before);
    text_adds(out, digits);
    if (!strpbrk(digits, ".en"))
        text_adds(out, ".0");
}

static void write_value(const json_t *value, int depth, struct text *out);

static void write_array(const json_t *array, int depth, struct text *out)
{
    size_t count = json_array_size(array);
    text_addc(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text_addc(out, ',');
        write_value(json_array_get(array, i), depth + 1, out);
    }
    text_addc(out, ']');
}

static void write_object(const json_t *object, int depth, struct text *out)
{
    char before = '{';
    for (void *at = json_object_iter((json_t *)object); at;
         at = json_object_iter_next((json_t *)object, at)) {
        struct slice key = {json_object_iter_key(at), json_object_iter_key_len(at)};
        write_string(before, key, ':', out);
        write_value(json_object_iter_value(at), depth + 1, out);
        before = ',';
    }
    text_adds(out, before == '{' ? "{}" : "}");
}

static void write_value(const json_t *value, int depth, struct text *out)
{
    if (depth > OWN_DEPTH)
        out->overflowed = true;
    if (out->overflowed)
        return;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        write_object(value, depth, out);
        break;
    case JSON_ARRAY:
        write_array(value, depth, out);
        break;
    case JSON_STRING:
        write_string('\0', (struct slice){json_string_value(value), json_string_length(value)},
                     '\0', out);
        break;
    case JSON_INTEGER:
        text_addi(out, json_integer_value(value));
        break;
    case JSON_REAL:
        write_real(json_real_value(value), out);
        break;
    case JSON_TRUE:
        text_add(out, "true", 4);
        break;
    case JSON_FALSE:
        text_add(out, "false", 5);
        break;
    case JSON_NULL:
        text_add(out, "null", 4);
        break;
    }
}

void json_write(const json_t *value, struct text *out)
{
    write_value(value, 0, out);
}
