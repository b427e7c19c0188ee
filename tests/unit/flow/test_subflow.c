/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows within flows: which file is meant, what is proven across the seam, what the whole may come
 * to, and that a run goes on from the texts that were kept.
 */
#include "folder_test.h"

#define PAY                                                                                        \
    "flow: pay\ninput: {schema: {type: object, required: [offer], properties: {offer: {type: "     \
    "string}}, additionalProperties: false}}\n"                                                    \
    "steps:\n  charge: {agent: airline/book, input: {offer: \"${ .input.offer }\"}}\n"             \
    "output: {as: {booking: \"${ .steps.charge.output.booking }\", n: 7}}\n"

static const char outer[] = "flow: outer\n" BUDGET "steps:\n"
                            "  quote: {agent: travel/quote}\n"
                            "  pay: {flow: pay.yaml, input: {offer: \"${ "
                            ".steps.quote.output.offer }\"}}\n"
                            "  mail: {agent: airline/cancel, input: {booking: \"${ "
                            ".steps.pay.output.booking }\"}}\n";

/* The finding of this rule; in `file` if that is said. */
static const struct finding *expect(const struct folder *f, const char *rule, const char *file)
{
    AUTO(text_done) struct text said;
    text_init(&said, 1 << 20);
    for (size_t i = 0; i < f->findings.count; i++) {
        const struct finding *one = &f->findings.list[i];
        const char *slash = strrchr(one->file, '/');
        if (strcmp(one->rule, rule) == 0 && (!file || strcmp(slash + 1, file) == 0))
            return one;
    }
    findings_text(&f->findings, &said);
    ck_abort_msg("no %s in %s:\n%s", rule, file ? file : "any", text_str(&said));
    return NULL;
}

static const struct finding *refuse(struct folder *f, const char *text, const char *rule)
{
    folder_write(f, "f.yaml", slice_of(text));
    ck_assert_int_eq(folder_compile(f, "f.yaml"), ERR_INPUT);
    ck_assert_ptr_null(f->flow);
    return expect(f, rule, NULL);
}

START_TEST(a_flow_stands_in_the_place_of_an_agent)
{
    struct folder f;
    folder_init(&f);
    folder_write(&f, "pay.yaml", SLICE(PAY));
    folder_accept(&f, outer);
    const struct step *pay = &f.flow->steps[1];
    ck_assert_ptr_nonnull(pay->call.flow);
    ck_assert_str_eq(pay->call.agent->name, "flow:pay");
    ck_assert_int_eq(pay->call.agent->effect, CLASS_WRITE);
    ck_assert_ptr_null(pay->call.reconcile);
    ck_assert(pay->call.proven && pay->call.agent->brokered);
    ck_assert_int_eq(pay->retry.max_attempts, 1);
    ck_assert_int_eq(pay->start_to_close_ms, -1);
    ck_assert_str_eq(pay->call.flow->steps[0].name, "charge");
    ck_assert_ptr_nonnull(json_object_get(f.flow->files, "pay.yaml"));
    ck_assert_uint_eq(f.flow->agent_count, 4); /* with find_booking */
    for (size_t i = 1; i < f.flow->agent_count; i++)
        ck_assert_int_lt(strcmp(f.flow->agents[i - 1]->name, f.flow->agents[i]->name), 0);
    folder_done(&f);
}
END_TEST

