/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines of plugins. A bucket holds what a plugin may still say: it fills with time, and each line
 * that passes takes its share. Those that find it empty are counted, and the count is told once in
 * a while, in one line. All of them are looked at for the last words, passed or not.
 */
#include "loader/log_lines_internal.h"

#include "base/shown.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SECOND_NS = 1000000000 };

/* ---- how many ---- */

void log_lines_init(struct log_lines *lines, int64_t rate, int64_t burst, int64_t now_ns)
{
    *lines = (struct log_lines){
        .rate = rate, .burst = burst, .cost_ns = SECOND_NS / rate, .now_ns = now_ns};
    lines->most_ns = lines->credit_ns = lines->cost_ns * burst;
}

static void keep(struct log_lines *lines, struct slice line)
{
    char *at = lines->last[lines->count++ % LIMIT_LOG_LAST];
    size_t length = line.len < LIMIT_LOG_LAST_BYTES ? line.len : LIMIT_LOG_LAST_BYTES - 1;
    while (length > 0 && length < line.len && ((unsigned char)line.ptr[length] & 0xC0) == 0x80)
        length--;
    if (length > 0)
        memcpy(at, line.ptr, length);
    at[length] = '\0';
}

bool log_lines_take(struct log_lines *lines, struct slice line, int64_t now_ns)
{
    keep(lines, line);
    int64_t credit = lines->credit_ns + (now_ns - lines->now_ns);
    lines->credit_ns = credit < lines->most_ns ? credit : lines->most_ns;
    lines->now_ns = now_ns;
    if (lines->credit_ns >= lines->cost_ns) {
        lines->credit_ns -= lines->cost_ns;
        return true;
    }
    log_lines_lost(lines, 1, now_ns);
    return false;
}

void log_lines_lost(struct log_lines *lines, uint64_t count, int64_t now_ns)
{
    if (lines->dropped == 0 && count > 0)
        lines->due_ns = now_ns + LIMIT_LOG_TOLD_MS * (int64_t)1000000;
    lines->dropped += count;
}

bool log_lines_told(struct log_lines *lines, int64_t now_ns, bool at_end, char ret_note[static 128])
{
    if (lines->due_ns == 0 || (!at_end && now_ns < lines->due_ns))
        return false;
    snprintf(ret_note, 128,
             "%" PRIu64 " lines of this plugin were dropped: it may say %" PRId64
             " in a second, and %" PRId64 " at once",
             lines->dropped, lines->rate, lines->burst);
    lines->dropped = 0;
    lines->due_ns = 0;
    return true;
}

size_t log_lines_last(const struct log_lines *lines, const char **ret_list)
{
    unsigned kept = lines->count < LIMIT_LOG_LAST ? lines->count : LIMIT_LOG_LAST;
    for (unsigned i = 0; i < kept; i++)
        ret_list[i] = lines->last[(lines->count - kept + i) % LIMIT_LOG_LAST];
    return kept;
}

/* ---- fit to be shown ---- */

size_t log_line_clean(char *line, size_t size, struct slice text)
{
    size_t length = 0;
    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    for (size_t at = 0; at < text.len;) {
        char spelt[SHOWN_SIZE];
        struct slice next = shown_next(text, &at, spelt);
        if (length + next.len > size)
            break;
        memcpy(line + length, next.ptr, next.len);
        length += next.len;
    }
    return length;
}
