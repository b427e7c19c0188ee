/* SPDX-License-Identifier: Apache-2.0
 *
 * What a call does to the world, one deed after the other, as an agent does: it begins the effect,
 * acts, and commits. The services are the host's own; only the world is ours. A deed of an agent
 * that the host brokers leaves by http.send, if the manifest grants it a route that changes
 * something: otherwise the host would rightly say that nothing can have happened.
 *
 *   begin → fresh    act, or http.send     [begun]
 *         → done     the next deed         (it happened in an earlier attempt)
 *         → unknown  the call fails
 *   act → commit → the next deed           [act, committed]
 *   http.send → answer → commit → the next deed   [deeds_sent, http_answered]
 */
#include "rehearsal/rehearsal_internal.h"

#include <stdlib.h>
#include <string.h>

static const struct deed *deed_at(const struct call *call)
{
    return &call->deeds[call->deed];
}

static const json_t *result_of(const struct call *call)
{
    const struct deed *deed = deed_at(call);
    if (deed->result)
        return deed->result;
    return call->reply->kind == REPLY_OUTPUT ? call->reply->body : json_null();
}

static bool same_key(const struct call *call)
{
    return call->agent->effect == CLASS_WRITE_IDEMPOTENT;
}

/* ---- where a deed leaves ---- */

static const struct manifest_plugin *entry_of(const struct call *call)
{
    const struct manifest *manifest = call->stage->rehearsal->roster->manifest;
    size_t alias = (size_t)(strchr(call->agent->name, '/') - call->agent->name);
    for (size_t i = 0; i < manifest->plugin_count; i++)
        if (slice_is((struct slice){call->agent->name, alias}, manifest->plugins[i].alias))
            return &manifest->plugins[i];
    return NULL;
}

static bool changes(const char *method)
{
    return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0 &&
           strcmp(method, "OPTIONS") != 0;
}

/* A request that some grant allows; NULL if none lets anything be changed. */
static json_t *some_route(const struct call *call)
{
    const struct manifest_plugin *entry = entry_of(call);
    for (size_t i = 0; entry && i < entry->http_count; i++)
        for (size_t k = 0; k < entry->http[i].method_count; k++) {
            const struct http_grant *grant = &entry->http[i];
            if (!changes(grant->methods[k]))
                continue;
            AUTO(freep)
            char *url = xasprintf("%s://%s:%d/_rehearsal/%s", grant->scheme, grant->host,
                                  grant->port, deed_at(call)->name);
            return json_pack("{s:s, s:s}", "method", grant->methods[k], "url", url);
        }
    return NULL;
}

static json_t *route_of(const struct call *call)
{
    const struct deed *deed = deed_at(call);
    if (deed->http)
        return json_copy(deed->http);
    return call->agent->brokered ? some_route(call) : NULL;
}

/* ---- the end of a deed ---- */

static void next(struct call *call)
{
    call->deed++;
    deeds_go_on(call);
}

static void committed(struct call *call, const struct plugin_answer *answer)
{
    if (answer->status == SEAM_OK || deed_at(call)->outcome != OUTCOME_DONE)
        next(call);
    else
        call_fail_as(call, answer);
}

static void commit(struct call *call, bool done)
{
    const struct deed *deed = deed_at(call);
    if (!deed->name || deed->uncommitted) {
        next(call);
        return;
    }
    json_t *body = json_pack("{s:s, s:s}", "name", deed->name, "outcome", done ? "done" : "none");
    if (done)
        json_object_set(body, "result", (json_t *)result_of(call));
    call_ask(call, "effect.commit/1", body, committed);
}

/* Nobody hears what came of it: as it is written, the call goes on to its end; else it says so. */
static void unheard(struct call *call)
{
    if (call->fate == DEED_AS_WRITTEN)
        next(call);
    else
        call_fail(call, SEAM_E_UNAVAILABLE, SEAM_EFFECT_UNKNOWN, "the weather: no answer came");
}

/* ---- acting by itself ---- */

static bool happens(const struct call *call)
{
    return deed_at(call)->happened && call->fate != DEED_LOST;
}

static void strike(struct call *call, const char *key)
{
    const struct deed *deed = deed_at(call);
    const char *name = deed->name ? deed->name : "http";
    if (happens(call))
        world_act(&call->stage->world, key, name, call->path, same_key(call), result_of(call));
    edge(call->stage, "effect %s of %s has left, and nobody has heard", name, call->path);
}

static void act(struct call *call)
{
    const struct deed *deed = deed_at(call);
    /* what the host brokers, and grants no way out, cannot have been lost on the way */
    if (call->agent->brokered &&
        (deed->outcome == OUTCOME_UNKNOWN || call->fate != DEED_AS_WRITTEN)) {
        unheard(call);
        return;
    }
    strike(call, call->begun);
    if (call->fate == DEED_CRASH_AFTER)
        call_crash(call);
    else if (deed->outcome == OUTCOME_UNKNOWN || call->fate != DEED_AS_WRITTEN)
        unheard(call);
    else
        commit(call, deed->outcome == OUTCOME_DONE);
}

/* ---- by http.send ---- */

