/* SPDX-License-Identifier: Apache-2.0
 *
 * Values that somebody keeps from run to run, replaced in the transaction of the record that they
 * come with. The owner must know of a value from the moment that it is appended, so those whose
 * batch may not be on disk yet are kept here, in order, the latest of each name to be found at
 * once; the others are found in the table. What a space is, is read once: there is no other writer.
 *
 * A journal in memory keeps them in the same tables of an SQLite in memory.
 */
#include "journal/journal_internal.h"

#include <stdlib.h>
#include <string.h>

enum { VALUES_SINCE = 5 };

static const char *path_of(const struct journal_reader *reader)
{
    return reader->path ? reader->path : ":memory:";
}

/* ---- what may not be on disk yet ---- */

/* Neither has a NUL in it: keys are strings. */
static struct text name_of(const char *space, const char *key)
{
    struct text name;
    text_init(&name, SIZE_MAX);
    text_adds(&name, space);
    text_addc(&name, '\0');
    text_adds(&name, key);
    return name;
}

static void pending_free(struct pending_value *pending)
{
    free(pending->name);
    free(pending->value);
    free(pending->writer);
    free(pending);
}

static size_t name_len(const char *name)
{
    size_t space = strlen(name) + 1;
    return space + strlen(name + space);
}

/* Lets go of the oldest, up to the batch. */
static void forget(struct values *values, uint64_t batch)
{
    size_t gone = 0;
    for (; gone < values->count && values->pending[gone]->batch <= batch; gone++) {
        struct pending_value *oldest = values->pending[gone];
        struct slice name = {oldest->name, name_len(oldest->name)};
        if (map_get(&values->by_name, name) == oldest)
            map_take(&values->by_name, name);
        pending_free(oldest);
    }
    values->count -= gone;
    if (gone > 0)
        memmove(values->pending, values->pending + gone,
                values->count * sizeof(struct pending_value *));
}

void values_done(struct journal *j)
{
    forget(&j->values, UINT64_MAX);
    free(j->values.pending);
    for (size_t i = 0; i < j->values.space_count; i++)
        free(j->values.known[i]);
    free(j->values.known);
    map_done(&j->values.spaces);
    map_done(&j->values.by_name);
    text_done(&j->values.found);
}

static void put_in_memory(sqlite3 *db, const struct journal_value *value)
{
    AUTO(sql_finalizep) sqlite3_stmt *statement = NULL;
    const char *sql = value->value.ptr
                          ? "INSERT OR REPLACE INTO state VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
                          : "DELETE FROM state WHERE space=?1 AND key=?2";
    ASSERT(sql_prepare(db, ":memory:", sql, &statement, NULL) == ERR_OK);
    sql_bind_text(statement, 1, slice_of(value->space));
    sql_bind_text(statement, 2, slice_of(value->key));
    if (value->value.ptr) {
        sql_bind_text(statement, 3, value->value);
        sqlite3_bind_int64(statement, 4, (int64_t)value->version);
        sqlite3_bind_int64(statement, 5, (int64_t)value->base);
        sql_bind_text(statement, 6, slice_of(value->writer));
    }
    ASSERT(sqlite3_step(statement) == SQLITE_DONE);
}

static void put_pending(struct values *values, const struct journal_value *value, uint64_t batch)
{
    AUTO(text_done) struct text name = name_of(value->space, value->key);
    struct pending_value *pending = xcalloc(1, sizeof(*pending));
    *pending = (struct pending_value){
        .name = xmalloc(name.len + 1),
        .value = value->value.ptr ? xstrndup(value->value.ptr, value->value.len) : NULL,
        .writer = xstrdup(value->writer ? value->writer : ""),
        .version = value->version,
        .base = value->base,
        .batch = batch,
        .gone = !value->value.ptr,
    };
    memcpy(pending->name, name.ptr, name.len);
    pending->name[name.len] = '\0';
    if (values->count == values->room) {
        values->room = values->room ? values->room * 2 : 16;
        values->pending = xrealloc(values->pending, values->room * sizeof(struct pending_value *));
    }
    values->pending[values->count++] = pending;
    map_put(&values->by_name, text_slice(&name), pending);
}

static void remember_space(struct values *values, const char *space,
                           const struct journal_space *now)
{
    struct journal_space *known = map_get(&values->spaces, slice_of(space));
    if (!known) {
        known = xcalloc(1, sizeof(*known));
        map_put(&values->spaces, slice_of(space), known);
        values->known =
            xrealloc(values->known, (values->space_count + 1) * sizeof(struct journal_space *));
        values->known[values->space_count++] = known;
    }
    *known = *now;
}

void values_add(struct journal *j, const struct journal_value *value, uint64_t batch)
{
    remember_space(&j->values, value->space, &value->after);
    if (j->path)
        put_pending(&j->values, value, batch);
    else
        put_in_memory(j->own->db, value);
}

/* ---- what is ---- */

static enum error_code read_space(struct journal_reader *own, const char *space,
                                  struct journal_space *ret_space, struct error *reterr)
{
    enum error_code code = ERR_OK;
    if (!own->space)
        code = sql_prepare(own->db, path_of(own),
                           "SELECT bytes, keys, version FROM spaces WHERE name=?1", &own->space,
                           reterr);
    if (code)
        return code;
    sql_bind_text(own->space, 1, slice_of(space));
    int rc = sqlite3_step(own->space);
    *ret_space = (struct journal_space){0};
    if (rc == SQLITE_ROW)
        *ret_space =
            (struct journal_space){.bytes = (uint64_t)sqlite3_column_int64(own->space, 0),
                                   .keys = (uint64_t)sqlite3_column_int64(own->space, 1),
                                   .version = (uint64_t)sqlite3_column_int64(own->space, 2)};
    else if (rc != SQLITE_DONE)
        code = sql_error(own->db, path_of(own), "reading the size of a plugin's state", reterr);
    sqlite3_reset(own->space);
    return code;
}

