/* SPDX-License-Identifier: Apache-2.0
 *
 * The files in which an operator's decisions stand: read only if nobody else could have written
 * them, and written to a file of another name, synced and moved over the old one, so that whoever
 * reads one meanwhile reads the old or the new.
 */
#include "base/limits.h"
#include "trust/trust_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum error_code check(const char *path, const char *what, const struct stat *is,
                             struct error *reterr)
{
    if (!S_ISREG(is->st_mode))
        return error_set(reterr, ERR_DENIED, "the %s %s is no regular file", what, path);
    if (is->st_uid != 0 && is->st_uid != geteuid())
        return error_set(reterr, ERR_DENIED,
                         "the %s %s belongs to user %u; who wrote it decides what runs here "
                         "(cure: chown root '%s')",
                         what, path, (unsigned)is->st_uid, path);
    if (is->st_mode & (S_IWGRP | S_IWOTH))
        return error_set(reterr, ERR_DENIED,
                         "the %s %s has mode %04o: others than its owner may write to it, and so "
                         "approve what they like (cure: chmod go-w '%s')",
                         what, path, (unsigned)(is->st_mode & 07777), path);
    if (is->st_size > LIMIT_FILE)
        return error_set(reterr, ERR_LIMIT, "the %s %s has %lld bytes; the limit is %u", what, path,
                         (long long)is->st_size, LIMIT_FILE);
    return ERR_OK;
}

/* What was looked at is what is read. */
enum error_code notes_read(const char *path, const char *what, struct text *out, bool *ret_absent,
                           struct error *reterr)
{
    struct stat is;
    char bytes[4096];
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    *ret_absent = fd < 0 && errno == ENOENT;
    if (*ret_absent)
        return ERR_OK;
    if (fd < 0 || fstat(fd, &is) != 0) {
        enum error_code code = error_set_errno(reterr, errno, "cannot open the %s %s", what, path);
        if (fd >= 0)
            close(fd);
        return code;
    }
    enum error_code code = check(path, what, &is, reterr);
    for (ssize_t got = 1; code == ERR_OK && got > 0;) {
        got = read(fd, bytes, sizeof(bytes));
        if (got < 0)
            code = error_set_errno(reterr, errno, "cannot read the %s %s", what, path);
        else if (!text_add(out, bytes, (size_t)got))
            code = error_set(reterr, ERR_LIMIT, "the %s %s is too large", what, path);
    }
    close(fd);
    return code;
}

static enum error_code write_all(int fd, const char *path, struct slice text, struct error *reterr)
{
    for (size_t done = 0; done < text.len;) {
        ssize_t written = write(fd, text.ptr + done, text.len - done);
        if (written < 0)
            return error_set_errno(reterr, errno, "cannot write %s", path);
        done += (size_t)written;
    }
    return fsync(fd) == 0 ? ERR_OK : error_set_errno(reterr, errno, "cannot sync %s", path);
}

enum error_code notes_write(const char *path, struct slice text, unsigned mode,
                            struct error *reterr)
{
    const char *slash = strrchr(path, '/');
    AUTO(freep)
    char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
    AUTO(freep) char *beside = xasprintf("%s.%ld.new", path, (long)getpid());
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode);
    if (fd < 0)
        return error_set_errno(reterr, errno, "cannot write %s", beside);
    enum error_code code = write_all(fd, beside, text, reterr);
    close(fd);
    if (code == ERR_OK && rename(beside, path) != 0)
        code = error_set_errno(reterr, errno, "cannot put a file at %s", path);
    if (code != ERR_OK) {
        unlink(beside);
        return code;
    }
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at < 0 || fsync(at) != 0)
        code = error_set_errno(reterr, errno, "cannot sync the folder %s", folder);
    if (at >= 0)
        close(at);
    return code;
}
