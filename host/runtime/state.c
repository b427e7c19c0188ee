/* SPDX-License-Identifier: Apache-2.0
 *
 * state.get and state.put: small values that a plugin keeps from call to call and from run to run.
 * They stand in the journal's file, by key, in a space of the plugin's own: that of its alias and
 * its id, so that two aliases of one library are two, and another plugin that is given the alias
 * finds nothing of the one before. How much it may keep the card asks and the manifest grants.
 *
 * A put is answered when it is on disk, and a value that is not there yet is not given out. It is
 * in the run's record as what it is, in one transaction with the value. It stays, whatever becomes
 * of its call: a try that follows puts it again, and the last writer wins. Who must not overwrite
 * what another has put says which version he saw; versions are never given again, not even to a key
 * that was removed. The same call that puts the same again, upon the same version, has done so
 * already: that is what a retry does.
 */
#include "runtime/hidden_internal.h"
#include "runtime/http_internal.h"
#include "runtime/state_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static char *space_of(const struct live_call *call)
{
    return xasprintf("%s/%s", call->slot->roster->entry->alias, call->slot->roster->card->id);
}

/* ---- an answer that waits for the disk ---- */

struct keeping {
    struct live_run *live;
    struct slot *slot;
    uint64_t call, request;
    char *answer; /* JSON */
};

static void answer(struct slot *slot, uint64_t request, const char *json)
{
    outside_answer(slot, request,
                   &(struct plugin_answer){
                       .status = SEAM_OK, .effect = SEAM_EFFECT_NONE, .body = slice_of(json)});
}

static void kept(void *user, enum error_code code, const struct error *err)
{
    struct keeping *keeping = user;
    struct live_run *live = keeping->live;
    (void)err; /* the host stops */
    if (code == ERR_OK && call_find(keeping->slot, keeping->call))
        answer(keeping->slot, keeping->request, keeping->answer);
    free(keeping->answer);
    free(keeping);
    live->barriers--;
    live_release(live);
}

static void answer_when_kept(struct live_call *call, uint64_t request, bool on_disk,
                             char *json_taken)
{
    if (on_disk) {
        answer(call->slot, request, json_taken);
        free(json_taken);
        return;
    }
    struct keeping *keeping = xcalloc(1, sizeof(*keeping));
    *keeping = (struct keeping){.live = call->live,
                                .slot = call->slot,
                                .call = call->id,
                                .request = request,
                                .answer = json_taken};
    call->live->barriers++;
    host_barrier(call->live->host, false, kept, keeping);
}

/* ---- may it? ---- */

static void bad_request(struct live_call *call, uint64_t request, const char *op,
                        const char *expected)
{
    service_fail(call->slot, request, SEAM_E_INPUT, SEAM_EFFECT_NONE, "bad-request",
                 "%s: expected %s", op, expected);
}

static bool is_allowed(struct live_call *call, uint64_t request)
{
    const struct manifest_plugin *entry = call->slot->roster->entry;
    if (call->slot->roster->card->state_bytes < 0)
        service_fail(call->slot, request, SEAM_E_DENIED, SEAM_EFFECT_NONE, "not-granted",
                     "the card of plugin `%s` does not ask for `state`", entry->alias);
    else if (entry->state_bytes < 0)
        service_fail(call->slot, request, SEAM_E_DENIED, SEAM_EFFECT_NONE, "not-granted",
                     "state is not granted: plugins.%s.grants.state of the manifest would have to "
                     "say how much, such as 64kb",
                     entry->alias);
    else
        return true;
    return false;
}

static const char *key_of(const json_t *body)
{
    const json_t *said = json_object_get(body, "key");
    const char *key = json_string_value(said);
    size_t len = json_string_length(said);
    return key && len > 0 && len <= LIMIT_STATE_KEY && strlen(key) == len ? key : NULL;
}

/* What cannot be read is the journal's failure, and the end of the host; what a hidden run has put
 * is opened into `clear`. */
static bool look(struct live_call *call, uint64_t request, const char *space, const char *key,
                 struct journal_value *ret_value, struct text *clear, bool *ret_on_disk)
{
    struct host *host = call->live->host;
    struct error err;
    text_init(clear, SIZE_MAX / 2);
    if (journal_value(host->journal, space, key, ret_value, ret_on_disk, &err) != ERR_OK) {
        host_fail(host, &err);
        return false;
    }
    if (hidden_see_value(host, space, key, ret_value, clear, &err) == ERR_OK)
        return true;
    service_fail(call->slot, request, SEAM_E_DENIED, SEAM_EFFECT_NONE, "hidden",
                 "what is kept under \"%s\": %s", key, err.text);
    return false;
}

/* ---- get ---- */

void state_asked(struct live_call *call, uint64_t request, json_t *body)
{
    const char *key = key_of(body);
    struct journal_value value;
    bool on_disk;
    if (!key || json_object_size(body) != 1) {
        bad_request(call, request, "state.get/1",
                    "`key`, a text of 1 to 256 bytes without NUL, and nothing else");
        return;
    }
    AUTO(freep) char *space = space_of(call);
    AUTO(text_done) struct text clear = {0};
    if (!is_allowed(call, request) || !look(call, request, space, key, &value, &clear, &on_disk))
        return;
    struct text json;
    text_init(&json, SIZE_MAX / 2);
    text_addf(&json, "{\"version\":%" PRIu64, value.version);
    if (value.version > 0) {
        text_adds(&json, ",\"value\":");
        text_add(&json, value.value.ptr, value.value.len);
    }
    text_addc(&json, '}');
    answer_when_kept(call, request, on_disk, text_take(&json));
}

