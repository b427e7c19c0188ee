/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin that is loaded by the host's own loader and called by the kit, and what came of each
 * call; and a child of the kit, in which that happens when the plugin shares its process.
 */
#ifndef CONFORMANCE_SESSION_INTERNAL_H
#define CONFORMANCE_SESSION_INTERNAL_H

#include "conformance/world_internal.h"

enum { SESSION_GRACE_MS = 1000, CALL_MS = 3000 };

struct ended { /* a call, in the order in which they were made */
    uint64_t id;
    size_t agent;
    char key[32];
    bool done;
    enum call_end end;
    int32_t status;
    uint32_t effect, passed; /* passed: statuses that its requests were given, as 1u << status */
    char *body, *code, *reason;
    size_t body_len;
};

struct held_request { /* of a silent world */
    uint64_t request;
};

struct session {
    struct kit *kit;
    struct plugin *plugin;
    bool in_process, ready, down;
    struct error refusal; /* code OK: none */
    char death[600];
    struct ended *calls;
    size_t count, pending;
    struct held_request *held;
    size_t held_count;
    size_t log_lines, log_bytes, emitted; /* since session_forget */
    struct world world;
};

/* Starts the plugin and waits until it is ready, refused, or its time is over. */
void session_open(struct session *s, struct kit *kit, bool in_process);
void session_close(struct session *s);
const char *session_mode(const struct session *s);

struct session_call {
    size_t agent;
    const json_t *input;
    const char *key; /* NULL: one of its own */
    uint32_t attempt;
    int64_t deadline_ms;
};
/* Its index among the calls; SIZE_MAX if the plugin took none any more. */
size_t session_call(struct session *s, const struct session_call *call);
/* Until all calls have ended, the plugin is down, or the time is over: false. */
bool session_wait(struct session *s, int64_t ms);
/* Until something is asked of the silent world, or all have ended. */
void session_wait_asked(struct session *s, int64_t ms);
/* For so long, though all have ended: what is late may come. */
void session_wait_late(struct session *s, int64_t ms);
/* Forgets the calls, all of which have ended. */
void session_forget(struct session *s);

/* "worker, agent act, input 3: {…}" for failures; the caller frees. */
char *session_place(const struct session *s, size_t agent, const json_t *input);

struct printed { /* by the plugin */
    size_t bytes;
    char last[240]; /* the end of it */
};

typedef void (*isolated_fn)(struct kit *kit, void *user);
/* Runs fn in a child, whose findings enter the kit's ledger, and kills it and what it started when
 * the time is over. Returns how it ended: 0 in order, or a signal; -1 the time was over; else an
 * exit status with 256 added, of a plugin that left by exit(). */
int isolated(struct kit *kit, isolated_fn fn, void *user, int64_t ms, struct printed *ret_printed);

#endif
