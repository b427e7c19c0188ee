/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs in a host: the same id again, resuming, settling, many at once, what people say, and the
 * limits.
 */
#include "stage.h"

#define ONE "{'do': [{'give': 1}]}"

static enum error_code try_submit(struct stage *s, const char *id, const char *input,
                                  struct error *err)
{
    json_t *value = stage_json(s, input);
    enum error_code code = host_submit(s->host, s->flow, id, value, err);
    json_decref(value);
    return code;
}

START_TEST(the_same_id_with_the_same_input_is_the_same_run)
{
    struct stage s;
    struct error err;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/pure", "");
    ck_assert_int_eq(stage_run(&s, "r", ONE), RUN_DONE);
    ck_assert_int_eq(stage_run(&s, "r", ONE), RUN_DONE);
    ck_assert_uint_eq(s.settled, 2);
    ck_assert_int_eq(json_integer_value(s.output), 1);
    ck_assert_int_eq(try_submit(&s, "r", "{'do': []}", &err), ERR_CONFLICT);
    stage_close(&s);
    stage_open(&s);
    ck_assert_int_eq(try_submit(&s, "r", "{'do': []}", &err), ERR_CONFLICT);
    ck_assert_int_eq(stage_run(&s, "r", ONE), RUN_DONE);
    AUTO(freep) char *story = stage_story(&s, "r");
    const char *first = strstr(story, "[started]");
    ck_assert(first && !strstr(first + 1, "[started]"));
    ck_assert_tells_not(&s, "r", "[taken-over]");
    stage_done(&s);
}
END_TEST

START_TEST(the_same_id_for_another_flow_is_a_conflict)
{
    struct stage s;
    struct error err;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/pure", "");
    ck_assert_int_eq(stage_run(&s, "r", ONE), RUN_DONE);
    AUTO(freep) char *path = xasprintf("%s/other.yaml", s.folder);
    stage_write(&s, "other.yaml",
                "flow: other\nversion: 1.0.0\ninput: {schema: true}\n"
                "budget: {attempts: 9, calls: 9, time: 1m}\n"
                "steps:\n  act: {agent: actor/pure, input: \"${ .input }\"}\n");
    struct flow *other = NULL;
    struct findings findings;
    findings_init(&findings);
    ck_assert_int_eq(roster_compile(s.roster, path, &other, &findings, &err), ERR_OK);
    findings_done(&findings);
    json_t *input = stage_json(&s, ONE);
    ck_assert_int_eq(host_submit(s.host, other, "r", input, &err), ERR_CONFLICT);
    json_decref(input);
    flow_unref(other);
    stage_done(&s);
}
END_TEST

START_TEST(a_final_run_among_new_ones_stops_nobody)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/pure", "");
    stage_run(&s, "old", ONE);
    stage_submit(&s, "old", ONE);
    stage_submit(&s, "new", ONE);
    stage_submit(&s, "old", ONE);
    stage_work(&s);
    ck_assert_uint_eq(s.settled, 4);
    ck_assert_uint_eq(host_run_count(s.host), 0);
    stage_done(&s);
}
END_TEST

START_TEST(an_unsound_id_or_input_begins_nothing)
{
    static const char *const unsound[] = {"", "a b", "a/b", "\xc3\xa4", "'"};
    struct stage s;
    struct error err;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/pure", "");
    stage_open(&s);
    for (size_t i = 0; i < sizeof(unsound) / sizeof(unsound[0]); i++)
        ck_assert_int_eq(try_submit(&s, unsound[i], ONE, &err), ERR_INPUT);
    AUTO(freep) char *longest = xmalloc(LIMIT_NAME + 2);
    memset(longest, 'a', LIMIT_NAME + 1);
    longest[LIMIT_NAME + 1] = '\0';
    ck_assert_int_eq(try_submit(&s, longest, ONE, &err), ERR_INPUT);
    ck_assert_int_eq(host_resume(s.host, "nobody", &err), ERR_NOT_FOUND);
    ck_assert_uint_eq(host_run_count(s.host), 0);
    stage_done(&s);
}
END_TEST

