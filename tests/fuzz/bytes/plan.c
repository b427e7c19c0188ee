/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan, as an agent may make it: any JSON. It becomes a flow that stays within what its step
 * allows, or is refused with findings that have a place and words; the same plan is judged the same
 * again, and one that was taken is taken when the run is read back.
 */
#include "json.h"

#include "flow/flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char outer[] =
    "flow: outer\n"
    "budget: {attempts: 20, calls: 60, time: 10m}\n"
    "steps:\n"
    "  think: {agent: p/pure}\n"
    "  do:\n"
    "    plan: \"${ .steps.think.output.plan }\"\n"
    "    allow: {agents: [p/plan, p/pure, p/undo], effects: [pure, read, write_idempotent],\n"
    "            max_steps: 6, depth: 3}\n"
    "    budget: {calls: 9}\n"
    "    input: {goal: x, list: [1, 2]}\n"
    "    output: {schema: {type: object, required: [n]}}\n";

static struct contract *contract_of(const char *schema)
{
    AUTO(json_decrefp) json_t *json = bytes_json((const uint8_t *)schema, strlen(schema));
    struct contract *contract = bytes_contract(json, NULL);
    ASSERT(contract != NULL);
    return contract;
}

static void add_agent(struct catalog *catalog, const char *name, enum effect_class effect,
                      const char *input, const char *output)
{
    struct agent *agent = xcalloc(1, sizeof(*agent));
    agent->name = xstrdup(name);
    agent->effect = effect;
    agent->input = contract_of(input);
    agent->output = contract_of(output);
    agent->settle_ms = agent->key_ttl_ms = agent->call_ms = -1;
    catalog_add(catalog, agent);
}

static const struct flow_options *the_options(void)
{
    static struct catalog catalog;
    static struct flow_options options = {.catalog = &catalog, .concurrency = 16};
    if (catalog.count > 0)
        return &options;
    catalog_init(&catalog);
    add_agent(&catalog, "p/plan", CLASS_READ,
              "{\"type\": \"object\", \"required\": [\"goal\"], \"properties\": {\"goal\": "
              "{\"type\": \"string\"}}}",
              "{\"type\": \"object\", \"required\": [\"n\"], \"properties\": {\"n\": {\"type\": "
              "\"integer\"}}}");
    add_agent(&catalog, "p/pure", CLASS_PURE, "true", "true");
    add_agent(&catalog, "p/undo", CLASS_WRITE_IDEMPOTENT, "{}", "{\"type\": \"null\"}");
    add_agent(&catalog, "p/write", CLASS_WRITE, "{}", "{}");
    return &options;
}

/* The flow around, compiled once. */
static const struct flow *the_flow(void)
{
    static struct flow *flow;
    char path[] = "/tmp/fuzz-plan-XXXXXX";
    struct findings findings;
    struct error err;
    if (flow)
        return flow;
    int fd = mkstemp(path);
    ASSERT(fd >= 0 && write(fd, outer, sizeof(outer) - 1) == (ssize_t)sizeof(outer) - 1);
    close(fd);
    findings_init(&findings);
    ASSERT(flow_compile(path, the_options(), &flow, &findings, &err) == ERR_OK);
    findings_done(&findings);
    unlink(path);
    return flow;
}

static void claim_within(const struct flow *flow, const struct flow *plan)
{
    const struct plan *allowed = flow->steps[1].plan;
    CLAIM(plan->step_count <= allowed->max_steps, "%zu steps", plan->step_count);
    for (size_t i = 0; i < plan->agent_count; i++)
        CLAIM(strcmp(plan->agents[i]->name, "p/write") != 0, "it calls %s", plan->agents[i]->name);
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct step *s = &plan->steps[i];
        CLAIM(!s->call.flow && s->call.agent, "step %zu calls nobody", i);
        CLAIM(!s->plan || s->plan->depth < allowed->depth, "a plan of depth %d", s->plan->depth);
        CLAIM(s->plan == NULL || (s->plan->classes & ~allowed->classes) == 0, "classes");
    }
}

static enum error_code compile(const json_t *fragment, const struct flow_options *options,
                               struct text *ret_said)
{
    struct findings findings;
    struct error err = {.code = ERR_OK, .text = ""};
    AUTO(flow_unrefp) struct flow *plan = NULL;
    findings_init(&findings);
    enum error_code code =
        flow_compile_plan(the_flow(), 1, fragment, options, &plan, &findings, &err);
    for (size_t i = 0; i < findings.count; i++) {
        const struct finding *f = &findings.list[i];
        CLAIM(f->text[0] && f->rule[0] && f->where.line == 0, "finding %zu is empty", i);
        CLAIM(slice_valid_utf8(slice_of(f->text)) && slice_valid_utf8(slice_of(f->pointer)),
              "%s: not UTF-8", f->rule);
    }
    findings_text(&findings, ret_said);
    if (code == ERR_OK)
        claim_within(the_flow(), plan);
    else
        CLAIM(code == ERR_INPUT && findings.errors > 0 && !plan, "refused without a finding: %s",
              err.text);
    findings_done(&findings);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(json_decrefp) json_t *fragment = bytes_json(data, size);
    AUTO(text_done) struct text said, again, kept;
    text_init(&said, 4u << 20);
    text_init(&again, 4u << 20);
    text_init(&kept, 4u << 20);
    if (!fragment)
        return 0;
    enum error_code code = compile(fragment, the_options(), &said);
    CLAIM(code == compile(fragment, the_options(), &again) &&
              slice_equal(text_slice(&said), text_slice(&again)),
          "two answers:\n%s\n%s", text_str(&said), text_str(&again));
    struct flow_options reading = *the_options();
    AUTO(json_decrefp) json_t *none = json_object();
    reading.files = none;
    if (code == ERR_OK)
        CLAIM(compile(fragment, &reading, &kept) == ERR_OK,
              "taken, and refused when read back:\n%s", text_str(&kept));
    return 0;
}
