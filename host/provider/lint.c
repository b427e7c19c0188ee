/* SPDX-License-Identifier: Apache-2.0
 *
 * A schema held to the rules of a provider: one walk over every subschema, in which each rule of
 * one place is asked, and what the limits count is counted; then the limits. A keyword that is
 * refused is reported once, with the most special rule that names it, and not looked into unless
 * its cure keeps what is in it. References are followed only to find those that lead back.
 */
#include "provider/lower_internal.h"

#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

enum measure { PROPERTIES, DEPTH, ENUM_VALUES, ENUM_TEXT, NAMES_TEXT, OPTIONAL, UNIONS, MEASURES };
static const char *const measure_words[MEASURES] = {
    "properties", "depth", "enum-values", "enum-text", "names-text", "optional", "unions"};
enum {
    MANY_VALUES = 250,    /* past which the text of an enum counts */
    CYCLE_WORK = 2000000, /* past which references are taken to lead back */
};

struct lint {
    const struct provider *provider;
    const json_t *root;
    struct breaches *breaches;
    uint64_t measured[MEASURES];
    char *widest; /* the place of the longest enum */
    size_t seen;  /* subschemas */
    size_t work;  /* places that may still be visited along references */
};

/* ---- breaches ---- */

static const char *rule_text(const struct lint *l, const struct rule *rule, const char *key)
{
    const char *own = json_string_value(json_object_get(rule->json, key));
    return own ? own : json_string_value(json_object_get(l->provider->json, key));
}

static void report(struct lint *l, const struct rule *rule, const char *place, char *found_taken)
{
    struct breaches *b = l->breaches;
    if (b->count == LIMIT_FINDINGS) {
        b->more = true;
        free(found_taken);
        return;
    }
    if ((b->count & (b->count - 1)) == 0) /* full at each power of two */
        b->list = xrealloc(b->list, (b->count ? 2 * b->count : 1) * sizeof(*b->list));
    b->list[b->count++] = (struct breach){
        .place = xstrdup(place),
        .found = found_taken,
        .rule = json_string_value(json_object_get(rule->json, "id")),
        .says = rule_text(l, rule, "says"),
        .cure = rule_text(l, rule, "cure"),
        .source = rule_text(l, rule, "source"),
        .looked_up = rule_text(l, rule, "looked_up"),
        .ignored = strcmp(rule_text(l, rule, "then"), "ignored") == 0,
    };
}

void breaches_done(struct breaches *breaches)
{
    for (size_t i = 0; i < breaches->count; i++) {
        free(breaches->list[i].place);
        free(breaches->list[i].found);
    }
    free(breaches->list);
    *breaches = (struct breaches){0};
}

/* ---- one place ---- */

static bool says_type(const json_t *schema, const char *type)
{
    const json_t *said = json_object_get(schema, "type"), *word;
    size_t i;
    if (json_is_string(said))
        return strcmp(json_string_value(said), type) == 0;
    json_array_foreach (said, i, word) {
        if (json_is_string(word) && strcmp(json_string_value(word), type) == 0)
            return true;
    }
    return false;
}

static bool is_object_schema(const json_t *schema)
{
    return says_type(schema, "object") || json_object_get(schema, "properties") ||
           json_object_get(schema, "additionalProperties") ||
           json_object_get(schema, "patternProperties");
}

static void check_all_required(struct lint *l, const struct rule *rule, const json_t *schema,
                               const char *place)
{
    const char *name;
    json_t *property;
    json_object_foreach (json_object_get(schema, "properties"), name, property) {
        if (has_word(json_object_get(schema, "required"), name))
            continue;
        AUTO(freep) char *base = pointer_join(place, "properties");
        AUTO(freep) char *at = pointer_join(base, name);
        report(l, rule, at, xasprintf("\"%s\" is optional", name));
    }
}

static void check_typed(struct lint *l, const struct rule *rule, const json_t *schema,
                        const char *place)
{
    static const char *const enough[] = {"type", "anyOf", "oneOf", "allOf", "$ref"};
    for (size_t i = 0; i < sizeof(enough) / sizeof(enough[0]); i++)
        if (json_object_get(schema, enough[i]))
            return;
    report(l, rule, place, xstrdup("no type"));
}

