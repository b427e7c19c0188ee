/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers a gigabyte.
 */
#include "sin.h"

#include <sys/mman.h>

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    size_t size = (size_t)1 << 30;
    void *body = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    answer(call->id, SEAM_OK, (seam_bytes){body, size});
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
