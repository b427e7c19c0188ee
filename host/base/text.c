/* SPDX-License-Identifier: Apache-2.0
 *
 * Slices, growable texts and allocation that does not fail.
 */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct slice slice_of(const char *string)
{
    return (struct slice){string, strlen(string)};
}

bool slice_is(struct slice s, const char *string)
{
    return slice_equal(s, slice_of(string));
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool slice_starts(struct slice s, const char *prefix)
{
    size_t len = strlen(prefix);
    return s.len >= len && (len == 0 || memcmp(s.ptr, prefix, len) == 0);
}

/* Length of the sequence at p, or 0. The table of RFC 3629, section 4. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    size_t length = p[0] >= 0xC2 && p[0] <= 0xDF   ? 2
                    : p[0] >= 0xE0 && p[0] <= 0xEF ? 3
                    : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4
                                                   : 0;
    if (length == 0 || length > left)
        return 0;
    unsigned char low = p[0] == 0xE0 ? 0xA0 : p[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char high = p[0] == 0xED ? 0x9F : p[0] == 0xF4 ? 0x8F : 0xBF;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

bool slice_valid_utf8(struct slice s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    for (size_t at = 0; at < s.len;) {
        for (uint64_t word; s.len - at >= sizeof(word); at += sizeof(word)) {
            memcpy(&word, p + at, sizeof(word));
            if (word & UINT64_C(0x8080808080808080))
                break;
        }
        if (at == s.len)
            break;
        size_t length = utf8_sequence(p + at, s.len - at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

void freep(void *pointer_to_pointer)
{
    void *p;
    memcpy(&p, pointer_to_pointer, sizeof(p));
    free(p);
}

static void *checked(void *p)
{
    if (!p) {
        fputs("seam: out of memory\n", stderr);
        abort();
    }
    return p;
}

void *xmalloc(size_t size)
{
    return checked(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
    return checked(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *old, size_t size)
{
    return checked(realloc(old, size ? size : 1));
}

char *xstrdup(const char *string)
{
    return checked(strdup(string));
}

char *xstrndup(const char *ptr, size_t len)
{
    char *copy = xmalloc(len + 1);
    if (len)
        memcpy(copy, ptr, len);
    copy[len] = '\0';
    return copy;
}

char *xasprintf(const char *format, ...)
{
    char *made = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&made, format, args);
    va_end(args);
    return checked(length < 0 ? NULL : made);
}

void text_init(struct text *t, size_t maximum)
{
    *t = (struct text){.maximum = maximum};
}

void text_done(struct text *t)
{
    free(t->ptr);
    *t = (struct text){.maximum = t->maximum};
}

void text_clear(struct text *t)
{
    t->len = 0;
    t->overflowed = false;
    if (t->ptr)
        t->ptr[0] = '\0';
}

/* Makes room for len more bytes and a NUL, or marks the overflow. */
static bool reserve(struct text *t, size_t len)
{
    if (t->overflowed || len > t->maximum - t->len) {
        t->overflowed = true;
        return false;
    }
    size_t need = t->len + len + 1;
    if (need > t->room) {
        size_t room = t->room ? t->room : 64;
        while (room < need)
            room *= 2;
        t->ptr = xrealloc(t->ptr, room);
        t->room = room;
    }
    return true;
}

char *text_room(struct text *t, size_t len)
{
    return reserve(t, len) ? t->ptr + t->len : NULL;
}

bool text_add(struct text *t, const char *ptr, size_t len)
{
    if (!reserve(t, len))
        return false;
    if (len)
        memcpy(t->ptr + t->len, ptr, len);
    t->len += len;
    t->ptr[t->len] = '\0';
    return true;
}

bool text_adds(struct text *t, const char *string)
{
    return text_add(t, string, strlen(string));
}

bool text_addc(struct text *t, char c)
{
    return text_add(t, &c, 1);
}

bool text_addi(struct text *t, int64_t number)
{
    char digits[24], *at = digits + sizeof(digits);
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0)
        *--at = '-';
    return text_add(t, at, (size_t)(digits + sizeof(digits) - at));
}

bool text_addf(struct text *t, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    /* A text that cannot be formatted is lost, and the caller must learn it like any other loss. */
    if (length < 0)
        t->overflowed = true;
    bool fits = length >= 0 && reserve(t, (size_t)length);
    if (fits) {
        vsnprintf(t->ptr + t->len, (size_t)length + 1, format, again);
        t->len += (size_t)length;
    }
    va_end(again);
    return fits;
}

char *text_take(struct text *t)
{
    char *taken = t->ptr ? TAKE(t->ptr) : xstrdup("");
    *t = (struct text){.maximum = t->maximum};
    return taken;
}

struct slice text_slice(const struct text *t)
{
    return (struct slice){text_str(t), t->len};
}

const char *text_str(const struct text *t)
{
    return t->ptr ? t->ptr : "";
}
