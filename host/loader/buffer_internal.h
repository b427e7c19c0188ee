/* SPDX-License-Identifier: Apache-2.0
 *
 * A queue of bytes: written behind, read and dropped in front. What frames wait in, on both sides
 * of the way between the host and a plugin.
 */
#ifndef LOADER_BUFFER_INTERNAL_H
#define LOADER_BUFFER_INTERNAL_H

#include "base/text.h"

struct buffer { /* zeroed is empty */
    char *memory;
    size_t head, len, room; /* the bytes are memory[head .. head + len) */
};

void buffer_done(struct buffer *b);
static inline const char *buffer_bytes(const struct buffer *b)
{
    return b->memory + b->head;
}
/* A place for size more bytes behind the others; valid until the next call. Count them in with
 * buffer_grew. The caller has met the limit of what it puts here before. */
char *buffer_reserve(struct buffer *b, size_t size);
void buffer_grew(struct buffer *b, size_t size);
void buffer_add(struct buffer *b, const void *ptr, size_t len);
/* Takes size bytes from the front; lets go of memory that only a large message needed. */
void buffer_drop(struct buffer *b, size_t size);
/* Moves all of `from` behind `to`; `from` is empty afterwards. */
void buffer_move(struct buffer *to, struct buffer *from);

#endif
