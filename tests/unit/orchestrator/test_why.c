/* SPDX-License-Identifier: Apache-2.0
 *
 * Why: what a decision stood on, what was left, and what would have changed it, which must be what
 * the table says when that is so.
 */
#include "fixture.h"

static const json_t *why_of(const struct bench *b, enum decision_kind kind, const char *rule)
{
    for (size_t i = 0; i < b->last.count; i++)
        if (b->last.list[i].kind == kind && strcmp(b->last.list[i].rule, rule) == 0)
            return json_array_get(b->whys, i);
    print_decisions(b);
    ck_abort_msg("no %s by %s", decision_kind_word(kind), rule);
}

static char *ways_text(const json_t *why)
{
    struct text text;
    size_t i;
    json_t *one;
    text_init(&text, 1 << 16);
    json_array_foreach (json_object_get(why, "otherwise"), i, one) {
        const json_t *ifs = json_object_get(one, "if");
        text_addf(&text, "%s if %s", json_string_value(json_object_get(one, "rule")),
                  json_string_value(json_array_get(ifs, 0)));
        if (json_array_size(ifs) > 1)
            text_addf(&text, " and %s", json_string_value(json_array_get(ifs, 1)));
        text_addc(&text, '\n');
    }
    return text_take(&text);
}

static void expect_way(const json_t *why, const char *way)
{
    AUTO(freep) char *ways = ways_text(why);
    ck_assert_msg(strstr(ways, way) != NULL, "\"%s\" is not in:\n%s", way, ways);
}

static void expect_no_way(const json_t *why, const char *way)
{
    AUTO(freep) char *ways = ways_text(why);
    ck_assert_msg(strstr(ways, way) == NULL, "\"%s\" is in:\n%s", way, ways);
}

static void expect_because(const json_t *why, const char *words)
{
    AUTO(freep) char *text = json_dumps(json_object_get(why, "because"), JSON_ENCODE_ANY);
    ck_assert_msg(strstr(text, words) != NULL, "\"%s\" is not in %s", words, text);
}

START_TEST(a_doubt_of_a_write_names_every_way_out)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/write}\n"), NULL);
    loses(&b, "a", "send");
    const json_t *why = why_of(&b, DECISION_ASK, "in-doubt-person");
    expect_way(why, "in-doubt-same-key if the card declared `write_idempotent`");
    expect_way(why, "in-doubt-reconcile if the card declared a reconcile agent");
    expect_because(why, "nobody knows whether effect send happened");
    expect_no_way(why, "retry.max_attempts");
    bench_done(&b);
}
END_TEST

START_TEST(a_way_that_needs_two_changes_is_told_as_two)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nbudget: {attempts: 40, calls: 60, time: 10m, recovery: {calls: 0}}\n"
                "escalation: {to: ops, deadline: 1h}\n"
                "steps:\n  a: {agent: w/write, retry: {max_attempts: 1}}\n",
                NULL);
    loses(&b, "a", "send");
    const json_t *why = why_of(&b, DECISION_ASK, "in-doubt-person");
    expect_way(why, "in-doubt-reconcile if the card declared a reconcile agent and "
                    "`recovery.calls` were more than 0");
    expect_way(why, "in-doubt-same-key if the card declared `write_idempotent` and "
                    "`retry.max_attempts` were more than 1");
    expect_no_way(why, "in-doubt-same-key if the card declared `write_idempotent`\n");
    bench_done(&b);
}
END_TEST

START_TEST(a_reconciled_doubt_says_what_spared_the_person)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/book}\n"), NULL);
    loses(&b, "a", "send");
    const json_t *why = why_of(&b, DECISION_RECONCILE, "in-doubt-reconcile");
    expect_way(why, "in-doubt-person if the card declared no reconcile agent");
    expect_because(why, "a lost request can act for 1s");
    bench_done(&b);
}
END_TEST

START_TEST(spent_tries_name_the_limit_and_the_policies)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read, retry: {max_attempts: 1}}\n"), NULL);
    fails(&b, "a", CAUSE_TIMEOUT);
    const json_t *why = why_of(&b, DECISION_FAIL, "attempts-spent");
    expect_way(why, "retry-safe-class if `retry.max_attempts` were more than 1");
    expect_way(why, "attempts-spent if the step said `on_failure: escalate`");
    expect_way(why, "attempts-spent if the step said `on_failure: skip`");
    expect_no_way(why, "`on_failure: fail`");
    expect_no_way(why, "`write");
    expect_because(why, "try 1 of 1");
    bench_done(&b);
}
END_TEST

/* What would have changed it is all that was in the way, with how much of it. */
START_TEST(a_spent_budget_names_all_that_is_spent)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nbudget: {attempts: 1, calls: 1, time: 10m}\nsteps:\n"
                "  a: {agent: w/read}\n",
                NULL);
    fails(&b, "a", CAUSE_UNAVAILABLE);
    expect_way(why_of(&b, DECISION_FAIL, "budget-spent"),
               "retry-safe-class if the budget allowed more `attempts` and `calls`");
    bench_done(&b);
}
END_TEST

