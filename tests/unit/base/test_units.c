/* SPDX-License-Identifier: Apache-2.0
 *
 * Durations, sizes and money: spellings, limits, and back; and the nearest name.
 */
#include "unit.h"

#include "base/units.h"

#include <string.h>

enum { DAY_MS = 86400000 };

static void duration_is(const char *words, int64_t ms)
{
    int64_t found = -1;
    ck_assert_msg(duration_parse(slice_of(words), &found), "%s", words);
    ck_assert_int_eq(found, ms);
}

static void no_duration(const char *words)
{
    int64_t found = -7;
    ck_assert_msg(!duration_parse(slice_of(words), &found), "%s is taken", words);
    ck_assert_int_eq(found, -7);
}

START_TEST(durations_are_sums_of_units)
{
    duration_is("0s", 0);
    duration_is("200ms", 200);
    duration_is("1s", 1000);
    duration_is("1m30s", 90000);
    duration_is("1m", 60000);
    duration_is("1h2m3s4ms", 3723004);
    duration_is("2d", 2 * (int64_t)DAY_MS);
    duration_is("30s1m", 90000);
    duration_is("007s", 7000);
    duration_is("00000000000000000000000000000001s", 1000);
}
END_TEST

START_TEST(what_is_no_duration_is_refused)
{
    static const char *const words[] = {"",    "s",   "1",  "1m30", "1.5s", "-1s",  "+1s", " 1s",
                                        "1s ", "1 s", "1S", "1M",   "1w",   "1y",   "1µs", "1mss",
                                        "1ss", "1mm", "ms", "1sm",  "1,5s", "0x1s", "1e3s"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        no_duration(words[i]);
    no_duration("1");
    int64_t ms;
    ck_assert(!duration_parse((struct slice){NULL, 0}, &ms));
    ck_assert(!duration_parse((struct slice){"1s\0", 3}, &ms));
    ck_assert(!duration_parse((struct slice){"1s", 1}, &ms));
}
END_TEST

START_TEST(durations_end_at_ten_years)
{
    duration_is("3660d", 3660 * (int64_t)DAY_MS);
    duration_is("316224000000ms", 3660 * (int64_t)DAY_MS);
    duration_is("3659d24h", 3660 * (int64_t)DAY_MS);
    no_duration("3661d");
    no_duration("3660d1ms");
    no_duration("316224000001ms");
    no_duration("9223372036854775807d");
    no_duration("9223372036854775808ms");
    no_duration("99999999999999999999999999s");
}
END_TEST

START_TEST(durations_are_told_in_units)
{
    char room[32];
    ck_assert_str_eq(duration_text(0, room), "0s");
    ck_assert_str_eq(duration_text(-1, room), "-");
    ck_assert_str_eq(duration_text(1, room), "1ms");
    ck_assert_str_eq(duration_text(90000, room), "1m30s");
    ck_assert_str_eq(duration_text(3600000, room), "1h");
    ck_assert_str_eq(duration_text(INT64_C(316224000000) - 1, room), "3659d23h59m59s999ms");
    ck_assert_str_eq(duration_text(INT64_MAX, room), "106751991167d7h12m55s807ms");
}
END_TEST

START_TEST(a_duration_that_was_told_reads_back)
{
    char room[32];
    for (int64_t ms = 0; ms <= 3660 * (int64_t)DAY_MS; ms += ms / 3 + 1)
        duration_is(duration_text(ms, room), ms);
}
END_TEST

static void size_is(const char *words, int64_t bytes)
{
    int64_t found = -1;
    ck_assert_msg(size_parse(slice_of(words), &found), "%s", words);
    ck_assert_int_eq(found, bytes);
}

START_TEST(sizes_are_powers_of_1024)
{
    size_is("0", 0);
    size_is("1", 1);
    size_is("4096", 4096);
    size_is("1kb", 1024);
    size_is("8mb", 8 << 20);
    size_is("2gb", INT64_C(2) << 30);
    size_is("0gb", 0);
}
END_TEST

START_TEST(sizes_end_at_a_terabyte)
{
    int64_t bytes = -7;
    size_is("1024gb", INT64_C(1) << 40);
    size_is("1099511627776", INT64_C(1) << 40);
    size_is("1073741824kb", INT64_C(1) << 40);
    static const char *const words[] = {
        "1025gb",         "1099511627777",        "1073741825kb",
        "1048577mb",      "99999999999999999999", "9223372036854775808",
        "1099511627776kb"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        ck_assert_msg(!size_parse(slice_of(words[i]), &bytes), "%s", words[i]);
    ck_assert_int_eq(bytes, -7);
}
END_TEST

START_TEST(what_is_no_size_is_refused)
{
    int64_t bytes = -7;
    static const char *const words[] = {"",   "kb", "1KB", "1k",    "1b",   "1tb",  "-1",  "+1",
                                        " 1", "1 ", "1.5", "1kbkb", "1k b", "0x10", "1e3", "1kb1"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        ck_assert_msg(!size_parse(slice_of(words[i]), &bytes), "%s", words[i]);
    ck_assert(!size_parse((struct slice){NULL, 0}, &bytes));
    ck_assert_int_eq(bytes, -7);
}
END_TEST

static void money_is(const char *words, int64_t millionths)
{
    int64_t found = -1;
    ck_assert_msg(money_parse(slice_of(words), &found), "%s", words);
    ck_assert_int_eq(found, millionths);
}

START_TEST(money_is_exact)
{
    money_is("0", 0);
    money_is("0.50", 500000);
    money_is("0.5", 500000);
    money_is("0.1", 100000);
    money_is("0.000001", 1);
    money_is("0.000000", 0);
    money_is("1.999999", 1999999);
    money_is("12", 12000000);
    money_is("4611686018427.999999", INT64_C(4611686018427999999));
}
END_TEST

START_TEST(what_is_no_money_is_refused)
{
    int64_t found = -7;
    static const char *const words[] = {"",
                                        ".",
                                        "1.",
                                        ".5",
                                        "1.0000000",
                                        "0.0000001",
                                        "-1",
                                        "+1",
                                        " 1",
                                        "1 ",
                                        "1,5",
                                        "1.5.5",
                                        "1.-5",
                                        "1.5 ",
                                        "1e3",
                                        "0x1",
                                        "$1",
                                        "1..5",
                                        "nan",
                                        "inf",
                                        "4611686018428",
                                        "99999999999999999999",
                                        "1.9999999"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        ck_assert_msg(!money_parse(slice_of(words[i]), &found), "%s is taken", words[i]);
    ck_assert(!money_parse((struct slice){NULL, 0}, &found));
    ck_assert_int_eq(found, -7);
}
END_TEST

START_TEST(money_is_told_with_two_places_or_as_many_as_it_needs)
{
    char room[32];
    ck_assert_str_eq(money_text(0, room), "0.00");
    ck_assert_str_eq(money_text(1500000, room), "1.50");
    ck_assert_str_eq(money_text(1, room), "0.000001");
    ck_assert_str_eq(money_text(1230000, room), "1.23");
    ck_assert_str_eq(money_text(1234000, room), "1.234");
    ck_assert_str_eq(money_text(100000000, room), "100.00");
    ck_assert_str_eq(money_text(-500000, room), "-0.50");
    ck_assert_str_eq(money_text(-1500000, room), "-1.50");
    ck_assert_str_eq(money_text(INT64_MAX, room), "9223372036854.775807");
    ck_assert_str_eq(money_text(INT64_MIN, room), "-9223372036854.775808");
}
END_TEST

START_TEST(money_that_was_told_reads_back)
{
    char room[32];
    for (int64_t m = 0; m < INT64_C(4611686018427999999); m += m / 3 + 1)
        money_is(money_text(m, room), m);
}
END_TEST

START_TEST(a_slip_of_the_pen_is_suggested)
{
    static const char *const names[] = {"input", "output", "timeout", "needs", "for_each"};
    ck_assert_str_eq(suggest(SLICE("inptu"), names, 5), "input");
    ck_assert_str_eq(suggest(SLICE("otuput"), names, 5), "output");
    ck_assert_str_eq(suggest(SLICE("time_out"), names, 5), "timeout");
    ck_assert_str_eq(suggest(SLICE("need"), names, 5), "needs");
    ck_assert_str_eq(suggest(SLICE("foreach"), names, 5), "for_each");
    ck_assert_str_eq(suggest(SLICE("Needs"), names, 5), "needs");
}
END_TEST

START_TEST(the_nearest_and_then_the_first_is_suggested)
{
    static const char *const names[] = {"abcdefgh", "abcdexxx", "abcdefxx"};
    ck_assert_str_eq(suggest(SLICE("abcdefgx"), names, 3), "abcdefgh");
    ck_assert_str_eq(suggest(SLICE("abcdefxy"), names, 3), "abcdefxx");
    static const char *const equal[] = {"cat", "bat"};
    ck_assert_str_eq(suggest(SLICE("rat"), equal, 2), "cat");
}
END_TEST

START_TEST(what_is_far_is_not_suggested)
{
    static const char *const names[] = {"input", "output"};
    ck_assert_ptr_null(suggest(SLICE("budget"), names, 2));
    ck_assert_ptr_null(suggest(SLICE("in"), names, 2));
    ck_assert_ptr_null(suggest(SLICE("inxxt"), names, 2));
    ck_assert_ptr_null(suggest(SLICE("input"), names, 0));
    ck_assert_ptr_null(suggest((struct slice){NULL, 0}, names, 2));
}
END_TEST

START_TEST(the_distance_allowed_is_a_third)
{
    static const char *const names[] = {"abcdefghi"};
    ck_assert_ptr_nonnull(suggest(SLICE("xxxdefghi"), names, 1));
    ck_assert_ptr_null(suggest(SLICE("xxxxefghi"), names, 1));
    static const char *const small[] = {"ab"};
    ck_assert_ptr_nonnull(suggest(SLICE("ax"), small, 1));
    ck_assert_ptr_null(suggest(SLICE("xy"), small, 1));
}
END_TEST

START_TEST(long_names_are_never_suggested)
{
    char name[66];
    const char *const names[] = {name};
    memset(name, 'a', 65);
    name[65] = '\0';
    ck_assert_ptr_null(suggest(slice_of(name), names, 1));
    name[64] = '\0';
    ck_assert_ptr_nonnull(suggest(slice_of(name), names, 1));
}
END_TEST

UNIT_MAIN(durations_are_sums_of_units, what_is_no_duration_is_refused, durations_end_at_ten_years,
          durations_are_told_in_units, a_duration_that_was_told_reads_back,
          sizes_are_powers_of_1024, sizes_end_at_a_terabyte, what_is_no_size_is_refused,
          money_is_exact, what_is_no_money_is_refused,
          money_is_told_with_two_places_or_as_many_as_it_needs, money_that_was_told_reads_back,
          a_slip_of_the_pen_is_suggested, the_nearest_and_then_the_first_is_suggested,
          what_is_far_is_not_suggested, the_distance_allowed_is_a_third,
          long_names_are_never_suggested)
