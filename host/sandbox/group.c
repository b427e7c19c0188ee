/* SPDX-License-Identifier: Apache-2.0
 *
 * The group of one worker: it bounds the memory and the processes of all that is in it together,
 * where limits of resources bound each process by itself. It is made with its bounds before the
 * worker is born, and removed when that was reaped. A worker that takes too much is killed with all
 * that it started, in version 2; in version 1 the kernel picks one of them.
 *
 * One that cannot be removed yet, because something in it is still dying, is tried again when the
 * next one comes or goes, and by the next host.
 */
#include "base/limits.h"
#include "sandbox/groups_internal.h"
#include "sandbox/sandbox_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEFT = 64 };
#define PROCESSES "512"
static_assert(LIMIT_THREADS + LIMIT_PLUGIN_PROCESSES == 512, "as it is written and told");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *left[LEFT]; /* guarded by lock: folders that could not be removed */

static void set_birth(struct group_birth *birth, enum sandbox_state state, const char *note)
{
    birth->state = state;
    snprintf(birth->note, sizeof(birth->note), "%s", note);
}

/* ---- made ---- */

static char *make_folder(const char *parent, unsigned long number)
{
    AUTO(freep)
    char *name = xasprintf(GROUP_NAME, (long)getpid(), number);
    AUTO(freep) char *folder = xasprintf("%s/%s", parent, name);
    return mkdir(folder, 0755) == 0 ? TAKE(folder) : NULL;
}

static int door(const char *folder)
{
    AUTO(freep) char *path = folder ? xasprintf("%s/cgroup.procs", folder) : NULL;
    return path ? open(path, O_WRONLY | O_CLOEXEC) : -1;
}

/* What is swapped out was taken all the same; a kernel that does not count it has no such file. */
static bool bound_memory(const struct sandbox_group *g, int version)
{
    char most[32];
    snprintf(most, sizeof(most), "%" PRId64, g->most_bytes);
    if (version == 1) {
        bool bound = group_write(g->memory, "memory.limit_in_bytes", most);
        (void)group_write(g->memory, "memory.memsw.limit_in_bytes", most);
        return bound;
    }
    (void)group_write(g->memory, "memory.swap.max", "0");
    (void)group_write(g->memory, "memory.oom.group", "1");
    return group_write(g->memory, "memory.max", most);
}

static bool bound_processes(const struct sandbox_group *g)
{
    return g->pids && group_write(g->pids, "pids.max", PROCESSES);
}

static bool open_ways(struct sandbox_group *g, int version)
{
    if (version == 2) {
        g->folder = open(g->memory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return g->folder >= 0;
    }
    g->doors[0] = door(g->memory);
    g->doors[1] = door(g->pids);
    return g->doors[0] >= 0 && (!g->pids || g->doors[1] >= 0);
}

static struct sandbox_group *make(const struct sandbox_plan *plan, const struct groups *at,
                                  struct group_birth *birth)
{
    static atomic_ulong numbers;
    unsigned long number = atomic_fetch_add(&numbers, 1) + 1;
    struct sandbox_group *g = xcalloc(1, sizeof(*g));
    *g = (struct sandbox_group){.folder = -1, .doors = {-1, -1}};
    g->most_bytes = plan->memory_bytes + LIMIT_PLUGIN_KERNEL;
    g->memory = make_folder(at->memory, number);
    int error = errno;
    if (g->memory && at->version == 2)
        g->pids = at->pids ? xstrdup(g->memory) : NULL;
    else if (g->memory && at->pids)
        g->pids = make_folder(at->pids, number);
    bool bound = g->memory && (SANDBOX_SANITIZED || bound_memory(g, at->version));
    if (!bound || !open_ways(g, at->version)) {
        set_birth(birth, SANDBOX_MISSING, sandbox_reason(g->memory ? errno : error));
        sandbox_group_free(g);
        return NULL;
    }
    bool counted = bound_processes(g);
    snprintf(birth->note, sizeof(birth->note),
             "%" PRId64 " MB of memory and %s, together (version %d)", plan->memory_bytes >> 20,
             counted ? PROCESSES " processes and threads" : "any number of processes", at->version);
    birth->state = counted ? SANDBOX_ENFORCED : SANDBOX_WEAKER;
    if (SANDBOX_SANITIZED)
        set_birth(birth, SANDBOX_WEAKER, "a sanitized build has no bound of memory");
    return g;
}

static void remove_left(void)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < LEFT; i++)
        if (left[i] && (rmdir(left[i]) == 0 || errno == ENOENT)) {
            free(left[i]);
            left[i] = NULL;
        }
    pthread_mutex_unlock(&lock);
}

struct sandbox_group *group_make(const struct sandbox_plan *plan, struct group_birth *ret_birth)
{
    *ret_birth = (struct group_birth){.state = SANDBOX_LEFT_OUT};
    if (sandbox_leaves_out(plan, PROTECTION_CGROUP))
        return NULL;
    const struct groups *at = groups_here();
    bool required = (plan->required & (1u << PROTECTION_CGROUP)) != 0;
    if (at->version == 0) {
        set_birth(ret_birth, SANDBOX_MISSING, at->note);
        return NULL;
    }
    if (at->version == 1 && !required) {
        set_birth(ret_birth, SANDBOX_NEEDLESS,
                  "rlimits bound it; of version 1 it delays each start, so it is asked for by name "
                  "(sandbox.require)");
        return NULL;
    }
    groups_sweep();
    remove_left();
    return make(plan, at, ret_birth);
}

/* ---- the end ---- */

bool sandbox_group_starved(const struct sandbox_group *group)
{
    if (!group || SANDBOX_SANITIZED)
        return false;
    const char *file = group->folder >= 0 ? "memory.events" : "memory.oom_control";
    AUTO(freep) char *path = xasprintf("%s/%s", group->memory, file);
    char word[64];
    long long count, killed = 0;
    FILE *in = fopen(path, "re");
    while (in && fscanf(in, "%63s %lld", word, &count) == 2)
        if (strcmp(word, "oom_kill") == 0)
            killed = count;
    if (in)
        fclose(in);
    return killed > 0;
}

static void kill_all(const char *folder)
{
    if (group_write(folder, "cgroup.kill", "1"))
        return;
    AUTO(freep) char *path = xasprintf("%s/cgroup.procs", folder);
    FILE *in = fopen(path, "re");
    long pid;
    while (in && fscanf(in, "%ld", &pid) == 1)
        if (pid > 0)
            kill((pid_t)pid, SIGKILL);
    if (in)
        fclose(in);
}

static void remove_folder(char *folder)
{
    if (!folder || rmdir(folder) == 0 || errno != EBUSY) {
        free(folder);
        return;
    }
    kill_all(folder);
    pthread_mutex_lock(&lock);
    for (size_t i = 0; folder && i < LEFT; i++)
        if (!left[i])
            left[i] = TAKE(folder);
    pthread_mutex_unlock(&lock);
    free(folder);
}

void sandbox_group_free(struct sandbox_group *group)
{
    if (!group)
        return;
    bool shared = group->memory && group->pids && strcmp(group->memory, group->pids) == 0;
    if (group->folder >= 0)
        close(group->folder);
    for (size_t i = 0; i < GROUP_DOORS; i++)
        if (group->doors[i] >= 0)
            close(group->doors[i]);
    remove_folder(group->memory);
    if (shared)
        free(group->pids);
    else
        remove_folder(group->pids);
    free(group);
    remove_left();
}
