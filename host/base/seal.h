/* SPDX-License-Identifier: Apache-2.0
 *
 * Text that must not be read without a key: sealed where it is written, opened where it is read.
 * XChaCha20-Poly1305 with a random nonce for each; the place that it was written for is sealed with
 * it and not in it, so that one text cannot be put in another's place, nor one bit of it changed.
 * What must be found again without being told is a keyed hash (BLAKE2b).
 *
 * A key is made of a secret that has a name; its id, 16 hex digits, tells it from others and tells
 * nothing of it. A sealed text is ASCII and says itself what opens it:
 *
 *   sealed:1:<id of the key>:<name of the secret>:<nonce and ciphertext, base64 for URLs>
 */
#ifndef BASE_SEAL_H
#define BASE_SEAL_H

#include "base/digest.h"

enum { SEAL_ID_SIZE = 17 };

/* One key, and those that may open what it did not seal. */
struct seal;
struct seals;

struct seals *seals_new(void);
void seals_free(struct seals *seals); /* the keys are overwritten */
/* Makes a key of the secret's bytes, unless it is there; it lives with seals. ERR_INPUT if there
 * are so few that the key could be guessed. The name has no colon and no quote. */
WARN_UNUSED enum error_code seals_add(struct seals *seals, const char *name, struct slice secret,
                                      const struct seal **ret_seal, struct error *reterr);
/* A secret that cannot be had, and why: whoever needs it is told. */
void seals_add_missing(struct seals *seals, const char *name, const char *why);
/* One after the other, after NULL the first; NULL = that was the last. seals may be NULL. */
const struct seal *seals_next(const struct seals *seals, const struct seal *after);
/* NULL = there is none. */
const struct seal *seals_find(const struct seals *seals, const char *id);
const char *seal_id(const struct seal *seal);
const char *seal_name(const struct seal *seal);

/* Adds the text, sealed for the place that the parts name. */
void seal_text(const struct seal *seal, const struct slice *place, size_t parts, struct slice text,
               struct text *out);
/* What a sealed text says of its key; false: it is none. */
struct sealed {
    char id[SEAL_ID_SIZE], name[129];
    struct slice bytes; /* base64 */
    size_t length;      /* of what was sealed */
};
bool seal_is(struct slice text, struct sealed *ret_sealed);
/* Says which key it is that is not there, and why: ERR_DENIED. */
enum error_code seals_lack(const struct seals *seals, const struct sealed *sealed,
                           struct error *reterr);
/* Adds what was sealed for that place. ERR_DENIED: the key is not among them, and which is;
 * ERR_CORRUPT: it is not what was sealed, or was for another place. */
WARN_UNUSED enum error_code seals_open(const struct seals *seals, const struct slice *place,
                                       size_t parts, struct slice text, struct text *out,
                                       struct error *reterr);
/* Of the parts, each with its length: the same for the same, under this key. */
struct digest seal_hash(const struct seal *seal, const struct slice *parts, size_t count);

#endif
