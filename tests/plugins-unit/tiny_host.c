/* SPDX-License-Identifier: Apache-2.0
 *
 * Serves seam/plugin.h to one plugin. An effect is named by the step's key and its own name:
 *
 *   fresh → begun      the plugin asked                                    [begin_effect]
 *   begun → answered   a 2xx came; a later send is given it again          [send_http]
 *   answered → begun   the plugin called it unknown: it is not to be used  [complete]
 *   any → done         the plugin committed, or the test says so           [set_state]
 */
#include "tiny_host.h"

#include "loader/card.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct tiny_host {
    seam_host table;
    const seam_plugin *plugin;
    struct card *card;
    void *self;
    const struct world *world;
    json_t *effects; /* "KEY/NAME" → {state, request, response, result} */
    /* the call in progress */
    seam_id call;
    const struct step *step;
    bool completed;
    struct outcome outcome;
};

_Noreturn static void give_up(const char *what, const char *detail)
{
    fprintf(stderr, "tiny host: %s: %s\n", what, detail);
    abort();
}

static struct tiny_host *of(const seam_host *table)
{
    return table->ctx;
}

static json_t *parse(seam_bytes text)
{
    return text.len == 0 ? NULL : json_loadb(text.ptr, text.len, JSON_DECODE_ANY, NULL);
}

static void set_state(json_t *effect, const char *state, const char *member, json_t *value)
{
    json_object_set_new(effect, "state", json_string(state));
    if (member != NULL)
        json_object_set(effect, member, value);
}

static const char *state_of(const json_t *effect)
{
    return json_string_value(json_object_get(effect, "state"));
}

static bool is_state(const json_t *effect, const char *state)
{
    return strcmp(state_of(effect), state) == 0;
}

/* An answer that the plugin could make nothing of is no answer. */
static void doubt_answers(const struct tiny_host *h)
{
    const char *name;
    json_t *effect;
    json_object_foreach (h->effects, name, effect)
        if (is_state(effect, "answered"))
            set_state(effect, "begun", NULL, NULL);
}

static void complete(const seam_host *table, seam_id call, const seam_reply *reply)
{
    struct tiny_host *h = of(table);
    if (call != h->call || h->completed)
        give_up("completed twice, or another call", h->step->agent);
    h->completed = true;
    h->outcome.status = reply->status;
    h->outcome.effect = reply->effect;
    snprintf(h->outcome.code, sizeof(h->outcome.code), "%.*s", (int)reply->code.len,
             reply->code.ptr == NULL ? "" : reply->code.ptr);
    h->outcome.body = parse(reply->body);
    if (h->outcome.body == NULL)
        give_up("completed without JSON", h->step->agent);
    if (reply->effect == SEAM_EFFECT_UNKNOWN)
        doubt_answers(h);
}

static void answer(seam_status status, uint32_t effect, json_t *body, seam_reply_fn fn, void *user)
{
    char *text = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
    seam_reply reply = {.size = sizeof(reply), .status = status, .effect = effect};
    reply.body = (seam_bytes){text, strlen(text)};
    fn(user, &reply);
    free(text);
    json_decref(body);
}

/* The record of an effect of the step in progress; made if absent. Borrowed. */
static json_t *effect_of(const struct tiny_host *h, const char *key, const char *name)
{
    char id[256];
    snprintf(id, sizeof(id), "%s/%s", key, name);
    json_t *effect = json_object_get(h->effects, id);
    if (effect == NULL) {
        effect = json_pack("{s:s}", "state", "fresh");
        json_object_set_new(h->effects, id, effect);
    }
    return effect;
}

static void begin_effect(struct tiny_host *h, const json_t *body, seam_reply_fn fn, void *user)
{
    const char *name = json_string_value(json_object_get(body, "name"));
    json_t *request = json_object_get(body, "request");
    if (name == NULL || request == NULL)
        give_up("effect.begin without name or request", h->step->agent);
    json_t *effect = effect_of(h, h->step->key, name);
    bool fresh = is_state(effect, "fresh"), done = is_state(effect, "done");
    const char *said = fresh                                                      ? "fresh"
                       : !json_equal(json_object_get(effect, "request"), request) ? "conflict"
                       : done                                                     ? "done"
                       : is_state(effect, "answered")                             ? "fresh"
                                                                                  : "unknown";
    json_t *reply = json_pack("{s:s, s:s}", "state", said, "key", h->step->key);
    if (done)
        json_object_set(reply, "result", json_object_get(effect, "result"));
    if (fresh)
        set_state(effect, "begun", "request", request);
    answer(SEAM_OK, SEAM_EFFECT_NONE, reply, fn, user);
}

