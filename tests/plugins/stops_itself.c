/* SPDX-License-Identifier: Apache-2.0
 *
 * Stops its own process, as a terminal would, and is never continued.
 */
#include "sin.h"

#include <signal.h>

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    (void)call;
    raise(SIGSTOP);
    for (;;)
        pause_ms(1000);
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
