/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run is made of, kept in the journal when it begins: the files of its flow, what the
 * manifest said of flows then, and the cards of its agents. A run is read, answered and decided by
 * these for as long as it lives, whatever becomes of the files. Only its calls go to the plugins of
 * today: where a card has changed, the new one must be shown to be able to take the old one's
 * place.
 */
#include "runtime/host_internal.h"

#include "loader/succession.h"

#include <stdlib.h>
#include <string.h>

/* Enough for what flows and cards may be, all files together. */
enum { KEPT_MAX = 256 << 20 };

/* ---- when a run begins ---- */

static char *keep_json(struct host *host, const json_t *value)
{
    char hex[DIGEST_HEX_SIZE];
    AUTO(text_done) struct text text;
    text_init(&text, KEPT_MAX);
    json_write(value, &text);
    struct digest digest = journal_keep(host->journal, text_slice(&text));
    digest_hex(&digest, hex);
    return xstrdup(hex);
}

const struct roster_plugin *roster_named(const struct roster *roster, struct slice alias)
{
    for (size_t i = 0; i < roster->plugin_count; i++)
        if (slice_is(alias, roster->plugins[i].entry->alias))
            return &roster->plugins[i];
    return NULL;
}

static struct slice alias_of(const char *agent)
{
    return (struct slice){agent, (size_t)(strchr(agent, '/') - agent)};
}

static json_t *pin_agent(struct host *host, const struct agent *agent)
{
    char card[DIGEST_HEX_SIZE], library[DIGEST_HEX_SIZE];
    const struct roster_plugin *plugin = roster_named(host->options.roster, alias_of(agent->name));
    AUTO(freep) char *kept = keep_json(host, plugin->card->json);
    digest_hex(&agent->card, card);
    digest_hex(&agent->library, library);
    return json_pack("{s:s, s:s, s:s, s:I, s:o*}", "card", card, "library", library, "kept", kept,
                     "call_ms", (json_int_t)agent->call_ms, "calls", agent_calls_json(agent));
}

static json_t *pin_agents(struct host *host, const struct flow *flow)
{
    json_t *pins = json_object();
    for (size_t i = 0; i < flow->agent_count; i++)
        json_object_set_new(pins, flow->agents[i]->name, pin_agent(host, flow->agents[i]));
    return pins;
}

/* All that flow_compile was told. */
static json_t *flow_text(const struct host *host, const struct flow *flow)
{
    const struct manifest *m = host->manifest;
    return json_pack("{s:s, s:O, s:O*, s:i, s:{s:I, s:I, s:I, s:I, s:I}}", "file", flow->file,
                     "files", flow->files, "defaults", m->defaults, "concurrency", m->concurrency,
                     "ceiling", "attempts", (json_int_t)m->budget_attempts, "calls",
                     (json_int_t)m->budget_calls, "tokens", (json_int_t)m->budget_tokens, "cost",
                     (json_int_t)m->budget_cost, "time_ms", (json_int_t)m->budget_time_ms);
}

static json_t *pin_flow(struct host *host, const struct flow *flow)
{
    char digest[DIGEST_HEX_SIZE];
    json_t *text = flow_text(host, flow);
    AUTO(freep) char *kept = keep_json(host, text);
    AUTO(freep) char *file = realpath(flow->file, NULL);
    json_decref(text);
    digest_hex(&flow->digest, digest);
    return json_pack("{s:{s:s, s:s, s:s, s:s}, s:o}", "flow", "name", flow->name, "file",
                     file ? file : flow->file, "digest", digest, "kept", kept, "agents",
                     pin_agents(host, flow));
}

json_t *pinned_make(struct host *host, struct flow *flow)
{
    for (size_t i = 0; i < host->pinned_count; i++)
        if (host->pinned[i].flow == flow)
            return json_incref(host->pinned[i].pins);
    host->pinned = xrealloc(host->pinned, (host->pinned_count + 1) * sizeof(*host->pinned));
    json_t *pins = pin_flow(host, flow);
    host->pinned[host->pinned_count++] = (struct pinned){flow_ref(flow), pins};
    return json_incref(pins);
}

