/* SPDX-License-Identifier: Apache-2.0
 *
 * The terms a run has: its budget, under the operator's ceiling, its concurrency, and whom it asks.
 * A run without any limit is refused: models and retries multiply, and somebody pays. A flow
 * that runs within another may have limits of its own, within those.
 */
#include "flow/flow_internal.h"

#include "base/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONCURRENCY = 16, RECOVERY_CALLS = 10 };

/* ---- Budget ---- */

/* The limits of a budget by name; offset is where they stand in both structs. */
static const struct limit {
    const char *key;
    size_t offset;
} limits[] = {
    {"attempts", offsetof(struct budget, attempts)}, {"calls", offsetof(struct budget, calls)},
    {"tokens", offsetof(struct budget, tokens)},     {"cost", offsetof(struct budget, cost)},
    {"time", offsetof(struct budget, time_ms)},
};
enum { LIMITS = sizeof(limits) / sizeof(limits[0]) };

static int64_t *limit_of(struct budget *budget, size_t i)
{
    return (int64_t *)(void *)((char *)budget + limits[i].offset);
}

const struct budget budget_none = {-1, -1, -1, -1, -1, -1};

static int64_t tighter(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

struct budget budget_within(const struct budget *a, const struct budget *b)
{
    return (struct budget){
        .attempts = tighter(a->attempts, b->attempts),
        .calls = tighter(a->calls, b->calls),
        .tokens = tighter(a->tokens, b->tokens),
        .cost = tighter(a->cost, b->cost),
        .time_ms = tighter(a->time_ms, b->time_ms),
        .recovery_calls = tighter(a->recovery_calls, b->recovery_calls),
    };
}

int64_t budget_limit(const struct budget *budget, enum worst_key key)
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

static int64_t ceiling_of(const struct compilation *c, size_t i)
{
    struct budget ceiling;
    if (!c->options->ceiling)
        return -1;
    ceiling = *c->options->ceiling;
    return *limit_of(&ceiling, i);
}

static void read_money(struct compilation *c, const json_t *value, const char *pointer,
                       int64_t *ret_millionths)
{
    char digits[64];
    struct slice text = {json_string_value(value), json_string_length(value)};
    if (json_is_number(value)) {
        int length = snprintf(digits, sizeof(digits), "%.6f", json_number_value(value));
        bool exact = length < (int)sizeof(digits) &&
                     fabs(strtod(digits, NULL) - json_number_value(value)) < 1e-9;
        text = (struct slice){digits, exact ? (size_t)length : 0};
    } else if (!json_is_string(value)) {
        return;
    }
    if (money_parse(text, ret_millionths))
        return;
    AUTO(freep) char *found = value_words(value);
    REFUSE(c, "bad-money", AT(pointer), "write it as 0.50",
           "expected an amount with at most six places, found %s", found);
}

static int64_t read_limit(struct compilation *c, const json_t *budget, const char *pointer,
                          size_t i)
{
    const json_t *value = json_object_get(budget, limits[i].key);
    AUTO(freep) char *at = pointer_to_member(pointer, limits[i].key);
    int64_t limit = -1;
    if (limits[i].offset == offsetof(struct budget, time_ms))
        flow_read_duration(c, value, AT(at), &limit);
    else if (limits[i].offset == offsetof(struct budget, cost))
        read_money(c, value, at, &limit);
    else if (!integer_from(value, &limit) || limit < 0)
        limit = -1;
    return limit;
}

void flow_read_limits(struct compilation *c, const json_t *budget, const char *pointer,
                      struct budget *ret_budget)
{
    const json_t *recovery = json_object_get(budget, "recovery");
    int64_t *calls = &ret_budget->recovery_calls;
    *ret_budget = budget_none;
    for (size_t i = 0; i < LIMITS; i++)
        *limit_of(ret_budget, i) = read_limit(c, budget, pointer, i);
    if (!integer_from(json_object_get(recovery, "calls"), calls) || *calls < 0)
        *calls = -1;
}

/* The operator's ceiling is that of the whole run, not of each flow in it. */
static void lower_to_ceiling(struct compilation *c, size_t i)
{
    int64_t *limit = limit_of(&c->flow->budget, i), ceiling = ceiling_of(c, i);
    AUTO(freep) char *pointer = pointer_to_member("/budget", limits[i].key);
    if (ceiling >= 0 && *limit > ceiling)
        WARN(c, "budget-over-ceiling", AT(pointer),
             "raise limits.budget in the manifest, or ask less",
             "the manifest allows less %s than this, and its limit holds", limits[i].key);
    if (ceiling >= 0 && (*limit < 0 || *limit > ceiling))
        *limit = ceiling;
}

/* Tokens and cost need a limit only where an agent says that it uses them. */
static bool is_used(const struct compilation *c, size_t i)
{
    bool tokens = limits[i].offset == offsetof(struct budget, tokens);
    bool cost = limits[i].offset == offsetof(struct budget, cost);
    if (!tokens && !cost)
        return true;
    for (size_t k = 0; k < c->count; k++) {
        const struct agent *agent = c->flow->steps[k].call.agent;
        if (agent && (tokens ? agent->tokens : agent->cost) > 0)
            return true;
    }
    return false;
}

static void read_budget(struct compilation *c)
{
    struct budget *budget = &c->flow->budget;
    if (c->plan_step) {
        *budget = c->plan_step->budget;
        return;
    }
    flow_read_limits(c, json_object_get(c->root, "budget"), "/budget", budget);
    if (c->outer)
        return;
    for (size_t i = 0; i < LIMITS; i++)
        lower_to_ceiling(c, i);
    if (budget->recovery_calls < 0)
        budget->recovery_calls = RECOVERY_CALLS;
}

/* After the steps were read, for it depends on whom they call. A flow within another has the
 * other's budget in any case. */
void flow_check_budget(struct compilation *c)
{
    AUTO(text_done) struct text missing;
    text_init(&missing, 200);
    bool any = false;
    const json_t *budget = json_object_get(c->root, "budget");
    struct spot spot = AT_KEY(budget ? "/budget" : "");
    if (c->outer || c->plan_step)
        return;
    for (size_t i = 0; i < LIMITS; i++) {
        bool has = *limit_of(&c->flow->budget, i) >= 0 || json_object_get(budget, limits[i].key);
        any = any || has;
        if (!has && is_used(c, i))
            text_addf(&missing, "%s%s", missing.len ? ", " : "", limits[i].key);
    }
    if (!any)
        REFUSE(c, "budget-absent", spot, "add budget: {attempts: 20, calls: 60, time: 10m}",
               "the flow has no budget, and the manifest no ceiling for it");
    else if (missing.len)
        WARN(c, "budget-absent", spot, NULL, "the budget has no limit for %s", text_str(&missing));
}

/* ---- Escalation, concurrency, name ---- */

/* Who names nobody asks whom the run asks. */
static void inherit_escalation(struct compilation *c)
{
    const struct escalation *of = c->family->escalation;
    if (!of)
        return;
    c->flow->has_escalation = true;
    c->flow->escalation = *of;
    c->flow->escalation.to = of->to ? xstrdup(of->to) : NULL;
}

static void read_escalation(struct compilation *c)
{
    const json_t *escalation = json_object_get(c->root, "escalation");
    const json_t *to = json_object_get(escalation, "to");
    const char *silence = json_string_value(json_object_get(escalation, "on_timeout"));
    const struct flow_options *o = c->options;
    c->flow->escalation.deadline_ms = -1;
    c->flow->has_escalation = json_is_object(escalation);
    if (!c->flow->has_escalation) {
        inherit_escalation(c);
        return;
    }
    if (!c->outer)
        c->family->escalation = &c->flow->escalation;
    flow_read_duration(c, json_object_get(escalation, "deadline"), AT("/escalation/deadline"),
                       &c->flow->escalation.deadline_ms);
    c->flow->escalation.approve_on_timeout = silence && slice_is(slice_of(silence), "approve");
    if (silence && c->flow->escalation.deadline_ms < 0)
        WARN(c, "deadline-absent", AT_KEY("/escalation/on_timeout"), "add deadline: 4h",
             "on_timeout means nothing without a deadline");
    if (!json_is_string(to))
        return;
    c->flow->escalation.to = xstrdup(json_string_value(to));
    for (size_t i = 0; i < o->escalation_count; i++)
        if (slice_is(slice_of(o->escalations[i]), json_string_value(to)))
            return;
    AUTO(freep)
    char *hint =
        suggestion_text(slice_of(json_string_value(to)), o->escalations, o->escalation_count);
    if (o->escalations)
        REFUSE(c, "unknown-escalation", AT("/escalation/to"), hint,
               "the manifest's `escalation` has no \"%.80s\"", json_string_value(to));
}

static void read_concurrency(struct compilation *c)
{
    int64_t asked = CONCURRENCY;
    int most = c->options->concurrency;
    integer_from(json_object_get(c->root, "concurrency"), &asked);
    if (c->around)
        asked = c->around->concurrency;
    if (most > 0 && asked > most)
        asked = most;
    c->flow->concurrency = asked < 1 ? 1 : asked > 1000000 ? 1000000 : (int)asked;
}

void flow_read_terms(struct compilation *c)
{
    const json_t *name = json_object_get(c->root, "flow");
    const json_t *version = json_object_get(c->root, "version");
    struct slice text = {json_string_value(name), json_string_length(name)};
    if (json_is_string(name) && !flow_name_valid(text))
        REFUSE(
            c, "bad-name", AT("/flow"), NULL,
            "\"%.80s\" is no name for a flow: letters, digits, _ and -, at most %u, and a letter "
            "or _ first",
            text.ptr, LIMIT_NAME);
    const char *own = c->plan_step ? c->plan_step->name : json_string_value(name);
    c->flow->name = xstrdup(own ? own : "");
    c->flow->version = xstrdup(json_is_string(version) ? json_string_value(version) : "");
    read_budget(c);
    read_escalation(c);
    read_concurrency(c);
}
