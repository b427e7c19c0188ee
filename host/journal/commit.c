/* SPDX-License-Identifier: Apache-2.0
 *
 * One batch, one transaction, over the one connection that writes. Inside it: the epoch is still
 * ours; each record is linked to its run's chain and inserted; each run's row is written once,
 * however many records it got; kept texts come before the records that name them; claims and taken
 * messages go with the records that brought them.
 *
 * A failure undoes all of it: the transaction is rolled back and the heads in memory are forgotten,
 * to be read from disk again. Whether a COMMIT that failed is on disk nobody knows.
 *
 * Used by whoever has the journal's `committing`.
 */
#include "journal/journal_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHECKPOINT_PAGES = 1000, /* 4 MB of WAL: then its pages go into the file */
    STUBBORN_PAGES = 16000,  /* readers kept it from starting over: wait for them a moment */
    STUBBORN_WAIT_MS = 100,
    LOCK_WAIT_MS = 30000, /* for a message of another process, which holds it for one sync */
};

static int count_wal_pages(void *user, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    ((struct committer *)user)->wal_pages = pages;
    return SQLITE_OK;
}

static enum error_code prepare_all(struct committer *c, struct error *reterr)
{
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } all[] = {
        {&c->begin, "BEGIN IMMEDIATE"},
        {&c->check_epoch, "SELECT CAST(value AS INTEGER) FROM meta WHERE key='epoch'"},
        {&c->head, "SELECT last_seq, last_hash FROM runs WHERE id=?1"},
        {&c->event, "INSERT INTO events(run, seq, at_ms, kind, body, prev_hash, hash)"
                    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"},
        {&c->run_new, "INSERT INTO runs(id, flow, status, created_ms, updated_ms, last_seq,"
                      " last_hash, due_ms, epoch)"
                      " VALUES(?1, coalesce(?2, ''), coalesce(?3, ''), ?4, ?5, ?6, ?7, ?8, ?9)"},
        {&c->run_on, "UPDATE runs SET flow=coalesce(?2, flow), status=coalesce(?3, status),"
                     " updated_ms=?5, last_seq=?6, last_hash=?7, due_ms=?8, epoch=?9 WHERE id=?1"},
        {&c->claim, "INSERT INTO claims(claim, owner, run) VALUES(?1, ?2, ?3)"
                    " ON CONFLICT DO NOTHING"},
        {&c->taken, "DELETE FROM inbox WHERE id=?1"},
        {&c->keep, "INSERT INTO texts(digest, body) VALUES(?1, ?2) ON CONFLICT DO NOTHING"},
        {&c->meter, "INSERT INTO meters VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET"
                    " attempts=attempts+?2, calls=calls+?3, tokens=tokens+?4, cost=cost+?5"},
        {&c->value, "INSERT OR REPLACE INTO state VALUES(?1, ?2, ?3, ?4, ?5, ?6)"},
        {&c->no_value, "DELETE FROM state WHERE space=?1 AND (key=?2 OR ?2='')"},
        {&c->space, "INSERT OR REPLACE INTO spaces VALUES(?1, ?2, ?3, ?4)"},
        {&c->note, "INSERT OR REPLACE INTO meta VALUES(?1, ?2)"},
        {&c->no_note, "DELETE FROM meta WHERE key=?1"},
        {&c->commit, "COMMIT"},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        enum error_code code = sql_prepare(c->db, c->path, all[i].sql, all[i].statement, reterr);
        if (code)
            return code;
    }
    return ERR_OK;
}

enum error_code committer_init(struct committer *c, sqlite3 *db, const char *path, uint64_t epoch,
                               struct error *reterr)
{
    *c = (struct committer){
        .db = db, .path = path, .epoch = epoch, .checkpoint_at = CHECKPOINT_PAGES};
    sqlite3_busy_timeout(db, LOCK_WAIT_MS);
    sqlite3_wal_hook(db, count_wal_pages, c);
    enum error_code code = place_identity(path, &c->identity, reterr);
    return code ? code : prepare_all(c, reterr);
}

