/* SPDX-License-Identifier: Apache-2.0
 *
 * Never comes back from making its instance.
 */
#include "sin.h"

static seam_status create(const seam_host *given, seam_bytes config, void **ret_self)
{
    (void)given;
    (void)config;
    (void)ret_self;
    for (;;)
        pause_ms(1000);
    return SEAM_OK;
}

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    (void)call;
    return SEAM_E_INTERNAL;
}

SIN_WITH(SEAM_PURE, 0, create, NULL)
