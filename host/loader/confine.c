/* SPDX-License-Identifier: Apache-2.0
 *
 * From what a card asks for, what the manifest grants and what its policy says to the plan of a
 * worker's sandbox. A plugin gets what is both asked for and granted: of two paths where one lies
 * in the other, the inner, in the lesser mode. A plugin that is pure throughout gets nothing of it:
 * it has no use for any, and what it could reach would make it something else. Only where its
 * agents stand in its configuration, so does what they run: that it may still read, and make code
 * of it.
 */
#include "base/limits.h"
#include "loader/confine_internal.h"
#include "loader/loader.h"

#include <errno.h>
#include <seam/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char state_word[] = "${state}";

/* ---- the manifest's words ---- */

static bool has_dots(const char *path)
{
    size_t len = strlen(path);
    return strstr(path, "/../") || (len >= 3 && strcmp(path + len - 3, "/..") == 0);
}

static char *strip(char *path)
{
    for (size_t len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
        path[len - 1] = '\0';
    return path;
}

static char *expand(const char *state, const char *folder, const char *path)
{
    size_t word = sizeof(state_word) - 1;
    if (strncmp(path, state_word, word) == 0)
        return strip(xasprintf("%s%s", state, path + word));
    char *whole = path[0] == '/' ? xstrdup(path) : xasprintf("%s/%s", folder, path);
    char *real = has_dots(whole) ? realpath(whole, NULL) : NULL;
    if (real)
        free(whole);
    return strip(real ? real : whole);
}

static void read_policy(const json_t *policy, struct manifest_plugin *p)
{
    size_t i;
    const json_t *value;
    enum protection protection;
    enum sandbox_promise promise;
    json_array_foreach (json_object_get(policy, "without"), i, value) {
        if (protection_find(json_string_value(value), &protection))
            p->sandbox_off |= 1u << protection;
        else if (promise_find(json_string_value(value), &promise))
            p->sandbox_given_up |= 1u << promise;
    }
    json_array_foreach (json_object_get(policy, "require"), i, value)
        if (protection_find(json_string_value(value), &protection))
            p->sandbox_required |= 1u << protection;
}

void confine_read(const char *folder, const json_t *plugin, struct manifest_plugin *p)
{
    const json_t *grants = json_object_get(plugin, "grants");
    const json_t *fs = json_object_get(grants, "fs"), *exec = json_object_get(grants, "exec");
    const char *net = json_string_value(json_object_get(grants, "net"));
    p->state = xasprintf("%s/.seam/state/%s", folder, p->alias);
    p->paths = xcalloc(json_array_size(fs) + json_array_size(exec) + 1, sizeof(*p->paths));
    size_t i;
    const json_t *value;
    json_array_foreach (fs, i, value) {
        const char *mode = json_string_value(json_object_get(value, "mode"));
        p->paths[p->path_count++] = (struct sandbox_path){
            .path = expand(p->state, folder, json_string_value(json_object_get(value, "path"))),
            .write = strcmp(mode, "rw") == 0};
    }
    json_array_foreach (exec, i, value)
        p->paths[p->path_count++] =
            (struct sandbox_path){.path = xstrdup(json_string_value(value)), .exec = true};
    p->net = net && strcmp(net, "any") == 0;
    p->jit = json_is_true(json_object_get(grants, "jit"));
    read_policy(json_object_get(plugin, "sandbox"), p);
}

void confine_done(struct manifest_plugin *p)
{
    for (size_t i = 0; i < p->path_count; i++)
        free(p->paths[i].path);
    free(p->paths);
    free(p->state);
}

/* ---- the plan ---- */

static bool covers(const char *outer, const char *inner)
{
    size_t len = strlen(outer);
    return strcmp(outer, "/") == 0 ||
           (strncmp(outer, inner, len) == 0 && (inner[len] == '\0' || inner[len] == '/'));
}

static bool is_pure(const struct card *card)
{
    bool pure = card->agent_count > 0;
    for (size_t i = 0; i < card->agent_count; i++)
        pure = pure && card->agents[i].effect == SEAM_PURE;
    return pure;
}

static enum error_code make_folders(const char *path, struct error *reterr)
{
    AUTO(freep) char *part = xasprintf("%s/", path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return error_set_errno(reterr, errno, "cannot make the folder %s for a plugin's state",
                                   part);
        *slash = '/';
    }
    return ERR_OK;
}

/* Adds the path, which is there, once. */
static enum error_code give(const struct manifest_plugin *entry, struct sandbox_plan *plan,
                            const struct sandbox_path *path, struct error *reterr)
{
    bool of_state = covers(entry->state, path->path);
    if (of_state && make_folders(path->path, reterr) != ERR_OK)
        return reterr ? reterr->code : ERR_IO;
    if (access(path->path, F_OK) != 0)
        return error_set_errno(reterr, errno,
                               "the manifest grants the plugin `%s` the path %s, and it cannot be "
                               "found (cure: make it, or take it out of `grants`)",
                               entry->alias, path->path);
    for (size_t i = 0; i < plan->path_count; i++) {
        if (strcmp(plan->paths[i].path, path->path) != 0)
            continue;
        plan->paths[i].write |= path->write;
        plan->paths[i].exec |= path->exec;
        return ERR_OK;
    }
    if (plan->path_count == LIMIT_PLUGIN_PATHS)
        return error_set(reterr, ERR_LIMIT, "the plugin `%s` is granted more than %d paths",
                         entry->alias, LIMIT_PLUGIN_PATHS);
    sandbox_plan_add_path(plan, path->path, path->write, path->exec);
    if (of_state && !plan->state)
        plan->state = xstrdup(entry->state);
    return ERR_OK;
}

static enum error_code give_files(const struct card *card, const struct manifest_plugin *entry,
                                  struct sandbox_plan *plan, struct error *reterr)
{
    size_t i;
    const json_t *asked;
    const json_t *list = json_object_get(json_object_get(card->json, "requests"), "fs");
    json_array_foreach (list, i, asked) {
        AUTO(freep)
        char *path = expand(entry->state, "", json_string_value(json_object_get(asked, "path")));
        bool writes = strcmp(json_string_value(json_object_get(asked, "mode")), "rw") == 0;
        for (size_t k = 0; k < entry->path_count; k++) {
            const struct sandbox_path *granted = &entry->paths[k];
            bool outer = covers(granted->path, path);
            if (granted->exec || has_dots(path) || (!outer && !covers(path, granted->path)))
                continue;
            struct sandbox_path inner = {.path = outer ? path : granted->path,
                                         .write = writes && granted->write && !plan->pure};
            enum error_code code = give(entry, plan, &inner, reterr);
            if (code != ERR_OK)
                return code;
        }
    }
    return ERR_OK;
}

static enum error_code give_programs(const struct card *card, const struct manifest_plugin *entry,
                                     struct sandbox_plan *plan, struct error *reterr)
{
    size_t i;
    const json_t *asked;
    const json_t *list = json_object_get(json_object_get(card->json, "requests"), "exec");
    json_array_foreach (list, i, asked) {
        for (size_t k = 0; k < entry->path_count; k++) {
            if (!entry->paths[k].exec ||
                !request_names(json_string_value(asked), entry->paths[k].path))
                continue;
            enum error_code code = give(entry, plan, &entry->paths[k], reterr);
            if (code != ERR_OK)
                return code;
            plan->exec = true;
        }
    }
    return ERR_OK;
}

enum error_code plugin_plan(const struct card *card, const struct manifest_plugin *entry,
                            struct sandbox_plan *ret_plan, struct error *reterr)
{
    struct sandbox_plan plan;
    sandbox_plan_init(&plan);
    plan.off = entry->sandbox_off;
    plan.required = entry->sandbox_required;
    plan.given_up = entry->sandbox_given_up;
    plan.pure = is_pure(card);
    int64_t memory = entry->memory_bytes >= 0 ? entry->memory_bytes : card->memory_bytes;
    if (memory >= 0)
        plan.memory_bytes = memory;
    enum error_code code = ERR_OK;
    const json_t *requests = json_object_get(card->json, "requests");
    if (!plan.pure || card->from_config) {
        plan.jit = entry->jit && json_is_true(json_object_get(requests, "jit"));
        code = give_files(card, entry, &plan, reterr);
    }
    if (!plan.pure) {
        const char *net = json_string_value(json_object_get(requests, "net"));
        plan.net = entry->net && net && strcmp(net, "any") == 0;
        if (code == ERR_OK)
            code = give_programs(card, entry, &plan, reterr);
    }
    if (code == ERR_OK)
        *ret_plan = plan;
    else
        sandbox_plan_done(&plan);
    return code;
}
