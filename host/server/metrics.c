/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers for Prometheus, in its text format 0.0.4. Labels are what the manifest and the program
 * name, never a run: there are as many lines tomorrow as today.
 */
#include "server/server_internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void family(struct text *out, const char *name, const char *type, const char *help)
{
    text_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(struct text *out, const char *name, const char *type, const char *help,
                   uint64_t value)
{
    family(out, name, type, help);
    text_addf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void add_runs(const struct server *server, struct text *out)
{
    single(out, "seam_runs_under_way", "gauge", "Runs that neither ended nor wait for a person.",
           host_run_count(server->host));
    single(out, "seam_runs_begun_total", "counter", "Runs begun over HTTP.", server->counts.begun);
    family(out, "seam_runs_settled_total", "counter", "Runs that ended, or came to wait.");
    for (int i = RUN_WAITING; i <= RUN_CANCELLED; i++)
        text_addf(out, "seam_runs_settled_total{status=\"%s\"} %llu\n",
                  run_status_word((enum run_status)i), (unsigned long long)server->counts.ended[i]);
    single(out, "seam_answers_total", "counter", "Answers to questions, over HTTP.",
           server->counts.questions);
    single(out, "seam_runs_stuck", "gauge", "Runs that were left and could not be taken up.",
           server->stuck.count);
}

static void add_plugins(const struct server *server, struct text *out)
{
    const struct roster *roster = server->options.roster;
    family(out, "seam_plugin_up", "gauge", "Whether the plugin is loaded and takes calls.");
    for (size_t i = 0; i < roster->plugin_count; i++)
        text_addf(out, "seam_plugin_up{plugin=\"%s\"} %d\n", roster->plugins[i].entry->alias,
                  strcmp(host_plugin(server->host, i).status, "ready") == 0);
    family(out, "seam_plugin_calls", "gauge", "Calls of the plugin, under way and in line.");
    for (size_t i = 0; i < roster->plugin_count; i++)
        text_addf(out, "seam_plugin_calls{plugin=\"%s\"} %zu\n", roster->plugins[i].entry->alias,
                  host_plugin(server->host, i).calls);
}

static void add_reloads(const struct server *server, struct text *out)
{
    single(out, "seam_reloads_total", "counter", "Manifests taken while the server ran.",
           server->reloads);
    single(out, "seam_roll_backs_total", "counter", "Plugins that went back on probation.",
           server->falls);
    single(out, "seam_relists_total", "counter",
           "Plugins whose agents were others, and taken while the server ran.", server->relists);
}

static void add_http(const struct server *server, struct text *out)
{
    family(out, "seam_http_requests_total", "counter", "Requests answered, by class of status.");
    for (size_t r = 0; r <= ROUTE_COUNT; r++)
        for (size_t c = 2; c < STATUS_CLASSES; c++) {
            uint64_t count = server->counts.requests[r][c];
            if (count > 0)
                text_addf(out, "seam_http_requests_total{path=\"%s\",status=\"%zuxx\"} %llu\n",
                          r < ROUTE_COUNT ? route_path((enum api_route)r) : "none", c,
                          (unsigned long long)count);
        }
    single(out, "seam_http_connections", "gauge", "Connections.", server->client_count);
    single(out, "seam_http_refused_total", "counter", "Connections that were one too many.",
           server->counts.refused_clients);
    single(out, "seam_http_dropped_total", "counter", "Connections that took too long.",
           server->counts.dropped_clients);
    single(out, "seam_streams", "gauge", "Connections that follow a run.", server->stream_count);
    single(out, "seam_streams_dropped_total", "counter", "Streams that broke before the run ended.",
           server->counts.dropped_streams);
    single(out, "seam_events_sent_total", "counter", "Events sent to streams.",
           server->counts.events);
}

/* Pages of memory that are resident; 0 = the kernel does not say. */
static uint64_t resident_bytes(void)
{
    unsigned long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%lu %lu", &size, &resident) != 2)
        resident = 0;
    fclose(file);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

void ask_metrics(struct request *request)
{
    const struct server *server = request->server;
    struct text *out = &request->reply.body;
    single(out, "seam_ready", "gauge", "Whether the server is ready.",
           server->state == SERVER_READY);
    family(out, "seam_build_info", "gauge", "The version of this program.");
    text_addf(out, "seam_build_info{version=\"%s\"} 1\n", SEAM_VERSION);
    add_runs(server, out);
    add_plugins(server, out);
    add_reloads(server, out);
    add_http(server, out);
    family(out, "process_start_time_seconds", "gauge", "When the server started, Unix time.");
    text_addf(out, "process_start_time_seconds %.3f\n", (double)server->started_ms / 1000.0);
    single(out, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
    request->reply.status = 200;
    request->reply.type = "text/plain; version=0.0.4; charset=utf-8";
}
