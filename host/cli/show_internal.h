/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of seam show: show.c draws the run, show_spent.c says what was spent where.
 */
#ifndef CLI_SHOW_INTERNAL_H
#define CLI_SHOW_INTERNAL_H

#include "cli/cli_internal.h"

/* How long the calls of each task were under way; for fold_decisions. */
struct times {
    struct timed {
        int64_t since_ms, spent_ms; /* since: 0 = nothing is under way */
    } * list;
    size_t count;
};
void times_decided(void *user, uint64_t seq, const struct record *record, size_t index,
                   const struct run *run);
bool times_recorded(void *user, uint64_t seq, struct record *record, struct run *run);
void times_done(struct times *times);

/* "search[17]/lookup#2" → "search[*]/lookup#*": what stands for all of them. The caller frees. */
char *path_of_all(const char *path);

/* Of the tasks of a picture: [{path, tasks, within, attempts, calls, tokens, cost, time_ms,
 * recovery}], in the order in which they came to be; within: other rows are part of it, and its
 * numbers are those of all. A new reference. */
json_t *spent_by_path(const json_t *picture, const struct times *times);
/* The same for people, with what was spent in all, against the budget. */
void print_spent(const json_t *picture, const json_t *rows);

#endif
