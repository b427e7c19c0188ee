/* SPDX-License-Identifier: Apache-2.0
 *
 * The one table of keywords. A row says how a keyword is spelled, in which dialects it exists,
 * where its value holds subschemas, and whether it only annotates. What is not in the table does
 * not exist: it is refused, with the nearest spelling. The order of the rows is the order in which
 * a schema's assertions are asked: cheap ones first, and what looks at the others' results last.
 */
#ifndef CONTRACT_KEYWORDS_INTERNAL_H
#define CONTRACT_KEYWORDS_INTERNAL_H

#include "base/text.h"

enum dialect { DIALECT_DRAFT_07 = 1, DIALECT_2019_09 = 2, DIALECT_2020_12 = 4 };

/* Where a keyword's value holds subschemas. */
enum holds {
    HOLDS_NOTHING,
    HOLDS_SCHEMA,       /* the value is a schema                           */
    HOLDS_LIST,         /* an array of schemas                             */
    HOLDS_MAP,          /* an object of schemas                            */
    HOLDS_ONE_OR_LIST,  /* `items` before 2020-12                          */
    HOLDS_MAP_OR_NAMES, /* `dependencies`: a schema or an array of names   */
};

#define DIALECTS_ALL  (DIALECT_DRAFT_07 | DIALECT_2019_09 | DIALECT_2020_12)
#define DIALECTS_OLD  (DIALECT_DRAFT_07 | DIALECT_2019_09)
#define DIALECTS_NEW  (DIALECT_2019_09 | DIALECT_2020_12)
#define DIALECTS_2019 DIALECT_2019_09
#define DIALECTS_2020 DIALECT_2020_12

