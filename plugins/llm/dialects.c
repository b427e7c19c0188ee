/* SPDX-License-Identifier: Apache-2.0
 *
 * The providers: one row each, and what their rows share.
 */
#include "llm.h"

static const struct dialect dialects[] = {
    {.name = "openai-compatible", /* llama.cpp, vLLM, Ollama and many more */
     .path = "/chat/completions",
     .key_header = "authorization",
     .key_prefix = "Bearer ",
     .max_tokens = "max_tokens",
     .write = chat_write,
     .read = chat_read,
     .event = chat_event},
    {.name = "openai",
     .base_url = "https://api.openai.com/v1",
     .path = "/chat/completions",
     .key_header = "authorization",
     .key_prefix = "Bearer ",
     .max_tokens = "max_completion_tokens",
     .lower_for = "openai",
     .write = chat_write,
     .read = chat_read,
     .event = chat_event},
    {.name = "openai-responses",
     .base_url = "https://api.openai.com/v1",
     .path = "/responses",
     .key_header = "authorization",
     .key_prefix = "Bearer ",
     .max_tokens = "max_output_tokens",
     .lower_for = "openai",
     .write = responses_write,
     .read = responses_read,
     .event = responses_event},
    {.name = "anthropic",
     .base_url = "https://api.anthropic.com/v1",
     .path = "/messages",
     .key_header = "x-api-key",
     .key_prefix = "",
     .version = "2023-06-01",
     .max_tokens = "max_tokens",
     .lower_for = "anthropic",
     .write = messages_write,
     .read = messages_read,
     .event = messages_event},
};

const struct dialect *dialect_find(seam_bytes name)
{
    for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++)
        if (seam_json_is(name, dialects[i].name))
            return &dialects[i];
    return NULL;
}

seam_bytes dialect_schema(const struct work *work)
{
    const struct agent *agent = work->agent;
    const char *lowered = agent->lowered;
    if (agent->instruct || agent->output.len == 0)
        return (seam_bytes){NULL, 0};
    if (!agent->lower_for)
        return agent->output;
    return lowered ? seam_json_at(seam_text(lowered), "/schema") : (seam_bytes){NULL, 0};
}

void dialect_put_number(seam_writer *out, const char *key, seam_bytes number)
{
    if (number.len > 0)
        seam_put_json(out, key, number);
}

int64_t dialect_tokens(seam_bytes usage, const char *pointer)
{
    int64_t count = 0;
    bool good = seam_json_integer(seam_json_at(usage, pointer), &count);
    return good && count > 0 && count < 100000000 ? count : 0;
}
