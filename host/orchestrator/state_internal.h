/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of a run: what its records fold to. Only apply.c (events), follow.c (decisions) and the
 * parts that they share (task.c, frame.c) write it. Work that waits for a decision stands in the
 * agenda, first come first served, so that deciding costs nothing that grows with the run.
 *
 *   task:  READY → RUNNING → JUDGED … DONE | FAILED | SKIPPED | ABANDONED
 *            |         ↓ ↑     |  ↑
 *            |         |       HELD             what it called is not final yet
 *            ├→ INSIDE ─────→ JUDGED            a sub-flow or plan does its work: ENTER, LEAVE
 *            ↑________PAUSED______|             a retry waits for its time
 *            ↑________ASKING______|             a person is asked
 *            |    RECONCILING ⇄ SETTLING        an effect is in doubt
 *   step:  WAITING (for `after`) → TURN (in the agenda) → ACTIVE → DONE | FAILED | SKIPPED
 *   frame: RUNNING → (ending: its tasks end, what is done is undone) → DONE | FAILED | CANCELLED
 */
#ifndef ORCHESTRATOR_STATE_INTERNAL_H
#define ORCHESTRATOR_STATE_INTERNAL_H

#include "orchestrator/orchestrator.h"

#include "base/limits.h"
#include "base/units.h"

#define NO_TASK    UINT32_MAX
#define NO_ACCOUNT UINT32_MAX

enum task_state {
    TASK_READY, /* waits for its turn in the line                                   */
    TASK_RUNNING,
    TASK_INSIDE,      /* its sub-flow or plan is at work                                  */
    TASK_HELD,        /* an attempt ended, but what it called has not                     */
    TASK_JUDGED,      /* an attempt ended: the table is to decide                         */
    TASK_PAUSED,      /* until due_ms                                                     */
    TASK_RECONCILING, /* its reconcile agent runs, or waits in the line to                */
    TASK_SETTLING,    /* until due_ms, or until its request is closed                     */
    TASK_ASKING,
    TASK_DONE,
    TASK_FAILED,
    TASK_SKIPPED, /* failed, and the flow said to go on                               */
    TASK_ABANDONED,
    TASK_REPLACED, /* the fallback has it now                                          */
};

struct effect {
    char *name;
    char key[DIGEST_HEX_SIZE];
    char *digest;
    json_t *request; /* what the reconcile agent is shown                         */
    enum outcome outcome;
    bool automatic, implicit; /* implicit: of an agent that the host does not broker       */
    json_t *response, *result;
    uint32_t last_begin; /* the try that began it last                                */
    bool passed;         /* that try began another one when this was done             */
    uint32_t begun_by;   /* … and that start's serial                                 */
    int64_t first_ms;    /* of the first begin                                        */
    int64_t closed_ms;   /* when its request was closed; -1 = not yet                 */
    bool said_never;     /* a person says that it did not happen                      */
    bool doubted; /* begun again while an earlier request was in doubt: what is known of the later
                     one alone cannot make it NONE                                    */
};

/* A value that may lie there as its text: see rest.c. */
struct lain {
    uint32_t uses; /* the flow's and its step's may be one */
    size_t len;
    char text[];
};
struct rested {
    json_t *value; /* NULL: there is none, or … */
    struct lain *lain;
    bool was_raised;
};

/* How the last try ended, kept until the task is decided. */
struct verdict {
    enum cause cause; /* when not accepted                                         */
    bool accepted;    /* an output that passed all checks                          */
    bool fits;        /* … or at least its contract                                */
    bool deferred;    /* it did not start, for a reason that passes with time               */
    bool gave_way;    /* what it called waits for a person                                  */
    json_t *output, *error, *feedback;
    int64_t retry_after_ms;
};

