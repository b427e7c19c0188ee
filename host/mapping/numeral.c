/* SPDX-License-Identifier: Apache-2.0
 *
 * The spelling of numbers, which must be jq's to the last character, because \( ) and tostring put
 * it into strings. jq has doubles alone; integers beyond 2^53 are written exactly here.
 */
#include "mapping/numeral_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Up to here every integer is a double. */
static const double EXACT = 9007199254740992.0;
static const double INT64_END = 9223372036854775808.0;

enum { DIGITS_MAX = 17, WRITTEN_MAX = 1024, UNSIGNED_SIZE = NUMERAL_SIZE - 1 };

json_t *numeral_new(double value)
{
    if (value == floor(value) && fabs(value) <= EXACT)
        return json_integer((json_int_t)value);
    return json_real(value);
}

static size_t skip_digits(struct slice s, size_t at)
{
    while (at < s.len && s.ptr[at] >= '0' && s.ptr[at] <= '9')
        at++;
    return at;
}

/* Whether all of it is a number, and whether that is written as an integer. */
static bool is_numeral(struct slice s, bool *ret_integer)
{
    size_t start = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+') ? 1 : 0;
    size_t at = skip_digits(s, start), digits = at - start;
    bool integer = true;
    if (at < s.len && s.ptr[at] == '.') {
        size_t fraction = skip_digits(s, at + 1);
        digits += fraction - (at + 1);
        at = fraction;
        integer = false;
    }
    if (digits == 0)
        return false;
    if (at < s.len && (s.ptr[at] == 'e' || s.ptr[at] == 'E')) {
        at++;
        if (at < s.len && (s.ptr[at] == '-' || s.ptr[at] == '+'))
            at++;
        size_t end = skip_digits(s, at);
        if (end == at)
            return false;
        at = end;
        integer = false;
    }
    *ret_integer = integer;
    return at == s.len;
}

static bool read_integer(struct slice s, json_int_t *ret_value)
{
    bool negative = s.ptr[0] == '-';
    json_int_t value = 0;
    for (size_t i = s.ptr[0] == '-' || s.ptr[0] == '+' ? 1 : 0; i < s.len; i++) {
        int digit = negative ? -(s.ptr[i] - '0') : s.ptr[i] - '0';
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *ret_value = value;
    return true;
}

bool numeral_parse(struct slice written, json_t **ret_number)
{
    bool integer = false;
    json_int_t value = 0;
    if (!is_numeral(written, &integer) || written.len > WRITTEN_MAX)
        return false;
    if (integer && read_integer(written, &value)) {
        *ret_number = json_integer(value);
        return true;
    }
    char text[WRITTEN_MAX + 1];
    memcpy(text, written.ptr, written.len);
    text[written.len] = '\0';
    json_t *number = numeral_new(strtod(text, NULL));
    if (number)
        *ret_number = number;
    return number != NULL;
}

/* Adds one to the last of the digits of d.ddde±x; false if all of them are 9. */
static bool count_up(char *text, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        char *digit = text + (i > 0 ? i + 1 : 0);
        if (*digit != '9') {
            ++*digit;
            return true;
        }
        *digit = '0';
    }
    return false;
}

/* The fewest digits that read back as the value, as d.ddde±x. The nearest decimal of so many digits
 * is the one to try; but above a power of two doubles lie half as dense as below it, and there the
 * next one up may read back where the nearest, below, does not. */
static int shortest(double value, char ret_text[static NUMERAL_SIZE])
{
    int exponent;
    bool power = frexp(value, &exponent) == 0.5;
    for (int digits = 1; digits < DIGITS_MAX; digits++) {
        snprintf(ret_text, NUMERAL_SIZE, "%.*e", digits - 1, value);
        if (strtod(ret_text, NULL) == value)
            return digits;
        if (power && count_up(ret_text, digits) && strtod(ret_text, NULL) == value)
            return digits;
    }
    snprintf(ret_text, NUMERAL_SIZE, "%.*e", DIGITS_MAX - 1, value);
    return DIGITS_MAX;
}

/* digits × 10^(point - count), as jq lays it out: plain if there are at most 15 zeros behind the
 * digits and at most 4 before them, else with an exponent of at least two digits. */
static void lay_out(const char *digits, int count, int point, char *out)
{
    if (point <= -4 || point > count + 15) {
        int exponent = point - 1;
        snprintf(out, UNSIGNED_SIZE, "%c%s%.*se%c%02d", digits[0], count > 1 ? "." : "", count - 1,
                 digits + 1, exponent < 0 ? '-' : '+', abs(exponent));
    } else if (point <= 0) {
        snprintf(out, UNSIGNED_SIZE, "0.%.*s%.*s", -point, "0000", count, digits);
    } else if (point >= count) {
        snprintf(out, UNSIGNED_SIZE, "%.*s%.*s", count, digits, point - count, "000000000000000");
    } else {
        snprintf(out, UNSIGNED_SIZE, "%.*s.%.*s", point, digits, count - point, digits + point);
    }
}

const char *numeral_text(const json_t *number, char ret_text[static NUMERAL_SIZE])
{
    if (json_is_integer(number)) {
        snprintf(ret_text, NUMERAL_SIZE, "%" PRId64, (int64_t)json_integer_value(number));
        return ret_text;
    }
    double value = json_real_value(number);
    bool negative = value < 0; /* no text says -0 */
    char shown[NUMERAL_SIZE], digits[DIGITS_MAX + 1];
    int count = shortest(fabs(value), shown);
    digits[0] = shown[0];
    memcpy(digits + 1, shown + 2, (size_t)count - 1);
    int exponent = (int)strtol(strchr(shown, 'e') + 1, NULL, 10);
    if (negative)
        ret_text[0] = '-';
    lay_out(digits, count, exponent + 1, ret_text + (negative ? 1 : 0));
    return ret_text;
}

int numeral_order(const json_t *a, const json_t *b)
{
    if (json_is_real(a) && json_is_integer(b))
        return -numeral_order(b, a);
    if (json_is_real(a)) {
        double x = json_real_value(a), y = json_real_value(b);
        return (x > y) - (x < y);
    }
    json_int_t x = json_integer_value(a);
    if (json_is_integer(b)) {
        json_int_t y = json_integer_value(b);
        return (x > y) - (x < y);
    }
    double y = json_real_value(b);
    if (y >= INT64_END || y < -INT64_END)
        return y > 0 ? -1 : 1;
    json_int_t whole = (json_int_t)y;
    if (x != whole)
        return x > whole ? 1 : -1;
    double rest = y - (double)whole;
    return (rest < 0) - (rest > 0);
}
