/* SPDX-License-Identifier: Apache-2.0
 *
 * The kit at work: the names of the checks as numbers, and what the levels share.
 */
#ifndef CONFORMANCE_KIT_INTERNAL_H
#define CONFORMANCE_KIT_INTERNAL_H

#include "conformance/conformance.h"
#include "loader/loader.h"

/* Is the host built under a sanitizer? gcc and clang say it apart. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KIT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KIT_SANITIZED 1
#endif
#endif
#ifndef KIT_SANITIZED
#define KIT_SANITIZED 0
#endif

/* Number, name, level, claim, cure. In the order in which they are asked. */
#define CHECKS(X)                                                                                  \
    X(EXPORTS, "L1.exports", 1, "exports seam_plugin_v1 and nothing else",                         \
      "link with the version script seam-plugin.map, or use seam_add_plugin()")                    \
    X(RELOCATIONS, "L1.relocations", 1, "has no relocations in its code (DT_TEXTREL)",             \
      "compile every object with -fPIC")                                                           \
    X(STACK, "L1.stack", 1, "does not ask for an executable stack",                                \
      "link with -z noexecstack; in assembly add .section .note.GNU-stack")                        \
    X(SEARCH_PATH, "L1.search-path", 1, "looks for libraries in no folder but its own",            \
      "drop -rpath, or let each of its folders begin with $ORIGIN")                                \
    X(LIBRARIES, "L1.libraries", 1, "the libraries that it needs are there",                       \
      "install them, link them statically, or ship them beside the plugin with -rpath $ORIGIN")    \
    X(IMPORTS, "L1.imports", 1, "imports nothing but what its libraries define",                   \
      "link what defines it, with -z defs; a plugin imports no symbol of the host")                \
    X(CARD, "L1.card", 1, "has a card that the host accepts",                                      \
      "mend the card and build again; schemas/card.schema.json says what stands in it")            \
    X(ABI, "L1.abi", 1, "needs an ABI that this host serves",                                      \
      "say in the card the oldest minor that the plugin needs, or update seam")                    \
    X(EFFECTS, "L1.effects", 1, "what the card says of effects agrees with itself",                \
      "settle, ref, reconcile and key_ttl belong to agents that write")                            \
    X(LIMITS, "L1.limits", 1, "what the card says of limits and outputs agrees with itself",       \
      "let drain and settle be no longer than a host waits, and pointers lead into the output")    \
    X(LOAD, "L2.load", 2, "loads, gives its table and is created",                                 \
      "run it under a debugger; a constructor or create() fails, hangs or crashes")                \
    X(TABLE, "L2.table", 2, "its table says what its card says",                                   \
      "build the library and its card together")                                                   \
    X(HOST_TABLES, "L2.host-tables", 2, "works with shorter and longer tables of the host",        \
      "read a field of seam_host or seam_call only if SEAM_HAS() says that it is there")           \
    X(LIVES, "L2.lives", 2, "its process outlives every call",                                     \
      "run the input under a debugger or valgrind; never exit() or abort() in a plugin")           \
    X(ANSWERS, "L2.answers", 2, "ends every call in time",                                         \
      "complete() each call that start() took, on every path")                                     \
    X(ONCE, "L2.once", 2, "completes each call once, and no other",                                \
      "complete() a call exactly once, by the id that start() was given")                          \
    X(BYTES, "L2.bytes", 2, "hands over only what the ABI allows",                                 \
      "set .size, give valid UTF-8, and stay under the limit of an answer")                        \
    X(OUTPUT, "L2.output", 2, "every answer fulfils the output contract",                          \
      "mend the agent, or the output schema of its card")                                          \
    X(STATUS, "L2.status", 2, "refuses valid input only with a status that says why",              \
      "answer INPUT, FAILED, DENIED or a transient status; INTERNAL is a defect")                  \
    X(CODES, "L2.codes", 2, "every refusal has a code that the card lists",                        \
      "list the code under `errors` of the agent, or give one that stands there")                  \
    X(WORKS, "L2.works", 2, "an agent that asks the world for nothing does its work",              \
      "let at least one valid input be answered OK, or tighten the input schema")                  \
    X(QUIET, "L2.quiet", 2, "logs, prints and emits in bounds",                                    \
      "log what an operator needs; print nothing")                                                 \
    X(NONBLOCKING, "L2.nonblocking", 2, "start() of a nonblocking agent returns at once",          \
      "use request() and answer later, or take `nonblocking` away")                                \
    X(CANCEL, "L2.cancel", 2, "a call that is cancelled ends within the grace",                    \
      "look at cancelled() in loops, or complete the call in cancel()")                            \
    X(DEADLINE, "L2.deadline", 2, "a call ends at its deadline",                                   \
      "look at cancelled(), which also says that the deadline has passed")                         \
    X(CONCURRENCY, "L2.concurrency", 2, "bears as many calls at once as its card says",            \
      "lock what calls share, or lower max_concurrency")                                           \
    X(MIXING, "L2.mixing", 2, "calls at once are answered as each alone",                          \
      "keep nothing of a call in static or shared memory")                                         \
    X(DESCRIPTORS, "L2.descriptors", 2, "leaves no descriptor open",                               \
      "close on every path what a call opens")                                                     \
    X(THREADS, "L2.threads", 2, "leaves no thread behind", "join what a call starts")              \
    X(CHILDREN, "L2.children", 2, "leaves no process behind",                                      \
      "a plugin starts no process, or waits for it")                                               \
    X(MEMORY, "L2.memory", 2, "its memory does not grow with the number of calls",                 \
      "free on every path what a call allocates; see L4.valgrind")                                 \
    X(STOP, "L2.stop", 2, "stops: quiesce and destroy return, and nothing comes after",            \
      "end your threads in quiesce() or destroy(), and free the instance there")                   \
    X(AGAIN, "L2.again", 2, "is created and destroyed again and again",                            \
      "keep the state of an instance in self, not in static memory")                               \
    X(SAME, "L3.same", 3, "a pure agent answers the same input the same way",                      \
      "take clock, randomness and counters out of it, or declare it read")                         \
    X(SILENT, "L3.silent", 3, "a pure agent asks the world for nothing",                           \
      "take the request away, or declare the agent read or write")                                 \
    X(READS, "L3.reads", 3, "a read agent sends nothing that changes the world",                   \
      "use GET, have the route listed under `reads`, or declare the agent a write")                \
    X(KEY, "L3.key", 3, "the same key twice is one effect",                                        \
      "send the call's idempotency_key (seam/sdk.h does) and the same request each time")          \
    X(BEGIN, "L3.begin", 3, "a write begins an effect before it changes the world",                \
      "effect.begin/1 before each mutating request but a single one")                              \
    X(REPLAY, "L3.replay", 3, "after a crash it repeats nothing that may have happened",           \
      "on state unknown send nothing, and answer that the effect is unknown")                      \
    X(DONE, "L3.done", 3, "what is done it does not do again",                                     \
      "on state done answer with the stored result of effect.begin/1, and send nothing")           \
    X(CONFLICT, "L3.conflict", 3, "under the key of another request it does nothing",              \
      "on state conflict send nothing, and answer with a failure")                                 \
    X(RECONCILE, "L3.reconcile", 3, "its reconcile agent answers what became of an effect",        \
      "answer {\"outcome\": happened, never, not_seen or unknown} within settle")                  \
    X(VALGRIND, "L4.valgrind", 4, "valgrind finds no error and no lost memory",                    \
      "mend what valgrind names: its stack shows the place")                                       \
    X(SANITIZER, "L4.sanitizer", 4, "the sanitizer that it was built with finds nothing",          \
      "mend what the sanitizer names")                                                             \
    X(SANDBOX, "L4.sandbox", 4, "needs nothing that the sandbox denies",                           \
      "let the card ask for what the plugin needs, or do without")

