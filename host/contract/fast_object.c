/* SPDX-License-Identifier: Apache-2.0
 *
 * Visiting an object: each entry once, its name looked up in the table of those that the schema
 * knows, its value sent to the gate of that name. As keys are unique in a value, counting the
 * required ones that were met is enough to know that none is missing. Where only known names matter
 * and the value is much larger than the table, they are looked up in it instead.
 * unevaluatedProperties goes through the entries once more where it is not a part of that visit.
 */
#include "contract/fast_internal.h"

#include "base/limits.h"

enum { MUCH_LARGER = 4 };

bool required_there(const struct visit *visit, const json_t *object)
{
    if (object_size(object) < visit->required)
        return false;
    for (uint32_t i = 0; i < visit->required; i++)
        if (!json_object_getn(object, visit->required_names[i].ptr, visit->required_names[i].len))
            return false;
    return true;
}

/* A property that no keyword names, under rules that look at its name. */
static bool stranger_holds(struct run *r, const struct visit *visit, const struct entry *e,
                           unsigned level)
{
    for (size_t i = 0; i < visit->rule_count; i++) {
        const struct stranger_rule *rule = &visit->rules[i];
        bool spoken = false;
        for (size_t k = 0; k < rule->pattern_count; k++) {
            if (!run_matches(r, rule->patterns[k].regex, e->key))
                continue;
            spoken = true;
            if (!gate_lets(r, rule->patterns[k].gate, e->value, level))
                return false;
        }
        if (!spoken && !gate_lets(r, rule->rest, e->value, level))
            return false;
    }
    return true;
}

static bool name_holds(struct run *r, const struct visit *visit, struct slice name, unsigned level)
{
    struct dressed_name dressed = name_dress(name);
    for (size_t i = 0; i < visit->name_gate_count; i++)
        if (!gate_lets(r, visit->name_gates[i], &dressed.json, level))
            return false;
    return true;
}

static bool known_hold(struct run *r, const struct visit *visit, const json_t *object,
                       unsigned level)
{
    for (size_t i = 0; i < visit->names.count; i++) {
        const struct known_name *name = &visit->names.list[i];
        const json_t *member = json_object_getn(object, name->ptr, name->len);
        if (member ? !gate_lets(r, name->to, member, level) : name->required)
            return false;
    }
    return true;
}

static inline __attribute__((always_inline)) bool entries_hold(struct run *r,
                                                               const struct visit *visit,
                                                               const json_t *object, unsigned level,
                                                               int strangers)
{
    uint32_t required = 0;
    struct entry e;
    for (bool more = entry_first(object, &e); more; more = entry_next(object, &e)) {
        const struct known_name *name = name_lookup(&visit->names, e.key);
        if (strangers == STRANGERS_RULED && !name_holds(r, visit, e.key, level))
            return false;
        if (name) {
            required += name->required;
            if (!gate_lets(r, name->to, e.value, level))
                return false;
        } else if (strangers == STRANGERS_REFUSED) {
            return false;
        } else if (strangers == STRANGERS_ALIKE) {
            if (!gate_lets(r, visit->stranger_gate, e.value, level))
                return false;
        } else if (strangers == STRANGERS_RULED) {
            if (!stranger_holds(r, visit, &e, level))
                return false;
        }
    }
    return required == visit->required;
}

bool visit_holds(struct run *r, const struct visit *visit, const json_t *object, unsigned level)
{
    size_t size = object_size(object);
    if (size < visit->required)
        return false;
    if (size > 0 && level >= LIMIT_DEPTH)
        return run_stop(r);
    r->work += size;
    switch (visit->strangers) {
    case STRANGERS_FREE:
        return size / MUCH_LARGER > visit->names.count
                   ? known_hold(r, visit, object, level + 1)
                   : entries_hold(r, visit, object, level + 1, STRANGERS_FREE);
    case STRANGERS_REFUSED:
        return size <= visit->names.count &&
               entries_hold(r, visit, object, level + 1, STRANGERS_REFUSED);
    case STRANGERS_ALIKE:
        return entries_hold(r, visit, object, level + 1, STRANGERS_ALIKE);
    case STRANGERS_RULED:
        break;
    }
    return entries_hold(r, visit, object, level + 1, STRANGERS_RULED);
}

static bool region_speaks(struct run *r, const struct region *region, struct slice name)
{
    for (size_t i = 0; i < region->rule_count && !region->all; i++) {
        const struct object_rule *rule = region->rules[i];
        const struct name *known = names_find(&rule->names, name);
        if (known && known->node != NO_NODE)
            return true;
        for (size_t k = 0; k < rule->pattern_count; k++)
            if (run_matches(r, rule->patterns[k].regex, name))
                return true;
    }
    return region->all;
}

static bool region_holds(struct run *r, const struct region *regions, uint32_t at,
                         const json_t *object, unsigned level)
{
    for (; regions[at].kind != REGION_SURE; at = regions[at].within) {
        const struct region *region = &regions[at];
        bool holds =
            region->kind == REGION_HAS
                ? json_object_getn(object, region->name.ptr, region->name.len) != NULL
                : place_holds(r, region->place, object, level) == (region->kind == REGION_IF);
        if (!holds)
            return false;
    }
    return true;
}

bool leftover_holds(struct run *r, const struct step *step, const json_t *object, unsigned level)
{
    const struct leftover *leftover = step->as.leftover;
    struct entry e;
    if (object_size(object) > 0 && level >= LIMIT_DEPTH)
        return run_stop(r);
    r->work += object_size(object);
    for (bool more = entry_first(object, &e); more; more = entry_next(object, &e)) {
        bool spoken = false;
        for (uint32_t i = 0; i < leftover->count && !spoken; i++)
            spoken = region_speaks(r, &leftover->regions[i], e.key) &&
                     region_holds(r, leftover->regions, i, object, level);
        if (!spoken && !gate_lets(r, step->target, e.value, level + 1))
            return false;
    }
    return true;
}
