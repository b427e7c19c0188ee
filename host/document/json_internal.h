/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the JSON reader share: the place in the text, and the first thing that was
 * wrong. A part that reads something moves `at` behind it; one that cannot says why with
 * json_wrong(), and what it was part of gives up.
 */
#ifndef DOCUMENT_JSON_INTERNAL_H
#define DOCUMENT_JSON_INTERNAL_H

#include "document/document_internal.h"

struct json_flaw {
    enum error_code code; /* ERR_OK: nothing is wrong */
    const char *at;
    char text[512];
};

struct json_reader {
    const char *at, *start, *end;
    struct json_flaw *flaw;
    int depth, deepest;
    size_t room;  /* for so many more values */
    bool compact; /* so far json_write would write the same; not asked of reals unless wanted */
    bool wants_compact;
    struct text key, string; /* the last key and string that had escapes, without them */

    /* Only when places are wanted: the path of the value that comes next, where its key stands, and
     * how far lines and characters are counted. */
    struct places *places;
    uint64_t path;
    struct position key_at, counted;
    const char *counted_to;
};

/* The root is a new reference. On failure *ret_flaw says why. ret_compact may be NULL. `values` are
 * counted as LIMIT_JSON_VALUES says. */
bool json_parse(struct slice text, int deepest, size_t values, struct places *places,
                json_t **ret_root, bool *ret_compact, struct json_flaw *ret_flaw);

/* The first complaint stays. */
void json_wrong(struct json_reader *r, enum error_code code, const char *at, const char *format,
                ...) PRINTF_LIKE(4, 5);
/* "bad JSON: expected <what>, found <what stands at r->at>". */
void json_unexpected(struct json_reader *r, const char *expected);

/* The string that begins at r->at, on its opening quote. What it returns lies in the text, or in
 * `unescaped` until that is used again. */
bool json_read_string(struct json_reader *r, struct text *unescaped, struct slice *ret_string);
/* The number that begins at r->at, on its first digit or its sign; NULL if it is none. */
json_t *json_read_number(struct json_reader *r);

#endif
