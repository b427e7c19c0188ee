/* SPDX-License-Identifier: Apache-2.0
 *
 * The grammar of what has parts: [ ], { }, `if` and calls. Where jq would give several values or
 * bind in a way that few expect (a comma in [ ] binds tighter than `|`; an operator in an object's
 * value needs parentheses) the refusal says how to write it, and what is written so means the same
 * in jq.
 */
#include "mapping/parse_internal.h"

#include <string.h>

/* [a, b, …] or [a | f], where commas and `|` do not mix. */
enum error_code parse_array(struct parser *p, size_t from, struct node **ret_node)
{
    struct node *array = node_new(p->mapping, OPERATION_ARRAY, (struct slice){"", 0});
    enum error_code code = token_next(p);
    bool more = code == ERR_OK && !token_is(p, "]"), piped = false;
    while (more) {
        struct node *item = NULL;
        const char *start = p->string.ptr + p->token.at;
        code = parse_pipe(p, &item);
        if (code != ERR_OK)
            return code;
        piped = piped || (item->id == OPERATION_PIPE && item->source.ptr == start);
        node_add_kid(array, item);
        more = token_is(p, ",");
        if (piped && (more || array->kid_count > 1))
            return refuse_place(
                p, p->token.at, ERR_INPUT,
                "in [ ] a `,` binds tighter than `|`: put each item with a `|` into "
                "( ), or write … | [a, b]");
        if (more)
            code = token_next(p);
        if (code != ERR_OK)
            return code;
    }
    if (code == ERR_OK)
        code = token_is(p, "]") ? token_next(p) : refuse_token(p, "`,` or the `]` of the array");
    array->source = parse_source(p, from);
    *ret_node = array;
    return code == ERR_OK ? parse_admit(p, array) : code;
}

/* `.name`, with what stands at `source` to blame. */
static struct node *own_member(struct parser *p, struct slice source, struct slice name)
{
    struct node *path = node_new(p->mapping, OPERATION_PATH, source);
    node_add_kid(path, node_new(p->mapping, OPERATION_DOT, source));
    hops_add_key(&path->as.hops, name);
    return path;
}

/* The value behind a key: terms, signs and `|`, as in jq; all else stands in parentheses. */
static enum error_code parse_member_value(struct parser *p, struct node **ret_node)
{
    size_t from = p->token.at;
    struct node *value = NULL;
    for (;;) {
        bool negative = token_is(p, "-");
        struct node *part = NULL;
        size_t part_from = p->token.at;
        enum error_code code = negative ? token_next(p) : ERR_OK;
        if (code == ERR_OK)
            code = parse_term(p, &part);
        if (code != ERR_OK)
            return code;
        if (negative) {
            struct node *sign = node_new(p->mapping, OPERATION_NEGATE, parse_source(p, part_from));
            node_add_kid(sign, part);
            part = sign;
        }
        if (value) {
            struct node *pipe = node_new(p->mapping, OPERATION_PIPE, parse_source(p, from));
            node_add_kid(pipe, value);
            node_add_kid(pipe, part);
            part = pipe;
        }
        value = part;
        code = parse_admit(p, value);
        if (code == ERR_OK && !token_is(p, "|")) {
            *ret_node = value;
            return ERR_OK;
        }
        if (code == ERR_OK)
            code = token_next(p);
        if (code != ERR_OK)
            return code;
    }
}

/* A key, and whether it may stand without a value, and then what that value is. */
struct member {
    struct node *key, *shorthand;
};

static enum error_code parse_name_key(struct parser *p, struct member *ret_member)
{
    struct slice name = p->token.text;
    bool variable = p->token.kind == TOKEN_VARIABLE;
    if (variable) {
        enum error_code code = parse_term(p, &ret_member->shorthand);
        if (code != ERR_OK)
            return code;
        if (ret_member->shorthand->id != OPERATION_ROOT)
            return refuse_place(p, p->token.at, ERR_INPUT,
                                "a path needs a key in front of it: {key: $name.path}");
    } else {
        enum error_code code = token_next(p);
        if (code != ERR_OK)
            return code;
        ret_member->shorthand = own_member(p, name, name);
    }
    ret_member->key = literal_new(p->mapping, json_stringn_nocheck(name.ptr, name.len), name);
    return ERR_OK;
}

