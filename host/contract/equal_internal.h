/* SPDX-License-Identifier: Apache-2.0
 *
 * Equality and a total order of JSON values, in which equal values are equal as JSON Schema means
 * it. Sorting by an order, and not by a hash, leaves nothing that chosen values could make slow.
 */
#ifndef CONTRACT_EQUAL_INTERNAL_H
#define CONTRACT_EQUAL_INTERNAL_H

#include "base/text.h"

#include <jansson.h>

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
    return (struct slice){json_string_value(string), json_string_length(string)};
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

/* The next pair of an object, in one stride over its entries. */
struct entry {
    void *iter;
    struct slice key;
    const json_t *value;
};

static inline bool entry_load(struct entry *e)
{
    if (!e->iter)
        return false;
    e->key = (struct slice){json_object_iter_key(e->iter), json_object_iter_key_len(e->iter)};
    e->value = json_object_iter_value(e->iter);
    return true;
}

/* jansson iterates without writing, though its signature does not say so. */
static inline bool entry_first(const json_t *object, struct entry *e)
{
    e->iter = json_object_iter((json_t *)object);
    return entry_load(e);
}

static inline bool entry_next(const json_t *object, struct entry *e)
{
    e->iter = json_object_iter_next((json_t *)object, e->iter);
    return entry_load(e);
}

#endif
