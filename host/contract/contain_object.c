/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects. Names that some keyword spells out are *slots*, each with the conjunction of all that is
 * asked of its value; all other names are one class, cut by the conditions that keywords put on
 * names (patterns, propertyNames, "all others"). A slot whose conjunction is EMPTY must be absent.
 * A *need* is a property that must exist somewhere: in a slot, or under another name.
 */
#include "contract/contain_internal.h"

#include <stdlib.h>
#include <string.h>

enum { RULES_MOST = 48, CUTS_MOST = 14, SLOTS_MOST = 4000, SPLIT_MOST = 24, KEY_LEVELS = 6 };

struct slot {
    struct slice name;
    lit held;
    bool present; /* it must be there */
};

struct shape {
    struct slot *slots;
    size_t count, room;
    struct term *rules; /* negated TERM_KEYS: who is called so has no such value */
    size_t rule_count;
    size_t most;
    bool partial; /* only the slots that are new were looked at */
};

static bool is_empty(struct contain *c, lit l)
{
    json_t *sample;
    return solve(c, l, &sample) == EMPTY;
}

static struct slot *slot_find(struct shape *s, struct slice name)
{
    for (size_t i = 0; i < s->count; i++)
        if (slice_equal(s->slots[i].name, name))
            return &s->slots[i];
    return NULL;
}

static struct slot *slot_add(struct shape *s, struct slice name)
{
    struct slot *slot = slot_find(s, name);
    if (slot || s->count == SLOTS_MOST)
        return slot;
    if (s->count == s->room) {
        s->room = s->room ? 2 * s->room : 16;
        s->slots = xrealloc(s->slots, s->room * sizeof(s->slots[0]));
    }
    s->slots[s->count] = (struct slot){.name = name, .held = LIT_TRUE};
    return &s->slots[s->count++];
}

/* Slots for the names that a condition on names spells out. */
static void slots_of_key(const struct contain *c, struct shape *s, lit key, int level)
{
    const struct term *t = term_of(c, key);
    if (t->kind == TERM_VALUES)
        for (size_t i = 0; i < t->as.set->count; i++)
            if (json_is_string(t->as.set->list[i]))
                slot_add(s, string_of(t->as.set->list[i]));
    if (t->kind == TERM_ALL && level < KEY_LEVELS)
        for (size_t i = 0; i < t->as.all.count; i++)
            slots_of_key(c, s, t->as.all.list[i], level + 1);
}

static bool counts_all(const struct term *t)
{
    return t->key == LIT_TRUE && t->value == LIT_TRUE;
}

static void read_rules(const struct contain *c, const struct branch *b, struct shape *s)
{
    s->most = SIZE_MAX;
    s->rules = xmalloc(RULES_MOST * sizeof(s->rules[0])); /* the stack is deep enough as it is */
    for (size_t i = 0; i < b->atoms.count; i++) {
        const struct term *t = term_of(c, b->atoms.list[i]);
        if (t->kind != TERM_KEYS || !is_negative(b->atoms.list[i]))
            continue;
        if (t->n == 1 && s->rule_count < RULES_MOST)
            s->rules[s->rule_count++] = *t;
        if (counts_all(t) && t->n - 1 < s->most)
            s->most = t->n - 1;
    }
}

static void read_slots(const struct contain *c, const struct branch *b, struct shape *s)
{
    size_t first = s->partial ? b->checked : 0;
    for (size_t i = first; i < b->atoms.count; i++) {
        const struct term *t = term_of(c, b->atoms.list[i]);
        if (t->kind == TERM_PROPERTY)
            slot_add(s, t->as.name);
        else if (t->kind == TERM_KEYS)
            slots_of_key(c, s, t->key, 0);
    }
}

static enum truth named_by(struct contain *c, lit key, struct slice name)
{
    struct dressed_name dressed = name_dress(name);
    return holds(c, key, &dressed.json);
}

