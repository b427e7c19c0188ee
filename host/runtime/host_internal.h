/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of a host and what they say to each other. All on the owner's thread.
 *
 *   loop.c      the event loop: descriptors, opening and closing
 *   clock.c     the time, and timers: real ones, or those of a rehearsal
 *   stand_in.c  what stands behind calls and requests in a rehearsal
 *   runs.c      a run's life: records, the barrier, decisions carried out
 *   begin.c     how runs begin, and are taken up again
 *   rest.c      runs that wait, of which there are many
 *   parked.c    runs that wait for people, out of memory
 *   slots.c     plugins, started and started again
 *   said.c      what agents say while they work
 *   fits.c      whether plugins may change under a run
 *   reload.c    another manifest in the place of this one
 *   self_test.c what a plugin must show before it takes another's place
 *   drain.c     what was replaced, and where a start goes
 *   probation.c what took another's place is watched, and goes back
 *   gate.c      what the manifest allows an agent over all runs
 *   purse.c     budgets over all runs
 *   calls.c     the calls in them
 *   services.c  what plugins ask for, but HTTP
 *   describing.c  what they ask for while they name their agents
 *   nested.c    agent.call: agents that call agents
 *   places.c    who waits for a place, and whether it can come free
 *   http.c      http.send: grants, effects, replays
 *   http_secrets.c  secrets on their way out and back
 *   secrets.c   secret.use: placeholders, and what they stand for in a request
 *   state.c     state.get, state.put: what a plugin keeps from call to call
 *   fold.c      runs read back from the journal
 *   renew.c     a run anew, from what an earlier one has finished
 *   weigh.c     what of that may be offered
 *   edits.c     what differs between two flows
 *   difference.c  where two lists of decisions part
 *   payloads.c  large values, kept once
 *   known.c     the text of an output, and of its parts
 *   verify.c    whether a journal is what was written
 *   prompts.c   what models are told, by keyed hash
 *   hidden.c    runs whose values the journal has encrypted
 *   pinned.c    the flows and cards that a journal keeps
 *   plans.c     plans that agents make, compiled
 *   hooks.c     people are told that they are asked
 *   program.c   a program that the host starts
 *   roster.c    manifest and cards → catalog
 *   grants.c    which agents may call which
 *   stay.c      what a host is asked that serves until it is told to stop
 *   faults.c    plugins that end: restarts, quarantine
 *   trial.c     one plugin, started to see whether it starts
 */
#ifndef RUNTIME_HOST_INTERNAL_H
#define RUNTIME_HOST_INTERNAL_H

#include "runtime/clock_internal.h"
#include "runtime/kept_internal.h"
#include "runtime/stand_in.h"

#include "base/limits.h"
#include "base/map.h"
#include "base/units.h"
#include "document/document.h"
#include "egress/egress.h"
#include "secret/secret.h"

#include <seam/plugin.h>
#include <uv.h>

/* A call that has waited so long for its plugin to take it is told of; in a fan-out they all wait.
 */
enum { FULL_TOLD_MS = 1000 };
enum { GRACE_MS = 1000, INBOX_POLL_MS = 100, HTTP_TIMEOUT_MS = 30000, SAID_MS = 100 };

struct live_run;
struct live_call;
struct transfer;
struct hook;
struct placeholder;

/* Those that have said something that is to be told, the first first. */
struct saying;
struct speakers {
    struct saying *first, **end;
    size_t bytes; /* of all of them */
    struct timer timer;
    bool armed;
};

/* ---- plugins ---- */

/* Calls that wait, oldest first. */
struct call_line {
    struct live_call *first, **end;
    struct live_call *untold; /* the first whose run has not been told that it is held */
    size_t count, untold_count;
};

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_PROBING };

/* Who goes first of those that a gate holds: what cleans up, what another call waits for. */
enum gate_line { LINE_RECOVERY, LINE_NESTED, LINE_ORDINARY, GATE_LINES };

