/* SPDX-License-Identifier: Apache-2.0
 *
 * The spellings of durations, sizes and money in files, and "did you mean".
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include "base/text.h"

/* `([0-9]+(ms|s|m|h|d))+`, as "1m30s", to milliseconds; at most ten years. */
bool duration_parse(struct slice s, int64_t *ret_ms);
/* "90s" → "1m30s", for messages; buffer of at least 32 bytes; returns it. */
const char *duration_text(int64_t ms, char ret_text[static 32]);
/* `[0-9]+(kb|mb|gb)?` to bytes, in powers of 1024; at most 1 TB. */
bool size_parse(struct slice s, int64_t *ret_bytes);
/* A decimal ("0.50") to integer millionths, exactly; at most six places, not negative. */
bool money_parse(struct slice s, int64_t *ret_millionths);
/* 1500000 → "1.50"; at least two places, no more than needed. */
const char *money_text(int64_t millionths, char ret_text[static 32]);

/* The candidate nearest to name, if near enough to be a slip of the pen (Damerau-Levenshtein
 * distance at most a third of the length, at least 1), else NULL. */
const char *suggest(struct slice name, const char *const *candidates, size_t count);

#endif
