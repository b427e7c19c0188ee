/* SPDX-License-Identifier: Apache-2.0
 *
 * Server-sent events, cut at every byte: the standard's own cases, and its limits.
 */
#include <seam/sse.h>

#include "base/text.h"
#include "unit.h"

#include <stdio.h>

static void take_all(seam_sse *sse, struct text *out)
{
    for (seam_sse_event event; seam_sse_next(sse, &event);)
        text_addf(out, "%.*s|%.*s|%.*s;", (int)event.type.len, event.type.ptr, (int)event.data.len,
                  event.data.ptr, (int)event.id.len, event.id.ptr ? event.id.ptr : "");
}

static void check(const char *stream, const char *expected)
{
    for (size_t piece = 1; piece <= strlen(stream); piece++) {
        AUTO(text_done) struct text out;
        seam_sse sse;
        text_init(&out, 1 << 16);
        seam_sse_init(&sse, 1000);
        for (size_t at = 0; at < strlen(stream); at += piece) {
            size_t left = strlen(stream) - at;
            seam_sse_feed(&sse, stream + at, left < piece ? left : piece);
            take_all(&sse, &out);
        }
        ck_assert_msg(strcmp(text_str(&out), expected) == 0, "in pieces of %zu: %s", piece,
                      text_str(&out));
        seam_sse_done(&sse);
    }
}

START_TEST(events_are_lines_up_to_an_empty_one)
{
    check("data: YHOO\ndata: +2\ndata: 10\n\n", "message|YHOO\n+2\n10|;");
    check(": comment\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n",
          "message|first|1;message|second|;message| third|;");
    check("data\n\ndata\ndata\n\ndata:", "message||;message|\n|;");
    check("event: add\ndata: 1\n\ndata: 2\n\n", "add|1|;message|2|;");
    check("event: none\n\ndata: x\n\n", "message|x|;");
    check("retry: 5\nunknown: y\ndata: [DONE]\n\n", "message|[DONE]|;");
}
END_TEST

START_TEST(lines_end_in_any_of_three_ways)
{
    check("data: a\r\ndata: b\r\n\r\ndata: c\r\rdata: d\n\n",
          "message|a\nb|;message|c|;message|d|;");
    check("data: a\r\n\ndata: b\n\r\n", "message|a|;message|b|;");
}
END_TEST

START_TEST(a_mark_of_byte_order_is_no_text)
{
    check("\xEF\xBB\xBF"
          "data: x\n\n",
          "message|x|;");
    check("\xEF\xBB: y\ndata: x\n\n", "message|x|;");
}
END_TEST

START_TEST(what_has_no_end_is_not_kept)
{
    seam_sse sse;
    seam_sse_event event;
    seam_sse_init(&sse, 100);
    for (int i = 0; i < 1000; i++)
        seam_sse_feed(&sse, "data: for ever ", 15);
    ck_assert(!seam_sse_next(&sse, &event) && sse.overflowed && sse.fed.room <= 1000);
    seam_sse_done(&sse);
    seam_sse_init(&sse, 100);
    for (int i = 0; i < 100; i++) {
        seam_sse_feed(&sse, "data: line\n", 11);
        ck_assert(!seam_sse_next(&sse, &event));
    }
    ck_assert(sse.overflowed && sse.data.room <= 1000);
    seam_sse_done(&sse);
}
END_TEST

START_TEST(the_wait_before_the_next_try_is_a_number)
{
    static const struct {
        const char *stream;
        uint32_t ms;
    } cases[] = {{"retry: 500\n\n", 500},
                 {"data: x\n\n", 0},
                 {"retry: 5s\n\n", 0},
                 {"retry: -1\n\n", 0},
                 {"retry: 7\nretry: x\n\n", 7}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        seam_sse sse;
        seam_sse_event event;
        seam_sse_init(&sse, 100);
        seam_sse_feed(&sse, cases[i].stream, strlen(cases[i].stream));
        (void)seam_sse_next(&sse, &event);
        ck_assert_uint_eq(sse.retry_ms, cases[i].ms);
        seam_sse_done(&sse);
    }
}
END_TEST

UNIT_MAIN(events_are_lines_up_to_an_empty_one, lines_end_in_any_of_three_ways,
          a_mark_of_byte_order_is_no_text, what_has_no_end_is_not_kept,
          the_wait_before_the_next_try_is_a_number)
