/* SPDX-License-Identifier: Apache-2.0
 *
 * The search for a value that satisfies a lit. Kind by kind of value: conjunctions are taken apart,
 * disjunctions become *clauses*, of which one alternative after the other is assumed, the one with
 * the fewest first; before that, alternatives that contradict what is known are crossed out. What
 * an item, property or name must satisfy is a conjunction again, solved and remembered by its lit.
 *
 * A conjunction that is met again inside of its own solution counts as EMPTY there: its smallest
 * value cannot have a smaller one inside. EMPTY answers that lean on such an assumption are
 * forgotten if it turns out false.
 */
#include "contract/contain_internal.h"

#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

enum memo_state { MEMO_NEW, MEMO_OPEN, MEMO_DONE };

enum {
    SOLVE_DEPTH = 300,
    SEARCH_DEPTH = 400,
    FRAMES_MOST = 2000,
    SPLITS_MOST = 40,
    LOOK_AHEAD = 400
};

#define LEANS_ON_NOTHING UINT32_MAX

bool contain_step(struct contain *c, size_t cost)
{
    if (c->steps <= cost)
        c->exhausted = true;
    else
        c->steps -= cost;
    return !c->exhausted;
}

void contain_doubt(struct contain *c, const char *rule, const char *words, lit goal)
{
    if (!c->doubt.words)
        c->doubt = (struct doubt){rule, words, goal};
}

/* ---- theories ---- */

static const struct value_set *chosen_values(const struct contain *c, const struct branch *b)
{
    for (size_t i = 0; i < b->atoms.count; i++)
        if (!is_negative(b->atoms.list[i]) && term_of(c, b->atoms.list[i])->kind == TERM_VALUES)
            return term_of(c, b->atoms.list[i])->as.set;
    return NULL;
}

/* *ret_split is LIT_NONE unless there is something to choose. */
static enum answer check(struct contain *c, struct branch *b, bool final, lit *ret_split)
{
    *ret_split = LIT_NONE;
    if (!final && b->checked == b->atoms.count)
        return UNSURE;
    if (!contain_step(c, 1 + b->atoms.count / 4))
        return UNSURE;
    const struct value_set *set = chosen_values(c, b);
    enum answer answer = UNSURE;
    if (set)
        return check_values(c, b, set, final);
    switch (b->kind) {
    case VALUE_NULL:
    case VALUE_FALSE:
    case VALUE_TRUE:
    case VALUE_KINDS:
        break;
    case VALUE_INTEGER:
    case VALUE_FRACTION:
        answer = check_number(c, b, final);
        break;
    case VALUE_STRING:
        answer = check_string(c, b, final);
        break;
    case VALUE_ARRAY:
        answer = check_array(c, b, final, ret_split);
        break;
    case VALUE_OBJECT:
        answer = check_object(c, b, final, ret_split);
        break;
    }
    b->checked = b->atoms.count;
    return answer;
}

enum answer check_values(struct contain *c, struct branch *b, const struct value_set *set,
                         bool final)
{
    bool maybe = false;
    for (size_t i = 0; i < set->count; i++) {
        json_t *value = (json_t *)set->list[i];
        if (kind_of(value) != b->kind)
            continue;
        if (final && branch_try(c, b, json_incref(value), &maybe))
            return FOUND;
        bool possible = !final;
        for (size_t a = 0; a < b->atoms.count && possible; a++)
            possible = holds(c, b->atoms.list[a], value) != NO;
        maybe |= possible;
    }
    return maybe ? UNSURE : EMPTY;
}

bool branch_try(struct contain *c, struct branch *b, json_t *candidate, bool *ret_maybe)
{
    if (!candidate) /* a real that is not finite */
        return false;
    enum truth truth = holds(c, b->goal, candidate);
    if (truth == YES) {
        json_decref(b->sample);
        b->sample = candidate;
        return true;
    }
    *ret_maybe |= truth == MAYBE;
    json_decref(candidate);
    return false;
}

/* ---- the search in a branch ---- */

static enum answer search(struct contain *c, struct branch *b, int depth, int splits);

/* The alternatives of a clause that are still open; false if one holds already. */
static bool open_alternatives(const struct contain *c, const struct branch *b, lit clause,
                              struct lits *ret_open)
{
    const struct term *t = term_of(c, clause);
    ret_open->count = 0;
    for (size_t i = 0; i < t->as.all.count; i++) {
        lit alternative = lit_not(t->as.all.list[i]);
        enum truth truth = branch_known(c, b, alternative, 0);
        if (truth == YES)
            return false;
        if (truth == MAYBE)
            lits_add(ret_open, alternative);
    }
    return true;
}

