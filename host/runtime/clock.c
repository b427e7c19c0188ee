/* SPDX-License-Identifier: Apache-2.0
 *
 * The clock: the time that is written into records, and every timer of the host. There are two. The
 * real one is set by the wall clock when the host opens, and then goes as time passes, whatever is
 * done to the wall clock: a deadline is over when so much time has gone by, and not when somebody
 * has set a clock. It is drawn towards the wall clock so slowly that no deadline is wrong by more
 * than a hundredth. What passes while the machine is suspended counts: the world had that time,
 * keys grew old in it and people could answer. From one host to the next there is nothing but the
 * wall clock; a run for which that went back goes on from where its own time was. In a rehearsal
 * time stands still while anything is under way, and then jumps to the next moment that something
 * waits for: a retry in an hour, an escalation's deadline, a sleeping agent. So a rehearsal takes
 * as long as its work. In both, what is due at one moment happens in the order in which it was
 * asked for.
 *
 * All timers stand in one line, and libuv has one timer, for the first of them: its own are three
 * times as large, and ten thousand agents may sleep at once.
 *
 * Nothing else in this room may read a clock or start a timer of libuv, but to wait for a process.
 */
#include "runtime/host_internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <time.h>

enum { DRAWN_BY = 100, NS_PER_MS = 1000000 };

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void pace_begin(struct pace *pace, int64_t wall_ns, int64_t boot_ns)
{
    *pace = (struct pace){.now_ns = wall_ns, .boot_ns = boot_ns};
}

int64_t pace_now(struct pace *pace, int64_t wall_ns, int64_t boot_ns)
{
    int64_t passed = boot_ns - pace->boot_ns, most = passed / DRAWN_BY;
    int64_t gap = wall_ns - (pace->now_ns + passed);
    pace->now_ns += passed + (gap > most ? most : gap < -most ? -most : gap);
    pace->boot_ns = boot_ns;
    return pace->now_ns;
}

int64_t host_now(struct host *host)
{
    if (host->options.stand_ins)
        return host->timers.now_ms;
    return pace_now(&host->pace, clock_ns(CLOCK_REALTIME), clock_ns(CLOCK_BOOTTIME)) / NS_PER_MS;
}

int64_t live_now(const struct live_run *live)
{
    return host_now(live->host) + live->ahead_ms;
}

int64_t host_steady(const struct host *host)
{
    return host->options.stand_ins ? host->timers.now_ms : (int64_t)(uv_hrtime() / 1000000);
}

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t draw(uint64_t *state)
{
    uint64_t x = *state += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

uint64_t host_random(struct host *host)
{
    uint64_t random;
    if (host->options.stand_ins)
        return draw(&host->timers.random);
    randombytes_buf(&random, sizeof(random));
    return random;
}

uint64_t host_seed(struct host *host)
{
    return host->options.stand_ins ? host->options.stand_ins->seed : host_random(host) >> 1;
}

/* ---- the line: a heap, by time, then by order ---- */

static bool before(const struct timer *a, const struct timer *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void put(struct timers *line, size_t place, struct timer *timer)
{
    line->heap[place] = timer;
    timer->place = place + 1;
}

static void sift_up(struct timers *line, size_t place, struct timer *timer)
{
    while (place > 0 && before(timer, line->heap[(place - 1) / 2])) {
        put(line, place, line->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(line, place, timer);
}

static void sift_down(struct timers *line, size_t place, struct timer *timer)
{
    for (;;) {
        size_t child = 2 * place + 1;
        if (child + 1 < line->count && before(line->heap[child + 1], line->heap[child]))
            child++;
        if (child >= line->count || !before(line->heap[child], timer))
            break;
        put(line, place, line->heap[child]);
        place = child;
    }
    put(line, place, timer);
}

static void line_add(struct timers *line, struct timer *timer)
{
    if (line->count == line->room) {
        line->room = line->room ? line->room * 2 : 64;
        line->heap = xrealloc(line->heap, line->room * sizeof(struct timer *));
    }
    timer->order = ++line->order;
    sift_up(line, line->count++, timer);
}

static void line_remove(struct timers *line, struct timer *timer)
{
    size_t place = timer->place - 1;
    struct timer *last = line->heap[--line->count];
    timer->place = 0;
    if (last == timer)
        return;
    if (before(last, timer))
        sift_up(line, place, last);
    else
        sift_down(line, place, last);
}

static void ring_first(struct timers *line)
{
    struct timer *first = line->heap[0];
    line_remove(line, first);
    first->rings(first);
}

bool clock_jump(struct host *host)
{
    struct timers *line = &host->timers;
    if (line->count == 0)
        return false;
    if (line->heap[0]->at_ms > line->now_ms)
        line->now_ms = line->heap[0]->at_ms;
    ring_first(line);
    return true;
}

/* ---- the machine's clock ---- */

static void first_is_due(uv_timer_t *uv);

static void watch_first(struct host *host)
{
    struct timers *line = &host->timers;
    if (line->count == 0 || line->heap[0]->at_ms >= line->rings_ms)
        return;
    line->rings_ms = line->heap[0]->at_ms;
    int64_t wait = line->rings_ms - host_steady(host);
    uv_timer_start(&line->uv, first_is_due, wait > 0 ? (uint64_t)wait : 0, 0);
}

/* Descriptors have their turn before what is set meanwhile, and between so many: what those that
 * ring first bring about, and need memory for, is over before the last of thousands ring. */
static void first_is_due(uv_timer_t *uv)
{
    enum { AT_ONCE = 64 };
    struct host *host = uv->data;
    struct timers *line = &host->timers;
    int64_t now = host_steady(host);
    uint64_t last = line->order;
    for (int i = 0; i < AT_ONCE && line->count > 0; i++) {
        if (line->heap[0]->at_ms > now || line->heap[0]->order > last)
            break;
        ring_first(line);
    }
    line->rings_ms = INT64_MAX;
    watch_first(host);
}

void clock_open(struct host *host)
{
    const struct stand_ins *stand_ins = host->options.stand_ins;
    pace_begin(&host->pace, clock_ns(CLOCK_REALTIME), clock_ns(CLOCK_BOOTTIME));
    host->timers = (struct timers){.rings_ms = INT64_MAX};
    if (stand_ins) {
        host->timers.now_ms = stand_ins->started_ms;
        host->timers.random = stand_ins->seed;
    }
    uv_timer_init(&host->loop, &host->timers.uv);
    host->timers.uv.data = host;
}

void clock_close(struct host *host)
{
    struct timers *line = &host->timers;
    free(line->heap);
    line->heap = NULL;
    line->count = line->room = 0;
    uv_close((uv_handle_t *)&line->uv, NULL);
}

/* ---- timers ---- */

void timer_init(struct timer *timer, struct host *host, void *data)
{
    *timer = (struct timer){.host = host, .data = data};
}

void timer_start(struct timer *timer, timer_rings then, int64_t wait_ms)
{
    struct host *host = timer->host;
    int64_t wait = wait_ms > 0 ? wait_ms : 0, now = host_steady(host);
    timer_stop(timer);
    timer->rings = then;
    timer->at_ms = wait < INT64_MAX - now ? now + wait : INT64_MAX;
    line_add(&host->timers, timer);
    if (!host->options.stand_ins)
        watch_first(host);
}

void timer_stop(struct timer *timer)
{
    if (timer->place)
        line_remove(&timer->host->timers, timer);
}