enum error_code journal_space(struct journal *journal, const char *space,
                              struct journal_space *ret_space, struct error *reterr)
{
    const struct journal_space *known = map_get(&journal->values.spaces, slice_of(space));
    enum error_code code = ERR_OK;
    if (!known) {
        code = read_space(journal->own, space, ret_space, reterr);
        if (!code)
            remember_space(&journal->values, space, ret_space);
        return code;
    }
    *ret_space = *known;
    return ERR_OK;
}

static struct journal_value value_of(sqlite3_stmt *row)
{
    return (struct journal_value){.key = sql_text(row, 0).ptr,
                                  .value = sql_text(row, 1),
                                  .version = (uint64_t)sqlite3_column_int64(row, 2),
                                  .base = (uint64_t)sqlite3_column_int64(row, 3),
                                  .writer = sql_text(row, 4).ptr};
}

#define SELECT_VALUES "SELECT key, value, version, base, writer FROM state WHERE space=?1"

static enum error_code read_value(struct journal *j, const char *space, const char *key,
                                  struct journal_value *ret_value, struct error *reterr)
{
    struct journal_reader *own = j->own;
    struct text *found = &j->values.found;
    enum error_code code = ERR_OK;
    if (!own->value)
        code = sql_prepare(own->db, path_of(own), SELECT_VALUES " AND key=?2", &own->value, reterr);
    if (code)
        return code;
    sql_bind_text(own->value, 1, slice_of(space));
    sql_bind_text(own->value, 2, slice_of(key));
    int rc = sqlite3_step(own->value);
    text_clear(found);
    *ret_value = (struct journal_value){0};
    if (rc == SQLITE_ROW) {
        struct journal_value row = value_of(own->value);
        text_add(found, row.value.ptr, row.value.len);
        text_addc(found, '\0');
        text_adds(found, row.writer);
        *ret_value = (struct journal_value){.value = {found->ptr, row.value.len},
                                            .version = row.version,
                                            .base = row.base,
                                            .writer = text_str(found) + row.value.len + 1};
    } else if (rc != SQLITE_DONE) {
        code = sql_error(own->db, path_of(own), "reading a plugin's state", reterr);
    }
    sqlite3_reset(own->value);
    return code;
}

enum error_code journal_value(struct journal *journal, const char *space, const char *key,
                              struct journal_value *ret_value, bool *ret_kept, struct error *reterr)
{
    AUTO(text_done) struct text name = name_of(space, key);
    pthread_mutex_lock(&journal->lock);
    uint64_t committed = journal->committed_number;
    pthread_mutex_unlock(&journal->lock);
    /* Inside a reading of the owner's, its snapshot may be older than the last commit. */
    if (sqlite3_get_autocommit(journal->own->db))
        forget(&journal->values, committed);
    const struct pending_value *pending = map_get(&journal->values.by_name, text_slice(&name));
    *ret_kept = !pending;
    if (!pending)
        return read_value(journal, space, key, ret_value, reterr);
    *ret_value = pending->gone ? (struct journal_value){0}
                               : (struct journal_value){.value = slice_of(pending->value),
                                                        .version = pending->version,
                                                        .base = pending->base,
                                                        .writer = pending->writer};
    return ERR_OK;
}

/* ---- for others ---- */

static enum error_code prepare(struct journal_reader *reader, const char *sql,
                               sqlite3_stmt **ret_rows, struct error *reterr)
{
    int64_t version = 0;
    enum error_code code = reader_check_on_disk(reader, reterr);
    if (!code)
        code = sql_number(reader->db, reader->path, "PRAGMA user_version", &version, reterr);
    return code || version < VALUES_SINCE
               ? code
               : sql_prepare(reader->db, reader->path, sql, ret_rows, reterr);
}

enum error_code journal_spaces(struct journal_reader *reader, journal_each_space each, void *user,
                               struct error *reterr)
{
    AUTO(sql_finalizep) sqlite3_stmt *rows = NULL;
    enum error_code code = prepare(
        reader, "SELECT name, bytes, keys, version FROM spaces ORDER BY name", &rows, reterr);
    int rc = SQLITE_DONE;
    while (rows && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        struct journal_space space = {.bytes = (uint64_t)sqlite3_column_int64(rows, 1),
                                      .keys = (uint64_t)sqlite3_column_int64(rows, 2),
                                      .version = (uint64_t)sqlite3_column_int64(rows, 3)};
        each(user, sql_text(rows, 0).ptr, &space);
    }
    return code || rc == SQLITE_DONE
               ? code
               : sql_error(reader->db, reader->path, "listing what plugins keep", reterr);
}

enum error_code journal_values(struct journal_reader *reader, const char *space,
                               journal_each_value each, void *user, struct error *reterr)
{
    AUTO(sql_finalizep) sqlite3_stmt *rows = NULL;
    enum error_code code = prepare(reader, SELECT_VALUES " ORDER BY key", &rows, reterr);
    int rc = SQLITE_DONE;
    if (rows)
        sql_bind_text(rows, 1, slice_of(space));
    while (rows && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        struct journal_value value = value_of(rows);
        value.space = space;
        each(user, &value);
    }
    return code || rc == SQLITE_DONE
               ? code
               : sql_error(reader->db, reader->path, "reading what a plugin keeps", reterr);
}
