/* SPDX-License-Identifier: Apache-2.0
 *
 * One compilation, as its parts see it. Each part looks at one side of the flow, adds what it finds
 * and goes on: a value that is wrong is said once, by the part that it belongs to, and is as if it
 * were not there for the others. So one pass finds all.
 *
 *   shape.c     keys and types, against schemas/flow.schema.json
 *   step.c      a step's own keys; settings.c those that have defaults; agents.c whom it calls
 *   template.c  its expressions; input.c whether they can fit the agents' schemas
 *   subflow.c   flows that steps run in the place of an agent; plan.c what a plan may be
 *   fragment.c  a plan that was made, held against that
 *   graph.c     the edges, cycles, the order; target.c what a provider of models refuses
 *   threshold.c the confidence that a step needs; reach.c all whom a flow may call
 *   prove.c     what is proven of every handoff, before anything runs; worst.c the worst case;
 *               seams.c both in words
 *   terms.c     budget, escalation; deadline.c retries against deadlines
 *   bundle.c    schemas with the files they refer to; folder.c the files, and what a run pins
 */
#ifndef FLOW_INTERNAL_H
#define FLOW_INTERNAL_H

#include "contract/shape.h"
#include "flow/flow.h"

/* ---- Places and findings ---- */

/* Where in the flow file something stands. */
struct spot {
    const char *pointer;
    bool key;                        /* its key, not its value                         */
    int column;                      /* within the string that the value is; 0 = whole */
    const struct document *document; /* of another file; NULL = the flow's             */
};

#define AT(p)     ((struct spot){.pointer = (p)})
#define AT_KEY(p) ((struct spot){.pointer = (p), .key = true})

/* The pointer of a member or an item; the caller frees. */
char *pointer_to_member(const char *parent, const char *key);
char *pointer_to_item(const char *parent, size_t index);

struct compilation;

/* Adds a finding; the hint is copied and may be NULL. */
void finding_say(struct compilation *c, enum severity severity, const char *rule, struct spot spot,
                 const char *hint, const char *format, ...) PRINTF_LIKE(6, 7);
#define REFUSE(c, rule, spot, hint, ...)                                                           \
    finding_say(c, FINDING_ERROR, rule, spot, hint, __VA_ARGS__)
#define WARN(c, rule, spot, hint, ...)                                                             \
    finding_say(c, FINDING_WARNING, rule, spot, hint, __VA_ARGS__)

void finding_add(struct findings *findings, struct finding finding);
struct position finding_position(const struct compilation *c, struct spot spot);
/* Adds what a file that is no YAML or JSON was refused with; false if it could not be read at all,
 * so that there is no place to name. */
bool finding_add_unread(struct findings *findings, const char *path, const struct error *error);
void seam_done(struct seam *seam);
/* True if the worst case of a key is within its limit. */
bool worst_holds(const struct worst *worst);
/* "12", "1m30s", "0.50": an amount of a key. */
void amount_words(enum worst_key key, int64_t amount, char ret_words[static 32]);
/* By place; what was said twice of one place stays once. */
void findings_sort(struct findings *findings);

/* "did you mean \"x\"?", or "one of: a, b, c"; the caller frees; NULL if there are no candidates.
 */
char *suggestion_text(struct slice name, const char *const *candidates, size_t count);
/* "the string \"yes\"", "the number 5", "an object": for "found …"; the caller frees. */
char *value_words(const json_t *value);
/* True for a whole number of 64 bits, of either JSON kind. */
bool integer_from(const json_t *value, int64_t *ret_integer);

/* ---- The compilation ---- */

/* Where the input of a callee stands; value NULL = nowhere, and it is {}. */
struct origin {
    const json_t *value;
    char *pointer; /* NULL = there is no such callee */
};

/* What does a step's work; a bit each. */
enum step_kind { KIND_AGENT = 1, KIND_FLOW = 2, KIND_PLAN = 4, KIND_ASK = 8 };
const char *step_kind_word(enum step_kind kind); /* the key of it: "agent" */

/* A step as it stands in the file; its index is that of flow->steps. */
struct source {
    const char *name;
    char *pointer;
    const json_t *value;
    enum step_kind kind; /* that of an agent, if it has none */
    struct origin call, fallback, undo;
    const struct member *member; /* the flow that it runs; NULL = none, or it was refused     */
    char *min_why;               /* why its least confidence is what it is; NULL = it says so */
};

/* Step `from` waits for step `to`, because of what stands at the pointer. */
struct edge {
    uint32_t from, to;
    bool requires;
    char *pointer;
};

