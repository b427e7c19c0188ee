/* SPDX-License-Identifier: Apache-2.0
 *
 * Clocks that are set: the time of a host goes as time passes, whatever is done to the wall clock;
 * and a run for which the clock was set back between two hosts goes on from where it was.
 */
#include "stage.h"

#include "runtime/host_internal.h"

#define ASKS "{'1': [{'fail': 12}], 'do': [{'give': 7}]}" /* INPUT_REQUIRED */

static const int64_t SECOND = 1000000000, WALL = 1700000000 * (int64_t)1000000000, BOOT = 5000;
#define DAY (86400 * SECOND)

START_TEST(a_clock_that_is_set_makes_no_leap)
{
    struct pace pace;
    pace_begin(&pace, WALL, BOOT);
    ck_assert_int_eq(pace_now(&pace, WALL + SECOND, BOOT + SECOND), WALL + SECOND);
    ck_assert_int_eq(pace_now(&pace, WALL + DAY, BOOT + 2 * SECOND),
                     WALL + 2 * SECOND + SECOND / 100);
    pace_begin(&pace, WALL, BOOT);
    ck_assert_int_eq(pace_now(&pace, WALL - DAY, BOOT + SECOND), WALL + SECOND - SECOND / 100);
}
END_TEST

START_TEST(it_never_goes_back)
{
    struct pace pace;
    pace_begin(&pace, WALL, BOOT);
    int64_t last = WALL;
    for (int64_t i = 0; i < 1000; i++) { /* the wall clock goes to and fro by a day */
        int64_t now = pace_now(&pace, WALL + (i % 2 ? DAY : -DAY), BOOT + i * i);
        ck_assert_int_ge(now, last);
        last = now;
    }
}
END_TEST

START_TEST(it_comes_to_the_wall_clock_in_the_end)
{
    struct pace pace;
    for (int sign = -1; sign <= 1; sign += 2) {
        int64_t s = 0, wall;
        pace_begin(&pace, WALL, BOOT);
        do {
            wall = WALL + (++s + sign) * SECOND; /* it was set by a second */
        } while (pace_now(&pace, wall, BOOT + s * SECOND) != wall && s < 1000);
        ck_assert_int_eq(s, 100);
    }
}
END_TEST

START_TEST(what_passes_while_the_machine_sleeps_has_passed)
{
    struct pace pace;
    pace_begin(&pace, WALL, BOOT);
    ck_assert_int_eq(pace_now(&pace, WALL + DAY, BOOT + DAY), WALL + DAY);
}
END_TEST

/* A host whose clock was a day ahead asks; the one after it has the right time. */
static void ask_a_day_ahead(struct stage *s, int mode, const char *deadline)
{
    AUTO(freep)
    char *flow = xasprintf("steps:\n"
                           "  act: {agent: actor/pure, input: \"${ .input }\"}\n"
                           "output: {as: \"${ .steps.act.output }\"}\n"
                           "escalation: {to: ops, deadline: %s, on_timeout: deny}\n",
                           deadline);
    stage_set(s, mode, NULL, "", "");
    stage_flow(s, flow);
    stage_open(s);
    s->host->pace.now_ns += DAY;
    ck_assert_int_eq(stage_run(s, "r", ASKS), RUN_WAITING);
    ck_assert_int_eq(stage_resume(s, "r"), RUN_WAITING);
}

START_TEST(after_a_clock_was_set_back_a_deadline_comes_in_its_time)
{
    struct stage s;
    ask_a_day_ahead(&s, _i, "500ms");
    size_t before = s.settled;
    while (!s.host->stopping && s.settled == before) /* a day, if it is not so */
        uv_run(&s.host->loop, UV_RUN_ONCE);
    ck_assert_int_eq(s.status, RUN_FAILED);
    ck_assert_tells(&s, "r", "[expired]");
    stage_done(&s);
}
END_TEST

START_TEST(after_a_clock_was_set_back_a_run_goes_on)
{
    struct stage s;
    ask_a_day_ahead(&s, _i, "1h");
    stage_answer(&s, "r", "act", 1, "{'day': 'monday'}");
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_DONE);
    stage_done(&s);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {
        a_clock_that_is_set_makes_no_leap,
        it_never_goes_back,
        it_comes_to_the_wall_clock_in_the_end,
        what_passes_while_the_machine_sleeps_has_passed,
        after_a_clock_was_set_back_a_deadline_comes_in_its_time,
        after_a_clock_was_set_back_a_run_goes_on,
        NULL,
    };
    return stage_main(__FILE__, everywhere, NULL);
}
