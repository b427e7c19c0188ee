/* SPDX-License-Identifier: Apache-2.0
 *
 * seam plugins approve: what a plugin asks for, what the manifest gives it and what its agents may
 * do, in plain words; of one that was approved before, what is new of each; and when a person has
 * said yes, it is pinned in the lock. Nothing of a plugin runs, but to name the agents that stand
 * in its configuration.
 */
#include "cli/cli_internal.h"
#include "loader/succession.h"
#include "trust/trust.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct look {
    const struct manifest *manifest;
    const struct manifest_plugin *entry;
    struct card *card, *before; /* before: as it was approved; NULL = it was not, or is not kept */
    const json_t *pinned;
    struct signer signer;
    json_t *granted;
    bool same; /* it is what was approved */
};

static void look_done(struct look *look)
{
    card_free(look->card);
    card_free(look->before);
    json_decref(look->granted);
}

static enum error_code look_at(const struct roster *roster, const struct manifest_plugin *entry,
                               struct look *ret, struct error *reterr)
{
    *ret = (struct look){.manifest = roster->manifest, .entry = entry};
    enum error_code code = card_read(entry->path, &ret->card, reterr);
    if (code != ERR_OK)
        return code;
    code = signature_check(roster->keys, roster->manifest, ret->card, &ret->signer, reterr);
    if (code != ERR_OK)
        return code;
    struct roster_plugin asked = {.entry = entry, .card = ret->card};
    if (ret->card->from_config && ret->card->agent_count == 0)
        code = plugin_describe(&asked, NULL, roster->manifest, reterr);
    json_decref(asked.listed);
    if (code != ERR_OK)
        return code;
    ret->granted = lock_granted(roster->manifest, entry);
    ret->pinned = lock_entry(roster->lock, entry->alias);
    ret->same = ret->pinned &&
                lock_check(roster->lock, roster->manifest, entry, ret->card, &ret->signer, NULL) ==
                    ERR_OK &&
                lock_check_agents(roster->lock, roster->manifest, entry, ret->card, NULL) == ERR_OK;
    const char *digest = text_of(ret->pinned, "library");
    if (ret->pinned && !ret->same && store_find(roster->manifest, digest, &ret->before, NULL))
        ret->before = NULL;
    return ERR_OK;
}

/* ---- for people ---- */

static void print_lines(const char *title, const char *mark, const json_t *lines)
{
    size_t i;
    const json_t *line;
    if (json_array_size(lines) > 0 && *title)
        fprintf(stderr, "  %s\n", title);
    json_array_foreach (lines, i, line) {
        fprintf(stderr, "    %s", mark);
        print_clean(stderr, slice_of(json_string_value(line)));
        fputc('\n', stderr);
    }
}

/* Each line of now; those that were not there before with a "+", those that went with a "-". */
static void print_changed(const char *title, const json_t *now, const json_t *before)
{
    AUTO(json_decrefp) json_t *gained = words_without(now, before);
    AUTO(json_decrefp) json_t *kept = words_without(now, gained);
    AUTO(json_decrefp) json_t *lost = words_without(before, now);
    fprintf(stderr, "  %s%s\n", title,
            json_array_size(now) == 0 && json_array_size(lost) == 0 ? " nothing" : "");
    print_lines("", "  ", kept);
    print_lines("", "+ ", gained);
    print_lines("", "- ", lost);
}

static void print_plain(const char *title, const json_t *now)
{
    fprintf(stderr, "  %s%s\n", title, json_array_size(now) == 0 ? " nothing" : "");
    print_lines("", "  ", now);
}

static void print_succession(const struct look *look)
{
    struct succession s;
    succession_judge(look->before, look->card, NULL, &s);
    for (size_t i = 0; i < s.count; i++) {
        const struct succession_check *check = &s.checks[i];
        if (check->note || check->verdict == PROVEN)
            continue;
        AUTO(freep)
        char *line = xasprintf("%s: %s: %s", check->agent ? check->agent : "all of it",
                               check->aspect, check->reason);
        fputs("    ! ", stderr);
        print_clean(stderr, slice_of(line));
        fputc('\n', stderr);
    }
    fprintf(stderr, "  %s\n",
            s.verdict == PROVEN    ? "it may take the place of what was approved"
            : s.verdict == REFUTED ? "it may not take the place of what was approved"
                                   : "nobody can say whether it may take the place of the old one");
    succession_done(&s);
}

/* Agents that stand in no card: how they were, nobody keeps. */
static void print_listed(const struct look *look, const json_t *agents)
{
    AUTO(json_decrefp) json_t *lines = agents_changed(look->pinned, look->card);
    print_plain("its agents", agents);
    print_lines("", "! ", lines);
}

static void print_look(const struct look *look)
{
    AUTO(json_decrefp) json_t *asked = card_requests_in_words(look->card);
    AUTO(json_decrefp) json_t *granted = grants_in_words(look->granted);
    AUTO(json_decrefp) json_t *agents = agents_in_words(look->card);
    fprintf(stderr, "%s%s%s: %s %s, %s\n", paint(stderr, BOLD), look->entry->alias,
            paint(stderr, PLAIN), look->card->id, look->card->version, look->entry->path);
    AUTO(freep) char *signer = signer_in_words(&look->signer);
    fprintf(stderr, "  it is %s\n", signer);
    if (look->pinned)
        fprintf(stderr, "  %s was approved by %s at %s\n", text_of(look->pinned, "version"),
                text_of(look->pinned, "approved_by"), text_of(look->pinned, "approved_at"));
    if (look->before) {
        AUTO(json_decrefp) json_t *was_asked = card_requests_in_words(look->before);
        AUTO(json_decrefp)
        json_t *was_granted = grants_in_words(json_object_get(look->pinned, "granted"));
        AUTO(json_decrefp) json_t *were = agents_in_words(look->before);
        print_changed("it asks to", asked, was_asked);
        print_changed("the manifest lets it", granted, was_granted);
        if (look->card->from_config)
            print_listed(look, agents);
        else
            print_changed("its agents", agents, were);
        if (!look->card->from_config)
            print_succession(look);
    } else {
        if (look->pinned)
            fputs("  that library is not kept any more, so all is shown\n", stderr);
        print_plain("it asks to", asked);
        print_plain("the manifest lets it", granted);
        print_plain("its agents", agents);
    }
}

