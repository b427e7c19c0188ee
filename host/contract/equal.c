/* SPDX-License-Identifier: Apache-2.0
 *
 * Equality, order, and what is built on them: the set of an `enum` and the search for repeated
 * items. Objects are ordered by the least key at which they differ, where an absent value comes
 * first; that is the lexical order of their sorted entries, and needs no sorted copy. Past
 * LIMIT_DEPTH nothing is equal, and the order is arbitrary but the sort still ends.
 */
#include "contract/equal_internal.h"

#include "base/limits.h"
#include "contract/contract.h"
#include "contract/number_internal.h"

#include <stdlib.h>
#include <string.h>

enum { PAIRWISE = 8, ON_STACK = 1024 };

static bool equal(const json_t *a, const json_t *b, int depth);

static bool arrays_equal(const json_t *a, const json_t *b, int depth)
{
    size_t count = array_size(a);
    if (count != array_size(b))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!equal(array_item(a, i), array_item(b, i), depth))
            return false;
    return true;
}

static bool objects_equal(const json_t *a, const json_t *b, int depth)
{
    if (object_size(a) != object_size(b))
        return false;
    struct entry e;
    for (bool more = entry_first(a, &e); more; more = entry_next(a, &e)) {
        const json_t *other = json_object_getn(b, e.key.ptr, e.key.len);
        if (!other || !equal(e.value, other, depth))
            return false;
    }
    return true;
}

static bool equal(const json_t *a, const json_t *b, int depth)
{
    if (json_is_string(a) && json_is_string(b))
        return slice_equal(string_of(a), string_of(b));
    if (depth > LIMIT_DEPTH)
        return false;
    if (json_is_number(a) && json_is_number(b))
        return number_compare(number_of(a), number_of(b)) == 0;
    if (json_typeof(a) != json_typeof(b))
        return false;
    switch (json_typeof(a)) {
    case JSON_OBJECT:
        return objects_equal(a, b, depth + 1);
    case JSON_ARRAY:
        return arrays_equal(a, b, depth + 1);
    case JSON_STRING:
    case JSON_INTEGER:
    case JSON_REAL:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        break;
    }
    return true;
}

bool contract_equal(const json_t *a, const json_t *b)
{
    return equal(a, b, 0);
}

static int compare(const json_t *a, const json_t *b, int depth);

static int compare_slices(struct slice a, struct slice b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_arrays(const json_t *a, const json_t *b, int depth)
{
    size_t left = array_size(a), right = array_size(b);
    if (left != right)
        return left < right ? -1 : 1;
    for (size_t i = 0; i < left; i++) {
        int order = compare(array_item(a, i), array_item(b, i), depth);
        if (order)
            return order;
    }
    return 0;
}

static int compare_objects(const json_t *a, const json_t *b, int depth)
{
    size_t left = object_size(a), right = object_size(b);
    if (left != right)
        return left < right ? -1 : 1;
    struct slice least = {0};
    int order = 0;
    struct entry e;
    for (bool more = entry_first(a, &e); more; more = entry_next(a, &e)) {
        if (order && compare_slices(e.key, least) >= 0)
            continue;
        const json_t *other = json_object_getn(b, e.key.ptr, e.key.len);
        int here = other ? compare(e.value, other, depth) : 1;
        if (here) {
            order = here;
            least = e.key;
        }
    }
    if (order == 0)
        return 0;
    for (bool more = entry_first(b, &e); more; more = entry_next(b, &e)) {
        if (compare_slices(e.key, least) >= 0 || json_object_getn(a, e.key.ptr, e.key.len))
            continue;
        order = -1;
        least = e.key;
    }
    return order;
}

static int rank(const json_t *value)
{
    return json_is_real(value) ? (int)JSON_INTEGER : (int)json_typeof(value);
}

static int compare(const json_t *a, const json_t *b, int depth)
{
    int left = rank(a), right = rank(b);
    if (left != right)
        return left < right ? -1 : 1;
    if (depth > LIMIT_DEPTH)
        return -1;
    switch (json_typeof(a)) {
    case JSON_OBJECT:
        return compare_objects(a, b, depth + 1);
    case JSON_ARRAY:
        return compare_arrays(a, b, depth + 1);
    case JSON_STRING:
        return compare_slices(string_of(a), string_of(b));
    case JSON_INTEGER:
    case JSON_REAL:
        return number_compare(number_of(a), number_of(b));
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        break;
    }
    return 0;
}

/* A heap sort: qsort may allocate, and may be slow on chosen input. */
static void sift(const json_t **list, size_t at, size_t count)
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && compare(list[child], list[child + 1], 0) < 0)
            child++;
        if (compare(list[at], list[child], 0) >= 0)
            return;
        const json_t *swap = list[at];
        list[at] = list[child];
        list[child] = swap;
    }
}

static void sort(const json_t **list, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sift(list, i, count);
    for (size_t last = count; last-- > 1;) {
        const json_t *swap = list[0];
        list[0] = list[last];
        list[last] = swap;
        sift(list, 0, last);
    }
}

void value_set_sort(struct value_set *set)
{
    sort(set->list, set->count);
}

bool value_set_has(const struct value_set *set, const json_t *value)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare(set->list[middle], value, 0);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* The places of the two equal values; the same value may stand twice in an array. */
static void find_pair(const json_t *array, const json_t *value, size_t *ret_first,
                      size_t *ret_second)
{
    size_t found = 0, places[2] = {0, 0};
    for (size_t i = 0; i < array_size(array) && found < 2; i++)
        if (contract_equal(array_item(array, i), value))
            places[found++] = i;
    *ret_first = places[0];
    *ret_second = places[1];
}

static bool repeats_sorted(const json_t *array, const json_t **list, size_t *ret_first,
                           size_t *ret_second)
{
    size_t count = array_size(array);
    for (size_t i = 0; i < count; i++)
        list[i] = array_item(array, i);
    sort(list, count);
    for (size_t i = 1; i < count; i++) {
        if (compare(list[i - 1], list[i], 0) == 0) {
            find_pair(array, list[i], ret_first, ret_second);
            return true;
        }
    }
    return false;
}

static __attribute__((noinline)) bool repeats_on_stack(const json_t *array, size_t *ret_first,
                                                       size_t *ret_second)
{
    const json_t *list[ON_STACK];
    return repeats_sorted(array, list, ret_first, ret_second);
}

static bool repeats_on_heap(const json_t *array, size_t *ret_first, size_t *ret_second)
{
    const json_t **list = xmalloc(array_size(array) * sizeof(const json_t *));
    bool repeats = repeats_sorted(array, list, ret_first, ret_second);
    free((void *)list);
    return repeats;
}

bool array_repeats(const json_t *array, size_t *ret_first, size_t *ret_second)
{
    size_t count = array_size(array);
    if (count > ON_STACK)
        return repeats_on_heap(array, ret_first, ret_second);
    if (count > PAIRWISE)
        return repeats_on_stack(array, ret_first, ret_second);
    for (size_t i = 1; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (contract_equal(array_item(array, j), array_item(array, i))) {
                *ret_first = j;
                *ret_second = i;
                return true;
            }
        }
    }
    return false;
}
