/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks again until it is answered, and does not look whether it should stop.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    seam_id id = call->id;
    while (host->request_wait(host, id, "clock.sleep/1", bytes_of("{\"ms\":1}"), NULL, NULL) !=
           SEAM_OK)
        pause_ms(1);
    answer(id, SEAM_OK, bytes_of("1"));
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
