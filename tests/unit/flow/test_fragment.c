/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans that an agent made: those that are right become flows, and those that are wrong are refused
 * at the place that is wrong, in words that say what is allowed.
 */
#include "folder_test.h"

static const char outer[] =
    "flow: outer\n"
    "budget: {attempts: 200, calls: 200, tokens: 100000, cost: 10, time: 1h}\n"
    "input: {schema: {type: object, required: [goal], properties: {goal: {type: string}, n: "
    "{type: integer}}}}\n"
    "steps:\n"
    "  think: {agent: travel/price, input: {goal: \"${ .input.goal }\"}}\n"
    "  do:\n"
    "    plan: \"${ .steps.think.output.plan }\"\n"
    "    allow: {agents: [travel/*, model/think, mail/send], effects: [pure, read], max_steps: 5,\n"
    "            depth: 2}\n"
    "    budget: {calls: 12, tokens: 2500}\n"
    "    input: {goal: \"${ .input.goal }\", list: [a, b, c]}\n"
    "    output: {schema: {type: object, required: [total], properties: {total: {type: number}}}}\n"
    "output: {as: {total: \"${ .steps.do.output.total }\"}, schema: {type: object, properties: "
    "{total: {type: number}}, required: [total]}}\n";

static const char free_outer[] = "flow: outer\n" BUDGET "steps:\n"
                                 "  think: {agent: travel/price}\n"
                                 "  do: {plan: \"${ .steps.think.output.plan }\", allow: {agents: "
                                 "[travel/*, airline/*, mail/*], effects: [pure, read, "
                                 "write_idempotent, write]}, budget: {calls: 20}}\n";

struct made {
    struct flow *flow;
    struct findings findings;
    struct error error;
    enum error_code code;
};

static void make(struct folder *f, const char *fragment, struct made *ret)
{
    AUTO(json_decrefp) json_t *json = NULL;
    struct error error = {0};
    ck_assert_msg(json_read(slice_of(fragment), 1 << 24, &json, &error) == ERR_OK, "%s: %s",
                  fragment, error.text);
    *ret = (struct made){0};
    findings_init(&ret->findings);
    ret->code =
        flow_compile_plan(f->flow, 1, json, &f->options, &ret->flow, &ret->findings, &ret->error);
}

static void made_done(struct made *made)
{
    flow_unref(made->flow);
    findings_done(&made->findings);
}

static struct flow *accept_plan(struct folder *f, const char *fragment)
{
    struct made made;
    AUTO(text_done) struct text said;
    text_init(&said, 1 << 20);
    make(f, fragment, &made);
    findings_text(&made.findings, &said);
    ck_assert_msg(made.code == ERR_OK && made.flow, "%.300s\n%s", fragment, text_str(&said));
    findings_done(&made.findings);
    return made.flow;
}

/* One error alone, of this rule, at this place; `words` is in its text or its hint. */
static void refuse_plan(struct folder *f, const char *fragment, const char *rule,
                        const char *pointer, const char *words)
{
    struct made made;
    AUTO(text_done) struct text said;
    text_init(&said, 1 << 20);
    make(f, fragment, &made);
    findings_text(&made.findings, &said);
    ck_assert_msg(made.code == ERR_INPUT && !made.flow, "%.300s", fragment);
    const struct finding *found = NULL;
    for (size_t i = 0; i < made.findings.count; i++)
        if (made.findings.list[i].severity == FINDING_ERROR)
            found = found ? found : &made.findings.list[i];
    ck_assert_msg(made.findings.errors == 1, "%.300s\n%s", fragment, text_str(&said));
    ck_assert_msg(strcmp(found->rule, rule) == 0 && strcmp(found->pointer, pointer) == 0,
                  "%.300s\nexpected %s at %s, found\n%s", fragment, rule, pointer, text_str(&said));
    ck_assert_msg(strstr(text_str(&said), words), "%.300s\nno \"%s\" in %s", fragment, words,
                  text_str(&said));
    ck_assert_str_eq(found->file, "plan");
    ck_assert_int_eq(found->where.line, 0);
    made_done(&made);
}

