/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of strings, whose characters are code points, and the ways between values and strings.
 */
#include "mapping/evaluate_internal.h"
#include "mapping/numeral_internal.h"

#include <string.h>

size_t character_at(struct slice string, size_t character)
{
    size_t at = 0;
    for (; at < string.len; at++) {
        if ((string.ptr[at] & 0xC0) != 0x80 && character-- == 0)
            break;
    }
    return at;
}

size_t character_count(struct slice string)
{
    size_t count = 0;
    for (size_t i = 0; i < string.len; i++)
        count += (string.ptr[i] & 0xC0) != 0x80;
    return count;
}

/* The input and the argument, paid for, and both strings. */
static enum error_code evaluate_argument(struct evaluation *e, const struct node *node,
                                         const json_t *dot, json_t **ret_argument)
{
    enum error_code code = evaluate_node(e, node->kids[0], dot, ret_argument);
    if (code == ERR_OK)
        code = spend_on(e, dot);
    if (code == ERR_OK)
        code = spend_on(e, *ret_argument);
    if (code != ERR_OK)
        return code;
    if (!json_is_string(dot))
        return refuse_value(e, node, "needs a string in front of it, found %s", kind_word(dot));
    if (!json_is_string(*ret_argument))
        return refuse_value(e, node, "needs a string in its ( ), found %s",
                            kind_word(*ret_argument));
    return ERR_OK;
}

enum error_code evaluate_startswith(struct evaluation *e, const struct node *node,
                                    const json_t *dot, json_t **ret_value)
{
    json_auto_t *argument = NULL;
    enum error_code code = evaluate_argument(e, node, dot, &argument);
    if (code != ERR_OK)
        return code;
    struct slice whole = string_slice(dot), part = string_slice(argument);
    bool starts = part.len <= whole.len && memcmp(whole.ptr, part.ptr, part.len) == 0;
    *ret_value = json_boolean(starts);
    return ERR_OK;
}

enum error_code evaluate_endswith(struct evaluation *e, const struct node *node, const json_t *dot,
                                  json_t **ret_value)
{
    json_auto_t *argument = NULL;
    enum error_code code = evaluate_argument(e, node, dot, &argument);
    if (code != ERR_OK)
        return code;
    struct slice whole = string_slice(dot), part = string_slice(argument);
    bool ends =
        part.len <= whole.len && memcmp(whole.ptr + whole.len - part.len, part.ptr, part.len) == 0;
    *ret_value = json_boolean(ends);
    return ERR_OK;
}

/* ---- contains ---- */

static enum error_code contains_value(struct evaluation *e, const json_t *a, const json_t *b,
                                      bool *ret_contains);

static enum error_code array_contains(struct evaluation *e, const json_t *a, const json_t *b,
                                      bool *ret_contains)
{
    enum error_code code = ERR_OK;
    bool all = true;
    for (size_t i = 0; code == ERR_OK && all && i < json_array_size(b); i++) {
        bool found = false;
        for (size_t j = 0; code == ERR_OK && !found && j < json_array_size(a); j++)
            code = contains_value(e, json_array_get(a, j), json_array_get(b, i), &found);
        all = found;
    }
    *ret_contains = all;
    return code;
}

static enum error_code object_contains(struct evaluation *e, const json_t *a, const json_t *b,
                                       bool *ret_contains)
{
    enum error_code code = spend_on_keys(e, b);
    bool all = true;
    const char *key;
    json_t *wanted;
    json_object_foreach ((json_t *)b, key, wanted) {
        const json_t *member = json_object_get(a, key);
        all = member != NULL;
        if (code == ERR_OK && all)
            code = contains_value(e, member, wanted, &all);
        if (code != ERR_OK || !all)
            break;
    }
    *ret_contains = all;
    return code;
}

static enum error_code contains_value(struct evaluation *e, const json_t *a, const json_t *b,
                                      bool *ret_contains)
{
    enum error_code code = spend_on(e, a);
    if (code != ERR_OK)
        return code;
    if (json_is_array(a) && json_is_array(b))
        return array_contains(e, a, b, ret_contains);
    if (json_is_object(a) && json_is_object(b))
        return object_contains(e, a, b, ret_contains);
    if (!json_is_string(a) || !json_is_string(b))
        return equal_values(e, a, b, ret_contains);
    struct slice whole = string_slice(a), part = string_slice(b);
    *ret_contains = memmem(whole.ptr, whole.len, part.ptr, part.len) != NULL;
    return ERR_OK;
}

static bool one_kind(const json_t *a, const json_t *b)
{
    return strcmp(kind_word(a), kind_word(b)) == 0;
}