/* All that is asked of the value in a slot, if there is one. */
static void hold_slot(struct contain *c, const struct branch *b, const struct shape *s,
                      struct slot *slot)
{
    struct lits held = {0};
    for (size_t i = 0; i < b->atoms.count; i++) {
        bool negative = is_negative(b->atoms.list[i]);
        const struct term *t = term_of(c, b->atoms.list[i]);
        if (t->kind != TERM_PROPERTY || !slice_equal(t->as.name, slot->name))
            continue;
        lits_add(&held, negative ? lit_not(t->value) : t->value);
        slot->present |= !negative;
    }
    for (size_t i = 0; i < s->rule_count; i++)
        if (named_by(c, s->rules[i].key, slot->name) == YES)
            lits_add(&held, lit_not(s->rules[i].value));
    slot->held = lit_all(c, held.list, held.count);
    lits_done(&held);
}

/* ---- names that no keyword spells out ---- */

struct stranger {
    json_t *key, *value; /* samples; of FOUND */
    lit held;            /* what its value must satisfy */
};

static enum answer stranger_find(struct contain *c, const struct shape *s, size_t rule, lit key,
                                 lit value, struct stranger *ret)
{
    if (solve(c, key, &ret->key) == EMPTY)
        return EMPTY;
    if (rule == s->rule_count || rule == CUTS_MOST) {
        enum answer answer = solve(c, value, &ret->value);
        ret->held = value;
        return answer == FOUND && (!ret->key || rule < s->rule_count) ? UNSURE : answer;
    }
    lit named = s->rules[rule].key, forbidden = s->rules[rule].value;
    enum answer answer = stranger_find(c, s, rule + 1, lit_and(c, key, lit_not(named)), value, ret);
    if (answer == FOUND || forbidden == LIT_TRUE)
        return answer;
    enum answer other = stranger_find(c, s, rule + 1, lit_and(c, key, named),
                                      lit_and(c, value, lit_not(forbidden)), ret);
    return other == EMPTY ? answer : other;
}

/* A property under a name that has no slot. */
static enum answer stranger(struct contain *c, const struct shape *s, lit key, lit value,
                            struct stranger *ret)
{
    struct value_set names = {.list = xcalloc(s->count + 1, sizeof(names.list[0]))};
    for (size_t i = 0; i < s->count; i++)
        names.list[names.count++] =
            contain_own(c, json_stringn(s->slots[i].name.ptr, s->slots[i].name.len));
    lit others = lit_and(c, lit_kinds(c, KINDS_STRING), lit_not(lit_values(c, &names)));
    free((void *)names.list);
    *ret = (struct stranger){0};
    return stranger_find(c, s, 0, lit_and(c, others, key), value, ret);
}

/* ---- contradictions ---- */

/* Whether a need cannot be met: by slots, by strangers, or within the greatest number. */
static bool need_fails(struct contain *c, const struct shape *s, const struct term *need)
{
    size_t possible = 0, there = 0, present = 0;
    struct stranger other;
    for (size_t i = 0; i < s->count; i++) {
        const struct slot *slot = &s->slots[i];
        present += slot->present;
        if (named_by(c, need->key, slot->name) == NO ||
            is_empty(c, lit_and(c, slot->held, need->value)))
            continue;
        possible++;
        there += slot->present;
    }
    size_t missing = need->n > there ? need->n - there : 0;
    if (s->most != SIZE_MAX && present + missing > s->most)
        return true;
    return possible < need->n && stranger(c, s, need->key, need->value, &other) == EMPTY;
}

static bool contradiction(struct contain *c, const struct branch *b, const struct shape *s)
{
    size_t present = 0;
    for (size_t i = 0; i < s->count; i++) {
        present += s->slots[i].present;
        if (s->slots[i].present && is_empty(c, s->slots[i].held))
            return true;
    }
    if (present > s->most)
        return true;
    for (size_t i = 0; i < b->atoms.count && !s->partial; i++) {
        struct term t = *term_of(c, b->atoms.list[i]);
        if (t.kind == TERM_KEYS && !is_negative(b->atoms.list[i]) && need_fails(c, s, &t))
            return true;
    }
    return false;
}

