/* SPDX-License-Identifier: Apache-2.0
 *
 * How sure an agent must be: which class counts, and who may say how much of it.
 */
#include "folder_test.h"

#define MIN "{pure: 0.1, read: 0.5, write_idempotent: 0.7, write: 0.9}"

static const struct step *compile_step(struct folder *f, const char *defaults, const char *steps)
{
    AUTO(freep)
    char *text =
        xasprintf("flow: f\n" BUDGET "escalation: {to: x}\n%s%ssteps:\n"
                  "  a: {agent: travel/plan, input: {goal: x}%s",
                  defaults ? "defaults: {confidence: {min: " : "", defaults ? defaults : "", steps);
    folder_accept(f, text);
    return &f->flow->steps[0];
}

START_TEST(the_worst_class_that_uses_the_output_counts)
{
    static const struct {
        const char *steps;
        double min;
    } rows[] = {
        {"}\n", 0.5}, /* its own */
        {"}\n  b: {agent: travel/price, input: \"${ .steps.a.output }\"}\n", 0.5},
        {"}\n  b: {agent: airline/book, input: {offer: \"${ .steps.a.output }\"}}\n", 0.9},
        {"}\n  b: {agent: airline/book, input: {offer: 1}, if: \"${ .steps.a.output.legs == [] "
         "}\"}\n",
         0.9},
        {"}\n  b: {agent: airline/cancel, input: {booking: 1}, needs: [a]}\n", 0.7},
        {"}\n  b: {agent: travel/price, needs: [a], on_failure: {fallback: {agent: mail/send}}}\n",
         0.9},
        {"}\n  b: {agent: travel/price, needs: [a]}\n  c: {agent: mail/send, needs: [b]}\n", 0.5},
        {", confidence: {min: 0.3}}\n  c: {agent: mail/send, needs: [a]}\n", 0.3},
        {", confidence: {min: {write: 0.95}}}\n  c: {agent: mail/send, needs: [a]}\n", 0.95},
        {", confidence: {min: {pure: 0.2}}}\n  c: {agent: mail/send, needs: [a]}\n", 0.9},
    };
    struct folder f;
    folder_init(&f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct step *a = compile_step(&f, MIN "}}\n", rows[i].steps);
        ck_assert_msg(a->has_confidence && a->confidence_min == rows[i].min, "%zu: %g", i,
                      a->confidence_min);
    }
    folder_done(&f);
}
END_TEST

START_TEST(a_class_that_is_not_named_needs_what_the_next_milder_needs)
{
    struct folder f;
    folder_init(&f);
    const struct step *a = compile_step(&f, "{read: 0.4}}}\n",
                                        "}\n  c: {agent: mail/send, needs: "
                                        "[a]}\n");
    ck_assert(a->has_confidence && a->confidence_min == 0.4);
    a = compile_step(&f, "{write: 0.4}}}\n", "}\n");
    ck_assert(!a->has_confidence);
    a = compile_step(&f, "{read: 0.4, write: null}}}\n",
                     "}\n  c: {agent: mail/send, needs: [a]}\n");
    ck_assert(!a->has_confidence);
    folder_done(&f);
}
END_TEST

START_TEST(the_step_is_heard_before_the_flow_and_the_flow_before_the_manifest)
{
    struct folder f;
    AUTO(json_decrefp)
    json_t *defaults = json_pack("{s:{s:{s:f, s:f, s:f}, s:s}}", "confidence", "min", "pure", 0.11,
                                 "read", 0.22, "write", 0.33, "below", "retry");
    folder_init(&f);
    f.options.defaults = defaults;
    const struct step *a = compile_step(&f, NULL, "}\n  c: {agent: mail/send, needs: [a]}\n");
    ck_assert(a->confidence_min == 0.33 && a->below == BELOW_RETRY);
    a = compile_step(&f, "{read: 0.6}}}\n", "}\n  c: {agent: mail/send, needs: [a]}\n");
    ck_assert(a->confidence_min == 0.33);
    a = compile_step(&f, "0.6}}\n", "}\n  c: {agent: mail/send, needs: [a]}\n");
    ck_assert(a->confidence_min == 0.6);
    a = compile_step(&f, "0.6}}\n", ", confidence: {min: {write: 0.8}, below: fail}}\n");
    ck_assert(a->confidence_min == 0.6 && a->below == BELOW_FAIL);
    folder_done(&f);
}
END_TEST

START_TEST(agents_that_report_none_are_asked_for_none_by_default)
{
    struct folder f;
    folder_init(&f);
    folder_accept(&f,
                  "flow: f\n" BUDGET "defaults: {confidence: {min: " MIN "}}\nsteps: {a: {agent: "
                  "travel/price}}\n");
    ck_assert(!f.flow->steps[0].has_confidence);
    folder_refuse(
        &f, "flow: f\n" BUDGET "steps: {a: {agent: travel/price, confidence: {min: " MIN "}}}\n",
        "confidence-without-pointer");
    folder_refuse(&f,
                  "flow: f\n" BUDGET "steps: {a: {agent: travel/plan, input: {goal: x}, "
                  "confidence: {min: {wirte: 1}}}}\n",
                  "unknown-key");
    folder_done(&f);
}
END_TEST

START_TEST(the_seam_says_which_and_why)
{
    struct folder f;
    AUTO(text_done) struct text seams;
    text_init(&seams, 10000);
    folder_init(&f);
    compile_step(&f, MIN "}}\n", "}\n  c: {agent: mail/send, needs: [a]}\n");
    findings_seams_text(&f.findings, &seams);
    ck_assert_ptr_nonnull(
        strstr(text_str(&seams), "travel/plan → a, at least 0.9: `c`, which uses it, is write"));
    folder_done(&f);
}
END_TEST

UNIT_MAIN(the_worst_class_that_uses_the_output_counts,
          a_class_that_is_not_named_needs_what_the_next_milder_needs,
          the_step_is_heard_before_the_flow_and_the_flow_before_the_manifest,
          agents_that_report_none_are_asked_for_none_by_default, the_seam_says_which_and_why)
