/* SPDX-License-Identifier: Apache-2.0
 *
 * The kit as the owner of a plugin. It uses the loader as the host does, so that what holds here
 * holds there: the same frames, the same deadlines, the same judgement of a plugin that lies. What
 * the card asks for is granted, for it is the card that is judged.
 */
#include "conformance/session_internal.h"

#include "base/limits.h"
#include "document/document.h"

#include <poll.h>
#include <seam/plugin.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct ended *find_call(struct session *s, uint64_t id)
{
    for (size_t i = s->count; i > 0; i--)
        if (s->calls[i - 1].id == id)
            return &s->calls[i - 1];
    return NULL;
}

/* ---- what the loader tells ---- */

static void on_ready(void *user, const struct error *err)
{
    struct session *s = user;
    s->ready = err == NULL;
    if (err)
        s->refusal = *err;
}

static void on_completed(void *user, const struct call_result *r)
{
    struct session *s = user;
    struct ended *e = find_call(s, r->call);
    if (!e || e->done)
        return;
    e->done = true;
    e->end = r->end;
    e->status = r->status;
    e->effect = r->effect;
    e->body = xstrndup(r->body.len ? r->body.ptr : "", r->body.len);
    e->body_len = r->body.len;
    e->code = xstrndup(r->code.len ? r->code.ptr : "", r->code.len);
    e->reason = xstrdup(r->reason);
    s->pending--;
}

static void on_requested(void *user, uint64_t call, uint64_t request, struct slice op,
                         struct slice body)
{
    struct session *s = user;
    struct ended *e = find_call(s, call);
    struct world_reply reply = {.status = SEAM_E_CANCELLED, .code = ""};
    struct world_asker asker = {.card = s->kit->card, .call = call};
    if (e) {
        asker.agent = &s->kit->card->agents[e->agent];
        asker.key = e->key;
        if (!kit_world_answer(&s->world, &asker, op, body, &reply)) {
            s->held = xrealloc(s->held, (s->held_count + 1) * sizeof(*s->held));
            s->held[s->held_count++].request = request;
            return;
        }
        if (s->world.cut) { /* nobody will take the answer */
            s->world.cut = false;
            free(reply.body);
            kill((pid_t)plugin_counts(s->plugin).pid, SIGKILL);
            return;
        }
        e->passed |= 1u << reply.status;
    }
    plugin_answer(s->plugin, request,
                  &(struct plugin_answer){.status = reply.status,
                                          .effect = reply.effect,
                                          .body = slice_of(reply.body ? reply.body : ""),
                                          .code = slice_of(reply.code)});
    free(reply.body);
}

static void on_emitted(void *user, uint64_t call, struct slice chunk)
{
    struct session *s = user;
    (void)call;
    s->emitted += chunk.len;
}

static void on_logged(void *user, uint64_t call, uint32_t level, struct slice text)
{
    struct session *s = user;
    (void)call;
    (void)level;
    s->log_lines++;
    s->log_bytes += text.len;
}

static void on_down(void *user, const char *reason)
{
    struct session *s = user;
    s->down = true;
    snprintf(s->death, sizeof(s->death), "%s", reason);
}

static const struct plugin_handlers handlers = {.ready = on_ready,
                                                .completed = on_completed,
                                                .requested = on_requested,
                                                .emitted = on_emitted,
                                                .logged = on_logged,
                                                .down = on_down};

/* ---- start and end ---- */

static bool turn(struct session *s, int64_t due_ms)
{
    int64_t left = due_ms - kit_now_ms();
    if (left <= 0 || s->down)
        return false;
    struct pollfd fd = {.fd = plugin_fd(s->plugin), .events = POLLIN};
    poll(&fd, 1, left > 1000 ? 1000 : (int)left);
    plugin_dispatch(s->plugin);
    return true;
}

/* Where it lies in the folder of its own that the manifest gives it, it gets one for the while:
 * what the kit makes it do there is not to be found by its runs. */
static char *moved(const char *path, const char *from, const char *to)
{
    size_t len = strlen(from);
    bool within = strncmp(path, from, len) == 0 && (path[len] == '\0' || path[len] == '/');
    return within ? xasprintf("%s%s", to, path + len) : xstrdup(path);
}

/* What the manifest grants. */
static enum error_code plan_of_entry(const struct card *card, const struct manifest_plugin *granted,
                                     const char *state, struct sandbox_plan *ret_plan,
                                     struct error *reterr)
{
    struct manifest_plugin entry = *granted;
    entry.paths = xcalloc(granted->path_count + 1, sizeof(*entry.paths));
    entry.state = (char *)state;
    for (size_t i = 0; i < granted->path_count; i++) {
        entry.paths[i] = granted->paths[i];
        entry.paths[i].path = moved(granted->paths[i].path, granted->state, state);
    }
    enum error_code code = plugin_plan(card, &entry, ret_plan, reterr);
    for (size_t i = 0; i < entry.path_count; i++)
        free(entry.paths[i].path);
    free(entry.paths);
    return code;
}

