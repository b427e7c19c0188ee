/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes memory until there is none, and tells how many megabytes it got.
 */
#include "sin.h"

#include <stdio.h>

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    static char *volatile kept; /* or a compiler takes none at all */
    int megabytes = 0;
    while (megabytes < 4096 && (kept = malloc(1 << 20))) {
        memset(kept, 1, 1 << 20);
        megabytes++;
    }
    char text[32];
    int len = snprintf(text, sizeof(text), "%d", megabytes);
    answer(call->id, SEAM_OK, (seam_bytes){text, (size_t)len});
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
