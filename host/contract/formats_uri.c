/* SPDX-License-Identifier: Apache-2.0
 *
 * URIs of RFC 3986 and their references, IRIs of RFC 3987, and templates of RFC 6570. One pass over
 * the parts, left to right; an IRI differs in that most characters beyond ASCII are allowed.
 */
#include "contract/formats_internal.h"

#include <string.h>

#define SUB_DELIMS  "!$&'()*+,;="
#define PATH_CHARS  ":@/" SUB_DELIMS
#define QUERY_CHARS "?" PATH_CHARS

enum { BEYOND_ASCII = 0x80 };

static bool unreserved(char c)
{
    return ascii_letter(c) || ascii_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* All of s is unreserved, percent-encoded, one of `also`, or (for an IRI) beyond ASCII. */
static bool made_of(struct slice s, const char *also, bool international)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (unreserved(c) || (c && strchr(also, c)) ||
            (international && (unsigned char)c >= BEYOND_ASCII))
            continue;
        if (c != '%' || s.len - i < 3 || !ascii_hex(s.ptr[i + 1]) || !ascii_hex(s.ptr[i + 2]))
            return false;
        i += 2;
    }
    return true;
}

static struct slice cut(struct slice *rest, const char *ends)
{
    size_t length = 0;
    while (length < rest->len && !strchr(ends, rest->ptr[length]))
        length++;
    struct slice part = {rest->ptr, length};
    *rest = (struct slice){rest->ptr + length, rest->len - length};
    return part;
}

static void skip(struct slice *s, size_t count)
{
    *s = (struct slice){s->ptr + count, s->len - count};
}

static bool scheme(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!ascii_letter(c) && (i == 0 || (!ascii_digit(c) && c != '+' && c != '-' && c != '.')))
            return false;
    }
    return s.len > 0;
}

/* What stands in brackets: an IPv6 address, or "v1.something" of the future. */
static bool ip_literal(struct slice s)
{
    if (s.len == 0 || (s.ptr[0] != 'v' && s.ptr[0] != 'V'))
        return format_ipv6(s);
    size_t at = 1;
    while (at < s.len && ascii_hex(s.ptr[at]))
        at++;
    if (at == 1 || at + 1 >= s.len || s.ptr[at] != '.')
        return false;
    struct slice rest = {s.ptr + at + 1, s.len - at - 1};
    return made_of(rest, ":" SUB_DELIMS, false) && !memchr(rest.ptr, '%', rest.len);
}

static bool port(struct slice s)
{
    if (s.len == 0)
        return true;
    for (size_t i = 1; i < s.len; i++)
        if (!ascii_digit(s.ptr[i]))
            return false;
    return s.ptr[0] == ':';
}

static bool authority(struct slice s, bool international)
{
    const char *at = memrchr(s.ptr, '@', s.len);
    if (at) {
        struct slice user = {s.ptr, (size_t)(at - s.ptr)};
        if (!made_of(user, ":" SUB_DELIMS, international))
            return false;
        skip(&s, user.len + 1);
    }
    if (slice_starts(s, "[")) {
        skip(&s, 1);
        struct slice address = cut(&s, "]");
        if (s.len == 0 || !ip_literal(address))
            return false;
        skip(&s, 1);
        return port(s);
    }
    struct slice host = cut(&s, ":");
    return made_of(host, SUB_DELIMS, international) && port(s);
}

/* With needs_scheme a URI, else a reference to one. */
static bool reference(struct slice s, bool needs_scheme, bool international)
{
    struct slice rest = s, first = cut(&rest, ":/?#");
    bool has_scheme = rest.len > 0 && rest.ptr[0] == ':';
    if (has_scheme) {
        if (!scheme(first)) /* a relative reference has no colon in its first segment */
            return false;
        skip(&rest, 1);
        s = rest;
    }
    if (needs_scheme && !has_scheme)
        return false;
    if (slice_starts(s, "//")) {
        skip(&s, 2);
        if (!authority(cut(&s, "/?#"), international))
            return false;
    }
    if (!made_of(cut(&s, "?#"), PATH_CHARS, international))
        return false;
    if (slice_starts(s, "?")) {
        skip(&s, 1);
        if (!made_of(cut(&s, "#"), QUERY_CHARS, international))
            return false;
    }
    if (slice_starts(s, "#"))
        skip(&s, 1);
    return made_of(s, QUERY_CHARS, international);
}

bool format_uri(struct slice s)
{
    return reference(s, true, false);
}

bool format_uri_reference(struct slice s)
{
    return reference(s, false, false);
}

bool format_iri(struct slice s)
{
    return reference(s, true, true);
}

bool format_iri_reference(struct slice s)
{
    return reference(s, false, true);
}

/* A variable's name: letters, digits, "_" and %XX, with single dots between. */
static bool variable_name(struct slice s)
{
    bool after_dot = true;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '.' && !after_dot) {
            after_dot = true;
            continue;
        }
        bool encoded =
            s.ptr[i] == '%' && s.len - i >= 3 && ascii_hex(s.ptr[i + 1]) && ascii_hex(s.ptr[i + 2]);
        if (!encoded && !ascii_letter(s.ptr[i]) && !ascii_digit(s.ptr[i]) && s.ptr[i] != '_')
            return false;
        i += encoded ? 2 : 0;
        after_dot = false;
    }
    return !after_dot;
}

static bool variable(struct slice s)
{
    struct slice rest = s, name = cut(&rest, ":*");
    if (!variable_name(name))
        return false;
    if (rest.len == 0 || slice_is(rest, "*"))
        return true;
    if (rest.ptr[0] != ':' || rest.len < 2 || rest.len > 5 || rest.ptr[1] == '0')
        return false;
    for (size_t i = 1; i < rest.len; i++)
        if (!ascii_digit(rest.ptr[i]))
            return false;
    return true;
}

static bool expression(struct slice s)
{
    if (s.len > 0 && s.ptr[0] && strchr("+#./;?&", s.ptr[0]))
        skip(&s, 1);
    for (;;) {
        if (!variable(cut(&s, ",")))
            return false;
        if (s.len == 0)
            return true;
        skip(&s, 1);
    }
}

bool format_uri_template(struct slice s)
{
    while (s.len > 0) {
        struct slice literal = cut(&s, "{");
        for (size_t i = 0; i < literal.len; i++) {
            char c = literal.ptr[i];
            bool percent = c == '%' && !(literal.len - i >= 3 && ascii_hex(literal.ptr[i + 1]) &&
                                         ascii_hex(literal.ptr[i + 2]));
            if ((unsigned char)c <= ' ' || c == 0x7F || strchr("\"<>\\^`|}", c) || percent)
                return false;
        }
        if (s.len == 0)
            return true;
        skip(&s, 1);
        struct slice inner = cut(&s, "}");
        if (s.len == 0 || !expression(inner))
            return false;
        skip(&s, 1);
    }
    return true;
}
