/* SPDX-License-Identifier: Apache-2.0
 *
 * Each knob of the world does what its name says, seen from outside: by what a client is told and
 * by what the ledger holds.
 */
#include "harness.h"
#include "unit.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIP  "{\"offer\": \"LIS-VIE\", \"passengers\": 2, \"reference\": \"T-1\"}"
#define OTHER "{\"offer\": \"LIS-OSL\", \"passengers\": 2, \"reference\": \"T-1\"}"
#define MAIL  "{\"to\": \"ann@example.org\", \"subject\": \"T-1\", \"body\": \"booked\"}"

#define ISSUE       "{\"title\": \"T-1\", \"body\": \"it crashes\", \"severity\": \"high\"}"
#define OTHER_ISSUE "{\"title\": \"T-2\", \"body\": \"\", \"severity\": \"low\"}"

static int book(const struct world *w, const char *key)
{
    struct reply r = world_request(w, "POST", "/bookings", TRIP, key);
    int status = r.status;
    reply_done(&r);
    return status;
}

static size_t count_by(const struct world *w, const char *query)
{
    char path[128];
    snprintf(path, sizeof(path), "/bookings?%s", query);
    struct reply r = world_request(w, "GET", path, NULL, NULL);
    ck_assert_int_eq(r.status, 200);
    size_t count = json_array_size(json_object_get(r.json, "bookings"));
    reply_done(&r);
    return count;
}

START_TEST(a_booking_is_found_by_its_key_and_by_its_reference)
{
    struct world w;
    world_start(&w, NULL);
    struct reply r = world_request(&w, "POST", "/bookings", TRIP, "k1");
    ck_assert_int_eq(r.status, 201);
    ck_assert_str_eq(json_string_value(json_object_get(r.json, "booking")), "B-000001");
    reply_done(&r);
    ck_assert_uint_eq(count_by(&w, "key=k1"), 1);
    ck_assert_uint_eq(count_by(&w, "reference=T-1"), 1);
    ck_assert_uint_eq(count_by(&w, "key=k2"), 0);
    ck_assert_uint_eq(count_by(&w, "reference=T-1&key=k2"), 0);
    world_done(&w);
}
END_TEST

START_TEST(cancelling_twice_leaves_one_cancelled_row)
{
    struct world w;
    world_start(&w, NULL);
    ck_assert_int_eq(book(&w, "k1"), 201);
    for (int i = 0; i < 2; i++) {
        struct reply r = world_request(&w, "DELETE", "/bookings/B-000001", NULL, NULL);
        ck_assert_int_eq(r.status, 200);
        ck_assert_str_eq(json_string_value(json_object_get(r.json, "status")), "cancelled");
        reply_done(&r);
    }
    ck_assert_int_eq(world_stat(&w, "bookings.rows"), 1);
    ck_assert_int_eq(world_stat(&w, "bookings.cancelled"), 1);
    struct reply none = world_request(&w, "DELETE", "/bookings/B-000099", NULL, NULL);
    ck_assert_int_eq(none.status, 404);
    reply_done(&none);
    world_done(&w);
}
END_TEST

static int file_issue(const struct world *w, const char *key, const char *body)
{
    struct reply r = world_request(w, "POST", "/issues", body, key);
    int status = r.status;
    reply_done(&r);
    return status;
}

START_TEST(an_issue_is_filed_once_by_its_key_and_found_by_it)
{
    struct world w;
    world_start(&w, WORLD_KNOBS("--honour-key", "yes"));
    ck_assert_int_eq(file_issue(&w, "k1", ISSUE), 201);
    ck_assert_int_eq(file_issue(&w, "k1", ISSUE), 201);
    ck_assert_int_eq(file_issue(&w, "k1", OTHER_ISSUE), 422);
    ck_assert_int_eq(file_issue(&w, "k2", OTHER_ISSUE), 201);
    ck_assert_int_eq(file_issue(&w, "k3", "{\"title\": \"\"}"), 400);
    ck_assert_int_eq(world_stat(&w, "issues.rows"), 2);
    ck_assert_int_eq(world_stat(&w, "commits"), 2);
    struct reply r = world_request(&w, "GET", "/issues?key=k2", NULL, NULL);
    json_t *found = json_object_get(r.json, "issues");
    ck_assert_uint_eq(json_array_size(found), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(found, 0), "number")), 2);
    reply_done(&r);
    world_done(&w);
}
END_TEST

