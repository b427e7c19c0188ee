/* SPDX-License-Identifier: Apache-2.0
 *
 * The plugin's table: one server an instance. A server that is not there is no reason not to be
 * there; seam.describe/1 says what is wrong, and nothing can be called.
 */
#include "mcp.h"

static seam_status create(const seam_host *host, seam_bytes config, void **ret_self)
{
    struct server *server = calloc(1, sizeof(*server));
    if (!server)
        return SEAM_E_INTERNAL;
    server->host = host;
    pthread_mutex_init(&server->lock, NULL);
    settings_read(&server->settings, config, &server->wrong);
    pipe_init(&server->pipe, server, host, &server->settings);
    watch_init(&server->watch);
    web_init(&server->web, &server->settings);
    *ret_self = server;
    return SEAM_OK;
}

static struct caller caller_of(struct server *server, const seam_call *call)
{
    struct caller caller = {.host = server->host, .id = call->id, .deadline_ns = call->deadline_ns};
    size_t len = call->idempotency_key.len;
    if (len > 0 && len < sizeof(caller.key))
        memcpy(caller.key, call->idempotency_key.ptr, len);
    return caller;
}

static seam_status describe(void *self, const seam_call *call)
{
    struct server *server = self;
    struct caller caller = caller_of(server, call);
    struct trouble trouble = {0};
    struct tool *tools = NULL;
    size_t count = 0;
    seam_writer out = SEAM_WRITER;
    bool good = session_open(server, &caller, &trouble) &&
                tools_list(server, &caller, false, &tools, &count, &trouble) &&
                tools_write(tools, count, &out, &trouble);
    if (good) {
        watch_listed(server, tools, count);
        pthread_mutex_lock(&server->lock);
        tools_free(server->tools, server->tool_count);
        server->tools = tools;
        server->tool_count = count;
        pthread_mutex_unlock(&server->lock);
        seam_complete_ok(server->host, call->id, SEAM_EFFECT_NONE, seam_written(&out));
    } else {
        tools_free(tools, count);
        seam_complete_error(server->host, call->id, trouble.status, SEAM_EFFECT_NONE, trouble.code,
                            trouble.text);
    }
    seam_writer_done(&out);
    return SEAM_OK;
}

static seam_status start(void *self, const seam_call *call)
{
    struct server *server = self;
    const struct tool *tool = tools_find(server->tools, server->tool_count, call->agent);
    return tool ? call_tool(server, tool, call) : SEAM_E_UNSUPPORTED;
}

static void cancel(void *self, seam_id call)
{
    struct server *server = self;
    watch_cancel(server, call);
    pipe_wake(&server->pipe);
}

static void destroy(void *self)
{
    struct server *server = self;
    watch_done(server);
    pipe_done(&server->pipe);
    web_done(&server->web);
    tools_free(server->tools, server->tool_count);
    for (size_t i = 0; i < ANSWERS_KEPT; i++)
        free(server->kept[i].answer);
    settings_done(&server->settings);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

SEAM_PLUGIN_WATCHED("org.seam.mcp", "1.0.0", create, start, cancel, destroy, describe, watch_start)
