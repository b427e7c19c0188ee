/* SPDX-License-Identifier: Apache-2.0
 *
 * Who must be over first: a binary heap of transfers, in which each knows its place, for most end
 * before their deadline and are taken out of the middle. There may be ten thousand of them.
 */
#include "egress/egress_internal.h"

#include <stdlib.h>
#include <time.h>

static void stand(struct deadlines *deadlines, size_t place, struct transfer *transfer)
{
    deadlines->heap[place] = transfer;
    transfer->place_in_line = place;
}

/* Up, past all that are later. */
static void rise(struct deadlines *deadlines, struct transfer *transfer)
{
    size_t place = transfer->place_in_line;
    for (; place > 1; place /= 2) {
        struct transfer *above = deadlines->heap[place / 2];
        if (above->deadline_ms <= transfer->deadline_ms)
            break;
        stand(deadlines, place, above);
    }
    stand(deadlines, place, transfer);
}

/* Down, past all that are earlier. */
static void sink(struct deadlines *deadlines, struct transfer *transfer)
{
    size_t place = transfer->place_in_line;
    for (size_t below; (below = place * 2) <= deadlines->count; place = below) {
        if (below < deadlines->count &&
            deadlines->heap[below + 1]->deadline_ms < deadlines->heap[below]->deadline_ms)
            below++;
        if (deadlines->heap[below]->deadline_ms >= transfer->deadline_ms)
            break;
        stand(deadlines, place, deadlines->heap[below]);
    }
    stand(deadlines, place, transfer);
}

int64_t deadlines_now_ms(void)
{
    struct timespec now;
    ASSERT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void deadlines_done(struct deadlines *deadlines)
{
    free(deadlines->heap);
    *deadlines = (struct deadlines){0};
}

void deadlines_add(struct deadlines *deadlines, struct transfer *transfer)
{
    if (deadlines->count + 1 >= deadlines->room) {
        deadlines->room = deadlines->room ? deadlines->room * 2 : 64;
        deadlines->heap = xrealloc(deadlines->heap, deadlines->room * sizeof(*deadlines->heap));
    }
    stand(deadlines, ++deadlines->count, transfer);
    rise(deadlines, transfer);
}

void deadlines_remove(struct deadlines *deadlines, struct transfer *transfer)
{
    size_t place = transfer->place_in_line;
    if (place == 0)
        return;
    struct transfer *last = deadlines->heap[deadlines->count--];
    transfer->place_in_line = 0;
    if (last == transfer)
        return;
    stand(deadlines, place, last);
    rise(deadlines, last);
    sink(deadlines, last);
}

struct transfer *deadlines_first(const struct deadlines *deadlines)
{
    return deadlines->count > 0 ? deadlines->heap[1] : NULL;
}
