/* SPDX-License-Identifier: Apache-2.0
 *
 * Typed helpers over seam/plugin.h for straight-line agents: those that do their work inside
 * start() and complete the call as its last line. Header only, C11 or C++17, libc. Nothing here is
 * part of the ABI and nothing is needed: it spells requests as seam_host.request takes them.
 *
 *     static seam_status start(void *self, const seam_call *call)
 *     {
 *         const seam_host *host = (const seam_host *)self;
 *         seam_http_request order = {"POST", "https://shop.example.com/v1/orders", …};
 *         seam_http_response got = seam_http_effect(host, call->id, "order", &order);
 *         if (!seam_http_ok(&got))
 *             return seam_end_http(host, call->id, &got);
 *         seam_complete_ok(host, call->id, SEAM_EFFECT_DONE, got.json);
 *         seam_http_done(&got);
 *         return SEAM_OK;
 *     }
 *
 * However often the call is tried, and whatever died meanwhile, the order is sent once: each effect
 * that is done gives its stored result to later attempts, which so go on where the last one ended.
 *
 * All functions that ask the host block and may not be used by a SEAM_NONBLOCKING agent inside
 * start(); it writes the same bodies (seam_http_write) and reads the same answers (seam_http_read),
 * with seam_host.request between. No helper tries anything again: that is the host's decision.
 */
#ifndef SEAM_SDK_H
#define SEAM_SDK_H

#include <seam/agents.h>
#include <seam/ask.h>

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
    SEAM_PLUGIN_TABLE(id, version, agents, seam_create_stateless, start, NULL, NULL, NULL)

/* The same for a plugin whose agents stand in its configuration ("agents_from": "config"), with all
 * of its functions, and `describe` as the start() of seam_describe. cancel and destroy may be NULL.
 *
 *     SEAM_PLUGIN_DESCRIBED("org.example.shop", "1.0.0", create, start, cancel, destroy, describe)
 */
#define SEAM_PLUGIN_DESCRIBED(id, version, create, start, cancel, destroy, describe)               \
    SEAM_PLUGIN_WATCHED(id, version, create, start, cancel, destroy, describe, NULL)

/* And for one that can tell when they are others: `watch` is the start() of seam_watch. */
#define SEAM_PLUGIN_WATCHED(id, version, create, start, cancel, destroy, describe, watch)          \
    static const seam_describe seam_plugin_describe = {sizeof(seam_describe), (describe)};         \
    static const seam_watch seam_plugin_watch = {sizeof(seam_watch), (watch)};                     \
    static const seam_agent *const seam_plugin_agents[] = {NULL};                                  \
    static const void *seam_plugin_extension(void *self, const char *name)                         \
    {                                                                                              \
        (void)self;                                                                                \
        if (strcmp(name, SEAM_WATCH_EXTENSION) == 0)                                               \
            return seam_plugin_watch.start ? &seam_plugin_watch : NULL;                            \
        return strcmp(name, SEAM_DESCRIBE_EXTENSION) == 0 ? &seam_plugin_describe : NULL;          \
    }                                                                                              \
    SEAM_PLUGIN_TABLE(id, version, seam_plugin_agents, create, start, cancel, destroy,             \
                      seam_plugin_extension)

/* What both come to. */
#define SEAM_PLUGIN_TABLE(id, version, agents, create, start, cancel, destroy, extension)          \
    static const seam_plugin seam_plugin_table = {sizeof(seam_plugin),                             \
                                                  0,                                               \
                                                  (id),                                            \
                                                  (version),                                       \
                                                  (agents),                                        \
                                                  (create),                                        \
                                                  (start),                                         \
                                                  (cancel),                                        \
                                                  NULL,                                            \
                                                  (destroy),                                       \
                                                  (extension)};                                    \
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

/* There is a response, and its status is one of success. */
static inline bool seam_http_ok(const seam_http_response *response)
{
    return response->answer.status == SEAM_OK && response->status / 100 == 2;
}

/* What a status that is none of success is to the host: may trying again help? */
static inline seam_status seam_http_failure(int status)
{
    if (status == 429)
        return SEAM_E_RATE_LIMITED;
    if (status == 401 || status == 403)
        return SEAM_E_DENIED;
    return status == 408 || status >= 500 ? SEAM_E_UNAVAILABLE : SEAM_E_FAILED;
}

/* Ends the call with a response that is not seam_http_ok(), and frees it. What it did to the world
 * is what the host saw; for codes of your own use seam_complete_error(). */