#define AS    "\"output\": {\"as\": {\"total\": 1}}"
#define QUOTE "\"q\": {\"agent\": \"travel/quote\"}"

static const struct {
    const char *fragment, *rule, *pointer, *words;
} wrong[] = {
    /* form */
    {"null", "wrong-type", "", "a plan, as {steps"},
    {"[]", "wrong-type", "", "found an array"},
    {"{" AS "}", "missing-key", "", "\"steps\" is missing"},
    {"{\"steps\": {}, " AS "}", "missing-key", "/steps", "found an empty object"},
    {"{\"steps\": [1], " AS "}", "wrong-type", "/steps", "an object of steps by name"},
    {"{\"flow\": \"x\", \"steps\": {" QUOTE "}, " AS "}", "unknown-key", "/flow", "unknown key"},
    {"{\"steps\": {" QUOTE "}, \"defaults\": {}, " AS "}", "unknown-key", "/defaults", "steps"},
    {"{\"steps\": {" QUOTE "}, \"escalation\": {\"to\": \"me\"}, " AS "}", "unknown-key",
     "/escalation", "unknown key"},
    {"{\"steps\": {" QUOTE "}, \"budget\": {\"calls\": 99}, " AS "}", "unknown-key", "/budget",
     "unknown key"},
    {"{\"steps\": {\"a b\": {\"agent\": \"travel/quote\"}}, " AS "}", "bad-name", "/steps/a b",
     "no name for a step"},
    {"{\"steps\": {\"undo\": {\"agent\": \"travel/quote\"}}, " AS "}", "bad-name", "/steps/undo",
     "another name"},
    {"{\"steps\": {\"x\": {\"agnet\": \"travel/quote\", \"agent\": \"travel/quote\"}}, " AS "}",
     "unknown-key", "/steps/x/agnet", "did you mean \"agent\""},
    {"{\"steps\": {\"x\": {\"needs\": []}}, " AS "}", "step-kind", "/steps/x", "exactly one"},
    /* whom it calls */
    {"{\"steps\": {\"x\": {\"agent\": \"travel/qoute\"}}, " AS "}", "unknown-agent",
     "/steps/x/agent", "did you mean \"travel/quote\""},
    {"{\"steps\": {\"x\": {\"agent\": \"nobody/nothing\"}}, " AS "}", "unknown-agent",
     "/steps/x/agent", "one of: model/think, travel/plan, travel/price"},
    {"{\"steps\": {\"x\": {\"agent\": \"airline/find_booking\"}}, " AS "}", "agent-not-allowed",
     "/steps/x/agent", "it may call model/think, travel/plan"},
    {"{\"steps\": {\"x\": {\"agent\": \"mail/send\"}}, " AS "}", "effect-not-allowed",
     "/steps/x/agent",
     "mail/send is write, and this plan may only call agents that are pure, read"},
    {"{\"steps\": {\"x\": {\"agent\": \"travel/quote\", \"undo\": {\"agent\": \"airline/cancel\", "
     "\"input\": {\"booking\": 1}}}}, " AS "}",
     "agent-not-allowed", "/steps/x/undo/agent", "may not call airline/cancel"},
    {"{\"steps\": {\"x\": {\"agent\": \"travel/quote\", \"on_failure\": {\"fallback\": {\"agent\": "
     "\"mail/send\"}}}}, " AS "}",
     "effect-not-allowed", "/steps/x/on_failure/fallback/agent", "mail/send is write"},
    {"{\"steps\": {\"x\": {\"flow\": \"f.yaml\"}}, " AS "}", "not-allowed", "/steps/x/flow",
     "no folder"},
    {"{\"steps\": {\"x\": {\"ask\": {}}}, " AS "}", "not-supported", "/steps/x/ask", "`ask`"},
    /* how much */
    {"{\"steps\": {\"a\": {\"agent\": \"travel/quote\"}, \"b\": {\"agent\": \"travel/quote\"}, "
     "\"c\": {\"agent\": \"travel/quote\"}, \"d\": {\"agent\": \"travel/quote\"}, \"e\": "
     "{\"agent\": \"travel/quote\"}, \"f\": {\"agent\": \"travel/quote\"}}, " AS "}",
     "too-many-steps", "/steps", "6 steps, where at most 5 are allowed"},
    {"{\"steps\": {\"x\": {\"agent\": \"travel/quote\", \"for_each\": [1, 2, 3, 4, 5, 6, 7, 8, 9, "
     "10, 11, 12, 13]}}, " AS "}",
     "overdraft", "/steps/x", "needs 13 calls, and its budget is 12"},
    {"{\"steps\": {\"x\": {\"agent\": \"model/think\", \"for_each\": \"${ .input.list }\"}}, " AS
     "}",
     "overdraft", "/steps/x", "needs 3000 tokens, and its budget is 2500"},
    /* its graph */
    {"{\"steps\": {\"a\": {\"agent\": \"travel/quote\", \"needs\": [\"b\"]}, \"b\": {\"agent\": "
     "\"travel/quote\", \"needs\": [\"a\"]}}, " AS "}",
     "cycle", "/steps/b/needs/0", "a → b → a"},
    {"{\"steps\": {\"a\": {\"agent\": \"travel/quote\", \"needs\": [\"think\"]}}, " AS "}",
     "unknown-step", "/steps/a/needs/0", "no step \"think\""},
    {"{\"steps\": {\"a\": {\"agent\": \"travel/price\", \"input\": \"${ .steps.think.output "
     "}\"}}, " AS "}",
     "unknown-step", "/steps/a/input", "no step is named"},
    /* its expressions and seams */
    {"{\"steps\": {\"a\": {\"agent\": \"travel/price\", \"input\": \"${ .input. }\"}}, " AS "}",
     "bad-expression", "/steps/a/input", "expected"},
    {"{\"steps\": {\"a\": {\"agent\": \"travel/search\", \"input\": {\"from\": \"x\"}}}, " AS "}",
     "missing-input", "/steps/a/input", "requires the field \"to\""},
    {"{\"steps\": {\"a\": {\"agent\": \"travel/search\", \"input\": {\"from\": \"x\", \"to\": "
     "1}}}, " AS "}",
     "wrong-input", "/steps/a/input/to", "expected type \"string\""},
    {"{\"steps\": {\"a\": {\"agent\": \"travel/search\", \"input\": {\"from\": \"${ .input.list "
     "}\","
     " \"to\": \"x\"}}}, " AS "}",
     "seam-refuted", "/steps/a/input/from", "witness"},
    {"{\"steps\": {\"a\": {\"agent\": \"travel/search\", \"input\": {\"from\": \"${ .input.gaol "
     "}\", \"to\": \"x\"}}}, " AS "}",
     "seam-refuted", "/steps/a/input/from", "never there"},
    {"{\"steps\": {\"q\": {\"agent\": \"travel/quote\"}, \"a\": {\"agent\": \"travel/search\", "
     "\"input\": {\"from\": \"${ .steps.q.output.total }\", \"to\": \"x\"}}}, " AS "}",
     "seam-refuted", "/steps/a/input/from", "expected"},
    {"{\"steps\": {\"a\": {\"agent\": \"travel/price\", \"if\": \"${ .input.goal }\"}}, " AS "}",
     "if-not-boolean", "/steps/a/if", "witness"},
    {"{\"steps\": {\"a\": {\"agent\": \"travel/price\", \"for_each\": \"${ .input.goal }\"}}, " AS
     "}",
     "for-each-not-array", "/steps/a/for_each", "witness"},
    {"{\"steps\": {\"a\": {\"agent\": \"travel/price\", \"input\": \"${ .item }\"}}, " AS "}",
     "bad-expression", "/steps/a/input", "item"},
    {"{\"steps\": {\"a\": {\"agent\": \"travel/price\", \"confidence\": {\"min\": 1}}}, " AS "}",
     "confidence-without-pointer", "/steps/a/confidence", "no confidence"},
    /* what it gives */
    {"{\"steps\": {" QUOTE "}}", "plan-output", "", "it must fit {\"type\":\"object\""},
    {"{\"steps\": {" QUOTE "}, \"output\": {}}", "plan-output", "/output", "gives no output"},
    {"{\"steps\": {" QUOTE "}, \"output\": {\"as\": {\"total\": 1}, \"schema\": true}}",
     "plan-output", "/output/schema", "leave `schema` out"},
    {"{\"steps\": {" QUOTE "}, \"output\": {\"as\": {\"total\": \"1\"}}}", "wrong-output",
     "/output/as/total", "expected type \"number\""},
    {"{\"steps\": {" QUOTE "}, \"output\": {\"as\": \"${ .steps.q.output.offer }\"}}",
     "output-refuted", "/output/as", "witness"},
    /* plans in it */
    {"{\"steps\": {\"t\": {\"agent\": \"model/think\"}, \"p\": {\"plan\": \"${ "
     ".steps.t.output.goal }\", \"allow\": {\"agents\": [\"travel/*\"]}}}, " AS "}",
     "not-a-plan", "/steps/p/plan", "witness"},
    {"{\"steps\": {\"t\": {\"agent\": \"travel/price\"}, \"p\": {\"plan\": \"${ "
     ".steps.t.output.p }\", \"allow\": {\"agents\": [\"travel/*\"], \"effects\": "
     "[\"write\"]}}}, " AS "}",
     "effect-not-allowed", "/steps/p/allow/effects", "pure, read"},
    {"{\"steps\": {\"t\": {\"agent\": \"travel/price\"}, \"p\": {\"plan\": \"${ "
     ".steps.t.output.p }\", \"allow\": {\"agents\": [\"airline/*\"]}}}, " AS "}",
     "agent-not-allowed", "/steps/p/allow/agents", "may not call airline/find_booking"},
    {"{\"steps\": {\"t\": {\"agent\": \"travel/price\"}, \"p\": {\"plan\": \"${ "
     ".steps.t.output.p }\", \"allow\": {\"agents\": [\"travel/*\"], \"max_steps\": 6}}}, " AS "}",
     "too-many-steps", "/steps/p/allow/max_steps", "5 steps at most, found 6"},
    {"{\"steps\": {\"t\": {\"agent\": \"travel/price\"}, \"p\": {\"plan\": \"${ "
     ".steps.t.output.p }\", \"allow\": {\"agents\": [\"travel/*\"], \"depth\": 2}}}, " AS "}",
     "plan-too-deep", "/steps/p/allow/depth", "1 at most, found 2"},
    {"{\"steps\": {\"t\": {\"agent\": \"travel/price\"}, \"p\": {\"plan\": \"${ "
     ".steps.t.output.p }\", \"allow\": {\"agents\": [\"travel/*\"]}, \"budget\": {\"calls\": "
     "12}}}, " AS "}",
     "overdraft", "/steps/p", "needs 13 calls"},
    /* schemas in it */
    {"{\"steps\": {\"t\": {\"agent\": \"travel/price\"}, \"p\": {\"plan\": \"${ "
     ".steps.t.output.p }\", \"allow\": {\"agents\": [\"travel/*\"]}, \"output\": {\"schema\": "
     "{\"$ref\": \"x.json\"}}}}, " AS "}",
     "ref-outside", "/steps/p/output/schema/$ref", "no folder"},
    {"{\"steps\": {\"t\": {\"agent\": \"travel/price\"}, \"p\": {\"plan\": \"${ "
     ".steps.t.output.p }\", \"allow\": {\"agents\": [\"travel/*\"]}, \"output\": {\"schema\": "
     "{\"typ\": 1}}}}, " AS "}",
     "bad-schema", "/steps/p/output/schema/typ", "type"},
};

