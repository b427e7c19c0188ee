/* SPDX-License-Identifier: Apache-2.0
 *
 * Uses a service of the host without looking whether the table has it.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    answer(call->id, SEAM_OK, bytes_of(host->extension(host, "x/1") ? "1" : "1"));
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
