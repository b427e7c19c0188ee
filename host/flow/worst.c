/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run may come to, per key of its budget: every loop with as many items as its array may
 * have, every step with all its tries and its fallback, every call with what its agent declares.
 * The budget stops a run there in any case; here its author learns before whether it can. People
 * add tries and a service may ask for longer waits: neither is counted, nor what an agent uses and
 * does not declare. Recovery is a budget of its own: undos with their tries, and one question to a
 * reconcile agent for each try that may end in doubt.
 */
#include "flow/prove_internal.h"

#include "base/units.h"

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
    int64_t least[WORST_KEYS], most[WORST_KEYS];
    int64_t *least_end, *most_end; /* of each step, from the start of the run */
    int64_t least_work, most_work; /* ms of all attempts, one after the other */
    int64_t width;                 /* attempts that may be under way at once  */
    uint32_t unbounded;            /* the first step without a bound          */
};

static int64_t tries_of(const struct step *s)
{
    return s->retry.on ? s->retry.max_attempts : 1;
}

/* Tries and declared amounts of one task's calls. */
static void add_calls(struct reckoning *r, const struct step *s, const struct agent *agent,
                      int64_t tasks, bool first)
{
    int64_t tries = times(tasks, tries_of(s));
    const int64_t each[] = {
        [WORST_ATTEMPTS] = 1,
        [WORST_CALLS] = 1,
        [WORST_TOKENS] = agent->tokens,
        [WORST_COST] = agent->cost,
    };
    for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
        r->most[i] = plus(r->most[i], times(tries, each[i]));
        if (first)
            r->least[i] = plus(r->least[i], times(tasks, each[i]));
    }
}

static void add_recovery(struct reckoning *r, const struct step *s, int64_t tasks)
{
    const struct callee *callees[] = {&s->call, &s->fallback, &s->undo};
    int64_t tries = times(tasks, tries_of(s)), sum = 0;
    for (size_t i = 0; i < sizeof(callees) / sizeof(callees[0]); i++)
        if (callees[i]->agent && callees[i]->reconcile)
            sum = plus(sum, tries);
    if (s->undo.agent)
        sum = plus(sum, tries);
    r->most[WORST_RECOVERY] = plus(r->most[WORST_RECOVERY], sum);
}

/* ---- Time ---- */

/* One task, from its first attempt to its end. */
static int64_t task_ms(const struct step *s, bool all)
{
    int64_t one = s->start_to_close_ms < 0 ? PLENTY : s->start_to_close_ms;
    int64_t ms = all ? plus(times(one, tries_of(s)), retry_waits(&s->retry)) : one;
    if (s->schedule_to_close_ms >= 0 && ms > s->schedule_to_close_ms)
        ms = s->schedule_to_close_ms;
    return all && s->fallback.agent ? times(ms, 2) : ms;
}

static int64_t latest(const struct step *s, const int64_t *ends)
{
    int64_t end = 0;
    for (size_t i = 0; i < s->after_count; i++)
        end = ends[s->after[i]] > end ? ends[s->after[i]] : end;
    return end;
}

static void add_time(struct reckoning *r, uint32_t step, int64_t tasks)
{
    const struct flow *flow = r->proving->c->flow;
    const struct step *s = &flow->steps[step];
    int64_t at_once = s->concurrency < flow->concurrency ? s->concurrency : flow->concurrency;
    int64_t rounds = tasks / at_once + (tasks % at_once > 0);
    r->width = plus(r->width, tasks < at_once ? tasks : at_once);
    r->least_work = plus(r->least_work, times(tasks, task_ms(s, false)));
    r->most_work = plus(r->most_work, times(tasks, task_ms(s, true)));
    r->least_end[step] = plus(latest(s, r->least_end), times(rounds, task_ms(s, false)));
    r->most_end[step] = plus(latest(s, r->most_end), times(rounds, task_ms(s, true)));
}

/* The longest chain; and if more may run at once than the run's concurrency lets, what list
 * scheduling adds at most (Graham 1969): all the work, shared out. */
static int64_t end_of_all(const struct reckoning *r, const int64_t *ends, int64_t work)
{
    const struct compilation *c = r->proving->c;
    int64_t end = 0;
    for (size_t i = 0; i < c->count; i++)
        end = ends[i] > end ? ends[i] : end;
    if (r->width <= c->flow->concurrency)
        return end;
    int64_t shared = plus(end, work / c->flow->concurrency);
    return shared < work ? shared : work;
}

/* ---- The whole ---- */

