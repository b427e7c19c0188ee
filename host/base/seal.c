/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys lie in locked memory that no dump has. From the secret comes one key to seal with, one to
 * hash with, and the id: BLAKE2b under a word of each, so that none tells of another. The secret
 * must be long, for nothing here makes guessing it slow.
 */
#include "base/seal.h"

#include "base/limits.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_SIZE = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    NONCE_SIZE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_SIZE = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    VARIANT = sodium_base64_VARIANT_URLSAFE_NO_PADDING,
    PLACE_PARTS = 8,
};

static const char mark[] = "sealed:1:";

struct seal {
    char id[SEAL_ID_SIZE], name[LIMIT_NAME + 1];
    unsigned char sealing[KEY_SIZE], hashing[KEY_SIZE];
};

struct missing {
    char *name, *why;
};

struct seals {
    struct seal **list;
    size_t count;
    struct missing *missing;
    size_t missing_count;
};

struct seals *seals_new(void)
{
    ASSERT(sodium_init() >= 0);
    return xcalloc(1, sizeof(struct seals));
}

void seals_free(struct seals *seals)
{
    if (!seals)
        return;
    for (size_t i = 0; i < seals->count; i++)
        sodium_free(seals->list[i]);
    for (size_t i = 0; i < seals->missing_count; i++) {
        free(seals->missing[i].name);
        free(seals->missing[i].why);
    }
    free(seals->list);
    free(seals->missing);
    free(seals);
}

/* ---- keys ---- */

static void derive(const unsigned char *from, size_t len, const char *word, unsigned char *to,
                   size_t size)
{
    unsigned char personal[crypto_generichash_blake2b_PERSONALBYTES] = {0};
    memcpy(personal, word, strlen(word));
    int done =
        crypto_generichash_blake2b_salt_personal(to, size, from, len, NULL, 0, NULL, personal);
    ASSERT(done == 0);
}

enum error_code seals_add(struct seals *seals, const char *name, struct slice secret,
                          const struct seal **ret_seal, struct error *reterr)
{
    if (secret.len < LIMIT_SEAL_SECRET_LEAST)
        return error_set(reterr, ERR_INPUT,
                         "secret \"%s\": expected at least %u bytes for a key, found %zu; "
                         "`openssl rand -hex 32` prints a good one",
                         name, LIMIT_SEAL_SECRET_LEAST, secret.len);
    ASSERT(strlen(name) <= LIMIT_NAME && !strpbrk(name, ":\""));
    struct seal *seal = sodium_malloc(sizeof(*seal));
    if (!seal)
        return error_set(reterr, ERR_LIMIT, "secret \"%s\": there is no memory for its key", name);
    unsigned char id[crypto_generichash_BYTES_MIN];
    const unsigned char *bytes = (const unsigned char *)secret.ptr;
    derive(bytes, secret.len, "seam seal id", id, sizeof(id));
    derive(bytes, secret.len, "seam seal", seal->sealing, KEY_SIZE);
    derive(bytes, secret.len, "seam seal hash", seal->hashing, KEY_SIZE);
    sodium_bin2hex(seal->id, sizeof(seal->id), id, (SEAL_ID_SIZE - 1) / 2);
    memcpy(seal->name, name, strlen(name) + 1);
    const struct seal *known = seals_find(seals, seal->id);
    *ret_seal = known ? known : seal;
    if (known) {
        sodium_free(seal);
        return ERR_OK;
    }
    sodium_mprotect_readonly(seal);
    seals->list = xrealloc(seals->list, (seals->count + 1) * sizeof(struct seal *));
    seals->list[seals->count++] = seal;
    return ERR_OK;
}

void seals_add_missing(struct seals *seals, const char *name, const char *why)
{
    seals->missing = xrealloc(seals->missing, (seals->missing_count + 1) * sizeof(*seals->missing));
    seals->missing[seals->missing_count++] = (struct missing){xstrdup(name), xstrdup(why)};
}

const struct seal *seals_next(const struct seals *seals, const struct seal *after)
{
    for (size_t i = 0; seals && i < seals->count; i++)
        if (!after || (i > 0 && seals->list[i - 1] == after))
            return seals->list[i];
    return NULL;
}

const struct seal *seals_find(const struct seals *seals, const char *id)
{
    for (size_t i = 0; seals && i < seals->count; i++)
        if (strcmp(seals->list[i]->id, id) == 0)
            return seals->list[i];
    return NULL;
}

const char *seal_id(const struct seal *seal)
{
    return seal->id;
}

const char *seal_name(const struct seal *seal)
{
    return seal->name;
}

/* ---- sealing ---- */

/* The place is bound by its digest, and with it what the text says of its key. */
static struct digest bind_place(const char *id, const char *name, const struct slice *place,
                                size_t parts)
{
    struct slice all[PLACE_PARTS + 2] = {slice_of(id), slice_of(name)};
    ASSERT(parts <= PLACE_PARTS);
    memcpy(all + 2, place, parts * sizeof(*place));
    return digest_of_parts(all, parts + 2);
}

