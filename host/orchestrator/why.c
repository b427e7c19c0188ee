/* SPDX-License-Identifier: Apache-2.0
 *
 * What a decision stood on, in words, beside the rule that made it and the facts that were
 * recorded: whose deadline an attempt has, what the table was asked with, what was left of the
 * budget then; and what would have changed it. It looks at the state in which the decision was
 * made, so it can say what was never recorded; and it says only what it sees there.
 */
#include "orchestrator/why_internal.h"

#include <stdlib.h>
#include <string.h>

void because_text(json_t *list, char *sentence_taken)
{
    json_array_append_new(list, json_string(sentence_taken));
    free(sentence_taken);
}

/* The task that it is about: of ENTER the one whose work begins, of LEAVE the one whose work ends;
 * NULL = it is about a step or the run. */
static const struct task *task_of(const struct run *run, const struct decision *decision)
{
    if (decision_has_task(decision->kind))
        return decision->task < run->task_count ? run->tasks[decision->task] : NULL;
    uint32_t parent = run->frames[decision->frame]->parent;
    return decision->kind == DECISION_LEAVE && parent != NO_TASK ? run->tasks[parent] : NULL;
}

/* ---- starts ---- */

static void say_deadline(const struct run *run, const struct task *task,
                         const struct decision *decision, json_t *list)
{
    const struct step *step = step_of(run, task);
    const struct agent *agent =
        decision->reconciling ? task_callee(run, task)->reconcile : task_callee(run, task)->agent;
    char time[32];
    const char *whose =
        decision->timeout_ms == step->start_to_close_ms ? "the step's `timeout.start_to_close`"
        : decision->timeout_ms == agent->call_ms ? "the longest call that card and manifest allow"
        : task->parent != NO_TASK ? "what is left of its caller's time, or of the run's"
        : step->schedule_to_close_ms >= 0 && decision->timeout_ms <= step->schedule_to_close_ms
            ? "what is left of `timeout.schedule_to_close`, or of the run's time"
            : "what is left of the run's time";
    if (decision->timeout_ms >= 0)
        because(list, "it has %s, %s", duration_text(decision->timeout_ms, time), whose);
}

/* What was told to wait counts neither here nor there. */
static int tries_allowed(const struct run *run, const struct task *task)
{
    return task_retry(run, task)->max_attempts + (int)task->extra - (int)task->deferrals;
}

static void why_start(const struct run *run, const struct task *task,
                      const struct decision *decision, json_t *list)
{
    char cost[32];
    if (decision->reconciling && task->reconciles == 0)
        because(list, "effect %s is in doubt; its reconcile agent was not asked before",
                decision->effect);
    else if (decision->reconciling)
        because(list, "effect %s is in doubt; asked %u time%s before", decision->effect,
                (unsigned)task->reconciles, task->reconciles == 1 ? "" : "s");
    else
        because(list, "it is try %u of %d", (unsigned)(decision->number - task->deferrals),
                tries_allowed(run, task));
    if (!decision->reconciling && task->deferrals > 0)
        because(list, "%u start%s before it %s told to wait, which counts no try",
                (unsigned)task->deferrals, task->deferrals == 1 ? "" : "s",
                task->deferrals == 1 ? "was" : "were");
    if (start_uses_recovery(run, task, decision->reconciling))
        because(list, "`recovery` pays");
    if (decision->tokens > 0)
        because(list, "%lld tokens are set aside", (long long)decision->tokens);
    if (decision->cost > 0)
        because(list, "%s of cost is set aside", money_text(decision->cost, cost));
    say_deadline(run, task, decision, list);
}

/* ---- what came of an attempt ---- */

static void say_error(const json_t *error, json_t *list)
{
    const char *message = json_string_value(json_object_get(error, "message"));
    if (message && *message)
        because(list, "“%s”", message);
}

static void say_confidence(const struct run *run, const struct task *task, const json_t *output,
                           json_t *list)
{
    const struct step *step = step_of(run, task);
    const struct agent *agent = task_callee(run, task)->agent;
    const json_t *value = agent->confidence ? value_at(output, agent->confidence) : NULL;
    if (step->has_confidence && json_is_number(value))
        because(list, "its confidence is %g, and the minimum %g", json_number_value(value),
                step->confidence_min);
}

