/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of the ledger and what each order does to them. One thread, inside a transaction that
 * the caller opens and commits. A ledger that cannot write is no ledger: a failure of SQLite is
 * printed and ends the process, and what was not committed was not answered either.
 */
#ifndef TESTS_WORLD_BOOKS_H
#define TESTS_WORLD_BOOKS_H

#include "ledger.h"

struct books;

struct books *books_open(const char *file, int64_t *ret_next);
void books_close(struct books *books);

void books_begin(struct books *books);
void books_commit(struct books *books);

void books_arrival(struct books *books, const struct order *order);
struct answer books_fulfil(struct books *books, const struct order *order);

#endif
