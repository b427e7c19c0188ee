/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of an explanation: why.c (and why_turn.c, of steps) says what a decision stood on,
 * counterfactual.c what would have been decided otherwise, suppose.c what may be supposed. They
 * look at the state that the decision was made in, between run_apply and run_follow, and nothing of
 * what they say is recorded.
 */
#ifndef ORCHESTRATOR_WHY_INTERNAL_H
#define ORCHESTRATOR_WHY_INTERNAL_H

#include "orchestrator/state_internal.h"

/* What the table is asked with. */
struct situation {
    const struct run *run;
    const struct task *task;
    const struct step *step;
    const struct retry *retry;
    const struct agent *agent;
    enum happened happened;
    enum effect_class effect;
    unsigned facts;
    enum on_failure policy;
};

struct supposition {
    const char *name; /* what would be changed, for programs: "retry.max_attempts"             */
    bool opens;       /* it takes a hindrance away: two of these may be supposed together       */
    /* Changes the situation; the sentence ("the card declared …") is the caller's to free. NULL =
     * there is nothing to suppose. */
    char *(*suppose)(struct situation *situation);
};
enum { SUPPOSITIONS = 30 };
const struct supposition *supposition_at(size_t index);

/* [{change: [name], if: [sentence], rule, would: sentence}]; a new reference. NULL if the rule is
 * not what the table says of the task as it is. */
json_t *counterfactuals(const struct run *run, const struct task *task, const char *rule);

/* `recovery.calls` of the nearest account that has no more of them; else the run's. */
int64_t recovery_limit(const struct run *run, const struct task *task);
/* Adds a sentence, from a format and what it needs. */
#define because(list, ...) because_text(list, xasprintf(__VA_ARGS__))
void because_text(json_t *list, char *sentence_taken);
/* Of ADMIT and SKIP; facts gets the texts and values that it read. */
void why_turn(const struct run *run, const struct decision *decision, json_t *list, json_t *facts);

/* ---- why_end.c ---- */

/* Of END, LEAVE and UNWIND. */
void why_end(const struct run *run, const struct decision *decision, json_t *list);
/* Of STOP, ABANDON and UNDO: of a task whose flow ends. */
void why_dropped(const struct run *run, const struct task *task, const struct decision *decision,
                 json_t *list);
/* What the word of a reconcile agent was, or what the host saw. */
void why_resolved(const struct event *event, json_t *list);
/* Nobody answered. */
void why_expired(const struct run *run, const struct task *task, json_t *list);

#endif
