/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of parsing one expression: token.c reads words, parse.c operators by precedence,
 * term.c and construct.c what they stand between. The current token is always read already; after
 * it, `at` is the next byte. The expression ends at the `}` of its `${`, which nothing before it
 * can be mistaken for, since the braces of objects and strings are read by their own rules.
 */
#ifndef MAPPING_PARSE_INTERNAL_H
#define MAPPING_PARSE_INTERNAL_H

#include "mapping/mapping_internal.h"

enum token_kind {
    TOKEN_END,
    TOKEN_FIELD,    /* .name; text is the name    */
    TOKEN_NAME,     /* name, if, and, …           */
    TOKEN_VARIABLE, /* $name; text is the name    */
    TOKEN_FORMAT,   /* @name                      */
    TOKEN_NUMBER,   /* 1.5e3                      */
    TOKEN_QUOTE,    /* the " that opens a string  */
    TOKEN_MARK,     /* | // == [ … ; text is it   */
};

struct token {
    enum token_kind kind;
    struct slice text;
    size_t at; /* of its first byte */
};

struct parser {
    struct mapping *mapping;
    struct slice string; /* the template's string, as far as an expression may reach */
    size_t start, at;    /* of the expression; of the next byte */
    size_t end;          /* behind the last token that was taken */
    struct token token;
    unsigned depth;
    struct error *reterr;
};

/* ---- token.c ---- */

/* Takes the current token and reads the next. */
WARN_UNUSED enum error_code token_next(struct parser *p);
bool token_is(const struct parser *p, const char *mark_or_word);
/* Reads the characters of a string literal to the closing quote, or to the \( that interrupts it,
 * behind which `at` then stands. */
WARN_UNUSED enum error_code token_characters(struct parser *p, struct text *out,
                                             bool *ret_interrupted);
/* Takes the mark, or refuses what stands there. */
WARN_UNUSED enum error_code token_expect(struct parser *p, const char *mark, const char *where);
/* An error about a byte of the string. */
enum error_code refuse_place(struct parser *p, size_t at, enum error_code code, const char *format,
                             ...) PRINTF_LIKE(4, 5);
/* The current token cannot stand here; `expected` says what can. */
enum error_code refuse_token(struct parser *p, const char *expected);

/* ---- parse.c ---- */

/* A whole expression, as between parentheses. */
WARN_UNUSED enum error_code parse_pipe(struct parser *p, struct node **ret_node);
/* An expression without `|` at its top, as between commas. */
WARN_UNUSED enum error_code parse_operand(struct parser *p, enum form loosest,
                                          struct node **ret_node);
/* A node that begins where the first one does and ends with the last token taken. */
struct slice parse_source(const struct parser *p, size_t from);
WARN_UNUSED enum error_code parse_deeper(struct parser *p);
/* After kids were added: refuses a tree or mapping that has grown over its limit. */
WARN_UNUSED enum error_code parse_admit(struct parser *p, const struct node *node);

/* ---- term.c ---- */

WARN_UNUSED enum error_code parse_term(struct parser *p, struct node **ret_node);
/* At its opening quote: a literal, or a STRING of literals and expressions in turn. */
WARN_UNUSED enum error_code parse_string(struct parser *p, struct node **ret_node);

/* ---- construct.c; each at its first token, `from` ---- */

WARN_UNUSED enum error_code parse_array(struct parser *p, size_t from, struct node **ret_node);
WARN_UNUSED enum error_code parse_object(struct parser *p, size_t from, struct node **ret_node);
WARN_UNUSED enum error_code parse_if(struct parser *p, size_t from, struct node **ret_node);
WARN_UNUSED enum error_code parse_call(struct parser *p, size_t from, struct node **ret_node);

#endif
