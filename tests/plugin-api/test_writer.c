/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing JSON with seam/writer.h: what comes out is what jansson reads back, and every misuse ends
 * in an absent document, never in a broken one.
 */
#include <seam/writer.h>

#include "unit.h"

#include <jansson.h>
#include <math.h>

static void expect_written(seam_writer *out, const char *text)
{
    seam_bytes written = seam_written(out);
    if (text)
        ck_assert_msg(written.len == strlen(text) && memcmp(written.ptr, text, written.len) == 0,
                      "%.*s", (int)written.len, written.ptr);
    else
        ck_assert_uint_eq(written.len, 0);
    seam_writer_done(out);
}

START_TEST(commas_and_keys_are_set)
{
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_text(&out, "a", "x");
    seam_put_array(&out, "b");
    seam_put_integer(&out, NULL, INT64_MIN);
    seam_put_boolean(&out, NULL, true);
    seam_put_object(&out, NULL);
    seam_put_end(&out);
    seam_put_null(&out, NULL);
    seam_put_end(&out);
    seam_put_json(&out, "c", seam_text(" [1, 2] "));
    seam_put_number(&out, "d", 0.1);
    seam_put_end(&out);
    expect_written(&out, "{\"a\":\"x\",\"b\":[-9223372036854775808,true,{},null],\"c\":[1, 2],"
                         "\"d\":0.1}");
}
END_TEST

START_TEST(strings_are_escaped_and_made_utf8)
{
    seam_writer out = SEAM_WRITER;
    seam_bytes text = {"\"\\\n\x01\x7fé\xff\xed\xa0\x80\0z\xc3", 14};
    seam_put_string(&out, NULL, text);
    expect_written(&out, "\"\\\"\\\\\\n\\u0001\x7fé\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                         "\\u0000z\xef\xbf\xbd\"");
    seam_bytes empty = {NULL, 0};
    seam_put_string(&out, NULL, empty);
    expect_written(&out, "\"\"");
}
END_TEST

START_TEST(base64_reads_back)
{
    for (size_t len = 0; len < 40; len++) {
        char bytes[40];
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)(i * 37 + len * 11);
        seam_writer out = SEAM_WRITER;
        seam_bytes all = {bytes, len};
        seam_put_base64(&out, NULL, all);
        size_t back_len = 99;
        char *back = seam_json_base64(seam_written(&out), &back_len);
        ck_assert(back && back_len == len && memcmp(back, bytes, len) == 0);
        free(back);
        seam_writer_done(&out);
    }
}
END_TEST

START_TEST(misuse_ends_in_nothing)
{
    seam_writer out = SEAM_WRITER;
    expect_written(&out, NULL);
    seam_put_object(&out, NULL); /* still open */
    expect_written(&out, NULL);
    seam_put_end(&out); /* nothing is open */
    expect_written(&out, NULL);
    seam_put_null(&out, NULL); /* two documents */
    seam_put_null(&out, NULL);
    expect_written(&out, NULL);
    seam_put_text(&out, "key", "outside an object");
    expect_written(&out, NULL);
    seam_put_object(&out, NULL);
    seam_put_text(&out, NULL, "a member without a key");
    seam_put_end(&out);
    expect_written(&out, NULL);
    seam_put_json(&out, NULL, seam_text("{\"a\":}"));
    expect_written(&out, NULL);
    double zero = 0;
    seam_put_number(&out, NULL, 1 / zero);
    expect_written(&out, NULL);
    seam_put_number(&out, NULL, zero / zero);
    expect_written(&out, NULL);
}
END_TEST

START_TEST(size_and_depth_are_limited)
{
    seam_writer out = SEAM_WRITER;
    for (int i = 0; i < SEAM_JSON_DEPTH; i++)
        seam_put_array(&out, NULL);
    seam_put_array(&out, NULL);
    for (int i = 0; i <= SEAM_JSON_DEPTH; i++)
        seam_put_end(&out);
    expect_written(&out, NULL);
    char *large = malloc(SEAM_WRITER_MAXIMUM);
    memset(large, 'x', SEAM_WRITER_MAXIMUM);
    seam_bytes fits = {large, SEAM_WRITER_MAXIMUM - 2}, one_more = {large, SEAM_WRITER_MAXIMUM - 1};
    seam_put_string(&out, NULL, fits);
    ck_assert_uint_eq(seam_written(&out).len, SEAM_WRITER_MAXIMUM);
    seam_writer_done(&out);
    seam_put_string(&out, NULL, one_more);
    expect_written(&out, NULL);
    free(large);
}
END_TEST

