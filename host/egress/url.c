/* SPDX-License-Identifier: Apache-2.0
 *
 * URLs in one spelling. A grant says "POST /search is a read"; whoever finds a URL that this file
 * reads as /search and a server as /book has broken law 1. So what two readers could read
 * differently is refused, not repaired, and what is sent is the text that was built here from the
 * parts that were checked, never the text that came.
 */
#include "base/limits.h"
#include "egress/egress_internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HOST_MAX = 253 };

static void curl_freep(char **text)
{
    if (*text)
        curl_free(*text);
}

static void curl_url_cleanupp(CURLU **url)
{
    curl_url_cleanup(*url);
}

/* What must stand nowhere in a URL; also bounds its length. */
static enum error_code check_characters(const char *url, struct error *reterr)
{
    size_t length = strnlen(url, LIMIT_URL + 1);
    if (length > LIMIT_URL)
        return error_set(reterr, ERR_INPUT, "URL: longer than %u bytes", LIMIT_URL);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)url[i];
        if (c <= ' ' || c >= 0x7F)
            return error_set(reterr, ERR_INPUT,
                             "URL: byte 0x%02X at offset %zu; only visible ASCII may stand in a "
                             "URL, write it as %%%02X (in a host name, as punycode)",
                             c, i, c);
        if (c == '\\' || c == '#')
            return error_set(reterr, ERR_INPUT, "URL: '%c' at offset %zu is refused; %s", c, i,
                             c == '#' ? "fragments are not sent, leave it out" : "write '/'");
    }
    return ERR_OK;
}

/* The authority may be spelled with few characters, so that all readers find the same host. */
static enum error_code check_authority(struct slice authority, struct error *reterr)
{
    if (authority.len == 0)
        return error_set(reterr, ERR_INPUT, "URL: no host after \"://\"");
    if (memchr(authority.ptr, '@', authority.len))
        return error_set(reterr, ERR_INPUT,
                         "URL: user info before '@' is refused; send credentials as a header");
    for (size_t i = 0; i < authority.len; i++)
        if (!isalnum((unsigned char)authority.ptr[i]) && !strchr("-._:[]", authority.ptr[i]))
            return error_set(reterr, ERR_INPUT, "URL: '%c' in the host; expected a name or address",
                             authority.ptr[i]);
    return ERR_OK;
}

/* The scheme's name, and the authority behind "://". */
static enum error_code check_front(const char *url, const char **ret_scheme, struct error *reterr)
{
    const char *scheme, *authority;
    if (strncasecmp(url, "http://", 7) == 0) {
        scheme = "http";
        authority = url + 7;
    } else if (strncasecmp(url, "https://", 8) == 0) {
        scheme = "https";
        authority = url + 8;
    } else {
        return error_set(reterr, ERR_INPUT, "URL: expected http:// or https://, found \"%.16s\"",
                         url);
    }
    struct slice view = {authority, strcspn(authority, "/?")};
    enum error_code code = check_authority(view, reterr);
    if (code == ERR_OK)
        *ret_scheme = scheme;
    return code;
}

