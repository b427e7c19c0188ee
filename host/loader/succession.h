/* SPDX-License-Identifier: Apache-2.0
 *
 * Succession: may one plugin take the place of another, by their cards? It may where whoever was
 * served by the old is served by the new: each agent is still there, takes all that the old took,
 * gives nothing that the old could not have given, does no more to the world, asks the operator for
 * no more, and keeps the promises that recovery stands on (reconcile, settle, key_ttl, ref).
 * The three answers are those of containment, for each question and for the whole: REFUTED if one
 * is, else UNKNOWN if one is, else PROVEN. A note is something to know that decides nothing.
 * Cards promise; whether the code keeps its promise is not asked here.
 */
#ifndef LOADER_SUCCESSION_H
#define LOADER_SUCCESSION_H

#include "contract/contain.h"
#include "loader/card.h"

struct succession_check {
    enum verdict verdict;
    bool note;          /* decides nothing; its verdict is PROVEN                              */
    const char *aspect; /* "input", "output", "effect", "requests.http", …                     */
    char *agent;        /* NULL = the plugin as a whole                                        */
    char *reason;       /* a sentence                                                          */
    const char *rule;   /* of a contract: by which it was decided; else NULL                   */
    json_t *witness;    /* of REFUTED: a value, or the request that is too wide; may be NULL   */
    char *old_place;    /* JSON Pointers into the two cards: what was held against what        */
    char *new_place;
};

struct succession {
    enum verdict verdict;
    struct succession_check *checks; /* plugin first, then agents in the order of the old card */
    size_t count;
};

/* Asks everything. Total: what cannot be asked is UNKNOWN. options are those of every comparison of
 * contracts, may be NULL. The caller calls succession_done. */
void succession_judge(const struct card *old_card, const struct card *new_card,
                      const struct contain_options *options, struct succession *ret);
/* The same of one agent of the old card alone, without the plugin as a whole: what a run that is to
 * go on with another library asks of each agent that it has still to call. */
void succession_judge_agent(const struct card *old_card, const char *agent,
                            const struct card *new_card, const struct contain_options *options,
                            struct succession *ret);
void succession_done(struct succession *succession);

#endif
