/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a server.
 *
 *   STARTING → READY      each plugin is up, or named as failed              [plugin_told]
 *   STARTING → the end    one that the manifest requires does not come up    [plugin_told]
 *   READY → READY         SIGHUP, or the manifest changed: see reload.c   [hung_up]
 *   READY → DRAINING      SIGTERM or SIGINT                                  [signalled]
 *   DRAINING → the end    nothing is under way, the time is over, or a second signal
 *
 * The door is open from the beginning, so that whoever asks hears why the server is not ready. That
 * a plugin which is required does not come up is for the operator to mend: to serve without it
 * would be to accept what cannot be done, and to try for ever would hide it; so the server ends,
 * with an exit code that a service manager is told not to restart on. Once it has been ready it
 * stays: a plugin that is lost later is tried again for ever, and /readyz says so.
 *
 * Runs that were left are taken up one by one between other work, once the plugins are up. One that
 * began with other plugins, where nothing proves that today's may take their place, waits with a
 * question; one that cannot be read is told of, and stays for POST /v1/runs/{id}/resume.
 */
#include "server/server_internal.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* So long runs that were left are taken up, before others have their turn. */
enum { SLICE_MS = 10 };

void server_log(struct server *server, uint32_t level, const char *format, ...)
{
    char line[LIMIT_LOG_LINE];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    server->options.say(server->options.user, level, "serve", slice_of(line));
}

static void stop(struct server *server)
{
    host_stop(server->host);
}

/* ---- what the host tells ---- */

static void progress(void *user, const struct run *run, const struct event *event,
                     const struct decisions *decisions)
{
    (void)event;
    (void)decisions;
    streams_hear(user, run);
}

static void settled(void *user, const struct run *run)
{
    struct server *server = user;
    server->counts.ended[run_status(run)]++;
}

static void logged(void *user, const char *plugin, uint32_t level, struct slice text)
{
    struct server *server = user;
    server->options.say(server->options.user, level, plugin, text);
}

static bool hears(void *user, const struct run *run)
{
    return streams_follow(user, run);
}

static void said(void *user, const struct run *run, const struct said *piece)
{
    streams_said(user, run, piece);
}

/* ---- runs that were left ---- */

static bool is_left(const struct journal_run *run)
{
    return strcmp(run->status, "running") == 0 || strcmp(run->status, "waiting") == 0;
}

static void gather(void *user, const struct journal_run *run)
{
    struct server *server = user;
    if (!is_left(run))
        return;
    if ((server->left_count & (server->left_count - 1)) == 0)
        server->left = xrealloc(server->left, (server->left_count ? 2 * server->left_count : 1) *
                                                  sizeof(*server->left));
    server->left[server->left_count++] = xstrdup(run->id);
}

static void take_up_left(struct server *server, const char *id)
{
    struct error err;
    struct journal_run known;
    enum error_code code = journal_find(host_reader(server->host), id, &known, &err);
    /* it may have been taken up, and have ended, since the list was made */
    if (code == ERR_OK && !is_left(&known))
        return;
    if (code == ERR_OK)
        code = host_resume(server->host, id, &err);
    if (code == ERR_OK)
        return;
    server->left_refused++;
    server_log(server, SEAM_LOG_ERROR, "run %s cannot be taken up: %s", id, err.text);
    free(map_put(&server->stuck, slice_of(id), xstrdup(err.text)));
}

static void take_up_some(uv_timer_t *timer)
{
    struct server *server = timer->data;
    int64_t began_ms = steady_ms();
    while (server->left_at < server->left_count && server->state == SERVER_READY &&
           steady_ms() - began_ms < SLICE_MS)
        take_up_left(server, server->left[server->left_at++]);
    if (server->left_at < server->left_count && server->state == SERVER_READY)
        return;
    uv_timer_stop(timer);
    server_log(server, SEAM_LOG_INFO, "%zu runs that were left are taken up, %zu cannot be",
               server->left_at - server->left_refused, server->left_refused);
}

static enum error_code gather_left(struct server *server, struct error *reterr)
{
    enum error_code code = journal_runs(host_reader(server->host), NULL, gather, server, reterr);
    if (code == ERR_OK && server->left_count > 0)
        uv_timer_start(&server->left_timer, take_up_some, 0, 1);
    return code;
}

/* ---- ready ---- */

void server_note(const struct server *server, struct text *out)
{
    const struct roster *roster = server->options.roster;
    const char *separator = "";
    for (size_t i = 0; i < roster->plugin_count; i++) {
        struct host_plugin seen = host_plugin(server->host, i);
        if (strcmp(seen.status, "ready") == 0)
            continue;
        text_addf(out, "%splugin %s is %s", separator, roster->plugins[i].entry->alias,
                  seen.quarantine ? "in quarantine" : "not up");
        separator = ", ";
    }
    for (size_t i = 0; i < roster->plugin_count; i++) {
        struct host_fall fall;
        if (!host_fall(server->host, i, &fall))
            continue;
        text_addf(out, "%splugin %s went back from generation %llu", separator,
                  roster->plugins[i].entry->alias, (unsigned long long)fall.generation);
        separator = ", ";
    }
    for (size_t i = 0; i < server->flow_count; i++) {
        if (server->flows[i].flow)
            continue;
        text_addf(out, "%sflow %s is refused", separator, server->flows[i].path);
        separator = ", ";
    }
}

