/* SPDX-License-Identifier: Apache-2.0
 *
 * airline's agents against the world: whatever it does to a booking, the plugin says no more than
 * is known, and find_booking learns the rest.
 */
#include "tiny_host.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

#define TRIP "{\"offer\": \"MA-Lisbon-Vienna-20270301\", \"passengers\": 2, \"reference\": \"T-1\"}"

static const struct step BOOK = {.agent = "book", .key = "0a1b"};

static struct tiny_host *airline_at(const struct world *w)
{
    char config[128];
    snprintf(config, sizeof(config), "{\"url\": \"%s/\"}", w->url);
    return tiny_host_new("airline", config, w);
}

static struct outcome find(struct tiny_host *h, const char *key)
{
    char input[256];
    snprintf(input, sizeof(input),
             "{\"key\": \"%s\", \"effect\": \"book\", \"input\": {}, \"request\": {}}", key);
    return tiny_host_call(h, &(struct step){.agent = "find_booking", .key = "find"}, input);
}

static const char *member(const struct outcome *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o->body, name));
    return text == NULL ? "" : text;
}

static void ck_outcome_of_find(struct tiny_host *h, const char *key, const char *expected)
{
    struct outcome o = find(h, key);
    ck_assert_int_eq(o.status, SEAM_OK);
    ck_assert_str_eq(member(&o, "outcome"), expected);
    ck_assert((json_object_get(o.body, "result") != NULL) == (strcmp(expected, "happened") == 0));
    outcome_done(&o);
}

START_TEST(a_booking_is_done_and_committed_and_a_second_attempt_asks_nobody)
{
    struct world w;
    world_start(&w, NULL);
    struct tiny_host *h = airline_at(&w);
    for (int attempt = 0; attempt < 2; attempt++) {
        struct outcome o = tiny_host_call(h, &BOOK, TRIP);
        ck_assert_int_eq(o.status, SEAM_OK);
        ck_assert_uint_eq(o.effect, SEAM_EFFECT_DONE);
        ck_assert_str_eq(member(&o, "booking"), "B-000001");
        outcome_done(&o);
    }
    ck_assert_str_eq(tiny_host_effect(h, BOOK.key, "book"), "done");
    ck_assert_int_eq(world_stat(&w, "arrivals"), 1);
    tiny_host_free(h);
    world_done(&w);
}
END_TEST

START_TEST(another_request_under_the_same_effect_sends_nothing)
{
    struct world w;
    world_start(&w, NULL);
    struct tiny_host *h = airline_at(&w);
    struct outcome o = tiny_host_call(h, &BOOK, TRIP);
    outcome_done(&o);
    o = tiny_host_call(h, &BOOK, "{\"offer\": \"another\", \"passengers\": 2}");
    ck_assert_int_ne(o.status, SEAM_OK);
    ck_assert_str_eq(o.code, "effect.conflict");
    outcome_done(&o);
    ck_assert_int_eq(world_stat(&w, "arrivals"), 1);
    tiny_host_free(h);
    world_done(&w);
}
END_TEST

static void ck_unknown_then(const char *knob, const char *expected_of_find)
{
    struct world w;
    world_start(&w, WORLD_KNOBS(knob, "1", "--late-ms", "600000"));
    struct tiny_host *h = airline_at(&w);
    struct outcome o = tiny_host_call(h, &BOOK, TRIP);
    ck_assert_int_eq(o.status, SEAM_E_UNAVAILABLE);
    ck_assert_uint_eq(o.effect, SEAM_EFFECT_UNKNOWN);
    outcome_done(&o);
    o = tiny_host_call(h, &BOOK, TRIP);
    ck_assert_str_eq(o.code, "effect.unknown");
    outcome_done(&o);
    ck_assert_int_eq(world_stat(&w, "by_kind.POST /bookings"), 1);
    world_turn(&w, "{\"garbage\": 0, \"fail_before\": 0}");
    ck_outcome_of_find(h, BOOK.key, expected_of_find);
    ck_outcome_of_find(h, "ffff", "not_seen");
    tiny_host_free(h);
    world_done(&w);
}

START_TEST(a_503_is_unknown_and_the_booking_not_seen_if_there_is_none)
{
    ck_unknown_then("--fail-before", "not_seen");
}
END_TEST

