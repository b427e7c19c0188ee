/* SPDX-License-Identifier: Apache-2.0
 *
 * Documents: files and texts in YAML or JSON, read to json_t with the place of every value, so that
 * each complaint names file, line and column. YAML is a spelling of JSON: 1.2 core scalars, no
 * duplicate keys, aliases bounded, no tags but the core's. JSON texts from plugins and networks
 * come in by the same door, with the same limits.
 */
#ifndef DOCUMENT_DOCUMENT_H
#define DOCUMENT_DOCUMENT_H

#include "base/limits.h"
#include "base/text.h"

#include <jansson.h>

struct document;

/* Reads a file of at most LIMIT_FILE bytes; "-" is standard input. JSON if the name ends in .json;
 * else YAML, or JSON that YAML cannot read. The error begins "file:line:column: ". */
WARN_UNUSED enum error_code document_load(const char *path, struct document **ret_document,
                                          struct error *reterr);
/* The same of a file that was written for other readers of YAML, as an OpenAPI document: what
 * counts may be a key, `200: …`, and is its text. */
WARN_UNUSED enum error_code document_load_foreign(const char *path, struct document **ret_document,
                                                  struct error *reterr);
/* As document_load, of a text; name stands for the file in complaints. */
WARN_UNUSED enum error_code document_parse(struct slice text, const char *name,
                                           struct document **ret_document, struct error *reterr);
void document_free(struct document *document);
void document_freep(struct document **document);

json_t *document_root(const struct document *document);      /* borrowed */
const char *document_name(const struct document *document);  /* as it was opened */
struct slice document_text(const struct document *document); /* the bytes that were read */

struct position {
    int line, column; /* from 1; column counts characters */
};

/* Where the value at a JSON Pointer stands; of a pointer that is not there, its nearest parent. */
struct position document_where(const struct document *document, const char *pointer);
/* Where the key of the member at the pointer stands (its value, for items of arrays). */
struct position document_where_key(const struct document *document, const char *pointer);

/* Where a character of the string at the pointer stands, counted from 1; the string's start, if it
 * has escapes or lines before that character. */
struct position document_where_in(const struct document *document, const char *pointer, int column);

/* Reads one JSON value (any kind) from a text of at most maximum bytes: strict UTF-8, no duplicate
 * keys, depth at most LIMIT_DEPTH, integers of 64 bits (larger ones are an error that says so),
 * nothing behind it. The error says line, column and what was found. A new reference. */
WARN_UNUSED enum error_code json_read(struct slice text, size_t maximum, json_t **ret_value,
                                      struct error *reterr);
/* The same; *ret_compact tells whether json_write would write the value as it stands in the text.
 */
WARN_UNUSED enum error_code json_read_compact(struct slice text, size_t maximum, json_t **ret_value,
                                              bool *ret_compact, struct error *reterr);
/* The same of what json_write wrote, which may be longer and deeper than what comes from outside.
 */
WARN_UNUSED enum error_code json_read_own(struct slice text, json_t **ret_value,
                                          struct error *reterr);
/* The same of a file; "-" is standard input. */
WARN_UNUSED enum error_code json_read_file(const char *path, size_t maximum, json_t **ret_value,
                                           struct error *reterr);
/* Writes compact JSON. */
void json_write(const json_t *value, struct text *out);
void json_write_string(struct slice s, struct text *out);

#endif
