/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers of JSON: whole ones to 64 bits exactly, others to the double that is nearest. Most
 * decimals have few digits; then digits and power of ten are doubles exactly, and one division or
 * multiplication rounds right (Clinger, "How to read floating point numbers accurately"). Longer
 * ones are for decimal.c, or for strtod in the C locale, whatever the process has: a plugin may
 * have set another.
 */
#include "document/json_internal.h"

#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- Reals ---- */

static locale_t plain_locale;

static void make_locale(void)
{
    plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    ASSERT(plain_locale);
}

locale_t c_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_locale);
    return plain_locale;
}

bool real_read(struct slice digits, double *ret_real)
{
    char few[64];
    AUTO(freep) char *many = NULL;
    char *copy = few;
    if (digits.len < sizeof(few)) {
        memcpy(few, digits.ptr, digits.len);
        few[digits.len] = '\0';
    } else {
        copy = many = xstrndup(digits.ptr, digits.len);
    }
    double real = strtod_l(copy, NULL, c_locale());
    if (!isfinite(real))
        return false;
    *ret_real = real;
    return true;
}

/* Whether digits × 10^power is a double by one exact operation; on machines that reckon in more
 * than doubles it would be rounded twice. */
static bool is_short(uint64_t digits, int power)
{
    return FLT_EVAL_METHOD == 0 && digits <= UINT64_C(1) << 53 && power >= -22 && power <= 22;
}

static double short_real(uint64_t digits, int power)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    return power < 0 ? (double)digits / powers[-power] : (double)digits * powers[power];
}

/* ---- Spelling ---- */

/* A number as it is spelt: its digits without sign and point (only if there are at most 19) and the
 * power of ten that they are to be taken by. */
struct numeral {
    const char *end;
    uint64_t digits;
    size_t whole, fraction; /* how many digits */
    int power;
    bool minus, real;
};

/* Digits, of which there must be one; behind them. */
static const char *some_digits(struct json_reader *r, const char *from, uint64_t *digits)
{
    const char *at = from;
    for (; at < r->end && is_digit(*at); at++)
        *digits = *digits * 10 + (uint64_t)(*at - '0');
    if (at > from)
        return at;
    r->at = at;
    json_unexpected(r, "a digit");
    return NULL;
}

/* e, a sign perhaps, digits. */
static bool spell_power(struct json_reader *r, struct numeral *n)
{
    enum { MANY = 100000 };
    uint64_t power = 0;
    const char *at = n->end + 1;
    bool minus = at < r->end && *at == '-';
    if (at < r->end && (*at == '-' || *at == '+'))
        at++;
    const char *end = some_digits(r, at, &power);
    if (!end)
        return false;
    /* Zeros may stand before it, but then the slow way does as well. */
    int bounded = end - at > 5 ? MANY : (int)power;
    n->power = minus ? -bounded : bounded;
    n->end = end;
    return true;
}

static bool spell(struct json_reader *r, struct numeral *n)
{
    const char *from = r->at + n->minus;
    n->end = some_digits(r, from, &n->digits);
    if (!n->end)
        return false;
    n->whole = (size_t)(n->end - from);
    if (n->whole > 1 && *from == '0') {
        json_wrong(r, ERR_INPUT, from, "bad JSON: a number begins with a needless 0");
        return false;
    }
    if (n->end < r->end && *n->end == '.') {
        n->real = true;
        from = n->end + 1;
        n->end = some_digits(r, from, &n->digits);
        if (!n->end)
            return false;
        n->fraction = (size_t)(n->end - from);
    }
    if (n->end == r->end || (*n->end != 'e' && *n->end != 'E'))
        return true;
    n->real = true;
    return spell_power(r, n);
}

static json_t *integer_of(struct json_reader *r, const struct numeral *n)
{
    uint64_t most = (uint64_t)INT64_MAX + n->minus;
    if (n->whole > 19 || n->digits > most) {
        json_wrong(r, ERR_INPUT, r->at,
                   "bad JSON: too big an integer; integers have 64 bits, others those of a "
                   "double: send it as a string");
        return NULL;
    }
    return json_integer((json_int_t)(n->minus ? 0 - n->digits : n->digits));
}

static json_t *real_of(struct json_reader *r, const struct numeral *n)
{
    double real;
    size_t digits = n->whole + n->fraction;
    if (digits <= 19 && is_short(n->digits, n->power - (int)n->fraction)) {
        real = short_real(n->digits, n->power - (int)n->fraction);
        return json_real(n->minus ? -real : real);
    }
    if (digits <= 19 && decimal_read(n->digits, (int)n->fraction - n->power, &real))
        return json_real(n->minus ? -real : real);
    if (!real_read((struct slice){r->at, (size_t)(n->end - r->at)}, &real)) {
        json_wrong(r, ERR_INPUT, r->at,
                   "bad JSON: too big a number; integers have 64 bits, others those of a double: "
                   "send it as a string");
        return NULL;
    }
    return json_real(real);
}

static bool is_as_written(struct json_reader *r, const json_t *real, struct slice spelt)
{
    text_clear(&r->string);
    json_write(real, &r->string);
    return slice_equal(text_slice(&r->string), spelt);
}

json_t *json_read_number(struct json_reader *r)
{
    struct numeral n = {.minus = *r->at == '-'};
    if (!spell(r, &n))
        return NULL;
    json_t *value = n.real ? real_of(r, &n) : integer_of(r, &n);
    if (value && r->compact && (n.real ? r->wants_compact : n.minus && n.digits == 0))
        r->compact =
            n.real && is_as_written(r, value, (struct slice){r->at, (size_t)(n.end - r->at)});
    if (value)
        r->at = n.end;
    return value;
}
