/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparing and dividing numbers exactly. A double stands for the shortest decimal that reads back
 * as itself, which is what its author wrote: so 0.3 is a multiple of 0.1 though no double says so.
 */
#include "contract/number_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

__extension__ typedef unsigned __int128 wide;

#define TWO_63 9223372036854775808.0

struct number number_of(const json_t *value)
{
    if (json_is_integer(value))
        return (struct number){.integer = true, .i = json_integer_value(value)};
    return (struct number){.integer = false, .d = json_real_value(value)};
}

bool number_integral(double d)
{
    return floor(d) == d && !isinf(d);
}

static int compare_mixed(int64_t i, double d)
{
    if (d >= TWO_63)
        return -1;
    if (d < -TWO_63)
        return 1;
    int64_t whole = (int64_t)d;
    if (i != whole)
        return i < whole ? -1 : 1;
    double part = d - (double)whole;
    return part > 0 ? -1 : part < 0 ? 1 : 0;
}

int number_compare(struct number a, struct number b)
{
    if (a.integer && b.integer)
        return (a.i > b.i) - (a.i < b.i);
    if (!a.integer && !b.integer)
        return (a.d > b.d) - (a.d < b.d);
    return a.integer ? compare_mixed(a.i, b.d) : -compare_mixed(b.i, a.d);
}

static struct decimal without_zeros(uint64_t mantissa, int exponent)
{
    if (mantissa == 0)
        return (struct decimal){0, 0};
    for (; mantissa % 10 == 0; mantissa /= 10)
        exponent++;
    return (struct decimal){mantissa, exponent};
}

/* Reads "d.ddde±xx"; what stands between the digits may be any locale's point. */
static struct decimal read_scientific(const char *text)
{
    uint64_t mantissa = 0;
    int digits = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9')
            continue;
        mantissa = mantissa * 10 + (uint64_t)(*text - '0');
        digits++;
    }
    int exponent = *text == 'e' ? (int)strtol(text + 1, NULL, 10) : 0;
    return without_zeros(mantissa, exponent - (digits - 1));
}

struct decimal number_decimal(struct number n)
{
    if (n.integer)
        return without_zeros(n.i < 0 ? 0 - (uint64_t)n.i : (uint64_t)n.i, 0);
    double magnitude = fabs(n.d);
    char text[40];
    for (int precision = 14; precision <= 16; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision, magnitude);
        if (strtod(text, NULL) == magnitude)
            break;
    }
    return read_scientific(text);
}

bool number_multiple_of(struct number n, struct decimal divisor)
{
    struct decimal d = number_decimal(n);
    if (d.mantissa == 0)
        return true;
    /* The mantissa does not end in 0, so 10 to the missing places cannot divide it. */
    if (d.exponent < divisor.exponent)
        return false;
    uint64_t rest = d.mantissa % divisor.mantissa;
    for (int places = d.exponent - divisor.exponent; places > 0 && rest != 0; places--)
        rest = (uint64_t)((wide)rest * 10 % divisor.mantissa);
    return rest == 0;
}

bool number_count(const json_t *value, size_t *ret_count)
{
    if (!json_is_number(value))
        return false;
    struct number n = number_of(value);
    if (n.integer) {
        if (n.i < 0)
            return false;
        *ret_count = (size_t)n.i;
        return true;
    }
    if (n.d < 0 || !number_integral(n.d))
        return false;
    *ret_count = n.d >= 2 * TWO_63 ? SIZE_MAX : (size_t)n.d;
    return true;
}
