/* SPDX-License-Identifier: Apache-2.0
 *
 * Slices, UTF-8, growable texts with their maximum, and allocation that does not fail.
 */
#include "unit.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct slice nothing = {NULL, 0};

START_TEST(slices_compare_by_bytes)
{
    ck_assert(slice_is(SLICE("abc"), "abc"));
    ck_assert(!slice_is(SLICE("abc"), "ab"));
    ck_assert(!slice_is(SLICE("ab"), "abc"));
    ck_assert(!slice_is(SLICE("a\0c"), "a"));
    ck_assert(slice_is(nothing, ""));
    ck_assert(slice_equal(SLICE("a\0b"), SLICE("a\0b")));
    ck_assert(!slice_equal(SLICE("a\0b"), SLICE("a\0c")));
    ck_assert(slice_equal(nothing, SLICE("")));
    ck_assert_uint_eq(slice_of("four").len, 4);
}
END_TEST

START_TEST(slices_start_with_a_prefix)
{
    ck_assert(slice_starts(SLICE("abc"), "ab"));
    ck_assert(slice_starts(SLICE("abc"), "abc"));
    ck_assert(!slice_starts(SLICE("abc"), "abcd"));
    ck_assert(!slice_starts(SLICE("abc"), "b"));
    ck_assert(slice_starts(SLICE("abc"), ""));
    ck_assert(slice_starts(nothing, ""));
    ck_assert(!slice_starts(nothing, "a"));
}
END_TEST

START_TEST(utf8_of_all_lengths_is_valid)
{
    ck_assert(slice_valid_utf8(nothing));
    ck_assert(slice_valid_utf8(SLICE("a\0\x7F")));
    ck_assert(slice_valid_utf8(SLICE("\xC2\x80\xDF\xBF")));
    ck_assert(slice_valid_utf8(SLICE("\xE0\xA0\x80\xEF\xBF\xBF")));
    ck_assert(slice_valid_utf8(SLICE("\xED\x9F\xBF\xEE\x80\x80")));
    ck_assert(slice_valid_utf8(SLICE("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF")));
}
END_TEST

START_TEST(utf8_that_is_overlong_or_a_surrogate_or_too_high_is_not)
{
    ck_assert(!slice_valid_utf8(SLICE("\xC0\x80")));
    ck_assert(!slice_valid_utf8(SLICE("\xC1\xBF")));
    ck_assert(!slice_valid_utf8(SLICE("\xE0\x9F\xBF")));
    ck_assert(!slice_valid_utf8(SLICE("\xF0\x8F\xBF\xBF")));
    ck_assert(!slice_valid_utf8(SLICE("\xED\xA0\x80")));
    ck_assert(!slice_valid_utf8(SLICE("\xED\xBF\xBF")));
    ck_assert(!slice_valid_utf8(SLICE("\xF4\x90\x80\x80")));
    ck_assert(!slice_valid_utf8(SLICE("\xF5\x80\x80\x80")));
    ck_assert(!slice_valid_utf8(SLICE("\xFF")));
    ck_assert(!slice_valid_utf8(SLICE("\xFE")));
}
END_TEST

START_TEST(utf8_that_is_cut_or_broken_is_not)
{
    ck_assert(!slice_valid_utf8(SLICE("\x80")));
    ck_assert(!slice_valid_utf8(SLICE("a\xBF")));
    ck_assert(!slice_valid_utf8(SLICE("\xC2")));
    ck_assert(!slice_valid_utf8(SLICE("\xE2\x82")));
    ck_assert(!slice_valid_utf8(SLICE("\xF0\x9F\x98")));
    ck_assert(!slice_valid_utf8(SLICE("\xC2"
                                      "a")));
    ck_assert(!slice_valid_utf8(SLICE("\xE2\x82"
                                      "a")));
    ck_assert(!slice_valid_utf8(SLICE("\xE2"
                                      "a\x82")));
    ck_assert(!slice_valid_utf8(SLICE("\xF0\x9F\x98\xC0")));
}
END_TEST

/* What the function should say of one code point, from the definition of UTF-8. */
static size_t encode(uint32_t c, char out[static 4])
{
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = length; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(lead[length == 1 ? 0 : length] | c);
    return length;
}

START_TEST(utf8_of_every_code_point_but_surrogates_is_valid)
{
    char bytes[4];
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        size_t length = encode(c, bytes);
        bool surrogate = c >= 0xD800 && c <= 0xDFFF;
        ck_assert_msg(slice_valid_utf8((struct slice){bytes, length}) != surrogate, "U+%04X", c);
    }
}
END_TEST

START_TEST(a_text_grows_and_ends_in_nul)
{
    AUTO(text_done) struct text t;
    text_init(&t, 10000);
    ck_assert_str_eq(text_str(&t), "");
    ck_assert_uint_eq(text_slice(&t).len, 0);
    for (int i = 0; i < 1000; i++)
        ck_assert(text_adds(&t, "abc"));
    ck_assert(text_addc(&t, 'd'));
    ck_assert(text_addf(&t, "%d-%s", 42, "e"));
    ck_assert(text_add(&t, "f\0g", 3));
    ck_assert_uint_eq(t.len, 3000 + 1 + 4 + 3);
    ck_assert_int_eq(memcmp(t.ptr + 3000, "d42-ef\0g", 9), 0);
    ck_assert_uint_eq(text_slice(&t).len, t.len);
    ck_assert_ptr_eq(text_slice(&t).ptr, t.ptr);
}
END_TEST

