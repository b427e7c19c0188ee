/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets are found in what comes from outside, however they are written there, and nothing else
 * is; and they are read only from where nobody else can read them.
 */
#include "unit.h"

#include "secret/secret.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static struct vault *vault_of(const char *secret)
{
    struct vault *vault = vault_new();
    struct slice bytes;
    struct error err;
    setenv("SEAM_TEST_SECRET", secret, 1);
    ck_assert_int_eq(vault_read(vault, "it", NULL, "SEAM_TEST_SECRET", &bytes, &err), ERR_OK);
    ck_assert(slice_is(bytes, secret));
    return vault;
}

static void check(const char *secret, const char *in, bool fold, const char *expected)
{
    struct vault *vault = vault_of(secret);
    AUTO(text_done) struct text out;
    text_init(&out, 1 << 20);
    bool found = vault_redact(vault, slice_of(in), fold, &out);
    ck_assert_str_eq(found ? text_str(&out) : in, expected);
    ck_assert_int_eq(found, strcmp(in, expected) != 0);
    vault_free(vault);
}

START_TEST(redact_finds_every_spelling)
{
    static const struct {
        const char *secret, *in, *out;
    } cases[] = {
        {"s3cr/t", "a s3cr/t b s3cr/t", "a [secret it] b [secret it]"},
        {"s3cr/t", "s3cr%2ft s3cr%252Ft s3cr\\/t s3cr\\u002Ft",
         "[secret it] [secret it] [secret "
         "it] [secret it]"},
        {"s3cr/t", "&#115;3cr&sol;t s=33cr=2Ft", "[secret it] [secret it]"},
        {"s3cr/t", "7333637 733363722f74 733363722F74", "7333637 [secret it] [secret it]"},
        {"a b&c<d", "a+b&amp;c&lt;d a%20b%26c\\u003cd", "[secret it] [secret it]"},
        {"50%25off", "50%25off 50%2525off 50%25off%", "[secret it] [secret it] [secret it]%"},
        {"\xc3\xa9t\xc3\xa9!", "\\u00e9t\\u00E9! %C3%A9t%c3%a9! &#233;t&#xe9;!",
         "[secret it] [secret it] [secret it]"},
        {"key\xf0\x9f\x98\x80", "key\\ud83d\\uDE00 key&#128512;", "[secret it] [secret it]"},
        {"x+y+z+", "x+y+z+ x%2By%2Bz%2B", "[secret it] [secret it]"},
        {"aaab", "aaaab", "a[secret it]"},
        {"hunter22", "Basic dXNlcjpodW50ZXIyMg==", "Basic dXNlcjp[secret it]g=="},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(cases[i].secret, cases[i].in, false, cases[i].out);
}
END_TEST

START_TEST(redact_leaves_all_else)
{
    check("s3cret", "s3cre s3cr%65 \\u00 % %2 &#; &#x; \\ s3cr\\", false,
          "s3cre s3cr%65 \\u00 % %2 &#; &#x; \\ s3cr\\");
    check("S3cret", "s3cret", false, "s3cret");
    check("S3cret", "x-s3cret", true, "x-[secret it]");
    check("s3cret", "", false, "");
}
END_TEST

START_TEST(redact_ends_on_what_could_be_read_in_many_ways)
{
    char secret[2001], in[60001];
    memset(secret, '%', 2000);
    memset(in, '%', 60000);
    secret[1999] = '!';
    secret[2000] = in[60000] = '\0';
    for (size_t i = 1; i + 1 < 60000; i += 3)
        memcpy(in + i, "25", 2);
    struct vault *vault = vault_of(secret);
    AUTO(text_done) struct text out;
    text_init(&out, 1 << 20);
    ck_assert(!vault_redact(vault, slice_of(in), false, &out));
    vault_free(vault);
}
END_TEST

START_TEST(an_old_value_is_still_hidden)
{
    struct vault *vault = vault_of("first-one");
    struct slice bytes;
    setenv("SEAM_TEST_SECRET", "second-one", 1);
    ck_assert_int_eq(vault_read(vault, "it", NULL, "SEAM_TEST_SECRET", &bytes, NULL), ERR_OK);
    AUTO(text_done) struct text out;
    text_init(&out, 1 << 20);
    ck_assert(vault_redact(vault, SLICE("first-one second-one"), false, &out));
    ck_assert_str_eq(text_str(&out), "[secret it] [secret it]");
    vault_free(vault);
}
END_TEST

START_TEST(no_dump_is_written_by_who_has_secrets)
{
    vault_free(vault_of("s3cret"));
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_CORE, &limit), 0);
    ck_assert_uint_le(limit.rlim_max, 1);
}
END_TEST

