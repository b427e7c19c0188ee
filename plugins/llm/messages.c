/* SPDX-License-Identifier: Apache-2.0
 *
 * Anthropic Messages. Results of tools are a user's blocks there, all of one round in one message,
 * and roles take turns: so turns of one role that follow each other are joined.
 */
#include "llm.h"

static void write_text(const struct words *text, seam_writer *out)
{
    seam_put_object(out, NULL);
    seam_put_text(out, "type", "text");
    seam_put_string(out, "text", words_bytes(text));
    seam_put_end(out);
}

static void write_blocks(const struct turn *turn, seam_writer *out)
{
    if (turn->kind == TURN_RESULT) {
        seam_put_object(out, NULL);
        seam_put_text(out, "type", "tool_result");
        seam_put_string(out, "tool_use_id", words_bytes(&turn->call_id));
        seam_put_string(out, "content", words_bytes(&turn->text));
        seam_put_end(out);
        return;
    }
    if (turn->text.len > 0)
        write_text(&turn->text, out);
    for (size_t i = 0; i < turn->call_count; i++) {
        const struct tool_call *call = &turn->calls[i];
        seam_bytes input = seam_json_parse(words_bytes(&call->arguments));
        bool is_object = seam_json_kind_of(input) == SEAM_JSON_OBJECT;
        seam_put_object(out, NULL);
        seam_put_text(out, "type", "tool_use");
        seam_put_string(out, "id", words_bytes(&call->id));
        seam_put_string(out, "name", words_bytes(&call->name));
        seam_put_json(out, "input", is_object ? input : seam_text("{}"));
        seam_put_end(out);
    }
}

static void write_messages(const struct work *work, seam_writer *out)
{
    seam_put_array(out, "messages");
    for (size_t i = 0; i < work->turn_count;) {
        bool model = work->turns[i].kind == TURN_MODEL;
        seam_put_object(out, NULL);
        seam_put_text(out, "role", model ? "assistant" : "user");
        seam_put_array(out, "content");
        for (; i < work->turn_count && (work->turns[i].kind == TURN_MODEL) == model; i++)
            write_blocks(&work->turns[i], out);
        seam_put_end(out);
        seam_put_end(out);
    }
    seam_put_end(out);
}

void messages_write(const struct work *work, seam_writer *out)
{
    const struct agent *agent = work->agent;
    seam_bytes schema = dialect_schema(work);
    struct words system = {0};
    prompt_system(work, &system);
    if (system.len > 0)
        seam_put_string(out, "system", words_bytes(&system));
    words_done(&system);
    write_messages(work, out);
    dialect_put_number(out, "temperature", agent->temperature);
    dialect_put_number(out, "top_p", agent->top_p);
    dialect_put_number(out, "stop_sequences", agent->stop);
    if (agent->tool_count > 0) {
        seam_put_array(out, "tools");
        for (size_t i = 0; i < agent->tool_count; i++) {
            seam_put_object(out, NULL);
            seam_put_text(out, "name", agent->tools[i].name);
            seam_put_text(out, "description", agent->tools[i].description);
            seam_put_json(out, "input_schema", agent->tools[i].input);
            seam_put_end(out);
        }
        seam_put_end(out);
    }
    if (schema.len == 0)
        return;
    seam_put_object(out, "output_config");
    seam_put_object(out, "format");
    seam_put_text(out, "type", "json_schema");
    seam_put_json(out, "schema", schema);
    seam_put_end(out);
    seam_put_end(out);
}

/* ---- reading ---- */

static void read_stop(struct said *said, seam_bytes reason)
{
    if (seam_json_is(reason, "max_tokens"))
        said->finish = FINISH_LENGTH;
    else if (seam_json_is(reason, "refusal"))
        said->finish = FINISH_REFUSAL;
    else if (seam_json_is(reason, "model_context_window_exceeded"))
        said->finish = FINISH_TOO_LONG;
    else if (seam_json_kind_of(reason) == SEAM_JSON_STRING)
        said->finish = FINISH_STOP;
}

static int64_t input_tokens(seam_bytes usage)
{
    return dialect_tokens(usage, "/input_tokens") +
           dialect_tokens(usage, "/cache_read_input_tokens") +
           dialect_tokens(usage, "/cache_creation_input_tokens");
}

static struct tool_call *begin_call(struct said *said, seam_bytes block)
{
    struct tool_call *call = said_call(said, (int64_t)said->call_count);
    if (call) {
        words_string(&call->id, seam_json_at(block, "/id"));
        words_string(&call->name, seam_json_at(block, "/name"));
    }
    return call;
}

static bool read_error(struct said *said, seam_bytes error)
{
    if (seam_json_kind_of(error) != SEAM_JSON_OBJECT)
        return false;
    words_string(&said->why, seam_json_at(error, "/message"));
    said->finish = seam_json_is(seam_json_at(error, "/type"), "rate_limit_error") ? FINISH_BUSY
                                                                                  : FINISH_FAILED;
    said->ended = true;
    return true;
}

void messages_read(struct said *said, seam_bytes json)
{
    if (read_error(said, seam_json_at(json, "/error")))
        return;
    for (seam_json_walk blocks = seam_json_members(seam_json_at(json, "/content"));
         seam_json_next(&blocks);) {
        seam_bytes type = seam_json_at(blocks.value, "/type");
        if (seam_json_is(type, "text")) {
            words_string(&said->text, seam_json_at(blocks.value, "/text"));
        } else if (seam_json_is(type, "tool_use")) {
            struct tool_call *call = begin_call(said, blocks.value);
            seam_bytes input = seam_json_at(blocks.value, "/input");
            if (call)
                words_add(&call->arguments, input.ptr, input.len);
        }
    }
    read_stop(said, seam_json_at(json, "/stop_reason"));
    said->tokens_in = input_tokens(seam_json_at(json, "/usage"));
    said->tokens_out = dialect_tokens(json, "/usage/output_tokens");
    said->ended = said->finish != FINISH_NONE;
}

void messages_event(struct said *said, seam_bytes data)
{
    seam_bytes type = seam_json_at(data, "/type");
    if (seam_json_is(type, "message_start")) {
        said->tokens_in = input_tokens(seam_json_at(data, "/message/usage"));
    } else if (seam_json_is(type, "content_block_start")) {
        seam_bytes block = seam_json_at(data, "/content_block");
        if (seam_json_is(seam_json_at(block, "/type"), "tool_use"))
            begin_call(said, block);
    } else if (seam_json_is(type, "content_block_delta")) {
        words_string(&said->text, seam_json_at(data, "/delta/text"));
        if (said->call_count > 0)
            words_string(&said->calls[said->call_count - 1].arguments,
                         seam_json_at(data, "/delta/partial_json"));
    } else if (seam_json_is(type, "message_delta")) {
        read_stop(said, seam_json_at(data, "/delta/stop_reason"));
        said->tokens_out = dialect_tokens(data, "/usage/output_tokens");
    } else if (seam_json_is(type, "message_stop")) {
        said->ended = said->finish != FINISH_NONE;
    } else if (seam_json_is(type, "error")) {
        read_error(said, seam_json_at(data, "/error"));
    }
}