static void commit_effect(struct tiny_host *h, const json_t *body, seam_reply_fn fn, void *user)
{
    const char *name = json_string_value(json_object_get(body, "name"));
    json_t *effect = effect_of(h, h->step->key, name == NULL ? "" : name);
    if (is_state(effect, "fresh"))
        give_up("effect.commit of what was not begun", h->step->agent);
    set_state(effect, "done", "result", json_object_get(body, "result"));
    answer(SEAM_OK, SEAM_EFFECT_NONE, json_object(), fn, user);
}

static json_t *response_json(const struct reply *r)
{
    json_t *response = json_pack("{s:i, s:{}}", "status", r->status, "headers");
    if (r->text != NULL)
        json_object_set_new(response, "body", json_string(r->text)); /* absent if not UTF-8 */
    if (r->json != NULL)
        json_object_set(response, "json", r->json);
    return response;
}

static void send_http(struct tiny_host *h, const json_t *body, seam_reply_fn fn, void *user)
{
    const char *url = json_string_value(json_object_get(body, "url"));
    const char *method = json_string_value(json_object_get(body, "method"));
    const char *name = json_string_value(json_object_get(body, "effect"));
    const json_t *json = json_object_get(body, "json");
    if (h->world == NULL || url == NULL || method == NULL ||
        strncmp(url, h->world->url, strlen(h->world->url)) != 0)
        give_up("http.send to somewhere else", url == NULL ? "" : url);
    json_t *effect = name == NULL ? NULL : effect_of(h, h->step->key, name);
    if (effect != NULL && is_state(effect, "answered")) {
        json_t *again = json_deep_copy(json_object_get(effect, "response"));
        json_object_set_new(again, "replayed", json_true());
        answer(SEAM_OK, SEAM_EFFECT_DONE, again, fn, user);
        return;
    }
    if (effect != NULL && !is_state(effect, "begun"))
        give_up("http.send for an effect that is not begun", name);

    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    bool mutating = strcmp(method, "GET") != 0;
    struct reply r = world_request(h->world, method, url + strlen(h->world->url), text,
                                   mutating ? h->step->key : NULL);
    free(text);
    if (r.status == 0) {
        answer(SEAM_E_UNAVAILABLE, mutating ? SEAM_EFFECT_UNKNOWN : SEAM_EFFECT_NONE,
               json_pack("{s:s}", "message", "no answer came"), fn, user);
    } else {
        json_t *response = response_json(&r);
        if (effect != NULL && r.status / 100 == 2)
            set_state(effect, "answered", "response", response);
        answer(SEAM_OK, r.status / 100 == 2 && mutating ? SEAM_EFFECT_DONE : SEAM_EFFECT_UNKNOWN,
               response, fn, user);
    }
    reply_done(&r);
}

static seam_status request_wait(const seam_host *table, seam_id call, const char *op,
                                seam_bytes body, seam_reply_fn fn, void *user)
{
    struct tiny_host *h = of(table);
    json_t *json = parse(body);
    if (call != h->call || h->completed || !json_is_object(json))
        give_up("a request outside its call, or no JSON", op);
    if (strcmp(op, "http.send/1") == 0)
        send_http(h, json, fn, user);
    else if (strcmp(op, "effect.begin/1") == 0)
        begin_effect(h, json, fn, user);
    else if (strcmp(op, "effect.commit/1") == 0)
        commit_effect(h, json, fn, user);
    else
        give_up("no such op here", op);
    json_decref(json);
    return SEAM_OK;
}

static seam_status emit(const seam_host *table, seam_id call, seam_bytes chunk)
{
    (void)table, (void)call, (void)chunk;
    return SEAM_OK;
}

static uint32_t cancelled(const seam_host *table, seam_id call)
{
    return of(table)->call != call;
}

