/* SPDX-License-Identifier: Apache-2.0
 *
 * Evaluating the forms of syntax, and what all of evaluation stands on: the work that is paid for,
 * errors that say which part of the expression met what, and the ways through paths.
 */
#include "mapping/evaluate_internal.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* So many bytes of a string count as one value. */
enum { STRING_UNIT = 32, SOURCE_SHOWN = 60 };

enum error_code evaluate_node(struct evaluation *e, const struct node *node, const json_t *dot,
                              json_t **ret_value)
{
    enum error_code code = spend(e, 1);
    return code == ERR_OK ? operations[node->id].evaluate(e, node, dot, ret_value) : code;
}

enum error_code spend(struct evaluation *e, size_t values)
{
    if (values > e->work) {
        e->work = 0;
        return error_set(e->reterr, ERR_LIMIT,
                         "the expression touches over %u values (LIMIT_EXPRESSION_WORK); let an "
                         "agent do this",
                         LIMIT_EXPRESSION_WORK);
    }
    e->work -= values;
    return ERR_OK;
}

enum error_code spend_on_bytes(struct evaluation *e, size_t length)
{
    return spend(e, 1 + length / STRING_UNIT);
}

enum error_code spend_on(struct evaluation *e, const json_t *value)
{
    return spend_on_bytes(e, json_is_string(value) ? json_string_length(value) : 0);
}

enum error_code spend_on_keys(struct evaluation *e, const json_t *object)
{
    enum error_code code = ERR_OK;
    const char *key;
    size_t length;
    json_t *member;
    json_object_keylen_foreach((json_t *)object, key, length, member)
    {
        code = spend_on_bytes(e, length);
        if (code != ERR_OK)
            break;
    }
    return code;
}

/* Sharing makes the result a graph; it is paid for as the tree that it will be written as. */
enum error_code admit_result(struct evaluation *e, const json_t *value, unsigned depth)
{
    enum error_code code = spend_on(e, value);
    if (code != ERR_OK || (!json_is_array(value) && !json_is_object(value)))
        return code;
    if (depth >= LIMIT_DEPTH)
        return error_set(e->reterr, ERR_LIMIT, "the result is nested over %d levels (LIMIT_DEPTH)",
                         LIMIT_DEPTH);
    if (json_is_object(value))
        code = spend_on_keys(e, value);
    struct items items = items_of(value);
    for (const json_t *item = items_next(&items); code == ERR_OK && item; item = items_next(&items))
        code = admit_result(e, item, depth + 1);
    return code;
}

enum error_code refuse_value(struct evaluation *e, const struct node *node, const char *format, ...)
{
    char words[ERROR_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    size_t shown = node->source.len;
    if (shown > SOURCE_SHOWN) {
        for (shown = SOURCE_SHOWN; shown > 0 && (node->source.ptr[shown] & 0xC0) == 0x80;)
            shown--;
    }
    return error_set(e->reterr, ERR_INPUT, "`%.*s%s` %s", (int)shown, node->source.ptr,
                     shown < node->source.len ? "…" : "", words);
}

const char *kind_word(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_NULL:
        break;
    }
    return "null";
}

bool truthy(const json_t *value)
{
    return !json_is_null(value) && !json_is_false(value);
}

json_t *share(const json_t *value)
{
    return json_incref((json_t *)value);
}

struct slice string_slice(const json_t *string)
{
    return (struct slice){json_string_value(string), json_string_length(string)};
}

enum error_code finish_text(struct evaluation *e, const struct node *node, const struct text *text,
                            json_t **ret_value)
{
    if (text->overflowed) {
        refuse_value(e, node, "makes a string of over %u bytes (LIMIT_TEXT_RESULT)",
                     LIMIT_TEXT_RESULT);
        if (e->reterr)
            e->reterr->code = ERR_LIMIT;
        return ERR_LIMIT;
    }
    *ret_value = json_stringn_nocheck(text_str(text), text->len);
    return ERR_OK;
}

