/* SPDX-License-Identifier: Apache-2.0
 *
 * Structs as objects, and enums as the names of their values. A struct is read in full: every field
 * that is not a constant must be given, except pointers, which may be null; padding is zero. What a
 * function left in an enum that is none of its values is given as the number it is.
 */
#include "ffi.h"

void kept_done(struct kept *kept)
{
    for (size_t i = 0; i < kept->count; i++)
        free(kept->texts[i]);
    free(kept->texts);
    *kept = (struct kept){.texts = NULL};
}

static char *keep(struct kept *kept, char *text)
{
    char **grown = realloc(kept->texts, (kept->count + 1) * sizeof(*grown));
    if (!grown) {
        free(text);
        return NULL;
    }
    kept->texts = grown;
    kept->texts[kept->count++] = text;
    return text;
}

/* ---- enums ---- */

bool word_read(const struct shape *shape, seam_bytes json, void *ret, const char *place,
               struct trouble *t)
{
    for (size_t i = 0; i < shape->word_count; i++)
        if (seam_json_is(json, shape->words[i].name)) {
            memcpy(ret, &shape->words[i].value, shape->scalar->size); /* its low bytes */
            return true;
        }
    return trouble_say(t, "%s: expected one of the %zu names of `%s`, such as \"%s\", found %.*s",
                       place, shape->word_count, shape->name, shape->words[0].name,
                       json.len ? (int)(json.len < 80 ? json.len : 80) : 7,
                       json.len ? json.ptr : "nothing");
}

void word_write(const struct shape *shape, const void *from, seam_writer *out, const char *key)
{
    int64_t value = scalar_integer(shape->scalar, from);
    for (size_t i = 0; i < shape->word_count; i++)
        if (shape->words[i].value == value) {
            seam_put_text(out, key, shape->words[i].name);
            return;
        }
    scalar_write(shape->scalar, from, out, key);
}

void word_schema(const struct shape *shape, seam_writer *out, const char *key, bool input)
{
    seam_put_object(out, key);
    if (!input)
        seam_put_array(out, "anyOf");
    if (!input)
        seam_put_object(out, NULL);
    seam_put_array(out, "enum");
    for (size_t i = 0; i < shape->word_count; i++)
        seam_put_text(out, NULL, shape->words[i].name);
    seam_put_end(out);
    if (!input) {
        seam_put_end(out);
        scalar_schema(shape->scalar, out, NULL);
        seam_put_end(out);
    }
    seam_put_end(out);
}

/* ---- from JSON ---- */

static bool read_one(const struct field *f, seam_bytes json, char *ret, struct kept *kept,
                     const char *place, struct trouble *t)
{
    char why[160], *text = NULL;
    size_t len = 0;
    switch (f->kind) {
    case KIND_SCALAR:
        return scalar_read(f->scalar, json, ret, why) || trouble_say(t, "%s: %s", place, why);
    case KIND_ENUM:
        return word_read(f->shape, json, ret, place, t);
    case KIND_STRUCT:
        return record_read(f->shape, json, ret, kept, place, t);
    case KIND_STRING:
        if (json.len == 0 || seam_json_kind_of(json) == SEAM_JSON_NULL)
            return true;
        text = seam_json_text(json, &len);
        if (!text || strlen(text) != len) {
            free(text);
            return trouble_say(t, "%s: expected a string without NUL, or null", place);
        }
        text = keep(kept, text);
        memcpy(ret, &text, sizeof(text));
        return text || trouble_say(t, "%s: memory is short", place);
    case KIND_VOID:
    case KIND_BUFFER:
    case KIND_ARRAY:
    case KIND_HANDLE:
    case KIND_CALLBACK:
    case KIND_NULL:
    case KIND_STRINGS:
    case KIND_POINTER:
        break;
    }
    return true; /* stays NULL */
}

/* An array of bytes: a text that has its NUL within, or all of them. */
static bool read_bytes(const struct field *f, seam_bytes json, char *ret, const char *place,
                       struct trouble *t)
{
    size_t len = 0;
    char *bytes = f->utf8 ? seam_json_text(json, &len) : seam_json_base64(json, &len);
    bool good = bytes && (f->utf8 ? len < f->count && strlen(bytes) == len : len == f->count);
    if (good)
        memcpy(ret, bytes, len);
    free(bytes);
    if (f->utf8)
        return good || trouble_say(t, "%s: expected a string without NUL of less than %zu bytes",
                                   place, f->count);
    return good || trouble_say(t, "%s: expected %zu bytes in base64", place, f->count);
}

static bool read_field(const struct field *f, seam_bytes json, char *ret, struct kept *kept,
                       const char *place, struct trouble *t)
{
    if (f->count == 0)
        return read_one(f, json, ret, kept, place, t);
    if (f->utf8 || f->base64)
        return read_bytes(f, json, ret, place, t);
    size_t got = 0;
    bool pointers = f->kind == KIND_POINTER;
    seam_json_walk walk = seam_json_members(json);
    while (!pointers && seam_json_next(&walk)) {
        char element[300];
        snprintf(element, sizeof(element), "%.270s/%zu", place, walk.index);
        if (got++ < f->count &&
            !read_one(f, walk.value, ret + walk.index * f->size, kept, element, t))
            return false;
    }
    return pointers || got == f->count ||
           trouble_say(t, "%s: expected an array of %zu, found %zu", place, f->count, got);
}

