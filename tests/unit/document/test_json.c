/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON is read strictly and written so that it reads back the same.
 */
#include "document/document.h"
#include "unit.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static void expect_error(struct slice json, enum error_code code, const char *begins,
                         const char *holds)
{
    json_t *value = NULL;
    struct error error = {0};
    enum error_code e = json_read(json, 1 << 20, &value, &error);
    ck_assert_msg(e == code, "code %d, %s", (int)e, error.text);
    ck_assert_msg(strncmp(error.text, begins, strlen(begins)) == 0, "%s", error.text);
    ck_assert_msg(strstr(error.text, holds) != NULL, "%s", error.text);
    ck_assert_ptr_null(value);
}

static void expect_written(const char *json, const char *written)
{
    AUTO(json_decrefp) json_t *value = NULL;
    struct error error = {0};
    enum error_code e = json_read(slice_of(json), 1 << 20, &value, &error);
    ck_assert_msg(e == ERR_OK, "%s", error.text);
    AUTO(text_done) struct text out;
    text_init(&out, 1 << 20);
    json_write(value, &out);
    ck_assert_str_eq(text_str(&out), written);
    AUTO(json_decrefp) json_t *again = NULL;
    ck_assert_int_eq(json_read(text_slice(&out), 1 << 20, &again, NULL), ERR_OK);
    ck_assert(json_equal(value, again));
}

START_TEST(json_reads_any_kind_of_value)
{
    expect_written(" null ", "null");
    expect_written("-0.5", "-0.5");
    expect_written("\"a\\u0000b\\ud83d\\ude00\"", "\"a\\u0000b\xF0\x9F\x98\x80\"");
    expect_written("{\"b\": [1, {}, []], \"a\": false}", "{\"b\":[1,{},[]],\"a\":false}");
    expect_written("[9223372036854775807, -9223372036854775808]",
                   "[9223372036854775807,-9223372036854775808]");
}
END_TEST

START_TEST(json_numbers_are_written_shortest)
{
    expect_written("[0.1, 1.0, 1e2, 1e300, 5e-324, 0.30000000000000004, -0.0]",
                   "[0.1,1.0,100.0,1e+300,4.94065645841247e-324,0.30000000000000004,-0.0]");
}
END_TEST

/* The plain way: the first precision that reads back. */
static void expect_real(double real)
{
    char plain[48];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(plain, sizeof(plain), "%.*g", precision, real);
        if (strtod(plain, NULL) == real)
            break;
    }
    if (!strpbrk(plain, ".e"))
        strcat(plain, ".0");
    AUTO(json_decrefp) json_t *value = json_real(real);
    AUTO(text_done) struct text out;
    text_init(&out, 1 << 10);
    json_write(value, &out);
    ck_assert_str_eq(text_str(&out), plain);
}

START_TEST(json_reals_are_the_same_by_whatever_way_they_are_written)
{
    uint64_t seed = 1;
    for (int i = 0; i < 300000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        double whole = (double)(seed >> 20), part = (double)(seed >> 11) * 0x1p-53;
        double power = pow(10, (double)(int)(seed % 19) - 2);
        expect_real(part);
        expect_real(-part * power);
        expect_real(nearbyint(whole / 4096) / power);
        expect_real(nearbyint(part * 1e6) / power);
        expect_real(whole * power);
    }
}
END_TEST

/* Near powers of ten and of two, where digits and doubles change their distance. */
START_TEST(json_reals_near_powers_are_written_shortest)
{
    for (int power = -6; power <= 18; power++) {
        double real = pow(10, power);
        for (int i = 0; i < 40; i++, real = nextafter(real, INFINITY))
            expect_real(real);
        real = pow(10, power);
        for (int i = 0; i < 40; i++, real = nextafter(real, 0))
            expect_real(-real);
    }
    for (int power = -16; power <= 62; power++) {
        expect_real(ldexp(1, power));
        expect_real(nextafter(ldexp(1, power), 0));
        expect_real(nextafter(ldexp(1, power), INFINITY));
    }
}
END_TEST

START_TEST(json_strings_are_escaped_wherever_it_is)
{
    static const unsigned char odd[] = {'"', '\\', 0x01, 0x1F, 0x20, 0x7F, 0xC3};
    for (size_t len = 2; len < 40; len++)
        for (size_t at = 0; at + 1 < len; at++)
            for (size_t i = 0; i < sizeof(odd); i++) {
                char bytes[48];
                memset(bytes, '!', len);
                bytes[at] = (char)odd[i];
                if (odd[i] == 0xC3)
                    bytes[at + 1] = (char)0xA9;
                AUTO(json_decrefp) json_t *value = json_stringn(bytes, len), *again = NULL;
                AUTO(text_done) struct text out;
                text_init(&out, 1 << 10);
                json_write(value, &out);
                size_t more = odd[i] == '"' || odd[i] == '\\' ? 1 : odd[i] < 0x20 ? 5 : 0;
                ck_assert_uint_eq(out.len, len + 2 + more);
                ck_assert_int_eq(json_read(text_slice(&out), 1 << 10, &again, NULL), ERR_OK);
                ck_assert(json_equal(value, again));
            }
}
END_TEST

