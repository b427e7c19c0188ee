/* SPDX-License-Identifier: Apache-2.0
 *
 * Every number is read to the same bits as by strtod, by whatever way it goes; and what reads it is
 * given nothing but its bytes. Integers are read to 64 bits exactly.
 */
#include "document/document.h"
#include "unit.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static uint64_t state = 1;

static uint64_t draw(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 32) ^ (state << 17);
}

static uint64_t bits_of(double real)
{
    uint64_t bits;
    memcpy(&bits, &real, sizeof(bits));
    return bits;
}

static double real_of(uint64_t bits)
{
    double real;
    memcpy(&real, &bits, sizeof(real));
    return real;
}

/* Check writes each assertion down, so there is none where all is well. */
static void expect_as_strtod(const char *digits)
{
    double expected = strtod(digits, NULL);
    AUTO(json_decrefp) json_t *value = NULL;
    struct error error = {0};
    enum error_code code = json_read(slice_of(digits), 4096, &value, &error);
    if (isinf(expected) ? code != ERR_INPUT : code != ERR_OK)
        ck_abort_msg("%s: %s", digits, error.text);
    if (code == ERR_OK && bits_of(json_number_value(value)) != bits_of(expected))
        ck_abort_msg("%s is read as %a, not %a", digits, json_number_value(value), expected);
}

START_TEST(any_double_comes_back)
{
    char digits[64];
    for (int i = 0; i < 1000000; i++) {
        double real = real_of(draw() << 32 | (draw() & 0xFFFFFFFF));
        if (!isfinite(real))
            continue;
        snprintf(digits, sizeof(digits), "%.*e", i % 2 ? 16 : (int)(draw() % 20), real);
        expect_as_strtod(digits);
    }
}
END_TEST

START_TEST(any_decimal_is_rounded_right)
{
    char digits[96];
    for (int i = 0; i < 300000; i++) {
        uint64_t whole = draw() >> draw() % 60, part = draw() >> draw() % 60;
        int power = (int)(draw() % 61) - 30;
        snprintf(digits, sizeof(digits), "%" PRIu64 ".%" PRIu64, whole, part);
        expect_as_strtod(digits);
        snprintf(digits, sizeof(digits), "-%" PRIu64 "e%d", whole, power);
        expect_as_strtod(digits);
        snprintf(digits, sizeof(digits), "0.00%" PRIu64 "E%+d", part, power);
        expect_as_strtod(digits);
    }
}
END_TEST

/* The decimal half way between two doubles, exactly, and its neighbours. */
static void expect_around_half(double real)
{
    char digits[1200];
    long double half = ((long double)real + (long double)nextafter(real, INFINITY)) / 2;
    int length = snprintf(digits, sizeof(digits), "%.1080Le", half);
    ck_assert(length > 1080 && length < (int)sizeof(digits));
    expect_as_strtod(digits);
    char *last = strchr(digits, 'e') - 1;
    *last = '1';
    expect_as_strtod(digits);
    *last = '0';
    while (*last == '0' || *last == '.')
        last--;
    --*last;
    expect_as_strtod(digits);
}

START_TEST(half_way_is_decided_as_it_must_be)
{
    for (int i = 0; i < 2000; i++) {
        /* Powers that leave the half a long double of 64 bits. */
        uint64_t exponent = 1023 - 60 + draw() % 120;
        expect_around_half(real_of(exponent << 52 | (draw() & 0xFFFFFFFFFFFFF)));
    }
}
END_TEST

START_TEST(hard_decimals_are_read_as_by_strtod)
{
    static const char *const hard[] = {
        "9007199254740991.0",
        "9007199254740992.0",
        "9007199254740993.0",
        "9007199254740994.0",
        "9007199254740992e22",
        "9007199254740993e22",
        "9007199254740992e23",
        "9007199254740991e-22",
        "9007199254740993e-22",
        "9007199254740991e-23",
        "900719925474099.3e1",
        "1e22",
        "1e23",
        "8.5e22",
        "1e-22",
        "1e-23",
        "0.1e23",
        "9999999999999999999.0",
        "1844674407370955161.6",
        "1234567890123456789.0",
        "12345678901234567890.0",
        "0.1234567890123456789",
        "0.01234567890123456789",
        "0.000000000000000000000001",
        "100000000000000000000000.0",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "179769313486231580793e289",
        "2.2250738585072011e-308",
        "2.2250738585072012e-308",
        "2.2250738585072014e-308",
        "4.9406564584124654e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "1e-325",
        "1e-1000000",
        "0e1000000",
        "-0.0",
        "-0e-5",
        "0.0e22",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203124",
        "1.00000000000000011102230246251565404236316680908203126",
        "0.500000000000000166533453693773481063544750213623046875",
        "3.518437208883201171875e13",
        "62.5364939768271845828",
        "8.10109172351e-10",
        "1.50000000000000011102230246251565",
        "9007199254740991.4999999999999999999999999999999995",
        "6929495644600919.5",
        "3.2378839133029012895883524125015321748630094e-10",
        "1090544144181609348835077142190.0",
        "7.0420557077594588669468784357561207962098443483187940792729600000e59",
        "6.631236846766476e-316",
        "3.2378839133029012e-319",
        "1e0000000000000000000000000000000001",
        "1e-00000000000000000000000000000000000000000001",
        "5e-00000000324",
        "0.00000000000000000000000000000000000000000000000000000000000000000000000000000001e80",
    };
    for (size_t i = 0; i < sizeof(hard) / sizeof(hard[0]); i++)
        expect_as_strtod(hard[i]);
}
END_TEST

static void expect_integer(const char *digits, int64_t expected)
{
    AUTO(json_decrefp) json_t *value = NULL;
    ck_assert_int_eq(json_read(slice_of(digits), 100, &value, NULL), ERR_OK);
    ck_assert(json_is_integer(value) && json_integer_value(value) == expected);
}

START_TEST(integers_are_exact)
{
    char digits[32];
    for (int i = 0; i < 10000; i++) {
        int64_t integer = (int64_t)(draw() << 32 | (draw() & 0xFFFFFFFF)) >> draw() % 63;
        snprintf(digits, sizeof(digits), "%" PRId64, integer);
        expect_integer(digits, integer);
    }
    expect_integer("-0", 0);
    expect_integer("9223372036854775807", INT64_MAX);
    expect_integer("-9223372036854775808", INT64_MIN);
}
END_TEST

START_TEST(numbers_end_where_the_text_does)
{
    /* Behind the slice stand digits that would change the value. */
    static const char *const texts[] = {"12|34", "1.5|5", "1e1|0", "-0|1", "0.1|e5", "1e-3|0"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char text[16];
        size_t len = (size_t)(strchr(texts[i], '|') - texts[i]);
        snprintf(text, sizeof(text), "%.*s%s", (int)len, texts[i], texts[i] + len + 1);
        AUTO(json_decrefp) json_t *value = NULL;
        ck_assert_int_eq(json_read((struct slice){text, len}, 16, &value, NULL), ERR_OK);
        text[len] = '\0';
        ck_assert(bits_of(json_number_value(value)) == bits_of(strtod(text, NULL)) ||
                  strcmp(text, "-0") == 0);
    }
}
END_TEST

UNIT_MAIN(any_double_comes_back, any_decimal_is_rounded_right, half_way_is_decided_as_it_must_be,
          hard_decimals_are_read_as_by_strtod, integers_are_exact, numbers_end_where_the_text_does)
