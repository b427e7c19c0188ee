/* SPDX-License-Identifier: Apache-2.0
 *
 * Decimals of 15 to 19 digits, which is what most computed numbers have: between double and digits
 * by whole numbers of 128 bits, exactly. The C library can do it too, for any number of digits and
 * ten times as slowly; what does not fit in here goes there.
 */
#include "document/document_internal.h"

#include <math.h>

__extension__ typedef unsigned __int128 wide;

enum { MANTISSA = 53 };

static uint64_t power_of_ten(int power)
{
    static const uint64_t powers[] = {1,
                                      10,
                                      100,
                                      1000,
                                      10000,
                                      100000,
                                      1000000,
                                      10000000,
                                      100000000,
                                      1000000000,
                                      10000000000,
                                      100000000000,
                                      1000000000000,
                                      10000000000000,
                                      100000000000000,
                                      1000000000000000,
                                      10000000000000000,
                                      100000000000000000,
                                      1000000000000000000,
                                      10000000000000000000u};
    return powers[power];
}

bool decimal_read(uint64_t digits, int decimals, double *ret_real)
{
    if (digits == 0 || decimals < 0 || decimals > 19)
        return false;
    /* the quotient has 63 bits at least: more than a double, and the rest decides what is half */
    int shift = __builtin_clzll(digits) + 63;
    wide above = (wide)digits << shift, quotient = above / power_of_ten(decimals);
    bool rest = quotient * power_of_ten(decimals) != above;
    uint64_t high = (uint64_t)(quotient >> 64);
    int bits = high ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)quotient);
    int cut = bits - MANTISSA;
    uint64_t mantissa = (uint64_t)(quotient >> cut);
    wide below = quotient & (((wide)1 << cut) - 1), half = (wide)1 << (cut - 1);
    mantissa += below > half || (below == half && (rest || (mantissa & 1)));
    *ret_real = ldexp((double)mantissa, cut - shift);
    return true;
}

/* size × 10^decimals to the nearest whole number; false if that reads back as another double. */
static bool digits_of(uint64_t mantissa, int down, int decimals, uint64_t *ret_digits)
{
    wide ten = decimals > 19 ? (wide)power_of_ten(19) * power_of_ten(decimals - 19)
                             : power_of_ten(decimals);
    wide scaled = ten * mantissa, half = (wide)1 << (down - 1);
    wide whole = scaled >> down, below = scaled & (((wide)1 << down) - 1);
    bool up = below > half || (below == half && (whole & 1));
    wide off = up ? ((wide)1 << down) - below : below;
    /* half the distance to the next double is 10^decimals / 2, on the same scale */
    *ret_digits = (uint64_t)whole + up;
    return off * 2 < ten;
}

bool decimal_digits(double size, uint64_t *ret_digits, int *ret_decimals)
{
    enum { FEWEST = 15, MOST = 17 };
    int exponent, whole = -3;
    if (!(size >= 1e-4) || !(size < 1e15))
        return false;
    uint64_t mantissa = (uint64_t)ldexp(frexp(size, &exponent), MANTISSA);
    int down = MANTISSA - exponent;
    /* below a power of two the doubles lie closer than above it */
    if (mantissa == UINT64_C(1) << (MANTISSA - 1))
        return false;
    static const double above[] = {1e-3, 1e-2, 1e-1, 1e0,  1e1,  1e2,  1e3,  1e4,  1e5, 1e6,
                                   1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    for (const double *power = above; size >= *power; power++)
        whole++;
    for (int count = FEWEST; count <= MOST; count++) {
        int decimals = count - whole;
        bool same = digits_of(mantissa, down, decimals, ret_digits);
        /* rounded up to a digit more, or on the wrong side of a power that is no double */
        if (*ret_digits < power_of_ten(count - 1) || *ret_digits >= power_of_ten(count))
            return false;
        if (!same)
            continue;
        for (; decimals > 1 && *ret_digits % 10 == 0; decimals--)
            *ret_digits /= 10;
        if (decimals == 0) { /* a real has a point: 1.0, not 1 */
            *ret_digits *= 10;
            decimals = 1;
        }
        *ret_decimals = decimals;
        return true;
    }
    return false;
}
