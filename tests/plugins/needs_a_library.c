/* SPDX-License-Identifier: Apache-2.0
 *
 * Is linked with a library that is not where the plugin runs.
 */
#include "sin.h"

extern int nowhere(void);

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    answer(call->id, nowhere() ? SEAM_OK : SEAM_E_FAILED, call->input);
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