/* Before one agent, over all runs. */
struct gate {
    struct gate *next; /* of the host's */
    struct host *host;
    const struct agent *agent;
    const struct manifest_agent *says;
    size_t under_way; /* calls that it let go and that have not ended */
    size_t nesting;   /* of them, those that wait for what they called */
    size_t stuck;     /* for places.c */
    struct call_line held[GATE_LINES];
    int64_t expires_ms; /* none of those held has waited too long before this */
    int64_t *starts_ms; /* the last rate_calls starts: a ring */
    size_t start_count;
    enum breaker_state breaker;
    int64_t *failures_ms; /* the last breaker_failures: a ring */
    size_t failure_count;
    int64_t half_open_ms; /* of an open breaker */
    char *last_failure;   /* in words */
    struct timer timer;
};

enum slot_state { SLOT_OFF, SLOT_STARTING, SLOT_UP };

struct slot {
    struct host *host;
    struct slot *next; /* of those that retire, or are coming */
    const struct roster_plugin *roster;
    char *library_path;           /* of the copy that is loaded; NULL = the file itself */
    size_t index;                 /* of its host's slots */
    uint64_t generation, library; /* library: the first generation that ran this very library */
    struct slot *successor;       /* it retires: what comes goes there */
    bool removed, coming, cut;    /* cut: its time to drain is over */
    bool heard;                   /* it comes, and whether it can is known */
    int64_t drain_until_ms;
    uint64_t newest, roster_generation; /* under this alias; of the roster that it stands in */
    struct self_test *self_test;
    /* probation.c: */
    struct slot *before; /* it is on probation: what it goes back to */
    struct timer probation;
    int64_t probation_until_ms;
    uint64_t faults, answers, broken;
    char *condemned;     /* why it goes back … */
    bool condemned_told; /* … which whoever watches knows */
    struct fall *fall;   /* what went back to it; NULL = nothing */
    enum slot_state state;
    struct plugin *plugin;
    uv_poll_t *poll;
    struct timer restart;
    bool restart_armed;
    char *denied;           /* why its sandbox refuses it, for as long as this manifest holds */
    int64_t restart_at_ms;  /* of a clock that is never set */
    char *last_failure;     /* why it ended, or did not start; in words */
    uint64_t failed_starts; /* since it was up for a call: it did not start, or ended */
    struct live_call *sent; /* newest first                  */
    struct live_call
        *describing;  /* that asks for its agents, once it asked for a service; or NULL */
    struct map by_id; /* the same, by their id         */
    struct call_line waiting;
    struct timer full; /* those that have waited for long are told that it takes no more */
    bool full_armed;
    uint64_t came, came_by; /* calls that came to wait; those before the timer was set */
    struct map gates;       /* by the bare name of their agent */
    size_t nesting;         /* of those sent: they wait for what they called */
    size_t stuck;           /* for places.c */
    bool heard_hidden;      /* it was called by a hidden run: what it says may quote that */
    bool freeing;           /* inside plugin_free: nothing more is sent to it */
};

/* Why a call is not started. */
struct refusal {
    enum cause cause;
    char code[16];
    int64_t retry_after_ms;
    char *message;
};

/* One start of an agent, from the decision to its end. */
struct live_call {
    struct live_call *next, **back;
    struct call_line *line; /* NULL = it was sent */
    struct slot *slot;
    struct gate *gate; /* that it stands before or went through; NULL = none */
    enum gate_line rank;
    bool passed, placed, probe; /* it counts in the gate, in the host; it tries an open breaker */
    bool told;                  /* its run knows that it is held */
    bool told_restart;          /* … that its plugin is started again */
    bool told_full;             /* … that its plugin takes no more */
    uint64_t came;              /* to wait for its plugin: the slot's count */
    const char *held_by;        /* the setting that it met first */
    uint64_t ticket;            /* who came first, over all gates */
    int64_t held_ms;            /* when it came to the gate */
    int64_t hour_ms;            /* of its start: what it does not use is given back to it */
    struct refusal *refusal;
    int64_t retry_after_ms; /* what the last answer that it was given asks for */
    struct live_run *live;
    const struct agent *agent;
    uint32_t task, attempt, number;
    bool reconciling;
    uint64_t id;        /* 0 = waiting */
    int64_t timeout_ms; /* counts from when its plugin takes it, not while that is started */
    int64_t sent_ms;    /* … which is then */
    json_t *reconcile_input, *feedback;
    char *text; /* of a small input, while it waits; NULL = it is to be written */
    size_t text_len;
    char key[DIGEST_HEX_SIZE];
    struct transfer *transfers; /* under way */
    struct stream *streams;     /* open, or not read to their end */
    uint32_t stream_number;     /* of the last that it opened */
    struct sleeper *sleepers;
    struct saying *saying;            /* NULL = it has said nothing */
    struct asked *asked;              /* other agents that it called, and waits for */
    bool gives_way;                   /* it was told that one of them waits for a person */
    bool stuck;                       /* for places.c */
    struct placeholder *placeholders; /* that secret.use gave it */
    size_t placeholder_count;
    json_t *ordinals; /* method and path → sends so far, for the names of effects */
    json_t *sent;     /* names of the effects whose request was sent */
    json_t *begun;    /* names of the explicit effects begun in this try */
};

