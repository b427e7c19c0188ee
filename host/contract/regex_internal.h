/* SPDX-License-Identifier: Apache-2.0
 *
 * Patterns: ECMA-262 regular expressions (as with its `u` flag, and lenient where the web is),
 * checked and translated into PCRE2's language and then matched under limits, so that no pattern
 * and no string can hold a thread.
 */
#ifndef CONTRACT_REGEX_INTERNAL_H
#define CONTRACT_REGEX_INTERNAL_H

#define PCRE2_CODE_UNIT_WIDTH 8

#include "base/text.h"

#include <pcre2.h>

/* What matching needs beside the pattern, on the caller's stack; PCRE2 allocates inside it as far
 * as it goes. Start with {0}; match_room_done when the last match is over. */
struct match_room {
    pcre2_match_data *data;
    pcre2_match_context *context;
    uint32_t steps; /* of one match; 0: LIMIT_PATTERN_STEPS */
    size_t used;
    _Alignas(max_align_t) unsigned char memory[1024];
};

void match_room_done(struct match_room *room);

struct regex;

enum match { MATCH_NO, MATCH_YES, MATCH_GAVE_UP };

WARN_UNUSED enum error_code regex_new(struct slice source, struct regex **ret_regex,
                                      struct error *reterr);
void regex_free(struct regex *regex);
/* Whether the pattern is found anywhere in the string. Gives up at a limit of steps or memory. */
enum match regex_match(const struct regex *regex, struct slice string, struct match_room *room);
struct slice regex_source(const struct regex *regex);
bool regex_is_simple(const struct regex *regex);
bool regex_always(const struct regex *regex); /* is found in any string */

/* Checks the syntax of ECMA-262 and writes to out (if not NULL) what PCRE2 understands by it. */
WARN_UNUSED enum error_code ecma_translate(struct slice source, struct text *out,
                                           struct error *reterr);
/* A pattern that needs no engine: regex_simple.c. */
struct simple {
    enum { SIMPLE_NOT, SIMPLE_LITERAL, SIMPLE_RUN } kind;
    bool starts, ends;   /* anchored; a run is both */
    char *literal;       /* on the heap             */
    size_t length;       /* of the literal          */
    uint64_t allowed[2]; /* ASCII characters of a run */
    size_t least, most;  /* of them                 */
};

/* For well-formed patterns alone; false if it needs the engine. */
bool simple_of(struct slice source, struct simple *ret_simple);
bool simple_matches(const struct simple *simple, struct slice s);

/* The Unicode property in `\p{…}` as PCRE2 spells it; false if it cannot be one. */
bool ecma_property(struct slice name, struct text *out);

#endif
