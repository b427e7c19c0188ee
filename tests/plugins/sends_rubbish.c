/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes to every descriptor it finds, the way to its host among them.
 */
#include "sin.h"

#include <unistd.h>

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    (void)call;
    char rubbish[256];
    memset(rubbish, 0xA5, sizeof(rubbish));
    for (int fd = 3; fd < 16; fd++)
        if (write(fd, rubbish, sizeof(rubbish)) < 0)
            continue;
    for (;;)
        pause_ms(1000);
    return SEAM_OK;
}

SIN(SEAM_WRITE, 0)
