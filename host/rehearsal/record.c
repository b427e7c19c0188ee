/* SPDX-License-Identifier: Apache-2.0
 *
 * Recording: a run of the journal becomes a case. Each attempt's answer stands under its task's
 * path, in the order of the attempts, with what it did to the world and how long it took; what
 * people said stands under the step that asked; the case begins at the run's time, with its seed.
 * So the case gives the decisions that the run had. An attempt that was lost with its host is
 * written as one that crashed: a case has one host.
 */
#include "rehearsal/rehearsal_internal.h"

#include "contract/contract.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct recording {
    json_t *scene;   /* the case so far */
    json_t *open;    /* task → the answer of the attempt under way, unfinished */
    json_t *deeds;   /* task and effect → [{deed, at}], of all attempts */
    json_t *asked;   /* task → when its question was put */
    json_t *history; /* path → decisions, in words */
    int64_t began_ms;
    bool taken_over;
};

static json_t *member(json_t *object, const char *key)
{
    json_t *found = json_object_get(object, key);
    if (!found) {
        found = json_object();
        json_object_set_new(object, key, found);
    }
    return found;
}

static void set_duration(json_t *object, const char *key, int64_t ms)
{
    char words[32];
    json_object_set_new(object, key, json_string(duration_text(ms > 0 ? ms : 0, words)));
}

static char *name_of(uint32_t task)
{
    return xasprintf("%u", task);
}

/* ---- history: what was decided, task by task ---- */

void history_add(json_t *history, const struct run *run, const struct decisions *decisions)
{
    for (size_t i = 0; i < decisions->count; i++) {
        const struct decision *decision = &decisions->list[i];
        bool of_task = decision->kind != DECISION_ADMIT && decision->kind != DECISION_SKIP &&
                       decision->kind != DECISION_UNWIND && decision->kind != DECISION_END &&
                       decision->kind != DECISION_ENTER && decision->kind != DECISION_LEAVE &&
                       decision->kind != DECISION_ADOPT;
        const char *path = of_task && decision->task < run_task_count(run)
                               ? run_task_path(run, decision->task)
                               : "";
        json_t *list = json_object_get(history, path);
        if (!list) {
            list = json_array();
            json_object_set_new(history, path, list);
        }
        json_array_append_new(
            list, json_sprintf("%s by %s", decision_kind_word(decision->kind), decision->rule));
    }
}

/* ---- attempts ---- */

static void begin_attempt(struct recording *r, const struct run *run,
                          const struct decision *decision, int64_t at_ms)
{
    AUTO(freep) char *task = name_of(decision->task);
    const struct agent *agent = run_task_agent(run, decision->task, decision->reconciling);
    json_t *input = decision->reconciling ? decision->input : run_task_input(run, decision->task);
    json_t *attempt = json_pack(
        "{s:s, s:s, s:b, s:i, s:I, s:O*, s:{}}", "path", run_task_path(run, decision->task),
        "agent", agent->name, "reconciling", (int)decision->reconciling, "number",
        (int)decision->number, "at", (json_int_t)at_ms, "input", input, "effects");
    json_object_set_new(attempt, "writes", json_boolean(agent->effect >= CLASS_WRITE_IDEMPOTENT));
    json_object_set_new(attempt, "brokered", json_boolean(agent->brokered));
    json_object_set_new(r->open, task, attempt);
}

/* One answer, at the place of its attempt. */
static void put_answer(json_t *where, const char *key, size_t place, json_t *answer_taken)
{
    json_t *list = json_object_get(where, key);
    if (!list) {
        list = json_array();
        json_object_set_new(where, key, list);
    }
    while (json_array_size(list) < place)
        json_array_append(list, answer_taken);
    json_array_set_new(list, place - 1, answer_taken);
}

static void keep_answer(struct recording *r, const json_t *attempt, json_t *answer_taken)
{
    const char *path = json_string_value(json_object_get(attempt, "path"));
    const char *agent = json_string_value(json_object_get(attempt, "agent"));
    size_t number = (size_t)json_integer_value(json_object_get(attempt, "number"));
    if (!json_is_true(json_object_get(attempt, "reconciling"))) {
        put_answer(member(r->scene, "steps"), path, number, answer_taken);
        return;
    }
    /* keys are the store's: what is asked about is known by its name and input */
    json_t *when = json_object(), *input = json_object_get(attempt, "input");
    json_object_set(when, "input", json_object_get(input, "input"));
    json_object_set(when, "effect", json_object_get(input, "effect"));
    json_object_set_new(answer_taken, "when", when);
    json_t *agents = member(r->scene, "agents"), *list = json_object_get(agents, agent);
    put_answer(agents, agent, list ? json_array_size(list) + 1 : 1, answer_taken);
}

/* ---- what an attempt did ---- */