void pinned_forget(struct host *host)
{
    pinned_done(host);
    host->pinned = NULL;
    host->pinned_count = 0;
}

void pinned_done(struct host *host)
{
    for (size_t i = 0; i < host->pinned_count; i++) {
        flow_unref(host->pinned[i].flow);
        json_decref(host->pinned[i].pins);
    }
    free(host->pinned);
}

/* ---- when it is read ---- */

struct shelf {
    struct map by_pins;
    struct flow **flows;
    size_t count;
};

struct shelf *shelf_new(void)
{
    return xcalloc(1, sizeof(struct shelf));
}

void shelf_free(struct shelf *shelf)
{
    if (!shelf)
        return;
    for (size_t i = 0; i < shelf->count; i++)
        flow_unref(shelf->flows[i]);
    free(shelf->flows);
    map_done(&shelf->by_pins);
    free(shelf);
}

void shelf_freep(struct shelf **shelf)
{
    shelf_free(*shelf);
}

static bool keep_pins(void *user, uint64_t seq, struct record *record, struct run *run)
{
    json_t **ret_pins = user;
    (void)seq;
    (void)run;
    *ret_pins = json_incref(record->event.pins);
    return false;
}

enum error_code pinned_read(struct journal_reader *reader, const char *id, json_t **ret_pins,
                            struct error *reterr)
{
    *ret_pins = NULL;
    enum error_code code = fold_run(reader, id, NULL, keep_pins, ret_pins, NULL, reterr);
    if (code == ERR_OK && !*ret_pins)
        code = error_set(reterr, ERR_CORRUPT, "run %s: its first record names no flow", id);
    return code;
}

static enum error_code read_kept(struct journal_reader *reader, const json_t *pin, struct text *out,
                                 struct error *reterr)
{
    struct digest digest;
    const char *hex = json_string_value(json_object_get(pin, "kept"));
    text_clear(out);
    if (!hex || !digest_from_hex(slice_of(hex), &digest))
        return error_set(reterr, ERR_UNSUPPORTED,
                         "it began with a version of Seam that kept no flows in the journal: it "
                         "can be listed and explained, and that version can finish it");
    return journal_kept(reader, &digest, out, reterr);
}

enum error_code pinned_card(struct journal_reader *reader, const json_t *pin,
                            struct card **ret_card, struct error *reterr)
{
    AUTO(text_done) struct text text;
    text_init(&text, KEPT_MAX);
    enum error_code code = read_kept(reader, pin, &text, reterr);
    if (code == ERR_OK)
        code = card_parse(text_slice(&text), ret_card, reterr);
    if (code == ERR_OK) {
        struct card *card = *ret_card;
        const char *own = json_string_value(json_object_get(pin, "card"));
        const char *library = json_string_value(json_object_get(pin, "library"));
        if (!own || !library || !digest_from_hex(slice_of(own), &card->digest) ||
            !digest_from_hex(slice_of(library), &card->library))
            return error_set(reterr, ERR_CORRUPT, "its first record has no digests of a card");
    }
    return code;
}

/* Whom they may call. A journal from before agents could call has none. */
static void read_calls(const json_t *pins, struct catalog *catalog)
{
    const char *name;
    json_t *pin;
    json_object_foreach (json_object_get(pins, "agents"), name, pin) {
        agent_link_calls(catalog, name, json_object_get(pin, "calls"));
    }
}

/* The agents that it began with. */
static enum error_code read_catalog(struct journal_reader *reader, const json_t *pins,
                                    struct catalog *catalog, struct error *reterr)
{
    const char *name;
    json_t *pin;
    json_object_foreach (json_object_get(pins, "agents"), name, pin) {
        AUTO(card_freep) struct card *card = NULL;
        if (!strchr(name, '/') || catalog_find(catalog, slice_of(name)))
            continue;
        enum error_code code = pinned_card(reader, pin, &card, reterr);
        if (code != ERR_OK) {
            error_prefix(reterr, "agent %s: ", name);
            return code;
        }
        int64_t call_ms = json_integer_value(json_object_get(pin, "call_ms"));
        AUTO(freep) char *alias = xstrndup(name, alias_of(name).len);
        roster_add_agents(catalog, alias, call_ms, card);
    }
    read_calls(pins, catalog);
    catalog_link(catalog);
    return ERR_OK;
}

