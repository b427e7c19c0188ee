/* SPDX-License-Identifier: Apache-2.0
 *
 * A run that cannot go on by itself, for its plugins are others: it asks about itself, and calls
 * nothing until it is taken over.
 */
#include "fixture.h"

static void changed(struct bench *b, const char *digest, bool approvable)
{
    json_t *body = json_pack("{s:[{s:s, s:s}], s:b}", "agents", "agent", "w/read", "status", "card",
                             "approvable", (int)approvable);
    struct event event = {
        .kind = EVENT_CHANGED, .body = body, .digest = digest, .message = "another card"};
    happen(b, event);
    json_decref(body);
}

static void says(struct bench *b, uint32_t revision, const char *answer)
{
    struct event event = {.kind = EVENT_ANSWERED,
                          .task = RUN_ITSELF,
                          .revision = revision,
                          .who = "carol",
                          .deny = !answer};
    if (answer)
        event.body = json_loads(answer, 0, NULL);
    happen(b, event);
    json_decref(event.body);
}

START_TEST(nothing_is_called_until_it_is_taken_over)
{
    struct bench b;
    struct question_view view;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    changed(&b, "d1", true);
    ck_assert_str_eq(decided(&b, DECISION_ASK, "plugins-changed")->rule, "plugins-changed");
    ck_assert_uint_eq(b.last.count, 1);
    expect_status(&b, RUN_WAITING);
    ck_assert(run_question(b.run, RUN_ITSELF, &view));
    ck_assert_str_eq(run_task_path(b.run, RUN_ITSELF), ".");
    ck_assert_uint_eq(run_task_find(b.run, slice_of(".")), RUN_ITSELF);
    ck_assert(run_change_asked(b.run, "d1") && !run_change_asked(b.run, "d2"));
    says(&b, 1, "{\"approve\": true}");
    decided(&b, DECISION_PERMIT, "change-approved");
    ck_assert_uint_eq(b.last.count, 1);
    ck_assert(run_is_held(b.run));
    ck_assert_str_eq(run_change_accepted(b.run, "d1"), "carol");
    ck_assert_ptr_null(run_change_accepted(b.run, "d2"));
    taken_over(&b);
    decided(&b, DECISION_RETRY, "retry-safe-class");
    comes_due(&b, "a");
    ok(&b, "a", "{\"n\": 1}");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(its_other_questions_are_answered_meanwhile)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read, on_failure: escalate}\n"), "{}");
    fails(&b, "a", CAUSE_FAILED);
    changed(&b, "d1", true);
    answers(&b, "a", "{\"retry\": true}");
    decided(&b, DECISION_RETRY, "person-retry");
    not_decided(&b, DECISION_START);
    expect_status(&b, RUN_WAITING);
    taken_over(&b);
    decided(&b, DECISION_START, "next-attempt");
    bench_done(&b);
}
END_TEST

START_TEST(a_denial_and_silence_leave_it_waiting)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    changed(&b, "d1", true);
    int64_t deadline = run_task_question_deadline(b.run, RUN_ITSELF);
    ck_assert_int_ge(deadline, 0);
    b.now = deadline;
    struct event expired = {.kind = EVENT_EXPIRED, .task = RUN_ITSELF, .revision = 1};
    happen(&b, expired);
    ck_assert(!decided(&b, DECISION_PERMIT, "change-expired")->granted);
    happen(&b, expired);
    ck_assert_uint_eq(b.last.count, 0);
    says(&b, 1, NULL);
    ck_assert(!decided(&b, DECISION_PERMIT, "change-denied")->granted);
    expect_status(&b, RUN_WAITING);
    ck_assert(run_change_asked(b.run, "d1"));
    says(&b, 1, "{\"approve\": true}");
    ck_assert(decided(&b, DECISION_PERMIT, "change-approved")->granted);
    bench_done(&b);
}
END_TEST

START_TEST(an_answer_is_to_a_revision_and_fits_the_question)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    says(&b, 0, "{\"approve\": true}");
    decided(&b, DECISION_REFUSE_ANSWER, "answer-stale");
    changed(&b, "d1", true);
    says(&b, 1, "{\"retry\": true}");
    decided(&b, DECISION_REFUSE_ANSWER, "answer-invalid");
    changed(&b, "d2", false);
    says(&b, 1, "{\"approve\": true}");
    decided(&b, DECISION_REFUSE_ANSWER, "answer-stale");
    says(&b, 2, "{\"approve\": true}");
    decided(&b, DECISION_REFUSE_ANSWER, "answer-invalid");
    expect_status(&b, RUN_WAITING);
    bench_done(&b);
}
END_TEST

START_TEST(the_wait_is_not_the_runs_time)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    int64_t before = b.run->active_ms;
    b.now += 3600000;
    changed(&b, "d1", true);
    ck_assert_int_eq(run_deadline(b.run), -1);
    b.now += 3600000;
    says(&b, 1, "{\"approve\": true}");
    b.now += 3600000;
    taken_over(&b);
    ck_assert_int_eq(b.run->active_ms, before);
    bench_done(&b);
}
END_TEST

START_TEST(a_cancelled_one_ends_where_nothing_has_to_be_called)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read, on_failure: escalate}\n"), "{}");
    fails(&b, "a", CAUSE_FAILED);
    changed(&b, "d1", false);
    struct event cancel = {.kind = EVENT_CANCEL_ASKED, .who = "carol"};
    happen(&b, cancel);
    expect_status(&b, RUN_CANCELLED);
    bench_done(&b);
}
END_TEST

START_TEST(what_was_accepted_beforehand_is_remembered)
{
    struct bench b;
    bench_start(&b, FLOW("  a: {agent: w/read}\n"), "{}");
    struct event event = {.kind = EVENT_TAKEN_OVER, .who = "dora", .digest = "d1"};
    happen(&b, event);
    ck_assert_str_eq(run_change_accepted(b.run, "d1"), "dora");
    taken_over(&b);
    ck_assert_str_eq(run_change_accepted(b.run, "d1"), "dora");
    bench_done(&b);
}
END_TEST

UNIT_MAIN(nothing_is_called_until_it_is_taken_over, its_other_questions_are_answered_meanwhile,
          a_denial_and_silence_leave_it_waiting, an_answer_is_to_a_revision_and_fits_the_question,
          the_wait_is_not_the_runs_time, a_cancelled_one_ends_where_nothing_has_to_be_called,
          what_was_accepted_beforehand_is_remembered)
