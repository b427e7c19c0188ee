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

#endif