static void finalize_all(struct committer *c)
{
    sqlite3_stmt **all[] = {&c->begin,   &c->check_epoch, &c->head,    &c->event,
                            &c->run_new, &c->run_on,      &c->claim,   &c->taken,
                            &c->keep,    &c->meter,       &c->value,   &c->no_value,
                            &c->space,   &c->note,        &c->no_note, &c->commit};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        sql_finalizep(all[i]);
}

void committer_done(struct committer *c)
{
    finalize_all(c);
    sql_closep(&c->db);
    heads_done(&c->heads);
}

/* Runs a statement that returns no row and lets go of what was bound. */
static enum error_code run(struct committer *c, sqlite3_stmt *statement, const char *doing,
                           struct error *reterr)
{
    enum error_code code = ERR_OK;
    if (sqlite3_step(statement) != SQLITE_DONE)
        code = sql_error(c->db, c->path, doing, reterr);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return code;
}

/* A journal that was moved, deleted or replaced while it is open takes writes that nobody will
 * find again. */
static enum error_code check_place(const struct committer *c, struct error *reterr)
{
    struct identity now;
    enum error_code code = place_identity(c->path, &now, reterr);
    if (code || identity_same(&now, &c->identity))
        return code;
    return error_set(reterr, ERR_FENCED,
                     "%s: another file was put in the journal's place while it was open; what was "
                     "not acknowledged is not in it: stop and start again",
                     c->path);
}

static enum error_code check_epoch(struct committer *c, struct error *reterr)
{
    if (sqlite3_step(c->check_epoch) != SQLITE_ROW) {
        enum error_code code = sql_error(c->db, c->path, "reading the epoch", reterr);
        sqlite3_reset(c->check_epoch);
        return code;
    }
    uint64_t epoch = (uint64_t)sqlite3_column_int64(c->check_epoch, 0);
    sqlite3_reset(c->check_epoch);
    if (epoch == c->epoch)
        return ERR_OK;
    return error_set(reterr, ERR_FENCED,
                     "%s: another host has taken this journal over (epoch %llu, ours %llu), which "
                     "can be only if its lock file was removed; this host stops and has written "
                     "nothing more",
                     c->path, (unsigned long long)epoch, (unsigned long long)c->epoch);
}

static enum error_code load_head(struct committer *c, const char *run_id, struct head **ret_head,
                                 struct error *reterr)
{
    struct head head = {.hash = chain_start(run_id)};
    sql_bind_text(c->head, 1, slice_of(run_id));
    int rc = sqlite3_step(c->head);
    enum error_code code = ERR_OK;
    if (rc == SQLITE_ROW) {
        head.on_disk = true;
        head.seq = (uint64_t)sqlite3_column_int64(c->head, 0);
        if (!sql_digest(c->head, 1, &head.hash))
            code =
                error_set(reterr, ERR_CORRUPT, "%s: the run %s has no last hash", c->path, run_id);
    } else if (rc != SQLITE_DONE) {
        code = sql_error(c->db, c->path, "reading a run's head", reterr);
    }
    sqlite3_reset(c->head);
    if (code)
        return code;
    *ret_head = heads_add(&c->heads, run_id);
    (*ret_head)->seq = head.seq;
    (*ret_head)->hash = head.hash;
    (*ret_head)->on_disk = head.on_disk;
    return ERR_OK;
}

static void note_change(struct committer *c, struct head *head, const struct batch *b,
                        const struct batch_entry *entry)
{
    if (!head->changed) {
        head->changed = true;
        head->status = head->flow = (struct slice){NULL, 0};
        head->created_ms = entry->at_ms;
        head->next_changed = c->changed;
        c->changed = head;
    }
    head->updated_ms = entry->at_ms;
    head->due_ms = entry->due_ms;
    head->over = entry->over;
    if (entry->status.len != SPAN_ABSENT)
        head->status = batch_slice(b, entry->status);
    if (entry->flow.len != SPAN_ABSENT)
        head->flow = batch_slice(b, entry->flow);
}

static enum error_code write_claim(struct committer *c, const struct batch *b,
                                   const struct batch_entry *entry, struct error *reterr)
{
    sql_bind_text(c->claim, 1, batch_slice(b, entry->claim));
    sql_bind_text(c->claim, 2, batch_slice(b, entry->claim_owner));
    sql_bind_text(c->claim, 3, batch_slice(b, entry->run));
    return run(c, c->claim, "writing a claim", reterr);
}

