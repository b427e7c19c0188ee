/* SPDX-License-Identifier: Apache-2.0
 *
 * Targets, queries and authorities, as strangers write them.
 */
#include "unit.h"

#include "server/route_internal.h"

#include <string.h>

static void leads(const char *text, enum api_route route, const char *id, const char *query)
{
    struct target target;
    struct error error = {0};
    ck_assert_msg(target_parse(slice_of(text), &target, &error) == ERR_OK, "%s: %s", text,
                  error.text);
    ck_assert_int_eq(target.route, route);
    ck_assert_str_eq(target.id, id);
    ck_assert_msg(slice_is(target.query, query), "%s: the query is %.*s", text,
                  (int)target.query.len, target.query.ptr);
}

static void refused(const char *text, enum error_code code)
{
    struct target target = {.route = ROUTE_COUNT};
    struct error error = {0};
    ck_assert_msg(target_parse(slice_of(text), &target, &error) == code, "%s: %s", text,
                  error.text);
    ck_assert_msg(strstr(error.text, "openapi") || code == ERR_LIMIT, "%s", error.text);
    ck_assert_int_eq(target.route, ROUTE_COUNT);
}

START_TEST(a_target_leads_to_one_thing)
{
    leads("/v1/runs", ROUTE_RUNS, "", "");
    leads("/v1/runs?status=done&limit=1", ROUTE_RUNS, "", "status=done&limit=1");
    leads("/v1/runs/trip-17", ROUTE_RUN, "trip-17", "");
    leads("/v1/runs/a%3ab/events?after=1?2", ROUTE_EVENTS, "a:b", "after=1?2");
    leads("/v1/runs/x/explain", ROUTE_EXPLAIN, "x", "");
    leads("/%76%31/runs", ROUTE_RUNS, "", "");
    leads("/healthz?", ROUTE_HEALTHZ, "", "");
    leads("/openapi.json", ROUTE_OPENAPI, "", "");
}
END_TEST

START_TEST(what_is_encoded_is_a_name_and_never_a_way)
{
    leads("/v1/runs/a%2Fevents", ROUTE_RUN, "a/events", "");
    leads("/v1/runs/..", ROUTE_RUN, "..", "");
    leads("/v1/runs/a%3fb", ROUTE_RUN, "a?b", "");
    refused("/v1/runs/../runs/x", ERR_NOT_FOUND);
    refused("/v1/./runs", ERR_NOT_FOUND);
    refused("/v1%2fruns", ERR_NOT_FOUND);
}
END_TEST

START_TEST(what_is_no_target_is_refused)
{
    char text[LIMIT_CLIENT_URI + 8];
    refused("", ERR_INPUT);
    refused("*", ERR_INPUT);
    refused("http://localhost/v1/runs", ERR_INPUT);
    refused("/v1/runs/%", ERR_INPUT);
    refused("/v1/runs/%1", ERR_INPUT);
    refused("/v1/runs/%g0", ERR_INPUT);
    refused("/v1/runs/%00", ERR_INPUT);
    refused("/v1/runs/a%00", ERR_INPUT);
    refused("/v1/runs/%ff", ERR_INPUT);
    refused("/v1/runs/%c0%af", ERR_INPUT);
    refused("/", ERR_NOT_FOUND);
    refused("//", ERR_NOT_FOUND);
    refused("/v1/runs/", ERR_NOT_FOUND);
    refused("/v1/runs/a/b", ERR_NOT_FOUND);
    refused("/v1/runs/a/events/b/c", ERR_NOT_FOUND);
    refused("/v1/RUNS", ERR_NOT_FOUND);
    memset(text, 'a', sizeof(text));
    text[0] = '/';
    text[sizeof(text) - 1] = '\0';
    refused(text, ERR_LIMIT);
}
END_TEST