enum error_code evaluate_contains(struct evaluation *e, const struct node *node, const json_t *dot,
                                  json_t **ret_value)
{
    json_auto_t *part = NULL;
    bool contains = false;
    enum error_code code = evaluate_node(e, node->kids[0], dot, &part);
    if (code == ERR_OK && !one_kind(dot, part))
        code = refuse_value(e, node, "asks %s for %s; both must be of one type", kind_word(dot),
                            kind_word(part));
    if (code == ERR_OK)
        code = contains_value(e, dot, part, &contains);
    if (code == ERR_OK)
        *ret_value = json_boolean(contains);
    return code;
}

/* ---- split and join ---- */

static size_t next_piece(struct slice rest, struct slice separator)
{
    if (separator.len == 0)
        return character_at(rest, 1);
    const char *found = memmem(rest.ptr, rest.len, separator.ptr, separator.len);
    return found ? (size_t)(found - rest.ptr) : rest.len;
}

/* The empty string has no pieces; an empty separator stands between all characters. */
enum error_code split_string(struct evaluation *e, const struct node *node, const json_t *string,
                             const json_t *separator, json_t **ret_value)
{
    (void)node;
    struct slice rest = string_slice(string), between = string_slice(separator);
    json_auto_t *pieces = json_array();
    bool more = rest.len > 0;
    while (more) {
        size_t length = next_piece(rest, between);
        enum error_code code = spend(e, 1);
        if (code != ERR_OK)
            return code;
        json_array_append_new(pieces, json_stringn_nocheck(rest.ptr, length));
        more = length < rest.len;
        if (more) {
            rest.ptr += length + between.len;
            rest.len -= length + between.len;
        }
    }
    *ret_value = TAKE(pieces);
    return ERR_OK;
}

enum error_code evaluate_split(struct evaluation *e, const struct node *node, const json_t *dot,
                               json_t **ret_value)
{
    json_auto_t *separator = NULL;
    enum error_code code = evaluate_argument(e, node, dot, &separator);
    return code == ERR_OK ? split_string(e, node, dot, separator, ret_value) : code;
}

static enum error_code join_items(struct evaluation *e, const struct node *node,
                                  struct items *items, struct slice separator, struct text *out)
{
    enum error_code code = ERR_OK;
    const json_t *item = items_next(items);
    for (; code == ERR_OK && item; item = items_next(items)) {
        code = spend(e, 1);
        if (items->index > 1)
            text_add(out, separator.ptr, separator.len);
        if (json_is_array(item) || json_is_object(item))
            return refuse_value(e, node,
                                "found %s at item %zu; it joins strings, numbers, "
                                "booleans and nulls",
                                kind_word(item), items->index - 1);
        if (code == ERR_OK && !json_is_null(item))
            code = print_value(e, item, out);
    }
    return code;
}

enum error_code evaluate_join(struct evaluation *e, const struct node *node, const json_t *dot,
                              json_t **ret_value)
{
    json_auto_t *separator = NULL;
    struct items items;
    enum error_code code = evaluate_node(e, node->kids[0], dot, &separator);
    if (code == ERR_OK)
        code = items_begin(e, node, dot, &items);
    if (code == ERR_OK && !json_is_string(separator) && !json_is_null(separator))
        code = refuse_value(e, node, "needs a string in its ( ), found %s", kind_word(separator));
    if (code != ERR_OK)
        return code;
    AUTO(text_done) struct text text;
    text_init(&text, LIMIT_TEXT_RESULT);
    struct slice between = json_is_string(separator) ? string_slice(separator) : SLICE("");
    code = join_items(e, node, &items, between, &text);
    return code == ERR_OK ? finish_text(e, node, &text, ret_value) : code;
}

/* ---- tostring and tonumber ---- */

enum error_code evaluate_tostring(struct evaluation *e, const struct node *node, const json_t *dot,
                                  json_t **ret_value)
{
    if (json_is_string(dot)) {
        *ret_value = share(dot);
        return ERR_OK;
    }
    AUTO(text_done) struct text text;
    text_init(&text, LIMIT_TEXT_RESULT);
    enum error_code code = print_value(e, dot, &text);
    return code == ERR_OK ? finish_text(e, node, &text, ret_value) : code;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice without_blanks(struct slice s)
{
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    while (s.len > 0 && is_blank(s.ptr[0]))
        s.ptr++, s.len--;
    return s;
}

enum error_code evaluate_tonumber(struct evaluation *e, const struct node *node, const json_t *dot,
                                  json_t **ret_value)
{
    if (json_is_number(dot)) {
        *ret_value = share(dot);
        return ERR_OK;
    }
    if (!json_is_string(dot))
        return refuse_value(e, node, "needs a string or a number in front of it, found %s",
                            kind_word(dot));
    if (!numeral_parse(without_blanks(string_slice(dot)), ret_value))
        return refuse_value(e, node, "found a string that is no number, as 12 or -0.5e3 are");
    return ERR_OK;
}
