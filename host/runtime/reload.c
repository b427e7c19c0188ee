/* SPDX-License-Identifier: Apache-2.0
 *
 * Another manifest in the place of the one that the host runs, without losing a call. What is not
 * what it was is started beside what runs; when all of it is up, and every run under way is shown
 * to be served by the new cards, everything changes hands in one turn of the loop. Until then
 * nothing has changed, and any error leaves it so.
 *
 *   asked → starting      the cards fit the runs under way             [host_reload]
 *   starting → changed    all are up, and the cards still fit          [commit]
 *   starting → gone       one did not come up, or a new run stands in the way
 *   serving → retiring    the plugin of before, once it is replaced    [retire]
 *   retiring → gone       nothing of it is under way, or its time to drain is over
 *
 * What was sent to the generation before ends there. A write that began there is tried again there
 * as long as it drains, and by no other library after that (law 9). There are two generations of a
 * plugin at most: while one drains, no other reload begins.
 */
#include "runtime/across_internal.h"

#include <stdlib.h>
#include <string.h>

enum { DRAIN_MS = 30000, RETIRE_LOOK_MS = 20 };

struct reload {
    struct roster *roster;
    struct slot *coming;
    size_t pending;
    struct error error; /* the first that did not come up */
    host_reloaded done;
    void *user;
};

struct retired {
    struct retired *next;
    struct roster *roster;
    uint64_t generation; /* runs from before may refer to it */
    bool borrowed;
};

/* ---- what is not what it was ---- */

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_json(const json_t *a, const json_t *b)
{
    return a && b ? json_equal(a, b) : a == b;
}

static bool same_paths(const struct manifest_plugin *a, const struct manifest_plugin *b)
{
    bool same = a->path_count == b->path_count;
    for (size_t i = 0; same && i < a->path_count; i++)
        same = same_text(a->paths[i].path, b->paths[i].path) &&
               a->paths[i].write == b->paths[i].write && a->paths[i].exec == b->paths[i].exec;
    return same;
}

/* What a worker was started with; grants that the host keeps for it are asked when they are used.
 */
static bool same_worker(const struct manifest_plugin *a, const struct manifest_plugin *b)
{
    return a->in_process == b->in_process && a->net == b->net && a->jit == b->jit &&
           a->sandbox_off == b->sandbox_off && a->sandbox_required == b->sandbox_required &&
           a->sandbox_given_up == b->sandbox_given_up && a->max_concurrency == b->max_concurrency &&
           a->memory_bytes == b->memory_bytes && same_text(a->state, b->state) &&
           same_json(a->config, b->config) && same_paths(a, b);
}

static bool same_plugin(const struct roster_plugin *a, const struct roster_plugin *b)
{
    if (!a->card || !b->card)
        return !a->card && !b->card;
    return digest_equal(&a->card->library, &b->card->library) &&
           digest_equal(&a->card->digest, &b->card->digest) && same_worker(a->entry, b->entry);
}

static struct slot *slot_called(const struct host *host, const char *alias)
{
    for (size_t i = 0; i < host->slot_count; i++)
        if (strcmp(host->slots[i]->roster->entry->alias, alias) == 0)
            return host->slots[i];
    return NULL;
}

static struct slot *coming_slot(const struct reload *reload, const char *alias)
{
    for (struct slot *slot = reload->coming; slot; slot = slot->next)
        if (strcmp(slot->roster->entry->alias, alias) == 0)
            return slot;
    return NULL;
}

/* ---- may it take the place? ---- */

enum error_code host_check_roster(const struct host *host, const struct roster *roster,
                                  struct error *reterr)
{
    const struct manifest *was = host->manifest, *is = roster->manifest;
    if (!same_text(was->store, is->store) || was->durable_steps != is->durable_steps)
        return error_set(reterr, ERR_INPUT,
                         "the manifest names another store, or another durability; that takes a "
                         "restart");
    if (was->payload != is->payload)
        return error_set(reterr, ERR_INPUT,
                         "limits.payload is another, and workers were started with it; that takes "
                         "a restart");
    for (size_t i = 0; i < roster->plugin_count; i++) {
        const struct roster_plugin *plugin = &roster->plugins[i];
        const struct slot *slot = slot_called(host, plugin->entry->alias);
        bool known = slot && !slot->roster->card && !plugin->entry->required;
        if (!plugin->card && !known)
            return error_set(reterr, plugin->error.code, "the plugin `%s` is refused: %s",
                             plugin->entry->alias, plugin->error.text);
    }
    return ERR_OK;
}

