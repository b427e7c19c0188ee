/* SPDX-License-Identifier: Apache-2.0
 *
 * The scalars of C, and JSON for them. Nothing is cut off on the way: a value that a type does not
 * hold is refused, and what JSON's numbers may not hold exactly, beyond 2^53, is written as a
 * string of digits, and read as one.
 */
#include "ffi.h"

#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>

#define EXACT INT64_C(9007199254740991) /* 2^53 - 1 */

#define SIGNED(word, ctype)                                                                        \
    {                                                                                              \
        word, 'i', sizeof(ctype),                                                                  \
            sizeof(ctype) == 1   ? &ffi_type_sint8                                                 \
            : sizeof(ctype) == 2 ? &ffi_type_sint16                                                \
            : sizeof(ctype) == 4 ? &ffi_type_sint32                                                \
                                 : &ffi_type_sint64                                                \
    }
#define UNSIGNED(word, ctype)                                                                      \
    {                                                                                              \
        word, 'u', sizeof(ctype),                                                                  \
            sizeof(ctype) == 1   ? &ffi_type_uint8                                                 \
            : sizeof(ctype) == 2 ? &ffi_type_uint16                                                \
            : sizeof(ctype) == 4 ? &ffi_type_uint32                                                \
                                 : &ffi_type_uint64                                                \
    }

static const struct scalar scalars[] = {
    SIGNED("int8", int8_t),
    UNSIGNED("uint8", uint8_t),
    SIGNED("int16", int16_t),
    UNSIGNED("uint16", uint16_t),
    SIGNED("int32", int32_t),
    UNSIGNED("uint32", uint32_t),
    SIGNED("int64", int64_t),
    UNSIGNED("uint64", uint64_t),
#if CHAR_MIN < 0
    SIGNED("char", char),
#else
    UNSIGNED("char", char),
#endif
    SIGNED("schar", signed char),
    UNSIGNED("uchar", unsigned char),
    SIGNED("short", short),
    UNSIGNED("ushort", unsigned short),
    SIGNED("int", int),
    UNSIGNED("uint", unsigned),
    SIGNED("long", long),
    UNSIGNED("ulong", unsigned long),
    SIGNED("longlong", long long),
    UNSIGNED("ulonglong", unsigned long long),
    UNSIGNED("size_t", size_t),
    SIGNED("ssize_t", ssize_t),
    {"float", 'f', sizeof(float), &ffi_type_float},
    {"double", 'f', sizeof(double), &ffi_type_double},
    {"bool", 'b', 1, &ffi_type_uint8},
};

const struct scalar *scalar_find(seam_bytes name)
{
    for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++)
        if (seam_json_is(name, scalars[i].name))
            return &scalars[i];
    return NULL;
}

/* ---- bytes ---- */

static int64_t smallest(const struct scalar *s)
{
    return s->code == 'i' ? INT64_MIN >> (64 - 8 * s->size) : 0;
}

static uint64_t largest(const struct scalar *s)
{
    return s->code == 'b' ? 1 : UINT64_MAX >> (64 - 8 * s->size + (s->code == 'i' ? 1 : 0));
}

static void store(const struct scalar *s, uint64_t bits, void *ret)
{
    union cell cell;
    switch (s->size) {
    case 1:
        cell.u8 = (uint8_t)bits;
        break;
    case 2:
        cell.u16 = (uint16_t)bits;
        break;
    case 4:
        cell.u32 = (uint32_t)bits;
        break;
    default:
        cell.u64 = bits;
    }
    memcpy(ret, &cell, s->size);
}

int64_t scalar_integer(const struct scalar *s, const void *from)
{
    union cell cell = {.u64 = 0};
    memcpy(&cell, from, s->size);
    bool is_signed = s->code == 'i';
    switch (s->size) {
    case 1:
        return is_signed ? cell.i8 : cell.u8;
    case 2:
        return is_signed ? cell.i16 : cell.u16;
    case 4:
        return is_signed ? (int64_t)cell.i32 : (int64_t)cell.u32;
    default:
        return cell.i64;
    }
}

static double floating(const struct scalar *s, const void *from)
{
    union cell cell;
    memcpy(&cell, from, s->size);
    return s->size == sizeof(float) ? (double)cell.f : cell.d;
}

bool scalar_store(const struct scalar *s, uint64_t value, void *ret)
{
    if (s->code == 'f' || value > largest(s))
        return false;
    store(s, value, ret);
    return true;
}

int scalar_compare(const struct scalar *s, const void *a, const void *b)
{
    if (s->code == 'f') {
        double left = floating(s, a), right = floating(s, b);
        return (left > right) - (left < right);
    }
    int64_t left = scalar_integer(s, a), right = scalar_integer(s, b);
    if (s->code == 'i')
        return (left > right) - (left < right);
    return ((uint64_t)left > (uint64_t)right) - ((uint64_t)left < (uint64_t)right);
}

/* ---- from JSON ---- */

