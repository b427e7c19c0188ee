/* SPDX-License-Identifier: Apache-2.0
 *
 * What agents say while they work: told while they do, fit to be shown, in bounds that no agent
 * moves, and kept nowhere.
 */
#include "stage.h"

#include "base/limits.h"

static size_t pieces, lost, longest;
static uint32_t last_attempt;

static void note(struct stage *s, const struct said *said)
{
    text_add(&s->said, said->text.ptr, said->text.len);
    ck_assert_uint_eq(strlen(said->text.ptr), said->text.len);
    if (said->text.len > longest)
        longest = said->text.len;
    lost += said->lost;
    last_attempt = said->attempt;
    pieces++;
}

static void set(struct stage *s, int mode)
{
    pieces = lost = longest = last_attempt = 0;
    stage_set(s, mode, NULL, "", "");
    s->on_said = note;
    stage_one_step(s, "actor/look", "");
}

static bool file_has(const char *path, const char *words)
{
    AUTO(text_done) struct text all;
    char bytes[4096];
    size_t got;
    FILE *file = fopen(path, "re");
    text_init(&all, SIZE_MAX / 2);
    if (!file)
        return false;
    while ((got = fread(bytes, 1, sizeof(bytes), file)) > 0)
        text_add(&all, bytes, got);
    fclose(file);
    return memmem(text_str(&all), all.len, words, strlen(words)) != NULL;
}

START_TEST(it_is_told_and_neither_kept_nor_logged)
{
    struct stage s;
    set(&s, _i);
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [{'emit': 'half'}, {'emit': 'way'}]}"), RUN_DONE);
    ck_assert_str_eq(text_str(&s.said), "halfway");
    ck_assert_uint_eq(lost, 0);
    ck_assert_uint_eq(last_attempt, 1);
    stage_close(&s);
    ck_assert(!file_has(s.journal, "halfway"));
    ck_assert_ptr_null(strstr(text_str(&s.log), "half"));
    stage_done(&s);
}
END_TEST

START_TEST(an_attempt_that_is_made_again_says_it_again)
{
    struct stage s;
    set(&s, _i);
    ck_assert_int_eq(stage_run(&s, "r",
                               "{'1': [{'emit': 'one '}, {'fail': 3}],"
                               " '2': [{'emit': 'two'}, {'give': 2}]}"),
                     RUN_DONE);
    ck_assert_str_eq(text_str(&s.said), "one two");
    ck_assert_uint_eq(last_attempt, 2);
    stage_done(&s);
}
END_TEST

START_TEST(what_would_be_obeyed_is_spelt_out_but_for_line_ends)
{
    struct stage s;
    set(&s, _i);
    stage_run(&s, "r", "{'do': [{'emit': 'a\\n\\u001b[2J\\u202eb\\r\\u0000\\u009b.'}]}");
    ck_assert_str_eq(text_str(&s.said), "a\n\\x1b[2J\\u202eb\\r\\x00\\x9b.");
    stage_done(&s);
}
END_TEST

START_TEST(no_agent_moves_the_bounds_and_what_is_lost_is_counted)
{
    struct stage s;
    AUTO(text_done) struct text input;
    set(&s, _i);
    text_init(&input, SIZE_MAX / 2);
    text_adds(&input, "{'do': [{'times': 500, 'emit': '");
    for (int i = 0; i < 10000; i++)
        text_adds(&input, "0123456789");
    text_adds(&input, "'}, {'emit': 'end'}]}");
    ck_assert_int_eq(stage_run(&s, "r", text_str(&input)), RUN_DONE);
    ck_assert_uint_le(longest, LIMIT_SAID);
    ck_assert_uint_eq(s.said.len + lost, (size_t)number_at(s.output, "said"));
    ck_assert_uint_gt(lost, 100000);
    stage_done(&s);
}
END_TEST

START_TEST(no_character_is_cut)
{
    struct stage s;
    AUTO(text_done) struct text input;
    set(&s, _i);
    text_init(&input, SIZE_MAX / 2);
    text_adds(&input, "{'do': [{'times': 3, 'emit': 'x");
    for (int i = 0; i < 3000; i++)
        text_adds(&input, "\xe6\xbc\xa2");
    text_adds(&input, "'}]}");
    stage_run(&s, "r", text_str(&input));
    ck_assert(slice_valid_utf8(text_slice(&s.said)));
    ck_assert_uint_gt(s.said.len, LIMIT_SAID - 4);
    ck_assert_ptr_null(strstr(text_str(&s.said), "\\x"));
    stage_done(&s);
}
END_TEST

START_TEST(where_nobody_hears_nothing_is_told)
{
    struct stage s;
    set(&s, _i);
    s.on_said = NULL;
    ck_assert_int_eq(stage_run(&s, "r", "{'do': [{'emit': 'half'}]}"), RUN_DONE);
    ck_assert_uint_eq(pieces, 0);
    stage_done(&s);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {it_is_told_and_neither_kept_nor_logged,
                                       an_attempt_that_is_made_again_says_it_again,
                                       what_would_be_obeyed_is_spelt_out_but_for_line_ends,
                                       no_agent_moves_the_bounds_and_what_is_lost_is_counted,
                                       no_character_is_cut,
                                       where_nobody_hears_nothing_is_told,
                                       NULL};
    return stage_main(__FILE__, everywhere, NULL);
}
