/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a template can fit a schema, as far as the template shows its value: which members it
 * has, and the parts that are constant. What expressions give is not guessed at here. A schema is
 * read only where it speaks plainly, through `properties`, `required` and `items`; what it says by
 * other keywords is left to the check of the value itself.
 */
#include "flow/flow_internal.h"

#include "base/units.h"

#include <stdlib.h>
#include <string.h>

/* How far references of a schema are followed from one place. */
enum { HOPS = 16 };

struct fitting {
    struct compilation *c;
    const struct fit *fit;
    const json_t *whole; /* the schema, for its references to itself */
    bool refused;
};

static void fit_value(struct fitting *f, const json_t *schema, const json_t *value,
                      const char *pointer);

/* The value at a JSON Pointer of the schema, written as a fragment. */
static const json_t *at_fragment(const json_t *whole, const char *fragment)
{
    const json_t *at = whole;
    while (*fragment == '/' && at) {
        size_t length = strcspn(fragment + 1, "/");
        if (memchr(fragment + 1, '~', length) || memchr(fragment + 1, '%', length))
            return NULL;
        at = json_object_getn(at, fragment + 1, length);
        fragment += 1 + length;
    }
    return *fragment ? NULL : at;
}

/* The schema that is meant, through references within the document; NULL if it cannot be said. */
static const json_t *plain(const struct fitting *f, const json_t *schema)
{
    for (int i = 0; i < HOPS && json_is_object(schema); i++) {
        const char *ref = json_string_value(json_object_get(schema, "$ref"));
        if (!ref)
            return schema;
        if (ref[0] != '#' || json_object_get(schema, "properties"))
            return NULL;
        schema = at_fragment(f->whole, ref + 1);
    }
    return NULL;
}

/* True if other keywords may name members too. */
static bool names_elsewhere(const json_t *schema)
{
    static const char *const keywords[] = {"allOf", "anyOf", "oneOf",         "if",
                                           "$ref",  "not",   "$dynamicRef",   "dependentSchemas",
                                           "then",  "else",  "propertyNames", "patternProperties"};
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
        if (json_object_get(schema, keywords[i]))
            return true;
    return json_is_object(json_object_get(schema, "additionalProperties"));
}

static void refuse_member(struct fitting *f, const json_t *schema, const char *key,
                          const char *pointer)
{
    const json_t *properties = json_object_get(schema, "properties");
    bool closed = json_is_false(json_object_get(schema, "additionalProperties")) &&
                  !json_object_get(schema, "patternProperties");
    if (!closed && (!properties || names_elsewhere(schema)))
        return;
    const char **names = xcalloc(json_object_size(properties), sizeof(*names));
    size_t count = 0;
    const char *name;
    json_t *ignored;
    json_object_foreach ((json_t *)properties, name, ignored)
        names[count++] = name;
    AUTO(freep) char *hint = suggestion_text(slice_of(key), names, count);
    free(names);
    f->refused |= closed;
    if (closed)
        REFUSE(f->c, f->fit->unknown, AT_KEY(pointer), hint, "%s has no field \"%.80s\"",
               f->fit->whose, key);
    else
        WARN(f->c, f->fit->surplus, AT_KEY(pointer), hint,
             "%s does not name a field \"%.80s\"; nobody asked for it", f->fit->whose, key);
}

static void fit_object(struct fitting *f, const json_t *schema, const json_t *value,
                       const char *pointer)
{
    size_t i;
    const char *key;
    json_t *name, *member;
    json_array_foreach (json_object_get(schema, "required"), i, name) {
        if (!json_is_string(name) || json_object_get(value, json_string_value(name)))
            continue;
        f->refused = true;
        REFUSE(f->c, f->fit->missing, AT_KEY(pointer), NULL,
               "%s requires the field \"%.80s\", which is not given", f->fit->whose,
               json_string_value(name));
    }
    json_object_foreach ((json_t *)value, key, member) {
        AUTO(freep) char *at = pointer_to_member(pointer, key);
        const json_t *below = json_object_get(json_object_get(schema, "properties"), key);
        if (below)
            fit_value(f, below, member, at);
        else
            refuse_member(f, schema, key, at);
    }
}

