/* SPDX-License-Identifier: Apache-2.0
 *
 * The doors of the room, and the I/O thread behind them. The owner's thread checks and copies what
 * is asked for, and tells what became of it; the other one drives libcurl. It begins with the first
 * request (a host that sends nothing has none), takes no signals, and ends with the egress. No call
 * here waits for it but egress_free: neither a name that is looked up nor a thousand greetings of
 * TLS hold up the owner's loop.
 */
#include "egress/by_hand_internal.h"
#include "egress/egress_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct egress {
    /* owner's thread */
    char *ca_file;
    uint64_t last_id;
    size_t count;            /* that were sent, and not told */
    struct transfer **slots; /* LIMIT_REQUESTS of them, by id */
    int connections, connections_host;
    bool begun, by_hand, closing;
    pthread_t thread;

    struct mail mail;

    /* the I/O thread's, from its start to its end */
    struct carrier *carrier; /* NULL until something is sent */
};

/* NULL = it is unknown, or was told. */
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

/* ---- the I/O thread ---- */

static void obey(struct carrier *carrier, const struct order *order)
{
    switch (order->kind) {
    case ORDER_START:
        carrier_start(carrier, order->transfer);
        break;
    case ORDER_ABORT:
        carrier_abort(carrier, order->id);
        break;
    case ORDER_GO_ON:
        carrier_go_on(carrier, order->id);
        break;
    }
}

static void hand_over(struct egress *egress)
{
    struct transfers over = carrier_take_over(egress->carrier);
    mail_hand_over(&egress->mail, &over);
    mail_ring(&egress->mail);
}

/* False once the egress closes. */
static bool turn(struct egress *egress)
{
    struct orders orders = mail_take_orders(&egress->mail);
    if (orders.connections > 0)
        carrier_limit(egress->carrier, orders.connections, orders.connections_host);
    for (size_t i = 0; i < orders.count; i++)
        obey(egress->carrier, &orders.list[i]);
    free(orders.list);
    if (orders.closing)
        carrier_abort_all(egress->carrier);
    else
        carrier_dispatch(egress->carrier);
    hand_over(egress);
    return !orders.closing;
}

static void *io_main(void *user)
{
    struct egress *egress = user;
    struct pollfd ready = {.fd = carrier_fd(egress->carrier), .events = POLLIN};
    pthread_setname_np(pthread_self(), "seam-io");
    do
        ASSERT(poll(&ready, 1, -1) >= 0 || errno == EINTR);
    while (turn(egress));
    carrier_free(TAKE(egress->carrier));
    return NULL;
}

static enum error_code start_thread(struct egress *egress, struct error *reterr)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the owner's */
    int failed = pthread_create(&egress->thread, NULL, io_main, egress);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? error_set_errno(reterr, failed, "egress: cannot start its thread") : ERR_OK;
}

/* ---- life ---- */

enum error_code egress_new(struct egress **ret_egress, struct error *reterr)
{
    struct egress *egress = xcalloc(1, sizeof(*egress));
    egress->connections = LIMIT_CONNECTIONS;
    egress->connections_host = LIMIT_CONNECTIONS_HOST;
    if (!mail_init(&egress->mail)) {
        enum error_code code = error_set_errno(reterr, errno, "egress: cannot be set up");
        mail_done(&egress->mail);
        free(egress);
        return code;
    }
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
    if (egress->begun)
        return ERR_OK;
    enum error_code code = late_load(reterr);
    if (code != ERR_OK)
        return code;
    ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    raise_files();
    egress->carrier =
        carrier_new(egress->mail.to_io, egress->connections, egress->connections_host);
    if (!egress->carrier)
        code = error_set_errno(reterr, errno, "egress: cannot be set up");
    if (code == ERR_OK && !egress->by_hand)
        code = start_thread(egress, reterr);
    if (code != ERR_OK) {
        carrier_free(TAKE(egress->carrier));
        curl_global_cleanup();
        return code;
    }
    egress->slots = xcalloc(LIMIT_REQUESTS, sizeof(*egress->slots));
    egress->begun = true;
    return ERR_OK;
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
    if (egress->begun)
        mail_limit(&egress->mail, connections, connections_host);
}

