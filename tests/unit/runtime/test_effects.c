/* SPDX-License-Identifier: Apache-2.0
 *
 * Effects from end to end: one arrival for each send, what the host saw is kept though nobody lives
 * to tell, what is done is not done again, the same key is the same request, and a reference
 * belongs to one effect.
 */
#include "stage.h"

#define SEND(how, n)                                                                               \
    "{'" how "': 'http.send/1', 'body': {'method': 'POST', 'url': '@/book', 'json': {'n': " n "}}" \
    "}"
#define MUST      SEND("must", "1")
#define DIE       "{'die': true}"
#define TRANSIENT "{'fail': 3}" /* unavailable */
#define GIVE      "{'give': {'ok': true}}"

/* ---- the world: it counts, and does what the path or the test says ---- */

static atomic_int posts, gets, failures_left;
static char keys[16][128];
static const char *booked = "{\"booking\":{\"id\":\"B-1\"}}";

static void note_post(const struct connection *connection)
{
    int n = atomic_fetch_add(&posts, 1);
    if (n < 16)
        header_of(connection, "Idempotency-Key", keys[n], sizeof(keys[n]));
}

static void books(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection)) {
        if (is_post(connection))
            note_post(connection);
        say(connection, 201, booked);
    }
}

/* Takes a POST and closes without a word, as often as it shall. */
static void drops(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection)) {
        if (!is_post(connection)) {
            atomic_fetch_add(&gets, 1);
            say(connection, 200, "{}");
            continue;
        }
        note_post(connection);
        if (atomic_fetch_sub(&failures_left, 1) > 0)
            return;
        say(connection, 201, booked);
    }
}

/* ---- law 1 ---- */

START_TEST(a_request_that_may_change_the_world_leaves_once)
{
    struct stage s;
    stage_set(&s, _i, drops, "", "");
    atomic_store(&failures_left, 100);
    stage_one_step(&s, "actor/put", ", on_failure: skip");
    /* the first request leaves a connection that a library might use again, and send twice on */
    stage_run(&s, "r",
              "{'do': [{'ask': 'http.send/1', 'body': {'method': 'GET', 'url': '@/'}},"
              "        " MUST "]}");
    json_t *picture = stage_describe(&s, "r");
    ck_assert_int_eq(atomic_load(&gets), 3);
    ck_assert_int_eq(atomic_load(&posts), 3);
    ck_assert_int_eq(number_at(picture, "tasks/0/attempts"), 3);
    ck_assert_str_eq(word_at(picture, "tasks/0/effects/0/outcome"), "unknown");
    json_decref(picture);
    stage_done(&s);
}
END_TEST

START_TEST(every_attempt_sends_the_same_key)
{
    struct stage s;
    stage_set(&s, _i, drops, "", "");
    atomic_store(&failures_left, 2);
    stage_one_step(&s, "actor/put", "");
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [" MUST "]}"), RUN_DONE);
    ck_assert_int_eq(atomic_load(&posts), 3);
    ck_assert_uint_eq(strlen(keys[0]), 64);
    ck_assert_str_eq(keys[0], keys[1]);
    ck_assert_str_eq(keys[0], keys[2]);
    ck_assert_int_eq(stage_run(&s, "other", "{'do': [" MUST "]}"), RUN_DONE);
    ck_assert_str_ne(keys[0], keys[3]);
    stage_done(&s);
}
END_TEST

/* ---- law 4 ---- */

static void refuses(struct peer *peer, struct connection *connection)
{
    while (peer_read(connection)) {
        note_post(connection);
        say(connection, atomic_load(&failures_left), "{}");
    }
    (void)peer;
}

START_TEST(a_status_that_the_grant_lists_as_a_refusal_is_no_effect)
{
    struct stage s;
    stage_set(&s, _i, refuses, "", "");
    atomic_store(&failures_left, 402);
    stage_one_step(&s, "actor/mail", "");
    stage_run(&s, "r", "{'do': [" MUST ", {'fail': 2}]}");
    ck_assert_int_eq(s.status, RUN_FAILED);
    ck_assert_tells(&s, "r", "permanent");
    ck_assert_int_eq(atomic_load(&posts), 1);
    stage_done(&s);
}
END_TEST

