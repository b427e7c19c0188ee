/* SPDX-License-Identifier: Apache-2.0
 *
 * The plugin without the loader: opened in a child of the kit and called through its table, with
 * tables of the kit's own. So the kit can be a host that was compiled earlier or later: its structs
 * end where their size says, and behind that lies a page that nobody may touch, or more fields than
 * the plugin knows. Here, too, instances are made and ended again and again, and start() is timed.
 */
#include "conformance/behaviour_internal.h"

#include "base/limits.h"
#include "document/document.h"

#include <dlfcn.h>
#include <pthread.h>
#include <seam/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    AGAIN = 40,
    CALLS_A_LIFE = 3,
    TIMED = 5,
    AT_ONCE_MS = 40, /* in which start() of a nonblocking agent returns, once of TIMED times */
    WAIT_S = 5
};

struct bare {
    struct kit *kit;
    const seam_plugin *table;
    void *self;
    size_t agent;
    struct world world;
    pthread_mutex_t lock;
    pthread_cond_t came;
    unsigned completions, late; /* guarded by lock */
    seam_id call;               /* 0: none is under way */
};

static struct bare *bare_of(const seam_host *host)
{
    return host->ctx;
}

/* ---- services ---- */

static void complete(const seam_host *host, seam_id call, const seam_reply *reply)
{
    struct bare *b = bare_of(host);
    (void)reply;
    pthread_mutex_lock(&b->lock);
    if (call == b->call && call != 0)
        b->completions++;
    else
        b->late++;
    pthread_cond_broadcast(&b->came);
    pthread_mutex_unlock(&b->lock);
}

static seam_status emit(const seam_host *host, seam_id call, seam_bytes chunk)
{
    (void)host;
    (void)call;
    (void)chunk;
    return SEAM_OK;
}

static seam_status request(const seam_host *host, seam_id call, const char *op, seam_bytes body,
                           seam_reply_fn answer, void *user)
{
    struct bare *b = bare_of(host);
    struct world_reply reply = {.status = SEAM_E_UNAVAILABLE, .code = ""};
    struct world_asker asker = {
        .card = b->kit->card, .agent = &b->kit->card->agents[b->agent], .call = call, .key = "kit"};
    pthread_mutex_lock(&b->lock);
    kit_world_answer(&b->world, &asker, slice_of(op), (struct slice){body.ptr, body.len}, &reply);
    pthread_mutex_unlock(&b->lock);
    seam_reply given = {.size = sizeof(given), .status = reply.status, .effect = reply.effect};
    given.body = (seam_bytes){reply.body, reply.body ? strlen(reply.body) : 0};
    given.code = (seam_bytes){reply.code, strlen(reply.code)};
    if (answer)
        answer(user, &given);
    free(reply.body);
    return reply.status == SEAM_OK ? SEAM_OK : reply.status;
}

static uint32_t cancelled(const seam_host *host, seam_id call)
{
    return bare_of(host)->call != call;
}

static uint64_t now_ns(const seam_host *host, uint32_t clock)
{
    struct timespec now;
    (void)host;
    if (clock > SEAM_CLOCK_REALTIME)
        return 0;
    clock_gettime(clock == SEAM_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void take_log(const seam_host *host, seam_id call, uint32_t level, seam_bytes text)
{
    (void)host;
    (void)call;
    (void)level;
    (void)text;
}

static const void *no_extension(const seam_host *host, const char *id)
{
    (void)host;
    (void)id;
    return NULL;
}

static seam_host host_table(struct bare *b)
{
    return (seam_host){.size = sizeof(seam_host),
                       .abi_minor = SEAM_ABI_MINOR,
                       .ctx = b,
                       .complete = complete,
                       .emit = emit,
                       .request = request,
                       .request_wait = request,
                       .cancelled = cancelled,
                       .now_ns = now_ns,
                       .log = take_log,
                       .extension = no_extension};
}

/* ---- structs of other hosts ---- */

/* A copy that ends at the end of a page, with a page behind it that nobody may touch. */
static void *at_the_edge(const void *from, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) != 0)
        return NULL;
    return memcpy(pages + page - size, from, size);
}

/* A copy with fields behind it that this plugin cannot know. */
static void *with_more(const void *from, size_t size)
{
    char *copy = xmalloc(size + 64);
    memset(copy, 0xa5, size + 64);
    return memcpy(copy, from, size);
}

