/* SPDX-License-Identifier: Apache-2.0
 *
 * Faults of plugins. One whose worker ends is started again after a wait that doubles, up to a
 * most; how much of the wait is waited is drawn from the store, the library and the count, so that
 * plugins that died together do not come back together, and whoever looks again finds the same.
 *
 * A library that faults too often within a time, or says what no plugin's worker says, is put in
 * quarantine: by the digest of its bytes, whatever it is called, and for every plugin that it is.
 * It is not started and not called, in this host and in those that come after it, for the journal
 * keeps a note of it; until a person releases it. A new build has other bytes, and was never in it.
 *
 *   sound → suspect       a fault within the time of the next                [slot_fault]
 *   suspect → quarantine  one too many, or a breach                          [put_in_quarantine]
 *   quarantine → sound    released by a person                               [release]
 */
#include "runtime/faults_internal.h"
#include "runtime/http_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NOTES "quarantine:"

/* A library that had a fault, or is in quarantine. */
struct suspect {
    struct suspect *next;
    struct digest library;
    int64_t *faults_ms; /* the last `room`: a ring */
    size_t count, room;
    json_t *quarantine; /* as it is noted; NULL = it is in none */
};

static struct suspect *suspect_of(const struct host *host, const struct digest *library)
{
    struct suspect *suspect = host->suspects;
    while (suspect && !digest_equal(&suspect->library, library))
        suspect = suspect->next;
    return suspect;
}

static struct suspect *suspect_make(struct host *host, const struct digest *library)
{
    struct suspect *suspect = suspect_of(host, library);
    if (suspect)
        return suspect;
    suspect = xcalloc(1, sizeof(*suspect));
    *suspect = (struct suspect){.next = host->suspects, .library = *library};
    host->suspects = suspect;
    return suspect;
}

const json_t *slot_quarantine(const struct slot *slot)
{
    if (!slot->host->suspects || !slot->roster->card)
        return NULL;
    const struct suspect *suspect = suspect_of(slot->host, &slot->roster->card->library);
    return suspect ? suspect->quarantine : NULL;
}

/* ---- how long ---- */

int64_t restart_wait_ms(const struct manifest_faults *says, const char *store,
                        const struct digest *library, uint64_t failures)
{
    double wait = (double)says->restart_first_ms *
                  pow(says->restart_coefficient, failures > 0 ? (double)(failures - 1) : 0);
    if (!(wait < (double)says->restart_max_ms))
        wait = (double)says->restart_max_ms;
    if (says->restart_jitter) {
        const struct slice parts[] = {slice_of(store),
                                      {(const char *)library->bytes, DIGEST_SIZE},
                                      {(const char *)&failures, sizeof(failures)}};
        struct digest drawn = digest_of_parts(parts, sizeof(parts) / sizeof(parts[0]));
        uint64_t random;
        memcpy(&random, drawn.bytes, sizeof(random));
        wait *= (double)(random >> 11) * 0x1p-53;
    }
    return (int64_t)wait + 1;
}

/* ---- into quarantine ---- */

static char *config_digest(const struct manifest_plugin *entry)
{
    AUTO(text_done) struct text text;
    char hex[DIGEST_HEX_SIZE];
    text_init(&text, LIMIT_FILE);
    if (entry->config)
        json_write(entry->config, &text);
    struct digest digest = digest_of(text_slice(&text));
    digest_hex(&digest, hex);
    return xstrdup(hex);
}

static const char *const fault_words[] = {"sound", "crashed", "hung", "breach"};

static json_t *last_lines(const struct slot *slot)
{
    const char *lines[LIMIT_LOG_LAST];
    size_t count = slot->plugin ? plugin_last_lines(slot->plugin, lines) : 0;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        AUTO(freep) char *clean = secrets_hide(slot->host, slice_of(lines[i]), false, NULL);
        const char *line = clean ? clean : lines[i];
        json_array_append_new(
            list, json_string(slot->heard_hidden ? "(a line, hidden with a run)" : line));
    }
    return list;
}

static void note(struct host *host, const struct suspect *suspect)
{
    char hex[DIGEST_HEX_SIZE];
    digest_hex(&suspect->library, hex);
    AUTO(freep) char *name = xasprintf(NOTES "%s", hex);
    AUTO(text_done) struct text body;
    text_init(&body, SIZE_MAX / 2);
    if (suspect->quarantine)
        json_write(suspect->quarantine, &body);
    journal_note(host->journal, name,
                 suspect->quarantine ? text_slice(&body) : (struct slice){NULL, 0});
}

static void noted(void *user, enum error_code code, const struct error *err)
{
    (void)user;
    (void)code;
    (void)err;
}

/* The agents that its configuration gave it, lest it be started to say them again. */
static void note_agents(json_t *quarantine, const struct roster_plugin *plugin)
{
    AUTO(freep) char *of = plugin->card->from_config ? config_digest(plugin->entry) : NULL;
    if (!of)
        return;
    AUTO(text_done) struct text text;
    text_init(&text, LIMIT_QUESTION / 2);
    json_write(json_object_get(plugin->card->json, "agents"), &text);
    if (text.overflowed)
        return; /* then they are not known */
    json_object_set_new(quarantine, "config", json_string(of));
    json_object_set(quarantine, "agents", json_object_get(plugin->card->json, "agents"));
}

