/* SPDX-License-Identifier: Apache-2.0
 *
 * Ways to files that were not granted. Its own state folder is, and so serves as a place to try
 * from.
 */
#include "escape.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *mine(const char *name)
{
    static char path[PATH_MAX];
    const char *state = getenv("SEAM_STATE");
    snprintf(path, sizeof(path), "%s/%s", state ? state : targets.folder, name);
    return path;
}

static int read_it(const char *path)
{
    return opened(open(path, O_RDONLY | O_CLOEXEC));
}

static int shadow(void)
{
    return read_it("/etc/shadow");
}
static int passwd(void)
{
    return read_it("/etc/passwd");
}
static int secret(void)
{
    return read_it(outside("secret"));
}
static int journal(void)
{
    return opened(open(outside("journal.db"), O_RDWR | O_CLOEXEC));
}
static int manifest(void)
{
    return opened(open(outside("seam.yaml"), O_WRONLY | O_CLOEXEC));
}
static int neighbour(void)
{
    return read_it(outside(".seam/state/other/note"));
}
static int environment(void)
{
    return read_it("/proc/self/environ");
}
static int maps(void)
{
    return read_it("/proc/self/maps");
}

static int of_process(const char *format)
{
    char path[64];
    snprintf(path, sizeof(path), format, (int)somebody());
    return read_it(path);
}

static int other_memory(void)
{
    return of_process("/proc/%d/mem");
}
static int other_environment(void)
{
    return of_process("/proc/%d/environ");
}

static int other_root(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "/proc/%d/root%s", (int)somebody(), outside("secret"));
    return read_it(path);
}

static int own_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return errno;
    closedir(folder);
    return 0;
}

static int home(void)
{
    DIR *folder = opendir("/root");
    if (!folder)
        folder = opendir("/home");
    if (!folder)
        return errno;
    closedir(folder);
    return 0;
}

static int dots(void)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof(path), "%s/../../../secret", mine("."));
    return read_it(path);
}

static int through_a_link(void)
{
    char link[PATH_MAX];
    snprintf(link, sizeof(link), "%s", mine("link"));
    unlink(link);
    if (symlink(outside("secret"), link) != 0)
        return errno;
    int error = read_it(link);
    unlink(link);
    return error;
}

static int hard_link(void)
{
    char link[PATH_MAX];
    snprintf(link, sizeof(link), "%s", mine("hard"));
    int error = result(linkat(AT_FDCWD, outside("secret"), AT_FDCWD, link, 0));
    unlink(link);
    return error;
}

