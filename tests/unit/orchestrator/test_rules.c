/* SPDX-License-Identifier: Apache-2.0
 *
 * The rule table: each row is reached by a run, and no combination of facts, possible or not, gets
 * past the table or is answered against the laws of effects.
 */
#include "fixture.h"

/* ---- an effect is in doubt ---- */

static void reach_in_doubt_same_key(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/idem}\n"), "{}");
    loses(b, "a", "e");
    decided(b, DECISION_RETRY, "in-doubt-same-key");
    comes_due(b, "a");
    ck_assert_int_eq(begins(b, "a", "e"), BEGIN_FRESH);
}

static void reach_in_doubt_reconcile(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/book}\n"), "{}");
    loses(b, "a", "e");
    decided(b, DECISION_RECONCILE, "in-doubt-reconcile");
    const struct decision *start = decided(b, DECISION_START, "reconcile-attempt");
    ck_assert(start->reconciling);
    ck_assert_str_eq(json_string_value(json_object_get(start->input, "effect")), "e");
    ck_assert_str_eq(json_string_value(json_object_get(start->input, "key")),
                     run_task_effect(b->run, 0, 0).key);
}

static void reach_in_doubt_person(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/write}\n"), "{}");
    loses(b, "a", "e");
    ck_assert_int_eq(decided(b, DECISION_ASK, "in-doubt-person")->question, QUESTION_DOUBT);
    expect_status(b, RUN_WAITING);
}

static void reach_in_doubt_happened(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/book}\n"), "{}");
    loses(b, "a", "e");
    ok(b, "a", "{\"outcome\": \"happened\", \"result\": {\"n\": 7}}");
    decided(b, DECISION_RESOLVE, "reconcile-happened");
    decided(b, DECISION_ACCEPT, "in-doubt-happened");
    expect_json(the_task(b, "a")->output, "{\"n\": 7}");
    expect_status(b, RUN_DONE);
}

/* ---- success ---- */

static void reach_same_key_other_request(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/write}\n"), "{}");
    does(b, "a", "e", "{\"id\": 1}");
    fails(b, "a", CAUSE_CRASH);
    comes_due(b, "a");
    ck_assert_int_eq(begins_other(b, "a", "e", "another", false), BEGIN_CONFLICT);
    ok(b, "a", "{\"n\": 1}");
    ck_assert_int_eq(decided(b, DECISION_ASK, "same-key-other-request")->question, QUESTION_OUTPUT);
}

static void reach_effect_left_behind(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/write}\n"), "{}");
    does(b, "a", "e", "{\"id\": 1}");
    fails(b, "a", CAUSE_CRASH);
    comes_due(b, "a");
    ok(b, "a", "{\"n\": 1}");
    decided(b, DECISION_ASK, "effect-left-behind");
}

static void reach_output_accepted(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/pure}\n"), "{}");
    ok(b, "a", "{\"n\": 1}");
    decided(b, DECISION_ACCEPT, "output-accepted");
}

/* ---- the run is ending ---- */

static void reach_done_without_output(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/write}\n"), "{}");
    does(b, "a", "e", "{\"id\": 1}");
    cancels(b);
    fails(b, "a", CAUSE_CRASH);
    decided(b, DECISION_ASK, "done-without-output");
}

static void reach_run_ending(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/pure}\n"), "{}");
    cancels(b);
    decided(b, DECISION_STOP, "run-ending");
    fails(b, "a", CAUSE_CANCELLED);
    decided(b, DECISION_ABANDON, "run-ending");
    expect_status(b, RUN_CANCELLED);
}

/* ---- a person's input ---- */

#define ASKS "{\"question\": \"which?\", \"schema\": {\"type\": \"string\"}}"

static void requires_input(struct bench *b, const char *path)
{
    ends(b, path, END_INPUT_REQUIRED, CAUSE_UNAVAILABLE, OUTCOME_NONE, ASKS);
}

