/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator should not find out at night: plugins that were refused while flows need them,
 * and keys of the manifest that are understood but that this version does not act on.
 */
#include "cli/cli_internal.h"

#include "document/document.h"

#include <string.h>

static void note(const struct roster *roster, const char *pointer)
{
    struct position at = document_where_key(roster->manifest->document, pointer);
    fprintf(stderr, "%s:%d:%d: note: %s has no effect in this version\n",
            document_name(roster->manifest->document), at.line, at.column, pointer);
}

static void note_member(const struct roster *roster, const json_t *object, const char *place,
                        const char *key)
{
    const json_t *value = json_object_get(object, key);
    bool says_nothing = !value || (json_is_array(value) && json_array_size(value) == 0);
    AUTO(freep) char *pointer = xasprintf("%s/%s", place, key);
    if (!says_nothing)
        note(roster, pointer);
}

static void note_plugin(const struct roster *roster, const char *alias, const json_t *plugin)
{
    AUTO(freep) char *grants = xasprintf("/plugins/%s/grants", alias);
    const json_t *given = json_object_get(plugin, "grants");
    note_member(roster, given, grants, "secrets");
}

void note_unserved(const struct roster *roster)
{
    const json_t *root = document_root(roster->manifest->document);
    const char *name;
    json_t *value;
    json_object_foreach (json_object_get(root, "plugins"), name, value) {
        note_plugin(roster, name, value);
    }
}

void note_refused(const struct roster *roster)
{
    for (size_t i = 0; i < roster->plugin_count; i++)
        if (!roster->plugins[i].card)
            complain(0, "plugin `%s` was refused: %s", roster->plugins[i].entry->alias,
                     roster->plugins[i].error.text);
}
