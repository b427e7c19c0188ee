/* SPDX-License-Identifier: Apache-2.0
 *
 * Random schemas, and random values that have a chance to fit them: both are drawn from the same
 * few names, numbers and strings. A seed gives the same draws everywhere.
 */
#ifndef TESTS_FUZZ_CONTAIN_DRAW_H
#define TESTS_FUZZ_CONTAIN_DRAW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* What most keywords and values are about. */
enum focus { FOCUS_NONE, FOCUS_NUMBERS, FOCUS_STRINGS, FOCUS_ARRAYS, FOCUS_OBJECTS, FOCUSES };

struct draw {
    uint64_t state;
    enum focus focus;
};

unsigned draw_below(struct draw *d, unsigned limit);
/* A whole schema of 2020-12, perhaps with $defs that refer to each other. */
json_t *draw_schema(struct draw *d);
/* A schema that differs from this one in one place. */
json_t *draw_variant(struct draw *d, const json_t *schema);
json_t *draw_value(struct draw *d, int depth);

#endif
