/* SPDX-License-Identifier: Apache-2.0
 *
 * Agents that call agents, from end to end: who may call whom, what a caller is told, and that a
 * call is made once under its name, whoever dies meanwhile.
 */
#include "calling.h"

#define POST                                                                                       \
    "{'must': 'http.send/1', 'body': {'method': 'POST', 'url': '@/book', 'json': {'n': 1}}}"

static atomic_int posts;

static void books(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection)) {
        if (is_post(connection))
            atomic_fetch_add(&posts, 1);
        say(connection, 201, "{\"booking\":{\"id\":\"B-1\"}}");
    }
}

/* ---- what a caller is told ---- */

START_TEST(an_agent_is_called_by_alias_or_id_and_its_output_given)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "boss/look", "");
    ck_assert_int_eq(
        stage_run(&s, "r",
                  "{'do': [" ASK("hand/look", GIVE) "," ASK(
                      "org.seam.test.hand/look", "{'must': 'budget.spend/1', 'body': {'tokens': 3,"
                                                 " 'cost': '0.25'}}") "]}"),
        RUN_DONE);
    ck_assert_answer(&s, 0, SEAM_OK, "");
    ck_assert_int_eq(number_at(s.output, "answers/0/body/output/found"), 7);
    ck_assert_int_eq(number_at(s.output, "answers/0/effect"), SEAM_EFFECT_NONE);
    ck_assert_int_eq(number_at(s.output, "answers/0/body/tokens"), 0);
    ck_assert_answer(&s, 1, SEAM_OK, "");
    ck_assert_int_eq(number_at(s.output, "answers/1/body/tokens"), 3);
    ck_assert_str_eq(word_at(s.output, "answers/1/body/cost"), "0.25");
    json_t *picture = stage_describe(&s, "r");
    ck_assert_str_eq(word_at(task_in(picture, "act/look#1"), "agent"), "hand/look");
    ck_assert_str_eq(word_at(task_in(picture, "act/look#2"), "status"), "done");
    json_decref(picture);
    stage_done(&s);
}
END_TEST

START_TEST(a_call_that_failed_is_final_to_its_caller)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "boss/look", "");
    ck_assert_int_eq(
        stage_run(&s, "r",
                  "{'do': [" ASK("hand/look", TRANSIENT) "," ASK(
                      "hand/look", "{'fail': 5, 'code': 'h.no'}") "," ASK("hand/look",
                                                                          "{'fail': 6}") "]}"),
        RUN_DONE);
    ck_assert_answer(&s, 0, SEAM_E_FAILED, "child-failed");
    ck_assert_str_eq(word_at(s.output, "answers/0/body/cause"), "unavailable");
    ck_assert_str_eq(word_at(s.output, "answers/0/body/message"),
                     "hand/look, called as look#1, failed: as the script says");
    ck_assert_answer(&s, 1, SEAM_E_DENIED, "child-failed");
    ck_assert_str_eq(word_at(s.output, "answers/1/body/error/code"), "h.no");
    ck_assert_answer(&s, 2, SEAM_E_BUDGET, "child-failed");
    stage_done(&s);
}
END_TEST

START_TEST(an_output_that_breaks_its_contract_and_an_input_that_does_not_fit_are_failures)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "boss/look", "");
    ck_assert_int_eq(stage_run(&s, "r",
                               "{'do': [" CALL("ask", "hand/strict", "", "'n': 'x'") ","      //
                               CALL("ask", "hand/strict", "", "'n': 1, 'do': [" GIVE "]") "," //
                               CALL("ask", "hand/strict", "", "'n': 1, 'do': [{'give': 1}]") "]}"),
                     RUN_DONE);
    ck_assert_answer(&s, 0, SEAM_E_INPUT, "child-failed");
    ck_assert_answer(&s, 1, SEAM_E_FAILED, "child-failed");
    ck_assert_str_eq(word_at(s.output, "answers/1/body/cause"), "contract");
    ck_assert_answer(&s, 2, SEAM_OK, "");
    stage_done(&s);
}
END_TEST

