/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom a step calls: its agent, or what stands for a flow or a plan; the fallback, the undo, and
 * the agents that can reconcile them. Here stands the rule that a WRITE whose outcome may be lost
 * must have somebody to ask.
 */
#include "flow/flow_internal.h"

#include <stdlib.h>
#include <string.h>

/* A callee as it stands in the file. */
struct call {
    const json_t *value; /* holds `agent` and `input`                                */
    const char *pointer; /* of the value                                            */
    unsigned roots;      /* that its input may read beside those that all may read  */
    const json_t *input; /* if the value has none; NULL = an empty object           */
    const char *input_pointer;
};

/* The names of those that may be called from here, in an array that the caller frees. */
static const char **callable(const struct compilation *c, size_t *ret_count)
{
    const struct catalog *catalog = c->options->catalog;
    const char **names = xcalloc(catalog->count, sizeof(*names));
    *ret_count = 0;
    for (size_t i = 0; i < catalog->count; i++)
        if (!c->plan_step || plan_reaches(c->plan_step->plan, catalog->agents[i]))
            names[(*ret_count)++] = catalog->agents[i]->name;
    return names;
}

static const struct agent *find_agent(struct compilation *c, const json_t *name,
                                      const char *pointer)
{
    struct slice text = {json_string_value(name), json_string_length(name)};
    size_t count;
    if (!json_is_string(name))
        return NULL;
    const struct agent *agent = catalog_find(c->options->catalog, text);
    if (agent)
        return !c->plan_step || plan_allows(c, agent, pointer) ? agent : NULL;
    if (catalog_leaves_out(c->options->catalog, text)) {
        REFUSE(c, "unapproved-agent", AT(pointer), NULL,
               "agent \"%.200s\" is left out: it is new, or is not what was approved (cure: `seam "
               "plugins approve %.*s` shows it and asks)",
               text.ptr, (int)strcspn(text.ptr, "/"), text.ptr);
        return NULL;
    }
    const char **names = callable(c, &count);
    AUTO(freep) char *hint = suggestion_text(text, names, count);
    free(names);
    REFUSE(c, "unknown-agent", AT(pointer),
           hint ? hint : "no plugin is loaded; name plugins in the manifest",
           "there is no agent \"%.200s\"", text.ptr);
    return NULL;
}

static const struct agent *find_reconcile(struct compilation *c, const struct agent *agent,
                                          const char *pointer)
{
    const struct agent *found = catalog_reconciler(c->options->catalog, agent);
    if (!agent->reconcile)
        return NULL;
    if (!found)
        REFUSE(c, "unknown-reconcile", AT(pointer), "load the plugin that has it",
               "the card of %s names %s to reconcile, which is not there", agent->name,
               agent->reconcile);
    else if (found->effect > CLASS_READ)
        REFUSE(c, "reconcile-writes", AT(pointer), NULL,
               "the card of %s names %s to reconcile, which is %s, and must be read or pure",
               agent->name, found->name, effect_class_word(found->effect));
    return found;
}

/* It can be called, and each of its ways into the world will be denied. */
static void check_granted(struct compilation *c, const struct agent *agent, const char *pointer)
{
    int alias = (int)strcspn(agent->name, "/");
    if (!agent->ungranted)
        return;
    AUTO(freep)
    char *hint = xasprintf("grant it in the manifest: plugins.%.*s.grants.%s", alias, agent->name,
                           agent->ungranted);
    WARN(c, "not-granted", AT(pointer), hint,
         "the card of %s asks for %s, and the manifest grants `%.*s` none", agent->name,
         agent->ungranted, alias, agent->name);
}

/* The rules by which an input is held against an agent's schema. */
static void check_input(struct compilation *c, const struct agent *agent, const json_t *input,
                        const char *pointer, const struct mapping *mapping)
{
    AUTO(freep) char *whose = xasprintf("the input of %s", agent->name);
    flow_check_fit(c,
                   &(struct fit){.missing = "missing-input",
                                 .unknown = "unknown-input",
                                 .surplus = "unmapped-field",
                                 .wrong = "wrong-input",
                                 .whose = whose,
                                 .contract = agent->input},
                   input, pointer, mapping);
}

/* Whom a step itself calls: an agent, or what stands for a flow or for a plan. */
static void find_worker(struct compilation *c, uint32_t step, struct callee *ret)
{
    struct source *source = &c->sources[step];
    const char *key = step_kind_word(source->kind);
    AUTO(freep) char *pointer = pointer_to_member(source->pointer, key);
    AUTO(freep) char *budget = pointer_to_member(source->pointer, "budget");
    const json_t *value = json_object_get(source->value, key);
    struct step *s = &c->flow->steps[step];
    if (source->kind != KIND_AGENT)
        flow_read_limits(c, json_object_get(source->value, "budget"), budget, &s->budget);
    switch (source->kind) {
    case KIND_AGENT:
        ret->agent = find_agent(c, value, pointer);
        break;
    case KIND_FLOW:
        source->member = subflow_find(c, value, pointer);
        if (source->member) {
            ret->agent = source->member->agent;
            ret->flow = flow_ref(source->member->flow);
            s->budget = budget_within(&s->budget, &ret->flow->budget);
        }
        break;
    case KIND_PLAN:
        flow_read_plan(c, step);
        break;
    case KIND_ASK:
        break;
    }
}

