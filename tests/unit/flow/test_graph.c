/* SPDX-License-Identifier: Apache-2.0
 *
 * The graph that comes out: who waits for whom, what a step calls, in which order all can run.
 */
#include "folder_test.h"

static uint32_t step_of(const struct flow *flow, const char *name)
{
    for (uint32_t i = 0; i < flow->step_count; i++)
        if (strcmp(flow->steps[i].name, name) == 0)
            return i;
    ck_abort_msg("no step %s", name);
}

/* "a b", by name. */
static void expect_list(const struct flow *flow, const uint32_t *list, size_t count,
                        const char *names)
{
    AUTO(text_done) struct text out;
    text_init(&out, 1000);
    for (size_t i = 0; i < count; i++)
        text_addf(&out, "%s%s", i ? " " : "", flow->steps[list[i]].name);
    ck_assert_str_eq(text_str(&out), names);
}

static void expect_edges(const struct flow *flow, const char *name, const char *after,
                         const char *requires, const char *dependents)
{
    const struct step *s = &flow->steps[step_of(flow, name)];
    expect_list(flow, s->after, s->after_count, after);
    expect_list(flow, s->requires, s->requires_count, requires);
    expect_list(flow, s->dependents, s->dependent_count, dependents);
}

START_TEST(edges_come_from_references_and_needs)
{
    struct folder f;
    folder_init(&f);
    folder_accept(&f, "flow: graph\n" BUDGET "steps:\n"
                      "  last: {agent: travel/price, needs: [d, a, d], input: {x: \"${ "
                      ".steps.b.status }\"}}\n"
                      "  a: {agent: travel/price}\n"
                      "  b: {agent: travel/price, input: [\"${ .steps.a.output.x }\", \"${ "
                      ".steps.a.status }\"]}\n"
                      "  c: {agent: travel/price, if: \"${ .steps.a.output.ok == true }\",\n"
                      "      for_each: \"${ .steps.b.output // [] }\"}\n"
                      "  d: {agent: travel/price, assert: [{that: \"${ .output == "
                      ".steps.a.output }\"}],\n"
                      "      on_failure: {fallback: {agent: travel/price, input: \"${ "
                      ".steps.c.output // 1 }\"}}}\n"
                      "  e: {agent: travel/price, undo: {agent: airline/cancel, input: {booking: "
                      "\"${ .steps.b.output }\"}}}\n"
                      "output: {as: \"${ .steps.last.output }\"}\n");
    expect_edges(f.flow, "last", "a b d", "a d", "");
    expect_edges(f.flow, "a", "", "", "last b c d");
    expect_edges(f.flow, "b", "a", "a", "last c e");
    expect_edges(f.flow, "c", "a b", "a", "d");
    expect_edges(f.flow, "d", "a c", "a", "last");
    expect_edges(f.flow, "e", "b", "b", "");
    expect_list(f.flow, f.flow->order, f.flow->step_count, "a b c e d last");
    ck_assert_int_eq(f.flow->steps[0].where.line, 4);
    ck_assert_int_eq(f.flow->steps[0].where.column, 3);
    folder_done(&f);
}
END_TEST

START_TEST(a_step_knows_whom_it_calls)
{
    struct folder f;
    folder_init(&f);
    folder_accept(&f, "flow: calls\nversion: 1.2.3\n" BUDGET "steps:\n"
                      "  book: {agent: airline/book, input: {offer: 1}, undo: {agent: "
                      "airline/cancel, input: {booking: \"${ .output.id }\"}}}\n"
                      "  think: {agent: model/think, input: {a: 5}, on_failure: {fallback: {agent: "
                      "travel/price}}}\n"
                      "  bare: {agent: travel/price}\n"
                      "escalation: {to: anybody, deadline: 1h, on_timeout: approve}\n");
    const struct step *book = &f.flow->steps[0], *think = &f.flow->steps[1];
    ck_assert_str_eq(book->call.agent->name, "airline/book");
    ck_assert_str_eq(book->call.reconcile->name, "airline/find_booking");
    ck_assert_str_eq(book->undo.agent->name, "airline/cancel");
    ck_assert_ptr_null(book->fallback.agent);
    ck_assert_uint_eq(mapping_reads(book->undo.input), ROOT_OUTPUT);
    ck_assert_str_eq(think->fallback.agent->name, "travel/price");
    AUTO(json_decrefp) json_t *input = NULL, *empty = NULL;
    struct scope scope = {0};
    ck_assert_int_eq(mapping_evaluate(think->fallback.input, &scope, &input, NULL), ERR_OK);
    ck_assert_int_eq(json_integer_value(json_object_get(input, "a")), 5);
    ck_assert_int_eq(mapping_evaluate(f.flow->steps[2].call.input, &scope, &empty, NULL), ERR_OK);
    ck_assert(json_is_object(empty) && json_object_size(empty) == 0);
    ck_assert_str_eq(f.flow->name, "calls");
    ck_assert_str_eq(f.flow->version, "1.2.3");
    ck_assert_str_eq(f.flow->escalation.to, "anybody");
    ck_assert_int_eq(f.flow->escalation.deadline_ms, 3600000);
    ck_assert(f.flow->has_escalation && f.flow->escalation.approve_on_timeout);
    ck_assert_ptr_null(f.flow->output);
    ck_assert_ptr_null(f.flow->input);
    folder_done(&f);
}
END_TEST