/* An agent.call that is waited for. */
struct asked {
    struct asked *next, **back;
    struct live_call *call;
    uint64_t request;
    uint32_t child; /* the task that was made of it */
};

/* A clock.sleep. */
struct sleeper {
    struct sleeper *next, **back;
    struct live_call *call;
    uint64_t request;
    struct timer timer;
};

/* One http.send. A mutating one outlives its call, until `settle` has passed. */
struct transfer {
    struct transfer *next, **back;
    struct live_call *call; /* NULL = the call has ended */
    struct live_run *live;
    uint32_t task, attempt;
    uint64_t request, id;
    char *effect; /* NULL = changes nothing */
    /* Of its grant, which may go before it does, as its plugin may: */
    int *refusals;
    size_t refusal_count;
    bool has_secrets;
    struct timer settle;
    bool settle_armed;
};

/* ---- runs ---- */

/* A timer of a run: a task's time, a question's deadline, the run's own. */
struct alarm {
    struct alarm *next, **back;
    struct live_run *live;
    enum event_kind kind;
    uint32_t task, revision;
    int64_t at_ms;
    struct timer timer;
};

struct live_run {
    struct live_run *next, **back;
    struct host *host;
    struct run *run;
    uint64_t seq;
    struct alarm *alarms;
    struct alarm *deadline;            /* of alarms: the run's time */
    size_t calls, transfers, barriers; /* what still refers to this run */
    size_t hooks;                      /* people being told of it */
    size_t ends;                       /* of the barriers, those behind which it may settle */
    bool settled, finished;
    struct map wrote;           /* task → of the slot that its first start went to: library + 1 */
    uint64_t roster_generation; /* of the host, when it came into memory */
    bool parking;               /* it is among those that may be let go of when this turn is over */
    struct live_run *next_parking, **back_parking;
    uint64_t asked_seq, kept_seq; /* records that a barrier was asked for, that are on disk */
    int64_t ahead_ms;  /* how far its time is ahead of the host's: a clock was set back before */
    int64_t due_ms;    /* of a waiting one: when it must be looked at; 0 = never */
    struct map called; /* calls under way that another one asked for, by their task */
    struct map asked;  /* who waits for them: the same key */
    int64_t ended_hour_ms, start_hour_ms; /* of the purse: of the call that ends now, of the starts
                                             that are carried out now; 0 = none */
    const struct seal *seal;              /* it is hidden; NULL = it is not */
    bool paid;             /* what has cost something is recorded, and not yet behind a barrier */
    enum run_status shown; /* the status that the journal's index has */
};

/* What a flow's runs are pinned to. */
struct pinned {
    struct flow *flow;
    json_t *pins;
};