static void put_in_quarantine(struct slot *slot, struct suspect *suspect, enum plugin_fault fault,
                              const char *reason)
{
    struct host *host = slot->host;
    const struct card *card = slot->roster->card;
    const char *alias = slot->roster->entry->alias;
    char hex[DIGEST_HEX_SIZE], within[32];
    digest_hex(&card->library, hex);
    AUTO(freep)
    char *words =
        fault == PLUGIN_BREACH
            ? xstrdup(reason)
            : xasprintf("%d faults within %s, the last: %s", slot->roster->entry->faults.faults,
                        duration_text(slot->roster->entry->faults.within_ms, within), reason);
    AUTO(freep) char *release = xasprintf("seam plugins release %s", alias);
    suspect->quarantine = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:s}", "library", hex, "plugin", alias, "id",
        card->id, "version", card->version, "kind", fault_words[fault], "reason", words, "at_ms",
        (json_int_t)host_now(host), "lines", last_lines(slot), "release", release);
    note_agents(suspect->quarantine, slot->roster);
    note(host, suspect);
    host_barrier(host, false, noted, NULL);
    host_log(host, alias, SEAM_LOG_ERROR,
             "its library %.12s is in quarantine: %s; `%s` ends that, once it is mended or trusted "
             "again",
             hex, words, release);
    host->faults_due = true;
}

/* Was this one too many within the time? */
static bool is_too_many(const struct host *host, struct suspect *suspect,
                        const struct manifest_faults *says)
{
    size_t most = (size_t)says->faults;
    int64_t now_ms = host_steady(host);
    if (suspect->room != most) {
        free(suspect->faults_ms);
        suspect->faults_ms = xcalloc(most, sizeof(*suspect->faults_ms));
        suspect->room = most;
        suspect->count = 0;
    }
    suspect->faults_ms[suspect->count++ % most] = now_ms;
    return suspect->count >= most &&
           now_ms - suspect->faults_ms[suspect->count % most] <= says->within_ms;
}

void slot_fault(struct slot *slot, enum plugin_fault fault, const char *reason)
{
    struct host *host = slot->host;
    const struct manifest_faults *says = &slot->roster->entry->faults;
    if (fault == PLUGIN_SOUND || says->faults == 0 || host->stopping || slot_quarantine(slot))
        return;
    struct suspect *suspect = suspect_make(host, &slot->roster->card->library);
    if (is_too_many(host, suspect, says) || fault == PLUGIN_BREACH)
        put_in_quarantine(slot, suspect, fault, reason);
}

/* ---- and out of it ---- */

static void release(struct host *host, struct suspect *suspect, const char *who)
{
    json_t *was = TAKE(suspect->quarantine);
    suspect->count = 0;
    note(host, suspect);
    host_log(host, json_string_value(json_object_get(was, "plugin")), SEAM_LOG_INFO,
             "its library is out of quarantine: released by %s", who);
    json_decref(was);
    for (size_t i = 0; i < host->slot_count; i++) {
        struct slot *slot = host->slots[i];
        if (!slot->roster->card || !digest_equal(&slot->roster->card->library, &suspect->library))
            continue;
        slot->failed_starts = 0;
        if (host->keeping)
            slot_keep(slot);
        else if (slot->waiting.first)
            slot_want(slot);
    }
}

void faults_told(struct host *host, const json_t *message)
{
    const char *kind = json_string_value(json_object_get(message, "kind"));
    const char *hex = json_string_value(json_object_get(message, "library"));
    const char *who = json_string_value(json_object_get(message, "who"));
    struct digest library;
    bool sound =
        kind && strcmp(kind, "release") == 0 && hex && digest_from_hex(slice_of(hex), &library);
    struct suspect *suspect = sound ? suspect_of(host, &library) : NULL;
    if (suspect && suspect->quarantine)
        release(host, suspect, who ? who : "somebody");
    else if (!sound)
        host_log(host, "plugins", SEAM_LOG_ERROR, "a message that means nothing to the host");
}

json_t *inbox_release(const char *library, const char *who)
{
    return json_pack("{s:s, s:s, s:s}", "kind", "release", "library", library, "who", who);
}

static void read_note(void *user, const char *name, struct slice body)
{
    struct host *host = user;
    struct digest library;
    json_t *quarantine = NULL;
    if (!digest_from_hex(slice_of(name), &library) ||
        json_read(body, LIMIT_QUESTION, &quarantine, NULL) != ERR_OK)
        return; /* of a later version */
    struct suspect *suspect = suspect_make(host, &library);
    json_decref(suspect->quarantine);
    suspect->quarantine = quarantine;
}

enum error_code faults_open(struct host *host, struct error *reterr)
{
    if (host->options.in_memory || host->options.stand_ins)
        return ERR_OK;
    return journal_notes(journal_own_reader(host->journal), NOTES, read_note, host, reterr);
}

