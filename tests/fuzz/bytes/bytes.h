/* SPDX-License-Identifier: Apache-2.0
 *
 * What the harnesses that read bytes share. Each is one LLVMFuzzerTestOneInput: whatever the bytes
 * are, it returns, and what it claims on the way holds. With clang's libFuzzer it is driven by
 * coverage; with any compiler replay.c runs the seeds through it. Neither knows of the other.
 */
#ifndef TESTS_FUZZ_BYTES_H
#define TESTS_FUZZ_BYTES_H

#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says what did not hold, and aborts: that is a finding. */
#define CLAIM(condition, ...) ((condition) ? (void)0 : claim_failed(#condition, __VA_ARGS__))
_Noreturn void claim_failed(const char *condition, const char *format, ...) PRINTF_LIKE(2, 3);

/* An error tells something, in UTF-8, for it is printed and becomes JSON. */
void claim_error(enum error_code code, const struct error *err);

#endif
