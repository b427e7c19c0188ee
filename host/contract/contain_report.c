/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said of an answer: by which rule, and which places of the two schemas were held against
 * each other. A witness is explained by the validator; the place in the other schema is where that
 * speaks of the same part of the value.
 */
#include "contract/contain_report_internal.h"

#include <stdlib.h>
#include <string.h>

enum { WALK_LEVELS = 60 };

struct path {
    const json_t *at[128]; /* each part of the value on the way, and what it is called */
    struct slice names[128];
    size_t length;
};

/* Unescapes a JSON Pointer into the value's own keys. */
static void path_of(const json_t *value, const char *pointer, struct path *ret)
{
    ret->length = 0;
    while (*pointer == '/' && ret->length < 128) {
        const char *end = strchr(pointer + 1, '/');
        size_t length = end ? (size_t)(end - pointer - 1) : strlen(pointer + 1);
        char *name = xmalloc(length + 1);
        size_t out = 0;
        for (size_t i = 0; i < length; i++) {
            char c = pointer[1 + i];
            if (c == '~' && i + 1 < length)
                c = pointer[1 + ++i] == '1' ? '/' : '~';
            name[out++] = c;
        }
        const json_t *next = NULL;
        if (json_is_array(value))
            next = json_array_get(value, (size_t)strtoul(pointer + 1, NULL, 10));
        struct slice key = {NULL, 0};
        struct entry e;
        for (bool more = json_is_object(value) && entry_first(value, &e); more && !next;
             more = entry_next(value, &e)) {
            if (e.key.len == out && memcmp(e.key.ptr, name, out) == 0) {
                next = e.value;
                key = e.key;
            }
        }
        free(name);
        if (!next)
            return;
        ret->at[ret->length] = value;
        ret->names[ret->length++] = key;
        value = next;
        pointer = end ? end : "";
    }
}

struct finder {
    const struct contract *contract;
    const struct path *path;
    const char *pointer; /* the same, for indexes */
    uint32_t best;
    size_t deepest;
    unsigned steps;
};

static size_t index_in(const struct path *path, size_t step, const json_t *whole)
{
    const json_t *array = path->at[step],
                 *item = step + 1 < path->length ? path->at[step + 1] : whole;
    for (size_t i = 0; i < json_array_size(array); i++)
        if (json_array_get(array, i) == item)
            return i;
    return 0;
}

static void find(struct finder *f, uint32_t node, size_t step, int level);

static void find_property(struct finder *f, const struct object_rule *rule, size_t step, int level)
{
    struct match_room room = {0};
    const struct name *name = names_find(&rule->names, f->path->names[step]);
    bool asked = name && name->node != NO_NODE;
    if (asked)
        find(f, name->node, step + 1, level + 1);
    for (size_t i = 0; i < rule->pattern_count; i++) {
        if (regex_match(rule->patterns[i].regex, f->path->names[step], &room) != MATCH_YES)
            continue;
        asked = true;
        find(f, rule->patterns[i].node, step + 1, level + 1);
    }
    if (!asked && rule->rest != NO_NODE)
        find(f, rule->rest, step + 1, level + 1);
    match_room_done(&room);
}

static void find_item(struct finder *f, const struct op *op, size_t step, int level)
{
    size_t index = index_in(f->path, step, NULL);
    if (index < op->as.children.count)
        find(f, f->contract->children[op->as.children.first + index], step + 1, level + 1);
    else if (op->as.children.rest != NO_NODE)
        find(f, op->as.children.rest, step + 1, level + 1);
}

/* The deepest place that speaks of the path's part of the value. */
static void find(struct finder *f, uint32_t node, size_t step, int level)
{
    const struct node *n = &f->contract->nodes[node];
    if (step > f->deepest || f->best == NO_NODE) {
        f->deepest = step;
        f->best = node;
    }
    if (level > WALK_LEVELS || ++f->steps > 2000)
        return;
    for (uint32_t i = 0; i < n->count; i++) {
        const struct op *op = &f->contract->ops[n->first + i];
        bool list = op->code == OP_ALL_OF || op->code == OP_ANY_OF || op->code == OP_ONE_OF;
        if (op->code == OP_REF)
            find(f, op->as.child, step, level + 1);
        for (uint32_t k = 0; list && k < op->as.children.count; k++)
            find(f, f->contract->children[op->as.children.first + k], step, level + 1);
        if (step >= f->path->length)
            continue;
        if (op->code == OP_OBJECT && json_is_object(f->path->at[step]))
            find_property(f, op->as.object, step, level);
        if (op->code == OP_ITEMS && json_is_array(f->path->at[step]))
            find_item(f, op, step, level);
    }
}

char *node_pointer(const struct contract *contract, uint32_t node)
{
    struct text out;
    text_init(&out, 1u << 20);
    if (node < contract->node_count)
        origin_pointer(contract, node, NO_NODE, &out);
    return text_take(&out);
}

char *place_of(const struct contract *contract, const json_t *value, const char *pointer)
{
    struct path path;
    path_of(value, pointer, &path);
    struct finder f = {.contract = contract, .path = &path, .best = NO_NODE};
    find(&f, contract->root, 0, 0);
    return node_pointer(contract, f.best);
}

const char *rule_of_pointer(const char *pointer)
{
    const char *last = strrchr(pointer, '/');
    enum keyword k = last ? keyword_find(slice_of(last + 1)) : KW_COUNT;
    return k == KW_COUNT ? "false" : keyword_rows[k].spelling;
}
