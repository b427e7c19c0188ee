/* SPDX-License-Identifier: Apache-2.0
 *
 * References of RFC 3986: splitting a URI and resolving one against a base (section 5.2), for $id
 * and $ref. Nothing here looks at what a URI means, and nothing is fetched.
 */
#include "contract/uri_internal.h"

#include "contract/formats_internal.h"

#include <stdlib.h>
#include <string.h>

struct uri {
    struct slice scheme, authority, path, query;
    bool has_scheme, has_authority, has_query;
};

/* The bytes up to the first of `ends`, which are taken off the front of rest. */
static struct slice cut(struct slice *rest, const char *ends)
{
    size_t length = 0;
    while (length < rest->len && !strchr(ends, rest->ptr[length]))
        length++;
    struct slice part = {rest->ptr, length};
    *rest = (struct slice){rest->ptr + length, rest->len - length};
    return part;
}

static void skip(struct slice *rest, size_t count)
{
    *rest = (struct slice){rest->ptr + count, rest->len - count};
}

static struct uri split(struct slice text)
{
    struct uri u = {0};
    struct slice after = text, scheme = cut(&after, ":/?#");
    if (scheme.len > 0 && after.len > 0 && after.ptr[0] == ':') {
        u.scheme = scheme;
        u.has_scheme = true;
        skip(&after, 1);
        text = after;
    }
    if (slice_starts(text, "//")) {
        skip(&text, 2);
        u.authority = cut(&text, "/?#");
        u.has_authority = true;
    }
    u.path = cut(&text, "?#");
    if (slice_starts(text, "?")) {
        skip(&text, 1);
        u.query = cut(&text, "#");
        u.has_query = true;
    }
    return u;
}

static void drop_segment(struct text *out, size_t start)
{
    while (out->len > start && out->ptr[out->len - 1] != '/')
        out->len--;
    if (out->len > start)
        out->len--;
}

/* Section 5.2.4, onto the end of out. */
static void add_without_dots(struct text *out, struct slice path)
{
    size_t start = out->len;
    while (path.len > 0) {
        if (slice_starts(path, "../")) {
            skip(&path, 3);
        } else if (slice_starts(path, "./") || slice_starts(path, "/./")) {
            skip(&path, 2);
        } else if (slice_is(path, "/.")) {
            text_addc(out, '/');
            return;
        } else if (slice_starts(path, "/../")) {
            skip(&path, 3);
            drop_segment(out, start);
        } else if (slice_is(path, "/..")) {
            drop_segment(out, start);
            text_addc(out, '/');
            return;
        } else if (slice_is(path, ".") || slice_is(path, "..")) {
            return;
        } else {
            if (path.ptr[0] == '/') {
                text_addc(out, '/');
                skip(&path, 1);
            }
            struct slice segment = cut(&path, "/");
            text_add(out, segment.ptr, segment.len);
        }
    }
}

/* Section 5.2.3: the reference's path beside the base's last segment. */
static void add_merged(struct text *out, const struct uri *base, struct slice path)
{
    AUTO(text_done) struct text merged;
    text_init(&merged, base->path.len + path.len + 1);
    size_t keep = base->path.len;
    while (keep > 0 && base->path.ptr[keep - 1] != '/')
        keep--;
    if (base->has_authority && base->path.len == 0)
        text_addc(&merged, '/');
    text_add(&merged, base->path.ptr, keep);
    text_add(&merged, path.ptr, path.len);
    add_without_dots(out, text_slice(&merged));
}

char *uri_resolve(struct slice base_text, struct slice reference)
{
    struct uri base = split(base_text), r = split(reference);
    const struct uri *scheme = r.has_scheme ? &r : &base;
    const struct uri *authority = r.has_scheme || r.has_authority ? &r : &base;
    bool same_path = authority == &base && r.path.len == 0;
    const struct uri *query = same_path && !r.has_query ? &base : &r;
    struct text out;
    text_init(&out, base_text.len + reference.len + 8);
    if (scheme->has_scheme) {
        text_add(&out, scheme->scheme.ptr, scheme->scheme.len);
        text_addc(&out, ':');
    }
    if (authority->has_authority) {
        text_adds(&out, "//");
        text_add(&out, authority->authority.ptr, authority->authority.len);
    }
    if (same_path)
        text_add(&out, base.path.ptr, base.path.len);
    else if (authority == &r || r.path.ptr[0] == '/')
        add_without_dots(&out, r.path);
    else
        add_merged(&out, &base, r.path);
    if (!scheme->has_scheme && !authority->has_authority && out.len > 0 && out.ptr[0] == '/' &&
        base.path.len > 0 && base.path.ptr[0] != '/' && r.path.len > 0 && r.path.ptr[0] != '/') {
        memmove(out.ptr, out.ptr + 1, --out.len);
    }
    if (query->has_query) {
        text_addc(&out, '?');
        text_add(&out, query->query.ptr, query->query.len);
    }
    if (out.ptr)
        out.ptr[out.len] = '\0';
    return text_take(&out);
}

struct slice uri_fragment(struct slice uri, bool *ret_has)
{
    cut(&uri, "#");
    *ret_has = uri.len > 0;
    if (*ret_has)
        skip(&uri, 1);
    return uri;
}

static int hex_value(char c)
{
    return ascii_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

bool percent_decode(struct slice s, struct text *out)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != '%') {
            text_addc(out, s.ptr[i]);
            continue;
        }
        if (s.len - i < 3 || !ascii_hex(s.ptr[i + 1]) || !ascii_hex(s.ptr[i + 2]))
            return false;
        text_addc(out, (char)(hex_value(s.ptr[i + 1]) * 16 + hex_value(s.ptr[i + 2])));
        i += 2;
    }
    return true;
}

void percent_encode(struct slice s, struct text *out)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (ascii_letter(c) || ascii_digit(c) || (c && strchr("-._~!$&'()*+,;=:@/?", c)))
            text_addc(out, c);
        else
            text_addf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}
