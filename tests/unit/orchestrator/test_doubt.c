/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of an effect in doubt: from UNKNOWN through reconcile, settling, people and late
 * evidence to DONE or NONE, and never to a second effect.
 */
#include "fixture.h"

#define HAPPENED "{\"outcome\": \"happened\", \"result\": {\"n\": 7}}"
#define NEVER    "{\"outcome\": \"never\"}"
#define NOT_SEEN "{\"outcome\": \"not_seen\"}"
#define UNKNOWN  "{\"outcome\": \"unknown\"}"

static void start(struct bench *b, const char *agent)
{
    AUTO(freep) char *text = xasprintf(FLOW("  a: {agent: %s}\n"), agent);
    bench_start(b, text, "{}");
}

/* ---- reconcile ---- */

START_TEST(happened_gives_its_result_without_another_call)
{
    struct bench b;
    start(&b, "w/book");
    loses(&b, "a", "e");
    ok(&b, "a", HAPPENED);
    expect_status(&b, RUN_DONE);
    ck_assert_int_eq(outcome_in(&b, "a", "e"), OUTCOME_DONE);
    ck_assert_uint_eq(the_task(&b, "a")->tries, 1);
    bench_done(&b);
}
END_TEST

START_TEST(happened_with_a_result_that_does_not_fit_is_replayed_to_the_agent)
{
    struct bench b;
    start(&b, "w/book");
    loses(&b, "a", "e");
    ok(&b, "a", "{\"outcome\": \"happened\", \"result\": {\"id\": \"x\"}}");
    decided(&b, DECISION_RETRY, "effect-done-replay");
    comes_due(&b, "a");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_DONE);
    expect_json(decided(&b, DECISION_EFFECT, NULL)->result, "{\"id\": \"x\"}");
    bench_done(&b);
}
END_TEST

START_TEST(happened_without_a_result_is_still_done)
{
    struct bench b;
    start(&b, "w/book");
    loses(&b, "a", "e");
    ok(&b, "a", "{\"outcome\": \"happened\"}");
    ck_assert_int_eq(outcome_in(&b, "a", "e"), OUTCOME_DONE);
    comes_due(&b, "a");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_DONE);
    expect_json(decided(&b, DECISION_EFFECT, NULL)->result, "null");
    bench_done(&b);
}
END_TEST

START_TEST(never_lets_a_write_run_again)
{
    struct bench b;
    start(&b, "w/book");
    loses(&b, "a", "e");
    ok(&b, "a", NEVER);
    decided(&b, DECISION_RESOLVE, "reconcile-never");
    decided(&b, DECISION_RETRY, "retry-nothing-done");
    comes_due(&b, "a");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    bench_done(&b);
}
END_TEST

START_TEST(not_seen_counts_only_when_asked_again_after_settle)
{
    struct bench b;
    start(&b, "w/book");
    loses(&b, "a", "e");
    b.now += 400;
    ok(&b, "a", NOT_SEEN);
    ck_assert_int_eq(decided(&b, DECISION_RECONCILE, "not-seen-wait")->due_ms, 1000000 + 1000);
    expect_state(&b, "a", TASK_SETTLING);
    comes_due(&b, "a");
    decided(&b, DECISION_START, "reconcile-attempt");
    ok(&b, "a", NOT_SEEN);
    decided(&b, DECISION_RESOLVE, "not-seen-settled");
    ck_assert_int_eq(outcome_in(&b, "a", "e"), OUTCOME_NONE);
    bench_done(&b);
}
END_TEST

START_TEST(not_seen_asked_before_settle_and_answered_after_does_not_count)
{
    struct bench b;
    start(&b, "w/book");
    loses(&b, "a", "e");
    b.now += 5000;
    ok(&b, "a", NOT_SEEN);
    not_decided(&b, DECISION_RESOLVE);
    decided(&b, DECISION_START, "reconcile-attempt");
    bench_done(&b);
}
END_TEST

