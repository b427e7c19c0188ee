/* SPDX-License-Identifier: Apache-2.0
 *
 * Never comes back from being loaded.
 */
#include "sin.h"

__attribute__((constructor)) static void hang(void)
{
    for (;;)
        pause_ms(1000);
}

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    (void)call;
    return SEAM_E_INTERNAL;
}

SIN(SEAM_PURE, 0)
