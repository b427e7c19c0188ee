/* SPDX-License-Identifier: Apache-2.0
 *
 * What an answer means. Its status is a success, or one of the failures that the host has rules
 * for; what became of the world is what the host saw and never what is thought here. A redirect is
 * a failure: to follow it would be to send what was meant for one place to another.
 */
#include "http.h"

#include <seam/utf8.h>

static int32_t meaning_of(const char *word)
{
    static const struct {
        const char *word;
        int32_t meaning;
    } all[] = {{"ok", MEANS_OK},
               {"null", MEANS_NULL},
               {"input", SEAM_E_INPUT},
               {"failed", SEAM_E_FAILED},
               {"denied", SEAM_E_DENIED},
               {"unavailable", SEAM_E_UNAVAILABLE},
               {"rate_limited", SEAM_E_RATE_LIMITED},
               {"timeout", SEAM_E_TIMEOUT},
               {"busy", SEAM_E_BUSY},
               {"unsupported", SEAM_E_UNSUPPORTED}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(all[i].word, word) == 0)
            return all[i].meaning;
    return SEAM_E_FAILED;
}

static const char *header(const seam_http_response *got, const char *name, char text[static 256])
{
    char pointer[64];
    snprintf(pointer, sizeof(pointer), "/%s", name);
    char *value = seam_json_text(seam_json_at(got->headers, pointer), NULL);
    snprintf(text, 256, "%s", value ? value : "");
    free(value);
    return text;
}

/* Some services say "too often" with 403, and nothing left to ask with. */
static bool is_spent(const seam_http_response *got)
{
    char text[256];
    return strcmp(header(got, "x-ratelimit-remaining", text), "0") == 0 ||
           header(got, "retry-after", text)[0] != '\0';
}

static int32_t usual_meaning(const seam_http_response *got)
{
    switch (got->status) {
    case 204:
    case 205:
        return MEANS_NULL;
    case 400:
    case 413:
    case 414:
    case 415:
    case 422:
        return SEAM_E_INPUT;
    case 403:
        return is_spent(got) ? SEAM_E_RATE_LIMITED : SEAM_E_DENIED;
    case 407:
        return SEAM_E_DENIED;
    case 501:
    case 505:
        return SEAM_E_UNSUPPORTED;
    case 425:
        return SEAM_E_UNAVAILABLE;
    default:
        return got->status / 100 == 2 ? MEANS_OK : (int32_t)seam_http_failure(got->status);
    }
}

int32_t answer_meaning(const struct operation *op, const seam_http_response *got)
{
    char exact[16], family[16];
    snprintf(exact, sizeof(exact), "%d", got->status);
    snprintf(family, sizeof(family), "%dXX", got->status / 100);
    const json_t *said = json_object_get(op->statuses, exact);
    if (!said)
        said = json_object_get(op->statuses, family);
    return said ? meaning_of(json_string_value(said)) : usual_meaning(got);
}

seam_bytes answer_json(const seam_http_response *got)
{
    seam_bytes body = {got->body, got->body ? got->body_len : 0};
    return got->json.len > 0 ? got->json : seam_json_parse(body);
}

/* ---- failures ---- */