START_TEST(each_wrong_plan_is_refused_at_its_place)
{
    struct folder f;
    folder_init(&f);
    folder_accept(&f, outer);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        refuse_plan(&f, wrong[i].fragment, wrong[i].rule, wrong[i].pointer, wrong[i].words);
    folder_done(&f);
}
END_TEST

START_TEST(a_right_plan_is_a_flow_within_the_steps_budget)
{
    struct folder f;
    folder_init(&f);
    folder_accept(&f, outer);
    struct flow *plan = accept_plan(
        &f, "{\"steps\": {\"q\": {\"agent\": \"travel/quote\", \"input\": {\"goal\": \"${ "
            ".input.goal }\"}}, \"s\": {\"agent\": \"travel/search\", \"for_each\": \"${ "
            ".input.list }\", \"input\": {\"from\": \"${ .item }\", \"to\": \"${ "
            ".steps.q.output.offer }\"}}}, \"output\": {\"as\": {\"total\": \"${ "
            ".steps.q.output.total }\"}}}");
    ck_assert_uint_eq(plan->step_count, 2);
    ck_assert(plan->steps[1].call.proven && plan->output_proven);
    ck_assert_int_eq(plan->budget.calls, 12);
    ck_assert_int_eq(plan->budget.tokens, 2500);
    ck_assert_int_eq(plan->budget.attempts, -1);
    ck_assert_ptr_nonnull(plan->output_contract);
    ck_assert_str_eq(plan->name, "do");
    ck_assert_uint_eq(plan->agent_count, 2);
    ck_assert_ptr_null(plan->files);
    flow_unref(plan);
    folder_done(&f);
}
END_TEST