START_TEST(the_host_tries_a_call_again_if_its_caller_asked_for_that)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "boss/look", "");
    ck_assert_int_eq(
        stage_run(&s, "r",
                  "{'do': [" CALL("ask", "hand/look",
                                  ", 'retry': {'max_attempts': 3, 'initial_interval': '1ms'}",
                                  "'1': [" TRANSIENT "], '2': [" TRANSIENT "]") "," //
                  CALL("ask", "hand/look",
                       ", 'retry': {'max_attempts': 3, 'initial_interval': '1ms',"
                       "            'retry_on': ['timeout']}",
                       "'1': [" TRANSIENT "]") "]}"),
        RUN_DONE);
    ck_assert_answer(&s, 0, SEAM_OK, "");
    ck_assert_int_eq(number_at(s.output, "answers/0/body/output/attempt"), 3);
    ck_assert_answer(&s, 1, SEAM_E_FAILED, "child-failed");
    stage_done(&s);
}
END_TEST

START_TEST(what_is_no_request_is_told_where_it_is_wrong)
{
    static const struct {
        const char *body, *words;
    } all[] = {
        {"{'input': 1}", "agent"},
        {"{'agent': 'hand/look'}", "input"},
        {"{'agent': 7, 'input': 1}", "/agent"},
        {"{'agent': 'look', 'input': 1}", "/agent"},
        {"{'agent': 'a/b/c', 'input': 1}", "/agent"},
        {"{'agent': 'hand/look', 'input': 1, 'name': 'a#1'}", "/name"},
        {"{'agent': 'hand/look', 'input': 1, 'retry': 3}", "/retry"},
        {"{'agent': 'hand/look', 'input': 1, 'retry': {'max_attempts': 0}}", "/retry/max_attempts"},
        {"{'agent': 'hand/look', 'input': 1, 'timeout_ms': 0}", "/timeout_ms"},
        {"{'agent': 'hand/look', 'input': 1, 'budget': {'cost': 1}}", "/budget/cost"},
        {"{'agent': 'hand/look', 'input': 1, 'budgets': {}}", "budgets"},
        {"[]", "a JSON object"},
    };
    enum { COUNT = sizeof(all) / sizeof(all[0]) };
    struct stage s;
    AUTO(text_done) struct text script;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "boss/look", "");
    text_init(&script, LIMIT_FILE);
    for (int i = 0; i < COUNT; i++)
        text_addf(&script, "%s{'ask': 'agent.call/1', 'body': %s}", i ? "," : "{'do': [",
                  all[i].body);
    text_adds(&script, "]}");
    ck_assert_int_eq(stage_run(&s, "r", text_str(&script)), RUN_DONE);
    for (int i = 0; i < COUNT; i++) {
        AUTO(freep) char *path = xasprintf("answers/%d/body/message", i);
        ck_assert_answer(&s, i, SEAM_E_INPUT, "bad-request");
        ck_assert_msg(strstr(word_at(s.output, path), all[i].words) != NULL, "%s: %s", all[i].body,
                      word_at(s.output, path));
    }
    ck_assert_tells_not(&s, "r", "[call-asked]");
    stage_done(&s);
}
END_TEST

/* ---- who may call whom ---- */

START_TEST(nobody_calls_what_is_not_asked_for_and_granted)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "foreman/mail", "");
    ck_assert_int_eq(
        stage_run(&s, "r",
                  "{'do': [" ASK("boss/look", GIVE) "," ASK("hand/find", GIVE) ","      //
                  ASK("hand/nobody", GIVE) "," ASK("org.seam.test.hand/find", GIVE) "," //
                  ASK("hand/look", GIVE) "]}"),
        RUN_DONE);
    for (int i = 0; i < 4; i++)
        ck_assert_answer(&s, i, SEAM_E_DENIED, "not-granted");
    ck_assert_ptr_nonnull(
        strstr(word_at(s.output, "answers/0/body/message"), "plugins.foreman.grants.agents"));
    ck_assert_answer(&s, 4, SEAM_OK, "");
    stage_done(&s);
}
END_TEST

