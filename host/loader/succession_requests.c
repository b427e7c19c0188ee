/* SPDX-License-Identifier: Apache-2.0
 *
 * What a new card asks of the operator, held against what the old one asked: each single wish of
 * the new must lie within one wish of the old, or within several of its methods and routes. The
 * cards were held to their schema, so shapes are known here. A host, secret, agent or program "*"
 * stands for whatever the operator names; a folder stands for all below it; a route that ends in
 * "*" for all that begin so.
 */
#include "base/units.h"
#include "loader/succession_internal.h"

#include <stdlib.h>
#include <string.h>

static const char *word(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static bool holds_value(const json_t *list, const json_t *value)
{
    size_t i;
    const json_t *item;
    json_array_foreach (list, i, item) {
        if (json_equal(item, value))
            return true;
    }
    return false;
}

static bool names_value(const json_t *list, const json_t *value)
{
    size_t i;
    const json_t *item;
    json_array_foreach (list, i, item) {
        if (request_names(json_string_value(item), json_string_value(value)))
            return true;
    }
    return false;
}

/* ---- http ---- */

static const char *scheme_of(const json_t *entry)
{
    const char *scheme = word(entry, "scheme");
    return scheme ? scheme : "https";
}

static int port_of(const json_t *entry)
{
    const json_t *port = json_object_get(entry, "port");
    if (port)
        return (int)json_integer_value(port);
    return strcmp(scheme_of(entry), "http") == 0 ? 80 : 443;
}

/* Whether the old entry is about every place that the new one is about. */
static bool same_host(const json_t *was, const json_t *is)
{
    bool any = strcmp(word(was, "host"), "*") == 0;
    if (strcmp(scheme_of(was), scheme_of(is)) != 0 ||
        (json_is_true(json_object_get(is, "private")) &&
         !json_is_true(json_object_get(was, "private"))))
        return false;
    if (any && !json_object_get(was, "port"))
        return true;
    return port_of(was) == port_of(is) && (any || strcmp(word(was, "host"), word(is, "host")) == 0);
}

static bool route_within(const char *inner, const char *outer)
{
    size_t length = strlen(outer);
    if (outer[length - 1] == '*') /* the schema says: not empty */
        return strncmp(inner, outer, length - 1) == 0;
    return strcmp(inner, outer) == 0;
}

static bool always_reads(const char *route)
{
    return strncmp(route, "GET ", 4) == 0 || strncmp(route, "HEAD ", 5) == 0 ||
           strncmp(route, "OPTIONS ", 8) == 0;
}

enum part { METHODS, READS, REFUSALS, PARTS };
static const char *const part_names[PARTS] = {"methods", "reads", "refusals"};

static bool part_within(enum part part, const json_t *item, const json_t *was)
{
    const json_t *list = json_object_get(was, part_names[part]), *route;
    size_t i;
    if (part != READS)
        return holds_value(list, item);
    if (always_reads(json_string_value(item)))
        return true;
    json_array_foreach (list, i, route) {
        if (route_within(json_string_value(item), json_string_value(route)))
            return true;
    }
    return false;
}

/* The words of what is too wide: "DELETE at https://api.example.com:443". */
static char *too_wide(enum part part, const json_t *item, const json_t *entry)
{
    AUTO(freep)
    char *place = xasprintf(
        "%s://%s:%d%s", scheme_of(entry), word(entry, "host"), port_of(entry),
        json_is_true(json_object_get(entry, "private")) ? " (private addresses too)" : "");
    if (part == METHODS)
        return xasprintf("the new asks for %s at %s, the old did not", json_string_value(item),
                         place);
    if (part == READS)
        return xasprintf("the new says that %s at %s changes nothing, the old did not",
                         json_string_value(item), place);
    return xasprintf("the new says that a status %d of %s proves that nothing was done, the old "
                     "did not",
                     (int)json_integer_value(item), place);
}

/* Says each method, route and status that no old entry about the same place has; false if any. */
static bool http_entry_within(struct succession *s, const json_t *old_list, const json_t *entry,
                              size_t index)
{
    bool all = true;
    for (enum part part = METHODS; part < PARTS; part++) {
        size_t at, i;
        const json_t *item, *was;
        json_array_foreach (json_object_get(entry, part_names[part]), at, item) {
            bool found = false;
            json_array_foreach (old_list, i, was) {
                found = found || (same_host(was, entry) && part_within(part, item, was));
            }
            if (found)
                continue;
            all = false;
            AUTO(freep)
            char *place = xasprintf("/requests/http/%zu/%s/%zu", index, part_names[part], at);
            succession_say(
                s, &(struct succession_words){"requests.http", NULL, "/requests/http", place},
                REFUTED, too_wide(part, item, entry));
            s->checks[s->count - 1].witness = json_deep_copy(entry);
        }
    }
    return all;
}

/* ---- files, words ---- */

static bool climbs(const char *path)
{
    for (const char *at = path; (at = strstr(at, "/..")); at += 3)
        if (at[3] == '/' || at[3] == '\0')
            return true;
    return false;
}

static bool path_within(const char *inner, const char *outer)
{
    size_t length = strlen(outer);
    if (strcmp(inner, outer) == 0)
        return true;
    if (climbs(inner) || climbs(outer))
        return false;
    while (length > 0 && outer[length - 1] == '/')
        length--;
    return strncmp(inner, outer, length) == 0 && inner[length] == '/';
}

static bool fs_within(const json_t *list, const json_t *item)
{
    size_t i;
    const json_t *was;
    json_array_foreach (list, i, was) {
        bool mode = strcmp(word(was, "mode"), "rw") == 0 || strcmp(word(item, "mode"), "r") == 0;
        if (mode && path_within(word(item, "path"), word(was, "path")))
            return true;
    }
    return false;
}

/* One kind of request: how an item of it lies within a list, and how it is told. */
struct kind {
    const char *name, *aspect, *what;
    bool (*within)(const json_t *list, const json_t *item);
};

static char *wish_text(const struct kind *kind, const json_t *item)
{
    if (json_is_object(item))
        return xasprintf("the new asks for the %s %s (%s), the old did not", kind->what,
                         word(item, "path"), word(item, "mode"));
    return xasprintf("the new asks for the %s %s, the old did not", kind->what,
                     json_string_value(item));
}

static void ask_kind(struct succession *s, const struct kind *kind, const json_t *old_list,
                     const json_t *new_list)
{
    AUTO(freep) char *base = xasprintf("/requests/%s", kind->name);
    bool all = true;
    size_t i;
    const json_t *item;
    json_array_foreach (new_list, i, item) {
        if (kind->within(old_list, item))
            continue;
        all = false;
        AUTO(freep) char *place = xasprintf("%s/%zu", base, i);
        succession_say(s, &(struct succession_words){kind->aspect, NULL, base, place}, REFUTED,
                       wish_text(kind, item));
        s->checks[s->count - 1].witness = json_deep_copy(item);
    }
    if (all && (old_list || new_list))
        succession_say(s, &(struct succession_words){kind->aspect, NULL, base, base}, PROVEN,
                       xasprintf("it asks for no more than the old"));
}

static void ask_http(struct succession *s, const json_t *old_list, const json_t *new_list)
{
    bool all = true;
    size_t i;
    const json_t *entry;
    json_array_foreach (new_list, i, entry) {
        all &= http_entry_within(s, old_list, entry, i);
    }
    if (all && (old_list || new_list))
        succession_say(
            s,
            &(struct succession_words){"requests.http", NULL, "/requests/http", "/requests/http"},
            PROVEN, xstrdup("it asks for no more than the old"));
}

static bool any_net(const json_t *requests)
{
    const char *net = word(requests, "net");
    return net && strcmp(net, "any") == 0;
}

/* Of `state`; -1 = none. */
static int64_t bytes_of(const json_t *requests)
{
    const json_t *said = json_object_get(requests, "state");
    int64_t bytes = said ? json_integer_value(said) : -1;
    if (json_is_string(said) && !size_parse(slice_of(json_string_value(said)), &bytes))
        return -1;
    return bytes;
}

static void ask_state(struct succession *s, int64_t old_bytes, int64_t new_bytes)
{
    struct succession_words words = {"requests.state", NULL, "/requests/state", "/requests/state"};
    if (new_bytes > old_bytes)
        succession_say(s, &words, REFUTED,
                       old_bytes < 0
                           ? xstrdup("the new keeps values from call to call, the old did not")
                           : xasprintf("the new asks to keep %lld bytes from call to call, the "
                                       "old asked for %lld",
                                       (long long)new_bytes, (long long)old_bytes));
    else if (old_bytes >= 0)
        succession_say(s, &words, PROVEN, xstrdup("it asks for no more than the old"));
}

void succession_requests(struct succession *s, const json_t *old_requests,
                         const json_t *new_requests)
{
    static const struct kind kinds[] = {
        {"secrets", "requests.secrets", "secret", names_value},
        {"fs", "requests.fs", "path", fs_within},
        {"agents", "requests.agents", "agent", names_value},
        {"exec", "requests.exec", "program", names_value},
    };
    ask_http(s, json_object_get(old_requests, "http"), json_object_get(new_requests, "http"));
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        ask_kind(s, &kinds[i], json_object_get(old_requests, kinds[i].name),
                 json_object_get(new_requests, kinds[i].name));
    ask_state(s, bytes_of(old_requests), bytes_of(new_requests));
    bool was = any_net(old_requests), is = any_net(new_requests);
    struct succession_words net = {"requests.net", NULL, "/requests/net", "/requests/net"};
    if (is && !was)
        succession_say(s, &net, REFUTED,
                       xstrdup("the new opens sockets by itself, the old did not"));
    else if (was)
        succession_say(s, &net, PROVEN, xstrdup("it asks for no more than the old"));
}
