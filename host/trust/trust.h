/* SPDX-License-Identifier: Apache-2.0
 *
 * Trust: which plugins an operator has approved, and with what. The manifest grants; the lock, a
 * file beside it that is committed with it, says what was looked at when that was decided: the
 * bytes of each library and of its card, and the grants. While there is a lock it is law: a plugin
 * that it does not list, or lists with other bytes or grants, is refused by name of what differs.
 * Where there is none, plugins are loaded by the manifest alone.
 */
#ifndef TRUST_TRUST_H
#define TRUST_TRUST_H

#include "loader/card.h"
#include "loader/manifest.h"

struct lock;
struct signer;

/* The lock's path: seam.yaml has seam.lock beside it. The caller frees. */
char *lock_path(const struct manifest *manifest);
/* *ret_lock is NULL if there is none. A lock that others may write to is ERR_DENIED; one that is
 * no lock, ERR_INPUT. */
WARN_UNUSED enum error_code lock_load(const struct manifest *manifest, struct lock **ret_lock,
                                      struct error *reterr);
void lock_free(struct lock *lock);
void lock_freep(struct lock **lock);

enum pin_state {
    PIN_ABSENT, /* there is no lock */
    PIN_HELD,   /* it is what was approved */
    PIN_BROKEN, /* it is not */
};

/* Is this the library that was approved as that plugin? lock may be NULL. ERR_DENIED names all that
 * differs, and the command that approves it. To be asked before anything of it runs. */
WARN_UNUSED enum error_code lock_check(const struct lock *lock, const struct manifest *manifest,
                                       const struct manifest_plugin *entry, const struct card *card,
                                       const struct signer *signer, struct error *reterr);
/* The same of agents that stand in no card, once they are listed: each is pinned by itself. */
WARN_UNUSED enum error_code lock_check_agents(const struct lock *lock,
                                              const struct manifest *manifest,
                                              const struct manifest_plugin *entry,
                                              const struct card *card, struct error *reterr);
/* Of a list of agents, those that an entry of the lock says (NULL = all): a new list. *ret_left:
 * the others, a new list of {agent, why}. */
json_t *agents_admitted(const json_t *pinned, const json_t *listed, json_t **ret_left);
/* What is new, gone or another of them since an entry of the lock was written, a line each. */
json_t *agents_changed(const json_t *pinned, const struct card *card);
/* What was approved under that alias: {id, version, card, library, granted, approved_at,
 * approved_by}; borrowed, NULL = nothing. */
const json_t *lock_entry(const struct lock *lock, const char *alias);

/* What is granted to it, as it is pinned: the manifest's `grants`, `isolation` and `sandbox`. A new
 * reference. */
json_t *lock_granted(const struct manifest *manifest, const struct manifest_plugin *entry);
/* Puts the plugin in the lock's text, in place of what was there of it; *lock may be NULL, and is a
 * new one then. */
void lock_approve(struct lock **lock, const struct manifest *manifest,
                  const struct manifest_plugin *entry, const struct card *card,
                  const struct signer *signer, const char *who, int64_t now_ms);
/* What the manifest does not have any more goes. Returns how many. */
size_t lock_prune(struct lock *lock, const struct manifest *manifest);
/* Writes the file anew, or leaves the old one as it was. */
WARN_UNUSED enum error_code lock_write(const struct lock *lock, const struct manifest *manifest,
                                       struct error *reterr);

/* A copy of the library that the card was read from, in the store in that folder, for as long as a
 * host runs it: its path, which the caller frees. What is loaded by it is to be hashed again. */
WARN_UNUSED enum error_code store_hold(const char *folder, const struct card *card, char **ret_path,
                                       struct error *reterr);
/* Takes copies out of the store in that folder that no lock beside the manifest names and no host
 * has held for a week. */
void store_sweep(const char *folder, const struct manifest *manifest);
/* Keeps a copy of what was approved, by its digest. */
WARN_UNUSED enum error_code store_keep(const struct manifest *manifest, const struct card *card,
                                       struct error *reterr);
/* The card of what was kept under that digest; ERR_CORRUPT if it is something else by now. */
WARN_UNUSED enum error_code store_find(const struct manifest *manifest, const char *digest,
                                       struct card **ret_card, struct error *reterr);

/* ---- signatures: minisign's files, so that people have tools for them ---- */

/* Keys that an operator trusts, in a file beside the manifest: seam.yaml has seam.keys. */
struct keys;
WARN_UNUSED enum error_code keys_load(const struct manifest *manifest, struct keys **ret_keys,
                                      struct error *reterr);
void keys_free(struct keys *keys);
/* Adds the public key in that file, under that name, and writes. ERR_CONFLICT if another key has
 * the name. ret_id: of the key, in hex. */
enum { KEY_ID_SIZE = 17, KEY_NAME_SIZE = 65 };
WARN_UNUSED enum error_code keys_trust(const struct manifest *manifest, const char *file,
                                       const char *name, const char *who, int64_t now_ms,
                                       char ret_id[static KEY_ID_SIZE], struct error *reterr);

/* Who signed the library that a card was read from, by the file beside it: FILE.so.minisig. */
struct signer {
    bool is_signed, is_trusted; /* there is a signature; it is good, by a key that is trusted */
    char key[KEY_ID_SIZE], name[KEY_NAME_SIZE];
};
/* ERR_DENIED if what is there is no signature of this library, or if the manifest wants one by a
 * trusted key and there is none. keys may be NULL. */
WARN_UNUSED enum error_code signature_check(const struct keys *keys,
                                            const struct manifest *manifest,
                                            const struct card *card, struct signer *ret_signer,
                                            struct error *reterr);
/* Makes a pair of keys, the secret one readable by its owner alone; neither may be there. */
WARN_UNUSED enum error_code key_make(const char *secret_file, const char *public_file,
                                     char ret_id[static KEY_ID_SIZE], struct error *reterr);
/* Signs the library that the card was read from. */
WARN_UNUSED enum error_code signature_make(const struct card *card, const char *secret_file,
                                           int64_t now_ms, struct error *reterr);

/* ---- in words ---- */

/* What a card asks for, one string a line, plainly: "send POST, GET to https://api.example.com". A
 * new list. */
json_t *card_requests_in_words(const struct card *card);
/* What the manifest grants of it, in the same words; and what was asked for and is not granted at
 * all. New lists. */
json_t *grants_in_words(const json_t *granted);
/* "signed by alice (key 0123456789ABCDEF)"; the caller frees. */
char *signer_in_words(const struct signer *signer);
/* What its agents may do: "book: changes the world, at most once". */
json_t *agents_in_words(const struct card *card);
/* What the card asks for and the manifest gives it nothing of. */
json_t *ungranted_in_words(const struct card *card, const struct manifest_plugin *entry);
/* Lines of the one list that the other does not have. */
json_t *words_without(const json_t *list, const json_t *other);

#endif