static enum error_code write_record(struct committer *c, const struct batch *b,
                                    const struct batch_entry *entry, struct error *reterr)
{
    struct slice run_id = batch_slice(b, entry->run), kind = batch_slice(b, entry->kind),
                 body = batch_slice(b, entry->body);
    struct head *head = heads_find(&c->heads, run_id.ptr);
    enum error_code code = head ? ERR_OK : load_head(c, run_id.ptr, &head, reterr);
    if (code)
        return code;
    ASSERT(entry->seq == head->seq + 1);
    struct digest hash = chain_next(&head->hash, entry->seq, entry->at_ms, kind, body);
    sql_bind_text(c->event, 1, run_id);
    sqlite3_bind_int64(c->event, 2, (int64_t)entry->seq);
    sqlite3_bind_int64(c->event, 3, entry->at_ms);
    sql_bind_text(c->event, 4, kind);
    sql_bind_text(c->event, 5, body);
    sql_bind_digest(c->event, 6, &head->hash);
    sql_bind_digest(c->event, 7, &hash);
    if ((code = run(c, c->event, "writing a record", reterr)))
        return code;
    head->seq = entry->seq;
    head->hash = hash;
    note_change(c, head, b, entry);
    return entry->claim.len == SPAN_ABSENT ? ERR_OK : write_claim(c, b, entry, reterr);
}

static enum error_code write_run(struct committer *c, struct head *head, struct error *reterr)
{
    sqlite3_stmt *statement = head->on_disk ? c->run_on : c->run_new;
    sql_bind_text(statement, 1, slice_of(head->run));
    sql_bind_text(statement, 2, head->flow);
    sql_bind_text(statement, 3, head->status);
    sqlite3_bind_int64(statement, 4, head->created_ms);
    sqlite3_bind_int64(statement, 5, head->updated_ms);
    sqlite3_bind_int64(statement, 6, (int64_t)head->seq);
    sql_bind_digest(statement, 7, &head->hash);
    if (head->due_ms > 0)
        sqlite3_bind_int64(statement, 8, head->due_ms);
    sqlite3_bind_int64(statement, 9, (int64_t)c->epoch);
    head->on_disk = true;
    head->changed = false;
    return run(c, statement, "writing a run's head", reterr);
}

static enum error_code write_meter(struct committer *c, const struct batch *b,
                                   const struct batch_meter *meter, struct error *reterr)
{
    sql_bind_text(c->meter, 1, batch_slice(b, meter->name));
    for (int i = 0; i < JOURNAL_AMOUNTS; i++)
        sqlite3_bind_int64(c->meter, 2 + i, meter->amounts[i]);
    return run(c, c->meter, "adding to a meter", reterr);
}

static enum error_code write_value(struct committer *c, const struct batch *b,
                                   const struct batch_value *value, struct error *reterr)
{
    bool gone = value->value.len == SPAN_ABSENT;
    sqlite3_stmt *statement = gone ? c->no_value : c->value;
    sql_bind_text(statement, 1, batch_slice(b, value->space));
    sql_bind_text(statement, 2, batch_slice(b, value->key));
    if (!gone) {
        sql_bind_text(statement, 3, batch_slice(b, value->value));
        sqlite3_bind_int64(statement, 4, (int64_t)value->version);
        sqlite3_bind_int64(statement, 5, (int64_t)value->base);
        sql_bind_text(statement, 6, batch_slice(b, value->writer));
    }
    enum error_code code = run(c, statement, "writing a plugin's state", reterr);
    if (code)
        return code;
    sql_bind_text(c->space, 1, batch_slice(b, value->space));
    sqlite3_bind_int64(c->space, 2, (int64_t)value->after.bytes);
    sqlite3_bind_int64(c->space, 3, (int64_t)value->after.keys);
    sqlite3_bind_int64(c->space, 4, (int64_t)value->after.version);
    return run(c, c->space, "writing the size of a plugin's state", reterr);
}