/* ---- samples ---- */

static bool meets(struct contain *c, const struct term *need, const struct slot *slot,
                  const json_t *value)
{
    return named_by(c, need->key, slot->name) == YES && holds(c, need->value, value) == YES;
}

/* Asks of one more slot that it meets the need; prefers slots that are there already. */
static bool meet_in_slot(struct contain *c, struct shape *s, const struct term *need, bool *used)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < s->count; i++) {
            struct slot *slot = &s->slots[i];
            json_t *sample;
            if (used[i] || slot->present != (pass == 0) ||
                named_by(c, need->key, slot->name) != YES)
                continue;
            lit both = lit_and(c, slot->held, need->value);
            if (solve(c, both, &sample) != FOUND)
                continue;
            slot->held = both;
            slot->present = true;
            used[i] = true;
            return true;
        }
    }
    return false;
}

static bool meet_by_stranger(struct contain *c, struct shape *s, const struct term *need,
                             bool *used)
{
    struct stranger other;
    if (stranger(c, s, need->key, need->value, &other) != FOUND || s->count == SLOTS_MOST)
        return false;
    struct slot *slot = slot_add(s, string_of(other.key));
    slot->held = other.held;
    slot->present = true;
    used[slot - s->slots] = true;
    return true;
}

static bool meet(struct contain *c, struct shape *s, const struct term *need, bool strangers_first)
{
    size_t met = 0;
    bool *used = xcalloc(s->count + need->n + 1, sizeof(bool));
    for (size_t i = 0; i < s->count; i++) {
        json_t *sample = NULL;
        if (s->slots[i].present && solve(c, s->slots[i].held, &sample) == FOUND)
            met += used[i] = meets(c, need, &s->slots[i], sample);
    }
    bool possible = true;
    for (; met < need->n && possible; met++)
        possible = (strangers_first && meet_by_stranger(c, s, need, used)) ||
                   meet_in_slot(c, s, need, used) || meet_by_stranger(c, s, need, used);
    free(used);
    return possible;
}

/* One property more than there are. */
static bool meet_another(struct contain *c, struct shape *s, const struct term *need)
{
    bool *used = xcalloc(s->count + 2, sizeof(bool));
    for (size_t i = 0; i < s->count; i++)
        used[i] = s->slots[i].present;
    bool met = meet_by_stranger(c, s, need, used) || meet_in_slot(c, s, need, used);
    free(used);
    return met;
}

static json_t *shape_value(struct contain *c, const struct shape *s)
{
    json_t *object = json_object();
    for (size_t i = 0; i < s->count; i++) {
        const struct slot *slot = &s->slots[i];
        json_t *sample = NULL;
        if (!slot->present)
            continue;
        if (solve(c, slot->held, &sample) != FOUND) {
            json_decref(object);
            return NULL;
        }
        json_object_setn_nocheck(object, slot->name.ptr, slot->name.len, sample);
    }
    return object;
}

enum { NEED_MOST = 64 };

/* How a sample is put together; the plainest first. */
enum manner { IN_SLOTS, STRANGERS_FIRST, ONE_MORE, MANNERS };

