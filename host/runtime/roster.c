/* SPDX-License-Identifier: Apache-2.0
 *
 * The roster: from manifest and cards to the catalog of agents that flows may name. Nothing of a
 * plugin runs for it, but to name the agents that stand in its configuration.
 */
#include "runtime/reload_internal.h"
#include "trust/trust.h"

#include <stdlib.h>
#include <string.h>

static struct agent *agent_from_card(const char *alias, int64_t call_ms, const struct card *card,
                                     const struct card_agent *from)
{
    struct agent *agent = xcalloc(1, sizeof(*agent));
    agent->name = xasprintf("%s/%s", alias, from->name);
    agent->effect = from->effect <= CLASS_WRITE ? (enum effect_class)from->effect : CLASS_WRITE;
    agent->destructive = from->flags & SEAM_DESTRUCTIVE;
    agent->open_world = from->flags & SEAM_OPEN_WORLD;
    agent->brokered = card->brokered;
    agent->input = contract_ref(from->input);
    agent->output = contract_ref(from->output);
    agent->confidence = from->confidence ? xstrdup(from->confidence) : NULL;
    agent->reconcile = from->reconcile ? xasprintf("%s/%s", alias, from->reconcile) : NULL;
    agent->ref = from->ref ? xstrdup(from->ref) : NULL;
    agent->settle_ms = from->settle_ms;
    agent->key_ttl_ms = from->key_ttl_ms;
    agent->tokens = from->tokens;
    agent->cost = from->cost;
    agent->call_ms = call_ms;
    agent->card = card->digest;
    agent->library = card->library;
    return agent;
}

void roster_add_agents(struct catalog *catalog, const char *alias, int64_t call_ms,
                       const struct card *card)
{
    for (size_t i = 0; i < card->agent_count; i++)
        catalog_add(catalog, agent_from_card(alias, call_ms, card, &card->agents[i]));
}

/* "*" is asked for in case its configuration names some, which need not be. */
static bool asks_by_name(const json_t *requests)
{
    size_t i;
    const json_t *request;
    json_array_foreach (requests, i, request)
        if (strcmp(json_string_value(request), "*") != 0)
            return true;
    return false;
}

/* Says of the plugin's agents what their card asks for and the manifest grants nothing of. */
static void mark_ungranted(struct catalog *catalog, const struct manifest_plugin *entry,
                           const struct card *card)
{
    const json_t *http = json_object_get(json_object_get(card->json, "requests"), "http");
    const json_t *agents = json_object_get(json_object_get(card->json, "requests"), "agents");
    const json_t *secrets = json_object_get(json_object_get(card->json, "requests"), "secrets");
    size_t length = strlen(entry->alias);
    /* What runs programs of the configuration's choice need not have any that sends. */
    bool runs = json_array_size(json_object_get(json_object_get(card->json, "requests"), "exec"));
    bool sends = json_array_size(http) > 0 && !(card->from_config && runs);
    const char *what = sends && entry->http_count == 0                     ? "http"
                       : asks_by_name(agents) && entry->agent_count == 0   ? "agents"
                       : asks_by_name(secrets) && entry->secret_count == 0 ? "secrets"
                       : card->state_bytes > 0 && entry->state_bytes < 0   ? "state"
                                                                           : NULL;
    if (!what)
        return;
    for (size_t i = 0; i < catalog->count; i++)
        if (strncmp(catalog->agents[i]->name, entry->alias, length) == 0 &&
            catalog->agents[i]->name[length] == '/')
            catalog->agents[i]->ungranted = what;
}

static enum error_code check_config(const struct manifest_plugin *entry, const struct card *card,
                                    struct error *reterr)
{
    json_t *config = entry->config ? json_incref(entry->config) : json_object();
    enum error_code code = ERR_OK;
    if (card->config && !contract_accepts(card->config, config)) {
        struct violations violations;
        AUTO(text_done) struct text text;
        text_init(&text, ERROR_TEXT_SIZE);
        contract_explain(card->config, config, &violations);
        violations_text(&violations, &text);
        violations_done(&violations);
        code = error_set(reterr, ERR_INPUT, "the `config` of plugin `%s` does not fit its card: %s",
                         entry->alias, text_str(&text));
    }
    json_decref(config);
    return code;
}

static bool is_left_out(const struct roster_plugin *plugin, const char *agent)
{
    size_t i;
    const json_t *left;
    json_array_foreach (plugin->left_out, i, left)
        if (strcmp(json_string_value(json_object_get(left, "agent")), agent) == 0)
            return true;
    return false;
}

