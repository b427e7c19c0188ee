/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's table of a plugin's calls: by id in O(1), by the time at which something is due, and
 * in line for those that wait. An id is generation of the plugin (20 bits), use of the slot (28),
 * slot (16); a slot whose uses are spent is not used again, so an id never means two calls.
 *
 *   free → waiting → under way → stopping → free     the ladder of a call that hangs
 *            │          │           └→ abandoned → free    in this process it cannot be killed
 *            └→ free    └→ free                      ended in time; in line
 */
#ifndef LOADER_CALLS_INTERNAL_H
#define LOADER_CALLS_INTERNAL_H

#include "base/limits.h"
#include "base/text.h"

enum { CALL_PARTS = 3, NO_CALL = -1 };

enum call_state {
    STATE_FREE,
    STATE_WAITING,   /* in line, in the host: has not begun                       */
    STATE_UNDER_WAY, /* sent to the guest                                         */
    STATE_STOPPING,  /* told to stop; due: the end of the grace                   */
    STATE_ABANDONED, /* ended for the host; the slot is kept until the guest ends */
};

struct call { /* pointers to it hold until the next calls_open */
    uint64_t id;
    uint32_t uses;
    enum call_state state;
    bool late;      /* its deadline has passed: whatever it answers, it has timed out */
    bool hung;      /* its grace has passed too */
    bool cancelled; /* by the host, while it waited */
    uint32_t agent, attempt;
    int64_t deadline_ns, due_ns;    /* 0 = none */
    int heap_at;                    /* NO_CALL: nothing is due */
    int next, previous;             /* in line; next among the free */
    struct slice parts[CALL_PARTS]; /* waiting: input, key, feedback, in bytes */
    char *bytes;
};

struct calls {
    struct call *list;
    size_t room, line_bytes, under_way, waiting;
    int free_first, free_last, line_first, line_last;
    int *heap; /* slots, the first due in front */
    size_t heap_len;
    uint64_t generation;
};

void calls_init(struct calls *calls, uint64_t generation);
void calls_done(struct calls *calls);
/* A free slot, its id set; NULL if LIMIT_CALLS are taken. */
struct call *calls_open(struct calls *calls);
void calls_close(struct calls *calls, struct call *call);
struct call *calls_find(struct calls *calls, uint64_t id);
/* The state, and what hangs on it: the counts. */
void calls_move(struct calls *calls, struct call *call, enum call_state state);
/* 0: nothing is due. */
void calls_set_due(struct calls *calls, struct call *call, int64_t due_ns);
/* The call with the nearest time, or NULL. */
struct call *calls_first_due(struct calls *calls);

/* Copies the parts into the call and puts it behind the line. */
void calls_wait(struct calls *calls, struct call *call, const struct slice parts[CALL_PARTS]);
struct call *calls_first_waiting(struct calls *calls);
/* Takes it out of the line and drops its parts. */
void calls_leave_line(struct calls *calls, struct call *call);

#endif
