/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines of plugins. A bucket holds what a plugin may still say: it fills with time, and each line
 * that passes takes its share. Those that find it empty are counted, and the count is told once in
 * a while, in one line. All of them are looked at for the last words, passed or not.
 *
 * What strangers say goes to terminals and files of others, so nothing in it may be obeyed there:
 * control characters, line ends, and the marks that turn the direction of writing are spelt out.
 */
#include "loader/log_lines_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SECOND_NS = 1000000000 };

/* ---- how many ---- */

void log_lines_init(struct log_lines *lines, int64_t rate, int64_t burst, int64_t now_ns)
{
    *lines = (struct log_lines){.cost_ns = SECOND_NS / rate, .now_ns = now_ns};
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
    if (lines->dropped++ == 0)
        lines->due_ns = now_ns + LIMIT_LOG_TOLD_MS * (int64_t)1000000;
    return false;
}

bool log_lines_told(struct log_lines *lines, int64_t now_ns, bool at_end, char ret_note[static 128])
{
    if (lines->due_ns == 0 || (!at_end && now_ns < lines->due_ns))
        return false;
    snprintf(ret_note, 128,
             "%" PRIu64 " lines of this plugin were dropped: it may say %" PRId64
             " in a second, and %" PRId64 " at once",
             lines->dropped, SECOND_NS / lines->cost_ns, lines->most_ns / lines->cost_ns);
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

/* The character that begins there, and its bytes; 0 bytes: it is no UTF-8. */
static uint32_t character(struct slice text, size_t at, size_t *ret_size)
{
    unsigned char first = (unsigned char)text.ptr[at];
    size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    *ret_size = 0;
    if (size > text.len - at || !slice_valid_utf8((struct slice){text.ptr + at, size}))
        return first;
    *ret_size = size;
    if (size == 1)
        return first;
    uint32_t point = first & (0xFFu >> (size + 1));
    for (size_t i = 1; i < size; i++)
        point = point << 6 | ((unsigned char)text.ptr[at + i] & 0x3Fu);
    return point;
}

/* What would be obeyed: controls, ends of line and paragraph, directions. Joiners are for those who
 * write with them. */
static bool is_obeyed(uint32_t point)
{
    return point < 0x20 ? point != '\t'
                        : (point >= 0x7F && point < 0xA0) || point == 0x200B || point == 0x200E ||
                              point == 0x200F || (point >= 0x2028 && point <= 0x202E) ||
                              (point >= 0x2060 && point <= 0x206F) || point == 0xFEFF;
}

static size_t spell(char out[static 8], uint32_t point)
{
    if (point == '\n' || point == '\r')
        return (size_t)snprintf(out, 8, "\\%c", point == '\n' ? 'n' : 'r');
    return (size_t)snprintf(out, 8, point < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)point);
}

size_t log_line_clean(char *line, size_t size, struct slice text)
{
    size_t length = 0;
    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    for (size_t at = 0; at < text.len;) {
        char spelt[8];
        size_t bytes, written;
        uint32_t point = character(text, at, &bytes);
        const char *from = text.ptr + at;
        if (bytes == 0 || is_obeyed(point)) {
            written = spell(spelt, point);
            from = spelt;
        } else {
            written = bytes;
        }
        if (length + written > size)
            break;
        memcpy(line + length, from, written);
        length += written;
        at += bytes > 0 ? bytes : 1;
    }
    return length;
}
