/* SPDX-License-Identifier: Apache-2.0
 *
 * People: an answer is to a revision, must fit, and silence or a denial is never evidence.
 */
#include "fixture.h"

#define NEVER "{\"outcome\": \"never\"}"

static void answers_revision(struct bench *b, const char *path, uint32_t revision,
                             const char *answer)
{
    struct event event = of_task(b, EVENT_ANSWERED, path);
    event.revision = revision;
    event.body = json_of(answer);
    happen(b, event);
    json_decref(event.body);
}

static void in_doubt(struct bench *b)
{
    bench_start(b, FLOW("  a: {agent: w/write}\n"), "{}");
    loses(b, "a", "e");
}

START_TEST(a_question_shows_what_is_asked_and_what_is_accepted)
{
    struct bench b;
    struct question_view view;
    in_doubt(&b);
    ck_assert(run_question(b.run, 0, &view));
    ck_assert_int_eq(view.kind, QUESTION_DOUBT);
    ck_assert_uint_eq(view.revision, 1);
    ck_assert_int_eq(view.deadline_ms, b.now + 3600000);
    expect_json(json_object_get(view.shown, "question"), "\"in-doubt\"");
    expect_json(json_object_get(view.shown, "rule"), "\"in-doubt-person\"");
    const json_t *effect = json_object_get(view.shown, "effect");
    ck_assert_str_eq(json_string_value(json_object_get(effect, "key")),
                     run_task_effect(b.run, 0, 0).key);
    expect_json(json_object_get(effect, "request"), "{\"what\": \"ever\"}");
    ck_assert_uint_eq(json_array_size(json_object_get(view.shown, "accepts")), 2);
    ck_assert_uint_eq(run_task_find(b.run, SLICE("a")), 0);
    bench_done(&b);
}
END_TEST

START_TEST(an_answer_to_an_older_revision_is_refused)
{
    struct bench b;
    in_doubt(&b);
    denies(&b, "a");
    ck_assert_uint_eq(the_task(&b, "a")->revision, 2);
    answers_revision(&b, "a", 1, NEVER);
    decided(&b, DECISION_REFUSE_ANSWER, "answer-stale");
    expect_state(&b, "a", TASK_ASKING);
    answers(&b, "a", NEVER);
    decided(&b, DECISION_RESOLVE, "person-never");
    bench_done(&b);
}
END_TEST

START_TEST(an_answer_to_nothing_is_refused)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    answers(&b, "a", NEVER);
    decided(&b, DECISION_REFUSE_ANSWER, "answer-stale");
    happen(&b, (struct event){.kind = EVENT_ANSWERED, .task = 77});
    ck_assert_uint_eq(b.last.count, 0);
    bench_done(&b);
}
END_TEST

START_TEST(an_answer_that_does_not_fit_is_refused_and_the_question_stays)
{
    const char *const bad[] = {NULL,
                               "{}",
                               "7",
                               "{\"outcome\": \"maybe\"}",
                               "{\"outcome\": \"never\", \"result\": 1}",
                               "{\"approve\": true}",
                               "{\"retry\": true}"};
    struct bench b;
    in_doubt(&b);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        answers(&b, "a", bad[i]);
        decided(&b, DECISION_REFUSE_ANSWER, "answer-invalid");
        ck_assert_uint_eq(the_task(&b, "a")->revision, 1);
    }
    ck_assert_int_eq(outcome_in(&b, "a", "e"), OUTCOME_UNKNOWN);
    bench_done(&b);
}
END_TEST

START_TEST(a_denied_doubt_ends_the_run_but_the_question_stays)
{
    struct bench b;
    in_doubt(&b);
    denies(&b, "a");
    decided(&b, DECISION_UNWIND, "person-denied");
    ck_assert_int_eq(decided(&b, DECISION_ASK, "denied-in-doubt")->due_ms, -1);
    expect_status(&b, RUN_WAITING);
    denies(&b, "a");
    decided(&b, DECISION_ASK, "denied-in-doubt");
    answers(&b, "a", NEVER);
    expect_status(&b, RUN_FAILED);
    expect_json(json_object_get(run_error(b.run), "code"), "\"denied\"");
    bench_done(&b);
}
END_TEST

START_TEST(silence_about_a_doubt_is_not_evidence)
{
    struct bench b;
    in_doubt(&b);
    uint32_t revision = the_task(&b, "a")->revision;
    expires(&b, "a");
    decided(&b, DECISION_UNWIND, "question-expired");
    ck_assert_int_eq(outcome_in(&b, "a", "e"), OUTCOME_UNKNOWN);
    expect_status(&b, RUN_WAITING);
    ck_assert_int_eq(run_task_question_deadline(b.run, 0), -1);
    struct event again = of_task(&b, EVENT_EXPIRED, "a");
    again.revision = revision;
    happen(&b, again);
    ck_assert_uint_eq(b.last.count, 0);
    bench_done(&b);
}
END_TEST

