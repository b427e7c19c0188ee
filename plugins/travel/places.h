/* SPDX-License-Identifier: Apache-2.0
 *
 * Cities with coordinates, from a table of the time zone database (zone1970.tab or zone.tab): each
 * zone is named after its most populous city, and the city's coordinates stand beside it. Read
 * once, constant afterwards, so any thread may look.
 */
#ifndef TRAVEL_PLACES_H
#define TRAVEL_PLACES_H

#include <stdbool.h>
#include <stddef.h>

enum { PLACE_NAME_SIZE = 48 };

struct place {
    char name[PLACE_NAME_SIZE]; /* "Buenos Aires" */
    double latitude, longitude; /* degrees, north and east */
};

struct places;

/* NULL with the reason in ret_why. */
struct places *places_new(const char *file, char *ret_why, size_t size);
void places_free(struct places *places);
size_t places_count(const struct places *places);

/* By name, whatever its case; NULL if there is none. */
const struct place *places_find(const struct places *places, const char *name);
/* Of the places whose name is a slip of the pen away, the nearest; else NULL. */
const struct place *places_suggest(const struct places *places, const char *name);

/* As places_find; when there is none, ret_why says so and suggests. */
const struct place *places_known(const struct places *places, const char *name, char *ret_why,
                                 size_t size);

/* Along the great circle, in whole kilometres. */
long place_distance_km(const struct place *a, const struct place *b);

#endif
