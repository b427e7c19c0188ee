/* SPDX-License-Identifier: Apache-2.0
 *
 * The types that a library names: structs and enums. The configuration says only what fields are
 * and in which order; where they lie is what libffi, which passes them, makes of that. What the
 * compiler made of it was pinned, offsets and all, so that a struct which is packed, or lacks a
 * field, is refused before anything is read from the wrong place.
 *
 * A struct may hold others that are written before or after it, but never itself.
 */
#include "ffi.h"

struct shaping {
    struct library *library;
    const char *place;
    struct trouble *trouble;
    int depth;
};

static bool shape_read(const struct shaping *s, struct shape *shape);

static size_t count_of(seam_bytes json)
{
    seam_json_walk walk = seam_json_members(json);
    size_t n = 0;
    while (seam_json_next(&walk))
        n++;
    return n;
}

static struct shape *find(const struct library *library, seam_bytes name)
{
    for (size_t i = 0; i < library->shape_count; i++)
        if (seam_json_is(name, library->shapes[i].name))
            return &library->shapes[i];
    return NULL;
}

const struct shape *shape_find(const struct library *library, seam_bytes name, enum kind kind)
{
    const struct shape *shape = find(library, name);
    return shape && shape->kind == kind ? shape : NULL;
}

/* ---- enums ---- */

static int by_value(const void *a, const void *b)
{
    const struct word *left = a, *right = b;
    int order = (left->value > right->value) - (left->value < right->value);
    return order ? order : strcmp(left->name, right->name);
}

static bool read_enum(const struct shaping *s, struct shape *shape)
{
    seam_bytes words = seam_json_at(shape->json, "/enum");
    shape->scalar = scalar_find(seam_json_at(shape->json, "/type"));
    if (!shape->scalar || shape->scalar->code == 'f' || shape->scalar->code == 'b')
        return trouble_say(s->trouble, "%s/types/%s: an enum wants a `type` that is an integer",
                           s->place, shape->name);
    shape->words = calloc(count_of(words) + 1, sizeof(*shape->words));
    seam_json_walk walk = seam_json_members(words);
    while (seam_json_next(&walk)) {
        struct word *word = &shape->words[shape->word_count++];
        char bytes[8], why[160];
        word->name = seam_json_text(walk.key, NULL);
        if (!scalar_read(shape->scalar, walk.value, bytes, why))
            return trouble_say(s->trouble, "%s/types/%s/enum/%s: %s", s->place, shape->name,
                               word->name, why);
        word->value = scalar_integer(shape->scalar, bytes);
    }
    qsort(shape->words, shape->word_count, sizeof(*shape->words), by_value);
    shape->type = *shape->scalar->type;
    return true;
}

/* ---- structs ---- */

static bool read_kind(const struct shaping *s, struct field *f, seam_bytes json, const char *place)
{
    seam_bytes type = seam_json_at(json, "/type"), of = seam_json_at(json, "/of");
    f->scalar = scalar_find(type);
    f->kind = f->scalar                      ? KIND_SCALAR
              : seam_json_is(type, "string") ? KIND_STRING
              : seam_json_is(type, "enum")   ? KIND_ENUM
              : seam_json_is(type, "struct") ? KIND_STRUCT
                                             : KIND_POINTER;
    if (f->kind != KIND_ENUM && f->kind != KIND_STRUCT)
        return true;
    struct shape *shape = find(s->library, of);
    struct shaping inner = *s;
    inner.depth++;
    if (!shape || shape->kind != f->kind)
        return trouble_say(s->trouble, "%s: `of` names no %s among the types of this library",
                           place, f->kind == KIND_ENUM ? "enum" : "struct");
    if (!shape_read(&inner, shape))
        return false;
    f->shape = shape;
    f->scalar = shape->scalar;
    return true;
}

static ffi_type *type_of(struct field *f)
{
    bool pointer = f->kind == KIND_STRING || f->kind == KIND_POINTER;
    ffi_type *one = pointer                  ? &ffi_type_pointer
                    : f->kind == KIND_STRUCT ? (ffi_type *)(uintptr_t)&f->shape->type
                                             : f->scalar->type;
    f->size = one->size;
    if (f->count == 0)
        return one;
    f->elements = calloc(f->count + 1, sizeof(ffi_type *));
    for (size_t i = 0; i < f->count; i++)
        f->elements[i] = one;
    f->array = (ffi_type){.type = FFI_TYPE_STRUCT, .elements = f->elements};
    return &f->array;
}

static bool read_field(const struct shaping *s, const struct shape *shape, struct field *f,
                       seam_bytes json)
{
    char place[256];
    int64_t count = 0;
    seam_bytes encoding = seam_json_at(json, "/encoding");
    f->name = json_word(json, "/name");
    snprintf(place, sizeof(place), "%.90s/types/%.64s, field `%.64s`", s->place, shape->name,
             f->name);
    if (!read_kind(s, f, json, place))
        return false;
    seam_json_integer(seam_json_at(json, "/count"), &count);
    f->count = (size_t)count;
    f->utf8 = seam_json_is(encoding, "utf8");
    f->base64 = seam_json_is(encoding, "base64");
    f->value = seam_json_at(json, "/value");
    for (const struct field *other = shape->fields; other < f; other++)
        if (strcmp(other->name, f->name) == 0)
            return trouble_say(s->trouble, "%s: another has this name", place);
    bool bytes = f->count > 0 && f->kind == KIND_SCALAR && f->scalar->size == 1;
    if (encoding.len > 0 && !bytes)
        return trouble_say(s->trouble, "%s: `encoding` is for an array of bytes", place);
    if (f->value.len > 0 && (f->count > 0 || (f->kind != KIND_SCALAR && f->kind != KIND_ENUM)))
        return trouble_say(s->trouble, "%s: `value` is for a scalar or an enum", place);
    return true;
}

