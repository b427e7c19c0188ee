/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading JSON with seam/json.h: what is found, what is absent, and that on any bytes it agrees
 * with jansson about what JSON is.
 */
#include <seam/json.h>

#include "unit.h"

#include <jansson.h>

static void expect_piece(seam_bytes document, const char *pointer, const char *spelled)
{
    seam_bytes value = seam_json_at(document, pointer);
    if (!spelled) {
        ck_assert_msg(value.len == 0, "%s found %.*s", pointer, (int)value.len, value.ptr);
        return;
    }
    ck_assert_msg(value.len == strlen(spelled) && memcmp(value.ptr, spelled, value.len) == 0,
                  "%s found %.*s", pointer, (int)value.len, value.ptr);
}

START_TEST(pointers_find_what_they_name)
{
    seam_bytes document = seam_text(" {\"a\": {\"b\": [1, {\"c/d\": \"x\"}, [ ] ]}, \"\": 0, "
                                    "\"~\":true,\"\\u00e9\":null} ");
    expect_piece(document, "/a/b/0", "1");
    expect_piece(document, "/a/b/1", "{\"c/d\": \"x\"}");
    expect_piece(document, "/a/b/1/c~1d", "\"x\"");
    expect_piece(document, "/a/b/2", "[ ]");
    expect_piece(document, "/", "0");
    expect_piece(document, "/~0", "true");
    expect_piece(document, "/é", "null");
    expect_piece(document, "/a/b/3", NULL);
    expect_piece(document, "/a/b/01", NULL);
    expect_piece(document, "/a/b/-", NULL);
    expect_piece(document, "/a/bb", NULL);
    expect_piece(document, "/a/b/0/x", NULL);
    expect_piece(document, "a", NULL);
    ck_assert_uint_eq(seam_json_at(document, "").len, document.len - 2);
}
END_TEST

/* A member stands before the damage; in a document that is none there is nothing to find. */
START_TEST(nothing_is_found_in_what_is_not_json)
{
    static const char *const damaged[] = {"{\"a\":1,}",
                                          "{\"a\":1",
                                          "{\"a\":1]",
                                          "{\"a\":1} x",
                                          "{\"a\":1}}",
                                          "{\"a\":1 2}",
                                          "{\"a\":1,\"b\"}",
                                          "{\"a\":1,2}",
                                          "{\"a\":1,\"b\":}",
                                          "{\"a\":1,\"b\":[1,]}",
                                          "{\"a\":1,\"b\":\"\x01\"}",
                                          "{\"a\":1,\"b\":\"\xff\"}",
                                          "{\"a\":1,\"b\":\"plain text \x7f\\x\"}"};
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++)
        expect_piece(seam_text(damaged[i]), "/a", NULL);
    expect_piece(seam_text("{}"), "/a", NULL);
    expect_piece(seam_text("[]"), "/0", NULL);
    expect_piece(seam_text("[1,2]"), "/1", "2");
    /* as deep as a document may be, and one deeper */
    char deep[2 * SEAM_JSON_DEPTH + 1];
    memset(deep, '[', SEAM_JSON_DEPTH);
    memset(deep + SEAM_JSON_DEPTH, ']', SEAM_JSON_DEPTH);
    deep[2 * SEAM_JSON_DEPTH] = '\0';
    ck_assert_uint_eq(seam_json_at(seam_text(deep), "/0").len, 2 * SEAM_JSON_DEPTH - 2);
    char deeper[2 * SEAM_JSON_DEPTH + 3];
    snprintf(deeper, sizeof(deeper), "[%s]", deep);
    expect_piece(seam_text(deeper), "/0", NULL);
}
END_TEST

START_TEST(walks_keep_order_keys_and_indices)
{
    seam_json_walk walk = seam_json_members(seam_text("{\"x\":1 , \"y\":[2], \"x\":3}"));
    ck_assert(seam_json_next(&walk) && seam_json_is(walk.key, "x") && walk.index == 0);
    ck_assert(seam_json_next(&walk) && seam_json_is(walk.key, "y") && walk.index == 1);
    ck_assert(seam_json_kind_of(walk.value) == SEAM_JSON_ARRAY);
    ck_assert(seam_json_next(&walk) && *walk.value.ptr == '3');
    ck_assert(!seam_json_next(&walk) && !seam_json_next(&walk));
    walk = seam_json_members(seam_text("[]"));
    ck_assert(!seam_json_next(&walk));
    walk = seam_json_members(seam_text("\"[1]\""));
    ck_assert(!seam_json_next(&walk));
    walk = seam_json_members(seam_text("[1 2]"));
    ck_assert(seam_json_next(&walk) && !seam_json_next(&walk) && !seam_json_next(&walk));
}
END_TEST