/* A limit for an agent that is none would limit nothing. */
static enum error_code check_agents(const struct roster_plugin *plugin, struct error *reterr)
{
    const struct manifest_plugin *entry = plugin->entry;
    const struct card *card = plugin->card;
    AUTO(freep) const char **names = xcalloc(card->agent_count + 1, sizeof(*names));
    for (size_t i = 0; i < card->agent_count; i++)
        names[i] = card->agents[i].name;
    for (size_t i = 0; i < entry->setting_count; i++) {
        const char *said = entry->settings[i].name;
        size_t at = 0;
        while (at < card->agent_count && strcmp(names[at], said) != 0)
            at++;
        if (at < card->agent_count || is_left_out(plugin, said))
            continue;
        const char *near = suggest(slice_of(said), names, card->agent_count);
        return error_set(reterr, ERR_INPUT,
                         "the manifest's plugins.%s.agents names `%s`, and its card has no such "
                         "agent%s%s%s",
                         entry->alias, said, near ? "; did you mean `" : "", near ? near : "",
                         near ? "`?" : "");
    }
    return ERR_OK;
}

/* The card that lies beside, for a library that is not there. */
static enum error_code read_card_alone(const char *cards, struct roster_plugin *plugin)
{
    AUTO(document_freep) struct document *document = NULL;
    AUTO(freep) char *path = xasprintf("%s/%s.json", cards, plugin->entry->alias);
    struct error err;
    enum error_code code = document_load(path, &document, &err);
    if (code == ERR_OK)
        code = card_parse(document_text(document), &plugin->card, &err);
    if (code == ERR_OK)
        return ERR_OK;
    AUTO(freep) char *of_library = xstrdup(plugin->error.text);
    return error_set(&plugin->error, code, "%s; and its card alone: %s", of_library, err.text);
}

/* Whose it is, and whether it is what was approved. */
static enum error_code check_trust(const struct roster *roster, struct roster_plugin *plugin)
{
    plugin->signer = xcalloc(1, sizeof(*plugin->signer));
    enum error_code code = signature_check(roster->keys, roster->manifest, plugin->card,
                                           plugin->signer, &plugin->error);
    return code == ERR_OK ? lock_check(roster->lock, roster->manifest, plugin->entry, plugin->card,
                                       plugin->signer, &plugin->error)
                          : code;
}

static void add_plugin(struct roster *roster, const struct roster_plugin *plugin)
{
    int64_t call_ms = plugin->entry->call_ms >= 0 ? plugin->entry->call_ms : plugin->card->call_ms;
    roster_add_agents(&roster->catalog, plugin->entry->alias, call_ms, plugin->card);
    mark_ungranted(&roster->catalog, plugin->entry, plugin->card);
    size_t i;
    const json_t *left;
    json_array_foreach (plugin->left_out, i, left)
        catalog_leave_out(&roster->catalog,
                          xasprintf("%s/%s", plugin->entry->alias,
                                    json_string_value(json_object_get(left, "agent"))));
}

/* What is required of a sandbox holds only where there is one. */
static enum error_code check_protections(const struct manifest_plugin *entry, struct error *reterr)
{
    for (enum protection p = 0; entry->in_process && p < PROTECTION_COUNT; p++)
        if (entry->sandbox_required & (1u << p))
            return error_set(
                reterr, ERR_DENIED,
                "plugin `%s`: the manifest requires the protection `%s`, and nothing "
                "holds a plugin that runs in the host's process (cure: take `isolation: "
                "in-process` out, or `sandbox.require`)",
                entry->alias, protection_word(p));
    return ERR_OK;
}

/* One in quarantine is not started to say them: what it said before stands. */
static enum error_code describe_agents(struct roster *roster, struct roster_plugin *plugin)
{
    bool is_in = false;
    AUTO(freep) char *store = roster_store(roster, NULL);
    enum error_code code = quarantine_describes(plugin, store, &is_in, &plugin->error);
    return code != ERR_OK || is_in
               ? code
               : plugin_describe(plugin, lock_entry(roster->lock, plugin->entry->alias),
                                 roster->manifest, &plugin->error);
}

/* Is no agent of it one that the lock says? Then it is refused, and else what is left out is told.
 */
static bool none_pinned(const struct lock *lock, const struct roster_plugin *plugin)
{
    AUTO(json_decrefp) json_t *left = NULL;
    AUTO(json_decrefp)
    json_t *admitted = agents_admitted(lock_entry(lock, plugin->entry->alias),
                                       json_object_get(plugin->card->json, "agents"), &left);
    return json_array_size(admitted) == 0;
}

