/* SPDX-License-Identifier: Apache-2.0
 *
 * The one table of the expression language: every operator, function and form of syntax is a row
 * here and a function evaluate_<it> in the file of its family. Whatever else must be known of each
 * of them is a column, never a switch elsewhere.
 *
 *   id       names the row in code
 *   written  how an author writes it; functions and binary operators are looked up by this
 *   form     how it is written; the binary forms stand in the order of their precedence
 *   arity    arguments of a function
 *   kids     what `.` is in its parts: the same as outside, the part on the left, or each item
 *   boolean  gives a boolean, whatever it meets
 *   nests    levels of nesting that it may put around what it is given
 *   family   its evaluate_ function
 */
#ifndef MAPPING_OPERATIONS_INTERNAL_H
#define MAPPING_OPERATIONS_INTERNAL_H

#include "base/text.h"

#include <jansson.h>

#define OPERATIONS(X)                                                                              \
    X(PLACE, "${ }", FORM_SYNTAX, 0, KIDS_SAME, false, 0, place)                                   \
    X(LITERAL, "a literal", FORM_SYNTAX, 0, KIDS_SAME, false, 0, literal)                          \
    X(DOT, ".", FORM_SYNTAX, 0, KIDS_SAME, false, 0, dot)                                          \
    X(ROOT, ".input", FORM_SYNTAX, 0, KIDS_SAME, false, 0, root)                                   \
    X(STEP, ".steps.NAME", FORM_SYNTAX, 0, KIDS_SAME, false, 0, step)                              \
    X(PATH, ".name", FORM_SYNTAX, 0, KIDS_SAME, false, 0, path)                                    \
    X(INDEX, ".[ ]", FORM_SYNTAX, 0, KIDS_SAME, false, 0, index)                                   \
    X(SLICE, ".[ : ]", FORM_SYNTAX, 0, KIDS_SAME, false, 0, slice)                                 \
    X(ARRAY, "[ ]", FORM_SYNTAX, 0, KIDS_SAME, false, 1, array)                                    \
    X(OBJECT, "{ }", FORM_SYNTAX, 0, KIDS_SAME, false, 1, object)                                  \
    X(STRING, "\"\\( )\"", FORM_SYNTAX, 0, KIDS_SAME, false, 0, string)                            \
    X(IF, "if", FORM_SYNTAX, 0, KIDS_SAME, false, 0, if)                                           \
    X(NEGATE, "-", FORM_SYNTAX, 0, KIDS_SAME, false, 0, minus_sign)                                \
    X(PIPE, "|", FORM_PIPE, 0, KIDS_LEFT, false, 0, pipe)                                          \
    X(ALTERNATIVE, "//", FORM_ALTERNATIVE, 0, KIDS_SAME, false, 0, alternative)                    \
    X(OR, "or", FORM_OR, 0, KIDS_SAME, true, 0, disjunction)                                       \
    X(AND, "and", FORM_AND, 0, KIDS_SAME, true, 0, conjunction)                                    \
    X(EQUAL, "==", FORM_COMPARE, 0, KIDS_SAME, true, 0, equal)                                     \
    X(DIFFERENT, "!=", FORM_COMPARE, 0, KIDS_SAME, true, 0, different)                             \
    X(LESS, "<", FORM_COMPARE, 0, KIDS_SAME, true, 0, less)                                        \
    X(LESS_EQUAL, "<=", FORM_COMPARE, 0, KIDS_SAME, true, 0, less_equal)                           \
    X(MORE, ">", FORM_COMPARE, 0, KIDS_SAME, true, 0, more)                                        \
    X(MORE_EQUAL, ">=", FORM_COMPARE, 0, KIDS_SAME, true, 0, more_equal)                           \
    X(PLUS, "+", FORM_SUM, 0, KIDS_SAME, false, 0, plus)                                           \
    X(MINUS, "-", FORM_SUM, 0, KIDS_SAME, false, 0, minus)                                         \
    X(TIMES, "*", FORM_PRODUCT, 0, KIDS_SAME, false, 0, times)                                     \
    X(DIVIDE, "/", FORM_PRODUCT, 0, KIDS_SAME, false, 1, divide)                                   \
    X(MODULO, "%", FORM_PRODUCT, 0, KIDS_SAME, false, 0, modulo)                                   \
    X(ADD, "add", FORM_CALL, 0, KIDS_SAME, false, 0, add)                                          \
    X(ALL, "all", FORM_CALL, 0, KIDS_SAME, true, 0, all)                                           \
    X(ALL_OF, "all", FORM_CALL, 1, KIDS_ITEM, true, 0, all)                                        \
    X(ANY, "any", FORM_CALL, 0, KIDS_SAME, true, 0, any)                                           \
    X(ANY_OF, "any", FORM_CALL, 1, KIDS_ITEM, true, 0, any)                                        \
    X(CONTAINS, "contains", FORM_CALL, 1, KIDS_SAME, true, 0, contains)                            \
    X(ENDSWITH, "endswith", FORM_CALL, 1, KIDS_SAME, true, 0, endswith)                            \
    X(HAS, "has", FORM_CALL, 1, KIDS_SAME, true, 0, has)                                           \
    X(JOIN, "join", FORM_CALL, 1, KIDS_SAME, false, 0, join)                                       \
    X(KEYS, "keys", FORM_CALL, 0, KIDS_SAME, false, 1, keys)                                       \
    X(LENGTH, "length", FORM_CALL, 0, KIDS_SAME, false, 0, length)                                 \
    X(MAP, "map", FORM_CALL, 1, KIDS_ITEM, false, 1, map)                                          \
    X(MAX, "max", FORM_CALL, 0, KIDS_SAME, false, 0, max)                                          \
    X(MIN, "min", FORM_CALL, 0, KIDS_SAME, false, 0, min)                                          \
    X(NOT, "not", FORM_CALL, 0, KIDS_SAME, true, 0, negation)                                      \
    X(SELECT, "select", FORM_CALL, 1, KIDS_SAME, false, 0, select)                                 \
    X(SORT, "sort", FORM_CALL, 0, KIDS_SAME, false, 0, sort)                                       \
    X(SPLIT, "split", FORM_CALL, 1, KIDS_SAME, false, 1, split)                                    \
    X(STARTSWITH, "startswith", FORM_CALL, 1, KIDS_SAME, true, 0, startswith)                      \
    X(TONUMBER, "tonumber", FORM_CALL, 0, KIDS_SAME, false, 0, tonumber)                           \
    X(TOSTRING, "tostring", FORM_CALL, 0, KIDS_SAME, false, 0, tostring)                           \
    X(UNIQUE, "unique", FORM_CALL, 0, KIDS_SAME, false, 0, unique)