START_TEST(nobody_calls_what_changes_more_than_itself)
{
    struct stage s;
    stage_set(&s, _i, books, "", "");
    stage_one_step(&s, "boss/look", "");
    ck_assert_int_eq(stage_run(&s, "r",
                               "{'do': [" ASK("hand/mail", POST) "," ASK("hand/put", POST) "," //
                               ASK("hand/pure", GIVE) "]}"),
                     RUN_DONE);
    ck_assert_answer(&s, 0, SEAM_E_DENIED, "class");
    ck_assert_answer(&s, 1, SEAM_E_DENIED, "class");
    ck_assert_answer(&s, 2, SEAM_OK, "");
    stage_one_step(&s, "boss/pure", "");
    ck_assert_int_eq(
        stage_run(&s, "p", "{'do': [" ASK("hand/look", GIVE) "," ASK("hand/pure", GIVE) "]}"),
        RUN_DONE);
    ck_assert_answer(&s, 0, SEAM_E_DENIED, "class");
    ck_assert_answer(&s, 1, SEAM_OK, "");
    ck_assert_int_eq(atomic_load(&posts), 0);
    stage_done(&s);
}
END_TEST

/* The answer that the innermost was given, through those around it. */
static const json_t *innermost(const json_t *answer)
{
    while (at(answer, "answers/0"))
        answer = at(answer, "answers/0/body/output") ? at(answer, "answers/0/body/output")
                                                     : at(answer, "answers/0");
    return answer;
}

START_TEST(an_agent_does_not_call_itself_through_others)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "boss/look", "");
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [" ASK("hand/look", ASK("boss/look", GIVE)) "]}"),
                     RUN_DONE);
    ck_assert_str_eq(word_at(innermost(s.output), "code"), "cycle");
    stage_done(&s);
}
END_TEST

START_TEST(calls_stand_within_each_other_to_a_depth)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "boss/book", "");
    ck_assert_int_eq(
        stage_run(&s, "r",
                  "{'do': [" ASK(
                      "boss/mail",
                      ASK("hand/book",
                          ASK("hand/mail",
                              ASK("boss/put",
                                  ASK("hand/put",
                                      ASK("boss/look",
                                          ASK("hand/look",
                                              ASK("boss/pure", ASK("hand/pure", GIVE))))))))) "]}"),
        RUN_DONE);
    ck_assert_str_eq(word_at(innermost(s.output), "code"), "limit");
    ck_assert_int_eq(calls_spent(&s, "r"), LIMIT_NESTED_DEPTH);
    stage_done(&s);
}
END_TEST

/* ---- one budget ---- */

#define THRICE ", 'retry': {'max_attempts': 3, 'initial_interval': '1ms', 'jitter': 'none'}"

START_TEST(tries_within_tries_cost_no_more_than_the_budget)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    /* each insists: whatever the other one said, it says that trying again may help */
    static const char input[] = "{'do': [" CALL(
        "ask", "hand/look", THRICE,
        "'do': [" CALL("ask", "boss/pure", THRICE, "'do': [" TRANSIENT "]") "," TRANSIENT
                                                                            "]") "," TRANSIENT "]}";
    for (int calls = 1; calls <= 8; calls++) {
        AUTO(freep) char *id = xasprintf("r%d", calls);
        AUTO(freep)
        char *steps = xasprintf("budget: {attempts: 9, calls: %d, time: 1m}\n"
                                "steps:\n  act: {agent: boss/look, input: \"${ .input }\"}\n",
                                calls);
        stage_flow(&s, steps);
        ck_assert_int_eq(stage_run(&s, id, input), RUN_FAILED);
        json_int_t spent = calls_spent(&s, id);
        ck_assert_int_le(spent, calls);
        /* and with enough of it: what has failed for good is not called for again */
        if (calls >= 5)
            ck_assert_int_eq(spent, 5);
    }
    stage_done(&s);
}
END_TEST

#define RESERVES                                                                                   \
    "{'must': 'budget.reserve/1', 'body': {'tokens': 40}},"                                        \
    "{'must': 'budget.spend/1', 'body': {'tokens': 40}}"

