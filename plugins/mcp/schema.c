/* SPDX-License-Identifier: Apache-2.0
 *
 * A server's schemas as contracts. A contract has no keyword that means nothing, servers have many:
 * what JSON Schema does not know, formats too, only annotates, and is left out. What refers to
 * another document is refused, for nothing is ever fetched.
 */
#include "mcp.h"

enum { SCHEMA_DEPTH = 48 };

static bool is_one_of(seam_bytes key, const char *const *words)
{
    for (; *words; words++)
        if (seam_json_is(key, *words))
            return true;
    return false;
}

static const char *const schemas[] = {"additionalProperties",
                                      "items",
                                      "contains",
                                      "not",
                                      "if",
                                      "then",
                                      "else",
                                      "propertyNames",
                                      "unevaluatedItems",
                                      "unevaluatedProperties",
                                      "additionalItems",
                                      "contentSchema",
                                      "allOf",
                                      "anyOf",
                                      "oneOf",
                                      "prefixItems",
                                      NULL};
static const char *const maps[] = {"properties",       "patternProperties", "$defs", "definitions",
                                   "dependentSchemas", "dependencies",      NULL};
static const char *const plain[] = {"type",
                                    "enum",
                                    "const",
                                    "multipleOf",
                                    "maximum",
                                    "exclusiveMaximum",
                                    "minimum",
                                    "exclusiveMinimum",
                                    "maxLength",
                                    "minLength",
                                    "pattern",
                                    "maxItems",
                                    "minItems",
                                    "uniqueItems",
                                    "maxContains",
                                    "minContains",
                                    "maxProperties",
                                    "minProperties",
                                    "required",
                                    "dependentRequired",
                                    "$schema",
                                    "$id",
                                    "$anchor",
                                    "$dynamicAnchor",
                                    "$ref",
                                    "$dynamicRef",
                                    "$comment",
                                    "title",
                                    "description",
                                    "default",
                                    "deprecated",
                                    "readOnly",
                                    "writeOnly",
                                    "examples",
                                    "format",
                                    "contentEncoding",
                                    "contentMediaType",
                                    NULL};

/* Others (int64, uint, binary, …) say what a number or a text is for, and hold nobody to anything.
 */
static const char *const formats[] = {"date-time",    "date",
                                      "time",         "duration",
                                      "email",        "idn-email",
                                      "hostname",     "idn-hostname",
                                      "ipv4",         "ipv6",
                                      "uri",          "uri-reference",
                                      "iri",          "iri-reference",
                                      "uri-template", "uuid",
                                      "json-pointer", "relative-json-pointer",
                                      "regex",        NULL};

static bool write_schema(seam_bytes schema, const char *key, seam_writer *out, int depth);

static bool write_map(seam_bytes map, const char *key, seam_writer *out, int depth)
{
    bool good = true;
    seam_json_walk walk = seam_json_members(map);
    seam_put_object(out, key);
    while (good && seam_json_next(&walk)) {
        char *name = seam_json_text(walk.key, NULL);
        good = name && write_schema(walk.value, name, out, depth);
        free(name);
    }
    seam_put_end(out);
    return good;
}

static bool stays_within(seam_bytes ref)
{
    return seam_json_kind_of(ref) == SEAM_JSON_STRING && ref.len > 2 && ref.ptr[1] == '#';
}

static bool write_keyword(const seam_json_walk *walk, seam_writer *out, int depth)
{
    char *name = seam_json_text(walk->key, NULL);
    bool refers = seam_json_is(walk->key, "$ref") || seam_json_is(walk->key, "$dynamicRef");
    bool good = name && (!refers || stays_within(walk->value));
    if (!good) {
        free(name);
        return false;
    }
    bool strange = seam_json_is(walk->key, "format") && !is_one_of(walk->value, formats);
    if (is_one_of(walk->key, schemas))
        good = write_schema(walk->value, name, out, depth);
    else if (is_one_of(walk->key, maps))
        good = write_map(walk->value, name, out, depth);
    else if ((is_one_of(walk->key, plain) && !strange) || strncmp(name, "x-", 2) == 0)
        seam_put_json(out, name, walk->value);
    free(name);
    return good;
}

/* A schema, or a list of them. */
static bool write_schema(seam_bytes schema, const char *key, seam_writer *out, int depth)
{
    seam_json_kind kind = seam_json_kind_of(schema);
    bool good = depth < SCHEMA_DEPTH;
    seam_json_walk walk = seam_json_members(schema);
    if (!good || (kind != SEAM_JSON_OBJECT && kind != SEAM_JSON_ARRAY)) {
        seam_put_json(out, key, schema);
        return good;
    }
    if (kind == SEAM_JSON_OBJECT)
        seam_put_object(out, key);
    else
        seam_put_array(out, key);
    while (good && seam_json_next(&walk))
        good = kind == SEAM_JSON_OBJECT ? write_keyword(&walk, out, depth + 1)
                                        : write_schema(walk.value, NULL, out, depth + 1);
    seam_put_end(out);
    return good;
}

char *schema_take(seam_bytes schema)
{
    seam_writer out = SEAM_WRITER;
    char *copy = NULL;
    if (seam_json_kind_of(schema) == SEAM_JSON_OBJECT && write_schema(schema, NULL, &out, 0)) {
        seam_bytes written = seam_written(&out);
        copy = written.len > 0 ? strndup(written.ptr, written.len) : NULL;
    }
    seam_writer_done(&out);
    return copy;
}
