/* SPDX-License-Identifier: Apache-2.0
 *
 * The protocol `lines`: one JSON object a line, both ways. The program asks for the host's services
 * one after the other, logs, shows pieces of its output, and says its last word once; what is said
 * here is what stands in README.md. Each service is asked for on this thread: while it is, nothing
 * else of the program is read, and a cancelled call is answered by the host.
 */
#include "exec.h"

#include <inttypes.h>

enum { OP_LENGTH = 64 };

static const struct {
    const char *word;
    seam_status status;
} statuses[] = {
    {"ok", SEAM_OK},
    {"input", SEAM_E_INPUT},
    {"failed", SEAM_E_FAILED},
    {"unavailable", SEAM_E_UNAVAILABLE},
    {"rate_limited", SEAM_E_RATE_LIMITED},
    {"denied", SEAM_E_DENIED},
    {"budget", SEAM_E_BUDGET},
    {"timeout", SEAM_E_TIMEOUT},
    {"cancelled", SEAM_E_CANCELLED},
    {"busy", SEAM_E_BUSY},
    {"unsupported", SEAM_E_UNSUPPORTED},
    {"input_required", SEAM_E_INPUT_REQUIRED},
};

static const char *status_word(seam_status status)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i].status == status)
            return statuses[i].word;
    return "internal";
}

static void send(struct call *call, seam_writer *out)
{
    seam_bytes line = seam_written(out);
    buffer_add(&call->to, line.ptr, line.len);
    buffer_add(&call->to, "\n", 1);
    seam_writer_done(out);
}

void lines_greet(struct call *call, const seam_call *asked)
{
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_text(&out, "agent", call->agent->name);
    seam_put_integer(&out, "attempt", asked->attempt);
    seam_put_string(&out, "idempotency_key", asked->idempotency_key);
    if (asked->feedback.len > 0)
        seam_put_string(&out, "feedback", asked->feedback);
    else
        seam_put_null(&out, "feedback");
    seam_put_json(&out, "input", asked->input);
    seam_put_end(&out);
    send(call, &out);
}

/* ---- what it says ---- */

static bool wrong(struct call *call, const char *what)
{
    return trouble_say(&call->trouble, "line %zu of its stdout: %s", call->lines, what);
}

static bool request(struct call *call, seam_bytes line, seam_bytes said)
{
    char *op = seam_json_text(said, NULL);
    seam_bytes body = seam_json_at(line, "/body"), id = seam_json_at(line, "/id");
    if (!op || strlen(op) > OP_LENGTH) {
        free(op);
        return wrong(call, "`request` names a service, as \"effect.begin/1\"");
    }
    seam_answer answer = seam_ask(call->host, call->id, op, body.len > 0 ? body : seam_text("{}"));
    static const char *const effects[] = {"none", "done", "unknown"};
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    if (id.len > 0)
        seam_put_json(&out, "id", id);
    seam_put_text(&out, "status", status_word(answer.status));
    seam_put_text(&out, "effect", effects[answer.effect < 3 ? answer.effect : 2]);
    if (answer.code[0])
        seam_put_text(&out, "code", answer.code);
    if (answer.retry_after_ms > 0)
        seam_put_integer(&out, "retry_after_ms", answer.retry_after_ms);
    if (seam_json_parse(seam_answer_body(&answer)).len > 0)
        seam_put_json(&out, "body", seam_answer_body(&answer));
    seam_put_end(&out);
    send(call, &out);
    seam_answer_done(&answer);
    free(op);
    return true;
}

static bool tell(struct call *call, seam_bytes line, seam_bytes said)
{
    static const char *const levels[] = {"debug", "info", "warning", "error"};
    uint32_t level = SEAM_LOG_INFO;
    size_t len;
    char *text = seam_json_text(said, &len);
    if (!text)
        return wrong(call, "`log` is a text");
    for (uint32_t i = 0; i < 4; i++)
        if (seam_json_is(seam_json_at(line, "/level"), levels[i]))
            level = i;
    call->host->log(call->host, call->id, level, (seam_bytes){text, len});
    free(text);
    return true;
}

/* A text as it is, anything else as JSON. What nobody reads fast enough is dropped. */
static bool show(struct call *call, seam_bytes said)
{
    size_t len;
    char *text = seam_json_text(said, &len);
    call->host->emit(call->host, call->id, text ? (seam_bytes){text, len} : said);
    free(text);
    return true;
}

static bool end_with(struct call *call, enum said said, seam_bytes line)
{
    call->said = said;
    return buffer_add(&call->answer, line.ptr, line.len);
}

static bool take_line(struct call *call, seam_bytes line)
{
    static const char *const last[] = {
        [SAID_OUTPUT] = "/output", [SAID_ERROR] = "/error", [SAID_ASK] = "/ask"};
    seam_bytes said, json = seam_json_parse(line);
    if (call->said != SAID_NOTHING)
        return true; /* nothing counts any more */
    if (seam_json_kind_of(json) != SEAM_JSON_OBJECT)
        return wrong(call, "expected one JSON object (cure: what is for people goes to stderr)");
    if ((said = seam_json_at(json, "/request")).len > 0)
        return request(call, json, said);
    if ((said = seam_json_at(json, "/log")).len > 0)
        return tell(call, json, said);
    if ((said = seam_json_at(json, "/emit")).len > 0)
        return show(call, said);
    for (enum said i = SAID_OUTPUT; i <= SAID_ASK; i++)
        if (seam_json_at(json, last[i]).len > 0)
            return end_with(call, i, json);
    return wrong(call, "expected one of request, log, emit, output, error, ask");
}

bool lines_take(struct call *call)
{
    size_t from = 0;
    bool good = true;
    const char *end;
    while (good && call->from.len > from &&
           (end = memchr(call->from.ptr + from, '\n', call->from.len - from))) {
        seam_bytes line = {call->from.ptr + from, (size_t)(end - call->from.ptr) - from};
        from += line.len + 1;
        call->lines++;
        if (line.len > call->agent->output_limit)
            good = wrong(call, "it is longer than `output_limit`");
        else if (line.len > 0)
            good = take_line(call, line);
    }
    buffer_drop(&call->from, from);
    return good;
}
