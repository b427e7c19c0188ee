/* SPDX-License-Identifier: Apache-2.0
 *
 * What a step has when it says nothing, and who may say otherwise.
 */
#include "folder_test.h"

#include <limits.h>

static json_t *json_of(const char *text)
{
    json_t *value = NULL;
    struct error error = {0};
    ck_assert_msg(json_read(slice_of(text), 1 << 16, &value, &error) == ERR_OK, "%s", error.text);
    return value;
}

START_TEST(what_is_built_in_holds_where_nothing_is_said)
{
    struct folder f;
    folder_init(&f);
    folder_accept(&f, "flow: bare\n" BUDGET "steps: {a: {agent: travel/price}, b: {agent: "
                      "model/think}}\n");
    const struct step *s = &f.flow->steps[0];
    ck_assert_int_eq(s->retry.max_attempts, 3);
    ck_assert_int_eq(s->retry.initial_ms, 200);
    ck_assert_int_eq(s->retry.max_ms, 10000);
    ck_assert_double_eq(s->retry.coefficient, 2);
    ck_assert(s->retry.jitter);
    for (unsigned i = 0; i < CAUSE_COUNT; i++)
        ck_assert(((s->retry.on >> i) & 1) == (i < CAUSE_INPUT));
    ck_assert_int_eq(s->start_to_close_ms, 30000);
    ck_assert_int_eq(f.flow->steps[1].start_to_close_ms, 20000);
    ck_assert_int_eq(s->schedule_to_close_ms, -1);
    ck_assert_int_eq(s->heartbeat_ms, -1);
    ck_assert_int_eq(s->concurrency, INT_MAX);
    ck_assert(!s->has_confidence && s->on_failure == ON_FAILURE_FAIL && s->on_item == ON_ITEM_STOP);
    ck_assert_int_eq(f.flow->concurrency, 16);
    ck_assert_int_eq(f.flow->budget.attempts, 20);
    ck_assert_int_eq(f.flow->budget.time_ms, 600000);
    ck_assert_int_eq(f.flow->budget.cost, -1);
    ck_assert_int_eq(f.flow->budget.recovery_calls, 10);
    ck_assert(!f.flow->has_escalation);
    folder_done(&f);
}
END_TEST

START_TEST(a_step_is_heard_before_the_flow_and_the_flow_before_the_manifest)
{
    struct folder f;
    AUTO(json_decrefp)
    json_t *defaults = json_of(
        "{\"retry\": {\"max_attempts\": 7, \"jitter\": \"none\", \"max_interval\": \"20s\"}, "
        "\"timeout\": {\"schedule_to_close\": \"5m\"}, \"on_item_failure\": \"collect\", "
        "\"confidence\": {\"min\": 0.25, \"below\": \"retry\"}}");
    folder_init(&f);
    f.options.defaults = defaults;
    folder_accept(&f, "flow: layers\n" BUDGET
                      "defaults: {retry: {max_attempts: 5, retry_on: [crash]}, confidence: {below: "
                      "fail}, on_failure: skip}\n"
                      "steps:\n"
                      "  a: {agent: travel/plan, input: {goal: x}}\n"
                      "  b: {agent: travel/plan, input: {goal: x}, retry: {max_attempts: 2, "
                      "jitter: full}, on_failure: fail, confidence: {min: 1}}\n"
                      "  c: {agent: travel/plan, input: {goal: x}, retry: {max_attempts: null, "
                      "retry_on: []}, timeout: null, confidence: null, on_failure: null, "
                      "for_each: [1], on_item_failure: null}\n"
                      "  d: {agent: travel/price, retry: null}\n");
    const struct step *s = f.flow->steps;
    ck_assert_int_eq(s[0].retry.max_attempts, 5);
    ck_assert(!s[0].retry.jitter && s[0].retry.on == 1u << CAUSE_CRASH);
    ck_assert_int_eq(s[0].retry.max_ms, 20000);
    ck_assert_int_eq(s[0].schedule_to_close_ms, 300000);
    ck_assert(s[0].has_confidence && s[0].confidence_min == 0.25 && s[0].below == BELOW_FAIL);
    ck_assert(s[0].on_failure == ON_FAILURE_SKIP && s[0].on_item == ON_ITEM_COLLECT);
    ck_assert_int_eq(s[1].retry.max_attempts, 2);
    ck_assert(s[1].retry.jitter && s[1].on_failure == ON_FAILURE_FAIL);
    ck_assert(s[1].confidence_min == 1 && s[1].below == BELOW_FAIL);
    ck_assert_int_eq(s[2].retry.max_attempts, 3);
    ck_assert(s[2].retry.on == 0 && !s[2].retry.jitter && !s[2].has_confidence);
    ck_assert_int_eq(s[2].schedule_to_close_ms, -1);
    ck_assert(s[2].on_failure == ON_FAILURE_FAIL && s[2].on_item == ON_ITEM_STOP);
    ck_assert_int_eq(s[3].retry.max_attempts, 3);
    ck_assert(s[3].retry.jitter && !s[3].has_confidence);
    folder_done(&f);
}
END_TEST

