/* SPDX-License-Identifier: Apache-2.0
 *
 * One compilation, as its parts see it. Each part looks at one side of the flow, adds what it finds
 * and goes on: a value that is wrong is said once, by the part that it belongs to, and is as if it
 * were not there for the others. So one pass finds all.
 *
 *   shape.c     keys and types, against schemas/flow.schema.json
 *   step.c      a step's own keys; settings.c those that have defaults; agents.c whom it calls
 *   template.c  its expressions; input.c whether they can fit the agents' schemas
 *   graph.c     the edges, cycles, the order; target.c what a provider of models refuses
 *   prove.c     what is proven of every handoff, before anything runs; worst.c the worst case;
 *               seams.c both in words
 *   terms.c     budget, escalation; deadline.c retries against deadlines
 *   bundle.c    schemas with the files they refer to, and what a run pins of both
 */
#ifndef FLOW_INTERNAL_H
#define FLOW_INTERNAL_H

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

/* A step as it stands in the file; its index is that of flow->steps. */
struct source {
    const char *name;
    char *pointer;
    const json_t *value;
    struct origin call, fallback, undo;
};

/* Step `from` waits for step `to`, because of what stands at the pointer. */
struct edge {
    uint32_t from, to;
    bool requires;
    char *pointer;
};

struct pin {
    char *name;
    struct digest digest;
};

struct compilation {
    const struct flow_options *options;
    const char *path;
    struct document *document;
    const json_t *root;
    struct findings *findings;
    const char *outside; /* the part of the manifest that is looked at; NULL = the flow itself */
    struct flow *flow;
    struct source *sources;
    const char **names; /* of the steps */
    size_t count;
    struct edge *edges;
    size_t edge_count, edge_room;
    struct pin *pins;
    size_t pin_count;
    size_t ordered; /* how many steps have a place in flow->order: fewer if there is a cycle */
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
void flow_make_digest(struct compilation *c);
/* Notes the text of a file that the flow is made of; reads one of options->files instead of a file.
 */
void flow_keep_file(struct compilation *c, const char *name, const struct document *document);
WARN_UNUSED enum error_code flow_kept_file(const struct flow_options *options, const char *name,
                                           const char *path, struct document **ret_document,
                                           struct error *reterr);

/* A setting of a step: the value in the step, else in the flow's defaults, else in the manifest's;
 * value NULL = what is built in. */
struct setting {
    const json_t *value;
    char *pointer;    /* the caller frees; NULL with a NULL value */
    bool own;         /* it stands in the step itself */
    bool in_manifest; /* it stands in the manifest, which has no places here */
};
/* key NULL = the group as a whole. */
struct setting setting_find(const struct compilation *c, uint32_t step, const char *group,
                            const char *key);
void setting_done(struct setting *setting);

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
