/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 (FIPS 180-4) of parts whose lengths are hashed too, so that ("ab","c") and
 * ("a","bc") differ. Keys of effects, pins of files and the journal's chain are made of these.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/text.h"

enum { DIGEST_SIZE = 32, DIGEST_HEX_SIZE = 65 };

struct digest {
    unsigned char bytes[DIGEST_SIZE];
};

/* The digest of the bytes alone: what sha256sum prints. */
struct digest digest_of(struct slice bytes);
/* The digest of count parts, each behind its length as 8 bytes, little end first. */
struct digest digest_of_parts(const struct slice *parts, size_t count);
bool digest_equal(const struct digest *a, const struct digest *b);
/* Lower-case hex, NUL-ended. */
void digest_hex(const struct digest *d, char ret_hex[static DIGEST_HEX_SIZE]);
bool digest_from_hex(struct slice hex, struct digest *ret_digest);

#endif