START_TEST(settle_is_counted_from_the_closing_of_the_request)
{
    struct bench b;
    start(&b, "w/book");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    fails(&b, "a", CAUSE_TIMEOUT);
    b.now += 3000;
    ok(&b, "a", NOT_SEEN);
    expect_state(&b, "a", TASK_SETTLING);
    ck_assert_int_eq(run_task_due(b.run, 0), -1);
    b.now += 700;
    evidence_of(&b, "a", 1, "e", OUTCOME_UNKNOWN, NULL, NULL);
    ck_assert_int_eq(run_task_due(b.run, 0), b.now + 1000);
    comes_due(&b, "a");
    ok(&b, "a", NOT_SEEN);
    decided(&b, DECISION_RESOLVE, "not-seen-settled");
    bench_done(&b);
}
END_TEST

START_TEST(not_seen_without_settle_asks_a_person)
{
    struct bench b;
    start(&b, "w/book-unsettled");
    loses(&b, "a", "e");
    b.now += 100000;
    ok(&b, "a", NOT_SEEN);
    decided(&b, DECISION_ASK, "reconcile-unknown");
    bench_done(&b);
}
END_TEST

START_TEST(unknown_and_nonsense_ask_a_person)
{
    const char *const said[] = {UNKNOWN, "{}", "7", "{\"outcome\": \"sure\"}"};
    for (size_t i = 0; i < 4; i++) {
        struct bench b;
        start(&b, "w/book");
        loses(&b, "a", "e");
        ok(&b, "a", said[i]);
        decided(&b, DECISION_ASK, "reconcile-unknown");
        bench_done(&b);
    }
}
END_TEST

START_TEST(a_reference_that_is_another_effects_asks_a_person)
{
    struct bench b;
    start(&b, "w/book");
    loses(&b, "a", "e");
    struct event event = of_task(&b, EVENT_ENDED, "a");
    event.body = json_of(HAPPENED);
    event.claimed = true;
    happen(&b, event);
    json_decref(event.body);
    decided(&b, DECISION_ASK, "reference-claimed");
    ck_assert_int_eq(outcome_in(&b, "a", "e"), OUTCOME_UNKNOWN);
    bench_done(&b);
}
END_TEST

START_TEST(a_reconcile_that_fails_is_asked_again_until_recovery_is_spent)
{
    struct bench b;
    int64_t waits[8];
    size_t asked = 0;
    start(&b, "w/book");
    loses(&b, "a", "e");
    while (the_task(&b, "a")->state != TASK_ASKING && asked < 8) {
        fails(&b, "a", CAUSE_UNAVAILABLE);
        waits[asked++] = run_task_due(b.run, 0) - b.now;
        if (the_task(&b, "a")->state == TASK_SETTLING)
            comes_due(&b, "a");
    }
    decided(&b, DECISION_ASK, "recovery-spent");
    ck_assert_uint_eq(asked, 6); /* recovery: {calls: 6} */
    ck_assert_int_gt(waits[1], waits[0]);
    ck_assert_int_gt(waits[2], waits[1]);
    bench_done(&b);
}
END_TEST

START_TEST(a_reconcile_that_fails_for_good_asks_a_person)
{
    struct bench b;
    start(&b, "w/book");
    loses(&b, "a", "e");
    fails(&b, "a", CAUSE_INTERNAL);
    decided(&b, DECISION_ASK, "reconcile-unknown");
    bench_done(&b);
}
END_TEST

START_TEST(each_effect_in_doubt_is_resolved_on_its_own)
{
    struct bench b;
    start(&b, "w/book");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    ck_assert_int_eq(begins(&b, "a", "f"), BEGIN_FRESH);
    fails(&b, "a", CAUSE_CRASH);
    ok(&b, "a", HAPPENED);
    ck_assert_str_eq(decided(&b, DECISION_RECONCILE, "in-doubt-reconcile")->effect, "f");
    ok(&b, "a", NEVER);
    decided(&b, DECISION_RETRY, "effect-done-replay");
    comes_due(&b, "a");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_DONE);
    ck_assert_int_eq(begins(&b, "a", "f"), BEGIN_FRESH);
    bench_done(&b);
}
END_TEST

