/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls that wait for each other's places, within one run and across runs: who would close the
 * circle is refused, and nobody else is.
 */
#include "calling.h"

START_TEST(a_call_for_the_only_place_of_its_caller_is_refused)
{
    struct stage s;
    stage_set(&s, _i, NULL, "max_concurrency: 1", "");
    stage_one_step(&s, "boss/look", "");
    ck_assert_int_eq(stage_run(&s, "r",
                               "{'do': [" ASK("boss/pure", GIVE) "," //
                               ASK("hand/look", ASK("boss/pure", GIVE)) "]}"),
                     RUN_DONE);
    ck_assert_answer(&s, 0, SEAM_E_DENIED, "no-place");
    ck_assert_ptr_nonnull(
        strstr(word_at(s.output, "answers/0/body/message"),
               "plugins.boss.limits.max_concurrency would have to be at least 2"));
    ck_assert_answer(&s, 1, SEAM_OK, "");
    ck_assert_str_eq(word_at(s.output, "answers/1/body/output/answers/0/code"), "no-place");
    stage_done(&s);
}
END_TEST

/* Answers the two of a pair when both have come. */
static void waits_for_two(struct peer *peer, struct connection *connection)
{
    while (peer_read(connection)) {
        if (atomic_load(&peer->arrivals) % 2 == 0)
            sem_post(&peer->gate);
        else
            sem_wait(&peer->gate);
        say(connection, 200, "{}");
    }
}

#define MEET "{'must': 'http.send/1', 'body': {'method': 'GET', 'url': '@/meet'}}"

START_TEST(calls_that_wait_for_each_others_places_end_all_the_same)
{
    struct stage s;
    stage_set(&s, _i, waits_for_two, "max_concurrency: 1", "");
    stage_flow(&s, "steps:\n"
                   "  a: {agent: boss/look, input: \"${ .input.a }\"}\n"
                   "  b: {agent: hand/look, input: \"${ .input.b }\"}\n"
                   "output: {as: {a: \"${ .steps.a.output }\", b: \"${ .steps.b.output }\"}}\n");
    for (int i = 0; i < 5; i++) {
        AUTO(freep) char *id = xasprintf("r%d", i);
        ck_assert_int_eq(stage_run(&s, id,
                                   "{'a': {'do': [" MEET
                                   "," ASK("hand/pure", GIVE) "]},"
                                                              " 'b': {'do': [" MEET
                                                              "," ASK("boss/pure", GIVE) "]}}"),
                         RUN_DONE);
        bool one = number_at(s.output, "a/answers/1/status") == SEAM_E_BUSY;
        bool other = number_at(s.output, "b/answers/1/status") == SEAM_E_BUSY;
        ck_assert_msg(one != other, "one of the two is refused, and the other goes on");
        ck_assert_str_eq(word_at(s.output, one ? "a/answers/1/code" : "b/answers/1/code"),
                         "no-place");
    }
    stage_done(&s);
}
END_TEST

START_TEST(a_wait_for_who_does_not_wait_is_no_circle)
{
    struct stage s;
    AUTO(text_done) struct text script;
    stage_set(&s, _i, NULL, "max_concurrency: 2", "");
    stage_flow(&s, "steps:\n"
                   "  each: {agent: boss/look, for_each: \"${ .input.list }\", concurrency: 64,\n"
                   "         input: \"${ .item }\"}\n"
                   "output: {as: \"${ .steps.each.output }\"}\n");
    text_init(&script, LIMIT_FILE);
    for (int i = 0; i < 40; i++)
        text_addf(&script, "%s{'do': [%s]}", i ? "," : "{'list': [",
                  ASK("hand/look", ASK("hand/pure", GIVE)));
    text_adds(&script, "]}");
    ck_assert_int_eq(stage_run(&s, "r", text_str(&script)), RUN_DONE);
    ck_assert_uint_eq(json_array_size(s.output), 40);
    for (size_t i = 0; i < 40; i++)
        ck_assert_int_eq(number_at(json_array_get(s.output, i), "answers/0/status"), SEAM_OK);
    stage_done(&s);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {
        a_call_for_the_only_place_of_its_caller_is_refused,
        calls_that_wait_for_each_others_places_end_all_the_same,
        a_wait_for_who_does_not_wait_is_no_circle,
        NULL,
    };
    return stage_main(__FILE__, everywhere, NULL);
}
