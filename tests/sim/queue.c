/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue of what will happen: a binary heap by time, and by order of arrival among equals, so
 * that a seed always tells the same story.
 */
#include "sim.h"

#include <stdlib.h>

static bool before(const struct item *a, const struct item *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap(struct item *a, struct item *b)
{
    struct item was = *a;
    *a = *b;
    *b = was;
}

void queue_back(struct queue *queue, struct item item)
{
    if (queue->count == queue->room) {
        queue->room = queue->room ? queue->room * 2 : 64;
        queue->heap = xrealloc(queue->heap, queue->room * sizeof(*queue->heap));
    }
    size_t at = queue->count++;
    queue->heap[at] = item;
    while (at > 0 && before(&queue->heap[at], &queue->heap[(at - 1) / 2])) {
        swap(&queue->heap[at], &queue->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

void queue_push(struct queue *queue, struct item item)
{
    item.order = ++queue->order;
    queue_back(queue, item);
}

bool queue_pop(struct queue *queue, struct item *ret_item)
{
    if (queue->count == 0)
        return false;
    *ret_item = queue->heap[0];
    queue->heap[0] = queue->heap[--queue->count];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
            if (child < queue->count && before(&queue->heap[child], &queue->heap[least]))
                least = child;
        if (least == at)
            return true;
        swap(&queue->heap[at], &queue->heap[least]);
        at = least;
    }
}

void item_done(struct item *item)
{
    if (item->kind == ITEM_BARRIER) {
        struct behind *behind = item->what;
        decision_done(&behind->start);
    } else if (item->kind == ITEM_COMPLETE || item->kind == ITEM_LETTER) {
        struct event *event = item->what;
        json_decref(event->body);
    } else if (item->kind != ITEM_ALARM) {
        return;
    }
    free(item->what);
}
