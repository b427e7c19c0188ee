/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows that a step runs in the place of an agent. The file is named relative to the one it stands
 * in, is compiled once however many steps run it, and is then, for all that is proven around it,
 * an agent like another: it takes what the flow takes, gives what it gives, and may do to the world
 * the worst that any of its agents may. No flow can be within itself, so flows in flows come to an
 * end.
 */
#include "flow/flow_internal.h"

#include <stdlib.h>
#include <string.h>

void reckoned_done(struct reckoned *reckoned)
{
    for (size_t i = 0; i < WORST_KEYS; i++)
        free(reckoned->why[i]);
    *reckoned = (struct reckoned){0};
}

void member_free(struct member *member)
{
    free(member->relative);
    flow_unref(member->flow);
    reckoned_done(&member->worst);
    shape_done(&member->given);
    pins_done(&member->pins);
    free(member);
}

/* ---- Which file ---- */

static const char *own_name(const struct family *family)
{
    const char *slash = strrchr(family->path, '/');
    return slash ? slash + 1 : family->path;
}

static void add_chain(const struct compilation *c, struct text *out)
{
    if (c->outer)
        add_chain(c->outer, out);
    text_addf(out, "%s → ", c->relative ? c->relative : own_name(c->family));
}

/* True if the flow may stand within those around it; height is that of the flow with what is in it,
 * 1 if that is not known yet. */
static bool may_enter(struct compilation *c, const char *relative, int height, const char *pointer)
{
    int depth = height;
    bool again = strcmp(relative, own_name(c->family)) == 0;
    AUTO(text_done) struct text chain;
    text_init(&chain, 4000);
    for (const struct compilation *at = c; at->outer; at = at->outer, depth++)
        again = again || strcmp(relative, at->relative) == 0;
    if (!again && depth <= LIMIT_FLOW_DEPTH)
        return true;
    add_chain(c, &chain);
    if (again)
        REFUSE(c, "flow-cycle", AT(pointer), "a flow cannot run itself; use for_each to repeat",
               "these flows run each other: %s%s", text_str(&chain), relative);
    else
        REFUSE(c, "flow-too-deep", AT(pointer), "run some of them side by side",
               "flows within flows, more than %d deep (LIMIT_FLOW_DEPTH): %s%s", LIMIT_FLOW_DEPTH,
               text_str(&chain), relative);
    return false;
}

/* The name of the file, relative to the outermost flow's folder; NULL after a finding. */
static char *find_name(struct compilation *c, const json_t *name, const char *pointer)
{
    struct slice text = {json_string_value(name), json_string_length(name)};
    if (text.len == 0 || strlen(text.ptr) != text.len || strstr(text.ptr, "${")) {
        REFUSE(c, "bad-flow-file", AT(pointer), "which flow runs is known before anything runs",
               "expected the name of a file, as parts/pay.yaml");
        return NULL;
    }
    char *relative = text.ptr[0] == '/' ? NULL : folder_join(c->relative, text);
    if (!relative)
        REFUSE(c, "flow-outside", AT(pointer), "copy the file into the flow's folder",
               "\"%.200s\" is not in the flow's folder, and is named relative to this file",
               text.ptr);
    return relative;
}

static bool open_file(struct compilation *c, const char *relative, const char *shown,
                      const char *pointer, struct document **ret_document)
{
    struct error error;
    enum error_code code = folder_open(c->family, relative, shown, ret_document, &error);
    if (code == ERR_OK)
        return true;
    if (code == ERR_DENIED)
        REFUSE(c, "flow-outside", AT(pointer), "copy the file into the flow's folder", "%s",
               error.text);
    else if (!finding_add_unread(c->findings, shown, &error))
        REFUSE(c, "flow-not-found", AT(pointer), NULL, "%s", error.text);
    return false;
}

/* ---- What stands for it ---- */

static int64_t bounded(int64_t most, int64_t limit)
{
    int64_t least = most < 0 || (limit >= 0 && limit < most) ? limit : most;
    return least < 0 ? 0 : least;
}

