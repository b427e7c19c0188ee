/* SPDX-License-Identifier: Apache-2.0
 *
 * A root of its own: a small file system in memory that has the folders of the system's libraries,
 * a few devices, the library of the plugin, what was granted, and nothing else; no /proc. What a
 * folder's path leads to is found out before the old root is left, for links may be absolute.
 * Whatever fails before the new root is entered leaves the process where it was.
 */
#include "base/limits.h"
#include "sandbox/sandbox_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *const sandbox_libraries[] = {
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", NULL};
const char *const sandbox_network_files[] = {"/etc/hosts",
                                             "/etc/resolv.conf",
                                             "/etc/nsswitch.conf",
                                             "/etc/gai.conf",
                                             "/etc/services",
                                             "/etc/protocols",
                                             "/etc/ssl",
                                             "/etc/pki",
                                             "/etc/host.conf",
                                             "/usr/share/ca-certificates",
                                             NULL};
const char *const sandbox_devices[] = {"/dev/null", "/dev/zero", "/dev/urandom", NULL};

static const char library_place[] = "/plugin.so";

/* A path that the new root shall have. */
struct fitting {
    const char *path;
    char *source; /* its real path in the old root; NULL: it is not there   */
    char *link;   /* what it says, if it is a relative link; else NULL      */
    uint64_t attributes;
    bool granted;
};

struct fittings {
    struct fitting *list;
    size_t count;
    const char *refused; /* the first granted path that could not be given */
    int error;
};

static void add(struct fittings *all, const char *path, uint64_t attributes, bool granted)
{
    struct fitting f = {.path = path, .attributes = attributes, .granted = granted};
    char text[PATH_MAX];
    ssize_t len = granted ? -1 : readlink(path, text, sizeof(text) - 1);
    if (len > 0 && text[0] != '/')
        f.link = xstrndup(text, (size_t)len);
    else
        f.source = realpath(path, NULL);
    all->list[all->count++] = f;
}

static int by_depth(const void *a, const void *b)
{
    const struct fitting *left = a, *right = b;
    size_t l = strlen(left->path), r = strlen(right->path);
    return l < r ? -1 : l > r ? 1 : strcmp(left->path, right->path);
}

static size_t length(const char *const *list)
{
    size_t count = 0;
    while (list[count])
        count++;
    return count;
}

static void gather(const struct sandbox_plan *plan, struct fittings *all)
{
    const uint64_t library = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    *all = (struct fittings){.error = 0};
    all->list = xcalloc(length(sandbox_libraries) + length(sandbox_network_files) +
                            length(sandbox_devices) + plan->path_count,
                        sizeof(*all->list));
    for (size_t i = 0; sandbox_libraries[i]; i++)
        add(all, sandbox_libraries[i], library, false);
    for (size_t i = 0; sandbox_devices[i]; i++)
        add(all, sandbox_devices[i], MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, false);
    for (size_t i = 0; plan->net && sandbox_network_files[i]; i++)
        add(all, sandbox_network_files[i], library | MOUNT_ATTR_NOEXEC, false);
    size_t common = all->count;
    for (size_t i = 0; i < plan->path_count; i++)
        add(all, plan->paths[i].path,
            plan->paths[i].write ? MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC
                                 : library,
            true);
    /* What lies in another comes after it. */
    qsort(all->list + common, plan->path_count, sizeof(*all->list), by_depth);
}

static void fittings_done(struct fittings *all)
{
    for (size_t i = 0; i < all->count; i++) {
        free(all->list[i].source);
        free(all->list[i].link);
    }
    free(all->list);
}

/* ---- building it ---- */

static void make_parents(const char *path)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof(part))
        return;
    memcpy(part, path, len + 1);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(part, 0755);
        *slash = '/';
    }
}

static bool set_attributes(const char *path, uint64_t attributes)
{
    struct mount_attr attr = {.attr_set = attributes};
    if (syscall(SYS_mount_setattr, AT_FDCWD, path, AT_RECURSIVE, &attr, sizeof(attr)) == 0)
        return true;
    unsigned long flags = MS_BIND | MS_REMOUNT;
    flags |= attributes & MOUNT_ATTR_RDONLY ? MS_RDONLY : 0;
    flags |= attributes & MOUNT_ATTR_NOSUID ? MS_NOSUID : 0;
    flags |= attributes & MOUNT_ATTR_NODEV ? MS_NODEV : 0;
    flags |= attributes & MOUNT_ATTR_NOEXEC ? MS_NOEXEC : 0;
    return mount(NULL, path, NULL, flags, NULL) == 0;
}

