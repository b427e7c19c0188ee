/* SPDX-License-Identifier: Apache-2.0
 *
 * Hidden runs: what the manifest's `hide` names. That a run is hidden is settled when it begins,
 * and stays: each of its records says so itself, with the key and the secret that open it.
 *
 *   {"hidden": {"event": …, "decisions": […]}, "texts": [{"$kept": "<digest>"}, …], "sealed": "…"}
 *
 * `sealed` is the whole record, as that of another run would stand there; it is bound to the run,
 * to the record's number and to all that stands before it. `hidden` is what of the record tells no
 * value: kinds, rules, states, times, counts, steps. `texts` are the large values that are kept
 * beside it, each sealed, under the digest of what is kept: the chain and `seam verify` go by those
 * and need no key. A program that knows nothing of hidden runs finds no event there, and refuses.
 *
 * What is a key beyond one run, as a claim is, stands there as a keyed hash.
 */
#include "runtime/hidden_internal.h"

#include "base/seal.h"

#include <stdlib.h>
#include <string.h>

static const char front[] = "{\"" HIDDEN_OPEN "\":", tail[] = "\"}";

struct hiding hidden_of(const struct seal *seal, const char *run)
{
    struct digest digest = digest_of(slice_of(run));
    struct hiding hiding = {.seal = seal, .run = run};
    memcpy(&hiding.tag, digest.bytes, sizeof(hiding.tag));
    hiding.tag |= 1;
    return hiding;
}

/* ---- keys ---- */

static enum error_code read_key(struct vault *vault, const struct manifest_key *key,
                                struct seals *keys, const struct seal **ret_seal,
                                struct error *reterr)
{
    struct slice secret;
    enum error_code code = vault_read(vault, key->name, key->file, key->variable, &secret, reterr);
    return code == ERR_OK ? seals_add(keys, key->name, secret, ret_seal, reterr) : code;
}

enum error_code hidden_open_keys(struct host *host, const struct manifest *manifest,
                                 const struct seal **ret_seal, struct error *reterr)
{
    *ret_seal = NULL;
    if (manifest->hide.key_count == 0 || host->options.in_memory || host->options.stand_ins)
        return ERR_OK;
    if (!host->keys) {
        host->keys = seals_new();
        journal_reader_give_keys(journal_own_reader(host->journal), host->keys);
    }
    for (size_t i = 0; i < manifest->hide.key_count; i++) {
        const struct seal *seal;
        enum error_code code =
            read_key(host->vault, &manifest->hide.keys[i], host->keys, &seal, reterr);
        if (code != ERR_OK) {
            error_prefix(reterr, "`hide` of %s: ", manifest->file);
            return code;
        }
        if (i == 0)
            *ret_seal = seal;
    }
    return ERR_OK;
}

void reader_take_keys(struct journal_reader *reader, const struct manifest *manifest)
{
    if (manifest->hide.key_count == 0)
        return;
    struct vault *vault = vault_new();
    struct seals *keys = seals_new();
    for (size_t i = 0; i < manifest->hide.key_count; i++) {
        const struct seal *seal;
        struct error err;
        if (read_key(vault, &manifest->hide.keys[i], keys, &seal, &err) != ERR_OK)
            seals_add_missing(keys, manifest->hide.keys[i].name, err.text);
    }
    vault_free(vault);
    journal_reader_give_keys(reader, keys);
}

const struct seal *hidden_begins(const struct host *host, const char *flow)
{
    const struct manifest_hide *hide = &host->manifest->hide;
    for (size_t i = 0; i < hide->flow_count; i++)
        if (strcmp(hide->flows[i], flow) == 0)
            return host->seal;
    return hide->flow_count == 0 ? host->seal : NULL;
}

/* ---- records ---- */

enum { RECORD_PLACE = 4, TEXT_PLACE = 2 };

static void put_number(unsigned char to[static 8], uint64_t number)
{
    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(number >> (8 * i));
}

static void write_plain(void *user, json_t *value, struct text *out)
{
    (void)user;
    json_write(value, out);
}

void hidden_write(const struct run *run, const struct event *event,
                  const struct decisions *decisions, uint64_t seq, struct slice whole,
                  const struct writing *writing, struct text *out)
{
    const struct record_style style = {json_write_string, write_plain, NULL, .open = true};
    unsigned char number[8];
    put_number(number, seq);
    text_adds(out, front);
    record_write(run, event, decisions, &style, out);
    text_addf(out, ",\"texts\":[%s],\"sealed\":\"", text_str(&writing->references));
    const struct slice place[RECORD_PLACE] = {SLICE("record"),
                                              slice_of(writing->hiding->run),
                                              {(const char *)number, sizeof(number)},
                                              text_slice(out)};
    AUTO(text_done) struct text sealed;
    text_init(&sealed, SIZE_MAX / 2);
    seal_text(writing->hiding->seal, place, RECORD_PLACE, whole, &sealed);
    text_add(out, sealed.ptr, sealed.len);
    text_adds(out, tail);
}

