/* SPDX-License-Identifier: Apache-2.0
 *
 * Completes calls that were never made, before its own.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    answer(0, SEAM_OK, bytes_of("1"));
    answer(call->id + ((seam_id)1 << 44), SEAM_OK, bytes_of("1"));
    answer(call->id + 1, SEAM_OK, bytes_of("1"));
    answer(call->id, SEAM_OK, bytes_of("2"));
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
