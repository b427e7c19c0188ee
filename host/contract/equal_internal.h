/* SPDX-License-Identifier: Apache-2.0
 *
 * Equality and a total order of JSON values, in which equal values are equal as JSON Schema means
 * it. Sorting by an order, and not by a hash, leaves nothing that chosen values could make slow.
 */
#ifndef CONTRACT_EQUAL_INTERNAL_H
#define CONTRACT_EQUAL_INTERNAL_H

#include "contract/peek_internal.h"

/* The name of a property, dressed as a JSON string so that `propertyNames` needs no allocation.
 * Only string_of() may look into a string that may be one. It is known by its count of references:
 * jansson gives that one to its constants, and never to a string. */
struct dressed_name {
    json_t json;
    struct slice name;
};

#define DRESSED ((size_t)-1)

static inline struct dressed_name name_dress(struct slice name)
{
    return (struct dressed_name){{JSON_STRING, DRESSED}, name};
}

static inline bool is_dressed_name(const json_t *value)
{
    return json_is_string(value) && __atomic_load_n(&value->refcount, __ATOMIC_RELAXED) == DRESSED;
}

static inline struct slice string_of(const json_t *string)
{
    if (is_dressed_name(string))
        return ((const struct dressed_name *)(const void *)string)->name;
    return string_bytes(string);
}

/* Sorted, for value_set_has. */
struct value_set {
    const json_t **list;
    size_t count;
};

void value_set_sort(struct value_set *set);
bool value_set_has(const struct value_set *set, const json_t *value);

/* The first item that equals an earlier one, as two indexes; false if all differ. */
bool array_repeats(const json_t *array, size_t *ret_first, size_t *ret_second);
/* Whether there is none; quicker. */
bool array_differs(const json_t *array);

#endif