/* ---- for machines ---- */

static json_t *look_json(const struct look *look, bool approved)
{
    char library[DIGEST_HEX_SIZE], card[DIGEST_HEX_SIZE];
    digest_hex(&look->card->library, library);
    digest_hex(&look->card->digest, card);
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:O?, s:b, s:b}", "plugin",
                  look->entry->alias, "id", look->card->id, "version", look->card->version,
                  "library", library, "card", card, "asks", card_requests_in_words(look->card),
                  "granted", grants_in_words(look->granted), "agents", agents_in_words(look->card),
                  "before", look->pinned, "changed", !look->same, "approved", approved);
    if (look->pinned && look->card->from_config)
        json_object_set_new(json, "agents_changed", agents_changed(look->pinned, look->card));
    if (look->signer.is_signed)
        json_object_set_new(json, "key", json_string(look->signer.key));
    if (look->signer.is_trusted)
        json_object_set_new(json, "signed_by", json_string(look->signer.name));
    if (look->before) {
        AUTO(json_decrefp) json_t *were = card_requests_in_words(look->before);
        AUTO(json_decrefp) json_t *are = card_requests_in_words(look->card);
        struct succession s;
        succession_judge(look->before, look->card, NULL, &s);
        json_object_set_new(json, "asks_anew", words_without(are, were));
        json_object_set_new(json, "succession", json_string(verdict_name(s.verdict)));
        succession_done(&s);
    }
    return json;
}

/* ---- approving ---- */

static enum error_code approve_one(const struct args *args, struct roster *roster,
                                   const struct manifest_plugin *entry, json_t *list,
                                   size_t *changed, bool *all, struct error *reterr)
{
    AUTO(look_done) struct look look;
    enum error_code code = look_at(roster, entry, &look, reterr);
    if (code != ERR_OK)
        return code;
    bool yes = look.same || args_flag(args, "--yes");
    if (!args->json && look.same)
        printf("%s: approved already\n", entry->alias);
    else if (!args->json)
        print_look(&look);
    if (!yes && !args->json && isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
        yes = said_yes("approve it?");
    *all &= yes;
    AUTO(json_decrefp) json_t *told = look_json(&look, yes); /* before the lock is changed */
    if (yes && !look.same) {
        code = store_keep(roster->manifest, look.card, reterr);
        if (code == ERR_OK) {
            lock_approve(&roster->lock, roster->manifest, entry, look.card, &look.signer,
                         whoever(args), (int64_t)time(NULL) * 1000);
            ++*changed;
        }
        if (code == ERR_OK && !args->json)
            printf("%s: approved\n", entry->alias);
    }
    if (code == ERR_OK)
        json_array_append(list, told);
    return code;
}

static bool is_meant(const struct manifest_plugin *entry, const char *what)
{
    AUTO(freep) char *left = realpath(entry->path, NULL), *right = realpath(what, NULL);
    return strcmp(entry->alias, what) == 0 || (left && right && strcmp(left, right) == 0);
}

static enum error_code approve(const struct args *args, struct roster *roster, const char *what,
                               json_t *list, bool *all, struct error *reterr)
{
    size_t changed = 0, met = 0;
    enum error_code code = ERR_OK;
    lock_free(roster->lock);
    roster->lock = NULL;
    code = lock_load(roster->manifest, &roster->lock, reterr);
    for (size_t i = 0; code == ERR_OK && i < roster->plugin_count; i++) {
        const struct manifest_plugin *entry = roster->plugins[i].entry;
        if (what && !is_meant(entry, what))
            continue;
        met++;
        code = approve_one(args, roster, entry, list, &changed, all, reterr);
    }
    if (code == ERR_OK && what && met == 0)
        code = error_set(reterr, ERR_NOT_FOUND,
                         "%s has no plugin `%s` (cure: name one by its alias or its file, or all "
                         "by --all)",
                         roster->manifest->file, what);
    if (code == ERR_OK && !what && *all && roster->lock)
        changed += lock_prune(roster->lock, roster->manifest);
    if (code == ERR_OK && changed > 0)
        code = lock_write(roster->lock, roster->manifest, reterr);
    return code;
}

int plugins_approve(const struct args *args, const char *what)
{
    AUTO(roster_freep) struct roster *roster = NULL;
    AUTO(json_decrefp) json_t *list = json_array();
    struct error err;
    bool all = true;
    if (!what == !args_flag(args, "--all"))
        return complain(EXIT_USAGE,
                        "usage: seam plugins approve FILE.so | ALIAS | --all [--yes] [--who NAME]");
    enum error_code code = open_roster(args, true, &roster, &err);
    if (code == ERR_OK)
        code = approve(args, roster, what, list, &all, &err);
    if (code != ERR_OK)
        return report_error(args, &err);
    if (args->json)
        print_json(json_incref(list));
    if (!all && !args->json)
        complain(0, "not approved; --yes says yes where there is no terminal");
    return all ? EXIT_DONE : EXIT_REFUSED;
}
