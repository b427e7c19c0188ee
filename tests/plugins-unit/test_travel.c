/* SPDX-License-Identifier: Apache-2.0
 *
 * travel's agents, through the ABI, on the real table of places.
 */
#include "tiny_host.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

#define TEN_STOPS                                                                                  \
    "Lisbon to Paris to Lisbon to Paris to Lisbon to Paris to Lisbon to Paris to Lisbon to Paris"

static struct outcome call(const char *agent, const char *input, const char *feedback)
{
    struct tiny_host *h = tiny_host_new("travel", "{}", NULL);
    struct step step = {.agent = agent, .key = "k", .feedback = feedback};
    step.outside = strstr(input, "\"\"") != NULL; /* an empty goal */
    struct outcome o = tiny_host_call(h, &step, input);
    tiny_host_free(h);
    return o;
}

static const char *message(const struct outcome *o)
{
    const char *text = json_string_value(json_object_get(o->body, "message"));
    return text == NULL ? "" : text;
}

/* The legs as "Lisbon>Vienna 2027-03-01;…" */
static const char *legs_of(const struct outcome *o)
{
    static char text[512];
    size_t len = 0, i;
    json_t *leg;
    text[0] = '\0';
    json_array_foreach (json_object_get(o->body, "legs"), i, leg) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s>%s %s;",
                                json_string_value(json_object_get(leg, "from")),
                                json_string_value(json_object_get(leg, "to")),
                                json_string_value(json_object_get(leg, "date")));
    }
    return text;
}

START_TEST(plan_reads_a_route_with_dates_and_the_way_back)
{
    struct outcome o = call("plan",
                            "{\"goal\": \"From lisbon to Vienna to Buenos Aires, 2 passengers, 3 "
                            "nights each, starting 2027-12-30, and back\"}",
                            NULL);
    ck_assert_int_eq(o.status, SEAM_OK);
    ck_assert_str_eq(legs_of(&o), "Lisbon>Vienna 2027-12-30;Vienna>Buenos Aires 2028-01-02;"
                                  "Buenos Aires>Lisbon 2028-01-05;");
    ck_assert(json_real_value(json_object_get(o.body, "confidence")) > 0.9);
    outcome_done(&o);
}
END_TEST

START_TEST(plan_knows_leap_days)
{
    struct outcome o =
        call("plan",
             "{\"goal\": \"Lisbon to Vienna to Paris\", \"start\": \"2028-02-28\", \"nights\": 2}",
             NULL);
    ck_assert_str_eq(legs_of(&o), "Lisbon>Vienna 2028-02-28;Vienna>Paris 2028-03-01;");
    outcome_done(&o);
    o = call("plan", "{\"goal\": \"Lisbon to Vienna\", \"start\": \"2027-02-29\"}", NULL);
    ck_assert_int_eq(o.status, SEAM_E_INPUT_REQUIRED); /* such a day is none */
    outcome_done(&o);
}
END_TEST

START_TEST(plan_is_less_sure_of_what_it_does_not_understand)
{
    struct outcome o = call("plan",
                            "{\"goal\": \"Lisbon to Vienna, starting 2027-03-01, but not too "
                            "early, and with a cello\"}",
                            NULL);
    ck_assert_int_eq(o.status, SEAM_OK);
    ck_assert(json_real_value(json_object_get(o.body, "confidence")) < 0.8);
    json_t *unclear = json_object_get(o.body, "unclear");
    ck_assert_uint_eq(json_array_size(unclear), 2);
    ck_assert_str_eq(json_string_value(json_array_get(unclear, 0)), "but not too early");
    outcome_done(&o);
}
END_TEST

START_TEST(plan_asks_a_person_for_the_first_day_and_takes_the_answer)
{
    struct outcome o = call("plan", "{\"goal\": \"Lisbon to Vienna\"}", NULL);
    ck_assert_int_eq(o.status, SEAM_E_INPUT_REQUIRED);
    ck_assert_ptr_nonnull(json_object_get(o.body, "question"));
    ck_assert(json_is_object(json_object_get(o.body, "schema")));
    outcome_done(&o);
    o = call("plan", "{\"goal\": \"Lisbon to Vienna\"}", "{\"start\": \"2027-05-02\"}");
    ck_assert_int_eq(o.status, SEAM_OK);
    ck_assert_str_eq(legs_of(&o), "Lisbon>Vienna 2027-05-02;");
    outcome_done(&o);
}
END_TEST

