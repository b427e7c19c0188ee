/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share: a vault's secrets, and the ways to write them.
 */
#ifndef SECRET_SECRET_INTERNAL_H
#define SECRET_SECRET_INTERNAL_H

#include "secret/secret.h"

/* What is looked for: the bytes themselves, with escapes; or a text that stands for them. */
enum pattern_kind { PATTERN_BYTES, PATTERN_BASE64, PATTERN_HEX };

/* The bytes, and as a JSON string and a URL write them; and of each hex, and base64 that begins at
 * each third byte. */
enum { FORMS = 3, FORM_PATTERNS = 5, PATTERNS = FORMS * FORM_PATTERNS };

struct pattern {
    enum pattern_kind kind;
    unsigned char *bytes; /* in locked memory; NULL = too short to be told from other text */
    size_t len;
};

struct secret {
    char *name;
    struct pattern patterns[PATTERNS];
};

struct vault {
    struct secret *secrets; /* all that were ever read: an old one is still to be hidden */
    size_t count;
    bool begins[256]; /* a spelling of one of them may begin so */
    bool begins_folded[256];
};

/* The length of the pattern's spelling that begins at `at`; 0 = none does. *ret_open is set if more
 * text could change that. */
size_t pattern_match(const struct pattern *pattern, struct slice in, size_t at, bool fold,
                     bool *ret_open);

#endif
