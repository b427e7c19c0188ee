/* SPDX-License-Identifier: Apache-2.0
 *
 * What the readers of the two spellings share: the table of places, and complaints that begin with
 * one. A value's path is kept as one number, the hash of its parent's path and its own token, so
 * that the table is flat, small and searched by bisection. Two paths with one hash would only give
 * a complaint a wrong line.
 */
#ifndef DOCUMENT_INTERNAL_H
#define DOCUMENT_INTERNAL_H

#include "document/document.h"

#include <locale.h>

/* What is made inside the host can be deeper than what comes in, but not by much. */
enum { OWN_DEPTH = 8 * LIMIT_DEPTH };

#define PATH_ROOT UINT64_C(14695981039346656037)

uint64_t path_of_member(uint64_t parent, struct slice key);
uint64_t path_of_item(uint64_t parent, size_t index);

struct place {
    uint64_t path;
    uint64_t content; /* where its members are listed: its own path, or of what an alias names */
    struct position value, key;
};

struct places {
    struct place *list;
    size_t count, room;
};

void places_done(struct places *places);
void places_add(struct places *places, struct place place);
/* To be called once, when all were added; only then find works. */
void places_sort(struct places *places);
const struct place *places_find(const struct places *places, uint64_t path);
/* The place of a path among those added so far, by looking at each: for complaints. */
const struct place *places_seek(const struct places *places, uint64_t path);
/* The place of a JSON Pointer, or of the nearest parent that has one. */
const struct place *places_locate(const struct places *places, const char *pointer);

/* Sets "name:line:column: text". */
enum error_code document_complain(struct error *reterr, enum error_code code, const char *name,
                                  struct position at, const char *format, ...) PRINTF_LIKE(5, 6);
/* Line and column of a byte of a text. */
struct position document_position_of(struct slice text, size_t offset);
/* The first byte that is not UTF-8, or the length of the text. */
size_t utf8_flaw(struct slice text);

/* Whether a plain YAML scalar is a value other than a string, by the core schema of YAML 1.2. */
enum scalar_kind {
    SCALAR_STRING,
    SCALAR_NULL,
    SCALAR_BOOLEAN,
    SCALAR_INTEGER,
    SCALAR_REAL,
    SCALAR_NOT_FINITE, /* .inf and .nan, which JSON has not   */
    SCALAR_TOO_BIG,    /* past 64 bits, or past the doubles   */
};
/* *ret_value is set (a new reference) for all kinds up to SCALAR_REAL. */
enum scalar_kind scalar_read(struct slice text, json_t **ret_value);

/* For numbers, whatever locale a plugin has given the process. */
locale_t c_locale(void);
/* Reads the digits of a real in JSON or YAML; false if it is past the doubles. */
bool real_read(struct slice digits, double *ret_real);
/* The double that is nearest to digits / 10^decimals; false if it must be found in another way. */
bool decimal_read(uint64_t digits, int decimals, double *ret_real);
/* The digits of a double, 15 or as few more as read back as the same (of 15, zeros at the end are
 * left out), and how many of them are behind the point; false if they must be found in another way.
 */
bool decimal_digits(double size, uint64_t *ret_digits, int *ret_decimals);

/* Both read a whole text and list the places; the caller sorts them. */
WARN_UNUSED enum error_code yaml_read(struct slice text, const char *name, bool foreign,
                                      struct places *places, json_t **ret_root,
                                      struct error *reterr);
WARN_UNUSED enum error_code json_read_places(struct slice text, const char *name,
                                             struct places *places, json_t **ret_root,
                                             struct error *reterr);

/* Reads at most maximum bytes of a file; "-" is standard input. The caller frees. */
WARN_UNUSED enum error_code document_read_file(const char *path, size_t maximum, char **ret_text,
                                               size_t *ret_len, struct error *reterr);

#endif
