/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks for one service after the other, and waits for none of the answers.
 */
#include "sin.h"

static void ignore(void *user, const seam_reply *reply)
{
    (void)user;
    (void)reply;
}

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    for (;;)
        host->request(host, call->id, "clock.sleep/1", bytes_of("{\"ms\": 1000}"), ignore, NULL);
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
