/* SPDX-License-Identifier: Apache-2.0
 *
 * Providers of models, and what each does with a JSON Schema that it is given to answer by: their
 * rules are data (schemas/providers/NAME.json), each with the place where it was read and the day.
 * This room holds a schema to the rules (lint), and makes of a schema the nearest one that keeps
 * them (lower). A model answers by the lowered schema; its answer is then held to the full
 * contract, as every answer is.
 *
 * The law of lowering. What the contract accepts, the lowered schema accepts: full ⊑ lowered. It is
 * never believed but asked of the contract engine, and the answer stands in the result. Two things
 * are in its way, and neither is silent:
 * - A provider that wants every property is given null for one that is missing: its place is in
 *   `drop_nulls`. The question is then asked of the lowered schema in which those may be missing;
 *   a value that fits that one fits the lowered one with its nulls filled in, and an answer is held
 *   to the contract with its nulls taken out.
 * - A provider that wants closed objects, a type for everything or no recursion forces the lowered
 *   schema to be narrower than the contract. Each place is in `narrowed`, and the verdict is what
 * it is: REFUTED, with a value of the contract that the model can no longer say. A contract that
 * says what it means (additionalProperties: false, a type) is lowered without loss. What is wider
 * in the lowered schema than in the contract is in `dropped`, and in the description, where the
 * model reads it.
 */
#ifndef PROVIDER_PROVIDER_H
#define PROVIDER_PROVIDER_H

#include "contract/contain.h"

struct provider;

/* "openai", …; NULL past the last. */
const char *provider_name(size_t index);
/* ERR_NOT_FOUND lists the providers there are. */
WARN_UNUSED enum error_code provider_new(const char *name, struct provider **ret_provider,
                                         struct error *reterr);
void provider_free(struct provider *provider);
void provider_freep(struct provider **provider);
/* The day its rules were looked up, "2026-11-22"; borrowed. */
const char *provider_looked_up(const struct provider *provider);

/* ---- lint ---- */

struct breach {
    char *place;                    /* JSON Pointer into the schema                             */
    char *found;                    /* what stands there: "maxLength"                           */
    const char *rule;               /* its id; the texts are borrowed from the provider         */
    const char *says, *cure;        /* two sentences                                            */
    const char *source, *looked_up; /* where the rule was read, and when                        */
    bool ignored;                   /* the provider does not refuse it, but does not heed it    */
};

struct breaches {
    struct breach *list;
    size_t count; /* at most LIMIT_FINDINGS */
    bool more;    /* there were others */
};

/* What the provider would refuse or ignore in a schema; true = nothing. The caller calls
 * breaches_done either way, and before it frees the provider. */
bool provider_lint(const struct provider *provider, const json_t *schema,
                   struct breaches *ret_breaches);
void breaches_done(struct breaches *breaches);

/* ---- lower ---- */

struct lowering {
    json_t *schema;     /* what to give to the provider; NULL = there is none                     */
    json_t *drop_nulls; /* [pointer into schema]: properties whose null says that they are absent */
    json_t *dropped;    /* [{at, keywords}]: what the description says instead of the schema      */
    json_t *narrowed;   /* [{at, lost}]: what the provider cannot be told to allow                */
    enum verdict verdict; /* of full ⊑ lowered, see above                                         */
    json_t *witness;      /* of REFUTED: a value of the contract that the model cannot say        */
    char *reason;
    struct breaches left; /* what the provider still refuses: limits of size                      */
};

/* Never fails: what cannot be lowered has schema NULL, REFUTED, and the reason. The caller calls
 * lowering_done, before it frees the provider. */
void provider_lower(const struct provider *provider, const struct contract *contract,
                    struct lowering *ret);
void lowering_done(struct lowering *lowering);

#endif
