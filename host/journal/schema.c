/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of a journal and their version. `events` is the journal; `runs` holds each run's head
 * and a few words for lists; `meta` what is true of the file; `inbox` what other processes left for
 * the owner; `claims` the external references that are some effect's already; `texts` what records
 * name by its digest: flows, cards, and since version 3 the large values of records; `meters` what
 * was spent when; `state` what plugins keep, and `spaces` how much of it. A file of a later version
 * is refused untouched: it says itself which program reads it.
 *
 * `events` keeps its rowid: records come in the order of their rowid, so a transaction of many runs
 * fills pages one after the other, and with bodies of some kilobytes a table WITHOUT ROWID writes
 * twice as long.
 */
#include "journal/journal_internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* What a program that finds a later schema tells its user to get. */
#define READABLE_BY "Seam 0.1 or later"

/* Since version 2. */
#define TEXTS_TABLE "CREATE TABLE IF NOT EXISTS texts(digest BLOB PRIMARY KEY, body TEXT NOT NULL);"

/* Since version 4: what was spent, and which runs are to be looked at when, by whom. */
#define METERS_TABLE                                                                               \
    "CREATE TABLE IF NOT EXISTS meters(name TEXT PRIMARY KEY, attempts INTEGER NOT NULL,"          \
    " calls INTEGER NOT NULL, tokens INTEGER NOT NULL, cost INTEGER NOT NULL) WITHOUT ROWID;"
/* Since version 5. */
#define STATE_TABLES                                                                               \
    "CREATE TABLE IF NOT EXISTS state(space TEXT NOT NULL, key TEXT NOT NULL,"                     \
    " value TEXT NOT NULL, version INTEGER NOT NULL, base INTEGER NOT NULL,"                       \
    " writer TEXT NOT NULL, PRIMARY KEY(space, key)) WITHOUT ROWID;"                               \
    "CREATE TABLE IF NOT EXISTS spaces(name TEXT PRIMARY KEY, bytes INTEGER NOT NULL,"             \
    " keys INTEGER NOT NULL, version INTEGER NOT NULL) WITHOUT ROWID;"
#define DUE_INDEX "CREATE INDEX IF NOT EXISTS runs_due ON runs(due_ms) WHERE due_ms IS NOT NULL;"

