/* SPDX-License-Identifier: Apache-2.0
 *
 * Typed helpers over seam/plugin.h for straight-line agents: those that do their work inside
 * start() and complete the call as its last line. Header only, C11 or C++17, libc. Nothing here is
 * part of the ABI and nothing is needed: it spells requests as seam_host.request takes them.
 *
 *     static seam_status start(void *self, const seam_call *call)
 *     {
 *         const seam_host *host = (const seam_host *)self;
 *         seam_http_request ask = {"GET", "https://api.example.com/v1/rate", …};
 *         seam_http_response got = seam_http_send(host, call->id, &ask);
 *         seam_status ended =
 *             got.answer.status != SEAM_OK
 *                 ? seam_complete_answer(host, call->id, &got.answer)
 *                 : seam_complete_ok(host, call->id, SEAM_EFFECT_NONE, got.json);
 *         seam_http_done(&got);
 *         return ended;
 *     }
 *
 * All functions that ask the host block and may not be used by a SEAM_NONBLOCKING agent inside
 * start(); it writes the same bodies (seam_http_write) and reads the same answers (seam_http_read),
 * with seam_host.request between. No helper tries anything again: that is the host's decision.
 */
#ifndef SEAM_SDK_H
#define SEAM_SDK_H

#include <seam/json.h>
#include <seam/writer.h>

#include <stdarg.h>

/* ---- The table ---- */

/* An agent: static const seam_agent greet = SEAM_AGENT("greet", SEAM_PURE, 0); */
#define SEAM_AGENT(name, effect, flags)                                                            \
    {                                                                                              \
        sizeof(seam_agent), (effect), (flags), (name)                                              \
    }

/* The whole table and the exported function of a plugin without state, in one line:
 *
 *     static const seam_agent *const agents[] = {&greet, NULL};
 *     SEAM_PLUGIN("org.example.hello", "1.0.0", agents, start)
 *
 * start()'s self is then the const seam_host *. A plugin with state writes its table out. */
#define SEAM_PLUGIN(id, version, agents, start)                                                    \
    static const seam_plugin seam_plugin_table = {sizeof(seam_plugin),                             \
                                                  0,                                               \
                                                  (id),                                            \
                                                  (version),                                       \
                                                  (agents),                                        \
                                                  seam_create_stateless,                           \
                                                  (start),                                         \
                                                  NULL,                                            \
                                                  NULL,                                            \
                                                  NULL,                                            \
                                                  NULL};                                           \
    SEAM_EXPORT const seam_plugin *seam_plugin_v1(uint32_t host_minor)                             \
    {                                                                                              \
        (void)host_minor;                                                                          \
        return &seam_plugin_table;                                                                 \
    }

/* A create() whose instance is the host's own table. */
static inline seam_status seam_create_stateless(const seam_host *host, seam_bytes config,
                                                void **ret_self)
{
    (void)config;
    *ret_self = (void *)(uintptr_t)host; /* start() takes it back as const */
    return SEAM_OK;
}

/* ---- Ending a call ---- */
/* Each ends the call and returns SEAM_OK, "the call was taken", for start() to return. `effect` is
 * what the agent claims of the world: SEAM_EFFECT_NONE only if nothing can have changed. */

static inline seam_status seam_complete_(const seam_host *host, seam_id call, seam_status status,
                                         uint32_t effect, seam_bytes body, const char *code)
{
    seam_reply reply;
    memset(&reply, 0, sizeof(reply));
    reply.size = sizeof(reply);
    reply.status = status;
    reply.effect = effect;
    reply.body = body;
    reply.code = seam_text(code);
    host->complete(host, call, &reply);
    return SEAM_OK;
}

/* `code` is a stable reason for programs, one of the card's `errors`; "" = none. */
static inline seam_status seam_complete_error(const seam_host *host, seam_id call,
                                              seam_status status, uint32_t effect, const char *code,
                                              const char *message)
{
    seam_writer body = SEAM_WRITER;
    seam_put_object(&body, NULL);
    seam_put_text(&body, "message", message);
    if (*code)
        seam_put_text(&body, "code", code);
    seam_put_end(&body);
    seam_complete_(host, call, status, effect, seam_written(&body), code);
    seam_writer_done(&body);
    return SEAM_OK;
}

/* `output` is JSON. Absent, as after a failed seam_writer, it ends the call as SEAM_E_INTERNAL. */
static inline seam_status seam_complete_ok(const seam_host *host, seam_id call, uint32_t effect,
                                           seam_bytes output)
{
    if (output.len == 0)
        return seam_complete_error(host, call, SEAM_E_INTERNAL, effect, "",
                                   "the plugin could not write its output");
    return seam_complete_(host, call, SEAM_OK, effect, output, "");
}

