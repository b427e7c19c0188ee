/* SPDX-License-Identifier: Apache-2.0
 *
 * The orchestrator: what happens next in a run, and why. It is pure: a run's state is the fold of
 * its records, each an event with the decisions that followed from it; nothing here knows a clock,
 * a file, a thread or chance (time and seed are fields of events). Every path goes through one rule
 * table (rules.c): the first attempt and the hundredth, retry, undo, reconcile, and the restart
 * after a crash.
 *
 *     run_apply(run, event)              the event is a fact; it cannot fail
 *     run_decide(run, event, &decision)  const: one decision at a time; false when there is none
 *     run_follow(run, event, &decision)  the decision is a fact too; then the next
 *
 * The host journals {event, decisions}, then carries the decisions out; what comes of them are
 * events. Recovery applies and follows what was recorded and decides nothing; a replay decides
 * again, and must get the same.
 *
 * Words: a frame is a flow at work: the run's own (0), or that of a sub-flow or a plan, within a
 * task of another frame. A task is one unit of a step: the step itself or one item of its for_each,
 * in one of three roles (main, fallback, undo); or a call that an agent asked for, within the task
 * that asked (role call). An account is a budget: a frame has one, which draws on that of the frame
 * around it; so may a call. An attempt is one start of an agent for a task, or of its reconcile
 * agent. An effect is one change of the world, of a task, with a key that is the same for ever.
 */
#ifndef ORCHESTRATOR_ORCHESTRATOR_H
#define ORCHESTRATOR_ORCHESTRATOR_H

#include "flow/flow.h"

/* Grows when the same events would be decided in another way. A run's records name the version that
 * decided them; a run of a later version is not taken up. */
enum { RULES_VERSION = 5 };
/* Since then, what a start is charged that is lost with its host: all that was set aside. */
enum { RULES_LOST_COSTS = 5 };

/* ---- Words of the table ---- */

#define EVENT_KINDS(X)                                                                             \
    X(STARTED, "started")           /* input, seed, pins: the run exists                        */ \
    X(TAKEN_OVER, "taken-over")     /* a new host: whatever was in flight is lost               */ \
    X(CHANGED, "changed")           /* a new host cannot go on: its plugins are others          */ \
    X(ENDED, "ended")               /* an attempt ended, in whatever way                        */ \
    X(EFFECT_ASKED, "effect-asked") /* an agent wants to begin an effect                        */ \
    X(EFFECT_ENDED, "effect-ended") /* evidence: answer, refusal, or the agent's commit         */ \
    X(RESERVE_ASKED, "reserve-asked") /* an agent wants tokens or cost set aside */                \
    X(SPENT, "spent")               /* an agent says what it used                               */ \
    X(CALL_ASKED, "call-asked")     /* an agent wants another one called                        */ \
    X(HELD, "held")                 /* a start waits for its agent's rate or room               */ \
    X(DUE, "due")                   /* the time a task waited for has come                      */ \
    X(ANSWERED, "answered")         /* a person answered or denied                              */ \
    X(EXPIRED, "expired")           /* a question's deadline passed                             */ \
    X(TOLD, "told")                 /* a person was told of a question, or could not be         */ \
    X(CANCEL_ASKED, "cancel-asked") /* a person wants the run to end                            */ \
    X(TIME_SPENT, "time-spent")     /* the run's time budget is used up                         */ \
    X(MOVED, "moved")               /* a start went to another library than those before        */ \
    X(STATE_PUT, "state-put")       /* an agent keeps a value from call to call                 */

enum event_kind {
#define X(name, word) EVENT_##name,
    EVENT_KINDS(X)
#undef X
};

