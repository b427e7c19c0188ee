/* SPDX-License-Identifier: Apache-2.0
 *
 * Ops that look into objects. The one for `properties` and its kin visits the value's entries once;
 * as keys are unique in a value, counting the required ones that were met is enough to know that
 * none is missing. Where only named properties matter and the value is much larger than the names,
 * they are looked up in it instead.
 */
#include "contract/walk_internal.h"

enum { MUCH_LARGER = 4 };

struct visit {
    struct walk *w;
    const struct object_rule *rule;
    size_t required; /* met so far */
};

/* *ret_asked: some keyword had a say about this entry. */
static bool entry_holds(struct visit *v, const struct entry *e, bool *ret_asked)
{
    const struct object_rule *rule = v->rule;
    const struct name *name = names_find(&rule->names, e->key);
    bool holds = true, asked = false;
    if (name) {
        v->required += name->required;
        if (name->node != NO_NODE) {
            asked = true;
            holds = evaluate_property(v->w, name->node, e->key, e->value);
        }
    }
    for (size_t i = 0; i < rule->pattern_count && (holds || v->w->report); i++) {
        if (evaluate_pattern(v->w, rule->patterns[i].regex, e->key)) {
            asked = true;
            holds &= evaluate_property(v->w, rule->patterns[i].node, e->key, e->value);
        }
    }
    if (!asked && rule->rest != NO_NODE) {
        asked = true;
        holds = evaluate_property(v->w, rule->rest, e->key, e->value);
    }
    if (rule->names_node != NO_NODE && (holds || v->w->report)) {
        struct dressed_name dressed = name_dress(e->key);
        holds &= evaluate(v->w, rule->names_node, &dressed.json, NULL);
    }
    *ret_asked = asked;
    return holds;
}

static bool entries_hold(struct walk *w, const struct object_rule *rule, const json_t *value,
                         struct seen *seen)
{
    struct visit v = {w, rule, 0};
    struct entry e;
    bool hold = true, asked;
    size_t at = 0;
    for (bool more = entry_first(value, &e); more; more = entry_next(value, &e), at++) {
        hold &= entry_holds(&v, &e, &asked);
        if (!hold && !w->report)
            return false;
        if (asked && seen)
            seen_add(seen, at);
    }
    return hold && v.required == rule->required;
}

static bool names_hold(struct walk *w, const struct object_rule *rule, const json_t *value)
{
    bool hold = true;
    for (size_t i = 0; i < rule->names.count; i++) {
        const struct name *name = &rule->names.list[i];
        const json_t *member = json_object_getn(value, name->text.ptr, name->text.len);
        if (!member)
            hold &= !name->required;
        else if (name->node != NO_NODE)
            hold &= evaluate_property(w, name->node, name->text, member);
        if (!hold && !w->report)
            return false;
    }
    return hold;
}

bool object_holds(struct walk *w, const struct op *op, const json_t *value, struct seen *seen)
{
    const struct object_rule *rule = op->as.object;
    bool only_names =
        !seen && rule->pattern_count == 0 && rule->rest == NO_NODE && rule->names_node == NO_NODE;
    if (only_names && json_object_size(value) / MUCH_LARGER > rule->names.count)
        return names_hold(w, rule, value);
    return entries_hold(w, rule, value, seen);
}

bool dependents_hold(const struct op *op, const json_t *value)
{
    const struct dependent *d = op->as.dependent;
    if (!json_object_getn(value, d->name.ptr, d->name.len))
        return true;
    for (size_t i = 0; i < d->need_count; i++)
        if (!json_object_getn(value, d->needs[i].ptr, d->needs[i].len))
            return false;
    return true;
}

bool unevaluated_properties_hold(struct walk *w, const struct op *op, const json_t *value,
                                 struct seen *seen)
{
    struct entry e;
    bool hold = true;
    size_t at = 0;
    for (bool more = entry_first(value, &e); more; more = entry_next(value, &e), at++) {
        if (seen_has(seen, at))
            continue;
        hold &= evaluate_property(w, op->as.child, e.key, e.value);
        if (!hold && !w->report)
            return false;
    }
    seen_add_from(seen, 0);
    return hold;
}
