/* SPDX-License-Identifier: Apache-2.0
 *
 * Large values stand in the journal once. Where a record would hold one of more than LIMIT_INLINE
 * bytes, it holds a reference, and the value's text is kept under its digest; so is a large value
 * inside another, each by itself. The same value in a later record, as an item, an input, or part
 * of an input, is a reference again.
 *
 *   {"$kept": "<digest>"}     the text is JSON as it stands
 *   {"$kept": ["<digest>"]}   the text has such members in it, too
 *   {"$$kept": …}             what an agent calls `$kept` itself: one `$` more for each that it had
 *
 * A record with any of these says `"kept": true` beside `event` and `decisions`; in one that does
 * not, they mean nothing. The chain of the run is over the references, hence over the texts.
 *
 * Values that were kept or read lately are held, by address and by digest, so that none is written,
 * hashed or parsed again while it is at work. What is held is never changed: a value of an event or
 * a decision is final. One that nobody else holds any more, for its run is over, is not met again
 * by its address; few of those are held, for a value takes ten times the room of its text.
 */
#include "runtime/host_internal.h"

#include <stdlib.h>
#include <string.h>

enum { HELD_MAX = 4096, SLOTS = 2 * HELD_MAX, NO_HELD = HELD_MAX, DEPTH = 8 * LIMIT_DEPTH };
enum index { BY_VALUE, BY_DIGEST, INDEXES };

struct held {
    json_t *value;
    struct digest digest;
    size_t bytes, parts; /* of its text; of the value, to notice if it was changed after all */
    bool nested;         /* its text has marks */
    uint64_t tag;        /* of the hidden run that it is of; 0 = it may be of any other */
    uint32_t next[INDEXES];
};

struct payloads {
    struct held *ring; /* the oldest goes first; NULL until the first comes */
    uint32_t *slots[INDEXES];
    uint32_t first, count;
    size_t bytes;
};

struct payloads *payloads_new(void)
{
    return xcalloc(1, sizeof(struct payloads));
}

static void make_room(struct payloads *p)
{
    p->ring = xcalloc(HELD_MAX, sizeof(*p->ring));
    for (size_t i = 0; i < INDEXES; i++) {
        p->slots[i] = xmalloc(SLOTS * sizeof(*p->slots[i]));
        for (size_t slot = 0; slot < SLOTS; slot++)
            p->slots[i][slot] = NO_HELD;
    }
}

/* ---- what is held ---- */

static uint32_t *slot_of_value(struct payloads *p, const json_t *value)
{
    uint64_t mixed = (uint64_t)(uintptr_t)value * 0x9e3779b97f4a7c15u;
    return &p->slots[BY_VALUE][(mixed >> 40) % SLOTS];
}

static uint32_t *slot_of_digest(struct payloads *p, const struct digest *digest)
{
    uint32_t word;
    memcpy(&word, digest->bytes, sizeof(word));
    return &p->slots[BY_DIGEST][word % SLOTS];
}

static size_t parts_of(const json_t *value)
{
    return json_is_string(value)  ? json_string_length(value)
           : json_is_array(value) ? json_array_size(value)
                                  : json_object_size(value);
}

static struct held *held_value(struct payloads *p, const json_t *value, uint64_t tag)
{
    if (p->count == 0)
        return NULL;
    for (uint32_t at = *slot_of_value(p, value); at != NO_HELD; at = p->ring[at].next[BY_VALUE])
        if (p->ring[at].value == value && p->ring[at].tag == tag)
            return p->ring[at].parts == parts_of(value) ? &p->ring[at] : NULL;
    return NULL;
}

static struct held *held_digest(struct payloads *p, const struct digest *digest)
{
    if (p->count == 0)
        return NULL;
    for (uint32_t at = *slot_of_digest(p, digest); at != NO_HELD; at = p->ring[at].next[BY_DIGEST])
        if (digest_equal(&p->ring[at].digest, digest))
            return &p->ring[at];
    return NULL;
}

static void unlink_held(struct payloads *p, uint32_t *slot, enum index index, uint32_t at)
{
    while (*slot != at)
        slot = &p->ring[*slot].next[index];
    *slot = p->ring[at].next[index];
}

