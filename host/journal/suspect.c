/* SPDX-License-Identifier: Apache-2.0
 *
 * After a failed write or sync, what is read back may live in the page cache alone: the kernel
 * reports the failure once and then calls the lost pages clean. So the writer that met one leaves a
 * mark, `<path>.suspect`, and dies; the next one copies the journal, WAL included, to a new file,
 * syncs it, and goes on with the copy. Blocks that the disk refused are left behind.
 *
 *   mark            the journal as it is                 → [make_copy]
 *   mark + .copy    the copy is whole and on disk;       → [take_over], which may be repeated
 *                   the old file no longer counts
 *   no mark         nothing to do; a stray .copying is removed by the next copy, and a stray .copy
 *                   now: a loss of power took the mark, the journal went on, and the copy is old
 *
 * The copy has its own identity in it before it has its name, so whatever step was the last, the
 * file under the journal's name knows itself or is about to be replaced.
 *
 * Everything happens under the owner's lock, with nobody else having the journal open, so that no
 * message of the inbox can go into the file that is about to be replaced, and no reader can see one
 * file with the WAL of the other.
 */
#include "journal/journal_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char *beside(const char *path, const char *suffix)
{
    return xasprintf("%s%s", path, suffix);
}

bool suspect_marked(const char *path)
{
    AUTO(freep) char *mark = beside(path, ".suspect");
    return place_exists(mark);
}

/* Does the failure leave written pages in doubt? Not if the disk was full (nothing was taken), nor
 * if the journal is another's or elsewhere; a damaged file would only be copied with its damage. */
static bool in_doubt(enum error_code code)
{
    return code != ERR_NO_SPACE && code != ERR_FENCED && code != ERR_BUSY &&
           code != ERR_NOT_FOUND && code != ERR_CORRUPT;
}

/* The name is the mark, and needs no sync: when the machine goes down too, the page cache goes with
 * it, and what is read then is what the disk holds. */
static enum error_code leave_mark(const char *path, struct error *reterr)
{
    AUTO(freep) char *mark = beside(path, ".suspect");
    AUTO(fd_closep) int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set_errno(reterr, errno, "%s: cannot leave the mark of a failed sync", mark);
    return ERR_OK;
}

void suspect_leave(const char *path, struct error *failure)
{
    struct error err;
    if (!in_doubt(failure->code))
        return;
    if (leave_mark(path, &err) == ERR_OK)
        error_prefix(failure, "the host must stop, and its next start copies the journal and goes "
                              "on with the copy: ");
    else
        error_prefix(failure,
                     "the host must stop, and before it starts again the journal and its -wal "
                     "must be copied to another disk (%s): ",
                     err.text);
}

static enum error_code remove_beside(const char *path, const char *suffix, struct error *reterr)
{
    AUTO(freep) char *name = beside(path, suffix);
    if (unlink(name) != 0 && errno != ENOENT)
        return error_set_errno(reterr, errno, "%s: cannot remove it", name);
    return ERR_OK;
}

static enum error_code make_file(const char *path, struct error *reterr)
{
    AUTO(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd >= 0 ? ERR_OK : error_set_errno(reterr, errno, "%s: cannot make it", path);
}

static enum error_code copy_pages(sqlite3 *from, sqlite3 *to, const char *to_path,
                                  struct error *reterr)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (!backup)
        return sql_error(to, to_path, "beginning the copy", reterr);
    int rc = sqlite3_backup_step(backup, -1);
    int finished = sqlite3_backup_finish(backup);
    if (rc != SQLITE_DONE || finished != SQLITE_OK)
        return sql_error(to, to_path, "copying", reterr);
    return ERR_OK;
}

/* Fills the copy; the source's connection is closed before the copy is used. */
static enum error_code fill_copy(const char *path, const char *copy, bool *ret_same,
                                 struct error *reterr)
{
    AUTO(sql_closep) sqlite3 *from = NULL, *to = NULL;
    bool empty = false;
    struct identity is, recorded;
    enum error_code code;
    if ((code = sql_open(path, true, 0, &from, reterr)) ||
        (code = schema_check(from, path, &empty, reterr)) ||
        (code = place_identity(path, &is, reterr)))
        return code;
    if (!empty && (code = meta_get_identity(from, path, &recorded, reterr)))
        return code;
    *ret_same = !empty && identity_same(&is, &recorded);
    if ((code = sql_open(copy, false, 0, &to, reterr)))
        return code;
    return copy_pages(from, to, copy, reterr);
}

