/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract between a Seam host and a plugin, and all of it: C11 or C++17, nothing but libc.
 *
 * A plugin is a shared object that exports one function, seam_plugin_v1(). It returns a constant
 * table; the host hands it a table of services in create(). A plugin imports no symbol of the host.
 * What the plugin is and asks for stands in its card, JSON in the ELF section ".seam.card", which
 * the host reads and accepts before any code of the plugin runs. After that the table must say what
 * the card says.
 *
 * The laws, for both sides:
 *  1. The major version is in the name of the exported function. A minor version only appends.
 *  2. Every struct that crosses begins with `size`, sizeof as its writer was compiled. A reader
 *     reads a field only if the size covers it (SEAM_HAS). Arrays hold pointers to such structs.
 *  3. Every pointer argument is valid until the function it was passed to returns. To keep is to
 *     copy. Nobody frees the other side's memory. What a table points to lives as long as the
 * table.
 *  4. A call is an integer, never a pointer. A late, double or unknown completion is counted and
 *     dropped; it harms nothing.
 *  5. A call that start() took (SEAM_OK) is completed exactly once, inside start() or later, from
 *     any thread.
 *  6. Only ids and bytes cross, so the same plugin runs inside the host or in a worker process and
 *     cannot tell which.
 *  7. What is not known is taken as the worse: a status as SEAM_E_INTERNAL, an effect class as
 *     SEAM_WRITE, an outcome as SEAM_EFFECT_UNKNOWN; an op or extension is SEAM_E_UNSUPPORTED.
 *
 * Threads are named in brackets: [loader] one at a time, before the first and after the last call;
 * [pool] a thread that may block, at most the card's `max_concurrency` at once (1 unless it says
 * more, so a first plugin needs no lock); [loop] the host's event loop, which must never be
 * blocked; [any] every thread, the plugin's own included.
 *
 * Exceptions, longjmp, exit() and signals' handlers never cross this line. SIGPIPE is ignored.
 */
#ifndef SEAM_PLUGIN_H
#define SEAM_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define SEAM_ABI_MAJOR    1u /* in the name of seam_plugin_v1() */
#define SEAM_ABI_MINOR    0u /* the newest minor that this header describes */
#define SEAM_ENTRY_SYMBOL "seam_plugin_v1"
#define SEAM_CARD_SECTION ".seam.card"

/* True if the struct at `p`, of type `type`, was written with `field` in it. */
#define SEAM_HAS(p, type, field) ((size_t)(p)->size >= offsetof(type, field) + sizeof((p)->field))

