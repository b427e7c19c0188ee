/* SPDX-License-Identifier: Apache-2.0
 *
 * Good: one write at a time, which asks the host when to end.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    host->request_wait(host, call->id, "test.go/1", call->input, NULL, NULL);
    answer(call->id, SEAM_OK, call->input);
    return SEAM_OK;
}

SIN(SEAM_WRITE, 0)
