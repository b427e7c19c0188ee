/* SPDX-License-Identifier: Apache-2.0
 *
 * A reload and what follows from it: reload.c changes hands, self_test.c asks what comes whether it
 * works, drain.c ends what was replaced and says where a start goes, probation.c goes back.
 */
#ifndef RUNTIME_RELOAD_INTERNAL_H
#define RUNTIME_RELOAD_INTERNAL_H

#include "runtime/across_internal.h"

/* A roster of before, for as long as something refers to it. */
struct retired {
    struct retired *next;
    struct roster *roster;
    uint64_t generation; /* runs from before may refer to it */
    bool borrowed;
};

/* What went back: it is not taken again unasked. */
struct fall {
    struct digest library;
    json_t *config;
    uint64_t generation;
    int64_t at_ms;
    char *reason;
};

bool same_json(const json_t *a, const json_t *b);
/* The same library, card and configuration. */
bool same_build(const struct roster_plugin *a, const struct roster_plugin *b);

/* ---- reload.c ---- */

void reload_open(struct host *host);
/* What is under way of it, and what drains, ends; before the slots. */
void reload_stop(struct host *host);
/* Rosters that came by reloads; the last of all. */
void reload_close(struct host *host);
/* Between two turns of the loop: what has drained ends. */
void reload_turn(struct host *host);
/* A plugin that was started for a reload is up, or is not. */
void reload_heard(struct slot *slot, const struct error *err);
/* Calls that the generation before has still under way. */
size_t reload_draining(const struct host *host, const char *alias);
/* Where that start goes, and what waits to be sent when another takes its plugin's place: to the
 * plugin of today, but for a write that began in a library that is not today's. NULL: that library
 * is gone, and no other may end what it began (REPLACED). What goes to another library than before
 * is recorded. */
#define REPLACED                                                                                   \
    "it began in a library that was replaced meanwhile, and only that library may end what it "    \
    "began"
struct slot *reload_slot(struct live_run *live, const struct agent *agent, uint32_t task,
                         uint32_t attempt, bool reconciling);
/* The loop will turn, and reload_turn with it. */
void reload_look_soon(struct host *host);
/* The one that is being started for that plugin; NULL = none. */
const struct slot *reload_coming(const struct host *host, const char *alias);

/* ---- drain.c ---- */

/* What comes goes to the successor from now on; NULL = it was removed. */
void drain_begin(struct slot *slot, struct slot *successor);
/* Is anything still under way in an earlier generation of that plugin? */
bool drains(struct host *host, const char *alias);
void drain_turn(struct host *host);
/* The generation before is called again. */
void drain_undo(struct slot *slot);
/* What is kept of that alias for a probation ends. */
void drain_kept(struct host *host, const char *alias);

/* ---- self_test.c ---- */

/* Of the manifest: does it call what may be called? */
WARN_UNUSED enum error_code self_test_check(const struct manifest_plugin *entry,
                                            const struct card *card, struct error *reterr);
/* It is up; reload_heard tells how the test ended. */
void self_test_begin(struct slot *slot);
/* False: the call is none of its own. */
bool self_test_hears(struct slot *slot, const struct call_result *result);
/* Its calls that are not answered yet; 0 without a test. */
size_t self_test_open(const struct self_test *test);
void self_test_free(struct self_test *test);

/* ---- probation.c ---- */

/* Its worker ended, or it did not start. */
void probation_fault(struct slot *slot, const char *reason);
/* A call of it was answered; breach: how that broke its contract, NULL = it did not. */
void probation_answer(struct slot *slot, const char *breach);
void probation_done(struct slot *slot);
/* It took the place of the other, if there is something to watch. */
void probation_begin(struct slot *slot, struct slot *before);
void probation_end(struct slot *slot);
/* Whoever watches is told of what is condemned. */
void probation_turn(struct host *host);
/* It cannot go back; the next fault asks again. */
void probation_spare(struct slot *slot);
/* Is it what the slot on probation would go back to? */
bool goes_back(const struct slot *was, const struct roster_plugin *plugin);
/* was is condemned, and is takes its place again. */
void probation_fell(struct slot *was, struct slot *is);
void probation_forget(struct slot *slot);
/* ERR_CONFLICT if it is what fell. */
WARN_UNUSED enum error_code
probation_refuses(const struct slot *was, const struct roster_plugin *plugin, struct error *reterr);

/* ---- relist.c ---- */

/* It is asked to tell when its agents are others, if it is up and anybody is to know. */
void relist_watch(struct slot *slot);
/* The same of one that came up: perhaps they are others already. */
void relist_up(struct slot *slot);
/* Of the plugin's handlers: they are, or it does not tell (any more). */
void relist_watched(void *user, bool changed);
/* Before the slots. */
void relist_stop(struct host *host);

/* ---- trial.c ---- */

/* A plugin of that roster asked, in a worker of its own beside what runs, for the agents that stand
 * in its configuration. listed: a JSON array, borrowed, or NULL and why not. It is over then, and
 * may be freed, but not from within. */
struct trial;
typedef void (*trial_listed)(void *user, json_t *listed, const struct error *err);
WARN_UNUSED enum error_code trial_list(struct host *host, const struct roster_plugin *plugin,
                                       const char *library, trial_listed listed, void *user,
                                       struct trial **ret_trial, struct error *reterr);
void trial_free(struct trial *trial);

/* The card gets those of the listed agents that the entry of the lock says, the others are left
 * out; if it says none of them, the card gets them all, for lock_check_agents to say why not. */
WARN_UNUSED enum error_code roster_admit(struct roster_plugin *plugin, const json_t *pinned,
                                         json_t *listed, struct error *reterr);

/* ---- roster.c ---- */

/* The roster with that plugin's library and configuration in place of its own; of the same manifest
 * else. home is the roster that instead belongs to. */
struct roster *roster_with(const struct roster *roster, size_t index, const struct roster *home,
                           const struct roster_plugin *instead);
/* The roster in which that plugin's agents are those of the list, as far as the lock, as it is now,
 * says them; the same library, configuration and grants. */
WARN_UNUSED enum error_code roster_relisted(const struct roster *roster, size_t index,
                                            json_t *listed, struct roster **ret_roster,
                                            struct error *reterr);

#endif
