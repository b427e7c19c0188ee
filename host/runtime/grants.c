/* SPDX-License-Identifier: Apache-2.0
 *
 * Which agents may call which. A card asks by plugin id, for its author does not know what the
 * operator will call a plugin: "org.example.search/lookup"; or by a star, where its configuration
 * names them. The manifest grants by alias: "search/lookup", or "search/" and a star. What is both
 * asked for and granted may be called by every agent of the plugin; a grant of more than was asked
 * for gives nothing. Whether a single call is allowed, by class, depth and budget, the orchestrator
 * decides.
 *
 * A run keeps the names, and is decided by them for as long as it lives.
 */
#include "runtime/host_internal.h"

#include <stdlib.h>
#include <string.h>

static const json_t *requests_of(const struct roster_plugin *plugin)
{
    return plugin->card ? json_object_get(json_object_get(plugin->card->json, "requests"), "agents")
                        : NULL;
}

/* "org.example.search/lookup" → the agent of that plugin, if this one is it. */
static const struct agent *agent_by_id(const struct roster *roster,
                                       const struct roster_plugin *plugin, const char *request)
{
    size_t id = strcspn(request, "/");
    if (!plugin->card || !slice_is((struct slice){request, id}, plugin->card->id))
        return NULL;
    AUTO(freep) char *name = xasprintf("%s%s", plugin->entry->alias, request + id);
    return catalog_find(&roster->catalog, slice_of(name));
}

static bool grant_covers(const char *grant, const char *agent)
{
    size_t length = strlen(grant);
    if (length >= 2 && strcmp(grant + length - 2, "/*") == 0)
        return strncmp(grant, agent, length - 1) == 0;
    return strcmp(grant, agent) == 0;
}

static bool is_granted(const struct manifest_plugin *entry, const char *agent)
{
    for (size_t i = 0; i < entry->agent_count; i++)
        if (grant_covers(entry->agents[i], agent))
            return true;
    return false;
}

/* ---- the catalog ---- */

struct callees {
    const struct agent **list;
    size_t count;
};

