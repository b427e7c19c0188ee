/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps: their order, their conditions, their items, what takes their place; how many run at once.
 */
#include "fixture.h"

static void expect_step(const struct bench *b, const char *name, const char *status)
{
    json_t *picture = run_describe(b->run);
    size_t i;
    json_t *step;
    json_array_foreach (json_object_get(picture, "steps"), i, step) {
        if (strcmp(json_string_value(json_object_get(step, "name")), name) == 0)
            ck_assert_str_eq(json_string_value(json_object_get(step, "status")), status);
    }
    json_decref(picture);
}

static size_t starts_in(const struct bench *b)
{
    size_t count = 0;
    for (size_t i = 0; i < b->last.count; i++)
        count += b->last.list[i].kind == DECISION_START;
    return count;
}

/* ---- order ---- */

START_TEST(independent_steps_start_at_once_and_dependent_ones_after)
{
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/pure}\n  b: {agent: w/pure}\n"
                     "  c: {agent: w/pure, input: {a: \"${ .steps.a.output.n }\", b: \"${ "
                     ".steps.b.output.n }\"}}\n") "output: {as: \"${ .steps.c.output.n }\"}\n",
                "{}");
    ck_assert_uint_eq(starts_in(&b), 2);
    ok(&b, "a", "{\"n\": 1}");
    ck_assert(!has_task(&b, "c"));
    ok(&b, "b", "{\"n\": 2}");
    expect_json(run_task_input(b.run, task_of(&b, "c")), "{\"a\": 1, \"b\": 2}");
    ok(&b, "c", "{\"n\": 3}");
    expect_status(&b, RUN_DONE);
    expect_json(run_output(b.run), "3");
    bench_done(&b);
}
END_TEST

START_TEST(no_more_run_at_once_than_the_flow_says)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nconcurrency: 2\nbudget: {attempts: 40, calls: 60, time: 10m}\nsteps:\n"
                "  a: {agent: w/pure}\n  b: {agent: w/pure}\n  c: {agent: w/pure}\n"
                "  d: {agent: w/pure}\n",
                "{}");
    ck_assert_uint_eq(starts_in(&b), 2);
    expect_state(&b, "c", TASK_READY);
    ok(&b, "b", "{\"n\": 1}");
    ck_assert_uint_eq(starts_in(&b), 1);
    expect_state(&b, "c", TASK_RUNNING);
    expect_state(&b, "d", TASK_READY);
    ck_assert_uint_eq(b.run->in_flight, 2);
    bench_done(&b);
}
END_TEST

/* ---- if, needs, skip ---- */

START_TEST(a_false_condition_skips_the_step_and_those_that_need_its_output)
{
    struct bench b;
    bench_start(
        &b,
        FLOW(
            "  a: {agent: w/pure, if: \"${ .input.go == true }\"}\n"
            "  b: {agent: w/pure, input: {x: \"${ .steps.a.output.n }\"}}\n"
            "  c: {agent: w/pure, input: {x: \"${ .steps.a.output.n // 5 }\"}}\n"
            "  d: {agent: w/pure, input: {x: \"${ .steps.b.status }\"}}\n") "output: {as: {a: \"${ "
                                                                            ".steps.a.output.n "
                                                                            "}\", c: \"${ "
                                                                            ".steps.c.output.n "
                                                                            "}\"}}\n",
        "{\"go\": false}");
    decided(&b, DECISION_SKIP, "if-false");
    expect_json(decided(&b, DECISION_SKIP, "needs-skipped")->why, "{\"needs\": \"a\"}");
    expect_step(&b, "a", "skipped");
    expect_step(&b, "b", "skipped");
    expect_json(run_task_input(b.run, task_of(&b, "c")), "{\"x\": 5}");
    expect_json(run_task_input(b.run, task_of(&b, "d")), "{\"x\": \"skipped\"}");
    ok(&b, "c", "{\"n\": 1}");
    ok(&b, "d", "{\"n\": 1}");
    expect_status(&b, RUN_DONE);
    expect_json(run_output(b.run), "{\"a\": null, \"c\": 1}");
    bench_done(&b);
}
END_TEST

