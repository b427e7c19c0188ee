/* SPDX-License-Identifier: Apache-2.0
 *
 * Agents that stand in a plugin's configuration, in both modes: asked for, made part of the card,
 * called by their names, and refused, each for itself, when they are not what they were.
 */
#include "drive.h"

#include "document/document.h"

#define AGENT(name, effect)                                                                        \
    "{\"name\":\"" name "\",\"summary\":\"s\",\"effect\":\"" effect                                \
    "\",\"input\":true,\"output\":true}"
#define AGENTS(list) "{\"agents\":[" list "]}"

static void start(struct drive *d, const struct card *card, enum mode mode, const char *config)
{
    struct plugin_options options = drive_options(card, mode);
    options.config = slice_of(config);
    options.describe_ms = strstr(config, "hang") ? 100 : 0;
    options.load_ms = options.describe_ms;
    options.grace_ms = 50;
    drive_start_card(d, card, mode, &options);
    drive_until(d, d->ready > 0);
}

/* The card, described by a plugin of this configuration. */
static struct card *described(const char *config)
{
    struct drive d;
    struct error err = {.text = ""};
    struct card *card = drive_card(PLUGIN_FILE("describes"));
    start(&d, card, IN_WORKER, config);
    ck_assert_msg(d.refusal.code == ERR_OK, "%s", d.refusal.text);
    ck_assert_msg(card_describe(card, plugin_described(d.plugin), &err) == ERR_OK, "%s", err.text);
    drive_done(&d);
    return card;
}

START_TEST(described_agents_are_called_by_their_names)
{
    EACH_MODE(mode)
    {
        const char *config = AGENTS(AGENT("one", "pure") "," AGENT("two", "write"));
        AUTO(card_freep) struct card *card = described(config);
        ck_assert_uint_eq(card->agent_count, 2);
        struct drive d;
        start(&d, card, mode, config);
        ck_assert_msg(d.refusal.code == ERR_OK, "%s", d.refusal.text);
        static const char *const names[] = {"one", "two"};
        for (size_t i = 0; i < 2; i++) {
            struct plugin_call call = {
                .agent = names[i], .attempt = 1, .deadline_ms = -1, .input = SLICE("7")};
            uint64_t id = plugin_call(d.plugin, &call);
            drive_until(&d, d.count == i + 1);
            ck_assert_str_eq(drive_result(&d, id)->body, i == 0 ? "{\"one\":7}" : "{\"two\":7}");
        }
        drive_done(&d);
    }
}
END_TEST

START_TEST(a_plugin_none_of_whose_agents_is_as_it_was_is_refused)
{
    static const struct {
        const char *config, *words;
    } cases[] = {
        {AGENTS(AGENT("one", "write")), "the `effect` of agent \"one\" was \"pure\" and is"},
        {AGENTS(AGENT("two", "pure")), "agent \"one\" is gone"},
    };
    EACH_MODE(mode)
    {
        AUTO(card_freep) struct card *card = described(AGENTS(AGENT("one", "pure")));
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct drive d;
            start(&d, card, mode, cases[i].config);
            ck_assert_int_eq(d.refusal.code, ERR_CONFLICT);
            ck_assert_msg(strstr(d.refusal.text, cases[i].words) != NULL, "%s", d.refusal.text);
            drive_done(&d);
        }
    }
}
END_TEST

START_TEST(an_agent_that_is_not_what_it_was_is_lost_and_the_others_are_called)
{
    static const char *const names[] = {"one", "two", "three"};
    static const int32_t statuses[] = {SEAM_OK, SEAM_E_DENIED, SEAM_E_DENIED};
    EACH_MODE(mode)
    {
        AUTO(card_freep)
        struct card *card = described(
            AGENTS(AGENT("one", "pure") "," AGENT("two", "write") "," AGENT("three", "pure")));
        const char *config =
            AGENTS(AGENT("four", "pure") "," AGENT("two", "pure") "," AGENT("one", "pure"));
        struct plugin_options options = drive_options(card, mode);
        options.config = slice_of(config);
        struct drive d;
        drive_start_card(&d, card, mode, &options);
        ck_assert_ptr_null(plugin_lost(d.plugin));
        for (size_t i = 0; i < 6; i++) { /* before it said who they are, and after */
            struct plugin_call call = {
                .agent = names[i % 3], .attempt = 1, .deadline_ms = -1, .input = SLICE("7")};
            uint64_t id = plugin_call(d.plugin, &call);
            drive_until(&d, d.count == i + 1 && d.ready > 0);
            const struct drive_result *result = drive_result(&d, id);
            ck_assert_int_eq(result->status, statuses[i % 3]);
            ck_assert(result->reaped && (i % 3 == 0 || result->effect == SEAM_EFFECT_NONE));
            ck_assert_str_eq(result->code, i % 3 ? "seam.changed" : "");
        }
        ck_assert_ptr_nonnull(strstr(plugin_lost(d.plugin), "the `effect` of agent \"two\""));
        ck_assert_uint_eq(json_array_size(plugin_described(d.plugin)), 3);
        drive_done(&d);
    }
}
END_TEST

#define WATCHED(how) "{\"watch\":\"" how "\",\"agents\":[" AGENT("one", "pure") "]}"

