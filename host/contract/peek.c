/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether jansson's values lie as peek_internal.h says. The values that are compared are large
 * enough that a wrong guess reads other parts of them and nothing beyond: keys and strings are
 * long, and the object has lost and replaced entries, so that order and place differ.
 */
#include "contract/peek_internal.h"

#include <stdio.h>
#include <string.h>

bool peek_agrees;

enum { KEYS = 12 };

static bool same(struct slice s, const char *ptr, size_t len)
{
    return s.ptr == ptr && s.len == len;
}

static json_t *sample_object(void)
{
    json_t *object = json_object();
    char key[64];
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof(key), "a key that is long enough to be read past %d", i * 97);
        json_object_set_new(object, key, json_integer(i));
    }
    json_object_del(object, "a key that is long enough to be read past 0");
    json_object_del(object, "a key that is long enough to be read past 485");
    json_object_set_new(object, "a key that is long enough to be read past 97", json_null());
    return object;
}

static bool object_agrees(const json_t *object)
{
    const struct peek_object *peek = (const void *)object;
    const struct peek_link *link = peek->ordered.behind;
    struct entry e;
    if (peek->size != json_object_size(object))
        return false;
    for (void *iter = json_object_iter((json_t *)object); iter;
         iter = json_object_iter_next((json_t *)object, iter)) {
        if (iter != (const void *)link || !peek_entry(peek, link, &e))
            return false;
        if (!same(e.key, json_object_iter_key(iter), json_object_iter_key_len(iter)) ||
            e.value != json_object_iter_value(iter))
            return false;
        link = link->behind;
    }
    return link == &peek->ordered;
}

static bool array_agrees(const json_t *array)
{
    const struct peek_array *peek = (const void *)array;
    if (peek->count != json_array_size(array))
        return false;
    for (size_t i = 0; i < peek->count; i++)
        if (peek->items[i] != json_array_get(array, i))
            return false;
    return true;
}

static bool scalars_agree(const json_t *string, const json_t *integer)
{
    const struct peek_string *peek = (const void *)string;
    return same((struct slice){peek->bytes, peek->length}, json_string_value(string),
                json_string_length(string)) &&
           ((const struct peek_integer *)(const void *)integer)->number ==
               json_integer_value(integer);
}

void peek_learn(void)
{
    if (peeks() || strncmp(jansson_version_str(), "2.14", 4) != 0)
        return;
    json_t *object = sample_object(), *none = json_object();
    json_t *array = json_pack("[i,s,n,b]", 1, "x", 1), *string = json_string("a\xC3\xA9 string");
    json_t *integer = json_integer(INT64_MIN + 5);
    bool agree = object_agrees(object) && object_agrees(none) && array_agrees(array) &&
                 scalars_agree(string, integer);
    __atomic_store_n(&peek_agrees, agree, __ATOMIC_RELAXED);
    json_decref(object);
    json_decref(none);
    json_decref(array);
    json_decref(string);
    json_decref(integer);
}