START_TEST(any_other_status_leaves_the_effect_in_doubt_whatever_the_agent_says)
{
    static const int statuses[] = {301, 400, 409, 429, 500, 503};
    struct stage s;
    stage_set(&s, _i, refuses, "", "");
    stage_one_step(&s, "actor/mail", "");
    for (int i = 0; i < 6; i++) {
        AUTO(freep) char *id = xasprintf("r%d", i);
        atomic_store(&failures_left, statuses[i]);
        stage_run(&s, id, "{'do': [" MUST ", {'fail': 3, 'effect': 0}]}");
        ck_assert_int_eq(s.status, RUN_WAITING);
        ck_assert_tells(&s, id, "in-doubt-person");
        ck_assert_int_eq(atomic_load(&posts), i + 1);
    }
    stage_done(&s);
}
END_TEST

START_TEST(a_request_of_which_no_byte_left_is_no_effect)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", ""); /* nobody listens */
    stage_one_step(&s, "actor/mail", "");
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [" MUST "]}"), RUN_FAILED);
    ck_assert_tells(&s, "r", "retry-nothing-done");
    ck_assert_tells(&s, "r", "attempts-spent");
    stage_done(&s);
}
END_TEST

static void drops_then_refuses(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection)) {
        note_post(connection);
        if (atomic_load(&posts) == 1)
            return;
        say(connection, 402, "{}");
    }
}

START_TEST(a_doubt_outlives_a_later_refusal_of_the_same_effect)
{
    struct stage s;
    stage_set(&s, _i, drops_then_refuses, "", "");
    stage_one_step(&s, "actor/put", "");
    stage_run(&s, "r", "{'do': [" MUST ", {'fail': 2}]}");
    ck_assert_int_eq(atomic_load(&posts), 3);
    json_t *picture = stage_describe(&s, "r");
    ck_assert_str_eq(word_at(picture, "tasks/0/effects/0/outcome"), "unknown");
    ck_assert_int_eq(s.status, RUN_WAITING);
    json_decref(picture);
    stage_done(&s);
}
END_TEST

#define BEGIN "{'begin': 'e', 'request': 1}"
#define FOR_IT                                                                                     \
    "{'must': 'http.send/1', 'body': {'method': 'POST', 'url': '@/book', 'json': {},"              \
    "                                 'effect': 'e'}}"

START_TEST(a_doubt_outlives_a_later_begin_that_sends_nothing)
{
    struct stage s;
    stage_set(&s, _i, drops, "", "");
    atomic_store(&failures_left, 1);
    stage_one_step(&s, "actor/put", "");
    stage_run(&s, "r", "{'1': [" BEGIN "," FOR_IT "], 'do': [" BEGIN ", {'fail': 2}]}");
    json_t *picture = stage_describe(&s, "r");
    ck_assert_str_eq(word_at(picture, "tasks/0/effects/0/outcome"), "unknown");
    ck_assert_int_eq(s.status, RUN_WAITING);
    json_decref(picture);
    stage_done(&s);
}
END_TEST

START_TEST(a_doubt_is_not_committed_away)
{
    struct stage s;
    stage_set(&s, _i, drops, "", "");
    atomic_store(&failures_left, 1);
    stage_one_step(&s, "actor/put", ", retry: {max_attempts: 2}");
    stage_run(&s, "r",
              "{'1': [" BEGIN "," FOR_IT "], 'do': [" BEGIN ","
              "{'ask': 'effect.commit/1', 'body': {'name': 'e', 'outcome': 'none'}}]}");
    json_t *picture = stage_describe(&s, "r");
    ck_assert_str_eq(word_at(picture, "tasks/0/effects/0/outcome"), "unknown");
    json_decref(picture);
    stage_done(&s);
}
END_TEST

START_TEST(an_effect_that_was_begun_and_not_sent_did_not_happen)
{
    struct stage s;
    stage_set(&s, _i, books, "", "");
    stage_one_step(&s, "actor/mail", "");
    ck_assert_int_eq(
        stage_run(&s, "r", "{'1': [" BEGIN "," TRANSIENT "], 'do': [" BEGIN "," FOR_IT "]}"),
        RUN_DONE);
    ck_assert_tells(&s, "r", "retry-nothing-done");
    ck_assert_int_eq(atomic_load(&posts), 1);
    stage_done(&s);
}
END_TEST

START_TEST(what_an_unbrokered_agent_begins_and_does_not_end_is_in_doubt)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "wild/mail", "");
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [" TRANSIENT "]}"), RUN_WAITING);
    ck_assert_tells(&s, "r", "in-doubt-person");
    stage_done(&s);
}
END_TEST

