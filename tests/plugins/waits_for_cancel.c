/* SPDX-License-Identifier: Apache-2.0
 *
 * Good: works until it is told to stop, and stops.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    host->emit(host, call->id, bytes_of("begun"));
    while (!host->cancelled(host, call->id))
        pause_ms(1);
    answer(call->id, SEAM_E_CANCELLED, bytes_of(""));
    return SEAM_OK;
}

SIN(SEAM_WRITE, 0)