START_TEST(siblings_at_once_share_what_is_left_and_never_more)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_flow(&s, "budget: {attempts: 9, calls: 99, tokens: 100, time: 1m}\n"
                   "steps:\n  act: {agent: boss/look, input: \"${ .input }\"}\n"
                   "output: {as: \"${ .steps.act.output }\"}\n");
    ck_assert_int_eq(
        stage_run(&s, "r",
                  "{'do': [{'all': [" ONE_OF_ALL("hand/look", ", 'name': 'a'", RESERVES) "," //
                  ONE_OF_ALL("hand/look", ", 'name': 'b'", RESERVES) ","                     //
                  ONE_OF_ALL("hand/look", ", 'name': 'c'", RESERVES) ","                     //
                  ONE_OF_ALL("hand/look", ", 'name': 'd'", RESERVES) "]}]}"),
        RUN_DONE);
    int done = 0, refused = 0;
    for (int i = 0; i < 4; i++) {
        AUTO(freep) char *status = xasprintf("answers/%d/status", i);
        json_int_t was = number_at(s.output, status);
        done += was == SEAM_OK;
        refused += was == SEAM_E_BUDGET;
    }
    ck_assert_int_eq(done, 2);
    ck_assert_int_eq(refused, 2);
    json_t *picture = stage_describe(&s, "r");
    ck_assert_int_eq(number_at(picture, "spent/tokens"), 80);
    json_decref(picture);
    stage_done(&s);
}
END_TEST

START_TEST(a_call_may_be_given_a_part_of_the_budget)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "boss/look", "");
    ck_assert_int_eq(
        stage_run(&s, "r",
                  "{'do': [" CALL("ask", "hand/look", ", 'budget': {'tokens': 30}",
                                  "'do': [" RESERVES "]") "," //
                  CALL("ask", "hand/look", ", 'budget': {'calls': 1}",
                       "'do': [" MUST("hand/pure", GIVE) "]") "," //
                  CALL("ask", "hand/look", ", 'budget': {'calls': 2, 'cost': '0.01'}",
                       "'do': [" MUST(
                           "hand/pure",
                           GIVE) ","
                                 "{'must': 'budget.spend/1', 'body': {'cost': '0.01'}}]") "]}"),
        RUN_DONE);
    ck_assert_answer(&s, 0, SEAM_E_BUDGET, "child-failed");
    ck_assert_answer(&s, 1, SEAM_E_BUDGET, "child-failed");
    ck_assert_answer(&s, 2, SEAM_OK, "");
    ck_assert_str_eq(word_at(s.output, "answers/2/body/cost"), "0.01");
    stage_done(&s);
}
END_TEST

/* ---- time ---- */

#define UNTIL_CANCELLED "{'until_cancelled': true}"

START_TEST(a_call_has_no_more_time_than_its_caller)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "boss/look", ", retry: {max_attempts: 1}, timeout: {start_to_close: 300ms}");
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [" MUST("hand/look", UNTIL_CANCELLED) "]}"),
                     RUN_FAILED);
    json_t *picture = stage_describe(&s, "r");
    ck_assert_str_ne(word_at(task_in(picture, "act/look#1"), "status"), "running");
    json_decref(picture);
    stage_done(&s);
}
END_TEST

START_TEST(a_call_may_be_given_less_time)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "boss/look", "");
    ck_assert_int_eq(stage_run(&s, "r",
                               "{'do': [" CALL("ask", "hand/look", ", 'timeout_ms': 50",
                                               "'do': [" UNTIL_CANCELLED "]") "]}"),
                     RUN_DONE);
    ck_assert_answer(&s, 0, SEAM_E_FAILED, "child-failed");
    ck_assert_str_eq(word_at(s.output, "answers/0/body/cause"), "timeout");
    stage_done(&s);
}
END_TEST

/* ---- a person is asked meanwhile ---- */

#define ASKS_FIRST "'1': [{'fail': 12}], 'do': [" GIVE "]" /* INPUT_REQUIRED */

/* Nobody waits an hour here: its caller gives way at once. */
START_TEST(a_caller_gives_way_while_a_person_is_asked)
{
    static const char *const callers[] = {"boss/pure", "boss/look", "boss/put"};
    for (size_t i = 0; i < 3; i++) {
        struct stage s;
        stage_set(&s, _i, NULL, "", "");
        stage_one_step(&s, callers[i], ", retry: {max_attempts: 1}, timeout: {start_to_close: 1h}");
        ck_assert_int_eq(stage_run(&s, "r",
                                   "{'do': [" CALL("must", "hand/pure", "", ASKS_FIRST) ","
                                                                                        "{'give': "
                                                                                        "1}]}"),
                         RUN_WAITING);
        ck_assert_tells(&s, "r", "[ended] attempt-ended calls-open");
        stage_answer(&s, "r", "act/pure#1", 1, "{'say': 'yes'}");
        ck_assert_int_eq(stage_resume(&s, "r"), RUN_DONE);
        ck_assert_tells(&s, "r", "gave-way next-attempt [call-asked] call-replayed");
        json_t *picture = stage_describe(&s, "r");
        ck_assert_int_eq(number_at(picture, "spent/attempts"), 1);
        ck_assert_int_eq(number_at(picture, "spent/calls"), 4);
        json_decref(picture);
        stage_done(&s);
    }
}
END_TEST

