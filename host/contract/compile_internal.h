/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of one compilation, shared by its steps: survey (which nodes, resources and anchors
 * there are), reference (what a `$ref` means), assertions and applicators (keywords to ops), and
 * loops (what would never end).
 */
#ifndef CONTRACT_COMPILE_INTERNAL_H
#define CONTRACT_COMPILE_INTERNAL_H

#include "contract/program_internal.h"
#include "contract/registry_internal.h"
#include "contract/uri_internal.h"

/* How the keywords of a resource are read. */
struct reading {
    enum dialect dialect;
    unsigned vocabularies; /* bits of enum vocabulary */
    bool asserts_formats;  /* whatever the options say */
};

struct resource {
    char *uri; /* absolute where it can be, without a fragment */
    uint32_t node;
    struct reading reading;
};

struct anchor {
    uint32_t resource;
    struct slice name;
    uint32_t node;
    bool dynamic;
};

struct compiler {
    struct contract *contract;
    const struct contract_options *options;
    struct error *reterr;

    struct resource *resources;
    size_t resource_count, resource_room;
    json_t *by_uri; /* URI → index of a resource; an object of jansson's, whose hash is seeded */
    struct anchor *anchors; /* sorted, once a document's survey is over */
    size_t anchor_count, anchor_room;
    struct awaiting { /* dynamic references, whose targets are known when all documents are */
        struct slice name;
        struct dynamic_ref *ref;
    } * awaiting;
    size_t awaiting_count, awaiting_room;
    struct spot { /* JSON value → node; open addressing */
        const json_t *json;
        uint32_t node;
    } * spots;
    size_t spot_count, spot_room;
    size_t node_room, op_room, child_room, regex_room, document_room;

    /* the node in hand */
    uint32_t node;
    struct reading reading;
    const json_t *values[KW_COUNT];
    bool did_object, did_items;
};

/* Doubles the room of a list that is full; keeps its address otherwise. */
void *grown(void *list, size_t count, size_t *room, size_t size);

/* An error at a keyword of the node in hand (KW_COUNT: at the node itself). */
WARN_UNUSED enum error_code refuse(struct compiler *c, enum keyword keyword, const char *format,
                                   ...) PRINTF_LIKE(3, 4);
/* As refuse, at another node and with the code given. */
WARN_UNUSED enum error_code refuse_at(struct compiler *c, enum error_code code, uint32_t node,
                                      enum keyword keyword, const char *format, ...)
    PRINTF_LIKE(5, 6);

/* survey.c: finds all nodes, resources and anchors of a document. Without a `$schema` it is read as
 * given. The first document is the contract's own, the others are named by their URI. */
WARN_UNUSED enum error_code survey_document(struct compiler *c, const json_t *json, const char *uri,
                                            struct reading reading, uint32_t *ret_resource);
/* Finds all nodes below one that no keyword holds; what names they have counts for nothing. */
WARN_UNUSED enum error_code survey_unnamed(struct compiler *c, struct origin origin,
                                           uint32_t *ret_node);
/* The node of a schema in a keyword of the node in hand. */
WARN_UNUSED enum error_code child_node(struct compiler *c, struct origin origin,
                                       uint32_t *ret_node);
bool spot_find(const struct compiler *c, const json_t *json, uint32_t *ret_node);
bool resource_find(const struct compiler *c, const char *uri, uint32_t *ret_resource);

/* vocabulary.c: how a schema is read that has this `$schema`. Else, the problem: in words. */
WARN_UNUSED bool reading_find(const struct compiler *c, const char *dialect,
                              struct reading *reading, struct error *ret_problem);
/* Whether the keyword means anything to a resource that is read so. */
bool keyword_in_force(const struct reading *reading, enum keyword keyword);

/* reference.c */
WARN_UNUSED enum error_code reference_resolve(struct compiler *c, enum keyword keyword,
                                              uint32_t *ret_node);
const struct anchor *anchor_find(const struct compiler *c, uint32_t resource, struct slice name);

/* What a keyword becomes. */
typedef enum error_code emit_keyword(struct compiler *c, enum keyword keyword);
struct op *op_add(struct compiler *c, enum op_code code, enum keyword keyword, unsigned types);

emit_keyword emit_type, emit_const, emit_enum, emit_bound, emit_multiple_of, emit_count,
    emit_format, emit_pattern, emit_unique;
emit_keyword emit_object, emit_items, emit_contains, emit_dependent_required,
    emit_dependent_schemas, emit_ref, emit_dynamic_ref, emit_recursive_ref, emit_list, emit_not,
    emit_if, emit_unevaluated, emit_definitions, emit_recursive_anchor;

WARN_UNUSED enum error_code names_check(struct compiler *c, enum keyword keyword,
                                        const json_t *list);
WARN_UNUSED enum error_code regex_add(struct compiler *c, enum keyword keyword, struct slice source,
                                      const struct regex **ret_regex);

/* dynamic.c: gives each dynamic reference its targets. */
WARN_UNUSED enum error_code dynamic_finish(struct compiler *c);

/* loops.c: refuses references that come back to themselves without consuming the value. */
WARN_UNUSED enum error_code loops_check(struct compiler *c);

#endif