static void become_ready(struct server *server)
{
    struct error err;
    AUTO(text_done) struct text note;
    text_init(&note, LIMIT_LOG_LINE);
    server->state = SERVER_READY;
    server_note(server, &note);
    notify_manager("READY=1\nSTATUS=at %s%s%.300s", server->address, note.len ? "; " : "",
                   text_str(&note));
    if (gather_left(server, &err) != ERR_OK)
        server_log(server, SEAM_LOG_ERROR, "the runs that were left cannot be read: %s", err.text);
    if (server->options.ready)
        server->options.ready(server->options.user, server->address, text_str(&note));
    server_reload_open(server);
}

/* One more plugin is up, or named as failed. */
static void plugin_is_known(struct server *server, size_t plugin)
{
    if (server->plugin_known[plugin])
        return;
    server->plugin_known[plugin] = true;
    if (--server->plugins_open == 0 && server->state == SERVER_STARTING)
        become_ready(server);
}

static void plugin_told(void *user, size_t plugin, const struct error *err)
{
    struct server *server = user;
    const struct manifest_plugin *entry = server->options.roster->plugins[plugin].entry;
    if (!err) {
        server->plugin_errors[plugin].code = ERR_OK;
        plugin_is_known(server, plugin);
        return;
    }
    server->plugin_errors[plugin] = *err;
    struct host_plugin seen = host_plugin(server->host, plugin);
    if (server->plugin_known[plugin] || (!seen.quarantine && seen.starts < STARTS_TRIED))
        return;
    if (entry->required) {
        error_set(&server->failure, ERR_DENIED,
                  "the plugin `%s`, which the manifest requires, does not come up: %s; mend it, or "
                  "say `required: false` to serve without it",
                  entry->alias, err->text);
        stop(server);
        return;
    }
    plugin_is_known(server, plugin);
}

static void start_plugins(struct server *server)
{
    const struct roster *roster = server->options.roster;
    server->plugin_known = xcalloc(roster->plugin_count + 1, sizeof(bool));
    server->plugin_errors = xcalloc(roster->plugin_count + 1, sizeof(struct error));
    server->plugins_open = roster->plugin_count;
    for (size_t i = 0; i < roster->plugin_count; i++) {
        server->plugin_errors[i] = roster->plugins[i].error;
        if (!roster->plugins[i].card) {
            server->plugin_known[i] = true;
            server->plugins_open--;
            server_log(server, SEAM_LOG_ERROR, "plugin `%s` was refused: %s",
                       roster->plugins[i].entry->alias, roster->plugins[i].error.text);
        }
    }
    if (server->plugins_open == 0)
        become_ready(server);
    host_keep_plugins(server->host, plugin_told);
}

/* ---- the end ---- */

static void look_whether_done(uv_timer_t *timer)
{
    struct server *server = timer->data;
    if (host_run_count(server->host) == 0 || host_is_idle(server->host) ||
        steady_ms() >= server->drain_until_ms)
        stop(server);
}

static void signalled(uv_signal_t *handle, int number)
{
    struct server *server = handle->data;
    (void)number;
    if (server->state != SERVER_READY) {
        stop(server);
        return;
    }
    server->state = SERVER_DRAINING;
    server->drain_until_ms = steady_ms() + server->options.drain_ms;
    notify_manager("STOPPING=1\nSTATUS=finishing %zu runs", host_run_count(server->host));
    server_log(server, SEAM_LOG_INFO, "stopping; %zu runs are under way",
               host_run_count(server->host));
    uv_timer_start(&server->drain, look_whether_done, 0, DRAIN_LOOK_MS);
}

/* ---- opening ---- */

static void look_at_tokens(struct server *server)
{
    struct error err;
    if (tokens_look(server->tokens, &err) != ERR_OK)
        server_log(server, SEAM_LOG_ERROR, "%s", err.text);
}

static void hung_up(uv_signal_t *handle, int number)
{
    (void)number;
    look_at_tokens(handle->data);
    server_reload(handle->data);
}

static void ignored(uv_signal_t *handle, int number)
{
    (void)handle;
    (void)number;
}

static void each_second(uv_timer_t *timer)
{
    struct server *server = timer->data;
    look_at_tokens(server);
    reload_look(server);
    http_sweep(server);
    streams_sweep(server);
    door_resume(server);
}

static void barks(uv_timer_t *timer)
{
    (void)timer;
    notify_manager("WATCHDOG=1");
}

static void timer_open(struct server *server, uv_timer_t *timer)
{
    uv_timer_init(server->loop, timer);
    timer->data = server;
}