struct host {
    struct host_options options;
    char *accepted_by; /* who takes the blame for what is not proven of new cards; NULL = nobody */
    const struct manifest *manifest;
    uv_loop_t loop;
    struct journal *journal;
    uv_poll_t journal_poll, egress_poll;
    uv_timer_t inbox_timer;
    struct egress *egress;
    struct vault *vault; /* secrets that were used */
    struct slot **slots;
    size_t slot_count;
    struct slot *retiring;   /* of the generation before */
    struct reload *reload;   /* under way; NULL = none */
    struct retired *retired; /* rosters that runs still refer to */
    uint64_t roster_generation;
    struct timer reload_timer;
    bool keeping; /* plugins are started, and started again, though nothing calls them */
    host_plugin_told plugin_told;
    host_plugin_fell fell;
    host_agents_changed agents_changed;
    struct relist *relists;   /* see relist.c */
    struct suspect *suspects; /* libraries: see faults.c */
    bool faults_due;          /* faults_turn has something to do */
    struct hook *hooks;       /* under way */
    struct speakers speakers;
    struct live_run *runs;
    struct map by_name; /* the same, by their id */
    size_t unsettled;
    bool stopping, failed, relisting; /* relisting: plugins are watched, see relist.c */
    struct error failure;
    char *worker;
    size_t calls, barriers; /* under way, of all runs; barriers not yet reached */
    struct pinned *pinned;  /* flows of which runs began here */
    size_t pinned_count;
    struct shelf *shelf;          /* flows of runs that were taken up here */
    struct contract *call_schema; /* of a request of agent.call; NULL until one comes */
    struct purse *purse;          /* NULL = the manifest says no budget over all runs */
    struct live_run *parking;
    struct timer due; /* the next run that was let go of must be looked at */
    int64_t due_ms;   /* … then; 0 = none must */
    struct gate *gates;
    size_t places, placed; /* calls at once over all runs, 0 = any; those that have one */
    size_t held, untold;   /* calls before gates; those of them whose run was not told */
    uint64_t tickets;
    struct call_line refused; /* to be told when this turn of the loop is over */
    struct timer turn;        /* keeps the loop from waiting while there are more */
    bool gates_due;           /* somebody may go */
    uv_prepare_t idle;
    struct payloads *payloads;
    unsigned char *prompt_key; /* of DIGEST_SIZE bytes; NULL = not needed so far */
    struct seals *keys;        /* of hidden runs; the journal's own reader's. NULL = none */
    const struct seal *seal;   /* … and of those that begin now */
    struct known known;        /* while it is decided what follows from an output: that output */
    struct decisions spare;    /* empty; its room is used again */
    struct text scratch;       /* for what is written as JSON and copied at once */
    struct pace pace;          /* the clock, but in a rehearsal */
    struct timers timers;
    struct stand_in_send *sends; /* in a rehearsal: what has left */
    struct moment *moments;      /* … what whoever stands in waits for */
    uint64_t stand_in_ids;
};

/* Unix time: now, for whatever happens to runs; never less than before, and never by a leap. */
int64_t host_now(struct host *host);
/* Of a clock that is never set: for how long. */
int64_t host_steady(const struct host *host);
/* The same for one run, whose own time never goes back, whichever host it lives in. */
int64_t live_now(const struct live_run *live);
uint64_t host_random(struct host *host);
uint64_t host_seed(struct host *host); /* of a run */
/* Its data is whom it is for. Of a timer that runs, start moves its time; one that does not run is
 * only memory. */
void timer_init(struct timer *timer, struct host *host, void *data);
void timer_start(struct timer *timer, timer_rings then, int64_t wait_ms);
void timer_stop(struct timer *timer);
/* Once the loop is there. */
void clock_open(struct host *host);
void clock_close(struct host *host);
/* In a rehearsal: the next timer rings, at its time. False: there is none. */
bool clock_jump(struct host *host);

/* The network as a manifest wants it. network_check: is there what it names? Said when a host
 * starts or reloads, and not by the first request that needs it. network_follow: for requests that
 * are sent from now on. */
WARN_UNUSED enum error_code network_check(const struct manifest *manifest, struct error *reterr);
WARN_UNUSED enum error_code network_open(const struct manifest *manifest, struct egress **ret,
                                         struct error *reterr);
