/* SPDX-License-Identifier: Apache-2.0
 *
 * Effects: what begin answers, what a key stands for, and what is known of agents that the host
 * does not broker.
 */
#include "fixture.h"

static void start(struct bench *b, const char *agent)
{
    AUTO(freep) char *text = xasprintf(FLOW("  a: {agent: %s}\n"), agent);
    bench_start(b, text, "{}");
}

static void retried(struct bench *b, const char *rule)
{
    decided(b, DECISION_RETRY, rule);
    comes_due(b, "a");
}

/* ---- begin ---- */

START_TEST(a_first_begin_is_fresh_under_a_key_that_never_changes)
{
    struct bench b, other;
    char key[DIGEST_HEX_SIZE];
    start(&b, "w/write");
    start(&other, "w/write");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    ck_assert_int_eq(begins(&other, "a", "e"), BEGIN_FRESH);
    effect_key("s1", "r1", "a", -1, "e", key);
    ck_assert_str_eq(run_task_effect(b.run, 0, 0).key, key);
    ck_assert_str_eq(run_task_effect(other.run, 0, 0).key, key);
    effect_key("s2", "r1", "a", -1, "e", key);
    ck_assert_str_ne(run_task_effect(b.run, 0, 0).key, key);
    effect_key("s1", "r1", "a", -1, "f", key);
    ck_assert_str_ne(run_task_effect(b.run, 0, 0).key, key);
    bench_done(&b);
    bench_done(&other);
}
END_TEST

START_TEST(parts_of_a_key_do_not_run_into_each_other)
{
    char one[DIGEST_HEX_SIZE], other[DIGEST_HEX_SIZE];
    effect_key("s", "ab", "c", 1, "e", one);
    effect_key("s", "a", "bc", 1, "e", other);
    ck_assert_str_ne(one, other);
    effect_key("s", "a", "b", 11, "e", one);
    effect_key("s", "a", "b", 1, "1e", other);
    ck_assert_str_ne(one, other);
}
END_TEST

START_TEST(an_open_effect_of_a_write_is_not_begun_twice)
{
    struct bench b;
    start(&b, "w/write");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_UNKNOWN);
    seen(&b, "a", "e", OUTCOME_UNKNOWN);
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_UNKNOWN);
    seen(&b, "a", "e", OUTCOME_NONE);
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    bench_done(&b);
}
END_TEST

START_TEST(reads_and_calls_that_are_over_begin_nothing)
{
    struct bench b;
    bench_start(&b, FLOW("  r: {agent: w/read}\n  a: {agent: w/write}\n"), "{}");
    ck_assert_int_eq(begins(&b, "r", "e"), BEGIN_REFUSED);
    struct event old = of_task(&b, EVENT_EFFECT_ASKED, "a");
    fails(&b, "a", CAUSE_BUSY);
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_REFUSED);
    comes_due(&b, "a");
    old.effect = "e";
    happen(&b, old);
    ck_assert_int_eq(decided(&b, DECISION_EFFECT, "effect-refused")->begin, BEGIN_REFUSED);
    ck_assert_uint_eq(run_task_effects(b.run, 1), 0);
    bench_done(&b);
}
END_TEST

START_TEST(a_reconcile_agent_begins_nothing)
{
    struct bench b;
    start(&b, "w/book");
    loses(&b, "a", "e");
    expect_state(&b, "a", TASK_RECONCILING);
    ck_assert_int_eq(begins(&b, "a", "f"), BEGIN_REFUSED);
    bench_done(&b);
}
END_TEST

