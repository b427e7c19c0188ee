/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiling a schema: survey it, then make each node's keywords into ops. Nodes are compiled one
 * after the other from a list, which references may extend, so nothing recurses here. The ops of a
 * node lie side by side, in the order of the table of keywords.
 * What must never happen: a keyword that asserts something and gets no op. An unknown one is
 * refused, one of another dialect is refused, one that is malformed is refused.
 */
#include "contract/compile_internal.h"
#include "contract/fused_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* NULL: the keyword asks nothing. */
static emit_keyword *const emitters[KW_COUNT] = {
    [KW_RECURSIVE_ANCHOR] = emit_recursive_anchor,
    [KW_DEFS] = emit_definitions,
    [KW_DEFINITIONS] = emit_definitions,
    [KW_TYPE] = emit_type,
    [KW_CONST] = emit_const,
    [KW_ENUM] = emit_enum,
    [KW_MINIMUM] = emit_bound,
    [KW_EXCLUSIVE_MINIMUM] = emit_bound,
    [KW_MAXIMUM] = emit_bound,
    [KW_EXCLUSIVE_MAXIMUM] = emit_bound,
    [KW_MULTIPLE_OF] = emit_multiple_of,
    [KW_MIN_LENGTH] = emit_count,
    [KW_MAX_LENGTH] = emit_count,
    [KW_MIN_ITEMS] = emit_count,
    [KW_MAX_ITEMS] = emit_count,
    [KW_MIN_PROPERTIES] = emit_count,
    [KW_MAX_PROPERTIES] = emit_count,
    [KW_FORMAT] = emit_format,
    [KW_PATTERN] = emit_pattern,
    [KW_REQUIRED] = emit_object,
    [KW_PROPERTIES] = emit_object,
    [KW_PATTERN_PROPERTIES] = emit_object,
    [KW_ADDITIONAL_PROPERTIES] = emit_object,
    [KW_PROPERTY_NAMES] = emit_object,
    [KW_DEPENDENT_REQUIRED] = emit_dependent_required,
    [KW_PREFIX_ITEMS] = emit_items,
    [KW_ITEMS] = emit_items,
    [KW_ADDITIONAL_ITEMS] = emit_items,
    [KW_CONTAINS] = emit_contains,
    [KW_MIN_CONTAINS] = emit_contains,
    [KW_MAX_CONTAINS] = emit_contains,
    [KW_UNIQUE_ITEMS] = emit_unique,
    [KW_REF] = emit_ref,
    [KW_DYNAMIC_REF] = emit_dynamic_ref,
    [KW_RECURSIVE_REF] = emit_recursive_ref,
    [KW_ALL_OF] = emit_list,
    [KW_IF] = emit_if,
    [KW_THEN] = emit_if,
    [KW_ELSE] = emit_if,
    [KW_NOT] = emit_not,
    [KW_ANY_OF] = emit_list,
    [KW_ONE_OF] = emit_list,
    [KW_DEPENDENT_SCHEMAS] = emit_dependent_schemas,
    [KW_DEPENDENCIES] = emit_dependent_schemas,
    [KW_UNEVALUATED_ITEMS] = emit_unevaluated,
    [KW_UNEVALUATED_PROPERTIES] = emit_unevaluated,
};

/* What stands there, if the words do not say it. */
static void add_found(const struct compiler *c, enum keyword keyword, const char *words,
                      struct text *out)
{
    const json_t *value = keyword < KW_COUNT ? c->values[keyword] : NULL;
    if (!value || !slice_starts(slice_of(words), "expected ") || strstr(words, ", found "))
        return;
    text_adds(out, ", found ");
    value_show(out, value);
}

