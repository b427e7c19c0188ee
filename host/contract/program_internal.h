/* SPDX-License-Identifier: Apache-2.0
 *
 * The program that a schema becomes. A *node* is a subschema: a run of instructions (*ops*) in one
 * flat array, each guarded by the types of value it says anything about; a value fits the node if
 * every op holds. An op refers to other nodes by index. What only messages need (where a node
 * stands in the document) is kept apart, in `origins`. Nothing changes once compiling is over.
 */
#ifndef CONTRACT_PROGRAM_INTERNAL_H
#define CONTRACT_PROGRAM_INTERNAL_H

#include "contract/contract.h"
#include "contract/equal_internal.h"
#include "contract/formats_internal.h"
#include "contract/keywords_internal.h"
#include "contract/names_internal.h"
#include "contract/number_internal.h"
#include "contract/regex_internal.h"

#define NO_NODE UINT32_MAX

enum op_code {
    OP_NEVER, /* the schema `false` */
    OP_TYPE,
    OP_CONST,
    OP_ENUM,
    OP_ENUM_STRINGS, /* an enum of strings alone */
    OP_MINIMUM,
    OP_EXCLUSIVE_MINIMUM,
    OP_MAXIMUM,
    OP_EXCLUSIVE_MAXIMUM,
    OP_MULTIPLE_OF,
    OP_MIN_LENGTH,
    OP_MAX_LENGTH,
    OP_FORMAT,
    OP_PATTERN,
    OP_MIN_ITEMS,
    OP_MAX_ITEMS,
    OP_UNIQUE_ITEMS,
    OP_ITEMS, /* prefixItems and items, in either dialect's spelling */
    OP_CONTAINS,
    OP_MIN_PROPERTIES,
    OP_MAX_PROPERTIES,
    OP_OBJECT, /* required, properties, patternProperties, additionalProperties, propertyNames */
    OP_DEPENDENT_REQUIRED,
    OP_DEPENDENT_SCHEMA,
    OP_REF,
    OP_DYNAMIC_REF,
    OP_ALL_OF,
    OP_ANY_OF,
    OP_ONE_OF,
    OP_NOT,
    OP_IF,
    OP_UNEVALUATED_ITEMS,
    OP_UNEVALUATED_PROPERTIES,
};

/* One bit for each type of jansson's. */
#define TYPE_BIT(type) (1u << (type))
enum {
    TYPES_NUMBER = TYPE_BIT(JSON_INTEGER) | TYPE_BIT(JSON_REAL),
    TYPES_STRING = TYPE_BIT(JSON_STRING),
    TYPES_ARRAY = TYPE_BIT(JSON_ARRAY),
    TYPES_OBJECT = TYPE_BIT(JSON_OBJECT),
    TYPES_ALL = 0xFF,
};

/* A property's pattern and what it asks of the values. */
struct pattern_rule {
    const struct regex *regex;
    uint32_t node;
};

struct object_rule {
    struct names names; /* of `properties` and of `required` */
    size_t required;    /* how many of them are required */
    const struct pattern_rule *patterns;
    size_t pattern_count;
    uint32_t rest;       /* additionalProperties, or NO_NODE */
    uint32_t names_node; /* propertyNames, or NO_NODE */
};

/* What the presence of one property asks of the whole object. */
struct dependent {
    struct slice name;
    const struct slice *needs;
    size_t need_count;
    uint32_t node;
};

/* A `$dynamicRef` whose target depends on the way here: the anchor's node in each resource. */
struct dynamic_ref {
    const struct dynamic_target {
        uint32_t resource, node;
    } * targets;
    size_t count;
    uint32_t otherwise;
};

struct op {
    uint8_t code;     /* enum op_code */
    uint8_t types;    /* that it says anything about */
    uint16_t keyword; /* enum keyword, for messages */
    uint32_t node;    /* that it came from, for messages */
    union {
        struct {
            uint8_t types;
            bool integral; /* a real without a fraction will do, though `types` has no reals */
        } type;
        struct number bound;
        const struct decimal *divisor;
        size_t count;
        const json_t *value;
        const struct value_set *set;
        const struct names *strings;
        const struct regex *regex;
        const struct format *format;
        const struct object_rule *object;
        const struct dependent *dependent;
        const struct dynamic_ref *dynamic;
        uint32_t child;
        struct {
            uint32_t first, count; /* in contract.children */
            uint32_t rest;         /* of OP_ITEMS: for the items behind the prefix, or NO_NODE */
        } children;
        struct {
            uint32_t child, min, max;
            bool evaluates; /* what it finds counts for unevaluatedItems */
        } contains;
        struct {
            uint32_t test, then, otherwise; /* the latter two, or NO_NODE */
        } condition;
    } as;
};

struct node {
    uint32_t first, count; /* in contract.ops                                              */
    uint8_t tracks;        /* types of which unevaluated… must know what was looked at     */
};

/* Where a node stands in the document. */
struct origin {
    const json_t *json;
    uint32_t parent;   /* NO_NODE at the root, and where the place is no schema's */
    uint32_t resource; /* whose $id is its base */
    uint16_t keyword;  /* of the parent, or KW_COUNT where `name` is a pointer from the root,
                          behind the URI and a # in another document than the contract's own */
    bool indexed;      /* `index` of the keyword's array */
    bool named;        /* `name` in the keyword's object */
    uint32_t index;
    struct slice name;
};

struct contract {
    int references;
    json_t *schema;
    uint32_t root;
    struct node *nodes;
    struct origin *origins;
    struct op *ops;
    uint32_t *children;
    struct regex **regexes;
    size_t node_count, op_count, child_count, regex_count;
    struct base {
        char *uri; /* of a schema with a `$id`, or a document's own */
        uint32_t node;
    } * bases; /* by origin.resource */
    size_t base_count;
    json_t **documents; /* of the registry, and meta-schemas, that nodes stand in */
    size_t document_count;
    struct fused *fused;  /* the same for yes or no alone; NULL if there is none */
    struct block *blocks; /* all else, see block_alloc */
};

/* Zeroed memory that lives as long as the contract. */
void *block_alloc(struct contract *contract, size_t size);

/* Appends the JSON Pointer of a node as it stands below another (NO_NODE: below the root). */
void origin_pointer(const struct contract *contract, uint32_t node, uint32_t below,
                    struct text *out);
/* "/" and the token, with ~ and / escaped. */
void pointer_add(struct text *out, struct slice token);

/* Appends a value as JSON, on one line, shortened to a few dozen bytes; a name in quotes likewise.
 */
void value_show(struct text *out, const json_t *value);
void name_show(struct text *out, struct slice name);
/* "string, number or null", of the bits of jansson's types. */
void types_show(struct text *out, unsigned types);

#endif
