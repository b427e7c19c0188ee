/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of a run: what its records fold to. Only apply.c (events) and follow.c (decisions)
 * write it. Work that waits for a decision stands in the agenda, first come first served, so that
 * deciding costs nothing that grows with the run.
 *
 *   task:  READY → RUNNING → JUDGED … DONE | FAILED | SKIPPED | ABANDONED
 *            ↑________PAUSED______|            a retry waits for its time
 *            ↑________ASKING______|            a person is asked
 *            |    RECONCILING ⇄ SETTLING       an effect is in doubt
 *   step:  WAITING (for `after`) → TURN (in the agenda) → ACTIVE → DONE | FAILED | SKIPPED
 */
#ifndef ORCHESTRATOR_STATE_INTERNAL_H
#define ORCHESTRATOR_STATE_INTERNAL_H

#include "orchestrator/orchestrator.h"

#include "base/limits.h"
#include "base/units.h"

#define NO_TASK UINT32_MAX

enum task_state {
    TASK_READY, /* waits for its turn in the line                                   */
    TASK_RUNNING,
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
    uint32_t begun_by;   /* … and that start's serial                                 */
    int64_t first_ms;    /* of the first begin                                        */
    int64_t closed_ms;   /* when its request was closed; -1 = not yet                 */
    bool said_never;     /* a person says that it did not happen                      */
    bool doubted; /* begun again while an earlier request was in doubt: what is known of the later
                     one alone cannot make it NONE                                    */
};

/* How the last try ended, kept until the task is decided. */
struct verdict {
    enum cause cause; /* when not accepted                                         */
    bool accepted;    /* an output that passed all checks                          */
    bool fits;        /* … or at least its contract                                */
    json_t *output, *error, *feedback;
    int64_t retry_after_ms;
};

struct task {
    uint32_t step;
    int64_t item; /* -1 = the step has no for_each                             */
    enum role role;
    enum task_state state;
    char *path;
    uint32_t serial; /* starts, of all kinds                                      */
    uint32_t tries;  /* starts of the agent                                       */
    uint32_t extra;  /* tries beyond max_attempts that a person or a replay gave  */
    uint32_t reconciles;
    bool in_flight;   /* a start has not ended yet                                 */
    bool reconciling; /* … and it is the reconcile agent                           */
    bool stopping;
    bool conflict;    /* an effect was asked for with another request              */
    bool due;         /* its time has come */
    bool cleared;     /* a person said to go on after a restore */
    bool on_recovery; /* its next try is paid by the recovery */
    bool judged;      /* verdict says how the last try ended */
    bool resumed;     /* a doubt was resolved since */
    json_t *input, *feedback, *output, *error;
    json_t *undo_input, *undo_error; /* undo_error: why there is no input for it       */
    int64_t first_ms;                /* of the first start                                        */
    int64_t due_ms;                  /* -1 = no time                                              */
    int64_t asked_ms;                /* when the reconcile agent was last started                 */
    uint32_t about;                  /* RECONCILING, SETTLING, ASKING in doubt: index of effect   */
    int64_t reserved_tokens, reserved_cost, spent_tokens, spent_cost;
    bool said_spent;
    struct effect *effects;
    uint32_t effect_count;
    /* the open question */
    enum question question;
    uint32_t revision, told; /* told: the revision that somebody was told of */
    int64_t deadline_ms;
    json_t *shown;
    struct verdict verdict;
};

enum step_state { STEP_WAITING, STEP_TURN, STEP_ACTIVE, STEP_DONE, STEP_FAILED, STEP_SKIPPED };

