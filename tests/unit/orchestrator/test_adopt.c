/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking over from an earlier run: a finished step stands where its inputs are what they were; what
 * is not taken over runs anew, and asks a person first where it would change the world once more.
 */
#include "fixture.h"

#define TWO                                                                                        \
    FLOW("  a: {agent: w/write, input: {x: \"${ .input.x }\"}, undo: {agent: w/idem}}\n"           \
         "  b: {agent: w/write, input: {y: \"${ .steps.a.output.n }\"}}\n"                         \
         "  c: {agent: w/read, needs: [b], retry: {max_attempts: 1}}\n")

/* A run of TWO that failed at c, with effects done at a and b: what it leaves. */
static json_t *earlier_run(void)
{
    struct bench b;
    bench_start(&b, TWO, "{\"x\": 1}");
    does(&b, "a", "e", "1");
    ok(&b, "a", "{\"n\": 5}");
    does(&b, "b", "e", "1");
    ok(&b, "b", "{\"n\": 6}");
    json_t *left = run_adoptable(b.run);
    fails(&b, "c", CAUSE_FAILED);
    bench_done(&b);
    return left;
}

static void begin_after(struct bench *b, const char *input, json_t *steps, const char *passed)
{
    json_t *json = json_of(input), *adopted = json_pack("{s:s, s:o}", "from", "r0", "steps", steps);
    json_t *who = json_of(passed);
    if (who)
        json_object_set_new(adopted, "passed", who);
    bench_open(b, TWO);
    b->run = run_new(b->flow);
    b->follower = run_new(b->flow);
    b->twin = run_new(b->flow);
    happen(b, (struct event){.kind = EVENT_STARTED,
                             .run = "r1",
                             .store = "s1",
                             .seed = 3,
                             .input = json,
                             .adopted = adopted});
    json_decref(json);
    json_decref(adopted);
}

START_TEST(every_item_of_a_step_is_taken_over_and_none_begins)
{
    static const char flow[] = FLOW("  a: {agent: w/write, for_each: \"${ .input.list }\", input: "
                                    "{x: \"${ .item }\"}, undo: {agent: w/idem}}\n"
                                    "  c: {agent: w/read, needs: [a], retry: {max_attempts: 1}}\n");
    struct bench b;
    bench_start(&b, flow, "{\"list\": [1, 2, 3]}");
    for (int i = 0; i < 3; i++) {
        AUTO(freep) char *path = xasprintf("a[%d]", i);
        ok(&b, path, "{\"n\": 5}");
    }
    json_t *steps = run_adoptable(b.run),
           *adopted = json_pack("{s:s, s:o}", "from", "r0", "steps", steps);
    fails(&b, "c", CAUSE_FAILED);
    bench_done(&b);
    json_t *input = json_of("{\"list\": [1, 2, 3]}");
    bench_open(&b, flow);
    b.run = run_new(b.flow);
    b.follower = run_new(b.flow);
    b.twin = run_new(b.flow);
    happen(&b, (struct event){.kind = EVENT_STARTED,
                              .run = "r1",
                              .store = "s1",
                              .seed = 3,
                              .input = input,
                              .adopted = adopted});
    json_decref(input);
    json_decref(adopted);
    decided(&b, DECISION_ADOPT, "adopted");
    ck_assert_uint_eq(run_task_count(b.run), 4); /* three items, and what waited for them */
    expect_state(&b, "a[2]", TASK_DONE);
    expect_state(&b, "c", TASK_RUNNING);
    ck_assert_int_eq(b.run->accounts[0].spent.calls, 1);
    bench_done(&b);
}
END_TEST

START_TEST(finished_steps_with_the_same_inputs_are_taken_over)
{
    struct bench b;
    begin_after(&b, "{\"x\": 1}", earlier_run(), NULL);
    decided(&b, DECISION_ADOPT, "adopted");
    expect_state(&b, "a", TASK_DONE);
    expect_state(&b, "b", TASK_DONE);
    expect_state(&b, "c", TASK_RUNNING);
    ck_assert_int_eq(b.run->accounts[0].spent.calls, 1);
    ok(&b, "c", "{\"n\": 1}");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(what_was_taken_over_can_be_undone)
{
    struct bench b;
    begin_after(&b, "{\"x\": 1}", earlier_run(), NULL);
    fails(&b, "c", CAUSE_FAILED);
    decided(&b, DECISION_UNDO, "undo");
    ok(&b, "a/undo", "{\"n\": 1}");
    expect_status(&b, RUN_FAILED);
    bench_done(&b);
}
END_TEST

START_TEST(another_input_runs_the_step_anew_and_asks_before_its_effect)
{
    struct bench b;
    begin_after(&b, "{\"x\": 2}", earlier_run(), NULL);
    not_decided(&b, DECISION_ADOPT);
    decided(&b, DECISION_ASK, "effect-again");
    answers(&b, "a", "{\"retry\": true}");
    ok(&b, "a", "{\"n\": 5}");
    decided(&b, DECISION_ADOPT, "adopted"); /* b sees what it saw */
    expect_state(&b, "c", TASK_RUNNING);
    bench_done(&b);
}
END_TEST

START_TEST(what_was_allowed_beforehand_is_not_asked)
{
    struct bench b;
    begin_after(&b, "{\"x\": 2}", earlier_run(), "{\"who\": \"me\", \"steps\": [\"a\"]}");
    not_decided(&b, DECISION_ASK);
    ok(&b, "a", "{\"n\": 4}");
    decided(&b, DECISION_ASK, "effect-again"); /* b was not */
    bench_done(&b);
}
END_TEST

START_TEST(a_step_that_was_left_out_is_not_taken_over)
{
    struct bench b;
    json_t *steps = earlier_run();
    json_object_set_new(json_object_get(steps, "b"), "status", json_string("anew"));
    begin_after(&b, "{\"x\": 1}", steps, NULL);
    expect_state(&b, "a", TASK_DONE);
    decided(&b, DECISION_ASK, "effect-again");
    expect_state(&b, "b", TASK_ASKING);
    bench_done(&b);
}
END_TEST

START_TEST(rubbish_is_not_taken_over)
{
    static const char *const rubbish[] = {
        "{\"a\": 1}",
        "{\"a\": {\"status\": \"done\", \"parts\": [{\"input\": {\"x\": 1}}]}}",
        "{\"a\": {\"status\": \"done\"}}",
        "{\"a\": {\"status\": \"done\", \"parts\": 5}}",
        "{\"a\": {\"status\": \"done\", \"parts\": [7]}}",
        "{\"a\": {\"status\": \"done\", \"parts\": [{\"input\": {\"x\": 1}}, {}]}}",
        "{\"a\": {\"status\": \"done\", \"items\": [1], \"parts\": [{\"input\": {\"x\": 1}}]}}"};
    for (size_t i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++) {
        struct bench b;
        begin_after(&b, "{\"x\": 1}", json_of(rubbish[i]), "{\"steps\": [1, null]}");
        expect_state(&b, "a", TASK_RUNNING);
        bench_done(&b);
    }
}
END_TEST

UNIT_MAIN(every_item_of_a_step_is_taken_over_and_none_begins,
          finished_steps_with_the_same_inputs_are_taken_over, what_was_taken_over_can_be_undone,
          another_input_runs_the_step_anew_and_asks_before_its_effect,
          what_was_allowed_beforehand_is_not_asked, a_step_that_was_left_out_is_not_taken_over,
          rubbish_is_not_taken_over)
