/* SPDX-License-Identifier: Apache-2.0
 *
 * From signatures to what the agents take and give, as JSON Schemas with the ranges of C's types. A
 * name that several calls of an agent take is one input, and so must be of one type.
 */
#include "ffi.h"

static bool is_input(const struct arg *arg)
{
    bool kind = arg->kind == KIND_SCALAR || arg->kind == KIND_STRING || arg->kind == KIND_BUFFER ||
                arg->kind == KIND_ARRAY || arg->kind == KIND_ENUM || arg->kind == KIND_STRUCT;
    return kind && arg->in && arg->value.len == 0 && arg->length_of == NOTHING;
}

static bool is_output(const struct arg *arg)
{
    if (arg->kind == KIND_CALLBACK)
        return !arg->callback->compare;
    return arg->out && arg->kind != KIND_HANDLE && arg->length_of == NOTHING;
}

void put_string_schema(seam_writer *out, const char *key)
{
    seam_put_json(out, key,
                  seam_text("{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\",\"properties\":"
                            "{\"base64\":{\"type\":\"string\"}},\"required\":[\"base64\"],"
                            "\"additionalProperties\":false}]}"));
}

static void put_bytes_schema(const struct arg *arg, seam_writer *out, bool input)
{
    seam_put_text(out, "type", "string");
    if (arg->kind == KIND_STRING)
        seam_put_text(out, "pattern", "^[^\\u0000]*$");
    else if (!arg->utf8)
        seam_put_text(out, "contentEncoding", "base64");
    if (input)
        seam_put_integer(out, "maxLength", FFI_BYTES);
}

static void put_arg_schema(const struct arg *arg, seam_writer *out, const char *key, bool input)
{
    seam_put_object(out, key);
    if (input && arg->nullable) {
        seam_put_array(out, "anyOf");
        seam_put_json(out, NULL, seam_text("{\"type\":\"null\"}"));
        struct arg plain = *arg;
        plain.nullable = false;
        put_arg_schema(&plain, out, NULL, true);
        seam_put_end(out);
    } else if (arg->kind == KIND_SCALAR) {
        seam_put_array(out, "allOf");
        scalar_schema(arg->scalar, out, NULL);
        seam_put_end(out);
    } else if (arg->kind == KIND_ENUM || arg->kind == KIND_STRUCT) {
        seam_put_array(out, "allOf");
        (arg->kind == KIND_ENUM ? word_schema : record_schema)(arg->shape, out, NULL, input);
        seam_put_end(out);
    } else if (arg->kind == KIND_ARRAY) {
        seam_put_text(out, "type", "array");
        scalar_schema(arg->scalar, out, "items");
        seam_put_integer(out, "maxItems",
                         arg->size ? (int64_t)arg->size : FFI_BYTES / arg->scalar->size);
    } else {
        put_bytes_schema(arg, out, input);
    }
    seam_put_end(out);
}

static void put_rows_schema(const struct callback *cb, seam_writer *out, const char *key)
{
    seam_put_object(out, key);
    seam_put_text(out, "type", "array");
    seam_put_integer(out, "maxItems", FFI_ROWS);
    seam_put_object(out, "items");
    seam_put_text(out, "type", "object");
    seam_put_object(out, "properties");
    for (int i = 0; i < cb->arg_count; i++) {
        const struct callback_arg *arg = &cb->args[i];
        if (!arg->name)
            continue;
        if (arg->kind == KIND_SCALAR)
            scalar_schema(arg->scalar, out, arg->name);
        else
            seam_put_json(out, arg->name, seam_text("true"));
    }
    seam_put_end(out);
    seam_put_boolean(out, "additionalProperties", false);
    seam_put_end(out);
    seam_put_end(out);
}

/* ---- one agent ---- */

enum { NAMES = FFI_CALLS * (FFI_ARGS + 1) };

/* The argument that gave an input its name, if another of that name came before. */
static const struct arg *earlier(const struct agent *agent, const struct arg *arg)
{
    for (int c = 0; c < agent->call_count; c++)
        for (int a = 0; a < agent->calls[c].arg_count; a++) {
            const struct arg *other = &agent->calls[c].args[a];
            if (other == arg)
                return NULL;
            if (is_input(other) && strcmp(other->name, arg->name) == 0)
                return other;
        }
    return NULL;
}

