/* SPDX-License-Identifier: Apache-2.0
 *
 * What is refused before anything is sent, and exactly which bytes are sent of what is not.
 */
#include "peer.h"

#include "base/limits.h"

static void answer(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection))
        peer_say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static void never_told(void *user, const struct egress_answer *answer)
{
    (void)user, (void)answer;
    ck_abort_msg("a refused request was told");
}

/* The request is refused as bad input; its text holds `words`. */
static void refused(const struct egress_request *request, const char *words)
{
    struct egress *egress = new_egress();
    struct error error = {0};
    uint64_t id = 77;
    ck_assert_int_eq(egress_send(egress, request, never_told, NULL, &id, &error), ERR_INPUT);
    ck_assert_msg(strstr(error.text, words), "\"%s\" is not in \"%s\"", words, error.text);
    ck_assert_uint_eq(id, 77);
    ck_assert_uint_eq(egress_under_way(egress), 0);
    egress_free(egress);
}

static void header_refused(const char *name, const char *value, const char *words)
{
    struct egress_header header = {name, value};
    refused(
        &(struct egress_request){
            .method = "GET", .url = "http://127.0.0.1/", .headers = &header, .header_count = 1},
        words);
}

START_TEST(a_header_that_would_end_its_line_is_refused)
{
    header_refused("X-A", "b\r\nX-C: d", "control character 0x0D");
    header_refused("X-A", "b\nX-C: d", "control character 0x0A");
    header_refused("X-A", "b\x7F", "control character 0x7F");
    header_refused("X-A", "b\x01", "control character 0x01");
    header_refused("X-A\r\nX-B", "c", "its name");
    header_refused("X-A:", "c", "its name");
    header_refused("X A", "c", "its name");
    header_refused("", "c", "its name");
}
END_TEST

START_TEST(a_header_that_is_the_hosts_own_is_refused)
{
    static const char *const names[] = {"Host",
                                        "content-length",
                                        "Transfer-Encoding",
                                        "EXPECT",
                                        "Connection",
                                        "Upgrade",
                                        "Trailer",
                                        "TE",
                                        "Proxy-Authorization",
                                        "Keep-Alive"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        header_refused(names[i], "x", "set by the host itself");
}
END_TEST

START_TEST(too_many_or_too_long_headers_are_refused)
{
    static struct egress_header many[LIMIT_HEADERS + 1];
    char *value = xcalloc(1, LIMIT_HEADER_BYTES + 1);
    memset(value, 'v', LIMIT_HEADER_BYTES);
    for (size_t i = 0; i <= LIMIT_HEADERS; i++)
        many[i] = (struct egress_header){"X-A", "b"};
    refused(&(struct egress_request){.method = "GET",
                                     .url = "http://127.0.0.1/",
                                     .headers = many,
                                     .header_count = LIMIT_HEADERS + 1},
            "the limit is 256");
    header_refused("X-A", value, "over 65536 bytes");
    free(value);
}
END_TEST

START_TEST(a_method_that_is_not_a_token_is_refused)
{
    static const char *const methods[] = {"", "GE T", "GET\r\n", "G\xC3\x84T", "GET/x", "\"GET\""};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        refused(&(struct egress_request){.method = methods[i], .url = "http://127.0.0.1/"},
                "method: expected a word");
    refused(&(struct egress_request){.method = "connect", .url = "http://127.0.0.1/"}, "tunnel");
}
END_TEST

START_TEST(a_place_that_is_not_an_address_and_a_port_is_refused)
{
    static const char *const places[] = {
        "",
        "127.0.0.1",
        "localhost:80",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "::1:80",
        "[::1]",
        "127.0.0.1:80:1",
        "127.0.0.1:+80",
        "[127.0.0.1]:80",
        "[::1:80",
        ":80",
        "127.0.0.1:80 ",
        "[]:80",
    };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        refused(&(struct egress_request){.method = "GET",
                                         .url = "http://127.0.0.1/",
                                         .connect_to = places[i]},
                "expected an address and a port");
}
END_TEST

START_TEST(a_url_or_a_timeout_that_is_wrong_is_refused)
{
    refused(&(struct egress_request){.method = "GET", .url = "file:///etc/passwd"}, "http://");
    refused(&(struct egress_request){.method = "GET", .url = "http://a@127.0.0.1/"}, "user info");
    refused(&(struct egress_request){.method = "GET", .url = "http://127.0.0.1/", .timeout_ms = -1},
            "timeout");
}
END_TEST

static void sends(const struct egress_request *request, const char *words)
{
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_egress();
    char url[128], expected[4096];
    struct egress_request changed = *request;
    snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", peer->port, request->url);
    snprintf(expected, sizeof(expected), words, peer->port);
    changed.url = url;
    changed.allow_private = true;
    ck_assert_int_eq(ask(egress, &changed).fate, FATE_ANSWERED);
    ck_assert_str_eq(peer->last, expected);
    egress_free(egress);
    peer_free(peer);
}

START_TEST(a_get_is_sent_as_it_was_asked)
{
    struct egress_header headers[] = {
        {"X-One", "a\tb  c"}, {"X-Empty", ""}, {"X-Blank", "  "}, {"Authorization", "Bearer t"}};
    sends(&(struct egress_request){.method = "GET",
                                   .url = "/%73earch;v=1?q=%20x&y=/../",
                                   .headers = headers,
                                   .header_count = 4},
          "GET /search;v=1?q=%%20x&y=/../ HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: */*\r\n"
          "X-One: a\tb  c\r\nX-Empty:\r\nX-Blank:\r\nAuthorization: Bearer t\r\n\r\n");
}
END_TEST

START_TEST(a_post_is_sent_with_its_length_and_no_type_of_its_own)
{
    sends(&(struct egress_request){.method = "POST",
                                   .url = "/book",
                                   .body = SLICE("{\"a\":\0"
                                                 "1}"),
                                   .mutating = true},
          "POST /book HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: */*\r\n"
          "Content-Length: 8\r\n\r\n{\"a\":");
    sends(&(struct egress_request){.method = "POST", .url = "/book", .mutating = true},
          "POST /book HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: */*\r\n"
          "Content-Length: 0\r\n\r\n");
}
END_TEST

START_TEST(other_methods_are_sent_as_they_are)
{
    struct egress_header type = {"content-type", "application/json"};
    sends(&(struct egress_request){.method = "PATCH",
                                   .url = "/b",
                                   .headers = &type,
                                   .header_count = 1,
                                   .body = SLICE("[]"),
                                   .mutating = true},
          "PATCH /b HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: */*\r\n"
          "content-type: application/json\r\nContent-Length: 2\r\n\r\n[]");
    sends(&(struct egress_request){.method = "DELETE", .url = "/b", .mutating = true},
          "DELETE /b HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: */*\r\n\r\n");
    sends(&(struct egress_request){.method = "GET", .url = "/b", .body = SLICE("q")},
          "GET /b HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: */*\r\nContent-Length: 1\r\n\r\nq");
    sends(&(struct egress_request){.method = "HEAD", .url = "/b"},
          "HEAD /b HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: */*\r\n\r\n");
}
END_TEST

static void answer_a_length(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection))
        peer_say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
}

