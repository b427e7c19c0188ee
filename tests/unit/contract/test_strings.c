/* SPDX-License-Identifier: Apache-2.0
 *
 * Lengths and patterns. A pattern that the room recognises as simple must answer as the engine
 * does:
 * `(?:p)` is p for the engine, and never simple.
 */
#include "contract_test.h"

START_TEST(lengths_count_characters)
{
    assert_accepts("{'maxLength': 2}", "'\xF0\x9F\x98\x80\xC3\xA4'");
    assert_refuses("{'maxLength': 1}", "'\xF0\x9F\x98\x80\xC3\xA4'");
    assert_refuses("{'minLength': 3}", "'\xF0\x9F\x98\x80\xC3\xA4'");
    assert_accepts("{'minLength': 2}", "'\xF0\x9F\x98\x80\xC3\xA4'");
    assert_accepts("{'minLength': 0, 'maxLength': 0}", "''");
    assert_accepts("{'maxLength': 18446744073709551616.0}", "'abc'");
}
END_TEST

static bool matches(const char *pattern, const char *string)
{
    json_t *schema = json_pack("{s:s}", "pattern", pattern);
    json_t *value = json_string(string);
    struct contract *contract;
    struct error err;
    ck_assert_msg(contract_compile(schema, NULL, &contract, &err) == ERR_OK, "%s: %s", pattern,
                  err.text);
    bool answer = accepts_json(contract, value);
    contract_unref(contract);
    json_decref(schema);
    json_decref(value);
    return answer;
}

