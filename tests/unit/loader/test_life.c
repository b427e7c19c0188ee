/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a plugin, in both modes: refused with a reason, given up while it loads, freed with
 * calls under way, and one generation beside another.
 */
#include "drive.h"

START_TEST(a_table_that_differs_from_the_card_is_refused_with_both)
{
    EACH_MODE(mode)
    {
        struct drive d;
        drive_start(&d, PLUGIN_FILE("lying_card"), mode);
        ck_assert_int_eq(d.refusal.code, ERR_CONFLICT);
        ck_assert_ptr_nonnull(
            strstr(d.refusal.text, "pure in the card and write (3) in the table"));
        drive_done(&d);
        drive_start(&d, PLUGIN_FILE("lying_flags"), mode);
        ck_assert_ptr_nonnull(
            strstr(d.refusal.text, "nonblocking in the card and destructive in the table"));
        drive_done(&d);
    }
}
END_TEST

START_TEST(what_cannot_be_loaded_says_why)
{
    static const struct {
        const char *file, *text;
    } cases[] = {
        {PLUGIN_FILE("needs_a_symbol"), "nobody_has_this"},
        {PLUGIN_FILE("returns_no_table"), "seam_plugin_v1(0) returned NULL"},
        {PLUGIN_FILE("fails_to_create"), "create() failed with status 1"},
    };
    EACH_MODE(mode)
    {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct drive d;
            drive_start(&d, cases[i].file, mode);
            ck_assert_msg(strstr(d.refusal.text, cases[i].text) != NULL, "%s", d.refusal.text);
            ck_assert_uint_eq(d.ready, 1);
            drive_done(&d);
        }
    }
}
END_TEST

START_TEST(a_refused_plugin_ends_the_calls_it_was_given)
{
    EACH_MODE(mode)
    {
        AUTO(card_freep) struct card *card = drive_card(PLUGIN_FILE("lying_card"));
        struct plugin_options options = drive_options(card, mode);
        struct drive d;
        drive_start_card(&d, card, mode, &options);
        uint64_t before = drive_call(&d, "1", -1);
        drive_until(&d, d.ready == 1 && d.count == 1);
        uint64_t after = drive_call(&d, "1", -1);
        drive_until(&d, d.count == 2);
        ck_assert_int_eq(drive_result(&d, before)->end, CALL_CRASHED);
        ck_assert(!drive_result(&d, before)->begun);
        ck_assert(!drive_result(&d, after)->begun);
        drive_done(&d);
    }
}
END_TEST

START_TEST(what_hangs_while_it_is_loaded_is_given_up)
{
    EACH_MODE(mode)
    {
        AUTO(card_freep) struct card *card = drive_card(PLUGIN_FILE("hangs_in_create"));
        struct plugin_options options = drive_options(card, mode);
        options.load_ms = 50;
        options.grace_ms = 10;
        struct drive d;
        drive_start_card(&d, card, mode, &options);
        drive_until(&d, d.ready == 1);
        ck_assert_int_eq(d.refusal.code, ERR_TIMEOUT);
        ck_assert_ptr_nonnull(strstr(d.refusal.text, "create() does not return"));
        drive_done(&d);
    }
}
END_TEST

START_TEST(calls_under_way_do_not_hold_up_the_end)
{
    static const char *const files[] = {PLUGIN_FILE("waits_for_cancel"), PLUGIN_FILE("writes"),
                                        PLUGIN_FILE("asks"), PLUGIN_FILE("answers_never")};
    EACH_MODE(mode)
    {
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
            struct drive d;
            drive_start_good(&d, files[i], mode);
            for (int n = 0; n < 3; n++)
                drive_call(&d, "1", -1);
            plugin_dispatch(d.plugin);
            drive_done(&d);
            ck_assert_uint_eq(d.count, 0);
        }
    }
}
END_TEST

static void free_in_callback(void *user, const struct call_result *result)
{
    struct drive *d = user;
    drive_completed(user, result);
    plugin_free(d->plugin);
}

START_TEST(a_plugin_may_be_freed_from_its_callback)
{
    EACH_MODE(mode)
    {
        AUTO(card_freep) struct card *card = drive_card(PLUGIN_FILE("echo"));
        struct plugin_options options = drive_options(card, mode);
        struct plugin_handlers handlers = drive_handlers;
        handlers.completed = free_in_callback;
        struct drive d = {.mode = mode};
        struct error err;
        ck_assert_int_eq(plugin_start(card, &options, &handlers, &d, &d.plugin, &err), ERR_OK);
        drive_call(&d, "1", -1);
        drive_until(&d, d.count == 1);
    }
}
END_TEST

START_TEST(two_generations_of_a_plugin_live_side_by_side)
{
    EACH_MODE(mode)
    {
        struct drive old, new;
        drive_start_good(&old, PLUGIN_FILE("asks_and_ends"), mode);
        drive_start_good(&new, PLUGIN_FILE("asks_and_ends"), mode);
        uint64_t first = drive_call(&old, "{}", -1);
        drive_until(&old, old.count == 1);
        uint64_t second = drive_call(&new, "1", -1); /* the counters of another copy */
        drive_until(&new, new.count == 1);
        ck_assert_uint_ne(first >> 44, second >> 44);
        ck_assert_str_eq(drive_result(&new, second)->body, "[0,0]");
        drive_done(&old);
        drive_done(&new);
    }
}
END_TEST

UNIT_MAIN(a_table_that_differs_from_the_card_is_refused_with_both, what_cannot_be_loaded_says_why,
          a_refused_plugin_ends_the_calls_it_was_given, what_hangs_while_it_is_loaded_is_given_up,
          calls_under_way_do_not_hold_up_the_end, a_plugin_may_be_freed_from_its_callback,
          two_generations_of_a_plugin_live_side_by_side)
