/* SPDX-License-Identifier: Apache-2.0
 *
 * Characters, for seam/json.h and seam/writer.h, which are what to include. Header only, C11 or
 * C++17. What no string of JSON holds as it is, is found eight bytes at a time.
 */
#ifndef SEAM_UTF8_H
#define SEAM_UTF8_H

#include <seam/plugin.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The length of the UTF-8 sequence at p, or 0 if it is not one. p < end. */
static inline size_t seam_utf8_(const char *p, const char *end)
{
    unsigned char lead = (unsigned char)p[0];
    if (lead < 0x80)
        return 1;
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || (size_t)(end - p) < length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if (((unsigned char)p[i] & 0xc0) != 0x80)
            return 0;
    unsigned char second = (unsigned char)p[1];
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
        return 0;
    return length;
}

static inline bool seam_is_utf8(seam_bytes text)
{
    const char *p = text.ptr, *end = text.len ? p + text.len : p;
    size_t length = 1;
    for (; p < end && length > 0; p += length)
        length = seam_utf8_(p, end);
    return length > 0;
}

/* Where the plain characters of a string end: ASCII that is no quote, no backslash and no control.
 * Eight at a time: the first byte of `odd` that has its highest bit is the first that is no such.
 */
static inline const char *seam_plain_(const char *p, const char *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    for (uint64_t eight; end - p >= 8; p += 8) {
        memcpy(&eight, p, sizeof(eight));
        uint64_t quote = eight ^ (ones * '"'), slash = eight ^ (ones * '\\');
        uint64_t odd = eight | (eight - ones * 0x20) | (quote - ones) | (slash - ones);
        if (odd & high) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            return p + __builtin_ctzll(odd & high) / 8;
#else
            break;
#endif
        }
    }
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
           *p != '\\')
        p++;
    return p;
}

#endif