static void check_refusals(struct lint *l, const struct rule *rule, const json_t *schema,
                           const char *place)
{
    const char *keyword;
    json_t *value;
    json_object_foreach ((json_t *)schema, keyword, value) {
        if (!rule_lists(rule, "refuses", keyword))
            continue;
        AUTO(freep) char *at = pointer_join(place, keyword);
        report(l, rule, at, xstrdup(keyword));
    }
}

static bool named_elsewhere(const struct lint *l, const char *keyword)
{
    for (size_t i = 0; i < l->provider->rule_count; i++)
        if (l->provider->rules[i].kind == RULE_REFUSES &&
            rule_lists(&l->provider->rules[i], "refuses", keyword))
            return true;
    return false;
}

static void check_keywords(struct lint *l, const struct rule *rule, const json_t *schema,
                           const char *place)
{
    const char *keyword;
    json_t *value;
    json_object_foreach ((json_t *)schema, keyword, value) {
        if (rule_lists(rule, "accepts", keyword) || named_elsewhere(l, keyword))
            continue;
        AUTO(freep) char *at = pointer_join(place, keyword);
        report(l, rule, at, xstrdup(keyword));
    }
}

static void check_values(struct lint *l, const struct rule *rule, const json_t *schema,
                         const char *place)
{
    const char *keyword = json_string_value(json_object_get(rule->json, "keyword"));
    const json_t *value = json_object_get(schema, keyword), *good;
    size_t i;
    if (!value)
        return;
    json_array_foreach (json_object_get(rule->json, "accepts"), i, good) {
        if (contract_equal(value, good))
            return;
    }
    AUTO(freep) char *at = pointer_join(place, keyword);
    AUTO(freep) char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    report(l, rule, at, xasprintf("%s %s", keyword, text ? text : ""));
}

static void check_enum_types(struct lint *l, const struct rule *rule, const json_t *schema,
                             const char *place)
{
    const json_t *constant = json_object_get(schema, "const"), *value;
    size_t i;
    if (constant && !provider_takes_value(l->provider, constant)) {
        AUTO(freep) char *at = pointer_join(place, "const");
        report(l, rule, at, xstrdup("a value of another type"));
    }
    json_array_foreach (json_object_get(schema, "enum"), i, value) {
        if (provider_takes_value(l->provider, value))
            continue;
        AUTO(freep) char *at = pointer_index(place, "enum", i);
        report(l, rule, at, xstrdup("a value of another type"));
    }
}

static void check_format(struct lint *l, const struct rule *rule, const json_t *schema,
                         const char *place)
{
    const char *format = json_string_value(json_object_get(schema, "format"));
    if (!format || provider_takes_format(l->provider, format))
        return;
    AUTO(freep) char *at = pointer_join(place, "format");
    report(l, rule, at, xasprintf("format \"%s\"", format));
}

static void check_pattern(struct lint *l, const struct rule *rule, const json_t *schema,
                          const char *place)
{
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    const char *part = pattern ? provider_refused_part(l->provider, pattern) : NULL;
    if (!part)
        return;
    AUTO(freep) char *at = pointer_join(place, "pattern");
    report(l, rule, at, xasprintf("%s in \"%s\"", part, pattern));
}

static void check_local_ref(struct lint *l, const struct rule *rule, const json_t *schema,
                            const char *place)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    if (!ref || *ref == '#')
        return;
    AUTO(freep) char *at = pointer_join(place, "$ref");
    report(l, rule, at, xasprintf("$ref \"%s\"", ref));
}

static void check_bare_ref(struct lint *l, const struct rule *rule, const json_t *schema,
                           const char *place)
{
    const char *keyword;
    json_t *value;
    if (!json_object_get(schema, "$ref"))
        return;
    json_object_foreach ((json_t *)schema, keyword, value) {
        if (*keyword == '$')
            continue;
        AUTO(freep) char *at = pointer_join(place, keyword);
        report(l, rule, at, xasprintf("%s beside a $ref", keyword));
    }
}

static void check_all_of_refs(struct lint *l, const struct rule *rule, const json_t *schema,
                              const char *place)
{
    size_t i;
    const json_t *branch;
    json_array_foreach (json_object_get(schema, "allOf"), i, branch) {
        if (!json_object_get(branch, "$ref"))
            continue;
        AUTO(freep) char *at = pointer_index(place, "allOf", i);
        report(l, rule, at, xstrdup("$ref in allOf"));
    }
}

