/* SPDX-License-Identifier: Apache-2.0
 *
 * Which file may run as a plugin. It and every folder above it, by the path that was given and by
 * the one it really has, belong to root or to the user that runs the host, and nobody else may
 * write to them. A folder that others may write to is accepted only with the sticky bit (/tmp):
 * there nobody can replace what is not his. Symbolic links are followed, for operators switch
 * versions by them, but what they lead to is looked at the same way; the last step is opened
 * without following.
 */
#include "base/limits.h"
#include "loader/card.h"
#include "loader/library_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_SIZE = 1 << 20 };

static void closep(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static enum error_code check_owner(const char *path, const struct stat *st, struct error *reterr)
{
    const char *kind = S_ISDIR(st->st_mode) ? "folder " : "";
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return error_set(reterr, ERR_DENIED,
                         "%s%s belongs to user %u; a plugin and the folders above it must belong "
                         "to root or to user %u, who runs this (cure: chown root '%s')",
                         kind, path, (unsigned)st->st_uid, (unsigned)geteuid(), path);
    bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX);
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) && !sticky)
        return error_set(reterr, ERR_DENIED,
                         "%s%s has mode %04o: others than its owner may write to it, so anyone of "
                         "them could run code here (cure: chmod go-w '%s')",
                         kind, path, (unsigned)(st->st_mode & 07777), path);
    return ERR_OK;
}

/* Every folder above an absolute path. */
static enum error_code check_parents(const char *path, struct error *reterr)
{
    AUTO(freep) char *folder = xstrdup(path);
    for (char *slash; (slash = strrchr(folder, '/'));) {
        *slash = '\0';
        const char *name = slash == folder ? "/" : folder;
        struct stat st;
        if (stat(name, &st) != 0)
            return error_set_errno(reterr, errno, "cannot look at folder %s", name);
        enum error_code code = check_owner(name, &st, reterr);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

static enum error_code check_path(const char *path, char **ret_real, struct error *reterr)
{
    AUTO(freep) char *real = realpath(path, NULL);
    if (!real)
        return errno == ENOENT ? error_set(reterr, ERR_NOT_FOUND, "there is no file %s", path)
                               : error_set_errno(reterr, errno, "cannot find %s", path);
    enum error_code code = check_parents(real, reterr);
    if (code == ERR_OK && path[0] == '/')
        code = check_parents(path, reterr);
    if (code == ERR_OK)
        *ret_real = TAKE(real);
    return code;
}

static enum error_code open_trusted(const char *path, int *ret_fd, size_t *ret_size,
                                    struct error *reterr)
{
    AUTO(freep) char *real = NULL;
    enum error_code code = check_path(path, &real, reterr);
    if (code != ERR_OK)
        return code;
    AUTO(closep) int fd = open(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return error_set_errno(reterr, errno, "cannot open %s", real);
    if (!S_ISREG(st.st_mode))
        return error_set(reterr, ERR_INPUT, "%s is not a file but a %s", path,
                         S_ISDIR(st.st_mode) ? "folder" : "device or pipe");
    code = check_owner(real, &st, reterr);
    if (code != ERR_OK)
        return code;
    if (st.st_size > LIMIT_LIBRARY)
        return error_set(reterr, ERR_LIMIT, "%s has %lld bytes; the limit of a plugin is %u", path,
                         (long long)st.st_size, LIMIT_LIBRARY);
    *ret_size = (size_t)st.st_size;
    *ret_fd = fd;
    fd = -1;
    return ERR_OK;
}

/* Copies at most limit bytes; the file may grow or shrink meanwhile. */
static enum error_code copy(int from, int to, size_t *ret_size, const char *path,
                            struct error *reterr)
{
    AUTO(freep) char *bytes = xmalloc(COPY_SIZE);
    size_t size = 0;
    for (ssize_t got; (got = read(from, bytes, COPY_SIZE)) != 0;) {
        if (got < 0)
            return error_set_errno(reterr, errno, "cannot read %s", path);
        size += (size_t)got;
        if (size > LIMIT_LIBRARY)
            return error_set(reterr, ERR_LIMIT, "%s has more than %u bytes", path, LIMIT_LIBRARY);
        for (ssize_t done = 0; done < got;) {
            ssize_t written = write(to, bytes + done, (size_t)(got - done));
            if (written < 0)
                return error_set_errno(reterr, errno, "cannot copy %s to memory", path);
            done += written;
        }
    }
    *ret_size = size;
    return ERR_OK;
}

enum error_code library_open(const char *path, struct library *ret_library, struct error *reterr)
{
    AUTO(closep) int file = -1;
    size_t size = 0;
    enum error_code code = open_trusted(path, &file, &size, reterr);
    if (code != ERR_OK)
        return code;
    const char *name = strrchr(path, '/');
    AUTO(closep) int fd = memfd_create(name ? name + 1 : path, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return error_set_errno(reterr, errno, "cannot make a copy of %s in memory", path);
    code = copy(file, fd, &size, path, reterr);
    if (code != ERR_OK)
        return code;
    if (size == 0)
        return error_set(reterr, ERR_INPUT, "%s is empty", path);
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
        return error_set_errno(reterr, errno, "cannot seal the copy of %s", path);
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return error_set_errno(reterr, errno, "cannot map the copy of %s", path);
    *ret_library = (struct library){.fd = fd, .bytes = {bytes, size}};
    ret_library->digest = digest_of(ret_library->bytes);
    fd = -1;
    return ERR_OK;
}

static enum error_code open_again(const struct card *card, struct library *library,
                                  struct error *reterr)
{
    enum error_code code = library_open(card->path, library, reterr);
    if (code != ERR_OK || digest_equal(&library->digest, &card->library))
        return code;
    return error_set(reterr, ERR_CONFLICT,
                     "%s is not the file any more whose card was read (cure: try again)",
                     card->path);
}

enum error_code library_hash(const struct card *card, unsigned char ret_hash[static 64],
                             struct error *reterr)
{
    AUTO(library_done) struct library library = {.fd = -1};
    enum error_code code = open_again(card, &library, reterr);
    if (code != ERR_OK)
        return code;
    crypto_generichash(ret_hash, 64, (const unsigned char *)library.bytes.ptr, library.bytes.len,
                       NULL, 0);
    return ERR_OK;
}

enum error_code library_copy(const struct card *card, const char *path, struct error *reterr)
{
    AUTO(library_done) struct library library = {.fd = -1};
    enum error_code code = open_again(card, &library, reterr);
    if (code != ERR_OK)
        return code;
    AUTO(closep)
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
    if (fd < 0)
        return error_set_errno(reterr, errno, "cannot write %s", path);
    for (size_t done = 0; done < library.bytes.len;) {
        ssize_t written = write(fd, library.bytes.ptr + done, library.bytes.len - done);
        if (written < 0)
            return error_set_errno(reterr, errno, "cannot write %s", path);
        done += (size_t)written;
    }
    return fsync(fd) == 0 ? ERR_OK : error_set_errno(reterr, errno, "cannot sync %s", path);
}

void library_done(struct library *library)
{
    if (!library->bytes.ptr)
        return;
    munmap((void *)(uintptr_t)library->bytes.ptr, library->bytes.len);
    close(library->fd);
    *library = (struct library){.fd = -1};
}
