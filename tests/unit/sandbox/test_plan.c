/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans and reports on their way between host and worker, and how a report is judged.
 */
#include "sandbox/sandbox.h"
#include "unit.h"

#include <string.h>

static struct sandbox_report report_of(enum sandbox_state state)
{
    struct sandbox_report report;
    for (enum protection p = 0; p < PROTECTION_COUNT; p++)
        sandbox_report_set(&report, p, state, "note %d", (int)p);
    return report;
}

START_TEST(a_plan_comes_back_from_its_words)
{
    AUTO(sandbox_plan_done) struct sandbox_plan plan, back;
    sandbox_plan_init(&plan);
    plan.off = 1u << PROTECTION_LANDLOCK;
    plan.required = 1u << PROTECTION_SECCOMP;
    plan.given_up = 1u << PROMISE_FILES;
    plan.net = plan.exec = true;
    plan.memory_bytes = 12345678901;
    plan.state = xstrdup("/var/lib/a state=1");
    sandbox_plan_add_path(&plan, "/data/with =odd\nname", true, false);
    sandbox_plan_add_path(&plan, "/bin/sh", false, true);
    char **words = sandbox_plan_words(&plan, 2);
    sandbox_plan_init(&back);
    ck_assert(sandbox_plan_read(words + 2, &back));
    ck_assert_uint_eq(back.off, plan.off);
    ck_assert_uint_eq(back.required, plan.required);
    ck_assert_uint_eq(back.given_up, plan.given_up);
    ck_assert(back.net && back.exec && !back.pure && !back.jit);
    ck_assert_int_eq(back.memory_bytes, plan.memory_bytes);
    ck_assert_str_eq(back.state, plan.state);
    ck_assert_uint_eq(back.path_count, 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_str_eq(back.paths[i].path, plan.paths[i].path);
        ck_assert_int_eq(back.paths[i].write, plan.paths[i].write);
        ck_assert_int_eq(back.paths[i].exec, plan.paths[i].exec);
    }
    sandbox_words_free(words, 2);
}
END_TEST

START_TEST(words_that_are_none_are_refused_whole)
{
    static const char *const bad[] = {"",           "off",     "off=",          "off=-1",
                                      "off=1x",     "off=1e9", "memory=x",      "may=q",
                                      "path=",      "path=r-", "path=r-no",     "state=no",
                                      "anything=1", "=",       "off=4294967296"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO(freep) char *first = xstrdup("path=r-/kept"), *word = xstrdup(bad[i]);
        char *const words[] = {first, word, NULL};
        struct sandbox_plan plan;
        ck_assert_msg(!sandbox_plan_read(words, &plan), "%s", bad[i]);
    }
}
END_TEST

START_TEST(a_report_comes_back_from_its_lines)
{
    struct sandbox_report report = report_of(SANDBOX_WEAKER), back;
    sandbox_report_set(&report, PROTECTION_SECCOMP, SANDBOX_ENFORCED, "%s", "");
    AUTO(text_done) struct text lines;
    text_init(&lines, 8192);
    sandbox_report_write(&report, &lines);
    ck_assert(sandbox_report_read(text_slice(&lines), &back));
    for (enum protection p = 0; p < PROTECTION_COUNT; p++) {
        ck_assert_int_eq(back.of[p].state, report.of[p].state);
        ck_assert_str_eq(back.of[p].note, report.of[p].note);
    }
    /* Not one byte less, nor more, nor a state that there is not. */
    for (size_t len = 0; len < lines.len; len++)
        ck_assert(!sandbox_report_read((struct slice){lines.ptr, len}, &back));
    AUTO(freep) char *more = xasprintf("%s\n", lines.ptr), *other = xstrdup(lines.ptr);
    ck_assert(!sandbox_report_read(slice_of(more), &back));
    *(strchr(other, ' ') + 1) = '9';
    ck_assert(!sandbox_report_read(slice_of(other), &back));
}
END_TEST

START_TEST(a_promise_that_nothing_keeps_refuses)
{
    struct error err;
    AUTO(sandbox_plan_done) struct sandbox_plan plan;
    sandbox_plan_init(&plan);
    struct sandbox_report report = report_of(SANDBOX_ENFORCED);
    ck_assert_int_eq(sandbox_judge(&plan, &report, &err), ERR_OK);
    report.of[PROTECTION_LANDLOCK].state = SANDBOX_MISSING;
    ck_assert_int_eq(sandbox_judge(&plan, &report, &err), ERR_OK); /* there is another way */
    report.of[PROTECTION_PRIVATE_ROOT].state = SANDBOX_LEFT_OUT;
    ck_assert_int_eq(sandbox_judge(&plan, &report, &err), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(err.text, "`files`"));
    ck_assert_ptr_nonnull(strstr(err.text, "sandbox: {without: [files]}"));
    plan.given_up = 1u << PROMISE_FILES;
    ck_assert_int_eq(sandbox_judge(&plan, &report, &err), ERR_OK);
    report = report_of(SANDBOX_MISSING);
    for (enum sandbox_promise p = 0; p < PROMISE_COUNT; p++) {
        plan.given_up = ((1u << PROMISE_COUNT) - 1) & ~(1u << p);
        ck_assert_int_eq(sandbox_judge(&plan, &report, &err), ERR_DENIED);
        ck_assert_ptr_nonnull(strstr(err.text, promise_word(p)));
    }
}
END_TEST

START_TEST(what_is_required_must_be_whole)
{
    struct error err;
    AUTO(sandbox_plan_done) struct sandbox_plan plan;
    sandbox_plan_init(&plan);
    plan.required = 1u << PROTECTION_LANDLOCK;
    struct sandbox_report report = report_of(SANDBOX_ENFORCED);
    ck_assert_int_eq(sandbox_judge(&plan, &report, &err), ERR_OK);
    report.of[PROTECTION_LANDLOCK].state = SANDBOX_WEAKER;
    ck_assert_int_eq(sandbox_judge(&plan, &report, &err), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(err.text, "`landlock`"));
}
END_TEST

START_TEST(with_programs_the_filter_keeps_no_processes_away)
{
    struct error err;
    AUTO(sandbox_plan_done) struct sandbox_plan plan;
    sandbox_plan_init(&plan);
    plan.exec = true;
    struct sandbox_report report = report_of(SANDBOX_ENFORCED);
    report.of[PROTECTION_PID_NS].state = SANDBOX_MISSING;
    ck_assert_int_eq(sandbox_judge(&plan, &report, &err), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(err.text, "`processes`"));
    plan.exec = false;
    ck_assert_int_eq(sandbox_judge(&plan, &report, &err), ERR_OK);
}
END_TEST

START_TEST(words_are_found_by_themselves_alone)
{
    enum protection protection;
    enum sandbox_promise promise;
    for (enum protection p = 0; p < PROTECTION_COUNT; p++)
        ck_assert(protection_find(protection_word(p), &protection) && protection == p);
    for (enum sandbox_promise p = 0; p < PROMISE_COUNT; p++)
        ck_assert(promise_find(promise_word(p), &promise) && promise == p);
    ck_assert(!protection_find("files", &protection) && !promise_find("seccomp", &promise));
    ck_assert(!protection_find("", &protection) && !promise_find("Files", &promise));
}
END_TEST

UNIT_MAIN(a_plan_comes_back_from_its_words, words_that_are_none_are_refused_whole,
          a_report_comes_back_from_its_lines, a_promise_that_nothing_keeps_refuses,
          what_is_required_must_be_whole, with_programs_the_filter_keeps_no_processes_away,
          words_are_found_by_themselves_alone)
