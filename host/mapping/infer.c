/* SPDX-License-Identifier: Apache-2.0
 *
 * Inference, at its coarsest: a mapping gives anything, a constant gives itself.
 */
#include "mapping/infer.h"

#include "mapping/mapping_internal.h"

#include <stdlib.h>

void mapping_infer(const struct mapping *mapping, const struct inference_scope *scope,
                   struct inference *ret)
{
    (void)scope;
    bool constant = mapping->root->id == OPERATION_LITERAL;
    *ret = (struct inference){.shape = constant ? shape_of_value(mapping->root->as.literal)
                                                : shape_any()};
}

void inference_done(struct inference *inference)
{
    shape_done(&inference->shape);
    for (size_t i = 0; i < inference->note_count; i++) {
        free(inference->notes[i].pointer);
        free(inference->notes[i].text);
        free(inference->notes[i].hint);
    }
    free(inference->notes);
}
