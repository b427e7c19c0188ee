/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers as if nothing were wrong, but only once it was told to stop.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    while (!host->cancelled(host, call->id))
        pause_ms(1);
    pause_ms(20);
    answer(call->id, SEAM_OK, bytes_of("\"done\""));
    return SEAM_OK;
}

SIN(SEAM_WRITE, 0)