START_TEST(an_answer_to_head_has_no_body)
{
    struct peer *peer = peer_new(answer_a_length);
    struct egress *egress = new_egress();
    struct call call;
    struct egress_request *request = call_init(&call, peer, "HEAD", "/x");
    request->body.len = 0;
    struct told told = ask(egress, request);
    ck_assert_int_eq(told.fate, FATE_ANSWERED);
    ck_assert_uint_eq(told.body_length, 0);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

START_TEST(the_request_is_copied)
{
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_egress();
    struct told told = {0};
    struct call call;
    char method[] = "POST", name[] = "X-A", value[] = "kept", body[] = "kept";
    struct egress_header header = {name, value};
    struct egress_request *request = call_init(&call, peer, method, "/book");
    request->headers = &header;
    request->header_count = 1;
    request->body = slice_of(body);
    start(egress, request, &told);
    memset(method, 'Z', 4), memset(name, 'Z', 3), memset(value, 'Z', 4), memset(body, 'Z', 4);
    memset(call.url, 'Z', sizeof(call.url));
    DRIVE_UNTIL(egress, NULL, told.times == 1);
    ck_assert_int_eq(told.fate, FATE_ANSWERED);
    ck_assert_ptr_null(strchr(peer->last, 'Z'));
    egress_free(egress);
    peer_free(peer);
}
END_TEST

UNIT_MAIN(a_header_that_would_end_its_line_is_refused, a_header_that_is_the_hosts_own_is_refused,
          too_many_or_too_long_headers_are_refused, a_method_that_is_not_a_token_is_refused,
          a_place_that_is_not_an_address_and_a_port_is_refused,
          a_url_or_a_timeout_that_is_wrong_is_refused, a_get_is_sent_as_it_was_asked,
          a_post_is_sent_with_its_length_and_no_type_of_its_own, other_methods_are_sent_as_they_are,
          an_answer_to_head_has_no_body, the_request_is_copied)