static enum error_code check_pages(sqlite3 *db, const char *path, struct error *reterr)
{
    AUTO(sql_finalizep) sqlite3_stmt *check = NULL;
    enum error_code code = sql_prepare(db, path, "PRAGMA quick_check(1)", &check, reterr);
    if (code)
        return code;
    if (sqlite3_step(check) != SQLITE_ROW)
        return sql_error(db, path, "checking the copy", reterr);
    if (!slice_is(sql_text(check, 0), "ok"))
        return error_set(reterr, ERR_CORRUPT,
                         "%s: the journal was damaged by a failed write (%s); put a backup in its "
                         "place, then `seam resume --all --restored`",
                         path, sql_text(check, 0).ptr);
    return ERR_OK;
}

/* The copy is what the original was; a clone's copy stays a clone's. */
static enum error_code finish_copy(const char *copy, bool own_identity, struct error *reterr)
{
    AUTO(sql_closep) sqlite3 *db = NULL;
    struct identity identity;
    enum error_code code;
    if ((code = sql_open(copy, false, 0, &db, reterr)) ||
        (code = sql_exec(db, copy, "PRAGMA journal_mode=DELETE", reterr)) ||
        (code = check_pages(db, copy, reterr)) || (code = place_identity(copy, &identity, reterr)))
        return code;
    return own_identity ? meta_put_identity(db, copy, &identity, reterr) : ERR_OK;
}

static enum error_code remove_with_wal(const char *path, struct error *reterr)
{
    enum error_code code;
    if ((code = remove_beside(path, "", reterr)) || (code = remove_beside(path, "-wal", reterr)) ||
        (code = remove_beside(path, "-shm", reterr)))
        return code;
    return remove_beside(path, "-journal", reterr);
}

static enum error_code make_copy(const char *path, struct error *reterr)
{
    AUTO(freep) char *copying = beside(path, ".copying"), *copy = beside(path, ".copy");
    bool own_identity = false;
    enum error_code code;
    if ((code = remove_with_wal(copying, reterr)) || (code = make_file(copying, reterr)) ||
        (code = fill_copy(path, copying, &own_identity, reterr)) ||
        (code = finish_copy(copying, own_identity, reterr)) ||
        (code = remove_beside(copying, "-wal", reterr)) ||
        (code = remove_beside(copying, "-shm", reterr)) ||
        (code = place_sync_file(copying, reterr))) {
        struct error ignored; /* the first failure is the one to tell */
        (void)!remove_with_wal(copying, &ignored);
        return code;
    }
    if (rename(copying, copy) != 0)
        return error_set_errno(reterr, errno, "%s: cannot rename the copy", copying);
    return place_sync_folder(path, reterr);
}

static enum error_code take_over(const char *path, struct error *reterr)
{
    AUTO(freep) char *copy = beside(path, ".copy");
    enum error_code code;
    /* The WAL first: the copy must never be seen with pages of the old file over it. */
    if ((code = remove_beside(path, "-wal", reterr)) ||
        (code = remove_beside(path, "-shm", reterr)) || (code = place_sync_folder(path, reterr)))
        return code;
    if (rename(copy, path) != 0)
        return error_set_errno(reterr, errno, "%s: cannot put the copy in its place", copy);
    if ((code = place_sync_folder(path, reterr)) ||
        (code = remove_beside(path, ".suspect", reterr)))
        return code;
    return place_sync_folder(path, reterr);
}

/* Else the next mark would put it in the place of a journal that has gone on since. */
static enum error_code remove_stray(const char *path, const char *copy, struct error *reterr)
{
    if (!place_exists(copy))
        return ERR_OK;
    enum error_code code = remove_beside(copy, "", reterr);
    return code ? code : place_sync_folder(path, reterr);
}

enum error_code suspect_settle(const char *path, int lock_fd, struct error *reterr)
{
    AUTO(freep) char *copy = beside(path, ".copy");
    if (!suspect_marked(path))
        return remove_stray(path, copy, reterr);
    enum error_code code = lock_exclude(lock_fd, path, reterr);
    if (code)
        return code;
    if (!place_exists(copy))
        code = make_copy(path, reterr);
    if (!code)
        code = take_over(path, reterr);
    lock_admit(lock_fd);
    if (code)
        error_prefix(reterr, "copying the journal after a failed sync: ");
    return code;
}
