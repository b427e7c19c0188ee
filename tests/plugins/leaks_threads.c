/* SPDX-License-Identifier: Apache-2.0
 *
 * Starts a thread for each call, and none of them ends.
 */
#include "sin.h"

#include <pthread.h>

static void *stay(void *nothing)
{
    for (;;)
        pause_ms(1000);
    return nothing;
}

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    pthread_t thread;
    if (pthread_create(&thread, NULL, stay, NULL) == 0)
        pthread_detach(thread);
    answer(call->id, SEAM_OK, bytes_of("1"));
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