static enum error_code parse_string_key(struct parser *p, struct member *ret_member)
{
    enum error_code code = parse_string(p, &ret_member->key);
    if (code != ERR_OK || ret_member->key->id != OPERATION_LITERAL)
        return code;
    const json_t *name = ret_member->key->as.literal;
    struct slice key = {json_string_value(name), json_string_length(name)};
    ret_member->shorthand = own_member(p, ret_member->key->source, key);
    return ERR_OK;
}

static enum error_code parse_key(struct parser *p, struct member *ret_member)
{
    if (p->token.kind == TOKEN_NAME || p->token.kind == TOKEN_VARIABLE)
        return parse_name_key(p, ret_member);
    if (p->token.kind == TOKEN_QUOTE)
        return parse_string_key(p, ret_member);
    if (p->token.kind == TOKEN_NUMBER)
        return refuse_place(p, p->token.at, ERR_INPUT, "a key is a string: put it into quotes");
    if (!token_is(p, "("))
        return refuse_token(p, "a key, or the `}` of the object");
    enum error_code code = token_next(p);
    if (code == ERR_OK)
        code = parse_pipe(p, &ret_member->key);
    return code == ERR_OK ? token_expect(p, ")", "for the key's `(`") : code;
}

static enum error_code parse_member(struct parser *p, struct node *object)
{
    struct member member = {NULL, NULL};
    size_t at = p->token.at;
    bool variable = p->token.kind == TOKEN_VARIABLE;
    enum error_code code = parse_key(p, &member);
    if (code != ERR_OK)
        return code;
    struct node *value = member.shorthand;
    if (token_is(p, ":") && variable)
        return refuse_place(p, at, ERR_INPUT,
                            "a key that is computed stands in parentheses: (%.*s)",
                            (int)member.key->source.len + 1, member.key->source.ptr - 1);
    if (token_is(p, ":")) {
        code = token_next(p);
        if (code == ERR_OK)
            code = parse_member_value(p, &value);
        if (code != ERR_OK)
            return code;
    } else if (!value) {
        return refuse_token(p, "`:` and a value behind the key");
    }
    node_add_kid(object, member.key);
    node_add_kid(object, value);
    enum operation_id id;
    if (token_is(p, ",") || token_is(p, "}"))
        return parse_admit(p, object);
    if ((p->token.kind == TOKEN_MARK || p->token.kind == TOKEN_NAME) &&
        operation_binary(p->token.text, FORM_ALTERNATIVE, &id))
        return refuse_place(p, p->token.at, ERR_INPUT,
                            "in { } a value with `%s` in it stands in parentheses: {key: (a %s b)}",
                            operations[id].written, operations[id].written);
    return refuse_token(p, value == member.shorthand ? "`:`, `,` or the `}` of the object"
                                                     : "`,` or the `}` of the object");
}

enum error_code parse_object(struct parser *p, size_t from, struct node **ret_node)
{
    struct node *object = node_new(p->mapping, OPERATION_OBJECT, (struct slice){"", 0});
    enum error_code code = token_next(p);
    while (code == ERR_OK && !token_is(p, "}")) {
        code = parse_member(p, object);
        if (code == ERR_OK && token_is(p, ","))
            code = token_next(p);
    }
    if (code == ERR_OK)
        code = token_next(p);
    object->source = parse_source(p, from);
    *ret_node = object;
    return code;
}

/* `if` or `elif` with its condition and its `then`. */
static enum error_code parse_branch(struct parser *p, struct node *node)
{
    struct node *condition = NULL, *then = NULL;
    enum error_code code = token_next(p);
    if (code == ERR_OK)
        code = parse_pipe(p, &condition);
    if (code == ERR_OK)
        code = token_expect(p, "then", "behind the condition");
    if (code == ERR_OK)
        code = parse_pipe(p, &then);
    if (code != ERR_OK)
        return code;
    node_add_kid(node, condition);
    node_add_kid(node, then);
    return ERR_OK;
}

