/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers as JSON Schema sees them: 1 and 1.0 are one number, 64-bit integers are never rounded to
 * compare them, and a multiple is a multiple of the decimal that was written.
 */
#ifndef CONTRACT_NUMBER_INTERNAL_H
#define CONTRACT_NUMBER_INTERNAL_H

#include "base/text.h"

#include <jansson.h>

struct number {
    bool integer; /* which member holds it */
    union {
        int64_t i;
        double d;
    };
};

/* mantissa × 10^exponent, without trailing zeros in the mantissa; of a magnitude. */
struct decimal {
    uint64_t mantissa;
    int exponent;
};

struct number number_of(const json_t *value); /* of a JSON number */
bool number_integral(double d);
int number_compare(struct number a, struct number b); /* -1, 0, 1; exact */
struct decimal number_decimal(struct number n);
bool number_multiple_of(struct number n, struct decimal divisor);
/* A length or count: a non-negative whole number; larger than SIZE_MAX becomes SIZE_MAX. */
bool number_count(const json_t *value, size_t *ret_count);

#endif
