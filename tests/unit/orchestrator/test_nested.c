/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls within calls: a name is one piece of work for ever, whoever asks again; nobody calls what
 * changes more than itself; a caller does not go on while what it called is in doubt, and does not
 * try again what has failed for good. All of it is paid for by one budget.
 */
#include "fixture.h"

/* ---- a name is one piece of work ---- */

START_TEST(a_call_is_started_and_its_output_is_there)
{
    struct bench b;
    struct nested_view view;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    ck_assert_int_eq(asks_for(&b, "a", "x#1", "w/pure", "{\"q\": 1}", NULL), BEGIN_FRESH);
    decided(&b, DECISION_START, "first-attempt");
    expect_json(the_task(&b, "a/x#1")->input.value, "{\"q\": 1}");
    ok(&b, "a/x#1", "{\"n\": 5}");
    uint32_t child = run_nested_find(b.run, task_of(&b, "a"), "x#1");
    ck_assert(run_nested(b.run, child, &view));
    ck_assert(view.final && view.ok);
    ck_assert_uint_eq(view.parent, task_of(&b, "a"));
    expect_json(view.output, "{\"n\": 5}");
    ok(&b, "a", "{\"n\": 1}");
    expect_status(&b, RUN_DONE);
    ck_assert_int_eq(b.run->accounts[0].spent.attempts, 1);
    ck_assert_int_eq(b.run->accounts[0].spent.calls, 2);
    bench_done(&b);
}
END_TEST

START_TEST(the_next_attempt_is_given_the_stored_result)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    asks_for(&b, "a", "x#1", "w/pure", "{}", NULL);
    ok(&b, "a/x#1", "{\"n\": 5}");
    fails(&b, "a", CAUSE_CRASH);
    comes_due(&b, "a");
    ck_assert_int_eq(asks_for(&b, "a", "x#1", "w/pure", "{}", NULL), BEGIN_DONE);
    decided(&b, DECISION_CALL, "call-replayed");
    not_decided(&b, DECISION_START);
    ok(&b, "a", "{\"n\": 1}");
    ck_assert_int_eq(b.run->accounts[0].spent.calls, 3);
    bench_done(&b);
}
END_TEST

START_TEST(asking_twice_attaches_to_what_is_under_way)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    asks_for(&b, "a", "x#1", "w/pure", "{}", NULL);
    ck_assert_int_eq(asks_for(&b, "a", "x#1", "w/pure", "{}", NULL), BEGIN_UNKNOWN);
    decided(&b, DECISION_CALL, "call-attached");
    bench_done(&b);
}
END_TEST

START_TEST(another_input_under_the_same_name_is_a_conflict)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/write}\n"), "{}");
    asks_for(&b, "a", "x#1", "w/book", "{\"q\": 1}", NULL);
    does(&b, "a/x#1", "e", "1");
    ok(&b, "a/x#1", "{\"n\": 5}");
    ck_assert_int_eq(asks_for(&b, "a", "x#1", "w/book", "{\"q\": 2}", NULL), BEGIN_CONFLICT);
    ok(&b, "a", "{\"n\": 1}");
    decided(&b, DECISION_ASK, "same-key-other-request");
    bench_done(&b);
}
END_TEST

START_TEST(keys_of_effects_in_calls_are_their_own_and_stay)
{
    struct bench b;
    char key[DIGEST_HEX_SIZE];
    bench_start(&b, FLOW("  a: {agent: w/write}\n"), "{}");
    asks_for(&b, "a", "x#1", "w/book", "{}", NULL);
    asks_for(&b, "a", "x#2", "w/book", "{}", NULL);
    begins(&b, "a/x#1", "e");
    begins(&b, "a/x#2", "e");
    strcpy(key, the_task(&b, "a/x#1")->effects[0].key);
    ck_assert_str_ne(key, the_task(&b, "a/x#2")->effects[0].key);
    taken_over(&b);
    ck_assert_str_eq(key, the_task(&b, "a/x#1")->effects[0].key);
    bench_done(&b);
}
END_TEST

/* ---- who may call whom ---- */

static const struct {
    const char *caller, *callee, *rule;
} refusals[] = {
    {"w/read", "w/book", "call-not-granted"},
    {"w/read", "w/nobody", "call-not-granted"},
    {"w/read", "w/write", "call-class"},
    {"w/book", "w/write-settles", NULL},
    {"w/write", "w/idem", NULL},
    {"w/write", "w/read", NULL},
};

