/* SPDX-License-Identifier: Apache-2.0
 *
 * seam plugins state: what a plugin keeps from call to call, read from the journal, whoever has it
 * open; and --clear, which needs the journal for itself.
 */
#include "cli/cli_internal.h"

#include "base/seal.h"

#include <string.h>

/* As the host calls it: see runtime/state.c. NULL: nobody knows the plugin's id. */
static char *space_of(const struct roster_plugin *plugin)
{
    return plugin->card ? xasprintf("%s/%s", plugin->entry->alias, plugin->card->id) : NULL;
}

struct looking {
    const char *name;
    struct state_use use;
};

static void look_at(void *user, const char *name, const struct journal_space *space)
{
    struct looking *looking = user;
    if (strcmp(name, looking->name) == 0)
        looking->use = (struct state_use){.keys = space->keys, .bytes = space->bytes};
}

struct state_use state_use_of(const struct args *args, const struct roster *roster, size_t index)
{
    const struct roster_plugin *plugin = &roster->plugins[index];
    AUTO(freep) char *name = space_of(plugin), *path = NULL;
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    struct looking looking = {.name = name};
    struct error ignored; /* nothing has run with it yet */
    if (!name || plugin->card->state_bytes < 0)
        return looking.use;
    path = roster_store(roster, args_option(args, "--store"));
    if (path && journal_reader_open(path, &reader, &ignored) == ERR_OK &&
        journal_spaces(reader, look_at, &looking, &ignored) != ERR_OK)
        looking.use = (struct state_use){0};
    return looking.use;
}

/* ---- seam plugins state ---- */

static void add_value(void *user, const struct journal_value *value)
{
    struct sealed sealed;
    size_t length = seal_is(value->value, &sealed) ? sealed.length : value->value.len;
    json_array_append_new(user, json_pack("{s:s, s:I, s:I}", "key", value->key, "version",
                                          (json_int_t)value->version, "bytes", (json_int_t)length));
}

static void print_values(const json_t *list)
{
    size_t i;
    const json_t *value;
    json_array_foreach (list, i, value) {
        printf("%10lld bytes  version %-6lld ",
               (long long)json_integer_value(json_object_get(value, "bytes")),
               (long long)json_integer_value(json_object_get(value, "version")));
        print_said(stdout, slice_of(text_of(value, "key")));
        putchar('\n');
    }
    if (json_array_size(list) == 0)
        puts("it keeps nothing");
}

static enum error_code list_values(const struct args *args, const char *path, const char *space,
                                   struct error *reterr)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    AUTO(json_decrefp) json_t *list = json_array();
    enum error_code code = journal_reader_open(path, &reader, reterr);
    if (code == ERR_OK)
        code = journal_values(reader, space, add_value, list, reterr);
    if (code == ERR_OK && args->json)
        print_json(json_incref(list));
    else if (code == ERR_OK)
        print_values(list);
    return code;
}

static enum error_code clear_values(const char *path, const char *space, struct error *reterr)
{
    struct journal *journal = NULL;
    struct journal_options options = {.path = path};
    enum error_code code = journal_open(&options, &journal, reterr);
    if (code != ERR_OK)
        return code;
    code = journal_space_clear(journal, space, reterr);
    struct error closing;
    if (journal_close(journal, &closing) != ERR_OK && code == ERR_OK)
        code = error_set(reterr, closing.code, "%s", closing.text);
    return code;
}

int plugins_state(const struct args *args, const char *alias)
{
    AUTO(roster_freep) struct roster *roster = NULL;
    AUTO(freep) char *path = NULL, *space = NULL;
    struct error err;
    enum error_code code = open_roster(args, true, &roster, &err);
    const struct roster_plugin *plugin = NULL;
    for (size_t i = 0; code == ERR_OK && i < roster->plugin_count; i++)
        if (strcmp(roster->plugins[i].entry->alias, alias) == 0)
            plugin = &roster->plugins[i];
    if (code == ERR_OK && !plugin)
        code =
            error_set(&err, ERR_NOT_FOUND, "%s has no plugin `%s`", roster->manifest->file, alias);
    else if (code == ERR_OK && !plugin->card)
        code = plugin->error.code, err = plugin->error;
    if (code == ERR_OK) {
        path = roster_store(roster, args_option(args, "--store"));
        space = space_of(plugin);
    }
    if (code == ERR_OK && !path)
        code =
            error_set(&err, ERR_UNSUPPORTED, "this manifest keeps nothing: its store is in memory");
    if (code == ERR_OK && args_flag(args, "--clear"))
        code = clear_values(path, space, &err);
    else if (code == ERR_OK)
        code = list_values(args, path, space, &err);
    return code == ERR_OK ? EXIT_DONE : report_error(args, &err);
}
