/* SPDX-License-Identifier: Apache-2.0
 *
 * A schema of a flow with the files that it refers to, as one compound document. A $ref to a file
 * is relative to the file it stands in and stays inside the flow's folder, symbolic links included.
 * Each file becomes an embedded resource with an $id of ours, and references between files are
 * rewritten to those; references within a file need no change, and files may refer to each other in
 * a circle, as JSON Schema allows. Nothing is fetched from anywhere else.
 */
#include "flow/flow_internal.h"

#include <stdlib.h>
#include <string.h>

#define FILE_URI "seam-file:///"
#define FLOW_URI "seam-flow:///flow"

/* A file of the bundle; the first stands for the flow's own schema. */
struct part {
    char *relative; /* its name; NULL of the outermost flow */
    char *uri;
    struct document *document; /* NULL of the first                    */
    char *old_id;              /* the $id that the file gave itself    */
    json_t *schema;            /* a copy, rewritten                    */
};

struct bundle {
    struct compilation *c;
    const char *pointer; /* of the flow's schema */
    struct part *parts;
    size_t count;
    bool refused;
};

/* ---- Files ---- */

static struct spot spot_in(const struct part *part, const char *pointer)
{
    return (struct spot){.pointer = pointer, .document = part->document};
}

#define REFUSE_REF(b, part, pointer, rule, hint, ...)                                              \
    do {                                                                                           \
        (b)->refused = true;                                                                       \
        REFUSE((b)->c, rule, spot_in(part, pointer), hint, __VA_ARGS__);                           \
    } while (0)

/* The `$id` of a file, which ours replaces. */
static char *take_id(json_t *schema)
{
    const char *id = json_string_value(json_object_get(schema, "$id"));
    if (!id || id[0] == '#')
        return NULL;
    char *old = xstrndup(id, strcspn(id, "#"));
    return old;
}

/* A schema that is one of the two booleans cannot hold an $id. */
static json_t *schema_copy(const json_t *schema)
{
    if (json_is_object(schema))
        return json_deep_copy(schema);
    return json_is_true(schema) ? json_object() : json_pack("{s:{}}", "not");
}

static size_t part_add(struct bundle *b, char *relative, char *uri, struct document *document,
                       const json_t *schema)
{
    json_t *copy = schema_copy(schema);
    char *old_id = take_id(copy);
    json_object_set_new(copy, "$id", json_string(uri));
    b->parts[b->count] = (struct part){relative, uri, document, old_id, copy};
    return b->count++;
}

/* The file, read from the flow's folder and from nowhere else. */
static bool load_part(struct bundle *b, const struct part *from, const char *pointer,
                      const char *relative, const char *shown, struct document **ret_document)
{
    struct error error;
    enum error_code code = folder_open(b->c->family, relative, shown, ret_document, &error);
    if (code == ERR_OK)
        return true;
    b->refused = true;
    if (code == ERR_DENIED)
        REFUSE_REF(b, from, pointer, "ref-outside", "copy the file into the flow's folder", "%s",
                   error.text);
    else if (!finding_add_unread(b->c->findings, shown, &error))
        REFUSE_REF(b, from, pointer, "ref-not-found", NULL, "%s", error.text);
    return false;
}

static bool open_part(struct bundle *b, const struct part *from, const char *pointer,
                      const char *relative, struct document **ret_document)
{
    AUTO(freep) char *shown = folder_shown(b->c->family, relative);
    if (!load_part(b, from, pointer, relative, shown, ret_document))
        return false;
    const json_t *root = document_root(*ret_document);
    if (json_is_object(root) || json_is_boolean(root))
        return true;
    AUTO(freep) char *found = value_words(root);
    document_free(*ret_document);
    REFUSE_REF(b, from, pointer, "bad-schema-file", NULL,
               "%s: expected a JSON Schema, an object or a boolean, found %s", shown, found);
    return false;
}

/* The part that is that file, opened if it is new; NULL after a finding. Takes relative over. */
static const struct part *part_of(struct bundle *b, size_t from, const char *pointer,
                                  char *relative)
{
    struct document *document;
    for (size_t i = 1; i < b->count; i++)
        if (strcmp(b->parts[i].relative, relative) == 0) {
            free(relative);
            return &b->parts[i];
        }
    if (b->count > LIMIT_SCHEMA_FILES) {
        REFUSE_REF(b, &b->parts[from], pointer, "too-many-files", "put schemas together",
                   "more than %d files of schemas (LIMIT_SCHEMA_FILES)", LIMIT_SCHEMA_FILES);
        free(relative);
        return NULL;
    }
    if (!open_part(b, &b->parts[from], pointer, relative, &document)) {
        free(relative);
        return NULL;
    }
    char *uri = xasprintf(FILE_URI "%s", relative);
    return &b->parts[part_add(b, relative, uri, document, document_root(document))];
}