START_TEST(retries_do_not_make_an_overdraft)
{
    struct folder f;
    folder_init(&f);
    folder_accept(&f, outer);
    flow_unref(accept_plan(&f,
                           "{\"steps\": {\"a\": {\"agent\": \"travel/price\", \"for_each\": [1, "
                           "2, 3, 4, 5, 6, 7, 8]}}, " AS "}"));
    folder_done(&f);
}
END_TEST

START_TEST(a_plan_may_be_made_of_plans_as_deep_as_it_is_allowed)
{
    struct folder f;
    folder_init(&f);
    folder_accept(&f, outer);
    struct flow *plan = accept_plan(
        &f,
        "{\"steps\": {\"t\": {\"agent\": \"travel/price\"}, \"p\": {\"plan\": \"${ "
        ".steps.t.output.p }\", \"allow\": {\"agents\": [\"travel/quote\"]}, \"budget\": "
        "{\"calls\": 4}, \"output\": {\"schema\": {\"type\": \"object\", \"required\": [\"n\"], "
        "\"properties\": {\"n\": {\"type\": \"integer\"}}}}}}, \"output\": {\"as\": {\"total\": "
        "\"${ .steps.p.output.n }\"}}}");
    ck_assert_uint_eq(plan->steps[1].plan->max_steps, 5);
    ck_assert_uint_eq(plan->steps[0].planned_by, 1);
    struct findings findings;
    struct flow *inner = NULL;
    findings_init(&findings);
    AUTO(json_decrefp) json_t *fragment = NULL;
    ck_assert_int_eq(json_read(SLICE("{\"steps\": {\"t\": {\"agent\": \"travel/price\"}, \"p\": "
                                     "{\"plan\": \"${ .steps.t.output }\", \"allow\": {\"agents\": "
                                     "[\"travel/quote\"]}}}, \"output\": {\"as\": {\"n\": 1}}}"),
                               1 << 20, &fragment, NULL),
                     ERR_OK);
    ck_assert_int_eq(flow_compile_plan(plan, 1, fragment, &f.options, &inner, &findings, NULL),
                     ERR_INPUT);
    ck_assert_uint_eq(findings.errors, 2);
    ck_assert_str_eq(findings.list[0].rule, "plan-too-deep");
    ck_assert_str_eq(findings.list[0].pointer, "/steps/p/plan");
    ck_assert_str_eq(findings.list[1].rule, "agent-not-allowed");
    findings_done(&findings);
    flow_unref(plan);
    folder_done(&f);
}
END_TEST

