/* SPDX-License-Identifier: Apache-2.0
 *
 * What passes between the owner's thread and that of I/O. Orders go one way: start this, abort
 * that, what lay unread was read. News and transfers that are over come back. Each side rings the
 * other by a descriptor: once for all that it was given since it was last emptied. The lock is held
 * to put and to take, never while libcurl works; inside its callbacks only by one who has a piece
 * of an answer that is read as it comes.
 *
 * A transfer is the I/O thread's from its START until it is over, and the owner's again when the
 * owner has taken it: so an order names it by its id, which may be over by then.
 *
 * All of it is bounded by LIMIT_REQUESTS: of each request one START, one ABORT, and one GO_ON for
 * each time that it was paused.
 */
#include "egress/egress_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

void transfers_add(struct transfers *list, struct transfer *transfer)
{
    transfer->prev = list->last;
    transfer->next = NULL;
    *(list->last ? &list->last->next : &list->first) = transfer;
    list->last = transfer;
}

void transfers_remove(struct transfers *list, struct transfer *transfer)
{
    *(transfer->prev ? &transfer->prev->next : &list->first) = transfer->next;
    *(transfer->next ? &transfer->next->prev : &list->last) = transfer->prev;
}

bool mail_init(struct mail *mail)
{
    *mail = (struct mail){
        .to_io = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
        .to_owner = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
    };
    ASSERT(pthread_mutex_init(&mail->lock, NULL) == 0);
    return mail->to_io >= 0 && mail->to_owner >= 0;
}

void mail_done(struct mail *mail)
{
    int saved = errno;
    if (mail->to_io >= 0)
        close(mail->to_io);
    if (mail->to_owner >= 0)
        close(mail->to_owner);
    free(mail->orders);
    pthread_mutex_destroy(&mail->lock);
    errno = saved;
}

static void ring(int bell)
{
    ASSERT(eventfd_write(bell, 1) == 0);
}

static void silence(int bell)
{
    eventfd_t value;
    ASSERT(eventfd_read(bell, &value) == 0 || errno == EAGAIN);
}

/* ---- to the I/O thread ---- */

void mail_order(struct mail *mail, struct order order)
{
    pthread_mutex_lock(&mail->lock);
    if (mail->order_count == mail->order_room) {
        mail->order_room = mail->order_room ? mail->order_room * 2 : 64;
        mail->orders = xrealloc(mail->orders, mail->order_room * sizeof(*mail->orders));
    }
    mail->orders[mail->order_count++] = order;
    bool first = mail->order_count == 1;
    pthread_mutex_unlock(&mail->lock);
    if (first)
        ring(mail->to_io);
}

void mail_limit(struct mail *mail, long connections, long connections_host)
{
    pthread_mutex_lock(&mail->lock);
    mail->connections = connections;
    mail->connections_host = connections_host;
    pthread_mutex_unlock(&mail->lock);
    ring(mail->to_io);
}

void mail_close(struct mail *mail)
{
    pthread_mutex_lock(&mail->lock);
    mail->closing = true;
    pthread_mutex_unlock(&mail->lock);
    ring(mail->to_io);
}

struct orders mail_take_orders(struct mail *mail)
{
    silence(mail->to_io);
    pthread_mutex_lock(&mail->lock);
    struct orders orders = {
        .list = mail->orders,
        .count = mail->order_count,
        .connections = mail->connections,
        .connections_host = mail->connections_host,
        .closing = mail->closing,
    };
    mail->orders = NULL;
    mail->order_count = mail->order_room = 0;
    mail->connections = mail->connections_host = 0;
    pthread_mutex_unlock(&mail->lock);
    return orders;
}

/* ---- to the owner ---- */

void mail_has_news(struct mail *mail, struct transfer *transfer)
{
    mail->owed = true;
    if (transfer->has_news)
        return;
    transfer->has_news = true;
    transfer->next_news = NULL;
    *(mail->last_news ? &mail->last_news->next_news : &mail->news) = transfer;
    mail->last_news = transfer;
    mail->news_count++;
}

void mail_hand_over(struct mail *mail, struct transfers *over)
{
    if (!over->first)
        return;
    mail->owed = true;
    pthread_mutex_lock(&mail->lock);
    for (struct transfer *next, *at = over->first; at; at = next) {
        next = at->next;
        at->over = true;
        transfers_add(&mail->over, at);
    }
    pthread_mutex_unlock(&mail->lock);
    *over = (struct transfers){0};
}

void mail_ring(struct mail *mail)
{
    if (mail->owed)
        ring(mail->to_owner);
    mail->owed = false;
}

/* Who is over is told all at once: it has no news. */
static void forget_old_news(struct mail *mail)
{
    struct transfer *last = NULL;
    for (struct transfer **at = &mail->news; *at;) {
        struct transfer *transfer = *at;
        if (transfer->over) {
            *at = transfer->next_news;
            transfer->has_news = false;
            mail->news_count--;
        } else {
            last = transfer;
            at = &transfer->next_news;
        }
    }
    mail->last_news = last;
}

size_t mail_open(struct mail *mail, struct transfers *ret_over)
{
    silence(mail->to_owner);
    pthread_mutex_lock(&mail->lock);
    *ret_over = mail->over;
    mail->over = (struct transfers){0};
    forget_old_news(mail);
    size_t count = mail->news_count;
    pthread_mutex_unlock(&mail->lock);
    return count;
}

struct transfer *mail_news(struct mail *mail)
{
    pthread_mutex_lock(&mail->lock);
    struct transfer *transfer = mail->news;
    if (transfer) {
        mail->news = transfer->next_news;
        mail->last_news = mail->news ? mail->last_news : NULL;
        mail->news_count--;
        transfer->has_news = false;
    }
    pthread_mutex_unlock(&mail->lock);
    return transfer;
}
