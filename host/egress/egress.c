/* SPDX-License-Identifier: Apache-2.0
 *
 * The pool: libcurl's multi handle, driven by one epoll descriptor that holds curl's sockets,
 * curl's timer, a timer of deadlines and a bell, so that any loop can drive it. The owner's thread
 * alone.
 *
 * A transfer is under way (curl has it) or finished (curl is done with it, its owner was not told
 * yet). Owners are told only outside of libcurl's callbacks, so they may send and abort. The bell
 * rings for what came while one was aborted or read: it is told by the next dispatch.
 *
 * libcurl's own socket pairs (to wake it, and one while a name is resolved) are not close-on-exec:
 * what starts a program closes the descriptors that it does not hand over. All others are.
 */
#include "egress/egress_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* Descriptors that are not connections; from so many requests on, each has a smaller buffer. */
enum { EVENTS_AT_ONCE = 256, FILES_SPARE = 256, CROWD = 512, CROWD_BUFFER = 2048 };

struct list {
    struct transfer *first, *last;
};

struct egress {
    CURLM *multi; /* NULL until something is sent */
    int epoll, timer, deadlines, bell;
    char *ca_file;
    uint64_t last_id;
    size_t count;
    long connections, connections_host;
    struct sockets sockets;
    struct list under_way, finished;
    struct transfer *news;   /* to be told that something lies there */
    struct transfer **slots; /* LIMIT_REQUESTS of them, by id        */
    int64_t armed_ms;        /* what the timer of deadlines waits for; INT64_MAX = nothing */
    bool closing;
};

static void append(struct list *list, struct transfer *transfer)
{
    transfer->prev = list->last;
    transfer->next = NULL;
    *(list->last ? &list->last->next : &list->first) = transfer;
    list->last = transfer;
}

static void take_out(struct list *list, struct transfer *transfer)
{
    *(transfer->prev ? &transfer->prev->next : &list->first) = transfer->next;
    *(transfer->next ? &transfer->next->prev : &list->last) = transfer->prev;
}

/* An id is unknown, or under way, or finished. */
static struct transfer *find(const struct egress *egress, uint64_t id)
{
    struct transfer *transfer = egress->slots ? egress->slots[id % LIMIT_REQUESTS] : NULL;
    return transfer && transfer->id == id ? transfer : NULL;
}

/* There is a free slot. */
static void enter(struct egress *egress, struct transfer *transfer)
{
    do
        transfer->id = ++egress->last_id;
    while (egress->slots[transfer->id % LIMIT_REQUESTS]);
    egress->slots[transfer->id % LIMIT_REQUESTS] = transfer;
    egress->count++;
}

static void leave(struct egress *egress, const struct transfer *transfer)
{
    egress->slots[transfer->id % LIMIT_REQUESTS] = NULL;
    egress->count--;
}

void egress_has_news(struct egress *egress, struct transfer *transfer)
{
    if (transfer->news_back)
        return;
    transfer->next_news = egress->news;
    transfer->news_back = &egress->news;
    if (transfer->next_news)
        transfer->next_news->news_back = &transfer->next_news;
    egress->news = transfer;
}

static void drop_news(struct transfer *transfer)
{
    if (!transfer->news_back)
        return;
    *transfer->news_back = transfer->next_news;
    if (transfer->next_news)
        transfer->next_news->news_back = transfer->news_back;
    transfer->news_back = NULL;
}

/* libcurl asks the pool to watch. */

static int watch_socket(CURL *easy, curl_socket_t socket, int what, void *user, void *unused)
{
    struct egress *egress = user;
    struct transfer *transfer = NULL;
    (void)unused;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
    if (what == CURL_POLL_REMOVE) {
        if (transfer && transfer->socket == socket)
            transfer->socket = CURL_SOCKET_BAD;
        /* It may be closed already, and so be out of the set. */
        (void)epoll_ctl(egress->epoll, EPOLL_CTL_DEL, socket, NULL);
        return 0;
    }
    if (transfer)
        transfer->socket = socket;
    struct epoll_event event = {
        .events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u),
        .data.fd = socket,
    };
    if (epoll_ctl(egress->epoll, EPOLL_CTL_MOD, socket, &event) != 0)
        ASSERT(epoll_ctl(egress->epoll, EPOLL_CTL_ADD, socket, &event) == 0);
    return 0;
}

struct sockets *egress_sockets(struct egress *egress)
{
    return &egress->sockets;
}

