/* SPDX-License-Identifier: Apache-2.0
 *
 * http.send: what may leave, as what effect, and what its answer means. Every request passes a
 * grant. A request that changes the world is an effect: one that the agent began and names, or one
 * made for it, named by method, path and ordinal. It leaves only when the journal says so, carries
 * the effect's key, leaves once, and its answer is journaled here whether or not the agent still
 * lives. A stored answer is given again; the world is not.
 */
#include "runtime/http_internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- what was asked ---- */

void send_done(struct send *send)
{
    egress_url_done(&send->url);
    free(send->text);
}

static bool read_body(struct send *send, json_t *body)
{
    json_t *text = json_object_get(body, "body"), *base64 = json_object_get(body, "body_base64");
    send->json = json_object_get(body, "json");
    send->has_body = text || base64 || send->json;
    if (send->json) {
        struct text out;
        text_init(&out, SIZE_MAX / 2);
        json_write(send->json, &out);
        send->text_len = out.len;
        send->text = text_take(&out);
        return !text && !base64;
    }
    if (base64) {
        send->base64 = json_string_value(base64);
        size_t room = json_string_length(base64), length = 0;
        unsigned char *bytes = xmalloc(room + 1);
        send->text = (char *)bytes;
        bool good = send->base64 && !text &&
                    sodium_base642bin(bytes, room, send->base64, room, NULL, &length, NULL,
                                      sodium_base64_VARIANT_ORIGINAL) == 0;
        send->text_len = length;
        return good;
    }
    if (text) {
        if (!json_is_string(text))
            return false;
        send->text_len = json_string_length(text);
        send->text = xstrndup(json_string_value(text), send->text_len);
    }
    return true;
}

static bool headers_ok(const json_t *headers)
{
    const char *name;
    json_t *value;
    if (headers && (!json_is_object(headers) || json_object_size(headers) > HEADERS_MAX - 2))
        return false;
    json_object_foreach ((json_t *)headers, name, value) {
        if (!json_is_string(value))
            return false;
    }
    return true;
}

bool send_read(struct send *send, json_t *body, struct error *reterr)
{
    const char *url = json_string_value(json_object_get(body, "url"));
    json_t *timeout = json_object_get(body, "timeout_ms"),
           *effect = json_object_get(body, "effect");
    send->method = json_string_value(json_object_get(body, "method"));
    send->effect = json_string_value(effect);
    send->headers = json_object_get(body, "headers");
    send->timeout_ms = json_integer_value(timeout);
    if (!send->method || !url) {
        error_set(reterr, ERR_INPUT, "expected `method` and `url`");
        return false;
    }
    if (egress_url_split(url, &send->url, reterr) != ERR_OK)
        return false;
    if (!read_body(send, body)) {
        error_set(reterr, ERR_INPUT, "expected one of `body` (text), `body_base64`, `json`");
        return false;
    }
    if (timeout && (!json_is_integer(timeout) || send->timeout_ms <= 0)) {
        error_set(reterr, ERR_INPUT, "`timeout_ms` must be a positive integer");
        return false;
    }
    if (effect && !send->effect) {
        error_set(reterr, ERR_INPUT, "`effect` must be the name of an effect that was begun");
        return false;
    }
    if (!headers_ok(send->headers)) {
        error_set(reterr, ERR_INPUT, "`headers` must be an object of at most %d strings",
                  HEADERS_MAX - 2);
        return false;
    }
    return true;
}

/* ---- grants ---- */

static bool path_matches(const char *pattern, const char *path)
{
    size_t length = strlen(pattern);
    if (length > 0 && pattern[length - 1] == '*')
        return strncmp(pattern, path, length - 1) == 0;
    return strcmp(pattern, path) == 0;
}

static bool is_read(const struct http_grant *grant, const char *method, const char *path)
{
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 || strcmp(method, "OPTIONS") == 0)
        return true;
    for (size_t i = 0; i < grant->read_count; i++)
        if (strcmp(grant->reads[i].method, method) == 0 && path_matches(grant->reads[i].path, path))
            return true;
    return false;
}

static bool grant_covers(const struct http_grant *grant, const struct send *send)
{
    if (strcmp(grant->scheme, send->url.scheme) != 0 || strcmp(grant->host, send->url.host) != 0 ||
        grant->port != send->url.port)
        return false;
    for (size_t i = 0; i < grant->method_count; i++)
        if (strcmp(grant->methods[i], send->method) == 0)
            return true;
    return false;
}

