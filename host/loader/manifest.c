/* SPDX-License-Identifier: Apache-2.0
 *
 * The manifest: read, checked against schemas/manifest.schema.json, and then against what a
 * schema cannot say. Every complaint begins with file:line:column, and all that the schema finds
 * are told at once. Values are taken as they stand: no variable is expanded, no file that it names
 * is opened here.
 */
#include "loader/manifest.h"
#include "base/limits.h"
#include "base/units.h"
#include "contract/contract.h"
#include "document/document.h"
#include "loader/confine_internal.h"
#include "loader/faults_internal.h"
#include "loader/manifest_internal.h"
#include "loader/secret_grants_internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char manifest_schema_json[];
extern const size_t manifest_schema_json_size;

enum { DEFAULT_CONCURRENCY = 256, DEFAULT_RUNS = 10000, COMPLAINTS = 8 };
enum { DEFAULT_PROBATION_MS = 60000, DEFAULT_FAULTS = 3 };

static const char *word(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* A complaint about the value at a pointer, which is made like printf. */
static enum error_code complain(const struct manifest *m, const char *pointer, struct error *reterr,
                                const char *format, ...) PRINTF_LIKE(4, 5);
static enum error_code complain(const struct manifest *m, const char *pointer, struct error *reterr,
                                const char *format, ...)
{
    AUTO(text_done) struct text text;
    text_init(&text, ERROR_TEXT_SIZE);
    va_list args;
    va_start(args, format);
    char words[ERROR_TEXT_SIZE];
    vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    struct position at = document_where(m->document, pointer);
    return error_set(reterr, ERR_INPUT, "%s:%d:%d: %s: %s", document_name(m->document), at.line,
                     at.column, pointer, words);
}

/* ---- the schema ---- */

static bool ends_with(const char *string, const char *end)
{
    size_t len = strlen(string), end_len = strlen(end);
    return len >= end_len && strcmp(string + len - end_len, end) == 0;
}

/* Names of plugins, secrets, agents and people; what is none is a property that nobody knows. */
static bool is_name(const char *pointer)
{
    const char *name = strrchr(pointer, '/') + 1;
    return isalpha((unsigned char)name[0]) && strlen(name) <= LIMIT_NAME &&
           name[strspn(
               name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")] == '\0';
}

static void add_violation(const struct manifest *m, const struct violation *v, struct text *out)
{
    bool of_key = ends_with(v->schema, "/additionalProperties");
    struct position at = of_key ? document_where_key(m->document, v->instance)
                                : document_where(m->document, v->instance);
    text_addf(out, "%s%s:%d:%d: %s%s%s%s", out->len > 0 ? "\n" : "", document_name(m->document),
              at.line, at.column, v->instance, v->instance[0] ? ": " : "", v->text,
              of_key && !is_name(v->instance)
                  ? " (a name is a letter, then letters, digits, \"_\", \".\" and \"-\")"
                  : "");
}

static enum error_code check_schema(const struct manifest *m, struct error *reterr)
{
    AUTO(json_decrefp) json_t *schema = NULL;
    AUTO(contract_unrefp) struct contract *contract = NULL;
    struct slice text = {(const char *)manifest_schema_json, manifest_schema_json_size};
    enum error_code code = json_read(text, LIMIT_FILE, &schema, reterr);
    if (code == ERR_OK)
        code = contract_compile(schema, NULL, &contract, reterr);
    if (code != ERR_OK)
        return code;
    struct violations violations;
    if (!contract_explain(contract, document_root(m->document), &violations)) {
        AUTO(text_done) struct text out;
        text_init(&out, ERROR_TEXT_SIZE);
        for (size_t i = 0; i < violations.count && i < COMPLAINTS; i++)
            add_violation(m, &violations.list[i], &out);
        code = error_set(reterr, ERR_INPUT, "%s", text_str(&out));
    }
    violations_done(&violations);
    return code;
}

/* ---- values ---- */

/* The path as the operator meant it: relative to the manifest. */
char *manifest_resolve(const struct manifest *m, const char *path)
{
    return path[0] == '/' ? xstrdup(path) : xasprintf("%s/%s", m->folder, path);
}

static enum error_code read_duration(const struct manifest *m, const json_t *object,
                                     const char *parent, const char *key, int64_t *ret_ms,
                                     struct error *reterr)
{
    const char *value = word(object, key);
    *ret_ms = -1;
    if (!value || duration_parse(slice_of(value), ret_ms))
        return ERR_OK;
    AUTO(freep) char *pointer = xasprintf("%s/%s", parent, key);
    return complain(m, pointer, reterr, "\"%s\" is longer than the ten years that a host can wait",
                    value);
}

static enum error_code read_size(const struct manifest *m, const json_t *object, const char *parent,
                                 const char *key, int64_t *ret_bytes, struct error *reterr)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return ERR_OK;
    AUTO(freep)
    char *text = json_is_integer(value)
                     ? xasprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value))
                     : xstrdup(json_string_value(value));
    if (size_parse(slice_of(text), ret_bytes) && *ret_bytes > 0)
        return ERR_OK;
    AUTO(freep) char *pointer = xasprintf("%s/%s", parent, key);
    return complain(m, pointer, reterr, "%s is no size from 1 byte to 1 TB", text);
}