START_TEST(what_was_seen_but_not_committed_is_given_by_the_send)
{
    struct bench b;
    start(&b, "w/write");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    seen(&b, "a", "e", OUTCOME_DONE);
    fails(&b, "a", CAUSE_CRASH);
    retried(&b, "effect-done-replay");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    ck_assert_int_eq(outcome_in(&b, "a", "e"), OUTCOME_DONE);
    expect_json(run_task_effect(b.run, 0, 0).response, "{\"status\": 201}");
    ok(&b, "a", "{\"n\": 1}");
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(an_automatic_effect_that_is_done_is_replayed_from_its_answer)
{
    struct bench b;
    start(&b, "w/write");
    ck_assert_int_eq(begins_other(&b, "a", "POST /x 1", "d", true), BEGIN_FRESH);
    seen(&b, "a", "POST /x 1", OUTCOME_DONE);
    fails(&b, "a", CAUSE_CRASH);
    retried(&b, "effect-done-replay");
    ck_assert_int_eq(begins_other(&b, "a", "POST /x 1", "d", true), BEGIN_DONE);
    expect_json(decided(&b, DECISION_EFFECT, NULL)->response, "{\"status\": 201}");
    ck_assert(run_task_effect(b.run, 0, 0).automatic);
    bench_done(&b);
}
END_TEST

START_TEST(only_what_is_missing_of_several_effects_is_done)
{
    struct bench b;
    start(&b, "w/write");
    does(&b, "a", "e", "1");
    ck_assert_int_eq(begins(&b, "a", "f"), BEGIN_FRESH);
    seen(&b, "a", "f", OUTCOME_NONE);
    fails(&b, "a", CAUSE_UNAVAILABLE);
    retried(&b, "effect-done-replay");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_DONE);
    ck_assert_int_eq(begins(&b, "a", "f"), BEGIN_FRESH);
    bench_done(&b);
}
END_TEST

START_TEST(effects_of_one_task_have_a_limit)
{
    struct bench b;
    char name[32];
    start(&b, "w/idem");
    for (unsigned i = 0; i < LIMIT_EFFECTS; i++) {
        struct event event = of_task(&b, EVENT_EFFECT_ASKED, "a");
        snprintf(name, sizeof(name), "e%u", i);
        event.effect = name;
        event.at_ms = b.now;
        decisions_done(&b.last);
        run_advance(b.run, &event, &b.last);
        ck_assert_int_eq(b.last.list[0].begin, BEGIN_FRESH);
    }
    struct event event = of_task(&b, EVENT_EFFECT_ASKED, "a");
    event.effect = "one more";
    decisions_done(&b.last);
    run_advance(b.run, &event, &b.last);
    ck_assert_int_eq(b.last.list[0].begin, BEGIN_REFUSED);
    bench_done(&b);
}
END_TEST

/* ---- what the agent says ---- */

START_TEST(an_agent_that_says_worse_than_was_seen_is_believed)
{
    struct bench b;
    start(&b, "w/write");
    ends(&b, "a", END_FAILED, CAUSE_UNAVAILABLE, OUTCOME_UNKNOWN, NULL);
    decided(&b, DECISION_ASK, "in-doubt-person");
    ck_assert_int_eq(outcome_in(&b, "a", "call"), OUTCOME_UNKNOWN);
    bench_done(&b);
}
END_TEST

START_TEST(an_agent_that_says_better_than_was_seen_is_not)
{
    struct bench b;
    start(&b, "w/write");
    loses(&b, "a", "e"); /* with the claim that nothing happened */
    decided(&b, DECISION_ASK, "in-doubt-person");
    bench_done(&b);
}
END_TEST

START_TEST(a_status_does_not_outweigh_an_unknown_effect)
{
    const enum cause causes[] = {CAUSE_INPUT, CAUSE_FAILED, CAUSE_DENIED, CAUSE_CANCELLED};
    for (size_t i = 0; i < 4; i++) {
        struct bench b;
        start(&b, "w/write");
        ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
        fails(&b, "a", causes[i]);
        decided(&b, DECISION_ASK, "in-doubt-person");
        bench_done(&b);
    }
}
END_TEST

START_TEST(an_answer_that_the_agent_could_not_use_is_in_doubt)
{
    struct bench b;
    start(&b, "w/book");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    seen(&b, "a", "e", OUTCOME_DONE);
    ends(&b, "a", END_FAILED, CAUSE_FAILED, OUTCOME_UNKNOWN, NULL);
    decided(&b, DECISION_RECONCILE, "in-doubt-reconcile");
    ck_assert_int_eq(outcome_in(&b, "a", "e"), OUTCOME_UNKNOWN);
    bench_done(&b);
}
END_TEST

START_TEST(the_claims_of_reads_change_nothing)
{
    struct bench b;
    start(&b, "w/read");
    ends(&b, "a", END_FAILED, CAUSE_UNAVAILABLE, OUTCOME_UNKNOWN, NULL);
    decided(&b, DECISION_RETRY, "retry-safe-class");
    bench_done(&b);
}
END_TEST

