/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a task whose attempt has ended, or whose effect was in doubt: its verdict and the
 * facts go through the rule table, and the row's act becomes a decision. What the reconcile agent
 * said is weighed here too: `not_seen` counts only once `settle` has passed since the request was
 * closed.
 */
#include "orchestrator/state_internal.h"

#include <string.h>

/* ---- facts ---- */

/* Its output holds a plan for another step, which only the end of a call has compiled. */
static bool writes_plan(const struct run *run, const struct task *task)
{
    const struct flow *flow = frame_of(run, task)->flow;
    uint32_t by = step_of(run, task)->planned_by;
    return task->role != ROLE_CALL && by < flow->step_count && flow->steps[by].plan;
}

/* An effect that the agent begins by a name of its own may be the first of several: what came of it
 * is all that the agent does only if its card says what one result names (`ref`). Else the agent is
 * called again where that can help, and goes on from the stored result. */
static bool may_go_on(const struct run *run, const struct task *task)
{
    const struct effect *effect = &task->effects[0];
    return !effect->implicit && !effect->automatic && !task_callee(run, task)->agent->ref &&
           verdict_happened(&task->verdict) == HAPPENED_TRANSIENT && !task_is_ending(run, task);
}

static bool result_fits(const struct run *run, const struct task *task)
{
    if (task->effect_count != 1 || task->effects[0].outcome != OUTCOME_DONE ||
        !task->effects[0].result || json_is_null(task->effects[0].result) ||
        task->child_count > 0 || writes_plan(run, task) || may_go_on(run, task))
        return false;
    struct verdict verdict;
    judge_output(run, task, task->effects[0].result, &verdict);
    bool fits = verdict.accepted;
    verdict_done(&verdict);
    return fits;
}

/* A DONE effect that no begin would replay: calling the agent again does it again, unless the world
 * honours its key. */
static bool any_bare(const struct run *run, const struct task *task, const struct agent *agent)
{
    for (uint32_t i = 0; i < task->effect_count; i++)
        if (task->effects[i].implicit && task->effects[i].outcome == OUTCOME_DONE)
            return agent->effect == CLASS_WRITE || !task_keys_live(task, agent, run->now_ms);
    return false;
}

bool calling_again_is_safe(const struct run *run, const struct task *task)
{
    const struct agent *agent = task_callee(run, task)->agent;
    return !any_bare(run, task, agent) &&
           (!task_doubt(task) || task_keys_live(task, agent, run->now_ms));
}

static unsigned bit(bool set, unsigned fact)
{
    return set ? fact : 0;
}

enum happened task_happened(const struct task *task)
{
    return task->conflict ? HAPPENED_CONFLICT : verdict_happened(&task->verdict);
}

/* May the next try begin before every deadline? */
static bool in_time(const struct run *run, const struct task *task, int64_t again_ms)
{
    int64_t left = budget_time_left(run, task->account);
    int64_t closes_ms = task_closes_ms(run, task);
    bool own = closes_ms < 0 || again_ms < closes_ms;
    return (own && (left < 0 || again_ms < run->now_ms + left)) ||
           start_uses_recovery(run, task, false);
}

/* Told to come back later, or not even started for what passes with time: the breaker of its agent.
 * The try is not to blame, and is not counted; up to a limit. */
static bool is_deferred(const struct task *task)
{
    const struct verdict *verdict = &task->verdict;
    return verdict->retry_after_ms > 0 && task->deferrals < LIMIT_DEFERRALS &&
           verdict->retry_after_ms <= LIMIT_DEFERRAL_MS &&
           (verdict->cause == CAUSE_RATE_LIMITED ||
            (verdict->deferred && verdict->cause == CAUSE_UNAVAILABLE));
}

/* The try is not to blame, and is not counted; up to a limit, for it may never ask the same. */
static bool gave_way(const struct task *task)
{
    return task->verdict.gave_way && task->deferrals < LIMIT_DEFERRALS;
}

static bool any_child_spent(const struct run *run, const struct task *task)
{
    for (uint32_t i = 0; i < task->child_count; i++) {
        const struct task *child = run->tasks[task->children[i]];
        if (child->state == TASK_FAILED && child->nested->last_call == task->tries)
            return true;
    }
    return false;
}

