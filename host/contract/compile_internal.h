/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of one compilation, shared by its steps: survey (which nodes, resources and anchors
 * there are), reference (what a `$ref` means), assertions and applicators (keywords to ops), and
 * loops (what would never end).
 */
#ifndef CONTRACT_COMPILE_INTERNAL_H
#define CONTRACT_COMPILE_INTERNAL_H

#include "contract/program_internal.h"

struct resource {
    char *uri; /* absolute where it can be, without a fragment */
    uint32_t node;
    enum dialect dialect;
};

struct anchor {
    uint32_t resource;
    struct slice name;
    uint32_t node;
    bool dynamic;
};

struct compiler {
    struct contract *contract;
    bool annotate_formats;
    struct error *reterr;

    struct resource *resources;
    size_t resource_count, resource_room;
    const struct resource **by_uri; /* sorted, once the survey is over */
    struct anchor *anchors;         /* sorted once the survey is over */
    size_t anchor_count, anchor_room;
    struct spot { /* JSON value → node; open addressing */
        const json_t *json;
        uint32_t node;
    } * spots;
    size_t spot_count, spot_room;
    size_t node_room, op_room, child_room, regex_room;

    /* the node in hand */
    uint32_t node;
    enum dialect dialect;
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

/* survey.c: finds all nodes below one, and unless it is `unnamed` its resources and anchors. */
WARN_UNUSED enum error_code survey(struct compiler *c, struct origin origin, bool unnamed,
                                   uint32_t *ret_node);
WARN_UNUSED enum error_code survey_finish(struct compiler *c);
/* The node of a schema in a keyword of the node in hand. */
WARN_UNUSED enum error_code child_node(struct compiler *c, struct origin origin,
                                       uint32_t *ret_node);
/* The dialect that a schema's own `$schema` names; false if it has none, or one not known. */
bool dialect_named(const json_t *schema, enum dialect *ret_dialect);
bool spot_find(const struct compiler *c, const json_t *json, uint32_t *ret_node);
const struct resource *resource_find(const struct compiler *c, const char *uri);

/* reference.c */
WARN_UNUSED enum error_code reference_resolve(struct compiler *c, enum keyword keyword,
                                              uint32_t *ret_node);
const struct anchor *anchor_find(const struct compiler *c, uint32_t resource, struct slice name);

/* uri.c: RFC 3986, section 5. The fragment is left out of the answer. */
char *uri_resolve(struct slice base, struct slice reference);
struct slice uri_fragment(struct slice uri, bool *ret_has);
bool percent_decode(struct slice s, struct text *out);

/* What a keyword becomes. */
typedef enum error_code emit_keyword(struct compiler *c, enum keyword keyword);
struct op *op_add(struct compiler *c, enum op_code code, enum keyword keyword, unsigned types);

emit_keyword emit_type, emit_const, emit_enum, emit_bound, emit_multiple_of, emit_count,
    emit_format, emit_pattern, emit_unique;
emit_keyword emit_object, emit_items, emit_contains, emit_dependent_required,
    emit_dependent_schemas, emit_dependencies, emit_ref, emit_dynamic_ref, emit_list, emit_not,
    emit_if, emit_unevaluated, emit_definitions, emit_content_schema, emit_unsupported;

WARN_UNUSED enum error_code names_check(struct compiler *c, enum keyword keyword,
                                        const json_t *list);
WARN_UNUSED enum error_code regex_add(struct compiler *c, enum keyword keyword, struct slice source,
                                      const struct regex **ret_regex);

/* loops.c: refuses references that come back to themselves without consuming the value. */
WARN_UNUSED enum error_code loops_check(struct compiler *c);

#endif
