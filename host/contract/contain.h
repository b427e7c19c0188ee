/* SPDX-License-Identifier: Apache-2.0
 *
 * Containment of contracts: is every value that one accepts accepted by the other? There are three
 * answers. PROVEN: a proof was found that no value is a counterexample. REFUTED: here is a value
 * that the run-time validator accepts on the left and rejects on the right. UNKNOWN: neither was
 * found, and why; the check at run time stands. None of them is ever a guess. What is proven is
 * about the schemas: a value that the validator gives up on (a limit of work, depth or pattern
 * steps) is rejected by both.
 * The budget is counted in work and not in time, so that the same question has the same answer on
 * every machine; the default ends within about 50 ms on a slow one.
 */
#ifndef CONTRACT_CONTAIN_H
#define CONTRACT_CONTAIN_H

#include "contract/contract.h"

#include <stdint.h>

enum verdict { PROVEN, REFUTED, UNKNOWN };

/* 0 = the default. */
struct contain_options {
    uint32_t pairs;      /* conjunctions of subschemas that may be decided    */
    uint32_t candidates; /* values that may be built and held to both schemas */
    uint64_t steps;      /* of work, of all kinds together                    */
};

struct comparison {
    enum verdict verdict;
    json_t *witness;  /* of REFUTED; else NULL                                                 */
    const char *rule; /* by which it was decided, or where it was given up: "required"         */
    char *reason;     /* a sentence                                                            */
    char *sub;        /* JSON Pointers into the two schemas: what was held against what        */
    char *super;
};

/* Fills ret; the caller calls comparison_done. Fails only where there is no question to answer: a
 * schema that is too large for the budget is UNKNOWN. Options may be NULL. */
WARN_UNUSED enum error_code contract_compare(const struct contract *sub,
                                             const struct contract *super,
                                             const struct contain_options *options,
                                             struct comparison *ret, struct error *reterr);
void comparison_done(struct comparison *comparison);
/* "PROVEN", "REFUTED", "UNKNOWN" */
const char *verdict_name(enum verdict verdict);

#endif
