/* SPDX-License-Identifier: Apache-2.0
 *
 * The meta-schemas of the dialects and of their vocabularies, which the program carries: a schema
 * may refer to them, and a schema is a value like any other. They are parsed when they are asked
 * for, which is seldom.
 */
#include "contract/registry_internal.h"

#include <string.h>

/* X(symbol, URI) */
#define METASCHEMAS(X)                                                                             \
    X(draft_07, "http://json-schema.org/draft-07/schema")                                          \
    X(d2019_schema, "https://json-schema.org/draft/2019-09/schema")                                \
    X(d2019_core, "https://json-schema.org/draft/2019-09/meta/core")                               \
    X(d2019_applicator, "https://json-schema.org/draft/2019-09/meta/applicator")                   \
    X(d2019_validation, "https://json-schema.org/draft/2019-09/meta/validation")                   \
    X(d2019_meta_data, "https://json-schema.org/draft/2019-09/meta/meta-data")                     \
    X(d2019_format, "https://json-schema.org/draft/2019-09/meta/format")                           \
    X(d2019_content, "https://json-schema.org/draft/2019-09/meta/content")                         \
    X(d2020_schema, "https://json-schema.org/draft/2020-12/schema")                                \
    X(d2020_core, "https://json-schema.org/draft/2020-12/meta/core")                               \
    X(d2020_applicator, "https://json-schema.org/draft/2020-12/meta/applicator")                   \
    X(d2020_unevaluated, "https://json-schema.org/draft/2020-12/meta/unevaluated")                 \
    X(d2020_validation, "https://json-schema.org/draft/2020-12/meta/validation")                   \
    X(d2020_meta_data, "https://json-schema.org/draft/2020-12/meta/meta-data")                     \
    X(d2020_format_annotation, "https://json-schema.org/draft/2020-12/meta/format-annotation")     \
    X(d2020_format_assertion, "https://json-schema.org/draft/2020-12/meta/format-assertion")       \
    X(d2020_content, "https://json-schema.org/draft/2020-12/meta/content")

#define X(symbol, uri)                                                                             \
    extern const unsigned char metaschema_##symbol[];                                              \
    extern const size_t metaschema_##symbol##_size;
METASCHEMAS(X)
#undef X

static const struct {
    const char *uri;
    const unsigned char *text;
    const size_t *size;
} metaschemas[] = {
#define X(symbol, uri) {uri, metaschema_##symbol, &metaschema_##symbol##_size},
    METASCHEMAS(X)
#undef X
};

json_t *metaschema_new(const char *uri)
{
    for (size_t i = 0; i < sizeof(metaschemas) / sizeof(metaschemas[0]); i++)
        if (strcmp(uri, metaschemas[i].uri) == 0)
            return json_loadb((const char *)metaschemas[i].text, *metaschemas[i].size, 0, NULL);
    return NULL;
}