START_TEST(strings_are_unescaped)
{
    size_t len;
    char *text =
        seam_json_text(seam_text("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\ude00 "
                                 "\\ud83d x\\udc00\\udc00\""),
                       &len);
    ck_assert_str_eq(text, "a\"\\/\b\f\n\r\tAé€😀 \xef\xbf\xbd x\xef\xbf\xbd\xef\xbf\xbd");
    ck_assert_uint_eq(len, strlen(text));
    free(text);
    text = seam_json_text(seam_text("\"a\\u0000b\""), &len);
    ck_assert(len == 3 && memcmp(text, "a\0b", 4) == 0);
    free(text);
    ck_assert_ptr_null(seam_json_text(seam_text("12"), &len));
    ck_assert_ptr_null(seam_json_text(seam_text("\"\\x\""), &len));
    seam_bytes escaped_nul = {"\"\\\0\"", 4};
    ck_assert_ptr_null(seam_json_text(escaped_nul, &len));
    ck_assert(seam_json_is(seam_text("\"d\\u006fne\""), "done"));
    ck_assert(!seam_json_is(seam_text("\"done\""), "don"));
    ck_assert(!seam_json_is(seam_text("\"don\""), "done"));
    ck_assert(!seam_json_is(seam_text("done"), "done"));
}
END_TEST

START_TEST(base64_is_decoded)
{
    static const char *const pairs[][2] = {
        {"", ""},        {"Zg==", "f"},        {"Zm8=", "fo"},
        {"Zm9v", "foo"}, {"Zm9vYg==", "foob"}, {"Zm9vYmFy", "foobar"},
        {"Zm8", NULL},   {"Z===", NULL},       {"Zm 9", NULL},
        {"=Zm9", NULL},  {"Zm=9", NULL}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char value[32];
        size_t len;
        snprintf(value, sizeof(value), "\"%s\"", pairs[i][0]);
        char *bytes = seam_json_base64(seam_text(value), &len);
        if (pairs[i][1])
            ck_assert_str_eq(bytes, pairs[i][1]);
        else
            ck_assert_ptr_null(bytes);
        free(bytes);
    }
}
END_TEST

START_TEST(integers_are_exact_or_refused)
{
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999", false, 0},
        {"1.0", true, 1},
        {"12e2", true, 1200},
        {"1.5", false, 0},
        {"1e300", false, 0},
        {"9007199254740993.0", true, 9007199254740992},
        {"\"1\"", false, 0},
        {"true", false, 0},
        {"", false, 0},
        {"01", false, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t value = 7;
        ck_assert_msg(seam_json_integer(seam_text(cases[i].text), &value) == cases[i].good, "%s",
                      cases[i].text);
        ck_assert_int_eq(value, cases[i].good ? cases[i].value : 7);
    }
}
END_TEST

START_TEST(numbers_and_truth)
{
    double number = 0;
    ck_assert(seam_json_number(seam_text("-1.25e2"), &number) && number > -125.5 &&
              number < -124.5);
    ck_assert(!seam_json_number(seam_text("1e999"), &number));
    ck_assert(!seam_json_number(seam_text("nan"), &number));
    ck_assert(!seam_json_number(seam_text("0x10"), &number));
    ck_assert(seam_json_true(seam_text(" true ")));
    ck_assert(!seam_json_true(seam_text("false")) && !seam_json_true(seam_text("\"true\"")));
    ck_assert(seam_json_kind_of(seam_text("")) == SEAM_JSON_ABSENT);
    ck_assert(seam_json_kind_of(seam_text("?")) == SEAM_JSON_ABSENT);
    ck_assert(seam_json_kind_of(seam_text("null")) == SEAM_JSON_NULL);
}
END_TEST

