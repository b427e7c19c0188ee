/* SPDX-License-Identifier: Apache-2.0
 *
 * What happened to the bytes: each way in which a server can misbehave, and what may be said of it.
 * UNSENT is only said where the server can prove that nothing came.
 */
#include "peer.h"

#include "base/limits.h"

/* One POST to a peer with a script; the peer's arrivals come back by ret_arrivals. */
static struct told post_to(peer_script script, int *ret_arrivals)
{
    struct peer *peer = peer_new(script);
    struct egress *egress = new_egress();
    struct call call;
    struct told told = ask(egress, call_init(&call, peer, "POST", "/book"));
    egress_free(egress);
    int arrivals = atomic_load(&peer->arrivals);
    peer_free(peer);
    *ret_arrivals = arrivals;
    return told;
}

static void answer_whole(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection))
        peer_say(connection, "HTTP/1.1 201 Created\r\nX-One:  a b \r\nx-two:\r\n"
                             "Content-Length: 5\r\n\r\nhello");
}

START_TEST(a_whole_answer_is_answered)
{
    int arrivals;
    struct told told = post_to(answer_whole, &arrivals);
    ck_assert_int_eq(told.fate, FATE_ANSWERED);
    ck_assert_int_eq(told.status, 201);
    ck_assert_str_eq(told.body, "hello");
    ck_assert_str_eq(told.headers, "x-one: a b\nx-two: \ncontent-length: 5\n");
    ck_assert_int_eq(arrivals, 1);
}
END_TEST

