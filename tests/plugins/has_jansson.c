/* SPDX-License-Identifier: Apache-2.0
 *
 * Good: reads and writes JSON by jansson, as the host does, and has its own way with memory: what
 * it does to the library must be no affair of the host's.
 */
#include "sin.h"

#include <jansson.h>
#include <stddef.h>

static void *take(size_t size)
{
    char *memory = malloc(size + sizeof(max_align_t));
    return memory ? memory + sizeof(max_align_t) : NULL;
}

static void give_back(void *memory)
{
    if (memory)
        free((char *)memory - sizeof(max_align_t));
}

static seam_status act(void *self, const seam_call *call)
{
    (void)self;
    json_t *input = json_loadb(call->input.ptr, call->input.len, JSON_DECODE_ANY, NULL);
    json_t *output = json_pack("{s:o, s:[i,i,i]}", "got", input, "numbers", 1, 2, 3);
    char *text = json_dumps(output, JSON_COMPACT);
    answer(call->id, SEAM_OK, bytes_of(text));
    free(text);
    json_decref(output);
    json_set_alloc_funcs(take, give_back);
    output = json_pack("{s:s}", "a", "b");
    json_decref(output);
    json_set_alloc_funcs(malloc, free);
    return SEAM_OK;
}

SIN(SEAM_PURE, 0)