static void why_judged(const struct run *run, const struct task *task, const struct event *event,
                       const struct decision *decision, json_t *list)
{
    if (decision->accepted)
        because(list, "the output fits its contract%s",
                step_of(run, task)->assert_count ? ", and every `assert` holds" : "");
    else if (decision->cause < CAUSE_COUNT)
        because(list, "it counts as `%s`", cause_word(decision->cause));
    else
        because(list, "the agent needs a person's input");
    say_confidence(run, task, decision->output ? decision->output : event->body, list);
    say_error(decision->error, list);
}

static const char *happened_sentence(enum happened happened)
{
    switch (happened) {
    case HAPPENED_ACCEPTED:
        return "its output passed every check";
    case HAPPENED_REFUSED:
        return "its output was refused";
    case HAPPENED_TRANSIENT:
        return "it failed in a way that may pass";
    case HAPPENED_PERMANENT:
        return "it failed for good";
    case HAPPENED_CANCELLED:
        return "it was stopped, or gave up";
    case HAPPENED_ASKED:
        return "the agent asks for input";
    case HAPPENED_CONFLICT:
        return "the same key came with another request";
    case HAPPENED_NO_BUDGET:
        return "it could not start: the budget is spent";
    case HAPPENED_ANY:
        break;
    }
    return "";
}

static void say_effects(const struct task *task, unsigned facts, json_t *list)
{
    if (facts & FACT_UNKNOWN)
        because(list, "nobody knows whether effect %s happened", task_doubt(task)->name);
    else
        because(list, "%s", facts & FACT_DONE ? "an effect is done" : "nothing was done");
    if (facts & FACT_LEFT_BEHIND)
        because(list, "the last try did not begin it again");
    if ((facts & FACT_BARE) && !task->verdict.accepted)
        because(list, "calling again would do it again");
}

/* What an agent asks a person. */
static void say_asked(const struct task *task, enum happened happened, json_t *list)
{
    const char *question = json_string_value(json_object_get(task->verdict.output, "question"));
    if (happened == HAPPENED_ASKED && question)
        because(list, "“%s”", question);
}

/* The facts that the table was asked with, which are more than the row at hand looks at. */
static void why_table(const struct run *run, const struct task *task, json_t *list, json_t *names)
{
    static const char *const words[] = {"unknown",   "done",           "left_behind", "try_left",
                                        "retry_on",  "budget_left",    "time_left",   "ending",
                                        "reconcile", "recovery_left",  "key_live",    "result_fits",
                                        "below",     "below_escalate", "below_fail",  "resumed",
                                        "bare",      "orphan",         "child_spent", "frame",
                                        "deferred",  "gave_way",       "quarantined"};
    unsigned facts = gather_facts(run, task);
    enum happened happened = task_happened(task);
    const struct verdict *verdict = &task->verdict;
    bool writes = task_callee(run, task)->agent->effect >= CLASS_WRITE_IDEMPOTENT;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (facts & (1u << i))
            json_array_append_new(names, json_string(words[i]));
    because(list, "%s", happened_sentence(happened));
    say_asked(task, happened, list);
    if (!verdict->accepted && verdict->cause < CAUSE_COUNT)
        because(list, "its cause is `%s`", cause_word(verdict->cause));
    say_error(verdict->error, list);
    because(list, "the class is `%s`", effect_class_word(task_callee(run, task)->agent->effect));
    if (writes)
        say_effects(task, facts, list);
    if (happened == HAPPENED_ACCEPTED)
        return;
    if (task->tries == 0)
        because(list, "it was not tried yet");
    else
        because(list, "it was try %u of %d", (unsigned)(task->tries - task->deferrals),
                tries_allowed(run, task));
    if (facts & FACT_DEFERRED)
        because(list, "it was told to come back later, so that this one would not count");
    if (facts & FACT_GAVE_WAY)
        because(list, "it gave way while what it called waited for a person");
    if (facts & FACT_QUARANTINED)
        because(list, "its plugin is in quarantine");
    if (facts & FACT_CHILD_SPENT)
        because(list, "a call that it asked for has failed for good");
    if (facts & FACT_ORPHAN)
        because(list, "the attempt that called it is over");
    if (!(facts & FACT_RETRY_ON) && (happened & (HAPPENED_TRANSIENT | HAPPENED_REFUSED)))
        because(list, "`retry_on` does not name this cause");
    if (!(facts & FACT_BUDGET_LEFT))
        because(list, "the budget allows no more calls");
    if (!(facts & FACT_TIME_LEFT))
        because(list, "the next try would come after the step's deadline");
    if (writes && (facts & FACT_UNKNOWN) && !(facts & FACT_RECONCILE))
        because(list, "the card names no reconcile agent");
    if (facts & FACT_ENDING)
        because(list, "the run is ending");
}

