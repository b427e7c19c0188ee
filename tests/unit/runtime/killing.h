/* SPDX-License-Identifier: Apache-2.0
 *
 * A host that is killed: a run in a process of its own, which ends by SIGKILL after so many of its
 * records were made, on disk or not. Whoever goes on with it is another host, of the test itself.
 */
#ifndef TESTS_RUNTIME_KILLING_H
#define TESTS_RUNTIME_KILLING_H

#include "stage.h"

static int records_left;

static inline void die_after(void *user, const struct run *run, const struct event *event,
                             const struct decisions *decisions)
{
    (void)user;
    (void)run;
    (void)event;
    (void)decisions;
    if (--records_left == 0)
        kill(getpid(), SIGKILL);
}

/* False if the run came to its end, or to a person, before it was killed. */
static inline bool run_and_die(struct stage *s, const char *id, const char *input, int records)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        struct error err;
        struct host_options options = {.roster = s->roster,
                                       .worker = BUILD_ROOT "/bin/seam-worker",
                                       .progress = die_after,
                                       .settled = stage_settled,
                                       .user = s};
        records_left = records;
        ASSERT(host_open(&options, &s->host, &err) == ERR_OK);
        stage_submit(s, id, input);
        stage_work(s);
        stage_close(s);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) || WEXITSTATUS(status) == 0, "the child failed");
    return WIFSIGNALED(status);
}

#endif
