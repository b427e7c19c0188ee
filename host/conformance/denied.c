/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plugin tries in vain in the real sandbox. Its worker is started as the host would start
 * it, but its filter asks where it would deny, and a thread of the kit's child counts what is asked
 * and denies it: the plugin sees the errors that it would see in earnest, and every call is known
 * by name. Nothing of this is there when a host runs the plugin, so there it costs nothing.
 */
#include "conformance/behaviour_internal.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CALLS_EACH = 50 };

enum { WHILE_LOADED = 0, WHILE_STOPPED = -1 }; /* or the number of an agent, from 1 */

struct hearing {
    int hearer, stop;
    atomic_int at;
    /* the thread's, until it has ended */
    bool told;
    unsigned counts[SANDBOX_CALLS];
    int first[SANDBOX_CALLS];
};

static void *hear(void *user)
{
    struct hearing *h = user;
    int listener = sandbox_hear(h->hearer), call;
    h->told = listener >= 0;
    struct pollfd fds[] = {{.fd = listener, .events = POLLIN}, {.fd = h->stop, .events = POLLIN}};
    while (h->told && poll(fds, 2, -1) > 0 && fds[1].revents == 0 && (fds[0].revents & POLLIN)) {
        if (!sandbox_hear_call(listener, &call) || call < 0 || call >= SANDBOX_CALLS)
            continue;
        if (h->counts[call]++ == 0)
            h->first[call] = atomic_load(&h->at);
    }
    if (h->told)
        close(listener);
    return NULL;
}

static void call_all(struct session *s, struct hearing *h)
{
    bool on = true;
    for (size_t i = 0; on && i < s->kit->card->agent_count; i++) {
        size_t k;
        json_t *input;
        atomic_store(&h->at, (int)i + 1);
        json_array_foreach (inputs_of(s->kit, i), k, input) {
            AUTO(freep) char *place = session_place(s, i, input);
            doing(s->kit, place);
            session_call(
                s, &(struct session_call){.agent = i, .input = input, .deadline_ms = CALL_MS});
            on = session_wait(s, 2 * CALL_MS);
            session_forget(s);
            if (!on || k == CALLS_EACH || kit_now_ms() > s->kit->due_ms)
                break;
        }
    }
    atomic_store(&h->at, WHILE_STOPPED);
}

static void tell(struct kit *kit, const struct hearing *h)
{
    char room[24];
    for (int call = 0; call < SANDBOX_CALLS; call++) {
        if (h->counts[call] == 0)
            continue;
        int at = h->first[call];
        kit_fail(kit, CHECK_SANDBOX,
                 at == WHILE_LOADED    ? "while it was loaded and created"
                 : at == WHILE_STOPPED ? "while it was stopped"
                                       : kit->card->agents[at - 1].name,
                 "no call that the sandbox denies", "%s, %u time%s%s",
                 sandbox_call_name(call, room), h->counts[call], h->counts[call] == 1 ? "" : "s",
                 sandbox_call_kills(call) ? "; in earnest the first kills its process" : "");
    }
    kit_hold(kit, CHECK_SANDBOX);
}

void play_denied(struct kit *kit, void *user)
{
    (void)user;
    int pair[2];
    struct hearing h = {.stop = eventfd(0, EFD_CLOEXEC)};
    pthread_t thread;
    if (h.stop < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return;
    h.hearer = pair[0];
    kit->hearer = pair[1];
    bool started = pthread_create(&thread, NULL, hear, &h) == 0;
    struct session s;
    session_open(&s, kit, false);
    close(pair[1]);
    kit->hearer = 0;
    bool ready = session_is_ready(&s);
    if (ready)
        call_all(&s, &h);
    session_close(&s);
    eventfd_write(h.stop, 1);
    if (started)
        pthread_join(thread, NULL);
    close(pair[0]);
    close(h.stop);
    if (started && h.told)
        tell(kit, &h);
    else if (ready)
        kit_skip(kit, CHECK_SANDBOX,
                 "here the sandbox does not tell which calls it denies: the kernel is older than "
                 "5.5, another filter hears them already, or this seam is built with a sanitizer");
}
