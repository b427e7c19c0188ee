/* SPDX-License-Identifier: Apache-2.0
 *
 * References whose target depends on the way to them: `$dynamicRef`, and `$recursiveRef` of
 * 2019-09, which is the same with an anchor that has no name, at the root of a schema with a `$id`.
 * The targets are the anchors of that name in all documents, and documents are found while nodes
 * are compiled; so references wait for their targets until the end. References of one name share
 * them.
 */
#include "contract/compile_internal.h"

#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

/* An op for the reference, of which the anchor that it finds without regard to the way is known. */
static void await(struct compiler *c, enum keyword keyword, const struct anchor *anchor,
                  uint32_t target)
{
    if (!anchor || !anchor->dynamic || anchor->node != target) {
        op_add(c, OP_REF, keyword, TYPES_ALL)->as.child = target;
        return;
    }
    struct dynamic_ref *ref = block_alloc(c->contract, sizeof(*ref));
    ref->otherwise = target;
    op_add(c, OP_DYNAMIC_REF, keyword, TYPES_ALL)->as.dynamic = ref;
    c->awaiting = grown(c->awaiting, c->awaiting_count, &c->awaiting_room, sizeof(c->awaiting[0]));
    c->awaiting[c->awaiting_count++] = (struct awaiting){anchor->name, ref};
}

enum error_code emit_dynamic_ref(struct compiler *c, enum keyword keyword)
{
    uint32_t target;
    bool has_fragment;
    enum error_code code = reference_resolve(c, keyword, &target);
    if (code)
        return code;
    struct slice name = uri_fragment(string_of(c->values[keyword]), &has_fragment);
    await(c, keyword,
          name.len > 0 ? anchor_find(c, c->contract->origins[target].resource, name) : NULL,
          target);
    return ERR_OK;
}

enum error_code emit_recursive_ref(struct compiler *c, enum keyword keyword)
{
    uint32_t target;
    if (!json_is_string(c->values[keyword]) || !slice_is(string_of(c->values[keyword]), "#"))
        return refuse(c, keyword, "expected \"#\", the only value it may have");
    enum error_code code = reference_resolve(c, keyword, &target);
    if (!code)
        await(c, keyword,
              anchor_find(c, c->contract->origins[target].resource, (struct slice){"", 0}), target);
    return code;
}

enum error_code emit_recursive_anchor(struct compiler *c, enum keyword keyword)
{
    const struct resource *resource = &c->resources[c->contract->origins[c->node].resource];
    if (!json_is_boolean(c->values[keyword]))
        return refuse(c, keyword, "expected true or false");
    if (resource->node != c->node && json_is_true(c->values[keyword]))
        return refuse(c, keyword, "belongs at the root of a document or beside a $id");
    return ERR_OK;
}

static int compare_names(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len ? memcmp(a.ptr, b.ptr, a.len) : 0;
}

static int compare_awaiting(const void *left, const void *right)
{
    const struct awaiting *a = left, *b = right;
    return compare_names(a->name, b->name);
}

/* The nodes of all dynamic anchors of that name. Each step to a value looks through them, so they
 * are few. */
static enum error_code find_targets(struct compiler *c, struct slice name, struct dynamic_ref *ref)
{
    size_t count = 0;
    for (size_t i = 0; i < c->anchor_count; i++)
        count += c->anchors[i].dynamic && slice_equal(c->anchors[i].name, name);
    if (count > LIMIT_DYNAMIC_TARGETS)
        return refuse_at(c, ERR_LIMIT, ref->otherwise, KW_COUNT,
                         "more than %d schemas with a $id have the dynamic anchor \"%.*s\"",
                         LIMIT_DYNAMIC_TARGETS, (int)name.len, name.ptr);
    struct dynamic_target *targets = block_alloc(c->contract, count * sizeof(*targets));
    for (size_t i = 0; i < c->anchor_count; i++)
        if (c->anchors[i].dynamic && slice_equal(c->anchors[i].name, name))
            targets[ref->count++] =
                (struct dynamic_target){c->anchors[i].resource, c->anchors[i].node};
    ref->targets = targets;
    return ERR_OK;
}

enum error_code dynamic_finish(struct compiler *c)
{
    enum error_code code = ERR_OK;
    if (c->awaiting_count > 1)
        qsort(c->awaiting, c->awaiting_count, sizeof(c->awaiting[0]), compare_awaiting);
    for (size_t i = 0; i < c->awaiting_count && !code; i++) {
        const struct awaiting *a = &c->awaiting[i];
        if (i > 0 && compare_names(a[-1].name, a->name) == 0) {
            a->ref->targets = a[-1].ref->targets;
            a->ref->count = a[-1].ref->count;
        } else {
            code = find_targets(c, a->name, a->ref);
        }
    }
    return code;
}
