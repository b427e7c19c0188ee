/* SPDX-License-Identifier: Apache-2.0
 *
 * The grammar of terms: what stands between operators, and the paths behind it. Where jq would give
 * several values (`.[]`, a comma outside [ ]) the refusal says how to get one. Inside [ ] jq's
 * comma binds tighter than `|`, so that [1, 2 | f] applies f to both; that is refused too, since
 * few who write it mean it.
 */
#include "mapping/numeral_internal.h"
#include "mapping/parse_internal.h"

static enum error_code parse_brackets(struct parser *p, size_t from, struct node **node);

/* The path behind a node, which grows when it is a path already. */
static struct node *path_on(struct parser *p, size_t from, struct node *base)
{
    struct node *path = base;
    if (base->id != OPERATION_PATH) {
        path = node_new(p->mapping, OPERATION_PATH, base->source);
        node_add_kid(path, base);
    }
    path->source = parse_source(p, from);
    return path;
}

static struct node *member_of(struct parser *p, size_t from, struct node *base, struct slice key)
{
    struct node *path = path_on(p, from, base);
    hops_add_key(&path->as.hops, key);
    return path;
}

static struct node *index_of(struct parser *p, size_t from, struct node *base, struct node *key)
{
    struct node *index = node_new(p->mapping, OPERATION_INDEX, parse_source(p, from));
    node_add_kid(index, base);
    node_add_kid(index, key);
    return index;
}

static struct slice literal_string(const struct node *literal)
{
    return (struct slice){json_string_value(literal->as.literal),
                          json_string_length(literal->as.literal)};
}

/* A literal string between its quotes, or a STRING of literals and expressions in turn. */
enum error_code parse_string(struct parser *p, struct node **ret_node)
{
    size_t from = p->token.at;
    struct node *string = NULL;
    AUTO(text_done) struct text characters;
    text_init(&characters, LIMIT_EXPRESSION);
    for (;;) {
        bool interrupted = false;
        text_clear(&characters);
        enum error_code code = token_characters(p, &characters, &interrupted);
        if (code != ERR_OK)
            return code;
        if (characters.overflowed)
            return refuse_place(p, from, ERR_LIMIT, "a string of over %u bytes (LIMIT_EXPRESSION)",
                                LIMIT_EXPRESSION);
        struct slice source = {p->string.ptr + from, p->at - from};
        json_t *piece = json_stringn_nocheck(text_str(&characters), characters.len);
        struct node *literal = literal_new(p->mapping, piece, source);
        if (!interrupted && !string) {
            *ret_node = literal;
            return token_next(p);
        }
        if (!string)
            string = node_new(p->mapping, OPERATION_STRING, source);
        node_add_kid(string, literal);
        if (!interrupted) {
            code = token_next(p);
            string->source = parse_source(p, from);
            *ret_node = string;
            return code == ERR_OK ? parse_admit(p, string) : code;
        }
        struct node *inner = NULL;
        code = token_next(p);
        if (code == ERR_OK)
            code = parse_pipe(p, &inner);
        if (code == ERR_OK && !token_is(p, ")"))
            code = refuse_token(p, "the `)` that ends `\\(`");
        if (code != ERR_OK)
            return code;
        node_add_kid(string, inner);
        p->token.at = from; /* what an unclosed string is named by */
    }
}

static enum error_code parse_number(struct parser *p, struct node **ret_node)
{
    struct slice written = p->token.text;
    json_t *number = NULL;
    if (!numeral_parse(written, &number))
        return refuse_place(p, p->token.at, ERR_INPUT, "%.*s is larger than any number here",
                            (int)(written.len > 40 ? 40 : written.len), written.ptr);
    *ret_node = literal_new(p->mapping, number, written);
    return token_next(p);
}

static enum error_code parse_variable(struct parser *p, struct node **ret_node)
{
    struct slice name = p->token.text;
    enum root_name root;
    if (!root_find(name, &root))
        return refuse_place(p, p->token.at, ERR_INPUT,
                            "no variable is named `$%.*s`; there are $input $steps $item $index "
                            "$output $error $run",
                            (int)name.len, name.ptr);
    size_t from = p->token.at;
    enum error_code code = token_next(p);
    *ret_node = node_new(p->mapping, OPERATION_ROOT, parse_source(p, from));
    (*ret_node)->as.root = root;
    return code;
}

static enum error_code parse_parentheses(struct parser *p, struct node **ret_node)
{
    enum error_code code = token_next(p);
    if (code == ERR_OK)
        code = parse_pipe(p, ret_node);
    return code == ERR_OK ? token_expect(p, ")", "for the `(` before") : code;
}

/* The string behind a `.`: the name of a member, which may have \( ) in it. */
static enum error_code parse_quoted_member(struct parser *p, size_t from, struct node **node)
{
    struct node *key = NULL;
    enum error_code code = parse_string(p, &key);
    if (code != ERR_OK)
        return code;
    if (key->id == OPERATION_LITERAL) {
        *node = member_of(p, from, *node, literal_string(key));
        return ERR_OK;
    }
    *node = index_of(p, from, *node, key);
    return parse_admit(p, *node);
}

