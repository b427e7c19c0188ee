/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys that the world honours only so long: past that, an agent that was safe to call again is not.
 */
#include "fixture.h"

/* w/idem-old and w/bare-idem-old: key_ttl 5s, and a reconcile agent */
static void start(struct bench *b, const char *agent)
{
    AUTO(freep) char *text = xasprintf(FLOW("  a: {agent: %s}\n"), agent);
    bench_start(b, text, "{}");
}

START_TEST(past_its_ttl_a_key_is_not_sent_again)
{
    struct bench b;
    start(&b, "w/idem-old"); /* key_ttl: 5s */
    b.now += 10;
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_FRESH);
    seen(&b, "a", "e", OUTCOME_UNKNOWN);
    b.now += 6000;
    fails(&b, "a", CAUSE_TIMEOUT);
    decided(&b, DECISION_RECONCILE, "in-doubt-reconcile");
    bench_done(&b);
}
END_TEST

START_TEST(a_key_that_dies_while_the_retry_waits_is_not_begun)
{
    struct bench b;
    start(&b, "w/idem-old");
    loses(&b, "a", "e");
    decided(&b, DECISION_RETRY, "in-doubt-same-key");
    comes_due(&b, "a");
    b.now += 6000;
    ck_assert_int_eq(begins(&b, "a", "e"), BEGIN_UNKNOWN);
    fails(&b, "a", CAUSE_FAILED);
    decided(&b, DECISION_RECONCILE, "in-doubt-reconcile");
    bench_done(&b);
}
END_TEST

START_TEST(an_unbrokered_call_is_not_started_under_a_dead_key)
{
    struct bench b;
    start(&b, "w/bare-idem-old");
    fails(&b, "a", CAUSE_CRASH);
    decided(&b, DECISION_RETRY, "in-doubt-same-key");
    b.now += 60000; /* the host was stopped for a while */
    happen(&b, of_task(&b, EVENT_DUE, "a"));
    decided(&b, DECISION_RECONCILE, "in-doubt-reconcile");
    ck_assert(decided(&b, DECISION_START, NULL)->reconciling);
    bench_done(&b);
}
END_TEST

START_TEST(a_done_unbrokered_call_is_not_started_under_a_dead_key)
{
    struct bench b;
    start(&b, "w/bare-idem-old");
    ok(&b, "a", "{}");
    decided(&b, DECISION_RETRY, "refused-same-key");
    b.now += 60000;
    happen(&b, of_task(&b, EVENT_DUE, "a"));
    decided(&b, DECISION_ASK, "refused-after-effect");
    not_decided(&b, DECISION_START);
    bench_done(&b);
}
END_TEST

UNIT_MAIN(past_its_ttl_a_key_is_not_sent_again, a_key_that_dies_while_the_retry_waits_is_not_begun,
          an_unbrokered_call_is_not_started_under_a_dead_key,
          a_done_unbrokered_call_is_not_started_under_a_dead_key)
