/* SPDX-License-Identifier: Apache-2.0
 *
 * Readers: what is on disk, from any process. A reader never checkpoints, makes no journal that is
 * not there, and holds a snapshot only while it steps through rows; its share of the lock file
 * keeps the file from being replaced meanwhile. Readings may be nested: the outer one's snapshot
 * holds.
 *
 * The records of a run are checked as they pass: numbers without a gap, each hash over the one
 * before, the last as the run's head says.
 */
#include "journal/journal_internal.h"

#include "base/limits.h"
#include "base/seal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READ_WAIT_MS = 5000 };

enum error_code reader_new(const char *path, bool share, struct journal_reader **ret_reader,
                           struct error *reterr)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = xcalloc(1, sizeof(*reader));
    reader->lock_fd = -1;
    reader->path = xstrdup(path);
    text_init(&reader->found, SIZE_MAX);
    bool empty = false;
    enum error_code code = share ? lock_share(path, false, &reader->lock_fd, reterr) : ERR_OK;
    if (code || (code = sql_open(path, true, READ_WAIT_MS, &reader->db, reterr)) ||
        (code = schema_check(reader->db, path, &empty, reterr)))
        return code;
    if (empty)
        return error_set(reterr, ERR_NOT_FOUND,
                         "%s: this journal is empty: nothing has run with it yet", path);
    *ret_reader = TAKE(reader);
    return ERR_OK;
}

struct journal_reader *reader_new_in_memory(void)
{
    struct journal_reader *reader = xcalloc(1, sizeof(*reader));
    reader->lock_fd = -1;
    text_init(&reader->found, SIZE_MAX);
    ASSERT(sqlite3_open(":memory:", &reader->db) == SQLITE_OK);
    ASSERT(schema_make(reader->db, ":memory:", NULL) == ERR_OK);
    return reader;
}

enum error_code journal_reader_open(const char *path, struct journal_reader **ret_reader,
                                    struct error *reterr)
{
    AUTO(freep) char *real = NULL;
    enum error_code code;
    if ((code = place_resolve(path, false, &real, reterr)) || (code = place_check(real, reterr)))
        return code;
    return reader_new(real, true, ret_reader, reterr);
}

void journal_reader_close(struct journal_reader *reader)
{
    if (!reader)
        return;
    sql_finalizep(&reader->claimed);
    sql_finalizep(&reader->version);
    sql_finalizep(&reader->messages);
    sql_finalizep(&reader->value);
    sql_finalizep(&reader->space);
    sql_finalizep(&reader->due);
    sql_finalizep(&reader->next_due);
    sql_finalizep(&reader->epoch);
    sql_finalizep(&reader->kept);
    sql_finalizep(&reader->one_run);
    sql_closep(&reader->db);
    fd_closep(&reader->lock_fd);
    text_done(&reader->found);
    seals_free(reader->keys);
    free(reader->path);
    free(reader);
}

void journal_reader_give_keys(struct journal_reader *reader, struct seals *keys_taken)
{
    seals_free(reader->keys);
    reader->keys = keys_taken;
}

const struct seals *journal_reader_keys(const struct journal_reader *reader)
{
    return reader->keys;
}

void journal_reader_closep(struct journal_reader **reader)
{
    journal_reader_close(*reader);
    *reader = NULL;
}

enum error_code reader_check_on_disk(const struct journal_reader *reader, struct error *reterr)
{
    if (reader->path)
        return ERR_OK;
    return error_set(reterr, ERR_UNSUPPORTED,
                     "this journal is kept in memory and cannot be read; run with a --store to "
                     "keep what happens");
}

/* The strings are the statement's, until it is stepped. */
static struct journal_run run_of(sqlite3_stmt *row)
{
    return (struct journal_run){
        .id = sql_text(row, 0).ptr,
        .flow = sql_text(row, 1).ptr,
        .status = sql_text(row, 2).ptr,
        .created_ms = sqlite3_column_int64(row, 3),
        .updated_ms = sqlite3_column_int64(row, 4),
        .last_seq = (uint64_t)sqlite3_column_int64(row, 5),
        .place = sqlite3_column_int64(row, 6),
    };
}