void network_follow(struct egress *egress, const struct manifest *manifest);
/* Stops the loop with an error: the journal is dead, or something else that no run can survive. */
void host_fail(struct host *host, const struct error *err);
void host_log(struct host *host, const char *who, uint32_t level, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* ---- runs.c ---- */

struct live_run *live_find(const struct host *host, const char *id);
/* Applies the event, journals the record, carries the decisions out. Fills in the event's time. If
 * ret_first is not NULL it gets a copy of the first decision (for services), to be freed. */
void live_happen(struct live_run *live, struct event *event, struct decision *ret_first);
/* As live_happen; the record also claims an external reference. */
void live_happen_claiming(struct live_run *live, struct event *event, const char *claim,
                          const char *owner);
/* As host_submit, of a run that takes over what `adopted` says; NULL = nothing. */
WARN_UNUSED enum error_code host_submit_adopting(struct host *host, struct flow *flow,
                                                 const char *id, json_t *input, json_t *adopted,
                                                 struct error *reterr);
struct live_run *live_new(struct host *host, const char *id, struct run *run);
void live_free(struct live_run *live);
/* Whoever started it is told, once, if it is final or waits for people alone. */
void live_settle(struct live_run *live);
/* The same, once what is recorded of it is on disk. */
void live_settle_durably(struct live_run *live);
/* Sets the timers of a task, and has people told that are asked by it. */
void live_watch(struct live_run *live, uint32_t task);
/* Something that referred to the run is gone: frees the run if it was the last. */
void live_release(struct live_run *live);

/* ---- begin.c ---- */

/* host_resume; one that waits for people alone is told of as settled only if so wished. */
WARN_UNUSED enum error_code run_take_up(struct host *host, const char *id, bool tell,
                                        struct error *reterr);

/* A person said that it may go on with plugins that are not what they were. */
void run_permitted(struct live_run *live);

/* ---- rest.c ---- */

/* A call of the run was sent, and may take long. */
void live_rest(struct live_run *live);

/* ---- hooks.c ---- */

/* Tells whom the flow names, once what was recorded so far is on disk. */
void hook_tell(struct live_run *live, const struct question_view *question);
void hooks_close(struct host *host);

/* ---- slots.c ---- */

/* plugin_start as the manifest and the card say. */
WARN_UNUSED enum error_code plugin_start_entry(const struct roster_plugin *roster,
                                               const char *worker, const char *library,
                                               size_t payload,
                                               const struct plugin_handlers *handlers, void *user,
                                               struct plugin **ret_plugin, struct error *reterr);
/* The path of seam-worker: as given, or beside this program. The caller frees. */
char *find_worker(const char *given);
/* Nothing is started by it, and nothing written. */
void slots_open(struct host *host);
/* The workers that a run of the flow calls at once begin to come up. */
void slots_expect(struct host *host, const struct flow *flow);
/* Copies libraries to the private store, and sweeps that; who owns the journal may. */
void slots_hold(struct host *host);
/* Plugins are told to end; slots_end waits until they have, while which nothing of them is heard
 * but what they log. */
void slots_close(struct host *host);
void slots_end(struct host *host);
/* Starts it, unless it is up, starting, or waits to be started. */
void slot_keep(struct slot *slot);
/* A plugin in this process may be about to answer: waits a moment for it; false if nothing came. */
bool slots_listen(struct host *host);
struct slot *slot_of(const struct host *host, const struct agent *agent);
/* A call was sent: if it is more than its plugin has at work at once, those that wait for long are
 * told of. */
void slot_watch(struct slot *slot);
/* A call waits: sends it, or starts the plugin, or leaves it to the start that is due. */
void slot_want(struct slot *slot);

struct slot *slot_new(struct host *host, const struct roster_plugin *roster, size_t index);
/* Starts a plugin that is to take another's place. */
void slot_start(struct slot *slot);
/* Outside its own callbacks. */
void slot_free(struct slot *slot);

/* ---- calls.c ---- */

/* The call of that task in the list; NULL = none. */
struct live_call *call_of_task(struct live_call *list, const struct live_run *live, uint32_t task);
void call_line_init(struct call_line *line);
void call_line_push(struct call_line *line, struct live_call *call);
/* Takes it out of the line that it stands in. */
void call_line_leave(struct live_call *call);
/* It goes to its plugin as soon as that takes it. */
void call_wait(struct live_call *call);
/* Ends a call that was refused. */
void call_end_refused(struct live_call *call);

/* Carries START out. */
void call_start(struct live_run *live, const struct decision *decision);
/* The start never begins: its run is told. */
void call_refuse(struct live_run *live, uint32_t task, uint32_t attempt, enum cause cause,
                 const char *why);
void call_stop(struct live_run *live, uint32_t task);
/* What the agent is given; borrowed. It is the run's, which may lay it down once it was sent. */
json_t *call_input(const struct live_call *call);
/* Drops the call; the run is not told. */
void call_free(struct live_call *call);
/* The calls that wait, oldest first, as far as the plugin takes them. */
void send_waiting(struct slot *slot);
/* Those that wait now come to nothing. */
void refuse_waiting(struct slot *slot, const char *why);
/* Handlers of a plugin; user is its slot. */
void call_completed(void *user, const struct call_result *result);
void call_requested(void *user, uint64_t id, uint64_t request, struct slice op, struct slice body);
/* The call with that id, while it is under way; NULL = it has ended. */
struct live_call *call_find(const struct slot *slot, uint64_t id);
enum cause cause_of_status(int32_t status);

/* ---- stand_in.c: plugins and the network, or whoever stands in for them ---- */

uint64_t outside_call(struct live_call *call, const struct plugin_call *out);
void outside_cancel(struct slot *slot, uint64_t call);
/* To nobody, if the plugin is gone. */
void outside_answer(struct slot *slot, uint64_t request, const struct plugin_answer *answer);
WARN_UNUSED enum error_code outside_send(struct live_call *call,
                                         const struct egress_request *request, egress_done done,
                                         void *user, uint64_t *ret_id, struct error *reterr);
void outside_abort(struct host *host, uint64_t send);
/* What has come of an answer that is read as it comes; a stand-in's comes whole, at its end. */
void outside_read(struct host *host, uint64_t send, size_t maximum, struct text *into);
void outside_close(struct host *host);
void moments_close(struct host *host);

/* ---- services.c ---- */

void service_asked(struct live_call *call, uint64_t request, struct slice op, struct slice body);
void service_answer(struct slot *slot, uint64_t request, int32_t status, uint32_t effect,
                    json_t *body);
void service_fail(struct slot *slot, uint64_t request, int32_t status, uint32_t effect,
                  const char *code, const char *format, ...) PRINTF_LIKE(6, 7);
/* An answer with a body of its own making, which is taken. */
void service_reply(struct slot *slot, uint64_t request, int32_t status, uint32_t effect,
                   const char *code, json_t *body_taken);
/* The call has ended: what it asked for is dropped; effects begun but never sent are NONE. */
void services_end(struct live_call *call);
/* The effect of the call's task with that name; its name is NULL if there is none. */
struct effect_view effect_of(const struct live_call *call, const char *name);
/* "send", "POST /bookings 1": may an agent name an effect so? */
bool effect_name_ok(const char *name);
char *request_digest(const json_t *request);

/* ---- describing.c ---- */

/* The call that asks a plugin for its agents, if that has this id; else NULL. */
struct live_call *describing_call(struct slot *slot, uint64_t id);
/* Is it such a call? It has a live_run without a run. */
bool call_describes(const struct live_call *call);
/* The plugin has named them, or never will. */
void describing_end(struct slot *slot);
/* live_release of such a call. */
void describing_release(struct live_run *live);
/* The parts of a host that such calls need, where there is none: loop, clock, network, secrets. */
WARN_UNUSED enum error_code bench_open(const struct manifest *manifest, struct host **ret_host,
                                       struct error *reterr);
void bench_close(struct host *host);

/* ---- lowered.c ---- */

/* contract.lower/1 */
void lower_asked(struct live_call *call, uint64_t request, json_t *body);

/* ---- nested.c ---- */

/* agent.call/1 */
void agent_called(struct live_call *call, uint64_t request, json_t *body);
/* A call begins that may be one that another call asked for. */
void nested_started(struct live_call *call);
/* Does it end so because what it called waits for a person? */
bool nested_gave_way(const struct live_call *call, const struct event *event);
/* It has ended: what it waits for is not waited for any more. */
void nested_ended(struct live_call *call);
/* The call under way of a task that another call asked for; NULL = none. */
struct live_call *nested_call(const struct live_run *live, uint32_t task);
/* Whoever waits for what has become final by these decisions is answered. */
void nested_hear(struct live_run *live, const struct decisions *decisions);
void nested_done(struct live_run *live);

/* ---- places.c ---- */

struct no_place {
    bool ever; /* there may be one later */
    char words[512];
};
/* Can the agent's place come free while the caller waits for it? known: the task, if it was asked
 * for before, or UINT32_MAX. */
bool place_for(struct live_call *caller, uint32_t known, const struct agent *agent,
               struct no_place *ret_why);

/* ---- answers that wait for the barrier ---- */

/* Calls then(user, ok) once everything that was recorded so far is on disk. */
typedef void (*after_barrier)(void *user, enum error_code code, const struct error *err);
void host_barrier(struct host *host, bool room_for_outcome, after_barrier then, void *user);

#endif
