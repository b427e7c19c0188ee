/* SPDX-License-Identifier: Apache-2.0
 *
 * Hidden runs in a host at work: see hidden.c.
 */
#ifndef RUNTIME_HIDDEN_INTERNAL_H
#define RUNTIME_HIDDEN_INTERNAL_H

#include "runtime/host_internal.h"

/* Reads the keys that the manifest names; what was read before stays. *ret_seal is what runs that
 * begin from now on are hidden with, NULL = none. */
WARN_UNUSED enum error_code hidden_open_keys(struct host *host, const struct manifest *manifest,
                                             const struct seal **ret_seal, struct error *reterr);
/* What a run of that flow that begins now is hidden with; NULL = nothing. */
const struct seal *hidden_begins(const struct host *host, const char *flow);
/* The claim of an external reference for the run's effect with that key, and whose it is, as the
 * journal has them; the caller frees. */
void hidden_claim(const struct live_run *live, const char *reference, const char *key,
                  char **ret_claim, char **ret_owner);
/* Is it somebody else's, by whatever key? */
bool hidden_claimed(const struct live_run *live, const char *reference, const char *key);

/* A plugin's value, as the journal has it under the key; the texts go into out, if it is a hidden
 * run that keeps it. */
void hidden_keep_value(const struct live_run *live, struct journal_value *value, struct text *out);
/* The value as it was put; ERR_DENIED: its key is not at hand. */
WARN_UNUSED enum error_code hidden_see_value(const struct host *host, const char *space,
                                             const char *key, struct journal_value *value,
                                             struct text *out, struct error *reterr);

#endif