static enum error_code refuse_list(struct compiler *c, enum error_code code, uint32_t node,
                                   enum keyword keyword, const char *format, va_list args)
{
    AUTO(text_done) struct text place;
    char *words;
    text_init(&place, ERROR_TEXT_SIZE);
    origin_pointer(c->contract, node, NO_NODE, &place);
    if (keyword != KW_COUNT)
        pointer_add(&place, slice_of(keyword_rows[keyword].spelling));
    if (vasprintf(&words, format, args) < 0)
        words = xstrdup("out of memory");
    AUTO(text_done) struct text found;
    text_init(&found, 200);
    if (node == c->node)
        add_found(c, keyword, words, &found);
    error_set(c->reterr, code, "schema at \"%s\": %s%s", text_str(&place), words, text_str(&found));
    free(words);
    return code;
}

enum error_code refuse_at(struct compiler *c, enum error_code code, uint32_t node,
                          enum keyword keyword, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    refuse_list(c, code, node, keyword, format, args);
    va_end(args);
    return code;
}

enum error_code refuse(struct compiler *c, enum keyword keyword, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    refuse_list(c, ERR_INPUT, c->node, keyword, format, args);
    va_end(args);
    return ERR_INPUT;
}

struct op *op_add(struct compiler *c, enum op_code code, enum keyword keyword, unsigned types)
{
    struct contract *contract = c->contract;
    contract->ops = grown(contract->ops, contract->op_count, &c->op_room, sizeof(contract->ops[0]));
    struct op *op = &contract->ops[contract->op_count++];
    *op = (struct op){.code = (uint8_t)code,
                      .types = (uint8_t)types,
                      .keyword = (uint16_t)keyword,
                      .node = c->node};
    return op;
}

static enum error_code refuse_unknown(struct compiler *c, struct slice name)
{
    AUTO(text_done) struct text place;
    text_init(&place, ERROR_TEXT_SIZE);
    origin_pointer(c->contract, c->node, NO_NODE, &place);
    pointer_add(&place, name);
    const char *near = keyword_suggest(name, c->reading.dialect);
    return error_set(c->reterr, ERR_UNSUPPORTED,
                     "schema at \"%s\": unknown keyword%s%s%s; what only annotates begins with x-",
                     text_str(&place), near ? "; did you mean \"" : "", near ? near : "",
                     near ? "\"?" : "");
}

static enum error_code refuse_dialect(struct compiler *c, enum keyword keyword)
{
    static const enum dialect all[] = {DIALECT_2020_12, DIALECT_2019_09, DIALECT_DRAFT_07};
    const char *names[3] = {"", "", ""};
    size_t count = 0;
    for (size_t i = 0; i < 3; i++)
        if (keyword_rows[keyword].dialects & all[i])
            names[count++] = dialect_name(all[i]);
    return refuse_at(c, ERR_UNSUPPORTED, c->node, keyword,
                     "not a keyword of %s, which this schema is written in, but of %s%s%s",
                     dialect_name(c->reading.dialect), names[0], count > 1 ? " and " : "",
                     names[1]);
}

/* Sorts the keywords of the node in hand into c->values. */
static enum error_code gather(struct compiler *c, const json_t *json)
{
    struct entry e;
    for (enum keyword k = 0; k < KW_COUNT; k++)
        c->values[k] = NULL;
    for (bool more = entry_first(json, &e); more; more = entry_next(json, &e)) {
        if (slice_starts(e.key, "x-"))
            continue;
        enum keyword keyword = keyword_find(e.key);
        bool known = keyword != KW_COUNT;
        bool spoken = known && keyword_rows[keyword].dialects & c->reading.dialect;
        if (!known && !c->options->lenient)
            return refuse_unknown(c, e.key);
        if (known && !spoken && !c->options->lenient)
            return refuse_dialect(c, keyword);
        if (spoken && keyword_in_force(&c->reading, keyword))
            c->values[keyword] = e.value;
    }
    return ERR_OK;
}

/* The dialect is a resource's: a schema with a `$id` of its own may name another, the schemas
 * inside it may only name the same again. */