START_TEST(nesting_is_limited)
{
    char deep[2 * (SEAM_JSON_DEPTH + 1)];
    for (size_t depth = SEAM_JSON_DEPTH; depth <= SEAM_JSON_DEPTH + 1; depth++) {
        memset(deep, '[', depth);
        memset(deep + depth, ']', depth);
        seam_bytes value = {deep, 2 * depth};
        ck_assert((seam_json_parse(value).len > 0) == (depth <= SEAM_JSON_DEPTH));
    }
    char *open = malloc(1 << 20);
    memset(open, '[', 1 << 20);
    seam_bytes value = {open, 1 << 20};
    ck_assert(seam_json_parse(value).len == 0);
    free(open);
}
END_TEST

/* Everything that can be asked of any bytes, for the sanitizers to watch. */
static void ask_all(seam_bytes bytes)
{
    size_t len;
    double number;
    int64_t integer;
    free(seam_json_text(bytes, &len));
    free(seam_json_base64(bytes, &len));
    (void)seam_json_number(bytes, &number);
    (void)seam_json_integer(bytes, &integer);
    (void)seam_json_is(bytes, "a");
    /* one walk finds and checks what a look at all of it and then one for the member would */
    seam_bytes found = seam_json_at(bytes, "/a"),
               again = seam_json_at(seam_json_parse(bytes), "/a");
    ck_assert(found.ptr == again.ptr && found.len == again.len);
    (void)seam_json_at(bytes, "/a/0/b");
    seam_json_walk walk = seam_json_members(bytes);
    while (seam_json_next(&walk))
        ck_assert(walk.value.len > 0 && walk.value.ptr + walk.value.len <= bytes.ptr + bytes.len);
}

START_TEST(agrees_with_jansson_on_what_is_json)
{
    static const char *const seeds[] = {
        "{\"a\":[1,-2.5e+3,{\"b\":\"\\u00e9\\n\xc3\xa9\xf0\x9f\x98\x80\"}],\"c\":null}",
        "[true,false,null,\"\\\\\\\"\\/\",0,-0.1E-2,{},[],\"\"]",
        " { \"x\" : [ [ ] , { \"y\" : \"\\u0041\" } ] } ",
        "\"plain\"",
    };
    static const char bytes[] =
        "{}[]:,\"\\u0123456789abcdefE+-.truefalsn \t\n\xc3\xa9\xed\xa0\x80\x01";
    unsigned long long random = 88172645463325252ull; /* xorshift: the same bytes every time */
    size_t good = 0;
    for (int round = 0; round < 200000; round++) {
        char *copy = NULL;
        const char *seed = seeds[round % 4];
        size_t len = strlen(seed);
        ck_assert_ptr_nonnull(copy = malloc(len));
        memcpy(copy, seed, len);
        for (int change = 0; change < 1 + round % 3; change++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            size_t at = (size_t)(random % len);
            copy[at] = bytes[(random >> 32) % sizeof(bytes)];
            if ((random >> 50) % 8 == 0)
                len = at + 1;
        }
        copy = realloc(copy, len); /* the exact size, so that an overrun is seen */
        seam_bytes document = {copy, len};
        json_error_t error;
        json_t *parsed = json_loadb(
            copy, len, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
        bool ours = seam_json_parse(document).len > 0;
        if (memchr(copy, '\0', len)) { /* after a number jansson takes one for nothing */
            json_decref(parsed);
            parsed = NULL;
        }
        /* Two things are grammar to the one and a limit or an error of meaning to the other. */
        if (!parsed && ours &&
            (strstr(error.text, "overflow") || strstr(error.text, "surrogate") ||
             strstr(error.text, "Unicode"))) {
            free(copy);
            continue;
        }
        ck_assert_msg((parsed != NULL) == ours, "%.*s: %s", (int)len, copy, error.text);
        good += ours;
        ask_all(document);
        json_decref(parsed);
        free(copy);
    }
    ck_assert_uint_gt(good, 1000);
}
END_TEST

UNIT_MAIN(pointers_find_what_they_name, nothing_is_found_in_what_is_not_json,
          walks_keep_order_keys_and_indices, strings_are_unescaped, base64_is_decoded,
          integers_are_exact_or_refused, numbers_and_truth, nesting_is_limited,
          agrees_with_jansson_on_what_is_json)
