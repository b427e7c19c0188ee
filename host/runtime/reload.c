/* SPDX-License-Identifier: Apache-2.0
 *
 * Another manifest in the place of the one that the host runs, without losing a call. What is not
 * what it was is started beside what runs; when all of it is up, and every run under way is shown
 * to be served by the new cards, everything changes hands in one turn of the loop. Until then
 * nothing has changed, and any error leaves it so.
 *
 *   asked → waiting       a plugin that is to be replaced still drains [host_reload]
 *   asked, waiting → starting   the cards fit the runs under way       [begin]
 *   starting → changed    all are up and passed, and the cards still fit [commit]
 *   starting → gone       one did not come up, or a new run stands in the way
 *
 * There are two generations of a plugin at most: while one drains, a reload that would make a third
 * waits; what was kept of an earlier one for a probation ends when a third begins.
 */
#include "runtime/reload_internal.h"

#include <stdlib.h>
#include <string.h>

struct reload {
    struct roster *roster;
    bool waiting; /* until what it replaces has drained */
    struct slot *coming;
    size_t pending;
    struct error error; /* the first that did not come up */
    host_reloaded done;
    void *user;
};

/* ---- what is not what it was ---- */

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
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

const struct slot *reload_coming(const struct host *host, const char *alias)
{
    return host->reload ? coming_slot(host->reload, alias) : NULL;
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
    if (!manifest_hides_alike(was, is))
        return error_set(reterr, ERR_INPUT,
                         "the manifest hides other runs, or with another key; that takes a "
                         "restart");
    if (was->payload != is->payload)
        return error_set(reterr, ERR_INPUT,
                         "limits.payload is another, and workers were started with it; that takes "
                         "a restart");
    enum error_code network = network_check(is, reterr);
    if (network != ERR_OK)
        return network;
    for (size_t i = 0; i < roster->plugin_count; i++) {
        const struct roster_plugin *plugin = &roster->plugins[i];
        const struct slot *slot = slot_called(host, plugin->entry->alias);
        enum error_code code = probation_refuses(slot, plugin, reterr);
        if (code != ERR_OK)
            return code;
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

/* The generation before, if it is what is wanted again, and needs no start. */
static struct slot *at_hand(const struct slot *was, const struct roster_plugin *plugin)
{
    bool here = goes_back(was, plugin) && was->before->state == SLOT_UP &&
                same_worker(was->before->roster->entry, plugin->entry);
    return here ? was->before : NULL;
}

static void start_beside(struct host *host, struct reload *reload,
                         const struct roster_plugin *plugin, size_t index)
{
    struct slot *was = slot_called(host, plugin->entry->alias);
    if (!plugin->card || (was && same_plugin(was->roster, plugin)) || at_hand(was, plugin))
        return;
    struct slot *slot = slot_new(host, plugin, index);
    slot->coming = true;
    slot->generation = slot->newest = was ? was->newest + 1 : 1;
    slot->library = slot->generation;
    if (was && was->roster->card &&
        digest_equal(&was->roster->card->library, &plugin->card->library))
        slot->library = was->library;
    else if (goes_back(was, plugin))
        slot->library = was->before->library;
    if (was && !goes_back(was, plugin))
        drain_kept(host, plugin->entry->alias);
    slot->next = reload->coming;
    reload->coming = slot;
    reload->pending++;
    slot_start(slot);
}

/* A plugin that is to be replaced, or to go, and of which an earlier generation is still at work.
 */
static bool must_wait(struct host *host, const struct roster *roster)
{
    for (size_t i = 0; i < host->slot_count && host->retiring; i++) {
        const struct slot *was = host->slots[i];
        const char *alias = was->roster->entry->alias;
        const struct roster_plugin *is = roster_named(roster, slice_of(alias));
        bool stays = is && (same_plugin(was->roster, is) || goes_back(was, is));
        if (!stays && drains(host, alias))
            return true;
    }
    return false;
}

static void refuse(struct host *host, const struct error *err)
{
    struct reload *reload = TAKE(host->reload);
    for (size_t i = 0; i < host->slot_count; i++)
        if (host->slots[i]->condemned_told)
            probation_spare(host->slots[i]);
    while (reload->coming) {
        struct slot *slot = reload->coming;
        reload->coming = slot->next;
        slot_free(slot);
    }
    reload->done(reload->user, NULL, err);
    free(reload);
}

static void begin(struct host *host)
{
    struct reload *reload = host->reload;
    struct error err;
    reload->waiting = false;
    journal_drain(host->journal); /* what runs were pinned to is read back */
    if (check_runs(host, reload->roster, &err) != ERR_OK) {
        refuse(host, &err);
        return;
    }
    for (size_t i = 0; i < reload->roster->plugin_count; i++)
        start_beside(host, reload, &reload->roster->plugins[i], i);
    reload_look_soon(host);
}

void host_reload(struct host *host, struct roster *roster, host_reloaded done, void *user)
{
    struct error err;
    if (host->reload) {
        error_set(&err, ERR_BUSY, "another reload is under way; ask again");
        done(user, NULL, &err);
        return;
    }
    host->reload = xcalloc(1, sizeof(*host->reload));
    *host->reload = (struct reload){.roster = roster, .waiting = true, .done = done, .user = user};
    if (host_check_roster(host, roster, &err) != ERR_OK)
        refuse(host, &err);
    else if (!must_wait(host, roster))
        begin(host);
}

void reload_heard(struct slot *slot, const struct error *err)
{
    struct reload *reload = slot->host->reload;
    if (err && reload->error.code == ERR_OK)
        error_set(&reload->error, err->code, "the plugin `%s` does not come up: %s",
                  slot->roster->entry->alias, err->text);
    if (!slot->heard)
        reload->pending--;
    slot->heard = true;
    reload_look_soon(slot->host);
}

/* ---- changing hands ---- */

static void note(json_t *list, const char *alias, const char *change, uint64_t generation)
{
    json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "plugin", alias, "change", change,
                                          "generation", (json_int_t)generation));
}