START_TEST(seams_are_proven_through_it)
{
    struct folder f;
    folder_init(&f);
    folder_write(&f, "pay.yaml", SLICE(PAY));
    const struct finding *one =
        refuse(&f, "flow: outer\n" BUDGET "steps:\n  pay: {flow: pay.yaml, input: {offer: 5}}\n",
               "wrong-input");
    ck_assert_str_eq(one->pointer, "/steps/pay/input/offer");
    refuse(&f, "flow: outer\n" BUDGET "steps:\n  pay: {flow: pay.yaml}\n", "missing-input");
    /* the output has no schema: its mapping says that n is a number, and what is not there */
    refuse(&f,
           "flow: outer\n" BUDGET "steps:\n  pay: {flow: pay.yaml, input: {offer: x}}\n"
           "  search: {agent: travel/search, input: {from: x, to: \"${ .steps.pay.output.n }\"}}\n",
           "seam-refuted");
    refuse(&f,
           "flow: outer\n" BUDGET "steps:\n  pay: {flow: pay.yaml, input: {offer: x}}\n"
           "  search: {agent: travel/search, input: {from: x, to: \"${ .steps.pay.output.m }\"}}\n",
           "seam-refuted");
    /* a person may answer in its place, held to its contract alone, which says nothing */
    folder_accept(&f, "flow: outer\n" BUDGET "escalation: {to: x}\nsteps:\n"
                      "  pay: {flow: pay.yaml, input: {offer: x}, on_failure: escalate}\n"
                      "  search: {agent: travel/search, input: {from: x, to: \"${ "
                      ".steps.pay.output.n }\"}}\n");
    ck_assert(!f.flow->steps[1].call.proven);
    folder_done(&f);
}
END_TEST

START_TEST(a_fault_within_is_named_by_its_own_file)
{
    struct folder f;
    folder_init(&f);
    folder_write(&f, "pay.yaml",
                 SLICE("flow: pay\nsteps:\n  charge: {agent: airline/boko, input: {offer: 1}}\n"
                       "  a: {agent: travel/plan, input: {goal: 5}}\n"));
    const struct finding *one =
        refuse(&f, "flow: outer\n" BUDGET "steps: {pay: {flow: pay.yaml}}\n", "unknown-agent");
    ck_assert_str_eq(strrchr(one->file, '/'), "/pay.yaml");
    ck_assert_int_eq(one->where.line, 3);
    ck_assert_str_eq(one->pointer, "/steps/charge/agent");
    expect(&f, "wrong-input", "pay.yaml");
    ck_assert_uint_eq(f.findings.errors, 2);
    folder_done(&f);
}
END_TEST

