/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers and how they are written. A number is a 64-bit integer where it is one, else a double. A
 * double that has an integer's value becomes that integer up to 2^53, where every double is exact;
 * so 0.5 + 0.5 is 1 and prints as 1, as in jq.
 */
#ifndef MAPPING_NUMERAL_INTERNAL_H
#define MAPPING_NUMERAL_INTERNAL_H

#include "base/text.h"

#include <jansson.h>

enum { NUMERAL_SIZE = 40 };

/* The number of a double; NULL if it is infinite or not a number. */
json_t *numeral_new(double value);
/* Reads `[+-]? digits [. digits] [e [+-] digits]`, where digits may be missing on one side of the
 * point; false if it is anything else, or larger than any double. */
bool numeral_parse(struct slice written, json_t **ret_number);
/* Writes a number as jq does: the shortest digits that read back as the same double. */
const char *numeral_text(const json_t *number, char ret_text[static NUMERAL_SIZE]);
/* -1, 0 or 1; exact, also between an integer and a double. */
int numeral_order(const json_t *a, const json_t *b);

#endif
