/* SPDX-License-Identifier: Apache-2.0
 *
 * Works, and tries on the way what the sandbox denies.
 */
#include "sin.h"

#include <sys/socket.h>
#include <unistd.h>

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0)
        close(fd);
    answer(call->id, SEAM_OK, call->input);
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
