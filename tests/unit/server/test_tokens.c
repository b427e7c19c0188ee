/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens: what opens, to whom, until when.
 */
#include "unit.h"

#include "server/tokens_internal.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/seam-tokens.XXXXXX";

static void in_a_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

static void put(const char *name, const char *value, mode_t mode)
{
    unlink(name);
    FILE *file = fopen(name, "we");
    ck_assert_ptr_nonnull(file);
    fputs(value, file);
    fclose(file);
    ck_assert_int_eq(chmod(name, mode), 0);
}

static enum error_code make(const char *list, struct tokens **ret_tokens, struct error *reterr)
{
    json_t *serve = json_pack("{s:o}", "tokens", json_loads(list, 0, NULL));
    struct manifest manifest = {.folder = folder, .serve = serve};
    enum error_code code = tokens_new(&manifest, ret_tokens, reterr);
    json_decref(serve);
    return code;
}

#define TOKEN "0123456789abcdef"

START_TEST(a_token_opens_what_its_scopes_say)
{
    struct tokens *tokens = NULL;
    struct error error;
    const char *who = NULL;
    in_a_folder();
    put("ops", "  " TOKEN "-ops\n", 0600);
    setenv("VIEW", TOKEN "-view", 1);
    setenv("ROOT", TOKEN "-root", 1);
    ck_assert_int_eq(make("[{\"file\": \"ops\", \"scopes\": [\"answer\"]},"
                          " {\"env\": \"VIEW\", \"scopes\": [\"read\"], \"name\": \"viewer\"},"
                          " {\"env\": \"ROOT\", \"scopes\": [\"admin\"]}]",
                          &tokens, &error),
                     ERR_OK);
    ck_assert_uint_eq(tokens_admit(tokens, "Bearer " TOKEN "-ops", &who),
                      SCOPE_READ | SCOPE_ANSWER);
    ck_assert_str_eq(who, "ops");
    ck_assert_uint_eq(tokens_admit(tokens, "bearer  " TOKEN "-view", &who), SCOPE_READ);
    ck_assert_str_eq(who, "viewer");
    ck_assert_uint_eq(tokens_admit(tokens, "Bearer " TOKEN "-root", &who), SCOPE_ALL);
    tokens_free(tokens);
}
END_TEST

START_TEST(nothing_else_opens)
{
    struct tokens *tokens = NULL;
    struct error error;
    const char *who = NULL;
    setenv("ONE", TOKEN, 1);
    ck_assert_int_eq(make("[{\"env\": \"ONE\", \"scopes\": [\"run\"]}]", &tokens, &error), ERR_OK);
    static const char *const shown[] = {NULL,
                                        "",
                                        "Bearer",
                                        "Bearer ",
                                        TOKEN,
                                        "Basic " TOKEN,
                                        "Bearer0123",
                                        "Bearer " TOKEN "0",
                                        "Bearer " TOKEN " ",
                                        "Bearer 0123456789abcde",
                                        "Bearer 0123456789ABCDEF"};
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
        ck_assert_msg(tokens_admit(tokens, shown[i], &who) == 0, "%s opens", shown[i]);
    ck_assert_ptr_null(who);
    tokens_free(tokens);
}
END_TEST

static void refused(const char *list, enum error_code code, const char *words)
{
    struct tokens *tokens = NULL;
    struct error error = {0};
    ck_assert_int_eq(make(list, &tokens, &error), code);
    ck_assert_msg(strstr(error.text, words) != NULL, "\"%s\" is not in: %s", words, error.text);
    ck_assert_ptr_null(tokens);
}

START_TEST(what_cannot_be_relied_on_is_refused)
{
    in_a_folder();
    put("open", TOKEN, 0644);
    put("wide", TOKEN, 0620);
    put("short", "0123456789abcde\n", 0600);
    put("two", TOKEN "\n" TOKEN "\n", 0600);
    put("empty", "", 0600);
    put("a", TOKEN, 0600);
    put("b", TOKEN "\n", 0400);
    mkdir("folder", 0700);
    refused("[{\"file\": \"open\", \"scopes\": [\"run\"]}]", ERR_DENIED, "chmod 600");
    refused("[{\"file\": \"wide\", \"scopes\": [\"run\"]}]", ERR_DENIED, "chmod 600");
    refused("[{\"file\": \"short\", \"scopes\": [\"run\"]}]", ERR_DENIED, "at least 16");
    refused("[{\"file\": \"two\", \"scopes\": [\"run\"]}]", ERR_DENIED, "one line");
    refused("[{\"file\": \"empty\", \"scopes\": [\"run\"]}]", ERR_DENIED, "at least 16");
    refused("[{\"file\": \"folder\", \"scopes\": [\"run\"]}]", ERR_DENIED, "no regular file");
    refused("[{\"file\": \"none\", \"scopes\": [\"run\"]}]", ERR_IO, "cannot be opened");
    refused("[{\"env\": \"NOT_SET_AT_ALL\", \"scopes\": [\"run\"]}]", ERR_NOT_FOUND, "not set");
    refused("[{\"file\": \"a\", \"scopes\": [\"run\"]}, {\"file\": \"b\", \"scopes\": [\"read\"]}]",
            ERR_DENIED, "are the same");
}
END_TEST

START_TEST(a_token_is_replaced_and_withdrawn_while_it_is_used)
{
    struct tokens *tokens = NULL;
    struct error error;
    const char *who = NULL;
    in_a_folder();
    put("ops", TOKEN "-old", 0600);
    ck_assert_int_eq(make("[{\"file\": \"ops\", \"scopes\": [\"run\"]}]", &tokens, &error), ERR_OK);
    put("ops", TOKEN "-new", 0600);
    ck_assert_int_eq(tokens_look(tokens, &error), ERR_OK);
    ck_assert_uint_eq(tokens_admit(tokens, "Bearer " TOKEN "-old", &who), 0);
    ck_assert_uint_ne(tokens_admit(tokens, "Bearer " TOKEN "-new", &who), 0);
    ck_assert_int_eq(chmod("ops", 0644), 0);
    ck_assert_int_eq(tokens_look(tokens, &error), ERR_DENIED);
    ck_assert_uint_eq(tokens_admit(tokens, "Bearer " TOKEN "-new", &who), 0);
    ck_assert_int_eq(tokens_look(tokens, &error), ERR_OK); /* told once */
    ck_assert_int_eq(chmod("ops", 0600), 0);
    ck_assert_int_eq(tokens_look(tokens, &error), ERR_OK);
    ck_assert_uint_ne(tokens_admit(tokens, "Bearer " TOKEN "-new", &who), 0);
    unlink("ops");
    ck_assert_int_ne(tokens_look(tokens, &error), ERR_OK);
    ck_assert_uint_eq(tokens_admit(tokens, "Bearer " TOKEN "-new", &who), 0);
    ck_assert_int_eq(tokens_look(tokens, &error), ERR_OK);
    tokens_free(tokens);
}
END_TEST

UNIT_MAIN(a_token_opens_what_its_scopes_say, nothing_else_opens,
          what_cannot_be_relied_on_is_refused, a_token_is_replaced_and_withdrawn_while_it_is_used)
