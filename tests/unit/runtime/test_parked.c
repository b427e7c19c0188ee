/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs that only wait for people: they leave the host's memory, and come back as they were, by an
 * answer, a cancel or their deadline; what a run costs that waits is its row.
 */
#include "stage.h"

#include "runtime/host_internal.h"

#include <malloc.h>

#define ASKS  "{'1': [{'fail': 12}], 'do': [{'give': 7}]}" /* INPUT_REQUIRED */
#define SLEEP "{'do': [{'ask': 'clock.sleep/1', 'body': {'ms': 60000}}]}"

/* One turn after the other, until the run is in memory, or is not. */
static void turn_until(struct stage *s, const char *id, bool there)
{
    while (!s->host->stopping && !!live_find(s->host, id) != there)
        uv_run(&s->host->loop, UV_RUN_ONCE);
}

static void turn_until_settled(struct stage *s, size_t times)
{
    while (!s->host->stopping && s->settled < times)
        uv_run(&s->host->loop, UV_RUN_ONCE);
}

static void park(struct stage *s, int mode, const char *more)
{
    stage_set(s, mode, NULL, "", "");
    stage_one_step(s, "actor/pure", more);
    ck_assert_int_eq(stage_run(s, "r", ASKS), RUN_WAITING);
    turn_until(s, "r", false);
}

START_TEST(an_answer_brings_a_run_back_as_it_was)
{
    struct stage s;
    park(&s, _i, "");
    stage_answer(&s, "r", "act", 1, "{'day': 'monday'}");
    turn_until_settled(&s, 2);
    ck_assert_int_eq(s.status, RUN_DONE);
    ck_assert_int_eq(json_integer_value(s.output), 7);
    ck_assert_tells_not(&s, "r", "[taken-over]");
    stage_done(&s);
}
END_TEST

START_TEST(an_answer_that_is_refused_leaves_it_waiting)
{
    struct stage s;
    park(&s, _i, "");
    stage_answer(&s, "r", "act", 9, "{'day': 'monday'}");
    turn_until(&s, "r", true);
    turn_until(&s, "r", false);
    ck_assert_tells(&s, "r", "answer-stale");
    stage_answer(&s, "r", "act", 1, "{'day': 'monday'}");
    turn_until_settled(&s, 2);
    ck_assert_int_eq(s.status, RUN_DONE);
    stage_done(&s);
}
END_TEST

START_TEST(a_message_that_means_nothing_brings_it_back_for_a_moment)
{
    struct stage s;
    park(&s, _i, "");
    stage_answer(&s, "r", "nobody", 1, "{}");
    while (!strstr(text_str(&s.log), "means nothing"))
        uv_run(&s.host->loop, UV_RUN_ONCE);
    turn_until(&s, "r", false);
    stage_cancel(&s, "r");
    turn_until_settled(&s, 2);
    ck_assert_int_eq(s.status, RUN_CANCELLED);
    ck_assert_tells_not(&s, "r", "[taken-over]");
    stage_done(&s);
}
END_TEST

START_TEST(a_deadline_brings_it_back)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_flow(&s, "steps:\n"
                   "  act: {agent: actor/pure, input: \"${ .input }\"}\n"
                   "escalation: {to: ops, deadline: 400ms, on_timeout: deny}\n");
    ck_assert_int_eq(stage_run(&s, "r", ASKS), RUN_WAITING);
    ck_assert_int_eq(stage_run(&s, "late", ASKS), RUN_WAITING);
    turn_until(&s, "r", false);
    turn_until(&s, "late", false);
    turn_until_settled(&s, 4);
    ck_assert_int_eq(s.status, RUN_FAILED);
    ck_assert_tells(&s, "r", "[expired]");
    ck_assert_tells(&s, "late", "[expired]");
    ck_assert_tells_not(&s, "r", "[taken-over]");
    stage_done(&s);
}
END_TEST

START_TEST(who_submits_it_again_is_told_that_it_waits)
{
    struct stage s;
    park(&s, _i, "");
    s.status = RUN_RUNNING;
    ck_assert_int_eq(stage_run(&s, "r", ASKS), RUN_WAITING);
    ck_assert_uint_eq(s.settled, 2);
    turn_until(&s, "r", false);
    stage_done(&s);
}
END_TEST

START_TEST(the_next_host_takes_over_what_was_let_go_of)
{
    struct stage s;
    park(&s, _i, "");
    stage_answer(&s, "r", "act", 1, "{'day': 'monday'}");
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_DONE);
    ck_assert_tells(&s, "r", "[taken-over]");
    stage_done(&s);
}
END_TEST

START_TEST(a_person_is_told_before_it_goes)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/pure", "");
    stage_open(&s);
    stage_submit(&s, "r", ASKS);
    turn_until_settled(&s, 1);
    turn_until(&s, "r", false);
    ck_assert_tells(&s, "r", "[told]");
    stage_done(&s);
}
END_TEST

/* ---- memory ---- */

/* After the first, what is cached has its size. What is left is the journal's note of where the
 * chain of a run ends, of the last 65,536 runs. */
enum { WARM = 4000, MANY = 10000, BYTES_EACH = 256 };

static void submit_range(struct stage *s, int from, int to)
{
    char id[16];
    for (int i = from; i < to; i++) {
        snprintf(id, sizeof(id), "r%d", i);
        host_make_room(s->host);
        stage_submit(s, id, ASKS);
    }
    turn_until_settled(s, (size_t)to);
    while (s->host->runs)
        uv_run(&s->host->loop, UV_RUN_ONCE);
}

START_TEST(ten_thousand_runs_wait_in_their_rows)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "limits: {runs: 200}\n");
    stage_flow(&s, "steps:\n"
                   "  act: {agent: actor/pure, input: \"${ .input }\"}\n"
                   "escalation: {deadline: 1h}\n");
    stage_open(&s);
    submit_range(&s, 0, WARM);
    size_t before = mallinfo2().uordblks;
    submit_range(&s, WARM, WARM + MANY);
    size_t after = mallinfo2().uordblks;
    size_t more = after > before ? after - before : 0;
    ck_assert_msg(more < (size_t)MANY * BYTES_EACH, "%zu bytes a run", more / MANY);
    stage_answer(&s, "r17", "act", 1, "{'day': 'monday'}");
    turn_until_settled(&s, WARM + MANY + 1);
    ck_assert_int_eq(s.status, RUN_DONE);
    stage_done(&s);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {
        an_answer_brings_a_run_back_as_it_was,
        an_answer_that_is_refused_leaves_it_waiting,
        a_message_that_means_nothing_brings_it_back_for_a_moment,
        a_deadline_brings_it_back,
        who_submits_it_again_is_told_that_it_waits,
        the_next_host_takes_over_what_was_let_go_of,
        a_person_is_told_before_it_goes,
        NULL,
    };
    const TTest *const in_workers[] = {ten_thousand_runs_wait_in_their_rows, NULL};
    return stage_main(__FILE__, everywhere, in_workers);
}