/* Crosses out alternatives that contradict at once. */
static void look_ahead(struct contain *c, struct branch *b, struct lits *open)
{
    size_t kept = 0;
    for (size_t i = 0; i < open->count; i++) {
        struct mark m = branch_mark(b);
        lit split;
        bool possible = branch_assume(c, b, open->list[i]) && check(c, b, false, &split) != EMPTY;
        branch_back_to(b, m);
        if (possible)
            open->list[kept++] = open->list[i];
        if (c->exhausted)
            return;
    }
    open->count = kept;
}

/* One round over the clauses. EMPTY: a contradiction; FOUND: something new was learned. */
static enum answer propagate_round(struct contain *c, struct branch *b, bool look,
                                   struct lits *ret_best)
{
    struct lits open = {0};
    enum answer answer = UNSURE;
    ret_best->count = 0;
    for (size_t i = 0; i < b->clauses.count && answer != EMPTY && !c->exhausted; i++) {
        contain_step(c, 1);
        if (!open_alternatives(c, b, b->clauses.list[i], &open))
            continue;
        if (look && open.count > 1 && open.count < LOOK_AHEAD)
            look_ahead(c, b, &open);
        if (open.count == 0 || (open.count == 1 && !branch_assume(c, b, open.list[0])))
            answer = EMPTY;
        else if (open.count == 1)
            answer = FOUND;
        if (open.count > 1 && (ret_best->count == 0 || open.count < ret_best->count)) {
            struct lits swap = *ret_best;
            *ret_best = open;
            open = swap;
        }
    }
    lits_done(&open);
    return answer;
}

/* Until nothing more follows. *ret_best: the shortest clause that is left, if any. */
static enum answer propagate(struct contain *c, struct branch *b, struct lits *ret_best)
{
    for (;;) {
        lit split;
        enum answer answer = propagate_round(c, b, false, ret_best);
        if (answer == EMPTY)
            return EMPTY;
        if (answer == FOUND)
            continue;
        if (check(c, b, false, &split) == EMPTY)
            return EMPTY;
        if (c->exhausted)
            return UNSURE;
        answer = propagate_round(c, b, true, ret_best);
        if (answer != FOUND)
            return answer;
    }
}

static enum answer choose(struct contain *c, struct branch *b, const struct lits *alternatives,
                          int depth, int splits)
{
    struct mark before = branch_mark(b);
    enum answer worst = EMPTY;
    for (size_t i = 0; i < alternatives->count; i++) {
        struct mark m = branch_mark(b);
        enum answer answer = EMPTY;
        if (branch_assume(c, b, alternatives->list[i]))
            answer = search(c, b, depth + 1, splits);
        branch_back_to(b, m);
        if (answer == FOUND || c->exhausted) {
            worst = answer == FOUND ? FOUND : UNSURE;
            break;
        }
        worst = answer == UNSURE ? UNSURE : worst;
        /* What is left to try is without it. */
        lit split;
        if (!branch_assume(c, b, lit_not(alternatives->list[i])) ||
            check(c, b, false, &split) == EMPTY)
            break;
    }
    branch_back_to(b, before);
    return worst;
}

static enum answer finish(struct contain *c, struct branch *b, int depth, int splits)
{
    lit split;
    enum answer answer = check(c, b, true, &split);
    if (answer != UNSURE)
        return answer;
    if (split == LIT_NONE || splits >= SPLITS_MOST || c->exhausted) {
        contain_doubt(c, "search", NULL, b->goal);
        return UNSURE;
    }
    struct mark m = branch_mark(b);
    if (!branch_assume(c, b, split))
        answer = EMPTY;
    else if (b->clauses.count > m.clauses || b->atoms.count > m.atoms)
        answer = search(c, b, depth + 1, splits + 1);
    branch_back_to(b, m);
    return answer;
}

static enum answer search(struct contain *c, struct branch *b, int depth, int splits)
{
    struct lits best = {0};
    if (depth > SEARCH_DEPTH || c->frames >= FRAMES_MOST || !contain_step(c, 1))
        return UNSURE;
    c->frames++;
    struct mark m = branch_mark(b);
    enum answer answer = propagate(c, b, &best);
    if (answer != EMPTY && !c->exhausted)
        answer = best.count > 0 ? choose(c, b, &best, depth, splits) : finish(c, b, depth, splits);
    branch_back_to(b, m);
    lits_done(&best);
    c->frames--;
    return answer;
}

