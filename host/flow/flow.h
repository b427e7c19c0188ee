/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows: from a file to a static graph that the orchestrator can run, and everything that can be
 * said of it before it runs. There is one way in, flow_compile: `seam check` prints its findings,
 * `seam run` refuses when one is an error, so no flow is green and cannot run. A compiled flow is
 * immutable and shared by all its runs.
 */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include "base/digest.h"
#include "contract/contract.h"
#include "document/document.h"
#include "flow/catalog.h"
#include "mapping/mapping.h"

/* ---- What is found ---- */

enum severity { FINDING_ERROR, FINDING_WARNING, FINDING_NOTE };
const char *severity_word(enum severity severity); /* "error", "warning", "note" */

struct finding {
    enum severity severity;
    const char *rule; /* "unknown-agent": stable, in the docs                      */
    char *file;
    struct position where; /* line 0 = in a plan, which has a pointer alone             */
    char *pointer;         /* JSON Pointer in the file                                  */
    char *text;            /* what was expected, what was found                         */
    char *hint;            /* the next thing to do; may be NULL                         */
};

/* A handoff, and what is known of it before anything runs. */
enum seam_kind {
    SEAM_INPUT,             /* what a step maps, against what its agent takes             */
    SEAM_FALLBACK,          /* the same of its fallback                                   */
    SEAM_STAND_IN,          /* what the fallback gives, against what the agent gives      */
    SEAM_UNDO,              /* what its undo maps                                         */
    SEAM_RECONCILE_ASKS,    /* what the host asks, against what the reconcile agent takes */
    SEAM_RECONCILE_ANSWERS, /* what that agent gives, against what the host understands   */
    SEAM_FOR_EACH,          /* an array                                                   */
    SEAM_IF,                /* a boolean                                                  */
    SEAM_ASSERT,
    SEAM_CONFIDENCE, /* a number where the card points                             */
    SEAM_OUTPUT,     /* what the flow maps, against its output's schema            */
    SEAM_PLAN,       /* an object, which is held to the language when it is there  */
};
const char *seam_kind_word(enum seam_kind kind); /* "input", "fallback", … */

enum seam_verdict { SEAM_PROVEN, SEAM_REFUTED, SEAM_UNKNOWN };
const char *seam_verdict_word(enum seam_verdict verdict); /* "proven" */

struct seam {
    enum seam_kind kind;
    char *from;            /* whom it reads: "plan, search", "the input"            */
    char *to;              /* the step, or "output"                                 */
    struct position where; /* of the mapping, or of the string in it that is wrong  */
    char *pointer;         /* JSON Pointer in the file of the same                  */
    char *file;            /* of a sub-flow; NULL = the flow's own                  */
    char *note;            /* what else there is to know; NULL = nothing            */
    enum seam_verdict verdict;
    json_t *witness; /* a value that can come and is refused; NULL unless refuted */
    char *sentence;  /* what is wrong, for the flow's author; NULL if proven      */
    const char *rule;
    char *reason; /* why nothing is known; NULL unless unknown                 */
};

/* What a run may come to if all goes wrong that may, per key of the budget. */
enum worst_key {
    WORST_ATTEMPTS,
    WORST_CALLS,
    WORST_TOKENS,
    WORST_COST,
    WORST_TIME,
    WORST_RECOVERY,
    WORST_KEYS
};
const char *worst_key_word(enum worst_key key); /* "attempts" */

struct worst {
    int64_t least; /* with every step and item run once; -1 = unbounded    */
    int64_t most;  /* with every retry and fallback; -1 = unbounded        */
    int64_t limit; /* the budget's; -1 = none                              */
    char *why;     /* of unbounded: which step, and what is not said       */
};

struct findings {
    struct finding *list;
    size_t count, errors, warnings;
    struct seam *seams; /* in the order of the steps, the output last, behind those of all
                           sub-flows; also of a flow in error */
    size_t seam_count;
    struct worst worst[WORST_KEYS];
    bool has_worst; /* false if the graph was too wrong to tell, or an agent is not there */
};