START_TEST(a_deadline_says_how_much_longer_it_would_have_to_be)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nbudget: {attempts: 9, calls: 9, time: 1m}\nsteps:\n"
                "  a: {agent: w/read, timeout: {schedule_to_close: 5s}, retry: {jitter: none, "
                "initial_interval: 1s, max_attempts: 2}}\n",
                NULL);
    struct event event = of_task(&b, EVENT_ENDED, "a");
    event.end = END_FAILED;
    event.cause = CAUSE_RATE_LIMITED;
    event.retry_after_ms = 3600000;
    happen(&b, event);
    const json_t *why = why_of(&b, DECISION_FAIL, "deadline-spent");
    expect_way(why, "rate-limited-wait if `timeout.schedule_to_close` were longer than 1h, and the "
                    "budget's `time` were longer than 1h, or the agent had been told to wait for "
                    "less");
    expect_no_way(why, "waits of `retry`");
    bench_done(&b);
}
END_TEST

START_TEST(a_confidence_that_is_none_fails_closed)
{
    static const char *const outputs[] = {"{\"n\": 1, \"confidence\": 7}",
                                          "{\"n\": 1, \"confidence\": -0.5}", "{\"n\": 1}"};
    for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
        struct bench b;
        bench_start(&b, FLOW("  a: {agent: w/read, confidence: {min: 0.8, below: escalate}}\n"),
                    NULL);
        ok(&b, "a", outputs[i]);
        const json_t *why = why_of(&b, DECISION_ASK, "confidence-escalate");
        expect_way(why, "if the agent had reported a confidence, and it were at least 0.8");
        expect_no_way(why, "at most");
        if (i == 0)
            expect_because(why, "confidence 7 at /confidence is not from 0 to 1");
        bench_done(&b);
    }
}
END_TEST

START_TEST(an_output_that_leaves_an_effect_behind_is_asked_about_with_the_reason)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/write}\n"), NULL);
    does(&b, "a", "send", "{\"n\": 1}");
    fails(&b, "a", CAUSE_UNAVAILABLE);
    comes_due(&b, "a");
    ok(&b, "a", "{\"n\": 1}");
    const struct decision *ask = decided(&b, DECISION_ASK, "effect-left-behind");
    const json_t *error = json_object_get(ask->shown, "error");
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(error, "message")),
                                 "the attempt that completed never asked for it"));
    bench_done(&b);
}
END_TEST

START_TEST(a_retry_says_what_allowed_it)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/idem, retry: {max_attempts: 3}}\n"), NULL);
    fails(&b, "a", CAUSE_UNAVAILABLE);
    const json_t *why = why_of(&b, DECISION_RETRY, "retry-same-key");
    expect_way(why, "attempts-spent if `retry.max_attempts` were 1");
    expect_way(why, "not-retried if `retry.retry_on` did not name `unavailable`");
    expect_no_way(why, "card declared `write`"); /* it is tried again all the same */
    bench_done(&b);
}
END_TEST

START_TEST(a_permanent_failure_would_have_been_tried_again_if_it_passed)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read, retry: {max_attempts: 3}}\n"), NULL);
    fails(&b, "a", CAUSE_FAILED);
    expect_way(why_of(&b, DECISION_FAIL, "permanent"),
               "retry-safe-class if the agent had failed with `unavailable`, not `failed`");
    bench_done(&b);
}
END_TEST

START_TEST(confidence_is_told_with_its_minimum)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read, confidence: {min: 0.8, below: escalate}}\n"), NULL);
    ok(&b, "a", "{\"n\": 1, \"confidence\": 0.625}");
    expect_because(why_of(&b, DECISION_JUDGE, "attempt-ended"),
                   "its confidence is 0.625, and the minimum 0.8");
    const json_t *why = why_of(&b, DECISION_ASK, "confidence-escalate");
    expect_way(why, "output-accepted if the agent had reported a confidence of 0.8 or more");
    expect_way(why, "output-accepted if the step's `confidence.min` were at most 0.625");
    expect_way(why, "refused-retry-feedback if the step's `confidence.below` were `retry`");
    bench_done(&b);
}
END_TEST

START_TEST(an_accepted_output_would_have_been_refused_by_a_higher_minimum)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read, confidence: {min: 0.8, below: escalate}}\n"), NULL);
    ok(&b, "a", "{\"n\": 1, \"confidence\": 0.875}");
    expect_way(why_of(&b, DECISION_ACCEPT, "output-accepted"),
               "confidence-escalate if the step's `confidence.min` were above 0.875");
    bench_done(&b);
}
END_TEST

START_TEST(a_skipped_step_says_what_its_condition_read)
{
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/read}\n"
                     "  b: {agent: w/read, if: \"${ .steps.a.output.n <= .input.most and "
                     "\\\".input.no\\\" == \\\"x\\\" }\"}\n"
                     "  c: {agent: w/strict, input: \"${ .steps.b.output }\"}\n"),
                "{\"most\": 3}");
    ok(&b, "a", "{\"n\": 7}");
    const json_t *why = why_of(&b, DECISION_SKIP, "if-false");
    expect_because(why, "it waited for a (done)");
    expect_because(why, ".steps.a.output.n <= .input.most");
    expect_json(json_object_get(json_object_get(why, "facts"), "read"),
                "{\".steps.a.output.n\": 7, \".input.most\": 3}");
    expect_way(why, "turn if its `if` were true");
    expect_way(why_of(&b, DECISION_SKIP, "needs-skipped"), "turn if b had an output");
    bench_done(&b);
}
END_TEST

