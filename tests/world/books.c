/* SPDX-License-Identifier: Apache-2.0
 *
 * SQL of the ledger. WAL with synchronous=FULL: a commit that returned survives the end of the
 * process and of the machine. No row is ever deleted: cancelling a booking or deleting an issue
 * changes its status, so that whoever counts rows sees what was ever done.
 */
#include "books.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char SCHEMA[] =
    "CREATE TABLE IF NOT EXISTS bookings ("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id TEXT GENERATED ALWAYS AS (printf('B-%06d', seq)) VIRTUAL,"
    " key TEXT, reference TEXT NOT NULL, offer TEXT NOT NULL, passengers INTEGER NOT NULL,"
    " status TEXT NOT NULL, committed_at INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS bookings_id ON bookings(id);"
    "CREATE INDEX IF NOT EXISTS bookings_key ON bookings(key);"
    "CREATE INDEX IF NOT EXISTS bookings_reference ON bookings(reference);"
    "CREATE TABLE IF NOT EXISTS mails ("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id TEXT GENERATED ALWAYS AS (printf('M-%06d', seq)) VIRTUAL,"
    " key TEXT, recipient TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL,"
    " committed_at INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS mails_key ON mails(key);"
    "CREATE TABLE IF NOT EXISTS issues ("
    " number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " key TEXT, title TEXT NOT NULL, body TEXT NOT NULL, severity TEXT NOT NULL,"
    " status TEXT NOT NULL, committed_at INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS issues_key ON issues(key);"
    "CREATE TABLE IF NOT EXISTS arrivals ("
    " n INTEGER PRIMARY KEY, method TEXT NOT NULL, path TEXT NOT NULL, key TEXT,"
    " at INTEGER NOT NULL, fate TEXT NOT NULL);";

#define BOOKING_COLUMNS "id, key, reference, offer, passengers, status, committed_at"
#define ISSUE_COLUMNS   "number, key, title, body, severity, status, committed_at"

#define STATEMENTS(X)                                                                              \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(ARRIVE, "INSERT INTO arrivals(n, method, path, key, at, fate) VALUES (?1,?2,?3,?4,?5,?6)")   \
    X(LAST_ARRIVAL, "SELECT coalesce(max(n), 0) FROM arrivals")                                    \
    X(BOOK, "INSERT INTO bookings(key, reference, offer, passengers, status, committed_at)"        \
            " VALUES (?1,?2,?3,?4,'confirmed',?5) RETURNING " BOOKING_COLUMNS)                     \
    X(BOOKED, "SELECT " BOOKING_COLUMNS " FROM bookings WHERE key = ?1 ORDER BY seq LIMIT 1")      \
    X(FIND, "SELECT " BOOKING_COLUMNS " FROM bookings"                                             \
            " WHERE (?1 IS NULL OR key = ?1) AND (?2 IS NULL OR reference = ?2)"                   \
            " ORDER BY seq LIMIT 1000")                                                            \
    X(CANCEL, "UPDATE bookings SET status = 'cancelled' WHERE id = ?1 RETURNING " BOOKING_COLUMNS) \
    X(MAIL, "INSERT INTO mails(key, recipient, subject, body, committed_at)"                       \
            " VALUES (?1,?2,?3,?4,?5) RETURNING id")                                               \
    X(MAILED, "SELECT id, recipient = ?2 AND subject = ?3 AND body = ?4 FROM mails"                \
              " WHERE key = ?1 ORDER BY seq LIMIT 1")                                              \
    X(FILE, "INSERT INTO issues(key, severity, title, body, status, committed_at)"                 \
            " VALUES (?1,?2,?3,?4,'open',?5) RETURNING " ISSUE_COLUMNS)                            \
    X(FILED, "SELECT " ISSUE_COLUMNS ", severity = ?2 AND title = ?3 AND body = ?4 FROM issues"    \
             " WHERE key = ?1 ORDER BY number LIMIT 1")                                            \
    X(ISSUES, "SELECT " ISSUE_COLUMNS " FROM issues WHERE ?1 IS NULL OR key = ?1"                  \
              " ORDER BY number LIMIT 1000")                                                       \
    X(DELETE, "UPDATE issues SET status = 'deleted' WHERE number = ?1 RETURNING " ISSUE_COLUMNS)   \
    X(COUNTS, "SELECT"                                                                             \
              " (SELECT count(*) FROM arrivals), (SELECT count(*) FROM bookings),"                 \
              " (SELECT count(*) FROM bookings WHERE status = 'cancelled'),"                       \
              " (SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM bookings"          \
              "   WHERE reference <> '' GROUP BY reference)),"                                     \
              " (SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM bookings"          \
              "   WHERE key IS NOT NULL GROUP BY key)),"                                           \
              " (SELECT count(*) FROM mails),"                                                     \
              " (SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM mails"             \
              "   GROUP BY recipient, subject, body)),"                                            \
              " (SELECT count(*) FROM issues), (SELECT count(*) FROM issues"                       \
              "   WHERE status = 'deleted')")                                                      \
    X(FATES, "SELECT fate, count(*) FROM arrivals GROUP BY fate ORDER BY fate")                    \
    X(KINDS, "SELECT method || ' ' || CASE WHEN path LIKE '/bookings/%' THEN '/bookings/ID'"       \
             " WHEN path LIKE '/issues/%' THEN '/issues/ID' ELSE path END AS kind, count(*) FROM " \
             "arrivals GROUP BY kind ORDER BY kind")

