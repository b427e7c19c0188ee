/* SPDX-License-Identifier: Apache-2.0
 *
 * The first step of compiling: walks every place of the document where a keyword holds a schema,
 * gives each a node with its origin, and notes the resources ($id) and anchors found on the way, so
 * that references can be resolved in any order. The same JSON value standing in two places is one
 * node: a document that shares values does not grow here. Booleans are nodes of their own.
 * Values of the wrong shape are passed over; the step that compiles their keyword refuses them.
 */
#include "contract/compile_internal.h"

#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

void *grown(void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    *room = *room ? *room * 2 : 16;
    return xrealloc(list, *room * size);
}

static size_t spot_slot(const struct compiler *c, const json_t *json)
{
    uint64_t mixed = (uint64_t)(uintptr_t)json * 0x9E3779B97F4A7C15u;
    size_t slot = (size_t)(mixed >> 32) & (c->spot_room - 1);
    while (c->spots[slot].json && c->spots[slot].json != json)
        slot = (slot + 1) & (c->spot_room - 1);
    return slot;
}

bool spot_find(const struct compiler *c, const json_t *json, uint32_t *ret_node)
{
    if (c->spot_room == 0 || !json_is_object(json))
        return false;
    const struct spot *spot = &c->spots[spot_slot(c, json)];
    if (!spot->json)
        return false;
    *ret_node = spot->node;
    return true;
}

static void spot_add(struct compiler *c, const json_t *json, uint32_t node)
{
    if (2 * c->spot_count >= c->spot_room) {
        struct spot *old = c->spots;
        size_t old_room = c->spot_room;
        c->spot_room = old_room ? 2 * old_room : 64;
        c->spots = xcalloc(c->spot_room, sizeof(c->spots[0]));
        for (size_t i = 0; i < old_room; i++)
            if (old[i].json)
                c->spots[spot_slot(c, old[i].json)] = old[i];
        free(old);
    }
    c->spots[spot_slot(c, json)] = (struct spot){json, node};
    c->spot_count++;
}

static enum error_code node_add(struct compiler *c, struct origin origin, uint32_t *ret_node)
{
    struct contract *contract = c->contract;
    if (contract->node_count >= LIMIT_SCHEMA_NODES)
        return error_set(c->reterr, ERR_LIMIT, "the schema has more than %u subschemas",
                         LIMIT_SCHEMA_NODES);
    size_t room = c->node_room;
    contract->origins =
        grown(contract->origins, contract->node_count, &room, sizeof(contract->origins[0]));
    contract->nodes =
        grown(contract->nodes, contract->node_count, &c->node_room, sizeof(contract->nodes[0]));
    *ret_node = (uint32_t)contract->node_count++;
    contract->origins[*ret_node] = origin;
    contract->nodes[*ret_node] = (struct node){0};
    return ERR_OK;
}

static void anchor_add(struct compiler *c, struct anchor anchor)
{
    c->anchors = grown(c->anchors, c->anchor_count, &c->anchor_room, sizeof(c->anchors[0]));
    c->anchors[c->anchor_count++] = anchor;
}

/* How the node is read, as far as the survey has come. */
static const struct reading *reading_of(const struct compiler *c, uint32_t node)
{
    return &c->resources[c->contract->origins[node].resource].reading;
}

/* As the schema's own `$schema` says; one that is not known is refused when the node is compiled.
 */
static void reading_named(const struct compiler *c, const json_t *schema, struct reading *reading)
{
    const json_t *value = json_object_get(schema, keyword_rows[KW_SCHEMA].spelling);
    struct error problem;
    if (json_is_string(value) && !reading_find(c, json_string_value(value), reading, &problem))
        return;
}

static uint32_t resource_add(struct compiler *c, struct resource resource)
{
    c->resources =
        grown(c->resources, c->resource_count, &c->resource_room, sizeof(c->resources[0]));
    c->resources[c->resource_count] = resource;
    return (uint32_t)c->resource_count++;
}

