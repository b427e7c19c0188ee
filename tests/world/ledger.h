/* SPDX-License-Identifier: Apache-2.0
 *
 * What the world knows to have happened: bookings, mails, issues and every arrival, in a SQLite
 * file that outlives the process. One thread owns the file. It gathers the orders that wait,
 * commits them in one durable transaction, and only then lets their senders go on: nothing is
 * answered that a kill could take back, and hundreds of senders share one sync.
 *
 * A commit that should come late waits in that thread until it is due; nobody waits for it.
 */
#ifndef TESTS_WORLD_LEDGER_H
#define TESTS_WORLD_LEDGER_H

#include "knobs.h"

struct ledger;

enum order_kind {
    ORDER_BOOK,    /* text = offer, reference may be "", count = passengers     */
    ORDER_FIND,    /* by key and reference; NULL matches all                    */
    ORDER_CANCEL,  /* text = booking                                            */
    ORDER_MAIL,    /* to, subject, text = body                                  */
    ORDER_FILE,    /* subject = title, text = body, to = severity               */
    ORDER_ISSUES,  /* by key; NULL matches all                                  */
    ORDER_DELETE,  /* text = the issue's number                                 */
    ORDER_STATS,   /* leaves no arrival                                         */
    ORDER_ARRIVAL, /* an arrival and nothing else                               */
};

/* Strings are borrowed for the time of the call. */
struct order {
    enum order_kind kind;
    const char *key; /* Idempotency-Key, or NULL */
    const char *reference, *text, *to, *subject;
    int64_t count;
    bool honour_key;
    /* the arrival */
    int64_t n;
    const char *method, *path;
    enum fate fate;
};

struct answer {
    int status;
    char *body; /* JSON; the receiver frees */
    bool replayed;
};

/* Opens or makes the ledger; NULL after writing why to stderr. *ret_next is the next arrival's
 * number: the count goes on where the last process left it. */
struct ledger *ledger_open(const char *file, int64_t *ret_next);
/* Commits everything that waits, late commits too, and closes. */
void ledger_close(struct ledger *ledger);

/* Returns when the order is durable. Any thread. */
struct answer ledger_place(struct ledger *ledger, const struct order *order);
/* Records the arrival, returns when that is durable, and commits the order delay_ms later. */
void ledger_place_late(struct ledger *ledger, const struct order *order, int64_t delay_ms);

#endif
