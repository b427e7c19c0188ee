/* SPDX-License-Identifier: Apache-2.0
 *
 * The arithmetic of calibration, against values worked out elsewhere.
 */
#include "cli/calibration.h"

#include "unit.h"

#include <math.h>

static bool near(double a, double b)
{
    return fabs(a - b) < 0.0005;
}

START_TEST(wilson_gives_the_published_interval)
{
    struct interval i = wilson(8, 10);
    ck_assert(near(i.low, 0.4902) && near(i.high, 0.9433));
    i = wilson(0, 10);
    ck_assert(i.low == 0 && near(i.high, 0.2775));
    i = wilson(10, 10);
    ck_assert(near(i.low, 0.7225) && i.high == 1);
    i = wilson(0, 0);
    ck_assert(i.low == 0 && i.high == 1);
    i = wilson(15, 148); /* Newcombe, Statistics in Medicine 17 (1998), table I */
    ck_assert(near(i.low, 0.0624) && near(i.high, 0.1605));
}
END_TEST

static void answer(struct answers *answers, double confidence, size_t right, size_t wrong)
{
    for (size_t i = 0; i < right + wrong; i++)
        answers_add(answers, confidence, i < right);
}

START_TEST(an_agent_that_keeps_what_it_says_has_no_calibration_error)
{
    struct answers answers = {0};
    struct calibration c;
    answer(&answers, 0.75, 75, 25);
    answer(&answers, 0.25, 25, 75);
    calibrate(&answers, &c);
    ck_assert_uint_eq(c.count, 200);
    ck_assert_uint_eq(c.right, 100);
    ck_assert(near(c.ece, 0));
    ck_assert(near(c.brier, 0.1875));
    ck_assert_uint_eq(c.bins[7].count, 100);
    ck_assert_uint_eq(c.bins[2].right, 25);
    answers_done(&answers);
}
END_TEST

START_TEST(one_that_says_more_has_the_distance)
{
    struct answers answers = {0};
    struct calibration c;
    answer(&answers, 1.0, 5, 5);
    answer(&answers, 0.0, 0, 10);
    calibrate(&answers, &c);
    ck_assert(near(c.ece, 0.25)); /* half of them are 0.5 off */
    ck_assert(near(c.brier, 0.25));
    ck_assert_uint_eq(c.bins[9].count, 10); /* 1.0 is in the last */
    answers_done(&answers);
}
END_TEST

START_TEST(a_threshold_counts_what_it_lets_through_and_what_it_holds)
{
    struct answers answers = {0};
    struct calibration c;
    answer(&answers, 0.9, 90, 1);
    answer(&answers, 0.8, 10, 0);
    answer(&answers, 0.6, 5, 15);
    calibrate(&answers, &c);
    struct threshold t = threshold_at(&answers, 0.8);
    ck_assert_uint_eq(t.passed, 101);
    ck_assert_uint_eq(t.passed_wrong, 1);
    ck_assert_uint_eq(t.held, 20);
    ck_assert_uint_eq(t.held_right, 5);
    ck_assert(threshold_for(&answers, 0.02, false, &t));
    ck_assert(t.min == 0.8);
    ck_assert(!threshold_for(&answers, 0.02, true, &t)); /* 1 of 101 may be as much as 5.4% */
    ck_assert(threshold_for(&answers, 0.06, true, &t));
    ck_assert(t.min == 0.8);
    answers_done(&answers);
}
END_TEST

START_TEST(nothing_is_suggested_of_nothing)
{
    struct answers answers = {0};
    struct calibration c;
    struct threshold t;
    calibrate(&answers, &c);
    ck_assert_uint_eq(c.count, 0);
    ck_assert(c.brier == 0 && c.ece == 0);
    ck_assert(!threshold_for(&answers, 0.5, false, &t));
    ck_assert_uint_eq(answers_needed(0.05), 73);
    answers_done(&answers);
}
END_TEST

UNIT_MAIN(wilson_gives_the_published_interval,
          an_agent_that_keeps_what_it_says_has_no_calibration_error,
          one_that_says_more_has_the_distance,
          a_threshold_counts_what_it_lets_through_and_what_it_holds,
          nothing_is_suggested_of_nothing)