struct items items_of(const json_t *container)
{
    void *iterator = json_is_object(container) ? json_object_iter((json_t *)container) : NULL;
    return (struct items){.container = container, .iterator = iterator};
}

enum error_code items_begin(struct evaluation *e, const struct node *node, const json_t *value,
                            struct items *ret_items)
{
    if (!json_is_array(value) && !json_is_object(value))
        return refuse_value(e, node, "needs an array or an object in front of it, found %s",
                            kind_word(value));
    *ret_items = items_of(value);
    return ERR_OK;
}

const json_t *items_next(struct items *items)
{
    if (json_is_array(items->container))
        return json_array_get(items->container, items->index++);
    if (!items->iterator)
        return NULL;
    const json_t *value = json_object_iter_value(items->iterator);
    items->iterator = json_object_iter_next((json_t *)items->container, items->iterator);
    items->index++;
    return value;
}

/* ---- the forms of syntax ---- */

enum error_code evaluate_place(struct evaluation *e, const struct node *node, const json_t *dot,
                               json_t **ret_value)
{
    enum error_code code = evaluate_node(e, node->kids[0], dot, ret_value);
    if (code != ERR_OK && node->as.pointer[0] != '\0')
        error_prefix(e->reterr, "%s: ", node->as.pointer);
    return code;
}

enum error_code evaluate_literal(struct evaluation *e, const struct node *node, const json_t *dot,
                                 json_t **ret_value)
{
    (void)e, (void)dot;
    *ret_value = share(node->as.literal);
    return ERR_OK;
}

enum error_code evaluate_dot(struct evaluation *e, const struct node *node, const json_t *dot,
                             json_t **ret_value)
{
    (void)e, (void)node;
    *ret_value = share(dot);
    return ERR_OK;
}

static json_t *share_or_null(const json_t *value)
{
    return value ? share(value) : json_null();
}

enum error_code evaluate_root(struct evaluation *e, const struct node *node, const json_t *dot,
                              json_t **ret_value)
{
    (void)dot;
    const struct scope *scope = e->scope;
    bool run = node->as.root == ROOT_NAME_RUN;
    if (scope->given && (run || node->as.root == ROOT_NAME_INPUT)) {
        *ret_value = share_or_null(scope->given(scope->user, run));
        return ERR_OK;
    }
    const json_t *const values[ROOT_NAMES] = {
        [ROOT_NAME_INPUT] = scope->input,   [ROOT_NAME_ITEM] = scope->item,
        [ROOT_NAME_OUTPUT] = scope->output, [ROOT_NAME_ERROR] = scope->error,
        [ROOT_NAME_RUN] = scope->run,
    };
    *ret_value = node->as.root == ROOT_NAME_INDEX ? json_integer(scope->index)
                                                  : share_or_null(values[node->as.root]);
    return ERR_OK;
}

enum error_code evaluate_step(struct evaluation *e, const struct node *node, const json_t *dot,
                              json_t **ret_value)
{
    (void)dot;
    const struct scope *scope = e->scope;
    *ret_value = share_or_null(scope->step(scope->user, node->as.step.index, node->as.step.status));
    return ERR_OK;
}

enum error_code evaluate_array(struct evaluation *e, const struct node *node, const json_t *dot,
                               json_t **ret_value)
{
    json_auto_t *array = json_array();
    for (size_t i = 0; i < node->kid_count; i++) {
        json_t *item = NULL;
        enum error_code code = evaluate_node(e, node->kids[i], dot, &item);
        if (code != ERR_OK)
            return code;
        json_array_append_new(array, item);
    }
    *ret_value = TAKE(array);
    return ERR_OK;
}

static enum error_code set_member(struct evaluation *e, const struct node *key_node,
                                  const json_t *key, json_t *object, json_t *value_taken)
{
    json_auto_t *value = value_taken;
    if (!json_is_string(key))
        return refuse_value(e, key_node, "is %s, and a key must be a string; use tostring",
                            kind_word(key));
    struct slice name = string_slice(key);
    if (memchr(name.ptr, '\0', name.len))
        return refuse_value(e, key_node, "has the character \\u0000 in it, which no key can have");
    enum error_code code = spend_on(e, key);
    if (code == ERR_OK)
        json_object_setn_new_nocheck(object, name.ptr, name.len, TAKE(value));
    return code;
}

