/* SPDX-License-Identifier: Apache-2.0
 *
 * A program and its keeper: a process of this plugin's own that starts the program, waits for it,
 * and is in one process group with it and all that it starts. The keeper's end is the end of them
 * all: it sends SIGKILL to its own group when the program has ended, when it is told to, and when
 * the worker is gone, for then the pipe between them is closed. The kernel does this in one go, so
 * nothing that forks meanwhile gets away. Nor does what would leave the group: in the program,
 * setsid and setpgid say that they did it and do nothing, so a daemon stays where it is.
 *
 *     call ── control ──> keeper (leads session and group; all signals blocked)
 *      ^ <──── status ──────┤
 *      └── in, out, err ──> program ── whatever it starts
 *
 * Between fork and exec nothing but system calls is made: the worker has threads.
 */
#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where things lie in the keeper. */
enum { AT_CONTROL = 3, AT_STATUS = 4, AT_FREE = 5, TERM = 't' };

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

static void say(char kind, int value)
{
    struct news news;
    memset(&news, 0, sizeof(news));
    news.kind = kind;
    news.value = value;
    while (write(AT_STATUS, &news, sizeof(news)) < 0 && errno == EINTR)
        ;
}

/* ---- in the program, before it is one ---- */

static bool stay_in_group(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setsid, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setpgid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO), /* 0: done, it says */
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

static bool limit_memory(int64_t bytes)
{
    struct rlimit now;
    if (bytes < 0)
        return true;
    if (getrlimit(RLIMIT_DATA, &now) != 0)
        return false;
    rlim_t most = now.rlim_max < (rlim_t)bytes ? now.rlim_max : (rlim_t)bytes;
    return setrlimit(RLIMIT_DATA, &(struct rlimit){most, most}) == 0;
}

static _Noreturn void become(const struct agent *agent, char *const *env)
{
    sigset_t none;
    sigemptyset(&none);
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (limit_memory(agent->memory) && chdir(agent->cwd ? agent->cwd : "/") == 0 && stay_in_group())
        execve(agent->command[0], agent->command, env);
    say('x', errno);
    _exit(127);
}

/* ---- in the keeper ---- */

static bool settle(const int ends[5])
{
    sigset_t all;
    sigfillset(&all);
    if (sigprocmask(SIG_SETMASK, &all, NULL) != 0 || setsid() < 0)
        return false;
    /* Out of each other's way first. */
    int high[5];
    for (int i = 0; i < 5; i++)
        if ((high[i] = fcntl(ends[i], F_DUPFD, AT_FREE)) < 0)
            return false;
    for (int i = 0; i < 5; i++)
        if (dup2(high[i], i) != i)
            return false;
    close_range(AT_FREE, ~0u, 0);
    return fcntl(AT_CONTROL, F_SETFD, FD_CLOEXEC) == 0 &&
           fcntl(AT_STATUS, F_SETFD, FD_CLOEXEC) == 0;
}

static bool has_ended(pid_t program)
{
    int status;
    pid_t ended;
    while ((ended = waitpid(-1, &status, WNOHANG)) > 0)
        if (ended == program) {
            say('e', status);
            return true;
        }
    return false;
}

/* Until the program has ended, or is to be. */
static void watch(pid_t program, int children, int grace_ms)
{
    struct pollfd events[] = {{.fd = children, .events = POLLIN},
                              {.fd = AT_CONTROL, .events = POLLIN}};
    struct signalfd_siginfo info;
    int wait_ms = -1;
    for (;;) {
        int count = poll(events, 2, wait_ms);
        if (count == 0)
            return;
        if (count < 0)
            continue;
        while (read(children, &info, sizeof(info)) > 0)
            ;
        char told;
        if (has_ended(program))
            return;
        if (!events[1].revents)
            continue;
        if (read(AT_CONTROL, &told, 1) <= 0)
            return;
        kill(0, SIGTERM);
        wait_ms = grace_ms; /* from now on only the program's end, or this, is waited for */
        if (told != TERM)
            return;
    }
}

static _Noreturn void keep(const struct agent *agent, char *const *env, const int ends[5])
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    if (!settle(ends))
        _exit(1);
    int children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    pid_t program = children < 0 ? -1 : _Fork();
    if (program == 0)
        become(agent, env);
    if (program < 0)
        say('x', errno);
    for (int i = 0; i < AT_CONTROL; i++)
        close(i);
    if (program > 0)
        watch(program, children, agent->grace_ms);
    kill(0, SIGKILL);
    _exit(1);
}

/* ---- in the worker ---- */

static void close_all(int *ends, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ends[i] >= 0)
            close(ends[i]);
}

/* Pairs of ends: what it reads, what we write, and so on, in the order of the keeper's. */
static bool make_pipes(int theirs[5], int ours[5])
{
    for (int i = 0; i < 5; i++)
        theirs[i] = ours[i] = -1;
    for (int i = 0; i < 5; i++) {
        int ends[2];
        bool reads = i == 0 || i == AT_CONTROL;
        if (pipe2(ends, O_CLOEXEC) != 0)
            return false;
        theirs[i] = ends[reads ? 0 : 1];
        ours[i] = ends[reads ? 1 : 0];
        if (fcntl(ours[i], F_SETFL, O_NONBLOCK | (reads ? O_WRONLY : O_RDONLY)) != 0)
            return false;
    }
    return true;
}

int program_start(struct program *program, const struct agent *agent, char *const *env)
{
    int theirs[5], ours[5];
    bool made = make_pipes(theirs, ours);
    pid_t keeper = made ? _Fork() : -1;
    int error = errno;
    if (keeper == 0)
        keep(agent, env, theirs);
    close_all(theirs, 5);
    if (keeper < 0) {
        close_all(ours, 5);
        return error;
    }
    *program = (struct program){.keeper = keeper,
                                .in = ours[0],
                                .out = ours[1],
                                .err = ours[2],
                                .control = ours[AT_CONTROL],
                                .status = ours[AT_STATUS]};
    return 0;
}

void program_end(const struct program *program)
{
    const char told = TERM;
    while (program->control >= 0 && write(program->control, &told, 1) < 0 && errno == EINTR)
        ;
}

/* The keeper may have been stopped by what it keeps; so it is not only told. */
void program_kill(struct program *program)
{
    if (program->control >= 0)
        close(program->control);
    program->control = -1;
    kill(-program->keeper, SIGKILL);
}

void program_done(struct program *program)
{
    program_kill(program);
    while (waitpid(program->keeper, NULL, 0) < 0 && errno == EINTR)
        ;
    close_all((int[]){program->in, program->out, program->err, program->status}, 4);
}