static json_t *open_attempt(const struct recording *r, uint32_t task)
{
    AUTO(freep) char *name = name_of(task);
    return json_object_get(r->open, name);
}

static void effect_asked(const struct recording *r, const struct event *event)
{
    json_t *attempt = open_attempt(r, event->task);
    json_t *effects = json_object_get(attempt, "effects"), *effect = json_object();
    if (!attempt)
        return;
    if (event->automatic)
        json_object_set(effect, "http", event->request);
    else
        json_object_set_new(effect, "name", json_string(event->effect));
    if (!event->automatic && event->request &&
        !contract_equal(event->request, json_object_get(attempt, "input")))
        json_object_set(effect, "request", event->request);
    json_object_set_new(effects, event->effect, effect);
    AUTO(freep) char *name = xasprintf("%u %s", event->task, event->effect);
    if (!json_object_get(r->deeds, name))
        json_object_set_new(r->deeds, name, json_array());
    json_array_append_new(json_object_get(r->deeds, name),
                          json_pack("{s:O, s:I}", "deed", effect, "at", (json_int_t)event->at_ms));
}

static json_t *last_deed(const struct recording *r, const struct event *event)
{
    AUTO(freep) char *name = xasprintf("%u %s", event->task, event->effect);
    const json_t *list = json_object_get(r->deeds, name);
    return json_array_get(list, json_array_size(list) - 1);
}

/* What is done, and needs no word, is left out. */
static void tidy_deed(json_t *effect)
{
    json_int_t status = json_integer_value(json_object_get(effect, "status"));
    const char *outcome = json_string_value(json_object_get(effect, "outcome"));
    if (!outcome)
        json_object_set_new(effect, "outcome", json_string("unknown"));
    else if (status || strcmp(outcome, "done") == 0)
        json_object_del(effect, "outcome");
    if (status / 100 == 2)
        json_object_del(effect, "status");
    if (status / 100 == 2 && json_object_get(effect, "name") && !json_object_get(effect, "result"))
        json_object_set_new(effect, "commit", json_false());
    if (status / 100 == 2 && json_object_get(effect, "result"))
        json_object_del(effect, "answer");
}

static void effect_ended(const struct recording *r, const struct event *event)
{
    static const char *const words[] = {"none", "done", "unknown", "unknown"};
    json_t *last = last_deed(r, event), *effect = json_object_get(last, "deed");
    json_int_t status = json_integer_value(json_object_get(event->response, "status"));
    if (!effect)
        return;
    if (status)
        json_object_set_new(effect, "status", json_integer(status));
    if (json_object_get(event->response, "json"))
        json_object_set(effect, "answer", json_object_get(event->response, "json"));
    if (event->result)
        json_object_set(effect, "result", event->result);
    json_object_set_new(effect, "outcome", json_string(words[event->outcome]));
    if (open_attempt(r, event->task))
        return;
    /* the answer outlived its call */
    set_duration(effect, "after", event->at_ms - json_integer_value(json_object_get(last, "at")));
    tidy_deed(effect);
}

static void spent(const struct recording *r, const struct event *event)
{
    char cost[32];
    json_t *spend = json_object_get(open_attempt(r, event->task), "spend");
    json_t *attempt = open_attempt(r, event->task);
    if (!attempt)
        return;
    int64_t before = 0;
    const char *said = json_string_value(json_object_get(spend, "cost"));
    json_int_t tokens = json_integer_value(json_object_get(spend, "tokens"));
    if (said && !money_parse(slice_of(said), &before))
        before = 0;
    json_object_set_new(attempt, "spend",
                        json_pack("{s:I, s:s}", "tokens", tokens + (json_int_t)event->tokens,
                                  "cost", money_text(before + event->cost, cost)));
}

static void call_asked(const struct recording *r, const struct event *event)
{
    json_t *attempt = open_attempt(r, event->task);
    json_t *calls = json_object_get(attempt, "calls");
    if (!attempt)
        return;
    if (!calls) {
        calls = json_array();
        json_object_set_new(attempt, "calls", calls);
    }
    AUTO(freep) char *name = xstrdup(event->effect ? event->effect : "");
    name[strcspn(name, "#")] = '\0';
    json_array_append_new(calls, json_pack("{s:s, s:s, s:O*}", "agent", event->code, "name", name,
                                           "input", event->body));
}

static json_t *effects_of(const json_t *attempt)
{
    const char *name;
    json_t *effect, *list = json_array();
    json_object_foreach (json_object_get(attempt, "effects"), name, effect) {
        tidy_deed(effect);
        json_array_append(list, effect);
    }
    return list;
}

/* ---- how it ended ---- */