START_TEST(an_unknown_city_is_refused_with_the_nearest)
{
    struct outcome o =
        call("plan", "{\"goal\": \"Lisbon to Viena\", \"start\": \"2027-03-01\"}", NULL);
    ck_assert_int_eq(o.status, SEAM_E_INPUT);
    ck_assert_str_eq(o.code, "travel.goal");
    ck_assert_ptr_nonnull(strstr(message(&o), "did you mean Vienna?"));
    outcome_done(&o);
    o = call("search", "{\"from\": \"Pariss\", \"to\": \"Vienna\", \"date\": \"2027-03-01\"}",
             NULL);
    ck_assert_int_eq(o.status, SEAM_E_INPUT);
    ck_assert_ptr_nonnull(strstr(message(&o), "did you mean Paris?"));
    outcome_done(&o);
    o = call("plan", "{\"goal\": \"Xyzzyplughfoo to Vienna\", \"start\": \"2027-03-01\"}", NULL);
    ck_assert_int_eq(o.status, SEAM_E_INPUT);
    ck_assert_ptr_null(strstr(message(&o), "did you mean"));
    outcome_done(&o);
}
END_TEST

START_TEST(goals_that_are_no_routes_are_refused)
{
    static const char *const goals[] = {"Lisbon",
                                        "",
                                        " , , ",
                                        " to ",
                                        "Lisbon to",
                                        "Lisbon to Lisbon",
                                        "Lisbon to Vienna to Vienna",
                                        TEN_STOPS};
    for (size_t i = 0; i < sizeof(goals) / sizeof(goals[0]); i++) {
        char input[400];
        snprintf(input, sizeof(input), "{\"goal\": \"%s\", \"start\": \"2027-03-01\"}", goals[i]);
        struct outcome o = call("plan", input, NULL);
        ck_assert_msg(o.status == SEAM_E_INPUT, "%s: %d", goals[i], o.status);
        ck_assert_str_ne(message(&o), "");
        outcome_done(&o);
    }
}
END_TEST

START_TEST(a_goal_of_many_clauses_keeps_to_its_limits)
{
    char input[2100] = "{\"start\": \"2027-03-01\", \"goal\": \"Lisbon to Vienna, ";
    memset(input + strlen(input), 'x', 300);
    for (int i = 0; i < 40; i++)
        strcat(input, ", and a clause that says nothing");
    strcat(input, "\"}");
    struct outcome o = call("plan", input, NULL);
    ck_assert_int_eq(o.status, SEAM_OK);
    const json_t *unclear = json_object_get(o.body, "unclear");
    ck_assert_uint_eq(json_array_size(unclear), 12);
    ck_assert_uint_eq(json_string_length(json_array_get(unclear, 0)), 199);
    outcome_done(&o);
}
END_TEST

START_TEST(search_offers_by_great_circle_and_repeats_itself)
{
    const char *input = "{\"from\": \"Lisbon\", \"to\": \"Vienna\", \"date\": \"2027-03-01\"}";
    struct outcome o = call("search", input, NULL), again = call("search", input, NULL);
    ck_assert_int_eq(o.status, SEAM_OK);
    ck_assert(json_equal(o.body, again.body));
    ck_assert_uint_eq(json_array_size(o.body), 3);
    const json_t *first = json_array_get(o.body, 0);
    ck_assert_str_eq(json_string_value(json_object_get(first, "offer")),
                     "MA-Lisbon-Vienna-20270301");
    /* Lisbon to Vienna is 2300 km by other tables; the coordinates are of whole minutes. */
    json_int_t km = json_integer_value(json_object_get(first, "km"));
    ck_assert_int_ge(km, 2280);
    ck_assert_int_le(km, 2320);
    ck_assert_int_gt(json_integer_value(json_object_get(first, "price")), 0);
    outcome_done(&o);
    outcome_done(&again);
}
END_TEST

START_TEST(search_measures_across_the_date_line_the_short_way)
{
    struct outcome o = call(
        "search", "{\"from\": \"Auckland\", \"to\": \"Honolulu\", \"date\": \"2027-03-01\"}", NULL);
    json_int_t km = json_integer_value(json_object_get(json_array_get(o.body, 0), "km"));
    ck_assert_int_ge(km, 7000);
    ck_assert_int_le(km, 7150);
    outcome_done(&o);
}
END_TEST

