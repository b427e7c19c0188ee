/* SPDX-License-Identifier: Apache-2.0
 *
 * A batch: the records that go to disk in one transaction, as copies in one growing block of bytes,
 * so that appending costs a memcpy and the memory is used again by the next batch but one. A span
 * is a place in that block, ended by NUL; pointers into it hold only until the next addition.
 *
 * Whoever holds the batch uses it alone: the gathering one is guarded by the journal's lock, the
 * one being written belongs to the writer thread.
 */
#include "journal/journal_internal.h"

#include <stdlib.h>
#include <string.h>

/* What a batch may keep allocated while it is empty. */
enum { KEPT_BYTES = 4 << 20, KEPT_ENTRIES = 16384 };

void batch_init(struct batch *b)
{
    *b = (struct batch){0};
    text_init(&b->bytes, SIZE_MAX);
}

void batch_done(struct batch *b)
{
    free(b->entries);
    free(b->texts);
    free(b->meters);
    free(b->values);
    free(b->notes);
    free(b->taken);
    text_done(&b->bytes);
    batch_init(b);
}

void batch_clear(struct batch *b)
{
    if (b->bytes.room > KEPT_BYTES || b->room > KEPT_ENTRIES) {
        batch_done(b);
        return;
    }
    b->count = b->text_count = b->meter_count = b->value_count = b->note_count = b->taken_count = 0;
    text_clear(&b->bytes);
}

static struct span keep(struct batch *b, struct slice s)
{
    struct span span = {b->bytes.len, s.len};
    text_add(&b->bytes, s.ptr, s.len);
    text_addc(&b->bytes, '\0');
    return span;
}

static struct span keep_string(struct batch *b, const char *string)
{
    return string ? keep(b, slice_of(string)) : (struct span){.len = SPAN_ABSENT};
}

/* Meters of one name are one: a batch has few, of the latest hours. */
static void add_meter(struct batch *b, const struct journal_meter *meter)
{
    for (size_t i = 0; i < b->meter_count; i++) {
        struct batch_meter *known = &b->meters[i];
        if (!slice_is(batch_slice(b, known->name), meter->name))
            continue;
        for (size_t a = 0; a < JOURNAL_AMOUNTS; a++)
            known->amounts[a] += meter->amounts[a];
        return;
    }
    if (b->meter_count == b->meter_room) {
        b->meter_room = b->meter_room ? b->meter_room * 2 : 4;
        b->meters = xrealloc(b->meters, b->meter_room * sizeof(*b->meters));
    }
    struct batch_meter *added = &b->meters[b->meter_count++];
    added->name = keep_string(b, meter->name);
    memcpy(added->amounts, meter->amounts, sizeof(added->amounts));
}

void batch_add_value(struct batch *b, const struct journal_value *value)
{
    if (b->value_count == b->value_room) {
        b->value_room = b->value_room ? b->value_room * 2 : 4;
        b->values = xrealloc(b->values, b->value_room * sizeof(*b->values));
    }
    b->values[b->value_count++] = (struct batch_value){
        .space = keep_string(b, value->space),
        .key = keep_string(b, value->key),
        .value = value->value.ptr ? keep(b, value->value) : (struct span){.len = SPAN_ABSENT},
        .writer = keep_string(b, value->writer),
        .version = value->version,
        .base = value->base,
        .after = value->after,
    };
}

void batch_add(struct batch *b, const struct journal_record *record)
{
    if (b->count == b->room) {
        b->room = b->room ? b->room * 2 : 256;
        b->entries = xrealloc(b->entries, b->room * sizeof(*b->entries));
    }
    b->entries[b->count++] = (struct batch_entry){
        .seq = record->seq,
        .at_ms = record->at_ms,
        .due_ms = record->due_ms,
        .over = record->over,
        .run = keep_string(b, record->run),
        .kind = keep_string(b, record->kind),
        .body = keep(b, record->body),
        .status = keep_string(b, record->status),
        .flow = keep_string(b, record->flow),
        .claim = keep_string(b, record->claim),
        .claim_owner = keep_string(b, record->claim_owner),
    };
    for (size_t i = 0; i < record->meter_count; i++)
        add_meter(b, &record->meters[i]);
    if (record->value)
        batch_add_value(b, record->value);
}

void batch_add_text(struct batch *b, const struct digest *digest, struct slice text)
{
    if (b->text_count == b->text_room) {
        b->text_room = b->text_room ? b->text_room * 2 : 16;
        b->texts = xrealloc(b->texts, b->text_room * sizeof(*b->texts));
    }
    b->texts[b->text_count++] = (struct batch_text){*digest, keep(b, text)};
}

void batch_add_note(struct batch *b, const char *name, struct slice body)
{
    if (b->note_count == b->note_room) {
        b->note_room = b->note_room ? b->note_room * 2 : 4;
        b->notes = xrealloc(b->notes, b->note_room * sizeof(*b->notes));
    }
    struct span absent = {.len = SPAN_ABSENT};
    b->notes[b->note_count++] =
        (struct batch_note){keep_string(b, name), body.ptr ? keep(b, body) : absent};
}

void batch_add_taken(struct batch *b, int64_t message)
{
    if (b->taken_count == b->taken_room) {
        b->taken_room = b->taken_room ? b->taken_room * 2 : 16;
        b->taken = xrealloc(b->taken, b->taken_room * sizeof(*b->taken));
    }
    b->taken[b->taken_count++] = message;
}

bool batch_empty(const struct batch *b)
{
    return b->count == 0 && b->text_count == 0 && b->value_count == 0 && b->note_count == 0 &&
           b->taken_count == 0;
}

size_t batch_size(const struct batch *b)
{
    return b->bytes.len + b->count * sizeof(*b->entries);
}

struct slice batch_slice(const struct batch *b, struct span span)
{
    if (span.len == SPAN_ABSENT)
        return (struct slice){NULL, 0};
    return (struct slice){b->bytes.ptr + span.at, span.len};
}
