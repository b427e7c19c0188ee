/* SPDX-License-Identifier: Apache-2.0
 *
 * Starts a process that outlives it, tells its id, and crashes at the next call.
 */
#include "sin.h"

#include <stdio.h>
#include <unistd.h>

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    if (call->input.len == 1)
        _exit(0);
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause_ms(1000);
    char text[32];
    int len = snprintf(text, sizeof(text), "%ld", (long)child);
    answer(call->id, SEAM_OK, (seam_bytes){text, (size_t)len});
    return SEAM_OK;
}

SIN(SEAM_WRITE, 0)