/* What a task is that another one called: whom, and on what terms. */
struct nested {
    struct callee callee; /* of the catalog; its mapping is NULL: the input came with the call */
    struct retry retry;
    int64_t timeout_ms;  /* of an attempt; -1 = as the agent's                                  */
    char *name, *digest; /* "lookup#1"; of agent, input and terms                               */
    uint32_t last_call;  /* the parent's try that asked for it last                             */
};

struct task {
    uint32_t frame, account;
    uint32_t parent;       /* the task that called it; NO_TASK = its step began it            */
    struct nested *nested; /* NULL unless parent                                              */
    uint32_t *children;    /* the calls that it asked for, of all its attempts                */
    uint32_t child_count, children_open; /* open: not final                                      */
    uint32_t inside;   /* the frame that is its work; 0 = none, or not yet                */
    struct flow *plan; /* what its output holds, compiled                                 */
    uint32_t step;
    int64_t item; /* -1 = the step has no for_each                             */
    enum role role;
    enum task_state state;
    char *path;
    uint32_t serial; /* starts, of all kinds                                      */
    uint32_t tries;  /* starts of the agent                                       */
    uint32_t extra;  /* tries beyond max_attempts that a person or a replay gave  */
    uint32_t reconciles;
    uint32_t deferrals; /* tries that were not counted                                     */
    bool lined;         /* it takes one of its frame's places in the line, or in flight    */
    bool adopted;       /* from an earlier run                                             */
    bool repeats;       /* it may pass effects of an earlier run again: a person is asked  */
    bool in_flight;     /* a start has not ended yet                                 */
    bool reconciling;   /* … and it is the reconcile agent                           */
    bool recovering;    /* … and the recovery pays for it                             */
    bool stopping;
    bool conflict;    /* an effect was asked for with another request              */
    bool due;         /* its time has come */
    bool cleared;     /* a person said to go on after a restore */
    bool on_recovery; /* its next try is paid by the recovery */
    bool judged;      /* verdict says how the last try ended */
    bool resumed;     /* a doubt was resolved since */
    struct rested input;
    json_t *feedback, *output, *error;
    enum cause failed_by;            /* of a failed one                                           */
    json_t *undo_input, *undo_error; /* undo_error: why there is no input for it       */
    int64_t first_ms;                /* of the first start                                        */
    int64_t ends_ms;                 /* when the start under way will be given up; -1 = never     */
    int64_t due_ms;                  /* -1 = no time                                              */
    int64_t asked_ms;                /* when the reconcile agent was last started                 */
    int64_t aside_ms, aside_since_ms; /* how long it has waited for people; since when it does    */
    uint32_t about; /* RECONCILING, SETTLING, ASKING in doubt: index of effect   */
    int64_t reserved_tokens, reserved_cost, spent_tokens, spent_cost;
    bool said_spent;
    int64_t used_tokens, used_cost; /* of all its starts that have ended                          */
    int64_t used_attempts, used_calls, used_recovery; /* as they are counted in its account */
    struct effect *effects;
    uint32_t effect_count;
    /* the open question */
    enum question question;
    uint32_t revision, told;          /* told: the revision that somebody was told of */
    int64_t deadline_ms, question_ms; /* question_ms: when this revision was asked */
    json_t *shown;
    struct verdict verdict;
};

enum step_state { STEP_WAITING, STEP_TURN, STEP_ACTIVE, STEP_DONE, STEP_FAILED, STEP_SKIPPED };

struct step_run {
    enum step_state state;
    uint32_t waiting;            /* steps of `after` that are not final                       */
    uint64_t turn_seq;           /* the record by which its turn came                         */
    json_t *items;               /* of a for_each                                             */
    uint32_t *tasks, task_count; /* the task of each item; made when its turn comes           */
    uint32_t next;               /* the next item to stand in line                            */
    uint32_t active;             /* of them, begun and not final                              */
    uint32_t final;
    json_t *output;
};

