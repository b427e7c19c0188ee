/* SPDX-License-Identifier: Apache-2.0
 *
 * How a run ends: cancelled, out of time, failed, or done; that it is not final while anything is
 * in doubt, and that what was done is undone, the last first.
 */
#include "fixture.h"

#define NEVER "{\"outcome\": \"never\"}"

/* ---- undo ---- */

#define TRIP                                                                                       \
    FLOW("  a: {agent: w/write, undo: {agent: w/idem, input: {n: \"${ .output.n }\"}}}\n"          \
         "  b: {agent: w/write, needs: [a], undo: {agent: w/idem, input: {n: \"${ .output.n "      \
         "}\"}}}\n"                                                                                \
         "  c: {agent: w/read, needs: [b]}\n")

static void until_c(struct bench *b)
{
    bench_start(b, TRIP, "{}");
    does(b, "a", "e", "1");
    ok(b, "a", "{\"n\": 1}");
    does(b, "b", "e", "2");
    ok(b, "b", "{\"n\": 2}");
}

START_TEST(a_failed_run_undoes_in_reverse_order_from_frozen_inputs)
{
    struct bench b;
    until_c(&b);
    fails(&b, "c", CAUSE_FAILED);
    decided(&b, DECISION_FAIL, "permanent");
    ck_assert_uint_eq(decided(&b, DECISION_UNDO, "undo")->task, task_of(&b, "b"));
    decided(&b, DECISION_START, "undo-attempt");
    expect_json(run_task_input(b.run, task_of(&b, "b/undo")), "{\"n\": 2}");
    ck_assert(!has_task(&b, "a/undo"));
    ok(&b, "b/undo", "{\"n\": 0}");
    expect_json(run_task_input(b.run, task_of(&b, "a/undo")), "{\"n\": 1}");
    ok(&b, "a/undo", "{\"n\": 0}");
    ck_assert_int_eq(decided(&b, DECISION_END, "cleaned-up")->status, RUN_FAILED);
    expect_json(json_object_get(run_error(b.run), "step"), "\"c\"");
    bench_done(&b);
}
END_TEST

START_TEST(an_undo_has_a_key_of_its_own_and_the_same_rules)
{
    struct bench b;
    until_c(&b);
    cancels(&b);
    fails(&b, "c", CAUSE_CANCELLED);
    ck_assert_int_eq(begins(&b, "b/undo", "e"), BEGIN_FRESH);
    const char *key = run_task_effect(b.run, task_of(&b, "b"), 0).key;
    const char *undo_key = run_task_effect(b.run, task_of(&b, "b/undo"), 0).key;
    ck_assert_str_ne(key, undo_key);
    seen(&b, "b/undo", "e", OUTCOME_UNKNOWN);
    fails(&b, "b/undo", CAUSE_TIMEOUT);
    decided(&b, DECISION_RETRY, "in-doubt-same-key");
    bench_done(&b);
}
END_TEST

START_TEST(an_undo_that_fails_asks_a_person)
{
    struct bench b;
    until_c(&b);
    fails(&b, "c", CAUSE_FAILED);
    fails(&b, "b/undo", CAUSE_FAILED);
    ck_assert_int_eq(decided(&b, DECISION_ASK, "undo-failed")->question, QUESTION_FAILURE);
    expect_status(&b, RUN_WAITING);
    answers(&b, "b/undo", "{\"retry\": true}");
    ok(&b, "b/undo", "{\"n\": 0}");
    fails(&b, "a/undo", CAUSE_FAILED);
    denies(&b, "a/undo");
    expect_status(&b, RUN_FAILED);
    bench_done(&b);
}
END_TEST

START_TEST(an_undo_whose_input_cannot_be_mapped_is_not_called_but_asked_about)
{
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/write, undo: {agent: w/idem, input: {n: \"${ 1 / "
                     "(.output.n - 1) }\"}}}\n"
                     "  c: {agent: w/read, needs: [a]}\n"),
                "{}");
    does(&b, "a", "e", "1");
    ok(&b, "a", "{\"n\": 1}");
    decided(&b, DECISION_ACCEPT, "output-accepted");
    fails(&b, "c", CAUSE_FAILED);
    decided(&b, DECISION_UNDO, "undo");
    not_decided(&b, DECISION_START);
    decided(&b, DECISION_JUDGE, "input-invalid");
    decided(&b, DECISION_ASK, "undo-failed");
    bench_done(&b);
}
END_TEST

