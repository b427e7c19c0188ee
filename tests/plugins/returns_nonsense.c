/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers with replies that are none; the input says which.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    seam_reply reply = {.size = sizeof(reply), .body = {NULL, 7}};
    char kind = call->input.len > 0 ? call->input.ptr[0] : '0';
    if (kind == '1')
        reply.size = 4;
    host->complete(host, call->id, kind == '0' ? NULL : &reply);
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
