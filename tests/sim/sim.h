/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulation: one run of a flow in a world that is invented from a seed. The orchestrator is
 * the real one; the clock, the journal, the agents, the people and the outside world are not.
 * Everything that happens is an item in one queue, ordered by time, so a seed is a whole history:
 *
 *     host.c    what host/runtime does: records, barriers, starts, alarms, crash and takeover
 *     calls.c   agents, as scripts that ask the host for effects and end in all ways
 *     asking.c  those of them that have others called
 *     world.c   the outside: requests that arrive, late or never, and a ledger of what they did
 *     people.c  questions are answered: truly, too early, to an older revision, or not at all
 *     check.c   what must hold after each event, and at the end
 *
 * What the host knows dies with it, from a random point behind the last barrier on; what has left
 * for the world does not.
 */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#include "orchestrator/state_internal.h"

struct sim;
struct call;

/* ---- the cast (cast.c) ---- */

struct personality {
    const char *name;
    enum effect_class class;
    bool brokered, reconciled;
    int64_t settle_ms, key_ttl_ms;
    unsigned effects; /* of one call                                              */
    bool automatic;   /* its requests are effects by themselves, without a begin  */
    int64_t tokens, cost;
    const char *asks[3]; /* whom it calls, one after the other, before all else     */
    bool plans;          /* its output holds a plan                                 */
};
const struct personality *personality_of(const struct agent *agent);

struct scene {
    const char *name, *text;
    struct flow *flow;
    const char *within; /* inner.yaml, which it may name; NULL = none               */
};
/* Compiles the flows; exits if one is wrong. */
void cast_open(void);
void cast_close(void);
size_t cast_scenes(void);
const struct scene *cast_scene(size_t index);

/* ---- the queue (queue.c) ---- */

enum item_kind {
    ITEM_COMMIT,   /* world: a request takes effect                            */
    ITEM_STRIKE,   /* world: an agent takes effect by itself                   */
    ITEM_PERSON,   /* world: somebody answers                                  */
    ITEM_LETTER,   /* world: … and the answer arrives; owns its event          */
    ITEM_CANCEL,   /* world: somebody cancels                                  */
    ITEM_PAUSE,    /* world: the host's machine sleeps                         */
    ITEM_RESUME,   /* world: the host is started again                         */
    ITEM_BARRIER,  /* host: the journal is on disk; owns its behind            */
    ITEM_ALARM,    /* host: a time has come; owns its alarm                    */
    ITEM_CALL,     /* host: an agent goes on                                   */
    ITEM_TIMEOUT,  /* host: a call has taken too long                          */
    ITEM_ANSWER,   /* host: a request is answered or closed                    */
    ITEM_COMPLETE, /* host: a completion, once more; owns its event            */
};

struct item {
    int64_t at;
    uint64_t order;
    uint32_t epoch; /* host items die with their host                           */
    enum item_kind kind;
    void *what;
    uint64_t number;
};

struct queue {
    struct item *heap;
    size_t count, room;
    uint64_t order;
};
void queue_push(struct queue *queue, struct item item);
bool queue_pop(struct queue *queue, struct item *ret_item);
/* Puts an item back, in its old order among its equals. */
void queue_back(struct queue *queue, struct item item);
/* Frees what the item owns. */
void item_done(struct item *item);

/* What waits behind a barrier. */
enum behind_kind { BEHIND_NOTHING, BEHIND_START, BEHIND_BEGIN, BEHIND_TELL };
struct behind {
    enum behind_kind kind;
    size_t upto; /* records                                                      */
    struct decision start;
    uint64_t call;
    uint32_t task, attempt;
    unsigned effect;
};

struct alarm {
    enum event_kind kind;
    uint32_t task, revision;
};

/* ---- the world ---- */

enum fate {
    FATE_DONE,        /* it happens, and the answer comes back                    */
    FATE_REFUSED,     /* it does not happen, and the answer says so               */
    FATE_UNSENT,      /* no byte leaves                                           */
    FATE_LOST,        /* it does not happen, and nobody hears                     */
    FATE_ANSWER_LOST, /* it happens, and nobody hears                             */
    FATE_LATE,        /* nobody hears, and it happens afterwards, within settle   */
};

struct entry {
    char key[DIGEST_HEX_SIZE];
    const struct personality *who;
    unsigned commits, pending; /* pending: may still happen                      */
    unsigned generation;       /* requests of an older one never will            */
    int64_t first_ms;
};

struct request {
    struct entry *entry;
    uint64_t call; /* its number; 0 = its call is over                          */
    uint32_t task, attempt;
    unsigned generation;
    char effect[32];
    enum fate fate;
    bool closed, committed, pending;
    struct request *next;
};

