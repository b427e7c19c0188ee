/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest honest agent.
 */
#include <seam/plugin.h>

static const seam_host *host;

static seam_status create(const seam_host *given, seam_bytes config, void **ret_self)
{
    (void)config;
    host = given;
    *ret_self = NULL;
    return SEAM_OK;
}

static seam_status start(void *self, const seam_call *call)
{
    static const char body[] = "{\"greeting\":\"Hello!\"}";
    seam_reply reply = {.size = sizeof(reply), .body = {body, sizeof(body) - 1}};
    (void)self;
    host->complete(host, call->id, &reply);
    return SEAM_OK;
}

static const seam_agent greet = {sizeof(greet), SEAM_PURE, 0, "hello/greet"};
static const seam_agent *const agents[] = {&greet, NULL};
static const seam_plugin plugin = {
    .size = sizeof(plugin),
    .id = "org.seam.hello",
    .version = "1.0.0",
    .agents = agents,
    .create = create,
    .start = start,
};

SEAM_EXPORT const seam_plugin *seam_plugin_v1(uint32_t host_minor)
{
    (void)host_minor;
    return &plugin;
}
