/* SPDX-License-Identifier: Apache-2.0
 *
 * A child in which a plugin may do what it will. It leads a process group of its own and dies with
 * the kit; its findings come through a pipe, line by line; what the plugin prints goes to a file in
 * memory, of bounded size, and is only counted. When the child has ended, or its time has, the
 * group is killed.
 */
#include "conformance/session_internal.h"

#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PRINTED_MAX = 64 << 20, LINES_MAX = 16 << 20, LOOK_MS = 20 };

/* 0 says that fn returned: a plugin that calls exit(0) gives no such word. */
static const char the_end[] = "{\"end\":true}\n";

static void bound(__rlimit_resource_t resource, rlim_t most)
{
    struct rlimit limit = {most, most};
    setrlimit(resource, &limit);
}

/* What the kit itself has mapped, to be written to. */
static rlim_t data_now(void)
{
    unsigned long pages = 0;
    FILE *in = fopen("/proc/self/statm", "re");
    if (in && fscanf(in, "%*u %*u %*u %*u %*u %lu", &pages) != 1)
        pages = 0;
    if (in)
        fclose(in);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static _Noreturn void be_child(struct kit *kit, isolated_fn fn, void *user, int output, int tell)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(nothing, 0);
    dup2(output, 1);
    dup2(output, 2);
    bound(RLIMIT_FSIZE, PRINTED_MAX);
    bound(RLIMIT_CORE, 0);
    if (!KIT_SANITIZED) /* its shadow is no memory that a plugin takes */
        bound(RLIMIT_DATA, data_now() + (rlim_t)LIMIT_PLUGIN_MEMORY);
    kit->tell = tell;
    fn(kit, user);
    ssize_t written = write(tell, the_end, strlen(the_end));
    _exit(written > 0 ? 0 : 1);
}

struct listener {
    int fd;
    struct text lines;
    bool ended; /* it said so */
};

static void hear(struct kit *kit, struct listener *l)
{
    char piece[4096];
    ssize_t got;
    while ((got = read(l->fd, piece, sizeof(piece))) > 0)
        text_add(&l->lines, piece, (size_t)got);
    size_t at = 0;
    const char *end;
    while (at < l->lines.len && (end = memchr(l->lines.ptr + at, '\n', l->lines.len - at))) {
        struct slice line = {l->lines.ptr + at, (size_t)(end - l->lines.ptr) - at};
        if (line.len + 1 == strlen(the_end) && memcmp(line.ptr, the_end, line.len) == 0)
            l->ended = true;
        else
            kit_read(kit, line);
        at += line.len + 1;
    }
    if (at > 0) {
        memmove(l->lines.ptr, l->lines.ptr + at, l->lines.len - at);
        l->lines.len -= at;
    }
}

static int await(struct kit *kit, pid_t pid, struct listener *l, int64_t due_ms)
{
    int status = 0;
    for (;;) {
        struct pollfd fd = {.fd = l->fd, .events = POLLIN};
        poll(&fd, 1, LOOK_MS);
        pid_t gone = waitpid(pid, &status, WNOHANG);
        hear(kit, l);
        if (gone == pid)
            break;
        if (kit_now_ms() > due_ms || (fd.revents & POLLHUP && kit_now_ms() > due_ms)) {
            kill(-pid, SIGKILL);
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            hear(kit, l);
            return l->ended ? 0 : -1;
        }
    }
    kill(-pid, SIGKILL);
    if (l->ended)
        return 0;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 256 + WEXITSTATUS(status);
}

static void look_at_printed(int output, struct printed *ret_printed)
{
    struct stat st;
    *ret_printed = (struct printed){.bytes = fstat(output, &st) == 0 ? (size_t)st.st_size : 0};
    size_t most = sizeof(ret_printed->last) - 1;
    off_t from = ret_printed->bytes > most ? (off_t)(ret_printed->bytes - most) : 0;
    if (pread(output, ret_printed->last, most, from) < 0)
        ret_printed->last[0] = '\0';
}

int isolated(struct kit *kit, isolated_fn fn, void *user, int64_t ms, struct printed *ret_printed)
{
    int ends[2], output = memfd_create("printed", MFD_CLOEXEC);
    if (output < 0 || pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        be_child(kit, fn, user, output, ends[1]);
    }
    close(ends[1]);
    struct listener l = {.fd = ends[0]};
    text_init(&l.lines, LINES_MAX);
    int how = pid < 0 ? -1 : await(kit, pid, &l, kit_now_ms() + ms);
    look_at_printed(output, ret_printed);
    text_done(&l.lines);
    close(ends[0]);
    close(output);
    return how;
}