/* ---- agents that the host does not broker ---- */

START_TEST(an_unbrokered_write_is_in_doubt_from_its_start)
{
    struct bench b;
    start(&b, "w/bare");
    ck_assert_int_eq(outcome_in(&b, "a", "call"), OUTCOME_OPEN);
    fails(&b, "a", CAUSE_INPUT);
    decided(&b, DECISION_ASK, "in-doubt-person");
    bench_done(&b);
}
END_TEST

START_TEST(an_unbrokered_write_that_says_ok_has_done_it)
{
    struct bench b;
    start(&b, "w/bare");
    ok(&b, "a", "{\"n\": 1}");
    ck_assert_int_eq(outcome_in(&b, "a", "call"), OUTCOME_DONE);
    expect_status(&b, RUN_DONE);
    bench_done(&b);
}
END_TEST

START_TEST(an_unbrokered_write_that_never_began_did_nothing)
{
    struct bench b;
    start(&b, "w/bare");
    ends(&b, "a", END_NOT_STARTED, CAUSE_UNAVAILABLE, OUTCOME_NONE, NULL);
    retried(&b, "retry-nothing-done");
    ck_assert_int_eq(outcome_in(&b, "a", "call"), OUTCOME_OPEN);
    bench_done(&b);
}
END_TEST

START_TEST(an_unbrokered_write_that_happened_is_not_called_again)
{
    struct bench b;
    start(&b, "w/bare-find");
    fails(&b, "a", CAUSE_CRASH);
    ok(&b, "a", "{\"outcome\": \"happened\", \"result\": {\"id\": \"not an output\"}}");
    not_decided(&b, DECISION_RETRY);
    decided(&b, DECISION_ASK, "done-without-output");
    bench_done(&b);
}
END_TEST

START_TEST(an_unbrokered_call_that_doubts_itself_is_tried_again_under_its_key)
{
    struct bench b;
    start(&b, "w/bare-idem");
    ends(&b, "a", END_OK, CAUSE_UNAVAILABLE, OUTCOME_UNKNOWN, "{\"n\": 1}");
    retried(&b, "in-doubt-same-key");
    ok(&b, "a", "{\"n\": 2}");
    expect_status(&b, RUN_DONE);
    expect_json(run_task_effect(b.run, 0, 0).result, "{\"n\": 2}");
    bench_done(&b);
}
END_TEST

START_TEST(an_effect_begun_by_an_unbrokered_agent_settles_without_a_closing)
{
    struct bench b;
    start(&b, "w/bare-find"); /* settle: 1s */
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    fails(&b, "a", CAUSE_CRASH);
    ck_assert_str_eq(decided(&b, DECISION_RECONCILE, NULL)->effect, "call");
    ok(&b, "a", "{\"outcome\": \"never\"}");
    ck_assert_str_eq(decided(&b, DECISION_RECONCILE, NULL)->effect, "e");
    ok(&b, "a", "{\"outcome\": \"not_seen\"}");
    ck_assert_int_eq(run_task_due(b.run, 0), b.now + 2000);
    bench_done(&b);
}
END_TEST

START_TEST(an_unbrokered_effect_that_is_done_stays_done_in_the_next_try)
{
    struct bench b;
    start(&b, "w/bare-idem");
    ok(&b, "a", "{\"m\": 1}");
    retried(&b, "refused-same-key");
    ck_assert_int_eq(outcome_in(&b, "a", "call"), OUTCOME_DONE);
    ends(&b, "a", END_NOT_STARTED, CAUSE_UNAVAILABLE, OUTCOME_NONE, NULL);
    ck_assert_int_eq(outcome_in(&b, "a", "call"), OUTCOME_DONE);
    bench_done(&b);
}
END_TEST

static void is_refused(struct bench *b, const char *path, enum cause cause)
{
    struct event event = of_task(b, EVENT_ENDED, path);
    event.end = END_FAILED;
    event.cause = cause;
    event.refusal = true;
    happen(b, event);
}

START_TEST(an_unbrokered_write_that_the_operator_vouches_for_did_nothing)
{
    struct bench b;
    start(&b, "w/bare");
    is_refused(&b, "a", CAUSE_DENIED);
    ck_assert_int_eq(outcome_in(&b, "a", "call"), OUTCOME_NONE);
    decided(&b, DECISION_FAIL, "permanent");
    bench_done(&b);
}
END_TEST

