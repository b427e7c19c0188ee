/* SPDX-License-Identifier: Apache-2.0
 *
 * The schemas of an OpenAPI document, each made complete in itself: what it refers to inside of the
 * document comes along in `$defs`. What stands in another document is not fetched, from nowhere;
 * the reference is refused. OpenAPI 3.0 has words of its own, which are put as JSON Schema has them
 * (nullable, exclusiveMinimum: true). What a service sets by itself (readOnly) is not asked of who
 * calls it, and what it never tells (writeOnly) is not expected.
 */
#include "openapi.h"

enum { NODES = 200000 };

static const json_t *pointer_find(const json_t *doc, const char *ref)
{
    char pointer[2048], *to = pointer;
    for (const char *at = ref; *at && to < pointer + sizeof(pointer) - 1; at++) {
        unsigned byte = 0;
        if (*at == '%' && sscanf(at + 1, "%2x", &byte) == 1 && at[1] && at[2])
            at += 2;
        *to++ = byte ? (char)byte : *at;
    }
    *to = '\0';
    return json_find(doc, pointer);
}

const json_t *openapi_deref(const struct openapi *o, const json_t *value, const char *where)
{
    for (int depth = 0; depth < HTTP_DEPTH; depth++) {
        const char *ref = json_string_value(json_object_get(value, "$ref"));
        if (!ref)
            return value;
        if (ref[0] != '#') {
            trouble_say(o->t,
                        "%s: \"%.200s\" is in another document, and nothing is fetched (cure: make "
                        "one document of them)",
                        where, ref);
            return NULL;
        }
        value = pointer_find(o->doc, ref + 1);
        if (!value) {
            trouble_say(o->t, "%s: there is no \"%.200s\"", where, ref);
            return NULL;
        }
    }
    trouble_say(o->t, "%s: its references lead in a ring", where);
    return NULL;
}

/* ---- one schema ---- */

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

static const char *const one[] = {"items",
                                  "additionalProperties",
                                  "not",
                                  "if",
                                  "then",
                                  "else",
                                  "contains",
                                  "propertyNames",
                                  "unevaluatedItems",
                                  "unevaluatedProperties",
                                  NULL};
static const char *const many[] = {"allOf", "anyOf", "oneOf", "prefixItems", NULL};
static const char *const named[] = {"properties", "patternProperties", "dependentSchemas", NULL};
/* What says nothing of the value, or is put otherwise. */
static const char *const dropped[] = {
    "example",       "examples", "xml",      "externalDocs", "$ref",     "deprecated", "$schema",
    "discriminator", "$defs",    "nullable", "$id",          "$comment", NULL};
static const char *const formats[] = {"date", "date-time", "time", "email", "hostname",
                                      "ipv4", "ipv6",      "uri",  "uuid",  NULL};

/* The name in $defs of what a reference leads to; it is put there later. */
static const char *name_of(struct taken *k, const char *ref)
{
    const char *known = json_string_value(json_object_get(k->names, ref));
    if (known)
        return known;
    char name[HTTP_NAME + 16], base[HTTP_NAME];
    const char *last = strrchr(ref, '/');
    snprintf(base, sizeof(base), "%s", last ? last + 1 : "schema");
    for (char *c = base; *c; c++)
        if (!((*c | 32) >= 'a' && (*c | 32) <= 'z') && !(*c >= '0' && *c <= '9') && *c != '_')
            *c = '_';
    snprintf(name, sizeof(name), "%s", base);
    for (int i = 2; json_object_get(k->defs, name); i++)
        snprintf(name, sizeof(name), "%s_%d", base, i);
    json_object_set_new(k->defs, name, json_null());
    json_object_set_new(k->names, ref, json_string(name));
    json_array_append_new(k->waiting, json_string(ref));
    return json_string_value(json_object_get(k->names, ref));
}

static json_t *take(struct taken *k, const json_t *schema, int depth);

static json_t *take_ref(struct taken *k, const char *ref)
{
    if (ref[0] != '#' || (ref[1] != '/' && ref[1] != '\0')) {
        trouble_say(k->o->t,
                    "%s: a schema refers to \"%.200s\": only what stands in this document is read, "
                    "by JSON Pointer (cure: make one document of them)",
                    k->where, ref);
        return NULL;
    }
    char text[HTTP_NAME + 32];
    snprintf(text, sizeof(text), "#/$defs/%s", name_of(k, ref));
    return json_string(text);
}

