/* SPDX-License-Identifier: Apache-2.0
 *
 * Arrays. What must hold at each position is a conjunction of its own: for the first few positions,
 * which some keyword names, and for all behind them. Positions where it is EMPTY bound the length;
 * a count that must be reached needs enough positions where it can be; one that must not is broken
 * by positions that have no choice.
 */
#include "contract/contain_internal.h"

#include <stdlib.h>
#include <string.h>

enum { NAMED_MOST = 64, SPREAD_MOST = 8, LENGTH_MOST = 300, DOMAIN_MOST = 8 };

struct layout {
    size_t named;           /* positions that are told apart */
    lit at[NAMED_MOST + 1]; /* what holds there; the last is for all behind them */
    size_t least, most;     /* length */
    bool unique, repeats, overflowed;
};

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Lengths and how many positions are named. */
static struct layout measure(const struct contain *c, const struct branch *b)
{
    struct layout l = {.most = SIZE_MAX};
    for (size_t i = 0; i < b->atoms.count; i++) {
        bool negative = is_negative(b->atoms.list[i]);
        const struct term *t = term_of(c, b->atoms.list[i]);
        if (t->kind == TERM_UNIQUE) {
            l.unique |= !negative;
            l.repeats |= negative;
        } else if (t->kind == TERM_ITEM) {
            l.named = larger(l.named, t->from + 1);
            if (!negative)
                l.least = larger(l.least, t->from + 1);
        } else if (t->kind == TERM_COUNT) {
            if (t->value != LIT_TRUE)
                l.named = larger(l.named, t->from);
            if (!negative)
                l.least = larger(l.least, t->from + t->n);
            else if (t->value == LIT_TRUE)
                l.most = smaller(l.most, t->from + t->n - 1);
        }
    }
    if (l.repeats)
        l.least = larger(l.least, 2);
    l.overflowed = l.named > NAMED_MOST;
    l.named = smaller(l.named, NAMED_MOST);
    return l;
}

/* What holds of the item at a position, or of all items behind the named ones. */
static lit held_at(struct contain *c, const struct branch *b, size_t at, bool behind)
{
    struct lits held = {0};
    for (size_t i = 0; i < b->atoms.count; i++) {
        bool negative = is_negative(b->atoms.list[i]);
        const struct term *t = term_of(c, b->atoms.list[i]);
        if (t->kind == TERM_ITEM && t->from == at && !behind)
            lits_add(&held, negative ? lit_not(t->value) : t->value);
        if (t->kind == TERM_COUNT && negative && t->n == 1 && t->from <= at)
            lits_add(&held, lit_not(t->value));
    }
    lit made = lit_all(c, held.list, held.count);
    lits_done(&held);
    return made;
}

static bool is_empty(struct contain *c, lit l)
{
    json_t *sample;
    return solve(c, l, &sample) == EMPTY;
}

static lit layout_at(const struct layout *l, size_t at)
{
    return l->at[smaller(at, l->named)];
}

/* The most distinct values that satisfy l, if they are few; else SIZE_MAX. */
static size_t domain_size(struct contain *c, lit l)
{
    for (size_t count = 0; count <= DOMAIN_MOST; count++) {
        json_t *sample = NULL;
        enum answer answer = solve(c, l, &sample);
        if (answer != FOUND)
            return answer == EMPTY ? count : SIZE_MAX;
        l = lit_and(c, l, lit_not(lit_value(c, sample)));
    }
    return SIZE_MAX;
}

static void fill(struct contain *c, const struct branch *b, struct layout *l)
{
    for (size_t i = 0; i <= l->named; i++) {
        if (i >= l->most)
            break;
        l->at[i] = held_at(c, b, i, i == l->named);
        if (is_empty(c, l->at[i]))
            l->most = smaller(l->most, i);
    }
    for (size_t i = smaller(l->named, l->most); i <= l->named; i++)
        if (i >= l->most)
            l->at[i] = LIT_FALSE;
    if (l->unique && l->named == 0 && l->most > 0) {
        size_t size = domain_size(c, l->at[0]);
        l->most = smaller(l->most, size);
    }
}

/* How many positions below the greatest length can satisfy wanted as well. */
static size_t possible(struct contain *c, const struct layout *l, size_t from, lit wanted)
{
    size_t count = 0;
    for (size_t i = from; i < l->named && i < l->most; i++)
        count += !is_empty(c, lit_and(c, l->at[i], wanted));
    if (l->most > l->named && !is_empty(c, lit_and(c, l->at[l->named], wanted))) {
        size_t behind = l->most == SIZE_MAX ? SIZE_MAX : l->most - larger(from, l->named);
        if (l->most != SIZE_MAX && l->most < larger(from, l->named))
            behind = 0;
        count = behind == SIZE_MAX ? SIZE_MAX : count + behind;
    }
    return count;
}