START_TEST(an_effect_in_doubt_is_first_resolved_then_undone)
{
    struct bench b;
    bench_start(
        &b, FLOW("  a: {agent: w/book, undo: {agent: w/idem, input: {n: \"${ .output.n }\"}}}\n"),
        "{}");
    loses(&b, "a", "e");
    cancels(&b);
    expect_status(&b, RUN_RUNNING);
    ok(&b, "a", "{\"outcome\": \"happened\", \"result\": {\"n\": 9}}");
    decided(&b, DECISION_ACCEPT, "in-doubt-happened");
    decided(&b, DECISION_UNDO, "undo");
    expect_json(run_task_input(b.run, task_of(&b, "a/undo")), "{\"n\": 9}");
    ok(&b, "a/undo", "{\"n\": 0}");
    expect_status(&b, RUN_CANCELLED);
    bench_done(&b);
}
END_TEST

START_TEST(each_done_item_is_undone)
{
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/write, for_each: [1, 2, 3], input: {x: \"${ .item }\"}, undo: "
                     "{agent: w/idem, input: {x: \"${ .item }\"}}}\n"),
                "{}");
    ok(&b, "a[1]", "{\"n\": 1}");
    ok(&b, "a[0]", "{\"n\": 0}");
    fails(&b, "a[2]", CAUSE_FAILED);
    expect_json(run_task_input(b.run, task_of(&b, "a[0]/undo")), "{\"x\": 1}");
    ok(&b, "a[0]/undo", "{\"n\": 0}");
    expect_json(run_task_input(b.run, task_of(&b, "a[1]/undo")), "{\"x\": 2}");
    ok(&b, "a[1]/undo", "{\"n\": 0}");
    expect_status(&b, RUN_FAILED);
    bench_done(&b);
}
END_TEST

START_TEST(undo_draws_on_recovery_when_the_budget_is_spent)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nbudget: {attempts: 2, calls: 2, time: 10m}\nescalation: {to: ops}\n"
                "steps:\n"
                "  a: {agent: w/write, undo: {agent: w/idem}}\n  c: {agent: w/read, needs: [a]}\n",
                "{}");
    ok(&b, "a", "{\"n\": 1}");
    fails(&b, "c", CAUSE_TIMEOUT);
    decided(&b, DECISION_FAIL, "budget-spent");
    decided(&b, DECISION_START, "undo-attempt");
    ck_assert_int_eq(b.run->accounts[0].spent.calls, 2);
    ck_assert_int_eq(b.run->accounts[0].spent.recovery, 1);
    bench_done(&b);
}
END_TEST

START_TEST(undo_with_a_spent_recovery_asks_a_person)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nbudget: {attempts: 9, calls: 9, time: 10m, recovery: {calls: 0}}\n"
                "escalation: {to: ops}\nsteps:\n"
                "  a: {agent: w/write, undo: {agent: w/idem}}\n  c: {agent: w/read, needs: [a]}\n",
                "{}");
    ok(&b, "a", "{\"n\": 1}");
    fails(&b, "c", CAUSE_FAILED);
    decided(&b, DECISION_ASK, "undo-failed");
    bench_done(&b);
}
END_TEST

/* ---- cancel and time ---- */

START_TEST(cancel_drops_what_waits_and_lets_writes_end)
{
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/write}\n  b: {agent: w/read}\n  c: {agent: w/read}\n"
                     "  d: {agent: w/read, needs: [a]}\n"),
                "{}");
    fails(&b, "c", CAUSE_BUSY);
    cancels(&b);
    decided(&b, DECISION_STOP, "run-ending");
    expect_state(&b, "a", TASK_RUNNING);
    ck_assert(!the_task(&b, "a")->stopping);
    expect_state(&b, "c", TASK_ABANDONED);
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_REFUSED);
    ok(&b, "b", "{\"n\": 1}");
    fails(&b, "a", CAUSE_DENIED);
    expect_status(&b, RUN_CANCELLED);
    ck_assert(!has_task(&b, "d"));
    bench_done(&b);
}
END_TEST

