/* SPDX-License-Identifier: Apache-2.0
 *
 * A bench for the orchestrator: real flows compiled from text, and events sent one by one. After
 * each event three things are proven without being asked for: the record can be written and read
 * back; a second run that only follows what was recorded is in the same state, and can say why; a
 * third one that decides again decides the same, and rests between two events.
 */
#ifndef TESTS_ORCHESTRATOR_FIXTURE_H
#define TESTS_ORCHESTRATOR_FIXTURE_H

#include "orchestrator/state_internal.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OUT                                                                                        \
    "{\"type\": \"object\", \"required\": [\"n\"], \"properties\": {\"n\": {\"type\": "            \
    "\"integer\"}, \"list\": {\"type\": \"array\"}, \"ok\": {\"type\": \"boolean\"}, "             \
    "\"confidence\": {\"type\": \"number\"}}}"

struct bench {
    char file[64];
    struct catalog catalog;
    struct flow *flow;
    struct run *run, *follower, *twin;
    struct decisions last; /* of the last event */
    json_t *whys;          /* what explains each of them */
    int64_t now;
    size_t records;
};

static inline json_t *json_of(const char *text)
{
    json_t *json = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    ck_assert_msg(!text || json, "not JSON: %s", text);
    return json;
}

static inline struct agent *bench_agent(struct bench *b, const char *name, enum effect_class effect,
                                        bool brokered)
{
    struct agent *agent = xcalloc(1, sizeof(*agent));
    json_t *schema = json_of(OUT);
    agent->name = xstrdup(name);
    agent->effect = effect;
    agent->brokered = brokered;
    agent->settle_ms = agent->key_ttl_ms = agent->call_ms = -1;
    agent->confidence = xstrdup("/confidence");
    ck_assert_int_eq(contract_compile(schema, NULL, &agent->output, NULL), ERR_OK);
    json_decref(schema);
    catalog_add(&b->catalog, agent);
    return agent;
}

static inline struct agent *told_by(struct agent *agent, int64_t settle_ms)
{
    agent->reconcile = xstrdup("find");
    agent->ref = xstrdup("/n");
    agent->settle_ms = settle_ms;
    return agent;
}

static inline void may_call(struct bench *b, const char *caller, const char *callee)
{
    struct agent *agent = (struct agent *)catalog_find(&b->catalog, slice_of(caller));
    agent->calls = xrealloc(agent->calls, (agent->call_count + 1) * sizeof(*agent->calls));
    agent->calls[agent->call_count++] = catalog_find(&b->catalog, slice_of(callee));
}

/* w/pure w/read; w/idem (same key twice is once), w/idem-find; w/write (nobody can tell), w/book
 * (w/find can, and it settles), w/book-unsettled, w/tour (w/find can, of each of its effects);
 * w/bare* are not brokered. */
