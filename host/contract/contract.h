/* SPDX-License-Identifier: Apache-2.0
 *
 * Contracts: JSON Schema 2020-12, compiled once and asked many times. Every output of an agent is
 * held to its contract here, and every input but those that are proven to fit. A schema that says
 * something this room cannot check is refused when it is compiled, unless the caller is lenient;
 * nothing that asserts is ever ignored. A compiled contract is immutable and may be used by any
 * thread. Nothing is fetched from the network.
 * A schema whose $schema names draft-07 or 2019-09 is read as that dialect means it (in draft-07 a
 * $ref stands for all that is beside it); without $schema it is 2020-12. So is each embedded schema
 * that has a $id and a $schema of its own. A $schema may also name a meta-schema of the registry,
 * whose $vocabulary says which keywords are in force. Patterns are ECMA-262.
 */
#ifndef CONTRACT_CONTRACT_H
#define CONTRACT_CONTRACT_H

#include "base/text.h"

#include <jansson.h>

struct contract;

struct registry;

struct contract_options {
    bool annotate_formats; /* `format` only annotates; without it a wrong format is a violation */
    bool lenient;          /* keywords and formats that nobody knows annotate, as the specification
                              has it; without it they are refused, for they may be misspelt     */
    const char *dialect;   /* of a schema without $schema, as a URI; NULL is 2020-12            */
    const struct registry *registry; /* what a $ref out of the document may find, or NULL       */
};

/* Compiles a schema, of which it keeps a reference. Options may be NULL. The error names the JSON
 * Pointer of the keyword that is wrong or not supported, and suggests the nearest keyword. */
WARN_UNUSED enum error_code contract_compile(json_t *schema, const struct contract_options *options,
                                             struct contract **ret_contract, struct error *reterr);
struct contract *contract_ref(const struct contract *contract);
void contract_unref(struct contract *contract);
void contract_unrefp(struct contract **contract); /* AUTO(contract_unrefp) */

/* The schema as it was given; borrowed. */
json_t *contract_schema(const struct contract *contract);

/* Yes or no. Allocates nothing while the value fits; the exceptions are values too large for the
 * stack (uniqueItems over 1,024 items, unevaluated… over 256), international host names, and
 * patterns where PCRE2 has no JIT. A value that meets a limit of work, depth or pattern steps
 * before its answer is known does not fit. */
bool contract_accepts(const struct contract *contract, const json_t *instance);

struct violation {
    char *instance; /* JSON Pointer into the value, "" is the whole                     */
    char *schema;   /* JSON Pointer into the schema, through every $ref taken           */
    char *absolute; /* URI of the keyword, without the $refs; NULL: its schema has none  */
    char *text;     /* "expected a string of at least 3 characters, found \"ab\""      */
};

struct violations {
    struct violation *list;
    size_t count; /* at most LIMIT_VIOLATIONS */
    bool more;    /* there were others */
};

/* Why not: the leaves that failed, deepest first for anyOf/oneOf the nearest branch. True if the
 * value is valid, and then the list is empty. The caller calls violations_done either way. */
bool contract_explain(const struct contract *contract, const json_t *instance,
                      struct violations *ret_violations);
void violations_done(struct violations *violations);
/* "/legs/0/from: expected …, found … (schema /properties/legs/items/…)", one line each. */
void violations_text(const struct violations *violations, struct text *out);

/* Equality of JSON Schema: 1 equals 1.0, objects without order. Bounded depth: past it, not equal.
 */
bool contract_equal(const json_t *a, const json_t *b);

#endif