START_TEST(cancel_does_not_drop_a_retry_whose_effect_is_in_doubt)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/idem-find}\n"), "{}");
    loses(&b, "a", "e");
    expect_state(&b, "a", TASK_PAUSED);
    cancels(&b);
    not_decided(&b, DECISION_END);
    decided(&b, DECISION_RECONCILE, "in-doubt-reconcile");
    ok(&b, "a", NEVER);
    decided(&b, DECISION_ABANDON, "run-ending");
    expect_status(&b, RUN_CANCELLED);
    bench_done(&b);
}
END_TEST

START_TEST(cancel_does_not_drop_a_retry_whose_effect_is_done)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/write}\n"), "{}");
    does(&b, "a", "e", "1");
    fails(&b, "a", CAUSE_CRASH);
    expect_state(&b, "a", TASK_PAUSED);
    cancels(&b);
    not_decided(&b, DECISION_ABANDON);
    decided(&b, DECISION_ASK, "done-without-output");
    bench_done(&b);
}
END_TEST

START_TEST(cancel_does_not_drop_one_in_line_whose_effect_is_in_doubt)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nconcurrency: 1\nbudget: {attempts: 9, calls: 9, time: 10m}\n"
                "defaults: {retry: {jitter: none}}\nsteps:\n"
                "  a: {agent: w/idem-find}\n  b: {agent: w/read}\n",
                "{}");
    loses(&b, "a", "e");
    comes_due(&b, "a");
    expect_state(&b, "a", TASK_READY);
    cancels(&b);
    expect_state(&b, "a", TASK_RECONCILING);
    ok(&b, "b", "{\"n\": 1}");
    ok(&b, "a", NEVER);
    expect_status(&b, RUN_CANCELLED);
    bench_done(&b);
}
END_TEST

START_TEST(cancel_keeps_a_reconcile_that_waits_in_line)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nconcurrency: 2\nbudget: {attempts: 9, calls: 9, time: 10m}\nsteps:\n"
                "  a: {agent: w/book}\n  b: {agent: w/read}\n  c: {agent: w/read}\n",
                "{}");
    loses(&b, "a", "e"); /* c was first in line */
    expect_state(&b, "a", TASK_RECONCILING);
    ck_assert(!the_task(&b, "a")->in_flight);
    cancels(&b);
    ok(&b, "b", "{\"n\": 1}");
    decided(&b, DECISION_START, "reconcile-attempt");
    ok(&b, "c", "{\"n\": 1}");
    ok(&b, "a", NEVER);
    expect_status(&b, RUN_CANCELLED);
    bench_done(&b);
}
END_TEST

START_TEST(what_fails_together_at_a_takeover_leaves_nothing_behind)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nconcurrency: 2\nbudget: {attempts: 9, calls: 9, time: 10m}\n"
                "defaults: {retry: {max_attempts: 1}}\nsteps:\n"
                "  a: {agent: w/read}\n  b: {agent: w/read}\n  c: {agent: w/read}\n"
                "  d: {agent: w/read}\n",
                "{}");
    ok(&b, "b", "{\"n\": 1}");
    ok(&b, "c", "{\"n\": 1}"); /* now a and d are in flight */
    b.flow->concurrency = 2;
    taken_over(&b);
    expect_status(&b, RUN_FAILED);
    bench_done(&b);
}
END_TEST

START_TEST(one_that_waits_between_two_that_fail_at_a_takeover_is_dropped_too)
{
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/read, retry: {max_attempts: 1}}\n  b: {agent: w/read}\n"
                     "  c: {agent: w/read}\n"),
                "{}");
    fails(&b, "b", CAUSE_BUSY);
    expect_state(&b, "b", TASK_PAUSED);
    taken_over(&b); /* a fails, c is dropped, b waits for its time */
    expect_state(&b, "b", TASK_ABANDONED);
    expect_status(&b, RUN_FAILED);
    bench_done(&b);
}
END_TEST

