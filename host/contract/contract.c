/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a compiled contract, and where its nodes stand in the document. All that the program
 * refers to beside its flat arrays lies in blocks, which are freed at once.
 */
#include "contract/fused_internal.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 4096 };

struct block {
    struct block *next;
    size_t used, room;
    _Alignas(max_align_t) unsigned char memory[];
};

void *block_alloc(struct contract *contract, size_t size)
{
    size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    struct block *block = contract->blocks;
    if (!block || size > block->room - block->used) {
        size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        block = xcalloc(1, sizeof(*block) + room);
        block->room = room;
        block->next = contract->blocks;
        contract->blocks = block;
    }
    void *memory = block->memory + block->used;
    block->used += size;
    return memory;
}

struct contract *contract_ref(const struct contract *contract)
{
    struct contract *c = (struct contract *)contract; /* only the count changes */
    __atomic_add_fetch(&c->references, 1, __ATOMIC_RELAXED);
    return c;
}

static void blocks_free(struct block *block)
{
    while (block) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
}

void contract_unref(struct contract *contract)
{
    if (!contract || __atomic_sub_fetch(&contract->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < contract->regex_count; i++)
        regex_free(contract->regexes[i]);
    free((void *)contract->regexes);
    fused_free(contract->fused);
    blocks_free(contract->blocks);
    for (size_t i = 0; i < contract->document_count; i++)
        json_decref(contract->documents[i]);
    free(contract->documents);
    for (size_t i = 0; i < contract->base_count; i++)
        free(contract->bases[i].uri);
    free(contract->bases);
    free(contract->nodes);
    free(contract->origins);
    free(contract->ops);
    free(contract->children);
    json_decref(contract->schema);
    free(contract);
}

void contract_unrefp(struct contract **contract)
{
    contract_unref(*contract);
}

json_t *contract_schema(const struct contract *contract)
{
    return contract->schema;
}

void pointer_add(struct text *out, struct slice token)
{
    text_addc(out, '/');
    for (size_t i = 0; i < token.len; i++) {
        if (token.ptr[i] == '~')
            text_adds(out, "~0");
        else if (token.ptr[i] == '/')
            text_adds(out, "~1");
        else
            text_addc(out, token.ptr[i]);
    }
}

/* Recurses to the root of the document: LIMIT_DEPTH steps, as the survey saw to. */
void origin_pointer(const struct contract *contract, uint32_t node, uint32_t below,
                    struct text *out)
{
    if (node == below)
        return;
    const struct origin *o = &contract->origins[node];
    if (o->parent != NO_NODE)
        origin_pointer(contract, o->parent, below, out);
    if (o->keyword == KW_COUNT) {
        text_add(out, o->name.ptr, o->name.len);
        return;
    }
    pointer_add(out, slice_of(keyword_rows[o->keyword].spelling));
    if (o->indexed)
        text_addf(out, "/%u", (unsigned)o->index);
    if (o->named)
        pointer_add(out, o->name);
}