static bool find_grant(struct send *send)
{
    const struct manifest_plugin *entry = send->call->slot->roster->entry;
    for (size_t i = 0; i < entry->http_count; i++)
        if (grant_covers(&entry->http[i], send)) {
            send->grant = &entry->http[i];
            /* the agent may know better than the grant that it does, never that it does not */
            send->mutating = send->effect || !is_read(send->grant, send->method, send->url.path);
            return true;
        }
    return false;
}

/* ---- the answer ---- */

static json_t *body_json(const struct egress_answer *answer, const char *type, json_t *response)
{
    json_t *json = NULL;
    size_t length = strcspn(type, ";");
    bool is_json = (length == 16 && strncasecmp(type, "application/json", 16) == 0) ||
                   (length > 5 && strncasecmp(type + length - 5, "+json", 5) == 0);
    if (is_json && json_read(answer->body, LIMIT_PAYLOAD, &json, NULL) == ERR_OK)
        json_object_set_new(response, "json", json);
    return response;
}

json_t *answer_headers(const struct egress_answer *answer)
{
    json_t *headers = json_object();
    for (size_t i = 0; i < answer->header_count; i++) {
        const struct egress_header *header = &answer->headers[i];
        const char *before = json_string_value(json_object_get(headers, header->name));
        AUTO(freep)
        char *value = before ? xasprintf("%s, %s", before, header->value) : xstrdup(header->value);
        json_object_set_new(headers, header->name, json_string(value));
    }
    return headers;
}

static json_t *response_json(const struct egress_answer *answer)
{
    const char *type = "";
    for (size_t i = 0; i < answer->header_count; i++)
        if (strcmp(answer->headers[i].name, "content-type") == 0)
            type = answer->headers[i].value;
    json_t *response =
        json_pack("{s:i, s:o}", "status", answer->status, "headers", answer_headers(answer));
    if (slice_valid_utf8(answer->body)) {
        json_object_set_new(
            response, "body",
            json_stringn(answer->body.ptr ? answer->body.ptr : "", answer->body.len));
        return body_json(answer, type, response);
    }
    size_t room = sodium_base64_encoded_len(answer->body.len, sodium_base64_VARIANT_ORIGINAL);
    AUTO(freep) char *base64 = xmalloc(room);
    sodium_bin2base64(base64, room, (const unsigned char *)answer->body.ptr, answer->body.len,
                      sodium_base64_VARIANT_ORIGINAL);
    json_object_set_new(response, "body_base64", json_string(base64));
    return response;
}

/* What the host saw of an effect's request. Success is done; a status that the grant lists as a
 * refusal, and a request of which no byte left, are nothing; all else is in doubt. */
static enum outcome outcome_of(const struct transfer *transfer, const struct egress_answer *answer)
{
    if (answer->fate == FATE_UNSENT)
        return OUTCOME_NONE;
    if (answer->fate != FATE_ANSWERED)
        return OUTCOME_UNKNOWN;
    if (answer->status >= 200 && answer->status < 300)
        return OUTCOME_DONE;
    for (size_t i = 0; i < transfer->refusal_count; i++)
        if (transfer->refusals[i] == answer->status)
            return OUTCOME_NONE;
    return OUTCOME_UNKNOWN;
}

static void transfer_free(struct transfer *transfer)
{
    struct live_run *live = transfer->live;
    if (transfer->call) {
        *transfer->back = transfer->next;
        if (transfer->next)
            transfer->next->back = transfer->back;
    }
    timer_stop(&transfer->settle);
    free(transfer->effect);
    free(transfer->refusals);
    free(transfer);
    live->transfers--;
    live_release(live);
}

static void forget_barrier(void *user, enum error_code code, const struct error *err)
{
    (void)user;
    (void)code;
    (void)err;
}

static void record_effect(struct transfer *transfer, const struct egress_answer *answer,
                          json_t *response)
{
    struct host *host = transfer->live->host;
    struct event event = {
        .kind = EVENT_EFFECT_ENDED,
        .task = transfer->task,
        .attempt = transfer->attempt,
        .effect = transfer->effect,
        .outcome = outcome_of(transfer, answer),
        .message = answer->fate == FATE_ANSWERED ? NULL : answer->reason,
        .response = response,
    };
    /* a host that stops keeps what it saw done; what it closed itself the next one counts from its
     * own taking over */
    if (host->stopping && event.outcome != OUTCOME_DONE)
        return;
    live_happen(transfer->live, &event, NULL);
    if (event.outcome == OUTCOME_DONE)
        host_barrier(host, false, forget_barrier, NULL);
}