static enum error_code check_dialect(struct compiler *c)
{
    const json_t *value = c->values[KW_SCHEMA];
    struct reading reading = {0};
    struct error problem;
    if (!value)
        return ERR_OK;
    if (!json_is_string(value))
        return refuse(c, KW_SCHEMA, "expected the URI of a dialect, a string");
    if (!reading_find(c, json_string_value(value), &reading, &problem))
        return refuse_at(c, ERR_UNSUPPORTED, c->node, KW_SCHEMA, "%s", problem.text);
    if (reading.dialect != c->reading.dialect || reading.vocabularies != c->reading.vocabularies)
        return refuse_at(c, ERR_UNSUPPORTED, c->node, KW_SCHEMA,
                         "a schema of %s inside one of %s; give it a $id to have its own dialect",
                         dialect_name(reading.dialect), dialect_name(c->reading.dialect));
    return ERR_OK;
}

static enum error_code emit_all(struct compiler *c)
{
    enum error_code code = ERR_OK;
    if (c->reading.dialect == DIALECT_DRAFT_07 && c->values[KW_REF])
        return emit_ref(c, KW_REF); /* there, $ref stands for all that is beside it */
    for (enum keyword k = 0; k < KW_COUNT && !code; k++) {
        if (!c->values[k])
            continue;
        ASSERT(emitters[k] || keyword_rows[k].annotates);
        if (emitters[k])
            code = emitters[k](c, k);
    }
    return code;
}

static enum error_code compile_node(struct compiler *c, uint32_t node)
{
    struct contract *contract = c->contract;
    const json_t *json = contract->origins[node].json;
    uint32_t first = (uint32_t)contract->op_count;
    enum error_code code = ERR_OK;
    c->node = node;
    c->reading = c->resources[contract->origins[node].resource].reading;
    c->did_object = c->did_items = false;
    if (json_is_false(json)) {
        op_add(c, OP_NEVER, KW_COUNT, TYPES_ALL);
    } else if (json_is_object(json)) {
        code = gather(c, json);
        if (!code)
            code = check_dialect(c);
        if (!code)
            code = emit_all(c);
    } else if (!json_is_true(json)) {
        AUTO(text_done) struct text shown;
        text_init(&shown, 200);
        value_show(&shown, json);
        code = refuse(c, KW_COUNT, "expected a schema, an object or a boolean, found %s",
                      text_str(&shown));
    }
    contract->nodes[node].first = first;
    contract->nodes[node].count = (uint32_t)contract->op_count - first;
    return code;
}

static enum error_code compile_document(struct compiler *c)
{
    struct contract *contract = c->contract;
    struct reading reading = {0};
    struct error problem;
    uint32_t resource;
    if (!reading_find(c, c->options->dialect ? c->options->dialect : DIALECT_DEFAULT, &reading,
                      &problem))
        return error_set(c->reterr, ERR_UNSUPPORTED, "%s", problem.text);
    enum error_code code = survey_document(c, contract->schema, "", reading, &resource);
    for (uint32_t node = 0; node < contract->node_count && !code; node++)
        code = compile_node(c, node);
    if (!code)
        code = dynamic_finish(c);
    return code ? code : loops_check(c);
}

/* What messages need of the resources goes to the contract. */
static void compiler_done(struct compiler *c)
{
    struct contract *contract = c->contract;
    contract->bases = xcalloc(c->resource_count, sizeof(contract->bases[0]));
    contract->base_count = c->resource_count;
    for (size_t i = 0; i < c->resource_count; i++)
        contract->bases[i] = (struct base){c->resources[i].uri, c->resources[i].node};
    free(c->resources);
    json_decref(c->by_uri);
    free(c->anchors);
    free(c->awaiting);
    free(c->spots);
}

enum error_code contract_compile(json_t *schema, const struct contract_options *options,
                                 struct contract **ret_contract, struct error *reterr)
{
    static const struct contract_options plain;
    AUTO(contract_unrefp) struct contract *contract = xcalloc(1, sizeof(*contract));
    contract->references = 1;
    peek_learn();
    contract->schema = json_incref(schema);
    struct compiler c = {.contract = contract,
                         .options = options ? options : &plain,
                         .reterr = reterr,
                         .by_uri = json_object()};
    enum error_code code = compile_document(&c);
    compiler_done(&c);
    if (!code) {
        contract->fused = fuse(contract);
        *ret_contract = TAKE(contract);
    }
    return code;
}
