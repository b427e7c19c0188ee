/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads and writes minisign's files. Signatures are of the kind "ED": ed25519 over the BLAKE2b of
 * the file. Secret keys are read and written without a password: who keeps one under a password
 * signs with minisign itself, and its signatures are read here like our own.
 *
 *   public key   "Ed" number[8] key[32]
 *   secret key   "Ed" kdf[2] "B2" salt[32] limits[16] number[8] key[64] checksum[32]; without a
 *                password all but number and key is zero
 *   signature    "ED" number[8] signature[64], and of signature and comment: global[64]
 */
#include "trust/minisign_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ALGORITHM = 2,
    CHECKSUM = 32,
    PUBLIC_SIZE = ALGORITHM + KEY_NUMBER + crypto_sign_PUBLICKEYBYTES,
    SECRET_HEAD = 3 * ALGORITHM + 32 + 16,
    SECRET_SIZE = SECRET_HEAD + KEY_NUMBER + crypto_sign_SECRETKEYBYTES + CHECKSUM,
    SIGNATURE_SIZE = ALGORITHM + KEY_NUMBER + crypto_sign_BYTES,
    HASH = 64
};

static const char untrusted[] = "untrusted comment: ", trusted[] = "trusted comment: ";

/* As minisign prints it: the number as one of 64 bits, its little end first. */
void key_id(const unsigned char number[static KEY_NUMBER], char ret_id[static KEY_ID_SIZE])
{
    for (size_t i = 0; i < KEY_NUMBER; i++)
        snprintf(ret_id + 2 * i, 3, "%02X", number[KEY_NUMBER - 1 - i]);
}

/* ---- lines and base64 ---- */

/* The next line, without its end; false when there is none. */
static bool next_line(struct slice *text, struct slice *ret_line)
{
    const char *end = text->len > 0 ? memchr(text->ptr, '\n', text->len) : NULL;
    size_t len = end ? (size_t)(end - text->ptr) : text->len, whole = end ? len + 1 : len;
    if (text->len == 0)
        return false;
    *ret_line = (struct slice){text->ptr, len > 0 && text->ptr[len - 1] == '\r' ? len - 1 : len};
    text->ptr += whole;
    text->len -= whole;
    return true;
}