static inline void bench_catalog(struct bench *b)
{
    json_t *strict = json_of("{\"type\": \"object\", \"required\": [\"n\"]}");
    catalog_init(&b->catalog);
    bench_agent(b, "w/pure", CLASS_PURE, true);
    bench_agent(b, "w/read", CLASS_READ, true);
    struct agent *find = bench_agent(b, "w/find", CLASS_READ, true);
    contract_unref(find->output);
    find->output = NULL;
    bench_agent(b, "w/idem", CLASS_WRITE_IDEMPOTENT, true);
    told_by(bench_agent(b, "w/idem-find", CLASS_WRITE_IDEMPOTENT, true), 1000);
    told_by(bench_agent(b, "w/idem-old", CLASS_WRITE_IDEMPOTENT, true), 1000)->key_ttl_ms = 5000;
    told_by(bench_agent(b, "w/bare-idem-old", CLASS_WRITE_IDEMPOTENT, false), 0)->key_ttl_ms = 5000;
    bench_agent(b, "w/write", CLASS_WRITE, true)->ref = xstrdup("/n");
    struct agent *settles = bench_agent(b, "w/write-settles", CLASS_WRITE, true);
    settles->settle_ms = 1000;
    settles->ref = xstrdup("/n");
    struct agent *tour = told_by(bench_agent(b, "w/tour", CLASS_WRITE, true), 1000);
    free(tour->ref);
    tour->ref = NULL;
    bench_agent(b, "w/write-settles-at-once", CLASS_WRITE, true)->settle_ms = 0;
    told_by(bench_agent(b, "w/book", CLASS_WRITE, true), 1000);
    told_by(bench_agent(b, "w/book-unsettled", CLASS_WRITE, true), -1);
    bench_agent(b, "w/bare", CLASS_WRITE, false);
    told_by(bench_agent(b, "w/bare-find", CLASS_WRITE, false), 1000);
    bench_agent(b, "w/bare-idem", CLASS_WRITE_IDEMPOTENT, false);
    struct agent *dear = bench_agent(b, "w/dear", CLASS_READ, true);
    dear->tokens = 100;
    dear->cost = 50;
    bench_agent(b, "w/strict", CLASS_READ, true)->input = NULL;
    struct agent *picky = bench_agent(b, "w/picky", CLASS_READ, true);
    ck_assert_int_eq(contract_compile(strict, NULL, &picky->input, NULL), ERR_OK);
    json_decref(strict);
    may_call(b, "w/read", "w/pure");
    may_call(b, "w/read", "w/dear");
    may_call(b, "w/read", "w/picky");
    may_call(b, "w/read", "w/write");
    may_call(b, "w/dear", "w/read");
    may_call(b, "w/write", "w/read");
    may_call(b, "w/write", "w/book");
    may_call(b, "w/write", "w/idem");
    may_call(b, "w/book", "w/write-settles");
    catalog_link(&b->catalog);
}

static inline struct flow *bench_flow(struct bench *b, const char *text)
{
    struct flow *flow = NULL;
    struct flow_options options = {.catalog = &b->catalog, .concurrency = 100};
    struct findings findings;
    struct error err = {0};
    AUTO(text_done) struct text said;
    strcpy(b->file, "/tmp/seam-orchestrator-XXXXXX");
    int fd = mkstemp(b->file);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    findings_init(&findings);
    text_init(&said, 1 << 16);
    enum error_code code = flow_compile(b->file, &options, &flow, &findings, &err);
    findings_text(&findings, &said);
    ck_assert_msg(code == ERR_OK, "%s%s", text_str(&said), err.text);
    findings_done(&findings);
    unlink(b->file);
    return flow;
}

static inline void bench_compile(struct bench *b, const char *text)
{
    b->flow = bench_flow(b, text);
}

static inline void expect_same(const struct run *a, const struct run *b, const char *what)
{
    json_t *one = run_describe(a), *other = run_describe(b);
    if (!json_equal(one, other)) {
        AUTO(freep) char *left = json_dumps(one, JSON_INDENT(1) | JSON_SORT_KEYS);
        AUTO(freep) char *right = json_dumps(other, JSON_INDENT(1) | JSON_SORT_KEYS);
        ck_abort_msg("%s differs:\n%s\nfrom\n%s", what, left, right);
    }
    json_decref(one);
    json_decref(other);
}

/* Follows what was recorded, and asks of each decision why it was made. */
static inline void follow_record(struct bench *b, const struct record *record)
{
    json_decref(b->whys);
    b->whys = json_array();
    run_apply(b->follower, &record->event);
    for (size_t i = 0; i < record->decisions.count; i++) {
        const struct decision *decision = &record->decisions.list[i];
        json_array_append_new(b->whys, run_why(b->follower, &record->event, decision));
        run_follow(b->follower, &record->event, decision);
    }
}

static inline void lay_text(const json_t *value, struct text *out)
{
    AUTO(freep) char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    text_adds(out, text);
}

static inline json_t *raise_text(struct slice text)
{
    json_t *value = json_loadb(text.ptr, text.len, JSON_DECODE_ANY, NULL);
    ck_assert_ptr_nonnull(value);
    return value;
}