/* A queue of indexes. */
struct line {
    uint32_t *list;
    size_t head, count, room;
};
void line_push(struct line *line, uint32_t value);
bool line_first(const struct line *line, uint32_t *ret_value);
void line_pop(struct line *line);
/* Takes the value out, wherever it stands; false if it is not there. */
bool line_remove(struct line *line, uint32_t value);
bool line_near(const struct line *line, uint32_t value);
void line_done(struct line *line);

struct spent {
    int64_t attempts, calls, tokens, cost, recovery;
    int64_t reserved_tokens, reserved_cost;
};

/* A budget, within another. */
struct account {
    uint32_t parent; /* NO_ACCOUNT = the run's own                              */
    uint32_t task;   /* whose it is; NO_TASK = the run's own                    */
    struct budget limit;
    struct spent spent;
    int64_t opened_ms; /* of the run's active time                                 */
    bool open, time_spent;
};

/* A flow at work: the run's own, or a sub-flow or a plan in the place of a task's agent. */
struct frame {
    struct flow *flow;
    uint32_t parent; /* the task whose work it is; NO_TASK = the run's own              */
    uint32_t account;
    char *prefix; /* of its tasks' paths: "", "pay/", "pay[2]/"                       */
    struct rested input;
    enum run_status ending; /* RUN_RUNNING, or how it is going to end                    */
    enum run_status status; /* RUN_RUNNING until final                                   */
    json_t *output, *error;
    struct step_run *steps;
    uint32_t steps_left;
    uint32_t open;       /* tasks that exist and are not final                            */
    uint32_t places;     /* of its own concurrency, taken by tasks in line and in flight  */
    struct line outside; /* tasks for which there is no place yet                         */
    struct line tasks;   /* all of them                                                   */
    struct line undo;    /* done tasks with an undo, in order of completion               */
    struct line sweep;   /* while ending: tasks that are to be told                       */
    uint32_t undoing;    /* the undo task under way, or NO_TASK                           */
    uint32_t unwinding;  /* frames within it that are being undone                        */
};

/* Other plugins than it began with: see change.c. */
enum change_state { CHANGE_NONE, CHANGE_ASKED, CHANGE_DENIED, CHANGE_PERMITTED };

struct change {
    enum change_state state;
    uint32_t revision, told;
    int64_t deadline_ms;
    char *digest, *accepted; /* of what is asked, of what may be                              */
    char *who;               /* said so last                                                  */
    json_t *shown;
};

struct run {
    struct flow *flow; /* of frame 0 */
    char *id, *store;
    json_t *about; /* {id, started} of `.run`; NULL = nobody has asked          */
    json_t *pins, *libraries, *adopted;
    json_t *words[3]; /* the words of `.steps.X.status`, by STEP_DONE …, that were asked for */
    uint64_t seed, seq;
    bool paranoid; /* no proof is relied on */
    int64_t started_ms, now_ms;
    int64_t active_ms; /* without waiting for people alone */
    bool restored;     /* its journal came from a backup */
    struct frame **frames;
    uint32_t frame_count, frame_room;
    struct account *accounts;
    uint32_t account_count, account_room;
    struct task **tasks;
    uint32_t task_count, task_room;
    uint32_t in_flight; /* starts that have not ended                                */
    uint32_t places;    /* of them, those that count against the flow's concurrency  */
    uint32_t busy;      /* tasks that can go on without a person                     */
    uint32_t asking;    /* tasks that wait for a person                              */
    struct line turns;  /* pairs: a frame, a step of it whose turn has come          */
    struct line ready;  /* tasks in line for a start                                 */
    struct line called; /* the same, of calls within calls: they wait for nobody     */
    struct line agenda; /* tasks to be decided                                       */
    struct line over;   /* frames whose steps are all final                          */
    struct line ends;   /* frames that are ending                                    */
    struct line timed;  /* open accounts with a limit of time                        */
    struct change change;
    const struct rest *rest; /* of what lies there; NULL = nothing ever did             */
    bool answer_pending;     /* the event at hand asks for a decision of its own          */
    /* since the event at hand: what was charged before it, and for starts; did room lack? */
    struct amounts charged_before, begun;
    bool lacked_room;
};

