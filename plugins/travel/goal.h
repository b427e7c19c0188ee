/* SPDX-License-Identifier: Apache-2.0
 *
 * A goal in words, "Lisbon to Vienna to Paris, 2 nights each, starting 2027-03-01, and back", read
 * as a route. What is not understood is kept and lowers the confidence; a city that is not known is
 * an error, for a guess would send somebody there.
 */
#ifndef TRAVEL_GOAL_H
#define TRAVEL_GOAL_H

#include "places.h"

enum { STOPS_MAXIMUM = 9, CLAUSES_MAXIMUM = 12, CLAUSE_SIZE = 200, WHY_SIZE = 400 };

struct goal {
    const struct place *stops[STOPS_MAXIMUM];
    size_t stop_count;
    bool has_start;
    long start; /* a day, see calendar.h */
    long nights;
    char unclear[CLAUSES_MAXIMUM][CLAUSE_SIZE];
    size_t unclear_count;
};

/* False with the reason in ret_why. */
bool goal_read(const struct places *places, const char *text, struct goal *ret_goal,
               char ret_why[static WHY_SIZE]);
/* 0 to 1; below 0.8 as soon as anything was not understood. */
double goal_confidence(const struct goal *goal);

#endif
