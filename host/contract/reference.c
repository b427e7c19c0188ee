/* SPDX-License-Identifier: Apache-2.0
 *
 * What a `$ref` means: a resource of the document, and in it the whole, an anchor or a JSON
 * Pointer. A target where no keyword holds a schema becomes a node of its own, surveyed then and
 * there; its names count for nothing. A resource of another document is one of the registry's or a
 * meta-schema's; its document is surveyed when it is first referred to. Nothing is ever fetched.
 */
#include "contract/compile_internal.h"

#include <stdlib.h>
#include <string.h>

/* The next token of a pointer, unescaped, into out; false at the end. */
static bool next_token(struct slice *pointer, struct text *out, bool *ret_valid)
{
    if (pointer->len == 0)
        return false;
    text_clear(out);
    *ret_valid = pointer->ptr[0] == '/';
    size_t at = 1;
    for (; at < pointer->len && pointer->ptr[at] != '/'; at++) {
        char c = pointer->ptr[at];
        if (c == '~') {
            char next = at + 1 < pointer->len ? pointer->ptr[at + 1] : '\0';
            *ret_valid &= next == '0' || next == '1';
            c = next == '1' ? '/' : '~';
            at++;
        }
        text_addc(out, c);
    }
    if (at > pointer->len)
        at = pointer->len;
    *pointer = (struct slice){pointer->ptr + at, pointer->len - at};
    return true;
}

static const json_t *step(const json_t *json, struct slice token)
{
    if (json_is_object(json))
        return json_object_getn(json, token.ptr, token.len);
    if (!json_is_array(json) || token.len == 0 || token.len > 9 ||
        (token.len > 1 && token.ptr[0] == '0'))
        return NULL;
    size_t index = 0;
    for (size_t i = 0; i < token.len; i++) {
        if (!ascii_digit(token.ptr[i]))
            return NULL;
        index = index * 10 + (size_t)(token.ptr[i] - '0');
    }
    return json_array_get(json, index);
}

/* Walks from the resource's root; on the way the resource may become an embedded one. */
static const json_t *walk(const struct compiler *c, struct slice pointer, uint32_t *resource)
{
    const json_t *json = c->contract->origins[c->resources[*resource].node].json;
    AUTO(text_done) struct text token;
    text_init(&token, pointer.len + 1);
    bool valid;
    while (json && next_token(&pointer, &token, &valid)) {
        uint32_t node;
        json = valid ? step(json, text_slice(&token)) : NULL;
        if (json && spot_find(c, json, &node))
            *resource = c->contract->origins[node].resource;
    }
    return json;
}

/* A copy, in the contract, of the pointer from the document's root. */
static struct slice full_pointer(struct compiler *c, uint32_t resource, struct slice pointer)
{
    AUTO(text_done) struct text full;
    text_init(&full, SIZE_MAX / 2);
    origin_pointer(c->contract, c->resources[resource].node, NO_NODE, &full);
    text_add(&full, pointer.ptr, pointer.len);
    char *copy = block_alloc(c->contract, full.len + 1);
    memcpy(copy, text_str(&full), full.len);
    return (struct slice){copy, full.len};
}

static enum error_code resolve_pointer(struct compiler *c, enum keyword keyword, uint32_t resource,
                                       struct slice pointer, uint32_t *ret_node)
{
    uint32_t inner = resource;
    const json_t *json = walk(c, pointer, &inner);
    const json_t *reference = c->values[keyword];
    if (!json)
        return refuse(c, keyword, "nothing is at \"%s\"", json_string_value(reference));
    if (spot_find(c, json, ret_node))
        return ERR_OK;
    if (!json_is_object(json) && !json_is_boolean(json))
        return refuse(c, keyword, "what is at \"%s\" is not a schema",
                      json_string_value(reference));
    struct origin origin = {.json = json,
                            .parent = NO_NODE,
                            .resource = inner,
                            .keyword = KW_COUNT,
                            .name = full_pointer(c, resource, pointer)};
    return survey_unnamed(c, origin, ret_node);
}