/* ---- shared helpers ---- */

static inline struct task *task_at(const struct run *run, uint32_t index)
{
    ASSERT(index < run->task_count);
    return run->tasks[index];
}

static inline struct frame *frame_of(const struct run *run, const struct task *task)
{
    return run->frames[task->frame];
}

static inline struct account *account_of(const struct run *run, const struct task *task)
{
    return &run->accounts[task->account];
}

/* Of a call within a call: that of the task which asked. */
static inline const struct step *step_of(const struct run *run, const struct task *task)
{
    return &frame_of(run, task)->flow->steps[task->step];
}

const struct callee *task_callee(const struct run *run, const struct task *task);
bool task_state_is_final(enum task_state state);
struct effect *task_effect(const struct task *task, const char *name);
/* The first effect in doubt, or NULL: UNKNOWN, or OPEN while nothing of the task runs. */
struct effect *task_doubt(const struct task *task);
/* Its own, those of what it called, and those of a sub-flow that ended well. */
bool task_any_done(const struct run *run, const struct task *task);
/* Does the world still honour the effect's key at that time? */
bool effect_key_live(const struct effect *effect, const struct agent *agent, int64_t at_ms);
bool task_keys_live(const struct task *task, const struct agent *agent, int64_t at_ms);
/* A DONE effect that the last try did not begin again: that try's output knows nothing of it. */
bool task_left_behind(const struct run *run, const struct task *task);
/* The agent of a task may change the world. */
bool agent_writes(const struct agent *agent);
/* The task is an undo, or was called for one. */
bool task_cleans_up(const struct run *run, const struct task *task);
/* It was called by an attempt that is over, and that did not give way to it. */
bool task_is_orphan(const struct run *run, const struct task *task);
/* A person is asked, by it or by what it called and gave way to. */
bool task_waits_for_person(const struct task *task);
/* Unix time of the end of its step's schedule_to_close, of which no time counts that it has waited
 * for people; -1 = it has none. */
int64_t task_closes_ms(const struct run *run, const struct task *task);
/* Its flow is ending, and it is no part of the cleaning up. */
bool task_is_ending(const struct run *run, const struct task *task);
/* The flow that runs in the place of the task's agent; NULL = none. */
struct flow *task_flow(const struct run *run, const struct task *task);
const struct retry *task_retry(const struct run *run, const struct task *task);
/* Who is asked for it: its own flow's, or the nearest around that names somebody. */
const struct escalation *task_escalation(const struct run *run, const struct task *task);
uint32_t task_child(const struct run *run, const struct task *task, const char *name);
const struct agent *agent_granted(const struct agent *caller, const char *name);

/* ---- task.c: tasks come to be, stand in line, change their state ---- */

uint32_t task_new(struct run *run, uint32_t frame, uint32_t step, int64_t item, enum role role);
/* A call that a task asked for, with its terms taken from the event. */
uint32_t task_new_call(struct run *run, uint32_t parent, const struct agent *agent,
                       const struct event *event);
void task_free(struct task *task);
/* Puts a task that is READY or RECONCILING in line. */
void task_line_up(struct run *run, uint32_t index);
/* Its place among those of its flow at once is free again. */
void task_give_place(struct run *run, uint32_t index);
void task_set_state(struct run *run, uint32_t index, enum task_state state);
/* Takes the task off the line or agenda in which it stands, at or near the head. */
void task_take_off(struct run *run, uint32_t index);
/* The same of one that is started, and keeps its place. */
void task_step_forward(struct run *run, uint32_t index);
struct effect *task_add_effect(const struct run *run, struct task *task, const char *name);
void replace_json(json_t **slot, json_t *value);