static json_t *take_value(struct taken *k, const char *key, json_t *value, int depth)
{
    const char *name;
    size_t i;
    json_t *item, *made;
    if (is_one_of(key, one) && !json_is_array(value))
        return take(k, value, depth);
    if (is_one_of(key, many) && json_is_array(value)) {
        made = json_array();
        json_array_foreach (value, i, item)
            json_array_append_new(made, take(k, item, depth));
        return made;
    }
    if (is_one_of(key, named) && json_is_object(value)) {
        made = json_object();
        json_object_foreach (value, name, item)
            json_object_set_new(made, name, take(k, item, depth));
        return made;
    }
    return json_incref(value);
}

/* `required`, without what this side does not say. */
static void take_required(const struct taken *k, const json_t *schema, json_t *made)
{
    const json_t *properties = json_object_get(schema, "properties");
    json_t *required = json_object_get(schema, "required"), *kept = json_array(), *name;
    size_t i;
    json_array_foreach (required, i, name) {
        const char *text = json_string_value(name);
        const json_t *property = text ? json_object_get(properties, text) : NULL;
        const char *ref = json_string_value(json_object_get(property, "$ref"));
        if (ref && ref[0] == '#')
            property = pointer_find(k->o->doc, ref + 1);
        if (text && !json_is_true(json_object_get(property, k->unsaid)))
            json_array_append(kept, name);
    }
    if (json_is_array(required))
        json_object_set(made, "required", kept);
    json_decref(kept);
}

static void swap_bound(json_t *made, const char *bound, const char *exclusive)
{
    json_t *said = json_object_get(made, exclusive);
    if (!json_is_boolean(said))
        return;
    json_t *limit = json_object_get(made, bound);
    if (json_is_true(said) && limit) {
        json_object_set(made, exclusive, limit);
        json_object_del(made, bound);
    } else {
        json_object_del(made, exclusive);
    }
}

/* What 3.0 says with words of its own. */
static json_t *as_of_now(const json_t *schema, json_t *made)
{
    swap_bound(made, "minimum", "exclusiveMinimum");
    swap_bound(made, "maximum", "exclusiveMaximum");
    if (!json_is_true(json_object_get(schema, "nullable")))
        return made;
    return json_pack("{s:[o, {s:s}]}", "anyOf", made, "type", "null");
}

static json_t *take(struct taken *k, const json_t *schema, int depth)
{
    const char *key;
    json_t *value;
    if (depth == 0 || ++k->nodes > NODES) {
        trouble_say(k->o->t, "%s: the schemas are too deep, or too many", k->where);
        return json_true();
    }
    if (!json_is_object(schema))
        return json_is_boolean(schema) ? json_incref((json_t *)(uintptr_t)schema) : json_true();
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    json_t *made = json_object();
    if (ref)
        json_object_set_new(made, "$ref", take_ref(k, ref));
    if (ref && k->o->old)
        return made;
    json_object_foreach ((json_t *)(uintptr_t)schema, key, value) {
        const char *word = json_string_value(value);
        bool strange = strcmp(key, "format") == 0 && !(word && is_one_of(word, formats));
        if (!is_one_of(key, dropped) && strncmp(key, "x-", 2) != 0 && !strange)
            json_object_set_new(made, key, take_value(k, key, value, depth - 1));
    }
    take_required(k, schema, made);
    return k->o->old ? as_of_now(schema, made) : made;
}

/* ---- a contract ---- */

void taken_init(struct taken *k, const struct openapi *o, const char *where, const char *unsaid)
{
    *k = (struct taken){.o = o,
                        .where = where,
                        .unsaid = unsaid,
                        .defs = json_object(),
                        .names = json_object(),
                        .waiting = json_array()};
}

json_t *taken_schema(struct taken *k, const json_t *schema)
{
    return schema ? take(k, schema, HTTP_DEPTH) : json_true();
}

json_t *taken_done(struct taken *k, json_t *schema)
{
    for (size_t i = 0; i < json_array_size(k->waiting) && k->o->t->text[0] == '\0'; i++) {
        const char *ref = json_string_value(json_array_get(k->waiting, i));
        const json_t *target = pointer_find(k->o->doc, ref + 1);
        if (!target)
            trouble_say(k->o->t, "%s: a schema refers to \"%.200s\", which is not there", k->where,
                        ref);
        else
            json_object_set_new(k->defs, name_of(k, ref), take(k, target, HTTP_DEPTH));
    }
    if (json_object_size(k->defs) > 0) {
        json_t *whole = json_is_object(schema) ? schema : json_pack("{s:[o]}", "allOf", schema);
        json_object_set(whole, "$defs", k->defs);
        schema = whole;
    }
    json_decref(k->defs);
    json_decref(k->names);
    json_decref(k->waiting);
    return schema;
}
