/* SPDX-License-Identifier: Apache-2.0
 *
 * One run of the fast program. It has no report, no place and no way back: only yes, no, or that it
 * met a limit, and then the walk is asked, which knows what to say about limits.
 */
#ifndef CONTRACT_FAST_INTERNAL_H
#define CONTRACT_FAST_INTERNAL_H

#include "contract/fused_internal.h"
#include "contract/walk_internal.h"

struct run {
    const struct contract *contract;
    const struct fused *fused;
    uint64_t work;
    unsigned nested; /* choices that we are inside of */
    bool stopped;
    struct match_room room;
};

/* Whether the steps from a place on hold; `level` is that of the value. */
bool steps_hold(struct run *r, uint32_t place, const json_t *value, unsigned level);

static inline bool place_holds(struct run *r, uint32_t place, const json_t *value, unsigned level)
{
    return place <= PLACE_ALWAYS ? place == PLACE_ALWAYS : steps_hold(r, place, value, level);
}

static inline bool gate_lets(struct run *r, uint32_t gate, const json_t *value, unsigned level)
{
    return place_holds(r, r->fused->gates[gate].places[json_typeof(value)], value, level);
}

/* A limit was met; always false. */
bool run_stop(struct run *r);
bool run_matches(struct run *r, const struct regex *regex, struct slice string);

/* fast_object.c */
bool required_there(const struct visit *visit, const json_t *object);
bool leftover_holds(struct run *r, const struct step *step, const json_t *object, unsigned level);
bool visit_holds(struct run *r, const struct visit *visit, const json_t *object, unsigned level);

#endif