static void check_cycle(struct lint *l, const struct rule *rule, const json_t *schema,
                        const char *place)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    const json_t *target = ref ? schema_at(l->root, ref) : NULL;
    const char *where = json_string_value(json_object_get(rule->json, "where"));
    if (!target || !schema_leads(l->root, target, schema, strcmp(where, "optional") == 0, &l->work))
        return;
    AUTO(freep) char *at = pointer_join(place, "$ref");
    report(l, rule, at, xasprintf("$ref \"%s\" leads back here", ref));
}

static void check_place(struct lint *l, const struct rule *rule, const json_t *schema,
                        const char *place)
{
    switch (rule->kind) {
    case RULE_ROOT_OBJECT:
        if (schema == l->root &&
            (!says_type(schema, "object") || json_object_get(schema, "$ref") ||
             !json_is_string(json_object_get(schema, "type")) || json_object_get(schema, "anyOf")))
            report(l, rule, place, xstrdup("another root"));
        return;
    case RULE_TYPED:
        check_typed(l, rule, schema, place);
        return;
    case RULE_CLOSED_OBJECTS:
        if (is_object_schema(schema) &&
            !json_is_false(json_object_get(schema, "additionalProperties")))
            report(l, rule, place, xstrdup("an open object"));
        return;
    case RULE_ALL_REQUIRED:
        check_all_required(l, rule, schema, place);
        return;
    case RULE_ARRAY_ITEMS:
        if (says_type(schema, "array") && !json_is_object(json_object_get(schema, "items")))
            report(l, rule, place, xstrdup("an array without items"));
        return;
    case RULE_KEYWORDS:
        check_keywords(l, rule, schema, place);
        return;
    case RULE_REFUSES:
        check_refusals(l, rule, schema, place);
        return;
    case RULE_VALUES:
        check_values(l, rule, schema, place);
        return;
    case RULE_ENUM_TYPES:
        check_enum_types(l, rule, schema, place);
        return;
    case RULE_FORMATS:
        check_format(l, rule, schema, place);
        return;
    case RULE_PATTERNS:
        check_pattern(l, rule, schema, place);
        return;
    case RULE_LOCAL_REFS:
        check_local_ref(l, rule, schema, place);
        return;
    case RULE_BARE_REFS:
        check_bare_ref(l, rule, schema, place);
        return;
    case RULE_CYCLES:
        check_cycle(l, rule, schema, place);
        return;
    case RULE_ALL_OF_REFS:
        check_all_of_refs(l, rule, schema, place);
        return;
    case RULE_LIMIT:
    case RULE_KINDS:
        return; /* asked of the whole */
    }
}

/* ---- measures ---- */

static uint64_t text_length(const json_t *value)
{
    return json_is_string(value) ? json_string_length(value) : 0;
}

static void measure_enum(struct lint *l, const json_t *schema, const char *place)
{
    const json_t *values = json_object_get(schema, "enum"), *value;
    uint64_t text = 0;
    size_t i;
    json_array_foreach (values, i, value) {
        text += text_length(value);
    }
    l->measured[ENUM_VALUES] += json_array_size(values);
    l->measured[NAMES_TEXT] += text + text_length(json_object_get(schema, "const"));
    if (json_array_size(values) > MANY_VALUES && text > l->measured[ENUM_TEXT]) {
        l->measured[ENUM_TEXT] = text;
        free(l->widest);
        l->widest = xstrdup(place);
    }
}

static void measure(struct lint *l, const json_t *schema, const char *place, unsigned objects)
{
    const json_t *properties = json_object_get(schema, "properties");
    const char *name;
    json_t *value;
    measure_enum(l, schema, place);
    if (objects > l->measured[DEPTH])
        l->measured[DEPTH] = objects;
    if (json_object_get(schema, "anyOf") || json_is_array(json_object_get(schema, "type")))
        l->measured[UNIONS]++;
    l->measured[PROPERTIES] += json_object_size(properties);
    json_object_foreach ((json_t *)properties, name, value) {
        l->measured[NAMES_TEXT] += strlen(name);
        l->measured[OPTIONAL] += !has_word(json_object_get(schema, "required"), name);
    }
    json_object_foreach (json_object_get(schema, "$defs"), name, value) {
        l->measured[NAMES_TEXT] += strlen(name);
    }
}

