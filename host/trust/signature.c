/* SPDX-License-Identifier: Apache-2.0
 *
 * Who signed a library. The signature lies beside it, in minisign's form, and is over the bytes
 * whose card was read; the keys that count are those that an operator has written down. A signature
 * that is wrong is refused, whoever asks for one; by a key that nobody knows, it says nothing.
 */
#include "base/limits.h"
#include "document/document.h"
#include "trust/minisign_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct keys {
    json_t *json;
};

/* ---- the keys that are trusted ---- */

static char *keys_path(const struct manifest *manifest)
{
    AUTO(freep) char *lock = lock_path(manifest);
    return xasprintf("%.*s.keys", (int)(strlen(lock) - strlen(".lock")), lock);
}

void keys_free(struct keys *keys)
{
    if (!keys)
        return;
    json_decref(keys->json);
    free(keys);
}

static enum error_code check_keys(const char *path, const json_t *json, struct error *reterr)
{
    const char *name;
    json_t *entry, *all = json_object_get(json, "trusted");
    if (json_integer_value(json_object_get(json, "keys")) != 1 || !json_is_object(all))
        return error_set(reterr, ERR_INPUT,
                         "%s is no file of trusted keys: expected {\"keys\": 1, \"trusted\": {…}} "
                         "(cure: restore it, or take it away and run `seam plugins trust`)",
                         path);
    json_object_foreach (all, name, entry) {
        struct public_key ignored;
        const char *key = json_string_value(json_object_get(entry, "key"));
        AUTO(freep) char *place = xasprintf("%s: /trusted/%.64s", path, name);
        enum error_code code = public_key_read(place, slice_of(key ? key : ""), &ignored, reterr);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

enum error_code keys_load(const struct manifest *manifest, struct keys **ret_keys,
                          struct error *reterr)
{
    AUTO(freep) char *path = keys_path(manifest);
    AUTO(json_decrefp) json_t *json = NULL;
    AUTO(text_done) struct text text;
    bool absent;
    text_init(&text, LIMIT_FILE);
    enum error_code code = notes_read(path, "file of trusted keys", &text, &absent, reterr);
    if (code == ERR_OK && absent)
        json = json_pack("{s:i, s:{}}", "keys", 1, "trusted");
    else if (code == ERR_OK && (code = json_read(text_slice(&text), LIMIT_FILE, &json, reterr)))
        error_prefix(reterr, "%s: ", path);
    if (code == ERR_OK)
        code = check_keys(path, json, reterr);
    if (code != ERR_OK)
        return code;
    *ret_keys = xcalloc(1, sizeof(**ret_keys));
    (*ret_keys)->json = TAKE(json);
    return ERR_OK;
}

/* ---- small files of others ---- */

static enum error_code read_small(const char *path, bool secret, struct text *out,
                                  struct error *reterr)
{
    char bytes[MINISIGN_FILE + 1];
    struct stat is;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return error_set(reterr, ERR_NOT_FOUND, "there is no file %s", path);
    if (fd < 0)
        return error_set_errno(reterr, errno, "cannot open %s", path);
    enum error_code code = ERR_OK;
    ssize_t got = 0;
    if (fstat(fd, &is) != 0 || !S_ISREG(is.st_mode))
        code = error_set(reterr, ERR_DENIED, "%s is no regular file", path);
    else if (secret && (is.st_mode & (S_IRWXG | S_IRWXO)))
        code = error_set(reterr, ERR_DENIED,
                         "%s has mode %04o: others may read the secret key (cure: chmod 600 '%s', "
                         "and make another if it was read)",
                         path, (unsigned)(is.st_mode & 07777), path);
    else if ((got = read(fd, bytes, sizeof(bytes))) < 0)
        code = error_set_errno(reterr, errno, "cannot read %s", path);
    else if (got > MINISIGN_FILE)
        code = error_set(reterr, ERR_LIMIT, "%s has more than %d bytes", path, MINISIGN_FILE);
    else
        text_add(out, bytes, (size_t)got);
    close(fd);
    sodium_memzero(bytes, sizeof(bytes));
    return code;
}

enum error_code keys_trust(const struct manifest *manifest, const char *file, const char *name,
                           const char *who, int64_t now_ms, char ret_id[static KEY_ID_SIZE],
                           struct error *reterr)
{
    AUTO(text_done) struct text text;
    struct public_key key;
    struct keys *keys = NULL;
    char when[32];
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm parts;
    text_init(&text, MINISIGN_FILE);
    enum error_code code = read_small(file, false, &text, reterr);
    if (code == ERR_OK)
        code = public_key_read(file, text_slice(&text), &key, reterr);
    if (code == ERR_OK)
        code = keys_load(manifest, &keys, reterr);
    if (code != ERR_OK)
        return code;
    key_id(key.number, ret_id);
    AUTO(freep) char *path = keys_path(manifest);
    AUTO(freep) char *line = public_key_text(&key);
    json_t *all = json_object_get(keys->json, "trusted"), *was = json_object_get(all, name);
    const char *other = json_string_value(json_object_get(was, "key"));
    if (other && strcmp(other, line) != 0) {
        code = error_set(reterr, ERR_CONFLICT,
                         "another key is trusted as `%s` (cure: another --name, or take that "
                         "block out of %s)",
                         name, path);
    } else if (!other) {
        gmtime_r(&seconds, &parts);
        strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &parts);
        json_object_set_new(
            all, name,
            json_pack("{s:s, s:s, s:s}", "key", line, "trusted_at", when, "trusted_by", who));
        char *json = json_dumps(keys->json, JSON_INDENT(2) | JSON_SORT_KEYS);
        AUTO(freep) char *written = xasprintf("%s\n", json);
        free(json);
        code = notes_write(path, slice_of(written), 0644, reterr);
    }
    keys_free(keys);
    return code;
}

/* ---- checking ---- */

/* The name under which that key is trusted, NULL if it is not. */
static const char *find_key(const struct keys *keys, const unsigned char *number,
                            struct public_key *ret_key)
{
    const char *name;
    json_t *entry;
    json_object_foreach (keys ? json_object_get(keys->json, "trusted") : NULL, name, entry) {
        const char *line = json_string_value(json_object_get(entry, "key"));
        if (public_key_read(name, slice_of(line), ret_key, NULL) == ERR_OK &&
            memcmp(ret_key->number, number, KEY_NUMBER) == 0)
            return name;
    }
    return NULL;
}

static enum error_code check_against(const struct keys *keys, const char *path,
                                     const struct minisig *signature, const struct card *card,
                                     struct signer *ret, struct error *reterr)
{
    unsigned char hash[64];
    struct public_key key;
    const char *name = find_key(keys, signature->number, &key);
    ret->is_signed = true;
    key_id(signature->number, ret->key);
    if (!name)
        return ERR_OK;
    enum error_code code = library_hash(card, hash, reterr);
    if (code != ERR_OK)
        return code;
    if (!minisig_holds(signature, &key, hash))
        return error_set(reterr, ERR_DENIED,
                         "%s says that %s was signed by key %s (%.64s), and it was not: one of "
                         "them has been changed (cure: get both anew from who signs them)",
                         path, card->path, ret->key, name);
    ret->is_trusted = true;
    snprintf(ret->name, sizeof(ret->name), "%s", name);
    return ERR_OK;
}

enum error_code signature_check(const struct keys *keys, const struct manifest *manifest,
                                const struct card *card, struct signer *ret_signer,
                                struct error *reterr)
{
    AUTO(freep) char *path = xasprintf("%s.minisig", card->path);
    AUTO(text_done) struct text text;
    struct minisig signature;
    struct error absent;
    *ret_signer = (struct signer){.is_signed = false};
    text_init(&text, MINISIGN_FILE);
    enum error_code code = read_small(path, false, &text, &absent);
    if (code == ERR_OK)
        code = minisig_read(path, text_slice(&text), &signature, reterr);
    else if (code != ERR_NOT_FOUND)
        return error_set(reterr, code, "%s", absent.text);
    else
        code = ERR_OK;
    if (code == ERR_OK && text.len > 0)
        code = check_against(keys, path, &signature, card, ret_signer, reterr);
    if (code != ERR_OK || ret_signer->is_trusted || !manifest->signatures_required)
        return code;
    return error_set(
        reterr, ERR_DENIED, "the manifest says `signatures: required`, and %s is %s%s (cure: %s)",
        card->path, ret_signer->is_signed ? "signed by a key that is not trusted: " : "not signed",
        ret_signer->key,
        ret_signer->is_signed
            ? "if you know whose it is, seam plugins trust KEY.pub"
            : "ask its author for FILE.so.minisig, or look at it and sign it yourself "
              "with seam plugins sign");
}

/* ---- signing ---- */

static enum error_code make_new(const char *path, const char *text, unsigned mode,
                                struct error *reterr)
{
    struct stat is;
    if (lstat(path, &is) == 0)
        return error_set(reterr, ERR_CONFLICT,
                         "%s is there already, and a key is not written over (cure: another name)",
                         path);
    return notes_write(path, slice_of(text), mode, reterr);
}

enum error_code key_make(const char *secret_file, const char *public_file,
                         char ret_id[static KEY_ID_SIZE], struct error *reterr)
{
    char *secret = NULL;
    AUTO(freep) char *public = NULL;
    key_texts(&secret, &public, ret_id);
    struct stat is;
    enum error_code code = ERR_OK;
    if (lstat(public_file, &is) == 0)
        code = make_new(public_file, public, 0644, reterr); /* says so */
    if (code == ERR_OK)
        code = make_new(secret_file, secret, 0600, reterr);
    if (code == ERR_OK)
        code = make_new(public_file, public, 0644, reterr);
    sodium_memzero(secret, strlen(secret));
    free(secret);
    return code;
}

enum error_code signature_make(const struct card *card, const char *secret_file, int64_t now_ms,
                               struct error *reterr)
{
    AUTO(text_done) struct text text;
    struct secret_key key;
    unsigned char hash[64];
    text_init(&text, MINISIGN_FILE);
    text_room(&text, MINISIGN_FILE - 1); /* lest a secret is left behind where it was moved from */
    enum error_code code = read_small(secret_file, true, &text, reterr);
    if (code == ERR_OK)
        code = secret_key_read(secret_file, text_slice(&text), &key, reterr);
    if (text.ptr)
        sodium_memzero(text.ptr, text.len);
    if (code != ERR_OK)
        return code;
    code = library_hash(card, hash, reterr);
    const char *slash = strrchr(card->path, '/');
    AUTO(freep)
    char *comment =
        xasprintf("timestamp:%lld\tfile:%.256s\thashed\tplugin:%s %s", (long long)(now_ms / 1000),
                  slash ? slash + 1 : card->path, card->id, card->version);
    if (code == ERR_OK) {
        AUTO(freep) char *written = minisig_make(&key, hash, comment);
        AUTO(freep) char *path = xasprintf("%s.minisig", card->path);
        code = notes_write(path, slice_of(written), 0644, reterr);
    }
    sodium_memzero(&key, sizeof(key));
    return code;
}
