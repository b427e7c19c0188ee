/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run may come to, per key of its budget: every loop with as many items as its array may
 * have, every step with all its tries and its fallback, every call with what its agent declares,
 * every sub-flow with what it may come to itself, a plan with all that it is given. The budget
 * stops a run there in any case; here its author learns before whether it can. People add tries and
 * a service may ask for longer waits: neither is counted, nor what an agent uses and does not
 * declare. Recovery is a budget of its own: undos with their tries, and one question to a reconcile
 * agent for each try that may end in doubt.
 */
#include "flow/prove_internal.h"

#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As much as is counted; more is the same. */
static const int64_t PLENTY = INT64_MAX / 4;

static int64_t plus(int64_t a, int64_t b)
{
    return a < PLENTY - b ? a + b : PLENTY;
}

static int64_t times(int64_t a, int64_t b)
{
    return b > 0 && a > PLENTY / b ? PLENTY : a * b;
}

struct reckoning {
    const struct proving *proving;
    struct reckoned sum;
    int64_t *least_end, *most_end; /* of each step, from the start of the run */
    struct {
        int64_t amount;
        uint32_t step;
    } dearest[WORST_KEYS]; /* the step that comes to most, if nothing fails */
};

static int64_t tries_of(const struct step *s)
{
    return s->retry.on ? s->retry.max_attempts : 1;
}

/* ---- One task ---- */

/* Takes the text; the first reason stays. */
static void set_unbounded(struct reckoned *r, enum worst_key key, char *why_taken)
{
    if (r->why[key])
        free(why_taken);
    else
        r->why[key] = why_taken;
    r->most[key] = -1;
}

/* Adds to the amounts; what has no bound stays so, and needs at least what it needs all the same.
 */
static void put(struct reckoned *r, enum worst_key key, int64_t least, int64_t most)
{
    r->least[key] = plus(r->least[key], least);
    if (r->most[key] >= 0)
        r->most[key] = plus(r->most[key], most);
}

/* Tries and declared amounts of the calls of an agent; what it calls itself is not known. */
static void add_calls(const struct compilation *c, uint32_t step, const struct agent *agent,
                      bool first, struct reckoned *r)
{
    int64_t tries = tries_of(&c->flow->steps[step]), least = first ? 1 : 0;
    const int64_t each[] = {
        [WORST_ATTEMPTS] = 1,
        [WORST_CALLS] = 1,
        [WORST_TOKENS] = agent->tokens,
        [WORST_COST] = agent->cost,
    };
    for (enum worst_key i = 0; i < sizeof(each) / sizeof(each[0]); i++)
        put(r, i, least * each[i], times(tries, each[i]));
    int64_t tokens = 0, cost = 0;
    for (size_t i = 0; i < agent->call_count; i++) {
        tokens = plus(tokens, agent->calls[i]->tokens);
        cost = plus(cost, agent->calls[i]->cost);
    }
    const bool open[] = {[WORST_CALLS] = agent->call_count > 0,
                         [WORST_TOKENS] = tokens > 0,
                         [WORST_COST] = cost > 0};
    for (enum worst_key i = WORST_CALLS; i <= WORST_COST; i++)
        if (open[i])
            set_unbounded(r, i,
                          xasprintf("step `%s`: %s may call others as often as it likes",
                                    c->names[step], agent->name));
}

static void add_recovery(const struct step *s, struct reckoned *r)
{
    const struct callee *callees[] = {&s->call, &s->fallback, &s->undo};
    int64_t sum = 0;
    for (size_t i = 0; i < sizeof(callees) / sizeof(callees[0]); i++)
        if (callees[i]->agent && callees[i]->reconcile)
            sum = plus(sum, tries_of(s));
    if (s->undo.agent)
        sum = plus(sum, tries_of(s));
    put(r, WORST_RECOVERY, 0, sum);
}

static int64_t within(int64_t amount, int64_t limit)
{
    return limit >= 0 && (amount < 0 || amount > limit) ? limit : amount;
}

/* What a sub-flow comes to, within the budget that it has there. */
static void add_member(const struct compilation *c, uint32_t step, struct reckoned *r)
{
    const struct member *member = c->sources[step].member;
    const struct budget *budget = &c->flow->steps[step].budget;
    for (enum worst_key i = 0; i < WORST_KEYS; i++) {
        int64_t limit = budget_limit(budget, i);
        int64_t least = within(member->worst.least[i], limit);
        int64_t most = within(member->worst.most[i], limit);
        if (most < 0)
            set_unbounded(r, i,
                          xasprintf("step `%s`: in %s %s", c->names[step], member->relative,
                                    member->worst.why[i]));
        put(r, i, least, most);
    }
    r->least_work = member->worst.least_work;
    r->most_work = member->worst.most_work;
    r->width = member->worst.width;
}

