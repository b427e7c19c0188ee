/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration: where the service is, how one says who one is, and what operations it has.
 * Names are unique, whatever they came from.
 */
#include "http.h"

#include <stdarg.h>

bool trouble_say(struct trouble *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (t->text[0] == '\0' && vsnprintf(t->text, sizeof(t->text), format, arguments) < 0)
        t->text[0] = '\0';
    va_end(arguments);
    return false;
}

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

struct operation *service_add(struct service *s, const char *name, const char *place,
                              struct trouble *t)
{
    if (service_find(s, seam_text(name))) {
        trouble_say(t, "%s: there is another agent `%s` (cure: name one of them otherwise)", place,
                    name);
        return NULL;
    }
    struct operation *more =
        realloc(s->operations, (s->operation_count + 1) * sizeof(*s->operations));
    if (!more) {
        trouble_say(t, "memory is short");
        return NULL;
    }
    s->operations = more;
    struct operation *op = &s->operations[s->operation_count++];
    *op = (struct operation){.name = copy(name)};
    return op;
}

const struct operation *service_find(const struct service *s, seam_bytes name)
{
    for (size_t i = 0; i < s->operation_count; i++)
        if (strlen(s->operations[i].name) == name.len &&
            memcmp(s->operations[i].name, name.ptr, name.len) == 0)
            return &s->operations[i];
    return NULL;
}

static bool read_auth(struct service *s, const json_t *json, struct trouble *t)
{
    static const char *const words[] = {"none", "bearer", "basic", "header", "query"};
    const char *type = json_string_value(json_object_get(json, "type"));
    for (size_t i = 0; type && i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i], type) == 0)
            s->auth = (enum auth)i;
    s->secret = copy(json_string_value(json_object_get(json, "secret")));
    s->user = copy(json_string_value(json_object_get(json, "user")));
    s->auth_name = copy(json_string_value(json_object_get(json, "name")));
    s->prefix = copy(json_string_value(json_object_get(json, "prefix")));
    if ((s->auth == AUTH_HEADER || s->auth == AUTH_QUERY) && !s->auth_name)
        return trouble_say(t, "/auth: `name` is missing: of the %s that takes the secret", type);
    return true;
}

/* "1m30s"; the configuration's schema has checked its form. */
static uint32_t milliseconds(const char *text)
{
    uint64_t sum = 0;
    while (*text && sum < UINT32_MAX) {
        char *unit;
        uint64_t count = strtoull(text, &unit, 10);
        bool ms = strncmp(unit, "ms", 2) == 0;
        uint64_t each = ms             ? 1
                        : *unit == 's' ? 1000
                        : *unit == 'm' ? 60000
                        : *unit == 'h' ? 3600000
                                       : 86400000;
        sum += count > UINT32_MAX / each ? UINT32_MAX : count * each;
        text = unit + (ms ? 2 : 1);
    }
    return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

static bool read_agents(struct service *s, const json_t *agents, struct trouble *t)
{
    size_t i;
    const json_t *agent;
    json_array_foreach (agents, i, agent) {
        char where[64];
        snprintf(where, sizeof(where), "/agents/%zu", i);
        if (!declare(s, agent, where, t))
            return false;
    }
    return true;
}

bool service_read(struct service *s, seam_bytes config, struct trouble *t)
{
    json_error_t error;
    json_t *json = json_loadb(config.ptr, config.len, 0, &error);
    if (!json)
        return trouble_say(t, "the configuration cannot be read: %s", error.text);
    const char *url = json_string_value(json_object_get(json, "url")),
               *timeout = json_string_value(json_object_get(json, "timeout"));
    s->url = copy(url);
    s->headers = json_incref(json_object_get(json, "headers"));
    s->timeout_ms = timeout ? milliseconds(timeout) : 0;
    const json_t *openapi = json_object_get(json, "openapi");
    bool good = read_auth(s, json_object_get(json, "auth"), t) &&
                (!openapi || openapi_read(s, openapi, t)) &&
                read_agents(s, json_object_get(json, "agents"), t);
    if (good && !s->url)
        good = trouble_say(t, "/url: it is missing");
    if (good && s->auth == AUTH_BASIC && !s->user)
        good = trouble_say(t, "/auth: `user` is missing: whose password the secret is");
    if (good && s->secret && s->auth == AUTH_NONE)
        good = trouble_say(t, "/auth: `type` is missing: how the secret is sent");
    for (size_t end = s->url ? strlen(s->url) : 0; end > 0 && s->url[end - 1] == '/';)
        s->url[--end] = '\0';
    json_decref(json);
    return good;
}

void service_done(struct service *s)
{
    for (size_t i = 0; i < s->operation_count; i++)
        operation_done(&s->operations[i]);
    free(s->operations);
    free(s->url);
    free(s->secret);
    free(s->user);
    free(s->auth_name);
    free(s->prefix);
    json_decref(s->headers);
}
