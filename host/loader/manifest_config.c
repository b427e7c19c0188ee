/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration of a plugin, as its manifest has it: it stands there, or in a file of its own,
 * and parts of it may stand in files of theirs. The plugin sees one value and no file.
 */
#include "loader/manifest_internal.h"

#include "document/document.h"

#include <stdlib.h>
#include <string.h>

/* Where it stands in the configuration: objects on the way there are made. */
static bool put_at(json_t *config, const char *place, json_t *value)
{
    size_t len = strcspn(place, "/");
    AUTO(freep) char *name = xstrndup(place, len);
    if (place[len] == '\0')
        return len > 0 && !json_object_get(config, name) &&
               json_object_set(config, name, value) == 0;
    if (!json_object_get(config, name))
        json_object_set_new(config, name, json_object());
    return len > 0 && put_at(json_object_get(config, name), place + len + 1, value);
}

/* Parts of the configuration that stand in files of their own. */
static enum error_code read_config_parts(const struct manifest *m, struct manifest_plugin *p,
                                         const json_t *files, struct error *reterr)
{
    const char *place;
    json_t *file;
    enum error_code code = ERR_OK;
    if (json_object_size(files) == 0)
        return ERR_OK;
    json_t *config = p->config ? json_deep_copy(p->config) : json_object();
    json_decref(p->config);
    p->config = config;
    json_object_foreach ((json_t *)(uintptr_t)files, place, file) {
        AUTO(document_freep) struct document *document = NULL;
        AUTO(freep) char *path = manifest_resolve(m, json_string_value(file));
        if (code == ERR_OK)
            code = document_load_foreign(path, &document, reterr);
        if (code != ERR_OK)
            error_prefix(reterr, "the config_files of plugin `%s`: ", p->alias);
        else if (!put_at(config, place, document_root(document)))
            code = error_set(reterr, ERR_INPUT,
                             "%s: config_files of plugin `%s`: there is something at %s already",
                             document_name(m->document), p->alias, place);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

/* The configuration stands in the manifest, or in a file of its own. */
enum error_code manifest_read_config(const struct manifest *m, struct manifest_plugin *p,
                                     const json_t *json, struct error *reterr)
{
    AUTO(document_freep) struct document *document = NULL;
    const char *file = json_string_value(json_object_get(json, "config_file"));
    AUTO(freep) char *path = file ? manifest_resolve(m, file) : NULL;
    p->config = json_incref(json_object_get(json, "config"));
    if (p->config && path)
        return error_set(reterr, ERR_INPUT,
                         "%s: plugin `%s` has both `config` and `config_file`; leave one out",
                         document_name(m->document), p->alias);
    enum error_code code = path ? document_load(path, &document, reterr) : ERR_OK;
    if (code != ERR_OK)
        error_prefix(reterr, "the config_file of plugin `%s`: ", p->alias);
    else if (path)
        p->config = json_incref(document_root(document));
    return code == ERR_OK ? read_config_parts(m, p, json_object_get(json, "config_files"), reterr)
                          : code;
}
