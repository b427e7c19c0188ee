/* SPDX-License-Identifier: Apache-2.0
 *
 * One plugin started, to see whether it is what its card says, and ended again: no call of an agent
 * is made. One whose agents stand in its configuration is started so, in a worker, to name them:
 * before there is a host, or beside what runs in it, which goes on meanwhile.
 */
#include "runtime/reload_internal.h"
#include "trust/trust.h"

#include <stdlib.h>
#include <string.h>

struct trial {
    struct slot slot; /* of a host that has nothing else, unless there is one: */
    uv_poll_t poll;   /* closed in the host's last turn      */
    bool over;
    struct error error;
    /* beside what runs: */
    uv_poll_t *beside;
    struct manifest_plugin entry;
    struct roster_plugin confined;
    trial_listed listed;
    void *user;
};

static void ready(void *user, const struct error *err)
{
    struct trial *trial = user;
    describing_end(&trial->slot);
    trial->over = true;
    if (err)
        trial->error = *err;
}

static void completed(void *user, const struct call_result *result)
{
    (void)user;
    (void)result;
}

static void requested(void *user, uint64_t call, uint64_t request, struct slice op,
                      struct slice body)
{
    struct trial *trial = user;
    call_requested(&trial->slot, call, request, op, body);
}

static void emitted(void *user, uint64_t call, struct slice chunk)
{
    (void)user;
    (void)call;
    (void)chunk;
}

static void logged(void *user, uint64_t call, uint32_t level, struct slice text)
{
    (void)user;
    (void)call;
    (void)level;
    (void)text;
}

static void down(void *user, const char *reason)
{
    struct trial *trial = user;
    describing_end(&trial->slot);
    if (!trial->over)
        error_set(&trial->error, ERR_IO, "its worker ended: %s", reason);
    trial->over = true;
}

struct found {
    struct sandbox_report sandbox;
    bool held;         /* by the sandbox */
    json_t *described; /* its agents, if they stand in its configuration */
};

static void readable(uv_poll_t *poll, int status, int events)
{
    struct trial *trial = poll->data;
    (void)status;
    (void)events;
    plugin_dispatch(trial->slot.plugin);
}

/* Until it is ready, or is not. */
static void await(struct trial *trial)
{
    uv_loop_t *loop = &trial->slot.host->loop;
    uv_poll_init(loop, &trial->poll, plugin_fd(trial->slot.plugin));
    trial->poll.data = trial;
    uv_poll_start(&trial->poll, UV_READABLE, readable);
    while (!trial->over)
        uv_run(loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&trial->poll, NULL);
}

static const struct plugin_handlers handlers = {
    .ready = ready,
    .completed = completed,
    .requested = requested,
    .emitted = emitted,
    .logged = logged,
    .down = down,
};

static enum error_code attempt(const struct roster_plugin *plugin, const char *worker,
                               const struct manifest *manifest, struct found *ret,
                               struct error *reterr)
{
    struct trial trial = {.slot.roster = plugin};
    AUTO(freep) char *program = find_worker(worker);
    enum error_code code = bench_open(manifest, &trial.slot.host, reterr);
    if (code != ERR_OK)
        return code;
    code = plugin_start_entry(plugin, program, NULL, (size_t)manifest->payload, &handlers, &trial,
                              &trial.slot.plugin, reterr);
    if (code == ERR_OK) {
        await(&trial);
        const struct sandbox_report *sandbox = plugin_sandbox(trial.slot.plugin);
        *ret = (struct found){.held = sandbox != NULL,
                              .described = json_incref(plugin_described(trial.slot.plugin))};
        if (sandbox)
            ret->sandbox = *sandbox;
        plugin_free(trial.slot.plugin);
        if (trial.error.code != ERR_OK)
            code = error_set(reterr, trial.error.code, "%s", trial.error.text);
    }
    bench_close(trial.slot.host);
    return code;
}

