/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers bytes that are no text.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    if (host->emit(host, call->id, bytes_of("\xff")) != SEAM_E_INPUT)
        abort();
    host->log(host, call->id, SEAM_LOG_INFO, bytes_of("log \xff\x1b[31m"));
    answer(call->id, SEAM_OK, bytes_of("\"\xc3\x28\""));
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