static json_t *failure_of(const struct event *event)
{
    static const char *const known[] = {"unavailable", "rate_limited", "timeout",  "busy",
                                        "input",       "failed",       "denied",   "unsupported",
                                        "internal",    "budget",       "cancelled"};
    const char *word = cause_word(event->cause), *cause = "internal";
    const char *message = json_string_value(json_object_get(event->body, "message"));
    if (!message)
        message = event->message;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(word, known[i]) == 0)
            cause = known[i];
    json_t *fail = json_pack("{s:s, s:s*, s:s*}", "cause", cause, "message", message, "code",
                             event->code && *event->code ? event->code : NULL);
    if (event->retry_after_ms > 0)
        set_duration(fail, "retry_after", event->retry_after_ms);
    if (event->claim != OUTCOME_NONE)
        json_object_set_new(fail, "outcome",
                            json_string(event->claim == OUTCOME_DONE ? "done" : "unknown"));
    return fail;
}

static json_t *answer_of(const struct event *event)
{
    json_t *answer = json_object();
    bool late = event->cause == CAUSE_TIMEOUT && !event->body;
    if (event->end == END_OK)
        json_object_set(answer, "output", event->body ? event->body : json_null());
    else if (event->end == END_INPUT_REQUIRED)
        json_object_set(answer, "ask", event->body);
    else if (event->end == END_FAILED && (event->cause == CAUSE_CRASH || late))
        json_object_set_new(answer, late ? "hang" : "crash", json_true());
    else
        json_object_set_new(answer, "fail", failure_of(event));
    return answer;
}

static void complete(struct recording *r, uint32_t task, json_t *answer_taken, int64_t at_ms,
                     bool fits)
{
    AUTO(freep) char *name = name_of(task);
    json_t *attempt = json_object_get(r->open, name);
    if (!attempt) {
        json_decref(answer_taken);
        return;
    }
    json_t *effects = effects_of(attempt);
    bool says = json_is_true(json_object_get(attempt, "writes")) &&
                json_is_true(json_object_get(attempt, "brokered"));
    if (json_array_size(effects) > 0 || (says && json_object_get(answer_taken, "output")))
        json_object_set(answer_taken, "effects", effects);
    json_decref(effects);
    json_object_set(answer_taken, "calls", json_object_get(attempt, "calls"));
    json_object_set(answer_taken, "spend", json_object_get(attempt, "spend"));
    if (!fits && json_object_get(answer_taken, "output"))
        json_object_set_new(answer_taken, "invalid", json_true());
    if (!json_object_get(answer_taken, "hang"))
        set_duration(answer_taken, "after",
                     at_ms - json_integer_value(json_object_get(attempt, "at")));
    keep_answer(r, attempt, answer_taken);
    json_object_del(r->open, name);
}

static void ended(struct recording *r, const struct event *event, const struct decisions *decisions)
{
    bool fits = true;
    for (size_t i = 0; i < decisions->count; i++)
        if (decisions->list[i].kind == DECISION_JUDGE && event->end == END_OK)
            fits = decisions->list[i].fits;
    complete(r, event->task, answer_of(event), event->at_ms, fits);
}

/* Its host died. */
static void all_lost(struct recording *r, int64_t at_ms)
{
    const char *name;
    json_t *attempt;
    void *next;
    r->taken_over |= json_object_size(r->open) > 0;
    json_object_foreach_safe (r->open, next, name, attempt) {
        complete(r, (uint32_t)strtoul(name, NULL, 10), json_pack("{s:b}", "crash", 1), at_ms, true);
    }
}

/* ---- people ---- */

static void answered(struct recording *r, const struct run *run, const struct event *event)
{
    AUTO(freep) char *task = name_of(event->task);
    const char *path = run_task_path(run, event->task);
    int64_t asked = json_integer_value(json_object_get(r->asked, task));
    json_t *person = json_object();
    if (event->kind == EVENT_EXPIRED)
        json_object_set_new(person, "silence", json_true());
    else if (event->deny || !event->body)
        json_object_set_new(person, "deny", json_true());
    else
        json_object_set(person, "answer", event->body);
    if (event->kind == EVENT_ANSWERED) {
        set_duration(person, "after", event->at_ms - asked);
        if (event->who)
            json_object_set_new(person, "who", json_string(event->who));
    }
    put_answer(member(r->scene, "people"), path, event->revision ? event->revision : 1, person);
}

/* ---- the run ---- */

