/* SPDX-License-Identifier: Apache-2.0
 *
 * Completes each call twice.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    answer(call->id, SEAM_OK, bytes_of("1"));
    answer(call->id, SEAM_OK, bytes_of("2"));
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