START_TEST(a_failed_step_that_may_be_skipped_lets_the_flow_go_on)
{
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/read, on_failure: skip}\n"
                     "  b: {agent: w/pure, needs: [a]}\n"
                     "  c: {agent: w/pure, input: {x: \"${ .steps.a.status }\"}}\n"),
                "{}");
    fails(&b, "a", CAUSE_FAILED);
    ck_assert(decided(&b, DECISION_FAIL, "permanent")->skipped);
    expect_step(&b, "a", "failed");
    expect_step(&b, "b", "skipped");
    expect_json(run_task_input(b.run, task_of(&b, "c")), "{\"x\": \"failed\"}");
    bench_done(&b);
}
END_TEST

START_TEST(an_expression_that_fails_fails_the_run_or_skips_the_step)
{
    const char *const policies[] = {"fail", "skip"};
    for (size_t i = 0; i < 2; i++) {
        struct bench b;
        AUTO(freep)
        char *text = xasprintf(FLOW("  a: {agent: w/pure, on_failure: %s, if: \"${ 1 / "
                                    "(.input.n - 1) > 1 }\"}\n"),
                               policies[i]);
        bench_start(&b, text, "{\"n\": 1}");
        decided(&b, i == 0 ? DECISION_UNWIND : DECISION_SKIP, "expression-error");
        expect_status(&b, i == 0 ? RUN_FAILED : RUN_DONE);
        bench_done(&b);
    }
}
END_TEST

START_TEST(an_input_that_breaks_the_agents_contract_never_reaches_it)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/picky, input: \"${ .input }\"}\n"), "{\"m\": 1}");
    decided(&b, DECISION_JUDGE, "input-invalid");
    decided(&b, DECISION_FAIL, "permanent");
    not_decided(&b, DECISION_START);
    expect_status(&b, RUN_FAILED);
    bench_done(&b);
}
END_TEST

/* ---- for_each ---- */

START_TEST(outputs_stand_in_the_order_of_items)
{
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/read, for_each: \"${ .input.list }\", input: {x: \"${ .item "
                     "}\", i: \"${ .index }\"}}\n") "output: {as: \"${ .steps.a.output }\"}\n",
                "{\"list\": [\"p\", \"q\", \"r\"]}");
    expect_json(run_task_input(b.run, task_of(&b, "a[1]")), "{\"x\": \"q\", \"i\": 1}");
    ok(&b, "a[2]", "{\"n\": 2}");
    ok(&b, "a[0]", "{\"n\": 0}");
    ok(&b, "a[1]", "{\"n\": 1}");
    expect_json(run_output(b.run), "[{\"n\": 0}, {\"n\": 1}, {\"n\": 2}]");
    bench_done(&b);
}
END_TEST

START_TEST(no_items_give_an_empty_array)
{
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/read, for_each: \"${ .input.list }\"}\n"
                     "  b: {agent: w/pure, input: {x: \"${ .steps.a.output }\"}}\n"),
                "{\"list\": []}");
    ck_assert(!has_task(&b, "a[0]"));
    expect_step(&b, "a", "done");
    expect_json(run_task_input(b.run, task_of(&b, "b")), "{\"x\": []}");
    bench_done(&b);
}
END_TEST

START_TEST(what_is_no_array_is_no_items)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read, for_each: \"${ .input.list }\"}\n"),
                "{\"list\": 7}");
    decided(&b, DECISION_UNWIND, "expression-error");
    expect_status(&b, RUN_FAILED);
    bench_done(&b);
}
END_TEST

START_TEST(one_failed_item_stops_the_run)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read, for_each: [1, 2, 3], concurrency: 2}\n"), "{}");
    fails(&b, "a[0]", CAUSE_FAILED);
    decided(&b, DECISION_STOP, "run-ending");
    ck_assert(!has_task(&b, "a[2]"));
    fails(&b, "a[1]", CAUSE_CANCELLED);
    expect_status(&b, RUN_FAILED);
    expect_step(&b, "a", "failed");
    bench_done(&b);
}
END_TEST

