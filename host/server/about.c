/* SPDX-License-Identifier: Apache-2.0
 *
 * What the server is asked about itself: its flows, its plugins, whether it lives, whether it is
 * ready, and the description of all that it answers. A request that is whole is handed out here.
 */
#include "server/server_internal.h"

#include <stdlib.h>
#include <string.h>

extern const unsigned char openapi_json[];
extern const size_t openapi_json_size;

void api_ask(struct request *request)
{
    static void (*const asks[])(struct request *) = {
        [ROUTE_RUNS] = ask_list,       [ROUTE_RUN] = ask_show,      [ROUTE_EVENTS] = ask_events,
        [ROUTE_EXPLAIN] = ask_explain, [ROUTE_ANSWER] = ask_answer, [ROUTE_CANCEL] = ask_cancel,
        [ROUTE_RESUME] = ask_resume,   [ROUTE_FLOWS] = ask_flows,   [ROUTE_PLUGINS] = ask_plugins,
        [ROUTE_HEALTHZ] = ask_health,  [ROUTE_READYZ] = ask_ready,  [ROUTE_METRICS] = ask_metrics,
        [ROUTE_OPENAPI] = ask_openapi, [ROUTE_RELOAD] = ask_reload,
    };
    if (request->target.route == ROUTE_RUNS && request->post)
        ask_begin(request);
    else
        asks[request->target.route](request);
}

/* ---- flows ---- */

/* Of a flow that a reload refuses nothing is kept, so what is wrong with it is told at once. */
static void say_first(const struct findings *findings, struct error *err)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->list[i];
        if (f->severity != FINDING_ERROR)
            continue;
        AUTO(freep) char *count = xstrdup(err->text);
        error_set(err, err->code, "%s: at %zu:%zu, %s%s", count, (size_t)f->where.line,
                  (size_t)f->where.column, f->text, findings->errors > 1 ? "; …" : "");
        return;
    }
}

static void open_flow(struct server *server, const struct roster *roster, const char *path)
{
    struct served_flow *served = &server->flows[server->flow_count];
    struct findings findings;
    struct error err;
    findings_init(&findings);
    served->path = xstrdup(path);
    enum error_code code = roster_compile(roster, path, &served->flow, &findings, &err);
    served->findings = findings_json(&findings);
    if (code != ERR_OK)
        say_first(&findings, &err);
    findings_done(&findings);
    const struct served_flow *twin = code == ERR_OK ? flow_find(server, served->flow->name) : NULL;
    if (twin)
        code = error_set(&err, ERR_CONFLICT, "%s is called %s too; rename one", twin->path,
                         served->flow->name);
    if (code != ERR_OK) {
        served->reason = xstrdup(err.text);
        flow_unref(served->flow);
        served->flow = NULL;
        server_log(server, SEAM_LOG_ERROR, "the flow %s is refused: %s", path, err.text);
    }
    server->flow_count++;
}

void flows_open(struct server *server, const struct roster *roster)
{
    const struct manifest *manifest = roster->manifest;
    server->flows = xcalloc(manifest->flow_count + 1, sizeof(*server->flows));
    for (size_t i = 0; i < manifest->flow_count; i++)
        open_flow(server, roster, manifest->flows[i]);
}