START_TEST(a_start_that_the_budget_forbids_names_what_is_spent)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nbudget: {attempts: 9, calls: 9, tokens: 150, time: 10m}\n"
                "steps:\n  a: {agent: w/dear}\n  b: {agent: w/dear, needs: [a]}\n",
                NULL);
    const json_t *start = why_of(&b, DECISION_START, "first-attempt");
    expect_because(start, "100 tokens are set aside");
    ok(&b, "a", "{\"n\": 1}");
    const json_t *why = why_of(&b, DECISION_JUDGE, "budget-spent");
    expect_way(why, "first-attempt if the budget allowed more `tokens`");
    expect_way(why_of(&b, DECISION_FAIL, "budget-spent"), "the budget allowed more `tokens`");
    const json_t *left = json_object_get(json_array_get(json_object_get(why, "budget"), 0), "left");
    ck_assert_int_eq(json_integer_value(json_object_get(left, "tokens")), 50);
    bench_done(&b);
}
END_TEST

START_TEST(not_seen_without_settle_would_count_with_it)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/book-unsettled}\n"), NULL);
    loses(&b, "a", "send");
    ok(&b, "a", "{\"outcome\": \"not_seen\"}");
    expect_way(why_of(&b, DECISION_ASK, "reconcile-unknown"),
               "not-seen-wait if the card declared `settle`");
    bench_done(&b);
}
END_TEST

START_TEST(what_was_told_to_wait_counts_no_try_in_words_either)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read, retry: {max_attempts: 3}}\n"), NULL);
    struct event event = of_task(&b, EVENT_ENDED, "a");
    event.end = END_FAILED;
    event.cause = CAUSE_RATE_LIMITED;
    event.retry_after_ms = 7000;
    happen(&b, event);
    expect_because(why_of(&b, DECISION_RETRY, "rate-limited-wait"), "it was try 1 of 3");
    comes_due(&b, "a");
    const json_t *why = why_of(&b, DECISION_START, "next-attempt");
    expect_because(why, "it is try 1 of 3");
    expect_because(why, "1 start before it was told to wait, which counts no try");
    bench_done(&b);
}
END_TEST

START_TEST(what_a_flows_end_does_is_told_with_its_cause)
{
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/write, undo: {agent: w/idem}}\n"
                     "  b: {agent: w/read, needs: [a]}\n"
                     "  c: {agent: w/read, needs: [a], on_failure: escalate}\n"),
                NULL);
    does(&b, "a", "e", "1");
    ok(&b, "a", "{\"n\": 1}");
    fails(&b, "c", CAUSE_FAILED);
    fails(&b, "b", CAUSE_FAILED);
    const json_t *why = why_of(&b, DECISION_ABANDON, "run-ending");
    expect_because(why, "it waited for a person, who need not answer");
    expect_because(why, "the run has failed at b");
    why = why_of(&b, DECISION_UNDO, "undo");
    expect_because(why, "its step says how it is undone");
    expect_because(why, "the run has failed at b");
    ok(&b, "a/undo", "{\"n\": 1}");
    expect_because(why_of(&b, DECISION_END, "cleaned-up"), "the run has failed at b");
    bench_done(&b);
}
END_TEST

START_TEST(what_a_reconcile_agent_said_is_told)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/book}\n"), NULL);
    loses(&b, "a", "send");
    ok(&b, "a", "{\"outcome\": \"happened\", \"result\": {\"n\": 1}}");
    expect_because(why_of(&b, DECISION_RESOLVE, "reconcile-happened"),
                   "its reconcile agent said `happened`");
    bench_done(&b);
}
END_TEST

UNIT_MAIN(a_doubt_of_a_write_names_every_way_out, a_way_that_needs_two_changes_is_told_as_two,
          a_reconciled_doubt_says_what_spared_the_person, a_confidence_that_is_none_fails_closed,
          an_output_that_leaves_an_effect_behind_is_asked_about_with_the_reason,
          spent_tries_name_the_limit_and_the_policies, a_spent_budget_names_all_that_is_spent,
          a_deadline_says_how_much_longer_it_would_have_to_be, a_retry_says_what_allowed_it,
          a_permanent_failure_would_have_been_tried_again_if_it_passed,
          confidence_is_told_with_its_minimum,
          an_accepted_output_would_have_been_refused_by_a_higher_minimum,
          a_skipped_step_says_what_its_condition_read,
          a_start_that_the_budget_forbids_names_what_is_spent,
          not_seen_without_settle_would_count_with_it,
          what_was_told_to_wait_counts_no_try_in_words_either,
          what_a_flows_end_does_is_told_with_its_cause, what_a_reconcile_agent_said_is_told)