/* Whatever was raised before. */
static inline void rest_again(struct run *run)
{
    static const struct rest rest = {lay_text, raise_text};
    for (uint32_t i = 0; i < run->frame_count; i++)
        run->frames[i]->input.was_raised = false;
    for (uint32_t i = 0; i < run->task_count; i++)
        run->tasks[i]->input.was_raised = false;
    run_rest(run, &rest);
}

static inline void prove_record(struct bench *b, const struct event *event)
{
    struct record record;
    struct error err = {0};
    struct decisions again = {0};
    json_t *made = record_json(b->run, event, &b->last);
    AUTO(freep) char *text = json_dumps(made, 0);
    json_t *json = json_of(text);
    ck_assert_msg(record_read(json, &record, &err) == ERR_OK, "%s in %s", err.text, text);
    follow_record(b, &record);
    run_advance(b->twin, &record.event, &again);
    json_t *anew = record_json(b->twin, &record.event, &again);
    AUTO(freep) char *other = json_dumps(anew, 0);
    ck_assert_str_eq(text, other);
    expect_same(b->follower, b->run, "what was followed");
    expect_same(b->twin, b->run, "what was decided again");
    decisions_done(&again);
    rest_again(b->twin);
    record_done(&record);
    json_decref(made);
    json_decref(anew);
    json_decref(json);
    b->records++;
}

/* The decisions are in b->last until the next event. */
static inline void happen(struct bench *b, struct event event)
{
    decisions_done(&b->last);
    event.at_ms = b->now;
    run_advance(b->run, &event, &b->last);
    prove_record(b, &event);
    for (size_t i = 0; i < b->last.count; i++) {
        const struct decision *decision = &b->last.list[i];
        ck_assert_ptr_nonnull(decision->rule);
        ck_assert_msg(rule_meaning(decision->rule) != NULL, "rule %s has no meaning",
                      decision->rule);
    }
}

static inline void bench_open(struct bench *b, const char *text)
{
    *b = (struct bench){.now = 1000000};
    bench_catalog(b);
    bench_compile(b, text);
}

static inline void bench_begin(struct bench *b, const char *input, uint64_t seed, bool paranoid)
{
    b->run = run_new(b->flow);
    b->follower = run_new(b->flow);
    b->twin = run_new(b->flow);
    json_t *json = json_of(input);
    happen(b, (struct event){.kind = EVENT_STARTED,
                             .run = "r1",
                             .store = "s1",
                             .seed = seed,
                             .paranoid = paranoid,
                             .input = json});
    json_decref(json);
}

static inline void bench_start(struct bench *b, const char *text, const char *input)
{
    bench_open(b, text);
    bench_begin(b, input, 0x1122334455667788, false);
}

/* STEPS are lines of a flow's `steps`, indented by two spaces. */
#define FLOW(steps)                                                                                \
    "flow: f\nbudget: {attempts: 40, calls: 60, time: 10m, recovery: {calls: 6}}\n"                \
    "escalation: {to: ops, deadline: 1h}\n"                                                        \
    "defaults: {retry: {jitter: none}}\nsteps:\n" steps

static inline void bench_done(struct bench *b)
{
    decisions_done(&b->last);
    json_decref(b->whys);
    run_free(b->run);
    run_free(b->follower);
    run_free(b->twin);
    flow_unref(b->flow);
    catalog_done(&b->catalog);
}

/* ---- looking ---- */

static inline uint32_t task_of(const struct bench *b, const char *path)
{
    for (uint32_t i = 0; i < run_task_count(b->run); i++)
        if (strcmp(run_task_path(b->run, i), path) == 0)
            return i;
    ck_abort_msg("no task %s", path);
}

static inline bool has_task(const struct bench *b, const char *path)
{
    for (uint32_t i = 0; i < run_task_count(b->run); i++)
        if (strcmp(run_task_path(b->run, i), path) == 0)
            return true;
    return false;
}

static inline const struct task *the_task(const struct bench *b, const char *path)
{
    return task_at(b->run, task_of(b, path));
}

