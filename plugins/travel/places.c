/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the table of zones and finds cities in it. A line is "countries TAB coordinates TAB zone",
 * coordinates as ISO 6709 degrees and minutes, with or without seconds: +3843-00908 is Lisbon.
 */
#include "places.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PLACES_MAXIMUM = 2000, LINE_SIZE = 1024 };

static const double EARTH_RADIUS_KM = 6371.0088; /* the mean radius of the IUGG */
static const double RADIANS = 0.017453292519943295;

struct places {
    size_t count;
    struct place list[PLACES_MAXIMUM];
};

/* "+DDMM", "+DDMMSS", "-DDDMM", "-DDDMMSS" at *at, which moves behind it. */
static bool read_angle(const char **at, size_t degree_digits, double *ret_degrees)
{
    const char *p = *at;
    if (*p != '+' && *p != '-')
        return false;
    double sign = *p++ == '-' ? -1 : 1;
    size_t digits = strspn(p, "0123456789");
    if (digits != degree_digits + 2 && digits != degree_digits + 4)
        return false;
    int degrees = 0, minutes = 0, seconds = 0;
    for (size_t i = 0; i < digits; i++) {
        int *part = i < degree_digits ? &degrees : i < degree_digits + 2 ? &minutes : &seconds;
        *part = *part * 10 + (p[i] - '0');
    }
    *ret_degrees = sign * (degrees + minutes / 60.0 + seconds / 3600.0);
    *at = p + digits;
    return degrees <= (degree_digits == 2 ? 90 : 180) && minutes < 60 && seconds < 60;
}

/* The city of a zone: the last part of "America/Argentina/Buenos_Aires", with spaces. */
static bool read_city(const char *zone, size_t len, char name[PLACE_NAME_SIZE])
{
    size_t start = len;
    while (start > 0 && zone[start - 1] != '/')
        start--;
    if (start == len || len - start >= PLACE_NAME_SIZE)
        return false;
    for (size_t i = start; i < len; i++)
        name[i - start] = zone[i] == '_' ? ' ' : zone[i];
    name[len - start] = '\0';
    return true;
}

static bool read_line(const char *line, struct place *ret_place)
{
    const char *coordinates = strchr(line, '\t');
    if (coordinates == NULL)
        return false;
    coordinates++;
    if (!read_angle(&coordinates, 2, &ret_place->latitude) ||
        !read_angle(&coordinates, 3, &ret_place->longitude) || *coordinates != '\t')
        return false;
    const char *zone = coordinates + 1;
    return read_city(zone, strcspn(zone, "\t\r\n"), ret_place->name);
}

static bool read_table(struct places *places, FILE *from, const char *file, char *ret_why,
                       size_t size)
{
    char line[LINE_SIZE];
    for (unsigned number = 1; fgets(line, sizeof(line), from) != NULL; number++) {
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (places->count == PLACES_MAXIMUM) {
            snprintf(ret_why, size, "%s: more than %d places", file, PLACES_MAXIMUM);
            return false;
        }
        if (!read_line(line, &places->list[places->count])) {
            snprintf(ret_why, size,
                     "%s:%u: expected countries, coordinates and zone, as in zone1970.tab", file,
                     number);
            return false;
        }
        places->count++;
    }
    if (places->count == 0)
        snprintf(ret_why, size, "%s: holds no place", file);
    return places->count > 0;
}

struct places *places_new(const char *file, char *ret_why, size_t size)
{
    FILE *from = fopen(file, "re");
    struct places *places = from == NULL ? NULL : calloc(1, sizeof(*places));
    if (places == NULL) {
        snprintf(ret_why, size, "%s: %s", file, strerror(errno));
        if (from != NULL)
            fclose(from);
        return NULL;
    }
    bool good = read_table(places, from, file, ret_why, size);
    fclose(from);
    if (!good) {
        free(places);
        return NULL;
    }
    return places;
}

void places_free(struct places *places)
{
    free(places);
}

size_t places_count(const struct places *places)
{
    return places->count;
}

const struct place *places_find(const struct places *places, const char *name)
{
    for (size_t i = 0; i < places->count; i++)
        if (strcasecmp(places->list[i].name, name) == 0)
            return &places->list[i];
    return NULL;
}

/* Levenshtein's distance, letters compared without case. Both shorter than PLACE_NAME_SIZE. */
static size_t edits(const char *a, const char *b)
{
    size_t row[PLACE_NAME_SIZE];
    size_t len = strlen(b);
    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= len; j++) {
            bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            size_t best = diagonal + (same ? 0 : 1);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[len];
}

const struct place *places_suggest(const struct places *places, const char *name)
{
    size_t len = strlen(name);
    if (len >= PLACE_NAME_SIZE)
        return NULL;
    const struct place *nearest = NULL;
    size_t fewest = len / 3 + 2; /* further off is another word */
    for (size_t i = 0; i < places->count; i++) {
        size_t count = edits(name, places->list[i].name);
        if (count < fewest) {
            fewest = count;
            nearest = &places->list[i];
        }
    }
    return nearest;
}

const struct place *places_known(const struct places *places, const char *name, char *ret_why,
                                 size_t size)
{
    const struct place *place = places_find(places, name);
    if (place != NULL)
        return place;
    const struct place *near = places_suggest(places, name);
    snprintf(ret_why, size, "no city named \"%.80s\" is known%s%s%s", name,
             near == NULL ? "" : "; did you mean ", near == NULL ? "" : near->name,
             near == NULL ? "" : "?");
    return NULL;
}

long place_distance_km(const struct place *a, const struct place *b)
{
    /* The haversine formula: well behaved for near points, where the cosine rule is not. */
    double dlat = (b->latitude - a->latitude) * RADIANS / 2;
    double dlon = (b->longitude - a->longitude) * RADIANS / 2;
    double h = sin(dlat) * sin(dlat) +
               cos(a->latitude * RADIANS) * cos(b->latitude * RADIANS) * sin(dlon) * sin(dlon);
    return lround(2 * EARTH_RADIUS_KM * asin(sqrt(fmin(1, h))));
}