static void respond(struct call *call)
{
    static const struct egress_header json_type[] = {{"content-type", "application/json"}};
    const struct deed *deed = deed_at(call);
    AUTO(text_done) struct text body;
    text_init(&body, SIZE_MAX / 2);
    struct egress_answer answer = {.fate = FATE_UNKNOWN,
                                   .code = ERR_IO,
                                   .reason = "the connection ended before an answer came"};
    uint64_t send = call->send;
    if (!send)
        return;
    call->send = 0;
    if (deed->outcome == OUTCOME_NONE && !deed->status) {
        answer.fate = FATE_UNSENT;
        answer.reason = "nobody listens there";
    } else if (call->fate == DEED_AS_WRITTEN || call->fate == DEED_CRASH_AFTER) {
        if (deed->status || deed->outcome == OUTCOME_DONE) {
            json_write(deed->answer ? deed->answer : result_of(call), &body);
            answer = (struct egress_answer){.fate = FATE_ANSWERED,
                                            .status = deed->status ? deed->status : 200,
                                            .headers = json_type,
                                            .header_count = 1,
                                            .body = text_slice(&body)};
        }
    }
    stand_in_respond(call->stage->host, send, &answer);
}

static void respond_later(void *user)
{
    respond(user);
}

void deeds_sent(struct call *call, uint64_t send, const struct egress_request *request)
{
    const char *key = call->key;
    for (size_t i = 0; i < request->header_count; i++)
        if (strcmp(request->headers[i].name, "Idempotency-Key") == 0)
            key = request->headers[i].value;
    call->send = send;
    if (deed_at(call)->outcome != OUTCOME_NONE || deed_at(call)->status)
        strike(call, key);
    stand_in_after(call->stage->host, deed_at(call)->after_ms, respond_later, call);
}

/* Its connection is closed: what has left may have been done, and the answer is not heard. */
void deeds_closed(struct call *call)
{
    static const struct egress_answer gone = {
        .fate = FATE_UNKNOWN, .code = ERR_IO, .reason = "the connection was closed"};
    uint64_t send = call->send;
    call->send = 0;
    if (send)
        stand_in_respond(call->stage->host, send, &gone);
}

static void http_answered(struct call *call, const struct plugin_answer *answer)
{
    const struct deed *deed = deed_at(call);
    AUTO(json_decrefp) json_t *body = NULL;
    bool good = false;
    if (answer->status == SEAM_OK &&
        json_read(answer->body, LIMIT_PAYLOAD, &body, NULL) == ERR_OK) {
        json_int_t status = json_integer_value(json_object_get(body, "status"));
        good = status / 100 == 2;
    }
    if (call->fate == DEED_CRASH_AFTER)
        call_crash(call);
    else if (good)
        commit(call, true);
    else if (answer->status == SEAM_OK ||
             (call->fate == DEED_AS_WRITTEN && deed->outcome != OUTCOME_DONE))
        next(call);
    else
        call_fail_as(call, answer);
}

static void send_by_http(struct call *call, json_t *route_taken)
{
    const struct deed *deed = deed_at(call);
    if (deed->name)
        json_object_set_new(route_taken, "effect", json_string(deed->name));
    call_ask(call, "http.send/1", route_taken, http_answered);
}

/* ---- beginning ---- */

static void begin_fresh(struct call *call)
{
    const struct deed *deed = deed_at(call);
    json_t *route = route_of(call);
    edge(call->stage, "effect %s of %s is on disk, and has not left", deed->name, call->path);
    if (call->fate == DEED_CRASH_BEFORE) {
        json_decref(route);
        call_crash(call);
    } else if (route) {
        send_by_http(call, route);
    } else {
        act(call);
    }
}

static void begun(struct call *call, const struct plugin_answer *answer)
{
    AUTO(json_decrefp) json_t *body = NULL;
    if (answer->status != SEAM_OK ||
        json_read(answer->body, LIMIT_PAYLOAD, &body, NULL) != ERR_OK) {
        call_fail_as(call, answer);
        return;
    }
    const char *state = json_string_value(json_object_get(body, "state"));
    const char *key = json_string_value(json_object_get(body, "key"));
    snprintf(call->begun, sizeof(call->begun), "%s", key ? key : "");
    if (strcmp(state, "fresh") == 0)
        begin_fresh(call);
    else if (strcmp(state, "done") == 0)
        next(call);
    else if (strcmp(state, "conflict") == 0)
        call_fail(call, SEAM_E_FAILED, SEAM_EFFECT_NONE,
                  "an effect of this name stands for another request");
    else
        call_fail(call, SEAM_E_UNAVAILABLE, SEAM_EFFECT_UNKNOWN,
                  "it began before, and nobody knows what came of it");
}

void deeds_go_on(struct call *call)
{
    if (call->deed == call->deed_count) {
        call_finish(call);
        return;
    }
    const struct deed *deed = deed_at(call);
    call->fate = weather_fate(call->stage);
    if (!deed->name) {
        send_by_http(call, json_copy(deed->http));
        return;
    }
    json_t *request = deed->request ? deed->request : call->input;
    call_ask(call, "effect.begin/1",
             json_pack("{s:s, s:O}", "name", deed->name, "request", request), begun);
}
