/* SPDX-License-Identifier: Apache-2.0
 *
 * One object of a schema and all that it says by allOf and $ref, merged into the keywords of one
 * object. Whatever is made here accepts all that the schema accepted: a keyword that cannot be
 * merged is left out and noted as lost, and never guessed at. Values are shared with the source and
 * never changed; what must differ is made anew.
 */
#include "provider/lower_internal.h"

#include <stdlib.h>
#include <string.h>

bool is_annotation(const char *keyword)
{
    static const char *const words[] = {
        "$schema",     "$id",           "$comment",      "$anchor",         "$defs",
        "definitions", "title",         "description",   "default",         "examples",
        "deprecated",  "readOnly",      "writeOnly",     "contentEncoding", "contentMediaType",
        "$vocabulary", "contentSchema", "$dynamicAnchor"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i], keyword) == 0)
            return true;
    return false;
}

static void lose(struct flat *flat, const char *keyword, const json_t *value)
{
    json_array_append_new(flat->lost, json_pack("{s:O}", keyword, (json_t *)value));
}

void flat_lose(struct flat *flat, const char *keyword)
{
    json_t *value = json_object_get(flat->json, keyword);
    AUTO(freep) char *name = xstrdup(keyword); /* it may be the key that goes */
    if (!value)
        return;
    lose(flat, name, value);
    json_object_del(flat->json, name);
}

void flat_done(struct flat *flat)
{
    json_decref(flat->json);
    json_decref(flat->lost);
    json_decref(flat->refs);
    *flat = (struct flat){0};
}

/* ---- two values of one keyword ---- */

static json_t *both(const json_t *a, const json_t *b)
{
    return json_pack("{s:[O, O]}", "allOf", (json_t *)a, (json_t *)b);
}

static json_t *as_list(const json_t *value)
{
    return json_is_array(value) ? json_incref((json_t *)value) : json_pack("[O]", (json_t *)value);
}

static bool has(const json_t *list, const json_t *value)
{
    size_t i;
    const json_t *item;
    json_array_foreach (list, i, item) {
        if (contract_equal(item, value))
            return true;
    }
    return false;
}

/* Types of both; an integer is a number. */
static json_t *common_types(const json_t *a, const json_t *b)
{
    json_t *left = as_list(a), *right = as_list(b), *common = json_array(), *word;
    size_t i;
    json_array_foreach (left, i, word) {
        bool integer = strcmp(json_string_value(word), "integer") == 0;
        bool number = strcmp(json_string_value(word), "number") == 0;
        if (has(right, word) || (integer && has_word(right, "number")))
            json_array_append(common, word);
        else if (number && has_word(right, "integer"))
            json_array_append_new(common, json_string("integer"));
    }
    json_decref(left);
    json_decref(right);
    return common;
}

static json_t *common_values(const json_t *a, const json_t *b)
{
    json_t *common = json_array(), *value;
    size_t i;
    json_array_foreach (a, i, value) {
        if (has(b, value))
            json_array_append(common, value);
    }
    return common;
}

static json_t *union_words(const json_t *a, const json_t *b)
{
    json_t *all = json_copy((json_t *)a), *word;
    size_t i;
    json_array_foreach (b, i, word) {
        if (!has(all, word))
            json_array_append(all, word);
    }
    return all;
}

static bool is_one_of(const char *keyword, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(*words, keyword) == 0)
            return true;
    return false;
}