START_TEST(an_item_builds_on_what_its_steps_turn_found_and_no_other_item)
{
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/read, for_each: [1, 2, 3], concurrency: 1, retry: "
                     "{max_attempts: 2}}\n"
                     "  b: {agent: w/read, needs: [a]}\n  c: {agent: w/read, needs: [b]}\n"),
                "{}");
    ck_assert_uint_eq(run_task_builds_on(b.run, task_of(&b, "a[0]")), 1);
    ok(&b, "a[0]", "{\"n\": 1}");
    ck_assert_uint_eq(run_task_builds_on(b.run, task_of(&b, "a[1]")), 1);
    fails(&b, "a[1]", CAUSE_UNAVAILABLE);
    comes_due(&b, "a[1]");
    /* it may have been told what went wrong */
    ck_assert_uint_eq(run_task_builds_on(b.run, task_of(&b, "a[1]")), run_seq(b.run));
    ok(&b, "a[1]", "{\"n\": 2}");
    ck_assert_uint_eq(run_task_builds_on(b.run, task_of(&b, "a[2]")), 1);
    ok(&b, "a[2]", "{\"n\": 3}");
    ck_assert_uint_eq(run_task_builds_on(b.run, task_of(&b, "b")), run_seq(b.run));
    ok(&b, "b", "{\"n\": 4}");
    ck_assert_uint_eq(run_task_builds_on(b.run, task_of(&b, "c")), run_seq(b.run));
    bench_done(&b);
}
END_TEST

START_TEST(no_step_of_a_run_that_is_over_still_runs_or_seems_done)
{
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/read, for_each: [1, 2]}\n  b: {agent: w/read}\n"
                     "  c: {agent: w/read, needs: [b]}\n"),
                "{}");
    ok(&b, "a[1]", "{\"n\": 1}");
    expect_step(&b, "b", "running");
    fails(&b, "a[0]", CAUSE_FAILED);
    fails(&b, "b", CAUSE_CANCELLED);
    expect_status(&b, RUN_FAILED);
    expect_step(&b, "a", "failed");
    expect_step(&b, "b", "abandoned");
    expect_step(&b, "c", "pending");
    bench_done(&b);
}
END_TEST

START_TEST(failed_items_are_null_or_errors_where_the_flow_says_so)
{
    const char *const policies[] = {"skip", "collect"};
    const char *const outputs[] = {
        "[{\"n\": 1}, null]",
        "[{\"output\": {\"n\": 1}}, {\"error\": {\"code\": \"failed\", \"message\": \"the agent "
        "gave no reason\", \"step\": \"a[1]\"}}]"};
    for (size_t i = 0; i < 2; i++) {
        struct bench b;
        AUTO(freep)
        char *text = xasprintf(FLOW("  a: {agent: w/read, for_each: [1, 2], on_item_failure: "
                                    "%s}\n") "output: {as: \"${ .steps.a.output }\"}\n",
                               policies[i]);
        bench_start(&b, text, "{}");
        fails(&b, "a[1]", CAUSE_FAILED);
        ok(&b, "a[0]", "{\"n\": 1}");
        expect_status(&b, RUN_DONE);
        expect_json(run_output(b.run), outputs[i]);
        bench_done(&b);
    }
}
END_TEST

START_TEST(no_more_items_run_at_once_than_the_step_says)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read, for_each: [1, 2, 3, 4, 5], concurrency: 2}\n"),
                "{}");
    ck_assert_uint_eq(starts_in(&b), 2);
    ck_assert(!has_task(&b, "a[2]"));
    fails(&b, "a[0]", CAUSE_BUSY); /* an item that waits for its retry keeps its place */
    ck_assert(!has_task(&b, "a[2]"));
    ok(&b, "a[1]", "{\"n\": 1}");
    ck_assert(has_task(&b, "a[2]"));
    ck_assert(!has_task(&b, "a[3]"));
    bench_done(&b);
}
END_TEST

START_TEST(each_item_has_a_key_of_its_own)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/write, for_each: [1, 1]}\n"), "{}");
    does(&b, "a[0]", "e", "1");
    does(&b, "a[1]", "e", "1");
    ck_assert_str_ne(run_task_effect(b.run, 0, 0).key, run_task_effect(b.run, 1, 0).key);
    bench_done(&b);
}
END_TEST

/* ---- fallback ---- */

#define WITH_FALLBACK                                                                              \
    FLOW(                                                                                          \
        "  a: {agent: w/read, input: {x: 1}, on_failure: {fallback: {agent: w/pure, input: {why: " \
        "\"${ .error.code }\", outcome: \"${ .error.outcome }\"}}}}\n"                             \
        "  b: {agent: w/pure, input: {x: \"${ .steps.a.output.n }\"}}\n")