START_TEST(numbers_read_back_as_they_were)
{
    static const double numbers[] = {0.1, -0.0, 1e308, 5e-324, 1.0 / 3, 123456789012345680.0, 2.5};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        seam_writer out = SEAM_WRITER;
        seam_put_number(&out, NULL, numbers[i]);
        double back = 7;
        ck_assert(seam_json_number(seam_written(&out), &back));
        ck_assert(memcmp(&back, &numbers[i], sizeof(back)) == 0);
        seam_writer_done(&out);
    }
}
END_TEST

/* The one spelling of a number is the C library's shortest that reads back, whoever found it. */
static void expect_spelled_as_printf(double number)
{
    char expected[40];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(expected, sizeof(expected), "%.*g", precision, number);
        if (strtod(expected, NULL) == number)
            break;
    }
    seam_writer out = SEAM_WRITER;
    seam_put_number(&out, NULL, number);
    seam_bytes written = seam_written(&out);
    ck_assert_msg(written.len == strlen(expected) &&
                      memcmp(written.ptr, expected, written.len) == 0,
                  "%s became %.*s", expected, (int)written.len, written.ptr);
    double back = 7;
    ck_assert(seam_json_number(written, &back));
    ck_assert(memcmp(&back, &number, sizeof(back)) == 0);
    seam_writer_done(&out);
}

START_TEST(numbers_are_spelled_as_printf_does)
{
    static const double edges[] = {0,
                                   0.5,
                                   0.25,
                                   0.125,
                                   1,
                                   1.5,
                                   -2,
                                   0.001,
                                   0.002,
                                   0.00390625,
                                   0.0009765625,
                                   0.1 + 0.2,
                                   1e14,
                                   1e15,
                                   999999999999999.9,
                                   1e15 - 1,
                                   1e16,
                                   9.5,
                                   99.99,
                                   0.00999999999999999999,
                                   0.3,
                                   1e-3,
                                   1e-4,
                                   4503599627370496.5,
                                   -1e14,
                                   1024.5,
                                   0.09999999999999999,
                                   0.99999999999999989,
                                   1e22};
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        expect_spelled_as_printf(edges[i]);
        expect_spelled_as_printf(-edges[i]);
        expect_spelled_as_printf(nextafter(edges[i], 1e300));
        expect_spelled_as_printf(nextafter(edges[i], -1e300));
    }
    unsigned long long random = 362436069362436069ull;
    for (int round = 0; round < 100000; round++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        double part = (double)(random >> 11) / 9007199254740992.0; /* from 0 to 1 */
        expect_spelled_as_printf(part);
        expect_spelled_as_printf(ldexp(part, round % 70 - 15));
        expect_spelled_as_printf((double)(random % 1000000000) / 10000);
        expect_spelled_as_printf(ldexp(1, round % 70 - 15));
    }
}
END_TEST

START_TEST(integers_are_spelled_as_printf_does)
{
    static const int64_t integers[] = {0, 7, -7, 10, INT64_MAX, INT64_MIN, 1000000000000};
    for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
        char expected[24];
        snprintf(expected, sizeof(expected), "%lld", (long long)integers[i]);
        seam_writer out = SEAM_WRITER;
        seam_put_integer(&out, NULL, integers[i]);
        ck_assert_uint_eq(seam_written(&out).len, strlen(expected));
        ck_assert(memcmp(seam_written(&out).ptr, expected, strlen(expected)) == 0);
        seam_writer_done(&out);
    }
}
END_TEST

/* What a host may be fed is a document that jansson takes, whatever the strings are made of. */
START_TEST(any_strings_make_json)
{
    unsigned long long random = 2463534242ull;
    for (int round = 0; round < 20000; round++) {
        char bytes[24];
        for (size_t i = 0; i < sizeof(bytes); i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            bytes[i] = (char)(random % 3 ? random >> 40 : 0xc0 | (random >> 20 & 0x3f));
        }
        seam_writer out = SEAM_WRITER;
        seam_bytes text = {bytes, sizeof(bytes)};
        seam_put_string(&out, NULL, text);
        seam_bytes written = seam_written(&out);
        json_t *parsed =
            json_loadb(written.ptr, written.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        ck_assert_ptr_nonnull(parsed);
        size_t len;
        char *back = seam_json_text(written, &len);
        ck_assert(back && len == json_string_length(parsed) &&
                  memcmp(back, json_string_value(parsed), len) == 0);
        if (seam_is_utf8(text))
            ck_assert(len == sizeof(bytes) && memcmp(back, bytes, len) == 0);
        free(back);
        json_decref(parsed);
        seam_writer_done(&out);
    }
}
END_TEST

UNIT_MAIN(commas_and_keys_are_set, strings_are_escaped_and_made_utf8, base64_reads_back,
          misuse_ends_in_nothing, size_and_depth_are_limited, numbers_read_back_as_they_were,
          numbers_are_spelled_as_printf_does, integers_are_spelled_as_printf_does,
          any_strings_make_json)