static inline seam_status seam_end_http(const seam_host *host, seam_id call,
                                        seam_http_response *response)
{
    char message[80], code[32];
    snprintf(message, sizeof(message), "the other side answered with status %d", response->status);
    snprintf(code, sizeof(code), "http.%d", response->status);
    if (response->answer.status != SEAM_OK)
        seam_complete_answer(host, call, &response->answer);
    else
        seam_complete_error(host, call, seam_http_failure(response->status),
                            response->answer.effect, code, message);
    seam_http_done(response);
    return SEAM_OK;
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
        /* nothing was done now, and of what stands under the key the host knows best */
        seam_answer_fail_(&effect.answer, SEAM_E_FAILED, SEAM_EFFECT_NONE, "effect.conflict",
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

/* Work that is an effect and no http.send: what seam_once() calls when it is to be done. */
typedef struct seam_deed {
    seam_bytes key;     /* a JSON string: the idempotency key, to be sent along */
    seam_writer result; /* write one JSON value: what later attempts are given; or nothing */
    seam_status status; /* how it failed; SEAM_E_FAILED unless set */
    const char *code;   /* the reason for programs, and for people; they outlive the function */
    const char *message;
} seam_deed;

/* Does it, and says what became of it: SEAM_EFFECT_DONE (committed with `result`), _NONE (surely
 * nothing happened, and no longer can) or _UNKNOWN. */
typedef uint32_t (*seam_deed_fn)(void *user, seam_deed *deed);

/* The answer of an effect that was done just now, in the form of one that is told of later. */
static inline void seam_effect_keep_(seam_effect *effect, seam_bytes result)
{
    seam_writer body = SEAM_WRITER;
    seam_put_object(&body, NULL);
    seam_put_json(&body, "key", effect->key);
    seam_put_json(&body, "result", result.len > 0 ? result : seam_text("null"));
    seam_put_end(&body);
    seam_bytes code = {NULL, 0}, all = seam_written(&body);
    seam_answer_set_(&effect->answer, all, code);
    seam_writer_done(&body);
    if (all.len == 0)
        effect->answer.status = SEAM_E_INTERNAL;
    all = seam_answer_body(&effect->answer);
    effect->answer.effect = SEAM_EFFECT_DONE;
    effect->key = seam_json_at(all, "/key");
    effect->result = seam_json_at(all, "/result");
}

static inline void seam_effect_fail_(seam_effect *effect, const seam_deed *deed, uint32_t became)
{
    seam_writer body = SEAM_WRITER;
    seam_put_object(&body, NULL);
    seam_put_text(&body, "message", deed->message ? deed->message : "the effect was not done");
    if (deed->code)
        seam_put_text(&body, "code", deed->code);
    seam_put_end(&body);
    effect->answer.status = deed->status;
    effect->answer.effect = became;
    seam_answer_set_(&effect->answer, seam_written(&body), seam_text(deed->code ? deed->code : ""));
    seam_writer_done(&body);
    memset(&effect->key, 0, sizeof(effect->key));
    memset(&effect->result, 0, sizeof(effect->result));
}

/* An effect from begin to commit, in one line: `work` runs only if it never ran before. What an
 * agent that does five of them and dies after the third does when it is called again is the last
 * two.
 *
 *     seam_effect paid = seam_once(host, call->id, "pay", request, pay, &purse);
 *     if (paid.answer.status != SEAM_OK)
 *         return seam_end_effect(host, call->id, &paid);
 *     … paid.result, as `pay` wrote it now or in an earlier attempt …
 *
 * End with seam_effect_done() or seam_end_effect(). */
static inline seam_effect seam_once(const seam_host *host, seam_id call, const char *name,
                                    seam_bytes request, seam_deed_fn work, void *user)
{
    seam_effect effect = seam_effect_begin(host, call, name, request);
    if (effect.answer.status != SEAM_OK || effect.happened)
        return effect;
    seam_deed deed = {effect.key, SEAM_WRITER, SEAM_E_FAILED, NULL, NULL};
    uint32_t became = work(user, &deed);
    seam_bytes result = seam_written(&deed.result);
    seam_status committed = SEAM_OK;
    if (became == SEAM_EFFECT_DONE)
        committed = seam_effect_commit(host, call, name, result);
    else if (became == SEAM_EFFECT_NONE && seam_effect_abandon(host, call, name) != SEAM_OK)
        became = SEAM_EFFECT_UNKNOWN; /* the host cannot know it: only its own evidence counts */
    if (became == SEAM_EFFECT_DONE && committed == SEAM_OK) {
        seam_effect_keep_(&effect, result);
    } else {
        if (became == SEAM_EFFECT_DONE) {
            deed.status = committed;
            deed.code = "effect.not-committed";
            deed.message = "it was done, and the host could not be told";
        }
        seam_effect_fail_(&effect, &deed, became);
    }
    seam_writer_done(&deed.result);
    return effect;
}

/* Ends the call with the failure of an effect, and frees it. */
static inline seam_status seam_end_effect(const seam_host *host, seam_id call, seam_effect *effect)
{
    seam_complete_answer(host, call, &effect->answer);
    seam_effect_done(effect);
    return SEAM_OK;
}

/* An effect that is one HTTP request, from begin to the stored response, in one line: it is sent
 * once, with the effect's key as Idempotency-Key, and later attempts get the response that came.
 * What the effect is, is method, URL and body, the same in every attempt; headers may differ.
 *
 *     seam_http_response paid = seam_http_effect(host, call->id, "pay", &request);
 *     if (!seam_http_ok(&paid))
 *         return seam_end_http(host, call->id, &paid);
 *
 * The host commits what it sees. Where it saw nothing and a reconcile agent or a person said what
 * happened, the response is status 200 with their result as its JSON, and `replayed`. */
static inline seam_http_response seam_http_effect(const seam_host *host, seam_id call,
                                                  const char *name,
                                                  const seam_http_request *request)
{
    seam_http_request bare = *request;
    bare.headers = NULL;
    bare.timeout_ms = 0;
    bare.effect = NULL;
    seam_writer out = SEAM_WRITER;
    seam_http_write(&out, &bare);
    seam_effect effect = seam_effect_begin(host, call, name, seam_written(&out));
    seam_writer_done(&out);
    if (effect.answer.status != SEAM_OK)
        return seam_http_read(effect.answer);
    seam_effect_done(&effect);
    bare = *request;
    bare.effect = name;
    return seam_http_send(host, call, &bare);
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
 * spent when the call ends goes back, if the agent ends it: of one that dies or is given up nobody
 * knows, and all counts as spent. SEAM_E_BUDGET: there is none. */
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
    if (vsnprintf(line, sizeof(line), format, arguments) < 0)
        line[0] = '\0';
    va_end(arguments);
    host->log(host, call, level, seam_text(line));
}

#endif
