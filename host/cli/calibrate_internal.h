/* SPDX-License-Identifier: Apache-2.0
 *
 * The two halves of seam calibrate: calibrate.c follows answers through the journal to their fates,
 * calibrate_tell.c counts and prints them.
 */
#ifndef CLI_CALIBRATE_INTERNAL_H
#define CLI_CALIBRATE_INTERNAL_H

#include "cli/calibration.h"
#include "cli/cli_internal.h"

/* What came of an answer: its word, whether it was right (1), wrong (0) or nobody knows (-1), and
 * in a sentence. */
#define FATES(X)                                                                                   \
    X(ACCEPTED, "accepted", 1, "accepted, and its run is done")                                    \
    X(APPROVED, "approved", 1, "a person approved it as it was")                                   \
    X(REFUSED, "refused", 0, "refused by its contract or an assert")                               \
    X(CHANGED, "changed", 0, "a person gave another output")                                       \
    X(DENIED, "denied", 0, "a person denied it, went on without, or had it done again")            \
    X(AGAIN, "again", -1, "below the minimum, and tried again: nobody looked")                     \
    X(UNDONE, "undone", -1, "accepted, and undone when its run failed")                            \
    X(FAILED, "failed", -1, "its step or its run failed later")                                    \
    X(SILENCE, "silence", -1, "a person was asked and did not answer in time")                     \
    X(OPEN, "open", -1, "its run is not at its end")

enum fate {
#define X(name, word, right, sentence) FATE_##name,
    FATES(X)
#undef X
        FATE_COUNT
};

struct agent_answers {
    char *agent;
    size_t fates[FATE_COUNT], count;
    size_t outside; /* confidences that are not from 0 to 1 */
    struct answers known;
};

struct calibrating {
    const char *agent; /* NULL = all */
    int64_t since_ms;
    double target;
    struct journal_reader *reader;
    struct shelf *shelf;
    char **ids;
    size_t id_count, unread;
    struct agent_answers *list; /* sorted by name */
    size_t count;
};

/* One answer, at its end. */
void calibrating_count(struct calibrating *all, const char *agent, double confidence,
                       enum fate fate);
void calibrating_tell(const struct calibrating *all, const struct args *args);
void calibrating_done(struct calibrating *all);

#endif
