/* SPDX-License-Identifier: Apache-2.0
 *
 * The carrier: libcurl's multi handle, driven by one epoll descriptor that holds curl's sockets,
 * curl's timer, a timer of deadlines and the bell of whoever gives it orders. One thread alone has
 * it: names, connections, TLS and all else that libcurl does is done there.
 *
 * A transfer is under way (curl has it) or over (curl is done with it; whoever drives the carrier
 * has not taken it yet). Nothing is told from here.
 *
 * libcurl's own socket pairs (to wake it, and one while a name is resolved) are not close-on-exec:
 * what starts a program closes the descriptors that it does not hand over. All others are.
 */
#include "egress/egress_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* Descriptors that are not connections; from so many requests on, each has a smaller buffer. */
enum { EVENTS_AT_ONCE = 64, FILES_SPARE = 256, CROWD = 512, CROWD_BUFFER = 2048 };

enum { NUDGE_MS = 200 };

struct carrier {
    CURLM *multi;
    int epoll, timer, deadline_timer, nudge_timer, bell;
    size_t count;
    size_t begun; /* answers on shared connections */
    bool nudging; /* the timer runs */
    long connections, connections_host;
    struct sockets sockets;
    struct names names;
    struct transfers under_way, over;
    struct transfer *
        *slots; /* LIMIT_REQUESTS of them, by id: who is under way or waits for a name */
    struct deadlines deadlines;
    int64_t armed_ms; /* what the timer of deadlines waits for; INT64_MAX = nothing */
};

/* NULL = it is not under way. */
static struct transfer *find(const struct carrier *carrier, uint64_t id)
{
    struct transfer *transfer = carrier->slots[id % LIMIT_REQUESTS];
    return transfer && transfer->id == id ? transfer : NULL;
}

struct sockets *carrier_sockets(struct carrier *carrier)
{
    return &carrier->sockets;
}

/* ---- libcurl asks the carrier to watch ---- */

static int watch_socket(CURL *easy, curl_socket_t socket, int what, void *user, void *unused)
{
    struct carrier *carrier = user;
    struct transfer *transfer = NULL;
    (void)unused;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
    if (what == CURL_POLL_REMOVE) {
        if (transfer && transfer->socket == socket)
            transfer->socket = CURL_SOCKET_BAD;
        /* It may be closed already, and so be out of the set. */
        (void)epoll_ctl(carrier->epoll, EPOLL_CTL_DEL, socket, NULL);
        return 0;
    }
    if (transfer)
        transfer->socket = socket;
    struct epoll_event event = {
        .events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u),
        .data.fd = socket,
    };
    if (epoll_ctl(carrier->epoll, EPOLL_CTL_MOD, socket, &event) != 0)
        ASSERT(epoll_ctl(carrier->epoll, EPOLL_CTL_ADD, socket, &event) == 0);
    return 0;
}

static int close_socket(void *user, curl_socket_t socket)
{
    struct carrier *carrier = user;
    sockets_drop(&carrier->sockets, socket);
    return close(socket);
}

static int set_timer(CURLM *multi, long timeout_ms, void *user)
{
    const struct carrier *carrier = user;
    struct itimerspec when = {0};
    (void)multi;
    if (timeout_ms >= 0) {
        when.it_value.tv_sec = timeout_ms / 1000;
        when.it_value.tv_nsec = timeout_ms % 1000 * 1000000;
        if (timeout_ms == 0)
            when.it_value.tv_nsec = 1;
    }
    ASSERT(timerfd_settime(carrier->timer, 0, &when, NULL) == 0);
    return 0;
}

/* ---- life ---- */

static void watch_own(const struct carrier *carrier, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    ASSERT(epoll_ctl(carrier->epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void set_limits(const struct carrier *carrier)
{
    CURLM *multi = carrier->multi;
    struct rlimit files;
    long most = carrier->connections;
    ASSERT(getrlimit(RLIMIT_NOFILE, &files) == 0);
    rlim_t room =
        files.rlim_cur > 2 * FILES_SPARE ? files.rlim_cur - FILES_SPARE : files.rlim_cur / 2 + 1;
    if (files.rlim_cur != RLIM_INFINITY && room < (rlim_t)most)
        most = (long)room;
    ASSERT(curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most) == CURLM_OK);
    ASSERT(curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, carrier->connections_host) ==
           CURLM_OK);
    ASSERT(curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, most) == CURLM_OK);
}

