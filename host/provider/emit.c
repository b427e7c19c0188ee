/* SPDX-License-Identifier: Apache-2.0
 *
 * From merged keywords to a schema in the provider's words: one type after another, each with what
 * of its keywords the provider takes; what it does not take is lost from the schema and told in the
 * description. A contract that does not say its type means every type; what is sent then says those
 * that its keywords are about, which is narrower, and is noted.
 */
#include "provider/lower_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum type { T_NULL, T_BOOLEAN, T_INTEGER, T_NUMBER, T_STRING, T_ARRAY, T_OBJECT, TYPES };
static const char *const type_words[TYPES] = {"null",   "boolean", "integer", "number",
                                              "string", "array",   "object"};
enum { ALL_TYPES = (1u << TYPES) - 1, TOLD = 2000 };

/* The keywords that are about one type, in the order in which they are written. */
static const char *const number_words[] = {"minimum",          "maximum",    "exclusiveMinimum",
                                           "exclusiveMaximum", "multipleOf", NULL};
static const char *const string_words[] = {"format", "pattern", "minLength", "maxLength", NULL};
static const char *const array_words[] = {
    "minItems",    "maxItems",    "uniqueItems", "contains",         "minContains",
    "maxContains", "prefixItems", "items",       "unevaluatedItems", NULL};
static const char *const object_words[] = {"properties",
                                           "required",
                                           "additionalProperties",
                                           "patternProperties",
                                           "propertyNames",
                                           "minProperties",
                                           "maxProperties",
                                           "dependentRequired",
                                           "dependentSchemas",
                                           "dependencies",
                                           NULL};
static const char *const *const words_of[TYPES] = {[T_INTEGER] = number_words,
                                                   [T_NUMBER] = number_words,
                                                   [T_STRING] = string_words,
                                                   [T_ARRAY] = array_words,
                                                   [T_OBJECT] = object_words};

/* ---- telling ---- */

void describe(struct pass *p, json_t *schema, const struct flat *flat, const char *place)
{
    const char *title = json_string_value(json_object_get(flat->json, "title"));
    const char *own = json_string_value(json_object_get(flat->json, "description"));
    const char *inner = json_string_value(json_object_get(schema, "description"));
    const json_t *standard = json_object_get(flat->json, "default");
    AUTO(text_done) struct text text;
    text_init(&text, SIZE_MAX / 2);
    if (json_object_get(schema, "$ref"))
        return;
    if (own)
        text_adds(&text, own);
    if (inner)
        text_addf(&text, "%s%s", text.len ? " " : "", inner);
    if (json_array_size(flat->lost) > 0) {
        AUTO(freep) char *lost = json_dumps(flat->lost, JSON_COMPACT);
        if (lost && strlen(lost) <= TOLD)
            text_addf(&text, "%sAlso holds, as JSON Schema: %s", text.len ? " " : "", lost);
        else
            text_addf(&text, "%sMore holds than is said here.", text.len ? " " : "");
        json_array_append_new(p->dropped,
                              json_pack("{s:s, s:O}", "at", place, "keywords", flat->lost));
    }
    if (standard) {
        AUTO(freep) char *value = json_dumps(standard, JSON_ENCODE_ANY | JSON_COMPACT);
        text_addf(&text, "%sDefault: %s", text.len ? " " : "", value ? value : "");
    }
    if (title && !json_object_get(schema, "title"))
        json_object_set_new(schema, "title", json_string(title));
    if (text.len)
        json_object_set_new(schema, "description", json_stringn(text.ptr, text.len));
}

/* ---- types ---- */

static unsigned type_bit(const char *word)
{
    for (unsigned t = 0; word && t < TYPES; t++)
        if (strcmp(word, type_words[t]) == 0)
            return 1u << t;
    return 0;
}

static unsigned said_types(const json_t *schema)
{
    const json_t *type = json_object_get(schema, "type"), *word;
    unsigned types = type_bit(json_string_value(type));
    size_t i;
    json_array_foreach (type, i, word) {
        types |= type_bit(json_string_value(word));
    }
    return types & (1u << T_NUMBER) ? types & ~(1u << T_INTEGER) : types;
}

static unsigned value_type(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_NULL:
        return 1u << T_NULL;
    case JSON_TRUE:
    case JSON_FALSE:
        return 1u << T_BOOLEAN;
    case JSON_INTEGER:
        return 1u << T_INTEGER;
    case JSON_REAL:
        return 1u << (floor(json_real_value(value)) == json_real_value(value) ? T_INTEGER
                                                                              : T_NUMBER);
    case JSON_STRING:
        return 1u << T_STRING;
    case JSON_ARRAY:
        return 1u << T_ARRAY;
    case JSON_OBJECT:
        return 1u << T_OBJECT;
    }
    return 0;
}

