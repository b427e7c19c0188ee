/* SPDX-License-Identifier: Apache-2.0
 *
 * Logs and streams without end until it is told to stop; or answers, if its input is 1.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    if (call->input.len == 1) {
        answer(call->id, SEAM_OK, call->input);
        return SEAM_OK;
    }
    static const char chunk[512] = "xxxxxxxxxxxxxxxx";
    while (!host->cancelled(host, call->id)) {
        host->log(host, call->id, SEAM_LOG_INFO, bytes_of("xxxxxxxxxxxxxxxx"));
        host->emit(host, call->id, (seam_bytes){chunk, sizeof(chunk)});
        answer(0, SEAM_OK, bytes_of("1"));
    }
    answer(call->id, SEAM_E_CANCELLED, bytes_of(""));
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
