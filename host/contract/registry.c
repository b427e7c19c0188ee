/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry: documents, and one index from URIs to the schemas in them. The index is an object
 * of jansson's, whose hash is seeded: URIs are foreign.
 */
#include "contract/registry_internal.h"

#include "base/limits.h"
#include "contract/contract.h"
#include "contract/keywords_internal.h"
#include "contract/uri_internal.h"

#include <stdlib.h>
#include <string.h>

struct document {
    json_t *json;
    char *uri;
};

struct registry {
    struct document *documents;
    size_t document_count, document_room;
    struct registered *entries;
    size_t entry_count, entry_room;
    json_t *by_uri; /* URI → index of an entry */
};

struct registry *registry_new(void)
{
    struct registry *registry = xcalloc(1, sizeof(*registry));
    registry->by_uri = json_object();
    return registry;
}

void registry_free(struct registry *registry)
{
    if (!registry)
        return;
    for (size_t i = 0; i < registry->document_count; i++) {
        json_decref(registry->documents[i].json);
        free(registry->documents[i].uri);
    }
    free(registry->documents);
    free(registry->entries);
    json_decref(registry->by_uri);
    free(registry);
}

void registry_freep(struct registry **registry)
{
    registry_free(*registry);
}

static struct registered *entry_at(const struct registry *registry, const char *uri)
{
    const json_t *index = json_object_get(registry->by_uri, uri);
    return index ? &registry->entries[json_integer_value(index)] : NULL;
}

/* Under a URI that is taken by an equal schema nothing is added; by another, the two are rivals. */
static void entry_add(struct registry *registry, const char *uri, json_t *schema, size_t document)
{
    struct registered *taken = entry_at(registry, uri);
    if (taken && (taken->schema == schema || taken->rival != SIZE_MAX ||
                  contract_equal(taken->schema, schema)))
        return;
    if (registry->entry_count == registry->entry_room) {
        registry->entry_room = registry->entry_room ? 2 * registry->entry_room : 16;
        registry->entries =
            xrealloc(registry->entries, registry->entry_room * sizeof(registry->entries[0]));
        taken = entry_at(registry, uri);
    }
    size_t at = registry->entry_count++;
    registry->entries[at] =
        (struct registered){.schema = schema, .document = document, .rival = SIZE_MAX};
    if (taken)
        taken->rival = at;
    else if (json_object_set_new(registry->by_uri, uri, json_integer((json_int_t)at)) < 0)
        registry->entry_count--; /* no UTF-8: nothing can refer to it */
}

static enum error_code index_schema(struct registry *registry, const char *base, json_t *schema,
                                    int depth, struct error *reterr);

static enum error_code index_values(struct registry *registry, const char *base, json_t *value,
                                    enum holds holds, int depth, struct error *reterr)
{
    enum error_code code = ERR_OK;
    const char *key;
    json_t *below;
    if (json_is_array(value) && (holds == HOLDS_LIST || holds == HOLDS_ONE_OR_LIST)) {
        for (size_t i = 0; i < json_array_size(value) && !code; i++)
            code = index_schema(registry, base, json_array_get(value, i), depth, reterr);
    } else if (json_is_object(value) && (holds == HOLDS_MAP || holds == HOLDS_MAP_OR_NAMES)) {
        json_object_foreach (value, key, below) {
            code = index_schema(registry, base, below, depth, reterr);
            if (code)
                break;
        }
    } else if (holds == HOLDS_SCHEMA || holds == HOLDS_ONE_OR_LIST) {
        code = index_schema(registry, base, value, depth, reterr);
    }
    return code;
}

/* Enters each `$id`, wherever any dialect has a schema; the compiler looks again, by the right one.
 */
static enum error_code index_schema(struct registry *registry, const char *base, json_t *schema,
                                    int depth, struct error *reterr)
{
    if (!json_is_object(schema))
        return ERR_OK;
    if (depth > LIMIT_DEPTH)
        return error_set(reterr, ERR_LIMIT, "subschemas nested deeper than %d", LIMIT_DEPTH);
    AUTO(freep) char *own = NULL;
    const char *id = json_string_value(json_object_get(schema, "$id"));
    if (id && id[0] != '#') {
        own = uri_resolve(slice_of(base), slice_of(id));
        entry_add(registry, own, schema, registry->document_count - 1);
        base = own;
    }
    enum error_code code = ERR_OK;
    const char *key;
    json_t *value;
    json_object_foreach (schema, key, value) {
        enum keyword k = keyword_find(slice_of(key));
        if (k != KW_COUNT && keyword_rows[k].holds != HOLDS_NOTHING)
            code = index_values(registry, base, value, keyword_rows[k].holds, depth + 1, reterr);
        if (code)
            break;
    }
    return code;
}

enum error_code registry_add(struct registry *registry, const char *uri, json_t *document,
                             struct error *reterr)
{
    if (registry->document_count >= LIMIT_REGISTRY_SCHEMAS)
        return error_set(reterr, ERR_LIMIT, "more than %u documents in a registry",
                         LIMIT_REGISTRY_SCHEMAS);
    if (!json_is_object(document) && !json_is_boolean(document))
        return error_set(reterr, ERR_INPUT, "expected a schema, an object or a boolean");
    if (registry->document_count == registry->document_room) {
        registry->document_room = registry->document_room ? 2 * registry->document_room : 16;
        registry->documents =
            xrealloc(registry->documents, registry->document_room * sizeof(registry->documents[0]));
    }
    char *from = uri_resolve((struct slice){"", 0}, slice_of(uri));
    registry->documents[registry->document_count++] =
        (struct document){json_incref(document), from};
    entry_add(registry, from, document, registry->document_count - 1);
    return index_schema(registry, from, document, 0, reterr);
}

const struct registered *registry_find(const struct registry *registry, const char *uri)
{
    return registry ? entry_at(registry, uri) : NULL;
}

const struct registered *registry_rival(const struct registry *registry,
                                        const struct registered *registered)
{
    return registered->rival == SIZE_MAX ? NULL : &registry->entries[registered->rival];
}

json_t *registered_document(const struct registry *registry, const struct registered *registered)
{
    return registry->documents[registered->document].json;
}

const char *registered_from(const struct registry *registry, const struct registered *registered)
{
    return registry->documents[registered->document].uri;
}
