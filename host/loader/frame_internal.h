/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames: the messages between the host and a plugin, the same through a socket and through memory.
 * A fixed head in the order of bytes of this machine (both ends are the same build on the same
 * machine), then up to three strings of bytes. What a frame says is bounded by its own size, and
 * its size by the reader.
 *
 *   host → plugin   LOAD, then LEARN …, CREATE; CALL, CANCEL, ANSWER; STOP
 *   plugin → host   CONFINED (of a worker); REFUSED, or AGENT … TABLE, then READY; COMPLETE,
 * UNBEGUN, BROKE, EMIT, REQUEST, LOG, STALE; STOPPED
 */
#ifndef LOADER_FRAME_INTERNAL_H
#define LOADER_FRAME_INTERNAL_H

#include "loader/buffer_internal.h"

enum frame_kind {
    FRAME_LOAD = 1, /* number: threads, other: payload                                      */
    FRAME_LEARN,    /* number: flags, parts: name; an agent that stands in the configuration */
    FRAME_CREATE,   /* number: 1 if it will be asked to describe, parts: configuration      */
    FRAME_CALL,     /* id, other: deadline in ns, effect: index of the agent, number: attempt,
                       parts: input, key, feedback                                          */
    FRAME_CANCEL,   /* id                                                                   */
    FRAME_ANSWER,   /* id: of the request, status, effect, number: retry after, parts: body, code */
    FRAME_STOP,

    FRAME_CONFINED, /* parts: the report of its sandbox, before anything of the plugin ran   */
    FRAME_REFUSED,  /* parts: why it cannot be loaded, number: FRAME_REFUSED_CONFINED or 0  */
    FRAME_AGENT,    /* effect, number: flags, parts: name                                   */
    FRAME_TABLE,    /* number: minor, parts: id, version; after its agents                  */
    FRAME_READY,    /* status: what create said                                             */
    FRAME_COMPLETE, /* id, other: when, in ns, status, effect, number: retry after, parts:
                       body, code                                                           */
    FRAME_UNBEGUN,  /* id: cancelled while it waited for a thread, number: 1 if no thread will
                       ever be free                                                         */
    FRAME_BROKE,    /* id, parts: how the call broke the ABI                                */
    FRAME_EMIT,     /* id, parts: chunk                                                     */
    FRAME_REQUEST,  /* id: of the call, other: of the request, parts: op, body              */
    FRAME_LOG,      /* id: of the call or 0, number: level, parts: text                     */
    FRAME_DROPPED,  /* number: lines that it logged and that were too many to be sent        */
    FRAME_STALE,    /* number: completions that belonged to no call                         */
    FRAME_STOPPED,
    FRAME_KINDS,
};
/* It was its sandbox that refused, by the plan: no other start of it will end otherwise. */
enum { FRAME_REFUSED_CONFINED = 1 };

/* In place of the index of an agent: the call is for the extension seam.describe/1, or
 * seam.watch/1.
 */
#define FRAME_DESCRIBE UINT32_MAX
#define FRAME_WATCH    (UINT32_MAX - 1)

enum { FRAME_PARTS = 3, FRAME_HEAD = 48, FRAME_SLACK = 64 << 10 };

struct frame {
    enum frame_kind kind;
    uint64_t id, other;
    int32_t status;
    uint32_t effect, number;
    struct slice parts[FRAME_PARTS];
};

enum frame_found {
    FRAME_NONE,   /* more bytes are needed: *ret_size in all, as far as is known */
    FRAME_WHOLE,  /* *ret_frame borrows from the bytes; drop *ret_size afterwards */
    FRAME_BROKEN, /* no frame of ours, or larger than maximum */
};

void frame_write(struct buffer *out, const struct frame *frame);
/* The first frame of the bytes. A frame of more than maximum bytes of parts is broken. */
enum frame_found frame_read(struct slice bytes, size_t maximum, struct frame *ret_frame,
                            size_t *ret_size);

#endif
