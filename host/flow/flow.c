/* SPDX-License-Identifier: Apache-2.0
 *
 * A flow from its file to its end: the order in which the parts of a compilation look at it, and
 * the life of what they made. A flow with an error is never handed out.
 */
#include "flow/flow_internal.h"

#include <stdatomic.h>
#include <stdlib.h>

/* ---- Life ---- */

struct shared_flow {
    struct flow flow; /* first: a flow is where its shared_flow is */
    atomic_uint references;
    struct catalog *own;    /* NULL = the catalog is somebody else's      */
    struct agent *stand_in; /* of a sub-flow: what stands for it; or NULL */
    struct flow_options terms;
    struct budget ceiling;
};

static struct flow *flow_new(size_t steps)
{
    struct shared_flow *shared = xcalloc(1, sizeof(*shared));
    atomic_init(&shared->references, 1);
    shared->flow.steps = xcalloc(steps, sizeof(struct step));
    shared->flow.step_count = steps;
    return &shared->flow;
}

struct flow *flow_ref(struct flow *flow)
{
    atomic_fetch_add(&((struct shared_flow *)(void *)flow)->references, 1);
    return flow;
}

void flow_own(struct flow *flow, struct catalog *catalog_taken)
{
    ((struct shared_flow *)(void *)flow)->own = catalog_taken;
}

void flow_own_stand_in(struct flow *flow, struct agent *agent_taken)
{
    ((struct shared_flow *)(void *)flow)->stand_in = agent_taken;
}

void flow_terms(const struct flow *flow, struct flow_options *ret_options)
{
    *ret_options = ((const struct shared_flow *)(const void *)flow)->terms;
}

static void keep_terms(struct flow *flow, const struct flow_options *options)
{
    struct shared_flow *shared = (void *)flow;
    shared->terms = (struct flow_options){.catalog = options->catalog,
                                          .defaults = json_incref((json_t *)options->defaults),
                                          .concurrency = options->concurrency};
    if (!options->ceiling)
        return;
    shared->ceiling = *options->ceiling;
    shared->terms.ceiling = &shared->ceiling;
}

static void step_done(struct step *s)
{
    if (s->plan)
        agent_free((struct agent *)s->call.agent); /* made for this step alone */
    plan_free(s->plan);
    flow_unref(s->call.flow);
    free(s->name);
    mapping_free(s->call.input);
    mapping_free(s->fallback.input);
    mapping_free(s->undo.input);
    mapping_free(s->condition);
    mapping_free(s->for_each);
    for (size_t i = 0; i < s->assert_count; i++) {
        mapping_free(s->asserts[i].that);
        free(s->asserts[i].message);
    }
    free(s->asserts);
    free(s->after);
    free(s->requires);
    free(s->dependents);
}

void flow_unref(struct flow *flow)
{
    struct shared_flow *shared = (void *)flow;
    if (!flow || atomic_fetch_sub(&shared->references, 1) > 1)
        return;
    for (size_t i = 0; i < flow->step_count; i++)
        step_done(&flow->steps[i]);
    free(flow->steps);
    free(flow->order);
    free(flow->name);
    free(flow->version);
    free(flow->file);
    free(flow->escalation.to);
    contract_unref(flow->input);
    contract_unref(flow->output_contract);
    mapping_free(flow->output);
    json_decref(flow->files);
    free(flow->agents);
    json_decref((json_t *)shared->terms.defaults);
    agent_free(shared->stand_in);
    if (shared->own) {
        catalog_done(shared->own);
        free(shared->own);
    }
    free(shared);
}

void flow_unrefp(struct flow **flow)
{
    flow_unref(*flow);
}

/* ---- Compiling ---- */

void compilation_done(struct compilation *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->sources[i].pointer);
        free(c->sources[i].call.pointer);
        free(c->sources[i].fallback.pointer);
        free(c->sources[i].undo.pointer);
        free(c->sources[i].min_why);
    }
    free(c->sources);
    free(c->names);
    for (size_t i = 0; i < c->edge_count; i++)
        free(c->edges[i].pointer);
    free(c->edges);
    pins_done(&c->pins);
    reckoned_done(&c->worst);
    shape_done(&c->given);
    flow_unref(c->flow);
    document_free(c->document);
}

void family_done(struct family *family)
{
    for (size_t i = 0; i < family->member_count; i++)
        member_free(family->members[i]);
    free(family->members);
    free(family->folder);
    shapes_free(family->shapes);
    json_decref(family->files);
}