static bool plan_may_use(const struct compilation *c, const struct plan *plan, enum worst_key key)
{
    const struct catalog *catalog = c->options->catalog;
    for (size_t i = 0; i < catalog->count; i++) {
        const struct agent *agent = catalog->agents[i];
        if (!plan_reaches(plan, agent))
            continue;
        if (key == WORST_TOKENS ? agent->tokens > 0
            : key == WORST_COST ? agent->cost > 0
                                : key != WORST_RECOVERY || agent->effect > CLASS_READ)
            return true;
    }
    return false;
}

static void add_plan(const struct compilation *c, uint32_t step, struct reckoned *r)
{
    const struct step *s = &c->flow->steps[step];
    for (enum worst_key i = 0; i < WORST_KEYS; i++) {
        int64_t limit = budget_limit(&s->budget, i);
        if (i == WORST_TIME)
            limit = within(limit, s->schedule_to_close_ms);
        if (i == WORST_ATTEMPTS) /* each of them is a call */
            limit = within(limit, budget_limit(&s->budget, WORST_CALLS));
        if (limit >= 0)
            put(r, i, limit, limit);
        else if (plan_may_use(c, s->plan, i))
            set_unbounded(r, i,
                          xasprintf("step `%s` runs a plan, and its budget has no limit of %s",
                                    c->names[step], worst_key_word(i)));
    }
    r->least_work = r->most_work = within(PLENTY, budget_limit(&s->budget, WORST_TIME));
    r->width = 1;
}

/* One task of an agent, from its first attempt to its end. */
static int64_t task_ms(const struct step *s, bool all)
{
    int64_t one = s->start_to_close_ms < 0 ? PLENTY : s->start_to_close_ms;
    int64_t ms = all ? plus(times(one, tries_of(s)), retry_waits(&s->retry)) : one;
    if (s->schedule_to_close_ms >= 0 && ms > s->schedule_to_close_ms)
        ms = s->schedule_to_close_ms;
    return ms;
}

static void add_agent(const struct compilation *c, uint32_t step, struct reckoned *r)
{
    const struct step *s = &c->flow->steps[step];
    if (s->call.agent)
        add_calls(c, step, s->call.agent, true, r);
    put(r, WORST_TIME, task_ms(s, false), task_ms(s, true));
    r->least_work = task_ms(s, false);
    r->most_work = task_ms(s, true);
    r->width = 1;
}

static void reckon_task(const struct compilation *c, uint32_t step, struct reckoned *ret)
{
    const struct step *s = &c->flow->steps[step];
    *ret = (struct reckoned){.known = true};
    if (s->plan)
        add_plan(c, step, ret);
    else if (c->sources[step].member)
        add_member(c, step, ret);
    else
        add_agent(c, step, ret);
    if (ret->most[WORST_TIME] >= 0 && s->schedule_to_close_ms >= 0) {
        ret->least[WORST_TIME] = within(ret->least[WORST_TIME], s->schedule_to_close_ms);
        ret->most[WORST_TIME] = within(ret->most[WORST_TIME], s->schedule_to_close_ms);
    }
    if (s->fallback.agent) {
        add_calls(c, step, s->fallback.agent, false, ret);
        put(ret, WORST_TIME, 0, ret->most[WORST_TIME]);
        ret->most_work = times(ret->most_work, 2);
    }
    add_recovery(s, ret);
}

/* ---- All tasks of a step ---- */

static char *why_unbounded(const struct compilation *c, uint32_t step)
{
    const struct source *source = &c->sources[step];
    const char *over = json_string_value(json_object_get(source->value, "for_each"));
    struct slice text = slice_of(over ? over : "its array");
    if (slice_starts(text, "${") && text.ptr[text.len - 1] == '}') {
        text = (struct slice){text.ptr + 2, text.len - 3};
        for (; text.len > 0 && text.ptr[0] == ' '; text.ptr++)
            text.len--;
        while (text.len > 0 && text.ptr[text.len - 1] == ' ')
            text.len--;
    }
    return xasprintf("step `%s` loops over %.*s, whose maxItems is not set", source->name,
                     text.len < 200 ? (int)text.len : 200, text.ptr);
}

static int64_t latest(const struct step *s, const int64_t *ends)
{
    int64_t end = 0;
    for (size_t i = 0; i < s->after_count; i++)
        end = ends[s->after[i]] > end ? ends[s->after[i]] : end;
    return end;
}

static void add_time(struct reckoning *r, uint32_t step, int64_t tasks, const struct reckoned *one)
{
    const struct flow *flow = r->proving->c->flow;
    const struct step *s = &flow->steps[step];
    int64_t at_once = s->concurrency < flow->concurrency ? s->concurrency : flow->concurrency;
    int64_t rounds = tasks / at_once + (tasks % at_once > 0);
    int64_t least = one->least[WORST_TIME] < 0 ? 0 : one->least[WORST_TIME];
    int64_t most = one->most[WORST_TIME] < 0 ? 0 : one->most[WORST_TIME];
    r->sum.width = plus(r->sum.width, times(tasks < at_once ? tasks : at_once, one->width));
    r->sum.least_work = plus(r->sum.least_work, times(tasks, one->least_work));
    r->sum.most_work = plus(r->sum.most_work, times(tasks, one->most_work));
    r->least_end[step] = plus(latest(s, r->least_end), times(rounds, least));
    r->most_end[step] = plus(latest(s, r->most_end), times(rounds, most));
}