/* Its value is the caller's now. */
static struct held take_oldest(struct payloads *p)
{
    uint32_t at = p->first;
    struct held oldest = p->ring[at];
    unlink_held(p, slot_of_value(p, oldest.value), BY_VALUE, at);
    unlink_held(p, slot_of_digest(p, &oldest.digest), BY_DIGEST, at);
    p->bytes -= oldest.bytes;
    p->first = (at + 1) % HELD_MAX;
    p->count--;
    return oldest;
}

static void drop_oldest(struct payloads *p)
{
    json_decref(take_oldest(p).value);
}

static void put_newest(struct payloads *p, struct held held)
{
    uint32_t at = (p->first + p->count++) % HELD_MAX;
    uint32_t *by_value = slot_of_value(p, held.value), *by_digest = slot_of_digest(p, &held.digest);
    held.next[BY_VALUE] = *by_value;
    held.next[BY_DIGEST] = *by_digest;
    p->ring[at] = held;
    *by_value = *by_digest = at;
    p->bytes += held.bytes;
}

/* Two go for one that comes, if nobody else holds them; what is at work goes round. */
static void drop_idle(struct payloads *p)
{
    for (int looks = 2; looks > 0 && p->count > 0 && p->bytes > LIMIT_HELD_IDLE; looks--) {
        if (p->ring[p->first].value->refcount == 1)
            drop_oldest(p);
        else
            put_newest(p, take_oldest(p));
    }
}

static void hold(struct payloads *p, json_t *value, const struct digest *digest, size_t bytes,
                 bool nested, uint64_t tag)
{
    if (!p->ring)
        make_room(p);
    drop_idle(p);
    while (p->count == HELD_MAX || (p->count > 0 && p->bytes + bytes > LIMIT_HELD))
        drop_oldest(p);
    put_newest(p, (struct held){.value = json_incref(value),
                                .digest = *digest,
                                .bytes = bytes,
                                .parts = parts_of(value),
                                .nested = nested,
                                .tag = tag});
}

void payloads_free(struct payloads *p)
{
    if (!p)
        return;
    while (p->count > 0)
        drop_oldest(p);
    free(p->ring);
    for (size_t i = 0; i < INDEXES; i++)
        free(p->slots[i]);
    free(p);
}

void payloads_freep(struct payloads **p)
{
    payloads_free(*p);
}

/* ---- writing ---- */

/* "$kept", "$$kept", …: the name of a member that stands alone. */
static bool is_mark(const char *key, size_t len)
{
    size_t word = sizeof(KEPT_MARK) - 1;
    if (len < word || memcmp(key + len - word, KEPT_MARK, word) != 0)
        return false;
    for (size_t i = 0; i < len - word; i++)
        if (key[i] != '$')
            return false;
    return true;
}

/* A value that is small, and has no member that looks like a reference, is written by the faster
 * way; false if it is not that, and nothing is written. */
static bool write_small(json_t *value, struct text *out)
{
    size_t from = out->len, most = out->maximum;
    bool overflowed = out->overflowed;
    if (most - from > LIMIT_INLINE)
        out->maximum = from + LIMIT_INLINE;
    json_write(value, out);
    out->maximum = most;
    bool small = !out->overflowed;
    for (const char *at = out->ptr + from; small; at++) {
        at = memchr(at, '$', (size_t)(out->ptr + out->len - at));
        if (!at)
            return true;
        small = strncmp(at, KEPT_MARK "\":", sizeof(KEPT_MARK) + 1) != 0;
    }
    out->len = from;
    out->overflowed = overflowed;
    return false;
}

static void write_reference(struct writing *w, const struct digest *digest, bool nested)
{
    char hex[DIGEST_HEX_SIZE];
    digest_hex(digest, hex);
    text_addf(w->out, nested ? "{\"" KEPT_MARK "\":[\"%s\"]}" : "{\"" KEPT_MARK "\":\"%s\"}", hex);
    w->marks++;
    if (w->hiding)
        text_addf(&w->references, "%s{\"" KEPT_MARK "\":\"%s\"}", w->references.len > 0 ? "," : "",
                  hex);
}

static uint64_t tag_of(const struct writing *w)
{
    return w->hiding ? w->hiding->tag : 0;
}

static void write_value(struct writing *w, json_t *value);

static void write_array(struct writing *w, json_t *array)
{
    size_t i;
    json_t *item;
    text_addc(w->out, '[');
    json_array_foreach (array, i, item) {
        if (i > 0)
            text_addc(w->out, ',');
        write_value(w, item);
    }
    text_addc(w->out, ']');
}