enum statement {
#define X(name, sql) SQL_##name,
    STATEMENTS(X)
#undef X
        STATEMENT_COUNT
};

struct books {
    sqlite3 *db;
    sqlite3_stmt *prepared[STATEMENT_COUNT];
};

_Noreturn static void give_up(struct books *b, const char *what)
{
    fprintf(stderr, "world: the ledger cannot %s: %s\n", what, sqlite3_errmsg(b->db));
    _Exit(EXIT_FAILURE);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static sqlite3_stmt *statement(struct books *b, enum statement which)
{
    static const char *const SQL[] = {
#define X(name, sql) sql,
        STATEMENTS(X)
#undef X
    };
    if (b->prepared[which] == NULL &&
        sqlite3_prepare_v3(b->db, SQL[which], -1, SQLITE_PREPARE_PERSISTENT, &b->prepared[which],
                           NULL) != SQLITE_OK)
        give_up(b, SQL[which]);
    sqlite3_reset(b->prepared[which]);
    sqlite3_clear_bindings(b->prepared[which]);
    return b->prepared[which];
}

/* A NULL text is SQL's NULL. The text outlives the statement's use. */
static void bind(sqlite3_stmt *s, int at, const char *text)
{
    sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
}

static bool step(struct books *b, sqlite3_stmt *s)
{
    int rc = sqlite3_step(s);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        give_up(b, sqlite3_sql(s));
    return rc == SQLITE_ROW;
}

static void run(struct books *b, sqlite3_stmt *s)
{
    while (step(b, s))
        continue;
    sqlite3_reset(s);
}

static struct answer answer_take(int status, json_t *body)
{
    struct answer a = {.status = status, .body = json_dumps(body, JSON_COMPACT)};
    json_decref(body);
    return a;
}

static json_t *column_json(sqlite3_stmt *s, int at)
{
    if (sqlite3_column_type(s, at) == SQLITE_NULL)
        return json_null();
    if (sqlite3_column_type(s, at) == SQLITE_INTEGER)
        return json_integer(sqlite3_column_int64(s, at));
    return json_string((const char *)sqlite3_column_text(s, at));
}

/* Columns of the row under the cursor. */
static json_t *row_json(sqlite3_stmt *s, int from, int to)
{
    json_t *row = json_object();
    for (int i = from; i < to; i++)
        json_object_set_new(row, sqlite3_column_name(s, i), column_json(s, i));
    return row;
}

/* The row under the cursor; its first member is named "booking", as in every answer. */
static json_t *booking_json(sqlite3_stmt *s)
{
    json_t *booking = json_pack("{s:o}", "booking", column_json(s, 0));
    json_t *rest = row_json(s, 1, sqlite3_column_count(s));
    json_object_update(booking, rest);
    json_decref(rest);
    return booking;
}

static bool is_same_booking(const json_t *booking, const struct order *o)
{
    return strcmp(json_string_value(json_object_get(booking, "offer")), o->text) == 0 &&
           strcmp(json_string_value(json_object_get(booking, "reference")), o->reference) == 0 &&
           json_integer_value(json_object_get(booking, "passengers")) == o->count;
}

static struct answer key_conflict(void)
{
    return answer_take(
        422, json_pack("{s:s}", "error", "this Idempotency-Key came before with another request"));
}

static struct answer book(struct books *b, const struct order *o)
{
    if (o->honour_key && o->key != NULL) {
        sqlite3_stmt *booked = statement(b, SQL_BOOKED);
        bind(booked, 1, o->key);
        if (step(b, booked)) {
            json_t *booking = booking_json(booked);
            sqlite3_reset(booked);
            if (!is_same_booking(booking, o)) {
                json_decref(booking);
                return key_conflict();
            }
            struct answer again = answer_take(201, booking);
            again.replayed = true;
            return again;
        }
    }
    sqlite3_stmt *s = statement(b, SQL_BOOK);
    bind(s, 1, o->key);
    bind(s, 2, o->reference);
    bind(s, 3, o->text);
    sqlite3_bind_int64(s, 4, o->count);
    sqlite3_bind_int64(s, 5, now_ms());
    step(b, s);
    json_t *booking = booking_json(s);
    run(b, s);
    return answer_take(201, booking);
}

static struct answer find(struct books *b, const struct order *o)
{
    json_t *list = json_array();
    sqlite3_stmt *s = statement(b, SQL_FIND);
    bind(s, 1, o->key);
    bind(s, 2, o->reference);
    while (step(b, s))
        json_array_append_new(list, booking_json(s));
    sqlite3_reset(s);
    return answer_take(200, json_pack("{s:o}", "bookings", list));
}

static struct answer cancel(struct books *b, const struct order *o)
{
    sqlite3_stmt *s = statement(b, SQL_CANCEL);
    bind(s, 1, o->text);
    if (!step(b, s)) {
        sqlite3_reset(s);
        return answer_take(
            404, json_pack("{s:s, s:s}", "error", "there is no such booking", "booking", o->text));
    }
    json_t *booking = booking_json(s);
    run(b, s);
    return answer_take(200, booking);
}

static void bind_mail(sqlite3_stmt *s, const struct order *o)
{
    bind(s, 1, o->key);
    bind(s, 2, o->to);
    bind(s, 3, o->subject);
    bind(s, 4, o->text);
}

static struct answer mail(struct books *b, const struct order *o)
{
    if (o->honour_key && o->key != NULL) {
        sqlite3_stmt *mailed = statement(b, SQL_MAILED);
        bind_mail(mailed, o);
        if (step(b, mailed)) {
            json_t *id = json_pack("{s:o}", "id", column_json(mailed, 0));
            bool same = sqlite3_column_int(mailed, 1) != 0;
            sqlite3_reset(mailed);
            if (!same) {
                json_decref(id);
                return key_conflict();
            }
            struct answer again = answer_take(202, id);
            again.replayed = true;
            return again;
        }
    }
    sqlite3_stmt *s = statement(b, SQL_MAIL);
    bind_mail(s, o);
    sqlite3_bind_int64(s, 5, now_ms());
    step(b, s);
    json_t *id = json_pack("{s:o}", "id", column_json(s, 0));
    run(b, s);
    return answer_take(202, id);
}

static struct answer file(struct books *b, const struct order *o)
{
    if (o->honour_key && o->key != NULL) {
        sqlite3_stmt *filed = statement(b, SQL_FILED);
        bind_mail(filed, o);
        if (step(b, filed)) {
            int columns = sqlite3_column_count(filed) - 1;
            bool same = sqlite3_column_int(filed, columns) != 0;
            json_t *issue = row_json(filed, 0, columns);
            sqlite3_reset(filed);
            if (!same) {
                json_decref(issue);
                return key_conflict();
            }
            struct answer again = answer_take(201, issue);
            again.replayed = true;
            return again;
        }
    }
    sqlite3_stmt *s = statement(b, SQL_FILE);
    bind_mail(s, o);
    sqlite3_bind_int64(s, 5, now_ms());
    step(b, s);
    json_t *issue = row_json(s, 0, sqlite3_column_count(s));
    run(b, s);
    return answer_take(201, issue);
}

static struct answer issues(struct books *b, const struct order *o)
{
    json_t *list = json_array();
    sqlite3_stmt *s = statement(b, SQL_ISSUES);
    bind(s, 1, o->key);
    while (step(b, s))
        json_array_append_new(list, row_json(s, 0, sqlite3_column_count(s)));
    sqlite3_reset(s);
    return answer_take(200, json_pack("{s:o}", "issues", list));
}

static struct answer delete_issue(struct books *b, const struct order *o)
{
    sqlite3_stmt *s = statement(b, SQL_DELETE);
    bind(s, 1, o->text);
    if (!step(b, s)) {
        sqlite3_reset(s);
        return answer_take(404, json_pack("{s:s}", "error", "there is no such issue"));
    }
    json_t *issue = row_json(s, 0, sqlite3_column_count(s));
    run(b, s);
    return answer_take(200, issue);
}

static json_t *pairs_json(struct books *b, enum statement which)
{
    json_t *pairs = json_object();
    sqlite3_stmt *s = statement(b, which);
    while (step(b, s))
        json_object_set_new(pairs, (const char *)sqlite3_column_text(s, 0), column_json(s, 1));
    sqlite3_reset(s);
    return pairs;
}

static struct answer stats(struct books *b)
{
    json_t *fates = pairs_json(b, SQL_FATES), *kinds = pairs_json(b, SQL_KINDS);
    sqlite3_stmt *s = statement(b, SQL_COUNTS);
    step(b, s);
    json_t *all = json_pack(
        "{s:I, s:I, s:{s:I, s:I, s:I, s:I}, s:{s:I, s:I}, s:{s:I, s:I}, s:o, s:o}", //
        "arrivals", sqlite3_column_int64(s, 0),                                     //
        "commits",
        sqlite3_column_int64(s, 1) + sqlite3_column_int64(s, 5) + sqlite3_column_int64(s, 7),
        "bookings", //
        "rows", sqlite3_column_int64(s, 1), "cancelled", sqlite3_column_int64(s, 2), "duplicates",
        sqlite3_column_int64(s, 3), "duplicate_keys", sqlite3_column_int64(s, 4),
        "mails",                                                                                //
        "rows", sqlite3_column_int64(s, 5), "duplicates", sqlite3_column_int64(s, 6), "issues", //
        "rows", sqlite3_column_int64(s, 7), "deleted", sqlite3_column_int64(s, 8), "by_kind", kinds,
        "by_fate", fates);
    sqlite3_reset(s);
    return answer_take(200, all);
}

struct answer books_fulfil(struct books *books, const struct order *order)
{
    switch (order->kind) {
    case ORDER_BOOK:
        return book(books, order);
    case ORDER_FIND:
        return find(books, order);
    case ORDER_CANCEL:
        return cancel(books, order);
    case ORDER_MAIL:
        return mail(books, order);
    case ORDER_FILE:
        return file(books, order);
    case ORDER_ISSUES:
        return issues(books, order);
    case ORDER_DELETE:
        return delete_issue(books, order);
    case ORDER_STATS:
        return stats(books);
    case ORDER_ARRIVAL:
        break;
    }
    return (struct answer){0};
}

void books_arrival(struct books *books, const struct order *order)
{
    sqlite3_stmt *s = statement(books, SQL_ARRIVE);
    sqlite3_bind_int64(s, 1, order->n);
    bind(s, 2, order->method);
    bind(s, 3, order->path);
    bind(s, 4, order->key);
    sqlite3_bind_int64(s, 5, now_ms());
    bind(s, 6, fate_text(order->fate));
    run(books, s);
}

void books_begin(struct books *books)
{
    run(books, statement(books, SQL_BEGIN));
}

void books_commit(struct books *books)
{
    run(books, statement(books, SQL_COMMIT));
}

struct books *books_open(const char *file, int64_t *ret_next)
{
    struct books *b = calloc(1, sizeof(*b));
    if (b == NULL)
        return NULL;
    if (sqlite3_open_v2(file, &b->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
            SQLITE_OK ||
        sqlite3_busy_timeout(b->db, 5000) != SQLITE_OK ||
        sqlite3_exec(b->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", NULL, NULL,
                     NULL) != SQLITE_OK ||
        sqlite3_exec(b->db, SCHEMA, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "world: cannot open the ledger %s: %s\n", file, sqlite3_errmsg(b->db));
        books_close(b);
        return NULL;
    }
    sqlite3_stmt *last = statement(b, SQL_LAST_ARRIVAL);
    step(b, last);
    *ret_next = sqlite3_column_int64(last, 0) + 1;
    sqlite3_reset(last);
    return b;
}

void books_close(struct books *books)
{
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(books->prepared[i]);
    sqlite3_close(books->db);
    free(books);
}
