/* SPDX-License-Identifier: Apache-2.0
 *
 * Ways to start programs, to touch processes that are not its own, and to become more than it is.
 */
#include "escape.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int wait_for(pid_t child)
{
    if (child < 0)
        return errno;
    waitpid(child, NULL, 0);
    return 0;
}

static int fork_one(void)
{
    pid_t child = _Fork();
    if (child == 0)
        _exit(0);
    return wait_for(child);
}

static int clone_three(void)
{
    uint64_t args[11] = {[4] = SIGCHLD};
    pid_t child = (pid_t)syscall(SYS_clone3, args, sizeof(args));
    if (child == 0)
        _exit(0);
    return wait_for(child);
}

static int spawn_a_shell(void)
{
    char shell[] = "/bin/sh", option[] = "-c", command[] = "exit 0";
    char *const words[] = {shell, option, command, NULL};
    pid_t child;
    int error = posix_spawn(&child, shell, NULL, NULL, words, NULL);
    return error ? error : wait_for(child);
}

/* What is not there cannot be run, but the way to it was open. */
static int execute(void)
{
    return reached(syscall(SYS_execve, "/seam-nothing", NULL, NULL));
}

static int execute_memory(void)
{
    int fd = memfd_create("program", MFD_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = reached(syscall(SYS_execveat, fd, "", NULL, NULL, AT_EMPTY_PATH));
    close(fd);
    return error == EACCES ? 0 : error;
}

static int namespaces(void)
{
    return result(syscall(SYS_unshare, CLONE_NEWUTS));
}
static int other_namespace(void)
{
    return reached(syscall(SYS_setns, -1, 0));
}
static int signal_somebody(void)
{
    return result(kill(somebody(), 0));
}
static int signal_from_outside(void)
{
    return result(kill(targets.pid, 0));
}
static int signal_a_thread(void)
{
    return result(syscall(SYS_tkill, somebody(), 0));
}
static int queue_a_signal(void)
{
    return result(sigqueue(somebody(), 0, (union sigval){.sival_int = 0}));
}

/* Whoever owns a descriptor is sent the signal of its choice. */
static int own_a_descriptor(void)
{
    int fd = eventfd(0, EFD_CLOEXEC);
    int error = result(fcntl(fd, F_SETOWN, somebody()));
    close(fd);
    return error;
}

static int by_pidfd(void)
{
    return opened(syscall(SYS_pidfd_open, somebody(), 0));
}
static int take_a_descriptor(void)
{
    return reached(syscall(SYS_pidfd_getfd, -1, 0, 0));
}

static int trace(void)
{
    int error = result(ptrace(PTRACE_SEIZE, somebody(), NULL, NULL));
    if (error == 0)
        ptrace(PTRACE_DETACH, somebody(), NULL, NULL);
    return error;
}

static int vm(long call)
{
    char bytes[8] = "";
    struct iovec mine = {bytes, sizeof(bytes)}, theirs = {(void *)16, sizeof(bytes)};
    return reached(syscall(call, somebody(), &mine, 1, &theirs, 1, 0));
}

static int read_memory(void)
{
    return vm(SYS_process_vm_readv);
}
static int write_memory(void)
{
    return vm(SYS_process_vm_writev);
}
static int compare(void)
{
    return result(syscall(SYS_kcmp, somebody(), somebody(), KCMP_VM, 0, 0));
}
static int advise(void)
{
    return reached(syscall(SYS_process_madvise, -1, NULL, 0, 0, 0));
}
static int limit_somebody(void)
{
    struct rlimit now;
    return result(prlimit(somebody(), RLIMIT_NOFILE, NULL, &now));
}
static int be_nicer(void)
{
    return result(setpriority(PRIO_PROCESS, (id_t)somebody(), 0));
}
static int schedule(void)
{
    struct sched_param none = {0};
    return result(sched_setscheduler(somebody(), SCHED_OTHER, &none));
}
static int place(void)
{
    cpu_set_t set;
    sched_getaffinity(0, sizeof(set), &set);
    return result(sched_setaffinity(somebody(), sizeof(set), &set));
}
static int move_pages(void)
{
    return result(syscall(SYS_migrate_pages, somebody(), 0, NULL, NULL));
}
static int io_priority(void)
{
    return result(syscall(SYS_ioprio_set, 1, somebody(), 0));
}
static int core_cookie(void)
{
    return reached(prctl(62, 0, somebody(), 0, 0));
}

static int become_nobody(void)
{
    return result(syscall(SYS_setresuid, (uid_t)-1, (uid_t)-1, geteuid()));
}
static int take_capabilities(void)
{
    struct {
        uint32_t version;
        int pid;
    } head = {0x20080522, 0};
    uint32_t sets[6] = {1u << 21, 1u << 21, 0, 0, 0, 0};
    return result(syscall(SYS_capset, &head, sets));
}
static int other_person(void)
{
    return result(personality((unsigned long)personality(0xffffffff)));
}
static int outlive(void)
{
    int was = 0;
    prctl(PR_GET_PDEATHSIG, &was);
    int error = result(prctl(PR_SET_PDEATHSIG, 0));
    prctl(PR_SET_PDEATHSIG, (unsigned long)was);
    return error;
}
static int be_dumped(void)
{
    return result(prctl(PR_SET_DUMPABLE, 1));
}
static int filter_itself(void)
{
    return reached(syscall(SYS_seccomp, 1, 0, NULL));
}
static int lead_a_session(void)
{
    return result(setsid());
}
static int raise_limits(void)
{
    struct rlimit now;
    getrlimit(RLIMIT_CORE, &now);
    return result(setrlimit(RLIMIT_CORE, &now));
}

static int code(int protection, int then)
{
    void *page = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return errno;
    int error = then ? result(mprotect(page, 4096, then)) : 0;
    munmap(page, 4096);
    return error;
}

static int writable_code(void)
{
    return code(PROT_READ | PROT_WRITE | PROT_EXEC, 0);
}
static int written_code(void)
{
    return code(PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC);
}

const struct attempt process_attempts[] = {
    {"processes", "fork", fork_one},
    {"processes", "clone3", clone_three},
    {"processes", "spawn a shell", spawn_a_shell},
    {"processes", "become another program", execute},
    {"processes", "run a program from memory", execute_memory},
    {"processes", "make a namespace", namespaces},
    {"processes", "enter a namespace", other_namespace},
    {"processes", "signal its parent", signal_somebody},
    {"processes", "signal a process outside", signal_from_outside},
    {"processes", "signal a thread", signal_a_thread},
    {"processes", "queue a signal", queue_a_signal},
    {"processes", "have a descriptor signal", own_a_descriptor},
    {"processes", "open a process", by_pidfd},
    {"processes", "take a descriptor of a process", take_a_descriptor},
    {"processes", "trace", trace},
    {"processes", "read memory of a process", read_memory},
    {"processes", "write memory of a process", write_memory},
    {"processes", "compare processes", compare},
    {"processes", "advise on memory of a process", advise},
    {"processes", "ask for limits of a process", limit_somebody},
    {"processes", "set a priority", be_nicer},
    {"processes", "set a scheduler", schedule},
    {"processes", "place a process on processors", place},
    {"processes", "move pages of a process", move_pages},
    {"processes", "set a priority of disks", io_priority},
    {"processes", "share a core with a process", core_cookie},
    {"itself", "change its user", become_nobody},
    {"itself", "take a capability", take_capabilities},
    {"itself", "change its personality", other_person},
    {"itself", "outlive the host", outlive},
    {"itself", "let itself be traced", be_dumped},
    {"itself", "filter itself", filter_itself},
    {"itself", "lead a session", lead_a_session},
    {"itself", "change its limits", raise_limits},
    {"itself", "map memory to write and execute", writable_code},
    {"itself", "execute what it wrote", written_code},
    {0},
};
