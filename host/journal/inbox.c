/* SPDX-License-Identifier: Apache-2.0
 *
 * The inbox: how `answer` and `cancel`, which are other processes, reach the one that owns the
 * runs. A message is a row that they insert and sync; the owner takes it into a record of its own,
 * and the row goes in the same transaction as that record. A crash in between loses both, so the
 * message is given again to the next host: what takes messages must not mind hearing one twice.
 *
 * Putting a message is the only writing that is not the owner's. It inserts one row, never
 * checkpoints, and is refused while the journal waits to be copied after a failed sync.
 */
#include "journal/journal_internal.h"

#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

enum { PUT_WAIT_MS = 30000, TAKEN_AT_ONCE = 64 };

/* ---- The owner's end ---- */

struct message {
    struct inbox_message is;
    char *run, *body;
};

static enum error_code prepare(struct journal_reader *own, struct error *reterr)
{
    enum error_code code = ERR_OK;
    if (!own->version)
        code = sql_prepare(own->db, own->path, "PRAGMA data_version", &own->version, reterr);
    if (!code && !own->messages)
        code =
            sql_prepare(own->db, own->path,
                        "SELECT id, run, body, at_ms FROM inbox WHERE id>?1 ORDER BY id LIMIT ?2",
                        &own->messages, reterr);
    return code;
}

/* Changes when anybody else has committed, our own writer too. */
static enum error_code data_version(struct journal_reader *own, int64_t *ret_version,
                                    struct error *reterr)
{
    enum error_code code = ERR_OK;
    if (sqlite3_step(own->version) == SQLITE_ROW)
        *ret_version = sqlite3_column_int64(own->version, 0);
    else
        code = sql_error(own->db, own->path, "looking for messages", reterr);
    sqlite3_reset(own->version);
    return code;
}

/* Copies the next few, so that no snapshot is held while the owner works on them. */
static enum error_code fetch(struct journal_reader *own, int64_t after,
                             struct message messages[TAKEN_AT_ONCE], size_t *ret_count,
                             struct error *reterr)
{
    enum error_code code = ERR_OK;
    size_t count = 0;
    int rc;
    sqlite3_bind_int64(own->messages, 1, after);
    sqlite3_bind_int(own->messages, 2, TAKEN_AT_ONCE);
    while ((rc = sqlite3_step(own->messages)) == SQLITE_ROW && count < TAKEN_AT_ONCE) {
        struct slice run = sql_text(own->messages, 1), body = sql_text(own->messages, 2);
        struct message *m = &messages[count++];
        m->run = xstrndup(run.ptr, run.len);
        m->body = xstrndup(body.ptr, body.len);
        m->is = (struct inbox_message){
            .id = sqlite3_column_int64(own->messages, 0),
            .run = m->run,
            .body = {m->body, body.len},
            .at_ms = sqlite3_column_int64(own->messages, 3),
        };
    }
    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        code = sql_error(own->db, own->path, "reading messages", reterr);
    sqlite3_reset(own->messages);
    *ret_count = count;
    return code;
}

/* The batch stays in memory from before the message is given until its removal is added, so that
 * the record and the removal cannot part. */
static void give(struct journal *j, const struct message *m, inbox_take take, void *user)
{
    pthread_mutex_lock(&j->lock);
    j->held = true;
    pthread_mutex_unlock(&j->lock);
    take(user, &m->is);
    pthread_mutex_lock(&j->lock);
    if (!j->dead) {
        if (batch_empty(&j->gathering))
            j->gathering_since_ms = writer_now_ms();
        batch_add_taken(&j->gathering, m->is.id);
    }
    j->held = false;
    pthread_cond_signal(&j->to_writer);
    pthread_mutex_unlock(&j->lock);
    j->last_message = m->is.id;
}

static enum error_code give_all(struct journal *j, inbox_take take, void *user,
                                struct error *reterr)
{
    struct message messages[TAKEN_AT_ONCE];
    size_t count;
    do {
        enum error_code code = fetch(j->own, j->last_message, messages, &count, reterr);
        for (size_t i = 0; i < count; i++) {
            if (!code)
                give(j, &messages[i], take, user);
            free(messages[i].run);
            free(messages[i].body);
        }
        if (code)
            return code;
    } while (count == TAKEN_AT_ONCE);
    return ERR_OK;
}

void journal_inbox(struct journal *journal, inbox_take take, void *user)
{
    if (!journal->path)
        return;
    struct error err;
    int64_t version = 0;
    enum error_code code = prepare(journal->own, &err);
    if (!code)
        code = data_version(journal->own, &version, &err);
    if (!code && version != journal->inbox_version) {
        code = give_all(journal, take, user, &err);
        if (!code)
            journal->inbox_version = version;
    }
    if (code && code != ERR_BUSY)
        journal_fail(journal, &err);
}

/* ---- Everybody else's end ---- */

static enum error_code check_message(const char *run, struct slice body, struct error *reterr)
{
    size_t length = strlen(run);
    if (length == 0 || length > LIMIT_NAME)
        return error_set(reterr, ERR_INPUT, "expected a run's id of 1 to %u bytes, found %zu",
                         LIMIT_NAME, length);
    if (body.len > LIMIT_PAYLOAD)
        return error_set(reterr, ERR_LIMIT,
                         "the message for run %s has %zu bytes, and the limit is %u", run, body.len,
                         LIMIT_PAYLOAD);
    return ERR_OK;
}

static enum error_code check_sound(const char *path, struct error *reterr)
{
    if (!suspect_marked(path))
        return ERR_OK;
    return error_set(reterr, ERR_BUSY,
                     "%s: a write or sync of this journal failed, and it takes nothing until its "
                     "host has started again and copied it: run `seam resume --all`, then repeat "
                     "this",
                     path);
}

