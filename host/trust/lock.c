/* SPDX-License-Identifier: Apache-2.0
 *
 * The lock: read, held against what would be loaded, written. It is JSON with one plugin a block,
 * by alias, so that a difference in it can be read.
 */
#include "base/limits.h"
#include "document/document.h"
#include "trust/trust_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct lock {
    json_t *json;
};

char *lock_path(const struct manifest *manifest)
{
    const char *slash = strrchr(manifest->file, '/');
    const char *name = slash ? slash + 1 : manifest->file, *dot = strrchr(name, '.');
    int stem = dot && dot != name ? (int)(dot - name) : (int)strlen(name);
    return xasprintf("%s/%.*s.lock", manifest->folder, stem, name);
}

void lock_free(struct lock *lock)
{
    if (!lock)
        return;
    json_decref(lock->json);
    free(lock);
}

void lock_freep(struct lock **lock)
{
    lock_free(*lock);
}

/* ---- reading ---- */

static bool is_digest(const json_t *value)
{
    struct digest ignored;
    const char *text = json_string_value(value);
    return text && digest_from_hex(slice_of(text), &ignored);
}

static enum error_code check_shape(const char *path, const json_t *json, struct error *reterr)
{
    const json_t *version = json_object_get(json, "lock");
    json_t *plugins = json_object_get(json, "plugins"), *entry;
    const char *alias;
    if (json_is_integer(version) && json_integer_value(version) > 1)
        return error_set(reterr, ERR_NEWER,
                         "%s is a lock of format %" JSON_INTEGER_FORMAT
                         "; this host reads format 1 (cure: update seam)",
                         path, json_integer_value(version));
    if (!json_is_integer(version) || json_integer_value(version) != 1 || !json_is_object(plugins))
        return error_set(reterr, ERR_INPUT,
                         "%s is no lock: expected {\"lock\": 1, \"plugins\": {…}} (cure: take it "
                         "away and run `seam plugins approve --all`, or restore it)",
                         path);
    json_object_foreach (plugins, alias, entry) {
        if (!is_digest(json_object_get(entry, "card")) ||
            !is_digest(json_object_get(entry, "library")) ||
            !json_is_object(json_object_get(entry, "granted")))
            return error_set(reterr, ERR_INPUT,
                             "%s: /plugins/%s: expected the digests `card` and `library` and an "
                             "object `granted` (cure: run `seam plugins approve %s` when this "
                             "block is taken out)",
                             path, alias, alias);
    }
    return ERR_OK;
}

enum error_code lock_load(const struct manifest *manifest, struct lock **ret_lock,
                          struct error *reterr)
{
    AUTO(freep) char *path = lock_path(manifest);
    AUTO(json_decrefp) json_t *json = NULL;
    AUTO(text_done) struct text text;
    bool absent;
    text_init(&text, LIMIT_FILE);
    enum error_code code = notes_read(path, "lock", &text, &absent, reterr);
    if (code == ERR_OK && absent) {
        *ret_lock = NULL;
        return ERR_OK;
    }
    if (code == ERR_OK && (code = json_read(text_slice(&text), LIMIT_FILE, &json, reterr)))
        error_prefix(reterr, "the lock %s: ", path);
    if (code == ERR_OK)
        code = check_shape(path, json, reterr);
    if (code != ERR_OK)
        return code;
    *ret_lock = xcalloc(1, sizeof(**ret_lock));
    (*ret_lock)->json = TAKE(json);
    return ERR_OK;
}

/* ---- holding against it ---- */

const json_t *lock_entry(const struct lock *lock, const char *alias)
{
    return lock ? json_object_get(json_object_get(lock->json, "plugins"), alias) : NULL;
}

json_t *lock_granted(const struct manifest *manifest, const struct manifest_plugin *entry)
{
    static const char *const pinned[] = {"grants", "isolation", "sandbox"};
    const json_t *all = json_object_get(document_root(manifest->document), "plugins");
    const json_t *plugin = json_object_get(all, entry->alias);
    json_t *granted = json_object();
    for (size_t i = 0; i < sizeof(pinned) / sizeof(pinned[0]); i++) {
        json_t *value = json_object_get(plugin, pinned[i]);
        if (value)
            json_object_set_new(granted, pinned[i], json_deep_copy(value));
    }
    return granted;
}