static void write_object(struct writing *w, json_t *object)
{
    const char *key, *separator = "{";
    size_t len;
    json_t *member;
    bool alone = json_object_size(object) == 1;
    json_object_keylen_foreach(object, key, len, member)
    {
        text_adds(w->out, separator);
        json_write_string((struct slice){key, len}, w->out);
        if (alone && is_mark(key, len)) {
            w->out->len -= len + 1;
            text_addf(w->out, "$%.*s\"", (int)len, key);
            w->marks++;
        }
        text_addc(w->out, ':');
        write_value(w, member);
        separator = ",";
    }
    text_adds(w->out, separator[0] == '{' ? "{}" : "}");
}

/* Cuts what was written of the value out of the record again, and keeps it. */
static void cut_out(struct writing *w, json_t *value, size_t from, bool nested)
{
    struct slice text = {w->out->ptr + from, w->out->len - from};
    AUTO(text_done) struct text sealed;
    text_init(&sealed, SIZE_MAX / 2);
    if (w->hiding)
        hidden_seal(w->hiding, text, &sealed);
    struct digest digest = journal_keep(w->journal, w->hiding ? text_slice(&sealed) : text);
    hold(w->payloads, value, &digest, text.len, nested, tag_of(w));
    w->out->len = from;
    write_reference(w, &digest, nested);
}

/* As its text stands, if that is at hand and all that is large in it is the whole; false if it is
 * not that, and nothing is written. */
static bool write_known(struct writing *w, json_t *value)
{
    const struct known_text *known = w->known ? known_find(w->known, value) : NULL;
    if (!known || memchr(known->text.ptr, '$', known->text.len))
        return false;
    bool large = known->text.len > LIMIT_INLINE;
    if (large && !known->flat)
        return false;
    size_t from = w->out->len;
    text_add(w->out, known->text.ptr, known->text.len);
    if (large)
        cut_out(w, value, from, false);
    return true;
}

static void write_value(struct writing *w, json_t *value)
{
    size_t from = w->out->len, marks = w->marks;
    bool string = json_is_string(value);
    bool may_be_large = string ? json_string_length(value) > LIMIT_INLINE
                               : json_is_array(value) || json_is_object(value);
    struct held *held = may_be_large ? held_value(w->payloads, value, tag_of(w)) : NULL;
    if (held) {
        write_reference(w, &held->digest, held->nested);
        return;
    }
    if (write_known(w, value) || (may_be_large && write_small(value, w->out)))
        return;
    if (json_is_array(value))
        write_array(w, value);
    else if (json_is_object(value))
        write_object(w, value);
    else
        json_write(value, w->out);
    if (may_be_large && w->out->len - from > LIMIT_INLINE)
        cut_out(w, value, from, w->marks != marks);
}

void payloads_write(void *writing, json_t *value, struct text *out)
{
    struct writing *w = writing;
    w->out = out;
    write_value(w, value);
}

void payloads_written(struct writing *w, struct text *out)
{
    if (w->marks == 0)
        return;
    out->len--;
    text_adds(out, ",\"kept\":true}");
}

/* ---- reading ---- */

struct reading {
    struct payloads *payloads;
    struct journal_reader *reader;
    const char *run; /* of a hidden one: its id */
    uint64_t tag;
    int depth;
};

static enum error_code restore(struct reading *r, json_t *value, json_t **ret_other,
                               struct error *reterr);

static enum error_code read_kept(const struct reading *r, const struct digest *digest,
                                 struct text *out, struct error *reterr)
{
    AUTO(text_done) struct text sealed;
    text_init(&sealed, SIZE_MAX);
    if (!r->run)
        return journal_kept(r->reader, digest, out, reterr);
    enum error_code code = journal_kept(r->reader, digest, &sealed, reterr);
    return code == ERR_OK ? hidden_open(r->reader, r->run, text_slice(&sealed), out, reterr) : code;
}