/* The one value that both mean, or NULL. New. */
static json_t *merged(const char *keyword, const json_t *a, const json_t *b)
{
    static const char *const larger[] = {"minimum",  "exclusiveMinimum", "minLength",
                                         "minItems", "minProperties",    NULL};
    static const char *const smaller[] = {"maximum",  "exclusiveMaximum", "maxLength",
                                          "maxItems", "maxProperties",    NULL};
    static const char *const schemas[] = {"items", "propertyNames", "additionalProperties", NULL};
    if (contract_equal(a, b) || is_annotation(keyword))
        return json_incref((json_t *)a);
    if (is_one_of(keyword, larger))
        return json_incref((json_t *)(json_number_value(a) >= json_number_value(b) ? a : b));
    if (is_one_of(keyword, smaller))
        return json_incref((json_t *)(json_number_value(a) <= json_number_value(b) ? a : b));
    if (is_one_of(keyword, schemas) && !json_is_array(a) && !json_is_array(b))
        return both(a, b);
    if (strcmp(keyword, "type") == 0)
        return common_types(a, b);
    if (strcmp(keyword, "enum") == 0)
        return common_values(a, b);
    if (strcmp(keyword, "required") == 0)
        return union_words(a, b);
    if (strcmp(keyword, "uniqueItems") == 0)
        return json_true();
    return NULL;
}

static void merge_keyword(struct flat *flat, const char *keyword, const json_t *value)
{
    const json_t *was = json_object_get(flat->json, keyword);
    if (!was) {
        json_object_set(flat->json, keyword, (json_t *)value);
        return;
    }
    json_t *one = merged(keyword, was, value);
    if (!one) {
        lose(flat, keyword, value);
        return;
    }
    if ((strcmp(keyword, "type") == 0 || strcmp(keyword, "enum") == 0) &&
        json_array_size(one) == 0 && json_is_array(one))
        flat->never = true;
    json_object_set_new(flat->json, keyword, one);
}

/* ---- objects ---- */

static bool is_closed(const json_t *schema)
{
    return json_is_false(json_object_get(schema, "additionalProperties")) &&
           !json_object_get(schema, "patternProperties");
}

/* What a schema says of a name that the other one declares: NULL = the name may not be there. */
static json_t *beside(const json_t *schema, const char *name, const json_t *declared)
{
    const json_t *own = json_object_get(json_object_get(schema, "properties"), name);
    const json_t *rest = json_object_get(schema, "additionalProperties");
    if (own)
        return both(own, declared);
    if (is_closed(schema))
        return NULL;
    return json_is_object(rest) && !json_object_get(schema, "patternProperties")
               ? both(rest, declared)
               : json_incref((json_t *)declared);
}

static void merge_properties(struct flat *flat, const json_t *schema)
{
    json_t *was = json_object_get(flat->json, "properties"), *declared;
    const json_t *is = json_object_get(schema, "properties");
    json_t *all = json_object();
    const char *name;
    json_object_foreach (was, name, declared) {
        json_t *one = beside(schema, name, declared);
        if (one)
            json_object_set_new(all, name, one);
    }
    json_object_foreach ((json_t *)is, name, declared) {
        json_t *one = json_object_get(was, name) ? NULL : beside(flat->json, name, declared);
        if (one)
            json_object_set_new(all, name, one);
    }
    if (was || is)
        json_object_set(flat->json, "properties", all);
    json_decref(all);
}

/* ---- the whole ---- */

static const char *const applicators[] = {"allOf", "anyOf", "oneOf", "$ref", "if",
                                          "then",  "else",  "not",   NULL};

static bool has_applicator(const json_t *schema)
{
    for (const char *const *word = applicators; *word; word++)
        if (json_object_get(schema, *word))
            return true;
    return json_object_get(schema, "dependentSchemas") || json_object_get(schema, "$dynamicRef");
}

static void add(struct pass *p, struct flat *flat, const json_t *schema, unsigned depth);

static void add_ref(struct pass *p, struct flat *flat, const json_t *schema, unsigned depth)
{
    const json_t *ref = json_object_get(schema, "$ref");
    const json_t *target = json_is_string(ref) ? schema_at(p->root, json_string_value(ref)) : NULL;
    if (!ref)
        return;
    if (!target || has(flat->refs, ref) || json_array_size(flat->refs) == LOWER_REFS) {
        lose(flat, "$ref", ref);
        return;
    }
    json_array_append(flat->refs, (json_t *)ref);
    add(p, flat, target, depth);
}

