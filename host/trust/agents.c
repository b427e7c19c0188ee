/* SPDX-License-Identifier: Apache-2.0
 *
 * Agents that stand in no card: a plugin lists them when it is asked, from its configuration or
 * from whoever it asks itself. What an operator approved is each of them, to the last word of its
 * summary: one that says something else afterwards, is new or is gone, is not what was approved.
 * Of those that are there, each stands for itself: what is not what was approved is left out, and
 * the others are called.
 */
#include "document/document.h"
#include "trust/trust_internal.h"

#include <stdlib.h>
#include <string.h>

static json_t *list_of(const struct card *card)
{
    return card->from_config ? json_object_get(card->json, "agents") : NULL;
}

static json_t *digest_json(const json_t *agent)
{
    char hex[DIGEST_HEX_SIZE];
    char *text = json_dumps(agent, JSON_COMPACT | JSON_SORT_KEYS);
    struct digest digest = digest_of(slice_of(text ? text : ""));
    free(text);
    digest_hex(&digest, hex);
    return json_string(hex);
}

json_t *agents_pins(const struct card *card)
{
    json_t *list = list_of(card), *pins = list ? json_object() : NULL;
    size_t i;
    const json_t *agent;
    json_array_foreach (list, i, agent)
        json_object_set_new(pins, json_string_value(json_object_get(agent, "name")),
                            digest_json(agent));
    return pins;
}

static void add(json_t *lines, const char *name, const char *what)
{
    AUTO(freep) char *line = xasprintf("agent `%s` %s", name, what);
    json_array_append_new(lines, json_string(line));
}

json_t *agents_admitted(const json_t *pinned, const json_t *listed, json_t **ret_left)
{
    json_t *admitted = json_array(), *left = json_array(),
           *pins = json_object_get(pinned, "agents");
    size_t i;
    json_t *agent;
    json_array_foreach (listed, i, agent) {
        const char *name = json_string_value(json_object_get(agent, "name"));
        const json_t *pin = name ? json_object_get(pins, name) : NULL;
        AUTO(json_decrefp) json_t *digest = digest_json(agent);
        if (!pinned || !name || json_equal(digest, pin)) /* without a name it is refused later */
            json_array_append(admitted, agent);
        else
            json_array_append_new(left, json_pack("{s:s, s:s}", "agent", name, "why",
                                                  pin ? "it is not what was approved"
                                                      : "it is new, and nobody has approved it"));
    }
    *ret_left = left;
    return admitted;
}

json_t *agents_changed(const json_t *pinned, const struct card *card)
{
    AUTO(json_decrefp) json_t *are = agents_pins(card);
    json_t *were = json_object_get(pinned, "agents"), *lines = json_array(), *digest;
    const char *name;
    json_object_foreach (are, name, digest) {
        if (!json_object_get(were, name))
            add(lines, name, "is new");
        else if (!json_equal(digest, json_object_get(were, name)))
            add(lines, name, "is not what was approved");
    }
    json_object_foreach (were, name, digest) {
        if (!json_object_get(are, name))
            add(lines, name, "is gone");
    }
    return lines;
}

enum error_code lock_check_agents(const struct lock *lock, const struct manifest *manifest,
                                  const struct manifest_plugin *entry, const struct card *card,
                                  struct error *reterr)
{
    const json_t *pinned = lock_entry(lock, entry->alias);
    if (!pinned)
        return ERR_OK; /* lock_check has said what there was to say */
    AUTO(json_decrefp) json_t *lines = agents_changed(pinned, card);
    AUTO(text_done) struct text out;
    AUTO(freep) char *path = lock_path(manifest);
    size_t i;
    const json_t *line;
    text_init(&out, ERROR_TEXT_SIZE / 2);
    json_array_foreach (lines, i, line)
        text_addf(&out, "%s%s", i > 0 ? ", " : "", json_string_value(line));
    if (json_array_size(lines) == 0)
        return ERR_OK;
    return error_set(reterr, ERR_DENIED,
                     "plugin `%s` (%s %s) lists other agents than %s says: %s%s (cure: `seam "
                     "plugins approve %s` shows them and asks)",
                     entry->alias, card->id, card->version, path, text_str(&out),
                     out.overflowed ? ", …" : "", entry->alias);
}