bool hidden_is(struct slice body)
{
    return slice_starts(body, front);
}

/* Splits the record before what is sealed. */
static bool find_sealed(struct slice body, struct slice *ret_before, struct slice *ret_sealed)
{
    size_t end = sizeof(tail) - 1;
    if (body.len < sizeof(front) + end || memcmp(body.ptr + body.len - end, tail, end) != 0)
        return false;
    const char *quote = memrchr(body.ptr, '"', body.len - end);
    if (!quote)
        return false;
    *ret_before = (struct slice){body.ptr, (size_t)(quote + 1 - body.ptr)};
    *ret_sealed = (struct slice){quote + 1, body.len - end - ret_before->len};
    return true;
}

static enum error_code no_record(struct error *reterr)
{
    return error_set(reterr, ERR_CORRUPT, "a hidden record has nothing sealed at its end");
}

enum error_code hidden_read(const struct journal_reader *reader, const struct journal_record *from,
                            struct text *out, struct error *reterr)
{
    struct slice before, sealed;
    unsigned char number[8];
    put_number(number, from->seq);
    if (!find_sealed(from->body, &before, &sealed))
        return no_record(reterr);
    const struct slice place[RECORD_PLACE] = {
        SLICE("record"), slice_of(from->run), {(const char *)number, sizeof(number)}, before};
    return seals_open(journal_reader_keys(reader), place, RECORD_PLACE, sealed, out, reterr);
}

void hidden_seal(const struct hiding *hiding, struct slice text, struct text *out)
{
    const struct slice place[TEXT_PLACE] = {SLICE("text"), slice_of(hiding->run)};
    seal_text(hiding->seal, place, TEXT_PLACE, text, out);
}

enum error_code hidden_open(const struct journal_reader *reader, const char *run, struct slice text,
                            struct text *out, struct error *reterr)
{
    const struct slice place[TEXT_PLACE] = {SLICE("text"), slice_of(run)};
    return seals_open(journal_reader_keys(reader), place, TEXT_PLACE, text, out, reterr);
}

/* ---- claims ---- */

static char *hashed(const struct seal *seal, const char *what, const char *text)
{
    const struct slice parts[] = {slice_of(what), slice_of(text)};
    char hex[DIGEST_HEX_SIZE];
    struct digest hash = seal_hash(seal, parts, sizeof(parts) / sizeof(parts[0]));
    digest_hex(&hash, hex);
    return xstrdup(hex);
}

static void make_claim(const struct live_run *live, const struct seal *seal, const char *reference,
                       const char *key, char **ret_claim, char **ret_owner)
{
    AUTO(freep) char *claim = seal ? hashed(seal, "claim", reference) : NULL;
    AUTO(freep) char *owner = seal ? hashed(seal, "owner", key) : NULL;
    *ret_claim = seal ? xasprintf("hidden/%s/%s", seal_id(seal), claim) : xstrdup(reference);
    *ret_owner = xasprintf("%s/%s", run_id(live->run), seal ? owner : key);
}

void hidden_claim(const struct live_run *live, const char *reference, const char *key,
                  char **ret_claim, char **ret_owner)
{
    make_claim(live, live->seal, reference, key, ret_claim, ret_owner);
}

bool hidden_claimed(const struct live_run *live, const char *reference, const char *key)
{
    const struct seal *seal = NULL;
    bool claimed = false;
    do {
        AUTO(freep) char *claim = NULL, *owner = NULL;
        make_claim(live, seal, reference, key, &claim, &owner);
        claimed |= journal_claimed(live->host->journal, claim, owner);
        seal = seals_next(live->host->keys, seal);
    } while (seal && !claimed);
    return claimed;
}

/* ---- what plugins keep ---- */

enum { VALUE_PLACE = 4 };

static struct slice version_part(const struct journal_value *value, unsigned char bytes[static 8])
{
    put_number(bytes, value->version);
    return (struct slice){(const char *)bytes, 8};
}

void hidden_keep_value(const struct live_run *live, struct journal_value *value, struct text *out)
{
    unsigned char version[8];
    if (!live->seal || !value->value.ptr)
        return;
    const struct slice place[VALUE_PLACE] = {SLICE("state"), slice_of(value->space),
                                             slice_of(value->key), version_part(value, version)};
    seal_text(live->seal, place, VALUE_PLACE, value->value, out);
    value->value = text_slice(out);
}

