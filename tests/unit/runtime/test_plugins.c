/* SPDX-License-Identifier: Apache-2.0
 *
 * Plugins and the calls in them: crashes, hangs, deadlines, restarts, and that one call's end is
 * not another's.
 */
#include "stage.h"

#include "runtime/faults_internal.h"

#include <time.h>

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static size_t count_words(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *found = text; (found = strstr(found, word)); found += strlen(word))
        count++;
    return count;
}

static json_int_t attempts_of(const json_t *picture, const char *path)
{
    size_t i;
    json_t *task;
    json_array_foreach (at(picture, "tasks"), i, task) {
        if (strcmp(word_at(task, "path"), path) == 0)
            return number_at(task, "attempts");
    }
    return -1;
}

START_TEST(a_read_that_crashed_is_tried_again_in_a_new_worker)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/look", "");
    ck_assert_int_eq(stage_run(&s, "r", "{'1': [{'die': true}], 'do': []}"), RUN_DONE);
    ck_assert_int_eq(number_at(s.output, "attempt"), 2);
    ck_assert_tells(&s, "r", "retry-safe-class");
    ck_assert_ptr_nonnull(strstr(text_str(&s.log), "was killed by SIGKILL"));
    stage_done(&s);
}
END_TEST

START_TEST(a_write_that_crashed_before_it_sent_anything_is_tried_again)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/mail", "");
    ck_assert_int_eq(stage_run(&s, "r",
                               "{'1': [{'begin': 'e', 'request': 1}, {'die': true}],"
                               " 'do': [{'give': 1}]}"),
                     RUN_DONE);
    ck_assert_tells(&s, "r", "retry-nothing-done");
    stage_done(&s);
}
END_TEST

START_TEST(a_write_that_crashed_unseen_is_in_doubt)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "wild/mail", "");
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [{'die': true}]}"), RUN_WAITING);
    ck_assert_tells(&s, "r", "in-doubt-person");
    stage_done(&s);
}
END_TEST

#define EACH(agent)                                                                                \
    "budget: {attempts: 500, calls: 500, time: 10m}\n"                                             \
    "steps:\n  each: {agent: " agent ", for_each: \"${ .input.list }\", concurrency: 64,"          \
    " input: \"${ .item }\"}\n"                                                                    \
    "output: {as: \"${ .steps.each.output }\"}\n"

START_TEST(calls_in_line_outlive_the_worker_that_another_call_killed)
{
    struct stage s;
    stage_set(&s, _i, NULL, "max_concurrency: 1", "");
    stage_flow(&s, EACH("wild/mail"));
    AUTO(text_done) struct text input;
    text_init(&input, LIMIT_FILE);
    text_adds(&input, "{'list': [{'do': [{'ask': 'clock.sleep/1', 'body': {'ms': 50}}]}");
    for (int i = 1; i < 40; i++)
        text_addf(&input, ", {'do': [%s{'give': %d}]}", i == 20 ? "{'die': true}," : "", i);
    text_adds(&input, "]}");
    /* the one that dies is in doubt, and the others know nothing of it */
    ck_assert_int_eq(stage_run(&s, "r", text_str(&input)), RUN_WAITING);
    json_t *picture = stage_describe(&s, "r");
    for (int i = 0; i < 40; i++) {
        AUTO(freep) char *path = xasprintf("each[%d]", i);
        ck_assert_msg(attempts_of(picture, path) == 1, "%s took %d attempts", path,
                      (int)attempts_of(picture, path));
    }
    json_decref(picture);
    stage_done(&s);
}
END_TEST

START_TEST(a_call_that_hangs_is_killed_and_the_others_of_its_worker_are_tried_again)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_flow(&s, "steps:\n"
                   "  hangs: {agent: actor/look, input: {\"1\": [{hang: true}], do: [{give: 1}]},"
                   " timeout: {start_to_close: 300ms}}\n"
                   "  waits: {agent: actor/look, input: {\"1\": [{must: clock.sleep/1,"
                   " body: {ms: 3600000}}], do: [{give: 2}]}}\n"
                   "output: {as: [\"${ .steps.hangs.output }\", \"${ .steps.waits.output }\"]}\n");
    ck_assert_int_eq(stage_run(&s, "r", "{}"), RUN_DONE);
    json_t *picture = stage_describe(&s, "r");
    ck_assert_int_eq(attempts_of(picture, "hangs"), 2);
    ck_assert_int_eq(attempts_of(picture, "waits"), 2);
    json_decref(picture);
    stage_done(&s);
}
END_TEST