static void reach_input_required(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/read}\n"), "{}");
    requires_input(b, "a");
    ck_assert_int_eq(decided(b, DECISION_ASK, "input-required")->question, QUESTION_INPUT);
    answers(b, "a", "\"this\"");
    expect_json(decided(b, DECISION_START, "next-attempt")->feedback, "\"this\"");
}

static void reach_input_required_nothing_done(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/write}\n"), "{}");
    requires_input(b, "a");
    decided(b, DECISION_ASK, "input-required-nothing-done");
}

static void reach_input_required_after_effect(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/write}\n"), "{}");
    does(b, "a", "e", "1");
    requires_input(b, "a");
    ck_assert_int_eq(decided(b, DECISION_ASK, "input-required-after-effect")->question,
                     QUESTION_OUTPUT);
}

/* ---- the output was refused ---- */

static void reach_confidence_escalate(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/read, confidence: {min: 0.8}}\n"), "{}");
    ok(b, "a", "{\"n\": 1, \"confidence\": 0.5}");
    ck_assert_int_eq(decided(b, DECISION_ASK, "confidence-escalate")->question, QUESTION_OUTPUT);
    answers(b, "a", "{\"approve\": true}");
    expect_status(b, RUN_DONE);
}

static void reach_confidence_fail(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/write, confidence: {min: 0.8, below: fail}}\n"), "{}");
    ok(b, "a", "{\"n\": 1, \"confidence\": 0.5}");
    decided(b, DECISION_FAIL, "confidence-fail");
    expect_status(b, RUN_FAILED);
}

static void reach_confidence_fail_after_effect(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/idem, confidence: {min: 0.8, below: fail}}\n"), "{}");
    does(b, "a", "e", "1");
    ok(b, "a", "{\"n\": 1, \"confidence\": 0.5}");
    decided(b, DECISION_ASK, "confidence-fail-after-effect");
}

static void reach_refused_retry_feedback(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/pure}\n"), "{}");
    ok(b, "a", "{\"m\": 1}");
    decided(b, DECISION_RETRY, "refused-retry-feedback");
    comes_due(b, "a");
    const struct decision *start = decided(b, DECISION_START, "next-attempt");
    expect_json(json_object_get(start->feedback, "reason"), "\"contract\"");
    expect_json(json_object_get(start->feedback, "output"), "{\"m\": 1}");
}

static void reach_refused_same_key(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/idem}\n"), "{}");
    does(b, "a", "e", "1");
    ok(b, "a", "{}");
    decided(b, DECISION_RETRY, "refused-same-key");
}

static void reach_refused_nothing_done(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/write}\n"), "{}");
    ok(b, "a", "{}");
    decided(b, DECISION_RETRY, "refused-nothing-done");
}

static void reach_refused_after_effect(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/write}\n"), "{}");
    does(b, "a", "e", "1");
    ok(b, "a", "{}");
    decided(b, DECISION_ASK, "refused-after-effect");
    not_decided(b, DECISION_RETRY);
}

static void reach_refused_write_spent(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/write, retry: {max_attempts: 1}}\n"), "{}");
    ok(b, "a", "{}");
    decided(b, DECISION_ASK, "refused-write-spent");
}

/* ---- it failed ---- */

static void reach_failed_after_effect(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/idem}\n"), "{}");
    does(b, "a", "e", "1");
    fails(b, "a", CAUSE_FAILED);
    decided(b, DECISION_ASK, "failed-after-effect");
}

static void reach_permanent(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/write}\n"), "{}");
    fails(b, "a", CAUSE_DENIED);
    decided(b, DECISION_FAIL, "permanent");
    expect_status(b, RUN_FAILED);
    expect_json(json_object_get(run_error(b->run), "code"), "\"denied\"");
}

static void reach_cancelled(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/pure}\n"), "{}");
    fails(b, "a", CAUSE_CANCELLED);
    decided(b, DECISION_FAIL, "cancelled");
}

