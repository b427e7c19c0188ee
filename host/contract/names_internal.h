/* SPDX-License-Identifier: Apache-2.0
 *
 * A fixed set of names, sorted by length and content, each with what a schema says of it. Looking
 * up is a binary search: no hash, so no keys can be chosen to make it slow.
 */
#ifndef CONTRACT_NAMES_INTERNAL_H
#define CONTRACT_NAMES_INTERNAL_H

#include "base/text.h"

struct name {
    uint64_t head; /* enough of its first bytes to decide most comparisons */
    struct slice text;
    uint32_t node; /* of its schema, or NO_NODE */
    bool required;
};

struct names {
    struct name *list;
    size_t count;
};

/* The list is sorted in place; equal names become one, which has the node and is required if either
 * was. */
void names_sort(struct names *names);
const struct name *names_find(const struct names *names, struct slice text);

#endif
