/* SPDX-License-Identifier: Apache-2.0
 *
 * What the evaluate_ functions share. An evaluation reads the scope and the tree, which are
 * immutable, and its own small state; it changes nothing else. Values are shared by counting
 * references: only a container that the same function has just made may be changed. All work is
 * paid for before it is done, so that no expression and no value makes an evaluation long.
 */
#ifndef MAPPING_EVALUATE_INTERNAL_H
#define MAPPING_EVALUATE_INTERNAL_H

#include "mapping/mapping_internal.h"

struct evaluation {
    const struct scope *scope;
    size_t work; /* what is left of LIMIT_EXPRESSION_WORK */
    struct error *reterr;
};

/* ---- evaluate.c ---- */

WARN_UNUSED enum error_code evaluate_node(struct evaluation *e, const struct node *node,
                                          const json_t *dot, json_t **ret_value);
/* Pays for touching that many values. */
WARN_UNUSED enum error_code spend(struct evaluation *e, size_t values);
/* Pays for touching the value alone: a long string counts as several. */
WARN_UNUSED enum error_code spend_on(struct evaluation *e, const json_t *value);
/* Pays for comparing, hashing or copying that many bytes. */
WARN_UNUSED enum error_code spend_on_bytes(struct evaluation *e, size_t length);
WARN_UNUSED enum error_code spend_on_keys(struct evaluation *e, const json_t *object);
/* Pays for all of a result, which bounds its size, and refuses one nested over LIMIT_DEPTH, which
 * nobody could read back; depth is 0. */
WARN_UNUSED enum error_code admit_result(struct evaluation *e, const json_t *value, unsigned depth);
/* Bad input: "`<source of the node>`" and the rest of the sentence. */
enum error_code refuse_value(struct evaluation *e, const struct node *node, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* "a string", "null", … */
const char *kind_word(const json_t *value);
/* Neither null nor false. */
bool truthy(const json_t *value);
/* One more reference. The value is not changed; jansson counts references in it all the same. */
json_t *share(const json_t *value);
/* A string made of the text, or an error if it has overflowed. */
WARN_UNUSED enum error_code finish_text(struct evaluation *e, const struct node *node,
                                        const struct text *text, json_t **ret_value);
struct slice string_slice(const json_t *string);

/* The items of an array or the members' values of an object, in order. */
struct items {
    const json_t *container;
    void *iterator; /* of an object */
    size_t index;
};

struct items items_of(const json_t *container);
/* The same of the input of a function, which may be neither: then an error. */
WARN_UNUSED enum error_code items_begin(struct evaluation *e, const struct node *node,
                                        const json_t *value, struct items *ret_items);
const json_t *items_next(struct items *items); /* NULL at the end */

/* ---- arithmetic.c ---- */

/* a + b, for two values; what is refused is blamed on the node. */
WARN_UNUSED enum error_code add_values(struct evaluation *e, const struct node *node,
                                       const json_t *a, const json_t *b, json_t **ret_value);

/* ---- order.c ---- */

/* jq's order of all values: null false true numbers strings arrays objects. */
WARN_UNUSED enum error_code order_values(struct evaluation *e, const json_t *a, const json_t *b,
                                         int *ret_order);
WARN_UNUSED enum error_code equal_values(struct evaluation *e, const json_t *a, const json_t *b,
                                         bool *ret_equal);
/* Sorts borrowed values, equal ones in the order they had. */
WARN_UNUSED enum error_code sort_values(struct evaluation *e, const json_t **values, size_t count);
/* The keys of an object by code point: pointers into it, which the caller frees. */
const char **sorted_keys(const json_t *object);

/* ---- print.c ---- */

/* As `tostring` and \( ) write a value: a string as it is, all else as compact JSON. */
WARN_UNUSED enum error_code print_value(struct evaluation *e, const json_t *value,
                                        struct text *out);

/* ---- strings.c ---- */

WARN_UNUSED enum error_code split_string(struct evaluation *e, const struct node *node,
                                         const json_t *string, const json_t *separator,
                                         json_t **ret_value);
/* The byte at which a character (a code point) begins, counted from `from`; len at the end. */
size_t character_at(struct slice string, size_t character);
size_t character_count(struct slice string);

#endif