/* Takes curl's reading of a host: numbers as dotted quads, and IPv6 in brackets. */
static enum error_code take_host(const char *found, struct egress_url *url, struct error *reterr)
{
    size_t length = strlen(found);
    if (found[0] == '[') {
        struct in6_addr address;
        char *inner = xstrndup(found + 1, length - 2);
        bool valid = inet_pton(AF_INET6, inner, &address) == 1;
        free(inner);
        if (!valid)
            return error_set(reterr, ERR_INPUT, "URL: %s is not an IPv6 address", found);
        url->host = xcalloc(1, INET6_ADDRSTRLEN);
        ASSERT(inet_ntop(AF_INET6, &address, url->host, INET6_ADDRSTRLEN));
        return ERR_OK;
    }
    if (length == 0 || length > HOST_MAX || found[0] == '.' || found[length - 1] == '.' ||
        strstr(found, "..") || strpbrk(found, ":[]"))
        return error_set(reterr, ERR_INPUT,
                         "URL: \"%.64s\" is not a host name of at most %d bytes with single dots "
                         "between its labels",
                         found, HOST_MAX);
    url->host = xstrdup(found);
    for (char *c = url->host; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return ERR_OK;
}

static bool is_unreserved(int c)
{
    return isalnum(c) || strchr("-._~", c) != NULL;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Adds one %XX, decoded if it stands for a character that needed no encoding (RFC 3986, 6.2.2.2).
 */
static enum error_code add_encoded(struct text *path, const char *at, struct error *reterr)
{
    int high = hex_value(at[1]), low = high < 0 ? -1 : hex_value(at[2]);
    if (low < 0)
        return error_set(reterr, ERR_INPUT,
                         "URL: '%%' in the path without two hex digits; write %%25 for '%%'");
    int c = high * 16 + low;
    if (c < ' ' || c == 0x7F || c == '/' || c == '\\')
        return error_set(reterr, ERR_INPUT,
                         "URL: %%%02X in the path is refused; servers read an encoded slash or "
                         "control character differently",
                         c);
    if (c < 0x80 && is_unreserved(c))
        text_addc(path, (char)c);
    else
        text_addf(path, "%%%02X", c);
    return ERR_OK;
}

/* A segment is what stands between slashes; only the last may be empty. */
static enum error_code check_segments(const char *path, struct error *reterr)
{
    for (const char *at = path; *at == '/';) {
        size_t length = strcspn(at + 1, "/"), name = strcspn(at + 1, "/;");
        struct slice segment = {at + 1, name};
        if (length == 0 && at[1] == '/')
            return error_set(reterr, ERR_INPUT,
                             "URL: \"//\" in the path is refused; write one '/'");
        if (slice_is(segment, ".") || slice_is(segment, ".."))
            return error_set(reterr, ERR_INPUT,
                             "URL: \"%.*s\" as a segment of the path is refused; write the path it "
                             "leads to",
                             (int)length, at + 1);
        at += 1 + length;
    }
    return ERR_OK;
}

static enum error_code take_path(const char *found, struct egress_url *url, struct error *reterr)
{
    AUTO(text_done) struct text path;
    text_init(&path, LIMIT_URL);
    for (const char *at = found; *at; at++) {
        if (*at != '%') {
            text_addc(&path, *at);
            continue;
        }
        enum error_code code = add_encoded(&path, at, reterr);
        if (code != ERR_OK)
            return code;
        at += 2;
    }
    enum error_code code = check_segments(text_str(&path), reterr);
    if (code == ERR_OK)
        url->path = text_take(&path);
    return code;
}

static enum error_code take_port(CURLU *parsed, struct egress_url *url, struct error *reterr)
{
    AUTO(curl_freep) char *port = NULL;
    if (curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK)
        return error_set(reterr, ERR_INPUT, "URL: the port cannot be read");
    unsigned long value = strtoul(port, NULL, 10);
    if (value == 0 || value > UINT16_MAX)
        return error_set(reterr, ERR_INPUT, "URL: port %s; expected 1 to 65535", port);
    url->port = (uint16_t)value;
    return ERR_OK;
}

static enum error_code take_parts(CURLU *parsed, struct egress_url *url, struct error *reterr)
{
    AUTO(curl_freep) char *host = NULL;
    AUTO(curl_freep) char *path = NULL;
    AUTO(curl_freep) char *query = NULL;
    if (curl_url_get(parsed, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(parsed, CURLUPART_PATH, &path, 0) != CURLUE_OK)
        return error_set(reterr, ERR_INPUT, "URL: host or path cannot be read");
    enum error_code code = take_host(host, url, reterr);
    if (code == ERR_OK)
        code = take_port(parsed, url, reterr);
    if (code == ERR_OK)
        code = take_path(path, url, reterr);
    if (code == ERR_OK && curl_url_get(parsed, CURLUPART_QUERY, &query, 0) == CURLUE_OK)
        url->query = xstrdup(query);
    return code;
}

enum error_code egress_url_split(const char *url, struct egress_url *ret_url, struct error *reterr)
{
    AUTO(egress_url_done) struct egress_url made = {0};
    enum error_code code = late_load(reterr);
    if (code != ERR_OK)
        return code;
    AUTO(curl_url_cleanupp) CURLU *parsed = curl_url();
    ASSERT(parsed);
    code = check_characters(url, reterr);
    if (code == ERR_OK)
        code = check_front(url, &made.scheme, reterr);
    if (code != ERR_OK)
        return code;
    CURLUcode read =
        curl_url_set(parsed, CURLUPART_URL, url, CURLU_PATH_AS_IS | CURLU_DISALLOW_USER);
    if (read != CURLUE_OK)
        return error_set(reterr, ERR_INPUT, "URL: %s", curl_url_strerror(read));
    code = take_parts(parsed, &made, reterr);
    if (code != ERR_OK)
        return code;
    bool brackets = strchr(made.host, ':') != NULL;
    made.text = xasprintf("%s://%s%s%s:%u%s%s%s", made.scheme, brackets ? "[" : "", made.host,
                          brackets ? "]" : "", made.port, made.path, made.query ? "?" : "",
                          made.query ? made.query : "");
    *ret_url = made;
    made = (struct egress_url){0};
    return ERR_OK;
}

void egress_url_done(struct egress_url *url)
{
    free(url->host);
    free(url->path);
    free(url->query);
    free(url->text);
    *url = (struct egress_url){0};
}