static enum error_code note_id(struct compiler *c, uint32_t node)
{
    struct origin *origin = &c->contract->origins[node];
    const json_t *id = json_object_get(origin->json, keyword_rows[KW_ID].spelling);
    if (!json_is_string(id))
        return id ? refuse_at(c, ERR_INPUT, node, KW_ID, "expected a string") : ERR_OK;
    bool has_fragment;
    struct slice text = string_of(id), fragment = uri_fragment(text, &has_fragment);
    if (has_fragment && fragment.len > 0) {
        if (reading_of(c, node)->dialect != DIALECT_DRAFT_07 || text.ptr[0] != '#')
            return refuse_at(c, ERR_INPUT, node, KW_ID,
                             "expected a URI without a fragment; name this place with $anchor");
        anchor_add(c, (struct anchor){origin->resource, fragment, node, false});
        return ERR_OK;
    }
    struct slice base = slice_of(c->resources[origin->resource].uri);
    char *uri = uri_resolve(base, text);
    struct resource *own = &c->resources[origin->resource];
    if (node == own->node) { /* the document's root */
        free(own->uri);
        own->uri = uri;
        return ERR_OK;
    }
    struct resource resource = {uri, node, own->reading};
    reading_named(c, origin->json, &resource.reading);
    origin->resource = resource_add(c, resource);
    return ERR_OK;
}

static bool anchor_spelled(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char ch = name.ptr[i];
        bool first = ascii_letter(ch) || ch == '_';
        if (!first && (i == 0 || (!ascii_digit(ch) && ch != '-' && ch != '.')))
            return false;
    }
    return name.len > 0;
}

static enum error_code note_anchor(struct compiler *c, uint32_t node, enum keyword keyword)
{
    const struct origin *origin = &c->contract->origins[node];
    const json_t *anchor = json_object_get(origin->json, keyword_rows[keyword].spelling);
    if (!anchor || !keyword_in_force(reading_of(c, node), keyword))
        return ERR_OK;
    if (!json_is_string(anchor) || !anchor_spelled(string_of(anchor)))
        return refuse_at(c, ERR_INPUT, node, keyword,
                         "expected a name of letters, digits, \"-\", \"_\" and \".\"");
    anchor_add(c, (struct anchor){origin->resource, string_of(anchor), node,
                                  keyword == KW_DYNAMIC_ANCHOR});
    return ERR_OK;
}

/* At the root of a resource alone: an anchor without a name. */
static void note_recursive_anchor(struct compiler *c, uint32_t node)
{
    const struct origin *origin = &c->contract->origins[node];
    const json_t *anchor =
        json_object_get(origin->json, keyword_rows[KW_RECURSIVE_ANCHOR].spelling);
    if (json_is_true(anchor) && keyword_in_force(reading_of(c, node), KW_RECURSIVE_ANCHOR) &&
        c->resources[origin->resource].node == node)
        anchor_add(c, (struct anchor){origin->resource, {"", 0}, node, true});
}

static enum error_code note_names(struct compiler *c, uint32_t node)
{
    const json_t *json = c->contract->origins[node].json;
    if (reading_of(c, node)->dialect == DIALECT_DRAFT_07 &&
        json_object_get(json, keyword_rows[KW_REF].spelling))
        return ERR_OK; /* beside a $ref, draft-07 has nothing */
    enum error_code code = note_id(c, node);
    if (!code)
        code = note_anchor(c, node, KW_ANCHOR);
    if (!code)
        code = note_anchor(c, node, KW_DYNAMIC_ANCHOR);
    if (!code)
        note_recursive_anchor(c, node);
    return code;
}

static enum error_code survey_node(struct compiler *c, struct origin origin, int depth,
                                   bool unnamed, uint32_t *ret_node);