static bool has_expression(const json_t *value)
{
    return json_is_string(value) && strstr(json_string_value(value), "${");
}

static bool type_fits(const json_t *types, const json_t *value)
{
    static const char *const words[] = {
        [JSON_OBJECT] = "object",   [JSON_ARRAY] = "array", [JSON_STRING] = "string",
        [JSON_INTEGER] = "integer", [JSON_REAL] = "number", [JSON_TRUE] = "boolean",
        [JSON_FALSE] = "boolean",   [JSON_NULL] = "null"};
    int64_t integer;
    size_t i;
    json_t *one;
    if (json_is_array(types)) {
        json_array_foreach (types, i, one)
            if (type_fits(one, value))
                return true;
        return false;
    }
    const char *type = json_string_value(types);
    return !type || strcmp(type, words[json_typeof(value)]) == 0 ||
           (strcmp(type, "number") == 0 && json_is_number(value)) ||
           (strcmp(type, "integer") == 0 && integer_from(value, &integer));
}

/* A text around an expression makes a string, so its type is known though its value is not. */
static void fit_type(struct fitting *f, const json_t *schema, const json_t *value,
                     const char *pointer)
{
    const json_t *types = json_object_get(schema, "type"), *words = json_object_get(schema, "enum");
    size_t i;
    json_t *one;
    bool among = !words || has_expression(value);
    json_array_foreach (words, i, one)
        among = among || contract_equal(one, value);
    if (type_fits(types, value) && among)
        return;
    AUTO(freep) char *found = value_words(value);
    AUTO(text_done) struct text wanted;
    text_init(&wanted, 500);
    json_write(among ? types : words, &wanted);
    f->refused = true;
    REFUSE(f->c, f->fit->wrong, AT(pointer), NULL, "%s: expected %s%s here, found %s",
           f->fit->whose, among ? "type " : "one of ", text_str(&wanted), found);
}

static void fit_value(struct fitting *f, const json_t *schema, const json_t *value,
                      const char *pointer)
{
    size_t i;
    json_t *item;
    schema = plain(f, schema);
    if (!schema || (has_expression(value) && json_string_value(value)[0] == '$'))
        return;
    fit_type(f, schema, value, pointer);
    const json_t *items = json_object_get(schema, "items");
    if (json_is_object(value))
        fit_object(f, schema, value, pointer);
    if (json_is_array(value) && json_is_object(items) && !json_object_get(schema, "prefixItems"))
        json_array_foreach (value, i, item) {
            AUTO(freep) char *at = pointer_to_item(pointer, i);
            fit_value(f, items, item, at);
        }
}

/* A template that is constant is a value already: the contract itself can judge. */
static void judge_constant(struct fitting *f, const struct mapping *mapping, const char *pointer)
{
    struct violations violations;
    AUTO(json_decrefp) json_t *value = NULL;
    if (mapping_evaluate(mapping, &(struct scope){0}, &value, NULL))
        return;
    if (!contract_explain(f->fit->contract, value, &violations))
        for (size_t i = 0; i < violations.count; i++) {
            AUTO(freep) char *at = xasprintf("%s%s", pointer, violations.list[i].instance);
            REFUSE(f->c, f->fit->wrong, AT(at), NULL, "%s: %s", f->fit->whose,
                   violations.list[i].text);
        }
    violations_done(&violations);
}

void flow_check_fit(struct compilation *c, const struct fit *fit, const json_t *value,
                    const char *pointer, const struct mapping *mapping)
{
    if (!fit->contract)
        return;
    struct fitting fitting = {c, fit, contract_schema(fit->contract), false};
    fit_value(&fitting, fitting.whole, value, pointer);
    if (!fitting.refused && mapping && mapping_is_constant(mapping))
        judge_constant(&fitting, mapping, pointer);
}
