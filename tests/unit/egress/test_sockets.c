/* SPDX-License-Identifier: Apache-2.0
 *
 * Sockets are counted while they are open and no longer: also those that libcurl closes without a
 * word, for they never came to be a connection.
 */
#include "peer.h"

#include "egress/egress_internal.h"

#include <fcntl.h>

enum { MANY = 50 };

static int open_one(struct sockets *sockets)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    sockets_add(sockets, fd);
    return fd;
}

START_TEST(what_is_told_of_is_counted_at_once)
{
    struct sockets sockets = {0};
    int one = open_one(&sockets), two = open_one(&sockets);
    ck_assert(!sockets_exceed(&sockets, 2));
    ck_assert(sockets_exceed(&sockets, 1));
    sockets_drop(&sockets, one);
    sockets_drop(&sockets, one);
    ck_assert(!sockets_exceed(&sockets, 1));
    ck_assert(sockets_exceed(&sockets, 0));
    sockets_drop(&sockets, 1 << 20);
    ck_assert(sockets_exceed(&sockets, 0));
    close(one);
    close(two);
    sockets_done(&sockets);
}
END_TEST

START_TEST(what_was_closed_without_a_word_is_found_by_looking)
{
    struct sockets sockets = {0};
    int kept = open_one(&sockets), gone = open_one(&sockets), replaced = open_one(&sockets);
    close(gone);
    close(replaced);
    /* both numbers are something else now: another socket, and no socket at all */
    int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert(sockets_exceed(&sockets, 2));
    sockets.doubts = 2;
    ck_assert(!sockets_exceed(&sockets, 1));
    ck_assert(sockets_exceed(&sockets, 0));
    close(other);
    close(file);
    close(kept);
    sockets_done(&sockets);
}
END_TEST

START_TEST(a_number_that_comes_again_is_counted_once)
{
    struct sockets sockets = {0};
    int first = open_one(&sockets);
    close(first);
    int again = open_one(&sockets);
    ck_assert_int_eq(first, again);
    ck_assert(!sockets_exceed(&sockets, 1));
    close(again);
    sockets_done(&sockets);
}
END_TEST

static void answer(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection))
        peer_say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

/* Nothing is open where nothing is under way; so the path for fresh connections is not lost. */
static void is_clean(struct egress *egress)
{
    ck_assert_uint_eq(egress_under_way(egress), 0);
    ck_assert_msg(!sockets_exceed(carrier_sockets(egress_carrier(egress)), 0),
                  "%zu sockets are said to be open", carrier_sockets(egress_carrier(egress))->open);
}

START_TEST(refused_connections_are_not_open)
{
    static struct told told[MANY];
    struct peer nobody = {0};
    int fd = peer_bind(&nobody.port);
    struct egress *egress = new_by_hand();
    struct call call;
    for (size_t i = 0; i < MANY; i++)
        start(egress, call_init(&call, &nobody, i % 2 ? "POST" : "GET", "/x"), &told[i]);
    DRIVE_UNTIL(egress, NULL, egress_under_way(egress) == 0);
    for (size_t i = 0; i < MANY; i++)
        ck_assert_int_eq(told[i].fate, FATE_UNSENT);
    is_clean(egress);
    egress_free(egress);
    close(fd);
}
END_TEST

/* A listener whose line is full: whoever comes now hears nothing. */
static int fill(struct peer *silent, int waiting[static 8])
{
    int fd = peer_bind(&silent->port);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(silent->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(listen(fd, 0), 0);
    for (int i = 0; i < 8; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(waiting[i], (struct sockaddr *)&address, sizeof(address));
    }
    return fd;
}

START_TEST(connections_that_nobody_took_are_not_open)
{
    static struct told told[MANY];
    struct peer silent = {0};
    int waiting[8], fd = fill(&silent, waiting);
    struct egress *egress = new_by_hand();
    struct call call;
    for (size_t i = 0; i < MANY; i++) {
        call_init(&call, &silent, i % 2 ? "POST" : "GET", "/x")->timeout_ms = 50;
        start(egress, &call.request, &told[i]);
    }
    DRIVE_UNTIL(egress, NULL, egress_under_way(egress) == 0);
    for (size_t i = 0; i < MANY; i++)
        ck_assert_int_eq(told[i].fate, FATE_UNSENT);
    is_clean(egress);
    for (int i = 0; i < 8; i++)
        close(waiting[i]);
    egress_free(egress);
    close(fd);
}
END_TEST

START_TEST(a_connection_that_is_kept_is_open)
{
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_by_hand();
    struct call call;
    ck_assert_int_eq(ask(egress, call_init(&call, peer, "POST", "/x")).fate, FATE_ANSWERED);
    is_clean(egress);
    ck_assert_int_eq(ask(egress, call_init(&call, peer, "GET", "/x")).fate, FATE_ANSWERED);
    ck_assert(sockets_exceed(carrier_sockets(egress_carrier(egress)), 0));
    ck_assert(!sockets_exceed(carrier_sockets(egress_carrier(egress)), 1));
    egress_free(egress);
    peer_free(peer);
}
END_TEST

UNIT_MAIN(what_is_told_of_is_counted_at_once, what_was_closed_without_a_word_is_found_by_looking,
          a_number_that_comes_again_is_counted_once, refused_connections_are_not_open,
          connections_that_nobody_took_are_not_open, a_connection_that_is_kept_is_open)
