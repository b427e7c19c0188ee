/* SPDX-License-Identifier: Apache-2.0
 *
 * Another manifest for a server that serves: asked for over HTTP, by SIGHUP, or because a file that
 * is watched changed and then stood still for a second. Cards, tokens and flows are read first, so
 * that any error is told and changes nothing; the host then starts what is new beside what runs.
 * Where the server listens, and its store, stay as they are until a restart. A manifest that was
 * refused is tried again when it changes once more, or when somebody asks. Signals that come while
 * one is under way are one more together. A plugin that has too many faults on probation goes back
 * by the same way, and one that says that its agents are others comes to them.
 *
 * Files are looked at each second, by stat(2): that sees what renames, links, bind mounts and
 * network file systems do, of which inotify tells the half. One that is gone, or still grows, is
 * waited for.
 */
#include "server/server_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct reloading {
    struct server *server;
    struct roster *roster;
    struct tokens *tokens;
    struct served_flow *flows;
    size_t flow_count;
    struct promise *promise; /* of whoever asked; NULL = a signal, or the file */
    char *falls;             /* the plugin that goes back, and why: words; NULL = none does */
    char *relisted;          /* the plugin whose agents are others; NULL = none's */
};

/* ---- the files ---- */

static void add_file(struct text *out, const char *path, bool *ret_there)
{
    struct stat is;
    if (stat(path, &is) != 0) {
        *ret_there = false;
        return;
    }
    text_addf(out, "%s %llu %llu %lld %lld.%09ld %lld.%09ld\n", path, (unsigned long long)is.st_dev,
              (unsigned long long)is.st_ino, (long long)is.st_size, (long long)is.st_mtim.tv_sec,
              is.st_mtim.tv_nsec, (long long)is.st_ctim.tv_sec, is.st_ctim.tv_nsec);
}

/* What is watched, as it stands; false: a file is gone, or nothing is watched. */
static bool files_now(const struct roster *roster, struct digest *ret_digest)
{
    const struct manifest *manifest = roster->manifest;
    AUTO(text_done) struct text text;
    bool there = true;
    text_init(&text, SIZE_MAX / 2);
    add_file(&text, manifest->file, &there);
    for (size_t i = 0; i < roster->plugin_count && manifest->watch == WATCH_PLUGINS && there; i++)
        add_file(&text, roster->plugins[i].entry->path, &there);
    *ret_digest = digest_of(text_slice(&text));
    return there && manifest->watch != WATCH_NONE;
}

/* Another roster may watch other files; what changed since they were read is not forgotten. */
static void files_change(struct server *server, const struct roster *was, const struct roster *is)
{
    struct digest now;
    if (files_now(was, &now) && digest_equal(&now, &server->files_seen) && files_now(is, &now))
        server->files_seen = server->files_last = now;
}

/* ---- what it would serve ---- */

static bool was_refused(const struct server *server, const char *path)
{
    for (size_t i = 0; i < server->flow_count; i++)
        if (!server->flows[i].flow && strcmp(server->flows[i].path, path) == 0)
            return true;
    return false;
}

static void flows_swap(struct server *server, struct reloading *r)
{
    struct served_flow *flows = server->flows;
    size_t count = server->flow_count;
    server->flows = r->flows;
    server->flow_count = r->flow_count;
    r->flows = flows;
    r->flow_count = count;
}

/* A flow that is refused, and was not before, is an error of the manifest; but nobody wrote it if a
 * plugin's agents are others: the other flows go on. */
static enum error_code read_flows(struct reloading *r, struct error *reterr)
{
    struct server *server = r->server;
    flows_swap(server, r);
    flows_open(server, r->roster);
    flows_swap(server, r);
    for (size_t i = 0; i < r->flow_count && !r->relisted; i++)
        if (!r->flows[i].flow && !was_refused(server, r->flows[i].path))
            return error_set(reterr, ERR_INPUT, "the flow %s is refused: %s", r->flows[i].path,
                             r->flows[i].reason);
    return ERR_OK;
}

static enum error_code read_all(struct reloading *r, struct error *reterr)
{
    const char *file = r->server->options.roster->manifest->file;
    enum error_code code = roster_survey(file, &r->roster, reterr);
    if (code == ERR_OK)
        code = host_check_roster(r->server->host, r->roster, reterr);
    if (code == ERR_OK)
        code = tokens_new(r->roster->manifest, &r->tokens, reterr);
    if (code == ERR_OK && !r->server->on_unix && !r->server->loopback &&
        tokens_count(r->tokens) == 0)
        code = error_set(reterr, ERR_DENIED,
                         "serve.tokens is empty, and others than this machine reach %s; name a "
                         "token",
                         r->server->address);
    return code == ERR_OK ? read_flows(r, reterr) : code;
}

