/* SPDX-License-Identifier: Apache-2.0
 *
 * Ends its call while requests of it are under way; the next call tells how many were answered.
 */
#include "sin.h"

#include <stdatomic.h>
#include <stdio.h>

static atomic_int cancelled, others;

static void count(void *user, const seam_reply *reply)
{
    (void)user;
    atomic_fetch_add(reply->status == SEAM_E_CANCELLED ? &cancelled : &others, 1);
}

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    if (call->input.len == 1) {
        char text[64];
        int len =
            snprintf(text, sizeof(text), "[%d,%d]", atomic_load(&cancelled), atomic_load(&others));
        answer(call->id, SEAM_OK, (seam_bytes){text, (size_t)len});
        return SEAM_OK;
    }
    for (int i = 0; i < 3; i++)
        host->request(host, call->id, "test.ask/1", bytes_of("{}"), count, NULL);
    answer(call->id, SEAM_OK, bytes_of("0"));
    host->request(host, call->id, "test.ask/1", bytes_of("{}"), count, NULL);
    return SEAM_OK;
}

SIN(SEAM_READ, 0)