START_TEST(patterns_are_of_ecma_262)
{
    static const struct {
        const char *pattern, *string;
        bool matches;
    } rows[] = {
        {"^abc$", "abc\n", false},
        {"^.$", "\n", false},
        {"^.$", "\xE2\x80\xA8", false},
        {"^.$", "\xC2\x85", true},
        {"^[^]$", "\n", true},
        {"[]", "a", false},
        {"^\\s$", "\xEF\xBB\xBF", true},
        {"^[\\s]$", "\xC2\xA0", true},
        {"^\\S$", "\xC2\xA0", false},
        {"^[\\S]$", "\xC2\xA0", false},
        {"^[\\S]$", "\xE3\x80\x81", true},
        {"^[^\\S]$", " ", true},
        {"^\\d$", "\xD9\xA3", false},
        {"^\\w$", "\xC3\xA9", false},
        {"^\\cJ$", "\n", true},
        {"^\\x41\\u0042\\u{43}$", "ABC", true},
        {"^\\uD83D\\uDE00$", "\xF0\x9F\x98\x80", true},
        {"^[\\uD83D\\uDE00-\\u{1F602}]$", "\xF0\x9F\x98\x81", true},
        {"^\\p{Lu}\\P{L}\\p{Script=Greek}$", "A1\xCE\xB1", true},
        {"^\\p{Letter}+$", "a\xC3\xA9", true},
        {"^\\p{gc=Decimal_Number}$", "\xD9\xA3", true},
        {"^[\\w-.]+$", "a-b.c", true},
        {"^[a-z\\-_.]+$", "a-b_.c", true},
        {"^{a}$", "{a}", true},
        {"^a{,2}$", "a{,2}", true},
        {"^a{2}$", "aa", true},
        {"]", "]", true},
        {"^[[:alpha:]]$", ":]", true},
        {"^[[:alpha:]]$", "b", false},
        {"^(?<year>\\d{4})-\\k<year>$", "1999-1999", true},
        {"^(a)?\\1b$", "b", true},
        {"^(?:(?=a)a|(?!a)b)(?<=[ab])$", "b", true},
        {"^(?i:ab)c$", "ABc", true},
        {"^\\0$", "", false},
        {"^a#b c$", "a#b c", true},
        {"^[\\b]$", "\b", true},
        {"\\bfoo\\b", "a foo b", true},
        {"^\\$\\{x\\}\\/$", "${x}/", true},
        {"a*?b", "xxb", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(matches(rows[i].pattern, rows[i].string) == rows[i].matches, "%s on %s",
                      rows[i].pattern, rows[i].string);
}
END_TEST
START_TEST(what_only_perl_has_is_refused)
{
    static const char *const patterns[] = {
        "\\\\A",   "a\\\\Z",       "\\\\a", "\\\\Qx", "\\\\h",   "(?P<n>a)", "(?#c)",
        "(?i)a",   "(?>a)",        "a++",   "a{2}+",  "(*UTF)",  "(?R)",     "(",
        ")",       "[a",           "a**",   "*",      "+a",      "[b-a]",    "\\\\",
        "\\\\u12", "\\\\p{Nope!}", "\\\\p", "\\\\1",  "(?<1>a)", "\\\\k<x>", "\\\\c1",
        "(?s:.)",  "\\\\uD800",    "a{2,1}"};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        char *schema = xasprintf("{'pattern': '%s'}", patterns[i]);
        assert_no_contract(schema, ERR_INPUT, "schema at \"/pattern\": the pattern");
        free(schema);
    }
}
END_TEST
START_TEST(simple_patterns_answer_as_the_engine_does)
{
    static const char *const patterns[] = {"",
                                           "^",
                                           "$",
                                           ".*",
                                           "^.*",
                                           "^.*$",
                                           ".*$",
                                           "abc",
                                           "^abc",
                                           "abc$",
                                           "^abc$",
                                           "^$",
                                           "\\.json$",
                                           "^a\\/b$",
                                           "^a\\\\$",
                                           "a\\$",
                                           "^\\$",
                                           "^[a-z]+$",
                                           "^[a-z0-9_-]{2,4}$",
                                           "^[\\w.-]*$",
                                           "^\\d$",
                                           "^\\d{3}$",
                                           "^\\d{2,}$",
                                           "^[-a]?$",
                                           "^[a\\]]+$",
                                           "^[A-Z]$",
                                           "^[ -~]+$",
                                           "^[^a]$",
                                           "^\xC3\xA4",
                                           "^[a\xC3\xA4]+$",
                                           "^[\\-\\d]+$",
                                           "^[a-]+$",
                                           "^\\w+$",
                                           "^a{2}$",
                                           "^[a]{0}$",
                                           "^[a-z]+",
                                           "[a-z]+$",
                                           "^[+--]$",
                                           "^[.^]$"};
    static const char *const strings[] = {
        "",     "a",     "abc",  "xabc", "abcx",     "abc\n",     "a.json", "ajson",
        "a/b",  "a\\",   "$",    "a$",   "-",        "a-",        "12",     "123",
        "1234", "12345", "a_b-", "A",    "\xC3\xA4", "\xC3\xA4!", "a]",     "^",
        ".",    "a b",   "\n",   "aa",   "+",        ",",         "ab1.c",  "Z9_"};
    for (size_t p = 0; p < sizeof(patterns) / sizeof(patterns[0]); p++) {
        char *engine = xasprintf("(?:%s)", patterns[p]);
        for (size_t s = 0; s < sizeof(strings) / sizeof(strings[0]); s++)
            ck_assert_msg(matches(patterns[p], strings[s]) == matches(engine, strings[s]),
                          "\"%s\" on \"%s\"", patterns[p], strings[s]);
        free(engine);
    }
}
END_TEST
START_TEST(a_string_with_nul_is_matched_whole)
{
    assert_refuses("{'pattern': '^a$'}", "'a\\u0000'");
    assert_accepts("{'pattern': '^(a\\\\u0000b)$'}", "'a\\u0000b'");
    assert_refuses("{'format': 'date'}", "'2026-01-01\\u0000'");
    assert_refuses("{'enum': ['a', 'b']}", "'a\\u0000'");
}
END_TEST

UNIT_MAIN(lengths_count_characters, patterns_are_of_ecma_262, what_only_perl_has_is_refused,
          simple_patterns_answer_as_the_engine_does, a_string_with_nul_is_matched_whole)
