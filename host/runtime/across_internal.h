/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands between a decision and its call, over all runs of a host: the gates of agents and the
 * budgets of periods; and what becomes of a run that only waits. See gate.c, purse.c, parked.c.
 */
#ifndef RUNTIME_ACROSS_INTERNAL_H
#define RUNTIME_ACROSS_INTERNAL_H

#include "runtime/host_internal.h"

/* ---- gate.c ---- */

void gates_open(struct host *host);
/* What the manifest of that roster says of the same agents. False: there is a gate of an agent that
 * the roster has not, and which stays. */
bool gates_renew(struct host *host, const struct roster *roster);
void gates_close(struct host *host);
/* A call comes to its agent's gate: it goes on to its plugin, now or later, or is refused. */
void gate_enter(struct live_call *call);
/* How a call that went through ended: for the breaker. */
void gate_hear(struct live_call *call, const struct event *event);
/* Does the operator take that code of its agent for proof that nothing was done? */
bool gate_refusal(const struct live_call *call, struct slice code);
/* It is gone, wherever it stood: what it held is free. */
void gate_leave(struct live_call *call);
/* NULL: nothing has called for one so far. */
const struct gate *gate_known(const struct slot *slot, const struct agent *agent);
/* The loop is about to wait: whoever may go goes, and runs are told of what is held or refused. */
void gates_turn(struct host *host);
/* Its run hears of it when this turn of the loop is over. */
void call_refuse_later(struct live_call *call, enum cause cause, const char *code,
                       int64_t retry_after_ms, const char *format, ...) PRINTF_LIKE(5, 6);

/* ---- purse.c ---- */

WARN_UNUSED enum error_code purse_open(struct host *host, struct error *reterr);
void purse_close(struct host *host);
/* What the periods have room for, for the event that is about to happen: a new reference. NULL =
 * there are no budgets. */
json_t *purse_room(const struct live_run *live);
/* That has happened to the run, which was charged so before: what it changes, for the record. */
enum { PURSE_ENTRIES = 2 };
struct purse_entries {
    char names[PURSE_ENTRIES][32];
    struct journal_meter list[PURSE_ENTRIES];
    size_t count;
};
void purse_note(struct live_run *live, struct amounts before, const struct decisions *decisions,
                struct purse_entries *ret_entries);
/* Has a period no room for that much more? The operator is told, once a period. */
bool purse_lacks(const struct live_run *live, int64_t tokens, int64_t cost,
                 struct room_lack *ret_lack);
/* "budget-day": the operator is told that it is spent, unless it was told already. */
void purse_tell(struct host *host, const char *code, const char *message);
/* Must what is set aside for the agent's calls be on disk before they begin? */
bool purse_needs_barrier(const struct host *host, const struct agent *agent);
int64_t purse_hour(const struct host *host);

/* ---- parked.c ---- */

void park_open(struct host *host);
void park_close(struct host *host);
/* When something must happen to a waiting run; 0 = never. */
int64_t park_due(const struct run *run);
/* If it waits for people alone, it may be let go of when this turn of the loop is over. */
void park_later(struct live_run *live);
void park_never(struct live_run *live);
void park_turn(struct host *host);
/* A run that was folded is one that this host has let go of: it is as it was. */
void park_take_back(struct live_run *live);

#endif
