/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading jansson's values where they lie. Its functions cost more than all else that is done with
 * an entry of an object: four calls, none of which the compiler can see into. So the values of
 * jansson 2.14 are read directly, once peek_learn() has found that its functions and this file
 * agree about them; until then, and where they do not, the functions are called. Values are only
 * read.
 */
#ifndef CONTRACT_PEEK_INTERNAL_H
#define CONTRACT_PEEK_INTERNAL_H

#include "base/text.h"

#include <jansson.h>

struct peek_link {
    struct peek_link *before, *behind;
};

struct peek_pair {
    struct peek_link in_bucket, in_order;
    size_t hash;
    json_t *value;
    size_t key_length;
    char key[];
};

struct peek_object {
    json_t json;
    size_t size;
    void *buckets;
    size_t bits;
    struct peek_link all, ordered; /* of pairs; the links form rings, of which these are part */
};

struct peek_array {
    json_t json;
    size_t room, count;
    json_t **items;
};

struct peek_string {
    json_t json;
    char *bytes;
    size_t length;
};

struct peek_integer {
    json_t json;
    json_int_t number;
};

extern bool peek_agrees; /* set by peek_learn alone */

/* Compares what jansson says of some values with what is read; any thread, any number of times. */
void peek_learn(void);

static inline bool peeks(void)
{
    return __builtin_expect(__atomic_load_n(&peek_agrees, __ATOMIC_RELAXED), true);
}

/* The next pair of an object, in one stride over its entries. */
struct entry {
    void *iter;
    struct slice key;
    const json_t *value;
};

static inline bool peek_entry(const struct peek_object *object, const struct peek_link *link,
                              struct entry *e)
{
    if (link == &object->ordered)
        return false;
    const struct peek_pair *pair =
        (const void *)((const char *)link - offsetof(struct peek_pair, in_order));
    e->iter = (void *)link;
    e->key = (struct slice){pair->key, pair->key_length};
    e->value = pair->value;
    return true;
}

static inline bool entry_ask(struct entry *e)
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
    const struct peek_object *peek = (const void *)object;
    if (peeks())
        return json_is_object(object) && peek_entry(peek, peek->ordered.behind, e);
    e->iter = json_object_iter((json_t *)object);
    return entry_ask(e);
}

static inline bool entry_next(const json_t *object, struct entry *e)
{
    if (peeks())
        return peek_entry((const void *)object, ((const struct peek_link *)e->iter)->behind, e);
    e->iter = json_object_iter_next((json_t *)object, e->iter);
    return entry_ask(e);
}

static inline size_t object_size(const json_t *object)
{
    return peeks() ? ((const struct peek_object *)(const void *)object)->size
                   : json_object_size(object);
}

static inline size_t array_size(const json_t *array)
{
    return peeks() ? ((const struct peek_array *)(const void *)array)->count
                   : json_array_size(array);
}

static inline const json_t *array_item(const json_t *array, size_t index)
{
    return peeks() ? ((const struct peek_array *)(const void *)array)->items[index]
                   : json_array_get(array, index);
}

static inline struct slice string_bytes(const json_t *string)
{
    const struct peek_string *peek = (const void *)string;
    if (peeks())
        return (struct slice){peek->bytes, peek->length};
    return (struct slice){json_string_value(string), json_string_length(string)};
}

static inline json_int_t integer_value(const json_t *integer)
{
    return peeks() ? ((const struct peek_integer *)(const void *)integer)->number
                   : json_integer_value(integer);
}

#endif
