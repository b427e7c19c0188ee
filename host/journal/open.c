/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and closing. The order of opening is the point: the place is looked at before anything is
 * made there; the lock is taken before the file is read; a file that a failed sync left in doubt is
 * copied before SQLite may believe it; its version is checked before anything is written; and only
 * one transaction, which makes this writer the newest, is between that and the first record.
 *
 *   place → lock → settle → connect → check → begin an epoch → note the owner → reserve → thread
 *
 * Where no WAL was left, that transaction is not synced: nothing was done in the epoch's name until
 * a first commit is on disk, and that commit's sync covers what stands before it in the same WAL.
 * If power is lost sooner, the journal is as it was found, and the epoch is begun again. So the
 * lock file names the epoch, and the folder is synced for the WAL's name, after that first commit.
 *
 * A failure at any step leaves the journal as it was found.
 */
#include "journal/journal_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DEFAULT_DELAY_MS = 20,
    DEFAULT_RESERVE_BYTES = 4 << 20,
    OPEN_WAIT_MS = 10000, /* for a message that is just being left */
};

static void journal_freep(struct journal **journal)
{
    struct journal *j = *journal;
    if (!j)
        return;
    journal_reader_close(j->own);
    committer_done(&j->committer);
    reserve_done(&j->reserve);
    claims_done(j);
    values_done(j);
    map_done(&j->kept);
    batch_done(&j->gathering);
    batch_done(&j->writing);
    fd_closep(&j->event_fd);
    fd_closep(&j->lock_fd); /* last: the lock covers all of the above */
    pthread_mutex_destroy(&j->lock);
    pthread_cond_destroy(&j->to_writer);
    pthread_cond_destroy(&j->to_owner);
    free(j->path);
    free(j);
    *journal = NULL;
}