static int create_outside(void)
{
    return opened(open(outside("made"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

static int truncate_secret(void)
{
    return result(truncate(outside("secret"), 7));
}
static int delete_secret(void)
{
    return result(unlink(outside("victim")));
}
static int rename_secret(void)
{
    char from[PATH_MAX];
    snprintf(from, sizeof(from), "%s", outside("secret"));
    return result(rename(from, from));
}
static int change_mode(void)
{
    return result(chmod(outside("secret"), 0600));
}
/* A file that runs as its owner, in a folder that others see as well: whoever runs it outside would
 * be whom the host runs as. */
static int runs_as_owner(int fd, const char *path)
{
    struct stat seen;
    if (fd < 0)
        return errno;
    bool there = fstat(fd, &seen) == 0 && (seen.st_mode & (S_ISUID | S_ISGID)) != 0;
    close(fd);
    unlink(path);
    return there ? 0 : EPERM;
}
static int made_set_id(void)
{
    return runs_as_owner(open("/tmp/made-set-id", O_CREAT | O_RDWR, 06700), "/tmp/made-set-id");
}
static int changed_to_set_id(void)
{
    int fd = open("/tmp/set-id", O_CREAT | O_RDWR, 0700);
    if (fd >= 0 && fchmod(fd, 04755) != 0)
        (void)chmod("/tmp/set-id", 02755);
    return runs_as_owner(fd, "/tmp/set-id");
}
static int change_owner(void)
{
    return result(chown(outside("secret"), geteuid(), getegid()));
}
static int change_times(void)
{
    return result(utimensat(AT_FDCWD, outside("secret"), NULL, 0));
}
static int set_attribute(void)
{
    return result(setxattr(outside("secret"), "user.seam", "x", 1, 0));
}
static int watch(void)
{
    int fd = inotify_init1(IN_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = result(inotify_add_watch(fd, targets.folder, IN_ALL_EVENTS));
    close(fd);
    return error;
}

static int mount_something(void)
{
    mkdir(mine("mount"), 0700);
    int error = result(mount("tmpfs", mine("mount"), "tmpfs", 0, ""));
    if (error == 0)
        umount(mine("mount"));
    rmdir(mine("mount"));
    return error;
}

static int new_mount_api(void)
{
    return opened(syscall(SYS_fsopen, "tmpfs", 1));
}
static int clone_a_tree(void)
{
    return opened(syscall(SYS_open_tree, AT_FDCWD, "/", 1 | O_CLOEXEC));
}
static int change_root(void)
{
    return result(chroot("/"));
}
static int pivot(void)
{
    return reached(syscall(SYS_pivot_root, "/nowhere", "/nowhere"));
}
static int by_handle(void)
{
    struct file_handle handle = {.handle_bytes = 0};
    int error = result(open_by_handle_at(AT_FDCWD, &handle, O_RDONLY));
    return error == EINVAL || error == EPERM ? error == EPERM ? EPERM : 0 : error;
}
static int new_device(void)
{
    int error = result(mknod(mine("device"), S_IFCHR | 0600, (1 << 8) | 1));
    unlink(mine("device"));
    return error;
}
static int disk(void)
{
    static const char *const disks[] = {"/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/mem"};
    for (size_t i = 0; i < sizeof(disks) / sizeof(disks[0]); i++)
        if (read_it(disks[i]) == 0)
            return 0;
    return errno;
}
static int program_of_its_own(void)
{
    int fd = open(mine("program"), O_CREAT | O_WRONLY | O_CLOEXEC, 0700);
    if (fd < 0)
        return errno;
    close(fd);
    int error = result(syscall(SYS_execve, mine("program"), NULL, NULL));
    unlink(mine("program"));
    return error == ENOEXEC ? 0 : error;
}

const struct attempt file_attempts[] = {
    {"files", "read /etc/shadow", shadow},
    {"files", "read /etc/passwd", passwd},
    {"files", "read a file of the operator", secret},
    {"files", "open the journal", journal},
    {"files", "write the manifest", manifest},
    {"files", "list a home", home},
    {"files", "go up by ..", dots},
    {"files", "go out by a symbolic link", through_a_link},
    {"files", "link a file into its folder", hard_link},
    {"files", "create a file", create_outside},
    {"files", "truncate a file", truncate_secret},
    {"files", "delete a file", delete_secret},
    {"files", "rename a file", rename_secret},
    {"files", "change a file's mode", change_mode},
    {"files", "make a file that runs as its owner", made_set_id},
    {"files", "have a file run as its owner", changed_to_set_id},
    {"files", "change a file's owner", change_owner},
    {"files", "change a file's times", change_times},
    {"files", "set an attribute", set_attribute},
    {"files", "watch a folder", watch},
    {"files", "mount", mount_something},
    {"files", "mount by descriptors", new_mount_api},
    {"files", "copy the tree of mounts", clone_a_tree},
    {"files", "change its root", change_root},
    {"files", "exchange its root", pivot},
    {"files", "open by handle", by_handle},
    {"files", "make a device", new_device},
    {"files", "read a disk or memory device", disk},
    {"files", "run a file that it wrote", program_of_its_own},
    {"files", "read its environment in /proc", environment},
    {"files", "read its map in /proc", maps},
    {"files", "list its descriptors in /proc", own_descriptors},
    {"others", "read the state of another plugin", neighbour},
    {"others", "read the memory of a process in /proc", other_memory},
    {"others", "read the environment of a process", other_environment},
    {"others", "go through the root of a process", other_root},
    {0},
};