/* A file that the flow is made of beside its own. */
struct pin {
    char *name;
    struct digest digest;
};

struct pins {
    struct pin *list;
    size_t count;
};

/* What a flow may come to, of each key; -1 = unbounded, and then why says which step. */
struct reckoned {
    bool known; /* false if the graph was too wrong to tell, or an agent is not there */
    int64_t least[WORST_KEYS], most[WORST_KEYS];
    char *why[WORST_KEYS];
    int64_t least_work, most_work; /* ms of all attempts, one after the other */
    int64_t width;                 /* attempts that may be under way at once  */
};

/* A flow that steps run in the place of an agent, compiled once for all of them. */
struct member {
    char *relative;
    int height;                /* with the flows in it, one within the other              */
    struct flow *flow;         /* NULL = it was refused, or is under way                  */
    const struct agent *agent; /* what stands for it; lives with the flow                 */
    struct reckoned worst;     /* within its own budget                                   */
    struct shape given;        /* what its `output.as` makes; its schema NULL = not known */
    bool loose;                /* … unless a person went on without a write               */
    struct pins pins;
};

/* What the compilations of one flow and of all that it is made of share. */
struct family {
    const struct flow_options *options;
    const char *path; /* of the outermost file, whose folder all others lie in; NULL = a plan */
    char *folder;     /* that, without links; NULL = not asked for yet                        */
    json_t *files;    /* the texts of all files, by name                                      */
    struct shapes *shapes;
    struct member **members;
    size_t member_count;
    const struct escalation *escalation; /* whom flows ask that name nobody; NULL = nobody */
};

struct compilation {
    const struct flow_options *options;
    struct family *family;
    const struct compilation *outer; /* whose step runs this flow; NULL = the outermost  */
    const char *relative;            /* the name of its file; NULL = the outermost       */
    const char *path;                /* the same for people                              */
    const struct step *plan_step;    /* for which this was made, a plan; NULL = it is none */
    const struct flow *around;       /* of that step                                     */
    struct document *document;       /* NULL of a plan, which has no places              */
    const json_t *root;
    struct findings *findings;
    const char *outside; /* the part of the manifest that is looked at; NULL = the flow itself */
    struct flow *flow;
    struct source *sources;
    const char **names; /* of the steps */
    size_t count;
    struct edge *edges;
    size_t edge_count, edge_room;
    struct pins pins;
    int height;     /* as a member's                                                    */
    size_t ordered; /* how many steps have a place in flow->order: fewer if there is a cycle */
    struct reckoned worst;
    struct shape given; /* what `output.as` makes; its schema NULL = not known  */
    bool loose;         /* … unless a person went on without a write            */
};

/* ---- The parts ---- */

void flow_check_shape(struct compilation *c);
bool flow_name_valid(struct slice name);

void flow_read_steps(struct compilation *c);
void flow_read_settings(struct compilation *c, uint32_t step);
void flow_read_callees(struct compilation *c, uint32_t step);
void flow_check_deadlines(struct compilation *c, uint32_t step, const char *retry_pointer,
                          bool start_to_close_set);
/* The sum of the waits before the last attempt. */
int64_t retry_waits(const struct retry *retry);
void flow_read_terms(struct compilation *c);
void flow_check_budget(struct compilation *c);
void flow_build_graph(struct compilation *c);
void flow_check_targets(struct compilation *c);
void flow_prove(struct compilation *c);
void flow_infer_plans(struct compilation *c);
void flow_read_thresholds(struct compilation *c);
void flow_gather_agents(struct compilation *c);

/* Looks at what c holds: its document, its root; makes its flow. */
void flow_look(struct compilation *c);
/* What c comes to is what the findings say of the whole. */
void flow_take_worst(struct compilation *c);
void compilation_done(struct compilation *c);
void family_done(struct family *family);
/* The flow frees the agent that stands for it. */
void flow_own_stand_in(struct flow *flow, struct agent *agent_taken);

/* ---- Files ---- */

/* Joins a reference to the folder of the file it stands in (NULL = the outermost), without . and
 * ..; NULL if that leaves the outermost flow's folder. The caller frees. */
char *folder_join(const char *from, struct slice reference);
/* A file's name as people know it; the caller frees. */
char *folder_shown(const struct family *family, const char *relative);
bool folder_find(struct family *family);
/* The file, or its kept text. ERR_DENIED: it is a link that leads out. */
WARN_UNUSED enum error_code folder_open(struct family *family, const char *relative,
                                        const char *shown, struct document **ret_document,
                                        struct error *reterr);
