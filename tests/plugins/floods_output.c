/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints without end until it is told to stop, but no less than a flood; or answers, if its input
 * is 1.
 */
#include "sin.h"

#include <stdio.h>

enum { FLOOD = 10000 }; /* lines; a busy machine may tell it to stop before it printed so many */

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    if (call->input.len == 1) {
        puts("a printed line");
        fputs("and half of one", stderr);
        answer(call->id, SEAM_OK, call->input);
        return SEAM_OK;
    }
    for (int i = 0; i < FLOOD || !host->cancelled(host, call->id); i++)
        puts("what a long line this is, and how many there are of it");
    answer(call->id, SEAM_E_CANCELLED, bytes_of(""));
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