/* ---- References ---- */

static bool has_scheme(const char *reference)
{
    size_t length =
        strspn(reference, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                          "+.-");
    return length > 0 && reference[length] == ':';
}

/* Characters that stand for themselves in a URI and in a file's name. */
static bool is_plain_path(struct slice path)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "._-~/";
    for (size_t i = 0; i < path.len; i++)
        if (!path.ptr[i] || !strchr(plain, path.ptr[i]))
            return false;
    return path.len > 0;
}

/* What stands for a reference now; NULL = it stays as it is. The caller frees. */
static char *rewritten(struct bundle *b, size_t from, const char *reference, const char *pointer)
{
    const struct part *part = &b->parts[from];
    size_t length = strcspn(reference, "#");
    struct slice path = {reference, length};
    if (length == 0)
        return NULL;
    if (part->old_id && slice_is(path, part->old_id))
        return xasprintf("%s%s", part->uri, reference + length);
    if (has_scheme(reference))
        return NULL;
    if (b->c->plan_step) {
        REFUSE_REF(b, part, pointer, "ref-outside", "write the schema out",
                   "a plan has no folder, so its schemas refer to no files");
        return NULL;
    }
    if (reference[0] == '/') {
        REFUSE_REF(b, part, pointer, "ref-outside", "name it relative to this file",
                   "a $ref is relative to its file, and \"%.200s\" is not", reference);
        return NULL;
    }
    if (!is_plain_path(path)) {
        REFUSE_REF(b, part, pointer, "bad-ref", "rename the file to letters, digits, . _ - and ~",
                   "\"%.200s\" has characters that a $ref to a file cannot have", reference);
        return NULL;
    }
    if (!b->c->options->files && !folder_find(b->c->family)) {
        REFUSE_REF(b, part, pointer, "ref-not-found", NULL, "the flow's folder cannot be found");
        return NULL;
    }
    char *relative = folder_join(part->relative, path);
    if (!relative) {
        REFUSE_REF(b, part, pointer, "ref-outside", "copy the file into the flow's folder",
                   "\"%.200s\" leaves the folder of the flow", reference);
        return NULL;
    }
    const struct part *target = part_of(b, from, pointer, relative);
    return target ? xasprintf("%s%s", target->uri, reference + length) : NULL;
}

enum holds { HOLDS_SCHEMA = 1, HOLDS_LIST = 2, HOLDS_NAMED = 4 };

/* The keywords that hold schemas; what is under any other is data. */
static const struct {
    const char *name;
    unsigned holds;
} keywords[] = {
    {"additionalItems", HOLDS_SCHEMA},
    {"additionalProperties", HOLDS_SCHEMA},
    {"contains", HOLDS_SCHEMA},
    {"contentSchema", HOLDS_SCHEMA},
    {"else", HOLDS_SCHEMA},
    {"if", HOLDS_SCHEMA},
    {"items", HOLDS_SCHEMA | HOLDS_LIST},
    {"not", HOLDS_SCHEMA},
    {"propertyNames", HOLDS_SCHEMA},
    {"then", HOLDS_SCHEMA},
    {"unevaluatedItems", HOLDS_SCHEMA},
    {"unevaluatedProperties", HOLDS_SCHEMA},
    {"allOf", HOLDS_LIST},
    {"anyOf", HOLDS_LIST},
    {"oneOf", HOLDS_LIST},
    {"prefixItems", HOLDS_LIST},
    {"$defs", HOLDS_NAMED},
    {"definitions", HOLDS_NAMED},
    {"dependencies", HOLDS_NAMED},
    {"dependentSchemas", HOLDS_NAMED},
    {"patternProperties", HOLDS_NAMED},
    {"properties", HOLDS_NAMED},
};

static void rewrite(struct bundle *b, size_t part, json_t *schema, const char *pointer);

static void rewrite_reference(struct bundle *b, size_t part, json_t *schema, const char *keyword,
                              const char *pointer)
{
    const char *reference = json_string_value(json_object_get(schema, keyword));
    AUTO(freep) char *at = pointer_to_member(pointer, keyword);
    AUTO(freep) char *instead = reference ? rewritten(b, part, reference, at) : NULL;
    if (instead)
        json_object_set_new(schema, keyword, json_string(instead));
}

static void rewrite_below(struct bundle *b, size_t part, json_t *value, unsigned holds,
                          const char *pointer)
{
    const char *name;
    size_t i;
    json_t *below;
    if (json_is_array(value) && (holds & HOLDS_LIST))
        json_array_foreach (value, i, below) {
            AUTO(freep) char *at = pointer_to_item(pointer, i);
            rewrite(b, part, below, at);
        }
    else if (json_is_object(value) && (holds & HOLDS_NAMED))
        json_object_foreach (value, name, below) {
            AUTO(freep) char *at = pointer_to_member(pointer, name);
            rewrite(b, part, below, at);
        }
    else if (holds & HOLDS_SCHEMA)
        rewrite(b, part, value, pointer);
}

