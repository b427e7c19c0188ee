/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps that run a plan, before there is one: what they allow, who writes it, and what is known of
 * them.
 */
#include "folder_test.h"

#define THINK "  think: {agent: travel/price}\n"

static void refuse(struct folder *f, const char *steps, const char *rule, const char *pointer)
{
    AUTO(text_done) struct text said;
    text_init(&said, 1 << 20);
    AUTO(freep) char *text = xasprintf("flow: f\n" BUDGET "steps:\n%s", steps);
    folder_write(f, "f.yaml", slice_of(text));
    ck_assert_int_eq(folder_compile(f, "f.yaml"), ERR_INPUT);
    findings_text(&f->findings, &said);
    for (size_t i = 0; i < f->findings.count; i++)
        if (strcmp(f->findings.list[i].rule, rule) == 0 &&
            strcmp(f->findings.list[i].pointer, pointer) == 0)
            return;
    ck_abort_msg("%sno %s at %s:\n%s", steps, rule, pointer, text_str(&said));
}

START_TEST(what_is_not_said_is_built_in)
{
    struct folder f;
    folder_init(&f);
    folder_accept(&f, "flow: f\n" BUDGET "steps:\n" THINK
                      "  do: {plan: \"${ .steps.think.output }\", allow: {agents: [travel/*]}}\n");
    const struct step *s = &f.flow->steps[1];
    ck_assert_uint_eq(s->plan->writer, 0);
    ck_assert_uint_eq(s->plan->max_steps, 20);
    ck_assert_int_eq(s->plan->depth, 1);
    ck_assert_uint_eq(s->plan->classes, 1u << CLASS_PURE | 1u << CLASS_READ);
    ck_assert_uint_eq(f.flow->steps[0].planned_by, 1);
    ck_assert_uint_eq(s->planned_by, UINT32_MAX);
    ck_assert_str_eq(s->call.agent->name, "plan:do");
    ck_assert_int_eq(s->call.agent->effect, CLASS_READ);
    ck_assert_uint_eq(s->requires_count, 1);
    ck_assert_uint_eq(f.flow->agent_count, 4); /* all of travel */
    ck_assert_int_eq(s->budget.calls, -1);
    ck_assert_str_eq(f.findings.worst[WORST_CALLS].why,
                     "step `do` runs a plan, and its budget has no limit of calls");
    folder_done(&f);
}
END_TEST

START_TEST(its_budget_is_what_it_may_come_to)
{
    struct folder f;
    folder_init(&f);
    folder_accept(&f, "flow: f\n" BUDGET "steps:\n" THINK
                      "  do: {plan: \"${ .steps.think.output.p }\", allow: {agents: [travel/*], "
                      "effects: [pure, read], max_steps: 3, depth: 2}, budget: {attempts: 6, "
                      "calls: 5, time: 1m}, timeout: {schedule_to_close: 30s}}\n");
    ck_assert_int_eq(f.findings.worst[WORST_CALLS].most, 8);
    ck_assert_int_eq(f.findings.worst[WORST_CALLS].least, 6);
    ck_assert_int_eq(f.findings.worst[WORST_TIME].least, 60000);
    ck_assert(findings_bounded(&f.findings));
    folder_done(&f);
}
END_TEST

START_TEST(it_reads_one_step_that_can_be_asked_again)
{
    static const char allow[] = "allow: {agents: [travel/*]}}\n";
    static const struct {
        const char *steps, *plan, *pointer;
    } rows[] = {
        {THINK, "${ .input.plan }", "/steps/do/plan"},
        {THINK, "${ .steps.think.status }", "/steps/do/plan"},
        {THINK, "the ${ .steps.think.output }", "/steps/do/plan"},
        {THINK, "${ {steps: {}} }", "/steps/do/plan"},
        {THINK "  t: {agent: travel/price}\n", "${ .steps.t.output + .steps.think.output }",
         "/steps/do/plan"},
        {"  think: {agent: travel/price, for_each: [1]}\n", "${ .steps.think.output[0] }",
         "/steps/do/plan"},
        {THINK "  p: {plan: \"${ .steps.think.output }\", allow: {agents: [travel/*]}}\n",
         "${ .steps.p.output }", "/steps/do/plan"},
        {THINK "  p: {plan: \"${ .steps.think.output }\", allow: {agents: [travel/*]}}\n",
         "${ .steps.think.output }", "/steps/do/plan"},
    };
    struct folder f;
    folder_init(&f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO(freep)
        char *steps = xasprintf("%s  do: {plan: \"%s\", %s", rows[i].steps, rows[i].plan, allow);
        refuse(&f, steps, "plan-writer", rows[i].pointer);
    }
    refuse(&f, "  do: {plan: \"${ .steps.do.output }\", allow: {agents: [travel/*]}}\n", "cycle",
           "/steps/do/plan");
    folder_done(&f);
}
END_TEST

START_TEST(allow_names_what_is_there)
{
    static const struct {
        const char *allow, *rule, *pointer;
    } rows[] = {
        {"{agents: [travel/serch]}", "unknown-agent", "/steps/do/allow/agents/0"},
        {"{agents: [travel/*, nobody/*]}", "unknown-agent", "/steps/do/allow/agents/1"},
        {"{agents: []}", "bad-allow", "/steps/do/allow/agents"},
        {"{agents: [\"*\"]}", "bad-allow", "/steps/do/allow/agents/0"},
        {"{agents: [travel/s*]}", "bad-allow", "/steps/do/allow/agents/0"},
        {"{agents: [travel]}", "bad-allow", "/steps/do/allow/agents/0"},
        {"{agents: [5]}", "wrong-type", "/steps/do/allow/agents/0"},
        {"{effects: [read]}", "missing-key", "/steps/do/allow"},
        {"{agents: [travel/*], effects: [reed]}", "bad-value", "/steps/do/allow/effects/0"},
        {"{agents: [travel/*], max_steps: 0}", "bad-value", "/steps/do/allow/max_steps"},
        {"{agents: [travel/*], depth: 9}", "bad-value", "/steps/do/allow/depth"},
        {"{agents: [travel/*], step: 9}", "unknown-key", "/steps/do/allow/step"},
    };
    struct folder f;
    folder_init(&f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO(freep)
        char *steps = xasprintf(THINK "  do: {plan: \"${ .steps.think.output }\", allow: %s}\n",
                                rows[i].allow);
        refuse(&f, steps, rows[i].rule, rows[i].pointer);
    }
    refuse(&f, THINK "  do: {plan: \"${ .steps.think.output }\"}\n", "missing-key", "/steps/do");
    folder_done(&f);
}
END_TEST

UNIT_MAIN(what_is_not_said_is_built_in, its_budget_is_what_it_may_come_to,
          it_reads_one_step_that_can_be_asked_again, allow_names_what_is_there)