static const char tables[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE runs(id TEXT PRIMARY KEY, flow TEXT NOT NULL, status TEXT NOT NULL,"
    " created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,"
    " last_seq INTEGER NOT NULL, last_hash BLOB NOT NULL, due_ms INTEGER,"
    " epoch INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE events(run TEXT NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
    " kind TEXT NOT NULL, body TEXT NOT NULL, prev_hash BLOB NOT NULL, hash BLOB NOT NULL,"
    " PRIMARY KEY(run, seq));"
    "CREATE TABLE inbox(id INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL,"
    " body TEXT NOT NULL, at_ms INTEGER NOT NULL);"
    "CREATE TABLE claims(claim TEXT PRIMARY KEY, owner TEXT NOT NULL, run TEXT NOT NULL)"
    " WITHOUT ROWID;" TEXTS_TABLE METERS_TABLE DUE_INDEX STATE_TABLES
    "INSERT INTO meta VALUES('readable_by', '" READABLE_BY "'), ('epoch', '0');";

void store_id_make(char ret_id[static STORE_ID_SIZE])
{
    unsigned char bytes[16];
    ASSERT(getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(ret_id + 2 * i, 3, "%02x", bytes[i]);
}

static enum error_code refuse_newer(sqlite3 *db, const char *path, int64_t version,
                                    struct error *reterr)
{
    char readable_by[64];
    if (meta_get(db, path, "readable_by", readable_by, NULL) != ERR_OK || !readable_by[0])
        snprintf(readable_by, sizeof(readable_by), "a later version of Seam");
    return error_set(reterr, ERR_NEWER,
                     "%s: expected a journal of schema %d or before, found schema %" PRId64
                     "; use %s to open it; nothing in it was changed",
                     path, SCHEMA_VERSION, version, readable_by);
}

enum error_code schema_check(sqlite3 *db, const char *path, bool *ret_empty, struct error *reterr)
{
    int64_t application = 0, version = 0, objects = 0;
    enum error_code code;
    if ((code = sql_number(db, path, "PRAGMA application_id", &application, reterr)) ||
        (code = sql_number(db, path, "PRAGMA user_version", &version, reterr)) ||
        (code = sql_number(db, path, "SELECT count(*) FROM sqlite_schema", &objects, reterr)))
        return code;
    *ret_empty = application == 0 && version == 0 && objects == 0;
    if (*ret_empty)
        return ERR_OK;
    if (application != SCHEMA_APPLICATION_ID)
        return error_set(reterr, ERR_INPUT,
                         "%s: expected a journal of Seam, found another program's SQLite file "
                         "(application_id %" PRId64 "); name another path with --store",
                         path, application);
    if (version > SCHEMA_VERSION)
        return refuse_newer(db, path, version, reterr);
    return ERR_OK;
}

static enum error_code stamp(sqlite3 *db, const char *path, struct error *reterr)
{
    char pragmas[96];
    snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id=%d; PRAGMA user_version=%d",
             SCHEMA_APPLICATION_ID, SCHEMA_VERSION);
    return sql_exec(db, path, pragmas, reterr);
}

enum error_code schema_make(sqlite3 *db, const char *path, struct error *reterr)
{
    enum error_code code = sql_exec(db, path, tables, reterr);
    return code ? code : stamp(db, path, reterr);
}

/* An upgrade that was cut off may have added it already. */
static enum error_code add_column(sqlite3 *db, const char *path, const char *name, const char *type,
                                  struct error *reterr)
{
    char sql[128];
    int64_t known = 0;
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM pragma_table_info('runs') WHERE name='%s'",
             name);
    enum error_code code = sql_number(db, path, sql, &known, reterr);
    snprintf(sql, sizeof(sql), "ALTER TABLE runs ADD COLUMN %s %s", name, type);
    return code || known ? code : sql_exec(db, path, sql, reterr);
}

static enum error_code add_meters(sqlite3 *db, const char *path, struct error *reterr)
{
    enum error_code code = add_column(db, path, "due_ms", "INTEGER", reterr);
    if (!code)
        code = add_column(db, path, "epoch", "INTEGER NOT NULL DEFAULT 0", reterr);
    return code ? code : sql_exec(db, path, METERS_TABLE DUE_INDEX, reterr);
}

enum error_code schema_upgrade(sqlite3 *db, const char *path, struct error *reterr)
{
    int64_t version = 0;
    enum error_code code = sql_number(db, path, "PRAGMA user_version", &version, reterr);
    if (!code && version < 2)
        code = sql_exec(db, path, TEXTS_TABLE, reterr);
    if (!code && version < 4)
        code = add_meters(db, path, reterr);
    if (!code && version < 5)
        code = sql_exec(db, path, STATE_TABLES, reterr);
    return code || version == SCHEMA_VERSION ? code : stamp(db, path, reterr);
}

enum error_code meta_get(sqlite3 *db, const char *path, const char *key, char ret_value[static 64],
                         struct error *reterr)
{
    AUTO(sql_finalizep) sqlite3_stmt *statement = NULL;
    enum error_code code =
        sql_prepare(db, path, "SELECT value FROM meta WHERE key=?", &statement, reterr);
    if (code)
        return code;
    sql_bind_text(statement, 1, slice_of(key));
    int rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return sql_error(db, path, "reading meta", reterr);
    snprintf(ret_value, 64, "%s", rc == SQLITE_ROW ? sql_text(statement, 0).ptr : "");
    return ERR_OK;
}

enum error_code meta_put(sqlite3 *db, const char *path, const char *key, const char *value,
                         struct error *reterr)
{
    AUTO(sql_finalizep) sqlite3_stmt *statement = NULL;
    enum error_code code =
        sql_prepare(db, path, "INSERT OR REPLACE INTO meta VALUES(?,?)", &statement, reterr);
    if (code)
        return code;
    sql_bind_text(statement, 1, slice_of(key));
    sql_bind_text(statement, 2, slice_of(value));
    if (sqlite3_step(statement) != SQLITE_DONE)
        return sql_error(db, path, "writing meta", reterr);
    return ERR_OK;
}

enum error_code meta_get_identity(sqlite3 *db, const char *path, struct identity *ret_identity,
                                  struct error *reterr)
{
    char value[64];
    enum error_code code = meta_get(db, path, "identity", value, reterr);
    if (code)
        return code;
    struct identity identity = {0};
    if (sscanf(value, "%" SCNu64 ":%" SCNd64, &identity.inode, &identity.born_ns) != 2)
        return error_set(reterr, ERR_CORRUPT,
                         "%s: expected meta.identity as inode:time, found \"%s\"; put a backup "
                         "in its place, then `seam resume --all --restored`",
                         path, value);
    *ret_identity = identity;
    return ERR_OK;
}

enum error_code meta_put_identity(sqlite3 *db, const char *path, const struct identity *identity,
                                  struct error *reterr)
{
    char value[64];
    snprintf(value, sizeof(value), "%" PRIu64 ":%" PRId64, identity->inode, identity->born_ns);
    return meta_put(db, path, "identity", value, reterr);
}