START_TEST(writes_are_allowed_where_the_flow_allows_them)
{
    struct folder f;
    folder_init(&f);
    folder_accept(&f, free_outer);
    ck_assert_int_eq(f.flow->steps[1].call.agent->effect, CLASS_WRITE);
    struct flow *plan = accept_plan(
        &f,
        "{\"steps\": {\"b\": {\"agent\": \"airline/book\", \"input\": {\"offer\": 1}, \"undo\": "
        "{\"agent\": \"airline/cancel\", \"input\": {\"booking\": \"${ .output.booking "
        "}\"}}}}}");
    ck_assert_str_eq(plan->steps[0].call.reconcile->name, "airline/find_booking");
    ck_assert_ptr_null(plan->output);
    flow_unref(plan);
    refuse_plan(&f, "{\"steps\": {\"m\": {\"agent\": \"mail/send\"}}}", "write-without-recovery",
                "/steps/m/agent", "nobody can tell what happened");
    AUTO(freep) char *asking = xasprintf("%sescalation: {to: ops}\n", free_outer);
    folder_accept(&f, asking);
    plan = accept_plan(&f, "{\"steps\": {\"m\": {\"agent\": \"mail/send\"}}}");
    ck_assert_str_eq(plan->escalation.to, "ops");
    flow_unref(plan);
    folder_done(&f);
}
END_TEST

