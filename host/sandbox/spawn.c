/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting a worker in namespaces of users and processes, and in a group of control, which a
 * process is born into. Between clone and exec the child shares the host's memory while the calling
 * thread waits (as posix_spawn does it: a large host need not copy its page tables), so it makes
 * system calls on what was prepared and nothing else, on a stack of its own, with all signals
 * blocked. It is bound to die with the calling thread before it can run anything, and the worker is
 * told nothing before that.
 *
 * The child becomes the same user inside as outside: its files stay its own, and nobody's are more.
 * Of privileges it keeps, over the exec, the one that building its room takes; sandbox_apply drops
 * it.
 */
#include "sandbox/groups_internal.h"
#include "sandbox/sandbox_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_SIZE    (64u << 10)
#define NO_SANITIZERS __attribute__((no_sanitize("address", "thread", "undefined")))

struct birth {
    const struct sandbox_child *child;
    const struct sandbox_group *group; /* NULL: none */
    bool own_users;
    char users[48], groups[48]; /* the maps */
    int failed;                 /* errno of the exec, or … */
    int outside;                /* … of the way into its group */
};

NO_SANITIZERS static bool write_file(const char *path, const char *text)
{
    size_t len = 0;
    while (text[len])
        len++;
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    long written = syscall(SYS_write, fd, text, len);
    syscall(SYS_close, fd);
    return written == (long)len;
}

/* An exec takes every capability from who is not root inside, but for the ambient ones. */
NO_SANITIZERS static void keep_admin(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2];
    if (syscall(SYS_capget, &head, sets) != 0)
        return;
    sets[0].inheritable |= 1u << CAP_SYS_ADMIN | 1u << CAP_SETPCAP;
    if (syscall(SYS_capset, &head, sets) != 0)
        return;
    syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0);
    syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETPCAP, 0, 0);
}

/* By the doors, which version 1 has; 0 is who writes it. */
NO_SANITIZERS static bool enter_group(const struct sandbox_group *group)
{
    for (size_t i = 0; group && i < GROUP_DOORS; i++)
        if (group->doors[i] >= 0 && syscall(SYS_write, group->doors[i], "0", 1) != 1)
            return false;
    return true;
}

NO_SANITIZERS static int be_born(void *user)
{
    struct birth *birth = user;
    const struct sandbox_child *child = birth->child;
    syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (!enter_group(birth->group)) {
        birth->outside = errno;
        syscall(SYS_exit_group, 127);
    }
    if (birth->own_users) {
        write_file("/proc/self/setgroups", "deny");
        if (write_file("/proc/self/uid_map", birth->users) &&
            write_file("/proc/self/gid_map", birth->groups))
            keep_admin();
    }
    syscall(SYS_setsid);
    bool placed = syscall(SYS_dup3, child->input, STDIN_FILENO, 0) >= 0 &&
                  syscall(SYS_dup3, child->output, STDOUT_FILENO, 0) >= 0 &&
                  syscall(SYS_dup3, child->output, STDERR_FILENO, 0) >= 0;
    for (size_t i = 0; placed && i < child->descriptor_count; i++)
        placed = syscall(SYS_dup3, child->descriptors[i], STDERR_FILENO + 1 + (int)i, 0) >= 0;
    if (placed)
        syscall(SYS_execve, child->program, child->words, child->environment);
    birth->failed = errno;
    syscall(SYS_exit_group, 127);
    __builtin_unreachable();
}

/* Born in a group of version 2, for a move into it would wait for all processors. The C library's
 * clone() knows no groups, and without it a child cannot share memory on a stack of its own: this
 * one has a copy, of which it writes to the birth alone. */
static pid_t clone_into(int group, int flags, struct birth *shared, int *ret_pidfd)
{
    struct clone_args args = {.flags =
                                  (unsigned)flags | CLONE_VFORK | CLONE_PIDFD | CLONE_INTO_CGROUP,
                              .pidfd = (uintptr_t)ret_pidfd,
                              .exit_signal = SIGCHLD,
                              .cgroup = (unsigned)group};
    long pid = syscall(SYS_clone3, &args, sizeof(args));
    if (pid == 0)
        be_born(shared);
    return (pid_t)pid;
}

