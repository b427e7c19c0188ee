/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs at rest: what lies there as text, and that it is what it was when it is read. That a run
 * which rests between all its events decides as one that never does is proven beside every other
 * test, by the fixture.
 */
#include "fixture.h"

START_TEST(what_a_flow_and_its_step_were_given_is_one_text)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/pure, input: \"${ .input }\"}\n"), "{\"x\": [1, 0.1]}");
    rest_again(b.run);
    const struct task *a = the_task(&b, "a");
    ck_assert_ptr_nonnull(a->input.lain);
    ck_assert_ptr_eq(a->input.lain, b.run->frames[0]->input.lain);
    ck_assert_ptr_null(a->input.value);
    ck_assert_ptr_null(b.run->frames[0]->input.value);
    expect_json(run_task_input(b.run, task_of(&b, "a")), "{\"x\": [1, 0.1]}");
    ck_assert_ptr_eq(run_task_input(b.run, task_of(&b, "a")), run_input(b.run));
    ck_assert_ptr_null(a->input.lain);
    bench_done(&b);
}
END_TEST

START_TEST(what_is_read_is_not_laid_down_again)
{
    static const struct rest rest = {lay_text, raise_text};
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/pure, input: \"${ .input }\"}\n"), "{\"x\": 1}");
    rest_again(b.run);
    const json_t *input = run_input(b.run);
    run_rest(b.run, &rest);
    ck_assert_ptr_eq(run_input(b.run), input);
    bench_done(&b);
}
END_TEST

START_TEST(a_value_that_others_have_is_not_laid_down)
{
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/pure}\n"
                     "  b: {agent: w/pure, input: \"${ .steps.a.output }\"}\n"),
                "{}");
    ok(&b, "a", "{\"n\": 1, \"list\": [1, 2]}");
    rest_again(b.run);
    ck_assert_ptr_null(the_task(&b, "b")->input.lain);
    ck_assert_ptr_eq(the_task(&b, "b")->input.value, the_task(&b, "a")->output);
    bench_done(&b);
}
END_TEST

START_TEST(a_retry_is_given_what_the_first_try_was_given)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/pure, input: {x: \"${ .input.q }\", y: [1]}}\n"),
                "{\"q\": \"\\u00e4\"}");
    json_t *before = json_deep_copy(run_task_input(b.run, task_of(&b, "a")));
    decisions_done(&b.last);
    rest_again(b.run);
    ck_assert_ptr_nonnull(the_task(&b, "a")->input.lain);
    fails(&b, "a", CAUSE_UNAVAILABLE);
    b.now += 200;
    happen(&b, of_task(&b, EVENT_DUE, "a"));
    decided(&b, DECISION_START, "next-attempt");
    ck_assert(json_equal(run_task_input(b.run, task_of(&b, "a")), before));
    json_decref(before);
    bench_done(&b);
}
END_TEST

UNIT_MAIN(what_a_flow_and_its_step_were_given_is_one_text, what_is_read_is_not_laid_down_again,
          a_value_that_others_have_is_not_laid_down, a_retry_is_given_what_the_first_try_was_given)
