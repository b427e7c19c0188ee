/* SPDX-License-Identifier: Apache-2.0
 *
 * The lives of a plugin. It is started when the first call for it comes, or while the journal is
 * opened for a run whose first steps call it; and again, after a wait
 * that grows until a call of it has completed, when its worker has died or did not come up; calls
 * wait for it meanwhile. Those that waited when a start failed are told so; later ones wait for the
 * next. What the policy of its sandbox refuses no start will change: its calls are refused at once,
 * until the plugin is reloaded. A host that stays keeps its plugins up: nothing has to call them.
 *
 *   OFF → STARTING    a call is there, or the wait is over   [slot_start, slots_expect]
 *   STARTING → UP     ready()
 *   STARTING → OFF    ready(error)
 *   UP → OFF          down(): its worker has ended
 */
#include "runtime/faults_internal.h"
#include "runtime/http_internal.h"
#include "runtime/reload_internal.h"
#include "runtime/said_internal.h"
#include "trust/trust.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct slot *slot_of(const struct host *host, const struct agent *agent)
{
    size_t alias = (size_t)(strchr(agent->name, '/') - agent->name);
    for (size_t i = 0; i < host->slot_count; i++)
        if (slice_is((struct slice){agent->name, alias}, host->slots[i]->roster->entry->alias))
            return host->slots[i];
    return NULL;
}

/* A line that names no call may be of any. */
static bool is_of_hidden(const struct slot *slot, uint64_t call)
{
    const struct live_call *from = slot->heard_hidden && call != 0 ? call_find(slot, call) : NULL;
    return slot->heard_hidden && (!from || from->live->seal);
}

/* To whoever listens, without secrets. */
static void logged(void *user, uint64_t call, uint32_t level, struct slice text)
{
    const struct slot *slot = user;
    const struct host_options *options = &slot->host->options;
    if (!options->log)
        return;
    if (is_of_hidden(slot, call)) {
        AUTO(freep) char *note = xasprintf("(%zu bytes, hidden with a run)", text.len);
        options->log(options->user, slot->roster->entry->alias, level, slice_of(note));
        return;
    }
    AUTO(freep) char *clean = secrets_hide(slot->host, text, false, &text.len);
    if (clean)
        text.ptr = clean;
    options->log(options->user, slot->roster->entry->alias, level, text);
}

static void emitted(void *user, uint64_t id, struct slice chunk)
{
    struct live_call *call = call_find(user, id);
    if (call)
        said_hear(call, chunk);
}

static void poll_closed(uv_handle_t *handle)
{
    free(handle);
}

static void stop_listening(struct slot *slot)
{
    if (slot->poll) {
        uv_poll_stop(slot->poll);
        uv_close((uv_handle_t *)slot->poll, poll_closed);
        slot->poll = NULL;
    }
    describing_end(slot);
}

static void end_plugin(struct slot *slot)
{
    struct plugin *plugin = TAKE(slot->plugin);
    slot->state = SLOT_OFF;
    slot->freeing = true;
    plugin_free(plugin);
    slot->freeing = false;
}

static void slot_drop(struct slot *slot)
{
    stop_listening(slot);
    end_plugin(slot);
}

static void restart(struct timer *timer)
{
    struct slot *slot = timer->data;
    slot->restart_armed = false;
    if (slot->successor || slot->removed)
        return;
    if (slot->state == SLOT_OFF && (slot->waiting.first || slot->host->keeping))
        slot_start(slot);
}

/* It did not start, or has ended. */
static void failed(struct slot *slot, const char *why)
{
    struct host *host = slot->host;
    slot->state = SLOT_OFF;
    slot->failed_starts++;
    free(slot->last_failure);
    slot->last_failure = xasprintf("%.1000s", why);
    slot_fault(slot, slot->plugin ? plugin_fault(slot->plugin) : PLUGIN_SOUND, why);
    if (slot->successor || slot->removed || slot->denied || slot_quarantine(slot))
        return;
    int64_t wait_ms = restart_wait_ms(&slot->roster->entry->faults, journal_store_id(host->journal),
                                      &slot->roster->card->library, slot->failed_starts);
    slot->restart_armed = true;
    slot->restart_at_ms = host_steady(host) + wait_ms;
    host->faults_due |= slot->waiting.first != NULL;
    timer_start(&slot->restart, restart, wait_ms);
}

static void tell(const struct slot *slot, const struct error *err)
{
    const struct host *host = slot->host;
    if (host->keeping && !slot->removed && !slot->successor)
        host->plugin_told(host->options.user, slot->index, err);
}

