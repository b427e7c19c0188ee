/* SPDX-License-Identifier: Apache-2.0
 *
 * Templates: finds the `${ }` in the strings of a JSON value and makes one tree of the value and
 * its expressions. What has no expression in it makes no nodes: it stays the value that it was,
 * shared by every evaluation.
 */
#include "mapping/evaluate_internal.h"

#include <string.h>

/* What compiling a template needs, and where in it we are. */
struct template
{
    struct mapping *mapping;
    const struct mapping_names *names;
    struct text pointer;
    unsigned depth;
    struct error *reterr;
};

/* Sets *ret_node to NULL if the value holds no expression, and stands for itself. */
static enum error_code compile(struct template *t, json_t *value, struct node **ret_node);

static enum error_code blame_place(struct template *t, enum error_code code)
{
    if (t->pointer.len > 0)
        error_prefix(t->reterr, "%s: ", text_str(&t->pointer));
    return code;
}

/* ---- strings ---- */

/* The byte of the next `${` or `$${` from `at` on; the length if there is none. */
static size_t find_opening(struct slice string, size_t at)
{
    for (; at < string.len; at++) {
        struct slice rest = {string.ptr + at, string.len - at};
        if (slice_starts(rest, "${") || slice_starts(rest, "$${"))
            return at;
    }
    return string.len;
}

/* Adds what stands between expressions, with `$${` as `${`; sets *at to the next expression, behind
 * its `${`, or to the end. */
static bool next_expression(struct slice string, size_t *at, struct text *between)
{
    for (;;) {
        size_t opening = find_opening(string, *at);
        text_add(between, string.ptr + *at, opening - *at);
        *at = opening;
        if (opening == string.len)
            return false;
        if (string.ptr[opening + 1] == '{') {
            *at += strlen("${");
            return true;
        }
        text_adds(between, "${");
        *at += strlen("$${");
    }
}

static void add_between(struct template *t, struct node *pieces, struct text *between)
{
    if (between->len > 0)
        node_add_kid(pieces,
                     literal_new(t->mapping, json_stringn_nocheck(between->ptr, between->len),
                                 (struct slice){"", 0}));
    text_clear(between);
}

/* The pieces of a string: what stands between expressions, and the expressions. */
static enum error_code compile_pieces(struct template *t, struct slice string, struct node *pieces,
                                      struct text *between)
{
    size_t at = 0;
    while (next_expression(string, &at, between)) {
        struct node *expression = NULL;
        add_between(t, pieces, between);
        enum error_code code = expression_parse(t->mapping, string, &at, &expression, t->reterr);
        if (code == ERR_OK)
            code = expression_resolve(t->mapping, t->names, string, &expression, t->reterr);
        if (code != ERR_OK)
            return code;
        t->mapping->constant = false;
        node_add_kid(pieces, expression);
    }
    return ERR_OK;
}

static enum error_code compile_string(struct template *t, json_t *value, struct node **ret_node)
{
    struct slice string = string_slice(value);
    *ret_node = NULL;
    if (find_opening(string, 0) == string.len)
        return ERR_OK;
    AUTO(text_done) struct text between;
    text_init(&between, string.len + 1);
    struct node *pieces = node_new(t->mapping, OPERATION_STRING, string);
    enum error_code code = compile_pieces(t, string, pieces, &between);
    if (code != ERR_OK)
        return blame_place(t, code);
    bool alone = pieces->kid_count == 1 && between.len == 0;
    if (pieces->kid_count == 0) {
        *ret_node =
            literal_new(t->mapping, json_stringn_nocheck(text_str(&between), between.len), string);
        return ERR_OK;
    }
    add_between(t, pieces, &between);
    *ret_node = node_new(t->mapping, OPERATION_PLACE, string);
    (*ret_node)->as.pointer = xstrdup(text_str(&t->pointer));
    node_add_kid(*ret_node, alone ? pieces->kids[0] : pieces);
    return ERR_OK;
}

/* ---- arrays and objects ---- */

static void push_pointer(struct text *pointer, struct slice token)
{
    text_addc(pointer, '/');
    for (size_t i = 0; i < token.len; i++) {
        if (token.ptr[i] == '~' || token.ptr[i] == '/')
            text_adds(pointer, token.ptr[i] == '~' ? "~0" : "~1");
        else
            text_addc(pointer, token.ptr[i]);
    }
}