START_TEST(those_around_a_caller_give_way_with_it)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "boss/look", ", retry: {max_attempts: 1}");
    ck_assert_int_eq(
        stage_run(&s, "r",
                  "{'do': [" CALL("must", "boss/pure", "",
                                  "'do': [" CALL("must", "hand/pure", "",
                                                 ASKS_FIRST) ","
                                                             "{'give': 2}]") ",{'give': 3}]}"),
        RUN_WAITING);
    stage_answer(&s, "r", "act/pure#1/pure#1", 1, "{}");
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_DONE);
    ck_assert_int_eq(json_integer_value(s.output), 3);
    json_t *picture = stage_describe(&s, "r");
    ck_assert_int_eq(number_at(picture, "spent/attempts"), 1);
    json_decref(picture);
    stage_done(&s);
}
END_TEST

START_TEST(a_caller_may_make_do_without_the_answer)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "boss/look", "");
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [" CALL("ask", "hand/pure", "", ASKS_FIRST) "]}"),
                     RUN_WAITING);
    stage_answer(&s, "r", "act/pure#1", 1, NULL);
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_DONE);
    ck_assert_answer(&s, 0, SEAM_E_INPUT_REQUIRED, "waits-for-person");
    stage_done(&s);
}
END_TEST

START_TEST(a_question_of_its_own_is_no_giving_way)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "boss/look", "");
    ck_assert_int_eq(
        stage_run(&s, "r",
                  "{'do': [" CALL("ask", "hand/pure", "", ASKS_FIRST) ","
                                                                      "{'question': 'which?'}]}"),
        RUN_WAITING);
    ck_assert_tells(&s, "r", "calls-open");
    stage_answer(&s, "r", "act/pure#1", 1, NULL);
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_WAITING);
    ck_assert_tells(&s, "r", "input-required [");
    stage_done(&s);
}
END_TEST

START_TEST(a_cancelled_run_ends_with_all_that_was_called)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "boss/look", "");
    stage_open(&s);
    stage_submit(&s, "r", "{'do': [" ASK("hand/look", ASK("boss/pure", UNTIL_CANCELLED)) "]}");
    stage_cancel(&s, "r");
    stage_work(&s);
    ck_assert_int_eq(s.status, RUN_CANCELLED);
    stage_done(&s);
}
END_TEST

/* ---- once, whoever dies ---- */

START_TEST(a_caller_that_died_is_given_what_it_was_given_before)
{
    struct stage s;
    stage_set(&s, _i, books, "", "");
    stage_one_step(&s, "boss/mail", "");
    ck_assert_int_eq(
        stage_run(&s, "r",
                  "{'1': [" MUST("hand/mail", POST) "," DIE "],"
                                                    " 'do': [" MUST("hand/mail", POST) "]}"),
        RUN_DONE);
    ck_assert_int_eq(atomic_load(&posts), 1);
    ck_assert_int_eq(number_at(s.output, "answers/0/effect"), SEAM_EFFECT_DONE);
    ck_assert_int_eq(number_at(s.output, "answers/0/body/output/attempt"), 1);
    ck_assert_tells(&s, "r", "call-replayed");
    ck_assert_int_eq(calls_spent(&s, "r"), 3);
    stage_done(&s);
}
END_TEST

START_TEST(a_write_that_only_calls_is_brokered)
{
    struct stage s;
    stage_set(&s, _i, books, "", "");
    stage_one_step(&s, "foreman/mail", "");
    /* the first dies before it has called anybody, and so before anything happened */
    ck_assert_int_eq(stage_run(&s, "r",
                               "{'1': [" DIE "], '2': [" MUST(
                                   "hand/mail", POST) "," DIE "],"
                                                      " 'do': [" MUST("hand/mail", POST) "]}"),
                     RUN_DONE);
    ck_assert_tells(&s, "r", "retry-nothing-done");
    ck_assert_int_eq(atomic_load(&posts), 1);
    stage_done(&s);
}
END_TEST

