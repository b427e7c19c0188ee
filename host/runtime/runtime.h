/* SPDX-License-Identifier: Apache-2.0
 *
 * The runtime: the shell around the pure core. It owns the event loop, the clock, the plugins and
 * the journal; it turns what happens into events, journals each with the decisions that follow, and
 * carries them out: calls, retries at their time, effects behind the barrier, questions. Everything
 * runs on the thread that opened the host.
 */
#ifndef RUNTIME_RUNTIME_H
#define RUNTIME_RUNTIME_H

#include "flow/flow.h"
#include "journal/journal.h"
#include "loader/loader.h"
#include "orchestrator/orchestrator.h"

/* ---- The roster: the manifest, the cards of its plugins, and the catalog that flows see ---- */

struct lock; /* trust/trust.h */
struct keys;
struct signer;

struct roster_plugin {
    const struct manifest_plugin *entry;
    struct card *card; /* NULL: it was refused, and error says why */
    struct error error;
    bool pinned;           /* it is what the lock says */
    struct signer *signer; /* NULL: its card was not read; see trust/trust.h */
    json_t *left_out; /* of the agents that it listed, {agent, why}: the lock does not say them.
                         NULL = none */
    json_t
        *listed; /* all that it listed; NULL = its agents stand in its card, or it was not asked */
};

struct roster {
    struct manifest *manifest;
    struct roster_plugin *plugins; /* in the manifest's order */
    size_t plugin_count;
    struct catalog catalog;
    struct lock *lock;               /* NULL = there is none */
    struct keys *keys;               /* that are trusted */
    bool mixed;                      /* a plugin is of an earlier manifest: see host_back_roster */
    struct manifest_plugin *entries; /* of a mixed one: what its plugins' entries point to … */
    struct manifest **others;        /* … which stand on these, too */
    size_t other_count;
};

/* Reads the manifest and every card; runs no plugin, unless its agents stand in its configuration:
 * a confined worker is asked for them. A plugin that is refused is remembered with
 * its reason; it is an error here only if the manifest says `required`. */
WARN_UNUSED enum error_code roster_load(const char *manifest_path, struct roster **ret_roster,
                                        struct error *reterr);
/* Asks a plugin, in a worker, for the agents that stand in its configuration: its card has those of
 * them then that its entry of the lock says (NULL = all), unless that is none of them. */
WARN_UNUSED enum error_code plugin_describe(struct roster_plugin *plugin, const json_t *pinned,
                                            const struct manifest *manifest, struct error *reterr);
/* The same, for who asks what is refused and why: `required` is not heeded. */
WARN_UNUSED enum error_code roster_survey(const char *manifest_path, struct roster **ret_roster,
                                          struct error *reterr);
/* As roster_load, for what nothing of a plugin runs in: one whose library cannot be read is known
 * by its card alone, ALIAS.json in the folder of cards (NULL = none). */
WARN_UNUSED enum error_code roster_rehearse(const char *manifest_path, const char *cards,
                                            struct roster **ret_roster, struct error *reterr);
void roster_free(struct roster *roster);
void roster_freep(struct roster **roster);
/* flow_compile with what the manifest says: defaults, ceilings, people. */
WARN_UNUSED enum error_code roster_compile(const struct roster *roster, const char *path,
                                           struct flow **ret_flow, struct findings *ret_findings,
                                           struct error *reterr);
/* What the agents of the plugin may call, and what of it is not so and why, for people: a new list
 * of {agent, request, effect, status, note}; see grants.c for what a status says. */
json_t *roster_calls(const struct roster *roster, size_t plugin);

/* ---- The host ---- */

struct host;
struct stand_ins; /* runtime/stand_in.h */

/* A piece of what an agent says while it works. It is provisional: only an output counts. Lent. */
struct said {
    uint32_t task, attempt;
    struct slice text; /* UTF-8 without secrets, fit to be shown, lines end in \n; ends in NUL   */
    uint64_t lost;     /* so many bytes before it nobody is told                                */
    bool more;         /* another piece, or the end of the call, comes at once                  */
};

