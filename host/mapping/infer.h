/* SPDX-License-Identifier: Apache-2.0
 *
 * Inference: what a mapping gives, known before anything runs. Given the shapes of what it reads,
 * each operator's transfer function says the shape of its result, and what may go wrong on the way:
 * a path that is never there, an operator that meets a type it refuses. The shape never allows less
 * than what an evaluation can give.
 */
#ifndef MAPPING_INFER_H
#define MAPPING_INFER_H

#include "contract/shape.h"
#include "mapping/mapping.h"

/* What the mapping may read; NULL = anything. */
struct inference_scope {
    struct shapes *shapes;
    const struct shape *input, *item, *output, *error, *run;
    const struct mapping *given; /* a condition that has held; NULL = none */
    /* The shape of a step's output or status: ALWAYS where this mapping is not evaluated without
     * it, MAYBE where it may be skipped and the mapping is evaluated all the same. The caller of
     * the callback calls shape_done. */
    struct shape (*step)(const void *user, size_t step, bool status);
    const void *user;
};

enum inference_kind {
    INFERENCE_FAILS,      /* whatever it meets, this is an error: "`+` of a string and a number" */
    INFERENCE_MAY_FAIL,   /* for some values it is an error                                      */
    INFERENCE_NEVER,      /* a path that no value of the shape has: null, always                 */
    INFERENCE_MAY_BE_NULL /* a path that may be missing, and nothing (`//`, if) caught it        */
};

struct inference_note {
    enum inference_kind kind;
    const char *rule; /* stable: "never-there", "maybe-missing", "mixed-order", "operand-type",
                         "dead-alternative"; "undeclared-name" of an object that names others;
                         "unknown-type", "unknown-order" of what nothing was said of;
                         "never-equal" of a constant; "zero-divisor"; "not-a-number" of
                         `tonumber`; "too-large" where the work ran out                        */
    char *pointer;    /* of the string in the template                                         */
    int column;       /* in that string, from 1; 0 = the whole                                 */
    char *text;       /* "/findings/items does not require `confidence`"                       */
    char *hint;       /* the next thing to do; may be NULL                                     */
};

struct inference {
    struct shape shape; /* always there: a template gives a value, null where nothing is */
    struct inference_note *notes;
    size_t note_count;
};

/* Fills ret; the caller calls inference_done. Bounded: a mapping that is too much gives `anything`.
 * No note speaks of the errors that no contract can prevent: limits, a number beyond all numbers, a
 * \u0000 in a key. */
void mapping_infer(const struct mapping *mapping, const struct inference_scope *scope,
                   struct inference *ret);
/* The same case by case, of the nth union of objects that the mapping reads: what is read of one
 * value on two paths stays together. Says no notes. False if there is no such union. */
bool mapping_infer_cases(const struct mapping *mapping, const struct inference_scope *scope,
                         size_t nth, struct inference *ret);
void inference_done(struct inference *inference);

#endif
