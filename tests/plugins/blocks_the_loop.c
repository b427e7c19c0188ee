/* SPDX-License-Identifier: Apache-2.0
 *
 * Says that it never blocks, and does.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    pause_ms(150);
    answer(call->id, SEAM_OK, call->input);
    return SEAM_OK;
}

SIN(SEAM_PURE, SEAM_NONBLOCKING)
