/* SPDX-License-Identifier: Apache-2.0
 *
 * The carriers and their tariffs. The names of carriers are invented; no real one is meant.
 */
#include "fares.h"

#include "calendar.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct carrier {
    const char *code, *name;
    double fixed, per_km;
} CARRIERS[CARRIER_COUNT] = {
    {"MA", "Meridian Air", 49, 0.092},
    {"TL", "Tern Lines", 64, 0.081},
    {"NW", "Nightway", 29, 0.104},
};

/* FNV-1a: the same on every machine. */
static uint32_t hash_of(const char *text)
{
    uint32_t hash = 2166136261u;
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

/* "Port-au-Prince" → "PortauPrince": what an id may hold everywhere. */
static void write_plain(const char *name, char ret_plain[static PLACE_NAME_SIZE])
{
    size_t len = 0;
    for (; *name != '\0'; name++)
        if (isalnum((unsigned char)*name))
            ret_plain[len++] = *name;
    ret_plain[len] = '\0';
}

void fares_quote(const struct place *from, const struct place *to, long day,
                 struct fare ret_fares[static CARRIER_COUNT])
{
    char plain_from[PLACE_NAME_SIZE], plain_to[PLACE_NAME_SIZE], date[DATE_SIZE];
    write_plain(from->name, plain_from);
    write_plain(to->name, plain_to);
    date_write(day, date);
    long km = place_distance_km(from, to);
    for (size_t i = 0; i < CARRIER_COUNT; i++) {
        const struct carrier *c = &CARRIERS[i];
        struct fare *fare = &ret_fares[i];
        snprintf(fare->offer, sizeof(fare->offer), "%s-%s-%s-%.4s%.2s%.2s", c->code, plain_from,
                 plain_to, date, date + 5, date + 8);
        double demand = 0.85 + (hash_of(fare->offer) % 31) / 100.0; /* 0.85 to 1.15 */
        fare->carrier = c->name;
        fare->km = km;
        fare->price = lround((c->fixed + c->per_km * (double)km) * demand);
    }
}
