/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of an answer, line by line, from a server that is hostile.
 */
#include "unit.h"

#include "egress/egress_internal.h"

#include <string.h>

static void feed(struct head *head, const char *lines)
{
    while (*lines) {
        size_t length = strcspn(lines, "\n") + 1;
        ck_assert(head_line(head, (struct slice){lines, length}));
        lines += length;
    }
}

/* The head of these lines is complete or not, has a status, and these fields as "name=value;". */
static void reads(const char *lines, bool complete, int status, const char *fields)
{
    char found[512] = "";
    struct head head;
    head_init(&head);
    feed(&head, lines);
    struct egress_header *list = head_fields(&head);
    for (size_t i = 0; i < head.count; i++) {
        strcat(strcat(found, list[i].name), "=");
        strcat(strcat(found, list[i].value), ";");
    }
    ck_assert_int_eq(head.complete, complete);
    ck_assert_int_eq(head.status, status);
    ck_assert_str_eq(found, fields);
    free(list);
    head_done(&head);
}

START_TEST(a_head_has_a_status_and_fields)
{
    reads("HTTP/1.1 200 OK\r\nA: b\r\nC:d\r\n\r\n", true, 200, "a=b;c=d;");
    reads("HTTP/1.1 204\n\n", true, 204, "");
    reads("HTTP/2 404 \r\n\r\n", true, 404, "");
}
END_TEST

START_TEST(a_head_is_complete_only_after_its_empty_line)
{
    reads("", false, 0, "");
    reads("HTTP/1.1 200 OK\r\n", false, 200, "");
    reads("HTTP/1.1 200 OK\r\nA: b\r\n", false, 200, "a=b;");
    reads("\r\n", false, 0, "");
    reads("A: b\r\n\r\n", false, 0, "a=b;");
}
END_TEST

START_TEST(an_interim_head_is_forgotten)
{
    reads("HTTP/1.1 100 C\r\nA: b\r\n\r\n", false, 100, "a=b;");
    reads("HTTP/1.1 100 C\r\nA: b\r\n\r\nHTTP/1.1 103 E\r\nC: d\r\n\r\n"
          "HTTP/1.1 201 X\r\nE: f\r\n\r\n",
          true, 201, "e=f;");
}
END_TEST

START_TEST(what_follows_a_head_changes_nothing)
{
    reads("HTTP/1.1 200 OK\r\nA: b\r\n\r\nHTTP/1.1 500 X\r\nC: d\r\n e\r\n\r\n", true, 200, "a=b;");
}
END_TEST

START_TEST(a_status_that_is_no_number_is_none)
{
    reads("HTTP/1.1\r\n\r\n", false, 0, "");
    reads("HTTP/1.1 2x0 OK\r\n\r\n", false, 0, "");
    reads("HTTP/1.1 20\r\n", false, 0, "");
}
END_TEST

START_TEST(lines_that_are_no_fields_are_dropped)
{
    reads("HTTP/1.1 200 OK\r\nnothing\r\n: x\r\nA: b\r\n\r\n", true, 200, "a=b;");
    struct head head;
    head_init(&head);
    ck_assert(head_line(&head, SLICE("HTTP/1.1 200 OK\r\n")));
    ck_assert(head_line(&head, SLICE("A: b\0c\r\n")));
    ck_assert(head_line(&head, SLICE(" folded\r\n")));
    ck_assert_uint_eq(head.count, 0);
    head_done(&head);
}
END_TEST

START_TEST(a_folded_line_continues_its_field)
{
    reads("HTTP/1.1 200 OK\r\nA: b\r\n  c\r\n\td\r\nE: f\r\n\r\n", true, 200, "a=b c d;e=f;");
    reads("HTTP/1.1 200 OK\r\n x\r\nA: b\r\n\r\n", true, 200, "a=b;");
}
END_TEST