START_TEST(a_name_that_is_too_long_is_of_nothing)
{
    char text[LIMIT_NAME + 16] = "/v1/runs/";
    memset(text + 9, 'a', LIMIT_NAME);
    leads(text, ROUTE_RUN, text + 9, "");
    text[9 + LIMIT_NAME] = 'a';
    refused(text, ERR_NOT_FOUND);
}
END_TEST

START_TEST(parameters_are_known_come_once_and_are_decoded)
{
    static const char *const known[] = {"status", "limit", NULL};
    struct parameters parameters;
    struct error error;
    int64_t number = 0;
    ck_assert_int_eq(parameters_parse(SLICE("limit=5&&status=a+%62"), known, &parameters, &error),
                     ERR_OK);
    ck_assert_str_eq(parameters.values[0], "a b");
    ck_assert_int_eq(parameter_number(&parameters, 1, 1, 5, 9, &number, &error), ERR_OK);
    ck_assert_int_eq(number, 5);
    ck_assert_int_eq(parameter_number(&parameters, 1, 1, 4, 9, &number, &error), ERR_INPUT);
    ck_assert_int_eq(parameter_number(&parameters, 0, 1, 4, 9, &number, &error), ERR_INPUT);
    parameters_done(&parameters);
    ck_assert_int_eq(parameters_parse(SLICE(""), known, &parameters, &error), ERR_OK);
    ck_assert_int_eq(parameter_number(&parameters, 1, 1, 4, 9, &number, &error), ERR_OK);
    ck_assert_int_eq(number, 9);
    ck_assert_int_eq(parameters_parse(SLICE("limt=5"), known, &parameters, &error), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "status, limit"));
    ck_assert_int_eq(parameters_parse(SLICE("limit=5&limit=5"), known, &parameters, &error),
                     ERR_INPUT);
    ck_assert_int_eq(parameters_parse(SLICE("limit=%0"), known, &parameters, &error), ERR_INPUT);
}
END_TEST

START_TEST(numbers_have_digits_alone)
{
    int64_t number = 0;
    ck_assert(number_parse("0", &number) && number == 0);
    ck_assert(number_parse("999999999999999999", &number) && number == 999999999999999999);
    ck_assert(!number_parse("", &number));
    ck_assert(!number_parse("-1", &number));
    ck_assert(!number_parse("+1", &number));
    ck_assert(!number_parse(" 1", &number));
    ck_assert(!number_parse("1 ", &number));
    ck_assert(!number_parse("0x1", &number));
    ck_assert(!number_parse("1000000000000000000", &number));
}
END_TEST

static bool is_local(const char *authority)
{
    struct slice host;
    return authority_host(slice_of(authority), &host) && host_is_loopback(host);
}

START_TEST(loopback_is_known_by_its_names_alone)
{
    ck_assert(is_local("localhost"));
    ck_assert(is_local("LocalHost:7300"));
    ck_assert(is_local("127.0.0.1:7300"));
    ck_assert(is_local("127.1.2.3"));
    ck_assert(is_local("[::1]:7300"));
    ck_assert(!is_local("localhost.evil.example"));
    ck_assert(!is_local("127.0.0.1.evil.example"));
    ck_assert(!is_local("127.evil"));
    ck_assert(!is_local("evil.example"));
    ck_assert(!is_local("localhost:7300:1"));
    ck_assert(!is_local("localhost:port"));
    ck_assert(!is_local("user@localhost"));
    ck_assert(!is_local("localhost/"));
    ck_assert(!is_local("[::1"));
    ck_assert(!is_local("[::1]x"));
    ck_assert(!is_local(":7300"));
    ck_assert(!is_local(""));
}
END_TEST

UNIT_MAIN(a_target_leads_to_one_thing, what_is_encoded_is_a_name_and_never_a_way,
          what_is_no_target_is_refused, a_name_that_is_too_long_is_of_nothing,
          parameters_are_known_come_once_and_are_decoded, numbers_have_digits_alone,
          loopback_is_known_by_its_names_alone)
