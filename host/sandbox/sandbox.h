/* SPDX-License-Identifier: Apache-2.0
 *
 * The sandbox: what a worker gives up before it touches the library of a stranger, and what is
 * known of it afterwards.
 *
 * A *protection* is one means of the kernel, with a name that the operator may say. A *promise* is
 * what the operator is told of every plugin in a worker; it has several ways, and holds where at
 * least one of them does. The host makes a plan from card, grants and policy; the worker applies
 * it, and says before any of the plugin's code runs what became of each protection, so that nothing
 * the plugin does can colour the report. A promise that has no way left refuses the plugin, unless
 * the operator gave it up by name.
 *
 * The worker reads foreign bytes nowhere: a plan comes as its arguments, from its host.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include "base/text.h"

#include <sys/types.h>

/* In the order in which they are applied. Name, word, and what it stops. */
#define PROTECTIONS(X)                                                                             \
    X(DESCRIPTORS, "descriptors", "inherits no file, socket or terminal of the host")              \
    X(USER_NS, "user-namespace", "has no privilege in the system, also where the host is root")    \
    X(PID_NS, "pid-namespace", "sees and signals no process but its own")                          \
    X(CGROUP, "cgroup",                                                                            \
      "takes, with all that it starts, no more memory and processes than it may")                  \
    X(IPC_NS, "ipc-namespace", "shares no System V or POSIX queue, semaphore or memory")           \
    X(UTS_NS, "uts-namespace", "does not see or change the name of the machine")                   \
    X(NETWORK_NS, "network-namespace", "has a network of its own, with nothing in it")             \
    X(PRIVATE_ROOT, "private-root", "sees the system's libraries and what was granted, no more")   \
    X(RLIMITS, "rlimits", "has bounds of memory, files and dumps")                                 \
    X(CAPABILITIES, "capabilities", "holds no capability and cannot get one")                      \
    X(NO_NEW_PRIVILEGES, "no-new-privileges", "gains nothing from set-user-ID programs")           \
    X(NOT_DUMPABLE, "not-dumpable", "is not read or traced by others of its user")                 \
    X(W_XOR_X, "w-xor-x", "makes no memory executable that it has written")                        \
    X(LANDLOCK, "landlock", "opens no file, TCP port or abstract socket but what was granted")     \
    X(SECCOMP, "seccomp", "asks the kernel for nothing but what plain computing needs")

enum protection {
#define X(name, word, stops) PROTECTION_##name,
    PROTECTIONS(X)
#undef X
        PROTECTION_COUNT
};

#define PROMISES(X)                                                                                \
    X(FILES, "files", "opens no file but its libraries and what was granted")                      \
    X(NETWORK, "network", "opens no socket; it reaches the network through the host")              \
    X(PROCESSES, "processes", "starts no program, and touches no process but its own")             \
    X(MEMORY, "memory", "takes no more memory than its limit")

enum sandbox_promise {
#define X(name, word, means) PROMISE_##name,
    PROMISES(X)
#undef X
        PROMISE_COUNT
};

const char *protection_word(enum protection p);
const char *protection_stops(enum protection p);
const char *promise_word(enum sandbox_promise p);
const char *promise_means(enum sandbox_promise p);
bool protection_find(const char *word, enum protection *ret_protection);
bool promise_find(const char *word, enum sandbox_promise *ret_promise);

/* ---- the plan ---- */

struct sandbox_path {
    char *path; /* absolute */
    bool write, exec;
};

struct sandbox_plan {
    uint32_t off;      /* protections that are left out, as 1u << PROTECTION_… */
    uint32_t required; /* … without which it must not run                      */
    uint32_t given_up; /* promises that need not hold, as 1u << PROMISE_…      */
    bool pure;         /* all of its agents are: it gets nothing to write to   */
    bool net, jit;     /* granted: sockets of its own; code made while it runs */
    bool exec;         /* granted: some programs, which stand in paths         */
    int64_t memory_bytes;
    struct sandbox_path *paths; /* granted, beside what every worker sees */
    size_t path_count;
    char *state; /* its own folder, which is one of paths; NULL: none */
    /* A socket that hears of every call that is denied, see sandbox_hear; 0: nobody asks, and a
     * denial costs nothing. The worker knows only that there is one. */
    int hearer;
};

/* The strictest: nothing granted, nothing left out, memory by LIMIT_PLUGIN_MEMORY. */
void sandbox_plan_init(struct sandbox_plan *plan);
void sandbox_plan_done(struct sandbox_plan *plan);
void sandbox_plan_add_path(struct sandbox_plan *plan, const char *path, bool write, bool exec);
static inline bool sandbox_leaves_out(const struct sandbox_plan *plan, enum protection p)
{
    return (plan->off & (1u << p)) != 0;
}

/* The plan as arguments of the worker, ended by NULL, after the `before` first ones, which are the
 * caller's to set; and back. */
