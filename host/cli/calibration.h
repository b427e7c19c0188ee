/* SPDX-License-Identifier: Apache-2.0
 *
 * Reported confidence against what came of it, as numbers: how often an agent was right where it
 * said so, how far the two are apart, and what a minimum would have let through or held up. Counts
 * of few answers come with an interval, and where they are too few nothing is concluded.
 */
#ifndef CLI_CALIBRATION_H
#define CLI_CALIBRATION_H

#include "base/text.h"

enum { BINS = 10, ENOUGH = 30 };

struct answer {
    double confidence; /* from 0 to 1 */
    bool right;
};

struct answers {
    struct answer *list;
    size_t count, room;
};
void answers_add(struct answers *answers, double confidence, bool right);
void answers_done(struct answers *answers);

struct interval {
    double low, high;
};
/* Where a rate that was seen as hits of count may lie, with 95% confidence: E. B. Wilson, "Probable
 * inference, the law of succession, and statistical inference", JASA 22 (1927); (0, 1) of none. */
struct interval wilson(size_t hits, size_t count);

struct bin {
    double from, to, mean; /* of the confidences in it */
    size_t count, right;
    struct interval rate;
};

struct calibration {
    size_t count, right;
    struct bin bins[BINS];
    double
        brier; /* mean of (confidence - outcome)²: G. W. Brier, Monthly Weather Review 78 (1950) */
    double ece; /* Σ |mean confidence - rate| · share, over bins: M. P. Naeini, G. F. Cooper and
                   M. Hauskrecht, AAAI (2015); C. Guo et al., ICML (2017) */
};
/* Sorts the answers by confidence. */
void calibrate(struct answers *answers, struct calibration *ret);

/* What a minimum would have done. */
struct threshold {
    double min;
    size_t passed, passed_wrong; /* of those at or above it */
    size_t held, held_right;     /* of those below: escalated without need */
    struct interval error;       /* the rate of the wrong among those that pass */
};
/* Of answers that calibrate has sorted. */
struct threshold threshold_at(const struct answers *answers, double min);
/* The lowest minimum, of the confidences that were reported, at which the error rate is at most
 * target: as it was seen, or (sure) with the whole of its interval. False if there is none. */
bool threshold_for(const struct answers *answers, double target, bool sure,
                   struct threshold *ret_threshold);
/* How many answers, all of them right, it takes to be sure of that target. */
size_t answers_needed(double target);

#endif