static enum error_code resolve_fragment(struct compiler *c, enum keyword keyword, uint32_t resource,
                                        struct slice raw, uint32_t *ret_node)
{
    AUTO(text_done) struct text decoded;
    text_init(&decoded, raw.len + 1);
    if (!percent_decode(raw, &decoded))
        return refuse(c, keyword, "expected two hexadecimal digits behind each %%");
    struct slice fragment = text_slice(&decoded);
    if (fragment.len == 0 || fragment.ptr[0] == '/')
        return resolve_pointer(c, keyword, resource, fragment, ret_node);
    const struct anchor *anchor = anchor_find(c, resource, fragment);
    if (!anchor)
        return refuse(c, keyword, "no $anchor is named \"%.*s\"; a JSON Pointer begins with #/",
                      (int)fragment.len, fragment.ptr);
    *ret_node = anchor->node;
    return ERR_OK;
}

/* Takes over a reference to the document. */
static void document_keep(struct compiler *c, json_t *document)
{
    struct contract *contract = c->contract;
    contract->documents = grown(contract->documents, contract->document_count, &c->document_room,
                                sizeof(contract->documents[0]));
    contract->documents[contract->document_count++] = document;
}

static enum error_code refuse_rivals(struct compiler *c, enum keyword keyword, const char *uri,
                                     const struct registered *one, const struct registered *other)
{
    const struct registry *registry = c->options->registry;
    return refuse(
        c, keyword,
        "two different schemas of the registry have the URI \"%s\": one in \"%s\" and one "
        "in \"%s\"; every $id must be its own",
        uri, registered_from(registry, one), registered_from(registry, other));
}

/* Finds a resource in a document that no reference has gone to before. */
static enum error_code document_find(struct compiler *c, enum keyword keyword, const char *uri,
                                     uint32_t *ret_resource)
{
    const struct registry *registry = c->options->registry;
    const struct registered *found = registry_find(registry, uri);
    const struct registered *rival = found ? registry_rival(registry, found) : NULL;
    if (rival)
        return refuse_rivals(c, keyword, uri, found, rival);
    json_t *document =
        found ? json_incref(registered_document(registry, found)) : metaschema_new(uri);
    if (!document)
        return refuse_at(c, ERR_UNSUPPORTED, c->node, keyword,
                         "\"%s\" is another document, and none is fetched: put it into a folder "
                         "of schemas (seam validate --registry DIR), or copy what is needed into "
                         "$defs and refer to #/$defs/…",
                         uri);
    document_keep(c, document);
    enum error_code code = survey_document(
        c, document, found ? registered_from(registry, found) : uri, c->reading, ret_resource);
    if (code || resource_find(c, uri, ret_resource))
        return code;
    if (found && found->schema != document)
        return refuse(c, keyword, "what has the $id \"%s\" in \"%s\" is no schema of its own there",
                      uri, registered_from(registry, found));
    json_object_set_new(c->by_uri, uri, json_integer(*ret_resource)); /* its $id is another */
    return ERR_OK;
}

enum error_code reference_resolve(struct compiler *c, enum keyword keyword, uint32_t *ret_node)
{
    const json_t *value = c->values[keyword];
    if (!json_is_string(value))
        return refuse(c, keyword, "expected a URI reference, a string");
    bool has_fragment;
    struct slice text = string_of(value), fragment = uri_fragment(text, &has_fragment);
    uint32_t resource = c->contract->origins[c->node].resource;
    if (text.len == 0 || text.ptr[0] == '#')
        return resolve_fragment(c, keyword, resource, fragment, ret_node);
    AUTO(freep) char *uri = uri_resolve(slice_of(c->resources[resource].uri), text);
    enum error_code code =
        resource_find(c, uri, &resource) ? ERR_OK : document_find(c, keyword, uri, &resource);
    return code ? code : resolve_fragment(c, keyword, resource, fragment, ret_node);
}