static unsigned policy_facts(const struct run *run, const struct task *task)
{
    const struct step *step = step_of(run, task);
    const struct retry *retry = task_retry(run, task);
    const struct verdict *verdict = &task->verdict;
    bool below = !verdict->accepted && verdict->cause == CAUSE_CONFIDENCE;
    bool retried = verdict->cause < CAUSE_COUNT && (retry->on & (1u << verdict->cause));
    bool frame = task->inside > 0;
    if (below && step->below == BELOW_RETRY)
        retried = true;
    return bit(task->tries < (uint32_t)retry->max_attempts + task->extra && !frame, FACT_TRY_LEFT) |
           bit(retried, FACT_RETRY_ON) | bit(below, FACT_BELOW) |
           bit(step->below == BELOW_ESCALATE, FACT_BELOW_ESCALATE) |
           bit(step->below == BELOW_FAIL, FACT_BELOW_FAIL) | bit(frame, FACT_FRAME) |
           bit(is_deferred(task), FACT_DEFERRED) | bit(gave_way(task), FACT_GAVE_WAY) |
           bit(!verdict->accepted && verdict->cause == CAUSE_QUARANTINED, FACT_QUARANTINED);
}

unsigned gather_facts(const struct run *run, const struct task *task)
{
    const struct callee *callee = task_callee(run, task);
    int64_t again_ms = run->now_ms + retry_delay(run, task, false);
    bool recovery = start_uses_recovery(run, task, false);
    return policy_facts(run, task) | bit(task_doubt(task), FACT_UNKNOWN) |
           bit(task_any_done(run, task), FACT_DONE) |
           bit(task_left_behind(run, task), FACT_LEFT_BEHIND) |
           bit(any_bare(run, task, callee->agent), FACT_BARE) |
           bit(budget_allows(run, task, recovery), FACT_BUDGET_LEFT) |
           bit(in_time(run, task, again_ms), FACT_TIME_LEFT) |
           bit(task_is_ending(run, task), FACT_ENDING) | bit(callee->reconcile, FACT_RECONCILE) |
           bit(budget_allows(run, task, true), FACT_RECOVERY_LEFT) |
           bit(task_keys_live(task, callee->agent, again_ms), FACT_KEY_LIVE) |
           bit(task->resumed, FACT_RESUMED) | bit(task_is_orphan(run, task), FACT_ORPHAN) |
           bit(any_child_spent(run, task), FACT_CHILD_SPENT) |
           bit(task->resumed && !task_doubt(task) && result_fits(run, task), FACT_RESULT_FITS);
}

/* ---- what the journal keeps of them ---- */