void findings_init(struct findings *findings);
void findings_done(struct findings *findings);
/* "file:line:column: error: text [rule]\n    hint\n" */
void findings_text(const struct findings *findings, struct text *out);
json_t *findings_json(const struct findings *findings); /* a new reference */
/* A line a seam, and a line a key of the budget. */
void findings_seams_text(const struct findings *findings, struct text *out);
json_t *findings_seams_json(const struct findings *findings);
void findings_worst_text(const struct findings *findings, struct text *out);
json_t *findings_worst_json(const struct findings *findings);
/* The layers of a verdict: its form, names and types hold; whom it calls is there; its worst case
 * is within the budget. */
bool findings_valid(const struct findings *findings);
bool findings_granted(const struct findings *findings);
bool findings_bounded(const struct findings *findings);

/* ---- The graph ---- */

/* Causes of a failed attempt that `retry_on` may name; the transient ones are the default. */
enum cause {
    CAUSE_UNAVAILABLE,
    CAUSE_RATE_LIMITED,
    CAUSE_TIMEOUT,
    CAUSE_BUSY,
    CAUSE_CRASH,
    CAUSE_CONTRACT, /* the output broke its contract                             */
    CAUSE_ASSERT,
    CAUSE_CONFIDENCE,
    CAUSE_PLAN,  /* the plan in the output was refused                       */
    CAUSE_INPUT, /* from here on permanent                                    */
    CAUSE_FAILED,
    CAUSE_DENIED,
    CAUSE_UNSUPPORTED,
    CAUSE_INTERNAL,
    CAUSE_BUDGET,
    CAUSE_CANCELLED,
    CAUSE_CONFLICT,    /* the same key with another request                         */
    CAUSE_QUARANTINED, /* its plugin is called no more until a person says so       */
    CAUSE_COUNT
};
const char *cause_word(enum cause cause); /* "rate_limited" */
bool cause_from_word(struct slice word, enum cause *ret_cause);

struct retry {
    int max_attempts;
    int64_t initial_ms, max_ms;
    double coefficient;
    bool jitter; /* full; false = none                                        */
    unsigned on; /* bits 1 << cause                                           */
};

enum below { BELOW_ESCALATE, BELOW_RETRY, BELOW_FAIL };
enum on_failure { ON_FAILURE_FAIL, ON_FAILURE_ESCALATE, ON_FAILURE_SKIP, ON_FAILURE_FALLBACK };
enum on_item { ON_ITEM_STOP, ON_ITEM_SKIP, ON_ITEM_COLLECT };

struct assertion {
    struct mapping *that; /* provably boolean                                          */
    char *message;
};

/* An agent with the mapping that makes its input, which is there whenever the agent is: what says
 * no input gets {}, a fallback the step's. agent NULL = this step has none of it. Of a sub-flow and
 * of a plan, agent is what stands for it: its contracts, and the worst class of all that it may
 * call. */
struct callee {
    const struct agent *agent;
    struct flow *flow;             /* a sub-flow, which runs in the agent's place; NULL = none  */
    const struct agent *reconcile; /* of any agent whose card names one                         */
    struct mapping *input;
    bool proven; /* what the mapping makes fits the agent's input contract, always              */
};

struct budget {
    int64_t attempts, calls, tokens, cost, time_ms; /* -1 = no limit; cost in millionths   */
    int64_t recovery_calls;                         /* for reconcile and undo              */
};

/* A step whose work is a fragment of this language that an agent made: it is compiled when its
 * writer gives it, by flow_compile_plan, before the writer's output is accepted. */
struct plan {
    struct mapping *fragment; /* reads the output of one step, the writer, and of no other */
    struct contract *input;   /* what `.input` can be in the plan, as inferred; NULL = anything  */
    uint32_t writer;
    char **agents; /* names that it may call: "travel/search"; a star for the name = all of it   */
    size_t agent_count;
    unsigned classes; /* that it may use: bits 1 << class */
    uint32_t max_steps;
    int depth; /* of steps within steps: 1 = its steps call agents, and neither flows nor plans */
};