int egress_fd(const struct egress *egress)
{
    return egress->mail.to_owner;
}

size_t egress_under_way(const struct egress *egress)
{
    return egress->count;
}

/* ---- telling ---- */

static void tell(struct egress *egress, struct transfer *transfer)
{
    leave(egress, transfer);
    transfer_tell(transfer);
    transfer_free(transfer);
}

void egress_dispatch(struct egress *egress)
{
    struct transfers over;
    /* only what is there now: who is told may read, and so bring more */
    for (size_t left = mail_open(&egress->mail, &over); left > 0; left--) {
        const struct transfer *transfer = mail_news(&egress->mail);
        if (transfer && !transfer->aborted)
            transfer_tell_news(transfer);
    }
    for (struct transfer *transfer; (transfer = over.first);) {
        transfers_remove(&over, transfer);
        tell(egress, transfer);
    }
}

/* ---- asking ---- */

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
    enter(egress, transfer);
    transfer->mail = &egress->mail;
    int64_t now = deadlines_now_ms();
    if (transfer->timeout_ms > 0 && transfer->timeout_ms < INT64_MAX - now)
        transfer->deadline_ms = now + transfer->timeout_ms;
    *ret_id = transfer->id;
    mail_order(&egress->mail, (struct order){ORDER_START, transfer->id, transfer});
    return ERR_OK;
}

void egress_abort(struct egress *egress, uint64_t id)
{
    struct transfer *transfer = find(egress, id);
    if (!transfer || transfer->aborted)
        return;
    transfer->aborted = true;
    mail_order(&egress->mail, (struct order){.kind = ORDER_ABORT, .id = id});
}

/* With the lock; whether curl may go on. */
static bool take_unread(struct transfer *transfer, size_t maximum, struct text *into,
                        size_t *ret_len)
{
    struct text *from = &transfer->answer;
    size_t len = from->len < maximum ? from->len : maximum;
    text_add(into, from->ptr, len);
    from->len -= len;
    if (from->len > 0)
        memmove(from->ptr, from->ptr + len, from->len);
    *ret_len = len;
    bool go_on = transfer->paused && from->len == 0;
    if (go_on)
        transfer->paused = false;
    return go_on;
}

size_t egress_read(struct egress *egress, uint64_t id, size_t maximum, struct text *into)
{
    struct transfer *transfer = find(egress, id);
    size_t len = 0;
    if (!transfer || !transfer->arrived)
        return 0;
    pthread_mutex_lock(&egress->mail.lock);
    bool go_on = take_unread(transfer, maximum, into, &len);
    pthread_mutex_unlock(&egress->mail.lock);
    if (go_on)
        mail_order(&egress->mail, (struct order){.kind = ORDER_GO_ON, .id = id});
    return len;
}

static void end_io(struct egress *egress)
{
    mail_close(&egress->mail);
    if (egress->by_hand) {
        turn(egress);
        carrier_free(TAKE(egress->carrier));
    } else {
        ASSERT(pthread_join(egress->thread, NULL) == 0);
    }
}

void egress_free(struct egress *egress)
{
    if (!egress)
        return;
    egress->closing = true;
    if (egress->begun) {
        end_io(egress);
        egress_dispatch(egress);
        ASSERT(egress->count == 0);
        curl_global_cleanup();
    }
    mail_done(&egress->mail);
    free(egress->slots);
    free(egress->ca_file);
    free(egress);
}

/* ---- by hand ---- */

void egress_by_hand(struct egress *egress)
{
    struct error err;
    egress->by_hand = true;
    if (begin(egress, &err) != ERR_OK)
        abort();
}

void egress_turn(struct egress *egress)
{
    turn(egress);
}

int egress_turn_fd(const struct egress *egress)
{
    return egress->by_hand ? carrier_fd(egress->carrier) : -1;
}

struct carrier *egress_carrier(struct egress *egress)
{
    return egress->carrier;
}