static void set_multi(struct carrier *carrier)
{
    CURLM *multi = carrier->multi;
    ASSERT(curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK);
    ASSERT(curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, carrier) == CURLM_OK);
    ASSERT(curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK);
    ASSERT(curl_multi_setopt(multi, CURLMOPT_TIMERDATA, carrier) == CURLM_OK);
    ASSERT(curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX) == CURLM_OK);
    set_limits(carrier);
}

struct carrier *carrier_new(int bell, long connections, long connections_host)
{
    struct carrier *carrier = xcalloc(1, sizeof(*carrier));
    carrier->bell = bell;
    carrier->epoll = epoll_create1(EPOLL_CLOEXEC);
    carrier->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    carrier->deadline_timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    carrier->nudge_timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    carrier->slots = xcalloc(LIMIT_REQUESTS, sizeof(*carrier->slots));
    carrier->armed_ms = INT64_MAX;
    carrier->connections = connections;
    carrier->connections_host = connections_host;
    if (carrier->epoll < 0 || carrier->timer < 0 || carrier->deadline_timer < 0 ||
        carrier->nudge_timer < 0) {
        carrier_free(carrier);
        return NULL;
    }
    watch_own(carrier, carrier->timer);
    watch_own(carrier, carrier->deadline_timer);
    watch_own(carrier, carrier->nudge_timer);
    watch_own(carrier, carrier->bell);
    carrier->multi = curl_multi_init();
    ASSERT(carrier->multi);
    set_multi(carrier);
    return carrier;
}

static void close_own(int fd)
{
    if (fd >= 0)
        close(fd);
}

void carrier_free(struct carrier *carrier)
{
    int saved = errno;
    if (!carrier)
        return;
    ASSERT(carrier->count == 0 && !carrier->over.first);
    if (carrier->multi)
        curl_multi_cleanup(carrier->multi);
    close_own(carrier->nudge_timer);
    close_own(carrier->deadline_timer);
    close_own(carrier->timer);
    close_own(carrier->epoll);
    deadlines_done(&carrier->deadlines);
    sockets_done(&carrier->sockets);
    names_done(&carrier->names);
    free(carrier->slots);
    free(carrier);
    errno = saved;
}

void carrier_limit(struct carrier *carrier, long connections, long connections_host)
{
    carrier->connections = connections;
    carrier->connections_host = connections_host;
    set_limits(carrier);
}

int carrier_fd(const struct carrier *carrier)
{
    return carrier->epoll;
}

/* ---- how one ends ---- */

static void act(struct carrier *carrier, curl_socket_t socket, int what)
{
    int running;
    ASSERT(curl_multi_socket_action(carrier->multi, socket, what, &running) == CURLM_OK);
}

static void is_over(struct carrier *carrier, struct transfer *transfer, enum transfer_end end)
{
    transfer->end = end;
    carrier->slots[transfer->id % LIMIT_REQUESTS] = NULL;
    carrier->count--;
    if (transfer->begun)
        carrier->begun--;
    deadlines_remove(&carrier->deadlines, transfer);
    transfers_add(&carrier->over, transfer);
}

/* Takes a transfer from curl, which closes what it had open for it, or from where it waits. */
static void retire(struct carrier *carrier, struct transfer *transfer, enum transfer_end end)
{
    transfer->end = end;
    if (!transfer->waits_for) {
        ASSERT(curl_multi_remove_handle(carrier->multi, transfer->easy) == CURLM_OK);
        carrier->sockets.doubts += transfer->opened;
        transfers_remove(&carrier->under_way, transfer);
    }
    names_lost(&carrier->names, transfer);
    is_over(carrier, transfer, end);
}

static void collect(struct carrier *carrier)
{
    int left;
    for (CURLMsg *said; (said = curl_multi_info_read(carrier->multi, &left));) {
        struct transfer *transfer = NULL;
        CURLcode result = said->data.result;
        ASSERT(said->msg == CURLMSG_DONE);
        ASSERT(curl_easy_getinfo(said->easy_handle, CURLINFO_PRIVATE, (char **)&transfer) ==
               CURLE_OK);
        transfer->result = result;
        retire(carrier, transfer, END_DONE);
    }
}