START_TEST(a_deleted_issue_stays_in_the_ledger)
{
    struct world w;
    world_start(&w, NULL);
    ck_assert_int_eq(file_issue(&w, "k1", ISSUE), 201);
    static const struct {
        const char *path;
        int status;
    } deletions[] = {{"/issues/2", 404}, {"/issues/1", 200}};
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(world_stat(&w, "issues.deleted"), 0);
        struct reply r = world_request(&w, "DELETE", deletions[i].path, NULL, NULL);
        ck_assert_int_eq(r.status, deletions[i].status);
        reply_done(&r);
    }
    ck_assert_int_eq(world_stat(&w, "issues.deleted"), 1);
    ck_assert_int_eq(world_stat(&w, "issues.rows"), 1);
    world_done(&w);
}
END_TEST

START_TEST(a_wrong_request_is_refused_and_meets_no_fate)
{
    static const struct {
        const char *method, *path, *body;
        int status;
    } cases[] = {
        {"POST", "/bookings", "{", 400},
        {"POST", "/bookings", "{\"offer\": \"\", \"passengers\": 1}", 400},
        {"POST", "/bookings", "{\"offer\": \"x\", \"passengers\": 1.5}", 400},
        {"POST", "/bookings", "{\"offer\": \"x\", \"passengers\": 10}", 422},
        {"POST", "/bookings", "{\"offer\": \"x\", \"passengers\": 0}", 422},
        {"POST", "/mails", "{\"to\": \"ann\", \"subject\": \"s\", \"body\": \"\"}", 422},
        {"GET", "/bookings", NULL, 400},
        {"GET", "/nowhere", NULL, 404},
        {"PUT", "/bookings", TRIP, 404},
    };
    struct world w;
    world_start(&w, WORLD_KNOBS("--commit-then-drop", "1"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reply r = world_request(&w, cases[i].method, cases[i].path, cases[i].body, NULL);
        ck_assert_msg(r.status == cases[i].status, "case %zu: %d", i, r.status);
        reply_done(&r);
    }
    ck_assert_int_eq(world_stat(&w, "commits"), 0);
    ck_assert_int_eq(world_stat(&w, "by_fate.refused"), 9);
    world_done(&w);
}
END_TEST

START_TEST(a_body_over_the_limit_is_refused)
{
    struct world w;
    world_start(&w, NULL);
    size_t len = 100000;
    char *body = malloc(len + 1);
    memset(body, ' ', len);
    body[len] = '\0';
    struct reply r = world_request(&w, "POST", "/bookings", body, NULL);
    ck_assert_int_eq(r.status, 413);
    reply_done(&r);
    free(body);
    world_done(&w);
}
END_TEST

START_TEST(fail_before_answers_503_and_commits_nothing)
{
    struct world w;
    world_start(&w, WORLD_KNOBS("--fail-before", "1"));
    ck_assert_int_eq(book(&w, "k1"), 503);
    ck_assert_int_eq(world_stat(&w, "commits"), 0);
    ck_assert_int_eq(world_stat(&w, "arrivals"), 1);
    world_done(&w);
}
END_TEST

START_TEST(busy_answers_429_and_commits_nothing)
{
    struct world w;
    world_start(&w, WORLD_KNOBS("--busy", "1"));
    ck_assert_int_eq(book(&w, "k1"), 429);
    ck_assert_int_eq(world_stat(&w, "commits"), 0);
    ck_assert_int_eq(world_stat(&w, "arrivals"), 1);
    world_done(&w);
}
END_TEST

START_TEST(commit_then_503_commits)
{
    struct world w;
    world_start(&w, WORLD_KNOBS("--commit-then-503", "1"));
    ck_assert_int_eq(book(&w, "k1"), 503);
    ck_assert_uint_eq(count_by(&w, "key=k1"), 1); /* and reads are left well */
    world_done(&w);
}
END_TEST

START_TEST(commit_then_drop_commits_and_answers_nothing)
{
    struct world w;
    world_start(&w, WORLD_KNOBS("--commit-then-drop", "1"));
    struct reply r = world_request(&w, "POST", "/mails", MAIL, "k1");
    ck_assert_int_eq(r.status, 0);
    ck_assert_int_eq(r.curl_code, CURLE_GOT_NOTHING);
    reply_done(&r);
    ck_assert_int_eq(world_stat(&w, "mails.rows"), 1);
    world_done(&w);
}
END_TEST

START_TEST(commit_late_fails_now_and_commits_later)
{
    struct world w;
    world_start(&w, WORLD_KNOBS("--commit-late", "1", "--late-ms", "700"));
    int status = book(&w, "k1");
    ck_assert(status == 503 || status == 0);
    ck_assert_uint_eq(count_by(&w, "key=k1"), 0);
    while (count_by(&w, "key=k1") == 0) /* Check's own limit ends a test that never sees it */
        continue;
    ck_assert_int_eq(world_stat(&w, "bookings.rows"), 1);
    world_done(&w);
}
END_TEST

START_TEST(commit_late_comes_both_as_503_and_as_a_closed_connection)
{
    struct world w;
    world_start(&w, WORLD_KNOBS("--commit-late", "1", "--late-ms", "0"));
    int answered = 0;
    for (int i = 0; i < 40; i++)
        answered += book(&w, NULL) == 503;
    ck_assert_int_gt(answered, 5);
    ck_assert_int_lt(answered, 35);
    world_done(&w);
}
END_TEST

START_TEST(a_commit_that_is_due_is_not_lost_by_a_graceful_end)
{
    struct world w;
    world_start(&w, WORLD_KNOBS("--commit-late", "1", "--late-ms", "600000"));
    book(&w, "k1");
    ck_assert_int_eq(world_stop(&w), 0);
    world_restart(&w, NULL);
    ck_assert_uint_eq(count_by(&w, "key=k1"), 1);
    world_done(&w);
}
END_TEST

static void *book_k1(void *user)
{
    return (void *)(intptr_t)book(user, "k1");
}

START_TEST(answer_late_commits_before_it_answers)
{
    struct world w;
    world_start(&w, WORLD_KNOBS("--answer-late", "1", "--answer-late-ms", "1500"));
    pthread_t sender;
    ck_assert_int_eq(pthread_create(&sender, NULL, book_k1, &w), 0);
    while (world_stat(&w, "commits") == 0)
        continue;
    ck_assert_int_eq(pthread_tryjoin_np(sender, NULL), EBUSY);
    void *status;
    pthread_join(sender, &status);
    ck_assert_int_eq((int)(intptr_t)status, 201);
    world_done(&w);
}
END_TEST

START_TEST(a_graceful_end_does_not_wait_for_late_answers)
{
    struct world w;
    world_start(&w, WORLD_KNOBS("--answer-late", "1", "--answer-late-ms", "600000"));
    pthread_t sender;
    ck_assert_int_eq(pthread_create(&sender, NULL, book_k1, &w), 0);
    while (world_stat(&w, "commits") == 0)
        continue;
    ck_assert_int_eq(world_stop(&w), 0);
    pthread_join(sender, NULL);
    world_done(&w);
}
END_TEST

START_TEST(garbage_commits_and_answers_no_json)
{
    struct world w;
    world_start(&w, WORLD_KNOBS("--garbage", "1"));
    struct reply r = world_request(&w, "POST", "/bookings", TRIP, "k1");
    ck_assert_int_eq(r.status, 201);
    ck_assert_ptr_null(r.json);
    ck_assert_ptr_nonnull(r.text);
    reply_done(&r);
    ck_assert_int_eq(world_stat(&w, "bookings.rows"), 1);
    world_done(&w);
}
END_TEST

START_TEST(an_honoured_key_answers_the_same_booking_again)
{
    struct world w;
    world_start(&w, NULL);
    ck_assert_int_eq(book(&w, "k1"), 201);
    struct reply again = world_request(&w, "POST", "/bookings", TRIP, "k1");
    ck_assert_int_eq(again.status, 201);
    ck_assert(again.replayed);
    ck_assert_str_eq(json_string_value(json_object_get(again.json, "booking")), "B-000001");
    reply_done(&again);
    struct reply other = world_request(&w, "POST", "/bookings", OTHER, "k1");
    ck_assert_int_eq(other.status, 422);
    reply_done(&other);
    for (int i = 0; i < 2; i++) {
        struct reply mail = world_request(&w, "POST", "/mails", MAIL, "k2");
        ck_assert_int_eq(mail.status, 202);
        ck_assert(mail.replayed == (i == 1));
        reply_done(&mail);
    }
    ck_assert_int_eq(world_stat(&w, "bookings.rows"), 1);
    ck_assert_int_eq(world_stat(&w, "mails.rows"), 1);
    world_done(&w);
}
END_TEST

START_TEST(a_key_not_honoured_books_twice_and_is_counted)
{
    struct world w;
    world_start(&w, WORLD_KNOBS("--honour-key", "no"));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(book(&w, "k1"), 201);
    ck_assert_int_eq(world_stat(&w, "bookings.rows"), 3);
    ck_assert_int_eq(world_stat(&w, "bookings.duplicates"), 2);
    ck_assert_int_eq(world_stat(&w, "bookings.duplicate_keys"), 2);
    world_done(&w);
}
END_TEST

START_TEST(a_late_commit_of_an_honoured_key_makes_no_second_row)
{
    struct world w;
    world_start(&w, WORLD_KNOBS("--commit-late", "1", "--late-ms", "600000"));
    book(&w, "k1");
    world_turn(&w, "{\"commit_late\": 0}");
    ck_assert_int_eq(book(&w, "k1"), 201);
    ck_assert_int_eq(world_stop(&w), 0); /* the late one is committed now */
    world_restart(&w, NULL);
    ck_assert_int_eq(world_stat(&w, "bookings.rows"), 1);
    world_done(&w);
}
END_TEST

START_TEST(what_was_answered_survives_a_kill)
{
    struct world w;
    world_start(&w, NULL);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(book(&w, NULL), 201);
    world_kill(&w);
    world_restart(&w, NULL);
    ck_assert_int_eq(world_stat(&w, "bookings.rows"), 5);
    ck_assert_int_eq(book(&w, NULL), 201);
    ck_assert_int_eq(world_stat(&w, "arrivals"), 6); /* numbers go on, none is used twice */
    world_done(&w);
}
END_TEST

static json_t *fates_of_sixty(const char *seed)
{
    struct world w;
    world_start(&w, WORLD_KNOBS("--seed", seed, "--fail-before", "0.2", "--commit-then-503", "0.2",
                                "--commit-then-drop", "0.2", "--garbage", "0.2"));
    for (int i = 0; i < 60; i++)
        book(&w, NULL);
    struct reply r = world_request(&w, "GET", "/_stats", NULL, NULL);
    json_t *fates = json_incref(json_object_get(r.json, "by_fate"));
    reply_done(&r);
    world_done(&w);
    return fates;
}

START_TEST(the_same_seed_draws_the_same_fates)
{
    json_t *first = fates_of_sixty("7"), *again = fates_of_sixty("7"), *other = fates_of_sixty("8");
    ck_assert(json_equal(first, again));
    ck_assert(!json_equal(first, other));
    ck_assert_uint_eq(json_object_size(first), 5);
    json_decref(first);
    json_decref(again);
    json_decref(other);
}
END_TEST

START_TEST(knobs_out_of_range_are_refused_and_change_nothing)
{
    static const char *const wrong[] = {
        "{\"fail_before\": 1.5}",
        "{\"fail_before\": -0.1}",
        "{\"fail_before\": \"0.5\"}",
        "{\"no_such_knob\": 1}",
        "{\"honour_key\": \"no\"}",
        "{\"late_ms\": 1.5}",
        "{\"garbage\": 0.6, \"fail_before\": 0.6}",
        "[]",
    };
    struct world w;
    world_start(&w, NULL);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct reply r = world_request(&w, "POST", "/_knobs", wrong[i], NULL);
        ck_assert_msg(r.status == 400, "%s: %d", wrong[i], r.status);
        reply_done(&r);
    }
    ck_assert_int_eq(book(&w, NULL), 201);
    struct reply now = world_request(&w, "GET", "/_knobs", NULL, NULL);
    ck_assert(json_real_value(json_object_get(now.json, "fail_before")) == 0);
    ck_assert(json_is_true(json_object_get(now.json, "honour_key")));
    reply_done(&now);
    world_done(&w);
}
END_TEST