static void answer_late(struct peer *peer, struct connection *connection)
{
    (void)peer;
    if (peer_read(connection))
        peer_say(connection, "HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n"
                             "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                             "HTTP/1.1 200 OK\r\nX-Late: 1\r\nContent-Length: 2\r\n\r\nok");
}

START_TEST(interim_answers_are_passed_over)
{
    int arrivals;
    struct told told = post_to(answer_late, &arrivals);
    ck_assert_int_eq(told.fate, FATE_ANSWERED);
    ck_assert_int_eq(told.status, 200);
    ck_assert_str_eq(told.headers, "x-late: 1\ncontent-length: 2\n");
    ck_assert_str_eq(told.body, "ok");
}
END_TEST

static void answer_interim_only(struct peer *peer, struct connection *connection)
{
    (void)peer;
    if (peer_read(connection))
        peer_say(connection, "HTTP/1.1 100 Continue\r\n\r\n");
}

START_TEST(an_interim_answer_alone_is_unknown)
{
    int arrivals;
    struct told told = post_to(answer_interim_only, &arrivals);
    ck_assert_int_eq(told.fate, FATE_UNKNOWN);
    ck_assert_int_eq(told.code, ERR_IO);
    ck_assert_int_eq(arrivals, 1);
}
END_TEST

static void switch_protocols(struct peer *peer, struct connection *connection)
{
    (void)peer;
    if (peer_read(connection))
        peer_say(connection, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nbytes");
}

START_TEST(a_switch_of_protocols_is_no_answer)
{
    int arrivals;
    struct told told = post_to(switch_protocols, &arrivals);
    ck_assert_int_eq(told.fate, FATE_UNKNOWN);
    ck_assert_int_eq(arrivals, 1);
}
END_TEST

static void drop_after_commit(struct peer *peer, struct connection *connection)
{
    (void)peer;
    peer_read(connection);
}

START_TEST(a_drop_after_the_commit_is_unknown)
{
    int arrivals;
    struct told told = post_to(drop_after_commit, &arrivals);
    ck_assert_int_eq(told.fate, FATE_UNKNOWN);
    ck_assert_int_eq(told.code, ERR_IO);
    ck_assert_ptr_nonnull(strstr(told.reason, "127.0.0.1:"));
    ck_assert_ptr_nonnull(strstr(told.reason, "bytes of the request were sent"));
    ck_assert_int_eq(arrivals, 1);
}
END_TEST

static void reset_after_commit(struct peer *peer, struct connection *connection)
{
    (void)peer;
    peer_read(connection);
    peer_reset(connection);
}

START_TEST(a_reset_after_the_commit_is_unknown)
{
    int arrivals;
    struct told told = post_to(reset_after_commit, &arrivals);
    ck_assert_int_eq(told.fate, FATE_UNKNOWN);
    ck_assert_int_eq(arrivals, 1);
}
END_TEST

static void reset_at_once(struct peer *peer, struct connection *connection)
{
    (void)peer;
    peer_reset(connection);
}

START_TEST(a_reset_at_once_is_never_answered)
{
    int arrivals;
    struct told told = post_to(reset_at_once, &arrivals);
    ck_assert_int_ne(told.fate, FATE_ANSWERED);
    ck_assert_int_eq(told.code, ERR_IO);
    ck_assert_int_eq(arrivals, 0);
}
END_TEST

static void close_at_once(struct peer *peer, struct connection *connection)
{
    (void)peer, (void)connection;
}

START_TEST(a_close_at_once_is_never_answered)
{
    int arrivals;
    struct told told = post_to(close_at_once, &arrivals);
    ck_assert_int_ne(told.fate, FATE_ANSWERED);
    ck_assert_int_eq(arrivals, 0);
}
END_TEST

static void read_half(struct peer *peer, struct connection *connection)
{
    char some[40];
    (void)peer;
    ck_assert_int_gt(recv(connection->fd, some, sizeof(some), MSG_WAITALL), 0);
    peer_reset(connection);
}

START_TEST(a_request_read_in_half_is_unknown)
{
    int arrivals;
    struct told told = post_to(read_half, &arrivals);
    ck_assert_int_eq(told.fate, FATE_UNKNOWN);
}
END_TEST

static void answer_half(struct peer *peer, struct connection *connection)
{
    (void)peer;
    if (peer_read(connection))
        peer_say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
}

START_TEST(half_a_body_is_unknown_and_names_the_status)
{
    int arrivals;
    struct told told = post_to(answer_half, &arrivals);
    ck_assert_int_eq(told.fate, FATE_UNKNOWN);
    ck_assert_int_eq(told.status, 0);
    ck_assert_ptr_nonnull(strstr(told.reason, "status 200"));
    ck_assert_uint_eq(told.body_length, 0);
    ck_assert_int_eq(arrivals, 1);
}
END_TEST

static void answer_chunks_cut(struct peer *peer, struct connection *connection)
{
    (void)peer;
    if (peer_read(connection))
        peer_say(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
}

START_TEST(chunks_without_their_end_are_unknown)
{
    int arrivals;
    ck_assert_int_eq(post_to(answer_chunks_cut, &arrivals).fate, FATE_UNKNOWN);
}
END_TEST

static void answer_chunks(struct peer *peer, struct connection *connection)
{
    (void)peer;
    if (peer_read(connection))
        peer_say(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "5\r\nhello\r\n0\r\nX-Status: spoof\r\nHTTP/1.1 500 Spoof: 1\r\n\r\n");
}

START_TEST(trailers_are_not_headers)
{
    int arrivals;
    struct told told = post_to(answer_chunks, &arrivals);
    ck_assert_int_eq(told.fate, FATE_ANSWERED);
    ck_assert_int_eq(told.status, 200);
    ck_assert_str_eq(told.headers, "transfer-encoding: chunked\n");
    ck_assert_str_eq(told.body, "hello");
}
END_TEST

static void answer_until_close(struct peer *peer, struct connection *connection)
{
    (void)peer;
    if (peer_read(connection))
        peer_say(connection, "HTTP/1.0 200 OK\r\n\r\nhello");
}

START_TEST(a_body_that_ends_with_its_connection_is_answered)
{
    int arrivals;
    struct told told = post_to(answer_until_close, &arrivals);
    ck_assert_int_eq(told.fate, FATE_ANSWERED);
    ck_assert_str_eq(told.body, "hello");
}
END_TEST

static void answer_half_a_head(struct peer *peer, struct connection *connection)
{
    (void)peer;
    if (peer_read(connection))
        peer_say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
}

START_TEST(half_a_head_is_unknown)
{
    int arrivals;
    struct told told = post_to(answer_half_a_head, &arrivals);
    ck_assert_int_eq(told.fate, FATE_UNKNOWN);
    ck_assert_ptr_nonnull(strstr(told.reason, "status 200"));
}
END_TEST

static void answer_garbage(struct peer *peer, struct connection *connection)
{
    (void)peer;
    if (peer_read(connection))
        peer_say(connection, "hello, this is not HTTP at all\r\n\r\n");
}

START_TEST(garbage_is_unknown)
{
    int arrivals;
    ck_assert_int_eq(post_to(answer_garbage, &arrivals).fate, FATE_UNKNOWN);
    ck_assert_int_eq(arrivals, 1);
}
END_TEST

static void answer_and_refuse_early(struct peer *peer, struct connection *connection)
{
    char some[16];
    (void)peer;
    if (recv(connection->fd, some, sizeof(some), MSG_WAITALL) > 0)
        peer_say(connection, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    peer_wait_end(connection);
}

START_TEST(an_answer_before_the_whole_request_is_answered)
{
    struct peer *peer = peer_new(answer_and_refuse_early);
    struct egress *egress = new_egress();
    struct call call;
    struct egress_request *request = call_init(&call, peer, "POST", "/book");
    size_t size = 8u << 20;
    char *body = xcalloc(1, size);
    request->body = (struct slice){body, size};
    struct told told = ask(egress, request);
    ck_assert_int_eq(told.fate, FATE_ANSWERED);
    ck_assert_int_eq(told.status, 413);
    free(body);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

static void never_answer(struct peer *peer, struct connection *connection)
{
    (void)peer;
    if (peer_read(connection))
        peer_wait_end(connection);
}

START_TEST(no_answer_in_time_is_unknown)
{
    struct peer *peer = peer_new(never_answer);
    struct egress *egress = new_egress();
    struct call call;
    call_init(&call, peer, "POST", "/book")->timeout_ms = 200;
    struct told told = ask(egress, &call.request);
    ck_assert_int_eq(told.fate, FATE_UNKNOWN);
    ck_assert_int_eq(told.code, ERR_TIMEOUT);
    ck_assert_uint_eq(egress_under_way(egress), 0);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

START_TEST(a_refused_connection_is_unsent)
{
    struct egress *egress = new_egress();
    struct peer nobody = {0};
    int fd = peer_bind(&nobody.port); /* bound, and not listening: nobody else can take the port */
    struct call call;
    struct told told = ask(egress, call_init(&call, &nobody, "POST", "/book"));
    ck_assert_int_eq(told.fate, FATE_UNSENT);
    ck_assert_int_eq(told.code, ERR_IO);
    ck_assert_ptr_nonnull(strstr(told.reason, "no byte of the request was sent"));
    egress_free(egress);
    close(fd);
}
END_TEST

START_TEST(a_name_that_does_not_resolve_is_unsent)
{
    struct egress *egress = new_egress();
    struct told told =
        ask(egress, &(struct egress_request){.method = "POST",
                                             .url = "http://no-such-host.invalid/book",
                                             .mutating = true,
                                             .timeout_ms = 20000});
    ck_assert_int_eq(told.fate, FATE_UNSENT);
    ck_assert_ptr_nonnull(strstr(told.reason, "no-such-host.invalid:80"));
    egress_free(egress);
}
END_TEST

START_TEST(tls_to_a_port_without_it_is_unsent)
{
    struct peer *peer = peer_new(answer_garbage);
    struct egress *egress = new_egress();
    struct call call;
    struct egress_request *request = call_init(&call, peer, "POST", "/book");
    peer->script = close_at_once;
    snprintf(call.url, sizeof(call.url), "https://127.0.0.1:%u/book", peer->port);
    struct told told = ask(egress, request);
    ck_assert_int_eq(told.fate, FATE_UNSENT);
    ck_assert_int_eq(told.code, ERR_IO);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

static void answer_large(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection))
        peer_say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
}

START_TEST(a_body_up_to_the_maximum_is_taken_and_one_byte_more_ends_it)
{
    struct peer *peer = peer_new(answer_large);
    struct egress *egress = new_egress();
    struct call call;
    call_init(&call, peer, "POST", "/book")->maximum = 10;
    ck_assert_int_eq(ask(egress, &call.request).fate, FATE_ANSWERED);
    call.request.maximum = 9;
    struct told told = ask(egress, &call.request);
    ck_assert_int_eq(told.fate, FATE_UNKNOWN);
    ck_assert_int_eq(told.code, ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(told.reason, "9 bytes"));
    ck_assert_ptr_nonnull(strstr(told.reason, "status 200"));
    egress_free(egress);
    peer_free(peer);
}
END_TEST

static void answer_headers_for_ever(struct peer *peer, struct connection *connection)
{
    (void)peer;
    if (!peer_read(connection))
        return;
    peer_say(connection, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 100000; i++)
        peer_say(connection, "X: y\r\n");
}

static void answer_interim_for_ever(struct peer *peer, struct connection *connection)
{
    (void)peer;
    if (!peer_read(connection))
        return;
    for (int i = 0; i < 100000; i++)
        peer_say(connection, "HTTP/1.1 102 Processing\r\n\r\n");
}

START_TEST(headers_and_interim_answers_are_bounded)
{
    int arrivals;
    struct told told = post_to(answer_headers_for_ever, &arrivals);
    ck_assert_int_eq(told.fate, FATE_UNKNOWN);
    ck_assert_int_eq(told.code, ERR_LIMIT);
    told = post_to(answer_interim_for_ever, &arrivals);
    ck_assert_int_eq(told.fate, FATE_UNKNOWN);
    ck_assert_int_eq(told.code, ERR_LIMIT);
}
END_TEST

UNIT_MAIN(a_whole_answer_is_answered, interim_answers_are_passed_over,
          an_interim_answer_alone_is_unknown, a_switch_of_protocols_is_no_answer,
          a_drop_after_the_commit_is_unknown, a_reset_after_the_commit_is_unknown,
          a_reset_at_once_is_never_answered, a_close_at_once_is_never_answered,
          a_request_read_in_half_is_unknown, half_a_body_is_unknown_and_names_the_status,
          chunks_without_their_end_are_unknown, trailers_are_not_headers,
          a_body_that_ends_with_its_connection_is_answered, half_a_head_is_unknown,
          garbage_is_unknown, an_answer_before_the_whole_request_is_answered,
          no_answer_in_time_is_unknown, a_refused_connection_is_unsent,
          a_name_that_does_not_resolve_is_unsent, tls_to_a_port_without_it_is_unsent,
          a_body_up_to_the_maximum_is_taken_and_one_byte_more_ends_it,
          headers_and_interim_answers_are_bounded)