static bool decode(struct slice line, size_t expected, unsigned char *ret_bytes)
{
    size_t len = 0;
    const char *end = NULL;
    return sodium_base642bin(ret_bytes, expected, line.ptr, line.len, NULL, &len, &end,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           len == expected && end == line.ptr + line.len;
}

static char *encode(const unsigned char *bytes, size_t len)
{
    size_t size = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
    return sodium_bin2base64(xmalloc(size), size, bytes, len, sodium_base64_VARIANT_ORIGINAL);
}

/* The first line that is no comment. */
static bool decode_file(struct slice text, size_t expected, unsigned char *ret_bytes)
{
    struct slice line;
    bool is_line = next_line(&text, &line);
    if (is_line && slice_starts(line, untrusted))
        is_line = next_line(&text, &line);
    return is_line && decode(line, expected, ret_bytes);
}

/* ---- keys ---- */

enum error_code public_key_read(const char *path, struct slice text, struct public_key *ret_key,
                                struct error *reterr)
{
    unsigned char bytes[PUBLIC_SIZE];
    if (!decode_file(text, sizeof(bytes), bytes) || memcmp(bytes, "Ed", ALGORITHM) != 0)
        return error_set(reterr, ERR_INPUT,
                         "%s is no public key of minisign: expected a line of comment and a line "
                         "that begins \"RW\"",
                         path);
    memcpy(ret_key->number, bytes + ALGORITHM, KEY_NUMBER);
    memcpy(ret_key->key, bytes + ALGORITHM + KEY_NUMBER, sizeof(ret_key->key));
    return ERR_OK;
}

char *public_key_text(const struct public_key *key)
{
    unsigned char bytes[PUBLIC_SIZE] = "Ed";
    memcpy(bytes + ALGORITHM, key->number, KEY_NUMBER);
    memcpy(bytes + ALGORITHM + KEY_NUMBER, key->key, sizeof(key->key));
    return encode(bytes, sizeof(bytes));
}

/* Its second half is the public key that follows from the first. */
static bool is_whole(const struct secret_key *key)
{
    unsigned char seed[crypto_sign_SEEDBYTES];
    struct secret_key again;
    struct public_key public;
    crypto_sign_ed25519_sk_to_seed(seed, key->key);
    crypto_sign_seed_keypair(public.key, again.key, seed);
    bool whole = sodium_memcmp(again.key, key->key, sizeof(key->key)) == 0;
    sodium_memzero(seed, sizeof(seed));
    sodium_memzero(&again, sizeof(again));
    return whole;
}

enum error_code secret_key_read(const char *path, struct slice text, struct secret_key *ret_key,
                                struct error *reterr)
{
    unsigned char bytes[SECRET_SIZE];
    const unsigned char *number = bytes + SECRET_HEAD, *key = number + KEY_NUMBER;
    enum error_code code = ERR_OK;
    if (!decode_file(text, sizeof(bytes), bytes) || memcmp(bytes, "Ed", ALGORITHM) != 0)
        code = error_set(reterr, ERR_INPUT,
                         "%s is no secret key of minisign (cure: seam plugins keygen makes one)",
                         path);
    else if (bytes[ALGORITHM] != 0 || bytes[ALGORITHM + 1] != 0)
        code = error_set(reterr, ERR_UNSUPPORTED,
                         "%s is kept under a password (cure: sign with `minisign -S -s %s -m "
                         "FILE.so`; its signature counts here, too)",
                         path, path);
    memcpy(ret_key->number, number, KEY_NUMBER);
    memcpy(ret_key->key, key, sizeof(ret_key->key));
    if (code == ERR_OK && !is_whole(ret_key))
        code = error_set(reterr, ERR_CORRUPT, "%s is damaged: its halves do not fit", path);
    sodium_memzero(bytes, sizeof(bytes));
    if (code != ERR_OK)
        sodium_memzero(ret_key, sizeof(*ret_key));
    return code;
}

static char *secret_key_text(const struct secret_key *key)
{
    unsigned char bytes[SECRET_SIZE] = {0};
    memcpy(bytes, "Ed\0\0B2", 3 * ALGORITHM);
    memcpy(bytes + SECRET_HEAD, key->number, KEY_NUMBER);
    memcpy(bytes + SECRET_HEAD + KEY_NUMBER, key->key, sizeof(key->key));
    char *text = encode(bytes, sizeof(bytes));
    sodium_memzero(bytes, sizeof(bytes));
    return text;
}

void key_texts(char **ret_secret, char **ret_public, char ret_id[static KEY_ID_SIZE])
{
    struct public_key public;
    struct secret_key secret;
    ASSERT(sodium_init() >= 0);
    crypto_sign_keypair(public.key, secret.key);
    randombytes_buf(public.number, KEY_NUMBER);
    memcpy(secret.number, public.number, KEY_NUMBER);
    key_id(public.number, ret_id);
    char *line = secret_key_text(&secret);
    *ret_secret = xasprintf("%sseam secret key, without a password\n%s\n", untrusted, line);
    sodium_memzero(line, strlen(line));
    free(line);
    sodium_memzero(&secret, sizeof(secret));
    AUTO(freep) char *of_public = public_key_text(&public);
    *ret_public = xasprintf("%sseam public key %s\n%s\n", untrusted, ret_id, of_public);
}

/* ---- signatures ---- */

enum error_code minisig_read(const char *path, struct slice text, struct minisig *ret_signature,
                             struct error *reterr)
{
    unsigned char bytes[SIGNATURE_SIZE];
    struct slice lines[4];
    size_t count = 0, prefix = sizeof(trusted) - 1;
    while (count < 4 && next_line(&text, &lines[count]))
        count++;
    if (count < 4 || !slice_starts(lines[0], untrusted) ||
        !decode(lines[1], sizeof(bytes), bytes) || !slice_starts(lines[2], trusted) ||
        lines[2].len - prefix >= COMMENT_MAX ||
        !decode(lines[3], sizeof(ret_signature->global), ret_signature->global))
        return error_set(reterr, ERR_DENIED,
                         "%s is no signature of minisign (cure: sign the library again, or take "
                         "the file away)",
                         path);
    if (memcmp(bytes, "ED", ALGORITHM) != 0)
        return error_set(reterr, ERR_DENIED,
                         "%s is a signature of the kind \"%c%c\", and only \"ED\", over the hash "
                         "of the file, is taken (cure: minisign -S -H)",
                         path, bytes[0] >= ' ' && bytes[0] < 127 ? bytes[0] : '?',
                         bytes[1] >= ' ' && bytes[1] < 127 ? bytes[1] : '?');
    memcpy(ret_signature->number, bytes + ALGORITHM, KEY_NUMBER);
    memcpy(ret_signature->signature, bytes + ALGORITHM + KEY_NUMBER, crypto_sign_BYTES);
    memcpy(ret_signature->comment, lines[2].ptr + prefix, lines[2].len - prefix);
    ret_signature->comment[lines[2].len - prefix] = '\0';
    return ERR_OK;
}

/* What the second signature is over. Returns its length. */
static size_t global_bytes(const unsigned char *signature, const char *comment,
                           unsigned char ret_bytes[static crypto_sign_BYTES + COMMENT_MAX])
{
    size_t len = strlen(comment);
    memcpy(ret_bytes, signature, crypto_sign_BYTES);
    memcpy(ret_bytes + crypto_sign_BYTES, comment, len);
    return crypto_sign_BYTES + len;
}

bool minisig_holds(const struct minisig *s, const struct public_key *key,
                   const unsigned char hash[static 64])
{
    unsigned char all[crypto_sign_BYTES + COMMENT_MAX];
    size_t len = global_bytes(s->signature, s->comment, all);
    return memcmp(s->number, key->number, KEY_NUMBER) == 0 &&
           crypto_sign_verify_detached(s->signature, hash, HASH, key->key) == 0 &&
           crypto_sign_verify_detached(s->global, all, len, key->key) == 0;
}

char *minisig_make(const struct secret_key *key, const unsigned char hash[static 64],
                   const char *comment)
{
    unsigned char bytes[SIGNATURE_SIZE] = "ED", all[crypto_sign_BYTES + COMMENT_MAX];
    unsigned char global[crypto_sign_BYTES];
    ASSERT(strlen(comment) < COMMENT_MAX && sodium_init() >= 0);
    memcpy(bytes + ALGORITHM, key->number, KEY_NUMBER);
    crypto_sign_detached(bytes + ALGORITHM + KEY_NUMBER, NULL, hash, HASH, key->key);
    size_t len = global_bytes(bytes + ALGORITHM + KEY_NUMBER, comment, all);
    crypto_sign_detached(global, NULL, all, len, key->key);
    AUTO(freep) char *first = encode(bytes, sizeof(bytes));
    AUTO(freep) char *second = encode(global, sizeof(global));
    return xasprintf("%ssignature of a seam plugin\n%s\n%s%s\n%s\n", untrusted, first, trusted,
                     comment, second);
}