START_TEST(json_strings_are_escaped_where_they_must_be)
{
    expect_written("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u000b\\u001f\\u007f\"",
                   "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u000b\\u001f\x7f\"");
}
END_TEST

START_TEST(json_refuses_what_is_not_strict)
{
    expect_error(SLICE(""), ERR_INPUT, "line 1, column 1: ", "nothing in it");
    expect_error(SLICE(" \n"), ERR_INPUT, "line 1, column 1: ", "nothing in it");
    expect_error(SLICE("{\"a\":1,\n \"a\":2}"), ERR_INPUT, "line 2, ", "may stand once");
    expect_error(SLICE("[1] x"), ERR_INPUT, "line 1, ", "nothing behind it");
    expect_error(SLICE("{\"a\": 1,}"), ERR_INPUT, "line 1, ", "bad JSON");
    expect_error(SLICE("[1, // no\n2]"), ERR_INPUT, "line 1, ", "bad JSON");
    expect_error(SLICE("[NaN]"), ERR_INPUT, "line 1, ", "bad JSON");
    expect_error(SLICE("[01]"), ERR_INPUT, "line 1, ", "bad JSON");
    expect_error(SLICE("[\"a"), ERR_INPUT, "line 1, ", "bad JSON");
    expect_error(SLICE("{'a': 1}"), ERR_INPUT, "line 1, ", "bad JSON");
    expect_error(SLICE("\xEF\xBB\xBF{}"), ERR_INPUT, "line 1, column 1: ", "byte order mark");
    expect_error(SLICE("{\"a\\u0000\": 1}"), ERR_INPUT, "line 1, ", "NUL");
}
END_TEST

START_TEST(json_refuses_numbers_past_its_bits)
{
    expect_error(SLICE("[1,\n9223372036854775808]"), ERR_INPUT, "line 2, ", "64 bits");
    expect_error(SLICE("-9223372036854775809"), ERR_INPUT, "line 1, ", "64 bits");
    expect_error(SLICE("1e999"), ERR_INPUT, "line 1, ", "double");
}
END_TEST

START_TEST(json_refuses_bad_unicode)
{
    expect_error(SLICE("\"\\ud800\""), ERR_INPUT, "line 1, ", "invalid Unicode");
    expect_error(SLICE("\"\\udc00x\""), ERR_INPUT, "line 1, ", "invalid Unicode");
    expect_error(SLICE("\"\xed\xa0\x80\""), ERR_INPUT, "line 1, ", "UTF-8");
    expect_error(SLICE("\"\xc0\xaf\""), ERR_INPUT, "line 1, ", "UTF-8");
    expect_error(SLICE("\"\xff\""), ERR_INPUT, "line 1, ", "UTF-8");
}
END_TEST

START_TEST(json_is_compact_only_if_it_is_what_would_be_written)
{
    static const struct {
        const char *text;
        bool compact;
    } cases[] = {
        {"{\"a\":[1,-2,0.5,1.0,\"x\xC3\xA9\",true,null],\"b\":{}}", true},
        {"0.30000000000000004", true},
        {"9223372036854775807", true},
        {"-0.0", true},
        {"[]", true},
        {"-0", false},
        {"0.50", false},
        {"1e2", false},
        {"100.0", true},
        {"0.1000000000000000055", false},
        {"[1, 2]", false},
        {" 1", false},
        {"1\n", false},
        {"\"\\u0041\"", false},
        {"\"\\n\"", false},
        {"{\"a\\u0041\":1}", false},
        {"\"a/b\x7f\"", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(json_decrefp) json_t *value = NULL;
        AUTO(text_done) struct text out;
        bool compact = !cases[i].compact;
        text_init(&out, 1 << 10);
        ck_assert_int_eq(
            json_read_compact(slice_of(cases[i].text), 1 << 10, &value, &compact, NULL), ERR_OK);
        json_write(value, &out);
        ck_assert_msg(compact == cases[i].compact, "%s", cases[i].text);
        ck_assert(!compact || strcmp(text_str(&out), cases[i].text) == 0);
    }
}
END_TEST

START_TEST(json_depth_is_bounded)
{
    AUTO(text_done) struct text deep;
    text_init(&deep, 1 << 20);
    for (int i = 0; i < LIMIT_DEPTH; i++)
        text_addc(&deep, '[');
    text_adds(&deep, "\"]]{{[[\\\"{{\"");
    for (int i = 0; i < LIMIT_DEPTH; i++)
        text_addc(&deep, ']');
    AUTO(json_decrefp) json_t *value = NULL;
    ck_assert_int_eq(json_read(text_slice(&deep), 1 << 20, &value, NULL), ERR_OK);
    text_clear(&deep);
    for (int i = 0; i < 100000; i++)
        text_adds(&deep, "{\"a\":");
    expect_error(text_slice(&deep), ERR_LIMIT, "line 1, column 641: ", "LIMIT_DEPTH");
}
END_TEST

START_TEST(json_size_is_bounded)
{
    struct error error;
    json_t *value = NULL;
    ck_assert_int_eq(json_read(SLICE("[1, 2]"), 5, &value, &error), ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(error.text, "6 bytes"));
    ck_assert_int_eq(json_read(SLICE("[1, 2]"), 6, &value, &error), ERR_OK);
    json_decref(value);
}
END_TEST

/* [item, item, …] */
static enum error_code read_list(const char *item, size_t count, size_t maximum,
                                 struct error *reterr)
{
    AUTO(text_done) struct text text;
    AUTO(json_decrefp) json_t *value = NULL;
    text_init(&text, 64 << 20);
    for (size_t i = 0; i < count; i++) {
        text_addc(&text, i ? ',' : '[');
        text_adds(&text, item);
    }
    text_addc(&text, ']');
    return json_read(text_slice(&text), maximum, &value, reterr);
}

START_TEST(json_values_are_bounded_by_what_they_take)
{
    static const struct {
        const char *item;
        size_t takes;
    } items[] = {{"{}", 4}, {"{\"a\":[0]}", 7}};
    const size_t room = LIMIT_JSON_VALUES - 2;
    struct error err;
    for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
        size_t most = room / items[i].takes;
        ck_assert_int_eq(read_list(items[i].item, most, LIMIT_PAYLOAD, NULL), ERR_OK);
        ck_assert_int_eq(read_list(items[i].item, most + 1, LIMIT_PAYLOAD, &err), ERR_LIMIT);
        ck_assert_ptr_nonnull(strstr(err.text, "LIMIT_JSON_VALUES"));
    }
    ck_assert_int_eq(read_list("{}", LIMIT_JSON_VALUES / 2, 2 * LIMIT_PAYLOAD, NULL), ERR_LIMIT);
    ck_assert_int_eq(read_list("1", LIMIT_JSON_VALUES, 2 * LIMIT_PAYLOAD, NULL), ERR_OK);
}
END_TEST

