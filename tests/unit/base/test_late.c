/* SPDX-License-Identifier: Apache-2.0
 *
 * Libraries that are opened when they are wanted: found, not there, too old.
 */
#include "unit.h"

#include "base/late.h"

#include <string.h>

static struct {
    double (*cosine)(double), (*none)(double);
} late;

START_TEST(what_is_found_can_be_called)
{
    static const struct late_library library = {"libm.so.6", "this needs libm", "2.0"};
    const struct late_function functions[] = {{"cos", &late.cosine}};
    struct error err;
    ck_assert_int_eq(late_open(&library, functions, 1, &err), ERR_OK);
    ck_assert(late.cosine(0) >= 1);
}
END_TEST

START_TEST(what_is_not_there_is_named_with_the_cure)
{
    static const struct late_library library = {"libnowhere.so.7", "this needs nowhere", "2.0"};
    struct error err;
    ck_assert_int_eq(late_open(&library, NULL, 0, &err), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.text, "this needs nowhere: "));
    ck_assert_ptr_nonnull(strstr(err.text, "libnowhere.so.7"));
    ck_assert_ptr_nonnull(strstr(err.text, "cure: install it"));
}
END_TEST

START_TEST(what_lacks_a_function_is_too_old)
{
    static const struct late_library library = {"libm.so.6", "this needs libm", "99.0"};
    const struct late_function functions[] = {{"no_such_function", &late.none}};
    struct error err;
    ck_assert_int_eq(late_open(&library, functions, 1, &err), ERR_NOT_FOUND);
    ck_assert_str_eq(err.text, "libm.so.6 has no no_such_function (cure: install one of 99.0 on)");
    ck_assert_ptr_null((void *)(uintptr_t)late.none);
}
END_TEST

UNIT_MAIN(what_is_found_can_be_called, what_is_not_there_is_named_with_the_cure,
          what_lacks_a_function_is_too_old)