static void timers_open(struct server *server)
{
    static const struct {
        int number;
        uv_signal_cb then;
    } heard[SIGNALS] = {
        {SIGTERM, signalled},
        {SIGINT, signalled},
        {SIGHUP, hung_up},
        {SIGPIPE,
         ignored}, /* of whoever does not read; a handler is not inherited, as SIG_IGN is */
    };
    int64_t watchdog_ms = notify_watchdog_ms();
    timer_open(server, &server->second);
    timer_open(server, &server->tick);
    timer_open(server, &server->drain);
    timer_open(server, &server->watchdog);
    timer_open(server, &server->left_timer);
    timer_open(server, &server->show_timer);
    timer_open(server, &server->reload_timer);
    uv_timer_start(&server->second, each_second, SECOND_MS, SECOND_MS);
    if (watchdog_ms > 0)
        uv_timer_start(&server->watchdog, barks, (uint64_t)watchdog_ms, (uint64_t)watchdog_ms);
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_signal_init(server->loop, &server->signals[i]);
        server->signals[i].data = server;
        uv_signal_start(&server->signals[i], heard[i].then, heard[i].number);
    }
}

static enum error_code open_store(struct server *server, struct error *reterr)
{
    struct host_options options = {
        .roster = server->options.roster,
        .store = server->options.store,
        .restored = server->options.restored,
        .worker = server->options.worker,
        .progress = progress,
        .settled = settled,
        .log = logged,
        .hears = hears,
        .said = said,
        .user = server,
    };
    AUTO(freep) char *store = roster_store(server->options.roster, server->options.store);
    if (!store)
        return error_set(reterr, ERR_INPUT,
                         "serve needs a store on disk, for what it has accepted must survive it; "
                         "give the manifest's store.url, or --store");
    enum error_code code = host_open(&options, &server->host, reterr);
    if (code == ERR_OK)
        server->loop = host_loop(server->host);
    return code;
}

static enum error_code refuse_required(const struct roster *roster, struct error *reterr)
{
    for (size_t i = 0; i < roster->plugin_count; i++)
        if (!roster->plugins[i].card && roster->plugins[i].entry->required)
            return error_set(reterr, ERR_DENIED,
                             "the plugin `%s`, which the manifest requires, was refused: %s; mend "
                             "it, or say `required: false` to serve without it",
                             roster->plugins[i].entry->alias, roster->plugins[i].error.text);
    return ERR_OK;
}

enum error_code server_open(const struct server_options *options, struct server **ret_server,
                            struct error *reterr)
{
    struct server *server = xcalloc(1, sizeof(*server));
    server->options = *options;
    server->door = -1;
    server->shelf = shelf_new();
    enum error_code code = refuse_required(options->roster, reterr);
    if (code == ERR_OK)
        code = tokens_new(options->roster->manifest, &server->tokens, reterr);
    if (code == ERR_OK)
        code = open_store(server, reterr);
    if (code == ERR_OK) {
        server->started_ms = host_time(server->host);
        timers_open(server);
        code = http_open(server, reterr);
    }
    if (code == ERR_OK)
        code = door_open(server, reterr);
    if (code == ERR_OK) {
        flows_open(server, options->roster);
        *ret_server = server;
    } else {
        (void)!server_close(server, NULL);
    }
    return code;
}

enum error_code server_work(struct server *server, struct error *reterr)
{
    notify_manager("STATUS=starting %zu plugins", server->options.roster->plugin_count);
    if (!server->on_unix && tokens_count(server->tokens) == 0)
        server_log(server, SEAM_LOG_WARNING,
                   "there are no tokens: whoever has an account on this machine may run flows and "
                   "answer questions at %s; give the manifest's serve.tokens, or listen at "
                   "unix:PATH",
                   server->address);
    start_plugins(server);
    enum error_code code = host_serve(server->host, reterr);
    if (server->failure.code != ERR_OK)
        code = error_set(reterr, server->failure.code, "%s", server->failure.text);
    return code;
}

size_t server_left(const struct server *server)
{
    return host_run_count(server->host) + (server->left_count - server->left_at);
}

static void close_handles(struct server *server)
{
    uv_timer_t *const timers[] = {&server->second,      &server->tick,       &server->drain,
                                  &server->watchdog,    &server->left_timer, &server->show_timer,
                                  &server->reload_timer};
    for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
        uv_close((uv_handle_t *)timers[i], NULL);
    for (size_t i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&server->signals[i], NULL);
}

enum error_code server_close(struct server *server, struct error *reterr)
{
    enum error_code code = ERR_OK;
    if (server->host) {
        server->state = SERVER_DRAINING;
        door_close(server);
        streams_close(server);
        http_close(server);
        shows_close(server);
        close_handles(server);
        flows_close(server);
        code = host_close(server->host, reterr);
    }
    flows_close(server);
    for (size_t i = 0; i < server->left_count; i++) {
        free(map_take(&server->stuck, slice_of(server->left[i])));
        free(server->left[i]);
    }
    map_done(&server->stuck);
    map_done(&server->watches);
    tokens_free(server->tokens);
    shelf_free(server->shelf);
    free(server->left);
    free(server->plugin_known);
    free(server->plugin_errors);
    free(server->relist_refused);
    free(server->address);
    free(server);
    return code;
}