/* ---- the others ---- */

static void why_person(const struct event *event, json_t *list)
{
    if (event->who)
        because(list, "%s %s", event->who, event->deny ? "denied" : "answered");
    if (event->shown)
        because(list, "what was shown has the digest %.16s…", event->shown);
}

static void why_effect(const struct run *run, const struct task *task, const struct event *event,
                       json_t *list)
{
    static const char *const known[] = {"did not happen", "is done", "is in doubt", "is open"};
    const struct effect *effect = event->effect ? task_effect(task, event->effect) : NULL;
    (void)run;
    if (!effect)
        because(list, "effect %s was never begun before", event->effect ? event->effect : "?");
    else
        because(list, "effect %s %s, by what the host recorded", effect->name,
                known[effect->outcome]);
    if (effect && effect->digest && event->digest && strcmp(effect->digest, event->digest) != 0)
        because(list, "its request was another: digest %.16s…, now %.16s…", effect->digest,
                event->digest);
}

static void say_from(const struct decision *decision, json_t *list)
{
    const char *from = json_string_value(json_object_get(decision->why, "from"));
    if (from)
        because(list, "the earlier run is %s", from);
}

/* What one agent may ask of another stands in cards and grants. */
static void why_call(const struct run *run, const struct task *task, const struct event *event,
                     json_t *list)
{
    const struct agent *caller = task_callee(run, task)->agent;
    const struct agent *agent = agent_granted(caller, event->code);
    because(list, "%s asks for %s, as `%s`", caller->name, event->code ? event->code : "nobody",
            event->effect ? event->effect : "");
    if (agent)
        because(list, "the caller is `%s`, whom it calls `%s`", effect_class_word(caller->effect),
                effect_class_word(agent->effect));
    else
        because(list, "`grants.agents` of its plugin does not name it");
}

static void say_awaited(const struct run *run, const struct task *task, json_t *list)
{
    for (uint32_t i = 0; i < task->child_count; i++) {
        const struct task *child = run->tasks[task->children[i]];
        if (!task_state_is_final(child->state))
            because(list, "it waits for %s, which %s", child->path,
                    task_waits_for_person(child) ? "waits for a person" : "is under way");
    }
}

static void why_flow(const struct run *run, const struct task *task,
                     const struct decision *decision, json_t *list)
{
    const struct flow *flow = task_flow(run, task);
    if (decision->kind == DECISION_HOLD)
        say_awaited(run, task, list);
    else if (flow)
        because(list, "its flow has %zu step%s", flow->step_count,
                flow->step_count == 1 ? "" : "s");
}

static void why_asked(const struct run *run, const struct task *task,
                      const struct decision *decision, json_t *list)
{
    const struct escalation *escalation = task_escalation(run, task);
    if (escalation->to)
        because(list, "`%s` is told", escalation->to);
    if (task->parent != NO_TASK)
        because(list, "%s called it, and waits for the answer", run->tasks[task->parent]->path);
    if (decision->due_ms >= 0)
        because(list, "silence counts as %s",
                escalation->approve_on_timeout ? "approval, if its output may stand" : "`deny`");
}

static void why_waits(const struct run *run, const struct task *task,
                      const struct decision *decision, json_t *list)
{
    char time[32];
    const struct agent *agent = task_callee(run, task)->agent;
    if (decision->due_ms < 0)
        because(list, "it waits until the request is closed");
    else if (decision->due_ms > run->now_ms)
        because(list, "it waits %s", duration_text(decision->due_ms - run->now_ms, time));
    if (decision->kind == DECISION_RECONCILE && agent->settle_ms >= 0)
        because(list, "the card says that a lost request can act for %s",
                duration_text(agent->settle_ms, time));
}

