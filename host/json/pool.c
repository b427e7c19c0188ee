/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the values of a program that reads much JSON lie. They are many small blocks of few sizes,
 * made in one turn and let go of in another: a general allocator spends more on them than the
 * parser. Here a thread keeps lists of free blocks by size; a list that grows too long goes, whole,
 * to where other threads find it, for what one reads another may let go of. Memory that was once
 * taken for blocks stays theirs, as much as was in use at the same time.
 *
 * Only where jansson is the program's own copy: a plugin in this process has the same library, and
 * frees by free() what json_dumps() gave it. Our own callers do so too, so that function is ours.
 * Sanitizers are not to lose sight of blocks.
 */
#include "json/json.h"

#include "base/text.h"

#include <pthread.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

enum { GRAIN = 16, SIZES = 21, BATCH = 64, SLAB = 64 << 10 };

struct block {
    size_t size;        /* in grains, all of it; 0 = it is malloc's */
    struct block *next; /* while it is free; else jansson's, from here on … */
    struct block *next_batch;
};

struct list {
    struct block *first;
    unsigned count;
    struct block *batch; /* another one, full; NULL = none */
};

struct pool {
    struct list lists[SIZES];
    char *at, *end; /* of the slab that blocks are cut from */
};

static struct {
    pthread_mutex_t lock;
    struct block *batches[SIZES]; /* guarded by lock */
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local struct pool pool;

static struct block *block_of(void *memory)
{
    return (struct block *)(void *)((char *)memory - offsetof(struct block, next));
}

/* A batch is put where all threads find it, or taken from there. */
static void share(struct block *batch)
{
    size_t size = batch->size;
    pthread_mutex_lock(&shared.lock);
    batch->next_batch = shared.batches[size];
    shared.batches[size] = batch;
    pthread_mutex_unlock(&shared.lock);
}

static struct block *find_shared(size_t size)
{
    pthread_mutex_lock(&shared.lock);
    struct block *batch = shared.batches[size];
    if (batch)
        shared.batches[size] = batch->next_batch;
    pthread_mutex_unlock(&shared.lock);
    return batch;
}

static void *cut(size_t size)
{
    size_t bytes = size * GRAIN;
    if ((size_t)(pool.end - pool.at) < bytes) {
        char *slab = malloc(SLAB);
        if (!slab)
            return NULL;
        pool.at = slab;
        pool.end = slab + SLAB;
    }
    struct block *block = (struct block *)(void *)pool.at;
    pool.at += bytes;
    block->size = size;
    return &block->next;
}

/* What is seldom is kept out of the way of what is not. */
#define SELDOM __attribute__((noinline))

/* The list is empty. */
SELDOM static void *refill(struct list *list)
{
    size_t size = (size_t)(list - pool.lists);
    struct block *block = TAKE(list->batch);
    if (!block)
        block = find_shared(size);
    if (!block)
        return cut(size);
    list->first = block->next;
    list->count = BATCH - 1;
    return &block->next;
}

SELDOM static void *take_large(size_t bytes)
{
    struct block *block =
        bytes < SIZE_MAX / 2 ? malloc(bytes + offsetof(struct block, next)) : NULL;
    if (!block)
        return NULL;
    block->size = 0;
    return &block->next;
}

/* The smallest holds what a free block does. */
static void *take(size_t bytes)
{
    size_t size = (bytes + offsetof(struct block, next) + GRAIN - 1) / GRAIN;
    if (size >= SIZES)
        return take_large(bytes);
    struct list *list = &pool.lists[size < 2 ? 2 : size];
    struct block *block = list->first;
    if (!block)
        return refill(list);
    list->first = block->next;
    list->count--;
    return &block->next;
}

/* A whole list goes, the one before it for all threads to find. */
SELDOM static void set_aside(struct list *list)
{
    if (list->batch)
        share(list->batch);
    list->batch = TAKE(list->first);
    list->count = 0;
}

static void give_back(void *memory)
{
    if (!memory)
        return;
    struct block *block = block_of(memory);
    if (block->size == 0) {
        free(block);
        return;
    }
    struct list *list = &pool.lists[block->size];
    if (list->count == BATCH)
        set_aside(list);
    block->next = list->first;
    list->first = block;
    list->count++;
}

void json_pool_use(void)
{
#if defined(SEAM_OWN_JANSSON) && !defined(SANITIZED)
    json_set_alloc_funcs(take, give_back);
#else
    (void)take;
    (void)give_back;
#endif
}

/* ---- what jansson gives away ---- */

static int add_some(const char *bytes, size_t len, void *user)
{
    text_add(user, bytes, len);
    return 0;
}

char *__wrap_json_dumps(const json_t *value, size_t flags);

/* The linker sends callers of json_dumps() here. */
char *__wrap_json_dumps(const json_t *value, size_t flags)
{
    struct text text;
    text_init(&text, SIZE_MAX / 2);
    if (json_dump_callback(value, add_some, &text, flags) == 0)
        return text_take(&text);
    text_done(&text);
    return NULL;
}