enum error_code hidden_see_value(const struct host *host, const char *space, const char *key,
                                 struct journal_value *value, struct text *out,
                                 struct error *reterr)
{
    struct sealed sealed;
    unsigned char version[8];
    if (!seal_is(value->value, &sealed))
        return ERR_OK;
    const struct slice place[VALUE_PLACE] = {SLICE("state"), slice_of(space), slice_of(key),
                                             version_part(value, version)};
    enum error_code code = seals_open(host->keys, place, VALUE_PLACE, value->value, out, reterr);
    if (code == ERR_OK)
        value->value = text_slice(out);
    return code;
}

/* ---- of which key a run is ---- */

struct first_look {
    bool hidden, whole;
    struct sealed sealed;
};

static bool look_at_first(void *user, const struct journal_record *record,
                          const struct digest *hash)
{
    struct first_look *look = user;
    struct slice before, sealed;
    (void)hash;
    look->hidden = hidden_is(record->body);
    look->whole = find_sealed(record->body, &before, &sealed) && seal_is(sealed, &look->sealed);
    return false;
}

enum error_code hidden_find(struct journal_reader *reader, const char *id,
                            const struct seal **ret_seal, struct error *reterr)
{
    struct first_look look = {.hidden = false};
    *ret_seal = NULL;
    enum error_code code = journal_read(reader, id, 1, look_at_first, &look, reterr);
    if (code != ERR_OK || !look.hidden)
        return code;
    if (!look.whole)
        return no_record(reterr);
    *ret_seal = seals_find(journal_reader_keys(reader), look.sealed.id);
    return *ret_seal ? ERR_OK : seals_lack(journal_reader_keys(reader), &look.sealed, reterr);
}

/* ---- messages ---- */

enum { MESSAGE_PLACE = 2 };

enum error_code inbox_hide(struct journal_reader *reader, const char *run, json_t *message,
                           json_t **ret_message, struct error *reterr)
{
    const struct seal *seal;
    enum error_code code = hidden_find(reader, run, &seal, reterr);
    if (code != ERR_OK || !seal) {
        *ret_message = code == ERR_OK ? json_incref(message) : NULL;
        return code;
    }
    const struct slice place[MESSAGE_PLACE] = {SLICE("inbox"), slice_of(run)};
    AUTO(text_done) struct text clear, sealed;
    text_init(&clear, SIZE_MAX / 2);
    text_init(&sealed, SIZE_MAX / 2);
    json_write(message, &clear);
    seal_text(seal, place, MESSAGE_PLACE, text_slice(&clear), &sealed);
    *ret_message = json_pack("{s:s}", HIDDEN_OPEN, text_str(&sealed));
    return ERR_OK;
}

enum error_code inbox_see(const struct journal_reader *reader, const char *run, json_t *message,
                          json_t **ret_message, struct error *reterr)
{
    const json_t *sealed = json_object_get(message, HIDDEN_OPEN);
    if (!json_is_string(sealed)) {
        *ret_message = json_incref(message);
        return ERR_OK;
    }
    const struct slice place[MESSAGE_PLACE] = {SLICE("inbox"), slice_of(run)};
    AUTO(text_done) struct text clear;
    text_init(&clear, SIZE_MAX / 2);
    enum error_code code = seals_open(journal_reader_keys(reader), place, MESSAGE_PLACE,
                                      slice_of(json_string_value(sealed)), &clear, reterr);
    return code == ERR_OK ? json_read_own(text_slice(&clear), ret_message, reterr) : code;
}

/* ---- what needs no key ---- */

struct open_reading {
    run_each_record each;
    void *user;
    char *secret;
    enum error_code code;
    struct error error;
};

static bool read_open(void *user, const struct journal_record *record, const struct digest *hash)
{
    struct open_reading *reading = user;
    struct slice before, sealed;
    struct sealed says;
    AUTO(json_decrefp) json_t *json = NULL;
    (void)hash;
    if (!hidden_is(record->body))
        reading->code = error_set(&reading->error, ERR_NOT_FOUND, "it is not hidden");
    else if (!find_sealed(record->body, &before, &sealed) || !seal_is(sealed, &says))
        reading->code = no_record(&reading->error);
    else
        reading->code = json_read_own(record->body, &json, &reading->error);
    if (reading->code != ERR_OK)
        return false;
    if (!reading->secret)
        reading->secret = xstrdup(says.name);
    return reading->each(reading->user, record->seq,
                         json_incref(json_object_get(json, HIDDEN_OPEN)));
}

enum error_code run_open_records(struct journal_reader *reader, const char *id,
                                 run_each_record each, void *user, char **ret_secret,
                                 struct error *reterr)
{
    struct open_reading reading = {.each = each, .user = user, .code = ERR_OK};
    enum error_code code = journal_read(reader, id, 1, read_open, &reading, reterr);
    if (code == ERR_OK && reading.code != ERR_OK)
        code = error_set(reterr, reading.code, "run %s: %s", id, reading.error.text);
    if (code == ERR_OK)
        *ret_secret = TAKE(reading.secret);
    free(reading.secret);
    return code;
}
