/* SPDX-License-Identifier: Apache-2.0
 *
 * seam-worker: the process in which a plugin lives. Started by the host alone, with a socket to it
 * and the plugin's library as descriptors; confines itself, and then becomes the plugin's loop. It
 * reads no file, no environment and no argument but the host's process id and the limit of memory.
 */
#include "base/error.h"
#include "loader/guest.h"
#include "loader/worker_args.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* What no plugin's code may find undone. Runs before the library is touched, for constructors run
 * while it is loaded; whatever holds a plugin stands here. */
static void worker_confine(pid_t host, int64_t memory_bytes);

static void demand(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "seam-worker: cannot %s: %s\n", what, strerrordesc_np(errno));
    _exit(WORKER_UNCONFINED);
}

/* The signal comes when the thread that started us ends; a host that ended before we asked for it
 * is not our parent any more. */
static void die_with(pid_t host)
{
    demand(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "ask to die with the host");
    if (getppid() != host)
        _exit(WORKER_UNCONFINED);
}

static void limit(__rlimit_resource_t what, uint64_t most)
{
    struct rlimit now;
    demand(getrlimit(what, &now) == 0, "read a limit");
    if (now.rlim_max != RLIM_INFINITY && now.rlim_max < most)
        most = now.rlim_max;
    demand(setrlimit(what, &(struct rlimit){most, most}) == 0, "set a limit");
}

/* Memory that can be written is limited exactly; address space, which allocators and thread stacks
 * reserve without using it, generously. A sanitizer's shadow is terabytes of it. */
static void limit_memory(int64_t bytes)
{
#if !defined(WORKER_SANITIZED)
    const uint64_t reserve = 512u << 20;
    if (bytes < 0)
        return;
    limit(RLIMIT_DATA, (uint64_t)bytes);
    limit(RLIMIT_AS, 2 * (uint64_t)bytes + reserve);
#else
    (void)bytes;
#endif
}

static void worker_confine(pid_t host, int64_t memory_bytes)
{
    die_with(host);
    demand(close_range(WORKER_DESCRIPTORS, ~0u, 0) == 0, "close the host's descriptors");
    demand(fcntl(WORKER_SOCKET, F_SETFD, FD_CLOEXEC) == 0 &&
               fcntl(WORKER_LIBRARY, F_SETFD, FD_CLOEXEC) == 0,
           "keep its descriptors to itself (it is started by the host, not by hand)");
    demand(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "give up new privileges");
    demand(chdir("/") == 0, "leave the host's folder");
    umask(077);
    limit(RLIMIT_CORE, 0);
    limit_memory(memory_bytes);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("seam-worker is started by seam, not by hand\n", stderr);
        return WORKER_UNCONFINED;
    }
    worker_confine((pid_t)strtol(argv[1], NULL, 10), strtoll(argv[2], NULL, 10));
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    /* No exit handlers: they are the plugin's, and its instance is destroyed already. */
    int status = guest_serve(WORKER_SOCKET, WORKER_LIBRARY);
    fflush(NULL);
    _exit(status);
}
