/* SPDX-License-Identifier: Apache-2.0
 *
 * The verdict on an attempt: what its agent said, against the contract, the step's confidence and
 * its asserts. An undo and a fallback are held to their own agent's contract; a fallback also to
 * that of the agent whose place it takes, since the steps behind it rely on that one.
 */
#include "orchestrator/state_internal.h"

#include <string.h>

void verdict_done(struct verdict *verdict)
{
    json_decref(verdict->output);
    json_decref(verdict->error);
    json_decref(verdict->feedback);
    *verdict = (struct verdict){0};
}

json_t *error_json(const char *code, const char *message, const char *where)
{
    json_t *error = json_object();
    json_object_set_new(error, "code", json_string(code));
    json_object_set_new(error, "message", json_string(message ? message : ""));
    if (where)
        json_object_set_new(error, "step", json_string(where));
    return error;
}

static void refuse(const struct task *task, struct verdict *ret, enum cause cause,
                   const char *message)
{
    ret->accepted = false;
    ret->cause = cause;
    ret->error = error_json(cause_word(cause), message, task->path);
    ret->feedback = json_pack("{s:s, s:s}", "reason", cause_word(cause), "message", message);
    if (ret->output)
        json_object_set(ret->feedback, "output", ret->output);
}

static bool check_contract(const struct task *task, const struct contract *contract,
                           struct verdict *ret)
{
    AUTO(freep) char *breach = contract_breach(contract, ret->output);
    if (breach)
        refuse(task, ret, CAUSE_CONTRACT, breach);
    return !breach;
}

const json_t *value_at(const json_t *value, const char *pointer)
{
    AUTO(freep) char *copy = xstrdup(pointer);
    for (char *at = copy; *at == '/';) {
        char *key = at + 1;
        size_t end = strcspn(key, "/");
        at = key + end;
        char stop = *at;
        *at = '\0';
        char *to = key;
        for (const char *from = key; *from; from++) {
            bool escape = from[0] == '~' && (from[1] == '0' || from[1] == '1');
            *to++ = escape ? (from[1] == '0' ? '~' : '/') : *from;
            from += escape;
        }
        *to = '\0';
        if (json_is_array(value)) {
            char *rest = NULL;
            size_t index = strtoul(key, &rest, 10);
            value = *key && !*rest ? json_array_get(value, index) : NULL;
        } else {
            value = json_object_get(value, key);
        }
        *at = stop;
    }
    return value;
}

bool confidence_of(const struct agent *agent, const json_t *output, double *ret_confidence)
{
    const json_t *number = agent->confidence ? value_at(output, agent->confidence) : NULL;
    double value = json_number_value(number);
    if (!json_is_number(number) || !(value >= 0 && value <= 1))
        return false;
    *ret_confidence = value;
    return true;
}

/* What is not from 0 to 1, a percentage perhaps, says nothing: it counts as missing. */
static bool check_confidence(const struct step *step, const struct agent *agent,
                             const struct task *task, struct verdict *ret)
{
    double confidence = 0;
    if (!step->has_confidence)
        return true;
    const json_t *number = agent->confidence ? value_at(ret->output, agent->confidence) : NULL;
    bool found = confidence_of(agent, ret->output, &confidence);
    if (found && confidence >= step->confidence_min)
        return true;
    AUTO(freep)
    char *message =
        found ? xasprintf("confidence %g is below the minimum %g", confidence, step->confidence_min)
        : json_is_number(number)
            ? xasprintf("confidence %g at %s is not from 0 to 1 and counts as none; the minimum "
                        "is %g",
                        json_number_value(number), agent->confidence, step->confidence_min)
            : xasprintf("no confidence at %s; the minimum is %g",
                        agent->confidence ? agent->confidence : "any place that the card names",
                        step->confidence_min);
    refuse(task, ret, CAUSE_CONFIDENCE, message);
    return false;
}

static bool check_asserts(const struct run *run, const struct step *step, const struct task *task,
                          struct verdict *ret)
{
    struct scope_view view;
    struct scope scope;
    task_scope(run, task, ret->output, NULL, &view, &scope);
    for (size_t i = 0; i < step->assert_count; i++) {
        struct error err;
        json_t *value = NULL;
        enum error_code code = mapping_evaluate(step->asserts[i].that, &scope, &value, &err);
        bool holds = code == ERR_OK && json_is_true(value);
        json_decref(value);
        if (holds)
            continue;
        refuse(task, ret, CAUSE_ASSERT, code == ERR_OK ? step->asserts[i].message : err.text);
        return false;
    }
    return true;
}