/* A cost may be written as a number; its millionths must be exact all the same. */
static enum error_code read_money(const struct manifest *m, const json_t *object,
                                  const char *parent, const char *key, int64_t *ret_millionths,
                                  struct error *reterr)
{
    const json_t *value = json_object_get(object, key);
    *ret_millionths = -1;
    if (!value)
        return ERR_OK;
    char text[64];
    if (json_is_string(value))
        snprintf(text, sizeof(text), "%s", json_string_value(value));
    else
        snprintf(text, sizeof(text), "%.6f", json_number_value(value));
    bool exact = json_is_string(value) || strtod(text, NULL) == json_number_value(value);
    if (exact && money_parse(slice_of(text), ret_millionths))
        return ERR_OK;
    AUTO(freep) char *pointer = xasprintf("%s/%s", parent, key);
    return complain(m, pointer, reterr,
                    "expected an amount of at most six places, such as 0.50, found one nearest %s",
                    text);
}

static int64_t read_count(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(object, key);
    return value ? json_integer_value(value) : otherwise;
}

/* ---- plugins ---- */

static char **read_words(const json_t *list, size_t *ret_count)
{
    size_t index;
    const json_t *value;
    char **words = xcalloc(json_array_size(list) + 1, sizeof(*words));
    json_array_foreach (list, index, value)
        words[index] = xstrdup(json_string_value(value));
    *ret_count = json_array_size(list);
    return words;
}

static void read_routes(const json_t *list, struct http_grant *grant)
{
    size_t index;
    const json_t *value;
    grant->reads = xcalloc(json_array_size(list) + 1, sizeof(*grant->reads));
    grant->read_count = json_array_size(list);
    json_array_foreach (list, index, value) {
        const char *text = json_string_value(value), *space = strchr(text, ' ');
        grant->reads[index] = (struct route){.method = xstrndup(text, (size_t)(space - text)),
                                             .path = xstrdup(space + 1)};
    }
}

/* As the URL of a request spells it: in lower case, an IPv6 address without its brackets and short.
 */
