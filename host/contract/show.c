/* SPDX-License-Identifier: Apache-2.0
 *
 * Values in messages: JSON on one line, cut short. Showing stops as soon as the room is full, so
 * that a value of any size costs little; nothing below a few levels is shown at all.
 */
#include "contract/program_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 72, LEVELS = 4, LONGEST = 4 };

static size_t character_length(struct slice s, size_t at)
{
    size_t length = 1;
    while (length < LONGEST && at + length < s.len &&
           ((unsigned char)s.ptr[at + length] & 0xC0) == 0x80)
        length++;
    return length;
}

static void show_string(struct text *out, struct slice s)
{
    text_addc(out, '"');
    for (size_t at = 0; at < s.len && !out->overflowed;) {
        unsigned char c = (unsigned char)s.ptr[at];
        size_t length = character_length(s, at);
        if (c == '"' || c == '\\')
            text_addf(out, "\\%c", c);
        else if (c == '\n' || c == '\t')
            text_adds(out, c == '\n' ? "\\n" : "\\t");
        else if (c < 0x20 || c == 0x7F)
            text_addf(out, "\\u%04x", c);
        else
            text_add(out, s.ptr + at, length);
        at += length;
    }
    text_addc(out, '"');
}

static void show(struct text *out, const json_t *value, int level);

static void show_array(struct text *out, const json_t *array, int level)
{
    text_addc(out, '[');
    for (size_t i = 0; i < json_array_size(array) && !out->overflowed; i++) {
        text_adds(out, i > 0 ? "," : "");
        show(out, json_array_get(array, i), level + 1);
    }
    text_addc(out, ']');
}

static void show_object(struct text *out, const json_t *object, int level)
{
    struct entry e;
    const char *before = "{";
    for (bool more = entry_first(object, &e); more && !out->overflowed;
         more = entry_next(object, &e)) {
        text_adds(out, before);
        show_string(out, e.key);
        text_addc(out, ':');
        show(out, e.value, level + 1);
        before = ",";
    }
    text_adds(out, json_object_size(object) ? "}" : "{}");
}

static void show_real(struct text *out, double d)
{
    char digits[32];
    snprintf(digits, sizeof(digits), "%.15g", d);
    if (strtod(digits, NULL) != d)
        snprintf(digits, sizeof(digits), "%.17g", d);
    text_adds(out, digits);
    if (!strpbrk(digits, ".,einEIN"))
        text_adds(out, ".0");
}

static void show(struct text *out, const json_t *value, int level)
{
    if (level > LEVELS) {
        text_adds(out, "…");
        return;
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        show_object(out, value, level);
        break;
    case JSON_ARRAY:
        show_array(out, value, level);
        break;
    case JSON_STRING:
        show_string(out, string_of(value));
        break;
    case JSON_INTEGER:
        text_addf(out, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        show_real(out, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        text_adds(out, json_is_true(value) ? "true" : "false");
        break;
    case JSON_NULL:
        text_adds(out, "null");
        break;
    }
}

static void add_shortened(struct text *out, const struct text *shown)
{
    text_add(out, text_str(shown), shown->len);
    if (shown->overflowed)
        text_adds(out, "…");
}

void value_show(struct text *out, const json_t *value)
{
    AUTO(text_done) struct text shown;
    text_init(&shown, ROOM);
    show(&shown, value, 0);
    add_shortened(out, &shown);
}

void name_show(struct text *out, struct slice name)
{
    AUTO(text_done) struct text shown;
    text_init(&shown, ROOM);
    show_string(&shown, name);
    add_shortened(out, &shown);
}

void types_show(struct text *out, unsigned types)
{
    static const struct {
        unsigned types;
        const char *name;
    } names[] = {
        {TYPES_OBJECT, "object"},
        {TYPES_ARRAY, "array"},
        {TYPES_STRING, "string"},
        {TYPES_NUMBER, "number"},
        {TYPE_BIT(JSON_INTEGER), "integer"},
        {TYPE_BIT(JSON_TRUE) | TYPE_BIT(JSON_FALSE), "boolean"},
        {TYPE_BIT(JSON_NULL), "null"},
    };
    const char *list[sizeof(names) / sizeof(names[0])];
    size_t count = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((types & names[i].types) != names[i].types)
            continue;
        types &= ~names[i].types;
        list[count++] = names[i].name;
    }
    for (size_t i = 0; i < count; i++) {
        text_adds(out, i == 0 ? "" : i + 1 == count ? " or " : ", ");
        text_adds(out, list[i]);
    }
}