#define DECISION_KINDS(X)                                                                          \
    X(ADMIT, "admit")         /* a step's turn: its items are known, its tasks exist      */       \
    X(SKIP, "skip")           /* a step will not run                                      */       \
    X(START, "start")         /* call the agent                                           */       \
    X(JUDGE, "judge")         /* what an attempt came to, before the table is asked       */       \
    X(RETRY, "retry")         /* call it again at `due_ms`                                */       \
    X(ACCEPT, "accept")       /* the task is done with this output                        */       \
    X(FAIL, "fail")           /* the task has failed                                      */       \
    X(FALL_BACK, "fall-back") /* the fallback agent takes the task                        */       \
    X(ABANDON, "abandon")     /* the run is ending: the task is dropped                   */       \
    X(STOP, "stop")           /* ask a running attempt to end: its result has no use      */       \
    X(ASK, "ask")             /* a question to a person                                   */       \
    X(REFUSE_ANSWER, "refuse-answer") /* the answer does not fit the question */                   \
    X(RECONCILE, "reconcile") /* ask the reconcile agent about an effect, at `due_ms`     */       \
    X(RESOLVE, "resolve")     /* an effect in doubt is now DONE or NONE                   */       \
    X(EFFECT, "effect")       /* the answer to an agent that asked to begin one           */       \
    X(RESERVE, "reserve")     /* the answer to an agent that asked for budget             */       \
    X(CALL, "call")           /* the answer to an agent that asked for another one        */       \
    X(HOLD, "hold")           /* a task waits for what it has called                      */       \
    X(ENTER, "enter")         /* a sub-flow or a plan begins, in the place of a start     */       \
    X(LEAVE, "leave")         /* it is final                                              */       \
    X(ADOPT, "adopt")         /* a step is taken over from an earlier run, done           */       \
    X(PERMIT, "permit")       /* may the run go on with other plugins?                    */       \
    X(UNWIND, "unwind")       /* the run will fail, from here it only cleans up           */       \
    X(UNDO, "undo")           /* a done task is to be undone                              */       \
    X(END, "end")             /* the run is final                                         */

enum decision_kind {
#define X(name, word) DECISION_##name,
    DECISION_KINDS(X)
#undef X
};

enum role { ROLE_MAIN, ROLE_FALLBACK, ROLE_UNDO, ROLE_CALL };

/* How an attempt ended, as the host saw it. */
enum end {
    END_OK,             /* the agent gave an output                                          */
    END_INPUT_REQUIRED, /* it needs a person: body is {question, schema}                     */
    END_FAILED,         /* in any way: `cause` says which                                    */
    END_NOT_STARTED,    /* it never began: no instruction of the agent ran for it            */
    END_GAVE_WAY,       /* it was told that what it called waits for a person                */
};

/* What is known of an effect. OPEN is begun and under way: if anything goes wrong now, UNKNOWN. */
enum outcome { OUTCOME_NONE, OUTCOME_DONE, OUTCOME_UNKNOWN, OUTCOME_OPEN };

/* What effect.begin is answered. */
enum begin { BEGIN_FRESH, BEGIN_DONE, BEGIN_UNKNOWN, BEGIN_CONFLICT, BEGIN_REFUSED };

/* What a person is asked. */
enum question {
    QUESTION_DOUBT,   /* did it happen?                                                   */
    QUESTION_OUTPUT,  /* is this output good? what should it be?                          */
    QUESTION_FAILURE, /* it failed: again, or what is its output?                         */
    QUESTION_INPUT,   /* the agent asks                                                   */
    QUESTION_CHANGE,  /* may the run go on with plugins that are not what they were?      */
};

/* In the place of a task: a question about the run itself. Its path is ".". */
#define RUN_ITSELF (UINT32_MAX - 1)

enum run_status { RUN_RUNNING, RUN_WAITING, RUN_DONE, RUN_FAILED, RUN_CANCELLED };
const char *run_status_word(enum run_status status);
bool run_status_is_final(enum run_status status);

/* ---- Events and decisions: flat, every field a value ---- */

