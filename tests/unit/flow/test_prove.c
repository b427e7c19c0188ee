/* SPDX-License-Identifier: Apache-2.0
 *
 * What a proof says besides right and wrong: the seams with their verdicts, what run time may rely
 * on, what is unknown and why, and the worst case. Which faults are found is tests/flows/faults.
 */
#include "folder_test.h"

static const struct seam *seam_of(const struct folder *f, enum seam_kind kind, const char *to)
{
    for (size_t i = 0; i < f->findings.seam_count; i++)
        if (f->findings.seams[i].kind == kind && strcmp(f->findings.seams[i].to, to) == 0)
            return &f->findings.seams[i];
    ck_abort_msg("there is no seam %s → %s", seam_kind_word(kind), to);
    return NULL;
}

static void expect_seam(const struct folder *f, enum seam_kind kind, const char *from,
                        const char *to, enum seam_verdict verdict)
{
    const struct seam *seam = seam_of(f, kind, to);
    ck_assert_str_eq(seam->from, from);
    ck_assert_msg(seam->verdict == verdict, "%s → %s: %s", seam->from, seam->to,
                  seam_verdict_word(seam->verdict));
    ck_assert_int_eq(seam->witness != NULL, verdict == SEAM_REFUTED);
    ck_assert_int_eq(seam->reason != NULL, verdict == SEAM_UNKNOWN);
    ck_assert_int_eq(seam->sentence != NULL, verdict != SEAM_PROVEN);
}

static void expect_worst(const struct folder *f, enum worst_key key, int64_t least, int64_t most,
                         int64_t limit)
{
    const struct worst *worst = &f->findings.worst[key];
    ck_assert(f->findings.has_worst);
    ck_assert_msg(worst->least == least && worst->most == most && worst->limit == limit,
                  "%s: %lld, %lld, %lld", worst_key_word(key), (long long)worst->least,
                  (long long)worst->most, (long long)worst->limit);
}

#define INPUT                                                                                      \
    "input: {schema: {type: object, required: [goal, legs], properties: {goal: {type: string}, "   \
    "legs: {type: array, maxItems: 4, items: {type: string}}, day: {type: string}}}}\n"

START_TEST(what_is_proven_may_be_relied_on)
{
    struct folder f;
    folder_init(&f);
    folder_accept(&f, "flow: proven\n" INPUT BUDGET "steps:\n"
                      "  plan: {agent: travel/plan, input: {goal: \"${ .input.goal }\"},\n"
                      "    confidence: {min: 0.5, below: fail}}\n"
                      "  search:\n    agent: travel/search\n"
                      "    for_each: \"${ .steps.plan.output.legs }\"\n"
                      "    input: {from: \"${ .item.from }\", to: \"${ .item.to }\"}\n"
                      "  book:\n    agent: airline/book\n"
                      "    if: \"${ .input.day != null }\"\n"
                      "    input: {offer: \"${ .steps.search.output | length }\"}\n"
                      "    undo: {agent: airline/cancel, input: {booking: \"${ .output.booking "
                      "}\"}}\n"
                      "output:\n  as: {b: \"${ .steps.book.output.booking // null }\"}\n"
                      "  schema: {type: object, properties: {b: {type: [string, \"null\"]}}}\n");
    const struct step *steps = f.flow->steps;
    ck_assert(steps[0].call.proven && steps[1].call.proven && steps[2].call.proven);
    ck_assert(steps[2].undo.proven);
    ck_assert(!f.flow->output_proven); /* of a restored journal a write may be gone on without */
    expect_seam(&f, SEAM_INPUT, "the input", "plan", SEAM_PROVEN);
    expect_seam(&f, SEAM_CONFIDENCE, "travel/plan", "plan", SEAM_PROVEN);
    expect_seam(&f, SEAM_FOR_EACH, "plan", "search", SEAM_PROVEN);
    expect_seam(&f, SEAM_INPUT, "an item of plan", "search", SEAM_PROVEN);
    expect_seam(&f, SEAM_IF, "the input", "book", SEAM_PROVEN);
    expect_seam(&f, SEAM_UNDO, "book", "undo of book", SEAM_PROVEN);
    expect_seam(&f, SEAM_OUTPUT, "book", "the flow's output", SEAM_PROVEN);
    ck_assert(findings_valid(&f.findings) && findings_granted(&f.findings));
    folder_accept(&f, "flow: pure\n" INPUT BUDGET "steps:\n"
                      "  plan: {agent: travel/plan, input: {goal: \"${ .input.goal }\"}}\n"
                      "output: {as: \"${ .steps.plan.output.legs }\", schema: {type: array}}\n");
    ck_assert(f.flow->output_proven);
    folder_done(&f);
}
END_TEST

