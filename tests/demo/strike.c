/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a command and kills it, with SIGKILL, at a moment of the world's own time: when the world's
 * ledger holds a number of effects, or some milliseconds after that. The ledger is looked at when
 * its file changes, so a kill falls right behind a commit, where it hurts most.
 *
 *   strike [--ledger FILE --at N] [--after-ms N] -- COMMAND [ARGUMENT…]
 *
 * Exit: 137 the command was killed, 125 strike itself failed, else what the command exited with.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_STRUCK = 137, EXIT_BROKEN = 125, BUSY_MS = 5000 };

struct plan {
    const char *ledger;
    long at, after_ms; /* -1 = not asked for */
    char **command;
};

static const char COUNT[] = "SELECT (SELECT count(*) FROM bookings) + (SELECT count(*) FROM mails)";

_Noreturn static void give_up(const char *what, const char *why)
{
    fprintf(stderr, "strike: %s: %s\n", what, why);
    exit(EXIT_BROKEN);
}

static long number(const char *name, const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || value < 0)
        give_up(name, "expected a number");
    return value;
}

static struct plan read_plan(int argc, char **argv)
{
    struct plan plan = {.at = -1, .after_ms = -1};
    int i = 1;
    for (; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2) {
        if (strcmp(argv[i], "--ledger") == 0)
            plan.ledger = argv[i + 1];
        else if (strcmp(argv[i], "--at") == 0)
            plan.at = number(argv[i], argv[i + 1]);
        else if (strcmp(argv[i], "--after-ms") == 0)
            plan.after_ms = number(argv[i], argv[i + 1]);
        else
            give_up(argv[i], "unknown option");
    }
    if (i + 1 >= argc || (plan.ledger == NULL) != (plan.at < 0))
        give_up("usage", "strike [--ledger FILE --at N] [--after-ms N] -- COMMAND…");
    plan.command = argv + i + 1;
    return plan;
}

static pid_t spawn(char **command)
{
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        give_up("fork", strerror(errno));
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_BROKEN);
    execv(command[0], command);
    fprintf(stderr, "strike: %s: %s\n", command[0], strerror(errno));
    _exit(EXIT_BROKEN);
}

/* ---- the ledger ---- */

struct watch {
    sqlite3 *db;
    sqlite3_stmt *count;
    int changes; /* an inotify descriptor, or -1 */
};

static struct watch watch_open(const char *ledger)
{
    struct watch w = {.changes = -1};
    if (ledger == NULL)
        return w;
    size_t length = strlen(ledger) + sizeof("-wal");
    char *log = malloc(length);
    if (log == NULL)
        give_up(ledger, "out of memory");
    snprintf(log, length, "%s-wal", ledger);
    w.changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (w.changes < 0 || inotify_add_watch(w.changes, log, IN_MODIFY) < 0)
        give_up(log, strerror(errno));
    free(log);
    if (sqlite3_open_v2(ledger, &w.db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(w.db, BUSY_MS) != SQLITE_OK ||
        sqlite3_prepare_v2(w.db, COUNT, -1, &w.count, NULL) != SQLITE_OK)
        give_up(ledger, sqlite3_errmsg(w.db));
    return w;
}

static void watch_close(struct watch *w)
{
    sqlite3_finalize(w->count);
    sqlite3_close(w->db);
    if (w->changes >= 0)
        close(w->changes);
}

static bool reached(struct watch *w, long at)
{
    char events[4096];
    while (read(w->changes, events, sizeof(events)) > 0)
        continue;
    if (sqlite3_step(w->count) != SQLITE_ROW)
        give_up("the ledger", sqlite3_errmsg(w->db));
    long count = (long)sqlite3_column_int64(w->count, 0);
    sqlite3_reset(w->count);
    return count >= at;
}

/* ---- the moment ---- */

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* True when the moment has come, false when the command ended before. */
static bool await_moment(const struct plan *plan, struct watch *w, int process)
{
    bool counting = plan->at >= 0 && !reached(w, plan->at);
    long due = counting ? -1 : now_ms() + plan->after_ms;
    bool endless = plan->at < 0 && plan->after_ms < 0;
    for (;;) {
        long left = counting || endless ? -1 : due - now_ms();
        if (!counting && !endless && left <= 0)
            return true;
        struct pollfd both[] = {{.fd = process, .events = POLLIN},
                                {.fd = counting ? w->changes : -1, .events = POLLIN}};
        if (poll(both, 2, (int)left) < 0 && errno != EINTR)
            give_up("poll", strerror(errno));
        if (both[0].revents != 0)
            return false;
        if (counting && both[1].revents != 0 && reached(w, plan->at)) {
            counting = false;
            due = now_ms() + plan->after_ms;
        }
    }
}

int main(int argc, char **argv)
{
    struct plan plan = read_plan(argc, argv);
    struct watch w = watch_open(plan.ledger);
    pid_t pid = spawn(plan.command);
    int process = (int)syscall(SYS_pidfd_open, pid, 0), status = 0;
    if (process < 0)
        give_up("pidfd_open", strerror(errno));
    if (await_moment(&plan, &w, process))
        kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    watch_close(&w);
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
        fprintf(stderr, "strike: the command ended by signal %d\n", WTERMSIG(status));
    return !WIFSIGNALED(status)          ? WEXITSTATUS(status)
           : WTERMSIG(status) == SIGKILL ? EXIT_STRUCK
                                         : 128 + WTERMSIG(status);
}
