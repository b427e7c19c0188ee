/* SPDX-License-Identifier: Apache-2.0
 *
 * The proof of a flow, as its parts see it. After the graph is built each step is looked at in the
 * order in which the steps can run, so that the shape of what a mapping reads is known before the
 * mapping is. Nothing here is guessed: what is not understood may be anything, and is said to be
 * unknown.
 *
 *   prove.c         the steps in order, and the seams of each
 *   prove_scope.c   what a mapping of a step may read: shapes of outputs, items, errors
 *   prove_seam.c    one shape against one contract: verdict, witness
 *   prove_words.c   the sentence that the flow's author reads, and the place that it speaks of
 *   prove_confidence.c  what an agent says of how sure it is
 *   prove_unused.c  what is given and read by nobody
 *   worst.c         what a run may come to
 */
#ifndef FLOW_PROVE_INTERNAL_H
#define FLOW_PROVE_INTERNAL_H

#include "contract/contain.h"
#include "contract/shape.h"
#include "flow/flow_internal.h"
#include "mapping/infer.h"

/* What is known of a step. */
struct known {
    struct shape answer; /* of one call                                             */
    struct shape output; /* as `.steps.X.output`, when it is there                  */
    struct shape item;   /* of its for_each                                         */
    size_t least, most;  /* how many items; 1 without for_each; SIZE_MAX = no bound */
    bool may_skip;       /* it may end without an output, and the run goes on       */
    bool by_hand;        /* … or if a person says so, of a journal that was restored */
    bool loose;          /* … and then its answer may be none of its shape          */
    bool never;          /* its `if` is false, or it needs a step that never runs   */
    bool wrong;          /* whom it calls is not known: it was said                 */
};

struct proving {
    struct compilation *c;
    struct shapes *shapes;
    struct known *known;
    struct shape input, run;
    struct shape error, failure; /* as `.error` in a fallback, and as collected of an item */
    struct contract *boolean, *array, *object, *fragment, *reconcile_answer;
    size_t seams; /* that will be judged, about: they share one allowance of work */
};

/* What an evaluation of a step's mapping sees; step NO_STEP = the flow's output. */
struct sight {
    struct proving *proving;
    uint32_t step;
    struct inference_scope scope;
};

void proving_init(struct proving *proving, struct compilation *c);
void proving_done(struct proving *proving);

/* Of what a step may read when its `if` has held; the item is there in a for_each. */
void sight_init(struct sight *sight, struct proving *proving, uint32_t step, bool in_item);
/* Fills known[step] but for its items, from the steps before it. */
void known_before(struct proving *proving, uint32_t step);
void known_items(struct proving *proving, uint32_t step, const struct shape *array);
void known_output(struct proving *proving, uint32_t step);

/* One handoff to be judged. */
struct handoff {
    enum seam_kind kind;
    uint32_t step;                       /* NO_STEP = the flow's output                  */
    const json_t *source;                /* the template; NULL = no template, the shape  */
    const char *pointer;                 /* of the template, or of what the seam is of   */
    const struct mapping *mapping;       /* NULL = the host or an agent makes it         */
    const struct inference *given;       /* what the mapping gives                       */
    const struct inference_scope *scope; /* … of what it reads; NULL = that is not asked */
    const struct shape *shape;           /* … or what comes without a mapping            */
    const struct contract *contract;     /* that it must fit; NULL = anything            */
    const char *from, *to;               /* NULL = whom the mapping reads; the step      */
    const char *rule;                    /* of a refutation                              */
    const char *hint;                    /* … and what to do; may be NULL                */
    bool silent;                         /* its fault was said by another part           */
    bool soft;                           /* a refutation is a warning                    */
    bool proven;                         /* known without looking                        */
    bool strict;                         /* what nothing is said of is refuted too       */
    bool quiet;                          /* that it is unknown is no news                */
};

/* Lists a seam; takes what it owns. */
void seam_add(struct proving *proving, struct seam seam);
/* Judges, lists the seam, says what is wrong or not known; true if proven. */
bool seam_judge(struct proving *proving, const struct handoff *handoff);
/* ---- Words ---- */

/* "plan, an item of search", "the input", "a constant": what a step's mapping reads; the caller
 * frees. */
char *words_from(const struct proving *proving, uint32_t step, const struct mapping *mapping);
char *words_to(const struct proving *proving, uint32_t step, enum seam_kind kind);
/* The place in the template of the value at a pointer of what it makes: the pointer in the file of
 * the nearest string or value that is there; the caller frees. */
char *words_place(const struct handoff *handoff, const char *instance);
/* True if the string that makes the value at a pointer reads a name which its schema, that has
 * names, has not. */
bool words_reads_undeclared(const struct handoff *handoff, const char *instance);
/* Who gives the value at a pointer; the caller frees. */
char *words_unsaid(const struct proving *proving, const struct handoff *handoff,
                   const char *instance);
/* What is wrong with the witness, in one sentence. *ret_pointer is the place in the file, and
 * *ret_column that in its string, *ret_hint what to do, or NULL; the caller frees the texts. */
char *words_refuted(const struct proving *proving, const struct handoff *handoff,
                    const json_t *witness, char **ret_pointer, int *ret_column, char **ret_hint);
/* A JSON text of at most about `size` characters; the caller frees. */
char *words_json(const json_t *value, size_t size);

void prove_confidence(struct proving *proving, uint32_t step);
void prove_unused(struct proving *proving);
void flow_reckon_worst(struct proving *proving);

#endif