struct variant {
    const char *name;
    size_t less; /* bytes that the host's table lacks at its end */
    bool longer;
    uint32_t minor;
};

/* ---- a life ---- */

static bool open_library(struct bare *b)
{
    /* a name without a folder would be looked for where libraries are */
    const char *path = b->kit->card->path;
    AUTO(freep) char *named = xasprintf("%s%s", strchr(path, '/') ? "" : "./", path);
    void *library = dlopen(named, RTLD_NOW | RTLD_LOCAL);
    void *entry = library ? dlsym(library, SEAM_ENTRY_SYMBOL) : NULL;
    const seam_plugin *(*get)(uint32_t) = NULL;
    memcpy(&get, &entry, sizeof(get));
    b->table = get ? get(SEAM_ABI_MINOR) : NULL;
    if (get && b->table && !get(SEAM_ABI_MINOR + 1000))
        kit_fail(b->kit, CHECK_HOST_TABLES, "seam_plugin_v1(1000)",
                 "a table: a host serves every older minor", "NULL");
    return b->table != NULL;
}

static bool create(struct bare *b, const seam_host *host)
{
    AUTO(text_done) struct text config;
    text_init(&config, LIMIT_FILE);
    json_write(b->kit->config, &config);
    return b->table->create(host, (seam_bytes){config.ptr, config.len}, &b->self) == SEAM_OK;
}

/* True if the call was completed, or not taken. */
static bool start(struct bare *b, const seam_call *call)
{
    b->completions = 0;
    b->call = call->id;
    bool taken = b->table->start(b->self, call) == SEAM_OK;
    struct timespec due;
    clock_gettime(CLOCK_REALTIME, &due);
    due.tv_sec += WAIT_S;
    pthread_mutex_lock(&b->lock);
    while (taken && b->completions == 0 && pthread_cond_timedwait(&b->came, &b->lock, &due) == 0)
        ;
    bool ended = !taken || b->completions > 0;
    b->call = 0;
    pthread_mutex_unlock(&b->lock);
    return ended;
}

static seam_call call_of(const struct bare *b, seam_id id, const struct text *input)
{
    const char *name = b->kit->card->agents[b->agent].name;
    return (seam_call){.size = sizeof(seam_call),
                       .attempt = 1,
                       .id = id,
                       .agent = {name, strlen(name)},
                       .input = {input->ptr, input->len},
                       .idempotency_key = {"kit", 3}};
}

static bool input_text(const struct bare *b, size_t index, struct text *out)
{
    json_t *inputs = inputs_of(b->kit, b->agent);
    text_init(out, LIMIT_PAYLOAD);
    if (json_array_size(inputs) == 0)
        return false;
    json_write(json_array_get(inputs, index % json_array_size(inputs)), out);
    return true;
}

static void end_life(struct bare *b)
{
    if (b->table->quiesce)
        b->table->quiesce(b->self);
    if (b->table->destroy)
        b->table->destroy(b->self);
    b->self = NULL;
}

/* ---- tables of the host ---- */

static void try_variant(struct bare *b, const struct variant *v)
{
    seam_host table = host_table(b);
    table.size = (uint32_t)(sizeof(table) - v->less);
    table.abi_minor = v->minor;
    if (v->longer)
        table.size += 64;
    doing(b->kit, v->name);
    seam_host *host =
        v->longer ? with_more(&table, sizeof(table)) : at_the_edge(&table, sizeof(table) - v->less);
    if (!host || !create(b, host)) {
        kit_fail(b->kit, CHECK_HOST_TABLES, v->name, "an instance", "create() failed");
        return;
    }
    for (b->agent = 0; b->agent < b->kit->card->agent_count; b->agent++) {
        AUTO(text_done) struct text input;
        if (!input_text(b, 0, &input))
            continue;
        seam_call plain = call_of(b, b->agent + 1, &input), *call;
        plain.size = v->longer ? sizeof(plain) + 64 : sizeof(plain);
        call = v->longer ? with_more(&plain, sizeof(plain)) : at_the_edge(&plain, sizeof(plain));
        if (call && !start(b, call))
            kit_fail(b->kit, CHECK_HOST_TABLES, v->name, "an end of the call", "none in %d s",
                     WAIT_S);
    }
    end_life(b);
}

