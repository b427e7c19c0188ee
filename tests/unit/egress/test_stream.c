/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers that are read as they come: each piece when it is there, the other side held back while
 * nobody reads, and an end that says what was not read.
 */
#include "peer.h"

#include "base/limits.h"

enum { LARGE = 4 << 20, PIECE = 10000 };

#define HEAD "HTTP/1.1 200 OK\r\nX-Kind: stream\r\nConnection: close\r\n\r\n"

/* The client's side of one stream. */
struct tap {
    struct egress *egress;
    struct told told; /* the end */
    uint64_t id;
    int news, status;
    char headers[256];
    bool read_at_once, abort_at_once;
    struct text got;
};

static void take_news(void *user, const struct egress_answer *head)
{
    struct tap *tap = user;
    tap->news++;
    tap->status = head->status;
    if (head->header_count > 0)
        snprintf(tap->headers, sizeof(tap->headers), "%s: %s", head->headers[0].name,
                 head->headers[0].value);
    ck_assert_ptr_null(head->body.ptr);
    if (tap->read_at_once)
        egress_read(tap->egress, tap->id, SIZE_MAX, &tap->got);
    if (tap->abort_at_once)
        egress_abort(tap->egress, tap->id);
}

static void take_end(void *user, const struct egress_answer *answer)
{
    struct tap *tap = user;
    take_answer(&tap->told, answer);
    text_add(&tap->got, answer->body.ptr, answer->body.len);
}

static void open_tap(struct tap *tap, struct peer *peer, size_t maximum)
{
    struct call call;
    struct egress_request *request = call_init(&call, peer, "GET", "/stream");
    request->arrived = take_news;
    request->maximum = maximum;
    tap->egress = new_egress();
    text_init(&tap->got, SIZE_MAX / 2);
    ck_assert_int_eq(egress_send(tap->egress, request, take_end, tap, &tap->id, NULL), ERR_OK);
}

static void close_tap(struct tap *tap)
{
    egress_free(tap->egress);
    text_done(&tap->got);
}

static void two_words(struct peer *peer, struct connection *connection)
{
    if (!peer_read(connection))
        return;
    peer_say(connection, HEAD);
    sem_wait(&peer->gate);
    peer_say(connection, "one ");
    sem_wait(&peer->gate);
    peer_say(connection, "two");
}

START_TEST(each_piece_is_there_when_it_comes)
{
    struct peer *peer = peer_new(two_words);
    struct tap tap = {.read_at_once = true};
    open_tap(&tap, peer, 0);
    DRIVE_UNTIL(tap.egress, NULL, tap.news == 1);
    ck_assert_int_eq(tap.status, 200);
    ck_assert_str_eq(tap.headers, "x-kind: stream");
    ck_assert_uint_eq(tap.got.len, 0);
    sem_post(&peer->gate);
    DRIVE_UNTIL(tap.egress, NULL, tap.got.len == 4);
    ck_assert_int_eq(tap.told.times, 0);
    sem_post(&peer->gate);
    DRIVE_UNTIL(tap.egress, NULL, tap.told.times == 1);
    ck_assert_int_eq(tap.told.fate, FATE_ANSWERED);
    ck_assert_str_eq(text_str(&tap.got), "one two");
    ck_assert_uint_eq(egress_read(tap.egress, tap.id, 1, &tap.got), 0);
    close_tap(&tap);
    peer_free(peer);
}
END_TEST

static void say_much(struct peer *peer, struct connection *connection)
{
    char piece[PIECE + 1];
    (void)peer;
    if (!peer_read(connection))
        return;
    peer_say(connection, HEAD);
    for (int i = 0; i < LARGE / PIECE; i++) {
        memset(piece, 'a' + i % 26, PIECE);
        piece[PIECE] = '\0';
        peer_say(connection, piece);
    }
}