START_TEST(nobody_calls_more_than_it_may)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct bench b;
        AUTO(freep) char *text = xasprintf(FLOW("  a: {agent: %s}\n"), refusals[i].caller);
        bench_start(&b, text, "{}");
        enum begin begin = asks_for(&b, "a", "x#1", refusals[i].callee, "{}", NULL);
        ck_assert_int_eq(begin, refusals[i].rule ? BEGIN_REFUSED : BEGIN_FRESH);
        if (refusals[i].rule)
            decided(&b, DECISION_CALL, refusals[i].rule);
        bench_done(&b);
    }
}
END_TEST

START_TEST(an_agent_does_not_call_itself_through_others)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    asks_for(&b, "a", "x#1", "w/dear", "{}", NULL);
    ck_assert_int_eq(asks_for(&b, "a/x#1", "y#1", "w/read", "{}", NULL), BEGIN_REFUSED);
    decided(&b, DECISION_CALL, "call-cycle");
    bench_done(&b);
}
END_TEST

START_TEST(an_input_that_does_not_fit_fails_the_call_alone)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    asks_for(&b, "a", "x#1", "w/picky", "{}", NULL);
    decided(&b, DECISION_FAIL, "permanent");
    expect_state(&b, "a", TASK_RUNNING);
    struct nested_view view;
    ck_assert(run_nested(b.run, task_of(&b, "a/x#1"), &view));
    ck_assert(view.final && !view.ok);
    ck_assert_int_eq(view.cause, CAUSE_INPUT);
    bench_done(&b);
}
END_TEST

/* ---- one owner of retries ---- */

/* Three tries of the step, of the call, and of the call in the call: the budget's 7 calls, not 27.
 */
START_TEST(tries_within_tries_cost_no_more_than_the_budget)
{
    struct bench b;
    const char *three = "{\"retry\": {\"max_attempts\": 3, \"jitter\": \"none\"}}";
    bench_start(&b,
                "flow: f\nbudget: {attempts: 9, calls: 7, time: 10m}\ndefaults: {retry: {jitter: "
                "none, max_attempts: 3}}\nsteps:\n  a: {agent: w/dear}\n",
                "{}");
    for (int i = 0; i < 40 && run_status(b.run) == RUN_RUNNING; i++) {
        const char *deepest = has_task(&b, "a/x#1/y#1") ? "a/x#1/y#1" : NULL;
        if (deepest && the_task(&b, deepest)->in_flight)
            fails(&b, deepest, CAUSE_TIMEOUT);
        else if (deepest && the_task(&b, deepest)->state == TASK_PAUSED)
            comes_due(&b, deepest);
        else if (has_task(&b, "a/x#1") && the_task(&b, "a/x#1")->in_flight && !deepest)
            asks_for(&b, "a/x#1", "y#1", "w/pure", "{}", three);
        else if (has_task(&b, "a/x#1") && the_task(&b, "a/x#1")->in_flight)
            fails(&b, "a/x#1", CAUSE_UNAVAILABLE);
        else if (has_task(&b, "a/x#1") && the_task(&b, "a/x#1")->state == TASK_PAUSED)
            comes_due(&b, "a/x#1");
        else if (the_task(&b, "a")->in_flight && !has_task(&b, "a/x#1"))
            asks_for(&b, "a", "x#1", "w/read", "{}", three);
        else if (the_task(&b, "a")->in_flight)
            fails(&b, "a", CAUSE_UNAVAILABLE);
        else if (the_task(&b, "a")->state == TASK_PAUSED)
            comes_due(&b, "a");
    }
    expect_status(&b, RUN_FAILED);
    ck_assert_int_eq(the_task(&b, "a/x#1/y#1")->tries, 3);
    ck_assert_int_eq(the_task(&b, "a/x#1")->tries, 1);
    ck_assert_int_eq(the_task(&b, "a")->tries, 1);
    ck_assert_int_eq(b.run->accounts[0].spent.calls, 5);
    bench_done(&b);
}
END_TEST

START_TEST(a_call_is_tried_as_its_caller_asked)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    asks_for(
        &b, "a", "x#1", "w/pure", "{}",
        "{\"retry\": {\"max_attempts\": 2, \"jitter\": \"none\", \"initial_interval\": \"3s\"}}");
    fails(&b, "a/x#1", CAUSE_TIMEOUT);
    decided(&b, DECISION_RETRY, "retry-safe-class");
    ck_assert_int_eq(run_task_due(b.run, task_of(&b, "a/x#1")), b.now + 3000);
    comes_due(&b, "a/x#1");
    fails(&b, "a/x#1", CAUSE_TIMEOUT);
    decided(&b, DECISION_FAIL, "attempts-spent");
    bench_done(&b);
}
END_TEST

