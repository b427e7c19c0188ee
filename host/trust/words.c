/* SPDX-License-Identifier: Apache-2.0
 *
 * What a card asks for, what a manifest grants and what agents may do, in plain words, a line each:
 * what a person reads before he says yes. The same words for the same thing, so that two lists can
 * be held against each other.
 */
#include "trust/trust.h"

#include <seam/plugin.h>
#include <stdlib.h>
#include <string.h>

static const char *word(const json_t *object, const char *key, const char *otherwise)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : otherwise;
}

static void add(json_t *list, char *line_taken)
{
    json_array_append_new(list, json_string(line_taken));
    free(line_taken);
}

static void add_http(json_t *list, const json_t *http)
{
    size_t i, k;
    const json_t *route, *method;
    json_array_foreach (http, i, route) {
        const json_t *port = json_object_get(route, "port");
        AUTO(freep)
        char *at =
            port ? xasprintf(":%" JSON_INTEGER_FORMAT, json_integer_value(port)) : xstrdup("");
        json_array_foreach (json_object_get(route, "methods"), k, method)
            add(list, xasprintf("send %s to %s://%s%s", json_string_value(method),
                                word(route, "scheme", "https"), word(route, "host", "?"), at));
        json_array_foreach (json_object_get(route, "reads"), k, method)
            add(list, xasprintf("have %s of %s count as changing nothing",
                                json_string_value(method), word(route, "host", "?")));
        if (json_is_true(json_object_get(route, "private")))
            add(list, xasprintf("find %s in a private network", word(route, "host", "?")));
    }
}

static bool is_any(const json_t *request)
{
    return json_is_string(request) && strcmp(json_string_value(request), "*") == 0;
}

static void add_secrets(json_t *list, const json_t *secrets)
{
    size_t i, k;
    const json_t *secret, *host;
    json_array_foreach (secrets, i, secret) {
        if (is_any(secret))
            add(list, xstrdup("have any secret that it is granted sent, without seeing it"));
        else if (json_is_string(secret))
            add(list,
                xasprintf("have the secret %s sent, without seeing it", json_string_value(secret)));
        json_array_foreach (json_object_get(secret, "hosts"), k, host)
            add(list, xasprintf("have the secret %s sent, without seeing it, to %s",
                                word(secret, "name", "?"), json_string_value(host)));
    }
}

static json_t *in_words(const json_t *requests)
{
    json_t *list = json_array();
    size_t i;
    const json_t *value;
    add_http(list, json_object_get(requests, "http"));
    add_secrets(list, json_object_get(requests, "secrets"));
    json_array_foreach (json_object_get(requests, "fs"), i, value)
        add(list, xasprintf("%s files in %s",
                            strcmp(word(value, "mode", "r"), "rw") == 0 ? "read and write" : "read",
                            word(value, "path", "?")));
    json_array_foreach (json_object_get(requests, "agents"), i, value)
        add(list, is_any(value) ? xstrdup("call any agent that it is granted")
                                : xasprintf("call the agent %s", json_string_value(value)));
    json_array_foreach (json_object_get(requests, "exec"), i, value)
        add(list, is_any(value) ? xstrdup("run any program that it is granted")
                                : xasprintf("run the program %s", json_string_value(value)));
    if (strcmp(word(requests, "net", "none"), "none") != 0)
        add(list, xstrdup("open sockets of its own, to anywhere"));
    const json_t *state = json_object_get(requests, "state");
    if (json_is_string(state))
        add(list, xasprintf("keep up to %s from call to call", json_string_value(state)));
    else if (state)
        add(list, xasprintf("keep up to %" JSON_INTEGER_FORMAT " bytes from call to call",
                            json_integer_value(state)));
    if (json_is_true(json_object_get(requests, "jit")))
        add(list, xstrdup("run code that it makes while it runs"));
    return list;
}

json_t *card_requests_in_words(const struct card *card)
{
    return in_words(json_object_get(card->json, "requests"));
}

