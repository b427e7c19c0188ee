/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads one byte behind what it has allocated; built with the sanitizer that sees it.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    volatile char *bytes = malloc(8);
    volatile size_t behind = 8;
    if (bytes) {
        bytes[0] = bytes[behind];
        free((void *)bytes);
    }
    answer(call->id, SEAM_OK, call->input);
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
