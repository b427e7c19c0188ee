/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps that run a plan: what they read it from, and what it may be. The plan itself is not there
 * yet, so all that can be said of it is what the step allows: these agents, of these effect
 * classes, so many steps, so deep, within this budget. What stands for it in the proof gives what
 * the step says, and may do the worst that the step allows. A plan within a plan is allowed no more
 * than the one around it.
 */
#include "flow/flow_internal.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_STEPS = 20, AGENTS_TEXT = 1000 };

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    mapping_free(plan->fragment);
    contract_unref(plan->input);
    for (size_t i = 0; i < plan->agent_count; i++)
        free(plan->agents[i]);
    free(plan->agents);
    free(plan);
}

/* ---- What is allowed ---- */

static bool entry_names(const char *entry, const char *agent)
{
    size_t length = strlen(entry);
    if (length >= 2 && strcmp(entry + length - 2, "/*") == 0)
        return strncmp(entry, agent, length - 1) == 0;
    return strcmp(entry, agent) == 0;
}

static bool plan_names(const struct plan *plan, const char *agent)
{
    for (size_t i = 0; i < plan->agent_count; i++)
        if (entry_names(plan->agents[i], agent))
            return true;
    return false;
}

static bool has_class(const struct plan *plan, enum effect_class class)
{
    return plan->classes >> class & 1;
}

bool plan_reaches(const struct plan *plan, const struct agent *agent)
{
    return has_class(plan, agent->effect) && plan_names(plan, agent->name);
}

/* "pure, read" */
static char *classes_text(const struct plan *plan)
{
    AUTO(text_done) struct text out;
    text_init(&out, AGENTS_TEXT);
    for (enum effect_class class = CLASS_PURE; class <= CLASS_WRITE; class ++)
        if (has_class(plan, class))
            text_addf(&out, "%s%s", out.len ? ", " : "", effect_class_word(class));
    return text_take(&out);
}

/* "it may call travel/search, travel/price": those that are there. */
static char *agents_text(const struct compilation *c, const struct plan *plan)
{
    const struct catalog *catalog = c->options->catalog;
    AUTO(text_done) struct text out;
    text_init(&out, AGENTS_TEXT);
    for (size_t i = 0; i < catalog->count; i++)
        if (plan_reaches(plan, catalog->agents[i]))
            text_addf(&out, "%s%s", out.len ? ", " : "", catalog->agents[i]->name);
    return out.len ? xasprintf("it may call %s", text_str(&out)) : xstrdup("it may call no agent");
}

bool plan_allows(struct compilation *c, const struct agent *agent, const char *pointer)
{
    const struct plan *plan = c->plan_step->plan;
    AUTO(freep) char *hint = NULL;
    if (plan_reaches(plan, agent))
        return true;
    hint = agents_text(c, plan);
    AUTO(freep) char *classes = classes_text(plan);
    if (!plan_names(plan, agent->name))
        REFUSE(c, "agent-not-allowed", AT(pointer), hint, "this plan may not call %s", agent->name);
    else
        REFUSE(c, "effect-not-allowed", AT(pointer), hint,
               "%s is %s, and this plan may only call agents that are %s", agent->name,
               effect_class_word(agent->effect), classes);
    return false;
}

/* ---- Reading `allow` ---- */

/* "ALIAS/NAME" or "ALIAS/\*" */
static bool entry_valid(const char *entry)
{
    const char *slash = strchr(entry, '/');
    const char *star = strchr(entry, '*');
    return slash && slash > entry && slash[1] && (!star || (star == slash + 1 && !star[1]));
}

static void refuse_unknown(struct compilation *c, const char *entry, const char *pointer)
{
    const struct catalog *catalog = c->options->catalog;
    const char **names = xcalloc(catalog->count, sizeof(*names));
    for (size_t i = 0; i < catalog->count; i++)
        names[i] = catalog->agents[i]->name;
    AUTO(freep) char *hint = suggestion_text(slice_of(entry), names, catalog->count);
    free(names);
    REFUSE(c, "unknown-agent", AT(pointer),
           hint ? hint : "no plugin is loaded; name plugins in the manifest",
           "there is no agent \"%.200s\"", entry);
}

/* Of a run that goes on only those agents are known that it could reach. */
static void check_entry(struct compilation *c, const struct plan *plan, const char *entry,
                        const char *pointer)
{
    const struct catalog *catalog = c->options->catalog;
    const struct agent *named = NULL;
    if (c->options->files)
        return;
    for (size_t i = 0; i < catalog->count; i++) {
        if (!entry_names(entry, catalog->agents[i]->name))
            continue;
        named = catalog->agents[i];
        if (has_class(plan, named->effect))
            return;
    }
    if (!named)
        refuse_unknown(c, entry, pointer);
    else
        WARN(c, "allow-without-effect", AT(pointer), "add the class to `effects`, or leave it out",
             "`effects` does not allow it: %s is %s", named->name,
             effect_class_word(named->effect));
}

