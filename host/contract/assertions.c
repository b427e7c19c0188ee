/* SPDX-License-Identifier: Apache-2.0
 *
 * Keywords that look at the value alone, made into ops. Each checks the shape of its own value
 * first: a schema that is malformed is refused here, not at the first instance.
 */
#include "contract/compile_internal.h"

#include "base/limits.h"
#include "base/units.h"

static const struct {
    const char *name;
    unsigned types;
} type_names[] = {
    {"string", TYPES_STRING},
    {"number", TYPES_NUMBER},
    {"integer", TYPE_BIT(JSON_INTEGER)},
    {"boolean", TYPE_BIT(JSON_TRUE) | TYPE_BIT(JSON_FALSE)},
    {"object", TYPES_OBJECT},
    {"array", TYPES_ARRAY},
    {"null", TYPE_BIT(JSON_NULL)},
};
enum { TYPE_COUNT = sizeof(type_names) / sizeof(type_names[0]) };

static enum error_code refuse_type(struct compiler *c, const json_t *found)
{
    const char *names[TYPE_COUNT];
    for (size_t i = 0; i < TYPE_COUNT; i++)
        names[i] = type_names[i].name;
    const char *near = json_is_string(found) ? suggest(string_of(found), names, TYPE_COUNT) : NULL;
    AUTO(text_done) struct text shown;
    text_init(&shown, 200);
    value_show(&shown, found);
    return refuse(
        c, KW_TYPE,
        "expected string, number, integer, boolean, object, array or null, found %s%s%s%s",
        text_str(&shown), near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static enum error_code add_type(struct compiler *c, const json_t *name, unsigned *types)
{
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (json_is_string(name) && slice_is(string_of(name), type_names[i].name)) {
            *types |= type_names[i].types;
            return ERR_OK;
        }
    }
    return refuse_type(c, name);
}

enum error_code emit_type(struct compiler *c, enum keyword keyword)
{
    const json_t *value = c->values[keyword];
    unsigned types = 0;
    enum error_code code = ERR_OK;
    if (!json_is_array(value))
        code = add_type(c, value, &types);
    else if (json_array_size(value) == 0)
        return refuse(c, keyword, "expected at least one type");
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value) && !code; i++)
        code = add_type(c, json_array_get(value, i), &types);
    if (code)
        return code;
    struct op *op = op_add(c, OP_TYPE, keyword, TYPES_ALL);
    op->as.type.types = (uint8_t)types;
    op->as.type.integral = (types & TYPES_NUMBER) == TYPE_BIT(JSON_INTEGER);
    return ERR_OK;
}

enum error_code emit_const(struct compiler *c, enum keyword keyword)
{
    op_add(c, OP_CONST, keyword, TYPES_ALL)->as.value = c->values[keyword];
    return ERR_OK;
}

static void emit_strings(struct compiler *c, const json_t *list)
{
    struct names *strings = block_alloc(c->contract, sizeof(*strings));
    strings->count = json_array_size(list);
    strings->list = block_alloc(c->contract, strings->count * sizeof(strings->list[0]));
    for (size_t i = 0; i < strings->count; i++)
        strings->list[i] =
            (struct name){.text = string_of(json_array_get(list, i)), .node = NO_NODE};
    names_sort(strings);
    op_add(c, OP_ENUM_STRINGS, KW_ENUM, TYPES_ALL)->as.strings = strings;
}

enum error_code emit_enum(struct compiler *c, enum keyword keyword)
{
    const json_t *list = c->values[keyword];
    if (!json_is_array(list))
        return refuse(c, keyword, "expected an array of the values that are allowed");
    bool strings = true;
    size_t count = json_array_size(list);
    for (size_t i = 0; i < count; i++)
        strings &= json_is_string(json_array_get(list, i));
    if (strings) {
        emit_strings(c, list);
        return ERR_OK;
    }
    struct value_set *set = block_alloc(c->contract, sizeof(*set));
    set->count = count;
    set->list = block_alloc(c->contract, count * sizeof(const json_t *));
    for (size_t i = 0; i < count; i++)
        set->list[i] = json_array_get(list, i);
    value_set_sort(set);
    op_add(c, OP_ENUM, keyword, TYPES_ALL)->as.set = set;
    return ERR_OK;
}

enum error_code emit_bound(struct compiler *c, enum keyword keyword)
{
    if (!json_is_number(c->values[keyword]))
        return refuse(c, keyword, "expected a number");
    enum op_code code = keyword == KW_MINIMUM             ? OP_MINIMUM
                        : keyword == KW_MAXIMUM           ? OP_MAXIMUM
                        : keyword == KW_EXCLUSIVE_MINIMUM ? OP_EXCLUSIVE_MINIMUM
                                                          : OP_EXCLUSIVE_MAXIMUM;
    op_add(c, code, keyword, TYPES_NUMBER)->as.bound = number_of(c->values[keyword]);
    return ERR_OK;
}

