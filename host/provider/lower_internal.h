/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of lowering share. A pass reads the source and makes one schema of it. A schema
 * that accepts nothing is NULL.
 */
#ifndef PROVIDER_LOWER_INTERNAL_H
#define PROVIDER_LOWER_INTERNAL_H

#include "provider/provider_internal.h"

enum { LOWER_DEPTH = 100, LOWER_WORK = 20000, LOWER_REFS = 32, LOWER_BRANCHES = 16, UNROLLED = 2 };

struct pass {
    const struct provider *provider;
    const json_t *root; /* of the source */
    bool draft7;        /* a $ref stands for all that is beside it                       */
    bool unroll;        /* no reference that leads back is kept                          */
    bool complete;      /* optional properties become nullable: all must be required     */
    json_t *defs;       /* lowered definitions, by name                                  */
    json_t *names;      /* reference of the source → name                                */
    json_t *cyclic;     /* what is known of references: whether they lead back           */
    json_t *open;       /* reference of the source → how often it is being unrolled      */
    json_t *drop_nulls, *dropped, *narrowed; /* of struct lowering                       */
    unsigned work;                           /* subschemas that may still be made        */
};

/* A subschema with its allOf and $ref merged in: the keywords are those of one object. */
struct flat {
    json_t *json;
    json_t *lost; /* [{keyword: value}]: what could not be merged; it is left out */
    bool never;   /* nothing fits                                                 */
    bool closed;  /* unevaluatedProperties: false, of all that was merged         */
    json_t *refs; /* references that were merged in                               */
};

/* ---- flatten.c ---- */

void flatten(struct pass *p, const json_t *schema, struct flat *ret);
void flat_done(struct flat *flat);
/* Takes a keyword out and notes it as lost. */
void flat_lose(struct flat *flat, const char *keyword);
/* Whether an object of it has no properties but those that it names. */
bool flat_is_closed(const struct flat *flat);
/* Whether a keyword only tells. */
bool is_annotation(const char *keyword);

/* ---- references.c ---- */

/* Whether following references from one place of a document leads to another. required_only: by a
 * way that every value must take. What is too large to follow is taken to lead there. work, if not
 * NULL, is what many questions share: places that may still be visited. */
bool schema_leads(const json_t *root, const json_t *from, const json_t *wanted, bool required_only,
                  size_t *work);

/* ---- lower.c, emit.c ---- */

/* The schema made of a subschema of the source, at a place of the result. New, or NULL. */
json_t *lower_schema(struct pass *p, const json_t *schema, const char *place, unsigned depth);
/* Of keywords that are merged and have no anyOf. */
json_t *emit_flat(struct pass *p, struct flat *flat, const char *place, unsigned depth);
/* Any value, as near to it as the provider comes. */
json_t *emit_any(struct pass *p, const char *place);
bool is_any(const json_t *schema);
/* Puts what was lost behind the description, and into the list of what was dropped. */
void describe(struct pass *p, json_t *schema, const struct flat *flat, const char *place);
void note_narrowed(struct pass *p, const char *place, const char *lost);

/* What the three lists hold, to be cut back to when the part of the result at a place is thrown
 * away; what was narrowed stays told, if that is why nothing is left of the part. */
struct marks {
    size_t drop_nulls, dropped, narrowed;
};
struct marks pass_marks(const struct pass *p);
void pass_cut(struct pass *p, struct marks marks, const char *place, bool keep_narrowed);

#endif
