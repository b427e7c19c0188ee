/* SPDX-License-Identifier: Apache-2.0
 *
 * Says that it is pure and answers the second of the day: the same in two calls that follow each
 * other.
 */
#include "sin.h"

#include <stdio.h>

static seam_status act(void *self, const seam_call *call)
{
    char text[32];
    (void)self;
    snprintf(text, sizeof(text), "\"%lld\"", (long long)time(NULL));
    answer(call->id, SEAM_OK, bytes_of(text));
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
