/* SPDX-License-Identifier: Apache-2.0
 *
 * How a schema is read: its dialect, and which vocabularies are in force. A `$schema` names one of
 * the three dialects, or a meta-schema of the registry: that is of a dialect itself, and its
 * `$vocabulary` says what is in force. A vocabulary that is required and that nobody here knows is
 * refused; keywords of one not in force only annotate.
 */
#include "contract/compile_internal.h"

#include <string.h>

enum vocabulary {
    VOCABULARY_CORE = 1,
    VOCABULARY_APPLICATOR = 2,
    VOCABULARY_UNEVALUATED = 4,
    VOCABULARY_VALIDATION = 8,
    VOCABULARY_META_DATA = 16,
    VOCABULARY_FORMAT = 32,
    VOCABULARY_CONTENT = 64,
    VOCABULARIES_ALL = 127,
};

enum { META_SCHEMAS_MAX = 8 }; /* each written in the next */

#define VOCABULARIES "https://json-schema.org/draft/"
static const struct {
    const char *uri;
    enum dialect dialect;
    unsigned bits;
    bool asserts_formats, only_if_required;
} vocabularies[] = {
    {VOCABULARIES "2020-12/vocab/core", DIALECT_2020_12, VOCABULARY_CORE, false, false},
    {VOCABULARIES "2020-12/vocab/applicator", DIALECT_2020_12, VOCABULARY_APPLICATOR, false, false},
    {VOCABULARIES "2020-12/vocab/unevaluated", DIALECT_2020_12, VOCABULARY_UNEVALUATED, false,
     false},
    {VOCABULARIES "2020-12/vocab/validation", DIALECT_2020_12, VOCABULARY_VALIDATION, false, false},
    {VOCABULARIES "2020-12/vocab/meta-data", DIALECT_2020_12, VOCABULARY_META_DATA, false, false},
    {VOCABULARIES "2020-12/vocab/format-annotation", DIALECT_2020_12, VOCABULARY_FORMAT, false,
     false},
    {VOCABULARIES "2020-12/vocab/format-assertion", DIALECT_2020_12, VOCABULARY_FORMAT, true,
     false},
    {VOCABULARIES "2020-12/vocab/content", DIALECT_2020_12, VOCABULARY_CONTENT, false, false},
    {VOCABULARIES "2019-09/vocab/core", DIALECT_2019_09, VOCABULARY_CORE, false, false},
    {VOCABULARIES "2019-09/vocab/applicator", DIALECT_2019_09,
     VOCABULARY_APPLICATOR | VOCABULARY_UNEVALUATED, false, false},
    {VOCABULARIES "2019-09/vocab/validation", DIALECT_2019_09, VOCABULARY_VALIDATION, false, false},
    {VOCABULARIES "2019-09/vocab/meta-data", DIALECT_2019_09, VOCABULARY_META_DATA, false, false},
    {VOCABULARIES "2019-09/vocab/format", DIALECT_2019_09, VOCABULARY_FORMAT, true, true},
    {VOCABULARIES "2019-09/vocab/content", DIALECT_2019_09, VOCABULARY_CONTENT, false, false},
};
enum { VOCABULARY_COUNT = sizeof(vocabularies) / sizeof(vocabularies[0]) };

/* What is not here is of the core, or of no vocabulary, and always in force. */
static const uint8_t vocabulary_of[KW_COUNT] = {
    [KW_TYPE] = VOCABULARY_VALIDATION,
    [KW_CONST] = VOCABULARY_VALIDATION,
    [KW_ENUM] = VOCABULARY_VALIDATION,
    [KW_MINIMUM] = VOCABULARY_VALIDATION,
    [KW_EXCLUSIVE_MINIMUM] = VOCABULARY_VALIDATION,
    [KW_MAXIMUM] = VOCABULARY_VALIDATION,
    [KW_EXCLUSIVE_MAXIMUM] = VOCABULARY_VALIDATION,
    [KW_MULTIPLE_OF] = VOCABULARY_VALIDATION,
    [KW_MIN_LENGTH] = VOCABULARY_VALIDATION,
    [KW_MAX_LENGTH] = VOCABULARY_VALIDATION,
    [KW_MIN_ITEMS] = VOCABULARY_VALIDATION,
    [KW_MAX_ITEMS] = VOCABULARY_VALIDATION,
    [KW_MIN_PROPERTIES] = VOCABULARY_VALIDATION,
    [KW_MAX_PROPERTIES] = VOCABULARY_VALIDATION,
    [KW_PATTERN] = VOCABULARY_VALIDATION,
    [KW_REQUIRED] = VOCABULARY_VALIDATION,
    [KW_DEPENDENT_REQUIRED] = VOCABULARY_VALIDATION,
    [KW_MIN_CONTAINS] = VOCABULARY_VALIDATION,
    [KW_MAX_CONTAINS] = VOCABULARY_VALIDATION,
    [KW_UNIQUE_ITEMS] = VOCABULARY_VALIDATION,
    [KW_PROPERTIES] = VOCABULARY_APPLICATOR,
    [KW_PATTERN_PROPERTIES] = VOCABULARY_APPLICATOR,
    [KW_ADDITIONAL_PROPERTIES] = VOCABULARY_APPLICATOR,
    [KW_PROPERTY_NAMES] = VOCABULARY_APPLICATOR,
    [KW_PREFIX_ITEMS] = VOCABULARY_APPLICATOR,
    [KW_ITEMS] = VOCABULARY_APPLICATOR,
    [KW_ADDITIONAL_ITEMS] = VOCABULARY_APPLICATOR,
    [KW_CONTAINS] = VOCABULARY_APPLICATOR,
    [KW_ALL_OF] = VOCABULARY_APPLICATOR,
    [KW_IF] = VOCABULARY_APPLICATOR,
    [KW_THEN] = VOCABULARY_APPLICATOR,
    [KW_ELSE] = VOCABULARY_APPLICATOR,
    [KW_NOT] = VOCABULARY_APPLICATOR,
    [KW_ANY_OF] = VOCABULARY_APPLICATOR,
    [KW_ONE_OF] = VOCABULARY_APPLICATOR,
    [KW_DEPENDENT_SCHEMAS] = VOCABULARY_APPLICATOR,
    [KW_UNEVALUATED_ITEMS] = VOCABULARY_UNEVALUATED,
    [KW_UNEVALUATED_PROPERTIES] = VOCABULARY_UNEVALUATED,
    [KW_FORMAT] = VOCABULARY_FORMAT,
    [KW_CONTENT_ENCODING] = VOCABULARY_CONTENT,
    [KW_CONTENT_MEDIA_TYPE] = VOCABULARY_CONTENT,
    [KW_CONTENT_SCHEMA] = VOCABULARY_CONTENT,
};

