/* SPDX-License-Identifier: Apache-2.0
 *
 * Chat completions, as OpenAI began them and llama.cpp, vLLM and Ollama speak them. Streamed, an
 * answer is whole when its choice said why it ended: "[DONE]" alone proves nothing, but the usage
 * comes between the two.
 */
#include "llm.h"

static void write_calls(const struct turn *turn, seam_writer *out)
{
    seam_put_array(out, "tool_calls");
    for (size_t i = 0; i < turn->call_count; i++) {
        const struct tool_call *call = &turn->calls[i];
        seam_put_object(out, NULL);
        seam_put_string(out, "id", words_bytes(&call->id));
        seam_put_text(out, "type", "function");
        seam_put_object(out, "function");
        seam_put_string(out, "name", words_bytes(&call->name));
        seam_put_string(out, "arguments", words_bytes(&call->arguments));
        seam_put_end(out);
        seam_put_end(out);
    }
    seam_put_end(out);
}

static void write_messages(const struct work *work, seam_writer *out)
{
    static const char *const roles[] = {"user", "assistant", "tool"};
    struct words system = {0};
    prompt_system(work, &system);
    seam_put_array(out, "messages");
    if (system.len > 0) {
        seam_put_object(out, NULL);
        seam_put_text(out, "role", "system");
        seam_put_string(out, "content", words_bytes(&system));
        seam_put_end(out);
    }
    words_done(&system);
    for (size_t i = 0; i < work->turn_count; i++) {
        const struct turn *turn = &work->turns[i];
        seam_put_object(out, NULL);
        seam_put_text(out, "role", roles[turn->kind]);
        seam_put_string(out, "content", words_bytes(&turn->text));
        if (turn->kind == TURN_RESULT)
            seam_put_string(out, "tool_call_id", words_bytes(&turn->call_id));
        if (turn->call_count > 0)
            write_calls(turn, out);
        seam_put_end(out);
    }
    seam_put_end(out);
}

static void write_tools(const struct agent *agent, seam_writer *out)
{
    seam_put_array(out, "tools");
    for (size_t i = 0; i < agent->tool_count; i++) {
        seam_put_object(out, NULL);
        seam_put_text(out, "type", "function");
        seam_put_object(out, "function");
        seam_put_text(out, "name", agent->tools[i].name);
        seam_put_text(out, "description", agent->tools[i].description);
        seam_put_json(out, "parameters", agent->tools[i].input);
        seam_put_end(out);
        seam_put_end(out);
    }
    seam_put_end(out);
}

void chat_write(const struct work *work, seam_writer *out)
{
    const struct agent *agent = work->agent;
    seam_bytes schema = dialect_schema(work);
    write_messages(work, out);
    dialect_put_number(out, "temperature", agent->temperature);
    dialect_put_number(out, "top_p", agent->top_p);
    dialect_put_number(out, "seed", agent->seed);
    dialect_put_number(out, "stop", agent->stop);
    if (agent->tool_count > 0)
        write_tools(agent, out);
    if (schema.len > 0) {
        seam_put_object(out, "response_format");
        seam_put_text(out, "type", "json_schema");
        seam_put_object(out, "json_schema");
        seam_put_text(out, "name", "answer");
        seam_put_boolean(out, "strict", true);
        seam_put_json(out, "schema", schema);
        seam_put_end(out);
        seam_put_end(out);
    }
    if (agent->stream) {
        seam_put_object(out, "stream_options");
        seam_put_boolean(out, "include_usage", true);
        seam_put_end(out);
    }
}

/* ---- reading ---- */

static void read_finish(struct said *said, seam_bytes reason)
{
    if (seam_json_is(reason, "length"))
        said->finish = FINISH_LENGTH;
    else if (seam_json_is(reason, "content_filter"))
        said->finish = FINISH_FILTER;
    else if (seam_json_kind_of(reason) == SEAM_JSON_STRING && said->finish != FINISH_REFUSAL)
        said->finish = FINISH_STOP;
}

static void read_refusal(struct said *said, seam_bytes refusal)
{
    if (seam_json_kind_of(refusal) != SEAM_JSON_STRING)
        return;
    words_string(&said->why, refusal);
    said->finish = FINISH_REFUSAL;
}