static void read_agents(struct compilation *c, const json_t *list, const char *pointer,
                        struct plan *plan)
{
    size_t i;
    json_t *one;
    plan->agents = xcalloc(json_array_size(list), sizeof(*plan->agents));
    json_array_foreach (list, i, one) {
        const char *entry = json_string_value(one);
        AUTO(freep) char *at = pointer_to_item(pointer, i);
        if (!entry)
            continue;
        plan->agents[plan->agent_count++] = xstrdup(entry);
        if (entry_valid(entry))
            check_entry(c, plan, entry, at);
        else
            REFUSE(c, "bad-allow", AT(at), "write travel/search, or travel/* for all of a plugin",
                   "\"%.200s\" names no agent, as ALIAS/NAME, and not all of a plugin, as ALIAS/*",
                   entry);
    }
    if (json_is_array(list) && json_array_size(list) == 0)
        REFUSE(c, "bad-allow", AT(pointer), "name one, or all of a plugin as travel/*",
               "a plan that may call no agent can do nothing");
}

static unsigned read_classes(const json_t *list)
{
    unsigned classes = 0;
    size_t i;
    json_t *one;
    if (!json_is_array(list))
        return 1u << CLASS_PURE | 1u << CLASS_READ;
    json_array_foreach (list, i, one)
        for (enum effect_class class = CLASS_PURE; class <= CLASS_WRITE; class ++)
            if (json_is_string(one) &&
                strcmp(json_string_value(one), effect_class_word(class)) == 0)
                classes |= 1u << class;
    return classes;
}

static int64_t read_count(const json_t *allow, const char *key, int64_t otherwise, int64_t most)
{
    int64_t count;
    bool said = integer_from(json_object_get(allow, key), &count) && count >= 1;
    return !said ? otherwise : count < most ? count : most;
}

static void read_allow(struct compilation *c, uint32_t step, struct plan *plan)
{
    const json_t *allow = json_object_get(c->sources[step].value, "allow");
    AUTO(freep) char *pointer = pointer_to_member(c->sources[step].pointer, "allow");
    AUTO(freep) char *agents = pointer_to_member(pointer, "agents");
    const struct plan *around = c->plan_step ? c->plan_step->plan : NULL;
    int64_t steps = around && around->max_steps < MAX_STEPS ? around->max_steps : MAX_STEPS;
    plan->classes = read_classes(json_object_get(allow, "effects"));
    plan->max_steps = (uint32_t)read_count(allow, "max_steps", steps, LIMIT_STEPS);
    plan->depth = (int)read_count(allow, "depth", 1, LIMIT_FLOW_DEPTH);
    read_agents(c, json_object_get(allow, "agents"), agents, plan);
    if (!allow)
        REFUSE(c, "missing-key", AT_KEY(c->sources[step].pointer),
               "add allow: {agents: [travel/*], effects: [pure, read]}",
               "the key \"allow\" is missing: what the plan may call");
}

/* ---- Within another plan ---- */

static void check_agents_within(struct compilation *c, const struct plan *plan,
                                const struct plan *around, const char *pointer)
{
    const struct catalog *catalog = c->options->catalog;
    AUTO(freep) char *agents = pointer_to_member(pointer, "agents");
    AUTO(freep) char *effects = pointer_to_member(pointer, "effects");
    AUTO(freep) char *hint = agents_text(c, around);
    AUTO(freep) char *classes = classes_text(around);
    if (plan->classes & ~around->classes) {
        REFUSE(c, "effect-not-allowed", AT(effects), hint,
               "a plan within this one may only call agents that are %s", classes);
        return;
    }
    for (size_t i = 0; i < catalog->count; i++)
        if (plan_reaches(plan, catalog->agents[i]) && !plan_reaches(around, catalog->agents[i])) {
            REFUSE(c, "agent-not-allowed", AT(agents), hint,
                   "this plan may not call %s, nor may one within it", catalog->agents[i]->name);
            return;
        }
}

static void check_within(struct compilation *c, uint32_t step, const struct plan *plan)
{
    const struct plan *around = c->plan_step->plan;
    AUTO(freep) char *pointer = pointer_to_member(c->sources[step].pointer, "allow");
    AUTO(freep) char *steps = pointer_to_member(pointer, "max_steps");
    AUTO(freep) char *depth = pointer_to_member(pointer, "depth");
    AUTO(freep) char *key = pointer_to_member(c->sources[step].pointer, "plan");
    check_agents_within(c, plan, around, pointer);
    if (around->depth < 2)
        REFUSE(c, "plan-too-deep", AT_KEY(key), "call agents instead",
               "this plan may have no plan within it");
    else if (plan->depth >= around->depth)
        REFUSE(c, "plan-too-deep", AT(depth), NULL,
               "a plan within this one may have a depth of %d at most, found %d", around->depth - 1,
               plan->depth);
    if (plan->max_steps > around->max_steps)
        REFUSE(c, "too-many-steps", AT(steps), NULL,
               "a plan within this one may have %u steps at most, found %u", around->max_steps,
               plan->max_steps);
}