/* All branches are kids of one node, so that a chain of `elif` is a row and not a recursion. */
enum error_code parse_if(struct parser *p, size_t from, struct node **ret_node)
{
    struct node *node = node_new(p->mapping, OPERATION_IF, (struct slice){"", 0});
    struct node *last = NULL;
    enum error_code code;
    do
        code = parse_branch(p, node);
    while (code == ERR_OK && token_is(p, "elif"));
    if (code == ERR_OK && token_is(p, "end"))
        return refuse_place(
            p, p->token.at, ERR_INPUT,
            "`if` needs an `else`, so that it always gives a value; `else .` keeps it");
    if (code == ERR_OK)
        code = token_expect(p, "else", "or `elif`");
    if (code == ERR_OK)
        code = parse_pipe(p, &last);
    if (code == ERR_OK)
        code = token_expect(p, "end", "of the `if`");
    if (code != ERR_OK)
        return code;
    node_add_kid(node, last);
    node->source = parse_source(p, from);
    *ret_node = node;
    return parse_admit(p, node);
}

static bool is_constant(struct parser *p, struct slice name, struct node **ret_node)
{
    json_t *value = slice_is(name, "true")    ? json_true()
                    : slice_is(name, "false") ? json_false()
                    : slice_is(name, "null")  ? json_null()
                                              : NULL;
    if (value)
        *ret_node = literal_new(p->mapping, value, name);
    return value != NULL;
}

/* Counts the arguments, and keeps the first: no function takes more. */
static enum error_code parse_arguments(struct parser *p, struct node **ret_first, size_t *ret_count)
{
    enum error_code code = ERR_OK;
    do {
        struct node *argument = NULL;
        code = token_next(p);
        if (code == ERR_OK)
            code = parse_pipe(p, &argument);
        if (code != ERR_OK)
            return code;
        if (++*ret_count == 1)
            *ret_first = argument;
    } while (token_is(p, ";"));
    return token_expect(p, ")", "for the `(` before");
}

static bool is_word_of_syntax(struct slice name)
{
    static const char *const words[] = {"then", "elif", "else", "end", "and", "or", "as"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (slice_is(name, words[i]))
            return true;
    }
    return false;
}

/* Puts the place before the error; a name behind a `-` may be the end of a longer one. */
static enum error_code refuse_name(struct parser *p, struct slice name, size_t from,
                                   enum error_code code)
{
    if (code == ERR_INPUT && from > 0 && p->string.ptr[from - 1] == '-')
        error_set(p->reterr, code,
                  "no function is named `%.*s`; if the `-` belongs to a name, put that into "
                  "quotes: .[\"…-%.*s\"]",
                  (int)name.len, name.ptr, (int)name.len, name.ptr);
    error_prefix_column(p->reterr, p->string, from);
    return code;
}

enum error_code parse_call(struct parser *p, size_t from, struct node **ret_node)
{
    struct slice name = p->token.text;
    if (is_word_of_syntax(name))
        return refuse_token(p, "a value");
    enum error_code code = token_next(p);
    if (code != ERR_OK || is_constant(p, name, ret_node))
        return code;
    struct node *argument = NULL;
    size_t arguments = 0;
    enum operation_id id = OPERATION_DOT;
    code = operation_named(name, p->reterr);
    if (code == ERR_OK && token_is(p, "("))
        code = parse_arguments(p, &argument, &arguments);
    else if (code != ERR_OK)
        return refuse_name(p, name, from, code);
    if (code != ERR_OK)
        return code;
    code = operation_call(name, arguments, &id, p->reterr);
    if (code != ERR_OK) {
        error_prefix_column(p->reterr, p->string, from);
        return code;
    }
    *ret_node = node_new(p->mapping, id, parse_source(p, from));
    if (argument)
        node_add_kid(*ret_node, argument);
    return parse_admit(p, *ret_node);
}