START_TEST(files_that_cannot_be_are_refused)
{
    struct folder f;
    folder_init(&f);
    folder_write(&f, "list.yaml", SLICE("[1]\n"));
    folder_write(&f, "torn.yaml", SLICE("flow: {\n"));
    AUTO(freep) char *link = xasprintf("%s/link.yaml", f.path);
    ck_assert_int_eq(symlink("/etc/passwd", link), 0);
    static const struct {
        const char *name, *rule;
    } cases[] = {{"none.yaml", "flow-not-found"},      {"../none.yaml", "flow-outside"},
                 {"/etc/passwd", "flow-outside"},      {"a/../../x", "flow-outside"},
                 {"link.yaml", "flow-outside"},        {"list.yaml", "wrong-type"},
                 {"torn.yaml", "malformed"},           {"\"\"", "bad-flow-file"},
                 {"\"${ .input }\"", "bad-flow-file"}, {".", "flow-outside"},
                 {"\"a\\0b\"", "bad-flow-file"},       {"5", "wrong-type"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(freep)
        char *text = xasprintf("flow: outer\n" BUDGET "steps: {pay: {flow: %s}}\n", cases[i].name);
        refuse(&f, text, cases[i].rule);
    }
    folder_done(&f);
}
END_TEST

START_TEST(flows_that_run_each_other_are_named_in_a_chain)
{
    struct folder f;
    folder_init(&f);
    folder_write(&f, "a.yaml", SLICE("flow: a\nsteps: {b: {flow: parts/b.yaml}}\n"));
    AUTO(freep) char *parts = xasprintf("%s/parts", f.path);
    mkdir(parts, 0700);
    folder_write(&f, "parts/b.yaml", SLICE("flow: b\nsteps: {c: {flow: ../a.yaml}}\n"));
    const struct finding *one =
        refuse(&f, "flow: outer\n" BUDGET "steps: {a: {flow: ./a.yaml}}\n", "flow-cycle");
    ck_assert_ptr_nonnull(strstr(one->text, "f.yaml → a.yaml → parts/b.yaml → a.yaml"));
    ck_assert_str_eq(strrchr(one->file, '/'), "/b.yaml");
    one = refuse(&f, "flow: outer\n" BUDGET "steps: {a: {flow: f.yaml}}\n", "flow-cycle");
    ck_assert_ptr_nonnull(strstr(one->text, "f.yaml → f.yaml"));
    folder_done(&f);
}
END_TEST

/* d1 runs d2 …, the last an agent; f.yaml runs them from the deepest on, or from the first. */
START_TEST(the_depth_counts_however_the_flows_are_met)
{
    struct folder f;
    folder_init(&f);
    for (int i = 1; i <= LIMIT_FLOW_DEPTH + 1; i++) {
        AUTO(freep) char *name = xasprintf("d%d.yaml", i);
        AUTO(freep)
        char *text = i > LIMIT_FLOW_DEPTH
                         ? xstrdup("flow: d\nsteps: {a: {agent: travel/price}}\n")
                         : xasprintf("flow: d\nsteps: {a: {flow: d%d.yaml}}\n", i + 1);
        folder_write(&f, name, slice_of(text));
    }
    folder_accept(&f, "flow: outer\n" BUDGET "steps: {a: {flow: d2.yaml}}\n");
    refuse(&f, "flow: outer\n" BUDGET "steps: {a: {flow: d1.yaml}}\n", "flow-too-deep");
    refuse(&f, "flow: outer\n" BUDGET "steps: {b: {flow: d5.yaml}, a: {flow: d1.yaml}}\n",
           "flow-too-deep");
    folder_done(&f);
}
END_TEST

START_TEST(a_file_is_compiled_once_for_all_steps)
{
    struct folder f;
    folder_init(&f);
    folder_write(&f, "pay.yaml", SLICE(PAY));
    folder_write(&f, "twice.yaml",
                 SLICE("flow: twice\nsteps: {x: {flow: pay.yaml, input: {offer: a}}, y: {flow: "
                       "./pay.yaml, input: {offer: b}}}\n"));
    folder_accept(&f, "flow: outer\n" BUDGET
                      "steps: {p: {flow: pay.yaml, input: {offer: x}}, q: {flow: twice.yaml}}\n");
    const struct step *twice = f.flow->steps[1].call.flow->steps;
    ck_assert_ptr_eq(twice[0].call.flow, twice[1].call.flow);
    ck_assert_ptr_eq(f.flow->steps[0].call.flow, twice[0].call.flow);
    folder_done(&f);
}
END_TEST

START_TEST(what_it_comes_to_is_within_its_budget_and_times_the_items)
{
    struct folder f;
    folder_init(&f);
    folder_write(&f, "think.yaml",
                 SLICE("flow: think\nbudget: {calls: 5, tokens: 100000}\nsteps: {a: {agent: "
                       "model/think}, b: {agent: model/think}}\n"));
    folder_accept(&f, "flow: outer\nbudget: {attempts: 200, calls: 200, tokens: 100000, cost: 1, "
                      "time: 10h}\ninput: {schema: {type: object, properties: {l: {type: array, "
                      "maxItems: 4}}, required: [l]}}\n"
                      "steps:\n  t: {flow: think.yaml, for_each: \"${ .input.l }\", budget: "
                      "{tokens: 1500, calls: 9}}\n");
    const struct worst *worst = f.findings.worst;
    ck_assert(f.findings.has_worst);
    ck_assert_int_eq(worst[WORST_ATTEMPTS].least, 8);
    ck_assert_int_eq(worst[WORST_ATTEMPTS].most, 24);
    ck_assert_int_eq(worst[WORST_CALLS].least, 8);
    ck_assert_int_eq(worst[WORST_CALLS].most, 20);
    ck_assert_int_eq(worst[WORST_TOKENS].least, 6000);
    ck_assert_int_eq(worst[WORST_TOKENS].most, 6000);
    ck_assert_int_eq(f.flow->steps[0].budget.tokens, 1500);
    ck_assert_int_eq(f.flow->steps[0].budget.calls, 5);
    ck_assert_int_eq(f.flow->steps[0].budget.attempts, -1);
    folder_write(&f, "loop.yaml",
                 SLICE("flow: loop\ninput: {schema: {type: array}}\nsteps: {a: {agent: "
                       "travel/price, for_each: \"${ .input }\"}}\n"));
    folder_accept(&f, "flow: outer\n" BUDGET "steps: {t: {flow: loop.yaml, input: []}}\n");
    ck_assert_int_eq(f.findings.worst[WORST_CALLS].most, -1);
    ck_assert_str_eq(
        f.findings.worst[WORST_CALLS].why,
        "step `t`: in loop.yaml step `a` loops over .input, whose maxItems is not set");
    folder_accept(&f,
                  "flow: outer\n" BUDGET
                  "steps: {t: {flow: loop.yaml, input: [], budget: {calls: 7, attempts: 7}}}\n");
    ck_assert_int_eq(f.findings.worst[WORST_CALLS].most, 7);
    folder_done(&f);
}
END_TEST

START_TEST(a_run_goes_on_from_the_kept_texts_alone)
{
    struct folder f;
    folder_init(&f);
    AUTO(freep) char *parts = xasprintf("%s/parts", f.path);
    mkdir(parts, 0700);
    folder_write(&f, "parts/in.json", SLICE("{\"$ref\": \"../text.json\"}"));
    folder_write(&f, "text.json", SLICE("{\"type\": \"string\"}"));
    folder_write(&f, "parts/a.yaml",
                 SLICE("flow: a\ninput: {schema: {$ref: in.json}}\nsteps: {b: {flow: b.yaml}}\n"));
    folder_write(&f, "parts/b.yaml", SLICE("flow: b\nsteps: {p: {agent: travel/price}}\n"));
    folder_accept(&f, "flow: outer\n" BUDGET "steps: {a: {flow: parts/a.yaml, input: x}}\n");
    struct digest digest = f.flow->digest;
    AUTO(json_decrefp) json_t *files = json_incref(f.flow->files);
    ck_assert_uint_eq(json_object_size(files), 5);
    static const char *const names[] = {"", "parts/a.yaml", "parts/b.yaml", "parts/in.json",
                                        "text.json"};
    for (size_t i = 0; i < 5; i++)
        ck_assert_ptr_nonnull(json_object_get(files, names[i]));
    nftw(parts, folder_remove, 8, FTW_DEPTH | FTW_PHYS);
    f.options.files = files;
    ck_assert_int_eq(folder_compile(&f, "f.yaml"), ERR_OK);
    ck_assert(digest_equal(&digest, &f.flow->digest));
    ck_assert_str_eq(f.flow->steps[0].call.flow->steps[0].call.flow->steps[0].call.agent->name,
                     "travel/price");
    json_object_del(files, "parts/b.yaml");
    ck_assert_int_eq(folder_compile(&f, "f.yaml"), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(f.findings.list[0].text, "was not kept"));
    folder_done(&f);
}
END_TEST

START_TEST(a_change_within_changes_the_digest)
{
    struct folder f;
    folder_init(&f);
    folder_write(&f, "a.yaml", SLICE("flow: a\nsteps: {b: {flow: b.yaml}}\n"));
    folder_write(&f, "b.yaml", SLICE("flow: b\nsteps: {p: {agent: travel/price}}\n"));
    folder_accept(&f, "flow: outer\n" BUDGET "steps: {a: {flow: a.yaml}}\n");
    struct digest first = f.flow->digest, within = f.flow->steps[0].call.flow->digest;
    folder_write(&f, "b.yaml", SLICE("flow: b\nsteps: {p: {agent: travel/price}} # now\n"));
    ck_assert_int_eq(folder_compile(&f, "f.yaml"), ERR_OK);
    ck_assert(!digest_equal(&first, &f.flow->digest));
    ck_assert(!digest_equal(&within, &f.flow->steps[0].call.flow->digest));
    folder_done(&f);
}
END_TEST

START_TEST(defaults_of_the_manifest_hold_within_and_those_of_the_flow_do_not)
{
    struct folder f;
    AUTO(json_decrefp) json_t *defaults = json_pack("{s:{s:i}}", "retry", "max_attempts", 5);
    folder_init(&f);
    f.options.defaults = defaults;
    folder_write(&f, "a.yaml", SLICE("flow: a\nsteps: {p: {agent: travel/price}}\n"));
    folder_accept(&f,
                  "flow: outer\n" BUDGET "defaults: {retry: {max_attempts: 2}, timeout: "
                  "{start_to_close: 1s}}\nsteps: {a: {flow: a.yaml}, q: {agent: travel/price}}\n");
    ck_assert_int_eq(f.flow->steps[1].retry.max_attempts, 2);
    ck_assert_int_eq(f.flow->steps[0].call.flow->steps[0].retry.max_attempts, 5);
    ck_assert_int_eq(f.flow->steps[0].schedule_to_close_ms, -1);
    folder_done(&f);
}
END_TEST

START_TEST(who_names_nobody_asks_whom_the_run_asks)
{
    struct folder f;
    folder_init(&f);
    folder_write(&f, "a.yaml", SLICE("flow: a\nsteps: {p: {agent: mail/send}}\n"));
    refuse(&f, "flow: outer\n" BUDGET "steps: {a: {flow: a.yaml}}\n", "write-without-recovery");
    folder_accept(&f, "flow: outer\n" BUDGET "escalation: {to: ops, deadline: 2h}\nsteps: {a: "
                      "{flow: a.yaml}}\n");
    ck_assert_str_eq(f.flow->steps[0].call.flow->escalation.to, "ops");
    ck_assert_int_eq(f.flow->steps[0].call.flow->escalation.deadline_ms, 7200000);
    folder_done(&f);
}
END_TEST

START_TEST(names_that_paths_need_are_refused_within_alone)
{
    struct folder f;
    folder_init(&f);
    folder_write(&f, "a.yaml", SLICE("flow: a\nsteps: {undo: {agent: travel/price}}\n"));
    refuse(&f, "flow: outer\n" BUDGET "steps: {a: {flow: a.yaml}}\n", "bad-name");
    folder_accept(&f, "flow: outer\n" BUDGET "steps: {undo: {agent: travel/price}}\n");
    folder_done(&f);
}
END_TEST

START_TEST(time_and_undo_are_those_of_the_whole)
{
    struct folder f;
    folder_init(&f);
    folder_write(&f, "pay.yaml", SLICE(PAY));
    folder_accept(&f, "flow: outer\n" BUDGET "steps:\n  pay: {flow: pay.yaml, input: {offer: x}, "
                      "timeout: {start_to_close: 5m, schedule_to_close: 4m}, undo: {agent: "
                      "airline/cancel, input: {booking: \"${ .output.booking }\"}}}\n");
    ck_assert_int_eq(f.flow->steps[0].schedule_to_close_ms, 240000);
    ck_assert_int_eq(f.flow->steps[0].start_to_close_ms, 240000);
    ck_assert(f.flow->steps[0].undo.proven);
    refuse(&f,
           "flow: outer\n" BUDGET "steps:\n  pay: {flow: pay.yaml, input: {offer: x}, "
           "timeout: {heartbeat: 5s}}\n",
           "not-supported");
    folder_done(&f);
}
END_TEST

START_TEST(all_whom_a_run_may_call_are_known)
{
    struct folder f;
    folder_init(&f);
    struct agent *think = (struct agent *)catalog_find(&f.catalog, SLICE("model/think"));
    struct agent *price = (struct agent *)catalog_find(&f.catalog, SLICE("travel/price"));
    think->calls = xcalloc(1, sizeof(struct agent *));
    think->calls[0] = price;
    think->call_count = 1;
    price->calls = xcalloc(2, sizeof(struct agent *));
    price->calls[0] = catalog_find(&f.catalog, SLICE("airline/book"));
    price->calls[1] = think; /* in a circle */
    price->call_count = 2;
    folder_write(&f, "a.yaml", SLICE("flow: a\nsteps: {t: {agent: model/think}}\n"));
    folder_accept(&f, "flow: outer\nbudget: {attempts: 9, calls: 9, tokens: 9000, cost: 1, time: "
                      "1h}\nsteps: {a: {flow: a.yaml}}\n");
    static const char *const names[] = {"airline/book", "airline/find_booking", "model/think",
                                        "travel/price"};
    ck_assert_uint_eq(f.flow->agent_count, 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_str_eq(f.flow->agents[i]->name, names[i]);
    ck_assert_int_eq(f.flow->steps[0].call.agent->effect, CLASS_WRITE);
    ck_assert_int_eq(f.findings.worst[WORST_CALLS].most, -1);
    ck_assert_str_eq(f.findings.worst[WORST_CALLS].why,
                     "step `a`: in a.yaml step `t`: model/think may call others as often as it "
                     "likes");
    folder_done(&f);
}
END_TEST

START_TEST(the_operators_ceiling_is_that_of_the_whole_run)
{
    struct budget ceiling = {-1, 5, -1, -1, -1, -1};
    struct folder f;
    folder_init(&f);
    f.options.ceiling = &ceiling;
    folder_write(&f, "a.yaml",
                 SLICE("flow: a\nbudget: {attempts: 3}\nsteps: {t: {agent: travel/price}}\n"));
    folder_accept(&f, "flow: outer\nsteps: {a: {flow: a.yaml}}\n");
    ck_assert_int_eq(f.flow->budget.calls, 5);
    ck_assert_int_eq(f.flow->steps[0].budget.calls, -1);
    ck_assert_int_eq(f.flow->steps[0].budget.attempts, 3);
    ck_assert_int_eq(f.flow->steps[0].budget.recovery_calls, -1);
    folder_done(&f);
}
END_TEST

/* A person may say that the run goes on without a write, of a journal that was restored: then the
 * inner flow gives null where its mapping reads the write under //. */
START_TEST(what_a_person_may_go_on_without_is_not_relied_on)
{
    struct folder f;
    folder_init(&f);
    static const char *const inner[] = {"agent: airline/book, input: {offer: 1}",
                                        "agent: travel/quote"};
    static const char *const names[] = {"booking", "offer"};
    for (int i = 0; i < 2; i++) {
        AUTO(freep)
        char *a = xasprintf("flow: a\nsteps: {b: {%s}}\noutput: {as: {x: \"${ .steps.b.output.%s "
                            "}\"}}\n",
                            inner[i], names[i]);
        folder_write(&f, "a.yaml", slice_of(a));
        folder_accept(&f, "flow: outer\n" BUDGET "steps:\n  a: {flow: a.yaml}\n  s: {agent: "
                          "travel/search, input: {from: x, to: \"${ .steps.a.output.x }\"}}\n");
        ck_assert_int_eq(f.flow->steps[1].call.proven, i == 1);
        ck_assert_int_eq(f.findings.seams[f.findings.seam_count - 1].verdict, SEAM_PROVEN);
    }
    folder_done(&f);
}
END_TEST

UNIT_MAIN(a_flow_stands_in_the_place_of_an_agent, seams_are_proven_through_it,
          a_fault_within_is_named_by_its_own_file, files_that_cannot_be_are_refused,
          flows_that_run_each_other_are_named_in_a_chain,
          the_depth_counts_however_the_flows_are_met, a_file_is_compiled_once_for_all_steps,
          what_it_comes_to_is_within_its_budget_and_times_the_items,
          a_run_goes_on_from_the_kept_texts_alone, a_change_within_changes_the_digest,
          defaults_of_the_manifest_hold_within_and_those_of_the_flow_do_not,
          who_names_nobody_asks_whom_the_run_asks, names_that_paths_need_are_refused_within_alone,
          time_and_undo_are_those_of_the_whole, all_whom_a_run_may_call_are_known,
          the_operators_ceiling_is_that_of_the_whole_run,
          what_a_person_may_go_on_without_is_not_relied_on)
