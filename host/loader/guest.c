/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a guest. Nothing of the plugin runs before LOAD; its create() not before the host has
 * compared the table with the card.
 *
 *   new → listed      LOAD: dlopen, ask for the table, tell it     [load]
 *   listed → serving  CREATE: create()                             [create]
 *   serving → leaving STOP: cancel what runs, quiesce()            [stop]
 *   leaving → left    the last call has ended: destroy(), STOPPED  [leave]
 *
 * Runs on the loop. A library is never closed: it stays for the life of the process.
 */
#include "loader/guest.h"
#include "base/limits.h"
#include "loader/guest_internal.h"
#include "loader/worker_args.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What the loop has put leaves with the last call of a batch, or when it is enough for the host to
 * begin with meanwhile. */
enum { FLUSH_EARLY = 4096 };

struct guest *guest_new(struct transport *transport)
{
    struct guest *g = xcalloc(1, sizeof(*g));
    g->transport = transport;
    g->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    g->free_request = g->orphans = GUEST_NONE;
    g->last_job = &g->first_job;
    g->loop = pthread_self();
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->job_came, NULL);
    guest_host_init(g);
    return g;
}

void guest_send(struct guest *g, const struct frame *frame)
{
    struct transport *t = g->transport;
    bool on_loop = pthread_equal(pthread_self(), g->loop);
    pthread_mutex_lock(&t->lock);
    frame_write(&t->out, frame);
    if (on_loop && g->in_batch && t->out.len < FLUSH_EARLY)
        g->has_unsent = true;
    else
        t->ops->push(t);
    pthread_mutex_unlock(&t->lock);
}

static void flush(struct guest *g)
{
    if (!g->has_unsent)
        return;
    g->has_unsent = false;
    pthread_mutex_lock(&g->transport->lock);
    g->transport->ops->push(g->transport);
    pthread_mutex_unlock(&g->transport->lock);
}

