/* SPDX-License-Identifier: Apache-2.0
 *
 * Does not like its configuration.
 */
#include "sin.h"

static seam_status create(const seam_host *given, seam_bytes config, void **ret_self)
{
    (void)ret_self;
    given->log(given, 0, SEAM_LOG_ERROR, config);
    return SEAM_E_INPUT;
}

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    (void)call;
    return SEAM_E_INTERNAL;
}

SIN_WITH(SEAM_PURE, 0, create, NULL)
