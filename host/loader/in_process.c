/* SPDX-License-Identifier: Apache-2.0
 *
 * A guest in this process: a thread that runs its loop. It cannot be killed; one that does not stop
 * is left behind with its thread, its library and all it holds.
 */
#include "loader/guest_internal.h"
#include "loader/plugin_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct lodging {
    struct transport *transport;
    int library, end; /* closed when the thread ends, which the other side of this pipe hears */
};

static void *run_guest(void *user)
{
    struct lodging lodging = *(struct lodging *)user;
    free(user);
    struct guest *g = guest_new(lodging.transport);
    guest_run(g, &(struct guest_site){.library = lodging.library});
    guest_retire(g);
    close(lodging.end);
    return NULL;
}

enum error_code in_process_start(struct plugin *p, int library, struct error *reterr)
{
    struct memory_transport *memory = memory_transport_new(reterr);
    if (!memory)
        return reterr ? reterr->code : ERR_IO;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        memory_transport_free(memory);
        return error_set_errno(reterr, errno, "cannot start a plugin in this process");
    }
    struct lodging *lodging = xcalloc(1, sizeof(*lodging));
    lodging->transport = memory_transport_base(memory);
    lodging->library = fcntl(library, F_DUPFD_CLOEXEC, 0);
    lodging->end = ends[1];
    /* Signals are the host's: the plugin's threads inherit a mask that blocks all but faults. */
    sigset_t all, before;
    sigfillset(&all);
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed =
        lodging->library < 0 ? errno : pthread_create(&p->thread, NULL, run_guest, lodging);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        if (lodging->library >= 0)
            close(lodging->library);
        close(ends[0]);
        close(ends[1]);
        free(lodging);
        memory_transport_free(memory);
        return error_set_errno(reterr, failed, "cannot start a plugin in this process");
    }
    p->thread_ends = ends[0];
    p->link.memory = memory;
    return ERR_OK;
}

void in_process_stop(struct plugin *p)
{
    /* Not a join with a time limit: that goes by the wall clock, which people set. */
    if (plugin_wait_for(p, p->thread_ends, clock_ns() + p->grace_ns))
        pthread_join(p->thread, NULL);
    else
        pthread_detach(p->thread);
    close(p->thread_ends);
}
