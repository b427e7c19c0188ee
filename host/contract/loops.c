/* SPDX-License-Identifier: Apache-2.0
 *
 * References may come back to where they began only through a property or an item, so that the
 * value shrinks on the way. What comes back with the same value would never end, and is refused
 * here; so is a chain of subschemas on one value that is longer than LIMIT_SCHEMA_CHAIN, which also
 * bounds the recursion of this file.
 */
#include "contract/compile_internal.h"

#include "base/limits.h"

#include <stdlib.h>

enum state { NEW, OPEN, CLOSED };

struct search {
    struct compiler *c;
    unsigned char *states;
};

/* The i-th node that an op applies to the same value; false when there are no more. */
static bool same_value_child(const struct contract *contract, const struct op *op, size_t i,
                             uint32_t *ret_node)
{
    *ret_node = NO_NODE;
    switch ((enum op_code)op->code) {
    case OP_REF:
    case OP_NOT:
        *ret_node = op->as.child;
        return i < 1;
    case OP_DYNAMIC_REF:
        if (i < op->as.dynamic->count)
            *ret_node = op->as.dynamic->targets[i].node;
        return i < op->as.dynamic->count;
    case OP_ALL_OF:
    case OP_ANY_OF:
    case OP_ONE_OF:
        if (i < op->as.children.count)
            *ret_node = contract->children[op->as.children.first + i];
        return i < op->as.children.count;
    case OP_IF:
        *ret_node = i == 0   ? op->as.condition.test
                    : i == 1 ? op->as.condition.then
                             : op->as.condition.otherwise;
        return i < 3;
    case OP_DEPENDENT_SCHEMA:
        *ret_node = op->as.dependent->node;
        return i < 1;
    case OP_NEVER:
    case OP_TYPE:
    case OP_CONST:
    case OP_ENUM:
    case OP_ENUM_STRINGS:
    case OP_MINIMUM:
    case OP_EXCLUSIVE_MINIMUM:
    case OP_MAXIMUM:
    case OP_EXCLUSIVE_MAXIMUM:
    case OP_MULTIPLE_OF:
    case OP_MIN_LENGTH:
    case OP_MAX_LENGTH:
    case OP_FORMAT:
    case OP_PATTERN:
    case OP_MIN_ITEMS:
    case OP_MAX_ITEMS:
    case OP_UNIQUE_ITEMS:
    case OP_ITEMS:
    case OP_CONTAINS:
    case OP_MIN_PROPERTIES:
    case OP_MAX_PROPERTIES:
    case OP_OBJECT:
    case OP_DEPENDENT_REQUIRED:
    case OP_UNEVALUATED_ITEMS:
    case OP_UNEVALUATED_PROPERTIES:
        break;
    }
    return false;
}

static enum error_code visit(struct search *s, uint32_t node, int depth);

static enum error_code visit_op(struct search *s, const struct op *op, int depth)
{
    uint32_t child;
    for (size_t i = 0; same_value_child(s->c->contract, op, i, &child); i++) {
        if (child == NO_NODE || s->states[child] == CLOSED)
            continue;
        if (s->states[child] == OPEN)
            return refuse_at(s->c, ERR_INPUT, op->node, (enum keyword)op->keyword,
                             "comes back to a schema it is part of, with the same value: this "
                             "would never end; recursion must go through a property or an item");
        enum error_code code = visit(s, child, depth + 1);
        if (code)
            return code;
    }
    return ERR_OK;
}

static enum error_code visit(struct search *s, uint32_t node, int depth)
{
    const struct contract *contract = s->c->contract;
    if (depth > LIMIT_SCHEMA_CHAIN)
        return refuse_at(s->c, ERR_LIMIT, node, KW_COUNT,
                         "more than %d subschemas, each inside or behind the other, for one value",
                         LIMIT_SCHEMA_CHAIN);
    s->states[node] = OPEN;
    const struct node *n = &contract->nodes[node];
    for (uint32_t i = 0; i < n->count; i++) {
        enum error_code code = visit_op(s, &contract->ops[n->first + i], depth);
        if (code)
            return code;
    }
    s->states[node] = CLOSED;
    return ERR_OK;
}

enum error_code loops_check(struct compiler *c)
{
    size_t count = c->contract->node_count;
    struct search s = {.c = c, .states = xcalloc(count, 1)};
    enum error_code code = ERR_OK;
    for (uint32_t node = 0; node < count && !code; node++)
        if (s.states[node] == NEW)
            code = visit(&s, node, 0);
    free(s.states);
    return code;
}
