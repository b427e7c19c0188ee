/* SPDX-License-Identifier: Apache-2.0
 *
 * Services for a plugin that is asked for its agents, or to tell when they are others (relist.c).
 * It is a call of no run: nothing of it is recorded, so nothing that it asks for may change the
 * world, and it has neither budget nor state. What it may have (services.c), it has by the code
 * that serves every call, under the plugin's grants; what is under way when it ends is closed.
 *
 * Where there is no host yet, for a roster is being loaded, there is a bench: the parts of one that
 * these services stand on.
 */
#include "runtime/http_internal.h"

#include <stdlib.h>

/* Its class is what is allowed it. */
static const struct agent describing_agent = {
    .name = (char *)SEAM_DESCRIBE_EXTENSION, .effect = CLASS_READ, .settle_ms = -1};

struct live_call *describing_call(struct slot *slot, uint64_t id)
{
    if (!slot->plugin || plugin_describing(slot->plugin) != id)
        return NULL;
    if (!slot->describing) {
        struct live_run *live = xcalloc(1, sizeof(*live));
        live->host = slot->host;
        live->calls = 1;
        slot->describing = xcalloc(1, sizeof(*slot->describing));
        *slot->describing =
            (struct live_call){.live = live, .slot = slot, .agent = &describing_agent, .id = id};
    }
    return slot->describing;
}

bool call_describes(const struct live_call *call)
{
    return !call->live->run;
}

void describing_end(struct slot *slot)
{
    struct live_call *call = TAKE(slot->describing);
    if (!call)
        return;
    services_end(call);
    placeholders_done(call);
    call->live->calls--;
    describing_release(call->live);
    free(call);
}

void describing_release(struct live_run *live)
{
    if (live->calls == 0 && live->transfers == 0)
        free(live);
}

/* ---- the bench ---- */

static void egress_readable(uv_poll_t *poll, int status, int events)
{
    struct host *host = poll->data;
    (void)status;
    (void)events;
    egress_dispatch(host->egress);
}

enum error_code bench_open(const struct manifest *manifest, struct host **ret_host,
                           struct error *reterr)
{
    struct egress *egress = NULL;
    enum error_code code = network_open(manifest, &egress, reterr);
    if (code != ERR_OK)
        return code;
    struct host *host = xcalloc(1, sizeof(*host));
    host->manifest = manifest;
    host->egress = egress;
    host->vault = vault_new();
    text_init(&host->scratch, SIZE_MAX / 2);
    uv_loop_init(&host->loop);
    clock_open(host);
    uv_poll_init(&host->loop, &host->egress_poll, egress_fd(egress));
    host->egress_poll.data = host;
    uv_poll_start(&host->egress_poll, UV_READABLE, egress_readable);
    *ret_host = host;
    return ERR_OK;
}

void bench_close(struct host *host)
{
    host->stopping = true;
    uv_close((uv_handle_t *)&host->egress_poll, NULL); /* before its descriptor is another's */
    egress_free(host->egress);
    clock_close(host);
    while (uv_run(&host->loop, UV_RUN_NOWAIT) != 0)
        ;
    uv_loop_close(&host->loop);
    text_done(&host->scratch);
    vault_free(host->vault);
    free(host);
}
