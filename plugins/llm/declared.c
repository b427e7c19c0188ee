/* SPDX-License-Identifier: Apache-2.0
 *
 * The declarations of the configuration, which the host has held to config.schema.json: so shapes
 * are known here. What an agent does not say, `defaults` says, and then the provider's own. What
 * they become for the host is the list of seam.describe/1.
 */
#include "llm.h"

static const char text_output[] =
    "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}},\"required\":[\"text\"],"
    "\"additionalProperties\":false}";

/* ---- reading ---- */

struct reading {
    struct plugin *plugin;
    seam_bytes defaults, json; /* json: the agent's */
    const char *name;
};

static bool trouble(struct plugin *plugin, const char *agent, const char *what)
{
    snprintf(plugin->trouble, sizeof(plugin->trouble), "agent `%s`: %s", agent, what);
    return false;
}

static seam_bytes said_of(const struct reading *r, const char *pointer)
{
    seam_bytes own = seam_json_at(r->json, pointer);
    return own.len > 0 ? own : seam_json_at(r->defaults, pointer);
}

static char *text_of(const struct reading *r, const char *pointer)
{
    return seam_json_text(said_of(r, pointer), NULL);
}

/* "1.25" or 1.25 in millionths. */
static int64_t millionths(seam_bytes money)
{
    int64_t value = 0;
    int places = -1;
    double number;
    if (seam_json_number(money, &number))
        return (int64_t)(number * 1e6 + 0.5);
    for (size_t i = 1; i + 1 < money.len; i++) {
        if (money.ptr[i] == '.') {
            places = 0;
            continue;
        }
        value = value * 10 + (money.ptr[i] - '0');
        places += places >= 0 ? 1 : 0;
    }
    for (places = places < 0 ? 0 : places; places < 6; places++)
        value *= 10;
    return value;
}