static void bare_init(struct bare *b, struct kit *kit)
{
    *b = (struct bare){.kit = kit};
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->came, NULL);
}

void play_host_tables(struct kit *kit, void *user)
{
    static const struct variant variants[] = {
        {"a host of this version, whose table ends where its size says", 0, false, SEAM_ABI_MINOR},
        {"a later host, with fields behind those that are known", 0, true, SEAM_ABI_MINOR + 7},
        {"a host whose table has no `extension`", sizeof(void *), false, 0},
    };
    struct bare b;
    (void)user;
    bare_init(&b, kit);
    if (!open_library(&b)) {
        kit_fail(kit, CHECK_HOST_TABLES, kit->card->path, "a table", "%s",
                 "the library or its door cannot be opened");
        return;
    }
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
        try_variant(&b, &variants[i]);
    kit_hold(kit, CHECK_HOST_TABLES);
}

/* ---- again and again ---- */

static double seconds(void)
{
    return (double)now_ns(NULL, SEAM_CLOCK_MONOTONIC) / 1e9;
}

/* The shortest of some times, so that a busy machine is not blamed on the plugin. */
static void time_start(struct bare *b)
{
    double best = 1e9;
    for (unsigned i = 0; i < TIMED; i++) {
        AUTO(text_done) struct text input;
        if (!input_text(b, i, &input))
            return;
        seam_call call = call_of(b, 1000 + i, &input);
        b->completions = 0;
        b->call = call.id;
        double began = seconds();
        bool taken = b->table->start(b->self, &call) == SEAM_OK;
        double took = seconds() - began;
        best = took < best ? took : best;
        pthread_mutex_lock(&b->lock);
        struct timespec due;
        clock_gettime(CLOCK_REALTIME, &due);
        due.tv_sec += WAIT_S;
        while (taken && b->completions == 0 &&
               pthread_cond_timedwait(&b->came, &b->lock, &due) == 0)
            ;
        b->call = 0;
        pthread_mutex_unlock(&b->lock);
    }
    const char *name = b->kit->card->agents[b->agent].name;
    if (best * 1000 > AT_ONCE_MS)
        kit_break(b->kit, CHECK_NONBLOCKING, name, "a return at once, at most 40 ms",
                  "%.0f ms, the shortest of %d times", best * 1000, TIMED);
    else
        kit_hold(b->kit, CHECK_NONBLOCKING);
}

static bool live_once(struct bare *b, const seam_host *host, unsigned turn)
{
    if (!create(b, host)) {
        kit_fail(b->kit, CHECK_AGAIN, "create()", "an instance, as the first time",
                 "it failed the %u. time", turn + 1);
        return false;
    }
    for (unsigned i = 0; i < CALLS_A_LIFE * b->kit->card->agent_count; i++) {
        AUTO(text_done) struct text input;
        b->agent = i % b->kit->card->agent_count;
        if (!input_text(b, turn + i, &input))
            continue;
        seam_call call = call_of(b, turn * 100 + i + 1, &input);
        if (!start(b, &call)) {
            kit_fail(b->kit, CHECK_AGAIN, b->kit->card->agents[b->agent].name, "an end of the call",
                     "none in %d s, in life %u", WAIT_S, turn + 1);
            return false;
        }
    }
    for (b->agent = 0; turn == 0 && b->agent < b->kit->card->agent_count; b->agent++)
        if (b->kit->card->agents[b->agent].flags & SEAM_NONBLOCKING)
            time_start(b);
    doing(b->kit, "quiesce() and destroy()");
    end_life(b);
    doing(b->kit, "create() and destroy() again");
    return true;
}

void play_again(struct kit *kit, void *user)
{
    struct bare b;
    (void)user;
    bare_init(&b, kit);
    seam_host host = host_table(&b);
    bool on = open_library(&b);
    for (unsigned i = 0; on && i < AGAIN; i++)
        on = live_once(&b, &host, i);
    if (!on)
        return;
    if (b.late > 0)
        kit_fail(kit, CHECK_STOP, "after a call's end", "no completion", "%u", b.late);
    kit_hold(kit, CHECK_STOP);
    kit_hold(kit, CHECK_AGAIN);
}