static char *read_host(const char *said)
{
    struct in6_addr address;
    char inner[INET6_ADDRSTRLEN], *host;
    size_t len = strlen(said);
    if (said[0] == '[' && len >= 2 && len - 2 < sizeof(inner)) {
        memcpy(inner, said + 1, len - 2);
        inner[len - 2] = '\0';
        if (inet_pton(AF_INET6, inner, &address) == 1 &&
            inet_ntop(AF_INET6, &address, inner, sizeof(inner)))
            return xstrdup(inner);
    }
    host = xstrdup(said);
    for (char *c = host; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return host;
}

static void read_http(const json_t *json, struct http_grant *grant)
{
    const char *scheme = word(json, "scheme");
    grant->scheme = xstrdup(scheme ? scheme : "https");
    grant->host = read_host(word(json, "host"));
    int usual = strcmp(grant->scheme, "http") == 0 ? 80 : 443;
    grant->port = (int)read_count(json, "port", usual);
    grant->methods = read_words(json_object_get(json, "methods"), &grant->method_count);
    read_routes(json_object_get(json, "reads"), grant);
    const json_t *refusals = json_object_get(json, "refusals");
    grant->refusal_count = json_array_size(refusals);
    grant->refusals = xcalloc(grant->refusal_count + 1, sizeof(*grant->refusals));
    for (size_t i = 0; i < grant->refusal_count; i++)
        grant->refusals[i] = (int)json_integer_value(json_array_get(refusals, i));
    grant->private_network = json_is_true(json_object_get(json, "private"));
}

static enum error_code check_secrets(const struct manifest *m, const struct manifest_plugin *p,
                                     const json_t *names, struct error *reterr)
{
    const json_t *known = json_object_get(document_root(m->document), "secrets");
    size_t index;
    const json_t *item;
    json_array_foreach (names, index, item) {
        const char *name = secret_grant_name(item);
        if (json_object_get(known, name))
            continue;
        AUTO(freep) const char **candidates = xcalloc(json_object_size(known) + 1, sizeof(char *));
        size_t count = 0;
        for (void *at = json_object_iter((json_t *)(uintptr_t)known); at;
             at = json_object_iter_next((json_t *)(uintptr_t)known, at))
            candidates[count++] = json_object_iter_key(at);
        const char *near = suggest(slice_of(name), candidates, count);
        AUTO(freep) char *pointer = xasprintf("/plugins/%s/grants/secrets/%zu", p->alias, index);
        return complain(m, pointer, reterr,
                        "there is no secret \"%s\"%s%s%s (cure: say where it "
                        "stands, under `secrets`)",
                        name, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    return ERR_OK;
}

/* A grant names an agent of another plugin of this manifest; whether it has that agent, its card
 * tells. */
static enum error_code check_agents(const struct manifest *m, const struct manifest_plugin *p,
                                    struct error *reterr)
{
    json_t *known = json_object_get(document_root(m->document), "plugins"), *value;
    AUTO(freep) const char **aliases = xcalloc(json_object_size(known) + 1, sizeof(char *));
    const char *alias;
    size_t count = 0;
    json_object_foreach (known, alias, value) {
        aliases[count++] = alias;
    }
    for (size_t i = 0; i < p->agent_count; i++) {
        AUTO(freep) char *named = xstrndup(p->agents[i], strcspn(p->agents[i], "/"));
        if (json_object_get(known, named))
            continue;
        const char *near = suggest(slice_of(named), aliases, count);
        AUTO(freep) char *pointer = xasprintf("/plugins/%s/grants/agents/%zu", p->alias, i);
        return complain(m, pointer, reterr,
                        "there is no plugin \"%s\" in this manifest%s%s%s (a grant is "
                        "alias/agent, or alias/* for all of its agents)",
                        named, near ? "; did you mean \"" : "", near ? near : "",
                        near ? "\"?" : "");
    }
    return ERR_OK;
}

/* A duration that must last. */
static enum error_code read_span(const struct manifest *m, const json_t *object, const char *parent,
                                 const char *key, int64_t *ret_ms, struct error *reterr)
{
    enum error_code code = read_duration(m, object, parent, key, ret_ms, reterr);
    if (code != ERR_OK || *ret_ms > 0)
        return code;
    AUTO(freep) char *pointer = xasprintf("%s/%s", parent, key);
    return complain(m, pointer, reterr, "expected a time longer than nothing, such as 1s");
}

static enum error_code read_agent(const struct manifest *m, const struct manifest_plugin *p,
                                  struct manifest_agent *agent, const json_t *json,
                                  struct error *reterr)
{
    const json_t *rate = json_object_get(json, "rate"), *breaker = json_object_get(json, "breaker");
    AUTO(freep) char *rate_at = xasprintf("/plugins/%s/agents/%s/rate", p->alias, agent->name);
    AUTO(freep)
    char *breaker_at = xasprintf("/plugins/%s/agents/%s/breaker", p->alias, agent->name);
    enum error_code code = ERR_OK;
    agent->refusals = json_object_get(json, "refusals");
    agent->concurrency = (int)read_count(json, "concurrency", 0);
    agent->rate_calls = (int)read_count(rate, "calls", 0);
    agent->breaker_failures = (int)read_count(breaker, "failures", 0);
    if (rate)
        code = read_span(m, rate, rate_at, "per", &agent->rate_ms, reterr);
    if (code == ERR_OK && breaker)
        code = read_span(m, breaker, breaker_at, "within", &agent->breaker_within_ms, reterr);
    if (code == ERR_OK && breaker)
        code = read_span(m, breaker, breaker_at, "open", &agent->breaker_open_ms, reterr);
    return code;
}

static enum error_code read_settings(const struct manifest *m, struct manifest_plugin *p,
                                     const json_t *list, struct error *reterr)
{
    enum error_code code = ERR_OK;
    const char *name;
    json_t *json;
    p->settings = xcalloc(json_object_size(list) + 1, sizeof(*p->settings));
    json_object_foreach ((json_t *)(uintptr_t)list, name, json) {
        struct manifest_agent *agent = &p->settings[p->setting_count++];
        agent->name = xstrdup(name);
        if (code == ERR_OK)
            code = read_agent(m, p, agent, json, reterr);
    }
    return code;
}

static enum error_code read_plugin(const struct manifest *m, struct manifest_plugin *p,
                                   const json_t *json, struct error *reterr)
{
    const char *isolation = word(json, "isolation");
    const json_t *grants = json_object_get(json, "grants"),
                 *limits = json_object_get(json, "limits");
    const json_t *http = json_object_get(grants, "http");
    p->path = manifest_resolve(m, word(json, "path"));
    p->in_process = isolation && strcmp(isolation, "in-process") == 0;
    p->required = json_is_true(json_object_get(json, "required"));
    p->self_test = json_incref(json_object_get(json, "self_test"));
    p->http = xcalloc(json_array_size(http) + 1, sizeof(*p->http));
    for (size_t i = 0; i < json_array_size(http); i++)
        read_http(json_array_get(http, i), &p->http[p->http_count++]);
    p->agents = read_words(json_object_get(grants, "agents"), &p->agent_count);
    confine_read(m->folder, json, p);
    p->max_concurrency = (int)read_count(limits, "max_concurrency", 0);
    p->memory_bytes = p->call_ms = p->drain_ms = p->state_bytes = -1;
    AUTO(freep) char *at = xasprintf("/plugins/%s/limits", p->alias);
    AUTO(freep) char *of_grants = xasprintf("/plugins/%s/grants", p->alias);
    enum error_code code = manifest_read_config(m, p, json, reterr);
    if (code == ERR_OK)
        code = check_secrets(m, p, json_object_get(grants, "secrets"), reterr);
    if (code == ERR_OK)
        secret_grants_read(m, json_object_get(document_root(m->document), "secrets"),
                           json_object_get(grants, "secrets"), p);
    if (code == ERR_OK)
        code = check_agents(m, p, reterr);
    if (code == ERR_OK)
        code = read_size(m, grants, of_grants, "state", &p->state_bytes, reterr);
    if (code == ERR_OK)
        code = read_size(m, limits, at, "memory", &p->memory_bytes, reterr);
    if (code == ERR_OK)
        code = read_duration(m, limits, at, "call", &p->call_ms, reterr);
    if (code == ERR_OK)
        code = read_duration(m, limits, at, "drain", &p->drain_ms, reterr);
    if (code == ERR_OK)
        code = faults_read(m, json, p, reterr);
    if (code == ERR_OK)
        code = read_settings(m, p, json_object_get(json, "agents"), reterr);
    return code;
}

static enum error_code read_plugins(struct manifest *m, const json_t *root, struct error *reterr)
{
    json_t *list = json_object_get(root, "plugins");
    const char *alias;
    json_t *json;
    m->plugins = xcalloc(json_object_size(list) + 1, sizeof(*m->plugins));
    json_object_foreach (list, alias, json) {
        struct manifest_plugin *p = &m->plugins[m->plugin_count++];
        p->alias = xstrdup(alias);
        enum error_code code = read_plugin(m, p, json, reterr);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

/* ---- the whole ---- */

static void read_store(struct manifest *m, const json_t *root)
{
    const json_t *store = json_object_get(root, "store");
    const char *url = word(store, "url"), *durability = word(store, "durability");
    static const char prefix[] = "sqlite:";
    if (!url)
        url = "sqlite:.seam/journal.db";
    if (strncmp(url, prefix, sizeof(prefix) - 1) == 0)
        m->store = manifest_resolve(m, url + sizeof(prefix) - 1);
    m->durable_steps = durability && strcmp(durability, "steps") == 0;
}

const char *period_word(enum period period)
{
    static const char *const words[] = {
#define X(name, word) word,
        PERIODS(X)
#undef X
    };
    return words[period];
}

static enum error_code read_budgets(struct manifest *m, const json_t *root, struct error *reterr)
{
    const json_t *budgets = json_object_get(root, "budgets");
    enum error_code code = ERR_OK;
    for (enum period p = 0; p < PERIOD_COUNT && code == ERR_OK; p++) {
        const json_t *json = json_object_get(budgets, period_word(p));
        AUTO(freep) char *at = xasprintf("/budgets/%s", period_word(p));
        struct manifest_budget *budget = &m->budgets[p];
        *budget = (struct manifest_budget){.attempts = read_count(json, "attempts", -1),
                                           .calls = read_count(json, "calls", -1),
                                           .tokens = read_count(json, "tokens", -1)};
        code = read_money(m, json, at, "cost", &budget->cost, reterr);
        m->any_budget |= json_object_size(json) > 0;
    }
    return code;
}

static enum error_code read_limits(struct manifest *m, const json_t *root, struct error *reterr)
{
    const json_t *limits = json_object_get(root, "limits");
    const json_t *budget = json_object_get(limits, "budget");
    m->concurrency = (int)read_count(limits, "concurrency", DEFAULT_CONCURRENCY);
    m->concurrency_said = json_object_get(limits, "concurrency") != NULL;
    m->runs = (int)read_count(limits, "runs", DEFAULT_RUNS);
    m->connections = (int)read_count(limits, "connections", LIMIT_CONNECTIONS);
    int otherwise =
        m->connections < LIMIT_CONNECTIONS_HOST ? m->connections : LIMIT_CONNECTIONS_HOST;
    m->connections_host = (int)read_count(limits, "connections_per_host", otherwise);
    m->payload = LIMIT_PAYLOAD;
    m->budget_attempts = read_count(budget, "attempts", -1);
    m->budget_calls = read_count(budget, "calls", -1);
    m->budget_tokens = read_count(budget, "tokens", -1);
    enum error_code code = read_size(m, limits, "/limits", "payload", &m->payload, reterr);
    if (code == ERR_OK && m->payload > LIMIT_PAYLOAD_MAX)
        code = complain(m, "/limits/payload", reterr, "the most that a host carries is %u mb",
                        LIMIT_PAYLOAD_MAX >> 20);
    if (code == ERR_OK)
        code = read_money(m, budget, "/limits/budget", "cost", &m->budget_cost, reterr);
    if (code == ERR_OK)
        code = read_duration(m, budget, "/limits/budget", "time", &m->budget_time_ms, reterr);
    return code;
}

static enum error_code read_reload(struct manifest *m, const json_t *root, struct error *reterr)
{
    const json_t *reload = json_object_get(root, "reload");
    const char *watch = word(reload, "watch");
    m->watch = !watch || strcmp(watch, "manifest") == 0 ? WATCH_MANIFEST
               : strcmp(watch, "plugins") == 0          ? WATCH_PLUGINS
                                                        : WATCH_NONE;
    m->probation_faults = (int)read_count(reload, "faults", DEFAULT_FAULTS);
    enum error_code code =
        read_duration(m, reload, "/reload", "probation", &m->probation_ms, reterr);
    if (m->probation_ms < 0)
        m->probation_ms = DEFAULT_PROBATION_MS;
    return code;
}

static enum error_code read_all(struct manifest *m, struct error *reterr)
{
    json_t *root = document_root(m->document);
    enum error_code code = check_schema(m, reterr);
    if (code != ERR_OK)
        return code;
    const char *currency = word(root, "currency");
    m->currency = currency ? xstrdup(currency) : NULL;
    read_store(m, root);
    m->lock_required = word(root, "lock") != NULL;
    const char *signatures = word(root, "signatures");
    m->signatures_required = signatures && strcmp(signatures, "required") == 0;
    const json_t *flows = json_object_get(root, "flows");
    m->flows = xcalloc(json_array_size(flows) + 1, sizeof(*m->flows));
    for (size_t i = 0; i < json_array_size(flows); i++)
        m->flows[m->flow_count++] =
            manifest_resolve(m, json_string_value(json_array_get(flows, i)));
    m->defaults = json_object_get(root, "defaults");
    m->escalation = json_object_get(root, "escalation");
    m->serve = json_object_get(root, "serve");
    const char *ca_file = word(json_object_get(root, "tls"), "ca_file");
    m->ca_file = ca_file ? manifest_resolve(m, ca_file) : NULL;
    code = read_limits(m, root, reterr);
    if (code == ERR_OK)
        code = read_reload(m, root, reterr);
    if (code == ERR_OK)
        code = read_budgets(m, root, reterr);
    if (code == ERR_OK)
        code = manifest_read_hide(m, root, reterr);
    return code == ERR_OK ? read_plugins(m, root, reterr) : code;
}

/* The folder of a file, absolute. */
static char *folder_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    AUTO(freep)
    char *folder =
        slash ? xstrndup(file, slash == file ? 1 : (size_t)(slash - file)) : xstrdup(".");
    char *real = realpath(folder, NULL);
    return real ? real : TAKE(folder);
}

enum error_code manifest_load(const char *path, struct manifest **ret_manifest,
                              struct error *reterr)
{
    AUTO(manifest_freep) struct manifest *m = xcalloc(1, sizeof(*m));
    enum error_code code = document_load(path, &m->document, reterr);
    if (code != ERR_OK)
        return code;
    m->file = xstrdup(path);
    m->folder = folder_of(path);
    code = read_all(m, reterr);
    if (code == ERR_OK)
        *ret_manifest = TAKE(m);
    return code;
}

/* ---- the end ---- */

static void http_grant_done(struct http_grant *grant)
{
    free(grant->scheme);
    free(grant->host);
    for (size_t i = 0; i < grant->method_count; i++)
        free(grant->methods[i]);
    free(grant->methods);
    for (size_t i = 0; i < grant->read_count; i++) {
        free(grant->reads[i].method);
        free(grant->reads[i].path);
    }
    free(grant->reads);
    free(grant->refusals);
}

static void manifest_plugin_done(struct manifest_plugin *p)
{
    free(p->alias);
    free(p->path);
    json_decref(p->config);
    json_decref(p->self_test);
    for (size_t i = 0; i < p->http_count; i++)
        http_grant_done(&p->http[i]);
    free(p->http);
    for (size_t i = 0; i < p->agent_count; i++)
        free(p->agents[i]);
    free(p->agents);
    for (size_t i = 0; i < p->setting_count; i++)
        free(p->settings[i].name);
    free(p->settings);
    secret_grants_done(p);
    confine_done(p);
}

struct manifest *manifest_ref(struct manifest *m)
{
    m->shared++;
    return m;
}

void manifest_free(struct manifest *m)
{
    if (!m || m->shared-- > 0)
        return;
    for (size_t i = 0; i < m->plugin_count; i++)
        manifest_plugin_done(&m->plugins[i]);
    free(m->plugins);
    for (size_t i = 0; i < m->flow_count; i++)
        free(m->flows[i]);
    free(m->flows);
    free(m->file);
    free(m->folder);
    free(m->store);
    free(m->currency);
    free(m->ca_file);
    manifest_hide_done(&m->hide);
    document_free(m->document);
    free(m);
}

void manifest_freep(struct manifest **m)
{
    manifest_free(*m);
}
