/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs as agents, on plugin-api/ alone. agents.c reads the configuration; keeper.c starts a
 * program and sees to it that nothing of it is left; call.c moves bytes between it and the host,
 * lines.c speaks with one that wants the host's services, outcome.c says what its end means.
 */
#ifndef EXEC_H
#define EXEC_H

#include <seam/sdk.h>

#include <pthread.h>
#include <sys/types.h>

enum {
    EXEC_FILE = 1 << 20,        /* a file of declarations or a schema, bytes */
    EXEC_OUTPUT = 1 << 20,      /* what a program prints, unless it says otherwise, bytes */
    EXEC_OUTPUT_MAX = 64 << 20, /* … and the most that it may say */
    EXEC_GRACE_MS = 500,        /* from SIGTERM to SIGKILL */
    EXEC_GRACE_MOST_MS = 800,   /* the host kills a worker that does not stop within a second */
    EXEC_LINE = 1000,           /* of stderr, in the log, bytes */
    EXEC_LAST = 1000,           /* … and of its last lines, in the message of a failure */
    EXEC_FEEDBACK = 100000,     /* of it, in the environment; the kernel takes 128 kB */
    EXEC_DEPTH = 4              /* files of declarations that name files */
};

/* Why it is wrong: the first reason counts. */
struct trouble {
    char text[512];
};
__attribute__((format(printf, 2, 3))) bool trouble_say(struct trouble *t, const char *format, ...);

/* What an exit code means. */
struct exit_rule {
    int exit;
    seam_status status;
    char *code, *message; /* or NULL */
    bool nothing_done;
};

struct agent {
    char *name;
    char **command, **env; /* ended by NULL; env has room for what each call adds */
    size_t env_count;
    char *cwd;
    uint32_t effect;
    bool lines;
    int64_t timeout_ms, memory; /* -1 = none */
    int grace_ms;
    size_t output_limit;
    struct exit_rule *exits;
    size_t exit_count;
    seam_bytes json;          /* the declaration; in the configuration or one of texts */
    seam_bytes input, output; /* the schemas, likewise */
};

struct agents {
    struct agent *list;
    size_t count;
    char **texts; /* of files, which the agents point into */
    size_t text_count;
};

bool agents_read(struct agents *agents, seam_bytes config, struct trouble *trouble);
void agents_done(struct agents *agents);
/* {"agents": […]} as seam.describe/1 wants it. */
void agents_write(const struct agents *agents, seam_writer *out);

/* ---- a program and its keeper ---- */

struct program {
    pid_t keeper;
    int in, out, err;    /* its stdin, stdout and stderr: this end, which does not block */
    int control, status; /* to the keeper and from it */
};

/* What comes from the keeper. */
struct news {
    char kind; /* 'x': could not be started, errno. 'e': ended, as waitpid tells it */
    int value;
};

/* Starts it. 0, or errno; what the program itself cannot do comes as news. */
int program_start(struct program *program, const struct agent *agent, char *const *env);
/* SIGTERM to all of it, SIGKILL after the grace. */
void program_end(const struct program *program);
/* SIGKILL to all of it. */
void program_kill(struct program *program);
/* Waits for the keeper, which is about to end, and closes all. */
void program_done(struct program *program);

/* ---- a call ---- */

struct buffer {
    char *ptr;
    size_t len, room;
};
bool buffer_add(struct buffer *buffer, const char *ptr, size_t len);
void buffer_drop(struct buffer *buffer, size_t len);

enum stop { STOP_NOT, STOP_TIMEOUT, STOP_CANCELLED, STOP_TOO_LARGE, STOP_PROTOCOL, STOP_LINGERS };

/* What a program that speaks in lines has said last. */
enum said { SAID_NOTHING, SAID_OUTPUT, SAID_ERROR, SAID_ASK };

struct call {
    const seam_host *host;
    const struct agent *agent;
    seam_id id;
    int wake; /* an eventfd: the call should end */
    struct call *next;
    struct program program;
    struct buffer to, from, line; /* stdin to be written, stdout unread, a line of stderr */
    bool line_cut;
    struct buffer last; /* the last lines of stderr */
    size_t lines;       /* of stdout that were read */
    enum stop stop;
    struct news news;
    struct buffer answer; /* the line of `said` */
    enum said said;
    struct trouble trouble; /* of the protocol */
};

/* Takes what has come on stdout: whole lines. False: the call is to be stopped. */
bool lines_take(struct call *call);
void lines_greet(struct call *call, const seam_call *asked);

/* Runs the program to its end and completes the call. */
seam_status call_run(struct call *call, const seam_call *asked);
/* Completes it, from all that was seen. */
void call_complete(struct call *call);
void call_complete_not_started(struct call *call, int error);

#endif