START_TEST(a_flow_lives_as_long_as_it_is_held)
{
    struct folder f;
    folder_init(&f);
    folder_accept(&f, "flow: held\n" BUDGET "steps: {a: {agent: travel/price}}\n");
    struct flow *held = flow_ref(f.flow);
    flow_unref(f.flow);
    f.flow = NULL;
    ck_assert_str_eq(held->steps[0].name, "a");
    flow_unref(held);
    flow_unref(NULL);
    folder_done(&f);
}
END_TEST

START_TEST(a_chain_of_all_steps_compiles_and_closed_is_one_cycle)
{
    struct folder f;
    AUTO(text_done) struct text chain;
    text_init(&chain, 1 << 20);
    folder_init(&f);
    text_adds(&chain, "flow: chain\n" BUDGET "steps:\n");
    for (unsigned i = LIMIT_STEPS - 1; i > 0; i--)
        text_addf(&chain, "  s%u: {agent: travel/price, needs: [s%u]}\n", i, i - 1);
    text_adds(&chain, "  s0: {agent: travel/price}\n");
    folder_accept(&f, text_str(&chain));
    for (uint32_t i = 0; i < LIMIT_STEPS; i++)
        ck_assert_uint_eq(f.flow->order[i], LIMIT_STEPS - 1 - i);
    chain.len -= strlen("}\n");
    text_addf(&chain, ", needs: [s%u]}\n", LIMIT_STEPS - 1);
    folder_refuse(&f, text_str(&chain), "cycle");
    ck_assert_uint_eq(f.findings.errors, 1);
    ck_assert_ptr_nonnull(strstr(f.findings.list[0].text, "1988 more"));
    folder_done(&f);
}
END_TEST

START_TEST(the_digest_covers_the_file_and_its_schemas)
{
    static const char text[] = "flow: pinned\n" BUDGET "input: {schema: {$ref: a.json}}\n"
                               "steps: {a: {agent: travel/price}}\n";
    struct folder f;
    folder_init(&f);
    folder_write(&f, "a.json", SLICE("{\"items\": {\"$ref\": \"b.json\"}}"));
    folder_write(&f, "b.json", SLICE("true"));
    folder_write(&f, "c.json", SLICE("true"));
    folder_accept(&f, text);
    struct digest first = f.flow->digest;
    folder_write(&f, "c.json", SLICE("false"));
    folder_accept(&f, text);
    ck_assert(digest_equal(&first, &f.flow->digest));
    folder_write(&f, "b.json", SLICE("false"));
    folder_accept(&f, text);
    ck_assert(!digest_equal(&first, &f.flow->digest));
    AUTO(json_decrefp) json_t *empty = json_array(), *one = json_pack("[i]", 1);
    ck_assert(contract_accepts(f.flow->input, empty));
    ck_assert(!contract_accepts(f.flow->input, one));
    folder_write(&f, "b.json", SLICE("true"));
    folder_accept(&f, text);
    ck_assert(digest_equal(&first, &f.flow->digest));
    folder_done(&f);
}
END_TEST

UNIT_MAIN(edges_come_from_references_and_needs, a_step_knows_whom_it_calls,
          a_flow_lives_as_long_as_it_is_held, a_chain_of_all_steps_compiles_and_closed_is_one_cycle,
          the_digest_covers_the_file_and_its_schemas)
