/* SPDX-License-Identifier: Apache-2.0
 *
 * What a flight costs: a fixed part, a part per kilometre of great circle and a part that depends
 * on the day. It is a function of its arguments and of nothing else, so that a search that is
 * repeated finds what it found.
 */
#ifndef TRAVEL_FARES_H
#define TRAVEL_FARES_H

#include "places.h"

enum { CARRIER_COUNT = 3, OFFER_ID_SIZE = 2 * PLACE_NAME_SIZE + 24 };

struct fare {
    char offer[OFFER_ID_SIZE]; /* "MA-Lisbon-Vienna-20270301" */
    const char *carrier;
    long km;
    long price; /* of one passenger, in euros */
};

/* The offers of all carriers for a day (see calendar.h); the places differ. */
void fares_quote(const struct place *from, const struct place *to, long day,
                 struct fare ret_fares[static CARRIER_COUNT]);

#endif