#if defined(__cplusplus)
#define SEAM_STATIC_ASSERT(condition, text) static_assert(condition, text)
#define SEAM_EXPORT                         extern "C" __attribute__((visibility("default")))
extern "C" {
#else
#define SEAM_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#define SEAM_EXPORT                         __attribute__((visibility("default")))
#endif

/* A call in progress. Unique in the host's life and never 0; 0 stands for "no call" where noted. */
typedef uint64_t seam_id;

/* One of SEAM_OK and SEAM_E_*. */
typedef int32_t seam_status;

/* Bytes, UTF-8 where they are text. Not ended by NUL; unchanged while borrowed. ptr may be NULL if
 * len is 0. */
typedef struct seam_bytes {
    const char *ptr;
    size_t len;
} seam_bytes;

/* How something ended. "Transient" failures may pass by themselves: UNAVAILABLE, RATE_LIMITED,
 * TIMEOUT and BUSY. All others are permanent: the same call would fail again. Whether anything *is*
 * tried again, the host decides, from the effect class and the outcome; a plugin never retries. */
enum {
    SEAM_OK = 0,
    SEAM_E_INPUT = 1,          /* what was given is wrong; another input might do */
    SEAM_E_FAILED = 2,         /* it was tried properly and the answer is no */
    SEAM_E_UNAVAILABLE = 3,    /* transient: who is needed does not answer */
    SEAM_E_RATE_LIMITED = 4,   /* transient: too often; see retry_after_ms */
    SEAM_E_DENIED = 5,         /* a grant, a policy or the other side forbids it */
    SEAM_E_BUDGET = 6,         /* attempts, tokens, cost, calls or time are spent */
    SEAM_E_TIMEOUT = 7,        /* transient: no answer in time */
    SEAM_E_CANCELLED = 8,      /* the host asked for it to stop */
    SEAM_E_BUSY = 9,           /* transient: no room now */
    SEAM_E_UNSUPPORTED = 10,   /* this op, extension or agent is not known here */
    SEAM_E_INTERNAL = 11,      /* a defect of whoever reports it */
    SEAM_E_INPUT_REQUIRED = 12 /* a person must say; body {"question","schema"}; nothing was done */
};

/* What an agent may do to the world. What declares nothing is SEAM_WRITE. */
enum {
    SEAM_PURE = 0,             /* same input, same output, touches nothing: may be cached */
    SEAM_READ = 1,             /* looks at the world: repeatable, the result may differ */
    SEAM_WRITE_IDEMPOTENT = 2, /* changes the world; twice with the same key is once */
    SEAM_WRITE = 3             /* changes the world; at most once */
};

/* Flags of an agent, or-ed. */
enum {
    SEAM_DESTRUCTIVE = 1u, /* what it changes cannot be had back */
    SEAM_OPEN_WORLD = 2u,  /* reaches beyond the systems that the operator controls */
    SEAM_NONBLOCKING = 4u  /* start() and cancel() never block: they run on [loop] */
};

/* Did the outside world change? */
enum {
    SEAM_EFFECT_NONE = 0,   /* surely not */
    SEAM_EFFECT_DONE = 1,   /* surely, and the body tells the result */
    SEAM_EFFECT_UNKNOWN = 2 /* perhaps */
};

/* Levels of log(). */
enum { SEAM_LOG_DEBUG = 0, SEAM_LOG_INFO = 1, SEAM_LOG_WARNING = 2, SEAM_LOG_ERROR = 3 };

/* Clocks of now_ns(). */
enum {
    SEAM_CLOCK_MONOTONIC = 0, /* deadlines are on this one */
    SEAM_CLOCK_REALTIME = 1   /* since 1970-01-01 UTC */
};

/* One call of an agent. Host to plugin; borrowed until start() returns. */
typedef struct seam_call {
    uint32_t size;
    uint32_t attempt;           /* 1, 2, …; above 1 it is a retry, or a replay after a crash */
    seam_id id;                 /* names the call in every service below */
    uint64_t deadline_ns;       /* SEAM_CLOCK_MONOTONIC; 0 = none */
    seam_bytes agent;           /* the agent's name as in the table and the card */
    seam_bytes input;           /* JSON, already valid against the agent's input schema */
    seam_bytes idempotency_key; /* the same for every attempt of this step of this run */
    seam_bytes feedback; /* why the previous attempt's output was refused; empty on the first */
} seam_call;

/* How a call or a request ended. Either direction; borrowed until the receiver returns. */
typedef struct seam_reply {
    uint32_t size;
    seam_status status;
    /* What its writer claims. The host believes it only where it is worse than what it saw. */
    uint32_t effect;
    /* For transient statuses, the earliest time that another try makes sense; 0 = not said. */
    uint32_t retry_after_ms;
    /* SEAM_OK: JSON for the agent's output schema, or the op's response schema. Else an error
     * object {"message", …} (schemas/ops/error.json), or empty. */
    seam_bytes body;
    /* The stable reason of a failure, for programs: "vendor.rate-limited". May be empty. */
    seam_bytes code;
} seam_reply;

/* Takes the answer of a request. `reply` is borrowed until it returns. [any] */
typedef void (*seam_reply_fn)(void *user, const seam_reply *reply);

/* The host's services. Valid from create() until destroy() returns; pass it back as the first
 * argument. A wrong or finished id is never an error that can harm: see each function. */
typedef struct seam_host {
    uint32_t size;
    uint32_t abi_minor; /* the newest minor that this host serves */
    void *ctx;          /* the host's own */

    /* Ends a call. Everything in `reply` is copied before it returns. Nothing is answered, for
     * across processes nobody could know at once: a second completion of a call, or one after its
     * end, is counted and dropped. Output that breaks the output schema is refused later, and comes
     * back as `feedback` if the call may be tried again. [any] */
    void (*complete)(const struct seam_host *host, seam_id call, const seam_reply *reply);

    /* Streams a piece of output to whoever watches; it is provisional, only complete() counts.
     * SEAM_OK, SEAM_E_BUSY (dropped: nobody reads fast enough), SEAM_E_CANCELLED (stop; also for a
     * call that has ended). [any] */
    seam_status (*emit)(const struct seam_host *host, seam_id call, seam_bytes chunk);

    /* Asks for a service by its name and version, "http.send/1", with a JSON body as in the schema
     * schemas/ops/<op>.request.json. Does not block. `answer` runs exactly once, whatever is
     * returned, perhaps before this returns, on any thread. SEAM_OK: it is on its way; anything
     * else: it was refused at the door, nothing was done, and `answer` has been given the same
     * status. Requests are bound to a call in progress, its deadline, grants and budget; they are
     * answered SEAM_E_CANCELLED when it ends. [any] */
    seam_status (*request)(const struct seam_host *host, seam_id call, const char *op,
                           seam_bytes body, seam_reply_fn answer, void *user);

    /* The same, but returns after `answer` ran (on this thread), with the status it was given.
     * Blocks until the answer, the deadline or cancellation. On [loop] it is refused with
     * SEAM_E_UNSUPPORTED. [pool], and threads of the plugin */
    seam_status (*request_wait)(const struct seam_host *host, seam_id call, const char *op,
                                seam_bytes body, seam_reply_fn answer, void *user);

    /* Non-zero if the call should stop soon: cancelled, past its deadline, or ended. [any] */
    uint32_t (*cancelled)(const struct seam_host *host, seam_id call);

    /* Nanoseconds on a SEAM_CLOCK_*; 0 for a clock that is not known. [any] */
    uint64_t (*now_ns)(const struct seam_host *host, uint32_t clock);

    /* One line of text for the operator, cut at the host's limit. `call` may be 0. [any] */
    void (*log)(const struct seam_host *host, seam_id call, uint32_t level, seam_bytes text);

    /* A table of further services, or NULL. `id` as "name/1". [any] */
    const void *(*extension)(const struct seam_host *host, const char *id);
} seam_host;

/* An agent of the table. Must say what the card says of the agent of this name. */
typedef struct seam_agent {
    uint32_t size;
    uint32_t effect; /* SEAM_PURE … SEAM_WRITE */
    uint32_t flags;  /* SEAM_DESTRUCTIVE | SEAM_OPEN_WORLD | SEAM_NONBLOCKING */
    const char *name;
} seam_agent;

/* The plugin's table: constant, valid for ever, since a plugin is never unloaded. */
typedef struct seam_plugin {
    uint32_t size;
    uint32_t abi_minor;  /* the newest minor that it NEEDS, not the one it was built with */
    const char *id;      /* reverse DNS, as in the card */
    const char *version; /* semver, as in the card */

    /* Ended by NULL, in any order. Empty if the card says "agents_from": "config". */
    const seam_agent *const *agents;

    /* Makes the instance. `config` is JSON, valid against the card's config schema ("{}" without
     * one). `host` may be kept, `config` not. On SEAM_OK *ret_self is handed to all functions
     * below, and may be NULL; on failure there is nothing to destroy. No call exists yet, so no
     * request can be made. Required. [loader] */
    seam_status (*create)(const seam_host *host, seam_bytes config, void **ret_self);

    /* Takes a call. SEAM_OK: it will be completed, or has been. Anything else: it was not taken,
     * nothing was done, and complete() must not be called for it. A straight-line agent does its
     * work here and calls complete() last; an asynchronous one calls request() and returns.
     * Required. [pool], or [loop] if the agent is SEAM_NONBLOCKING */
    seam_status (*start)(void *self, const seam_call *call);

    /* The call should end soon; complete it with SEAM_E_CANCELLED, or as it turns out. May come
     * while start() runs, and after complete(). NULL: the plugin looks at cancelled(). [any], never
     * blocks */
    void (*cancel)(void *self, seam_id call);

    /* No call will start any more. Bring those in progress to their end within the card's `drain`
     * time. SEAM_OK in any case but a defect. NULL: nothing to do. [loader] */
    seam_status (*quiesce)(void *self);

    /* Frees the instance, after its last call has ended. NULL: nothing to do. [loader] */
    void (*destroy)(void *self);

    /* A table of further functions of the plugin, or NULL. `self` is the instance, `id` as
     * "seam.describe/1". NULL: it has none. [loader] */
    const void *(*extension)(void *self, const char *id);
} seam_plugin;

/* The extension "seam.describe/1" of a plugin: required if its card says "agents_from": "config".
 * It is how a plugin whose agents stand in its configuration (a model, a tool server) lists them.
 */
#define SEAM_DESCRIBE_EXTENSION "seam.describe/1"
typedef struct seam_describe {
    uint32_t size;
    /* A call as in seam_plugin.start, of effect class SEAM_READ, whose agent is "seam.describe/1"
     * and whose input is {}. It is completed with {"agents": […]}, each in the card's own form;
     * these are checked, approved and pinned as a card's are, and later lists must be equal. A
     * failure's message tells what is wrong, and where in the configuration. Of the services it has
     * http.send/1 and http.open/1 of what the grants call reads, http.read/1, http.close/1,
     * secret.use/1 and clock.sleep/1, for the host's limit of time; any other request is answered
     * SEAM_E_UNSUPPORTED. [pool] */
    seam_status (*start)(void *self, const seam_call *call);
} seam_describe;

/* The extension "seam.watch/1" of a plugin that describes its agents, and can learn that they are
 * others: a tool server says so, a file changes. */
#define SEAM_WATCH_EXTENSION "seam.watch/1"
typedef struct seam_watch {
    uint32_t size;
    /* A call with the services of seam.describe/1, and without a deadline, that a host which stays
     * makes when the plugin is up; it takes no place of max_concurrency. It must return soon, and
     * is completed later, from any thread, when the agents are not those that were described last:
     * SEAM_OK and {}. The host then has them described by another instance, takes these beside this
     * one as it takes a reload, and asks again, at its own pace. Anything but SEAM_OK: nothing can
     * be learned any more. It is cancelled when the plugin is to end. What it says is a hint:
     * agents that are not what was described are the plugin's to refuse, for as long as it is
     * called. [pool] */
    seam_status (*start)(void *self, const seam_call *call);
} seam_watch;

/* The one symbol that a plugin exports. `host_minor` is the newest minor that the host serves.
 * NULL: this plugin cannot work with such a host. Runs in a sandbox and must have no effect. */
SEAM_EXPORT const seam_plugin *seam_plugin_v1(uint32_t host_minor);

/* The layout is the interface: 64-bit, little endian or big, gcc or clang. */
#define SEAM_AT_(type, field, offset)                                                              \
    SEAM_STATIC_ASSERT(offsetof(type, field) == (offset), #type "." #field " moved")
SEAM_STATIC_ASSERT(sizeof(void *) == 8, "the ABI is defined for 64-bit systems");
SEAM_STATIC_ASSERT(sizeof(seam_bytes) == 16, "seam_bytes is frozen");
SEAM_AT_(seam_bytes, ptr, 0);
SEAM_AT_(seam_bytes, len, 8);
SEAM_STATIC_ASSERT(sizeof(seam_call) == 88, "seam_call only grows by a minor version");
SEAM_AT_(seam_call, size, 0);
SEAM_AT_(seam_call, attempt, 4);
SEAM_AT_(seam_call, id, 8);
SEAM_AT_(seam_call, deadline_ns, 16);
SEAM_AT_(seam_call, agent, 24);
SEAM_AT_(seam_call, input, 40);
SEAM_AT_(seam_call, idempotency_key, 56);
SEAM_AT_(seam_call, feedback, 72);
SEAM_STATIC_ASSERT(sizeof(seam_reply) == 48, "seam_reply only grows by a minor version");
SEAM_AT_(seam_reply, size, 0);
SEAM_AT_(seam_reply, status, 4);
SEAM_AT_(seam_reply, effect, 8);
SEAM_AT_(seam_reply, retry_after_ms, 12);
SEAM_AT_(seam_reply, body, 16);
SEAM_AT_(seam_reply, code, 32);
SEAM_STATIC_ASSERT(sizeof(seam_host) == 80, "seam_host only grows by a minor version");
SEAM_AT_(seam_host, size, 0);
SEAM_AT_(seam_host, abi_minor, 4);
SEAM_AT_(seam_host, ctx, 8);
SEAM_AT_(seam_host, complete, 16);
SEAM_AT_(seam_host, emit, 24);
SEAM_AT_(seam_host, request, 32);
SEAM_AT_(seam_host, request_wait, 40);
SEAM_AT_(seam_host, cancelled, 48);
SEAM_AT_(seam_host, now_ns, 56);
SEAM_AT_(seam_host, log, 64);
SEAM_AT_(seam_host, extension, 72);
SEAM_STATIC_ASSERT(sizeof(seam_agent) == 24, "seam_agent only grows by a minor version");
SEAM_AT_(seam_agent, size, 0);
SEAM_AT_(seam_agent, effect, 4);
SEAM_AT_(seam_agent, flags, 8);
SEAM_AT_(seam_agent, name, 16);
SEAM_STATIC_ASSERT(sizeof(seam_plugin) == 80, "seam_plugin only grows by a minor version");
SEAM_AT_(seam_plugin, size, 0);
SEAM_AT_(seam_plugin, abi_minor, 4);
SEAM_AT_(seam_plugin, id, 8);
SEAM_AT_(seam_plugin, version, 16);
SEAM_AT_(seam_plugin, agents, 24);
SEAM_AT_(seam_plugin, create, 32);
SEAM_AT_(seam_plugin, start, 40);
SEAM_AT_(seam_plugin, cancel, 48);
SEAM_AT_(seam_plugin, quiesce, 56);
SEAM_AT_(seam_plugin, destroy, 64);
SEAM_AT_(seam_plugin, extension, 72);
SEAM_STATIC_ASSERT(sizeof(seam_describe) == 16, "seam_describe only grows by a minor version");
SEAM_AT_(seam_describe, size, 0);
SEAM_AT_(seam_describe, start, 8);
SEAM_STATIC_ASSERT(sizeof(seam_watch) == 16, "seam_watch only grows by a minor version");
SEAM_AT_(seam_watch, size, 0);
SEAM_AT_(seam_watch, start, 8);
#undef SEAM_AT_

#if defined(__cplusplus)
}
#endif

#endif