/* How many positions that must be there cannot but satisfy wanted; counts to `enough`. */
static size_t forced(struct contain *c, const struct layout *l, size_t from, lit wanted,
                     size_t enough)
{
    size_t count = 0;
    for (size_t i = from; i < l->named && i < l->least && count < enough; i++)
        count += is_empty(c, lit_and(c, l->at[i], lit_not(wanted)));
    size_t behind = larger(from, l->named);
    if (l->least > behind && count < enough &&
        is_empty(c, lit_and(c, l->at[l->named], lit_not(wanted))))
        count += l->least - behind;
    return count;
}

/* Whether at least n of `some` and less than n of `few` is a contradiction. */
static bool contradict(struct contain *c, const struct layout *l, const struct term *some,
                       const struct term *few)
{
    if (some->n < few->n || some->from < few->from)
        return false;
    lit beyond = lit_and(c, some->value, lit_not(few->value));
    size_t from = some->from;
    return possible(c, l, from, beyond) == 0;
}

static bool counts_fail(struct contain *c, const struct branch *b, const struct layout *l)
{
    for (size_t i = 0; i < b->atoms.count; i++) {
        struct term t = *term_of(c, b->atoms.list[i]);
        if (t.kind != TERM_COUNT || t.value == LIT_TRUE)
            continue;
        if (is_negative(b->atoms.list[i])) {
            if (t.n > 1 && forced(c, l, t.from, t.value, t.n) >= t.n)
                return true;
            continue;
        }
        if (possible(c, l, t.from, t.value) < t.n)
            return true;
        for (size_t j = 0; j < b->atoms.count; j++) {
            struct term few = *term_of(c, b->atoms.list[j]);
            if (few.kind == TERM_COUNT && is_negative(b->atoms.list[j]) && few.n > 1 &&
                few.value != LIT_TRUE && contradict(c, l, &t, &few))
                return true;
        }
    }
    return false;
}

/* Whether no two positions can hold the same value. */
static bool cannot_repeat(struct contain *c, const struct layout *l)
{
    for (size_t i = 0; i <= l->named && i < l->most; i++)
        for (size_t j = 0; j <= i && j < l->most; j++)
            if ((i != j || (i == l->named && l->most > l->named + 1)) &&
                !is_empty(c, lit_and(c, l->at[i], l->at[j])))
                return false;
    return true;
}

/* ---- samples ---- */

struct draft {
    size_t length, room;
    lit *at;     /* what each position shall satisfy */
    bool *taken; /* by a count that must be reached  */
};

/* Gives n positions to a count; prefers those that nothing else was asked of. */
static void place(struct contain *c, struct draft *d, const struct term *t)
{
    size_t placed = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = d->length; i-- > t->from && placed < t->n;) {
            lit both = lit_and(c, d->at[i], t->value);
            placed += pass == 0 && both == d->at[i];
            if (d->taken[i] != (pass == 1) || both == d->at[i] || is_empty(c, both))
                continue;
            d->at[i] = both;
            d->taken[i] = true;
            placed++;
        }
    }
}

static void fill_draft(struct contain *c, const struct branch *b, struct draft *d)
{
    for (size_t i = 0; i < b->atoms.count; i++) {
        struct term t = *term_of(c, b->atoms.list[i]);
        if (t.kind == TERM_COUNT && !is_negative(b->atoms.list[i]) && t.value != LIT_TRUE)
            place(c, d, &t);
    }
    /* Where a count must stay low, positions that can do without it do. */
    for (size_t i = 0; i < b->atoms.count; i++) {
        struct term t = *term_of(c, b->atoms.list[i]);
        if (t.kind != TERM_COUNT || !is_negative(b->atoms.list[i]) || t.n == 1 ||
            t.value == LIT_TRUE)
            continue;
        for (size_t at = t.from; at < d->length; at++) {
            lit without = lit_and(c, d->at[at], lit_not(t.value));
            if (!is_empty(c, without))
                d->at[at] = without;
        }
    }
}

static json_t *draft_value(struct contain *c, struct draft *d, bool unique, bool repeats)
{
    json_t *array = json_array();
    for (size_t i = 0; i < d->length; i++) {
        json_t *sample = NULL;
        if (repeats && i > 0) {
            json_t *before = json_array_get(array, i - 1);
            if (holds(c, d->at[i], before) == YES) {
                json_array_append(array, before);
                repeats = false;
                continue;
            }
        }
        lit wanted = d->at[i];
        for (size_t j = 0; unique && j < i; j++)
            wanted = lit_and(c, wanted, lit_not(lit_value(c, json_array_get(array, j))));
        if (solve(c, wanted, &sample) != FOUND) {
            json_decref(array);
            return NULL;
        }
        json_array_append(array, sample);
    }
    return array;
}

