/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger's thread and its queue. An order is placed by a thread that waits for it, or comes due
 * from the late list; either way it is fulfilled in the next batch, and its sender is woken after
 * that batch's commit has returned.
 *
 *   placed → queue ──batch──→ fulfilled ──commit──→ answered        [keep_books]
 *   late   → late list, by due time ──due or closing──→ batch, nobody waits
 */
#include "ledger.h"

#include "books.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH_MAXIMUM = 512 };

struct place {
    struct order order;
    struct answer answer;
    bool done;
    bool owned;     /* a late order: freed by the ledger's thread, nobody waits */
    int64_t due_ms; /* of an owned one */
    pthread_cond_t woken;
    struct place *next;
};

struct ledger {
    pthread_t thread;
    struct books *books; /* owner: the thread */
    pthread_mutex_t lock;
    pthread_cond_t work;
    /* guarded by lock */
    struct place *first, **last; /* the queue */
    struct place *late;          /* by due time */
    bool closing;
};

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void move_due(struct ledger *l)
{
    int64_t now = monotonic_ms();
    while (l->late != NULL && (l->closing || l->late->due_ms <= now)) {
        struct place *p = l->late;
        l->late = p->next;
        p->next = NULL;
        *l->last = p;
        l->last = &p->next;
    }
}

/* Waits for work and takes at most a batch of it; NULL = closing and nothing left. */
static struct place *take_batch(struct ledger *l)
{
    pthread_mutex_lock(&l->lock);
    move_due(l);
    while (l->first == NULL && !l->closing) {
        if (l->late == NULL) {
            pthread_cond_wait(&l->work, &l->lock);
        } else {
            struct timespec due = {.tv_sec = l->late->due_ms / 1000,
                                   .tv_nsec = l->late->due_ms % 1000 * 1000000};
            pthread_cond_timedwait(&l->work, &l->lock, &due);
        }
        move_due(l);
    }
    struct place *batch = l->first, **end = &l->first;
    for (size_t i = 0; i < BATCH_MAXIMUM && *end != NULL; i++)
        end = &(*end)->next;
    l->first = *end;
    if (l->first == NULL)
        l->last = &l->first;
    *end = NULL;
    pthread_mutex_unlock(&l->lock);
    return batch;
}

static void place_free(struct place *p)
{
    const char *strings[] = {p->order.key,     p->order.reference, p->order.text, p->order.to,
                             p->order.subject, p->order.method,    p->order.path};
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        free((char *)(uintptr_t)strings[i]);
    free(p->answer.body);
    free(p);
}

static void *keep_books(void *user)
{
    struct ledger *l = user;
    for (struct place *batch = take_batch(l); batch != NULL; batch = take_batch(l)) {
        books_begin(l->books);
        for (struct place *p = batch; p != NULL; p = p->next) {
            /* A late order's arrival was recorded when it arrived. */
            if (!p->owned && p->order.kind != ORDER_STATS)
                books_arrival(l->books, &p->order);
            p->answer = books_fulfil(l->books, &p->order);
        }
        books_commit(l->books);
        pthread_mutex_lock(&l->lock);
        for (struct place *p = batch, *next; p != NULL; p = next) {
            next = p->next; /* a woken sender may end at once, and its place with it */
            if (p->owned) {
                place_free(p);
                continue;
            }
            p->done = true;
            pthread_cond_signal(&p->woken);
        }
        pthread_mutex_unlock(&l->lock);
    }
    return NULL;
}

struct ledger *ledger_open(const char *file, int64_t *ret_next)
{
    struct ledger *l = calloc(1, sizeof(*l));
    if (l == NULL)
        return NULL;
    l->books = books_open(file, ret_next);
    if (l->books == NULL) {
        free(l);
        return NULL;
    }
    l->last = &l->first;
    pthread_mutex_init(&l->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&l->work, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&l->thread, NULL, keep_books, l) != 0) {
        fprintf(stderr, "world: cannot start the ledger's thread\n");
        books_close(l->books);
        free(l);
        return NULL;
    }
    return l;
}

void ledger_close(struct ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
    ledger->closing = true;
    pthread_cond_signal(&ledger->work);
    pthread_mutex_unlock(&ledger->lock);
    pthread_join(ledger->thread, NULL);
    books_close(ledger->books);
    pthread_cond_destroy(&ledger->work);
    pthread_mutex_destroy(&ledger->lock);
    free(ledger);
}

struct answer ledger_place(struct ledger *ledger, const struct order *order)
{
    struct place p = {.order = *order};
    pthread_cond_init(&p.woken, NULL);
    pthread_mutex_lock(&ledger->lock);
    *ledger->last = &p;
    ledger->last = &p.next;
    pthread_cond_signal(&ledger->work);
    while (!p.done)
        pthread_cond_wait(&p.woken, &ledger->lock);
    pthread_mutex_unlock(&ledger->lock);
    pthread_cond_destroy(&p.woken);
    return p.answer;
}

static const char *copy(const char *string)
{
    return string == NULL ? NULL : strdup(string);
}

void ledger_place_late(struct ledger *ledger, const struct order *order, int64_t delay_ms)
{
    struct place *p = calloc(1, sizeof(*p));
    if (p == NULL)
        abort();
    p->order = *order;
    p->order.key = copy(order->key);
    p->order.reference = copy(order->reference);
    p->order.text = copy(order->text);
    p->order.to = copy(order->to);
    p->order.subject = copy(order->subject);
    p->order.method = copy(order->method);
    p->order.path = copy(order->path);
    p->owned = true;
    p->due_ms = monotonic_ms() + delay_ms;

    pthread_mutex_lock(&ledger->lock);
    struct place **at = &ledger->late;
    while (*at != NULL && (*at)->due_ms <= p->due_ms)
        at = &(*at)->next;
    p->next = *at;
    *at = p;
    pthread_cond_signal(&ledger->work);
    pthread_mutex_unlock(&ledger->lock);

    struct order arrival = *order;
    arrival.kind = ORDER_ARRIVAL;
    free(ledger_place(ledger, &arrival).body);
}
