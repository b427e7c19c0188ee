/* SPDX-License-Identifier: Apache-2.0
 *
 * Open addressing at most three quarters full.
 */
#include "base/map.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct map_entry {
    char *key; /* NULL = free */
    size_t len;
    uint64_t hash;
    void *value;
};

static uint64_t hash_of(struct slice key)
{
    static unsigned char secret[crypto_shorthash_KEYBYTES];
    static bool drawn;
    uint64_t hash;
    if (!drawn) {
        randombytes_buf(secret, sizeof(secret));
        drawn = true;
    }
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)key.ptr, key.len, secret);
    return hash;
}

/* The entry of the key, or the free one where it would stand. */
static struct map_entry *locate(const struct map *map, struct slice key, uint64_t hash)
{
    for (size_t at = hash & (map->room - 1);; at = (at + 1) & (map->room - 1)) {
        struct map_entry *entry = &map->entries[at];
        if (!entry->key || (entry->hash == hash && entry->len == key.len &&
                            memcmp(entry->key, key.ptr, key.len) == 0))
            return entry;
    }
}

static void grow(struct map *map)
{
    struct map old = *map;
    map->room = old.room ? old.room * 2 : 16;
    map->entries = xcalloc(map->room, sizeof(*map->entries));
    for (size_t i = 0; i < old.room; i++) {
        struct map_entry *entry = &old.entries[i];
        if (entry->key)
            *locate(map, (struct slice){entry->key, entry->len}, entry->hash) = *entry;
    }
    free(old.entries);
}

void map_done(struct map *map)
{
    for (size_t i = 0; i < map->room; i++)
        free(map->entries[i].key);
    free(map->entries);
    *map = (struct map){0};
}

void *map_get(const struct map *map, struct slice key)
{
    return map->room ? locate(map, key, hash_of(key))->value : NULL;
}

void *map_put(struct map *map, struct slice key, void *value)
{
    ASSERT(value);
    if ((map->count + 1) * 4 > map->room * 3)
        grow(map);
    uint64_t hash = hash_of(key);
    struct map_entry *entry = locate(map, key, hash);
    void *old = entry->value;
    if (!entry->key) {
        *entry =
            (struct map_entry){.key = xstrndup(key.ptr, key.len), .len = key.len, .hash = hash};
        map->count++;
    }
    entry->value = value;
    return old;
}

void *map_take(struct map *map, struct slice key)
{
    struct map_entry *entry = map->room ? locate(map, key, hash_of(key)) : NULL;
    if (!entry || !entry->key)
        return NULL;
    void *value = entry->value;
    free(entry->key);
    *entry = (struct map_entry){0};
    map->count--;
    /* what stood behind it moves up, so that no search stops early */
    size_t mask = map->room - 1, hole = (size_t)(entry - map->entries);
    for (size_t at = (hole + 1) & mask; map->entries[at].key; at = (at + 1) & mask) {
        size_t home = map->entries[at].hash & mask;
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        map->entries[hole] = map->entries[at];
        map->entries[at] = (struct map_entry){0};
        hole = at;
    }
    return value;
}
