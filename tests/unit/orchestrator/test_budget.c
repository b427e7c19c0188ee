/* SPDX-License-Identifier: Apache-2.0
 *
 * One budget a run, set aside before each start and settled after it; and the waits between tries.
 */
#include "fixture.h"

#define LIMITED(limits, steps)                                                                     \
    "flow: f\nbudget: {" limits ", time: 10m}\ndefaults: {retry: {jitter: none}}\n"                \
    "escalation: {to: ops}\nsteps:\n" steps

static void spends(struct bench *b, const char *path, int64_t tokens, int64_t cost)
{
    struct event event = of_task(b, EVENT_SPENT, path);
    event.tokens = tokens;
    event.cost = cost;
    happen(b, event);
}

static bool reserves(struct bench *b, const char *path, int64_t tokens, int64_t cost)
{
    struct event event = of_task(b, EVENT_RESERVE_ASKED, path);
    event.tokens = tokens;
    event.cost = cost;
    happen(b, event);
    return decided(b, DECISION_RESERVE, NULL)->granted;
}

/* ---- what all runs share ---- */

/* An attempt that ends well, when the periods have that much room. */
static void ok_with_room(struct bench *b, const char *path, const char *room)
{
    struct event event = of_task(b, EVENT_ENDED, path);
    event.body = json_of("{\"n\": 1}");
    event.room = json_of(room);
    happen(b, event);
    json_decref(event.body);
    json_decref(event.room);
}

#define ROOM(what, allowed, used, returns)                                                         \
    "[{\"period\": \"day\", \"until\": \"2026-12-01T00:00Z\", \"what\": \"" what                   \
    "\", \"allowed\": " allowed ", \"used\": " used ", \"returns\": " returns "}]"

#define FIRST_AND_THEN                                                                             \
    LIMITED("attempts: 9, calls: 9, tokens: 900",                                                  \
            "  a: {agent: w/dear}\n"                                                               \
            "  b: {agent: w/dear, needs: [a], on_failure: skip}\n"                                 \
            "  c: {agent: w/dear, needs: [a], on_failure: skip}\n")

