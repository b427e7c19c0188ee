/* SPDX-License-Identifier: Apache-2.0
 *
 * The world that a plugin meets in the kit. It stands in for the host's services and for whoever is
 * behind them; it records what reached it, and can be good, ill, silent or cut off.
 */
#ifndef CONFORMANCE_WORLD_INTERNAL_H
#define CONFORMANCE_WORLD_INTERNAL_H

#include "conformance/kit_internal.h"

enum world_mood {
    WORLD_GOOD,
    WORLD_ILL,    /* refuses, is busy, answers rubbish: by turns              */
    WORLD_SILENT, /* answers nothing: the session keeps what was asked        */
};

/* What effect.begin/1 says of effects that it has seen before. */
enum world_memory { MEMORY_AS_IT_WAS, MEMORY_UNKNOWN, MEMORY_OF_ANOTHER };

struct world_effect {
    char *key, *name, *request, *result; /* result: JSON; NULL: it has not been committed */
};

struct world_state {   /* of state.put/1 */
    char *key, *value; /* JSON */
    unsigned version;
};

struct world_arrival { /* a request that changes the world */
    uint64_t call;
    char *key, *method, *url, *body;
    bool in_effect;
    json_t *resource; /* as it was answered */
};

struct world {
    enum world_mood mood;
    enum world_memory memory;
    bool cuts, cut; /* a request that changes the world arrives, and then the worker dies */
    unsigned turn;  /* of the ill world's answers */
    struct world_effect *effects;
    struct world_arrival *arrivals;
    struct world_state *states;
    size_t effect_count, arrival_count, state_count;
    unsigned versions;
    size_t asked;  /* all requests                                      */
    size_t blamed; /* … that the agent's class forbids; blame: the last */
    char blame[200];
};

/* Who asks, as the host knows it. */
struct world_asker {
    const struct card *card;
    const struct card_agent *agent;
    uint64_t call;
    const char *key;
};

struct world_reply {
    int32_t status;
    uint32_t effect;
    char *body;
    const char *code;
};

/* The answer, whose body the caller frees. Nothing but the silent world leaves it out: false. */
bool kit_world_answer(struct world *world, const struct world_asker *asker, struct slice op,
                      struct slice body, struct world_reply *ret_reply);
/* How many different effects have happened: the same key and the same request are one. */
size_t kit_world_happened(const struct world *world);
void kit_world_forget_arrivals(struct world *world);
void kit_world_done(struct world *world);

#endif
