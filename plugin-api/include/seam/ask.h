/* SPDX-License-Identifier: Apache-2.0
 *
 * Ending a call, and asking the host for a service and waiting for the answer: what all helpers of
 * seam/sdk.h stand on, and what an op without a helper of its own is asked by. Header only, C11 or
 * C++17, libc. Nothing here tries anything again: that is the host's decision.
 */
#ifndef SEAM_ASK_H
#define SEAM_ASK_H

#include <seam/json.h>
#include <seam/writer.h>

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

#endif
