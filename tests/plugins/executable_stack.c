/* SPDX-License-Identifier: Apache-2.0
 *
 * Is linked so that every thread has a stack whose bytes can be run.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    answer(call->id, SEAM_OK, call->input);
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
