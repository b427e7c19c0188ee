/* SPDX-License-Identifier: Apache-2.0
 *
 * What the network needs is done by one thread of its own, which is there from the first request
 * to the end; the owner is never waited for, and is told on its own thread.
 */
#include "peer.h"

#include "base/limits.h"

#include <ctype.h>
#include <dirent.h>
#include <signal.h>

enum { MANY = 40 };

#define OK_BODY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* What a thread of this process says of itself in `name`; how many of them are called seam-io. */
static int threads_of_io(const char *name, char *ret_text, size_t room)
{
    int found = 0;
    DIR *tasks = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(tasks);
    for (struct dirent *at; (at = readdir(tasks));) {
        char path[300], text[4096] = "";
        snprintf(path, sizeof(path), "/proc/self/task/%s/comm", at->d_name);
        FILE *file = isdigit((unsigned char)at->d_name[0]) ? fopen(path, "re") : NULL;
        bool is_io = file && fgets(text, sizeof(text), file) && strcmp(text, "seam-io\n") == 0;
        if (file)
            fclose(file);
        found += is_io;
        if (!is_io || !name)
            continue;
        snprintf(path, sizeof(path), "/proc/self/task/%s/%s", at->d_name, name);
        ck_assert_ptr_nonnull(file = fopen(path, "re"));
        ret_text[fread(ret_text, 1, room - 1, file)] = '\0';
        fclose(file);
    }
    closedir(tasks);
    return found;
}

static int threads(void)
{
    return threads_of_io(NULL, NULL, 0);
}

static void answer(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection))
        peer_say(connection, OK_BODY);
}

START_TEST(there_is_one_thread_and_none_before_the_first_request)
{
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_egress();
    struct call call;
    egress_dispatch(egress);
    ck_assert_int_eq(threads(), 0);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(ask(egress, call_init(&call, peer, "POST", "/x")).fate, FATE_ANSWERED);
        ck_assert_int_eq(threads(), 1);
    }
    egress_free(egress);
    ck_assert_int_eq(threads(), 0);
    peer_free(peer);
}
END_TEST