static int64_t limit_in(const json_t *ceiling, const char *key)
{
    return json_integer_value(json_object_get(ceiling, key));
}

static enum error_code compile(const json_t *kept, const struct catalog *catalog,
                               struct flow **ret_flow, struct error *reterr)
{
    const json_t *limits = json_object_get(kept, "ceiling");
    const char *file = json_string_value(json_object_get(kept, "file"));
    struct findings findings;
    struct budget ceiling = {
        .attempts = limit_in(limits, "attempts"),
        .calls = limit_in(limits, "calls"),
        .tokens = limit_in(limits, "tokens"),
        .cost = limit_in(limits, "cost"),
        .time_ms = limit_in(limits, "time_ms"),
        .recovery_calls = -1,
    };
    struct flow_options options = {
        .catalog = catalog,
        .defaults = json_object_get(kept, "defaults"),
        .ceiling = &ceiling,
        .concurrency = (int)json_integer_value(json_object_get(kept, "concurrency")),
        .files = json_object_get(kept, "files"),
    };
    findings_init(&findings);
    enum error_code code = flow_compile(file ? file : "", &options, ret_flow, &findings, reterr);
    for (size_t i = 0; i < findings.count && code != ERR_OK; i++)
        if (findings.list[i].severity == FINDING_ERROR) {
            error_set(reterr, code, "its flow does not compile any more: %s",
                      findings.list[i].text);
            break;
        }
    findings_done(&findings);
    return code;
}

static enum error_code read_flow(struct journal_reader *reader, const json_t *pins,
                                 json_t **ret_kept, struct error *reterr)
{
    AUTO(text_done) struct text text;
    text_init(&text, KEPT_MAX);
    enum error_code code = read_kept(reader, json_object_get(pins, "flow"), &text, reterr);
    return code == ERR_OK ? json_read_own(text_slice(&text), ret_kept, reterr) : code;
}

enum error_code pinned_compile(struct journal_reader *reader, const struct roster *roster,
                               const json_t *pins, struct flow **ret_flow, struct error *reterr)
{
    AUTO(json_decrefp) json_t *kept = NULL;
    enum error_code code = read_flow(reader, pins, &kept, reterr);
    return code == ERR_OK ? compile(kept, &roster->catalog, ret_flow, reterr) : code;
}

static enum error_code build(struct journal_reader *reader, const json_t *pins,
                             struct flow **ret_flow, struct error *reterr)
{
    AUTO(json_decrefp) json_t *kept = NULL;
    struct catalog *catalog = xcalloc(1, sizeof(*catalog));
    catalog_init(catalog);
    enum error_code code = read_flow(reader, pins, &kept, reterr);
    if (code == ERR_OK)
        code = read_catalog(reader, pins, catalog, reterr);
    if (code == ERR_OK)
        code = compile(kept, catalog, ret_flow, reterr);
    if (code == ERR_OK) {
        flow_own(*ret_flow, catalog);
        return code;
    }
    catalog_done(catalog);
    free(catalog);
    return code;
}

enum error_code fold_flow(struct journal_reader *reader, struct shelf *shelf, const char *id,
                          struct flow **ret_flow, struct error *reterr)
{
    AUTO(text_done) struct text key;
    AUTO(json_decrefp) json_t *pins = NULL;
    text_init(&key, KEPT_MAX);
    enum error_code code = pinned_read(reader, id, &pins, reterr);
    if (code != ERR_OK)
        return code;
    json_write(pins, &key);
    struct flow *known = map_get(&shelf->by_pins, text_slice(&key));
    if (!known) {
        code = build(reader, pins, &known, reterr);
        if (code != ERR_OK) {
            error_prefix(reterr, "run %s: ", id);
            return code;
        }
        shelf->flows = xrealloc(shelf->flows, (shelf->count + 1) * sizeof(struct flow *));
        shelf->flows[shelf->count++] = known;
        map_put(&shelf->by_pins, text_slice(&key), known);
    }
    *ret_flow = flow_ref(known);
    return ERR_OK;
}

/* ---- when it goes on ---- */

