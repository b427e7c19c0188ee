/* SPDX-License-Identifier: Apache-2.0
 *
 * A tool's call, from its input to its output. Structured content is the output, which the host
 * holds against the tool's schema; else the blocks of content are. A tool that says that it failed
 * has failed. What a server asks people for ends the call, and the next attempt goes on with the
 * answer.
 */
#include "mcp.h"

enum { ROUNDS_MAXIMUM = 8 };

struct calling {
    struct server *server;
    const struct tool *tool;
    const seam_call *call;
    struct caller caller;
    struct asking asking;
    struct listening listening;
    char *headers[2 * WORDS_MAXIMUM + 1];
    size_t header_count;
    struct trouble trouble;
};

static bool is_write(const struct calling *c)
{
    return c->tool->effect > SEAM_READ;
}

/* ---- arguments in headers ---- */

static bool needs_base64(const char *text, size_t len)
{
    if (len > 0 &&
        (text[0] == ' ' || text[0] == '\t' || text[len - 1] == ' ' || text[len - 1] == '\t'))
        return true;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] > 0x7E)
            return true;
    return len > 11 && strncmp(text, "=?base64?", 9) == 0 && strcmp(text + len - 2, "?=") == 0;
}

/* A value as a header can carry it; the caller frees. */
static char *header_value(const char *text, size_t len)
{
    if (!needs_base64(text, len))
        return strndup(text, len);
    seam_writer out = SEAM_WRITER;
    seam_put_base64(&out, NULL, (seam_bytes){text, len});
    seam_bytes written = seam_written(&out);
    size_t room = written.len + 16;
    char *value = written.len > 2 ? malloc(room) : NULL;
    if (value)
        snprintf(value, room, "=?base64?%.*s?=", (int)written.len - 2, written.ptr + 1);
    seam_writer_done(&out);
    return value;
}

static void add_header(struct calling *c, const struct param *param)
{
    seam_bytes value = seam_json_at(c->call->input, param->property);
    seam_json_kind kind = seam_json_kind_of(value);
    size_t len = 0;
    if (value.len == 0 || kind == SEAM_JSON_NULL || c->header_count + 2 > 2 * WORDS_MAXIMUM)
        return;
    char *text = kind == SEAM_JSON_STRING ? seam_json_text(value, &len)
                                          : strndup(value.ptr, len = value.len);
    size_t room = strlen(param->header) + 16;
    char *name = malloc(room);
    if (text && name) {
        snprintf(name, room, "Mcp-Param-%s", param->header);
        c->headers[c->header_count++] = name;
        c->headers[c->header_count++] = header_value(text, len);
        name = NULL;
    }
    free(name);
    free(text);
}

/* ---- the output ---- */

/* The texts of its blocks, a line each. */
static char *words_of(seam_bytes content)
{
    char words[TEXT_MAX];
    size_t len = 0;
    seam_json_walk walk = seam_json_members(content);
    while (len < sizeof(words) && seam_json_next(&walk)) {
        char *text = seam_json_text(seam_json_at(walk.value, "/text"), NULL);
        int more =
            text ? snprintf(words + len, sizeof(words) - len, "%s%s", len > 0 ? "\n" : "", text)
                 : 0;
        len += more > 0 ? (size_t)more : 0;
        free(text);
    }
    return strdup(len > 0 ? words : "(no words)");
}

static void complete(struct calling *c, seam_bytes result)
{
    seam_bytes structured = seam_json_at(result, "/structuredContent");
    seam_bytes content = seam_json_at(result, "/content");
    uint32_t effect = is_write(c) ? SEAM_EFFECT_DONE : SEAM_EFFECT_NONE;
    if (c->tool->output && structured.len > 0) {
        seam_complete_ok(c->caller.host, c->call->id, effect, structured);
        return;
    }
    if (c->tool->output || seam_json_kind_of(content) != SEAM_JSON_ARRAY) {
        trouble_set(&c->trouble, SEAM_E_FAILED, effect, "mcp.output",
                    c->tool->output ? "the tool declares an output schema, and its answer has no "
                                      "structuredContent"
                                    : "the tool's answer has no content");
        return;
    }
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_json(&out, "content", content);
    if (structured.len > 0)
        seam_put_json(&out, "structuredContent", structured);
    seam_put_end(&out);
    seam_complete_ok(c->caller.host, c->call->id, effect, seam_written(&out));
    seam_writer_done(&out);
}

/* ---- rounds ---- */

/* The parameters of the call, and from the second round on what people have said. */
static void write_params(const struct calling *c, seam_bytes responses, seam_bytes state,
                         seam_writer *out)
{
    seam_put_object(out, NULL);
    seam_put_text(out, "name", c->tool->name);
    seam_put_json(out, "arguments", c->call->input);
    if (responses.len > 0)
        seam_put_json(out, "inputResponses", responses);
    if (state.len > 0)
        seam_put_json(out, "requestState", state);
    seam_put_end(out);
}

