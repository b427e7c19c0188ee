/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames to bytes and back. The reader trusts nothing: the writer may be a process that a
 * stranger's code has overwritten.
 */
#include "loader/frame_internal.h"

#include <string.h>

struct head {
    uint32_t size, kind; /* size: of the parts together */
    uint64_t id, other;
    int32_t status;
    uint32_t effect, number;
    uint32_t lens[FRAME_PARTS];
};
_Static_assert(sizeof(struct head) == FRAME_HEAD, "the head has no holes");

void frame_write(struct buffer *out, const struct frame *frame)
{
    struct head head = {
        .kind = (uint32_t)frame->kind,
        .id = frame->id,
        .other = frame->other,
        .status = frame->status,
        .effect = frame->effect,
        .number = frame->number,
    };
    for (int i = 0; i < FRAME_PARTS; i++) {
        ASSERT(frame->parts[i].len <= UINT32_MAX - head.size);
        head.lens[i] = (uint32_t)frame->parts[i].len;
        head.size += head.lens[i];
    }
    char *at = buffer_reserve(out, FRAME_HEAD + head.size);
    memcpy(at, &head, FRAME_HEAD);
    at += FRAME_HEAD;
    for (int i = 0; i < FRAME_PARTS; i++) {
        if (head.lens[i] > 0)
            memcpy(at, frame->parts[i].ptr, head.lens[i]);
        at += head.lens[i];
    }
    buffer_grew(out, FRAME_HEAD + head.size);
}

enum frame_found frame_read(struct slice bytes, size_t maximum, struct frame *ret_frame,
                            size_t *ret_size)
{
    *ret_size = FRAME_HEAD;
    if (bytes.len < FRAME_HEAD)
        return FRAME_NONE;
    struct head head;
    memcpy(&head, bytes.ptr, FRAME_HEAD);
    uint64_t sum = 0;
    for (int i = 0; i < FRAME_PARTS; i++)
        sum += head.lens[i];
    if (head.kind == 0 || head.kind >= FRAME_KINDS || head.size > maximum || sum != head.size)
        return FRAME_BROKEN;
    *ret_size = FRAME_HEAD + (size_t)head.size;
    if (bytes.len < *ret_size)
        return FRAME_NONE;
    *ret_frame = (struct frame){
        .kind = (enum frame_kind)head.kind,
        .id = head.id,
        .other = head.other,
        .status = head.status,
        .effect = head.effect,
        .number = head.number,
    };
    const char *at = bytes.ptr + FRAME_HEAD;
    for (int i = 0; i < FRAME_PARTS; i++) {
        ret_frame->parts[i] = (struct slice){at, head.lens[i]};
        at += head.lens[i];
    }
    return FRAME_WHOLE;
}
