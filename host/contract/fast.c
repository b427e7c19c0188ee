/* SPDX-License-Identifier: Apache-2.0
 *
 * Running the fast program: contract_accepts. A value goes to a gate; its type gives the place of
 * its steps, or the answer at once; the steps are asked in turn until one does not hold. The
 * value's depth, the nesting of choices and the work are bounded as in the walk, but counted where
 * a value is entered, not at each step. Nothing is allocated.
 */
#include "contract/fast_internal.h"

#include "base/limits.h"

#include <string.h>

enum { NESTED = LIMIT_CONTRACT_DEPTH - LIMIT_DEPTH, BYTES_A_CHARACTER = 4, BYTES_A_STEP = 64 };

bool run_stop(struct run *r)
{
    r->stopped = true;
    r->work = LIMIT_CONTRACT_WORK;
    return false;
}

bool run_matches(struct run *r, const struct regex *regex, struct slice string)
{
    r->work += string.len / BYTES_A_STEP;
    enum match match = regex_match(regex, string, &r->room);
    return match == MATCH_GAVE_UP ? run_stop(r) : match == MATCH_YES;
}

/* Whether the string has so many characters, looking at its bytes only if their number leaves it
 * open. */
static bool length_within(struct slice s, size_t least, size_t most)
{
    size_t count = 0;
    if (s.len < least)
        return false;
    if (s.len <= most && s.len / BYTES_A_CHARACTER >= least)
        return true;
    for (size_t i = 0; i < s.len; i++)
        count += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return count >= least && count <= most;
}

static bool each_item(struct run *r, uint32_t gate, const json_t *array, unsigned level)
{
    const struct gate *g = &r->fused->gates[gate];
    size_t count = array_size(array);
    if (count > 0 && level >= LIMIT_DEPTH)
        return run_stop(r);
    r->work += count;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = array_item(array, i);
        if (!place_holds(r, g->places[json_typeof(item)], item, level + 1))
            return false;
    }
    return true;
}

static bool items_hold_gates(struct run *r, const struct step *step, const json_t *array,
                             unsigned level)
{
    const uint32_t *first = r->fused->lists + step->as.items.first;
    size_t count = array_size(array), prefix = step->as.items.count;
    if (count > 0 && level >= LIMIT_DEPTH)
        return run_stop(r);
    r->work += count;
    for (size_t i = 0; i < count; i++) {
        uint32_t gate = i < prefix ? first[i] : step->as.items.rest;
        if (!gate_lets(r, gate, array_item(array, i), level + 1))
            return false;
        if (i + 1 >= prefix && step->as.items.rest == GATE_ALWAYS)
            break;
    }
    return true;
}

static bool enough_contained(struct run *r, const struct step *step, const json_t *array,
                             unsigned level)
{
    size_t found = 0, count = array_size(array);
    bool bounded = step->as.contains.max != UINT32_MAX;
    if (count > 0 && level >= LIMIT_DEPTH)
        return run_stop(r);
    r->work += count;
    for (size_t i = 0; i < count && (bounded || found < step->as.contains.min); i++)
        found += gate_lets(r, step->target, array_item(array, i), level + 1);
    return found >= step->as.contains.min && (!bounded || found <= step->as.contains.max);
}

static bool any_place(struct run *r, const struct step *step, const json_t *value, unsigned level)
{
    const uint32_t *places = r->fused->lists + step->as.list.first;
    for (uint32_t i = 0; i < step->as.list.count; i++)
        if (place_holds(r, places[i], value, level))
            return true;
    return false;
}

static bool one_place(struct run *r, const struct step *step, const json_t *value, unsigned level)
{
    const uint32_t *places = r->fused->lists + step->as.list.first;
    unsigned holding = 0;
    for (uint32_t i = 0; i < step->as.list.count && holding < 2; i++)
        holding += place_holds(r, places[i], value, level);
    return holding == 1;
}

static bool told_place(struct run *r, const struct step *step, const json_t *object, unsigned level)
{
    const struct tell *tell = step->as.tell;
    const json_t *member = json_object_getn(object, tell->name.ptr, tell->name.len);
    const struct known_name *name =
        json_is_string(member) ? name_lookup(&tell->places, string_of(member)) : NULL;
    return place_holds(r, name ? name->to : step->target, object, level);
}

static bool walked(struct run *r, uint32_t node, const json_t *value, unsigned level)
{
    struct walk w;
    /* As if a reference led from the root to the node: $dynamicRef looks that way. */
    const struct op origin = {.node = r->contract->root};
    struct hop hop = {NULL, &origin, node};
    walk_begin(&w, r->contract);
    w.hop = &hop;
    w.level = w.depth = level;
    w.work = r->work;
    bool fits = evaluate(&w, node, value, NULL);
    r->work = w.work;
    match_room_done(&w.room);
    return w.stopped == STOP_NOT ? fits : run_stop(r);
}

