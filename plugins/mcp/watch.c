/* SPDX-License-Identifier: Apache-2.0
 *
 * That a server's tools are others. It says so, on whatever it says things on; then the host is
 * told by ending its call of seam.watch/1, has another instance list them, and takes these. Until
 * then each tool that is called here must be what was described: a list that may be another is
 * looked at before the next call, and a tool of which another thing is said is refused, and no
 * other.
 *
 * Who hears it: a program is heard as long as it runs. A server over HTTP is listened to by a
 * thread, for as long as the call of seam.watch/1 is under way: a classic one by the GET of
 * listen.c, if it said that it tells of changes, a modern one by subscriptions/listen. A stream
 * that was closed is opened again, later each time, and then the list is looked at, for nobody
 * heard what was said meanwhile.
 */
#include "mcp.h"

void watch_init(struct watch *watch)
{
    memset(watch, 0, sizeof(*watch));
    pthread_mutex_init(&watch->lock, NULL);
}

/* ---- what is known ---- */

/* The call is over, and so is whoever waits for it. */
static void wake(struct web *web)
{
    pthread_mutex_lock(&web->lock);
    pthread_cond_broadcast(&web->news);
    pthread_mutex_unlock(&web->lock);
}

/* Holds the lock: the host is told, if it waits to be. */
static void tell(struct server *server)
{
    struct watch *watch = &server->watch;
    seam_id call = watch->call;
    watch->news = call == 0;
    watch->call = 0;
    if (call != 0)
        seam_complete_ok(server->host, call, SEAM_EFFECT_NONE, seam_text("{}"));
    wake(&server->web);
}

void watch_changed(struct server *server)
{
    pthread_mutex_lock(&server->watch.lock);
    server->watch.stale = true;
    tell(server);
    pthread_mutex_unlock(&server->watch.lock);
}

void watch_doubt(struct server *server)
{
    pthread_mutex_lock(&server->watch.lock);
    server->watch.stale = true;
    pthread_mutex_unlock(&server->watch.lock);
}

/* FNV-1a of what would be described: whether it was looked at before, and nothing that is relied
 * on. */
static uint64_t digest_of(const struct tool *tools, size_t count)
{
    uint64_t digest = UINT64_C(0xcbf29ce484222325);
    struct trouble ignored = {0};
    seam_writer out = SEAM_WRITER;
    if (tools_write(tools, count, &out, &ignored)) {
        seam_bytes text = seam_written(&out);
        for (size_t i = 0; i < text.len; i++)
            digest = (digest ^ (unsigned char)text.ptr[i]) * UINT64_C(0x100000001b3);
    }
    seam_writer_done(&out);
    return digest;
}

void watch_listed(struct server *server, const struct tool *tools, size_t count)
{
    uint64_t digest = digest_of(tools, count);
    pthread_mutex_lock(&server->watch.lock);
    server->watch.listed = digest;
    pthread_mutex_unlock(&server->watch.lock);
}

/* ---- looking at the list ---- */

