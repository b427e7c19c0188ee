/* SPDX-License-Identifier: Apache-2.0
 *
 * Says that it is pure and counts its calls.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    static _Atomic int calls;
    (void)self;
    answer(call->id, SEAM_OK, bytes_of(calls++ % 2 ? "\"odd\"" : "\"even\""));
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