static bool try_draft(struct contain *c, struct branch *b, const struct layout *l, size_t length,
                      bool *maybe)
{
    struct draft d = {.length = length};
    d.at = xmalloc((length + 1) * sizeof(lit));
    d.taken = xcalloc(length + 1, sizeof(bool));
    for (size_t i = 0; i < length; i++)
        d.at[i] = layout_at(l, i);
    fill_draft(c, b, &d);
    json_t *array = draft_value(c, &d, l->unique, l->repeats);
    free(d.at);
    free(d.taken);
    return array && branch_try(c, b, array, maybe);
}

/* The positions that repeat are made equal by asking the same of both. */
static bool try_pairs(struct contain *c, struct branch *b, const struct layout *l, bool *maybe)
{
    size_t length = larger(l->least, smaller(l->named + 2, l->most));
    for (size_t i = 1; i < length && length <= LENGTH_MOST; i++) {
        for (size_t j = 0; j < i; j++) {
            json_t *both = NULL, *array = json_array();
            bool whole = solve(c, lit_and(c, layout_at(l, i), layout_at(l, j)), &both) == FOUND;
            for (size_t k = 0; k < larger(i + 1, l->least) && whole; k++) {
                json_t *sample = both;
                whole = k == i || k == j || solve(c, layout_at(l, k), &sample) == FOUND;
                json_array_append(array, sample);
            }
            if (whole && branch_try(c, b, json_incref(array), maybe)) {
                json_decref(array);
                return true;
            }
            json_decref(array);
        }
    }
    return false;
}

/* Where the length is bounded, a count that must be reached is one position or the other. */
static lit spread(struct contain *c, const struct branch *b, const struct layout *l)
{
    for (size_t i = 0; i < b->atoms.count; i++) {
        struct term t = *term_of(c, b->atoms.list[i]);
        if (t.kind != TERM_COUNT || is_negative(b->atoms.list[i]) || t.value == LIT_TRUE)
            continue;
        size_t to = smaller(l->most, larger(l->named, t.from));
        bool whole = l->most <= SPREAD_MOST;
        if (whole)
            to = l->most;
        if (t.n != 1 || to > SPREAD_MOST || to < t.from)
            continue;
        lit list[SPREAD_MOST + 1];
        size_t count = 0;
        for (size_t at = t.from; at < to; at++)
            list[count++] = lit_item(c, at, t.value);
        if (!whole)
            list[count++] = lit_count(c, to, 1, t.value);
        if (count < 2 && !whole)
            continue;
        lit any = lit_any(c, list, count);
        bool known = false;
        for (size_t k = 0; k < b->asserted.count && !known; k++)
            known = b->asserted.list[k] == any;
        if (!known && any != b->atoms.list[i])
            return any;
    }
    return LIT_NONE;
}

static enum answer sample_array(struct contain *c, struct branch *b, const struct layout *l)
{
    bool maybe = false;
    size_t wanted = 0;
    if (l->least == 0 && branch_try(c, b, json_array(), &maybe))
        return FOUND;
    if (l->most == 0)
        return maybe ? UNSURE : EMPTY;
    for (size_t i = 0; i < b->atoms.count; i++) {
        const struct term *t = term_of(c, b->atoms.list[i]);
        if (t->kind == TERM_COUNT && !is_negative(b->atoms.list[i]) && t->value != LIT_TRUE)
            wanted += smaller(t->n, LENGTH_MOST);
    }
    size_t lengths[] = {l->least,          l->least + 1, l->least + wanted,
                        l->named + wanted, l->named + 1, l->least + 2};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        if (lengths[i] >= l->least && lengths[i] <= l->most && lengths[i] <= LENGTH_MOST &&
            try_draft(c, b, l, lengths[i], &maybe))
            return FOUND;
    if (l->repeats && try_pairs(c, b, l, &maybe))
        return FOUND;
    return UNSURE;
}

enum answer check_array(struct contain *c, struct branch *b, bool final, lit *ret_split)
{
    struct layout l = measure(c, b);
    if (l.least > l.most)
        return EMPTY;
    fill(c, b, &l);
    if (l.least > l.most || counts_fail(c, b, &l) || (l.repeats && cannot_repeat(c, &l)))
        return EMPTY;
    if (!final)
        return UNSURE;
    enum answer answer = sample_array(c, b, &l);
    if (answer == UNSURE)
        *ret_split = l.overflowed ? LIT_NONE : spread(c, b, &l);
    if (answer == UNSURE && *ret_split == LIT_NONE)
        contain_doubt(c, "arrays", "no array was found that tells the schemas apart", b->goal);
    return answer;
}