static bool fits_types(const json_t *value, unsigned types)
{
    unsigned type = value_type(value);
    return types & (type | (type == 1u << T_INTEGER ? 1u << T_NUMBER : 0));
}

static unsigned types_of_values(const json_t *values)
{
    const json_t *value;
    unsigned types = 0;
    size_t i;
    json_array_foreach (values, i, value) {
        types |= value_type(value);
    }
    return types & (1u << T_NUMBER) ? types & ~(1u << T_INTEGER) : types;
}

/* The types that the keywords are about. */
static unsigned meant_types(const json_t *schema)
{
    unsigned types = 0;
    for (unsigned t = 0; t < TYPES; t++)
        for (const char *const *word = words_of[t]; t != T_INTEGER && word && *word; word++)
            if (json_object_get(schema, *word))
                types |= 1u << t;
    return types;
}

/* Values that are no object or list, of types that were said; an enum that holds others says too
 * much for a provider. */
static json_t *plain_values(struct flat *flat, unsigned said)
{
    json_t *values = json_object_get(flat->json, "enum"), *plain = json_array(), *value;
    size_t i;
    json_array_foreach (values, i, value) {
        if (!fits_types(value, said ? said : ALL_TYPES))
            continue;
        json_array_append(plain, value);
    }
    return plain;
}

/* ---- keywords of one type ---- */

static void lose_words(struct flat *flat, const char *const *words, json_t *schema)
{
    for (; words && *words; words++)
        if (json_object_get(flat->json, *words) && !json_object_get(schema, *words))
            flat_lose(flat, *words);
}

/* An exclusive bound that the provider does not know, as an inclusive one: never narrower. */
static void soften(const struct pass *p, const struct flat *flat, json_t *schema,
                   const char *exclusive, const char *inclusive, int step)
{
    const json_t *bound = json_object_get(flat->json, exclusive);
    if (!bound || provider_takes_keyword(p->provider, exclusive) ||
        !provider_takes_keyword(p->provider, inclusive) || json_object_get(schema, inclusive))
        return;
    bool integer = strcmp(json_string_value(json_object_get(schema, "type")), "integer") == 0;
    if (integer && json_is_integer(bound) && llabs(json_integer_value(bound)) < (1ll << 53))
        json_object_set_new(schema, inclusive, json_integer(json_integer_value(bound) + step));
    else
        json_object_set(schema, inclusive, (json_t *)bound);
}

static bool takes_value(const struct pass *p, const char *keyword, const json_t *value)
{
    const char *word = json_string_value(value);
    if (!provider_takes_keyword(p->provider, keyword))
        return false;
    if (strcmp(keyword, "format") == 0)
        return provider_takes_format(p->provider, word);
    return strcmp(keyword, "pattern") != 0 || !provider_refused_part(p->provider, word);
}

static bool is_typed_word(const char *keyword)
{
    for (unsigned t = 0; t < TYPES; t++)
        for (const char *const *word = words_of[t]; word && *word; word++)
            if (strcmp(*word, keyword) == 0)
                return true;
    return false;
}

static void take_words(const struct pass *p, const struct flat *flat, json_t *schema,
                       const char *const *words)
{
    for (; *words; words++) {
        json_t *value = json_object_get(flat->json, *words);
        if (value && takes_value(p, *words, value))
            json_object_set(schema, *words, value);
    }
}

/* ---- arrays ---- */

static void take_least(const struct pass *p, struct flat *flat, json_t *schema)
{
    json_t *least = json_object_get(flat->json, "minItems");
    const struct rule *rule = provider_rule(p->provider, RULE_VALUES);
    if (!least || !provider_takes_keyword(p->provider, "minItems"))
        return;
    if (!rule || json_number_value(least) <= 1)
        json_object_set(schema, "minItems", least);
    else
        json_object_set_new(schema, "minItems", json_integer(1));
    if (!contract_equal(least, json_object_get(schema, "minItems")))
        json_array_append_new(flat->lost, json_pack("{s:O}", "minItems", least));
}

