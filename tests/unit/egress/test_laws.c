/* SPDX-License-Identifier: Apache-2.0
 *
 * A mutating request leaves at most once: every way in which libcurl is known to send again by
 * itself, with a server that counts. The first test fails without CURLOPT_FRESH_CONNECT.
 */
#include "peer.h"

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static void answer(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection))
        peer_say(connection, OK_EMPTY);
}

/* Answers GETs and keeps the connection; commits a POST, and drops without a word. */
static void drop_posts(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection)) {
        if (strncmp(connection->last, "POST", 4) == 0)
            return;
        peer_say(connection, OK_EMPTY);
    }
}

START_TEST(a_mutating_request_on_a_dropped_reused_connection_arrives_once)
{
    struct peer *peer = peer_new(drop_posts);
    struct egress *egress = new_egress();
    struct call call;
    ck_assert_int_eq(ask(egress, call_init(&call, peer, "GET", "/search")).fate, FATE_ANSWERED);
    atomic_store(&peer->arrivals, 0);
    struct told told = ask(egress, call_init(&call, peer, "POST", "/book"));
    ck_assert_int_eq(atomic_load(&peer->arrivals), 1);
    ck_assert_int_eq(told.fate, FATE_UNKNOWN);
    ck_assert_int_eq(atomic_load(&peer->connections), 2);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

START_TEST(a_mutating_request_leaves_no_connection_behind)
{
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_egress();
    struct call call;
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(ask(egress, call_init(&call, peer, "POST", "/book")).fate, FATE_ANSWERED);
        ck_assert_int_eq(atomic_load(&peer->connections), i);
        DRIVE_UNTIL(egress, peer, atomic_load(&peer->open) == 0);
    }
    ck_assert_int_eq(ask(egress, call_init(&call, peer, "GET", "/search")).fate, FATE_ANSWERED);
    ck_assert_int_eq(atomic_load(&peer->connections), 4);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

START_TEST(reads_reuse_their_connection)
{
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_egress();
    struct call call;
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(ask(egress, call_init(&call, peer, "GET", "/search")).fate, FATE_ANSWERED);
    call_init(&call, peer, "POST", "/search")->mutating = false;
    ck_assert_int_eq(ask(egress, &call.request).fate, FATE_ANSWERED);
    ck_assert_int_eq(atomic_load(&peer->arrivals), 6);
    ck_assert_int_eq(atomic_load(&peer->connections), 1);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

/* Drops the connection after its second request, unanswered. */
static void drop_second(struct peer *peer, struct connection *connection)
{
    (void)peer;
    if (peer_read(connection)) {
        peer_say(connection, OK_EMPTY);
        if (connection->number == 1)
            peer_read(connection);
    }
}

START_TEST(a_read_on_a_dropped_reused_connection_is_sent_again)
{
    struct peer *peer = peer_new(drop_second);
    struct egress *egress = new_egress();
    struct call call;
    ck_assert_int_eq(ask(egress, call_init(&call, peer, "GET", "/search")).fate, FATE_ANSWERED);
    ck_assert_int_eq(ask(egress, call_init(&call, peer, "GET", "/search")).fate, FATE_ANSWERED);
    ck_assert_int_eq(atomic_load(&peer->arrivals), 3);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

/* Answers a POST to /book with what the test chose. */
static const char *chosen;

static void answer_chosen(struct peer *peer, struct connection *connection)
{
    char elsewhere[512];
    (void)peer;
    while (peer_read(connection)) {
        snprintf(elsewhere, sizeof(elsewhere), chosen, peer->port);
        peer_say(connection, elsewhere);
    }
}

static void arrives_once_with_status(const char *words, bool mutating, int status)
{
    chosen = words;
    struct peer *peer = peer_new(answer_chosen);
    struct egress *egress = new_egress();
    struct call call;
    call_init(&call, peer, "POST", "/book")->mutating = mutating;
    struct told told = ask(egress, &call.request);
    ck_assert_int_eq(told.fate, FATE_ANSWERED);
    ck_assert_int_eq(told.status, status);
    ck_assert_int_eq(atomic_load(&peer->arrivals), 1);
    egress_free(egress);
    peer_free(peer);
}

START_TEST(redirects_are_answers)
{
    static const char *const words[] = {
        "HTTP/1.1 301 M\r\nLocation: http://127.0.0.1:%u/else\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 F\r\nLocation: http://127.0.0.1:%u/else\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 303 S\r\nLocation: http://127.0.0.1:%u/else\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 307 T\r\nLocation: http://127.0.0.1:%u/else\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 308 P\r\nLocation: http://127.0.0.1:%u/else\r\nContent-Length: 0\r\n\r\n",
    };
    static const int statuses[] = {301, 302, 303, 307, 308};
    for (size_t i = 0; i < 5; i++) {
        arrives_once_with_status(words[i], true, statuses[i]);
        arrives_once_with_status(words[i], false, statuses[i]);
    }
}
END_TEST

START_TEST(answers_that_ask_for_another_try_are_answers)
{
    arrives_once_with_status("HTTP/1.1 401 U\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
                             "Content-Length: 0\r\n\r\n",
                             true, 401);
    arrives_once_with_status("HTTP/1.1 401 U\r\nWWW-Authenticate: Negotiate\r\n"
                             "WWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n",
                             true, 401);
    arrives_once_with_status("HTTP/1.1 407 P\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
                             "Content-Length: 0\r\n\r\n",
                             true, 407);
    arrives_once_with_status("HTTP/1.1 408 R\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                             true, 408);
    arrives_once_with_status("HTTP/1.1 417 E\r\nContent-Length: 0\r\n\r\n", true, 417);
    arrives_once_with_status("HTTP/1.1 421 M\r\nContent-Length: 0\r\n\r\n", true, 421);
    arrives_once_with_status("HTTP/1.1 425 T\r\nContent-Length: 0\r\n\r\n", true, 425);
    arrives_once_with_status("HTTP/1.1 429 T\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n", true,
                             429);
    arrives_once_with_status("HTTP/1.1 503 S\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n", true,
                             503);
}
END_TEST

enum { LARGE = 2 << 20 }; /* libcurl asks first from 1 MB on */

/* Refuses whoever asks first; else takes the large body and answers. */
static void take_large(struct peer *peer, struct connection *connection)
{
    size_t have = 0;
    (void)peer;
    for (ssize_t got; have < LARGE; have += (size_t)got) {
        got = recv(connection->fd, connection->last, PEER_REQUEST - 1, 0);
        if (got <= 0)
            return;
        connection->last[got] = '\0';
        if (have == 0 && strcasestr(connection->last, "\r\nexpect:"))
            peer_say(connection, "HTTP/1.1 417 E\r\nContent-Length: 0\r\n\r\n");
    }
    peer_say(connection, OK_EMPTY);
    peer_wait_end(connection);
}

START_TEST(a_large_body_is_sent_without_asking_first)
{
    struct peer *peer = peer_new(take_large);
    struct egress *egress = new_egress();
    struct call call;
    struct egress_request *request = call_init(&call, peer, "POST", "/book");
    AUTO(freep) char *body = xcalloc(1, LARGE);
    request->body = (struct slice){body, LARGE};
    struct told told = ask(egress, request);
    ck_assert_int_eq(told.fate, FATE_ANSWERED);
    ck_assert_int_eq(told.status, 200);
    ck_assert_int_eq(atomic_load(&peer->connections), 1);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

START_TEST(the_environment_changes_nothing)
{
    struct peer *peer = peer_new(answer);
    char home[] = "/tmp/seam-egress-XXXXXX";
    char netrc[64];
    ck_assert_ptr_nonnull(mkdtemp(home));
    snprintf(netrc, sizeof(netrc), "%s/.netrc", home);
    FILE *file = fopen(netrc, "w");
    fputs("machine 127.0.0.1 login someone password secret\n", file);
    fclose(file);
    setenv("HOME", home, 1);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "socks5://127.0.0.1:1", 1);
    struct egress *egress = new_egress();
    struct call call;
    ck_assert_int_eq(ask(egress, call_init(&call, peer, "POST", "/book")).fate, FATE_ANSWERED);
    ck_assert_ptr_null(strcasestr(peer->last, "authorization"));
    egress_free(egress);
    peer_free(peer);
    unlink(netrc);
    rmdir(home);
}
END_TEST

static void set_cookie(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection))
        peer_say(connection,
                 "HTTP/1.1 200 OK\r\nSet-Cookie: a=b; path=/\r\nContent-Length: 0\r\n\r\n");
}

START_TEST(cookies_are_not_kept)
{
    struct peer *peer = peer_new(set_cookie);
    struct egress *egress = new_egress();
    struct call call;
    ck_assert_int_eq(ask(egress, call_init(&call, peer, "GET", "/search")).fate, FATE_ANSWERED);
    ck_assert_int_eq(ask(egress, call_init(&call, peer, "GET", "/search")).fate, FATE_ANSWERED);
    ck_assert_ptr_null(strcasestr(peer->last, "cookie"));
    egress_free(egress);
    peer_free(peer);
}
END_TEST

START_TEST(a_pinned_address_is_connected_to_and_the_name_is_sent)
{
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_egress();
    char pin[32];
    snprintf(pin, sizeof(pin), "127.0.0.1:%u", peer->port);
    struct told told = ask(egress, &(struct egress_request){.method = "POST",
                                                            .url = "http://api.invalid:8443/book",
                                                            .mutating = true,
                                                            .allow_private = true,
                                                            .connect_to = pin});
    ck_assert_int_eq(told.fate, FATE_ANSWERED);
    ck_assert_ptr_nonnull(strstr(peer->last, "Host: api.invalid:8443\r\n"));
    egress_free(egress);
    peer_free(peer);
}
END_TEST

START_TEST(a_private_address_is_denied_without_a_grant)
{
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_egress();
    struct call call;
    static const char *const spellings[] = {"127.0.0.1",  "localhost", "127.1",
                                            "0x7f000001", "[::1]",     "[::ffff:127.0.0.1]"};
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        call_init(&call, peer, "POST", "/book")->allow_private = false;
        snprintf(call.url, sizeof(call.url), "http://%s:%u/book", spellings[i], peer->port);
        struct told told = ask(egress, &call.request);
        ck_assert_int_eq(told.fate, FATE_UNSENT);
        ck_assert_msg(told.code == ERR_DENIED, "%s: %s", spellings[i], told.reason);
        ck_assert_ptr_nonnull(strstr(told.reason, "not an address of the public internet"));
    }
    ck_assert_int_eq(atomic_load(&peer->connections), 0);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

START_TEST(a_pinned_private_address_is_denied_without_a_grant)
{
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_egress();
    char pin[32];
    snprintf(pin, sizeof(pin), "127.0.0.1:%u", peer->port);
    struct told told = ask(egress, &(struct egress_request){.method = "POST",
                                                            .url = "http://api.invalid/book",
                                                            .mutating = true,
                                                            .connect_to = pin});
    ck_assert_int_eq(told.fate, FATE_UNSENT);
    ck_assert_int_eq(told.code, ERR_DENIED);
    ck_assert_int_eq(atomic_load(&peer->connections), 0);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

START_TEST(a_private_connection_of_another_request_is_not_borrowed)
{
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_egress();
    struct call call;
    ck_assert_int_eq(ask(egress, call_init(&call, peer, "GET", "/search")).fate, FATE_ANSWERED);
    call_init(&call, peer, "GET", "/search")->allow_private = false;
    struct told told = ask(egress, &call.request);
    ck_assert_int_eq(told.fate, FATE_UNSENT);
    ck_assert_int_eq(told.code, ERR_DENIED);
    ck_assert_int_eq(atomic_load(&peer->arrivals), 1);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

UNIT_MAIN(a_mutating_request_on_a_dropped_reused_connection_arrives_once,
          a_mutating_request_leaves_no_connection_behind, reads_reuse_their_connection,
          a_read_on_a_dropped_reused_connection_is_sent_again, redirects_are_answers,
          answers_that_ask_for_another_try_are_answers, a_large_body_is_sent_without_asking_first,
          the_environment_changes_nothing, cookies_are_not_kept,
          a_pinned_address_is_connected_to_and_the_name_is_sent,
          a_private_address_is_denied_without_a_grant,
          a_pinned_private_address_is_denied_without_a_grant,
          a_private_connection_of_another_request_is_not_borrowed)