START_TEST(one_effect_is_one_request)
{
    struct stage s;
    stage_set(&s, _i, books, "", "");
    stage_one_step(&s, "actor/book", "");
    stage_run(&s, "r",
              "{'do': [{'ask': 'http.send/1', 'body': {'method': 'POST', 'url': '@/b',"
              "                                        'effect': 'never-begun'}},"
              "        " BEGIN "," FOR_IT ","
              "        {'ask': 'http.send/1', 'body': {'method': 'POST', 'url': '@/other',"
              "                                        'effect': 'e'}}]}");
    ck_assert_str_eq(word_at(s.output, "answers/0/code"), "effect-not-open");
    ck_assert_int_eq(number_at(s.output, "answers/2/status"), SEAM_OK);
    ck_assert_int_eq(atomic_load(&posts), 1);
    stage_done(&s);
}
END_TEST

/* ---- law 5 ---- */

START_TEST(an_answer_is_kept_though_the_agent_died_before_it_completed)
{
    struct stage s;
    stage_set(&s, _i, books, "", "");
    stage_one_step(&s, "actor/mail", "");
    ck_assert_int_eq(stage_run(&s, "r", "{'1': [" MUST "," DIE "], 'do': [" MUST "]}"), RUN_DONE);
    ck_assert_int_eq(atomic_load(&posts), 1);
    ck_assert_int_eq(number_at(s.output, "attempt"), 2);
    ck_assert(json_is_true(at(s.output, "answers/0/body/replayed")));
    ck_assert_str_eq(word_at(s.output, "answers/0/body/json/booking/id"), "B-1");
    stage_done(&s);
}
END_TEST

/* Holds a POST until somebody asks what became of it. */
static void answers_when_asked(struct peer *peer, struct connection *connection)
{
    while (peer_read(connection)) {
        if (is_post(connection)) {
            note_post(connection);
            sem_wait(&peer->gate);
        } else {
            sem_post(&peer->gate);
        }
        say(connection, 201, booked);
    }
}

#define NOT_SEEN                                                                                   \
    "'find': {'do': [{'must': 'http.send/1', 'body': {'method': 'GET', 'url': '@/find'}},"         \
    "                {'give': {'outcome': 'not_seen'}}]}"

START_TEST(a_request_outlives_the_call_that_made_it)
{
    struct stage s;
    stage_set(&s, _i, answers_when_asked, "", "");
    stage_one_step(&s, "actor/book", ", timeout: {start_to_close: 100ms}");
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [" MUST "]," NOT_SEEN "}"), RUN_DONE);
    ck_assert_int_eq(atomic_load(&posts), 1);
    ck_assert_tells(&s, "r", "evidence");
    ck_assert_tells_not(&s, "r", "not-seen-settled");
    stage_done(&s);
}
END_TEST

START_TEST(a_request_outlives_the_worker_that_made_it)
{
    struct stage s;
    stage_set(&s, _i, answers_when_asked, "", "");
    stage_one_step(&s, "actor/book", "");
    ck_assert_int_eq(
        stage_run(&s, "r",
                  "{'1': [" SEND(
                      "start", "1") ","
                                    "       {'ask': 'clock.sleep/1', 'body': {'ms': 50}}," DIE "],"
                                    "'do': [" MUST "]," NOT_SEEN "}"),
        RUN_DONE);
    ck_assert_int_eq(atomic_load(&posts), 1);
    ck_assert_tells(&s, "r", "evidence");
    stage_done(&s);
}
END_TEST

static void stop_host_once_asked(struct stage *s, const struct said *said)
{
    (void)said;
    while (atomic_load(&posts) == 0)
        sched_yield(); /* the world has it, though the attempt's time is over */
    host_stop(s->host);
}

START_TEST(a_request_that_is_out_when_the_host_closes_leaves_its_effect_open)
{
    struct stage s;
    stage_set(&s, _i, answers_when_asked, "", "");
    stage_one_step(&s, "actor/book", ", timeout: {start_to_close: 100ms}");
    stage_open(&s);
    s.on_said = stop_host_once_asked;
    stage_submit(&s, "r",
                 "{'do': [" MUST "], 'find': {'do': [{'emit': '.'},"
                 " {'must': 'clock.sleep/1', 'body': {'ms': 10000}}]}}");
    stage_work(&s);
    stage_close(&s); /* its plugin goes before the request does */
    sem_post(&s.peer->gate);
    ck_assert_int_eq(atomic_load(&posts), 1);
    ck_assert_tells_not(&s, "r", "effect-ended");
    stage_done(&s);
}
END_TEST

/* ---- law 7 ---- */

static void only_gets(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection)) {
        if (is_post(connection)) {
            note_post(connection);
            return;
        }
        say(connection, 200, "{}");
    }
}