static void check_limits(struct lint *l)
{
    for (size_t i = 0; i < l->provider->rule_count; i++) {
        const struct rule *rule = &l->provider->rules[i];
        const char *of = json_string_value(json_object_get(rule->json, "of"));
        json_int_t most = json_integer_value(json_object_get(rule->json, "most"));
        for (int m = 0; rule->kind == RULE_LIMIT && m < MEASURES; m++)
            if (strcmp(of, measure_words[m]) == 0 && l->measured[m] > (uint64_t)most)
                report(l, rule, m == ENUM_TEXT ? l->widest : "",
                       xasprintf("%llu", (unsigned long long)l->measured[m]));
    }
}

/* ---- the walk ---- */

static void walk(struct lint *l, const json_t *schema, const char *place, unsigned depth,
                 unsigned objects);

static void walk_map(struct lint *l, const json_t *schema, const char *keyword, const char *place,
                     unsigned depth, unsigned objects)
{
    const char *name;
    json_t *value;
    json_object_foreach (json_object_get(schema, keyword), name, value) {
        AUTO(freep) char *base = pointer_join(place, keyword);
        AUTO(freep) char *at = pointer_join(base, name);
        walk(l, value, at, depth, objects);
    }
}

static void walk_list(struct lint *l, const json_t *schema, const char *keyword, const char *place,
                      unsigned depth, unsigned objects)
{
    size_t i;
    const json_t *value;
    json_array_foreach (json_object_get(schema, keyword), i, value) {
        AUTO(freep) char *at = pointer_index(place, keyword, i);
        walk(l, value, at, depth, objects);
    }
}

static void walk_one(struct lint *l, const json_t *schema, const char *keyword, const char *place,
                     unsigned depth, unsigned objects)
{
    const json_t *value = json_object_get(schema, keyword);
    if (!value || json_is_array(value))
        return;
    AUTO(freep) char *at = pointer_join(place, keyword);
    walk(l, value, at, depth, objects);
}

static void walk_parts(struct lint *l, const json_t *schema, const char *place, unsigned depth,
                       unsigned objects)
{
    walk_map(l, schema, "properties", place, depth, objects);
    walk_map(l, schema, "$defs", place, depth, 0);
    walk_map(l, schema, "definitions", place, depth, 0);
    walk_list(l, schema, "anyOf", place, depth, objects);
    walk_list(l, schema, "oneOf", place, depth, objects);
    walk_list(l, schema, "allOf", place, depth, objects);
    walk_list(l, schema, "prefixItems", place, depth, objects);
    walk_one(l, schema, "items", place, depth, objects);
    if (json_is_object(json_object_get(schema, "additionalProperties")))
        walk_one(l, schema, "additionalProperties", place, depth, objects);
}

/* A boolean, or what is no schema at all, can only breach the rules that want an object at the root
 * or a type. */
static void walk(struct lint *l, const json_t *schema, const char *place, unsigned depth,
                 unsigned objects)
{
    if (depth == 0 || l->seen++ >= LIMIT_SCHEMA_NODES)
        return;
    if (!json_is_object(schema)) {
        const struct rule *rule = provider_rule(l->provider, RULE_TYPED);
        const struct rule *of_root = provider_rule(l->provider, RULE_ROOT_OBJECT);
        if (schema == l->root && of_root)
            rule = of_root;
        if (rule)
            report(l, rule, place, xstrdup(json_is_true(schema) ? "true" : "false"));
        return;
    }
    unsigned below = objects + (is_object_schema(schema) ? 1 : 0);
    for (size_t i = 0; i < l->provider->rule_count; i++)
        check_place(l, &l->provider->rules[i], schema, place);
    measure(l, schema, place, below);
    walk_parts(l, schema, place, depth - 1, below);
}

bool provider_lint(const struct provider *provider, const json_t *schema,
                   struct breaches *ret_breaches)
{
    struct lint l = {
        .provider = provider, .root = schema, .breaches = ret_breaches, .work = CYCLE_WORK};
    *ret_breaches = (struct breaches){0};
    walk(&l, schema, "", LIMIT_DEPTH, 0);
    check_limits(&l);
    free(l.widest);
    return ret_breaches->count == 0;
}
