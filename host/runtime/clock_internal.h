/* SPDX-License-Identifier: Apache-2.0
 *
 * Timers of a host, and its clock: see clock.c.
 */
#ifndef RUNTIME_CLOCK_INTERNAL_H
#define RUNTIME_CLOCK_INTERNAL_H

#include <uv.h>

struct host;

struct timer;
typedef void (*timer_rings)(struct timer *timer);

struct timer {
    struct host *host;
    void *data; /* whoever waits */
    timer_rings rings;
    int64_t at_ms;
    uint64_t order;
    size_t place; /* in the line, from 1; 0 = it is not set */
};

/* The clock of a living host: see clock.c. */
struct pace {
    int64_t now_ns, boot_ns; /* Unix time, and that of the machine, when it was last looked at */
};
void pace_begin(struct pace *pace, int64_t wall_ns, int64_t boot_ns);
/* What the time is; the wall clock may have been set since. */
int64_t pace_now(struct pace *pace, int64_t wall_ns, int64_t boot_ns);

/* What waits for a time, the next first. */
struct timers {
    struct timer **heap;
    size_t count, room;
    uint64_t order;
    uv_timer_t uv;    /* rings for the first of them … */
    int64_t rings_ms; /* … then; INT64_MAX = it is not set */
    int64_t now_ms;   /* of a rehearsal … */
    uint64_t random;
};

#endif
