/* SPDX-License-Identifier: Apache-2.0
 *
 * Targets, queries and authorities, as strangers write them. A path is split at its slashes first
 * and each part is decoded then, so that %2f is part of a name and never a way to another; a part
 * that decodes to a NUL, to what is not UTF-8, or not at all, is refused. No part is resolved: ".."
 * is a name like others, and the name of nothing.
 */
#include "server/route_internal.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 4 };

static const char *const paths[] = {
#define X(name, path) [ROUTE_##name] = path,
    ROUTES(X)
#undef X
};

const char *route_path(enum api_route route)
{
    return paths[route];
}

/* ---- decoding ---- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* NULL: it does not decode. The caller frees. */
static char *decode(struct slice from, bool plus_is_space)
{
    AUTO(freep) char *out = xmalloc(from.len + 1);
    size_t length = 0;
    for (size_t i = 0; i < from.len; i++) {
        int byte = (unsigned char)from.ptr[i];
        if (from.ptr[i] == '%') {
            int high = from.len - i > 2 ? hex_value(from.ptr[i + 1]) : -1;
            int low = from.len - i > 2 ? hex_value(from.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return NULL;
            byte = high * 16 + low;
            i += 2;
        } else if (plus_is_space && from.ptr[i] == '+') {
            byte = ' ';
        }
        if (byte == 0)
            return NULL;
        out[length++] = (char)byte;
    }
    out[length] = '\0';
    if (!slice_valid_utf8((struct slice){out, length}))
        return NULL;
    return TAKE(out);
}

/* The next part of a text, up to the separator; false: there is none. */
static bool next_part(struct slice *rest, char separator, struct slice *ret_part)
{
    if (!rest->ptr)
        return false;
    const char *end = rest->len ? memchr(rest->ptr, separator, rest->len) : NULL;
    *ret_part = (struct slice){rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len};
    *rest = end ? (struct slice){end + 1, rest->len - ret_part->len - 1} : (struct slice){0};
    return true;
}

/* ---- targets ---- */

/* Does the path, in parts, match one of the table? "{id}" stands for any part but an empty one. */
static bool matches(const char *path, const char *const *parts, size_t count, const char **ret_id)
{
    struct slice rest = slice_of(path + 1), part;
    size_t i = 0;
    for (; next_part(&rest, '/', &part); i++) {
        if (i >= count)
            return false;
        if (slice_is(part, "{id}") && *parts[i])
            *ret_id = parts[i];
        else if (!slice_is(part, parts[i]))
            return false;
    }
    return i == count;
}

static enum error_code not_a_target(const char *why, struct error *reterr)
{
    return error_set(reterr, ERR_INPUT,
                     "the target of the request %s; GET /openapi.json lists what is there", why);
}

static bool match(const char *const *parts, size_t count, struct target *ret)
{
    for (size_t r = 0; r < ROUTE_COUNT; r++) {
        const char *id = "";
        if (!matches(paths[r], parts, count, &id))
            continue;
        if (strlen(id) > LIMIT_NAME)
            break;
        ret->route = (enum api_route)r;
        memcpy(ret->id, id, strlen(id) + 1);
        return true;
    }
    return false;
}

static enum error_code not_there(struct slice path, const char *const *parts, size_t count,
                                 struct error *reterr)
{
    struct target target;
    bool slash = count > 1 && *parts[count - 1] == '\0' && match(parts, count - 1, &target);
    return error_set(reterr, ERR_NOT_FOUND,
                     "nothing is at `/%.*s%s`; %sGET /openapi.json lists what is",
                     path.len < 200 ? (int)path.len : 200, path.ptr, path.len < 200 ? "" : "…",
                     slash ? "ask without the slash at its end; " : "");
}

enum error_code target_parse(struct slice text, struct target *ret_target, struct error *reterr)
{
    char *parts[PARTS_MAX] = {NULL};
    size_t count = 0;
    struct target target = {.query = {"", 0}};
    if (text.len > LIMIT_CLIENT_URI)
        return error_set(reterr, ERR_LIMIT,
                         "the target of the request is longer than %u bytes (LIMIT_CLIENT_URI); "
                         "shorten it",
                         LIMIT_CLIENT_URI);
    if (text.len == 0 || text.ptr[0] != '/')
        return not_a_target("does not begin with a slash", reterr);
    struct slice path = {text.ptr + 1, text.len - 1}, part;
    const char *mark = path.len ? memchr(path.ptr, '?', path.len) : NULL;
    if (mark) {
        target.query = (struct slice){mark + 1, path.len - (size_t)(mark - path.ptr) - 1};
        path.len = (size_t)(mark - path.ptr);
    }
    const struct slice whole = path;
    enum error_code code = ERR_OK;
    while (code == ERR_OK && next_part(&path, '/', &part)) {
        if (count == PARTS_MAX)
            code = not_there(whole, (const char *const *)parts, 0, reterr);
        else if (!(parts[count] = decode(part, false)))
            code = not_a_target("has an escape that is none, a NUL or what is not UTF-8", reterr);
        else
            count++;
    }
    if (code == ERR_OK && !match((const char *const *)parts, count, &target))
        code = not_there(whole, (const char *const *)parts, count, reterr);
    if (code == ERR_OK)
        *ret_target = target;
    for (size_t i = 0; i < PARTS_MAX; i++)
        free(parts[i]);
    return code;
}

/* ---- queries ---- */

static enum error_code take_parameter(struct slice pair, struct parameters *p, struct error *reterr)
{
    struct slice name = pair, value = {"", 0};
    const char *equals = memchr(pair.ptr, '=', pair.len);
    if (equals) {
        name.len = (size_t)(equals - pair.ptr);
        value = (struct slice){equals + 1, pair.len - name.len - 1};
    }
    for (size_t i = 0; p->known[i]; i++) {
        if (!slice_is(name, p->known[i]))
            continue;
        if (p->values[i])
            return error_set(reterr, ERR_INPUT, "the parameter `%s` comes twice; leave one",
                             p->known[i]);
        p->values[i] = decode(value, true);
        if (!p->values[i])
            return error_set(reterr, ERR_INPUT,
                             "the parameter `%s` has an escape that is none, a NUL or what is not "
                             "UTF-8",
                             p->known[i]);
        return ERR_OK;
    }
    return error_set(reterr, ERR_INPUT, "no parameter is called `%.*s` here; known: %s%s%s%s%s",
                     name.len > 40 ? 40 : (int)name.len, name.ptr,
                     p->known[0] ? p->known[0] : "none", p->known[0] && p->known[1] ? ", " : "",
                     p->known[0] && p->known[1] ? p->known[1] : "",
                     p->known[0] && p->known[1] && p->known[2] ? ", " : "",
                     p->known[0] && p->known[1] && p->known[2] ? p->known[2] : "");
}

enum error_code parameters_parse(struct slice query, const char *const *known,
                                 struct parameters *ret, struct error *reterr)
{
    struct slice rest = query, pair;
    *ret = (struct parameters){.known = known};
    enum error_code code = ERR_OK;
    while (code == ERR_OK && next_part(&rest, '&', &pair))
        if (pair.len > 0)
            code = take_parameter(pair, ret, reterr);
    if (code != ERR_OK)
        parameters_done(ret);
    return code;
}

void parameters_done(struct parameters *parameters)
{
    for (size_t i = 0; i < PARAMETERS_MAX; i++) {
        free(parameters->values[i]);
        parameters->values[i] = NULL;
    }
}

bool number_parse(const char *text, int64_t *ret_number)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 18 || text[digits] != '\0')
        return false;
    *ret_number = strtoll(text, NULL, 10);
    return true;
}

