/* SPDX-License-Identifier: Apache-2.0
 *
 * The plugin's table, and the list of calls in progress, which is all that threads share: cancel()
 * looks there for the call that it is to wake. A configuration that is wrong is no reason not to be
 * there: seam.describe/1 says what is wrong with it, and nothing can be called.
 */
#include "exec.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct plugin {
    const seam_host *host;
    struct agents agents;
    struct trouble trouble;
    char *config; /* the declarations stand in it */
    pthread_mutex_t lock;
    struct call *calls; /* guarded by lock */
};

static seam_status create(const seam_host *host, seam_bytes config, void **ret_self)
{
    struct plugin *p = calloc(1, sizeof(*p));
    char *copy = p ? malloc(config.len + 1) : NULL;
    if (!copy) {
        free(p);
        return SEAM_E_INTERNAL;
    }
    memcpy(copy, config.ptr, config.len);
    *p = (struct plugin){.host = host, .config = copy, .lock = PTHREAD_MUTEX_INITIALIZER};
    agents_read(&p->agents, (seam_bytes){copy, config.len}, &p->trouble);
    *ret_self = p;
    return SEAM_OK;
}

static const struct agent *find(const struct plugin *p, seam_bytes name)
{
    for (size_t i = 0; i < p->agents.count; i++)
        if (strlen(p->agents.list[i].name) == name.len &&
            memcmp(p->agents.list[i].name, name.ptr, name.len) == 0)
            return &p->agents.list[i];
    return NULL;
}

static void enlist(struct plugin *p, struct call *call)
{
    pthread_mutex_lock(&p->lock);
    call->next = p->calls;
    p->calls = call;
    pthread_mutex_unlock(&p->lock);
}

static void delist(struct plugin *p, const struct call *call)
{
    pthread_mutex_lock(&p->lock);
    struct call **at = &p->calls;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    pthread_mutex_unlock(&p->lock);
}

static seam_status start(void *self, const seam_call *asked)
{
    struct plugin *p = self;
    struct call call = {.host = p->host, .agent = find(p, asked->agent), .id = asked->id};
    if (!call.agent)
        return SEAM_E_UNSUPPORTED;
    call.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (call.wake < 0)
        return SEAM_E_BUSY;
    enlist(p, &call);
    seam_status status = call_run(&call, asked);
    delist(p, &call);
    close(call.wake);
    return status;
}

static void cancel(void *self, seam_id id)
{
    struct plugin *p = self;
    const uint64_t once = 1;
    pthread_mutex_lock(&p->lock);
    for (const struct call *call = p->calls; call; call = call->next)
        if (call->id == id)
            while (write(call->wake, &once, sizeof(once)) < 0 && errno == EINTR)
                ;
    pthread_mutex_unlock(&p->lock);
}

static seam_status describe(void *self, const seam_call *asked)
{
    struct plugin *p = self;
    seam_writer out = SEAM_WRITER;
    if (p->trouble.text[0] == '\0')
        agents_write(&p->agents, &out);
    if (p->trouble.text[0] != '\0')
        seam_complete_error(p->host, asked->id, SEAM_E_INPUT, SEAM_EFFECT_NONE, "exec.declaration",
                            p->trouble.text);
    else
        seam_complete_ok(p->host, asked->id, SEAM_EFFECT_NONE, seam_written(&out));
    seam_writer_done(&out);
    return SEAM_OK;
}

static void destroy(void *self)
{
    struct plugin *p = self;
    agents_done(&p->agents);
    pthread_mutex_destroy(&p->lock);
    free(p->config);
    free(p);
}

SEAM_PLUGIN_DESCRIBED("org.seam.exec", "1.0.0", create, start, cancel, destroy, describe)