static void reach_effect_done_replay(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/write}\n"), "{}");
    does(b, "a", "e", "{\"id\": 5}");
    fails(b, "a", CAUSE_CRASH);
    decided(b, DECISION_RETRY, "effect-done-replay");
    comes_due(b, "a");
    ck_assert_int_eq(begins(b, "a", "e"), BEGIN_DONE);
    expect_json(decided(b, DECISION_EFFECT, "effect-replayed")->result, "{\"id\": 5}");
    ok(b, "a", "{\"n\": 1}");
    expect_status(b, RUN_DONE);
}

static void reach_effect_done_recover(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/write, retry: {max_attempts: 1}}\n"), "{}");
    does(b, "a", "e", "1");
    fails(b, "a", CAUSE_CRASH);
    ck_assert(decided(b, DECISION_RETRY, "effect-done-recover")->granted);
    decided(b, DECISION_START, "next-attempt");
    ck_assert_int_eq(b->run->accounts[0].spent.recovery, 1);
    ck_assert_int_eq(b->run->accounts[0].spent.calls, 1);
}

static void reach_retry_safe_class(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/read}\n"), "{}");
    fails(b, "a", CAUSE_TIMEOUT);
    decided(b, DECISION_RETRY, "retry-safe-class");
}

static void reach_retry_same_key(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/idem}\n"), "{}");
    fails(b, "a", CAUSE_BUSY);
    decided(b, DECISION_RETRY, "retry-same-key");
}

static void reach_retry_nothing_done(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/write}\n"), "{}");
    ck_assert_int_eq(begins(b, "a", "e"), BEGIN_FRESH);
    seen(b, "a", "e", OUTCOME_NONE);
    fails(b, "a", CAUSE_UNAVAILABLE);
    decided(b, DECISION_RETRY, "retry-nothing-done");
    comes_due(b, "a");
    ck_assert_int_eq(begins(b, "a", "e"), BEGIN_FRESH);
}

/* ---- it cannot be tried again ---- */

static void reach_not_retried(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/read, retry: {retry_on: [busy]}}\n"), "{}");
    fails(b, "a", CAUSE_TIMEOUT);
    decided(b, DECISION_FAIL, "not-retried");
}

static void reach_attempts_spent(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/read, retry: {max_attempts: 2}}\n"), "{}");
    fails(b, "a", CAUSE_TIMEOUT);
    comes_due(b, "a");
    fails(b, "a", CAUSE_TIMEOUT);
    decided(b, DECISION_FAIL, "attempts-spent");
}

static void reach_deadline_spent(struct bench *b)
{
    bench_start(
        b, FLOW("  a: {agent: w/read, timeout: {schedule_to_close: 10s, start_to_close: 1s}}\n"),
        "{}");
    b->now += 9900;
    fails(b, "a", CAUSE_TIMEOUT);
    decided(b, DECISION_FAIL, "deadline-spent");
}

static void reach_budget_spent(struct bench *b)
{
    bench_start(b,
                "flow: f\nbudget: {attempts: 1, calls: 9, time: 10m}\nsteps:\n"
                "  a: {agent: w/read}\n",
                "{}");
    fails(b, "a", CAUSE_TIMEOUT);
    decided(b, DECISION_FAIL, "budget-spent");
}

/* ---- it is not to blame ---- */

static void reach_rate_limited_wait(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/read, retry: {max_attempts: 1}}\n"), "{}");
    struct event event = of_task(b, EVENT_ENDED, "a");
    event.end = END_FAILED;
    event.cause = CAUSE_RATE_LIMITED;
    event.retry_after_ms = 7000;
    happen(b, event);
    ck_assert(decided(b, DECISION_RETRY, "rate-limited-wait")->deferred);
    ck_assert_int_eq(run_task_due(b->run, task_of(b, "a")), b->now + 7000);
    ck_assert_int_eq(b->run->accounts[0].spent.attempts, 0);
    ck_assert_int_eq(b->run->accounts[0].spent.calls, 1);
}

/* ---- calls within calls, flows within flows ---- */

