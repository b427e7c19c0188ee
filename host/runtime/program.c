/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs outside. The end of one is seen by its pidfd, as a worker's is, and not by SIGCHLD: that
 * signal may be blocked, for a mask outlives exec and who started the host may have set one, and
 * then a host that waits for it waits for ever; or it comes to a thread that is not the loop's.
 *
 * posix_spawn, not fork: the host has threads, and a large host need not copy its page tables.
 */
#include "runtime/program_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

struct program {
    uv_poll_t poll; /* of pidfd */
    pid_t pid;
    int pidfd;
    program_ended ended;
    void *user;
};

static void closep(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* A file in memory that holds the text: unlike a pipe it does not mind a program that reads
 * nothing. -1 with errno if there is none to be had. */
static int file_of(struct slice text)
{
    AUTO(closep) int fd = memfd_create("seam", MFD_CLOEXEC);
    for (size_t written = 0; fd >= 0 && written < text.len;) {
        ssize_t got = write(fd, text.ptr + written, text.len - written);
        if (got < 0 && errno != EINTR)
            return -1;
        written += got < 0 ? 0 : (size_t)got;
    }
    if (fd >= 0 && lseek(fd, 0, SEEK_SET) != 0)
        return -1;
    int made = fd;
    fd = -1;
    return made;
}

/* Its signals are as if nobody had touched them. */
static int spawn(pid_t *ret_pid, char *const arguments[], const char *folder, int input)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_addchdir_np(&actions, folder);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int failed = posix_spawnp(ret_pid, arguments[0], &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* A script that does not name its interpreter is the shell's, as it is to execvp and to shells. */
static int spawn_script(pid_t *ret_pid, char *const arguments[], const char *folder, int input)
{
    char shell[] = "/bin/sh";
    size_t count = 0;
    while (arguments[count])
        count++;
    char **all = xcalloc(count + 2, sizeof(*all));
    all[0] = shell;
    for (size_t i = 0; i < count; i++)
        all[i + 1] = arguments[i];
    int failed = spawn(ret_pid, all, folder, input);
    free(all);
    return failed;
}

static void has_ended(uv_poll_t *poll, int status, int events)
{
    struct program *program = poll->data;
    char failure[128];
    siginfo_t info = {.si_pid = 0};
    (void)status;
    (void)events;
    int got = waitid(P_PIDFD, (id_t)program->pidfd, &info, WEXITED | WNOHANG);
    if (got == 0 && info.si_pid == 0)
        return;
    uv_poll_stop(poll);
    program->pid = 0;
    if (got != 0)
        snprintf(failure, sizeof(failure), "the program is gone without a trace (%s)",
                 strerrorname_np(errno));
    else if (info.si_code == CLD_EXITED)
        snprintf(failure, sizeof(failure), "the program exited with status %d", info.si_status);
    else
        snprintf(failure, sizeof(failure), "the program was killed by signal %d", info.si_status);
    bool well = got == 0 && info.si_code == CLD_EXITED && info.si_status == 0;
    program->ended(program->user, well ? NULL : failure);
}

static enum error_code cannot_start(const char *name, int saved_errno, struct error *reterr)
{
    return error_set(reterr, ERR_IO, "%s cannot be started: %s", name,
                     uv_strerror(uv_translate_sys_error(saved_errno)));
}

enum error_code program_start(uv_loop_t *loop, char *const arguments[], const char *folder,
                              struct slice text, program_ended ended, void *user,
                              struct program **ret_program, struct error *reterr)
{
    pid_t pid = 0;
    AUTO(closep) int input = file_of(text);
    int failed = input < 0 ? errno : spawn(&pid, arguments, folder, input);
    if (failed == ENOEXEC)
        failed = spawn_script(&pid, arguments, folder, input);
    if (failed)
        return cannot_start(arguments[0], failed, reterr);
    int pidfd = pidfd_open(pid, 0);
    if (pidfd < 0) {
        failed = errno;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return cannot_start(arguments[0], failed, reterr);
    }
    struct program *program = xcalloc(1, sizeof(*program));
    *program = (struct program){.pid = pid, .pidfd = pidfd, .ended = ended, .user = user};
    uv_poll_init(loop, &program->poll, pidfd);
    program->poll.data = program;
    uv_poll_start(&program->poll, UV_READABLE, has_ended);
    *ret_program = program;
    return ERR_OK;
}

void program_kill(struct program *program)
{
    pidfd_send_signal(program->pidfd, SIGKILL, NULL, 0);
}

static void poll_closed(uv_handle_t *handle)
{
    struct program *program = handle->data;
    free(program);
}

void program_free(struct program *program)
{
    if (!program)
        return;
    uv_close((uv_handle_t *)&program->poll, poll_closed); /* before its descriptor is another's */
    close(program->pidfd);
}