/* Steps that ask other steps about the same value. */
static bool nested_holds(struct run *r, const struct step *step, const json_t *value,
                         unsigned level)
{
    bool holds = false;
    if (r->nested >= NESTED)
        return run_stop(r);
    r->nested++;
    if (step->code == STEP_ANY)
        holds = any_place(r, step, value, level);
    else if (step->code == STEP_ONE)
        holds = one_place(r, step, value, level);
    else if (step->code == STEP_NOT)
        holds = !place_holds(r, step->target, value, level);
    else if (step->code == STEP_SWITCH)
        holds = told_place(r, step, value, level);
    else if (step->code == STEP_IF)
        holds =
            place_holds(r,
                        place_holds(r, step->target, value, level) ? step->as.branches.then
                                                                   : step->as.branches.otherwise,
                        value, level);
    else if (step->code == STEP_DEPENDENT)
        holds = !json_object_getn(value, step->as.name.ptr, step->as.name.len) ||
                place_holds(r, step->target, value, level);
    r->nested--;
    return holds;
}

static inline bool within(size_t count, const struct step *step)
{
    return count >= step->as.size.least && count <= step->as.size.most;
}

static inline __attribute__((always_inline)) bool step_holds(struct run *r, const struct step *step,
                                                             const json_t *value, unsigned level)
{
    struct slice s;
    switch ((enum step_code)step->code) {
    case STEP_INTEGRAL:
        return number_integral(json_real_value(value));
    case STEP_RANGE:
        return integer_value(value) >= step->as.range.least &&
               integer_value(value) <= step->as.range.most;
    case STEP_STRING:
        return slice_equal(string_of(value), step->as.text);
    case STEP_STRINGS:
        return name_lookup(step->as.names, string_of(value)) != NULL;
    case STEP_LENGTH:
        return length_within(string_of(value), step->as.size.least, step->as.size.most);
    case STEP_ITEM_COUNT:
        return within(array_size(value), step);
    case STEP_SIZE:
        return within(object_size(value), step);
    case STEP_RUN:
    case STEP_PATTERN:
        s = string_of(value);
        return run_matches(r, step->as.regex, s);
    case STEP_REQUIRED:
        return required_there(step->as.visit, value);
    case STEP_ASSERTION:
        return op_holds(NULL, step->as.op, value, NULL);
    case STEP_FORMAT:
        return step->as.format->fits(string_of(value));
    case STEP_DEPENDENT_NAMES:
        return dependents_hold(step->as.op, value);
    case STEP_VISIT:
        return visit_holds(r, step->as.visit, value, level);
    case STEP_EACH:
        return each_item(r, step->target, value, level);
    case STEP_ITEMS:
        return items_hold_gates(r, step, value, level);
    case STEP_CONTAINS:
        return enough_contained(r, step, value, level);
    case STEP_UNIQUE:
        return array_differs(value);
    case STEP_SWITCH:
    case STEP_DEPENDENT:
    case STEP_NOT:
    case STEP_ANY:
    case STEP_ONE:
    case STEP_IF:
        return nested_holds(r, step, value, level);
    case STEP_UNEVALUATED:
        return leftover_holds(r, step, value, level);
    case STEP_WALK:
        return walked(r, step->target, value, level);
    case STEP_DONE:
        return true;
    }
    assert_failed("a step has a meaning", __FILE__, __LINE__);
}

bool steps_hold(struct run *r, uint32_t place, const json_t *value, unsigned level)
{
    if (r->work++ >= LIMIT_CONTRACT_WORK)
        return run_stop(r);
    for (const struct step *step = r->fused->steps + place; step->code != STEP_DONE; step++)
        if (!step_holds(r, step, value, level))
            return false;
    return true;
}

static bool run_accepts(const struct contract *contract, const json_t *instance, bool *ret_stopped)
{
    struct run r;
    r.contract = contract;
    r.fused = contract->fused;
    r.work = 0;
    r.nested = 0;
    r.stopped = false;
    r.room.data = NULL;
    r.room.steps = 0;
    r.room.used = 0;
    bool accepts = gate_lets(&r, r.fused->root, instance, 0);
    match_room_done(&r.room);
    *ret_stopped = r.stopped;
    return accepts;
}

bool contract_accepts(const struct contract *contract, const json_t *instance)
{
    bool stopped = true, accepts = false;
    if (contract->fused)
        accepts = run_accepts(contract, instance, &stopped);
    return stopped ? walk_fits(contract, contract->root, instance) : accepts;
}