static bool fit(const struct fitting *f)
{
    struct stat st;
    if (f->link) {
        make_parents(f->path);
        return symlink(f->link, f->path) == 0;
    }
    char source[PATH_MAX + 8];
    int len = snprintf(source, sizeof(source), "/old%s", f->source);
    if (len < 0 || (size_t)len >= sizeof(source) || stat(source, &st) != 0)
        return false;
    make_parents(f->path);
    if (S_ISDIR(st.st_mode)) {
        mkdir(f->path, 0755);
    } else {
        int fd = open(f->path, O_CREAT | O_RDONLY | O_CLOEXEC, 0644);
        if (fd >= 0)
            close(fd);
    }
    return mount(source, f->path, NULL, MS_BIND | MS_REC, NULL) == 0 &&
           set_attributes(f->path, f->attributes);
}

static bool fit_all(struct fittings *all)
{
    bool done = true;
    for (size_t i = 0; i < all->count; i++) {
        const struct fitting *f = &all->list[i];
        errno = ENOENT;
        if ((f->source || f->link) && fit(f))
            continue;
        if (f->granted && !all->refused) {
            all->refused = f->path;
            all->error = errno;
        } else if (f->source) {
            done = false;
        }
    }
    return done;
}

static bool copy_library(int from)
{
    struct stat st;
    int to = open(library_place, O_CREAT | O_WRONLY | O_CLOEXEC, 0500);
    bool done = to >= 0 && fstat(from, &st) == 0;
    for (off_t at = 0; done && at < st.st_size;)
        done = sendfile(to, from, &at, (size_t)(st.st_size - at)) > 0;
    if (to >= 0)
        close(to);
    return done;
}

static bool make_tmp(void)
{
    char options[48];
    snprintf(options, sizeof(options), "mode=700,size=%u", LIMIT_PLUGIN_TMP);
    return mkdir("/tmp", 0700) == 0 &&
           mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) == 0;
}

static bool finish(void)
{
    return umount2("/old", MNT_DETACH) == 0 && rmdir("/old") == 0 &&
           mount(NULL, "/", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) ==
               0;
}

/* Some folder that every system has, to put the new root on. */
static bool enter(int library)
{
    static const char *const places[] = {"/tmp", "/run", "/usr", "/var"};
    struct stat st;
    if (fstat(library, &st) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return false;
    char options[64];
    snprintf(options, sizeof(options), "mode=755,size=%lld",
             (long long)st.st_size + LIMIT_PLUGIN_ROOT);
    const char *place = NULL;
    for (size_t i = 0; !place && i < sizeof(places) / sizeof(places[0]); i++)
        if (mount("tmpfs", places[i], "tmpfs", MS_NOSUID | MS_NODEV, options) == 0)
            place = places[i];
    if (!place)
        return false;
    if (chdir(place) == 0 && mkdir("old", 0700) == 0 && syscall(SYS_pivot_root, ".", "old") == 0)
        return true;
    int saved = errno;
    if (chdir("/") == 0)
        umount2(place, MNT_DETACH);
    errno = saved;
    return false;
}

static void build(const struct sandbox_plan *plan, struct fittings *all, int library,
                  struct sandbox_report *report)
{
    bool done = copy_library(library) && (plan->pure || make_tmp()) && fit_all(all) && finish();
    if (!done)
        sandbox_report_set(report, PROTECTION_PRIVATE_ROOT, SANDBOX_MISSING,
                           "it could not be built whole: %s", strerrordesc_np(errno));
    else if (all->refused)
        sandbox_report_set(report, PROTECTION_PRIVATE_ROOT, SANDBOX_ENFORCED,
                           "%.96s was granted and could not be given: %s", all->refused,
                           strerrordesc_np(all->error));
    else
        sandbox_report_set(report, PROTECTION_PRIVATE_ROOT, SANDBOX_ENFORCED, "%s", "");
}

void root_enter(const struct sandbox_plan *plan, int library, struct sandbox_report *report,
                char ret_library[static 64])
{
    snprintf(ret_library, 64, "/proc/self/fd/%d", library);
    if (sandbox_leaves_out(plan, PROTECTION_PRIVATE_ROOT)) {
        sandbox_report_set(report, PROTECTION_PRIVATE_ROOT, SANDBOX_LEFT_OUT, "by the manifest");
        return;
    }
    if (SANDBOX_READS_PROC) {
        sandbox_report_set(report, PROTECTION_PRIVATE_ROOT, SANDBOX_MISSING,
                           "a build that is sanitized for threads needs /proc");
        return;
    }
    if (unshare(CLONE_NEWNS) != 0) {
        sandbox_report_set(report, PROTECTION_PRIVATE_ROOT, SANDBOX_MISSING, "%s",
                           sandbox_reason(errno));
        return;
    }
    struct fittings all;
    gather(plan, &all);
    if (!enter(library)) {
        sandbox_report_set(report, PROTECTION_PRIVATE_ROOT, SANDBOX_MISSING, "%s",
                           sandbox_reason(errno));
    } else {
        snprintf(ret_library, 64, "%s", library_place);
        build(plan, &all, library, report);
    }
    fittings_done(&all);
}
