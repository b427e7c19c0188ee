/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate before an agent, over all runs: how many of its calls are under way, how many begin in a
 * time, and the breaker. A world counts who is inside; the journal says who waited, and for what.
 */
#include "stage.h"

#include "runtime/host_internal.h"

#include <uv.h>

/* The settings of both plugins' agents, where the stage has room for limits. */
#define AGENTS(settings) "}\n    agents: {" settings

/* Calls that went in and did not come out yet, and the most there ever were. */
static atomic_int inside, most_inside;
/* Requests that are told to come back. */
static atomic_int busy;

static void doorkeeper(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection)) {
        if (strstr(connection->last, " /in ")) {
            int now = atomic_fetch_add(&inside, 1) + 1;
            int most = atomic_load(&most_inside);
            while (now > most && !atomic_compare_exchange_weak(&most_inside, &most, now))
                continue;
        } else if (strstr(connection->last, " /out ")) {
            atomic_fetch_sub(&inside, 1);
        }
        if (strstr(connection->last, " /drop "))
            return;
        if (strstr(connection->last, " /storm ") && atomic_fetch_sub(&busy, 1) > 0) {
            peer_say(connection, "HTTP/1.1 429 X\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n");
            continue;
        }
        bool down = strstr(connection->last, " /down ");
        say(connection, down ? 503 : 200, "{}");
    }
}

#define GET(path) "{'ask': 'http.send/1', 'body': {'method': 'GET', 'url': '@" path "'}}"
#define VISIT                                                                                      \
    "{'do': [" GET("/in") ", {'ask': 'clock.sleep/1', 'body': {'ms': 20}}, " GET(                  \
        "/out") ", {'give': 1}]}"

static void stage_gate(struct stage *s, int mode, const char *settings, const char *extra)
{
    atomic_store(&inside, 0);
    atomic_store(&most_inside, 0);
    stage_set(s, mode, doorkeeper, settings, extra);
}

static void submit_many(struct stage *s, int count, const char *input)
{
    char id[16];
    if (!s->host)
        stage_open(s);
    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof(id), "r%d", i);
        stage_submit(s, id, input);
    }
}

static int64_t steady_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* How many of the runs r0, r1, … tell this. */
static int telling(const struct stage *s, int count, const char *words)
{
    int found = 0;
    char id[16];
    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof(id), "r%d", i);
        AUTO(freep) char *story = stage_story(s, id);
        found += strstr(story, words) != NULL;
    }
    return found;
}

/* ---- concurrency ---- */

START_TEST(no_more_calls_of_an_agent_are_under_way_than_it_is_allowed)
{
    struct stage s;
    stage_gate(&s, _i, AGENTS("look: {concurrency: 2}"), "");
    stage_one_step(&s, "actor/look", "");
    submit_many(&s, 9, VISIT);
    stage_work(&s);
    ck_assert_uint_eq(s.settled, 9);
    ck_assert_int_eq(atomic_load(&most_inside), 2);
    ck_assert_int_eq(telling(&s, 9, "[held]"), 7);
    stage_done(&s);
}
END_TEST

static char first_settled[32];

static void note_first(struct stage *s, const struct run *run)
{
    if (s->settled == 1)
        snprintf(first_settled, sizeof(first_settled), "%s", run_id(run));
}

START_TEST(a_full_agent_is_in_nobodys_way)
{
    struct stage s;
    stage_gate(&s, _i, AGENTS("look: {concurrency: 1}"), "");
    stage_flow(&s, "steps:\n"
                   "  many: {agent: actor/look, for_each: \"${ .input.list }\","
                   " input: {do: [{ask: clock.sleep/1, body: {ms: 30}}]}}\n"
                   "  free: {agent: actor/pure, input: {do: [{give: 1}]}}\n");
    s.on_settled = note_first;
    stage_open(&s);
    stage_submit(&s, "many", "{'list': [1, 2, 3, 4]}");
    stage_submit(&s, "free", "{'list': []}");
    stage_work(&s);
    ck_assert_str_eq(first_settled, "free");
    ck_assert_tells(&s, "many", "[held] [held] [held]");
    stage_done(&s);
}
END_TEST

