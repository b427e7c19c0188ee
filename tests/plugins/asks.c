/* SPDX-License-Identifier: Apache-2.0
 *
 * Good: asks the host and answers with what it was told, without a thread.
 */
#include "sin.h"

static void pass_on(void *user, const seam_reply *reply)
{
    seam_id *call = user;
    answer(*call, reply->status, reply->body);
    free(call);
}

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    seam_id *kept = malloc(sizeof(*kept));
    if (!kept)
        return SEAM_E_INTERNAL;
    *kept = call->id;
    host->request(host, call->id, "test.ask/1", call->input, pass_on, kept);
    return SEAM_OK;
}

SIN(SEAM_READ, SEAM_NONBLOCKING)
