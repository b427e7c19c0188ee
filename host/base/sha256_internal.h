/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 by instructions of the processor, where it has them.
 */
#ifndef BASE_SHA256_INTERNAL_H
#define BASE_SHA256_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_BLOCK = 64 };

bool sha256_has_hardware(void);
/* Mixes count blocks into the state; only if there is hardware for it. */
void sha256_mix(uint32_t state[static 8], const unsigned char *blocks, size_t count);

#endif
