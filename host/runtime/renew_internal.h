/* SPDX-License-Identifier: Apache-2.0
 *
 * A run anew, in the making: what its two files say to each other. weigh.c marks what may be
 * offered to the core, renew.c asks the core what comes of it and draws the picture.
 */
#ifndef RUNTIME_RENEW_INTERNAL_H
#define RUNTIME_RENEW_INTERNAL_H

#include "runtime/kept_internal.h"

struct renewing {
    struct journal_reader *reader;
    const struct roster *roster;
    struct run *run;        /* the earlier one, as it ended */
    const struct flow *was; /* … and its flow */
    struct flow *is;
    json_t *pins, *agents;   /* agents: what pinned_compare says of each */
    json_t *adopted, *steps; /* steps: by name, {was, then, why, edits} */
};

/* The task belongs to the step, or to what is within it. */
bool is_of_step(const char *path, const char *step);
bool is_undo(const char *path);
/* The earlier run undid the step, or something of it. */
bool was_undone(const struct run *run, const char *step);
/* UINT32_MAX: there is none of that name. */
uint32_t step_index(const struct flow *flow, const char *name);

/* Of each step, also of sub-flows: may it be offered? Marks it in `adopted`, and begins `steps`.
 * from: a path, from where on it was asked to run again; NULL = nothing was. */
WARN_UNUSED enum error_code weigh_renewal(struct renewing *r, const char *from,
                                          struct error *reterr);

#endif