#define FOUND(id)                                                                                  \
    "'find': {'do': [{'give': {'outcome': 'happened', 'result': {'booking': {'id': " id "}}}}]}"

START_TEST(a_reference_that_reconcile_finds_is_nobody_elses)
{
    static const char *const ids[] = {"'B-7'", "77"};
    struct stage s;
    stage_set(&s, _i, only_gets, "", "");
    stage_one_step(&s, "actor/book", "");
    for (int i = 0; i < 2; i++) {
        AUTO(freep) char *input = xasprintf("{'do': [" MUST "], " FOUND("%s") "}", ids[i]);
        AUTO(freep) char *mine = xasprintf("mine-%d", i), *other = xasprintf("other-%d", i);
        ck_assert_int_eq(stage_run(&s, mine, input), RUN_DONE);
        ck_assert_tells(&s, mine, "reconcile-happened");
        ck_assert_int_eq(stage_run(&s, other, input), RUN_WAITING);
        ck_assert_tells(&s, other, "reference-claimed");
    }
    stage_done(&s);
}
END_TEST

static void books_then_drops(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection)) {
        note_post(connection);
        if (atomic_load(&posts) > 1)
            return;
        say(connection, 201, booked);
    }
}

START_TEST(a_reference_in_an_output_is_claimed_as_one_that_was_committed)
{
    static const char *const first[] = {MUST ", {'give': {'booking': {'id': 'B-1'}}}",
                                        BEGIN "," FOR_IT
                                              ", {'must': 'effect.commit/1', 'body': {'name': 'e',"
                                              " 'result': {'booking': {'id': 'B-1'}}}}"};
    for (int i = 0; i < 2; i++) {
        struct stage s;
        stage_set(&s, _i, books_then_drops, "", "");
        atomic_store(&posts, 0);
        stage_one_step(&s, "actor/book", "");
        AUTO(freep) char *input = xasprintf("{'do': [%s]}", first[i]);
        ck_assert_int_eq(stage_run(&s, "mine", input), RUN_DONE);
        ck_assert_int_eq(stage_run(&s, "other", "{'do': [" MUST "], " FOUND("'B-1'") "}"),
                         RUN_WAITING);
        ck_assert_tells(&s, "other", "reference-claimed");
        stage_done(&s);
    }
}
END_TEST

/* ---- law 8 ---- */

START_TEST(what_is_done_is_given_again_and_not_done_again)
{
    struct stage s;
    stage_set(&s, _i, books, "", "");
    stage_one_step(&s, "actor/mail", "");
    ck_assert_int_eq(stage_run(&s, "sent", "{'1': [" MUST "," TRANSIENT "], 'do': [" MUST "]}"),
                     RUN_DONE);
    ck_assert(json_is_true(at(s.output, "answers/0/body/replayed")));
    ck_assert_tells(&s, "sent", "effect-done-replay");
    ck_assert_int_eq(atomic_load(&posts), 1);
    ck_assert_int_eq(stage_run(&s, "named",
                               "{'1': [" BEGIN "," FOR_IT "," TRANSIENT "], 'do': [" BEGIN
                               "," FOR_IT "]}"),
                     RUN_DONE);
    ck_assert(json_is_true(at(s.output, "answers/1/body/replayed")));
    ck_assert_int_eq(atomic_load(&posts), 2);
    ck_assert_int_eq(stage_run(&s, "committed",
                               "{'1': [" BEGIN "," FOR_IT ", {'must': 'effect.commit/1',"
                               "'body': {'name': 'e', 'result': {'mine': 1}}}," TRANSIENT "],"
                               " 'do': [" BEGIN "," FOR_IT "]}"),
                     RUN_DONE);
    ck_assert_int_eq(number_at(s.output, "mine"), 1);
    ck_assert_int_eq(atomic_load(&posts), 3);
    stage_done(&s);
}
END_TEST

/* ---- law 9 ---- */

START_TEST(the_same_key_with_another_request_escalates)
{
    struct stage s;
    stage_set(&s, _i, books, "", "");
    stage_one_step(&s, "actor/mail", "");
    ck_assert_int_eq(stage_run(&s, "r",
                               "{'1': [" MUST "," TRANSIENT "],"
                               "'do': [" SEND("must", "2") "]}"),
                     RUN_WAITING);
    ck_assert_tells(&s, "r", "effect-conflict");
    ck_assert_int_eq(atomic_load(&posts), 1);
    stage_done(&s);
}
END_TEST

#define BYTES(base64)                                                                              \
    "{'must': 'http.send/1', 'body': {'method': 'POST', 'url': '@/book', 'body_base64': '" base64  \
    "'}}"

