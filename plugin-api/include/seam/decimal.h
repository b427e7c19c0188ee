/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers to digits and back without the C library, for seam/json.h and seam/writer.h, which are
 * what to include. Header only, C11 or C++17.
 *
 * Every function here is exact or says no: then the C library is asked, which knows every number
 * and is some ten times as slow. So what is written and read is the same either way, only sooner.
 * What most computed numbers are (15 to 17 digits) takes whole numbers of 128 bits; a compiler that
 * has none gets "no" there. No function looks at the locale.
 */
#ifndef SEAM_DECIMAL_H
#define SEAM_DECIMAL_H

#include <float.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Writes the digits and the sign, at most 20 bytes, to the end of a buffer; where they start. */
static inline char *seam_integer_digits_(int64_t integer, char *end)
{
    uint64_t size = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
    do
        *--end = (char)('0' + size % 10);
    while ((size /= 10) > 0);
    if (integer < 0)
        *--end = '-';
    return end;
}

#if defined(__SIZEOF_INT128__) && FLT_RADIX == 2 && DBL_MANT_DIG == 53 && FLT_EVAL_METHOD == 0

__extension__ typedef unsigned __int128 seam_wide_;

static inline uint64_t seam_power_of_ten_(int power)
{
    static const uint64_t powers[] = {1u,
                                      10u,
                                      100u,
                                      1000u,
                                      10000u,
                                      100000u,
                                      1000000u,
                                      10000000u,
                                      100000000u,
                                      1000000000u,
                                      10000000000u,
                                      100000000000u,
                                      1000000000000u,
                                      10000000000000u,
                                      100000000000000u,
                                      1000000000000000u,
                                      10000000000000000u,
                                      100000000000000000u,
                                      1000000000000000000u,
                                      10000000000000000000u};
    return powers[power];
}

/* mantissa / 2^down with so many decimals, as a whole number, to the nearest; false if that reads
 * back as another double. Half the distance to the next double is 10^decimals / 2 on that scale,
 * and half of that below a power of two. */
static inline bool seam_rounded_(uint64_t mantissa, int down, int decimals, uint64_t *ret_digits)
{
    uint64_t ten = seam_power_of_ten_(decimals);
    seam_wide_ scaled = (seam_wide_)ten * mantissa;
    uint64_t one = (uint64_t)1 << down, half = one >> 1;
    uint64_t whole = (uint64_t)(scaled >> down), below = (uint64_t)scaled & (one - 1);
    bool up = below > half || (below == half && (whole & 1));
    *ret_digits = whole + up;
    if (up)
        return (one - below) * 2 < ten;
    return below * (mantissa == (uint64_t)1 << 52 ? 4 : 2) < ten;
}

/* The digits of a size from 0.001 to 10^15 as "%.15g" spells it, or with up to 17 if it takes them
 * to read back as the same double: *ret_digits / 10^*ret_decimals, without zeros at the end. */
static inline bool seam_decimal_(double size, uint64_t *ret_digits, int *ret_decimals)
{
    static const double above[] = {1e-2, 1e-1, 1e0, 1e1,  1e2,  1e3,  1e4,  1e5,  1e6,
                                   1e7,  1e8,  1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    uint64_t bits, one = (uint64_t)1 << 52;
    int whole = -2; /* digits before the point; below 0.1 there are fewer than none */
    if (!(size >= 1e-3 && size < 1e15))
        return false;
    for (const double *power = above; size >= *power; power++)
        whole++;
    memcpy(&bits, &size, sizeof(bits));
    int down = 1075 - (int)(bits >> 52);
    uint64_t mantissa = (bits & (one - 1)) | one;
    for (int count = 15; count <= 17; count++) {
        int decimals = count - whole;
        bool same = seam_rounded_(mantissa, down, decimals, ret_digits);
        /* rounded up to a digit more, or on the wrong side of a power that is no double */
        if (*ret_digits < seam_power_of_ten_(count - 1) || *ret_digits >= seam_power_of_ten_(count))
            return false;
        if (!same)
            continue;
        for (; decimals > 0 && *ret_digits % 10 == 0; decimals--)
            *ret_digits /= 10;
        *ret_decimals = decimals;
        return true;
    }
    return false;
}

/* digits / 10^decimals as the nearest double; up to 19 decimals. */
static inline bool seam_real_(uint64_t digits, int decimals, double *ret)
{
    if (decimals > 19)
        return false;
    if (digits <= (uint64_t)1 << 53 && seam_power_of_ten_(decimals) <= (uint64_t)1 << 53) {
        *ret = (double)digits / (double)seam_power_of_ten_(decimals);
        return true;
    }
    /* The quotient has 63 bits at least: more than a double, and what is left of them and of the
     * division says what is half. The 53 bits, and then the power of two, are exact. */
    int shift = __builtin_clzll(digits) + 63;
    seam_wide_ scaled = (seam_wide_)digits << shift;
    seam_wide_ quotient = scaled / seam_power_of_ten_(decimals);
    bool rest = quotient * seam_power_of_ten_(decimals) != scaled;
    uint64_t high = (uint64_t)(quotient >> 64);
    int cut = (high ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)quotient)) - 53;
    uint64_t mantissa = (uint64_t)(quotient >> cut), bits;
    seam_wide_ below = quotient & (((seam_wide_)1 << cut) - 1), half = (seam_wide_)1 << (cut - 1);
    mantissa += below > half || (below == half && (rest || (mantissa & 1)));
    double power;
    bits = (uint64_t)(1023 + cut - shift) << 52;
    memcpy(&power, &bits, sizeof(power));
    *ret = (double)mantissa * power;
    return true;
}

#else

static inline bool seam_decimal_(double size, uint64_t *ret_digits, int *ret_decimals)
{
    (void)size;
    (void)ret_digits;
    (void)ret_decimals;
    return false;
}

static inline bool seam_real_(uint64_t digits, int decimals, double *ret)
{
    (void)digits;
    (void)decimals;
    (void)ret;
    return false;
}

#endif

/* The same as "%.15g" to "%.17g" (the first that reads back) to the end of a buffer of 40 bytes at
 * least; where it starts, or NULL. */
static inline char *seam_number_digits_(double number, char *end)
{
    double size = number < 0 ? -number : number;
    uint64_t digits;
    int decimals = 0;
    if (size >= 1 && size < 1e15 && (double)(int64_t)size == size)
        return seam_integer_digits_((int64_t)number, end);
    if (!seam_decimal_(size, &digits, &decimals))
        return NULL;
    for (int i = 0; i < decimals; i++, digits /= 10)
        *--end = (char)('0' + digits % 10);
    if (decimals > 0)
        *--end = '.';
    end = seam_integer_digits_((int64_t)digits, end);
    if (number < 0)
        *--end = '-';
    return end;
}

/* Reads a JSON number without an exponent, of up to 19 digits; false if it is another, or is zero
 * (which has a sign). */
static inline bool seam_read_number_(const char *p, const char *end, double *ret)
{
    bool negative = p < end && *p == '-';
    const char *start = p += negative, *point = NULL;
    uint64_t digits = 0;
    for (; p < end && (*p == '.' || (*p >= '0' && *p <= '9')); p++)
        if (*p == '.')
            point = p;
        else
            digits = digits * 10 + (uint64_t)(*p - '0');
    if (p != end || end - start > 19 + (point != NULL) || digits == 0 ||
        !seam_real_(digits, point ? (int)(end - point) - 1 : 0, ret))
        return false;
    if (negative)
        *ret = -*ret;
    return true;
}

#endif