struct host_options {
    struct roster *roster;    /* borrowed, outlives the host                               */
    const char *store;        /* instead of the manifest's; NULL = the manifest's          */
    bool in_memory;           /* no journal on disk                                        */
    bool restored;            /* see journal_options                                       */
    bool paranoid;            /* runs that begin here hold proven values to contracts, too */
    const char *worker;       /* path of seam-worker; NULL = beside this program           */
    const struct flow *first; /* of the run to come; read by host_open, which begins to start the
                                 workers of its first steps before the journal is open; or NULL */
    /* After each record, before it is carried out; for live progress. May be NULL. */
    void (*progress)(void *user, const struct run *run, const struct event *event,
                     const struct decisions *decisions);
    /* A run ended (durably), or waits for a person and nothing else. */
    void (*settled)(void *user, const struct run *run);
    /* What plugins log, and what the host has to say of them. */
    void (*log)(void *user, const char *plugin, uint32_t level, struct slice text);
    /* Does anybody hear what agents say while they work on the run? And what one said: at most a
     * few times a second, LIMIT_SAID bytes of each call. Both or none may be NULL. */
    bool (*hears)(void *user, const struct run *run);
    void (*said)(void *user, const struct run *run, const struct said *said);
    /* What an agent asks of the host while it works, and what it is told: the plugin and the number
     * name what was asked, until it is answered. Both or none may be NULL. */
    void (*asked)(void *user, const struct run *run, uint32_t task, const char *plugin,
                  uint64_t request, struct slice op, struct slice body);
    void (*answered)(void *user, const char *plugin, uint64_t request,
                     const struct plugin_answer *answer);
    void *user;
    const struct stand_ins *stand_ins; /* a rehearsal; outlives the host; NULL = plugins */
};

WARN_UNUSED enum error_code host_open(const struct host_options *options, struct host **ret_host,
                                      struct error *reterr);
/* Ends plugins and closes the journal; the first failure of the journal's life is told. */
enum error_code host_close(struct host *host, struct error *reterr);

/* Whether a flow takes an input; host_submit asks it too. */
WARN_UNUSED enum error_code host_check_input(const struct flow *flow, const json_t *input,
                                             struct error *reterr);
/* Starts a run. The same id with the same input is the same run: it is resumed, or already final
 * (then `settled` is called at once); with another input, ERR_CONFLICT. id NULL makes a new one. */
WARN_UNUSED enum error_code host_submit(struct host *host, struct flow *flow, const char *id,
                                        json_t *input, struct error *reterr);
/* Takes up a run from the journal where it was left, by the flow that it began with. ERR_CONFLICT
 * if a plugin of today cannot be shown to be able to take the place of the one that it began with.
 * Of a final run, only `settled` is called. */
WARN_UNUSED enum error_code host_resume(struct host *host, const char *id, struct error *reterr);
/* Somebody takes the blame: runs that are resumed from now on go on though
 * the contracts of a new card are not proven to take the old one's place; who it was, and what for,
 * is recorded. Every value is still held to the contracts that the run began with; what a new card
 * does more to the world, and what recovery stands on, cannot be accepted. */
void host_accept(struct host *host, const char *who);
/* Every run that is not final; those of them that cannot go on are counted and told to `log`. */
WARN_UNUSED enum error_code host_resume_all(struct host *host, size_t *ret_count,
                                            size_t *ret_refused, struct error *reterr);

/* Runs the loop until one more run may be submitted, or as host_work. */
void host_make_room(struct host *host);
/* Runs the loop until every run has settled, host_stop is called, or the journal fails (the error).
 */
WARN_UNUSED enum error_code host_work(struct host *host, struct error *reterr);
/* Stops the loop; runs stay as they are and can be resumed. From the loop's thread. */
void host_stop(struct host *host);
/* The libuv loop (uv_loop_t *), for signals and terminals. */
void *host_loop(struct host *host);
size_t host_run_count(const struct host *host); /* runs that are not final             */