/* Strings and JSON of an event are borrowed by those who read it. */
struct event {
    enum event_kind kind;
    int64_t at_ms;          /* Unix time, never before the run's last event              */
    uint32_t task, attempt; /* attempt: the serial that START gave                       */
    /* ENDED */
    enum end end;
    enum cause cause;   /* with FAILED and NOT_STARTED */
    bool lost;          /* it did not end by itself: it may have used all that was set aside */
    enum outcome claim; /* what the agent says of its effect: counts if worse        */
    bool refusal;       /* the operator vouches that nothing is done where it ends with `code` */
    int64_t retry_after_ms;
    json_t *body; /* output, or error object; ANSWERED: the answer             */
    const char *code, *message;
    bool claimed; /* the reference in a reconcile's result is another effect's */
    /* EFFECT_ASKED, EFFECT_ENDED */
    const char *effect; /* its name                                                  */
    const char *digest; /* of the request, secrets as placeholders                   */
    json_t *request;    /* kept for reconcile and people                             */
    bool automatic;     /* made by http.send itself                                  */
    enum outcome outcome;
    json_t *response, *result; /* what the host saw; what the agent committed               */
    /* SPENT, RESERVE_ASKED */
    int64_t tokens, cost;
    json_t *prompt; /* RESERVE_ASKED: what it is for, if told: {hash, bytes, text}; no rule asks */
    json_t *room;   /* what the budgets over all runs had room for; see room_lacks */
    /* CALL_ASKED: `effect` is the call's name, with its ordinal: "lookup#1"; `code` the agent that
     * is wanted, by its name in the catalog; `body` the input; `request` {retry, timeout_ms,
     * budget} or NULL; `digest` of agent and input. HELD: `code` what it waits for, or was refused
     * by in the middle of its work; `message` in words */
    /* ENDED, ANSWERED: of an output that holds a plan */
    bool planned;        /* there is one, and it was compiled                        */
    json_t *plan_errors; /* what the compiler found, if it is refused: texts         */
    struct flow *plan;   /* else the flow; not in the record: it is compiled again   */
    /* ANSWERED, CANCEL_ASKED; TOLD: who, and in `message` why they could not be told */
    uint32_t revision;
    bool deny;
    int64_t said_ms; /* when the person said it, which may be long before the host hears of it;
                        0 = at_ms */
    const char *who, *shown; /* digest of what the person was shown                       */
    /* TAKEN_OVER */
    bool restored;     /* the journal came from a backup: what was unfinished may have happened */
    json_t *libraries; /* digests of those that it goes on with, by agent */
    /* MOVED: `code` the agent, `digest` of the library that it is called in from here on */
    /* STATE_PUT: `code` the key, `body` {version, value}; without a value it is gone */
    /* CHANGED: `body` {agents, approvable}, `digest` of what differs, `message` in words.
     * TAKEN_OVER: `digest` of what `who` took the blame for, or NULL */
    /* STARTED */
    const char *run, *store;
    uint64_t seed;
    json_t *input, *pins;
    uint32_t rules;  /* and TAKEN_OVER: RULES_VERSION of who decides from here on */
    bool paranoid;   /* proven or not, every mapped value is held to its contract */
    json_t *adopted; /* of an earlier run: {from, steps: {name: {…}}}; see run_adoptable */
};

struct decision {
    enum decision_kind kind;
    const char *rule;    /* the row's name: static                                    */
    json_t *why;         /* the facts it used                                         */
    uint32_t frame;      /* of step; of ENTER and LEAVE: the one that begins or ends  */
    uint32_t step, task; /* task: of those that have one                              */
    /* START */
    uint32_t attempt; /* serial of the start within the task, reconciles too       */
    uint32_t number;  /* of the try: what the agent sees as `attempt`              */
    bool reconciling;
    const char *effect; /* reconcile, resolve, effect: its name; lives with the run or
                           the event                                                 */
    json_t *input;      /* of the call; NULL when it is the task's, already recorded */
    json_t *feedback;
    int64_t timeout_ms;   /* of this attempt; -1 = none                                */
    int64_t tokens, cost; /* reserved, or granted                                      */
    /* RETRY, RECONCILE, ASK */
    int64_t due_ms;  /* Unix time; -1 = when something happens                    */
    bool deferred;   /* RETRY: the try is not counted                             */
    bool said_never; /* RECONCILE: a person said so, before `settle` had passed   */
    /* ADMIT */
    json_t *items; /* NULL = a step without for_each                            */
    /* JUDGE: with cause COUNT, the agent needs a person's input */
    enum cause cause;
    bool accepted, fits; /* fits: its contract at least */
    /* ACCEPT, JUDGE, END, RESOLVE */
    json_t *output; /* NULL = the event's body (JUDGE), the verdict's (ACCEPT) */
    json_t *undo_input;
    enum outcome outcome;
    /* FAIL, UNWIND, END; ACCEPT: why the input of its undo could not be mapped */
    json_t *error;          /* {code, message, step}                                     */
    enum run_status status; /* FAIL: RUN_FAILED = the run fails with it                  */
    bool skipped;           /* FAIL: the flow goes on without it                         */
    /* ASK */
    enum question question;
    uint32_t revision;
    json_t *shown; /* all that a person is shown                                */
    /* EFFECT, RESERVE */
    enum begin begin;
    const char *key; /* hex; lives with the run                                   */
    json_t *result, *response;
    bool granted; /* RESERVE, PERMIT; RETRY: the recovery pays                 */
};
void decision_done(struct decision *decision);