enum { CROWD = 300, EACH = 2 };

struct guest {
    const struct world *w;
    int number, booked;
};

static void *visit(void *user)
{
    struct guest *g = user;
    for (int i = 0; i < EACH; i++) {
        char key[32];
        snprintf(key, sizeof(key), "guest-%d-%d", g->number, i);
        g->booked += book(g->w, key) == 201;
    }
    return NULL;
}

START_TEST(hundreds_of_connections_at_once_are_all_served)
{
    struct world w;
    world_start(&w, WORLD_KNOBS("--latency-ms", "200"));
    static struct guest guests[CROWD];
    static pthread_t threads[CROWD];
    for (int i = 0; i < CROWD; i++) {
        guests[i] = (struct guest){.w = &w, .number = i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, visit, &guests[i]), 0);
    }
    int booked = 0;
    for (int i = 0; i < CROWD; i++) {
        pthread_join(threads[i], NULL);
        booked += guests[i].booked;
    }
    ck_assert_int_eq(booked, CROWD * EACH);
    ck_assert_int_eq(world_stat(&w, "bookings.rows"), CROWD * EACH);
    ck_assert_int_eq(world_stat(&w, "bookings.duplicate_keys"), 0);
    ck_assert_int_eq(world_stop(&w), 0);
    world_done(&w);
}
END_TEST

