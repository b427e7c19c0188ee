/* SPDX-License-Identifier: Apache-2.0
 *
 * Keywords that apply subschemas, made into ops. Those that look at one object together
 * (properties, patternProperties, additionalProperties, propertyNames, required) become one op, so
 * that an object is walked once; so do those of an array's items.
 */
#include "contract/compile_internal.h"

static struct origin place(const json_t *json, enum keyword keyword)
{
    return (struct origin){.json = json, .keyword = (uint16_t)keyword};
}

static struct origin place_named(const json_t *json, enum keyword keyword, struct slice name)
{
    struct origin origin = place(json, keyword);
    origin.named = true;
    origin.name = name;
    return origin;
}

static enum error_code single(struct compiler *c, enum keyword keyword, uint32_t *ret_node)
{
    if (!c->values[keyword]) {
        *ret_node = NO_NODE;
        return ERR_OK;
    }
    return child_node(c, place(c->values[keyword], keyword), ret_node);
}

static enum error_code expect_map(struct compiler *c, enum keyword keyword)
{
    return json_is_object(c->values[keyword])
               ? ERR_OK
               : refuse(c, keyword, "expected an object whose values are schemas");
}

static enum error_code expect_list(struct compiler *c, enum keyword keyword)
{
    return json_array_size(c->values[keyword]) > 0
               ? ERR_OK
               : refuse(c, keyword, "expected an array of at least one schema");
}

static enum error_code list_children(struct compiler *c, enum keyword keyword, uint32_t *ret_first)
{
    struct contract *contract = c->contract;
    const json_t *list = c->values[keyword];
    uint32_t first = (uint32_t)contract->child_count;
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct origin origin = place(json_array_get(list, i), keyword);
        origin.indexed = true;
        origin.index = (uint32_t)i;
        contract->children = grown(contract->children, contract->child_count, &c->child_room,
                                   sizeof(contract->children[0]));
        enum error_code code = child_node(c, origin, &contract->children[contract->child_count++]);
        if (code)
            return code;
    }
    *ret_first = first;
    return ERR_OK;
}

enum error_code emit_list(struct compiler *c, enum keyword keyword)
{
    uint32_t first = 0;
    enum error_code code = expect_list(c, keyword);
    if (!code)
        code = list_children(c, keyword, &first);
    if (code)
        return code;
    enum op_code which = keyword == KW_ALL_OF   ? OP_ALL_OF
                         : keyword == KW_ANY_OF ? OP_ANY_OF
                                                : OP_ONE_OF;
    struct op *op = op_add(c, which, keyword, TYPES_ALL);
    op->as.children.first = first;
    op->as.children.count = (uint32_t)json_array_size(c->values[keyword]);
    return ERR_OK;
}

enum error_code emit_not(struct compiler *c, enum keyword keyword)
{
    uint32_t child;
    enum error_code code = single(c, keyword, &child);
    if (!code)
        op_add(c, OP_NOT, keyword, TYPES_ALL)->as.child = child;
    return code;
}

/* `then` and `else` say nothing without `if`; they are compiled all the same. */
enum error_code emit_if(struct compiler *c, enum keyword keyword)
{
    uint32_t test, then, otherwise;
    if (keyword != KW_IF)
        return c->values[KW_IF] ? ERR_OK : single(c, keyword, &then);
    enum error_code code = single(c, KW_IF, &test);
    if (!code)
        code = single(c, KW_THEN, &then);
    if (!code)
        code = single(c, KW_ELSE, &otherwise);
    if (code)
        return code;
    struct op *op = op_add(c, OP_IF, keyword, TYPES_ALL);
    op->as.condition.test = test;
    op->as.condition.then = then;
    op->as.condition.otherwise = otherwise;
    return ERR_OK;
}

enum error_code emit_ref(struct compiler *c, enum keyword keyword)
{
    uint32_t target;
    enum error_code code = reference_resolve(c, keyword, &target);
    if (!code)
        op_add(c, OP_REF, keyword, TYPES_ALL)->as.child = target;
    return code;
}

static enum error_code add_properties(struct compiler *c, struct names *names)
{
    const json_t *map = c->values[KW_PROPERTIES];
    struct entry e;
    if (!map)
        return ERR_OK;
    for (bool more = entry_first(map, &e); more; more = entry_next(map, &e)) {
        uint32_t node;
        enum error_code code = child_node(c, place_named(e.value, KW_PROPERTIES, e.key), &node);
        if (code)
            return code;
        names->list[names->count++] = (struct name){.text = e.key, .node = node};
    }
    return ERR_OK;
}