START_TEST(a_text_stops_at_its_maximum)
{
    AUTO(text_done) struct text t;
    text_init(&t, 4);
    ck_assert(text_adds(&t, "abcd"));
    ck_assert(!t.overflowed);
    ck_assert(text_add(&t, "", 0));
    ck_assert(!text_addc(&t, 'e'));
    ck_assert(t.overflowed);
    ck_assert_str_eq(text_str(&t), "abcd");
}
END_TEST

START_TEST(a_text_that_overflowed_refuses_more)
{
    AUTO(text_done) struct text t;
    text_init(&t, 4);
    ck_assert(text_adds(&t, "ab"));
    ck_assert(!text_addf(&t, "%s", "cde"));
    ck_assert(!text_addc(&t, 'c'));
    ck_assert(!text_add(&t, "", 0));
    ck_assert_str_eq(text_str(&t), "ab");
    text_clear(&t);
    ck_assert(!t.overflowed);
    ck_assert_str_eq(text_str(&t), "");
    ck_assert(text_adds(&t, "cdef"));
}
END_TEST

START_TEST(a_text_of_maximum_zero_takes_nothing)
{
    AUTO(text_done) struct text t;
    text_init(&t, 0);
    ck_assert(text_adds(&t, ""));
    ck_assert(!text_addc(&t, 'a'));
    ck_assert(t.overflowed);
    ck_assert_str_eq(text_str(&t), "");
}
END_TEST

START_TEST(a_length_near_the_top_of_size_t_overflows)
{
    AUTO(text_done) struct text t;
    text_init(&t, 100);
    ck_assert(text_adds(&t, "abc"));
    ck_assert(!text_add(&t, "x", SIZE_MAX));
    ck_assert_str_eq(text_str(&t), "abc");
}
END_TEST

START_TEST(a_format_that_cannot_be_made_counts_as_overflow)
{
    AUTO(text_done) struct text t;
    const wchar_t no_character[] = {0x7FFFFFFF, 0};
    text_init(&t, 100);
    ck_assert(!text_addf(&t, "%ls", no_character));
    ck_assert(t.overflowed);
}
END_TEST

START_TEST(a_text_is_taken_once_and_can_be_used_again)
{
    AUTO(text_done) struct text t;
    text_init(&t, 100);
    AUTO(freep) char *empty = text_take(&t);
    ck_assert_str_eq(empty, "");
    text_adds(&t, "abc");
    AUTO(freep) char *taken = text_take(&t);
    ck_assert_str_eq(taken, "abc");
    ck_assert_ptr_null(t.ptr);
    ck_assert_uint_eq(t.len, 0);
    ck_assert_uint_eq(t.maximum, 100);
    ck_assert(text_adds(&t, "again"));
    text_done(&t);
    ck_assert_ptr_null(t.ptr);
    ck_assert(text_adds(&t, "after"));
}
END_TEST

START_TEST(take_leaves_null_behind)
{
    char *s = xstrdup("a");
    char *old = s;
    AUTO(freep) char *taken = TAKE(s);
    ck_assert_ptr_null(s);
    ck_assert_ptr_eq(taken, old);
}
END_TEST

START_TEST(copies_are_whole)
{
    AUTO(freep) char *a = xstrdup("abc");
    AUTO(freep) char *b = xstrndup("abcdef", 3);
    AUTO(freep) char *c = xstrndup(NULL, 0);
    AUTO(freep) char *d = xstrndup("a\0b", 3);
    AUTO(freep) char *e = xasprintf("%s-%d", "a", 7);
    ck_assert_str_eq(a, "abc");
    ck_assert_str_eq(b, "abc");
    ck_assert_str_eq(c, "");
    ck_assert_int_eq(memcmp(d, "a\0b", 4), 0);
    ck_assert_str_eq(e, "a-7");
}
END_TEST

START_TEST(allocations_of_nothing_are_something)
{
    AUTO(freep) void *a = xmalloc(0);
    AUTO(freep) void *b = xcalloc(0, 8);
    AUTO(freep) void *c = xrealloc(NULL, 0);
    AUTO(freep) char *d = xcalloc(16, 1);
    ck_assert(a && b && c);
    for (int i = 0; i < 16; i++)
        ck_assert_int_eq(d[i], 0);
    d = xrealloc(d, 32);
    ck_assert_int_eq(d[15], 0);
}
END_TEST

static void allocate_too_much(void)
{
    volatile size_t huge = SIZE_MAX / 2;
    free(xmalloc(huge));
}

static void allocate_too_many(void)
{
    volatile size_t huge = SIZE_MAX / 2;
    free(xcalloc(huge, 4));
}

/* Whether a child dies of it. */
static bool dies(void (*act)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        fclose(stderr);
        act();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status != 0;
}

START_TEST(out_of_memory_aborts)
{
    ck_assert(dies(allocate_too_much));
    ck_assert(dies(allocate_too_many));
}
END_TEST

UNIT_MAIN(slices_compare_by_bytes, slices_start_with_a_prefix, utf8_of_all_lengths_is_valid,
          utf8_that_is_overlong_or_a_surrogate_or_too_high_is_not,
          utf8_that_is_cut_or_broken_is_not, utf8_of_every_code_point_but_surrogates_is_valid,
          a_text_grows_and_ends_in_nul, a_text_stops_at_its_maximum,
          a_text_that_overflowed_refuses_more, a_text_of_maximum_zero_takes_nothing,
          a_length_near_the_top_of_size_t_overflows,
          a_format_that_cannot_be_made_counts_as_overflow,
          a_text_is_taken_once_and_can_be_used_again, take_leaves_null_behind, copies_are_whole,
          allocations_of_nothing_are_something, out_of_memory_aborts)