START_TEST(time_that_is_spent_ends_the_run_but_not_its_doubts)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/book}\n  b: {agent: w/read}\n"), "{}");
    ck_assert_int_eq(run_deadline(b.run), b.now + 600000);
    loses(&b, "a", "e");
    b.now += 600000;
    time_runs_out(&b);
    decided(&b, DECISION_UNWIND, "time-spent");
    fails(&b, "b", CAUSE_CANCELLED);
    not_decided(&b, DECISION_END);
    ok(&b, "a", "{\"outcome\": \"not_seen\"}");
    ok(&b, "a", "{\"outcome\": \"not_seen\"}");
    decided(&b, DECISION_RESOLVE, "not-seen-settled");
    expect_status(&b, RUN_FAILED);
    expect_json(json_object_get(run_error(b.run), "code"), "\"budget\"");
    bench_done(&b);
}
END_TEST

START_TEST(time_does_not_pass_while_only_people_are_waited_for)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/write}\n  b: {agent: w/read, needs: [a]}\n"), "{}");
    b.now += 1000;
    loses(&b, "a", "e");
    expect_status(&b, RUN_WAITING);
    ck_assert_int_eq(run_deadline(b.run), -1);
    b.now += 1800000;
    answers(&b, "a", "{\"outcome\": \"happened\", \"result\": {\"n\": 1}}");
    expect_status(&b, RUN_RUNNING);
    ck_assert_int_eq(run_deadline(b.run), b.now + 600000 - 1000);
    bench_done(&b);
}
END_TEST

START_TEST(nothing_is_decided_for_a_final_run_but_evidence_is_kept)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/write}\n"), "{}");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    seen(&b, "a", "e", OUTCOME_NONE);
    fails(&b, "a", CAUSE_FAILED);
    expect_status(&b, RUN_FAILED);
    evidence_of(&b, "a", 1, "e", OUTCOME_DONE, "{\"status\": 201}", NULL);
    ck_assert_int_eq(outcome_in(&b, "a", "e"), OUTCOME_DONE);
    cancels(&b);
    taken_over(&b);
    time_runs_out(&b);
    ck_assert_uint_eq(b.last.count, 0);
    expect_status(&b, RUN_FAILED);
    bench_done(&b);
}
END_TEST

START_TEST(a_second_cancel_changes_nothing)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/write}\n"), "{}");
    cancels(&b);
    cancels(&b);
    ck_assert_uint_eq(b.last.count, 0);
    time_runs_out(&b);
    ck_assert_uint_eq(b.last.count, 0);
    ok(&b, "a", "{\"n\": 1}");
    expect_status(&b, RUN_CANCELLED);
    bench_done(&b);
}
END_TEST

START_TEST(an_output_that_breaks_the_flows_contract_fails_and_undoes)
{
    struct bench b;
    bench_start(
        &b,
        FLOW("  a: {agent: w/write, undo: {agent: w/idem}}\n") "output: {as: {n: \"${ .input.n "
                                                               "}\"}, schema: {properties: {n: "
                                                               "{maximum: 5}}}}\n",
        "{\"n\": 7}");
    ok(&b, "a", "{\"n\": 7}");
    decided(&b, DECISION_UNWIND, "output-invalid");
    ok(&b, "a/undo", "{\"n\": 7}");
    expect_status(&b, RUN_FAILED);
    bench_done(&b);
}
END_TEST

UNIT_MAIN(a_failed_run_undoes_in_reverse_order_from_frozen_inputs,
          an_undo_has_a_key_of_its_own_and_the_same_rules, an_undo_that_fails_asks_a_person,
          an_undo_whose_input_cannot_be_mapped_is_not_called_but_asked_about,
          an_effect_in_doubt_is_first_resolved_then_undone, each_done_item_is_undone,
          undo_draws_on_recovery_when_the_budget_is_spent, undo_with_a_spent_recovery_asks_a_person,
          cancel_drops_what_waits_and_lets_writes_end,
          cancel_does_not_drop_a_retry_whose_effect_is_in_doubt,
          cancel_does_not_drop_a_retry_whose_effect_is_done,
          cancel_does_not_drop_one_in_line_whose_effect_is_in_doubt,
          cancel_keeps_a_reconcile_that_waits_in_line,
          what_fails_together_at_a_takeover_leaves_nothing_behind,
          one_that_waits_between_two_that_fail_at_a_takeover_is_dropped_too,
          time_that_is_spent_ends_the_run_but_not_its_doubts,
          time_does_not_pass_while_only_people_are_waited_for,
          nothing_is_decided_for_a_final_run_but_evidence_is_kept, a_second_cancel_changes_nothing,
          an_output_that_breaks_the_flows_contract_fails_and_undoes)