/* The stack, with what the child tells at its foot, is shared also where memory is not: a sanitizer
 * keeps books of memory, in which a child that shares it would write. */
static void give_birth(struct birth *birth, int flags, pid_t *ret_pid, int *ret_pidfd)
{
    const int share = SANDBOX_SANITIZED ? 0 : CLONE_VM;
    char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    *ret_pid = -1;
    if (stack == MAP_FAILED)
        return;
    struct birth *shared = (struct birth *)stack;
    *shared = *birth;
    sigset_t all, mask;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &mask);
    if (birth->group && birth->group->folder >= 0)
        *ret_pid = clone_into(birth->group->folder, flags, shared, ret_pidfd);
    else
        *ret_pid = clone(be_born, stack + STACK_SIZE,
                         flags | share | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, shared, ret_pidfd);
    int saved = errno;
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    birth->failed = shared->failed;
    birth->outside = shared->outside;
    munmap(stack, STACK_SIZE);
    errno = saved;
}

static void group_freep(struct sandbox_group **group)
{
    sandbox_group_free(*group);
    *group = NULL;
}

static bool may_do_with_less(int error)
{
    return error == EPERM || error == EACCES || error == ENOSPC || error == EUSERS ||
           error == EINVAL || error == ENOSYS;
}

/* In as many of the namespaces as are permitted. -1: errno says why not. */
static pid_t try_birth(const struct sandbox_plan *plan, struct birth *birth,
                       const struct group_birth *placed, int *ret_pidfd)
{
    int users = sandbox_leaves_out(plan, PROTECTION_USER_NS) ? 0 : CLONE_NEWUSER;
    int processes = sandbox_leaves_out(plan, PROTECTION_PID_NS) ? 0 : CLONE_NEWPID;
    /* Root without a namespace of users may have one of processes; nobody else may. */
    const int tries[] = {users | processes, users ? processes : 0, 0};
    pid_t pid = -1;
    for (size_t i = 0; pid < 0 && i < sizeof(tries) / sizeof(tries[0]); i++) {
        birth->own_users = (tries[i] & CLONE_NEWUSER) != 0;
        AUTO(freep)
        char *born =
            xasprintf("born=%s%s %d %s", birth->own_users ? "u" : "",
                      tries[i] & CLONE_NEWPID ? "p" : "", (int)placed->state, placed->note);
        birth->child->words[1] = born;
        give_birth(birth, tries[i], &pid, ret_pidfd);
        birth->child->words[1] = NULL;
        if (pid < 0 && !may_do_with_less(errno))
            break;
    }
    return pid;
}

enum error_code sandbox_spawn(const struct sandbox_plan *plan, const struct sandbox_child *child,
                              pid_t *ret_pid, int *ret_pidfd, struct sandbox_group **ret_group,
                              struct error *reterr)
{
    struct group_birth placed;
    AUTO(group_freep) struct sandbox_group *group = group_make(plan, &placed);
    struct birth birth = {.child = child, .group = group};
    snprintf(birth.users, sizeof(birth.users), "%u %u 1", (unsigned)geteuid(), (unsigned)geteuid());
    snprintf(birth.groups, sizeof(birth.groups), "%u %u 1", (unsigned)getegid(),
             (unsigned)getegid());
    int pidfd = -1;
    pid_t pid = try_birth(plan, &birth, &placed, &pidfd);
    if (pid < 0 && group) {
        placed.state = SANDBOX_MISSING;
        snprintf(placed.note, sizeof(placed.note), "nothing can be born into it: %s",
                 sandbox_reason(errno));
        birth.group = NULL;
        pid = try_birth(plan, &birth, &placed, &pidfd);
        if (pid >= 0)
            group_freep(&group);
    }
    if (pid < 0)
        return error_set_errno(reterr, errno, "cannot start a process for a worker");
    if (birth.failed == 0 && birth.outside == 0) {
        *ret_pid = pid;
        *ret_pidfd = pidfd;
        *ret_group = TAKE(group);
        return ERR_OK;
    }
    waitpid(pid, NULL, 0);
    close(pidfd);
    if (birth.outside)
        return error_set_errno(reterr, birth.outside, "a worker cannot enter its group of control");
    return error_set_errno(reterr, birth.failed, "cannot start the worker program %s",
                           child->program);
}