static enum error_code check_runs(struct host *host, const struct roster *roster,
                                  struct error *reterr)
{
    const struct flow *fits = NULL; /* most runs are of one flow */
    for (const struct live_run *live = host->runs; live; live = live->next) {
        const struct flow *flow = run_flow(live->run);
        if (live->finished || run_status_is_final(run_status(live->run)) || flow == fits)
            continue;
        enum error_code code = pinned_fits(host, live->run, roster, reterr);
        if (code != ERR_OK)
            return code;
        fits = flow;
    }
    return ERR_OK;
}

/* ---- starting ---- */

static void start_beside(struct host *host, struct reload *reload,
                         const struct roster_plugin *plugin, size_t index)
{
    const struct slot *was = slot_called(host, plugin->entry->alias);
    if (!plugin->card || (was && same_plugin(was->roster, plugin)))
        return;
    struct slot *slot = slot_new(host, plugin, index);
    slot->coming = true;
    slot->generation = was ? was->generation + 1 : 1;
    slot->library = slot->generation;
    if (was && was->roster->card &&
        digest_equal(&was->roster->card->library, &plugin->card->library))
        slot->library = was->library;
    slot->next = reload->coming;
    reload->coming = slot;
    reload->pending++;
    slot_start(slot);
}

void host_reload(struct host *host, struct roster *roster, host_reloaded done, void *user)
{
    struct error err;
    enum error_code code = ERR_OK;
    if (host->reload)
        code = error_set(&err, ERR_BUSY, "another reload is under way; ask again");
    else if (host->retiring)
        code = error_set(&err, ERR_BUSY,
                         "plugin `%s` still drains from the reload before (%zu calls); ask again",
                         host->retiring->roster->entry->alias, host->retiring->by_id.count);
    if (code == ERR_OK)
        code = host_check_roster(host, roster, &err);
    if (code == ERR_OK) {
        journal_drain(host->journal); /* what runs were pinned to is read back */
        code = check_runs(host, roster, &err);
    }
    if (code != ERR_OK) {
        done(user, NULL, &err);
        return;
    }
    struct reload *reload = host->reload = xcalloc(1, sizeof(*reload));
    *reload = (struct reload){.roster = roster, .done = done, .user = user};
    for (size_t i = 0; i < roster->plugin_count; i++)
        start_beside(host, reload, &roster->plugins[i], i);
    timer_start(&host->reload_timer, host->reload_timer.rings, 0);
}

void reload_heard(struct slot *slot, const struct error *err)
{
    struct reload *reload = slot->host->reload;
    if (err && reload->error.code == ERR_OK)
        error_set(&reload->error, err->code, "the plugin `%s` does not come up: %s",
                  slot->roster->entry->alias, err->text);
    if (reload->pending > 0)
        reload->pending--;
}

/* ---- changing hands ---- */

static void retire(struct host *host, struct slot *slot, struct slot *successor)
{
    const struct manifest_plugin *entry = slot->roster->entry;
    int64_t drain_ms = entry->drain_ms >= 0 ? entry->drain_ms
                       : slot->roster->card && slot->roster->card->drain_ms >= 0
                           ? slot->roster->card->drain_ms
                           : DRAIN_MS;
    slot->successor = successor;
    slot->removed = !successor;
    slot->drain_until_ms = host_steady(host) + drain_ms;
    timer_stop(&slot->restart);
    timer_stop(&slot->full);
    slot->restart_armed = slot->full_armed = false;
    slot->next = host->retiring;
    host->retiring = slot;
    if (!successor) {
        refuse_waiting(slot, "its plugin was removed");
        return;
    }
    struct map gates = successor->gates;
    successor->gates = slot->gates;
    slot->gates = gates;
    while (slot->waiting.first) {
        struct live_call *call = slot->waiting.first;
        call_line_leave(call);
        call_wait(call);
    }
}

static void note(json_t *list, const char *alias, const char *change, uint64_t generation)
{
    json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "plugin", alias, "change", change,
                                          "generation", (json_int_t)generation));
}

