/* SPDX-License-Identifier: Apache-2.0
 *
 * Cards: from a file to what its plugin says of itself. First what this host cannot serve at all
 * (another ABI, a capability it does not know), so that the complaint names that and not a detail;
 * then the schema of cards; then what a schema cannot say: names that must be unique, agents that
 * must exist, schemas that must compile.
 */
#include "loader/card.h"
#include "base/units.h"
#include "document/document.h"
#include "loader/elf_internal.h"
#include "loader/library_internal.h"

#include <inttypes.h>
#include <seam/plugin.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char card_schema_json[];
extern const size_t card_schema_json_size;

static const char *word(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static char *copy_word(const json_t *object, const char *key)
{
    const char *value = word(object, key);
    return value ? xstrdup(value) : NULL;
}

/* ---- what this host serves ---- */

static enum error_code check_abi(struct card *card, struct error *reterr)
{
    const json_t *format = json_object_get(card->json, "card");
    if (json_is_integer(format) && json_integer_value(format) > 1)
        return error_set(reterr, ERR_NEWER,
                         "the card is of format %" JSON_INTEGER_FORMAT
                         "; this host reads format 1 (cure: update seam)",
                         json_integer_value(format));
    const json_t *abi = json_object_get(card->json, "abi");
    const json_t *major = json_object_get(abi, "major"), *minor = json_object_get(abi, "minor");
    if (!json_is_integer(major) || !json_is_integer(minor))
        return ERR_OK; /* the schema says it */
    bool newer =
        json_integer_value(major) > SEAM_ABI_MAJOR ||
        (json_integer_value(major) == SEAM_ABI_MAJOR && json_integer_value(minor) > SEAM_ABI_MINOR);
    if (newer || json_integer_value(major) != SEAM_ABI_MAJOR)
        return error_set(reterr, newer ? ERR_NEWER : ERR_UNSUPPORTED,
                         "the plugin needs ABI %" JSON_INTEGER_FORMAT ".%" JSON_INTEGER_FORMAT
                         "; this host serves %u.0 to %u.%u (cure: %s)",
                         json_integer_value(major), json_integer_value(minor), SEAM_ABI_MAJOR,
                         SEAM_ABI_MAJOR, SEAM_ABI_MINOR,
                         newer ? "update seam, or lower abi in the card if the plugin needs no more"
                               : "build the plugin against this host's plugin.h");
    return ERR_OK;
}

static enum error_code check_capabilities(const json_t *json, struct error *reterr)
{
    static const char *const known[] = {"http", "secrets", "fs",    "agents",
                                        "exec", "net",     "state", "jit"};
    enum { KNOWN = sizeof(known) / sizeof(known[0]) };
    const char *name;
    json_t *value;
    json_object_foreach (json_object_get(json, "requests"), name, value) {
        bool found = false;
        for (size_t i = 0; i < KNOWN && !found; i++)
            found = strcmp(name, known[i]) == 0;
        if (found)
            continue;
        const char *near = suggest(slice_of(name), known, KNOWN);
        return error_set(
            reterr, ERR_UNSUPPORTED,
            "/requests/%s: the plugin asks for a capability \"%s\", which this host "
            "does not know and cannot grant (it knows http, secrets, fs, agents, exec, "
            "net, state and jit; cure: %s%s%s)",
            name, name, near ? "write \"" : "update seam", near ? near : "", near ? "\"" : "");
    }
    return ERR_OK;
}

static enum error_code check_schema(const json_t *json, struct error *reterr)
{
    AUTO(json_decrefp) json_t *schema = NULL;
    struct slice text = {(const char *)card_schema_json, card_schema_json_size};
    AUTO(contract_unrefp) struct contract *contract = NULL;
    enum error_code code = json_read(text, LIMIT_FILE, &schema, reterr);
    if (code == ERR_OK)
        code = contract_compile(schema, NULL, &contract, reterr);
    if (code != ERR_OK)
        return code;
    struct violations violations;
    if (!contract_explain(contract, json, &violations)) {
        AUTO(text_done) struct text out;
        text_init(&out, ERROR_TEXT_SIZE / 2);
        violations_text(&violations, &out);
        code = error_set(reterr, ERR_INPUT, "the card is not as schemas/card.schema.json says: %s",
                         text_str(&out));
    }
    violations_done(&violations);
    return code;
}

/* ---- agents ---- */

static uint32_t effect_of(const char *name)
{
    static const char *const words[] = {"pure", "read", "write_idempotent", "write"};
    for (uint32_t i = 0; name && i < SEAM_WRITE; i++)
        if (strcmp(name, words[i]) == 0)
            return i;
    return SEAM_WRITE;
}

static enum error_code read_duration(const json_t *object, const char *key, int64_t *ret_ms,
                                     struct error *reterr)
{
    const char *value = word(object, key);
    *ret_ms = -1;
    if (value && !duration_parse(slice_of(value), ret_ms))
        return error_set(reterr, ERR_INPUT, "%s: \"%s\" is longer than a host can wait", key,
                         value);
    return ERR_OK;
}

static enum error_code compile(const json_t *json, const char *key, struct contract **ret_contract,
                               struct error *reterr)
{
    enum error_code code = contract_compile(json_object_get(json, key), NULL, ret_contract, reterr);
    if (code != ERR_OK)
        error_prefix(reterr, "%s: ", key);
    return code;
}

static enum error_code read_cost(const json_t *json, struct card_agent *agent, struct error *reterr)
{
    const json_t *cost = json_object_get(json, "cost");
    const char *money = word(cost, "cost");
    agent->tokens = json_integer_value(json_object_get(cost, "tokens"));
    if (money && !money_parse(slice_of(money), &agent->cost))
        return error_set(reterr, ERR_INPUT, "cost: \"%s\" is no amount of money", money);
    return ERR_OK;
}

static enum error_code check_examples(const json_t *json, const struct card_agent *agent,
                                      struct error *reterr)
{
    size_t i;
    const json_t *example;
    json_array_foreach (json_object_get(json, "examples"), i, example) {
        const json_t *output = json_object_get(example, "output");
        bool takes = contract_accepts(agent->input, json_object_get(example, "input"));
        if (!takes || (output && !contract_accepts(agent->output, output)))
            return error_set(reterr, ERR_INPUT,
                             "examples/%zu: its %s does not fit the agent's own schema (cure: mend "
                             "the one or the other)",
                             i, takes ? "output" : "input");
    }
    return ERR_OK;
}

static enum error_code read_agent(const json_t *json, struct card_agent *agent,
                                  struct error *reterr)
{
    agent->name = copy_word(json, "name");
    agent->summary = copy_word(json, "summary");
    agent->effect = effect_of(word(json, "effect"));
    agent->flags = (json_is_true(json_object_get(json, "destructive")) ? SEAM_DESTRUCTIVE : 0) |
                   (json_is_true(json_object_get(json, "open_world")) ? SEAM_OPEN_WORLD : 0) |
                   (json_is_true(json_object_get(json, "nonblocking")) ? SEAM_NONBLOCKING : 0);
    agent->confidence = copy_word(json, "confidence");
    agent->reconcile = copy_word(json, "reconcile");
    agent->ref = copy_word(json, "ref");
    enum error_code code = compile(json, "input", &agent->input, reterr);
    if (code == ERR_OK)
        code = compile(json, "output", &agent->output, reterr);
    if (code == ERR_OK)
        code = read_duration(json, "settle", &agent->settle_ms, reterr);
    if (code == ERR_OK)
        code = read_duration(json, "key_ttl", &agent->key_ttl_ms, reterr);
    if (code == ERR_OK)
        code = read_cost(json, agent, reterr);
    if (code == ERR_OK)
        code = check_examples(json, agent, reterr);
    if (code != ERR_OK)
        error_prefix(reterr, "agent \"%s\": ", agent->name);
    return code;
}

static const struct card_agent *find_agent(const struct card *card, const char *name, size_t before)
{
    for (size_t i = 0; i < before; i++)
        if (strcmp(card->agents[i].name, name) == 0)
            return &card->agents[i];
    return NULL;
}

static enum error_code check_reconcile(const struct card *card, const struct card_agent *agent,
                                       struct error *reterr)
{
    if (!agent->reconcile)
        return ERR_OK;
    const struct card_agent *by = find_agent(card, agent->reconcile, card->agent_count);
    if (!by) {
        AUTO(freep) const char **names = xcalloc(card->agent_count, sizeof(*names));
        for (size_t i = 0; i < card->agent_count; i++)
            names[i] = card->agents[i].name;
        const char *near = suggest(slice_of(agent->reconcile), names, card->agent_count);
        return error_set(
            reterr, ERR_INPUT,
            "agent \"%s\": its reconcile is \"%s\", which is no agent of this card%s%s%s",
            agent->name, agent->reconcile, near ? " (did you mean \"" : "", near ? near : "",
            near ? "\"?)" : "");
    }
    if (by->effect > SEAM_READ)
        return error_set(
            reterr, ERR_INPUT,
            "agent \"%s\": its reconcile \"%s\" may change the world; finding out what "
            "happened must not (cure: declare it pure or read)",
            agent->name, by->name);
    return ERR_OK;
}

/* Before it is described it names none; a card that was kept says what it was described as. */
static enum error_code check_from(const struct card *card, bool kept, struct error *reterr)
{
    bool empty = json_array_size(json_object_get(card->json, "agents")) == 0;
    if (card->from_config ? empty || kept : !empty)
        return ERR_OK;
    return error_set(reterr, ERR_INPUT,
                     card->from_config
                         ? "its agents stand in its configuration (agents_from), so "
                           "`agents` must be empty"
                         : "it has no agents (cure: declare one, or say \"agents_from\": "
                           "\"config\")");
}

static enum error_code read_agents(struct card *card, struct error *reterr)
{
    const json_t *list = json_object_get(card->json, "agents");
    card->agents = xcalloc(json_array_size(list) + 1, sizeof(*card->agents));
    size_t index;
    const json_t *json;
    json_array_foreach (list, index, json) {
        struct card_agent *agent = &card->agents[card->agent_count++];
        enum error_code code = read_agent(json, agent, reterr);
        if (code != ERR_OK)
            return code;
        if (find_agent(card, agent->name, index))
            return error_set(reterr, ERR_CONFLICT, "there are two agents \"%s\"", agent->name);
    }
    for (size_t i = 0; i < card->agent_count; i++) {
        enum error_code code = check_reconcile(card, &card->agents[i], reterr);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

/* ---- the whole ---- */

static enum error_code read_limits(struct card *card, struct error *reterr)
{
    const json_t *limits = json_object_get(card->json, "limits");
    const json_t *concurrency = json_object_get(limits, "max_concurrency");
    const json_t *memory = json_object_get(limits, "memory_mb");
    card->max_concurrency = concurrency ? (int)json_integer_value(concurrency) : 1;
    card->memory_bytes = memory ? json_integer_value(memory) * (1 << 20) : -1;
    enum error_code code = read_duration(limits, "call", &card->call_ms, reterr);
    if (code == ERR_OK)
        code = read_duration(limits, "drain", &card->drain_ms, reterr);
    if (code != ERR_OK)
        error_prefix(reterr, "/limits: ");
    return code;
}

static enum error_code read_config(struct card *card, struct error *reterr)
{
    AUTO(json_decrefp) json_t *none = json_pack("{s:s, s:i}", "type", "object", "maxProperties", 0);
    json_t *schema = json_object_get(card->json, "config");
    enum error_code code = contract_compile(schema ? schema : none, NULL, &card->config, reterr);
    if (code != ERR_OK)
        error_prefix(reterr, "config: ");
    return code;
}

/* Whether what its calls do to the world all goes through the host. Who asks for no exit at all has
 * none, and needs none if it only reads what it is given. */
static bool is_brokered(const struct card *card)
{
    const json_t *requests = json_object_get(card->json, "requests");
    const char *net = word(requests, "net");
    if ((net && strcmp(net, "none") != 0) || json_array_size(json_object_get(requests, "exec")) ||
        json_array_size(json_object_get(requests, "fs")))
        return false;
    bool only_reads = true;
    for (size_t i = 0; i < card->agent_count; i++)
        only_reads = only_reads && card->agents[i].effect <= SEAM_READ;
    return only_reads || json_array_size(json_object_get(requests, "http")) > 0 ||
           json_array_size(json_object_get(requests, "agents")) > 0 || card->state_bytes > 0;
}

static enum error_code read_state(struct card *card, struct error *reterr)
{
    const json_t *said = json_object_get(json_object_get(card->json, "requests"), "state");
    card->state_bytes = said ? json_integer_value(said) : -1;
    if (json_is_string(said) &&
        (!size_parse(slice_of(json_string_value(said)), &card->state_bytes) ||
         card->state_bytes == 0))
        return error_set(reterr, ERR_INPUT, "/requests/state: %s is no size from 1 byte to 1 TB",
                         json_string_value(said));
    return ERR_OK;
}

static enum error_code read_json(struct card *card, struct slice text, bool kept,
                                 struct error *reterr)
{
    enum error_code code = json_read(text, LIMIT_FILE, &card->json, reterr);
    if (code == ERR_OK)
        code = check_abi(card, reterr);
    if (code == ERR_OK)
        code = check_capabilities(card->json, reterr);
    if (code == ERR_OK)
        code = check_schema(card->json, reterr);
    if (code != ERR_OK)
        return code;
    const json_t *abi = json_object_get(card->json, "abi");
    card->abi_major = (uint32_t)json_integer_value(json_object_get(abi, "major"));
    card->abi_minor = (uint32_t)json_integer_value(json_object_get(abi, "minor"));
    card->from_config = json_object_get(card->json, "agents_from") != NULL;
    card->id = copy_word(card->json, "id");
    card->version = copy_word(card->json, "version");
    card->summary = copy_word(card->json, "summary");
    const char *isolation = word(card->json, "isolation");
    card->isolation_worker = isolation && strcmp(isolation, "worker") == 0;
    code = read_limits(card, reterr);
    if (code == ERR_OK)
        code = read_state(card, reterr);
    if (code == ERR_OK)
        code = read_config(card, reterr);
    if (code == ERR_OK)
        code = check_from(card, kept, reterr);
    if (code == ERR_OK)
        code = read_agents(card, reterr);
    card->brokered = code == ERR_OK && is_brokered(card);
    return code;
}

enum error_code card_read(const char *path, struct card **ret_card, struct error *reterr)
{
    AUTO(library_done) struct library library = {.fd = -1};
    enum error_code code = library_open(path, &library, reterr);
    struct slice text = {NULL, 0};
    if (code == ERR_OK)
        code = elf_find_card(library.bytes, path, &text, reterr);
    if (code != ERR_OK)
        return code;
    AUTO(card_freep) struct card *card = xcalloc(1, sizeof(*card));
    card->path = xstrdup(path);
    card->library = library.digest;
    card->library_size = library.bytes.len;
    card->digest = card->bare = digest_of(text);
    code = read_json(card, text, false, reterr);
    if (code != ERR_OK) {
        error_prefix(reterr, "%s: card: ", path);
        return code;
    }
    *ret_card = TAKE(card);
    return ERR_OK;
}

enum error_code card_parse(struct slice text, struct card **ret_card, struct error *reterr)
{
    AUTO(card_freep) struct card *card = xcalloc(1, sizeof(*card));
    card->path = xstrdup("");
    card->digest = card->bare = digest_of(text);
    enum error_code code = read_json(card, text, true, reterr);
    if (code != ERR_OK) {
        error_prefix(reterr, "card: ");
        return code;
    }
    *ret_card = TAKE(card);
    return ERR_OK;
}

enum error_code card_undescribed(const struct card *card, struct card **ret_card,
                                 struct error *reterr)
{
    ASSERT(card->from_config);
    AUTO(json_decrefp) json_t *json = json_copy(card->json);
    AUTO(text_done) struct text text;
    text_init(&text, LIMIT_FILE);
    json_object_set_new(json, "agents", json_array());
    json_write(json, &text);
    AUTO(card_freep) struct card *bare = xcalloc(1, sizeof(*bare));
    bare->path = xstrdup(card->path);
    bare->library = card->library;
    bare->library_size = card->library_size;
    bare->digest = bare->bare = card->bare;
    enum error_code code = read_json(bare, text_slice(&text), false, reterr);
    if (code == ERR_OK)
        *ret_card = TAKE(bare);
    return code;
}

enum error_code card_describe(struct card *card, json_t *agents, struct error *reterr)
{
    ASSERT(card->from_config && card->agent_count == 0);
    if (json_array_size(agents) == 0)
        return error_set(reterr, ERR_INPUT,
                         "its configuration declares no agents (cure: declare one there)");
    free(TAKE(card->agents));
    json_object_set(card->json, "agents", agents);
    enum error_code code = check_schema(card->json, reterr);
    if (code == ERR_OK)
        code = read_agents(card, reterr);
    if (code != ERR_OK)
        return code;
    card->brokered = is_brokered(card);
    AUTO(text_done) struct text text;
    text_init(&text, LIMIT_FILE);
    json_write(card->json, &text);
    if (text.overflowed)
        return error_set(reterr, ERR_LIMIT, "its agents take more than %d bytes", LIMIT_FILE);
    card->digest = digest_of(text_slice(&text));
    return ERR_OK;
}

struct card *card_ref(struct card *card)
{
    card->shared++;
    return card;
}

void card_free(struct card *card)
{
    if (!card || card->shared-- > 0)
        return;
    for (size_t i = 0; i < card->agent_count; i++) {
        struct card_agent *agent = &card->agents[i];
        free(agent->name);
        free(agent->summary);
        contract_unref(agent->input);
        contract_unref(agent->output);
        free(agent->confidence);
        free(agent->reconcile);
        free(agent->ref);
    }
    free(card->agents);
    contract_unref(card->config);
    free(card->path);
    free(card->id);
    free(card->version);
    free(card->summary);
    json_decref(card->json);
    free(card);
}

void card_freep(struct card **card)
{
    card_free(*card);
}

bool request_names(const char *request, const char *name)
{
    return strcmp(request, "*") == 0 || strcmp(request, name) == 0;
}
