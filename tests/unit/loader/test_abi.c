/* SPDX-License-Identifier: Apache-2.0
 *
 * The ABI suite: the same bodies for a plugin in a worker and in this process. What would take the
 * host with it (crashes, exits, rubbish on descriptors) is in test_worker.c: only a worker survives
 * it, and that is what workers are for.
 */
#include "drive.h"

START_TEST(echo_answers_what_it_was_given)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("echo"), mode);
        uint64_t id = drive_call(&d, "{\"a\":1}", 10000);
        drive_until(&d, d.count == 1);
        const struct drive_result *r = drive_result(&d, id);
        ck_assert_int_eq(r->end, CALL_COMPLETED);
        ck_assert_int_eq(r->status, SEAM_OK);
        ck_assert_uint_eq(r->effect, SEAM_EFFECT_DONE);
        ck_assert(r->begun && r->reaped);
        ck_assert_str_eq(r->body, "{\"a\":1}");
        struct plugin_counts counts = plugin_counts(d.plugin);
        ck_assert_uint_eq(counts.calls, 1);
        ck_assert_uint_eq(counts.under_way + counts.waiting + counts.stale + counts.crashes, 0);
        ck_assert_int_eq(counts.pid > 0, mode == IN_WORKER);
        drive_done(&d);
    }
}
END_TEST

START_TEST(thousands_of_calls_end_once_each)
{
    static const char *const files[] = {PLUGIN_FILE("echo"), PLUGIN_FILE("echo_nonblocking")};
    EACH_MODE(mode)
    {
        for (size_t f = 0; f < 2; f++) {
            struct drive d;
            drive_start_good(&d, files[f], mode);
            uint64_t last = 0;
            for (int i = 0; i < 5000; i++) {
                uint64_t id = drive_call(&d, "[1,2,3]", i % 2 ? -1 : 60000);
                ck_assert_uint_ne(id, last);
                last = id;
            }
            drive_until(&d, d.count == 5000);
            for (size_t i = 0; i < DRIVE_KEPT; i++)
                ck_assert_str_eq(drive_result(&d, d.results[i].call)->body, "[1,2,3]");
            ck_assert_uint_eq(plugin_counts(d.plugin).stale, 0);
            drive_done(&d);
        }
    }
}
END_TEST

START_TEST(large_inputs_and_answers_pass_whole)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("echo"), mode);
        size_t size = 1 << 20;
        char *input = malloc(size + 1);
        memset(input, '7', size);
        input[size] = '\0';
        for (int i = 0; i < 20; i++)
            drive_call(&d, input, -1);
        drive_until(&d, d.count == 20);
        for (size_t i = 0; i < 20; i++)
            ck_assert_uint_eq(d.results[i].body_len, size);
        free(input);
        drive_done(&d);
    }
}
END_TEST

START_TEST(an_answer_larger_than_a_socket_needs_no_other_word)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("answers_much"), mode);
        for (size_t i = 1; i <= 10; i++) {
            drive_call(&d, "1", -1);
            drive_until(&d, d.count == i);
            ck_assert_uint_eq(d.results[i - 1].body_len, 1 << 20);
        }
        drive_done(&d);
    }
}
END_TEST

START_TEST(calls_may_be_made_before_it_is_ready)
{
    EACH_MODE(mode)
    {
        AUTO(card_freep) struct card *card = drive_card(PLUGIN_FILE("echo"));
        struct plugin_options options = drive_options(card, mode);
        struct drive d;
        drive_start_card(&d, card, mode, &options);
        uint64_t id = drive_call(&d, "1", 10000);
        drive_until(&d, d.count == 1);
        ck_assert_uint_eq(d.ready, 1);
        ck_assert_int_eq(drive_result(&d, id)->status, SEAM_OK);
        drive_done(&d);
    }
}
END_TEST

START_TEST(a_request_is_answered_without_a_thread)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("asks"), mode);
        uint64_t calls[8];
        for (int i = 0; i < 8; i++)
            calls[i] = drive_call(&d, "{\"q\":1}", 20000);
        drive_until(&d, d.request_count == 8);
        ck_assert_str_eq(d.requests[0].op, "test.ask/1");
        ck_assert_str_eq(d.requests[0].body, "{\"q\":1}");
        for (size_t i = 8; i-- > 0;) /* in any order */
            plugin_answer(d.plugin, d.requests[i].request,
                          &(struct plugin_answer){.status = SEAM_OK, .body = SLICE("42")});
        drive_until(&d, d.count == 8);
        for (int i = 0; i < 8; i++)
            ck_assert_str_eq(drive_result(&d, calls[i])->body, "42");
        drive_done(&d);
    }
}
END_TEST

