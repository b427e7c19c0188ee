/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers of JSON: whole ones to 64 bits exactly, others to the double that is nearest. Most
 * decimals have few digits; then digits and power of ten are doubles exactly, and one division or
 * multiplication rounds right (Clinger, "How to read floating point numbers accurately"). The
 * others go to strtod, in the C locale whatever the process has: a plugin may have set another.
 */
#include "document/json_internal.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- Reals ---- */

static locale_t c_locale;

static void make_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    ASSERT(c_locale);
}

bool json_real_of(struct slice digits, double *ret_real)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char few[64];
    AUTO(freep) char *many = NULL;
    char *copy = few;
    if (digits.len < sizeof(few)) {
        memcpy(few, digits.ptr, digits.len);
        few[digits.len] = '\0';
    } else {
        copy = many = xstrndup(digits.ptr, digits.len);
    }
    pthread_once(&once, make_locale);
    double real = strtod_l(copy, NULL, c_locale);
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

/* Adds the digits that stand here; behind them. */
static const char *add_digits(const char *at, const char *end, uint64_t *digits)
{
    for (; at < end && is_digit(*at); at++)
        *digits = *digits * 10 + (uint64_t)(*at - '0');
    return at;
}

static const char *a_digit_is_missing(struct json_reader *r, const char *at)
{
    r->at = at;
    json_unexpected(r, "a digit");
    return NULL;
}

/* e, a sign perhaps, digits. */
static const char *read_power(struct json_reader *r, const char *at, int *ret_power)
{
    enum { MANY = 100000 };
    int power = 0;
    bool minus = ++at < r->end && *at == '-';
    if (at < r->end && (*at == '-' || *at == '+'))
        at++;
    const char *from = at;
    for (; at < r->end && is_digit(*at); at++)
        if (power < MANY)
            power = power * 10 + (*at - '0');
    *ret_power = minus ? -power : power;
    return at > from ? at : a_digit_is_missing(r, at);
}

static bool spell(struct json_reader *r, struct numeral *n)
{
    const char *at = r->at + n->minus, *from = at;
    at = add_digits(at, r->end, &n->digits);
    n->whole = (size_t)(at - from);
    if (n->whole == 0)
        return a_digit_is_missing(r, at);
    if (n->whole > 1 && *from == '0') {
        json_wrong(r, ERR_INPUT, from, "bad JSON: a number begins with a needless 0");
        return false;
    }
    if (at < r->end && *at == '.') {
        n->real = true;
        from = ++at;
        at = add_digits(at, r->end, &n->digits);
        n->fraction = (size_t)(at - from);
        if (n->fraction == 0)
            return a_digit_is_missing(r, at);
    }
    if (at < r->end && (*at == 'e' || *at == 'E')) {
        n->real = true;
        at = read_power(r, at, &n->power);
    }
    n->end = at;
    return at != NULL;
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
    if (!json_real_of((struct slice){r->at, (size_t)(n->end - r->at)}, &real)) {
        json_wrong(r, ERR_INPUT, r->at,
                   "bad JSON: too big a number; integers have 64 bits, others those of a double: "
                   "send it as a string");
        return NULL;
    }
    return json_real(real);
}

json_t *json_read_number(struct json_reader *r)
{
    struct numeral n = {.minus = *r->at == '-'};
    if (!spell(r, &n))
        return NULL;
    json_t *value = n.real ? real_of(r, &n) : integer_of(r, &n);
    if (value)
        r->at = n.end;
    return value;
}