static void differ(struct text *out, const json_t *pinned, const char *key, const char *found,
                   const char *what)
{
    const char *said = json_string_value(json_object_get(pinned, key));
    if (!said || strcmp(said, found) != 0)
        text_addf(out, "%s%s %.16s… was approved, and this is %.16s…", out->len > 0 ? "; " : "",
                  what, said ? said : "none", found);
}

enum error_code lock_check(const struct lock *lock, const struct manifest *manifest,
                           const struct manifest_plugin *entry, const struct card *card,
                           const struct signer *signer, struct error *reterr)
{
    const json_t *pinned = lock_entry(lock, entry->alias);
    AUTO(freep) char *path = lock_path(manifest);
    if (!lock && !manifest->lock_required)
        return ERR_OK;
    if (!lock)
        return error_set(reterr, ERR_DENIED,
                         "the manifest says `lock: required`, and there is no %s (cure: look at "
                         "what is asked for and granted, and run `seam plugins approve --all`)",
                         path);
    if (!pinned)
        return error_set(reterr, ERR_DENIED,
                         "plugin `%s` is not in %s: nobody has approved it (cure: seam plugins "
                         "approve %s)",
                         entry->alias, path, entry->alias);
    char library[DIGEST_HEX_SIZE], digest[DIGEST_HEX_SIZE];
    digest_hex(&card->library, library);
    digest_hex(&card->bare, digest);
    AUTO(text_done) struct text out;
    text_init(&out, ERROR_TEXT_SIZE / 2);
    differ(&out, pinned, "library", library, "the library");
    differ(&out, pinned, "card", digest, "the card");
    const char *key = json_string_value(json_object_get(pinned, "key"));
    if (key && (!signer->is_trusted || strcmp(key, signer->key) != 0))
        text_addf(&out, "%sit was signed by key %.16s, and this is not", out.len > 0 ? "; " : "",
                  key);
    AUTO(json_decrefp) json_t *granted = lock_granted(manifest, entry);
    if (!json_equal(granted, json_object_get(pinned, "granted")))
        text_addf(&out, "%sthe manifest grants something else than what was approved",
                  out.len > 0 ? "; " : "");
    if (out.len == 0)
        return ERR_OK;
    return error_set(reterr, ERR_DENIED,
                     "plugin `%s` (%s %s) is not what %s says: %s (cure: `seam plugins approve %s` "
                     "shows the difference and asks)",
                     entry->alias, card->id, card->version, path, text_str(&out), entry->alias);
}

/* ---- writing ---- */

void lock_approve(struct lock **lock, const struct manifest *manifest,
                  const struct manifest_plugin *entry, const struct card *card,
                  const struct signer *signer, const char *who, int64_t now_ms)
{
    char library[DIGEST_HEX_SIZE], digest[DIGEST_HEX_SIZE], when[32];
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &parts);
    digest_hex(&card->library, library);
    digest_hex(&card->bare, digest);
    if (!*lock) {
        *lock = xcalloc(1, sizeof(**lock));
        (*lock)->json = json_pack("{s:i, s:{}}", "lock", 1, "plugins");
    }
    json_object_set_new(json_object_get((*lock)->json, "plugins"), entry->alias,
                        json_pack("{s:s, s:s, s:s, s:s, s:o, s:o*, s:s*, s:s*, s:s, s:s}", "id",
                                  card->id, "version", card->version, "card", digest, "library",
                                  library, "granted", lock_granted(manifest, entry), "agents",
                                  agents_pins(card), "key", signer->is_trusted ? signer->key : NULL,
                                  "signed_by", signer->is_trusted ? signer->name : NULL,
                                  "approved_at", when, "approved_by", who));
}

size_t lock_prune(struct lock *lock, const struct manifest *manifest)
{
    json_t *plugins = json_object_get(lock->json, "plugins"), *entry;
    const json_t *known = json_object_get(document_root(manifest->document), "plugins");
    size_t gone = 0;
    const char *alias;
    void *next;
    json_object_foreach_safe (plugins, next, alias, entry) {
        if (!json_object_get(known, alias)) {
            json_object_del(plugins, alias);
            gone++;
        }
    }
    return gone;
}

enum error_code lock_write(const struct lock *lock, const struct manifest *manifest,
                           struct error *reterr)
{
    AUTO(freep) char *path = lock_path(manifest);
    char *json = json_dumps(lock->json, JSON_INDENT(2) | JSON_SORT_KEYS);
    AUTO(freep) char *text = xasprintf("%s\n", json);
    free(json);
    return notes_write(path, slice_of(text), 0644, reterr);
}