START_TEST(a_list_of_as_many_items_as_a_step_may_have_is_read)
{
    static const char item[] =
        "{\"id\":1,\"to\":{\"city\":\"Ulm\",\"zip\":\"89073\"},\"tags\":[\"a\",\"b\"],\"n\":1.5}";
    ck_assert_int_eq(read_list(item, LIMIT_ITEMS, LIMIT_PAYLOAD, NULL), ERR_OK);
}
END_TEST

START_TEST(json_file_names_the_file_and_meets_its_maximum)
{
    char path[] = "/tmp/seam-json-XXXXXX";
    int fd = mkstemp(path);
    json_t *value = NULL;
    struct error error;
    ck_assert_int_eq(write(fd, "{\"a\":\n 1x}", 10), 10);
    ck_assert_int_eq(json_read_file(path, 100, &value, &error), ERR_INPUT);
    ck_assert(strncmp(error.text, path, strlen(path)) == 0);
    ck_assert_ptr_nonnull(strstr(error.text, ":2:"));
    ck_assert_int_eq(json_read_file(path, 9, &value, &error), ERR_LIMIT);
    ck_assert_int_eq(json_read_file("/nonexistent/x", 9, &value, &error), ERR_NOT_FOUND);
    ck_assert_int_eq(json_read_file("/tmp", 9, &value, &error), ERR_IO);
    close(fd);
    unlink(path);
}
END_TEST

START_TEST(json_write_stops_at_the_texts_maximum)
{
    AUTO(json_decrefp) json_t *value = json_pack("[s,s]", "0123456789", "0123456789");
    AUTO(text_done) struct text out;
    text_init(&out, 15);
    json_write(value, &out);
    ck_assert(out.overflowed);
}
END_TEST

START_TEST(json_write_refuses_what_is_too_deep)
{
    AUTO(json_decrefp) json_t *value = json_array();
    for (int i = 0; i < 20 * LIMIT_DEPTH; i++) {
        json_t *outer = json_array();
        json_array_append_new(outer, value);
        value = outer;
    }
    AUTO(text_done) struct text out;
    text_init(&out, 1 << 20);
    json_write(value, &out);
    ck_assert(out.overflowed);
}
END_TEST

UNIT_MAIN(json_reads_any_kind_of_value, json_numbers_are_written_shortest,
          json_reals_are_the_same_by_whatever_way_they_are_written,
          json_reals_near_powers_are_written_shortest, json_strings_are_escaped_wherever_it_is,
          json_strings_are_escaped_where_they_must_be, json_refuses_what_is_not_strict,
          json_refuses_numbers_past_its_bits, json_refuses_bad_unicode,
          json_is_compact_only_if_it_is_what_would_be_written, json_depth_is_bounded,
          json_size_is_bounded, json_values_are_bounded_by_what_they_take,
          a_list_of_as_many_items_as_a_step_may_have_is_read,
          json_file_names_the_file_and_meets_its_maximum, json_write_stops_at_the_texts_maximum,
          json_write_refuses_what_is_too_deep)