START_TEST(what_is_wrong_in_the_manifest_is_said_of_the_manifest)
{
    struct folder f;
    AUTO(json_decrefp)
    json_t *defaults =
        json_of("{\"retry\": {\"max_atempts\": 7, \"max_interval\": \"soon\"}, \"on_failure\": "
                "{\"fallback\": {\"agent\": \"travel/price\"}}}");
    folder_init(&f);
    f.options.defaults = defaults;
    folder_refuse(&f, "flow: manifest\n" BUDGET "steps: {a: {agent: travel/price}}\n",
                  "unknown-key");
    ck_assert_ptr_nonnull(strstr(f.findings.list[0].text, "the manifest's `defaults`, at /retry"));
    ck_assert_str_eq(f.findings.list[0].hint, "did you mean \"max_attempts\"?");
    ck_assert_uint_eq(f.findings.errors, 3);
    folder_done(&f);
}
END_TEST

START_TEST(an_attempt_ends_with_the_shortest_of_its_limits)
{
    struct folder f;
    folder_init(&f);
    folder_accept(&f,
                  "flow: limits\nbudget: {attempts: 20, calls: 20, time: 10m, tokens: 9000, cost: "
                  "1}\nsteps:\n"
                  "  a: {agent: model/think, timeout: {start_to_close: 1m}}\n"
                  "  b: {agent: travel/price, timeout: {schedule_to_close: 10s}, retry: "
                  "{max_attempts: 1}}\n"
                  "  c: {agent: travel/price, timeout: {start_to_close: 5s}}\n");
    ck_assert_int_eq(f.flow->steps[0].start_to_close_ms, 20000);
    ck_assert_int_eq(f.flow->steps[1].start_to_close_ms, 10000);
    ck_assert_int_eq(f.flow->steps[2].start_to_close_ms, 5000);
    ck_assert_uint_eq(f.findings.count, 1);
    ck_assert_str_eq(f.findings.list[0].rule, "timeout-cut");
    folder_done(&f);
}
END_TEST

START_TEST(the_operators_ceiling_holds)
{
    struct budget ceiling = {10, -1, 500, 1500000, 60000, 3};
    struct folder f;
    folder_init(&f);
    f.options.ceiling = &ceiling;
    f.options.concurrency = 8;
    folder_accept(&f, "flow: ceiling\nconcurrency: 100\nbudget: {attempts: 20, calls: 5, cost: "
                      "0.1, recovery: {calls: 2}}\nsteps: {a: {agent: travel/price}}\n");
    ck_assert_int_eq(f.flow->budget.attempts, 10);
    ck_assert_int_eq(f.flow->budget.calls, 5);
    ck_assert_int_eq(f.flow->budget.tokens, 500);
    ck_assert_int_eq(f.flow->budget.cost, 100000);
    ck_assert_int_eq(f.flow->budget.time_ms, 60000);
    ck_assert_int_eq(f.flow->budget.recovery_calls, 2);
    ck_assert_int_eq(f.flow->concurrency, 8);
    ck_assert_uint_eq(f.findings.count, 1);
    ck_assert_str_eq(f.findings.list[0].rule, "budget-over-ceiling");
    folder_accept(&f, "flow: ceiling\nsteps: {a: {agent: travel/price}}\n");
    ck_assert_int_eq(f.flow->budget.attempts, 10);
    ck_assert_uint_eq(f.findings.errors, 0);
    folder_done(&f);
}
END_TEST

START_TEST(money_is_exact)
{
    static const struct {
        const char *written;
        int64_t millionths;
    } rows[] = {{"0.1", 100000},     {"\"0.000001\"", 1},        {"1e-6", 1},
                {"19.99", 19990000}, {"1000000", 1000000000000}, {"0", 0},
                {"\"7\"", 7000000}};
    struct folder f;
    folder_init(&f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO(freep)
        char *text = xasprintf("flow: money\nbudget: {attempts: 1, calls: 1, time: 1m, cost: %s}\n"
                               "steps: {a: {agent: travel/price}}\n",
                               rows[i].written);
        folder_accept(&f, text);
        ck_assert_int_eq(f.flow->budget.cost, rows[i].millionths);
    }
    folder_done(&f);
}
END_TEST

UNIT_MAIN(what_is_built_in_holds_where_nothing_is_said,
          a_step_is_heard_before_the_flow_and_the_flow_before_the_manifest,
          what_is_wrong_in_the_manifest_is_said_of_the_manifest,
          an_attempt_ends_with_the_shortest_of_its_limits, the_operators_ceiling_holds,
          money_is_exact)