static void take_most(const struct pass *p, const struct flat *flat, json_t *schema, size_t tuple)
{
    json_t *most = json_object_get(flat->json, "maxItems");
    if (!provider_takes_keyword(p->provider, "maxItems"))
        return;
    if (json_is_false(json_object_get(flat->json, "items")) &&
        (!most || json_number_value(most) > (double)tuple))
        json_object_set_new(schema, "maxItems", json_integer((json_int_t)tuple));
    else if (most)
        json_object_set(schema, "maxItems", most);
}

/* Each item is one of the tuple or of the rest. New, or NULL: any. */
static json_t *items_source(const struct pass *p, const struct flat *flat)
{
    json_t *items = json_object_get(flat->json, "items");
    json_t *tuple = json_object_get(flat->json, "prefixItems");
    if (!tuple || provider_takes_keyword(p->provider, "prefixItems"))
        return json_is_false(items) ? NULL : json_incref(items);
    if (!items || json_is_true(items))
        return NULL;
    json_t *all = json_copy(tuple);
    if (!json_is_false(items))
        json_array_append(all, items);
    return json_pack("{s:o}", "anyOf", all);
}

static void emit_tuple(struct pass *p, const struct flat *flat, json_t *schema, const char *place,
                       unsigned depth)
{
    json_t *tuple = json_object_get(flat->json, "prefixItems"), *list = json_array(), *item;
    size_t i;
    json_array_foreach (tuple, i, item) {
        AUTO(freep) char *at = pointer_index(place, "prefixItems", i);
        json_t *lowered = lower_schema(p, item, at, depth - 1);
        json_array_append_new(list, lowered ? lowered : json_object());
    }
    json_object_set_new(schema, "prefixItems", list);
}

static void emit_array(struct pass *p, struct flat *flat, json_t *schema, const char *place,
                       unsigned depth)
{
    AUTO(freep) char *at = pointer_join(place, "items");
    size_t tuple = json_array_size(json_object_get(flat->json, "prefixItems"));
    bool wanted =
        provider_rule(p->provider, RULE_TYPED) || provider_rule(p->provider, RULE_ARRAY_ITEMS);
    json_t *source = items_source(p, flat);
    json_t *items = source ? lower_schema(p, source, at, depth - 1) : NULL;
    if (tuple > 0 && provider_takes_keyword(p->provider, "prefixItems"))
        emit_tuple(p, flat, schema, place, depth);
    take_least(p, flat, schema);
    take_most(p, flat, schema, tuple);
    if (items && (wanted || !is_any(items)))
        json_object_set(schema, "items", items);
    else if (!items && wanted)
        json_object_set_new(schema, "items", emit_any(p, at));
    if (json_object_get(flat->json, "uniqueItems") &&
        provider_takes_keyword(p->provider, "uniqueItems"))
        json_object_set(schema, "uniqueItems", json_object_get(flat->json, "uniqueItems"));
    json_decref(items);
    json_decref(source);
    /* what the items say is said, if in other words */
    bool none = json_is_false(json_object_get(flat->json, "items"));
    if (!none || json_object_get(schema, "maxItems"))
        json_object_del(flat->json, "items");
    json_object_del(flat->json, "minItems");
}

/* ---- objects ---- */

static bool takes_null(const json_t *schema)
{
    const json_t *branch, *values = json_object_get(schema, "enum");
    size_t i;
    if (is_any(schema))
        return true;
    if (said_types(schema) & (1u << T_NULL))
        return !values || types_of_values(values) & (1u << T_NULL);
    json_array_foreach (json_object_get(schema, "anyOf"), i, branch) {
        if (takes_null(branch))
            return true;
    }
    return false;
}

/* The schema, or null. Takes the reference. */
static json_t *nullable(struct pass *p, json_t *schema)
{
    json_t *type = json_object_get(schema, "type"), *values = json_object_get(schema, "enum");
    json_t *branches = json_object_get(schema, "anyOf");
    if (takes_null(schema))
        return schema;
    if (branches) {
        json_array_append_new(branches, json_pack("{s:s}", "type", "null"));
        return schema;
    }
    bool in_place = json_is_string(type);
    if (values) { /* null must be a value of the enum, too */
        json_t *null = json_null();
        in_place = in_place && provider_takes_value(p->provider, null);
    }
    if (!in_place)
        return json_pack("{s:[o, {s:s}]}", "anyOf", schema, "type", "null");
    json_object_set_new(schema, "type", json_pack("[O, s]", type, "null"));
    if (values)
        json_array_append_new(values, json_null());
    return schema;
}

