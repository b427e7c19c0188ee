/* SPDX-License-Identifier: Apache-2.0
 *
 * Where this host may make groups of control. Of version 2: below its own group if that was
 * delegated to it, which is so at the root of what it sees (a container, a bare machine), in a
 * group that its user owns, or where systemd has marked it. A group that hands controllers on holds
 * no process itself: a host that is alone in its group moves into a leaf of it first, for good, and
 * one that is not alone leaves everything as it is. Of version 1: below its own groups of memory
 * and of processes, each in its hierarchy; there the move of a worker waits for all processors (11
 * ms).
 *
 * What other hosts left behind when they were killed is removed when the first group is made: a
 * group in which a process lives cannot be removed.
 */
#include "sandbox/groups_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { LINE = 4096 };

static const char leaf[] = "seam-host";

static struct groups here;

bool group_write(const char *folder, const char *file, const char *value)
{
    AUTO(freep) char *path = xasprintf("%s/%s", folder, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t written = write(fd, value, strlen(value));
    int saved = errno;
    close(fd);
    errno = saved;
    return written == (ssize_t)strlen(value);
}

bool group_has_word(const char *folder, const char *file, const char *word)
{
    AUTO(freep) char *path = xasprintf("%s/%s", folder, file);
    char line[LINE];
    bool found = false;
    FILE *in = fopen(path, "re");
    while (in && !found && fgets(line, sizeof(line), in))
        for (char *rest = line, *one; !found && (one = strtok_r(rest, " ,:\n", &rest));)
            found = strcmp(one, word) == 0;
    if (in)
        fclose(in);
    return found;
}

static bool is_of(const char *path, long magic)
{
    struct statfs fs;
    return statfs(path, &fs) == 0 && (long)fs.f_type == magic;
}

/* The folder of this process's group; controller "" is version 2. NULL: it cannot be seen. */
static char *own_group(const char *mount, const char *controller)
{
    char line[LINE];
    char *found = NULL;
    FILE *in = fopen("/proc/self/cgroup", "re");
    while (in && !found && fgets(line, sizeof(line), in)) {
        char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        path[strcspn(path, "\n")] = '\0';
        bool it = controller[0] == '\0' && names[1] == '\0';
        for (char *rest = names + 1, *one; controller[0] && !it && (one = strsep(&rest, ","));)
            it = strcmp(one, controller) == 0;
        if (it && strncmp(path, "/..", 3) != 0)
            found = xasprintf("%s%s", mount, strcmp(path, "/") == 0 ? "" : path);
    }
    if (in)
        fclose(in);
    return found;
}

static void say(const char *note)
{
    snprintf(here.note, sizeof(here.note), "%s", note);
}

/* ---- version 2 ---- */

static bool is_delegated(const char *folder, const char *mount)
{
    struct stat own;
    char mark[2];
    return strcmp(folder, mount) == 0 ||
           (geteuid() != 0 && stat(folder, &own) == 0 && own.st_uid == geteuid()) ||
           getxattr(folder, "user.delegate", mark, sizeof(mark)) == 1 ||
           getxattr(folder, "trusted.delegate", mark, sizeof(mark)) == 1;
}

static bool is_alone(const char *folder)
{
    AUTO(freep) char *path = xasprintf("%s/cgroup.procs", folder);
    FILE *in = fopen(path, "re");
    long pid = 0;
    size_t count = 0;
    bool alone = in != NULL;
    while (in && fscanf(in, "%ld", &pid) == 1) {
        alone = alone && pid == (long)getpid();
        count++;
    }
    if (in)
        fclose(in);
    return alone && count == 1;
}

static bool hand_on(const char *folder)
{
    if (group_has_word(folder, "cgroup.controllers", "pids"))
        (void)group_write(folder, "cgroup.subtree_control", "+pids");
    return group_write(folder, "cgroup.subtree_control", "+memory");
}

static bool move_into_leaf(const char *folder)
{
    AUTO(freep) char *own = xasprintf("%s/%s", folder, leaf);
    if (!is_alone(folder) || (mkdir(own, 0755) != 0 && errno != EEXIST))
        return false;
    if (group_write(own, "cgroup.procs", "0") && hand_on(folder))
        return true;
    (void)group_write(folder, "cgroup.procs", "0");
    rmdir(own);
    return false;
}

static bool find_version_2(void)
{
    static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    const char *mount = is_of(mounts[0], CGROUP2_SUPER_MAGIC) ? mounts[0] : mounts[1];
    AUTO(freep) char *folder = is_of(mount, CGROUP2_SUPER_MAGIC) ? own_group(mount, "") : NULL;
    char *last = folder ? strrchr(folder, '/') : NULL;
    if (last && strcmp(last + 1, leaf) == 0)
        *last = '\0';
    if (!folder || !group_has_word(folder, "cgroup.controllers", "memory")) {
        say("the host's group has no controller of memory");
        return false;
    }
    if (!is_delegated(folder, mount) || access(folder, W_OK) != 0) {
        say("the host's group is not delegated to it (systemd: Delegate=memory pids)");
        return false;
    }
    if (!group_has_word(folder, "cgroup.subtree_control", "memory") && !hand_on(folder) &&
        !move_into_leaf(folder)) {
        say("other processes are in the host's group, so that it cannot be divided");
        return false;
    }
    here.version = 2;
    here.memory = TAKE(folder);
    here.pids =
        group_has_word(here.memory, "cgroup.subtree_control", "pids") ? xstrdup(here.memory) : NULL;
    return true;
}

/* ---- version 1 ---- */

static char *find_hierarchy(const char *controller)
{
    AUTO(freep) char *mount = xasprintf("/sys/fs/cgroup/%s", controller);
    if (!is_of(mount, CGROUP_SUPER_MAGIC))
        return NULL;
    char *folder = own_group(mount, controller);
    /* In a container without a namespace of groups its own is mounted in the root's place. */
    if (folder && access(folder, F_OK) != 0) {
        free(folder);
        folder = xstrdup(mount);
    }
    if (folder && access(folder, W_OK) == 0)
        return folder;
    free(folder);
    return NULL;
}

static void find_version_1(void)
{
    here.memory = find_hierarchy("memory");
    here.pids = here.memory ? find_hierarchy("pids") : NULL;
    here.version = here.memory ? 1 : 0;
    if (!here.memory && is_of("/sys/fs/cgroup/memory", CGROUP_SUPER_MAGIC))
        say("the host may not write its groups, which are of version 1");
}

/* ---- all ---- */

static void sweep(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *one;
    while (dir && (one = readdir(dir)) != NULL) {
        long pid;
        unsigned long number;
        char rest;
        AUTO(freep) char *path = xasprintf("%s/%s", folder, one->d_name);
        if (sscanf(one->d_name, GROUP_NAME "%c", &pid, &number, &rest) == 2 && pid > 0 &&
            kill((pid_t)pid, 0) != 0 && errno == ESRCH)
            rmdir(path);
    }
    if (dir)
        closedir(dir);
}

static void find(void)
{
    if (!find_version_2())
        find_version_1();
}

static void sweep_all(void)
{
    sweep(here.memory);
    if (here.pids && strcmp(here.pids, here.memory) != 0)
        sweep(here.pids);
}

const struct groups *groups_here(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find);
    return &here;
}

void groups_sweep(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, sweep_all);
}
