/* SPDX-License-Identifier: Apache-2.0
 *
 * Gives up by abort().
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    (void)call;
    abort();
}

SIN(SEAM_WRITE, 0)
