/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors: what is written, what is left alone, and texts that are too long.
 */
#include "unit.h"

#include "base/text.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char dots[] = "…";

static bool ends_in_dots(const char *text)
{
    size_t length = strlen(text);
    return length >= 3 && strcmp(text + length - 3, dots) == 0;
}

START_TEST(every_code_has_words)
{
    for (int code = ERR_OK; code <= ERR_INTERNAL; code++)
        ck_assert_int_gt((int)strlen(error_code_text((enum error_code)code)), 0);
    ck_assert_str_eq(error_code_text(ERR_OK), "ok");
    ck_assert_str_eq(error_code_text(ERR_INTERNAL), "internal error");
}
END_TEST

START_TEST(an_error_is_set_and_its_code_returned)
{
    struct error error;
    ck_assert_int_eq(error_set(&error, ERR_LIMIT, "%s: %d", "items", 7), ERR_LIMIT);
    ck_assert_int_eq(error.code, ERR_LIMIT);
    ck_assert_str_eq(error.text, "items: 7");
}
END_TEST

START_TEST(nobody_need_listen)
{
    ck_assert_int_eq(error_set(NULL, ERR_BUSY, "x"), ERR_BUSY);
    ck_assert_int_eq(error_set_errno(NULL, EACCES, "x"), ERR_IO);
    ck_assert_int_eq(error_set_errno(NULL, ENOSPC, "x"), ERR_NO_SPACE);
    error_prefix(NULL, "x");
}
END_TEST

START_TEST(errno_becomes_words_and_a_code)
{
    struct error error;
    ck_assert_int_eq(error_set_errno(&error, ENOENT, "open %s", "a"), ERR_IO);
    ck_assert_str_eq(error.text, "open a: No such file or directory");
    ck_assert_int_eq(error_set_errno(&error, ENOSPC, "write"), ERR_NO_SPACE);
    ck_assert_int_eq(error.code, ERR_NO_SPACE);
    ck_assert_int_eq(error_set_errno(&error, EDQUOT, "write"), ERR_NO_SPACE);
    ck_assert_int_eq(error_set_errno(&error, 99999, "write"), ERR_IO);
    ck_assert_str_eq(error.text, "write: Unknown error 99999");
}
END_TEST

START_TEST(context_goes_before_the_text)
{
    struct error error;
    (void)error_set(&error, ERR_INPUT, "expected a number");
    error_prefix(&error, "step %s: ", "book");
    error_prefix(&error, "%s: ", "flow.yaml");
    ck_assert_str_eq(error.text, "flow.yaml: step book: expected a number");
    ck_assert_int_eq(error.code, ERR_INPUT);
}
END_TEST

START_TEST(a_text_that_fits_exactly_is_not_cut)
{
    struct error error;
    char words[ERROR_TEXT_SIZE];
    memset(words, 'a', sizeof(words) - 1);
    words[sizeof(words) - 1] = '\0';
    (void)error_set(&error, ERR_INPUT, "%s", words);
    ck_assert_str_eq(error.text, words);
    (void)error_set(&error, ERR_INPUT, "%sa", words);
    ck_assert_uint_eq(strlen(error.text), ERROR_TEXT_SIZE - 1);
    ck_assert(ends_in_dots(error.text));
}
END_TEST

/* Texts of many lengths, of one character again and again, stay valid UTF-8 when they are cut. */
static void is_cut_on_a_border(const char *character)
{
    char words[ERROR_TEXT_SIZE + 64];
    for (size_t shift = 0; shift < 4; shift++) {
        struct error error;
        memset(words, 'a', shift);
        words[shift] = '\0';
        while (strlen(words) + strlen(character) < sizeof(words))
            strcat(words, character);
        (void)error_set(&error, ERR_INPUT, "%s", words);
        ck_assert(slice_valid_utf8(slice_of(error.text)));
        ck_assert(ends_in_dots(error.text));
        ck_assert_uint_ge(strlen(error.text), ERROR_TEXT_SIZE - 4);
        (void)error_set(&error, ERR_INPUT, "tail");
        error_prefix(&error, "%s", words);
        ck_assert(slice_valid_utf8(slice_of(error.text)));
        ck_assert(ends_in_dots(error.text));
        (void)error_set(&error, ERR_INPUT, "%s", words);
        error_prefix(&error, "head: ");
        ck_assert(slice_valid_utf8(slice_of(error.text)));
        ck_assert_int_eq(strncmp(error.text, "head: ", 6), 0);
        ck_assert(ends_in_dots(error.text));
        (void)error_set_errno(&error, ENOENT, "%s", words);
        ck_assert(slice_valid_utf8(slice_of(error.text)));
        ck_assert(ends_in_dots(error.text));
    }
}

START_TEST(a_text_is_cut_between_characters)
{
    is_cut_on_a_border("a");
    is_cut_on_a_border("é");
    is_cut_on_a_border("€");
    is_cut_on_a_border("😀");
}
END_TEST

START_TEST(a_text_is_utf8_whatever_was_put_into_it)
{
    struct error error;
    (void)error_set(&error, ERR_INPUT, "%s", "a\xff\xc3\xa9\xc3");
    ck_assert_str_eq(error.text, "a?é?");
    (void)error_set(&error, ERR_INPUT, "\"%.5s\"", "€€");
    ck_assert_str_eq(error.text, "\"€??\"");
    (void)error_set(&error, ERR_INPUT, "%s", "\xed\xa0\x80 \xf0\x9f\x98\x80");
    ck_assert_str_eq(error.text, "??? 😀");
    error_prefix(&error, "%s: ", "\xfe");
    ck_assert_str_eq(error.text, "?: ??? 😀");
    (void)error_set_errno(&error, ENOENT, "%s", "\x80");
    ck_assert_str_eq(error.text, "?: No such file or directory");
}
END_TEST

START_TEST(words_of_errno_that_do_not_fit_are_cut)
{
    struct error error;
    char words[ERROR_TEXT_SIZE - 10];
    memset(words, 'a', sizeof(words) - 1);
    words[sizeof(words) - 1] = '\0';
    (void)error_set_errno(&error, ENOENT, "%s", words);
    ck_assert_uint_eq(strlen(error.text), ERROR_TEXT_SIZE - 1);
    ck_assert(ends_in_dots(error.text));
}
END_TEST

START_TEST(a_false_assertion_aborts_and_names_its_place)
{
    int pipes[2], status;
    char said[512] = "";
    ck_assert_int_eq(pipe(pipes), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipes[1], STDERR_FILENO);
        ASSERT(1 + 1 == 2);
        ASSERT(1 + 1 == 3);
        _exit(0);
    }
    close(pipes[1]);
    ck_assert_int_gt(read(pipes[0], said, sizeof(said) - 1), 0);
    close(pipes[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_ptr_nonnull(strstr(said, "1 + 1 == 3"));
    ck_assert_ptr_nonnull(strstr(said, "test_error.c:"));
}
END_TEST

UNIT_MAIN(every_code_has_words, an_error_is_set_and_its_code_returned, nobody_need_listen,
          errno_becomes_words_and_a_code, context_goes_before_the_text,
          a_text_that_fits_exactly_is_not_cut, a_text_is_cut_between_characters,
          a_text_is_utf8_whatever_was_put_into_it, words_of_errno_that_do_not_fit_are_cut,
          a_false_assertion_aborts_and_names_its_place)