/* ---- A host that stays ---- */

/* Starts every plugin of the roster, side by side, and keeps them up: one whose worker ends is
 * started again, after its wait, though no call asks for it. told: each time that one is up (err
 * NULL), did not start, or has ended. */
typedef void (*host_plugin_told)(void *user, size_t plugin, const struct error *err);
void host_keep_plugins(struct host *host, host_plugin_told told);
/* Told of each plugin on probation that had too many faults: it should go back, and reason says
 * why. Whoever is told gets host_back_roster, and asks host_reload for it. */
typedef void (*host_plugin_fell)(void *user, size_t plugin, const char *reason);
void host_watch_falls(struct host *host, host_plugin_fell fell);
/* From now on each plugin that can tell when its agents are others (seam.watch/1) is asked to; they
 * are listed anew then, and whoever is told of the roster that has them owns it, and asks
 * host_reload for it. NULL: the host takes it itself, and says in its log how that ended. */
typedef void (*host_agents_changed)(void *user, size_t plugin, struct roster *roster);
void host_watch_agents(struct host *host, host_agents_changed changed);
/* The host's roster with the library and the configuration that the plugin on probation would go
 * back to; grants, limits and confinement are those of today. */
WARN_UNUSED enum error_code host_back_roster(const struct host *host, size_t plugin,
                                             struct roster **ret_roster, struct error *reterr);
/* What fell may be tried once more. */
void host_forgive(struct host *host);

struct host_plugin {
    const char *status;       /* "refused", "quarantined", "starting", "ready", "down" */
    size_t calls;             /* under way and in line */
    const json_t *quarantine; /* of its library, as report_quarantine tells; NULL = none */
    const char *last_failure; /* why it ended last; NULL = it did not */
    int64_t restart_ms;       /* until it is started again; -1 = it is not waited for */
    uint64_t starts;          /* that came to nothing, or ended, one after the other */
    long pid;                 /* of its worker; 0 = none */
    uint64_t generation;      /* 1, and one more each time that a reload replaced it */
    uint64_t stale;  /* answers of its worker that were late, double or nobody's: dropped */
    size_t draining; /* calls of the generation before, which ends when they have */
};
struct host_plugin host_plugin(const struct host *host, size_t plugin);
/* The generations of a plugin, the one that is called first. state: "serving", "probation" (it is
 * called, and may go back), "draining" (it ends what it began), "kept" (to go back to), "starting".
 */
struct host_generation {
    uint64_t generation;
    const char *state;
    size_t calls; /* under way and in line; of one that starts, those of its self-test */
    long pid;     /* of its worker; 0 = none */
    const struct card *card;
    int64_t left_ms;          /* of its probation, of its time to drain; -1 = none */
    uint64_t faults, answers; /* of one on probation: see reload.faults */
};
enum { HOST_GENERATIONS = 4 };
size_t host_generations(const struct host *host, size_t plugin,
                        struct host_generation ret[static HOST_GENERATIONS]);
/* Which generation of it went back, and why; false: none did, since another was taken. */
struct host_fall {
    uint64_t generation;
    int64_t at_ms;
    const char *reason;
    struct digest library;
};
bool host_fall(const struct host *host, size_t plugin, struct host_fall *ret);
/* Another manifest takes the place of the one that the host runs, all of it or nothing. Plugins
 * that are not what they were are started beside those that run; once all are up, calls go to them,
 * and what was sent stays where it is until it ends, or its `drain` is over. done is called once,
 * from the loop: with ERR_CONFLICT, naming run, step and witness, if a run under way cannot be
 * shown to be served by the new cards; while a plugin that is to be replaced still drains from the
 * reload before, this one waits; any error: nothing has changed, and the roster is the caller's
 * again. Else it is the host's, and the one before is freed once nothing refers to it; report:
 * {plugins: [{plugin, change, generation}]}, borrowed. */