START_TEST(an_id_is_made_for_a_run_without_one)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/pure", "");
    stage_open(&s);
    for (int i = 0; i < 5; i++)
        stage_submit(&s, NULL, ONE);
    stage_work(&s);
    ck_assert_uint_eq(s.settled, 5);
    stage_done(&s);
}
END_TEST

START_TEST(no_more_runs_are_taken_than_the_manifest_says)
{
    struct stage s;
    struct error err;
    stage_set(&s, _i, NULL, "", "limits: {runs: 3}\n");
    stage_one_step(&s, "actor/pure", "");
    stage_open(&s);
    for (int i = 0; i < 3; i++)
        stage_submit(&s, NULL, ONE);
    ck_assert_int_eq(try_submit(&s, NULL, ONE, &err), ERR_BUSY);
    host_make_room(s.host);
    stage_submit(&s, NULL, ONE);
    stage_work(&s);
    host_make_room(s.host);
    ck_assert_uint_eq(s.settled, 4);
    stage_done(&s);
}
END_TEST

START_TEST(a_run_in_memory_leaves_no_file)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/pure", "");
    s.in_memory = true;
    ck_assert_int_eq(stage_run(&s, "r", ONE), RUN_DONE);
    ck_assert_int_ne(access(s.journal, F_OK), 0);
    stage_done(&s);
}
END_TEST

START_TEST(a_fan_out_keeps_the_order_of_its_items)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_flow(&s, "budget: {attempts: 5000, calls: 5000, time: 10m}\n"
                   "steps:\n"
                   "  each: {agent: actor/pure, for_each: \"${ .input.list }\", concurrency: 40,"
                   " input: {do: [{give: \"${ .item }\"}]}}\n"
                   "output: {as: \"${ .steps.each.output }\"}\n");
    AUTO(text_done) struct text input;
    text_init(&input, LIMIT_FILE);
    text_adds(&input, "{'list': [0");
    for (int i = 1; i < 500; i++)
        text_addf(&input, ",%d", i);
    text_adds(&input, "]}");
    ck_assert_int_eq(stage_run(&s, "r", text_str(&input)), RUN_DONE);
    ck_assert_uint_eq(json_array_size(s.output), 500);
    for (size_t i = 0; i < 500; i++)
        ck_assert_int_eq(json_integer_value(json_array_get(s.output, i)), (json_int_t)i);
    stage_done(&s);
}
END_TEST

static void answers_fine(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection))
        say(connection, 200, "{}");
}

/* The cancel comes when the start is recorded and on its way to the disk. */
static void stop_on_its_way(int mode, const char *agent, const char *story)
{
    struct stage s;
    stage_set(&s, mode, NULL, "", "");
    stage_one_step(&s, agent, "");
    stage_open(&s);
    stage_submit(&s, "r", "{'do': [{'give': 1}]}");
    json_t *cancel = inbox_cancel("tester");
    host_deliver(s.host, "r", cancel, 0);
    json_decref(cancel);
    stage_work(&s);
    ck_assert_int_eq(s.status, RUN_CANCELLED);
    ck_assert_tells(&s, "r", story);
    json_t *picture = stage_describe(&s, "r");
    ck_assert_int_eq(number_at(picture, "spent/calls"), 0);
    json_decref(picture);
    stage_done(&s);
}

START_TEST(what_is_stopped_before_its_record_is_on_disk_never_begins)
{
    stop_on_its_way(_i, "actor/mail", "[cancel-asked] [ended] attempt-ended run-ending");
    stop_on_its_way(_i, "actor/think",
                    "[cancel-asked] run-ending [ended] attempt-ended run-ending");
}
END_TEST

