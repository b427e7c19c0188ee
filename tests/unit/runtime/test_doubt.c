/* SPDX-License-Identifier: Apache-2.0
 *
 * Effects in doubt, from end to end: when "not seen" becomes "never", and that no run is final, and
 * no old answer taken, while nobody knows.
 */
#include "stage.h"

#include <sched.h>
#include <time.h>

#define MUST                                                                                       \
    "{'must': 'http.send/1', 'body': {'method': 'POST', 'url': '@/book', 'json': {'n': 1}}}"
#define START                                                                                      \
    "{'start': 'http.send/1', 'body': {'method': 'POST', 'url': '@/book', 'json': {'n': 1}}}"
#define ASK_THERE "{'must': 'http.send/1', 'body': {'method': 'GET', 'url': '@/find'}}"
#define SAY(what) "'find': {'do': [" ASK_THERE ", {'give': {'outcome': '" what "'}}]}"

enum { SETTLE_MS = 300 }; /* as the actor's card says */

static atomic_int posts, finds;
static _Atomic int64_t closed_ns, posted_ns, found_ns;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The first POST is dropped, the others are answered; when is noted. */
static void drops_the_first(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection)) {
        if (!is_post(connection)) {
            atomic_fetch_add(&finds, 1);
            atomic_store(&found_ns, now_ns());
            say(connection, 200, "{}");
        } else if (atomic_fetch_add(&posts, 1) == 0) {
            atomic_store(&closed_ns, now_ns());
            return;
        } else {
            atomic_store(&posted_ns, now_ns());
            say(connection, 201, "{}");
        }
    }
}

START_TEST(not_seen_is_never_only_when_asked_again_after_settle)
{
    struct stage s;
    stage_set(&s, _i, drops_the_first, "", "");
    stage_one_step(&s, "actor/book", "");
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [" MUST "], " SAY("not_seen") "}"), RUN_DONE);
    ck_assert_int_eq(atomic_load(&posts), 2);
    ck_assert_int_ge(atomic_load(&finds), 2);
    ck_assert_tells(&s, "r", "not-seen-wait");
    ck_assert_tells(&s, "r", "not-seen-settled");
    /* the peer's clock began before the host's, which counts in whole milliseconds */
    ck_assert_int_ge(atomic_load(&found_ns) - atomic_load(&closed_ns), (SETTLE_MS - 1) * 1000000LL);
    ck_assert_int_ge(atomic_load(&posted_ns), atomic_load(&found_ns));
    stage_done(&s);
}
END_TEST

/* Never answers a POST; sees when the host closes it. */
static void keeps_the_first(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection)) {
        if (!is_post(connection)) {
            atomic_fetch_add(&finds, 1);
            atomic_store(&found_ns, now_ns());
            say(connection, 200, "{}");
        } else if (atomic_fetch_add(&posts, 1) == 0) {
            peer_wait_end(connection);
            atomic_store(&closed_ns, now_ns());
            return;
        } else {
            say(connection, 201, "{}");
        }
    }
}

START_TEST(settle_counts_from_the_closing_of_the_request_and_not_from_the_end_of_the_call)
{
    struct stage s;
    stage_set(&s, _i, keeps_the_first, "", "");
    stage_one_step(&s, "actor/book", ", timeout: {start_to_close: 500ms}");
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [" MUST "], " SAY("not_seen") "}"), RUN_DONE);
    ck_assert_int_eq(atomic_load(&posts), 2);
    ck_assert_tells(&s, "r", "[effect-ended]");
    /* the host notes the closing, then closes: a moment that the peer may see a little later */
    ck_assert_int_ge(atomic_load(&found_ns) - atomic_load(&closed_ns),
                     (SETTLE_MS - 100) * 1000000LL);
    stage_done(&s);
}
END_TEST

START_TEST(what_a_killed_worker_sent_is_in_doubt_until_its_request_is_closed)
{
    struct stage s;
    stage_set(&s, _i, keeps_the_first, "", "");
    stage_one_step(&s, "actor/book", "");
    ck_assert_int_eq(stage_run(&s, "r",
                               "{'1': [" START
                               ", {'ask': 'clock.sleep/1', 'body': {'ms': 50}}, {'die': true}],"
                               " 'do': [" MUST "], " SAY("not_seen") "}"),
                     RUN_DONE);
    ck_assert_int_eq(atomic_load(&posts), 2);
    ck_assert_int_ge(atomic_load(&found_ns) - atomic_load(&closed_ns),
                     (SETTLE_MS - 100) * 1000000LL);
    stage_done(&s);
}
END_TEST

static const struct stage *watched;

/* Answers a POST only when a person has been asked what came of it. */
static void answers_when_people_are_asked(struct peer *peer, struct connection *connection)
{
    (void)peer;
    struct journal_run run = {0};
    while (peer_read(connection)) {
        if (is_post(connection)) {
            atomic_fetch_add(&posts, 1);
            struct journal_reader *reader = stage_reader(watched);
            while (journal_find(reader, "r", &run, NULL) != ERR_OK ||
                   strcmp(run.status, "waiting") != 0)
                sched_yield();
            journal_reader_close(reader);
        }
        say(connection, 200, "{}");
    }
}

START_TEST(what_a_late_answer_may_still_say_is_waited_for)
{
    struct stage s;
    watched = &s;
    stage_set(&s, _i, answers_when_people_are_asked, "", "");
    stage_one_step(&s, "actor/book", ", timeout: {start_to_close: 500ms}");
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [" MUST "], " SAY("unknown") "}"), RUN_DONE);
    ck_assert_tells(&s, "r", "reconcile-unknown");
    ck_assert_tells(&s, "r", "evidence");
    ck_assert_int_eq(atomic_load(&posts), 1);
    stage_done(&s);
}
END_TEST