START_TEST(a_503_after_the_commit_is_unknown_and_the_booking_is_found)
{
    ck_unknown_then("--commit-then-503", "happened");
}
END_TEST

START_TEST(a_dropped_connection_is_unknown_and_the_booking_is_found)
{
    ck_unknown_then("--commit-then-drop", "happened");
}
END_TEST

START_TEST(a_commit_that_comes_late_is_not_seen_yet)
{
    ck_unknown_then("--commit-late", "not_seen");
}
END_TEST

START_TEST(a_garbled_answer_is_unknown_and_the_booking_is_found)
{
    ck_unknown_then("--garbage", "happened");
}
END_TEST

START_TEST(an_attempt_after_an_unknown_one_sends_nothing)
{
    struct world w;
    world_start(&w, WORLD_KNOBS("--commit-then-drop", "1"));
    struct tiny_host *h = airline_at(&w);
    struct outcome o = tiny_host_call(h, &BOOK, TRIP);
    outcome_done(&o);
    o = tiny_host_call(h, &BOOK, TRIP);
    ck_assert_int_ne(o.status, SEAM_OK);
    ck_assert_uint_eq(o.effect, SEAM_EFFECT_UNKNOWN);
    ck_assert_str_eq(o.code, "effect.unknown");
    outcome_done(&o);
    ck_assert_int_eq(world_stat(&w, "arrivals"), 1);

    struct outcome found = find(h, BOOK.key);
    char *result = json_dumps(json_object_get(found.body, "result"), 0);
    tiny_host_learn(h, BOOK.key, "book", result);
    free(result);
    outcome_done(&found);
    o = tiny_host_call(h, &BOOK, TRIP);
    ck_assert_int_eq(o.status, SEAM_OK);
    ck_assert_str_eq(member(&o, "booking"), "B-000001");
    outcome_done(&o);
    ck_assert_int_eq(world_stat(&w, "bookings.rows"), 1);
    tiny_host_free(h);
    world_done(&w);
}
END_TEST

START_TEST(an_answer_that_only_the_host_kept_is_used)
{
    struct world w;
    world_start(&w, NULL);
    struct tiny_host *h = airline_at(&w);
    struct outcome o = tiny_host_call(h, &BOOK, TRIP);
    outcome_done(&o);
    tiny_host_answered(h, BOOK.key, "book",
                       "{\"status\": 201, \"headers\": {}, \"json\": {\"booking\": \"B-000077\"}}");
    o = tiny_host_call(h, &BOOK, TRIP);
    ck_assert_int_eq(o.status, SEAM_OK);
    ck_assert_str_eq(member(&o, "booking"), "B-000077");
    ck_assert_str_eq(tiny_host_effect(h, BOOK.key, "book"), "done");
    outcome_done(&o);
    tiny_host_learn(h, BOOK.key, "book", "{\"no\": \"booking\"}");
    o = tiny_host_call(h, &BOOK, TRIP);
    ck_assert_uint_eq(o.effect, SEAM_EFFECT_UNKNOWN);
    outcome_done(&o);
    ck_assert_int_eq(world_stat(&w, "arrivals"), 1);
    tiny_host_free(h);
    world_done(&w);
}
END_TEST

START_TEST(a_refusal_is_final_and_changed_nothing)
{
    struct world w;
    world_start(&w, NULL);
    struct tiny_host *h = airline_at(&w);
    struct step outside = BOOK;
    outside.outside = true; /* so that the airline's own refusal is seen */
    struct outcome o = tiny_host_call(h, &outside, "{\"offer\": \"x\", \"passengers\": 12}");
    ck_assert_int_eq(o.status, SEAM_E_FAILED);
    ck_assert_uint_eq(o.effect, SEAM_EFFECT_NONE);
    ck_assert_str_eq(o.code, "airline.refused");
    outcome_done(&o);
    ck_assert_int_eq(world_stat(&w, "commits"), 0);
    tiny_host_free(h);
    world_done(&w);
}
END_TEST