START_TEST(an_answer_comes_once_whatever_is_said_again)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("asks"), mode);
        drive_call(&d, "1", -1);
        drive_until(&d, d.request_count == 1);
        for (int i = 0; i < 3; i++)
            plugin_answer(d.plugin, d.requests[0].request,
                          &(struct plugin_answer){.status = SEAM_OK, .body = SLICE("1")});
        plugin_answer(d.plugin, 12345, &(struct plugin_answer){.status = SEAM_OK});
        uint64_t second = drive_call(&d, "2", -1);
        drive_until(&d, d.request_count == 2 && d.count == 1);
        plugin_answer(d.plugin, d.requests[1].request,
                      &(struct plugin_answer){.status = SEAM_E_DENIED, .body = SLICE("no")});
        drive_until(&d, d.count == 2);
        ck_assert_int_eq(drive_result(&d, second)->status, SEAM_E_DENIED);
        ck_assert_uint_eq(plugin_counts(d.plugin).stale, 0);
        drive_done(&d);
    }
}
END_TEST

START_TEST(request_wait_blocks_its_thread_alone)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("asks_and_waits"), mode);
        for (int i = 0; i < 4; i++)
            drive_call(&d, "\"here\"", 20000);
        drive_until(&d, d.request_count == 4);
        for (size_t i = 0; i < 4; i++)
            plugin_answer(d.plugin, d.requests[i].request,
                          &(struct plugin_answer){.status = SEAM_E_RATE_LIMITED,
                                                  .retry_after_ms = 5,
                                                  .body = SLICE("\"later\"")});
        drive_until(&d, d.count == 4);
        ck_assert_int_eq(d.results[3].status, SEAM_E_RATE_LIMITED);
        ck_assert_str_eq(d.results[3].body, "\"later\"");
        drive_done(&d);
    }
}
END_TEST

START_TEST(sleeping_is_a_request)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("sleeps"), mode);
        d.answers = true;
        drive_call(&d, "1", 20000);
        drive_until(&d, d.count == 1);
        ck_assert_str_eq(d.requests[0].op, "clock.sleep/1");
        ck_assert_str_eq(d.results[0].body, "\"slept\"");
        drive_done(&d);
    }
}
END_TEST

START_TEST(requests_of_an_ended_call_are_cancelled_once_each)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("asks_and_ends"), mode);
        drive_call(&d, "{}", -1);
        drive_until(&d, d.count == 1);
        for (size_t i = 0; i < d.request_count; i++)
            plugin_answer(d.plugin, d.requests[i].request,
                          &(struct plugin_answer){.status = SEAM_OK});
        do {
            d.count = 0;
            drive_call(&d, "1", -1);
            drive_until(&d, d.count == 1);
        } while (strcmp(d.results[0].body, "[4,0]") != 0);
        drive_done(&d);
    }
}
END_TEST

START_TEST(chunks_and_lines_arrive_in_order)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("emits"), mode);
        drive_call(&d, "1", -1);
        drive_until(&d, d.count == 1);
        ck_assert_str_eq(d.emitted, "one two three");
        ck_assert_str_eq(d.logged, "said all\\nof it\n");
        drive_done(&d);
    }
}
END_TEST

START_TEST(a_second_completion_is_counted_and_dropped)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("answers_twice"), mode);
        uint64_t id = drive_call(&d, "1", -1);
        drive_until(&d, plugin_counts(d.plugin).stale == 1);
        ck_assert_str_eq(drive_result(&d, id)->body, "1");
        drive_done(&d);
    }
}
END_TEST

START_TEST(completions_of_no_call_are_counted_and_dropped)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("answers_nobody"), mode);
        uint64_t id = drive_call(&d, "1", -1);
        drive_until(&d, d.count == 1);
        ck_assert_str_eq(drive_result(&d, id)->body, "2");
        ck_assert_uint_eq(plugin_counts(d.plugin).stale, 3);
        drive_done(&d);
    }
}
END_TEST

START_TEST(a_call_that_is_not_taken_has_done_nothing)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("takes_nothing"), mode);
        uint64_t id = drive_call(&d, "1", -1);
        drive_until(&d, d.count == 1);
        ck_assert_int_eq(drive_result(&d, id)->status, SEAM_E_UNAVAILABLE);
        ck_assert_uint_eq(drive_result(&d, id)->effect, SEAM_EFFECT_NONE);
        drive_done(&d);
    }
}
END_TEST

