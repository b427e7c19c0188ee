/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a journal lies: its real path, its folders, whether the file system can keep SQLite's
 * promises, and which file it is. Locks and shared memory are not to be trusted over a network, so
 * those file systems are refused by name. FUSE stays allowed: what is behind it cannot be told by
 * its number, and containers live on it.
 *
 * Nothing here may open the journal's own file: closing a descriptor drops every POSIX lock that
 * the process holds on it, SQLite's included.
 */
#include "journal/journal_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

void fd_closep(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

bool place_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static enum error_code make_folder(const char *folder, struct error *reterr)
{
    if (mkdir(folder, 0700) == 0) {
        AUTO(freep) char *copy = xstrdup(folder);
        return place_sync_folder(dirname(copy), reterr);
    }
    if (errno == EEXIST)
        return ERR_OK;
    return error_set_errno(reterr, errno, "%s: cannot make this folder for the journal", folder);
}

static enum error_code make_folders_of(const char *path, struct error *reterr)
{
    AUTO(freep) char *work = xstrdup(path);
    for (char *slash = strchr(work + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        enum error_code code = place_exists(work) ? ERR_OK : make_folder(work, reterr);
        if (code)
            return code;
        *slash = '/';
    }
    return ERR_OK;
}

enum error_code place_resolve(const char *path, bool make_folders, char **ret_path,
                              struct error *reterr)
{
    if (path[0] == '\0' || path[strlen(path) - 1] == '/')
        return error_set(reterr, ERR_INPUT,
                         "the journal \"%s\": expected the path of a file, as .seam/journal.db",
                         path);
    enum error_code code = make_folders ? make_folders_of(path, reterr) : ERR_OK;
    if (code)
        return code;
    char *real = realpath(path, NULL);
    if (real) {
        *ret_path = real;
        return ERR_OK;
    }
    if (errno != ENOENT && errno != ENOTDIR)
        return error_set_errno(reterr, errno, "%s: cannot find the journal", path);
    if (!make_folders)
        return error_set(reterr, ERR_NOT_FOUND,
                         "%s: there is no journal here; the first run makes one, or name "
                         "another with --store",
                         path);
    AUTO(freep) char *first = xstrdup(path), *second = xstrdup(path);
    AUTO(freep) char *folder = realpath(dirname(first), NULL);
    if (!folder)
        return error_set_errno(reterr, errno, "%s: cannot find the journal's folder", path);
    *ret_path = xasprintf("%s/%s", strcmp(folder, "/") == 0 ? "" : folder, basename(second));
    return ERR_OK;
}

const char *place_network_name(unsigned long magic)
{
    static const struct {
        unsigned long magic;
        const char *name;
    } refused[] = {
        {0x6969, "NFS"},          {0x517B, "SMB"},        {0xFF534D42, "CIFS"},
        {0xFE534D42, "SMB2"},     {0x01021997, "9P"},     {0x00C36400, "Ceph"},
        {0x5346414F, "AFS"},      {0x6B414653, "AFS"},    {0x73757245, "Coda"},
        {0x564C, "NCP"},          {0x0BD00BD0, "Lustre"}, {0x47504653, "GPFS"},
        {0x19830326, "BeeGFS"},   {0xAAD7AAEA, "PanFS"},  {0x013111A8, "IBRIX"},
        {0x20030528, "OrangeFS"}, {0x01161970, "GFS2"},   {0x7461636F, "OCFS2"},
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (refused[i].magic == magic)
            return refused[i].name;
    return NULL;
}

/* The path is resolved: its folder exists. */
static char *folder_of(const char *path)
{
    char *copy = xstrdup(path);
    char *slash = strrchr(copy, '/');
    slash[slash == copy ? 1 : 0] = '\0';
    return copy;
}

enum error_code place_check(const char *path, struct error *reterr)
{
    AUTO(freep) char *folder = folder_of(path);
    struct statfs system;
    if (statfs(folder, &system) != 0)
        return error_set_errno(reterr, errno, "%s: cannot look at the journal's file system",
                               folder);
    const char *name = place_network_name((unsigned long)system.f_type & 0xFFFFFFFF);
    if (name)
        return error_set(reterr, ERR_UNSUPPORTED,
                         "%s: the journal is on a network file system (%s), whose locks and "
                         "syncs it cannot rely on; put it on a local disk",
                         path, name);
    struct stat file;
    if (stat(path, &file) != 0)
        return ERR_OK;
    if (!S_ISREG(file.st_mode))
        return error_set(reterr, ERR_INPUT,
                         "%s: expected a journal, found something that is not a file", path);
    if (file.st_nlink > 1)
        return error_set(reterr, ERR_CONFLICT,
                         "%s: the journal has %lu names (hard links), and each would have a lock "
                         "and a WAL of its own; remove all but one",
                         path, (unsigned long)file.st_nlink);
    return ERR_OK;
}

static enum error_code sync_path(const char *path, int flags, struct error *reterr)
{
    AUTO(fd_closep) int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return error_set_errno(reterr, errno, "cannot sync %s", path);
    return ERR_OK;
}

enum error_code place_sync_file(const char *path, struct error *reterr)
{
    return sync_path(path, O_RDWR, reterr);
}

enum error_code place_sync_folder(const char *path, struct error *reterr)
{
    struct stat is;
    if (stat(path, &is) == 0 && S_ISDIR(is.st_mode))
        return sync_path(path, O_RDONLY | O_DIRECTORY, reterr);
    AUTO(freep) char *folder = folder_of(path);
    enum error_code code = sync_path(folder, O_RDONLY | O_DIRECTORY, reterr);
    if (code)
        error_prefix(reterr, "%s: ", path);
    return code;
}

enum error_code place_identity(const char *path, struct identity *ret_identity,
                               struct error *reterr)
{
    struct statx file;
    if (statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &file) != 0) {
        if (errno == ENOENT)
            return error_set(reterr, ERR_NOT_FOUND, "%s: the journal is not there any more", path);
        return error_set_errno(reterr, errno, "%s: cannot look at the journal", path);
    }
    *ret_identity = (struct identity){.inode = file.stx_ino};
    if (file.stx_mask & STATX_BTIME)
        ret_identity->born_ns = file.stx_btime.tv_sec * 1000000000 + file.stx_btime.tv_nsec;
    return ERR_OK;
}

bool identity_same(const struct identity *a, const struct identity *b)
{
    bool both_born = a->born_ns != 0 && b->born_ns != 0;
    return a->inode == b->inode && (!both_born || a->born_ns == b->born_ns);
}
