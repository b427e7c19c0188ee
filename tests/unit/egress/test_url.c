/* SPDX-License-Identifier: Apache-2.0
 *
 * URLs in one spelling; and what two readers could read differently, refused.
 */
#include "unit.h"

#include "base/limits.h"
#include "egress/egress.h"

#include <string.h>

/* Splits into the given parts and text, and the text splits into itself. */
static void splits(const char *url, const char *scheme, const char *host, uint16_t port,
                   const char *path, const char *query, const char *text)
{
    struct egress_url made, again;
    struct error error = {0};
    ck_assert_msg(egress_url_split(url, &made, &error) == ERR_OK, "%s: %s", url, error.text);
    ck_assert_str_eq(made.scheme, scheme);
    ck_assert_str_eq(made.host, host);
    ck_assert_uint_eq(made.port, port);
    ck_assert_str_eq(made.path, path);
    ck_assert_pstr_eq(made.query, query);
    ck_assert_str_eq(made.text, text);
    ck_assert_int_eq(egress_url_split(made.text, &again, &error), ERR_OK);
    ck_assert_str_eq(again.text, made.text);
    egress_url_done(&again);
    egress_url_done(&made);
    ck_assert_ptr_null(made.text);
}

static void refused(const char *url, const char *words)
{
    struct egress_url made = {.port = 7};
    struct error error = {0};
    ck_assert_msg(egress_url_split(url, &made, &error) == ERR_INPUT, "%s is taken", url);
    ck_assert_msg(strstr(error.text, words), "%s: \"%s\" is not in \"%s\"", url, words, error.text);
    ck_assert_uint_eq(made.port, 7);
    ck_assert_int_eq(egress_url_split(url, &made, NULL), ERR_INPUT);
}

START_TEST(a_url_splits_into_its_parts)
{
    splits("http://example.com:8700/search?q=1", "http", "example.com", 8700, "/search", "q=1",
           "http://example.com:8700/search?q=1");
    splits("https://api.example.com/v1/a/", "https", "api.example.com", 443, "/v1/a/", NULL,
           "https://api.example.com:443/v1/a/");
}
END_TEST

START_TEST(scheme_and_host_are_in_lower_case)
{
    splits("HTTPS://API.Example.COM/V1", "https", "api.example.com", 443, "/V1", NULL,
           "https://api.example.com:443/V1");
}
END_TEST

START_TEST(a_missing_port_or_path_is_filled_in)
{
    splits("http://a", "http", "a", 80, "/", NULL, "http://a:80/");
    splits("http://a:", "http", "a", 80, "/", NULL, "http://a:80/");
    splits("http://a?b", "http", "a", 80, "/", "b", "http://a:80/?b");
    splits("https://a:0443/", "https", "a", 443, "/", NULL, "https://a:443/");
}
END_TEST

START_TEST(addresses_have_one_spelling)
{
    splits("http://127.1/", "http", "127.0.0.1", 80, "/", NULL, "http://127.0.0.1:80/");
    splits("http://0x7f000001/", "http", "127.0.0.1", 80, "/", NULL, "http://127.0.0.1:80/");
    splits("http://2130706433/", "http", "127.0.0.1", 80, "/", NULL, "http://127.0.0.1:80/");
    splits("http://0177.0.0.1/", "http", "127.0.0.1", 80, "/", NULL, "http://127.0.0.1:80/");
    splits("http://[0:0::0:1]:81/", "http", "::1", 81, "/", NULL, "http://[::1]:81/");
    splits("http://[FE80::A]/", "http", "fe80::a", 80, "/", NULL, "http://[fe80::a]:80/");
    splits("http://[::ffff:127.0.0.1]/", "http", "::ffff:127.0.0.1", 80, "/", NULL,
           "http://[::ffff:127.0.0.1]:80/");
}
END_TEST

START_TEST(needless_encoding_is_undone_in_paths)
{
    splits("http://a/%73e%61rch/%7Euser", "http", "a", 80, "/search/~user", NULL,
           "http://a:80/search/~user");
    splits("http://a/x%c3%a4%20%25%3F", "http", "a", 80, "/x%C3%A4%20%25%3F", NULL,
           "http://a:80/x%C3%A4%20%25%3F");
    splits("http://a/b;c=d/.e/f..g/...", "http", "a", 80, "/b;c=d/.e/f..g/...", NULL,
           "http://a:80/b;c=d/.e/f..g/...");
}
END_TEST

START_TEST(a_query_stays_as_it_came)
{
    splits("http://a/b?%73=%2F../..//?@:%zz", "http", "a", 80, "/b", "%73=%2F../..//?@:%zz",
           "http://a:80/b?%73=%2F../..//?@:%zz");
}
END_TEST