static enum error_code load_plugin(struct roster *roster, struct roster_plugin *plugin,
                                   const char *cards)
{
    enum error_code code = card_read(plugin->entry->path, &plugin->card, &plugin->error);
    bool known = code == ERR_OK;
    if (known)
        code = check_trust(roster, plugin);
    else if (cards)
        code = read_card_alone(cards, plugin);
    if (code == ERR_OK)
        code = check_config(plugin->entry, plugin->card, &plugin->error);
    if (code == ERR_OK && plugin->entry->in_process && plugin->card->isolation_worker)
        code = error_set(&plugin->error, ERR_DENIED,
                         "plugin `%s`: its card insists on a worker; remove `isolation: "
                         "in-process` from the manifest",
                         plugin->entry->alias);
    if (code == ERR_OK)
        code = check_protections(plugin->entry, &plugin->error);
    if (code == ERR_OK && plugin->card->from_config && plugin->card->agent_count == 0)
        code = describe_agents(roster, plugin);
    if (code == ERR_OK && known && plugin->card->from_config && none_pinned(roster->lock, plugin))
        code = lock_check_agents(roster->lock, roster->manifest, plugin->entry, plugin->card,
                                 &plugin->error);
    if (code == ERR_OK)
        code = check_agents(plugin, &plugin->error);
    if (code == ERR_OK)
        code = self_test_check(plugin->entry, plugin->card, &plugin->error);
    plugin->pinned = code == ERR_OK && known && lock_entry(roster->lock, plugin->entry->alias);
    if (code != ERR_OK) {
        card_free(plugin->card);
        plugin->card = NULL;
        return code;
    }
    add_plugin(roster, plugin);
    return ERR_OK;
}

static enum error_code survey(const char *manifest_path, const char *cards,
                              struct roster **ret_roster, struct error *reterr)
{
    AUTO(roster_freep) struct roster *roster = xcalloc(1, sizeof(*roster));
    catalog_init(&roster->catalog);
    enum error_code code = manifest_load(manifest_path, &roster->manifest, reterr);
    if (code != ERR_OK)
        return code;
    struct error lock_error = {.code = ERR_OK};
    lock_error.code = lock_load(roster->manifest, &roster->lock, &lock_error);
    if (lock_error.code == ERR_OK)
        lock_error.code = keys_load(roster->manifest, &roster->keys, &lock_error);
    roster->plugin_count = roster->manifest->plugin_count;
    roster->plugins = xcalloc(roster->plugin_count, sizeof(*roster->plugins));
    for (size_t i = 0; i < roster->plugin_count; i++) {
        struct roster_plugin *plugin = &roster->plugins[i];
        plugin->entry = &roster->manifest->plugins[i];
        plugin->error = lock_error;
        if (plugin->error.code == ERR_OK)
            plugin->error.code = load_plugin(roster, plugin, cards);
    }
    roster_link_calls(roster);
    catalog_link(&roster->catalog);
    *ret_roster = TAKE(roster);
    return ERR_OK;
}

enum error_code roster_survey(const char *manifest_path, struct roster **ret_roster,
                              struct error *reterr)
{
    return survey(manifest_path, NULL, ret_roster, reterr);
}

enum error_code roster_load(const char *manifest_path, struct roster **ret_roster,
                            struct error *reterr)
{
    return roster_rehearse(manifest_path, NULL, ret_roster, reterr);
}

enum error_code roster_rehearse(const char *manifest_path, const char *cards,
                                struct roster **ret_roster, struct error *reterr)
{
    AUTO(roster_freep) struct roster *roster = NULL;
    enum error_code code = survey(manifest_path, cards, &roster, reterr);
    for (size_t i = 0; code == ERR_OK && i < roster->plugin_count; i++) {
        const struct roster_plugin *plugin = &roster->plugins[i];
        if (plugin->error.code != ERR_OK && plugin->entry->required)
            code = error_set(reterr, plugin->error.code,
                             "%s requires the plugin `%s`, which was refused: %s",
                             document_name(roster->manifest->document), plugin->entry->alias,
                             plugin->error.text);
    }
    if (code == ERR_OK)
        *ret_roster = TAKE(roster);
    return code;
}

static void stand_on_one(struct roster *roster, struct manifest *manifest)
{
    for (size_t i = 0; i < roster->other_count; i++)
        if (roster->others[i] == manifest)
            return;
    size_t count = roster->other_count + 1;
    roster->others = xrealloc(roster->others, count * sizeof(*roster->others));
    roster->others[roster->other_count++] = manifest_ref(manifest);
}

static void stand_on(struct roster *roster, const struct roster *other)
{
    stand_on_one(roster, other->manifest);
    for (size_t i = 0; i < other->other_count; i++)
        stand_on_one(roster, other->others[i]);
}