struct entry *world_entry(struct sim *sim, const char *key, const struct personality *who);
/* A request leaves now; what becomes of it comes as items. */
void world_send(struct sim *sim, const struct call *call, const char *effect, const char *key);
/* The connection of a request ends without an answer: it can still take effect for a while. */
void world_close(struct sim *sim, struct request *request);
/* A connection that ended by itself, or an answer: the outcome, as the host sees it. */
enum outcome world_answer(struct sim *sim, struct request *request);
/* An agent that the host does not broker acts, within so many ms. */
void world_strike(struct sim *sim, struct entry *entry, int64_t within_ms);
void world_item(struct sim *sim, const struct item *item);
/* The world promises that nothing under way will ever happen. */
void world_fence(struct entry *entry);
void world_free(struct sim *sim);

/* ---- calls ---- */

struct call {
    uint64_t id;
    uint32_t task, attempt;
    bool reconciling, stopped;
    const struct personality *who;
    json_t *input;
    unsigned effect;                /* the one it is at                                         */
    bool begun_now;                 /* … and its begin was answered                            */
    uint64_t begun, sent, finished; /* bits of them, in this call                */
    unsigned asked;                 /* whom it is about to call, or waits for                    */
    bool gives_way;                 /* what it waits for waits for a person                      */
    bool waiting, spoilt;           /* spoilt: what it called failed, and it fails of it         */
    bool struck, worked;
    struct call *next;
};

/* Of the scripts: it goes on within so many ms; it ends badly; false if it has nobody left to call.
 */
void call_goes_on_later(struct sim *sim, const struct call *call, uint64_t within_ms);
void call_fails(struct sim *sim, struct call *call, enum cause cause, enum outcome claim);
void call_gives_way(struct sim *sim, struct call *call);
bool call_asks(struct sim *sim, struct call *call);
enum cause some_transient(struct sim *sim);
enum cause some_permanent(struct sim *sim);
void calls_start(struct sim *sim, const struct decision *start);
/* Those that wait for what they called, and whose wait is over, go on. */
void calls_wake(struct sim *sim);
void calls_stop(struct sim *sim, uint32_t task);
void calls_go_on(struct sim *sim, uint64_t id);
void calls_time_out(struct sim *sim, uint64_t id);
/* What an agent asked for may begin: the journal is on disk. */
void calls_begun(struct sim *sim, const struct behind *behind);
void calls_answered(struct sim *sim, struct request *request);
/* The host is dead, and the workers with it. */
void calls_die(struct sim *sim);
void calls_free(struct sim *sim);

/* ---- the host ---- */

/* The event happens: applied, decided, recorded, carried out. The host may die of it. */
void host_happen(struct sim *sim, struct event *event, struct decision *ret_first);
/* Then what stands behind it, when all that is recorded now is on disk. */
void host_barrier(struct sim *sim, struct behind behind);
void host_item(struct sim *sim, const struct item *item);
/* What came of compiling the plan that the event brings, if it does; again: as it was recorded. */
void host_attach_plan(struct sim *sim, const struct run *run, struct event *event, bool again);
void host_begin(struct sim *sim);
void host_resume(struct sim *sim);
void host_free(struct sim *sim);

/* ---- people ---- */

/* A question has been put: somebody may answer. */
void people_asked(struct sim *sim, uint32_t task);
void people_item(struct sim *sim, const struct item *item);
void people_letter(struct sim *sim, struct event *event);
/* Nothing else will happen: somebody who knows answers a question. False if there is none. */
bool people_help(struct sim *sim);

/* ---- checks ---- */

_Noreturn void violate(struct sim *sim, const char *format, ...) PRINTF_LIKE(2, 3);
void check_decision(struct sim *sim, const struct event *event, const struct decision *decision);
void check_event(struct sim *sim);
void check_final(struct sim *sim);
/* The first difference of two runs, or NULL. */
const char *state_difference(const struct run *a, const struct run *b);

/* ---- all of it ---- */

struct sim {
    uint64_t seed, random;
    bool verbose, thorough; /* thorough: text and back, decided again              */
    const struct scene *scene;
    int64_t now, pause_until, paused_ms;
    struct queue queue;
    unsigned storm; /* 0 to 3: how bad the weather is                           */
    unsigned events;

    uint32_t epoch;
    bool dead, told;
    struct run *run;
    struct run *follower, *twin; /* folded from records; decided again          */
    struct call *calls;
    uint64_t call_ids;
    struct request *requests; /* of all hosts; the world may still hold them      */
    int64_t deadline_ms;      /* of the alarm that is set                         */

    json_t **records;
    size_t record_count, record_room, durable;
    size_t writes, crash_at; /* crash_at 0 = never                               */
    unsigned crashes;

    struct entry **entries;
    size_t entry_count, entry_room;
};

uint64_t sim_random(struct sim *sim);
uint64_t sim_below(struct sim *sim, uint64_t bound);
bool sim_chance(struct sim *sim, unsigned permille);
/* … times the weather: never in calm. */
bool sim_bad_luck(struct sim *sim, unsigned permille);
void sim_later(struct sim *sim, int64_t wait_ms, enum item_kind kind, void *what, uint64_t number);
void sim_say(const struct sim *sim, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