/* Lists the steps; false if they are so many that looking at each is not worth it. */
static bool list_steps(struct compilation *c)
{
    const json_t *steps = json_object_get(c->root, "steps");
    const char *name;
    json_t *value;
    size_t count = json_object_size(steps);
    if (count > LIMIT_STEPS) {
        REFUSE(c, "too-many-steps", AT_KEY("/steps"),
               "use for_each for what is alike, and several flows for what is not",
               "%zu steps, where at most %u are allowed (LIMIT_STEPS)", count, LIMIT_STEPS);
        return false;
    }
    c->flow = flow_new(count);
    c->flow->file = xstrdup(c->path);
    c->sources = xcalloc(count, sizeof(*c->sources));
    c->names = xcalloc(count, sizeof(*c->names));
    json_object_foreach ((json_t *)steps, name, value) {
        struct source source = {
            .name = name, .pointer = pointer_to_member("/steps", name), .value = value};
        c->flow->steps[c->count].name = xstrdup(name);
        c->flow->steps[c->count].planned_by = NO_STEP;
        c->flow->steps[c->count].budget = budget_none;
        c->flow->steps[c->count].where = finding_position(c, AT_KEY(source.pointer));
        c->names[c->count] = name;
        c->sources[c->count++] = source;
    }
    return true;
}

static void read_contracts(struct compilation *c)
{
    const json_t *input = json_object_get(c->root, "input");
    const json_t *output = json_object_get(c->root, "output");
    if (c->plan_step) {
        flow_read_plan_output(c);
        return;
    }
    c->flow->input = flow_read_schema(c, json_object_get(input, "schema"), "/input/schema");
    c->flow->output_contract =
        flow_read_schema(c, json_object_get(output, "schema"), "/output/schema");
}

static void read_ends(struct compilation *c)
{
    struct flow *flow = c->flow;
    const json_t *output = json_object_get(c->root, "output");
    const json_t *as = json_object_get(output, "as");
    read_contracts(c);
    if (!as)
        return;
    flow->output = flow_read_template(
        c, &(struct template){as, "/output/as", ROOT_INPUT | ROOT_STEPS | ROOT_RUN, NO_STEP, 0});
    flow_check_fit(c,
                   &(struct fit){.missing = "missing-output",
                                 .unknown = "unknown-output",
                                 .surplus = "unmapped-field",
                                 .wrong = "wrong-output",
                                 .whose = "the output of the flow",
                                 .contract = flow->output_contract},
                   as, "/output/as", flow->output);
}

void flow_look(struct compilation *c)
{
    if (!list_steps(c))
        return;
    flow_check_shape(c);
    if (!json_is_object(c->root))
        return;
    flow_read_terms(c);
    flow_read_steps(c);
    flow_check_plans(c);
    flow_check_budget(c);
    read_ends(c);
    flow_build_graph(c);
    flow_read_thresholds(c);
    flow_gather_agents(c);
    if (!c->options->files) { /* of a run that has begun, the checks at run time stand */
        flow_check_targets(c);
        flow_prove(c);
    } else {
        flow_infer_plans(c);
    }
    if (c->document)
        c->flow->digest = pins_digest(&c->pins, document_text(c->document));
}

void flow_take_worst(struct compilation *c)
{
    struct findings *findings = c->findings;
    findings->has_worst = c->worst.known;
    for (enum worst_key i = 0; i < WORST_KEYS && c->worst.known; i++)
        findings->worst[i] = (struct worst){.least = c->worst.most[i] < 0 ? -1 : c->worst.least[i],
                                            .most = c->worst.most[i],
                                            .limit = budget_limit(&c->flow->budget, i),
                                            .why = TAKE(c->worst.why[i])};
}

enum error_code flow_compile(const char *path, const struct flow_options *options,
                             struct flow **ret_flow, struct findings *ret_findings,
                             struct error *reterr)
{
    struct family family = {.options = options, .path = path};
    struct compilation c = {
        .options = options, .family = &family, .path = path, .findings = ret_findings};
    struct error error;
    size_t errors_before = ret_findings->errors;
    enum error_code e = folder_open_first(&family, &c.document, &error);
    if (e && !finding_add_unread(ret_findings, path, &error)) {
        family_done(&family);
        return error_set(reterr, e, "%s", error.text);
    }
    if (c.document) {
        family.files = json_object();
        folder_keep(&family, "", c.document);
        c.root = document_root(c.document);
        flow_look(&c);
        flow_take_worst(&c);
    }
    findings_sort(ret_findings);
    size_t errors = ret_findings->errors - errors_before;
    if (errors == 0) {
        c.flow->files = TAKE(family.files);
        keep_terms(c.flow, options);
        *ret_flow = TAKE(c.flow);
    }
    compilation_done(&c);
    family_done(&family);
    return errors ? error_set(reterr, ERR_INPUT, "%s has %zu error%s", path, errors,
                              errors == 1 ? "" : "s")
                  : ERR_OK;
}