static inline enum outcome outcome_in(const struct bench *b, const char *path, const char *effect)
{
    const struct effect *found = task_effect(the_task(b, path), effect);
    ck_assert_msg(found != NULL, "%s has no effect %s", path, effect);
    return found->outcome;
}

static inline void print_decisions(const struct bench *b)
{
    for (size_t i = 0; i < b->last.count; i++)
        fprintf(stderr, "  %s by %s of task %u\n", decision_kind_word(b->last.list[i].kind),
                b->last.list[i].rule, b->last.list[i].task);
}

static inline const struct decision *find_decision(const struct bench *b, enum decision_kind kind,
                                                   const char *rule)
{
    for (size_t i = 0; i < b->last.count; i++)
        if (b->last.list[i].kind == kind && (!rule || strcmp(b->last.list[i].rule, rule) == 0))
            return &b->last.list[i];
    return NULL;
}

/* The last event led to this decision, by this rule (NULL = by any). */
static inline const struct decision *decided(const struct bench *b, enum decision_kind kind,
                                             const char *rule)
{
    const struct decision *found = find_decision(b, kind, rule);
    if (!found)
        print_decisions(b);
    ck_assert_msg(found != NULL, "no %s by %s", decision_kind_word(kind), rule ? rule : "any rule");
    return found;
}

static inline void not_decided(const struct bench *b, enum decision_kind kind)
{
    if (find_decision(b, kind, NULL))
        print_decisions(b);
    ck_assert_msg(!find_decision(b, kind, NULL), "decided %s", decision_kind_word(kind));
}

static inline void expect_state(const struct bench *b, const char *path, enum task_state state)
{
    ck_assert_msg(the_task(b, path)->state == state, "%s is in state %d, not %d", path,
                  (int)the_task(b, path)->state, (int)state);
}

static inline void expect_status(const struct bench *b, enum run_status status)
{
    ck_assert_str_eq(run_status_word(run_status(b->run)), run_status_word(status));
}

static inline void expect_json(const json_t *json, const char *text)
{
    AUTO(freep) char *found = json_dumps(json, JSON_ENCODE_ANY | JSON_SORT_KEYS);
    json_t *wanted = json_of(text);
    AUTO(freep) char *expected = json_dumps(wanted, JSON_ENCODE_ANY | JSON_SORT_KEYS);
    json_decref(wanted);
    ck_assert_str_eq(found ? found : "nothing", expected);
}

/* ---- what may happen ---- */

static inline struct event of_task(const struct bench *b, enum event_kind kind, const char *path)
{
    const struct task *task = the_task(b, path);
    return (struct event){.kind = kind,
                          .task = task_of(b, path),
                          .attempt = task->serial,
                          .revision = task->revision};
}

static inline void ends(struct bench *b, const char *path, enum end end, enum cause cause,
                        enum outcome claim, const char *body)
{
    struct event event = of_task(b, EVENT_ENDED, path);
    event.end = end;
    event.cause = cause;
    event.claim = claim;
    event.body = json_of(body);
    happen(b, event);
    json_decref(event.body);
}

static inline void ok(struct bench *b, const char *path, const char *output)
{
    ends(b, path, END_OK, CAUSE_UNAVAILABLE, OUTCOME_NONE, output);
}

static inline void fails(struct bench *b, const char *path, enum cause cause)
{
    ends(b, path, END_FAILED, cause, OUTCOME_NONE, NULL);
}

static inline enum begin begins_other(struct bench *b, const char *path, const char *effect,
                                      const char *digest, bool automatic)
{
    struct event event = of_task(b, EVENT_EFFECT_ASKED, path);
    event.effect = effect;
    event.digest = digest;
    event.automatic = automatic;
    event.request = json_of("{\"what\": \"ever\"}");
    happen(b, event);
    json_decref(event.request);
    return decided(b, DECISION_EFFECT, NULL)->begin;
}

static inline enum begin begins(struct bench *b, const char *path, const char *effect)
{
    return begins_other(b, path, effect, "d1", false);
}