int32_t http_status_of(const struct egress_answer *answer)
{
    return answer->code == ERR_TIMEOUT  ? SEAM_E_TIMEOUT
           : answer->code == ERR_DENIED ? SEAM_E_DENIED
           : answer->code == ERR_LIMIT  ? SEAM_E_FAILED
                                        : SEAM_E_UNAVAILABLE;
}

const char *http_code_of(const struct egress_answer *answer)
{
    return answer->code == ERR_DENIED    ? "place-denied"
           : answer->fate == FATE_UNSENT ? "unsent"
           : answer->code == ERR_TIMEOUT ? "timeout"
           : answer->code == ERR_LIMIT   ? "too-large"
           : answer->begun               ? "cut-off"
                                         : "http";
}

static void answered(void *user, const struct egress_answer *seen)
{
    struct transfer *transfer = user;
    struct host *host = transfer->live->host;
    struct hidden *hidden = hidden_new(host, transfer->has_secrets, seen);
    const struct egress_answer *answer = &hidden->answer;
    struct slot *slot = transfer->call ? transfer->call->slot : NULL;
    json_t *response = answer->fate == FATE_ANSWERED ? response_json(answer) : NULL;
    if (transfer->effect)
        record_effect(transfer, answer, response);
    if (transfer->call)
        transfer->call->retry_after_ms = egress_retry_after(answer, host_now(host));
    if (!slot || host->stopping) {
        json_decref(response);
    } else if (response) {
        service_answer(slot, transfer->request, SEAM_OK,
                       transfer->effect ? (uint32_t)outcome_of(transfer, answer) : SEAM_EFFECT_NONE,
                       response);
    } else {
        uint32_t effect = transfer->effect && answer->fate == FATE_UNKNOWN ? SEAM_EFFECT_UNKNOWN
                                                                           : SEAM_EFFECT_NONE;
        service_fail(slot, transfer->request, http_status_of(answer), effect, http_code_of(answer),
                     "%s", answer->reason);
    }
    hidden_free(hidden);
    transfer_free(transfer);
}

/* ---- sending ---- */

struct egress_request send_request(const struct send *send, const char *key, struct outgoing *out)
{
    outgoing_fill(out, send, key);
    return (struct egress_request){
        .method = send->method,
        .url = out->url_filled ? text_str(&out->url) : send->url.text,
        .headers = out->headers,
        .header_count = out->header_count,
        .body =
            out->body_filled ? text_slice(&out->body) : (struct slice){send->text, send->text_len},
        .timeout_ms = send_patience(send),
        .maximum = (size_t)send->call->live->host->manifest->payload,
        .mutating = key != NULL,
        .allow_private = send->grant->private_network,
    };
}

static void transmit(const struct send *send, const char *effect, const char *key)
{
    struct live_call *call = send->call;
    struct host *host = call->live->host;
    AUTO(outgoing_done) struct outgoing out = {0};
    struct error err;
    struct egress_request request = send_request(send, key, &out);
    struct transfer *transfer = xcalloc(1, sizeof(*transfer));
    transfer->call = call;
    transfer->live = call->live;
    transfer->task = call->task;
    transfer->attempt = call->attempt;
    transfer->request = send->request;
    transfer->refusal_count = send->grant->refusal_count;
    transfer->refusals = xcalloc(transfer->refusal_count + 1, sizeof(int));
    for (size_t i = 0; i < transfer->refusal_count; i++)
        transfer->refusals[i] = send->grant->refusals[i];
    transfer->has_secrets = call->slot->roster->entry->secret_count > 0;
    transfer->effect = effect ? xstrdup(effect) : NULL;
    transfer->next = call->transfers;
    transfer->back = &call->transfers;
    if (transfer->next)
        transfer->next->back = &transfer->next;
    call->transfers = transfer;
    call->live->transfers++;
    timer_init(&transfer->settle, host, transfer);
    if (outside_send(call, &request, answered, transfer, &transfer->id, &err) != ERR_OK) {
        struct egress_answer refused = {.fate = FATE_UNSENT, .code = err.code, .reason = err.text};
        answered(transfer, &refused);
    }
}

