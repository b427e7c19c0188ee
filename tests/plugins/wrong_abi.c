/* SPDX-License-Identifier: Apache-2.0
 *
 * Its card needs a minor version of the ABI that does not exist yet.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    (void)call;
    return SEAM_E_INTERNAL;
}

SIN(SEAM_PURE, 0)
