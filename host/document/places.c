/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of places: which line and column each value of a document came from.
 */
#include "document/document_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t mix(uint64_t hash, unsigned char byte)
{
    return (hash ^ byte) * UINT64_C(1099511628211);
}

uint64_t path_of_member(uint64_t parent, struct slice key)
{
    uint64_t hash = mix(parent, 0xFF); /* a byte that no key can hold */
    for (size_t i = 0; i < key.len; i++)
        hash = mix(hash, (unsigned char)key.ptr[i]);
    return hash;
}

uint64_t path_of_item(uint64_t parent, size_t index)
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%zu", index);
    return path_of_member(parent, (struct slice){digits, (size_t)length});
}

/* The path of the next token of a pointer, which stands on its '/'; moves the pointer on. */
static uint64_t path_of_token(uint64_t parent, const char **pointer)
{
    uint64_t hash = mix(parent, 0xFF);
    const char *p = *pointer + 1;
    for (; *p && *p != '/'; p++) {
        char c = *p;
        if (c == '~' && (p[1] == '0' || p[1] == '1'))
            c = *++p == '0' ? '~' : '/';
        hash = mix(hash, (unsigned char)c);
    }
    *pointer = p;
    return hash;
}

void places_done(struct places *places)
{
    free(places->list);
    *places = (struct places){0};
}

void places_add(struct places *places, struct place place)
{
    if (places->count == places->room) {
        places->room = places->room ? places->room * 2 : 64;
        places->list = xrealloc(places->list, places->room * sizeof(*places->list));
    }
    places->list[places->count++] = place;
}

static int compare(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    return (left->path > right->path) - (left->path < right->path);
}

void places_sort(struct places *places)
{
    if (places->count)
        qsort(places->list, places->count, sizeof(*places->list), compare);
}

const struct place *places_find(const struct places *places, uint64_t path)
{
    struct place wanted = {.path = path};
    if (places->count == 0)
        return NULL;
    return bsearch(&wanted, places->list, places->count, sizeof(wanted), compare);
}

const struct place *places_seek(const struct places *places, uint64_t path)
{
    for (size_t i = places->count; i-- > 0;)
        if (places->list[i].path == path)
            return &places->list[i];
    return NULL;
}

const struct place *places_locate(const struct places *places, const char *pointer)
{
    const struct place *nearest = places_find(places, PATH_ROOT);
    while (nearest && *pointer == '/') {
        const struct place *next = places_find(places, path_of_token(nearest->content, &pointer));
        if (!next)
            break;
        nearest = next;
    }
    return nearest;
}

enum error_code document_complain(struct error *reterr, enum error_code code, const char *name,
                                  struct position at, const char *format, ...)
{
    char text[ERROR_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return error_set(reterr, code, "%s:%d:%d: %s", name, at.line, at.column, text);
}

struct position document_position_of(struct slice text, size_t offset)
{
    struct position at = {1, 1};
    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.ptr[i] == '\n')
            at = (struct position){at.line + 1, 1};
        else if (((unsigned char)text.ptr[i] & 0xC0) != 0x80)
            at.column++;
    }
    return at;
}

size_t utf8_flaw(struct slice text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t length = 1;
        while (length <= 4 && at + length <= text.len &&
               !slice_valid_utf8((struct slice){text.ptr + at, length}))
            length++;
        if (length > 4 || at + length > text.len)
            break;
        at += length;
    }
    return at;
}
