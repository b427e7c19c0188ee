/* SPDX-License-Identifier: Apache-2.0
 *
 * Begins an effect and does not look at what the host knows of it.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    seam_id id = call->id;
    host->request_wait(host, id, "effect.begin/1", bytes_of("{\"name\":\"a\",\"request\":1}"), NULL,
                       NULL);
    host->request_wait(
        host, id, "http.send/1",
        bytes_of("{\"method\":\"POST\",\"url\":\"http://world.invalid/things\",\"json\":1}"), NULL,
        NULL);
    answer(id, SEAM_OK, bytes_of("1"));
    return SEAM_OK;
}

SIN(SEAM_WRITE, 0)