struct transfers carrier_take_over(struct carrier *carrier)
{
    struct transfers over = carrier->over;
    carrier->over = (struct transfers){0};
    for (struct transfer *at = over.first; at; at = at->next)
        transfer_strip(at);
    return over;
}

/* Reads what lies in the socket: an answer that has arrived is evidence, and evidence wins over a
 * deadline and an abort. Not before the request was issued: looking would send it. */
static void look(struct carrier *carrier, const struct transfer *transfer)
{
    if (transfer->issued && transfer->socket != CURL_SOCKET_BAD)
        act(carrier, transfer->socket, CURL_CSELECT_IN);
}

void carrier_abort(struct carrier *carrier, uint64_t id)
{
    struct transfer *transfer = find(carrier, id);
    if (!transfer)
        return;
    look(carrier, transfer);
    collect(carrier);
    if (transfer->end == END_NOT_YET)
        retire(carrier, transfer, END_ABORTED);
}

/* What was not issued goes first, for a look at one transfer drives the others too. */
void carrier_abort_all(struct carrier *carrier)
{
    for (size_t i = 0; carrier->count > 0 && i < LIMIT_REQUESTS; i++)
        if (carrier->slots[i] && !carrier->slots[i]->issued)
            retire(carrier, carrier->slots[i], END_ABORTED);
    for (struct transfer *at = carrier->under_way.first; at; at = at->next)
        look(carrier, at);
    collect(carrier);
    while (carrier->under_way.first)
        retire(carrier, carrier->under_way.first, END_ABORTED);
}

/* ---- deadlines ---- */

static void arm(struct carrier *carrier, int64_t deadline_ms)
{
    struct itimerspec when = {0};
    carrier->armed_ms = deadline_ms;
    if (deadline_ms != INT64_MAX) {
        when.it_value.tv_sec = deadline_ms / 1000;
        when.it_value.tv_nsec = deadline_ms % 1000 * 1000000;
    }
    ASSERT(timerfd_settime(carrier->deadline_timer, TFD_TIMER_ABSTIME, &when, NULL) == 0);
}

/* Those that are late are out of line, in their order; what was not issued is over already. */
static size_t step_out(struct carrier *carrier, int64_t now, struct transfer **late)
{
    size_t count = 0;
    for (struct transfer *at;
         (at = deadlines_first(&carrier->deadlines)) && at->deadline_ms <= now;) {
        deadlines_remove(&carrier->deadlines, at);
        if (at->issued)
            late[count++] = at;
        else
            retire(carrier, at, END_LATE);
    }
    return count;
}

static void meet_deadlines(struct carrier *carrier)
{
    AUTO(freep)
    struct transfer **late = xcalloc(carrier->deadlines.count, sizeof(struct transfer *));
    size_t count = step_out(carrier, deadlines_now_ms(), late);
    for (size_t i = 0; i < count; i++)
        look(carrier, late[i]);
    collect(carrier);
    for (size_t i = 0; i < count; i++)
        if (late[i]->end == END_NOT_YET)
            retire(carrier, late[i], END_LATE);
    const struct transfer *first = deadlines_first(&carrier->deadlines);
    arm(carrier, first ? first->deadline_ms : INT64_MAX);
}

/* ---- orders, and driving ---- */

/* libcurl looks for an idle connection among all those to the same place, each time; with thousands
 * in use that is most of what a request costs. If there are not more connections than requests,
 * none is idle, or one is opened that need not have been. Where connections have reached their
 * limit, a request must wait for whichever comes free. */
static void set_room(struct carrier *carrier, const struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    size_t others = carrier->count - 1;
    if (!transfer->tls && (long)others < carrier->connections &&
        (long)others < carrier->connections_host && !sockets_exceed(&carrier->sockets, others))
        ASSERT(curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK);
    if (others >= CROWD)
        ASSERT(curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)CROWD_BUFFER) == CURLE_OK);
    ASSERT(curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket) == CURLE_OK);
    ASSERT(curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, carrier) == CURLE_OK);
}

static void admit(struct carrier *carrier, struct transfer *transfer)
{
    if (!names_admit(&carrier->names, transfer, deadlines_now_ms()))
        return;
    set_room(carrier, transfer);
    transfers_add(&carrier->under_way, transfer);
    ASSERT(curl_multi_add_handle(carrier->multi, transfer->easy) == CURLM_OK);
}