bool record_read(const struct shape *shape, seam_bytes json, char *ret, struct kept *kept,
                 const char *place, struct trouble *t)
{
    if (seam_json_kind_of(json) != SEAM_JSON_OBJECT)
        return trouble_say(t, "%s: expected an object, the struct `%s`", place, shape->name);
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *f = &shape->fields[i];
        char inner[300], pointer[80];
        snprintf(inner, sizeof(inner), "%.230s/%.64s", place, f->name);
        snprintf(pointer, sizeof(pointer), "/%s", f->name);
        seam_bytes value = f->value.len > 0 ? f->value : seam_json_at(json, pointer);
        if (!read_field(f, value, ret + f->offset, kept, inner, t))
            return false;
    }
    return true;
}

/* ---- to JSON ---- */

static void write_one(const struct field *f, const char *from, seam_writer *out, const char *key)
{
    const char *text;
    if (f->kind == KIND_SCALAR) {
        scalar_write(f->scalar, from, out, key);
    } else if (f->kind == KIND_ENUM) {
        word_write(f->shape, from, out, key);
    } else if (f->kind == KIND_STRUCT) {
        record_write(f->shape, from, out, key);
    } else {
        memcpy(&text, from, sizeof(text));
        put_string(out, key, text);
    }
}

static void write_text(const struct field *f, const char *from, seam_writer *out)
{
    seam_bytes bytes = {from, strnlen(from, f->count)};
    if (seam_is_utf8(bytes)) {
        seam_put_string(out, f->name, bytes);
        return;
    }
    seam_put_object(out, f->name);
    seam_put_base64(out, "base64", bytes);
    seam_put_end(out);
}

void record_write(const struct shape *shape, const char *from, seam_writer *out, const char *key)
{
    seam_put_object(out, key);
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *f = &shape->fields[i];
        const char *at = from + f->offset;
        if (f->kind == KIND_POINTER)
            continue;
        if (f->count == 0) {
            write_one(f, at, out, f->name);
        } else if (f->utf8) {
            write_text(f, at, out);
        } else if (f->base64) {
            seam_put_base64(out, f->name, (seam_bytes){at, f->count});
        } else {
            seam_put_array(out, f->name);
            for (size_t k = 0; k < f->count; k++)
                write_one(f, at + k * f->size, out, NULL);
            seam_put_end(out);
        }
    }
    seam_put_end(out);
}

/* ---- schemas ---- */

static void one_schema(const struct field *f, seam_writer *out, const char *key, bool input)
{
    if (f->kind == KIND_SCALAR) {
        scalar_schema(f->scalar, out, key);
    } else if (f->kind == KIND_ENUM) {
        word_schema(f->shape, out, key, input);
    } else if (f->kind == KIND_STRUCT) {
        record_schema(f->shape, out, key, input);
    } else if (input) {
        seam_put_json(out, key,
                      seam_text("{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"string\",\"pattern\":"
                                "\"^[^\\\\u0000]*$\"}]}"));
    } else {
        seam_put_object(out, key);
        seam_put_array(out, "anyOf");
        seam_put_json(out, NULL, seam_text("{\"type\":\"null\"}"));
        put_string_schema(out, NULL);
        seam_put_end(out);
        seam_put_end(out);
    }
}

static void array_schema(const struct field *f, seam_writer *out, bool input)
{
    if (f->utf8 && !input) {
        put_string_schema(out, f->name);
        return;
    }
    seam_put_object(out, f->name);
    seam_put_text(out, "type", f->utf8 || f->base64 ? "string" : "array");
    if (f->utf8) {
        seam_put_text(out, "pattern", "^[^\\u0000]*$");
        seam_put_integer(out, "maxLength", (int64_t)f->count - 1);
    } else if (f->base64) {
        seam_put_text(out, "contentEncoding", "base64");
        seam_put_integer(out, "maxLength", (int64_t)(f->count + 2) / 3 * 4);
    } else {
        one_schema(f, out, "items", input);
        seam_put_integer(out, "minItems", (int64_t)f->count);
        seam_put_integer(out, "maxItems", (int64_t)f->count);
    }
    seam_put_end(out);
}

void record_schema(const struct shape *shape, seam_writer *out, const char *key, bool input)
{
    seam_put_object(out, key);
    seam_put_text(out, "type", "object");
    seam_put_object(out, "properties");
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *f = &shape->fields[i];
        if (f->kind == KIND_POINTER || (input && f->value.len > 0))
            continue;
        if (f->count > 0)
            array_schema(f, out, input);
        else
            one_schema(f, out, f->name, input);
    }
    seam_put_end(out);
    seam_put_array(out, "required");
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *f = &shape->fields[i];
        bool may_lack = input && (f->value.len > 0 || (f->kind == KIND_STRING && f->count == 0));
        if (f->kind != KIND_POINTER && !may_lack)
            seam_put_text(out, NULL, f->name);
    }
    seam_put_end(out);
    seam_put_boolean(out, "additionalProperties", false);
    seam_put_end(out);
}