static enum error_code survey_below(struct compiler *c, struct origin below, const json_t *json,
                                    int depth, bool unnamed)
{
    uint32_t ignored;
    below.json = json;
    return json_is_object(json) ? survey_node(c, below, depth + 1, unnamed, &ignored) : ERR_OK;
}

static enum error_code survey_value(struct compiler *c, struct origin below, enum holds holds,
                                    int depth, bool unnamed)
{
    const json_t *value = below.json;
    enum error_code code = ERR_OK;
    struct entry e;
    bool list = json_is_array(value) && (holds == HOLDS_LIST || holds == HOLDS_ONE_OR_LIST);
    bool map = json_is_object(value) && (holds == HOLDS_MAP || holds == HOLDS_MAP_OR_NAMES);
    if (list) {
        below.indexed = true;
        for (size_t i = 0; i < json_array_size(value) && !code; i++) {
            below.index = (uint32_t)i;
            code = survey_below(c, below, json_array_get(value, i), depth, unnamed);
        }
    } else if (map) {
        below.named = true;
        for (bool more = entry_first(value, &e); more && !code; more = entry_next(value, &e)) {
            below.name = e.key;
            code = survey_below(c, below, e.value, depth, unnamed);
        }
    } else if (holds == HOLDS_SCHEMA || holds == HOLDS_ONE_OR_LIST) {
        code = survey_below(c, below, value, depth, unnamed);
    }
    return code;
}

static enum error_code survey_node(struct compiler *c, struct origin origin, int depth,
                                   bool unnamed, uint32_t *ret_node)
{
    if (spot_find(c, origin.json, ret_node))
        return ERR_OK;
    uint32_t node;
    enum error_code code = node_add(c, origin, &node);
    if (code)
        return code;
    *ret_node = node;
    if (depth > LIMIT_DEPTH)
        return refuse_at(c, ERR_LIMIT, node, KW_COUNT, "subschemas nested deeper than %d",
                         LIMIT_DEPTH);
    if (!json_is_object(origin.json))
        return ERR_OK;
    spot_add(c, origin.json, node);
    if (!unnamed)
        code = note_names(c, node);
    struct entry e;
    for (bool more = entry_first(origin.json, &e); more && !code;
         more = entry_next(origin.json, &e)) {
        enum keyword k = keyword_find(e.key);
        if (k == KW_COUNT || keyword_rows[k].holds == HOLDS_NOTHING ||
            !keyword_in_force(reading_of(c, node), k))
            continue;
        struct origin below = {.json = e.value,
                               .parent = node,
                               .resource = c->contract->origins[node].resource,
                               .keyword = (uint16_t)k};
        code = survey_value(c, below, keyword_rows[k].holds, depth, unnamed);
    }
    return code;
}

enum error_code survey_unnamed(struct compiler *c, struct origin origin, uint32_t *ret_node)
{
    return survey_node(c, origin, 0, true, ret_node);
}

enum error_code child_node(struct compiler *c, struct origin origin, uint32_t *ret_node)
{
    origin.parent = c->node;
    origin.resource = c->contract->origins[c->node].resource;
    if (spot_find(c, origin.json, ret_node))
        return ERR_OK;
    return node_add(c, origin, ret_node);
}

static int compare_anchors(const void *left, const void *right)
{
    const struct anchor *a = left, *b = right;
    if (a->resource != b->resource)
        return a->resource < b->resource ? -1 : 1;
    if (a->name.len != b->name.len)
        return a->name.len < b->name.len ? -1 : 1;
    return a->name.len ? memcmp(a->name.ptr, b->name.ptr, a->name.len) : 0;
}

const struct anchor *anchor_find(const struct compiler *c, uint32_t resource, struct slice name)
{
    struct anchor key = {.resource = resource, .name = name};
    if (c->anchor_count == 0)
        return NULL;
    return bsearch(&key, c->anchors, c->anchor_count, sizeof(key), compare_anchors);
}