/* Answers all that is asked; false: a person must be asked, or it cannot be. */
static bool write_responses(struct calling *c, seam_bytes requests, seam_writer *out)
{
    seam_json_walk walk = seam_json_members(requests);
    seam_put_object(out, NULL);
    while (seam_json_next(&walk)) {
        char *key = seam_json_text(walk.key, NULL);
        bool answered = key && asking_answer(&c->asking, key, seam_json_at(walk.value, "/method"),
                                             seam_json_at(walk.value, "/params"), out, &c->trouble);
        free(key);
        if (!answered)
            return false;
    }
    seam_put_end(out);
    return true;
}

static bool ask_tool(struct calling *c, int round, seam_bytes responses, seam_bytes state,
                     struct outcome *outcome)
{
    char effect[32];
    seam_writer params = SEAM_WRITER;
    write_params(c, responses, state, &params);
    snprintf(effect, sizeof(effect), "tool-%d", round);
    struct request request = {.method = "tools/call",
                              .name = c->tool->name,
                              .params = seam_written(&params),
                              .effect = is_write(c) ? effect : NULL,
                              .params_headers = (const char *const *)c->headers,
                              .progress = true,
                              .asking = &c->asking};
    bool answered = session_ask(c->server, &c->caller, &request, outcome, &c->trouble);
    seam_writer_done(&params);
    return answered;
}

/* From the first request to the result that is one. */
static bool play_rounds(struct calling *c, struct outcome *outcome)
{
    seam_writer responses = SEAM_WRITER;
    char *state = NULL;
    bool complete = false;
    for (int round = 1; !complete && c->trouble.status == SEAM_OK; round++) {
        struct outcome next = {0};
        if (round > ROUNDS_MAXIMUM) {
            trouble_set(&c->trouble, SEAM_E_FAILED, SEAM_EFFECT_UNKNOWN, "mcp.asks",
                        "the server asked %d times and has not answered", ROUNDS_MAXIMUM);
            break;
        }
        if (!ask_tool(c, round, seam_written(&responses),
                      state ? seam_text(state) : (seam_bytes){0}, &next))
            break;
        complete = !seam_json_is(seam_json_at(next.result, "/resultType"), "input_required");
        if (complete) {
            *outcome = next;
            break;
        }
        seam_writer_done(&responses);
        seam_bytes said = seam_json_at(next.result, "/requestState");
        free(state);
        state = said.len > 0 ? strndup(said.ptr, said.len) : NULL;
        write_responses(c, seam_json_at(next.result, "/inputRequests"), &responses);
        outcome_done(&next);
    }
    seam_writer_done(&responses);
    free(state);
    return complete;
}

/* ---- the call ---- */

static void fail(struct calling *c)
{
    const struct trouble *trouble = &c->trouble;
    uint32_t effect = is_write(c) ? trouble->effect : SEAM_EFFECT_NONE;
    if (trouble->status == SEAM_E_INPUT_REQUIRED && c->asking.question)
        seam_complete_input_required(c->caller.host, c->call->id, c->asking.question,
                                     seam_text(c->asking.schema ? c->asking.schema : "{}"));
    else
        seam_complete_error(c->caller.host, c->call->id, trouble->status, effect, trouble->code,
                            trouble->text);
}

/* With somebody who listens to what is asked beside the answers. */
static bool play(struct calling *c, struct outcome *outcome)
{
    listen_begin(&c->listening, c->server, &c->caller, &c->asking, !is_write(c));
    bool played = play_rounds(c, outcome);
    return listen_settle(&c->listening, &c->trouble) && played;
}

static void run(struct calling *c)
{
    struct outcome outcome = {0};
    for (size_t i = 0; i < c->tool->param_count; i++)
        add_header(c, &c->tool->params[i]);
    if (session_open(c->server, &c->caller, &c->trouble) &&
        watch_look(c->server, &c->caller, c->tool, &c->trouble) && play(c, &outcome)) {
        if (seam_json_true(seam_json_at(outcome.result, "/isError"))) {
            char *words = words_of(seam_json_at(outcome.result, "/content"));
            trouble_set(&c->trouble, SEAM_E_FAILED, SEAM_EFFECT_UNKNOWN, "mcp.tool",
                        "the tool says that it failed: %.900s", words ? words : "");
            free(words);
        } else {
            complete(c, outcome.result);
        }
    }
    outcome_done(&outcome);
    if (c->trouble.status != SEAM_OK)
        fail(c);
}

seam_status call_tool(struct server *server, const struct tool *tool, const seam_call *call)
{
    struct calling c = {.server = server, .tool = tool, .call = call};
    size_t len = call->idempotency_key.len;
    c.caller =
        (struct caller){.host = server->host, .id = call->id, .deadline_ns = call->deadline_ns};
    if (len > 0 && len < sizeof(c.caller.key))
        memcpy(c.caller.key, call->idempotency_key.ptr, len);
    asking_init(&c.asking, server, &c.caller, call->feedback);
    run(&c);
    listen_end(&c.listening);
    asking_done(&c.asking);
    for (size_t i = 0; i < c.header_count; i++)
        free(c.headers[i]);
    return SEAM_OK;
}
