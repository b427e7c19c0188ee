/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorting and finding names. Two names of one length are equal if their heads are and, from 9 bytes
 * on, their bytes are.
 */
#include "contract/names_internal.h"

#include "contract/program_internal.h"

#include <stdlib.h>
#include <string.h>

enum { LINEAR = 6, HEAD = 8 }; /* up to so many names, looking at each is faster */

static uint64_t head_of(struct slice s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    uint64_t head = 0;
    uint32_t low, high;
    if (s.len >= HEAD) {
        memcpy(&head, p, HEAD);
    } else if (s.len >= 4) {
        memcpy(&low, p, 4);
        memcpy(&high, p + s.len - 4, 4);
        head = (uint64_t)high << 32 | low;
    } else if (s.len > 0) {
        head = (uint64_t)p[0] << 16 | (uint64_t)p[s.len / 2] << 8 | p[s.len - 1];
    }
    return head;
}

static int compare(const struct name *a, uint64_t head, struct slice text)
{
    if (a->text.len != text.len)
        return a->text.len < text.len ? -1 : 1;
    if (a->head != head)
        return a->head < head ? -1 : 1;
    return text.len <= HEAD ? 0 : memcmp(a->text.ptr + HEAD, text.ptr + HEAD, text.len - HEAD);
}

static int compare_names(const void *a, const void *b)
{
    const struct name *right = b;
    return compare(a, right->head, right->text);
}

void names_sort(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        names->list[i].head = head_of(names->list[i].text);
    if (names->count > 1)
        qsort(names->list, names->count, sizeof(names->list[0]), compare_names);
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++) {
        struct name *n = &names->list[i];
        if (kept == 0 || compare_names(&names->list[kept - 1], n) != 0) {
            names->list[kept++] = *n;
            continue;
        }
        names->list[kept - 1].required |= n->required;
        if (n->node != NO_NODE)
            names->list[kept - 1].node = n->node;
    }
    names->count = kept;
}

const struct name *names_find(const struct names *names, struct slice text)
{
    uint64_t head = head_of(text);
    if (names->count <= LINEAR) {
        for (size_t i = 0; i < names->count; i++)
            if (compare(&names->list[i], head, text) == 0)
                return &names->list[i];
        return NULL;
    }
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare(&names->list[middle], head, text);
        if (order == 0)
            return &names->list[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