static void read_callee(struct compilation *c, uint32_t step, const struct call *call,
                        struct callee *ret, struct origin *ret_origin)
{
    AUTO(json_decrefp) json_t *nothing = json_object();
    bool main = ret == &c->flow->steps[step].call;
    AUTO(freep)
    char *agent =
        pointer_to_member(call->pointer, main ? step_kind_word(c->sources[step].kind) : "agent");
    AUTO(freep) char *own = pointer_to_member(call->pointer, "input");
    const json_t *input = json_object_get(call->value, "input");
    const char *pointer = own;
    unsigned roots = ROOT_INPUT | ROOT_STEPS | ROOT_RUN | call->roots;
    roots |= json_object_get(c->sources[step].value, "for_each") ? ROOT_ITEM : 0;
    if (!input && call->input)
        pointer = call->input_pointer;
    else if (!input)
        pointer = call->pointer;
    if (!input)
        input = call->input;
    *ret_origin = (struct origin){input, xstrdup(pointer)};
    if (!input)
        input = nothing;
    if (main)
        find_worker(c, step, ret);
    else
        ret->agent = find_agent(c, json_object_get(call->value, "agent"), agent);
    ret->input = flow_read_template(c, &(struct template){input, pointer, roots, step, 0});
    if (ret->agent) {
        ret->reconcile = find_reconcile(c, ret->agent, agent);
        check_granted(c, ret->agent, agent);
        check_input(c, ret->agent, input, pointer, ret->input);
    }
}

/* ---- The three calls of a step ---- */

static void check_recovery(struct compilation *c, const struct callee *callee, bool has_undo,
                           const char *pointer)
{
    if (!callee->agent || callee->agent->effect != CLASS_WRITE || callee->reconcile ||
        c->flow->has_escalation || has_undo)
        return;
    REFUSE(c, "write-without-recovery", AT(pointer),
           "add escalation: {to: NAME} to the flow, or undo: {agent: …} to the step",
           "%s writes, and nobody can tell what happened if its answer is lost: its card names no "
           "reconcile, the flow no escalation, the step no undo",
           callee->agent->name);
}

static void read_undo(struct compilation *c, uint32_t step)
{
    struct step *s = &c->flow->steps[step];
    const json_t *undo = json_object_get(c->sources[step].value, "undo");
    AUTO(freep) char *pointer = pointer_to_member(c->sources[step].pointer, "undo");
    if (!json_is_object(undo))
        return;
    read_callee(c, step, &(struct call){.value = undo, .pointer = pointer, .roots = ROOT_OUTPUT},
                &s->undo, &c->sources[step].undo);
    if (s->call.agent && s->call.agent->effect <= CLASS_READ)
        WARN(c, "undo-without-effect", AT_KEY(pointer), "leave it out",
             "%s is %s: there is nothing to undo", s->call.agent->name,
             effect_class_word(s->call.agent->effect));
    if (s->undo.agent && s->undo.agent->effect == CLASS_WRITE && !s->undo.reconcile &&
        !c->flow->has_escalation)
        WARN(c, "undo-in-doubt", AT_KEY(pointer), "add escalation: {to: NAME} to the flow",
             "if the answer of %s is lost, nobody is told that the undo is in doubt",
             s->undo.agent->name);
}

static void read_fallback(struct compilation *c, uint32_t step, const json_t *input,
                          const char *input_pointer)
{
    struct step *s = &c->flow->steps[step];
    AUTO(setting_done) struct setting whole = setting_find(c, step, "on_failure", NULL);
    const json_t *fallback = json_object_get(whole.value, "fallback");
    if (!json_is_object(fallback))
        return;
    AUTO(freep) char *pointer = pointer_to_member(whole.pointer, "fallback");
    AUTO(freep) char *agent = pointer_to_member(pointer, "agent");
    struct call call = {fallback, pointer, ROOT_ERROR, input, input_pointer};
    if (whole.in_manifest) {
        REFUSE(c, "not-supported", AT_KEY(c->sources[step].pointer),
               "write it into the flow's defaults",
               "the manifest's `defaults` cannot name a fallback, whose expressions are a flow's");
        return;
    }
    read_callee(c, step, &call, &s->fallback, &c->sources[step].fallback);
    check_recovery(c, &s->fallback, false, agent);
}

void flow_read_callees(struct compilation *c, uint32_t step)
{
    struct source *source = &c->sources[step];
    struct step *s = &c->flow->steps[step];
    AUTO(freep) char *agent = pointer_to_member(source->pointer, "agent");
    AUTO(freep) char *input_pointer = pointer_to_member(source->pointer, "input");
    const json_t *input = json_object_get(source->value, "input");
    bool has_undo = json_is_object(json_object_get(source->value, "undo"));
    if (!json_is_object(source->value))
        return;
    read_callee(c, step, &(struct call){.value = source->value, .pointer = source->pointer},
                &s->call, &source->call);
    if (source->kind == KIND_AGENT) /* the steps of a flow or plan have each their own */
        check_recovery(c, &s->call, has_undo, agent);
    read_undo(c, step);
    read_fallback(c, step, input, input ? input_pointer : source->pointer);
}