/* ---- rest.c ---- */

/* As values; borrowed. */
json_t *frame_input(const struct run *run, const struct frame *frame);
json_t *task_input(const struct run *run, const struct task *task);
void rested_set(struct rested *it, json_t *value);
bool rested_any(const struct rested *it); /* there is a value */
void rested_done(struct rested *it);
/* What `.run` and `.steps.X.status` read; borrowed. */
const json_t *run_about(const struct run *run);
const json_t *run_word(const struct run *run, enum step_state final);

/* ---- frame.c: flows at work ---- */

uint32_t frame_new(struct run *run, struct flow *flow, uint32_t parent, uint32_t account,
                   json_t *input);
void frame_free(struct frame *frame);
/* Its first steps stand in line for their turn. */
void frame_begin(struct run *run, uint32_t index);
/* Tasks of the step's items, as far as its concurrency allows. */
void frame_feed(struct run *run, uint32_t index, uint32_t step);
void frame_finish_step(struct run *run, uint32_t index, uint32_t step, enum step_state state);
/* All items of the step are final: its output. */
void frame_collect(struct run *run, uint32_t index, uint32_t step);
/* A main task, or the fallback in its place, is final. */
void frame_finish_part(struct run *run, uint32_t task);
/* It is going to end so: what stands in line is dropped, but for what cleans up. Takes error. */
void frame_end(struct run *run, uint32_t index, enum run_status ending, json_t *error);
void turn_pop(struct line *turns);

/* ---- rules.c: the one table ---- */

enum happened {
    HAPPENED_ACCEPTED = 1 << 0,
    HAPPENED_REFUSED = 1 << 1, /* contract, assert, confidence                              */
    HAPPENED_TRANSIENT = 1 << 2,
    HAPPENED_PERMANENT = 1 << 3,
    HAPPENED_CANCELLED = 1 << 4,
    HAPPENED_ASKED = 1 << 5, /* the agent needs a person's input                          */
    HAPPENED_CONFLICT = 1 << 6,
    HAPPENED_NO_BUDGET = 1 << 7, /* it could not even start                                   */
    HAPPENED_ANY = (1 << 8) - 1,
};

/* Facts that a row may require or forbid. */
enum fact {
    FACT_UNKNOWN = 1 << 0, /* an effect is in doubt                                     */
    FACT_DONE = 1 << 1,    /* an effect is done                                         */
    FACT_LEFT_BEHIND = 1 << 2,
    FACT_TRY_LEFT = 1 << 3, /* max_attempts allows another                               */
    FACT_RETRY_ON = 1 << 4, /* the policy retries this cause                             */
    FACT_BUDGET_LEFT = 1 << 5,
    FACT_TIME_LEFT = 1 << 6, /* schedule_to_close allows the wait                         */
    FACT_ENDING = 1 << 7,    /* its flow is ending: nothing new begins                    */
    FACT_RECONCILE = 1 << 8, /* the card names a reconcile agent                          */
    FACT_RECOVERY_LEFT = 1 << 9,
    FACT_KEY_LIVE = 1 << 10,    /* the world still honours the key                           */
    FACT_RESULT_FITS = 1 << 11, /* one effect, DONE, whose result is a good and whole output */
    FACT_BELOW = 1 << 12,       /* refused for its confidence alone                          */
    FACT_BELOW_ESCALATE = 1 << 13,
    FACT_BELOW_FAIL = 1 << 14,
    FACT_RESUMED = 1 << 15,     /* the doubt about an effect has just been resolved          */
    FACT_BARE = 1 << 16,        /* a DONE effect that calling again would do again: no begin of it
                                   would be answered, and the world honours no key */
    FACT_ORPHAN = 1 << 17,      /* it was called by an attempt that is over                  */
    FACT_CHILD_SPENT = 1 << 18, /* a call that it asked for has failed for good              */
    FACT_FRAME = 1 << 19,       /* a sub-flow or a plan, not an agent                        */
    FACT_DEFERRED = 1 << 20,    /* told to wait, or not started for what passes with time    */
    FACT_GAVE_WAY = 1 << 21,    /* it ended because what it called waits for a person        */
    FACT_QUARANTINED = 1 << 22, /* its plugin is called no more until a person says so       */
};

