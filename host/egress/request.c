/* SPDX-License-Identifier: Apache-2.0
 *
 * What is asked of a request before anything is made of it: its method, headers and pinned address
 * come from plugins. Nothing may end a line early, say where a request goes or where it ends, or
 * have a name resolved once more. (Its URL is url.c's.)
 *
 * Header values may hold secrets: no message repeats them.
 */
#include "egress/egress_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_token(const char *word)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return *word && word[strspn(word, allowed)] == '\0';
}

static enum error_code check_method(const char *method, struct error *reterr)
{
    if (strnlen(method, LIMIT_NAME + 1) > LIMIT_NAME || !is_token(method))
        return error_set(reterr, ERR_INPUT,
                         "method: expected a word of letters, such as GET, of at most %u bytes",
                         LIMIT_NAME);
    if (strcasecmp(method, "CONNECT") == 0)
        return error_set(reterr, ERR_INPUT, "method: CONNECT is refused; it would open a tunnel");
    return ERR_OK;
}

/* Headers that say where a request goes or where it ends are the host's to set. */
static bool is_hosts_own(const char *name)
{
    static const char *const own[] = {
        "host",    "content-length", "transfer-encoding", "connection",
        "expect",  "keep-alive",     "upgrade",           "te",
        "trailer", "http2-settings",
    };
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (strcasecmp(name, own[i]) == 0)
            return true;
    return strncasecmp(name, "proxy-", 6) == 0;
}

static enum error_code check_header(const struct egress_header *header, size_t index,
                                    struct error *reterr)
{
    if (!is_token(header->name))
        return error_set(reterr, ERR_INPUT,
                         "header %zu: its name is empty or has a character that no name may have",
                         index);
    if (is_hosts_own(header->name))
        return error_set(reterr, ERR_INPUT,
                         "header %zu: %.32s is set by the host itself; leave it out", index,
                         header->name);
    for (const char *c = header->value; *c; c++)
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7F)
            return error_set(reterr, ERR_INPUT,
                             "header %zu: the value of %.64s has the control character 0x%02X",
                             index, header->name, (unsigned)*c);
    return ERR_OK;
}

static enum error_code check_headers(const struct egress_request *request, struct error *reterr)
{
    size_t bytes = 0;
    if (request->header_count > LIMIT_HEADERS)
        return error_set(reterr, ERR_INPUT, "headers: %zu of them; the limit is %u",
                         request->header_count, LIMIT_HEADERS);
    for (size_t i = 0; i < request->header_count; i++) {
        const struct egress_header *header = &request->headers[i];
        bytes +=
            strnlen(header->name, LIMIT_HEADER_BYTES) + strnlen(header->value, LIMIT_HEADER_BYTES);
        if (bytes >= LIMIT_HEADER_BYTES)
            return error_set(reterr, ERR_INPUT, "headers: over %u bytes in all",
                             LIMIT_HEADER_BYTES);
        enum error_code code = check_header(header, i, reterr);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

/* "127.0.0.1:80" or "[::1]:80": an address, never a name, which would be resolved once more. */
static enum error_code check_connect_to(const char *place, struct error *reterr)
{
    struct in_addr in;
    struct in6_addr in6;
    char address[INET6_ADDRSTRLEN + 2] = "";
    const char *colon = strrchr(place, ':');
    size_t length = colon ? (size_t)(colon - place) : 0;
    if (length > 0 && length < sizeof(address)) {
        memcpy(address, place, length);
        bool brackets = address[0] == '[' && address[length - 1] == ']';
        if (brackets)
            address[length - 1] = '\0';
        bool valid = brackets ? inet_pton(AF_INET6, address + 1, &in6) == 1
                              : inet_pton(AF_INET, address, &in) == 1;
        size_t digits = strspn(colon + 1, "0123456789");
        if (valid && digits > 0 && digits <= 5 && colon[1 + digits] == '\0' &&
            strtoul(colon + 1, NULL, 10) - 1 < UINT16_MAX)
            return ERR_OK;
    }
    return error_set(reterr, ERR_INPUT,
                     "connect_to: \"%.80s\"; expected an address and a port, 127.0.0.1:80 or "
                     "[::1]:80",
                     place);
}

enum error_code request_check(const struct egress_request *request, struct error *reterr)
{
    enum error_code code = check_method(request->method, reterr);
    if (code == ERR_OK)
        code = check_headers(request, reterr);
    if (code == ERR_OK && request->connect_to)
        code = check_connect_to(request->connect_to, reterr);
    if (code == ERR_OK && request->timeout_ms < 0)
        code = error_set(reterr, ERR_INPUT, "timeout: %lld ms; expected 0 (none) or more",
                         (long long)request->timeout_ms);
    return code;
}
