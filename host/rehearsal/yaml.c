/* SPDX-License-Identifier: Apache-2.0
 *
 * Values written as YAML, for people to read and change: blocks, with what fits on a line written
 * as one. A string stands without quotes only where no reader could take it for something else; all
 * others are double-quoted, as JSON writes them.
 */
#include "rehearsal/rehearsal_internal.h"

#include <string.h>

enum { LINE = 88, STEP = 2 };

static bool plain_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("_-./", c);
}

/* Letters first, and none of the words that YAML or its older readers know. */
static bool plain(const char *string)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on",
                                        "off",  "y",    "n",     "nan", "inf"};
    if (!((string[0] >= 'a' && string[0] <= 'z') || (string[0] >= 'A' && string[0] <= 'Z')))
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasecmp(string, words[i]) == 0)
            return false;
    for (const char *c = string; *c; c++)
        if (!plain_byte(*c))
            return false;
    return true;
}

/* What YAML's readers do not take raw, though JSON's do: DEL, C1 controls, the byte order mark. */
static void add_escaped(struct text *out, const char *json)
{
    for (const char *c = json; *c; c++) {
        unsigned char byte = (unsigned char)*c, next = (unsigned char)c[1];
        if (byte == 0x7f) {
            text_adds(out, "\\u007f");
        } else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
            text_addf(out, "\\u00%02x", next);
            c++;
        } else if (strncmp(c, "\xef\xbb\xbf", 3) == 0) {
            text_adds(out, "\\ufeff");
            c += 2;
        } else {
            text_addc(out, *c);
        }
    }
}

static void add_string(struct text *out, const char *string, const json_t *value)
{
    AUTO(text_done) struct text json;
    text_init(&json, SIZE_MAX / 2);
    if (plain(string)) {
        text_adds(out, string);
        return;
    }
    json_write(value, &json);
    add_escaped(out, text_str(&json));
}

static void add_key(struct text *out, const char *key)
{
    json_t *value = json_string(key);
    add_string(out, key, value);
    text_adds(out, ": ");
    json_decref(value);
}

static void add_line(struct text *out, const json_t *value)
{
    const char *key;
    json_t *part;
    size_t i;
    bool first = true;
    if (json_is_string(value)) {
        add_string(out, json_string_value(value), value);
    } else if (json_is_object(value)) {
        text_addc(out, '{');
        json_object_foreach ((json_t *)value, key, part) {
            text_adds(out, first ? "" : ", ");
            add_key(out, key);
            add_line(out, part);
            first = false;
        }
        text_addc(out, '}');
    } else if (json_is_array(value)) {
        text_addc(out, '[');
        json_array_foreach (value, i, part) {
            text_adds(out, i ? ", " : "");
            add_line(out, part);
        }
        text_addc(out, ']');
    } else {
        json_write(value, out);
    }
}

/* Behind "key: " or "- ": a line, if it is a short one or cannot be otherwise. */
static bool add_short(struct text *out, const json_t *value, size_t indent, bool open)
{
    AUTO(text_done) struct text line;
    bool whole = !(json_is_object(value) || json_is_array(value)) ||
                 json_object_size(value) + json_array_size(value) == 0;
    text_init(&line, SIZE_MAX / 2);
    add_line(&line, value);
    if (!whole && (open || line.len + indent > LINE))
        return false;
    text_add(out, line.ptr, line.len);
    text_addc(out, '\n');
    return true;
}

static void add_block(struct text *out, const json_t *value, size_t indent, size_t open);

static void add_member(struct text *out, const json_t *value, size_t indent, size_t open)
{
    if (add_short(out, value, indent + 12, open > 0))
        return;
    /* what stands behind a key begins on the next line; behind a dash, on the same */
    while (out->len > 0 && out->ptr[out->len - 1] == ' ')
        out->ptr[--out->len] = '\0';
    text_addc(out, '\n');
    add_block(out, value, indent, open);
}

static void add_spaces(struct text *out, size_t count)
{
    while (count-- > 0)
        text_addc(out, ' ');
}

/* open: so many levels are written as blocks, however short they are. */
static void add_block(struct text *out, const json_t *value, size_t indent, size_t open)
{
    const char *key;
    json_t *part;
    size_t i, below = open > 0 ? open - 1 : 0;
    json_object_foreach ((json_t *)value, key, part) {
        add_spaces(out, indent);
        add_key(out, key);
        add_member(out, part, indent + STEP, below);
    }
    json_array_foreach (value, i, part) {
        add_spaces(out, indent);
        text_adds(out, "- ");
        if (add_short(out, part, indent + STEP, below > 0))
            continue;
        size_t start = out->len;
        add_block(out, part, indent + STEP, below);
        /* its first line stands behind the dash */
        memmove(out->ptr + start, out->ptr + start + indent + STEP,
                out->len - start - indent - STEP);
        out->len -= indent + STEP;
        out->ptr[out->len] = '\0';
    }
}

void yaml_write(const json_t *value, size_t indent, size_t open, struct text *out)
{
    add_block(out, value, indent, open);
}