enum act {
    ACT_ACCEPT,
    ACT_USE_RESULT,
    ACT_RETRY,
    ACT_RETRY_FEEDBACK,
    ACT_DEFER,  /* as retry, and the try is not counted                      */
    ACT_REPLAY, /* as retry, outside max_attempts, paid by the recovery      */
    ACT_RECONCILE,
    ACT_ASK_DOUBT,
    ACT_ASK_OUTPUT,
    ACT_ASK_INPUT,
    ACT_ON_FAILURE, /* what the flow says: fail, escalate, skip, fallback        */
    ACT_ABANDON,
};

struct row {
    const char *name;
    unsigned happened;      /* any of                                                    */
    unsigned classes;       /* any of 1 << class                                         */
    unsigned with, without; /* all of, none of                                           */
    enum act act;
    const char *meaning, *alternative;
};

const struct row *rules_match(enum happened happened, enum effect_class effect, unsigned facts);

/* ---- judge.c: what happened, in the words of the table ---- */

/* From ENDED to a verdict: output against contract, confidence, asserts. New references. */
void judge(const struct run *run, const struct task *task, const struct event *event,
           struct verdict *ret_verdict);
void verdict_done(struct verdict *verdict);
/* Checks an output that did not come from an attempt: a reconcile's result, a person's answer. */
void judge_output(const struct run *run, const struct task *task, json_t *output,
                  struct verdict *ret_verdict);
enum happened verdict_happened(const struct verdict *verdict);
/* The value at a JSON Pointer, borrowed; NULL = none. */
const json_t *value_at(const json_t *value, const char *pointer);
/* The confidence that an output reports; false if there is none, or none from 0 to 1. */
bool confidence_of(const struct agent *agent, const json_t *output, double *ret_confidence);

/* ---- fit.c ---- */

/* Why a value does not fit a contract (NULL = anything fits); NULL = it does. The caller frees. */
char *contract_breach(const struct contract *contract, const json_t *value);
/* The same of what a mapping made, for a task or (NULL) for the flow's output; of what is proven to
 * fit, only a share is looked at. */
char *mapped_breach(const struct run *run, const struct task *task, bool proven,
                    const struct contract *contract, const json_t *value);

/* ---- outcome.c: what the table is asked with ---- */

enum happened task_happened(const struct task *task);
unsigned gather_facts(const struct run *run, const struct task *task);
/* The flow's `on_failure`; an undo escalates, a fallback fails. */
enum on_failure task_on_failure(const struct run *run, const struct task *task);

/* ---- parts of decide ---- */

void decide_task(const struct run *run, const struct event *event, uint32_t index,
                 struct decision *ret);
/* The task has an effect in doubt and was reconciling or waiting: what now? */
void decide_doubt(const struct run *run, const struct event *event, uint32_t index,
                  struct decision *ret);
void decide_resolve(uint32_t index, const struct effect *effect, enum outcome outcome,
                    json_t *result, const char *rule, struct decision *ret);
void decide_answer(const struct run *run, const struct event *event, struct decision *ret);
bool question_silence_approves(const struct run *run, const struct task *task);
void decide_service(const struct run *run, const struct event *event, struct decision *ret);
void decide_turn(const struct run *run, uint32_t frame, uint32_t step, struct decision *ret);
bool decide_start(const struct run *run, const struct event *event, struct decision *ret);
bool decide_ending(const struct run *run, uint32_t frame, struct decision *ret);
void decide_end(const struct run *run, uint32_t frame, struct decision *ret);
void decide_call(const struct run *run, const struct event *event, struct decision *ret);
void decide_unwind(uint32_t frame, const char *rule, json_t *error, struct decision *ret);
/* Does what an earlier run did for the step hold here too? Then the step is taken over. */
bool decide_adopt(const struct run *run, uint32_t frame, uint32_t step, const json_t *items,
                  struct decision *ret);
