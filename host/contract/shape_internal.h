/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of shapes share. Schemas here are written in a small, plain 2020-12: no $id, no
 * anchor, no other dialect; a $ref is always "#/$defs/NAME" with a NAME that `struct shapes` keeps.
 * shape_translate.c turns a contract into that, so that all that looks at a schema has one spelling
 * to read.
 * To look into a schema is to *expand* it: into branches, of which a value satisfies one at least.
 * A branch is a list of parts, all of which that value satisfies, and of a part only the keywords
 * that stand in it are read: $ref, allOf, anyOf, oneOf and if have become parts and branches. What
 * is too much is left out, which only allows more.
 */
#ifndef CONTRACT_SHAPE_INTERNAL_H
#define CONTRACT_SHAPE_INTERNAL_H

#include "base/map.h"
#include "contract/program_internal.h"
#include "contract/shape.h"

#include <stdint.h>

enum {
    SHAPE_BRANCHES = 64,   /* of one schema                             */
    SHAPE_PARTS = 24,      /* of one branch                             */
    SHAPE_VALUES = 256,    /* of a finite set                           */
    SHAPE_NODES = 20000,   /* JSON values that a schema is written with */
    SHAPE_WORK = 10000000, /* steps of looking, until more is allowed   */
    SHAPE_DEPTH = 110,     /* of those values; below LIMIT_DEPTH         */
};

struct shapes {
    json_t *defs; /* name → schema, immutable once there */
    struct known {
        struct contract *contract;
        json_t *schema;
    } * known;
    size_t count, room;
    struct looking *looking;
};

/* What changes while shapes are looked at, which nothing that is seen depends on. */
struct looking {
    size_t work;         /* what is left of it */
    struct map patterns; /* pattern → regex    */
    struct regex **regexes;
    size_t regex_count;
};

struct branch_parts {
    const json_t *parts[SHAPE_PARTS];
    size_t count;
    unsigned types; /* that all parts allow */
};

struct expansion {
    struct branch_parts *list;
    size_t count;
};

/* ---- shape_schema.c: new references, of schemas that may share parts ---- */

json_t *schema_keep(const json_t *schema); /* one more reference */
json_t *schema_of_types(unsigned types);
json_t *schema_both(const json_t *a, const json_t *b);
/* Whether its const or enum has the value. */
bool schema_lists(const json_t *schema, const json_t *value);
/* Whether it says of types alone, and which. */
bool schema_is_types(const json_t *schema, unsigned *ret_types);
/* Whether it is written with no more JSON values than that, and not too deep. */
bool schema_fits(const json_t *schema, size_t most);
/* The schema, or `true` if it is too large to be carried on. Takes it. */
json_t *schema_bounded(json_t *schema_taken);
/* `type` of a schema as bits; all of them where it is not there. */
unsigned type_bits(const json_t *type);
unsigned value_bit(const json_t *value);
/* The values of const or enum, borrowed: an array, or NULL; *ret_one for a const. */
const json_t *schema_values(const json_t *schema, const json_t **ret_one);

/* ---- shape_look.c ---- */

/* What all of them allow; where some are nothing but types, no more is written than is needed. */
json_t *schema_meet(struct shapes *shapes, json_t *list_taken);

/* What of a schema is of these types. */
json_t *schema_among(struct shapes *shapes, const json_t *schema, unsigned types);

/* ---- shape_translate.c ---- */

/* The contract in the plain spelling, its targets of references in shapes->defs; a new reference.
 * `true` where it cannot be said. */
json_t *contract_translate(struct shapes *shapes, const struct contract *contract);

/* ---- shape_expand.c ---- */

void expand_schema(const struct shapes *shapes, const json_t *schema, struct expansion *ret);
void expansion_done(struct expansion *expansion);
/* Pays for work; what is not paid for is not done. */
void shapes_pay(const struct shapes *shapes, size_t cost);
/* NULL: there is none of that name. */
const json_t *reference_target(const struct shapes *shapes, const json_t *reference);
/* Whether the schema says that it is not this value, in so many words. */
bool schema_excludes(const json_t *schema, const json_t *value);
/* The types that a schema allows. */
unsigned schema_types(const struct shapes *shapes, const json_t *schema);

#endif
