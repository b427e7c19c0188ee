/* SPDX-License-Identifier: Apache-2.0
 *
 * Random mappings, and random schemas as agents have them, with values that fit. A seed gives the
 * same draws everywhere.
 */
#ifndef TESTS_FUZZ_INFER_DRAW_H
#define TESTS_FUZZ_INFER_DRAW_H

#include "contain_draw.h"

/* A schema of objects with a few members, some of them required, some closed, some a union. */
json_t *draw_contract(struct draw *d, int depth);
/* A value that was made for such a schema; most of them fit. */
json_t *draw_fitting(struct draw *d, const json_t *schema, int depth);
/* A template: an expression, or a few of them in strings, an array or an object. */
json_t *draw_template(struct draw *d);

#endif