static void add_step(struct reckoning *r, uint32_t step)
{
    const struct compilation *c = r->proving->c;
    const struct known *known = &r->proving->known[step];
    int64_t tasks = known->most < SIZE_MAX ? (int64_t)known->most : LIMIT_ITEMS;
    bool endless = c->flow->steps[step].for_each && known->most == SIZE_MAX && !known->never;
    struct reckoned one;
    if (known->never)
        tasks = 0;
    reckon_task(c, step, &one);
    for (enum worst_key i = 0; i < WORST_KEYS; i++) {
        if (one.most[i] < 0 && tasks > 0)
            set_unbounded(&r->sum, i, TAKE(one.why[i]));
        else if (one.most[i] > 0 && endless)
            set_unbounded(&r->sum, i, why_unbounded(c, step));
        if (endless)
            continue;
        if (i != WORST_TIME && tasks > 0)
            put(&r->sum, i, times(tasks, one.least[i]), times(tasks, one.most[i]));
        if (times(tasks, one.least[i]) > r->dearest[i].amount) {
            r->dearest[i].amount = times(tasks, one.least[i]);
            r->dearest[i].step = step;
        }
    }
    add_time(r, step, tasks, &one);
    reckoned_done(&one);
}

/* ---- The whole ---- */

/* The longest chain; and if more may run at once than the run's concurrency lets, what list
 * scheduling adds at most (Graham 1969): all the work, shared out. */
static int64_t end_of_all(const struct reckoning *r, const int64_t *ends, int64_t work)
{
    const struct compilation *c = r->proving->c;
    int64_t end = 0;
    for (size_t i = 0; i < c->count; i++)
        end = ends[i] > end ? ends[i] : end;
    if (r->sum.width <= c->flow->concurrency)
        return end;
    int64_t shared = plus(end, work / c->flow->concurrency);
    return shared < work ? shared : work;
}

/* Over even if nothing fails: then the budget is a fault, not a fuse. */
static void say_over(const struct reckoning *r, enum worst_key key)
{
    char most[32], words[32];
    struct compilation *c = r->proving->c;
    const struct source *dearest = &c->sources[r->dearest[key].step];
    int64_t least = r->sum.least[key];
    int64_t limit = budget_limit(&c->flow->budget, key);
    int64_t left = c->plan_step && c->options->left ? budget_limit(c->options->left, key) : -1;
    bool around = left >= 0 && (limit < 0 || left < limit);
    AUTO(freep) char *own = pointer_to_member("/budget", worst_key_word(key));
    limit = around ? left : limit;
    if (limit < 0 || least < 0 || least <= limit || key == WORST_TIME)
        return;
    amount_words(key, least, most);
    amount_words(key, limit, words);
    if (c->plan_step && around)
        REFUSE(c, "overdraft", AT_KEY(dearest->pointer), "fewer steps, or loops over less",
               "even if nothing fails the plan needs %s %s, and %s are left of the budget around "
               "it; `%s` needs most",
               most, worst_key_word(key), words, dearest->name);
    else if (c->plan_step)
        REFUSE(c, "overdraft", AT_KEY(dearest->pointer), "fewer steps, or loops over less",
               "even if nothing fails the plan needs %s %s, and its budget is %s; `%s` needs most",
               most, worst_key_word(key), words, dearest->name);
    else
        WARN(c, "budget-over", AT_KEY(own), "raise it, or bound the loops by maxItems",
             "a run in which nothing fails may need %s %s; the budget stops it at %s", most,
             worst_key_word(key), words);
}

/* Of a step whose agent is not there nothing is known, and so nothing of the whole. */
static bool can_reckon(const struct compilation *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct member *member = c->sources[i].member;
        if (!c->flow->steps[i].call.agent || (member && !member->worst.known))
            return false;
    }
    return c->ordered == c->count && c->count > 0;
}

void flow_reckon_worst(struct proving *proving)
{
    struct compilation *c = proving->c;
    struct reckoning r = {.proving = proving,
                          .least_end = xcalloc(c->count, sizeof(int64_t)),
                          .most_end = xcalloc(c->count, sizeof(int64_t))};
    r.sum.known = can_reckon(c);
    for (size_t i = 0; i < c->ordered && r.sum.known; i++)
        add_step(&r, c->flow->order[i]);
    if (r.sum.most[WORST_TIME] >= 0) {
        r.sum.least[WORST_TIME] = end_of_all(&r, r.least_end, r.sum.least_work);
        r.sum.most[WORST_TIME] = end_of_all(&r, r.most_end, r.sum.most_work);
    }
    for (enum worst_key i = 0; i < WORST_KEYS && r.sum.known; i++)
        say_over(&r, i);
    c->worst = r.sum;
    free(r.least_end);
    free(r.most_end);
}