struct step_run {
    enum step_state state;
    uint32_t waiting;            /* steps of `after` that are not final                       */
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
void line_done(struct line *line);

struct spent {
    int64_t attempts, calls, tokens, cost, active_ms, recovery;
    int64_t reserved_tokens, reserved_cost;
};

struct run {
    struct flow *flow;
    char *id, *store;
    json_t *input, *about; /* about: {id, started} of `.run`                            */
    json_t *pins, *libraries;
    json_t *words[3]; /* the words of `.steps.X.status`, by STEP_DONE … */
    uint64_t seed, seq;
    bool paranoid; /* no proof is relied on */
    int64_t started_ms, now_ms;
    enum run_status ending; /* RUN_RUNNING, or how it is going to end                    */
    enum run_status status; /* RUN_RUNNING until final                                   */
    bool time_spent;
    bool restored; /* its journal came from a backup */
    json_t *output, *error;
    struct step_run *steps;
    uint32_t steps_left;
    struct task **tasks;
    uint32_t task_count, task_room;
    uint32_t in_flight;  /* starts that have not ended                                */
    uint32_t open;       /* tasks that exist and are not final */
    uint32_t asking;     /* of them, those that wait for a person */
    struct line turns;   /* steps whose turn has come                                 */
    struct line ready;   /* tasks in line for a start                                 */
    struct line agenda;  /* tasks to be decided                                       */
    struct line undo;    /* done tasks with an undo, in order of completion           */
    uint32_t sweep;      /* while ending: the next task to look at                    */
    uint32_t undoing;    /* the undo task under way, or NO_TASK                       */
    bool answer_pending; /* the event at hand asks for a decision of its own          */
    struct spent spent;
};

/* ---- shared helpers ---- */

static inline struct task *task_at(const struct run *run, uint32_t index)
{
    ASSERT(index < run->task_count);
    return run->tasks[index];
}

static inline const struct step *step_of(const struct run *run, const struct task *task)
{
    return &run->flow->steps[task->step];
}

const struct callee *task_callee(const struct run *run, const struct task *task);
bool task_state_is_final(enum task_state state);
struct effect *task_effect(const struct task *task, const char *name);
/* The first effect in doubt, or NULL: UNKNOWN, or OPEN while nothing of the task runs. */
struct effect *task_doubt(const struct task *task);
bool task_any_done(const struct task *task);
/* Does the world still honour the effect's key at that time? */
bool effect_key_live(const struct effect *effect, const struct agent *agent, int64_t at_ms);
bool task_keys_live(const struct task *task, const struct agent *agent, int64_t at_ms);
/* A DONE effect that the last try did not begin again: that try's output knows nothing of it. */
bool task_left_behind(const struct task *task);

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
    FACT_ENDING = 1 << 7,    /* the run is ending: nothing new begins                     */
    FACT_RECONCILE = 1 << 8, /* the card names a reconcile agent                          */
    FACT_RECOVERY_LEFT = 1 << 9,
    FACT_KEY_LIVE = 1 << 10,    /* the world still honours the key                           */
    FACT_RESULT_FITS = 1 << 11, /* one effect, DONE, whose result is a good output           */
    FACT_BELOW = 1 << 12,       /* refused for its confidence alone                          */
    FACT_BELOW_ESCALATE = 1 << 13,
    FACT_BELOW_FAIL = 1 << 14,
    FACT_RESUMED = 1 << 15, /* the doubt about an effect has just been resolved          */
    FACT_BARE = 1 << 16,    /* a DONE effect that calling again would do again: no begin of it
                               would be answered, and the world honours no key */
};

enum act {
    ACT_ACCEPT,
    ACT_USE_RESULT,
    ACT_RETRY,
    ACT_RETRY_FEEDBACK,
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
void decide_service(const struct run *run, const struct event *event, struct decision *ret);
void decide_turn(const struct run *run, uint32_t step, struct decision *ret);
bool decide_start(const struct run *run, struct decision *ret);
bool decide_ending(const struct run *run, struct decision *ret);
void decide_end(const struct run *run, struct decision *ret);
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

/* ---- budget.c ---- */

/* Is there budget for one more start? If not, *ret_which names what is spent. */
bool budget_allows(const struct run *run, const struct task *task, bool recovery,
                   const char **ret_which);
json_t *budget_left(const struct run *run);
/* Of two amounts that are not negative; what goes beyond the cap is the cap. */
int64_t amount_add(int64_t a, int64_t b, int64_t cap);
bool start_uses_recovery(const struct run *run, const struct task *task, bool reconciling);
/* A number drawn from the run's seed for a task, or NULL: the same whenever it is asked for. */
uint64_t run_chance(const struct run *run, const struct task *task, uint32_t serial);
/* The wait before the next try of the agent, or of the reconcile agent: exponential, capped, full
 * jitter from the run's seed. */
int64_t retry_delay(const struct run *run, const struct task *task, bool reconciling);

/* The run is going to end so: what stands in line is dropped, but for what cleans up. Takes error.
 */
void begin_ending(struct run *run, enum run_status ending, json_t *error);

/* ---- scopes for mappings ---- */

void task_scope(const struct run *run, const struct task *task, const json_t *output,
                const json_t *error, struct scope *ret_scope);

json_t *error_json(const char *code, const char *message, const char *where);

#endif
