/* SPDX-License-Identifier: Apache-2.0
 *
 * Good: answers what it was given, on the loop.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    answer(call->id, SEAM_OK, call->input);
    return SEAM_OK;
}

SIN(SEAM_PURE, SEAM_NONBLOCKING)