START_TEST(fields_are_limited_in_number_and_bytes)
{
    static char line[LIMIT_HEADER_BYTES];
    struct head head;
    head_init(&head);
    for (size_t i = 0; i < LIMIT_HEADERS; i++)
        ck_assert(head_line(&head, SLICE("a: b\r\n")));
    ck_assert(!head_line(&head, SLICE("a: b\r\n")));
    ck_assert(!head_line(&head, SLICE("\r\n")));
    ck_assert(head.over_limit);
    head_done(&head);

    head_init(&head);
    memset(line, 'a', sizeof(line));
    line[1] = ':';
    ck_assert(head_line(&head, (struct slice){line, sizeof(line)}));
    ck_assert(!head_line(&head, SLICE("a")));
    head_done(&head);
}
END_TEST

/* The head of these fields is refused, in these words; NULL: it is not. */
static void refuses(const char *fields, const char *words)
{
    char lines[512];
    struct head head;
    bool good = true;
    head_init(&head);
    snprintf(lines, sizeof(lines), "HTTP/1.1 200 OK\r\n%s\r\n", fields);
    for (const char *at = lines; *at; at += strcspn(at, "\n") + 1)
        good = head_line(&head, (struct slice){at, strcspn(at, "\n") + 1});
    ck_assert_int_eq(good, words == NULL);
    ck_assert_int_eq(head.over_limit, false);
    if (words)
        ck_assert_msg(head.refused && strstr(head.refused, words), "%s", fields);
    head_done(&head);
}

START_TEST(a_head_that_does_not_say_where_its_body_ends_is_refused)
{
    refuses("Content-Length: 5\r\n", NULL);
    refuses("Content-Length: 5\r\ncontent-length: 5\r\n", NULL);
    refuses("Transfer-Encoding: Chunked\r\n", NULL);
    refuses("Content-Length: 5\r\nContent-Length: 6\r\n", "two different");
    refuses("Content-Length: 5, 5\r\n", "no number");
    refuses("Content-Length: -1\r\n", "no number");
    refuses("Content-Length: +1\r\n", "no number");
    refuses("Content-Length: 0x10\r\n", "no number");
    refuses("Content-Length:\r\n", "no number");
    refuses("Content-Length: 1000000000000000000\r\n", "no number");
    refuses("Transfer-Encoding: gzip, chunked\r\n", "chunked");
    refuses("Transfer-Encoding: rot13\r\n", "chunked");
}
END_TEST

static int64_t retry_after(int status, const char *value)
{
    const struct egress_header headers[] = {{"date", "x"}, {"retry-after", value}};
    const struct egress_answer answer = {
        .fate = FATE_ANSWERED, .status = status, .headers = headers, .header_count = value ? 2 : 1};
    return egress_retry_after(&answer, 784111777000); /* Sun, 06 Nov 1994 08:49:37 GMT */
}

START_TEST(whoever_is_busy_says_for_how_long)
{
    ck_assert_int_eq(retry_after(429, "2"), 2000);
    ck_assert_int_eq(retry_after(503, "Sun, 06 Nov 1994 08:50:07 GMT"), 30000);
    ck_assert_int_eq(retry_after(429, "Sun, 06 Nov 1994 08:49:07 GMT"), 0);
    ck_assert_int_eq(retry_after(429, "0"), 0);
    ck_assert_int_eq(retry_after(429, "-5"), 0);
    ck_assert_int_eq(retry_after(429, ""), 0);
    ck_assert_int_eq(retry_after(429, "soon"), 0);
    ck_assert_int_eq(retry_after(429, NULL), 0);
    ck_assert_int_eq(retry_after(200, "2"), 0);
    ck_assert_int_eq(retry_after(429, "99999999999999999999999"), 365ll * 86400000);
}
END_TEST

UNIT_MAIN(a_head_has_a_status_and_fields, a_head_is_complete_only_after_its_empty_line,
          an_interim_head_is_forgotten, what_follows_a_head_changes_nothing,
          a_status_that_is_no_number_is_none, lines_that_are_no_fields_are_dropped,
          whoever_is_busy_says_for_how_long, a_folded_line_continues_its_field,
          fields_are_limited_in_number_and_bytes,
          a_head_that_does_not_say_where_its_body_ends_is_refused)
