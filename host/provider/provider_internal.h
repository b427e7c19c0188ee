/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of a provider, read: what lint and lowering ask of them.
 */
#ifndef PROVIDER_PROVIDER_INTERNAL_H
#define PROVIDER_PROVIDER_INTERNAL_H

#include "provider/provider.h"

enum rule_kind {
    RULE_ROOT_OBJECT,    /* the root says type: object                                */
    RULE_TYPED,          /* every schema says its type                                */
    RULE_CLOSED_OBJECTS, /* every object says additionalProperties: false             */
    RULE_ALL_REQUIRED,   /* every property is required                                */
    RULE_ARRAY_ITEMS,    /* every array says items                                    */
    RULE_KEYWORDS,       /* `accepts`: no other keyword                               */
    RULE_REFUSES,        /* `refuses`: these keywords, with words of their own        */
    RULE_VALUES,         /* `keyword` has one of the values that it `accepts`         */
    RULE_ENUM_TYPES,     /* `accepts`: types of values in an enum or const            */
    RULE_FORMATS,        /* `accepts`: formats                                        */
    RULE_PATTERNS,       /* `refuses`: parts of regular expressions                   */
    RULE_LOCAL_REFS,     /* $ref points into the document                             */
    RULE_BARE_REFS,      /* nothing beside $ref                                       */
    RULE_CYCLES,         /* `where`: nowhere, or optional: below optional properties  */
    RULE_ALL_OF_REFS,    /* no $ref in an allOf                                       */
    RULE_LIMIT,          /* at most `most` `of` something in the whole                */
    RULE_KINDS
};

struct rule {
    enum rule_kind kind;
    const json_t *json; /* borrowed from the provider */
};

struct provider {
    json_t *json;
    struct rule *rules;
    size_t rule_count;
};

/* The first rule of the kind, or NULL. */
const struct rule *provider_rule(const struct provider *provider, enum rule_kind kind);
/* Whether the list under a key of the rule holds the word. */
bool rule_lists(const struct rule *rule, const char *key, const char *word);
/* Whether the keyword may be given to the provider at all; who ignores it is not given it. */
bool provider_takes_keyword(const struct provider *provider, const char *keyword);
bool provider_takes_format(const struct provider *provider, const char *format);
/* The part of a pattern that the provider refuses: "look-around"; NULL = none. */
const char *provider_refused_part(const struct provider *provider, const char *pattern);
/* Whether a value may stand in an enum. */
bool provider_takes_value(const struct provider *provider, const json_t *value);

/* ---- schemas as JSON ---- */

/* Whether a list of strings, as `required`, holds the word. */
bool has_word(const json_t *list, const char *word);
/* The place that a local reference ("#", "#/…") names in the document, or NULL. */
const json_t *schema_at(const json_t *root, const char *ref);
const json_t *schema_by_pointer(const json_t *root, const char *pointer);
/* A pointer with one more token, escaped; the caller frees. */
char *pointer_join(const char *pointer, const char *token);
char *pointer_index(const char *pointer, const char *token, size_t index);

#endif