static int close_socket(void *user, curl_socket_t socket)
{
    struct egress *egress = user;
    sockets_drop(&egress->sockets, socket);
    return close(socket);
}

static int set_timer(CURLM *multi, long timeout_ms, void *user)
{
    const struct egress *egress = user;
    struct itimerspec when = {0};
    (void)multi;
    if (timeout_ms >= 0) {
        when.it_value.tv_sec = timeout_ms / 1000;
        when.it_value.tv_nsec = timeout_ms % 1000 * 1000000;
        if (timeout_ms == 0)
            when.it_value.tv_nsec = 1;
    }
    ASSERT(timerfd_settime(egress->timer, 0, &when, NULL) == 0);
    return 0;
}

/* Life. */

static void watch_own(const struct egress *egress, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    ASSERT(epoll_ctl(egress->epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void set_limits(const struct egress *egress)
{
    CURLM *multi = egress->multi;
    struct rlimit files;
    long most = egress->connections;
    ASSERT(getrlimit(RLIMIT_NOFILE, &files) == 0);
    rlim_t room =
        files.rlim_cur > 2 * FILES_SPARE ? files.rlim_cur - FILES_SPARE : files.rlim_cur / 2 + 1;
    if (files.rlim_cur != RLIM_INFINITY && room < (rlim_t)most)
        most = (long)room;
    ASSERT(curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most) == CURLM_OK);
    ASSERT(curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, egress->connections_host) ==
           CURLM_OK);
    ASSERT(curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, most) == CURLM_OK);
}

static void set_multi(struct egress *egress)
{
    CURLM *multi = egress->multi;
    ASSERT(curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK);
    ASSERT(curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, egress) == CURLM_OK);
    ASSERT(curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK);
    ASSERT(curl_multi_setopt(multi, CURLMOPT_TIMERDATA, egress) == CURLM_OK);
    ASSERT(curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX) == CURLM_OK);
    set_limits(egress);
}

enum error_code egress_new(struct egress **ret_egress, struct error *reterr)
{
    struct egress *egress = xcalloc(1, sizeof(*egress));
    egress->epoll = epoll_create1(EPOLL_CLOEXEC);
    egress->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    egress->deadlines = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    egress->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (egress->epoll < 0 || egress->timer < 0 || egress->deadlines < 0 || egress->bell < 0) {
        enum error_code code = error_set_errno(reterr, errno, "egress: cannot be set up");
        egress_free(egress);
        return code;
    }
    watch_own(egress, egress->timer);
    watch_own(egress, egress->deadlines);
    watch_own(egress, egress->bell);
    egress->armed_ms = INT64_MAX;
    egress->connections = LIMIT_CONNECTIONS;
    egress->connections_host = LIMIT_CONNECTIONS_HOST;
    *ret_egress = egress;
    return ERR_OK;
}