enum error_code host_try_plugin(const struct roster *roster, const char *alias, const char *worker,
                                struct sandbox_report *ret_sandbox, bool *ret_held,
                                struct error *reterr)
{
    *ret_held = false;
    for (size_t i = 0; i < roster->plugin_count; i++) {
        const struct roster_plugin *plugin = &roster->plugins[i];
        if (strcmp(plugin->entry->alias, alias) != 0)
            continue;
        if (!plugin->card)
            return error_set(reterr, plugin->error.code, "%s", plugin->error.text);
        struct found found = {.held = false};
        enum error_code code = attempt(plugin, worker, roster->manifest, &found, reterr);
        json_decref(found.described);
        *ret_held = found.held;
        *ret_sandbox = found.sandbox;
        return code;
    }
    return error_set(reterr, ERR_NOT_FOUND, "the manifest has no plugin `%s`", alias);
}

enum error_code roster_admit(struct roster_plugin *plugin, const json_t *pinned, json_t *listed,
                             struct error *reterr)
{
    AUTO(json_decrefp) json_t *left = NULL;
    AUTO(json_decrefp) json_t *admitted = agents_admitted(pinned, listed, &left);
    bool none = json_array_size(admitted) == 0;
    enum error_code code = card_describe(plugin->card, none ? listed : admitted, reterr);
    if (code == ERR_OK)
        plugin->listed = json_incref(listed);
    if (code == ERR_OK && !none && json_array_size(left) > 0)
        plugin->left_out = TAKE(left);
    return code;
}

enum error_code plugin_describe(struct roster_plugin *plugin, const json_t *pinned,
                                const struct manifest *manifest, struct error *reterr)
{
    struct manifest_plugin entry = *plugin->entry;
    entry.in_process = false;
    struct roster_plugin confined = {.entry = &entry, .card = plugin->card};
    struct found found = {.held = false};
    enum error_code code = attempt(&confined, NULL, manifest, &found, reterr);
    if (code == ERR_OK)
        code = roster_admit(plugin, pinned, found.described, reterr);
    if (code != ERR_OK)
        error_prefix(reterr, "the agents of its configuration: ");
    json_decref(found.described);
    return code;
}

/* ---- beside what runs ---- */

static void listed_readable(uv_poll_t *poll, int status, int events)
{
    struct trial *trial = poll->data;
    readable(poll, status, events);
    if (!trial->over)
        return;
    uv_poll_stop(poll);
    bool good = trial->error.code == ERR_OK;
    trial->listed(trial->user, good ? plugin_described(trial->slot.plugin) : NULL, &trial->error);
}

enum error_code trial_list(struct host *host, const struct roster_plugin *plugin,
                           const char *library, trial_listed listed, void *user,
                           struct trial **ret_trial, struct error *reterr)
{
    struct trial *trial = xcalloc(1, sizeof(*trial));
    trial->listed = listed;
    trial->user = user;
    trial->entry = *plugin->entry;
    trial->entry.in_process = false;
    trial->confined.entry = &trial->entry;
    trial->slot.host = host;
    trial->slot.roster = &trial->confined;
    enum error_code code = card_undescribed(plugin->card, &trial->confined.card, reterr);
    if (code == ERR_OK)
        code = plugin_start_entry(&trial->confined, host->worker, library,
                                  (size_t)host->manifest->payload, &handlers, trial,
                                  &trial->slot.plugin, reterr);
    if (code != ERR_OK) {
        trial_free(trial);
        return code;
    }
    trial->beside = xcalloc(1, sizeof(*trial->beside));
    uv_poll_init(&host->loop, trial->beside, plugin_fd(trial->slot.plugin));
    trial->beside->data = trial;
    uv_poll_start(trial->beside, UV_READABLE, listed_readable);
    *ret_trial = trial;
    return ERR_OK;
}

static void poll_closed(uv_handle_t *handle)
{
    free(handle);
}

void trial_free(struct trial *trial)
{
    if (!trial)
        return;
    if (trial->beside)
        uv_close((uv_handle_t *)trial->beside, poll_closed);
    describing_end(&trial->slot);
    if (trial->slot.plugin) {
        plugin_give_up(trial->slot.plugin);
        plugin_free(trial->slot.plugin);
    }
    card_free(trial->confined.card);
    free(trial);
}