START_TEST(a_start_without_room_is_not_begun_and_not_charged)
{
    struct bench b;
    bench_start(&b, FIRST_AND_THEN, "{}");
    ok_with_room(&b, "a", ROOM("calls", "5", "4", "true"));
    expect_state(&b, "b", TASK_RUNNING);
    expect_state(&b, "c", TASK_SKIPPED);
    decided(&b, DECISION_JUDGE, "room-spent");
    ck_assert(run_lacked_room(b.run));
    expect_json(json_object_get(the_task(&b, "c")->error, "code"), "\"budget-day\"");
    expect_json(json_object_get(the_task(&b, "c")->error, "message"),
                "\"the manifest's budgets.day allows 5 calls; 5 are used or set aside until "
                "2026-12-01T00:00Z, and this would take 1\"");
    ck_assert_int_eq(run_charged(b.run).calls, 2);
    ok(&b, "b", "{\"n\": 1}");
    ck_assert(!run_lacked_room(b.run));
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(what_an_event_gives_back_is_room_in_its_own_period)
{
    for (int own = 0; own < 2; own++) {
        struct bench b;
        bench_start(&b, FIRST_AND_THEN, "{}");
        spends(&b, "a", 10, 0); /* 90 of its 100 are given back */
        ok_with_room(&b, "a",
                     own ? ROOM("tokens", "300", "190", "true")
                         : ROOM("tokens", "300", "190", "false"));
        expect_state(&b, "b", TASK_RUNNING);
        expect_state(&b, "c", own ? TASK_RUNNING : TASK_SKIPPED);
        bench_done(&b);
    }
}
END_TEST

/* ---- limits ---- */

START_TEST(attempts_and_calls_are_counted_before_the_start)
{
    const char *const limits[] = {"attempts: 2, calls: 9", "attempts: 9, calls: 2"};
    for (size_t i = 0; i < 2; i++) {
        struct bench b;
        AUTO(freep)
        char *text = xasprintf("flow: f\nbudget: {%s, time: 10m}\nsteps:\n"
                               "  a: {agent: w/read}\n  b: {agent: w/read}\n"
                               "  c: {agent: w/read, on_failure: skip}\n",
                               limits[i]);
        bench_start(&b, text, "{}");
        ck_assert_int_eq(b.run->accounts[0].spent.attempts, 2);
        ck_assert_int_eq(b.run->accounts[0].spent.calls, 2);
        decided(&b, DECISION_FAIL, "budget-spent");
        expect_json(json_object_get(the_task(&b, "c")->error, "code"), "\"budget\"");
        bench_done(&b);
    }
}
END_TEST

START_TEST(the_worst_case_of_a_call_is_set_aside_until_it_ends)
{
    struct bench b; /* w/dear: 100 tokens, 50 millionths */
    bench_start(&b,
                LIMITED("attempts: 9, calls: 9, tokens: 250",
                        "  a: {agent: w/dear}\n  b: {agent: w/dear}\n"
                        "  c: {agent: w/dear, on_failure: skip}\n"),
                "{}");
    ck_assert_int_eq(b.run->accounts[0].spent.reserved_tokens, 200);
    expect_state(&b, "c", TASK_READY); /* there may be enough when the others have ended */
    spends(&b, "a", 30, 0);
    spends(&b, "a", 12, 7);
    ck_assert_int_eq(b.run->accounts[0].spent.tokens, 0);
    ok(&b, "a", "{\"n\": 1}");
    ck_assert_int_eq(b.run->accounts[0].spent.tokens, 42);
    ck_assert_int_eq(b.run->accounts[0].spent.cost, 7);
    expect_state(&b, "c", TASK_RUNNING);
    ck_assert_int_eq(b.run->accounts[0].spent.reserved_tokens, 200);
    ok(&b, "b", "{\"n\": 1}"); /* it says nothing of its use: what was declared counts */
    ck_assert_int_eq(b.run->accounts[0].spent.tokens, 142);
    ck_assert_int_eq(b.run->accounts[0].spent.reserved_tokens, 100);
    bench_done(&b);
}
END_TEST

START_TEST(a_cost_that_is_set_aside_cannot_be_spent_twice)
{
    struct bench b;
    bench_start(&b,
                LIMITED("attempts: 9, calls: 9, tokens: 10000, cost: 0.000120",
                        "  a: {agent: w/dear}\n  b: {agent: w/dear}\n"
                        "  c: {agent: w/dear, on_failure: skip}\n"),
                "{}");
    ck_assert_int_eq(b.run->accounts[0].spent.reserved_cost, 100);
    ok(&b, "a", "{\"n\": 1}");
    expect_state(&b, "c", TASK_READY);
    ok(&b, "b", "{\"n\": 1}");
    decided(&b, DECISION_FAIL, "budget-spent");
    expect_json(json_object_get(the_task(&b, "c")->error, "message"),
                "\"the budget's cost is spent: 0.00002 of 0.00012 is left, and a call may take "
                "0.00005\"");
    bench_done(&b);
}
END_TEST

START_TEST(who_waits_for_what_is_set_aside_lets_others_pass)
{
    struct bench b;
    bench_start(&b,
                LIMITED("attempts: 9, calls: 9, tokens: 150",
                        "  a: {agent: w/dear}\n  b: {agent: w/dear}\n  c: {agent: w/read}\n"
                        "  d: {agent: w/dear}\n  e: {agent: w/read}\n"),
                "{}");
    expect_state(&b, "b", TASK_READY);
    expect_state(&b, "c", TASK_RUNNING);
    expect_state(&b, "d", TASK_READY);
    expect_state(&b, "e", TASK_RUNNING);
    spends(&b, "a", 25, 0);
    ok(&b, "a", "{\"n\": 1}");
    expect_state(&b, "b", TASK_RUNNING);
    expect_state(&b, "d", TASK_READY);
    spends(&b, "b", 25, 0);
    ok(&b, "b", "{\"n\": 1}");
    expect_state(&b, "d", TASK_RUNNING);
    ok(&b, "c", "{\"n\": 1}");
    ok(&b, "e", "{\"n\": 1}");
    ok(&b, "d", "{\"n\": 1}");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(a_try_again_waits_for_what_others_have_set_aside)
{
    struct bench b;
    bench_start(&b,
                LIMITED("attempts: 9, calls: 9, tokens: 250",
                        "  a: {agent: w/dear}\n  b: {agent: w/dear}\n"),
                "{}");
    ck_assert(reserves(&b, "b", 50, 0));
    fails(&b, "a", CAUSE_UNAVAILABLE); /* its 100 are used up; 150 are set aside for b */
    decided(&b, DECISION_RETRY, "retry-safe-class");
    comes_due(&b, "a");
    expect_state(&b, "a", TASK_READY);
    ok(&b, "b", "{\"n\": 1}"); /* it gives nothing back */
    decided(&b, DECISION_FAIL, "budget-spent");
    bench_done(&b);
    bench_start(&b,
                LIMITED("attempts: 9, calls: 9, tokens: 250",
                        "  a: {agent: w/dear}\n  b: {agent: w/dear}\n"),
                "{}");
    ck_assert(reserves(&b, "b", 50, 0));
    spends(&b, "a", 10, 0);
    fails(&b, "a", CAUSE_UNAVAILABLE);
    decided(&b, DECISION_RETRY, "retry-safe-class");
    comes_due(&b, "a");
    expect_state(&b, "a", TASK_READY);
    spends(&b, "b", 10, 0);
    ok(&b, "b", "{\"n\": 1}");
    expect_state(&b, "a", TASK_RUNNING);
    bench_done(&b);
}
END_TEST

START_TEST(a_call_does_not_wait_for_what_its_caller_has_set_aside)
{
    struct bench b;
    bench_start(&b, LIMITED("attempts: 9, calls: 9, tokens: 150", "  a: {agent: w/read}\n"), "{}");
    ck_assert(reserves(&b, "a", 100, 0));
    asks_for(&b, "a", "x#1", "w/dear", "{}", "{}");
    decided(&b, DECISION_FAIL, "budget-spent");
    bench_done(&b);
}
END_TEST

START_TEST(an_agent_may_set_more_aside_while_there_is_some)
{
    struct bench b;
    bench_start(&b, LIMITED("attempts: 9, calls: 9, tokens: 1000", "  a: {agent: w/dear}\n"), "{}");
    ck_assert(reserves(&b, "a", 800, 0));
    ck_assert(!reserves(&b, "a", 101, 0));
    ck_assert(reserves(&b, "a", 100, 0));
    ck_assert(!reserves(&b, "a", 1, 0));
    ck_assert(!reserves(&b, "a", -5, 0));
    ck_assert(!reserves(&b, "a", INT64_MAX, 0));
    ck_assert_int_eq(b.run->accounts[0].spent.reserved_tokens, 1000);
    spends(&b, "a", 500, 0);
    ok(&b, "a", "{\"n\": 1}");
    ck_assert_int_eq(b.run->accounts[0].spent.reserved_tokens, 0);
    ck_assert_int_eq(b.run->accounts[0].spent.tokens, 500);
    bench_done(&b);
}
END_TEST

START_TEST(what_is_used_beyond_what_was_set_aside_is_promised_to_nobody)
{
    struct bench b;
    bench_start(&b,
                LIMITED("attempts: 9, calls: 9, tokens: 1000, cost: 1",
                        "  a: {agent: w/read}\n  b: {agent: w/read}\n"),
                "{}");
    spends(&b, "a", 900, 900000);
    ck_assert(!reserves(&b, "b", 101, 0));
    ck_assert(!reserves(&b, "b", 0, 100001));
    ck_assert(reserves(&b, "b", 100, 100000));
    ok(&b, "a", "{\"n\": 1}");
    ck_assert_int_eq(b.run->accounts[0].spent.tokens, 900);
    ck_assert_int_eq(b.run->accounts[0].spent.reserved_tokens, 100);
    bench_done(&b);
}
END_TEST

START_TEST(no_amount_is_so_large_that_it_counts_for_nothing)
{
    struct bench b;
    bench_start(&b,
                LIMITED("attempts: 9, calls: 9, tokens: 1000",
                        "  a: {agent: w/read}\n"
                        "  b: {agent: w/read, needs: [a], on_failure: skip}\n"),
                "{}");
    for (int i = 0; i < 3; i++)
        spends(&b, "a", INT64_MAX, INT64_MAX);
    ok(&b, "a", "{\"n\": 1}");
    ck_assert_int_eq(b.run->accounts[0].spent.tokens, LIMIT_SPENT);
    ck_assert_int_eq(b.run->accounts[0].spent.cost, LIMIT_SPENT);
    ck_assert_int_eq(b.run->accounts[0].spent.reserved_tokens, 0);
    decided(&b, DECISION_FAIL, "budget-spent");
    bench_done(&b);
}
END_TEST

START_TEST(nothing_is_set_aside_for_a_call_that_is_over)
{
    struct bench b;
    bench_start(&b,
                LIMITED("attempts: 9, calls: 9, tokens: 1000",
                        "  a: {agent: w/dear}\n  b: {agent: w/read}\n"),
                "{}");
    ok(&b, "a", "{\"n\": 1}");
    ck_assert(!reserves(&b, "a", 1, 0));
    spends(&b, "a", 700, 0);
    ck_assert_int_eq(b.run->accounts[0].spent.tokens, 100);
    bench_done(&b);
}
END_TEST

START_TEST(what_was_in_flight_at_a_takeover_is_spent)
{
    struct bench b;
    bench_start(&b, LIMITED("attempts: 9, calls: 9, tokens: 1000", "  a: {agent: w/dear}\n"), "{}");
    taken_over(&b);
    ck_assert_int_eq(b.run->accounts[0].spent.tokens, 100);
    ck_assert_int_eq(b.run->accounts[0].spent.reserved_tokens, 0);
    bench_done(&b);
}
END_TEST

static void is_lost(struct bench *b, const char *path, enum cause cause)
{
    struct event event = of_task(b, EVENT_ENDED, path);
    event.end = END_FAILED;
    event.cause = cause;
    event.lost = true;
    happen(b, event);
}

START_TEST(a_call_that_did_not_end_by_itself_may_have_used_all_that_was_set_aside)
{
    struct bench b;
    bench_start(&b, LIMITED("attempts: 9, calls: 9, tokens: 1000", "  a: {agent: w/dear}\n"), "{}");
    ck_assert(reserves(&b, "a", 300, 50));
    spends(&b, "a", 18, 5);
    is_lost(&b, "a", CAUSE_TIMEOUT);
    ck_assert_int_eq(b.run->accounts[0].spent.tokens, 400);
    comes_due(&b, "a");
    ck_assert(reserves(&b, "a", 100, 0));
    spends(&b, "a", 350, 0); /* more than was set aside is known, and counts */
    is_lost(&b, "a", CAUSE_CRASH);
    ck_assert_int_eq(b.run->accounts[0].spent.tokens, 750);
    comes_due(&b, "a");
    spends(&b, "a", 18, 5);
    fails(&b, "a", CAUSE_TIMEOUT); /* it ended by itself, and knows */
    ck_assert_int_eq(b.run->accounts[0].spent.tokens, 768);
    ck_assert_int_eq(b.run->accounts[0].spent.reserved_tokens, 0);
    bench_done(&b);
}
END_TEST

START_TEST(what_was_in_flight_at_a_takeover_may_have_used_more_than_it_said)
{
    struct bench b;
    bench_start(&b, LIMITED("attempts: 9, calls: 9, tokens: 1000", "  a: {agent: w/dear}\n"), "{}");
    spends(&b, "a", 18, 0);
    taken_over(&b);
    ck_assert_int_eq(b.run->accounts[0].spent.tokens, 100);
    bench_done(&b);
}
END_TEST

START_TEST(what_older_rules_counted_at_a_takeover_stands)
{
    struct bench b;
    bench_start(&b, LIMITED("attempts: 9, calls: 9, tokens: 1000", "  a: {agent: w/dear}\n"), "{}");
    spends(&b, "a", 18, 0);
    happen(&b, (struct event){.kind = EVENT_TAKEN_OVER, .rules = 4});
    ck_assert_int_eq(b.run->accounts[0].spent.tokens, 18);
    bench_done(&b);
}
END_TEST

START_TEST(reconcile_draws_on_recovery_alone)
{
    struct bench b;
    bench_start(&b, LIMITED("attempts: 1, calls: 1", "  a: {agent: w/book}\n"), "{}");
    loses(&b, "a", "e");
    decided(&b, DECISION_START, "reconcile-attempt");
    ck_assert_int_eq(b.run->accounts[0].spent.recovery, 1);
    ck_assert_int_eq(b.run->accounts[0].spent.calls, 1);
    ck_assert_int_eq(b.run->accounts[0].spent.attempts, 1);
    bench_done(&b);
}
END_TEST

START_TEST(a_done_effect_is_completed_from_recovery_when_the_budget_is_spent)
{
    struct bench b;
    bench_start(&b, LIMITED("attempts: 2, calls: 2", "  a: {agent: w/write}\n"), "{}");
    does(&b, "a", "e", "1");
    fails(&b, "a", CAUSE_CRASH);
    comes_due(&b, "a");
    fails(&b, "a", CAUSE_CRASH); /* the budget is spent, a third try would have been allowed */
    ck_assert(decided(&b, DECISION_RETRY, "effect-done-recover")->granted);
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_DONE);
    ok(&b, "a", "{\"n\": 1}");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(a_budget_that_another_took_while_a_done_effect_waited_does_not_drop_it)
{
    struct bench b;
    bench_start(&b,
                LIMITED("attempts: 3, calls: 3",
                        "  a: {agent: w/write}\n  b: {agent: w/read}\n  c: {agent: w/read, needs: "
                        "[b]}\n"),
                "{}");
    does(&b, "a", "e", "1");
    fails(&b, "a", CAUSE_CRASH);
    expect_state(&b, "a", TASK_PAUSED);
    ok(&b, "b", "{\"n\": 1}"); /* c takes the last call */
    comes_due(&b, "a");
    decided(&b, DECISION_JUDGE, "budget-spent");
    decided(&b, DECISION_RETRY, "effect-done-recover");
    decided(&b, DECISION_START, "next-attempt");
    bench_done(&b);
}
END_TEST

START_TEST(what_cannot_start_does_not_show_anothers_output)
{
    struct bench b;
    bench_start(&b,
                LIMITED("attempts: 1, calls: 1",
                        "  a: {agent: w/read}\n  b: {agent: w/read, needs: [a], on_failure: "
                        "escalate}\n"),
                "{}");
    ok(&b, "a", "{\"n\": 42}");
    const struct decision *ask = decided(&b, DECISION_ASK, "budget-spent");
    ck_assert_ptr_null(json_object_get(ask->shown, "output"));
    ck_assert_ptr_null(the_task(&b, "b")->verdict.output);
    bench_done(&b);
}
END_TEST

/* ---- waits ---- */

static int64_t wait_of(const struct bench *b, const char *path)
{
    return run_task_due(b->run, task_of(b, path)) - b->now;
}

START_TEST(waits_grow_to_a_maximum)
{
    const int64_t expected[] = {100, 300, 900, 1000, 1000};
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/read, retry: {max_attempts: 9, initial_interval: 100ms, "
                     "backoff_coefficient: 3, max_interval: 1s}}\n"),
                "{}");
    for (size_t i = 0; i < 5; i++) {
        fails(&b, "a", CAUSE_BUSY);
        ck_assert_int_eq(wait_of(&b, "a"), expected[i]);
        comes_due(&b, "a");
    }
    bench_done(&b);
}
END_TEST

START_TEST(a_due_that_comes_early_is_no_due)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    fails(&b, "a", CAUSE_BUSY);
    happen(&b, of_task(&b, EVENT_DUE, "a"));
    expect_state(&b, "a", TASK_PAUSED);
    comes_due(&b, "a");
    expect_state(&b, "a", TASK_RUNNING);
    bench_done(&b);
}
END_TEST