/* However a text is cut, its pieces say what the whole says. */
static void check_in_pieces(const char *secret, const char *in, const char *expected)
{
    struct vault *vault = vault_of(secret);
    for (size_t piece = 1; piece <= strlen(in); piece++) {
        AUTO(text_done) struct text held, out;
        text_init(&held, 1 << 20);
        text_init(&out, 1 << 20);
        for (size_t at = 0; at < strlen(in); at += piece) {
            size_t left = strlen(in) - at;
            text_add(&held, in + at, left < piece ? left : piece);
            vault_filter(vault, &held, false, &out);
            ck_assert_msg(strncmp(text_str(&out), expected, out.len) == 0, "%s in %zu: %s", in,
                          piece, text_str(&out));
        }
        vault_filter(vault, &held, true, &out);
        ck_assert_uint_eq(held.len, 0);
        ck_assert_str_eq(text_str(&out), expected);
    }
    vault_free(vault);
}

START_TEST(a_text_in_pieces_hides_what_the_whole_does)
{
    static const struct {
        const char *secret, *in, *out;
    } cases[] = {
        {"s3cr/t", "a s3cr/t b s3cr/t", "a [secret it] b [secret it]"},
        {"s3cr/t", "s3cr%2ft s3cr%252Ft s3cr\\/t s3cr\\u002Ft",
         "[secret it] [secret it] [secret it] [secret it]"},
        {"s3cr/t", "&#115;3cr&sol;t s=33cr=2Ft", "[secret it] [secret it]"},
        {"s3cr/t", "&#x0000073;3cr/t \\u0025733cr/t", "[secret it] [secret it]"},
        {"s3cr/t", "7333637 733363722f74", "7333637 [secret it]"},
        {"aaab", "aaaaaab aaa b", "aaa[secret it] aaa b"},
        {"key\xf0\x9f\x98\x80", "key\\ud83d\\uDE00 key&#128512;", "[secret it] [secret it]"},
        {"hunter22", "Basic dXNlcjpodW50ZXIyMg== 100% & more =",
         "Basic dXNlcjp[secret it]g== "
         "100% & more ="},
        {"hunter22", "dXNlcjpodW50\r\nZXIyMg==", "dXNlcjp[secret it]g=="},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_in_pieces(cases[i].secret, cases[i].in, cases[i].out);
}
END_TEST

START_TEST(what_cannot_become_a_secret_is_not_held_back)
{
    struct vault *vault = vault_of("s3cr/t");
    static const char line[] = "data: {\"delta\":\"yes s3 \\n no\"}\n\n";
    AUTO(text_done) struct text held, out;
    text_init(&held, 1 << 20);
    text_init(&out, 1 << 20);
    text_adds(&held, line);
    vault_filter(vault, &held, false, &out);
    ck_assert_str_eq(text_str(&out), line);
    vault_free(vault);
}
END_TEST

UNIT_MAIN(redact_finds_every_spelling, redact_leaves_all_else,
          a_text_in_pieces_hides_what_the_whole_does, what_cannot_become_a_secret_is_not_held_back,
          redact_ends_on_what_could_be_read_in_many_ways, an_old_value_is_still_hidden,
          no_dump_is_written_by_who_has_secrets)
