/* SPDX-License-Identifier: Apache-2.0
 *
 * How long an exchange may take, by what its call has left and what its agent asks for.
 */
#include "unit.h"

#include "runtime/http_internal.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND };

START_TEST(it_may_take_what_its_call_has_left)
{
    ck_assert_int_eq(http_patience(4 * MINUTE, 0), 4 * MINUTE);
    ck_assert_int_eq(http_patience(31 * SECOND, 0), 31 * SECOND);
}
END_TEST

START_TEST(it_may_bring_evidence_for_a_call_that_is_over)
{
    ck_assert_int_eq(http_patience(10 * SECOND, 0), 30 * SECOND);
    ck_assert_int_eq(http_patience(0, 0), 30 * SECOND);
    ck_assert_int_eq(http_patience(0, 5 * MINUTE), 30 * SECOND);
}
END_TEST

START_TEST(what_is_asked_for_is_given_within_that)
{
    ck_assert_int_eq(http_patience(4 * MINUTE, SECOND), SECOND);
    ck_assert_int_eq(http_patience(4 * MINUTE, 5 * MINUTE), 4 * MINUTE);
    ck_assert_int_eq(http_patience(SECOND, 2 * SECOND), 2 * SECOND);
}
END_TEST

START_TEST(a_call_without_an_end_has_what_it_asks_for_or_what_is_usual)
{
    ck_assert_int_eq(http_patience(-1, 0), 30 * SECOND);
    ck_assert_int_eq(http_patience(-1, 5 * MINUTE), 5 * MINUTE);
    ck_assert_int_eq(http_patience(-1, SECOND), SECOND);
}
END_TEST

UNIT_MAIN(it_may_take_what_its_call_has_left, it_may_bring_evidence_for_a_call_that_is_over,
          what_is_asked_for_is_given_within_that,
          a_call_without_an_end_has_what_it_asks_for_or_what_is_usual)