typedef void (*host_reloaded)(void *user, const json_t *report, const struct error *err);
void host_reload(struct host *host, struct roster *roster, host_reloaded done, void *user);
/* What host_reload asks first, and what asks no run. */
WARN_UNUSED enum error_code host_check_roster(const struct host *host, const struct roster *roster,
                                              struct error *reterr);
/* Runs the loop until host_stop is called, with runs or without, or the journal fails (the error).
 */
WARN_UNUSED enum error_code host_serve(struct host *host, struct error *reterr);
/* The run, if this host has it in memory; else NULL. Valid until the loop goes on. */
const struct run *host_run(const struct host *host, const char *id);
/* Was such a run begun already, here or in the journal? ERR_CONFLICT if with another flow or input.
 */
WARN_UNUSED enum error_code host_known(struct host *host, const struct flow *flow, const char *id,
                                       const json_t *input, bool *ret_known, struct error *reterr);
/* A name for a run that nobody has named. */
void host_make_id(struct host *host, const char *flow, char *ret_id, size_t size);
/* May a run be called so? */
bool host_id_is_sound(const char *id);
/* Calls then(user, …) once all that was recorded so far is on disk, or cannot be. */
typedef void (*host_kept)(void *user, enum error_code code, const struct error *err);
void host_when_kept(struct host *host, host_kept then, void *user);
/* Nothing is under way: whatever runs are left wait for a time or for people. */
bool host_is_idle(const struct host *host);
/* What is on disk; the host's own. */
struct journal_reader *host_reader(struct host *host);
/* Unix time, as the host sees it. */
int64_t host_time(struct host *host);

/* Starts one plugin of the roster and waits until it is ready, or says why not; for `seam plugins`.
 * *ret_held: what holds its worker is in *ret_sandbox; also when it was refused. */
WARN_UNUSED enum error_code host_try_plugin(const struct roster *roster, const char *alias,
                                            const char *worker, struct sandbox_report *ret_sandbox,
                                            bool *ret_held, struct error *reterr);

/* ---- Reading the journal back ---- */

/* Gives the reader the keys that the manifest names, to read hidden runs with; one that cannot be
 * had is told of by what needs it. */
void reader_take_keys(struct journal_reader *reader, const struct manifest *manifest);

/* The file of the store, absolute; the caller frees. */
char *roster_store(const struct roster *roster, const char *override);

/* What can be read of a hidden run without its key: each record as {event, decisions}, but for what
 * tells a value, in order, given to the callback, which takes it. *ret_secret: the name of what
 * opens it; the caller frees. ERR_NOT_FOUND: it is not hidden. */
typedef bool (*run_each_record)(void *user, uint64_t seq, json_t *record_taken);
WARN_UNUSED enum error_code run_open_records(struct journal_reader *reader, const char *id,
                                             run_each_record each, void *user, char **ret_secret,
                                             struct error *reterr);

/* Calls each with every record of the run, folded as it goes: run is the state after the record,
 * NULL when flow is NULL (records alone need no flow). Returning false stops. */
typedef bool (*fold_each)(void *user, uint64_t seq, struct record *record, struct run *run);
WARN_UNUSED enum error_code fold_run(struct journal_reader *reader, const char *id,
                                     struct flow *flow, fold_each each, void *user,
                                     struct run **ret_run, struct error *reterr);

/* The records of a run from that one on, whole, each given to the callback, which takes it:
 * {event, decisions}. False stops. A run that is not there has none. */
WARN_UNUSED enum error_code run_records(struct journal_reader *reader, const char *id,
                                        uint64_t from_seq, run_each_record each, void *user,
                                        struct error *reterr);

/* The same as fold_run; before is called between an event and each decision that was recorded of
 * it, not yet followed: run is the state that it was decided in. With flow NULL before is never
 * called. */
typedef void (*fold_decided)(void *user, uint64_t seq, const struct record *record, size_t index,
                             const struct run *run);
WARN_UNUSED enum error_code fold_decisions(struct journal_reader *reader, const char *id,
                                           struct flow *flow, fold_decided before, fold_each each,
                                           void *user, struct run **ret_run, struct error *reterr);