static int by_name(const void *a, const void *b)
{
    const struct agent *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

static void callees_sort(struct callees *callees)
{
    size_t kept = 0;
    if (callees->count > 1)
        qsort(callees->list, callees->count, sizeof(callees->list[0]), by_name);
    for (size_t i = 0; i < callees->count; i++)
        if (kept == 0 || callees->list[kept - 1] != callees->list[i])
            callees->list[kept++] = callees->list[i];
    callees->count = kept;
}

static void callees_add(struct callees *callees, const struct agent *agent)
{
    callees->list = xrealloc(callees->list, (callees->count + 1) * sizeof(callees->list[0]));
    callees->list[callees->count++] = agent;
}

static bool is_of(const struct agent *agent, const char *alias)
{
    size_t length = strlen(alias);
    return strncmp(agent->name, alias, length) == 0 && agent->name[length] == '/';
}

/* Whoever asks for any is given all that the manifest names; its own agents it may not call by a
 * star. */
static void add_any(const struct roster *roster, const struct roster_plugin *caller,
                    struct callees *callees)
{
    for (size_t i = 0; i < roster->catalog.count; i++) {
        const struct agent *agent = roster->catalog.agents[i];
        if (is_granted(caller->entry, agent->name) && !is_of(agent, caller->entry->alias))
            callees_add(callees, agent);
    }
}

static struct callees find_callees(const struct roster *roster, const struct roster_plugin *caller)
{
    struct callees callees = {0};
    size_t index;
    const json_t *request;
    if (caller->entry->agent_count == 0)
        return callees;
    json_array_foreach (requests_of(caller), index, request) {
        if (strcmp(json_string_value(request), "*") == 0)
            add_any(roster, caller, &callees);
        for (size_t i = 0; i < roster->plugin_count; i++) {
            const struct agent *agent =
                agent_by_id(roster, &roster->plugins[i], json_string_value(request));
            if (agent && is_granted(caller->entry, agent->name))
                callees_add(&callees, agent);
        }
    }
    callees_sort(&callees);
    return callees;
}

static void link_agent(struct agent *agent, const struct callees *callees)
{
    free(agent->calls);
    agent->calls = xcalloc(callees->count + 1, sizeof(agent->calls[0]));
    agent->call_count = callees->count;
    for (size_t i = 0; i < callees->count; i++)
        agent->calls[i] = callees->list[i];
}

void roster_link_calls(struct roster *roster)
{
    for (size_t i = 0; i < roster->plugin_count; i++) {
        const struct roster_plugin *plugin = &roster->plugins[i];
        struct callees callees = find_callees(roster, plugin);
        for (size_t a = 0; callees.count > 0 && a < roster->catalog.count; a++)
            if (is_of(roster->catalog.agents[a], plugin->entry->alias))
                link_agent(roster->catalog.agents[a], &callees);
        free(callees.list);
    }
}

/* ---- what a run keeps ---- */

json_t *agent_calls_json(const struct agent *agent)
{
    json_t *names = agent->call_count > 0 ? json_array() : NULL;
    for (size_t i = 0; i < agent->call_count; i++)
        json_array_append_new(names, json_string(agent->calls[i]->name));
    return names;
}

void agent_link_calls(struct catalog *catalog, const char *name, const json_t *calls)
{
    struct callees callees = {0};
    size_t index;
    const json_t *value;
    json_array_foreach (calls, index, value) {
        const char *callee = json_string_value(value);
        const struct agent *agent = callee ? catalog_find(catalog, slice_of(callee)) : NULL;
        if (agent)
            callees_add(&callees, agent);
    }
    callees_sort(&callees);
    for (size_t i = 0; callees.count > 0 && i < catalog->count; i++)
        if (strcmp(catalog->agents[i]->name, name) == 0)
            link_agent(catalog->agents[i], &callees);
    free(callees.list);
}

/* ---- for people ---- */

/* The worst that any agent of the plugin may do: nobody of it may call what does worse. */
static enum effect_class worst_of(const struct card *card)
{
    uint32_t worst = 0;
    for (size_t i = 0; i < card->agent_count; i++)
        if (card->agents[i].effect > worst)
            worst = card->agents[i].effect;
    return worst <= CLASS_WRITE ? (enum effect_class)worst : CLASS_WRITE;
}

static void tell(json_t *list, const char *agent, const char *request, const struct agent *callee,
                 const char *status, const char *note)
{
    json_array_append_new(list, json_pack("{s:s*, s:s*, s:s*, s:s, s:s*}", "agent", agent,
                                          "request", request, "effect",
                                          callee ? effect_class_word(callee->effect) : NULL,
                                          "status", status, "note", note));
}

/* One agent that was asked for, as this manifest has it. */
static void tell_found(const struct roster_plugin *caller, const char *request,
                       const struct agent *agent, json_t *list)
{
    enum effect_class worst = worst_of(caller->card);
    AUTO(freep)
    char *grant = xasprintf("plugins.%s.grants.agents of the manifest would have to name %s",
                            caller->entry->alias, agent->name);
    AUTO(freep)
    char *class = xasprintf("it is %s, and no agent of this plugin is more than %s: the call would "
                            "be refused",
                            effect_class_word(agent->effect), effect_class_word(worst));
    if (!is_granted(caller->entry, agent->name))
        tell(list, agent->name, request, agent, "not-granted", grant);
    else if (agent->effect > worst)
        tell(list, agent->name, request, agent, "class", class);
    else
        tell(list, agent->name, request, agent, "callable", NULL);
}

static bool is_asked(const struct roster *roster, const struct roster_plugin *caller,
                     const char *grant)
{
    size_t index;
    const json_t *request;
    struct callees any = {0};
    json_array_foreach (requests_of(caller), index, request) {
        for (size_t i = 0; i < roster->plugin_count; i++) {
            const struct agent *agent =
                agent_by_id(roster, &roster->plugins[i], json_string_value(request));
            if (agent && grant_covers(grant, agent->name))
                return true;
        }
        if (strcmp(json_string_value(request), "*") == 0)
            add_any(roster, caller, &any);
    }
    bool asked = false;
    for (size_t i = 0; i < any.count; i++)
        asked = asked || grant_covers(grant, any.list[i]->name);
    free(any.list);
    return asked;
}

/* All that are granted to who asks for any. */
static void tell_any(const struct roster *roster, const struct roster_plugin *caller, json_t *list)
{
    struct callees any = {0};
    add_any(roster, caller, &any);
    for (size_t i = 0; i < any.count; i++)
        tell_found(caller, "*", any.list[i], list);
    free(any.list);
}

/* Statuses: "callable"; "not-granted" (asked for); "class" (granted, and worse than any agent of
 * the plugin); "absent" (asked for, and no plugin has it); "not-asked" (granted). */
json_t *roster_calls(const struct roster *roster, size_t plugin)
{
    const struct roster_plugin *caller = &roster->plugins[plugin];
    json_t *list = json_array();
    size_t index;
    const json_t *request;
    json_array_foreach (requests_of(caller), index, request) {
        bool found = strcmp(json_string_value(request), "*") == 0;
        if (found)
            tell_any(roster, caller, list);
        for (size_t i = 0; i < roster->plugin_count; i++) {
            const struct agent *agent =
                agent_by_id(roster, &roster->plugins[i], json_string_value(request));
            if (agent)
                tell_found(caller, json_string_value(request), agent, list);
            found = found || agent;
        }
        if (!found)
            tell(list, NULL, json_string_value(request), NULL, "absent",
                 "no plugin that is loaded has it");
    }
    for (size_t i = 0; caller->card && i < caller->entry->agent_count; i++)
        if (!is_asked(roster, caller, caller->entry->agents[i]))
            tell(list, caller->entry->agents[i], NULL, NULL, "not-asked",
                 "the card does not ask for it, or nobody has it: the grant gives nothing");
    return list;
}
