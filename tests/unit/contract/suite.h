/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the official JSON Schema Test Suite is, and its remote documents as a registry: they are
 * found under the URI that the suite gives them and never fetched.
 */
#ifndef TESTS_CONTRACT_SUITE_H
#define TESTS_CONTRACT_SUITE_H

#include "contract_test.h"

#include "contract/registry.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#define REMOTES "http://localhost:1234/"

static inline bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static inline char *suite_folder(void)
{
    static const char *const variables[] = {"SEAM_JSON_SCHEMA_SUITE", "JSTS_DIR"};
    for (size_t i = 0; i < 2; i++)
        if (getenv(variables[i]))
            return xstrdup(getenv(variables[i]));
    char *folder = xasprintf("%s/build/JSON-Schema-Test-Suite", SOURCE_ROOT);
    if (is_folder(folder))
        return folder;
    free(folder);
    return xasprintf("%s/../shared/data/JSON-Schema-Test-Suite", SOURCE_ROOT);
}

static inline json_t *load(const char *path)
{
    json_error_t problem;
    const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
    json_t *json = json_load_file(path, flags, &problem);
    if (!json) /* integers beyond 64 bits */
        json = json_load_file(path, flags | JSON_DECODE_INT_AS_REAL, &problem);
    ck_assert_msg(json != NULL, "%s: %s", path, problem.text);
    return json;
}

static inline bool is_json(const char *name)
{
    const char *end = strrchr(name, '.');
    return end && strcmp(end, ".json") == 0;
}

static inline void add_remotes(struct registry *registry, const char *folder, const char *uri)
{
    DIR *dir = opendir(folder);
    ck_assert_msg(dir != NULL, "%s", folder);
    for (const struct dirent *entry; (entry = readdir(dir));) {
        char *path = xasprintf("%s/%s", folder, entry->d_name);
        char *below = xasprintf("%s%s", uri, entry->d_name);
        if (is_json(entry->d_name)) {
            json_t *json = load(path);
            ck_assert_int_eq(registry_add(registry, below, json, NULL), ERR_OK);
            json_decref(json);
        } else if (entry->d_name[0] != '.' && is_folder(path)) {
            char *inner = xasprintf("%s/", below);
            add_remotes(registry, path, inner);
            free(inner);
        }
        free(path);
        free(below);
    }
    closedir(dir);
}

/* NULL where there is no suite. */
static inline struct registry *suite_registry(const char *folder)
{
    char *remotes = xasprintf("%s/remotes", folder);
    struct registry *registry = NULL;
    if (is_folder(remotes)) {
        registry = registry_new();
        add_remotes(registry, remotes, REMOTES);
    }
    free(remotes);
    return registry;
}

#endif
