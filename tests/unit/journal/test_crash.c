/* SPDX-License-Identifier: Apache-2.0
 *
 * SIGKILL at random moments: a child appends to several runs and writes each barrier it reached to
 * a pipe; whatever the parent heard of must be in the journal, and every run must be a prefix with
 * a whole chain. The next child goes on where the last one was killed.
 */
#include "journal_testing.h"

#include <signal.h>
#include <sys/wait.h>

enum { RUNS = 4, ROUNDS = 25 };

struct acknowledged {
    uint64_t seq[RUNS];
};

struct child {
    struct journal *journal;
    struct acknowledged appended, syncing;
    bool reached;
};

static void note_child_reached(void *user, enum error_code code, const struct error *err)
{
    (void)err;
    struct child *c = user;
    if (code)
        _exit(2);
    c->reached = true;
}

static void run_name(int run, char ret_name[16])
{
    snprintf(ret_name, 16, "run-%d", run);
}

static _Noreturn void append_for_ever(const char *path, unsigned seed, int pipe_fd)
{
    struct child c = {.journal = open_journal(path)};
    char name[16];
    for (int run = 0; run < RUNS; run++) {
        run_name(run, name);
        c.appended.seq[run] = count_records(path, name);
    }
    for (;;) {
        for (int i = rand_r(&seed) % 20; i >= 0; i--) {
            int run = rand_r(&seed) % RUNS;
            run_name(run, name);
            append(c.journal, name, ++c.appended.seq[run], "{\"x\":\"some words of a body\"}");
        }
        c.syncing = c.appended;
        c.reached = false;
        journal_sync(c.journal, rand_r(&seed) % 2, note_child_reached, &c);
        if (rand_r(&seed) % 8 == 0) /* the next batch gathers while this one is written */
            for (int i = 0; i < 50; i++)
                append(c.journal, "run-0", ++c.appended.seq[0], "{}");
        journal_drain(c.journal);
        if (write(pipe_fd, &c.syncing, sizeof(c.syncing)) != sizeof(c.syncing))
            _exit(3);
    }
}

/* Kills the child when it has reached so many barriers and some microseconds more, and returns the
 * last that it told. */
static struct acknowledged kill_after(pid_t child, int pipe_fd, int barriers, unsigned *seed)
{
    struct acknowledged last = {0}, next;
    for (int i = 0; i < barriers; i++) {
        ck_assert_int_eq(read(pipe_fd, &next, sizeof(next)), sizeof(next));
        last = next;
    }
    for (volatile int spin = rand_r(seed) % 400000; spin > 0; spin--)
        ;
    kill(child, SIGKILL);
    while (read(pipe_fd, &next, sizeof(next)) == sizeof(next))
        last = next;
    return last;
}

START_TEST(what_was_acknowledged_survives_a_kill_at_any_moment)
{
    AUTO(folder_done) struct folder dir = folder_new();
    unsigned seed = 1;
    char name[16];
    for (int round = 0; round < ROUNDS; round++) {
        int pipe_fds[2];
        ck_assert_int_eq(pipe(pipe_fds), 0);
        pid_t child = fork();
        if (child == 0) {
            close(pipe_fds[0]);
            append_for_ever(dir.journal, seed + 1000, pipe_fds[1]);
        }
        close(pipe_fds[1]);
        struct acknowledged last = kill_after(child, pipe_fds[0], 1 + rand_r(&seed) % 30, &seed);
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        close(pipe_fds[0]);
        for (int run = 0; run < RUNS; run++) {
            run_name(run, name);
            uint64_t found = count_records(dir.journal, name); /* checks the chain */
            ck_assert_msg(found >= last.seq[run], "round %d: %s has %lu records of %lu", round,
                          name, (unsigned long)found, (unsigned long)last.seq[run]);
        }
    }
}
END_TEST

UNIT_MAIN(what_was_acknowledged_survives_a_kill_at_any_moment)