/* Runs naive over the story's trips; its exit status, and what it printed last. */
static int run_naive(const struct world *w, const char *done, char *ret_line, size_t size)
{
    char command[1024], line[256];
    snprintf(command, sizeof(command), "%s --trips %s/tests/story/trips.jsonl --url %s --done %s",
             NAIVE_PROGRAM, SOURCE_ROOT, w->url, done);
    FILE *from = popen(command, "r");
    ck_assert_ptr_nonnull(from);
    ret_line[0] = '\0';
    while (fgets(line, sizeof(line), from) != NULL)
        snprintf(ret_line, size, "%s", line);
    int status = pclose(from);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(naive_doubles_what_the_world_did_not_admit)
{
    struct world w;
    world_start(&w, WORLD_KNOBS("--commit-then-503", "0.4"));
    char line[256], printed[256];
    ck_assert_int_le(run_naive(&w, "/dev/null", line, sizeof(line)), 1);
    ck_assert_int_gt(world_stat(&w, "bookings.duplicates"), 5);
    int64_t mails = world_stat(&w, "mails.rows"), twice = world_stat(&w, "mails.duplicates");
    snprintf(printed, sizeof(printed), "mails %lld, of these duplicates %lld\n", (long long)mails,
             (long long)twice);
    ck_assert_str_eq(line, printed);
    world_done(&w);
}
END_TEST

START_TEST(naive_redoes_nothing_that_it_recorded)
{
    struct world w;
    world_start(&w, NULL);
    char line[256], done[200];
    snprintf(done, sizeof(done), "%s/done", w.folder);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(run_naive(&w, done, line, sizeof(line)), 0);
        ck_assert_int_eq(world_stat(&w, "bookings.rows"), 40);
        ck_assert_int_eq(world_stat(&w, "mails.duplicates"), 0);
    }
    unlink(done);
    world_done(&w);
}
END_TEST