/* X(id, spelling, dialects, holds, annotates) */
#define KEYWORDS(X)                                                                                \
    X(SCHEMA, "$schema", ALL, NOTHING, true)                                                       \
    X(ID, "$id", ALL, NOTHING, true)                                                               \
    X(ANCHOR, "$anchor", NEW, NOTHING, true)                                                       \
    X(DYNAMIC_ANCHOR, "$dynamicAnchor", 2020, NOTHING, true)                                       \
    X(RECURSIVE_ANCHOR, "$recursiveAnchor", 2019, NOTHING, false)                                  \
    X(VOCABULARY, "$vocabulary", NEW, NOTHING, true)                                               \
    X(COMMENT, "$comment", ALL, NOTHING, true)                                                     \
    X(TITLE, "title", ALL, NOTHING, true)                                                          \
    X(DESCRIPTION, "description", ALL, NOTHING, true)                                              \
    X(DEFAULT, "default", ALL, NOTHING, true)                                                      \
    X(EXAMPLES, "examples", ALL, NOTHING, true)                                                    \
    X(DEPRECATED, "deprecated", ALL, NOTHING, true)                                                \
    X(READ_ONLY, "readOnly", ALL, NOTHING, true)                                                   \
    X(WRITE_ONLY, "writeOnly", ALL, NOTHING, true)                                                 \
    X(CONTENT_ENCODING, "contentEncoding", ALL, NOTHING, true)                                     \
    X(CONTENT_MEDIA_TYPE, "contentMediaType", ALL, NOTHING, true)                                  \
    X(CONTENT_SCHEMA, "contentSchema", ALL, SCHEMA, true)                                          \
    X(DEFS, "$defs", ALL, MAP, true)                                                               \
    X(DEFINITIONS, "definitions", ALL, MAP, true)                                                  \
    X(TYPE, "type", ALL, NOTHING, false)                                                           \
    X(CONST, "const", ALL, NOTHING, false)                                                         \
    X(ENUM, "enum", ALL, NOTHING, false)                                                           \
    X(MINIMUM, "minimum", ALL, NOTHING, false)                                                     \
    X(EXCLUSIVE_MINIMUM, "exclusiveMinimum", ALL, NOTHING, false)                                  \
    X(MAXIMUM, "maximum", ALL, NOTHING, false)                                                     \
    X(EXCLUSIVE_MAXIMUM, "exclusiveMaximum", ALL, NOTHING, false)                                  \
    X(MULTIPLE_OF, "multipleOf", ALL, NOTHING, false)                                              \
    X(MIN_LENGTH, "minLength", ALL, NOTHING, false)                                                \
    X(MAX_LENGTH, "maxLength", ALL, NOTHING, false)                                                \
    X(MIN_ITEMS, "minItems", ALL, NOTHING, false)                                                  \
    X(MAX_ITEMS, "maxItems", ALL, NOTHING, false)                                                  \
    X(MIN_PROPERTIES, "minProperties", ALL, NOTHING, false)                                        \
    X(MAX_PROPERTIES, "maxProperties", ALL, NOTHING, false)                                        \
    X(FORMAT, "format", ALL, NOTHING, false)                                                       \
    X(PATTERN, "pattern", ALL, NOTHING, false)                                                     \
    X(REQUIRED, "required", ALL, NOTHING, false)                                                   \
    X(PROPERTIES, "properties", ALL, MAP, false)                                                   \
    X(PATTERN_PROPERTIES, "patternProperties", ALL, MAP, false)                                    \
    X(ADDITIONAL_PROPERTIES, "additionalProperties", ALL, SCHEMA, false)                           \
    X(PROPERTY_NAMES, "propertyNames", ALL, SCHEMA, false)                                         \
    X(DEPENDENT_REQUIRED, "dependentRequired", NEW, NOTHING, false)                                \
    X(PREFIX_ITEMS, "prefixItems", 2020, LIST, false)                                              \
    X(ITEMS, "items", ALL, ONE_OR_LIST, false)                                                     \
    X(ADDITIONAL_ITEMS, "additionalItems", OLD, SCHEMA, false)                                     \
    X(CONTAINS, "contains", ALL, SCHEMA, false)                                                    \
    X(MIN_CONTAINS, "minContains", NEW, NOTHING, false)                                            \
    X(MAX_CONTAINS, "maxContains", NEW, NOTHING, false)                                            \
    X(UNIQUE_ITEMS, "uniqueItems", ALL, NOTHING, false)                                            \
    X(REF, "$ref", ALL, NOTHING, false)                                                            \
    X(DYNAMIC_REF, "$dynamicRef", 2020, NOTHING, false)                                            \
    X(RECURSIVE_REF, "$recursiveRef", 2019, NOTHING, false)                                        \
    X(ALL_OF, "allOf", ALL, LIST, false)                                                           \
    X(IF, "if", ALL, SCHEMA, false)                                                                \
    X(THEN, "then", ALL, SCHEMA, false)                                                            \
    X(ELSE, "else", ALL, SCHEMA, false)                                                            \
    X(NOT, "not", ALL, SCHEMA, false)                                                              \
    X(ANY_OF, "anyOf", ALL, LIST, false)                                                           \
    X(ONE_OF, "oneOf", ALL, LIST, false)                                                           \
    X(DEPENDENT_SCHEMAS, "dependentSchemas", NEW, MAP, false)                                      \
    X(DEPENDENCIES, "dependencies", ALL, MAP_OR_NAMES, false)                                      \
    X(UNEVALUATED_ITEMS, "unevaluatedItems", NEW, SCHEMA, false)                                   \
    X(UNEVALUATED_PROPERTIES, "unevaluatedProperties", NEW, SCHEMA, false)

enum keyword {
#define X(id, spelling, dialects, holds, annotates) KW_##id,
    KEYWORDS(X)
#undef X
        KW_COUNT
};

struct keyword_row {
    const char *spelling;
    size_t length; /* of the spelling */
    unsigned dialects;
    enum holds holds;
    bool annotates;
};

extern const struct keyword_row keyword_rows[KW_COUNT];

/* KW_COUNT if there is none of that spelling. */
enum keyword keyword_find(struct slice spelling);
/* The nearest spelling of the dialect, or NULL. */
const char *keyword_suggest(struct slice spelling, enum dialect dialect);

const char *dialect_name(enum dialect dialect);
#define DIALECT_DEFAULT "https://json-schema.org/draft/2020-12/schema"
/* False if the URI of `$schema` names none that is known. */
bool dialect_find(struct slice uri, enum dialect *ret_dialect);

#endif
