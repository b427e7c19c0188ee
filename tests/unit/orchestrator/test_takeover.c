/* SPDX-License-Identifier: Apache-2.0
 *
 * The restart after a crash goes through the same table: a new host takes a run over in each state
 * that a task can be in, and in a journal that was restored from a copy.
 */
#include "fixture.h"

START_TEST(a_lost_call_without_effects_is_tried_again)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n  b: {agent: w/write}\n"), "{}");
    taken_over(&b);
    decided(&b, DECISION_RETRY, "retry-safe-class");
    decided(&b, DECISION_RETRY, "retry-nothing-done");
    ck_assert_uint_eq(b.run->in_flight, 0);
    expect_json(json_object_get(the_task(&b, "a")->verdict.error, "message"),
                "\"the host died while it ran\"");
    bench_done(&b);
}
END_TEST

START_TEST(a_call_that_kills_the_host_is_not_tried_for_ever)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    for (int i = 0; i < 2; i++) {
        taken_over(&b);
        comes_due(&b, "a");
    }
    taken_over(&b);
    decided(&b, DECISION_FAIL, "attempts-spent");
    expect_status(&b, RUN_FAILED);
    bench_done(&b);
}
END_TEST

START_TEST(a_retry_whose_start_was_lost_costs_an_attempt_too)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nbudget: {attempts: 4, calls: 60, time: 10m}\n"
                "defaults: {retry: {jitter: none}}\nsteps:\n  a: {agent: w/read}\n",
                "{}");
    fails(&b, "a", CAUSE_BUSY);
    b.now += 100;
    taken_over(&b); /* before its time: nothing can have been lost */
    ck_assert_int_eq(b.run->accounts[0].spent.attempts, 1);
    b.now += 1000;
    for (int i = 0; i < 9; i++)
        taken_over(&b);
    ck_assert_int_eq(b.run->accounts[0].spent.attempts, 4);
    comes_due(&b, "a");
    decided(&b, DECISION_FAIL, "budget-spent");
    bench_done(&b);
}
END_TEST

START_TEST(an_open_effect_is_in_doubt_and_settles_from_the_takeover)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/book}\n"), "{}");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    b.now += 5000;
    taken_over(&b);
    ck_assert_int_eq(outcome_in(&b, "a", "e"), OUTCOME_UNKNOWN);
    decided(&b, DECISION_START, "reconcile-attempt");
    ok(&b, "a", "{\"outcome\": \"not_seen\"}");
    ck_assert_int_eq(run_task_due(b.run, 0), b.now + 1000);
    bench_done(&b);
}
END_TEST

START_TEST(an_unbrokered_write_in_flight_is_in_doubt)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/bare}\n"), "{}");
    taken_over(&b);
    decided(&b, DECISION_ASK, "in-doubt-person");
    bench_done(&b);
}
END_TEST

START_TEST(a_done_effect_is_completed_from_its_stored_result)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/write}\n"), "{}");
    does(&b, "a", "e", "{\"id\": 3}");
    taken_over(&b);
    decided(&b, DECISION_RETRY, "effect-done-replay");
    comes_due(&b, "a");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(an_idempotent_write_goes_on_with_the_same_key)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/idem}\n"), "{}");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    taken_over(&b);
    decided(&b, DECISION_RETRY, "in-doubt-same-key");
    bench_done(&b);
}
END_TEST

START_TEST(one_that_waits_goes_on_waiting)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nconcurrency: 2\nbudget: {attempts: 9, calls: 9, time: 10m}\n"
                "defaults: {retry: {jitter: none, max_attempts: 2}}\nsteps:\n"
                "  a: {agent: w/read}\n  b: {agent: w/read}\n  c: {agent: w/read}\n"
                "  d: {agent: w/read}\n",
                "{}");
    fails(&b, "a", CAUSE_BUSY);
    int64_t due = run_task_due(b.run, task_of(&b, "a"));
    expect_state(&b, "d", TASK_READY);
    taken_over(&b);
    ck_assert_int_eq(run_task_due(b.run, task_of(&b, "a")), due);
    expect_state(&b, "d", TASK_RUNNING); /* the places of b and c became free */
    expect_state(&b, "b", TASK_PAUSED);
    bench_done(&b);
}
END_TEST

START_TEST(a_lost_reconcile_is_asked_again)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/book}\n"), "{}");
    loses(&b, "a", "e");
    expect_state(&b, "a", TASK_RECONCILING);
    taken_over(&b);
    decided(&b, DECISION_RECONCILE, "reconcile-again");
    comes_due(&b, "a");
    decided(&b, DECISION_START, "reconcile-attempt");
    bench_done(&b);
}
END_TEST