START_TEST(who_sends_waits_for_who_reads)
{
    struct peer *peer = peer_new(say_much);
    struct tap tap = {0};
    open_tap(&tap, peer, LARGE);
    DRIVE_UNTIL(tap.egress, NULL, tap.news == 1);
    /* all that comes without being read: then nothing moves any more */
    for (struct pollfd fd = {.fd = egress_fd(tap.egress), .events = POLLIN}; poll(&fd, 1, 200) > 0;)
        egress_dispatch(tap.egress);
    ck_assert_int_eq(tap.told.times, 0);
    size_t lay = egress_read(tap.egress, tap.id, SIZE_MAX, &tap.got);
    ck_assert_msg(lay > 0 && lay <= LIMIT_STREAM_WINDOW, "%zu bytes lay there", lay);
    tap.read_at_once = true;
    DRIVE_UNTIL(tap.egress, NULL, tap.told.times == 1);
    ck_assert_int_eq(tap.told.fate, FATE_ANSWERED);
    ck_assert_uint_eq(tap.got.len, LARGE / PIECE * PIECE);
    for (size_t i = 0; i < tap.got.len; i++)
        ck_assert_msg(tap.got.ptr[i] == (char)('a' + i / PIECE % 26), "byte %zu", i);
    close_tap(&tap);
    peer_free(peer);
}
END_TEST

START_TEST(reading_takes_no_more_than_was_asked_for)
{
    struct peer *peer = peer_new(two_words);
    struct tap tap = {0};
    open_tap(&tap, peer, 0);
    DRIVE_UNTIL(tap.egress, NULL, tap.news == 1);
    sem_post(&peer->gate);
    DRIVE_UNTIL(tap.egress, NULL, tap.news == 2);
    ck_assert_uint_eq(egress_read(tap.egress, tap.id, 3, &tap.got), 3);
    ck_assert_str_eq(text_str(&tap.got), "one");
    sem_post(&peer->gate);
    DRIVE_UNTIL(tap.egress, NULL, tap.told.times == 1);
    ck_assert_str_eq(text_str(&tap.got), "one two");
    ck_assert_str_eq(tap.told.body, " two");
    close_tap(&tap);
    peer_free(peer);
}
END_TEST

static void cut(struct peer *peer, struct connection *connection)
{
    (void)peer;
    if (peer_read(connection))
        peer_say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
}

START_TEST(what_came_before_a_cut_is_told_with_it)
{
    struct peer *peer = peer_new(cut);
    struct tap tap = {0};
    open_tap(&tap, peer, 0);
    DRIVE_UNTIL(tap.egress, NULL, tap.told.times == 1);
    ck_assert_int_eq(tap.told.fate, FATE_UNKNOWN);
    ck_assert_str_eq(text_str(&tap.got), "half");
    close_tap(&tap);
    peer_free(peer);
}
END_TEST

START_TEST(all_of_it_has_a_limit_read_or_not)
{
    struct peer *peer = peer_new(say_much);
    struct tap tap = {.read_at_once = true};
    open_tap(&tap, peer, LARGE / 2);
    DRIVE_UNTIL(tap.egress, NULL, tap.told.times == 1);
    ck_assert_int_eq(tap.told.code, ERR_LIMIT);
    ck_assert_uint_le(tap.got.len, LARGE / 2);
    close_tap(&tap);
    peer_free(peer);
}
END_TEST

START_TEST(who_hears_news_may_abort)
{
    struct peer *peer = peer_new(two_words);
    struct tap tap = {.abort_at_once = true};
    open_tap(&tap, peer, 0);
    DRIVE_UNTIL(tap.egress, NULL, tap.told.times == 1);
    ck_assert_int_eq(tap.told.code, ERR_IO);
    ck_assert_uint_eq(egress_under_way(tap.egress), 0);
    close_tap(&tap);
    peer_free(peer);
}
END_TEST

UNIT_MAIN(each_piece_is_there_when_it_comes, who_sends_waits_for_who_reads,
          reading_takes_no_more_than_was_asked_for, what_came_before_a_cut_is_told_with_it,
          all_of_it_has_a_limit_read_or_not, who_hears_news_may_abort)