static uint64_t now_ns(const seam_host *table, uint32_t clock)
{
    (void)table;
    struct timespec now;
    clock_gettime(clock == SEAM_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void print_log(const seam_host *table, seam_id call, uint32_t level, seam_bytes text)
{
    (void)table, (void)call;
    if (level >= SEAM_LOG_WARNING)
        fprintf(stderr, "plugin: %.*s\n", (int)text.len, text.ptr);
}

static const void *no_extension(const seam_host *table, const char *id)
{
    (void)table, (void)id;
    return NULL;
}

static const seam_plugin *load(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL)
        give_up("dlopen", dlerror());
    const seam_plugin *(*entry)(uint32_t);
    *(void **)&entry = dlsym(library, SEAM_ENTRY_SYMBOL);
    const seam_plugin *plugin = entry == NULL ? NULL : entry(SEAM_ABI_MINOR);
    if (plugin == NULL)
        give_up("no table", path);
    dlclose(library);
    return plugin;
}

static bool create(struct tiny_host *h, const char *name, const char *config)
{
    h->table = (seam_host){
        .size = sizeof(seam_host),
        .abi_minor = SEAM_ABI_MINOR,
        .ctx = h,
        .complete = complete,
        .emit = emit,
        .request_wait = request_wait,
        .cancelled = cancelled,
        .now_ns = now_ns,
        .log = print_log,
        .extension = no_extension,
    };
    char path[512];
    snprintf(path, sizeof(path), "%s/%s.so", PLUGIN_FOLDER, name);
    struct error err;
    if (card_read(path, &h->card, &err) != ERR_OK)
        give_up("the card", err.text);
    h->plugin = load(path);
    return h->plugin->create(&h->table, (seam_bytes){config, strlen(config)}, &h->self) == SEAM_OK;
}

struct tiny_host *tiny_host_new(const char *name, const char *config, const struct world *world)
{
    struct tiny_host *h = calloc(1, sizeof(*h));
    if (h == NULL || !create(h, name, config))
        give_up("create() refused", config);
    h->world = world;
    h->effects = json_object();
    return h;
}

bool tiny_host_accepts(const char *name, const char *config)
{
    struct tiny_host h = {.call = 0};
    bool accepted = create(&h, name, config);
    if (accepted)
        h.plugin->destroy(h.self);
    card_free(h.card);
    return accepted;
}

void tiny_host_free(struct tiny_host *host)
{
    host->plugin->destroy(host->self);
    json_decref(host->effects);
    card_free(host->card);
    free(host);
}

static const struct card_agent *agent_of(const struct tiny_host *h, const char *name)
{
    for (size_t i = 0; i < h->card->agent_count; i++)
        if (strcmp(h->card->agents[i].name, name) == 0)
            return &h->card->agents[i];
    give_up("the card has no agent", name);
}

static void hold_to(const struct contract *contract, const json_t *value, const char *what)
{
    struct violations violations;
    struct text text;
    text_init(&text, 4096);
    bool good = value != NULL && contract_explain(contract, value, &violations);
    if (!good) {
        if (value != NULL)
            violations_text(&violations, &text);
        give_up(what, text_str(&text));
    }
    violations_done(&violations);
    text_done(&text);
}

struct outcome tiny_host_call(struct tiny_host *host, const struct step *step, const char *input)
{
    const char *feedback = step->feedback == NULL ? "" : step->feedback;
    const struct card_agent *agent = agent_of(host, step->agent);
    json_t *value = parse((seam_bytes){input, strlen(input)});
    if (!step->outside)
        hold_to(agent->input, value, "the test's input breaks the contract");
    json_decref(value);
    host->call++;
    host->step = step;
    host->completed = false;
    host->outcome = (struct outcome){0};
    seam_call call = {
        .size = sizeof(call),
        .attempt = 1,
        .id = host->call,
        .agent = {step->agent, strlen(step->agent)},
        .input = {input, strlen(input)},
        .idempotency_key = {step->key, strlen(step->key)},
        .feedback = {feedback, strlen(feedback)},
    };
    if (host->plugin->start(host->self, &call) != SEAM_OK || !host->completed)
        give_up("not taken, or never completed", step->agent);
    if (host->outcome.status == SEAM_OK)
        hold_to(agent->output, host->outcome.body, "the output breaks the contract");
    return host->outcome;
}

void outcome_done(struct outcome *outcome)
{
    json_decref(outcome->body);
    outcome->body = NULL;
}

const char *tiny_host_effect(const struct tiny_host *host, const char *key, const char *name)
{
    return state_of(effect_of(host, key, name));
}

static void teach(struct tiny_host *h, const char *key, const char *name, const char *state,
                  const char *member, const char *text)
{
    json_t *value = parse((seam_bytes){text, strlen(text)});
    set_state(effect_of(h, key, name), state, member, value);
    json_decref(value);
}

void tiny_host_learn(struct tiny_host *host, const char *key, const char *name,
                     const char *result_json)
{
    teach(host, key, name, "done", "result", result_json);
}

void tiny_host_answered(struct tiny_host *host, const char *key, const char *name,
                        const char *response_json)
{
    teach(host, key, name, "answered", "response", response_json);
}