struct decisions {
    struct decision *list;
    size_t count, room;
};
void decisions_done(struct decisions *decisions);

/* ---- A run ---- */

struct run;

/* A run without history; keeps a reference to the flow. The first event must be STARTED. */
struct run *run_new(struct flow *flow);
void run_free(struct run *run);

void run_apply(struct run *run, const struct event *event);
bool run_decide(const struct run *run, const struct event *event, struct decision *ret_decision);
void run_follow(struct run *run, const struct event *event, const struct decision *decision);
/* The loop above; the decisions are added to ret_decisions. */
void run_advance(struct run *run, const struct event *event, struct decisions *ret_decisions);

/* What a run that waits was given need not lie there as values. lay() adds a value's text, raise()
 * makes the same value of it, a new reference. The run keeps the pointer. */
struct rest {
    void (*lay)(const json_t *value, struct text *out);
    json_t *(*raise)(struct slice text);
};
/* Nothing that can be seen of the run changes; what is read is a value again. A START's own
 * reference to its input is counted on to be let go of. */
void run_rest(struct run *run, const struct rest *rest);

/* ---- Records: one event with its decisions, as JSON ---- */

struct record {
    struct event event;
    struct decisions decisions;
    json_t *root; /* what the strings of a read record live in                 */
};
/* A new reference: {"event": {…}, "decisions": […]}. Fields that say nothing are left out. */
json_t *record_json(const struct run *run, const struct event *event,
                    const struct decisions *decisions);
/* How strings and values are written as JSON, which this room leaves to others. */
struct record_style {
    void (*string)(struct slice string, struct text *out);
    void (*value)(void *user, json_t *value, struct text *out);
    void *user;
    /* Only what tells no value: words, numbers, rules, the steps of files, what the run is pinned
     * to. In the place of a task's name that an agent chose stands that of the step around it. */
    bool open;
};
/* The same as text. */
void record_write(const struct run *run, const struct event *event,
                  const struct decisions *decisions, const struct record_style *style,
                  struct text *out);
WARN_UNUSED enum error_code record_read(json_t *json, struct record *ret_record,
                                        struct error *reterr);
void record_done(struct record *record);
const char *event_kind_word(enum event_kind kind);
const char *decision_kind_word(enum decision_kind kind);

/* ---- What others may ask of a run ---- */

const char *run_id(const struct run *run);
struct flow *run_flow(const struct run *run); /* borrowed */
enum run_status run_status(const struct run *run);
const json_t *run_input(const struct run *run); /* borrowed */
/* Of a final run; borrowed; NULL = none. */
const json_t *run_output(const struct run *run);
const json_t *run_error(const struct run *run);
uint64_t run_seq(const struct run *run); /* records applied so far                  */
int64_t run_time(const struct run *run); /* of the last event                       */
/* When TIME_SPENT will be due, Unix time, if nothing else happens; -1 = never. */
int64_t run_deadline(const struct run *run);

size_t run_task_count(const struct run *run);
/* "book", "search[3]", "book/undo"; lives with the run. */
const char *run_task_path(const struct run *run, uint32_t task);
/* The task with that path, or UINT32_MAX. A step's name alone also finds its only open question. */
uint32_t run_task_find(const struct run *run, struct slice path);
/* The agent that START of this task calls (or its reconcile agent), and its input; borrowed. */
const struct agent *run_task_agent(const struct run *run, uint32_t task, bool reconciling);
json_t *run_task_input(const struct run *run, uint32_t task);
/* What the world calls the effect of the task's agent, as its card's `ref` finds it in a result:
 * the agent's name and the reference; the caller frees. NULL if it names none. */