/* Fills names, whose list has room for all of `properties` and `required`. */
static enum error_code object_names(struct compiler *c, struct object_rule *rule)
{
    const json_t *required = c->values[KW_REQUIRED];
    size_t room = json_object_size(c->values[KW_PROPERTIES]) + json_array_size(required);
    rule->names.list = block_alloc(c->contract, room * sizeof(struct name));
    enum error_code code = required ? names_check(c, KW_REQUIRED, required) : ERR_OK;
    if (!code)
        code = add_properties(c, &rule->names);
    if (code)
        return code;
    for (size_t i = 0; i < json_array_size(required); i++)
        rule->names.list[rule->names.count++] = (struct name){
            .text = string_of(json_array_get(required, i)), .node = NO_NODE, .required = true};
    names_sort(&rule->names);
    for (size_t i = 0; i < rule->names.count; i++)
        rule->required += rule->names.list[i].required;
    return ERR_OK;
}

static enum error_code object_patterns(struct compiler *c, struct object_rule *rule)
{
    const json_t *map = c->values[KW_PATTERN_PROPERTIES];
    if (!map)
        return ERR_OK;
    struct pattern_rule *patterns =
        block_alloc(c->contract, json_object_size(map) * sizeof(*patterns));
    rule->patterns = patterns;
    struct entry e;
    for (bool more = entry_first(map, &e); more; more = entry_next(map, &e)) {
        struct pattern_rule *p = &patterns[rule->pattern_count++];
        enum error_code code = regex_add(c, KW_PATTERN_PROPERTIES, e.key, &p->regex);
        if (!code)
            code = child_node(c, place_named(e.value, KW_PATTERN_PROPERTIES, e.key), &p->node);
        if (code)
            return code;
    }
    return ERR_OK;
}

enum error_code emit_object(struct compiler *c, enum keyword keyword)
{
    if (c->did_object)
        return ERR_OK;
    c->did_object = true;
    struct object_rule *rule = block_alloc(c->contract, sizeof(*rule));
    enum error_code code = c->values[KW_PROPERTIES] ? expect_map(c, KW_PROPERTIES) : ERR_OK;
    if (!code && c->values[KW_PATTERN_PROPERTIES])
        code = expect_map(c, KW_PATTERN_PROPERTIES);
    if (!code)
        code = object_names(c, rule);
    if (!code)
        code = object_patterns(c, rule);
    if (!code)
        code = single(c, KW_ADDITIONAL_PROPERTIES, &rule->rest);
    if (!code)
        code = single(c, KW_PROPERTY_NAMES, &rule->names_node);
    if (!code)
        op_add(c, OP_OBJECT, keyword, TYPES_OBJECT)->as.object = rule;
    return code;
}

/* The items of a prefix, and what asks about those behind it. */
static void items_keywords(const struct compiler *c, enum keyword *ret_prefix,
                           enum keyword *ret_rest)
{
    *ret_prefix = KW_PREFIX_ITEMS;
    *ret_rest = KW_ITEMS;
    if (c->reading.dialect != DIALECT_2020_12 && json_is_array(c->values[KW_ITEMS])) {
        *ret_prefix = KW_ITEMS;
        *ret_rest = KW_ADDITIONAL_ITEMS;
    }
}

enum error_code emit_items(struct compiler *c, enum keyword keyword)
{
    uint32_t first = 0, count = 0, rest = NO_NODE;
    enum keyword prefix, behind;
    enum error_code code = ERR_OK;
    if (c->did_items)
        return ERR_OK;
    c->did_items = true;
    items_keywords(c, &prefix, &behind);
    if (json_is_array(c->values[KW_ITEMS]) && prefix != KW_ITEMS)
        return refuse(c, KW_ITEMS, "expected a schema; in 2020-12 a list of them is prefixItems");
    if (c->values[prefix]) {
        code = expect_list(c, prefix);
        count = (uint32_t)json_array_size(c->values[prefix]);
    }
    if (!code && count > 0)
        code = list_children(c, prefix, &first);
    if (!code)
        code = single(c, behind, &rest);
    if (code || (count == 0 && rest == NO_NODE))
        return code;
    struct op *op = op_add(c, OP_ITEMS, keyword, TYPES_ARRAY);
    op->as.children.first = first;
    op->as.children.count = count;
    op->as.children.rest = rest;
    return ERR_OK;
}