static void add_step(struct reckoning *r, uint32_t step)
{
    const struct step *s = &r->proving->c->flow->steps[step];
    const struct known *known = &r->proving->known[step];
    int64_t tasks = known->most < SIZE_MAX ? (int64_t)known->most : LIMIT_ITEMS;
    if (s->for_each && known->most == SIZE_MAX && r->unbounded == NO_STEP && !known->never)
        r->unbounded = step;
    if (known->never)
        tasks = 0;
    if (s->call.agent)
        add_calls(r, s, s->call.agent, tasks, true);
    if (s->fallback.agent)
        add_calls(r, s, s->fallback.agent, tasks, false);
    add_recovery(r, s, tasks);
    add_time(r, step, tasks);
}

/* True if the step that has no bound adds to this key. */
static bool reaches(const struct reckoning *r, enum worst_key key)
{
    if (r->unbounded == NO_STEP)
        return false;
    const struct step *s = &r->proving->c->flow->steps[r->unbounded];
    switch (key) {
    case WORST_ATTEMPTS:
    case WORST_CALLS:
    case WORST_TIME:
        return true;
    case WORST_TOKENS:
        return r->most[key] > 0;
    case WORST_COST:
        return r->most[key] > 0;
    case WORST_RECOVERY:
        return s->undo.agent || s->call.reconcile || s->fallback.reconcile;
    case WORST_KEYS:
        break;
    }
    return false;
}

static char *why_unbounded(const struct reckoning *r)
{
    const struct source *source = &r->proving->c->sources[r->unbounded];
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

static int64_t limit_of(const struct budget *budget, enum worst_key key)
{
    switch (key) {
    case WORST_ATTEMPTS:
        return budget->attempts;
    case WORST_CALLS:
        return budget->calls;
    case WORST_TOKENS:
        return budget->tokens;
    case WORST_COST:
        return budget->cost;
    case WORST_TIME:
        return budget->time_ms;
    case WORST_RECOVERY:
        return budget->recovery_calls;
    case WORST_KEYS:
        break;
    }
    return -1;
}

static void amount_words(enum worst_key key, int64_t amount, char ret_words[static 32])
{
    if (key == WORST_TIME)
        duration_text(amount, ret_words);
    else if (key == WORST_COST)
        money_text(amount, ret_words);
    else
        snprintf(ret_words, 32, "%lld", (long long)amount);
}

/* Over even if nothing fails: then the budget is a fault, not a fuse. */
static void say_over(struct compilation *c, enum worst_key key, const struct worst *worst)
{
    char most[32], limit[32];
    AUTO(freep) char *own = pointer_to_member("/budget", worst_key_word(key));
    if (worst->limit < 0 || worst->least < 0 || worst->least <= worst->limit || key == WORST_TIME)
        return;
    amount_words(key, worst->least, most);
    amount_words(key, worst->limit, limit);
    WARN(c, "budget-over", AT_KEY(own), "raise it, or bound the loops by maxItems",
         "a run in which nothing fails may need %s %s; the budget stops it at %s", most,
         worst_key_word(key), limit);
}

static void put_worst(struct reckoning *r, enum worst_key key)
{
    struct compilation *c = r->proving->c;
    struct worst *worst = &c->findings->worst[key];
    bool unbounded = reaches(r, key);
    *worst = (struct worst){.least = unbounded ? -1 : r->least[key],
                            .most = unbounded ? -1 : r->most[key],
                            .limit = limit_of(&c->flow->budget, key),
                            .why = unbounded ? why_unbounded(r) : NULL};
    say_over(c, key, worst);
}

/* Of a step whose agent is not there nothing is known, and so nothing of the whole. */
static bool can_reckon(const struct compilation *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (!c->flow->steps[i].call.agent)
            return false;
    return c->ordered == c->count && c->count > 0;
}

void flow_reckon_worst(struct proving *proving)
{
    struct compilation *c = proving->c;
    struct reckoning r = {.proving = proving,
                          .least_end = xcalloc(c->count, sizeof(int64_t)),
                          .most_end = xcalloc(c->count, sizeof(int64_t)),
                          .unbounded = NO_STEP};
    for (size_t i = 0; i < c->ordered; i++)
        add_step(&r, c->flow->order[i]);
    r.least[WORST_TIME] = end_of_all(&r, r.least_end, r.least_work);
    r.most[WORST_TIME] = end_of_all(&r, r.most_end, r.most_work);
    c->findings->has_worst = can_reckon(c);
    for (enum worst_key i = 0; i < WORST_KEYS && c->findings->has_worst; i++)
        put_worst(&r, i);
    free(r.least_end);
    free(r.most_end);
}
