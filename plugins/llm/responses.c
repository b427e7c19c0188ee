/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenAI Responses. Nothing is kept there (`store: false`): what was said goes along each time.
 * Streamed, the last event holds the whole answer again, and only that one is believed.
 */
#include "llm.h"

static void write_call(const struct tool_call *call, seam_writer *out)
{
    seam_put_object(out, NULL);
    seam_put_text(out, "type", "function_call");
    seam_put_string(out, "call_id", words_bytes(&call->id));
    seam_put_string(out, "name", words_bytes(&call->name));
    seam_put_string(out, "arguments", words_bytes(&call->arguments));
    seam_put_end(out);
}

static void write_turn(const struct turn *turn, seam_writer *out)
{
    if (turn->kind == TURN_RESULT) {
        seam_put_object(out, NULL);
        seam_put_text(out, "type", "function_call_output");
        seam_put_string(out, "call_id", words_bytes(&turn->call_id));
        seam_put_string(out, "output", words_bytes(&turn->text));
        seam_put_end(out);
        return;
    }
    if (turn->text.len > 0) {
        seam_put_object(out, NULL);
        seam_put_text(out, "role", turn->kind == TURN_USER ? "user" : "assistant");
        seam_put_string(out, "content", words_bytes(&turn->text));
        seam_put_end(out);
    }
    for (size_t i = 0; i < turn->call_count; i++)
        write_call(&turn->calls[i], out);
}

static void write_tools(const struct agent *agent, seam_writer *out)
{
    seam_put_array(out, "tools");
    for (size_t i = 0; i < agent->tool_count; i++) {
        seam_put_object(out, NULL);
        seam_put_text(out, "type", "function");
        seam_put_text(out, "name", agent->tools[i].name);
        seam_put_text(out, "description", agent->tools[i].description);
        seam_put_json(out, "parameters", agent->tools[i].input);
        seam_put_boolean(out, "strict", false);
        seam_put_end(out);
    }
    seam_put_end(out);
}

void responses_write(const struct work *work, seam_writer *out)
{
    const struct agent *agent = work->agent;
    seam_bytes schema = dialect_schema(work);
    struct words system = {0};
    prompt_system(work, &system);
    seam_put_boolean(out, "store", false);
    if (system.len > 0)
        seam_put_string(out, "instructions", words_bytes(&system));
    words_done(&system);
    seam_put_array(out, "input");
    for (size_t i = 0; i < work->turn_count; i++)
        write_turn(&work->turns[i], out);
    seam_put_end(out);
    dialect_put_number(out, "temperature", agent->temperature);
    dialect_put_number(out, "top_p", agent->top_p);
    if (agent->tool_count > 0)
        write_tools(agent, out);
    if (schema.len == 0)
        return;
    seam_put_object(out, "text");
    seam_put_object(out, "format");
    seam_put_text(out, "type", "json_schema");
    seam_put_text(out, "name", "answer");
    seam_put_boolean(out, "strict", true);
    seam_put_json(out, "schema", schema);
    seam_put_end(out);
    seam_put_end(out);
}

/* ---- reading ---- */

static void read_item(struct said *said, seam_bytes item)
{
    if (seam_json_is(seam_json_at(item, "/type"), "function_call")) {
        struct tool_call *call = said_call(said, (int64_t)said->call_count);
        if (!call)
            return;
        words_string(&call->id, seam_json_at(item, "/call_id"));
        words_string(&call->name, seam_json_at(item, "/name"));
        words_string(&call->arguments, seam_json_at(item, "/arguments"));
        return;
    }
    if (!seam_json_is(seam_json_at(item, "/type"), "message"))
        return;
    seam_json_walk parts = seam_json_members(seam_json_at(item, "/content"));
    while (seam_json_next(&parts)) {
        seam_bytes refusal = seam_json_at(parts.value, "/refusal");
        words_string(&said->text, seam_json_at(parts.value, "/text"));
        if (seam_json_kind_of(refusal) == SEAM_JSON_STRING) {
            words_string(&said->why, refusal);
            said->finish = FINISH_REFUSAL;
        }
    }
}

void responses_read(struct said *said, seam_bytes json)
{
    seam_bytes status = seam_json_at(json, "/status");
    seam_bytes reason = seam_json_at(json, "/incomplete_details/reason");
    for (seam_json_walk items = seam_json_members(seam_json_at(json, "/output"));
         seam_json_next(&items);)
        read_item(said, items.value);
    said->tokens_in = dialect_tokens(json, "/usage/input_tokens");
    said->tokens_out = dialect_tokens(json, "/usage/output_tokens");
    if (seam_json_is(status, "failed")) {
        words_string(&said->why, seam_json_at(json, "/error/message"));
        said->finish = FINISH_FAILED;
    } else if (seam_json_is(reason, "content_filter")) {
        said->finish = FINISH_FILTER;
    } else if (seam_json_is(status, "incomplete")) {
        said->finish = FINISH_LENGTH;
    } else if (seam_json_is(status, "completed") && said->finish == FINISH_NONE) {
        said->finish = FINISH_STOP;
    }
    said->ended = said->finish != FINISH_NONE;
}

void responses_event(struct said *said, seam_bytes data)
{
    seam_bytes type = seam_json_at(data, "/type");
    if (seam_json_is(type, "response.output_text.delta")) {
        words_string(&said->text, seam_json_at(data, "/delta"));
    } else if (seam_json_is(type, "response.completed") ||
               seam_json_is(type, "response.incomplete") || seam_json_is(type, "response.failed")) {
        said_done(said);
        responses_read(said, seam_json_at(data, "/response"));
    } else if (seam_json_is(type, "error")) {
        words_string(&said->why, seam_json_at(data, "/message"));
        said->finish = FINISH_FAILED;
        said->ended = true;
    }
}
