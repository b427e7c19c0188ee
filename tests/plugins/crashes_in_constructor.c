/* SPDX-License-Identifier: Apache-2.0
 *
 * Crashes while it is loaded, before anybody called it.
 */
#include "sin.h"

__attribute__((constructor)) static void crash(void)
{
    write_to_nowhere();
}

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    (void)call;
    return SEAM_E_INTERNAL;
}

SIN(SEAM_PURE, 0)
