/* SPDX-License-Identifier: Apache-2.0
 *
 * The chain of a run: each record's hash covers the one before it, so that a record that was
 * changed, moved or taken out shows at the next reading. The first record stands on the digest of
 * the run's id, so that a chain cannot be passed off as another run's. Cutting off the tail shows
 * against the head in `runs`; a hand that changes both can be told only by a head kept elsewhere.
 */
#include "journal/journal_internal.h"

struct digest chain_start(const char *run)
{
    return digest_of(slice_of(run));
}

static struct slice little_end_first(uint64_t value, char ret_bytes[static 8])
{
    for (int i = 0; i < 8; i++)
        ret_bytes[i] = (char)(unsigned char)(value >> (8 * i));
    return (struct slice){ret_bytes, 8};
}

struct digest chain_next(const struct digest *previous, uint64_t seq, int64_t at_ms,
                         struct slice kind, struct slice body)
{
    char seq_bytes[8], at_bytes[8];
    const struct slice parts[] = {
        {(const char *)previous->bytes, DIGEST_SIZE},
        little_end_first(seq, seq_bytes),
        little_end_first((uint64_t)at_ms, at_bytes),
        kind,
        body,
    };
    return digest_of_parts(parts, sizeof(parts) / sizeof(parts[0]));
}
