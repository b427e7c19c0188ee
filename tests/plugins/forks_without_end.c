/* SPDX-License-Identifier: Apache-2.0
 *
 * Forks, and each child forks again, until told that no more may be; then it goes on trying. It
 * tells once how many came of that.
 */
#include "sin.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TRIES = 1000 };

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    atomic_int *forked =
        mmap(NULL, sizeof(*forked), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t first = getpid();
    for (int i = 0;; i++) {
        if (fork() > 0)
            (*forked)++;
        if (i != TRIES || getpid() != first)
            continue;
        char text[64];
        int len = snprintf(text, sizeof(text), "of %d forks %d gave a process", TRIES, *forked);
        host->log(host, call->id, SEAM_LOG_ERROR, (seam_bytes){text, (size_t)len});
    }
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