bool resource_find(const struct compiler *c, const char *uri, uint32_t *ret_resource)
{
    const json_t *index = json_object_get(c->by_uri, uri);
    if (index)
        *ret_resource = (uint32_t)json_integer_value(index);
    return index != NULL;
}

/* What the registry has under the URI of a resource must be that resource, or equal. */
static enum error_code check_rivals(struct compiler *c, const struct resource *own)
{
    const struct registry *registry = c->options->registry;
    const json_t *json = c->contract->origins[own->node].json;
    const struct registered *same = registry_find(registry, own->uri);
    if (same && (same->schema == json || contract_equal(same->schema, json)))
        same = registry_rival(registry, same);
    return !same
               ? ERR_OK
               : refuse_at(c, ERR_INPUT, own->node, KW_ID,
                           "the registry has another schema with the $id \"%s\", in \"%s\"; every "
                           "$id must be its own",
                           own->uri, registered_from(registry, same));
}

/* Two equal schemas of two documents may share a URI: a bundle holds what it was made of. */
static enum error_code index_resource(struct compiler *c, uint32_t resource, uint32_t first)
{
    const struct origin *origins = c->contract->origins;
    const struct resource *own = &c->resources[resource];
    uint32_t other;
    if (!resource_find(c, own->uri, &other)) {
        json_object_set_new(c->by_uri, own->uri, json_integer(resource));
        return check_rivals(c, own);
    }
    const struct resource *taken = &c->resources[other];
    if (other < first && contract_equal(origins[taken->node].json, origins[own->node].json))
        return ERR_OK;
    AUTO(text_done) struct text place;
    text_init(&place, ERROR_TEXT_SIZE);
    origin_pointer(c->contract, taken->node, NO_NODE, &place);
    return refuse_at(c, ERR_INPUT, own->node, KW_ID,
                     "a second schema with the $id \"%s\", the first is at \"%s\"; every $id must "
                     "be its own",
                     own->uri, text_str(&place));
}

/* Sorts the anchors of a document, which are behind those of the documents before it. */
static enum error_code sort_anchors(struct compiler *c, size_t first)
{
    if (c->anchor_count - first > 1)
        qsort(c->anchors + first, c->anchor_count - first, sizeof(c->anchors[0]), compare_anchors);
    for (size_t i = first + 1; i < c->anchor_count; i++) {
        const struct anchor *a = &c->anchors[i];
        if (compare_anchors(a - 1, a) == 0 && a[-1].node != a->node)
            return refuse_at(c, ERR_INPUT, a->node, a->dynamic ? KW_DYNAMIC_ANCHOR : KW_ANCHOR,
                             "a second anchor named \"%.*s\"", (int)a->name.len, a->name.ptr);
    }
    return ERR_OK;
}

static struct slice document_name(struct compiler *c, const char *uri)
{
    size_t length = strlen(uri);
    char *name = block_alloc(c->contract, length + 2);
    memcpy(name, uri, length);
    name[length] = '#';
    return (struct slice){name, length + 1};
}

enum error_code survey_document(struct compiler *c, const json_t *json, const char *uri,
                                struct reading reading, uint32_t *ret_resource)
{
    uint32_t root = (uint32_t)c->contract->node_count;
    size_t first_anchor = c->anchor_count;
    if (spot_find(c, json, &root)) {
        *ret_resource = c->contract->origins[root].resource;
        return ERR_OK;
    }
    reading_named(c, json, &reading);
    uint32_t first = resource_add(c, (struct resource){xstrdup(uri), root, reading});
    struct origin origin = {
        .json = json, .parent = NO_NODE, .keyword = KW_COUNT, .resource = first};
    if (first > 0)
        origin.name = document_name(c, uri);
    enum error_code code = survey_node(c, origin, 0, false, &root);
    if (!code)
        code = sort_anchors(c, first_anchor);
    for (uint32_t i = first; i < c->resource_count && !code; i++)
        code = index_resource(c, i, first);
    *ret_resource = first;
    return code;
}
