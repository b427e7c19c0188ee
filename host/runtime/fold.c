/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs read back: the fold of a journal's records, and the replay that decides everything once more
 * and compares.
 */
#include "runtime/host_internal.h"

#include <stdlib.h>
#include <string.h>

struct folding {
    struct run *run;
    fold_each each;
    void *user;
    bool replay;
    uint32_t rules; /* by which the run was decided so far */
    size_t records, decisions;
    enum error_code code;
    struct error error;
};

/* Decides one record again, beside what was decided then. */
static void redecide(struct folding *fold, const struct record *record, uint64_t seq)
{
    struct decisions again = {0};
    run_advance(fold->run, &record->event, &again);
    json_t *now = record_json(fold->run, &record->event, &again);
    json_t *then = json_object_get(record->root, "decisions");
    json_t *fresh = json_object_get(now, "decisions");
    size_t count = json_array_size(then) > json_array_size(fresh) ? json_array_size(then)
                                                                  : json_array_size(fresh);
    for (size_t i = 0; i < count && fold->code == ERR_OK; i++) {
        json_t *a = json_array_get(then, i), *b = json_array_get(fresh, i);
        if (a && b && json_equal(a, b)) {
            fold->decisions++;
            continue;
        }
        AUTO(freep) char *was = a ? json_dumps(a, JSON_COMPACT) : xstrdup("nothing");
        AUTO(freep) char *is = b ? json_dumps(b, JSON_COMPACT) : xstrdup("nothing");
        fold->code = error_set(
            &fold->error, ERR_CONFLICT,
            "record %llu (%s), decision %zu: then, by rules %u, %.600s; now, by rules %u, %.600s",
            (unsigned long long)seq, event_kind_word(record->event.kind), i + 1,
            (unsigned)fold->rules, was, (unsigned)RULES_VERSION, is);
    }
    json_decref(now);
    decisions_done(&again);
}

static enum error_code check_rules(struct folding *fold, struct record *record)
{
    if (record->event.rules > 0)
        fold->rules = record->event.rules;
    if (!fold->run || fold->rules <= RULES_VERSION)
        return ERR_OK;
    record_done(record);
    return error_set(&fold->error, ERR_NEWER,
                     "it was decided by rules %u, and this program has %u; use the version of Seam "
                     "that wrote it, or a later one",
                     (unsigned)fold->rules, (unsigned)RULES_VERSION);
}

static bool fold_record(void *user, const struct journal_record *record, const struct digest *hash)
{
    struct folding *fold = user;
    struct record read;
    json_t *json = NULL;
    (void)hash;
    fold->code = json_read_own(record->body, &json, &fold->error);
    if (fold->code == ERR_OK)
        fold->code = record_read(json, &read, &fold->error);
    json_decref(json);
    if (fold->code == ERR_OK)
        fold->code = check_rules(fold, &read);
    if (fold->code != ERR_OK) {
        error_prefix(&fold->error, "run %s, record %llu: ", record->run,
                     (unsigned long long)record->seq);
        return false;
    }
    if (fold->replay) {
        redecide(fold, &read, record->seq);
    } else if (fold->run) {
        run_apply(fold->run, &read.event);
        for (size_t i = 0; i < read.decisions.count; i++)
            run_follow(fold->run, &read.event, &read.decisions.list[i]);
    }
    fold->records++;
    bool go_on = fold->code == ERR_OK &&
                 (!fold->each || fold->each(fold->user, record->seq, &read, fold->run));
    record_done(&read);
    return go_on;
}

static enum error_code fold(struct journal_reader *reader, const char *id, struct folding *fold,
                            struct error *reterr)
{
    enum error_code code = journal_read(reader, id, 1, fold_record, fold, reterr);
    if (code == ERR_OK && fold->code != ERR_OK)
        code = error_set(reterr, fold->code, "%s", fold->error.text);
    if (code == ERR_OK && fold->records == 0)
        code = error_set(reterr, ERR_NOT_FOUND, "no run `%s`; `seam runs` lists them", id);
    return code;
}

enum error_code fold_run(struct journal_reader *reader, const char *id, struct flow *flow,
                         fold_each each, void *user, struct run **ret_run, struct error *reterr)
{
    struct folding folding = {
        .run = flow ? run_new(flow) : NULL, .each = each, .user = user, .code = ERR_OK};
    enum error_code code = fold(reader, id, &folding, reterr);
    if (code == ERR_OK && ret_run)
        *ret_run = TAKE(folding.run);
    run_free(folding.run);
    return code;
}

enum error_code replay_run(struct journal_reader *reader, const char *id, struct flow *flow,
                           size_t *ret_records, size_t *ret_decisions, struct error *reterr)
{
    struct folding folding = {.run = run_new(flow), .replay = true, .code = ERR_OK};
    enum error_code code = fold(reader, id, &folding, reterr);
    *ret_records = folding.records;
    *ret_decisions = folding.decisions;
    run_free(folding.run);
    return code;
}