START_TEST(what_nothing_is_said_of_is_unknown_and_runs)
{
    struct folder f;
    folder_init(&f);
    folder_accept(&f,
                  "flow: unknown\n" BUDGET "steps:\n"
                  "  price: {agent: travel/price}\n"
                  "  plan: {agent: travel/plan, input: {goal: \"${ .steps.price.output.g }\"}}\n"
                  "  search:\n    agent: travel/search\n"
                  "    for_each: \"${ .steps.price.output // [] }\"\n"
                  "    input: \"${ .item }\"\n");
    expect_seam(&f, SEAM_INPUT, "price", "plan", SEAM_UNKNOWN);
    expect_seam(&f, SEAM_FOR_EACH, "price", "search", SEAM_UNKNOWN);
    expect_seam(&f, SEAM_INPUT, "an item of price", "search", SEAM_UNKNOWN);
    ck_assert(!f.flow->steps[1].call.proven && f.flow->steps[0].call.proven);
    ck_assert_uint_eq(f.findings.warnings, 3);
    folder_done(&f);
}
END_TEST

START_TEST(a_fault_beside_what_nothing_is_said_of_is_still_a_fault)
{
    struct folder f;
    folder_init(&f);
    folder_refuse(&f,
                  "flow: both\n" INPUT BUDGET "steps:\n"
                  "  price: {agent: travel/price}\n"
                  "  search: {agent: travel/search, input: {from: \"${ .steps.price.output.f }\",\n"
                  "      to: \"${ .input.day }\"}}\n",
                  "seam-refuted");
    const struct seam *seam = seam_of(&f, SEAM_INPUT, "search");
    ck_assert_int_eq(seam->verdict, SEAM_REFUTED);
    ck_assert_str_eq(seam->pointer, "/steps/search/input/to");
    ck_assert_ptr_nonnull(strstr(seam->sentence, "the input → search: /to may be missing"));
    ck_assert_ptr_nonnull(strstr(seam->sentence, "does not require `day`"));
    ck_assert_ptr_nonnull(strstr(seam->sentence, "; witness {"));
    folder_done(&f);
}
END_TEST

START_TEST(what_the_if_has_found_is_known_behind_it)
{
    static const char with[] =
        "flow: given\n" INPUT BUDGET "steps:\n"
        "  plan: {agent: travel/plan, %sinput: {goal: \"${ .input.day }\"}}\n";
    struct folder f;
    folder_init(&f);
    AUTO(freep) char *given = xasprintf(with, "if: \"${ .input.day != null }\", ");
    AUTO(freep) char *bare = xasprintf(with, "");
    folder_accept(&f, given);
    expect_seam(&f, SEAM_INPUT, "the input", "plan", SEAM_PROVEN);
    folder_refuse(&f, bare, "seam-refuted");
    folder_done(&f);
}
END_TEST

START_TEST(an_unknown_agent_is_said_once)
{
    struct folder f;
    folder_init(&f);
    folder_refuse(&f,
                  "flow: absent\n" INPUT BUDGET "steps:\n"
                  "  x: {agent: travel/nobody, input: {goal: \"${ .input.goal }\"}}\n"
                  "  plan: {agent: travel/plan, input: {goal: \"${ .steps.x.output.g }\"}}\n",
                  "unknown-agent");
    ck_assert_uint_eq(f.findings.count, 1);
    ck_assert(findings_valid(&f.findings) && !findings_granted(&f.findings));
    folder_done(&f);
}
END_TEST

