/* SPDX-License-Identifier: Apache-2.0
 *
 * Names are looked up once, however many ask, and no thread is there for each of them. The C
 * library's getaddrinfo is this program's own: it counts, waits where a test wants it to, and knows
 * the name "many.test".
 */
#include "peer.h"

#include "egress/egress_internal.h"

#include <dirent.h>
#include <netdb.h>

enum { MANY = 300 };

static atomic_int lookups, most_threads;
static sem_t gate;
static atomic_bool gated;

static int count_threads(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    ASSERT(tasks);
    while (readdir(tasks))
        count++;
    closedir(tasks);
    return count;
}

#define FOR_LIBCURL __attribute__((visibility("default")))

FOR_LIBCURL int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                            struct addrinfo **ret)
{
    (void)hints;
    if (atomic_load(&gated))
        sem_wait(&gate);
    int threads = count_threads();
    if (threads > atomic_load(&most_threads))
        atomic_store(&most_threads, threads);
    atomic_fetch_add(&lookups, 1);
    if (strcmp(name, "many.test") != 0)
        return EAI_NONAME;
    struct addrinfo *found = calloc(1, sizeof(*found) + sizeof(struct sockaddr_in));
    struct sockaddr_in *in = (struct sockaddr_in *)(found + 1);
    ASSERT(found);
    *in = (struct sockaddr_in){.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)(service ? atoi(service) : 0)),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *found = (struct addrinfo){.ai_family = AF_INET,
                               .ai_socktype = SOCK_STREAM,
                               .ai_addrlen = sizeof(*in),
                               .ai_addr = (struct sockaddr *)in};
    *ret = found;
    return 0;
}

FOR_LIBCURL void freeaddrinfo(struct addrinfo *found)
{
    free(found);
}

static void answer(struct peer *peer, struct connection *connection)
{
    (void)peer;
    while (peer_read(connection))
        peer_say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static struct egress_request *call_name(struct call *call, const struct peer *peer,
                                        const char *method, const char *name)
{
    call_init(call, peer, method, "/x");
    snprintf(call->url, sizeof(call->url), "http://%s:%u/x", name, peer->port);
    return &call->request;
}

/* So many requests to this name at once, while nobody answers for it. */
static void ask_many(struct egress *egress, const struct peer *peer, const char *name,
                     struct told *told)
{
    struct call call;
    ASSERT(sem_init(&gate, 0, 0) == 0);
    atomic_store(&gated, true);
    memset(told, 0, MANY * sizeof(*told));
    for (size_t i = 0; i < MANY; i++)
        start(egress, call_name(&call, peer, i % 2 ? "POST" : "GET", name), &told[i]);
}

static void open_gate(void)
{
    atomic_store(&gated, false);
    for (int i = 0; i < MANY; i++)
        sem_post(&gate);
}

START_TEST(many_requests_at_once_look_a_name_up_once)
{
    static struct told told[MANY];
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_egress();
    ask_many(egress, peer, "many.test", told);
    int before = count_threads();
    open_gate();
    DRIVE_UNTIL(egress, NULL, egress_under_way(egress) == 0);
    for (size_t i = 0; i < MANY; i++)
        ck_assert_msg(told[i].fate == FATE_ANSWERED, "%s", told[i].reason);
    ck_assert_int_eq(atomic_load(&lookups), 1);
    /* the one that looks, and the peer's first connections */
    ck_assert_int_le(atomic_load(&most_threads), before + 2);
    struct call call;
    ck_assert_int_eq(ask(egress, call_name(&call, peer, "POST", "many.test")).fate, FATE_ANSWERED);
    ck_assert_int_eq(atomic_load(&lookups), 1);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

START_TEST(a_name_that_is_not_found_is_not_found_for_all_who_asked)
{
    static struct told told[MANY];
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_egress();
    ask_many(egress, peer, "none.test", told);
    open_gate();
    DRIVE_UNTIL(egress, NULL, egress_under_way(egress) == 0);
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_int_eq(told[i].fate, FATE_UNSENT);
        ck_assert_int_eq(told[i].code, ERR_IO);
        ck_assert_msg(strstr(told[i].reason, "none.test:") &&
                          strstr(told[i].reason, "Could not resolve host"),
                      "%s", told[i].reason);
    }
    /* the first, and who came when it had been told */
    ck_assert_int_le(atomic_load(&lookups), 2);
    /* nothing is kept of it */
    int before = atomic_load(&lookups);
    struct call call;
    ck_assert_int_eq(ask(egress, call_name(&call, peer, "POST", "none.test")).fate, FATE_UNSENT);
    ck_assert_int_eq(atomic_load(&lookups), before + 1);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

START_TEST(when_the_one_that_asks_is_aborted_another_one_asks)
{
    static struct told told[MANY];
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_by_hand();
    struct call call;
    ASSERT(sem_init(&gate, 0, 0) == 0);
    atomic_store(&gated, true);
    uint64_t ids[3];
    for (size_t i = 0; i < 3; i++)
        ids[i] = start(egress, call_name(&call, peer, "POST", "many.test"), &told[i]);
    egress_turn(egress);
    egress_abort(egress, ids[0]); /* it asks */
    egress_abort(egress, ids[1]); /* it waits */
    DRIVE_UNTIL(egress, NULL, told[0].times + told[1].times == 2);
    ck_assert_int_eq(told[0].fate, FATE_UNSENT);
    ck_assert_int_eq(told[1].fate, FATE_UNSENT);
    open_gate();
    DRIVE_UNTIL(egress, NULL, told[2].times == 1);
    ck_assert_msg(told[2].fate == FATE_ANSWERED, "%s", told[2].reason);
    ck_assert_int_eq(atomic_load(&peer->arrivals), 1);
    egress_free(egress);
    peer_free(peer);
}
END_TEST

START_TEST(who_waits_for_a_name_meets_its_deadline_and_the_end)
{
    static struct told told[MANY];
    struct peer *peer = peer_new(answer);
    struct egress *egress = new_egress();
    struct told late = {0};
    struct call call;
    ask_many(egress, peer, "many.test", told);
    call_name(&call, peer, "POST", "many.test")->timeout_ms = 50;
    start(egress, &call.request, &late);
    DRIVE_UNTIL(egress, NULL, late.times == 1);
    ck_assert_int_eq(late.fate, FATE_UNSENT);
    ck_assert_int_eq(late.code, ERR_TIMEOUT);
    ck_assert_uint_eq(egress_under_way(egress), MANY);
    egress_free(egress);
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_int_eq(told[i].times, 1);
        ck_assert_int_eq(told[i].fate, FATE_UNSENT);
    }
    open_gate();
    ck_assert_int_eq(atomic_load(&peer->connections), 0);
    peer_free(peer);
}
END_TEST

UNIT_MAIN(many_requests_at_once_look_a_name_up_once,
          a_name_that_is_not_found_is_not_found_for_all_who_asked,
          when_the_one_that_asks_is_aborted_another_one_asks,
          who_waits_for_a_name_meets_its_deadline_and_the_end)