void flows_close(struct server *server)
{
    for (size_t i = 0; i < server->flow_count; i++) {
        struct served_flow *served = &server->flows[i];
        flow_unref(served->flow);
        free(served->path);
        free(served->reason);
        json_decref(served->findings);
    }
    free(server->flows);
    server->flows = NULL;
    server->flow_count = 0;
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A flow that was refused has no name but its file's, and whoever asks for it is told why. */
static bool is_refused(const struct served_flow *served, const char *name)
{
    const char *base = base_of(served->path), *dot = strrchr(base, '.');
    size_t stem = dot ? (size_t)(dot - base) : strlen(base);
    return !served->flow && strlen(name) == stem && strncmp(base, name, stem) == 0;
}

/* By its name, or by its file as the manifest may write it. */
const struct served_flow *flow_find(const struct server *server, const char *name)
{
    for (size_t i = 0; i < server->flow_count; i++) {
        const struct served_flow *served = &server->flows[i];
        if (served->flow && strcmp(served->flow->name, name) == 0)
            return served;
    }
    for (size_t i = 0; i < server->flow_count; i++)
        if (strcmp(server->flows[i].path, name) == 0 ||
            strcmp(base_of(server->flows[i].path), name) == 0 ||
            is_refused(&server->flows[i], name))
            return &server->flows[i];
    return NULL;
}

static json_t *flow_json(const struct served_flow *served)
{
    const struct flow *flow = served->flow;
    char digest[DIGEST_HEX_SIZE];
    json_t *json =
        json_pack("{s:s*, s:s, s:s, s:O}", "flow", flow ? flow->name : NULL, "file", served->path,
                  "status", flow ? "ready" : "refused", "findings", served->findings);
    if (!flow) {
        json_object_set_new(json, "reason", json_string(served->reason));
        return json;
    }
    digest_hex(&flow->digest, digest);
    json_object_set_new(json, "version", json_string(flow->version));
    json_object_set_new(json, "digest", json_string(digest));
    json_object_set_new(json, "input",
                        flow->input ? json_incref(contract_schema(flow->input)) : json_true());
    return json;
}

/* No parameter is known here. */
static bool plain(struct request *request)
{
    static const char *const none[] = {NULL};
    struct parameters parameters;
    struct error err;
    if (parameters_parse(request->target.query, none, &parameters, &err) == ERR_OK)
        return true;
    reply_problem(request, 400, "%s", err.text);
    return false;
}

void ask_flows(struct request *request)
{
    const struct server *server = request->server;
    if (!plain(request))
        return;
    json_t *list = json_array();
    for (size_t i = 0; i < server->flow_count; i++)
        json_array_append_new(list, flow_json(&server->flows[i]));
    reply_json(request, 200, json_pack("{s:o}", "flows", list));
}

/* ---- plugins ---- */

static json_t *generation_json(const struct host_generation *seen)
{
    char library[DIGEST_HEX_SIZE];
    digest_hex(&seen->card->library, library);
    json_t *json =
        json_pack("{s:I, s:s, s:I, s:s, s:s}", "generation", (json_int_t)seen->generation, "state",
                  seen->state, "calls", (json_int_t)seen->calls, "version", seen->card->version,
                  "library", library);
    if (seen->pid)
        json_object_set_new(json, "pid", json_integer(seen->pid));
    if (seen->left_ms >= 0)
        json_object_set_new(json, "left_ms", json_integer((json_int_t)seen->left_ms));
    if (strcmp(seen->state, "probation") == 0) {
        json_object_set_new(json, "faults", json_integer((json_int_t)seen->faults));
        json_object_set_new(json, "answers", json_integer((json_int_t)seen->answers));
    }
    return json;
}

static void add_generations(const struct server *server, size_t index, json_t *json)
{
    struct host_generation list[HOST_GENERATIONS];
    struct host_fall fall;
    size_t count = host_generations(server->host, index, list);
    json_t *generations = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(generations, generation_json(&list[i]));
    json_object_set_new(json, "generations", generations);
    if (!host_fall(server->host, index, &fall))
        return;
    char library[DIGEST_HEX_SIZE];
    digest_hex(&fall.library, library);
    json_object_set_new(json, "went_back",
                        json_pack("{s:I, s:s, s:I, s:s}", "from", (json_int_t)fall.generation,
                                  "library", library, "at_ms", (json_int_t)fall.at_ms, "reason",
                                  fall.reason));
}

static json_t *plugin_json(const struct server *server, size_t index)
{
    const struct roster *roster = server->options.roster;
    struct host_plugin seen = host_plugin(server->host, index);
    bool ready = strcmp(seen.status, "ready") == 0;
    struct error err = server->plugin_errors[index];
    if (ready)
        err.code = ERR_OK;
    json_t *json = report_plugin(roster, index, seen.status, &err);
    json_object_set_new(json, "required", json_boolean(roster->plugins[index].entry->required));
    json_object_set_new(json, "under_way", json_integer((json_int_t)seen.calls));
    json_object_set_new(json, "failed_starts", json_integer((json_int_t)seen.starts));
    json_object_set_new(json, "generation", json_integer((json_int_t)seen.generation));
    if (seen.draining)
        json_object_set_new(json, "draining", json_integer((json_int_t)seen.draining));
    json_object_set_new(json, "stale_answers", json_integer((json_int_t)seen.stale));
    if (seen.quarantine)
        json_object_set(json, "quarantine", (json_t *)(uintptr_t)seen.quarantine);
    if (seen.restart_ms >= 0)
        json_object_set_new(json, "restart_ms", json_integer(seen.restart_ms));
    if (seen.last_failure)
        json_object_set_new(json, "last_failure", json_string(seen.last_failure));
    if (seen.pid)
        json_object_set_new(json, "pid", json_integer(seen.pid));
    add_generations(server, index, json);
    return json;
}

void ask_plugins(struct request *request)
{
    if (!plain(request))
        return;
    json_t *list = json_array();
    for (size_t i = 0; i < request->server->options.roster->plugin_count; i++)
        json_array_append_new(list, plugin_json(request->server, i));
    reply_json(request, 200, json_pack("{s:o}", "plugins", list));
}

/* ---- health ---- */

void ask_health(struct request *request)
{
    reply_json(request, 200, json_pack("{s:s}", "status", "alive"));
}

/* A plugin that the manifest requires, was up once, and does not come back. */
static const char *lost_plugin(const struct server *server)
{
    const struct roster *roster = server->options.roster;
    for (size_t i = 0; i < roster->plugin_count; i++) {
        struct host_plugin seen = host_plugin(server->host, i);
        if (roster->plugins[i].entry->required && strcmp(seen.status, "ready") != 0 &&
            (seen.quarantine || seen.starts >= STARTS_TRIED))
            return roster->plugins[i].entry->alias;
    }
    return NULL;
}

void ask_ready(struct request *request)
{
    const struct server *server = request->server;
    const char *lost = server->state == SERVER_READY ? lost_plugin(server) : NULL;
    AUTO(text_done) struct text note;
    text_init(&note, LIMIT_LOG_LINE);
    server_note(server, &note);
    if (lost)
        reply_problem(request, 503,
                      "the plugin `%s`, which the manifest requires, does not come up; GET "
                      "/v1/plugins says why",
                      lost);
    else if (server->state == SERVER_STARTING)
        reply_problem(request, 503, "the server is starting; ask again");
    else if (server->state == SERVER_DRAINING)
        reply_problem(request, 503, "the server is stopping; ask another, or again");
    else
        reply_json(request, 200,
                   json_pack("{s:s, s:s, s:I}", "status", note.len ? "degraded" : "ready", "note",
                             text_str(&note), "runs", (json_int_t)host_run_count(server->host)));
}

void ask_openapi(struct request *request)
{
    text_add(&request->reply.body, (const char *)openapi_json, openapi_json_size);
    request->reply.status = 200;
    request->reply.type = "application/json";
}