static void refuse(struct guest *g, const char *format, ...) PRINTF_LIKE(2, 3);
static void refuse(struct guest *g, const char *format, ...)
{
    char text[ERROR_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t used = len < 0 ? 0 : (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
    guest_send(g, &(struct frame){.kind = FRAME_REFUSED, .parts = {{text, used}}});
}

static struct slice bounded(const char *string)
{
    return (struct slice){string, strnlen(string, LIMIT_NAME + 1)};
}

/* What a table must have whatever its minor; NULL, or what is missing. */
static const char *table_lack(const seam_plugin *t)
{
    if (!SEAM_HAS(t, seam_plugin, start))
        return "a size that covers start (set .size = sizeof(seam_plugin))";
    if (!t->id || !t->version)
        return "an id and a version";
    if (!t->create || !t->start)
        return "create and start";
    return t->agents ? NULL : "a list of agents (it may be empty, but ends in NULL)";
}

static bool tell_table(struct guest *g)
{
    const seam_plugin *t = g->table;
    const char *lack = table_lack(t);
    if (lack) {
        refuse(g, "its table has not %s", lack);
        return false;
    }
    for (const seam_agent *const *a = t->agents; *a; a++) {
        if (!SEAM_HAS(*a, seam_agent, name) || !(*a)->name || g->agent_count == LIMIT_AGENTS) {
            refuse(g, "agent %u of its table has no name or size, or there are more than %u",
                   g->agent_count, LIMIT_AGENTS);
            return false;
        }
        g->agents = xrealloc(g->agents, (g->agent_count + 1) * sizeof(*g->agents));
        g->agents[g->agent_count++] = (struct guest_agent){
            .name = (*a)->name, .nonblocking = ((*a)->flags & SEAM_NONBLOCKING) != 0};
        guest_send(g, &(struct frame){.kind = FRAME_AGENT,
                                      .effect = (*a)->effect,
                                      .number = (*a)->flags,
                                      .parts = {bounded((*a)->name)}});
    }
    guest_send(g, &(struct frame){.kind = FRAME_TABLE,
                                  .number = t->abi_minor,
                                  .parts = {bounded(t->id), bounded(t->version)}});
    return true;
}

/* The file is opened by its descriptor: what the host has hashed is what runs. In this process the
 * descriptor stays open for ever, or the loader of libraries would take the next file of the same
 * number for this one. */
static bool load(struct guest *g, const struct guest_site *site, const struct frame *frame)
{
    if (site->sandbox)
        guest_send(g, &(struct frame){.kind = FRAME_CONFINED, .parts = {slice_of(site->sandbox)}});
    if (site->refusal) {
        guest_send(g, &(struct frame){.kind = FRAME_REFUSED,
                                      .number = FRAME_REFUSED_CONFINED,
                                      .parts = {slice_of(site->refusal)}});
        return false;
    }
    g->max_threads = (int)frame->number;
    g->payload = (size_t)frame->other;
    g->threads = xcalloc(frame->number, sizeof(*g->threads));
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", site->library);
    void *handle = dlopen(site->path ? site->path : path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle) {
        refuse(g, "it cannot be loaded: %s", dlerror());
        return false;
    }
    const seam_plugin *(*entry)(uint32_t);
    void *symbol = dlsym(handle, SEAM_ENTRY_SYMBOL);
    memcpy(&entry, &symbol, sizeof(entry));
    g->table = entry ? entry(SEAM_ABI_MINOR) : NULL;
    if (g->table)
        return tell_table(g);
    refuse(g,
           entry ? "its seam_plugin_v1(%u) returned NULL: it cannot work with a host of ABI 1.%u"
                 : "it has no symbol seam_plugin_v1 (this host serves ABI 1.%u, 1.%u)",
           SEAM_ABI_MINOR, SEAM_ABI_MINOR);
    return false;
}

static void learn(struct guest *g, const struct frame *frame)
{
    g->agents = xrealloc(g->agents, (g->agent_count + 1) * sizeof(*g->agents));
    char *name = xstrndup(frame->parts[0].ptr, frame->parts[0].len);
    g->agents[g->agent_count++] = (struct guest_agent){
        .name = name, .learned = name, .nonblocking = (frame->number & SEAM_NONBLOCKING) != 0};
}

static const seam_describe *find_describe(const struct guest *g)
{
    const seam_plugin *t = g->table;
    const seam_describe *found = SEAM_HAS(t, seam_plugin, extension) && t->extension
                                     ? t->extension(g->self, SEAM_DESCRIBE_EXTENSION)
                                     : NULL;
    return found && SEAM_HAS(found, seam_describe, start) && found->start ? found : NULL;
}

static const seam_watch *find_watch(const struct guest *g)
{
    const seam_plugin *t = g->table;
    const seam_watch *found = SEAM_HAS(t, seam_plugin, extension) && t->extension
                                  ? t->extension(g->self, SEAM_WATCH_EXTENSION)
                                  : NULL;
    return found && SEAM_HAS(found, seam_watch, start) && found->start ? found : NULL;
}

static bool create(struct guest *g, const struct frame *frame)
{
    seam_bytes config = {frame->parts[0].ptr, frame->parts[0].len};
    seam_status status = g->table->create(&g->host, config, &g->self);
    if (status == SEAM_OK && frame->number) {
        g->describe = find_describe(g);
        g->watch = find_watch(g);
    }
    guest_send(g, &(struct frame){.kind = FRAME_READY, .status = status});
    return status == SEAM_OK;
}

static void stop(struct guest *g)
{
    pthread_mutex_lock(&g->lock);
    g->stopping = true;
    pthread_mutex_unlock(&g->lock);
    guest_cancel_all(g);
    if (SEAM_HAS(g->table, seam_plugin, quiesce) && g->table->quiesce)
        (void)g->table->quiesce(g->self);
}

static void leave(struct guest *g)
{
    pool_close(g);
    guest_answer_orphans(g);
    if (SEAM_HAS(g->table, seam_plugin, destroy) && g->table->destroy)
        g->table->destroy(g->self);
}

enum stage { NEW, LISTED, SERVING, LEAVING, LEFT };

static enum stage obey(struct guest *g, enum stage stage, const struct guest_site *site,
                       const struct frame *frame)
{
    switch (frame->kind) {
    case FRAME_LOAD:
        return load(g, site, frame) ? LISTED : NEW;
    case FRAME_LEARN:
        learn(g, frame);
        return stage;
    case FRAME_CREATE:
        return create(g, frame) ? SERVING : LISTED;
    case FRAME_CALL:
        guest_take_call(g, frame);
        return stage;
    case FRAME_CANCEL:
        guest_cancel(g, frame->id);
        return stage;
    case FRAME_ANSWER:
        guest_take_answer(g, frame);
        return stage;
    case FRAME_STOP:
        if (stage != SERVING)
            return LEFT;
        stop(g);
        return LEAVING;
    case FRAME_CONFINED:
    case FRAME_REFUSED:
    case FRAME_AGENT:
    case FRAME_TABLE:
    case FRAME_READY:
    case FRAME_COMPLETE:
    case FRAME_UNBEGUN:
    case FRAME_BROKE:
    case FRAME_EMIT:
    case FRAME_REQUEST:
    case FRAME_LOG:
    case FRAME_DROPPED:
    case FRAME_STALE:
    case FRAME_STOPPED:
    case FRAME_KINDS:
        break;
    }
    UNREACHABLE("a frame that only a guest sends");
    return stage;
}

static enum stage obey_all(struct guest *g, enum stage stage, const struct guest_site *site)
{
    g->in_batch = true;
    struct frame frame;
    size_t size, done = 0;
    struct slice bytes = {buffer_bytes(&g->in), g->in.len};
    while (stage != LEFT && frame_read((struct slice){bytes.ptr + done, bytes.len - done},
                                       UINT32_MAX, &frame, &size) == FRAME_WHOLE) {
        stage = obey(g, stage, site, &frame);
        done += size;
    }
    buffer_drop(&g->in, done);
    g->in_batch = false;
    flush(g);
    return stage;
}

static bool is_idle(struct guest *g)
{
    pthread_mutex_lock(&g->lock);
    bool idle = g->active == 0;
    pthread_mutex_unlock(&g->lock);
    return idle;
}

bool guest_run(struct guest *g, const struct guest_site *site)
{
    enum stage stage = NEW;
    while (stage != LEFT) {
        if (!g->transport->ops->receive(g->transport, &g->in))
            return false;
        size_t before = g->in.len;
        stage = obey_all(g, stage, site);
        guest_answer_orphans(g);
        if (stage == LEAVING && is_idle(g)) {
            leave(g);
            stage = LEFT;
        }
        if (stage != LEFT && before == g->in.len)
            g->transport->ops->wait(g->transport, g->wake);
    }
    guest_send(g, &(struct frame){.kind = FRAME_STOPPED});
    return true;
}

/* A stray thread of the plugin may still hold the table of services, so the guest itself, its
 * events and its transport stay, like the library; with no call in its tables nothing can come of
 * it. */
void guest_retire(struct guest *g)
{
    static _Atomic(struct guest *) retired;
    pthread_mutex_lock(&g->lock);
    buffer_done(&g->in);
    for (uint32_t i = 0; i < g->agent_count; i++)
        free(g->agents[i].learned);
    free(TAKE(g->agents));
    free(TAKE(g->threads));
    free(TAKE(g->calls));
    free(TAKE(g->requests));
    g->call_room = g->request_room = 0;
    pthread_mutex_unlock(&g->lock);
    g->next_retired = atomic_load(&retired);
    while (!atomic_compare_exchange_weak(&retired, &g->next_retired, g)) {
    }
}

int guest_serve(int socket, const struct guest_site *site)
{
    struct guest *g = guest_new(socket_transport_new(socket));
    return guest_run(g, site) ? 0 : WORKER_HOST_GONE;
}