START_TEST(the_manifests_concurrency_is_of_all_runs_and_agents)
{
    struct stage s;
    stage_gate(&s, _i, "", "limits: {concurrency: 3}\n");
    stage_flow(&s, "steps:\n"
                   "  a: {agent: actor/look, input: \"${ .input }\"}\n"
                   "  b: {agent: wild/look, input: \"${ .input }\"}\n"
                   "  c: {agent: actor/find, input: {input: {find: \"${ .input }\"}}}\n");
    submit_many(&s, 5, VISIT);
    stage_work(&s);
    ck_assert_uint_eq(s.settled, 5);
    ck_assert_int_eq(s.status, RUN_DONE);
    ck_assert_int_eq(atomic_load(&most_inside), 3);
    stage_done(&s);
}
END_TEST

START_TEST(a_call_that_waits_longer_than_its_timeout_was_never_started)
{
    struct stage s;
    stage_gate(&s, _i, AGENTS("book: {rate: {calls: 1, per: 1h}}"), "");
    stage_one_step(&s, "actor/book",
                   ", timeout: {start_to_close: 150ms}, retry: {max_attempts: 1}");
    submit_many(&s, 2, "{'do': [{'give': {}}]}");
    stage_work(&s);
    json_t *picture = stage_describe(&s, "r1");
    ck_assert_str_eq(word_at(picture, "status"), "failed");
    ck_assert_str_eq(word_at(picture, "error/code"), "held-too-long");
    ck_assert_ptr_nonnull(strstr(word_at(picture, "error/message"), "`rate` of actor/book"));
    json_decref(picture);
    stage_done(&s);
}
END_TEST

START_TEST(a_held_call_is_cancelled_with_its_run)
{
    struct stage s;
    stage_gate(&s, _i, AGENTS("look: {concurrency: 1}"), "");
    stage_one_step(&s, "actor/look", "");
    submit_many(&s, 2, "{'do': [" GET("/in") ", {'until_cancelled': true}]}");
    stage_cancel(&s, "r1");
    stage_cancel(&s, "r0");
    stage_work(&s);
    ck_assert_uint_eq(s.settled, 2);
    ck_assert_int_eq(s.status, RUN_CANCELLED);
    stage_done(&s);
}
END_TEST

START_TEST(who_waits_long_for_its_plugin_is_told)
{
    struct stage s;
    stage_gate(&s, _i, "max_concurrency: 1", "");
    stage_one_step(&s, "actor/look", "");
    submit_many(&s, 2, VISIT);
    stage_work(&s);
    ck_assert_int_eq(atomic_load(&most_inside), 1);
    ck_assert_tells_not(&s, "r1", "[held]");
    stage_submit(&s, "a", "{'do': [{'until_cancelled': true}]}");
    stage_submit(&s, "b", "{'do': [{'give': 1}]}");
    while (live_find(s.host, "b")->seq < 2)
        uv_run(host_loop(s.host), UV_RUN_ONCE);
    stage_cancel(&s, "a");
    stage_work(&s);
    ck_assert_tells(&s, "b", "[held] [ended] attempt-ended output-accepted");
    ck_assert_tells_not(&s, "a", "[held]");
    stage_done(&s);
}
END_TEST

START_TEST(held_calls_are_left_to_the_next_host)
{
    struct stage s;
    stage_gate(&s, _i, AGENTS("pure: {rate: {calls: 1, per: 1h}}"), "");
    stage_one_step(&s, "actor/pure", "");
    submit_many(&s, 2, "{'do': [{'give': 1}]}");
    while (host_run_count(s.host) > 1)
        uv_run(host_loop(s.host), UV_RUN_ONCE);
    ck_assert_int_eq(stage_resume(&s, "r1"), RUN_DONE);
    stage_done(&s);
}
END_TEST

/* ---- rate ---- */

START_TEST(a_rate_spreads_calls_over_time)
{
    struct stage s;
    stage_gate(&s, _i, AGENTS("pure: {rate: {calls: 2, per: 100ms}}"), "");
    stage_one_step(&s, "actor/pure", "");
    stage_run(&s, "warm", "{'do': [{'give': 1}]}");
    int64_t began = steady_ms();
    submit_many(&s, 5, "{'do': [{'give': 1}]}");
    stage_work(&s);
    ck_assert_uint_eq(s.settled, 6);
    ck_assert_int_ge(steady_ms() - began, 195);
    ck_assert_int_ge(telling(&s, 5, "[held]"), 3);
    stage_done(&s);
}
END_TEST

