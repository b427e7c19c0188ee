/* SPDX-License-Identifier: Apache-2.0
 *
 * Good: sleeps by the host's clock.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    seam_status status =
        host->request_wait(host, call->id, "clock.sleep/1", bytes_of("{\"ms\":5}"), NULL, NULL);
    answer(call->id, status, bytes_of("\"slept\""));
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