START_TEST(what_is_too_large_or_too_deep_is_refused_at_once)
{
    struct folder f;
    AUTO(text_done) struct text text;
    text_init(&text, 1 << 24);
    folder_init(&f);
    folder_accept(&f, outer);
    text_adds(&text, "{\"steps\": {\"a\": {\"agent\": \"travel/price\", \"input\": ");
    for (int i = 0; i < 100; i++)
        text_adds(&text, "[");
    for (int i = 0; i < 100; i++)
        text_adds(&text, "]");
    text_adds(&text, "}}}");
    refuse_plan(&f, text_str(&text), "over-limit", "", "LIMIT_PLAN_DEPTH");
    text_clear(&text);
    text_adds(&text, "{\"steps\": {\"a\": {\"agent\": \"travel/price\", \"input\": [");
    for (int i = 0; i < 300000; i++)
        text_adds(&text, "12345,");
    text_adds(&text, "1]}}}");
    refuse_plan(&f, text_str(&text), "over-limit", "", "LIMIT_PLAN");
    text_clear(&text);
    text_adds(&text, "{\"steps\": {");
    for (int i = 0; i < 2000; i++)
        text_addf(&text, "%s\"s%d\": {\"agent\": \"travel/price\"}", i ? "," : "", i);
    text_adds(&text, "}}");
    refuse_plan(&f, text_str(&text), "too-many-steps", "/steps", "2000 steps");
    folder_done(&f);
}
END_TEST

START_TEST(a_plan_of_a_run_that_goes_on_is_read_again_as_it_was)
{
    static const char fragment[] =
        "{\"steps\": {\"s\": {\"agent\": \"travel/search\", \"input\": {\"from\": \"${ .input.goal "
        "}\", \"to\": \"x\"}}}, \"output\": {\"as\": {\"total\": 1}}}";
    struct folder f;
    folder_init(&f);
    folder_accept(&f, outer);
    AUTO(json_decrefp) json_t *files = json_incref(f.flow->files);
    flow_unref(accept_plan(&f, fragment));
    f.options.files = files;
    ck_assert_int_eq(folder_compile(&f, "f.yaml"), ERR_OK);
    struct flow *plan = accept_plan(&f, fragment);
    ck_assert_str_eq(plan->steps[0].call.agent->name, "travel/search");
    ck_assert(!plan->steps[0].call.proven);
    flow_unref(plan);
    f.options.files = NULL; /* a new plan of the same run is held to the same */
    refuse_plan(&f,
                "{\"steps\": {\"a\": {\"agent\": \"travel/search\", \"input\": {\"from\": \"${ "
                ".input.list }\", \"to\": \"x\"}}}, " AS "}",
                "seam-refuted", "/steps/a/input/from", "witness");
    folder_done(&f);
}
END_TEST

UNIT_MAIN(each_wrong_plan_is_refused_at_its_place, a_right_plan_is_a_flow_within_the_steps_budget,
          retries_do_not_make_an_overdraft, a_plan_may_be_made_of_plans_as_deep_as_it_is_allowed,
          writes_are_allowed_where_the_flow_allows_them,
          what_is_too_large_or_too_deep_is_refused_at_once,
          a_plan_of_a_run_that_goes_on_is_read_again_as_it_was)
