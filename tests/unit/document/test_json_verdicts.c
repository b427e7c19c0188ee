/* SPDX-License-Identifier: Apache-2.0
 *
 * What is JSON and what is not: texts of RFC 8259's grammar and around it, each read from memory
 * that ends where it ends. jansson, which came before, is asked as well; and each text is changed
 * in every one of its bytes, for both must say the same of what comes of it.
 */
#include "document/document.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define COUNT(x) (sizeof(x) / sizeof((x)[0]))

static const struct slice json[] = {
    T("null"),
    T("true"),
    T("false"),
    T("0"),
    T("-0"),
    T("1"),
    T("-1"),
    T("1234567890"),
    T("\"\""),
    T("{}"),
    T("[]"),
    T(" \t\r\n1\n\r\t "),
    T("[ ]"),
    T("{ }"),
    T("[\n]"),
    T("[[]]"),
    T("[{}]"),
    T("{\"a\":{}}"),
    T("[[[[[[[[1]]]]]]]]"),
    T("[1,2]"),
    T("[ 1 , 2 ]"),
    T("[null,true,false]"),
    T("{\"a\":1}"),
    T("{\"a\":1,\"b\":2}"),
    T("{ \"a\" : 1 , \"b\" : [ ] }"),
    T("{\"\":0}"),
    T("{\"a\":{\"a\":{\"a\":1}}}"),
    T("{\"a\":1,\"A\":2}"),
    T("{\"a\":1,\"a \":2}"),
    T("{\"1\":1,\"01\":2,\"1.0\":3}"),
    T("{\"\\u0061b\":1,\"b\":2}"),
    T("{\"/~0~1\":1}"),
    T("9223372036854775807"),
    T("-9223372036854775808"),
    T("-9223372036854775807"),
    T("1000000000000000000"),
    T("0.0"),
    T("-0.0"),
    T("0.5"),
    T("1.5e3"),
    T("1E5"),
    T("1e+5"),
    T("1e-5"),
    T("1.0E+2"),
    T("0e1"),
    T("0E-0"),
    T("0e+1"),
    T("123.456e78"),
    T("1.7976931348623157e308"),
    T("5e-324"),
    T("1e-400"),
    T("0.000000000000000000000000000001"),
    T("1e00000000000000000000000000000000000000002"),
    T("0e99999999999999999999"),
    T("3.141592653589793238462643383279502884197169399375105820974944592307816406286208998628"),
    T("123456789012345678901234567890.0"),
    T("123456789012345678901234567890e0"),
    T("18446744073709551616.0"),
    T("\"abc\""),
    T("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    T("\"\\u0000\""),
    T("\"\\u0001\\u001F\\u0020\""),
    T("\"\\u00e9\\u00E9\""),
    T("\"\\uABCD\\uabcd\""),
    T("\"\\ud83d\\ude00\""),
    T("\"\\uD800\\uDC00\""),
    T("\"\\uDBFF\\uDFFF\""),
    T("\"\\uD7FF\\uE000\""),
    T("\"\\uFFFE\\uFFFF\""),
    T("\"\\\\u0041\""),
    T("\"a\\\\\""),
    T("\"\x7F\""),
    T("\"\xC2\x80\""),
    T("\"\xDF\xBF\""),
    T("\"\xE0\xA0\x80\""),
    T("\"\xED\x9F\xBF\""),
    T("\"\xEE\x80\x80\""),
    T("\"\xEF\xBF\xBF\""),
    T("\"\xF0\x90\x80\x80\""),
    T("\"\xF4\x8F\xBF\xBF\""),
    T("\"\xEF\xBB\xBF\""),
    T("\"\xE2\x80\xA8\xE2\x80\xA9\""),
    T("\"\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\""),
    T("\"1234567\""),
    T("\"12345678\""),
    T("\"123456789\""),
    T("\"1234567\\n\""),
    T("\"12345678\\n\""),
    T("\"1234567\xC3\xA9\""),
    T("\"12345678\xC3\xA9 123456789\xC3\xA9\\t\xC3\xA9\""),
    T("\"/* no comment */ // none\""),
    T("\"[{]}\""),
    T("{\"\xC3\xA9\":\"\xC3\xA9\",\"e\\u0301\":1}"),
    T("[\"\",\"\\u0041\",\"\"]"),
    T("{\"\\n\":\"\\n\",\"\\t\":[\"\\t\",{\"\\r\":\"\\b\"}]}"),
};