#define UNDOABLE                                                                                   \
    FLOW("  a: {agent: w/write, confidence: {min: 0.9}, undo: {agent: w/idem, input: {n: \"${ "    \
         ".output.n }\"}}}\n")

START_TEST(what_was_done_is_undone_when_its_output_is_denied_or_nobody_answers)
{
    for (int silence = 0; silence < 2; silence++) {
        struct bench b;
        bench_start(&b, UNDOABLE, "{}");
        does(&b, "a", "e", "{\"n\": 1}");
        ok(&b, "a", "{\"n\": 1, \"confidence\": 0.1}");
        expect_status(&b, RUN_WAITING);
        if (silence)
            expires(&b, "a");
        else
            denies(&b, "a");
        decided(&b, DECISION_ACCEPT, "denied-undo");
        expect_json(run_task_input(b.run, task_of(&b, "a/undo")), "{\"n\": 1}");
        ok(&b, "a/undo", "{\"n\": 1}");
        expect_status(&b, RUN_FAILED);
        expect_json(json_object_get(run_error(b.run), "code"), "\"denied\"");
        bench_done(&b);
    }
}
END_TEST

START_TEST(silence_does_not_let_stand_what_could_be_undone)
{
    struct bench b;
    bench_start(&b, UNDOABLE, "{}");
    does(&b, "a", "e", "{\"n\": 1}");
    ok(&b, "a", "{\"m\": 1}");
    expires(&b, "a");
    decided(&b, DECISION_UNWIND, "question-expired");
    ck_assert_int_eq(decided(&b, DECISION_ASK, "undo-wants-output")->due_ms, -1);
    expect_status(&b, RUN_WAITING);
    answers(&b, "a", "{\"output\": {\"n\": 7, \"confidence\": 1}}");
    expect_json(run_task_input(b.run, task_of(&b, "a/undo")), "{\"n\": 7}");
    ok(&b, "a/undo", "{\"n\": 7}");
    expect_status(&b, RUN_FAILED);
    bench_done(&b);
}
END_TEST

START_TEST(a_person_may_let_stand_what_cannot_be_undone_without_an_output)
{
    struct bench b;
    bench_start(&b, UNDOABLE, "{}");
    does(&b, "a", "e", "{\"n\": 1}");
    ok(&b, "a", "{\"m\": 1}");
    denies(&b, "a");
    decided(&b, DECISION_FAIL, "person-denied");
    expect_status(&b, RUN_FAILED);
    bench_done(&b);
}
END_TEST

START_TEST(a_denied_failure_fails_the_run)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read, on_failure: escalate}\n"), "{}");
    fails(&b, "a", CAUSE_FAILED);
    expect_status(&b, RUN_WAITING);
    denies(&b, "a");
    decided(&b, DECISION_FAIL, "person-denied");
    expect_status(&b, RUN_FAILED);
    bench_done(&b);
}
END_TEST

START_TEST(a_failure_can_be_tried_again_skipped_or_answered)
{
    const char *const said[] = {"{\"retry\": true}", "{\"output\": {\"n\": 1}}",
                                "{\"skip\": true}"};
    const enum run_status status[] = {RUN_RUNNING, RUN_DONE, RUN_DONE};
    for (size_t i = 0; i < 3; i++) {
        struct bench b;
        bench_start(&b,
                    FLOW("  a: {agent: w/read, retry: {max_attempts: 1}, on_failure: escalate}\n"),
                    "{}");
        fails(&b, "a", CAUSE_FAILED);
        answers(&b, "a", "{\"output\": {\"m\": 1}}");
        decided(&b, DECISION_REFUSE_ANSWER, "answer-invalid");
        answers(&b, "a", said[i]);
        expect_status(&b, status[i]);
        bench_done(&b);
    }
}
END_TEST

START_TEST(an_output_that_breaks_its_contract_cannot_be_approved_but_replaced)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/write, retry: {max_attempts: 1}}\n"), "{}");
    ok(&b, "a", "{\"m\": 1}");
    answers(&b, "a", "{\"approve\": true}");
    decided(&b, DECISION_REFUSE_ANSWER, "answer-invalid");
    answers(&b, "a", "{\"output\": {\"n\": 2}}");
    decided(&b, DECISION_ACCEPT, "person-output");
    expect_json(the_task(&b, "a")->output, "{\"n\": 2}");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(silence_approves_where_the_flow_says_so_and_the_output_fits)
{
    struct bench b;
    bench_start(&b,
                "flow: f\nbudget: {attempts: 9, calls: 9, time: 10m}\n"
                "escalation: {to: ops, deadline: 1h, on_timeout: approve}\nsteps:\n"
                "  a: {agent: w/read, confidence: {min: 0.9}}\n",
                "{}");
    ok(&b, "a", "{\"n\": 1, \"confidence\": 0.1}");
    expires(&b, "a");
    decided(&b, DECISION_ACCEPT, "question-expired");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(what_a_person_told_the_agent_outlives_a_crash)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    ends(&b, "a", END_INPUT_REQUIRED, CAUSE_UNAVAILABLE, OUTCOME_NONE,
         "{\"question\": \"which?\", \"schema\": {\"type\": \"string\"}}");
    answers(&b, "a", "7");
    decided(&b, DECISION_REFUSE_ANSWER, "answer-invalid");
    answers(&b, "a", "\"the blue one\"");
    fails(&b, "a", CAUSE_CRASH);
    comes_due(&b, "a");
    expect_json(decided(&b, DECISION_START, "next-attempt")->feedback, "\"the blue one\"");
    bench_done(&b);
}
END_TEST

