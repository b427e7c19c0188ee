/* SPDX-License-Identifier: Apache-2.0
 *
 * What may be shown of a text, and how the rest is spelt.
 */
#include "base/shown.h"

#include <stdio.h>

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

static size_t spell(char out[static SHOWN_SIZE], uint32_t point)
{
    if (point == '\n' || point == '\r')
        return (size_t)snprintf(out, SHOWN_SIZE, "\\%c", point == '\n' ? 'n' : 'r');
    return (size_t)snprintf(out, SHOWN_SIZE, point < 0x100 ? "\\x%02x" : "\\u%04x",
                            (unsigned)point);
}

struct slice shown_next(struct slice text, size_t *at, char spelt[static SHOWN_SIZE])
{
    size_t bytes, from = *at;
    uint32_t point = character(text, from, &bytes);
    *at += bytes > 0 ? bytes : 1;
    if (bytes == 0 || is_obeyed(point))
        return (struct slice){spelt, spell(spelt, point)};
    return (struct slice){text.ptr + from, bytes};
}

void shown_lines(struct slice text, struct text *out)
{
    char spelt[SHOWN_SIZE];
    for (size_t at = 0; at < text.len;) {
        if (text.ptr[at] == '\n') {
            text_addc(out, '\n');
            at++;
            continue;
        }
        struct slice next = shown_next(text, &at, spelt);
        text_add(out, next.ptr, next.len);
    }
}
