/* SPDX-License-Identifier: Apache-2.0
 *
 * Server-sent events, read from pieces that are cut anywhere (WHATWG HTML, 9.2.6 "Interpreting an
 * event stream"). Header only, C11 or C++17, libc.
 *
 *     seam_sse events;
 *     seam_sse_init(&events, 1 << 20);
 *     … seam_sse_feed(&events, piece.bytes, piece.len);
 *     for (seam_sse_event event; seam_sse_next(&events, &event);)
 *         … event.data.ptr, event.data.len …
 *     seam_sse_done(&events);
 */
#ifndef SEAM_SSE_H
#define SEAM_SSE_H

#include <seam/plugin.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Borrowed until the next is asked for, or more is fed. */
typedef struct seam_sse_event {
    seam_bytes type; /* "message" unless it says */
    seam_bytes data; /* its lines, with "\n" between them; ended by NUL */
    seam_bytes id;   /* the last that was given, by this event or one before */
} seam_sse_event;

typedef struct seam_sse_text_ {
    char *ptr;
    size_t len, room;
} seam_sse_text_;

typedef struct seam_sse {
    size_t maximum;  /* bytes of one event, and of what is fed and not taken */
    bool overflowed; /* something had more, or memory was short: what follows is not read */
    bool begun, after_cr;
    size_t at;         /* read so far, of `fed` */
    uint32_t retry_ms; /* how long to wait before the stream is asked for again; 0 = not said */
    seam_sse_text_ fed, type, data, id;
} seam_sse;

static inline void seam_sse_init(seam_sse *sse, size_t maximum)
{
    memset(sse, 0, sizeof(*sse));
    sse->maximum = maximum;
}

static inline void seam_sse_done(seam_sse *sse)
{
    free(sse->fed.ptr);
    free(sse->type.ptr);
    free(sse->data.ptr);
    free(sse->id.ptr);
    memset(sse, 0, sizeof(*sse));
}

static inline void seam_sse_add_(seam_sse *sse, seam_sse_text_ *text, const char *bytes, size_t len)
{
    if (sse->overflowed || len > sse->maximum || text->len > sse->maximum - len) {
        sse->overflowed = true;
        return;
    }
    if (text->len + len + 1 > text->room) {
        size_t room = (text->len + len + 1) * 2;
        char *more = (char *)realloc(text->ptr, room);
        sse->overflowed = !more;
        if (!more)
            return;
        text->ptr = more;
        text->room = room;
    }
    if (len > 0)
        memcpy(text->ptr + text->len, bytes, len);
    text->len += len;
    text->ptr[text->len] = '\0';
}

/* Takes bytes in; then ask for events until there is none. */
static inline void seam_sse_feed(seam_sse *sse, const char *bytes, size_t len)
{
    if (sse->at > 0) {
        sse->fed.len -= sse->at;
        memmove(sse->fed.ptr, sse->fed.ptr + sse->at, sse->fed.len);
        sse->at = 0;
    }
    seam_sse_add_(sse, &sse->fed, bytes, len);
}

static inline bool seam_sse_is_(const char *name, size_t len, const char *expected)
{
    return len == strlen(expected) && memcmp(name, expected, len) == 0;
}

static inline void seam_sse_retry_(seam_sse *sse, const char *digits, size_t len)
{
    uint32_t ms = 0;
    for (size_t i = 0; i < len; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return;
        ms = ms < 100000000u ? ms * 10 + (uint32_t)(digits[i] - '0') : ms;
    }
    sse->retry_ms = ms;
}

static inline void seam_sse_line_(seam_sse *sse, const char *line, size_t len)
{
    const char *colon = (const char *)memchr(line, ':', len);
    size_t name = colon ? (size_t)(colon - line) : len, from = colon ? name + 1 : len;
    if (from < len && line[from] == ' ')
        from++;
    if (seam_sse_is_(line, name, "data")) {
        seam_sse_add_(sse, &sse->data, line + from, len - from);
        seam_sse_add_(sse, &sse->data, "\n", 1);
    } else if (seam_sse_is_(line, name, "event")) {
        sse->type.len = 0;
        seam_sse_add_(sse, &sse->type, line + from, len - from);
    } else if (seam_sse_is_(line, name, "id") && !memchr(line + from, '\0', len - from)) {
        sse->id.len = 0;
        seam_sse_add_(sse, &sse->id, line + from, len - from);
    } else if (seam_sse_is_(line, name, "retry")) {
        seam_sse_retry_(sse, line + from, len - from);
    }
}

/* The next line of what was fed, without its end (CR, LF, or both, of which the second may come
 * later); false: it is not whole yet. */
static inline bool seam_sse_cut_(seam_sse *sse, const char **line, size_t *len)
{
    const char *bytes = sse->fed.ptr + sse->at;
    size_t left = sse->fed.len - sse->at;
    if (left == 0 || (!sse->begun && left < 3 && bytes[0] == '\xEF'))
        return false;
    if (!sse->begun)
        sse->at += left >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    else if (sse->after_cr)
        sse->at += bytes[0] == '\n' ? 1 : 0;
    sse->begun = true;
    sse->after_cr = false;
    *line = sse->fed.ptr + sse->at;
    left = sse->fed.len - sse->at;
    for (*len = 0; *len < left; (*len)++)
        if ((*line)[*len] == '\n' || (*line)[*len] == '\r') {
            sse->after_cr = (*line)[*len] == '\r';
            sse->at += *len + 1;
            return true;
        }
    return false;
}

/* The next event; false: what was fed has none more that is whole, or overflowed. An event without
 * data is none. */
static inline bool seam_sse_next(seam_sse *sse, seam_sse_event *event)
{
    const char *line;
    size_t len;
    if (sse->data.len > 0 && sse->data.ptr[sse->data.len - 1] == '\0')
        sse->data.len = sse->type.len = 0; /* the one that was given last */
    while (!sse->overflowed && sse->fed.ptr && seam_sse_cut_(sse, &line, &len)) {
        if (len > 0) {
            seam_sse_line_(sse, line, len);
            continue;
        }
        if (sse->data.len > 0) {
            event->data.ptr = sse->data.ptr;
            event->data.len = sse->data.len - 1;
            event->type.ptr = sse->type.len > 0 ? sse->type.ptr : "message";
            event->type.len = sse->type.len > 0 ? sse->type.len : strlen("message");
            event->id.ptr = sse->id.ptr;
            event->id.len = sse->id.len;
            sse->data.ptr[sse->data.len - 1] = '\0';
            return true;
        }
        sse->type.len = 0;
    }
    return false;
}

#endif
