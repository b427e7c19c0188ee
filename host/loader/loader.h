/* SPDX-License-Identifier: Apache-2.0
 *
 * The loader: from a file that a stranger wrote to agents that can be called. It reads cards and
 * the manifest without running anything, starts a plugin in a worker process of its own (the
 * default) or in this process, and carries calls and answers, the same way for both: ids and byte
 * strings, nothing shared. Whatever a plugin does, its calls end, once each, and the host lives.
 *
 * Everything here belongs to the owner's thread. One descriptor per plugin (an epoll of its socket,
 * pidfd and timers) tells when to dispatch; callbacks come from plugin_dispatch only. That thread
 * must outlive its workers: they die with it. SIGPIPE must be ignored
 * where plugins run in this process; a constructor that hangs there holds the lock of the dynamic
 * loader for ever, even against exit().
 */
#ifndef LOADER_LOADER_H
#define LOADER_LOADER_H

#include "base/limits.h"
#include "loader/card.h"
#include "loader/manifest.h"
#include "sandbox/sandbox.h"

/* One life of a plugin: a worker process, or the library in this process. A dead worker is not
 * restarted here; the runtime starts another plugin. */
struct plugin;

/* How a call ended, as the host saw it. */
enum call_end {
    CALL_COMPLETED, /* the agent completed it: status and the rest are its own           */
    CALL_TIMED_OUT, /* deadline, cancel, grace: the agent did not answer in time         */
    CALL_CRASHED,   /* its process died, or was killed because another call hung         */
    CALL_BROKE_ABI, /* invalid UTF-8, an answer over the limit, a worker that lies, …    */
};

struct call_result {
    uint64_t call;
    enum call_end end;
    int32_t status;  /* seam_status, with COMPLETED; unknown ones became INTERNAL */
    uint32_t effect; /* SEAM_EFFECT_*, what the agent claims; unknown = UNKNOWN; NONE if
                        it has not begun                                          */
    uint32_t retry_after_ms;
    struct slice body, code; /* borrowed; valid UTF-8                                     */
    bool begun;              /* false: it never left the line, surely nothing was done    */
    bool reaped;             /* nothing of this call runs any more                        */
    const char *reason;      /* in words, for the other ends: "killed by SIGSEGV"; else "" */
};

/* What a plugin did that no plugin may do, whatever it is called with. */
enum plugin_fault {
    PLUGIN_SOUND,   /* nothing; or it said itself, in its right mind, that it cannot work  */
    PLUGIN_CRASHED, /* its process ended                                                   */
    PLUGIN_HUNG,    /* it did not return, and was killed                                   */
    PLUGIN_BREACH,  /* a table unlike its card, or words that no plugin's worker would say */
};

struct plugin_handlers { /* all are set; watched only by who asks for it */
    /* Loaded, its table equal to its card, created; or err says why it was refused. Once. */
    void (*ready)(void *user, const struct error *err);
    void (*completed)(void *user, const struct call_result *result);
    /* The plugin asks for a service; answered by plugin_answer, once, in any order. */
    void (*requested)(void *user, uint64_t call, uint64_t request, struct slice op,
                      struct slice body);
    void (*emitted)(void *user, uint64_t call, struct slice chunk);
    void (*logged)(void *user, uint64_t call, uint32_t level, struct slice text);
    /* The worker is gone and reaped; every call of it has been completed as CRASHED or TIMED_OUT
     * before. Only plugin_free is left. Never called for a plugin in this process. */
    void (*down)(void *user, const char *reason);
    /* For plugin_watch: its agents are not what they were; false: it does not watch, or not any
     * more. */
    void (*watched)(void *user, bool changed);
};

struct plugin_options {
    bool in_process;
    const char *worker;  /* path of seam-worker                                       */
    const char *library; /* a copy of the card's library; NULL, or one that is not what it was:
                            the card's path                                           */
    struct slice config; /* JSON, valid against the card's `config`                   */
    int max_concurrency; /* calls at once, and threads for blocking agents; others wait in
                            line                                                      */
    const struct sandbox_plan *sandbox; /* of a worker; NULL = the strictest               */
    int64_t grace_ms;            /* from cancel to kill                                       */
    int64_t load_ms;             /* from the start to ready(); 0 = LIMIT_LOAD_MS …            */
    int64_t describe_ms;         /* … to name its agents; 0 = LIMIT_DESCRIBE_MS               */
    size_t payload;              /* bytes of an answer, chunk or request; more = BROKE_ABI    */
    int64_t log_rate, log_burst; /* lines in a second, and at once; 0 = LIMIT_LOG_LINES         */
};