START_TEST(told_to_come_back_a_call_waits_and_no_try_is_counted)
{
    struct stage s;
    stage_gate(&s, _i, "", "");
    stage_one_step(&s, "actor/look", ", retry: {max_attempts: 1}");
    atomic_store(&busy, 2);
    int64_t began = steady_ms();
    ck_assert_int_eq(
        stage_run(&s, "r",
                  "{'1': [" GET("/storm") ", {'fail': 4}],"
                                          " '2': [" GET("/storm") ", {'fail': 4}],"
                                                                  " '3': [" GET(
                                                                      "/storm") ", {'give': 1}]}"),
        RUN_DONE);
    ck_assert_int_ge(steady_ms() - began, 1995);
    json_t *picture = stage_describe(&s, "r");
    ck_assert_int_eq(number_at(picture, "spent/attempts"), 1);
    json_decref(picture);
    stage_done(&s);
}
END_TEST

/* ---- the breaker ---- */

#define BREAKER(open) AGENTS("look: {breaker: {failures: 3, within: 1m, open: " open "}}")
#define FAIL          "{'do': [" GET("/down") ", {'fail': 3}]}" /* UNAVAILABLE */
#define WORK          "{'do': [{'give': 1}]}"

static void fail_thrice(struct stage *s)
{
    char id[16];
    for (int i = 0; i < 3; i++) {
        snprintf(id, sizeof(id), "f%d", i);
        ck_assert_int_eq(stage_run(s, id, FAIL), RUN_FAILED);
        ck_assert_tells_not(s, id, "breaker");
    }
    ck_assert_int_eq(atomic_load(&s->peer->arrivals), 3);
}

START_TEST(an_open_breaker_ends_calls_before_they_begin)
{
    struct stage s;
    stage_gate(&s, _i, BREAKER("1h"), "");
    stage_one_step(&s, "actor/look",
                   ", retry: {max_attempts: 1}, timeout: {schedule_to_close: 1s}");
    fail_thrice(&s);
    ck_assert_ptr_nonnull(strstr(text_str(&s.log), "its breaker opens for 1h: 3 calls failed"));
    ck_assert_int_eq(stage_run(&s, "r", FAIL), RUN_FAILED);
    ck_assert_int_eq(atomic_load(&s.peer->arrivals), 3);
    ck_assert_str_eq(word_at(s.error, "code"), "breaker-open");
    ck_assert_ptr_nonnull(
        strstr(word_at(s.error, "message"), "the last: unavailable: as the script"));
    stage_done(&s);
}
END_TEST

START_TEST(what_is_let_through_closes_the_breaker)
{
    struct stage s;
    stage_gate(&s, _i, BREAKER("80ms"), "");
    stage_one_step(&s, "actor/look", ", retry: {max_attempts: 1}");
    fail_thrice(&s);
    stage_one_step(&s, "actor/look", "");
    submit_many(&s, 4, WORK);
    stage_work(&s);
    ck_assert_int_eq(s.status, RUN_DONE);
    ck_assert_ptr_nonnull(strstr(text_str(&s.log), "its breaker closes"));
    ck_assert_int_eq(telling(&s, 4, "[due] next-attempt"), 4);
    stage_done(&s);
}
END_TEST

START_TEST(a_failure_of_what_is_let_through_opens_it_again)
{
    struct stage s;
    stage_gate(&s, _i, BREAKER("50ms"), "");
    stage_one_step(&s, "actor/look", ", retry: {max_attempts: 1}");
    fail_thrice(&s);
    stage_one_step(&s, "actor/look", ", retry: {max_attempts: 4}");
    ck_assert_int_eq(stage_run(&s, "r",
                               "{'1': [{'fail': 3}], '2': [{'fail': 3}], '3': [{'give': 1}],"
                               " '4': [{'give': 1}], '5': [{'give': 1}]}"),
                     RUN_DONE);
    const char *again = strstr(text_str(&s.log), "its breaker opens");
    ck_assert_ptr_nonnull(again);
    ck_assert_ptr_nonnull(strstr(again + 1, "its breaker opens"));
    stage_done(&s);
}
END_TEST