UNIT_MAIN(a_booking_is_found_by_its_key_and_by_its_reference,
          cancelling_twice_leaves_one_cancelled_row, a_wrong_request_is_refused_and_meets_no_fate,
          an_issue_is_filed_once_by_its_key_and_found_by_it, a_deleted_issue_stays_in_the_ledger,
          a_body_over_the_limit_is_refused, fail_before_answers_503_and_commits_nothing,
          busy_answers_429_and_commits_nothing, commit_then_503_commits,
          commit_then_drop_commits_and_answers_nothing, commit_late_fails_now_and_commits_later,
          commit_late_comes_both_as_503_and_as_a_closed_connection,
          a_commit_that_is_due_is_not_lost_by_a_graceful_end, answer_late_commits_before_it_answers,
          a_graceful_end_does_not_wait_for_late_answers, garbage_commits_and_answers_no_json,
          an_honoured_key_answers_the_same_booking_again,
          a_key_not_honoured_books_twice_and_is_counted,
          a_late_commit_of_an_honoured_key_makes_no_second_row, what_was_answered_survives_a_kill,
          the_same_seed_draws_the_same_fates, knobs_out_of_range_are_refused_and_change_nothing,
          hundreds_of_connections_at_once_are_all_served,
          naive_doubles_what_the_world_did_not_admit, naive_redoes_nothing_that_it_recorded)
