/* SPDX-License-Identifier: Apache-2.0
 *
 * Good: asks the host on a thread of its own, and answers with what it was told.
 */
#include "sin.h"

static void pass_on(void *user, const seam_reply *reply)
{
    answer(*(const seam_id *)user, reply->status, reply->body);
}

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    seam_id id = call->id;
    host->request_wait(host, id, "test.ask/1", call->input, pass_on, &id);
    return SEAM_OK;
}

SIN(SEAM_READ, 0)
