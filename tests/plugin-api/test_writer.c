/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing JSON with seam/writer.h: what comes out is what jansson reads back, and every misuse ends
 * in an absent document, never in a broken one.
 */
#include <seam/writer.h>

#include "unit.h"

#include <jansson.h>

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
          any_strings_make_json)