/* A soft limit is there for programs that use select(). */
static void raise_files(void)
{
    struct rlimit files;
    ASSERT(getrlimit(RLIMIT_NOFILE, &files) == 0);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

static enum error_code begin(struct egress *egress, struct error *reterr)
{
    enum error_code code = egress->multi ? ERR_OK : late_load(reterr);
    if (code != ERR_OK || egress->multi)
        return code;
    ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    raise_files();
    egress->slots = xcalloc(LIMIT_REQUESTS, sizeof(*egress->slots));
    egress->multi = curl_multi_init();
    ASSERT(egress->multi);
    set_multi(egress);
    return ERR_OK;
}

static void close_own(int fd)
{
    if (fd >= 0)
        close(fd);
}

void egress_trust(struct egress *egress, const char *ca_file)
{
    free(egress->ca_file);
    egress->ca_file = ca_file ? xstrdup(ca_file) : NULL;
}

void egress_limit(struct egress *egress, int connections, int connections_host)
{
    egress->connections = connections;
    egress->connections_host = connections_host;
    if (egress->multi)
        set_limits(egress);
}

int egress_fd(const struct egress *egress)
{
    return egress->epoll;
}

size_t egress_under_way(const struct egress *egress)
{
    return egress->count;
}

/* Driving. */

static void act(struct egress *egress, curl_socket_t socket, int what)
{
    int running;
    ASSERT(curl_multi_socket_action(egress->multi, socket, what, &running) == CURLM_OK);
}

/* Takes a transfer from curl, which closes what it had open for it. */
static void retire(struct egress *egress, struct transfer *transfer, enum transfer_end end)
{
    ASSERT(curl_multi_remove_handle(egress->multi, transfer->easy) == CURLM_OK);
    egress->sockets.doubts += transfer->opened;
    transfer->end = end;
    drop_news(transfer);
    take_out(&egress->under_way, transfer);
    append(&egress->finished, transfer);
}

static void collect(struct egress *egress)
{
    int left;
    if (!egress->multi)
        return;
    for (CURLMsg *said; (said = curl_multi_info_read(egress->multi, &left));) {
        struct transfer *transfer = NULL;
        CURLcode result = said->data.result;
        ASSERT(said->msg == CURLMSG_DONE);
        ASSERT(curl_easy_getinfo(said->easy_handle, CURLINFO_PRIVATE, (char **)&transfer) ==
               CURLE_OK);
        transfer->result = result;
        retire(egress, transfer, END_DONE);
    }
}

/* Reads what lies in the socket: an answer that has arrived is evidence, and evidence wins over a
 * deadline and an abort. Not before the request was issued: looking would send it. */
static void look(struct egress *egress, const struct transfer *transfer)
{
    if (transfer->issued && transfer->socket != CURL_SOCKET_BAD)
        act(egress, transfer->socket, CURL_CSELECT_IN);
}

/* Ends all whose deadline is not after now. What was not issued goes first, for a look at one
 * transfer drives the others too. */
static void end_until(struct egress *egress, int64_t now, enum transfer_end end)
{
    struct transfer *next;
    for (struct transfer *at = egress->under_way.first; at; at = next) {
        next = at->next;
        if (at->deadline_ms <= now && !at->issued)
            retire(egress, at, end);
    }
    for (struct transfer *at = egress->under_way.first; at; at = at->next)
        if (at->deadline_ms <= now)
            look(egress, at);
    collect(egress);
    for (struct transfer *at = egress->under_way.first; at; at = next) {
        next = at->next;
        if (at->deadline_ms <= now)
            retire(egress, at, end);
    }
}

static int64_t now_ms(void)
{
    struct timespec now;
    ASSERT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void arm(struct egress *egress, int64_t deadline_ms)
{
    struct itimerspec when = {0};
    egress->armed_ms = deadline_ms;
    if (deadline_ms != INT64_MAX) {
        when.it_value.tv_sec = deadline_ms / 1000;
        when.it_value.tv_nsec = deadline_ms % 1000 * 1000000;
    }
    ASSERT(timerfd_settime(egress->deadlines, TFD_TIMER_ABSTIME, &when, NULL) == 0);
}

static void meet_deadlines(struct egress *egress)
{
    int64_t earliest = INT64_MAX;
    end_until(egress, now_ms(), END_LATE);
    for (const struct transfer *at = egress->under_way.first; at; at = at->next)
        if (at->deadline_ms < earliest)
            earliest = at->deadline_ms;
    arm(egress, earliest);
}

/* Tells the owner; the transfer is on no list any more. */
static void tell(struct egress *egress, struct transfer *transfer)
{
    leave(egress, transfer);
    transfer_tell(transfer);
    transfer_free(transfer);
}

static void tell_finished(struct egress *egress)
{
    for (struct transfer *transfer; (transfer = egress->finished.first);) {
        take_out(&egress->finished, transfer);
        tell(egress, transfer);
    }
}

/* Only what is on the list now: who is told may read, and so bring more. */
static void tell_news(struct egress *egress)
{
    struct transfer *told = egress->news;
    egress->news = NULL;
    if (told)
        told->news_back = &told;
    for (struct transfer *transfer; (transfer = told);) {
        drop_news(transfer);
        transfer_tell_news(transfer);
    }
}

static void ring(struct egress *egress)
{
    ASSERT(eventfd_write(egress->bell, 1) == 0);
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

void egress_dispatch(struct egress *egress)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    bool timer = false, deadlines = false;
    int count = epoll_wait(egress->epoll, events, EVENTS_AT_ONCE, 0);
    ASSERT(count >= 0 || errno == EINTR);
    for (int i = 0; i < count; i++) {
        int fd = events[i].data.fd;
        uint32_t what = events[i].events;
        if (rang(egress->timer, fd))
            timer = true;
        else if (rang(egress->deadlines, fd))
            deadlines = true;
        else if (!rang(egress->bell, fd))
            act(egress, fd,
                (what & EPOLLIN ? CURL_CSELECT_IN : 0) | (what & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                    (what & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0));
    }
    /* Sockets first: an answer that is there is taken before a deadline is looked at. */
    if (timer)
        act(egress, CURL_SOCKET_TIMEOUT, 0);
    collect(egress);
    if (deadlines)
        meet_deadlines(egress);
    tell_news(egress);
    tell_finished(egress);
}

/* libcurl looks for an idle connection among all those to the same place, each time; with thousands
 * in use that is most of what a request costs. If there are not more connections than requests,
 * none is idle, or one is opened that need not have been. Where connections have reached their
 * limit, a request must wait for whichever comes free. */
static void set_room(struct egress *egress, const struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    if (!transfer->tls && (long)egress->count < egress->connections &&
        (long)egress->count < egress->connections_host &&
        !sockets_exceed(&egress->sockets, egress->count))
        ASSERT(curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK);
    if (egress->count >= CROWD)
        ASSERT(curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)CROWD_BUFFER) == CURLE_OK);
    ASSERT(curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket) == CURLE_OK);
    ASSERT(curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, egress) == CURLE_OK);
}