START_TEST(siblings_share_what_is_left_and_never_more)
{
    struct bench b; /* w/dear sets 100 tokens aside */
    bench_start(&b,
                "flow: f\nbudget: {attempts: 9, calls: 9, tokens: 250, time: 10m}\nsteps:\n"
                "  a: {agent: w/read}\n",
                "{}");
    asks_for(&b, "a", "x#1", "w/dear", "{}", NULL);
    asks_for(&b, "a", "x#2", "w/dear", "{}", NULL);
    asks_for(&b, "a", "x#3", "w/dear", "{}", NULL);
    expect_state(&b, "a/x#3", TASK_FAILED);
    ck_assert_int_eq(b.run->accounts[0].spent.reserved_tokens, 200);
    ok(&b, "a/x#1", "{\"n\": 1}");
    ck_assert_int_eq(b.run->accounts[0].spent.tokens, 100);
    ck_assert_int_eq(b.run->accounts[0].spent.reserved_tokens, 100);
    bench_done(&b);
}
END_TEST

START_TEST(a_call_may_be_given_less_than_there_is)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    asks_for(&b, "a", "x#1", "w/dear", "{}", "{\"budget\": {\"tokens\": 99}}");
    decided(&b, DECISION_FAIL, "budget-spent");
    asks_for(&b, "a", "x#2", "w/dear", "{}", "{\"budget\": {\"tokens\": 100, \"calls\": 2}}");
    decided(&b, DECISION_START, "first-attempt");
    bench_done(&b);
}
END_TEST

START_TEST(deadlines_shrink_on_the_way_down)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read, timeout: {start_to_close: 10s}}\n"), "{}");
    b.now += 4000;
    asks_for(&b, "a", "x#1", "w/pure", "{}", "{\"timeout_ms\": 60000}");
    ck_assert_int_eq(decided(&b, DECISION_START, NULL)->timeout_ms, 6000);
    asks_for(&b, "a", "x#2", "w/pure", "{}", "{\"timeout_ms\": 50}");
    ck_assert_int_eq(decided(&b, DECISION_START, NULL)->timeout_ms, 50);
    bench_done(&b);
}
END_TEST

/* ---- a caller that ends before what it called ---- */

START_TEST(a_caller_waits_for_the_doubt_of_what_it_called)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/write}\n"), "{}");
    asks_for(&b, "a", "x#1", "w/book", "{}", NULL);
    begins(&b, "a/x#1", "e");
    fails(&b, "a", CAUSE_CRASH);
    expect_state(&b, "a", TASK_HELD);
    seen(&b, "a/x#1", "e", OUTCOME_UNKNOWN);
    fails(&b, "a/x#1", CAUSE_CRASH);
    decided(&b, DECISION_RECONCILE, "in-doubt-reconcile");
    not_decided(&b, DECISION_RETRY);
    ok(&b, "a/x#1", "{\"outcome\": \"happened\", \"result\": {\"n\": 7}}");
    decided(&b, DECISION_ACCEPT, "in-doubt-happened");
    decided(&b, DECISION_RETRY, "effect-done-replay");
    comes_due(&b, "a");
    ck_assert_int_eq(asks_for(&b, "a", "x#1", "w/book", "{}", NULL), BEGIN_DONE);
    ok(&b, "a", "{\"n\": 1}");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(what_was_given_up_goes_on_when_it_is_asked_for_again)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/write}\n"), "{}");
    asks_for(&b, "a", "x#1", "w/book", "{}", NULL);
    does(&b, "a/x#1", "e", "{\"id\": 3}");
    taken_over(&b);
    expect_state(&b, "a/x#1", TASK_ABANDONED);
    decided(&b, DECISION_RETRY, "effect-done-replay");
    comes_due(&b, "a");
    ck_assert_int_eq(asks_for(&b, "a", "x#1", "w/book", "{}", NULL), BEGIN_FRESH);
    decided(&b, DECISION_CALL, "call-resumed");
    ck_assert_int_eq(begins(&b, "a/x#1", "e"), BEGIN_DONE);
    ok(&b, "a/x#1", "{\"n\": 1}");
    ok(&b, "a", "{\"n\": 1}");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(a_write_that_is_not_called_again_is_left_behind)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/write}\n"), "{}");
    asks_for(&b, "a", "x#1", "w/book", "{}", NULL);
    does(&b, "a/x#1", "e", "1");
    ok(&b, "a/x#1", "{\"n\": 5}");
    fails(&b, "a", CAUSE_CRASH);
    comes_due(&b, "a");
    ok(&b, "a", "{\"n\": 1}");
    decided(&b, DECISION_ASK, "effect-left-behind");
    bench_done(&b);
}
END_TEST

