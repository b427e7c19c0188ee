/* SPDX-License-Identifier: Apache-2.0
 *
 * Many requests at once, their limits, and how each ends: told exactly once, by an answer, an
 * abort, a deadline or the end of it all.
 */
#include "peer.h"

#include "egress/egress_internal.h"

#include <fcntl.h>

enum { MANY = 500 };

#define OK_BODY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void answer(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection))
        peer_say(connection, OK_BODY);
}

static void never_answer(struct peer *peer, struct connection *connection)
{
    (void)peer;
    if (peer_read(connection))
        peer_wait_end(connection);
}

static void answer_at_the_gate(struct peer *peer, struct connection *connection)
{
    while (peer_read(connection)) {
        sem_wait(&peer->gate);
        peer_say(connection, OK_BODY);
    }
}

static void send_many_and_count(const char *method)
{
    static struct told told[MANY];
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_egress();
    struct call call;
    memset(told, 0, sizeof(told));
    for (size_t i = 0; i < MANY; i++)
        start(egress, call_init(&call, peer, method, "/x"), &told[i]);
    ck_assert_uint_eq(egress_under_way(egress), MANY);
    DRIVE_UNTIL(egress, NULL, egress_under_way(egress) == 0);
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_int_eq(told[i].times, 1);
        ck_assert_msg(told[i].fate == FATE_ANSWERED, "%s", told[i].reason);
        ck_assert_str_eq(told[i].body, "ok");
    }
    ck_assert_int_eq(atomic_load(&peer->arrivals), MANY);
    egress_free(egress);
    peer_free(peer);
}

START_TEST(five_hundred_mutating_requests_at_once_arrive_once_each)
{
    send_many_and_count("POST");
}
END_TEST

START_TEST(five_hundred_reads_at_once_are_answered)
{
    send_many_and_count("GET");
}
END_TEST

enum { CONNECTIONS = 128, CONNECTIONS_HOST = 32 };

