/* SPDX-License-Identifier: Apache-2.0
 *
 * What the owner keeps beside its records, and reads back: meters, which grow in the same
 * transaction as the records that spent something; and which of its runs are to be looked at when,
 * so that a run that only waits needs no memory but its row.
 */
#include "journal/journal_internal.h"

#include <string.h>

enum { METERS_SINCE = 4 };

enum error_code journal_meters(struct journal_reader *reader, const char *from,
                               journal_each_meter each, void *user, struct error *reterr)
{
    AUTO(sql_finalizep) sqlite3_stmt *rows = NULL;
    int64_t version = 0;
    if (!reader->path)
        return ERR_OK; /* in memory: nothing is older than its owner */
    enum error_code code =
        sql_number(reader->db, reader->path, "PRAGMA user_version", &version, reterr);
    if (code || version < METERS_SINCE)
        return code;
    code = sql_prepare(reader->db, reader->path,
                       "SELECT name, attempts, calls, tokens, cost FROM meters WHERE name>=?1"
                       " ORDER BY name",
                       &rows, reterr);
    if (code)
        return code;
    sql_bind_text(rows, 1, slice_of(from));
    int rc;
    while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
        struct journal_meter meter = {.name = sql_text(rows, 0).ptr};
        for (int i = 0; i < JOURNAL_AMOUNTS; i++)
            meter.amounts[i] = sqlite3_column_int64(rows, 1 + i);
        each(user, &meter);
    }
    return rc == SQLITE_DONE ? ERR_OK
                             : sql_error(reader->db, reader->path, "reading meters", reterr);
}

/* ---- runs that are due ---- */

static enum error_code prepare(struct journal_reader *own, struct error *reterr)
{
    enum error_code code = ERR_OK;
    if (!own->due)
        code = sql_prepare(own->db, own->path,
                           "SELECT id FROM runs WHERE due_ms<=?1 AND epoch=?2 AND status=?3"
                           " ORDER BY due_ms",
                           &own->due, reterr);
    if (!code && !own->next_due)
        code = sql_prepare(own->db, own->path,
                           "SELECT due_ms FROM runs WHERE due_ms>?1 AND epoch=?2 AND status=?3"
                           " ORDER BY due_ms LIMIT 1",
                           &own->next_due, reterr);
    return code;
}

static void bind_due(sqlite3_stmt *rows, const struct journal *j, const char *status, int64_t by_ms)
{
    sqlite3_bind_int64(rows, 1, by_ms);
    sqlite3_bind_int64(rows, 2, (int64_t)j->epoch);
    sql_bind_text(rows, 3, slice_of(status));
}

/* The ids are copied, so that no snapshot is held while the owner works on them. */
static enum error_code fetch_due(struct journal *j, const char *status, int64_t by_ms,
                                 struct text *ids, struct error *reterr)
{
    struct journal_reader *own = j->own;
    enum error_code code = ERR_OK;
    int rc;
    bind_due(own->due, j, status, by_ms);
    while ((rc = sqlite3_step(own->due)) == SQLITE_ROW) {
        struct slice id = sql_text(own->due, 0);
        text_add(ids, id.ptr, id.len + 1); /* its NUL too */
    }
    if (rc != SQLITE_DONE)
        code = sql_error(own->db, own->path, "looking for runs that are due", reterr);
    sqlite3_reset(own->due);
    return code;
}

static enum error_code fetch_next(struct journal *j, const char *status, int64_t by_ms,
                                  int64_t *ret_next_ms, struct error *reterr)
{
    sqlite3_stmt *next = j->own->next_due;
    enum error_code code = ERR_OK;
    bind_due(next, j, status, by_ms);
    int rc = sqlite3_step(next);
    if (rc == SQLITE_ROW)
        *ret_next_ms = sqlite3_column_int64(next, 0);
    else if (rc == SQLITE_DONE)
        *ret_next_ms = 0;
    else
        code = sql_error(j->own->db, j->own->path, "looking for runs that are due", reterr);
    sqlite3_reset(next);
    return code;
}

enum error_code journal_due(struct journal *journal, const char *status, int64_t by_ms,
                            void (*each)(void *user, const char *run), void *user,
                            int64_t *ret_next_ms, struct error *reterr)
{
    AUTO(text_done) struct text ids;
    text_init(&ids, SIZE_MAX / 2);
    *ret_next_ms = 0;
    if (!journal->path)
        return ERR_OK;
    enum error_code code = prepare(journal->own, reterr);
    if (!code)
        code = fetch_due(journal, status, by_ms, &ids, reterr);
    if (!code)
        code = fetch_next(journal, status, by_ms, ret_next_ms, reterr);
    for (size_t at = 0; !code && at < ids.len; at += strlen(ids.ptr + at) + 1)
        each(user, ids.ptr + at);
    return code;
}

bool journal_is_ours(struct journal *journal, const char *run)
{
    struct journal_reader *own = journal->own;
    if (!journal->path ||
        (!own->epoch && sql_prepare(own->db, own->path, "SELECT epoch FROM runs WHERE id=?1",
                                    &own->epoch, NULL) != ERR_OK))
        return false;
    sql_bind_text(own->epoch, 1, slice_of(run));
    bool ours = sqlite3_step(own->epoch) == SQLITE_ROW &&
                (uint64_t)sqlite3_column_int64(own->epoch, 0) == journal->epoch;
    sqlite3_reset(own->epoch);
    return ours;
}