enum error_code parameter_number(const struct parameters *parameters, size_t index, int64_t least,
                                 int64_t most, int64_t absent, int64_t *ret_number,
                                 struct error *reterr)
{
    const char *text = parameters->values[index];
    *ret_number = absent;
    if (!text)
        return ERR_OK;
    int64_t number = 0;
    if (!number_parse(text, &number) || number < least || number > most)
        return error_set(reterr, ERR_INPUT,
                         "the parameter `%s` is `%.40s`; expected a number from %lld to %lld",
                         parameters->known[index], text, (long long)least, (long long)most);
    *ret_number = number;
    return ERR_OK;
}

/* ---- authorities ---- */

static bool port_ok(struct slice port)
{
    if (port.len > 5)
        return false;
    for (size_t i = 0; i < port.len; i++)
        if (port.ptr[i] < '0' || port.ptr[i] > '9')
            return false;
    return true;
}

bool authority_host(struct slice authority, struct slice *ret_host)
{
    struct slice host = authority, rest = {"", 0};
    if (authority.len == 0)
        return false;
    if (authority.ptr[0] == '[') {
        const char *end = memchr(authority.ptr, ']', authority.len);
        if (!end)
            return false;
        host = (struct slice){authority.ptr + 1, (size_t)(end - authority.ptr) - 1};
        rest = (struct slice){end + 1, authority.len - host.len - 2};
        if (rest.len > 0 && rest.ptr[0] != ':')
            return false;
    } else {
        const char *colon = memchr(authority.ptr, ':', authority.len);
        host.len = colon ? (size_t)(colon - authority.ptr) : authority.len;
        rest = (struct slice){authority.ptr + host.len, authority.len - host.len};
    }
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c != 0 && strchr("-._:", c));
        if (!plain)
            return false;
    }
    if (host.len == 0 || (rest.len > 0 && !port_ok((struct slice){rest.ptr + 1, rest.len - 1})))
        return false;
    *ret_host = host;
    return true;
}

bool host_is_loopback(struct slice host)
{
    static const char localhost[] = "localhost";
    if (slice_is(host, "::1"))
        return true;
    if (host.len == sizeof(localhost) - 1 && strncasecmp(host.ptr, localhost, host.len) == 0)
        return true;
    /* 127.0.0.0/8, written out: four numbers */
    if (!slice_starts(host, "127.") || host.len > 15)
        return false;
    size_t dots = 0;
    for (size_t i = 0; i < host.len; i++) {
        dots += host.ptr[i] == '.';
        if (host.ptr[i] != '.' && (host.ptr[i] < '0' || host.ptr[i] > '9'))
            return false;
    }
    return dots == 3;
}
