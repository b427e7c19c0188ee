/* SPDX-License-Identifier: Apache-2.0
 *
 * The world's answers. It knows no plugin's service, so it is plausible by the habits of HTTP: what
 * is sent to a collection is there afterwards under the name of its last path segment, with the
 * members that were sent, those that the agent's output must have, and an id; what is asked for by
 * `key` is found by it; the same Idempotency-Key is answered the same and happens once. It holds
 * the agent's class and the card's requests against what is asked, as the host's gate does, and
 * keeps what was forbidden for the ledger.
 */
#include "conformance/world_internal.h"

#include "base/digest.h"
#include "base/limits.h"
#include "conformance/inputs_internal.h"
#include "document/document.h"

#include <seam/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char *text_of_json(const json_t *value)
{
    struct text text;
    text_init(&text, LIMIT_PAYLOAD);
    json_write(value, &text);
    return text_take(&text);
}

static const char *word(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static struct world_reply refuse(int32_t status, const char *code, const char *message)
{
    AUTO(json_decrefp) json_t *body = json_pack("{s:s}", "message", message);
    return (struct world_reply){status, SEAM_EFFECT_NONE, text_of_json(body), code};
}

static void blame(struct world *world, char *what_taken)
{
    world->blamed++;
    snprintf(world->blame, sizeof(world->blame), "%s", what_taken);
    free(what_taken);
}

/* ---- effects ---- */

static struct world_effect *find_effect(struct world *world, const char *key, const char *name)
{
    for (size_t i = 0; i < world->effect_count; i++)
        if (strcmp(world->effects[i].key, key) == 0 && strcmp(world->effects[i].name, name) == 0)
            return &world->effects[i];
    return NULL;
}

static struct world_reply begin(struct world *world, const char *key, const json_t *request)
{
    const char *name = word(request, "name"), *state = "fresh";
    const char *own = *word(request, "key") ? word(request, "key") : key;
    struct world_effect *e = find_effect(world, own, name);
    AUTO(freep) char *text = text_of_json(json_object_get(request, "request"));
    if (e && (world->memory == MEMORY_OF_ANOTHER || strcmp(e->request, text) != 0))
        state = "conflict";
    else if (e && e->result)
        state = "done";
    else if (e && world->memory == MEMORY_UNKNOWN)
        state = "unknown";
    if (!e) {
        world->effects = xrealloc(world->effects, (world->effect_count + 1) * sizeof(*e));
        world->effects[world->effect_count++] = (struct world_effect){
            .key = xstrdup(own), .name = xstrdup(name), .request = TAKE(text)};
    }
    char hex[DIGEST_HEX_SIZE];
    struct digest digest = digest_of(slice_of(own));
    digest_hex(&digest, hex);
    AUTO(json_decrefp) json_t *body = json_pack("{s:s, s:s}", "state", state, "key", hex);
    AUTO(json_decrefp) json_t *result = NULL;
    if (*state == 'd' && json_read_own(slice_of(e->result), &result, NULL) == ERR_OK)
        json_object_set(body, "result", result);
    return (struct world_reply){SEAM_OK, SEAM_EFFECT_NONE, text_of_json(body), ""};
}

static struct world_reply commit(struct world *world, const char *key, const json_t *request)
{
    struct world_effect *e = find_effect(world, key, word(request, "name"));
    if (!e)
        return refuse(SEAM_E_INPUT, "effect.not-begun", "no effect of this name was begun");
    free(e->result);
    e->result = text_of_json(json_object_get(request, "result"));
    return (struct world_reply){SEAM_OK, SEAM_EFFECT_NONE, xstrdup("{}"), ""};
}

/* ---- state ---- */

static struct world_state *find_state(struct world *world, const char *key)
{
    for (size_t i = 0; i < world->state_count; i++)
        if (strcmp(world->states[i].key, key) == 0)
            return &world->states[i];
    return NULL;
}

static struct world_reply get_state(struct world *world, const json_t *request)
{
    const struct world_state *state = find_state(world, word(request, "key"));
    AUTO(json_decrefp) json_t *body = json_pack("{s:i}", "version", state ? state->version : 0);
    json_t *value = NULL;
    if (state && state->version > 0 &&
        json_read_own(slice_of(state->value), &value, NULL) == ERR_OK)
        json_object_set_new(body, "value", value);
    return (struct world_reply){SEAM_OK, SEAM_EFFECT_NONE, text_of_json(body), ""};
}

static struct world_reply put_state(struct world *world, const json_t *request)
{
    const json_t *seen = json_object_get(request, "if_version");
    const json_t *value = json_object_get(request, "value");
    struct world_state *state = find_state(world, word(request, "key"));
    if (!state) {
        world->states = xrealloc(world->states, (world->state_count + 1) * sizeof(*world->states));
        state = &world->states[world->state_count++];
        *state = (struct world_state){.key = xstrdup(word(request, "key"))};
    }
    bool stores = !seen || json_integer_value(seen) == (json_int_t)state->version;
    if (stores) {
        free(state->value);
        state->value = value ? text_of_json(value) : NULL;
        state->version = value ? ++world->versions : 0;
    }
    AUTO(json_decrefp)
    json_t *body = json_pack("{s:b, s:i}", "stored", stores, "version", (int)state->version);
    return (struct world_reply){SEAM_OK, SEAM_EFFECT_NONE, text_of_json(body), ""};
}

static struct world_reply keep_state(struct world *world, const struct world_asker *asker,
                                     bool puts, const json_t *request)
{
    if (asker->card->state_bytes < 0)
        return refuse(SEAM_E_DENIED, "not-granted", "the card asks for no state");
    if (puts && asker->agent->effect == SEAM_READ) {
        blame(world, xstrdup("state.put/1"));
        return refuse(SEAM_E_DENIED, "class", "a read agent keeps nothing");
    }
    return puts ? put_state(world, request) : get_state(world, request);
}

/* ---- HTTP ---- */

static bool is_mutating(const char *method)
{
    return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0 &&
           strcmp(method, "OPTIONS") != 0;
}

/* The path of a URL, without host and query. */
static void path_of(const char *url, char ret_path[static 512], char ret_host[static 256])
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    size_t host_len = strcspn(host, "/?#:");
    snprintf(ret_host, 256, "%.*s", (int)host_len, host);
    const char *path = host + strcspn(host, "/?#");
    size_t len = strcspn(path, "?#");
    snprintf(ret_path, 512, "%.*s", (int)len, *path == '/' ? path : "/");
}

