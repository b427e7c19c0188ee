/* SPDX-License-Identifier: Apache-2.0
 *
 * Arguments from JSON to what C is given, and back. All that a function may write to has its own
 * memory, with a mark behind it that shows whether the function kept to its room.
 */
#include "ffi.h"

static const char canary[CANARY + 1] = "end of the room!";

static bool make_room(struct live *live, size_t len, size_t room)
{
    live->room = room > len ? room : len;
    char *bytes = calloc(1, live->room + CANARY);
    if (!bytes)
        return false;
    if (len > 0)
        memcpy(bytes, live->bytes, len);
    memcpy(bytes + live->room, canary, CANARY);
    free(live->bytes);
    live->bytes = bytes;
    live->len = len;
    return true;
}

bool live_intact(const struct live *live)
{
    return !live->bytes || live->room == 0 || memcmp(live->bytes + live->room, canary, CANARY) == 0;
}

static bool take_array(struct live *live, const struct arg *arg, seam_bytes json, struct trouble *t)
{
    char why[160];
    size_t size = arg->scalar->size, count = 0;
    seam_json_walk walk = seam_json_members(json);
    while (seam_json_next(&walk))
        count++;
    live->bytes = calloc(count + 1, size);
    live->len = count * size;
    walk = seam_json_members(json);
    while (live->bytes && seam_json_next(&walk))
        if (!scalar_read(arg->scalar, walk.value, live->bytes + walk.index * size, why))
            return trouble_say(t, "/%s/%zu: %s", arg->name, walk.index, why);
    return true;
}

static bool take_bytes(struct live *live, const struct arg *arg, seam_bytes json, struct trouble *t)
{
    const char *name = arg->name ? arg->name : "value";
    if (arg->in && arg->kind == KIND_ARRAY && !take_array(live, arg, json, t))
        return false;
    if (arg->in && arg->kind != KIND_ARRAY) {
        bool plain = arg->kind == KIND_STRING || arg->utf8;
        live->bytes = plain ? seam_json_text(json, &live->len) : seam_json_base64(json, &live->len);
        if (!live->bytes)
            return trouble_say(t, "/%s: expected %s", name, plain ? "a string" : "base64");
        if (arg->kind == KIND_STRING && strlen(live->bytes) != live->len)
            return trouble_say(
                t, "/%s: a string of C ends at its first NUL, and this has one inside", name);
    }
    size_t room = arg->size * (arg->kind == KIND_ARRAY ? arg->scalar->size : 1);
    if (arg->out && live->len > room)
        return trouble_say(t, "/%s: it takes %zu bytes, and there is room for %zu", name, live->len,
                           room);
    if (arg->kind != KIND_STRING && !make_room(live, live->len, room))
        return trouble_say(t, "/%s: memory is short", name);
    live->cell.p = live->bytes;
    return true;
}

/* A scalar, an enum: in the cell, or where the cell points to. */
static bool take_scalar(struct live *live, const struct arg *arg, seam_bytes json,
                        const char *place, struct trouble *t)
{
    char why[160];
    void *to = arg->by_pointer ? &live->inner : &live->cell;
    live->cell.p = arg->by_pointer ? &live->inner : NULL;
    if (arg->length_of != NOTHING || !arg->in)
        return true;
    if (arg->kind == KIND_ENUM)
        return word_read(arg->shape, json, to, place, t);
    return scalar_read(arg->scalar, json, to, why) || trouble_say(t, "%s: %s", place, why);
}

static bool take_struct(struct live *live, const struct arg *arg, seam_bytes json,
                        const char *place, struct trouble *t)
{
    if (!make_room(live, 0, arg->shape->type.size))
        return trouble_say(t, "%s: memory is short", place);
    live->cell.p = live->bytes;
    return !arg->in || record_read(arg->shape, json, live->bytes, &live->kept, place, t);
}

bool live_take(struct live *live, const struct arg *arg, seam_bytes input, struct trouble *t)
{
    char place[80];
    seam_bytes json = arg->value;
    snprintf(place, sizeof(place), "/%s", arg->name ? arg->name : "value");
    if (json.len == 0 && arg->name)
        json = seam_json_at(input, place);
    bool null = arg->nullable && (json.len == 0 || seam_json_kind_of(json) == SEAM_JSON_NULL);
    switch (arg->kind) {
    case KIND_SCALAR:
    case KIND_ENUM:
        return null || take_scalar(live, arg, json, place, t);
    case KIND_STRUCT:
        return (null && arg->in) || take_struct(live, arg, json, place, t);
    case KIND_STRING:
    case KIND_BUFFER:
    case KIND_ARRAY:
        live->cell.p = NULL;
        return (null && !arg->out) || take_bytes(live, arg, json, t);
    case KIND_HANDLE:
        live->cell.p = arg->out ? &live->inner : NULL;
        return true;
    case KIND_VOID:
    case KIND_CALLBACK:
    case KIND_NULL:
    case KIND_STRINGS:
    case KIND_POINTER:
        live->cell.p = NULL;
    }
    return true;
}

void put_string(seam_writer *out, const char *key, const char *text)
{
    if (!text) {
        seam_put_null(out, key);
    } else if (seam_is_utf8(seam_text(text))) {
        seam_put_text(out, key, text);
    } else {
        seam_put_object(out, key);
        seam_put_base64(out, "base64", seam_text(text));
        seam_put_end(out);
    }
}

bool live_give(const struct live *live, const struct arg *arg, seam_writer *out, struct trouble *t)
{
    if (arg->kind == KIND_SCALAR) {
        scalar_write(arg->scalar, &live->inner, out, arg->name);
        return true;
    }
    if (arg->kind == KIND_ENUM || arg->kind == KIND_STRUCT) {
        if (arg->kind == KIND_ENUM)
            word_write(arg->shape, &live->inner, out, arg->name);
        else if (live->bytes)
            record_write(arg->shape, live->bytes, out, arg->name);
        else
            seam_put_null(out, arg->name);
        return true;
    }
    seam_bytes bytes = {live->bytes, live->len};
    if (arg->kind == KIND_ARRAY) {
        seam_put_array(out, arg->name);
        for (size_t at = 0; at + arg->scalar->size <= live->len; at += arg->scalar->size)
            scalar_write(arg->scalar, live->bytes + at, out, NULL);
        seam_put_end(out);
    } else if (!arg->utf8) {
        seam_put_base64(out, arg->name, bytes);
    } else if (seam_is_utf8(bytes)) {
        seam_put_string(out, arg->name, bytes);
    } else {
        return trouble_say(t, "`%s` is not UTF-8 (cure: encoding: base64)", arg->name);
    }
    return true;
}
