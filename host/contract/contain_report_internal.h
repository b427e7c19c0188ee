/* SPDX-License-Identifier: Apache-2.0
 *
 * Places and rules in what is said of a comparison. All strings returned are the caller's to free.
 */
#ifndef CONTRACT_CONTAIN_REPORT_INTERNAL_H
#define CONTRACT_CONTAIN_REPORT_INTERNAL_H

#include "contract/program_internal.h"

char *node_pointer(const struct contract *contract, uint32_t node);
/* Where the schema speaks of the part of the value at the pointer. */
char *place_of(const struct contract *contract, const json_t *value, const char *pointer);
/* The keyword that a pointer into a schema ends in; "false" if it ends in a schema. */
const char *rule_of_pointer(const char *pointer);

/* contain_pool.c: values that might be told apart by anything, to be tried where no search helps.
 */
struct pool;
struct pool *pool_new(const struct contract *sub, const struct contract *super);
void pool_free(struct pool *pool);
/* The next value, lent; NULL at the end. */
json_t *pool_next(struct pool *pool);

#endif
