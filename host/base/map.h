/* SPDX-License-Identifier: Apache-2.0
 *
 * A map from byte strings to pointers: open addressing, linear probing, deletion by shifting back,
 * so that nothing of a removed key stays. The hash is SipHash-2-4 (Aumasson, Bernstein 2012) under
 * a key drawn once per process: names come from outside and must not be able to collide on purpose.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/text.h"

struct map_entry;

struct map {
    struct map_entry *entries;
    size_t count, room; /* room: a power of two, or 0 */
};

/* Frees the map and its keys; the values are the caller's. */
void map_done(struct map *map);
/* NULL = not there. */
void *map_get(const struct map *map, struct slice key);
/* Copies the key; returns the value that stood there, or NULL. value must not be NULL. */
void *map_put(struct map *map, struct slice key, void *value);
/* Returns the value that was taken out, or NULL. */
void *map_take(struct map *map, struct slice key);

#endif
