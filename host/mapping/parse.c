/* SPDX-License-Identifier: Apache-2.0
 *
 * The grammar of operators, with jq's precedence: `|`, then `//`, `or`, `and`, comparisons (which
 * do not chain), `+ -`, `* / %`; a sign in front binds as loosely as a sum, so that -1 * 2 is -(1 *
 * 2).
 * `|` and `//` associate to the left here and to the right in jq, which is the same where each part
 * gives one value. Operators in one row are a loop and not a recursion, but the tree that they make
 * is as high as the row is long: LIMIT_EXPRESSION_HEIGHT is for evaluating, LIMIT_EXPRESSION_DEPTH
 * for parsing.
 */
#include "mapping/parse_internal.h"

static enum error_code parse_binary(struct parser *p, size_t from, enum form loosest,
                                    struct node **left);

struct slice parse_source(const struct parser *p, size_t from)
{
    return (struct slice){p->string.ptr + from, p->end - from};
}

enum error_code parse_deeper(struct parser *p)
{
    if (++p->depth <= LIMIT_EXPRESSION_DEPTH)
        return ERR_OK;
    return refuse_place(p, p->token.at, ERR_LIMIT,
                        "nested over %d levels deep (LIMIT_EXPRESSION_DEPTH); make it in steps",
                        LIMIT_EXPRESSION_DEPTH);
}

enum error_code parse_admit(struct parser *p, const struct node *node)
{
    if (node->height > LIMIT_EXPRESSION_HEIGHT)
        return refuse_place(
            p, p->token.at, ERR_LIMIT,
            "over %d operators in one row (LIMIT_EXPRESSION_HEIGHT); make it in steps",
            LIMIT_EXPRESSION_HEIGHT);
    if (p->mapping->node_count > LIMIT_MAPPING_NODES)
        return refuse_place(p, p->token.at, ERR_LIMIT,
                            "the mapping has over %u parts (LIMIT_MAPPING_NODES); make it in steps",
                            LIMIT_MAPPING_NODES);
    return ERR_OK;
}

enum error_code parse_pipe(struct parser *p, struct node **ret_node)
{
    return parse_operand(p, FORM_PIPE, ret_node);
}

/* `-` in front: all that binds tighter than a sum. A number is negated at once. */
static enum error_code parse_sign(struct parser *p, struct node **ret_node)
{
    size_t from = p->token.at;
    struct node *operand = NULL;
    enum error_code code = parse_deeper(p);
    if (code == ERR_OK)
        code = token_next(p);
    if (code == ERR_OK)
        code = parse_operand(p, FORM_PRODUCT, &operand);
    if (code != ERR_OK)
        return code;
    p->depth--;
    struct slice source = parse_source(p, from);
    if (operand->id == OPERATION_LITERAL && json_is_number(operand->as.literal)) {
        const json_t *number = operand->as.literal;
        json_t *negated = json_is_integer(number) ? json_integer(-json_integer_value(number))
                                                  : json_real(-json_real_value(number));
        *ret_node = literal_new(p->mapping, negated, source);
        return ERR_OK;
    }
    *ret_node = node_new(p->mapping, OPERATION_NEGATE, source);
    node_add_kid(*ret_node, operand);
    return parse_admit(p, *ret_node);
}

enum error_code parse_operand(struct parser *p, enum form loosest, struct node **ret_node)
{
    size_t from = p->token.at;
    struct node *left = NULL;
    enum error_code code = token_is(p, "-") ? parse_sign(p, &left) : parse_term(p, &left);
    if (code == ERR_OK)
        code = parse_binary(p, from, loosest, &left);
    if (code == ERR_OK)
        *ret_node = left;
    return code;
}

/* The rest of a row of operators whose first operand is *left. */
static enum error_code parse_binary(struct parser *p, size_t from, enum form loosest,
                                    struct node **left)
{
    enum operation_id id;
    while ((p->token.kind == TOKEN_MARK || p->token.kind == TOKEN_NAME) &&
           operation_binary(p->token.text, loosest, &id)) {
        enum form form = operations[id].form;
        if (form == FORM_COMPARE && operations[(*left)->id].form == FORM_COMPARE &&
            (*left)->source.ptr == p->string.ptr + from)
            return refuse_place(p, p->token.at, ERR_INPUT,
                                "comparisons do not chain; join two of them by `and`, or use ( )");
        struct node *right = NULL;
        enum error_code code = token_next(p);
        if (code == ERR_OK)
            code = parse_operand(p, form + 1, &right);
        if (code != ERR_OK)
            return code;
        struct node *both = node_new(p->mapping, id, parse_source(p, from));
        node_add_kid(both, *left);
        node_add_kid(both, right);
        code = parse_admit(p, both);
        if (code != ERR_OK)
            return code;
        *left = both;
    }
    return ERR_OK;
}

enum error_code expression_parse(struct mapping *mapping, struct slice string, size_t *at,
                                 struct node **ret_node, struct error *reterr)
{
    struct parser p = {
        .mapping = mapping, .string = string, .start = *at, .at = *at, .reterr = reterr};
    struct node *node = NULL;
    enum error_code code = token_next(&p);
    if (code == ERR_OK && token_is(&p, "}"))
        return refuse_place(&p, p.token.at, ERR_INPUT,
                            "the expression is empty; to write `${` itself, write `$${`");
    if (code == ERR_OK)
        code = parse_pipe(&p, &node);
    if (code != ERR_OK)
        return code;
    if (!token_is(&p, "}"))
        return refuse_token(&p, "an operator or the `}` that ends the expression");
    *at = p.at;
    *ret_node = node;
    return ERR_OK;
}
