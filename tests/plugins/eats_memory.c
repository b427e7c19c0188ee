/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes memory until there is none, and tells how many megabytes it got.
 */
#include "sin.h"

#include <stdio.h>

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    int megabytes = 0;
    for (char *p; megabytes < 4096 && (p = malloc(1 << 20)); megabytes++)
        memset(p, 1, 1 << 20);
    char text[32];
    int len = snprintf(text, sizeof(text), "%d", megabytes);
    answer(call->id, SEAM_OK, (seam_bytes){text, (size_t)len});
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
