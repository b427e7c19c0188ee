/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes no call.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    (void)call;
    return SEAM_E_UNAVAILABLE;
}

SIN(SEAM_WRITE, 0)