static enum answer solve_kind(struct contain *c, lit l, enum value_kind kind, json_t **ret_sample)
{
    static json_t *(*const makers[])(void) = {json_null, json_false, json_true};
    if (kind <= VALUE_TRUE) {
        enum truth truth = holds(c, l, makers[kind]());
        *ret_sample = truth == YES ? makers[kind]() : NULL;
        if (truth != MAYBE)
            return truth == YES ? FOUND : EMPTY;
    }
    struct branch b = {.goal = l, .kind = kind};
    enum answer answer = branch_assume(c, &b, l) ? search(c, &b, 0, 0) : EMPTY;
    *ret_sample = answer == FOUND ? TAKE(b.sample) : NULL;
    branch_done(&b);
    return answer;
}

/* ---- memory ---- */

static struct memo *memo_of(struct contain *c, lit l)
{
    if (l >= c->memo_room) {
        size_t room = c->memo_room ? c->memo_room : 512;
        while (room <= l)
            room *= 2;
        c->memos = xrealloc(c->memos, room * sizeof(c->memos[0]));
        memset(c->memos + c->memo_room, 0, (room - c->memo_room) * sizeof(c->memos[0]));
        c->memo_room = room;
    }
    return &c->memos[l];
}

static void note_provisional(struct contain *c, lit l)
{
    if (c->provisional_count == c->provisional_room) {
        c->provisional_room = c->provisional_room ? 2 * c->provisional_room : 64;
        c->provisional = xrealloc(c->provisional, c->provisional_room * sizeof(lit));
    }
    c->provisional[c->provisional_count++] = l;
}

static enum answer solve_open(struct contain *c, lit l, json_t **ret_sample)
{
    enum answer answer = EMPTY;
    *ret_sample = NULL;
    for (enum value_kind kind = 0; kind < VALUE_KINDS && answer != FOUND; kind++) {
        json_t *sample = NULL;
        enum answer here = solve_kind(c, l, kind, &sample);
        if (here != EMPTY)
            answer = here;
        if (sample)
            *ret_sample = sample;
    }
    return answer;
}

/* What was EMPTY under an assumption that did not come true is new again. */
static void forget(struct contain *c, size_t since)
{
    while (c->provisional_count > since)
        *memo_of(c, c->provisional[--c->provisional_count]) = (struct memo){0};
}

/* What leaned on an open conjunction leans on what that one leans on, or on nothing. */
static void settle(struct contain *c, size_t since)
{
    for (size_t i = since; i < c->provisional_count; i++) {
        struct memo *memo = memo_of(c, c->provisional[i]);
        if (c->lowest < memo->depth || c->lowest == LEANS_ON_NOTHING)
            memo->depth = c->lowest;
    }
    if (c->lowest == LEANS_ON_NOTHING)
        c->provisional_count = since;
}

static enum answer recall(struct contain *c, const struct memo *memo, json_t **ret_sample)
{
    bool assumed = memo->state == MEMO_OPEN;
    if ((assumed || memo->answer == EMPTY) && memo->depth < c->lowest)
        c->lowest = memo->depth;
    *ret_sample = memo->sample;
    return assumed ? EMPTY : memo->answer;
}

enum answer solve(struct contain *c, lit l, json_t **ret_sample)
{
    struct memo *memo = memo_of(c, l);
    *ret_sample = NULL;
    if (memo->state != MEMO_NEW)
        return recall(c, memo, ret_sample);
    c->exhausted |= c->pairs == 0;
    if (c->depth >= SOLVE_DEPTH)
        contain_doubt(c, "depth", "the schemas lead too deep into themselves", l);
    if (c->depth >= SOLVE_DEPTH || c->exhausted)
        return UNSURE;
    c->pairs--;
    uint32_t outer_lowest = c->lowest, depth = c->depth++;
    size_t since = c->provisional_count;
    *memo = (struct memo){.state = MEMO_OPEN, .depth = depth};
    c->lowest = LEANS_ON_NOTHING;
    enum answer answer = solve_open(c, l, ret_sample);
    c->depth--;
    if (answer != EMPTY || c->lowest >= depth)
        c->lowest = LEANS_ON_NOTHING;
    if (answer != EMPTY) {
        forget(c, since);
    } else {
        settle(c, since);
        if (c->lowest != LEANS_ON_NOTHING)
            note_provisional(c, l);
    }
    *memo_of(c, l) = (struct memo){
        .state = MEMO_DONE, .answer = (uint8_t)answer, .depth = c->lowest, .sample = *ret_sample};
    if (outer_lowest < c->lowest)
        c->lowest = outer_lowest;
    return answer;
}
