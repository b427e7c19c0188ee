/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers a status that nobody has defined, and an effect too.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    seam_reply reply = {.size = sizeof(reply), .status = 77, .effect = 9};
    host->complete(host, call->id, &reply);
    return SEAM_OK;
}

SIN(SEAM_WRITE, 0)