static enum error_code each_run(struct journal_reader *reader, sqlite3_stmt *rows,
                                journal_each_run each, void *user, struct error *reterr)
{
    int rc;
    while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
        struct journal_run run = run_of(rows);
        each(user, &run);
    }
    return rc == SQLITE_DONE ? ERR_OK : sql_error(reader->db, reader->path, "listing runs", reterr);
}

enum error_code journal_runs(struct journal_reader *reader, const char *status,
                             journal_each_run each, void *user, struct error *reterr)
{
    AUTO(sql_finalizep) sqlite3_stmt *rows = NULL;
    enum error_code code;
    if ((code = reader_check_on_disk(reader, reterr)) ||
        (code = sql_prepare(
             reader->db, reader->path,
             "SELECT id, flow, status, created_ms, updated_ms, last_seq, rowid"
             " FROM runs WHERE ?1 IS NULL OR status=?1 ORDER BY created_ms DESC, rowid DESC",
             &rows, reterr)))
        return code;
    if (status)
        sql_bind_text(rows, 1, slice_of(status));
    return each_run(reader, rows, each, user, reterr);
}

enum error_code journal_runs_before(struct journal_reader *reader, const char *status,
                                    int64_t before_place, int64_t most, journal_each_run each,
                                    void *user, struct error *reterr)
{
    AUTO(sql_finalizep) sqlite3_stmt *rows = NULL;
    enum error_code code;
    if ((code = reader_check_on_disk(reader, reterr)) ||
        (code = sql_prepare(reader->db, reader->path,
                            "SELECT id, flow, status, created_ms, updated_ms, last_seq, rowid"
                            " FROM runs WHERE (?1 IS NULL OR status=?1) AND rowid<?2"
                            " ORDER BY rowid DESC LIMIT ?3",
                            &rows, reterr)))
        return code;
    if (status)
        sql_bind_text(rows, 1, slice_of(status));
    sqlite3_bind_int64(rows, 2, before_place > 0 ? before_place : INT64_MAX);
    sqlite3_bind_int64(rows, 3, most);
    return each_run(reader, rows, each, user, reterr);
}

static enum error_code no_such_run(const struct journal_reader *reader, const char *run,
                                   struct error *reterr)
{
    return error_set(reterr, ERR_NOT_FOUND,
                     "there is no run \"%.*s\" in the journal %s; `seam runs` lists them",
                     (int)LIMIT_NAME, run, reader->path);
}

/* Keeps the strings of a run in the reader. */
static struct journal_run keep_run(struct journal_reader *reader, const struct journal_run *run)
{
    size_t id = strlen(run->id) + 1, flow = strlen(run->flow) + 1;
    text_clear(&reader->found);
    text_add(&reader->found, run->id, id);
    text_add(&reader->found, run->flow, flow);
    text_adds(&reader->found, run->status);
    struct journal_run kept = *run;
    kept.id = reader->found.ptr;
    kept.flow = kept.id + id;
    kept.status = kept.flow + flow;
    return kept;
}

static enum error_code step_to_run(struct journal_reader *reader, const char *run,
                                   struct journal_run *ret_run, struct error *reterr)
{
    sql_bind_text(reader->one_run, 1, slice_of(run));
    int rc = sqlite3_step(reader->one_run);
    if (rc == SQLITE_DONE)
        return no_such_run(reader, run, reterr);
    if (rc != SQLITE_ROW)
        return sql_error(reader->db, reader->path, "finding a run", reterr);
    struct journal_run found = run_of(reader->one_run);
    *ret_run = keep_run(reader, &found);
    return ERR_OK;
}

