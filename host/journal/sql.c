/* SPDX-License-Identifier: Apache-2.0
 *
 * SQLite as the journal speaks to it: connections with the same settings everywhere, statements
 * that release themselves, and results as errors of the host. The one judgement made here is which
 * failures mean "the disk is full", where nothing is in doubt and room can be made, and which mean
 * that a write or a sync failed, after which nothing read back through this process is evidence.
 *
 * A connection is used by one thread. None checkpoints by itself, not even when it closes: that is
 * the one writer's, who asks for it.
 */
#include "journal/journal_internal.h"

#include <errno.h>
#include <string.h>

void sql_closep(sqlite3 **db)
{
    int rc = sqlite3_close(*db);
    ASSERT(rc == SQLITE_OK);
    *db = NULL;
}

void sql_finalizep(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
    *statement = NULL;
}

/* ENOSPC of a write, and of the wal-index, which is no data. ENOSPC of a sync is not here: after
 * it, pages may be lost, whatever the reason was. */
static bool is_no_space(int rc, int system_errno)
{
    bool full = system_errno == ENOSPC || system_errno == EDQUOT;
    return rc == SQLITE_FULL || rc == SQLITE_IOERR_SHMSIZE || (rc == SQLITE_IOERR_WRITE && full);
}

enum error_code sql_code(int rc, int system_errno)
{
    if (is_no_space(rc, system_errno))
        return ERR_NO_SPACE;
    switch (rc & 0xFF) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return ERR_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return ERR_DENIED;
    case SQLITE_CANTOPEN:
        return system_errno == EACCES || system_errno == EPERM ? ERR_DENIED : ERR_IO;
    case SQLITE_IOERR:
        return ERR_IO;
    default:
        return ERR_INTERNAL;
    }
}

static const char *cure(enum error_code code)
{
    return code == ERR_NO_SPACE ? "; free some space on its disk"
           : code == ERR_BUSY   ? "; another process is writing to it: try again"
           : code == ERR_CORRUPT
               ? "; put a backup in its place, then `seam resume --all --restored`"
           : code == ERR_DENIED ? "; it must be this user's, with its folder"
                                : "";
}

enum error_code sql_error(sqlite3 *db, const char *path, const char *doing, struct error *reterr)
{
    int rc = sqlite3_extended_errcode(db);
    int system_errno = sqlite3_system_errno(db);
    enum error_code code = sql_code(rc, system_errno);
    if (!code) /* it gave no row where there is always one */
        code = ERR_CORRUPT;
    return error_set(reterr, code, "the journal %s: %s: %s (SQLite %d, errno %d)%s", path, doing,
                     sqlite3_errmsg(db), rc, system_errno, cure(code));
}

enum error_code sql_exec(sqlite3 *db, const char *path, const char *sql, struct error *reterr)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return sql_error(db, path, sql, reterr);
    return ERR_OK;
}

enum error_code sql_prepare(sqlite3 *db, const char *path, const char *sql,
                            sqlite3_stmt **ret_statement, struct error *reterr)
{
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_statement, NULL) !=
        SQLITE_OK)
        return sql_error(db, path, sql, reterr);
    return ERR_OK;
}

enum error_code sql_number(sqlite3 *db, const char *path, const char *sql, int64_t *ret_number,
                           struct error *reterr)
{
    AUTO(sql_finalizep) sqlite3_stmt *statement = NULL;
    enum error_code code = sql_prepare(db, path, sql, &statement, reterr);
    if (code)
        return code;
    if (sqlite3_step(statement) != SQLITE_ROW)
        return sql_error(db, path, sql, reterr);
    *ret_number = sqlite3_column_int64(statement, 0);
    return ERR_OK;
}

void sql_bind_text(sqlite3_stmt *statement, int at, struct slice s)
{
    if (s.ptr)
        sqlite3_bind_text64(statement, at, s.ptr, s.len, SQLITE_STATIC, SQLITE_UTF8);
    else
        sqlite3_bind_null(statement, at);
}

void sql_bind_digest(sqlite3_stmt *statement, int at, const struct digest *d)
{
    sqlite3_bind_blob(statement, at, d->bytes, DIGEST_SIZE, SQLITE_STATIC);
}

struct slice sql_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return (struct slice){text ? text : "", (size_t)sqlite3_column_bytes(statement, column)};
}

bool sql_digest(sqlite3_stmt *statement, int column, struct digest *ret_digest)
{
    const void *blob = sqlite3_column_blob(statement, column);
    if (!blob || sqlite3_column_bytes(statement, column) != DIGEST_SIZE)
        return false;
    memcpy(ret_digest->bytes, blob, DIGEST_SIZE);
    return true;
}

/* synchronous=FULL syncs the WAL at each commit; a temporary file would be one more thing that can
 * run out of space. */
static const char settings[] = "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
                               "PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;";

enum error_code sql_open(const char *path, bool reading, int busy_ms, sqlite3 **ret_db,
                         struct error *reterr)
{
    AUTO(sql_closep) sqlite3 *db = NULL;
    /* Never CREATE: files are made beforehand, with their mode. A reader too opens for writing, for
     * after a crash it may have to make the wal-index; query_only keeps it from the rest. */
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return sql_error(db, path, "opening it", reterr);
    sqlite3_extended_result_codes(db, 1);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_busy_timeout(db, busy_ms);
    if (sqlite3_exec(db, settings, NULL, NULL, NULL) != SQLITE_OK ||
        (reading && sqlite3_exec(db, "PRAGMA query_only=ON", NULL, NULL, NULL) != SQLITE_OK))
        return sql_error(db, path, "opening it", reterr);
    *ret_db = TAKE(db);
    return ERR_OK;
}
