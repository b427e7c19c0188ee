/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers at once, and keeps the thread for ever.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    answer(call->id, SEAM_OK, call->input);
    for (;;)
        pause_ms(1000);
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
