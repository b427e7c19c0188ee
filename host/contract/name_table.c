/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of names. The names are the schema's and the table is fixed, so that no value can make it
 * slow; a schema whose names were chosen to collide gets no table.
 */
#include "contract/fused_internal.h"

enum { SPARSE = 4, COLLISIONS = 8 /* for each name */ };

bool name_table_build(struct contract *contract, struct name_table *table)
{
    unsigned bits = 2;
    size_t collisions = 0;
    while (((size_t)1 << bits) < table->count * SPARSE)
        bits++;
    table->mask = ((uint32_t)1 << bits) - 1;
    table->shift = 64 - bits;
    table->slots = block_alloc(contract, ((size_t)1 << bits) * sizeof(table->slots[0]));
    for (size_t i = 0; i < table->count; i++) {
        struct known_name *name = &table->list[i];
        name_ends(name->ptr, name->len, &name->first, &name->last);
        uint32_t slot = name_hash(name->ptr, name->len, name->first, name->last, table->shift);
        for (; table->slots[slot & table->mask]; slot++)
            if (collisions++ > table->count * COLLISIONS)
                return false;
        table->slots[slot & table->mask] = (uint32_t)i + 1;
    }
    return true;
}
