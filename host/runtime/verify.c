/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a journal is what was written. The chain of a run is checked by reading it; what the
 * chain covers only by digest, the kept texts, is held to the digests here. A chain has no key:
 * whoever can write the file can also make another chain, or cut the end off one together with its
 * head. Only hashes that were kept elsewhere, the anchors, show that.
 */
#include "runtime/host_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct verifying {
    struct journal_reader *reader;
    struct map known; /* digests of texts that are whole */
};

struct verifying *verifying_new(struct journal_reader *reader)
{
    struct verifying *v = xcalloc(1, sizeof(*v));
    v->reader = reader;
    return v;
}

void verifying_free(struct verifying *v)
{
    if (!v)
        return;
    map_done(&v->known);
    free(v);
}

void verifying_freep(struct verifying **v)
{
    verifying_free(*v);
}

size_t verifying_texts(const struct verifying *v)
{
    return v->known.count;
}

/* ---- kept texts ---- */

static enum error_code check_references(struct verifying *v, const json_t *value, int depth,
                                        struct error *reterr);

/* A text with references of its own is read, others are only hashed. */
static enum error_code check_text(struct verifying *v, const char *hex, bool nested, int depth,
                                  struct error *reterr)
{
    static char whole;
    struct digest digest;
    AUTO(text_done) struct text text;
    AUTO(json_decrefp) json_t *value = NULL;
    text_init(&text, SIZE_MAX);
    if (!hex || !digest_from_hex(slice_of(hex), &digest))
        return error_set(reterr, ERR_CORRUPT, "a reference to a kept text is no digest");
    if (map_get(&v->known, slice_of(hex)))
        return ERR_OK;
    enum error_code code = journal_kept(v->reader, &digest, &text, reterr);
    if (code == ERR_OK)
        map_put(&v->known, slice_of(hex), &whole);
    if (code == ERR_OK && nested)
        code = json_read_own(text_slice(&text), &value, reterr);
    return code == ERR_OK && nested ? check_references(v, value, depth, reterr) : code;
}

static enum error_code check_mark(struct verifying *v, const json_t *object, int depth,
                                  struct error *reterr)
{
    const json_t *mark = json_object_get(object, KEPT_MARK);
    const json_t *hex = json_is_array(mark) ? json_array_get(mark, 0) : mark;
    return check_text(v, json_string_value(hex), json_is_array(mark), depth, reterr);
}

static enum error_code check_references(struct verifying *v, const json_t *value, int depth,
                                        struct error *reterr)
{
    enum error_code code = ERR_OK;
    const char *key;
    size_t i;
    json_t *part;
    if (depth > 8 * LIMIT_DEPTH)
        return error_set(reterr, ERR_CORRUPT, "kept texts are nested deeper than %d",
                         8 * LIMIT_DEPTH);
    if (json_object_size(value) == 1 && json_object_get(value, KEPT_MARK))
        return check_mark(v, value, depth + 1, reterr);
    json_object_foreach ((json_t *)(uintptr_t)value, key, part) {
        if (code == ERR_OK)
            code = check_references(v, part, depth + 1, reterr);
    }
    json_array_foreach (value, i, part) {
        if (code == ERR_OK)
            code = check_references(v, part, depth + 1, reterr);
    }
    return code;
}

/* Flows and cards: the members named `kept` of what a run is pinned to. */
static enum error_code check_pins(struct verifying *v, const json_t *pins, int depth,
                                  struct error *reterr)
{
    enum error_code code = ERR_OK;
    const char *key;
    json_t *part;
    json_object_foreach ((json_t *)(uintptr_t)pins, key, part) {
        if (code == ERR_OK && strcmp(key, "kept") == 0 && json_is_string(part))
            code = check_text(v, json_string_value(part), false, depth, reterr);
        else if (code == ERR_OK && depth < LIMIT_DEPTH)
            code = check_pins(v, part, depth + 1, reterr);
    }
    return code;
}

/* ---- records ---- */

struct walking {
    struct verifying *v;
    const json_t *anchors;
    struct verified *ret;
    enum run_status ended; /* as its records say; RUN_RUNNING = they do not say that it is over */
};

/* Only a record that ends so has references: payloads.c writes it last. A hidden one lists all. */
static bool has_references(struct slice body)
{
    static const char end[] = ",\"kept\":true}";
    size_t len = sizeof(end) - 1;
    return hidden_is(body) || (body.len >= len && memcmp(body.ptr + body.len - len, end, len) == 0);
}

/* Pins may be large themselves, and then are a reference. */
static enum error_code check_beginning(struct verifying *v, const struct journal_record *first,
                                       struct error *reterr)
{
    AUTO(payloads_freep) struct payloads *payloads = payloads_new();
    AUTO(json_decrefp) json_t *record = NULL;
    bool hidden = hidden_is(first->body);
    enum error_code code = hidden ? json_read_own(first->body, &record, reterr)
                                  : payloads_read(payloads, v->reader, first, &record, reterr);
    const json_t *open = hidden ? json_object_get(record, HIDDEN_OPEN) : record;
    const json_t *pins = json_object_get(json_object_get(open, "event"), "pins");
    return code == ERR_OK ? check_pins(v, pins, 0, reterr) : code;
}

static enum error_code check_texts(struct verifying *v, const struct journal_record *record,
                                   struct error *reterr)
{
    enum error_code code = ERR_OK;
    AUTO(json_decrefp) json_t *root = NULL;
    if (has_references(record->body)) {
        code = json_read_own(record->body, &root, reterr);
        if (code == ERR_OK)
            code = check_references(v, root, 0, reterr);
    }
    return code == ERR_OK && record->seq == 1 ? check_beginning(v, record, reterr) : code;
}

