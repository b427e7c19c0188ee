/* SPDX-License-Identifier: Apache-2.0
 *
 * Minisign's files, as bytes: a public key, a secret one, a signature. Each is a line of comment
 * that nobody vouches for and a line of base64; a signature has a second pair, whose comment is
 * signed too.
 */
#ifndef TRUST_MINISIGN_INTERNAL_H
#define TRUST_MINISIGN_INTERNAL_H

#include "trust/trust_internal.h"

#include <sodium.h>

enum { KEY_NUMBER = 8, COMMENT_MAX = 1024, MINISIGN_FILE = 8192 };

struct public_key {
    unsigned char number[KEY_NUMBER], key[crypto_sign_PUBLICKEYBYTES];
};
struct secret_key { /* to be overwritten after use */
    unsigned char number[KEY_NUMBER], key[crypto_sign_SECRETKEYBYTES];
};
struct minisig {
    unsigned char number[KEY_NUMBER], signature[crypto_sign_BYTES], global[crypto_sign_BYTES];
    char comment[COMMENT_MAX];
};

void key_id(const unsigned char number[static KEY_NUMBER], char ret_id[static KEY_ID_SIZE]);

/* Of a whole file, or of the line of base64 alone. path is for complaints. */
WARN_UNUSED enum error_code public_key_read(const char *path, struct slice text,
                                            struct public_key *ret_key, struct error *reterr);
/* "RW…"; the caller frees. */
char *public_key_text(const struct public_key *key);
WARN_UNUSED enum error_code secret_key_read(const char *path, struct slice text,
                                            struct secret_key *ret_key, struct error *reterr);
/* The texts of both files; the caller frees, and overwrites the first. */
void key_texts(char **ret_secret, char **ret_public, char ret_id[static KEY_ID_SIZE]);

WARN_UNUSED enum error_code minisig_read(const char *path, struct slice text,
                                         struct minisig *ret_signature, struct error *reterr);
/* hash: BLAKE2b of what is signed, 64 bytes. */
bool minisig_holds(const struct minisig *signature, const struct public_key *key,
                   const unsigned char hash[static 64]);
/* The text of a signature's file; the caller frees. */
char *minisig_make(const struct secret_key *key, const unsigned char hash[static 64],
                   const char *comment);

#endif