char **sandbox_plan_words(const struct sandbox_plan *plan, size_t before);
void sandbox_words_free(char **words, size_t before);
bool sandbox_plan_read(char *const words[], struct sandbox_plan *ret_plan);

/* ---- what became of it ---- */

enum sandbox_state {
    SANDBOX_MISSING,  /* this kernel, or this place, does not have it: the note says why */
    SANDBOX_LEFT_OUT, /* by the operator                                                 */
    SANDBOX_NEEDLESS, /* a grant stands against it, or another protection does its work  */
    SANDBOX_WEAKER,   /* the note says by how much                                       */
    SANDBOX_ENFORCED,
};
const char *sandbox_state_word(enum sandbox_state state);

enum { SANDBOX_NOTE = 160 };

struct sandbox_report {
    struct {
        enum sandbox_state state;
        char note[SANDBOX_NOTE]; /* "" = nothing to say */
    } of[PROTECTION_COUNT];
};

void sandbox_report_set(struct sandbox_report *report, enum protection p, enum sandbox_state state,
                        const char *format, ...) PRINTF_LIKE(4, 5);
/* As lines, and back; false if they are not such lines. */
void sandbox_report_write(const struct sandbox_report *report, struct text *out);
bool sandbox_report_read(struct slice text, struct sandbox_report *ret_report);

/* The protections that keep a promise here, as 1u << PROTECTION_…; 0: nothing does. */
uint32_t sandbox_keeps(const struct sandbox_plan *plan, const struct sandbox_report *report,
                       enum sandbox_promise p);
/* ERR_DENIED, with the cure, if a promise has no way left that was not given up, or something that
 * is required is not enforced in full. */
WARN_UNUSED enum error_code sandbox_judge(const struct sandbox_plan *plan,
                                          const struct sandbox_report *report,
                                          struct error *reterr);

/* ---- the host's part ---- */

struct sandbox_child {
    const char *program;
    char **words;             /* of sandbox_plan_words, of which [0] is set and [1] is left to it */
    char *const *environment; /* ended by NULL */
    int input, output;        /* for 0; for 1 and 2 */
    const int *descriptors;   /* for 3, 4, …; each lies above those */
    size_t descriptor_count;
};

/* The group of control that bounds a worker and what it starts, where one can be made. */
struct sandbox_group;

/* Starts the program in the namespaces and the group of the plan that must be there from a
 * process's birth, with all signals blocked, as the leader of a session of its own, and to be
 * killed with the calling thread. *ret_group may be NULL; it is freed when the worker was reaped.
 */
WARN_UNUSED enum error_code sandbox_spawn(const struct sandbox_plan *plan,
                                          const struct sandbox_child *child, pid_t *ret_pid,
                                          int *ret_pidfd, struct sandbox_group **ret_group,
                                          struct error *reterr);

/* Whether the kernel has killed something in it because its memory was used up; of NULL not. */
bool sandbox_group_starved(const struct sandbox_group *group);
void sandbox_group_free(struct sandbox_group *group); /* and what still lives in it is killed */

/* How the first process of a namespace ends when the worker in it was killed by a signal: with this
 * and the signal's number, as shells say it. */
enum { SANDBOX_KILLED = 128 };

/* ---- what it denied ---- */

/* With a hearer the filter asks instead of answering, so that who listens may count what is denied,
 * and denies it: the plugin sees the same errors. What would kill is denied too. Not in earnest:
 * each denied call waits for its answer. */

enum { SANDBOX_CALLS = 512 };

/* Waits for the worker's listener on the other end of the hearer; -1: it sent none, for the kernel
 * has no such thing or another filter has taken it. */
int sandbox_hear(int hearer);
/* Takes one call that is denied, and denies it; waits for it. False: it came to nothing. */
bool sandbox_hear_call(int listener, int *ret_call);
/* "socket", or "call 471" in the room given. */
const char *sandbox_call_name(int call, char ret_room[static 24]);
/* Whether it kills who asks for it, where nobody hears. */
bool sandbox_call_kills(int call);

/* ---- the worker's part ---- */

struct sandbox_site {
    const char *born; /* the argument that sandbox_spawn has set: what it was born with */
    int library;      /* the descriptor of the library */
    int hearer;       /* … of the plan's hearer, if there is one */
    int keep;         /* descriptors from here on are closed, and those before are not passed on */
};

/* Gives up all that the plan says. In a namespace of processes, what returns is a child of the
 * first one, which stays behind, holds nothing, and ends as the child does. False: something
 * without which no plugin may run could not be done, and *ret_what names it; errno says why.
 * *ret_library is where the library lies now. */
WARN_UNUSED bool sandbox_apply(const struct sandbox_plan *plan, const struct sandbox_site *site,
                               struct sandbox_report *ret_report, char ret_library[static 64],
                               const char **ret_what);

#endif