static struct agent *stand_in(const struct flow *flow, const struct reckoned *worst)
{
    struct agent *agent = xcalloc(1, sizeof(*agent));
    agent->name = xasprintf("flow:%s", flow->name);
    for (size_t i = 0; i < flow->agent_count; i++)
        if (flow->agents[i]->effect > agent->effect)
            agent->effect = flow->agents[i]->effect;
    agent->brokered = true;
    agent->input = flow->input ? contract_ref(flow->input) : NULL;
    agent->output = flow->output_contract ? contract_ref(flow->output_contract) : NULL;
    if (!flow->output) {
        AUTO(json_decrefp) json_t *null = json_pack("{s:s}", "type", "null");
        contract_unref(agent->output);
        ASSERT(contract_compile(null, NULL, &agent->output, NULL) == ERR_OK);
    }
    agent->settle_ms = agent->key_ttl_ms = agent->call_ms = -1;
    if (worst->known) {
        agent->tokens = bounded(worst->most[WORST_TOKENS], flow->budget.tokens);
        agent->cost = bounded(worst->most[WORST_COST], flow->budget.cost);
    }
    return agent;
}

/* ---- Compiling ---- */

/* Its steps' paths are those of undos and fallbacks too. */
void flow_check_names_within(struct compilation *c)
{
    static const char *const taken[] = {"undo", "fallback"};
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < sizeof(taken) / sizeof(taken[0]); k++)
            if (strcmp(c->names[i], taken[k]) == 0)
                REFUSE(c, "bad-name", AT_KEY(c->sources[i].pointer), "give the step another name",
                       "a flow that runs within another has no step named %s: it would be taken "
                       "for the %s of the step that runs the flow",
                       taken[k], taken[k]);
}

static void compile_member(const struct compilation *c, const char *shown,
                           struct document *document_taken, struct member *member)
{
    struct findings *findings = c->findings;
    size_t errors_before = findings->errors;
    struct compilation inner = {.options = c->options,
                                .family = c->family,
                                .outer = c,
                                .relative = member->relative,
                                .path = shown,
                                .document = document_taken,
                                .root = document_root(document_taken),
                                .height = 1,
                                .findings = findings};
    folder_keep(c->family, member->relative, document_taken);
    flow_look(&inner);
    flow_check_names_within(&inner);
    member->height = inner.height;
    member->pins = inner.pins;
    inner.pins = (struct pins){0};
    pins_add(&member->pins, member->relative, digest_of(document_text(document_taken)));
    if (findings->errors == errors_before && findings->errors < LIMIT_FINDINGS) {
        struct agent *agent = stand_in(inner.flow, &inner.worst);
        flow_own_stand_in(inner.flow, agent);
        member->agent = agent;
        member->flow = TAKE(inner.flow);
        member->worst = inner.worst;
        inner.worst = (struct reckoned){0};
        member->given = inner.given;
        inner.given = (struct shape){0};
        member->loose = inner.loose;
    }
    compilation_done(&inner);
}

static struct member *add_member(struct compilation *c, const char *relative, const char *pointer)
{
    struct family *family = c->family;
    struct document *document;
    if (family->member_count >= LIMIT_FLOW_FILES) {
        REFUSE(c, "too-many-files", AT(pointer), "put flows together",
               "more than %d flows in this one (LIMIT_FLOW_FILES)", LIMIT_FLOW_FILES);
        return NULL;
    }
    AUTO(freep) char *shown = folder_shown(family, relative);
    if (!open_file(c, relative, shown, pointer, &document))
        return NULL;
    struct member *member = xcalloc(1, sizeof(*member));
    member->relative = xstrdup(relative);
    member->height = 1;
    family->members =
        xrealloc(family->members, (family->member_count + 1) * sizeof(struct member *));
    family->members[family->member_count++] = member;
    compile_member(c, shown, document, member);
    return member;
}

const struct member *subflow_find(struct compilation *c, const json_t *name, const char *pointer)
{
    struct member *member = NULL;
    if (!json_is_string(name))
        return NULL;
    if (c->plan_step) {
        REFUSE(c, "not-allowed", AT_KEY(pointer), "write its steps into the plan",
               "a plan has no folder, so its steps cannot run flows of files");
        return NULL;
    }
    AUTO(freep) char *relative = find_name(c, name, pointer);
    for (size_t i = 0; relative && i < c->family->member_count && !member; i++)
        if (strcmp(c->family->members[i]->relative, relative) == 0)
            member = c->family->members[i];
    if (!relative || !may_enter(c, relative, member ? member->height : 1, pointer))
        return NULL;
    if (!member)
        member = add_member(c, relative, pointer);
    if (!member)
        return NULL;
    for (size_t i = 0; i < member->pins.count; i++)
        pins_add(&c->pins, member->pins.list[i].name, member->pins.list[i].digest);
    c->height = member->height >= c->height ? member->height + 1 : c->height;
    return member->flow ? member : NULL;
}