/* ---- put ---- */

struct putting {
    const char *key;
    json_t *value;    /* NULL = it goes */
    struct text text; /* of the value */
    int64_t seen;     /* if_version; -1 = not said */
};

static const char *read_putting(const json_t *body, struct putting *ret)
{
    json_t *value = json_object_get(body, "value"), *remove = json_object_get(body, "remove"),
           *seen = json_object_get(body, "if_version");
    size_t known = 1u + (value ? 1 : 0) + (remove ? 1 : 0) + (seen ? 1 : 0);
    ret->key = key_of(body);
    ret->seen = seen ? json_integer_value(seen) : -1;
    if (!ret->key || known != json_object_size(body))
        return "`key`, a text of 1 to 256 bytes without NUL, `value` or `remove`, and `if_version`";
    if ((value != NULL) == (remove != NULL) || (remove && !json_is_true(remove)))
        return "either `value` or `\"remove\": true`";
    if (seen && (!json_is_integer(seen) || ret->seen < 0))
        return "`if_version`, an integer of at least 0";
    return NULL;
}

static char *stored(bool yes, uint64_t version)
{
    return xasprintf("{\"stored\":%s,\"version\":%" PRIu64 "}", yes ? "true" : "false", version);
}

/* This very call has put it there, upon the version that it names: an earlier try did. */
static bool is_repeated(const struct live_call *call, const struct putting *putting,
                        const struct journal_value *is)
{
    return is->version > 0 && strcmp(is->writer, call->key) == 0 &&
           is->base == (uint64_t)putting->seen && putting->value &&
           slice_is(is->value, text_str(&putting->text));
}

static void put(struct live_call *call, uint64_t request, const struct putting *putting,
                const char *space, const struct journal_value *is)
{
    struct host *host = call->live->host;
    const struct manifest_plugin *entry = call->slot->roster->entry;
    struct journal_space before, after;
    struct error err;
    if (journal_space(host->journal, space, &before, &err) != ERR_OK) {
        host_fail(host, &err);
        return;
    }
    size_t key = strlen(putting->key);
    after = before;
    after.bytes -= is->version > 0 ? is->value.len + key : 0;
    after.bytes += putting->value ? putting->text.len + key : 0;
    after.keys -= is->version > 0;
    after.keys += putting->value != NULL;
    after.version++;
    if (after.bytes > (uint64_t)entry->state_bytes && after.bytes > before.bytes) {
        service_fail(call->slot, request, SEAM_E_DENIED, SEAM_EFFECT_NONE, "quota",
                     "state.put/1: plugin `%s` keeps %" PRIu64 " bytes, with this it would be "
                     "%" PRIu64 ", and plugins.%s.grants.state of the manifest is %" PRId64,
                     entry->alias, before.bytes, after.bytes, entry->alias, entry->state_bytes);
        return;
    }
    uint64_t version = putting->value ? after.version : 0;
    AUTO(json_decrefp) json_t *record = json_pack("{s:I}", "version", (json_int_t)after.version);
    if (putting->value)
        json_object_set(record, "value", putting->value);
    struct event event = {.kind = EVENT_STATE_PUT,
                          .task = call->task,
                          .attempt = call->attempt,
                          .code = putting->key,
                          .body = record};
    struct journal_value value = {.space = space,
                                  .key = putting->key,
                                  .value = putting->value ? text_slice(&putting->text)
                                                          : (struct slice){NULL, 0},
                                  .version = after.version,
                                  .base = putting->seen < 0 ? is->version : (uint64_t)putting->seen,
                                  .writer = call->key,
                                  .after = after};
    AUTO(text_done) struct text sealed;
    text_init(&sealed, SIZE_MAX / 2);
    hidden_keep_value(call->live, &value, &sealed);
    live_happen_keeping(call->live, &event, &value);
    answer_when_kept(call, request, false, stored(true, version));
}

static void put_if(struct live_call *call, uint64_t request, struct putting *putting)
{
    struct journal_value is;
    bool on_disk;
    AUTO(freep) char *space = space_of(call);
    AUTO(text_done) struct text clear = {0};
    if (!look(call, request, space, putting->key, &is, &clear, &on_disk))
        return;
    bool gone = !putting->value && is.version == 0; /* as it is to be */
    if (gone || is_repeated(call, putting, &is))
        answer_when_kept(call, request, on_disk, stored(true, is.version));
    else if (putting->seen >= 0 && (uint64_t)putting->seen != is.version)
        answer_when_kept(call, request, on_disk, stored(false, is.version));
    else
        put(call, request, putting, space, &is);
}

void state_put(struct live_call *call, uint64_t request, json_t *body)
{
    struct putting putting = {0};
    const char *expected = read_putting(body, &putting);
    if (expected) {
        bad_request(call, request, "state.put/1", expected);
        return;
    }
    if (!is_allowed(call, request))
        return;
    AUTO(json_decrefp)
    json_t *value = secrets_name_json(call, json_object_get(body, "value"));
    putting.value = value;
    text_init(&putting.text, LIMIT_STATE_VALUE);
    if (value)
        json_write(value, &putting.text);
    if (putting.text.overflowed)
        service_fail(call->slot, request, SEAM_E_INPUT, SEAM_EFFECT_NONE, "too-large",
                     "state.put/1: a value has at most %u bytes as JSON", LIMIT_STATE_VALUE);
    else
        put_if(call, request, &putting);
    text_done(&putting.text);
}