/* ---- effects: what waits for the barrier ---- */

struct held {
    struct live_run *live;
    struct slot *slot;
    uint64_t call, request;
    uint32_t task, attempt;
    char *effect, *key;
    json_t *body;
};

static void mark_sent(struct live_call *call, const char *effect)
{
    if (!call->sent)
        call->sent = json_object();
    json_object_set_new(call->sent, effect, json_true());
}

static void unsent(struct live_run *live, uint32_t task, uint32_t attempt, const char *effect)
{
    struct event event = {.kind = EVENT_EFFECT_ENDED,
                          .task = task,
                          .attempt = attempt,
                          .effect = effect,
                          .outcome = OUTCOME_NONE};
    if (!live->host->stopping)
        live_happen(live, &event, NULL);
}

static void effect_durable(void *user, enum error_code code, const struct error *err)
{
    struct held *held = user;
    struct live_run *live = held->live;
    struct live_call *call = call_find(held->slot, held->call);
    struct send send = {.call = call, .request = held->request};
    struct error ignored;
    if (code == ERR_OK && call && send_read(&send, held->body, &ignored) && find_grant(&send) &&
        send_admit_secrets(&send, &ignored) == ERR_OK) {
        mark_sent(call, held->effect);
        transmit(&send, held->effect, held->key);
    } else {
        unsent(live, held->task, held->attempt, held->effect);
        if (call)
            service_fail(held->slot, held->request, SEAM_E_UNAVAILABLE, SEAM_EFFECT_NONE, "no-room",
                         "nothing was sent: %s", err ? err->text : "it is not granted any more");
    }
    send_done(&send);
    json_decref(held->body);
    free(held->effect);
    free(held->key);
    free(held);
    live->barriers--;
    live_release(live);
}

static void hold(const struct send *send, const char *effect, const char *key, json_t *body)
{
    struct live_call *call = send->call;
    struct held *held = xcalloc(1, sizeof(*held));
    *held = (struct held){.live = call->live,
                          .slot = call->slot,
                          .call = call->id,
                          .request = send->request,
                          .task = call->task,
                          .attempt = call->attempt,
                          .effect = xstrdup(effect),
                          .key = xstrdup(key),
                          .body = json_incref(body)};
    call->live->barriers++;
    host_barrier(call->live->host, true, effect_durable, held);
}

/* A stored answer, or a result that came by another way, in the form of an answer. */
static void replay(const struct send *send, const struct effect_view *effect)
{
    json_t *response = effect->response ? json_copy((json_t *)effect->response)
                                        : json_pack("{s:i, s:{}}", "status", 200, "headers");
    if (!effect->response && effect->result) {
        AUTO(text_done) struct text text;
        text_init(&text, SIZE_MAX / 2);
        json_write(effect->result, &text);
        json_object_set_new(response, "body", json_stringn(text_str(&text), text.len));
        json_object_set(response, "json", (json_t *)effect->result);
    }
    json_object_set_new(response, "replayed", json_true());
    service_answer(send->call->slot, send->request, SEAM_OK, SEAM_EFFECT_DONE, response);
}

static void send_begun(const struct send *send)
{
    struct live_call *call = send->call;
    struct effect_view effect = effect_of(call, send->effect);
    bool known = effect.name && !effect.automatic && json_object_get(call->begun, send->effect);
    if (known && effect.outcome == OUTCOME_DONE) {
        replay(send, &effect);
    } else if (!known || effect.outcome != OUTCOME_OPEN ||
               json_object_get(call->sent, send->effect)) {
        service_fail(call->slot, send->request, SEAM_E_DENIED, SEAM_EFFECT_NONE, "effect-not-open",
                     "effect `%s` is not open for a request: begin it first, and send one "
                     "request for each effect",
                     send->effect);
    } else {
        mark_sent(call, send->effect);
        transmit(send, send->effect, effect.key);
    }
}

/* "POST /bookings 1": the same name for the same place in every attempt. */
static char *automatic_name(const struct send *send)
{
    struct live_call *call = send->call;
    AUTO(freep) char *path = secrets_name(call, slice_of(send->url.path));
    AUTO(freep) char *place = xasprintf("%s %.90s", send->method, path);
    if (!call->ordinals)
        call->ordinals = json_object();
    json_int_t ordinal = json_integer_value(json_object_get(call->ordinals, place)) + 1;
    json_object_set_new(call->ordinals, place, json_integer(ordinal));
    return xasprintf("%s %lld", place, (long long)ordinal);
}

