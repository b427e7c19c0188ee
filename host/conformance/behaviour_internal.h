/* SPDX-License-Identifier: Apache-2.0
 *
 * The scenarios of the second level, each of which runs in a child of the kit.
 */
#ifndef CONFORMANCE_BEHAVIOUR_INTERNAL_H
#define CONFORMANCE_BEHAVIOUR_INTERNAL_H

#include "conformance/session_internal.h"

struct scenario {
    const char *what;
    isolated_fn play;
    enum check_number dies, hangs; /* which claim is wrong if the child crashes, or never ends */
    uint64_t claims;               /* what it is played for, as CLAIM()s */
};
#define CLAIM(name) ((uint64_t)1 << CHECK_##name)
_Static_assert(CHECK_COUNT <= 64, "a set of checks is a word");

/* Plays it; false if something broke on which others stand, or there was no time. `in_process` is
 * handed to the scenario as its user. */
bool scenario_play(struct kit *kit, const struct scenario *scenario, bool in_process);
/* Skips what was asked of a level, with the reason. */
void kit_skip_level(struct kit *kit, int level, const char *why);
/* Draws the inputs and a configuration, once; false: there are none, and the ledger says why. */
bool kit_prepare(struct kit *kit);
/* What the child does just now, for when it dies of it. */
void doing(struct kit *kit, const char *place);
/* The inputs of an agent that were drawn; borrowed. */
json_t *inputs_of(const struct kit *kit, size_t agent);

/* behaviour_calls.c: user: a bool, in process */
void play_answers(struct kit *kit, void *user);
void play_cancel(struct kit *kit, void *user);
void play_deadline(struct kit *kit, void *user);
void play_concurrency(struct kit *kit, void *user);
void play_leaks(struct kit *kit, void *user);
/* Tells the ledger what is wrong with a session that did not become ready; false then. */
bool session_is_ready(struct session *s);

/* denied.c */
void play_denied(struct kit *kit, void *user);

/* bare.c: without the loader */
void play_host_tables(struct kit *kit, void *user);
void play_again(struct kit *kit, void *user);

#endif