enum error_code emit_multiple_of(struct compiler *c, enum keyword keyword)
{
    const json_t *value = c->values[keyword];
    if (!json_is_number(value) || json_number_value(value) <= 0)
        return refuse(c, keyword, "expected a number greater than 0");
    struct decimal *divisor = block_alloc(c->contract, sizeof(*divisor));
    *divisor = number_decimal(number_of(value));
    op_add(c, OP_MULTIPLE_OF, keyword, TYPES_NUMBER)->as.divisor = divisor;
    return ERR_OK;
}

enum error_code emit_count(struct compiler *c, enum keyword keyword)
{
    static const struct {
        enum keyword keyword;
        enum op_code code;
        unsigned types;
    } rows[] = {
        {KW_MIN_LENGTH, OP_MIN_LENGTH, TYPES_STRING},
        {KW_MAX_LENGTH, OP_MAX_LENGTH, TYPES_STRING},
        {KW_MIN_ITEMS, OP_MIN_ITEMS, TYPES_ARRAY},
        {KW_MAX_ITEMS, OP_MAX_ITEMS, TYPES_ARRAY},
        {KW_MIN_PROPERTIES, OP_MIN_PROPERTIES, TYPES_OBJECT},
        {KW_MAX_PROPERTIES, OP_MAX_PROPERTIES, TYPES_OBJECT},
    };
    size_t count;
    if (!number_count(c->values[keyword], &count))
        return refuse(c, keyword, "expected a whole number, 0 or more");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].keyword == keyword)
            op_add(c, rows[i].code, keyword, rows[i].types)->as.count = count;
    return ERR_OK;
}

enum error_code emit_unique(struct compiler *c, enum keyword keyword)
{
    if (!json_is_boolean(c->values[keyword]))
        return refuse(c, keyword, "expected true or false");
    if (json_is_true(c->values[keyword]))
        op_add(c, OP_UNIQUE_ITEMS, keyword, TYPES_ARRAY);
    return ERR_OK;
}

enum error_code emit_format(struct compiler *c, enum keyword keyword)
{
    const json_t *value = c->values[keyword];
    if (!json_is_string(value))
        return refuse(c, keyword, "expected the name of a format, a string");
    if (c->options->annotate_formats && !c->reading.asserts_formats)
        return ERR_OK;
    const struct format *format = format_find(string_of(value));
    if (!format && c->options->lenient)
        return ERR_OK;
    if (!format) {
        const char *near = format_suggest(string_of(value));
        return refuse_at(c, ERR_UNSUPPORTED, c->node, keyword, "unknown format \"%.80s\"%s%s%s",
                         json_string_value(value), near ? "; did you mean \"" : "",
                         near ? near : "", near ? "\"?" : "");
    }
    op_add(c, OP_FORMAT, keyword, TYPES_STRING)->as.format = format;
    return ERR_OK;
}

enum error_code regex_add(struct compiler *c, enum keyword keyword, struct slice source,
                          const struct regex **ret_regex)
{
    struct contract *contract = c->contract;
    struct error problem;
    struct regex *regex;
    if (source.len > LIMIT_PATTERN)
        return refuse_at(c, ERR_LIMIT, c->node, keyword, "a pattern of more than %u bytes",
                         LIMIT_PATTERN);
    if (regex_new(source, &regex, &problem))
        return refuse(c, keyword, "the pattern \"%.*s\" is not one: %s",
                      (int)(source.len < 200 ? source.len : 200), source.ptr, problem.text);
    contract->regexes = grown(contract->regexes, contract->regex_count, &c->regex_room,
                              sizeof(contract->regexes[0]));
    contract->regexes[contract->regex_count++] = regex;
    *ret_regex = regex;
    return ERR_OK;
}

enum error_code emit_pattern(struct compiler *c, enum keyword keyword)
{
    const struct regex *regex;
    if (!json_is_string(c->values[keyword]))
        return refuse(c, keyword, "expected a regular expression, a string");
    enum error_code code = regex_add(c, keyword, string_of(c->values[keyword]), &regex);
    if (!code)
        op_add(c, OP_PATTERN, keyword, TYPES_STRING)->as.regex = regex;
    return code;
}

enum error_code names_check(struct compiler *c, enum keyword keyword, const json_t *list)
{
    bool names = json_is_array(list);
    for (size_t i = 0; names && i < json_array_size(list); i++)
        names = json_is_string(json_array_get(list, i));
    return names ? ERR_OK : refuse(c, keyword, "expected an array of property names");
}