static void reach_caller_ended(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/read}\n"), "{}");
    ck_assert_int_eq(asks_for(b, "a", "x#1", "w/pure", "{}", NULL), BEGIN_FRESH);
    fails(b, "a", CAUSE_TIMEOUT);
    decided(b, DECISION_HOLD, "calls-open");
    decided(b, DECISION_STOP, "caller-ended");
    fails(b, "a/x#1", CAUSE_CANCELLED);
    decided(b, DECISION_ABANDON, "caller-ended");
    decided(b, DECISION_RETRY, "retry-safe-class");
}

static void reach_gave_way(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/read}\n"), "{}");
    ck_assert_int_eq(asks_for(b, "a", "x#1", "w/pure", "{}", NULL), BEGIN_FRESH);
    ends(b, "a/x#1", END_INPUT_REQUIRED, CAUSE_UNAVAILABLE, OUTCOME_NONE, ASKS);
    ends(b, "a", END_GAVE_WAY, CAUSE_UNAVAILABLE, OUTCOME_NONE, NULL);
    decided(b, DECISION_HOLD, "calls-open");
    answers(b, "a/x#1", "\"this\"");
    decided(b, DECISION_START, "next-attempt");
    ok(b, "a/x#1", "{\"n\": 1}");
    decided(b, DECISION_RETRY, "gave-way");
}

static void reach_call_spent(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/read}\n"), "{}");
    ck_assert_int_eq(asks_for(b, "a", "x#1", "w/pure", "{}", NULL), BEGIN_FRESH);
    fails(b, "a/x#1", CAUSE_TIMEOUT);
    decided(b, DECISION_FAIL, "attempts-spent");
    fails(b, "a", CAUSE_UNAVAILABLE);
    decided(b, DECISION_FAIL, "call-spent");
}

/* A step whose agent gives way to a flow. */
static void reach_flow_not_retried(struct bench *b)
{
    static const struct budget none = {-1, -1, -1, -1, -1, -1};
    bench_open(b, FLOW("  a: {agent: w/read, assert: [{that: \"${ .output.n > 1 }\"}]}\n"));
    struct step *step = &b->flow->steps[0];
    step->call.flow =
        bench_flow(b, FLOW("  b: {agent: w/read}\n") "output: {as: \"${ .steps.b.output }\"}\n");
    step->budget = none;
    bench_begin(b, "{}", 1, false);
    decided(b, DECISION_ENTER, "flow-begins");
    ok(b, "a/b", "{\"n\": 1}");
    decided(b, DECISION_LEAVE, "all-steps-final");
    decided(b, DECISION_FAIL, "flow-not-retried");
}

/* ---- a plugin in quarantine ---- */

static void reach_plugin_quarantined(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/read}\n"), "{}");
    ends(b, "a", END_NOT_STARTED, CAUSE_QUARANTINED, OUTCOME_NONE, NULL);
    decided(b, DECISION_FAIL, "plugin-quarantined");
    expect_status(b, RUN_FAILED);
}

static void reach_quarantined_after_effect(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/write}\n"), "{}");
    does(b, "a", "e", "{\"id\": 1}");
    fails(b, "a", CAUSE_CRASH);
    comes_due(b, "a");
    ends(b, "a", END_NOT_STARTED, CAUSE_QUARANTINED, OUTCOME_NONE, NULL);
    ck_assert_int_eq(decided(b, DECISION_ASK, "quarantined-after-effect")->question,
                     QUESTION_OUTPUT);
}

static void reach_quarantined_in_doubt(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/idem}\n"), "{}");
    loses(b, "a", "e");
    comes_due(b, "a");
    ends(b, "a", END_NOT_STARTED, CAUSE_QUARANTINED, OUTCOME_NONE, NULL);
    ck_assert_int_eq(decided(b, DECISION_ASK, "quarantined-in-doubt")->question, QUESTION_DOUBT);
}

/* ---- all of them ---- */