static inline void evidence_of(struct bench *b, const char *path, uint32_t attempt,
                               const char *effect, enum outcome outcome, const char *response,
                               const char *result)
{
    struct event event = of_task(b, EVENT_EFFECT_ENDED, path);
    event.attempt = attempt;
    event.effect = effect;
    event.outcome = outcome;
    event.response = json_of(response);
    event.result = json_of(result);
    happen(b, event);
    json_decref(event.response);
    json_decref(event.result);
}

/* The agent of the task wants another one called, by that name. */
static inline enum begin asks_for(struct bench *b, const char *path, const char *name,
                                  const char *agent, const char *input, const char *terms)
{
    struct event event = of_task(b, EVENT_CALL_ASKED, path);
    AUTO(freep) char *digest = xasprintf("%s %s", agent, input);
    event.effect = name;
    event.code = agent;
    event.digest = digest;
    event.body = json_of(input);
    event.request = json_of(terms);
    happen(b, event);
    json_decref(event.body);
    json_decref(event.request);
    return decided(b, DECISION_CALL, NULL)->begin;
}

/* What the host saw of the effect's request, of the last attempt. */
static inline void seen(struct bench *b, const char *path, const char *effect, enum outcome outcome)
{
    evidence_of(b, path, the_task(b, path)->serial, effect, outcome,
                outcome == OUTCOME_DONE ? "{\"status\": 201}" : NULL, NULL);
}

static inline void commits(struct bench *b, const char *path, const char *effect,
                           const char *result)
{
    evidence_of(b, path, the_task(b, path)->serial, effect, OUTCOME_DONE, NULL, result);
}

/* Begun, answered and committed: DONE with a result. */
static inline void does(struct bench *b, const char *path, const char *effect, const char *result)
{
    ck_assert_int_eq(begins(b, path, effect), BEGIN_FRESH);
    seen(b, path, effect, OUTCOME_DONE);
    commits(b, path, effect, result);
}

/* Begun, sent, and the answer never came: the request is closed, and the attempt ends. */
static inline void loses(struct bench *b, const char *path, const char *effect)
{
    ck_assert_int_eq(begins(b, path, effect), BEGIN_FRESH);
    seen(b, path, effect, OUTCOME_UNKNOWN);
    fails(b, path, CAUSE_TIMEOUT);
}

static inline void comes_due(struct bench *b, const char *path)
{
    int64_t due = run_task_due(b->run, task_of(b, path));
    ck_assert_int_ge(due, 0);
    b->now = due > b->now ? due : b->now;
    happen(b, of_task(b, EVENT_DUE, path));
}

/* Said at said_ms, taken up now; 0 = now. */
static inline void answers_at(struct bench *b, const char *path, const char *answer,
                              int64_t said_ms)
{
    struct event event = of_task(b, EVENT_ANSWERED, path);
    event.said_ms = said_ms;
    event.who = "somebody";
    event.body = json_of(answer);
    happen(b, event);
    json_decref(event.body);
}

static inline void answers(struct bench *b, const char *path, const char *answer)
{
    answers_at(b, path, answer, 0);
}

static inline void denies(struct bench *b, const char *path)
{
    struct event event = of_task(b, EVENT_ANSWERED, path);
    event.deny = true;
    happen(b, event);
}

static inline void expires(struct bench *b, const char *path)
{
    int64_t deadline = run_task_question_deadline(b->run, task_of(b, path));
    ck_assert_int_ge(deadline, 0);
    b->now = deadline;
    happen(b, of_task(b, EVENT_EXPIRED, path));
}

static inline void cancels(struct bench *b)
{
    happen(b, (struct event){.kind = EVENT_CANCEL_ASKED, .who = "somebody"});
}

static inline void time_runs_out(struct bench *b)
{
    happen(b, (struct event){.kind = EVENT_TIME_SPENT});
}

static inline void taken_over(struct bench *b)
{
    happen(b, (struct event){.kind = EVENT_TAKEN_OVER, .rules = RULES_VERSION});
}

#endif