/* Asks a person; nothing may have been done. `schema` is the JSON Schema of the answer. */
static inline seam_status seam_complete_input_required(const seam_host *host, seam_id call,
                                                       const char *question, seam_bytes schema)
{
    seam_writer body = SEAM_WRITER;
    seam_put_object(&body, NULL);
    seam_put_text(&body, "question", question);
    seam_put_json(&body, "schema", schema);
    seam_put_end(&body);
    seam_bytes written = seam_written(&body);
    if (written.len > 0)
        seam_complete_(host, call, SEAM_E_INPUT_REQUIRED, SEAM_EFFECT_NONE, written, "");
    else
        seam_complete_error(host, call, SEAM_E_INTERNAL, SEAM_EFFECT_NONE, "",
                            "the plugin could not write its question");
    seam_writer_done(&body);
    return SEAM_OK;
}

/* ---- Asking the host ---- */

/* A reply that was kept: a copy that is the caller's until seam_answer_done(). */
typedef struct seam_answer {
    seam_status status;
    uint32_t effect;         /* SEAM_EFFECT_*, as the host saw it */
    uint32_t retry_after_ms; /* 0 = not said */
    char *body;              /* JSON, ended by NUL; NULL only when memory was short */
    size_t body_len;
    char code[128]; /* ended by NUL, cut if longer */
} seam_answer;

static inline void seam_answer_done(seam_answer *answer)
{
    free(answer->body);
    answer->body = NULL;
    answer->body_len = 0;
}

static inline seam_bytes seam_answer_body(const seam_answer *answer)
{
    seam_bytes body = {answer->body, answer->body_len};
    return body;
}

static inline void seam_answer_set_(seam_answer *answer, seam_bytes body, seam_bytes code)
{
    size_t code_len = code.len < sizeof(answer->code) ? code.len : sizeof(answer->code) - 1;
    if (code_len > 0)
        memcpy(answer->code, code.ptr, code_len);
    answer->code[code_len] = '\0';
    seam_answer_done(answer);
    answer->body = (char *)malloc(body.len + 1);
    if (!answer->body) {
        answer->status = SEAM_E_INTERNAL;
        return;
    }
    if (body.len > 0)
        memcpy(answer->body, body.ptr, body.len);
    answer->body[body.len] = '\0';
    answer->body_len = body.len;
}

/* Turns an answer into a failure; `body` is an error object. */
static inline void seam_answer_fail_(seam_answer *answer, seam_status status, uint32_t effect,
                                     const char *code, const char *body)
{
    answer->status = status;
    answer->effect = effect;
    seam_answer_set_(answer, seam_text(body), seam_text(code));
}

/* The seam_reply_fn that keeps a reply in the seam_answer that `user` points to. */
static inline void seam_answer_keep(void *user, const seam_reply *reply)
{
    seam_answer *answer = (seam_answer *)user;
    answer->status = reply->status;
    answer->effect = reply->effect;
    answer->retry_after_ms = reply->retry_after_ms;
    seam_answer_set_(answer, reply->body, reply->code);
}

/* Asks for `op` and waits. An absent body, as after a failed seam_writer, is not sent. */
static inline seam_answer seam_ask(const seam_host *host, seam_id call, const char *op,
                                   seam_bytes body)
{
    seam_answer answer;
    memset(&answer, 0, sizeof(answer));
    if (body.len == 0) {
        seam_answer_fail_(&answer, SEAM_E_INTERNAL, SEAM_EFFECT_NONE, "",
                          "{\"message\":\"the plugin could not write its request\"}");
    } else {
        answer.status = SEAM_E_INTERNAL; /* until the host says otherwise */
        answer.effect = SEAM_EFFECT_UNKNOWN;
        host->request_wait(host, call, op, body, seam_answer_keep, &answer);
    }
    return answer;
}

/* The same for a body in a writer, which is done after. */
static inline seam_answer seam_ask_written_(const seam_host *host, seam_id call, const char *op,
                                            seam_writer *body)
{
    seam_answer answer = seam_ask(host, call, op, seam_written(body));
    seam_writer_done(body);
    return answer;
}

/* Ends the call with a failure that the host gave, whole: status, effect, reason and body. */
static inline seam_status seam_complete_answer(const seam_host *host, seam_id call,
                                               const seam_answer *answer)
{
    seam_reply reply;
    memset(&reply, 0, sizeof(reply));
    reply.size = sizeof(reply);
    reply.status = answer->status;
    reply.effect = answer->effect;
    reply.retry_after_ms = answer->retry_after_ms;
    reply.body = seam_answer_body(answer);
    reply.code = seam_text(answer->code);
    host->complete(host, call, &reply);
    return SEAM_OK;
}