START_TEST(it_tells_once_for_each_time_it_is_asked_that_its_agents_are_others)
{
    EACH_MODE(mode)
    {
        AUTO(card_freep) struct card *card = described(WATCHED("now"));
        struct drive d;
        start(&d, card, mode, WATCHED("now"));
        for (unsigned i = 1; i <= 2; i++) {
            plugin_watch(d.plugin);
            plugin_watch(d.plugin);
            drive_until(&d, d.watched == i);
            ck_assert_uint_eq(d.changed, i);
        }
        drive_done(&d);
    }
}
END_TEST

START_TEST(what_watches_takes_no_place_of_calls_and_ends_with_the_plugin)
{
    EACH_MODE(mode)
    {
        AUTO(card_freep) struct card *card = described(WATCHED("never"));
        struct plugin_options options = drive_options(card, mode);
        options.config = slice_of(WATCHED("never"));
        options.max_concurrency = 1;
        struct drive d;
        drive_start_card(&d, card, mode, &options);
        drive_until(&d, d.ready > 0);
        plugin_watch(d.plugin);
        ck_assert(plugin_describing(d.plugin) != 0);
        for (size_t i = 0; i < 3; i++) {
            struct plugin_call call = {
                .agent = "one", .attempt = 1, .deadline_ms = -1, .input = SLICE("7")};
            uint64_t id = plugin_call(d.plugin, &call);
            drive_until(&d, d.count == i + 1);
            ck_assert_int_eq(drive_result(&d, id)->status, SEAM_OK);
            ck_assert_uint_eq(plugin_counts(d.plugin).under_way, 0);
        }
        ck_assert_uint_eq(d.watched, 0);
        drive_done(&d);
    }
}
END_TEST

START_TEST(who_has_no_such_extension_says_so_and_goes_on)
{
    EACH_MODE(mode)
    {
        const char *config = AGENTS(AGENT("one", "pure"));
        AUTO(card_freep) struct card *card = described(config);
        struct drive d;
        start(&d, card, mode, config);
        plugin_watch(d.plugin);
        drive_until(&d, d.watched == 1);
        ck_assert_uint_eq(d.changed, 0);
        ck_assert_uint_eq(d.down, 0);
        drive_done(&d);
    }
}
END_TEST

START_TEST(who_cannot_describe_is_refused_with_the_reason)
{
    static const struct {
        const char *config, *words;
    } cases[] = {
        {"\"crash\"", "while the plugin was asked for its agents"},
        {"\"hang\"", "seam.describe/1 does not return"},
        {"\"refuse\"", "status 1: /functions/0: no such thing (cure: look at its `config`"},
        {"\"nonsense\"", "it said something else than {\"agents\": [...]}"},
        {"\"none\"", "has no extension seam.describe/1"},
    };
    AUTO(card_freep) struct card *card = drive_card(PLUGIN_FILE("describes"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct drive d;
        start(&d, card, IN_WORKER, cases[i].config);
        ck_assert_msg(strstr(d.refusal.text, cases[i].words) != NULL, "%s", d.refusal.text);
        ck_assert_uint_eq(d.ready, 1);
        ck_assert_uint_eq(d.count, 0);
        ck_assert_ptr_null(plugin_described(d.plugin));
        drive_done(&d);
    }
}
END_TEST

START_TEST(a_described_card_is_checked_as_any_and_pinned_with_its_agents)
{
    AUTO(card_freep) struct card *one = described(AGENTS(AGENT("one", "pure")));
    AUTO(card_freep) struct card *two = described(AGENTS(AGENT("two", "pure")));
    ck_assert(digest_equal(&one->bare, &two->bare));
    ck_assert(!digest_equal(&one->digest, &one->bare));
    ck_assert(!digest_equal(&one->digest, &two->digest));

    AUTO(text_done) struct text text;
    text_init(&text, LIMIT_FILE);
    json_write(one->json, &text);
    AUTO(card_freep) struct card *kept = NULL;
    ck_assert_int_eq(card_parse(text_slice(&text), &kept, NULL), ERR_OK);
    ck_assert(digest_equal(&kept->digest, &one->digest));
    ck_assert_str_eq(kept->agents[0].name, "one");

    static const struct {
        const char *agents, *words;
    } cases[] = {
        {"[]", "declares no agents"},
        {"[" AGENT("a b", "pure") "]", "/agents/0/name"},
        {"[" AGENT("a", "pure") "," AGENT("a", "pure") "]", "two agents \"a\""},
        {"[{\"name\":\"a\",\"summary\":\"s\",\"input\":{\"type\":7},\"output\":true}]", "\"a\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error err = {.text = ""};
        AUTO(card_freep) struct card *card = drive_card(PLUGIN_FILE("describes"));
        AUTO(json_decrefp) json_t *agents = NULL;
        ck_assert_int_eq(json_read(slice_of(cases[i].agents), LIMIT_FILE, &agents, NULL), ERR_OK);
        ck_assert_int_ne(card_describe(card, agents, &err), ERR_OK);
        ck_assert_msg(strstr(err.text, cases[i].words) != NULL, "%s", err.text);
    }
}
END_TEST

UNIT_MAIN(described_agents_are_called_by_their_names,
          a_plugin_none_of_whose_agents_is_as_it_was_is_refused,
          an_agent_that_is_not_what_it_was_is_lost_and_the_others_are_called,
          it_tells_once_for_each_time_it_is_asked_that_its_agents_are_others,
          what_watches_takes_no_place_of_calls_and_ends_with_the_plugin,
          who_has_no_such_extension_says_so_and_goes_on,
          who_cannot_describe_is_refused_with_the_reason,
          a_described_card_is_checked_as_any_and_pinned_with_its_agents)
