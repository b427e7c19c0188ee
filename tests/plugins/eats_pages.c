/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes page after page from the kernel and writes to each, whatever it is told: there is no
 * allocator that could say no politely.
 */
#include "sin.h"

#include <sys/mman.h>

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    (void)call;
    for (;;) {
        void *pages =
            mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(pages, 1, 1 << 20);
    }
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
