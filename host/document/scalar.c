/* SPDX-License-Identifier: Apache-2.0
 *
 * Plain scalars of YAML by the core schema of YAML 1.2 (section 10.3.2): `yes`, `no`, `on`, `off`,
 * dates, `1_000` and `12:30` are strings here, as they look. Numbers that JSON or 64 bits cannot
 * hold are not bent to something else; the caller refuses them.
 */
#include "document/document_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

static bool one_of(struct slice s, const char *const *words)
{
    for (; *words; words++)
        if (slice_is(s, *words))
            return true;
    return false;
}

static bool is_digit(char c, int base)
{
    if (base == 16)
        return isxdigit((unsigned char)c) != 0;
    return c >= '0' && c < '0' + base;
}

static size_t digits(struct slice s, size_t from, int base)
{
    size_t at = from;
    while (at < s.len && is_digit(s.ptr[at], base))
        at++;
    return at - from;
}

/* The base of an integer's spelling, 0 if it is none. */
static int integer_base(struct slice s)
{
    if (slice_starts(s, "0o"))
        return s.len > 2 && digits(s, 2, 8) == s.len - 2 ? 8 : 0;
    if (slice_starts(s, "0x"))
        return s.len > 2 && digits(s, 2, 16) == s.len - 2 ? 16 : 0;
    size_t sign = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+');
    return s.len > sign && digits(s, sign, 10) == s.len - sign ? 10 : 0;
}

static enum scalar_kind integer_read(struct slice s, int base, json_t **ret_value)
{
    AUTO(freep) char *copy = xstrndup(s.ptr, s.len);
    errno = 0;
    long long value = strtoll(base == 10 ? copy : copy + 2, NULL, base);
    if (errno == ERANGE)
        return SCALAR_TOO_BIG;
    *ret_value = json_integer(value);
    return SCALAR_INTEGER;
}

/* [-+]? ( \.[0-9]+ | [0-9]+ (\.[0-9]*)? ) ([eE][-+]?[0-9]+)? */
static bool is_real(struct slice s)
{
    size_t at = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+');
    size_t whole = digits(s, at, 10), fraction = 0;
    at += whole;
    if (at < s.len && s.ptr[at] == '.') {
        fraction = digits(s, at + 1, 10);
        at += 1 + fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (at < s.len && (s.ptr[at] == 'e' || s.ptr[at] == 'E')) {
        at++;
        at += at < s.len && (s.ptr[at] == '-' || s.ptr[at] == '+');
        size_t exponent = digits(s, at, 10);
        if (exponent == 0)
            return false;
        at += exponent;
    }
    return at == s.len;
}

enum scalar_kind scalar_read(struct slice s, json_t **ret_value)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    static const char *const strange[] = {".inf",  ".Inf",  ".INF",  "-.inf", "-.Inf",
                                          "-.INF", "+.inf", "+.Inf", "+.INF", ".nan",
                                          ".NaN",  ".NAN",  NULL};
    if (one_of(s, nulls)) {
        *ret_value = json_null();
        return SCALAR_NULL;
    }
    if (one_of(s, trues) || one_of(s, falses)) {
        *ret_value = json_boolean(one_of(s, trues));
        return SCALAR_BOOLEAN;
    }
    if (one_of(s, strange))
        return SCALAR_NOT_FINITE;
    int base = integer_base(s);
    if (base)
        return integer_read(s, base, ret_value);
    if (is_real(s)) {
        double real;
        if (!real_read(s, &real))
            return SCALAR_TOO_BIG;
        *ret_value = json_real(real);
        return SCALAR_REAL;
    }
    *ret_value = json_stringn_nocheck(s.ptr, s.len);
    return SCALAR_STRING;
}
