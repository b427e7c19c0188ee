/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions to eight bytes at once, in a word as they lie in memory. The answer has the high bit of
 * each byte set for which it is yes, and perhaps of bytes behind the first such (in order of
 * significance): what is asked is whether there is one, and which is the first.
 */
#ifndef DOCUMENT_BYTES_INTERNAL_H
#define DOCUMENT_BYTES_INTERNAL_H

#include <stdint.h>

static inline uint64_t bytes_repeated(unsigned char byte)
{
    return UINT64_C(0x0101010101010101) * byte;
}

static inline uint64_t bytes_zero(uint64_t word)
{
    return (word - bytes_repeated(1)) & ~word & bytes_repeated(0x80);
}

static inline uint64_t bytes_equal(uint64_t word, char byte)
{
    return bytes_zero(word ^ bytes_repeated((unsigned char)byte));
}

/* least: at most 0x80. */
static inline uint64_t bytes_below(uint64_t word, unsigned char least)
{
    return (word - bytes_repeated(least)) & ~word & bytes_repeated(0x80);
}

#endif