/* ---- the answer ---- */

static void reload_again(uv_timer_t *timer);

static void reloading_free(struct reloading *r)
{
    flows_swap(r->server, r);
    flows_close(r->server);
    flows_swap(r->server, r);
    tokens_free(r->tokens);
    free(r->falls);
    free(r->relisted);
    free(r);
}

static void answer(struct promise *promise, const json_t *report, const struct error *err)
{
    struct request *request = promise ? promise->request : NULL;
    if (request && !err)
        reply_json(request, 200, json_deep_copy(report));
    else if (request)
        reply_error(request, err);
    if (request) {
        request->promise = NULL;
        if (request->waiting)
            http_wake(request);
    }
    free(promise);
}

static void is_over(struct reloading *r)
{
    struct server *server = r->server;
    reloading_free(r);
    server->reloading = false;
    if (server->reload_due)
        uv_timer_start(&server->reload_timer, reload_again, 0, 0);
    server->reload_due = false;
}

/* It is tried again for as long as it is so, and told once. */
static void refused_again(struct server *server, const char *alias, const struct error *err)
{
    if (server->relist_refused && strcmp(server->relist_refused, err->text) == 0)
        return;
    free(server->relist_refused);
    server->relist_refused = xstrdup(err->text);
    server_log(server, SEAM_LOG_ERROR,
               "the agents that plugin `%s` has now are not taken, and those that it had stay: %s",
               alias, err->text);
}

static void refused(struct reloading *r, const struct error *err)
{
    struct server *server = r->server;
    if (r->falls)
        server_log(server, SEAM_LOG_ERROR, "plugin %s; and it cannot go back: %s", r->falls,
                   err->text);
    else if (r->relisted)
        refused_again(server, r->relisted, err);
    else
        server_log(server, SEAM_LOG_ERROR,
                   "the manifest was not taken, and nothing has changed: %s", err->text);
    notify_manager("READY=1\nSTATUS=%s refused: %.300s",
                   r->falls      ? "roll-back"
                   : r->relisted ? "new agents"
                                 : "reload",
                   err->text);
    server->reload_refused |= !r->relisted;
    answer(r->promise, NULL, err);
    roster_free(r->roster);
    is_over(r);
}

/* Plugins are known by their place in the manifest, which may be another now. */
static void rename_plugins(struct server *server, const struct roster *was, const struct roster *is)
{
    struct error *errors = xcalloc(is->plugin_count + 1, sizeof(*errors));
    bool *known = xcalloc(is->plugin_count + 1, sizeof(*known));
    for (size_t i = 0; i < is->plugin_count; i++) {
        known[i] = true;
        errors[i] = is->plugins[i].error;
        for (size_t k = 0; k < was->plugin_count && errors[i].code == ERR_OK; k++)
            if (strcmp(was->plugins[k].entry->alias, is->plugins[i].entry->alias) == 0)
                errors[i] = server->plugin_errors[k];
    }
    free(server->plugin_errors);
    free(server->plugin_known);
    server->plugin_errors = errors;
    server->plugin_known = known;
}

static void reloaded(void *user, const json_t *report, const struct error *err)
{
    struct reloading *r = user;
    struct server *server = r->server;
    if (err) {
        refused(r, err);
        return;
    }
    rename_plugins(server, server->options.roster, r->roster);
    files_change(server, server->options.roster, r->roster);
    struct tokens *tokens = server->tokens;
    server->tokens = r->tokens;
    r->tokens = tokens;
    flows_swap(server, r);
    server->options.roster = r->roster;
    server->reloads += !r->falls && !r->relisted;
    server->falls += r->falls != NULL;
    server->relists += r->relisted != NULL;
    if (!r->relisted)
        server->reload_refused = false;
    free(TAKE(server->relist_refused));
    AUTO(text_done) struct text note;
    text_init(&note, LIMIT_LOG_LINE);
    server_note(server, &note);
    notify_manager("READY=1\nSTATUS=at %s%s%.300s", server->address, note.len ? "; " : "",
                   text_str(&note));
    if (r->falls)
        server_log(server, SEAM_LOG_ERROR,
                   "plugin %s; the generation before is called again (cure: mend it; this one is "
                   "not taken again but by `seam reload --again`)",
                   r->falls);
    else if (r->relisted)
        server_log(server, SEAM_LOG_INFO, "the agents that plugin `%s` has now are called",
                   r->relisted);
    else
        server_log(server, SEAM_LOG_INFO,
                   "the manifest was taken; plugins and flows are as it says");
    answer(r->promise, report, NULL);
    is_over(r);
}