START_TEST(connections_to_one_host_are_bounded)
{
    static struct told told[CONNECTIONS_HOST * 2];
    struct peer *peer = peer_new(answer_at_the_gate);
    struct egress *egress = new_egress();
    egress_limit(egress, CONNECTIONS, CONNECTIONS_HOST);
    struct call call;
    for (size_t i = 0; i < CONNECTIONS_HOST * 2; i++)
        start(egress, call_init(&call, peer, i % 2 ? "POST" : "GET", "/x"), &told[i]);
    DRIVE_UNTIL(egress, peer, atomic_load(&peer->arrivals) == CONNECTIONS_HOST);
    for (size_t i = 0; i < CONNECTIONS_HOST * 2; i++)
        sem_post(&peer->gate);
    DRIVE_UNTIL(egress, NULL, egress_under_way(egress) == 0);
    for (size_t i = 0; i < CONNECTIONS_HOST * 2; i++)
        ck_assert_int_eq(told[i].fate, FATE_ANSWERED);
    ck_assert_int_eq(atomic_load(&peer->arrivals), CONNECTIONS_HOST * 2);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

START_TEST(a_request_that_waits_for_its_turn_meets_its_deadline_unsent)
{
    static struct told told[CONNECTIONS_HOST];
    struct peer *peer = peer_new(never_answer);
    struct egress *egress = new_egress();
    egress_limit(egress, CONNECTIONS, CONNECTIONS_HOST);
    struct told late = {0};
    struct call call;
    for (size_t i = 0; i < CONNECTIONS_HOST; i++)
        start(egress, call_init(&call, peer, "POST", "/x"), &told[i]);
    DRIVE_UNTIL(egress, peer, atomic_load(&peer->arrivals) == CONNECTIONS_HOST);
    call_init(&call, peer, "POST", "/x")->timeout_ms = 100;
    start(egress, &call.request, &late);
    DRIVE_UNTIL(egress, NULL, late.times > 0);
    ck_assert_int_eq(late.fate, FATE_UNSENT);
    ck_assert_int_eq(late.code, ERR_TIMEOUT);
    ck_assert_uint_eq(egress_under_way(egress), CONNECTIONS_HOST);
    egress_free(egress);
    ck_assert_int_eq(atomic_load(&peer->arrivals), CONNECTIONS_HOST);
    peer_free(peer);
}
END_TEST

START_TEST(an_abort_before_anything_left_is_unsent)
{
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_by_hand();
    struct told told = {0};
    struct call call;
    uint64_t id = start(egress, call_init(&call, peer, "POST", "/x"), &told);
    egress_abort(egress, id);
    DRIVE_UNTIL(egress, NULL, told.times > 0);
    ck_assert_int_eq(told.times, 1);
    ck_assert_int_eq(told.fate, FATE_UNSENT);
    ck_assert_uint_eq(egress_under_way(egress), 0);
    egress_abort(egress, id);
    egress_abort(egress, id + 1);
    ck_assert_int_eq(told.times, 1);
    egress_free(egress);
    ck_assert_int_eq(atomic_load(&peer->arrivals), 0);
    peer_free(peer);
}
END_TEST

START_TEST(an_abort_of_a_connection_that_stands_ready_sends_nothing)
{
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_by_hand();
    struct told told = {0};
    struct call call;
    uint64_t id = start(egress, call_init(&call, peer, "POST", "/x"), &told);
    DRIVE_UNTIL(egress, NULL, carrier_sockets(egress_carrier(egress))->open == 1);
    struct pollfd ready = {.fd = egress_turn_fd(egress), .events = POLLIN};
    ck_assert_int_eq(poll(&ready, 1, 30000), 1);
    egress_abort(egress, id);
    DRIVE_UNTIL(egress, NULL, told.times > 0);
    ck_assert_int_eq(told.fate, FATE_UNSENT);
    egress_free(egress);
    ck_assert_int_eq(atomic_load(&peer->arrivals), 0);
    peer_free(peer);
}
END_TEST

START_TEST(an_abort_after_the_bytes_left_is_unknown_and_closes)
{
    struct peer *peer = peer_new(never_answer);
    struct egress *egress = new_egress();
    struct told told = {0};
    struct call call;
    uint64_t id = start(egress, call_init(&call, peer, "POST", "/x"), &told);
    DRIVE_UNTIL(egress, peer, atomic_load(&peer->arrivals) == 1);
    egress_abort(egress, id);
    DRIVE_UNTIL(egress, NULL, told.times > 0);
    ck_assert_int_eq(told.times, 1);
    ck_assert_int_eq(told.fate, FATE_UNKNOWN);
    ck_assert_ptr_nonnull(strstr(told.reason, "aborted"));
    DRIVE_UNTIL(egress, peer, atomic_load(&peer->open) == 0);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

static void answer_and_ring(struct peer *peer, struct connection *connection)
{
    if (!peer_read(connection))
        return;
    peer_say(connection, OK_BODY);
    sem_post(&peer->gate);
    peer_wait_end(connection);
}

START_TEST(an_abort_takes_the_answer_that_has_arrived)
{
    struct peer *peer = peer_new(answer_and_ring);
    struct egress *egress = new_by_hand();
    struct told told = {0};
    struct pollfd news = {.fd = peer->news, .events = POLLIN};
    struct call call;
    uint64_t id = start(egress, call_init(&call, peer, "POST", "/x"), &told);
    while (atomic_load(&peer->arrivals) == 0) {
        struct pollfd fds[2] = {{.fd = egress_turn_fd(egress), .events = POLLIN}, news};
        ck_assert_int_gt(poll(fds, 2, 30000), 0);
        if (fds[1].revents == 0)
            egress_turn(egress);
    }
    sem_wait(&peer->gate);
    ck_assert_int_eq(told.times, 0);
    egress_abort(egress, id);
    egress_turn(egress);
    egress_dispatch(egress);
    ck_assert_int_eq(told.times, 1);
    ck_assert_int_eq(told.fate, FATE_ANSWERED);
    ck_assert_str_eq(told.body, "ok");
    egress_free(egress);
    peer_free(peer);
}
END_TEST

START_TEST(free_tells_each_request_that_is_under_way)
{
    static struct told told[40];
    struct peer *peer = peer_new(never_answer);
    struct egress *egress = new_by_hand();
    struct call call;
    for (size_t i = 0; i < 20; i++)
        start(egress, call_init(&call, peer, "POST", "/x"), &told[i]);
    DRIVE_UNTIL(egress, peer, atomic_load(&peer->arrivals) == 20);
    for (size_t i = 20; i < 40; i++)
        start(egress, call_init(&call, peer, "POST", "/x"), &told[i]);
    egress_free(egress);
    for (size_t i = 0; i < 40; i++) {
        ck_assert_int_eq(told[i].times, 1);
        ck_assert_int_eq(told[i].fate, i < 20 ? FATE_UNKNOWN : FATE_UNSENT);
    }
    peer_free(peer);
}
END_TEST

/* Answers GETs, and no POST. */
static void answer_gets(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection) && strncmp(connection->last, "GET", 3) == 0)
        peer_say(connection, OK_BODY);
    peer_wait_end(connection);
}