static bool same_digest(const char *hex, const struct digest *digest)
{
    char now[DIGEST_HEX_SIZE];
    digest_hex(digest, now);
    return hex && strcmp(hex, now) == 0;
}

/* The first thing that keeps the new card from the old one's place. */
const struct succession_check *pinned_obstacle(const struct succession *succession)
{
    const struct succession_check *found = NULL;
    for (size_t i = 0; i < succession->count; i++) {
        const struct succession_check *check = &succession->checks[i];
        bool worse = check->verdict == REFUTED && (!found || found->verdict == UNKNOWN);
        if (!check->note && (worse || (check->verdict == UNKNOWN && !found)))
            found = check;
    }
    return found;
}

/* What a person may take the blame for: every value is still held to the contracts that the run
 * began with. What an agent does to the world, and what recovery stands on, nobody may. */
static bool is_acceptable(const struct succession *succession)
{
    static const char *const aspects[] = {"input", "output", "confidence"};
    for (size_t i = 0; i < succession->count; i++) {
        const struct succession_check *check = &succession->checks[i];
        bool ours = false;
        for (size_t k = 0; k < sizeof(aspects) / sizeof(aspects[0]); k++)
            ours |= strcmp(check->aspect, aspects[k]) == 0;
        if (!check->note && check->verdict != PROVEN && !ours)
            return false;
    }
    return true;
}