static const char *happened_word(enum happened happened)
{
    static const char *const words[] = {"accepted",  "refused",        "transient", "permanent",
                                        "cancelled", "input-required", "conflict",  "no-budget"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if ((unsigned)happened == 1u << i)
            return words[i];
    return "?";
}

static const char *outcome_word(const struct run *run, const struct task *task)
{
    return task_doubt(task) ? "unknown" : task_any_done(run, task) ? "done" : "none";
}

static json_t *explain_facts(const struct run *run, const struct task *task, enum happened happened,
                             unsigned facts)
{
    const struct agent *agent = task_callee(run, task)->agent;
    json_t *why = json_pack("{s:s, s:s, s:s, s:i, s:i, s:o}", "happened", happened_word(happened),
                            "class", effect_class_word(agent->effect), "outcome",
                            outcome_word(run, task), "tries", (int)task->tries, "max_attempts",
                            task_retry(run, task)->max_attempts + (int)task->extra, "budget_left",
                            budget_left(run, task->account));
    if (!task->verdict.accepted && task->verdict.cause < CAUSE_COUNT)
        json_object_set_new(why, "cause", json_string(cause_word(task->verdict.cause)));
    if (task->verdict.error)
        json_object_set(why, "error", task->verdict.error);
    if (facts & FACT_ENDING)
        json_object_set_new(why, "ending", json_true());
    if (facts & FACT_ORPHAN)
        json_object_set_new(why, "caller", json_string("over"));
    if (facts & FACT_CHILD_SPENT)
        json_object_set_new(why, "call_failed", json_true());
    if (task->deferrals)
        json_object_set_new(why, "deferrals", json_integer(task->deferrals));
    if ((facts & FACT_UNKNOWN) && !(facts & FACT_RECONCILE))
        json_object_set_new(why, "reconcile", json_false());
    return why;
}

/* ---- acts ---- */

void decide_accept(const struct run *run, uint32_t index, json_t *output, const char *rule,
                   struct decision *ret)
{
    const struct task *task = task_at(run, index);
    const struct step *step = step_of(run, task);
    *ret = (struct decision){.kind = DECISION_ACCEPT, .rule = rule, .task = index};
    if (output != task->verdict.output)
        ret->output = json_incref(output);
    if (!step->undo.agent || task->role == ROLE_UNDO || task->role == ROLE_CALL)
        return;
    struct scope_view view;
    struct scope scope;
    struct error err;
    task_scope(run, task, output, NULL, &view, &scope);
    if (!step->undo.input)
        ret->undo_input = json_object();
    else if (mapping_evaluate(step->undo.input, &scope, &ret->undo_input, &err) != ERR_OK)
        ret->error = error_json("expression", err.text, task->path);
}

static void decide_retry(const struct run *run, uint32_t index, const struct row *row,
                         struct decision *ret)
{
    const struct task *task = task_at(run, index);
    bool at_once = row->act == ACT_REPLAY || task->verdict.gave_way;
    *ret = (struct decision){
        .kind = DECISION_RETRY,
        .rule = row->name,
        .task = index,
        .due_ms = run->now_ms + (at_once ? 0 : retry_delay(run, task, false)),
        .granted = row->act == ACT_REPLAY,
        .deferred = row->act == ACT_DEFER,
    };
    if (row->act == ACT_RETRY_FEEDBACK)
        ret->feedback = json_incref(task->verdict.feedback);
}

enum on_failure task_on_failure(const struct run *run, const struct task *task)
{
    return task->role == ROLE_MAIN   ? step_of(run, task)->on_failure
           : task->role == ROLE_UNDO ? ON_FAILURE_ESCALATE
                                     : ON_FAILURE_FAIL;
}

static void decide_failure(const struct run *run, uint32_t index, const char *rule,
                           struct decision *ret)
{
    const struct task *task = task_at(run, index);
    const struct step *step = step_of(run, task);
    enum on_failure policy = task_on_failure(run, task);
    switch (policy) {
    case ON_FAILURE_ESCALATE:
        decide_ask(run, index, QUESTION_FAILURE, task->role == ROLE_UNDO ? "undo-failed" : rule,
                   ret);
        return;
    case ON_FAILURE_FALLBACK:
        *ret = (struct decision){.kind = DECISION_FALL_BACK, .rule = rule, .task = index};
        ret->error = json_copy(task->verdict.error);
        /* the table lets nothing else come here */
        json_object_set_new(ret->error, "outcome", json_string("none"));
        return;
    case ON_FAILURE_SKIP:
    case ON_FAILURE_FAIL:
        *ret = (struct decision){.kind = DECISION_FAIL, .rule = rule, .task = index};
        ret->skipped = policy == ON_FAILURE_SKIP;
        bool alone = task->item < 0 || step->on_item == ON_ITEM_STOP;
        bool nested = task->role == ROLE_CALL;
        ret->status = alone && !ret->skipped && !nested ? RUN_FAILED : RUN_RUNNING;
        break;
    }
    ret->error = json_incref(task->verdict.error);
}

static void decide_reconcile(const struct run *run, uint32_t index, const char *rule,
                             struct decision *ret)
{
    *ret = (struct decision){.kind = DECISION_RECONCILE,
                             .rule = rule,
                             .task = index,
                             .effect = task_doubt(task_at(run, index))->name,
                             .due_ms = run->now_ms};
}

void decide_by_rule(const struct run *run, uint32_t index, struct decision *ret)
{
    const struct task *task = task_at(run, index);
    enum happened happened = task_happened(task);
    unsigned facts = gather_facts(run, task);
    const struct row *row = rules_match(happened, task_callee(run, task)->agent->effect, facts);
    switch (row->act) {
    case ACT_ACCEPT:
        decide_accept(run, index, task->verdict.output, row->name, ret);
        return;
    case ACT_USE_RESULT:
        decide_accept(run, index, task->effects[0].result, row->name, ret);
        break;
    case ACT_RETRY:
    case ACT_RETRY_FEEDBACK:
    case ACT_DEFER:
    case ACT_REPLAY:
        decide_retry(run, index, row, ret);
        break;
    case ACT_RECONCILE:
        decide_reconcile(run, index, row->name, ret);
        break;
    case ACT_ASK_DOUBT:
        decide_ask(run, index, QUESTION_DOUBT, row->name, ret);
        break;
    case ACT_ASK_OUTPUT:
        decide_ask(run, index, QUESTION_OUTPUT, row->name, ret);
        break;
    case ACT_ASK_INPUT:
        decide_ask(run, index, QUESTION_INPUT, row->name, ret);
        break;
    case ACT_ON_FAILURE:
        decide_failure(run, index, row->name, ret);
        break;
    case ACT_ABANDON:
        *ret = (struct decision){.kind = DECISION_ABANDON, .rule = row->name, .task = index};
        break;
    }
    json_t *why = explain_facts(run, task, happened, facts);
    if (ret->why)
        json_object_update(why, ret->why);
    json_decref(ret->why);
    ret->why = why;
}

/* ---- the doubt ---- */

/* An effect that is found to have happened has a result, even if it is null. */
void decide_resolve(uint32_t index, const struct effect *effect, enum outcome outcome,
                    json_t *result, const char *rule, struct decision *ret)
{
    *ret = (struct decision){.kind = DECISION_RESOLVE,
                             .rule = rule,
                             .task = index,
                             .effect = effect->name,
                             .outcome = outcome,
                             .result = json_incref(result)};
    if (outcome == OUTCOME_DONE && !result && !effect->result && !effect->response)
        ret->result = json_null();
}

static void decide_wait(uint32_t index, const struct effect *effect, int64_t due_ms,
                        const char *rule, struct decision *ret)
{
    *ret = (struct decision){.kind = DECISION_RECONCILE,
                             .rule = rule,
                             .task = index,
                             .effect = effect->name,
                             .due_ms = due_ms};
}

/* When "not seen" will count as "never": settle after the request was closed; -1 = not yet known.
 */
static int64_t settled_at(const struct effect *effect, const struct agent *agent)
{
    return effect->closed_ms < 0 ? -1 : effect->closed_ms + agent->settle_ms;
}

static void decide_not_seen(const struct run *run, uint32_t index, const struct effect *effect,
                            struct decision *ret)
{
    const struct task *task = task_at(run, index);
    const struct agent *agent = task_callee(run, task)->agent;
    if (agent->settle_ms < 0) {
        decide_ask(run, index, QUESTION_DOUBT, "reconcile-unknown", ret);
        return;
    }
    int64_t settled = settled_at(effect, agent);
    /* the question must have been asked after the time had passed, not only answered */
    if (settled >= 0 && task->asked_ms >= settled)
        decide_resolve(index, effect, OUTCOME_NONE, NULL, "not-seen-settled", ret);
    else
        decide_wait(index, effect, settled, "not-seen-wait", ret);
}

static void decide_reconcile_failed(const struct run *run, const struct event *event,
                                    uint32_t index, const struct effect *effect,
                                    struct decision *ret)
{
    const struct task *task = task_at(run, index);
    int64_t delay = retry_delay(run, task, true);
    if (event->retry_after_ms > delay && event->retry_after_ms <= LIMIT_DEFERRAL_MS)
        delay = event->retry_after_ms;
    if (!budget_allows(run, task, true))
        decide_ask(run, index, QUESTION_DOUBT, "recovery-spent", ret);
    else
        decide_wait(index, effect, run->now_ms + delay, "reconcile-again", ret);
}

/* What the reconcile agent's answer means. */
static void decide_reconciled(const struct run *run, const struct event *event, uint32_t index,
                              const struct effect *effect, struct decision *ret)
{
    if (event->kind != EVENT_ENDED || event->end != END_OK) {
        bool transient =
            event->kind == EVENT_TAKEN_OVER ||
            verdict_happened(&(struct verdict){.cause = event->cause}) == HAPPENED_TRANSIENT;
        if (transient && event->end != END_INPUT_REQUIRED)
            decide_reconcile_failed(run, event, index, effect, ret);
        else if (event->kind == EVENT_ENDED && event->cause == CAUSE_QUARANTINED)
            decide_ask(run, index, QUESTION_DOUBT, "reconcile-quarantined", ret);
        else
            decide_ask(run, index, QUESTION_DOUBT, "reconcile-unknown", ret);
        return;
    }
    const char *said = json_string_value(json_object_get(event->body, "outcome"));
    if (said && strcmp(said, "happened") == 0 && event->claimed)
        decide_ask(run, index, QUESTION_DOUBT, "reference-claimed", ret);
    else if (said && strcmp(said, "happened") == 0)
        decide_resolve(index, effect, OUTCOME_DONE, json_object_get(event->body, "result"),
                       "reconcile-happened", ret);
    else if (said && strcmp(said, "never") == 0)
        decide_resolve(index, effect, OUTCOME_NONE, NULL, "reconcile-never", ret);
    else if (said && strcmp(said, "not_seen") == 0)
        decide_not_seen(run, index, effect, ret);
    else
        decide_ask(run, index, QUESTION_DOUBT, "reconcile-unknown", ret);
}

void decide_doubt(const struct run *run, const struct event *event, uint32_t index,
                  struct decision *ret)
{
    const struct task *task = task_at(run, index);
    const struct effect *effect = &task->effects[task->about];
    int64_t settled = settled_at(effect, task_callee(run, task)->agent);
    if (effect->outcome == OUTCOME_DONE || effect->outcome == OUTCOME_NONE) {
        decide_resolve(index, effect, effect->outcome, NULL, "evidence", ret);
    } else if (task->state == TASK_RECONCILING) {
        decide_reconciled(run, event, index, effect, ret);
    } else if (effect->said_never && (task->due || (settled >= 0 && run->now_ms >= settled))) {
        /* said too early to know: a late commit may have come since */
        decide_ask(run, index, QUESTION_DOUBT, "person-looks-again", ret);
    } else if (task->due) {
        decide_wait(index, effect, run->now_ms, "next-attempt", ret);
    } else if (task->state == TASK_SETTLING) {
        decide_wait(index, effect, settled,
                    effect->said_never ? "person-never-settles" : "not-seen-wait", ret);
    } else {
        decide_ask(run, index, QUESTION_DOUBT, "in-doubt-person", ret);
    }
}

/* What an attempt came to, of which only the next decision makes something. */
static void decide_judge(const struct run *run, const struct event *event, uint32_t index,
                         struct decision *ret)
{
    const struct task *task = task_at(run, index);
    struct verdict verdict;
    struct event lost = *event;
    if (event->kind == EVENT_TAKEN_OVER) {
        lost.end = END_FAILED;
        lost.cause = CAUSE_CRASH;
        lost.message = "the host died while it ran";
    }
    judge(run, task, &lost, &verdict);
    decide_verdict(index, &verdict, task->inside ? "flow-ended" : "attempt-ended", ret);
    if (event->kind == EVENT_ENDED && ret->output == event->body && !task->inside) {
        json_decref(ret->output);
        ret->output = NULL;
    }
}

/* A call whose caller's attempt is over before it has ended. */
static void decide_orphan(const struct run *run, uint32_t index, struct decision *ret)
{
    if (task_at(run, index)->state == TASK_RUNNING)
        *ret = (struct decision){.kind = DECISION_STOP, .rule = "caller-ended", .task = index};
    else
        decide_by_rule(run, index, ret);
}

void decide_task(const struct run *run, const struct event *event, uint32_t index,
                 struct decision *ret)
{
    const struct task *task = task_at(run, index);
    bool waits = task->state == TASK_READY || task->state == TASK_PAUSED;
    if (task->parent != NO_TASK && (waits || task->state == TASK_RUNNING))
        decide_orphan(run, index, ret);
    else if (task->state == TASK_ASKING && task->question != QUESTION_DOUBT)
        decide_by_rule(run, index, ret);
    else if (task->state != TASK_JUDGED)
        decide_doubt(run, event, index, ret);
    else if (!task->judged)
        decide_judge(run, event, index, ret);
    else if (task->children_open > 0)
        *ret = (struct decision){.kind = DECISION_HOLD, .rule = "calls-open", .task = index};
    else
        decide_by_rule(run, index, ret);
}