/* "1m30s"; the schema has checked its form. */
static uint32_t milliseconds(const char *text)
{
    uint64_t sum = 0;
    while (text && *text && sum < UINT32_MAX) {
        char *unit;
        uint64_t count = strtoull(text, &unit, 10);
        bool ms = strncmp(unit, "ms", 2) == 0;
        uint64_t each = ms             ? 1
                        : *unit == 's' ? 1000
                        : *unit == 'm' ? 60000
                        : *unit == 'h' ? 3600000
                                       : 86400000;
        sum += count * each;
        text = unit + (ms ? 2 : 1);
    }
    return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

static int whole(const struct reading *r, const char *pointer, int otherwise)
{
    int64_t value;
    return seam_json_integer(seam_json_at(r->json, pointer), &value) ? (int)value : otherwise;
}

static bool read_tools(const struct reading *r, struct agent *agent)
{
    seam_json_walk walk = seam_json_members(seam_json_at(r->json, "/tools"));
    agent->tools = calloc(LLM_CALLS, sizeof(*agent->tools));
    while (agent->tools && agent->tool_count < LLM_CALLS && seam_json_next(&walk)) {
        struct tool *tool = &agent->tools[agent->tool_count];
        tool->agent = seam_json_text(seam_json_at(walk.value, "/agent"), NULL);
        tool->name = seam_json_text(seam_json_at(walk.value, "/name"), NULL);
        tool->description = seam_json_text(seam_json_at(walk.value, "/description"), NULL);
        tool->input = seam_json_at(walk.value, "/input");
        agent->tool_count++;
        for (size_t i = 0; i + 1 < agent->tool_count; i++)
            if (strcmp(agent->tools[i].name, tool->name) == 0)
                return trouble(r->plugin, r->name, "two of its tools have one name");
    }
    return true;
}

static char *url_of(const struct reading *r, const struct dialect *dialect)
{
    char *base = text_of(r, "/base_url");
    const char *from = base ? base : dialect->base_url;
    if (!from)
        return NULL;
    size_t len = strlen(from);
    while (len > 0 && from[len - 1] == '/')
        len--;
    size_t room = len + strlen(dialect->path) + 1;
    char *url = malloc(room);
    if (url)
        snprintf(url, room, "%.*s%s", (int)len, from, dialect->path);
    free(base);
    return url;
}

static bool read_model(const struct reading *r, struct agent *agent)
{
    seam_bytes provider = said_of(r, "/provider"), lower_for = said_of(r, "/lower_for");
    agent->dialect = provider.len > 0 ? dialect_find(provider) : NULL;
    if (!agent->dialect)
        return trouble(r->plugin, r->name, "neither it nor `defaults` says its `provider`");
    agent->url = url_of(r, agent->dialect);
    agent->model = text_of(r, "/model");
    if (!agent->url || !agent->model)
        return trouble(r->plugin, r->name,
                       agent->url ? "neither it nor `defaults` says its `model`"
                                  : "neither it nor `defaults` says its `base_url`");
    agent->secret = text_of(r, "/api_key");
    char *timeout = text_of(r, "/timeout");
    agent->timeout_ms = milliseconds(timeout);
    free(timeout);
    if (lower_for.len == 0 && agent->dialect->lower_for)
        agent->lower_for = strdup(agent->dialect->lower_for);
    else if (lower_for.len > 0 && !seam_json_is(lower_for, "none"))
        agent->lower_for = seam_json_text(lower_for, NULL);
    agent->instruct = seam_json_is(said_of(r, "/structured"), "instruct");
    agent->stream = seam_json_true(said_of(r, "/stream"));
    agent->temperature = said_of(r, "/parameters/temperature");
    agent->top_p = said_of(r, "/parameters/top_p");
    agent->seed = said_of(r, "/parameters/seed");
    agent->stop = said_of(r, "/parameters/stop");
    if (!seam_json_integer(said_of(r, "/parameters/max_tokens"), &agent->max_tokens))
        agent->max_tokens = LLM_MAX_TOKENS;
    agent->price_in = millionths(said_of(r, "/cost/input"));
    agent->price_out = millionths(said_of(r, "/cost/output"));
    return true;
}

static bool read_agent(struct plugin *plugin, seam_bytes defaults, seam_bytes json)
{
    struct agent *agent = &plugin->agents[plugin->agent_count++];
    agent->name = seam_json_text(seam_json_at(json, "/name"), NULL);
    struct reading r = {plugin, defaults, json, agent->name ? agent->name : "?"};
    char *confidence = text_of(&r, "/confidence");
    agent->summary = text_of(&r, "/summary");
    agent->effect = text_of(&r, "/effect");
    agent->system = text_of(&r, "/system");
    agent->prompt = text_of(&r, "/prompt");
    agent->input = seam_json_at(json, "/input");
    agent->output = seam_json_at(json, "/output");
    agent->rounds = whole(&r, "/rounds", LLM_ROUNDS);
    agent->samples = whole(&r, "/samples", 1);
    agent->confidence = confidence ? strdup(confidence + 1) : NULL;
    free(confidence);
    const char *wrong = agent->prompt ? template_wrong(agent->prompt) : NULL;
    for (size_t i = 0; i + 1 < plugin->agent_count; i++)
        if (strcmp(plugin->agents[i].name, r.name) == 0)
            return trouble(plugin, r.name, "two agents have this name");
    if (wrong)
        return trouble(plugin, r.name, wrong);
    if (agent->samples > 1 && !agent->confidence)
        return trouble(plugin, r.name, "`samples` wants `confidence`, the place for its result");
    if (agent->confidence && agent->output.len == 0)
        return trouble(plugin, r.name, "`confidence` wants an `output` that has it");
    return read_model(&r, agent) && read_tools(&r, agent);
}

bool declared_read(struct plugin *plugin, seam_bytes config)
{
    seam_bytes defaults = seam_json_at(config, "/defaults"),
               agents = seam_json_at(config, "/agents");
    size_t count = 0;
    for (seam_json_walk walk = seam_json_members(agents); seam_json_next(&walk);)
        count++;
    plugin->agents = calloc(count + 1, sizeof(*plugin->agents));
    if (!plugin->agents)
        return false;
    for (seam_json_walk walk = seam_json_members(agents); seam_json_next(&walk);)
        if (!read_agent(plugin, defaults, walk.value))
            return false;
    return true;
}

/* ---- the list for the host ---- */

static void write_errors(seam_writer *out)
{
    static const char *const codes[] = {
        "llm.rate-limited", "llm.unavailable", "llm.timeout",    "llm.cut-off",
        "llm.malformed",    "llm.empty",       "llm.denied",     "llm.quota",
        "llm.refused",      "llm.too-long",    "llm.max-tokens", "llm.refusal",
        "llm.filtered",     "llm.too-much",    "llm.rounds",     "llm.no-such-tool"};
    seam_put_array(out, "errors");
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        seam_put_text(out, NULL, codes[i]);
    seam_put_end(out);
}

static void write_agent(const struct agent *agent, seam_writer *out)
{
    seam_put_object(out, NULL);
    seam_put_text(out, "name", agent->name);
    seam_put_text(out, "summary", agent->summary);
    seam_put_text(out, "effect", agent->effect ? agent->effect : "read");
    seam_put_boolean(out, "open_world", true);
    seam_put_boolean(out, "nonblocking", true);
    seam_put_json(out, "input",
                  agent->input.len > 0 ? agent->input : seam_text("{\"type\":\"object\"}"));
    seam_put_json(out, "output", agent->output.len > 0 ? agent->output : seam_text(text_output));
    if (agent->confidence) {
        char pointer[160];
        snprintf(pointer, sizeof(pointer), "/%s", agent->confidence);
        seam_put_text(out, "confidence", pointer);
    }
    write_errors(out);
    seam_put_end(out);
}

bool declared_write(const struct plugin *plugin, seam_writer *out)
{
    seam_put_object(out, NULL);
    seam_put_array(out, "agents");
    for (size_t i = 0; i < plugin->agent_count; i++)
        write_agent(&plugin->agents[i], out);
    seam_put_end(out);
    seam_put_end(out);
    return seam_written(out).len > 0;
}

static void agent_done(struct agent *agent)
{
    char *texts[] = {agent->name,       agent->summary,   agent->effect, agent->url,
                     agent->model,      agent->secret,    agent->system, agent->prompt,
                     agent->confidence, agent->lower_for, agent->lowered};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free(texts[i]);
    for (size_t i = 0; i < agent->tool_count; i++) {
        free(agent->tools[i].agent);
        free(agent->tools[i].name);
        free(agent->tools[i].description);
    }
    free(agent->tools);
}

void declared_done(struct plugin *plugin)
{
    for (size_t i = 0; i < plugin->agent_count; i++)
        agent_done(&plugin->agents[i]);
    free(plugin->agents);
}