static void started(struct recording *r, const struct event *event)
{
    char when[64];
    time_t seconds = (time_t)(event->at_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t length = strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(when + length, sizeof(when) - length, ".%03dZ", (int)(event->at_ms % 1000));
    r->began_ms = event->at_ms;
    json_object_set(r->scene, "input", event->input ? event->input : json_null());
    json_object_set_new(r->scene, "started", json_string(when));
    json_object_set_new(r->scene, "seed", json_integer((json_int_t)event->seed));
}

static bool take_record(void *user, uint64_t seq, struct record *record, struct run *run)
{
    struct recording *r = user;
    const struct event *event = &record->event;
    (void)seq;
    history_add(r->history, run, &record->decisions);
    if (event->kind == EVENT_STARTED)
        started(r, event);
    else if (event->kind == EVENT_TAKEN_OVER)
        all_lost(r, event->at_ms);
    else if (event->kind == EVENT_EFFECT_ASKED)
        effect_asked(r, event);
    else if (event->kind == EVENT_EFFECT_ENDED)
        effect_ended(r, event);
    else if (event->kind == EVENT_SPENT)
        spent(r, event);
    else if (event->kind == EVENT_CALL_ASKED)
        call_asked(r, event);
    else if (event->kind == EVENT_ENDED)
        ended(r, event, &record->decisions);
    else if (event->kind == EVENT_ANSWERED || event->kind == EVENT_EXPIRED)
        answered(r, run, event);
    else if (event->kind == EVENT_CANCEL_ASKED)
        set_duration(r->scene, "cancel", event->at_ms - r->began_ms);
    for (size_t i = 0; i < record->decisions.count; i++) {
        const struct decision *decision = &record->decisions.list[i];
        AUTO(freep) char *task = name_of(decision->task);
        if (decision->kind == DECISION_START)
            begin_attempt(r, run, decision, event->at_ms);
        else if (decision->kind == DECISION_ASK)
            json_object_set_new(r->asked, task, json_integer(event->at_ms));
    }
    return true;
}

/* What an effect came to says whether its requests happened: the last one did, if the effect is
 * done, and none before it. */
static void settle_effect(const struct recording *r, uint32_t task,
                          const struct effect_view *effect)
{
    size_t i;
    json_t *entry;
    AUTO(freep) char *name = xasprintf("%u %s", task, effect->name);
    const json_t *list = json_object_get(r->deeds, name);
    json_array_foreach (list, i, entry) {
        json_t *deed = json_object_get(entry, "deed");
        const char *outcome = json_string_value(json_object_get(deed, "outcome"));
        bool doubted =
            json_object_get(deed, "status") || (outcome && strcmp(outcome, "unknown") == 0);
        bool happened = effect->outcome != OUTCOME_NONE && i + 1 == json_array_size(list);
        if (doubted)
            json_object_set_new(deed, "happened", json_boolean(happened));
    }
}

static void settle_doubts(const struct recording *r, const struct run *run)
{
    for (uint32_t i = 0; i < run_task_count(run); i++)
        for (size_t k = 0; k < run_task_effects(run, i); k++) {
            struct effect_view effect = run_task_effect(run, i, k);
            settle_effect(r, i, &effect);
        }
}

static json_t *expected_of(const struct run *run)
{
    json_t *expect = json_pack("{s:s}", "status", run_status_word(run_status(run)));
    const json_t *error = run_error(run);
    struct question_view question;
    if (run_status(run) == RUN_DONE && run_output(run))
        json_object_set(expect, "output", (json_t *)run_output(run));
    if (run_status(run) != RUN_DONE && error)
        json_object_set_new(expect, "error",
                            json_pack("{s:O*, s:O*}", "code", json_object_get(error, "code"),
                                      "step", json_object_get(error, "step")));
    for (uint32_t i = 0; i < run_task_count(run); i++)
        if (run_question(run, i, &question))
            json_object_set(member(expect, "asks"), run_task_path(run, i),
                            json_object_get(question.shown, "question"));
    return expect;
}

/* A list of one is written as the one. */
static void unwrap(json_t *scene, const char *key)
{
    const char *name;
    json_t *list;
    void *next;
    json_t *all = json_object_get(scene, key);
    json_object_foreach_safe (all, next, name, list) {
        if (json_array_size(list) == 1)
            json_object_set(all, name, json_array_get(list, 0));
    }
}

enum error_code record_case(struct journal_reader *reader, const char *id, struct flow *flow,
                            json_t **ret_case, json_t **ret_history, bool *ret_taken_over,
                            struct error *reterr)
{
    struct recording r = {
        .scene = json_pack("{s:s}", "case", id),
        .open = json_object(),
        .deeds = json_object(),
        .asked = json_object(),
        .history = json_object(),
    };
    struct run *run = NULL;
    enum error_code code = fold_run(reader, id, flow, take_record, &r, &run, reterr);
    if (code == ERR_OK) {
        settle_doubts(&r, run);
        unwrap(r.scene, "steps");
        unwrap(r.scene, "agents");
        json_object_set_new(r.scene, "expect", expected_of(run));
        *ret_case = json_incref(r.scene);
        *ret_history = json_incref(r.history);
        *ret_taken_over = r.taken_over;
    }
    run_free(run);
    json_decref(r.scene);
    json_decref(r.open);
    json_decref(r.deeds);
    json_decref(r.asked);
    json_decref(r.history);
    return code;
}