static bool by_table(const struct decision *decision, const struct task *task)
{
    static const enum decision_kind kinds[] = {
        DECISION_RETRY,   DECISION_ACCEPT, DECISION_FAIL,      DECISION_FALL_BACK,
        DECISION_ABANDON, DECISION_ASK,    DECISION_RECONCILE,
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (decision->kind == kinds[i])
            return task->judged || task->conflict;
    return false;
}

/* ---- what would have changed it, where the table was not asked ---- */

/* Takes the sentence. */
static void otherwise(json_t *list, const char *change, char *sentence, const char *rule,
                      const char *would)
{
    json_array_append_new(list, json_pack("{s:[s], s:[s], s:s, s:s}", "change", change, "if",
                                          sentence, "rule", rule, "would", would));
    free(sentence);
}

static void otherwise_doubt(const struct run *run, const struct task *task,
                            const struct event *event, const char *rule, json_t *list)
{
    char time[32];
    const struct effect *effect = &task->effects[task->about];
    const struct agent *agent = task_callee(run, task)->agent;
    const char *said = json_string_value(json_object_get(event->body, "outcome"));
    bool not_seen = said && strcmp(said, "not_seen") == 0;
    if (strcmp(rule, "recovery-spent") == 0)
        otherwise(
            list, "recovery.calls",
            xasprintf("`recovery.calls` were more than %lld", (long long)recovery_limit(run, task)),
            "reconcile-attempt", "its reconcile agent would have been asked");
    else if (strcmp(rule, "reconcile-unknown") == 0 && not_seen && agent->settle_ms < 0)
        otherwise(list, "card.settle", xstrdup("the card declared `settle`"), "not-seen-wait",
                  "`not_seen` would have counted as never, once that time had passed");
    else if (strcmp(rule, "not-seen-wait") == 0 && effect->closed_ms >= 0 &&
             task->asked_ms >= effect->closed_ms)
        otherwise(list, "card.settle",
                  xasprintf("the card's `settle` were at most %s",
                            duration_text(task->asked_ms - effect->closed_ms, time)),
                  "not-seen-settled", "it would have counted as never happened");
}

static void otherwise_step(const struct run *run, const struct decision *decision, json_t *list)
{
    const char *needs = json_string_value(json_object_get(decision->why, "needs"));
    (void)run;
    if (strcmp(decision->rule, "if-false") == 0)
        otherwise(list, "if", xstrdup("its `if` were true"), "turn", "it would have run");
    else if (needs)
        otherwise(list, "input", xasprintf("%s had an output, or were read under `//`", needs),
                  "turn", "it would have run");
}

static void otherwise_start(const struct run *run, const struct task *task, const char *rule,
                            json_t *list)
{
    uint32_t account;
    unsigned lacks = budget_lacks(run, task, start_uses_recovery(run, task, false), &account);
    AUTO(freep) char *spent = lacks_text(lacks);
    if (strcmp(rule, "budget-spent") == 0 && lacks)
        otherwise(list, "budget", xasprintf("the budget allowed more %s", spent),
                  task->tries ? "next-attempt" : "first-attempt", "it would have been called");
    else if (strcmp(rule, "room-spent") == 0)
        otherwise(list, "budgets", xstrdup("`budgets` of the manifest had room for it"),
                  task->tries ? "next-attempt" : "first-attempt", "it would have been called");
    else if (strcmp(rule, "input-invalid") == 0)
        otherwise(list, "input", xstrdup("its `input` made what the agent's contract takes"),
                  "first-attempt", "it would have been called");
}

static void otherwise_asked(const struct run *run, const struct task *task,
                            const struct decision *decision, json_t *list)
{
    if (strcmp(decision->rule, "question-expired") == 0 &&
        !task_escalation(run, task)->approve_on_timeout && task->verdict.fits &&
        task->question == QUESTION_OUTPUT)
        otherwise(list, "escalation.on_timeout",
                  xstrdup("the flow said `escalation.on_timeout: approve`"), "question-expired",
                  "its output would have been accepted");
    if (decision->kind == DECISION_RESERVE && !decision->granted)
        otherwise(list, "budget",
                  xstrdup(decision->cost > 0 ? "the budget's `tokens` and `cost` were larger"
                                             : "the budget's `tokens` were larger"),
                  "reserve-granted", "it would have been granted");
}

/* ---- the budget ---- */

int64_t recovery_limit(const struct run *run, const struct task *task)
{
    for (uint32_t i = task->account; i != NO_ACCOUNT; i = run->accounts[i].parent) {
        const struct account *account = &run->accounts[i];
        if (account->limit.recovery_calls >= 0 &&
            account->spent.recovery >= account->limit.recovery_calls)
            return account->limit.recovery_calls;
    }
    return run->accounts[0].limit.recovery_calls;
}

/* What was left then, of the account that pays first and of each around it. */
static json_t *budget_chain(const struct run *run, const struct decision *decision)
{
    json_t *chain = json_array();
    const struct task *task = task_of(run, decision);
    uint32_t account = task ? task->account : run->frames[decision->frame]->account;
    for (; run->account_count > 0 && account != NO_ACCOUNT;
         account = run->accounts[account].parent) {
        uint32_t owner = run->accounts[account].task;
        json_array_append_new(chain,
                              json_pack("{s:s, s:o}", "of",
                                        owner == NO_TASK ? "the run" : run->tasks[owner]->path,
                                        "left", account_left(run, account)));
    }
    return chain;
}

/* ---- the whole ---- */

/* What is asked of the run itself, and what a person said. */
static void why_change(const struct run *run, const struct event *event,
                       const struct decision *decision, json_t *list)
{
    const char *to = run_task_escalates_to(run, RUN_ITSELF);
    if (decision->kind != DECISION_ASK) {
        why_person(event, list);
        say_error(decision->error, list);
        return;
    }
    if (event->message)
        because(list, "%s", event->message);
    if (to)
        because(list, "`%s` is told", to);
    if (decision->due_ms >= 0)
        because(list, "silence approves nothing");
}

static void why_task(const struct run *run, const struct task *task, const struct event *event,
                     const struct decision *decision, json_t *why)
{
    json_t *list = json_object_get(why, "because");
    json_t *other = NULL;
    bool table = by_table(decision, task);
    if (table)
        other = counterfactuals(run, task, decision->rule);
    if (other) {
        json_t *names = json_array();
        why_table(run, task, list, names);
        json_object_set_new(why, "facts", names);
        json_object_set_new(why, "otherwise", other);
        if (task_happened(task) == HAPPENED_NO_BUDGET)
            otherwise_start(run, task, "budget-spent", other);
    }
    other = json_object_get(why, "otherwise");
    if (decision->kind == DECISION_START)
        why_start(run, task, decision, list);
    else if (decision->kind == DECISION_JUDGE)
        why_judged(run, task, event, decision, list);
    else if (decision->kind == DECISION_EFFECT)
        why_effect(run, task, event, list);
    else if (decision->kind == DECISION_CALL)
        why_call(run, task, event, list);
    else if (decision->kind == DECISION_HOLD || decision->kind == DECISION_ENTER)
        why_flow(run, task, decision, list);
    else if (decision->kind == DECISION_ASK)
        why_asked(run, task, decision, list);
    if (decision->kind == DECISION_RETRY || decision->kind == DECISION_RECONCILE)
        why_waits(run, task, decision, list);
    else if (decision->kind == DECISION_RESOLVE)
        why_resolved(event, list);
    else if (decision->kind == DECISION_STOP || decision->kind == DECISION_ABANDON ||
             decision->kind == DECISION_UNDO)
        why_dropped(run, task, decision, list);
    if (strcmp(decision->rule, "question-expired") == 0)
        why_expired(run, task, list);
    if (event->kind == EVENT_ANSWERED && event->task == decision->task &&
        decision->kind != DECISION_START)
        why_person(event, list);
    bool doubt = decision->kind == DECISION_ASK || decision->kind == DECISION_RECONCILE;
    if (doubt && task->about < task->effect_count && !json_array_size(other))
        otherwise_doubt(run, task, event, decision->rule, other);
    if (decision->kind == DECISION_JUDGE)
        otherwise_start(run, task, decision->rule, other);
    otherwise_asked(run, task, decision, other);
    say_from(decision, list);
}

json_t *run_why(const struct run *run, const struct event *event, const struct decision *decision)
{
    json_t *facts = json_object(), *list = json_array();
    const struct task *task = task_of(run, decision);
    json_t *why = json_pack("{s:o, s:[], s:o}", "because", list, "otherwise", "budget",
                            budget_chain(run, decision));
    if (decision->kind == DECISION_END || decision->kind == DECISION_LEAVE ||
        decision->kind == DECISION_UNWIND) {
        why_end(run, decision, list);
    } else if (task) {
        why_task(run, task, event, decision, why);
    } else if (decision->kind == DECISION_ADMIT || decision->kind == DECISION_SKIP ||
               decision->kind == DECISION_ADOPT) {
        why_turn(run, decision, list, facts);
        say_from(decision, list);
        otherwise_step(run, decision, json_object_get(why, "otherwise"));
        say_error(decision->error, list);
    } else if (decision->task == RUN_ITSELF) {
        why_change(run, event, decision, list);
    } else {
        say_error(decision->error, list);
    }
    if (json_object_size(facts))
        json_object_set(why, "facts", facts);
    json_decref(facts);
    return why;
}

bool run_confidence(const struct run *run, uint32_t index, const json_t *output,
                    double *ret_confidence)
{
    const struct agent *agent = task_callee(run, task_at(run, index))->agent;
    const json_t *value = agent->confidence ? value_at(output, agent->confidence) : NULL;
    if (!json_is_number(value))
        return false;
    *ret_confidence = json_number_value(value);
    return true;
}
