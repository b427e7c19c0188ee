/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting and ending a worker. How it is born is the sandbox's; what it gives up afterwards it
 * gives up itself, before it touches the library: host/worker/. It is the leader of a session of
 * its own, so that no key on the host's terminal reaches it, and what it left in its group is
 * killed with it.
 */
#include "base/limits.h"
#include "loader/worker_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_READ = 64 << 10 };

static void closep(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* A descriptor above those that the worker gets, so that none is overwritten on the way. */
static int above(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, WORKER_DESCRIPTORS);
}

static enum error_code spawn(struct worker *w, const char *path, const struct sandbox_plan *plan,
                             int output, int socket, int library, struct error *reterr)
{
    char program[] = "seam-worker", lang[] = "LC_ALL=C.UTF-8", where[] = "PATH=/usr/bin:/bin";
    AUTO(freep) char *state = plan->state ? xasprintf("SEAM_STATE=%s", plan->state) : NULL;
    char *const environment[] = {lang, where, state, NULL}; /* the host's own may hold secrets */
    enum { BEFORE = 2 };
    char **words = sandbox_plan_words(plan, BEFORE);
    words[0] = program;
    AUTO(closep) int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    AUTO(closep) int hearer = plan->hearer ? above(plan->hearer) : -1;
    const int descriptors[] = {socket, library, hearer};
    struct sandbox_child child = {.program = path,
                                  .words = words,
                                  .environment = environment,
                                  .input = nothing,
                                  .output = output,
                                  .descriptors = descriptors,
                                  .descriptor_count = hearer >= 0 ? 3 : 2};
    enum error_code code =
        nothing < 0 ? error_set_errno(reterr, errno, "cannot open /dev/null for a worker")
                    : sandbox_spawn(plan, &child, &w->pid, &w->pidfd, &w->group, reterr);
    sandbox_words_free(words, BEFORE);
    return code;
}

enum error_code worker_start(struct worker *w, const char *path, int library,
                             const struct sandbox_plan *plan, int *ret_socket, struct error *reterr)
{
    *w = (struct worker){.pidfd = -1, .output = -1};
    w->memory_bytes = plan->memory_bytes;
    int pair[2], pipe[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return error_set_errno(reterr, errno, "cannot make a socket to a worker");
    AUTO(closep) int ours = pair[0], theirs = pair[1];
    if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return error_set_errno(reterr, errno, "cannot make a pipe to a worker");
    AUTO(closep) int output = pipe[0], printed = pipe[1];
    fcntl(printed, F_SETFL, 0); /* a plugin that prints waits for room, as anywhere */

    AUTO(closep) int high_printed = above(printed), high_theirs = above(theirs);
    AUTO(closep) int high_library = above(library);
    if (high_printed < 0 || high_theirs < 0 || high_library < 0)
        return error_set_errno(reterr, errno, "no descriptor is left for a worker");
    enum error_code code = spawn(w, path, plan, high_printed, high_theirs, high_library, reterr);
    if (code != ERR_OK)
        return code;
    w->output = output;
    *ret_socket = ours;
    output = ours = -1;
    return ERR_OK;
}

void worker_kill(struct worker *w)
{
    pidfd_send_signal(w->pidfd, SIGKILL, NULL, 0);
}

static void say_signal(const struct worker *w, int number, char ret_how[static 64])
{
    if (number == SIGKILL && sandbox_group_starved(w->group))
        snprintf(ret_how, 64, "was killed by its memory limit of %lld MB",
                 (long long)(w->memory_bytes >> 20));
    else
        snprintf(ret_how, 64, "was killed by SIG%s", sigabbrev_np(number));
}

bool worker_reap(struct worker *w, bool wait, char ret_how[static 64])
{
    struct pollfd ended = {.fd = w->pidfd, .events = POLLIN};
    int found;
    do
        found = poll(&ended, 1, wait ? -1 : 0);
    while (found < 0 && errno == EINTR);
    if (found <= 0)
        return false;
    /* Before its id is free again: what it started and left behind goes too. */
    kill(-w->pid, SIGKILL);
    siginfo_t info = {.si_pid = 0};
    if (waitid(P_PIDFD, (id_t)w->pidfd, &info, WEXITED) != 0)
        snprintf(ret_how, 64, "is gone without a trace (%s)", strerrorname_np(errno));
    else if (info.si_code == CLD_EXITED && info.si_status == WORKER_HOST_GONE)
        snprintf(ret_how, 64, "closed its connection to the host");
    else if (info.si_code == CLD_EXITED && !sigabbrev_np(info.si_status - SANDBOX_KILLED))
        snprintf(ret_how, 64, "exited with status %d", info.si_status);
    else
        say_signal(w, info.si_code == CLD_EXITED ? info.si_status - SANDBOX_KILLED : info.si_status,
                   ret_how);
    w->pid = 0;
    sandbox_group_free(TAKE(w->group));
    return true;
}

bool worker_unconfined(const char *how)
{
    char words[64];
    snprintf(words, sizeof(words), "exited with status %d", WORKER_UNCONFINED);
    return strcmp(how, words) == 0;
}

void worker_done(struct worker *w)
{
    closep(&w->pidfd);
    closep(&w->output);
    buffer_done(&w->line);
    sandbox_group_free(TAKE(w->group));
    w->pidfd = w->output = -1;
}

static void give_lines(struct worker *w, bool at_end, line_fn line, void *user)
{
    size_t done = 0;
    while (done < w->line.len) {
        const char *start = buffer_bytes(&w->line) + done;
        size_t left = w->line.len - done;
        size_t most = left < LIMIT_LOG_LINE ? left : LIMIT_LOG_LINE;
        const char *end = memchr(start, '\n', most);
        if (!end && left < LIMIT_LOG_LINE && !at_end)
            break;
        size_t len = end ? (size_t)(end - start) : most;
        line(user, (struct slice){start, len});
        done += len + (end ? 1 : 0);
    }
    buffer_drop(&w->line, done);
}

size_t worker_read_output(struct worker *w, bool at_end, line_fn line, void *user)
{
    if (w->output < 0)
        return 0;
    char *at = buffer_reserve(&w->line, OUTPUT_READ);
    ssize_t got = read(w->output, at, OUTPUT_READ);
    if (got > 0)
        buffer_grew(&w->line, (size_t)got);
    if (got > 0 || at_end)
        give_lines(w, at_end, line, user);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        close(w->output);
        w->output = -1;
    }
    return got > 0 ? (size_t)got : 0;
}
