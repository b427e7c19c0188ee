/* SPDX-License-Identifier: Apache-2.0
 *
 * Formats: for each some strings that are and some that are not.
 */
#include "contract_test.h"

static bool fits(const char *format, const char *string)
{
    json_t *schema = json_pack("{s:s}", "format", format);
    json_t *value = json_string(string);
    struct contract *contract;
    ck_assert_int_eq(contract_compile(schema, NULL, &contract, NULL), ERR_OK);
    bool answer = accepts_json(contract, value);
    contract_unref(contract);
    json_decref(schema);
    json_decref(value);
    return answer;
}

static void check(const char *format, const char *const good[], const char *const bad[])
{
    for (size_t i = 0; good[i]; i++)
        ck_assert_msg(fits(format, good[i]), "%s refuses %s", format, good[i]);
    for (size_t i = 0; bad[i]; i++)
        ck_assert_msg(!fits(format, bad[i]), "%s accepts %s", format, bad[i]);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

START_TEST(dates_and_times)
{
    check("date", LIST("2026-11-05", "2024-02-29", "2000-02-29"),
          LIST("2026-02-29", "1900-02-29", "2026-13-01", "2026-00-01", "2026-1-1", "20261105",
               "2026-04-31", "2026-11-05 ", ""));
    check("time",
          LIST("13:15:00Z", "13:15:00.123+02:00", "23:59:60Z", "01:29:60+01:30", "00:00:00z"),
          LIST("13:15:00", "24:00:00Z", "13:60:00Z", "22:59:60Z", "13:15:00.Z", "1:15:00Z",
               "13:15:00+24:00", "13:15:00+0200"));
    check("date-time", LIST("2026-11-05T13:15:00Z", "1998-12-31t15:59:60.123-08:00"),
          LIST("2026-11-05", "2026-11-05 13:15:00Z", "2026-11-05T13:15:00"));
    check("duration", LIST("P4DT12H30M5S", "P2W", "PT0S", "P1Y2M3D"),
          LIST("P", "PT", "P1YT", "P1D2H", "P2D1Y", "P1Y2W", "1D", "P1Y2D", ""));
}
END_TEST
START_TEST(addresses)
{
    check("ipv4", LIST("192.0.2.1", "0.0.0.0", "255.255.255.255"),
          LIST("1.2.3", "256.0.0.1", "01.2.3.4", "1.2.3.4.5", "1.2.3.", "1.2.3.4 ", "1..3.4"));
    check("ipv6",
          LIST("::", "::1", "1::", "2001:db8::1", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1",
               "1:2:3:4:5:6:1.2.3.4", "1::2:3:4:5:6:7"),
          LIST("", ":", ":1", "1:", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
               "12345::", "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4", "fe80::1%eth0",
               ":::", "1:2:3:4:5:6:7::8", "g::"));
    check("hostname", LIST("a", "www.example.com", "1host", "xn--bcher-kva.example", "a--b"),
          LIST("", ".", "a.", ".a", "-a", "a-", "a_b",
               "b\xC3\xBC"
               "cher.example",
               "xn--", "xn--x"));
    check("idn-hostname",
          LIST("b\xC3\xBC"
               "cher.example",
               "example",
               "a\xE3\x80\x82"
               "b"),
          LIST("", "-\xC3\xBC", "a_\xC3\xBC", "\xC3\xBC.", "xn--x", "0a.\xD7\x90"));
    check(
        "email",
        LIST("a@b", "ann.b+c@example.com", "\"a b\"@example.com", "a@[127.0.0.1]", "a@[IPv6:::1]"),
        LIST("", "@b", "a@", "a", ".a@b", "a.@b", "a..b@c", "a b@c", "a@[1.2.3]", "a@b@c", "\"a@b",
             "\xC3\xA9@b"));
    check("idn-email",
          LIST("\xC3\xA9@b\xC3\xBC"
               "cher.example",
               "a@b"),
          LIST("@", "a@-"));
}
END_TEST
START_TEST(identifiers)
{
    check("uri",
          LIST("http://a/b?c#d", "urn:isbn:1", "mailto:a@b", "http://[::1]:80/",
               "a:", "http://u:p@h:1/%20", "file:///c:/x", "http://[v1.a]/"),
          LIST("", "/a", "a", "http://a b", "http://a/%2", "http://[::1", "1a:b", "http://a:b/",
               "http://\xC3\xA4/", "http://a/{b}", "http://a/\\b", "http://[x]/"));
    check("uri-reference", LIST("", "a", "/a?b#c", "//h/p", "?q", "#f", "./a:b"),
          LIST("a b", "\\a", "1:b", "%", "#a#b"));
    check("iri", LIST("http://\xC3\xA4/\xC3\xB6"), LIST("\xC3\xA4", "http://a b"));
    check("iri-reference", LIST("\xC3\xA4", ""), LIST("\\"));
    check("uri-template", LIST("", "a/{b}", "{+a,b*}{?c:3}", "{a.b}"),
          LIST("{", "}", "{}", "{a", "{a b}", "{a:0}", "{a:10000}", "{!a}", "a b", "{a.}", "%zz"));
    check("uuid",
          LIST("123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000"),
          LIST("", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g",
               "123e4567-e89b-12d3-a456-4266141740000"));
    check("json-pointer", LIST("", "/", "/a/~0~1", "/a//b"), LIST("a", "/~", "/~2", "#/a"));
    check("relative-json-pointer", LIST("0", "1/a", "10#", "0/"), LIST("", "-1", "01", "1a", "#"));
    check("regex", LIST("", "^a$", "(?<=a+)b", "[]"), LIST("(", "\\a", "(?P<n>x)", "[b-a]"));
}
END_TEST
START_TEST(a_format_says_nothing_of_other_types)
{
    assert_accepts("{'format': 'date'}", "12");
    assert_accepts("{'format': 'date'}", "{}");
}
END_TEST
START_TEST(formats_may_only_annotate)
{
    json_t *schema = json_quoted("{'format': 'nobody-knows', 'anyOf': [{'format': 'date'}]}");
    struct contract_options options = {.annotate_formats = true};
    struct contract *contract;
    json_t *value = json_string("x");
    ck_assert_int_eq(contract_compile(schema, &options, &contract, NULL), ERR_OK);
    ck_assert(accepts_json(contract, value));
    contract_unref(contract);
    json_decref(schema);
    json_decref(value);
}
END_TEST

UNIT_MAIN(dates_and_times, addresses, identifiers, a_format_says_nothing_of_other_types,
          formats_may_only_annotate)
