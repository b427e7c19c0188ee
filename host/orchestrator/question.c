/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions to people and what their answers come to. An answer is to a revision: new evidence
 * makes a new one. Silence and "deny" forbid what is new; they are never evidence that something
 * did not happen.
 */
#include "orchestrator/state_internal.h"

#include <string.h>

static const char *question_word(enum question kind)
{
    static const char *const words[] = {[QUESTION_DOUBT] = "in-doubt",
                                        [QUESTION_OUTPUT] = "output",
                                        [QUESTION_FAILURE] = "failure",
                                        [QUESTION_INPUT] = "input"};
    return words[kind];
}

static const char *question_text(const struct task *task, enum question kind)
{
    static const char *const texts[] = {
        [QUESTION_DOUBT] = "Nobody knows whether this effect happened. Look at the other side, by "
                           "its key or request, and say.",
        [QUESTION_OUTPUT] = "This output was not taken. Approve it if it may stand, or give the "
                            "right one.",
        [QUESTION_FAILURE] = "This step failed. Try again, give its output, or go on without it.",
        [QUESTION_INPUT] = "The agent asks.",
    };
    if (kind == QUESTION_OUTPUT && task->conflict)
        return "The agent asked for an effect under a key that already stands for another request; "
               "nothing was sent. Look at what stands, and give the output.";
    if (kind == QUESTION_OUTPUT && !task->verdict.output)
        return "There is no output that could be taken, and an effect of this step is done. Give "
               "its output, or deny: then what is done stands.";
    return texts[kind];
}

static json_t *question_accepts(const struct task *task, enum question kind)
{
    switch (kind) {
    case QUESTION_DOUBT:
        return json_pack("[{s:s, s:s}, {s:s}]", "outcome", "happened", "result",
                         "(what the effect gave)", "outcome", "never");
    case QUESTION_OUTPUT:
        return task->verdict.fits ? json_pack("[{s:b}, {s:s}]", "approve", 1, "output", "(…)")
                                  : json_pack("[{s:s}]", "output", "(…)");
    case QUESTION_FAILURE:
        return json_pack("[{s:b}, {s:s}, {s:b}]", "retry", 1, "output", "(…)", "skip", 1);
    case QUESTION_INPUT:
    case QUESTION_CHANGE:
        break;
    }
    return json_array();
}

static json_t *show_effect(const struct effect *effect)
{
    return json_pack("{s:s, s:s, s:O?}", "name", effect->name, "key", effect->key, "request",
                     effect->request);
}

void decide_ask(const struct run *run, uint32_t index, enum question kind, const char *rule,
                struct decision *ret)
{
    const struct task *task = task_at(run, index);
    const struct agent *agent = task_callee(run, task)->agent;
    const struct effect *doubt = task_doubt(task);
    const struct escalation *escalation = task_escalation(run, task);
    int64_t deadline = escalation->deadline_ms >= 0 ? run->now_ms + escalation->deadline_ms : -1;
    json_t *shown = json_pack("{s:s, s:s, s:s, s:s, s:o}", "question", question_word(kind), "step",
                              task->path, "agent", agent->name, "text", question_text(task, kind),
                              "accepts", question_accepts(task, kind));
    json_object_set_new(shown, "rule", json_string(rule));
    if (rested_any(&task->input))
        json_object_set(shown, "input", task_input(run, task));
    if (task->verdict.output)
        json_object_set(shown, kind == QUESTION_INPUT ? "asked" : "output", task->verdict.output);
    if (task->verdict.error)
        json_object_set(shown, "error", task->verdict.error);
    else if (kind == QUESTION_OUTPUT) /* the agent is content; the rule is not */
        json_object_set_new(shown, "error", error_json(rule, rule_meaning(rule), task->path));
    if (kind == QUESTION_DOUBT && doubt)
        json_object_set_new(shown, "effect", show_effect(doubt));
    *ret = (struct decision){
        .kind = DECISION_ASK,
        .rule = rule,
        .task = index,
        .effect = kind == QUESTION_DOUBT && doubt ? doubt->name : NULL,
        .question = kind,
        .revision = task->revision + 1,
        .due_ms = task->state == TASK_ASKING ? task->deadline_ms : deadline,
        .shown = shown,
    };
}

/* ---- does the answer fit? ---- */

static bool has_only(const json_t *answer, const char *first, const char *second)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)answer, key, value) {
        if (strcmp(key, first) != 0 && (!second || strcmp(key, second) != 0))
            return false;
    }
    return true;
}

static enum error_code output_fits(const struct run *run, const struct task *task,
                                   const json_t *output, struct error *reterr)
{
    struct verdict verdict;
    judge_output(run, task, (json_t *)output, &verdict);
    enum error_code code =
        verdict.fits
            ? ERR_OK
            : error_set(reterr, ERR_INPUT, "the output does not fit the contract of %s: %s",
                        task_callee(run, task)->agent->name,
                        json_string_value(json_object_get(verdict.error, "message")));
    verdict_done(&verdict);
    return code;
}