/* Without a manifest: all that the card asks for, as an operator would grant it. */
static enum error_code plan(const struct card *card, const struct manifest_plugin *granted,
                            struct sandbox_plan *ret_plan, struct error *reterr)
{
    struct sandbox_path paths[64];
    AUTO(freep) char *state = xasprintf("/tmp/seam-verify.%ld", (long)getpid());
    if (granted)
        return plan_of_entry(card, granted, state, ret_plan, reterr);
    struct manifest_plugin entry = {.path = card->path,
                                    .memory_bytes = -1,
                                    .call_ms = -1,
                                    .drain_ms = -1,
                                    .state = state,
                                    .paths = paths};
    const json_t *requests = json_object_get(card->json, "requests");
    const char *net = json_string_value(json_object_get(requests, "net"));
    size_t i;
    json_t *one;
    json_array_foreach (json_object_get(requests, "fs"), i, one) {
        const char *path = json_string_value(json_object_get(one, "path"));
        const char *mode = json_string_value(json_object_get(one, "mode"));
        if (path && strncmp(path, "${state}", 8) == 0)
            path = state;
        if (path && path[0] == '/' && entry.path_count < 64)
            paths[entry.path_count++] =
                (struct sandbox_path){.path = (char *)path, .write = mode && strchr(mode, 'w')};
    }
    entry.net = net && strcmp(net, "none") != 0;
    entry.jit = json_is_true(json_object_get(requests, "jit"));
    return plugin_plan(card, &entry, ret_plan, reterr);
}

void session_open(struct session *s, struct kit *kit, bool in_process)
{
    *s = (struct session){.kit = kit, .in_process = in_process};
    AUTO(sandbox_plan_done) struct sandbox_plan sandbox;
    sandbox_plan_init(&sandbox);
    AUTO(text_done) struct text config;
    text_init(&config, LIMIT_FILE);
    json_write(kit->config, &config);
    int threads = kit->card->max_concurrency;
    struct plugin_options options = {.in_process = in_process,
                                     .worker = kit->options->worker,
                                     .config = text_slice(&config),
                                     .max_concurrency = threads,
                                     .sandbox = &sandbox,
                                     .grace_ms = SESSION_GRACE_MS,
                                     .load_ms = CALL_MS,
                                     .payload = LIMIT_PAYLOAD};
    if (plan(kit->card, kit->options->entry, &sandbox, &s->refusal) != ERR_OK)
        return;
    sandbox.hearer = kit->hearer;
    if (plugin_start(kit->card, &options, &handlers, s, &s->plugin, &s->refusal) != ERR_OK)
        return;
    int64_t due_ms = kit_now_ms() + 2 * CALL_MS;
    while (!s->ready && s->refusal.code == ERR_OK && !s->down && turn(s, due_ms))
        ;
    if (!s->ready && s->refusal.code == ERR_OK)
        error_set(&s->refusal, ERR_TIMEOUT, "%s: it did not load in %d ms", kit->card->path,
                  2 * CALL_MS);
}

void session_close(struct session *s)
{
    if (s->plugin)
        plugin_free(s->plugin);
    s->plugin = NULL;
    session_forget(s);
    free(s->calls);
    free(s->held);
    kit_world_done(&s->world);
}

const char *session_mode(const struct session *s)
{
    return s->in_process ? "in process" : "in a worker";
}

/* ---- calls ---- */

size_t session_call(struct session *s, const struct session_call *call)
{
    AUTO(text_done) struct text input;
    text_init(&input, LIMIT_PAYLOAD);
    json_write(call->input, &input);
    s->calls = xrealloc(s->calls, (s->count + 1) * sizeof(*s->calls));
    struct ended *e = &s->calls[s->count];
    *e = (struct ended){.agent = call->agent};
    if (call->key)
        snprintf(e->key, sizeof(e->key), "%s", call->key);
    else
        snprintf(e->key, sizeof(e->key), "kit-%zu", s->count);
    e->id = plugin_call(s->plugin,
                        &(struct plugin_call){.agent = s->kit->card->agents[call->agent].name,
                                              .attempt = call->attempt ? call->attempt : 1,
                                              .deadline_ms = call->deadline_ms,
                                              .input = text_slice(&input),
                                              .key = slice_of(e->key),
                                              .feedback = SLICE("")});
    if (e->id == 0)
        return SIZE_MAX;
    s->pending++;
    return s->count++;
}

bool session_wait(struct session *s, int64_t ms)
{
    int64_t due_ms = kit_now_ms() + ms;
    while (s->pending > 0 && turn(s, due_ms))
        ;
    return s->pending == 0;
}

void session_wait_asked(struct session *s, int64_t ms)
{
    int64_t due_ms = kit_now_ms() + ms;
    while (s->pending > 0 && s->held_count == 0 && turn(s, due_ms))
        ;
}

void session_wait_late(struct session *s, int64_t ms)
{
    int64_t due_ms = kit_now_ms() + ms;
    while (turn(s, due_ms))
        ;
}

void session_forget(struct session *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->calls[i].body);
        free(s->calls[i].code);
        free(s->calls[i].reason);
    }
    s->count = s->pending = s->held_count = 0;
    s->log_lines = s->log_bytes = s->emitted = 0;
}

char *session_place(const struct session *s, size_t agent, const json_t *input)
{
    AUTO(text_done) struct text text;
    text_init(&text, 300);
    if (input)
        json_write(input, &text);
    return xasprintf("%s, agent %s%s%s%s", session_mode(s), s->kit->card->agents[agent].name,
                     input ? ", input " : "", text_str(&text), text.overflowed ? "…" : "");
}
