/* SPDX-License-Identifier: Apache-2.0
 *
 * What is proven to fit is not looked at again, but for a share of it; a proof that is wrong is
 * found there, and by a paranoid run at once. The proofs here are planted, and all of them are
 * wrong.
 */
#include "fixture.h"

enum { SEEDS = 400 };

#define STEP FLOW("  a: {agent: w/picky, input: \"${ .input }\"}\n")
#define OUTPUT                                                                                     \
    FLOW("  a: {agent: w/pure}\n")                                                                 \
    "output: {as: \"${ .input }\", schema: {type: object, required: [n]}}\n"

static bool decided_rule(const struct bench *b, const char *rule)
{
    for (size_t i = 0; i < b->last.count; i++)
        if (strcmp(b->last.list[i].rule, rule) == 0)
            return true;
    return false;
}

/* How many of SEEDS runs find out that the proof is wrong. */
static int audited(const char *text, bool paranoid, bool output)
{
    int found = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct bench b;
        bench_open(&b, text);
        b.flow->output_proven = output;
        b.flow->steps[0].call.proven = !output;
        bench_begin(&b, "{\"m\": 1}", seed, paranoid);
        if (output)
            ok(&b, "a", "{\"n\": 1}");
        bool wrong = decided_rule(&b, "proof-wrong");
        found += wrong;
        if (output)
            expect_status(&b, wrong ? RUN_FAILED : RUN_DONE);
        else
            ck_assert_int_eq(run_task_in_flight(b.run, task_of(&b, "a"), 1), !wrong);
        bench_done(&b);
    }
    return found;
}

START_TEST(of_what_is_proven_a_share_is_looked_at)
{
    int inputs = audited(STEP, false, false), outputs = audited(OUTPUT, false, true);
    ck_assert_int_gt(inputs, SEEDS / 32);
    ck_assert_int_lt(inputs, SEEDS / 8);
    ck_assert_int_gt(outputs, SEEDS / 32);
    ck_assert_int_lt(outputs, SEEDS / 8);
}
END_TEST

START_TEST(a_paranoid_run_relies_on_no_proof)
{
    ck_assert_int_eq(audited(STEP, true, false), SEEDS);
    ck_assert_int_eq(audited(OUTPUT, true, true), SEEDS);
}
END_TEST

UNIT_MAIN(of_what_is_proven_a_share_is_looked_at, a_paranoid_run_relies_on_no_proof)