/* What a service says of a failure, where most of them say it; else the beginning of the body. */
static char *excerpt(const seam_http_response *got)
{
    static const char *const places[] = {
        "/message", "/error/message", "/error_description", "/detail",
        "/title",   "/error",         "/errors/0/message",  "/errors/0"};
    seam_bytes body = answer_json(got);
    char *said = NULL;
    for (size_t i = 0; !said && i < sizeof(places) / sizeof(places[0]); i++)
        said = seam_json_text(seam_json_at(body, places[i]), NULL);
    if (!said && got->body)
        said = strndup(got->body, HTTP_EXCERPT);
    for (char *c = said; c && *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            *c = ' ';
    if (said && strlen(said) > HTTP_EXCERPT) {
        size_t end = HTTP_EXCERPT;
        while (end > 0 && ((unsigned char)said[end] & 0xC0) == 0x80)
            end--;
        said[end] = '\0';
    }
    return said;
}

static void fail(const seam_host *host, seam_id call, const seam_http_response *got, int32_t status,
                 const char *code, const char *message)
{
    seam_writer body = SEAM_WRITER;
    seam_put_object(&body, NULL);
    seam_put_text(&body, "message", message);
    seam_put_text(&body, "code", code);
    seam_put_end(&body);
    seam_reply reply = {.size = sizeof(reply),
                        .status = status,
                        .effect = got->answer.effect,
                        .retry_after_ms = got->answer.retry_after_ms,
                        .body = seam_written(&body),
                        .code = seam_text(code)};
    host->complete(host, call, &reply);
    seam_writer_done(&body);
}

void answer_fail(const struct operation *op, const seam_host *host, seam_id call,
                 const seam_http_response *got, int32_t status)
{
    char message[HTTP_EXCERPT + 600], code[32], to[256];
    char *said = excerpt(got);
    if (got->answer.status != SEAM_OK) {
        seam_complete_answer(host, call, &got->answer);
        free(said);
        return;
    }
    snprintf(code, sizeof(code), "http.%d", got->status);
    if (got->status / 100 == 3 && header(got, "location", to)[0] != '\0')
        snprintf(message, sizeof(message),
                 "%s %s leads to %s, and redirects are not followed (cure: if that is where the "
                 "service is, write it into `url` and the grant)",
                 op->method, op->path, to);
    else
        snprintf(message, sizeof(message), "%s %s was answered with status %d%s%s", op->method,
                 op->path, got->status, said && *said ? ": " : "", said ? said : "");
    fail(host, call, got, status, code, message);
    free(said);
}

void answer_garbage(const seam_host *host, seam_id call, const seam_http_response *got,
                    const char *what)
{
    fail(host, call, got, SEAM_E_UNAVAILABLE, "http.garbage", what);
}

/* ---- success ---- */

/* JSON as it came; text as a string; other bytes as {"base64": …}. */
static void put_body(seam_writer *out, const seam_http_response *got)
{
    seam_bytes body = {got->body, got->body ? got->body_len : 0};
    char type[256];
    bool is_json = strstr(header(got, "content-type", type), "json") != NULL;
    if (got->json.len > 0 || (is_json && seam_json_parse(body).len > 0)) {
        seam_put_json(out, NULL, answer_json(got));
    } else if (body.len == 0) {
        seam_put_null(out, NULL);
    } else if (seam_is_utf8(body)) {
        seam_put_string(out, NULL, body);
    } else {
        seam_put_object(out, NULL);
        seam_put_base64(out, "base64", body);
        seam_put_end(out);
    }
}

/* What a reconcile agent or a person said instead of the answer is the output itself: only such an
 * answer has no header at all. */
static bool is_told(const seam_http_response *got)
{
    seam_json_walk walk = seam_json_members(got->headers);
    return got->replayed && !seam_json_next(&walk);
}

/* The output is a header, as where a service says only where it put something. */
static void succeed_by_header(const struct operation *op, const seam_host *host, seam_id call,
                              const seam_http_response *got)
{
    char pointer[HTTP_NAME + 2], message[600];
    snprintf(pointer, sizeof(pointer), "/%s", op->take_header);
    seam_bytes value = seam_json_at(got->headers, pointer);
    if (seam_json_kind_of(value) == SEAM_JSON_STRING) {
        seam_complete_ok(host, call, got->answer.effect, value);
        return;
    }
    snprintf(message, sizeof(message), "the answer to %s %s has no header %s", op->method, op->path,
             op->take_header);
    answer_garbage(host, call, got, message);
}

static void succeed(const struct operation *op, const seam_host *host, seam_id call,
                    const seam_http_response *got, bool empty)
{
    if (op->take_header && !is_told(got)) {
        succeed_by_header(op, host, call, got);
        return;
    }
    seam_writer out = SEAM_WRITER;
    char type[256], message[600];
    bool taken = op->take && op->take[0] && !is_told(got);
    seam_bytes part = taken ? seam_json_at(answer_json(got), op->take) : answer_json(got);
    bool is_json = strstr(header(got, "content-type", type), "json") != NULL;
    if (!empty && ((taken && part.len == 0) || (is_json && got->body_len > 0 && part.len == 0))) {
        snprintf(message, sizeof(message), "the answer to %s %s is no JSON%s%s", op->method,
                 op->path, taken ? ", or has nothing at " : "", taken ? op->take : "");
        answer_garbage(host, call, got, message);
        return;
    }
    if (empty)
        seam_put_null(&out, NULL);
    else if (taken)
        seam_put_json(&out, NULL, part);
    else
        put_body(&out, got);
    seam_complete_ok(host, call, got->answer.effect, seam_written(&out));
    seam_writer_done(&out);
}

static void send(const struct operation *op, const seam_host *host, const seam_call *call,
                 struct request *r, const json_t *input)
{
    seam_http_response got = seam_http_send(host, call->id, &r->http);
    int32_t meaning = got.answer.status == SEAM_OK ? answer_meaning(op, &got) : SEAM_E_FAILED;
    if (got.answer.status == SEAM_OK && op->asks)
        reconcile_tell(op, host, call, &got, input);
    else if (got.answer.status == SEAM_OK && meaning <= MEANS_OK)
        succeed(op, host, call->id, &got, meaning == MEANS_NULL);
    else
        answer_fail(op, host, call->id, &got, meaning);
    seam_http_done(&got);
}

seam_status operation_run(const struct service *s, const struct operation *op,
                          const seam_host *host, const seam_call *call)
{
    struct request r = {0};
    json_error_t error;
    json_t *input = json_loadb(call->input.ptr, call->input.len,
                               JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    if (!input) {
        char message[300];
        snprintf(message, sizeof(message), "the input cannot be read: %s", error.text);
        return seam_complete_error(host, call->id, SEAM_E_INPUT, SEAM_EFFECT_NONE, "http.input",
                                   message);
    }
    if (request_make(&r, s, op, host, call, input)) {
        if (op->pages.by != BY_NOTHING)
            pages_run(s, op, host, call, &r);
        else
            send(op, host, call, &r, input);
    }
    request_done(&r);
    json_decref(input);
    return SEAM_OK;
}
