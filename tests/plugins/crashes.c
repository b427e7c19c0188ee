/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes to where nothing is.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    host->emit(host, call->id, bytes_of("begun"));
    if (call->input.len == 1 && call->input.ptr[0] == '0') {
        for (;;)
            pause_ms(1000);
    }
    write_to_nowhere();
    return SEAM_OK;
}

SIN(SEAM_WRITE, 0)