/* Whether the card asks for this host, and names the route as a read. */
static bool is_asked_for(const struct card *card, const char *host, const char *method,
                         const char *path, bool *ret_reads)
{
    size_t i, k;
    json_t *one, *route;
    AUTO(freep) char *exact = xasprintf("%s %s", method, path);
    bool found = false;
    *ret_reads = false;
    json_array_foreach (json_object_get(json_object_get(card->json, "requests"), "http"), i, one) {
        const char *asked = word(one, "host");
        if (strcmp(asked, "*") != 0 && strcasecmp(asked, host) != 0)
            continue;
        json_array_foreach (json_object_get(one, "methods"), k, route)
            found = found || strcmp(json_string_value(route), method) == 0;
        json_array_foreach (json_object_get(one, "reads"), k, route) {
            const char *text = json_string_value(route);
            size_t len = strlen(text);
            *ret_reads |= strcmp(text, exact) == 0 ||
                          (len > 0 && text[len - 1] == '*' && strncmp(text, exact, len - 1) == 0);
        }
    }
    return found || *ret_reads;
}

static struct world_arrival *arrive(struct world *world, const struct world_asker *asker,
                                    const json_t *request)
{
    const json_t *headers = json_object_get(request, "headers"), *value;
    const char *name, *key = asker->key;
    json_object_foreach ((json_t *)headers, name, value)
        if (strcasecmp(name, "idempotency-key") == 0)
            key = json_string_value(value);
    world->arrivals =
        xrealloc(world->arrivals, (world->arrival_count + 1) * sizeof(*world->arrivals));
    struct world_arrival *a = &world->arrivals[world->arrival_count++];
    const json_t *json = json_object_get(request, "json");
    *a = (struct world_arrival){.call = asker->call,
                                .key = xstrdup(key),
                                .method = xstrdup(word(request, "method")),
                                .url = xstrdup(word(request, "url")),
                                .body = json ? text_of_json(json) : xstrdup(word(request, "body")),
                                .in_effect = json_object_get(request, "effect") != NULL};
    return a;
}