void judge_output(const struct run *run, const struct task *task, json_t *output,
                  struct verdict *ret)
{
    const struct step *step = step_of(run, task);
    const struct agent *agent = task_callee(run, task)->agent;
    *ret = (struct verdict){.output = json_incref(output)};
    if (!check_contract(task, agent->output, ret))
        return;
    if (task->role == ROLE_FALLBACK && !check_contract(task, step->call.agent->output, ret))
        return;
    ret->fits = true;
    ret->accepted = task->role != ROLE_MAIN || (check_confidence(step, agent, task, ret) &&
                                                check_asserts(run, step, task, ret));
}

/* A plan in the output that its compiler refused: whoever made it is told all that was found. */
static void check_plan(const struct task *task, const struct event *event, struct verdict *ret)
{
    const json_t *first = json_array_get(event->plan_errors, 0);
    if (!ret->fits || !event->plan_errors)
        return;
    json_t *output = ret->output, *error = ret->error, *feedback = ret->feedback;
    AUTO(freep)
    char *message =
        xasprintf("its plan is refused: %s", first ? json_string_value(first) : "it holds none");
    *ret = (struct verdict){.output = output};
    json_decref(error);
    json_decref(feedback);
    refuse(task, ret, CAUSE_PLAN, message);
    json_object_set(ret->feedback, "plan", event->plan_errors);
}

/* What came of the flow that ran in the place of an agent. */
static void judge_inside(const struct run *run, const struct task *task, struct verdict *ret)
{
    const struct frame *frame = run->frames[task->inside];
    if (frame->status == RUN_DONE) {
        judge_output(run, task, frame->output, ret);
        return;
    }
    *ret =
        (struct verdict){.cause = frame->status == RUN_CANCELLED ? CAUSE_CANCELLED : CAUSE_FAILED};
    ret->error = frame->error ? json_incref(frame->error)
                              : error_json("failed", "its flow failed", task->path);
}

/* A question whose schema nobody can hold an answer to is a broken contract of its agent. */
static void check_question(const struct task *task, struct verdict *ret)
{
    json_t *schema = json_object_get(ret->output, "schema");
    AUTO(contract_unrefp) struct contract *contract = NULL;
    struct error err;
    if (!schema || contract_compile(schema, NULL, &contract, &err) == ERR_OK)
        return;
    AUTO(freep) char *message = xasprintf("the schema of its question: %s", err.text);
    refuse(task, ret, CAUSE_CONTRACT, message);
}

void judge(const struct run *run, const struct task *task, const struct event *event,
           struct verdict *ret)
{
    static const char *const nothing = "the agent gave no reason";
    if (task->inside) {
        judge_inside(run, task, ret);
        return;
    }
    switch (event->end) {
    case END_OK:
        judge_output(run, task, event->body, ret);
        check_plan(task, event, ret);
        return;
    case END_INPUT_REQUIRED:
        *ret = (struct verdict){.cause = CAUSE_COUNT, .output = json_incref(event->body)};
        check_question(task, ret);
        return;
    case END_FAILED:
    case END_NOT_STARTED:
    case END_GAVE_WAY:
        break;
    }
    const char *message = event->message ? event->message
                          : json_is_string(json_object_get(event->body, "message"))
                              ? json_string_value(json_object_get(event->body, "message"))
                              : nothing;
    *ret = (struct verdict){.cause = event->cause, .retry_after_ms = event->retry_after_ms};
    ret->error = error_json(event->code && *event->code ? event->code : cause_word(event->cause),
                            message, task->path);
}

enum happened verdict_happened(const struct verdict *verdict)
{
    if (verdict->accepted)
        return HAPPENED_ACCEPTED;
    switch (verdict->cause) {
    case CAUSE_UNAVAILABLE:
    case CAUSE_RATE_LIMITED:
    case CAUSE_TIMEOUT:
    case CAUSE_BUSY:
    case CAUSE_CRASH:
        return HAPPENED_TRANSIENT;
    case CAUSE_CONTRACT:
    case CAUSE_ASSERT:
    case CAUSE_CONFIDENCE:
    case CAUSE_PLAN:
        return HAPPENED_REFUSED;
    case CAUSE_INPUT:
    case CAUSE_FAILED:
    case CAUSE_DENIED:
    case CAUSE_UNSUPPORTED:
    case CAUSE_INTERNAL:
    case CAUSE_QUARANTINED:
        return HAPPENED_PERMANENT;
    case CAUSE_BUDGET:
        return HAPPENED_NO_BUDGET;
    case CAUSE_CANCELLED:
        return HAPPENED_CANCELLED;
    case CAUSE_CONFLICT:
        return HAPPENED_CONFLICT;
    case CAUSE_COUNT:
        return HAPPENED_ASKED;
    }
    return HAPPENED_PERMANENT;
}
