/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks for its libraries in a folder that anybody may write to.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    answer(call->id, SEAM_OK, call->input);
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
