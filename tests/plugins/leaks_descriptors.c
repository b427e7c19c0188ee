/* SPDX-License-Identifier: Apache-2.0
 *
 * Opens a file for each call and leaves it open.
 */
#include "sin.h"

#include <unistd.h>

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    answer(call->id, SEAM_OK, bytes_of(dup(2) < 0 ? "1" : "1"));
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
