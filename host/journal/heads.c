/* SPDX-License-Identifier: Apache-2.0
 *
 * The heads of runs: for each run that was written lately and is not over, its last sequence number
 * and hash, so that a record is linked to its run's chain without a look at the disk. A hash table
 * by the run's id (FNV-1a, open addressing, linear probing, Knuth's Algorithm R to remove), at most
 * half full. It is a cache of what the table `runs` says: heads_forget() is right at any moment
 * between two transactions, and is what a rollback and a full table do.
 *
 * Used by whoever has the journal's `committing`.
 */
#include "journal/journal_internal.h"

#include <stdlib.h>
#include <string.h>

/* Runs remembered before all are forgotten and read again as they are needed. */
enum { REMEMBERED = 16384, SMALLEST = 64 };

void heads_done(struct heads *h)
{
    heads_forget(h);
    free(h->slots);
    *h = (struct heads){0};
}

void heads_forget(struct heads *h)
{
    for (size_t i = 0; i < h->room; i++) {
        free(h->slots[i]);
        h->slots[i] = NULL;
    }
    h->count = 0;
}

bool heads_full(const struct heads *h)
{
    return h->count >= REMEMBERED;
}

/* Where its search begins. */
static size_t home_of(const struct heads *h, const char *run)
{
    uint64_t hash = 14695981039346656037u;
    for (const unsigned char *p = (const unsigned char *)run; *p; p++)
        hash = (hash ^ *p) * 1099511628211u;
    return (size_t)hash & (h->room - 1);
}

static size_t slot_of(const struct heads *h, const char *run)
{
    size_t at = home_of(h, run);
    while (h->slots[at] && strcmp(h->slots[at]->run, run) != 0)
        at = (at + 1) & (h->room - 1);
    return at;
}

static void grow(struct heads *h)
{
    struct heads old = *h;
    h->room = old.room ? old.room * 2 : SMALLEST;
    h->slots = xcalloc(h->room, sizeof(struct head *));
    for (size_t i = 0; i < old.room; i++)
        if (old.slots[i])
            h->slots[slot_of(h, old.slots[i]->run)] = old.slots[i];
    free(old.slots);
}

struct head *heads_find(const struct heads *h, const char *run)
{
    return h->room ? h->slots[slot_of(h, run)] : NULL;
}

struct head *heads_add(struct heads *h, const char *run)
{
    if (2 * (h->count + 1) > h->room)
        grow(h);
    size_t at = slot_of(h, run);
    ASSERT(!h->slots[at]);
    size_t size = strlen(run) + 1;
    struct head *head = xcalloc(1, sizeof(*head) + size);
    memcpy(head->run, run, size);
    h->slots[at] = head;
    h->count++;
    return head;
}

/* What stands behind the gap moves into it, if its search comes by there. */
void heads_drop(struct heads *h, struct head *head)
{
    size_t mask = h->room - 1, gap = slot_of(h, head->run);
    ASSERT(h->slots[gap] == head);
    for (size_t at = (gap + 1) & mask; h->slots[at]; at = (at + 1) & mask) {
        size_t home = home_of(h, h->slots[at]->run);
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            h->slots[gap] = h->slots[at];
            gap = at;
        }
    }
    h->slots[gap] = NULL;
    h->count--;
    free(head);
}