static enum error_code doubt_fits(const json_t *answer, struct error *reterr)
{
    const char *outcome = json_string_value(json_object_get(answer, "outcome"));
    bool happened = outcome && strcmp(outcome, "happened") == 0;
    bool never = outcome && strcmp(outcome, "never") == 0;
    if ((happened && has_only(answer, "outcome", "result")) ||
        (never && has_only(answer, "outcome", NULL)))
        return ERR_OK;
    return error_set(reterr, ERR_INPUT,
                     "expected {\"outcome\": \"happened\", \"result\": …} or {\"outcome\": "
                     "\"never\"}");
}

static enum error_code input_fits(const struct task *task, const json_t *answer,
                                  struct error *reterr)
{
    json_t *schema = json_object_get(task->verdict.output, "schema");
    AUTO(contract_unrefp) struct contract *contract = NULL;
    /* it compiled when the agent was judged */
    if (!schema || contract_compile(schema, NULL, &contract, NULL) != ERR_OK)
        return ERR_OK;
    AUTO(freep) char *breach = contract_breach(contract, answer);
    return breach ? error_set(reterr, ERR_INPUT, "the answer does not fit the agent's question: %s",
                              breach)
                  : ERR_OK;
}

enum error_code run_answer_fits(const struct run *run, uint32_t index, const json_t *answer,
                                struct error *reterr)
{
    if (index == RUN_ITSELF)
        return change_answer_fits(run, answer, reterr);
    const struct task *task = task_at(run, index);
    const json_t *output = json_object_get(answer, "output");
    bool output_only = output && has_only(answer, "output", NULL);
    if (task->state != TASK_ASKING)
        return error_set(reterr, ERR_NOT_FOUND, "%s asks nothing", task->path);
    if (!answer)
        return error_set(reterr, ERR_INPUT, "expected an answer to %s, found none", task->path);
    switch (task->question) {
    case QUESTION_DOUBT:
        return doubt_fits(answer, reterr);
    case QUESTION_INPUT:
        return input_fits(task, answer, reterr);
    case QUESTION_OUTPUT:
        if (json_is_true(json_object_get(answer, "approve")) && has_only(answer, "approve", NULL)) {
            if (task->verdict.fits)
                return ERR_OK;
            return error_set(reterr, ERR_INPUT,
                             "this output breaks its contract and cannot be approved; give "
                             "{\"output\": …}");
        }
        if (output_only)
            return output_fits(run, task, output, reterr);
        return error_set(reterr, ERR_INPUT, "expected {\"approve\": true} or {\"output\": …}");
    case QUESTION_FAILURE:
        if (json_object_size(answer) == 1 && (json_is_true(json_object_get(answer, "retry")) ||
                                              json_is_true(json_object_get(answer, "skip"))))
            return ERR_OK;
        if (output_only)
            return output_fits(run, task, output, reterr);
        return error_set(reterr, ERR_INPUT,
                         "expected {\"retry\": true}, {\"output\": …} or {\"skip\": true}");
    case QUESTION_CHANGE:
        break;
    }
    return ERR_OK;
}

/* ---- what it comes to ---- */

static void refuse_answer(uint32_t index, const char *rule, const char *message,
                          struct decision *ret)
{
    *ret = (struct decision){.kind = DECISION_REFUSE_ANSWER,
                             .rule = rule,
                             .task = index,
                             .error = error_json(rule, message, NULL)};
}

static void doubt_answered(const struct run *run, const struct event *event,
                           const struct task *task, struct decision *ret)
{
    const struct effect *effect = &task->effects[task->about];
    const struct agent *agent = task_callee(run, task)->agent;
    const char *outcome = json_string_value(json_object_get(event->body, "outcome"));
    bool happened = strcmp(outcome, "happened") == 0;
    int64_t settled = effect->closed_ms < 0 ? -1 : effect->closed_ms + agent->settle_ms;
    /* By the clock of whoever said it; but nobody answers what was not asked. */
    bool said_before = event->said_ms > 0 && event->said_ms < event->at_ms;
    int64_t said_ms = said_before ? event->said_ms : event->at_ms;
    said_ms = said_ms > task->question_ms ? said_ms : task->question_ms;
    bool early = agent->settle_ms >= 0 && (settled < 0 || said_ms < settled);
    if (!happened && early && settled >= 0 && settled <= run->now_ms) {
        decide_ask(run, event->task, QUESTION_DOUBT, "person-looks-again", ret);
        return;
    }
    if (!happened && early) {
        *ret = (struct decision){.kind = DECISION_RECONCILE,
                                 .rule = "person-never-settles",
                                 .task = event->task,
                                 .effect = effect->name,
                                 .due_ms = settled,
                                 .said_never = true};
        return;
    }
    decide_resolve(event->task, effect, happened ? OUTCOME_DONE : OUTCOME_NONE,
                   happened ? json_object_get(event->body, "result") : NULL,
                   happened ? "person-happened" : "person-never", ret);
}