enum operation_id {
#define X(id, ...) OPERATION_##id,
    OPERATIONS(X)
#undef X
};

enum form {
    FORM_SYNTAX,
    FORM_CALL,
    FORM_PIPE, /* the binary forms, the loosest first */
    FORM_ALTERNATIVE,
    FORM_OR,
    FORM_AND,
    FORM_COMPARE,
    FORM_SUM,
    FORM_PRODUCT,
    FORM_TERM,
};

enum kids {
    KIDS_SAME,
    KIDS_LEFT,
    KIDS_ITEM,
};

struct node;
struct evaluation;

/* Sets *ret_value to a new reference; `dot` is the value of `.`, borrowed. NULL, with ERR_OK, is
 * what `select` gives for an item that it drops; only the ways from it to its `map` see it. */
typedef enum error_code evaluate_fn(struct evaluation *e, const struct node *node,
                                    const json_t *dot, json_t **ret_value);

struct operation {
    const char *written;
    enum form form;
    size_t arity;
    enum kids kids;
    bool boolean;
    unsigned nests;
    evaluate_fn *evaluate;
};

extern const struct operation operations[];

#define X(id, written, form, arity, kids, boolean, nests, family) evaluate_fn evaluate_##family;
OPERATIONS(X)
#undef X

/* The binary operator that is written so, of at least that precedence; false if there is none. */
bool operation_binary(struct slice written, enum form loosest, enum operation_id *ret_id);
/* That there is a function of that name, or why not and what to do. */
WARN_UNUSED enum error_code operation_named(struct slice name, struct error *reterr);
/* The function of a name that there is, for a number of arguments. */
WARN_UNUSED enum error_code operation_call(struct slice name, size_t arity,
                                           enum operation_id *ret_id, struct error *reterr);

#endif