enum error_code evaluate_object(struct evaluation *e, const struct node *node, const json_t *dot,
                                json_t **ret_value)
{
    json_auto_t *object = json_object();
    for (size_t i = 0; i < node->kid_count; i += 2) {
        json_auto_t *key = NULL;
        json_t *value = NULL;
        enum error_code code = evaluate_node(e, node->kids[i], dot, &key);
        if (code == ERR_OK)
            code = evaluate_node(e, node->kids[i + 1], dot, &value);
        if (code == ERR_OK)
            code = set_member(e, node->kids[i], key, object, value);
        if (code != ERR_OK)
            return code;
    }
    *ret_value = TAKE(object);
    return ERR_OK;
}

enum error_code evaluate_string(struct evaluation *e, const struct node *node, const json_t *dot,
                                json_t **ret_value)
{
    AUTO(text_done) struct text text;
    text_init(&text, LIMIT_TEXT_RESULT);
    for (size_t i = 0; i < node->kid_count; i++) {
        json_auto_t *piece = NULL;
        enum error_code code = evaluate_node(e, node->kids[i], dot, &piece);
        if (code == ERR_OK)
            code = print_value(e, piece, &text);
        if (code != ERR_OK)
            return code;
    }
    return finish_text(e, node, &text, ret_value);
}

enum error_code evaluate_pipe(struct evaluation *e, const struct node *node, const json_t *dot,
                              json_t **ret_value)
{
    json_auto_t *left = NULL;
    enum error_code code = evaluate_node(e, node->kids[0], dot, &left);
    if (code != ERR_OK)
        return code;
    if (left)
        return evaluate_node(e, node->kids[1], left, ret_value);
    *ret_value = NULL;
    return ERR_OK;
}

/* Pairs of a condition and a value, then the value of `else`. */
enum error_code evaluate_if(struct evaluation *e, const struct node *node, const json_t *dot,
                            json_t **ret_value)
{
    size_t chosen = node->kid_count - 1;
    for (size_t i = 0; i + 1 < node->kid_count; i += 2) {
        json_auto_t *condition = NULL;
        enum error_code code = evaluate_node(e, node->kids[i], dot, &condition);
        if (code != ERR_OK)
            return code;
        if (truthy(condition)) {
            chosen = i + 1;
            break;
        }
    }
    return evaluate_node(e, node->kids[chosen], dot, ret_value);
}

enum error_code evaluate_alternative(struct evaluation *e, const struct node *node,
                                     const json_t *dot, json_t **ret_value)
{
    json_auto_t *left = NULL;
    enum error_code code = evaluate_node(e, node->kids[0], dot, &left);
    if (code != ERR_OK)
        return code;
    if (!truthy(left))
        return evaluate_node(e, node->kids[1], dot, ret_value);
    *ret_value = TAKE(left);
    return ERR_OK;
}

static enum error_code evaluate_logic(struct evaluation *e, const struct node *node,
                                      const json_t *dot, bool decided_by, json_t **ret_value)
{
    bool value = false;
    for (size_t i = 0; i < 2; i++) {
        json_auto_t *side = NULL;
        enum error_code code = evaluate_node(e, node->kids[i], dot, &side);
        if (code != ERR_OK)
            return code;
        value = truthy(side);
        if (value == decided_by)
            break;
    }
    *ret_value = json_boolean(value);
    return ERR_OK;
}

enum error_code evaluate_disjunction(struct evaluation *e, const struct node *node,
                                     const json_t *dot, json_t **ret_value)
{
    return evaluate_logic(e, node, dot, true, ret_value);
}

enum error_code evaluate_conjunction(struct evaluation *e, const struct node *node,
                                     const json_t *dot, json_t **ret_value)
{
    return evaluate_logic(e, node, dot, false, ret_value);
}
