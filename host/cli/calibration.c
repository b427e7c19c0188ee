/* SPDX-License-Identifier: Apache-2.0
 *
 * The arithmetic of calibration. Nothing here reads a journal or prints.
 */
#include "cli/calibration.h"

#include <math.h>
#include <stdlib.h>

/* The 97.5% point of the normal distribution: an interval of 95%. */
static const double z = 1.959963984540054;

void answers_add(struct answers *answers, double confidence, bool right)
{
    if (answers->count == answers->room) {
        answers->room = answers->room ? 2 * answers->room : 64;
        answers->list = xrealloc(answers->list, answers->room * sizeof(*answers->list));
    }
    answers->list[answers->count++] = (struct answer){confidence, right};
}

void answers_done(struct answers *answers)
{
    free(answers->list);
    *answers = (struct answers){0};
}

struct interval wilson(size_t hits, size_t count)
{
    if (count == 0)
        return (struct interval){0, 1};
    double n = (double)count, p = (double)hits / n;
    double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
    double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    double low = hits == 0 ? 0 : middle - half, high = hits == count ? 1 : middle + half;
    return (struct interval){low < 0 ? 0 : low, high > 1 ? 1 : high};
}

static int by_confidence(const void *a, const void *b)
{
    double x = ((const struct answer *)a)->confidence, y = ((const struct answer *)b)->confidence;
    return (x > y) - (x < y);
}

static size_t bin_of(double confidence)
{
    size_t bin = (size_t)(confidence * BINS);
    return bin < BINS ? bin : BINS - 1;
}

void calibrate(struct answers *answers, struct calibration *ret)
{
    double n = (double)answers->count;
    *ret = (struct calibration){.count = answers->count};
    if (answers->count)
        qsort(answers->list, answers->count, sizeof(*answers->list), by_confidence);
    for (size_t i = 0; i < answers->count; i++) {
        const struct answer *answer = &answers->list[i];
        struct bin *bin = &ret->bins[bin_of(answer->confidence)];
        double miss = answer->confidence - (answer->right ? 1 : 0);
        bin->count++;
        bin->right += answer->right;
        bin->mean += answer->confidence;
        ret->right += answer->right;
        ret->brier += miss * miss / n;
    }
    for (size_t i = 0; i < BINS; i++) {
        struct bin *bin = &ret->bins[i];
        bin->from = (double)i / BINS;
        bin->to = (double)(i + 1) / BINS;
        bin->rate = wilson(bin->right, bin->count);
        if (bin->count == 0)
            continue;
        bin->mean /= (double)bin->count;
        ret->ece +=
            fabs(bin->mean - (double)bin->right / (double)bin->count) * ((double)bin->count / n);
    }
}

struct threshold threshold_at(const struct answers *answers, double min)
{
    struct threshold t = {.min = min};
    for (size_t i = 0; i < answers->count; i++) {
        bool right = answers->list[i].right;
        if (answers->list[i].confidence >= min) {
            t.passed++;
            t.passed_wrong += !right;
        } else {
            t.held++;
            t.held_right += right;
        }
    }
    t.error = wilson(t.passed_wrong, t.passed);
    return t;
}

bool threshold_for(const struct answers *answers, double target, bool sure,
                   struct threshold *ret_threshold)
{
    size_t passed = 0, wrong = 0;
    bool found = false;
    double best = 0;
    /* from the top: each confidence that was reported as a minimum, with all above it */
    for (size_t i = answers->count; i-- > 0;) {
        passed++;
        wrong += !answers->list[i].right;
        if (i > 0 && answers->list[i - 1].confidence >= answers->list[i].confidence)
            continue;
        double rate = sure ? wilson(wrong, passed).high : (double)wrong / (double)passed;
        if (rate <= target) {
            found = true;
            best = answers->list[i].confidence;
        }
    }
    if (found)
        *ret_threshold = threshold_at(answers, best);
    return found;
}

/* The high end of none wrong among n is z² / (n + z²). */
size_t answers_needed(double target)
{
    return (size_t)ceil(z * z * (1 - target) / target);
}
