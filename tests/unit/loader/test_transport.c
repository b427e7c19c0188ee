/* SPDX-License-Identifier: Apache-2.0
 *
 * No word between a guest and its host is lost, and neither sleeps while there is one for it: each
 * end dawdles as chance will have it, about as long as the other looks before it sleeps, so that
 * they meet in every order.
 */
#include "loader/link_internal.h"
#include "unit.h"

#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROUNDS = 30000, WINDOW = 2, LOST_MS = 60000 };
enum { THREADS = 3, EACH = 4000, LONGEST = 3000, SOCKET_BYTES = 4096 };

/* splitmix64 */
static uint64_t draw(uint64_t *state)
{
    uint64_t x = *state += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* Most often not at all; else for up to about twice as long as anybody looks. */
static void dawdle(uint64_t *chance)
{
    enum { SELDOM = 8, TURNS = 60000 };
    uint64_t drawn = draw(chance);
    uint64_t turns = drawn % SELDOM ? 0 : drawn / SELDOM % TURNS;
    for (volatile uint64_t i = 0; i < turns; i++)
        continue;
}

struct play {
    struct link link; /* the host's end */
    struct transport *guest;
    int wake;
    pthread_t loop;
    uint64_t chance; /* the host's */
};

static void put(struct transport *t, uint64_t id, struct slice part)
{
    pthread_mutex_lock(&t->lock);
    frame_write(&t->out, &(struct frame){.kind = FRAME_COMPLETE, .id = id, .parts = {part}});
    t->ops->push(t);
    pthread_mutex_unlock(&t->lock);
}

/* A guest's loop that answers every word with the same, until STOP or the host's end. */
static void *echo(void *user)
{
    struct play *play = user;
    struct transport *t = play->guest;
    struct buffer in = {0};
    uint64_t chance = 2;
    bool stop = false;
    while (!stop && t->ops->receive(t, &in)) {
        struct frame frame;
        size_t size, done = 0;
        while (frame_read((struct slice){buffer_bytes(&in) + done, in.len - done}, SIZE_MAX, &frame,
                          &size) == FRAME_WHOLE) {
            done += size;
            stop |= frame.kind == FRAME_STOP;
            dawdle(&chance);
            put(t, frame.id, SLICE(""));
        }
        buffer_drop(&in, done);
        if (done == 0)
            t->ops->wait(t, play->wake);
    }
    buffer_done(&in);
    return NULL;
}

static void begin(struct play *play, struct transport *guest)
{
    play->guest = guest;
    play->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    play->chance = 1;
    ck_assert_int_eq(pthread_create(&play->loop, NULL, echo, play), 0);
}

static void begin_in_memory(struct play *play)
{
    *play = (struct play){.link.socket = -1};
    play->link.memory = memory_transport_new(NULL);
    ck_assert_ptr_nonnull(play->link.memory);
    begin(play, memory_transport_base(play->link.memory));
}

/* The guest's end is returned. Its transport is a worker's, and lives as long as the process. */
static int begin_by_socket(struct play *play)
{
    static struct transport *volatile for_ever; /* or it would count as lost */
    int pair[2], bytes = SOCKET_BYTES;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    *play = (struct play){.link.socket = pair[0]};
    for_ever = socket_transport_new(pair[1]);
    begin(play, for_ever);
    return pair[1];
}

static void tell(struct play *play, enum frame_kind kind, uint64_t id)
{
    frame_write(&play->link.out, &(struct frame){.kind = kind, .id = id});
    link_flush(&play->link);
    ck_assert_uint_eq(play->link.out.len, 0);
}

/* Looks for a moment or not at all, as it happens, then sleeps. */
static void hear(struct play *play)
{
    bool looked = play->link.memory && draw(&play->chance) % 4 > 0 &&
                  memory_transport_look(play->link.memory);
    struct pollfd came = {.fd = link_fd(&play->link), .events = POLLIN};
    if (!looked)
        ck_assert_msg(poll(&came, 1, LOST_MS) > 0, "nobody wakes the host");
    ck_assert_int_ne(link_receive(&play->link), RECEIVED_END);
}

/* Takes the next word out of what was heard. */
static bool next(struct play *play, struct frame *ret_frame)
{
    size_t size;
    struct slice left = {buffer_bytes(&play->link.in), play->link.in.len};
    if (frame_read(left, SIZE_MAX, ret_frame, &size) != FRAME_WHOLE)
        return false;
    buffer_drop(&play->link.in, size);
    return true;
}

static void ping(struct play *play)
{
    uint64_t told = 0, heard = 0;
    struct frame frame;
    while (heard < ROUNDS) {
        while (told < ROUNDS && told - heard < 1 + draw(&play->chance) % WINDOW) {
            tell(play, FRAME_CALL, ++told);
            dawdle(&play->chance);
        }
        if (told > heard)
            hear(play);
        while (next(play, &frame))
            ck_assert_uint_eq(frame.id, ++heard);
        dawdle(&play->chance);
    }
    tell(play, FRAME_STOP, 0);
    pthread_join(play->loop, NULL);
    close(play->wake);
}

START_TEST(no_word_through_memory_is_slept_over)
{
    struct play play;
    begin_in_memory(&play);
    ping(&play);
    memory_transport_free(play.link.memory);
    link_done(&play.link);
}
END_TEST

START_TEST(no_word_through_a_socket_is_slept_over)
{
    struct play play;
    int theirs = begin_by_socket(&play);
    ping(&play);
    link_done(&play.link);
    close(theirs);
}
END_TEST

/* ---- more than a socket holds, from many threads ---- */

struct talker {
    struct play *play;
    uint64_t number;
    pthread_t thread;
};

static void *talk(void *user)
{
    static const char words[LONGEST];
    struct talker *talker = user;
    uint64_t chance = talker->number;
    for (uint64_t i = 1; i <= EACH; i++) {
        put(talker->play->guest, talker->number << 32 | i,
            (struct slice){words, draw(&chance) % LONGEST});
        dawdle(&chance);
    }
    return NULL;
}

START_TEST(what_a_full_socket_keeps_back_is_sent_when_there_is_room)
{
    struct play play;
    struct talker talkers[THREADS];
    uint64_t heard[THREADS] = {0};
    int theirs = begin_by_socket(&play);
    for (uint64_t i = 0; i < THREADS; i++) {
        talkers[i] = (struct talker){.play = &play, .number = i};
        ck_assert_int_eq(pthread_create(&talkers[i].thread, NULL, talk, &talkers[i]), 0);
    }
    struct frame frame;
    for (int count = 0; count < THREADS * EACH;) {
        while (next(&play, &frame)) {
            ck_assert_uint_eq(frame.id & UINT32_MAX, ++heard[frame.id >> 32]);
            count++;
        }
        dawdle(&play.chance);
        if (count < THREADS * EACH)
            hear(&play);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(talkers[i].thread, NULL);
    link_done(&play.link); /* the guest's loop ends with its host */
    pthread_join(play.loop, NULL);
    ck_assert_uint_eq(transport_backlog(play.guest), 0);
    close(play.wake);
    close(theirs);
}
END_TEST

UNIT_MAIN(no_word_through_memory_is_slept_over, no_word_through_a_socket_is_slept_over,
          what_a_full_socket_keeps_back_is_sent_when_there_is_room)
