/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of the providers, from the files that the program carries to what lint and lowering ask
 * of them. The files are ours: what is wrong in one is a bug, and a test reads them all.
 */
#include "provider/provider_internal.h"

#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char provider_openai_json[], provider_anthropic_json[],
    provider_gemini_json[];
extern const size_t provider_openai_json_size, provider_anthropic_json_size,
    provider_gemini_json_size;

static const struct {
    const char *name;
    const unsigned char *bytes;
    const size_t *size;
} files[] = {
    {"openai", provider_openai_json, &provider_openai_json_size},
    {"anthropic", provider_anthropic_json, &provider_anthropic_json_size},
    {"gemini", provider_gemini_json, &provider_gemini_json_size},
};
enum { FILES = sizeof(files) / sizeof(files[0]) };

static const char *const kind_words[RULE_KINDS] = {
    [RULE_ROOT_OBJECT] = "root-object",
    [RULE_TYPED] = "typed",
    [RULE_CLOSED_OBJECTS] = "closed-objects",
    [RULE_ALL_REQUIRED] = "all-required",
    [RULE_ARRAY_ITEMS] = "array-items",
    [RULE_KEYWORDS] = "keywords",
    [RULE_REFUSES] = "refuses",
    [RULE_VALUES] = "values",
    [RULE_ENUM_TYPES] = "enum-types",
    [RULE_FORMATS] = "formats",
    [RULE_PATTERNS] = "patterns",
    [RULE_LOCAL_REFS] = "local-refs",
    [RULE_BARE_REFS] = "bare-refs",
    [RULE_CYCLES] = "cycles",
    [RULE_ALL_OF_REFS] = "all-of-refs",
    [RULE_LIMIT] = "limit",
};

const char *provider_name(size_t index)
{
    return index < FILES ? files[index].name : NULL;
}

static enum rule_kind kind_of(const json_t *rule)
{
    const char *word = json_string_value(json_object_get(rule, "kind"));
    for (int kind = 0; word && kind < RULE_KINDS; kind++)
        if (strcmp(word, kind_words[kind]) == 0)
            return (enum rule_kind)kind;
    UNREACHABLE("a rule of a provider has a kind that there is not");
}

static enum error_code unknown_provider(const char *name, struct error *reterr)
{
    AUTO(text_done) struct text known;
    const char *names[FILES];
    text_init(&known, 512);
    for (size_t i = 0; i < FILES; i++) {
        names[i] = files[i].name;
        text_addf(&known, "%s%s", i == 0 ? "" : i + 1 == FILES ? " or " : ", ", files[i].name);
    }
    const char *near = suggest(slice_of(name), names, FILES);
    return error_set(reterr, ERR_NOT_FOUND, "there is no provider `%s`%s%s%s; it is one of %s",
                     name, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "",
                     text_str(&known));
}

enum error_code provider_new(const char *name, struct provider **ret_provider, struct error *reterr)
{
    size_t file = 0;
    while (file < FILES && strcmp(files[file].name, name) != 0)
        file++;
    if (file == FILES)
        return unknown_provider(name, reterr);
    struct provider *provider = xcalloc(1, sizeof(*provider));
    provider->json = json_loadb((const char *)files[file].bytes, *files[file].size,
                                JSON_REJECT_DUPLICATES, NULL);
    ASSERT(provider->json != NULL);
    const json_t *rules = json_object_get(provider->json, "rules");
    provider->rule_count = json_array_size(rules);
    provider->rules = xcalloc(provider->rule_count, sizeof(*provider->rules));
    for (size_t i = 0; i < provider->rule_count; i++) {
        const json_t *rule = json_array_get(rules, i);
        provider->rules[i] = (struct rule){kind_of(rule), rule};
    }
    *ret_provider = provider;
    return ERR_OK;
}

void provider_free(struct provider *provider)
{
    if (!provider)
        return;
    json_decref(provider->json);
    free(provider->rules);
    free(provider);
}

void provider_freep(struct provider **provider)
{
    provider_free(*provider);
}

const char *provider_looked_up(const struct provider *provider)
{
    return json_string_value(json_object_get(provider->json, "looked_up"));
}

/* ---- questions ---- */

const struct rule *provider_rule(const struct provider *provider, enum rule_kind kind)
{
    for (size_t i = 0; i < provider->rule_count; i++)
        if (provider->rules[i].kind == kind)
            return &provider->rules[i];
    return NULL;
}

bool rule_lists(const struct rule *rule, const char *key, const char *word)
{
    size_t i;
    const json_t *item;
    json_array_foreach (json_object_get(rule->json, key), i, item) {
        if (json_is_string(item) && strcmp(json_string_value(item), word) == 0)
            return true;
    }
    return false;
}

