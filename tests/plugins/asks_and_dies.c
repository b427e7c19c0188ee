/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks the host for something and crashes before the answer.
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
    host->request(host, call->id, "test.ask/1", bytes_of("{}"), ignore, NULL);
    write_to_nowhere();
    return SEAM_OK;
}

SIN(SEAM_READ, 0)