json_t *grants_in_words(const json_t *granted)
{
    json_t *list = in_words(json_object_get(granted, "grants"));
    size_t i;
    const json_t *value;
    if (strcmp(word(granted, "isolation", "worker"), "worker") != 0)
        add(list, xstrdup("run in the host's own process: nothing holds it there"));
    json_array_foreach (json_object_get(json_object_get(granted, "sandbox"), "without"), i, value)
        add(list, xasprintf("run without the protection \"%s\"", json_string_value(value)));
    return list;
}

char *signer_in_words(const struct signer *signer)
{
    if (!signer->is_signed)
        return xstrdup("not signed");
    return signer->is_trusted
               ? xasprintf("signed by %s (key %s)", signer->name, signer->key)
               : xasprintf("signed by key %s, which is not trusted: that says nothing (seam "
                           "plugins trust KEY.pub, if you know whose it is)",
                           signer->key);
}

json_t *agents_in_words(const struct card *card)
{
    static const char *const effects[] = {
        "computes, and touches nothing", "looks at the world, and changes nothing",
        "changes the world; the same twice is once", "changes the world, at most once"};
    json_t *list = json_array();
    for (size_t i = 0; i < card->agent_count; i++) {
        const struct card_agent *agent = &card->agents[i];
        add(list, xasprintf("%s: %s%s%s", agent->name,
                            effects[agent->effect <= SEAM_WRITE ? agent->effect : SEAM_WRITE],
                            agent->flags & SEAM_DESTRUCTIVE ? "; may destroy what is there" : "",
                            agent->flags & SEAM_OPEN_WORLD ? "; meets strangers" : ""));
    }
    return list;
}

/* Any of the methods that a request asks for, at that host. */
static bool is_given(const struct manifest_plugin *entry, const json_t *route, const char *method)
{
    for (size_t i = 0; i < entry->http_count; i++)
        for (size_t k = 0; k < entry->http[i].method_count; k++)
            if (request_names(word(route, "host", "?"), entry->http[i].host) &&
                strcmp(entry->http[i].methods[k], method) == 0)
                return true;
    return false;
}

static bool has_secret(const struct manifest_plugin *entry, const char *name)
{
    for (size_t i = 0; i < entry->secret_count; i++)
        if (request_names(name, entry->secrets[i].name))
            return true;
    return false;
}

json_t *ungranted_in_words(const struct card *card, const struct manifest_plugin *entry)
{
    const json_t *requests = json_object_get(card->json, "requests"), *value, *method;
    json_t *list = json_array();
    size_t i, k;
    json_array_foreach (json_object_get(requests, "http"), i, value)
        json_array_foreach (json_object_get(value, "methods"), k, method)
            if (!is_given(entry, value, json_string_value(method)))
                add(list, xasprintf("send %s to %s", json_string_value(method),
                                    word(value, "host", "?")));
    json_array_foreach (json_object_get(requests, "secrets"), i, value)
        if (!has_secret(entry, json_string_value(value)))
            add(list, xasprintf("have the secret %s sent", json_string_value(value)));
    if (strcmp(word(requests, "net", "none"), "none") != 0 && !entry->net)
        add(list, xstrdup("open sockets of its own"));
    if (card->state_bytes > 0 && entry->state_bytes < 0)
        add(list, xstrdup("keep anything from call to call"));
    else if (card->state_bytes > entry->state_bytes)
        add(list, xasprintf("keep more than %lld bytes from call to call",
                            (long long)entry->state_bytes));
    if (json_is_true(json_object_get(requests, "jit")) && !entry->jit)
        add(list, xstrdup("run code that it makes while it runs"));
    return list;
}

static bool has(const json_t *list, const char *line)
{
    size_t i;
    const json_t *value;
    json_array_foreach (list, i, value)
        if (strcmp(json_string_value(value), line) == 0)
            return true;
    return false;
}

json_t *words_without(const json_t *list, const json_t *other)
{
    json_t *left = json_array();
    size_t i;
    const json_t *value;
    json_array_foreach (list, i, value)
        if (!has(other, json_string_value(value)))
            json_array_append(left, (json_t *)(uintptr_t)value);
    return left;
}