static void pop_pointer(struct text *pointer, size_t length)
{
    pointer->len = length;
    if (pointer->ptr)
        pointer->ptr[length] = '\0';
}

/* Compiles the values of a container into parts; tells whether any holds an expression. */
static enum error_code compile_items(struct template *t, const json_t *array, struct node **parts,
                                     bool *ret_any)
{
    size_t length = t->pointer.len;
    for (size_t i = 0; i < json_array_size(array); i++) {
        text_addf(&t->pointer, "/%zu", i);
        enum error_code code = compile(t, json_array_get(array, i), &parts[i]);
        if (code != ERR_OK)
            return code;
        *ret_any = *ret_any || parts[i] != NULL;
        pop_pointer(&t->pointer, length);
    }
    return ERR_OK;
}

static enum error_code compile_members(struct template *t, json_t *object, struct node **parts,
                                       bool *ret_any)
{
    size_t length = t->pointer.len, i = 0;
    const char *key;
    json_t *value;
    json_object_foreach (object, key, value) {
        push_pointer(&t->pointer, slice_of(key));
        enum error_code code = compile(t, value, &parts[i]);
        if (code != ERR_OK)
            return code;
        *ret_any = *ret_any || parts[i] != NULL;
        pop_pointer(&t->pointer, length);
        i++;
    }
    return ERR_OK;
}

static struct node *constant_new(struct template *t, json_t *value_taken)
{
    return literal_new(t->mapping, value_taken, (struct slice){"", 0});
}

static struct node *array_of(struct template *t, const json_t *array, struct node *const *parts)
{
    struct node *node = node_new(t->mapping, OPERATION_ARRAY, (struct slice){"", 0});
    for (size_t i = 0; i < json_array_size(array); i++)
        node_add_kid(node, parts[i] ? parts[i] : constant_new(t, share(json_array_get(array, i))));
    return node;
}

static struct node *object_of(struct template *t, json_t *object, struct node *const *parts)
{
    struct node *node = node_new(t->mapping, OPERATION_OBJECT, (struct slice){"", 0});
    size_t i = 0;
    const char *key;
    json_t *value;
    json_object_foreach (object, key, value) {
        node_add_kid(node, constant_new(t, json_string_nocheck(key)));
        node_add_kid(node, parts[i] ? parts[i] : constant_new(t, share(value)));
        i++;
    }
    return node;
}

static enum error_code compile_container(struct template *t, json_t *value, struct node **ret_node)
{
    bool array = json_is_array(value), any = false;
    size_t count = array ? json_array_size(value) : json_object_size(value);
    AUTO(freep) struct node **parts = xcalloc(count + 1, sizeof(struct node *));
    enum error_code code =
        array ? compile_items(t, value, parts, &any) : compile_members(t, value, parts, &any);
    if (code != ERR_OK)
        return code;
    *ret_node = !any ? NULL : array ? array_of(t, value, parts) : object_of(t, value, parts);
    return ERR_OK;
}

static enum error_code compile(struct template *t, json_t *value, struct node **ret_node)
{
    *ret_node = NULL;
    if (json_is_string(value))
        return compile_string(t, value, ret_node);
    if (!json_is_array(value) && !json_is_object(value))
        return ERR_OK;
    if (++t->depth > LIMIT_DEPTH)
        return blame_place(t, error_set(t->reterr, ERR_LIMIT,
                                        "the mapping is nested over %d levels deep (LIMIT_DEPTH)",
                                        LIMIT_DEPTH));
    enum error_code code = compile_container(t, value, ret_node);
    t->depth--;
    return code;
}

enum error_code template_compile(struct mapping *mapping, const struct mapping_names *names,
                                 struct error *reterr)
{
    struct template t = {.mapping = mapping, .names = names, .reterr = reterr};
    text_init(&t.pointer, LIMIT_FILE);
    enum error_code code = compile(&t, mapping->source, &mapping->root);
    text_done(&t.pointer);
    if (code == ERR_OK && !mapping->root)
        mapping->root = constant_new(&t, json_incref(mapping->source));
    return code;
}
