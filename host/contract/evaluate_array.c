/* SPDX-License-Identifier: Apache-2.0
 *
 * Ops that look into arrays, and the bits that say which parts of a value were looked at.
 */
#include "contract/walk_internal.h"

#include <stdlib.h>

bool items_hold(struct walk *w, const struct op *op, const json_t *value, struct seen *seen)
{
    const uint32_t *prefix = w->contract->children + op->as.children.first;
    size_t count = json_array_size(value), asked = op->as.children.count;
    bool hold = true;
    if (op->as.children.rest != NO_NODE || asked > count)
        asked = count;
    for (size_t i = 0; i < asked; i++) {
        uint32_t node = i < op->as.children.count ? prefix[i] : op->as.children.rest;
        hold &= evaluate_item(w, node, i, json_array_get(value, i));
        if (!hold && !w->report)
            return false;
        if (seen)
            seen_add(seen, i);
    }
    return hold;
}

static bool item_fits(struct walk *w, uint32_t node, size_t index, const json_t *item)
{
    struct report *report = w->report;
    w->report = NULL;
    bool fits = evaluate_item(w, node, index, item);
    w->report = report;
    return fits;
}

bool contains_holds(struct walk *w, const struct op *op, const json_t *value, struct seen *seen)
{
    size_t found = 0, count = json_array_size(value);
    bool bounded = op->as.contains.max != UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        if (!seen && !bounded && found >= op->as.contains.min)
            return true;
        if (!item_fits(w, op->as.contains.child, i, json_array_get(value, i)))
            continue;
        if (++found > op->as.contains.max)
            return false;
        if (seen && op->as.contains.evaluates)
            seen_add(seen, i);
    }
    return found >= op->as.contains.min;
}

size_t contains_count(struct walk *w, const struct op *op, const json_t *value)
{
    size_t found = 0;
    for (size_t i = 0; i < json_array_size(value); i++)
        found += item_fits(w, op->as.contains.child, i, json_array_get(value, i));
    return found;
}

bool unevaluated_items_hold(struct walk *w, const struct op *op, const json_t *value,
                            struct seen *seen)
{
    size_t count = json_array_size(value);
    bool hold = true;
    for (size_t i = 0; i < count; i++) {
        if (seen_has(seen, i))
            continue;
        hold &= evaluate_item(w, op->as.child, i, json_array_get(value, i));
        if (!hold && !w->report)
            return false;
    }
    seen_add_from(seen, 0);
    return hold;
}

static size_t seen_words(const struct seen *seen)
{
    return (seen->count + 63) / 64;
}

void seen_init(struct seen *seen, const json_t *value)
{
    *seen = (struct seen){0};
    seen->count = json_is_array(value) ? json_array_size(value) : json_object_size(value);
    bool few = seen_words(seen) <= sizeof(seen->few) / sizeof(seen->few[0]);
    seen->bits = few ? seen->few : xcalloc(seen_words(seen), sizeof(seen->bits[0]));
}

void seen_done(struct seen *seen)
{
    if (seen->bits != seen->few)
        free(seen->bits);
}

void seen_add_from(struct seen *seen, size_t first)
{
    for (size_t i = first; i < seen->count; i++)
        seen_add(seen, i);
}

void seen_merge(struct seen *into, const struct seen *from)
{
    for (size_t i = 0; i < seen_words(into); i++)
        into->bits[i] |= from->bits[i];
}
