/* SPDX-License-Identifier: Apache-2.0
 *
 * Values as text, to the letter as jq writes them: compact, members in their order, every control
 * character and DEL as \u00XX, all other characters as they are.
 */
#include "mapping/evaluate_internal.h"
#include "mapping/numeral_internal.h"

static enum error_code print_json(struct evaluation *e, const json_t *value, struct text *out);

static void print_escape(struct text *out, char c)
{
    switch (c) {
    case '"':
        text_adds(out, "\\\"");
        break;
    case '\\':
        text_adds(out, "\\\\");
        break;
    case '\b':
        text_adds(out, "\\b");
        break;
    case '\f':
        text_adds(out, "\\f");
        break;
    case '\n':
        text_adds(out, "\\n");
        break;
    case '\r':
        text_adds(out, "\\r");
        break;
    case '\t':
        text_adds(out, "\\t");
        break;
    default:
        text_addf(out, "\\u%04x", (unsigned)c);
        break;
    }
}

static void print_string(struct slice string, struct text *out)
{
    size_t done = 0;
    text_addc(out, '"');
    for (size_t i = 0; i < string.len; i++) {
        unsigned char c = (unsigned char)string.ptr[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F)
            continue;
        text_add(out, string.ptr + done, i - done);
        print_escape(out, string.ptr[i]);
        done = i + 1;
    }
    text_add(out, string.ptr + done, string.len - done);
    text_addc(out, '"');
}

static enum error_code print_array(struct evaluation *e, const json_t *array, struct text *out)
{
    enum error_code code = ERR_OK;
    text_addc(out, '[');
    for (size_t i = 0; code == ERR_OK && i < json_array_size(array); i++) {
        if (i > 0)
            text_addc(out, ',');
        code = print_json(e, json_array_get(array, i), out);
    }
    text_addc(out, ']');
    return code;
}

static enum error_code print_object(struct evaluation *e, const json_t *object, struct text *out)
{
    enum error_code code = spend_on_keys(e, object);
    const char *key, *between = "";
    json_t *member;
    if (code != ERR_OK)
        return code;
    text_addc(out, '{');
    json_object_foreach ((json_t *)object, key, member) {
        text_adds(out, between);
        print_string(slice_of(key), out);
        text_addc(out, ':');
        code = print_json(e, member, out);
        if (code != ERR_OK)
            break;
        between = ",";
    }
    text_addc(out, '}');
    return code;
}

static enum error_code print_json(struct evaluation *e, const json_t *value, struct text *out)
{
    char number[NUMERAL_SIZE];
    enum error_code code = spend_on(e, value);
    if (code != ERR_OK || out->overflowed)
        return code;
    if (json_is_array(value))
        return print_array(e, value, out);
    if (json_is_object(value))
        return print_object(e, value, out);
    if (json_is_string(value))
        print_string(string_slice(value), out);
    else if (json_is_number(value))
        text_adds(out, numeral_text(value, number));
    else
        text_adds(out, json_is_null(value) ? "null" : json_is_true(value) ? "true" : "false");
    return ERR_OK;
}

enum error_code print_value(struct evaluation *e, const json_t *value, struct text *out)
{
    if (!json_is_string(value))
        return print_json(e, value, out);
    enum error_code code = spend_on(e, value);
    if (code == ERR_OK)
        text_add(out, json_string_value(value), json_string_length(value));
    return code;
}
