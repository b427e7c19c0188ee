/* SPDX-License-Identifier: Apache-2.0
 *
 * Closes every descriptor of its process, and waits for what comes.
 */
#include "sin.h"

#include <sys/socket.h>
#include <unistd.h>

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    (void)call;
    for (int fd = 0; fd < 64; fd++) {
        shutdown(fd, SHUT_RDWR);
        close(fd);
    }
    for (;;)
        pause_ms(1000);
    return SEAM_OK;
}

SIN(SEAM_WRITE, 0)
