/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a command and strikes it at a moment of the world's own time: when the world's ledger holds
 * a number of effects, or some milliseconds after that. The ledger is looked at when its file
 * changes, so a blow falls right behind a commit, where it hurts most.
 *
 *   strike [--ledger FILE --at N] [--after-ms N] [--blow B] [--pick N] [--for-ms N] [--last-ms N]
 *          [--most-ms N] -- COMMAND [ARGUMENT…]
 *
 *   --blow kill    SIGKILL (default)          --blow term    SIGTERM
 *   --blow stop    SIGSTOP, and SIGCONT after --for-ms
 *   --blow worker  SIGKILL to one of its workers, the Nth of --pick
 *   --blow none    nothing; the moment is only waited for
 *   --most-ms N    the blow falls then at the latest
 *   --last-ms N    SIGKILL that long after the blow, if it has not ended by then
 *
 * Exit: 137 the command was killed, 125 strike itself failed, else what the command exited with.
 */
#include <dirent.h>
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

/* A change of the file is told before its commit can be read, and may be the last: looked at again.
 */
enum { EXIT_STRUCK = 137, EXIT_BROKEN = 125, BUSY_MS = 5000, LOOK_MS = 20 };

enum blow { BLOW_KILL, BLOW_TERM, BLOW_STOP, BLOW_WORKER, BLOW_NONE, BLOWS };
static const char *const blow_words[BLOWS] = {"kill", "term", "stop", "worker", "none"};

struct plan {
    const char *ledger;
    long at, after_ms, most_ms, last_ms; /* -1 = not asked for */
    enum blow blow;
    long pick, for_ms;
    char **command;
};

static const char COUNT[] = "SELECT (SELECT count(*) FROM bookings) + (SELECT count(*) FROM mails)"
                            " + (SELECT count(*) FROM issues)";

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

static enum blow blow_named(const char *word)
{
    for (int blow = 0; blow < BLOWS; blow++)
        if (strcmp(word, blow_words[blow]) == 0)
            return (enum blow)blow;
    give_up("--blow", "expected kill, term, stop, worker or none");
}

static struct plan read_plan(int argc, char **argv)
{
    struct plan plan = {.at = -1, .after_ms = -1, .most_ms = -1, .last_ms = -1};
    int i = 1;
    for (; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2) {
        if (strcmp(argv[i], "--ledger") == 0)
            plan.ledger = argv[i + 1];
        else if (strcmp(argv[i], "--at") == 0)
            plan.at = number(argv[i], argv[i + 1]);
        else if (strcmp(argv[i], "--after-ms") == 0)
            plan.after_ms = number(argv[i], argv[i + 1]);
        else if (strcmp(argv[i], "--most-ms") == 0)
            plan.most_ms = number(argv[i], argv[i + 1]);
        else if (strcmp(argv[i], "--last-ms") == 0)
            plan.last_ms = number(argv[i], argv[i + 1]);
        else if (strcmp(argv[i], "--for-ms") == 0)
            plan.for_ms = number(argv[i], argv[i + 1]);
        else if (strcmp(argv[i], "--pick") == 0)
            plan.pick = number(argv[i], argv[i + 1]);
        else if (strcmp(argv[i], "--blow") == 0)
            plan.blow = blow_named(argv[i + 1]);
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

/* How long there is to wait, or -1 without end. */
static long left_until(long due, long most)
{
    long first = due < 0 ? most : most < 0 || due < most ? due : most;
    long left = first - now_ms();
    return first < 0 ? -1 : left > 0 ? left : 0;
}

/* True when the moment has come, false when the command ended before. */
static bool await_moment(const struct plan *plan, struct watch *w, int process)
{
    bool counting = plan->at >= 0 && !reached(w, plan->at);
    long due = counting || plan->after_ms < 0 ? -1 : now_ms() + plan->after_ms;
    long most = plan->most_ms < 0 ? -1 : now_ms() + plan->most_ms;
    if (plan->at >= 0 && !counting && due < 0)
        due = now_ms();
    for (;;) {
        long left = left_until(due, most);
        if (left == 0)
            return true;
        struct pollfd both[] = {{.fd = process, .events = POLLIN},
                                {.fd = counting ? w->changes : -1, .events = POLLIN}};
        if (counting && (left < 0 || left > LOOK_MS))
            left = LOOK_MS;
        if (poll(both, 2, (int)left) < 0 && errno != EINTR)
            give_up("poll", strerror(errno));
        if (both[0].revents != 0)
            return false;
        if (counting && reached(w, plan->at)) {
            counting = false;
            due = now_ms() + (plan->after_ms > 0 ? plan->after_ms : 0);
        }
    }
}

/* ---- the blow ---- */

/* Who started a process, and its name. */
static pid_t parent_of(pid_t pid, char ret_name[32])
{
    char path[64], line[512];
    long parent = 0;
    snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fgets(line, sizeof(line), file) == NULL ||
        sscanf(line, "%*d (%31[^)]) %*c %ld", ret_name, &parent) != 2)
        parent = 0;
    fclose(file);
    return (pid_t)parent;
}

static bool is_worker_of(pid_t pid, pid_t host)
{
    char name[32], other[32];
    pid_t above = parent_of(pid, name);
    if (above == 0 || strcmp(name, "seam-worker") != 0)
        return false;
    while (above > 1 && above != host)
        above = parent_of(above, other);
    return above == host;
}

static void kill_worker(pid_t host, long pick)
{
    enum { WORKERS = 64 };
    pid_t found[WORKERS];
    long count = 0;
    DIR *all = opendir("/proc");
    if (all == NULL)
        give_up("/proc", strerror(errno));
    for (struct dirent *one; (one = readdir(all)) != NULL && count < WORKERS;) {
        pid_t pid = (pid_t)strtol(one->d_name, NULL, 10);
        if (pid > 0 && is_worker_of(pid, host))
            found[count++] = pid;
    }
    closedir(all);
    if (count > 0)
        kill(found[pick % count], SIGKILL);
}

/* Whether the command ended within that time. */
static bool ended_within(int process, long ms)
{
    long due = now_ms() + ms;
    for (;;) {
        long left = due - now_ms();
        struct pollfd one = {.fd = process, .events = POLLIN};
        int n = poll(&one, 1, left > 0 ? (int)left : 0);
        if (n > 0 || (n == 0 && left <= 0))
            return n > 0;
    }
}

static void strike(const struct plan *plan, pid_t pid, int process)
{
    switch (plan->blow) {
    case BLOW_KILL:
        kill(pid, SIGKILL);
        break;
    case BLOW_TERM:
        kill(pid, SIGTERM);
        break;
    case BLOW_STOP:
        kill(pid, SIGSTOP);
        ended_within(process, plan->for_ms);
        kill(pid, SIGCONT);
        break;
    case BLOW_WORKER:
        kill_worker(pid, plan->pick);
        break;
    case BLOW_NONE:
    case BLOWS:
        break;
    }
    if (plan->last_ms >= 0 && !ended_within(process, plan->last_ms))
        kill(pid, SIGKILL);
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
        strike(&plan, pid, process);
    waitpid(pid, &status, 0);
    watch_close(&w);
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
        fprintf(stderr, "strike: the command ended by signal %d\n", WTERMSIG(status));
    return !WIFSIGNALED(status)          ? WEXITSTATUS(status)
           : WTERMSIG(status) == SIGKILL ? EXIT_STRUCK
                                         : 128 + WTERMSIG(status);
}
