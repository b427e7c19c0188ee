/* SPDX-License-Identifier: Apache-2.0
 *
 * The lock file beside the journal: `<path>.lock`. Byte 0 is locked for life by the one owner; byte
 * 1 is shared by every process that has the journal open, and taken alone by an owner who puts
 * another file in the journal's place. They are open-file-description locks: they end with the
 * process however it ends, two openings in one process exclude each other, and closing some other
 * descriptor of the file does not drop them.
 *
 * The file's one line of fixed length names the last owner: its pid, for the message to those who
 * come second; its epoch and store, because a journal whose epoch is behind its own lock file went
 * back in time: somebody put a backup over it.
 */
#include "journal/journal_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OWNER_BYTE = 0, OPEN_BYTE = 1, LINE_SIZE = 128 };

static bool set_lock(int fd, short type, off_t byte)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

static struct lock_note read_note(int fd)
{
    char line[LINE_SIZE + 1] = "";
    struct lock_note note = {0}; /* "pid 12 epoch 3 store 0123…"; a first owner's has no store */
    ssize_t length = pread(fd, line, LINE_SIZE, 0);
    int fields = length <= 0 ? 0
                             : sscanf(line, "pid %ld epoch %" SCNu64 " store %32[0-9a-f]",
                                      &note.pid, &note.epoch, note.store_id);
    return fields > 0 ? note : (struct lock_note){0};
}

/* In place and of one length, so that a full disk cannot refuse it. */
void lock_write_note(int fd, const struct lock_note *note)
{
    char line[LINE_SIZE + 1];
    int length = snprintf(line, sizeof(line), "pid %ld epoch %" PRIu64 " store %s", note->pid,
                          note->epoch, note->store_id);
    memset(line + length, ' ', (size_t)(LINE_SIZE - length));
    line[LINE_SIZE - 1] = '\n';
    /* The pid is a courtesy and the epoch a second net: without them the lock still holds. */
    if (pwrite(fd, line, LINE_SIZE, 0) != LINE_SIZE)
        return;
}

static enum error_code busy(const char *path, long pid, struct error *reterr)
{
    if (pid <= 0)
        return error_set(reterr, ERR_BUSY,
                         "%s: another process owns this journal; its pid is not known yet: try "
                         "again",
                         path);
    return error_set(reterr, ERR_BUSY,
                     "%s: process %ld owns this journal; wait until it ends, stop it, or name "
                     "another journal with --store; if it is `seam serve`, POST to its /v1/runs",
                     path, pid);
}

/* Is the descriptor still the file that others will find under this name? */
static bool still_named(int fd, const char *lock_path)
{
    struct stat held, named;
    return fstat(fd, &held) == 0 && stat(lock_path, &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
}

enum error_code lock_take(const char *path, int *ret_fd, struct lock_note *ret_last,
                          struct error *reterr)
{
    AUTO(freep) char *lock_path = xasprintf("%s.lock", path);
    for (;;) {
        AUTO(fd_closep) int fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            return error_set_errno(reterr, errno, "%s: cannot open the journal's lock file",
                                   lock_path);
        bool taken = set_lock(fd, F_WRLCK, OWNER_BYTE);
        int saved_errno = errno;
        if (!still_named(fd, lock_path))
            continue; /* somebody removed it between open and lock: lock the new one */
        struct lock_note last = read_note(fd);
        if (!taken && (saved_errno == EAGAIN || saved_errno == EACCES))
            return busy(path, last.pid, reterr);
        if (!taken)
            return error_set_errno(reterr, saved_errno, "%s: cannot lock the journal", lock_path);
        *ret_last = last;
        last.pid = (long)getpid();
        lock_write_note(fd, &last);
        *ret_fd = fd;
        fd = -1;
        return ERR_OK;
    }
}

enum error_code lock_share(const char *path, bool make, int *ret_fd, struct error *reterr)
{
    AUTO(freep) char *lock_path = xasprintf("%s.lock", path);
    int flags = make ? O_RDWR | O_CREAT : O_RDONLY;
    AUTO(fd_closep) int fd = open(lock_path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && !make && (errno == ENOENT || errno == EACCES)) {
        *ret_fd = -1;
        return ERR_OK;
    }
    if (fd < 0)
        return error_set_errno(reterr, errno, "%s: cannot open the journal's lock file", lock_path);
    if (!set_lock(fd, F_RDLCK, OPEN_BYTE))
        return error_set(reterr, ERR_BUSY,
                         "%s: the journal is being copied after a failed sync: try again", path);
    *ret_fd = fd;
    fd = -1;
    return ERR_OK;
}

enum error_code lock_exclude(int fd, const char *path, struct error *reterr)
{
    if (!set_lock(fd, F_WRLCK, OPEN_BYTE))
        return error_set(reterr, ERR_BUSY,
                         "%s: a write or sync failed when this journal was last written, and it "
                         "must be copied before it is used, but another process has it open; "
                         "end that process (`seam show`, `seam answer`, …) and start again",
                         path);
    return ERR_OK;
}

void lock_admit(int fd)
{
    set_lock(fd, F_UNLCK, OPEN_BYTE);
}

long lock_owner(int fd)
{
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = OWNER_BYTE, .l_len = 1};
    if (fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
        return 0;
    long pid = read_note(fd).pid;
    return pid > 0 ? pid : -1;
}
