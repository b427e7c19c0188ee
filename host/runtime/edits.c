/* SPDX-License-Identifier: Apache-2.0
 *
 * What differs between two flows, as they were compiled: defaults are merged and references are
 * resolved, so what is spelled otherwise and means the same does not differ. A step is held against
 * the step of its name. Where contracts differ, the contract engine says whether what was taken is
 * still taken, and what was given still given.
 */
#include "runtime/host_internal.h"

#include "contract/contain.h"

#include <string.h>

/* ---- flows as values that can be compared ---- */

static json_t *source_of(const struct mapping *mapping)
{
    return mapping ? json_incref((json_t *)(uintptr_t)mapping_source(mapping)) : NULL;
}

static json_t *duration_json(int64_t ms)
{
    char text[32];
    return ms < 0 ? NULL : json_string(duration_text(ms, text));
}

static json_t *budget_json(const struct budget *budget)
{
    static const char *const names[] = {"attempts", "calls", "tokens", "cost"};
    const int64_t values[] = {budget->attempts, budget->calls, budget->tokens, budget->cost};
    json_t *json = json_object();
    char text[32];
    for (size_t i = 0; i < 4; i++)
        if (values[i] >= 0)
            json_object_set_new(json, names[i],
                                i == 3 ? json_string(money_text(values[i], text))
                                       : json_integer(values[i]));
    if (budget->time_ms >= 0)
        json_object_set_new(json, "time", duration_json(budget->time_ms));
    if (budget->recovery_calls >= 0)
        json_object_set_new(json, "recovery.calls", json_integer(budget->recovery_calls));
    return json;
}

static json_t *retry_json(const struct retry *retry)
{
    json_t *on = json_array();
    for (unsigned cause = 0; cause < CAUSE_COUNT; cause++)
        if (retry->on & (1u << cause))
            json_array_append_new(on, json_string(cause_word((enum cause)cause)));
    return json_pack("{s:i, s:o*, s:f, s:o*, s:s, s:o}", "max_attempts", retry->max_attempts,
                     "initial_interval", duration_json(retry->initial_ms), "backoff_coefficient",
                     retry->coefficient, "max_interval", duration_json(retry->max_ms), "jitter",
                     retry->jitter ? "full" : "none", "retry_on", on);
}

static json_t *callee_json(const struct callee *callee)
{
    if (callee->flow)
        return json_pack("{s:s, s:o*}", "flow", callee->flow->name, "input",
                         source_of(callee->input));
    return callee->agent ? json_pack("{s:s, s:o*}", "agent", callee->agent->name, "input",
                                     source_of(callee->input))
                         : NULL;
}

static json_t *asserts_json(const struct step *step)
{
    json_t *list = json_array();
    for (size_t i = 0; i < step->assert_count; i++)
        json_array_append_new(list,
                              json_pack("{s:o*, s:s*}", "that", source_of(step->asserts[i].that),
                                        "message", step->asserts[i].message));
    return list;
}

static json_t *confidence_json(const struct step *step)
{
    static const char *const belows[] = {"escalate", "retry", "fail"};
    return step->has_confidence
               ? json_pack("{s:f, s:s}", "min", step->confidence_min, "below", belows[step->below])
               : NULL;
}

static json_t *after_json(const struct flow *flow, const struct step *step)
{
    json_t *list = json_array();
    for (size_t i = 0; i < step->after_count; i++)
        json_array_append_new(list, json_string(flow->steps[step->after[i]].name));
    return list;
}

static json_t *digest_json(const struct flow *flow)
{
    char hex[DIGEST_HEX_SIZE];
    if (!flow)
        return NULL;
    digest_hex(&flow->digest, hex);
    return json_string(hex);
}