static void ready(void *user, const struct error *err)
{
    struct slot *slot = user;
    const char *lost = err ? NULL : plugin_lost(slot->plugin);
    describing_end(slot);
    if (!err) {
        slot->state = SLOT_UP;
        if (lost && !slot->coming)
            host_log(slot->host, slot->roster->entry->alias, SEAM_LOG_WARNING,
                     "an agent is not what was accepted, and its calls are refused: %s (cure: if "
                     "that is meant, reload)",
                     lost);
        relist_up(slot);
        if (slot->coming && lost) {
            struct error other;
            error_set(&other, ERR_CONFLICT, "its agents are other ones each time: %s", lost);
            reload_heard(slot, &other);
            return;
        }
        if (slot->coming) {
            self_test_begin(slot);
            return;
        }
        tell(slot, NULL);
        send_waiting(slot);
        return;
    }
    struct error why = *err;
    if (slot->coming) {
        slot->state = SLOT_OFF;
        reload_heard(slot, &why);
        return;
    }
    host_log(slot->host, slot->roster->entry->alias, SEAM_LOG_ERROR, "%s", why.text);
    probation_fault(slot, why.text);
    if (why.code == ERR_DENIED && !slot->denied)
        slot->denied = xstrdup(why.text);
    failed(slot, why.text);
    if (!slot_quarantine(slot))
        refuse_waiting(slot, why.text);
    tell(slot, &why);
}

static void down(void *user, const char *reason)
{
    struct slot *slot = user;
    if (slot->state == SLOT_OFF)
        return; /* it was refused, and ready() has said why */
    host_log(slot->host, slot->roster->entry->alias, SEAM_LOG_WARNING, "its worker ended: %s",
             reason);
    slot->state = SLOT_OFF;
    struct error why;
    error_set(&why, ERR_IO, "its worker ended: %s", reason);
    if (slot->coming) {
        reload_heard(slot, &why);
        return;
    }
    probation_fault(slot, why.text);
    failed(slot, reason);
    tell(slot, &why);
}

/* ---- as many calls as it takes ---- */

static int most_at_once(const struct roster_plugin *roster)
{
    return roster->entry->max_concurrency ? roster->entry->max_concurrency
                                          : roster->card->max_concurrency;
}

static void tell_full(struct live_call *call, size_t ahead)
{
    const struct roster_plugin *roster = call->slot->roster;
    int most = most_at_once(roster);
    AUTO(freep) char *before = ahead ? xasprintf("; %zu came before it", ahead) : xstrdup("");
    AUTO(freep)
    char *message =
        xasprintf("plugin %s takes %d call%s at once, by `max_concurrency` of %s; it waits for one "
                  "to end%s",
                  roster->entry->alias, most, most == 1 ? "" : "s",
                  roster->entry->max_concurrency ? "the manifest" : "its card", before);
    struct event event = {.kind = EVENT_HELD,
                          .task = call->task,
                          .attempt = call->attempt,
                          .code = "max-concurrency",
                          .message = message};
    call->told_full = true;
    live_happen(call->live, &event, NULL);
}

/* A plugin begins its calls in the order that they were sent in: of those that have not ended, the
 * first are at work, and the others wait, in it or before it. */
static void look_at_waiting(struct timer *timer)
{
    struct slot *slot = timer->data;
    size_t most = (size_t)most_at_once(slot->roster), sent = slot->by_id.count;
    struct live_call *call = slot->sent; /* the last that was sent */
    slot->full_armed = false;
    if (slot->host->stopping || slot->state != SLOT_UP)
        return;
    for (size_t ahead = sent; ahead > most && call; ahead--) {
        struct live_call *next = call->next;
        if (!call->told_full && call->came <= slot->came_by)
            tell_full(call, ahead - most - 1);
        call = next;
    }
    slot_watch(slot);
}

void slot_watch(struct slot *slot)
{
    if (slot->full_armed || slot->host->options.stand_ins ||
        slot->by_id.count <= (size_t)most_at_once(slot->roster))
        return;
    slot->full_armed = true;
    slot->came_by = slot->came;
    timer_start(&slot->full, look_at_waiting, FULL_TOLD_MS);
}

static const struct plugin_handlers slot_handlers = {
    .ready = ready,
    .watched = relist_watched,
    .completed = call_completed,
    .requested = call_requested,
    .emitted = emitted,
    .logged = logged,
    .down = down,
};

static void readable(uv_poll_t *poll, int status, int events)
{
    struct slot *slot = poll->data;
    (void)status;
    (void)events;
    if (slot->plugin)
        plugin_dispatch(slot->plugin);
    /* a worker that died is freed outside its own callbacks */
    if (slot->plugin && slot->state == SLOT_OFF)
        slot_drop(slot);
}