/* ---- evidence ---- */

START_TEST(evidence_before_a_reconcile_starts_spares_it)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nbudget: {attempts: 9, calls: 9, time: 10m, recovery: {calls: 0}}\n"
                "concurrency: 2\nescalation: {to: ops}\nsteps:\n"
                "  a: {agent: w/book}\n  b: {agent: w/pure}\n  c: {agent: w/pure}\n",
                "{}");
    b.run->accounts[0].limit.recovery_calls = 1;
    b.follower->accounts[0].limit.recovery_calls = 1;
    b.twin->accounts[0].limit.recovery_calls = 1;
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    fails(&b, "a", CAUSE_TIMEOUT); /* c was first in line: reconcile waits behind it */
    expect_state(&b, "a", TASK_RECONCILING);
    ck_assert(!the_task(&b, "a")->in_flight);
    b.run->accounts[0].spent.recovery = 1;
    b.follower->accounts[0].spent.recovery = 1;
    b.twin->accounts[0].spent.recovery = 1;
    evidence_of(&b, "a", 1, "e", OUTCOME_DONE, "{\"status\": 201}", "{\"n\": 3}");
    ok(&b, "b", "{\"n\": 1}");
    decided(&b, DECISION_RESOLVE, "evidence");
    not_decided(&b, DECISION_ASK);
    expect_state(&b, "a", TASK_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(evidence_while_reconcile_runs_wins_over_its_answer)
{
    struct bench b;
    start(&b, "w/book");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    fails(&b, "a", CAUSE_TIMEOUT);
    evidence_of(&b, "a", 1, "e", OUTCOME_DONE, "{\"status\": 201}", "{\"n\": 3}");
    ok(&b, "a", NEVER);
    decided(&b, DECISION_RESOLVE, "evidence");
    expect_json(the_task(&b, "a")->output, "{\"n\": 3}");
    bench_done(&b);
}
END_TEST

START_TEST(done_is_never_taken_back)
{
    struct bench b;
    start(&b, "w/write");
    does(&b, "a", "e", "{\"id\": 1}");
    seen(&b, "a", "e", OUTCOME_NONE);
    seen(&b, "a", "e", OUTCOME_UNKNOWN);
    ck_assert_int_eq(outcome_in(&b, "a", "e"), OUTCOME_DONE);
    ok(&b, "a", "{\"n\": 1}");
    expect_status(&b, RUN_DONE);
    evidence_of(&b, "a", 1, "e", OUTCOME_NONE, NULL, NULL);
    ck_assert_int_eq(outcome_in(&b, "a", "e"), OUTCOME_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(an_older_requests_refusal_says_nothing_of_a_newer_one)
{
    struct bench b;
    start(&b, "w/book");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    fails(&b, "a", CAUSE_TIMEOUT);
    ok(&b, "a", NEVER);
    comes_due(&b, "a");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    evidence_of(&b, "a", 1, "e", OUTCOME_NONE, NULL, NULL);
    ck_assert_int_eq(outcome_in(&b, "a", "e"), OUTCOME_OPEN);
    fails(&b, "a", CAUSE_CRASH);
    ck_assert_int_eq(outcome_in(&b, "a", "e"), OUTCOME_UNKNOWN);
    evidence_of(&b, "a", 1, "e", OUTCOME_NONE, NULL, NULL);
    ck_assert_int_eq(outcome_in(&b, "a", "e"), OUTCOME_UNKNOWN);
    bench_done(&b);
}
END_TEST

START_TEST(done_is_done_whichever_request_it_comes_from)
{
    struct bench b;
    start(&b, "w/idem");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    fails(&b, "a", CAUSE_TIMEOUT);
    comes_due(&b, "a");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    evidence_of(&b, "a", 1, "e", OUTCOME_DONE, "{\"status\": 201}", NULL);
    ck_assert_int_eq(outcome_in(&b, "a", "e"), OUTCOME_DONE);
    evidence_of(&b, "a", 2, "e", OUTCOME_UNKNOWN, NULL, NULL);
    ok(&b, "a", "{\"n\": 1}");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(done_ends_a_doubt_that_an_earlier_request_left)
{
    struct bench b;
    start(&b, "w/idem");
    loses(&b, "a", "e");
    comes_due(&b, "a");
    does(&b, "a", "e", "1");
    ck_assert_int_eq(outcome_in(&b, "a", "e"), OUTCOME_DONE);
    ok(&b, "a", "{\"n\": 1}");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(a_newer_request_that_never_left_says_nothing_of_an_older_one)
{
    struct bench b;
    start(&b, "w/idem");
    loses(&b, "a", "e");
    comes_due(&b, "a");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    seen(&b, "a", "e", OUTCOME_NONE);
    fails(&b, "a", CAUSE_UNAVAILABLE);
    decided(&b, DECISION_RETRY, "in-doubt-same-key");
    comes_due(&b, "a");
    fails(&b, "a", CAUSE_UNAVAILABLE);
    decided(&b, DECISION_ASK, "in-doubt-person");
    bench_done(&b);
}
END_TEST

START_TEST(a_call_that_never_began_says_nothing_of_an_older_one)
{
    struct bench b;
    start(&b, "w/bare-idem");
    fails(&b, "a", CAUSE_CRASH);
    comes_due(&b, "a");
    ends(&b, "a", END_NOT_STARTED, CAUSE_UNAVAILABLE, OUTCOME_NONE, NULL);
    decided(&b, DECISION_RETRY, "in-doubt-same-key");
    ck_assert_int_eq(outcome_in(&b, "a", "call"), OUTCOME_UNKNOWN);
    bench_done(&b);
}
END_TEST

START_TEST(evidence_of_done_while_a_failure_is_asked_about_asks_anew)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/write, on_failure: escalate}\n"), "{}");
    loses(&b, "a", "e");
    answers(&b, "a", NEVER);
    comes_due(&b, "a");
    fails(&b, "a", CAUSE_FAILED);
    ck_assert_int_eq(decided(&b, DECISION_ASK, "permanent")->question, QUESTION_FAILURE);
    uint32_t before = the_task(&b, "a")->revision;
    evidence_of(&b, "a", 1, "e", OUTCOME_DONE, "{\"status\": 201}", NULL);
    decided(&b, DECISION_ASK, "failed-after-effect");
    ck_assert_uint_gt(the_task(&b, "a")->revision, before);
    bench_done(&b);
}
END_TEST

/* ---- people ---- */

START_TEST(a_persons_never_waits_for_settle)
{
    struct bench b;
    start(&b, "w/write-settles");
    loses(&b, "a", "e");
    answers(&b, "a", NEVER);
    ck_assert_int_eq(decided(&b, DECISION_RECONCILE, "person-never-settles")->due_ms, b.now + 1000);
    comes_due(&b, "a");
    decided(&b, DECISION_ASK, "person-looks-again");
    answers(&b, "a", NEVER);
    decided(&b, DECISION_RESOLVE, "person-never");
    decided(&b, DECISION_RETRY, "retry-nothing-done");
    bench_done(&b);
}
END_TEST

/* What counts is when the person looked, not when the host heard of it: a late commit may lie
 * between. */
START_TEST(a_persons_never_is_of_the_time_it_was_said)
{
    struct bench b;
    start(&b, "w/write-settles");
    loses(&b, "a", "e");
    int64_t said_ms = b.now + 500;
    b.now += 60000;
    answers_at(&b, "a", NEVER, said_ms);
    decided(&b, DECISION_ASK, "person-looks-again");
    answers(&b, "a", NEVER);
    decided(&b, DECISION_RESOLVE, "person-never");
    bench_done(&b);
}
END_TEST

/* Their clock, or the host's, was set: but nobody can have answered before the question. */
START_TEST(a_persons_never_is_not_older_than_its_question)
{
    struct bench b;
    start(&b, "w/write-settles");
    loses(&b, "a", "e");
    b.now += 60000;
    answers_at(&b, "a", NEVER, 1);
    decided(&b, DECISION_ASK, "person-looks-again");
    answers_at(&b, "a", NEVER, 1);
    decided(&b, DECISION_RESOLVE, "person-never");
    bench_done(&b);
}
END_TEST

START_TEST(a_persons_never_waits_for_the_request_to_close)
{
    struct bench b;
    start(&b, "w/write-settles-at-once");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    fails(&b, "a", CAUSE_TIMEOUT);
    answers(&b, "a", NEVER);
    expect_state(&b, "a", TASK_SETTLING);
    evidence_of(&b, "a", 1, "e", OUTCOME_UNKNOWN, NULL, NULL);
    decided(&b, DECISION_ASK, "person-looks-again");
    answers(&b, "a", NEVER);
    decided(&b, DECISION_RESOLVE, "person-never");
    bench_done(&b);
}
END_TEST

START_TEST(a_persons_never_gives_way_to_evidence)
{
    struct bench b;
    start(&b, "w/write-settles");
    loses(&b, "a", "e");
    answers(&b, "a", NEVER);
    b.now += 500;
    evidence_of(&b, "a", 1, "e", OUTCOME_DONE, "{\"status\": 201}", "{\"n\": 1}");
    decided(&b, DECISION_RESOLVE, "evidence");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(a_persons_word_is_about_one_effect)
{
    struct bench b;
    start(&b, "w/book");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    ck_assert_int_eq(begins(&b, "a", "f"), BEGIN_FRESH);
    seen(&b, "a", "e", OUTCOME_UNKNOWN);
    seen(&b, "a", "f", OUTCOME_UNKNOWN);
    fails(&b, "a", CAUSE_CRASH);
    ok(&b, "a", UNKNOWN);
    answers(&b, "a", "{\"outcome\": \"happened\", \"result\": {\"n\": 1}}");
    decided(&b, DECISION_RECONCILE, "in-doubt-reconcile");
    ok(&b, "a", NOT_SEEN);
    comes_due(&b, "a");
    not_decided(&b, DECISION_RESOLVE);
    decided(&b, DECISION_START, "reconcile-attempt");
    bench_done(&b);
}
END_TEST

START_TEST(a_person_who_says_happened_is_believed_at_once)
{
    struct bench b;
    start(&b, "w/write-settles");
    loses(&b, "a", "e");
    answers(&b, "a", HAPPENED);
    decided(&b, DECISION_RESOLVE, "person-happened");
    decided(&b, DECISION_ACCEPT, "in-doubt-happened");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

/* Its first effect is found, and would be a good output; but there may be more to do. */
START_TEST(an_agent_of_several_effects_is_not_done_with_the_first)
{
    struct bench b;
    start(&b, "w/tour");
    loses(&b, "a", "first");
    ok(&b, "a", "{\"outcome\": \"happened\", \"result\": {\"n\": 7}}");
    decided(&b, DECISION_RESOLVE, "reconcile-happened");
    decided(&b, DECISION_RETRY, "effect-done-replay");
    comes_due(&b, "a");
    ck_assert_int_eq(begins(&b, "a", "first"), BEGIN_DONE);
    ck_assert_int_eq(begins(&b, "a", "second"), BEGIN_FRESH);
    bench_done(&b);
}
END_TEST

START_TEST(an_agent_that_went_on_has_made_something_of_the_answers_before)
{
    struct bench b;
    start(&b, "w/tour");
    begins(&b, "a", "first");
    evidence_of(&b, "a", 1, "first", OUTCOME_DONE, "{\"status\": 201}", NULL);
    begins(&b, "a", "second");
    evidence_of(&b, "a", 1, "second", OUTCOME_DONE, "{\"status\": 201}", NULL);
    ends(&b, "a", END_FAILED, CAUSE_UNAVAILABLE, OUTCOME_UNKNOWN, NULL);
    /* nothing but the last answer can be what it could not read */
    ck_assert_int_eq(outcome_in(&b, "a", "first"), OUTCOME_DONE);
    ck_assert_int_eq(outcome_in(&b, "a", "second"), OUTCOME_UNKNOWN);
    bench_done(&b);
}
END_TEST

START_TEST(late_evidence_answers_the_question)
{
    struct bench b;
    start(&b, "w/write");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    fails(&b, "a", CAUSE_TIMEOUT);
    expect_status(&b, RUN_WAITING);
    evidence_of(&b, "a", 1, "e", OUTCOME_DONE, "{\"status\": 201}", "{\"n\": 2}");
    decided(&b, DECISION_RESOLVE, "evidence");
    expect_status(&b, RUN_DONE);
    answers(&b, "a", NEVER);
    ck_assert_uint_eq(b.last.count, 0);
    ck_assert_int_eq(outcome_in(&b, "a", "e"), OUTCOME_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(a_closing_request_is_no_news_to_the_person)
{
    struct bench b;
    start(&b, "w/write");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    fails(&b, "a", CAUSE_TIMEOUT);
    evidence_of(&b, "a", 1, "e", OUTCOME_UNKNOWN, NULL, NULL);
    ck_assert_uint_eq(b.last.count, 0);
    answers(&b, "a", NEVER);
    decided(&b, DECISION_RESOLVE, "person-never");
    bench_done(&b);
}
END_TEST

START_TEST(an_effect_that_never_happened_is_not_accepted_because_the_agent_said_ok)
{
    struct bench b;
    start(&b, "w/book");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    seen(&b, "a", "e", OUTCOME_UNKNOWN);
    ok(&b, "a", "{\"n\": 1}");
    decided(&b, DECISION_RECONCILE, "in-doubt-reconcile");
    ok(&b, "a", NEVER);
    decided(&b, DECISION_RETRY, "retry-nothing-done");
    bench_done(&b);
}
END_TEST

UNIT_MAIN(happened_gives_its_result_without_another_call,
          happened_with_a_result_that_does_not_fit_is_replayed_to_the_agent,
          happened_without_a_result_is_still_done, never_lets_a_write_run_again,
          not_seen_counts_only_when_asked_again_after_settle,
          not_seen_asked_before_settle_and_answered_after_does_not_count,
          settle_is_counted_from_the_closing_of_the_request, not_seen_without_settle_asks_a_person,
          unknown_and_nonsense_ask_a_person, a_reference_that_is_another_effects_asks_a_person,
          a_reconcile_that_fails_is_asked_again_until_recovery_is_spent,
          a_reconcile_that_fails_for_good_asks_a_person,
          each_effect_in_doubt_is_resolved_on_its_own, evidence_before_a_reconcile_starts_spares_it,
          evidence_while_reconcile_runs_wins_over_its_answer, done_is_never_taken_back,
          an_older_requests_refusal_says_nothing_of_a_newer_one,
          done_is_done_whichever_request_it_comes_from,
          done_ends_a_doubt_that_an_earlier_request_left,
          a_newer_request_that_never_left_says_nothing_of_an_older_one,
          a_call_that_never_began_says_nothing_of_an_older_one,
          evidence_of_done_while_a_failure_is_asked_about_asks_anew,
          a_persons_never_is_of_the_time_it_was_said,
          a_persons_never_is_not_older_than_its_question, a_persons_never_waits_for_settle,
          a_persons_never_waits_for_the_request_to_close, a_persons_never_gives_way_to_evidence,
          a_persons_word_is_about_one_effect, a_person_who_says_happened_is_believed_at_once,
          an_agent_of_several_effects_is_not_done_with_the_first,
          an_agent_that_went_on_has_made_something_of_the_answers_before,
          late_evidence_answers_the_question, a_closing_request_is_no_news_to_the_person,
          an_effect_that_never_happened_is_not_accepted_because_the_agent_said_ok)
