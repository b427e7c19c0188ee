/* SPDX-License-Identifier: Apache-2.0
 *
 * Rehearsals: a host in which other things than plugins and networks stand behind the agents, and
 * in which time is skipped. All else is the host that works: runs, records, barriers, services,
 * effects, questions. Whoever stands in is told of calls and of requests that leave, asks for
 * services as a plugin does, and ends calls as a plugin does; from the thread that opened the host,
 * and never from within what it is told: at a moment of its own (stand_in_after).
 *
 * Nothing is loaded, sent or run, and nobody is told of questions. What answer and cancel would
 * leave in the inbox comes by host_deliver. The time begins where it is said to, stands still while
 * anything is under way, and else jumps to the next moment that is waited for (host_turn).
 */
#ifndef RUNTIME_STAND_IN_H
#define RUNTIME_STAND_IN_H

#include "egress/egress.h"
#include "runtime/runtime.h"

/* A call, as it would be sent to its plugin; borrowed until told. */
struct stand_in_call {
    uint64_t id;
    const struct run *run;
    uint32_t task;
    bool reconciling;
    const struct agent *agent;
    uint32_t attempt; /* what the agent sees: 1, 2, … */
    const json_t *input, *feedback;
    const char *key;
    int64_t timeout_ms; /* -1 = none; whoever stands in ends it then, as CALL_TIMED_OUT */
};

struct stand_ins { /* all are set */
    void (*called)(void *user, const struct stand_in_call *call);
    /* The call has no use any more; it must still be ended. */
    void (*cancelled)(void *user, uint64_t call);
    /* What a service says to a request, once; maybe before stand_in_request returns. */
    void (*answered)(void *user, uint64_t request, const struct plugin_answer *answer);
    /* A request leaves, by http.send of that call; ended by stand_in_respond, once. */
    void (*sent)(void *user, uint64_t send, uint64_t call, const struct egress_request *request);
    /* Its connection is closed; it must still be ended, and at once. */
    void (*closed)(void *user, uint64_t send);
    void *user;
    int64_t started_ms; /* Unix time to begin at */
    uint64_t seed;      /* of all that is random, and of runs */
};

/* One turn of a rehearsal: what is under way now, or else the jump to the next moment that is
 * waited for. False: nothing is under way, and nothing is waited for. */
bool host_turn(struct host *host);

/* then(user), when so much time has passed. What is not due when the host closes is never told. */
void stand_in_after(struct host *host, int64_t wait_ms, void (*then)(void *user), void *user);
/* Unix time, as the rehearsal has it. */
int64_t stand_in_now(const struct host *host);

/* The run, while it is in memory; else NULL. */
const struct run *stand_in_run(const struct host *host, const char *id);

/* What is recorded of the run is on disk when this returns; nothing follows from it yet. */
void stand_in_flush(struct host *host, const char *id);

/* The call asks for a service. Ids are the caller's, and its affair: `answered` names them. */
void stand_in_request(struct host *host, uint64_t call, uint64_t request, const char *op,
                      const json_t *body);
/* The call that result names ends; one that has ended already is dropped. */
void stand_in_complete(struct host *host, const struct call_result *result);
void stand_in_respond(struct host *host, uint64_t send, const struct egress_answer *answer);

#endif
