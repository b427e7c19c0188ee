/* SPDX-License-Identifier: Apache-2.0
 *
 * Shapes: what is known of a value before it exists. A shape is a schema and whether the value will
 * be there at all. The one rule: a shape never allows less than what can come. What is not
 * understood is allowed (the schema `true`), so what is proven of a shape is true of every value.
 * A schema here may refer into the contracts that it came from; those are kept by a `struct
 * shapes`, which all shapes of one check share and must not outlive.
 */
#ifndef CONTRACT_SHAPE_H
#define CONTRACT_SHAPE_H

#include "contract/contract.h"

enum presence {
    PRESENCE_ALWAYS,
    PRESENCE_MAYBE,
    PRESENCE_NEVER,
};

struct shape {
    json_t *schema; /* owned and immutable */
    enum presence presence;
};

struct shapes;

struct shapes *shapes_new(void);
void shapes_free(struct shapes *shapes);
void shapes_freep(struct shapes **shapes);

/* Looking is bounded in work, past which all shapes are anything. Allows as much again. */
void shapes_allow(struct shapes *shapes);
bool shapes_spent(const struct shapes *shapes);

void shape_done(struct shape *shape);
struct shape shape_copy(const struct shape *shape);

/* ---- Making ---- */

struct shape shape_any(void);
struct shape shape_never(void);
struct shape shape_of_types(unsigned types); /* bits 1 << json_type; `integer` is JSON_INTEGER */
struct shape shape_of_value(const json_t *value);
struct shape shape_of_schema(json_t *schema_taken); /* a schema that refers to nothing */
/* Any, or all, of the schemas in an array, of shapes of the same `shapes`; takes the array. */
json_t *schema_any(json_t *list_taken);
json_t *schema_all(json_t *list_taken);
/* What a contract lets through; NULL = anything. */
struct shape shape_of_contract(struct shapes *shapes, const struct contract *contract);
/* Either of two; what is there in both only is there always. */
struct shape shape_union(struct shapes *shapes, const struct shape *a, const struct shape *b);

/* What of the shape satisfies the schema too; `false` where that is seen to be nothing. The schema
 * refers to nothing, or is made of what other shapes of the same `shapes` have. */
struct shape shape_meet(struct shapes *shapes, const struct shape *a, const json_t *schema);

/* ---- Looking ---- */

/* The types that it may have: bits 1 << json_type, of which JSON_REAL and JSON_INTEGER are told
 * apart. Never too few. */
unsigned shape_types(struct shapes *shapes, const struct shape *shape);
/* The member of an object; NEVER where the schema allows none of that name. Of what is no object,
 * nothing: the caller looks at the types first. */
struct shape shape_member(struct shapes *shapes, const struct shape *shape, struct slice name);
/* The item at an index, from 0; or any of them. Presence is that of an item there. */
struct shape shape_item(struct shapes *shapes, const struct shape *shape, size_t index);
struct shape shape_items(struct shapes *shapes, const struct shape *shape);
/* How many items an array may have; *ret_most SIZE_MAX = no bound is known. */
void shape_item_counts(struct shapes *shapes, const struct shape *shape, size_t *ret_least,
                       size_t *ret_most);
/* Of the numbers among its values; least > most if there are none. */
struct shape_numbers {
    double least, most; /* infinite where no bound is known */
    bool integral;
};
struct shape_numbers shape_numbers(struct shapes *shapes, const struct shape *shape);
/* Of the strings (in characters), or the objects (in members), among its values. */
struct shape_sizes {
    size_t least, most; /* most SIZE_MAX = no bound is known */
};
struct shape_sizes shape_string_sizes(struct shapes *shapes, const struct shape *shape);
struct shape_sizes shape_object_sizes(struct shapes *shapes, const struct shape *shape);
/* A regex of the whole of each string among its values, without anchors, to be put in ( ) inside of
 * another; NULL if none is known. It matches all of them, and perhaps others. */
char *shape_string_body(struct shapes *shapes, const struct shape *shape);
/* The regex of that very text; false if it is not all of plain characters. */
bool shape_add_literal(struct text *out, struct slice literal);
/* All its values, if they are known to be no more than that: a new array; else NULL. */
json_t *shape_values(struct shapes *shapes, const struct shape *shape, size_t most);
/* The branches of a union of objects: an array of schemas, each value of the shape satisfies one at
 * least; NULL if it is no such union, or of more branches than `most`. They are of these shapes. */
json_t *shape_cases(struct shapes *shapes, const struct shape *shape, size_t most);
/* What is left when values of these types are taken away. */
struct shape shape_without(struct shapes *shapes, const struct shape *shape, unsigned types);
/* What is left when only values of these types stay. */
struct shape shape_of_types_among(struct shapes *shapes, const struct shape *shape, unsigned types);
/* The names that an object of the shape may have; false if there are others beside them. A new
 * array of strings. */
bool shape_names(struct shapes *shapes, const struct shape *shape, json_t **ret_names);

/* ---- Judging ---- */

/* The schema of the same meaning as shape_contract's, whole: a new reference, for messages. */
json_t *shape_document(struct shapes *shapes, const struct shape *shape);
/* The contract that lets through what the shape allows (and null, where it may be missing): the
 * left side of a comparison. */
WARN_UNUSED enum error_code shape_contract(struct shapes *shapes, const struct shape *shape,
                                           struct contract **ret_contract, struct error *reterr);

#endif
