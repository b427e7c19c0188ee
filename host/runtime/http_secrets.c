/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets on their way: into a request at the last moment, in memory that is overwritten when the
 * request was handed on; out of the record of it; and out of whatever answers, its headers and its
 * reasons too. A plugin that uses secrets is not handed a compressed body, in which nothing can be
 * found.
 */
#include "runtime/http_internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- may it go ---- */

enum error_code send_admit_secrets(const struct send *send, struct error *reterr)
{
    const struct live_call *call = send->call;
    const char *host = send->url.host, *name;
    int port = send->url.port;
    json_t *value;
    enum error_code code = secrets_admit(call, slice_of(send->url.text), host, port, reterr);
    if (code == ERR_OK && send->text)
        code = secrets_admit(call, (struct slice){send->text, send->text_len}, host, port, reterr);
    json_object_foreach (send->headers, name, value) {
        if (code == ERR_OK)
            code = secrets_admit(call, slice_of(json_string_value(value)), host, port, reterr);
    }
    return code;
}

/* ---- what leaves ---- */

/* The agent's headers, but for what the host says itself. */
static size_t collect_headers(const struct send *send, const char *key,
                              struct egress_header ret[static HEADERS_MAX])
{
    size_t count = 0;
    const char *name;
    json_t *value;
    bool typed = false;
    json_object_foreach (send->headers, name, value) {
        if (key && strcasecmp(name, "idempotency-key") == 0)
            continue;
        typed |= strcasecmp(name, "content-type") == 0;
        ret[count++] = (struct egress_header){name, json_string_value(value)};
    }
    if (send->json && !typed)
        ret[count++] = (struct egress_header){"Content-Type", "application/json"};
    if (key)
        ret[count++] = (struct egress_header){"Idempotency-Key", key};
    return count;
}

static enum secret_spelling spelling_of_body(const struct send *send)
{
    const char *name, *type = "";
    json_t *value;
    if (send->json)
        return SECRET_JSON;
    if (send->base64)
        return SECRET_PLAIN;
    json_object_foreach (send->headers, name, value) {
        if (strcasecmp(name, "content-type") == 0)
            type = json_string_value(value);
    }
    size_t length = strcspn(type, "; ");
    if (length == 33 && strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0)
        return SECRET_PERCENT;
    bool json = (length == 16 && strncasecmp(type, "application/json", 16) == 0) ||
                (length > 5 && strncasecmp(type + length - 5, "+json", 5) == 0);
    return json ? SECRET_JSON : SECRET_PLAIN;
}

void outgoing_fill(struct outgoing *out, const struct send *send, const char *key)
{
    const struct live_call *call = send->call;
    size_t kept = 0;
    out->header_count = collect_headers(send, key, out->headers);
    out->url_filled = secrets_fill(call, slice_of(send->url.text), SECRET_PERCENT, &out->url);
    out->body_filled = secrets_fill(call, (struct slice){send->text, send->text_len},
                                    spelling_of_body(send), &out->body);
    out->filled = out->url_filled || out->body_filled;
    for (size_t i = 0; i < out->header_count; i++)
        if (secrets_fill(call, slice_of(out->headers[i].value), SECRET_PLAIN, &out->values[i])) {
            out->headers[i].value = text_str(&out->values[i]);
            out->filled = true;
        }
    /* what comes back compressed could not be searched */
    for (size_t i = 0; i < out->header_count; i++)
        if (!out->filled || strcasecmp(out->headers[i].name, "accept-encoding") != 0)
            out->headers[kept++] = out->headers[i];
    out->header_count = kept;
}

static void wipe(struct text *text)
{
    if (text->ptr)
        sodium_memzero(text->ptr, text->room);
    text_done(text);
}

void outgoing_done(struct outgoing *out)
{
    wipe(&out->url);
    wipe(&out->body);
    for (size_t i = 0; i < HEADERS_MAX; i++)
        wipe(&out->values[i]);
}

/* ---- what is recorded ---- */

/* A body's base64, with the names of secrets in the place of placeholders. */
static json_t *named_base64(const struct send *send)
{
    struct text filled;
    bool any =
        secrets_fill(send->call, (struct slice){send->text, send->text_len}, SECRET_PLAIN, &filled);
    wipe(&filled);
    if (!any)
        return json_string(send->base64);
    AUTO(freep) char *named = secrets_name(send->call, (struct slice){send->text, send->text_len});
    char hex[DIGEST_HEX_SIZE];
    struct digest digest = digest_of(slice_of(named));
    digest_hex(&digest, hex);
    return json_sprintf("with a secret, sha256 %s", hex);
}

json_t *send_recorded(const struct send *send)
{
    json_t *asked = json_pack("{s:s, s:s}", "method", send->method, "url", send->url.text);
    if (send->json)
        json_object_set(asked, "json", send->json);
    else if (send->base64)
        json_object_set_new(asked, "body_base64", named_base64(send));
    else if (send->has_body)
        json_object_set_new(asked, "body", json_stringn(send->text, send->text_len));
    json_t *named = secrets_name_json(send->call, asked);
    json_decref(asked);
    return named;
}

/* ---- what comes back ---- */

bool answer_is_encoded(const struct egress_answer *answer)
{
    for (size_t i = 0; i < answer->header_count; i++)
        if (strcmp(answer->headers[i].name, "content-encoding") == 0 &&
            strcasecmp(answer->headers[i].value, "identity") != 0)
            return true;
    return false;
}

static void hide_headers(const struct host *host, struct hidden *hidden)
{
    const struct egress_answer *from = &hidden->answer;
    size_t count = from->header_count < LIMIT_HEADERS ? from->header_count : LIMIT_HEADERS;
    for (size_t i = 0; i < count; i++) {
        hidden->headers[i] = from->headers[i];
        hidden->names[i] = secrets_hide(host, slice_of(from->headers[i].name), true, NULL);
        hidden->values[i] = secrets_hide(host, slice_of(from->headers[i].value), false, NULL);
        if (hidden->names[i])
            hidden->headers[i].name = hidden->names[i];
        if (hidden->values[i])
            hidden->headers[i].value = hidden->values[i];
    }
    hidden->answer.headers = hidden->headers;
    hidden->answer.header_count = count;
}

struct hidden *hidden_new(const struct host *host, bool has_secrets,
                          const struct egress_answer *answer)
{
    struct hidden *hidden = xcalloc(1, sizeof(*hidden));
    size_t len = 0;
    hidden->answer = *answer;
    if (vault_empty(host->vault))
        return hidden;
    if (answer->fate == FATE_ANSWERED) {
        hide_headers(host, hidden);
        hidden->body = secrets_hide(host, answer->body, false, &len);
        if (hidden->body)
            hidden->answer.body = (struct slice){hidden->body, len};
        if (answer_is_encoded(answer) && has_secrets)
            hidden->answer.body = SLICE("[withheld: a compressed body cannot be searched for "
                                        "secrets]");
    } else if (answer->reason) {
        hidden->reason = secrets_hide(host, slice_of(answer->reason), false, NULL);
        if (hidden->reason)
            hidden->answer.reason = hidden->reason;
    }
    return hidden;
}

void hidden_free(struct hidden *hidden)
{
    if (!hidden)
        return;
    for (size_t i = 0; i < LIMIT_HEADERS; i++) {
        free(hidden->names[i]);
        free(hidden->values[i]);
    }
    free(hidden->body);
    free(hidden->reason);
    free(hidden);
}