/* unevaluatedProperties: false says of a schema without applicators what additionalProperties does;
 * of the outermost one that all which was merged is all there is. */
static void add_unevaluated(struct flat *flat, const json_t *schema, bool outermost)
{
    const json_t *unevaluated = json_object_get(schema, "unevaluatedProperties");
    if (!unevaluated || json_is_true(unevaluated))
        return;
    if (json_is_false(unevaluated) && outermost)
        flat->closed = true;
    else
        lose(flat, "unevaluatedProperties", unevaluated);
}

/* The schema with unevaluatedProperties: false in the words of additionalProperties, if it is one
 * that may be read so. New. */
static json_t *plainly_closed(const json_t *schema)
{
    json_t *copy = json_copy((json_t *)schema);
    if (json_is_false(json_object_get(schema, "unevaluatedProperties")) &&
        !has_applicator(schema) && !json_object_get(schema, "additionalProperties")) {
        json_object_del(copy, "unevaluatedProperties");
        json_object_set_new(copy, "additionalProperties", json_false());
    }
    return copy;
}

static bool is_handled(const char *keyword)
{
    static const char *const words[] = {"allOf", "$ref", "properties", "unevaluatedProperties",
                                        NULL};
    return is_one_of(keyword, words);
}

static void add_keywords(struct flat *flat, const json_t *schema)
{
    bool was_closed = is_closed(flat->json);
    const char *keyword;
    json_t *value;
    merge_properties(flat, schema);
    json_object_foreach ((json_t *)schema, keyword, value) {
        bool barred = was_closed && strcmp(keyword, "patternProperties") == 0;
        if (!is_handled(keyword) && !barred)
            merge_keyword(flat, keyword, value);
    }
}

static void add(struct pass *p, struct flat *flat, const json_t *schema, unsigned depth)
{
    size_t i;
    const json_t *branch;
    if (json_is_false(schema))
        flat->never = true;
    if (!json_is_object(schema))
        return;
    if (depth == 0) {
        lose(flat, "allOf", schema);
        return;
    }
    if (p->draft7 && json_object_get(schema, "$ref")) {
        add_ref(p, flat, schema, depth - 1);
        return;
    }
    json_t *plain = plainly_closed(schema);
    add_unevaluated(flat, plain, depth == LOWER_DEPTH);
    add_keywords(flat, plain);
    json_array_foreach (json_object_get(plain, "allOf"), i, branch) {
        add(p, flat, branch, depth - 1);
    }
    add_ref(p, flat, plain, depth - 1);
    json_decref(plain);
}

/* A const is an enum of one; a tuple of the older dialects is prefixItems. */
static void one_spelling(struct flat *flat)
{
    json_t *constant = json_object_get(flat->json, "const");
    json_t *items = json_object_get(flat->json, "items");
    if (constant) {
        json_t *values = json_pack("[O]", constant);
        merge_keyword(flat, "enum", values);
        json_decref(values);
        json_object_del(flat->json, "const");
    }
    if (json_is_array(items)) {
        json_t *rest = json_object_get(flat->json, "additionalItems");
        json_object_set(flat->json, "prefixItems", items);
        json_object_del(flat->json, "items");
        if (rest)
            json_object_set(flat->json, "items", rest);
    }
    json_object_del(flat->json, "additionalItems");
}

void flatten(struct pass *p, const json_t *schema, struct flat *ret)
{
    *ret = (struct flat){.json = json_object(), .lost = json_array(), .refs = json_array()};
    add(p, ret, schema, LOWER_DEPTH);
    one_spelling(ret);
}

bool flat_is_closed(const struct flat *flat)
{
    const json_t *rest = json_object_get(flat->json, "additionalProperties");
    /* what additionalProperties speaks of is evaluated, whatever it says of it */
    bool closed = json_is_false(rest) || (flat->closed && !rest);
    return closed && !json_object_get(flat->json, "patternProperties");
}
