/* SPDX-License-Identifier: Apache-2.0
 *
 * What is shown of text of strangers, line by line. How each character is spelt is claimed where
 * lines are logged, in loader/test_log_lines.c.
 */
#include "unit.h"

#include "base/shown.h"

START_TEST(line_ends_stay_and_what_is_obeyed_does_not)
{
    AUTO(text_done) struct text out;
    text_init(&out, 100);
    shown_lines(SLICE("a\n\n\tb\r\x1b[2J\0\xff\n"), &out);
    ck_assert_str_eq(text_str(&out), "a\n\n\tb\\r\\x1b[2J\\x00\\xff\n");
}
END_TEST

START_TEST(each_character_is_met_once)
{
    char spelt[SHOWN_SIZE];
    struct slice text = SLICE("\xe6\xbc\xa2\xe2\x80\xae");
    size_t at = 0;
    ck_assert_uint_eq(shown_next(text, &at, spelt).len, 3);
    ck_assert_uint_eq(at, 3);
    struct slice last = shown_next(text, &at, spelt);
    ck_assert(slice_is(last, "\\u202e"));
    ck_assert_uint_eq(at, text.len);
}
END_TEST

UNIT_MAIN(line_ends_stay_and_what_is_obeyed_does_not, each_character_is_met_once)