enum error_code plugin_start_entry(const struct roster_plugin *roster, const char *worker,
                                   const char *library, size_t payload,
                                   const struct plugin_handlers *handlers, void *user,
                                   struct plugin **ret_plugin, struct error *reterr)
{
    const struct manifest_plugin *entry = roster->entry;
    const struct card *card = roster->card;
    AUTO(sandbox_plan_done) struct sandbox_plan plan;
    sandbox_plan_init(&plan);
    enum error_code code = entry->in_process ? ERR_OK : plugin_plan(card, entry, &plan, reterr);
    if (code != ERR_OK)
        return code;
    AUTO(text_done) struct text config;
    text_init(&config, LIMIT_FILE);
    json_t *json = entry->config ? json_incref(entry->config) : json_object();
    json_write(json, &config);
    json_decref(json);
    struct plugin_options options = {
        .in_process = entry->in_process,
        .worker = worker,
        .library = library,
        .config = text_slice(&config),
        .max_concurrency = most_at_once(roster),
        .sandbox = &plan,
        .grace_ms = GRACE_MS,
        .log_rate = entry->log_rate,
        .log_burst = entry->log_burst,
        .payload = payload,
    };
    return plugin_start(card, &options, handlers, user, ret_plugin, reterr);
}

static void refuse_start(struct slot *slot, const json_t *quarantine)
{
    AUTO(freep) char *words = quarantine_words(quarantine);
    struct error why;
    error_set(&why, ERR_DENIED, "%s", words);
    slot->host->faults_due = true; /* who waits for it is told */
    if (slot->coming)
        reload_heard(slot, &why);
    else
        tell(slot, &why);
}

void slot_rest(struct slot *slot)
{
    slot->restart_armed = false;
    timer_stop(&slot->restart);
    if (!slot->plugin || slot->roster->entry->in_process)
        return; /* what is in this process stays */
    if (slot->sent) {
        slot->host->faults_due = true;
        return;
    }
    plugin_give_up(slot->plugin);
    slot_drop(slot);
}

static enum error_code launch(struct slot *slot, struct error *reterr)
{
    struct host *host = slot->host;
    enum error_code code = plugin_start_entry(slot->roster, host->worker, slot->library_path,
                                              (size_t)host->manifest->payload, &slot_handlers, slot,
                                              &slot->plugin, reterr);
    if (code != ERR_OK)
        return code;
    slot->state = SLOT_STARTING;
    slot->poll = xcalloc(1, sizeof(*slot->poll));
    uv_poll_init(&host->loop, slot->poll, plugin_fd(slot->plugin));
    slot->poll->data = slot;
    uv_poll_start(slot->poll, UV_READABLE, readable);
    return ERR_OK;
}

void slot_start(struct slot *slot)
{
    struct error err;
    const json_t *quarantine = slot_quarantine(slot);
    if (quarantine) {
        refuse_start(slot, quarantine);
        return;
    }
    if (slot->plugin)
        slot_drop(slot);
    slot->state = SLOT_STARTING;
    if (launch(slot, &err) != ERR_OK)
        ready(slot, &err);
}

/* A worker confines itself, and loads nothing before the loop runs: by then the host knows from its
 * journal whether the library is in quarantine. What fails here is tried again, and told, when it
 * is called. */
void slots_expect(struct host *host, const struct flow *flow)
{
    struct error ignored;
    for (size_t i = 0; i < flow->step_count; i++) {
        const struct step *step = &flow->steps[i];
        bool at_once = step->after_count == 0 && !step->condition && !step->for_each &&
                       !step->plan && !step->call.flow && step->call.agent;
        struct slot *slot = at_once ? slot_of(host, step->call.agent) : NULL;
        if (!slot || !slot->roster->card || slot->roster->entry->in_process ||
            slot->state != SLOT_OFF || launch(slot, &ignored) != ERR_OK)
            continue;
        host->faults_due = true;
    }
}

void slot_want(struct slot *slot)
{
    if (slot->denied)
        refuse_waiting(slot, slot->denied);
    else if (slot_quarantine(slot))
        slot->host->faults_due = true;
    else if (slot->state == SLOT_UP)
        send_waiting(slot);
    else if (slot->state == SLOT_OFF && !slot->restart_armed && !slot->successor)
        slot_start(slot);
    else
        slot->host->faults_due |= slot->restart_armed;
}

