/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeps the input of a call where all calls keep theirs.
 */
#include "sin.h"

static char kept[1 << 20];

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    size_t len = call->input.len < sizeof(kept) - 1 ? call->input.len : sizeof(kept) - 1;
    memcpy(kept, call->input.ptr, len);
    kept[len] = 0;
    pause_ms(2);
    answer(call->id, SEAM_OK, bytes_of(kept));
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