/* The same as fold_decisions, some records at a time, for whoever has other things to do: what
 * `each` says is not asked. *ret_more: there may be others. */
struct fold;
struct fold *fold_begin(struct journal_reader *reader, const char *id, struct flow *flow,
                        fold_decided before, fold_each each, void *user);
WARN_UNUSED enum error_code fold_some(struct fold *fold, size_t records, bool *ret_more,
                                      struct error *reterr);
/* The run as far as it was read; lives with the fold. */
const struct run *fold_result(const struct fold *fold);
void fold_free(struct fold *fold);

/* Where what was decided then and what would be decided now part for the first time. */
struct difference {
    bool found;
    uint64_t seq;                   /* the record                                             */
    const char *event;              /* the kind of its event: a word                          */
    uint32_t rules;                 /* the version of the rules that decided it               */
    size_t decision;                /* of the record: 1, 2, …                                 */
    char *path;                     /* of the task or step that it is about; NULL = the run   */
    char *pointer;                  /* JSON Pointer within the decision: the first of …       */
    size_t others;                  /* … so many more places that differ, too                 */
    json_t *then, *now;             /* the decisions; NULL = there is none                    */
    json_t *then_value, *now_value; /* at the pointer; NULL = nothing stands there            */
};
struct replayed {
    size_t records, same; /* read; decisions that were the same */
    struct difference difference;
};
void replayed_done(struct replayed *replay);
/* "record 12 (ended), decision 2 (retry of book), at /due_ms: then …, now …" */
void difference_text(const struct difference *difference, struct text *out);

/* Decides every record of the run again, and stops at the first difference. */
WARN_UNUSED enum error_code replay_compare(struct journal_reader *reader, const char *id,
                                           struct flow *flow, struct replayed *ret,
                                           struct error *reterr);
/* The same; a difference is ERR_CONFLICT, with its text. *ret_decisions counts those that were the
 * same. */
WARN_UNUSED enum error_code replay_run(struct journal_reader *reader, const char *id,
                                       struct flow *flow, size_t *ret_records,
                                       size_t *ret_decisions, struct error *reterr);

/* Flows that were compiled from a journal, for as long as somebody reads it. */
struct shelf;
struct shelf *shelf_new(void);
void shelf_free(struct shelf *shelf);
void shelf_freep(struct shelf **shelf);

/* The flow that the run began with, against the agents that it began with, as the journal keeps
 * them: files and plugins may have changed since, or be gone. Runs of one flow share it. */
WARN_UNUSED enum error_code fold_flow(struct journal_reader *reader, struct shelf *shelf,
                                      const char *id, struct flow **ret_flow, struct error *reterr);

/* ---- Is the journal what was written? ---- */

/* What was looked at already: a text that many runs refer to is hashed once. */
struct verifying;
struct verifying *verifying_new(struct journal_reader *reader);
void verifying_free(struct verifying *verifying);
void verifying_freep(struct verifying **verifying);
size_t verifying_texts(const struct verifying *verifying);

struct verified {
    size_t records;
    uint64_t last_seq;
    struct digest head; /* the hash of the last record */
    struct journal_flaw flaw;
    struct error error; /* of a flaw: in words */
};
/* Walks the run's chain, and holds every text that its records refer to to its digest. anchors:
 * {"<seq>": "<hash>"}, hashes of the run that were kept elsewhere; may be NULL. ERR_OK, and a flaw
 * in ret if there is one; else why the run could not be looked at. */
WARN_UNUSED enum error_code verify_run(struct verifying *verifying, const char *id,
                                       const json_t *anchors, struct verified *ret,
                                       struct error *reterr);

/* ---- Libraries in quarantine ---- */

/* Of the journal, a new list of {library, plugin, id, version, kind, reason, at_ms, lines,
 * release}: who it was as which plugin, what it did, its last words, and the command that ends it;
 * where its agents stood in its configuration also {config, agents}: a digest of that, and those.
 */
WARN_UNUSED enum error_code quarantines(struct journal_reader *reader, json_t **ret_list,
                                        struct error *reterr);