void carrier_start(struct carrier *carrier, struct transfer *transfer)
{
    transfer_equip(transfer, carrier);
    carrier->slots[transfer->id % LIMIT_REQUESTS] = transfer;
    carrier->count++;
    if (transfer->deadline_ms < INT64_MAX)
        deadlines_add(&carrier->deadlines, transfer);
    if (transfer->deadline_ms < carrier->armed_ms)
        arm(carrier, transfer->deadline_ms);
    admit(carrier, transfer);
}

void carrier_found(struct carrier *carrier, struct transfer *transfer)
{
    if (transfer->scout_of)
        names_found(&carrier->names, transfer, deadlines_now_ms());
}

static void see_to_names(struct carrier *carrier)
{
    enum name_answer answer = NAME_KNOWN;
    for (struct transfers waited; (waited = names_answered(&carrier->names, &answer)).first;)
        for (struct transfer *transfer; (transfer = waited.first);) {
            transfers_remove(&waited, transfer);
            if (answer != NAME_UNKNOWN) {
                admit(carrier, transfer);
                continue;
            }
            transfer->result = CURLE_COULDNT_RESOLVE_HOST;
            memcpy(transfer->words, carrier->names.words, sizeof(transfer->words));
            is_over(carrier, transfer, END_DONE);
        }
}

/* What curl held back may pass the limit, which it says here, and nowhere else. */
void carrier_go_on(struct carrier *carrier, uint64_t id)
{
    struct transfer *transfer = find(carrier, id);
    if (!transfer)
        return;
    transfer->result = curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
    if (transfer->result != CURLE_OK)
        retire(carrier, transfer, END_DONE);
}

void carrier_begun(struct carrier *carrier, struct transfer *transfer)
{
    transfer->begun = true;
    carrier->begun++;
}

static void set_nudge(struct carrier *carrier)
{
    struct itimerspec when = {.it_value.tv_nsec = NUDGE_MS * 1000000};
    if (carrier->begun == 0 || carrier->nudging)
        return;
    carrier->nudging = true;
    ASSERT(timerfd_settime(carrier->nudge_timer, 0, &when, NULL) == 0);
}

/* The end of an answer on a shared connection may have been read together with another's, and lie
 * in libcurl, which forgets it there (7.88 does, with thousands at once): then nothing ever comes
 * from the socket again. To pause and go on has it look at what it has. */
static void nudge(struct carrier *carrier)
{
    struct transfer *next;
    carrier->nudging = false;
    for (struct transfer *at = carrier->under_way.first; at; at = next) {
        next = at->next;
        if (!at->begun)
            continue;
        at->result = curl_easy_pause(at->easy, CURLPAUSE_RECV);
        if (at->result == CURLE_OK)
            at->result = curl_easy_pause(at->easy, CURLPAUSE_CONT);
        if (at->result != CURLE_OK)
            retire(carrier, at, END_DONE);
    }
}

/* Whether this was the one that rang; its bell is silent afterwards. */
static bool rang(int own, int fd)
{
    uint64_t value;
    if (own != fd)
        return false;
    ASSERT(read(fd, &value, sizeof(value)) == sizeof(value) || errno == EAGAIN);
    return true;
}

void carrier_dispatch(struct carrier *carrier)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    bool timer = false, deadlines = false, nudged = false;
    int count = epoll_wait(carrier->epoll, events, EVENTS_AT_ONCE, 0);
    ASSERT(count >= 0 || errno == EINTR);
    for (int i = 0; i < count; i++) {
        int fd = events[i].data.fd;
        uint32_t what = events[i].events;
        if (rang(carrier->timer, fd))
            timer = true;
        else if (rang(carrier->deadline_timer, fd))
            deadlines = true;
        else if (rang(carrier->nudge_timer, fd))
            nudged = true;
        else if (fd != carrier->bell)
            act(carrier, fd,
                (what & EPOLLIN ? CURL_CSELECT_IN : 0) | (what & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                    (what & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0));
    }
    /* Sockets first: an answer that is there is taken before a deadline is looked at. */
    if (timer)
        act(carrier, CURL_SOCKET_TIMEOUT, 0);
    collect(carrier);
    if (deadlines)
        meet_deadlines(carrier);
    if (nudged)
        nudge(carrier);
    set_nudge(carrier);
    see_to_names(carrier);
}