START_TEST(jitter_spreads_the_waits_and_comes_from_the_seed_alone)
{
    int64_t waits[2][20];
    for (size_t round = 0; round < 2; round++) {
        struct bench b;
        bench_start(&b,
                    "flow: f\nbudget: {attempts: 40, calls: 60, time: 10m}\nsteps:\n"
                    "  a: {agent: w/read, for_each: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16], "
                    "retry: {initial_interval: 1s, jitter: full}}\n",
                    "{}");
        int64_t least = 1000, most = 0;
        for (uint32_t i = 0; i < 16; i++) {
            AUTO(freep) char *path = xasprintf("a[%u]", i);
            fails(&b, path, CAUSE_BUSY);
            waits[round][i] = wait_of(&b, path);
            ck_assert_int_ge(waits[round][i], -1); /* -1: 0, and already on its way */
            ck_assert_int_lt(waits[round][i], 1000);
            least = waits[round][i] < least ? waits[round][i] : least;
            most = waits[round][i] > most ? waits[round][i] : most;
            if (round == 1)
                ck_assert_int_eq(waits[1][i], waits[0][i]);
        }
        ck_assert_int_lt(least, 250);
        ck_assert_int_gt(most, 750);
        bench_done(&b);
    }
}
END_TEST

/* Two runs of one flow must not wait in step. */
START_TEST(another_seed_gives_other_waits)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nbudget: {attempts: 40, calls: 60, time: 10m}\nsteps:\n"
                "  a: {agent: w/read, retry: {initial_interval: 10s, jitter: full}}\n",
                "{}");
    int64_t waits[3];
    for (size_t i = 0; i < 3; i++) {
        b.run->seed += i;
        waits[i] = retry_delay(b.run, the_task(&b, "a"), false);
    }
    ck_assert_int_ne(waits[0], waits[1]);
    ck_assert_int_ne(waits[1], waits[2]);
    bench_done(&b);
}
END_TEST

