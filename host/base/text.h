/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings: `struct slice`, a borrowed view that need not end in NUL, and `struct text`, a growable
 * string with a maximum. A text that would pass its maximum keeps what it has, remembers that it
 * overflowed and refuses more: the caller asks once, at the end. Out of memory aborts (the journal
 * makes that safe); sizes from outside meet the maximum first.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct slice {
    const char *ptr;
    size_t len;
};

#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})
struct slice slice_of(const char *string); /* of a NUL-ended string */
bool slice_is(struct slice s, const char *string);
bool slice_equal(struct slice a, struct slice b);
bool slice_starts(struct slice s, const char *prefix);
bool slice_valid_utf8(struct slice s); /* strict: no surrogates, no overlong */

/* A release macro for handles: `AUTO(file_closep) FILE *f = …;` calls file_closep(&f) at scope end.
 */
#define AUTO(fn) __attribute__((cleanup(fn)))
/* `*ret_x = TAKE(x);` hands x over and leaves NULL behind. */
#define TAKE(pointer)                                                                              \
    __extension__({                                                                                \
        __typeof__(pointer) *take_at_ = &(pointer);                                                \
        __typeof__(pointer) taken_ = *take_at_;                                                    \
        *take_at_ = NULL;                                                                          \
        taken_;                                                                                    \
    })

void freep(void *pointer_to_pointer); /* AUTO(freep) char *s */

/* malloc, calloc, realloc, strdup that abort when there is no memory. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *string);
char *xstrndup(const char *ptr, size_t len);
char *xasprintf(const char *format, ...) PRINTF_LIKE(1, 2);

struct text {
    char *ptr; /* NUL-ended when not NULL */
    size_t len, room, maximum;
    bool overflowed;
};

void text_init(struct text *t, size_t maximum);
void text_done(struct text *t);  /* usable as AUTO(text_done) struct text t */
void text_clear(struct text *t); /* keeps the memory */
bool text_add(struct text *t, const char *ptr, size_t len);
bool text_adds(struct text *t, const char *string);
bool text_addc(struct text *t, char c);
bool text_addi(struct text *t, int64_t number); /* in decimal */
/* Room for len more bytes and a NUL, to be written at the returned place and counted by `t->len +=
 * len`; NULL, and the text has overflowed, if they would pass its maximum. */
char *text_room(struct text *t, size_t len);
bool text_addf(struct text *t, const char *format, ...) PRINTF_LIKE(2, 3);
char *text_take(struct text *t); /* the caller frees; "" if it was empty */
struct slice text_slice(const struct text *t);
const char *text_str(const struct text *t); /* never NULL */

#endif
