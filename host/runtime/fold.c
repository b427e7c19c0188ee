/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs read back: the fold of a journal's records, and the replay that decides everything once more
 * and compares.
 */
#include "runtime/host_internal.h"

#include <stdlib.h>
#include <string.h>

struct folding {
    struct journal_reader *reader;
    struct payloads *payloads;
    struct run *run;
    fold_each each;
    fold_decided before;
    void *user;
    struct replayed *replay; /* NULL = what was recorded is followed */
    uint32_t rules;          /* by which the run was decided so far */
    size_t records;
    size_t most;   /* records of one piece; 0 = all are read at once */
    uint64_t next; /* of pieces: the record that the next one begins with */
    enum error_code code;
    struct error error;
};

static void follow(struct folding *fold, const struct record *record, uint64_t seq)
{
    run_apply(fold->run, &record->event);
    for (size_t i = 0; i < record->decisions.count; i++) {
        if (fold->before)
            fold->before(fold->user, seq, record, i, fold->run);
        run_follow(fold->run, &record->event, &record->decisions.list[i]);
    }
}

/* Decides one record again, beside what was decided then; false at the first difference. */
static bool redecide(struct folding *fold, const struct record *record, uint64_t seq)
{
    struct decisions again = {0};
    struct replayed *replay = fold->replay;
    run_advance(fold->run, &record->event, &again);
    json_t *now = record_json(fold->run, &record->event, &again);
    replay->same += difference_find(json_object_get(record->root, "decisions"),
                                    json_object_get(now, "decisions"), &replay->difference);
    if (replay->difference.found) {
        replay->difference.seq = seq;
        replay->difference.event = event_kind_word(record->event.kind);
        replay->difference.rules = fold->rules;
    }
    json_decref(now);
    decisions_done(&again);
    return !replay->difference.found;
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
    fold->code = payloads_read(fold->payloads, fold->reader, record, &json, &fold->error);
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
    if (fold->run)
        fold->code = plan_attach_again(fold->run, &read.event, &fold->error);
    if (fold->code != ERR_OK) {
        error_prefix(&fold->error, "run %s, record %llu: ", record->run,
                     (unsigned long long)record->seq);
        record_done(&read);
        return false;
    }
    bool same = true;
    if (fold->replay)
        same = redecide(fold, &read, record->seq);
    else if (fold->run)
        follow(fold, &read, record->seq);
    fold->records++;
    fold->next = record->seq + 1;
    bool go_on = same && (!fold->each || fold->each(fold->user, record->seq, &read, fold->run));
    flow_unref(read.event.plan);
    record_done(&read);
    return go_on && (fold->most == 0 || fold->records < fold->most);
}

static enum error_code fold(struct journal_reader *reader, const char *id, struct folding *fold,
                            struct error *reterr)
{
    AUTO(payloads_freep) struct payloads *payloads = payloads_new();
    fold->reader = reader;
    fold->payloads = payloads;
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
    return fold_decisions(reader, id, flow, NULL, each, user, ret_run, reterr);
}

enum error_code fold_decisions(struct journal_reader *reader, const char *id, struct flow *flow,
                               fold_decided before, fold_each each, void *user,
                               struct run **ret_run, struct error *reterr)
{
    struct folding folding = {.run = flow ? run_new(flow) : NULL,
                              .before = before,
                              .each = each,
                              .user = user,
                              .code = ERR_OK};
    enum error_code code = fold(reader, id, &folding, reterr);
    if (code == ERR_OK && ret_run)
        *ret_run = TAKE(folding.run);
    run_free(folding.run);
    return code;
}

/* ---- in pieces ---- */

struct fold {
    struct folding folding;
    char *id;
};

struct fold *fold_begin(struct journal_reader *reader, const char *id, struct flow *flow,
                        fold_decided before, fold_each each, void *user)
{
    struct fold *fold = xcalloc(1, sizeof(*fold));
    fold->id = xstrdup(id);
    fold->folding = (struct folding){.reader = reader,
                                     .payloads = payloads_new(),
                                     .run = run_new(flow),
                                     .before = before,
                                     .each = each,
                                     .user = user,
                                     .next = 1,
                                     .code = ERR_OK};
    return fold;
}

enum error_code fold_some(struct fold *fold, size_t records, bool *ret_more, struct error *reterr)
{
    struct folding *folding = &fold->folding;
    folding->records = 0;
    folding->most = records;
    enum error_code code =
        journal_read(folding->reader, fold->id, folding->next, fold_record, folding, reterr);
    if (code == ERR_OK && folding->code != ERR_OK)
        code = error_set(reterr, folding->code, "%s", folding->error.text);
    if (code == ERR_OK && folding->next == 1)
        code = error_set(reterr, ERR_NOT_FOUND, "no run `%s`; `seam runs` lists them", fold->id);
    *ret_more = folding->records == records;
    return code;
}

const struct run *fold_result(const struct fold *fold)
{
    return fold->folding.run;
}

void fold_free(struct fold *fold)
{
    if (!fold)
        return;
    run_free(fold->folding.run);
    payloads_free(fold->folding.payloads);
    free(fold->id);
    free(fold);
}

enum error_code replay_compare(struct journal_reader *reader, const char *id, struct flow *flow,
                               struct replayed *ret, struct error *reterr)
{
    *ret = (struct replayed){0};
    struct folding folding = {.run = run_new(flow), .replay = ret, .code = ERR_OK};
    enum error_code code = fold(reader, id, &folding, reterr);
    ret->records = folding.records;
    run_free(folding.run);
    if (code != ERR_OK)
        replayed_done(ret);
    return code;
}

enum error_code replay_run(struct journal_reader *reader, const char *id, struct flow *flow,
                           size_t *ret_records, size_t *ret_decisions, struct error *reterr)
{
    struct replayed replay;
    enum error_code code = replay_compare(reader, id, flow, &replay, reterr);
    *ret_records = replay.records;
    *ret_decisions = replay.same;
    if (code == ERR_OK && replay.difference.found) {
        AUTO(text_done) struct text text;
        text_init(&text, ERROR_TEXT_SIZE - 1);
        difference_text(&replay.difference, &text);
        code = error_set(reterr, ERR_CONFLICT, "%s", text_str(&text));
    }
    replayed_done(&replay);
    return code;
}

/* ---- records as they are ---- */

struct unfolding {
    struct journal_reader *reader;
    struct payloads *payloads;
    run_each_record each;
    void *user;
    enum error_code code;
    struct error error;
};

static bool give_record(void *user, const struct journal_record *record, const struct digest *hash)
{
    struct unfolding *unfolding = user;
    json_t *json = NULL;
    (void)hash;
    unfolding->code =
        payloads_read(unfolding->payloads, unfolding->reader, record, &json, &unfolding->error);
    return unfolding->code == ERR_OK && unfolding->each(unfolding->user, record->seq, json);
}

enum error_code run_records(struct journal_reader *reader, const char *id, uint64_t from_seq,
                            run_each_record each, void *user, struct error *reterr)
{
    AUTO(payloads_freep) struct payloads *payloads = payloads_new();
    struct unfolding unfolding = {
        .reader = reader, .payloads = payloads, .each = each, .user = user, .code = ERR_OK};
    enum error_code code = journal_read(reader, id, from_seq, give_record, &unfolding, reterr);
    if (code == ERR_OK && unfolding.code != ERR_OK)
        code = error_set(reterr, unfolding.code, "run %s: %s", id, unfolding.error.text);
    return code;
}
