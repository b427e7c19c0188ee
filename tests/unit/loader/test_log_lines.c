/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines of plugins: how many pass, what is told of the others, what is kept, what is spelt out.
 */
#include "unit.h"

#include "loader/log_lines_internal.h"

#include <stdio.h>
#include <string.h>

enum { MS = 1000000 };

static struct log_lines lines;

START_TEST(a_bucket_lets_so_many_pass_and_fills_with_time)
{
    size_t passed = 0;
    log_lines_init(&lines, 10, 50, 0);
    for (int i = 0; i < 1000; i++)
        passed += log_lines_take(&lines, SLICE("x"), 0);
    ck_assert_uint_eq(passed, 50);
    for (int ms = 1; ms <= 1000; ms++)
        passed += log_lines_take(&lines, SLICE("x"), (int64_t)ms * MS);
    ck_assert_uint_eq(passed, 60);
    for (int i = 0; i < 1000; i++) /* no more than at first, however long it was silent */
        passed += log_lines_take(&lines, SLICE("x"), 1000000 * (int64_t)MS);
    ck_assert_uint_eq(passed, 110);
}
END_TEST

START_TEST(what_was_dropped_is_told_once_in_a_while)
{
    char note[128];
    log_lines_init(&lines, 10, 2, 0);
    ck_assert(!log_lines_told(&lines, 0, true, note));
    for (int i = 0; i < 7; i++)
        (void)log_lines_take(&lines, SLICE("x"), 0);
    ck_assert_int_eq(lines.due_ns, LIMIT_LOG_TOLD_MS * (int64_t)MS);
    ck_assert(!log_lines_told(&lines, lines.due_ns - 1, false, note));
    ck_assert(log_lines_told(&lines, lines.due_ns, false, note));
    ck_assert_str_eq(note, "5 lines of this plugin were dropped: it may say 10 in a second, and 2 "
                           "at once");
    ck_assert(!log_lines_told(&lines, INT64_MAX, true, note));
}
END_TEST

START_TEST(the_last_are_kept_passed_or_not)
{
    const char *last[LIMIT_LOG_LAST];
    char line[32];
    log_lines_init(&lines, 1, 1, 0);
    ck_assert_uint_eq(log_lines_last(&lines, last), 0);
    for (int i = 0; i < 25; i++) {
        snprintf(line, sizeof(line), "line %d", i);
        (void)log_lines_take(&lines, slice_of(line), 0);
    }
    ck_assert_uint_eq(log_lines_last(&lines, last), LIMIT_LOG_LAST);
    ck_assert_str_eq(last[0], "line 15");
    ck_assert_str_eq(last[LIMIT_LOG_LAST - 1], "line 24");
}
END_TEST

START_TEST(a_long_one_is_kept_up_to_a_whole_character)
{
    const char *last[LIMIT_LOG_LAST];
    char line[1000];
    for (size_t i = 0; i + 1 < sizeof(line); i += 2)
        memcpy(line + i, "ä", 2);
    log_lines_init(&lines, 1, 1, 0);
    (void)log_lines_take(&lines, (struct slice){line, sizeof(line)}, 0);
    ck_assert_uint_eq(log_lines_last(&lines, last), 1);
    ck_assert_uint_eq(strlen(last[0]), LIMIT_LOG_LAST_BYTES - 2);
    ck_assert(slice_valid_utf8(slice_of(last[0])));
}
END_TEST

static const struct {
    const char *said, *shown;
} spelt[] = {
    {"plain, ä, 漢, 😀\t.", "plain, ä, 漢, 😀\t."},
    {"ends\r\n\n", "ends"},
    {"two\nlines\rhere", "two\\nlines\\rhere"},
    {"\x1b[2Jgone \x07 \x7f", "\\x1b[2Jgone \\x07 \\x7f"},
    {"c1 \xc2\x9b"
     "31m",
     "c1 \\x9b31m"},
    {"no utf8: \xff\xc3(", "no utf8: \\xff\\xc3("},
    {"overlong \xc0\x80, cut \xe6\xbc", "overlong \\xc0\\x80, cut \\xe6\\xbc"},
    {"turned \xe2\x80\xae"
     "txt.exe",
     "turned \\u202etxt.exe"},
    {"paragraph \xe2\x80\xa9.", "paragraph \\u2029."},
    {"", ""},
};

START_TEST(what_would_be_obeyed_is_spelt_out)
{
    char line[100];
    size_t length = log_line_clean(line, sizeof(line), slice_of(spelt[_i].said));
    line[length] = '\0';
    ck_assert_str_eq(line, spelt[_i].shown);
}
END_TEST

START_TEST(it_ends_between_characters)
{
    char line[8];
    ck_assert_uint_eq(log_line_clean(line, 8, SLICE("1234567ä")), 7);
    ck_assert_uint_eq(log_line_clean(line, 8, SLICE("12345\x1b[m")), 5);
    ck_assert_uint_eq(log_line_clean(line, 8, SLICE("12345678")), 8);
    ck_assert_uint_eq(log_line_clean(line, 8, (struct slice){"\0\0\0", 3}), 8);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create(__FILE__);
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, a_bucket_lets_so_many_pass_and_fills_with_time);
    tcase_add_test(tcase, what_was_dropped_is_told_once_in_a_while);
    tcase_add_test(tcase, the_last_are_kept_passed_or_not);
    tcase_add_test(tcase, a_long_one_is_kept_up_to_a_whole_character);
    tcase_add_loop_test(tcase, what_would_be_obeyed_is_spelt_out, 0,
                        sizeof(spelt) / sizeof(spelt[0]));
    tcase_add_test(tcase, it_ends_between_characters);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