START_TEST(a_call_that_stops_when_told_hurts_nobody)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_flow(&s, "steps:\n"
                   "  late: {agent: actor/look, input: {\"1\": [{until_cancelled: true}],"
                   " do: [{give: 1}]}, timeout: {start_to_close: 300ms}}\n"
                   "  waits: {agent: actor/look, input: {do: [{must: clock.sleep/1,"
                   " body: {ms: 600}}, {give: 2}]}}\n"
                   "output: {as: [\"${ .steps.late.output }\", \"${ .steps.waits.output }\"]}\n");
    stage_run(&s, "r", "{}");
    ck_assert_msg(s.status == RUN_DONE, "%s %s", word_at(s.error, "message"), text_str(&s.log));
    json_t *picture = stage_describe(&s, "r");
    ck_assert_int_eq(attempts_of(picture, "late"), 2);
    ck_assert_int_eq(attempts_of(picture, "waits"), 1);
    json_decref(picture);
    stage_done(&s);
}
END_TEST

START_TEST(a_call_that_sees_its_deadline_before_the_host_does_has_timed_out)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_flow(&s, "steps:\n"
                   "  each: {agent: actor/look, for_each: \"${ .input.list }\", concurrency: 8,"
                   " on_item_failure: collect, retry: {max_attempts: 1},"
                   " input: {do: [{until_cancelled: true}]}, timeout: {start_to_close: 5ms}}\n"
                   "output: {as: \"${ .steps.each.output }\"}\n");
    AUTO(text_done) struct text input;
    text_init(&input, LIMIT_FILE);
    text_adds(&input, "{'list': [0");
    for (int i = 1; i < 100; i++)
        text_addf(&input, ",%d", i);
    text_adds(&input, "]}");
    ck_assert_int_eq(stage_run(&s, "r", text_str(&input)), RUN_DONE);
    for (size_t i = 0; i < 100; i++)
        ck_assert_str_eq(word_at(json_array_get(s.output, i), "error/code"), "timeout");
    stage_done(&s);
}
END_TEST

START_TEST(a_deadline_in_line_leaves_nothing_in_doubt)
{
    struct stage s;
    stage_set(&s, _i, NULL, "max_concurrency: 1", "");
    stage_flow(&s, "steps:\n"
                   "  first: {agent: wild/look, input: {do: [{must: clock.sleep/1,"
                   " body: {ms: 500}}]}}\n"
                   "  second: {agent: wild/mail, input: {do: [{give: 2}]},"
                   " retry: {max_attempts: 1}, timeout: {start_to_close: 50ms}}\n"
                   "output: {as: \"${ .steps.second.output }\"}\n");
    ck_assert_int_eq(stage_run(&s, "r", "{}"), RUN_FAILED);
    ck_assert_str_eq(word_at(s.error, "code"), "timeout");
    stage_done(&s);
}
END_TEST

START_TEST(a_plugin_that_does_not_start_is_tried_again_with_growing_waits)
{
    struct stage s;
    struct error err;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/look", ", retry: {max_attempts: 4}");
    struct host_options options = {.roster = s.roster,
                                   .worker = "/nowhere",
                                   .settled = stage_settled,
                                   .log = stage_log,
                                   .user = &s};
    ck_assert_int_eq(host_open(&options, &s.host, &err), ERR_OK);
    int64_t began = now_ms();
    stage_submit(&s, "r", "{}");
    stage_work(&s);
    ck_assert_int_eq(s.status, RUN_FAILED);
    ck_assert_str_eq(word_at(s.error, "code"), "not-started");
    ck_assert_uint_eq(count_words(text_str(&s.log), "cannot start the worker program"), 4);
    ck_assert_int_ge(now_ms() - began, 50 + 100 + 200);
    stage_done(&s);
}
END_TEST

START_TEST(a_worker_that_dies_at_every_call_is_restarted_with_growing_waits)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/look", ", retry: {max_attempts: 5}");
    int64_t began = now_ms();
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [{'die': true}]}"), RUN_FAILED);
    ck_assert_uint_eq(count_words(text_str(&s.log), "was killed by SIGKILL"), 5);
    ck_assert_int_ge(now_ms() - began, 50 + 100 + 200 + 400);
    stage_done(&s);
}
END_TEST