/* Of a card whose agents stand in the plugin's configuration: if its library is in quarantine, it
 * is given the agents that the configuration had then, and nothing is started. ERR_DENIED if it is
 * another configuration; *ret_is_in = false: it is in none. */
WARN_UNUSED enum error_code quarantine_describes(struct roster_plugin *plugin, const char *store,
                                                 bool *ret_is_in, struct error *reterr);
/* One of them in a sentence; the caller frees. */
char *quarantine_words(const json_t *quarantine);
/* Ends it where no host owns the journal; ERR_BUSY: one does, and is to be sent inbox_release. */
WARN_UNUSED enum error_code quarantine_release(const struct journal_options *options,
                                               const char *library, struct error *reterr);

/* ---- Budgets over all runs ---- */

struct budget_use {
    int64_t begins_ms, ends_ms; /* Unix time; the period is one of UTC                   */
    struct amounts used;        /* in it, or by a clock that was ahead: set aside too    */
    bool ahead;                 /* some of it is of a time that is still to come         */
};
/* What all runs have used in the periods that are at that time. */
WARN_UNUSED enum error_code budgets_used(struct journal_reader *reader, int64_t at_ms,
                                         struct budget_use ret_uses[static PERIOD_COUNT],
                                         struct error *reterr);

/* ---- A run anew, from what an earlier one has finished ---- */

/* What a run with another flow, or with the plugins of today, would make of an earlier one. It is
 * what the core says when it is asked: a run is begun in memory with what could be taken over. */
struct renewal {
    struct flow *flow; /* that it would run */
    json_t *input;     /* of the new run */
    json_t *adopted;   /* of its STARTED; what is passed again stands in `passed` */
    /* {run, status, same, from, refused, flow: [edit], agents: [{agent, status, verdict, reason,
     * checks}], steps: [{step, was, then: taken-over | again | open | new | removed | skipped, why,
     * edits}], effects: [{step, path, effect, key, outcome, request, result, at_ms, undone}]}: the
     * effects are those of steps that are not, or may not be, taken over, and of steps that are
     * gone where a new one may do the same by another name; refused: why the flow that it began
     * with does not compile against the plugins of today */
    json_t *picture;
};
void renewal_done(struct renewal *renewal);
/* flow NULL = that which the run began with, against the roster of today; from NULL = no step is
 * forced to run again; input NULL = the run's own. */
WARN_UNUSED enum error_code renewal_make(struct journal_reader *reader, const struct roster *roster,
                                         const char *id, struct flow *flow, const char *from,
                                         json_t *input, struct renewal *ret, struct error *reterr);
/* Starts it. who allowed that all its effects may be passed again; NULL = nobody: then a person is
 * asked before each. ERR_CONFLICT while the earlier run is not final: two would do the same work at
 * once. */
WARN_UNUSED enum error_code host_renew(struct host *host, const struct renewal *renewal,
                                       const char *id, const char *who, struct error *reterr);

/* ---- What answer and cancel leave in the inbox ---- */

json_t *inbox_answer(const char *task, uint32_t revision, const json_t *answer, bool deny,
                     const char *who, const char *shown);
json_t *inbox_cancel(const char *who);
/* A message as it may lie in the inbox, sealed if its run is hidden, and as it was left there. Both
 * give a new reference; ERR_DENIED: the reader has not the key of the run. */
WARN_UNUSED enum error_code inbox_hide(struct journal_reader *reader, const char *run,
                                       json_t *message, json_t **ret_message, struct error *reterr);
WARN_UNUSED enum error_code inbox_see(const struct journal_reader *reader, const char *run,
                                      json_t *message, json_t **ret_message, struct error *reterr);
/* For the host itself: in place of a run's name. */
#define INBOX_HOST "/host"
json_t *inbox_release(const char *library, const char *who);
/* Such a message, as if it had come by the inbox now; said_ms: when the person said it. */
void host_deliver(struct host *host, const char *run, const json_t *message, int64_t said_ms);

#endif