enum error_code journal_find(struct journal_reader *reader, const char *run,
                             struct journal_run *ret_run, struct error *reterr)
{
    enum error_code code = reader_check_on_disk(reader, reterr);
    if (code == ERR_OK && !reader->one_run)
        code = sql_prepare(reader->db, reader->path,
                           "SELECT id, flow, status, created_ms, updated_ms, last_seq, rowid"
                           " FROM runs WHERE id=?1",
                           &reader->one_run, reterr);
    if (code != ERR_OK)
        return code;
    code = step_to_run(reader, run, ret_run, reterr);
    sqlite3_reset(reader->one_run);
    sqlite3_clear_bindings(reader->one_run);
    return code;
}

/* What a walk along a chain knows. */
struct walk {
    struct journal_reader *reader;
    const char *run;
    uint64_t seq; /* of the record before */
    struct digest hash;
    uint64_t last_seq; /* the head */
    struct digest last_hash;
};

static enum error_code broken(const struct walk *w, uint64_t seq, enum flaw_kind kind,
                              const char *what, struct error *reterr)
{
    w->reader->flaw = (struct journal_flaw){kind, seq};
    return error_set(reterr, ERR_CORRUPT,
                     "%s: the chain of run %s is broken at record %" PRIu64
                     ": %s; somebody changed the journal, or its disk did: put a backup in its "
                     "place, then `seam resume --all --restored`",
                     w->reader->path, w->run, seq, what);
}

static enum error_code load_walk(struct walk *w, struct error *reterr)
{
    AUTO(sql_finalizep) sqlite3_stmt *head = NULL;
    struct journal_reader *reader = w->reader;
    enum error_code code =
        sql_prepare(reader->db, reader->path, "SELECT last_seq, last_hash FROM runs WHERE id=?1",
                    &head, reterr);
    if (code)
        return code;
    sql_bind_text(head, 1, slice_of(w->run));
    int rc = sqlite3_step(head);
    if (rc == SQLITE_DONE)
        return no_such_run(reader, w->run, reterr);
    if (rc != SQLITE_ROW)
        return sql_error(reader->db, reader->path, "reading a run's head", reterr);
    w->last_seq = (uint64_t)sqlite3_column_int64(head, 0);
    return sql_digest(head, 1, &w->last_hash)
               ? ERR_OK
               : broken(w, w->last_seq, FLAW_HEAD, "the run's head has no hash", reterr);
}

static const char not_following[] = "it does not follow the record before it, as that one is now";

/* A row that is not what its hash says: was it made for another place of the same run? That costs a
 * digest a place, the nearest first, so the search ends after SEARCH_BYTES. */
static uint64_t place_of(const struct walk *w, const struct journal_record *record,
                         const struct digest *before, const struct digest *hash)
{
    enum { SEARCH_BYTES = 64 << 20 };
    uint64_t most = SEARCH_BYTES / (record->body.len + 256);
    for (uint64_t away = 1; away <= most && away <= w->last_seq; away++) {
        const uint64_t both[] = {record->seq + away, record->seq > away ? record->seq - away : 0};
        for (size_t i = 0; i < 2; i++) {
            struct digest there =
                chain_next(before, both[i], record->at_ms, slice_of(record->kind), record->body);
            if (both[i] > 0 && digest_equal(&there, hash))
                return both[i];
        }
    }
    return 0;
}

static enum error_code wrong_hash(const struct walk *w, const struct journal_record *record,
                                  const struct digest *before, const struct digest *hash,
                                  struct error *reterr)
{
    uint64_t place = place_of(w, record, before, hash);
    if (place == 0)
        return broken(w, record->seq, FLAW_CHANGED,
                      digest_equal(before, &w->hash) ? "its hash is not that of what it says"
                                                     : not_following,
                      reterr);
    char what[96];
    snprintf(what, sizeof(what), "in its place stands what was record %" PRIu64, place);
    return broken(w, record->seq, FLAW_REORDERED, what, reterr);
}

/* Checks the row against the walk and moves on to it. The first row of a reading that does not
 * begin at 1 is believed as to what was before it. */