WARN_UNUSED enum error_code folder_open_first(struct family *family, struct document **ret_document,
                                              struct error *reterr);
/* Notes the text of a file. */
void folder_keep(struct family *family, const char *name, const struct document *document);
/* Once per name. */
void pins_add(struct pins *pins, const char *name, struct digest digest);
void pins_done(struct pins *pins);
/* Of the file's own text with all that it pins. */
struct digest pins_digest(struct pins *pins, struct slice own);

/* ---- Steps without an agent of the catalog ---- */

/* The flow that a step of c runs, compiled; NULL after findings. */
const struct member *subflow_find(struct compilation *c, const json_t *name, const char *pointer);
void member_free(struct member *member);
void reckoned_done(struct reckoned *reckoned);
/* Reads `plan`, `allow` and `output` of a step, and makes the agent that stands for it. */
void flow_read_plan(struct compilation *c, uint32_t step);
/* What only the whole graph tells of plans: their writers. */
void flow_check_plans(struct compilation *c);
void plan_free(struct plan *plan);
/* Of a plan that was made: may it call this? Says so if not. */
bool plan_allows(struct compilation *c, const struct agent *agent, const char *pointer);
/* All in the catalog that a plan may call. */
bool plan_reaches(const struct plan *plan, const struct agent *agent);
/* What a plan that was made may give. */
void flow_read_plan_output(struct compilation *c);
/* The names of steps that a flow within another cannot have. */
void flow_check_names_within(struct compilation *c);
/* True if the text is one ${ } alone, whose value can be of any type. */
bool step_is_one_expression(const json_t *value);

/* The keys of a budget at a pointer; -1 = none. */
void flow_read_limits(struct compilation *c, const json_t *budget, const char *pointer,
                      struct budget *ret_budget);
/* Each limit the tighter of both. */
struct budget budget_within(const struct budget *a, const struct budget *b);
extern const struct budget budget_none;
int64_t budget_limit(const struct budget *budget, enum worst_key key);

/* A setting of a step: the value in the step, else in the flow's defaults, else in the manifest's;
 * value NULL = what is built in. */
struct setting {
    const json_t *value;
    char *pointer;    /* the caller frees; NULL with a NULL value */
    bool own;         /* it stands in the step itself */
    bool in_manifest; /* it stands in the manifest, which has no places here */
    bool by_class;    /* it is one of several, each of an effect class       */
};
/* key NULL = the group as a whole. */
struct setting setting_find(const struct compilation *c, uint32_t step, const char *group,
                            const char *key);
/* The same of a key that may also be an object by effect class: a layer that does not name the
 * class leaves it to the next. */
struct setting setting_find_of_class(const struct compilation *c, uint32_t step, const char *group,
                                     const char *key, enum effect_class class);
void setting_done(struct setting *setting);
/* The word's place in a list, which NULL ends. */
int setting_word(const struct compilation *c, uint32_t step, const char *group, const char *key,
                 const char *const *words, int otherwise);
/* Says so if nobody is named who could be asked. */
void flow_wants_escalation(struct compilation *c, uint32_t step);

/* A duration at a place; anything else is a finding and false. */
bool flow_read_duration(struct compilation *c, const json_t *value, struct spot spot,
                        int64_t *ret_ms);

/* What a template is for. */
struct template
{
    const json_t *value;
    const char *pointer;
    unsigned roots;
    uint32_t step; /* whose edges its references are; NO_STEP = nobody's */
    int lead;      /* characters that were put before the string of the file */
};

#define NO_STEP UINT32_MAX

/* Parses a template and adds the edges of its references; NULL after findings. */
struct mapping *flow_read_template(struct compilation *c, const struct template *template);
/* The pointer of the string in the template that reads the step; the caller frees. */
char *flow_find_reference(struct compilation *c, const json_t *value, const char *pointer,
                          uint32_t step);

/* Whether what a template shows of its value can be accepted by a schema. */
struct fit {
    const char *missing, *unknown, *surplus, *wrong; /* names of rules */
    const char *whose;                               /* "airline/book takes" */
    const struct contract *contract;
};
void flow_check_fit(struct compilation *c, const struct fit *fit, const json_t *value,
                    const char *pointer, const struct mapping *mapping);

void flow_add_edge(struct compilation *c, uint32_t from, uint32_t to, bool requires,
                   const char *pointer);

/* Compiles a schema of the flow, with the files that it refers to; NULL after findings. */
struct contract *flow_read_schema(struct compilation *c, const json_t *schema, const char *pointer);

#endif