static bool same_text(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

static bool same_tool(const struct tool *was, const struct tool *is)
{
    return is && same_text(was->summary, is->summary) && same_text(was->input, is->input) &&
           same_text(was->output, is->output) && was->effect == is->effect &&
           was->flags == is->flags;
}

/* Each tool is what was described, or is marked. */
static void compare(struct server *server, const struct tool *tools, size_t count)
{
    struct watch *watch = &server->watch;
    uint64_t digest = digest_of(tools, count);
    pthread_mutex_lock(&watch->lock);
    for (size_t i = 0; i < server->tool_count; i++) {
        struct tool *was = &server->tools[i];
        was->changed = !same_tool(was, tools_find(tools, count, seam_text(was->name)));
    }
    bool other = digest != watch->listed;
    watch->listed = digest;
    if (other)
        tell(server);
    pthread_mutex_unlock(&watch->lock);
}

static bool look(struct server *server, const struct caller *caller, struct trouble *trouble)
{
    struct tool *tools = NULL;
    size_t count = 0;
    bool listed = tools_list(server, caller, true, &tools, &count, trouble);
    if (listed)
        compare(server, tools, count);
    else
        watch_doubt(server);
    tools_free(tools, count);
    return listed;
}

bool watch_look(struct server *server, const struct caller *caller, const struct tool *tool,
                struct trouble *trouble)
{
    struct watch *watch = &server->watch;
    pthread_mutex_lock(&watch->lock);
    bool stale = watch->stale;
    watch->stale = false;
    pthread_mutex_unlock(&watch->lock);
    if (stale && !look(server, caller, trouble))
        return false;
    pthread_mutex_lock(&watch->lock);
    bool changed = tool->changed;
    pthread_mutex_unlock(&watch->lock);
    return !changed ||
           trouble_set(trouble, SEAM_E_DENIED, SEAM_EFFECT_NONE, "mcp.changed",
                       "the server says another thing of the tool %s than what was approved, or "
                       "has it no more (cure: `seam plugins approve` shows what it says, and asks)",
                       tool->name);
}

/* ---- listening over HTTP ---- */

struct hearing {
    struct server *server;
    struct caller caller;
    struct listening listening;
    char last[256]; /* the id of the last event */
};

static bool is_over(struct hearing *hearing)
{
    const seam_host *host = hearing->server->host;
    return host->cancelled(host, hearing->caller.id) != 0;
}

/* All that comes on a stream that was opened. */
static void hear_stream(struct hearing *hearing, struct exchange *exchange, bool classic)
{
    struct message *message;
    struct trouble end = {0};
    look(hearing->server, &hearing->caller, &end); /* nobody heard what was said before */
    end = (struct trouble){0};
    exchange->resumes = false;
    while ((message = exchange_next(exchange, &end))) {
        seam_bytes bytes = {message->bytes, message->len};
        if (classic)
            listen_hear(&hearing->listening, bytes);
        else
            session_hear(hearing->server, &hearing->caller, bytes, NULL, &end);
        free(message);
    }
    snprintf(hearing->last, sizeof(hearing->last), "%s", exchange->last);
}

static bool is_none(int status, const struct trouble *refused)
{
    return status == 404 || status == 405 || refused->status == SEAM_E_DENIED;
}

/* One stream, from its opening to its end; false: there is none. */
static bool hear_classic(struct hearing *hearing)
{
    struct server *server = hearing->server;
    struct exchange exchange;
    struct trouble refused = {0};
    if (!listen_take(&hearing->listening))
        return false;
    bool open = exchange_listen(&exchange, &server->web, &hearing->caller, server->version,
                                hearing->last, &refused);
    bool lost = !open && exchange_status(&exchange) == 404 && exchange.session[0];
    bool none = !open && !lost && is_none(exchange_status(&exchange), &refused);
    listen_open(&server->web, open, none);
    if (open)
        hear_stream(hearing, &exchange, true);
    exchange_close(&exchange);
    listen_leave(&server->web);
    if (lost) { /* the session: a request finds that out, and the next one is greeted anew */
        struct trouble ignored = {0};
        look(server, &hearing->caller, &ignored);
    }
    return !none;
}

static bool hear_modern(struct hearing *hearing)
{
    struct exchange exchange;
    struct trouble refused = {0};
    bool open = session_subscribe(hearing->server, &hearing->caller, &exchange, &refused);
    int status = exchange_status(&exchange);
    if (open)
        hear_stream(hearing, &exchange, false);
    exchange_close(&exchange);
    return open || (!is_none(status, &refused) && status / 100 != 2);
}

static void *hear(void *user)
{
    struct hearing *hearing = user;
    struct server *server = hearing->server;
    bool classic = server->revision == REVISION_CLASSIC, there = true;
    uint32_t wait_ms = LISTEN_AGAIN_MS;
    while (there && !is_over(hearing)) {
        struct trouble ignored = {0};
        uint64_t began_ns = server->host->now_ns(server->host, SEAM_CLOCK_MONOTONIC);
        if (session_open(server, &hearing->caller, &ignored))
            there = classic ? hear_classic(hearing) : hear_modern(hearing);
        if (there && seam_sleep_ms(server->host, hearing->caller.id, wait_ms) != SEAM_OK)
            break;
        uint64_t lasted_ns = server->host->now_ns(server->host, SEAM_CLOCK_MONOTONIC) - began_ns;
        wait_ms = lasted_ns > LISTEN_LATEST_MS * UINT64_C(1000000) ? LISTEN_AGAIN_MS
                  : wait_ms < LISTEN_LATEST_MS / 2                 ? wait_ms * 2
                                                                   : LISTEN_LATEST_MS;
    }
    free(hearing);
    return NULL;
}

static void hear_begin(struct server *server, seam_id call)
{
    struct hearing *hearing = calloc(1, sizeof(*hearing));
    if (!hearing)
        return;
    hearing->server = server;
    hearing->caller = (struct caller){.host = server->host, .id = call};
    hearing->listening =
        (struct listening){.server = server, .caller = &hearing->caller, .reads = true};
    server->watch.runs = pthread_create(&server->watch.thread, NULL, hear, hearing) == 0;
    if (!server->watch.runs)
        free(hearing);
}

/* ---- the call ---- */

/* The call that it was for has ended, and so does the thread. */
static void hear_end(struct watch *watch)
{
    if (watch->runs)
        pthread_join(watch->thread, NULL);
    watch->runs = false;
}

seam_status watch_start(void *self, const seam_call *call)
{
    struct server *server = self;
    struct watch *watch = &server->watch;
    hear_end(watch);
    pthread_mutex_lock(&watch->lock);
    watch->call = call->id;
    bool news = watch->news;
    if (news)
        tell(server);
    pthread_mutex_unlock(&watch->lock);
    bool listens = server->revision == REVISION_MODERN ||
                   (server->revision == REVISION_CLASSIC && server->tells);
    if (!news && server->settings.url && listens)
        hear_begin(server, call->id);
    return SEAM_OK;
}

void watch_cancel(struct server *server, seam_id call)
{
    struct watch *watch = &server->watch;
    pthread_mutex_lock(&watch->lock);
    bool mine = watch->call == call;
    if (mine)
        watch->call = 0;
    pthread_mutex_unlock(&watch->lock);
    if (mine)
        seam_complete_error(server->host, call, SEAM_E_CANCELLED, SEAM_EFFECT_NONE, "",
                            "it was cancelled");
    wake(&server->web);
}

void watch_done(struct server *server)
{
    hear_end(&server->watch);
    pthread_mutex_destroy(&server->watch.lock);
}