static void read_usage(struct said *said, seam_bytes json)
{
    seam_bytes usage = seam_json_at(json, "/usage");
    if (seam_json_kind_of(usage) != SEAM_JSON_OBJECT)
        return;
    said->tokens_in = dialect_tokens(usage, "/prompt_tokens");
    said->tokens_out = dialect_tokens(usage, "/completion_tokens");
}

/* A text, or parts of which some are text; the others are what the model thought, and the like. */
static void read_content(struct said *said, seam_bytes content)
{
    words_string(&said->text, content);
    if (seam_json_kind_of(content) != SEAM_JSON_ARRAY)
        return;
    for (seam_json_walk parts = seam_json_members(content); seam_json_next(&parts);) {
        if (seam_json_is(seam_json_at(parts.value, "/type"), "text"))
            words_string(&said->text, seam_json_at(parts.value, "/text"));
        read_refusal(said, seam_json_at(parts.value, "/refusal"));
    }
}

/* The place that a call says it has. One that says none is a new one if it has an id of its own,
 * for some servers give each call whole in an event, and no places. */
static int64_t place_of(const struct said *said, seam_bytes call, int64_t usual)
{
    int64_t at = usual;
    seam_bytes id = seam_json_at(call, "/id");
    if (seam_json_integer(seam_json_at(call, "/index"), &at) || said->call_count == 0)
        return at;
    const struct tool_call *last = &said->calls[said->call_count - 1];
    bool known = seam_json_kind_of(id) != SEAM_JSON_STRING || seam_json_is(id, "") ||
                 (last->id.ptr && seam_json_is(id, last->id.ptr));
    return (int64_t)said->call_count - (known ? 1 : 0);
}

/* Calls of a whole message, or of a piece of one, which says their place. */
static void read_calls(struct said *said, seam_bytes calls)
{
    int64_t place = 0;
    for (seam_json_walk walk = seam_json_members(calls); seam_json_next(&walk); place++) {
        struct tool_call *call = said_call(said, place_of(said, walk.value, place));
        seam_bytes arguments = seam_json_at(walk.value, "/function/arguments");
        if (!call)
            return;
        if (call->id.len == 0)
            words_string(&call->id, seam_json_at(walk.value, "/id"));
        words_string(&call->name, seam_json_at(walk.value, "/function/name"));
        words_string(&call->arguments, arguments);
        if (seam_json_kind_of(arguments) == SEAM_JSON_OBJECT)
            words_add(&call->arguments, arguments.ptr, arguments.len);
    }
}

/* What came in place of an answer, with a status of success: of a server that has begun to answer,
 * or of one before it that has no other way. */
static bool read_error(struct said *said, seam_bytes error)
{
    if (seam_json_kind_of(error) != SEAM_JSON_OBJECT)
        return false;
    words_string(&said->why, seam_json_at(error, "/message"));
    said->finish = FINISH_FAILED;
    said->ended = true;
    return true;
}

void chat_read(struct said *said, seam_bytes json)
{
    seam_bytes message = seam_json_at(json, "/choices/0/message");
    if (read_error(said, seam_json_at(json, "/error")))
        return;
    read_content(said, seam_json_at(message, "/content"));
    read_refusal(said, seam_json_at(message, "/refusal"));
    read_calls(said, seam_json_at(message, "/tool_calls"));
    read_finish(said, seam_json_at(json, "/choices/0/finish_reason"));
    read_usage(said, json);
    if (said->finish == FINISH_NONE && (said->text.len > 0 || said->call_count > 0))
        said->finish = FINISH_STOP; /* it is whole, whether it says why it ended or not */
    said->ended = said->finish != FINISH_NONE;
}

void chat_event(struct said *said, seam_bytes data)
{
    seam_bytes delta = seam_json_at(data, "/choices/0/delta");
    if (bytes_are(data, "[DONE]")) {
        said->ended = true;
        return;
    }
    if (read_error(said, seam_json_at(data, "/error")))
        return;
    read_content(said, seam_json_at(delta, "/content"));
    read_refusal(said, seam_json_at(delta, "/refusal"));
    read_calls(said, seam_json_at(delta, "/tool_calls"));
    read_finish(said, seam_json_at(data, "/choices/0/finish_reason"));
    read_usage(said, data);
}
