/* SPDX-License-Identifier: Apache-2.0
 *
 * The question and its answer: build both contracts, search for a value of the one that is none of
 * the other, and let the run-time validator judge what was found. Where the search is at its end a
 * pool of values is tried blindly. Nothing is REFUTED that the validator has not confirmed.
 */
#include "contract/contain_internal.h"

#include "contract/contain_report_internal.h"

#include <stdlib.h>

enum { PAIRS = 20000, CANDIDATES = 2000, STEPS = 3500000 };

static void contain_init(struct contain *c, const struct contract *sub,
                         const struct contract *super, const struct contain_options *o)
{
    *c = (struct contain){.contracts = {sub, super}, .lowest = UINT32_MAX};
    c->owned = json_array();
    c->pairs = o && o->pairs ? o->pairs : PAIRS;
    c->candidates = o && o->candidates ? o->candidates : CANDIDATES;
    c->steps = o && o->steps ? o->steps : STEPS;
    c->room.data = NULL;
    c->room.used = 0;
    lit_first(c);
}

static void contain_done(struct contain *c)
{
    for (size_t i = 0; i < c->memo_room; i++)
        json_decref(c->memos[i].sample);
    free(c->memos);
    free(c->provisional);
    free(c->terms);
    free(c->table);
    free(c->node_meanings);
    json_decref(c->owned);
    chunks_free(c);
    match_room_done(&c->room);
}

static bool refutes(struct contain *c, const json_t *value)
{
    if (c->candidates == 0)
        return false;
    c->candidates--;
    return contract_accepts(c->contracts[0], value) && !contract_accepts(c->contracts[1], value);
}

/* A value that overruns a limit of the validator is rejected, but is no counterexample. */
static bool rejected_for_a_reason(const struct contract *contract, const json_t *value,
                                  struct violations *ret_why)
{
    return !contract_explain(contract, value, ret_why) && ret_why->count > 0;
}

static bool refute(struct contain *c, json_t *witness, struct comparison *ret)
{
    struct violations why;
    if (!refutes(c, witness))
        return false;
    bool sound = rejected_for_a_reason(c->contracts[1], witness, &why);
    if (sound) {
        ret->verdict = REFUTED;
        ret->witness = json_incref(witness);
        ret->rule = rule_of_pointer(why.list[0].schema);
        ret->super = xstrdup(why.list[0].schema);
        ret->sub = place_of(c->contracts[0], witness, why.list[0].instance);
        ret->reason = xasprintf("the witness%s%s%s fits the first schema and not the second: %s",
                                *why.list[0].instance ? ", at " : "", why.list[0].instance,
                                *why.list[0].instance ? "," : "", why.list[0].text);
    }
    violations_done(&why);
    return sound;
}

static bool refute_blindly(struct contain *c, struct comparison *ret)
{
    struct pool *pool = pool_new(c->contracts[0], c->contracts[1]);
    bool refuted = false;
    for (json_t *value; !refuted && c->candidates > 0 && (value = pool_next(pool));)
        refuted = refute(c, value, ret);
    pool_free(pool);
    return refuted;
}

static void prove(struct contain *c, lit sub, lit super, lit goal, struct comparison *ret)
{
    ret->verdict = PROVEN;
    ret->sub = xstrdup("");
    ret->super = xstrdup("");
    ret->rule = sub == LIT_FALSE                                            ? "accepts-nothing"
                : super == LIT_TRUE                                         ? "accepts-all"
                : goal == LIT_FALSE                                         ? "same"
                : !is_negative(sub) && term_of(c, sub)->kind == TERM_VALUES ? "finite"
                                                                            : "cases";
    ret->reason = xstrdup("every value that fits the first schema fits the second");
}

/* The places that the goal in doubt was made of: the first of each side. */
static void place_doubt(struct contain *c, struct comparison *ret)
{
    char **places[2] = {&ret->sub, &ret->super};
    lit goal = c->doubt.goal;
    const struct term *t = term_of(c, goal);
    size_t count = t->kind == TERM_ALL && !is_negative(goal) ? t->as.all.count : 1;
    for (size_t i = 0; i < count; i++) {
        const struct term *part = count > 1 ? term_of(c, t->as.all.list[i]) : t;
        if (!*places[part->side] && part->kind != TERM_TRUE)
            *places[part->side] = node_pointer(c->contracts[part->side], part->node);
    }
    for (unsigned side = 0; side < 2; side++)
        if (!*places[side])
            *places[side] = xstrdup("");
}

static void leave_open(struct contain *c, struct comparison *ret)
{
    ret->verdict = UNKNOWN;
    ret->rule = c->exhausted ? "budget" : c->doubt.rule ? c->doubt.rule : "search";
    ret->reason = xstrdup(c->exhausted     ? "the search was given up: its budget of work is spent"
                          : c->doubt.words ? c->doubt.words
                                           : "the search came to no end");
    place_doubt(c, ret);
}

enum error_code contract_compare(const struct contract *sub, const struct contract *super,
                                 const struct contain_options *options, struct comparison *ret,
                                 struct error *reterr)
{
    struct contain c;
    lit left = LIT_TRUE, right = LIT_TRUE, goal = LIT_TRUE;
    json_t *sample = NULL;
    ASSERT(sub && super && ret);
    (void)reterr;
    contain_init(&c, sub, super, options);
    *ret = (struct comparison){0};
    enum answer answer = UNSURE;
    if (contain_build(&c, 0, &left) && contain_build(&c, 1, &right)) {
        goal = lit_and(&c, left, lit_not(right));
        answer = solve(&c, goal, &sample);
    }
    if (answer == EMPTY)
        prove(&c, left, right, goal, ret);
    else if (!(sample && refute(&c, sample, ret)) && !refute_blindly(&c, ret))
        leave_open(&c, ret);
    contain_done(&c);
    return ERR_OK;
}

void comparison_done(struct comparison *comparison)
{
    json_decref(comparison->witness);
    free(comparison->reason);
    free(comparison->sub);
    free(comparison->super);
    *comparison = (struct comparison){0};
}

const char *verdict_name(enum verdict verdict)
{
    switch (verdict) {
    case PROVEN:
        return "PROVEN";
    case REFUTED:
        return "REFUTED";
    case UNKNOWN:
        return "UNKNOWN";
    }
    assert_failed("a verdict has a name", __FILE__, __LINE__);
}