START_TEST(a_cancelled_run_ends_while_its_agent_works)
{
    struct stage s;
    stage_set(&s, _i, answers_fine, "", "");
    stage_one_step(&s, "actor/look", ", retry: {max_attempts: 1}");
    stage_open(&s);
    stage_submit(&s, "r",
                 "{'do': [{'ask': 'http.send/1', 'body': {'method': 'GET', 'url': '@/'}},"
                 "        {'until_cancelled': true}]}");
    stage_cancel(&s, "r");
    stage_work(&s);
    ck_assert_int_eq(s.status, RUN_CANCELLED);
    stage_done(&s);
}
END_TEST

START_TEST(a_message_for_nobody_is_told_and_does_no_harm)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/pure", "");
    stage_run(&s, "r", ONE);
    stage_answer(&s, "nobody", "act", 1, "{'retry': true}");
    stage_answer(&s, "r", "act", 1, "{'retry': true}");
    stage_answer(&s, "r", "no-such-step", 1, "{'retry': true}");
    stage_close(&s);
    stage_open(&s);
    stage_submit(&s, "another", "{'do': [{'ask': 'clock.sleep/1', 'body': {'ms': 10}}]}");
    stage_work(&s);
    ck_assert_int_eq(s.status, RUN_DONE);
    ck_assert_ptr_nonnull(strstr(text_str(&s.log), "nobody"));
    stage_done(&s);
}
END_TEST

START_TEST(an_unanswered_question_expires_at_its_deadline)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_flow(&s,
               "steps:\n  act: {agent: actor/pure, input: \"${ .input }\", on_failure: escalate}\n"
               "output: {as: \"${ .steps.act.output }\"}\n"
               "escalation: {to: ops, deadline: 200ms, on_timeout: deny}\n");
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [{'fail': 2}]}"), RUN_WAITING);
    stage_close(&s);
    stage_open(&s);
    struct error err;
    ck_assert_int_eq(host_resume(s.host, "r", &err), ERR_OK);
    stage_submit(&s, "keeps-the-host-at-work",
                 "{'do': [{'ask': 'clock.sleep/1', 'body': {'ms': 400}}]}");
    stage_work(&s);
    ck_assert_tells(&s, "r", "question-expired");
    json_t *picture = stage_describe(&s, "r");
    ck_assert_str_eq(word_at(picture, "status"), "failed");
    json_decref(picture);
    stage_done(&s);
}
END_TEST

START_TEST(an_agents_question_is_answered_as_feedback)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/pure", "");
    ck_assert_int_eq(
        stage_run(&s, "r", "{'1': [{'fail': 12}], 'do': []}"), /* SEAM_E_INPUT_REQUIRED */
        RUN_WAITING);
    stage_answer(&s, "r", "act", 1, "{'day': 'monday'}");
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_DONE);
    ck_assert_str_eq(word_at(s.output, "feedback/day"), "monday");
    stage_done(&s);
}
END_TEST

START_TEST(a_run_goes_on_with_the_flow_that_it_began_with)
{
    struct stage s;
    struct error err;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/pure", ", on_failure: escalate");
    ck_assert_int_eq(stage_run(&s, "r", "{'1': [{'fail': 2}], 'do': []}"), RUN_WAITING);
    stage_close(&s);
    stage_one_step(&s, "actor/look", ", on_failure: fail");
    stage_open(&s);
    json_t *input = stage_json(&s, "{'1': [{'fail': 2}], 'do': []}");
    ck_assert_int_eq(host_submit(s.host, s.flow, "r", input, &err), ERR_CONFLICT);
    json_decref(input);
    stage_answer(&s, "r", "act", 1, "{'retry': true}");
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_DONE);
    stage_done(&s);
}
END_TEST

static bool keep_body(void *user, const struct journal_record *record, const struct digest *hash)
{
    (void)hash;
    *(char **)user = xstrndup(record->body.ptr, record->body.len);
    return false;
}