static json_t *resource_of(const struct world_asker *asker, const json_t *sent)
{
    json_t *resource = asker->agent->output ? inputs_least(asker->agent->output) : NULL;
    if (!json_is_object(resource)) {
        json_decref(resource);
        resource = json_object();
    }
    json_object_update_missing(resource, (json_t *)sent);
    json_object_set_new(resource, "key", json_string(asker->key));
    if (!json_object_get(resource, "id"))
        json_object_set_new(resource, "id", json_string("kit-1"));
    return resource;
}

static json_t *good_body(const struct world *world, const struct world_asker *asker,
                         const json_t *request, const char *path)
{
    const char *last = strrchr(path, '/');
    json_t *resource = resource_of(asker, json_object_get(request, "json"));
    if (is_mutating(word(request, "method")))
        return resource;
    AUTO(json_decrefp) json_t *list = json_array();
    const char *asked = strstr(word(request, "url"), "key=");
    for (size_t i = 0; i < world->arrival_count; i++)
        if (asked &&
            strncmp(asked + 4, world->arrivals[i].key, strlen(world->arrivals[i].key)) == 0)
            json_array_append(list, world->arrivals[i].resource);
    if (last && last[1] && !json_object_get(resource, last + 1))
        json_object_set(resource, last + 1, list);
    return resource;
}

static struct world_reply answered(int status, json_t *json_taken, const char *text)
{
    AUTO(freep) char *body = json_taken ? text_of_json(json_taken) : xstrdup(text);
    AUTO(json_decrefp)
    json_t *answer = json_pack("{s:i, s:{s:s}, s:s}", "status", status, "headers", "content-type",
                               json_taken ? "application/json" : "text/html", "body", body);
    if (json_taken)
        json_object_set_new(answer, "json", json_taken);
    return (struct world_reply){SEAM_OK, status < 300 ? SEAM_EFFECT_DONE : SEAM_EFFECT_UNKNOWN,
                                text_of_json(answer), ""};
}

static struct world_reply ill(struct world *world, bool mutating)
{
    static const int statuses[] = {400, 402, 403, 404, 409, 422, 429, 500, 502, 503};
    enum { STATUSES = sizeof(statuses) / sizeof(statuses[0]) };
    unsigned turn = world->turn++ % (STATUSES + 6);
    struct world_reply lost = refuse(SEAM_E_UNAVAILABLE, "http.unreachable", "nobody answers");
    lost.effect = mutating ? SEAM_EFFECT_UNKNOWN : SEAM_EFFECT_NONE;
    if (turn == STATUSES + 5)
        return lost;
    free(lost.body);
    if (turn < STATUSES)
        return answered(statuses[turn], json_pack("{s:s}", "error", "no"), NULL);
    static const char *const odd[] = {"{}", "[]", "null", "{\"error\":{\"a\":[1,2,{\"b\":null}]}}"};
    AUTO(json_decrefp) json_t *json = NULL;
    if (turn < STATUSES + 4 && json_read_own(slice_of(odd[turn - STATUSES]), &json, NULL) == ERR_OK)
        return answered(200, json_incref(json), NULL);
    return answered(200, NULL, "<html>not what you think</html>");
}

static struct world_reply send_http(struct world *world, const struct world_asker *asker,
                                    const json_t *request)
{
    char path[512], host[256];
    const char *method = word(request, "method");
    bool reads, mutates = is_mutating(method);
    path_of(word(request, "url"), path, host);
    if (!is_asked_for(asker->card, host, method, path, &reads))
        return refuse(SEAM_E_DENIED, "http.denied", "the card asks for no such request");
    mutates = mutates && !reads;
    if (mutates && asker->agent->effect == SEAM_READ) {
        blame(world, xasprintf("%s %s", method, path));
        return refuse(SEAM_E_DENIED, "http.denied", "a read agent sends nothing that changes");
    }
    if (world->mood == WORLD_ILL && world->turn % 3 != 0)
        return ill(world, mutates);
    world->turn += world->mood == WORLD_ILL;
    json_t *body = good_body(world, asker, request, path);
    if (mutates) {
        arrive(world, asker, request)->resource = json_incref(body);
        world->cut = world->cuts;
    }
    return answered(mutates && strcmp(method, "POST") == 0 ? 201 : 200, body, NULL);
}

