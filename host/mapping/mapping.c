/* SPDX-License-Identifier: Apache-2.0
 *
 * The public face of the room: a mapping's life, what is known of it before it meets a value, and
 * its evaluation. A result that is more than a part of the scope is walked once at the end, so that
 * a small expression cannot make, out of values shared many times, what nobody could write down.
 */
#include "mapping/evaluate_internal.h"

#include <stdlib.h>

/* Whether a node gives nothing but a constant or a part of the scope, in place. */
static bool shares_only(const struct node *node)
{
    while (node->id == OPERATION_PLACE || node->id == OPERATION_PATH)
        node = node->kids[0];
    return node->id == OPERATION_LITERAL || node->id == OPERATION_ROOT ||
           node->id == OPERATION_STEP;
}

enum error_code mapping_parse(json_t *source, const struct mapping_names *names,
                              struct mapping **ret_mapping, struct error *reterr)
{
    struct mapping *mapping = xcalloc(1, sizeof(*mapping));
    mapping->source = json_incref(source);
    mapping->constant = true;
    enum error_code code = template_compile(mapping, names, reterr);
    if (code != ERR_OK) {
        mapping_free(mapping);
        return code;
    }
    mapping->shares = shares_only(mapping->root);
    *ret_mapping = mapping;
    return ERR_OK;
}

void mapping_free(struct mapping *mapping)
{
    if (!mapping)
        return;
    for (struct node *node = mapping->nodes, *next; node; node = next) {
        next = node->next;
        node_free(node);
    }
    for (size_t i = 0; i < mapping->reference_count; i++)
        free((char *)mapping->references[i].path);
    free(mapping->references);
    json_decref(mapping->source);
    free(mapping);
}

void mapping_freep(struct mapping **mapping)
{
    mapping_free(*mapping);
}

const struct mapping_reference *mapping_references(const struct mapping *mapping, size_t *ret_count)
{
    *ret_count = mapping->reference_count;
    return mapping->references;
}

const json_t *mapping_source(const struct mapping *mapping)
{
    return mapping->source;
}

unsigned mapping_reads(const struct mapping *mapping)
{
    return mapping->reads;
}

bool mapping_is_constant(const struct mapping *mapping)
{
    return mapping->constant;
}

static bool gives_boolean(const struct node *node);

/* Every `then`, and the `else`. */
static bool branches_give_boolean(const struct node *node)
{
    for (size_t i = 1; i + 1 < node->kid_count; i += 2) {
        if (!gives_boolean(node->kids[i]))
            return false;
    }
    return gives_boolean(node->kids[node->kid_count - 1]);
}

/* A recursion as deep as the tree, which is bounded. */
static bool gives_boolean(const struct node *node)
{
    if (operations[node->id].boolean)
        return true;
    if (node->id == OPERATION_LITERAL)
        return json_is_boolean(node->as.literal);
    if (node->id == OPERATION_PLACE || node->id == OPERATION_PIPE)
        return gives_boolean(node->kids[node->kid_count - 1]);
    if (node->id == OPERATION_ALTERNATIVE)
        return gives_boolean(node->kids[0]) && gives_boolean(node->kids[1]);
    return node->id == OPERATION_IF && branches_give_boolean(node);
}

bool mapping_is_boolean(const struct mapping *mapping)
{
    return gives_boolean(mapping->root);
}

enum error_code mapping_evaluate(const struct mapping *mapping, const struct scope *scope,
                                 json_t **ret_value, struct error *reterr)
{
    struct evaluation e = {.scope = scope, .work = LIMIT_EXPRESSION_WORK, .reterr = reterr};
    json_auto_t *value = NULL;
    enum error_code code = evaluate_node(&e, mapping->root, NULL, &value);
    if (code == ERR_OK && !mapping->shares)
        code = admit_result(&e, value, 0);
    if (code == ERR_OK)
        *ret_value = TAKE(value);
    return code;
}
