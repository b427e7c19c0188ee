/* SPDX-License-Identifier: Apache-2.0
 *
 * References of RFC 3986, section 5.
 */
#ifndef CONTRACT_URI_INTERNAL_H
#define CONTRACT_URI_INTERNAL_H

#include "base/text.h"

/* The fragment is left out of the answer, which the caller frees. A base that is a path without a
 * leading slash stays one: "a/b" and "../c" make "c". */
char *uri_resolve(struct slice base, struct slice reference);
struct slice uri_fragment(struct slice uri, bool *ret_has);
bool percent_decode(struct slice s, struct text *out);
/* Appends what a fragment may hold as it is, and the rest as %XX. */
void percent_encode(struct slice s, struct text *out);

#endif