static const struct {
    const char *row;
    void (*reach)(struct bench *b);
} ways[] = {
    {"in-doubt-same-key", reach_in_doubt_same_key},
    {"in-doubt-reconcile", reach_in_doubt_reconcile},
    {"in-doubt-person", reach_in_doubt_person},
    {"in-doubt-happened", reach_in_doubt_happened},
    {"same-key-other-request", reach_same_key_other_request},
    {"effect-left-behind", reach_effect_left_behind},
    {"output-accepted", reach_output_accepted},
    {"done-without-output", reach_done_without_output},
    {"run-ending", reach_run_ending},
    {"input-required", reach_input_required},
    {"input-required-nothing-done", reach_input_required_nothing_done},
    {"input-required-after-effect", reach_input_required_after_effect},
    {"confidence-escalate", reach_confidence_escalate},
    {"confidence-fail", reach_confidence_fail},
    {"confidence-fail-after-effect", reach_confidence_fail_after_effect},
    {"refused-retry-feedback", reach_refused_retry_feedback},
    {"refused-same-key", reach_refused_same_key},
    {"refused-nothing-done", reach_refused_nothing_done},
    {"refused-after-effect", reach_refused_after_effect},
    {"refused-write-spent", reach_refused_write_spent},
    {"failed-after-effect", reach_failed_after_effect},
    {"permanent", reach_permanent},
    {"cancelled", reach_cancelled},
    {"effect-done-replay", reach_effect_done_replay},
    {"effect-done-recover", reach_effect_done_recover},
    {"retry-safe-class", reach_retry_safe_class},
    {"retry-same-key", reach_retry_same_key},
    {"retry-nothing-done", reach_retry_nothing_done},
    {"not-retried", reach_not_retried},
    {"attempts-spent", reach_attempts_spent},
    {"deadline-spent", reach_deadline_spent},
    {"budget-spent", reach_budget_spent},
    {"rate-limited-wait", reach_rate_limited_wait},
    {"caller-ended", reach_caller_ended},
    {"gave-way", reach_gave_way},
    {"call-spent", reach_call_spent},
    {"flow-not-retried", reach_flow_not_retried},
    {"plugin-quarantined", reach_plugin_quarantined},
    {"quarantined-after-effect", reach_quarantined_after_effect},
    {"quarantined-in-doubt", reach_quarantined_in_doubt},
};

enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

START_TEST(a_run_reaches_the_row)
{
    struct bench b;
    ways[_i].reach(&b);
    bench_done(&b);
}
END_TEST

static bool has_way(const char *row, size_t length)
{
    for (size_t i = 0; i < WAYS; i++)
        if (strlen(ways[i].row) == length && strncmp(ways[i].row, row, length) == 0)
            return true;
    return false;
}

/* A row's source line is `{"name", HAPPENED_…`. */
START_TEST(every_row_of_the_table_has_a_way_to_it)
{
    char line[256];
    size_t rows = 0;
    FILE *file = fopen(SOURCE_ROOT "/host/orchestrator/rules.c", "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof(line), file)) {
        const char *name = strstr(line, "    {\"");
        const char *end = name ? strstr(name, "\", HAPPENED_") : NULL;
        if (!end)
            continue;
        name += strlen("    {\"");
        ck_assert_msg(has_way(name, (size_t)(end - name)), "no way to row %.*s", (int)(end - name),
                      name);
        rows++;
    }
    fclose(file);
    ck_assert_uint_ge(rows, WAYS);
}
END_TEST

START_TEST(every_row_says_what_it_means)
{
    for (size_t i = 0; i < WAYS; i++)
        ck_assert_ptr_nonnull(rule_meaning(ways[i].row));
    ck_assert_ptr_null(rule_meaning("no-such-rule"));
    ck_assert_ptr_null(rule_alternative("no-such-rule"));
    ck_assert_ptr_nonnull(rule_alternative("in-doubt-person"));
}
END_TEST

/* ---- every combination of facts ---- */

enum { FACTS = 17, MORE_FACTS = 6, STRIDE = 121 };

static bool act_calls_again(enum act act)
{
    return act == ACT_RETRY || act == ACT_RETRY_FEEDBACK || act == ACT_REPLAY || act == ACT_DEFER;
}