static bool read_struct(const struct shaping *s, struct shape *shape)
{
    seam_bytes fields = seam_json_at(shape->json, "/struct");
    size_t count = count_of(fields);
    shape->fields = calloc(count + 1, sizeof(*shape->fields));
    shape->elements = calloc(count + 1, sizeof(ffi_type *));
    shape->offsets = calloc(count + 1, sizeof(size_t));
    seam_json_walk walk = seam_json_members(fields);
    while (seam_json_next(&walk)) {
        struct field *f = &shape->fields[shape->field_count];
        shape->field_count++;
        if (!read_field(s, shape, f, walk.value))
            return false;
        shape->elements[walk.index] = type_of(f);
    }
    shape->type = (ffi_type){.type = FFI_TYPE_STRUCT, .elements = shape->elements};
    if (ffi_get_struct_offsets(FFI_DEFAULT_ABI, &shape->type, shape->offsets) != FFI_OK)
        return trouble_say(s->trouble, "%s/types/%s: libffi cannot lay it out", s->place,
                           shape->name);
    for (size_t i = 0; i < count; i++)
        shape->fields[i].offset = shape->offsets[i];
    return shape->type.size <= FFI_BYTES ||
           trouble_say(s->trouble, "%s/types/%s: it is larger than %d bytes", s->place, shape->name,
                       FFI_BYTES);
}

static bool shape_read(const struct shaping *s, struct shape *shape)
{
    char place[256];
    if (shape->is_read)
        return true;
    if (shape->is_being_read || s->depth > FFI_DEPTH)
        return trouble_say(s->trouble, "%s/types/%s: it is within itself, or %d deep", s->place,
                           shape->name, FFI_DEPTH);
    shape->is_being_read = true;
    if (!(shape->kind == KIND_ENUM ? read_enum : read_struct)(s, shape))
        return false;
    snprintf(place, sizeof(place), "%s/types/%.64s", s->place, shape->name);
    char *said = shape_abi(shape);
    bool good = pinned(shape->json, said, shape->name, s->library, place, s->trouble);
    free(said);
    shape->is_read = good;
    shape->is_being_read = false;
    return good;
}

bool shapes_read(struct library *library, seam_bytes types, const char *place, struct trouble *t)
{
    library->shapes = calloc(count_of(types) + 1, sizeof(*library->shapes));
    seam_json_walk walk = seam_json_members(types);
    while (seam_json_next(&walk)) {
        struct shape *shape = &library->shapes[library->shape_count++];
        shape->name = seam_json_text(walk.key, NULL);
        shape->json = walk.value;
        shape->kind = seam_json_at(walk.value, "/enum").len > 0 ? KIND_ENUM : KIND_STRUCT;
    }
    struct shaping s = {.library = library, .place = place, .trouble = t};
    for (size_t i = 0; i < library->shape_count; i++)
        if (!shape_read(&s, &library->shapes[i]))
            return false;
    return true;
}

void shapes_done(struct library *library)
{
    for (size_t i = 0; i < library->shape_count; i++) {
        struct shape *shape = &library->shapes[i];
        for (size_t k = 0; k < shape->field_count; k++) {
            free(shape->fields[k].name);
            free(shape->fields[k].elements);
        }
        for (size_t k = 0; k < shape->word_count; k++)
            free(shape->words[k].name);
        free(shape->name);
        free(shape->fields);
        free(shape->words);
        free(shape->elements);
        free(shape->offsets);
    }
    free(library->shapes);
}

/* ---- what crosses ---- */

static void tell_fields(const struct shape *shape, FILE *text)
{
    fputc('{', text);
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *f = &shape->fields[i];
        fprintf(text, "%s%s ", i ? ", " : "", f->name);
        if (f->kind == KIND_STRUCT)
            tell_fields(f->shape, text);
        else if (f->kind == KIND_STRING || f->kind == KIND_POINTER)
            fputs("ptr", text);
        else if (f->scalar->code == 'b')
            fputs("bool", text);
        else
            fprintf(text, "%c%d", f->scalar->code, f->scalar->size * 8);
        if (f->count > 0)
            fprintf(text, "[%zu]", f->count);
        fprintf(text, "@%zu", f->offset);
    }
    fputc('}', text);
}

char *shape_abi(const struct shape *shape)
{
    char *abi = NULL;
    size_t len;
    FILE *text = open_memstream(&abi, &len);
    if (shape->kind == KIND_STRUCT) {
        fprintf(text, "struct %zu/%d ", shape->type.size, shape->type.alignment);
        tell_fields(shape, text);
    } else {
        fprintf(text, "enum %c%d {", shape->scalar->code, shape->scalar->size * 8);
        for (size_t i = 0; i < shape->word_count; i++)
            fprintf(text, "%s%s=%lld", i ? ", " : "", shape->words[i].name,
                    (long long)shape->words[i].value);
        fputc('}', text);
    }
    fclose(text);
    return abi;
}
