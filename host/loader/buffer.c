/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue of bytes. Bytes move to the front of the memory only when there is no room behind, so
 * that a stream of small messages copies nothing twice.
 */
#include "loader/buffer_internal.h"

#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 64 << 10, KEPT = 1 << 20 };

void buffer_done(struct buffer *b)
{
    free(b->memory);
    *b = (struct buffer){0};
}

char *buffer_reserve(struct buffer *b, size_t size)
{
    if (b->head + b->len + size > b->room && b->head > 0) {
        memmove(b->memory, b->memory + b->head, b->len);
        b->head = 0;
    }
    if (b->len + size > b->room) {
        size_t room = b->room * 2 < SMALLEST ? SMALLEST : b->room * 2;
        b->room = room < b->len + size ? b->len + size : room;
        b->memory = xrealloc(b->memory, b->room);
    }
    return b->memory + b->head + b->len;
}

void buffer_grew(struct buffer *b, size_t size)
{
    b->len += size;
}

void buffer_add(struct buffer *b, const void *ptr, size_t len)
{
    if (len == 0)
        return;
    memcpy(buffer_reserve(b, len), ptr, len);
    b->len += len;
}

void buffer_drop(struct buffer *b, size_t size)
{
    ASSERT(size <= b->len);
    b->head += size;
    b->len -= size;
    if (b->len > 0)
        return;
    b->head = 0;
    if (b->room > KEPT)
        buffer_done(b);
}

void buffer_move(struct buffer *to, struct buffer *from)
{
    if (to->len == 0) {
        struct buffer empty = *to;
        *to = *from;
        *from = empty;
        from->head = 0;
        return;
    }
    buffer_add(to, buffer_bytes(from), from->len);
    buffer_drop(from, from->len);
}
