/* SPDX-License-Identifier: Apache-2.0
 *
 * Says that it is pure and answers where the kernel put its seed, which no two processes have in
 * common.
 */
#include "sin.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/auxv.h>

static seam_status act(void *self, const seam_call *call)
{
    char text[32];
    (void)self;
    snprintf(text, sizeof(text), "\"%llx\"", (unsigned long long)(uintptr_t)getauxval(AT_RANDOM));
    answer(call->id, SEAM_OK, bytes_of(text));
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
