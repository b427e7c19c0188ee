/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of calls: slots, a heap of what is due, and the line. Free slots are taken in the order
 * in which they became free, so that their uses wear evenly.
 */
#include "loader/calls_internal.h"

#include <stdlib.h>
#include <string.h>

enum { SLOT_BITS = 16, USE_BITS = 28 };
_Static_assert(LIMIT_CALLS == 1u << SLOT_BITS, "a slot fits its bits");

void calls_init(struct calls *calls, uint64_t generation)
{
    *calls = (struct calls){.free_first = NO_CALL,
                            .free_last = NO_CALL,
                            .line_first = NO_CALL,
                            .line_last = NO_CALL,
                            .generation = generation};
}

void calls_done(struct calls *calls)
{
    for (size_t i = 0; i < calls->room; i++)
        free(calls->list[i].bytes);
    free(calls->list);
    free(calls->heap);
}

static int slot_of(const struct calls *calls, const struct call *call)
{
    return (int)(call - calls->list);
}

static void add_free(struct calls *calls, int slot)
{
    calls->list[slot].next = NO_CALL;
    if (calls->free_last == NO_CALL)
        calls->free_first = slot;
    else
        calls->list[calls->free_last].next = slot;
    calls->free_last = slot;
}

static bool grow(struct calls *calls)
{
    if (calls->room == LIMIT_CALLS)
        return false;
    size_t room = calls->room == 0 ? 64 : calls->room * 2;
    calls->list = xrealloc(calls->list, room * sizeof(*calls->list));
    calls->heap = xrealloc(calls->heap, room * sizeof(*calls->heap));
    for (size_t i = calls->room; i < room; i++) {
        calls->list[i] = (struct call){.heap_at = NO_CALL};
        add_free(calls, (int)i);
    }
    calls->room = room;
    return true;
}

struct call *calls_open(struct calls *calls)
{
    if (calls->free_first == NO_CALL && !grow(calls))
        return NULL;
    int slot = calls->free_first;
    struct call *call = &calls->list[slot];
    calls->free_first = call->next;
    if (calls->free_first == NO_CALL)
        calls->free_last = NO_CALL;
    *call = (struct call){
        .uses = call->uses + 1, .heap_at = NO_CALL, .next = NO_CALL, .previous = NO_CALL};
    call->id = calls->generation << (USE_BITS + SLOT_BITS) | (uint64_t)call->uses << SLOT_BITS |
               (uint64_t)slot;
    return call;
}

void calls_close(struct calls *calls, struct call *call)
{
    ASSERT(call->state != STATE_WAITING);
    calls_set_due(calls, call, 0);
    calls_move(calls, call, STATE_FREE);
    call->id = 0;
    if (call->uses < (1u << USE_BITS) - 1)
        add_free(calls, slot_of(calls, call));
}

struct call *calls_find(struct calls *calls, uint64_t id)
{
    size_t slot = (size_t)(id & (LIMIT_CALLS - 1));
    return id != 0 && slot < calls->room && calls->list[slot].id == id ? &calls->list[slot] : NULL;
}

static bool is_under_way(enum call_state state)
{
    return state == STATE_UNDER_WAY || state == STATE_STOPPING || state == STATE_ABANDONED;
}

void calls_move(struct calls *calls, struct call *call, enum call_state state)
{
    calls->under_way += (size_t)is_under_way(state) - (size_t)is_under_way(call->state);
    calls->waiting += (size_t)(state == STATE_WAITING) - (size_t)(call->state == STATE_WAITING);
    call->state = state;
}

static void heap_put(struct calls *calls, size_t at, int slot)
{
    calls->heap[at] = slot;
    calls->list[slot].heap_at = (int)at;
}

static int64_t heap_due(const struct calls *calls, size_t at)
{
    return calls->list[calls->heap[at]].due_ns;
}

static void heap_settle(struct calls *calls, size_t at)
{
    int slot = calls->heap[at];
    int64_t due = calls->list[slot].due_ns;
    while (at > 0 && heap_due(calls, (at - 1) / 2) > due) {
        heap_put(calls, at, calls->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < calls->heap_len && heap_due(calls, child + 1) < heap_due(calls, child))
            child++;
        if (child >= calls->heap_len || heap_due(calls, child) >= due)
            break;
        heap_put(calls, at, calls->heap[child]);
        at = child;
    }
    heap_put(calls, at, slot);
}

void calls_set_due(struct calls *calls, struct call *call, int64_t due_ns)
{
    call->due_ns = due_ns;
    if (due_ns != 0) {
        if (call->heap_at == NO_CALL)
            heap_put(calls, calls->heap_len++, slot_of(calls, call));
        heap_settle(calls, (size_t)call->heap_at);
    } else if (call->heap_at != NO_CALL) {
        size_t at = (size_t)call->heap_at;
        call->heap_at = NO_CALL;
        calls->heap_len--;
        if (at == calls->heap_len)
            return;
        heap_put(calls, at, calls->heap[calls->heap_len]);
        heap_settle(calls, at);
    }
}

struct call *calls_first_due(struct calls *calls)
{
    return calls->heap_len > 0 ? &calls->list[calls->heap[0]] : NULL;
}

void calls_wait(struct calls *calls, struct call *call, const struct slice parts[CALL_PARTS])
{
    size_t size = 0;
    for (int i = 0; i < CALL_PARTS; i++)
        size += parts[i].len;
    char *at = call->bytes = xmalloc(size + 1);
    for (int i = 0; i < CALL_PARTS; i++) {
        if (parts[i].len > 0)
            memcpy(at, parts[i].ptr, parts[i].len);
        call->parts[i] = (struct slice){at, parts[i].len};
        at += parts[i].len;
    }
    calls->line_bytes += size;
    int slot = slot_of(calls, call);
    call->previous = calls->line_last;
    call->next = NO_CALL;
    if (calls->line_last == NO_CALL)
        calls->line_first = slot;
    else
        calls->list[calls->line_last].next = slot;
    calls->line_last = slot;
    calls_move(calls, call, STATE_WAITING);
}

struct call *calls_first_waiting(struct calls *calls)
{
    return calls->line_first == NO_CALL ? NULL : &calls->list[calls->line_first];
}

void calls_leave_line(struct calls *calls, struct call *call)
{
    if (call->previous == NO_CALL)
        calls->line_first = call->next;
    else
        calls->list[call->previous].next = call->next;
    if (call->next == NO_CALL)
        calls->line_last = call->previous;
    else
        calls->list[call->next].previous = call->previous;
    for (int i = 0; i < CALL_PARTS; i++) {
        calls->line_bytes -= call->parts[i].len;
        call->parts[i] = (struct slice){"", 0};
    }
    free(TAKE(call->bytes));
    calls_move(calls, call, STATE_UNDER_WAY);
}