START_TEST(free_sends_nothing_that_had_not_left)
{
    struct peer *peer = peer_new(answer_gets);
    struct egress *egress = new_by_hand();
    struct told stuck = {0}, fresh = {0};
    struct call call;
    ck_assert_int_eq(ask(egress, call_init(&call, peer, "GET", "/x")).fate, FATE_ANSWERED);
    start(egress, call_init(&call, peer, "POST", "/x"), &stuck);
    DRIVE_UNTIL(egress, peer, atomic_load(&peer->arrivals) == 2);
    /* An idle connection stands ready for this one: the slightest push would send it. */
    start(egress, call_init(&call, peer, "GET", "/x"), &fresh);
    egress_free(egress);
    ck_assert_int_eq(stuck.fate, FATE_UNKNOWN);
    ck_assert_int_eq(fresh.fate, FATE_UNSENT);
    peer_free(peer);
}
END_TEST

START_TEST(what_finished_during_an_abort_is_told_too)
{
    struct peer *peer = peer_new(never_answer);
    struct egress *egress = new_by_hand();
    struct told stuck = {0}, denied = {0};
    struct call call;
    /* Without deadlines, which would drive the denied one in the end. */
    call_init(&call, peer, "POST", "/x")->timeout_ms = 0;
    uint64_t id = start(egress, &call.request, &stuck);
    DRIVE_UNTIL(egress, peer, atomic_load(&peer->arrivals) == 1);
    call_init(&call, peer, "GET", "/x")->allow_private = false;
    call.request.timeout_ms = 0;
    start(egress, &call.request, &denied);
    egress_abort(egress, id);
    ck_assert_int_eq(stuck.times + denied.times, 0);
    DRIVE_UNTIL(egress, NULL, denied.times == 1 && stuck.times == 1);
    ck_assert_int_eq(denied.code, ERR_DENIED);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

/* Sends another request, or aborts one, from within done. */
struct chain {
    struct egress *egress;
    struct call call;
    struct told told;
    uint64_t victim;
    int left;
};

static void go_on(void *user, const struct egress_answer *answer)
{
    struct chain *chain = user;
    uint64_t id;
    ck_assert_int_eq(answer->fate, FATE_ANSWERED);
    if (chain->victim)
        egress_abort(chain->egress, chain->victim);
    if (--chain->left > 0)
        ck_assert_int_eq(egress_send(chain->egress, &chain->call.request, go_on, chain, &id, NULL),
                         ERR_OK);
}

START_TEST(done_may_send_and_abort)
{
    static struct chain chain = {.left = 10};
    struct peer *peer = peer_new(answer);
    struct peer *silent = peer_new(never_answer);
    struct call call;
    uint64_t id;
    chain.egress = new_egress();
    chain.victim = start(chain.egress, call_init(&call, silent, "POST", "/x"), &chain.told);
    call_init(&chain.call, peer, "POST", "/x");
    ck_assert_int_eq(egress_send(chain.egress, &chain.call.request, go_on, &chain, &id, NULL),
                     ERR_OK);
    DRIVE_UNTIL(chain.egress, NULL, chain.left == 0 && chain.told.times > 0);
    ck_assert_int_eq(chain.told.times, 1);
    ck_assert_int_eq(atomic_load(&peer->arrivals), 10);
    egress_free(chain.egress);
    peer_free(peer);
    peer_free(silent);
}
END_TEST

static void refuse_to_send(void *user, const struct egress_answer *answer)
{
    struct chain *chain = user;
    uint64_t id;
    (void)answer;
    chain->left = (int)egress_send(chain->egress, &chain->call.request, go_on, chain, &id, NULL);
}

START_TEST(nothing_is_sent_while_closing)
{
    static struct chain chain;
    struct peer *peer = peer_new(never_answer);
    uint64_t id;
    chain.egress = new_egress();
    call_init(&chain.call, peer, "POST", "/x");
    ck_assert_int_eq(
        egress_send(chain.egress, &chain.call.request, refuse_to_send, &chain, &id, NULL), ERR_OK);
    egress_free(chain.egress);
    ck_assert_int_eq(chain.left, ERR_DENIED);
    peer_free(peer);
}
END_TEST

START_TEST(more_requests_than_the_limit_are_refused)
{
    static struct told told;
    struct peer nobody = {0};
    int fd = peer_bind(&nobody.port);
    struct egress *egress = new_egress();
    struct error error;
    struct call call;
    uint64_t id;
    call_init(&call, &nobody, "POST", "/x");
    for (size_t i = 0; i < LIMIT_REQUESTS; i++)
        ck_assert_int_eq(egress_send(egress, &call.request, take_answer, &told, &id, NULL), ERR_OK);
    ck_assert_int_eq(egress_send(egress, &call.request, take_answer, &told, &id, &error), ERR_BUSY);
    ck_assert_ptr_nonnull(strstr(error.text, "try again"));
    egress_free(egress);
    ck_assert_int_eq(told.times, LIMIT_REQUESTS);
    close(fd);
}
END_TEST

START_TEST(dispatch_without_anything_to_do_returns)
{
    struct egress *egress = new_egress();
    egress_dispatch(egress);
    ck_assert_uint_eq(egress_under_way(egress), 0);
    egress_free(egress);
    egress_free(NULL);
}
END_TEST

/* libcurl's socket pair to wake it is the one exception. */
static bool is_pair(int fd)
{
    int domain = 0;
    socklen_t length = sizeof(domain);
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_UNIX;
}

START_TEST(descriptors_are_closed_on_exec)
{
    enum { HIGHEST = 64 };
    bool inherited[HIGHEST];
    struct peer *peer = peer_new(never_answer);
    struct told told = {0};
    struct call call;
    for (int fd = 0; fd < HIGHEST; fd++)
        inherited[fd] = fcntl(fd, F_GETFD) >= 0;
    struct egress *egress = new_egress();
    start(egress, call_init(&call, peer, "GET", "/x"), &told);
    DRIVE_UNTIL(egress, peer, atomic_load(&peer->arrivals) == 1);
    for (int fd = 0; fd < HIGHEST; fd++) {
        int flags = fcntl(fd, F_GETFD);
        ck_assert_msg(inherited[fd] || flags < 0 || flags & FD_CLOEXEC || is_pair(fd),
                      "descriptor %d", fd);
    }
    egress_free(egress);
    peer_free(peer);
}
END_TEST

UNIT_MAIN(five_hundred_mutating_requests_at_once_arrive_once_each,
          five_hundred_reads_at_once_are_answered, connections_to_one_host_are_bounded,
          a_request_that_waits_for_its_turn_meets_its_deadline_unsent,
          an_abort_before_anything_left_is_unsent,
          an_abort_of_a_connection_that_stands_ready_sends_nothing,
          an_abort_after_the_bytes_left_is_unknown_and_closes,
          an_abort_takes_the_answer_that_has_arrived, free_tells_each_request_that_is_under_way,
          free_sends_nothing_that_had_not_left, what_finished_during_an_abort_is_told_too,
          done_may_send_and_abort, nothing_is_sent_while_closing,
          more_requests_than_the_limit_are_refused, dispatch_without_anything_to_do_returns,
          descriptors_are_closed_on_exec)