bool keyword_in_force(const struct reading *reading, enum keyword keyword)
{
    return keyword_rows[keyword].dialects & reading->dialect &&
           (!vocabulary_of[keyword] || vocabulary_of[keyword] & reading->vocabularies);
}

static bool vocabulary_add(struct reading *reading, struct slice uri, bool required)
{
    for (size_t i = 0; i < VOCABULARY_COUNT; i++) {
        if (!slice_is(uri, vocabularies[i].uri) || vocabularies[i].dialect != reading->dialect)
            continue;
        reading->vocabularies |= vocabularies[i].bits;
        reading->asserts_formats |=
            vocabularies[i].asserts_formats && (required || !vocabularies[i].only_if_required);
        return true;
    }
    return !required;
}

/* What a meta-schema's `$vocabulary` says; all is in force where it says nothing. */
static bool vocabularies_read(const json_t *metaschema, struct reading *reading,
                              struct error *ret_problem)
{
    const json_t *map = json_object_get(metaschema, keyword_rows[KW_VOCABULARY].spelling);
    struct entry e;
    if (!json_is_object(map) || reading->dialect == DIALECT_DRAFT_07)
        return true;
    reading->vocabularies = VOCABULARY_CORE;
    reading->asserts_formats = false;
    for (bool more = entry_first(map, &e); more; more = entry_next(map, &e)) {
        if (vocabulary_add(reading, e.key, json_is_true(e.value)))
            continue;
        error_set(ret_problem, ERR_UNSUPPORTED,
                  "its meta-schema requires the vocabulary \"%.200s\", which is not known to %s; "
                  "known are those of https://json-schema.org/draft/%s",
                  e.key.ptr, dialect_name(reading->dialect), dialect_name(reading->dialect));
        return false;
    }
    return true;
}

bool reading_find(const struct compiler *c, const char *dialect, struct reading *reading,
                  struct error *ret_problem)
{
    const json_t *chain[META_SCHEMAS_MAX];
    size_t count = 0;
    struct reading found = {.vocabularies = VOCABULARIES_ALL};
    const char *uri = dialect;
    while (!dialect_find(slice_of(uri), &found.dialect)) {
        AUTO(freep) char *plain = uri_resolve((struct slice){"", 0}, slice_of(uri));
        const struct registered *registered = registry_find(c->options->registry, plain);
        const json_t *next =
            registered ? json_object_get(registered->schema, keyword_rows[KW_SCHEMA].spelling)
                       : NULL;
        if (!registered || count == META_SCHEMAS_MAX) {
            error_set(ret_problem, ERR_UNSUPPORTED,
                      "the dialect \"%.200s\" is not supported%s; 2020-12, 2019-09 and draft-07 "
                      "are: https://json-schema.org/draft/2020-12/schema",
                      dialect,
                      count == META_SCHEMAS_MAX ? ": its meta-schemas go round in a circle"
                      : count > 0               ? ": its meta-schema is of no dialect"
                                                : ", nor is it in the registry");
            return false;
        }
        chain[count++] = registered->schema;
        uri = json_is_string(next) ? json_string_value(next) : DIALECT_DEFAULT;
    }
    if (count > 0 && !vocabularies_read(chain[0], &found, ret_problem))
        return false;
    *reading = found;
    return true;
}
