/* SPDX-License-Identifier: Apache-2.0
 *
 * Good: streams three pieces, then answers.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    host->emit(host, call->id, bytes_of("one "));
    host->emit(host, call->id, bytes_of("two "));
    host->emit(host, call->id, bytes_of("three"));
    host->log(host, call->id, SEAM_LOG_WARNING, bytes_of("said all\nof it"));
    answer(call->id, SEAM_OK, bytes_of("3"));
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