static enum error_code write_note(struct committer *c, const struct batch *b,
                                  const struct batch_note *note, struct error *reterr)
{
    bool gone = note->body.len == SPAN_ABSENT;
    sqlite3_stmt *statement = gone ? c->no_note : c->note;
    sql_bind_text(statement, 1, batch_slice(b, note->name));
    if (!gone)
        sql_bind_text(statement, 2, batch_slice(b, note->body));
    return run(c, statement, "writing a note", reterr);
}

static enum error_code write_all(struct committer *c, const struct batch *b, struct error *reterr)
{
    enum error_code code;
    for (size_t i = 0; i < b->text_count; i++) {
        sql_bind_digest(c->keep, 1, &b->texts[i].digest);
        sql_bind_text(c->keep, 2, batch_slice(b, b->texts[i].text));
        if ((code = run(c, c->keep, "keeping a text", reterr)))
            return code;
    }
    for (size_t i = 0; i < b->count; i++)
        if ((code = write_record(c, b, &b->entries[i], reterr)))
            return code;
    while (c->changed) {
        struct head *head = c->changed;
        if ((code = write_run(c, head, reterr)))
            return code;
        c->changed = head->next_changed;
        if (head->over)
            heads_drop(&c->heads, head);
    }
    for (size_t i = 0; i < b->meter_count; i++)
        if ((code = write_meter(c, b, &b->meters[i], reterr)))
            return code;
    for (size_t i = 0; i < b->value_count; i++)
        if ((code = write_value(c, b, &b->values[i], reterr)))
            return code;
    for (size_t i = 0; i < b->note_count; i++)
        if ((code = write_note(c, b, &b->notes[i], reterr)))
            return code;
    for (size_t i = 0; i < b->taken_count; i++) {
        sqlite3_bind_int64(c->taken, 1, b->taken[i]);
        if ((code = run(c, c->taken, "removing a message that was taken", reterr)))
            return code;
    }
    return ERR_OK;
}

enum error_code commit_batch(struct committer *c, const struct batch *b, struct error *reterr)
{
    enum error_code code;
    if (heads_full(&c->heads))
        heads_forget(&c->heads);
    c->changed = NULL;
    if ((code = check_place(c, reterr)) || (code = run(c, c->begin, "beginning", reterr)))
        return code;
    if (!(code = check_epoch(c, reterr)) && !(code = write_all(c, b, reterr)) &&
        !(code = run(c, c->commit, "committing", reterr)))
        return ERR_OK;
    if (!sqlite3_get_autocommit(c->db))
        sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    heads_forget(&c->heads);
    c->changed = NULL;
    return code;
}

static enum error_code checkpoint(struct committer *c, int mode, struct error *reterr)
{
    int pages = 0, moved = 0;
    int rc = sqlite3_wal_checkpoint_v2(c->db, "main", mode, &pages, &moved);
    bool excused = rc == SQLITE_OK || rc == SQLITE_BUSY ||
                   sql_code(rc, sqlite3_system_errno(c->db)) == ERR_NO_SPACE;
    if (!excused)
        return sql_error(c->db, c->path, "checkpointing", reterr);
    /* All moved: the next commit starts the WAL over. Else again after as many pages more. */
    c->checkpoint_at =
        rc == SQLITE_OK && pages == moved ? CHECKPOINT_PAGES : c->wal_pages + CHECKPOINT_PAGES;
    return ERR_OK;
}

bool commit_wants_checkpoint(const struct committer *c)
{
    return c->wal_pages >= c->checkpoint_at;
}

enum error_code commit_checkpoint(struct committer *c, struct error *reterr)
{
    if (c->wal_pages < STUBBORN_PAGES)
        return checkpoint(c, SQLITE_CHECKPOINT_PASSIVE, reterr);
    sqlite3_busy_timeout(c->db, STUBBORN_WAIT_MS);
    enum error_code code = checkpoint(c, SQLITE_CHECKPOINT_TRUNCATE, reterr);
    sqlite3_busy_timeout(c->db, LOCK_WAIT_MS);
    return code;
}

enum error_code commit_finish(struct committer *c, struct error *reterr)
{
    sqlite3_busy_timeout(c->db, 0);
    enum error_code code = checkpoint(c, SQLITE_CHECKPOINT_TRUNCATE, reterr);
    if (!code)
        sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return code;
}