/* The slots in the order of the new manifest. */
static void change_slots(struct host *host, struct reload *reload, json_t *list)
{
    const struct roster *roster = reload->roster;
    struct slot **slots = xcalloc(roster->plugin_count + 1, sizeof(struct slot *));
    struct slot **before = host->slots;
    size_t count = host->slot_count;
    for (size_t i = 0; i < roster->plugin_count; i++) {
        const char *alias = roster->plugins[i].entry->alias;
        struct slot *was = slot_called(host, alias);
        struct slot *is = coming_slot(reload, alias);
        bool kept = !is && was;
        slots[i] = is ? is : was ? was : slot_new(host, &roster->plugins[i], i);
        slots[i]->roster = &roster->plugins[i];
        slots[i]->coming = false;
        note(list, alias, kept ? "kept" : was ? "replaced" : "new", slots[i]->generation);
    }
    for (size_t i = 0; i < roster->plugin_count; i++)
        slots[i]->index = i;
    host->slots = slots;
    host->slot_count = roster->plugin_count;
    for (size_t i = 0; i < count; i++) {
        struct slot *is = slot_called(host, before[i]->roster->entry->alias);
        if (is == before[i])
            continue;
        if (!is)
            note(list, before[i]->roster->entry->alias, "removed", before[i]->generation);
        retire(host, before[i], is);
    }
    free(before);
    reload->coming = NULL;
}

/* A gate names an agent that the new roster has not: the old one stays. */
static void retire_roster(struct host *host, bool for_ever)
{
    struct retired *retired = xcalloc(1, sizeof(*retired));
    *retired = (struct retired){.next = host->retired,
                                .roster = (struct roster *)(uintptr_t)host->options.roster,
                                .generation = for_ever ? UINT64_MAX : host->roster_generation,
                                .borrowed = host->roster_generation == 0};
    host->retired = retired;
}

static void commit(struct host *host, struct reload *reload)
{
    struct error err;
    json_t *list = json_array();
    change_slots(host, reload, list);
    bool all = gates_renew(host, reload->roster);
    retire_roster(host, !all);
    host->roster_generation++;
    host->options.roster = reload->roster;
    host->manifest = reload->roster->manifest;
    host->places = host->manifest->concurrency_said ? (size_t)host->manifest->concurrency : 0;
    host->gates_due = true;
    pinned_forget(host);
    if (host->manifest->any_budget && !host->purse && purse_open(host, &err) != ERR_OK)
        host_fail(host, &err);
    AUTO(json_decrefp) json_t *report = json_pack("{s:o}", "plugins", list);
    reload->done(reload->user, report, NULL);
    for (size_t i = 0; i < host->slot_count; i++) {
        if (host->slots[i]->waiting.first)
            slot_want(host->slots[i]);
        if (host->keeping)
            slot_keep(host->slots[i]);
    }
}

static void drop_coming(struct reload *reload)
{
    while (reload->coming) {
        struct slot *slot = reload->coming;
        reload->coming = slot->next;
        slot_free(slot);
    }
}

static void finish(struct host *host)
{
    struct reload *reload = host->reload;
    host->reload = NULL;
    struct error err = reload->error;
    if (err.code == ERR_OK) {
        journal_drain(host->journal);
        err.code = check_runs(host, reload->roster, &err);
    }
    if (err.code == ERR_OK) {
        commit(host, reload);
    } else {
        drop_coming(reload);
        reload->done(reload->user, NULL, &err);
    }
    free(reload);
}

/* ---- draining ---- */

static bool holds_write(const struct host *host, const struct slot *slot)
{
    for (const struct live_run *live = host->runs; live; live = live->next) {
        size_t count = live->wrote.count ? run_task_count(live->run) : 0;
        for (uint32_t task = 0; task < count; task++) {
            struct slice key = {(const char *)&task, sizeof(task)};
            uint64_t library = (uint64_t)(uintptr_t)map_get(&live->wrote, key);
            if (library == slot->library + 1 && !run_task_final(live->run, task) &&
                slot_of(host, run_task_agent(live->run, task, false)) == slot->successor)
                return true;
        }
    }
    return false;
}

static bool has_drained(struct host *host, struct slot *slot)
{
    bool over = host_steady(host) >= slot->drain_until_ms;
    if (slot->sent) {
        for (struct live_call *call = slot->sent; call && over && !slot->cut; call = call->next)
            outside_cancel(slot, call->id);
        slot->cut |= over;
        return false;
    }
    return over || slot->state != SLOT_UP || !slot->successor ||
           slot->library == slot->successor->library || !holds_write(host, slot);
}

