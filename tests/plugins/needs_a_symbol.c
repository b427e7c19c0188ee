/* SPDX-License-Identifier: Apache-2.0
 *
 * Imports a function that nobody has.
 */
#include "sin.h"

extern seam_status nobody_has_this(void);

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    (void)call;
    return nobody_has_this();
}

SIN(SEAM_PURE, 0)