static void try_again(const struct run *run, uint32_t index, const char *rule, json_t *feedback,
                      struct decision *ret)
{
    *ret = (struct decision){.kind = DECISION_RETRY,
                             .rule = rule,
                             .task = index,
                             .due_ms = run->now_ms,
                             .feedback = feedback};
}

static void fail_task(const struct task *task, uint32_t index, const char *rule, bool skip,
                      const char *message, struct decision *ret)
{
    *ret = (struct decision){
        .kind = DECISION_FAIL,
        .rule = rule,
        .task = index,
        .skipped = skip,
        .status =
            skip || task->role == ROLE_UNDO || task->role == ROLE_CALL ? RUN_RUNNING : RUN_FAILED,
        .error = error_json(skip ? "skipped" : "denied", message, task->path),
    };
}

/* Was something done that the flow knows how to undo? */
static bool can_be_undone(const struct run *run, const struct task *task)
{
    return task->role != ROLE_UNDO && task->role != ROLE_CALL && step_of(run, task)->undo.agent &&
           task_any_done(run, task);
}

/* A doubt stays until it is resolved. What was done is undone, for which its output must be known:
 * one that fits is taken. Else a person who denies lets it stand, and silence decides nothing. */
static void deny(const struct run *run, const struct event *event, const struct task *task,
                 const char *rule, struct decision *ret)
{
    bool doubt = task->question == QUESTION_DOUBT;
    bool known = task->verdict.fits && task->verdict.output;
    bool undo = can_be_undone(run, task) && (known || event->kind == EVENT_EXPIRED);
    if (!doubt && !undo) {
        fail_task(task, event->task, rule, false, rule_meaning(rule), ret);
    } else if (frame_of(run, task)->ending == RUN_RUNNING) {
        decide_unwind(task->frame, rule, error_json("denied", rule_meaning(rule), task->path), ret);
    } else if (!doubt && known) {
        decide_accept(run, event->task, task->verdict.output, "denied-undo", ret);
    } else if (!doubt) {
        decide_ask(run, event->task, task->question, "undo-wants-output", ret);
        ret->due_ms = -1;
    } else {
        decide_ask(run, event->task, QUESTION_DOUBT, "denied-in-doubt", ret);
        ret->due_ms = -1;
    }
}

static void answered(const struct run *run, const struct event *event, const struct task *task,
                     struct decision *ret)
{
    json_t *output = json_object_get(event->body, "output");
    switch (task->question) {
    case QUESTION_DOUBT:
        doubt_answered(run, event, task, ret);
        return;
    case QUESTION_INPUT:
        try_again(run, event->task, "person-input", json_incref(event->body), ret);
        return;
    case QUESTION_OUTPUT:
    case QUESTION_FAILURE:
    case QUESTION_CHANGE: /* of no task */
        break;
    }
    if (output)
        decide_accept(run, event->task, output, "person-output", ret);
    else if (json_is_true(json_object_get(event->body, "approve")))
        decide_accept(run, event->task, task->verdict.output, "person-approved", ret);
    else if (json_is_true(json_object_get(event->body, "retry")))
        try_again(run, event->task, "person-retry", NULL, ret);
    else
        fail_task(task, event->task, "person-skip", true, "a person said to go on without", ret);
}

bool question_silence_approves(const struct run *run, const struct task *task)
{
    return task_escalation(run, task)->approve_on_timeout && task->verdict.fits &&
           task->question == QUESTION_OUTPUT;
}

void decide_answer(const struct run *run, const struct event *event, struct decision *ret)
{
    const struct task *task = task_at(run, event->task);
    struct error err;
    if (task->state != TASK_ASKING || task->revision != event->revision) {
        refuse_answer(event->task, "answer-stale", "this is not the question that is open now",
                      ret);
    } else if (event->kind == EVENT_EXPIRED) {
        if (question_silence_approves(run, task))
            decide_accept(run, event->task, task->verdict.output, "question-expired", ret);
        else
            deny(run, event, task, "question-expired", ret);
    } else if (event->deny) {
        deny(run, event, task, "person-denied", ret);
    } else if (run_answer_fits(run, event->task, event->body, &err) != ERR_OK) {
        refuse_answer(event->task, "answer-invalid", err.text, ret);
    } else if (event->plan_errors) {
        const char *found = json_string_value(json_array_get(event->plan_errors, 0));
        refuse_answer(event->task, "answer-invalid", found ? found : "it holds no plan", ret);
    } else {
        answered(run, event, task, ret);
    }
}
