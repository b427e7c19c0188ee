/* SPDX-License-Identifier: Apache-2.0
 *
 * Patterns that need no engine, which are most of those that contracts use: everything, a literal
 * with or without anchors (`^https://`, `\.json$`), and a run of one class of ASCII characters
 * (`^[a-z0-9_-]{1,64}$`). Called for patterns that are known to be well-formed; whatever is not
 * plainly one of these is left to PCRE2.
 */
#include "contract/regex_internal.h"

#include "contract/formats_internal.h"

#include <stdlib.h>
#include <string.h>

/* Characters that stand for themselves though they are neither letters nor digits. */
static bool plain(char c)
{
    return ascii_letter(c) || ascii_digit(c) || (unsigned char)c >= 0x80 ||
           (c && strchr(" _-:/@,;=#%&!~\"'<>`", c));
}

static bool punctuation(char c)
{
    return c && strchr(".\\/-+*?()[]{}|^$_:@,;=#%&!~\"'<> ", c);
}

static bool simplify_literal(struct slice body, struct simple *simple)
{
    char *literal = xmalloc(body.len + 1);
    size_t length = 0;
    for (size_t i = 0; i < body.len; i++) {
        bool escaped = body.ptr[i] == '\\' && i + 1 < body.len && punctuation(body.ptr[i + 1]);
        if (!escaped && !plain(body.ptr[i])) {
            free(literal);
            return false;
        }
        i += escaped;
        literal[length++] = body.ptr[i];
    }
    simple->kind = SIMPLE_LITERAL;
    simple->literal = literal;
    simple->length = length;
    return true;
}

static void allow(struct simple *simple, unsigned char first, unsigned char last)
{
    for (unsigned c = first; c <= last; c++)
        simple->allowed[c / 64] |= (uint64_t)1 << (c % 64);
}

/* One member at body[*at]; *ret_single is its character, or 0 if it is a set. */
static bool member(struct slice body, size_t *at, struct simple *simple, unsigned char *ret_single)
{
    char c = body.ptr[*at];
    *ret_single = (unsigned char)c;
    *at += 1;
    if (c != '\\')
        return c && (unsigned char)c < 0x80 && c != '[' && c != '^';
    if (*at >= body.len)
        return false;
    c = body.ptr[*at];
    *ret_single = (unsigned char)c;
    *at += 1;
    if (c != 'd' && c != 'w')
        return punctuation(c);
    *ret_single = 0;
    allow(simple, '0', '9');
    if (c == 'w') {
        allow(simple, 'a', 'z');
        allow(simple, 'A', 'Z');
        allow(simple, '_', '_');
    }
    return true;
}

/* [...] of ASCII characters, or \d or \w; *at ends up behind it. */
static bool simplify_class(struct slice body, size_t *at, struct simple *simple)
{
    unsigned char first, last;
    if (body.ptr[*at] == '\\')
        return member(body, at, simple, &first) && first == 0;
    if (body.ptr[*at] != '[')
        return false;
    *at += 1;
    while (*at < body.len && body.ptr[*at] != ']') {
        if (!member(body, at, simple, &first))
            return false;
        last = first;
        bool range =
            first && *at + 1 < body.len && body.ptr[*at] == '-' && body.ptr[*at + 1] != ']';
        if (range) {
            *at += 1;
            if (!member(body, at, simple, &last) || last < first)
                return false;
        }
        if (first)
            allow(simple, first, last);
    }
    *at += 1;
    return *at <= body.len && *at > 2;
}

static bool number(struct slice s, size_t *at, size_t *ret_number)
{
    size_t start = *at, value = 0;
    for (; *at < s.len && ascii_digit(s.ptr[*at]) && *at - start < 9; *at += 1)
        value = value * 10 + (size_t)(s.ptr[*at] - '0');
    *ret_number = value;
    return *at > start;
}

static bool simplify_count(struct slice s, struct simple *simple)
{
    size_t at = 1;
    simple->least = slice_is(s, "*") || slice_is(s, "?") ? 0 : 1;
    simple->most = slice_is(s, "*") || slice_is(s, "+") ? SIZE_MAX : 1;
    if (s.len <= 1)
        return s.len == 0 || strchr("*+?", s.ptr[0]);
    if (s.ptr[0] != '{' || !number(s, &at, &simple->least))
        return false;
    simple->most = simple->least;
    if (at < s.len && s.ptr[at] == ',') {
        at++;
        if (!number(s, &at, &simple->most))
            simple->most = SIZE_MAX;
    }
    return at + 1 == s.len && s.ptr[at] == '}';
}

bool simple_of(struct slice source, struct simple *ret_simple)
{
    struct simple simple = {0};
    struct slice body = source;
    size_t at = 0;
    simple.starts = slice_starts(body, "^");
    if (simple.starts)
        body = (struct slice){body.ptr + 1, body.len - 1};
    if (slice_is(body, ".*"))
        body.len = 0;
    /* An escaped $ leaves a lone backslash behind, and then nothing is simple. */
    simple.ends = body.len > 0 && body.ptr[body.len - 1] == '$';
    if (simple.ends)
        body.len--;
    if (!simplify_literal(body, &simple)) {
        if (!simple.starts || !simple.ends || !simplify_class(body, &at, &simple) ||
            !simplify_count((struct slice){body.ptr + at, body.len - at}, &simple))
            return false;
        simple.kind = SIMPLE_RUN;
    }
    *ret_simple = simple;
    return true;
}

static bool literal_matches(const struct simple *simple, struct slice s)
{
    if (s.len < simple->length)
        return false;
    const char *tail = s.ptr + s.len - simple->length;
    if (simple->starts && simple->ends && s.len != simple->length)
        return false;
    if (simple->starts)
        return memcmp(s.ptr, simple->literal, simple->length) == 0;
    if (simple->ends)
        return memcmp(tail, simple->literal, simple->length) == 0;
    return simple->length == 0 || memmem(s.ptr, s.len, simple->literal, simple->length);
}

bool simple_matches(const struct simple *simple, struct slice s)
{
    if (simple->kind == SIMPLE_LITERAL)
        return literal_matches(simple, s);
    if (s.len < simple->least || s.len > simple->most)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c >= 0x80 || !(simple->allowed[c / 64] >> (c % 64) & 1))
            return false;
    }
    return true;
}
