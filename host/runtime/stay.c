/* SPDX-License-Identifier: Apache-2.0
 *
 * A host that stays: what it is asked by whoever serves others with it. It works until it is told
 * to stop, with runs or without; its plugins are up before the first call; and what it says to the
 * world outside is on disk before it is said.
 */
#include "runtime/faults_internal.h"
#include "runtime/reload_internal.h"

#include <stdlib.h>

void host_keep_plugins(struct host *host, host_plugin_told told)
{
    host->keeping = true;
    host->plugin_told = told;
    for (size_t i = 0; i < host->slot_count; i++)
        slot_keep(host->slots[i]);
}

struct host_plugin host_plugin(const struct host *host, size_t plugin)
{
    const struct slot *slot = host->slots[plugin];
    struct host_plugin seen = {.status = "refused",
                               .starts = slot->failed_starts,
                               .last_failure = slot->last_failure,
                               .restart_ms = -1,
                               .quarantine = slot_quarantine(slot)};
    if (!slot->roster->card)
        return seen;
    seen.status = seen.quarantine                ? "quarantined"
                  : slot->state == SLOT_UP       ? "ready"
                  : slot->state == SLOT_STARTING ? "starting"
                                                 : "down";
    if (slot->restart_armed && slot->restart_at_ms > host_steady(host))
        seen.restart_ms = slot->restart_at_ms - host_steady(host);
    seen.calls = slot->waiting.count;
    if (slot->plugin && slot->state != SLOT_OFF) {
        struct plugin_counts counts = plugin_counts(slot->plugin);
        seen.calls += counts.under_way + counts.waiting;
        seen.pid = counts.pid;
        seen.stale = counts.stale;
    }
    seen.generation = slot->generation;
    seen.draining = reload_draining(host, slot->roster->entry->alias);
    return seen;
}

enum error_code host_serve(struct host *host, struct error *reterr)
{
    while (!host->stopping)
        uv_run(&host->loop, UV_RUN_DEFAULT);
    return host->failed ? error_set(reterr, host->failure.code, "%s", host->failure.text) : ERR_OK;
}

bool host_is_idle(const struct host *host)
{
    if (host->calls > 0 || host->barriers > 0 || host->hooks)
        return false;
    for (const struct live_run *live = host->runs; live; live = live->next)
        if (live->transfers > 0)
            return false;
    return true;
}

const struct run *host_run(const struct host *host, const char *id)
{
    const struct live_run *live = live_find(host, id);
    return live ? live->run : NULL;
}

struct keeping {
    host_kept then;
    void *user;
};

static void kept(void *user, enum error_code code, const struct error *err)
{
    struct keeping keeping = *(struct keeping *)user;
    free(user);
    keeping.then(keeping.user, code, err);
}

void host_when_kept(struct host *host, host_kept then, void *user)
{
    struct keeping *keeping = xmalloc(sizeof(*keeping));
    *keeping = (struct keeping){then, user};
    host_barrier(host, false, kept, keeping);
}

struct journal_reader *host_reader(struct host *host)
{
    return journal_own_reader(host->journal);
}

int64_t host_time(struct host *host)
{
    return host_now(host);
}
