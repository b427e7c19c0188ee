/* SPDX-License-Identifier: Apache-2.0
 *
 * Another manifest for a server that serves: asked for over HTTP, by SIGHUP, or because the file
 * changed and then stood still for a second. Cards, tokens and flows are read first, so that any
 * error is told and changes nothing; the host then starts what is new beside what runs. Where the
 * server listens, and its store, stay as they are until a restart. A manifest that was refused is
 * tried again when it changes once more, or when somebody asks.
 */
#include "server/server_internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct reloading {
    struct server *server;
    struct roster *roster;
    struct tokens *tokens;
    struct served_flow *flows;
    size_t flow_count;
    struct promise *promise; /* of whoever asked; NULL = a signal, or the file */
};

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

/* A flow that is refused, and was not before, is an error of the manifest. */
static enum error_code read_flows(struct reloading *r, struct error *reterr)
{
    struct server *server = r->server;
    flows_swap(server, r);
    flows_open(server, r->roster);
    flows_swap(server, r);
    for (size_t i = 0; i < r->flow_count; i++)
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

static void reloading_free(struct reloading *r)
{
    flows_swap(r->server, r);
    flows_close(r->server);
    flows_swap(r->server, r);
    tokens_free(r->tokens);
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

static void refused(struct reloading *r, const struct error *err)
{
    struct server *server = r->server;
    server_log(server, SEAM_LOG_ERROR, "the manifest was not taken, and nothing has changed: %s",
               err->text);
    notify_manager("READY=1\nSTATUS=reload refused: %.300s", err->text);
    server->reload_refused = true;
    answer(r->promise, NULL, err);
    roster_free(r->roster);
    reloading_free(r);
    server->reloading = false;
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
    struct tokens *tokens = server->tokens;
    server->tokens = r->tokens;
    r->tokens = tokens;
    flows_swap(server, r);
    server->options.roster = r->roster;
    server->reloads++;
    server->reload_refused = false;
    AUTO(text_done) struct text note;
    text_init(&note, LIMIT_LOG_LINE);
    server_note(server, &note);
    notify_manager("READY=1\nSTATUS=at %s%s%.300s", server->address, note.len ? "; " : "",
                   text_str(&note));
    server_log(server, SEAM_LOG_INFO, "the manifest was taken; plugins and flows are as it says");
    answer(r->promise, report, NULL);
    reloading_free(r);
    server->reloading = false;
}

static void notify_reloading(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    notify_manager("RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

static void begin(struct server *server, struct promise *promise)
{
    struct error err;
    struct reloading *r = xcalloc(1, sizeof(*r));
    *r = (struct reloading){.server = server, .promise = promise};
    server->reloading = true;
    (void)!stat(server->options.roster->manifest->file, &server->manifest_seen);
    notify_reloading();
    if (read_all(r, &err) == ERR_OK)
        host_reload(server->host, r->roster, reloaded, r);
    else
        refused(r, &err);
}

void server_reload(struct server *server)
{
    if (server->state == SERVER_READY && !server->reloading)
        begin(server, NULL);
}

void ask_reload(struct request *request)
{
    static const char *const members[] = {NULL};
    AUTO(json_decrefp) json_t *body = NULL;
    struct server *server = request->server;
    if (!body_read(request, members, &body))
        return;
    if (server->state != SERVER_READY || server->reloading) {
        reply_problem(request, 429, "the server %s; ask again",
                      server->reloading ? "reloads already" : "is not ready");
        request->reply.retry_after_s = 1;
        return;
    }
    struct promise *promise = xcalloc(1, sizeof(*promise));
    promise->request = request;
    request->promise = promise;
    begin(server, promise);
}

/* ---- the file ---- */

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void reload_look(struct server *server)
{
    struct stat is;
    if (server->state != SERVER_READY || server->reloading ||
        stat(server->options.roster->manifest->file, &is) != 0)
        return;
    bool still = same(&is, &server->manifest_last);
    server->manifest_last = is;
    if (server->manifest_seen.st_ino == 0)
        server->manifest_seen = is;
    else if (still && !same(&is, &server->manifest_seen))
        begin(server, NULL);
}
