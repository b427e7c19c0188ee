/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes and their parts. The mapping owns all its nodes in one list, whether they have become part
 * of the tree or not, so that a parse that fails half way leaves nothing behind.
 */
#include "mapping/evaluate_internal.h"

#include <stdlib.h>
#include <string.h>

/* Room for one more, in a list that doubles when its count is a power of two. */
static void *make_room(void *list, size_t count, size_t size)
{
    return (count & (count - 1)) == 0 ? xrealloc(list, (count ? 2 * count : 1) * size) : list;
}

struct node *node_new(struct mapping *mapping, enum operation_id id, struct slice source)
{
    struct node *node = xcalloc(1, sizeof(*node));
    node->id = id;
    node->height = 1;
    node->source = source;
    node->next = mapping->nodes;
    mapping->nodes = node;
    mapping->node_count++;
    return node;
}

void node_add_kid(struct node *node, struct node *kid)
{
    node->kids = make_room(node->kids, node->kid_count, sizeof(struct node *));
    node->kids[node->kid_count++] = kid;
    if (node->height <= kid->height)
        node->height = kid->height + 1;
}

struct node *literal_new(struct mapping *mapping, json_t *value_taken, struct slice source)
{
    struct node *literal = node_new(mapping, OPERATION_LITERAL, source);
    literal->as.literal = value_taken;
    return literal;
}

void hops_add_key(struct hops *hops, struct slice key)
{
    hops->list = make_room(hops->list, hops->count, sizeof(*hops->list));
    hops->list[hops->count++] = (struct hop){xstrndup(key.ptr, key.len), key.len, 0};
}

void hops_add_item(struct hops *hops, json_int_t item)
{
    hops->list = make_room(hops->list, hops->count, sizeof(*hops->list));
    hops->list[hops->count++] = (struct hop){NULL, 0, item};
}

void hops_drop(struct hops *hops, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(hops->list[i].key);
    hops->count -= count;
    memmove(hops->list, hops->list + count, hops->count * sizeof(*hops->list));
}

void node_free(struct node *node)
{
    if (node->id == OPERATION_LITERAL)
        json_decref(node->as.literal);
    if (node->id == OPERATION_PLACE)
        free(node->as.pointer);
    if (node->id == OPERATION_PATH) {
        hops_drop(&node->as.hops, node->as.hops.count);
        free(node->as.hops.list);
    }
    free(node->kids);
    free(node);
}

void error_prefix_column(struct error *reterr, struct slice string, size_t at)
{
    error_prefix(reterr, "column %zu: ", character_count((struct slice){string.ptr, at}) + 1);
}
