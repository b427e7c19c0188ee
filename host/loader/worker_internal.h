/* SPDX-License-Identifier: Apache-2.0
 *
 * The worker process as its host sees it: started, watched and killed by its pidfd, and its
 * standard output and error as lines. It is started from the owner's thread: it dies with that
 * thread.
 */
#ifndef LOADER_WORKER_INTERNAL_H
#define LOADER_WORKER_INTERNAL_H

#include "loader/buffer_internal.h"
#include "loader/worker_args.h"
#include "sandbox/sandbox.h"

#include <sys/types.h>

struct worker {
    pid_t pid;
    int pidfd, output;  /* -1: closed */
    struct buffer line; /* of the output, not yet whole */
    struct sandbox_group *group;
    int64_t memory_bytes;
};

/* Starts the program at path with the library, to be confined by the plan; *ret_socket is the
 * host's end. */
WARN_UNUSED enum error_code worker_start(struct worker *w, const char *path, int library,
                                         const struct sandbox_plan *plan, int *ret_socket,
                                         struct error *reterr);
void worker_kill(struct worker *w);
/* Whether it has ended, waiting for it if asked to: then it is reaped, and ret_how says how, as
 * "was killed by SIGSEGV". */
bool worker_reap(struct worker *w, bool wait, char ret_how[static 64]);
/* Of what worker_reap said: it could not confine itself, and nothing of the plugin ran. */
bool worker_unconfined(const char *how);
void worker_done(struct worker *w);

typedef void (*line_fn)(void *user, struct slice line);
/* Reads what the worker has printed, some of it at a time, and gives it line by line. `at_end`:
 * what has no end of line is a line too. Returns how many bytes came. */
size_t worker_read_output(struct worker *w, bool at_end, line_fn line, void *user);

#endif