char *run_task_reference(const struct run *run, uint32_t task, const json_t *result);
/* The key that a call of the task is given: that of its effect "call". */
void run_task_key(const struct run *run, uint32_t task, char ret_hex[static DIGEST_HEX_SIZE]);
bool run_task_in_flight(const struct run *run, uint32_t task, uint32_t attempt);
/* The last record whose results the task's last start builds on, if what happened is the end of
 * another task. The first attempt at a step, or at an item of one, is made of what was there when
 * the step's turn came, and of nothing that another item gave; any other may know all. */
uint64_t run_task_builds_on(const struct run *run, uint32_t task);
/* Was that start asked to end, or has its flow or its caller ended, before it began? Then it needs
 * not begin, unless something that the task has done or may have done is to be completed. */
bool run_task_needless(const struct run *run, uint32_t task);
/* Does its last start clean up (reconcile, undo, completion), so that `recovery` pays for it? */
bool run_task_recovers(const struct run *run, uint32_t task);
/* When that start must be over, Unix time, whatever its own timeout: by its step's
 * schedule_to_close, the time of the budgets around it, its caller's end; -1 = whenever. */
int64_t run_task_deadline(const struct run *run, uint32_t task);
/* When DUE must be sent for the task, Unix time; -1 = it waits for no time. */
int64_t run_task_due(const struct run *run, uint32_t task);
/* When EXPIRED must be sent; -1 = no question, or one without a deadline. */
int64_t run_task_question_deadline(const struct run *run, uint32_t task);

bool run_task_final(const struct run *run, uint32_t task);

/* The digest, in hex, of the library that an agent runs in since the run was taken over; NULL =
 * that which it began with. */
const char *run_library(const struct run *run, const char *agent);
/* Has a task that is not final called this agent? */
bool run_agent_underway(const struct run *run, const char *agent);

struct question_view {
    uint32_t task, revision;
    enum question kind;
    int64_t deadline_ms;
    const json_t *shown;   /* borrowed */
    bool told;             /* somebody was told of this revision */
    bool silence_approves; /* its output is taken when the deadline passes; else it is denied */
};
/* Nobody's answer counts from then on, whether or not a host has said so yet. */
bool question_is_over(const struct question_view *view, int64_t at_ms);
/* Who is to be told of its questions: a name of the manifest, or NULL = whoever looks. */
const char *run_task_escalates_to(const struct run *run, uint32_t task);
bool run_question(const struct run *run, uint32_t task, struct question_view *ret_view);
/* It waits for a person to say whether it may go on with plugins that are not what they were, and
 * was shown what has this digest. */
bool run_change_asked(const struct run *run, const char *digest);
/* Who took the blame for that difference; NULL = nobody. Lives with the run. */
const char *run_change_accepted(const struct run *run, const char *digest);
/* A question about the run itself is open, or answered and not yet acted upon: nothing is called.
 */
bool run_is_held(const struct run *run);
/* Would this answer be taken? The error says what the question accepts. */
WARN_UNUSED enum error_code run_answer_fits(const struct run *run, uint32_t task,
                                            const json_t *answer, struct error *reterr);

/* ---- Calls within calls ---- */

/* The call that CALL answered, or the task that a decision is about: what stands behind its name.
 */
struct nested_view {
    uint32_t parent;  /* the task that asked                                      */
    const char *name; /* "lookup#1"; lives with the run                           */
    bool final, ok;
    const json_t *output; /* of an ok one; borrowed                                   */
    const json_t *error;  /* else: {code, message}; borrowed                          */
    enum cause cause;     /* … and its cause                                          */
    enum outcome outcome; /* of all its effects, and of what it called: the worst     */
    int64_t tokens, cost; /* what it spent, with all that it called                   */
};
/* False if the task is no call of another. */
bool run_nested(const struct run *run, uint32_t task, struct nested_view *ret_view);
/* Does the call wait for a person, and can its caller, which is in flight, end and be called again
 * when there is an answer? Then the caller is to be told. */