struct roster *roster_with(const struct roster *roster, size_t index, const struct roster *home,
                           const struct roster_plugin *instead)
{
    struct roster *mixed = xcalloc(1, sizeof(*mixed));
    catalog_init(&mixed->catalog);
    mixed->mixed = true;
    mixed->manifest = manifest_ref(roster->manifest);
    stand_on(mixed, roster);
    stand_on(mixed, home);
    mixed->plugin_count = roster->plugin_count;
    mixed->plugins = xcalloc(roster->plugin_count, sizeof(*mixed->plugins));
    mixed->entries = xcalloc(roster->plugin_count, sizeof(*mixed->entries));
    for (size_t i = 0; i < roster->plugin_count; i++) {
        const struct roster_plugin *build = i == index ? instead : &roster->plugins[i];
        mixed->entries[i] = *roster->plugins[i].entry;
        mixed->entries[i].path = build->entry->path;
        mixed->entries[i].config = build->entry->config;
        mixed->entries[i].self_test = build->entry->self_test;
        mixed->plugins[i] =
            (struct roster_plugin){.entry = &mixed->entries[i],
                                   .card = build->card ? card_ref(build->card) : NULL,
                                   .error = build->error,
                                   .pinned = build->pinned,
                                   .left_out = json_incref(build->left_out),
                                   .listed = json_incref(build->listed)};
        if (build->signer) {
            mixed->plugins[i].signer = xmalloc(sizeof(*build->signer));
            *mixed->plugins[i].signer = *build->signer;
        }
        if (build->card)
            add_plugin(mixed, &mixed->plugins[i]);
    }
    roster_link_calls(mixed);
    catalog_link(&mixed->catalog);
    return mixed;
}

enum error_code roster_relisted(const struct roster *roster, size_t index, json_t *listed,
                                struct roster **ret_roster, struct error *reterr)
{
    const struct roster_plugin *was = &roster->plugins[index];
    AUTO(lock_freep) struct lock *lock = NULL;
    struct roster_plugin is = {.entry = was->entry, .signer = was->signer, .pinned = was->pinned};
    enum error_code code = lock_load(roster->manifest, &lock, reterr);
    if (code == ERR_OK)
        code = card_undescribed(was->card, &is.card, reterr);
    if (code == ERR_OK)
        code = roster_admit(&is, lock_entry(lock, was->entry->alias), listed, reterr);
    if (code == ERR_OK && none_pinned(lock, &is))
        code = lock_check_agents(lock, roster->manifest, is.entry, is.card, reterr);
    if (code == ERR_OK)
        code = check_agents(&is, reterr);
    if (code == ERR_OK)
        code = self_test_check(is.entry, is.card, reterr);
    if (code == ERR_OK)
        *ret_roster = roster_with(roster, index, roster, &is);
    card_free(is.card);
    json_decref(is.left_out);
    json_decref(is.listed);
    return code;
}

void roster_free(struct roster *roster)
{
    if (!roster)
        return;
    for (size_t i = 0; i < roster->plugin_count; i++) {
        card_free(roster->plugins[i].card);
        free(roster->plugins[i].signer);
        json_decref(roster->plugins[i].left_out);
        json_decref(roster->plugins[i].listed);
    }
    free(roster->plugins);
    catalog_done(&roster->catalog);
    lock_free(roster->lock);
    keys_free(roster->keys);
    for (size_t i = 0; i < roster->other_count; i++)
        manifest_free(roster->others[i]);
    free(roster->others);
    free(roster->entries);
    manifest_free(roster->manifest);
    free(roster);
}

void roster_freep(struct roster **roster)
{
    roster_free(*roster);
}

char *roster_store(const struct roster *roster, const char *override)
{
    const char *path = override ? override : roster->manifest->store;
    if (path && strncmp(path, "sqlite:", 7) == 0)
        path += 7;
    return path ? xstrdup(path) : NULL;
}

enum error_code roster_compile(const struct roster *roster, const char *path,
                               struct flow **ret_flow, struct findings *ret_findings,
                               struct error *reterr)
{
    const struct manifest *manifest = roster->manifest;
    struct budget ceiling = {
        .attempts = manifest->budget_attempts,
        .calls = manifest->budget_calls,
        .tokens = manifest->budget_tokens,
        .cost = manifest->budget_cost,
        .time_ms = manifest->budget_time_ms,
        .recovery_calls = -1,
    };
    size_t people = json_object_size(manifest->escalation), i = 0;
    const char **names = xcalloc(people, sizeof(*names));
    const char *name;
    json_t *value;
    json_object_foreach (manifest->escalation, name, value) {
        names[i++] = name;
    }
    struct flow_options options = {
        .catalog = &roster->catalog,
        .defaults = manifest->defaults,
        .ceiling = &ceiling,
        .escalations = manifest->escalation ? names : NULL,
        .escalation_count = people,
        .concurrency = manifest->concurrency,
    };
    enum error_code code = flow_compile(path, &options, ret_flow, ret_findings, reterr);
    free(names);
    return code;
}