static const struct slice not_json[] = {
    T(""),
    T(" "),
    T("\n\n"),
    T("\xEF\xBB\xBF"),
    T("\xEF\xBB\xBF{}"),
    T("\xFE\xFF"),
    T("\0"),
    T("1\0"),
    T("[\0]"),
    T("[]\0"),
    T("\xC2\xA0"
      "1"),
    T("\f1"),
    T("\v1"),
    T("\xE2\x80\x8B"
      "1"),
    T("n"),
    T("nul"),
    T("nulll"),
    T("Null"),
    T("NULL"),
    T("tru"),
    T("truee"),
    T("True"),
    T("fals"),
    T("False"),
    T("undefined"),
    T("NaN"),
    T("-NaN"),
    T("Infinity"),
    T("-Infinity"),
    T("nan"),
    T("inf"),
    T("a"),
    T("\xC3\xA9"),
    T("@"),
    T("*"),
    T("<!-- -->"),
    T("-"),
    T("+1"),
    T("--1"),
    T("-+1"),
    T("00"),
    T("01"),
    T("-01"),
    T("-00"),
    T("00.5"),
    T("1."),
    T("-1."),
    T("1.e1"),
    T(".5"),
    T("-.5"),
    T("1e"),
    T("1e+"),
    T("1e-"),
    T("1E"),
    T("1.5e"),
    T("1.5e+"),
    T("1e1.5"),
    T("1e1e1"),
    T("1.2.3"),
    T("1..2"),
    T("0x1F"),
    T("0b1"),
    T("0o7"),
    T("1_000"),
    T("1,000"),
    T("1 000"),
    T("1a"),
    T("1.0a"),
    T("- 1"),
    T("1 .5"),
    T("1e 5"),
    T("\xEF\xBC\x91"),
    T("1/2"),
    T("1f"),
    T("1L"),
    T("\xE2\x88\x92"
      "1"),
    T("1\xE2\x82\xAC"),
    T("9223372036854775808"),
    T("-9223372036854775809"),
    T("18446744073709551615"),
    T("18446744073709551616"),
    T("18446744073709551617"),
    T("99999999999999999999"),
    T("-99999999999999999999"),
    T("100000000000000000000000000000000000000"),
    T("1e309"),
    T("-1e309"),
    T("1e400"),
    T("1.8e308"),
    T("1e99999999999999999999"),
    T("123e100000"),
    T("\""),
    T("\"a"),
    T("\"\\"),
    T("\"\\\""),
    T("\"a\\\\\\\""),
    T("\"\\u"),
    T("\"\\u0"),
    T("\"\\u00"),
    T("\"\\u000"),
    T("\"\\u0041"),
    T("\"\\a\""),
    T("\"\\'\""),
    T("\"\\0\""),
    T("\"\\x41\""),
    T("\"\\U0041\""),
    T("\"\\v\""),
    T("\"\\e\""),
    T("\"\\ \""),
    T("\"\\\n\""),
    T("\"\\\xC3\xA9\""),
    T("\"\\\0\""),
    T("\"\\u 041\""),
    T("\"\\u004G\""),
    T("\"\\u-041\""),
    T("\"\\u+041\""),
    T("\"\\u004\""),
    T("\"\\u00\xC3\xA9\""),
    T("\"\\u{41}\""),
    T("\"\\uD800\""),
    T("\"\\uDBFF\""),
    T("\"\\uDC00\""),
    T("\"\\uDFFF\""),
    T("\"\\uD800\\uD800\""),
    T("\"\\uDC00\\uD800\""),
    T("\"\\uD800\\u0041\""),
    T("\"\\uD800a\""),
    T("\"\\uD800\\n\""),
    T("\"\\uD800\\uDC0\""),
    T("\"\\uD800\\uDC0G\""),
    T("\"\\uD800\\uE000\""),
    T("\"\\uD800\\"),
    T("\"\\uD800\\u"),
    T("\"\\uD800\\uDC00"),
    T("\"\\uD800uDC00\""),
    T("\"\\uD83D\xED\xB8\x80\""),
    T("\"\n\""),
    T("\"\t\""),
    T("\"\r\""),
    T("\"\0\""),
    T("\"\x01\""),
    T("\"\x1F\""),
    T("\"1234567\x1F\""),
    T("\"12345678\x1F\""),
    T("\"12345678\n"),
    T("'a'"),
    T("a\""),
    T("\"a\"\""),
    T("\"a\"b"),
    T("\xE2\x80\x9C"
      "a\xE2\x80\x9D"),
    T("`a`"),
    T("\"\x80\""),
    T("\"\xBF\""),
    T("\"\xC0\x80\""),
    T("\"\xC0\xAF\""),
    T("\"\xC1\xBF\""),
    T("\"\xC2\""),
    T("\"\xC2"),
    T("\"\xC2\xC2\""),
    T("\"\xC2 \""),
    T("\"\xE0\x80\x80\""),
    T("\"\xE0\x9F\xBF\""),
    T("\"\xE2\x82\""),
    T("\"\xE2\x82"),
    T("\"\xE2\""),
    T("\"\xE2"),
    T("\"\xE2(\xA1\""),
    T("\"\xED\xA0\x80\""),
    T("\"\xED\xBF\xBF\""),
    T("\"\xED\xA0\xBD\xED\xB8\x80\""),
    T("\"\xF0\x80\x80\x80\""),
    T("\"\xF0\x8F\xBF\xBF\""),
    T("\"\xF0\x9F\x98\""),
    T("\"\xF0\x9F\x98"),
    T("\"\xF0\x9F"),
    T("\"\xF0"),
    T("\"\xF4\x90\x80\x80\""),
    T("\"\xF5\x80\x80\x80\""),
    T("\"\xF8\x88\x80\x80\x80\""),
    T("\"\xFC\x84\x80\x80\x80\x80\""),
    T("\"\xFE\""),
    T("\"\xFF\""),
    T("\"\xFF\xFF\xFF\xFF\""),
    T("\"123456\xFF\""),
    T("\"1234567\xFF\""),
    T("\"12345678\xFF\""),
    T("\"\xC3\xA9\xFF\""),
    T("[\xFF]"),
    T("{\xFF}"),
    T("{\"a\xFF\":1}"),
    T("{\"a\":\xFF}"),
    T("[1]\xFF"),
    T("\xE6\x97\xA5"),
    T("["),
    T("]"),
    T("[["),
    T("[]]"),
    T("[}"),
    T("[1"),
    T("[1,"),
    T("[1,]"),
    T("[,]"),
    T("[,1]"),
    T("[1,,2]"),
    T("[1 2]"),
    T("[1;2]"),
    T("[1:2]"),
    T("[\"a\" \"b\"]"),
    T("[\"a\":1]"),
    T("[\"a\",\n4\n,1,"),
    T("[1 true]"),
    T("[true false]"),
    T("[tru]"),
    T("[-]"),
    T("[1.]"),
    T("[\"]"),
    T("[\"a]"),
    T("[,\"\"]"),
    T("[*]"),
    T("[a"),
    T("[][]"),
    T("[],[]"),
    T("[] 1"),
    T("[1]]"),
    T("[1}"),
    T("[()]"),
    T("[1, // no\n2]"),
    T("[1, /* no */ 2]"),
    T("[1]#"),
    T("[1]//"),
    T("[1]/**/"),
    T("# no\n1"),
    T("{"),
    T("}"),
    T("{{"),
    T("{}}"),
    T("{]"),
    T("{}{}"),
    T("{},"),
    T("{} x"),
    T("{,}"),
    T("{:1}"),
    T("{1:1}"),
    T("{null:1}"),
    T("{a:1}"),
    T("{'a':1}"),
    T("{[]:1}"),
    T("{{}:1}"),
    T("{\"a\"}"),
    T("{\"a\""),
    T("{\"a"),
    T("{\"a\":"),
    T("{\"a\":}"),
    T("{\"a\":1"),
    T("{\"a\":1,"),
    T("{\"a\":1,}"),
    T("{\"a\":1,,\"b\":2}"),
    T("{\"a\":1,\"b\"}"),
    T("{\"a\":1,\"b\":}"),
    T("{\"a\":1 \"b\":2}"),
    T("{\"a\":1;\"b\":2}"),
    T("{\"a\" 1}"),
    T("{\"a\"::1}"),
    T("{\"a\"=1}"),
    T("{\"a\"=>1}"),
    T("{\"a\",1}"),
    T("{\"a\":1:2}"),
    T("{\"a\":1]"),
    T("{\"a\":[}"),
    T("{\"a\":{}"),
    T("{\"a\":/*x*/1}"),
    T("{\"a\":1}//"),
    T("{\"a\":1}#{}"),
    T("{,\"a\":1}"),
    T("{\"a\":'1'}"),
    T("{\"a\\"),
    T("{\"a\\\":1}"),
    T("{\"a\":1,\"a\":2}"),
    T("{\"a\":1,\"a\":1}"),
    T("{\"a\":{},\"a\":{}}"),
    T("{\"a\":[1],\"b\":2,\"a\":3}"),
    T("{\"\":1,\"\":2}"),
    T("{\"a\":1,\"\\u0061\":2}"),
    T("{\"\\n\":1,\"\\u000a\":2}"),
    T("{\"\xC3\xA9\":1,\"\\u00e9\":2}"),
    T("[{\"a\":{\"b\":1,\"b\":2}}]"),
    T("{\"a\":1,\"a\""),
    T("{\"a\":1,\"a\":"),
    T("{\"a\":1,\"a\":[}"),
    T("{\"\\u0000\":1}"),
    T("{\"a\\u0000\":1}"),
    T("{\"\\u0000a\":1}"),
    T("{\"a\\u0000b\":{}}"),
};

