/* SPDX-License-Identifier: Apache-2.0
 *
 * Has an address in its code that the loader must write there.
 */
#include "sin.h"

__asm__(".text\n.balign 8\n.quad seam_plugin_v1\n");

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    answer(call->id, SEAM_OK, call->input);
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