START_TEST(a_call_that_waits_for_its_time_is_given_up_with_its_caller)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    asks_for(&b, "a", "x#1", "w/pure", "{}", "{\"retry\": {\"max_attempts\": 3}}");
    fails(&b, "a/x#1", CAUSE_TIMEOUT);
    expect_state(&b, "a/x#1", TASK_PAUSED);
    ok(&b, "a", "{\"n\": 1}");
    decided(&b, DECISION_ABANDON, "caller-ended");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(a_held_caller_waits_for_a_person_with_its_call)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/write}\n"), "{}");
    asks_for(&b, "a", "x#1", "w/idem", "{}", NULL);
    does(&b, "a/x#1", "e", "1");
    fails(&b, "a/x#1", CAUSE_FAILED);
    decided(&b, DECISION_ASK, "failed-after-effect");
    expect_status(&b, RUN_RUNNING);
    fails(&b, "a", CAUSE_TIMEOUT);
    expect_state(&b, "a", TASK_HELD);
    expect_status(&b, RUN_WAITING);
    answers(&b, "a/x#1", "{\"output\": {\"n\": 2}}");
    decided(&b, DECISION_RETRY, "effect-done-replay");
    bench_done(&b);
}
END_TEST

/* ---- a caller gives way to a person ---- */

#define ASKS "{\"question\": \"which?\", \"schema\": {}}"

static void asks_a_person(struct bench *b, const char *path)
{
    ends(b, path, END_INPUT_REQUIRED, CAUSE_UNAVAILABLE, OUTCOME_NONE, ASKS);
    decided(b, DECISION_ASK, NULL);
    ck_assert(run_nested_gives_way(b->run, task_of(b, path)));
}

static void gives_way(struct bench *b, const char *path)
{
    ends(b, path, END_GAVE_WAY, CAUSE_UNAVAILABLE, OUTCOME_NONE, NULL);
    decided(b, DECISION_HOLD, "calls-open");
    expect_state(b, path, TASK_HELD);
}

START_TEST(a_caller_that_gives_way_is_called_again_with_the_answer)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read, retry: {max_attempts: 1}}\n"), "{}");
    asks_for(&b, "a", "x#1", "w/pure", "{}", NULL);
    asks_a_person(&b, "a/x#1");
    gives_way(&b, "a");
    expect_status(&b, RUN_WAITING);
    answers(&b, "a/x#1", "{\"n\": 1}");
    expect_status(&b, RUN_RUNNING);
    ok(&b, "a/x#1", "{\"n\": 1}");
    decided(&b, DECISION_RETRY, "gave-way");
    ck_assert(decided(&b, DECISION_START, "next-attempt")->task == task_of(&b, "a"));
    ck_assert_int_eq(asks_for(&b, "a", "x#1", "w/pure", "{}", NULL), BEGIN_DONE);
    ok(&b, "a", "{\"n\": 1}");
    expect_status(&b, RUN_DONE);
    ck_assert_int_eq(b.run->accounts[0].spent.attempts, 1); /* the try that gave way is none */
    ck_assert_int_eq(b.run->accounts[0].spent.calls, 4);
    bench_done(&b);
}
END_TEST

START_TEST(its_clocks_stand_still_while_a_person_is_asked)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nbudget: {attempts: 9, calls: 9, time: 10s}\n"
                "escalation: {to: ops, deadline: 9d}\nsteps:\n"
                "  a: {agent: w/read, timeout: {start_to_close: 8s, schedule_to_close: 9s}}\n",
                "{}");
    asks_for(&b, "a", "x#1", "w/pure", "{}", NULL);
    b.now += 2000;
    asks_a_person(&b, "a/x#1");
    gives_way(&b, "a");
    ck_assert_int_eq(run_deadline(b.run), -1);
    b.now += 3 * 86400000LL;
    answers(&b, "a/x#1", "{\"n\": 1}");
    b.now += 1000;
    ok(&b, "a/x#1", "{\"n\": 1}");
    ck_assert_int_eq(decided(&b, DECISION_START, NULL)->timeout_ms, 7000);
    ck_assert_int_eq(run_deadline(b.run), b.now + 7000);
    bench_done(&b);
}
END_TEST