/* ---- HTTP: http.send/1 ---- */

typedef struct seam_http_request {
    const char *method;
    const char *url;
    const char *const *headers; /* name, value, name, value, …, NULL; or NULL */
    seam_bytes json;            /* a JSON body, sent as application/json; or absent */
    seam_bytes body;            /* any other body; or absent */
    uint32_t timeout_ms;        /* 0 = what the call's deadline leaves */
    const char *effect;         /* the name of the effect begun for it; NULL = none */
} seam_http_request;

typedef struct seam_http_response {
    seam_answer answer; /* SEAM_OK: there is a response, of whatever HTTP status */
    int status;         /* 200, 404, …; 0 without one */
    bool replayed;      /* the stored result of an effect; nothing was sent */
    seam_bytes headers; /* a JSON object, names in lower case; inside `answer` */
    seam_bytes json;    /* the body, if it is JSON; else absent; inside `answer` */
    char *body;         /* the body's bytes, ended by NUL; NULL if there is none */
    size_t body_len;
} seam_http_response;

static inline void seam_http_done(seam_http_response *response)
{
    free(response->body);
    response->body = NULL;
    seam_answer_done(&response->answer);
}

/* Writes the body of an http.send/1 request. */
static inline void seam_http_write(seam_writer *out, const seam_http_request *request)
{
    seam_put_object(out, NULL);
    seam_put_text(out, "method", request->method);
    seam_put_text(out, "url", request->url);
    if (request->headers) {
        seam_put_object(out, "headers");
        for (const char *const *header = request->headers; header[0]; header += 2)
            seam_put_text(out, header[0], header[1]);
        seam_put_end(out);
    }
    if (request->json.len > 0)
        seam_put_json(out, "json", request->json);
    if (request->body.len > 0 && seam_is_utf8(request->body))
        seam_put_string(out, "body", request->body);
    else if (request->body.len > 0)
        seam_put_base64(out, "body_base64", request->body);
    if (request->timeout_ms > 0)
        seam_put_integer(out, "timeout_ms", request->timeout_ms);
    if (request->effect)
        seam_put_text(out, "effect", request->effect);
    seam_put_end(out);
}

/* Reads the answer of an http.send/1 request, which it takes over. */
static inline seam_http_response seam_http_read(seam_answer answer)
{
    seam_http_response response;
    memset(&response, 0, sizeof(response));
    response.answer = answer;
    if (answer.status != SEAM_OK)
        return response;
    seam_bytes all = seam_answer_body(&answer), text = seam_json_at(all, "/body");
    int64_t status = 0;
    if (seam_json_integer(seam_json_at(all, "/status"), &status))
        response.status = (int)status;
    response.replayed = seam_json_true(seam_json_at(all, "/replayed"));
    response.headers = seam_json_at(all, "/headers");
    response.json = seam_json_at(all, "/json");
    response.body = text.len > 0
                        ? seam_json_text(text, &response.body_len)
                        : seam_json_base64(seam_json_at(all, "/body_base64"), &response.body_len);
    return response;
}

/* Sends and waits; end with seam_http_done(). A failure's answer.effect tells whether the request
 * can have reached the other side. */
static inline seam_http_response seam_http_send(const seam_host *host, seam_id call,
                                                const seam_http_request *request)
{
    seam_writer out = SEAM_WRITER;
    seam_http_write(&out, request);
    return seam_http_read(seam_ask_written_(host, call, "http.send/1", &out));
}

/* ---- Effects: effect.begin/1, effect.commit/1 ---- */

typedef struct seam_effect {
    /* SEAM_OK: go on. Else the call should end with it (seam_complete_answer); the code is
     * "effect.unknown" if it began before and nobody knows how that ended, "effect.conflict" if it
     * began before with another request. */
    seam_answer answer;
    bool happened;     /* in an earlier attempt: use the result, do nothing */
    seam_bytes key;    /* a JSON string, the idempotency key to send; inside `answer` */
    seam_bytes result; /* of what happened: JSON as it was committed, or absent; inside `answer` */
} seam_effect;

static inline void seam_effect_done(seam_effect *effect)
{
    seam_answer_done(&effect->answer);
}

/* Begins the effect `name` (letters, digits, ._-: and unique within the call): what follows is done
 * at most once, however often the call is tried. `request` is JSON that says what is about to be
 * done; the same in every attempt. It is durable when this returns. End with seam_effect_done(). */
