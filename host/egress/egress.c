/* SPDX-License-Identifier: Apache-2.0
 *
 * The pool: libcurl's multi handle, driven by one epoll descriptor that holds curl's sockets, a
 * timer and a bell, so that any loop can drive it by one descriptor. The owner's thread alone.
 *
 * A transfer is under way (curl has it) or finished (curl is done with it, its owner was not told
 * yet). Owners are told only outside of libcurl's callbacks, so they may send and abort. The bell
 * rings for transfers that finished while one was aborted: they are told by the next dispatch.
 */
#include "egress/egress_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { EVENTS_AT_ONCE = 256 };

struct list {
    struct transfer *first, *last;
};

struct egress {
    CURLM *multi;
    int epoll, timer, bell;
    char *ca_file;
    uint64_t last_id;
    size_t count;
    struct list under_way, finished;
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

/* An id is unknown, or under way, or finished. Ids grow, and late ones are asked for most. */
static struct transfer *find(const struct list *list, uint64_t id)
{
    struct transfer *transfer = list->last;
    while (transfer && transfer->id != id)
        transfer = transfer->prev;
    return transfer;
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

static void set_multi(struct egress *egress)
{
    CURLM *multi = egress->multi;
    ASSERT(curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK);
    ASSERT(curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, egress) == CURLM_OK);
    ASSERT(curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK);
    ASSERT(curl_multi_setopt(multi, CURLMOPT_TIMERDATA, egress) == CURLM_OK);
    ASSERT(curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)LIMIT_CONNECTIONS) ==
           CURLM_OK);
    ASSERT(curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)LIMIT_CONNECTIONS_HOST) ==
           CURLM_OK);
    ASSERT(curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)LIMIT_CONNECTIONS) == CURLM_OK);
    ASSERT(curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING) == CURLM_OK);
}

enum error_code egress_new(struct egress **ret_egress, struct error *reterr)
{
    ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    struct egress *egress = xcalloc(1, sizeof(*egress));
    egress->multi = curl_multi_init();
    egress->epoll = epoll_create1(EPOLL_CLOEXEC);
    egress->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    egress->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!egress->multi || egress->epoll < 0 || egress->timer < 0 || egress->bell < 0) {
        enum error_code code = error_set_errno(reterr, errno, "egress: cannot be set up");
        egress_free(egress);
        return code;
    }
    watch_own(egress, egress->timer);
    watch_own(egress, egress->bell);
    set_multi(egress);
    *ret_egress = egress;
    return ERR_OK;
}

static void close_own(int fd)
{
    if (fd >= 0)
        close(fd);
}

void egress_free(struct egress *egress)
{
    if (!egress)
        return;
    egress->closing = true;
    while (egress->under_way.first)
        egress_abort(egress, egress->under_way.first->id);
    while (egress->finished.first)
        egress_abort(egress, egress->finished.first->id);
    curl_multi_cleanup(egress->multi);
    close_own(egress->bell);
    close_own(egress->timer);
    close_own(egress->epoll);
    free(egress->ca_file);
    free(egress);
    curl_global_cleanup();
}

void egress_trust(struct egress *egress, const char *ca_file)
{
    free(egress->ca_file);
    egress->ca_file = ca_file ? xstrdup(ca_file) : NULL;
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

/* Moves what curl is done with to the finished. */
static void collect(struct egress *egress)
{
    int left;
    for (CURLMsg *said; (said = curl_multi_info_read(egress->multi, &left));) {
        struct transfer *transfer = NULL;
        CURL *easy = said->easy_handle;
        CURLcode result = said->data.result;
        ASSERT(said->msg == CURLMSG_DONE);
        ASSERT(curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer) == CURLE_OK);
        transfer->result = result;
        transfer->finished = true;
        ASSERT(curl_multi_remove_handle(egress->multi, easy) == CURLM_OK);
        take_out(&egress->under_way, transfer);
        append(&egress->finished, transfer);
    }
}

static void act(struct egress *egress, curl_socket_t socket, int what)
{
    int running;
    ASSERT(curl_multi_socket_action(egress->multi, socket, what, &running) == CURLM_OK);
}

/* Tells the owner; the transfer is on no list any more. */
static void tell(struct egress *egress, struct transfer *transfer)
{
    egress->count--;
    transfer_tell(transfer);
    transfer_free(transfer);
}

static void drain(int fd)
{
    uint64_t value;
    ASSERT(read(fd, &value, sizeof(value)) == sizeof(value) || errno == EAGAIN);
}

void egress_dispatch(struct egress *egress)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int count = epoll_wait(egress->epoll, events, EVENTS_AT_ONCE, 0);
    ASSERT(count >= 0 || errno == EINTR);
    bool late = false;
    for (int i = 0; i < count; i++) {
        int fd = events[i].data.fd;
        uint32_t what = events[i].events;
        if (fd == egress->timer || fd == egress->bell) {
            drain(fd);
            late = late || fd == egress->timer;
            continue;
        }
        act(egress, fd,
            (what & EPOLLIN ? CURL_CSELECT_IN : 0) | (what & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                (what & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0));
    }
    /* Sockets first: an answer that is there is taken before a deadline is looked at. */
    if (late)
        act(egress, CURL_SOCKET_TIMEOUT, 0);
    collect(egress);
    for (struct transfer *transfer; (transfer = egress->finished.first);) {
        take_out(&egress->finished, transfer);
        tell(egress, transfer);
    }
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
    enum error_code code = transfer_new(request, egress->ca_file, done, user, &transfer, reterr);
    if (code != ERR_OK)
        return code;
    transfer->id = ++egress->last_id;
    append(&egress->under_way, transfer);
    egress->count++;
    ASSERT(curl_multi_add_handle(egress->multi, transfer->easy) == CURLM_OK);
    *ret_id = transfer->id;
    return ERR_OK;
}

void egress_abort(struct egress *egress, uint64_t id)
{
    struct transfer *transfer = find(&egress->under_way, id);
    /* An answer that lies in the socket is evidence, and evidence wins over an abort. */
    if (transfer && transfer->socket != CURL_SOCKET_BAD) {
        act(egress, transfer->socket, CURL_CSELECT_IN);
        collect(egress);
        transfer = find(&egress->under_way, id);
    }
    if (transfer) {
        take_out(&egress->under_way, transfer);
        ASSERT(curl_multi_remove_handle(egress->multi, transfer->easy) == CURLM_OK);
        transfer->aborted = true;
        tell(egress, transfer);
    } else if ((transfer = find(&egress->finished, id))) {
        take_out(&egress->finished, transfer);
        tell(egress, transfer);
    }
    if (egress->finished.first)
        ASSERT(eventfd_write(egress->bell, 1) == 0);
}
