/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows within flows: a step whose work is a flow of its own enters it and leaves it, within its
 * budget; what fails inside is undone inside before the step fails, and what is done inside is
 * undone with the step. Plans are such flows, made while the run is at work.
 */
#include "fixture.h"

/* The named step of the flow gives way to another flow, as `flow: FILE` would make it. */
static void bench_within(struct bench *b, const char *step, const char *text)
{
    static const struct budget none = {-1, -1, -1, -1, -1, -1};
    for (size_t i = 0; i < b->flow->step_count; i++)
        if (strcmp(b->flow->steps[i].name, step) == 0) {
            b->flow->steps[i].call.flow = bench_flow(b, text);
            b->flow->steps[i].budget = none;
            return;
        }
    ck_abort_msg("no step %s", step);
}

static void start_within(struct bench *b, const char *outer, const char *inner)
{
    bench_open(b, outer);
    bench_within(b, "in", inner);
    bench_begin(b, "{\"q\": 7}", 1, false);
}

/* ---- in and out ---- */

START_TEST(a_flow_within_sees_its_own_input_and_gives_its_own_output)
{
    struct bench b;
    start_within(
        &b,
        FLOW("  in: {agent: w/read, input: {x: \"${ .input.q }\"}}\n"
             "  after: {agent: w/read, input: {n: \"${ .steps.in.output.n }\"}}\n"),
        FLOW("  one: {agent: w/read, input: {y: \"${ .input.x }\"}}\n") "output: {as: {n: \"${ "
                                                                        ".steps.one.output.n + 1 "
                                                                        "}\"}}\n");
    decided(&b, DECISION_ENTER, "flow-begins");
    expect_state(&b, "in", TASK_INSIDE);
    expect_json(the_task(&b, "in/one")->input.value, "{\"y\": 7}");
    ok(&b, "in/one", "{\"n\": 4}");
    decided(&b, DECISION_LEAVE, "all-steps-final");
    decided(&b, DECISION_ACCEPT, "output-accepted");
    expect_json(the_task(&b, "after")->input.value, "{\"n\": 5}");
    ok(&b, "after", "{\"n\": 1}");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(each_item_may_be_a_flow_and_their_order_is_kept)
{
    struct bench b;
    start_within(
        &b,
        FLOW("  in: {agent: w/read, for_each: [1, 2, 3], concurrency: 2, input: {x: \"${ "
             ".item }\"}}\n") "output: {as: \"${ .steps.in.output }\"}\n",
        FLOW("  one: {agent: w/read, input: {y: \"${ .input.x }\"}}\n") "output: {as: {n: \"${ "
                                                                        ".steps.one.output.n "
                                                                        "}\"}}\n");
    ck_assert(has_task(&b, "in[1]/one") && !has_task(&b, "in[2]/one"));
    ok(&b, "in[1]/one", "{\"n\": 20}");
    ok(&b, "in[2]/one", "{\"n\": 30}");
    ok(&b, "in[0]/one", "{\"n\": 10}");
    expect_status(&b, RUN_DONE);
    expect_json(run_output(b.run), "[{\"n\": 10}, {\"n\": 20}, {\"n\": 30}]");
    bench_done(&b);
}
END_TEST

START_TEST(a_flow_within_has_its_own_concurrency)
{
    struct bench b;
    start_within(&b, FLOW("  in: {agent: w/read}\n  other: {agent: w/read}\n"),
                 "flow: i\nconcurrency: 1\nbudget: {attempts: 9, time: 1m}\nsteps:\n"
                 "  a: {agent: w/read}\n  b: {agent: w/read}\n");
    ck_assert(the_task(&b, "in/a")->in_flight);
    ck_assert(!the_task(&b, "in/b")->in_flight);
    ck_assert(the_task(&b, "other")->in_flight);
    ok(&b, "in/a", "{\"n\": 1}");
    ck_assert(the_task(&b, "in/b")->in_flight);
    bench_done(&b);
}
END_TEST

START_TEST(keys_within_are_of_the_whole_path)
{
    struct bench b;
    char key[DIGEST_HEX_SIZE];
    start_within(&b, FLOW("  in: {agent: w/write, for_each: [1, 2]}\n"),
                 FLOW("  one: {agent: w/write}\n") "output: {as: {n: 1}}\n");
    begins(&b, "in[0]/one", "e");
    begins(&b, "in[1]/one", "e");
    effect_key("s1", "r1", "in[0]/one", -1, "e", key);
    ck_assert_str_eq(the_task(&b, "in[0]/one")->effects[0].key, key);
    ck_assert_str_ne(the_task(&b, "in[1]/one")->effects[0].key, key);
    bench_done(&b);
}
END_TEST

/* ---- what fails inside ---- */

#define SAGA                                                                                       \
    FLOW("  book: {agent: w/write, undo: {agent: w/idem, input: {b: \"${ .output.n }\"}}}\n"       \
         "  pay: {agent: w/read, needs: [book], retry: {max_attempts: 1}}\n")                      \
    "output: {as: {n: \"${ .steps.book.output.n }\"}}\n"

START_TEST(what_fails_inside_is_undone_inside_and_then_its_step_fails)
{
    struct bench b;
    start_within(
        &b,
        FLOW("  in: {agent: w/write, on_failure: skip}\n"
             "  after: {agent: w/read, if: \"${ .steps.in.status == \\\"failed\\\" }\"}\n"),
        SAGA);
    ok(&b, "in/book", "{\"n\": 3}");
    fails(&b, "in/pay", CAUSE_FAILED);
    decided(&b, DECISION_UNDO, "undo");
    not_decided(&b, DECISION_LEAVE);
    expect_json(the_task(&b, "in/book/undo")->input.value, "{\"b\": 3}");
    ok(&b, "in/book/undo", "{\"n\": 1}");
    decided(&b, DECISION_LEAVE, "cleaned-up");
    expect_state(&b, "in", TASK_SKIPPED);
    ok(&b, "after", "{\"n\": 1}");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(what_is_done_inside_is_undone_with_the_step)
{
    struct bench b;
    start_within(&b,
                 FLOW("  first: {agent: w/write, undo: {agent: w/idem}}\n"
                      "  in: {agent: w/write, needs: [first]}\n"
                      "  last: {agent: w/read, needs: [in], retry: {max_attempts: 1}}\n"),
                 SAGA);
    ok(&b, "first", "{\"n\": 1}");
    ok(&b, "in/book", "{\"n\": 3}");
    ok(&b, "in/pay", "{\"n\": 3}");
    fails(&b, "last", CAUSE_FAILED);
    expect_state(&b, "in/book/undo", TASK_RUNNING);
    ck_assert(!has_task(&b, "first/undo"));
    ok(&b, "in/book/undo", "{\"n\": 1}");
    decided(&b, DECISION_LEAVE, "cleaned-up");
    ok(&b, "first/undo", "{\"n\": 1}");
    expect_status(&b, RUN_FAILED);
    bench_done(&b);
}
END_TEST

START_TEST(an_undo_of_the_step_itself_takes_the_place_of_those_inside)
{
    struct bench b;
    start_within(&b,
                 FLOW("  in: {agent: w/write, undo: {agent: w/idem, input: {all: true}}}\n"
                      "  last: {agent: w/read, needs: [in], retry: {max_attempts: 1}}\n"),
                 SAGA);
    ok(&b, "in/book", "{\"n\": 3}");
    ok(&b, "in/pay", "{\"n\": 3}");
    fails(&b, "last", CAUSE_FAILED);
    expect_json(the_task(&b, "in/undo")->input.value, "{\"all\": true}");
    ck_assert(!has_task(&b, "in/book/undo"));
    bench_done(&b);
}
END_TEST

START_TEST(a_cancelled_run_undoes_what_is_half_done_inside)
{
    struct bench b;
    start_within(&b, FLOW("  in: {agent: w/write}\n  other: {agent: w/read}\n"), SAGA);
    ok(&b, "in/book", "{\"n\": 3}");
    cancels(&b);
    fails(&b, "in/pay", CAUSE_CANCELLED);
    fails(&b, "other", CAUSE_CANCELLED);
    ok(&b, "in/book/undo", "{\"n\": 1}");
    expect_status(&b, RUN_CANCELLED);
    bench_done(&b);
}
END_TEST

START_TEST(who_denies_inside_ends_the_flow_inside)
{
    struct bench b;
    start_within(&b, FLOW("  in: {agent: w/read, on_failure: skip}\n  other: {agent: w/read}\n"),
                 FLOW("  one: {agent: w/read, on_failure: escalate, retry: {max_attempts: 1}}\n"));
    fails(&b, "in/one", CAUSE_FAILED);
    expect_status(&b, RUN_RUNNING);
    denies(&b, "in/one");
    expect_state(&b, "in", TASK_SKIPPED);
    ok(&b, "other", "{\"n\": 1}");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(a_run_waits_while_only_what_is_inside_asks)
{
    struct bench b;
    start_within(&b, FLOW("  in: {agent: w/read}\n"),
                 FLOW("  one: {agent: w/read, on_failure: escalate, retry: {max_attempts: 1}}\n"));
    fails(&b, "in/one", CAUSE_FAILED);
    expect_status(&b, RUN_WAITING);
    ck_assert_str_eq(run_task_escalates_to(b.run, task_of(&b, "in/one")), "ops");
    bench_done(&b);
}
END_TEST

START_TEST(an_effect_in_doubt_inside_holds_the_end)
{
    struct bench b;
    start_within(&b, FLOW("  in: {agent: w/write}\n"), FLOW("  one: {agent: w/book}\n"));
    loses(&b, "in/one", "e");
    cancels(&b);
    expect_status(&b, RUN_RUNNING);
    ok(&b, "in/one", "{\"outcome\": \"never\"}");
    expect_status(&b, RUN_CANCELLED);
    bench_done(&b);
}
END_TEST

START_TEST(a_takeover_finds_what_is_inside)
{
    struct bench b;
    start_within(&b, FLOW("  in: {agent: w/read}\n"),
                 FLOW("  one: {agent: w/read}\n") "output: {as: {n: 1}}\n");
    taken_over(&b);
    expect_state(&b, "in/one", TASK_PAUSED);
    comes_due(&b, "in/one");
    ok(&b, "in/one", "{\"n\": 4}");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

/* ---- budgets within budgets ---- */

START_TEST(a_flow_within_spends_its_own_and_what_is_around_it)
{
    struct bench b;
    start_within(&b, FLOW("  in: {agent: w/read, on_failure: skip}\n"),
                 "flow: i\nbudget: {calls: 1, attempts: 9, time: 1m}\nsteps:\n"
                 "  one: {agent: w/read}\n  two: {agent: w/read, needs: [one]}\n");
    ok(&b, "in/one", "{\"n\": 1}");
    decided(&b, DECISION_FAIL, "budget-spent");
    expect_state(&b, "in", TASK_SKIPPED);
    ck_assert_int_eq(b.run->accounts[0].spent.calls, 1);
    ck_assert_int_eq(b.run->accounts[1].spent.calls, 1);
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(what_is_around_bounds_what_is_within)
{
    struct bench b;
    start_within(&b,
                 "flow: f\nbudget: {calls: 2, attempts: 9, time: 1m}\nsteps:\n"
                 "  in: {agent: w/read, for_each: [1, 2, 3], on_item_failure: collect}\n",
                 "flow: i\nbudget: {calls: 9, attempts: 9, time: 1m}\nsteps:\n"
                 "  one: {agent: w/read}\n");
    expect_state(&b, "in[2]", TASK_FAILED);
    ck_assert_int_eq(b.run->accounts[0].spent.calls, 2);
    bench_done(&b);
}
END_TEST

START_TEST(time_that_is_up_inside_ends_what_is_inside)
{
    struct bench b;
    start_within(&b, FLOW("  in: {agent: w/read, on_failure: skip}\n  other: {agent: w/read}\n"),
                 "flow: i\nbudget: {calls: 9, attempts: 9, time: 5s}\nsteps:\n"
                 "  one: {agent: w/read}\n");
    ck_assert_int_eq(run_deadline(b.run), b.now + 5000);
    ck_assert_int_eq(the_task(&b, "in/one")->ends_ms, b.now + 5000);
    b.now += 5000;
    time_runs_out(&b);
    ck_assert_uint_eq(decided(&b, DECISION_UNWIND, "time-spent")->frame, 1);
    fails(&b, "in/one", CAUSE_CANCELLED);
    expect_state(&b, "in", TASK_SKIPPED);
    expect_state(&b, "other", TASK_RUNNING);
    ck_assert_int_eq(run_deadline(b.run), b.now + 595000);
    bench_done(&b);
}
END_TEST

START_TEST(a_wait_that_is_longer_than_a_deadline_is_not_waited_for)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nbudget: {calls: 9, attempts: 9, time: 10s}\ndefaults: {retry: {jitter: "
                "none, initial_interval: 3s, max_interval: 3s}}\nsteps:\n  a: {agent: w/read}\n",
                "{}");
    b.now += 8000;
    fails(&b, "a", CAUSE_TIMEOUT);
    decided(&b, DECISION_FAIL, "deadline-spent");
    bench_done(&b);
}
END_TEST

/* ---- told to wait ---- */

static void is_told_to_wait(struct bench *b, const char *path, enum end end, int64_t wait_ms)
{
    struct event event = of_task(b, EVENT_ENDED, path);
    event.end = end;
    event.cause = end == END_FAILED ? CAUSE_RATE_LIMITED : CAUSE_UNAVAILABLE;
    event.retry_after_ms = wait_ms;
    happen(b, event);
}

START_TEST(a_storm_of_refusals_costs_time_and_calls_but_no_attempts_up_to_a_limit)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nbudget: {calls: 1000, attempts: 3, time: 10h}\nsteps:\n"
                "  a: {agent: w/read, retry: {max_attempts: 2}}\n",
                "{}");
    for (unsigned i = 0; i < LIMIT_DEFERRALS; i++) {
        is_told_to_wait(&b, "a", i % 2 ? END_FAILED : END_NOT_STARTED, 1000);
        decided(&b, DECISION_RETRY, "rate-limited-wait");
        comes_due(&b, "a");
    }
    ck_assert_int_eq(b.run->accounts[0].spent.attempts, 1);
    /* those that were never started were no calls */
    ck_assert_int_eq(b.run->accounts[0].spent.calls, LIMIT_DEFERRALS / 2 + 1);
    is_told_to_wait(&b, "a", END_FAILED, 1000);
    decided(&b, DECISION_RETRY, "retry-safe-class");
    comes_due(&b, "a");
    is_told_to_wait(&b, "a", END_FAILED, 1000);
    decided(&b, DECISION_FAIL, "attempts-spent");
    bench_done(&b);
}
END_TEST

START_TEST(nobody_is_made_to_wait_for_ever)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    is_told_to_wait(&b, "a", END_FAILED, 700000); /* the run has ten minutes */
    decided(&b, DECISION_FAIL, "deadline-spent");
    bench_done(&b);
}
END_TEST

START_TEST(failures_that_cost_nothing_are_bounded_by_attempts)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nbudget: {tokens: 1000, attempts: 5, calls: 99, time: 10m}\ndefaults: "
                "{retry: {jitter: "
                "none, max_attempts: 1000, initial_interval: 1ms, max_interval: 1ms}}\nsteps:\n  "
                "a: {agent: w/dear}\n",
                "{}");
    int starts = 0;
    while (run_status(b.run) == RUN_RUNNING) {
        struct event event = of_task(&b, EVENT_SPENT, "a");
        happen(&b, event); /* it used no tokens */
        fails(&b, "a", CAUSE_UNAVAILABLE);
        starts++;
        if (the_task(&b, "a")->state == TASK_PAUSED)
            comes_due(&b, "a");
    }
    ck_assert_int_eq(starts, 5);
    ck_assert_int_eq(b.run->accounts[0].spent.tokens, 0);
    bench_done(&b);
}
END_TEST

UNIT_MAIN(a_flow_within_sees_its_own_input_and_gives_its_own_output,
          each_item_may_be_a_flow_and_their_order_is_kept, a_flow_within_has_its_own_concurrency,
          keys_within_are_of_the_whole_path,
          what_fails_inside_is_undone_inside_and_then_its_step_fails,
          what_is_done_inside_is_undone_with_the_step,
          an_undo_of_the_step_itself_takes_the_place_of_those_inside,
          a_cancelled_run_undoes_what_is_half_done_inside, who_denies_inside_ends_the_flow_inside,
          a_run_waits_while_only_what_is_inside_asks, an_effect_in_doubt_inside_holds_the_end,
          a_takeover_finds_what_is_inside, a_flow_within_spends_its_own_and_what_is_around_it,
          what_is_around_bounds_what_is_within, time_that_is_up_inside_ends_what_is_inside,
          a_wait_that_is_longer_than_a_deadline_is_not_waited_for,
          a_storm_of_refusals_costs_time_and_calls_but_no_attempts_up_to_a_limit,
          nobody_is_made_to_wait_for_ever, failures_that_cost_nothing_are_bounded_by_attempts)
