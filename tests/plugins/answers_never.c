/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes each call and forgets it.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    (void)call;
    return SEAM_OK;
}

SIN(SEAM_WRITE, 0)