static bool put_input(const struct agent *agent, seam_writer *out, struct trouble *t)
{
    const char *required[NAMES];
    int count = 0;
    seam_put_object(out, "input");
    seam_put_text(out, "type", "object");
    seam_put_object(out, "properties");
    for (int c = 0; c < agent->call_count; c++)
        for (int a = 0; a < agent->calls[c].arg_count; a++) {
            const struct arg *arg = &agent->calls[c].args[a];
            const struct arg *first = is_input(arg) ? earlier(agent, arg) : NULL;
            if (first && (first->kind != arg->kind || first->scalar != arg->scalar ||
                          first->shape != arg->shape || first->utf8 != arg->utf8 ||
                          first->nullable != arg->nullable))
                return trouble_say(t, "agent `%s`: two calls take `%s`, as different types",
                                   agent->name, arg->name);
            if (first || !is_input(arg))
                continue;
            put_arg_schema(arg, out, arg->name, true);
            if (!arg->nullable)
                required[count++] = arg->name;
        }
    seam_put_end(out);
    seam_put_array(out, "required");
    for (int i = 0; i < count; i++)
        seam_put_text(out, NULL, required[i]);
    seam_put_end(out);
    seam_put_boolean(out, "additionalProperties", false);
    seam_put_end(out);
    return true;
}

static bool add_output(const struct agent *agent, const char *names[], int *count, const char *name,
                       struct trouble *t)
{
    for (int i = 0; i < *count; i++)
        if (strcmp(names[i], name) == 0)
            return trouble_say(t,
                               "agent `%s`: two things that it gives are named `%s` (cure: name "
                               "one of them otherwise)",
                               agent->name, name);
    names[(*count)++] = name;
    return true;
}

static void put_plain_returns(const struct returns *ret, seam_writer *out, const char *key)
{
    if (ret->kind == KIND_SCALAR)
        scalar_schema(ret->scalar, out, key);
    else if (ret->kind == KIND_ENUM)
        word_schema(ret->shape, out, key, false);
    else if (ret->kind == KIND_STRUCT)
        record_schema(ret->shape, out, key, false);
    else
        put_string_schema(out, key);
}

static void put_returns_schema(const struct returns *ret, seam_writer *out)
{
    bool pointer = ret->kind == KIND_STRING || ret->by_pointer;
    if (!pointer || !ret->nullable) {
        put_plain_returns(ret, out, ret->name);
        return;
    }
    seam_put_object(out, ret->name);
    seam_put_array(out, "anyOf");
    put_plain_returns(ret, out, NULL);
    seam_put_json(out, NULL, seam_text("{\"type\":\"null\"}"));
    seam_put_end(out);
    seam_put_end(out);
}

static bool put_output(const struct agent *agent, seam_writer *out, struct trouble *t)
{
    const char *names[NAMES];
    int count = 0;
    seam_put_object(out, "output");
    seam_put_text(out, "type", "object");
    seam_put_object(out, "properties");
    for (int c = 0; c < agent->call_count; c++) {
        const struct call *call = &agent->calls[c];
        for (int a = 0; a < call->arg_count; a++) {
            const struct arg *arg = &call->args[a];
            if (!is_output(arg))
                continue;
            if (!add_output(agent, names, &count, arg->name, t))
                return false;
            if (arg->kind == KIND_CALLBACK)
                put_rows_schema(arg->callback, out, arg->name);
            else
                put_arg_schema(arg, out, arg->name, false);
        }
        const struct returns *ret = &call->returns;
        if (!ret->name || ret->kind == KIND_HANDLE)
            continue;
        if (!add_output(agent, names, &count, ret->name, t))
            return false;
        put_returns_schema(ret, out);
    }
    seam_put_end(out);
    seam_put_array(out, "required");
    for (int i = 0; i < count; i++)
        seam_put_text(out, NULL, names[i]);
    seam_put_end(out);
    seam_put_boolean(out, "additionalProperties", false);
    seam_put_end(out);
    return true;
}

bool schema_write(const struct signatures *s, seam_writer *out, struct trouble *t)
{
    static const char *const effects[] = {"pure", "read", "write_idempotent", "write"};
    seam_put_object(out, NULL);
    seam_put_array(out, "agents");
    for (size_t i = 0; i < s->agent_count; i++) {
        const struct agent *agent = &s->agents[i];
        char summary[256];
        snprintf(summary, sizeof(summary), "Calls %.200s", agent->calls[0].name);
        seam_put_object(out, NULL);
        seam_put_text(out, "name", agent->name);
        seam_put_text(out, "summary", agent->summary ? agent->summary : summary);
        seam_put_text(out, "effect", effects[agent->effect]);
        if (!put_input(agent, out, t) || !put_output(agent, out, t))
            return false;
        seam_put_end(out);
    }
    seam_put_end(out);
    seam_put_end(out);
    return true;
}
