/* SPDX-License-Identifier: Apache-2.0
 *
 * What the strings of a shape look like, as a regex that can be put inside of another: no anchors,
 * and none of what looks around. A pattern of a contract is taken over only where it speaks of the
 * whole string; what is not understood becomes ANY_TEXT, so the regex never matches too little.
 */
#include "contract/shape_internal.h"

#include "base/text.h"

#include <string.h>

enum { BODY_MOST = 300, BRANCHES_MOST = 8, VALUES_MOST = 32 };

static const struct {
    const char *format, *body;
} looks[] = {
    {"date", "[0-9]{4}-[0-9]{2}-[0-9]{2}"},
    {"uuid", "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"},
};

bool shape_add_literal(struct text *out, struct slice literal)
{
    for (size_t i = 0; i < literal.len; i++) {
        if (literal.ptr[i] < ' ' || literal.ptr[i] >= 0x7F)
            return false;
        if (strchr("^$\\.*+?()[]{}|/", literal.ptr[i]))
            text_addc(out, '\\');
        text_addc(out, literal.ptr[i]);
    }
    return true;
}

/* Whether an escape stands for one character: a class, or one that would mean something else. */
static bool is_plain_escape(char letter)
{
    return letter != '\0' && strchr("dDwWsS^$\\.*+?()[]{}|/-", letter);
}

/* The length of a class in brackets with both of them; 0 if it is none that is known. */
static size_t class_length(const char *at)
{
    size_t i = 1;
    for (; at[i] && at[i] != ']'; i++) {
        if (at[i] == '\\' && !is_plain_escape(at[++i]))
            return 0;
        if ((unsigned char)at[i] >= 0x7F)
            return 0;
    }
    return at[i] == ']' ? i + 1 : 0;
}

/* What stands between `^` and `$`, if that is all of the pattern and can stand anywhere else. */
static bool whole_body(const char *pattern, struct slice *ret)
{
    size_t depth = 0, i = 1;
    if (pattern[0] != '^' || strlen(pattern) > BODY_MOST)
        return false;
    while (pattern[i] && pattern[i] != '$') {
        char letter = pattern[i];
        size_t length = letter == '[' ? class_length(pattern + i) : letter == '\\' ? 2 : 1;
        bool asks = letter == '(' && pattern[i + 1] == '?';
        if (length == 0 || letter == '^' || (unsigned char)letter >= 0x7F ||
            (letter == '\\' && !is_plain_escape(pattern[i + 1])) ||
            (asks && pattern[i + 2] != ':') || (letter == '|' && depth == 0))
            return false;
        depth += letter == '(';
        if (letter == ')' && depth-- == 0)
            return false;
        i += asks ? 3 : length;
    }
    *ret = (struct slice){pattern + 1, i - 1};
    return depth == 0 && pattern[i] == '$' && !pattern[i + 1];
}

/* The strings among a const or enum; false if there are too many, or none is listed. */
static bool add_values(struct text *out, const json_t *part)
{
    const json_t *one, *several = schema_values(part, &one);
    AUTO(text_done) struct text list;
    size_t count = one ? 1 : json_array_size(several);
    bool plain = count > 0 && count <= VALUES_MOST;
    text_init(&list, BODY_MOST);
    for (size_t i = 0; plain && i < count; i++) {
        const json_t *value = one ? one : json_array_get(several, i);
        if (!json_is_string(value))
            continue;
        if (list.len > 0)
            text_addc(&list, '|');
        struct slice string = {json_string_value(value), json_string_length(value)};
        plain = shape_add_literal(&list, string);
    }
    if (!plain || list.len == 0 || list.overflowed)
        return false;
    return text_add(out, list.ptr, list.len);
}

static bool add_part(struct text *out, const json_t *part)
{
    struct slice body;
    const char *pattern = json_string_value(json_object_get(part, "pattern"));
    const char *format = json_string_value(json_object_get(part, "format"));
    if (add_values(out, part))
        return true;
    if (pattern && whole_body(pattern, &body))
        return text_add(out, body.ptr, body.len);
    for (size_t i = 0; format && i < sizeof(looks) / sizeof(looks[0]); i++)
        if (strcmp(format, looks[i].format) == 0)
            return text_adds(out, looks[i].body);
    return false;
}

static bool add_branch(struct text *out, const struct branch_parts *b)
{
    for (size_t i = 0; i < b->count; i++)
        if (add_part(out, b->parts[i]))
            return true;
    return false;
}

char *shape_string_body(struct shapes *shapes, const struct shape *shape)
{
    struct expansion x;
    struct text out;
    size_t added = 0;
    bool known = true;
    text_init(&out, (size_t)BODY_MOST * 2);
    expand_schema(shapes, shape->schema, &x);
    for (size_t i = 0; known && i < x.count; i++) {
        if (!(x.list[i].types & TYPE_BIT(JSON_STRING)))
            continue;
        if (added > 0)
            text_addc(&out, '|');
        known = added++ < BRANCHES_MOST && add_branch(&out, &x.list[i]);
    }
    expansion_done(&x);
    char *body = known && added > 0 && !out.overflowed ? xstrdup(text_str(&out)) : NULL;
    text_done(&out);
    return body;
}
