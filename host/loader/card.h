/* SPDX-License-Identifier: Apache-2.0
 *
 * Cards: what a plugin says of itself, read from its ELF section `.seam.card` by libelf, without
 * running one of its instructions.
 */
#ifndef LOADER_CARD_H
#define LOADER_CARD_H

#include "base/digest.h"
#include "contract/contract.h"

struct card_agent {
    char *name, *summary;
    uint32_t effect, flags; /* as in seam/plugin.h */
    struct contract *input, *output;
    char *confidence, *reconcile, *ref; /* NULL = not said */
    int64_t settle_ms, key_ttl_ms;      /* -1 = not said   */
    int64_t tokens, cost;               /* worst case of one call; 0 = not said */
};

struct card {
    unsigned shared; /* by so many more than one: see card_ref */
    char *path;      /* of the library it was read from                           */
    char *id, *version, *summary;
    uint32_t abi_major, abi_minor;
    bool isolation_worker; /* the card insists on a worker                              */
    int max_concurrency;
    int64_t memory_bytes, call_ms, drain_ms; /* -1 = not said                                   */
    int64_t state_bytes;     /* that it wants to keep: requests.state; -1 = none              */
    struct contract *config; /* never NULL; accepts {} alone if the card says nothing     */
    bool from_config;        /* its agents stand in its configuration: see card_describe      */
    bool brokered;           /* asks for no way into the world but the host's             */
    struct card_agent *agents;
    size_t agent_count;
    json_t *json; /* the whole card                                            */
    /* Of the card's bytes, and of its agents if it was described: what is approved; of its bytes
     * alone; of the file. */
    struct digest digest, bare, library;
    size_t library_size;
};

/* Opens the file once, checks owner and mode (it and every parent folder belong to root or the user
 * and are writable by nobody else), that it is a 64-bit shared object of this machine, that it
 * exports seam_plugin_v1 and has a card, and the card against schemas/card.schema.json. Each
 * refusal says what was found and the cure. */
WARN_UNUSED enum error_code card_read(const char *path, struct card **ret_card,
                                      struct error *reterr);
/* Gives a card whose agents stand in its configuration the agents that its plugin has listed, in
 * the card's own form, and checks them as those of any card. From then on they are part of the
 * card: of its `json`, which card_parse reads back, and of its `digest`. A failure names the place
 * in the list, and leaves the card of no use. */
WARN_UNUSED enum error_code card_describe(struct card *card, json_t *agents, struct error *reterr);
/* The card of the same library as it was before it was described. */
WARN_UNUSED enum error_code card_undescribed(const struct card *card, struct card **ret_card,
                                             struct error *reterr);
/* A card by its text alone, as it was kept from a library: its path is "", and so are the digest of
 * the library and the trust in it; nothing is loaded by such a card. */
WARN_UNUSED enum error_code card_parse(struct slice text, struct card **ret_card,
                                       struct error *reterr);
/* Writes the library that the card was read from to a new file, mode 0400 and synced; ERR_CONFLICT
 * if it is not the same file any more. */
WARN_UNUSED enum error_code library_copy(const struct card *card, const char *path,
                                         struct error *reterr);
/* Whether a file that may be being built is there as a whole; what cannot become a library by
 * waiting is whole. */
bool library_is_whole(const char *path);
/* Its BLAKE2b of 64 bytes; ERR_CONFLICT as above. */
WARN_UNUSED enum error_code library_hash(const struct card *card, unsigned char ret_hash[static 64],
                                         struct error *reterr);
struct card *card_ref(struct card *card);
void card_free(struct card *card); /* one reference */
void card_freep(struct card **card);

/* Does one of a card's requests for secrets, agents or programs name this one: by itself, or by
 * "*", which is whatever the operator grants? */
bool request_names(const char *request, const char *name);

#endif
