/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether all items of an array differ, for yes or no alone: each goes into a table by its hash,
 * on the stack. The hash is quick and can be forced to collide; an array that collides more than
 * chance does is sorted instead, as one that is too large for the stack is (equal.c).
 */
#include "contract/equal_internal.h"

#include "contract/contract.h"

#include <string.h>

enum { FEW = 5, MOST = 1024, SLOTS = 2 * MOST, PROBES = 8 /* for each item */, HASH_DEPTH = 4 };

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 29;
}

static uint64_t hash_bytes(struct slice s)
{
    uint64_t hash = s.len, word = 0;
    size_t i = 0;
    for (; i + sizeof(word) <= s.len; i += sizeof(word)) {
        memcpy(&word, s.ptr + i, sizeof(word));
        hash = mix(hash, word);
    }
    for (word = 0; i < s.len; i++)
        word = word << 8 | (unsigned char)s.ptr[i];
    return mix(hash, word);
}

/* 1 and 1.0 are equal, and so are 0.0 and -0.0. */
static uint64_t hash_number(double d)
{
    uint64_t bits;
    d += 0.0;
    memcpy(&bits, &d, sizeof(bits));
    return mix(1, bits);
}

static uint64_t hash_value(const json_t *value, int depth);

static uint64_t hash_array(const json_t *array, int depth)
{
    uint64_t hash = JSON_ARRAY;
    for (size_t i = 0; i < array_size(array); i++)
        hash = mix(hash, hash_value(array_item(array, i), depth));
    return hash;
}

/* The order of entries must not matter. */
static uint64_t hash_object(const json_t *object, int depth)
{
    uint64_t hash = JSON_OBJECT;
    struct entry e;
    for (bool more = entry_first(object, &e); more; more = entry_next(object, &e))
        hash += mix(hash_bytes(e.key), hash_value(e.value, depth));
    return hash;
}

static uint64_t hash_value(const json_t *value, int depth)
{
    if (depth > HASH_DEPTH)
        return 0;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return hash_object(value, depth + 1);
    case JSON_ARRAY:
        return hash_array(value, depth + 1);
    case JSON_STRING:
        return hash_bytes(string_of(value));
    case JSON_INTEGER:
        return hash_number((double)integer_value(value));
    case JSON_REAL:
        return hash_number(json_real_value(value));
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        break;
    }
    return json_typeof(value);
}

static bool differ_sorted(const json_t *array)
{
    size_t first, second;
    return !array_repeats(array, &first, &second);
}

static __attribute__((noinline)) bool differ_by_hash(const json_t *array, size_t count)
{
    uint16_t slots[SLOTS]; /* 1 + index, or 0 */
    uint32_t hashes[MOST];
    size_t mask = 15, probes = 0;
    while (mask < 2 * count - 1)
        mask = mask << 1 | 1;
    memset(slots, 0, (mask + 1) * sizeof(slots[0]));
    for (size_t i = 0; i < count; i++) {
        const json_t *item = array_item(array, i);
        uint64_t hash = hash_value(item, 0);
        size_t slot = (hash ^ hash >> 32) & mask;
        hashes[i] = (uint32_t)(hash >> 32);
        for (; slots[slot]; slot = (slot + 1) & mask) {
            size_t other = slots[slot] - 1u;
            if (hashes[other] == hashes[i] && contract_equal(array_item(array, other), item))
                return false;
            if (++probes > PROBES * count)
                return differ_sorted(array);
        }
        slots[slot] = (uint16_t)(i + 1);
    }
    return true;
}

bool array_differs(const json_t *array)
{
    size_t count = array_size(array);
    if (count > MOST)
        return differ_sorted(array);
    if (count > FEW)
        return differ_by_hash(array, count);
    for (size_t i = 1; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (contract_equal(array_item(array, j), array_item(array, i)))
                return false;
    return true;
}