/* ---- Its writer ---- */

static bool one_writer(const struct mapping *mapping, uint32_t *ret_writer)
{
    size_t count;
    const struct mapping_reference *list = mapping_references(mapping, &count);
    if (count == 0 || mapping_reads(mapping) != ROOT_STEPS)
        return false;
    for (size_t i = 0; i < count; i++)
        if (list[i].status || list[i].step != list[0].step)
            return false;
    *ret_writer = (uint32_t)list[0].step;
    return true;
}

static void read_fragment(struct compilation *c, uint32_t step, struct plan *plan)
{
    const json_t *value = json_object_get(c->sources[step].value, "plan");
    AUTO(freep) char *pointer = pointer_to_member(c->sources[step].pointer, "plan");
    static const char hint[] =
        "write plan: ${ .steps.NAME.output.plan }, of the step that makes it";
    plan->writer = NO_STEP;
    if (!json_is_string(value))
        return;
    plan->fragment = flow_read_template(
        c, &(struct template){value, pointer, ROOT_INPUT | ROOT_STEPS | ROOT_RUN, step, 0});
    if (!plan->fragment)
        return;
    if (!step_is_one_expression(value) || !one_writer(plan->fragment, &plan->writer)) {
        plan->writer = NO_STEP;
        REFUSE(c, "plan-writer", AT(pointer), hint,
               "a plan is one expression that reads the output of one step, its writer, and "
               "nothing else");
        return;
    }
    flow_add_edge(c, step, plan->writer, true, pointer);
}

static void check_writer(struct compilation *c, uint32_t step)
{
    uint32_t writer = c->flow->steps[step].plan->writer;
    AUTO(freep) char *pointer = pointer_to_member(c->sources[step].pointer, "plan");
    if (writer == NO_STEP || !json_is_object(c->sources[writer].value) || writer == step)
        return; /* that was said, or is a cycle */
    struct step *of = &c->flow->steps[writer];
    if (c->sources[writer].kind != KIND_AGENT)
        REFUSE(c, "plan-writer", AT(pointer),
               "put this step beside the agent that writes the plan, in the same flow",
               "`%s` runs a %s: a plan that is refused goes back to the agent that wrote it",
               of->name, step_kind_word(c->sources[writer].kind));
    else if (of->for_each)
        REFUSE(c, "plan-writer", AT(pointer), "let it write one plan for all of them",
               "`%s` has for_each, and a plan has one writer", of->name);
    else if (of->planned_by != NO_STEP)
        REFUSE(c, "plan-writer", AT(pointer), "let another step write the other plan",
               "`%s` writes the plan of `%s` already", of->name, c->names[of->planned_by]);
    else
        of->planned_by = step;
}

void flow_check_plans(struct compilation *c)
{
    for (uint32_t step = 0; step < c->count; step++)
        if (c->flow->steps[step].plan)
            check_writer(c, step);
}

/* ---- The step ---- */

static void make_stand_in(struct compilation *c, uint32_t step)
{
    struct step *s = &c->flow->steps[step];
    const json_t *output = json_object_get(c->sources[step].value, "output");
    AUTO(freep) char *pointer = pointer_to_member(c->sources[step].pointer, "output");
    AUTO(freep) char *schema = pointer_to_member(pointer, "schema");
    struct agent *agent = xcalloc(1, sizeof(*agent));
    agent->name = xasprintf("plan:%s", s->name);
    for (enum effect_class class = CLASS_PURE; class <= CLASS_WRITE; class ++)
        if (has_class(s->plan, class))
            agent->effect = class;
    agent->brokered = true;
    agent->output = flow_read_schema(c, json_object_get(output, "schema"), schema);
    agent->settle_ms = agent->key_ttl_ms = agent->call_ms = -1;
    agent->tokens = s->budget.tokens > 0 ? s->budget.tokens : 0;
    agent->cost = s->budget.cost > 0 ? s->budget.cost : 0;
    s->call.agent = agent;
}

void flow_read_plan(struct compilation *c, uint32_t step)
{
    struct step *s = &c->flow->steps[step];
    const struct source *source = &c->sources[step];
    s->plan = xcalloc(1, sizeof(*s->plan));
    read_allow(c, step, s->plan);
    read_fragment(c, step, s->plan);
    make_stand_in(c, step);
    if (c->plan_step)
        check_within(c, step, s->plan);
    if (s->call.agent->effect > CLASS_READ && !json_object_get(source->value, "budget"))
        WARN(
            c, "plan-without-budget", AT_KEY(source->pointer),
            "add budget: {calls: 20, time: 10m} to the step",
            "the plan may change the world, and nothing but the budget of the whole run limits it");
}