/* `.` alone and ."name"; what else may follow is left to the suffixes. */
static enum error_code parse_dot(struct parser *p, size_t from, struct node **ret_node)
{
    enum error_code code = token_next(p);
    *ret_node = node_new(p->mapping, OPERATION_DOT, parse_source(p, from));
    if (code == ERR_OK && p->token.kind == TOKEN_QUOTE)
        code = parse_quoted_member(p, from, ret_node);
    return code;
}

static enum error_code parse_first(struct parser *p, struct node **ret_node)
{
    size_t from = p->token.at;
    const struct token token = p->token;
    switch (token.kind) {
    case TOKEN_NUMBER:
        return parse_number(p, ret_node);
    case TOKEN_QUOTE:
        return parse_string(p, ret_node);
    case TOKEN_VARIABLE:
        return parse_variable(p, ret_node);
    case TOKEN_FIELD: {
        enum error_code code = token_next(p);
        struct slice source = {p->string.ptr + from, 1};
        struct node *dot = node_new(p->mapping, OPERATION_DOT, source);
        *ret_node = member_of(p, from, dot, token.text);
        return code;
    }
    case TOKEN_NAME:
        return token_is(p, "if") ? parse_if(p, from, ret_node) : parse_call(p, from, ret_node);
    case TOKEN_MARK:
        if (token_is(p, "."))
            return parse_dot(p, from, ret_node);
        if (token_is(p, "("))
            return parse_parentheses(p, ret_node);
        if (token_is(p, "["))
            return parse_array(p, from, ret_node);
        if (token_is(p, "{"))
            return parse_object(p, from, ret_node);
        break;
    case TOKEN_FORMAT:
    case TOKEN_END:
        break;
    }
    return refuse_token(p, "a value");
}

/* `.` behind a term: ."name", or .[…] as newer versions of jq write it. */
static enum error_code parse_dot_suffix(struct parser *p, size_t from, struct node **node)
{
    enum error_code code = token_next(p);
    if (code != ERR_OK)
        return code;
    if (token_is(p, "["))
        return parse_brackets(p, from, node);
    if (p->token.kind != TOKEN_QUOTE)
        return refuse_token(p, "a name behind the `.`");
    return parse_quoted_member(p, from, node);
}

static bool constant_hop(const struct node *key)
{
    return key->id == OPERATION_LITERAL &&
           (json_is_string(key->as.literal) || json_is_integer(key->as.literal));
}

/* .[KEY], where the key is an expression; a literal becomes a hop of the path. */
static enum error_code finish_index(struct parser *p, size_t from, struct node **node,
                                    struct node *key)
{
    enum error_code code = token_expect(p, "]", "for the `[` before");
    if (code != ERR_OK)
        return code;
    if (!constant_hop(key)) {
        *node = index_of(p, from, *node, key);
    } else if (json_is_string(key->as.literal)) {
        *node = member_of(p, from, *node, literal_string(key));
    } else {
        *node = path_on(p, from, *node);
        hops_add_item(&(*node)->as.hops, json_integer_value(key->as.literal));
    }
    return parse_admit(p, *node);
}

/* .[FROM:TO] at its colon; `first` may be NULL. */
static enum error_code finish_slice(struct parser *p, size_t from, struct node **node,
                                    struct node *first)
{
    struct node *last = NULL;
    enum error_code code = token_next(p);
    if (code == ERR_OK && (!first || !token_is(p, "]")))
        code = parse_pipe(p, &last);
    if (code == ERR_OK)
        code = token_expect(p, "]", "for the `[` before");
    if (code != ERR_OK)
        return code;
    struct node *slice = node_new(p->mapping, OPERATION_SLICE, parse_source(p, from));
    slice->as.bounds.from = first != NULL;
    slice->as.bounds.to = last != NULL;
    node_add_kid(slice, *node);
    if (first)
        node_add_kid(slice, first);
    if (last)
        node_add_kid(slice, last);
    *node = slice;
    return parse_admit(p, slice);
}

static enum error_code parse_brackets(struct parser *p, size_t from, struct node **node)
{
    struct node *key = NULL;
    enum error_code code = token_next(p);
    if (code != ERR_OK)
        return code;
    if (token_is(p, ":"))
        return finish_slice(p, from, node, NULL);
    if (token_is(p, "]"))
        return refuse_place(
            p, p->token.at - 1, ERR_INPUT,
            "`[]` gives many values, and an expression gives one: to do something with "
            "each item, write `| map(…)`; any, all and add take the array as it is");
    code = parse_pipe(p, &key);
    if (code != ERR_OK)
        return code;
    return token_is(p, ":") ? finish_slice(p, from, node, key) : finish_index(p, from, node, key);
}

enum error_code parse_term(struct parser *p, struct node **ret_node)
{
    size_t from = p->token.at;
    struct node *node = NULL;
    enum error_code code = parse_deeper(p);
    if (code == ERR_OK)
        code = parse_first(p, &node);
    while (code == ERR_OK) {
        if (p->token.kind == TOKEN_FIELD) {
            struct slice name = p->token.text;
            code = token_next(p);
            node = member_of(p, from, node, name);
        } else if (token_is(p, ".")) {
            code = parse_dot_suffix(p, from, &node);
        } else if (token_is(p, "[")) {
            code = parse_brackets(p, from, &node);
        } else {
            break;
        }
    }
    p->depth--;
    if (code == ERR_OK)
        *ret_node = node;
    return code;
}
