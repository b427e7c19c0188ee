/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan that an agent made, held against what its step allows, by the same check as any flow: its
 * form, whom it calls, every handoff in it, its worst case. It comes from outside and may be
 * anything. It has no file: its places are JSON Pointers, and it refers to no files. What is found
 * goes back to who made it, a model perhaps, so each finding says what stands where, and what is
 * allowed there.
 */
#include "flow/flow_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- Size ---- */

struct measure {
    size_t bytes; /* about what it has as JSON */
    bool deep;
};

static void measure_value(struct measure *m, const json_t *value, int depth)
{
    const char *key;
    size_t key_len, i;
    json_t *below;
    m->bytes += (json_is_number(value) ? 6 : 2) + json_string_length(value);
    m->deep = m->deep || depth > LIMIT_PLAN_DEPTH;
    if (m->deep || m->bytes > LIMIT_PLAN)
        return;
    json_array_foreach (value, i, below)
        measure_value(m, below, depth + 1);
    json_object_keylen_foreach((json_t *)value, key, key_len, below)
    {
        m->bytes += 3 + key_len;
        measure_value(m, below, depth + 1);
    }
}

static bool is_small(struct compilation *c)
{
    struct measure m = {0};
    measure_value(&m, c->root, 0);
    if (m.deep)
        REFUSE(c, "over-limit", AT(""), "write it flatter",
               "a plan is nested at most %d deep (LIMIT_PLAN_DEPTH)", LIMIT_PLAN_DEPTH);
    else if (m.bytes > LIMIT_PLAN)
        REFUSE(c, "over-limit", AT(""), "leave data out: a plan names where it comes from",
               "a plan has at most %u bytes (LIMIT_PLAN)", LIMIT_PLAN);
    return !m.deep && m.bytes <= LIMIT_PLAN;
}

static bool is_short(struct compilation *c)
{
    size_t count = json_object_size(json_object_get(c->root, "steps"));
    uint32_t most = c->plan_step->plan->max_steps;
    if (count > most)
        REFUSE(c, "too-many-steps", AT_KEY("/steps"), "use for_each for what is alike",
               "the plan has %zu steps, where at most %u are allowed", count, most);
    return count <= most;
}

/* ---- Its output ---- */

/* What the flow says of the plan's output holds; where it says nothing, the plan may. */
void flow_read_plan_output(struct compilation *c)
{
    const struct contract *wanted = c->plan_step->call.agent->output;
    const json_t *output = json_object_get(c->root, "output");
    const json_t *schema = json_object_get(output, "schema");
    AUTO(json_decrefp) json_t *null = json_null();
    if (!wanted) {
        c->flow->output_contract = flow_read_schema(c, schema, "/output/schema");
        return;
    }
    c->flow->output_contract = contract_ref(wanted);
    AUTO(text_done) struct text words;
    text_init(&words, 2000);
    json_write(contract_schema(wanted), &words);
    AUTO(freep)
    char *hint = words.overflowed ? NULL : xasprintf("it must fit %s", text_str(&words));
    if (schema)
        REFUSE(c, "plan-output", AT_KEY("/output/schema"), hint,
               "what a plan gives here is said by the flow: leave `schema` out");
    if (!json_object_get(output, "as") && !contract_accepts(wanted, null))
        REFUSE(c, "plan-output", AT_KEY(output ? "/output" : ""), hint,
               "the plan gives no output: add output: {as: …}");
}

/* ---- The way in ---- */

enum error_code flow_compile_plan(const struct flow *flow, uint32_t step, const json_t *fragment,
                                  const struct flow_options *options, struct flow **ret_flow,
                                  struct findings *ret_findings, struct error *reterr)
{
    ASSERT(step < flow->step_count && flow->steps[step].plan && fragment);
    struct family family = {.options = options,
                            .escalation = flow->has_escalation ? &flow->escalation : NULL};
    struct compilation c = {.options = options,
                            .family = &family,
                            .path = "plan",
                            .around = flow,
                            .plan_step = &flow->steps[step],
                            .root = fragment,
                            .findings = ret_findings};
    size_t errors_before = ret_findings->errors;
    if (is_small(&c) && is_short(&c)) {
        flow_look(&c);
        flow_check_names_within(&c);
        flow_take_worst(&c);
    }
    findings_sort(ret_findings);
    size_t errors = ret_findings->errors - errors_before;
    if (errors == 0)
        *ret_flow = TAKE(c.flow);
    compilation_done(&c);
    family_done(&family);
    return errors ? error_set(reterr, ERR_INPUT, "the plan of `%s` has %zu error%s",
                              flow->steps[step].name, errors, errors == 1 ? "" : "s")
                  : ERR_OK;
}
