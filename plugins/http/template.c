/* SPDX-License-Identifier: Apache-2.0
 *
 * Text and JSON with inputs in it. "{title}" is the input of that name, "{/issue/title}" what a
 * JSON Pointer finds in the input; "{{" and "}}" are braces. A text that is one reference and no
 * more is the value itself, of whatever kind. What refers to something that is not there is not
 * there: a member is left out, a parameter not sent.
 */
#include "http.h"

const json_t *json_find(const json_t *value, const char *pointer)
{
    while (value && *pointer == '/') {
        size_t len = strcspn(pointer + 1, "/");
        char token[1001], *to = token;
        if (len >= sizeof(token))
            return NULL;
        for (size_t i = 1; i <= len; i++, to++) {
            bool escaped = pointer[i] == '~' && i < len;
            *to = escaped ? (pointer[++i] == '1' ? '/' : '~') : pointer[i];
        }
        *to = '\0';
        char *end;
        if (json_is_array(value)) {
            unsigned long index = strtoul(token, &end, 10);
            value = token[0] >= '0' && token[0] <= '9' && *end == '\0'
                        ? json_array_get(value, index)
                        : NULL;
        } else {
            value = json_object_get(value, token);
        }
        pointer += 1 + len;
    }
    return *pointer == '\0' ? value : NULL;
}

const json_t *template_find(const json_t *input, const char *ref, size_t len)
{
    char *name = strndup(ref, len);
    if (!name)
        return NULL;
    const json_t *found = name[0] == '/' ? json_find(input, name) : json_object_get(input, name);
    free(name);
    return found;
}

char *text_of(const json_t *value)
{
    if (!value || json_is_null(value))
        return NULL;
    return json_is_string(value) ? strdup(json_string_value(value))
                                 : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

/* The reference that opens at `at` ("{name}"): its length between the braces; 0: there is none. */
static size_t ref_length(const char *at)
{
    size_t len = strcspn(at + 1, "{}");
    return at[1 + len] == '}' ? len : 0;
}

static bool text_refs(const char *text, template_ref each, void *user)
{
    for (const char *at = text; *at; at++) {
        if ((at[0] == '{' || at[0] == '}') && at[1] == at[0]) {
            at++;
            continue;
        }
        if (*at == '}')
            return false;
        if (*at != '{')
            continue;
        size_t len = ref_length(at);
        char *ref = len > 0 ? strndup(at + 1, len) : NULL;
        bool good = ref && each(user, ref);
        free(ref);
        if (!good)
            return false;
        at += 1 + len;
    }
    return true;
}

bool template_refs(const json_t *value, template_ref each, void *user)
{
    const char *key;
    size_t i;
    json_t *item;
    if (json_is_string(value))
        return text_refs(json_string_value(value), each, user);
    json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
        if (!template_refs(item, each, user))
            return false;
    }
    json_array_foreach (value, i, item)
        if (!template_refs(item, each, user))
            return false;
    return true;
}

static json_t *fill_text(const char *text, const json_t *input)
{
    size_t whole = text[0] == '{' && text[1] != '{' ? ref_length(text) : 0, size = 0;
    if (whole > 0 && text[whole + 2] == '\0')
        return json_incref((json_t *)(uintptr_t)template_find(input, text + 1, whole));
    char *made = NULL;
    bool good = true;
    FILE *out = open_memstream(&made, &size);
    if (!out)
        return NULL;
    for (const char *at = text; *at && good; at++) {
        size_t len = *at == '{' && at[1] != '{' ? ref_length(at) : 0;
        if (len == 0) {
            at += at[0] == at[1] && (*at == '{' || *at == '}') ? 1 : 0;
            fputc(*at, out);
            continue;
        }
        char *value = text_of(template_find(input, at + 1, len));
        good = value != NULL;
        fputs(value ? value : "", out);
        free(value);
        at += 1 + len;
    }
    good = fclose(out) == 0 && good;
    json_t *filled = good ? json_stringn(made, size) : NULL;
    free(made);
    return filled;
}

json_t *template_fill(const json_t *value, const json_t *input)
{
    const char *key;
    size_t i;
    json_t *item, *filled;
    if (json_is_string(value))
        return fill_text(json_string_value(value), input);
    if (json_is_object(value)) {
        json_t *object = json_object();
        json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
            filled = template_fill(item, input);
            if (filled)
                json_object_set_new(object, key, filled);
        }
        return object;
    }
    if (!json_is_array(value))
        return json_incref((json_t *)(uintptr_t)value);
    json_t *array = json_array();
    json_array_foreach (value, i, item) {
        filled = template_fill(item, input);
        if (filled)
            json_array_append_new(array, filled);
    }
    return array;
}