/* The plan of a plugin's worker: what its card asks for and its manifest grants, by the policy of
 * the manifest. Makes the folder of its state, if it is granted. */
WARN_UNUSED enum error_code plugin_plan(const struct card *card,
                                        const struct manifest_plugin *entry,
                                        struct sandbox_plan *ret_plan, struct error *reterr);

/* Starts a plugin; ready() tells the outcome later. Keeps nothing of card and options. What is
 * loaded is what the card was read from, byte for byte, or nothing. */
WARN_UNUSED enum error_code plugin_start(const struct card *card,
                                         const struct plugin_options *options,
                                         const struct plugin_handlers *handlers, void *user,
                                         struct plugin **ret_plugin, struct error *reterr);
int plugin_fd(const struct plugin *plugin);
void plugin_dispatch(struct plugin *plugin);
/* If a plugin in this process has calls under way, and lately answered at once, looks for a moment
 * whether it does so again, and then dispatches. False: wait for the descriptor. */
bool plugin_listen(struct plugin *plugin);

struct plugin_call {
    const char *agent; /* the card's name                                           */
    uint32_t attempt;
    int64_t deadline_ms; /* from now; -1 = none                                       */
    struct slice input, key, feedback;
};

/* Sends a call; completed() ends it. The id has the plugin's generation in it and is never reused.
 * 0: LIMIT_CALLS or LIMIT_LINE_BYTES are met; nothing was sent and completed() will not come. May
 * be called before ready(). What is sent leaves with the dispatch under way or the next one. */
uint64_t plugin_call(struct plugin *plugin, const struct plugin_call *call);
/* Asks the agent to stop; after the grace its worker is killed. Ignores ids that have ended. */
void plugin_cancel(struct plugin *plugin, uint64_t call);

struct plugin_answer {
    int32_t status; /* seam_status */
    uint32_t effect, retry_after_ms;
    struct slice body, code;
};
/* Once for each requested(), also if its call has ended since; then it is dropped. */
void plugin_answer(struct plugin *plugin, uint64_t request, const struct plugin_answer *answer);

struct plugin_counts {
    size_t under_way, waiting;      /* calls                                                     */
    uint64_t calls, stale, crashes; /* stale: late, double and unknown completions, dropped      */
    uint64_t abandoned;             /* calls that hang in this process, each with its thread     */
    long pid;                       /* 0 in this process                                         */
};
struct plugin_counts plugin_counts(const struct plugin *plugin);

enum plugin_fault plugin_fault(const struct plugin *plugin);
/* The last lines that it logged or printed, oldest first; borrowed. Returns how many. */
size_t plugin_last_lines(const struct plugin *plugin, const char *ret_lines[static LIMIT_LOG_LAST]);

/* A plugin that serves is asked to tell when its agents are others than it described; watched()
 * says how that ended, once. Does nothing if they stand in its card, or it is asked already. */
void plugin_watch(struct plugin *plugin);
/* The call that asks it for its agents, or that watches them, by which it may ask for services; 0:
 * none is under way. It ends with ready(), watched() or down(), and is told of by no completed().
 */
uint64_t plugin_describing(const struct plugin *plugin);
/* What its extension seam.describe/1 listed, a JSON array; NULL for a plugin whose agents stand in
 * its card, or that is not ready. Borrowed from the plugin. */
json_t *plugin_described(const struct plugin *plugin);
/* How an agent of it that was accepted is not what was accepted, so that its calls are refused;
 * NULL: all are. Of more than one it is the first; of all of them, the plugin is refused. */
const char *plugin_lost(const struct plugin *plugin);

/* What holds its worker, as the worker said before anything of the plugin ran; NULL: it has not
 * said so yet, or there is no worker, and so nothing that holds it. */
const struct sandbox_report *plugin_sandbox(const struct plugin *plugin);

/* It is not asked to end well: its worker is killed now, and plugin_free does not wait for it. */
void plugin_give_up(struct plugin *plugin);
/* Tells it to end, for which plugin_free then need not wait as long. */
void plugin_stop(struct plugin *plugin);
/* quiesce, destroy, and the worker's end; waits for them, and kills what does not stop within the
 * grace. Calls that have not ended get no completed(). A library in this process stays loaded for
 * ever; calls that still run there are abandoned. May be called from a callback. */
void plugin_free(struct plugin *plugin);

#endif