static inline seam_effect seam_effect_begin(const seam_host *host, seam_id call, const char *name,
                                            seam_bytes request)
{
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_text(&out, "name", name);
    seam_put_json(&out, "request", request);
    seam_put_end(&out);
    seam_effect effect;
    memset(&effect, 0, sizeof(effect));
    effect.answer = seam_ask_written_(host, call, "effect.begin/1", &out);
    if (effect.answer.status != SEAM_OK)
        return effect;
    seam_bytes all = seam_answer_body(&effect.answer), state = seam_json_at(all, "/state");
    if (seam_json_is(state, "fresh") || seam_json_is(state, "done")) {
        effect.happened = seam_json_is(state, "done");
        effect.key = seam_json_at(all, "/key");
        effect.result = seam_json_at(all, "/result");
    } else if (seam_json_is(state, "conflict")) {
        seam_answer_fail_(&effect.answer, SEAM_E_FAILED, SEAM_EFFECT_UNKNOWN, "effect.conflict",
                          "{\"message\":\"this effect began before with another request\"}");
    } else {
        seam_answer_fail_(&effect.answer, SEAM_E_FAILED, SEAM_EFFECT_UNKNOWN, "effect.unknown",
                          "{\"message\":\"this effect began before; how it ended is not known\"}");
    }
    return effect;
}

static inline seam_status seam_effect_end_(const seam_host *host, seam_id call, const char *name,
                                           const char *outcome, seam_bytes result)
{
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_text(&out, "name", name);
    seam_put_text(&out, "outcome", outcome);
    if (result.len > 0)
        seam_put_json(&out, "result", result);
    seam_put_end(&out);
    seam_answer answer = seam_ask_written_(host, call, "effect.commit/1", &out);
    seam_answer_done(&answer);
    return answer.status;
}

/* It happened, with this result (JSON, or absent): what later attempts will be given. Not needed
 * for an effect that was one http.send with its name: the host commits what it saw. */
static inline seam_status seam_effect_commit(const seam_host *host, seam_id call, const char *name,
                                             seam_bytes result)
{
    return seam_effect_end_(host, call, name, "done", result);
}

/* It surely did not happen and no longer can. SEAM_E_DENIED where the host's record says otherwise.
 */
static inline seam_status seam_effect_abandon(const seam_host *host, seam_id call, const char *name)
{
    seam_bytes absent = {NULL, 0};
    return seam_effect_end_(host, call, name, "none", absent);
}

/* ---- Budget, time, log ---- */

/* A part of the run's budget. cost is a decimal number in the operator's currency, "0.0125"; "" is
 * none. */
typedef struct seam_budget {
    int64_t tokens;
    char cost[32];
} seam_budget;

static inline seam_answer seam_budget_ask_(const seam_host *host, seam_id call, const char *op,
                                           const seam_budget *budget)
{
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    if (budget->tokens != 0)
        seam_put_integer(&out, "tokens", budget->tokens);
    if (budget->cost[0])
        seam_put_text(&out, "cost", budget->cost);
    seam_put_end(&out);
    return seam_ask_written_(host, call, op, &out);
}

/* Before spending: asks for room. On SEAM_OK *budget is what was granted, perhaps less; what is not
 * spent when the call ends goes back. SEAM_E_BUDGET: there is none. */
static inline seam_status seam_budget_reserve(const seam_host *host, seam_id call,
                                              seam_budget *budget)
{
    seam_answer answer = seam_budget_ask_(host, call, "budget.reserve/1", budget);
    if (answer.status == SEAM_OK) {
        seam_bytes all = seam_answer_body(&answer);
        char *cost = seam_json_text(seam_json_at(all, "/cost"), NULL);
        if (!seam_json_integer(seam_json_at(all, "/tokens"), &budget->tokens))
            budget->tokens = 0;
        snprintf(budget->cost, sizeof(budget->cost), "%s", cost ? cost : "");
        free(cost);
    }
    seam_answer_done(&answer);
    return answer.status;
}

/* After spending: says what was used. */
static inline seam_status seam_budget_spend(const seam_host *host, seam_id call,
                                            const seam_budget *budget)
{
    seam_answer answer = seam_budget_ask_(host, call, "budget.spend/1", budget);
    seam_answer_done(&answer);
    return answer.status;
}

/* Waits; SEAM_E_CANCELLED or SEAM_E_TIMEOUT if the call should rather end. */
static inline seam_status seam_sleep_ms(const seam_host *host, seam_id call, uint32_t ms)
{
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_integer(&out, "ms", ms);
    seam_put_end(&out);
    seam_answer answer = seam_ask_written_(host, call, "clock.sleep/1", &out);
    seam_answer_done(&answer);
    return answer.status;
}

/* One line for the operator, as printf; cut at 1000 bytes. `call` may be 0. */
__attribute__((format(printf, 4, 5))) static inline void
seam_log(const seam_host *host, seam_id call, uint32_t level, const char *format, ...)
{
    char line[1001];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    host->log(host, call, level, seam_text(line));
}

#endif