START_TEST(a_fallback_takes_the_place_of_what_failed)
{
    struct bench b;
    bench_start(&b, WITH_FALLBACK, "{}");
    fails(&b, "a", CAUSE_FAILED);
    decided(&b, DECISION_FALL_BACK, "permanent");
    expect_state(&b, "a", TASK_REPLACED);
    expect_json(run_task_input(b.run, task_of(&b, "a/fallback")),
                "{\"why\": \"failed\", \"outcome\": \"none\"}");
    ok(&b, "a/fallback", "{\"n\": 5}");
    expect_json(run_task_input(b.run, task_of(&b, "b")), "{\"x\": 5}");
    bench_done(&b);
}
END_TEST

START_TEST(a_fallbacks_output_must_fit_what_it_stands_for)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read, on_failure: {fallback: {agent: w/find}}}\n"), "{}");
    fails(&b, "a", CAUSE_FAILED);
    ok(&b, "a/fallback", "{\"m\": 5}"); /* w/find itself may say anything */
    decided(&b, DECISION_RETRY, "refused-retry-feedback");
    comes_due(&b, "a/fallback");
    ok(&b, "a/fallback", "{\"n\": 5}");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(a_fallback_that_fails_fails_the_run)
{
    struct bench b;
    bench_start(&b, WITH_FALLBACK, "{}");
    fails(&b, "a", CAUSE_FAILED);
    fails(&b, "a/fallback", CAUSE_FAILED);
    expect_status(&b, RUN_FAILED);
    bench_done(&b);
}
END_TEST

START_TEST(nothing_falls_back_from_an_effect_in_doubt)
{
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/write, retry: {max_attempts: 1}, on_failure: {fallback: "
                     "{agent: w/write}}}\n"),
                "{}");
    loses(&b, "a", "e");
    not_decided(&b, DECISION_FALL_BACK);
    decided(&b, DECISION_ASK, "in-doubt-person");
    answers(&b, "a", "{\"outcome\": \"never\"}");
    decided(&b, DECISION_FALL_BACK, "attempts-spent");
    bench_done(&b);
}
END_TEST

/* ---- asserts and confidence ---- */

START_TEST(a_false_assertion_is_a_broken_contract)
{
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/read, assert: [{that: \"${ .output.n > 3 }\", message: too "
                     "few}]}\n"),
                "{}");
    ok(&b, "a", "{\"n\": 1}");
    decided(&b, DECISION_RETRY, "refused-retry-feedback");
    comes_due(&b, "a");
    const json_t *feedback = decided(&b, DECISION_START, NULL)->feedback;
    expect_json(json_object_get(feedback, "reason"), "\"assert\"");
    expect_json(json_object_get(feedback, "message"), "\"too few\"");
    ok(&b, "a", "{\"n\": 4}");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(a_missing_confidence_is_below)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read, confidence: {min: 0, below: fail}}\n"), "{}");
    ok(&b, "a", "{\"n\": 1}");
    decided(&b, DECISION_FAIL, "confidence-fail");
    bench_done(&b);
}
END_TEST

START_TEST(a_confidence_of_exactly_the_minimum_is_enough)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read, confidence: {min: 0.8, below: retry}}\n"), "{}");
    ok(&b, "a", "{\"n\": 1, \"confidence\": 0.79}");
    decided(&b, DECISION_RETRY, "refused-retry-feedback");
    comes_due(&b, "a");
    ok(&b, "a", "{\"n\": 1, \"confidence\": 0.8}");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

UNIT_MAIN(independent_steps_start_at_once_and_dependent_ones_after,
          no_more_run_at_once_than_the_flow_says,
          an_item_builds_on_what_its_steps_turn_found_and_no_other_item,
          a_false_condition_skips_the_step_and_those_that_need_its_output,
          a_failed_step_that_may_be_skipped_lets_the_flow_go_on,
          an_expression_that_fails_fails_the_run_or_skips_the_step,
          an_input_that_breaks_the_agents_contract_never_reaches_it,
          outputs_stand_in_the_order_of_items, no_items_give_an_empty_array,
          what_is_no_array_is_no_items, one_failed_item_stops_the_run,
          no_step_of_a_run_that_is_over_still_runs_or_seems_done,
          failed_items_are_null_or_errors_where_the_flow_says_so,
          no_more_items_run_at_once_than_the_step_says, each_item_has_a_key_of_its_own,
          a_fallback_takes_the_place_of_what_failed, a_fallbacks_output_must_fit_what_it_stands_for,
          a_fallback_that_fails_fails_the_run, nothing_falls_back_from_an_effect_in_doubt,
          a_false_assertion_is_a_broken_contract, a_missing_confidence_is_below,
          a_confidence_of_exactly_the_minimum_is_enough)