static void drops_posts(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection)) {
        if (is_post(connection)) {
            atomic_fetch_add(&posts, 1);
            return;
        }
        atomic_fetch_add(&finds, 1);
        say(connection, 200, "{}");
    }
}

START_TEST(no_run_is_final_while_an_effect_is_in_doubt)
{
    struct stage s;
    stage_set(&s, _i, drops_posts, "", "");
    stage_one_step(&s, "actor/mail", "");
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [" MUST "]}"), RUN_WAITING);
    stage_cancel(&s, "r");
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_WAITING);
    ck_assert_tells(&s, "r", "[cancel-asked]");
    stage_answer(&s, "r", "act", 1, NULL);
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_WAITING);
    ck_assert_tells(&s, "r", "denied-in-doubt");
    stage_answer(&s, "r", "act", 2, "{'outcome': 'never'}");
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_CANCELLED);
    ck_assert_int_eq(atomic_load(&posts), 1);
    stage_done(&s);
}
END_TEST

START_TEST(a_spent_time_budget_ends_no_doubt)
{
    struct stage s;
    stage_set(&s, _i, drops_posts, "", "");
    stage_flow(&s,
               "budget: {attempts: 9, calls: 9, time: 1500ms, recovery: {calls: 5}}\n"
               "steps:\n  act: {agent: actor/book, input: \"${ .input }\"}\n"
               "  other: {agent: actor/pure, input: {do: [{ask: clock.sleep/1, body: {ms: 2000}}]"
               "}}\noutput: {as: \"${ .steps.act.output }\"}\n");
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [" MUST "], " SAY("unknown") "}"), RUN_WAITING);
    ck_assert_tells(&s, "r", "time-spent");
    ck_assert_tells(&s, "r", "reconcile-unknown");
    ck_assert_int_eq(atomic_load(&finds), 1);
    stage_done(&s);
}
END_TEST

START_TEST(an_answer_to_an_older_question_is_refused)
{
    struct stage s;
    stage_set(&s, _i, drops_posts, "", "");
    stage_one_step(&s, "actor/mail", "");
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [" MUST "]}"), RUN_WAITING);
    stage_answer(&s, "r", "act", 2, "{'outcome': 'never'}");
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_WAITING);
    ck_assert_tells(&s, "r", "answer-stale");
    stage_answer(&s, "r", "act", 1, "{'outcome': 'perhaps'}");
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_WAITING);
    ck_assert_tells(&s, "r", "answer-invalid");
    stage_answer(&s, "r", "act", 1, "{'outcome': 'happened', 'result': {'ok': 1}}");
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_DONE);
    ck_assert_int_eq(atomic_load(&posts), 1);
    stage_done(&s);
}
END_TEST

START_TEST(a_persons_never_obeys_settle_too)
{
    struct stage s;
    stage_set(&s, _i, drops_the_first, "", "");
    stage_one_step(&s, "actor/book", "");
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [" MUST "], " SAY("unknown") "}"), RUN_WAITING);
    stage_answer(&s, "r", "act", 1, "{'outcome': 'never'}");
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_WAITING);
    ck_assert_tells(&s, "r", "person-looks-again");
    ck_assert_int_eq(atomic_load(&posts), 1);
    stage_answer(&s, "r", "act", 2, "{'outcome': 'never'}");
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_DONE);
    ck_assert_int_eq(atomic_load(&posts), 2);
    ck_assert_int_ge(atomic_load(&posted_ns) - atomic_load(&closed_ns),
                     (SETTLE_MS - 1) * 1000000LL);
    stage_done(&s);
}
END_TEST

/* ---- undo ---- */

static void counts(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection)) {
        atomic_fetch_add(&posts, strncmp(connection->last, "POST /book", 10) == 0);
        atomic_fetch_add(&finds, strncmp(connection->last, "POST /undo", 10) == 0);
        say(connection, 201, "{}");
    }
}

START_TEST(what_is_done_is_undone_once_when_the_run_fails)
{
    struct stage s;
    stage_set(&s, _i, counts, "", "");
    AUTO(freep)
    char *steps = stage_text(
        &s, "steps:\n"
            "  act:\n"
            "    agent: actor/book\n"
            "    input: \"${ .input }\"\n"
            "    undo: {agent: actor/put, input: {do: [{must: http.send/1, body: {method: POST,"
            " url: \"@/undo\"}}]}}\n"
            "  fails: {agent: actor/pure, needs: [act], input: {do: [{fail: 2}]}}\n"
            "output: {as: \"${ .steps.act.output }\"}\n");
    stage_flow(&s, steps);
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [" MUST "]}"), RUN_FAILED);
    ck_assert_int_eq(atomic_load(&posts), 1);
    ck_assert_int_eq(atomic_load(&finds), 1);
    ck_assert_tells(&s, "r", "undo-attempt");
    stage_done(&s);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {
        not_seen_is_never_only_when_asked_again_after_settle,
        settle_counts_from_the_closing_of_the_request_and_not_from_the_end_of_the_call,
        what_a_late_answer_may_still_say_is_waited_for,
        no_run_is_final_while_an_effect_is_in_doubt,
        a_spent_time_budget_ends_no_doubt,
        an_answer_to_an_older_question_is_refused,
        a_persons_never_obeys_settle_too,
        what_is_done_is_undone_once_when_the_run_fails,
        NULL,
    };
    const TTest *const in_workers[] = {
        what_a_killed_worker_sent_is_in_doubt_until_its_request_is_closed,
        NULL,
    };
    return stage_main(__FILE__, everywhere, in_workers);
}
