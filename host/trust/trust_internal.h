/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share.
 */
#ifndef TRUST_INTERNAL_H
#define TRUST_INTERNAL_H

#include "trust/trust.h"

/* notes.c */
/* ERR_DENIED if others could have written it; what: "lock". */
WARN_UNUSED enum error_code notes_read(const char *path, const char *what, struct text *out,
                                       bool *ret_absent, struct error *reterr);
/* Writes it anew, or leaves the old one as it was. */
WARN_UNUSED enum error_code notes_write(const char *path, struct slice text, unsigned mode,
                                        struct error *reterr);

/* agents.c */
/* {name: digest} of agents that were asked for; NULL = they stand in the card. */
json_t *agents_pins(const struct card *card);

#endif
