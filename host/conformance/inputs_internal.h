/* SPDX-License-Identifier: Apache-2.0
 *
 * Values that a contract accepts: the least one, those at its edges, and others drawn by a seed.
 */
#ifndef CONFORMANCE_INPUTS_INTERNAL_H
#define CONFORMANCE_INPUTS_INTERNAL_H

#include "contract/contract.h"

#include <stdint.h>

/* At most `most` values, each accepted by the contract, the plainest first; fewer where few can be
 * found. A new array, perhaps empty. */
json_t *inputs_draw(const struct contract *contract, uint64_t seed, size_t most, int64_t due_ms);
/* One value that the contract accepts, or NULL. */
json_t *inputs_least(const struct contract *contract);

#endif