enum check_number {
#define X(name, id, level, title, cure) CHECK_##name,
    CHECKS(X)
#undef X
        CHECK_COUNT
};

enum { DOING = 600 };

struct kit {
    const struct conformance_options *options;
    struct conformance *report;
    struct card *card; /* NULL: there is none that can be used */
    json_t *config;    /* what instances are created with */
    json_t *inputs;    /* of each agent: an array of valid ones */
    int tell;          /* in a child: where outcomes are written; else -1 */
    int hearer;        /* of what the next worker is denied, see sandbox.h; 0: nobody */
    int broken;        /* a check on which all later ones stand; -1: none */
    bool asked[CHECK_COUNT];
    int64_t due_ms;  /* of the level */
    char *sanitizer; /* the library of the one that the plugin was built with; NULL: none */
    char *doing;     /* what a child does, DOING bytes that parent and child share; NULL: level 1 */
};

bool kit_wants(const struct kit *kit, enum check_number check);
void kit_hold(struct kit *kit, enum check_number check);
void kit_skip(struct kit *kit, enum check_number check, const char *format, ...) PRINTF_LIKE(3, 4);
void kit_fail(struct kit *kit, enum check_number check, const char *place, const char *expected,
              const char *format, ...) PRINTF_LIKE(5, 6);
/* The same, and nothing that stands on it can be asked. */
void kit_break(struct kit *kit, enum check_number check, const char *place, const char *expected,
               const char *format, ...) PRINTF_LIKE(5, 6);
bool kit_failed(const struct kit *kit, enum check_number check);
/* A line that a child has written. */
void kit_read(struct kit *kit, struct slice line);
void kit_progress(struct kit *kit, const char *what);
int64_t kit_now_ms(void);

/* The levels. */
WARN_UNUSED enum error_code level_static(struct kit *kit, struct error *reterr);
void level_behaviour(struct kit *kit);
void level_truth(struct kit *kit);
void level_instruments(struct kit *kit);
/* Whether the plugin wants a sanitizer that neither this process nor a worker has; then the level
 * is skipped, and says so. */
bool kit_cannot_load(struct kit *kit, int level);

/* static_imports.c: libraries and what they define */
struct image;
void imports_check(struct kit *kit, const struct image *image);

#endif
