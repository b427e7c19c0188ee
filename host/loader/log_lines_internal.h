/* SPDX-License-Identifier: Apache-2.0
 *
 * The lines that a plugin logs or prints: how many pass, how they are made fit to be shown, and the
 * last of them, for whoever asks what it said before it ended.
 */
#ifndef LOADER_LOG_LINES_INTERNAL_H
#define LOADER_LOG_LINES_INTERNAL_H

#include "base/limits.h"
#include "base/text.h"

struct log_lines {
    int64_t rate, burst;       /* lines in a second, and at once                       */
    int64_t cost_ns, most_ns;  /* a line's, a full bucket's                            */
    int64_t credit_ns, now_ns; /* what is in the bucket, and when that was             */
    uint64_t dropped;          /* since it was told                                    */
    int64_t due_ns;            /* when it is to be told; 0 = nothing was dropped        */
    unsigned count;            /* of all lines: the last stands before count % LIMIT_… */
    char last[LIMIT_LOG_LAST][LIMIT_LOG_LAST_BYTES];
};

/* So many lines a second, and so many at once. */
void log_lines_init(struct log_lines *lines, int64_t rate, int64_t burst, int64_t now_ns);
/* Keeps the line; may it pass? */
bool log_lines_take(struct log_lines *lines, struct slice line, int64_t now_ns);
/* So many more did not even come. */
void log_lines_lost(struct log_lines *lines, uint64_t count, int64_t now_ns);
/* What is to be told now of those that did not pass; false: nothing. at_end: whatever there is. */
bool log_lines_told(struct log_lines *lines, int64_t now_ns, bool at_end,
                    char ret_note[static 128]);
/* The last lines, oldest first; size of the list: LIMIT_LOG_LAST. */
size_t log_lines_last(const struct log_lines *lines, const char **ret_list);

/* Copies a text so that it can be shown: what a terminal or a journal would obey, or what is no
 * UTF-8, becomes \\x1b, \\n, \\u202e. Returns its length, at most size; it ends between characters.
 */
size_t log_line_clean(char *line, size_t size, struct slice text);

#endif