bool provider_takes_keyword(const struct provider *provider, const char *keyword)
{
    for (size_t i = 0; i < provider->rule_count; i++) {
        const struct rule *rule = &provider->rules[i];
        if ((rule->kind == RULE_KEYWORDS && !rule_lists(rule, "accepts", keyword)) ||
            (rule->kind == RULE_REFUSES && rule_lists(rule, "refuses", keyword)))
            return false;
    }
    return true;
}

bool provider_takes_format(const struct provider *provider, const char *format)
{
    const struct rule *rule = provider_rule(provider, RULE_FORMATS);
    return !rule || rule_lists(rule, "accepts", format);
}

static const char *value_type(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_NULL:
        return "null";
    case JSON_TRUE:
    case JSON_FALSE:
        return "boolean";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "number";
    case JSON_ARRAY:
        return "array";
    case JSON_OBJECT:
        return "object";
    }
    UNREACHABLE("a value has a type");
}

bool provider_takes_value(const struct provider *provider, const json_t *value)
{
    const struct rule *rule = provider_rule(provider, RULE_ENUM_TYPES);
    return !rule || rule_lists(rule, "accepts", value_type(value));
}

/* ---- patterns ---- */

enum { LARGE_COUNT = 100 };

/* {n,m} at `at`, with a bound past what compiles to a small grammar. */
static bool large_count(const char *at)
{
    char *end;
    unsigned long low = strtoul(at + 1, &end, 10);
    if (end == at + 1)
        return false;
    unsigned long high = *end == ',' ? strtoul(end + 1, &end, 10) : low;
    return *end == '}' && (low > LARGE_COUNT || high > LARGE_COUNT);
}

/* What begins at `at`, outside of a class; NULL = nothing that could be refused. */
static const char *part_at(const char *at)
{
    if (at[0] == '(' && at[1] == '?' &&
        (at[2] == '=' || at[2] == '!' || (at[2] == '<' && (at[3] == '=' || at[3] == '!'))))
        return "look-around";
    if (at[0] == '\\' && ((at[1] >= '1' && at[1] <= '9') || at[1] == 'k'))
        return "back-reference";
    if (at[0] == '\\' && (at[1] == 'b' || at[1] == 'B'))
        return "word-boundary";
    return at[0] == '{' && large_count(at) ? "large-count" : NULL;
}

const char *provider_refused_part(const struct provider *provider, const char *pattern)
{
    const struct rule *rule = provider_rule(provider, RULE_PATTERNS);
    bool in_class = false;
    for (const char *at = pattern; rule && *at; at++) {
        const char *part = in_class ? NULL : part_at(at);
        if (part && rule_lists(rule, "refuses", part))
            return part;
        if (*at == '\\' && at[1])
            at++;
        else if (*at == '[' || *at == ']')
            in_class = *at == '[';
    }
    return NULL;
}

/* ---- schemas as JSON ---- */

bool has_word(const json_t *list, const char *word)
{
    size_t i;
    const json_t *item;
    json_array_foreach (list, i, item) {
        if (json_is_string(item) && strcmp(json_string_value(item), word) == 0)
            return true;
    }
    return false;
}

char *pointer_join(const char *pointer, const char *token)
{
    AUTO(text_done) struct text text;
    text_init(&text, SIZE_MAX / 2);
    text_addf(&text, "%s/", pointer);
    for (const char *c = token; *c; c++)
        if (*c == '~' || *c == '/')
            text_adds(&text, *c == '~' ? "~0" : "~1");
        else
            text_addc(&text, *c);
    return text_take(&text);
}

char *pointer_index(const char *pointer, const char *token, size_t index)
{
    return xasprintf("%s/%s/%zu", pointer, token, index);
}

static void undo_percents(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        unsigned byte;
        if (*from == '%' && from[1] && from[2] && sscanf(from + 1, "%2x", &byte) == 1 && byte) {
            *to++ = (char)byte;
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

static void undo_tildes(char *token)
{
    char *to = token;
    for (const char *from = token; *from; from++) {
        bool escape = *from == '~' && (from[1] == '0' || from[1] == '1');
        *to++ = escape ? (from[1] == '0' ? '~' : '/') : *from;
        from += escape;
    }
    *to = '\0';
}

const json_t *schema_by_pointer(const json_t *root, const char *pointer)
{
    AUTO(freep) char *copy = xstrdup(pointer);
    char *rest = *copy ? copy + 1 : NULL, *token;
    while (root && rest && (token = strsep(&rest, "/"))) {
        undo_tildes(token);
        root = json_is_array(root) ? json_array_get(root, strtoul(token, NULL, 10))
                                   : json_object_get(root, token);
    }
    return root;
}

const json_t *schema_at(const json_t *root, const char *ref)
{
    if (*ref != '#' || (ref[1] != '\0' && ref[1] != '/'))
        return NULL;
    AUTO(freep) char *pointer = xstrdup(ref + 1);
    undo_percents(pointer);
    return schema_by_pointer(root, pointer);
}