START_TEST(a_person_may_give_a_try_beyond_the_last)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read, retry: {max_attempts: 1}, on_failure: escalate}\n"),
                "{}");
    for (int i = 0; i < 5; i++) {
        fails(&b, "a", CAUSE_TIMEOUT);
        decided(&b, DECISION_ASK, "attempts-spent");
        answers(&b, "a", "{\"retry\": true}");
        decided(&b, DECISION_START, "next-attempt");
    }
    bench_done(&b);
}
END_TEST

START_TEST(an_answer_that_was_taken_is_not_refused_when_the_run_then_fails)
{
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/read, on_failure: escalate}\n"
                     "  b: {agent: w/read, for_each: \"${ [1 / (.steps.a.output.n - 1)] }\"}\n"),
                "{}");
    fails(&b, "a", CAUSE_FAILED);
    answers(&b, "a", "{\"output\": {\"n\": 1}}"); /* for_each divides by 0 */
    decided(&b, DECISION_ACCEPT, "person-output");
    decided(&b, DECISION_UNWIND, "expression-error");
    not_decided(&b, DECISION_REFUSE_ANSWER);
    expect_status(&b, RUN_FAILED);
    bench_done(&b);
}
END_TEST

START_TEST(one_person_may_answer_while_others_still_think)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/write}\n  b: {agent: w/write}\n"), "{}");
    loses(&b, "a", "e");
    loses(&b, "b", "e");
    expect_status(&b, RUN_WAITING);
    answers(&b, "b", "{\"outcome\": \"happened\", \"result\": {\"n\": 1}}");
    expect_state(&b, "a", TASK_ASKING);
    expect_state(&b, "b", TASK_DONE);
    ck_assert_str_ne(run_task_effect(b.run, 0, 0).key, run_task_effect(b.run, 1, 0).key);
    bench_done(&b);
}
END_TEST

START_TEST(who_says_to_try_again_gives_the_step_its_time_again)
{
    struct bench b;
    bench_start(&b,
                FLOW("  a: {agent: w/read, on_failure: escalate, retry: {max_attempts: 1},"
                     " timeout: {start_to_close: 3s, schedule_to_close: 10s}}\n"),
                "{}");
    b.now += 60000;
    fails(&b, "a", CAUSE_TIMEOUT);
    decided(&b, DECISION_ASK, NULL);
    b.now += 3600000;
    answers(&b, "a", "{\"retry\": true}");
    ck_assert_int_eq(decided(&b, DECISION_START, NULL)->timeout_ms, 3000);
    bench_done(&b);
}
END_TEST

START_TEST(a_reconcile_agent_in_quarantine_leaves_it_to_a_person)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/book}\n"), NULL);
    loses(&b, "a", "e");
    ends(&b, "a", END_NOT_STARTED, CAUSE_QUARANTINED, OUTCOME_NONE, NULL);
    ck_assert_int_eq(decided(&b, DECISION_ASK, "reconcile-quarantined")->question, QUESTION_DOUBT);
    bench_done(&b);
}
END_TEST

UNIT_MAIN(a_question_shows_what_is_asked_and_what_is_accepted,
          an_answer_to_an_older_revision_is_refused, an_answer_to_nothing_is_refused,
          an_answer_that_does_not_fit_is_refused_and_the_question_stays,
          a_denied_doubt_ends_the_run_but_the_question_stays, silence_about_a_doubt_is_not_evidence,
          what_was_done_is_undone_when_its_output_is_denied_or_nobody_answers,
          silence_does_not_let_stand_what_could_be_undone,
          a_person_may_let_stand_what_cannot_be_undone_without_an_output,
          a_denied_failure_fails_the_run, a_failure_can_be_tried_again_skipped_or_answered,
          an_output_that_breaks_its_contract_cannot_be_approved_but_replaced,
          silence_approves_where_the_flow_says_so_and_the_output_fits,
          what_a_person_told_the_agent_outlives_a_crash, a_person_may_give_a_try_beyond_the_last,
          who_says_to_try_again_gives_the_step_its_time_again,
          an_answer_that_was_taken_is_not_refused_when_the_run_then_fails,
          one_person_may_answer_while_others_still_think,
          a_reconcile_agent_in_quarantine_leaves_it_to_a_person)
