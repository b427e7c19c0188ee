/* SPDX-License-Identifier: Apache-2.0
 *
 * The catalog: what a flow needs to know of the agents it may name. The runtime fills it from cards
 * and grants; the flow room and the orchestrator only read it. Agents never move while a flow that
 * was compiled against the catalog lives.
 */
#ifndef FLOW_CATALOG_H
#define FLOW_CATALOG_H

#include "base/digest.h"
#include "contract/contract.h"

/* What an agent does to the world; the numbers are those of seam/plugin.h. */
enum effect_class {
    CLASS_PURE,
    CLASS_READ,
    CLASS_WRITE_IDEMPOTENT,
    CLASS_WRITE,
};
const char *effect_class_word(enum effect_class effect); /* "write_idempotent" */

struct agent {
    char *name; /* "airline/book": the manifest's alias, the card's name     */
    enum effect_class effect;
    bool destructive, open_world;
    bool brokered; /* every way into the world that its card asks for goes through
                      the host, so what the host recorded is all that happened  */
    struct contract *input, *output;
    char *confidence;           /* JSON Pointer into the output; NULL = reports none         */
    char *reconcile;            /* name of the agent that can tell what happened, or NULL    */
    char *ref;                  /* JSON Pointer into a result: the external reference        */
    const char *ungranted;      /* what its card asks for and nobody grants: "http"; or NULL */
    int64_t settle_ms;          /* how long a lost request can still act; -1 = not known     */
    int64_t key_ttl_ms;         /* how long the world honours a key; -1 = for ever           */
    int64_t tokens, cost;       /* worst case of one call: tokens, millionths; 0 = none said */
    int64_t call_ms;            /* the longest call that card and manifest allow; -1 = none  */
    const struct agent **calls; /* those that it may call itself, as its plugin was granted  */
    size_t call_count;
    const struct agent *reconciler; /* that `reconcile` names, once the catalog is linked        */
    struct digest card, library;    /* what a run pins                                           */
};

struct catalog {
    struct agent **agents; /* sorted by name */
    size_t count;
    char *
        *left_out; /* names of agents that are there, and may not be named: nobody approved them */
    size_t left_out_count;
};

void catalog_init(struct catalog *catalog);
void catalog_done(struct catalog *catalog);
/* Takes the agent over; the name must be new (asserted). */
void catalog_add(struct catalog *catalog, struct agent *agent);
/* The agent that the card names for reconciling: of the same plugin, or by its whole name; NULL. */
const struct agent *catalog_reconciler(const struct catalog *catalog, const struct agent *agent);
/* Once all agents are in: each is told its reconciler, if it is there and changes nothing. */
void catalog_link(struct catalog *catalog);
/* Takes the name over. */
void catalog_leave_out(struct catalog *catalog, char *name);
bool catalog_leaves_out(const struct catalog *catalog, struct slice name);
const struct agent *catalog_find(const struct catalog *catalog, struct slice name);
void agent_free(struct agent *agent);

#endif