/* Every member stands for what an author may write; what is not said has none. */
static json_t *step_json(const struct flow *flow, const struct step *step)
{
    static const char *const failures[] = {"fail", "escalate", "skip", "fallback"};
    static const char *const items[] = {"stop", "skip", "collect"};
    const char *agent =
        step->plan || step->call.flow || !step->call.agent ? NULL : step->call.agent->name;
    json_t *json = json_pack(
        "{s:s*, s:s*, s:o*, s:o*, s:o*, s:o*, s:o*, s:i, s:s, s:o, s:{s:o*, s:o*, s:o*}, s:o*, "
        "s:o, s:s, s:o*, s:o*, s:o, s:o}",
        "agent", agent, "flow", step->call.flow ? step->call.flow->name : NULL, "flow's text",
        digest_json(step->call.flow), "plan", step->plan ? source_of(step->plan->fragment) : NULL,
        "input", source_of(step->call.input), "if", source_of(step->condition), "for_each",
        source_of(step->for_each), "concurrency", step->concurrency, "on_item_failure",
        items[step->on_item], "retry", retry_json(&step->retry), "timeout", "start_to_close",
        duration_json(step->start_to_close_ms), "schedule_to_close",
        duration_json(step->schedule_to_close_ms), "heartbeat", duration_json(step->heartbeat_ms),
        "confidence", confidence_json(step), "assert", asserts_json(step), "on_failure",
        failures[step->on_failure], "fallback", callee_json(&step->fallback), "undo",
        callee_json(&step->undo), "after", after_json(flow, step), "budget",
        budget_json(&step->budget));
    ASSERT(json);
    return json;
}

static json_t *flow_json(const struct flow *flow)
{
    return json_pack("{s:s, s:s*, s:o, s:o*, s:i, s:{s:s*, s:o*, s:s}}", "flow", flow->name,
                     "version", flow->version, "budget", budget_json(&flow->budget), "output",
                     source_of(flow->output), "concurrency", flow->concurrency, "escalation", "to",
                     flow->escalation.to, "deadline", duration_json(flow->escalation.deadline_ms),
                     "on_timeout", flow->escalation.approve_on_timeout ? "approve" : "deny");
}

/* ---- held against each other ---- */

static void add_edit(json_t *list, const char *what, const json_t *was, const json_t *is)
{
    json_array_append_new(list, json_pack("{s:s, s:O*, s:O*}", "what", what, "was", was, "is", is));
}

/* Takes both. */
static void compare_members(json_t *was, json_t *is, json_t *list)
{
    const char *key;
    json_t *value;
    json_object_foreach (was, key, value) {
        const json_t *other = json_object_get(is, key);
        if (!other || !json_equal(value, other))
            add_edit(list, key, value, other);
    }
    json_object_foreach (is, key, value) {
        if (!json_object_get(was, key))
            add_edit(list, key, NULL, value);
    }
    json_decref(was);
    json_decref(is);
}

/* Whether each value of sub is one of super; NULL takes anything. */
static void compare_contracts(const char *what, const char *question, const struct contract *sub,
                              const struct contract *super, json_t *list)
{
    struct comparison c;
    struct error err;
    if (!super || (sub && contract_compare(sub, super, NULL, &c, &err) != ERR_OK))
        return;
    json_t *edit = json_pack("{s:s, s:s}", "what", what, "asked", question);
    if (sub) {
        json_object_set_new(edit, "verdict", json_string(verdict_name(c.verdict)));
        json_object_set_new(edit, "reason", json_string(c.reason));
        if (c.witness)
            json_object_set(edit, "witness", c.witness);
        comparison_done(&c);
    } else {
        json_object_set_new(edit, "verdict", json_string(verdict_name(UNKNOWN)));
        json_object_set_new(edit, "reason", json_string("there was no contract before"));
    }
    json_array_append_new(list, edit);
}

static bool same_contract(const struct contract *was, const struct contract *is)
{
    if (!was || !is)
        return was == is;
    return json_equal(contract_schema(was), contract_schema(is));
}

static const struct step *step_named(const struct flow *flow, const char *name)
{
    for (size_t i = 0; i < flow->step_count; i++)
        if (strcmp(flow->steps[i].name, name) == 0)
            return &flow->steps[i];
    return NULL;
}

json_t *edits_of_step(const struct flow *was, const struct flow *is, const char *name)
{
    const struct step *old = step_named(was, name), *new = step_named(is, name);
    json_t *list = json_array();
    if (old && new)
        compare_members(step_json(was, old), step_json(is, new), list);
    return list;
}

json_t *edits_of_flow(const struct flow *was, const struct flow *is)
{
    json_t *list = json_array();
    compare_members(flow_json(was), flow_json(is), list);
    if (!same_contract(was->input, is->input))
        compare_contracts("input.schema", "does the new take every input that the old took?",
                          was->input, is->input, list);
    if (!same_contract(was->output_contract, is->output_contract))
        compare_contracts("output.schema", "is every output of the new one that the old may give?",
                          is->output_contract, was->output_contract, list);
    return list;
}
