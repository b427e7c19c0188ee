/* SPDX-License-Identifier: Apache-2.0
 *
 * seam-worker: the process in which a plugin lives. Started by the host alone, with a socket to it
 * and the plugin's library as descriptors; confines itself by the plan in its arguments, judges
 * what became of it, and then becomes the plugin's loop. Nothing of the plugin runs before: its
 * constructors do while it is loaded. It reads no environment and no file of the host.
 */
#include "base/error.h"
#include "loader/guest.h"
#include "loader/worker_args.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void demand(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "seam-worker: cannot %s: %s\n", what, strerrordesc_np(errno));
    _exit(WORKER_UNCONFINED);
}

/* It was started with all signals blocked, so that none of the host's handlers could run. */
static void reset_signals(void)
{
    for (int s = 1; s < NSIG; s++) {
        struct sigaction now;
        if (sigaction(s, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
            signal(s, SIG_DFL);
    }
    signal(SIGPIPE, SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool is_started_by_host(void)
{
    int death = 0;
    return prctl(PR_GET_PDEATHSIG, &death) == 0 && death == SIGKILL &&
           fcntl(WORKER_SOCKET, F_SETFD, FD_CLOEXEC) == 0 &&
           fcntl(WORKER_LIBRARY, F_SETFD, FD_CLOEXEC) == 0;
}

int main(int argc, char **argv)
{
    struct sandbox_plan plan;
    if (argc < 2 || !is_started_by_host() || !sandbox_plan_read(argv + 2, &plan)) {
        fputs("seam-worker is started by seam, not by hand\n", stderr);
        return WORKER_UNCONFINED;
    }
    reset_signals();
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct sandbox_site place = {.born = argv[1],
                                 .library = WORKER_LIBRARY,
                                 .hearer = WORKER_HEARER,
                                 .keep = WORKER_HEARER + (plan.hearer ? 1 : 0)};
    struct sandbox_report report;
    char library[64];
    const char *what = "";
    demand(sandbox_apply(&plan, &place, &report, library, &what), what);

    AUTO(text_done) struct text told;
    text_init(&told, PROTECTION_COUNT * (SANDBOX_NOTE + 64));
    sandbox_report_write(&report, &told);
    struct error err;
    bool holds = sandbox_judge(&plan, &report, &err) == ERR_OK;
    struct guest_site site = {.library = WORKER_LIBRARY,
                              .path = library,
                              .sandbox = text_str(&told),
                              .refusal = holds ? NULL : err.text};
    /* No exit handlers: they are the plugin's, and its instance is destroyed already. */
    int status = guest_serve(WORKER_SOCKET, &site);
    fflush(NULL);
    _exit(status);
}