START_TEST(the_call_before_a_crash_is_not_the_call_after_it)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/look", "");
    stage_open(&s);
    for (int i = 0; i < 20; i++)
        stage_submit(&s, NULL,
                     i % 5 == 0 ? "{'1': [{'die': true}], 'do': [{'give': 1}]}"
                                : "{'do': [{'ask': 'clock.sleep/1', 'body': {'ms': 5}}]}");
    stage_work(&s);
    ck_assert_uint_eq(s.settled, 20);
    stage_done(&s);
}
END_TEST

START_TEST(a_hang_in_this_process_is_left_behind)
{
    struct stage s;
    stage_set(&s, (int)IN_PROCESS, NULL, "", "");
    (void)_i;
    stage_one_step(&s, "actor/look", ", timeout: {start_to_close: 50ms}");
    ck_assert_int_eq(stage_run(&s, "r", "{'1': [{'hang': true}], 'do': [{'give': 1}]}"), RUN_DONE);
    stage_done(&s);
}
END_TEST

START_TEST(a_stop_reaches_a_call_that_waits_for_its_plugin)
{
    struct stage s;
    struct error err;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "actor/look", "");
    AUTO(freep) char *worker = xasprintf("%s/silent", s.folder);
    stage_write(&s, "silent", "#!/bin/sh\nexec sleep 60\n");
    ck_assert_int_eq(chmod(worker, 0700), 0);
    struct host_options options = {.roster = s.roster,
                                   .worker = worker,
                                   .settled = stage_settled,
                                   .log = stage_log,
                                   .user = &s};
    ck_assert_int_eq(host_open(&options, &s.host, &err), ERR_OK);
    stage_submit(&s, "r", "{}");
    stage_cancel(&s, "r");
    stage_work(&s);
    ck_assert_int_eq(s.status, RUN_CANCELLED);
    ck_assert_ptr_null(strstr(text_str(&s.log), "not ready in time"));
    stage_done(&s);
}
END_TEST

static struct slot *open_expecting(struct stage *s)
{
    stage_one_step(s, "actor/look", "");
    s->expects = true;
    stage_open(s);
    return slot_of(s->host, s->flow->steps[0].call.agent);
}

START_TEST(a_worker_begins_before_its_call_and_goes_if_none_comes)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    struct slot *slot = open_expecting(&s);
    for (size_t i = 0; i < s.host->slot_count; i++)
        ck_assert_int_eq(s.host->slots[i]->state,
                         s.host->slots[i] == slot ? SLOT_STARTING : SLOT_OFF);
    stage_close(&s);
    ck_assert_str_eq(text_str(&s.log), "");
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [{'give': 1}]}"), RUN_DONE);
    stage_done(&s);
}
END_TEST

START_TEST(what_sits_in_quarantine_is_not_loaded_though_its_worker_had_begun)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    struct slot *slot = open_expecting(&s);
    slot_fault(slot, PLUGIN_BREACH, "it broke out");
    stage_close(&s);
    stage_open(&s);
    slot = slot_of(s.host, s.flow->steps[0].call.agent);
    ck_assert_int_eq(slot->state, SLOT_STARTING);
    uv_run(host_loop(s.host), UV_RUN_NOWAIT);
    ck_assert_int_eq(slot->state, SLOT_OFF);
    ck_assert_ptr_null(slot->plugin);
    stage_run(&s, "r", "{'do': [{'give': 1}]}");
    ck_assert_tells(&s, "r", "plugin-quarantined");
    stage_done(&s);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {
        a_call_that_stops_when_told_hurts_nobody,
        a_call_that_sees_its_deadline_before_the_host_does_has_timed_out,
        a_deadline_in_line_leaves_nothing_in_doubt,
        NULL,
    };
    const TTest *const in_workers[] = {
        a_read_that_crashed_is_tried_again_in_a_new_worker,
        a_write_that_crashed_before_it_sent_anything_is_tried_again,
        a_write_that_crashed_unseen_is_in_doubt,
        calls_in_line_outlive_the_worker_that_another_call_killed,
        a_call_that_hangs_is_killed_and_the_others_of_its_worker_are_tried_again,
        a_plugin_that_does_not_start_is_tried_again_with_growing_waits,
        a_worker_that_dies_at_every_call_is_restarted_with_growing_waits,
        the_call_before_a_crash_is_not_the_call_after_it,
        a_hang_in_this_process_is_left_behind,
        a_stop_reaches_a_call_that_waits_for_its_plugin,
        a_worker_begins_before_its_call_and_goes_if_none_comes,
        what_sits_in_quarantine_is_not_loaded_though_its_worker_had_begun,
        NULL,
    };
    return stage_main(__FILE__, everywhere, in_workers);
}