/* The beginning of run r again, as another run and by rules of another version. */
static void add_run_by_later_rules(const struct stage *s, const char *id)
{
    struct error err;
    struct journal *journal = NULL;
    struct journal_options options = {.path = s->journal};
    AUTO(freep) char *body = NULL;
    AUTO(freep) char *ours = xasprintf("\"rules\":%d", RULES_VERSION);
    ck_assert_ok(journal_open(&options, &journal, &err), err);
    ck_assert_ok(journal_read(journal_own_reader(journal), "r", 1, keep_body, &body, &err), err);
    char *version = strstr(body, ours);
    ck_assert_ptr_nonnull(version);
    version[strlen("\"rules\":")]++;
    journal_append(journal, &(struct journal_record){.run = id,
                                                     .seq = 1,
                                                     .at_ms = 1,
                                                     .kind = "started",
                                                     .body = slice_of(body),
                                                     .status = "running",
                                                     .flow = "f"});
    ck_assert_ok(journal_close(journal, &err), err);
}

START_TEST(the_deepest_value_that_may_come_in_can_be_read_back)
{
    enum { DEEP = LIMIT_DEPTH - 3 }; /* the input is an object, a list, and an object around it */
    struct stage s;
    char value[2 * DEEP + 1];
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/pure", "");
    memset(value, '[', DEEP);
    memset(value + DEEP, ']', DEEP);
    value[sizeof(value) - 1] = '\0';
    AUTO(freep) char *input = xasprintf("{'do': [{'give': %s}]}", value);
    ck_assert_int_eq(stage_run(&s, "r", input), RUN_DONE);
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_DONE);
    stage_done(&s);
}
END_TEST

START_TEST(a_run_of_later_rules_is_not_taken_up)
{
    struct stage s;
    struct error err;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/pure", "");
    ck_assert_int_eq(stage_run(&s, "r", ONE), RUN_DONE);
    stage_close(&s);
    add_run_by_later_rules(&s, "n");
    stage_open(&s);
    ck_assert_int_eq(host_resume(s.host, "n", &err), ERR_NEWER);
    AUTO(freep)
    char *said =
        xasprintf("decided by rules %d, and this program has %d", RULES_VERSION + 1, RULES_VERSION);
    ck_assert_msg(strstr(err.text, said) != NULL, "%s", err.text);
    s.keep_open = true;
    stage_done(&s);
}
END_TEST

START_TEST(a_stopped_host_leaves_its_runs_to_the_next)
{
    struct stage s;
    stage_set(&s, _i, answers_fine, "", "");
    stage_one_step(&s, "actor/look", "");
    stage_open(&s);
    stage_submit(&s, "r", "{'1': [{'ask': 'clock.sleep/1', 'body': {'ms': 3600000}}], 'do': []}");
    host_stop(s.host);
    stage_work(&s);
    ck_assert_uint_eq(s.settled, 0);
    ck_assert_uint_eq(host_run_count(s.host), 1);
    ck_assert_int_eq(stage_resume(&s, "r"), RUN_DONE);
    ck_assert_tells(&s, "r", "[taken-over]");
    stage_done(&s);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {
        the_same_id_with_the_same_input_is_the_same_run,
        the_same_id_for_another_flow_is_a_conflict,
        a_final_run_among_new_ones_stops_nobody,
        an_unsound_id_or_input_begins_nothing,
        an_id_is_made_for_a_run_without_one,
        no_more_runs_are_taken_than_the_manifest_says,
        a_run_in_memory_leaves_no_file,
        a_fan_out_keeps_the_order_of_its_items,
        what_is_stopped_before_its_record_is_on_disk_never_begins,
        a_cancelled_run_ends_while_its_agent_works,
        a_message_for_nobody_is_told_and_does_no_harm,
        an_unanswered_question_expires_at_its_deadline,
        an_agents_question_is_answered_as_feedback,
        a_run_goes_on_with_the_flow_that_it_began_with,
        the_deepest_value_that_may_come_in_can_be_read_back,
        a_run_of_later_rules_is_not_taken_up,
        a_stopped_host_leaves_its_runs_to_the_next,
        NULL,
    };
    return stage_main(__FILE__, everywhere, NULL);
}