static enum error_code insert(sqlite3 *db, const char *path, const char *run, struct slice body,
                              int64_t at_ms, struct error *reterr)
{
    AUTO(sql_finalizep) sqlite3_stmt *row = NULL;
    enum error_code code = sql_prepare(db, path,
                                       "INSERT INTO inbox(run, body, at_ms) SELECT ?1, ?2, ?3"
                                       " WHERE (SELECT count(*) FROM inbox) < ?4",
                                       &row, reterr);
    if (code)
        return code;
    sql_bind_text(row, 1, slice_of(run));
    sql_bind_text(row, 2, body.ptr ? body : SLICE(""));
    sqlite3_bind_int64(row, 3, at_ms);
    sqlite3_bind_int64(row, 4, LIMIT_INBOX);
    if (sqlite3_step(row) != SQLITE_DONE)
        return sql_error(db, path, "leaving a message", reterr);
    if (sqlite3_changes(db) == 1)
        return ERR_OK;
    return error_set(reterr, ERR_LIMIT,
                     "%s: %u messages wait already and nobody takes them; start the host that owns "
                     "the journal: `seam resume --all`",
                     path, LIMIT_INBOX);
}

static enum error_code check_head(sqlite3 *db, const char *path, const char *run, uint64_t last_seq,
                                  struct error *reterr)
{
    AUTO(sql_finalizep) sqlite3_stmt *head = NULL;
    enum error_code code =
        sql_prepare(db, path, "SELECT last_seq FROM runs WHERE id=?1", &head, reterr);
    if (code)
        return code;
    sql_bind_text(head, 1, slice_of(run));
    int rc = sqlite3_step(head);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return sql_error(db, path, "reading a run's head", reterr);
    if (rc == SQLITE_ROW && (uint64_t)sqlite3_column_int64(head, 0) == last_seq)
        return ERR_OK;
    return error_set(reterr, ERR_FENCED, "run %s has gone on meanwhile: look again", run);
}

static enum error_code check_waiting(sqlite3 *db, const char *path, const char *run,
                                     const struct inbox_terms *terms, struct error *reterr)
{
    AUTO(sql_finalizep) sqlite3_stmt *row = NULL;
    enum error_code code = sql_prepare(
        db, path, "SELECT id, body, at_ms FROM inbox WHERE run=?1 ORDER BY id", &row, reterr);
    if (code)
        return code;
    int rc;
    sql_bind_text(row, 1, slice_of(run));
    while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
        struct inbox_message message = {.id = sqlite3_column_int64(row, 0),
                                        .run = run,
                                        .body = sql_text(row, 1),
                                        .at_ms = sqlite3_column_int64(row, 2)};
        if (terms->objects(terms->user, &message))
            return error_set(reterr, ERR_CONFLICT, "another message for run %s waits", run);
    }
    return rc == SQLITE_DONE ? ERR_OK : sql_error(db, path, "reading messages", reterr);
}

static enum error_code insert_if(sqlite3 *db, const char *path, const char *run, struct slice body,
                                 int64_t at_ms, const struct inbox_terms *terms,
                                 struct error *reterr)
{
    if (!terms)
        return insert(db, path, run, body, at_ms, reterr);
    enum error_code code = sql_exec(db, path, "BEGIN IMMEDIATE", reterr);
    if (code)
        return code;
    if (!(code = check_head(db, path, run, terms->last_seq, reterr)) &&
        !(code = check_waiting(db, path, run, terms, reterr)) &&
        !(code = insert(db, path, run, body, at_ms, reterr)))
        code = sql_exec(db, path, "COMMIT", reterr);
    if (!sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return code;
}

static enum error_code put(const char *path, const char *run, struct slice body, int64_t at_ms,
                           const struct inbox_terms *terms, struct error *reterr)
{
    AUTO(sql_closep) sqlite3 *db = NULL;
    bool empty = false;
    enum error_code code;
    if ((code = sql_open(path, false, PUT_WAIT_MS, &db, reterr)) ||
        (code = schema_check(db, path, &empty, reterr)))
        return code;
    if (empty)
        return error_set(reterr, ERR_NOT_FOUND,
                         "%s: this journal is empty: nothing has run with it yet", path);
    /* The owner who made the WAL may not have synced its name yet. */
    if ((code = place_sync_folder(path, reterr)))
        return code;
    struct error failure;
    code = insert_if(db, path, run, body, at_ms, terms, &failure);
    /* What this process failed to sync is in doubt for the owner too: it learns of it from its own
     * next sync, and who comes after it from the mark. */
    if (code == ERR_IO)
        suspect_leave(path, &failure);
    if (code && reterr)
        *reterr = failure;
    return code;
}

enum error_code inbox_put(const char *path, const char *run, struct slice body, int64_t at_ms,
                          long *ret_owner_pid, struct error *reterr)
{
    return inbox_put_if(path, run, body, at_ms, NULL, ret_owner_pid, reterr);
}

enum error_code inbox_put_if(const char *path, const char *run, struct slice body, int64_t at_ms,
                             const struct inbox_terms *terms, long *ret_owner_pid,
                             struct error *reterr)
{
    AUTO(freep) char *real = NULL;
    AUTO(fd_closep) int lock_fd = -1;
    enum error_code code;
    if ((code = check_message(run, body, reterr)) ||
        (code = place_resolve(path, false, &real, reterr)) || (code = place_check(real, reterr)) ||
        (code = lock_share(real, true, &lock_fd, reterr)) || (code = check_sound(real, reterr)) ||
        (code = put(real, run, body, at_ms, terms, reterr)))
        return code;
    *ret_owner_pid = lock_owner(lock_fd);
    return ERR_OK;
}
