/* SPDX-License-Identifier: Apache-2.0
 *
 * Never comes back and listens to nobody; or answers, if its input is "answer".
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    if (call->input.len == 8 && memcmp(call->input.ptr, "\"answer\"", 8) == 0) {
        answer(call->id, SEAM_OK, call->input);
        return SEAM_OK;
    }
    host->emit(host, call->id, bytes_of("begun"));
    for (;;)
        pause_ms(1000);
}

SIN(SEAM_WRITE, 0)
