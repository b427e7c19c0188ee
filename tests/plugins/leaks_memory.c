/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies the input of each call and forgets the copy.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    char *volatile copy = malloc(call->input.len + 200);
    if (copy)
        copy[0] = 0;
    answer(call->id, SEAM_OK, bytes_of("1"));
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