START_TEST(other_bytes_are_another_request)
{
    struct stage s;
    stage_set(&s, _i, books, "", "");
    stage_one_step(&s, "actor/mail", "");
    ck_assert_int_eq(
        stage_run(&s, "r", "{'1': [" BYTES("/wA=") "," TRANSIENT "], 'do': [" BYTES("/wE=") "]}"),
        RUN_WAITING);
    ck_assert_tells(&s, "r", "effect-conflict");
    ck_assert_int_eq(atomic_load(&posts), 1);
    stage_done(&s);
}
END_TEST

START_TEST(an_effect_that_the_completing_attempt_did_not_begin_escalates)
{
    struct stage s;
    stage_set(&s, _i, books, "", "");
    stage_one_step(&s, "actor/mail", "");
    ck_assert_int_eq(stage_run(&s, "r", "{'1': [" MUST "," TRANSIENT "], 'do': [" GIVE "]}"),
                     RUN_WAITING);
    ck_assert_tells(&s, "r", "effect-left-behind");
    stage_done(&s);
}
END_TEST

/* ---- what a person said ---- */

START_TEST(what_a_person_says_to_have_happened_is_given_to_the_agent)
{
    struct stage s;
    stage_set(&s, _i, only_gets, "", "");
    stage_one_step(&s, "actor/mail",
                   ", assert: [{that: \"${ .output.answers[0].status == 0 }\","
                   " message: it must have been sent}]");
    ck_assert_int_eq(stage_run(&s, "bare", "{'do': [" MUST "]}"), RUN_WAITING);
    stage_answer(&s, "bare", "act", 1, "{'outcome': 'happened'}");
    ck_assert_int_eq(stage_resume(&s, "bare"), RUN_DONE);
    ck_assert_int_eq(number_at(s.output, "answers/0/body/status"), 200);
    ck_assert_int_eq(stage_run(&s, "told", "{'do': [" MUST "]}"), RUN_WAITING);
    stage_answer(&s, "told", "act", 1, "{'outcome': 'happened', 'result': {'id': 'X'}}");
    ck_assert_int_eq(stage_resume(&s, "told"), RUN_DONE);
    ck_assert_str_eq(word_at(s.output, "answers/0/body/json/id"), "X");
    ck_assert_int_eq(atomic_load(&posts), 2);
    const char *const sends_anyway =
        "{'do': [{'ask': 'effect.begin/1', 'body': {'name': 'e', 'request': 1}}," FOR_IT "]}";
    ck_assert_int_eq(stage_run(&s, "begun", sends_anyway), RUN_WAITING);
    stage_answer(&s, "begun", "act", 1, "{'outcome': 'happened', 'result': {'id': 'Y'}}");
    ck_assert_int_eq(stage_resume(&s, "begun"), RUN_DONE);
    ck_assert_str_eq(word_at(s.output, "answers/1/body/json/id"), "Y");
    ck_assert_int_eq(atomic_load(&posts), 3);
    stage_done(&s);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {
        a_request_that_may_change_the_world_leaves_once,
        every_attempt_sends_the_same_key,
        a_status_that_the_grant_lists_as_a_refusal_is_no_effect,
        any_other_status_leaves_the_effect_in_doubt_whatever_the_agent_says,
        a_request_of_which_no_byte_left_is_no_effect,
        a_doubt_outlives_a_later_refusal_of_the_same_effect,
        a_doubt_outlives_a_later_begin_that_sends_nothing,
        a_doubt_is_not_committed_away,
        an_effect_that_was_begun_and_not_sent_did_not_happen,
        what_an_unbrokered_agent_begins_and_does_not_end_is_in_doubt,
        one_effect_is_one_request,
        a_request_outlives_the_call_that_made_it,
        a_request_that_is_out_when_the_host_closes_leaves_its_effect_open,
        a_reference_that_reconcile_finds_is_nobody_elses,
        a_reference_in_an_output_is_claimed_as_one_that_was_committed,
        what_is_done_is_given_again_and_not_done_again,
        the_same_key_with_another_request_escalates,
        other_bytes_are_another_request,
        an_effect_that_the_completing_attempt_did_not_begin_escalates,
        what_a_person_says_to_have_happened_is_given_to_the_agent,
        NULL,
    };
    const TTest *const in_workers[] = {
        an_answer_is_kept_though_the_agent_died_before_it_completed,
        a_request_outlives_the_worker_that_made_it,
        NULL,
    };
    return stage_main(__FILE__, everywhere, in_workers);
}