/* ---- the door ---- */

/* What every agent may ask for, the pure too. */
static bool is_free(struct slice op)
{
    return slice_starts(op, "clock.sleep/") || slice_starts(op, "budget.") ||
           slice_starts(op, "agent.call/") || slice_starts(op, "contract.lower/");
}

bool kit_world_answer(struct world *world, const struct world_asker *asker, struct slice op,
                      struct slice body, struct world_reply *ret_reply)
{
    AUTO(json_decrefp) json_t *request = NULL;
    world->asked++;
    if (asker->agent->effect == SEAM_PURE && !is_free(op)) {
        blame(world, xasprintf("it asked for %.*s", (int)(op.len < 100 ? op.len : 100), op.ptr));
        *ret_reply = refuse(SEAM_E_DENIED, "class.denied", "a pure agent asks for nothing");
        return true;
    }
    if (world->mood == WORLD_SILENT)
        return false;
    if (json_read(body, LIMIT_PAYLOAD, &request, NULL) != ERR_OK)
        *ret_reply = refuse(SEAM_E_INPUT, "request.not-json", "the request is no JSON");
    else if (slice_is(op, "http.send/1"))
        *ret_reply = send_http(world, asker, request);
    else if (slice_is(op, "effect.begin/1"))
        *ret_reply = begin(world, asker->key, request);
    else if (slice_is(op, "effect.commit/1"))
        *ret_reply = commit(world, asker->key, request);
    else if (slice_is(op, "state.get/1") || slice_is(op, "state.put/1"))
        *ret_reply = keep_state(world, asker, slice_is(op, "state.put/1"), request);
    else if (slice_is(op, "budget.reserve/1"))
        *ret_reply = (struct world_reply){SEAM_OK, SEAM_EFFECT_NONE,
                                          xstrdup("{\"tokens\":1000000,\"cost\":\"1000\"}"), ""};
    else if (slice_is(op, "budget.spend/1") || slice_is(op, "clock.sleep/1"))
        *ret_reply = (struct world_reply){SEAM_OK, SEAM_EFFECT_NONE, xstrdup("{}"), ""};
    else
        *ret_reply =
            refuse(SEAM_E_UNSUPPORTED, "kit.unsupported", "this world has no such service");
    return true;
}

static bool is_same(const struct world_arrival *a, const struct world_arrival *b)
{
    return strcmp(a->key, b->key) == 0 && strcmp(a->method, b->method) == 0 &&
           strcmp(a->url, b->url) == 0 && strcmp(a->body, b->body) == 0;
}

size_t kit_world_happened(const struct world *world)
{
    size_t happened = 0;
    for (size_t i = 0; i < world->arrival_count; i++) {
        bool known = false;
        for (size_t k = 0; k < i && !known; k++)
            known = is_same(&world->arrivals[i], &world->arrivals[k]);
        happened += !known;
    }
    return happened;
}

void kit_world_forget_arrivals(struct world *world)
{
    for (size_t i = 0; i < world->arrival_count; i++) {
        free(world->arrivals[i].key);
        free(world->arrivals[i].method);
        free(world->arrivals[i].url);
        free(world->arrivals[i].body);
        json_decref(world->arrivals[i].resource);
    }
    world->arrival_count = 0;
}

void kit_world_done(struct world *world)
{
    kit_world_forget_arrivals(world);
    for (size_t i = 0; i < world->effect_count; i++) {
        free(world->effects[i].key);
        free(world->effects[i].name);
        free(world->effects[i].request);
        free(world->effects[i].result);
    }
    for (size_t i = 0; i < world->state_count; i++) {
        free(world->states[i].key);
        free(world->states[i].value);
    }
    free(world->states);
    free(world->effects);
    free(world->arrivals);
    *world = (struct world){.mood = WORLD_GOOD};
}