static struct journal *journal_new(const struct journal_options *options)
{
    struct journal *j = xcalloc(1, sizeof(*j));
    text_init(&j->values.found, SIZE_MAX);
    j->lock_fd = j->reserve.fd = -1;
    j->batch_delay_ms = options->batch_delay_ms ? options->batch_delay_ms : DEFAULT_DELAY_MS;
    j->inbox_version = -1;
    j->gathering_number = 1;
    j->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ASSERT(j->event_fd >= 0);
    batch_init(&j->gathering);
    batch_init(&j->writing);
    barriers_init(&j->asked);
    barriers_init(&j->reached);
    pthread_mutex_init(&j->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&j->to_writer, &monotonic);
    pthread_cond_init(&j->to_owner, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return j;
}

static enum error_code make_if_missing(const char *path, struct error *reterr)
{
    if (place_exists(path))
        return ERR_OK;
    AUTO(fd_closep) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(reterr, errno, "%s: cannot make the journal", path);
    return ERR_OK;
}

/* A journal that says it is another file is a copy of it; one that is behind its own lock file was
 * put back over it. Both may repeat, with the same keys, what the other has done. */
static enum error_code refuse_clone(const struct journal *j, sqlite3 *db,
                                    const struct lock_note *last, struct error *reterr)
{
    struct identity is, recorded;
    char epoch[64], store[64];
    enum error_code code;
    if ((code = place_identity(j->path, &is, reterr)) ||
        (code = meta_get_identity(db, j->path, &recorded, reterr)) ||
        (code = meta_get(db, j->path, "epoch", epoch, reterr)) ||
        (code = meta_get(db, j->path, "store_id", store, reterr)))
        return code;
    static const char cure[] =
        "both would use the same keys for the same effects; if the other is not used any more, "
        "open this one with --restored: it becomes a store of its own, and what was unfinished in "
        "it counts as unknown";
    if (!identity_same(&is, &recorded))
        return error_set(reterr, ERR_CONFLICT,
                         "%s: this journal is a copy (file %" PRIu64 ", made of file %" PRIu64
                         ", store %s); %s",
                         j->path, is.inode, recorded.inode, store, cure);
    if (strcmp(last->store_id, store) == 0 && last->epoch > strtoull(epoch, NULL, 10))
        return error_set(reterr, ERR_CONFLICT,
                         "%s: this journal went back in time: it is at epoch %s, and its last "
                         "writer was at %" PRIu64 ", so a backup was put over it (store %s); %s",
                         j->path, epoch, last->epoch, store, cure);
    return ERR_OK;
}

static enum error_code become_store(struct journal *j, sqlite3 *db, struct error *reterr)
{
    struct identity identity;
    enum error_code code;
    store_id_make(j->store_id);
    if ((code = place_identity(j->path, &identity, reterr)) ||
        (code = meta_put(db, j->path, "store_id", j->store_id, reterr)))
        return code;
    return meta_put_identity(db, j->path, &identity, reterr);
}

static enum error_code advance_epoch(struct journal *j, sqlite3 *db, const struct lock_note *last,
                                     struct error *reterr)
{
    char value[64], store[64];
    enum error_code code;
    if ((code = meta_get(db, j->path, "epoch", value, reterr)) ||
        (code = meta_get(db, j->path, "store_id", store, reterr)))
        return code;
    uint64_t epoch = strtoull(value, NULL, 10);
    j->epoch = (epoch > last->epoch ? epoch : last->epoch) + 1;
    snprintf(j->store_id, sizeof(j->store_id), "%.32s", store);
    snprintf(value, sizeof(value), "%" PRIu64, j->epoch);
    return meta_put(db, j->path, "epoch", value, reterr);
}

/* Inside one transaction: make or check, and become the newest writer. */
static enum error_code begin_epoch(struct journal *j, sqlite3 *db, bool restored,
                                   const struct lock_note *last, struct error *reterr)
{
    bool empty = false;
    enum error_code code = schema_check(db, j->path, &empty, reterr);
    if (code)
        return code;
    code = empty ? schema_make(db, j->path, reterr) : schema_upgrade(db, j->path, reterr);
    if (!code && !empty && !restored)
        code = refuse_clone(j, db, last, reterr);
    if (!code && (empty || restored))
        code = become_store(j, db, reterr);
    return code ? code : advance_epoch(j, db, last, reterr);
}

static bool has_wal(const struct journal *j)
{
    AUTO(freep) char *wal = xasprintf("%s-wal", j->path);
    struct stat file;
    return stat(wal, &file) == 0 ? file.st_size > 0 : errno != ENOENT;
}

/* Begins the transaction; unsynced if it may be. Starting an old WAL over without a sync could mix
 * its frames with the new ones, so it is looked for again when nobody else can write any more. */
static enum error_code begin(struct journal *j, sqlite3 *db, bool may_wait, struct error *reterr)
{
    enum error_code code;
    j->opening_owed = may_wait && !has_wal(j);
    if (j->opening_owed) {
        if ((code = sql_exec(db, j->path, "PRAGMA synchronous=OFF; BEGIN IMMEDIATE", reterr)) ||
            !has_wal(j))
            return code;
        j->opening_owed = false;
        if ((code = sql_exec(db, j->path, "ROLLBACK; PRAGMA synchronous=FULL", reterr)))
            return code;
    }
    return sql_exec(db, j->path, "BEGIN IMMEDIATE", reterr);
}

static enum error_code finish_beginning(struct journal *j, sqlite3 *db, struct error *reterr)
{
    if (j->opening_owed)
        return sql_exec(db, j->path, "COMMIT; PRAGMA synchronous=FULL", reterr);
    enum error_code code = sql_exec(db, j->path, "COMMIT", reterr);
    return code ? code : place_sync_folder(j->path, reterr);
}

static enum error_code connect(struct journal *j, bool restored, const struct lock_note *last,
                               sqlite3 **ret_db, struct error *reterr)
{
    AUTO(sql_closep) sqlite3 *db = NULL;
    bool empty = false;
    enum error_code code;
    if ((code = make_if_missing(j->path, reterr)) ||
        (code = sql_open(j->path, false, OPEN_WAIT_MS, &db, reterr)) ||
        /* Before the mode of the file is touched. */
        (code = schema_check(db, j->path, &empty, reterr)) ||
        (code = sql_exec(db, j->path, "PRAGMA journal_mode=WAL; PRAGMA journal_size_limit=8388608",
                         reterr)) ||
        (code = begin(j, db, !empty && !restored, reterr)))
        return code;
    code = begin_epoch(j, db, restored, last, reterr);
    if (!code)
        code = finish_beginning(j, db, reterr);
    if (code && !sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    if (!code)
        *ret_db = TAKE(db);
    return code;
}

static void note_owner(struct journal *j)
{
    struct lock_note note = {.pid = (long)getpid(), .epoch = j->epoch};
    memcpy(note.store_id, j->store_id, sizeof(note.store_id));
    lock_write_note(j->lock_fd, &note);
}

enum error_code open_settle(struct journal *j, struct error *reterr)
{
    if (!j->opening_owed)
        return ERR_OK;
    enum error_code code = place_sync_folder(j->path, reterr);
    if (code)
        return code;
    note_owner(j);
    j->opening_owed = false;
    return ERR_OK;
}

/* On a full disk the reserve of the writer before pays for the opening: its outcomes must still be
 * written. */
static enum error_code connect_with_reserve(struct journal *j, bool restored,
                                            const struct lock_note *last, sqlite3 **ret_db,
                                            struct error *reterr)
{
    enum error_code code = connect(j, restored, last, ret_db, reterr);
    if (code == ERR_NO_SPACE && reserve_release(&j->reserve))
        code = connect(j, restored, last, ret_db, reterr);
    return code;
}

static enum error_code start_thread(struct journal *j, struct error *reterr)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the owner's */
    int failed = pthread_create(&j->thread, NULL, writer_main, j);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? error_set_errno(reterr, failed, "cannot start the journal's thread") : ERR_OK;
}

static enum error_code open_on_disk(struct journal *j, const struct journal_options *options,
                                    struct error *reterr)
{
    struct lock_note last;
    sqlite3 *db = NULL;
    enum error_code code;
    if ((code = place_resolve(options->path, true, &j->path, reterr)) ||
        (code = place_check(j->path, reterr)) ||
        (code = lock_take(j->path, &j->lock_fd, &last, reterr)) ||
        (code = suspect_settle(j->path, j->lock_fd, reterr)))
        return code;
    reserve_init(&j->reserve, j->path,
                 options->reserve_bytes ? options->reserve_bytes : DEFAULT_RESERVE_BYTES);
    struct error failure;
    if ((code = connect_with_reserve(j, options->restored, &last, &db, &failure))) {
        if (code == ERR_IO)
            suspect_leave(j->path, &failure);
        if (reterr)
            *reterr = failure;
        return code;
    }
    if ((code = committer_init(&j->committer, db, j->path, j->epoch, reterr)))
        return code;
    if (!j->opening_owed)
        note_owner(j);
    if ((code = reader_new(j->path, false, &j->own, reterr)))
        return code;
    /* A reserve that cannot be filled now is the first barrier's to tell. */
    struct error ignored;
    if (!j->reserve.held && reserve_fill(&j->reserve, &ignored) == ERR_OK)
        code = place_sync_folder(j->path, reterr);
    return code ? code : start_thread(j, reterr);
}

enum error_code journal_open(const struct journal_options *options, struct journal **ret_journal,
                             struct error *reterr)
{
    AUTO(journal_freep) struct journal *j = journal_new(options);
    if (options->durability == DURABILITY_MEMORY) {
        store_id_make(j->store_id);
        j->epoch = 1;
        j->own = reader_new_in_memory();
    } else {
        enum error_code code = open_on_disk(j, options, reterr);
        if (code)
            return code;
    }
    *ret_journal = TAKE(j);
    return ERR_OK;
}

enum error_code journal_close(struct journal *journal, struct error *reterr)
{
    struct error failure = {.code = ERR_OK};
    journal_drain(journal);
    if (journal->path) {
        pthread_mutex_lock(&journal->lock);
        journal->stop = true;
        pthread_cond_signal(&journal->to_writer);
        pthread_mutex_unlock(&journal->lock);
        pthread_join(journal->thread, NULL);
        if (journal->dead)
            failure = journal->failure;
        journal_reader_close(TAKE(journal->own)); /* the last to close takes the WAL away */
        if (!journal->dead && (commit_finish(&journal->committer, &failure) != ERR_OK ||
                               open_settle(journal, &failure) != ERR_OK))
            suspect_leave(journal->path, &failure);
    }
    if (failure.code && reterr)
        *reterr = failure;
    journal_freep(&journal);
    return failure.code;
}
