/* SPDX-License-Identifier: Apache-2.0
 *
 * Forks, and each child forks again, until told that no more may be; then it goes on trying.
 */
#include "sin.h"

#include <unistd.h>

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    (void)call;
    for (;;)
        (void)!fork();
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