START_TEST(nobody_vouches_for_what_an_earlier_try_may_have_done)
{
    struct bench b;
    start(&b, "w/bare-idem");
    fails(&b, "a", CAUSE_UNAVAILABLE);
    retried(&b, "in-doubt-same-key");
    is_refused(&b, "a", CAUSE_DENIED);
    ck_assert_int_eq(outcome_in(&b, "a", "call"), OUTCOME_UNKNOWN);
    bench_done(&b);
}
END_TEST

START_TEST(nobody_vouches_for_an_effect_that_was_begun)
{
    struct bench b;
    start(&b, "w/bare");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    is_refused(&b, "a", CAUSE_DENIED);
    ck_assert_int_eq(outcome_in(&b, "a", "e"), OUTCOME_UNKNOWN);
    bench_done(&b);
}
END_TEST

/* ---- the same key, another meaning ---- */

START_TEST(feedback_does_not_change_a_begun_request)
{
    struct bench b;
    start(&b, "w/idem");
    does(&b, "a", "e", "1");
    ok(&b, "a", "{\"m\": 1}");
    retried(&b, "refused-same-key");
    ck_assert_int_eq(begins_other(&b, "a", "e", "another request", false), BEGIN_CONFLICT);
    ok(&b, "a", "{\"n\": 1}");
    decided(&b, DECISION_ASK, "same-key-other-request");
    bench_done(&b);
}
END_TEST

START_TEST(a_request_that_did_not_happen_still_owns_its_key)
{
    struct bench b;
    start(&b, "w/write");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    seen(&b, "a", "e", OUTCOME_NONE);
    fails(&b, "a", CAUSE_UNAVAILABLE);
    retried(&b, "retry-nothing-done");
    ck_assert_int_eq(begins_other(&b, "a", "e", "another request", false), BEGIN_CONFLICT);
    bench_done(&b);
}
END_TEST

START_TEST(a_conflict_is_not_settled_by_a_reconcile)
{
    struct bench b;
    start(&b, "w/book");
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    ck_assert_int_eq(begins_other(&b, "a", "e", "another", false), BEGIN_CONFLICT);
    fails(&b, "a", CAUSE_FAILED);
    ok(&b, "a", "{\"outcome\": \"happened\", \"result\": {\"n\": 1}}");
    decided(&b, DECISION_ASK, "same-key-other-request");
    bench_done(&b);
}
END_TEST

UNIT_MAIN(a_first_begin_is_fresh_under_a_key_that_never_changes,
          parts_of_a_key_do_not_run_into_each_other, an_open_effect_of_a_write_is_not_begun_twice,
          reads_and_calls_that_are_over_begin_nothing, a_reconcile_agent_begins_nothing,
          what_was_seen_but_not_committed_is_given_by_the_send,
          an_automatic_effect_that_is_done_is_replayed_from_its_answer,
          only_what_is_missing_of_several_effects_is_done, effects_of_one_task_have_a_limit,
          an_agent_that_says_worse_than_was_seen_is_believed,
          an_agent_that_says_better_than_was_seen_is_not,
          a_status_does_not_outweigh_an_unknown_effect,
          an_answer_that_the_agent_could_not_use_is_in_doubt, the_claims_of_reads_change_nothing,
          an_unbrokered_write_is_in_doubt_from_its_start,
          an_unbrokered_write_that_says_ok_has_done_it,
          an_unbrokered_write_that_never_began_did_nothing,
          an_unbrokered_write_that_happened_is_not_called_again,
          an_unbrokered_call_that_doubts_itself_is_tried_again_under_its_key,
          an_effect_begun_by_an_unbrokered_agent_settles_without_a_closing,
          an_unbrokered_effect_that_is_done_stays_done_in_the_next_try,
          an_unbrokered_write_that_the_operator_vouches_for_did_nothing,
          nobody_vouches_for_what_an_earlier_try_may_have_done,
          nobody_vouches_for_an_effect_that_was_begun, feedback_does_not_change_a_begun_request,
          a_request_that_did_not_happen_still_owns_its_key,
          a_conflict_is_not_settled_by_a_reconcile)