START_TEST(price_takes_the_cheapest_of_each_leg)
{
    struct outcome o = call("price",
                            "{\"offers\": [[{\"offer\": \"a\", \"price\": 90}, {\"offer\": \"b\", "
                            "\"price\": 80}, {\"offer\": \"c\", \"price\": 80}],"
                            " [{\"offer\": \"d\", \"price\": 5}]], \"passengers\": 3}",
                            NULL);
    ck_assert_int_eq(o.status, SEAM_OK);
    ck_assert_int_eq(json_integer_value(json_object_get(o.body, "total")), 255);
    ck_assert_str_eq(json_string_value(json_object_get(o.body, "offer")), "b+d");
    outcome_done(&o);
}
END_TEST

START_TEST(price_fails_where_a_leg_has_no_offer)
{
    struct outcome o =
        call("price", "{\"offers\": [[{\"offer\": \"a\", \"price\": 90}], []], \"passengers\": 1}",
             NULL);
    ck_assert_int_eq(o.status, SEAM_E_FAILED);
    ck_assert_str_eq(o.code, "travel.no-offer");
    outcome_done(&o);
}
END_TEST

START_TEST(every_trip_of_the_story_plans_and_has_offers)
{
    FILE *trips = fopen(SOURCE_ROOT "/tests/story/trips.jsonl", "r");
    ck_assert_ptr_nonnull(trips);
    char line[2048];
    size_t count = 0;
    struct tiny_host *h = tiny_host_new("travel", "{}", NULL);
    for (; fgets(line, sizeof(line), trips) != NULL; count++) {
        json_t *trip = json_loads(line, 0, NULL);
        json_t *goal = json_pack("{s:O}", "goal", json_object_get(trip, "goal"));
        char *input = json_dumps(goal, 0);
        struct outcome o = tiny_host_call(h, &(struct step){.agent = "plan", .key = "k"}, input);
        ck_assert_msg(o.status == SEAM_OK, "%s%s", line, message(&o));
        ck_assert(json_real_value(json_object_get(o.body, "confidence")) >= 0.8);
        size_t i;
        json_t *leg;
        json_array_foreach (json_object_get(o.body, "legs"), i, leg) {
            char *text = json_dumps(leg, 0);
            struct outcome found =
                tiny_host_call(h, &(struct step){.agent = "search", .key = "k"}, text);
            ck_assert_int_eq(found.status, SEAM_OK);
            outcome_done(&found);
            free(text);
        }
        outcome_done(&o);
        free(input);
        json_decref(goal);
        json_decref(trip);
    }
    tiny_host_free(h);
    fclose(trips);
    ck_assert_uint_eq(count, 40);
}
END_TEST

START_TEST(a_table_that_is_none_is_refused)
{
    ck_assert(tiny_host_accepts("travel", "{}"));
    ck_assert(tiny_host_accepts("travel", "{\"places\": \"/usr/share/zoneinfo/zone.tab\"}"));
    ck_assert(!tiny_host_accepts("travel", "{\"places\": \"/nowhere/zone.tab\"}"));
    ck_assert(!tiny_host_accepts("travel", "{\"places\": \"/usr/share/zoneinfo/iso3166.tab\"}"));
    ck_assert(!tiny_host_accepts("travel", "{\"places\": \"/dev/null\"}"));
}
END_TEST

UNIT_MAIN(plan_reads_a_route_with_dates_and_the_way_back, plan_knows_leap_days,
          plan_is_less_sure_of_what_it_does_not_understand,
          plan_asks_a_person_for_the_first_day_and_takes_the_answer,
          an_unknown_city_is_refused_with_the_nearest, goals_that_are_no_routes_are_refused,
          a_goal_of_many_clauses_keeps_to_its_limits,
          search_offers_by_great_circle_and_repeats_itself,
          search_measures_across_the_date_line_the_short_way, price_takes_the_cheapest_of_each_leg,
          price_fails_where_a_leg_has_no_offer, every_trip_of_the_story_plans_and_has_offers,
          a_table_that_is_none_is_refused)