/* False if the property must be there and nothing fits it. */
static bool add_property(struct pass *p, json_t *schema, const char *name, const json_t *source,
                         bool required, const char *place, unsigned depth)
{
    AUTO(freep) char *base = pointer_join(place, "properties");
    AUTO(freep) char *at = pointer_join(base, name);
    struct marks marks = pass_marks(p);
    json_t *lowered = lower_schema(p, source, at, depth - 1);
    if (!lowered) {
        pass_cut(p, marks, place, true);
        return !required;
    }
    if (!required && p->complete) {
        lowered = nullable(p, lowered);
        json_array_append_new(p->drop_nulls, json_string(at));
    }
    json_object_set_new(json_object_get(schema, "properties"), name, lowered);
    if (required || p->complete)
        json_array_append_new(json_object_get(schema, "required"), json_string(name));
    return true;
}

static bool emit_properties(struct pass *p, const struct flat *flat, json_t *schema,
                            const char *place, unsigned depth)
{
    json_t *properties = json_object_get(flat->json, "properties"), *property, *word;
    json_t *required = json_object_get(flat->json, "required");
    const char *name;
    size_t i;
    bool fits = true;
    json_object_set_new(schema, "properties", json_object());
    json_object_set_new(schema, "required", json_array());
    json_object_foreach (properties, name, property) {
        fits =
            add_property(p, schema, name, property, has_word(required, name), place, depth) && fits;
    }
    json_array_foreach (required, i, word) {
        if (json_is_string(word) && !json_object_get(properties, json_string_value(word)))
            fits =
                add_property(p, schema, json_string_value(word), json_true(), true, place, depth) &&
                fits;
    }
    return fits;
}

/* What other names may hold: nothing, where the provider wants it so. */
static void emit_rest(struct pass *p, struct flat *flat, json_t *schema, const char *place,
                      unsigned depth)
{
    json_t *rest = json_object_get(flat->json, "additionalProperties");
    bool patterns = json_object_get(flat->json, "patternProperties");
    bool closed = flat_is_closed(flat);
    bool must_close = provider_rule(p->provider, RULE_CLOSED_OBJECTS);
    if (closed || must_close)
        json_object_set_new(schema, "additionalProperties", json_false());
    if (!closed && must_close)
        note_narrowed(p, place, "properties of other names: the provider wants closed objects");
    if (!closed && !must_close && !patterns && json_is_object(rest)) {
        AUTO(freep) char *at = pointer_join(place, "additionalProperties");
        json_t *lowered = lower_schema(p, rest, at, depth - 1);
        json_object_set_new(schema, "additionalProperties", lowered ? lowered : json_false());
    }
    if (json_is_boolean(rest))
        json_object_del(flat->json, "additionalProperties");
}

static bool emit_object(struct pass *p, struct flat *flat, json_t *schema, const char *place,
                        unsigned depth)
{
    bool fits = emit_properties(p, flat, schema, place, depth);
    emit_rest(p, flat, schema, place, depth);
    if (json_array_size(json_object_get(schema, "required")) == 0 && !p->complete)
        json_object_del(schema, "required");
    json_object_del(flat->json, "properties");
    json_object_del(flat->json, "required");
    return fits;
}

/* ---- the whole ---- */

json_t *emit_any(struct pass *p, const char *place)
{
    static const unsigned scalars[] = {T_STRING, T_NUMBER, T_BOOLEAN, T_NULL};
    if (!provider_rule(p->provider, RULE_TYPED))
        return json_object();
    note_narrowed(p, place,
                  "objects and arrays: the provider wants a type for every value, and "
                  "has none for any");
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++)
        json_array_append_new(list, json_pack("{s:s}", "type", type_words[scalars[i]]));
    return json_pack("{s:o}", "anyOf", list);
}

static void take_values(struct pass *p, json_t *schema, const json_t *values, unsigned type)
{
    json_t *own = json_array(), *value;
    size_t i;
    json_array_foreach (values, i, value) {
        if (fits_types(value, 1u << type))
            json_array_append(own, value);
    }
    if (json_array_size(own) > 0 && provider_takes_value(p->provider, json_array_get(own, 0)))
        json_object_set(schema, "enum", own);
    json_decref(own);
}