/* A copy that ends where it ends, for a sanitizer to watch. */
static enum error_code read_exactly(struct slice text, json_t **ret_value, struct error *reterr)
{
    AUTO(freep) char *copy = xmalloc(text.len);
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    return json_read((struct slice){copy, text.len}, text.len, ret_value, reterr);
}

/* jansson takes a NUL for the end, and whatever stands behind it for nothing. */
static json_t *read_by_jansson(struct slice text)
{
    if (text.len > 0 && memchr(text.ptr, '\0', text.len))
        return NULL;
    return json_loadb(text.ptr, text.len, JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_REJECT_DUPLICATES,
                      NULL);
}

/* Line and column are within the text, and nothing of it garbles the complaint. */
static bool names_a_place(struct slice text, const char *complaint)
{
    int line = 0, column = 0, lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    for (const char *c = complaint; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            return false;
    return sscanf(complaint, "line %d, column %d: ", &line, &column) == 2 && line >= 1 &&
           line <= lines && column >= 1 && column <= (int)text.len + 1 &&
           slice_valid_utf8(slice_of(complaint));
}

/* Both readers say the same; returns whether it is JSON. Check writes each assertion down, so there
 * is none where all is well. */
static bool agree(struct slice text)
{
    AUTO(json_decrefp) json_t *ours = NULL, *theirs = read_by_jansson(text);
    struct error error = {0};
    enum error_code code = read_exactly(text, &ours, &error);
    if ((code == ERR_OK) != (theirs != NULL) || (ours && !json_equal(ours, theirs)))
        ck_abort_msg("'%.*s' is not read as jansson does: %s", (int)text.len, text.ptr, error.text);
    if (code && !names_a_place(text, error.text))
        ck_abort_msg("of '%.*s': %s", (int)text.len, text.ptr, error.text);
    return code == ERR_OK;
}

START_TEST(json_is_accepted)
{
    for (size_t i = 0; i < COUNT(json); i++)
        ck_assert_msg(agree(json[i]), "'%s'", json[i].ptr);
}
END_TEST

START_TEST(what_is_not_json_is_refused)
{
    for (size_t i = 0; i < COUNT(not_json); i++)
        ck_assert_msg(!agree(not_json[i]), "'%s'", not_json[i].ptr);
}
END_TEST

/* Each byte left out, doubled, and replaced by each that means something. */
static void change_each_byte(struct slice text)
{
    static const char bytes[] =
        "\0\t\n \"\\/[]{}:,-+.0189aEeflnrstu'\x1F\x7F\x80\xBF\xC2\xE0\xED\xF0\xFF";
    char changed[256];
    for (size_t at = 0; at < text.len; at++) {
        memcpy(changed, text.ptr, at);
        memcpy(changed + at, text.ptr + at + 1, text.len - at - 1);
        agree((struct slice){changed, text.len - 1});
        memcpy(changed + at + 1, text.ptr + at, text.len - at);
        changed[at] = text.ptr[at];
        agree((struct slice){changed, text.len + 1});
        for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
            changed[at] = bytes[i];
            agree((struct slice){changed, text.len + 1});
            memcpy(changed + at + 1, text.ptr + at + 1, text.len - at - 1);
            agree((struct slice){changed, text.len});
            memcpy(changed + at + 1, text.ptr + at, text.len - at);
        }
    }
}

START_TEST(every_byte_matters_as_it_does_to_jansson)
{
    for (size_t i = 0; i < COUNT(json); i++)
        change_each_byte(json[i]);
    for (size_t i = 0; i < COUNT(not_json); i++)
        change_each_byte(not_json[i]);
}
END_TEST

START_TEST(every_cut_is_refused_or_a_value_of_its_own)
{
    struct slice whole = SLICE("{\"a\\u00e9\": [1.5e3, -20, \"x\\ud83d\\ude00\xE6\x97\xA5\", null, "
                               "true, {\"b\": [[], {}, false]}]}");
    for (size_t len = 0; len <= whole.len; len++) {
        ck_assert(agree((struct slice){whole.ptr, len}) == (len == whole.len));
        for (size_t from = 1; from <= len; from++)
            agree((struct slice){whole.ptr + from, len - from});
    }
}
END_TEST

UNIT_MAIN(json_is_accepted, what_is_not_json_is_refused, every_byte_matters_as_it_does_to_jansson,
          every_cut_is_refused_or_a_value_of_its_own)
