/* SPDX-License-Identifier: Apache-2.0
 *
 * Says that the same key twice is once, and makes up a key for each request.
 */
#include "sin.h"

#include <stdio.h>

static seam_status act(void *self, const seam_call *call)
{
    static _Atomic int keys;
    (void)self;
    seam_id id = call->id;
    char body[200];
    snprintf(body, sizeof(body),
             "{\"method\":\"POST\",\"url\":\"http://world.invalid/things\",\"json\":1,"
             "\"headers\":{\"Idempotency-Key\":\"%d\"}}",
             keys++);
    host->request_wait(host, id, "http.send/1", bytes_of(body), NULL, NULL);
    answer(id, SEAM_OK, bytes_of("1"));
    return SEAM_OK;
}

SIN(SEAM_WRITE_IDEMPOTENT, 0)