START_TEST(other_schemes_are_refused)
{
    refused("", "expected http://");
    refused("ftp://a/", "expected http://");
    refused("file:///etc/passwd", "expected http://");
    refused("gopher://a/", "expected http://");
    refused("a.example/", "expected http://");
    refused("//a/", "expected http://");
    refused("http:a", "expected http://");
    refused("http:/a", "expected http://");
    refused("httpx://a", "expected http://");
    refused("http:///a", "no host");
    refused("http://", "no host");
    refused("http://?a", "no host");
}
END_TEST

START_TEST(user_info_is_refused)
{
    refused("http://user@a/", "user info");
    refused("http://user:secret@a/", "user info");
    refused("http://@a/", "user info");
    refused("http://granted.example@evil.example/", "user info");
    refused("http://granted.example:80@evil.example/", "user info");
}
END_TEST

START_TEST(fragments_backslashes_and_invisible_bytes_are_refused)
{
    refused("http://a/#b", "'#'");
    refused("http://a#@b/", "'#'");
    refused("http://a\\@b/", "'\\'");
    refused("http://a/b\\..\\c", "'\\'");
    refused("http://a/b c", "0x20");
    refused(" http://a/", "0x20");
    refused("http://a/\r\nHost: b", "0x0D");
    refused("http://a/\t", "0x09");
    refused("http://a/\x7F", "0x7F");
    refused("http://\xC3\xA4.example/", "punycode");
}
END_TEST

START_TEST(odd_hosts_are_refused)
{
    refused("http://a%2eb/", "'%'");
    refused("http://a,b/", "','");
    refused("http://*/", "'*'");
    refused("http://a..b/", "not a host name");
    refused("http://.a/", "not a host name");
    refused("http://a./", "not a host name");
    refused("http://127.0.0.1./", "not a host name");
    refused("http://[::1/", "URL:");
    refused("http://[]/", "URL:");
    refused("http://[::g]/", "URL:");
    refused("http://[fe80::1%25eth0]/", "'%'");
    refused("http://[::1]a/", "URL:");
    refused("http://a]/", "URL:");
    refused("http://a:b:80/", "URL:");
    char url[400] = "http://";
    memset(url + 7, 'a', 254);
    refused(url, "not a host name");
}
END_TEST

START_TEST(odd_ports_are_refused)
{
    refused("http://a:0/", "URL:");
    refused("http://a:65536/", "URL:");
    refused("http://a:-1/", "URL:");
    refused("http://a:80a/", "URL:");
    refused("http://a:99999999999999999999/", "URL:");
}
END_TEST

START_TEST(paths_that_lead_elsewhere_are_refused)
{
    refused("http://a/search/../book", "segment");
    refused("http://a/..", "segment");
    refused("http://a/.", "segment");
    refused("http://a/./b", "segment");
    refused("http://a/search/%2e%2E/book", "segment");
    refused("http://a/search/.%2e", "segment");
    refused("http://a/search/..;/book", "segment");
    refused("http://a/search/..;v=1/book", "segment");
    refused("http://a//b", "\"//\"");
    refused("http://a/b//", "\"//\"");
    refused("http://a/search%2fbook", "%2F");
    refused("http://a/search%5Cbook", "%5C");
    refused("http://a/search%00", "%00");
    refused("http://a/search%0d%0a", "%0D");
    refused("http://a/search%7f", "%7F");
    refused("http://a/%", "two hex digits");
    refused("http://a/%4", "two hex digits");
    refused("http://a/%zz", "two hex digits");
}
END_TEST

START_TEST(a_url_has_a_limit)
{
    static char url[LIMIT_URL + 2];
    memset(url, 'a', LIMIT_URL + 1);
    memcpy(url, "http://a/", 9);
    refused(url, "longer than");
    url[LIMIT_URL] = '\0';
    struct egress_url made;
    ck_assert_int_eq(egress_url_split(url, &made, NULL), ERR_OK);
    egress_url_done(&made);
}
END_TEST

UNIT_MAIN(a_url_splits_into_its_parts, scheme_and_host_are_in_lower_case,
          a_missing_port_or_path_is_filled_in, addresses_have_one_spelling,
          needless_encoding_is_undone_in_paths, a_query_stays_as_it_came, other_schemes_are_refused,
          user_info_is_refused, fragments_backslashes_and_invisible_bytes_are_refused,
          odd_hosts_are_refused, odd_ports_are_refused, paths_that_lead_elsewhere_are_refused,
          a_url_has_a_limit)