static enum answer sample_object(struct contain *c, struct branch *b, const struct shape *shape,
                                 enum manner manner, bool *maybe)
{
    static const struct term one_more = {.n = 1, .key = LIT_TRUE, .value = LIT_TRUE};
    struct shape s = *shape;
    s.slots = xmalloc((shape->count + 1) * sizeof(s.slots[0]));
    s.room = shape->count + 1;
    if (shape->count > 0)
        memcpy(s.slots, shape->slots, shape->count * sizeof(s.slots[0]));
    bool possible = true;
    for (int counting = 0; counting < 2 && possible; counting++) {
        for (size_t i = 0; i < b->atoms.count && possible; i++) {
            struct term t = *term_of(c, b->atoms.list[i]);
            if (t.kind == TERM_KEYS && !is_negative(b->atoms.list[i]) &&
                counts_all(&t) == (counting == 1))
                possible = t.n <= NEED_MOST && meet(c, &s, &t, manner == STRANGERS_FIRST);
        }
    }
    if (possible && manner == ONE_MORE)
        possible = meet_another(c, &s, &one_more);
    json_t *object = possible ? shape_value(c, &s) : NULL;
    bool found = object && branch_try(c, b, object, maybe);
    free(s.slots);
    return found ? FOUND : UNSURE;
}

/* A need is met in one slot or another, or under a name that has none. */
static lit split_need(struct contain *c, const struct branch *b, const struct shape *s)
{
    for (size_t i = 0; i < b->atoms.count; i++) {
        struct term t = *term_of(c, b->atoms.list[i]);
        lit list[SPLIT_MOST + 2], names[2] = {t.key, LIT_TRUE};
        size_t count = 0;
        if (t.kind != TERM_KEYS || is_negative(b->atoms.list[i]) || t.n != 1)
            continue;
        for (size_t k = 0; k < s->count && count <= SPLIT_MOST; k++) {
            if (named_by(c, t.key, s->slots[k].name) == NO)
                continue;
            const struct slice name = s->slots[k].name;
            lit only = lit_value(c, contain_own(c, json_stringn(name.ptr, name.len)));
            names[1] = lit_and(c, names[1], lit_not(only));
            list[count++] = lit_property(c, name, t.value);
        }
        if (count == 0 || count > SPLIT_MOST)
            continue;
        list[count++] = lit_keys(c, 1, lit_all(c, names, 2), t.value);
        lit any = lit_any(c, list, count);
        bool known = any == b->atoms.list[i];
        for (size_t k = 0; k < b->asserted.count && !known; k++)
            known = b->asserted.list[k] == any;
        if (!known)
            return any;
    }
    return LIT_NONE;
}

/* Whether {} is the only object there is; it was tried. */
static bool only_the_empty(struct contain *c, const struct shape *s)
{
    struct stranger other;
    for (size_t i = 0; i < s->count; i++)
        if (s->slots[i].present || (s->most > 0 && !is_empty(c, s->slots[i].held)))
            return false;
    return s->most == 0 || stranger(c, s, LIT_TRUE, LIT_TRUE, &other) == EMPTY;
}

static bool only_new_slots(const struct contain *c, const struct branch *b)
{
    for (size_t i = b->checked; i < b->atoms.count; i++)
        if (term_of(c, b->atoms.list[i])->kind == TERM_KEYS)
            return false;
    return b->checked > 0;
}

enum answer check_object(struct contain *c, struct branch *b, bool final, lit *ret_split)
{
    struct shape s = {.partial = !final && only_new_slots(c, b)};
    enum answer answer = UNSURE;
    bool maybe = false;
    read_rules(c, b, &s);
    read_slots(c, b, &s);
    for (size_t i = 0; i < s.count && contain_step(c, 1 + b->atoms.count / 4); i++)
        hold_slot(c, b, &s, &s.slots[i]);
    if (!c->exhausted && contradiction(c, b, &s))
        answer = EMPTY;
    if (answer == UNSURE && final && !c->exhausted) {
        for (enum manner m = 0; m < MANNERS && answer == UNSURE; m++)
            answer = sample_object(c, b, &s, m, &maybe);
        if (answer == UNSURE && only_the_empty(c, &s) && !maybe && !c->exhausted)
            answer = EMPTY;
        if (answer == UNSURE)
            *ret_split = split_need(c, b, &s);
        if (answer == UNSURE && *ret_split == LIT_NONE)
            contain_doubt(c, "objects", "no object was found that tells the schemas apart",
                          b->goal);
    }
    free(s.slots);
    free(s.rules);
    return answer;
}
