/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the values of a program that reads much JSON lie. A document is many small blocks, made at
 * once and let go of at once: here they stand one behind the other in a chunk, which only counts
 * how many of them are in use and is used anew when none is. A general allocator spends more on
 * each than the parser, and strews them. A chunk in which one block lives on is kept whole for it:
 * that is right for values that end with their run, as nearly all do.
 *
 * One thread's, the one that asked for it: others take their blocks from malloc(), and give back by
 * way of a list. What has fallen free goes back to the system but for some that are kept warm.
 *
 * Only where jansson is the program's own copy: a plugin in this process has the same library, and
 * frees by free() what json_dumps() gave it. Our own callers do so too, so that function is ours.
 * Sanitizers are not to lose sight of blocks.
 */
#include "json/json.h"

#include "base/text.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

/* A block is at most LARGEST bytes; chunks are cut from REACH bytes of addresses. */
enum { CHUNK = 16 << 10, GRAIN = 8, LARGEST = 1024, WARM = 2048, AHEAD = 16 * CHUNK };
#define REACH ((size_t)1 << 34)

struct chunk {
    size_t live; /* blocks in use; of the one that blocks are cut from, one more */
    struct chunk *next;
};

struct given { /* a block that another thread let go of */
    struct given *next;
};

/* Of the thread that is `mine`. */
static struct {
    char *base, *fresh; /* chunks from `fresh` on were never used */
    char *at, *end;     /* of the chunk that blocks are cut from  */
    struct chunk *warm; /* free ones …                            */
    size_t warm_count;  /* …                                      */
    uint32_t *cold;     /* … and the numbers of those whose memory the system has */
    size_t cold_count, cold_room;
} pool;

static _Thread_local bool mine;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct given *given; /* guarded by lock */

/* What is seldom is kept out of the way of what is not. */
#define SELDOM __attribute__((noinline))

static struct chunk *chunk_of(const void *block)
{
    size_t offset = (size_t)((const char *)block - pool.base);
    return (struct chunk *)(void *)(pool.base + offset / CHUNK * CHUNK);
}

/* ---- chunks ---- */

static void cool(struct chunk *chunk)
{
    if (pool.cold_count == pool.cold_room) {
        pool.cold_room = pool.cold_room ? 2 * pool.cold_room : 1024;
        pool.cold = xrealloc(pool.cold, pool.cold_room * sizeof(*pool.cold));
    }
    madvise(chunk, CHUNK, MADV_DONTNEED);
    pool.cold[pool.cold_count++] = (uint32_t)(((char *)chunk - pool.base) / CHUNK);
}

SELDOM static void retire(struct chunk *chunk)
{
    if (pool.warm_count == WARM) {
        cool(chunk);
        return;
    }
    chunk->next = pool.warm;
    pool.warm = chunk;
    pool.warm_count++;
}

static void let_go(struct chunk *chunk)
{
    if (--chunk->live == 0)
        retire(chunk);
}

static void take_given(void)
{
    pthread_mutex_lock(&lock);
    struct given *list = TAKE(given);
    pthread_mutex_unlock(&lock);
    while (list) {
        struct given *next = list->next;
        let_go(chunk_of(list));
        list = next;
    }
}

/* All its pages at once: a fault for each costs more than what is done with it. An older kernel
 * does not know how, and they come one by one. */
static void bring_in(void *at, size_t size)
{
#ifdef MADV_POPULATE_WRITE
    (void)madvise(at, size, MADV_POPULATE_WRITE);
#else
    (void)at;
    (void)size;
#endif
}

/* NULL: there is none left. */
static struct chunk *find_chunk(void)
{
    struct chunk *chunk = pool.warm;
    if (chunk) {
        pool.warm = chunk->next;
        pool.warm_count--;
    } else if (pool.cold_count > 0) {
        chunk = (struct chunk *)(void *)(pool.base + (size_t)pool.cold[--pool.cold_count] * CHUNK);
        bring_in(chunk, CHUNK);
    } else if (pool.fresh < pool.base + REACH) {
        chunk = (struct chunk *)(void *)pool.fresh;
        if ((size_t)(pool.fresh - pool.base) % AHEAD == 0)
            bring_in(chunk, AHEAD);
        pool.fresh += CHUNK;
    }
    return chunk;
}

/* ---- blocks ---- */

SELDOM static void *take_from_next(size_t bytes)
{
    take_given();
    if (pool.at)
        let_go(chunk_of(pool.at - 1));
    struct chunk *chunk = find_chunk();
    if (!chunk) {
        pool.at = pool.end = NULL;
        return malloc(bytes);
    }
    chunk->live = 2;
    char *block = (char *)(chunk + 1);
    pool.at = block + bytes;
    pool.end = (char *)chunk + CHUNK;
    return block;
}

static void *take(size_t size)
{
    size_t bytes = (size + GRAIN - 1) / GRAIN * GRAIN;
    if (!mine || size - 1 >= LARGEST)
        return malloc(size);
    if ((size_t)(pool.end - pool.at) < bytes)
        return take_from_next(bytes);
    char *block = pool.at;
    pool.at += bytes;
    chunk_of(block)->live++;
    return block;
}

SELDOM static void give_elsewhere(void *block)
{
    struct given *one = block;
    pthread_mutex_lock(&lock);
    one->next = given;
    given = one;
    pthread_mutex_unlock(&lock);
}

static void give_back(void *block)
{
    if ((size_t)((char *)block - pool.base) >= REACH)
        free(block);
    else if (mine)
        let_go(chunk_of(block));
    else
        give_elsewhere(block);
}

/* Where so many addresses are not to be had, malloc() stays. */
void json_pool_use(void)
{
#if defined(SEAM_OWN_JANSSON) && !defined(SANITIZED)
    if (pool.base)
        return;
    void *base = mmap(NULL, REACH + CHUNK, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return;
    pool.base = pool.fresh = base;
    mine = true;
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