static json_t *checks_json(const struct succession *succession)
{
    json_t *list = json_array();
    for (size_t i = 0; i < succession->count; i++) {
        const struct succession_check *check = &succession->checks[i];
        json_t *json = json_pack("{s:s, s:s, s:s}", "aspect", check->aspect, "verdict",
                                 verdict_name(check->verdict), "reason", check->reason);
        if (check->witness)
            json_object_set(json, "witness", check->witness);
        if (check->note)
            json_object_set_new(json, "note", json_true());
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *card_picture(const struct succession *succession)
{
    const struct succession_check *check = pinned_obstacle(succession);
    return json_pack("{s:s, s:s, s:s, s:o}", "status", "card", "verdict",
                     verdict_name(succession->verdict), "reason",
                     check ? check->reason : "the new one takes and gives what the old did",
                     "checks", checks_json(succession));
}

static enum error_code compare_cards(struct journal_reader *reader, const struct roster *roster,
                                     const char *name, const json_t *pin, json_t **ret_picture,
                                     struct error *reterr)
{
    AUTO(card_freep) struct card *old = NULL;
    struct succession succession;
    enum error_code code = pinned_card(reader, pin, &old, reterr);
    if (code != ERR_OK)
        return code;
    succession_judge_agent(old, strchr(name, '/') + 1, roster_named(roster, alias_of(name))->card,
                           NULL, &succession);
    *ret_picture = card_picture(&succession);
    succession_done(&succession);
    return ERR_OK;
}

enum error_code pinned_compare(struct journal_reader *reader, const struct roster *roster,
                               const json_t *pins, const char *name, json_t **ret_picture,
                               struct error *reterr)
{
    const json_t *pin = json_object_get(json_object_get(pins, "agents"), name);
    const struct agent *agent = catalog_find(&roster->catalog, slice_of(name));
    const char *status = !pin && !agent ? "unknown" : !pin ? "new" : !agent ? "gone" : "same";
    if (pin && agent && !same_digest(json_string_value(json_object_get(pin, "card")), &agent->card))
        return compare_cards(reader, roster, name, pin, ret_picture, reterr);
    if (pin && agent &&
        !same_digest(json_string_value(json_object_get(pin, "library")), &agent->library))
        status = "library";
    *ret_picture = json_pack("{s:s}", "status", status);
    return ERR_OK;
}

/* ---- may it go on by itself? ---- */

/* Takes the picture. */
static void add_change(struct changes *changes, const char *agent, json_t *picture, bool approvable)
{
    json_object_set_new(picture, "agent", json_string(agent));
    changes->approvable &= approvable;
    if (!changes->agents)
        changes->agents = json_array();
    json_array_append_new(changes->agents, picture);
}

/* Between sentences. */
static const char *and_then(const struct changes *changes)
{
    return changes->what.len ? "; " : "";
}

static enum error_code check_card(struct journal_reader *reader, const struct roster *roster,
                                  const char *name, const json_t *pin, struct changes *changes,
                                  struct error *reterr)
{
    AUTO(card_freep) struct card *old = NULL;
    char hex[DIGEST_HEX_SIZE];
    struct succession succession;
    enum error_code code = pinned_card(reader, pin, &old, reterr);
    if (code != ERR_OK)
        return code;
    const struct card *card = roster_named(roster, alias_of(name))->card;
    succession_judge_agent(old, strchr(name, '/') + 1, card, NULL, &succession);
    const struct succession_check *check = pinned_obstacle(&succession);
    if (succession.verdict != PROVEN) {
        json_t *picture = card_picture(&succession);
        digest_hex(&card->digest, hex);
        json_object_set_new(picture, "card", json_string(hex));
        add_change(changes, name, picture, is_acceptable(&succession));
        text_addf(
            &changes->what,
            "%sit began with another card of agent %s, and the new one %s take its place: %s%s%s",
            and_then(changes), name,
            succession.verdict == REFUTED ? "cannot" : "may not be able to",
            check ? check->aspect : "", check ? ": " : "", check ? check->reason : "");
    }
    succession_done(&succession);
    return ERR_OK;
}

static enum error_code check_agent(struct journal_reader *reader, const struct roster *roster,
                                   const struct run *run, const char *name, const json_t *pin,
                                   struct changes *changes, struct error *reterr)
{
    char hex[DIGEST_HEX_SIZE];
    const struct agent *agent = catalog_find(&roster->catalog, slice_of(name));
    if (!agent) {
        add_change(changes, name, json_pack("{s:s}", "status", "gone"), false);
        text_addf(&changes->what,
                  "%sit began with agent %s, which is not loaded now; see `seam plugins`",
                  and_then(changes), name);
        return ERR_OK;
    }
    const char *library = run_library(run, name);
    if (!library)
        library = json_string_value(json_object_get(pin, "library"));
    bool writes = agent->effect == CLASS_WRITE || agent->effect == CLASS_WRITE_IDEMPOTENT;
    digest_hex(&agent->library, hex);
    json_object_set_new(changes->libraries, name, json_string(hex));
    /* what has begun to change the world ends in the very library that began it */
    if (!same_digest(library, &agent->library) && writes && run_agent_underway(run, name)) {
        add_change(changes, name, json_pack("{s:s, s:s}", "status", "library", "library", hex),
                   false);
        text_addf(&changes->what,
                  "%sagent %s has begun what only the library that began it can end",
                  and_then(changes), name);
    }
    if (same_digest(json_string_value(json_object_get(pin, "card")), &agent->card))
        return ERR_OK;
    return check_card(reader, roster, name, pin, changes, reterr);
}

static void digest_changes(struct changes *changes)
{
    AUTO(text_done) struct text text;
    text_init(&text, KEPT_MAX);
    json_write(changes->agents, &text);
    struct digest digest = digest_of(text_slice(&text));
    digest_hex(&digest, changes->digest);
}

enum error_code pinned_check(struct journal_reader *reader, const struct roster *roster,
                             const struct run *run, struct changes *ret, struct error *reterr)
{
    AUTO(json_decrefp) json_t *pins = NULL;
    const char *name;
    json_t *pin;
    *ret = (struct changes){.approvable = true, .libraries = json_object()};
    text_init(&ret->what, LIMIT_QUESTION);
    enum error_code code = pinned_read(reader, run_id(run), &pins, reterr);
    json_object_foreach (json_object_get(pins, "agents"), name, pin) {
        if (code == ERR_OK)
            code = check_agent(reader, roster, run, name, pin, ret, reterr);
    }
    if (code != ERR_OK) {
        error_prefix(reterr, "run %s: ", run_id(run));
        changes_done(ret);
    } else if (ret->agents) {
        digest_changes(ret);
    }
    return code;
}

void changes_done(struct changes *changes)
{
    json_decref(changes->agents);
    json_decref(changes->libraries);
    text_done(&changes->what);
    *changes = (struct changes){0};
}