START_TEST(the_worst_case_counts_items_tries_and_fallbacks)
{
    struct folder f;
    folder_init(&f);
    folder_accept(&f,
                  "flow: worst\n" INPUT
                  "budget: {attempts: 30, calls: 60, tokens: 9000, cost: 1, time: 10m}\nsteps:\n"
                  "  each:\n    agent: model/think\n    for_each: \"${ .input.legs }\"\n"
                  "    input: {a: \"${ .item }\"}\n"
                  "    retry: {max_attempts: 2, initial_interval: 1s, jitter: none}\n"
                  "    timeout: {start_to_close: 5s}\n    concurrency: 2\n"
                  "  book:\n    agent: airline/book\n    needs: [each]\n    input: {offer: 1}\n"
                  "    retry: {max_attempts: 3}\n    timeout: {schedule_to_close: 20s}\n"
                  "    undo: {agent: airline/cancel, input: {booking: x}}\n"
                  "    on_failure: {fallback: {agent: airline/book}}\n");
    expect_worst(&f, WORST_ATTEMPTS, 5, 4 * 2 + 3 + 3, 30);
    expect_worst(&f, WORST_TOKENS, 4000, 8000, 9000);
    expect_worst(&f, WORST_COST, 8000, 16000, 1000000);
    expect_worst(&f, WORST_TIME, 2 * 5000 + 20000, 2 * (2 * 5000 + 1000) + 2 * 20000, 600000);
    expect_worst(&f, WORST_RECOVERY, 0, 3 + 3 + 3, 10);
    ck_assert(findings_bounded(&f.findings));
    folder_done(&f);
}
END_TEST

START_TEST(a_loop_without_a_bound_is_unbounded_by_name)
{
    struct folder f;
    folder_init(&f);
    folder_accept(&f, "flow: loop\ninput: {schema: {type: object, required: [l], properties: {l: "
                      "{type: array}}}}\n" BUDGET "steps:\n"
                      "  a: {agent: travel/price, for_each: \"${ .input.l }\"}\n");
    expect_worst(&f, WORST_ATTEMPTS, -1, -1, 20);
    expect_worst(&f, WORST_TOKENS, 0, 0, -1);
    ck_assert_str_eq(f.findings.worst[WORST_ATTEMPTS].why,
                     "step `a` loops over .input.l, whose maxItems is not set");
    ck_assert(!findings_bounded(&f.findings));
    ck_assert_uint_eq(f.findings.count, 0);
    folder_done(&f);
}
END_TEST

START_TEST(seams_and_worst_case_are_told_in_text_and_json)
{
    struct folder f;
    AUTO(text_done) struct text text;
    text_init(&text, 1 << 16);
    folder_init(&f);
    folder_refuse(&f,
                  "flow: told\n" INPUT BUDGET "steps:\n"
                  "  plan: {agent: travel/plan, input: {goal: \"${ .input.legs }\"}}\n",
                  "seam-refuted");
    findings_seams_text(&f.findings, &text);
    ck_assert_str_eq(text_str(&text), "  refuted  input      the input → plan (line 5)\n");
    text_clear(&text);
    findings_worst_text(&f.findings, &text);
    ck_assert_ptr_nonnull(
        strstr(text_str(&text), "bounded   attempts  at worst 3, without a failure 1, limit 20\n"));
    AUTO(json_decrefp) json_t *seams = findings_seams_json(&f.findings);
    AUTO(json_decrefp) json_t *worst = findings_worst_json(&f.findings);
    const json_t *seam = json_array_get(seams, 0);
    ck_assert(json_is_array(json_object_get(json_object_get(seam, "witness"), "goal")));
    ck_assert_str_eq(json_string_value(json_object_get(seam, "rule")), "seam-refuted");
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(worst, "calls"), "state")),
                     "bounded");
    folder_done(&f);
}
END_TEST

UNIT_MAIN(what_is_proven_may_be_relied_on, what_nothing_is_said_of_is_unknown_and_runs,
          a_fault_beside_what_nothing_is_said_of_is_still_a_fault,
          what_the_if_has_found_is_known_behind_it, an_unknown_agent_is_said_once,
          the_worst_case_counts_items_tries_and_fallbacks,
          a_loop_without_a_bound_is_unbounded_by_name,
          seams_and_worst_case_are_told_in_text_and_json)