START_TEST(find_booking_does_not_guess)
{
    struct world w;
    world_start(&w, WORLD_KNOBS("--honour-key", "no"));
    struct tiny_host *h = airline_at(&w);
    for (int i = 0; i < 2; i++) {
        struct reply r = world_request(&w, "POST", "/bookings", TRIP, "twice");
        reply_done(&r);
    }
    ck_outcome_of_find(h, "twice", "unknown");
    world_turn(&w, "{\"garbage\": 1}");
    struct outcome o = find(h, "twice");
    ck_assert_int_eq(o.status, SEAM_E_UNAVAILABLE);
    outcome_done(&o);
    world_turn(&w, "{\"garbage\": 0, \"fail_before\": 1}");
    o = find(h, "twice");
    ck_assert_int_eq(o.status, SEAM_E_UNAVAILABLE);
    outcome_done(&o);
    world_kill(&w);
    o = find(h, "twice");
    ck_assert_int_eq(o.status, SEAM_E_UNAVAILABLE);
    outcome_done(&o);
    tiny_host_free(h);
    world_done(&w);
}
END_TEST

START_TEST(cancelling_twice_cancels_once)
{
    struct world w;
    world_start(&w, NULL);
    struct tiny_host *h = airline_at(&w);
    struct outcome o = tiny_host_call(h, &BOOK, TRIP);
    outcome_done(&o);
    struct step cancel = {.agent = "cancel", .key = "0c"};
    for (int i = 0; i < 2; i++) {
        o = tiny_host_call(h, &cancel, "{\"booking\": \"B-000001\"}");
        ck_assert_int_eq(o.status, SEAM_OK);
        ck_assert_uint_eq(o.effect, SEAM_EFFECT_DONE);
        outcome_done(&o);
    }
    ck_assert_int_eq(world_stat(&w, "bookings.cancelled"), 1);
    o = tiny_host_call(h, &cancel, "{\"booking\": \"B-000009\"}");
    ck_assert_int_eq(o.status, SEAM_E_FAILED);
    outcome_done(&o);
    world_turn(&w, "{\"commit_then_503\": 1}");
    o = tiny_host_call(h, &cancel, "{\"booking\": \"B-000001\"}");
    ck_assert_int_eq(o.status, SEAM_E_UNAVAILABLE);
    ck_assert_uint_eq(o.effect, SEAM_EFFECT_UNKNOWN);
    outcome_done(&o);
    tiny_host_free(h);
    world_done(&w);
}
END_TEST

START_TEST(a_name_from_outside_stays_one_part_of_the_url)
{
    struct world w;
    world_start(&w, NULL);
    struct tiny_host *h = airline_at(&w);
    struct step cancel = {.agent = "cancel", .key = "0c", .outside = true};
    struct outcome o = tiny_host_call(h, &cancel, "{\"booking\": \"../_knobs?x=\\u00e9 #\"}");
    ck_assert_int_eq(o.status, SEAM_E_FAILED);
    outcome_done(&o);
    ck_assert_int_eq(world_stat(&w, "by_kind.DELETE /bookings/ID"), 1);
    char input[3000] = "{\"booking\": \"";
    memset(input + strlen(input), '/', 1500);
    strcat(input, "\"}");
    o = tiny_host_call(h, &cancel, input);
    ck_assert_int_eq(o.status, SEAM_E_INPUT);
    outcome_done(&o);
    tiny_host_free(h);
    world_done(&w);
}
END_TEST

START_TEST(a_configuration_without_url_is_refused)
{
    ck_assert(tiny_host_accepts("airline", "{\"url\": \"http://127.0.0.1:1\"}"));
    ck_assert(!tiny_host_accepts("airline", "{}"));
    ck_assert(!tiny_host_accepts("airline", "{\"url\": \"/\"}"));
}
END_TEST

UNIT_MAIN(a_booking_is_done_and_committed_and_a_second_attempt_asks_nobody,
          another_request_under_the_same_effect_sends_nothing,
          a_503_is_unknown_and_the_booking_not_seen_if_there_is_none,
          a_503_after_the_commit_is_unknown_and_the_booking_is_found,
          a_dropped_connection_is_unknown_and_the_booking_is_found,
          a_commit_that_comes_late_is_not_seen_yet,
          a_garbled_answer_is_unknown_and_the_booking_is_found,
          an_attempt_after_an_unknown_one_sends_nothing, an_answer_that_only_the_host_kept_is_used,
          a_refusal_is_final_and_changed_nothing, find_booking_does_not_guess,
          cancelling_twice_cancels_once, a_name_from_outside_stays_one_part_of_the_url,
          a_configuration_without_url_is_refused)