enum error_code egress_send(struct egress *egress, const struct egress_request *request,
                            egress_done done, void *user, uint64_t *ret_id, struct error *reterr)
{
    struct transfer *transfer;
    if (egress->closing)
        return error_set(reterr, ERR_DENIED, "egress: it is closing, nothing more is sent");
    if (egress->count >= LIMIT_REQUESTS)
        return error_set(reterr, ERR_BUSY, "egress: %u requests are under way; try again later",
                         LIMIT_REQUESTS);
    enum error_code code = begin(egress, reterr);
    if (code != ERR_OK)
        return code;
    code = transfer_new(request, egress->ca_file, done, user, &transfer, reterr);
    if (code != ERR_OK)
        return code;
    transfer->egress = egress;
    set_room(egress, transfer);
    enter(egress, transfer);
    int64_t now = now_ms();
    if (transfer->timeout_ms > 0 && transfer->timeout_ms < INT64_MAX - now)
        transfer->deadline_ms = now + transfer->timeout_ms;
    if (transfer->deadline_ms < egress->armed_ms)
        arm(egress, transfer->deadline_ms);
    append(&egress->under_way, transfer);
    ASSERT(curl_multi_add_handle(egress->multi, transfer->easy) == CURLM_OK);
    *ret_id = transfer->id;
    return ERR_OK;
}

void egress_abort(struct egress *egress, uint64_t id)
{
    struct transfer *transfer = find(egress, id);
    if (transfer && transfer->end == END_NOT_YET) {
        look(egress, transfer);
        collect(egress);
        if (transfer->end == END_NOT_YET)
            retire(egress, transfer, END_ABORTED);
    }
    if (transfer) {
        take_out(&egress->finished, transfer);
        tell(egress, transfer);
    }
    if (egress->finished.first || egress->news)
        ring(egress);
}

/* What curl held back may pass the limit, which it says here, and nowhere else. */
static void go_on(struct egress *egress, struct transfer *transfer)
{
    transfer->paused = false;
    transfer->result = curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
    if (transfer->result != CURLE_OK)
        retire(egress, transfer, END_DONE);
}

size_t egress_read(struct egress *egress, uint64_t id, size_t maximum, struct text *into)
{
    struct transfer *transfer = find(egress, id);
    if (!transfer || !transfer->arrived)
        return 0;
    struct text *from = &transfer->answer;
    size_t len = from->len < maximum ? from->len : maximum;
    text_add(into, from->ptr, len);
    from->len -= len;
    if (from->len > 0)
        memmove(from->ptr, from->ptr + len, from->len);
    if (from->len == 0 && transfer->paused && transfer->end == END_NOT_YET)
        go_on(egress, transfer);
    if (egress->news || egress->finished.first)
        ring(egress);
    return len;
}

void egress_free(struct egress *egress)
{
    if (!egress)
        return;
    egress->closing = true;
    end_until(egress, INT64_MAX, END_ABORTED);
    tell_finished(egress);
    if (egress->multi) {
        curl_multi_cleanup(egress->multi);
        curl_global_cleanup();
    }
    close_own(egress->bell);
    close_own(egress->deadlines);
    close_own(egress->timer);
    close_own(egress->epoll);
    sockets_done(&egress->sockets);
    free(egress->slots);
    free(egress->ca_file);
    free(egress);
}
