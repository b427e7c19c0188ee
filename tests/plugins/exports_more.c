/* SPDX-License-Identifier: Apache-2.0
 *
 * Exports a second function beside its door: it is linked without the version script.
 */
#include "sin.h"

__attribute__((visibility("default"))) int another_door(void);
int another_door(void)
{
    return 0;
}

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    answer(call->id, SEAM_OK, call->input);
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