START_TEST(refusals_and_bad_inputs_are_no_failures_of_an_agent)
{
    struct stage s;
    static const char *const ends[] = {"1", "2", "4", "5", "9", "11"};
    stage_gate(&s, _i, BREAKER("1h"), "");
    stage_one_step(&s, "actor/look", ", retry: {max_attempts: 1}");
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        AUTO(freep) char *input = xasprintf("{'do': [{'fail': %s}]}", ends[i]);
        ck_assert_int_eq(stage_run(&s, ends[i], input), RUN_FAILED);
    }
    ck_assert_int_eq(stage_run(&s, "r", WORK), RUN_DONE);
    stage_done(&s);
}
END_TEST

START_TEST(a_reconcile_waits_for_the_breaker_and_is_not_eaten_by_it)
{
    struct stage s;
    stage_gate(&s, _i, AGENTS("find: {breaker: {failures: 1, within: 1m, open: 1s}}"), "");
    stage_one_step(&s, "actor/find", ", retry: {max_attempts: 1}");
    ck_assert_int_eq(stage_run(&s, "f", "{'input': {'find': {'do': [{'fail': 3}]}}}"), RUN_FAILED);
    stage_one_step(&s, "actor/book", "");
    ck_assert_int_eq(
        stage_run(&s, "r",
                  "{'1': [{'must': 'http.send/1', 'body': {'method': 'POST', 'url': '@/drop'}}],"
                  " '2': [{'give': {}}], 'find': {'do': [{'give': {'outcome': 'never'}}]}}"),
        RUN_DONE);
    ck_assert_tells(&s, "r", "reconcile-attempt [held] [ended] reconcile-never");
    stage_done(&s);
}
END_TEST

START_TEST(a_breaker_that_opens_refuses_those_that_wait)
{
    struct stage s;
    stage_gate(&s, _i,
               AGENTS("look: {concurrency: 1, breaker: {failures: 1, within: 1m, open: 1h}}"), "");
    stage_one_step(&s, "actor/look",
                   ", retry: {max_attempts: 1}, timeout: {schedule_to_close: 9s}");
    submit_many(&s, 5, FAIL);
    stage_work(&s);
    ck_assert_uint_eq(s.settled, 5);
    ck_assert_int_eq(atomic_load(&s.peer->arrivals), 1);
    stage_done(&s);
}
END_TEST

START_TEST(ten_thousand_refusals_are_no_matter)
{
    struct stage s;
    stage_gate(&s, _i, AGENTS("look: {breaker: {failures: 1, within: 1m, open: 1h}}"), "");
    stage_flow(&s,
               "budget: {attempts: 10001, calls: 10001, time: 10m}\n"
               "steps:\n"
               "  many: {agent: actor/look, for_each: \"${ .input.list }\", retry: {max_attempts: "
               "1}, on_item_failure: skip, timeout: {schedule_to_close: 5s},"
               " input: {do: [{fail: 3}]}}\n");
    AUTO(text_done) struct text input;
    text_init(&input, LIMIT_FILE);
    text_adds(&input, "{'list': [0");
    for (int i = 1; i < 10000; i++)
        text_adds(&input, ",1");
    text_adds(&input, "]}");
    ck_assert_int_eq(stage_run(&s, "r", text_str(&input)), RUN_DONE);
    s.keep_open = true; /* its replay takes as long again, and says no more */
    stage_done(&s);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {
        no_more_calls_of_an_agent_are_under_way_than_it_is_allowed,
        a_full_agent_is_in_nobodys_way,
        the_manifests_concurrency_is_of_all_runs_and_agents,
        a_call_that_waits_longer_than_its_timeout_was_never_started,
        a_held_call_is_cancelled_with_its_run,
        who_waits_long_for_its_plugin_is_told,
        held_calls_are_left_to_the_next_host,
        a_rate_spreads_calls_over_time,
        told_to_come_back_a_call_waits_and_no_try_is_counted,
        an_open_breaker_ends_calls_before_they_begin,
        what_is_let_through_closes_the_breaker,
        a_failure_of_what_is_let_through_opens_it_again,
        refusals_and_bad_inputs_are_no_failures_of_an_agent,
        a_reconcile_waits_for_the_breaker_and_is_not_eaten_by_it,
        a_breaker_that_opens_refuses_those_that_wait,
        ten_thousand_refusals_are_no_matter,
        NULL,
    };
    return stage_main(__FILE__, everywhere, NULL);
}
