/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes JSON as JSON, half of the time, where libFuzzer alone would mostly break its grammar: a
 * part is replaced by another, by one that is drawn, taken away, wrapped, or moved by one. Bytes
 * that are no JSON are left to libFuzzer, and so is the other half.
 */
#include "../contain_draw.h"
#include "bytes.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maximum);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maximum, unsigned seed);

/* A place in the tree: a member or an item of its parent. */
struct place {
    json_t *parent, *value;
    const char *key; /* NULL: an item */
    size_t index;
};

/* Walks to the place that is `countdown` steps away, in the order of the text. */
static bool find(json_t *parent, size_t *countdown, struct place *ret_place)
{
    struct place at = {.parent = parent};
    void *next;
    json_object_foreach_safe (parent, next, at.key, at.value) {
        if ((*countdown)-- == 0) {
            *ret_place = at;
            return true;
        }
        if (find(at.value, countdown, ret_place))
            return true;
    }
    at.key = NULL;
    for (at.index = 0; at.index < json_array_size(parent); at.index++) {
        at.value = json_array_get(parent, at.index);
        if ((*countdown)-- == 0) {
            *ret_place = at;
            return true;
        }
        if (find(at.value, countdown, ret_place))
            return true;
    }
    return false;
}

static size_t count(const json_t *value)
{
    const char *key;
    json_t *part;
    size_t i, sum = 0;
    json_object_foreach ((json_t *)(uintptr_t)value, key, part)
        sum += 1 + count(part);
    json_array_foreach (value, i, part)
        sum += 1 + count(part);
    return sum;
}

static bool draw_place(struct draw *d, json_t *root, struct place *ret_place)
{
    size_t parts = count(root);
    size_t countdown = parts > 0 ? draw_below(d, (unsigned)parts) : 0;
    return parts > 0 && find(root, &countdown, ret_place);
}

static json_t *wrapped(struct draw *d, json_t *value)
{
    static const char *const lists[] = {"allOf", "anyOf", "oneOf", "prefixItems", "enum"};
    static const char *const singles[] = {"not",  "items", "contains", "additionalProperties",
                                          "else", "if",    "then",     "unevaluatedProperties"};
    if (draw_below(d, 3) == 0)
        return json_pack("{s:[O, o]}", lists[draw_below(d, 5)], value, draw_schema(d));
    if (draw_below(d, 3) == 0)
        return json_pack("{s:{s:O}}", "properties", "a", value);
    return json_pack("{s:O}", singles[draw_below(d, 8)], value);
}

static json_t *moved(struct draw *d, const json_t *value)
{
    if (json_is_integer(value) && json_integer_value(value) < INT64_MAX)
        return json_integer(json_integer_value(value) + 1);
    if (json_is_real(value))
        return json_real(json_real_value(value) / 2);
    return draw_value(d, 2);
}

static void put(const struct place *at, json_t *value)
{
    if (!value)
        return;
    if (at->key)
        json_object_set_new(at->parent, at->key, value);
    else
        json_array_set_new(at->parent, at->index, value);
}

static void change(struct draw *d, json_t *root)
{
    struct place at, other;
    if (!draw_place(d, root, &at) || !draw_place(d, root, &other))
        return;
    switch (draw_below(d, 7)) {
    case 0:
        if (at.key)
            json_object_del(at.parent, at.key);
        else if (json_array_size(at.parent) > 2)
            json_array_remove(at.parent, at.index);
        return;
    case 1:
        put(&at, json_deep_copy(other.value));
        return;
    case 2:
        put(&at, wrapped(d, at.value));
        return;
    case 3:
        put(&at, moved(d, at.value));
        return;
    case 4:
        put(&at, draw_variant(d, at.value));
        return;
    case 5:
        put(&at, draw_schema(d));
        return;
    default:
        if (json_is_object(at.value) && other.key)
            json_object_set_new(at.value, other.key, json_deep_copy(other.value));
        return;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maximum, unsigned seed)
{
    struct draw d = {.state = seed, .focus = (enum focus)(seed % FOCUSES)};
    json_t *root = NULL;
    char *text = NULL;
    if (draw_below(&d, 2) == 0)
        root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    if (root) {
        for (unsigned i = draw_below(&d, 3) + 1; i > 0; i--)
            change(&d, root);
        text = json_dumps(root, JSON_COMPACT);
    }
    size_t length = text ? strlen(text) : 0;
    bool fits = length > 0 && length <= maximum;
    if (fits)
        memcpy(data, text, length);
    free(text);
    json_decref(root);
    return fits ? length : LLVMFuzzerMutate(data, size, maximum);
}