void seal_text(const struct seal *seal, const struct slice *place, size_t parts, struct slice text,
               struct text *out)
{
    struct digest bound = bind_place(seal->id, seal->name, place, parts);
    size_t size = NONCE_SIZE + text.len + TAG_SIZE, room = sodium_base64_encoded_len(size, VARIANT);
    unsigned char *bytes = xmalloc(size);
    randombytes_buf(bytes, NONCE_SIZE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        bytes + NONCE_SIZE, NULL, (const unsigned char *)text.ptr, text.len, bound.bytes,
        DIGEST_SIZE, NULL, bytes, seal->sealing);
    text_addf(out, "%s%s:%s:", mark, seal->id, seal->name);
    char *to = text_room(out, room);
    if (to) {
        sodium_bin2base64(to, room, bytes, size, VARIANT);
        out->len += room - 1;
    }
    free(bytes);
}

/* ---- opening ---- */

static bool take_word(struct slice *rest, char *to, size_t size)
{
    const char *colon = rest->len > 0 ? memchr(rest->ptr, ':', rest->len) : NULL;
    size_t len = colon ? (size_t)(colon - rest->ptr) : 0;
    if (len == 0 || len >= size)
        return false;
    memcpy(to, rest->ptr, len);
    to[len] = '\0';
    *rest = (struct slice){colon + 1, rest->len - len - 1};
    return true;
}

bool seal_is(struct slice text, struct sealed *ret_sealed)
{
    if (!slice_starts(text, mark))
        return false;
    struct sealed sealed;
    struct slice rest = {text.ptr + sizeof(mark) - 1, text.len - (sizeof(mark) - 1)};
    if (!take_word(&rest, sealed.id, sizeof(sealed.id)) ||
        !take_word(&rest, sealed.name, sizeof(sealed.name)))
        return false;
    size_t around = NONCE_SIZE + TAG_SIZE, all = rest.len / 4 * 3 + rest.len % 4 * 3 / 4;
    sealed.bytes = rest;
    sealed.length = all > around ? all - around : 0;
    *ret_sealed = sealed;
    return true;
}

enum error_code seals_lack(const struct seals *seals, const struct sealed *sealed,
                           struct error *reterr)
{
    for (size_t i = 0; seals && i < seals->missing_count; i++)
        if (strcmp(seals->missing[i].name, sealed->name) == 0)
            return error_set(reterr, ERR_DENIED,
                             "its values are hidden under the key %s, of the secret \"%s\", which "
                             "cannot be had: %s",
                             sealed->id, sealed->name, seals->missing[i].why);
    for (size_t i = 0; seals && i < seals->count; i++)
        if (strcmp(seals->list[i]->name, sealed->name) == 0)
            return error_set(reterr, ERR_DENIED,
                             "its values are hidden under the key %s, and the secret \"%s\" is "
                             "another key today, %s; put that one back, under its name or under "
                             "another that `hide.older` of the manifest names",
                             sealed->id, sealed->name, seals->list[i]->id);
    return error_set(reterr, ERR_DENIED,
                     "its values are hidden under the key %s, of the secret \"%s\"; name it in "
                     "`hide.key` or `hide.older` of the manifest that you give",
                     sealed->id, sealed->name);
}

static enum error_code is_changed(struct error *reterr)
{
    return error_set(reterr, ERR_CORRUPT,
                     "what is hidden there is not what was written there: somebody changed the "
                     "journal; put a backup in its place, then `seam resume --all --restored`");
}

/* libsodium reads any byte that is no ASCII as the last letter of the alphabet. */
static bool is_ascii(struct slice text)
{
    unsigned char all = 0;
    for (size_t i = 0; i < text.len; i++)
        all |= (unsigned char)text.ptr[i];
    return all < 0x80;
}

enum error_code seals_open(const struct seals *seals, const struct slice *place, size_t parts,
                           struct slice text, struct text *out, struct error *reterr)
{
    struct sealed sealed;
    if (!seal_is(text, &sealed))
        return is_changed(reterr);
    const struct seal *seal = seals_find(seals, sealed.id);
    if (!seal)
        return seals_lack(seals, &sealed, reterr);
    size_t room = sealed.bytes.len / 4 * 3 + 3, size = 0;
    unsigned char *bytes = xmalloc(room);
    struct digest bound = bind_place(sealed.id, sealed.name, place, parts);
    bool good = is_ascii(sealed.bytes) &&
                sodium_base642bin(bytes, room, sealed.bytes.ptr, sealed.bytes.len, NULL, &size,
                                  NULL, VARIANT) == 0 &&
                size >= NONCE_SIZE + TAG_SIZE;
    if (good) {
        size_t len = size - NONCE_SIZE - TAG_SIZE;
        char *to = text_room(out, len);
        good = to && crypto_aead_xchacha20poly1305_ietf_decrypt(
                         (unsigned char *)to, NULL, NULL, bytes + NONCE_SIZE, len + TAG_SIZE,
                         bound.bytes, DIGEST_SIZE, bytes, seal->sealing) == 0;
        if (to) {
            out->len += good ? len : 0;
            out->ptr[out->len] = '\0';
        }
    }
    free(bytes);
    return good ? ERR_OK : is_changed(reterr);
}

struct digest seal_hash(const struct seal *seal, const struct slice *parts, size_t count)
{
    struct digest digest = digest_of_parts(parts, count), hash;
    int done = crypto_generichash(hash.bytes, sizeof(hash.bytes), digest.bytes,
                                  sizeof(digest.bytes), seal->hashing, KEY_SIZE);
    ASSERT(done == 0);
    return hash;
}
