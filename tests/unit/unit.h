/* SPDX-License-Identifier: Apache-2.0
 *
 * What every unit test program shares: a main() that runs the listed tests under Check.
 * A test's name is a claim, in words: apply_ignores_a_second_answer.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>

/* Check writes down each claim that holds, so as to name the last one before a crash: a call of the
 * system or two for each, of which the longest tests make a million. A debugger names the place. */
#define _mark_point(file, line) ((void)0)

/* Is this built under a sanitizer with an allocator of its own? gcc and clang say it apart. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* UNIT_MAIN(text_stops_at_its_maximum, text_grows, …) is the last line of a test file. */
#define UNIT_MAIN(...)                                                                             \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        Suite *suite = suite_create(__FILE__);                                                     \
        TCase *tcase = tcase_create("all");                                                        \
        tcase_set_timeout(tcase, 240);                                                             \
        for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)                              \
            tcase_add_test(tcase, tests[i]);                                                       \
        suite_add_tcase(suite, tcase);                                                             \
        SRunner *runner = srunner_create(suite);                                                   \
        srunner_run_all(runner, CK_ENV);                                                           \
        int failed = srunner_ntests_failed(runner);                                                \
        srunner_free(runner);                                                                      \
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;                                          \
    }

#endif