/* Digits, perhaps with a sign, as a size and that sign. */
static bool read_digits(const char *text, bool *ret_negative, uint64_t *ret_size)
{
    *ret_negative = *text == '-';
    const char *p = text + *ret_negative;
    uint64_t size = 0;
    if (!*p || strlen(p) > 20)
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (size > (UINT64_MAX - digit) / 10)
            return false;
        size = size * 10 + digit;
    }
    *ret_size = size;
    return *p == '\0';
}

static bool read_integer(seam_bytes json, bool *ret_negative, uint64_t *ret_size)
{
    int64_t number;
    if (seam_json_kind_of(json) == SEAM_JSON_STRING) {
        char *text = seam_json_text(json, NULL);
        bool good = text && read_digits(text, ret_negative, ret_size);
        free(text);
        return good;
    }
    if (!seam_json_integer(json, &number))
        return false;
    *ret_negative = number < 0;
    *ret_size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    return true;
}

static bool read_floating(const struct scalar *s, seam_bytes json, void *ret)
{
    union cell cell;
    double number;
    if (seam_json_is(json, "NaN"))
        number = (double)NAN;
    else if (seam_json_is(json, "Infinity"))
        number = (double)INFINITY;
    else if (seam_json_is(json, "-Infinity"))
        number = -(double)INFINITY;
    else if (!seam_json_number(json, &number) ||
             (s->size == sizeof(float) && fabs(number) > (double)FLT_MAX))
        return false;
    if (s->size == sizeof(float))
        cell.f = (float)number;
    else
        cell.d = number;
    memcpy(ret, &cell, s->size);
    return true;
}

bool scalar_read(const struct scalar *s, seam_bytes json, void *ret, char why[static 160])
{
    if (s->code == 'f') {
        snprintf(why, 160, "expected a number that %s holds", s->name);
        return read_floating(s, json, ret);
    }
    if (s->code == 'b') {
        snprintf(why, 160, "expected true or false");
        store(s, seam_json_true(json), ret);
        return seam_json_kind_of(json) == SEAM_JSON_BOOLEAN;
    }
    bool negative = false;
    uint64_t size = 0, most_below = 0 - (uint64_t)smallest(s);
    snprintf(why, 160, "expected %s, an integer from %lld to %llu", s->name, (long long)smallest(s),
             (unsigned long long)largest(s));
    if (!read_integer(json, &negative, &size) || size > (negative ? most_below : largest(s)))
        return false;
    store(s, negative ? 0 - size : size, ret);
    return true;
}

/* ---- to JSON ---- */

void scalar_write(const struct scalar *s, const void *from, seam_writer *out, const char *key)
{
    char digits[32];
    if (s->code == 'f') {
        double number = floating(s, from);
        if (isfinite(number))
            seam_put_number(out, key, number);
        else
            seam_put_text(out, key, isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
        return;
    }
    int64_t integer = scalar_integer(s, from);
    if (s->code == 'b') {
        seam_put_boolean(out, key, integer != 0);
    } else if (integer <= EXACT && integer >= (s->code == 'u' ? 0 : -EXACT)) {
        seam_put_integer(out, key, integer);
    } else {
        if (s->code == 'i')
            snprintf(digits, sizeof(digits), "%lld", (long long)integer);
        else
            snprintf(digits, sizeof(digits), "%llu", (unsigned long long)integer);
        seam_put_text(out, key, digits);
    }
}

static void integer_schema(const struct scalar *s, seam_writer *out)
{
    int64_t least = smallest(s) < -EXACT ? -EXACT : smallest(s);
    int64_t most = largest(s) > (uint64_t)EXACT ? EXACT : (int64_t)largest(s);
    seam_put_text(out, "type", "integer");
    seam_put_integer(out, "minimum", least);
    seam_put_integer(out, "maximum", most);
}

void scalar_schema(const struct scalar *s, seam_writer *out, const char *key)
{
    seam_put_object(out, key);
    if (s->code == 'b') {
        seam_put_text(out, "type", "boolean");
    } else if (s->code != 'f' && s->size < 8) {
        integer_schema(s, out);
    } else {
        seam_put_array(out, "anyOf");
        seam_put_object(out, NULL);
        if (s->code == 'f')
            seam_put_text(out, "type", "number");
        else
            integer_schema(s, out);
        if (s->code == 'f' && s->size == sizeof(float)) {
            seam_put_number(out, "minimum", -(double)FLT_MAX);
            seam_put_number(out, "maximum", (double)FLT_MAX);
        }
        seam_put_end(out);
        seam_put_object(out, NULL);
        if (s->code == 'f') {
            seam_put_json(out, "enum", seam_text("[\"NaN\",\"Infinity\",\"-Infinity\"]"));
        } else {
            seam_put_text(out, "type", "string");
            seam_put_text(out, "pattern", s->code == 'i' ? "^-?[0-9]{1,19}$" : "^[0-9]{1,20}$");
        }
        seam_put_end(out);
        seam_put_end(out);
    }
    seam_put_end(out);
}