static enum error_code contains_limit(struct compiler *c, enum keyword keyword, uint32_t otherwise,
                                      uint32_t *ret_limit)
{
    size_t limit = otherwise;
    if (c->values[keyword] && !number_count(c->values[keyword], &limit))
        return refuse(c, keyword, "expected a whole number, 0 or more");
    *ret_limit = limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit;
    return ERR_OK;
}

enum error_code emit_contains(struct compiler *c, enum keyword keyword)
{
    uint32_t child, min = 1, max = UINT32_MAX;
    enum error_code code = contains_limit(c, KW_MIN_CONTAINS, 1, &min);
    if (!code)
        code = contains_limit(c, KW_MAX_CONTAINS, UINT32_MAX, &max);
    if (code || keyword != KW_CONTAINS)
        return code; /* the limits say nothing without `contains` */
    code = single(c, keyword, &child);
    if (code)
        return code;
    struct op *op = op_add(c, OP_CONTAINS, keyword, TYPES_ARRAY);
    op->as.contains.child = child;
    op->as.contains.min = min;
    op->as.contains.max = max;
    op->as.contains.evaluates = c->reading.dialect == DIALECT_2020_12;
    return ERR_OK;
}

static enum error_code add_dependent_names(struct compiler *c, enum keyword keyword,
                                           const struct entry *e)
{
    enum error_code code = names_check(c, keyword, e->value);
    if (code)
        return code;
    struct dependent *d = block_alloc(c->contract, sizeof(*d));
    size_t count = json_array_size(e->value);
    struct slice *needs = block_alloc(c->contract, count * sizeof(*needs));
    for (size_t i = 0; i < count; i++)
        needs[i] = string_of(json_array_get(e->value, i));
    *d = (struct dependent){.name = e->key, .needs = needs, .need_count = count, .node = NO_NODE};
    op_add(c, OP_DEPENDENT_REQUIRED, keyword, TYPES_OBJECT)->as.dependent = d;
    return ERR_OK;
}

static enum error_code add_dependent_schema(struct compiler *c, enum keyword keyword,
                                            const struct entry *e)
{
    struct dependent *d = block_alloc(c->contract, sizeof(*d));
    d->name = e->key;
    enum error_code code = child_node(c, place_named(e->value, keyword, e->key), &d->node);
    if (!code)
        op_add(c, OP_DEPENDENT_SCHEMA, keyword, TYPES_OBJECT)->as.dependent = d;
    return code;
}

enum error_code emit_dependent_required(struct compiler *c, enum keyword keyword)
{
    const json_t *map = c->values[keyword];
    enum error_code code =
        json_is_object(map) ? ERR_OK : refuse(c, keyword, "expected an object of arrays of names");
    struct entry e;
    for (bool more = !code && entry_first(map, &e); more && !code; more = entry_next(map, &e))
        code = add_dependent_names(c, keyword, &e);
    return code;
}

enum error_code emit_dependent_schemas(struct compiler *c, enum keyword keyword)
{
    const json_t *map = c->values[keyword];
    enum error_code code = expect_map(c, keyword);
    struct entry e;
    for (bool more = !code && entry_first(map, &e); more && !code; more = entry_next(map, &e))
        code = json_is_array(e.value) && keyword == KW_DEPENDENCIES
                   ? add_dependent_names(c, keyword, &e)
                   : add_dependent_schema(c, keyword, &e);
    return code;
}

enum error_code emit_unevaluated(struct compiler *c, enum keyword keyword)
{
    uint32_t child;
    bool items = keyword == KW_UNEVALUATED_ITEMS;
    enum error_code code = single(c, keyword, &child);
    if (code)
        return code;
    unsigned types = items ? TYPES_ARRAY : TYPES_OBJECT;
    op_add(c, items ? OP_UNEVALUATED_ITEMS : OP_UNEVALUATED_PROPERTIES, keyword, types)->as.child =
        child;
    c->contract->nodes[c->node].tracks |= (uint8_t)types;
    return ERR_OK;
}

/* The nodes below are compiled with all others; here only what is not a schema is refused. */
enum error_code emit_definitions(struct compiler *c, enum keyword keyword)
{
    const json_t *map = c->values[keyword];
    enum error_code code = expect_map(c, keyword);
    struct entry e;
    for (bool more = !code && entry_first(map, &e); more && !code; more = entry_next(map, &e))
        if (!json_is_object(e.value) && !json_is_boolean(e.value))
            code = refuse(c, keyword, "expected \"%s\" to be a schema: an object or a boolean",
                          e.key.ptr);
    return code;
}