bool run_nested_gives_way(const struct run *run, uint32_t task);
/* The task of that name under the parent, or UINT32_MAX. */
uint32_t run_nested_find(const struct run *run, uint32_t parent, const char *name);

/* ---- Plans ---- */

/* Does the event, which has not happened yet, bring an output that may hold a plan? Then
 * *ret_frame_flow and *ret_step are what flow_compile_plan wants, and *ret_fragment (a new
 * reference) is the fragment, or NULL if the output gives none: *ret_plan_errors (a new reference)
 * says why, or is NULL if none is wanted. */
bool run_plan_of(const struct run *run, const struct event *event,
                 const struct flow **ret_frame_flow, uint32_t *ret_step, json_t **ret_fragment,
                 json_t **ret_plan_errors);

/* ---- Taking over ---- */

/* The steps of a run, for STARTED of another: {path: {status, items, parts: [{input, output |
 * error, undo_input, effects}]}}, those of its flow and of its sub-flows; a new reference. */
json_t *run_adoptable(const struct run *run);

/* ---- What was spent, where ---- */

struct amounts {
    int64_t attempts, calls, tokens, cost; /* cost in millionths */
};
/* All that the run has used so far, without what is only set aside. */
struct amounts run_spent(const struct run *run);
/* What is left for what the task's flow has yet to call, of the budgets around it: attempts, calls,
 * tokens and cost; -1 = no limit. */
struct budget run_left(const struct run *run, uint32_t task);
/* The same, with what is set aside for starts that have not ended. */
struct amounts run_charged(const struct run *run);

/* Budgets over all runs: `room` of an event is [{period, until, what, allowed, used, returns}], a
 * limit each: `what` of "attempts" … , `used` before the event, `returns` if what the event gives
 * back is given back to that period. Why is there no room for `more`, after what was begun and
 * returned since? False = there is. */
struct room_lack {
    char code[24]; /* "budget-day" */
    char message[400];
};
bool room_lacks(const json_t *room, struct amounts begun, struct amounts returned,
                struct amounts more, struct room_lack *ret_lack);
/* Did the last event's room change what was decided? Then it belongs in the record. */
bool run_lacked_room(const struct run *run);

/* The effects of a task that the world may have seen: for tests and for showing. */
struct effect_view {
    const char *name, *key;
    enum outcome outcome;
    bool automatic;
    int64_t first_ms;                /* when it was begun for the first time */
    const json_t *request;           /* borrowed; NULL = none, or not known */
    const json_t *response, *result; /* borrowed; of a DONE one; NULL = none */
};
size_t run_task_effects(const struct run *run, uint32_t task);
struct effect_view run_task_effect(const struct run *run, uint32_t task, size_t index);

/* A picture of the run for people and programs: status, steps, tasks, attempts, effects, questions,
 * what was spent. A new reference. */
json_t *run_describe(const struct run *run);
/* The same in pieces: all but the tasks, of which it has none; and one of them. */
json_t *run_describe_whole(const struct run *run);
json_t *run_describe_task(const struct run *run, uint32_t task);

/* The rule's sentence for `explain`, and what would have changed the decision; NULL if no such
 * rule. */
const char *rule_meaning(const char *rule);
const char *rule_alternative(const char *rule);

/* The confidence that an output of the task reports, where its agent's card says; false = none. */
bool run_confidence(const struct run *run, uint32_t task, const json_t *output,
                    double *ret_confidence);

/* Why a decision was made as it was, beside its rule and the facts that were recorded, in the state
 * that it was made in: between run_apply (or the run_follow before it) and its own run_follow.
 * {because: [sentence], facts, budget: [{of, left}], otherwise: [{change: [name], if: [sentence],
 * rule, would: sentence}]}: facts are the names of those that hold, or what an `if` read; budget
 * goes from the nearest account to the run's own; each of otherwise is what would have been decided
 * if that were so, as the rules say when they are asked again. A new reference. */
json_t *run_why(const struct run *run, const struct event *event, const struct decision *decision);

/* The key of an effect: SHA-256 over store id, run id, task path, item and effect name, hex. */
void effect_key(const char *store, const char *run, const char *step, int64_t item,
                const char *effect, char ret_hex[static DIGEST_HEX_SIZE]);

#endif