START_TEST(a_call_whose_worker_died_is_a_failure_of_that_call_alone)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "boss/look", "");
    ck_assert_int_eq(stage_run(&s, "r",
                               "{'do': [" ASK("hand/look", DIE) "," //
                               CALL("ask", "hand/look", THRICE, "'1': [" DIE "]") "]}"),
                     RUN_DONE);
    ck_assert_int_eq(number_at(s.output, "attempt"), 1);
    ck_assert_answer(&s, 0, SEAM_E_FAILED, "child-failed");
    ck_assert_str_eq(word_at(s.output, "answers/0/body/cause"), "crash");
    ck_assert_answer(&s, 1, SEAM_OK, "");
    ck_assert_int_eq(number_at(s.output, "answers/1/body/output/attempt"), 2);
    stage_done(&s);
}
END_TEST

START_TEST(another_input_under_the_same_name_is_a_conflict)
{
    struct stage s;
    stage_set(&s, _i, books, "", "");
    stage_one_step(&s, "boss/look", "");
    ck_assert_int_eq(
        stage_run(&s, "r",
                  "{'1': [" CALL("ask", "hand/look", ", 'name': 'n'",
                                 "'q': 1") "," TRANSIENT "],"
                                           " 'do': [" CALL("ask", "hand/look", ", 'name': 'n'",
                                                           "'q': 2") "," //
                  CALL("ask", "hand/look", ", 'name': 'm'", "'q': 2") "]}"),
        RUN_DONE);
    ck_assert_answer(&s, 0, SEAM_E_FAILED, "conflict");
    ck_assert_answer(&s, 1, SEAM_OK, "");
    stage_done(&s);
}
END_TEST

START_TEST(time_and_money_are_no_part_of_what_a_call_is)
{
    struct stage s;
    stage_set(&s, _i, books, "", "");
    stage_one_step(&s, "boss/look", "");
    ck_assert_int_eq(
        stage_run(&s, "r",
                  "{'1': [" CALL("ask", "hand/look", ", 'timeout_ms': 5000",
                                 "'q': 1") "," //
                  TRANSIENT "],"
                                           " 'do': [" CALL("ask", "hand/look",
                                                           ", 'timeout_ms': 4999", "'q': 1") "]}"),
        RUN_DONE);
    ck_assert_answer(&s, 0, SEAM_OK, "");
    ck_assert_tells(&s, "r", "call-replayed");
    stage_done(&s);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {
        an_agent_is_called_by_alias_or_id_and_its_output_given,
        a_call_that_failed_is_final_to_its_caller,
        an_output_that_breaks_its_contract_and_an_input_that_does_not_fit_are_failures,
        the_host_tries_a_call_again_if_its_caller_asked_for_that,
        what_is_no_request_is_told_where_it_is_wrong,
        nobody_calls_what_is_not_asked_for_and_granted,
        nobody_calls_what_changes_more_than_itself,
        an_agent_does_not_call_itself_through_others,
        calls_stand_within_each_other_to_a_depth,
        tries_within_tries_cost_no_more_than_the_budget,
        siblings_at_once_share_what_is_left_and_never_more,
        a_call_may_be_given_a_part_of_the_budget,
        a_call_has_no_more_time_than_its_caller,
        a_call_may_be_given_less_time,
        a_caller_gives_way_while_a_person_is_asked,
        those_around_a_caller_give_way_with_it,
        a_caller_may_make_do_without_the_answer,
        a_question_of_its_own_is_no_giving_way,
        a_cancelled_run_ends_with_all_that_was_called,
        another_input_under_the_same_name_is_a_conflict,
        time_and_money_are_no_part_of_what_a_call_is,
        NULL,
    };
    const TTest *const in_workers[] = {
        a_caller_that_died_is_given_what_it_was_given_before,
        a_write_that_only_calls_is_brokered,
        a_call_whose_worker_died_is_a_failure_of_that_call_alone,
        NULL,
    };
    return stage_main(__FILE__, everywhere, in_workers);
}
