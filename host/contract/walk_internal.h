/* SPDX-License-Identifier: Apache-2.0
 *
 * One walk of a value through the nodes, by one evaluator for both questions. Asked whether a value
 * fits (where the fast program leaves that open), it stops at the first op that does not hold.
 * Asked why not (`report` is set), it goes on and lets explain.c word each failure. Places are kept
 * as links on the stack. A walk that meets a limit *stops*: whatever a `not` or an `anyOf` would
 * make of that, the value does not fit.
 */
#ifndef CONTRACT_WALK_INTERNAL_H
#define CONTRACT_WALK_INTERNAL_H

#include "contract/program_internal.h"

/* Where in the value we are: the key or index by which we came down. */
struct place {
    const struct place *up;
    struct slice key;
    size_t index;
    bool named;
};

/* A reference that was taken. */
struct hop {
    const struct hop *up;
    const struct op *op;
    uint32_t to;
};

enum stop { STOP_NOT, STOP_LEVEL, STOP_DEPTH, STOP_WORK, STOP_PATTERN };

struct report;

struct walk {
    const struct contract *contract;
    const struct place *place;
    const struct hop *hop;
    unsigned level; /* of place, 0 is the whole */
    unsigned depth; /* of evaluate()            */
    uint64_t work;
    enum stop stopped;
    struct report *report; /* of this branch; NULL: only yes or no is asked */
    struct report *whole;  /* of the whole walk                             */
    struct match_room room;
};

/* Which properties or items were looked at by some keyword that held: a bit each, in the order of
 * iteration. */
struct seen {
    size_t count;
    uint64_t *bits;
    uint64_t few[4];
};

void seen_init(struct seen *seen, const json_t *value);
void seen_done(struct seen *seen);
void seen_add_from(struct seen *seen, size_t first); /* and all behind it */
void seen_merge(struct seen *into, const struct seen *from);

static inline void seen_add(struct seen *seen, size_t at)
{
    seen->bits[at / 64] |= (uint64_t)1 << (at % 64);
}

static inline bool seen_has(const struct seen *seen, size_t at)
{
    return seen->bits[at / 64] >> (at % 64) & 1;
}

/* Whether the value fits the node. What its keywords looked at is added to seen, if not NULL. */
bool evaluate(struct walk *w, uint32_t node, const json_t *value, struct seen *seen);
/* The same without a word, whoever asks. */
bool evaluate_muted(struct walk *w, uint32_t node, const json_t *value, struct seen *seen);
/* The same for a part of the value. */
bool evaluate_property(struct walk *w, uint32_t node, struct slice key, const json_t *value);
bool evaluate_item(struct walk *w, uint32_t node, size_t index, const json_t *value);
/* Whether the string fits; a match that gives up stops the walk. */
bool evaluate_pattern(struct walk *w, const struct regex *regex, struct slice string);

/* Whether a value fits a node, as the root's does: the slow answer to the fast question. */
bool walk_fits(const struct contract *contract, uint32_t node, const json_t *value);
/* At the root, and nothing to report; match_room_done(&w->room) when it is over. */
void walk_begin(struct walk *w, const struct contract *contract);
/* Whether one op holds; it must speak of the value's type. */
bool op_holds(struct walk *w, const struct op *op, const json_t *value, struct seen *seen);

/* Ends the walk; always false. */
bool walk_stop(struct walk *w, enum stop why);

/* evaluate_object.c, evaluate_array.c: ops that look into a value. */
bool object_holds(struct walk *w, const struct op *op, const json_t *value, struct seen *seen);
bool dependents_hold(const struct op *op, const json_t *value);
bool unevaluated_properties_hold(struct walk *w, const struct op *op, const json_t *value,
                                 struct seen *seen);
bool items_hold(struct walk *w, const struct op *op, const json_t *value, struct seen *seen);
bool contains_holds(struct walk *w, const struct op *op, const json_t *value, struct seen *seen);
bool unevaluated_items_hold(struct walk *w, const struct op *op, const json_t *value,
                            struct seen *seen);
size_t contains_count(struct walk *w, const struct op *op, const json_t *value);

/* explain.c: words an op that did not hold, into w->report. */
void explain_op(struct walk *w, const struct op *op, const json_t *value);
void explain_stop(struct walk *w);

/* report.c */
struct report {
    struct violations list;
    unsigned level;    /* of the value it began at                                           */
    unsigned deepest;  /* level of a failure                                                 */
    unsigned mismatch; /* 2: the value is of another kind; 1: a property that tells kinds is */
    unsigned types;    /* that were expected of the value itself                             */
};

void report_add(struct walk *w, const struct op *op, enum keyword keyword, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* Whether it holds all it may; from then on it says that there is more. */
bool report_full(struct report *report);
/* Whether report a is of a branch that came nearer than that of b. */
bool report_nearer(const struct report *a, const struct report *b);
/* Moves the violations of one to the end of the other. */
void report_move(struct report *into, struct report *from);

#endif