struct step {
    char *name;           /* its path is that of its flow's step, a slash, and this            */
    struct plan *plan;    /* NULL = not a plan; call.agent stands for it                */
    uint32_t planned_by;  /* the plan step that reads this one's output; UINT32_MAX = none */
    struct budget budget; /* of a plan; of a sub-flow, the tighter of the step's and its own     */
    struct callee call, fallback, undo;
    struct mapping *condition; /* NULL = always                                             */
    struct mapping *for_each;  /* NULL = once                                               */
    int concurrency;           /* of items; INT_MAX = as the flow                           */
    enum on_item on_item;
    struct retry retry;
    int64_t start_to_close_ms, schedule_to_close_ms, heartbeat_ms; /* -1 = none               */
    bool has_confidence;
    double confidence_min;
    enum below below;
    struct assertion *asserts;
    size_t assert_count;
    enum on_failure on_failure;
    /* Edges, as indexes of steps, ascending and without doubles. */
    uint32_t *after; /* must be final before this one starts                      */
    size_t after_count;
    uint32_t *requires; /* the part of `after` whose lack of output skips this step  */
    size_t requires_count;
    uint32_t *dependents; /* the steps that have this one in `after`                   */
    size_t dependent_count;
    struct position where;
};

struct escalation {
    char *to;                /* a name of the manifest's `escalation`; NULL = whoever looks */
    int64_t deadline_ms;     /* -1 = none                                                 */
    bool approve_on_timeout; /* false = deny                                              */
};

struct flow {
    char *name, *version;
    char *file;
    json_t *files;          /* the texts of all it is made of, by name; its own is "".
                               NULL of a sub-flow and of a plan                           */
    struct digest digest;   /* of the file, every schema it refers to, its sub-flows, theirs */
    struct contract *input; /* NULL = anything                                           */
    struct mapping *output; /* NULL = null                                               */
    struct contract *output_contract; /* NULL = anything */
    bool output_proven; /* what `output` makes fits output_contract, always              */
    struct budget budget;
    struct escalation escalation;
    bool has_escalation;
    int concurrency; /* attempts at once in one run                               */
    struct step *steps;
    size_t step_count;
    uint32_t *order; /* the steps in a topological order                          */
    const struct agent *
        *agents; /* all that a run of it may call, sorted by name: of its steps, its
                    sub-flows, what its plans are allowed, and whom those may call */
    size_t agent_count;
};

struct flow_options {
    const struct catalog *catalog;
    const json_t *defaults;         /* the manifest's `defaults`; NULL = none                    */
    const struct budget *ceiling;   /* the manifest's limits.budget; NULL = none                 */
    const char *const *escalations; /* names that `escalation.to` may use; NULL = any            */
    size_t escalation_count;
    const struct budget *left; /* of a plan: what is left of the budgets around it; or NULL */
    int concurrency;           /* the host's limit                                          */
    json_t *files; /* read these texts, of a run that has begun, instead of the disk, and prove
                      nothing anew; NULL = the disk */
};

/* Reads, checks and compiles a flow file. Findings gather in ret_findings (which the caller has
 * initialised) even on success; on ERR_INPUT at least one is an error and reterr counts them. Other
 * codes mean that the file could not be read at all. */
WARN_UNUSED enum error_code flow_compile(const char *path, const struct flow_options *options,
                                         struct flow **ret_flow, struct findings *ret_findings,
                                         struct error *reterr);
/* Reads, checks and compiles a plan that was made for a step of the flow, under what the step
 * allows; the findings say to who made it what is wrong. As flow_compile for codes; no file is
 * read. */
WARN_UNUSED enum error_code flow_compile_plan(const struct flow *flow, uint32_t step,
                                              const json_t *fragment,
                                              const struct flow_options *options,
                                              struct flow **ret_flow, struct findings *ret_findings,
                                              struct error *reterr);
/* The options that the flow was compiled with, for plans of its runs; without escalations and
 * files, which a plan has none of. What they point to lives with the flow. Of a flow from a file.
 */
void flow_terms(const struct flow *flow, struct flow_options *ret_options);
/* From now on the flow frees the catalog that it was compiled against. */
void flow_own(struct flow *flow, struct catalog *catalog_taken);
struct flow *flow_ref(struct flow *flow);
void flow_unref(struct flow *flow);
void flow_unrefp(struct flow **flow);

#endif
