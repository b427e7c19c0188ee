/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plugin is, and whether it is loaded.
 */
#include "report/report.h"
#include "trust/trust.h"

static json_t *agents_json(const struct roster_plugin *plugin)
{
    json_t *list = json_array();
    for (size_t i = 0; plugin->card && i < plugin->card->agent_count; i++) {
        const struct card_agent *agent = &plugin->card->agents[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s*}", "name", agent->name, "effect",
                                              effect_class_word((enum effect_class)agent->effect),
                                              "reconcile", agent->reconcile));
    }
    return list;
}

json_t *report_plugin(const struct roster *roster, size_t index, const char *status,
                      const struct error *err)
{
    const struct roster_plugin *plugin = &roster->plugins[index];
    char library[DIGEST_HEX_SIZE] = "";
    if (plugin->card)
        digest_hex(&plugin->card->library, library);
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:o}", "plugin", plugin->entry->alias, "path",
                             plugin->entry->path, "status", status, "isolation",
                             plugin->entry->in_process ? "in-process" : "worker", "agents",
                             agents_json(plugin));
    if (err->code != ERR_OK)
        json_object_set_new(json, "reason", json_string(err->text));
    if (plugin->card) {
        json_object_set_new(json, "id", json_string(plugin->card->id));
        json_object_set_new(json, "version", json_string(plugin->card->version));
        json_object_set_new(json, "library", json_string(library));
        json_object_set_new(json, "brokered", json_boolean(plugin->card->brokered));
        json_object_set_new(json, "calls", roster_calls(roster, index));
        json_object_set_new(json, "pinned", json_boolean(plugin->pinned));
        if (plugin->left_out)
            json_object_set(json, "left_out", plugin->left_out);
        if (plugin->signer && plugin->signer->is_signed)
            json_object_set_new(json, "key", json_string(plugin->signer->key));
        if (plugin->signer && plugin->signer->is_trusted)
            json_object_set_new(json, "signed_by", json_string(plugin->signer->name));
        json_object_set_new(json, "asks", card_requests_in_words(plugin->card));
        json_object_set_new(json, "denied", ungranted_in_words(plugin->card, plugin->entry));
    }
    return json;
}