static void free_retired(struct host *host)
{
    uint64_t oldest = host->roster_generation;
    for (const struct live_run *live = host->runs; live; live = live->next)
        if (live->roster_generation < oldest)
            oldest = live->roster_generation;
    for (struct retired **at = &host->retired; *at;) {
        struct retired *retired = *at;
        if (retired->generation >= oldest) {
            at = &retired->next;
            continue;
        }
        *at = retired->next;
        if (!retired->borrowed)
            roster_free(retired->roster);
        free(retired);
    }
}

void reload_turn(struct host *host)
{
    if (host->reload && host->reload->pending == 0 && !host->stopping)
        finish(host);
    for (struct slot **at = &host->retiring; *at && !host->stopping;) {
        struct slot *slot = *at;
        if (!has_drained(host, slot)) {
            at = &slot->next;
            continue;
        }
        *at = slot->next;
        slot_free(slot);
    }
    if (host->retired && !host->retiring && !host->stopping)
        free_retired(host);
    if (host->retiring && !host->stopping && host->reload_timer.place == 0)
        timer_start(&host->reload_timer, host->reload_timer.rings, RETIRE_LOOK_MS);
}

size_t reload_draining(const struct host *host, const char *alias)
{
    size_t calls = 0;
    for (const struct slot *slot = host->retiring; slot; slot = slot->next)
        if (strcmp(slot->roster->entry->alias, alias) == 0)
            calls += slot->by_id.count;
    return calls;
}

/* ---- where a start goes ---- */

static struct slot *draining_library(const struct host *host, const struct slot *slot,
                                     uint64_t library)
{
    for (struct slot *old = host->retiring; old; old = old->next)
        if (old->successor == slot && old->library == library && old->state == SLOT_UP && !old->cut)
            return old;
    return NULL;
}

static void tell_moved(struct live_run *live, const struct decision *start,
                       const struct agent *agent, const struct slot *slot)
{
    char hex[DIGEST_HEX_SIZE], began[DIGEST_HEX_SIZE];
    const char *before = run_library(live->run, agent->name);
    digest_hex(&agent->library, began);
    digest_hex(&slot->roster->card->library, hex);
    if (strcmp(before ? before : began, hex) == 0)
        return;
    AUTO(freep)
    char *message = xasprintf("generation %llu of plugin %s", (unsigned long long)slot->generation,
                              slot->roster->entry->alias);
    struct event event = {.kind = EVENT_MOVED,
                          .task = start->task,
                          .attempt = start->attempt,
                          .code = agent->name,
                          .digest = hex,
                          .message = message};
    live_happen(live, &event, NULL);
}

struct slot *reload_slot(struct live_run *live, const struct decision *start,
                         const struct agent *agent)
{
    struct host *host = live->host;
    struct slot *slot = slot_of(host, agent);
    if (!host->keeping || !slot || !slot->roster->card)
        return slot;
    if (agent->effect >= CLASS_WRITE_IDEMPOTENT && !start->reconciling) {
        struct slice key = {(const char *)&start->task, sizeof(start->task)};
        uint64_t library = (uint64_t)(uintptr_t)map_get(&live->wrote, key);
        if (library == 0)
            map_put(&live->wrote, key, (void *)(uintptr_t)(slot->library + 1));
        else if (library != slot->library + 1)
            slot = draining_library(host, slot, library - 1);
    }
    if (slot && host->roster_generation > 0)
        tell_moved(live, start, agent, slot);
    return slot;
}

/* ---- opening and closing ---- */

static void look(struct timer *timer)
{
    (void)timer; /* the loop has turned */
}

void reload_open(struct host *host)
{
    timer_init(&host->reload_timer, host, host);
    host->reload_timer.rings = look;
}

void reload_close(struct host *host)
{
    timer_stop(&host->reload_timer);
    while (host->retired) {
        struct retired *retired = host->retired;
        host->retired = retired->next;
        if (!retired->borrowed)
            roster_free(retired->roster);
        free(retired);
    }
    if (host->roster_generation > 0)
        roster_free((struct roster *)(uintptr_t)host->options.roster);
}

void reload_stop(struct host *host)
{
    while (host->retiring) {
        struct slot *slot = host->retiring;
        host->retiring = slot->next;
        slot_free(slot);
    }
    if (!host->reload)
        return;
    drop_coming(host->reload);
    roster_free(host->reload->roster);
    free(host->reload);
    host->reload = NULL;
}