static void notify_reloading(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    notify_manager("RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

static struct reloading *reloading_new(struct server *server, struct promise *promise)
{
    struct reloading *r = xcalloc(1, sizeof(*r));
    *r = (struct reloading){.server = server, .promise = promise};
    server->reloading = true;
    notify_reloading();
    return r;
}

static void begin(struct server *server, struct promise *promise)
{
    struct error err;
    struct reloading *r = reloading_new(server, promise);
    server->files_known = files_now(server->options.roster, &server->files_seen);
    enum error_code code = read_all(r, &err);
    if (code == ERR_OK && !server->files_known) /* it watches, and the one before did not */
        server->files_known = files_now(r->roster, &server->files_seen);
    if (code == ERR_OK)
        host_reload(server->host, r->roster, reloaded, r);
    else
        refused(r, &err);
}

static void reload_again(uv_timer_t *timer)
{
    server_reload(timer->data);
}

void server_reload(struct server *server)
{
    if (server->state == SERVER_READY && !server->reloading)
        begin(server, NULL);
    else
        server->reload_due = server->state != SERVER_DRAINING;
}

/* A plugin on probation had too many faults. */
static void fell(void *user, size_t plugin, const char *reason)
{
    struct server *server = user;
    struct error err;
    if (server->reloading || server->state != SERVER_READY)
        return;
    struct reloading *r = reloading_new(server, NULL);
    r->falls = xasprintf("`%s`: %s", server->options.roster->plugins[plugin].entry->alias, reason);
    enum error_code code = host_back_roster(server->host, plugin, &r->roster, &err);
    if (code == ERR_OK)
        code = tokens_new(r->roster->manifest, &r->tokens, &err);
    if (code == ERR_OK)
        code = read_flows(r, &err);
    if (code == ERR_OK)
        host_reload(server->host, r->roster, reloaded, r);
    else
        refused(r, &err);
}

/* A plugin has other agents; if this is no moment for it, it is said again. */
static void relisted(void *user, size_t plugin, struct roster *roster)
{
    struct server *server = user;
    struct error err;
    if (server->reloading || server->state != SERVER_READY) {
        roster_free(roster);
        return;
    }
    struct reloading *r = reloading_new(server, NULL);
    r->relisted = xstrdup(roster->plugins[plugin].entry->alias);
    r->roster = roster;
    enum error_code code = tokens_new(roster->manifest, &r->tokens, &err);
    if (code == ERR_OK)
        code = read_flows(r, &err);
    if (code == ERR_OK)
        host_reload(server->host, roster, reloaded, r);
    else
        refused(r, &err);
}

void server_reload_open(struct server *server)
{
    host_watch_falls(server->host, fell);
    host_watch_agents(server->host, relisted);
    server->files_known = files_now(server->options.roster, &server->files_seen);
    if (server->reload_due)
        uv_timer_start(&server->reload_timer, reload_again, 0, 0);
    server->reload_due = false;
}

void ask_reload(struct request *request)
{
    static const char *const members[] = {"again", NULL};
    AUTO(json_decrefp) json_t *body = NULL;
    struct server *server = request->server;
    if (!body_read(request, members, &body))
        return;
    const json_t *again = json_object_get(body, "again");
    if (again && !json_is_boolean(again)) {
        reply_problem(request, 400, "`again` is true or false");
        return;
    }
    if (server->state != SERVER_READY || server->reloading) {
        reply_problem(request, 429, "the server %s; ask again",
                      server->reloading ? "reloads already" : "is not ready");
        request->reply.retry_after_s = 1;
        return;
    }
    if (json_is_true(again))
        host_forgive(server->host);
    struct promise *promise = xcalloc(1, sizeof(*promise));
    promise->request = request;
    request->promise = promise;
    begin(server, promise);
}

/* ---- what changed ---- */

void reload_look(struct server *server)
{
    struct digest now;
    if (server->state != SERVER_READY || server->reloading ||
        !files_now(server->options.roster, &now))
        return;
    bool still = digest_equal(&now, &server->files_last);
    server->files_last = now;
    if (!server->files_known) {
        server->files_seen = now;
        server->files_known = true;
    } else if (still && !digest_equal(&now, &server->files_seen)) {
        begin(server, NULL);
    }
}