START_TEST(an_agent_may_ask_for_a_longer_wait)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    struct event event = of_task(&b, EVENT_ENDED, "a");
    event.end = END_FAILED;
    event.cause = CAUSE_RATE_LIMITED;
    event.retry_after_ms = 7777;
    happen(&b, event);
    ck_assert_int_eq(wait_of(&b, "a"), 7777);
    bench_done(&b);
}
END_TEST

START_TEST(deadlines_shrink_on_the_way_down)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nbudget: {attempts: 9, calls: 9, time: 20s}\n"
                "defaults: {retry: {jitter: none}}\nsteps:\n"
                "  a: {agent: w/read, timeout: {start_to_close: 8s, schedule_to_close: 1m}}\n",
                "{}");
    ck_assert_int_eq(decided(&b, DECISION_START, NULL)->timeout_ms, 8000);
    b.now += 15000;
    fails(&b, "a", CAUSE_BUSY);
    comes_due(&b, "a");
    ck_assert_int_eq(decided(&b, DECISION_START, NULL)->timeout_ms, 20000 - 15000 - 200);
    bench_done(&b);
}
END_TEST

UNIT_MAIN(attempts_and_calls_are_counted_before_the_start,
          the_worst_case_of_a_call_is_set_aside_until_it_ends,
          a_start_without_room_is_not_begun_and_not_charged,
          what_an_event_gives_back_is_room_in_its_own_period,
          a_cost_that_is_set_aside_cannot_be_spent_twice,
          who_waits_for_what_is_set_aside_lets_others_pass,
          a_try_again_waits_for_what_others_have_set_aside,
          a_call_does_not_wait_for_what_its_caller_has_set_aside,
          an_agent_may_set_more_aside_while_there_is_some,
          what_is_used_beyond_what_was_set_aside_is_promised_to_nobody,
          no_amount_is_so_large_that_it_counts_for_nothing,
          nothing_is_set_aside_for_a_call_that_is_over, what_was_in_flight_at_a_takeover_is_spent,
          a_call_that_did_not_end_by_itself_may_have_used_all_that_was_set_aside,
          what_was_in_flight_at_a_takeover_may_have_used_more_than_it_said,
          what_older_rules_counted_at_a_takeover_stands, reconcile_draws_on_recovery_alone,
          a_done_effect_is_completed_from_recovery_when_the_budget_is_spent,
          a_budget_that_another_took_while_a_done_effect_waited_does_not_drop_it,
          what_cannot_start_does_not_show_anothers_output, waits_grow_to_a_maximum,
          a_due_that_comes_early_is_no_due, jitter_spreads_the_waits_and_comes_from_the_seed_alone,
          another_seed_gives_other_waits, an_agent_may_ask_for_a_longer_wait,
          deadlines_shrink_on_the_way_down)