static json_t *emit_type(struct pass *p, struct flat *flat, enum type type, const json_t *values,
                         const char *place, unsigned depth)
{
    json_t *schema = json_pack("{s:s}", "type", type_words[type]);
    bool fits = true;
    if (json_array_size(values) > 0 && type != T_ARRAY && type != T_OBJECT && type != T_NULL)
        take_values(p, schema, values, type);
    if (type == T_ARRAY)
        emit_array(p, flat, schema, place, depth);
    else if (type == T_OBJECT)
        fits = emit_object(p, flat, schema, place, depth);
    else if (words_of[type])
        take_words(p, flat, schema, words_of[type]);
    if (type == T_INTEGER || type == T_NUMBER) {
        soften(p, flat, schema, "exclusiveMinimum", "minimum", 1);
        soften(p, flat, schema, "exclusiveMaximum", "maximum", -1);
    }
    lose_words(flat, words_of[type], schema);
    if (fits)
        return schema;
    json_decref(schema);
    return NULL;
}

static unsigned count_bits(unsigned bits)
{
    unsigned count = 0;
    for (; bits; bits &= bits - 1)
        count++;
    return count;
}

static json_t *emit_types(struct pass *p, struct flat *flat, unsigned types, const json_t *values,
                          const char *place, unsigned depth)
{
    unsigned others = types & ~(1u << T_NULL);
    bool one = count_bits(others) == 1;
    json_t *list = json_array(), *schema = NULL;
    for (unsigned t = T_BOOLEAN; t < TYPES; t++) {
        if (!(others & (1u << t)))
            continue;
        struct marks marks = pass_marks(p);
        AUTO(freep)
        char *at = one ? xstrdup(place) : pointer_index(place, "anyOf", json_array_size(list));
        json_t *typed = emit_type(p, flat, (enum type)t, values, at, depth);
        if (typed)
            json_array_append_new(list, typed);
        else
            pass_cut(p, marks, place, true);
    }
    if (json_array_size(list) > 0)
        schema = one ? json_incref(json_array_get(list, 0)) : json_pack("{s:O}", "anyOf", list);
    json_decref(list);
    if (!(types & (1u << T_NULL)))
        return schema;
    return schema ? nullable(p, schema) : json_pack("{s:s}", "type", "null");
}

/* The types to emit; 0 = nothing fits. */
static unsigned choose_types(struct pass *p, const struct flat *flat, const json_t *values,
                             const char *place)
{
    bool at_root = *place == '\0' && provider_rule(p->provider, RULE_ROOT_OBJECT);
    unsigned said = said_types(flat->json), types = said ? said : ALL_TYPES & ~(1u << T_INTEGER);
    if (json_object_get(flat->json, "enum"))
        types = types_of_values(values);
    else if (!said)
        types = meant_types(flat->json);
    if (!said && !json_object_get(flat->json, "enum") && types)
        note_narrowed(p, place,
                      "values of other types, which the contract allows because it does "
                      "not say `type`");
    if (at_root && types != 1u << T_OBJECT) {
        if (types & (1u << T_OBJECT))
            note_narrowed(p, "", "values that are no object: the provider wants one at the root");
        types &= 1u << T_OBJECT;
    }
    return types;
}

/* Whether an enum of the provider says all that these values do. */
static bool says_values(const struct pass *p, const json_t *values)
{
    const json_t *value;
    size_t i;
    json_array_foreach (values, i, value) {
        if (json_is_object(value) || json_is_array(value) ||
            (!json_is_null(value) && !provider_takes_value(p->provider, value)))
            return false;
    }
    return true;
}

/* What asserts and is about no type: not, if, $dynamicRef, … */
static void lose_untyped(struct flat *flat)
{
    const char *keyword;
    json_t *value;
    void *next;
    json_object_foreach_safe (flat->json, next, keyword, value) {
        if (!is_annotation(keyword) && !is_typed_word(keyword) && strcmp(keyword, "type") != 0 &&
            strcmp(keyword, "enum") != 0)
            flat_lose(flat, keyword);
    }
}

json_t *emit_flat(struct pass *p, struct flat *flat, const char *place, unsigned depth)
{
    unsigned said = said_types(flat->json);
    bool has_values = json_object_get(flat->json, "enum");
    bool untyped = !said && !has_values;
    bool at_root = *place == '\0' && provider_rule(p->provider, RULE_ROOT_OBJECT);
    json_t *values = plain_values(flat, said), *schema = NULL;
    bool anything = untyped && meant_types(flat->json) == 0;
    if (anything && !at_root) {
        schema = emit_any(p, place);
    } else if (!anything) {
        unsigned types = choose_types(p, flat, values, place);
        schema = types ? emit_types(p, flat, types, values, place, depth) : NULL;
    }
    if (schema && json_array_size(values) > 0 && !says_values(p, values))
        flat_lose(flat, "enum");
    json_decref(values);
    lose_untyped(flat);
    if (schema)
        describe(p, schema, flat, place);
    return schema;
}