START_TEST(one_that_settles_goes_on_settling)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/book}\n"), "{}");
    loses(&b, "a", "e");
    ok(&b, "a", "{\"outcome\": \"not_seen\"}");
    int64_t due = run_task_due(b.run, 0);
    taken_over(&b);
    ck_assert_uint_eq(b.last.count, 0);
    ck_assert_int_eq(run_task_due(b.run, 0), due);
    bench_done(&b);
}
END_TEST

START_TEST(one_whose_request_was_open_settles_from_the_takeover)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/book}\n"), "{}");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    fails(&b, "a", CAUSE_TIMEOUT);
    ok(&b, "a", "{\"outcome\": \"not_seen\"}");
    ck_assert_int_eq(run_task_due(b.run, 0), -1);
    b.now += 9000;
    taken_over(&b);
    ck_assert_int_eq(run_task_due(b.run, 0), b.now + 1000);
    bench_done(&b);
}
END_TEST

START_TEST(a_question_stays_as_it_was)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/write}\n"), "{}");
    loses(&b, "a", "e");
    int64_t deadline = run_task_question_deadline(b.run, 0);
    taken_over(&b);
    ck_assert_uint_eq(b.last.count, 0);
    ck_assert_uint_eq(the_task(&b, "a")->revision, 1);
    ck_assert_int_eq(run_task_question_deadline(b.run, 0), deadline);
    expect_status(&b, RUN_WAITING);
    bench_done(&b);
}
END_TEST

START_TEST(an_undo_in_flight_goes_on)
{
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/write, undo: {agent: w/idem}}\n  b: {agent: w/read, needs: "
                     "[a]}\n"),
                "{}");
    ok(&b, "a", "{\"n\": 1}");
    fails(&b, "b", CAUSE_FAILED);
    ck_assert_int_eq(begins(&b, "a/undo", "e"), BEGIN_FRESH);
    taken_over(&b);
    decided(&b, DECISION_RETRY, "in-doubt-same-key");
    comes_due(&b, "a/undo");
    ok(&b, "a/undo", "{\"n\": 1}");
    bench_done(&b);
}
END_TEST

START_TEST(an_ending_run_goes_on_ending)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/write}\n  b: {agent: w/read}\n"), "{}");
    cancels(&b);
    taken_over(&b);
    not_decided(&b, DECISION_START);
    expect_status(&b, RUN_CANCELLED);
    bench_done(&b);
}
END_TEST

START_TEST(the_time_without_a_host_is_not_the_runs)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    b.now += 86400000;
    taken_over(&b);
    ck_assert_int_eq(run_deadline(b.run), b.now + 600000);
    bench_done(&b);
}
END_TEST

/* ---- a copy of the journal ---- */

static void restored(struct bench *b)
{
    happen(b, (struct event){.kind = EVENT_TAKEN_OVER, .restored = true});
}

START_TEST(a_copy_asks_before_it_writes)
{
    struct bench b;
    bench_start(&b, FLOW("  r: {agent: w/read}\n  a: {agent: w/write, needs: [r]}\n"), "{}");
    restored(&b);
    comes_due(&b, "r");
    ok(&b, "r", "{\"n\": 1}");
    ck_assert_int_eq(decided(&b, DECISION_ASK, "restored-journal")->question, QUESTION_FAILURE);
    answers(&b, "a", "{\"retry\": true}");
    decided(&b, DECISION_START, "first-attempt");
    bench_done(&b);
}
END_TEST

START_TEST(a_copy_asks_before_it_undoes)
{
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/write, undo: {agent: w/idem}}\n  b: {agent: w/read, needs: "
                     "[a]}\n"),
                "{}");
    ok(&b, "a", "{\"n\": 1}");
    restored(&b);
    comes_due(&b, "b");
    fails(&b, "b", CAUSE_FAILED);
    decided(&b, DECISION_ASK, "restored-journal");
    answers(&b, "a/undo", "{\"skip\": true}");
    expect_status(&b, RUN_FAILED);
    bench_done(&b);
}
END_TEST

UNIT_MAIN(a_lost_call_without_effects_is_tried_again,
          a_call_that_kills_the_host_is_not_tried_for_ever,
          a_retry_whose_start_was_lost_costs_an_attempt_too,
          an_open_effect_is_in_doubt_and_settles_from_the_takeover,
          an_unbrokered_write_in_flight_is_in_doubt,
          a_done_effect_is_completed_from_its_stored_result,
          an_idempotent_write_goes_on_with_the_same_key, one_that_waits_goes_on_waiting,
          a_lost_reconcile_is_asked_again, one_that_settles_goes_on_settling,
          one_whose_request_was_open_settles_from_the_takeover, a_question_stays_as_it_was,
          an_undo_in_flight_goes_on, an_ending_run_goes_on_ending,
          the_time_without_a_host_is_not_the_runs, a_copy_asks_before_it_writes,
          a_copy_asks_before_it_undoes)