void faults_close(struct host *host)
{
    while (host->suspects) {
        struct suspect *suspect = host->suspects;
        host->suspects = suspect->next;
        json_decref(suspect->quarantine);
        free(suspect->faults_ms);
        free(suspect);
    }
}

static void gather(void *user, const char *name, struct slice body)
{
    json_t *list = user, *quarantine = NULL;
    (void)name;
    if (json_read(body, LIMIT_QUESTION, &quarantine, NULL) == ERR_OK)
        json_array_append_new(list, quarantine);
}

enum error_code quarantines(struct journal_reader *reader, json_t **ret_list, struct error *reterr)
{
    json_t *list = json_array();
    enum error_code code = journal_notes(reader, NOTES, gather, list, reterr);
    if (code == ERR_OK)
        *ret_list = list;
    else
        json_decref(list);
    return code;
}

/* ---- whose agents stand in its configuration ---- */

static const json_t *find_library(const json_t *list, const struct digest *library)
{
    char hex[DIGEST_HEX_SIZE];
    size_t i;
    const json_t *each;
    digest_hex(library, hex);
    json_array_foreach (list, i, each) {
        const char *other = json_string_value(json_object_get(each, "library"));
        if (other && strcmp(other, hex) == 0)
            return each;
    }
    return NULL;
}

enum error_code quarantine_describes(struct roster_plugin *plugin, const char *store,
                                     bool *ret_is_in, struct error *reterr)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    AUTO(json_decrefp) json_t *list = NULL;
    struct error none;
    *ret_is_in = false;
    if (!store || journal_reader_open(store, &reader, &none) != ERR_OK ||
        quarantines(reader, &list, &none) != ERR_OK)
        return ERR_OK; /* whoever opens the journal says what is wrong with it */
    const json_t *quarantine = find_library(list, &plugin->card->library);
    if (!quarantine)
        return ERR_OK;
    *ret_is_in = true;
    AUTO(freep) char *is = config_digest(plugin->entry);
    const char *was = json_string_value(json_object_get(quarantine, "config"));
    if (was && strcmp(was, is) == 0)
        return card_describe(plugin->card, json_object_get(quarantine, "agents"), reterr);
    AUTO(freep) char *words = quarantine_words(quarantine);
    return error_set(reterr, ERR_DENIED,
                     "%s; what agents its configuration has is not known, and it is not started to "
                     "ask it",
                     words);
}

enum error_code quarantine_release(const struct journal_options *options, const char *library,
                                   struct error *reterr)
{
    struct journal *journal = NULL;
    AUTO(freep) char *name = xasprintf(NOTES "%s", library);
    enum error_code code = journal_open(options, &journal, reterr);
    if (code != ERR_OK)
        return code;
    journal_note(journal, name, (struct slice){NULL, 0});
    return journal_close(journal, reterr);
}

/* ---- who waits ---- */

static void refuse_quarantined(struct slot *slot, const json_t *quarantine)
{
    AUTO(freep) char *words = quarantine_words(quarantine);
    for (size_t count = slot->waiting.count; count > 0 && slot->waiting.first; count--)
        call_end_quarantined(slot->waiting.first, words);
}

char *quarantine_words(const json_t *quarantine)
{
    const char *hex = json_string_value(json_object_get(quarantine, "library"));
    return xasprintf("the library of plugin %s (%.12s) is in quarantine: %s; `%s` ends that",
                     json_string_value(json_object_get(quarantine, "plugin")), hex ? hex : "",
                     json_string_value(json_object_get(quarantine, "reason")),
                     json_string_value(json_object_get(quarantine, "release")));
}

static void tell_restart(struct slot *slot)
{
    char wait[32];
    int64_t left_ms = slot->restart_at_ms - host_steady(slot->host);
    AUTO(freep)
    char *message = xasprintf(
        "the worker of plugin %s has ended %" PRIu64 " time%s in a row, the last: %s; it "
        "is started again in %s",
        slot->roster->entry->alias, slot->failed_starts, slot->failed_starts == 1 ? "" : "s",
        slot->last_failure ? slot->last_failure : "?",
        duration_text(left_ms > 0 ? left_ms : 0, wait));
    for (struct live_call *call = slot->waiting.first, *next; call; call = next) {
        next = call->next;
        if (call->told_restart)
            continue;
        call->told_restart = true;
        struct event event = {.kind = EVENT_HELD,
                              .task = call->task,
                              .attempt = call->attempt,
                              .code = "restarting",
                              .message = message};
        live_happen(call->live, &event, NULL);
    }
}

void faults_turn(struct host *host)
{
    if (!host->faults_due || host->stopping)
        return;
    host->faults_due = false;
    for (size_t i = 0; i < host->slot_count; i++) {
        struct slot *slot = host->slots[i];
        const json_t *quarantine = slot_quarantine(slot);
        if (quarantine) {
            slot_rest(slot);
            refuse_quarantined(slot, quarantine);
        } else if (slot->restart_armed && slot->state == SLOT_OFF) {
            tell_restart(slot);
        }
    }
}
