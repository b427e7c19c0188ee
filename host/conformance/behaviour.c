/* SPDX-License-Identifier: Apache-2.0
 *
 * Level 2: the order of the scenarios, and the children that they run in. First it is loaded and
 * answers, in a worker; then the same in process, where the plugin shares the child's memory and
 * descriptors; then cancelling, deadlines, many at once, and what is left behind. What breaks one
 * ends the level, for the rest would only repeat it.
 */
#include "conformance/behaviour_internal.h"

#include "base/limits.h"
#include "conformance/inputs_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SCENARIO_MS = 30000 };

void doing(struct kit *kit, const char *place)
{
    if (kit->doing)
        snprintf(kit->doing, DOING, "%s", place);
}

json_t *inputs_of(const struct kit *kit, size_t agent)
{
    return json_array_get(kit->inputs, agent);
}

static const char *signal_words(int how, char ret_words[static 64])
{
    if (how >= 256)
        snprintf(ret_words, 64, "it ended the process by exit(%d)", how - 256);
    else
        snprintf(ret_words, 64, "it was killed by SIG%s",
                 sigabbrev_np(how) ? sigabbrev_np(how) : "?");
    return ret_words;
}

bool scenario_play(struct kit *kit, const struct scenario *scenario, bool in_process)
{
    char words[64];
    struct printed printed;
    int64_t left = kit->due_ms - kit_now_ms();
    if (left <= 0 || kit->broken >= 0)
        return false;
    bool wanted = false;
    for (size_t i = 0; i < CHECK_COUNT; i++)
        wanted |= (scenario->claims >> i & 1) && kit->asked[i];
    if (!wanted)
        return true;
    AUTO(freep)
    char *what = xasprintf("%s, %s", scenario->what, in_process ? "in process" : "in a worker");
    kit_progress(kit, what);
    doing(kit, what);
    int how = isolated(kit, scenario->play, &in_process, left + SCENARIO_MS, &printed);
    if (how == -1)
        kit_break(kit, scenario->hangs, kit->doing, "an end", "none within %lld s",
                  (long long)((left + SCENARIO_MS) / 1000));
    else if (how != 0 && kit->broken < 0)
        kit_break(kit, scenario->dies, kit->doing, "a process that goes on", "%s%s%s",
                  signal_words(how, words), printed.bytes ? "; it said: " : "", printed.last);
    if (printed.bytes > 1u << 20)
        kit_fail(kit, CHECK_QUIET, what, "a plugin that prints nothing", "%zu bytes",
                 printed.bytes);
    return kit->broken < 0;
}

/* ---- what is given to it ---- */

/* A configuration as its schema would have it: a url leads into this world. */
static json_t *make_config(const struct kit *kit)
{
    AUTO(json_decrefp) json_t *least = inputs_least(kit->card->config);
    json_t *config = json_is_object(least) ? json_copy(least) : json_object(), *of, *value;
    const char *name;
    json_object_foreach (json_object_get(contract_schema(kit->card->config), "properties"), name,
                         of) {
        value = json_object_get(of, "default");
        const char *type = json_string_value(json_object_get(of, "type"));
        AUTO(json_decrefp) json_t *url = json_string("http://world.invalid");
        bool is_url = type && strcmp(type, "string") == 0 && strstr(name, "url");
        AUTO(json_decrefp) json_t *with = json_copy(config);
        if (!value && is_url)
            value = url;
        if (value)
            json_object_set(with, name, value);
        if (value && contract_accepts(kit->card->config, with)) {
            json_decref(config);
            config = json_incref(with);
        }
    }
    if (!contract_accepts(kit->card->config, config)) {
        AUTO(json_decrefp) json_t *drawn = inputs_draw(kit->card->config, 1, 1, INT64_MAX);
        json_decref(config);
        config = json_incref(json_array_get(drawn, 0));
    }
    return config;
}

void kit_skip_level(struct kit *kit, int level, const char *why)
{
    for (size_t i = 0; i < check_count; i++)
        if (checks[i].level == level)
            kit_skip(kit, (enum check_number)i, "%s", why);
}

bool kit_prepare(struct kit *kit)
{
    const struct card *card = kit->card;
    if (card->from_config && card->agent_count == 0) {
        for (int level = 2; level <= CONFORMANCE_LEVELS; level++)
            kit_skip_level(kit, level,
                           "its agents stand in its configuration (cure: --manifest FILE ALIAS)");
        return false;
    }
    if (kit->inputs)
        return true;
    kit_progress(kit, "inputs");
    kit->doing = mmap(NULL, DOING, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    kit->config =
        kit->options->config ? json_incref((json_t *)kit->options->config) : make_config(kit);
    if (kit->doing == MAP_FAILED || !kit->config || !contract_accepts(card->config, kit->config)) {
        kit_break(kit, CHECK_LOAD, card->path, "a configuration that its schema allows",
                  kit->config ? "%s does not fit" : "%s: none could be made; give one by --config",
                  kit->config ? "that of --config" : "config");
        return false;
    }
    kit->inputs = json_array();
    int64_t share = (kit->due_ms - kit_now_ms()) / 4 / (int64_t)(card->agent_count + 1);
    for (size_t i = 0; i < card->agent_count; i++)
        json_array_append_new(kit->inputs,
                              inputs_draw(card->agents[i].input, kit->options->seed + i,
                                          kit->options->inputs, kit_now_ms() + share));
    return true;
}

void level_behaviour(struct kit *kit)
{
    static const struct scenario answers = {
        "answers", play_answers, CHECK_LIVES, CHECK_ANSWERS,
        CLAIM(LOAD) | CLAIM(TABLE) | CLAIM(LIVES) | CLAIM(ANSWERS) | CLAIM(ONCE) | CLAIM(BYTES) |
            CLAIM(OUTPUT) | CLAIM(STATUS) | CLAIM(CODES) | CLAIM(WORKS) | CLAIM(QUIET)};
    static const struct scenario scenarios[] = {
        {"tables of the host", play_host_tables, CHECK_HOST_TABLES, CHECK_HOST_TABLES,
         CLAIM(HOST_TABLES)},
        {"create and destroy", play_again, CHECK_AGAIN, CHECK_STOP,
         CLAIM(AGAIN) | CLAIM(STOP) | CLAIM(NONBLOCKING)},
        {"cancel", play_cancel, CHECK_CANCEL, CHECK_CANCEL, CLAIM(CANCEL)},
        {"deadlines", play_deadline, CHECK_DEADLINE, CHECK_DEADLINE, CLAIM(DEADLINE)},
        {"many at once", play_concurrency, CHECK_CONCURRENCY, CHECK_CONCURRENCY,
         CLAIM(CONCURRENCY) | CLAIM(MIXING)},
    };
    static const struct scenario leaks = {
        "what is left behind", play_leaks, CHECK_MEMORY, CHECK_MEMORY,
        CLAIM(DESCRIPTORS) | CLAIM(THREADS) | CLAIM(CHILDREN) | CLAIM(MEMORY)};
    if (kit_cannot_load(kit, 2) || !kit_prepare(kit))
        return;
    bool on = scenario_play(kit, &answers, false) && scenario_play(kit, &answers, true);
    for (size_t i = 0; on && i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        bool bare = i < 2;
        on = (bare || scenario_play(kit, &scenarios[i], false)) &&
             scenario_play(kit, &scenarios[i], true);
    }
    if (on)
        scenario_play(kit, &leaks, true);
    if (kit->broken < 0 && kit_now_ms() > kit->due_ms)
        kit_skip_level(kit, 2, "the time of the level was over (cure: --time)");
}
