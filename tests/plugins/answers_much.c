/* SPDX-License-Identifier: Apache-2.0
 *
 * Good: answers a megabyte, more than any socket holds.
 */
#include "sin.h"

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    static char body[1 << 20];
    memset(body, '7', sizeof(body));
    answer(call->id, SEAM_OK, (seam_bytes){body, sizeof(body)});
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