START_TEST(a_cancelled_call_may_still_answer)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("waits_for_cancel"), mode);
        uint64_t id = drive_call(&d, "1", -1);
        drive_until(&d, d.chunks == 1);
        plugin_cancel(d.plugin, id);
        plugin_cancel(d.plugin, id);
        drive_until(&d, d.count == 1);
        ck_assert_int_eq(drive_result(&d, id)->end, CALL_COMPLETED);
        ck_assert_int_eq(drive_result(&d, id)->status, SEAM_E_CANCELLED);
        plugin_cancel(d.plugin, id);
        ck_assert_uint_eq(plugin_counts(d.plugin).crashes, 0);
        drive_done(&d);
    }
}
END_TEST

START_TEST(an_answer_after_the_deadline_is_late)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("answers_late"), mode);
        uint64_t id = drive_call(&d, "1", 20);
        drive_until(&d, d.count == 1);
        const struct drive_result *r = drive_result(&d, id);
        ck_assert_int_eq(r->end, CALL_TIMED_OUT);
        ck_assert(r->begun && r->reaped);
        ck_assert_uint_eq(r->effect, SEAM_EFFECT_UNKNOWN);
        ck_assert_uint_eq(r->body_len, 0);
        ck_assert_uint_eq(plugin_counts(d.plugin).stale, 1);
        /* and it lives */
        uint64_t second = drive_call(&d, "1", 20);
        drive_until(&d, d.count == 2);
        ck_assert(drive_result(&d, second)->reaped);
        ck_assert_uint_eq(d.down, 0);
        drive_done(&d);
    }
}
END_TEST

START_TEST(a_call_that_waits_in_line_times_out_unbegun)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("writes"), mode);
        uint64_t first = drive_call(&d, "1", -1);
        uint64_t second = drive_call(&d, "2", 30);
        drive_until(&d, d.count == 1);
        const struct drive_result *r = drive_result(&d, second);
        ck_assert_int_eq(r->end, CALL_TIMED_OUT);
        ck_assert(!r->begun && r->reaped);
        ck_assert_uint_eq(r->effect, SEAM_EFFECT_NONE);
        drive_until(&d, d.request_count == 1);
        plugin_answer(d.plugin, d.requests[0].request, &(struct plugin_answer){.status = SEAM_OK});
        drive_until(&d, d.count == 2);
        ck_assert_int_eq(drive_result(&d, first)->end, CALL_COMPLETED);
        drive_done(&d);
    }
}
END_TEST

START_TEST(a_read_that_waits_for_a_thread_times_out_unbegun)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("asks_and_waits"), mode); /* four threads */
        for (int i = 0; i < 4; i++)
            drive_call(&d, "1", -1);
        uint64_t fifth = drive_call(&d, "5", 30);
        ck_assert_uint_eq(plugin_counts(d.plugin).waiting, 0); /* it waits in the guest */
        drive_until(&d, d.count == 1);
        const struct drive_result *r = drive_result(&d, fifth);
        ck_assert_int_eq(r->end, CALL_TIMED_OUT);
        ck_assert(!r->begun && r->reaped);
        drive_done(&d);
    }
}
END_TEST

START_TEST(a_cancelled_call_in_line_never_begins)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("writes"), mode);
        drive_call(&d, "1", -1);
        uint64_t second = drive_call(&d, "2", -1), third = drive_call(&d, "3", -1);
        drive_until(&d, d.request_count == 1);
        plugin_cancel(d.plugin, second);
        ck_assert_uint_eq(d.count, 0); /* callbacks come from the dispatch alone */
        drive_until(&d, d.count == 1);
        ck_assert_int_eq(drive_result(&d, second)->status, SEAM_E_CANCELLED);
        ck_assert(!drive_result(&d, second)->begun);
        d.answers = true;
        plugin_answer(d.plugin, d.requests[0].request, &(struct plugin_answer){.status = SEAM_OK});
        drive_until(&d, d.count == 3);
        ck_assert_str_eq(drive_result(&d, third)->body, "3");
        drive_done(&d);
    }
}
END_TEST

START_TEST(an_answer_over_the_limit_breaks_the_abi)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("returns_huge"), mode);
        uint64_t id = drive_call(&d, "1", -1);
        drive_until(&d, d.count == 1);
        ck_assert_int_eq(drive_result(&d, id)->end, CALL_BROKE_ABI);
        ck_assert_ptr_nonnull(strstr(drive_result(&d, id)->reason, "1073741824"));
        ck_assert_ptr_nonnull(strstr(drive_result(&d, id)->reason, "1048576"));
        drive_done(&d);
    }
}
END_TEST