void slot_keep(struct slot *slot)
{
    if (slot->roster->card && slot->state == SLOT_OFF && !slot->restart_armed && !slot->denied)
        slot_start(slot);
}

/* Where the journal lies, for a manifest whose folder is not to be written to; NULL = nowhere. */
static char *journal_folder(const struct host *host)
{
    char *path =
        host->options.in_memory ? NULL : roster_store(host->options.roster, host->options.store);
    char *slash = path ? strrchr(path, '/') : NULL;
    if (slash)
        slash[slash == path] = '\0';
    if (!slash)
        free(path);
    return slash ? path : NULL;
}

/* So that what is started again is what was started, whatever the file is by then. */
static void hold_library(struct slot *slot)
{
    const struct roster_plugin *roster = slot->roster;
    struct error err, ignored;
    if (!roster->card || slot->host->options.stand_ins)
        return;
    AUTO(freep) char *spare = journal_folder(slot->host);
    if (spare && access(slot->host->manifest->folder, W_OK) != 0 &&
        store_hold(spare, roster->card, &slot->library_path, &ignored) == ERR_OK)
        return;
    if (store_hold(slot->host->manifest->folder, roster->card, &slot->library_path, &err) != ERR_OK)
        host_log(slot->host, roster->entry->alias, SEAM_LOG_WARNING,
                 "there is no copy of its library in the private store, so its worker can only be "
                 "started again while the file is what it is: %s",
                 err.text);
}

static struct slot *make(struct host *host, const struct roster_plugin *roster, size_t index)
{
    struct slot *slot = xcalloc(1, sizeof(*slot));
    slot->host = host;
    slot->roster = roster;
    slot->index = index;
    slot->generation = slot->library = slot->newest = 1;
    timer_init(&slot->probation, host, slot);
    call_line_init(&slot->waiting);
    timer_init(&slot->restart, host, slot);
    timer_init(&slot->full, host, slot);
    return slot;
}

struct slot *slot_new(struct host *host, const struct roster_plugin *roster, size_t index)
{
    struct slot *slot = make(host, roster, index);
    hold_library(slot);
    return slot;
}

/* All but the plugin itself, which is told to end. */
static void slot_quit(struct slot *slot)
{
    while (slot->sent)
        call_free(slot->sent);
    while (slot->waiting.first)
        call_free(slot->waiting.first);
    stop_listening(slot);
    if (slot->plugin && slot->state == SLOT_STARTING)
        plugin_give_up(slot->plugin); /* nobody will call it */
    if (slot->plugin)
        plugin_stop(slot->plugin);
    timer_stop(&slot->restart);
    timer_stop(&slot->full);
    self_test_free(slot->self_test);
    probation_done(slot);
    map_done(&slot->gates);
}

static void slot_bury(struct slot *slot)
{
    end_plugin(slot);
    map_done(&slot->by_id);
    free(slot->last_failure);
    free(slot->library_path);
    free(slot->denied);
    free(slot);
}

void slot_free(struct slot *slot)
{
    slot_quit(slot);
    slot_bury(slot);
}

static void sweep(const struct host *host)
{
    AUTO(freep) char *spare = journal_folder(host);
    store_sweep(host->manifest->folder, host->manifest);
    if (spare)
        store_sweep(spare, host->manifest);
}

void slots_open(struct host *host)
{
    const struct roster *roster = host->options.roster;
    host->slots = xcalloc(roster->plugin_count + 1, sizeof(struct slot *));
    for (size_t i = 0; i < roster->plugin_count; i++) {
        host->slots[i] = make(host, &roster->plugins[i], i);
        if (host->options.stand_ins)
            host->slots[i]->state = SLOT_UP;
    }
    host->slot_count = roster->plugin_count;
}

void slots_hold(struct host *host)
{
    for (size_t i = 0; i < host->slot_count; i++)
        hold_library(host->slots[i]);
    if (!host->options.stand_ins)
        sweep(host);
}

bool slots_listen(struct host *host)
{
    for (size_t i = 0; i < host->slot_count; i++) {
        struct slot *slot = host->slots[i];
        if (slot->state == SLOT_UP && slot->sent && slot->roster->entry->in_process &&
            plugin_listen(slot->plugin))
            return true;
    }
    return false;
}

/* Calls that are still under way are dropped: the journal has their start, the next host goes on.
 */
void slots_close(struct host *host)
{
    for (size_t i = 0; i < host->slot_count; i++)
        slot_quit(host->slots[i]);
}

void slots_end(struct host *host)
{
    for (size_t i = 0; i < host->slot_count; i++)
        slot_bury(host->slots[i]);
    free(host->slots);
}