static bool flaw_at(struct verified *ret, enum flaw_kind kind, uint64_t seq)
{
    ret->flaw = (struct journal_flaw){kind, seq};
    return false;
}

/* The end of a run is a decision; what an agent gave may look like one, and is none. */
static enum run_status end_in(struct slice body)
{
    static const char mark[] = "{\"kind\":\"end\"";
    static const enum run_status ends[] = {RUN_DONE, RUN_FAILED, RUN_CANCELLED};
    AUTO(json_decrefp) json_t *root = NULL;
    struct error err;
    size_t i;
    json_t *decision;
    enum run_status found = RUN_RUNNING;
    if (!memmem(body.ptr, body.len, mark, sizeof(mark) - 1) ||
        json_read_own(body, &root, &err) != ERR_OK)
        return found;
    const json_t *open = json_object_get(root, HIDDEN_OPEN);
    json_array_foreach (json_object_get(open ? open : root, "decisions"), i, decision) {
        const char *kind = json_string_value(json_object_get(decision, "kind"));
        const char *status = json_string_value(json_object_get(decision, "status"));
        for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++)
            if (kind && status && strcmp(kind, "end") == 0 &&
                strcmp(status, run_status_word(ends[k])) == 0)
                found = ends[k];
    }
    return found;
}

static bool walk_record(void *user, const struct journal_record *record, const struct digest *hash)
{
    struct walking *w = user;
    struct verified *ret = w->ret;
    char seq[24], hex[DIGEST_HEX_SIZE];
    ret->records++;
    ret->last_seq = record->seq;
    ret->head = *hash;
    if (w->ended == RUN_RUNNING)
        w->ended = end_in(record->body);
    if (check_texts(w->v, record, &ret->error) != ERR_OK) {
        error_prefix(&ret->error, "record %" PRIu64 ": ", record->seq);
        return flaw_at(ret, FLAW_TEXT, record->seq);
    }
    if (!w->anchors)
        return true;
    snprintf(seq, sizeof(seq), "%" PRIu64, record->seq);
    digest_hex(hash, hex);
    const char *anchor = json_string_value(json_object_get(w->anchors, seq));
    if (!anchor || strcmp(anchor, hex) == 0)
        return true;
    error_set(&ret->error, ERR_CORRUPT,
              "record %" PRIu64 " has another hash than the one that was kept of it: the journal "
              "was written anew from there or before",
              record->seq);
    return flaw_at(ret, FLAW_ANCHOR, record->seq);
}

/* An anchor behind the end: the tail is gone, and the head was made to fit. */
static void check_anchors_behind(const json_t *anchors, struct verified *ret)
{
    const char *seq;
    json_t *hash;
    uint64_t furthest = 0;
    json_object_foreach ((json_t *)(uintptr_t)anchors, seq, hash) {
        uint64_t number = strtoull(seq, NULL, 10);
        furthest = number > furthest ? number : furthest;
    }
    if (furthest <= ret->last_seq)
        return;
    error_set(&ret->error, ERR_CORRUPT,
              "record %" PRIu64 " and what followed are missing: there was a record %" PRIu64
              " when its hash was kept",
              ret->last_seq + 1, furthest);
    flaw_at(ret, FLAW_CUT, ret->last_seq + 1);
}

static bool is_over(const char *status)
{
    return strcmp(status, run_status_word(RUN_DONE)) == 0 ||
           strcmp(status, run_status_word(RUN_FAILED)) == 0 ||
           strcmp(status, run_status_word(RUN_CANCELLED)) == 0;
}

/* The list of runs stands outside of the chain, and whoever resumes or looks goes by it: a run that
 * it calls done would never be taken up again. One that went on meanwhile is let be. */
static void check_status(struct walking *w, const char *id)
{
    struct verified *ret = w->ret;
    struct journal_run row;
    struct error err;
    if (journal_find(w->v->reader, id, &row, &err) != ERR_OK || row.last_seq != ret->last_seq)
        return;
    bool over = w->ended != RUN_RUNNING;
    if (over ? strcmp(row.status, run_status_word(w->ended)) == 0 : !is_over(row.status))
        return;
    error_set(&ret->error, ERR_CORRUPT,
              "the list of runs says that it is %s, and its records say that it is %s; somebody "
              "changed the journal: put a backup in its place, then `seam resume --all --restored`",
              row.status, over ? run_status_word(w->ended) : "not over");
    flaw_at(ret, FLAW_HEAD, ret->last_seq);
}

enum error_code verify_run(struct verifying *v, const char *id, const json_t *anchors,
                           struct verified *ret, struct error *reterr)
{
    struct error err;
    struct walking w = {.v = v, .anchors = anchors, .ret = ret};
    *ret = (struct verified){.flaw = {FLAW_NONE, 0}};
    enum error_code code = journal_read(v->reader, id, 1, walk_record, &w, &err);
    if (code == ERR_CORRUPT && journal_flaw(v->reader).kind != FLAW_NONE) {
        ret->flaw = journal_flaw(v->reader);
        ret->error = err;
        return ERR_OK;
    }
    if (code != ERR_OK) {
        *reterr = err;
        return code;
    }
    if (ret->flaw.kind == FLAW_NONE && anchors)
        check_anchors_behind(anchors, ret);
    if (ret->flaw.kind == FLAW_NONE)
        check_status(&w, id);
    return ERR_OK;
}