/* The step changed the world in the earlier run, and nobody said that it may once more. */
bool step_repeats(const struct run *run, const struct frame *frame, const char *step);
/* The outputs and inputs of a step in the earlier run, or NULL. */
const json_t *adopted_step(const struct run *run, const struct frame *frame, const char *step);
/* That item of a step that is taken over runs anew. */
bool part_again(const json_t *part);
/* The task's input, as the flow's mapping makes it; a new reference, or NULL and a message. */
json_t *map_input(const struct run *run, const struct task *task, char **ret_message);
/* A retry was decided, but its time came late: do the keys still live that made it safe? */
bool calling_again_is_safe(const struct run *run, const struct task *task);
/* Through the table, from the task's verdict. */
void decide_by_rule(const struct run *run, uint32_t index, struct decision *ret);
/* What a task in the ready line comes to when it cannot start. */
void decide_verdict(uint32_t index, struct verdict *verdict, const char *rule,
                    struct decision *ret);
/* What a person is to be asked about the task. */
void decide_ask(const struct run *run, uint32_t index, enum question kind, const char *rule,
                struct decision *ret);
/* Accepts an output for the task, with the input of its undo. */
void decide_accept(const struct run *run, uint32_t index, json_t *output, const char *rule,
                   struct decision *ret);

/* ---- change.c ---- */

void change_done(struct change *change);
/* The question stands. */
bool change_waits(const struct run *run);
bool change_question(const struct run *run, struct question_view *ret_view);
json_t *describe_change(const struct run *run);
WARN_UNUSED enum error_code change_answer_fits(const struct run *run, const json_t *answer,
                                               struct error *reterr);
void change_taken_over(struct run *run, const struct event *event);
void decide_change(const struct run *run, const struct event *event, struct decision *ret);
void decide_change_answer(const struct run *run, const struct event *event, struct decision *ret);
void follow_change(struct run *run, const struct event *event, const struct decision *decision);

/* ---- parts of follow ---- */

/* It is of a task, and not of a flow. */
bool decision_has_task(enum decision_kind kind);
void follow_of_flow(struct run *run, const struct event *event, const struct decision *decision);
void follow_enter(struct run *run, const struct decision *decision);
void follow_undo(struct run *run, const struct decision *decision);
void follow_call(struct run *run, const struct event *event, const struct decision *decision);
void follow_hold(struct run *run, const struct decision *decision);
/* Who was to be told that its flow is ending has been. */
void follow_swept(struct run *run, uint32_t task);

#include "orchestrator/budget_internal.h"

/* ---- room.c: budgets over all runs ---- */

/* What a start takes of them. */
struct amounts start_amounts(const struct task *task, bool recovery, int64_t tokens, int64_t cost);
/* Do they lack room for so much more, by what the event says and what was decided on it so far? */
bool event_lacks(const struct run *run, const struct event *event, struct amounts more,
                 struct room_lack *ret_lack);

/* ---- scopes for mappings ---- */

/* What an expression reads: `view` lives as long as the scope. */
struct scope_view {
    const struct run *run;
    const struct frame *frame;
    uint32_t step; /* whose output is not in the state yet, but this; UINT32_MAX = none */
    const json_t *output;
};
void frame_scope(const struct run *run, const struct frame *frame, struct scope_view *view,
                 struct scope *ret_scope);
void task_scope(const struct run *run, const struct task *task, const json_t *output,
                const json_t *error, struct scope_view *view, struct scope *ret_scope);

json_t *error_json(const char *code, const char *message, const char *where);

#endif