static void send_automatic(const struct send *send, json_t *body)
{
    struct live_call *call = send->call;
    AUTO(freep) char *name = automatic_name(send);
    json_t *asked = send_recorded(send);
    AUTO(freep) char *digest = request_digest(asked);
    struct event event = {.kind = EVENT_EFFECT_ASKED,
                          .task = call->task,
                          .attempt = call->attempt,
                          .effect = name,
                          .digest = digest,
                          .request = asked,
                          .automatic = true};
    struct decision decision;
    live_happen(call->live, &event, &decision);
    json_decref(asked);
    struct effect_view effect = effect_of(call, name);
    switch (decision.kind == DECISION_EFFECT ? decision.begin : BEGIN_REFUSED) {
    case BEGIN_FRESH:
        hold(send, name, effect.key, body);
        break;
    case BEGIN_DONE:
        replay(send, &effect);
        break;
    case BEGIN_UNKNOWN:
        service_fail(call->slot, send->request, SEAM_E_UNAVAILABLE, SEAM_EFFECT_UNKNOWN, "in-doubt",
                     "%s was sent before and nobody knows what came of it", name);
        break;
    case BEGIN_CONFLICT:
        service_fail(call->slot, send->request, SEAM_E_FAILED, SEAM_EFFECT_NONE, "conflict",
                     "%s was another request in an earlier attempt; nothing was sent", name);
        break;
    case BEGIN_REFUSED:
        service_fail(call->slot, send->request, SEAM_E_DENIED, SEAM_EFFECT_NONE, "effect-refused",
                     "%s may not begin: %s", name, rule_meaning("effect-refused"));
        break;
    }
    decision_done(&decision);
}

bool send_may_leave(struct send *send)
{
    struct live_call *call = send->call;
    struct error err;
    bool granted = find_grant(send);
    if (granted && send_admit_secrets(send, &err) == ERR_OK)
        return true;
    if (!granted)
        service_fail(call->slot, send->request, SEAM_E_DENIED, SEAM_EFFECT_NONE, "not-granted",
                     "%s %s://%s:%d is not granted: plugins.%s.grants.http of the manifest would "
                     "have to name it",
                     send->method, send->url.scheme, send->url.host, send->url.port,
                     call->slot->roster->entry->alias);
    else
        service_fail(call->slot, send->request, SEAM_E_DENIED, SEAM_EFFECT_NONE, "secret",
                     "nothing was sent: %s", err.text);
    return false;
}

static void admit(struct send *send, json_t *body)
{
    struct live_call *call = send->call;
    enum effect_class class = call->agent->effect;
    if (!send_may_leave(send))
        return;
    if (!send->mutating)
        transmit(send, NULL, NULL);
    else if (class == CLASS_READ)
        service_fail(call->slot, send->request, SEAM_E_DENIED, SEAM_EFFECT_NONE, "class",
                     "agent %s is declared `read`: %s %s changes the world unless the grant names "
                     "it among its `reads`",
                     call->agent->name, send->method, send->url.path);
    else if (send->effect)
        send_begun(send);
    else
        send_automatic(send, body);
}

void http_asked(struct live_call *call, uint64_t request, json_t *body)
{
    struct send send = {.call = call, .request = request};
    struct error err;
    if (send_read(&send, body, &err))
        admit(&send, body);
    else
        service_fail(call->slot, request, SEAM_E_INPUT, SEAM_EFFECT_NONE, "bad-request",
                     "http.send/1: %s", err.text);
    send_done(&send);
}

static void settled(struct timer *timer)
{
    struct transfer *transfer = timer->data;
    outside_abort(transfer->live->host, transfer->id);
}

void transfer_orphan(struct transfer *transfer)
{
    struct host *host = transfer->live->host;
    const struct agent *agent = transfer->call->agent;
    *transfer->back = transfer->next;
    if (transfer->next)
        transfer->next->back = transfer->back;
    transfer->call = NULL;
    transfer->next = NULL;
    if (!transfer->effect || host->stopping)
        outside_abort(host, transfer->id);
    else if (agent->settle_ms >= 0)
        timer_start(&transfer->settle, settled, agent->settle_ms);
    /* else it is let go on to its own timeout, for it may still bring evidence */
}