/* Who is called for that plugin from now on; *ret_change: in a word, how it came to that. */
static struct slot *next_slot(struct host *host, struct reload *reload,
                              const struct roster_plugin *plugin, size_t index,
                              const char **ret_change)
{
    struct slot *was = slot_called(host, plugin->entry->alias);
    struct slot *is = coming_slot(reload, plugin->entry->alias);
    if (!is && was && !same_plugin(was->roster, plugin))
        is = at_hand(was, plugin);
    *ret_change = !was                                       ? "new"
                  : !is                                      ? "kept"
                  : goes_back(was, plugin) && was->condemned ? "went back"
                                                             : "replaced";
    if (was && !is && !reload->roster->mixed)
        probation_forget(was); /* the manifest asks for what runs */
    if (is || was)
        return is ? is : was;
    return slot_new(host, plugin, index);
}

/* was → is; what was kept beside the one that goes is not kept any more. */
static void replace(struct slot *was, struct slot *is)
{
    bool fell = is && was->condemned && was->before && same_build(was->before->roster, is->roster);
    bool back = was->before == is;
    uint64_t newest = was->newest;
    probation_end(was);
    if (is && back)
        drain_undo(is);
    if (fell)
        probation_fell(was, is);
    drain_begin(was, is);
    if (!is)
        return;
    is->newest = newest > is->newest ? newest : is->newest;
    if (!fell && !back)
        probation_begin(is, was);
}

/* The slots in the order of the new manifest. */
static void change_slots(struct host *host, struct reload *reload, json_t *list)
{
    const struct roster *roster = reload->roster;
    struct slot **slots = xcalloc(roster->plugin_count + 1, sizeof(struct slot *));
    struct slot **before = host->slots;
    size_t count = host->slot_count;
    for (size_t i = 0; i < roster->plugin_count; i++) {
        const char *change;
        slots[i] = next_slot(host, reload, &roster->plugins[i], i, &change);
        note(list, roster->plugins[i].entry->alias, change, slots[i]->generation);
    }
    host->slots = slots;
    host->slot_count = roster->plugin_count;
    for (size_t i = 0; i < roster->plugin_count; i++) {
        slots[i]->roster = &roster->plugins[i];
        slots[i]->roster_generation = host->roster_generation + 1;
        slots[i]->coming = false;
        slots[i]->index = i;
    }
    for (size_t i = 0; i < count; i++) {
        struct slot *is = slot_called(host, before[i]->roster->entry->alias);
        if (is == before[i])
            continue;
        if (!is)
            note(list, before[i]->roster->entry->alias, "removed", before[i]->generation);
        replace(before[i], is);
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
    host->manifest = reload->roster->manifest;
    network_follow(host->egress, host->manifest);
    change_slots(host, reload, list);
    bool all = gates_renew(host, reload->roster);
    retire_roster(host, !all);
    host->roster_generation++;
    host->options.roster = reload->roster;
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
        relist_watch(host->slots[i]);
    }
}

static void finish(struct host *host)
{
    struct reload *reload = host->reload;
    struct error err = reload->error;
    if (err.code == ERR_OK) {
        journal_drain(host->journal);
        err.code = check_runs(host, reload->roster, &err);
    }
    if (err.code != ERR_OK) {
        refuse(host, &err);
        return;
    }
    host->reload = NULL;
    commit(host, reload);
    free(reload);
}

void reload_turn(struct host *host)
{
    struct reload *reload = host->reload;
    if (host->stopping)
        return;
    if (reload && reload->waiting && !must_wait(host, reload->roster))
        begin(host);
    else if (reload && !reload->waiting && reload->pending == 0)
        finish(host);
    probation_turn(host);
    if (host->retiring || host->retired)
        drain_turn(host);
}

size_t reload_draining(const struct host *host, const char *alias)
{
    size_t calls = 0;
    for (const struct slot *slot = host->retiring; slot; slot = slot->next)
        if (strcmp(slot->roster->entry->alias, alias) == 0)
            calls += slot->by_id.count;
    return calls;
}

/* ---- opening and closing ---- */

static void look(struct timer *timer)
{
    (void)timer; /* the loop has turned */
}

void reload_look_soon(struct host *host)
{
    timer_start(&host->reload_timer, host->reload_timer.rings, 0);
}

void reload_open(struct host *host)
{
    timer_init(&host->reload_timer, host, host);
    host->reload_timer.rings = look;
}

void reload_close(struct host *host)
{
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
    timer_stop(&host->reload_timer);
    while (host->retiring) {
        struct slot *slot = host->retiring;
        host->retiring = slot->next;
        slot_free(slot);
    }
    if (!host->reload)
        return;
    while (host->reload->coming) {
        struct slot *slot = host->reload->coming;
        host->reload->coming = slot->next;
        slot_free(slot);
    }
    roster_free(host->reload->roster);
    free(host->reload);
    host->reload = NULL;
}