static enum error_code advance(struct walk *w, sqlite3_stmt *row, struct journal_record *ret_record,
                               struct error *reterr)
{
    struct digest before, hash;
    struct journal_record record = {
        .run = w->run,
        .seq = (uint64_t)sqlite3_column_int64(row, 0),
        .at_ms = sqlite3_column_int64(row, 1),
        .kind = sql_text(row, 2).ptr,
        .body = sql_text(row, 3),
    };
    if (record.seq != w->seq + 1)
        return broken(w, w->seq + 1, FLAW_MISSING, "it is missing", reterr);
    if (!sql_digest(row, 4, &before) || !sql_digest(row, 5, &hash))
        return broken(w, record.seq, FLAW_CHANGED, "it has no hashes", reterr);
    struct digest expected =
        chain_next(&before, record.seq, record.at_ms, sql_text(row, 2), record.body);
    if (!digest_equal(&expected, &hash))
        return wrong_hash(w, &record, &before, &hash, reterr);
    if (!digest_equal(&before, &w->hash))
        return broken(w, record.seq, FLAW_CHANGED, not_following, reterr);
    w->seq = record.seq;
    w->hash = hash;
    *ret_record = record;
    return ERR_OK;
}

static enum error_code check_end(const struct walk *w, struct error *reterr)
{
    if (w->seq < w->last_seq)
        return broken(w, w->seq + 1, FLAW_CUT, "it is missing, and so are all that follow", reterr);
    if (w->seq > w->last_seq || !digest_equal(&w->hash, &w->last_hash))
        return broken(w, w->seq, FLAW_HEAD, "the run's head says otherwise", reterr);
    return ERR_OK;
}

/* The reading begins one record early, so that the first that is given is linked too; what was
 * before that early one is believed. */
static enum error_code walk_records(struct walk *w, uint64_t from_seq, journal_each_record each,
                                    void *user, struct error *reterr)
{
    AUTO(sql_finalizep) sqlite3_stmt *rows = NULL;
    struct journal_reader *reader = w->reader;
    enum error_code code = sql_prepare(reader->db, reader->path,
                                       "SELECT seq, at_ms, kind, body, prev_hash, hash FROM events"
                                       " WHERE run=?1 AND seq>?2 ORDER BY seq",
                                       &rows, reterr);
    if (code)
        return code;
    w->seq = from_seq > 2 ? from_seq - 2 : 0;
    if (w->seq >= w->last_seq)
        return ERR_OK;
    sql_bind_text(rows, 1, slice_of(w->run));
    sqlite3_bind_int64(rows, 2, (int64_t)w->seq);
    int rc;
    for (bool first = true; (rc = sqlite3_step(rows)) == SQLITE_ROW; first = false) {
        struct journal_record record;
        if (first && w->seq == 0)
            w->hash = chain_start(w->run);
        else if (first && !sql_digest(rows, 4, &w->hash))
            return broken(w, w->seq + 1, FLAW_CHANGED, "it has no hashes", reterr);
        if ((code = advance(w, rows, &record, reterr)))
            return code;
        if (record.seq >= from_seq && !each(user, &record, &w->hash))
            return ERR_OK;
    }
    if (rc != SQLITE_DONE)
        return sql_error(reader->db, reader->path, "reading a run", reterr);
    return check_end(w, reterr);
}

enum error_code journal_read(struct journal_reader *reader, const char *run, uint64_t from_seq,
                             journal_each_record each, void *user, struct error *reterr)
{
    enum error_code code = reader_check_on_disk(reader, reterr);
    if (code)
        return code;
    bool outer = sqlite3_get_autocommit(reader->db);
    if (outer && (code = sql_exec(reader->db, reader->path, "BEGIN", reterr)))
        return code;
    struct walk w = {.reader = reader, .run = run};
    reader->flaw = (struct journal_flaw){FLAW_NONE, 0};
    code = load_walk(&w, reterr);
    if (!code)
        code = walk_records(&w, from_seq, each, user, reterr);
    if (outer)
        sqlite3_exec(reader->db, "ROLLBACK", NULL, NULL, NULL); /* ends the snapshot */
    return code;
}