START_TEST(the_thread_takes_no_signals)
{
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_egress();
    char status[4096];
    struct call call;
    ck_assert_int_eq(ask(egress, call_init(&call, peer, "GET", "/x")).fate, FATE_ANSWERED);
    ck_assert_int_eq(threads_of_io("status", status, sizeof(status)), 1);
    const char *blocked = strstr(status, "SigBlk:");
    ck_assert_ptr_nonnull(blocked);
    unsigned long long mask = strtoull(blocked + 7, NULL, 16);
    static const int some[] = {SIGINT, SIGTERM, SIGCHLD, SIGHUP, SIGPIPE, SIGALRM, SIGUSR1};
    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
        ck_assert_msg(mask >> (some[i] - 1) & 1, "signal %d in mask %llx", some[i], mask);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

/* Waits for the peer alone: the client's owner does nothing. */
static void wait_for_arrivals(struct peer *peer, int count)
{
    while (atomic_load(&peer->arrivals) < count) {
        struct pollfd news = {.fd = peer->news, .events = POLLIN};
        eventfd_t value;
        ck_assert_msg(poll(&news, 1, 30000) > 0, "%d of %d arrived", atomic_load(&peer->arrivals),
                      count);
        ASSERT(eventfd_read(peer->news, &value) == 0);
    }
}

START_TEST(requests_leave_while_their_owner_stands_still)
{
    static struct told told[MANY];
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_egress();
    struct call call;
    for (size_t i = 0; i < MANY; i++)
        start(egress, call_init(&call, peer, i % 2 ? "POST" : "GET", "/x"), &told[i]);
    wait_for_arrivals(peer, MANY);
    for (size_t i = 0; i < MANY; i++)
        ck_assert_int_eq(told[i].times, 0);
    ck_assert_uint_eq(egress_under_way(egress), MANY);
    DRIVE_UNTIL(egress, NULL, egress_under_way(egress) == 0);
    for (size_t i = 0; i < MANY; i++)
        ck_assert_int_eq(told[i].fate, FATE_ANSWERED);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

/* Takes the greeting of TLS, and thinks it over. */
static void hear_and_say_nothing(struct peer *peer, struct connection *connection)
{
    char byte;
    if (recv(connection->fd, &byte, 1, 0) == 1) {
        atomic_fetch_add(&peer->arrivals, 1);
        peer_ring(peer);
        peer_wait_end(connection);
    }
}

START_TEST(greetings_that_take_long_hold_up_nobody)
{
    static struct told told[MANY];
    struct peer *slow = peer_new(hear_and_say_nothing), *peer = peer_new(answer);
    struct egress *egress = new_egress();
    struct call call;
    for (size_t i = 0; i < MANY; i++) {
        call_init(&call, slow, "POST", "/x");
        snprintf(call.url, sizeof(call.url), "https://127.0.0.1:%u/x", slow->port);
        start(egress, &call.request, &told[i]);
    }
    wait_for_arrivals(slow, MANY);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(ask(egress, call_init(&call, peer, "POST", "/x")).fate, FATE_ANSWERED);
    ck_assert_uint_eq(egress_under_way(egress), MANY);
    ck_assert_int_eq(threads(), 1);
    egress_free(egress);
    for (size_t i = 0; i < MANY; i++)
        ck_assert_int_eq(told[i].fate, FATE_UNSENT);
    peer_free(slow);
    peer_free(peer);
}
END_TEST

struct listener {
    pthread_t thread;
    int heard, ended;
};

static void hear_news(void *user, const struct egress_answer *head)
{
    struct listener *listener = user;
    (void)head;
    ck_assert(pthread_equal(listener->thread, pthread_self()));
    listener->heard++;
}

static void hear_end(void *user, const struct egress_answer *answer)
{
    struct listener *listener = user;
    ck_assert_int_eq(answer->fate, FATE_ANSWERED);
    ck_assert(pthread_equal(listener->thread, pthread_self()));
    listener->ended++;
}

static void answer_in_halves(struct peer *peer, struct connection *connection)
{
    while (peer_read(connection)) {
        peer_say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
        sem_wait(&peer->gate);
        peer_say(connection, "k");
    }
}

START_TEST(the_owner_is_told_on_its_own_thread)
{
    struct listener listener = {.thread = pthread_self()};
    struct peer *peer = peer_new(answer_in_halves);
    struct egress *egress = new_egress();
    struct call call;
    uint64_t id;
    call_init(&call, peer, "GET", "/x")->arrived = hear_news;
    ck_assert_int_eq(egress_send(egress, &call.request, hear_end, &listener, &id, NULL), ERR_OK);
    DRIVE_UNTIL(egress, NULL, listener.heard > 0);
    sem_post(&peer->gate);
    DRIVE_UNTIL(egress, NULL, listener.ended == 1);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

/* A stream whose end is kept, and whose news are counted. */
struct stream {
    int heard;
    struct told told;
};

static void count_news(void *user, const struct egress_answer *head)
{
    struct stream *stream = user;
    (void)head;
    stream->heard++;
}

static void keep_end(void *user, const struct egress_answer *answer)
{
    struct stream *stream = user;
    take_answer(&stream->told, answer);
}

static uint64_t open_stream(struct egress *egress, const struct peer *peer, struct stream *stream)
{
    struct call call;
    uint64_t id;
    call_init(&call, peer, "GET", "/x")->arrived = count_news;
    ck_assert_int_eq(egress_send(egress, &call.request, keep_end, stream, &id, NULL), ERR_OK);
    return id;
}

START_TEST(of_what_was_aborted_there_is_no_news)
{
    struct stream stream = {0};
    struct peer *peer = peer_new(answer_in_halves);
    struct egress *egress = new_by_hand();
    uint64_t id = open_stream(egress, peer, &stream);
    /* the news lies there, and nobody was told of it yet */
    for (struct pollfd ready[2] = {{.fd = egress_fd(egress), .events = POLLIN},
                                   {.fd = egress_turn_fd(egress), .events = POLLIN}};
         !ready[0].revents; egress_turn(egress))
        ck_assert_int_gt(poll(ready, 2, 30000), 0);
    egress_abort(egress, id);
    egress_dispatch(egress);
    ck_assert_int_eq(stream.told.times, 0);
    DRIVE_UNTIL(egress, NULL, stream.told.times == 1);
    ck_assert_int_eq(stream.heard, 0);
    ck_assert_int_eq(stream.told.code, ERR_IO);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

START_TEST(reading_aborting_and_ending_may_cross)
{
    enum { ROUNDS = 150 };
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_egress();
    for (int i = 0; i < ROUNDS; i++) {
        struct stream stream = {0};
        AUTO(text_done) struct text got;
        text_init(&got, 64);
        uint64_t id = open_stream(egress, peer, &stream);
        while (stream.told.times == 0) {
            if (i % 3 == 1 && stream.heard > 0)
                egress_abort(egress, id);
            egress_read(egress, id, 1, &got);
            drive_once(egress, NULL);
        }
        if (stream.told.fate == FATE_ANSWERED)
            ck_assert_uint_eq(got.len + stream.told.body_length, 2);
        else
            ck_assert_int_eq(i % 3, 1);
        egress_abort(egress, id);
        ck_assert_uint_eq(egress_read(egress, id, 1, &got), 0);
        ck_assert_int_eq(stream.told.times, 1);
    }
    egress_free(egress);
    peer_free(peer);
}
END_TEST

UNIT_MAIN(there_is_one_thread_and_none_before_the_first_request, the_thread_takes_no_signals,
          requests_leave_while_their_owner_stands_still, greetings_that_take_long_hold_up_nobody,
          the_owner_is_told_on_its_own_thread, of_what_was_aborted_there_is_no_news,
          reading_aborting_and_ending_may_cross)
