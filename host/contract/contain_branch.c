/* SPDX-License-Identifier: Apache-2.0
 *
 * A branch of the search: the lits that are assumed of one value of one kind. Conjunctions are
 * taken apart as they are assumed, disjunctions are kept as clauses, atoms for the theories; a lit
 * and its negation contradict at once. What was assumed last is taken back first.
 */
#include "contract/contain_internal.h"

#include <stdlib.h>
#include <string.h>

enum { LOOK_DEEP = 3, DIFFER_MOST = 64, PARTS_MOST = 32 };

void lits_add(struct lits *lits, lit l)
{
    if (lits->count == lits->room) {
        lits->room = lits->room ? 2 * lits->room : 16;
        lits->list = xrealloc(lits->list, lits->room * sizeof(lit));
    }
    lits->list[lits->count++] = l;
}

void lits_done(struct lits *lits)
{
    free(lits->list);
    *lits = (struct lits){0};
}

static uint32_t *slot_of(const struct branch *b, lit l)
{
    size_t slot = (l * 2654435761u >> 7) & (b->slot_room - 1);
    while (b->slots[slot] != LIT_NONE && b->slots[slot] != l)
        slot = (slot + 1) & (b->slot_room - 1);
    return &b->slots[slot];
}

static bool has(const struct branch *b, lit l)
{
    return b->slot_room > 0 && *slot_of(b, l) == l;
}

static void slots_grow(struct branch *b)
{
    b->slot_room = b->slot_room ? 2 * b->slot_room : 64;
    b->slots = xrealloc(b->slots, b->slot_room * sizeof(b->slots[0]));
    memset(b->slots, 0xFF, b->slot_room * sizeof(b->slots[0]));
    for (size_t i = 0; i < b->asserted.count; i++)
        *slot_of(b, b->asserted.list[i]) = b->asserted.list[i];
}

static void remember(struct branch *b, lit l)
{
    if (2 * (b->asserted.count + 1) > b->slot_room)
        slots_grow(b);
    *slot_of(b, l) = l;
    lits_add(&b->asserted, l);
}

struct mark branch_mark(const struct branch *b)
{
    return (struct mark){b->asserted.count, b->atoms.count, b->clauses.count, b->checked};
}

/* Slots are emptied in the reverse order of their filling, so that no chain of probes is cut. */
void branch_back_to(struct branch *b, struct mark m)
{
    while (b->asserted.count > m.asserted)
        *slot_of(b, b->asserted.list[--b->asserted.count]) = LIT_NONE;
    b->atoms.count = m.atoms;
    b->clauses.count = m.clauses;
    b->checked = m.checked;
}

void branch_done(struct branch *b)
{
    lits_done(&b->asserted);
    lits_done(&b->atoms);
    lits_done(&b->clauses);
    free(b->slots);
    json_decref(b->sample);
}

/* What it takes to be this array or object: its length and each of its parts. */
static lit lit_of_parts(struct contain *c, const json_t *value)
{
    struct lits parts = {0};
    struct entry e;
    bool array = json_is_array(value);
    size_t count = array ? json_array_size(value) : json_object_size(value);
    lits_add(&parts,
             array ? lit_count(c, 0, count, LIT_TRUE) : lit_keys(c, count, LIT_TRUE, LIT_TRUE));
    lits_add(&parts, lit_not(array ? lit_count(c, 0, count + 1, LIT_TRUE)
                                   : lit_keys(c, count + 1, LIT_TRUE, LIT_TRUE)));
    for (size_t i = 0; array && i < count; i++)
        lits_add(&parts, lit_item(c, i, lit_value(c, json_array_get(value, i))));
    for (bool more = !array && entry_first(value, &e); more; more = entry_next(value, &e))
        lits_add(&parts, lit_property(c, e.key, lit_value(c, e.value)));
    lit made = lit_all(c, parts.list, parts.count);
    lits_done(&parts);
    return made;
}

/* Not to be one of these arrays or objects is to differ from each in some part. */
static bool assume_differs(struct contain *c, struct branch *b, const struct value_set *set)
{
    for (size_t i = 0; i < set->count && i < DIFFER_MOST; i++) {
        const json_t *value = set->list[i];
        bool small = json_array_size(value) + json_object_size(value) <= PARTS_MOST;
        if (kind_of(value) == b->kind && small &&
            !branch_assume(c, b, lit_not(lit_of_parts(c, value))))
            return false;
    }
    return true;
}

bool branch_assume(struct contain *c, struct branch *b, lit l)
{
    bool negative = is_negative(l);
    if (l == LIT_TRUE || l == LIT_FALSE)
        return l == LIT_TRUE;
    if (has(b, l) || has(b, lit_not(l)))
        return has(b, l);
    const struct term *t = term_of(c, l);
    if (!(t->kinds >> b->kind & 1))
        return negative;
    if (t->kind == TERM_KINDS)
        return !negative;
    contain_step(c, 1);
    remember(b, l);
    if (t->kind == TERM_NODE)
        return branch_assume(c, b, c->node_meanings[t->n] ^ (lit)negative);
    if (t->kind != TERM_ALL) {
        lits_add(&b->atoms, l);
        bool differs = negative && t->kind == TERM_VALUES &&
                       (b->kind == VALUE_ARRAY || b->kind == VALUE_OBJECT);
        return !differs || assume_differs(c, b, t->as.set);
    }
    if (negative) {
        lits_add(&b->clauses, l);
        return true;
    }
    const lit *list = t->as.all.list;
    for (size_t i = 0, count = t->as.all.count; i < count; i++)
        if (!branch_assume(c, b, list[i]))
            return false;
    return true;
}

enum truth branch_known(const struct contain *c, const struct branch *b, lit l, int level)
{
    if (l == LIT_TRUE || l == LIT_FALSE)
        return l == LIT_TRUE ? YES : NO;
    if (has(b, l) || has(b, lit_not(l)))
        return has(b, l) ? YES : NO;
    const struct term *t = term_of(c, l);
    enum truth yes = is_negative(l) ? NO : YES, no = is_negative(l) ? YES : NO;
    if (!(t->kinds >> b->kind & 1))
        return no;
    if (t->kind == TERM_KINDS)
        return yes;
    if (t->kind != TERM_ALL || level >= LOOK_DEEP)
        return MAYBE;
    enum truth all = yes;
    for (size_t i = 0; i < t->as.all.count; i++) {
        enum truth truth = branch_known(c, b, t->as.all.list[i], level + 1);
        if (truth == NO)
            return no;
        all = truth == MAYBE ? MAYBE : all;
    }
    return all;
}