START_TEST(a_reply_that_is_none_breaks_the_abi)
{
    static const char *const inputs[] = {"0", "1", "2"};
    static const char *const words[] = {"sizeof(seam_reply)", "sizeof(seam_reply)", "NULL"};
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("returns_nonsense"), mode);
        for (size_t i = 0; i < 3; i++) {
            uint64_t id = drive_call(&d, inputs[i], -1);
            drive_until(&d, d.count == i + 1);
            ck_assert_int_eq(drive_result(&d, id)->end, CALL_BROKE_ABI);
            ck_assert_ptr_nonnull(strstr(drive_result(&d, id)->reason, words[i]));
        }
        drive_done(&d);
    }
}
END_TEST

START_TEST(invalid_utf8_breaks_the_abi)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("invalid_utf8"), mode);
        uint64_t id = drive_call(&d, "1", -1);
        drive_until(&d, d.count == 1);
        ck_assert_int_eq(drive_result(&d, id)->end, CALL_BROKE_ABI);
        ck_assert_uint_eq(d.chunks, 0);
        ck_assert_str_eq(d.logged, "log \\xff\\x1b[31m\n");
        drive_done(&d);
    }
}
END_TEST

START_TEST(an_unknown_status_is_an_internal_error)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("unknown_status"), mode);
        uint64_t id = drive_call(&d, "1", -1);
        drive_until(&d, d.count == 1);
        ck_assert_int_eq(drive_result(&d, id)->end, CALL_COMPLETED);
        ck_assert_int_eq(drive_result(&d, id)->status, SEAM_E_INTERNAL);
        ck_assert_uint_eq(drive_result(&d, id)->effect, SEAM_EFFECT_UNKNOWN);
        ck_assert_ptr_nonnull(strstr(drive_result(&d, id)->reason, "77"));
        drive_done(&d);
    }
}
END_TEST

START_TEST(a_flood_is_cut_and_does_not_starve_others)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("floods_logs"), mode);
        uint64_t flood = drive_call(&d, "{}", -1);
        drive_until(&d, d.lines > 0);
        for (size_t i = 0; i < 20; i++) {
            drive_call(&d, "1", 20000);
            drive_until(&d, d.count == i + 1);
        }
        plugin_cancel(d.plugin, flood);
        drive_until(&d, d.count == 21);
        ck_assert_int_eq(drive_result(&d, flood)->status, SEAM_E_CANCELLED);
        ck_assert_uint_gt(plugin_counts(d.plugin).stale, 0);
        drive_done(&d);
    }
}
END_TEST

START_TEST(what_a_flood_lost_is_told_when_its_call_is_over)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("floods_logs"), mode);
        uint64_t flood = drive_call(&d, "{}", -1);
        drive_until(&d, d.lines >= LIMIT_LOG_LINES);
        plugin_cancel(d.plugin, flood);
        drive_until(&d, d.count == 1);
        drive_done(&d);
        ck_assert_ptr_nonnull(strstr(d.logged, " lines of this plugin were dropped"));
    }
}
END_TEST

START_TEST(an_agent_that_blocks_the_loop_gets_a_thread)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("blocks_the_loop"), mode);
        drive_call(&d, "1", -1);
        drive_until(&d, d.count == 1 && d.lines == 1);
        ck_assert_ptr_nonnull(strstr(d.logged, "\"act\" is declared nonblocking"));
        for (int i = 0; i < 4; i++)
            drive_call(&d, "1", -1);
        drive_until(&d, d.count == 5);
        ck_assert_uint_eq(d.lines, 1);
        drive_done(&d);
    }
}
END_TEST

UNIT_MAIN(echo_answers_what_it_was_given, thousands_of_calls_end_once_each,
          large_inputs_and_answers_pass_whole, an_answer_larger_than_a_socket_needs_no_other_word,
          calls_may_be_made_before_it_is_ready, a_request_is_answered_without_a_thread,
          an_answer_comes_once_whatever_is_said_again, request_wait_blocks_its_thread_alone,
          sleeping_is_a_request, requests_of_an_ended_call_are_cancelled_once_each,
          chunks_and_lines_arrive_in_order, a_second_completion_is_counted_and_dropped,
          completions_of_no_call_are_counted_and_dropped, a_call_that_is_not_taken_has_done_nothing,
          a_cancelled_call_may_still_answer, an_answer_after_the_deadline_is_late,
          a_call_that_waits_in_line_times_out_unbegun,
          a_read_that_waits_for_a_thread_times_out_unbegun, a_cancelled_call_in_line_never_begins,
          an_answer_over_the_limit_breaks_the_abi, a_reply_that_is_none_breaks_the_abi,
          invalid_utf8_breaks_the_abi, an_unknown_status_is_an_internal_error,
          a_flood_is_cut_and_does_not_starve_others,
          what_a_flood_lost_is_told_when_its_call_is_over,
          an_agent_that_blocks_the_loop_gets_a_thread)