/* Rewrites a schema and those in it; the depth is that of a document. A schema with an $id of its
 * own speaks of other places than files. */
static void rewrite(struct bundle *b, size_t part, json_t *schema, const char *pointer)
{
    const char *id = json_string_value(json_object_get(schema, "$id"));
    if (!json_is_object(schema) || (id && id[0] != '#' && schema != b->parts[part].schema))
        return;
    rewrite_reference(b, part, schema, "$ref", pointer);
    rewrite_reference(b, part, schema, "$dynamicRef", pointer);
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        json_t *value = json_object_get(schema, keywords[i].name);
        AUTO(freep) char *at = pointer_to_member(pointer, keywords[i].name);
        if (value)
            rewrite_below(b, part, value, keywords[i].holds, at);
    }
}

/* ---- Compiling ---- */

/* The compound document: the flow's schema is what it refers to. */
static json_t *compound(const struct bundle *b)
{
    json_t *parts = json_object();
    for (size_t i = 0; i < b->count; i++)
        json_object_set(parts, i ? b->parts[i].relative : "", b->parts[i].schema);
    return json_pack("{s:s, s:o}", "$ref", FLOW_URI, "$defs", parts);
}

/* Sets the place of a pointer into the compound document; the text it points into is freed by the
 * caller. */
static char *place_in(const struct bundle *b, const char *named, struct spot *ret_spot)
{
    char *whole = xasprintf("%s%s", b->pointer, named);
    *ret_spot = AT(whole);
    for (size_t i = 0; i < b->count && b->count > 1; i++) {
        AUTO(freep) char *head = pointer_to_member("/$defs", i ? b->parts[i].relative : "");
        size_t length = strlen(head);
        if (strncmp(named, head, length) != 0 || (named[length] != '/' && named[length] != '\0'))
            continue;
        free(whole);
        whole = xasprintf("%s%s", i ? "" : b->pointer, named + length);
        *ret_spot = (struct spot){.pointer = whole, .document = b->parts[i].document};
    }
    return whole;
}

/* Says what the contract room found, at the keyword that it names: `schema at "/…": text`. */
static void refuse_schema(struct bundle *b, const struct error *error)
{
    static const char before[] = "schema at \"", behind[] = "\": ";
    struct spot spot = AT(b->pointer);
    AUTO(freep) char *whole = NULL;
    const char *text = error->text;
    const char *end = strstr(text, behind);
    if (end && strncmp(text, before, strlen(before)) == 0) {
        const char *from = text + strlen(before);
        AUTO(freep) char *named = xstrndup(from, (size_t)(end - from));
        whole = place_in(b, named, &spot);
        text = end + strlen(behind);
    }
    REFUSE(b->c, "bad-schema", spot, NULL, "%s", text);
}

static void pin_parts(struct bundle *b)
{
    for (size_t i = 1; i < b->count; i++) {
        folder_keep(b->c->family, b->parts[i].relative, b->parts[i].document);
        pins_add(&b->c->pins, b->parts[i].relative, digest_of(document_text(b->parts[i].document)));
    }
}

static void bundle_done(struct bundle *b)
{
    for (size_t i = 0; i < b->count; i++) {
        free(b->parts[i].relative);
        free(b->parts[i].uri);
        free(b->parts[i].old_id);
        document_free(b->parts[i].document);
        json_decref(b->parts[i].schema);
    }
    free(b->parts);
}

struct contract *flow_read_schema(struct compilation *c, const json_t *schema, const char *pointer)
{
    struct bundle b = {.c = c, .pointer = pointer};
    struct contract *contract = NULL;
    struct error error;
    if (!json_is_object(schema) && !json_is_boolean(schema))
        return NULL;
    b.parts = xcalloc(1 + LIMIT_SCHEMA_FILES, sizeof(*b.parts)); /* they stay where they are */
    char *own = c->relative ? xstrdup(c->relative) : NULL;
    part_add(&b, own, xstrdup(FLOW_URI), NULL, schema);
    rewrite(&b, 0, b.parts[0].schema, pointer);
    for (size_t i = 1; i < b.count; i++)
        rewrite(&b, i, b.parts[i].schema, "");
    AUTO(json_decrefp) json_t *whole = b.count > 1 ? compound(&b) : json_incref((json_t *)schema);
    if (!b.refused && contract_compile(whole, NULL, &contract, &error))
        refuse_schema(&b, &error);
    pin_parts(&b);
    bundle_done(&b);
    return contract;
}