static void hold_to_the_laws(enum happened happened, enum effect_class class, unsigned facts)
{
    const struct row *row = rules_match(happened, class, facts);
    bool writes = class == CLASS_WRITE || class == CLASS_WRITE_IDEMPOTENT;
    bool again = act_calls_again(row->act);
    bool doubt = facts & FACT_UNKNOWN, done = facts & FACT_DONE;
    if (doubt && writes)
        ck_assert_msg(row->act == ACT_RECONCILE || row->act == ACT_ASK_DOUBT ||
                          (class == CLASS_WRITE_IDEMPOTENT && row->act == ACT_RETRY &&
                           (facts & FACT_KEY_LIVE) && !(facts & FACT_ENDING)),
                      "in doubt, and %s", row->name);
    if (done && writes && !doubt)
        /* what an orphan did is its caller's to answer for */
        ck_assert_msg(row->act != ACT_ON_FAILURE &&
                          (row->act != ACT_ABANDON || (facts & FACT_ORPHAN)) &&
                          row->act != ACT_ASK_INPUT,
                      "an effect stands, and %s drops it", row->name);
    if (done && class == CLASS_WRITE)
        ck_assert_msg(!again || !(facts & FACT_BARE), "done, not to be replayed, and %s",
                      row->name);
    if (happened == HAPPENED_REFUSED && class == CLASS_WRITE && done)
        ck_assert_msg(!again, "refused after an effect, and %s", row->name);
    if ((facts & FACT_QUARANTINED) && happened == HAPPENED_PERMANENT)
        ck_assert_msg(!again && row->act != ACT_RECONCILE, "in quarantine, and %s", row->name);
    if (facts & FACT_ENDING)
        ck_assert_msg(!again && row->act != ACT_ASK_INPUT, "ending, and %s", row->name);
    if (row->act == ACT_RETRY || row->act == ACT_RETRY_FEEDBACK)
        ck_assert_msg((facts & FACT_TRY_LEFT) && (facts & FACT_BUDGET_LEFT) &&
                          (facts & FACT_TIME_LEFT),
                      "spent, and %s", row->name);
    if (row->act == ACT_DEFER)
        ck_assert_msg((facts & (FACT_DEFERRED | FACT_GAVE_WAY)) && (facts & FACT_BUDGET_LEFT) &&
                          (facts & FACT_TIME_LEFT),
                      "not to be waited for, and %s", row->name);
    if ((facts & FACT_ORPHAN) && !doubt)
        ck_assert_msg(!again, "nobody waits for it, and %s", row->name);
    if ((facts & FACT_CHILD_SPENT) && happened == HAPPENED_TRANSIENT && !doubt && !done)
        ck_assert_msg(!again || row->act == ACT_DEFER, "its call is spent, and %s", row->name);
    if (row->act == ACT_RECONCILE || row->act == ACT_REPLAY)
        ck_assert_msg(facts & FACT_RECOVERY_LEFT, "recovery spent, and %s", row->name);
    if (row->act == ACT_ACCEPT)
        ck_assert(happened == HAPPENED_ACCEPTED);
}

START_TEST(no_facts_get_past_the_table_or_the_laws)
{
    for (unsigned happened = HAPPENED_ACCEPTED; happened < HAPPENED_ANY; happened <<= 1)
        for (int class = CLASS_PURE; class <= CLASS_WRITE; class ++)
            /* all of the first, and a share of those with the others too */
            for (unsigned facts = 0; facts < 1u << (FACTS + MORE_FACTS);
                 facts += facts < 1u << FACTS ? 1 : STRIDE) {
                bool writes = class >= CLASS_WRITE_IDEMPOTENT;
                bool effects = facts & (FACT_UNKNOWN | FACT_DONE | FACT_LEFT_BEHIND | FACT_BARE);
                if (writes || !effects)
                    hold_to_the_laws((enum happened)happened, (enum effect_class) class, facts);
            }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create(__FILE__);
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_run_reaches_the_row, 0, WAYS);
    tcase_add_test(tcase, every_row_of_the_table_has_a_way_to_it);
    tcase_add_test(tcase, every_row_says_what_it_means);
    tcase_add_test(tcase, no_facts_get_past_the_table_or_the_laws);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
