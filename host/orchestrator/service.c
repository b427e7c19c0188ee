/* SPDX-License-Identifier: Apache-2.0
 *
 * What an agent asks of the host in the middle of a call and only the run's state can answer: may
 * this effect begin, and is there budget for that. The same key is the same effect for ever: done
 * gives its stored result, in doubt says so, another request under it is a conflict.
 */
#include "orchestrator/state_internal.h"

#include <string.h>

static const char *begin_rule(enum begin begin, bool again, bool done)
{
    switch (begin) {
    case BEGIN_FRESH:
        return done ? "effect-uncommitted" : again ? "effect-same-key" : "effect-fresh";
    case BEGIN_DONE:
        return "effect-replayed";
    case BEGIN_UNKNOWN:
        return "effect-in-doubt";
    case BEGIN_CONFLICT:
        return "effect-conflict";
    case BEGIN_REFUSED:
        break;
    }
    return "effect-refused";
}

static bool same_request(const struct effect *effect, const struct event *event)
{
    return strcmp(effect->digest ? effect->digest : "", event->digest ? event->digest : "") == 0;
}

static enum begin begin_answer(const struct run *run, const struct task *task,
                               const struct effect *effect, const struct event *event)
{
    const struct agent *agent = task_callee(run, task)->agent;
    enum effect_class class = agent->effect;
    bool over = !task->in_flight || task->serial != event->attempt || task->reconciling;
    bool ending = task_is_ending(run, task);
    if (over || class == CLASS_PURE || class == CLASS_READ ||
        (!effect && task->effect_count >= LIMIT_EFFECTS))
        return BEGIN_REFUSED;
    if (!effect)
        return ending ? BEGIN_REFUSED : BEGIN_FRESH;
    if (effect->implicit || !same_request(effect, event))
        return BEGIN_CONFLICT;
    switch (effect->outcome) {
    case OUTCOME_DONE:
        /* what the host saw but the agent never committed is given by the send itself */
        return effect->result || effect->automatic || !effect->response ? BEGIN_DONE : BEGIN_FRESH;
    case OUTCOME_NONE:
        return ending ? BEGIN_REFUSED : BEGIN_FRESH;
    case OUTCOME_OPEN:
    case OUTCOME_UNKNOWN:
        break;
    }
    bool honoured = class == CLASS_WRITE_IDEMPOTENT && effect_key_live(effect, agent, run->now_ms);
    return honoured ? BEGIN_FRESH : BEGIN_UNKNOWN;
}

static void decide_effect(const struct run *run, const struct event *event, struct decision *ret)
{
    const struct task *task = task_at(run, event->task);
    const struct effect *effect = task_effect(task, event->effect);
    enum begin begin = begin_answer(run, task, effect, event);
    bool again = effect && effect->outcome == OUTCOME_UNKNOWN;
    *ret = (struct decision){
        .kind = DECISION_EFFECT,
        .rule = begin_rule(begin, again, effect && effect->outcome == OUTCOME_DONE),
        .task = event->task,
        .effect = event->effect,
        .begin = begin};
    if (effect && effect->outcome == OUTCOME_DONE) {
        ret->result = json_incref(effect->result);
        ret->response = json_incref(effect->response);
    }
}

static bool within_limit(int64_t reserved, int64_t more)
{
    return more >= 0 && reserved <= LIMIT_SPENT && more <= LIMIT_SPENT - reserved;
}

static void decide_reserve(const struct run *run, const struct event *event, struct decision *ret)
{
    const struct task *task = task_at(run, event->task);
    bool live = task->in_flight && task->serial == event->attempt;
    bool granted = live && within_limit(task->reserved_tokens, event->tokens) &&
                   within_limit(task->reserved_cost, event->cost) &&
                   budget_grants(run, task->account, event->tokens, event->cost);
    *ret = (struct decision){.kind = DECISION_RESERVE,
                             .rule = granted ? "reserve-granted" : "reserve-denied",
                             .task = event->task,
                             .granted = granted,
                             .tokens = event->tokens,
                             .cost = event->cost};
}

void decide_service(const struct run *run, const struct event *event, struct decision *ret)
{
    if (event->kind == EVENT_EFFECT_ASKED)
        decide_effect(run, event, ret);
    else
        decide_reserve(run, event, ret);
}