START_TEST(those_around_a_caller_give_way_too)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/dear}\n"), "{}");
    asks_for(&b, "a", "x#1", "w/read", "{}", NULL);
    asks_for(&b, "a/x#1", "y#1", "w/pure", "{}", NULL);
    ck_assert(!run_nested_gives_way(b.run, task_of(&b, "a/x#1")));
    asks_a_person(&b, "a/x#1/y#1");
    gives_way(&b, "a/x#1");
    ck_assert(run_nested_gives_way(b.run, task_of(&b, "a/x#1")));
    gives_way(&b, "a");
    expect_status(&b, RUN_WAITING);
    answers(&b, "a/x#1/y#1", "{\"n\": 1}");
    ok(&b, "a/x#1/y#1", "{\"n\": 1}");
    ck_assert_int_eq(asks_for(&b, "a/x#1", "y#1", "w/pure", "{}", NULL), BEGIN_DONE);
    ok(&b, "a/x#1", "{\"n\": 1}");
    ck_assert_int_eq(asks_for(&b, "a", "x#1", "w/read", "{}", NULL), BEGIN_DONE);
    ok(&b, "a", "{\"n\": 1}");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(who_could_have_changed_the_world_does_not_give_way)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/write}\n"), "{}");
    begins(&b, "a", "e");
    asks_for(&b, "a", "x#1", "w/read", "{}", NULL);
    ends(&b, "a/x#1", END_INPUT_REQUIRED, CAUSE_UNAVAILABLE, OUTCOME_NONE, ASKS);
    ck_assert(!run_nested_gives_way(b.run, task_of(&b, "a/x#1")));
    seen(&b, "a", "e", OUTCOME_DONE);
    ck_assert(run_nested_gives_way(b.run, task_of(&b, "a/x#1")));
    bench_done(&b);
}
END_TEST

START_TEST(a_run_that_is_cancelled_while_it_gave_way_ends)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    asks_for(&b, "a", "x#1", "w/pure", "{}", NULL);
    asks_a_person(&b, "a/x#1");
    gives_way(&b, "a");
    cancels(&b);
    expect_status(&b, RUN_CANCELLED);
    bench_done(&b);
}
END_TEST

START_TEST(a_cancelled_run_ends_with_all_that_was_called)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    asks_for(&b, "a", "x#1", "w/dear", "{}", NULL);
    cancels(&b);
    fails(&b, "a", CAUSE_CANCELLED);
    fails(&b, "a/x#1", CAUSE_CANCELLED);
    expect_status(&b, RUN_CANCELLED);
    bench_done(&b);
}
END_TEST

UNIT_MAIN(a_call_is_started_and_its_output_is_there, the_next_attempt_is_given_the_stored_result,
          asking_twice_attaches_to_what_is_under_way,
          another_input_under_the_same_name_is_a_conflict,
          keys_of_effects_in_calls_are_their_own_and_stay, nobody_calls_more_than_it_may,
          an_agent_does_not_call_itself_through_others,
          an_input_that_does_not_fit_fails_the_call_alone,
          tries_within_tries_cost_no_more_than_the_budget, a_call_is_tried_as_its_caller_asked,
          siblings_share_what_is_left_and_never_more, a_call_may_be_given_less_than_there_is,
          deadlines_shrink_on_the_way_down, a_caller_waits_for_the_doubt_of_what_it_called,
          what_was_given_up_goes_on_when_it_is_asked_for_again,
          a_write_that_is_not_called_again_is_left_behind,
          a_call_that_waits_for_its_time_is_given_up_with_its_caller,
          a_held_caller_waits_for_a_person_with_its_call,
          a_caller_that_gives_way_is_called_again_with_the_answer,
          its_clocks_stand_still_while_a_person_is_asked, those_around_a_caller_give_way_too,
          who_could_have_changed_the_world_does_not_give_way,
          a_run_that_is_cancelled_while_it_gave_way_ends,
          a_cancelled_run_ends_with_all_that_was_called)