/* What a reference names; a new reference to it. */
static enum error_code fetch(struct reading *r, const json_t *reference, json_t **ret_value,
                             struct error *reterr)
{
    bool nested = json_is_array(reference);
    const char *hex = json_string_value(nested ? json_array_get(reference, 0) : reference);
    struct digest digest;
    if (!hex || !digest_from_hex(slice_of(hex), &digest))
        return error_set(reterr, ERR_CORRUPT, "a record's reference to a kept value is no digest");
    struct held *held = held_digest(r->payloads, &digest);
    if (held) {
        *ret_value = json_incref(held->value);
        return ERR_OK;
    }
    AUTO(text_done) struct text text;
    AUTO(json_decrefp) json_t *value = NULL;
    text_init(&text, SIZE_MAX);
    enum error_code code = read_kept(r, &digest, &text, reterr);
    if (code == ERR_OK)
        code = json_read_own(text_slice(&text), &value, reterr);
    json_t *other = NULL;
    if (code == ERR_OK && nested)
        code = restore(r, value, &other, reterr);
    if (code != ERR_OK)
        return code;
    if (other) {
        json_decref(value);
        value = other;
    }
    if (json_is_string(value) || json_is_array(value) || json_is_object(value))
        hold(r->payloads, value, &digest, text.len, nested, r->tag);
    *ret_value = TAKE(value);
    return ERR_OK;
}

static enum error_code restore_mark(struct reading *r, const char *key, size_t len, json_t *member,
                                    json_t **ret_other, struct error *reterr)
{
    if (len == sizeof(KEPT_MARK) - 1)
        return fetch(r, member, ret_other, reterr);
    json_t *inner = NULL;
    enum error_code code = restore(r, member, &inner, reterr);
    if (code != ERR_OK)
        return code;
    *ret_other = json_object();
    json_object_setn_new(*ret_other, key + 1, len - 1, inner ? inner : json_incref(member));
    return ERR_OK;
}

static enum error_code restore_object(struct reading *r, json_t *object, json_t **ret_other,
                                      struct error *reterr)
{
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);
        size_t len = json_object_iter_key_len(at);
        json_t *member = json_object_iter_value(at), *other = NULL;
        if (json_object_size(object) == 1 && is_mark(key, len))
            return restore_mark(r, key, len, member, ret_other, reterr);
        enum error_code code = restore(r, member, &other, reterr);
        if (code != ERR_OK)
            return code;
        if (other)
            json_object_iter_set_new(object, at, other);
    }
    return ERR_OK;
}

static enum error_code restore_array(struct reading *r, json_t *array, struct error *reterr)
{
    size_t i;
    json_t *item;
    json_array_foreach (array, i, item) {
        json_t *other = NULL;
        enum error_code code = restore(r, item, &other, reterr);
        if (code != ERR_OK)
            return code;
        if (other)
            json_array_set_new(array, i, other);
    }
    return ERR_OK;
}

/* Puts back what references stand for. *ret_other is what takes the value's own place, if it was
 * one itself. */
static enum error_code restore(struct reading *r, json_t *value, json_t **ret_other,
                               struct error *reterr)
{
    enum error_code code = ERR_OK;
    if (!json_is_array(value) && !json_is_object(value))
        return code;
    if (++r->depth > DEPTH)
        return error_set(reterr, ERR_CORRUPT, "kept values are nested deeper than %d", DEPTH);
    if (json_is_array(value))
        code = restore_array(r, value, reterr);
    else
        code = restore_object(r, value, ret_other, reterr);
    r->depth--;
    return code;
}

enum error_code payloads_read(struct payloads *p, struct journal_reader *reader,
                              const struct journal_record *from, json_t **ret_record,
                              struct error *reterr)
{
    AUTO(json_decrefp) json_t *record = NULL;
    AUTO(text_done) struct text opened;
    struct reading r = {.payloads = p, .reader = reader};
    struct slice body = from->body;
    enum error_code code = ERR_OK;
    text_init(&opened, SIZE_MAX);
    if (hidden_is(body)) {
        r.run = from->run;
        r.tag = hidden_of(NULL, from->run).tag;
        code = hidden_read(reader, from, &opened, reterr);
        body = text_slice(&opened);
    }
    if (code == ERR_OK)
        code = json_read_own(body, &record, reterr);
    json_t *other = NULL;
    if (code == ERR_OK && json_object_get(record, "kept")) {
        json_object_del(record, "kept");
        code = restore(&r, record, &other, reterr);
        json_decref(other); /* a record is no reference */
    }
    if (code == ERR_OK)
        *ret_record = TAKE(record);
    return code;
}
