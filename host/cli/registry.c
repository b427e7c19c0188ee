/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder of schemas as a registry: every .json, .yaml and .yml file below it, found by the `$id`s
 * in it and by its path below the folder, percent-encoded as a URI's. Names that begin with a dot
 * are passed over. What cannot be read as a schema is noted and left out, for such folders hold all
 * sorts of files; if something refers to it, that is an error then.
 */
#include "cli/cli_internal.h"

#include "document/document.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FOLDERS_DEEP = 32 };

struct folder {
    struct registry *registry;
    const char *root;
    size_t bytes;
};

static bool is_schema_name(const char *name)
{
    const char *end = strrchr(name, '.');
    return end &&
           (strcmp(end, ".json") == 0 || strcmp(end, ".yaml") == 0 || strcmp(end, ".yml") == 0);
}

static char *path_uri(const char *path)
{
    struct text uri;
    text_init(&uri, 3 * strlen(path) + 1);
    for (; *path; path++) {
        char c = *path;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("/-._~", c);
        if (plain)
            text_addc(&uri, c);
        else
            text_addf(&uri, "%%%02X", (unsigned)(unsigned char)c);
    }
    return text_take(&uri);
}

static enum error_code add_file(struct folder *folder, const char *path, off_t size,
                                struct error *reterr)
{
    AUTO(document_freep) struct document *document = NULL;
    AUTO(freep) char *uri = path_uri(path + strlen(folder->root) + 1);
    struct error problem;
    folder->bytes += (size_t)size;
    if (folder->bytes > LIMIT_REGISTRY_BYTES)
        return error_set(reterr, ERR_LIMIT, "%s: its schemas have more than %u bytes", folder->root,
                         LIMIT_REGISTRY_BYTES);
    enum error_code code = document_load(path, &document, &problem);
    if (code == ERR_OK) {
        code = registry_add(folder->registry, uri, document_root(document), &problem);
        if (code != ERR_OK)
            error_prefix(&problem, "%s: ", path);
        if (code == ERR_LIMIT) {
            *reterr = problem;
            return code;
        }
    }
    if (code != ERR_OK)
        complain(0, "note: left out of the registry: %s", problem.text);
    return ERR_OK;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static enum error_code add_folder(struct folder *folder, const char *path, int depth,
                                  struct error *reterr)
{
    struct dirent **entries;
    if (depth > FOLDERS_DEEP)
        return error_set(reterr, ERR_LIMIT, "%s: folders nested deeper than %d", path,
                         FOLDERS_DEEP);
    int count = scandir(path, &entries, visible, alphasort);
    if (count < 0)
        return error_set(reterr, ERR_INPUT, "%s: cannot be read as a folder of schemas: %s", path,
                         strerror(errno));
    enum error_code code = ERR_OK;
    for (int i = 0; i < count; i++) {
        AUTO(freep) char *below = xasprintf("%s/%s", path, entries[i]->d_name);
        struct stat status;
        bool there = !code && stat(below, &status) == 0;
        if (there && S_ISDIR(status.st_mode))
            code = add_folder(folder, below, depth + 1, reterr);
        else if (there && S_ISREG(status.st_mode) && is_schema_name(below))
            code = add_file(folder, below, status.st_size, reterr);
        free(entries[i]);
    }
    free(entries);
    return code;
}

enum error_code open_registry(const struct args *args, struct registry **ret_registry,
                              struct error *reterr)
{
    AUTO(registry_freep) struct registry *registry = registry_new();
    for (int i = 0; i < args->given_count; i++) {
        if (strcmp(args->given[i].name, "--registry") != 0)
            continue;
        struct folder folder = {.registry = registry, .root = args->given[i].value};
        enum error_code code = add_folder(&folder, folder.root, 0, reterr);
        if (code != ERR_OK)
            return code;
    }
    *ret_registry = TAKE(registry);
    return ERR_OK;
}
